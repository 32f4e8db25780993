//! Tickets into files: CSV, workbooks, JSON lines.
//!
//! A file is written under a temporary name in the folder that it goes to and takes its name when it is whole, so that
//! the one before it stays until then. No text of a ticket is ever run by a program that opens the file: in a workbook
//! texts are cells of text, in a CSV a text that a spreadsheet program would run stands behind a `'`
//! (`source::guard`).

mod archive;
mod backup;
mod csv;
mod files;
mod html;
mod jsonl;
mod part;
mod record;
mod table;
mod target;
mod tint;
mod xlsx;

#[cfg(test)]
mod people_tests;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::baseline::Recorder;
use super::columns::Plan;
use super::replica::Parts;
use super::sheets::Sheet;
use crate::error::{Error, Result};
use crate::outfile::{Readers, Records, move_aside};
use crate::systems::SystemName;
use crate::systems::common::CommonTicket;

pub use archive::archive;
pub(crate) use backup::backup_of;
pub use jsonl::JsonLines;
pub use part::Partition;
pub use target::Placing;

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
    /// Names, folded, that several people have: the parts of an assignee are called with the address too.
    pub namesakes: HashSet<String>,
    /// Whether columns that people added to an earlier file are lost.
    pub drop_columns: bool,
    /// Another file that people's columns are taken from.
    pub carry_from: Option<PathBuf>,
    /// By what files of ours are known.
    pub placing: Placing,
    /// What notes beside a table what it says, so that it can come back.
    pub(crate) baseline: Option<Recorder>,
    /// The analyses that stand behind the tickets of a workbook, and before those of a page.
    pub sheets: Vec<Sheet>,
}

impl Options {
    /// A file with nothing but its tickets.
    pub fn new(
        path: PathBuf,
        format: Format,
        plan: Option<Plan>,
        about: About,
        placing: Placing,
    ) -> Self {
        Self {
            path,
            format,
            plan,
            about,
            comments: false,
            raw: false,
            partition: None,
            namesakes: HashSet::new(),
            drop_columns: false,
            carry_from: None,
            placing,
            baseline: None,
            sheets: Vec::new(),
        }
    }
}

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// The files, that of the tickets first; none for standard output.
    pub files: Vec<PathBuf>,
    /// The sheets with the tickets, in a workbook.
    pub sheets: Vec<String>,
    /// How many tickets are in them.
    pub tickets: u64,
    /// What people must know of them, a line each.
    pub notes: Vec<String>,
    /// The columns that it has.
    pub plan: Option<Plan>,
    /// The file with the baseline, where it is one of its own.
    pub baseline: Option<PathBuf>,
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
    if path.exists() && !path.is_file() {
        return Err(Error::usage("is no file that can be replaced")
            .at(path.display())
            .hint(format!("name a file: {flag} FILE")));
    }
    target::beside(path, flag, Readers::default()).map(drop)
}

/// Whether a name has a file that is none of ours.
pub(crate) fn is_strange(
    path: &Path,
    format: Format,
    plan: Option<&Plan>,
    placing: &Placing,
) -> bool {
    let target = placing.target(path.to_owned(), |path| match (format, plan) {
        (Format::Html, _) => super::html::is_ours(path),
        (Format::Csv | Format::Xlsx, Some(plan)) => super::keep::is_ours(path, plan),
        _ => false,
    });
    target.is_strange
}

/// Writes a small text as a file of its own, under its name when it is whole. A file that is not what was written there last
/// steps aside: a line says so.
///
/// # Errors
/// When the disk does not take it.
pub(crate) fn write_text(path: &Path, text: &str, records: &Records) -> Result<Option<String>> {
    let mut draft = target::beside(path, "--write-mapping", Readers::AsUsual)?.digested();
    draft.write_all(text.as_bytes()).map_err(unwritable)?;
    let whole = draft.whole().map_err(unwritable)?;
    let digest = whole.digest();
    let is_same = crate::infile::read(path, crate::infile::MOST_WORDS)
        .is_ok_and(|before| before == text.as_bytes());
    let mut note = None;
    if path.exists() && !is_same && !records.is_unchanged(path) {
        let aside = move_aside(path).map_err(unwritable)?;
        note = Some(format!(
            "{} was not what deskferry wrote there last: it is now {}",
            path.display(),
            aside.display()
        ));
    }
    (whole.replace(path)).map_err(unwritable)?;
    records.note(path, digest);
    Ok(note)
}

/// The error for a file that the disk, or its own format, does not take.
fn unwritable(error: impl Into<std::io::Error>) -> Error {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    let error = error.into();
    let hint = match error.kind() {
        StorageFull | QuotaExceeded => "free some space, or name another place: -o FILE",
        _ => "close it in other programs, or name another place: -o FILE",
    };
    Error::machine("the file cannot be written")
        .caused_by(error)
        .hint(hint)
}
