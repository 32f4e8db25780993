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
        }
    }

    /// The first rows, in brackets.
    fn named(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let rows: Vec<String> = self.rows.iter().map(u64::to_string).collect();
        let noun = if self.count == 1 { "row" } else { "rows" };
        format!(" ({noun} {})", words::list(&rows, self.count))
    }
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
        if self.rows.len() < NAMED {
            self.rows.push(row);
        }
    }
}
