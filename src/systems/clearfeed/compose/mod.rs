//! From checked values to ClearFeed's request bodies, in either dialect (contract clearfeed, Endpoints).

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::dialect;
use super::fields::{LINK, MENTIONS_FIELD, UPDATE};
use super::mentions::neutral;
use crate::html;
use crate::systems::fields::{FieldTable, FieldValue, Setting, Target};
use crate::systems::given::{Faults, Given};
use crate::systems::{CREATE, Dialect, Operation, StepPayload};

/// What every request has: it can be changed, not emptied.
const NEVER_EMPTY: [&str; 3] = ["title", "priority", "status"];

/// The requests of one row.
pub(super) fn compose(
    dialect: Dialect,
    operation: Operation,
    table: &FieldTable,
    values: Vec<FieldValue>,
) -> Result<Vec<StepPayload>, Faults> {
    let body = match operation {
        Operation::Create | Operation::Upsert => return create(dialect, table, values),
        Operation::Update => {
            let [body, link] = sorted(dialect, table, emptied(values)?)?;
            return update(body, link);
        }
        Operation::Comment => message(dialect, Given::new(values, table)?),
        Operation::Assign => match assignment(dialect, Given::new(values, table)?)? {
            Some(body) => body,
            None => return Ok(Vec::new()),
        },
        Operation::SetStatus | Operation::Close => {
            let mut given = Given::new(values, table)?;
            let status = given.take("status").unwrap_or_else(|| json!("closed"));
            Map::from_iter([member(dialect, "status", status)])
        }
        // No call takes a file, and of the others there is no table.
        Operation::Attach | Operation::Delete | Operation::Subtask => return Err(Faults::new()),
    };
    Ok(vec![payload(operation.as_str(), body)])
}

fn create(
    dialect: Dialect,
    table: &FieldTable,
    values: Vec<FieldValue>,
) -> Result<Vec<StepPayload>, Faults> {
    let [create, update] = sorted(dialect, table, values)?;
    let mut payloads = vec![payload(CREATE, create)];
    if !update.is_empty() {
        payloads.push(payload(UPDATE, update));
    }
    Ok(payloads)
}

/// What changes a request, and what links it to an outside ticket; the first of the two bears the operation's name.
fn update(
    body: Map<String, Value>,
    mut link: Map<String, Value>,
) -> Result<Vec<StepPayload>, Faults> {
    link.retain(|_, value| !value.is_null());
    for (name, other) in [
        ("link_integration", "link_ticket_id"),
        ("link_ticket_id", "link_integration"),
    ] {
        if link.contains_key(other) && !link.contains_key(name) {
            let message = format!("is empty, and `{other}` beside it is not");
            return Err(vec![(name.to_owned(), message)]);
        }
    }
    let mut payloads = Vec::new();
    if !body.is_empty() {
        payloads.push(payload(Operation::Update.as_str(), body));
    }
    if !link.is_empty() {
        let step = match payloads.is_empty() {
            true => Operation::Update.as_str(),
            false => LINK,
        };
        payloads.push(payload(step, link));
    }
    Ok(payloads)
}

/// The members of the first request, and those of the one that follows.
fn sorted(
    dialect: Dialect,
    table: &FieldTable,
    values: Vec<FieldValue>,
) -> Result<[Map<String, Value>; 2], Faults> {
    let mut own = Map::new();
    let mut later = Map::new();
    let mut faults = Faults::new();
    let is_neutral = |value: &FieldValue| match &value.target {
        Target::Field(field) => field.name == MENTIONS_FIELD && value.value == json!("neutral"),
        Target::Custom(_) => false,
    };
    let is_neutral = values.iter().any(is_neutral);
    for FieldValue { target, value } in values {
        match target {
            Target::Custom(field) => {
                let body = match table.custom {
                    Setting::Own => &mut own,
                    _ => &mut later,
                };
                match dialect::custom(dialect, &field, value) {
                    Ok((name, value)) => put(body, dialect::custom_member(dialect), name, value),
                    Err(message) => faults.push((format!("custom.{}", field.name), message)),
                }
            }
            Target::Field(field) if field.name == MENTIONS_FIELD => {}
            Target::Field(field) => {
                let value = match (field.name, value) {
                    ("title" | "description", Value::String(text)) if is_neutral => {
                        Value::String(neutral(&text))
                    }
                    (_, value) => value,
                };
                let (member, value) = member(dialect, field.name, value);
                match field.setting {
                    Setting::Own => _ = own.insert(member, value),
                    Setting::Step(_) => _ = later.insert(member, value),
                    Setting::Never(instead) => {
                        faults.push((field.name.to_owned(), instead.to_owned()));
                    }
                }
            }
        }
    }
    match faults.is_empty() {
        true => Ok([own, later]),
        false => Err(faults),
    }
}

/// The values of an update, unless one empties what cannot be empty.
fn emptied(values: Vec<FieldValue>) -> Result<Vec<FieldValue>, Faults> {
    let faults: Faults = values
        .iter()
        .filter(|value| value.value.is_null())
        .filter_map(|value| match &value.target {
            Target::Field(field) if NEVER_EMPTY.contains(&field.name) => Some((
                field.name.to_owned(),
                "every request has one: it can be changed, not emptied".to_owned(),
            )),
            _ => None,
        })
        .collect();
    match faults.is_empty() {
        true => Ok(values),
        false => Err(faults),
    }
}

fn message(dialect: Dialect, mut given: Given) -> Map<String, Value> {
    let mut text = given.text("body").unwrap_or_default();
    if given.text(MENTIONS_FIELD).as_deref() == Some("neutral") {
        text = neutral(&text);
    }
    let text = html::of(text);
    let mut body = Map::from_iter([
        ("html_body".to_owned(), json!(text)),
        ("is_private".to_owned(), json!(!given.flag("public"))),
    ]);
    let rest = given.rest();
    body.extend(rest.map(|(name, value)| member(dialect, name, value)));
    body
}

/// Who works on it from now on; `None`: nobody is named.
fn assignment(dialect: Dialect, mut given: Given) -> Result<Option<Map<String, Value>>, Faults> {
    let assignee = given.take("assignee_id");
    let is_taken = !given.words("unassign").is_empty();
    let value = match (assignee, is_taken) {
        (Some(_), true) => {
            let message = "takes away the `user` that the same row assigns";
            return Err(vec![("unassign".to_owned(), message.to_owned())]);
        }
        (Some(assignee), false) => assignee,
        (None, true) => Value::Null,
        (None, false) => return Ok(None),
    };
    Ok(Some(Map::from_iter([member(
        dialect,
        "assignee_id",
        value,
    )])))
}

/// A field as the dialect spells it: the member, and its value.
fn member(dialect: Dialect, name: &'static str, value: Value) -> (String, Value) {
    let id = |value: Value| match value {
        Value::String(text) => dialect::id(dialect, &text),
        other => other,
    };
    let (name, value) = match (name, value) {
        ("collection_id", value) => (name, id(value)),
        ("assignee_id", value) if dialect == Dialect::Rest => {
            (dialect::assignee_member(dialect), id(value))
        }
        ("priority", Value::String(word)) => (name, Value::from(dialect::priority(dialect, &word))),
        ("status", value) => (dialect::status_member(dialect), value),
        (name, value) => (name, value),
    };
    (name.to_owned(), value)
}

fn payload(step: &'static str, body: Map<String, Value>) -> StepPayload {
    StepPayload {
        step: Cow::Borrowed(step),
        ordinal: 0,
        body: Value::Object(body),
    }
}

/// Puts a member into the object of that name, which is made when it is not there.
fn put(body: &mut Map<String, Value>, group: &str, name: String, value: Value) {
    let group = body
        .entry(group)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(members) = group {
        members.insert(name, value);
    }
}
