//! What this program has written: by that it knows its own files again, and whether somebody has changed them since.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Readers;

/// The file in the state folder.
const NAME: &str = "written.json";
/// So many files are remembered, those that were written last.
const MOST: usize = 2_000;
/// A larger list is none of ours, in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// The list of what was written. Without a state folder nothing is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records(Option<PathBuf>);

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    path: PathBuf,
    /// Of its bytes, where they were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// The export that it is one of several files of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part_of: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    files: Vec<Record>,
}

/// The digest of a file's bytes.
pub(crate) fn digest_of(path: &Path) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize())
}

impl Records {
    /// The list in a state folder.
    pub(crate) fn of(state: &Path) -> Self {
        Self(Some(state.join(NAME)))
    }

    /// Whether a file bears a name under which this program wrote one.
    pub(crate) fn knows(&self, path: &Path) -> bool {
        self.find(path).is_some()
    }

    /// Whether a file has the very bytes that this program wrote under its name.
    pub(crate) fn is_unchanged(&self, path: &Path) -> bool {
        let Some(digest) = self.find(path).and_then(|record| record.digest) else {
            return false;
        };
        digest_of(path).is_ok_and(|found| found.to_hex().as_str() == digest)
    }

    /// The files of these names that are there and that somebody has changed since they were written, the newest first.
    pub(crate) fn changed(&self, is_one: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        let files = self.list().files.into_iter().rev();
        files
            .map(|record| record.path)
            .filter(|path| is_one(path) && path.is_file() && !self.is_unchanged(path))
            .collect()
    }

    /// The files that an export was parted into when it was written, as far as they are there.
    pub(crate) fn parts_of(&self, export: &str) -> Vec<PathBuf> {
        let files = self.list().files.into_iter();
        files
            .filter(|record| record.part_of.as_deref() == Some(export) && record.path.is_file())
            .map(|record| record.path)
            .collect()
    }

    /// Remembers a file. What cannot be remembered is kept as a stranger's the next time, which loses nothing.
    pub(crate) fn note(&self, path: &Path, digest: Option<blake3::Hash>) {
        self.note_part(path, digest, None);
    }

    /// Remembers a file that is one of several of an export.
    pub(crate) fn note_part(
        &self,
        path: &Path,
        digest: Option<blake3::Hash>,
        part_of: Option<&str>,
    ) {
        let (Some(list), Some(path)) = (&self.0, known_as(path)) else {
            return;
        };
        let mut known = self.list();
        let record = Record {
            path,
            digest: digest.map(|digest| digest.to_hex().to_string()),
            part_of: part_of.map(str::to_owned),
        };
        // A thousand parts of an export are not remembered anew each time.
        if known.files.contains(&record) {
            return;
        }
        known.files.retain(|known| known.path != record.path);
        known.files.push(record);
        let over = known.files.len().saturating_sub(MOST);
        known.files.drain(..over);
        let text = serde_json::to_vec(&known).unwrap_or_default();
        if let Err(error) = super::replace(list, &text, Readers::Owner) {
            tracing::warn!(%error, list = %list.display(), "cannot remember what was written");
        }
    }

    fn find(&self, path: &Path) -> Option<Record> {
        let path = known_as(path)?;
        let mut files = self.list().files.into_iter();
        files.find(|record| record.path == path)
    }

    fn list(&self) -> List {
        let Some(list) = &self.0 else {
            return List::default();
        };
        let is_small = fs::metadata(list).is_ok_and(|meta| meta.len() <= MOST_BYTES);
        let text = match is_small {
            true => fs::read(list).unwrap_or_default(),
            false => Vec::new(),
        };
        serde_json::from_slice(&text).unwrap_or_default()
    }
}

/// A name as it is remembered: the whole path. The file itself may be a link by now, which is another file.
fn known_as(path: &Path) -> Option<PathBuf> {
    let folder = fs::canonicalize(super::folder(path)).ok()?;
    Some(folder.join(path.file_name()?))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_file_is_known_until_somebody_changes_it() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tickets.errors.csv");
        let records = Records::of(folder.path());
        fs::write(&path, "id\n1\n").unwrap();
        assert!(!records.knows(&path) && !records.is_unchanged(&path));
        records.note(&path, Some(blake3::hash(b"id\n1\n")));
        assert!(records.knows(&path) && records.is_unchanged(&path));
        fs::write(&path, "id\n2\n").unwrap();
        assert!(records.knows(&path) && !records.is_unchanged(&path));
        let changed = |name: &str| records.changed(|path| path.ends_with(name));
        assert_eq!(changed("tickets.errors.csv"), [known_as(&path).unwrap()]);
        assert!(changed("other.errors.csv").is_empty());
        records.note(&path, None);
        assert!(records.knows(&path) && !records.is_unchanged(&path));
        assert!(!Records::default().knows(&path));
    }

    #[test]
    fn the_oldest_are_forgotten_and_a_broken_list_knows_nothing() {
        let folder = TempDir::new().unwrap();
        let records = Records::of(folder.path());
        let files = (0..MOST).map(|number| Record {
            path: folder.path().join(number.to_string()),
            digest: None,
            part_of: None,
        });
        let list = List {
            files: files.collect(),
        };
        fs::write(folder.path().join(NAME), serde_json::to_vec(&list).unwrap()).unwrap();
        let newest = folder.path().join("newest");
        records.note(&newest, None);
        assert!(records.knows(&newest) && records.list().files.len() == MOST);
        fs::write(folder.path().join(NAME), "{").unwrap();
        assert!(!records.knows(&newest));
    }
}
