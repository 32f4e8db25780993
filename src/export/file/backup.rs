//! Copies of the files that are replaced: the last one as `tickets.xlsx.bak`, a few older ones with their dates.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use jiff::{Timestamp, Zoned};

use crate::outfile::{Draft, Readers, digest_of, lock_of, next_names, remove, rename};

/// So many older copies are kept.
const OLDER: usize = 5;

/// `tickets.xlsx.bak`
pub(crate) fn backup_of(path: &Path) -> PathBuf {
    let mut name = path
        .file_name()
        .map(std::ffi::OsStr::to_os_string)
        .unwrap_or_default();
    name.push(".bak");
    path.with_file_name(name)
}

/// Keeps what stands under a name; where a program has the copy of before open, under the next free name.
pub(super) fn backup(path: &Path, notes: &mut Vec<String>) -> io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let usual = backup_of(path);
    if usual.exists() && is_same(path, &usual) {
        return Ok(());
    }
    keep_older(path, &usual);
    let is_free = lock_of(&usual).is_none() && (!usual.exists() || remove(&usual).is_ok());
    let mut names = is_free
        .then(|| usual.clone())
        .into_iter()
        .chain(next_names(&usual));
    let mut failed = None;
    let kept = names.find(|name| {
        if name.exists() {
            return false;
        }
        // A second name for the same bytes costs nothing; where the disk knows none, a copy does.
        match fs::hard_link(path, name).or_else(|_| copy(path, name)) {
            Ok(()) => {
                failed = None;
                true
            }
            Err(error) => {
                failed = Some(error);
                // Another name helps only where this one was taken meanwhile.
                !name.exists()
            }
        }
    });
    match (kept, failed) {
        (_, Some(error)) => Err(error),
        (None, None) => Err(io::Error::from(ErrorKind::AlreadyExists)),
        (Some(kept), None) => {
            if kept != usual {
                notes.push(format!(
                    "{} is open in another program: the file of before is kept as {}",
                    usual.display(),
                    kept.display()
                ));
            }
            Ok(())
        }
    }
}

pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut file = fs::File::open(from)?;
    let mut draft = Draft::beside(to, Readers::of(&file))?;
    io::copy(&mut file, &mut draft)?;
    draft.whole()?.take(to).map_err(io::Error::from)
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((digest_of(one), digest_of(other)), (Ok(one), Ok(other)) if one == other)
}

/// `tickets.xlsx.2026-11-29-070000.bak`
fn dated(path: &Path, at: &Zoned) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.{}.bak", at.strftime("%Y-%m-%d-%H%M%S")))
}

/// Gives the copy of before the date of what is in it, so that the next one does not take its place; the oldest of many go.
/// What cannot be renamed stays: then the new copy takes another name.
fn keep_older(path: &Path, usual: &Path) {
    let modified = fs::metadata(usual).and_then(|about| about.modified());
    let at = modified.ok().and_then(|at| Timestamp::try_from(at).ok());
    let Some(at) = at.filter(|_| lock_of(usual).is_none()) else {
        return;
    };
    let to = dated(path, &at.to_zoned(jiff::tz::TimeZone::system()));
    if !to.exists() {
        let _ = rename(usual, &to);
    }
    let mut older = older(path);
    // Their names are in the order of their dates.
    older.sort();
    for oldest in older.iter().rev().skip(OLDER) {
        let _ = remove(oldest);
    }
}

/// The older copies of a file.
fn older(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_older = |other: &str| {
        let date = other
            .strip_prefix(&*name)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.strip_suffix(".bak"));
        date.is_some_and(|date| {
            date.len() == "2026-11-29-070000".len()
                && date
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'-')
        })
    };
    let entries = fs::read_dir(crate::outfile::folder(path))
        .into_iter()
        .flatten();
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            is_older(&name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_copies_are_kept_by_their_dates_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.xlsx");
        let bystander = folder.path().join("t.xlsx.mine.bak");
        fs::write(&bystander, "mine").unwrap();
        let mut notes = Vec::new();
        for number in 0..10_u64 {
            fs::write(&path, format!("export {number}")).unwrap();
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 + number);
            fs::File::options()
                .append(true)
                .open(&path)
                .unwrap()
                .set_modified(at)
                .unwrap();
            backup(&path, &mut notes).unwrap();
            // A copy of the same bytes is one copy.
            backup(&path, &mut notes).unwrap();
            fs::remove_file(&path).unwrap();
        }
        let text = |path: &Path| fs::read_to_string(path).unwrap();
        assert_eq!(text(&backup_of(&path)), "export 9");
        let mut kept: Vec<String> = older(&path).iter().map(|path| text(path)).collect();
        kept.sort();
        assert_eq!(
            kept,
            ["export 4", "export 5", "export 6", "export 7", "export 8"]
        );
        assert_eq!(text(&bystander), "mine");
        assert!(notes.is_empty(), "{notes:?}");
    }
}
