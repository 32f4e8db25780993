//! The name of a file that is whole: that which was asked for, unless a program has it open or it is somebody else's.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::{NamedTempFile, TempPath};

use super::unwritable;
use crate::error::{Error, Result};
use crate::outfile::{folder, lock_of, next_names, temporary};

/// How often a file that is open elsewhere is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Where a file goes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    /// Why what stands there must not be replaced.
    pub(super) foreign: Option<String>,
    pub(super) wait: Duration,
}

impl Target {
    /// A temporary file beside it.
    pub(super) fn temporary(&self) -> Result<NamedTempFile> {
        beside(&self.path, "-o")
    }

    /// Gives a file its name, and tells in `notes` where that is not the one that was asked for.
    pub(super) fn place(&self, mut file: TempPath, notes: &mut Vec<String>) -> Result<PathBuf> {
        let shown = self.path.display();
        let why = match &self.foreign {
            Some(why) => why.clone(),
            None => match self.replace(file)? {
                Ok(()) => return Ok(self.path.clone()),
                Err((back, why)) => {
                    file = back;
                    why
                }
            },
        };
        for path in next_names(&self.path) {
            if lock_of(&path).is_some() {
                continue;
            }
            match file.persist_noclobber(&path) {
                Ok(()) => {
                    notes.push(format!(
                        "{shown} stays as it is: {why}; written beside it as {}",
                        path.display()
                    ));
                    return Ok(path);
                }
                Err(error) => file = error.path,
            }
        }
        Err(Error::machine("no name can be had for the file")
            .at(shown)
            .hint("name another place: -o FILE"))
    }

    /// Waits until no program has the file open, keeps a copy of it, and takes its name; else gives the new one back with
    /// what stands against it.
    fn replace(&self, mut file: TempPath) -> Result<std::result::Result<(), (TempPath, String)>> {
        let until = Instant::now() + self.wait;
        loop {
            let mut why = None;
            match lock_of(&self.path).filter(|_| self.path.exists()) {
                Some(lock) => {
                    why = Some(format!(
                        "a spreadsheet program has it open (if none has, delete {})",
                        lock.display()
                    ));
                }
                None => {
                    backup(&self.path)?;
                    // On Windows a file that a program holds open cannot be replaced: that is the sign there.
                    match file.persist(&self.path) {
                        Ok(()) => return Ok(Ok(())),
                        Err(error) => {
                            file = error.path;
                            why = why.or(Some(format!("it cannot be replaced ({})", error.error)));
                        }
                    }
                }
            }
            if Instant::now() >= until {
                return Ok(Err((file, why.unwrap_or_default())));
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// A temporary file in the folder of a file, whose place is told by `flag`.
pub(super) fn beside(path: &Path, flag: &str) -> Result<NamedTempFile> {
    let folder = folder(path);
    temporary(folder).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::usage("there is no such folder")
            .at(folder.display())
            .hint(format!("make it, or name another place: {flag} FILE")),
        // What stands in it but its kind is the temporary name.
        kind => Error::machine("no file can be written in this folder")
            .at(folder.display())
            .caused_by(io::Error::from(kind))
            .hint(format!("name another place: {flag} FILE")),
    })
}

/// `tickets.xlsx.bak`
pub(crate) fn backup_of(path: &Path) -> PathBuf {
    let mut name = path
        .file_name()
        .map(std::ffi::OsStr::to_os_string)
        .unwrap_or_default();
    name.push(".bak");
    path.with_file_name(name)
}

/// Keeps what stands under a name.
fn backup(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let kept = backup_of(path);
    if kept.exists() {
        fs::remove_file(&kept).map_err(unwritable)?;
    }
    // A second name for the same bytes costs nothing; where the disk knows none, a copy does.
    fs::hard_link(path, &kept)
        .or_else(|_| fs::copy(path, &kept).map(drop))
        .map_err(unwritable)
}

/// Takes a file away that has nothing in it any more; its copy stays.
pub(super) fn retire(path: &Path) -> Result<()> {
    if path.exists() {
        fs::rename(path, backup_of(path)).map_err(unwritable)?;
    }
    Ok(())
}
