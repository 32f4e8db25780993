//! The error file: the rejected rows of an input, laid out like it, with what is wrong beside them.
//!
//! One file for each input file: same format, delimiter, encoding, sheet and header row, the columns in order
//! and behind them `_row`, `_key`, `_state`, `_field`, `_error`, `_hint`. It is itself an input: fixed, it is
//! run with the same mapping. A row whose cells are not all that its file said is marked in `_state`, and no row until
//! somebody has put it right. It is written as the rows come, to a temporary file in the target's folder, and
//! takes its name when the run ends. One that somebody has worked on since keeps its name (`outfile::Records`).

mod cells;
mod csv;
mod encode;
mod json;
mod name;
mod workbook;

pub(super) use workbook::anew;

#[cfg(test)]
mod read_again_tests;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::texts::Texts;
use crate::error::{Error, Fault, Result};
use crate::mapping::SheetBeside;
use crate::outfile::{Claims, Draft, Readers, Records};
use crate::record::{Cell, ColumnRef, Place, Record, RowKey};
use crate::source::own::{self, Own, UNREADABLE};
use crate::source::{Layout, Look, MOST_RECORD, Table};

use name::Target;
pub(crate) use name::{base_of, named_like};

pub use crate::source::own::COLUMNS;

/// How many characters of what is wrong with a row are told.
const MOST_SAID_OF_ROW: usize = 50_000;

/// Takes the rejected rows of a run.
pub struct ErrorFiles {
    tables: Vec<Table>,
    folder: PathBuf,
    to: Option<PathBuf>,
    open: BTreeMap<Arc<str>, Open>,
    /// The files in the order of their first rejected row.
    order: Vec<Arc<str>>,
    records: Records,
    claims: Claims,
    readers: Readers,
    looks: Vec<Look>,
    beside: Vec<SheetBeside>,
    key_columns: Vec<String>,
    /// The names of the columns that are added to each file.
    added: Vec<&'static str>,
    /// Where several records may be made of one row: what is wrong with those of a row so far, by the row.
    together: Option<BTreeMap<Place, Together>>,
}

/// The records of one row.
struct Together {
    /// Of the first that is refused.
    key: Option<RowKey>,
    state: String,
    rows: Vec<Record>,
    faults: Vec<Fault>,
}

/// The error files of a run.
#[derive(Debug, Default)]
pub struct ErrorFilesWritten {
    /// In the order of their first rejected row.
    pub files: Vec<PathBuf>,
    /// Which earlier files kept their names, a line each.
    pub notes: Vec<String>,
}

/// An error file on its way.
struct Open {
    writer: Writer,
    target: Target,
    /// The rows that no record of it can hold.
    left_out: Vec<u64>,
}

enum Writer {
    Csv(Box<csv::CsvFile>),
    Json(Box<json::JsonFile>),
    Workbook(Box<workbook::WorkbookFile>),
}

/// One row as it is written.
struct Rejected<'a> {
    record: &'a Record,
    /// The texts of the columns that are added.
    extra: Vec<String>,
    /// Which cells are to blame: the column's position and why.
    marks: Vec<(usize, &'a str)>,
    /// What is wrong with rows of other sheets, and where they are.
    elsewhere: Vec<(&'a Place, &'a str)>,
}

/// Refuses a name under which an error file of these tables could not be read again.
///
/// # Errors
/// When the name is that of another kind of file.
pub(crate) fn check_name(tables: &[Table], to: Option<&Path>) -> Result<()> {
    let Some(to) = to.filter(|to| !to.is_dir()) else {
        return Ok(());
    };
    match tables.iter().find(|table| !name::is_read_as(table, to)) {
        None => Ok(()),
        Some(table) => Err(Error::usage(format!(
            "`--errors {}` has the wrong extension: the error file has the format of `{}`",
            to.display(),
            table.file
        ))
        .hint("name a file with the same extension (.xlsx for any workbook), or a folder")),
    }
}

impl ErrorFiles {
    /// Error files for the tables of an input, in `folder`, or as `to` says (`--errors`: a file, or a folder
    /// that exists). Nothing is written before the first rejected row.
    pub fn new(tables: &[Table], folder: &Path, to: Option<&Path>) -> Self {
        let (folder, to) = match to {
            Some(to) if to.is_dir() => (to, None),
            Some(to) => {
                let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
                (parent.unwrap_or(Path::new(".")), Some(to.to_owned()))
            }
            None => (folder, None),
        };
        Self {
            tables: tables.to_vec(),
            folder: folder.to_owned(),
            to,
            open: BTreeMap::new(),
            order: Vec::new(),
            records: Records::default(),
            claims: Claims::default(),
            readers: Readers::default(),
            looks: Vec::new(),
            beside: Vec::new(),
            key_columns: Vec::new(),
            added: COLUMNS.to_vec(),
            together: None,
        }
    }

    /// Writes a row once, however many records are made of it.
    #[must_use]
    pub(crate) fn once_a_row(mut self, takes_apart: bool) -> Self {
        self.together = takes_apart.then(BTreeMap::new);
        self
    }

    /// Makes workbooks look like their input: how each of its tables looks, in their order.
    #[must_use]
    pub(crate) fn looking_like(mut self, looks: Vec<Look>) -> Self {
        self.looks = looks;
        self
    }

    /// Takes along the rows of these other sheets of a workbook that belong to rejected rows.
    #[must_use]
    pub(crate) fn with_sheets(mut self, beside: Vec<SheetBeside>) -> Self {
        self.beside = beside;
        self
    }

    /// Marks these columns where a key is to blame.
    #[must_use]
    pub(crate) fn keyed_by(mut self, columns: Vec<String>) -> Self {
        self.key_columns = columns;
        self
    }

    /// Says what the file and the sheet of each row were called, where the mapping reads it: an error file has other names.
    #[must_use]
    pub(crate) fn naming(mut self, file: bool, sheet: bool) -> Self {
        let names = [(file, own::FILE), (sheet, own::SHEET)];
        let asked = names.into_iter().filter(|(is_asked, _)| *is_asked);
        self.added.extend(asked.map(|(_, name)| name));
        self
    }

    /// Lets these read them; without this their owner alone can.
    #[must_use]
    pub(crate) fn readable_by(mut self, readers: Readers) -> Self {
        self.readers = readers;
        self
    }

    /// Replaces the error files of earlier runs that nobody has changed since, by what is remembered of them; without
    /// this none is replaced.
    #[must_use]
    pub(crate) fn remembering(mut self, records: Records) -> Self {
        self.records = records;
        self
    }

    /// Never writes what is claimed.
    #[must_use]
    pub(crate) fn sparing(mut self, claims: Claims) -> Self {
        self.claims = claims;
        self
    }

    /// Writes the rows of one record with what is wrong with them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(
        &mut self,
        key: Option<&RowKey>,
        state: &str,
        rows: &[Record],
        faults: &[Fault],
    ) -> Result<()> {
        let (Some(together), Some(first)) = (&mut self.together, rows.first()) else {
            return self.write(key, state, rows, faults);
        };
        let known = together.entry(first.place.clone());
        let known = known.or_insert_with(|| Together {
            key: key.cloned(),
            state: state.to_owned(),
            rows: rows.to_vec(),
            faults: Vec::new(),
        });
        for fault in faults {
            if !known.faults.contains(fault) {
                known.faults.push(fault.clone());
            }
        }
        Ok(())
    }

    fn write(
        &mut self,
        key: Option<&RowKey>,
        state: &str,
        rows: &[Record],
        faults: &[Fault],
    ) -> Result<()> {
        for (at, record) in rows.iter().enumerate() {
            // What names no row of the record is written beside the first.
            let mine = faults.iter().filter(|fault| {
                fault.place == record.place
                    || (at == 0 && rows.iter().all(|row| row.place != fault.place))
            });
            let faults: Vec<&Fault> = mine.collect();
            let table = &self.tables[record.table];
            let mut rejected = reject(table, record, key, state, &faults, &self.key_columns);
            let named = self.added.iter().skip(COLUMNS.len());
            rejected
                .extra
                .extend(named.map(|name| first_name(table, record, name)));
            let file = self.tables[record.table].file.clone();
            if !self.open.contains_key(&file) {
                let open = self.start(&file)?;
                self.open.insert(file.clone(), open);
                self.order.push(file.clone());
            }
            if let Some(open) = self.open.get_mut(&file) {
                let is_written = match &mut open.writer {
                    Writer::Csv(writer) => writer.row(&rejected)?,
                    Writer::Json(writer) => writer.row(&rejected)?,
                    Writer::Workbook(writer) => writer.row(&rejected).map(|()| true)?,
                };
                if !is_written {
                    open.left_out.push(record.place.row);
                }
            }
        }
        Ok(())
    }

    fn start(&self, file: &Arc<str>) -> Result<Open> {
        let mine: Vec<(usize, Table)> = self
            .tables
            .iter()
            .cloned()
            .enumerate()
            .filter(|(_, table)| table.file == *file)
            .collect();
        let inputs = self.tables.iter().map(|table| &*table.file);
        let first = mine.first().map(|(_, table)| table);
        let first = first.ok_or_else(|| Error::machine("no table of that file is known"))?;
        let target = Target::new(&self.folder, self.to.as_deref(), first, inputs);
        let out = draft(&self.folder, self.readers)?;
        let texts = Texts::new(&self.folder, self.readers);
        let shape = workbook::Shape {
            looks: &self.looks,
            beside: &self.beside,
            own: &self.added,
            in_place: false,
        };
        let writer = match &first.layout {
            Layout::Csv { .. } => {
                Writer::Csv(Box::new(csv::CsvFile::start(first, &self.added, out)?))
            }
            Layout::JsonLines { .. } => Writer::Json(Box::new(json::JsonFile::start(
                first,
                &self.added,
                None,
                out,
            )?)),
            Layout::JsonDocument { records, .. } => {
                let records = Some(records.as_deref());
                Writer::Json(Box::new(json::JsonFile::start(
                    first,
                    &self.added,
                    records,
                    out,
                )?))
            }
            Layout::Workbook { .. } => Writer::Workbook(Box::new(workbook::WorkbookFile::start(
                &mine, out, texts, &shape,
            )?)),
        };
        Ok(Open {
            writer,
            target,
            left_out: Vec::new(),
        })
    }

    /// Gives the files their names and tells them, in the order of their first rejected row. An error file of
    /// an earlier run is replaced; one that somebody has changed since, that is open elsewhere, or an input of this run,
    /// is not: the next free name is taken, and that is told.
    ///
    /// # Errors
    /// When a file cannot be written to its end, or no name can be had.
    pub fn finish(mut self) -> Result<ErrorFilesWritten> {
        for (_, one) in self.together.take().into_iter().flatten() {
            self.write(one.key.as_ref(), &one.state, &one.rows, &one.faults)?;
        }
        let mut written = ErrorFilesWritten::default();
        for file in &self.order {
            let Some(open) = self.open.remove(file) else {
                continue;
            };
            let (out, texts) = match open.writer {
                Writer::Csv(writer) => (writer.finish()?, None),
                Writer::Json(writer) => (writer.finish()?, None),
                Writer::Workbook(writer) => {
                    let (out, texts) = writer.finish()?;
                    (out, Some(texts))
                }
            };
            let whole = out.whole().map_err(unwritable)?;
            let digest = whole.digest();
            let place = name::Place {
                records: &self.records,
                claims: &self.claims,
                taken: &written.files,
            };
            let (path, note) = open.target.place(whole, &place)?;
            self.records.note(&path, digest);
            if let Some(texts) = texts {
                written
                    .notes
                    .extend(texts.place(&path).map_err(unwritable)?);
            }
            written.notes.extend(note);
            let left_out: Vec<String> = open.left_out.iter().map(u64::to_string).collect();
            if !left_out.is_empty() {
                written.notes.push(format!(
                    "rows too long for {} (a record may have {} MB): fix them in {file} itself: row {}",
                    path.display(),
                    MOST_RECORD / 1024 / 1024,
                    left_out.join(", "),
                ));
            }
            written.files.push(path);
        }
        Ok(written)
    }
}

fn reject<'a>(
    table: &Table,
    record: &'a Record,
    key: Option<&RowKey>,
    state: &str,
    faults: &[&'a Fault],
    key_columns: &[String],
) -> Rejected<'a> {
    // The row of the first input is what a person looks for, and a key that was carried goes on being so.
    let own = Own::of(&table.header);
    let kept = |name: &str| own.as_ref()?.text(record, name);
    let join = |part: &dyn Fn(&'a Fault) -> Option<Cow<'a, str>>| {
        let mut parts: Vec<_> = faults.iter().filter_map(|fault| part(fault)).collect();
        parts.dedup();
        short(parts.join(" | "))
    };
    let key_heading = key_columns.join(" + ");
    let key = key
        .map(|key| key.as_str().to_owned())
        .or_else(|| kept("_key"));
    let is_unreadable = is_unreadable(record, faults);
    let hint = join(&|fault| fault.hint.as_deref().map(Cow::Borrowed));
    let hint = match (
        is_unreadable && !hint.ends_with(own::UNMARK),
        hint.is_empty(),
    ) {
        (false, _) => hint,
        (true, true) => format!("fix the row, {}", own::UNMARK),
        (true, false) => format!("{hint}; {}", own::UNMARK),
    };
    let state = if is_unreadable { UNREADABLE } else { state };
    let extra = vec![
        kept("_row").unwrap_or_else(|| record.place.row.to_string()),
        key.unwrap_or_default(),
        state.to_owned(),
        join(&|fault| match fault.is_of_key() {
            true => Some(Cow::Owned(key_heading.clone())),
            false => named(fault),
        }),
        join(&|fault| Some(Cow::Borrowed(fault.message.as_str()))),
        hint,
    ];
    let of_record = |fault: &&&Fault| fault.place == record.place;
    let marks = faults.iter().filter(of_record).flat_map(|fault| {
        let of_key = fault.is_of_key().then_some(key_columns);
        let names = (fault.column.as_ref().map(std::slice::from_ref)).or(of_key);
        let columns = names
            .into_iter()
            .flatten()
            .flat_map(|name| match table.header.find(name) {
                Some(ColumnRef::One(column)) => vec![column],
                Some(ColumnRef::All(columns)) => columns,
                _ => Vec::new(),
            });
        columns.map(|column| (column, &*fault.message))
    });
    let elsewhere = faults.iter().filter(|fault| !of_record(fault));
    Rejected {
        record,
        extra,
        marks: marks.collect(),
        elsewhere: elsewhere
            .map(|fault| (&fault.place, &*fault.message))
            .collect(),
    }
}

/// What a fault is about: the field, and the column that it is made of.
fn named(fault: &Fault) -> Option<Cow<'_, str>> {
    match (&fault.field, &fault.column) {
        (Some(field), Some(column)) => Some(Cow::Owned(format!("{field} (column {column})"))),
        (Some(name), None) | (None, Some(name)) => Some(Cow::Borrowed(name)),
        (None, None) => None,
    }
}

/// What is said of a row, cut where it repeats a text of millions of signs: a record has to hold it beside the row.
fn short(text: String) -> String {
    match text.char_indices().nth(MOST_SAID_OF_ROW) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

/// The columns of the input proper.
fn kept_columns(table: &Table) -> Vec<usize> {
    let own = Own::of(&table.header);
    let is_kept = |column: &usize| own.is_none_or(|own| !own.has(*column));
    (0..table.header.len()).filter(is_kept).collect()
}

/// What the file or the sheet of a row was called in the first input.
fn first_name(table: &Table, record: &Record, column: &str) -> String {
    let kept = Own::of(&table.header).and_then(|own| own.text(record, column));
    kept.unwrap_or_else(|| match column {
        own::SHEET => record.place.sheet.as_deref().unwrap_or_default().to_owned(),
        _ => record.place.file.to_string(),
    })
}

/// Whether the cells of a row cannot be written so that they are read again as what they are: something of the row is in
/// none of them, or one cannot be read for another reason than an error that it shows.
fn is_unreadable(record: &Record, faults: &[&Fault]) -> bool {
    let of_row = |fault: &&&Fault| fault.place == record.place;
    let mut cells = record.cells.iter();
    faults
        .iter()
        .filter(of_row)
        .any(|fault| fault.is_unreadable())
        || cells.any(|cell| matches!(cell, Cell::Fault(_)) && cells::formula_of(cell).is_none())
}

/// A file on its way in the folder.
fn draft(folder: &Path, readers: Readers) -> Result<Draft> {
    let draft = Draft::new(folder, readers).map(Draft::digested);
    draft.map_err(|error| {
        Error::machine("the error file cannot be written here")
            .at(folder.display())
            .caused_by(error)
            .hint("name another place: --errors FILE")
    })
}

/// The error for a disk that does not take the file.
fn unwritable(error: impl Into<io::Error>) -> Error {
    Error::machine("the error file cannot be written")
        .caused_by(error.into())
        .hint("free some space, or name another place: --errors FILE")
}
