//! `deskferry runs ids`: the rows of a run with the tickets they made, for a spreadsheet beside the input.
//!
//! The columns of the input come first, read anew from the file. Where it is gone or has changed since, the place
//! and the key of the row stand alone, and that is said.

use std::io::{self, StdoutLock, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::output::{Output, write_failed};
use super::PAGE;
use crate::config::StateFolder;
use crate::error::{Error, Result};
use crate::ledger::{Ledger, MadeTicket, Run, RunInfo};
use crate::mapping::{Mapping, Reach};
use crate::outfile::{Claims, Draft, Readers, Records, unwritable};
use crate::record::{Cell, Place, Record};
use crate::source::{self, Input, Row};

/// What follows the columns of the input.
const COLUMNS: [&str; 7] = ["_file", "_sheet", "_row", "_key", "_id", "_number", "_link"];

/// Where the tickets are written to.
pub(super) enum To {
    Stdout(StdoutLock<'static>),
    File(Box<Draft>, PathBuf, Records),
}

impl To {
    /// A file, else standard output.
    ///
    /// # Errors
    /// When the file cannot be written, or belongs to the state folder.
    pub(super) fn new(path: Option<&Path>, state: &StateFolder, readers: Readers) -> Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Self::Stdout(io::stdout().lock()));
        };
        Claims::default().keeping(state.path()).write(path, "-o")?;
        let draft = Draft::beside(path, readers).map_err(|error| unwritable(path, error))?;
        let records = Records::of(state.path());
        Ok(Self::File(Box::new(draft), path.to_owned(), records))
    }

    fn end(mut self, output: Output) -> Result<()> {
        self.flush().map_err(write_failed)?;
        let Self::File(draft, path, records) = self else {
            return Ok(());
        };
        let placed = draft.whole().and_then(|whole| whole.place(&path, &records));
        let placed = placed.map_err(|error| unwritable(&path, error))?;
        output.say(&format!("  written    {}", placed.path.display()));
        if let Some(note) = placed.note("deskferry") {
            output.say(&format!("  note       {note}"));
        }
        Ok(())
    }
}

impl Write for To {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File(draft, ..) => draft.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(draft, ..) => draft.flush(),
        }
    }
}

/// Writes the tickets of a run as CSV, or as JSON lines: attempt by attempt, in the order of their inputs.
pub(super) async fn print(ledger: &Ledger, run: &Run, to: To, output: Output) -> Result<()> {
    let mut inputs: Vec<(&str, Option<Input>)> = Vec::new();
    let mut told: Vec<String> = Vec::new();
    for attempt in run.attempts() {
        let input = match reopen(attempt) {
            Ok(input) => Some(input),
            Err(reason) => {
                if !told.contains(&reason) {
                    output.say(&format!(
                        "  note       without the columns of the input: {reason}"
                    ));
                    told.push(reason);
                }
                None
            }
        };
        inputs.push((&attempt.code, input));
    }
    let mut sink = Sink::new(output, to, &inputs)?;
    let mut rows: Option<(usize, Option<Columns<'_>>)> = None;
    let mut after = None;
    loop {
        let (page, last) = ledger.ids(run, after, PAGE).await?;
        if last.is_none() {
            break;
        }
        after = last;
        for made in &page {
            let at = (inputs.iter())
                .position(|(code, _)| *code == made.attempt)
                .unwrap_or_default();
            if rows.as_ref().is_none_or(|(of, _)| *of != at) {
                rows = Some((at, inputs[at].1.as_ref().map(Columns::new).transpose()?));
            }
            let record = match &mut rows {
                Some((_, Some(rows))) => rows.seek(&made.row.place)?,
                _ => None,
            };
            sink.put(made, at, record.as_ref())?;
        }
    }
    sink.end(output)
}

/// The input as an attempt read it.
fn reopen(attempt: &RunInfo) -> std::result::Result<Input, String> {
    let meta = &attempt.meta;
    let paths: Vec<PathBuf> = meta.inputs.iter().map(PathBuf::from).collect();
    if paths.iter().any(|path| source::comes_once(path)) {
        return Err("it came from standard input or a pipe".to_owned());
    }
    // Only how it reads its input counts here, and the run was made with it.
    let mapping = Mapping::load(Path::new(&meta.mapping), Reach::Anywhere)
        .map_err(|error| error.to_string())?;
    let input = Input::open(&paths, mapping.input_options()).map_err(|error| error.to_string())?;
    if input.fingerprint() != meta.input_print {
        return Err(format!("{} has changed since", meta.inputs.join(", ")));
    }
    Ok(input)
}

/// The rows of the input, read forwards: tickets come in the order of the input.
struct Columns<'a> {
    rows: Box<dyn Iterator<Item = Result<Row>> + Send + 'a>,
    /// The row that was found last: several tickets may be made of one.
    last: Option<Record>,
    /// Rows that were passed while a later one was looked for: groups come in the order of their first row, which
    /// their mapping may not have put first.
    passed: Vec<Record>,
}

/// How many passed rows are remembered.
const PASSED: usize = 10_000;

impl<'a> Columns<'a> {
    fn new(input: &'a Input) -> Result<Self> {
        Ok(Self {
            rows: input.rows()?,
            last: None,
            passed: Vec::new(),
        })
    }

    fn seek(&mut self, place: &Place) -> Result<Option<Record>> {
        if let Some(last) = self.last.as_ref().filter(|last| last.place == *place) {
            return Ok(Some(last.clone()));
        }
        self.last = self.find(place)?;
        Ok(self.last.clone())
    }

    fn find(&mut self, place: &Place) -> Result<Option<Record>> {
        let behind = |record: &Record| {
            record.place.file == place.file
                && record.place.sheet == place.sheet
                && record.place.row >= place.row
        };
        if self.passed.last().is_some_and(behind) {
            let at = self.passed.iter().position(|record| record.place == *place);
            return Ok(at.map(|at| self.passed.remove(at)));
        }
        for row in self.rows.by_ref() {
            let (Row::Record(record) | Row::Fault(record, _)) = row?;
            if record.place == *place {
                return Ok(Some(record));
            }
            if self.passed.len() == PASSED {
                self.passed.drain(..PASSED / 2);
            }
            self.passed.push(record);
        }
        Ok(None)
    }
}

enum Sink {
    Csv(
        Box<csv::Writer<To>>,
        Vec<String>,
        /// Of each input, and of each of its tables: where its columns go.
        Vec<Vec<Vec<usize>>>,
    ),
    /// Of each input, and of each of its tables: its headings.
    Json(To, Vec<Vec<Vec<String>>>),
}

impl Sink {
    fn new(output: Output, to: To, inputs: &[(&str, Option<Input>)]) -> Result<Self> {
        let headings: Vec<Vec<Vec<String>>> = (inputs.iter())
            .map(|(_, input)| {
                let tables = input.as_ref().map(Input::tables).unwrap_or_default();
                (tables.iter())
                    .map(|table| table.header.names().to_vec())
                    .collect()
            })
            .collect();
        if output.is_json() {
            return Ok(Self::Json(to, headings));
        }
        // Tables with different headers share one file: the union of their columns, in order of appearance.
        let mut names: Vec<String> = Vec::new();
        let mut place = |name: &String| match names.iter().position(|known| known == name) {
            Some(at) => at,
            None => {
                names.push(name.clone());
                names.len() - 1
            }
        };
        let places: Vec<Vec<Vec<usize>>> = (headings.iter())
            .map(|tables| {
                (tables.iter())
                    .map(|table| table.iter().map(&mut place).collect())
                    .collect()
            })
            .collect();
        let mut writer = csv::Writer::from_writer(to);
        writer
            .write_record(names.iter().map(String::as_str).chain(COLUMNS))
            .map_err(failed)?;
        Ok(Self::Csv(Box::new(writer), names, places))
    }

    fn put(&mut self, made: &MadeTicket, input: usize, record: Option<&Record>) -> Result<()> {
        let place = &made.row.place;
        let ticket = &made.ticket;
        let row = place.row.to_string();
        let own = [
            &*place.file,
            place.sheet.as_deref().unwrap_or(""),
            &row,
            made.row.key.as_ref().map_or("", |key| key.as_str()),
            &ticket.id,
            ticket.number.as_deref().unwrap_or(""),
            ticket.url.as_deref().unwrap_or(""),
        ];
        match self {
            Self::Csv(writer, names, places) => {
                let mut cells = vec![String::new(); names.len()];
                if let Some(record) = record {
                    for (cell, at) in record.cells.iter().zip(&places[input][record.table]) {
                        cells[*at] = cell.text().into_owned();
                    }
                }
                writer
                    .write_record(cells.iter().map(String::as_str).chain(own))
                    .map_err(failed)
            }
            Self::Json(to, headers) => {
                let mut object = serde_json::Map::new();
                if let Some(record) = record {
                    for (name, cell) in headers[input][record.table].iter().zip(&record.cells) {
                        object.insert(name.clone(), value(cell));
                    }
                }
                object.extend(
                    COLUMNS
                        .iter()
                        .zip(own)
                        .map(|(name, text)| ((*name).to_owned(), json!(text))),
                );
                writeln!(to, "{}", Value::Object(object)).map_err(write_failed)
            }
        }
    }

    fn end(self, output: Output) -> Result<()> {
        let to = match self {
            Self::Csv(writer, ..) => {
                let out = writer.into_inner();
                out.map_err(|error| write_failed(error.into_error()))?
            }
            Self::Json(to, _) => to,
        };
        to.end(output)
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Empty | Cell::Fault(_) => Value::Null,
        Cell::Integer(number) => json!(number),
        Cell::Number(number) => json!(number),
        Cell::Bool(value) => json!(value),
        Cell::Json(value) => Value::clone(value),
        other => json!(other.text()),
    }
}

fn failed(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => write_failed(error),
        other => Error::machine(format!("cannot write to standard output: {other:?}")),
    }
}
