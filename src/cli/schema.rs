//! `deskferry schema`: the mapping for editors, the fields of a system for people.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::args::SchemaCommand;
use super::directory::named_system;
use super::output::Output;
use crate::error::{Error, ExitCode, Result};
use crate::mapping::{describe_type, json_schema};
use crate::systems::fields::{Field, FieldTable, Setting};
use crate::systems::{self, Dialect};

pub(super) fn run(command: SchemaCommand, output: &Output) -> Result<ExitCode> {
    match command {
        SchemaCommand::Mapping => {
            let text = serde_json::to_string_pretty(&json_schema()?)
                .map_err(|error| Error::machine("the schema cannot be written").caused_by(error))?;
            output.data(&text)?;
        }
        SchemaCommand::Fields { system, operation } => fields(&system, &operation, *output)?,
    }
    Ok(ExitCode::Done)
}

fn fields(system: &str, operation: &str, output: Output) -> Result<()> {
    let system = named_system(system)?;
    if operation != "create" {
        return Err(
            Error::usage(format!("no operation `{operation}`")).hint("this version has `create`")
        );
    }
    let mut tables = Vec::new();
    for dialect in system.dialects() {
        let schema = systems::schema(system, Some(*dialect))?;
        tables.push((*dialect, schema.create().clone()));
    }
    if output.is_json() {
        let dialects: Vec<Value> = tables
            .iter()
            .map(|(dialect, table)| {
                json!({
                    "dialect": match dialect { Dialect::Only => Value::Null, dialect => json!(dialect) },
                    "fields": table.fields.iter().map(field_json).collect::<Vec<_>>(),
                    "custom": setting_json(table.custom),
                })
            })
            .collect();
        let document = json!({"system": system, "operation": "create", "dialects": dialects});
        return output.data(&document.to_string());
    }
    let mut text = String::new();
    for (dialect, table) in &tables {
        if *dialect != Dialect::Only {
            let _ = writeln!(text, "{system}, dialect {dialect}");
        }
        write_table(&mut text, table);
        text.push('\n');
    }
    output.data(text.trim_end())
}

fn write_table(text: &mut String, table: &FieldTable) {
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
    }
    let custom = how(table.custom).unwrap_or_else(|| "carried by the create itself".to_owned());
    let _ = writeln!(
        text,
        "  {:<width$}  a custom field of the tenant, by its name: {custom}",
        "custom.NAME"
    );
}

/// How a field gets onto the ticket, where it is not by the create itself.
fn how(setting: Setting) -> Option<String> {
    match setting {
        Setting::Own => None,
        Setting::Step(step) => Some(format!("set by a further request, `{step}`")),
        Setting::Never(instead) => Some(format!("no call can set it: {instead}")),
    }
}

fn field_json(field: &Field) -> Value {
    json!({
        "name": field.name, "takes": describe_type(&field.kind), "required": field.required,
        "setting": setting_json(field.setting), "doc": field.sentence(),
    })
}

fn setting_json(setting: Setting) -> Value {
    match setting {
        Setting::Own => json!({"by": "create"}),
        Setting::Step(step) => json!({"by": step}),
        Setting::Never(instead) => json!({"by": null, "instead": instead}),
    }
}
