//! A record: named cells with a position, as a source hands them on.
//!
//! Cells keep the type that the source gave them (a workbook's dates and numbers, JSON's numbers and
//! booleans); a CSV cell is always text. Nothing here interprets a text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use compact_str::CompactString;
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use serde::{Deserialize, Serialize};

use crate::unicode::plain;

/// The column by which a row of an export is known again: when the export began, and a print of what the row said. A copy of
/// another day and rows that were put together from several exports are told by it from what the baseline knows.
pub(crate) const STAMP: &str = "_as_read";

/// Where a row stands: enough for a person to find it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file as the user named it (`-` for standard input).
    pub file: Arc<str>,
    /// The sheet, for a workbook.
    pub sheet: Option<Arc<str>>,
    /// The row number that a spreadsheet program shows, the header being row 1; for CSV the number of the
    /// record counted the same way; for JSON lines the line number.
    pub row: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sheet {
            Some(sheet) => write!(f, "{}, sheet {sheet}, row {}", self.file, self.row),
            None => write!(f, "{}, row {}", self.file, self.row),
        }
    }
}

/// One value of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Cell {
    /// An empty cell, JSON null, an absent member.
    Empty,
    /// Text as it stands, not trimmed. Short texts, which most cells are, lie in place: a row is read twice, and an
    /// allocation a cell is what reading it would cost most.
    Text(CompactString),
    /// A whole number (JSON integers; a workbook's numbers are [`Cell::Number`]).
    Integer(i64),
    /// A number of a workbook or of JSON.
    Number(f64),
    /// A boolean.
    Bool(bool),
    /// A workbook's date without a time of day.
    Date(Date),
    /// A workbook's date and time (no zone: a workbook has none).
    DateTime(DateTime),
    /// A workbook's time of day.
    Time(Time),
    /// A workbook's duration (`[h]:mm`).
    Duration(SignedDuration),
    /// A JSON array or object that the source did not flatten; boxed, for it is rare and would make every cell large.
    Json(Box<serde_json::Value>),
    /// A cell that cannot be read (`#N/A`, a formula without a value): why, for people.
    Fault(String),
    /// A number of a workbook that is shown in another way than it is held (`00501` for 501).
    Shown(Box<ShownNumber>),
}

/// A number with what the spreadsheet program shows for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShownNumber {
    /// As it is held.
    pub number: f64,
    /// As it is shown.
    pub text: CompactString,
    /// Whether only zeros and other signs were added: then a key may take what is shown.
    pub is_exact: bool,
    /// The format, as the workbook writes it.
    pub format: CompactString,
}

/// How the fault of a cell that shows an error begins.
const SHOWS: &str = "the cell shows the error `";

impl Cell {
    /// Whether the cell counts as empty before null words are looked at: nothing, or only white space.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => is_blank(text),
            _ => false,
        }
    }

    /// A cell that shows an error of the spreadsheet program, such as `#N/A`.
    pub(crate) fn of_error(shown: &str) -> Self {
        Self::Fault(format!("{SHOWS}{shown}`"))
    }

    /// The error that the cell shows, where it shows one.
    pub(crate) fn error(&self) -> Option<&str> {
        match self {
            Self::Fault(why) => why.strip_prefix(SHOWS)?.strip_suffix('`'),
            _ => None,
        }
    }

    /// The cell as text, the way a person would write it: `1234` for the number 1234.0, `2024-06-21 22:43`
    /// for a date and time, JSON for arrays and objects, nothing for a fault.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Empty | Self::Fault(_) => Cow::Borrowed(""),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Shown(shown) => Cow::Borrowed(&shown.text),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Number(number) => Cow::Owned(number_text(*number)),
            Self::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Date(date) => Cow::Owned(date.to_string()),
            Self::DateTime(at) if at.second() == 0 => {
                Cow::Owned(at.strftime("%Y-%m-%d %H:%M").to_string())
            }
            Self::DateTime(at) => Cow::Owned(at.strftime("%Y-%m-%d %H:%M:%S").to_string()),
            Self::Time(time) if time.second() == 0 => {
                Cow::Owned(time.strftime("%H:%M").to_string())
            }
            Self::Time(time) => Cow::Owned(time.strftime("%H:%M:%S").to_string()),
            Self::Duration(duration) => Cow::Owned(duration_text(*duration)),
            Self::Json(value) => Cow::Owned(value.to_string()),
        }
    }
}

/// A number without the `.0` and the exponent that Excel gives to ids.
fn number_text(number: f64) -> String {
    // `{}` never prints an exponent for f64 and prints whole numbers without a fraction.
    if number == 0.0 {
        "0".to_owned()
    } else {
        format!("{number}")
    }
}

fn duration_text(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 {
        format!("{sign}{hours}:{minutes:02}")
    } else {
        format!("{sign}{hours}:{minutes:02}:{rest:02}")
    }
}

/// How a mapping names a column, found in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnRef {
    /// One column, by position from 0.
    One(usize),
    /// All columns of that name (`Comment[*]`), in order.
    All(Vec<usize>),
    /// `_file`: the name of the input.
    File,
    /// `_sheet`: the name of the sheet, empty where there is none.
    Sheet,
    /// `_row`: the number of the row.
    Row,
}

/// The columns of one table: a CSV file, a sheet, or the union of the members of a JSON file.
///
/// Names are as `mapping.md` says: header text as written, the second `Comment` is `Comment[2]`, an empty
/// header is `#N`; found as written, then without case and outer space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    written: Vec<String>,
    names: Vec<String>,
    exact: HashMap<String, usize>,
    folded: HashMap<String, usize>,
}

impl Header {
    /// A header from its cells as written.
    pub fn new(written: Vec<String>) -> Self {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut names = Vec::with_capacity(written.len());
        for (index, heading) in written.iter().enumerate() {
            if heading.trim().is_empty() {
                names.push(format!("#{}", index + 1));
                continue;
            }
            let count = seen.entry(heading.trim().to_owned()).or_insert(0);
            *count += 1;
            names.push(match count {
                1 => heading.clone(),
                n => format!("{}[{n}]", heading.trim()),
            });
        }
        let mut exact = HashMap::new();
        let mut folded = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            exact.entry(name.clone()).or_insert(index);
            folded.entry(fold(name)).or_insert(index);
        }
        Self {
            written,
            names,
            exact,
            folded,
        }
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The headings as written, for writing a file with the same header row.
    pub fn written(&self) -> &[String] {
        &self.written
    }

    /// The unique names by which mappings call the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Finds a column by the name a mapping uses, the built-in `_file`, `_sheet`, `_row` included; a column
    /// of the file that bears such a name comes second.
    pub fn find(&self, name: &str) -> Option<ColumnRef> {
        match name {
            "_file" => return Some(ColumnRef::File),
            "_sheet" => return Some(ColumnRef::Sheet),
            "_row" => return Some(ColumnRef::Row),
            _ => {}
        }
        if let Some(index) = self.position(name) {
            return Some(ColumnRef::One(index));
        }
        let base = name.trim().strip_suffix("[*]")?;
        let mut all: Vec<usize> = (0..self.len())
            .filter(|&i| fold(&self.written[i]) == fold(base))
            .collect();
        if all.is_empty() {
            let base = one_line(base);
            all = (0..self.len())
                .filter(|&at| one_line(&self.written[at]) == base)
                .collect();
        }
        (!all.is_empty()).then_some(ColumnRef::All(all))
    }

    /// The same, where a heading that is written just so goes before one that only folds to the name.
    pub fn find_as_written(&self, name: &str) -> Option<ColumnRef> {
        let is_built_in = matches!(name, "_file" | "_sheet" | "_row");
        let written = || self.written.iter().position(|written| written == name);
        match (is_built_in, written()) {
            (false, Some(index)) => Some(ColumnRef::One(index)),
            _ => self.find(name),
        }
    }

    /// The position of the one column of that name, as written first, then without case and outer space.
    /// `Comment[1]` is `Comment`.
    pub fn position(&self, name: &str) -> Option<usize> {
        let found = |name: &str| {
            self.exact
                .get(name)
                .or_else(|| self.folded.get(&fold(name)))
                .copied()
        };
        found(name)
            .or_else(|| name.trim().strip_suffix("[1]").and_then(found))
            .or_else(|| self.numbered(name))
            .or_else(|| {
                let name = one_line(name);
                self.names.iter().position(|known| one_line(known) == name)
            })
    }

    /// `Status[2]` where the second of them is `status`.
    fn numbered(&self, name: &str) -> Option<usize> {
        let (base, number) = name.trim().strip_suffix(']')?.rsplit_once('[')?;
        let number: usize = number.parse().ok()?;
        let base = one_line(base);
        let mut same = (0..self.len()).filter(|&at| one_line(&self.written[at]) == base);
        same.nth(number.checked_sub(1)?)
    }
}

/// Whether a text holds nothing but white space. Most texts tell it by their first byte, and this is asked of every
/// cell several times.
pub(crate) fn is_blank(text: &str) -> bool {
    match text.as_bytes().first() {
        None => true,
        Some(b'!'..=b'~') => false,
        Some(_) => text.trim().is_empty(),
    }
}

/// Without outer space and case, and as [`plain`] has it.
pub(crate) fn fold(text: &str) -> String {
    plain(text).trim().to_lowercase()
}

/// A heading as people see it: folded, with any white space in it as one space.
fn one_line(text: &str) -> String {
    let folded = fold(text);
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One row or object of an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Where it stands.
    pub place: Place,
    /// Which table of the input it belongs to (an index into the tables of the opened input).
    pub table: usize,
    /// Its cells, one a column of the table's header, never fewer.
    pub cells: Vec<Cell>,
}

impl Record {
    /// The cell of one column.
    pub fn cell(&self, index: usize) -> &Cell {
        self.cells.get(index).unwrap_or(&Cell::Empty)
    }
}

/// The identity of a row for ever: the mapped key, or a content hash with its ordinal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey(String);

impl RowKey {
    /// A key from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A key from its parts, joined by `/`. In a compound key a `/` or `\` inside a part stands behind a `\`, so that
    /// (`1/2`, `3`) and (`1`, `2/3`) are two keys.
    pub fn of_parts(parts: &[String]) -> Self {
        if let [one] = parts {
            return Self(one.clone());
        }
        let mut key = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                key.push('/');
            }
            for c in part.chars() {
                if matches!(c, '/' | '\\') {
                    key.push('\\');
                }
                key.push(c);
            }
        }
        Self(key)
    }

    /// The parts of a compound key, as [`Self::of_parts`] joined them.
    pub fn parts(&self) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut chars = self.0.chars();
        while let Some(c) = chars.next() {
            let c = match c {
                '/' => {
                    parts.push(String::new());
                    continue;
                }
                '\\' => chars.next().unwrap_or(c),
                c => c,
            };
            if let Some(part) = parts.last_mut() {
                part.push(c);
            }
        }
        parts
    }

    /// How an older version wrote a compound key: without the signs that tell its parts apart. `None` where it wrote it
    /// the same.
    pub fn old_spelling(&self) -> Option<Self> {
        if !self.0.contains('\\') {
            return None;
        }
        let mut old = String::with_capacity(self.0.len());
        let mut chars = self.0.chars();
        while let Some(c) = chars.next() {
            match (c, chars.clone().next()) {
                ('\\', Some(next @ ('/' | '\\'))) => {
                    old.push(next);
                    chars.next();
                }
                // No compound key has this.
                ('\\', _) => return None,
                (c, _) => old.push(c),
            }
        }
        Some(Self(old))
    }

    /// The key as people read it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &[&str]) -> Header {
        Header::new(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn parts_of_a_compound_key_are_told_apart() {
        let key = |parts: &[&str]| {
            RowKey::of_parts(
                &parts
                    .iter()
                    .map(|part| (*part).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_ne!(key(&["1/2", "3"]), key(&["1", "2/3"]));
        assert_ne!(key(&["1\\", "3"]), key(&["1", "\\3"]));
        for parts in [["1/2", "3"], ["1\\", "3"], ["a\\/b", "/"], ["", "x"]] {
            assert_eq!(key(&parts).parts(), parts);
        }
        assert_ne!(key(&["a\\/b", "c"]), key(&["a\\", "b/c"]));
        // Keys of older versions are as they were.
        assert_eq!(key(&["a/b"]).as_str(), "a/b");
        assert_eq!(key(&["INC-1", "north"]).as_str(), "INC-1/north");
        assert_eq!(key(&["INC-1", "north"]).old_spelling(), None);
        for parts in [["1/2", "3"], ["1", "2/3"], ["\\", "/"]] {
            let old = key(&parts).old_spelling().unwrap();
            assert_eq!(old.as_str(), parts.join("/"));
        }
        assert_eq!(key(&["C:\\temp"]).old_spelling(), None);
    }

    #[test]
    fn repeated_and_empty_headings_get_names() {
        let header = header(&["Comment", "", " Comment ", "comment"]);
        assert_eq!(header.names(), ["Comment", "#2", "Comment[2]", "comment"]);
        assert_eq!(header.find("Comment[1]"), Some(ColumnRef::One(0)));
        assert_eq!(header.find("Comment[2]"), Some(ColumnRef::One(2)));
        assert_eq!(
            header.find("Comment[*]"),
            Some(ColumnRef::All(vec![0, 2, 3]))
        );
        assert_eq!(header.find("#2"), Some(ColumnRef::One(1)));
        assert_eq!(header.find("_row"), Some(ColumnRef::Row));
        assert_eq!(header.find("Nothing"), None);
    }

    #[test]
    fn a_name_is_found_as_written_before_it_is_folded() {
        let header = header(&["status", "Status"]);
        assert_eq!(header.find("Status"), Some(ColumnRef::One(1)));
        assert_eq!(header.find(" STATUS "), Some(ColumnRef::One(0)));
    }

    #[test]
    fn numbers_print_as_ids() {
        assert_eq!(Cell::Number(1234.0).text(), "1234");
        assert_eq!(Cell::Number(1.2e5).text(), "120000");
        assert_eq!(Cell::Number(-0.0).text(), "0");
        assert_eq!(Cell::Number(1e21).text(), "1000000000000000000000");
        assert_eq!(Cell::Number(0.1).text(), "0.1");
    }
}
