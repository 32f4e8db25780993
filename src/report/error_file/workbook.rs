//! Rejected rows as a workbook that looks like its input, the faulty cells marked.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rust_xlsxwriter::{Note, Workbook, Worksheet, XlsxError};

use super::super::texts::Texts;
use super::cells::{self, Formats};
use super::{Rejected, kept_columns, unwritable};
use crate::error::{Error, Result};
use crate::mapping::{SheetBeside, table_key};
use crate::outfile::{Draft, Room, full};
use crate::record::{Cell, Record};
use crate::source::{
    Input, InputOptions, Layout, Look, Row, SheetChoice, SheetName, Table, cut, excel_name,
    name_apart,
};

/// Notes are held in memory until the end: so many cells get one, the others only their colour.
const MOST_NOTES: usize = 5000;
/// What the width in a file has more than the one that people see, in characters: five of seven pixels.
const PADDING: f64 = 5.0 / 7.0;
/// So many columns a sheet has.
const MOST_COLUMNS: usize = 16_384;

/// An XLSX with the sheets of its input.
pub(super) struct WorkbookFile {
    workbook: Workbook,
    /// Where the rows wait for the end.
    room: Room,
    out: Draft,
    sheets: HashMap<usize, SheetState>,
    beside: Vec<Beside>,
    formats: Formats,
    notes: usize,
    texts: Texts,
    /// Whether each row stands where it stood in the input.
    in_place: bool,
}

struct SheetState {
    index: usize,
    columns: Vec<usize>,
    /// The next row, from 0.
    next: u32,
    table: Table,
    look: Look,
}

/// Another sheet of the input that the mapping reads: its rows that belong to rejected ones.
struct Beside {
    rule: SheetBeside,
    input: Input,
    state: SheetState,
    /// What rejected rows say in the column that both have.
    wanted: HashSet<String>,
    /// What is wrong with its rows, by their numbers.
    marks: HashMap<u64, Vec<String>>,
}

/// What the workbook has besides rejected rows.
pub(super) struct Shape<'a> {
    /// How each table of the input looks, by its number.
    pub(super) looks: &'a [Look],
    pub(super) beside: &'a [SheetBeside],
    /// The headings of what stands behind the cells of each row.
    pub(super) own: &'a [&'a str],
    /// Whether each row is to stand where it stood, with all its columns.
    pub(super) in_place: bool,
}

/// A sheet of the file: its number among the tables of the input, the table, how it looks, and from where its rows are
/// read where it only stands beside.
type Ordered = (Option<usize>, Table, Look, Option<(SheetBeside, Input)>);

impl WorkbookFile {
    /// Writes the headings of all tables of the file, each with its number among those of the input.
    pub(super) fn start(
        tables: &[(usize, Table)],
        out: Draft,
        texts: Texts,
        shape: &Shape<'_>,
    ) -> Result<Self> {
        let mut file = Self {
            workbook: Workbook::new(),
            room: Room::new(),
            out,
            sheets: HashMap::new(),
            beside: Vec::new(),
            formats: Formats::new(),
            notes: 0,
            texts,
            in_place: shape.in_place,
        };
        let look = |at: usize| shape.looks.get(at).cloned().unwrap_or_default();
        let mut ordered: Vec<Ordered> = tables
            .iter()
            .map(|(at, table)| (Some(*at), table.clone(), look(*at), None))
            .collect();
        for rule in shape.beside {
            // One that cannot be read any more costs the rejected rows nothing.
            let Some((input, table, look)) = open(&tables[0].1, rule) else {
                continue;
            };
            let is_known = |known: &Ordered| place(&known.1).0 == place(&table).0;
            if !ordered.iter().any(is_known) {
                ordered.push((None, table, look, Some((rule.clone(), input))));
            }
        }
        ordered.sort_by_key(|(_, table, ..)| place(table).0);
        let mut names: Vec<String> = ordered
            .iter()
            .map(|(_, table, ..)| name_apart(sheet_of(table)).into_owned())
            .collect();
        let mut count = 0;
        let mut is_first = true;
        for (at, table, look, beside) in ordered {
            let (number, header_row) = place(&table);
            // A mapping may name its sheet by number: empty sheets stand for those that were not read.
            while count + 1 < number {
                count += 1;
                let (name, is_hidden) = filler(&look, count, &names);
                names.push(name.clone());
                file.sheet(&name)?.set_hidden(is_hidden);
            }
            count += 1;
            let columns = match shape.in_place {
                true => (0..table.header.len()).collect(),
                false => kept_columns(&table),
            };
            let is_hidden = look.sheet(number).is_some_and(|(_, is_hidden)| is_hidden);
            let bold = file.formats.bold.clone();
            let sheet = file.sheet(&name_apart(sheet_of(&table)))?;
            // A workbook needs one sheet that is seen, and opens with it.
            sheet.set_hidden(is_hidden && at.is_none());
            if at.is_some() && std::mem::take(&mut is_first) {
                sheet.set_active(true);
            }
            let own = if at.is_some() { shape.own } else { &[] };
            let is_error_file = !shape.in_place && at.is_some();
            headings(sheet, &table, &columns, (own, is_error_file), &bold).map_err(failed)?;
            shape_columns(sheet, &columns, &look).map_err(failed)?;
            let state = SheetState {
                index: count as usize - 1,
                columns,
                next: header_row.max(u32::from(is_error_file)),
                table,
                look,
            };
            match (at, beside) {
                (Some(at), _) => {
                    file.sheets.insert(at, state);
                }
                (None, Some((rule, input))) => file.beside.push(Beside {
                    rule,
                    input,
                    state,
                    wanted: HashSet::new(),
                    marks: HashMap::new(),
                }),
                (None, None) => {}
            }
        }
        Ok(file)
    }

    fn sheet(&mut self, name: &str) -> Result<&mut Worksheet> {
        self.workbook
            .add_worksheet_with_constant_memory()
            .and_then(|sheet| sheet.set_name(name))
            .map_err(failed)
    }

    pub(super) fn row(&mut self, row: &Rejected<'_>) -> Result<()> {
        self.room.take(size(row.record, &row.extra))?;
        let Some(state) = self.sheets.get_mut(&row.record.table) else {
            return Err(Error::machine("no sheet of that table is known"));
        };
        for beside in &mut self.beside {
            beside.note(row, &state.table);
        }
        let sheet = self
            .workbook
            .worksheet_from_index(state.index)
            .map_err(failed)?;
        if self.in_place {
            let row = u32::try_from(row.record.place.row).unwrap_or(u32::MAX);
            state.next = row.saturating_sub(1);
        }
        let marks: Vec<(usize, &str)> = row.marks.clone();
        let mut line = LineOut {
            sheet,
            formats: &mut self.formats,
            texts: &mut self.texts,
            notes: &mut self.notes,
        };
        let at = line.cells(state, row.record, &marks)?;
        for (column, text) in own_places(state.columns.len()).zip(&row.extra) {
            if !text.is_empty() {
                let most = cut::LONGEST / 2;
                let text: String = match cut::fits(text) {
                    true => text.clone(),
                    false => text.chars().take(most).collect(),
                };
                line.sheet.write_string(at, column, text).map_err(failed)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(Draft, Texts)> {
        for mut beside in std::mem::take(&mut self.beside) {
            self.beside_rows(&mut beside)?;
        }
        self.workbook
            .save_to_writer(&mut self.out)
            .map_err(failed)?;
        Ok((self.out, self.texts))
    }

    /// Writes the rows of another sheet that belong to rejected ones.
    fn beside_rows(&mut self, beside: &mut Beside) -> Result<()> {
        let by = beside.rule.of.as_ref().and_then(|(_, by)| {
            let header = &beside.state.table.header;
            header.position(by)
        });
        let sheet = self
            .workbook
            .worksheet_from_index(beside.state.index)
            .map_err(failed)?;
        let mut line = LineOut {
            sheet,
            formats: &mut self.formats,
            texts: &mut self.texts,
            notes: &mut self.notes,
        };
        let Ok(rows) = beside.input.rows() else {
            return Ok(());
        };
        for row in rows {
            let Ok(Row::Record(record) | Row::Fault(record, _)) = row else {
                break;
            };
            let belongs = match by {
                Some(by) => {
                    let text = record.cell(by).text();
                    beside.wanted.contains(table_key(&text).as_ref())
                }
                None => beside.rule.of.is_none(),
            };
            if !belongs {
                continue;
            }
            self.room.take(size(&record, &[]))?;
            let why = beside
                .marks
                .get(&record.place.row)
                .map(|why| why.join("\n"));
            let marks: Vec<(usize, &str)> = match &why {
                None => Vec::new(),
                Some(why) => (0..record.cells.len())
                    .map(|column| (column, why.as_str()))
                    .collect(),
            };
            line.cells(&mut beside.state, &record, &marks)?;
        }
        Ok(())
    }
}

/// Writes a workbook that cannot be copied anew, as an XLSX, with `cells` behind each row.
pub(in crate::report) fn anew(
    input: &Input,
    file: &str,
    own: &[&str],
    cells: &mut dyn FnMut(usize, u64) -> Result<Option<Vec<String>>>,
    (out, texts): (Draft, Texts),
) -> Result<(Draft, Texts)> {
    let tables = input.tables().iter().cloned().enumerate();
    let tables: Vec<(usize, Table)> = tables.filter(|(_, table)| &*table.file == file).collect();
    let shape = Shape {
        looks: &input.looks(),
        beside: &[],
        own,
        in_place: true,
    };
    let mut written = WorkbookFile::start(&tables, out, texts, &shape)?;
    for row in input.rows()? {
        let (Row::Record(record) | Row::Fault(record, _)) = row?;
        if &*record.place.file == file {
            let extra = cells(record.table, record.place.row)?;
            written.row(&Rejected {
                record: &record,
                extra: extra.unwrap_or_default(),
                marks: Vec::new(),
                elsewhere: Vec::new(),
            })?;
        }
    }
    written.finish()
}

impl Beside {
    /// Notes what a rejected row takes from it, and what is wrong with its own rows.
    fn note(&mut self, row: &Rejected<'_>, table: &Table) {
        if let Some((on, _)) = &self.rule.of
            && let Some(column) = table.header.position(on)
        {
            let text = row.record.cell(column).text();
            self.wanted.insert(table_key(&text).into_owned());
        }
        for (place, why) in &row.elsewhere {
            if place.sheet == self.state.table.sheet {
                let marks = self.marks.entry(place.row).or_default();
                marks.push((*why).to_owned());
            }
        }
    }
}

/// Opens another sheet of the workbook that a table is of.
fn open(of: &Table, rule: &SheetBeside) -> Option<(Input, Table, Look)> {
    let options = InputOptions {
        sheet: SheetChoice::These(vec![SheetName::Name(rule.sheet.clone())]),
        may_be_empty: true,
        ..InputOptions::default()
    };
    let input = Input::open(&[Path::new(&*of.file).to_path_buf()], &options).ok()?;
    let table = input.tables().first()?.clone();
    let look = input.looks().into_iter().next()?;
    Some((input, table, look))
}

/// Where a row goes.
struct LineOut<'w> {
    sheet: &'w mut Worksheet,
    formats: &'w mut Formats,
    texts: &'w mut Texts,
    notes: &'w mut usize,
}

impl LineOut<'_> {
    /// Writes the cells of a row, those to blame marked; tells its number, from 0.
    fn cells(
        &mut self,
        state: &mut SheetState,
        record: &Record,
        marks: &[(usize, &str)],
    ) -> Result<u32> {
        let at = state.next;
        state.next += 1;
        for (column, &from) in places().zip(&state.columns) {
            let why: Vec<&str> = marks
                .iter()
                .filter(|(marked, _)| *marked == from)
                .map(|(_, why)| *why)
                .collect();
            let marked = !why.is_empty();
            let cell = record.cell(from);
            match cells::own_text(cell) {
                Some(text) => {
                    let text = self.texts.cell(text, at, column).map_err(unwritable)?;
                    let format = self.formats.general(marked);
                    self.sheet
                        .write_string_with_format(at, column, text, format)
                        .map_err(failed)?;
                }
                None => {
                    let format = state.look.format_of(from, cell);
                    cells::write(self.sheet, (at, column), cell, marked, format, self.formats)
                        .map_err(failed)?;
                }
            }
            if marked && *self.notes < MOST_NOTES {
                *self.notes += 1;
                let text: String = why.join("\n").chars().take(1000).collect();
                let note = Note::new(text).add_author_prefix(false);
                self.sheet.insert_note(at, column, &note).map_err(failed)?;
            }
        }
        Ok(at)
    }
}

/// The columns of a sheet.
fn places() -> impl Iterator<Item = u16> {
    (0..MOST_COLUMNS).filter_map(|column| u16::try_from(column).ok())
}

/// The columns of what is added, as far as the sheet has room behind so many columns.
fn own_places(columns: usize) -> impl Iterator<Item = u16> {
    places().skip(columns)
}

fn sheet_of(table: &Table) -> &str {
    table.sheet.as_deref().unwrap_or("Sheet1")
}

/// The number of the sheet and the row of its headings.
fn place(table: &Table) -> (u32, u32) {
    match table.layout {
        Layout::Workbook { header_row, number } => (number.max(1), header_row),
        _ => (1, 1),
    }
}

/// The name of a sheet that was not read, and whether it is hidden.
fn filler(look: &Look, number: u32, names: &[String]) -> (String, bool) {
    let is_taken = |name: &str| {
        let name = name.to_lowercase();
        names.iter().any(|known| known.to_lowercase() == name)
    };
    let (name, is_hidden) = look.sheet(number).unwrap_or(("", false));
    let mut filler = excel_name(name).into_owned();
    if name.is_empty() || is_taken(&filler) {
        filler = format!("({number})");
    }
    while is_taken(&filler) {
        filler.insert(0, '(');
    }
    (filler, is_hidden)
}

fn headings(
    sheet: &mut Worksheet,
    table: &Table,
    columns: &[usize],
    (own, is_error_file): (&[&str], bool),
    bold: &rust_xlsxwriter::Format,
) -> Result<(), XlsxError> {
    // Of an input without headings they are letters: the row by which its error file is known.
    let header_row = place(table).1.max(u32::from(is_error_file));
    if header_row == 0 {
        return Ok(());
    }
    let written = table.header.written();
    let headings = columns.iter().map(|&column| written[column].as_str());
    for (column, heading) in places().zip(headings.chain(own.iter().copied())) {
        if !heading.is_empty() {
            let heading: String = match cut::fits(heading) {
                true => heading.to_owned(),
                // A name that no mapping writes.
                false => heading.chars().take(cut::LONGEST / 2).collect(),
            };
            sheet.write_string_with_format(header_row - 1, column, heading, bold)?;
        }
    }
    if is_error_file {
        for wide in own_places(columns.len()).skip(4).take(2) {
            sheet.set_column_width(wide, 60)?;
        }
    }
    sheet.set_freeze_panes(header_row, 0)?;
    Ok(())
}

/// Gives columns the widths that they have in the input, and hides those that are hidden there.
fn shape_columns(sheet: &mut Worksheet, columns: &[usize], look: &Look) -> Result<(), XlsxError> {
    for (column, &from) in places().zip(columns) {
        if let Some(width) = look.width(from) {
            sheet.set_column_width(column, (width - PADDING).max(0.0))?;
        }
        if look.is_hidden(from) {
            sheet.set_column_hidden(column)?;
        }
    }
    Ok(())
}

fn failed(error: XlsxError) -> Error {
    match error {
        XlsxError::TempFileError(folder, error) => full(&folder, error),
        error => unwritable(std::io::Error::other(error)),
    }
}

/// How many bytes a row takes on its way, about.
fn size(record: &Record, extra: &[String]) -> usize {
    const AROUND: usize = 64;
    let cells = record.cells.iter().map(|cell| match cell {
        Cell::Text(text) => text.len(),
        _ => 0,
    });
    let texts = cells.chain(extra.iter().map(String::len));
    texts.map(|text| AROUND + 2 * text).sum()
}
