//! How a sheet looks besides its cells, so that another file can look like it.

use std::collections::BTreeMap;

use super::shown;
use crate::record::Cell;

/// How one table of an input looks; of all but workbooks nothing is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    /// Ranges of columns, from 0, the last ones too, with their width in characters.
    pub(super) widths: Vec<(u32, u32, f64)>,
    /// Ranges of columns that nobody sees.
    pub(super) hidden: Vec<(u32, u32)>,
    pub(super) formats: Formats,
    /// Whether numbers are read as they are shown.
    pub(super) shows: bool,
    /// All sheets of the workbook in their order, and whether nobody sees each.
    pub(super) sheets: Vec<(String, bool)>,
}

/// The formats of columns: of those whose numbers and dates all have the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Formats(BTreeMap<u32, Option<String>>);

impl Formats {
    /// Notes the format of a number or a date.
    pub(super) fn note(&mut self, column: u32, code: &str) {
        match self.0.get_mut(&column) {
            Some(Some(known)) if known != code => {
                self.0.insert(column, None);
            }
            Some(_) => {}
            None => {
                self.0.insert(column, Some(code.to_owned()));
            }
        }
    }
}

impl Look {
    /// The width of a column, from 0, in characters.
    pub(crate) fn width(&self, column: usize) -> Option<f64> {
        let mut ranges = self.widths.iter();
        ranges
            .find(|(first, last, _)| (*first as usize..=*last as usize).contains(&column))
            .map(|(.., width)| *width)
    }

    /// Whether nobody sees a column.
    pub(crate) fn is_hidden(&self, column: usize) -> bool {
        let mut ranges = self.hidden.iter();
        ranges.any(|(first, last)| (*first as usize..=*last as usize).contains(&column))
    }

    /// The format of the numbers and dates of a column.
    pub(crate) fn format(&self, column: usize) -> Option<&str> {
        let column = u32::try_from(column).ok()?;
        self.formats.0.get(&column)?.as_deref()
    }

    /// The same for a cell. A number that is read as it is shown keeps another format where that of its column would show it
    /// in another way.
    pub(crate) fn format_of(&self, column: usize, cell: &Cell) -> Option<&str> {
        let is_other = |code: &&str| match cell {
            Cell::Number(number) if self.shows => {
                matches!(shown::cell(*number, code), Cell::Shown(_))
            }
            _ => false,
        };
        self.format(column).filter(|code| !is_other(code))
    }

    /// The sheet of that number, from 1, and whether nobody sees it.
    pub(crate) fn sheet(&self, number: u32) -> Option<(&str, bool)> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.sheets
            .get(at)
            .map(|(name, is_hidden)| (name.as_str(), *is_hidden))
    }
}
