//! The one listener of an import: it hands every event to the bar, the summary and the error file.

use std::path::PathBuf;

use super::error_file::ErrorFiles;
use super::progress::Progress;
use super::summary::Summary;
use crate::error::{Error, Result};
use crate::event::{End, Event, Listener};

/// Bar, summary and error file of one run.
pub struct Reporter {
    summary: Summary,
    progress: Progress,
    error_files: Option<ErrorFiles>,
    carry_key: bool,
    failed: Option<Error>,
}

impl Reporter {
    /// Without `error_files` rejected rows are only counted (a dry run that writes no file). `carry_key` is
    /// true when the mapping has no key of its own, so that mending a cell changes no identity.
    pub fn new(progress: Progress, error_files: Option<ErrorFiles>, carry_key: bool) -> Self {
        Self {
            summary: Summary::default(),
            progress,
            error_files,
            carry_key,
            failed: None,
        }
    }

    /// Ends the report: the tally, and the error files that were written.
    ///
    /// # Errors
    /// When an error file could not be written; the tally is kept in `self` by then.
    pub fn finish(&mut self) -> Result<Vec<PathBuf>> {
        self.progress.finish();
        self.summary.close();
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.error_files
            .take()
            .map_or_else(|| Ok(Vec::new()), ErrorFiles::finish)
    }

    /// The tally.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }
}

impl Listener for Reporter {
    fn on(&mut self, event: &Event) {
        self.progress.on(event);
        self.summary.on(event);
        let (Event::Row(row), Some(files)) = (event, &mut self.error_files) else {
            return;
        };
        let (state, faults) = match &row.end {
            End::Rejected(faults) => ("rejected", faults),
            End::Incomplete { faults, .. } => ("incomplete", faults),
            _ => return,
        };
        if let Err(error) = files.add(row.key.as_ref(), self.carry_key, state, &row.rows, faults) {
            self.failed.get_or_insert(error);
        }
    }
}
