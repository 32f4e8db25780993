//! The bytes of a file: standard input spooled, gzip unpacked, and whether they are still the same.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use flate2::read::MultiGzDecoder;
use tempfile::{NamedTempFile, TempPath};

use super::bounds::{MOST_UNPACKED, Unpacked};
use crate::error::{Error, Result};

/// What is read at a time.
pub(super) const CHUNK: usize = 256 * 1024;

/// Whether a path leads to a pipe.
pub(super) fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| matches!(Kind::of(&meta), Kind::Pipe))
}

/// What a path leads to that is no folder.
enum Kind {
    File,
    #[cfg_attr(
        not(unix),
        expect(dead_code, reason = "only Unix has them in the file system")
    )]
    Pipe,
    /// A device, or a socket: it may never end.
    #[cfg_attr(
        not(unix),
        expect(dead_code, reason = "only Unix has them in the file system")
    )]
    Device,
}

impl Kind {
    #[cfg(unix)]
    fn of(meta: &fs::Metadata) -> Self {
        use std::os::unix::fs::FileTypeExt;
        match meta.file_type() {
            kind if kind.is_file() => Self::File,
            kind if kind.is_fifo() => Self::Pipe,
            _ => Self::Device,
        }
    }

    #[cfg(not(unix))]
    fn of(_meta: &fs::Metadata) -> Self {
        Self::File
    }
}

/// One file of the input as bytes.
#[derive(Debug)]
pub(super) struct Bytes {
    /// As the user named it.
    pub(super) named: Arc<str>,
    path: PathBuf,
    /// Whether the file as given is gzipped.
    pub(super) gzip: bool,
    /// Whether what lies at `path` is gzipped (a workbook is unpacked first).
    packed: bool,
    seen: (u64, Option<SystemTime>),
    /// Keeps the temporary file while the input is in use.
    _spool: Option<TempPath>,
}

impl Bytes {
    /// Finds the file; `-` is standard input. That and a pipe (`<(…)`, a FIFO) are copied to a temporary file, because an
    /// input is read more than once.
    pub(super) fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Self::spooled("-", io::stdin().lock());
        }
        let named: Arc<str> = path.to_string_lossy().into();
        let meta = fs::metadata(path).map_err(|error| cannot_open(&named, error))?;
        if meta.is_dir() {
            return Err(Error::input("is a folder, not a file")
                .at(&named)
                .hint("name the files in it one by one"));
        }
        match Kind::of(&meta) {
            Kind::File => {}
            Kind::Pipe => {
                let pipe = File::open(path).map_err(|error| cannot_open(&named, error))?;
                return Self::spooled(&named, pipe);
            }
            Kind::Device => {
                return Err(Error::input("is a device, not a file")
                    .at(&named)
                    .hint("name a file, or `-` for standard input"));
            }
        }
        Self::at(named, path.to_owned(), None)
    }

    /// The bytes of a reader, copied to a temporary file.
    pub(super) fn spooled(named: &str, from: impl Read) -> Result<Self> {
        let failed = |error: io::Error| {
            if error.kind() == io::ErrorKind::FileTooLarge {
                return cannot_read(named, error);
            }
            Error::machine("cannot be copied to a temporary file")
                .at(named)
                .caused_by(error)
                .hint("free some space in the folder for temporary files, or set TMPDIR to another one")
        };
        let mut file = NamedTempFile::new().map_err(failed)?;
        let mut from = from.take(MOST_UNPACKED + 1);
        let count = io::copy(&mut from, file.as_file_mut()).map_err(failed)?;
        if count > MOST_UNPACKED {
            return Err(Error::input(format!(
                "is larger than {} GB",
                MOST_UNPACKED / 1024 / 1024 / 1024
            ))
            .at(named)
            .hint("write it to a file and name that"));
        }
        file.as_file_mut().flush().map_err(failed)?;
        let spool = file.into_temp_path();
        Self::at(named.into(), spool.to_path_buf(), Some(spool))
    }

    fn at(named: Arc<str>, path: PathBuf, spool: Option<TempPath>) -> Result<Self> {
        let mut file = File::open(&path).map_err(|error| cannot_open(&named, error))?;
        let mut magic = [0; 2];
        let count = read_full(&mut file, &mut magic).map_err(|error| cannot_read(&named, error))?;
        let gzip = count == 2 && magic == [0x1f, 0x8b];
        Ok(Self {
            seen: stamp(&path).map_err(|error| cannot_open(&named, error))?,
            named,
            path,
            gzip,
            packed: gzip,
            _spool: spool,
        })
    }

    /// Its bytes, unpacked, from the beginning.
    pub(super) fn reader(&self) -> Result<Box<dyn Read + Send>> {
        let file = File::open(&self.path).map_err(|error| cannot_open(&self.named, error))?;
        Ok(if self.packed {
            let unpacked = MultiGzDecoder::new(BufReader::with_capacity(CHUNK, file));
            Box::new(Unpacked::new(unpacked, self.seen.0))
        } else {
            Box::new(file)
        })
    }

    /// The first bytes, unpacked.
    pub(super) fn head(&self, size: usize) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        self.reader()?
            .take(size as u64)
            .read_to_end(&mut head)
            .map_err(|error| cannot_read(&self.named, error))?;
        Ok(head)
    }

    /// The last bytes of an unpacked file.
    pub(super) fn tail(&self, size: u64) -> Result<Vec<u8>> {
        let failed = |error| cannot_read(&self.named, error);
        let mut file = File::open(&self.path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        file.seek(io::SeekFrom::Start(length.saturating_sub(size)))
            .map_err(failed)?;
        let mut tail = Vec::new();
        file.take(size).read_to_end(&mut tail).map_err(failed)?;
        Ok(tail)
    }

    /// The same bytes where they can be sought in: a gzipped file is unpacked to a temporary one.
    pub(super) fn seekable(self) -> Result<Self> {
        if !self.packed {
            return Ok(self);
        }
        let unpacked = Self::spooled(&self.named, self.reader()?)?;
        Ok(Self {
            gzip: true,
            packed: false,
            ..unpacked
        })
    }

    /// Where the bytes lie.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The size of what lies on the disk.
    pub(super) fn size(&self) -> u64 {
        self.seen.0
    }

    /// Adds all bytes to the hash.
    pub(super) fn hash(&self, hasher: &mut blake3::Hasher) -> Result<()> {
        hasher
            .update_reader(self.reader()?)
            .map(drop)
            .map_err(|error| cannot_read(&self.named, error))
    }

    /// Whether it is still the file that was opened.
    pub(super) fn unchanged(&self) -> Result<()> {
        let now = stamp(&self.path).map_err(|error| {
            Error::machine("went away while it was read")
                .at(&self.named)
                .caused_by(error)
        })?;
        if now == self.seen {
            return Ok(());
        }
        Err(changed(&self.named))
    }
}

/// The error for a file that is not what it was when it was opened.
pub(super) fn changed(named: &str) -> Error {
    Error::machine("changed while it was read")
        .at(named)
        .hint("let the program that writes it finish, then run the same command again")
}

/// The error for bytes that cannot be read: a damaged gzip is the input's fault, the rest the machine's.
pub(super) fn cannot_read(named: &str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Error::input(error.to_string()).at(named).hint(
            "if it is a real table, unpack it and name the unpacked file; else do not open it",
        ),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            Error::input("cannot be unpacked, the file is damaged")
                .at(named)
                .caused_by(error)
                .hint("download or export the file again")
        }
        _ => Error::machine("cannot be read").at(named).caused_by(error),
    }
}

fn cannot_open(named: &str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::input("there is no such file")
            .at(named)
            .hint("look at the spelling and at the folder you are in"),
        io::ErrorKind::PermissionDenied => Error::input("may not be read")
            .at(named)
            .caused_by(error)
            .hint("close it in other programs, or give yourself the right to read it"),
        _ => Error::machine("cannot be opened")
            .at(named)
            .caused_by(error),
    }
}

fn stamp(path: &Path) -> io::Result<(u64, Option<SystemTime>)> {
    let meta = fs::metadata(path)?;
    Ok((meta.len(), meta.modified().ok()))
}

/// Fills the buffer as far as there are bytes.
pub(super) fn read_full(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
