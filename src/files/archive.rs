//! The archive: a folder for each ticket with its files and a page that lists them, for systems that take no files.
//!
//! A file is there under its name or not at all, and one that is there with another content is never written over.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::{Files, spool};
use crate::html;
use crate::outfile::{self, Draft, Readers};
use crate::record::RowKey;
use crate::systems::attach::FileFacts;

/// What is known of the files of a ticket, for the page.
const LIST: &str = "files.json";

/// The page.
const PAGE: &str = "index.html";

/// Names that no file of a ticket has in its folder.
pub(crate) const RESERVED: [&str; 2] = [LIST, PAGE];

/// A file of a ticket, as the page lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    name: String,
    /// Where it came from, as the row names it.
    from: String,
    /// Of which row of a desk it is; earlier versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    bytes: u64,
    hash: String,
    /// Why it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<String>,
}

/// The row that a folder is for.
#[derive(Debug)]
pub(crate) struct Whose {
    of: String,
    /// Where all its files come from.
    from: Vec<String>,
}

impl Whose {
    pub(crate) fn new(key: &RowKey, from: Vec<String>) -> Self {
        Self {
            of: blake3::hash(key.as_str().as_bytes()).to_hex()[..16].to_owned(),
            from,
        }
    }

    /// Whether a folder with these files is its own, or is nobody's yet.
    fn has(&self, list: &[Kept]) -> bool {
        let is_its = |kept: &Kept| match &kept.of {
            Some(of) => *of == self.of,
            None => self.from.contains(&kept.from),
        };
        list.is_empty() || list.iter().any(is_its)
    }
}

/// What came of keeping a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Archived {
    /// It is there.
    Kept,
    /// It is not there, and the page says why.
    Lost,
    /// The folder is that of another ticket: nothing was written.
    Foreign,
}

impl Kept {
    /// Whether the file is in the folder as it was put there: a person may have changed it since.
    fn is_there(&self, folder: &Path) -> bool {
        let digest = || outfile::digest_of(&folder.join(&self.name)).ok();
        self.lost.is_none() && digest().is_some_and(|it| it.to_hex().as_str() == self.hash)
    }
}

impl Files {
    /// Keeps a file under its name in the folder of its ticket; `from` is where it came from, as the row names it. With `whose`
    /// the folder must be that row's: two desks may have tickets of one number.
    ///
    /// # Errors
    /// When the disk does not take it, or another file has the name.
    pub(crate) fn archive(
        &self,
        ticket: &str,
        file: &FileFacts,
        from: &str,
        whose: Option<&Whose>,
    ) -> io::Result<Archived> {
        let _one = self.listing.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.archive.join(ticket);
        fs::create_dir_all(&folder)?;
        let path = folder.join(&file.name);
        let mut list = listed(&folder)?;
        if whose.is_some_and(|whose| !whose.has(&list)) {
            return Ok(Archived::Foreign);
        }
        let is_there = path.exists();
        if is_there {
            let there = outfile::digest_of(&path)?.to_hex().to_string();
            if there != file.hash {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    format!("`{}` is there already with other content", path.display()),
                ));
            }
        }
        let same = list
            .iter()
            .find(|kept| kept.hash == file.hash && kept.name != file.name)
            .filter(|same| same.is_there(&folder))
            .map(|same| folder.join(&same.name));
        note(
            &mut list,
            Kept {
                name: file.name.clone(),
                from: from.to_owned(),
                bytes: file.bytes,
                hash: file.hash.clone(),
                of: whose.map(|whose| whose.of.clone()),
                lost: None,
            },
        );
        // What is in the folder is known before it is there: after a kill nobody may be able to read it once more.
        put_list(&folder, &list)?;
        if !is_there && same.is_none_or(|same| fs::hard_link(same, &path).is_err()) {
            copy(&file.path, &path)?;
        }
        put(folder.join(PAGE), page(ticket, &list).as_bytes())?;
        Ok(Archived::Kept)
    }

    /// Notes on the page of a ticket that a file is not there, and why; where it is there from an earlier time it stays.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(crate) fn archive_lost(
        &self,
        ticket: &str,
        (name, from): (&str, &str),
        why: &str,
        whose: Option<&Whose>,
    ) -> io::Result<Archived> {
        let _one = self.listing.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.archive.join(ticket);
        fs::create_dir_all(&folder)?;
        let mut list = listed(&folder)?;
        if whose.is_some_and(|whose| !whose.has(&list)) {
            return Ok(Archived::Foreign);
        }
        let mut known = list.iter();
        if known.any(|kept| kept.name == name && kept.from == from && kept.is_there(&folder)) {
            put(folder.join(PAGE), page(ticket, &list).as_bytes())?;
            return Ok(Archived::Kept);
        }
        let lost = Kept {
            name: name.to_owned(),
            from: from.to_owned(),
            bytes: 0,
            hash: String::new(),
            of: whose.map(|whose| whose.of.clone()),
            lost: Some(why.to_owned()),
        };
        // A file of that name that came from elsewhere is there all the same.
        match list
            .iter_mut()
            .find(|kept| kept.name == name && kept.from == from)
        {
            Some(kept) => *kept = lost,
            None => list.push(lost),
        }
        put_list(&folder, &list)?;
        put(folder.join(PAGE), page(ticket, &list).as_bytes())?;
        Ok(Archived::Lost)
    }
}

/// What the archive shows of a file that it is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// It is there as it was when it was kept.
    Whole,
    /// It is not there.
    Missing,
    /// It has another content than when it was kept.
    Other,
    /// Nobody can say, and why.
    Unknown(String),
}

/// Looks for a file in the folder of its ticket.
pub(crate) fn held(folder: &Path, name: &str) -> Held {
    let looked = || -> io::Result<Held> {
        let path = folder.join(name);
        if !path.try_exists()? {
            return Ok(Held::Missing);
        }
        let list = listed(folder)?;
        let kept = list.iter().find(|kept| kept.name == name);
        Ok(match kept.filter(|kept| kept.lost.is_none()) {
            Some(kept) if outfile::digest_of(&path)?.to_hex().as_str() == kept.hash => Held::Whole,
            Some(_) => Held::Other,
            None => Held::Unknown(format!("the archive's `{LIST}` does not say what it held")),
        })
    };
    looked().unwrap_or_else(|error| Held::Unknown(error.to_string()))
}

fn listed(folder: &Path) -> io::Result<Vec<Kept>> {
    match fs::read(folder.join(LIST)) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn note(list: &mut Vec<Kept>, new: Kept) {
    match list.iter_mut().find(|kept| kept.name == new.name) {
        Some(kept) => *kept = new,
        None => list.push(new),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut draft = Draft::beside(to, Readers::Owner)?;
    let mut file = fs::File::open(from)?;
    io::copy(&mut file, &mut draft)?;
    let whole = draft.whole()?;
    whole.replace(to).map_err(io::Error::from)
}

fn put_list(folder: &Path, list: &[Kept]) -> io::Result<()> {
    let json = serde_json::to_vec_pretty(list).map_err(io::Error::other)?;
    put(folder.join(LIST), &json)
}

fn put(path: PathBuf, bytes: &[u8]) -> io::Result<()> {
    let mut draft = Draft::beside(&path, Readers::Owner)?;
    draft.write_all(bytes)?;
    let whole = draft.whole()?;
    whole.replace(&path).map_err(io::Error::from)
}

/// The page of a ticket's files, which needs nothing beside itself.
fn page(ticket: &str, list: &[Kept]) -> String {
    let title = html::from_text(&format!("Files of {ticket}"));
    let mut rows = String::new();
    for kept in list {
        let name = html::from_text(&kept.name);
        let (shown, size) = match &kept.lost {
            None => (
                format!(
                    "<a href=\"{}\">{name}</a>",
                    html::from_text(&encoded(&kept.name))
                ),
                html::from_text(&spool::size(kept.bytes)),
            ),
            Some(why) => (name, format!("missing: {}", html::from_text(why))),
        };
        rows.push_str(&format!(
            "<tr><td>{shown}</td><td>{size}</td><td>{}</td><td><code>{}</code></td></tr>\n",
            html::from_text(&kept.from),
            html::from_text(&kept.hash),
        ));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{title}</title>\
         <style>body{{font-family:sans-serif;margin:2em}}td,th{{padding:.3em 1em .3em 0;text-align:left}}code{{font-size:.7em}}</style>\
         </head><body>\n<h1>{title}</h1>\n<table>\n\
         <tr><th>File</th><th>Size</th><th>From</th><th>BLAKE3</th></tr>\n{rows}</table>\n</body></html>\n"
    )
}

/// A name as a part of an address.
pub(crate) fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, content: &str) -> FileFacts {
        let path = folder.join(format!("spooled-{name}"));
        fs::write(&path, content).unwrap();
        FileFacts {
            path,
            name: name.to_owned(),
            kind: "text/plain",
            bytes: content.len() as u64,
            hash: blake3::hash(content.as_bytes()).to_hex().to_string(),
        }
    }

    fn lost(files: &Files, from: &str) -> Archived {
        let lost = files.archive_lost("7", ("a.txt", from), "404", None);
        lost.unwrap()
    }

    #[test]
    fn an_archive_keeps_files_with_a_page_and_writes_over_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files {
            archive: folder.path().join("attachments"),
            ..Files::default()
        };
        let of = |name, content| file(folder.path(), name, content);
        files
            .archive("10007", &of("a <1>.txt", "one"), "in/a.txt", None)
            .unwrap();
        files
            .archive("10007", &of("b.txt", "two"), "in/b.txt", None)
            .unwrap();
        // Once more, as after a kill between the file and the ledger.
        files
            .archive("10007", &of("b.txt", "two"), "in/b.txt", None)
            .unwrap();
        files
            .archive("10007", &of("copy.txt", "one"), "in/copy.txt", None)
            .unwrap();
        files
            .archive_lost("10007", ("c.txt", "https://x/c.txt"), "404 & gone", None)
            .unwrap();
        let at = |name: &str| folder.path().join("attachments/10007").join(name);
        let look = |name: &str| held(&folder.path().join("attachments/10007"), name);
        assert_eq!((look("b.txt"), look("c.txt")), (Held::Whole, Held::Missing));
        assert_eq!(fs::read_to_string(at("a <1>.txt")).unwrap(), "one");
        assert_eq!(fs::read_to_string(at("copy.txt")).unwrap(), "one");
        let page = fs::read_to_string(at(PAGE)).unwrap();
        assert!(
            page.contains("<a href=\"a%20%3C1%3E.txt\">a &lt;1&gt;.txt</a>"),
            "{page}"
        );
        assert_eq!(page.matches("href=\"b.txt\"").count(), 1);
        assert!(
            page.contains("<td>c.txt</td><td>missing: 404 &amp; gone</td>"),
            "{page}"
        );
        let clash = files
            .archive("10007", &of("b.txt", "other"), "in/b.txt", None)
            .unwrap_err();
        assert!(
            clash
                .to_string()
                .contains("is there already with other content")
        );
        assert_eq!(fs::read_to_string(at("b.txt")).unwrap(), "two");
        fs::write(at("b.txt"), "twe").unwrap();
        assert_eq!(look("b.txt"), Held::Other);
        fs::write(at("d.txt"), "two").unwrap();
        assert!(matches!(look("d.txt"), Held::Unknown(_)));
    }

    #[test]
    fn a_file_that_is_in_the_archive_is_not_called_missing() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files {
            archive: folder.path().join("attachments"),
            ..Files::default()
        };
        let a = file(folder.path(), "a.txt", "one");
        files.archive("7", &a, "desk:1", None).unwrap();
        let at = |name: &str| folder.path().join("attachments/7").join(name);
        let page = fs::read_to_string(at(PAGE)).unwrap();
        // Killed before the ledger knew of it, and gone in the source since.
        assert_eq!(lost(&files, "desk:1"), Archived::Kept);
        assert_eq!(fs::read_to_string(at(PAGE)).unwrap(), page);
        // Killed before it was there: it is listed, and is not taken for one that is.
        fs::remove_file(at("a.txt")).unwrap();
        assert_eq!(lost(&files, "desk:1"), Archived::Lost);
        let page = fs::read_to_string(at(PAGE)).unwrap();
        assert!(page.contains("missing: 404"), "{page}");
        // Another file under that name is not it.
        files.archive("7", &a, "desk:1", None).unwrap();
        assert_eq!(lost(&files, "desk:2"), Archived::Lost);
        let page = fs::read_to_string(at(PAGE)).unwrap();
        assert_eq!(page.matches("href=\"a.txt\"").count(), 1, "{page}");
        assert!(page.contains("missing: 404"), "{page}");
    }

    #[test]
    fn what_a_person_has_changed_in_the_archive_is_not_taken_for_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files {
            archive: folder.path().join("attachments"),
            ..Files::default()
        };
        let of = |name, content| file(folder.path(), name, content);
        files
            .archive("7", &of("a.txt", "one"), "desk:1", None)
            .unwrap();
        let at = |name: &str| folder.path().join("attachments/7").join(name);
        fs::write(at("a.txt"), "edited").unwrap();
        files
            .archive("7", &of("copy.txt", "one"), "desk:2", None)
            .unwrap();
        assert_eq!(fs::read_to_string(at("copy.txt")).unwrap(), "one");
        assert_eq!(lost(&files, "desk:1"), Archived::Lost);
    }

    #[test]
    fn a_folder_is_of_one_ticket_of_a_desk() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files {
            archive: folder.path().join("attachments"),
            ..Files::default()
        };
        let whose = |key: &str, from: &[&str]| {
            let from = from.iter().map(|from| (*from).to_owned());
            Whose::new(&RowKey::new(key), from.collect())
        };
        let keep = |name: &str, from: &str, whose: &Whose| {
            let file = file(folder.path(), name, from);
            files.archive("7", &file, from, Some(whose)).unwrap()
        };
        let (north, south) = (whose("north|1", &["desk:1"]), whose("south|1", &["desk:9"]));
        assert_eq!(keep("a.txt", "desk:1", &north), Archived::Kept);
        assert_eq!(keep("b.txt", "desk:9", &south), Archived::Foreign);
        let lost = files.archive_lost("7", ("b.txt", "desk:9"), "404", Some(&south));
        assert_eq!(lost.unwrap(), Archived::Foreign);
        assert!(!folder.path().join("attachments/7/b.txt").exists());
        // A later pass brings another file.
        assert_eq!(keep("c.txt", "desk:2", &north), Archived::Kept);
        // An earlier version did not say of which row a file is: it is told by where the files come from.
        let list = folder.path().join("attachments/7").join(LIST);
        let text = fs::read_to_string(&list).unwrap();
        let without: Vec<&str> = text
            .lines()
            .filter(|line| !line.contains("\"of\""))
            .collect();
        fs::write(&list, without.join("\n")).unwrap();
        let north = whose("north|1", &["desk:1", "desk:2", "desk:3"]);
        assert_eq!(keep("d.txt", "desk:9", &south), Archived::Foreign);
        assert_eq!(keep("d.txt", "desk:3", &north), Archived::Kept);
    }
}
