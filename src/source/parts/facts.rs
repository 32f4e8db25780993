//! What the sheets of a workbook have besides their cells: what is hidden, what is merged, what a reader gets wrong.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::record::ShownNumber;
use crate::source::look::Formats;

/// Rows and columns of a merged area, from 0, the last ones too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) struct Area {
    pub(in crate::source) top: u32,
    pub(in crate::source) left: u32,
    pub(in crate::source) bottom: u32,
    pub(in crate::source) right: u32,
}

/// What stands in a cell instead of what the reader makes of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::source) enum Instead {
    /// An error of the spreadsheet program.
    Error(String),
    /// The whole of a text that the reader cuts.
    Text(String),
    /// A number in this format, which the reader does not know.
    Format(Arc<str>),
    /// A number with what the file shows for it.
    Shown(Arc<ShownNumber>),
    /// A moment, of which the format shows the time alone: days since the calendar began, and whether that was in 1904.
    Moment(f64, bool),
}

/// One sheet.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::source) struct SheetFacts {
    /// Ranges of rows, numbered from 1, in order.
    hidden_rows: Vec<(u64, u64)>,
    /// Whether a filter hides them.
    pub(in crate::source) is_filtered: bool,
    /// Ranges of columns, from 0.
    pub(in crate::source) hidden_columns: Vec<(u32, u32)>,
    /// Ranges of columns, from 0, with their width in characters.
    pub(in crate::source) widths: Vec<(u32, u32, f64)>,
    /// The formats of columns, of workbooks that are held whole.
    pub(in crate::source) formats: Formats,
    /// Merged areas of more than one cell, by their first rows.
    pub(in crate::source) merged: Vec<Area>,
    /// Cells by row and column from 0.
    pub(in crate::source) cells: HashMap<(u32, u32), Instead>,
    /// Which cells may have a format, where all were looked at.
    pub(in crate::source) formatted: Option<Formatted>,
    /// Whether the cells of an XLSX come in another order than that of rows and columns, or one comes twice.
    pub(in crate::source) is_unordered: bool,
    /// Cells of an XLSX with an error that its reader does not know: the number of the cell in the part, from 0, and its
    /// row and column.
    pub(in crate::source) late_errors: Vec<(u64, (u32, u32))>,
    /// Whether the reader puts cells of an XLSX into wrong columns: cells without an address behind such an error.
    pub(in crate::source) is_shifted: bool,
}

/// Which cells of a sheet may have a format: none after the last that has one in its block of rows. Without it who asks
/// for the format of one cell reads on to the next that has one, which may be the end of a long sheet.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::source) struct Formatted(BTreeMap<u32, (u32, u32)>);

/// Rows of a block.
const BLOCK: u32 = 256;

impl Formatted {
    /// Notes a cell with a format, by row and column from 0.
    pub(super) fn note(&mut self, cell: (u32, u32)) {
        let last = self.0.entry(cell.0 / BLOCK).or_insert(cell);
        *last = (*last).max(cell);
    }

    /// Whether that cell, or one after it in its block, may have a format.
    pub(in crate::source) fn may_have(&self, cell: (u32, u32)) -> bool {
        self.0
            .get(&(cell.0 / BLOCK))
            .is_some_and(|last| cell <= *last)
    }

    pub(in crate::source) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The widest that a column can be, in characters, and so many ranges of widths are kept.
const WIDEST: f64 = 256.0;
const MOST_WIDTHS: usize = 16_384;
/// So many merged areas of a sheet are kept.
const MOST_MERGED: usize = 200_000;

impl SheetFacts {
    /// Notes a hidden row, numbered from 1; they come in order.
    pub(super) fn hide_rows(&mut self, first: u64, last: u64) {
        match self.hidden_rows.last_mut() {
            Some((_, end)) if *end + 1 >= first => *end = (*end).max(last),
            _ => self.hidden_rows.push((first, last)),
        }
    }

    /// Notes a merged area.
    pub(super) fn merge(&mut self, area: Area) {
        let is_one = area.top == area.bottom && area.left == area.right;
        if !is_one && area.top <= area.bottom && self.merged.len() < MOST_MERGED {
            self.merged.push(area);
        }
    }

    /// Whether a row, numbered from 1, is hidden.
    pub(in crate::source) fn is_hidden(&self, row: u64) -> bool {
        let at = self.hidden_rows.partition_point(|(_, last)| *last < row);
        self.hidden_rows
            .get(at)
            .is_some_and(|(first, _)| *first <= row)
    }

    /// Whether a column, from 0, is hidden.
    pub(in crate::source) fn is_hidden_column(&self, column: u32) -> bool {
        let mut ranges = self.hidden_columns.iter();
        ranges.any(|(first, last)| (*first..=*last).contains(&column))
    }

    /// Notes the width of columns, from 0, in characters; what no program writes is none.
    pub(super) fn widen(&mut self, first: u32, last: u32, width: f64) {
        if width > 0.0 && width < WIDEST && self.widths.len() < MOST_WIDTHS {
            self.widths.push((first, last, width));
        }
    }

    pub(super) fn sorted(mut self) -> Self {
        self.merged.sort_by_key(|area| (area.top, area.left));
        self.hidden_rows.sort_unstable();
        self
    }
}

/// All sheets by their names.
pub(in crate::source) type Facts = HashMap<String, Arc<SheetFacts>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_format_is_looked_for_after_the_last_of_a_block() {
        let mut formatted = Formatted::default();
        assert!(formatted.is_empty());
        for cell in [(0, 3), (5, 1), (BLOCK + 2, 0)] {
            formatted.note(cell);
        }
        let may_have = |cell| formatted.may_have(cell);
        assert!(may_have((0, 0)) && may_have((5, 1)) && may_have((BLOCK, 9)));
        assert!(!may_have((5, 2)) && !may_have((6, 0)));
        assert!(!may_have((BLOCK + 2, 1)) && !may_have((2 * BLOCK, 0)));
    }
}
