//! The baseline of a table, written as its rows are.

use std::path::{Path, PathBuf};

use super::target::{Placing, Target};
use super::unwritable;
use super::xlsx::{Book, Line, Rows};
use crate::error::Result;
use crate::export::baseline::{Recorder, SHEET, file_of, is_baseline, writer};
use crate::export::columns::{Cell, Plan};
use crate::export::keep::Dresses;
use crate::outfile::{Draft, share_as};
use crate::systems::common::CommonTicket;

/// A baseline on its way.
pub(super) struct Recording {
    recorder: Recorder,
    headings: Vec<String>,
    /// Beside a CSV.
    out: Option<Box<csv::Writer<Draft>>>,
}

impl Recording {
    /// Begins it; `beside`: the file that it is written beside, where it is no sheet of a workbook.
    pub(super) fn start(recorder: Recorder, plan: &Plan, beside: Option<&Target>) -> Result<Self> {
        let headings = recorder.headings(plan);
        let out = match beside {
            Some(target) => {
                let mut out = writer(target.draft()?);
                out.write_record(&headings).map_err(failed)?;
                Some(Box::new(out))
            }
            None => None,
        };
        Ok(Self {
            recorder,
            headings,
            out,
        })
    }

    /// What is noted of a ticket, by the cells that are written of it, and the stamp of its row.
    pub(super) fn row(
        &self,
        key: &str,
        ticket: &CommonTicket,
        cells: &[Cell<'_>],
        plan: &Plan,
    ) -> (Vec<String>, String) {
        let row = self.recorder.row(key, ticket, cells, plan);
        let stamp = self.recorder.stamp(&row);
        (row, stamp)
    }

    /// Notes a ticket.
    pub(super) fn note(&mut self, row: Vec<String>, book: Option<&mut Book>) -> Result<()> {
        match (&mut self.out, book) {
            (Some(out), _) => out.write_record(&row).map_err(failed),
            (None, Some(book)) => {
                let cell = |text: String| match text.is_empty() {
                    true => Cell::Empty,
                    false => Cell::Text(text.into()),
                };
                let cells: Vec<Cell<'_>> = row.into_iter().map(cell).collect();
                book.row(&Line {
                    rows: Rows::Baseline,
                    part: "",
                    sheet: SHEET,
                    headings: &self.headings,
                    cells: &cells,
                    dresses: &Dresses::new(),
                    dressed_headings: &Dresses::new(),
                })
            }
            (None, None) => Ok(()),
        }
    }

    /// Gives it its name beside a file that has its own; `None` for one that is a sheet.
    pub(super) fn place(
        self,
        beside: &Path,
        placing: &Placing,
        notes: &mut Vec<String>,
    ) -> Result<Option<PathBuf>> {
        let Some(out) = self.out else {
            return Ok(None);
        };
        let out = out
            .into_inner()
            .map_err(|error| unwritable(std::io::Error::other(error.to_string())))?;
        let whole = out.whole().map_err(unwritable)?;
        let target = placing.target(file_of(beside), is_baseline);
        let is_new = !target.path.exists();
        let path = target.place(whole, notes)?;
        // Who edits the file brings it back with what it said before.
        if is_new {
            share_as(&path, beside).map_err(unwritable)?;
        }
        Ok(Some(path))
    }
}

fn failed(error: csv::Error) -> crate::error::Error {
    unwritable(std::io::Error::other(error))
}
