//! The cells of an error workbook: each as it was, in the format of its column.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Unit;
use jiff::civil::{Date, Time, date};
use rust_xlsxwriter::{Color, Format, Formula, Worksheet, XlsxError};

use crate::record::Cell;
use crate::source::{is_date_format, is_general_format};

/// A whole number that a workbook keeps exactly.
const EXACT: u64 = 1 << 53;
/// So many formats of columns are kept, each plain and marked.
const MOST_FORMATS: usize = 500;

/// The formats of cells, each plain and marked.
pub(super) struct Formats {
    pub(super) bold: Format,
    /// General, date, date and time, time, duration.
    kinds: [[Format; 2]; 5],
    /// Those of columns, by their code.
    own: HashMap<String, [Format; 2]>,
}

impl Formats {
    pub(super) fn new() -> Self {
        let codes = [
            "General",
            "yyyy-mm-dd",
            "yyyy-mm-dd hh:mm:ss",
            "hh:mm:ss",
            "[h]:mm:ss",
        ];
        Self {
            bold: Format::new().set_bold(),
            kinds: codes.map(pair),
            own: HashMap::new(),
        }
    }

    pub(super) fn general(&self, marked: bool) -> &Format {
        &self.kinds[0][usize::from(marked)]
    }

    /// The format of a kind of cell, or of its column where that is one for such a cell.
    fn of(&mut self, kind: usize, column: Option<&str>, marked: bool) -> &Format {
        let is_date = kind > 0;
        // More than a day would be a date in a format that begins again at midnight, as that of an ODS may.
        let is_span = |code: &str| kind < 4 || code.contains('[');
        let own = column.filter(|code| {
            is_date == is_date_format(code) && !is_general_format(code) && is_span(code)
        });
        match own {
            Some(code) if self.own.contains_key(code) || self.own.len() < MOST_FORMATS => {
                let pair = self
                    .own
                    .entry(code.to_owned())
                    .or_insert_with(|| pair(code));
                &pair[usize::from(marked)]
            }
            _ => &self.kinds[kind][usize::from(marked)],
        }
    }
}

fn pair(code: &str) -> [Format; 2] {
    let plain = Format::new().set_num_format(code);
    let marked = plain.clone().set_background_color(Color::RGB(0x00FF_D966));
    [plain, marked]
}

/// What is written as a text, whatever the cell is: a text, and what a workbook has no number for.
pub(super) fn own_text(cell: &Cell) -> Option<Cow<'_, str>> {
    let is_early = |date: Date| day_number(date) < 1.0;
    match cell {
        Cell::Date(date) if !is_early(*date) => None,
        Cell::DateTime(at) if !is_early(at.date()) => None,
        Cell::Integer(number) if number.unsigned_abs() <= EXACT => None,
        Cell::Empty
        | Cell::Number(_)
        | Cell::Shown(_)
        | Cell::Bool(_)
        | Cell::Time(_)
        | Cell::Duration(_)
        | Cell::Fault(_) => None,
        cell => Some(cell.text()),
    }
}

/// The formula of a cell that shows an error, and the error. None where it shows no error that an XLSX knows.
pub(super) fn formula_of(cell: &Cell) -> Option<(&'static str, &'static str)> {
    const KNOWN: [(&str, &str); 7] = [
        ("=NA()", "#N/A"),
        ("=1/0", "#DIV/0!"),
        ("=#REF!", "#REF!"),
        ("=#VALUE!", "#VALUE!"),
        ("=#NAME?", "#NAME?"),
        ("=#NUM!", "#NUM!"),
        ("=#NULL!", "#NULL!"),
    ];
    let shown = cell.error()?;
    KNOWN.into_iter().find(|(_, known)| *known == shown)
}

/// Writes a cell that is no text; `column` is the format of its column in the input.
pub(super) fn write(
    sheet: &mut Worksheet,
    (row, at): (u32, u16),
    cell: &Cell,
    marked: bool,
    column: Option<&str>,
    formats: &mut Formats,
) -> Result<(), XlsxError> {
    let (number, kind, code) = match cell {
        Cell::Number(number) => (*number, 0, column),
        // In its own format, so that it is shown again as it was.
        Cell::Shown(shown) => (shown.number, 0, Some(shown.format.as_str())),
        Cell::Integer(number) => (*number as f64, 0, column),
        Cell::Date(date) => (day_number(*date), 1, column),
        Cell::DateTime(at) => (day_number(at.date()) + day_part(at.time()), 2, column),
        Cell::Time(time) => (day_part(*time), 3, column),
        Cell::Duration(duration) => (duration.as_secs_f64() / 86_400.0, 4, column),
        Cell::Bool(value) => {
            sheet.write_boolean_with_format(row, at, *value, formats.general(marked))?;
            return Ok(());
        }
        // The same error again, so that a cell nobody fixed is the same fault again and not an empty one. Of a cell that is
        // no such error the row is marked.
        Cell::Fault(_) => {
            let (formula, shown) = formula_of(cell).unwrap_or(("=NA()", "#N/A"));
            let formula = Formula::new(formula).set_result(shown);
            sheet.write_formula_with_format(row, at, formula, formats.general(marked))?;
            return Ok(());
        }
        Cell::Empty | Cell::Text(_) | Cell::Json(_) => {
            if marked {
                sheet.write_blank(row, at, formats.general(true))?;
            }
            return Ok(());
        }
    };
    let format = formats.of(kind, code, marked);
    sheet.write_number_with_format(row, at, number, format)?;
    Ok(())
}

/// The serial number of a day in the calendar of 1900, with its 29 February that never was.
fn day_number(day: Date) -> f64 {
    let epoch = match day < date(1900, 3, 1) {
        true => date(1899, 12, 31),
        false => date(1899, 12, 30),
    };
    let span = day
        .since((Unit::Day, epoch))
        .map_or(0, |span| span.get_days());
    f64::from(span)
}

fn day_part(time: Time) -> f64 {
    let seconds = f64::from(time.hour()) * 3600.0 + f64::from(time.minute()) * 60.0;
    let seconds = seconds + f64::from(time.second()) + f64::from(time.subsec_nanosecond()) / 1e9;
    seconds / 86_400.0
}
