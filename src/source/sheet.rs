//! Sheets: which ones are read, where their headings stand, and their cells gathered into rows.

use std::borrow::Cow;
use std::ops::ControlFlow;

use calamine::{SheetType, SheetVisible};

use super::bounds::{MOST_COLUMNS, MOST_ROWS};
use super::csv::no_header_row;
use super::headings;
use super::look::Formats;
use super::workbook::Book;
use super::{InputOptions, Numbers, SheetChoice, SheetName, own};
use crate::error::{Error, Result};
use crate::record::{Cell, ShownNumber};

/// How many rows are looked at for data to the right of the last heading.
const WIDTH_ROWS: u64 = 1000;
/// So many formats of a column are known, and so many are named.
const MOST_FORMATS: usize = 16;
const MOST_EXAMPLES: usize = 3;

/// The letters of a column, by position from 0: `A`, `Z`, `AA`.
pub(crate) fn letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        letters.push(b'A' + ((rest - 1) % 26) as u8);
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().map(|&byte| char::from(byte)).collect()
}

/// A sheet with data.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    pub(super) name: String,
    /// From 1.
    pub(super) number: u32,
    /// 0: none.
    pub(super) header_row: u64,
    /// Whether that row is one of the input's: an error file whose input has no headings says its columns itself.
    pub(super) has_headings: bool,
    pub(super) headings: Vec<String>,
    /// Whether a row stands below the headings.
    pub(super) has_rows: bool,
    /// How many rows stand above the headings.
    pub(super) above: u64,
    /// Columns whose numbers are shown in another way than they are held, in the rows that were looked at.
    pub(super) shown: Vec<ShownColumn>,
    /// The formats of its columns, in the rows that were looked at.
    pub(super) formats: Formats,
}

/// A column with numbers that are shown in another way.
#[derive(Debug, Clone)]
pub(super) struct ShownColumn {
    /// From 0.
    pub(super) column: usize,
    pub(super) cells: u64,
    /// The first cell of each format.
    pub(super) examples: Vec<ShownExample>,
}

/// The first cell of a format in a column.
#[derive(Debug, Clone)]
pub(super) struct ShownExample {
    pub(super) row: u64,
    pub(super) number: ShownNumber,
}

impl ShownColumn {
    /// One example of each of the first formats, those of ids before those of amounts.
    pub(super) fn named(&self) -> impl Iterator<Item = &ShownExample> {
        let of = |is_exact: bool| {
            let examples = self.examples.iter();
            examples.filter(move |example| example.number.is_exact == is_exact)
        };
        of(true).chain(of(false)).take(MOST_EXAMPLES)
    }
}

/// The sheets that the choice names, those without any data left out.
pub(super) fn choose(book: &mut Book, options: &InputOptions, named: &str) -> Result<Vec<Sheet>> {
    let choice = &options.sheet;
    let all: Vec<(u32, calamine::Sheet)> = (1..).zip(book.sheets().iter().cloned()).collect();
    let visible = |sheet: &calamine::Sheet| {
        sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet
    };
    let mut found = Vec::new();
    match choice {
        SheetChoice::These(wanted) => {
            for wanted in wanted {
                let (number, sheet) =
                    pick(&all, wanted).ok_or_else(|| unknown(&all, wanted).at(named))?;
                let probed = probe(book, *number, &sheet.name, options)?;
                found.push(probed.ok_or_else(|| {
                    Error::input(format!("the sheet `{}` is empty", sheet.name)).at(named)
                })?);
            }
        }
        SheetChoice::First | SheetChoice::All => {
            let mut headings_only = None;
            let mut refused = None;
            for (number, sheet) in all.iter().filter(|(_, sheet)| visible(sheet)) {
                match probe(book, *number, &sheet.name, options) {
                    Ok(Some(probed)) if probed.has_rows => found.push(probed),
                    Ok(Some(probed)) => headings_only = headings_only.or(Some(probed)),
                    Ok(None) => {}
                    // A cover sheet need not have headings in the row that the data sheets have.
                    Err(error) => refused = refused.or(Some(error)),
                }
                if *choice == SheetChoice::First && !found.is_empty() {
                    break;
                }
            }
            if found.is_empty() {
                if let Some(error) = refused {
                    return Err(error);
                }
                found.extend(headings_only);
            }
        }
    }
    if found.is_empty() {
        return Err(Error::input("has no visible sheet with data")
            .at(named)
            .hint("name a hidden sheet to have it read: sheet = \"…\" in [input]"));
    }
    if !options.may_be_empty && found.iter().all(|sheet| !sheet.has_rows) {
        return Err(Error::input(format!(
            "the sheet `{}` has a header row and no rows",
            found[0].name
        ))
        .at(named)
        .hint("choose another sheet: sheet = \"…\" in [input]"));
    }
    Ok(found)
}

/// A name of a sheet as every workbook can have it; an ODS has longer names, with signs that an XLSX has not.
pub(crate) fn excel_name(name: &str) -> Cow<'_, str> {
    const LONGEST: usize = 31;
    let bad = |sign: char| matches!(sign, '*' | '?' | ':' | '[' | ']' | '\\' | '/');
    let is_good = name.encode_utf16().count() <= LONGEST
        && !name.contains(bad)
        && !name.starts_with('\'')
        && !name.ends_with('\'')
        && !name.is_empty();
    if is_good {
        return Cow::Borrowed(name);
    }
    let mut units = 0;
    let kept = name.trim_matches('\'').chars().take_while(|sign| {
        units += sign.len_utf16();
        units <= LONGEST
    });
    let kept: String = kept
        .map(|sign| if bad(sign) { '_' } else { sign })
        .collect();
    match kept.trim_end_matches('\'') {
        "" => Cow::Borrowed("Sheet"),
        kept => Cow::Owned(kept.to_owned()),
    }
}

/// The same, where names that become one are told apart: `a/b` and `a:b`.
pub(crate) fn name_apart(name: &str) -> Cow<'_, str> {
    const ROOM: usize = 31 - 5;
    match excel_name(name) {
        Cow::Borrowed(name) => Cow::Borrowed(name),
        Cow::Owned(other) => {
            let mut units = 0;
            let kept = other.chars().take_while(|sign| {
                units += sign.len_utf16();
                units <= ROOM
            });
            let digits = blake3::hash(name.as_bytes()).to_hex();
            Cow::Owned(format!("{}~{}", kept.collect::<String>(), &digits[..4]))
        }
    }
}

fn pick<'a>(
    all: &'a [(u32, calamine::Sheet)],
    wanted: &SheetName,
) -> Option<&'a (u32, calamine::Sheet)> {
    match wanted {
        SheetName::Number(wanted) => all.iter().find(|(number, _)| *number as usize == *wanted),
        SheetName::Name(wanted) => {
            let folded = wanted.trim().to_lowercase();
            all.iter()
                .find(|(_, sheet)| sheet.name == *wanted)
                .or_else(|| {
                    all.iter()
                        .find(|(_, sheet)| sheet.name.trim().to_lowercase() == folded)
                })
                // In the error file of an ODS a sheet has the name that an XLSX can have.
                .or_else(|| {
                    all.iter()
                        .find(|(_, sheet)| sheet.name == name_apart(wanted))
                })
                .or_else(|| {
                    all.iter()
                        .find(|(_, sheet)| sheet.name == excel_name(wanted))
                })
        }
    }
}

fn unknown(all: &[(u32, calamine::Sheet)], wanted: &SheetName) -> Error {
    let names: Vec<String> = all
        .iter()
        .map(|(number, sheet)| match sheet.visible {
            SheetVisible::Visible => format!("`{}` ({number})", sheet.name),
            _ => format!("`{}` ({number}, hidden)", sheet.name),
        })
        .collect();
    let error = match wanted {
        SheetName::Name(name) => Error::input(format!("there is no sheet `{name}`")),
        SheetName::Number(number) => Error::input(format!("there is no sheet number {number}")),
    };
    error.hint(format!("the workbook has {}", names.join(", ")))
}

/// Finds the headings of a sheet; `None` when nothing stands on it.
fn probe(
    book: &mut Book,
    number: u32,
    name: &str,
    options: &InputOptions,
) -> Result<Option<Sheet>> {
    let wanted = options.header_row;
    let heading = |cell: &Cell| match cell {
        Cell::Shown(shown) if options.numbers != Some(Numbers::Shown) => {
            Cell::Number(shown.number).text().into_owned()
        }
        cell => cell.text().into_owned(),
    };
    let texts = |cells: &[Cell]| cells.iter().map(heading).collect::<Vec<String>>();
    let (mut above, mut shown) = (0, Vec::new());
    let mut over: Vec<(u64, Vec<Cell>)> = Vec::new();
    let mut headings: Option<(u64, Vec<Cell>)> = (wanted == Some(0)).then(|| (0, Vec::new()));
    let (mut seen, mut has_rows, mut width) = (0, false, 0);
    book.formats = Some(Formats::default());
    book.rows(name, &mut |row, cells| {
        let is_first = seen == 0 && wanted == Some(0);
        match &headings {
            Some(_) if is_first && own::are_headings(texts(&cells).iter().map(String::as_str)) => {
                width = width.max(cells.len());
                headings = Some((row, cells));
            }
            None if wanted.is_none_or(|wanted| u64::from(wanted) == row) => {
                width = width.max(cells.len());
                headings = Some((row, cells));
            }
            None if wanted.is_some_and(|wanted| u64::from(wanted) < row) => {
                seen += 1;
                return ControlFlow::Break(());
            }
            None if options
                .header_above
                .iter()
                .any(|one| u64::from(*one) == row) =>
            {
                width = width.max(cells.len());
                over.push((row, cells));
            }
            None => above += 1,
            Some((header_row, _)) => {
                note_shown(row, &cells, &mut shown);
                let near = row <= header_row + WIDTH_ROWS;
                if near || !has_rows {
                    has_rows = true;
                    width = width.max(cells.len());
                }
                if !near {
                    return ControlFlow::Break(());
                }
            }
        }
        seen += 1;
        ControlFlow::Continue(())
    })?;
    if seen == 0 {
        return Ok(None);
    }
    let Some((header_row, cells)) = headings else {
        return Err(no_header_row(wanted.unwrap_or(1)).at(format!("{}, sheet {name}", book.named)));
    };
    let headings = match header_row {
        0 => (0..width).map(letters).collect(),
        _ => {
            let over: Vec<_> = over
                .iter()
                .map(|(row, cells)| (*row, texts(cells)))
                .collect();
            let facts = book.facts.get(name);
            let merged = facts.map_or(&[][..], |facts| facts.merged.as_slice());
            let mut texts = headings::joined(&over, texts(&cells), merged);
            texts.resize(width, String::new());
            texts
        }
    };
    Ok(Some(Sheet {
        name: name.to_owned(),
        number,
        header_row,
        has_headings: wanted != Some(0),
        headings,
        has_rows,
        above,
        shown,
        formats: match book.formats.take().filter(|_| book.is_read_by_cells()) {
            Some(formats) => formats,
            None => book
                .facts
                .get(name)
                .map(|facts| facts.formats.clone())
                .unwrap_or_default(),
        },
    }))
}

fn note_shown(row: u64, cells: &[Cell], shown: &mut Vec<ShownColumn>) {
    for (column, cell) in cells.iter().enumerate() {
        let Cell::Shown(number) = cell else { continue };
        let at = match shown.iter().position(|known| known.column == column) {
            Some(at) => at,
            None => {
                shown.push(ShownColumn {
                    column,
                    cells: 0,
                    examples: Vec::new(),
                });
                shown.len() - 1
            }
        };
        let known = &mut shown[at];
        known.cells += 1;
        let is_new = |example: &ShownExample| example.number.format != number.format;
        if known.examples.len() < MOST_FORMATS && known.examples.iter().all(is_new) {
            known.examples.push(ShownExample {
                row,
                number: (**number).clone(),
            });
        }
    }
}

/// What is called with each row that is not blank: its number from 1 and its cells up to the last filled one.
pub(super) type EachRow<'a> = dyn FnMut(u64, Vec<Cell>) -> ControlFlow<()> + 'a;

/// What is said of a cell that a file has twice.
pub(super) const TWICE: &str = "the cell is in the file twice, with different values";

/// Gathers cells, whose rows come in their order, into rows.
pub(super) struct Gather<'a, 'b> {
    each: &'a mut EachRow<'b>,
    row: u32,
    cells: Vec<Cell>,
    refused: Option<Refused>,
}

/// A cell that no row can take.
enum Refused {
    /// No sheet has room for it.
    Beyond(u32, u32),
    /// Its row was before one that is handed on.
    Behind(u32),
}

impl<'a, 'b> Gather<'a, 'b> {
    pub(super) fn new(each: &'a mut EachRow<'b>) -> Self {
        Self {
            each,
            row: 0,
            cells: Vec::new(),
            refused: None,
        }
    }

    /// Takes a cell; positions from 0.
    pub(super) fn cell(&mut self, row: u32, column: u32, cell: Cell) -> ControlFlow<()> {
        // Before room is made for all that would lie before it.
        if column as usize >= MOST_COLUMNS || u64::from(row) >= MOST_ROWS {
            self.refused = Some(Refused::Beyond(row, column));
            return ControlFlow::Break(());
        }
        if row < self.row {
            self.refused = Some(Refused::Behind(row));
            return ControlFlow::Break(());
        }
        if row != self.row {
            self.end()?;
            self.row = row;
        }
        if matches!(cell, Cell::Empty) {
            return ControlFlow::Continue(());
        }
        let column = column as usize;
        if self.cells.len() <= column {
            self.cells.resize(column + 1, Cell::Empty);
        }
        let known = &mut self.cells[column];
        *known = match matches!(known, Cell::Empty) || *known == cell {
            true => cell,
            false => Cell::Fault(TWICE.to_owned()),
        };
        ControlFlow::Continue(())
    }

    /// What is to be said where a cell came that no row can take.
    pub(super) fn refused(&self) -> Option<Error> {
        Some(Error::input(match self.refused.as_ref()? {
            Refused::Beyond(row, column) => format!(
                "has a cell in column {} and row {}: a sheet ends at column XFD and row 1,048,576",
                letters(*column as usize),
                u64::from(*row) + 1
            ),
            Refused::Behind(row) => format!(
                "has cells of row {} behind those of row {}",
                u64::from(*row) + 1,
                u64::from(self.row) + 1
            ),
        }))
    }

    /// Hands on the last row.
    pub(super) fn end(&mut self) -> ControlFlow<()> {
        let capacity = self.cells.len();
        let cells = std::mem::replace(&mut self.cells, Vec::with_capacity(capacity));
        if cells.iter().all(Cell::is_empty) {
            return ControlFlow::Continue(());
        }
        (self.each)(u64::from(self.row) + 1, cells)
    }
}

#[cfg(test)]
mod tests {
    use super::{excel_name, letters, name_apart};

    #[test]
    fn names_of_sheets_are_such_as_a_workbook_can_have() {
        for (name, expected) in [
            ("Tickets", "Tickets"),
            ("a/b: c?", "a_b_ c_"),
            ("'x'", "x"),
            ("''", "Sheet"),
            (
                "Tickets of all schools in the district",
                "Tickets of all schools in the d",
            ),
        ] {
            assert_eq!(excel_name(name), expected);
            assert_eq!(excel_name(&name_apart(name)), name_apart(name));
        }
        assert_eq!(name_apart("Tickets"), "Tickets");
        assert_ne!(name_apart("a/b"), name_apart("a:b"));
    }

    #[test]
    fn columns_are_lettered_as_in_a_spreadsheet() {
        let names: Vec<String> = [0, 25, 26, 51, 52, 701, 702].map(letters).to_vec();
        assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
