//! JSON lines: a common ticket a line, whole.

use std::fmt;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Sink, Written};
use crate::error::{Error, Result};
use crate::systems::common::CommonTicket;

/// Writes JSON lines to a file, or to standard output as they come.
pub struct JsonLines {
    to: To,
    tickets: u64,
}

enum To {
    /// Beside the file that it becomes: the old one stays whole until then.
    File(BufWriter<NamedTempFile>, PathBuf),
    Stream(BufWriter<Box<dyn Write>>),
}

impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines")
            .field("tickets", &self.tickets)
            .finish_non_exhaustive()
    }
}

impl JsonLines {
    /// Into a file.
    ///
    /// # Errors
    /// When nothing can be written in its folder.
    pub fn file(path: &Path) -> Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = tempfile::Builder::new()
            .prefix(".deskferry-")
            .tempfile_in(folder)
            .map_err(|error| unwritable(path, error))?;
        Ok(Self {
            to: To::File(BufWriter::with_capacity(1 << 18, file), path.to_owned()),
            tickets: 0,
        })
    }

    /// Into a stream.
    pub fn stream(to: Box<dyn Write>) -> Self {
        Self {
            to: To::Stream(BufWriter::new(to)),
            tickets: 0,
        }
    }
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::machine("the file cannot be written")
        .at(path.display())
        .caused_by(error)
        .hint("is the disk full, the folder yours, the file open elsewhere? what was read is kept: the same command goes on")
}

fn stream_failed(error: std::io::Error) -> Error {
    Error::machine("cannot write to standard output").caused_by(error)
}

impl Sink for JsonLines {
    fn ticket(&mut self, ticket: &CommonTicket) -> Result<()> {
        let line = |to: &mut dyn Write| {
            serde_json::to_writer(&mut *to, ticket)?;
            to.write_all(b"\n")
        };
        match &mut self.to {
            To::File(to, path) => line(to).map_err(|error| unwritable(path, error))?,
            To::Stream(to) => line(to).map_err(stream_failed)?,
        }
        self.tickets += 1;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let path = match self.to {
            To::Stream(mut to) => {
                to.flush().map_err(stream_failed)?;
                None
            }
            To::File(to, path) => {
                let failed = |error| unwritable(&path, error);
                let file = to
                    .into_inner()
                    .map_err(|error| failed(error.into_error()))?;
                file.as_file().sync_all().map_err(failed)?;
                file.persist(&path).map_err(|error| failed(error.error))?;
                Some(path)
            }
        };
        Ok(Written {
            tickets: self.tickets,
            path,
            notes: Vec::new(),
        })
    }
}
