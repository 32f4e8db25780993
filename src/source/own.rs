//! The columns that an error file adds to those of its input, and how a file is known to be one.
//!
//! Only a file that has five of the six, the first three among them, is one of ours: a file may have a `_key` or a `_state` of
//! its own, and somebody may have taken away one that is only told. Ours are the last of their names, for they stand behind
//! those of the input.

use crate::record::{Cell, Header, Record};

/// The columns that are added, in order.
pub const COLUMNS: [&str; 6] = ["_row", "_key", "_state", "_field", "_error", "_hint"];
/// What the input was called: added where the mapping reads it.
pub(crate) const FILE: &str = "_from_file";
/// What its sheet was called: the same.
pub(crate) const SHEET: &str = "_from_sheet";
/// What `_state` says of a row whose cells are not all that the file said.
pub(crate) const UNREADABLE: &str = "unreadable";
/// What is advised for such a row, behind what else there is to say.
pub(crate) const UNMARK: &str =
    "then empty its `_state` cell in this file; until then the row is not sent";

/// Where the added columns stand in an error file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Own {
    at: [usize; COLUMNS.len()],
    file: Option<usize>,
    sheet: Option<usize>,
}

impl Own {
    /// Those of a table, where it is an error file.
    pub(crate) fn of(header: &Header) -> Option<Self> {
        let written = header.written();
        let last = |name: &str| written.iter().rposition(|heading| heading.trim() == name);
        // No object has a member twice: beside one of the input's ours is the second.
        let place = |name: &str| last(&second(name)).or_else(|| last(name));
        let places = COLUMNS.map(place);
        let [Some(_), Some(_), Some(_), ref told @ ..] = places else {
            return None;
        };
        if told.iter().flatten().count() < 2 {
            return None;
        }
        Some(Self {
            at: places.map(|place| place.unwrap_or(usize::MAX)),
            file: last(FILE),
            sheet: last(SHEET),
        })
    }

    /// The column of that name.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        match name {
            FILE => self.file,
            SHEET => self.sheet,
            name => {
                (self.at.iter().zip(COLUMNS)).find_map(|(at, own)| (own == name).then_some(*at))
            }
        }
    }

    /// Whether a column is one of them.
    pub(crate) fn has(&self, column: usize) -> bool {
        self.at.contains(&column) || self.file == Some(column) || self.sheet == Some(column)
    }

    /// What a row says in the column of that name.
    pub(crate) fn text(&self, record: &Record, name: &str) -> Option<String> {
        let cell: &Cell = record.cell(self.column(name)?);
        let text = cell.text();
        (!text.trim().is_empty()).then(|| text.into_owned())
    }

    /// The number that a row has in the first input.
    pub(crate) fn row(&self, record: &Record) -> Option<u64> {
        self.text(record, "_row")?.trim().parse().ok()
    }

    /// Whether a row could not be read, and nobody has said yet that it is put right.
    pub(crate) fn is_unreadable(&self, record: &Record) -> bool {
        let state = record.cell(self.at[2]).text();
        state.trim().eq_ignore_ascii_case(UNREADABLE)
    }
}

/// Of a name that a member of the input has already.
pub(crate) fn second(name: &str) -> String {
    format!("{name}[2]")
}

/// Whether cells are the first row of an error file whose input has no headings: the letters of its columns, then ours.
pub(super) fn are_headings<'t>(cells: impl Iterator<Item = &'t str>) -> bool {
    let written: Vec<String> = cells.map(str::to_owned).collect();
    let Some(own) = Own::of(&Header::new(written.clone())) else {
        return false;
    };
    let first = own.at.iter().min().copied().unwrap_or(0);
    written
        .iter()
        .take(first)
        .enumerate()
        .all(|(at, heading)| *heading == super::letters(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(names: &[&str]) -> Option<Own> {
        Own::of(&Header::new(
            names.iter().map(|name| (*name).to_owned()).collect(),
        ))
    }

    #[test]
    fn five_of_them_make_an_error_file() {
        assert_eq!(own(&["Id", "_key", "_state", "_row", "_error"]), None);
        let found = own(&["Id", "_row", "_key", "_state", "_field", "_error"]).unwrap();
        assert_eq!(found.column("_state"), Some(3));
        let mut names = vec!["_key", "_state"];
        names.extend(COLUMNS);
        let found = own(&names).unwrap();
        assert_eq!(found.column("_key"), Some(3));
        assert!(!found.has(0) && !found.has(1) && found.has(2));
        // A member that the input has keeps its name.
        let found = own(&[
            "_error", "_field", "_hint", "_key", "_key[2]", "_row", "_state",
        ]);
        let found = found.unwrap();
        assert_eq!(found.column("_key"), Some(4));
        assert!(!found.has(3));
    }

    #[test]
    fn letters_before_ours_are_no_row_of_data() {
        let with = |first: &'static str| are_headings([first].into_iter().chain(COLUMNS));
        assert!(with("A"));
        assert!(!with("Id"));
        assert!(!are_headings(["A", "B"].into_iter()));
    }
}
