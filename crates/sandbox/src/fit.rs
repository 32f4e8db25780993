//! Whether a body is of the type that its row names. What is not is refused before a handler sees it, so that no handler
//! meets a list where it counts on an object.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::schema::{Field, Type, parse};

/// How many faults of one body are reported.
const MAX_MISFITS: usize = 20;
/// How much of a wrong value is shown.
const MAX_SHOWN: usize = 80;

/// What a place of a body must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Guid,
    Text,
    Integer,
    Number,
    Flag,
    Object,
    List,
}

/// What is wrong with one place of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    /// Where: `Assets[0].AssetId`; empty for the body itself.
    pub(super) place: String,
    pub(super) wanted: Wanted,
    /// The value there, cut where it is long.
    pub(super) found: String,
}

/// The types that rows name.
#[derive(Debug, Default)]
pub(super) struct Types {
    named: HashMap<&'static str, Type<'static>>,
    /// Whether the name of a member is one in any case.
    has_no_case: bool,
}

impl Types {
    /// # Panics
    /// When a schema is none in the notation: they are constants, and the tests of the documents read them all.
    pub(super) fn new(schemas: &[(&'static str, &'static str)], has_no_case: bool) -> Self {
        let read = |notation| parse(notation).expect("the notation of a schema");
        Self {
            named: schemas
                .iter()
                .map(|(name, notation)| (*name, read(notation)))
                .collect(),
            has_no_case,
        }
    }

    /// What does not fit in a body. An absent or null member is for the handler to judge.
    pub(super) fn misfits(&self, of: &Type<'_>, body: &Value) -> Vec<Misfit> {
        let mut found = Vec::new();
        self.look(of, body, String::new(), &mut found);
        found
    }

    fn look(&self, of: &Type<'_>, value: &Value, place: String, found: &mut Vec<Misfit>) {
        if found.len() >= MAX_MISFITS {
            return;
        }
        match of {
            Type::OrNull(inner) => {
                // An empty text is how forms write "no id".
                if !value.is_null() && value.as_str() != Some("") {
                    self.look(inner, value, place, found);
                }
            }
            Type::Wrapped(_, inner) => self.look(inner, value, place, found),
            Type::List(inner) => match value.as_array() {
                Some(items) => {
                    for (nth, item) in items.iter().enumerate() {
                        self.look(inner, item, format!("{place}[{nth}]"), found);
                    }
                }
                None => found.push(misfit(place, Wanted::List, value)),
            },
            Type::Object(fields) => match value.as_object() {
                Some(members) => self.members(fields, members, &place, found),
                None => found.push(misfit(place, Wanted::Object, value)),
            },
            Type::Name(name) => match self.named.get(name) {
                Some(of) => self.look(of, value, place, found),
                None => {
                    if let Some(wanted) = unmet(name, value) {
                        found.push(misfit(place, wanted, value));
                    }
                }
            },
        }
    }

    fn members(
        &self,
        fields: &[Field<'_>],
        members: &Map<String, Value>,
        place: &str,
        found: &mut Vec<Misfit>,
    ) {
        for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            let field = fields.iter().find(|field| {
                field.name == key || (self.has_no_case && field.name.eq_ignore_ascii_case(key))
            });
            if let Some(field) = field {
                let dot = if place.is_empty() { "" } else { "." };
                let place = format!("{place}{dot}{}", field.name);
                self.look(&field.of, value, place, found);
            }
        }
    }
}

/// What a value of a plain type is not.
fn unmet(name: &str, value: &Value) -> Option<Wanted> {
    let (wanted, is_met) = match name {
        "guid" => {
            let id = value.as_str().map(uuid::Uuid::parse_str);
            (Wanted::Guid, id.is_some_and(|id| id.is_ok()))
        }
        "text" | "time" => (Wanted::Text, value.is_string()),
        "int" => (Wanted::Integer, value.is_i64() || value.is_u64()),
        "number" => (Wanted::Number, value.is_number()),
        "bool" => (Wanted::Flag, value.is_boolean()),
        "object" => (Wanted::Object, value.is_object()),
        _ => return None,
    };
    (!is_met).then_some(wanted)
}

fn misfit(place: String, wanted: Wanted, value: &Value) -> Misfit {
    let text = value.to_string();
    let found = match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    Misfit {
        place,
        wanted,
        found,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(has_no_case: bool, notation: &str, body: Value) -> Vec<(String, Wanted)> {
        let types = Types::new(&[("Asset", "{AssetId* guid, Count int}")], has_no_case);
        let found = types.misfits(&parse(notation).unwrap(), &body);
        found
            .into_iter()
            .map(|one| (one.place, one.wanted))
            .collect()
    }

    #[test]
    fn a_fault_is_named_by_its_place() {
        let notation = "{Subject text?, Assets [Asset]}";
        let body = json!({ "Subject": 7, "Assets": [{ "AssetId": "x", "Count": 1.5 }, null], "Other": [] });
        assert_eq!(
            places(false, notation, body),
            [
                ("Subject".to_owned(), Wanted::Text),
                ("Assets[0].AssetId".to_owned(), Wanted::Guid),
                ("Assets[0].Count".to_owned(), Wanted::Integer),
                ("Assets[1]".to_owned(), Wanted::Object),
            ]
        );
        assert_eq!(
            places(false, "[guid]", json!({})),
            [(String::new(), Wanted::List)]
        );
        assert!(places(false, notation, json!({ "Subject": null, "Assets": null })).is_empty());
        assert!(places(false, "any", json!([1])).is_empty());
    }

    #[test]
    fn names_have_a_case_where_the_system_says_so() {
        let body = || json!({ "subject": 7 });
        assert!(places(false, "{Subject text}", body()).is_empty());
        assert_eq!(places(true, "{Subject text}", body()).len(), 1);
    }

    #[test]
    fn a_long_list_of_faults_and_a_long_value_are_cut() {
        let many = vec![json!("x".repeat(500)); 100];
        let types = Types::default();
        let found = types.misfits(&parse("[int]").unwrap(), &Value::Array(many));
        assert_eq!(found.len(), MAX_MISFITS);
        assert!(found[0].found.chars().count() <= MAX_SHOWN + 1);
    }
}
