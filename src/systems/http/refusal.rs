//! What a refusing answer says, whatever its shape (contract incidentiq §2, §17, §19 D16).
//!
//! `Errors` may be a list of objects, a list of texts, a map from field to texts, or soft warnings beside a
//! success; ClearFeed's error bodies are not documented, so the usual members are read too.

use serde_json::{Map, Value};

use super::{Answer, shortened};
use crate::systems::Refusal;

/// How a system's name of a member becomes the mapping's name of a field.
pub(crate) type Rename = fn(&str) -> String;

/// Why an answer refuses.
pub(crate) fn refusal(status: u16, answer: &Answer, rename: Rename) -> Refusal {
    match answer.json() {
        Ok(body) => of_body(status, &body, rename),
        Err(what) => Refusal {
            status,
            message: format!("answered with {what}"),
            fields: Vec::new(),
        },
    }
}

/// Why a JSON body refuses.
pub(crate) fn of_body(status: u16, body: &Value, rename: Rename) -> Refusal {
    let mut fields = Vec::new();
    let mut loose = Vec::new();
    for (field, message) in errors(body) {
        match field {
            Some(field) => fields.push((rename(&field), message)),
            None => loose.push(message),
        }
    }
    let message = message(body)
        .or_else(|| (!loose.is_empty()).then(|| loose.join("; ")))
        .or_else(|| fields.first().map(|(_, message)| message.clone()))
        .unwrap_or_else(|| reason(status).to_owned());
    let key = member(body, &["ErrorKey"]).and_then(text);
    Refusal {
        status,
        message: match key {
            Some(key) => format!("{message} ({key})"),
            None => message,
        },
        fields,
    }
}

/// Soft warnings of a success.
pub(crate) fn warnings(body: &Value) -> Vec<String> {
    errors(body)
        .into_iter()
        .map(|(field, message)| match field {
            Some(field) => format!("{field}: {message}"),
            None => message,
        })
        .collect()
}

/// The message of a whole answer.
pub(crate) fn message(body: &Value) -> Option<String> {
    let found = member(body, &["Message", "error_description", "detail", "title"]).and_then(text);
    found.or_else(|| match member(body, &["Error"]) {
        Some(error @ Value::Object(_)) => message(error),
        Some(error) => text(error),
        None => None,
    })
}

/// Under which members errors and warnings stand.
const ERRORS: [&str; 2] = ["Errors", "details"];

/// Whether a body tells errors, or warnings beside a success.
pub(super) fn bears_errors(body: &Value) -> bool {
    member(body, &ERRORS).is_some()
}

/// Every single error with its field, where one is named.
fn errors(body: &Value) -> Vec<(Option<String>, String)> {
    let mut found = Vec::new();
    match member(body, &ERRORS) {
        Some(Value::Array(items)) => {
            for item in items {
                match item {
                    Value::Object(_) => {
                        let field =
                            member(item, &["Field", "PropertyName", "path", "name"]).and_then(text);
                        if let Some(message) = message(item)
                            .or_else(|| member(item, &["Code", "ErrorKey"]).and_then(text))
                        {
                            found.push((field, message));
                        }
                    }
                    other => found.extend(text(other).map(|message| (None, message))),
                }
            }
        }
        Some(Value::Object(map)) => of_map(map, &mut found),
        Some(other) => found.extend(text(other).map(|message| (None, message))),
        None => {}
    }
    found
}

fn of_map(map: &Map<String, Value>, found: &mut Vec<(Option<String>, String)>) {
    for (field, messages) in map {
        let field = (!field.is_empty()).then(|| field.clone());
        match messages {
            Value::Array(messages) => found.extend(
                messages
                    .iter()
                    .filter_map(text)
                    .map(|message| (field.clone(), message)),
            ),
            object @ Value::Object(_) => {
                found.extend(message(object).map(|message| (field, message)));
            }
            one => found.extend(text(one).map(|message| (field, message))),
        }
    }
}

/// A member by any of its names, without case.
pub(crate) fn member<'a>(body: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let object = body.as_object()?;
    names.iter().find_map(|name| {
        // Nearly all answers spell it as the contract does.
        if let Some(value) = object.get(*name).filter(|value| !value.is_null()) {
            return Some(value);
        }
        object
            .iter()
            .find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_null())
            .map(|(_, value)| value)
    })
}

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then(|| shortened(&text))
}

/// A status in words, for an answer that has none.
fn reason(status: u16) -> &'static str {
    match status {
        400 | 422 => "the request is not as the system wants it, and it does not say why",
        401 => "the token is not accepted",
        403 => "the token may not do this",
        404 => "not found",
        409 => "it clashes with what is there",
        413 => "too large",
        _ => "the system gives no reason",
    }
}
