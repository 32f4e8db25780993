//! Whether a request shows what a step was to set of it, where nobody knows if it was sent.

use serde_json::Value;

use super::requests::text;
use crate::systems::http::refusal::member;
use crate::systems::sighting::Shown;

/// What a request shows of what a body sets.
pub(super) fn shown(request: &Value, body: &Value) -> Shown {
    let mut members = body.as_object().into_iter().flatten();
    let is_kept = |(name, wanted): (&String, &Value)| {
        is_member(request, name, wanted) == Some(true) || is_unset(request, name, wanted)
    };
    match is_shown(request, body) {
        Some(true) => Shown::AsSet,
        Some(false) if members.all(is_kept) => Shown::Unset,
        Some(false) => Shown::Otherwise,
        None => Shown::Untold,
    }
}

/// Whether nothing is set in the place of a member, or nothing that it would replace.
fn is_unset(request: &Value, name: &str, wanted: &Value) -> bool {
    match name {
        "assignee" | "assignee_id" => {
            let shown = member(request, &["assignee", "assignee_id"]);
            shown.is_none_or(Value::is_null)
        }
        // Tags are added to those that are there.
        "tags" => true,
        "state" | "status" | "title" | "priority" => false,
        _ => {
            let shown = member(request, &[name]).and_then(Value::as_object);
            let mut wanted = wanted.as_object().into_iter().flatten();
            wanted.all(|(field, wanted)| {
                let shown = shown.and_then(|shown| shown.get(field));
                shown.is_none_or(|shown| shown.is_null() || shown == wanted)
            })
        }
    }
}

/// Whether a request shows all that a body sets; `None`: nothing tells.
fn is_shown(request: &Value, body: &Value) -> Option<bool> {
    let members = body.as_object()?;
    let mut all = Some(true);
    for (name, wanted) in members {
        match is_member(request, name, wanted) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    all
}

fn is_member(request: &Value, name: &str, wanted: &Value) -> Option<bool> {
    match name {
        "state" | "status" => {
            let shown = text(request, "state").or_else(|| text(request, "status"))?;
            Some(Some(shown) == scalar(wanted))
        }
        "assignee" | "assignee_id" => {
            let id = |of: &Value| {
                let own = member(of, &["id"]).unwrap_or(of);
                // `usr_501` and 501 are one.
                scalar(own).map(|id| id.trim_start_matches("usr_").to_owned())
            };
            let shown = member(request, &["assignee", "assignee_id"])?;
            Some(id(shown) == id(wanted))
        }
        "tags" => {
            let shown = member(request, &["tags"]).and_then(Value::as_array)?;
            let name = |tag: &Value| scalar(member(tag, &["name"]).unwrap_or(tag));
            let has = |tag: &Value| shown.iter().any(|shown| name(shown) == name(tag));
            Some(wanted.as_array()?.iter().all(has))
        }
        "title" | "priority" => Some(text(request, name) == scalar(wanted)),
        _ => {
            let shown = member(request, &[name])?.as_object()?;
            let mut values = wanted.as_object()?.iter();
            Some(values.all(|(field, wanted)| shown.get(field) == Some(wanted)))
        }
    }
}

/// A text or a number, as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_shows_what_was_set_or_something_else() {
        let request = json!({"state": "in_progress", "assignee": {"id": 501}, "tags": ["a", "b"],
                             "custom_field_values": {"71": "x"}});
        for (body, expected) in [
            (json!({"state": "in_progress", "tags": ["a"]}), Some(true)),
            (json!({"status": "open"}), Some(false)),
            (json!({"assignee": 501}), Some(true)),
            (json!({"assignee_id": "usr_502"}), Some(false)),
            (json!({"custom_field_values": {"71": "x"}}), Some(true)),
            (json!({"custom_field_values": {"71": "y"}}), Some(false)),
            (json!({"team": 4, "tags": ["a"]}), None),
            (json!({"team": 4, "tags": ["c"]}), Some(false)),
        ] {
            assert_eq!(is_shown(&request, &body), expected, "{body}");
        }
    }

    #[test]
    fn what_is_empty_is_nobodys() {
        let request = json!({"state": "open", "assignee": null,
                             "custom_field_values": {"71": "x", "72": null}});
        for (body, expected) in [
            (json!({"assignee": 501}), Shown::Untold),
            (
                json!({"custom_field_values": {"72": "y", "73": 1}}),
                Shown::Unset,
            ),
            (
                json!({"custom_field_values": {"71": "x", "73": 1}}),
                Shown::Unset,
            ),
            (
                json!({"custom_field_values": {"71": "y"}}),
                Shown::Otherwise,
            ),
            (
                json!({"assignee": 501, "state": "pending"}),
                Shown::Otherwise,
            ),
            (json!({"assignee": 501, "state": "open"}), Shown::Untold),
            (json!({"state": "open"}), Shown::AsSet),
        ] {
            assert_eq!(shown(&request, &body), expected, "{body}");
        }
    }
}
