//! What an input has that nobody may have noticed: rows that were left out, and what is read although nobody sees it.

use std::fmt;
use std::sync::Arc;

use crate::report::words;

/// So many rows of a notice are named.
const NAMED: usize = 3;

/// Something about one table of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// The sheet of a workbook.
    pub sheet: Option<Arc<str>>,
    /// What it is.
    pub what: What,
    /// How many rows, columns or cells it is about.
    pub count: u64,
    /// The first of the rows, as a spreadsheet program numbers them.
    pub rows: Vec<u64>,
}

/// What there is to notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Rows that are the headings once more: files that were joined. They are left out.
    Headings,
    /// Rows that nobody sees.
    HiddenRows {
        /// Whether a filter hides them.
        is_filtered: bool,
        /// Whether they are read.
        is_read: bool,
    },
    /// Columns that nobody sees, by their headings.
    HiddenColumns(Vec<String>),
    /// Sheets that nobody sees.
    HiddenSheets(Vec<String>),
    /// Cells under a merged one.
    Merged {
        /// Whether they take its value.
        is_filled: bool,
    },
    /// Rows that sum up others.
    Totals {
        /// Whether they are read.
        is_read: bool,
    },
    /// Rows above the headings.
    Above,
    /// Rows below the table that are notes and no rows of it.
    Below,
    /// Numbers of a column that are shown in another way than they are read.
    Shown {
        /// Its heading.
        column: String,
        /// The first number of each format, in the order of the rows of the notice.
        examples: Vec<ShownAs>,
    },
    /// Cells with guards that `version = 2` of the mapping takes off.
    Guards,
}

/// A number as it is shown and as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownAs {
    /// As it is shown.
    pub shown: String,
    /// As it is read.
    pub held: String,
}

impl Notice {
    /// What is said of it, for people, without the place.
    pub fn text(&self) -> String {
        let rows = |one: &str, many: &str| words::plural(self.count, one, many);
        match &self.what {
            What::Headings => format!(
                "{} the headings once more and left out{}",
                rows("row is", "rows are"),
                self.named()
            ),
            What::HiddenRows {
                is_filtered,
                is_read,
            } => {
                let how = if *is_filtered {
                    "filtered away"
                } else {
                    "hidden"
                };
                let verb = if self.count == 1 { "is" } else { "are" };
                let what = match is_read {
                    true => format!(
                        "{verb} read too: hidden_rows = \"skip\" in [input] leaves them out"
                    ),
                    false => format!("{verb} left out, as hidden_rows = \"skip\" says"),
                };
                format!(
                    "{} {how} {what}{}",
                    words::plural(self.count, "row that is", "rows that are"),
                    self.named()
                )
            }
            What::HiddenColumns(names) => format!(
                "{} read like others: {}",
                rows("hidden column is", "hidden columns are"),
                quoted(names, self.count)
            ),
            What::HiddenSheets(names) => format!(
                "{} not read: {}",
                rows("hidden sheet is", "hidden sheets are"),
                quoted(names, self.count)
            ),
            What::Merged { is_filled: true } => format!(
                "{} the value of the merged cell above or beside{}",
                rows("cell takes", "cells take"),
                self.named()
            ),
            What::Merged { is_filled: false } => format!(
                "{} under a merged one and {} read as empty: merged = \"fill\" in [input] gives each its value{}",
                rows("cell lies", "cells lie"),
                if self.count == 1 { "is" } else { "are" },
                self.named()
            ),
            What::Totals { is_read: true } => format!(
                "{} other rows and {} read like a ticket: total_rows = \"skip\" in [input] leaves such rows out{}",
                rows("row sums up", "rows sum up"),
                if self.count == 1 { "is" } else { "are" },
                self.named()
            ),
            What::Totals { is_read: false } => format!(
                "{} other rows and {} left out{}",
                rows("row sums up", "rows sum up"),
                if self.count == 1 { "is" } else { "are" },
                self.named()
            ),
            What::Above => format!(
                "{} above the headings and {} not read",
                rows("row stands", "rows stand"),
                if self.count == 1 { "is" } else { "are" },
            ),
            What::Below => format!(
                "{} at the end {} only one filled cell, like a note, and {} read like a ticket{}",
                rows("row", "rows"),
                if self.count == 1 { "has" } else { "have" },
                if self.count == 1 { "is" } else { "are" },
                self.named()
            ),
            What::Shown { column, examples } => {
                let examples: Vec<String> = self.rows.iter().zip(examples).map(shown_as).collect();
                let more = match self.count == examples.len() as u64 {
                    true => String::new(),
                    false => format!(
                        " (such cells among the first rows: {})",
                        words::count(self.count)
                    ),
                };
                format!(
                    "column `{column}`: {}{more}: numbers = \"shown\" or \"held\" in [input] decides",
                    examples.join(", ")
                )
            }
            What::Guards => format!(
                "`version = 2` of the mapping takes the guards off {}, which changes their keys and contents{}",
                rows("cell more", "cells more"),
                self.named()
            ),
        }
    }

    fn is_about_cells(&self) -> bool {
        matches!(self.what, What::Merged { .. } | What::Guards)
    }

    /// The first rows, in brackets; a row with several cells is named once.
    fn named(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let rows: Vec<String> = self.rows.iter().map(u64::to_string).collect();
        let is_all = rows.len() as u64 == self.count || self.is_about_cells();
        let noun = if rows.len() == 1 && is_all {
            "row"
        } else {
            "rows"
        };
        match self.is_about_cells() {
            true => format!(
                " ({noun} {}{})",
                rows.join(", "),
                if rows.len() == NAMED { ", …" } else { "" }
            ),
            false => format!(" ({noun} {})", words::list(&rows, self.count)),
        }
    }
}

fn shown_as((row, example): (&u64, &ShownAs)) -> String {
    let ShownAs { shown, held } = example;
    format!("row {row} is shown as {shown}, read as {held}")
}

/// Names in backticks, the first of them.
fn quoted(names: &[String], count: u64) -> String {
    let names: Vec<String> = names
        .iter()
        .take(NAMED)
        .map(|name| format!("`{name}`"))
        .collect();
    words::list(&names, count)
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sheet {
            Some(sheet) => write!(f, "{}, sheet {sheet}: {}", self.file, self.text()),
            None => write!(f, "{}: {}", self.file, self.text()),
        }
    }
}

/// A count, and the first rows of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) count: u64,
    pub(super) rows: Vec<u64>,
}

impl Tally {
    pub(super) fn add(&mut self, row: u64) {
        self.count += 1;
        if self.rows.len() < NAMED && self.rows.last() != Some(&row) {
            self.rows.push(row);
        }
    }
}
