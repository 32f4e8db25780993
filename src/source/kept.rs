//! The rows of a file that are rows of its table: headings that come again are left out, and counted.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::notice::{Notice, Tally, What};
use super::{Layout, Row, Rows, Table};
use crate::error::Result;
use crate::record::{Cell, Record};

/// What a pass over a file noticed, by table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    tables: BTreeMap<usize, OfTable>,
    /// Whether the pass came to the end.
    is_whole: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct OfTable {
    headings: Tally,
}

impl Counts {
    /// What is to be said of it.
    pub(super) fn notices(&self, tables: &[Table]) -> Vec<Notice> {
        let mut notices = Vec::new();
        for (at, of_table) in &self.tables {
            let mut note = |what: What, tally: &Tally| {
                if tally.count > 0 {
                    notices.push(Notice {
                        file: tables[*at].file.clone(),
                        sheet: tables[*at].sheet.clone(),
                        what,
                        count: tally.count,
                        rows: tally.rows.clone(),
                    });
                }
            };
            note(What::Headings, &of_table.headings);
        }
        notices
    }
}

/// Passes on what is a row of its table.
pub(super) struct Kept<'a> {
    rows: Rows<'a>,
    tables: &'a [Table],
    counts: Counts,
    /// Where the counts go when the pass ends.
    noticed: &'a Mutex<Counts>,
}

impl<'a> Kept<'a> {
    pub(super) fn new(rows: Rows<'a>, tables: &'a [Table], noticed: &'a Mutex<Counts>) -> Self {
        Self {
            rows,
            tables,
            counts: Counts::default(),
            noticed,
        }
    }

    /// Whether a row stays.
    fn keeps(&mut self, record: &Record) -> bool {
        if is_heading(record, &self.tables[record.table]) {
            let of_table = self.counts.tables.entry(record.table).or_default();
            of_table.headings.add(record.place.row);
            return false;
        }
        true
    }
}

/// Whether a row is the headings once more. One filled cell does not say so: a title may be `Title`.
fn is_heading(record: &Record, table: &Table) -> bool {
    let has_headings = match &table.layout {
        Layout::Csv { header_row, .. } | Layout::Workbook { header_row, .. } => *header_row > 0,
        Layout::JsonLines | Layout::JsonDocument { .. } => false,
    };
    let written = table.header.written();
    let mut filled = 0;
    has_headings
        && written.len() == record.cells.len()
        && written.iter().zip(&record.cells).all(|(heading, cell)| {
            let heading = heading.trim();
            filled += usize::from(!heading.is_empty());
            match cell {
                Cell::Text(text) => text.trim() == heading,
                Cell::Empty => heading.is_empty(),
                other => other.text() == heading,
            }
        })
        && filled > 1
}

impl Iterator for Kept<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let row = self.rows.next();
            match &row {
                Some(Ok(Row::Record(record))) if !self.keeps(record) => {}
                Some(_) => return row,
                None => {
                    self.counts.is_whole = true;
                    return None;
                }
            }
        }
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        let mut noticed = self
            .noticed
            .lock()
            .unwrap_or_else(|error| error.into_inner());
        // What a whole pass found is not forgotten for a shorter one.
        if self.counts.is_whole || !noticed.is_whole {
            *noticed = std::mem::take(&mut self.counts);
        }
    }
}
