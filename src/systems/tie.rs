//! Steps that name another ticket by the key of the row that makes it: until that ticket is there, its id stands in the
//! body as the key.

use serde_json::{Map, Value};

/// The member of the object that stands where the id of a ticket will.
const KEYED: &str = "ticket_of_key";

/// What stands in a body for the id of the ticket that the row of a key makes.
pub(crate) fn keyed(key: &str) -> Value {
    Value::Object(Map::from_iter([(KEYED.to_owned(), Value::from(key))]))
}

/// The key of [`keyed`].
fn key_of(value: &Value) -> Option<&str> {
    match value {
        Value::Object(members) if members.len() == 1 => members.get(KEYED)?.as_str(),
        _ => None,
    }
}

/// The keys that a body names.
pub(crate) fn keys_of(body: &Value) -> Vec<String> {
    fn gather(value: &Value, keys: &mut Vec<String>) {
        if let Some(key) = key_of(value) {
            keys.push(key.to_owned());
            return;
        }
        match value {
            Value::Object(members) => members.values().for_each(|value| gather(value, keys)),
            Value::Array(items) => items.iter().for_each(|value| gather(value, keys)),
            _ => {}
        }
    }
    let mut keys = Vec::new();
    gather(body, &mut keys);
    keys
}

/// Puts the ids of tickets where their keys stand; `id` tells them, and a key without one stays.
pub(crate) fn tie(body: &mut Value, id: &dyn Fn(&str) -> Option<String>) {
    if let Some(key) = key_of(body) {
        if let Some(id) = id(key) {
            *body = Value::String(id);
        }
        return;
    }
    match body {
        Value::Object(members) => members.values_mut().for_each(|value| tie(value, id)),
        Value::Array(items) => items.iter_mut().for_each(|value| tie(value, id)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_become_ids() {
        let mut body = json!({"a": keyed("1"), "b": [{"c": keyed("2")}], "d": {"e": "x"}});
        assert_eq!(keys_of(&body), ["1", "2"]);
        tie(&mut body, &|key| (key == "1").then(|| "id-1".to_owned()));
        assert_eq!(body["a"], "id-1");
        assert_eq!(keys_of(&body), ["2"]);
        assert!(keys_of(&json!({"ticket_of_key": 1, "x": 2})).is_empty());
    }
}
