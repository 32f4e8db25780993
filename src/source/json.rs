//! JSON lines and JSON documents into records: texts of single objects, cut out of the stream (`scan`).

mod copy;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use memchr::memmem;

use super::bounds::{MOST_RECORD, MOST_SAID, record_too_long};
use super::bytes::{Bytes, CHUNK, cannot_read, changed};
use super::encoding::{self, Encoded};
use super::own::COLUMNS;
use super::scan::Scan;
use super::{Layout, Row, Rows, Table, flatten};
use crate::error::{Error, Fault, Result, Rule};
use crate::record::{Cell, Header, Place, Record};

/// More columns than any ticket has: an object used as a table, with ids for names.
const MOST_COLUMNS: usize = 10_000;
/// The names of all columns, in bytes.
const MOST_NAMES: usize = 8 * 1024 * 1024;

/// What it takes to read the records of a file.
#[derive(Debug)]
pub(super) struct JsonPlan {
    encoded: Encoded,
    shape: Shape,
}

/// How the records are held together.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// One a line.
    Lines,
    /// In an array, which is the document or a member of it.
    Document(Option<String>),
    /// One after the other, each over as many lines as it likes.
    Sequence,
}

impl JsonPlan {
    /// Reads the file once, for its columns.
    pub(super) fn open(
        bytes: &Bytes,
        encoded: Encoded,
        shape: Shape,
    ) -> Result<(Self, Header, Layout)> {
        let shape = match shape {
            Shape::Document(None) if Self::tells_sequence(bytes, encoded)? => Shape::Sequence,
            shape => shape,
        };
        let plan = Self { encoded, shape };
        let mut paths = Vec::new();
        let mut known = HashMap::new();
        let mut named = 0;
        let (mut count, mut good, mut first_bad) = (0_u64, 0_u64, None);
        let mut texts = plan.texts(bytes)?;
        while let Some((number, text)) = texts.next()? {
            count += 1;
            match object(&text) {
                Ok(cells) => {
                    good += 1;
                    for (path, _) in cells {
                        if !known.contains_key(&path) {
                            named += path.len();
                            known.insert(path.clone(), ());
                            paths.push(path);
                        }
                    }
                }
                Err(why) => first_bad = first_bad.or(Some((number, why))),
            }
            if paths.len() > MOST_COLUMNS || named > MOST_NAMES {
                return Err(
                    Error::input(format!("has more than {MOST_COLUMNS} columns"))
                        .at(&bytes.named)
                        .hint(
                            "objects that use ids as member names must be turned into arrays first",
                        ),
                );
            }
        }
        if count == 0 {
            return Err(Error::input("has no records").at(&bytes.named));
        }
        if let (0, Some((number, why))) = (good, first_bad) {
            let unit = plan.unit();
            return Err(
                Error::input(format!("has no readable record: {unit} {number} {why}"))
                    .at(&bytes.named)
                    .hint("each record must be a JSON object: {\"name\": value, …}"),
            );
        }
        let is_utf8 = encoded.charset.is_utf8();
        let layout = match &plan.shape {
            Shape::Lines | Shape::Sequence => Layout::JsonLines { is_utf8 },
            Shape::Document(records) => Layout::JsonDocument {
                records: records.clone(),
                is_utf8,
            },
        };
        Ok((plan, Header::new(paths), layout))
    }

    /// Reads the records.
    pub(super) fn rows<'a>(
        &self,
        bytes: &'a Bytes,
        table: &'a Table,
        index: usize,
    ) -> Result<Rows<'a>> {
        let columns = (0..).zip(table.header.written());
        Ok(Box::new(JsonRows {
            texts: self.texts(bytes)?,
            lines: matches!(self.shape, Shape::Lines),
            bytes,
            table,
            index,
            columns: columns.map(|(at, path)| (path.as_str(), at)).collect(),
        }))
    }

    fn unit(&self) -> &'static str {
        match self.shape {
            Shape::Lines => "line",
            Shape::Document(_) | Shape::Sequence => "record",
        }
    }

    fn texts(&self, bytes: &Bytes) -> Result<Texts> {
        let reader = BufReader::with_capacity(CHUNK, encoding::reader(bytes, self.encoded)?);
        let named = bytes.named.clone();
        Ok(match &self.shape {
            Shape::Lines => Texts::Lines {
                reader,
                named,
                line: 0,
            },
            Shape::Document(records) => {
                let mut scan = Scan::new(reader, named);
                scan.enter(records.as_deref())?;
                Texts::Document(Box::new(scan))
            }
            Shape::Sequence => Texts::Document(Box::new(Scan::sequence(reader, named))),
        })
    }

    /// Whether a document is one object after the other: exports that were joined, or printed one by one.
    fn tells_sequence(bytes: &Bytes, encoded: Encoded) -> Result<bool> {
        let reader = BufReader::with_capacity(CHUNK, encoding::reader(bytes, encoded)?);
        Scan::new(reader, bytes.named.clone()).tells_sequence()
    }
}

/// The members of a document, as `records` names them, that hold arrays of objects.
pub(super) fn record_members(bytes: &Bytes, encoded: Encoded) -> Result<Vec<String>> {
    let reader = BufReader::with_capacity(CHUNK, encoding::reader(bytes, encoded)?);
    Scan::new(reader, bytes.named.clone()).record_members()
}

fn object(text: &[u8]) -> Result<Vec<(String, Cell)>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "is not UTF-8".to_owned())?;
    // Joined files: the mark of the second stands in the middle.
    let cells = flatten::object(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    // As in a CSV: no system takes one, and a text would end there.
    match cells
        .iter()
        .find(|(path, cell)| path.contains('\0') || holds_nul(cell))
    {
        Some((path, _)) => Err(format!(
            "holds a NUL character (\\u0000) in `{}`",
            path.replace('\0', "\\u0000")
        )),
        None => Ok(cells),
    }
}

fn holds_nul(cell: &Cell) -> bool {
    match cell {
        Cell::Text(text) => text.contains('\0'),
        Cell::Json(value) => value_holds_nul(value),
        _ => false,
    }
}

fn value_holds_nul(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains('\0'),
        serde_json::Value::Array(items) => items.iter().any(value_holds_nul),
        serde_json::Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || value_holds_nul(value)),
        _ => false,
    }
}

/// What is said of a member that a record has twice: other programs take either.
const TWICE: &str = "the record has this member twice, with different values";

/// The texts of the records, each with its number.
enum Texts {
    Lines {
        reader: BufReader<Box<dyn Read + Send>>,
        named: Arc<str>,
        line: u64,
    },
    Document(Box<Scan>),
}

impl Texts {
    fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        match self {
            Self::Document(scan) => scan.record(),
            Self::Lines {
                reader,
                named,
                line,
            } => loop {
                let mut text = Vec::new();
                let count = reader
                    .by_ref()
                    .take((MOST_RECORD + MOST_SAID) as u64 + 1)
                    .read_until(b'\n', &mut text)
                    .map_err(|error| cannot_read(named, error))?;
                if count == 0 {
                    return Ok(None);
                }
                *line += 1;
                if is_too_long(&text) {
                    return Err(too_long("line", *line).at(&*named));
                }
                if !text.trim_ascii().is_empty() {
                    // Only the white space of JSON: what else surrounds a value is a fault of the line.
                    return Ok(Some((*line, text)));
                }
            },
        }
    }
}

/// Whether a text is longer than a record may be. One of an error file has room for what is said of it.
pub(super) fn is_too_long(text: &[u8]) -> bool {
    let is_said = || {
        let from = text.len().saturating_sub(MOST_SAID);
        let end = &text[from..];
        COLUMNS
            .iter()
            .all(|name| memmem::find(end, name.as_bytes()).is_some())
    };
    text.len() > MOST_RECORD && (text.len() > MOST_RECORD + MOST_SAID || !is_said())
}

pub(super) fn too_long(unit: &str, number: u64) -> Error {
    record_too_long(unit, number).hint(
        "close the bracket or the quote that is open there; if the record really is that long, remove its longest member, or attach it as a file",
    )
}

struct JsonRows<'a> {
    texts: Texts,
    lines: bool,
    bytes: &'a Bytes,
    table: &'a Table,
    index: usize,
    columns: HashMap<&'a str, usize>,
}

impl Iterator for JsonRows<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.texts.next() {
            Ok(Some((number, text))) => Some(self.row(number, &text)),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

impl JsonRows<'_> {
    fn row(&self, number: u64, text: &[u8]) -> Result<Row> {
        let mut record = Record {
            place: Place {
                file: self.table.file.clone(),
                sheet: None,
                row: number,
            },
            table: self.index,
            cells: vec![Cell::Empty; self.table.header.len()],
        };
        match object(text) {
            Ok(cells) => {
                let mut is_set = vec![false; record.cells.len()];
                for (path, cell) in cells {
                    let Some(&column) = self.columns.get(path.as_str()) else {
                        return Err(changed(&self.bytes.named));
                    };
                    let is_other = is_set[column] && record.cells[column] != cell;
                    is_set[column] = true;
                    record.cells[column] = match is_other {
                        true => Cell::Fault(TWICE.to_owned()),
                        false => cell,
                    };
                }
                Ok(Row::Record(record))
            }
            Err(why) => {
                let unit = if self.lines { "the line" } else { "the record" };
                let fault = Fault::row(record.place.clone(), format!("{unit} {why}"))
                    .rule(Rule::Mangled)
                    .value(String::from_utf8_lossy(text.trim_ascii()))
                    .hint(
                        format!("fix {unit} {number} in the input itself")
                            .replace("the line ", "line ")
                            .replace("the record ", "record "),
                    );
                Ok(Row::Fault(record, vec![fault]))
            }
        }
    }
}
