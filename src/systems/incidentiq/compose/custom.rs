//! The values of custom fields as IncidentIQ holds them (contract incidentiq §15).

use serde_json::Value;

use crate::directory::{CustomField, CustomType};
use crate::record::Cell;

/// A custom field's `Value`, which is always a string (§15): a select holds the text of its option, on/off
/// `yes` or `no`, pickers and multi-selects JSON text.
pub(super) fn custom_text(field: &CustomField, value: &Value) -> Result<String, String> {
    match field.kind {
        CustomType::Select => Ok(option_text(field, &plain(value))),
        CustomType::MultiSelect | CustomType::User | CustomType::Location => {
            let ids = match value {
                Value::Array(ids) => ids.clone(),
                one => vec![one.clone()],
            };
            Ok(Value::Array(ids).to_string())
        }
        CustomType::Bool => Ok(match value {
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            other => plain(other),
        }),
        CustomType::Other => Err(format!(
            "the custom field `{}` is of a type that cannot be written from a table",
            field.name
        )),
        _ => Ok(plain(value)),
    }
}

fn option_text(field: &CustomField, id: &str) -> String {
    field
        .options
        .iter()
        .find(|option| option.id == id)
        .map_or_else(|| id.to_owned(), |option| option.value.clone())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        // A number is written as everywhere else, without decimals that are none.
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(number) => Cell::Number(number).text().into_owned(),
            None => number.to_string(),
        },
        other => other.to_string(),
    }
}
