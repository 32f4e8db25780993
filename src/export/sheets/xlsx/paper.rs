//! How a sheet is printed: over the width of a page, and broken between its tables.

use std::collections::HashMap;
use std::ops::Range;

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::{Place, chart};
use crate::export::sheets::{Sheet, Table};

/// What a landscape page holds inside of its margins, in pixels of 1/96 inch: the less of Letter and A4.
const PAGE: (f64, f64) = (970.0, 670.0);
/// The margins in inches: left, right, top, bottom, header, footer.
const MARGINS: [f64; 6] = [0.4, 0.4, 0.5, 0.6, 0.3, 0.3];
/// So many pages wide may a sheet be that is printed on one.
const WIDEST: f64 = 1.55;
/// The pixels of a column of so many characters.
const LETTER: f64 = 7.0;
const PADDING: f64 = 5.0;
/// A column that nobody made wider.
const USUAL: f64 = 64.0;

/// How many characters fit behind these columns on a sheet that can be read on one page.
pub(super) fn room_behind(widths: &[f64]) -> f64 {
    let before = widths.iter().map(|width| width * LETTER + PADDING);
    (PAGE.0 * WIDEST - before.sum::<f64>() - PADDING) / LETTER
}

/// A sheet on its way to paper.
pub(super) struct Paper {
    /// Its width in pixels.
    width: f64,
    /// The rows that have more than one line.
    lines: HashMap<u32, u32>,
}

impl Paper {
    /// Whether a sheet with its charts beside its tables would be hard to read on paper.
    pub(super) fn is_too_wide(widths: &[f64], sheet: &Sheet) -> bool {
        Self::new(widths, sheet, true).width > PAGE.0 * WIDEST
    }

    /// `is_beside`: charts are to the right of their tables.
    pub(super) fn new(widths: &[f64], sheet: &Sheet, is_beside: bool) -> Self {
        let pixels = |column: usize| {
            let width = widths.get(column);
            width.map_or(USUAL, |width| width * LETTER + PADDING)
        };
        let table_width = |table: &Table| {
            let columns = table.headings.len();
            match table.charts.is_empty() || !is_beside {
                true => (0..columns).map(pixels).sum::<f64>(),
                // An empty column is between a table and its charts.
                false => (0..=columns).map(pixels).sum::<f64>() + f64::from(chart::WIDTH),
            }
        };
        let widest = sheet.tables.iter().map(table_width);
        Self {
            width: widest.fold(PAGE.0, f64::max),
            lines: HashMap::new(),
        }
    }

    /// Says how many lines a row has.
    pub(super) fn lines(&mut self, row: u32, lines: u32) {
        self.lines.insert(row, lines);
    }

    /// Sets the sheet up.
    pub(super) fn set_up(self, out: &mut Worksheet, places: &[Place]) -> Result<(), XlsxError> {
        // About so much smaller than on the screen; the program that prints knows its letters better.
        let scale = (PAGE.0 / self.width).min(1.0);
        let [left, right, top, bottom, header, footer] = MARGINS;
        out.set_landscape()
            .set_margins(left, right, top, bottom, header, footer)
            .set_footer("&L&A&RPage &P of &N")
            .set_print_fit_to_pages(1, 0)
            .set_repeat_rows(0, 0)?;
        let breaks = self.breaks(places, PAGE.1 / scale);
        if !breaks.is_empty() {
            out.set_page_breaks(&breaks)?;
        }
        Ok(())
    }

    fn height(&self, rows: Range<u32>) -> f64 {
        let row = |row: u32| self.lines.get(&row).copied().unwrap_or(1);
        f64::from(rows.map(row).sum::<u32>() * chart::ROW)
    }

    /// The rows that begin a page: a table that does not fit on the rest of one but on the next, and a chart that would
    /// be cut.
    fn breaks(&self, places: &[Place], page: f64) -> Vec<u32> {
        // The title is repeated on each page.
        let page = page - 2.0 * f64::from(chart::ROW);
        let fits = |rows| self.height(rows) <= page;
        let mut breaks = Vec::new();
        let mut begins = 0;
        for (at, place) in places.iter().enumerate() {
            let fits_on_next = fits(place.title..place.end);
            if at > 0 && !fits(begins..place.end) && fits_on_next {
                begins = place.title;
                breaks.push(begins);
            }
            // The last row of a place is empty.
            let end = place.end - 1;
            while !fits(begins..end) {
                let Some(cut) = (begins + 1..end).find(|row| !fits(begins..row + 1)) else {
                    break;
                };
                let mut charts = place.charts.iter();
                let is_cut = |chart: &&Range<u32>| chart.start < cut && cut < chart.end;
                let top = charts.find(is_cut).map(|chart| chart.start);
                // A chart that is higher than a page is cut all the same.
                begins = top.filter(|top| *top > begins).unwrap_or(cut);
                breaks.push(begins);
            }
        }
        breaks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(title: u32, charts: &[u32], end: u32) -> Place {
        Place {
            title,
            headings: title + 2,
            charts: charts.iter().map(|top| *top..top + 17).collect(),
            end,
        }
    }

    #[test]
    fn pages_end_between_tables_and_charts() {
        let paper = Paper {
            width: PAGE.0,
            lines: HashMap::from([(1, 3)]),
        };
        // A page of forty rows.
        let page = f64::from(42 * chart::ROW);
        let places = [
            place(3, &[], 20),
            place(20, &[22], 42),
            place(42, &[44, 61], 80),
            place(80, &[], 85),
            place(85, &[], 180),
        ];
        assert_eq!(paper.breaks(&places, page), [20, 42, 80, 120, 160]);
        // Two charts over each other that do not fit on one page.
        let places = [place(3, &[5, 25, 50], 68)];
        assert_eq!(paper.breaks(&places, page), [25, 50]);
    }
}
