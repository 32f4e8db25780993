//! Rejected rows as a workbook, the faulty cells marked.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Unit;
use jiff::civil::{Date, Time, date};
use rust_xlsxwriter::{Color, Format, Formula, Note, Workbook, Worksheet, XlsxError};

use super::super::texts::Texts;
use super::{COLUMNS, Rejected, kept_columns, unwritable};
use crate::error::{Error, Result};
use crate::outfile::{Draft, Room, full};
use crate::record::Cell;
use crate::source::{Layout, Table, cut, excel_name};

/// Notes are held in memory until the end: so many cells get one, the others only their colour.
const MOST_NOTES: usize = 5000;
/// So many columns a sheet has.
const MOST_COLUMNS: usize = 16_384;
/// A whole number that a workbook keeps exactly.
const EXACT: u64 = 1 << 53;

/// An XLSX with the sheets of its input.
pub(super) struct WorkbookFile {
    workbook: Workbook,
    /// Where the rows wait for the end.
    room: Room,
    out: Draft,
    sheets: HashMap<usize, SheetState>,
    formats: Formats,
    notes: usize,
    texts: Texts,
}

struct SheetState {
    index: usize,
    columns: Vec<usize>,
    /// The next row, from 0.
    next: u32,
}

impl WorkbookFile {
    /// Writes the headings of all tables of the file, each with its number among those of the input.
    pub(super) fn start(tables: &[(usize, Table)], out: Draft, texts: Texts) -> Result<Self> {
        let mut file = Self {
            workbook: Workbook::new(),
            room: Room::new(),
            out,
            sheets: HashMap::new(),
            formats: Formats::new(),
            notes: 0,
            texts,
        };
        let mut ordered: Vec<_> = tables
            .iter()
            .map(|(at, table)| (place(table), *at, table))
            .collect();
        ordered.sort_by_key(|((number, _), ..)| *number);
        let mut names: Vec<String> = tables
            .iter()
            .map(|(_, table)| excel_name(sheet_of(table)).into_owned())
            .collect();
        let mut count = 0;
        for ((number, header_row), table_index, table) in ordered {
            // A mapping may name its sheet by number: empty sheets stand for those that were not read.
            while count + 1 < number {
                count += 1;
                let mut filler = format!("({count})");
                while names.contains(&filler) {
                    filler.insert(0, '(');
                }
                names.push(filler.clone());
                file.sheet(&filler)?;
            }
            count += 1;
            let columns = kept_columns(table);
            let bold = file.formats.bold.clone();
            let sheet = file.sheet(&excel_name(sheet_of(table)))?;
            headings(sheet, table, &columns, header_row, &bold).map_err(failed)?;
            let index = count as usize - 1;
            let state = SheetState {
                index,
                columns,
                next: header_row,
            };
            file.sheets.insert(table_index, state);
        }
        Ok(file)
    }

    fn sheet(&mut self, name: &str) -> Result<&mut Worksheet> {
        self.workbook
            .add_worksheet_with_constant_memory()
            .and_then(|sheet| sheet.set_name(name))
            .map_err(failed)
    }

    pub(super) fn row(&mut self, row: &Rejected<'_>) -> Result<()> {
        self.room.take(size(row))?;
        let Some(state) = self.sheets.get_mut(&row.record.table) else {
            return Err(Error::machine("no sheet of that table is known"));
        };
        let sheet = self
            .workbook
            .worksheet_from_index(state.index)
            .map_err(failed)?;
        let at = state.next;
        state.next += 1;
        for (column, &from) in (0..).zip(&state.columns) {
            let marks: Vec<&str> = row
                .marks
                .iter()
                .filter(|(marked, _)| *marked == from)
                .map(|(_, why)| *why)
                .collect();
            let marked = !marks.is_empty();
            let cell = row.record.cell(from);
            match own_text(cell) {
                Some(text) => {
                    let text = self.texts.cell(text, at, column).map_err(unwritable)?;
                    let format = self.formats.general(marked);
                    sheet
                        .write_string_with_format(at, column, text, format)
                        .map_err(failed)?;
                }
                None => write(sheet, at, column, cell, marked, &self.formats).map_err(failed)?,
            }
            if marked && self.notes < MOST_NOTES {
                self.notes += 1;
                let text: String = marks.join("\n").chars().take(1000).collect();
                let note = Note::new(text).add_author_prefix(false);
                sheet.insert_note(at, column, &note).map_err(failed)?;
            }
        }
        for (column, text) in own_places(state.columns.len()).zip(&row.extra) {
            if !text.is_empty() {
                let most = cut::LONGEST / 2;
                let text: String = match cut::fits(text) {
                    true => text.clone(),
                    false => text.chars().take(most).collect(),
                };
                sheet.write_string(at, column, text).map_err(failed)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(Draft, Texts)> {
        self.workbook
            .save_to_writer(&mut self.out)
            .map_err(failed)?;
        Ok((self.out, self.texts))
    }
}

/// The columns of what is added, as far as the sheet has room behind so many columns.
fn own_places(columns: usize) -> impl Iterator<Item = u16> {
    (columns..MOST_COLUMNS).filter_map(|column| u16::try_from(column).ok())
}

fn sheet_of(table: &Table) -> &str {
    table.sheet.as_deref().unwrap_or("Sheet1")
}

/// What is written as a text, whatever the cell is: a text, and what a workbook has no number for.
fn own_text(cell: &Cell) -> Option<Cow<'_, str>> {
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

/// The number of the sheet and the row of its headings.
fn place(table: &Table) -> (u32, u32) {
    match table.layout {
        Layout::Workbook { header_row, number } => (number.max(1), header_row),
        _ => (1, 1),
    }
}

fn headings(
    sheet: &mut Worksheet,
    table: &Table,
    columns: &[usize],
    header_row: u32,
    bold: &Format,
) -> Result<(), XlsxError> {
    if header_row == 0 {
        return Ok(());
    }
    let written = table.header.written();
    let headings = columns.iter().map(|&column| written[column].as_str());
    let places = (0..MOST_COLUMNS).filter_map(|column| u16::try_from(column).ok());
    for (column, heading) in places.zip(headings.chain(COLUMNS)) {
        if !heading.is_empty() {
            let heading: String = match cut::fits(heading) {
                true => heading.to_owned(),
                // A name that no mapping writes.
                false => heading.chars().take(cut::LONGEST / 2).collect(),
            };
            sheet.write_string_with_format(header_row - 1, column, heading, bold)?;
        }
    }
    for wide in own_places(columns.len()).skip(4).take(2) {
        sheet.set_column_width(wide, 60)?;
    }
    sheet.set_freeze_panes(header_row, 0)?;
    Ok(())
}

/// The formats of cells, each plain and marked.
struct Formats {
    bold: Format,
    /// General, date, date and time, time, duration.
    kinds: [[Format; 2]; 5],
}

impl Formats {
    fn general(&self, marked: bool) -> &Format {
        &self.kinds[0][usize::from(marked)]
    }

    fn new() -> Self {
        let codes = [
            "General",
            "yyyy-mm-dd",
            "yyyy-mm-dd hh:mm:ss",
            "hh:mm:ss",
            "[h]:mm:ss",
        ];
        Self {
            bold: Format::new().set_bold(),
            kinds: codes.map(|code| {
                let plain = Format::new().set_num_format(code);
                let marked = plain.clone().set_background_color(Color::RGB(0x00FF_D966));
                [plain, marked]
            }),
        }
    }
}

fn write(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &Cell,
    marked: bool,
    formats: &Formats,
) -> Result<(), XlsxError> {
    let format = |kind: usize| &formats.kinds[kind][usize::from(marked)];
    let general = format(0);
    match cell {
        Cell::Empty => {
            if marked {
                sheet.write_blank(row, column, general)?;
            }
        }
        Cell::Number(number) => {
            sheet.write_number_with_format(row, column, *number, general)?;
        }
        Cell::Shown(shown) => {
            // In its own format, so that it is shown again as it was.
            let format = general.clone().set_num_format(shown.format.as_str());
            sheet.write_number_with_format(row, column, shown.number, &format)?;
        }
        Cell::Integer(number) if number.unsigned_abs() <= EXACT => {
            sheet.write_number_with_format(row, column, *number as f64, general)?;
        }
        Cell::Bool(value) => {
            sheet.write_boolean_with_format(row, column, *value, general)?;
        }
        Cell::Date(date) => {
            sheet.write_number_with_format(row, column, day_number(*date), format(1))?;
        }
        Cell::DateTime(at) => {
            let number = day_number(at.date()) + day_part(at.time());
            sheet.write_number_with_format(row, column, number, format(2))?;
        }
        Cell::Time(time) => {
            sheet.write_number_with_format(row, column, day_part(*time), format(3))?;
        }
        Cell::Duration(duration) => {
            let number = duration.as_secs_f64() / 86_400.0;
            sheet.write_number_with_format(row, column, number, format(4))?;
        }
        // An error again, so that a cell nobody mended is a fault again and not an empty one.
        Cell::Fault(_) => {
            let formula = Formula::new("=NA()").set_result("#N/A");
            sheet.write_formula_with_format(row, column, formula, general)?;
        }
        // Written by those who keep what is too long.
        Cell::Text(_) | Cell::Integer(_) | Cell::Json(_) => {}
    }
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

fn failed(error: XlsxError) -> Error {
    match error {
        XlsxError::TempFileError(folder, error) => full(&folder, error),
        error => unwritable(std::io::Error::other(error)),
    }
}

/// How many bytes a row takes on its way, about.
fn size(row: &Rejected<'_>) -> usize {
    const AROUND: usize = 64;
    let cells = row.record.cells.iter().map(|cell| match cell {
        Cell::Text(text) => text.len(),
        _ => 0,
    });
    let texts = cells.chain(row.extra.iter().map(|text| text.len()));
    texts.map(|text| AROUND + 2 * text).sum()
}
