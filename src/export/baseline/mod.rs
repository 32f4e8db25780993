//! What an exported file said when it was written: the baseline by which an import knows what people have changed in it.
//!
//! ```text
//! export ─▶ cells ─▶ file ──────────────▶ people ──▶ file ─▶ import ─┬─▶ what differs from the baseline
//!             └────▶ baseline (a hidden sheet, or beside a CSV) ─────┘      └─▶ what the desk has now: judge
//! ```
//!
//! A baseline is a table: a row for each ticket, with its id, when the desk changed it last, and the value of each column
//! that leads back ([`Value`], written with its type). Its first heading names the export, so that the baseline of another
//! export is not taken for this one.

pub(crate) mod judge;
mod store;
mod value;

use std::io::Write;

use jiff::Timestamp;

use super::columns::{Cell, Plan};
use crate::systems::common::CommonTicket;

pub(crate) use crate::record::STAMP;
pub(crate) use store::{Baseline, Entry};
pub(crate) use value::Value;

/// How the first heading begins; the name of the export follows.
const FIRST: &str = "deskferry baseline 1 of ";
/// What stands above the times.
const UPDATED: &str = "updated";
/// How the time of a stamp is written, in UTC.
const STAMPED: &str = "%Y%m%d-%H%M%S%.3f";
/// How many characters of a print a stamp has.
const PRINT: usize = 12;
/// The hidden sheet of a workbook.
pub(crate) const SHEET: &str = "deskferry baseline";

/// `tickets.csv.baseline`
pub(crate) fn file_of(path: &std::path::Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".baseline");
    name.into()
}

/// Makes the rows of a baseline.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    /// What the export is called.
    export: String,
    /// When it began.
    read_at: Timestamp,
    /// The columns of the plan that it holds.
    columns: Vec<usize>,
}

impl Recorder {
    /// A baseline of these columns of the plan.
    pub(crate) fn new(export: String, read_at: Timestamp, columns: Vec<usize>) -> Self {
        Self {
            export,
            read_at,
            columns,
        }
    }

    /// The stamp of a row.
    pub(crate) fn stamp(&self, row: &[String]) -> String {
        let at = self.read_at.strftime(STAMPED);
        format!("{at}-{}", print(row.iter().map(String::as_str)))
    }

    /// What stands above the rows.
    pub(crate) fn headings(&self, plan: &Plan) -> Vec<String> {
        let columns = self.columns.iter();
        let own = columns.map(|&at| plan.columns()[at].heading.clone());
        [format!("{FIRST}{}", self.export), UPDATED.to_owned()]
            .into_iter()
            .chain(own)
            .collect()
    }

    /// The row of a ticket, of the cells that are written of it. `key` is what the file calls it.
    pub(crate) fn row(
        &self,
        key: &str,
        ticket: &CommonTicket,
        cells: &[Cell<'_>],
        plan: &Plan,
    ) -> Vec<String> {
        let updated = ticket.updated.map(|at| format!("u:{at}"));
        let own = self.columns.iter();
        let own = own.map(|&at| match cells.get(at) {
            Some(cell) => Value::exported(cell, plan.is_list(at)).written(),
            None => String::new(),
        });
        [format!("i:{key}"), updated.unwrap_or_default()]
            .into_iter()
            .chain(own)
            .collect()
    }
}

/// What a row of an export says of when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// When the export began.
    pub(crate) at: Timestamp,
    print: String,
}

impl Stamp {
    /// The stamp of a row without a baseline: it says only when the desk last changed the ticket.
    pub(crate) fn text(updated: Timestamp) -> String {
        // The time is written no more exactly than this, and is not to be the earlier one.
        let at = updated.checked_add(jiff::SignedDuration::from_millis(1));
        let at = at.unwrap_or(updated).strftime(STAMPED);
        format!("{at}-{:0>PRINT$}", 0)
    }

    /// Reads a cell of the column; `None` if somebody has changed it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (at, print) = text.trim().rsplit_once('-')?;
        let at = jiff::civil::DateTime::strptime(STAMPED, at).ok()?;
        let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        let is_print = print.len() == PRINT && print.bytes().all(|it| it.is_ascii_hexdigit());
        is_print.then(|| Self {
            at,
            print: print.to_owned(),
        })
    }

    /// Whether this is what the row said.
    pub(crate) fn is_of(&self, entry: &Entry) -> bool {
        self.print == entry.print
    }
}

/// The print of a row of a baseline. Empty cells at its end count for nothing: a spreadsheet program leaves them out.
fn print<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let cells: Vec<&str> = cells.collect();
    let width = cells.iter().rposition(|cell| !cell.is_empty());
    let mut hasher = blake3::Hasher::new();
    for cell in &cells[..width.map_or(0, |last| last + 1)] {
        hasher.update(&(cell.len() as u64).to_le_bytes());
        hasher.update(cell.as_bytes());
    }
    hasher.finalize().to_hex()[..PRINT].to_owned()
}

/// Writes rows as a file beside a CSV.
pub(crate) fn writer<W: Write>(out: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().from_writer(out)
}

/// Whether a file is a baseline.
pub(crate) fn is_baseline(path: &std::path::Path) -> bool {
    use std::io::Read;
    let mut head = [0; FIRST.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == FIRST.as_bytes()
}

/// When the desk changed a ticket last, as its row says.
fn updated(text: &str) -> Option<Timestamp> {
    text.strip_prefix("u:")?.parse().ok()
}
