//! The first levels of a JSON text.
//!
//! A system answers a create with the whole ticket and all that it refers to, of which an id and a number are
//! wanted: making values of the rest cost more than sending the request.

use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads a whole JSON text and keeps so many levels of objects and arrays (1: the outermost one alone); what lies
/// deeper is checked for its form and left out.
///
/// # Errors
/// When the text is no JSON, however deep the fault lies.
pub(super) fn outline(body: &[u8], levels: usize) -> serde_json::Result<Value> {
    let mut text = serde_json::Deserializer::from_slice(body);
    let value = Level(levels).deserialize(&mut text)?;
    text.end().map(|()| value)
}

/// So many levels are still kept.
#[derive(Clone, Copy)]
struct Level(usize);

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, text: D) -> Result<Value, D::Error> {
        text.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Some(inner) = self.inner() else {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        };
        let mut kept = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            kept.push(item);
        }
        Ok(Value::Array(kept))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let Some(inner) = self.inner() else {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        };
        let mut kept = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if !value.is_null() {
                kept.insert(name, value);
            }
        }
        Ok(Value::Object(kept))
    }
}

impl Level {
    /// The level below; `None` when this one is not kept.
    fn inner(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_lies_deep_is_left_out_and_still_has_to_be_json() {
        let text = br#"{"Item": {"Id": "a", "No": 7, "For": {"Name": "x"}, "Tags": [1]}, "Ok": true, "Uid": null}"#;
        assert_eq!(
            outline(text, 2).unwrap(),
            json!({"Item": {"Id": "a", "No": 7}, "Ok": true})
        );
        assert!(outline(br#"{"Item": {"For": {"Name": x}}}"#, 2).is_err());
        assert!(outline(br#"{"Item": {"For": {"Name": 1}}"#, 2).is_err());
        assert!(outline(b"{} {}", 2).is_err());
        assert_eq!(outline(b"[1, [2, [3]]]", 2).unwrap(), json!([1, [2, null]]));
    }
}
