//! The error file: the rejected rows of an input, laid out like it, with what is wrong beside them.
//!
//! One file for each input file: same format, delimiter, encoding, sheet and header row, the columns in order
//! and behind them `_row`, `_key`, `_state`, `_field`, `_error`, `_hint`. It is itself an input: fixed, it is
//! run with the same mapping. It is written as the rows come, to a temporary file in the target's folder, and
//! takes its name when the run ends. One that somebody has worked on since keeps its name (`outfile::Records`).

mod cells;
mod csv;
mod encode;
mod json;
mod name;
mod workbook;

pub(super) use workbook::anew;

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
use crate::record::{ColumnRef, Place, Record, RowKey};
use crate::source::{Layout, Look, Table};

use name::Target;
pub(crate) use name::{base_of, named_like};

/// The columns that are added, in order.
pub const COLUMNS: [&str; 6] = ["_row", "_key", "_state", "_field", "_error", "_hint"];

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
}

enum Writer {
    Csv(Box<csv::CsvFile>),
    Json(Box<json::JsonFile>),
    Workbook(Box<workbook::WorkbookFile>),
}

/// One row as it is written.
struct Rejected<'a> {
    record: &'a Record,
    /// The texts of [`COLUMNS`].
    extra: Vec<String>,
    /// Which cells are to blame: the column's position and why.
    marks: Vec<(usize, &'a str)>,
    /// What is wrong with rows of other sheets, and where they are.
    elsewhere: Vec<(&'a Place, &'a str)>,
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
            let rejected = reject(table, record, key, state, &faults, &self.key_columns);
            let file = self.tables[record.table].file.clone();
            if !self.open.contains_key(&file) {
                let open = self.start(&file)?;
                self.open.insert(file.clone(), open);
                self.order.push(file.clone());
            }
            if let Some(open) = self.open.get_mut(&file) {
                match &mut open.writer {
                    Writer::Csv(writer) => writer.row(&rejected)?,
                    Writer::Json(writer) => writer.row(&rejected)?,
                    Writer::Workbook(writer) => writer.row(&rejected)?,
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
            own: &COLUMNS,
            in_place: false,
        };
        let writer = match &first.layout {
            Layout::Csv { .. } => Writer::Csv(Box::new(csv::CsvFile::start(first, out)?)),
            Layout::JsonLines => Writer::Json(Box::new(json::JsonFile::start(first, None, out)?)),
            Layout::JsonDocument { records } => {
                let records = Some(records.as_deref());
                Writer::Json(Box::new(json::JsonFile::start(first, records, out)?))
            }
            Layout::Workbook { .. } => Writer::Workbook(Box::new(workbook::WorkbookFile::start(
                &mine, out, texts, &shape,
            )?)),
        };
        Ok(Open { writer, target })
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
    let kept = |name: &str| {
        let position = own_column(table, name)?;
        let text = record.cell(position).text().into_owned();
        (!text.is_empty()).then_some(text)
    };
    let join = |part: &dyn Fn(&'a Fault) -> Option<Cow<'a, str>>| {
        let mut parts: Vec<_> = faults.iter().filter_map(|fault| part(fault)).collect();
        parts.dedup();
        parts.join(" | ")
    };
    let key_heading = key_columns.join(" + ");
    let key = key
        .map(|key| key.as_str().to_owned())
        .or_else(|| kept("_key"));
    let extra = vec![
        kept("_row").unwrap_or_else(|| record.place.row.to_string()),
        key.unwrap_or_default(),
        state.to_owned(),
        join(&|fault| match fault.is_of_key() {
            true => Some(Cow::Owned(key_heading.clone())),
            false => named(fault),
        }),
        join(&|fault| Some(Cow::Borrowed(fault.message.as_str()))),
        join(&|fault| fault.hint.as_deref().map(Cow::Borrowed)),
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

/// Where an input that is an error file itself has one of the added columns.
fn own_column(table: &Table, name: &str) -> Option<usize> {
    table
        .header
        .written()
        .iter()
        .position(|heading| heading.trim() == name)
}

/// The columns of the input proper.
fn kept_columns(table: &Table) -> Vec<usize> {
    let written = table.header.written().iter().enumerate();
    written
        .filter(|(_, heading)| !COLUMNS.contains(&heading.trim()))
        .map(|(column, _)| column)
        .collect()
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
