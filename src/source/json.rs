//! JSON lines and JSON documents into records: texts of single objects, cut out of the stream.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use super::bounds::{MOST_RECORD, record_too_long};
use super::bytes::{Bytes, CHUNK, cannot_read, changed};
use super::encoding::{self, Encoded};
use super::{Layout, Row, Rows, Table, flatten};
use crate::error::{Error, Fault, Result};
use crate::record::{Cell, Header, Place, Record};

/// More columns than any ticket has: an object used as a table, with ids for names.
const MOST_COLUMNS: usize = 10_000;
/// The names of all columns, in bytes.
const MOST_NAMES: usize = 8 * 1024 * 1024;
/// So many members of a document are named in an error.
const MOST_NAMED: usize = 100;

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
}

impl JsonPlan {
    /// Reads the file once, for its columns.
    pub(super) fn open(
        bytes: &Bytes,
        encoded: Encoded,
        shape: Shape,
    ) -> Result<(Self, Header, Layout)> {
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
        let layout = match &plan.shape {
            Shape::Lines => Layout::JsonLines,
            Shape::Document(records) => Layout::JsonDocument {
                records: records.clone(),
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
            Shape::Document(_) => "record",
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
        })
    }
}

fn object(text: &[u8]) -> Result<Vec<(String, Cell)>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "is not UTF-8".to_owned())?;
    flatten::object(text)
}

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
                    .take(MOST_RECORD as u64)
                    .read_until(b'\n', &mut text)
                    .map_err(|error| cannot_read(named, error))?;
                if count == 0 {
                    return Ok(None);
                }
                *line += 1;
                if count == MOST_RECORD {
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

fn too_long(unit: &str, number: u64) -> Error {
    record_too_long(unit, number).hint("a bracket or a quote is probably never closed")
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
                for (path, cell) in cells {
                    let Some(&column) = self.columns.get(path.as_str()) else {
                        return Err(changed(&self.bytes.named));
                    };
                    record.cells[column] = cell;
                }
                Ok(Row::Record(record))
            }
            Err(why) => {
                let unit = if self.lines { "the line" } else { "the record" };
                let fault = Fault::row(record.place.clone(), format!("{unit} {why}"))
                    .value(String::from_utf8_lossy(text.trim_ascii()))
                    .hint(
                        format!("mend {unit} {number} in the input itself")
                            .replace("the line ", "line ")
                            .replace("the record ", "record "),
                    );
                Ok(Row::Fault(record, vec![fault]))
            }
        }
    }
}

/// Cuts the elements of an array out of a JSON document, without holding more than one of them. What is
/// within an element is judged by serde_json; what is around them, here.
struct Scan {
    reader: BufReader<Box<dyn Read + Send>>,
    named: Arc<str>,
    peeked: Option<u8>,
    line: u64,
    number: u64,
    /// Whether the array is a member of an object.
    wrapped: bool,
    over: bool,
}

impl Scan {
    fn new(reader: BufReader<Box<dyn Read + Send>>, named: Arc<str>) -> Self {
        Self {
            reader,
            named,
            peeked: None,
            line: 1,
            number: 0,
            wrapped: false,
            over: false,
        }
    }

    /// Goes to the first record.
    fn enter(&mut self, records: Option<&str>) -> Result<()> {
        match (self.token()?, records) {
            (Some(b'['), None) => Ok(()),
            (Some(b'['), Some(member)) => Err(Error::input(format!(
                "is an array and has no member `{member}`"
            ))
            .at(&self.named)
            .hint("leave `records` out of [input]")),
            (Some(b'{'), Some(member)) => self.enter_member(member),
            (Some(b'{'), None) => Err(self.lone_object()?),
            (Some(byte), _) => {
                let value = self.value(byte)?;
                flatten::check(&value).map_err(|why| self.invalid(&why))?;
                self.ended()?;
                Err(Error::input("holds one value and no records").at(&self.named))
            }
            (None, _) => Err(self.invalid("is not valid JSON: it ends too early")),
        }
    }

    fn enter_member(&mut self, wanted: &str) -> Result<()> {
        self.wrapped = true;
        let mut others = Vec::new();
        let mut first = true;
        while let Some((name, byte)) = self.member(first)? {
            first = false;
            if name == wanted {
                if byte == b'[' {
                    return Ok(());
                }
                return Err(
                    Error::input(format!("the member `{wanted}` is no array")).at(&self.named)
                );
            }
            let value = self.value(byte)?;
            flatten::check(&value).map_err(|why| self.invalid(&why))?;
            if others.len() < MOST_NAMED {
                others.push(name);
            }
        }
        self.ended()?;
        Err(Error::input(format!("has no member `{wanted}`"))
            .at(&self.named)
            .hint(format!("its members are `{}`", others.join("`, `"))))
    }

    /// The error for a document that is one object, which names the members that could be meant.
    fn lone_object(&mut self) -> Result<Error> {
        let mut arrays = Vec::new();
        let mut first = true;
        while let Some((name, byte)) = self.member(first)? {
            first = false;
            let value = self.value(byte)?;
            flatten::check(&value).map_err(|why| self.invalid(&why))?;
            if byte == b'[' && arrays.len() < MOST_NAMED {
                arrays.push(format!("records = \"{name}\""));
            }
        }
        self.ended()?;
        let error = Error::input("is one object, not an array of records").at(&self.named);
        Ok(match arrays.as_slice() {
            [] => error.hint("put the records into an array: [{…}, {…}]"),
            arrays => error.hint(format!("add {} to [input]", arrays.join(" or "))),
        })
    }

    /// The next member's name and the first byte of its value; `None` behind the closing brace.
    fn member(&mut self, first: bool) -> Result<Option<(String, u8)>> {
        let byte = match (self.token()?, first) {
            (Some(b'}'), _) => return Ok(None),
            (Some(b','), false) => self.token()?,
            (byte, true) => byte,
            (byte, false) => return Err(self.unexpected(byte, "`,` or `}`")),
        };
        if byte != Some(b'"') {
            return Err(self.unexpected(byte, "a member's name in quotes"));
        }
        let literal = self.value(b'"')?;
        let name = flatten::name(&literal).map_err(|why| self.invalid(&why))?;
        match self.token()? {
            Some(b':') => {}
            byte => return Err(self.unexpected(byte, "`:`")),
        }
        match self.token()? {
            Some(byte) => Ok(Some((name, byte))),
            None => Err(self.unexpected(None, "a value")),
        }
    }

    /// The next element of the array.
    fn record(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        if self.over {
            return Ok(None);
        }
        let byte = match (self.token()?, self.number) {
            (Some(b']'), _) => {
                self.over = true;
                self.leave()?;
                return Ok(None);
            }
            (Some(b','), 1..) => self.token()?,
            (byte, 0) => byte,
            (byte, _) => return Err(self.unexpected(byte, "`,` or `]`")),
        };
        match byte {
            None | Some(b',' | b']' | b'}' | b':') => Err(self.unexpected(byte, "a record")),
            Some(byte) => {
                self.number += 1;
                let text = self.value(byte)?;
                Ok(Some((self.number, text)))
            }
        }
    }

    fn leave(&mut self) -> Result<()> {
        if self.wrapped {
            while let Some((_, byte)) = self.member(false)? {
                let value = self.value(byte)?;
                flatten::check(&value).map_err(|why| self.invalid(&why))?;
            }
        }
        self.ended()
    }

    fn ended(&mut self) -> Result<()> {
        match self.token()? {
            None => Ok(()),
            byte => Err(self.unexpected(byte, "the end of the file")),
        }
    }

    /// The text of the value that begins with this byte, as far as its brackets and quotes reach.
    fn value(&mut self, first: u8) -> Result<Vec<u8>> {
        let mut text = vec![first];
        let mut depth = usize::from(matches!(first, b'{' | b'['));
        let mut quoted = first == b'"';
        let scalar = depth == 0 && !quoted;
        while scalar || depth > 0 || quoted {
            let Some(byte) = self.byte()? else {
                if scalar {
                    break;
                }
                return Err(self.invalid("is not valid JSON: a bracket or a quote is never closed"));
            };
            if scalar && matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n') {
                self.peeked = Some(byte);
                break;
            }
            text.push(byte);
            match byte {
                b'\\' if quoted => text.extend(self.byte()?),
                b'"' => quoted = !quoted && !scalar,
                b'{' | b'[' if !quoted && !scalar => depth += 1,
                b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
                _ => {}
            }
            if text.len() > MOST_RECORD {
                return Err(too_long("record", self.number).at(&self.named));
            }
        }
        Ok(text)
    }

    /// The next byte that is no white space.
    fn token(&mut self) -> Result<Option<u8>> {
        loop {
            match self.byte()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => {}
                other => return Ok(other),
            }
        }
    }

    fn byte(&mut self) -> Result<Option<u8>> {
        if let Some(byte) = self.peeked.take() {
            return Ok(Some(byte));
        }
        let buffer = self
            .reader
            .fill_buf()
            .map_err(|error| cannot_read(&self.named, error))?;
        let Some(&byte) = buffer.first() else {
            return Ok(None);
        };
        self.reader.consume(1);
        self.line += u64::from(byte == b'\n');
        Ok(Some(byte))
    }

    fn unexpected(&self, found: Option<u8>, expected: &str) -> Error {
        match found {
            Some(byte) if byte.is_ascii_graphic() => self.invalid(&format!(
                "is not valid JSON: `{}` stands where {expected} should be",
                char::from(byte)
            )),
            Some(_) => self.invalid(&format!("is not valid JSON: {expected} is missing")),
            None => self.invalid(&format!(
                "is not valid JSON: it ends where {expected} should be"
            )),
        }
    }

    fn invalid(&self, why: &str) -> Error {
        Error::input(why)
            .at(format!("{}, line {}", self.named, self.line))
            .hint("look whether the export was cut short")
    }
}
