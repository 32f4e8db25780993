//! Where the headings stand in a sheet that begins with a title or notes.

use std::collections::BTreeSet;

use super::content::is_address;
use crate::mapping::date::read_iso;
use crate::record::{Cell, Record, fold};

/// So many of the first rows are looked at; the headings stand in one of the first half.
pub const LOOKED_AT: usize = 40;
/// The longest heading.
const LONGEST: usize = 80;

/// The row of the headings, as the spreadsheet program counts it, where that is plainly not the first row with
/// anything in it: its cells are different texts side by side, the rows above fill half of its columns at most, and
/// the rows below fill its columns and no others, and more of them. `records` are the first rows, read as if there were no headings.
pub fn heading_row(records: &[Record]) -> Option<u32> {
    let filled: Vec<Vec<usize>> = records.iter().map(filled).collect();
    let mut widest_above = 0;
    for (at, record) in records.iter().enumerate().take(LOOKED_AT / 2) {
        let own = &filled[at];
        if at > 0
            && own.len() > 1
            && widest_above * 2 <= own.len()
            && are_headings(record, own)
            && is_filled(own, &filled[at + 1..], widest_above)
        {
            return u32::try_from(record.place.row).ok();
        }
        widest_above = widest_above.max(own.len());
    }
    None
}

/// The columns that a row fills.
fn filled(record: &Record) -> Vec<usize> {
    let cells = record.cells.iter().enumerate();
    cells
        .filter(|(_, cell)| !cell.is_empty())
        .map(|(column, _)| column)
        .collect()
}

/// Whether the cells are different short texts with hardly a gap between them.
fn are_headings(record: &Record, filled: &[usize]) -> bool {
    let (Some(first), Some(last)) = (filled.first(), filled.last()) else {
        return false;
    };
    let mut seen = BTreeSet::new();
    let is_heading = |column: &usize| match record.cell(*column) {
        Cell::Text(text) => {
            let text = text.trim();
            text.chars().count() <= LONGEST
                && text.parse::<f64>().is_err()
                && read_iso(text).is_none()
                && !is_address(text)
                && seen.insert(fold(text))
        }
        _ => false,
    };
    filled.len() * 10 >= (last - first + 1) * 8 && filled.iter().all(is_heading)
}

/// Whether the rows below fill these columns, more of them than the rows above do, and hardly one of them another.
fn is_filled(columns: &[usize], below: &[Vec<usize>], above: usize) -> bool {
    // A single cell beside the table is a note of somebody.
    let outside = below
        .iter()
        .filter(|row| row.len() > 1 && row.iter().any(|column| !columns.contains(column)));
    outside.count() * 10 <= below.len() && below.iter().any(|row| row.len() > above)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::record::Place;

    /// Rows from 1, their cells parted by `|`; a blank row is left out, as a source does.
    fn found(rows: &[&str]) -> Option<u32> {
        let record = |(row, cells): (u64, &&str)| Record {
            place: Place {
                file: Arc::from("t.csv"),
                sheet: None,
                row,
            },
            table: 0,
            cells: cells
                .split('|')
                .map(|cell| Cell::Text(cell.into()))
                .collect(),
        };
        let rows: Vec<Record> = (1..)
            .zip(rows)
            .filter(|(_, cells)| !cells.is_empty())
            .map(record)
            .collect();
        heading_row(&rows)
    }

    #[test]
    fn headings_below_titles_and_notes_are_found() {
        assert_eq!(
            found(&["Export", "", "Id|Subject|Room", "1|a|b", "2|c|"]),
            Some(3)
        );
        assert_eq!(found(&["Export", "Id|Subject", "1|a"]), Some(2));
        // A table that does not begin in the first column, with a note under it.
        assert_eq!(
            found(&["Export", "", "||Id|Subject|Room", "||1|a|b", "", "Call Ann"]),
            Some(3)
        );
        assert_eq!(
            found(&[
                "Ticket||Requester|",
                "Id|Subject|Name|Mail",
                "1|a|b|c@d.example"
            ]),
            Some(2)
        );
    }

    #[test]
    fn a_first_row_that_may_be_the_headings_is_taken_for_them() {
        for rows in [
            &["Id|Subject|Room", "1|a|b", "2|c|d"][..],
            // Not even every second column of a wide table is filled.
            &["Id|Subject|Room|Note", "x|||", "a|b|c|d"],
            // No two headings are the same, and none is a number.
            &["Export", "Yes|Yes|No", "No|Yes|Yes"],
            &["Export", "1|2|3", "4|5|6"],
            // Nothing below, or below other columns.
            &["Export", "Id|Subject|Room"],
            &["Export", "Id|Subject", "1|a|b|c"],
        ] {
            assert_eq!(found(rows), None, "{rows:?}");
        }
    }
}
