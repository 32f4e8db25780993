//! The name of a file that is whole: that which was asked for, unless a program has it open or it is somebody else's.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::unwritable;
use crate::error::{Error, Result};
use crate::outfile::{
    Draft, Readers, Records, Whole, folder, lock_of, move_aside, next_names, remove, rename,
};

/// How often a file that is open elsewhere is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// By what files of ours are known, and what becomes of a stranger's.
#[derive(Debug, Clone, Default)]
pub struct Placing {
    pub(crate) records: Records,
    pub(crate) replaces: bool,
    /// How long a file that is open elsewhere is waited for.
    pub(crate) wait: Duration,
    /// Who can read the file.
    pub(crate) readers: Readers,
}

impl Placing {
    /// Replaces whatever has the name.
    pub fn replacing() -> Self {
        Self {
            replaces: true,
            ..Self::default()
        }
    }

    /// Where a file goes. `is_marked`: it bears a mark of ours inside.
    pub(super) fn target(&self, path: PathBuf, is_marked: impl FnOnce(&Path) -> bool) -> Target {
        let is_strange =
            path.exists() && !self.replaces && !self.records.knows(&path) && !is_marked(&path);
        Target {
            path,
            foreign: None,
            is_strange,
            placing: self.clone(),
        }
    }

    /// Where a file goes that bears no mark.
    pub(super) fn plain(&self, path: PathBuf) -> Target {
        self.target(path, |_| false)
    }
}

/// Where a file goes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    /// Why what stands there must not be replaced.
    pub(super) foreign: Option<String>,
    /// What stands there is none of ours: it steps aside.
    pub(super) is_strange: bool,
    placing: Placing,
}

impl Target {
    /// Whether what stands there, if anything does, is an earlier file of ours.
    pub(super) fn is_ours(&self) -> bool {
        self.foreign.is_none() && !self.is_strange
    }

    /// A file on its way to it.
    pub(super) fn draft(&self) -> Result<Draft> {
        beside(&self.path, "-o", self.placing.readers)
    }

    /// Gives a file its name, and tells in `notes` where that is not the one that was asked for.
    pub(super) fn place(&self, whole: Whole, notes: &mut Vec<String>) -> Result<PathBuf> {
        let path = self.named(whole, notes)?;
        self.placing.records.note(&path, None);
        Ok(path)
    }

    fn named(&self, mut whole: Whole, notes: &mut Vec<String>) -> Result<PathBuf> {
        let shown = self.path.display();
        let why = match &self.foreign {
            Some(why) => why.clone(),
            None => match self.replace(whole, notes)? {
                Ok(()) => return Ok(self.path.clone()),
                Err((back, why)) => {
                    whole = back;
                    why
                }
            },
        };
        match whole.take_next(&self.path) {
            Ok(path) => {
                notes.push(format!(
                    "{shown} stays as it is: {why}; written beside it as {}",
                    path.display()
                ));
                Ok(path)
            }
            Err(unnamed) => Err(Error::machine("no name can be had for the file")
                .at(shown)
                .caused_by(unnamed.error)
                .hint("name another place: -o FILE")),
        }
    }

    /// Waits until no program has the file open, keeps a copy of it, and takes its name; else gives the new one back with
    /// what stands against it.
    fn replace(
        &self,
        mut whole: Whole,
        notes: &mut Vec<String>,
    ) -> Result<std::result::Result<(), (Whole, String)>> {
        let until = Instant::now() + self.placing.wait;
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
                    let cleared = match self.is_strange {
                        true => self.step_aside(notes),
                        false => backup(&self.path, notes).map(|()| None),
                    };
                    // On Windows a file that a program holds open cannot be replaced: that is the sign there.
                    let placed = match cleared {
                        Ok(Some(aside)) => whole.take(&self.path).inspect_err(|_| {
                            // The name goes back to what had it.
                            let _ = rename(&aside, &self.path);
                        }),
                        Ok(None) => whole.replace(&self.path),
                        Err(error) => return Err(unwritable(error)),
                    };
                    match placed {
                        Ok(()) => return Ok(Ok(())),
                        Err(unnamed) => {
                            whole = unnamed.whole;
                            why =
                                why.or(Some(format!("it cannot be replaced ({})", unnamed.error)));
                        }
                    }
                }
            }
            if Instant::now() >= until {
                return Ok(Err((whole, why.unwrap_or_default())));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Moves a stranger's file to a dated name.
    fn step_aside(&self, notes: &mut Vec<String>) -> io::Result<Option<PathBuf>> {
        if !self.path.exists() {
            return Ok(None);
        }
        let aside = move_aside(&self.path)?;
        notes.push(format!(
            "{} was there and is no export of deskferry: it is now {}",
            self.path.display(),
            aside.display()
        ));
        Ok(Some(aside))
    }
}

/// A file on its way to a place that is told by `flag`.
pub(super) fn beside(path: &Path, flag: &str, readers: Readers) -> Result<Draft> {
    let folder = folder(path);
    Draft::new(folder, readers).map_err(|error| match error.kind() {
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

/// Keeps what stands under a name; where a program has the copy of before open, under the next free name.
fn backup(path: &Path, notes: &mut Vec<String>) -> io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let usual = backup_of(path);
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
            Ok(()) => true,
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

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut file = fs::File::open(from)?;
    let mut draft = Draft::beside(to, Readers::of(&file))?;
    io::copy(&mut file, &mut draft)?;
    draft.whole()?.take(to).map_err(io::Error::from)
}

/// Takes a file away that has nothing in it any more; its copy stays.
pub(super) fn retire(path: &Path) -> Result<()> {
    if path.exists() {
        rename(path, &backup_of(path)).map_err(unwritable)?;
    }
    Ok(())
}
