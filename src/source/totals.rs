//! Rows that are no tickets: sums at the end of a table, and notes below it.

use crate::record::{Cell, Record};

/// How rows of sums begin, in the languages of the exports that were seen.
const WORDS: [&str; 34] = [
    "total",
    "totals",
    "grand total",
    "sub total",
    "subtotal",
    "sub-total",
    "sum",
    "sums",
    "count",
    "summe",
    "gesamt",
    "gesamtsumme",
    "insgesamt",
    "somme",
    "total général",
    "total general",
    "suma",
    "totale",
    "total geral",
    "totaal",
    "summa",
    "всего",
    "итого",
    "gesamtergebnis",
    "endsumme",
    "eindtotaal",
    "totalt",
    "razem",
    "celkem",
    "összesen",
    "toplam",
    "合計",
    "总计",
    "합계",
];
/// A table this wide has notes rather than rows of one cell.
const WIDE: usize = 3;

/// Whether a row sums up others: its first filled cell says so, and what else it holds are numbers.
pub(super) fn is_total(record: &Record) -> bool {
    let mut filled = record.cells.iter().filter(|cell| !cell.is_empty());
    let Some(Cell::Text(first)) = filled.next() else {
        return false;
    };
    // Nearly all rows end here: the first letter says that it is no such word.
    let is_near = first.trim_start().chars().next().is_some_and(|sign| {
        !sign.is_ascii()
            || matches!(
                sign.to_ascii_lowercase(),
                't' | 'g' | 's' | 'c' | 'i' | 'e' | 'r'
            )
    });
    is_near && begins_with_sum(first) && record.cells.len() > 1 && filled.all(is_number)
}

/// `Total`, `TOTAL:`, `Total (301)`, `Total: 301`.
fn begins_with_sum(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let word = text.trim_end_matches(|sign: char| {
        sign.is_ascii_digit()
            || sign.is_whitespace()
            || matches!(sign, ':' | '=' | '(' | ')' | '.' | ',' | '-' | '–')
    });
    WORDS.contains(&word)
}

fn is_number(cell: &Cell) -> bool {
    match cell {
        Cell::Number(_) | Cell::Integer(_) | Cell::Shown(_) | Cell::Duration(_) | Cell::Time(_) => {
            true
        }
        // A formula that nobody computed is none, and so is one that failed.
        Cell::Fault(_) => true,
        Cell::Text(text) => {
            let is_part = |sign: char| {
                sign.is_ascii_digit()
                    || matches!(
                        sign,
                        '.' | ',' | '-' | ' ' | '%' | ':' | '\'' | '\u{a0}' | '\u{202f}'
                    )
            };
            text.chars().all(is_part)
        }
        _ => false,
    }
}

/// Whether a row looks like a note below a table: one filled cell of many, and that the first.
pub(super) fn is_note(record: &Record) -> bool {
    record.cells.len() >= WIDE
        && matches!(record.cells.first(), Some(Cell::Text(text)) if !text.trim().is_empty())
        && record.cells.iter().skip(1).all(Cell::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Place;

    fn record(cells: &[Cell]) -> Record {
        Record {
            place: Place {
                file: "in.xlsx".into(),
                sheet: None,
                row: 2,
            },
            table: 0,
            cells: cells.to_vec(),
        }
    }

    #[test]
    fn sums_are_told_from_tickets() {
        let text = |text: &str| Cell::Text(text.into());
        for cells in [
            [text("TOTAL"), Cell::Number(301.0), Cell::Empty],
            [Cell::Empty, text("Grand total:"), text("1,234.50")],
            [text("Total (301)"), Cell::Empty, Cell::Empty],
            [text("Summe"), text("12"), Cell::Number(3.0)],
            [text("Итого:"), Cell::Empty, Cell::Number(3.0)],
            [text("Gesamtergebnis"), Cell::Empty, Cell::Number(3.0)],
            [text("合計"), Cell::Empty, Cell::Number(3.0)],
        ] {
            assert!(is_total(&record(&cells)), "{cells:?}");
        }
        for cells in [
            [text("1"), text("Total"), Cell::Empty],
            [text("Total loss of data"), Cell::Empty, Cell::Empty],
            [text("Total"), text("printer"), Cell::Number(1.0)],
            [text("Count is wrong"), Cell::Number(3.0), Cell::Empty],
            [Cell::Number(7.0), Cell::Number(3.0), Cell::Empty],
        ] {
            assert!(!is_total(&record(&cells)), "{cells:?}");
        }
    }

    #[test]
    fn notes_are_one_cell_at_the_left() {
        let text = |text: &str| Cell::Text(text.into());
        assert!(is_note(&record(&[
            text("Exported 1 May"),
            Cell::Empty,
            Cell::Empty
        ])));
        assert!(!is_note(&record(&[text("a"), text("b"), Cell::Empty])));
        assert!(!is_note(&record(&[text("a"), Cell::Empty])));
        assert!(!is_note(&record(&[
            Cell::Number(1.0),
            Cell::Empty,
            Cell::Empty
        ])));
    }
}
