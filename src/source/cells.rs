//! The cells of a sheet one by one, with what a reader of rows does not tell: where formulas stand, and what lies beyond
//! the headings.

use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::sync::Arc;

use calamine::{Reader, Xlsx, XlsxError, XlsxFormulaMetadata};

use super::calc;
use super::workbook::{Trouble, no_thread, panicked, thread};
use crate::error::Result;
use crate::record::Cell;

/// The bytes of a workbook.
pub(crate) trait Archive: Read + Seek + Send {}

impl<T: Read + Seek + Send> Archive for T {}

/// Where a cell stands, from 0, and whether a formula does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) row: u32,
    pub(crate) column: u32,
    pub(crate) is_formula: bool,
}

/// What is called with each cell that is not empty, in reading order.
pub(crate) type EachCell<'a> = dyn FnMut(Spot, &Cell) -> ControlFlow<()> + Send + 'a;

/// Reads the cells of a sheet of an XLSX, the headings too, until `each` says to stop.
///
/// # Errors
/// When the workbook cannot be read.
pub(crate) fn each_cell(
    from: Box<dyn Archive + '_>,
    named: &str,
    sheet: &str,
    each: &mut EachCell<'_>,
) -> Result<()> {
    let named: Arc<str> = named.into();
    let read = || {
        let mut book = Xlsx::new(from).map_err(|error| Trouble::from(error).error(&named))?;
        walk(&mut book, sheet, each).map_err(|error| Trouble::from(error).error(&named))
    };
    // A panic within the reader ends only its thread.
    std::thread::scope(|scope| match thread().spawn_scoped(scope, read) {
        Ok(thread) => thread.join().unwrap_or_else(|_| Err(panicked(&named))),
        Err(error) => Err(no_thread(error)),
    })
}

/// Whether a formula is what LibreOffice makes of a plain `true` or `false` when it saves one.
fn is_truth(formula: &XlsxFormulaMetadata) -> bool {
    match formula {
        XlsxFormulaMetadata::Normal { formula } => matches!(formula.as_str(), "TRUE()" | "FALSE()"),
        _ => false,
    }
}

fn walk<A: Read + Seek>(
    book: &mut Xlsx<A>,
    sheet: &str,
    each: &mut EachCell<'_>,
) -> std::result::Result<(), XlsxError> {
    let mut cells = book.worksheet_cells_reader(sheet)?;
    let mut last = (0, 0);
    loop {
        let (spot, cell) = match cells.next_cell_with_formula_metadata() {
            Ok(None) => return Ok(()),
            Ok(Some(cell)) => {
                last = cell.pos;
                let is_formula = cell
                    .formula
                    .as_ref()
                    .is_some_and(|formula| !is_truth(formula));
                let spot = Spot {
                    row: last.0,
                    column: last.1,
                    is_formula,
                };
                (spot, calc::cell(cell.value, is_formula))
            }
            // An error that Excel got later (`#SPILL!`): the reader does not say where it stands.
            Err(XlsxError::CellError(shown)) => {
                let spot = Spot {
                    row: last.0,
                    column: last.1 + 1,
                    is_formula: false,
                };
                (spot, calc::error_cell(&shown))
            }
            Err(error) => return Err(error),
        };
        let is_nothing = matches!(cell, Cell::Empty) && !spot.is_formula;
        if !is_nothing && each(spot, &cell).is_break() {
            return Ok(());
        }
    }
}
