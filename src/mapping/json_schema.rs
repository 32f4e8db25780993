//! The JSON Schema of a mapping, for editors: made of the table of keys by which the loader checks, and of the
//! systems' tables of fields. Derived from Rust types it would be a second table, since the loader reads a tree with
//! places and no types.

use serde_json::{Map, Value, json};

use super::keys::{ACTION, Demand, FIELD, Key, Keys, TOP, Takes};
use crate::systems::fields::{Field, FieldType, Setting};
use crate::systems::{self, Operation, SystemName};

/// The dialect of JSON Schema: the one that editors of TOML read.
pub(crate) const DIALECT: &str = "http://json-schema.org/draft-07/schema#";

/// The JSON Schema of a mapping file.
///
/// # Errors
/// Never in practice: every system has a table of fields.
pub fn json_schema() -> crate::error::Result<Value> {
    let mut schema = table(&TOP);
    schema["$schema"] = json!(DIALECT);
    schema["title"] = json!("a Deskferry mapping");
    schema["description"] = json!("How a row of a file becomes a ticket.");
    let mut cases = Vec::new();
    for system in SystemName::ALL {
        for operation in Operation::ALL {
            cases.push(json!({
                "if": {
                    "properties": {
                        "system": { "const": system.as_str() },
                        "operation": { "const": operation.as_str() },
                    },
                    "required": ["system", "operation"],
                },
                "then": case(system, operation)?,
            }));
        }
    }
    let demands = schema["allOf"].as_array_mut().map(std::mem::take);
    schema["allOf"] = cases
        .into_iter()
        .chain(demands.unwrap_or_default())
        .collect();
    schema["definitions"] = json!({
        "field": table(&FIELD),
        "value": { "anyOf": [
            { "type": ["string", "number", "boolean"] },
            { "type": "array", "items": { "$ref": "#/definitions/value" } },
        ] },
    });
    // Each system names its fields; what holds for all is that they are tables.
    schema["properties"]["fields"] = json!({
        "type": "object",
        "description": doc_of(&TOP, "fields"),
    });
    Ok(schema)
}

fn doc_of(keys: &Keys, name: &str) -> &'static str {
    keys.iter()
        .find(|key| key.name == name)
        .map_or("", |key| key.doc)
}

/// What holds for one operation of a system: its fields, and the ticket that it is about.
fn case(system: SystemName, operation: Operation) -> crate::error::Result<Value> {
    let Some(fields) = fields(system, operation)? else {
        // The system has no such operation.
        return Ok(
            json!({ "properties": { "operation": { "not": { "const": operation.as_str() } } } }),
        );
    };
    let mut required = Vec::new();
    if !operation.makes() {
        required.push("target");
    }
    if operation.makes() || fields["required"] != json!([]) {
        required.push("fields");
    }
    let mut properties = json!({ "fields": fields });
    let without: &[&str] = match operation {
        Operation::Update => &["marker"],
        operation if operation.makes() => &["target", "baseline"],
        _ => &["marker", "baseline"],
    };
    for name in without {
        properties[name] = json!(false);
    }
    Ok(json!({ "properties": properties, "required": required }))
}

/// The fields of an operation of a system in all its spellings, those that no call sets left out; `None` where no
/// spelling has it.
fn fields(system: SystemName, operation: Operation) -> crate::error::Result<Option<Value>> {
    let mut properties = Map::new();
    let mut required: Option<Vec<&str>> = None;
    for dialect in system.dialects() {
        let schema = systems::schema(system, Some(*dialect))?;
        let Ok(table) = schema.fields(operation) else {
            continue;
        };
        for field in table.fields.iter().filter(|field| can_be_set(field)) {
            properties.entry(field.name).or_insert_with(|| {
                json!({
                    "allOf": [{ "$ref": "#/definitions/field" }],
                    "description": format!("{}: {}", describe(&field.kind), field.sentence()),
                })
            });
        }
        let demanded = table.fields.iter().filter(|field| field.required);
        let demanded: Vec<&str> = demanded.map(|field| field.name).collect();
        required = Some(match required {
            None => demanded,
            Some(before) => before
                .into_iter()
                .filter(|name| demanded.contains(name))
                .collect(),
        });
    }
    let Some(required) = required else {
        return Ok(None);
    };
    properties.insert(
        "custom".to_owned(),
        json!({
            "type": "object",
            "description": "Custom fields by their names: `[fields.custom]`, or `\"custom.NAME\" = …`.",
            "additionalProperties": { "$ref": "#/definitions/field" },
        }),
    );
    let least = u8::from(operation.makes());
    Ok(Some(json!({
        "type": "object",
        "minProperties": least,
        "properties": properties,
        "patternProperties": { "^custom\\.": { "$ref": "#/definitions/field" } },
        "required": required,
        "additionalProperties": false,
    })))
}

fn can_be_set(field: &Field) -> bool {
    !matches!(field.setting, Setting::Never(_))
}

/// What a field takes, in words.
pub fn describe(kind: &FieldType) -> String {
    match kind {
        FieldType::Text {
            max_length: Some(most),
        } => format!("a text of up to {most} characters"),
        FieldType::Text { max_length: None } => "a text".to_owned(),
        FieldType::Bool => "yes or no".to_owned(),
        FieldType::Integer => "a whole number".to_owned(),
        FieldType::Number => "a number".to_owned(),
        FieldType::Date => "a date".to_owned(),
        FieldType::DateTime => "a date and time".to_owned(),
        FieldType::Choice(words) => format!("one of {}", words.join(", ")),
        FieldType::Reference(kind) => format!("the name of {} {}", kind.article(), kind.noun()),
        FieldType::List(inner) => format!("a list, each {}", describe(inner)),
    }
}

/// A table with these keys and no others.
pub(crate) fn table(keys: &Keys) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let mut table =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    let demands: Vec<Value> = keys.demands.iter().map(|it| demand(keys, it)).collect();
    if !demands.is_empty() {
        table["allOf"] = json!(demands);
    }
    table
}

/// What a table demands, as a schema.
fn demand(keys: &Keys, demand: &Demand) -> Value {
    let is_truth = |name: &str| {
        let key = keys.iter().find(|key| key.name == name);
        key.is_some_and(|key| matches!(key.takes, Takes::Bool))
    };
    let has = |name: &str| match is_truth(name) {
        true => json!({ "required": [name], "properties": { name: { "const": true } } }),
        false => json!({ "required": [name] }),
    };
    let any = |names: &[&str]| match names {
        [one] => has(one),
        names => json!({ "anyOf": names.iter().map(|name| has(name)).collect::<Vec<_>>() }),
    };
    match demand {
        Demand::All(names) => {
            let names: Vec<Value> = names.iter().map(|name| has(name)).collect();
            json!({ "allOf": names })
        }
        Demand::Any(names) => any(names),
        Demand::One(groups) => {
            let groups: Vec<Value> = groups.iter().map(|names| any(names)).collect();
            json!({ "oneOf": groups })
        }
        Demand::NotTwo(names) => {
            let pairs = names.iter().enumerate().flat_map(|(at, one)| {
                let others = &names[at + 1..];
                others
                    .iter()
                    .map(move |other| json!({ "required": [one, other] }))
            });
            json!({ "not": { "anyOf": pairs.collect::<Vec<_>>() } })
        }
        Demand::With(first, second) => json!({ "dependencies": { *first: [second] } }),
    }
}

fn property(key: &Key) -> Value {
    let mut property = takes(key.takes);
    property["description"] = json!(key.doc);
    property
}

fn takes(takes: Takes) -> Value {
    let scalar = json!(["string", "number", "boolean"]);
    match takes {
        Takes::Version(1) => json!({ "const": 1 }),
        Takes::Version(newest) => json!({ "enum": (1..=newest).collect::<Vec<i64>>() }),
        Takes::Text => json!({ "type": "string" }),
        Takes::Texts => either(&[
            json!({ "type": "string" }),
            json!({ "type": "array", "items": { "type": "string" } }),
        ]),
        Takes::Some => either(&[
            json!({ "type": "string" }),
            json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }),
        ]),
        Takes::Bool => json!({ "type": "boolean" }),
        Takes::Count => json!({ "type": "integer", "minimum": 0 }),
        Takes::Number => json!({ "type": "number" }),
        Takes::Constant => json!({ "$ref": "#/definitions/value" }),
        Takes::Word(words) => json!({ "enum": words }),
        Takes::WordOr(words, keys) => either(&[json!({ "enum": words }), table(keys)]),
        Takes::Instead(words) => {
            let mut action = table(&ACTION);
            action["properties"]["do"]["enum"] = json!(words);
            either(&[json!({ "type": scalar }), action])
        }
        Takes::Rows => either(&[
            json!({ "type": "integer", "minimum": 0 }),
            json!({ "type": "array", "items": { "type": "integer", "minimum": 1 }, "minItems": 1 }),
        ]),
        Takes::Sheet => {
            let one = either(&[
                json!({ "type": "string" }),
                json!({ "type": "integer", "minimum": 1 }),
            ]);
            either(&[
                one.clone(),
                json!({ "type": "array", "items": one, "minItems": 1 }),
            ])
        }
        Takes::Pairs => {
            let pair = json!({ "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2 });
            json!({ "type": "array", "items": pair })
        }
        Takes::Words => json!({ "type": "object", "additionalProperties": { "type": scalar } }),
        Takes::Table(keys) => table(keys),
        Takes::Named(keys) => json!({ "type": "object", "additionalProperties": table(keys) }),
        Takes::Tables(keys) => json!({ "type": "array", "items": table(keys) }),
        Takes::Parts(keys) => {
            let part = either(&[json!({ "type": "string" }), table(keys)]);
            either(&[
                json!({ "type": "string" }),
                table(keys),
                json!({ "type": "array", "items": part, "minItems": 1 }),
            ])
        }
        Takes::Fields(keys) => json!({
            "type": "object",
            "properties": {
                "custom": { "type": "object", "additionalProperties": table(keys) },
            },
            "additionalProperties": table(keys),
        }),
        Takes::Values => {
            let value = json!({ "$ref": "#/definitions/value" });
            json!({
                "type": "object",
                "properties": {
                    "custom": either(&[
                        value.clone(),
                        json!({ "type": "object", "additionalProperties": value }),
                    ]),
                },
                "additionalProperties": value,
            })
        }
        Takes::Cells => {
            let cell = either(&[
                json!({ "type": scalar }),
                json!({ "type": "array", "items": { "type": scalar } }),
            ]);
            let row = json!({ "type": "object", "additionalProperties": cell });
            either(&[
                row.clone(),
                json!({ "type": "array", "items": row, "minItems": 1 }),
            ])
        }
    }
}

fn either(some: &[Value]) -> Value {
    json!({ "anyOf": some })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key of a table, and of the tables in it, with its schema beside it.
    fn walk(keys: &'static Keys, schema: &Value, path: &str, seen: &mut Vec<String>) {
        for key in keys.iter() {
            let path = format!("{path}/{}", key.name);
            let property = &schema["properties"][key.name];
            assert!(
                property["description"].is_string(),
                "{path} is not in the schema"
            );
            seen.push(path.clone());
            let inner = |index: usize| &property["anyOf"][index];
            match key.takes {
                Takes::Table(keys) => walk(keys, property, &path, seen),
                Takes::Tables(keys) => walk(keys, &property["items"], &path, seen),
                Takes::Parts(keys) => walk(keys, inner(1), &path, seen),
                Takes::WordOr(_, keys) => walk(keys, inner(1), &path, seen),
                Takes::Named(keys) if key.name != "fields" => {
                    walk(keys, &property["additionalProperties"], &path, seen);
                }
                _ => {}
            }
        }
        let known = schema["properties"].as_object().expect("properties");
        assert_eq!(
            known.len(),
            keys.iter().count(),
            "{path} has more than the loader knows"
        );
    }

    #[test]
    fn every_key_that_the_loader_knows_is_in_it_and_no_other() {
        let schema = json_schema().expect("a schema");
        let mut seen = Vec::new();
        walk(&TOP, &schema, "", &mut seen);
        walk(
            &FIELD,
            &schema["definitions"]["field"],
            "/fields/*",
            &mut seen,
        );
        assert!(
            seen.contains(&"/input/columns/parse".to_owned()),
            "{seen:?}"
        );
        assert!(seen.contains(&"/fields/*/lookup/by".to_owned()), "{seen:?}");
    }

    #[test]
    fn the_fields_are_those_of_the_systems() {
        let schema = json_schema().expect("a schema");
        for (at, system) in SystemName::ALL.into_iter().enumerate() {
            let at = at * Operation::ALL.len();
            let fields = &schema["allOf"][at]["then"]["properties"]["fields"];
            for dialect in system.dialects() {
                let table = systems::schema(system, Some(*dialect)).expect("a schema");
                for field in &table.create().fields {
                    let is_there = fields["properties"].get(field.name).is_some();
                    assert!(is_there || !can_be_set(field), "{system} {}", field.name);
                }
            }
        }
    }
}
