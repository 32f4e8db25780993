//! The cells of an XLSX in the order of their rows and columns, with their formats where they are asked for.
//!
//! Programs write cells in that order, and then they are handed on as they are read. A sheet whose cells come in another
//! order is held, and handed on in order.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::Path;

use calamine::{Reader, Style, Xlsx, XlsxCellReader, XlsxError};

use super::look::Formats;
use super::parts::{Formatted, MOST_HELD, SheetFacts};
use super::sheet::{Gather, TWICE};
use super::workbook::{Buffered, Trouble};
use super::{calc, shown};
use crate::record::Cell;

/// What is read of a workbook.
pub(super) struct Asked<'a> {
    pub(super) path: &'a Path,
    pub(super) sheet: &'a str,
    pub(super) facts: Option<&'a SheetFacts>,
    /// Whether numbers come with what is shown for them.
    pub(super) shows: bool,
}

impl Asked<'_> {
    /// The workbook once more: a reader of cells gives values or formats.
    fn beside(&self) -> Result<Xlsx<Buffered>, Trouble> {
        let file = File::open(self.path).map_err(Trouble::Changed)?;
        Ok(Xlsx::new(BufReader::new(file))?)
    }

    /// Where the cell of that number stands, which shows an error that calamine does not know and does not place.
    fn late_error(&self, number: u64) -> Result<(u32, u32), Trouble> {
        let errors = self.facts.map_or(&[][..], |facts| &facts.late_errors);
        let found = errors.binary_search_by_key(&number, |(number, _)| *number);
        found.map(|at| errors[at].1).map_err(|_| {
            Trouble::Damaged("a cell without an address shows an error that is not known".into())
        })
    }
}

/// Hands on the cells of a sheet.
///
/// # Errors
/// When the sheet cannot be read.
pub(super) fn read(
    book: &mut Xlsx<Buffered>,
    asked: &Asked<'_>,
    formats: Option<&mut Formats>,
    gather: &mut Gather<'_, '_>,
) -> Result<ControlFlow<()>, Trouble> {
    if asked.facts.is_some_and(|facts| facts.is_shifted) {
        return Err(Trouble::Damaged(
            "a cell without an address stands behind one with an error that is not known".into(),
        ));
    }
    if asked.facts.is_some_and(|facts| facts.is_unordered) {
        return unordered(book, asked, formats, gather);
    }
    let formatted = asked.facts.and_then(|facts| facts.formatted.as_ref());
    if !asked.shows || formatted.is_some_and(Formatted::is_empty) {
        return ordered(book, None, asked, formats, gather);
    }
    let mut beside = asked.beside()?;
    let styles = Styles {
        cells: beside.worksheet_cells_reader(asked.sheet)?,
        next: None,
        is_at_end: false,
        formatted,
    };
    ordered(book, Some(styles), asked, formats, gather)
}

/// The formats of a sheet's cells, read beside its values, which come without them.
struct Styles<'b> {
    cells: XlsxCellReader<'b, Buffered>,
    next: Option<(u32, u32, usize)>,
    is_at_end: bool,
    formatted: Option<&'b Formatted>,
}

impl Styles<'_> {
    /// The format of the cell at a place; cells are asked for in their order.
    fn of(&mut self, place: (u32, u32)) -> Result<Option<&str>, Trouble> {
        if self.formatted.is_some_and(|cells| !cells.may_have(place)) {
            return Ok(None);
        }
        while !self.is_at_end
            && self
                .next
                .is_none_or(|(row, column, _)| (row, column) < place)
        {
            self.next = self.cells.next_style_id()?;
            self.is_at_end = self.next.is_none();
        }
        let Some((_, _, style)) = self
            .next
            .filter(|(row, column, _)| (*row, *column) == place)
        else {
            return Ok(None);
        };
        Ok(code(self.cells.styles(), style))
    }
}

fn code(styles: &[Style], style: usize) -> Option<&str> {
    let format = styles.get(style)?.number_format.as_ref()?;
    Some(format.format_code.as_str())
}

/// Whether a format says how a cell is shown.
fn has_format(cell: &Cell) -> bool {
    matches!(
        cell,
        Cell::Number(_) | Cell::Date(_) | Cell::DateTime(_) | Cell::Time(_) | Cell::Duration(_)
    )
}

fn ordered(
    book: &mut Xlsx<Buffered>,
    mut styles: Option<Styles<'_>>,
    asked: &Asked<'_>,
    mut formats: Option<&mut Formats>,
    gather: &mut Gather<'_, '_>,
) -> Result<ControlFlow<()>, Trouble> {
    let mut cells = book.worksheet_cells_reader(asked.sheet)?;
    let mut number = 0;
    let mut last = None;
    loop {
        let (place, mut value) = match cells.next_cell_with_formula_metadata() {
            Ok(Some(cell)) => (cell.pos, calc::cell(cell.value, cell.formula.is_some())),
            Ok(None) => return Ok(ControlFlow::Continue(())),
            // calamine stops at an error that Excel got later (`#SPILL!`); it can go on.
            Err(XlsxError::CellError(shown)) => {
                (asked.late_error(number)?, calc::error_cell(&shown))
            }
            Err(error) => return Err(error.into()),
        };
        number += 1;
        // A part that could not be looked at first may say so only here.
        if last.is_some_and(|last| place <= last) {
            return Err(Trouble::Damaged(format!(
                "its cells come in no order, at row {}",
                u64::from(place.0) + 1
            )));
        }
        last = Some(place);
        if has_format(&value) {
            let code = match &mut styles {
                Some(styles) => styles.of(place)?,
                None => None,
            };
            value = formatted(value, place.1, code, &mut formats);
        }
        if gather.cell(place.0, place.1, value).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

/// A number in its format, which is noted for its column.
fn formatted(
    value: Cell,
    column: u32,
    code: Option<&str>,
    formats: &mut Option<&mut Formats>,
) -> Cell {
    if let Some(formats) = formats {
        formats.note(column, code.unwrap_or_default());
    }
    match (&value, code) {
        (Cell::Number(number), Some(code)) => shown::cell(*number, code),
        _ => value,
    }
}

fn unordered(
    book: &mut Xlsx<Buffered>,
    asked: &Asked<'_>,
    mut formats: Option<&mut Formats>,
    gather: &mut Gather<'_, '_>,
) -> Result<ControlFlow<()>, Trouble> {
    let mut beside = asked.beside()?;
    let mut styled = beside.worksheet_cells_reader(asked.sheet)?;
    let mut cells = book.worksheet_cells_reader(asked.sheet)?;
    let mut all: BTreeMap<(u32, u32), Cell> = BTreeMap::new();
    let mut number = 0;
    loop {
        // Both readers give a cell for each that is written, and so stay side by side.
        let style = match styled.next_cell_with_style_id() {
            Ok(cell) => cell.map(|(_, style)| style),
            Err(XlsxError::CellError(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let (place, mut value) = match cells.next_cell_with_formula_metadata() {
            Ok(Some(cell)) => (cell.pos, calc::cell(cell.value, cell.formula.is_some())),
            Ok(None) => break,
            Err(XlsxError::CellError(shown)) => {
                (asked.late_error(number)?, calc::error_cell(&shown))
            }
            Err(error) => return Err(error.into()),
        };
        number += 1;
        if asked.shows && has_format(&value) {
            let code = style
                .filter(|style| *style > 0)
                .and_then(|style| code(styled.styles(), style));
            value = formatted(value, place.1, code, &mut formats);
        }
        if matches!(value, Cell::Empty) {
            continue;
        }
        match all.entry(place) {
            Entry::Vacant(entry) => {
                entry.insert(value);
            }
            Entry::Occupied(mut entry) if *entry.get() != value => {
                entry.insert(Cell::Fault(TWICE.to_owned()));
            }
            Entry::Occupied(_) => {}
        }
        if all.len() as u64 > MOST_HELD {
            return Err(Trouble::Damaged(format!(
                "its cells come in no order, and more than {MOST_HELD} would have to be held in memory"
            )));
        }
    }
    for ((row, column), value) in all {
        if gather.cell(row, column, value).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
