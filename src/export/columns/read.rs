//! Reads a file of columns; everything that is wrong in it is told at once.

use std::path::Path as FilePath;

use jiff::tz::TimeZone;
use toml::de::DeValue;

use super::default::custom_kind;
use super::fields::{COMMON, Kind, Path, path};
use super::keys::{COLUMN, TOP, VERSION};
use super::pattern::Pattern;
use super::plan::{Column, ColumnRule, Origin, SHEET, Table, same_heading};
use super::template::Templates;
use crate::directory::CustomField;
use crate::directory::suggest::{did_you_mean, fold, nearest};
use crate::error::{Error, Result};
use crate::mapping::file::{At, Faults, Section, Text, in_order, integer, number, text_of};
use crate::mapping::input::read_zone;
use crate::mapping::script::Origin as Place;
use crate::mapping::table_key;

/// How long the name of a sheet is at most, in UTF-16 as Excel counts, and what stands in none.
pub(crate) const SHEET_LENGTH: usize = 31;
pub(crate) const NOT_IN_SHEETS: [char; 7] = ['[', ']', ':', '*', '?', '/', '\\'];

/// What a file of columns says.
pub(super) struct Rules {
    pub(super) sheet: String,
    pub(super) zone: Option<TimeZone>,
    pub(super) columns: Vec<ColumnRule>,
}

pub(super) fn load(file: &FilePath, custom: Option<&[CustomField]>) -> Result<(Rules, Templates)> {
    let text = text_of(file, "the file of columns").map_err(|error| {
        error.hint("it is a TOML file: docs/export.md shows one, `deskferry schema columns` is its form for editors")
    })?;
    read(file.display().to_string(), text, custom)
}

/// Reads the text of a file of columns.
pub(super) fn read(
    file: String,
    text: String,
    custom: Option<&[CustomField]>,
) -> Result<(Rules, Templates)> {
    let text = Text::new(file, text);
    let (root, _, mut faults) = text.parse();
    let top = Section::open(root.get_ref(), 0, &TOP, &mut faults);
    match top.get("version") {
        None => faults.hint(0, "`version` is missing", "write `version = 1` at the top"),
        Some(raw) if integer(raw.get_ref()) == Some(VERSION) => {}
        Some(raw) => {
            let message = "this version of the format of columns is not known";
            faults.hint(
                raw.span().start,
                message,
                format!("this program reads `version = {VERSION}`"),
            );
        }
    }
    let sheet = read_sheet(&top, &mut faults);
    let zone = read_zone(&top, &mut faults);
    let mut reader = Reader {
        custom,
        templates: Templates::default(),
        faults,
        columns: Vec::new(),
        headings: Vec::new(),
    };
    reader.columns(&top);
    let Reader {
        mut faults,
        mut templates,
        columns,
        ..
    } = reader;
    templates.bind(custom, &mut faults);
    match faults.is_empty() {
        true => Ok((
            Rules {
                sheet,
                zone,
                columns,
            },
            templates,
        )),
        false => Err(Error::columns(faults.into_list())),
    }
}

fn read_sheet(top: &Section<'_, '_>, faults: &mut Faults) -> String {
    let Some(name) = top.text("sheet", faults) else {
        return SHEET.to_owned();
    };
    let is_good = !name.value.trim().is_empty()
        && name.value.encode_utf16().count() <= SHEET_LENGTH
        && !name.value.contains(NOT_IN_SHEETS)
        && !name.value.starts_with('\'')
        && !name.value.ends_with('\'');
    if !is_good {
        faults.hint(
            name.at,
            format!("`{}` cannot be the name of a sheet", name.value),
            "up to 31 characters, none of `[ ] : * ? / \\`, and no `'` at either end",
        );
    }
    name.value
}

struct Reader<'c> {
    custom: Option<&'c [CustomField]>,
    templates: Templates,
    faults: Faults,
    columns: Vec<ColumnRule>,
    headings: Vec<String>,
}

impl Reader<'_> {
    fn columns(&mut self, top: &Section<'_, '_>) {
        let Some(raw) = top.get("column") else {
            let hint = "write `[[column]]`, and below it what stands in it: `from = \"title\"`";
            self.faults.hint(0, "`[[column]]` is missing", hint);
            return;
        };
        let DeValue::Array(entries) = raw.get_ref() else {
            self.faults.hint(
                raw.span().start,
                "the columns are a list",
                "write `[[column]]` with two brackets on each side",
            );
            return;
        };
        for entry in entries {
            let at = entry.span().start;
            let DeValue::Table(table) = entry.get_ref() else {
                self.faults.hint(
                    at,
                    "a column is a table",
                    "write `[[column]]`, and its keys below",
                );
                continue;
            };
            let section = Section::open(table, at, &COLUMN, &mut self.faults);
            if let Some(rule) = self.column(&section) {
                self.columns.push(rule);
            }
        }
    }

    fn column(&mut self, section: &Section<'_, '_>) -> Option<ColumnRule> {
        let faults = &mut self.faults;
        let from = section.text("from", faults);
        let template = section.text("template", faults);
        let by_hand = section.bool("by_hand", faults).unwrap_or(false);
        let heading = section.text("heading", faults);
        let zone = read_zone(section, faults);
        let format = read_format(section, faults);
        let table = read_table(section, faults);
        let link = section.bool("link", faults).unwrap_or(false);
        let width = section.count("width", faults);
        let said = usize::from(section.has("from"))
            + usize::from(section.has("template"))
            + usize::from(by_hand);
        if said != 1 {
            let (message, hint) = match said {
                0 => (
                    "a column has nothing in it",
                    "say what: `from = \"title\"`, a `template`, or `by_hand = true` for one that people fill",
                ),
                _ => (
                    "a column has one content",
                    "keep one of `from`, `template` and `by_hand = true`",
                ),
            };
            faults.hint(section.at, message, hint);
        }
        if by_hand {
            for key in ["format", "timezone", "map", "else", "link"] {
                if section.has(key) {
                    let message = format!("`{key}` has no use in a column that people fill");
                    faults.hint(section.key_at(key), message, "leave it out");
                }
            }
        }
        let mut column = match (&from, &template) {
            (Some(from), _) => self.named(from)?,
            (None, Some(text)) => {
                let place = Place::Mapping(text.at);
                let template = self.templates.add(&text.value, place, &mut self.faults)?;
                Column {
                    origin: Origin::Template(template),
                    ..Column::by_hand(String::new(), Kind::Text)
                }
            }
            (None, None) => Column::by_hand(String::new(), Kind::Text),
        };
        if format.as_ref().is_some_and(Pattern::is_time) && column.kind == Kind::Text {
            column.kind = Kind::Time;
        }
        let at = heading.as_ref().map_or(section.at, |heading| heading.at);
        match heading.map(|heading| heading.value) {
            Some(heading) if heading.trim().is_empty() => {
                let hint = "a person must be able to tell the column by it";
                self.faults.hint(at, "`heading` is empty", hint);
            }
            Some(heading) => column.heading = heading,
            None if column.heading.is_empty() && said == 1 => {
                let hint = "say what stands above the column: `heading = \"…\"`";
                self.faults.hint(section.at, "`heading` is missing", hint);
            }
            None => {}
        }
        if !column.heading.is_empty() {
            if self
                .headings
                .iter()
                .any(|one| same_heading(one, &column.heading))
            {
                let message = format!("two columns are headed `{}`", column.heading);
                self.faults
                    .hint(at, message, "give one of them another `heading`");
            }
            self.headings.push(column.heading.clone());
        }
        Some(ColumnRule {
            column: Column {
                format,
                table,
                link,
                width,
                ..column
            },
            zone,
        })
    }

    /// A column of a name, headed by it.
    fn named(&mut self, from: &At<String>) -> Option<Column> {
        let name = from.value.as_str();
        if let Some(column) = common_column(name) {
            return Some(column);
        }
        let faults = &mut self.faults;
        match path(name) {
            Ok(path) => {
                let heading = match &path {
                    Path::Custom(custom) => {
                        check_custom(custom, self.custom, &Place::Mapping(from.at), faults);
                        custom.clone()
                    }
                    _ => name.to_owned(),
                };
                let kind = match &path {
                    Path::Custom(custom) => {
                        match find_custom(self.custom.unwrap_or_default(), custom) {
                            Found::One(field) => custom_kind(field),
                            Found::None | Found::Several(_) => Kind::Text,
                        }
                    }
                    _ => Kind::Text,
                };
                Some(Column::plain(name, path, heading, kind))
            }
            Err(instead) => {
                unknown(name, instead, &Place::Mapping(from.at), faults);
                None
            }
        }
    }
}

/// Tells a name that leads nowhere.
pub(super) fn unknown(name: &str, instead: String, place: &Place, faults: &mut Faults) {
    place.fault(faults, format!("a ticket has no `{name}`"), Some(instead));
}

/// The custom fields of a name or id.
pub(crate) enum Found<'c> {
    None,
    One(&'c CustomField),
    /// Their ids.
    Several(Vec<&'c str>),
}

/// Finds a custom field by its id, else by its name.
pub(crate) fn find_custom<'c>(known: &'c [CustomField], name: &str) -> Found<'c> {
    if let Some(field) = known.iter().find(|field| field.id == name) {
        return Found::One(field);
    }
    let called = known.iter().filter(|field| fold(&field.name) == fold(name));
    match called.collect::<Vec<_>>().as_slice() {
        [] => Found::None,
        [one] => Found::One(one),
        several => Found::Several(several.iter().map(|field| field.id.as_str()).collect()),
    }
}

/// Tells a custom field that the system does not have, where its fields are known.
pub(super) fn check_custom(
    name: &str,
    known: Option<&[CustomField]>,
    place: &Place,
    faults: &mut Faults,
) {
    let Some(known) = known else { return };
    match find_custom(known, name) {
        Found::One(_) => return,
        Found::Several(ids) => {
            let message = format!("{} custom fields are called `{name}`", ids.len());
            let hint = format!("name one by its id: `custom.{}`", ids.join("`, `custom."));
            return place.fault(faults, message, Some(hint));
        }
        Found::None => {}
    }
    let names: Vec<&str> = known.iter().map(|field| field.name.as_str()).collect();
    let near = did_you_mean(&nearest(name, names.iter().copied()));
    let all = || format!("the system has {}", names.join(", "));
    let hint = near.or_else(|| (!names.is_empty()).then(all));
    place.fault(
        faults,
        format!("the system has no custom field `{name}`"),
        hint,
    );
}

/// The column of a name of the common ticket.
pub(super) fn common_column(name: &str) -> Option<Column> {
    let field = COMMON.iter().find(|field| field.name == name)?;
    Some(Column::plain(
        field.name,
        Path::Common(field),
        field.heading.to_owned(),
        field.kind,
    ))
}

fn read_format(section: &Section<'_, '_>, faults: &mut Faults) -> Option<Pattern> {
    let text = section.text("format", faults)?;
    match Pattern::new(&text.value) {
        Ok(pattern) => Some(pattern),
        Err(reason) => {
            let message = format!("`{}` is no format: {reason}", text.value);
            faults.hint(
                text.at,
                message,
                "for example \"yyyy-mm-dd hh:mm\" or \"0.00\"",
            );
            None
        }
    }
}

fn read_table(section: &Section<'_, '_>, faults: &mut Faults) -> Option<Table> {
    let otherwise = section.text("else", faults).map(|text| text.value);
    if !section.has("map") {
        if section.has("else") {
            let hint = "say what is written instead of which value: `map = { \"1\" = \"low\" }`";
            faults.hint(section.key_at("else"), "`else` needs `map`", hint);
        }
        return None;
    }
    let (entries, _) = section.table("map", faults)?;
    let mut table = Table {
        otherwise,
        ..Table::default()
    };
    for (word, span, raw) in in_order(entries) {
        let value = match raw.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Boolean(truth) => truth.to_string(),
            value => match (integer(value), number(value)) {
                (Some(whole), _) => whole.to_string(),
                (None, Some(number)) => number.to_string(),
                _ => {
                    let message = format!("`{word}` of `map` must become a text");
                    faults.hint(raw.span().start, message, "put it in quotes");
                    continue;
                }
            },
        };
        if table
            .map
            .insert(table_key(word).into_owned(), value)
            .is_some()
        {
            let message =
                format!("`{word}` stands twice in `map`: case and outer space do not count");
            faults.hint(span.start, message, "leave one of the two out");
        }
    }
    Some(table)
}
