//! Tables as a workbook, in memory that does not grow with rows.

use std::borrow::Cow;
use std::collections::HashMap;

use rust_xlsxwriter::utility::column_number_to_name;
use rust_xlsxwriter::{
    Color, DocProperties, Format, FormatAlign, FormatUnderline, Formula, Url, Workbook, Worksheet,
    XlsxError,
};

use super::part::Names;
use super::target::Target;
use super::tint::{Palette, Tints};
use super::{About, unwritable};
use crate::error::{Error, Result};
use crate::export::columns::{Cell, Column, Kind, Plan};
use crate::export::keep::{
    COLUMN_PROPERTY, Dress, Dresses, HEADING, LINK, LONGEST_PROPERTY, OURS, SHEET_PROPERTY,
};
use crate::export::sheets::xlsx::{Traced, TracedSheet};
use crate::export::sheets::{self, Field, Sheet as Analysed};
use crate::outfile::{Room, folder, full};
use crate::record::Cell as Plain;
use crate::report::texts::Texts;
use crate::source::guard::is_active;

/// What a text within a formula can hold.
const LONGEST_IN_FORMULA: usize = 255;
/// The rows of a sheet below its headings.
pub(super) const MOST_ROWS: u32 = 1_048_575;
/// A sheet of its own for each part: more of them nobody finds their way in.
const MOST_SHEETS: usize = 250;
/// So many characters of width are printed: more would be too small to read on one page.
const PRINTED: f64 = 220.0;
/// Programs that show a yes or no as a number show it as a word by this.
const TRUTH: &str = "\"TRUE\";\"TRUE\";\"FALSE\"";
/// How wide a column gets by what stands in it.
const WIDEST: u16 = 60;
const NARROWEST: u16 = 8;

/// What kind of rows a sheet holds; sheets stand in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rows {
    Tickets,
    Comments,
    Earlier,
    Baseline,
}

/// A workbook on its way.
pub(super) struct Book {
    workbook: Workbook,
    /// Where the rows wait for the end.
    room: Room,
    pub(super) target: Target,
    sheets: Vec<Sheet>,
    /// The sheet that rows of a kind and part go to now.
    current: HashMap<(u8, String), usize>,
    names: Names,
    formats: Formats,
    /// The columns whose cells are coloured by what they say.
    palettes: Vec<(usize, Palette)>,
    /// How many rows a sheet takes.
    pub(super) most_rows: u32,
    /// Texts that no cell can hold whole.
    texts: Texts,
}

/// A workbook that is whole.
pub(super) struct Whole {
    pub(super) target: Target,
    pub(super) file: crate::outfile::Whole,
    /// The sheets with the tickets.
    pub(super) sheets: Vec<String>,
    /// What is to lie beside the file.
    pub(super) texts: Texts,
}

struct Sheet {
    name: String,
    rows: Rows,
    /// The next row, from 0.
    next: u32,
    widths: Vec<u16>,
    /// What is coloured, by column.
    tints: Vec<(usize, Tints)>,
}

/// One row as it is written.
pub(super) struct Line<'a, 't> {
    pub(super) rows: Rows,
    pub(super) part: &'a str,
    /// The name of the sheet, before what tells several of them apart.
    pub(super) sheet: &'a str,
    pub(super) headings: &'a [String],
    pub(super) cells: &'a [Cell<'t>],
    /// How its cells look, where people dressed them.
    pub(super) dresses: &'a Dresses,
    /// The same of the headings, should the sheet begin with it.
    pub(super) dressed_headings: &'a Dresses,
}

impl Book {
    pub(super) fn new(target: Target, plan: &Plan) -> Self {
        Self {
            workbook: Workbook::new(),
            room: Room::new(),
            texts: Texts::new(folder(&target.path), target.readers()),
            target,
            sheets: Vec::new(),
            current: HashMap::new(),
            names: Names::default(),
            formats: Formats::new(plan),
            palettes: (plan.columns().iter().enumerate())
                .filter_map(|(at, column)| Some((at, Palette::of(column)?)))
                .collect(),
            most_rows: MOST_ROWS,
        }
    }

    /// Keeps the names of the sheets that come later for them.
    pub(super) fn reserve(&mut self, name: &str) {
        self.names.reserve(name);
    }

    /// The sheet that a line goes to, made where there is none or it is full.
    fn sheet(&mut self, line: &Line<'_, '_>) -> Result<usize> {
        let key = (line.rows as u8, line.part.to_owned());
        let known = self.current.get(&key).copied();
        if let Some(at) = known.filter(|&at| self.sheets[at].next <= self.most_rows) {
            return Ok(at);
        }
        if self.sheets.len() == MOST_SHEETS {
            return Err(Error::usage(format!(
                "the workbook would get more than {MOST_SHEETS} sheets"
            ))
            .hint("part it by something that has fewer values, or write .csv files"));
        }
        let count = self
            .sheets
            .iter()
            .filter(|sheet| sheet.rows == line.rows)
            .count();
        let name = match (line.rows, known) {
            // What was reserved is given out as it is.
            (Rows::Comments | Rows::Earlier | Rows::Baseline, None) => line.sheet.to_owned(),
            (_, None) => self.names.sheet(line.sheet),
            (_, Some(_)) => self.names.sheet(&format!("{} {}", line.sheet, count + 1)),
        };
        let at = self.sheets.len();
        let sheet = self
            .workbook
            .add_worksheet_with_constant_memory()
            .map_err(failed)?;
        sheet.set_name(&name).map_err(failed)?;
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        // On paper too each page has the headings.
        sheet.set_repeat_rows(0, 0).map_err(failed)?;
        // One page wide, however many columns there are.
        sheet
            .set_landscape()
            .set_print_fit_to_pages(1, 0)
            .set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3)
            .set_footer("&L&A&RPage &P of &N");
        let mut widths = Vec::with_capacity(line.headings.len());
        for (column, heading) in (0..).zip(line.headings) {
            let dress = line.dressed_headings.get(&usize::from(column));
            let dressed = dress.map(|dress| dressed(&self.formats.beneath, dress));
            let format = dressed.as_ref().unwrap_or(&self.formats.heading);
            sheet
                .write_string_with_format(0, column, heading, format)
                .map_err(failed)?;
            // Room for the button of the filter.
            widths.push(width(heading).saturating_add(3));
        }
        let palettes = self.palettes.iter().filter(|_| line.rows == Rows::Tickets);
        let tints = palettes.map(|(at, palette)| (*at, Tints::new(*palette)));
        let tints = tints.collect();
        self.sheets.push(Sheet {
            name,
            rows: line.rows,
            next: 1,
            widths,
            tints,
        });
        self.current.insert(key, at);
        Ok(at)
    }

    /// Writes a row.
    pub(super) fn row(&mut self, line: &Line<'_, '_>) -> Result<()> {
        let bytes: usize = line.cells.iter().map(size).sum();
        self.room.take(bytes)?;
        let at = self.sheet(line)?;
        let state = &mut self.sheets[at];
        let sheet = self.workbook.worksheet_from_index(at).map_err(failed)?;
        let row = state.next;
        state.next += 1;
        let is_planned = !matches!(line.rows, Rows::Comments | Rows::Baseline);
        for (column, tints) in &mut state.tints {
            if let Some(Cell::Text(name)) = line.cells.get(*column) {
                tints.add(name);
            }
        }
        for (column, cell) in line.cells.iter().enumerate() {
            let format = self.formats.columns.get(column).filter(|_| is_planned);
            let format = format.unwrap_or(&self.formats.other);
            let place = (row, column as u16);
            let dress = line.dresses.get(&column);
            let shown = match cell {
                Cell::Text(text) => {
                    let fitting = fitting(&mut self.texts, text, place)?;
                    write_text(sheet, place, &fitting, &self.formats.inert, dress)
                        .map_err(failed)?;
                    width(text)
                }
                Cell::Link { url, text } => {
                    let link = self.formats.link.dressed(dress);
                    if !write_link(sheet, place, url, text, &link).map_err(failed)? {
                        let fitting = fitting(&mut self.texts, text, place)?;
                        write_text(sheet, place, &fitting, &self.formats.inert, dress)
                            .map_err(failed)?;
                    }
                    width(text)
                }
                Cell::Formatted(shown) => {
                    let format = self.formats.of_people(&shown.format).dressed(dress);
                    (sheet.write_number_with_format(place.0, place.1, shown.number, &format))
                        .map_err(failed)?;
                    width(&shown.text)
                }
                cell => write_value(sheet, place, cell, format, dress).map_err(failed)?,
            };
            if let Some(widest) = state.widths.get_mut(column) {
                *widest = shown.max(*widest);
            }
        }
        Ok(())
    }

    /// Writes the file, with the analyses behind the tickets.
    pub(super) fn finish(
        mut self,
        plan: &Plan,
        about: &About,
        (headings, dressed_headings): (&[String], &Dresses),
        analyses: &[Analysed],
    ) -> Result<Whole> {
        if self.sheets.is_empty() {
            let line = Line {
                rows: Rows::Tickets,
                part: "",
                sheet: &plan.sheet,
                headings,
                cells: &[],
                dresses: &Dresses::new(),
                dressed_headings,
            };
            self.sheet(&line)?;
        }
        for (at, state) in self.sheets.iter().enumerate() {
            let sheet = self.workbook.worksheet_from_index(at).map_err(failed)?;
            close_sheet(sheet, state, plan).map_err(failed)?;
        }
        let tickets: Vec<&Sheet> = self
            .sheets
            .iter()
            .filter(|sheet| sheet.rows == Rows::Tickets)
            .collect();
        let own = self.sheets.iter();
        let own = own.filter(|sheet| sheet.rows != Rows::Baseline);
        let own: Vec<String> = own.map(|sheet| sheet.name.clone()).collect();
        let rank: HashMap<&str, Rows> = self
            .sheets
            .iter()
            .map(|sheet| (sheet.name.as_str(), sheet.rows))
            .collect();
        self.workbook
            .worksheets_mut()
            .sort_by_key(|sheet| rank.get(sheet.name().as_str()).copied());
        let traced = traced(&tickets, plan);
        sheets::xlsx::add(&mut self.workbook, analyses, Some(&traced)).map_err(failed)?;
        let all: Vec<String> = self
            .workbook
            .worksheets()
            .iter()
            .map(Worksheet::name)
            .collect();
        let mut properties = properties(plan, about, &own, &all);
        for (name, value) in prints(analyses, &traced).map_err(failed)? {
            properties = properties.set_custom_property(name, value);
        }
        self.workbook.set_properties(&properties);
        let mut out = self.target.draft()?;
        self.workbook.save_to_writer(&mut out).map_err(failed)?;
        Ok(Whole {
            target: self.target,
            file: out.whole().map_err(unwritable)?,
            sheets: tickets.iter().map(|sheet| sheet.name.clone()).collect(),
            texts: self.texts,
        })
    }
}

fn close_sheet(
    sheet: &mut Worksheet,
    state: &Sheet,
    plan: &Plan,
) -> std::result::Result<(), XlsxError> {
    let last = state.next - 1;
    if state.rows == Rows::Baseline {
        sheet.set_hidden(true);
        return Ok(());
    }
    if let Some(last_column) = state.widths.len().checked_sub(1) {
        sheet.autofilter(0, 0, last, last_column as u16)?;
    }
    let mut printed = 0.0;
    let mut last_printed = 0;
    for (column, shown) in state.widths.iter().enumerate() {
        let own = plan.columns().get(column);
        let own = own.filter(|_| state.rows != Rows::Comments);
        if own.is_some_and(Column::is_stamp) {
            sheet.set_column_hidden(column as u16)?;
            continue;
        }
        let said = own.and_then(|column| column.width);
        let shown = said.map_or(f64::from((*shown).clamp(NARROWEST, WIDEST)), |said| {
            said.min(255) as f64
        });
        sheet.set_column_width(column as u16, shown)?;
        printed += shown;
        if printed <= PRINTED {
            last_printed = column;
        }
    }
    if last_printed + 1 < state.widths.len() {
        sheet.set_print_area(0, 0, last, last_printed as u16)?;
        let printed = column_number_to_name(last_printed as u16);
        let all = column_number_to_name(state.widths.len() as u16 - 1);
        sheet.set_footer(format!(
            "&L&A, columns A to {printed} of {all}&RPage &P of &N"
        ));
    }
    if last > 0 {
        for (column, tints) in &state.tints {
            tints.write(sheet, *column as u16, last)?;
        }
    }
    Ok(())
}

fn traced(sheets: &[&Sheet], plan: &Plan) -> Traced {
    let columns = (0..).zip(plan.columns());
    let sheet = |sheet: &&Sheet| TracedSheet {
        name: sheet.name.clone(),
        first_row: 1,
        last_row: sheet.next - 1,
    };
    Traced {
        sheets: sheets.iter().map(sheet).collect(),
        columns: columns
            .filter(|(_, column)| column.is_in_zone_of_plan())
            .filter_map(|(at, column)| Some((Field::named(column.shows()?)?, at)))
            .collect(),
    }
}

/// By these the file is known again, and which of its sheets and columns are ours.
fn properties(plan: &Plan, about: &About, tickets: &[String], all: &[String]) -> DocProperties {
    let cut = |text: &str| text.chars().take(LONGEST_PROPERTY).collect::<String>();
    let read_at = about
        .read_at
        .to_zoned(plan.zone().clone())
        .strftime("%Y-%m-%d %H:%M %Z")
        .to_string();
    let mut properties = DocProperties::new()
        .set_title(&plan.sheet)
        .set_subject(cut(&format!(
            "Tickets of {} ({})",
            about.system, about.source
        )))
        .set_comment(cut(&format!("{}; read {read_at}", about.filter)))
        .set_custom_property(OURS, "1")
        .set_custom_property("Source", cut(&format!("{} {}", about.system, about.source)))
        .set_custom_property("Filter", cut(&about.filter))
        .set_custom_property("Read", read_at);
    for (number, sheet) in tickets
        .iter()
        .chain(all.iter().filter(|name| !tickets.contains(name)))
        .enumerate()
    {
        let is_table = number < tickets.len();
        let name = format!(
            "{SHEET_PROPERTY}{}{}",
            number + 1,
            if is_table { "" } else { " (made)" }
        );
        properties = properties.set_custom_property(name, sheet.clone());
    }
    for (number, column) in plan
        .columns()
        .iter()
        .enumerate()
        .filter(|(_, column)| !column.is_by_hand())
    {
        let name = format!("{COLUMN_PROPERTY}{}", number + 1);
        properties = properties.set_custom_property(name, cut(&column.heading));
    }
    properties
}

/// By these what people write on the analyses is told from what we wrote.
fn prints(
    analyses: &[Analysed],
    traced: &Traced,
) -> std::result::Result<Vec<(String, String)>, XlsxError> {
    if analyses.is_empty() {
        return Ok(Vec::new());
    }
    // The properties are written with the sheets: what these hold is seen in a workbook that has no others.
    let mut alone = Workbook::new();
    sheets::xlsx::add(&mut alone, analyses, Some(traced))?;
    let names: Vec<&str> = analyses.iter().map(|sheet| sheet.name).collect();
    Ok(crate::export::keep::prints(
        &alone.save_to_buffer()?,
        &names,
    ))
}

/// How many characters the first line of a text takes; what is long counts as long.
fn width(text: &str) -> u16 {
    let start = &text.as_bytes()[..text.len().min(2 * usize::from(WIDEST))];
    let line = memchr::memchr(b'\n', start).unwrap_or(start.len());
    // Bytes that go on a character are none of their own.
    let signs = start[..line]
        .iter()
        .filter(|byte| (**byte as i8) >= -0x40)
        .count();
    (signs as u16).saturating_add(1).min(WIDEST)
}

/// As much of a text as a cell can hold; the rest is kept beside.
fn fitting<'t>(
    texts: &mut Texts,
    text: &'t str,
    (row, column): (u32, u16),
) -> Result<Cow<'t, str>> {
    let fitting = texts.cell(Cow::Borrowed(text), row, column);
    fitting.map_err(unwritable)
}

/// Writes a text that a cell can hold.
fn write_text(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    text: &str,
    inert: &Format,
    dress: Option<&Dress>,
) -> std::result::Result<(), XlsxError> {
    match (is_active(text), dress) {
        (true, _) => sheet.write_string_with_format(row, column, text, &inert.dressed(dress))?,
        (false, Some(dress)) => {
            sheet.write_string_with_format(row, column, text, &dressed(&Format::new(), dress))?
        }
        (false, None) => sheet.write_string(row, column, text)?,
    };
    Ok(())
}

/// Writes a link as a formula, of which a sheet can have any number; `false` for one that cannot be written at all.
fn write_link(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    url: &str,
    text: &str,
    format: &Format,
) -> std::result::Result<bool, XlsxError> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let fits = |text: &str| {
        text.encode_utf16().count() <= LONGEST_IN_FORMULA && !text.contains(char::is_control)
    };
    if !is_web || !fits(url) || !fits(text) {
        return Ok(false);
    }
    if is_changed_as_result(text) {
        // A sheet can have only so many of these.
        let link = Url::new(url).set_text(text);
        return Ok(sheet
            .write_url_with_format(row, column, link, format)
            .is_ok());
    }
    let quoted = |text: &str| text.replace('"', "\"\"");
    let formula = format!("=HYPERLINK(\"{}\",\"{}\")", quoted(url), quoted(text));
    sheet.write_formula_with_format(row, column, Formula::new(formula).set_result(text), format)?;
    Ok(true)
}

/// Whether a text is stored as something else where it is the result of a formula: a number loses its leading zeros.
fn is_changed_as_result(text: &str) -> bool {
    match text.parse::<f64>() {
        Ok(number) => Plain::Number(number).text() != text,
        Err(_) => text.starts_with('#') || matches!(text, "TRUE" | "FALSE"),
    }
}

/// Writes what is no text; how many characters it takes.
fn write_value(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: &Cell<'_>,
    format: &ColumnFormat,
    dress: Option<&Dress>,
) -> std::result::Result<u16, XlsxError> {
    let dressed = dress.map(|dress| dressed(&Format::new(), dress));
    match cell {
        Cell::Number(number) => {
            match (&format.number, &dressed) {
                (Some(format), _) => {
                    let format = format.dressed(dress);
                    sheet.write_number_with_format(row, column, *number, &format)?
                }
                (None, Some(format)) => {
                    sheet.write_number_with_format(row, column, *number, format)?
                }
                (None, None) => sheet.write_number(row, column, *number)?,
            };
            Ok(12)
        }
        Cell::Truth(truth) => {
            let format = format.truth.dressed(dress);
            sheet.write_boolean_with_format(row, column, *truth, &format)?;
            Ok(7)
        }
        Cell::Time(at) => {
            // Days since the end of 1899, in a calendar that has a 29 February 1900.
            let days = at.millis as f64 / 86_400_000.0 + 25_569.0;
            if days < 61.0 {
                sheet.write_string(row, column, at.civil().to_string())?;
            } else {
                let format = format.time.dressed(dress);
                sheet.write_number_with_format(row, column, days, &format)?;
            }
            Ok(17)
        }
        Cell::Empty if dressed.is_some() => {
            sheet.write_blank(row, column, &dressed.unwrap_or_default())?;
            Ok(0)
        }
        _ => Ok(0),
    }
}

/// A format with what people gave a cell.
fn dressed(format: &Format, dress: &Dress) -> Format {
    let mut format = format.clone();
    if dress.bold {
        format = format.set_bold();
    }
    if dress.italic {
        format = format.set_italic();
    }
    if dress.underlined {
        format = format.set_underline(FormatUnderline::Single);
    }
    if dress.struck {
        format = format.set_font_strikethrough();
    }
    if let Some(ink) = dress.ink {
        format = format.set_font_color(Color::RGB(ink));
    }
    match dress.ground {
        Some(ground) => format.set_background_color(Color::RGB(ground)),
        None => format,
    }
}

trait Dressed {
    /// With what people gave a cell, if they did.
    fn dressed(&self, dress: Option<&Dress>) -> Cow<'_, Format>;
}

impl Dressed for Format {
    fn dressed(&self, dress: Option<&Dress>) -> Cow<'_, Format> {
        match dress {
            Some(dress) => Cow::Owned(dressed(self, dress)),
            None => Cow::Borrowed(self),
        }
    }
}

struct Formats {
    heading: Format,
    /// Of headings that people dressed: what they do not say.
    beneath: Format,
    link: Format,
    /// Of texts that begin like a formula: the sign that Excel itself sets for a text typed behind a `'`.
    inert: Format,
    columns: Vec<ColumnFormat>,
    other: ColumnFormat,
    /// Those that people gave their numbers.
    people: HashMap<String, Format>,
}

struct ColumnFormat {
    number: Option<Format>,
    time: Format,
    truth: Format,
}

impl Formats {
    fn new(plan: &Plan) -> Self {
        let of = |code: &str| Format::new().set_num_format(code);
        let columns = plan.columns().iter().map(|column| {
            let format = column.format();
            let (number, time) = match column.kind {
                Kind::Time => (None, format.unwrap_or("yyyy-mm-dd hh:mm")),
                Kind::Day => (None, format.unwrap_or("yyyy-mm-dd")),
                _ => (format, "yyyy-mm-dd hh:mm"),
            };
            ColumnFormat {
                // Numbers end where the next column begins.
                number: Some(
                    of(number.unwrap_or("General"))
                        .set_align(FormatAlign::Right)
                        .set_indent(1),
                ),
                time: of(time).set_align(FormatAlign::Left),
                truth: of(TRUTH).set_align(FormatAlign::Left),
            }
        });
        Self {
            heading: Format::new()
                .set_bold()
                .set_background_color(Color::RGB(HEADING))
                .set_align(FormatAlign::VerticalCenter),
            beneath: Format::new().set_align(FormatAlign::VerticalCenter),
            link: Format::new()
                .set_font_color(Color::RGB(LINK))
                .set_underline(FormatUnderline::Single),
            inert: Format::new().set_quote_prefix(),
            columns: columns.collect(),
            other: ColumnFormat {
                number: None,
                time: of("yyyy-mm-dd hh:mm").set_align(FormatAlign::Left),
                truth: of(TRUTH).set_align(FormatAlign::Left),
            },
            people: HashMap::new(),
        }
    }

    fn of_people(&mut self, code: &str) -> &Format {
        let format = self.people.entry(code.to_owned());
        format.or_insert_with(|| Format::new().set_num_format(code))
    }
}

fn failed(error: XlsxError) -> Error {
    match error {
        XlsxError::TempFileError(folder, error) => full(&folder, error),
        error => unwritable(std::io::Error::other(error)),
    }
}

/// How many bytes a cell takes on its way, about.
fn size(cell: &Cell<'_>) -> usize {
    const AROUND: usize = 64;
    let text = match cell {
        Cell::Text(text) => text.len(),
        Cell::Link { url, text } => url.len() + text.len(),
        _ => 0,
    };
    AROUND + 2 * text
}
