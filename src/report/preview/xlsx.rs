//! The preview as a workbook: a sheet for each table of the input, the columns of the file on the left, the ticket on the
//! right; cells that are to blame are red, values that fell back orange.

use std::borrow::Cow;
use std::collections::HashMap;

use rust_xlsxwriter::{Color, Format, FormatAlign, Workbook as Book, Worksheet, XlsxError};

use super::super::texts::Texts;
use super::{Card, Outcome, deed, fell_back, told};
use crate::error::{Error, Result};
use crate::mapping::BoundPlan;
use crate::outfile::{Draft, Room, full};
use crate::record::{ColumnRef, Record};
use crate::source::{Layout, Table, excel_name, letters};

/// So many rows a sheet has.
const MOST_ROWS: u32 = 1_048_576;
/// So many columns a sheet has.
const MOST_COLUMNS: usize = 16_384;
/// What stands in the last row where there are more.
const FULL: &str = "The sheet is full: a preview as .html or .jsonl shows the rows that follow.";
/// The rows above the tickets: what the halves are, the headings, and where each value comes from.
const ABOVE: u32 = 3;
/// Widths in characters: of a column of the file, and of the ticket's text.
const NARROW: f64 = 16.0;
const WIDE: f64 = 40.0;

/// A workbook on its way.
pub(super) struct Workbook {
    book: Book,
    room: Room,
    out: Draft,
    texts: Texts,
    looks: Looks,
    sheets: HashMap<usize, Sheet>,
}

/// The sheet of a table.
struct Sheet {
    index: usize,
    /// How many columns the file has.
    source: usize,
    /// The column of each field of the ticket, by its name in the mapping.
    fields: HashMap<String, u16>,
    then: u16,
    next: u32,
    table: Table,
}

/// How cells look.
struct Looks {
    half: [Format; 2],
    heading: [Format; 2],
    from: Format,
    plain: Format,
    bad: Format,
    fell: Format,
}

impl Looks {
    fn new() -> Self {
        let wrapped = || Format::new().set_text_wrap().set_align(FormatAlign::Top);
        let colour = |format: Format, colour: u32| format.set_background_color(Color::RGB(colour));
        let bold = || Format::new().set_bold();
        Self {
            half: [
                colour(bold(), 0x00DD_E3EA),
                colour(bold().set_font_color(Color::White), 0x001A_5FA8),
            ],
            heading: [colour(bold(), 0x00F0_F3F7), colour(bold(), 0x00E3_EEF9)],
            from: Format::new()
                .set_italic()
                .set_font_color(Color::RGB(0x0054_606F)),
            plain: wrapped(),
            bad: colour(wrapped(), 0x00F8_B9B4),
            fell: colour(wrapped(), 0x00FF_E0A3),
        }
    }
}

impl Workbook {
    pub(super) fn start(
        plan: &BoundPlan,
        tables: &[Table],
        about: &[String],
        texts: Texts,
        out: Draft,
    ) -> Result<Self> {
        let mut book = Self {
            book: Book::new(),
            room: Room::new(),
            out,
            texts,
            looks: Looks::new(),
            sheets: HashMap::new(),
        };
        let mut names: Vec<String> = Vec::new();
        for (at, table) in tables.iter().enumerate() {
            let mut name = excel_name(table.sheet.as_deref().unwrap_or("Preview")).into_owned();
            let mut number = 1;
            while names
                .iter()
                .any(|known| known.to_lowercase() == name.to_lowercase())
            {
                number += 1;
                name = format!("Preview {number}");
            }
            names.push(name.clone());
            let sheet = book
                .sheet(plan, (at, table), &name, about)
                .map_err(failed)?;
            book.sheets.insert(at, sheet);
        }
        Ok(book)
    }

    fn sheet(
        &mut self,
        plan: &BoundPlan,
        (at, table): (usize, &Table),
        name: &str,
        about: &[String],
    ) -> std::result::Result<Sheet, XlsxError> {
        let heads = plan.field_heads(at);
        let names = table.header.names();
        let source = names.len().min(MOST_COLUMNS - heads.len().min(1000) - 8);
        let index = self.sheets.len();
        let looks = &self.looks;
        let sheet = self
            .book
            .add_worksheet_with_constant_memory()?
            .set_name(name)?;
        let ticket = column(source + 1);
        sheet.write_string_with_format(0, 0, "Row", &looks.half[0])?;
        sheet.write_string_with_format(0, 1, &*table.file, &looks.half[0])?;
        for at in 2..=source {
            sheet.write_blank(0, column(at), &looks.half[0])?;
        }
        sheet.write_string_with_format(0, ticket, about.join("   "), &looks.half[1])?;
        for at in source + 2..source + heads.len() + 4 {
            sheet.write_blank(0, column(at), &looks.half[1])?;
        }
        sheet.write_string_with_format(1, 0, "", &looks.heading[0])?;
        for (at, name) in names.iter().take(source).enumerate() {
            sheet.write_string_with_format(1, column(at + 1), cut(name), &looks.heading[0])?;
        }
        sheet.write_string_with_format(1, ticket, "Outcome", &looks.heading[1])?;
        let mut fields = HashMap::new();
        for (at, head) in heads.iter().enumerate() {
            let at = column(source + 2 + at);
            sheet.write_string_with_format(1, at, cut(&head.label), &looks.heading[1])?;
            fields.insert(head.field.clone(), at);
        }
        let then = column(source + 2 + heads.len());
        sheet.write_string_with_format(1, then, "Then", &looks.heading[1])?;
        sheet.write_string_with_format(1, then + 1, "Notes", &looks.heading[1])?;
        for (at, head) in heads.iter().enumerate() {
            let is_table = matches!(table.layout, Layout::Csv { .. } | Layout::Workbook { .. });
            let columns =
                head.columns
                    .iter()
                    .map(|(index, name)| match index.filter(|_| is_table) {
                        Some(index) => format!("{} {name}", letters(index)),
                        None => name.clone(),
                    });
            let columns: Vec<String> = columns.collect();
            let from = match columns.is_empty() {
                true => "the mapping".to_owned(),
                false => format!("from {}", columns.join(", ")),
            };
            sheet.write_string_with_format(2, column(source + 2 + at), cut(&from), &looks.from)?;
        }
        sheet.set_column_width(0, 6)?;
        for at in 1..=source {
            sheet.set_column_width(column(at), NARROW)?;
        }
        sheet.set_column_width(ticket, 20)?;
        for (at, head) in heads.iter().enumerate() {
            let is_text = matches!(head.label.as_str(), "Title" | "Description" | "Comment");
            sheet.set_column_width(column(source + 2 + at), if is_text { WIDE } else { 24.0 })?;
        }
        sheet.set_column_width(then, 30)?;
        sheet.set_column_width(then + 1, WIDE)?;
        sheet.set_freeze_panes(ABOVE, 1)?;
        Ok(Sheet {
            index,
            source,
            fields,
            then,
            next: ABOVE,
            table: table.clone(),
        })
    }

    /// Adds a row of the input, or several that make one ticket: that stands beside the first.
    pub(super) fn add(&mut self, card: &Card) -> Result<()> {
        let Some(sheet) = self.sheets.get_mut(&card.table) else {
            return Ok(());
        };
        let to = self
            .book
            .worksheet_from_index(sheet.index)
            .map_err(failed)?;
        let looks = &self.looks;
        for number in 0..card.rows.len().max(1) {
            let record = card.rows.get(number);
            let cells = record.map_or(&[][..], |record| &record.cells);
            let size: usize = cells.iter().map(|cell| cell.text().len()).sum();
            self.room.take(1024 + 2 * size)?;
            let row = sheet.next;
            if row + 1 >= MOST_ROWS {
                if row + 1 == MOST_ROWS {
                    sheet.next += 1;
                    to.write_string(row, 0, FULL).map_err(failed)?;
                }
                return Ok(());
            }
            sheet.next += 1;
            let mut line = Line {
                to: &mut *to,
                row,
                texts: &mut self.texts,
                plain: &looks.plain,
            };
            let of_file = record.map_or(card.place.row, |record| record.place.row);
            line.to
                .write_number_with_format(row, 0, of_file as f64, &looks.plain)
                .map_err(failed)?;
            if let Some(record) = record.filter(|record| record.table != card.table) {
                let place = format!("{}: under the headings of another sheet", record.place);
                line.put(column(1), place.into(), None)?;
            } else if let Some(record) = record {
                for index in 0..sheet.source {
                    let is_blamed = is_blamed(card, record, index, &sheet.table);
                    let look = is_blamed.then_some(&looks.bad);
                    line.put(column(index + 1), record.cell(index).text(), look)?;
                }
            }
            if number == 0 {
                line.ticket(card, sheet, looks)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(Draft, Texts)> {
        self.book.save_to_writer(&mut self.out).map_err(failed)?;
        Ok((self.out, self.texts))
    }
}

/// A row of a sheet on its way.
struct Line<'l> {
    to: &'l mut Worksheet,
    row: u32,
    texts: &'l mut Texts,
    plain: &'l Format,
}

impl Line<'_> {
    /// What would become of the row.
    fn ticket(&mut self, card: &Card, sheet: &Sheet, looks: &Looks) -> Result<()> {
        let is_bad = matches!(card.outcome, Outcome::Bad(_));
        let look = is_bad.then_some(&looks.bad);
        self.put(column(sheet.source + 1), card.outcome.text().into(), look)?;
        for field in &card.fields {
            if let Some(at) = sheet.fields.get(&field.field) {
                let fell = card.fallbacks.iter().any(|it| it.field == field.field);
                let look = fell.then_some(&looks.fell);
                self.put(*at, field.value.as_str().into(), look)?;
            }
        }
        let then: Vec<String> = card.then.iter().map(deed).collect();
        self.put(sheet.then, then.join("\n").into(), None)?;
        let fell = card.fallbacks.iter();
        let fell = fell.map(|it| format!("{} {}", it.field, fell_back(it)));
        let notes: Vec<String> = card.faults.iter().map(told).chain(fell).collect();
        let look = (!card.faults.is_empty()).then_some(&looks.bad);
        self.put(sheet.then + 1, notes.join("\n").into(), look)
    }

    fn put(&mut self, at: u16, text: Cow<'_, str>, look: Option<&Format>) -> Result<()> {
        let format = look.unwrap_or(self.plain);
        let put = match text.is_empty() {
            true if look.is_none() => return Ok(()),
            true => self.to.write_blank(self.row, at, format),
            false => {
                let text = self.texts.cell(text, self.row, at);
                let text = text.map_err(|error| failed(XlsxError::IoError(error)))?;
                self.to
                    .write_string_with_format(self.row, at, &*text, format)
            }
        };
        put.map(drop).map_err(failed)
    }
}

/// Whether a fault of the row is that of a cell.
fn is_blamed(card: &Card, record: &Record, index: usize, table: &Table) -> bool {
    let mine = card
        .faults
        .iter()
        .filter(|fault| fault.place == record.place);
    let mut columns = mine.filter_map(|fault| table.header.find(fault.column.as_deref()?));
    columns.any(|column| match column {
        ColumnRef::One(at) => at == index,
        ColumnRef::All(all) => all.contains(&index),
        _ => false,
    })
}

fn column(at: usize) -> u16 {
    u16::try_from(at.min(MOST_COLUMNS - 1)).unwrap_or(0)
}

/// A heading as far as a cell holds it.
fn cut(text: &str) -> String {
    text.chars().take(1_000).collect()
}

fn failed(error: XlsxError) -> Error {
    match error {
        XlsxError::TempFileError(folder, error) => full(&folder, error),
        error => Error::machine("the preview cannot be written")
            .caused_by(error)
            .hint("free some space, or name another place: --preview FILE"),
    }
}
