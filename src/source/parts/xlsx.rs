//! The parts of an XLSX: where cells lie, how many texts and formats there are, which number a shared formula has.

use super::facts::{Area, SheetFacts};
use super::xml::{Visit, attribute, attributes, name, number};
use super::{MOST_PIECE, Stop, beyond};
use crate::source::bounds::{MOST_COLUMNS, MOST_ROWS};

/// The formats of cells: Excel has 65,490.
const MOST_FORMATS: u64 = 131_072;

/// The errors that the reader knows.
const KNOWN_ERRORS: [&[u8]; 7] = [
    b"#DIV/0!", b"#N/A", b"#NAME?", b"#NULL!", b"#NUM!", b"#REF!", b"#VALUE!",
];
/// So many bytes of an error are kept: more than any is long.
const LONGEST_ERROR: usize = 40;

/// Looks at one part.
#[derive(Debug)]
pub(super) struct Cells {
    /// The size of the part, in bytes.
    size: u64,
    /// Bytes of text since the last cell began.
    text: usize,
    /// Whether texts belong to cells here.
    has_cells: bool,
    formulas: u64,
    formats: u64,
    /// The number of the row, for rows that do not say theirs, and the column after the last cell, from 0.
    row: u64,
    column: u32,
    /// How many cells came, and where the last one stands, from row 1 and column 0.
    cells: u64,
    last: Option<(u32, u32)>,
    /// Where this cell stands and what it shows, where it is an error and has an address.
    error: Option<((u32, u32), Vec<u8>)>,
    /// Whether the reader does not count on behind such an error: a cell without an address comes out one to the left.
    is_behind: bool,
    /// What the part says of its sheet, where it is one.
    pub(super) facts: SheetFacts,
    /// The sheets with the ids of their parts, where the part is the workbook.
    pub(super) sheets: Vec<(String, String)>,
    /// The parts by their ids, where the part says so.
    pub(super) targets: Vec<(String, String)>,
}

impl Cells {
    pub(super) fn of(size: u64) -> Self {
        Self {
            size,
            text: 0,
            has_cells: false,
            formulas: 0,
            formats: 0,
            row: 0,
            column: 0,
            cells: 0,
            last: None,
            error: None,
            is_behind: false,
            facts: SheetFacts::default(),
            sheets: Vec::new(),
            targets: Vec::new(),
        }
    }
}

impl Cells {
    fn cell(&mut self, tag: &[u8]) -> Result<(), Stop> {
        let (mut address, mut format, mut kind) = (None, None, None);
        for (name, value) in attributes(tag) {
            match name {
                b"r" => address = Some(value),
                b"s" => format = Some(value),
                b"t" => kind = Some(value),
                _ => {}
            }
        }
        let place = match address {
            Some(address) => on_sheet(address)?,
            None => (u32::try_from(self.row).unwrap_or(u32::MAX), self.column),
        };
        self.column = place.1 + 1;
        self.facts.is_shifted |= self.is_behind && address.is_none();
        self.is_behind &= address.is_none();
        self.cells += 1;
        self.facts.is_unordered |= self.last.is_some_and(|last| place <= last);
        self.last = Some(place);
        let at = (place.0.saturating_sub(1), place.1);
        self.error = (kind == Some(b"e") && address.is_some()).then(|| (at, Vec::new()));
        if format.is_some_and(|format| format != b"0") {
            let formatted = self.facts.formatted.get_or_insert_default();
            formatted.note(at);
        }
        Ok(())
    }

    /// Behind a cell: an error that the reader does not know is kept, for it does not say where it was.
    fn end_cell(&mut self) {
        if let Some((at, shown)) = self.error.take()
            && !shown.is_empty()
            && !KNOWN_ERRORS.contains(&shown.as_slice())
        {
            self.facts.late_errors.push((self.cells - 1, at));
            self.is_behind = true;
        }
    }
}

impl Visit for Cells {
    fn tag(&mut self, tag: &[u8]) -> Result<(), Stop> {
        let (is_end, name) = name(tag);
        if matches!(name, b"c" | b"si") {
            self.text = 0;
        }
        if is_end {
            if name == b"c" {
                self.end_cell();
            }
            return Ok(());
        }
        match name {
            b"v" => {
                if let Some((_, shown)) = &mut self.error {
                    shown.clear();
                }
                Ok(())
            }
            b"c" => self.cell(tag),
            b"row" => {
                self.column = 0;
                self.is_behind = false;
                self.row = match attribute(tag, b"r").and_then(number) {
                    Some(row) if row > MOST_ROWS => return Err(far_out(&row.to_string())),
                    Some(row) => row,
                    None => self.row + 1,
                };
                if is_true(attribute(tag, b"hidden")) {
                    self.facts.hide_rows(self.row, self.row);
                }
                Ok(())
            }
            b"col" => {
                let column = |name: &[u8]| {
                    let number = attribute(tag, name).and_then(number)?;
                    Some(u32::try_from(number).ok()?.saturating_sub(1))
                };
                if let (Some(first), Some(last)) = (column(b"min"), column(b"max")) {
                    if is_true(attribute(tag, b"hidden")) {
                        self.facts.hidden_columns.push((first, last));
                    }
                    let width =
                        attribute(tag, b"width").and_then(|width| std::str::from_utf8(width).ok());
                    if let Some(width) = width.and_then(|width| width.trim().parse().ok()) {
                        self.facts.widen(first, last, width);
                    }
                }
                Ok(())
            }
            b"filterColumn" => {
                self.facts.is_filtered = true;
                Ok(())
            }
            b"mergeCell" => {
                if let Some(area) = attribute(tag, b"ref").and_then(area) {
                    self.facts.merge(area);
                }
                Ok(())
            }
            b"sheet" => {
                let id = attribute(tag, b"r:id").or_else(|| attribute(tag, b"id"));
                if let (Some(name), Some(id)) = (attribute(tag, b"name"), id) {
                    self.sheets.push((text_of(name), text_of(id)));
                }
                Ok(())
            }
            b"Relationship" => {
                if let (Some(id), Some(target)) = (attribute(tag, b"Id"), attribute(tag, b"Target"))
                {
                    self.targets.push((text_of(id), text_of(target)));
                }
                Ok(())
            }
            b"f" => {
                self.formulas += 1;
                // A reader keeps a list as long as the largest number; programs count from 0.
                match attribute(tag, b"si").and_then(number) {
                    Some(at) if at > 2 * self.formulas + 1_024 => {
                        Err(beyond(format!("has a shared formula with the number {at}")))
                    }
                    _ => Ok(()),
                }
            }
            b"sst" => {
                self.has_cells = true;
                match attribute(tag, b"uniqueCount").and_then(number) {
                    // The shortest text takes five bytes: `<si/>`.
                    Some(count) if count > self.size / 5 + 16 => Err(beyond(format!(
                        "says that it holds {count} texts, for which it is too small"
                    ))),
                    _ => Ok(()),
                }
            }
            b"sheetData" => {
                self.has_cells = true;
                self.facts.formatted.get_or_insert_default();
                Ok(())
            }
            b"xf" => {
                self.formats += 1;
                match self.formats > MOST_FORMATS {
                    true => Err(beyond(format!("has more than {MOST_FORMATS} formats"))),
                    false => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn text(&mut self, text: &[u8]) -> Result<(), Stop> {
        self.text += text.len();
        if let Some((_, shown)) = &mut self.error
            && shown.len() < LONGEST_ERROR
        {
            shown.extend_from_slice(text);
        }
        match self.has_cells && self.text > MOST_PIECE {
            true => Err(beyond(format!(
                "has a cell longer than {} MB",
                MOST_PIECE / 1024 / 1024
            ))),
            false => Ok(()),
        }
    }
}

fn is_true(value: Option<&[u8]>) -> bool {
    matches!(value, Some(b"1" | b"true"))
}

fn text_of(value: &[u8]) -> String {
    crate::html::decode_entities(&String::from_utf8_lossy(value))
}

/// An area (`B2:C4`).
fn area(text: &[u8]) -> Option<Area> {
    let text = std::str::from_utf8(text).ok()?;
    let (first, last) = text.split_once(':')?;
    let ((top, left), (bottom, right)) = (cell(first)?, cell(last)?);
    Some(Area {
        top,
        left,
        bottom,
        right,
    })
}

/// Row and column of an address, from 0.
fn cell(address: &str) -> Option<(u32, u32)> {
    let address = address.replace('$', "");
    let letters = address.find(|sign: char| !sign.is_ascii_alphabetic())?;
    let (column, row) = address.split_at(letters);
    let column = column.bytes().try_fold(0_u32, |column, letter| {
        let letter = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column.checked_mul(26)?.checked_add(letter)
    })?;
    Some((
        row.parse::<u32>().ok()?.checked_sub(1)?,
        column.checked_sub(1)?,
    ))
}

/// Row from 1 and column from 0 of an address (`AB12`), where a sheet has such; what is none is left to the reader.
fn on_sheet(address: &[u8]) -> Result<(u32, u32), Stop> {
    let letters = address
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let column = address[..letters].iter().fold(0_usize, |column, letter| {
        let letter = usize::from(letter.to_ascii_uppercase() - b'A') + 1;
        column.saturating_mul(26).saturating_add(letter)
    });
    let row = number(&address[letters..]).unwrap_or(1);
    match (u32::try_from(row), u32::try_from(column)) {
        (Ok(at), Ok(column_at)) if column <= MOST_COLUMNS && row <= MOST_ROWS => {
            Ok((at, column_at.saturating_sub(1)))
        }
        _ => Err(far_out(&String::from_utf8_lossy(
            &address[..address.len().min(40)],
        ))),
    }
}

/// What is said of a cell that no sheet has room for.
fn far_out(address: &str) -> Stop {
    beyond(format!(
        "has a cell at `{address}`: a sheet ends at column XFD and row 1,048,576"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_where_sheets_do() {
        for good in ["A1", "XFD1048576", "xfd1", "1", "A"] {
            assert!(on_sheet(good.as_bytes()).is_ok(), "{good}");
        }
        let long = "Z".repeat(1000);
        for bad in [
            "XFE1",
            "A1048577",
            "ZZZZZZZ99999999999",
            "A99999999999999999999999",
            &long,
        ] {
            assert!(on_sheet(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
