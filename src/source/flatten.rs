//! One JSON object into cells named by their paths: `a.b` for a member of a member.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::record::Cell;

/// Deeper nesting is refused, as serde_json does.
const DEEPEST: usize = 120;

/// The cells of one object in order, each with its path; members of the same name are all there.
///
/// # Errors
/// Why the text is no object, for people.
pub(super) fn object(text: &str) -> Result<Vec<(String, Cell)>, String> {
    let raw: &RawValue = serde_json::from_str(text).map_err(invalid)?;
    if !raw.get().starts_with('{') {
        // Validates what is inside as well: a lone surrogate only shows when strings are read.
        cell(raw, 0)?;
        return Err(format!("is {} where an object should be", kind(raw.get())));
    }
    let mut cells = Vec::new();
    members(raw, "", 0, &mut cells)?;
    Ok(cells)
}

/// Why a text is not JSON, for people.
pub(super) fn invalid(error: serde_json::Error) -> String {
    let text = error.to_string();
    // Every text is one value: its line is always the first and the place of the record is told anyway.
    format!(
        "is not valid JSON: {}",
        text.replace(" at line 1 column ", " at column ")
    )
}

fn kind(literal: &str) -> &'static str {
    match literal.as_bytes().first() {
        Some(b'[') => "an array",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(b'{') => "an object",
        _ => "a number",
    }
}

fn members(
    raw: &RawValue,
    prefix: &str,
    depth: usize,
    cells: &mut Vec<(String, Cell)>,
) -> Result<(), String> {
    let Members(members) = nested(raw, depth)?;
    for (name, value) in members {
        let path = if depth == 0 {
            name
        } else {
            format!("{prefix}.{name}")
        };
        if value.get().starts_with('{') && value.get() != "{}" {
            let before = cells.len();
            members_of(value, &path, depth, cells)?;
            if cells.len() > before {
                continue;
            }
        }
        cells.push((path, cell(value, depth)?));
    }
    Ok(())
}

fn members_of(
    raw: &RawValue,
    path: &str,
    depth: usize,
    cells: &mut Vec<(String, Cell)>,
) -> Result<(), String> {
    members(raw, path, depth + 1, cells)
}

/// A value that is no object, or an empty one.
fn cell(raw: &RawValue, depth: usize) -> Result<Cell, String> {
    Ok(match value(raw, depth)? {
        Value::Null => Cell::Empty,
        Value::Bool(value) => Cell::Bool(value),
        Value::String(text) if text.is_empty() => Cell::Empty,
        Value::String(text) => Cell::Text(text.into()),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Cell::Integer(whole),
            None => Cell::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
        value => Cell::Json(Box::new(value)),
    })
}

/// A value in full; a whole number past 64 bits becomes the text of its digits, lest some be lost.
fn value(raw: &RawValue, depth: usize) -> Result<Value, String> {
    let literal = raw.get();
    Ok(match literal.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = nested(raw, depth)?;
            let mut object = serde_json::Map::with_capacity(members.len());
            for (name, member) in members {
                let member = value(member, depth + 1)?;
                if object.get(&name).is_some_and(|known| *known != member) {
                    return Err(format!(
                        "has `{name}` twice in one object, with different values"
                    ));
                }
                object.insert(name, member);
            }
            Value::Object(object)
        }
        Some(b'[') => {
            let Items(items) = nested(raw, depth)?;
            let items: Result<_, _> = items
                .into_iter()
                .map(|item| value(item, depth + 1))
                .collect();
            Value::Array(items?)
        }
        Some(b'-' | b'0'..=b'9') => number(literal),
        _ => serde_json::from_str(literal).map_err(invalid)?,
    })
}

fn number(literal: &str) -> Value {
    if let Ok(whole) = literal.parse::<i64>() {
        return whole.into();
    }
    let fraction = literal.contains(['.', 'e', 'E']);
    match literal
        .parse::<f64>()
        .ok()
        .and_then(serde_json::Number::from_f64)
    {
        Some(number) if fraction => Value::Number(number),
        _ => Value::String(literal.to_owned()),
    }
}

fn nested<'a, T: Deserialize<'a>>(raw: &'a RawValue, depth: usize) -> Result<T, String> {
    if depth >= DEEPEST {
        return Err(format!("is nested deeper than {DEEPEST} levels"));
    }
    serde_json::from_str(raw.get()).map_err(invalid)
}

/// The members of an object in order, those of one name too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect).map(Members)
    }
}

struct Items<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<&'de RawValue>()? {
                    items.push(item);
                }
                Ok(items)
            }
        }
        deserializer.deserialize_seq(Collect).map(Items)
    }
}

/// Whether a text is one valid JSON value.
pub(super) fn check(text: &[u8]) -> Result<(), String> {
    match serde_json::from_slice::<IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(invalid(error)),
    }
}

/// A member's name from its literal.
pub(super) fn name(literal: &[u8]) -> Result<String, String> {
    serde_json::from_slice(literal).map_err(|error: serde_json::Error| {
        invalid(<serde_json::Error as de::Error>::custom(error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_members_are_reached_by_paths() {
        let cells = object(
            r#"{"id":7,"who":{"name":"Ada","at":{"room":null}},"tags":["a"],"none":{},"id":8}"#,
        )
        .unwrap();
        let expected = [
            ("id", Cell::Integer(7)),
            ("who.name", Cell::Text("Ada".into())),
            ("who.at.room", Cell::Empty),
            ("tags", Cell::Json(Box::new(serde_json::json!(["a"])))),
            ("none", Cell::Json(Box::new(serde_json::json!({})))),
            ("id", Cell::Integer(8)),
        ];
        let expected: Vec<_> = expected
            .map(|(path, cell)| (path.to_owned(), cell))
            .to_vec();
        assert_eq!(cells, expected);
    }

    #[test]
    fn no_digit_is_lost() {
        let cells = object(r#"{"a":9223372036854775808,"b":-1.5,"c":[123456789012345678901234],"d":9223372036854775807}"#).unwrap();
        assert_eq!(cells[0].1, Cell::Text("9223372036854775808".into()));
        assert_eq!(cells[1].1, Cell::Number(-1.5));
        assert_eq!(cells[2].1.text(), r#"["123456789012345678901234"]"#);
        assert_eq!(cells[3].1, Cell::Integer(i64::MAX));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert_eq!(
            object("[1]").unwrap_err(),
            "is an array where an object should be"
        );
        assert!(
            object(r#"{"a":}"#)
                .unwrap_err()
                .starts_with("is not valid JSON")
        );
        let deep = format!("{}1{}", r#"{"a":"#.repeat(5000), "}".repeat(5000));
        assert!(object(&deep).is_err());
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
        assert!(object(&deep).is_err());
    }
}
