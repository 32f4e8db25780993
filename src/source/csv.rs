//! Delimited text into records.

mod copy;

use compact_str::CompactString;
use std::io::Read;
use std::sync::Arc;

use ::csv::{ByteRecord, Reader, ReaderBuilder};

use super::bounds::{MOST_COLUMNS, MOST_RECORD, MOST_SAID, record_too_long, too_many_columns};
use super::bytes::{Bytes, CHUNK, cannot_read, changed};
use super::encoding::{self, Encoded};

use super::lines::{BlankLines, SENTINEL, TooLong};
use super::notice::{Notice, What};
use super::own::Own;
use super::sheet::letters;
use super::{Guards, InputOptions, Layout, Row, Rows, Table, delimiter, own};
use crate::error::{Error, Fault, Result, Rule};
use crate::record::{Cell, Header, Place, Record};

/// How much of a file is looked at for its delimiter.
const SAMPLE: usize = 64 * 1024;
/// How many rows are looked at for the width of a table without headings.
const WIDTH_ROWS: usize = 1000;

/// What it takes to read the rows of a file.
#[derive(Debug)]
pub(super) struct CsvPlan {
    encoded: Encoded,
    delimiter: u8,
    guarded: Guards,
    header_row: u64,
    /// How many rows are no rows of the table, whatever stands in them.
    skipped: u64,
    /// How many cells a row has at least: the columns behind the last heading may be missing.
    least: usize,
    /// How many rows stand above the headings.
    above: u64,
}

impl CsvPlan {
    /// Finds delimiter and headings.
    pub(super) fn open(
        bytes: &Bytes,
        encoded: Encoded,
        options: &InputOptions,
    ) -> Result<(Self, Header, Layout)> {
        let told = told_delimiter(bytes, encoded)?;
        // Excel's line is no row of the table, and its headings come behind it.
        let before = u64::from(told.is_some());
        let wanted = match (options.header_row, told) {
            (Some(1), Some(_)) => None,
            (wanted, _) => wanted,
        };
        let delimiter = match options.delimiter.or(told) {
            Some(given) => u8::try_from(given)
                .ok()
                .filter(u8::is_ascii)
                .ok_or_else(|| {
                    Error::input(format!("`{given}` cannot be a delimiter"))
                        .at(&bytes.named)
                        .hint("a delimiter is one ASCII character, such as `,` or `;`")
                })?,
            None => {
                let mut sample = Vec::new();
                encoding::records_reader(bytes, encoded)?
                    .take(SAMPLE as u64)
                    .read_to_end(&mut sample)
                    .map_err(|error| cannot_read(&bytes.named, error))?;
                let rows_above = match options.header_row {
                    // The widest of the first rows says how wide the table is.
                    Some(0) => WIDTH_ROWS,
                    row => row.unwrap_or(1) as usize,
                };
                delimiter::find(&sample, sample.len() == SAMPLE, rows_above)
            }
        };
        let mut records = Records::open(bytes, encoded, delimiter)?;
        let mut own_row = 0;
        let (header_row, headings, above) = match wanted {
            Some(0) => {
                let (row, headings) = without_headings(&mut records, before)?;
                own_row = row;
                (0, headings, 0)
            }
            wanted => headings(
                &mut records,
                (wanted, before),
                &options.header_above,
                options.may_be_empty,
            )?,
        };
        let crlf = records.crlf(bytes, encoded)?;
        let least = match header_row {
            0 => 1,
            _ => {
                1 + headings
                    .iter()
                    .rposition(|heading| !heading.trim().is_empty())
                    .unwrap_or(0)
            }
        };
        let layout = Layout::Csv {
            delimiter,
            encoding: encoded.charset,
            bom: encoded.bom,
            crlf,
            guarded: options.guarded,
            header_row: u32::try_from(header_row).unwrap_or(u32::MAX),
            tells_delimiter: told.is_some(),
        };
        let plan = Self {
            encoded,
            delimiter,
            guarded: options.guarded,
            header_row,
            skipped: header_row.max(before).max(own_row),
            least,
            above,
        };
        let bare = headings
            .iter()
            .map(|heading| options.guarded.off(heading).to_owned());
        let headings = bare.collect();
        Ok((plan, Header::new(headings), layout))
    }

    /// What was noticed when it was opened.
    pub(super) fn notices(&self, tables: &[Table]) -> Vec<Notice> {
        let table = tables.first().filter(|_| self.above > 0);
        table
            .map(|table| Notice {
                file: table.file.clone(),
                sheet: None,
                what: What::Above,
                count: self.above,
                rows: Vec::new(),
            })
            .into_iter()
            .collect()
    }

    /// Reads the rows below the headings.
    pub(super) fn rows<'a>(
        &self,
        bytes: &'a Bytes,
        table: &'a Table,
        index: usize,
    ) -> Result<Rows<'a>> {
        let mut records = Records::open(bytes, self.encoded, self.delimiter)?;
        records.is_said = Own::of(&table.header).is_some();
        Ok(Box::new(CsvRows {
            records,
            bytes,
            table,
            index,
            delimiter: self.delimiter,
            guarded: self.guarded,
            header_row: self.header_row,
            skipped: self.skipped,
            least: self.least,
            file: table.file.clone(),
            named: 0,
        }))
    }
}

/// The delimiter that the first line of a file names for Excel, as `sep=;`.
fn told_delimiter(bytes: &Bytes, encoded: Encoded) -> Result<Option<char>> {
    let mut head = Vec::new();
    encoding::records_reader(bytes, encoded)?
        .take(16)
        .read_to_end(&mut head)
        .map_err(|error| cannot_read(&bytes.named, error))?;
    let Some(end) = head.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return Ok(None);
    };
    let line = &head[..end];
    let bare = line
        .strip_prefix(b"\"")
        .and_then(|line| line.strip_suffix(b"\""));
    let told = match bare.unwrap_or(line).split_at_checked(4) {
        Some((name, [delimiter])) if name.eq_ignore_ascii_case(b"sep=") => Some(*delimiter),
        _ => None,
    };
    let is_delimiter = |sign: &u8| sign.is_ascii_punctuation() || matches!(sign, b'\t' | b' ');
    Ok(told
        .filter(is_delimiter)
        .filter(|sign| *sign != b'"')
        .map(char::from))
}

/// The row of the headings, its cells, and how many rows stand above it; a data row must follow, unless none need. So many
/// rows before it are none of the table.
fn headings(
    records: &mut Records,
    (wanted, before): (Option<u32>, u64),
    over: &[u32],
    may_be_empty: bool,
) -> Result<(u64, Vec<String>, u64)> {
    let named = records.named.clone();
    let mut above = 0;
    let mut upper = Vec::new();
    let mut found: Option<(u64, Vec<String>, u64)> = None;
    while records.next()? {
        if records.is_blank() || records.row <= before {
            continue;
        }
        match &found {
            // Without a wish the first row with anything in it bears the headings.
            None if wanted.is_none_or(|row| u64::from(row) == records.row) => {
                let lower = records.texts(&named)?;
                let joined = super::headings::joined(&upper, lower, &[]);
                found = Some((records.row, joined, above));
            }
            None if wanted.is_some_and(|row| u64::from(row) < records.row) => break,
            None if over.iter().any(|row| u64::from(*row) == records.row) => {
                upper.push((records.row, records.texts(&named)?));
            }
            None => above += 1,
            Some(_) => return found.ok_or_else(|| changed(&named)),
        }
    }
    match found {
        Some(found) if may_be_empty => Ok(found),
        Some(_) => Err(Error::input("has a header row and no rows")
            .at(named)
            .hint("look whether the export was cut short, or filtered to nothing")),
        None => Err(no_header_row(wanted.unwrap_or(1)).at(named)),
    }
}

/// The error for a `header_row` in which nothing stands.
pub(super) fn no_header_row(row: u32) -> Error {
    Error::input(format!(
        "row {row} has no headings: it is blank or behind the end"
    ))
    .hint("set header_row in [input] to the row that bears the headings, or 0 if none does")
}

/// The letters of the columns, as many as the widest of the first rows has; of an error file, whose first row says its
/// columns, that row and what it says.
fn without_headings(records: &mut Records, before: u64) -> Result<(u64, Vec<String>)> {
    let mut width = 0;
    let mut is_first = true;
    for _ in 0..WIDTH_ROWS {
        if !records.next()? {
            break;
        }
        if records.row > before && !records.is_blank() && std::mem::take(&mut is_first) {
            let texts = records.texts(&records.named)?;
            if own::are_headings(texts.iter().map(String::as_str)) {
                return Ok((records.row, texts));
            }
        }
        let filled = records.record.iter().rposition(|cell| !cell.is_empty());
        width = width.max(filled.map_or(0, |last| last + 1));
    }
    match width {
        0 => Err(Error::input("has no rows").at(&records.named)),
        width if width > MOST_COLUMNS => Err(too_many_columns().at(&records.named)),
        _ => Ok((0, (0..width).map(letters).collect())),
    }
}

/// The records of a file with the numbers that a spreadsheet program gives them.
struct Records {
    reader: Reader<BlankLines<Box<dyn Read + Send>>>,
    record: ByteRecord,
    named: Arc<str>,
    row: u64,
    /// Behind the first record.
    first_end: Option<u64>,
    unclosed: bool,
    /// Whether a quoted text of it has a quote that is not doubled.
    has_stray_quote: bool,
    /// Whether a record may have so much more as is said of the rows of an error file.
    is_said: bool,
}

impl Records {
    fn open(bytes: &Bytes, encoded: Encoded, delimiter: u8) -> Result<Self> {
        let text = BlankLines::new(encoding::records_reader(bytes, encoded)?, delimiter);
        Ok(Self {
            reader: ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .delimiter(delimiter)
                .buffer_capacity(CHUNK)
                .from_reader(text),
            record: ByteRecord::new(),
            named: bytes.named.clone(),
            row: 0,
            first_end: None,
            unclosed: false,
            has_stray_quote: false,
            is_said: true,
        })
    }

    /// Reads the next record; `false` at the end.
    fn next(&mut self) -> Result<bool> {
        let start = self.reader.position().byte();
        // The reader beneath is ahead by what it holds.
        let last = start + (MOST_RECORD + MOST_SAID + CHUNK) as u64;
        self.reader.get_mut().until(last);
        let more = self
            .reader
            .read_byte_record(&mut self.record)
            .map_err(|error| error.into_kind());
        let more = match more {
            Ok(more) => more,
            Err(::csv::ErrorKind::Io(error))
                if error.get_ref().is_some_and(|error| error.is::<TooLong>()) =>
            {
                let row = self.row + 1 + self.reader.get_mut().before(start);
                return Err(self.too_long(row));
            }
            Err(::csv::ErrorKind::Io(error)) => return Err(cannot_read(&self.named, error)),
            Err(_) => return Err(Error::machine("cannot be read").at(&self.named)),
        };
        if !more || (self.record.len() == 1 && self.record.as_slice() == b"\0") {
            return Ok(false);
        }
        self.row += 1 + self.reader.get_mut().before(start);
        if self.first_end.is_none() {
            self.first_end = Some(self.reader.position().byte());
        }
        let end = self.reader.position().byte();
        if !self.is_said && end - start > (MOST_RECORD + CHUNK) as u64 {
            return Err(self.too_long(self.row));
        }
        self.has_stray_quote = self.reader.get_mut().has_stray_quote(end);
        self.unclosed = self.record.as_slice().ends_with(SENTINEL);
        if self.unclosed {
            let mut fields: Vec<Vec<u8>> = self.record.iter().map(<[u8]>::to_vec).collect();
            if let Some(last) = fields.last_mut() {
                last.truncate(last.len().saturating_sub(SENTINEL.len()));
            }
            self.record = fields.iter().collect();
        }
        Ok(true)
    }

    fn too_long(&self, row: u64) -> Error {
        record_too_long("row", row).at(&self.named).hint(
            "a quote that opens in this row is probably never closed: close it, or double it (\"\") if it belongs to the text; if the row really is that long, shorten its longest text, or attach it as a file",
        )
    }

    fn is_blank(&self) -> bool {
        // Most rows have something in their first cell: asking cell by cell ends soonest.
        self.record.iter().all(is_blank)
    }

    fn texts(&self, named: &str) -> Result<Vec<String>> {
        if self.record.len() > MOST_COLUMNS {
            return Err(too_many_columns().at(named));
        }
        self.record
            .iter()
            .map(|cell| text(cell, named).map(String::from))
            .collect()
    }

    /// Whether the first record ends in CR LF.
    fn crlf(&self, bytes: &Bytes, encoded: Encoded) -> Result<bool> {
        let Some(end) = self.first_end else {
            return Ok(false);
        };
        let mut last = [0; 1];
        let mut text = encoding::records_reader(bytes, encoded)?.take(end);
        let mut buffer = vec![0; CHUNK];
        loop {
            match text.read(&mut buffer) {
                Ok(0) => return Ok(last[0] == b'\r'),
                Ok(count) => last[0] = buffer[count - 1],
                Err(error) => return Err(cannot_read(&bytes.named, error)),
            }
        }
    }
}

/// Whether a cell has nothing but white space, as [`Cell::is_empty`] has it: also beyond what is such in ASCII.
fn is_blank(cell: &[u8]) -> bool {
    match cell.trim_ascii().first() {
        None => true,
        Some(first) if first.is_ascii_graphic() => false,
        Some(_) => std::str::from_utf8(cell).is_ok_and(|text| text.trim().is_empty()),
    }
}

fn text(cell: &[u8], named: &str) -> Result<CompactString> {
    // All bytes were found to be text when the file was opened.
    std::str::from_utf8(cell)
        .map(CompactString::new)
        .map_err(|_| changed(named))
}

struct CsvRows<'a> {
    records: Records,
    bytes: &'a Bytes,
    table: &'a Table,
    index: usize,
    delimiter: u8,
    guarded: Guards,
    header_row: u64,
    skipped: u64,
    least: usize,
    /// The name that the rows bear, and how many bear this copy of it.
    file: Arc<str>,
    named: usize,
}

/// How many rows share one copy of the file's name: with a single one the threads that make and drop rows would
/// fight over its counter.
const SHARING: usize = 256;

impl Iterator for CsvRows<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.records.next() {
                Ok(true) if self.records.row <= self.skipped || self.records.is_blank() => {}
                Ok(true) => return Some(self.row()),
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl CsvRows<'_> {
    fn file(&mut self) -> Arc<str> {
        if self.named == SHARING {
            self.named = 0;
            self.file = Arc::from(&*self.table.file);
        }
        self.named += 1;
        self.file.clone()
    }

    fn row(&mut self) -> Result<Row> {
        let file = self.file();
        let width = self.table.header.len();
        let found = self.records.record.len();
        let mut cells = Vec::with_capacity(width);
        for cell in self.records.record.iter().take(width) {
            cells.push(match cell {
                [] => Cell::Empty,
                [b'\'' | b'=' | b'\t', ..] if self.guarded != Guards::None => {
                    Cell::Text(self.guarded.off(&text(cell, &self.bytes.named)?).into())
                }
                cell => Cell::Text(text(cell, &self.bytes.named)?),
            });
        }
        cells.resize(width, Cell::Empty);
        let record = Record {
            place: Place {
                file,
                sheet: None,
                row: self.records.row,
            },
            table: self.index,
            cells,
        };
        if self.records.unclosed {
            let fault = unclosed(record.place.clone());
            return Ok(Row::Fault(record, vec![fault]));
        }
        if self.records.has_stray_quote {
            let fault = stray_quote(record.place.clone());
            return Ok(Row::Fault(record, vec![fault]));
        }
        let surplus = self.records.record.iter().skip(width);
        if found > width && surplus.clone().any(|cell| !cell.is_empty()) {
            // One text and no list of them: they may be a million.
            let mut beyond = String::new();
            for (number, cell) in surplus.enumerate() {
                if number > 0 {
                    beyond.push(char::from(self.delimiter));
                }
                beyond.push_str(&String::from_utf8_lossy(cell));
            }
            let mut fault = self.ragged(record.place.clone(), found, width);
            // The error file has no column for them, so they are told in words: no text is lost.
            fault.hint = fault
                .hint
                .map(|hint| format!("{hint}; beyond the last column stands `{beyond}`"));
            return Ok(Row::Fault(record, vec![fault.value(beyond)]));
        }
        // A table without headings has no width to keep.
        if found < self.least && self.header_row > 0 {
            let fault = self.ragged(record.place.clone(), found, width);
            return Ok(Row::Fault(record, vec![fault]));
        }
        Ok(Row::Record(record))
    }

    fn ragged(&self, place: Place, found: usize, width: usize) -> Fault {
        let expected = match self.header_row {
            0 => format!("where the first rows have {width}"),
            _ => format!("where the header has {width}"),
        };
        let cells = if found == 1 { "cell" } else { "cells" };
        let mark = match self.delimiter {
            b'\t' => "a tab".to_owned(),
            mark => format!("a `{}`", char::from(mark)),
        };
        let fault =
            Fault::row(place, format!("has {found} {cells} {expected}")).rule(Rule::Mangled);
        if found > width {
            fault.hint(format!(
                "{mark} probably stands in a text that has no quotes around it: put the text in \" \""
            ))
        } else {
            fault.hint(format!(
                "a line break or {mark} is probably wrong here: look at this row and the one before it in a text editor"
            ))
        }
    }
}

fn stray_quote(place: Place) -> Fault {
    Fault::row(
        place,
        "has a quote inside a quoted text that is not doubled: the rest of the row cannot be read as it was meant",
    )
    .rule(Rule::Mangled)
    .hint("double each quote (\"\") that belongs to the text, or export the file again from the program")
}

fn unclosed(place: Place) -> Fault {
    Fault::row(
        place,
        "a quote opens in this row and never closes: all that follows was read as one cell",
    )
    .rule(Rule::Mangled)
    .hint("close the quote, or double it (\"\") if it belongs to the text")
}
