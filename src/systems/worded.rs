//! Values of payloads as people read them: names in place of ids, a person with the address, a room with its building.

use serde_json::Value;

use super::common::Named;
use super::fields::{Field, FieldType, FieldValue, Target};
use crate::directory::{CustomField, CustomType, Directory, Kind};

/// A value that a field is to take, as people read it.
pub fn words(value: &FieldValue, directory: &Directory) -> String {
    let one = |item: &Value| match &value.target {
        Target::Custom(field) => custom(directory, field, &plain(item)),
        Target::Field(field) => of_field(directory, field, item),
    };
    let items = match &value.value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let items = items.iter().filter(|item| !item.is_null());
    items.map(one).collect::<Vec<_>>().join(", ")
}

fn of_field(directory: &Directory, field: &Field, value: &Value) -> String {
    match field.kind.item() {
        FieldType::Reference(kind) => entry(directory, *kind, &plain(value)),
        FieldType::Bool => yes_or_no(&plain(value)),
        _ => plain(value),
    }
}

fn custom(directory: &Directory, field: &CustomField, text: &str) -> String {
    let option = field.options.iter().find(|option| option.id == text);
    match (option, field.kind) {
        (Some(option), _) => option.value.clone(),
        (None, CustomType::User) => entry(directory, Kind::User, text),
        (None, CustomType::Location) => entry(directory, Kind::Location, text),
        (None, CustomType::Bool) => yes_or_no(text),
        (None, _) => text.to_owned(),
    }
}

/// An entry as people know it.
fn entry(directory: &Directory, kind: Kind, id: &str) -> String {
    let Some(entry) = directory.entry(kind, id) else {
        return id.to_owned();
    };
    let named = Named::entry(entry);
    let name = named.label().to_owned();
    let building = entry.parent.as_deref();
    let building = building.and_then(|id| directory.loaded_entry(Kind::Location, id));
    match (kind, named.email, building) {
        (Kind::User, Some(email), _) if email != name => format!("{name} ({email})"),
        (Kind::Room, _, Some(building)) => format!("{name}, {}", building.name),
        _ => name,
    }
}

fn yes_or_no(text: &str) -> String {
    let is_on = ["true", "yes", "1"].contains(&text.to_ascii_lowercase().as_str());
    if is_on { "yes" } else { "no" }.to_owned()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
