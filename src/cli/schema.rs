//! `deskferry schema`: the mapping for editors, the fields of a system for people.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::args::SchemaCommand;
use super::directory::named_system;
use super::output::Output;
use crate::directory::suggest::{did_you_mean, nearest};
use crate::error::{Error, ExitCode, Result};
use crate::export::columns::{self, COMMON};
use crate::mapping::{describe_type, json_schema};
use crate::systems::fields::{Field, FieldTable, Setting};
use crate::systems::{self, Dialect, Operation};

pub(super) fn run(command: SchemaCommand, output: &Output) -> Result<ExitCode> {
    match command {
        SchemaCommand::Mapping { output: path } => {
            schema(&json_schema()?, path.as_deref(), *output)?;
        }
        SchemaCommand::Columns { output: path } => {
            schema(&columns::json_schema(), path.as_deref(), *output)?;
        }
        SchemaCommand::Fields { common: true, .. } => common_fields(*output)?,
        SchemaCommand::Fields {
            system, operation, ..
        } => fields(&system.unwrap_or_default(), &operation, *output)?,
    }
    Ok(ExitCode::Done)
}

fn schema(schema: &Value, path: Option<&Path>, output: Output) -> Result<()> {
    let text = serde_json::to_string_pretty(schema)
        .map_err(|error| Error::machine("the schema cannot be written").caused_by(error))?;
    output.text(path, &text)
}

/// What a column of an export can show.
fn common_fields(output: Output) -> Result<()> {
    if output.is_json() {
        let fields = COMMON.iter().map(|field| {
            json!({"name": field.name, "heading": field.heading, "holds": field.kind.as_str(), "doc": field.doc})
        });
        let document = json!({"fields": fields.collect::<Vec<_>>()});
        return output.data(&document.to_string());
    }
    let width = COMMON
        .iter()
        .map(|field| field.name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for field in COMMON {
        let _ = writeln!(
            text,
            "  {:<width$}  {:<9}  {}",
            field.name,
            field.kind.as_str(),
            field.doc
        );
    }
    let _ = writeln!(
        text,
        "  {:<width$}  {:<9}  a custom field of the tenant, by its name",
        "custom.NAME", "any"
    );
    let _ = write!(
        text,
        "  {:<width$}  {:<9}  whatever else the system tells, by its own path, such as LocationRoom.Name",
        "other.PATH", "any"
    );
    output.data(&text)
}

fn fields(system: &str, operation: &str, output: Output) -> Result<()> {
    let system = named_system(system)?;
    let operation = named_operation(operation)?;
    let mut tables = Vec::new();
    for dialect in system.dialects() {
        let schema = systems::schema(system, Some(*dialect))?;
        let table = schema.fields(operation).map_err(Error::usage)?;
        // What an upsert sets on a ticket that is there is what an update sets.
        let update = schema.fields(Operation::Update).ok();
        let update = update.filter(|_| operation == Operation::Upsert);
        tables.push((*dialect, table.clone(), update.cloned()));
    }
    if output.is_json() {
        let dialects: Vec<Value> = tables
            .iter()
            .map(|(dialect, table, update)| {
                json!({
                    "dialect": match dialect { Dialect::Only => Value::Null, dialect => json!(dialect) },
                    "fields": table.fields.iter().map(|field| field_json(field, operation, update.as_ref())).collect::<Vec<_>>(),
                    "custom": setting_json(table.custom, operation),
                })
            })
            .collect();
        let document = json!({"system": system, "operation": operation, "dialects": dialects});
        return output.data(&document.to_string());
    }
    let mut text = String::new();
    for (dialect, table, update) in &tables {
        if *dialect != Dialect::Only {
            let _ = writeln!(text, "{system}, dialect {dialect}");
        }
        write_table(&mut text, table, operation, update.as_ref());
        text.push('\n');
    }
    output.data(text.trim_end())
}

fn named_operation(word: &str) -> Result<Operation> {
    // The command line writes `set-status`.
    Operation::parse(&word.replace('-', "_")).ok_or_else(|| {
        let words = Operation::ALL.map(Operation::as_str);
        let error = Error::usage(format!("no operation `{word}`"));
        let error = match did_you_mean(&nearest(word, words)) {
            Some(near) => error.hint(near),
            None => error,
        };
        error.hint(format!("one of {}", words.join(", ")))
    })
}

fn write_table(
    text: &mut String,
    table: &FieldTable,
    operation: Operation,
    update: Option<&FieldTable>,
) {
    let kinds: Vec<String> = table
        .fields
        .iter()
        .map(|field| describe_type(&field.kind))
        .collect();
    let names = table.fields.iter().map(|field| field.name.len());
    let width = names.chain(["custom.NAME".len()]).max().unwrap_or(0);
    for (field, kind) in table.fields.iter().zip(kinds) {
        let required = if field.required { "required; " } else { "" };
        let _ = writeln!(text, "  {:<width$}  {required}{kind}", field.name);
        let _ = writeln!(text, "  {:<width$}    {}", "", field.sentence());
        if let Some(how) = how(field.setting) {
            let _ = writeln!(text, "  {:<width$}    {how}", "");
        }
        if let Some(why) = set_once(field, update) {
            let _ = writeln!(
                text,
                "  {:<width$}    set when a ticket is made only: {why}",
                ""
            );
        }
    }
    let custom = how(table.custom).unwrap_or_else(|| format!("carried by the {operation} itself"));
    let _ = writeln!(
        text,
        "  {:<width$}  a custom field of the tenant, by its name: {custom}",
        "custom.NAME"
    );
}

/// How a field gets onto the ticket, where it is not by the operation's own request.
fn how(setting: Setting) -> Option<String> {
    match setting {
        Setting::Own => None,
        Setting::Step(step) => Some(format!("set by a further request, `{step}`")),
        Setting::Never(instead) => Some(format!("no call can set it: {instead}")),
    }
}

/// Why an upsert leaves a field of a ticket that is there as it is, where it does.
fn set_once(field: &Field, update: Option<&FieldTable>) -> Option<&'static str> {
    let later = update?.get(field.name)?.setting;
    match (field.setting, later) {
        (Setting::Never(_), _) | (_, Setting::Own | Setting::Step(_)) => None,
        (_, Setting::Never(why)) => Some(why),
    }
}

fn field_json(field: &Field, operation: Operation, update: Option<&FieldTable>) -> Value {
    let mut listed = json!({
        "name": field.name, "takes": describe_type(&field.kind), "required": field.required,
        "setting": setting_json(field.setting, operation), "doc": field.sentence(),
    });
    if update.is_some() {
        listed["set_once"] = json!(set_once(field, update));
    }
    listed
}

fn setting_json(setting: Setting, operation: Operation) -> Value {
    match setting {
        Setting::Own if operation.makes() => json!({"by": Operation::Create}),
        Setting::Own => json!({"by": operation}),
        Setting::Step(step) => json!({"by": step}),
        Setting::Never(instead) => json!({"by": null, "instead": instead}),
    }
}
