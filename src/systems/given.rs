//! The values of a row by the names of their fields, for the operations on a ticket that stands.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{FieldTable, FieldValue, Setting, Target};

/// What a system cannot hold although each value is right by itself, as (field, message).
pub(super) type Faults = Vec<(String, String)>;

/// The values that were given; JSON null counts as none.
#[derive(Debug)]
pub(super) struct Given(BTreeMap<&'static str, Value>);

impl Given {
    /// Takes the values of an operation that sets no custom fields.
    ///
    /// # Errors
    /// For what nothing sets, and for what is demanded and was not given.
    pub(super) fn new(values: Vec<FieldValue>, table: &FieldTable) -> Result<Self, Faults> {
        let mut given = BTreeMap::new();
        let mut faults = Faults::new();
        for FieldValue { target, value } in values {
            let (name, setting) = match &target {
                Target::Custom(field) => (format!("custom.{}", field.name), table.custom),
                Target::Field(field) => (field.name.to_owned(), field.setting),
            };
            match (setting, target) {
                (Setting::Never(instead), _) => faults.push((name, instead.to_owned())),
                (_, Target::Field(field)) if !value.is_null() => {
                    given.insert(field.name, value);
                }
                _ => {}
            }
        }
        for field in table.fields.iter().filter(|field| field.required) {
            let is_empty =
                |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
            if given.get(field.name).is_none_or(is_empty) {
                faults.push((
                    field.name.to_owned(),
                    "is required and empty here".to_owned(),
                ));
            }
        }
        match faults.is_empty() {
            true => Ok(Self(given)),
            false => Err(faults),
        }
    }

    /// The value of a field, once.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// A text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }

    /// Whether a field is on; one that was not given is off.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        self.take(name).and_then(|value| value.as_bool()) == Some(true)
    }

    /// The words of a list.
    pub(super) fn words(&mut self, name: &str) -> Vec<String> {
        let items = match self.take(name) {
            Some(Value::Array(items)) => items,
            one => one.into_iter().collect(),
        };
        let word = |item: Value| item.as_str().map(str::to_owned);
        items.into_iter().filter_map(word).collect()
    }

    /// All that is left.
    pub(super) fn rest(self) -> impl Iterator<Item = (&'static str, Value)> {
        self.0.into_iter()
    }
}
