//! Analysis sheets in a workbook: tables, formulas with their results, charts.

mod chart;
mod formula;
mod style;

use jiff::civil::{DateTime, Time, date};
use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet, XlsxError};

pub use formula::{Traced, TracedSheet};

use self::chart::{CHART_ROWS, place};
use self::formula::Grid;
use self::style::{Style, widths};
use super::{Cell, Sheet, Table, Value};

/// The row of the first table or note, from 0: above stand the title and what is counted.
const TOP: u32 = 2;
/// Title, what is counted and notes run over so many columns.
const BREADTH: u16 = 11;
/// So many characters fit into a line of that breadth.
const LINE: usize = 130;

/// Adds analysis sheets behind the sheets that are there.
///
/// With `traced`, what can be counted on the tickets sheet becomes a formula with its result.
///
/// # Errors
/// A sheet with one of these names is there already, or the file cannot be written.
pub fn add(
    workbook: &mut Workbook,
    sheets: &[Sheet],
    traced: Option<&Traced>,
) -> Result<(), XlsxError> {
    let style = Style::default();
    for sheet in sheets {
        // These are small: rows of them may be written in any order.
        write(workbook.add_worksheet(), sheet, traced, &style)?;
    }
    Ok(())
}

fn write(
    out: &mut Worksheet,
    sheet: &Sheet,
    traced: Option<&Traced>,
    style: &Style,
) -> Result<(), XlsxError> {
    out.set_name(sheet.name)?
        .set_screen_gridlines(false)
        .set_landscape()
        .set_print_fit_to_pages(1, 0);
    for (column, width) in widths(&sheet.tables).into_iter().enumerate() {
        out.set_column_width(column as u16, width)?;
    }
    out.write_with_format(0, 0, sheet.title.as_str(), &style.title)?;
    out.set_row_height(0, 26)?;
    let tables = layout(sheet);
    let is_traced = |table: &Table| {
        let cells = table
            .rows
            .iter()
            .flatten()
            .filter_map(|cell| cell.trace.as_ref());
        cells
            .into_iter()
            .any(|trace| traced.is_some_and(|traced| traced.can_count(trace)))
    };
    let mut counted = sheet.counted.clone();
    if let Some(traced) = traced.filter(|_| sheet.tables.iter().any(is_traced)) {
        counted.push_str(&format!(" Counts are formulas over {}.", traced.named()));
    }
    paragraph(out, 1, &counted, &style.counted)?;
    for (row, note) in (TOP..).zip(&sheet.notes) {
        paragraph(out, row, note, &style.note)?;
    }
    for (table, title_row) in sheet.tables.iter().zip(tables) {
        write_table(out, table, title_row, traced, style)?;
    }
    Ok(())
}

/// The row of each table's title.
pub(super) fn layout(sheet: &Sheet) -> Vec<u32> {
    let mut row = TOP + sheet.notes.len() as u32 + 1;
    let mut rows = Vec::new();
    for table in &sheet.tables {
        rows.push(row);
        let own = table.rows.len() as u32 + 2;
        let charts = table.charts.len() as u32 * CHART_ROWS;
        row += own.max(charts) + 1;
    }
    rows
}

/// Text over the whole breadth, in as many lines as it needs.
fn paragraph(out: &mut Worksheet, row: u32, text: &str, format: &Format) -> Result<(), XlsxError> {
    out.merge_range(row, 0, row, BREADTH, text, format)?;
    let lines = text.chars().count().div_ceil(LINE).max(1);
    out.set_row_height(row, 15.0 * lines as f64 + 2.0)?;
    Ok(())
}

fn write_table(
    out: &mut Worksheet,
    table: &Table,
    title_row: u32,
    traced: Option<&Traced>,
    style: &Style,
) -> Result<(), XlsxError> {
    out.write_with_format(title_row, 0, table.title.as_str(), &style.caption)?;
    let grid = Grid {
        first_row: title_row + 2,
    };
    let is_text = |column: usize| {
        let mut cells = table.rows.iter().map(|row| &row[column].value);
        cells.any(|value| matches!(value, Value::Text(_) | Value::Link { .. }))
    };
    for (column, heading) in table.headings.iter().enumerate() {
        let format = match column > 0 && !is_text(column) {
            true => &style.heading_number,
            false => &style.heading,
        };
        out.write_with_format(title_row + 1, column as u16, heading.as_str(), format)?;
    }
    for (index, cells) in table.rows.iter().enumerate() {
        let row = grid.first_row + index as u32;
        let is_total = table.has_total && index + 1 == table.rows.len();
        for (column, cell) in cells.iter().enumerate() {
            let formula = cell.trace.as_ref();
            let formula = formula.and_then(|trace| formula::formula(trace, grid, traced));
            write_cell(
                out,
                (row, column as u16),
                cell,
                formula,
                style.of(&cell.value, is_total),
            )?;
        }
    }
    for (index, chart) in table.charts.iter().enumerate() {
        place(
            out,
            table,
            chart,
            grid,
            title_row + index as u32 * CHART_ROWS,
        )?;
    }
    Ok(())
}

fn write_cell(
    out: &mut Worksheet,
    (row, column): (u32, u16),
    cell: &Cell,
    formula: Option<String>,
    format: &Format,
) -> Result<(), XlsxError> {
    let result = cell.value.number();
    if let (Some(formula), Some(result)) = (formula, result) {
        let formula = Formula::new(formula).set_result(result.to_string());
        out.write_formula_with_format(row, column, formula, format)?;
        return Ok(());
    }
    match &cell.value {
        Value::Empty => out.write_blank(row, column, format)?,
        Value::Text(text) => out.write_string_with_format(row, column, clipped(text), format)?,
        Value::Link { text, url } => {
            // An address that a workbook does not take is left out, its text is not.
            let text = clipped(text);
            match out.write_url_with_text(row, column, url.as_str(), text) {
                Ok(out) => out,
                Err(_) => out.write_string_with_format(row, column, text, format)?,
            }
        }
        Value::Count(number) => {
            out.write_number_with_format(row, column, *number as f64, format)?
        }
        Value::Number(number) | Value::Share(number) => {
            out.write_number_with_format(row, column, *number, format)?
        }
        Value::Day(day) | Value::Month(day) => write_time(
            out,
            (row, column),
            day.to_datetime(Time::midnight()),
            cell,
            format,
        )?,
        Value::Time(time) => write_time(out, (row, column), *time, cell, format)?,
    };
    Ok(())
}

/// A time as the number that workbooks have for it; before March 1900 their calendar is wrong.
fn write_time<'a>(
    out: &'a mut Worksheet,
    (row, column): (u32, u16),
    time: DateTime,
    cell: &Cell,
    format: &Format,
) -> Result<&'a mut Worksheet, XlsxError> {
    match serial(time) {
        Some(serial) => out.write_number_with_format(row, column, serial, format),
        None => out.write_string_with_format(row, column, cell.value.shown(), format),
    }
}

pub(super) fn serial(time: DateTime) -> Option<f64> {
    let days = date(1899, 12, 30).until(time.date()).ok()?.get_days();
    let seconds = time.duration_since(time.date().to_datetime(Time::midnight()));
    (days > 60).then(|| f64::from(days) + seconds.as_secs_f64() / 86_400.0)
}

/// A cell holds 32,767 characters.
fn clipped(text: &str) -> &str {
    let end = text.char_indices().nth(16_000);
    end.map_or(text, |(end, _)| &text[..end])
}
