//! The tenant's custom fields, as answers describe them (contract incidentiq §15).

use serde_json::Value;

use super::envelope::{id, text};
use crate::directory::{Choice, CustomField, CustomType};
use crate::systems::http::refusal::member;

/// A custom field (§15); its type may stand in it or beside it.
pub(super) fn custom_field(item: &Value) -> Option<CustomField> {
    let kind = member(item, &["CustomFieldType"]).unwrap_or(item);
    let editor = member(kind, &["EditorType", "EditorTypeId"])
        .or_else(|| member(item, &["EditorTypeId"]))
        .and_then(|editor| editor.as_u64().or_else(|| editor.as_str()?.parse().ok()));
    Some(CustomField {
        id: id(item, "CustomFieldTypeId").or_else(|| id(kind, "CustomFieldTypeId"))?,
        name: text(kind, "Name").or_else(|| text(item, "Name"))?,
        kind: custom_type(editor.unwrap_or_default()),
        options: options(kind),
        max_length: member(kind, &["MaxLength"])
            .and_then(Value::as_u64)
            .and_then(|most| usize::try_from(most).ok())
            .filter(|most| *most > 0),
        required: member(item, &["IsRequired"]).and_then(Value::as_bool) == Some(true),
    })
}

/// The editor types (§15).
fn custom_type(editor: u64) -> CustomType {
    match editor {
        1 | 2 | 3 | 11 | 12 | 13 | 18 => CustomType::Text,
        4 => CustomType::Number,
        6 => CustomType::Date,
        8 => CustomType::Bool,
        9 => CustomType::Select,
        10 => CustomType::MultiSelect,
        21 | 32 => CustomType::User,
        22 => CustomType::Location,
        54 => CustomType::DateTime,
        _ => CustomType::Other,
    }
}

/// The options of a select: an array, or JSON text of one, of texts or of objects.
fn options(kind: &Value) -> Vec<Choice> {
    let parsed;
    let items = match member(kind, &["Options"]) {
        Some(Value::Array(items)) => items,
        Some(Value::String(text)) => {
            parsed = serde_json::from_str::<Value>(text).unwrap_or_default();
            match &parsed {
                Value::Array(items) => items,
                _ => return Vec::new(),
            }
        }
        _ => return Vec::new(),
    };
    items
        .iter()
        .filter_map(|item| match item {
            Value::String(value) => Some(Choice {
                id: value.clone(),
                value: value.clone(),
            }),
            object => {
                let value = ["Name", "Value", "Text", "Label"]
                    .iter()
                    .find_map(|name| text(object, name))?;
                let id = ["Id", "OptionId", "Value"]
                    .iter()
                    .find_map(|name| text(object, name))
                    .unwrap_or_else(|| value.clone());
                Some(Choice { id, value })
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_come_as_text_or_as_objects() {
        let field = |options: Value| {
            let kind = json!({"Name": "Size", "EditorType": 9, "Options": options});
            let item =
                json!({"CustomFieldTypeId": "F-1", "CustomFieldType": kind, "IsRequired": true});
            custom_field(&item).unwrap()
        };
        let named = field(json!([{"Id": "o-1", "Name": "Large"}]));
        assert_eq!(
            (named.id.as_str(), named.kind, named.required),
            ("f-1", CustomType::Select, true)
        );
        assert_eq!(named.options[0].id, "o-1");
        assert_eq!(
            field(json!(r#"["Large", "Small"]"#)).options[1].value,
            "Small"
        );
        assert!(field(json!("free text")).options.is_empty());
    }

    #[test]
    fn a_type_may_stand_alone() {
        let field = custom_field(
            &json!({"CustomFieldTypeId": "f-2", "Name": "Opened", "EditorTypeId": "54"}),
        );
        assert_eq!(field.unwrap().kind, CustomType::DateTime);
        assert_eq!(custom_field(&json!({"Name": "no id"})), None);
    }
}
