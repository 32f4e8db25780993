//! Which of the files that a schedule wrote stay.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::store::{History, WrittenFile};
use crate::export::file::backup_of;

/// What became of the files beyond those that are kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cleared {
    /// These are gone.
    pub(super) deleted: Vec<PathBuf>,
    /// These stay, and are no longer looked after: somebody has changed them since.
    pub(super) changed: Vec<PathBuf>,
    /// These could not be deleted; they are tried again.
    pub(super) failed: Vec<(PathBuf, String)>,
}

/// Notes that a file was written just now.
pub(super) fn note(history: &mut History, path: &Path) {
    let of_path = |file: &WrittenFile| file.path == path;
    let at = history.files.iter().position(of_path);
    let before = at.map(|at| history.files.remove(at));
    if let Some(mut file) = look(path) {
        let backup = look(&backup_of(path));
        let is_ours = |backup: &WrittenFile| before.is_some_and(|before| backup.is_like(&before));
        file.backup = backup.filter(is_ours).map(Box::new);
        history.files.push(file);
    }
}

/// Deletes all but the newest files, of those that this schedule wrote.
pub(super) fn clear(history: &mut History, keep: u32) -> Cleared {
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    let too_many = history.files.len().saturating_sub(keep);
    let mut cleared = Cleared::default();
    let mut old: VecDeque<WrittenFile> = history.files.drain(..too_many).collect();
    let mut again = Vec::new();
    while let Some(file) = old.pop_front() {
        match look(&file.path) {
            // Somebody took it away, or made something else of it.
            None => {}
            Some(now) if !now.is_like(&file) => cleared.changed.push(file.path),
            Some(_) => match fs::remove_file(&file.path) {
                Ok(()) => {
                    cleared.deleted.push(file.path);
                    old.extend(file.backup.map(|backup| *backup));
                }
                Err(error) => {
                    cleared.failed.push((file.path.clone(), error.to_string()));
                    again.push(file);
                }
            },
        }
    }
    history.files.splice(0..0, again);
    cleared
}

/// A plain file as it is now; a link is none of ours.
fn look(path: &Path) -> Option<WrittenFile> {
    let meta = fs::symlink_metadata(path)
        .ok()
        .filter(fs::Metadata::is_file)?;
    let modified = meta.modified().ok();
    Some(WrittenFile {
        path: path.to_owned(),
        bytes: meta.len(),
        modified: modified.and_then(|time| Timestamp::try_from(time).ok()),
        backup: None,
    })
}

impl WrittenFile {
    /// Whether both are the same bytes of the same time, whatever their names.
    fn is_like(&self, other: &Self) -> bool {
        (self.bytes, self.modified) == (other.bytes, other.modified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backup_that_it_made_goes_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut history = History::default();
        for (name, changed) in [("a", false), ("b", true)] {
            fs::write(path(name), "first").unwrap();
            note(&mut history, &path(name));
            if changed {
                fs::write(path(name), "a person's").unwrap();
            }
            fs::rename(path(name), path(&format!("{name}.bak"))).unwrap();
            fs::write(path(name), "second").unwrap();
            note(&mut history, &path(name));
        }
        let cleared = clear(&mut history, 0);
        assert_eq!(cleared.deleted, [path("a"), path("b"), path("a.bak")]);
        assert!(path("b.bak").exists());
        assert_eq!(history.files, []);
    }

    #[test]
    fn only_what_it_wrote_and_nobody_changed_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut history = History::default();
        for name in ["a", "changed", "gone", "b", "c"] {
            fs::write(path(name), name).unwrap();
            note(&mut history, &path(name));
        }
        fs::write(path("somebody's"), "x").unwrap();
        fs::write(path("changed"), "by a person").unwrap();
        fs::remove_file(path("gone")).unwrap();
        // Written once more, it is the newest.
        note(&mut history, &path("a"));
        let cleared = clear(&mut history, 2);
        assert_eq!(cleared.deleted, [path("b")]);
        assert_eq!(cleared.changed, [path("changed")]);
        assert_eq!(cleared.failed, []);
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["a", "c", "changed", "somebody's"]);
        assert_eq!(clear(&mut history, 2), Cleared::default());
    }
}
