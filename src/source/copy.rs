//! A file of the input once more, with further cells beside its rows. All else stays as it is: quotes, blank rows, rows
//! above the headings; of a workbook also formats, formulas, charts and other sheets.

use std::io::{self, Write};

use super::Input;
use crate::error::{Error, Result};

/// The cells beside a row.
pub(crate) type Cells = Vec<String>;

/// What is added.
pub(crate) struct Beside<'a> {
    /// The headings, one a cell.
    pub(crate) headings: &'a [&'a str],
    /// The cells beside a row, by the number of its table in the input and its own; `None`: there are none.
    pub(crate) cells: &'a mut dyn FnMut(usize, u64) -> Result<Option<Cells>>,
}

impl Beside<'_> {
    pub(super) fn headings(&self) -> Cells {
        let headings = self.headings.iter();
        headings.map(|heading| (*heading).to_owned()).collect()
    }

    pub(super) fn of(&mut self, table: usize, row: u64) -> Result<Option<Cells>> {
        (self.cells)(table, row)
    }
}

impl Input {
    /// Copies one of the files; `false`: a file of this kind cannot be copied, only written anew.
    ///
    /// # Errors
    /// When the file changed since it was opened, or the copy cannot be written.
    pub(crate) fn copy(
        &self,
        file: &str,
        beside: &mut Beside<'_>,
        out: &mut dyn Write,
    ) -> Result<bool> {
        self.unchanged()?;
        match self.files.iter().find(|one| one.named() == file) {
            Some(one) => one.copy(&self.tables, beside, out),
            None => Err(Error::machine("no file of that name was opened").at(file)),
        }
    }
}

/// The error for a disk that does not take the copy.
pub(super) fn unwritable(error: io::Error) -> Error {
    Error::machine("the copy of the input cannot be written")
        .caused_by(error)
        .hint("free some space, or name another place")
}
