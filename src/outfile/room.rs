//! Room in the folder for temporary files, asked for before it is needed: the writer of workbooks keeps its rows there,
//! and panics when the folder is full.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// After so many bytes at most room is asked for again.
const LONGEST_STRIDE: usize = 1024 * 1024;
const FIRST_STRIDE: usize = 16 * 1024;
/// So many times as much room must be there: a writer may take more than it was told, and other programs write too.
const MARGIN: usize = 4;
const BLOCK: usize = 64 * 1024;

/// What is left of the room that was found.
#[derive(Debug)]
pub(crate) struct Room {
    folder: PathBuf,
    left: usize,
    stride: usize,
}

impl Room {
    /// In the folder that the system names for temporary files.
    pub(crate) fn new() -> Self {
        Self::of(std::env::temp_dir())
    }

    fn of(folder: PathBuf) -> Self {
        Self {
            folder,
            left: 0,
            stride: FIRST_STRIDE / 2,
        }
    }

    /// So many bytes are about to be written.
    ///
    /// # Errors
    /// When the folder does not take them, or cannot be written.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<()> {
        if let Some(left) = self.left.checked_sub(bytes) {
            self.left = left;
            return Ok(());
        }
        self.stride = (2 * self.stride).min(LONGEST_STRIDE);
        self.find(MARGIN * self.stride.max(bytes))
            .map_err(|error| full(&self.folder, error))?;
        self.left = self.stride;
        Ok(())
    }

    /// Writes so many bytes and takes them away again: no other question is answered alike by every file system.
    fn find(&self, bytes: usize) -> io::Result<()> {
        let mut file = tempfile::tempfile_in(&self.folder)?;
        // Nothing that a file system makes small.
        let mut block = vec![0; BLOCK];
        blake3::Hasher::new().finalize_xof().fill(&mut block);
        let mut left = bytes;
        while left > 0 {
            let next = left.min(BLOCK);
            file.write_all(&block[..next])?;
            left -= next;
        }
        file.flush()
    }
}

/// The error for a folder for temporary files that takes nothing.
pub(crate) fn full(folder: &Path, error: io::Error) -> Error {
    Error::machine("the folder for temporary files cannot be written to")
        .at(folder.display())
        .caused_by(error)
        .hint("free some space there, or set TMPDIR to another folder")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ExitCode;

    #[test]
    fn a_folder_that_takes_nothing_is_an_error_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut room = Room::of(folder.path().join("missing"));
        let error = room.take(10).unwrap_err();
        assert_eq!(error.kind().exit_code(), ExitCode::Machine);
        assert!(error.hints().concat().contains("TMPDIR"), "{error}");
    }

    #[test]
    fn room_is_asked_for_seldom_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut room = Room::of(folder.path().to_owned());
        let mut asked = 0;
        for _ in 0..100_000 {
            let before = room.left;
            room.take(1_000).unwrap();
            asked += usize::from(room.left > before);
        }
        assert!((10..150).contains(&asked), "{asked}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
