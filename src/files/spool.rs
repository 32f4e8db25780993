//! One file, copied to the disk before it is sent: what is hashed is what is sent, whatever happens to the original
//! meanwhile.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::{NamedTempFile, TempPath};
use url::Url;

use super::Files;
use super::place::Place;
use crate::systems::attach::{FileFacts, Unread, media_type};
use crate::systems::fetch::{self, Got};

/// How the name of a spooled file begins.
const PREFIX: &str = "file-";

/// What a killed run has left is removed when it is older.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// How often a file is asked for that may be there next time.
const TRIES: u32 = 3;

/// The pause before it is asked for again, times the number of tries.
const PAUSE: Duration = Duration::from_millis(500);

/// How much is copied at once.
const PIECE: usize = 256 * 1024;

/// A file on this machine, removed when this is dropped.
#[derive(Debug)]
pub struct Spooled {
    /// What is known of it.
    pub facts: FileFacts,
    _held: TempPath,
}

/// Why a file cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The file is to blame: why, with its name.
    File(String),
    /// The machine is: nothing else would fare better.
    Machine(String),
}

/// How large a file is, for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// What the disk alone says against a file.
pub(crate) fn wrong(
    place: &Place,
    shown: &str,
    most: Option<u64>,
) -> Option<(String, &'static str)> {
    let Place::Local(path) = place else {
        return None;
    };
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some((
            format!("there is no file `{shown}`"),
            "paths begin in the folder of the input: correct the path, or put the file there",
        )),
        Err(error) => Some((
            format!("the file `{shown}` cannot be read: {error}"),
            "allow it to be read, or empty the cell",
        )),
        Ok(facts) if facts.is_dir() => Some((
            format!("`{shown}` is a folder"),
            "name the files in it, one by one",
        )),
        Ok(facts) => of_size(facts.len(), shown, most).map(|why| (why, SIZE_HINT)),
    }
}

const SIZE_HINT: &str = "make the file smaller, or keep it elsewhere and empty the cell";

fn of_size(bytes: u64, shown: &str, most: Option<u64>) -> Option<String> {
    match most {
        _ if bytes == 0 => Some(format!("the file `{shown}` is empty")),
        Some(most) if bytes > most => Some(format!(
            "the file `{shown}` has {}, and the system takes {} at most",
            size(bytes),
            size(most)
        )),
        _ => None,
    }
}

impl Files {
    /// Removes what a killed run has left of its files.
    pub(crate) fn tidy(&self) {
        let Ok(entries) = std::fs::read_dir(&self.spool) else {
            return;
        };
        let is_old = |entry: &std::fs::DirEntry| {
            let written = entry.metadata().and_then(|facts| facts.modified());
            let age = written.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
            age.is_ok_and(|age| age > STALE)
        };
        let ours = |entry: &std::fs::DirEntry| {
            entry.file_name().to_string_lossy().starts_with(PREFIX) && is_old(entry)
        };
        for entry in entries.flatten().filter(ours) {
            // Another process may have removed it meanwhile.
            let _ = std::fs::remove_file(entry.path());
        }
    }

    /// Copies a file to the disk. `shown` is what the row calls it, `input` the file in which that stands, `name` what it is
    /// called on the ticket, `told` how many bytes it has as far as its desk tells, `most` how large it may be.
    pub(crate) async fn spool(
        &self,
        (shown, input): (&str, &str),
        name: &str,
        told: Option<u64>,
        most: Option<u64>,
    ) -> Result<Spooled, Failure> {
        // Whether it may lead out of the folder was settled when the row was planned.
        let place = Place::of(shown, input, true).map_err(|(why, _)| Failure::File(why))?;
        if let Some((why, _)) = wrong(&place, shown, most) {
            return Err(Failure::File(why));
        }
        let mut tried = 0;
        loop {
            tried += 1;
            let mut draft = Draft::new(&self.spool, most)?;
            let got = match &place {
                Place::Local(path) => {
                    let path = path.clone();
                    let copy = tokio::task::spawn_blocking(move || {
                        let copied = copied(&path, &mut draft);
                        (copied, draft)
                    });
                    let ended = copy.await;
                    let (copied, copy) =
                        ended.map_err(|error| Failure::Machine(error.to_string()))?;
                    draft = copy;
                    copied
                }
                Place::Web(url) => downloaded(url, &mut draft).await,
                Place::Desk(id) => {
                    let read = self.of_desk(id, &mut draft).await;
                    read.and_then(|kind| is_file(draft.bytes, told, kind.as_deref(), name))
                }
            };
            let why = match got {
                _ if draft.is_too_large => {
                    let most = size(most.unwrap_or_default());
                    return Err(Failure::File(format!(
                        "the file `{shown}` has more than {most}, which is what the system takes"
                    )));
                }
                Ok(()) => return draft.spooled(shown, name, most),
                Err(Unread::Unkept(why)) => return Err(Failure::Machine(why)),
                Err(Unread::Gone(why)) => {
                    return Err(Failure::File(format!("the file `{shown}` is gone: {why}")));
                }
                Err(Unread::Forbidden(why)) => {
                    return Err(Failure::File(format!(
                        "the file `{shown}` may not be read: {why}"
                    )));
                }
                Err(Unread::Broken(why)) => why,
            };
            if tried == TRIES {
                return Err(Failure::File(format!(
                    "the file `{shown}` could not be read: {why}; `deskferry runs retry last` tries it again"
                )));
            }
            tokio::time::sleep(PAUSE * tried).await;
        }
    }

    async fn of_desk(&self, id: &str, draft: &mut Draft) -> Result<Option<String>, Unread> {
        let Some(desk) = &self.desk else {
            return Err(Unread::Gone(
                "the desk that it is in is not connected".to_owned(),
            ));
        };
        let mut take = |piece: &[u8]| draft.take(piece);
        desk.system
            .download(id, desk.permit.as_ref(), &mut take)
            .await
    }
}

/// Whether what a desk has answered is the file: it has as many bytes as the desk tells; where that tells none, it is no page
/// and no answer of a program in the place of a file.
fn is_file(bytes: u64, told: Option<u64>, kind: Option<&str>, name: &str) -> Result<(), Unread> {
    // A desk that does not know the size tells 0.
    if let Some(told) = told.filter(|told| *told != 0) {
        return match told == bytes {
            true => Ok(()),
            false => Err(Unread::Broken(format!(
                "{bytes} bytes came, and the desk says that it has {told}"
            ))),
        };
    }
    let kind = kind.and_then(|kind| kind.split(';').next());
    let kind = kind.unwrap_or_default().trim().to_ascii_lowercase();
    let is_answer = |kind: &str| matches!(kind, "text/html" | "application/json");
    match is_answer(&kind) && !is_answer(media_type(name)) {
        true => Err(Unread::Broken(format!(
            "the desk answers with `{kind}` in the place of the file"
        ))),
        false => Ok(()),
    }
}

fn copied(path: &Path, draft: &mut Draft) -> Result<(), Unread> {
    let broken = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Unread::Gone(error.to_string()),
        _ => Unread::Broken(error.to_string()),
    };
    let mut file = File::open(path).map_err(broken)?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).map_err(broken)? {
            0 => return Ok(()),
            read => draft
                .take(&piece[..read])
                .map_err(|error| Unread::Unkept(error.to_string()))?,
        }
    }
}

async fn downloaded(url: &Url, draft: &mut Draft) -> Result<(), Unread> {
    let mut take = |piece: &[u8]| draft.take(piece);
    match fetch::fetch(url, &mut take).await? {
        Got::Bytes => Ok(()),
        // Who is not signed in is shown a page in the place of the file.
        Got::Page if !matches!(media_type(url.path()), "text/html") => Err(Unread::Forbidden(
            "the address answers with a web page, which may want a sign-in".to_owned(),
        )),
        Got::Page => Ok(()),
    }
}

/// A file on its way to the spool.
struct Draft {
    file: NamedTempFile,
    hasher: blake3::Hasher,
    bytes: u64,
    most: Option<u64>,
    is_too_large: bool,
}

impl Draft {
    fn new(folder: &Path, most: Option<u64>) -> Result<Self, Failure> {
        let unkept = |error: io::Error| {
            Failure::Machine(format!("`{}` takes no file: {error}", folder.display()))
        };
        std::fs::create_dir_all(folder).map_err(unkept)?;
        let file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder);
        Ok(Self {
            file: file.map_err(unkept)?,
            hasher: blake3::Hasher::new(),
            bytes: 0,
            most,
            is_too_large: false,
        })
    }

    fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        self.bytes += piece.len() as u64;
        if self.most.is_some_and(|most| self.bytes > most) {
            self.is_too_large = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.hasher.update(piece);
        self.file.write_all(piece)
    }

    fn spooled(mut self, shown: &str, name: &str, most: Option<u64>) -> Result<Spooled, Failure> {
        if let Some(why) = of_size(self.bytes, shown, most) {
            return Err(Failure::File(why));
        }
        self.file
            .flush()
            .map_err(|error| Failure::Machine(format!("the file cannot be kept: {error}")))?;
        let held = self.file.into_temp_path();
        Ok(Spooled {
            facts: FileFacts {
                path: held.to_path_buf(),
                name: name.to_owned(),
                kind: media_type(name),
                bytes: self.bytes,
                hash: self.hasher.finalize().to_hex().to_string(),
            },
            _held: held,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Files {
        Files {
            spool: folder.join("spool"),
            ..Files::default()
        }
    }

    #[tokio::test]
    async fn a_file_is_copied_hashed_and_removed_again() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "it broke").unwrap();
        let input = folder.path().join("x.csv").display().to_string();
        let files = files(folder.path());
        let spooled = files
            .spool(("a.txt", &input), "log.txt", None, Some(8))
            .await
            .unwrap();
        let facts = spooled.facts.clone();
        assert_eq!(
            (facts.bytes, facts.kind, facts.name.as_str()),
            (8, "text/plain", "log.txt")
        );
        assert_eq!(facts.hash, blake3::hash(b"it broke").to_hex().to_string());
        assert_eq!(std::fs::read_to_string(&facts.path).unwrap(), "it broke");
        drop(spooled);
        assert!(!facts.path.exists());
    }

    #[test]
    fn what_a_desk_answers_is_the_file_by_its_size_else_by_its_type() {
        let page = Some("text/html; charset=utf-8");
        for (bytes, told, kind, name, expected) in [
            (8, Some(8), page, "a.png", true),
            (9, Some(8), Some("image/png"), "a.png", false),
            (8, None, Some("image/png"), "a.png", true),
            (8, None, None, "a.png", true),
            (8, Some(0), page, "a.png", false),
            (8, None, Some("Application/JSON"), "a.png", false),
            (8, None, Some("application/json"), "a.json", true),
            (8, None, page, "a.htm", true),
        ] {
            let is_ok = is_file(bytes, told, kind, name).is_ok();
            assert_eq!(is_ok, expected, "{bytes} {told:?} {kind:?} {name}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_sent_says_which_file_and_why() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("big.bin"), [7; 40]).unwrap();
        std::fs::write(folder.path().join("empty"), []).unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let input = folder.path().join("x.csv").display().to_string();
        let files = files(folder.path());
        for (name, expected) in [
            ("none.txt", "there is no file `none.txt`"),
            (
                "big.bin",
                "the file `big.bin` has 40 bytes, and the system takes 9 bytes at most",
            ),
            ("empty", "the file `empty` is empty"),
            ("sub", "`sub` is a folder"),
            (
                "desk:7",
                "the file `desk:7` is gone: the desk that it is in is not connected",
            ),
        ] {
            let failure = files.spool((name, &input), "x", None, Some(9)).await;
            let failure = failure.unwrap_err();
            assert_eq!(failure, Failure::File(expected.to_owned()));
        }
        // Nothing stays behind.
        let left = std::fs::read_dir(folder.path().join("spool")).map(Iterator::count);
        assert_eq!(left.unwrap_or(0), 0);
    }
}
