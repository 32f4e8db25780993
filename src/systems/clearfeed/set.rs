//! Whether a request shows what a step was to set of it, where nobody knows if it was sent.

use serde_json::Value;

use super::requests::text;
use crate::systems::http::refusal::member;

/// Whether a request shows all that a body sets; `None`: nothing tells.
pub(super) fn is_shown(request: &Value, body: &Value) -> Option<bool> {
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
}
