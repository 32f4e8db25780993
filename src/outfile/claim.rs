//! What a command reads it does not write: inputs, mappings, and whatever lies in the state folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The files that a command reads or keeps, which no output may become.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    read: Vec<(PathBuf, &'static str)>,
    state: Option<PathBuf>,
    written: Vec<(PathBuf, &'static str)>,
}

impl Claims {
    /// Adds a file that is read; `-` is none.
    #[must_use]
    pub(crate) fn reading(mut self, path: &Path, what: &'static str) -> Self {
        if path != Path::new("-") {
            self.read.push((path.to_owned(), what));
        }
        self
    }

    /// Adds the state folder, with all that lies in it.
    #[must_use]
    pub(crate) fn keeping(mut self, state: &Path) -> Self {
        self.state = Some(state.to_owned());
        self
    }

    /// Takes a file as an output of this command.
    ///
    /// # Errors
    /// A usage error when the command reads it, writes it as something else, or it belongs to the state folder.
    pub(crate) fn write(&mut self, path: &Path, flag: &'static str) -> Result<()> {
        self.may_write(path, flag)?;
        if let Some((_, other)) = self
            .written
            .iter()
            .find(|(written, _)| is_same_file(written, path))
        {
            return Err(
                Error::usage(format!("`{other}` and `{flag}` name the same file"))
                    .at(path.display())
                    .hint(format!("name another file: {flag} FILE")),
            );
        }
        self.written.push((path.to_owned(), flag));
        Ok(())
    }

    /// Whether a file may be written, without taking it.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn may_write(&self, path: &Path, flag: &str) -> Result<()> {
        let what = match self.read.iter().find(|(read, _)| is_same_file(read, path)) {
            Some((_, what)) => format!("is {what} of this command and cannot be written by it"),
            None if self
                .state
                .as_deref()
                .is_some_and(|state| is_in(path, state)) =>
            {
                "belongs to the state folder, where the ledger is".to_owned()
            }
            None => return Ok(()),
        };
        Err(Error::usage(what).at(path.display()).hint(format!(
            "nothing was written; name another file: {flag} FILE"
        )))
    }
}

/// Whether two paths name one file: by where they lead, and on Unix by device and number, which sees second names
/// (hard links) too. A path that leads nowhere yet is told by its folder and its name.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    if let (Some(one), Some(other)) = (place(one), place(other))
        && one == other
    {
        return true;
    }
    is_same_inode(one, other)
}

#[cfg(unix)]
fn is_same_inode(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |path: &Path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    number(one).is_some_and(|one| number(other) == Some(one))
}

#[cfg(not(unix))]
fn is_same_inode(_one: &Path, _other: &Path) -> bool {
    false
}

/// Where a path leads: what is not there yet is a name in a folder that is.
fn place(path: &Path) -> Option<PathBuf> {
    match fs::canonicalize(path) {
        Ok(path) => Some(path),
        Err(_) => Some(
            fs::canonicalize(super::folder(path))
                .ok()?
                .join(path.file_name()?),
        ),
    }
}

/// What lies in a state folder by the beginning of its name: the ledger with all that belongs to it, the sandboxes.
const BEGIN: [&str; 2] = ["ledger", "sandbox"];
/// The rest.
const KEPT: [&str; 8] = [
    "trusted.json",
    "written.json",
    "rates.json",
    "locks",
    "directory",
    "replica",
    "reports",
    "schedules",
];

/// Whether a path leads into a state folder. Who works within it, whatever for, may write what is none of ours.
fn is_in(path: &Path, state: &Path) -> bool {
    let Ok(state) = fs::canonicalize(state) else {
        return false;
    };
    let works_within = std::env::current_dir()
        .and_then(fs::canonicalize)
        .is_ok_and(|folder| folder.starts_with(&state));
    let place = place(path);
    let within = place
        .as_deref()
        .and_then(|path| path.strip_prefix(&state).ok());
    if let Some(within) = within {
        let first = within.components().next();
        let first = first.map(|first| first.as_os_str().to_string_lossy().into_owned());
        let is_kept = first.is_some_and(|first| {
            let begins = |word: &&str| first.starts_with(*word);
            BEGIN.iter().any(begins) || KEPT.contains(&first.as_str())
        });
        return is_kept || !works_within;
    }
    // Second names of the files at its top, the ledger among them.
    fs::read_dir(&state).is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| is_same_inode(path, &entry.path())))
    })
}
