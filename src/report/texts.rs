//! Texts that no cell of a workbook can hold: cut there, whole in a folder beside it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::words;
use crate::outfile::{Draft, Readers, Whole, folder_for, move_aside, remove, share_as};
use crate::source::cut;

/// The whole texts of a workbook on their way.
pub(crate) struct Texts {
    /// Where they wait: the folder of the workbook.
    folder: PathBuf,
    readers: Readers,
    files: Vec<(String, Whole)>,
}

impl Texts {
    pub(crate) fn new(folder: &Path, readers: Readers) -> Self {
        Self {
            folder: folder.to_owned(),
            readers,
            files: Vec::new(),
        }
    }

    /// A text as a cell can hold it; position from 0. One that is cut is kept whole.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(crate) fn cell<'t>(
        &mut self,
        text: Cow<'t, str>,
        row: u32,
        column: u16,
    ) -> io::Result<Cow<'t, str>> {
        let Some(cut) = cut::cut(&text, u64::from(row) + 1, usize::from(column)) else {
            return Ok(text);
        };
        let mut draft = Draft::new(&self.folder, self.readers)?;
        draft.write_all(text.as_bytes())?;
        // A file that is whole is closed: there may be more of them than a program may have open.
        self.files.push((cut.file, draft.whole()?));
        Ok(Cow::Owned(cut.cell))
    }

    /// Puts the texts beside the workbook, in place of those of an earlier one under its name; gives a line for people.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn place(self, workbook: &Path) -> io::Result<Option<String>> {
        let names = self.names(workbook);
        for (path, is_changed) in cut::written(workbook) {
            if !is_changed && !names.contains(&path) {
                // One that stays harms nobody.
                let _ = remove(&path);
            }
        }
        self.add(workbook)
    }

    fn names(&self, workbook: &Path) -> HashSet<PathBuf> {
        let folder = cut::folder_of(workbook);
        let names = self.files.iter().map(|(name, _)| folder.join(name));
        names.collect()
    }

    /// Puts the texts beside the workbook, to those of earlier ones under its name, of which there may be copies; gives a
    /// line for people. A file that somebody has changed steps aside.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn add(self, workbook: &Path) -> io::Result<Option<String>> {
        let folder = cut::folder_of(workbook);
        let names = self.names(workbook);
        for (path, is_changed) in cut::written(workbook) {
            if is_changed && names.contains(&path) {
                move_aside(&path)?;
            }
        }
        if self.files.is_empty() {
            // Only an empty one goes.
            let _ = std::fs::remove_dir(&folder);
            return Ok(None);
        }
        folder_for(&folder, workbook)?;
        let count = self.files.len() as u64;
        for (name, whole) in self.files {
            let path = folder.join(name);
            whole.replace(&path).map_err(io::Error::from)?;
            share_as(&path, workbook)?;
        }
        let folder = folder.strip_prefix(".").unwrap_or(&folder);
        Ok(Some(format!(
            "{} longer than a cell of a workbook can hold (32,767 characters): cut there, whole in {}{}; keep that folder beside the file",
            words::plural(count, "text is", "texts are"),
            folder.display(),
            std::path::MAIN_SEPARATOR
        )))
    }
}

/// Whether somebody has changed a text beside a workbook since it was written.
pub(crate) fn are_changed(workbook: &Path) -> bool {
    cut::written(workbook)
        .iter()
        .any(|(_, is_changed)| *is_changed)
}
