//! Analysis sheets in a workbook: tables, formulas with their results, charts.

mod chart;
mod formula;
mod paper;
mod style;

use std::ops::Range;

use jiff::civil::{DateTime, Time, date};
use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet, XlsxError};

pub use formula::{Traced, TracedSheet};

use self::formula::Grid;
use self::paper::Paper;
use self::style::{Style, bold, widths};
use super::{Cell, Sheet, Table, Value};

/// The row of the first table or note, from 0: above stand the title and what is counted.
const TOP: u32 = 2;
/// Title, what is counted and notes run over at least so many columns and so many characters.
const BREADTH: (u16, f64) = (4, 110.0);
/// How many characters an indent takes.
const INDENT: f64 = 1.5;
/// The height of a line of text in points.
const LINE: f64 = 15.0;

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
    out.set_name(sheet.name)?.set_screen_gridlines(false);
    // Text that is longer than its column runs over the empty cells behind it, or has lines of its own where no chart is.
    let has_charts = sheet.tables.iter().any(|table| !table.charts.is_empty());
    let is_narrow = is_narrow(sheet);
    let has_lines = !has_charts || is_narrow;
    let widths = widths(&sheet.tables, has_lines);
    for (column, width) in widths.iter().enumerate() {
        out.set_column_width(column as u16, *width)?;
    }
    out.write_with_format(0, 0, sheet.title.as_str(), &style.title)?;
    out.set_row_height(0, 26)?;
    let places = layout(sheet);
    let breadth = Breadth::over(&widths);
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
    let mut paper = Paper::new(&widths, sheet, !is_narrow);
    paper.lines(1, breadth.paragraph(out, 1, &counted, &style.counted)?);
    for (row, note) in (TOP..).zip(&sheet.notes) {
        paper.lines(row, breadth.paragraph(out, row, note, &style.note)?);
    }
    for (table, place) in sheet.tables.iter().zip(&places) {
        let heights = write_table(out, table, place, (&widths, has_lines), traced, style)?;
        heights
            .into_iter()
            .for_each(|(row, lines)| paper.lines(row, lines));
    }
    paper.set_up(out, &places)
}

/// Where the parts of a table are, in rows from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The title.
    pub(super) title: u32,
    /// The headings.
    pub(super) headings: u32,
    /// The charts.
    pub(super) charts: Vec<Range<u32>>,
    /// The first row behind all of it, and behind the empty one that follows.
    pub(super) end: u32,
}

/// Whether a sheet has its charts below its tables, since it would be far wider than a page with them beside.
fn is_narrow(sheet: &Sheet) -> bool {
    let has_charts = sheet.tables.iter().any(|table| !table.charts.is_empty());
    has_charts && Paper::is_too_wide(&widths(&sheet.tables, false), sheet)
}

/// Where the tables of a sheet are.
pub(super) fn layout(sheet: &Sheet) -> Vec<Place> {
    let is_narrow = is_narrow(sheet);
    let mut row = TOP + sheet.notes.len() as u32 + 1;
    let place = |table: &Table| {
        let title = row;
        let headings = title + 1 + u32::from(!table.population.is_empty());
        let end_of_rows = headings + 1 + table.rows.len() as u32;
        let mut end_of_charts = match is_narrow {
            true => end_of_rows + 1,
            false => headings,
        };
        let charts = table.charts.iter().map(|chart| {
            let top = end_of_charts;
            end_of_charts += chart::rows(chart);
            top..end_of_charts
        });
        let charts = charts.collect();
        row = match table.charts.is_empty() {
            true => end_of_rows,
            false => end_of_rows.max(end_of_charts),
        } + 1;
        Place {
            title,
            headings,
            charts,
            end: row,
        }
    };
    sheet.tables.iter().map(place).collect()
}

/// The columns over which text runs, and how many characters they hold.
#[derive(Debug, Clone, Copy)]
struct Breadth {
    last: u16,
    characters: f64,
}

impl Breadth {
    fn over(widths: &[f64]) -> Self {
        // A column that nobody made wider has so many characters.
        const USUAL: f64 = 8.43;
        let (least, wanted) = BREADTH;
        let mut breadth = Self {
            last: 0,
            characters: 0.0,
        };
        for column in 0.. {
            breadth.characters += widths.get(usize::from(column)).copied().unwrap_or(USUAL);
            breadth.last = column;
            if column >= least && breadth.characters >= wanted {
                break;
            }
        }
        breadth
    }

    /// Text over the whole breadth, in as many lines as it needs; how many.
    fn paragraph(
        self,
        out: &mut Worksheet,
        row: u32,
        text: &str,
        format: &Format,
    ) -> Result<u32, XlsxError> {
        out.merge_range(row, 0, row, self.last, text, format)?;
        let lines = lines(text, self.characters);
        out.set_row_height(row, LINE * f64::from(lines) + 2.0)?;
        Ok(lines)
    }
}

/// How many lines a text takes in a cell of so many characters: lines break between words, and in words that are longer.
fn lines(text: &str, characters: f64) -> u32 {
    // Widths are in digits, and most letters are narrower.
    let room = ((characters * 1.05) as usize).max(1);
    let (mut lines, mut used) = (1, 0);
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            (lines, used) = (lines + 1, 0);
        }
        used += length + usize::from(used > 0);
        let over = used.saturating_sub(1) / room;
        (lines, used) = (lines + over as u32, used - over * room);
    }
    lines
}

/// Writes a table with its charts; the rows that have more than one line, and how many.
fn write_table(
    out: &mut Worksheet,
    table: &Table,
    place: &Place,
    (widths, has_lines): (&[f64], bool),
    traced: Option<&Traced>,
    style: &Style,
) -> Result<Vec<(u32, u32)>, XlsxError> {
    out.write_with_format(place.title, 0, table.title.as_str(), &style.caption)?;
    if !table.population.is_empty() {
        let population = format!("Counts {}", table.population);
        out.write_with_format(place.title + 1, 0, population, &style.population)?;
    }
    let grid = Grid {
        first_row: place.headings + 1,
    };
    // Days and times begin at the left too.
    let is_text = |column: usize| {
        let mut cells = table.rows.iter().map(|row| &row[column].value);
        cells.any(|value| !matches!(value, Value::Empty)) && !table.is_of_numbers(column)
    };
    let mut heights = Vec::new();
    for (column, heading) in table.headings.iter().enumerate() {
        let format = match (column, is_text(column)) {
            (0, _) => &style.heading,
            (_, true) => &style.heading_text,
            (_, false) => &style.heading_number,
        };
        out.write_with_format(place.headings, column as u16, heading.as_str(), format)?;
    }
    let has_two_lines = |(heading, width): (&String, &f64)| bold(heading.chars().count()) > *width;
    if table.headings.iter().zip(widths).any(has_two_lines) {
        out.set_row_height(place.headings, LINE * 2.0 + 1.0)?;
        heights.push((place.headings, 2));
    }
    for (index, cells) in table.rows.iter().enumerate() {
        let row = grid.first_row + index as u32;
        let is_total = table.has_total && index + 1 == table.rows.len();
        let mut most = 1;
        for (column, cell) in cells.iter().enumerate() {
            let formula = cell.trace.as_ref();
            let formula = formula.and_then(|trace| formula::formula(trace, grid, traced));
            let indent = if column > 0 { INDENT } else { 0.0 };
            let length = lines(&cell.value.shown(), widths[column] - indent);
            let is_word = matches!(cell.value, Value::Text(_));
            let is_among_numbers = column > 0 && table.is_of_numbers(column);
            let among_numbers = style
                .among_numbers(&cell.value, is_total)
                .filter(|_| is_among_numbers);
            let may_wrap = length > 1 || column + 1 == cells.len();
            let wraps = has_lines && may_wrap && is_word;
            let format = match (among_numbers, wraps) {
                (Some(format), _) => format,
                (None, true) => {
                    most = most.max(length);
                    match column {
                        0 => &style.wrapped,
                        _ => &style.wrapped_text,
                    }
                }
                (None, false) => style.of(&cell.value, is_total, column == 0),
            };
            write_cell(out, (row, column as u16), cell, formula, format)?;
        }
        if most > 1 {
            out.set_row_height(row, LINE * f64::from(most) + 1.0)?;
            heights.push((row, most));
        }
    }
    for (chart, rows) in table.charts.iter().zip(&place.charts) {
        // Below its table a chart begins where that does.
        let column = match rows.start > place.headings + table.rows.len() as u32 {
            true => 0,
            false => table.headings.len() as u16 + 1,
        };
        chart::place(out, table, chart, grid, (rows.start, column))?;
    }
    Ok(heights)
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
        Value::Text(text) | Value::Priority(text) => {
            out.write_string_with_format(row, column, clipped(text), format)?
        }
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
        Value::Near(_) | Value::Change(_) => {
            out.write_number_with_format(row, column, result.unwrap_or_default(), format)?
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

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(lines("", 10.0), 1);
        assert_eq!(lines("one two three", 13.0), 1);
        assert_eq!(lines("one two three", 8.0), 2);
        // Two words that do not fit beside each other.
        assert_eq!(lines("projectors projectors", 19.0), 2);
        assert_eq!(lines(&"x".repeat(21), 10.0), 3);
        assert_eq!(lines(&format!("one {} two", "x".repeat(25)), 10.0), 4);
    }
}
