//! Columns that were understood, and the cells that they make of a ticket.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path as FilePath;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::Cell;
use super::fields::{Kind, Path, Raw};
use super::pattern::Pattern;
use super::template::{Template, Templates};
use super::zone::Clocks;
use super::{default, read};
use crate::directory::{CustomField, Directory};
use crate::error::{Error, Result};
use crate::export::baseline::STAMP;
use crate::export::replica::Parts;
use crate::mapping::table_key;
use crate::record::{Cell as Written, fold};
use crate::systems::SystemName;
use crate::systems::common::CommonTicket;

/// The name of the sheet with the tickets, where nobody says.
pub(super) const SHEET: &str = "Tickets";

/// The columns of an export, ready to make cells of tickets.
#[derive(Debug)]
pub struct Plan {
    /// The name of the sheet with the tickets.
    pub sheet: String,
    /// The columns in order.
    columns: Vec<Column>,
    pub(super) templates: Templates,
    clocks: Vec<Clocks>,
    /// For paths of the system's own: whether any ticket had something there.
    filled: Vec<bool>,
    /// Of which columns lists cannot be parted again.
    merged: Vec<bool>,
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// What stands above it.
    pub heading: String,
    /// What it holds.
    pub kind: Kind,
    /// How wide it is in a workbook, where somebody says.
    pub width: Option<usize>,
    pub(super) origin: Origin,
    pub(super) format: Option<Pattern>,
    pub(super) clock: usize,
    pub(super) table: Option<Table>,
    pub(super) link: bool,
}

/// Where the cells of a column come from.
#[derive(Debug)]
pub(super) enum Origin {
    /// A name, as it was written, and where it leads.
    From(String, Path),
    Template(Template),
    /// People.
    Hand,
    /// What the row said when it was written ([`STAMP`](crate::export::baseline::STAMP)).
    Stamp,
}

/// What is written instead of some values.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// By folded key.
    pub(super) map: HashMap<String, String>,
    pub(super) otherwise: Option<String>,
}

/// A column as it was said, before the plan is made of it.
#[derive(Debug)]
pub(super) struct ColumnRule {
    pub(super) column: Column,
    pub(super) zone: Option<TimeZone>,
}

impl Plan {
    /// The columns of a file. `custom` are the custom fields that the system has, where they are known; `zone` is that of
    /// times where the file says none.
    ///
    /// # Errors
    /// When the file cannot be read, and [`Error::columns`] with all its faults.
    pub fn load(file: &FilePath, custom: Option<&[CustomField]>, zone: &TimeZone) -> Result<Self> {
        let (rules, templates) = read::load(file, custom)?;
        Ok(Self::new(
            rules.sheet,
            rules.columns,
            templates,
            rules.zone.as_ref().unwrap_or(zone),
        ))
    }

    /// The columns that tickets of a system have where nobody says: what people ask for, then its custom fields, last the
    /// id by which a ticket is found again.
    pub fn by_default(system: SystemName, custom: &[CustomField], zone: &TimeZone) -> Self {
        let columns = default::columns(system, custom);
        Self::new(SHEET.to_owned(), columns, Templates::default(), zone)
    }

    pub(super) fn new(
        sheet: String,
        rules: Vec<ColumnRule>,
        templates: Templates,
        zone: &TimeZone,
    ) -> Self {
        let mut clocks = vec![Clocks::new(zone.clone())];
        let mut columns = Vec::with_capacity(rules.len());
        for rule in rules {
            let clock = match rule.zone {
                None => 0,
                Some(own) => clocks
                    .iter()
                    .position(|clock| *clock.zone() == own)
                    .unwrap_or_else(|| {
                        clocks.push(Clocks::new(own));
                        clocks.len() - 1
                    }),
            };
            columns.push(Column {
                clock,
                ..rule.column
            });
        }
        let filled = vec![false; columns.len()];
        let merged = filled.clone();
        Self {
            sheet,
            columns,
            templates,
            clocks,
            filled,
            merged,
        }
    }

    /// The columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The zone in which times are written where a column says no other.
    pub fn zone(&self) -> &TimeZone {
        self.clocks[0].zone()
    }

    /// Asks a directory for what names the things in the cells.
    pub fn ask(&self, directory: &Directory) {
        self.paths().for_each(|path| path.ask(directory));
    }

    /// Whether a cell shows a custom field.
    pub fn shows_custom(&self) -> bool {
        let is_custom = |path: &Path| matches!(path, Path::Custom(_) | Path::CustomId { .. });
        self.paths().any(is_custom)
    }

    /// Where the cells of the columns come from.
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let own = self
            .columns
            .iter()
            .filter_map(|column| match &column.origin {
                Origin::From(_, path) => Some(path),
                _ => None,
            });
        own.chain(self.templates.paths())
    }

    /// What of a ticket the cells are made of, with its comments where these are written beside.
    pub fn parts(&self, comments: bool) -> Parts {
        let mut parts = Parts {
            comments,
            ..Parts::default()
        };
        for path in self.paths() {
            parts.comments |= path.is_comments();
            parts.other |= matches!(path, Path::Own(_));
        }
        parts
    }

    /// A moment on the clocks of the plan's zone.
    pub(crate) fn local(&mut self, at: jiff::Timestamp) -> super::Local {
        self.clocks[0].local(at)
    }

    /// The column by which a ticket is known again: the one of its id, else of its number.
    pub fn key(&self) -> Option<usize> {
        let of = |name: &str| {
            self.columns
                .iter()
                .position(|column| column.is_plainly(name))
        };
        of("id").or_else(|| of("number"))
    }

    /// These columns with one more behind them ([`STAMP`]), by which an import recognises each row.
    pub(crate) fn stamped(mut self) -> Self {
        self.columns.push(Column {
            origin: Origin::Stamp,
            ..Column::by_hand(STAMP.to_owned(), Kind::Text)
        });
        self.filled.push(false);
        self.merged.push(false);
        self
    }

    /// The column of that name.
    pub(crate) fn stamp(&self) -> Option<usize> {
        self.columns.iter().position(Column::is_stamp)
    }

    /// The cells of a ticket, one a column, into a list that is emptied first. The stamp is left empty.
    ///
    /// # Errors
    /// When a template cannot be followed for this ticket.
    pub fn cells<'t>(&mut self, ticket: &'t CommonTicket, cells: &mut Vec<Cell<'t>>) -> Result<()> {
        cells.clear();
        for (at, column) in self.columns.iter().enumerate() {
            let clock = &mut self.clocks[column.clock];
            let raw = match &column.origin {
                Origin::Hand | Origin::Stamp => Raw::Empty,
                Origin::From(_, path) => {
                    if column.kind == Kind::List {
                        self.merged[at] |= path.is_merged(ticket);
                    }
                    path.get(ticket)
                }
                Origin::Template(template) => {
                    let text =
                        template
                            .render(&self.templates, ticket, clock)
                            .map_err(|reason| {
                                Error::usage(format!(
                                    "the column `{}` cannot be made of ticket `{}`: {reason}",
                                    column.heading,
                                    ticket.number.as_ref().unwrap_or(&ticket.id)
                                ))
                                .hint("fix its `template` in the file of columns")
                            })?;
                    match text.is_empty() {
                        true => Raw::Empty,
                        false => Raw::Text(Cow::Owned(text)),
                    }
                }
            };
            self.filled[at] |= raw != Raw::Empty;
            cells.push(column.cell(raw, clock, ticket));
        }
        Ok(())
    }

    /// Whether a cell of a column was made of a list whose items nobody can part again.
    pub(crate) fn is_merged(&self, column: usize) -> bool {
        self.merged.get(column).copied().unwrap_or_default()
    }

    /// Headings of columns made of the system's own members that no ticket had: nothing tells a slip in their names.
    pub fn never_filled(&self) -> impl Iterator<Item = &str> {
        let columns = self.columns.iter().zip(&self.filled);
        columns
            .filter(|(column, filled)| {
                !**filled && matches!(column.origin, Origin::From(_, Path::Own(_)))
            })
            .map(|(column, _)| column.heading.as_str())
    }

    /// A time as text: under the column's pattern, else as ISO 8601.
    pub(crate) fn time_text(&self, column: Option<usize>, at: super::Local, out: &mut String) {
        match column {
            Some(column) => self.columns[column].time_text(at, out),
            None => time_text(None, at, out),
        }
    }
}

fn time_text(format: Option<&Pattern>, at: super::Local, out: &mut String) {
    if let Some(pattern) = format {
        return pattern.time(at.civil(), out);
    }
    let seconds = at.millis.div_euclid(1000);
    let day = seconds.div_euclid(86_400);
    let second = seconds.rem_euclid(86_400);
    let date = Date::constant(1970, 1, 1)
        .checked_add(jiff::Span::new().days(day))
        .unwrap_or_default();
    let digits = |number: i64| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
    let year = i64::from(date.year());
    let mut text = [b' '; 19];
    text[0..2].copy_from_slice(&digits(year / 100));
    text[2..4].copy_from_slice(&digits(year % 100));
    text[4] = b'-';
    text[5..7].copy_from_slice(&digits(i64::from(date.month())));
    text[7] = b'-';
    text[8..10].copy_from_slice(&digits(i64::from(date.day())));
    text[11..13].copy_from_slice(&digits(second / 3600));
    text[13] = b':';
    text[14..16].copy_from_slice(&digits(second / 60 % 60));
    text[16] = b':';
    text[17..19].copy_from_slice(&digits(second % 60));
    let shown = if second % 60 == 0 {
        &text[..16]
    } else {
        &text[..]
    };
    out.push_str(std::str::from_utf8(shown).unwrap_or_default());
    if let Some(offset) = at.second_time {
        let sign = if offset < 0 { '-' } else { '+' };
        let minutes = offset.unsigned_abs() / 60;
        out.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
    }
}

impl Column {
    /// A column of a name, as it stands.
    pub(super) fn plain(from: &str, path: Path, heading: String, kind: Kind) -> Self {
        let origin = Origin::From(from.to_owned(), path);
        Self {
            origin,
            ..Self::by_hand(heading, kind)
        }
    }

    /// A column that people fill.
    pub(super) fn by_hand(heading: String, kind: Kind) -> Self {
        Self {
            heading,
            kind,
            width: None,
            origin: Origin::Hand,
            format: None,
            clock: 0,
            table: None,
            link: false,
        }
    }

    /// The name of the common ticket that it shows, or of a custom field with `custom.` before it, where it is nothing but
    /// that.
    pub fn shows(&self) -> Option<&str> {
        match &self.origin {
            Origin::From(name, _) if self.table.is_none() => Some(name),
            _ => None,
        }
    }

    /// Whether its times, if it has any, are on the clocks of the plan's zone.
    pub(crate) fn is_in_zone_of_plan(&self) -> bool {
        self.clock == 0
    }

    pub(super) fn is_plainly(&self, name: &str) -> bool {
        self.shows() == Some(name)
    }

    /// Whether people fill it.
    pub fn is_by_hand(&self) -> bool {
        matches!(self.origin, Origin::Hand)
    }

    /// Whether it says what the row said when it was written.
    pub(crate) fn is_stamp(&self) -> bool {
        matches!(self.origin, Origin::Stamp)
    }

    /// The pattern by which a workbook shows its times and numbers.
    pub fn format(&self) -> Option<&str> {
        self.format.as_ref().map(|pattern| pattern.code.as_str())
    }

    /// A number as text, where a pattern says how.
    pub(crate) fn number_text(&self, number: f64) -> Option<String> {
        self.format
            .as_ref()
            .and_then(|pattern| pattern.number(number))
    }

    fn cell<'t>(&self, raw: Raw<'t>, clocks: &mut Clocks, ticket: &'t CommonTicket) -> Cell<'t> {
        let cell = match raw {
            Raw::Empty => Cell::Empty,
            Raw::Text(text) => self.read(line_ends(text), clocks),
            Raw::Number(number) => Cell::Number(number),
            Raw::Truth(truth) => Cell::Truth(truth),
            Raw::Time(at) => Cell::Time(clocks.local(at)),
        };
        let cell = match &self.table {
            Some(table) => self.mapped(cell, table),
            None => cell,
        };
        match (self.link, cell) {
            (true, Cell::Text(text)) => match &ticket.url {
                Some(url) => Cell::Link {
                    url: Cow::Borrowed(url),
                    text,
                },
                None => Cell::Text(text),
            },
            (_, cell) => cell,
        }
    }

    /// A text, or the time or number that it is: not every system has types for them.
    fn read<'t>(&self, text: Cow<'t, str>, clocks: &mut Clocks) -> Cell<'t> {
        let found = match self.kind {
            Kind::Time => time(&text, clocks),
            Kind::Day => day(&text),
            Kind::Number => number(&text),
            Kind::Text | Kind::Long | Kind::List | Kind::Truth => None,
        };
        found.unwrap_or(Cell::Text(text))
    }

    fn time_text(&self, at: super::Local, out: &mut String) {
        if self.kind == Kind::Day && self.format.is_none() {
            out.push_str(&at.civil().date().to_string());
        } else {
            time_text(self.format.as_ref(), at, out);
        }
    }

    fn mapped<'t>(&self, cell: Cell<'t>, table: &Table) -> Cell<'t> {
        let text = match &cell {
            Cell::Empty => return cell,
            Cell::Text(text) => Cow::Borrowed(&**text),
            Cell::Number(number) => Cow::Owned(Written::Number(*number).text().into_owned()),
            Cell::Truth(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
            Cell::Time(at) => {
                let mut text = String::new();
                self.time_text(*at, &mut text);
                Cow::Owned(text)
            }
            Cell::Link { text, .. } => Cow::Borrowed(&**text),
            Cell::Formatted(shown) => Cow::Borrowed(&*shown.text),
        };
        let found = table
            .map
            .get(&*table_key(&text))
            .or(table.otherwise.as_ref());
        match found {
            Some(found) if found.is_empty() => Cell::Empty,
            Some(found) => Cell::Text(Cow::Owned(found.clone())),
            None => cell,
        }
    }
}

/// A text with one kind of line ends: spreadsheet programs show the others as a box, or as two lines.
pub(crate) fn line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => text,
    }
}

fn time(text: &str, clocks: &mut Clocks) -> Option<Cell<'static>> {
    let moment = text.parse().map(|at| clocks.local(at));
    let shown = moment.or_else(|_| text.parse().map(|at: DateTime| at.into()));
    shown.ok().map(Cell::Time)
}

/// A day, which some write as its first moment.
fn day(text: &str) -> Option<Cell<'static>> {
    let (day, time) = text.split_once('T').unwrap_or((text, ""));
    let is_midnight = time.bytes().all(|byte| b"0:.Z".contains(&byte));
    let day: Date = day.parse().ok().filter(|_| is_midnight)?;
    Some(Cell::Time(DateTime::from(day).into()))
}

/// A number of which a spreadsheet program loses no digit.
fn number(text: &str) -> Option<Cell<'static>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_code = digits.starts_with('0') && digits.len() > 1 && !digits.starts_with("0.");
    let is_number = digits.starts_with(|sign: char| sign.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = text.parse().ok()?;
    (is_number && !is_code && digits.len() <= 15).then_some(Cell::Number(number))
}

/// Two headings that a reader of the file could not tell apart.
pub(super) fn same_heading(one: &str, other: &str) -> bool {
    fold(one) == fold(other)
}
