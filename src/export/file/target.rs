//! The name of a file that is whole: that which was asked for, unless a program has it open or it is somebody else's.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::backup::{backup, backup_of};
use super::unwritable;
use crate::error::{Error, Result};
use crate::outfile::{
    Draft, Readers, Records, Unnamed, Whole, digest_of, folder, is_held, lock_of, move_aside,
    rename,
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
    /// A file that somebody saves while the new one is written stays, and the new one goes beside it; else the new one
    /// is to be written again ([`ErrorKind::Changed`](crate::error::ErrorKind::Changed)).
    pub(crate) gives_way: bool,
}

/// What a file held when people's text in it was read; nothing where there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Witness(Option<blake3::Hash>);

impl Witness {
    /// Of a file as it is now; one that cannot be read is like no other.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        match digest_of(path) {
            Ok(digest) => Ok(Self(Some(digest))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }
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
        let path = followed(path);
        let is_strange =
            path.exists() && !self.replaces && !self.records.knows(&path) && !is_marked(&path);
        Target {
            foreign: None,
            is_strange,
            part_of: None,
            witness: None,
            placing: self.clone(),
            path,
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
    /// The export that the file is one of several of.
    pub(super) part_of: Option<String>,
    /// What stood there when it was read; `None`: nothing of it was.
    witness: Option<Witness>,
    placing: Placing,
}

impl Target {
    /// Whether what stands there, if anything does, is an earlier file of ours.
    pub(super) fn is_ours(&self) -> bool {
        self.foreign.is_none() && !self.is_strange
    }

    /// With what people's text was read from: only that is replaced.
    pub(super) fn seen_as(mut self, witness: Witness) -> Self {
        self.witness = Some(witness);
        self
    }

    /// Who can read what is written there.
    pub(super) fn readers(&self) -> Readers {
        self.placing.readers
    }

    /// A file on its way to it.
    pub(super) fn draft(&self) -> Result<Draft> {
        beside(&self.path, "-o", self.placing.readers)
    }

    /// Gives a file its name, and tells in `notes` where that is not the one that was asked for.
    pub(super) fn place(&self, whole: Whole, notes: &mut Vec<String>) -> Result<PathBuf> {
        let path = self.named(whole, notes)?;
        // What lies beside is no part that a later export makes empty.
        let part_of = self.part_of.as_deref().filter(|_| path == self.path);
        self.placing.records.note_part(&path, None, part_of);
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
                None if is_read_only(&self.path) => {
                    return Ok(Err((whole, "it is read-only".to_owned())));
                }
                None if self.is_changed() => {
                    if self.placing.gives_way {
                        return Ok(Err((whole, "it is saved again and again".to_owned())));
                    }
                    return Err(Error::new(
                        crate::error::ErrorKind::Changed,
                        "was saved by somebody meanwhile",
                    )
                    .at(self.path.display())
                    .hint("run the command again"));
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
                        // On Windows this is how a file shows that a program has it open.
                        Err(error) if is_held(&error) => Err(Unnamed { whole, error }),
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

    /// Whether somebody has saved the file since it was read.
    fn is_changed(&self) -> bool {
        let now = || Witness::of(&self.path).ok();
        self.witness.is_some_and(|seen| now() != Some(seen))
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

/// Where a name leads that is a link to another: the link stays.
pub(super) fn followed(path: PathBuf) -> PathBuf {
    match fs::read_link(&path) {
        Ok(to) => fs::canonicalize(&path).unwrap_or_else(|_| folder(&path).join(to)),
        Err(_) => path,
    }
}

fn is_read_only(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| about.permissions().readonly())
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

/// Takes a file away that has nothing in it any more; its copy stays.
///
/// # Errors
/// When it cannot be renamed, because a program has it open or for another reason.
pub(super) fn retire(path: &Path) -> io::Result<()> {
    match path.exists() {
        true => rename(path, &backup_of(path)),
        false => Ok(()),
    }
}
