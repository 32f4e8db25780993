//! The one place that writes files: beside their place under another name, onto the disk, then renamed.
//!
//! A [`Draft`] takes bytes and remembers the first error of any of them, whoever swallowed it: libraries drop their
//! buffers without a word. Only a draft that is whole ([`Draft::whole`]: last flush, `sync`) can take a name, and the name
//! is a rename within one folder, which is synced too. So a full disk leaves the file of before, and an error.

mod claim;
mod held;
mod name;
mod place;
mod records;
mod rights;
mod room;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, PathPersistError, TempPath};

pub(crate) use claim::{Claims, is_same_file};
#[cfg(test)]
pub(crate) use held::fake;
pub(crate) use held::{is_held, remove, rename};
pub(crate) use name::{lock_of, next_names};
pub(crate) use place::{Placed, put};
pub(crate) use records::{Records, digest_of};
pub(crate) use rights::{Readers, folder_for, parse_mode, share_as};
pub(crate) use room::{Room, full};

use crate::error::Error;

/// How much is written at once, in bytes.
const BUFFER: usize = 256 * 1024;
/// How the name of a temporary file begins.
const PREFIX: &str = ".deskferry-";

/// What a draft writes to: a file, or in tests something that fails.
pub(crate) trait Disk: Write + Send {
    /// Waits until all is on the disk.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// A file on its way, under a name of its own in the folder that it goes to. Dropped, it leaves nothing.
pub(crate) struct Draft {
    out: Option<BufWriter<Box<dyn Disk>>>,
    path: TempPath,
    readers: Readers,
    /// The first error, which none after it undoes.
    failed: Option<io::Error>,
    digest: Option<Box<blake3::Hasher>>,
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Draft {
    /// Begins a file in a folder.
    ///
    /// # Errors
    /// When the folder takes none.
    pub(crate) fn new(folder: &Path, readers: Readers) -> io::Result<Self> {
        let (file, path) = temporary(folder, readers)?.into_parts();
        Ok(Self::onto(Box::new(file), path, readers))
    }

    /// Begins a file beside the one that it is to become.
    ///
    /// # Errors
    /// When the folder takes none.
    pub(crate) fn beside(path: &Path, readers: Readers) -> io::Result<Self> {
        Self::new(folder(path), readers)
    }

    fn onto(disk: Box<dyn Disk>, path: TempPath, readers: Readers) -> Self {
        Self {
            out: Some(BufWriter::with_capacity(BUFFER, disk)),
            path,
            readers,
            failed: None,
            digest: None,
        }
    }

    /// Takes a digest of all that is written from here on.
    pub(crate) fn digested(mut self) -> Self {
        self.digest = Some(Box::default());
        self
    }

    /// Lets the open file go until more is written: there may be more drafts than files that a program may have open.
    ///
    /// # Errors
    /// When the disk does not take what was written so far.
    pub(crate) fn rest(&mut self) -> io::Result<()> {
        self.flush()?;
        self.out = None;
        Ok(())
    }

    fn out(&mut self) -> io::Result<&mut BufWriter<Box<dyn Disk>>> {
        if self.out.is_none() {
            let file = File::options().append(true).open(&self.path)?;
            self.out = Some(BufWriter::with_capacity(BUFFER, Box::new(file)));
        }
        self.out
            .as_mut()
            .ok_or_else(|| io::Error::other("the file is closed"))
    }

    /// Does something with the file, and keeps the first error of all.
    fn attempt<T>(
        &mut self,
        what: impl FnOnce(&mut BufWriter<Box<dyn Disk>>) -> io::Result<T>,
    ) -> io::Result<T> {
        if let Some(error) = &self.failed {
            return Err(again(error));
        }
        let done = self.out().and_then(what);
        if let Err(error) = &done
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.failed = Some(again(error));
        }
        done
    }

    /// All of it on the disk.
    ///
    /// # Errors
    /// The first error of any write so far, of the last one, or of the sync.
    pub(crate) fn whole(mut self) -> io::Result<Whole> {
        self.attempt(|out| out.flush())?;
        self.attempt(|out| out.get_mut().sync())?;
        // Windows renames no file that is open.
        drop(self.out.take());
        Ok(Whole {
            path: self.path,
            readers: self.readers,
            digest: self.digest.map(|digest| digest.finalize()),
        })
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.attempt(|out| out.write(bytes))?;
        if let Some(digest) = &mut self.digest {
            digest.update(&bytes[..count]);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(|out| out.flush())
    }
}

/// The same error once more.
fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// A file that is whole and on the disk, without its name yet. Dropped, it is gone.
#[derive(Debug)]
pub(crate) struct Whole {
    path: TempPath,
    readers: Readers,
    digest: Option<blake3::Hash>,
}

/// A file that did not get its name, and why.
#[derive(Debug)]
pub(crate) struct Unnamed {
    pub(crate) whole: Whole,
    pub(crate) error: io::Error,
}

impl From<Unnamed> for io::Error {
    fn from(unnamed: Unnamed) -> Self {
        unnamed.error
    }
}

impl Whole {
    /// The digest of its bytes, where the draft took one.
    pub(crate) fn digest(&self) -> Option<blake3::Hash> {
        self.digest
    }

    /// Takes a name, whatever has it now.
    ///
    /// # Errors
    /// When the name cannot be had: then what has it stays as it is.
    pub(crate) fn replace(self, path: &Path) -> Result<(), Unnamed> {
        self.named(path, |from, to| from.persist(to))
    }

    /// Takes a name that nothing has.
    ///
    /// # Errors
    /// When something has it, or it cannot be had.
    pub(crate) fn take(self, path: &Path) -> Result<(), Unnamed> {
        self.named(path, |from, to| from.persist_noclobber(to))
    }

    /// Takes the next free name beside a path that cannot be had: that of a file which a program has open.
    ///
    /// # Errors
    /// When none can be had.
    pub(crate) fn take_next(mut self, path: &Path) -> Result<PathBuf, Unnamed> {
        let mut refused = io::Error::from(io::ErrorKind::AlreadyExists);
        for next in next_names(path).filter(|next| lock_of(next).is_none()) {
            match self.take(&next) {
                Ok(()) => return Ok(next),
                Err(unnamed) => (self, refused) = (unnamed.whole, unnamed.error),
            }
        }
        Err(Unnamed {
            whole: self,
            error: refused,
        })
    }

    /// Gives it the rights that are due under that name, then the name.
    fn named(
        self,
        path: &Path,
        persist: fn(TempPath, &Path) -> Result<(), PathPersistError>,
    ) -> Result<(), Unnamed> {
        let Self {
            path: from,
            readers,
            digest,
        } = self;
        let unnamed = |path: TempPath, error: io::Error| Unnamed {
            whole: Self {
                path,
                readers,
                digest,
            },
            error,
        };
        if let Err(error) = readers.settle(&from, path) {
            return Err(unnamed(from, error));
        }
        let mut from = Some(from);
        let placed = held::patiently(
            || {
                held::free(path)?;
                let Some(path_now) = from.take() else {
                    return Err(io::Error::other("the file has its name already"));
                };
                persist(path_now, path).map_err(|error| {
                    from = Some(error.path);
                    error.error
                })
            },
            is_held,
            std::thread::sleep,
        );
        match (placed, from) {
            (Err(error), Some(from)) => Err(unnamed(from, error)),
            // Without its path it has been renamed.
            _ => {
                sync_folder(path);
                Ok(())
            }
        }
    }
}

/// Writes a whole text under a name, in place of what has it.
///
/// # Errors
/// When the disk does not take it: then what has the name stays as it is.
pub(crate) fn replace(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let mut draft = Draft::beside(path, readers)?;
    draft.write_all(bytes)?;
    draft.whole()?.replace(path).map_err(io::Error::from)
}

/// Writes a whole text under a name that nothing has.
///
/// # Errors
/// When something has the name, or the disk does not take it.
pub(crate) fn create(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let mut draft = Draft::beside(path, readers)?;
    draft.write_all(bytes)?;
    draft.whole()?.take(path).map_err(io::Error::from)
}

/// The error for a file that cannot be written.
pub(crate) fn unwritable(path: &Path, error: impl Into<io::Error>) -> Error {
    let error = error.into();
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, or name another place"
        }
        _ => "close it in other programs, or name another place",
    };
    Error::machine("cannot be written; what was there before is unchanged")
        .at(path.display())
        .caused_by(error)
        .hint(hint)
}

/// A temporary file in a folder.
fn temporary(folder: &Path, readers: Readers) -> io::Result<NamedTempFile<File>> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    if readers == Readers::AsUsual {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = readers;
    builder.tempfile_in(folder)
}

/// The folder of a path.
pub(crate) fn folder(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// A name outlives a loss of power only when its folder is on the disk too. Some file systems sync no folder: there
/// nothing can be done, and the file itself is whole.
#[cfg(unix)]
fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(folder(path)) {
        let _ = folder.sync_all();
    }
}

// Windows has no such thing: a rename there is in the journal.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) {}

/// Takes a file out of the way under another name, without writing over one.
///
/// # Errors
/// When it cannot be moved, or no name can be had.
pub(crate) fn move_aside(path: &Path) -> io::Result<PathBuf> {
    for to in name::aside(path, &jiff::Zoned::now()) {
        // A second name for the same bytes fails where the name is taken; then the first one goes. On Windows a file that a
        // program has open could not lose its second name again.
        let named = match cfg!(windows) {
            true => Err(io::Error::from(io::ErrorKind::Unsupported)),
            false => std::fs::hard_link(path, &to),
        };
        match named {
            Ok(()) => {
                if let Err(error) = remove(path) {
                    let _ = remove(&to);
                    return Err(error);
                }
                sync_folder(path);
                return Ok(to);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // File systems without second names (FAT, some network shares).
            Err(_) if !to.exists() => {
                rename(path, &to)?;
                sync_folder(path);
                return Ok(to);
            }
            Err(_) => {}
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}
