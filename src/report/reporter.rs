//! The one listener of an import: it hands every event to the bar, the summary and the error file.

use super::diff::{self, DiffList};
use super::error_file::{ErrorFiles, ErrorFilesWritten};
use super::preview::Preview;
use super::progress::Progress;
use super::rows::{OutcomeFile, PayloadFile};
use super::samples::Samples;
use super::summary::Summary;
use crate::error::{Error, Result};
use crate::event::{End, Event, Listener, RowEnd};

/// Bar, summary and error file of one run.
pub struct Reporter {
    summary: Summary,
    progress: Progress,
    error_files: Option<ErrorFiles>,
    row_by_row: RowByRow,
    failed: Option<Error>,
}

/// What is kept of each row, where it is asked for.
#[derive(Debug, Default)]
pub struct RowByRow {
    /// The requests of a dry run.
    pub payloads: Option<PayloadFile>,
    /// What became of each record.
    pub outcomes: Option<OutcomeFile>,
    /// The first records of a dry run for the eye.
    pub samples: Option<Samples>,
    /// What a dry run would make, as people know it.
    pub(crate) preview: Option<Preview>,
    /// Where what would change goes as data; else it is told to people.
    pub diff: Option<DiffList>,
    /// Of how many rows it is told to people what would change; `None`: of all.
    pub(crate) most_diffs: Option<usize>,
}

impl Reporter {
    /// Without `error_files` rejected rows are only counted (a dry run that writes no file).
    pub fn new(progress: Progress, error_files: Option<ErrorFiles>) -> Self {
        Self {
            summary: Summary::default(),
            progress,
            error_files,
            row_by_row: RowByRow::default(),
            failed: None,
        }
    }

    /// Keeps this of each row besides.
    #[must_use]
    pub fn row_by_row(mut self, kept: RowByRow) -> Self {
        self.row_by_row = kept;
        self
    }

    /// The first records of a dry run.
    pub fn samples(&self) -> Option<&Samples> {
        self.row_by_row.samples.as_ref()
    }

    /// What a dry run would make, as people know it.
    pub(crate) fn preview(&self) -> Option<&Preview> {
        self.row_by_row.preview.as_ref()
    }

    /// What would change, where it goes as data.
    pub fn diff(&self) -> Option<&DiffList> {
        self.row_by_row.diff.as_ref()
    }

    /// Ends the report: the tally, and the error files that were written.
    ///
    /// # Errors
    /// When an error file could not be written; the tally is kept in `self` by then.
    pub fn finish(&mut self) -> Result<ErrorFilesWritten> {
        self.progress.finish();
        self.summary.close();
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut notes = Vec::new();
        if let Some(file) = self.row_by_row.payloads.take() {
            notes.extend(file.finish()?);
        }
        if let Some(file) = self.row_by_row.outcomes.take() {
            notes.extend(file.finish()?);
        }
        if let Some(preview) = &mut self.row_by_row.preview {
            notes.extend(preview.finish()?);
        }
        let mut written = match self.error_files.take() {
            Some(files) => files.finish()?,
            None => ErrorFilesWritten::default(),
        };
        written.notes.extend(notes);
        Ok(written)
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
        let Event::Row(row) = event else {
            return;
        };
        if let End::Ready {
            diff: Some(diff), ..
        } = &row.end
            && self.row_by_row.diff.is_none()
            && !diff.is_empty()
        {
            let left = self.row_by_row.most_diffs.unwrap_or(usize::MAX);
            if left > 0 {
                self.progress
                    .line(&diff::lines(&row.place.to_string(), diff));
            }
            if let Some(most) = &mut self.row_by_row.most_diffs {
                *most = most.saturating_sub(1);
            }
        }
        if let Err(error) = self.row_by_row.add(row) {
            self.failed.get_or_insert(error);
        }
        let Some(files) = &mut self.error_files else {
            return;
        };
        let (state, faults) = match &row.end {
            End::Rejected(faults) => ("rejected", faults),
            End::Incomplete { faults, .. } => ("incomplete", faults),
            _ => return,
        };
        if let Err(error) = files.add(row.key.as_ref(), state, &row.rows, faults) {
            self.failed.get_or_insert(error);
        }
    }
}

impl RowByRow {
    fn add(&mut self, row: &RowEnd) -> Result<()> {
        if let Some(samples) = &mut self.samples {
            samples.add(row);
        }
        if let Some(preview) = &mut self.preview {
            preview.add(row)?;
        }
        if let Some(file) = &mut self.payloads {
            file.add(row)?;
        }
        if let Some(file) = &mut self.outcomes {
            file.add(row)?;
        }
        if let (
            Some(list),
            End::Ready {
                diff: Some(diff), ..
            },
        ) = (&mut self.diff, &row.end)
            && !diff.is_empty()
        {
            list.add(row, diff)?;
        }
        Ok(())
    }
}
