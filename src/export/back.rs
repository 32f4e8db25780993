//! The way back of an export: the mapping with which `import` brings what people changed in it into the tickets.

use std::fmt::Write as _;

use jiff::Timestamp;

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
const MEANINGS: [(&str, &[&str]); 12] = [
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

/// The mapping for a file that was written. Columns that no call can set are left out, and so are those of which a text was
/// cut, or whose lists cannot be parted again: what is not all there must not be sent. `read_at` is when the export was made.
///
/// # Errors
/// When no column says which ticket a row is, or the system changes no tickets.
pub fn mapping(
    plan: &Plan,
    schema: &dyn Schema,
    custom: &[CustomField],
    format: Format,
    raw: bool,
    written: &Written,
    read_at: Timestamp,
) -> Result<String> {
    let Some(key) = plan.key() else {
        return Err(Error::usage(
            "no column says which ticket a row is, so that nothing leads back",
        )
        .hint("add one: `[[column]]` with `from = \"id\"`"));
    };
    let table = schema.fields(Operation::Update).map_err(Error::usage)?;
    let system = schema.system();
    let mut text = format!(
        "# Brings what people changed in this export back into the tickets. An empty cell leaves its field alone.\n\
         version = 1\nsystem = \"{system}\"\noperation = \"update\"\nscope = \"export-{system}-{}\"\n\
         target = {{ from = {} }}\n\n[input]\n",
        // Each export has a name space of its own: a cell that is set back to what it was before is no row done before.
        read_at.strftime("%Y%m%d-%H%M%S"),
        quoted(&plan.columns()[key].heading)
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
    for (at, column) in plan.columns().iter().enumerate() {
        if written.cut.contains(&at) {
            let _ = writeln!(
                text,
                "# `{}` is left out: texts of it were cut",
                column.heading
            );
            continue;
        }
        if plan.is_merged(at) {
            let _ = writeln!(
                text,
                "# `{}` is left out: some of it holds a `{}`, which parts one from the next",
                column.heading,
                BETWEEN.trim()
            );
            continue;
        }
        // A time of one's own format is text in a CSV, and who writes 03/04/24 knows what it is.
        if column.format().is_some() && format != Format::Xlsx {
            continue;
        }
        if let Some((name, steps)) = field(column, table, custom) {
            let from = quoted(&column.heading);
            let _ = writeln!(text, "{} = {{ from = {from}{steps} }}", quoted(&name));
        }
    }
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
