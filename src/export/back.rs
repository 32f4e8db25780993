//! The way back of an export: the mapping with which `import` brings what people changed in it into the tickets.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::baseline::{Recorder, SHEET, STAMP};
use super::columns::{BETWEEN, Column, Kind, Plan};
use super::file::{Format, Written};
use crate::directory::{CustomField, CustomType, Kind as EntryKind};
use crate::error::{Error, Result};
use crate::record::fold;
use crate::systems::fields::{Field, FieldTable, FieldType, Setting, called};
use crate::systems::{Operation, Schema};

/// What stands before the name of a custom field.
const CUSTOM: &str = "custom.";

/// The names of the common ticket by what the fields mean that set them. People go by their addresses, which no two share.
pub(crate) const MEANINGS: [(&str, &[&str]); 12] = [
    ("title", called::TITLE),
    ("description", called::DESCRIPTION),
    ("state", called::STATUS),
    ("priority", called::PRIORITY),
    ("requester.email", called::REQUESTER),
    ("assignee.email", called::ASSIGNEE),
    ("team", called::TEAM),
    ("place", called::LOCATION),
    ("category", called::ISSUE),
    ("devices", called::ASSET),
    ("tags", called::TAGS),
    ("due", called::DUE),
];

/// What an export is called: each has a name space of its own.
pub fn name(schema: &dyn Schema, read_at: Timestamp) -> String {
    format!(
        "export-{}-{}",
        schema.system(),
        read_at.strftime("%Y%m%d-%H%M%S")
    )
}

/// What notes beside a file what its columns said that lead back; `None` where nothing leads back.
pub(crate) fn recorder(
    plan: &Plan,
    schema: &dyn Schema,
    custom: &[CustomField],
    format: Format,
    read_at: Timestamp,
) -> Option<Recorder> {
    plan.key()?;
    let table = schema.fields(Operation::Update).ok()?;
    let columns = (0..).zip(plan.columns());
    let columns = columns
        .filter(|(_, column)| leads_back(column, format) && field(column, table, custom).is_some());
    let columns = columns.map(|(at, _)| at).collect();
    Some(Recorder::new(name(schema, read_at), read_at, columns))
}

/// Whether what stands in a column can be read again as what it was.
fn leads_back(column: &Column, format: Format) -> bool {
    // A time of one's own format is text in a CSV, and who writes 03/04/24 knows what it is. The mapping reads all times in
    // one zone.
    (column.format().is_none() || format == Format::Xlsx)
        && (column.kind != Kind::Time || column.is_in_zone_of_plan())
}

/// The mapping for a file that was written. Columns that no call can set are left out, and so are those of which a text was
/// cut, or whose lists cannot be parted again: what is not all there must not be sent. `read_at` is when the export began;
/// `file` is where the baseline lies, as the mapping is to call it, where it is no sheet.
///
/// # Errors
/// When no column says which ticket a row is, or the system changes no tickets.
pub fn mapping(
    plan: &Plan,
    schema: &dyn Schema,
    custom: &[CustomField],
    (format, raw): (Format, bool),
    written: &Written,
    read_at: Timestamp,
    file: Option<&str>,
) -> Result<String> {
    let Some(key) = plan.key() else {
        return Err(Error::usage(
            "no column says which ticket a row is, so that nothing leads back",
        )
        .hint("add one: `[[column]]` with `from = \"id\"`"));
    };
    let table = schema.fields(Operation::Update).map_err(Error::usage)?;
    let system = schema.system();
    // A cell that is set back to what it was before is no row done before.
    let name = name(schema, read_at);
    let mut text = format!(
        "# Brings what people changed in this export back into the tickets. An empty cell leaves its field alone.\n\
         version = 1\nsystem = \"{system}\"\noperation = \"update\"\nscope = {name}\n\
         target = {{ from = {} }}\n\n[input]\n",
        quoted(&plan.columns()[key].heading),
        name = quoted(&name),
    );
    // A write to a text does not fail.
    let _ = match format {
        Format::Xlsx => {
            let sheets: Vec<String> = written.sheets.iter().map(|sheet| quoted(sheet)).collect();
            writeln!(text, "sheet = [{}]", sheets.join(", "))
        }
        Format::Csv if raw => writeln!(text, "encoding = \"utf-8\"\ndelimiter = \",\""),
        Format::Csv => writeln!(
            text,
            "encoding = \"utf-8\"\ndelimiter = \",\"\nguarded = true"
        ),
        Format::JsonLines | Format::Html => Ok(()),
    };
    if let Some(zone) = plan.zone().iana_name() {
        let _ = writeln!(text, "timezone = {}", quoted(zone));
    }
    text.push_str("\n[fields]\n");
    let mut noted = String::new();
    for (at, column) in plan.columns().iter().enumerate() {
        if plan.is_merged(at) {
            let _ = writeln!(
                text,
                "# `{}` is left out: some of it holds a `{}`, which parts one from the next",
                column.heading,
                BETWEEN.trim()
            );
            continue;
        }
        if !leads_back(column, format) {
            continue;
        }
        if let Some((name, steps)) = field(column, table, custom) {
            let from = quoted(&column.heading);
            let _ = writeln!(text, "{} = {{ from = {from}{steps} }}", quoted(&name));
            let shows = quoted(column.shows().unwrap_or_default());
            let _ = writeln!(noted, "{from} = {shows}");
        }
    }
    let _ = write!(
        text,
        "\n# What the file said when it was written: cells that say the same now are not sent.\n\
         [baseline]\nexport = {}\nread_at = \"{read_at:.0}\"\nstamp = {}\n{}\n\n[baseline.columns]\n{noted}",
        quoted(&name),
        quoted(STAMP),
        match file {
            Some(file) => format!("file = {}", quoted(file)),
            None => format!("sheet = {}", quoted(SHEET)),
        },
    );
    Ok(text)
}

/// The field that a column is for, and the steps from its cells to that.
fn field(column: &Column, table: &FieldTable, custom: &[CustomField]) -> Option<(String, String)> {
    let shows = column.shows()?;
    if let Some(name) = shows.strip_prefix(CUSTOM) {
        let field = custom
            .iter()
            .find(|field| fold(&field.name) == fold(name))?;
        let is_set = !matches!(table.custom, Setting::Never(_)) && field.kind != CustomType::Other;
        let steps = match field.kind {
            CustomType::MultiSelect => split(),
            CustomType::Text => ", trim = false".to_owned(),
            _ => String::new(),
        };
        return is_set.then(|| (format!("{CUSTOM}{}", field.name), steps));
    }
    let (_, meaning) = MEANINGS.iter().find(|(name, _)| *name == shows)?;
    let is_it =
        |field: &&Field| field.called == *meaning && !matches!(field.setting, Setting::Never(_));
    let field = table.fields.iter().find(is_it)?;
    let steps = match &field.kind {
        FieldType::List(_) => split(),
        FieldType::Reference(EntryKind::User) => ", match = \"email\"".to_owned(),
        FieldType::Text { .. } if column.kind != Kind::Time => ", trim = false".to_owned(),
        _ => String::new(),
    };
    Some((field.name.to_owned(), steps))
}

fn split() -> String {
    format!(", split = {}", quoted(BETWEEN.trim()))
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
