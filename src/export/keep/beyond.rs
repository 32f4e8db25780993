//! What people put into a workbook of ours that no row of a ticket can carry: with that it is not replaced.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::Path;

use super::look::Look;
use super::parts::Parts;
use super::print::{Beside, Print};
use super::{COMMENT_HEADINGS, COMMENT_KEY, PRINT_PROPERTY};
use crate::record::{Cell, fold};
use crate::source::{Archive, Spot, each_cell};

/// The columns of a sheet with rows of tickets.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) sheet: String,
    /// Which of them people write, from 0.
    pub(super) people: Vec<u32>,
    /// How many have a heading, or stand before one that has.
    pub(super) width: u32,
}

fn reader(path: &Path) -> std::io::Result<Box<dyn Archive>> {
    Ok(Box::new(BufReader::new(File::open(path)?)))
}

/// Why the workbook must not be replaced, if it must not: what stands on the sheets that we made and on that of comments,
/// and what lies over the cells of any.
///
/// # Errors
/// The same, where it cannot be told.
pub(super) fn on_sheets(path: &Path, look: &Look, rows: &[String]) -> Result<(), String> {
    for sheet in &look.sheets {
        let part = look.parts.get(sheet).ok_or("it cannot be looked into")?;
        let written = look.prints.get(sheet).filter(|_| !rows.contains(sheet));
        if let Some(written) = written {
            let (print, beside) = Print::of(&|| reader(path), (sheet, part))?;
            let more = beside.more.or(print.added_to(written));
            refuse(sheet, more.or(coloured(&beside)))?;
            continue;
        }
        let beside = reader(path).ok().and_then(Parts::open);
        let beside = beside.and_then(|mut parts| Beside::of(&mut parts, part));
        let beside = beside.ok_or_else(|| format!("its sheet `{sheet}` cannot be looked into"))?;
        // An older version noted nothing of the charts that it drew.
        let is_drawn = beside.has_charts() && !look.made.contains(sheet);
        refuse(sheet, beside.more.or(is_drawn.then_some("a chart")))?;
        if sheet == super::COMMENTS {
            refuse(sheet, coloured(&beside))?;
        }
    }
    Ok(())
}

/// Rules of people on a sheet where we write none.
fn coloured(beside: &Beside) -> Option<&'static str> {
    (!beside.rules.is_empty()).then_some("rules that colour cells")
}

/// Whether an older version wrote the analyses, which noted nothing to compare them with.
pub(super) fn is_without_prints(look: &Look) -> bool {
    look.made.iter().any(|sheet| {
        let is_ours = !sheet.starts_with(crate::export::baseline::SHEET);
        is_ours && !look.prints.contains_key(sheet)
    })
}

fn refuse(sheet: &str, what: Option<&str>) -> Result<(), String> {
    match what {
        Some(what) => Err(format!(
            "people put {what} on its sheet `{sheet}`, which would be lost"
        )),
        None => Ok(()),
    }
}

/// Looks at the cells of a sheet with rows of tickets.
///
/// # Errors
/// Why it must not be replaced.
pub(super) fn in_columns(path: &Path, look: &Look, columns: &Columns) -> Result<(), String> {
    let sheet = &columns.sheet;
    let mut found = None;
    let is_theirs = |column: u32| columns.people.contains(&column);
    let mut note = |spot: Spot, cell: &Cell| {
        found = match cell {
            Cell::Empty if !spot.is_formula => None,
            _ if spot.column >= columns.width => Some("it has cells beyond the headings"),
            _ if !is_theirs(spot.column) => None,
            _ if spot.is_formula => {
                Some("people's columns have formulas in them, which would be lost")
            }
            Cell::Fault(_) => Some("people's columns have errors in them, which would be lost"),
            _ => None,
        };
        match found {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    };
    let unreadable = |_| format!("its sheet `{sheet}` cannot be looked into");
    let from = reader(path).map_err(|error| format!("it cannot be read ({error})"))?;
    each_cell(from, sheet, sheet, &mut note).map_err(unreadable)?;
    if let Some(why) = found {
        return Err(why.to_owned());
    }
    let part = look.parts.get(sheet);
    let beside = reader(path).ok().and_then(Parts::open).zip(part);
    let beside = beside.and_then(|(mut parts, part)| Beside::of(&mut parts, part));
    let beside = beside.ok_or_else(|| format!("its sheet `{sheet}` cannot be looked into"))?;
    if !beside.rules.is_empty() {
        return Err("people put rules that colour cells into it, which would be lost".to_owned());
    }
    let links = beside.links;
    let is_linked = links.iter().any(|area| {
        let (first, last) = area.split_once(':').unwrap_or((area, area));
        match (column(first), column(last)) {
            // One that lies beyond the headings is no link of ours either.
            (Some(first), Some(last)) => {
                (first..=last).any(|at| is_theirs(at) || at >= columns.width)
            }
            _ => true,
        }
    });
    match is_linked {
        true => Err("people's columns have links in them, which would be lost".to_owned()),
        false => Ok(()),
    }
}

/// The column of an address (`AB12`), from 0.
pub(super) fn column(address: &str) -> Option<u32> {
    let letters = address
        .bytes()
        .filter(|byte| *byte != b'$')
        .take_while(u8::is_ascii_alphabetic);
    let mut column = 0_u32;
    for letter in letters {
        let letter = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column = column.checked_mul(26)?.checked_add(letter)?;
    }
    column.checked_sub(1)
}

/// Looks at the sheet of comments: its columns and rows are ours.
///
/// # Errors
/// Why it must not be replaced.
pub(super) fn on_comments(path: &Path, sheet: &str) -> Result<(), String> {
    let mut ours: BTreeSet<u32> = BTreeSet::new();
    let mut met: BTreeSet<String> = BTreeSet::new();
    let mut key = None;
    let (mut row, mut has_key) = (0, true);
    let mut found = None;
    let known: Vec<String> = COMMENT_HEADINGS.iter().map(|name| fold(name)).collect();
    let mut note = |spot: Spot, cell: &Cell| {
        if matches!(cell, Cell::Empty) && !spot.is_formula {
            return ControlFlow::Continue(());
        }
        if spot.row != row {
            if !has_key {
                found = Some("rows");
                return ControlFlow::Break(());
            }
            (row, has_key) = (spot.row, false);
        }
        if spot.is_formula || matches!(cell, Cell::Fault(_)) {
            found = Some("formulas or errors");
        } else if spot.row == 0 {
            has_key = true;
            let heading = fold(&cell.text());
            if heading == fold(COMMENT_KEY) {
                key = Some(spot.column);
            }
            match known.contains(&heading) && met.insert(heading) {
                true => {
                    ours.insert(spot.column);
                }
                false => found = Some("a column"),
            }
        } else if !ours.contains(&spot.column) {
            found = Some("a column");
        } else {
            has_key |= key == Some(spot.column);
        }
        match found {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    };
    let from = reader(path).map_err(|error| format!("it cannot be read ({error})"))?;
    each_cell(from, sheet, sheet, &mut note)
        .map_err(|_| format!("its sheet `{sheet}` cannot be looked into"))?;
    let found = found.or((!has_key).then_some("rows"));
    refuse(sheet, found)
}

/// The properties by which the analyses of a workbook are known again; it is one that holds nothing else.
pub(super) fn prints(workbook: &[u8], sheets: &[&str]) -> Vec<(String, String)> {
    let open = || -> std::io::Result<Box<dyn Archive + '_>> {
        Ok(Box::new(std::io::Cursor::new(workbook)))
    };
    let mut parts = open().ok().and_then(Parts::open);
    let Some(parts) = &mut parts else {
        return Vec::new();
    };
    let text = parts.text("xl/workbook.xml").unwrap_or_default();
    let targets = parts.targets("xl/workbook.xml");
    let mut values = Vec::new();
    for tag in super::parts::Tags(&text).filter(|tag| tag.name == "sheet") {
        let name = tag.attribute("name").unwrap_or_default();
        let part = tag.attribute("id").and_then(|id| targets.get(&id));
        let is_one = sheets.contains(&name.as_str());
        if let Some(part) = part.filter(|_| is_one)
            && let Ok((print, _)) = Print::of(&open, (&name, part))
        {
            values.extend(print.written(&name));
        }
    }
    let named = (1..).zip(values);
    named
        .map(|(number, value): (u32, String)| (format!("{PRINT_PROPERTY}{number}"), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_columns() {
        for (address, at) in [("A1", 0), ("$B$12", 1), ("AA3", 26), ("XFD1", 16_383)] {
            assert_eq!(column(address), Some(at));
        }
        assert_eq!(column("1"), None);
    }
}
