//! The cells of an ODS, as many as its reader makes of what is repeated: every row as wide as the widest, twice.

use std::sync::Arc;

use calamine::ExcelDateTimeType;

use super::facts::{Area, Facts, Instead, SheetFacts};
use super::ods_styles::Styles;
use super::xml::{Visit, attribute, is_closed, name, number};
use super::{MOST_HELD, Stop, beyond};
use crate::source::bounds::{MOST_COLUMNS, MOST_ROWS};
use crate::source::{calc, shown};

/// The texts of all cells, in bytes.
const MOST_TEXT: u64 = 64 * 1024 * 1024;

/// How long the tag of a cell is without a text, in bytes.
const TAG: usize = 256;

/// Counts the cells.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// Of the tables before this one.
    before: u64,
    text: u64,
    /// Of this table: cells as they are written, rows up to the last that is filled, the widest of them.
    written: u64,
    rows: u64,
    width: u64,
    empty_rows: u64,
    /// Of this row.
    row_repeats: u64,
    row_width: u64,
    row_text: u64,
    empty_cells: u64,
    /// How often the cell stands that texts belong to now.
    cell_repeats: u64,
    /// The name of this table, where it is one.
    table: Option<String>,
    /// Where the next row, column and cell stand, from 0.
    row: u64,
    next_column: u64,
    next_cell: u64,
    /// What this cell is besides its value, and what it shows.
    seen: Option<Seen>,
    shown: Vec<u8>,
    /// Whether texts are those of a note on the cell.
    is_note: bool,
    /// Its format; `None`: one that is not known.
    number_format: Option<Arc<str>>,
    /// What stands in cells of this row instead of their values: the first column, how many.
    instead: Vec<(u64, u64, Instead)>,
    /// Whether this row is hidden.
    is_hidden: bool,
    pub(super) styles: Styles,
    /// Whether days are counted from 1904.
    is_1904: bool,
    /// The styles of cells that have none of their own: ranges of columns, the row.
    column_styles: Vec<(u64, u64, String)>,
    row_style: Option<String>,
    facts: SheetFacts,
    pub(super) all: Facts,
}

/// What a cell is besides its value.
#[derive(Debug, Clone, Copy)]
enum Seen {
    Error,
    Number(f64),
    /// In days, of a format that shows no more than a day of it.
    Time(f64),
}

/// So much of what a number or an error is shown as is kept, in bytes.
const LONGEST_SHOWN: usize = 200;

impl Cells {
    /// Notes what a cell is besides its value.
    fn note(&mut self, tag: &[u8], repeats: u64) {
        let (row, column) = (self.row, self.next_cell);
        self.next_cell += repeats;
        let spans = |what: &[u8]| attribute(tag, what).and_then(number).unwrap_or(1);
        let (columns, rows) = (
            spans(b"table:number-columns-spanned"),
            spans(b"table:number-rows-spanned"),
        );
        let at = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        if columns > 1 || rows > 1 {
            self.facts.merge(Area {
                top: at(row),
                left: at(column),
                bottom: at(row + rows - 1),
                right: at(column + columns - 1),
            });
        }
        self.shown.clear();
        self.seen = match attribute(tag, b"calcext:value-type") {
            Some(b"error") => Some(Seen::Error),
            _ => self.value(tag, column, repeats),
        };
    }

    /// The number that a cell holds, whose format is noted for its column, as that of a date is.
    fn value(&mut self, tag: &[u8], column: u64, repeats: u64) -> Option<Seen> {
        let kind = attribute(tag, b"office:value-type")?;
        if !matches!(
            kind,
            b"float" | b"percentage" | b"currency" | b"date" | b"time"
        ) {
            return None;
        }
        self.number_format = self.format(tag, column);
        let code = self.number_format.clone().unwrap_or_default();
        for column in column..column + repeats.min(MOST_COLUMNS as u64) {
            let column = u32::try_from(column).unwrap_or(u32::MAX);
            self.facts.formats.note(column, &code);
        }
        let value = |name| std::str::from_utf8(attribute(tag, name)?).ok();
        if kind == b"time" {
            let days = calc::days(value(b"office:time-value")?)?;
            // A time of day, and hours that are counted on (`[h]:mm`), are what the reader makes of them.
            let is_elapsed = shown::is_date(&code) != Some(ExcelDateTimeType::DateTime);
            return (days >= 1.0 && !is_elapsed).then_some(Seen::Time(days));
        }
        let value = value(b"office:value")?;
        value.trim().parse().ok().map(Seen::Number)
    }

    /// The format of a cell: of its style, else of its row's, else of its column's.
    fn format(&self, tag: &[u8], column: u64) -> Option<Arc<str>> {
        let own = attribute(tag, b"table:style-name").map(String::from_utf8_lossy);
        let of_column = || {
            let mut ranges = self.column_styles.iter();
            let found = ranges.find(|(first, last, _)| (*first..=*last).contains(&column));
            found.map(|(.., style)| style.as_str())
        };
        let style = own
            .as_deref()
            .or(self.row_style.as_deref())
            .or_else(of_column);
        self.styles.format(style)
    }

    /// Behind a cell: an error that it showed counts, whatever was stored for it, and so does how a number is shown.
    fn end_cell(&mut self) {
        let Some(seen) = self.seen.take() else { return };
        let shown = String::from_utf8_lossy(&self.shown);
        let shown = crate::html::decode_entities(shown.trim());
        let instead = match seen {
            Seen::Error => Instead::Error(shown),
            Seen::Time(days) => Instead::Moment(days, self.is_1904),
            Seen::Number(number) => {
                let code = self.number_format.take();
                match shown::of_file(number, code.as_deref(), &shown) {
                    Some(shown) => Instead::Shown(Arc::new(shown)),
                    None => return,
                }
            }
        };
        let first = self.next_cell.saturating_sub(self.cell_repeats.max(1));
        self.instead
            .push((first, self.cell_repeats.max(1), instead));
    }

    /// Keeps what was noted of the cells of a row, once for each row that it stands for.
    fn keep(&mut self, rows: u64) {
        for (first, repeats, instead) in std::mem::take(&mut self.instead) {
            for row in self.row..self.row + rows {
                for column in first..first + repeats {
                    if let (Ok(row), Ok(column)) = (u32::try_from(row), u32::try_from(column)) {
                        self.facts.cells.insert((row, column), instead.clone());
                    }
                }
            }
        }
    }

    fn cell(&mut self, tag: &[u8]) {
        let repeats = repeats(tag, b"table:number-columns-repeated", MOST_COLUMNS as u64);
        self.note(tag, repeats);
        let has = |what: &[u8]| memchr::memmem::find(tag, what).is_some();
        let is_filled = !is_closed(tag) || has(b"value-type") || has(b"formula");
        if is_closed(tag) {
            // Without a text nothing is shown.
            self.seen = self.seen.filter(|seen| !matches!(seen, Seen::Error));
        }
        if is_filled {
            self.row_width += self.empty_cells + repeats;
            // What of a tag is a text and no name.
            self.row_text += (tag.len().saturating_sub(TAG) as u64) * repeats;
            self.empty_cells = 0;
        } else {
            self.empty_cells += repeats;
        }
        self.cell_repeats = if is_filled { repeats } else { 0 };
        if is_closed(tag) {
            self.end_cell();
        }
        self.row_width = self.row_width.min(MOST_COLUMNS as u64);
        self.empty_cells = self.empty_cells.min(MOST_COLUMNS as u64);
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        let rows = self.row_repeats.max(1);
        if self.is_hidden {
            self.facts.hide_rows(self.row + 1, self.row + rows);
        }
        self.next_cell = 0;
        match self.row_width {
            0 => self.empty_rows = self.empty_rows.saturating_add(rows),
            width => {
                self.rows = (self.rows + self.empty_rows + rows).min(MOST_ROWS);
                self.empty_rows = 0;
                self.written += width;
                self.width = self.width.max(width);
                self.text = (self.text).saturating_add(self.row_text.saturating_mul(rows));
            }
        }
        (self.row_width, self.row_text, self.empty_cells) = (0, 0, 0);
        (self.row_repeats, self.cell_repeats) = (1, 0);
        let cells = self.before + self.written.max(self.rows * self.width);
        if cells > MOST_HELD {
            return Err(beyond(format!(
                "has more than {MOST_HELD} cells, and this kind of workbook must be held in memory as a whole"
            )));
        }
        if self.text > MOST_TEXT {
            return Err(beyond(format!(
                "holds more than {} MB of text, and this kind of workbook must be held in memory as a whole",
                MOST_TEXT / 1024 / 1024
            )));
        }
        self.keep(rows);
        self.row += rows;
        Ok(())
    }
}

/// How a row or column is hidden; `None` where it is shown.
fn visibility(tag: &[u8]) -> Option<&[u8]> {
    attribute(tag, b"table:visibility").filter(|how| *how != b"visible")
}

fn repeats(tag: &[u8], what: &[u8], most: u64) -> u64 {
    attribute(tag, what).and_then(number).unwrap_or(1).min(most)
}

impl Visit for Cells {
    fn tag(&mut self, tag: &[u8]) -> Result<(), Stop> {
        match name(tag) {
            (false, b"table-cell" | b"covered-table-cell") => self.cell(tag),
            (true, b"table-cell" | b"covered-table-cell") => {
                self.end_cell();
                self.cell_repeats = 0;
            }
            (false, b"null-date") => {
                self.is_1904 = attribute(tag, b"table:date-value")
                    .is_some_and(|date| date.starts_with(b"1904"));
            }
            (is_end, b"annotation") => self.is_note = !is_end && !is_closed(tag),
            (false, b"table") if self.table.is_none() => {
                let name = attribute(tag, b"table:name").unwrap_or_default();
                let name = String::from_utf8_lossy(name);
                self.table = Some(crate::html::decode_entities(&name));
                (self.row, self.next_column, self.next_cell) = (0, 0, 0);
                self.column_styles.clear();
            }
            (is_end, name) if self.table.is_none() => self.styles.tag(is_end, name, tag),
            (false, b"table-column") => {
                let repeats = repeats(tag, b"table:number-columns-repeated", MOST_COLUMNS as u64);
                let (first, last) = (self.next_column, self.next_column + repeats - 1);
                self.next_column += repeats;
                let style = |what: &[u8]| attribute(tag, what).map(String::from_utf8_lossy);
                let width = style(b"table:style-name").and_then(|style| self.styles.width(&style));
                if let (Some(width), Ok(first), Ok(last)) =
                    (width, u32::try_from(first), u32::try_from(last))
                {
                    self.facts.widen(first, last, width);
                }
                if let Some(style) = style(b"table:default-cell-style-name")
                    && self.column_styles.len() < MOST_COLUMNS
                {
                    self.column_styles.push((first, last, style.into_owned()));
                }
                if let (Some(_), Ok(first), Ok(last)) =
                    (visibility(tag), u32::try_from(first), u32::try_from(last))
                {
                    self.facts.hidden_columns.push((first, last));
                }
            }
            (false, b"table-row") => {
                self.is_hidden = visibility(tag).is_some();
                self.row_style = attribute(tag, b"table:default-cell-style-name")
                    .map(|style| String::from_utf8_lossy(style).into_owned());
                self.facts.is_filtered |= visibility(tag).is_some_and(|how| how == b"filter");
                self.row_repeats = repeats(tag, b"table:number-rows-repeated", MOST_ROWS);
                if is_closed(tag) {
                    return self.end_row();
                }
            }
            (true, b"table-row") => return self.end_row(),
            (true, b"table") => {
                self.before += self.written.max(self.rows * self.width);
                (self.written, self.rows, self.width, self.empty_rows) = (0, 0, 0, 0);
                let facts = std::mem::take(&mut self.facts).sorted();
                if let Some(table) = self.table.take() {
                    self.all.insert(table, Arc::new(facts));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> Result<(), Stop> {
        if self.table.is_none() && self.styles.text(text) {
            return Ok(());
        }
        if self.seen.is_some() && !self.is_note && self.shown.len() < LONGEST_SHOWN {
            self.shown.extend_from_slice(text);
        }
        self.row_text = self
            .row_text
            .saturating_add(self.cell_repeats * text.len() as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml::scan;
    use super::*;

    fn of(rows: &str) -> Result<(), Stop> {
        let text = format!("<table:table>{rows}</table:table>");
        scan(text.as_bytes(), &mut Cells::default())
    }

    #[test]
    fn what_is_repeated_and_filled_counts() {
        let filled = "<table:table-cell office:value-type='float' office:value='1' table:number-columns-repeated='16384'/>";
        assert!(of(&format!("<table:table-row>{filled}</table:table-row>").repeat(127)).is_ok());
        assert!(of(&format!("<table:table-row>{filled}</table:table-row>").repeat(129)).is_err());
        let row =
            format!("<table:table-row table:number-rows-repeated='129'>{filled}</table:table-row>");
        assert!(of(&row).is_err());
        let texts = format!(
            "<table:table-row><table:table-cell office:value-type='string' table:number-columns-repeated='16384'><text:p>{}</text:p></table:table-cell></table:table-row>",
            "x".repeat(5000)
        );
        assert!(of(&texts).is_err());
    }

    /// Every ODS ends its rows and its tables with empty cells that are repeated to the edge.
    #[test]
    fn what_is_empty_up_to_the_edge_does_not() {
        let row = "<table:table-row><table:table-cell office:value-type='float'/><table:table-cell table:number-columns-repeated='16383'/></table:table-row>";
        let last = "<table:table-row table:number-rows-repeated='1048000'><table:table-cell table:number-columns-repeated='16384'/></table:table-row>";
        assert!(of(&format!("{}{last}", row.repeat(1000))).is_ok());
        let far = "<table:table-row><table:table-cell table:number-columns-repeated='16383'/><table:table-cell office:value-type='float'/></table:table-row>";
        assert!(of(&format!("{}{last}{far}", row)).is_err());
    }
}
