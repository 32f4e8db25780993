//! Tickets into files: CSV, workbooks, JSON lines.
//!
//! A file is written under a temporary name in the folder that it goes to and takes its name when it is whole, so that
//! the one before it stays until then. No text of a ticket is ever run by a program that opens the file: in a workbook
//! texts are cells of text, in a CSV a text that a spreadsheet program would run stands behind a `'`
//! (`source::guard`).

mod csv;
mod html;
mod jsonl;
mod part;
mod table;
mod target;
mod xlsx;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::columns::Plan;
use super::replica::Parts;
use super::sheets::Sheet;
use crate::error::{Error, Result};
use crate::systems::SystemName;
use crate::systems::common::CommonTicket;

pub use jsonl::JsonLines;
pub use part::Partition;
pub(crate) use target::backup_of;

/// Takes the tickets of an export, each once, in order.
pub trait Sink {
    /// What of a ticket it needs: the rest need not be read.
    fn parts(&self) -> Parts {
        Parts::ALL
    }

    /// Takes a ticket.
    ///
    /// # Errors
    /// When the disk does not take it, or a template of a column cannot be followed.
    fn ticket(&mut self, ticket: &CommonTicket) -> Result<()>;

    /// Gives the files their names.
    ///
    /// # Errors
    /// When a file cannot be written to its end, or no name can be had.
    fn finish(self: Box<Self>) -> Result<Written>;
}

/// The forms of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated.
    Csv,
    /// A workbook.
    Xlsx,
    /// One JSON object a line.
    JsonLines,
    /// One self-contained page.
    Html,
}

/// Where the tickets are from, for the properties of a workbook.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// The system.
    pub system: SystemName,
    /// Which connection: the profile, or the sandbox.
    pub source: String,
    /// What was asked for, in words.
    pub filter: String,
    /// When it was read.
    pub read_at: Timestamp,
}

/// What is written, and how.
pub struct Options {
    /// The file.
    pub path: PathBuf,
    /// Its form.
    pub format: Format,
    /// Its columns; JSON lines have none where nobody says: whole tickets.
    pub plan: Option<Plan>,
    /// Where the tickets are from.
    pub about: About,
    /// Whether comments are written too.
    pub comments: bool,
    /// Whether a CSV has texts as they are, to be run by who opens it.
    pub raw: bool,
    /// What makes several files or sheets of it.
    pub partition: Option<Partition>,
    /// Whether columns that people added to an earlier file are lost.
    pub drop_columns: bool,
    /// Another file that people's columns are taken from.
    pub carry_from: Option<PathBuf>,
    /// How long a file that is open elsewhere is waited for.
    pub wait: Duration,
    /// The analyses that stand behind the tickets of a workbook, and before those of a page.
    pub sheets: Vec<Sheet>,
}

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// The files, that of the tickets first; none for standard output.
    pub files: Vec<PathBuf>,
    /// The sheets with the tickets, in a workbook.
    pub sheets: Vec<String>,
    /// The columns, by number, of which a text was longer than a cell can hold.
    pub cut: Vec<usize>,
    /// How many tickets are in them.
    pub tickets: u64,
    /// What people must know of them, a line each.
    pub notes: Vec<String>,
    /// The columns that it has.
    pub plan: Option<Plan>,
}

/// Starts a file.
///
/// # Errors
/// When its folder cannot be written to, or an earlier file cannot be read.
pub fn create(options: Options) -> Result<Box<dyn Sink>> {
    match (options.format, &options.plan) {
        (Format::JsonLines, _) => Ok(Box::new(JsonLines::start(options)?)),
        (Format::Html, Some(_)) => Ok(Box::new(html::PageSink::start(options)?)),
        (_, None) => Err(Error::usage("a table needs columns")),
        (_, Some(_)) => Ok(Box::new(table::TableSink::start(options)?)),
    }
}

/// Whether a file can be written to a place, which was named by a flag: told before anything is read for it.
///
/// # Errors
/// When there is no such folder, or it takes no file.
pub fn can_write(path: &Path, flag: &str) -> Result<()> {
    target::beside(path, flag).map(drop)
}

/// Writes a small text as a file of its own, under its name when it is whole.
///
/// # Errors
/// When the disk does not take it.
pub fn write_text(path: &Path, text: &str) -> Result<()> {
    let target = target::Target {
        path: path.to_owned(),
        foreign: None,
        wait: Duration::ZERO,
    };
    let mut file = target.temporary()?;
    file.write_all(text.as_bytes()).map_err(unwritable)?;
    target
        .place(file.into_temp_path(), &mut Vec::new())
        .map(drop)
}

/// The error for a disk that does not take the file.
fn unwritable(error: impl Into<std::io::Error>) -> Error {
    Error::machine("the file cannot be written")
        .caused_by(error.into())
        .hint("free some space, or name another place: -o FILE")
}
