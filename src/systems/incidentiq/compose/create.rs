//! A create, and what it cannot take (contract incidentiq §7).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::custom::custom_text;
use super::{Composed, objects, payload, step_body};
use crate::systems::CREATE;
use crate::systems::fields::{FieldValue, Setting, Target};
use crate::systems::given::Faults;
use crate::systems::incidentiq::fields::{ASSIGN, DUE_DATE, OWNER, PRIORITY, SLA, STATUS, TAGS};

/// The order in which further steps go: the status last, since it may end what may be changed.
const STEPS: [&str; 7] = [PRIORITY, TAGS, OWNER, ASSIGN, SLA, DUE_DATE, STATUS];

/// The steps of a create; `empty` is its body before any value.
pub(in crate::systems::incidentiq) fn create(
    empty: &Map<String, Value>,
    values: Vec<FieldValue>,
) -> Composed {
    // Each is made once: a copy needs no hashing.
    let mut body = empty.clone();
    let mut custom = Vec::new();
    let mut steps: BTreeMap<&'static str, Map<String, Value>> = BTreeMap::new();
    let mut faults = Faults::new();
    for FieldValue { target, value } in values {
        match target {
            Target::Custom(field) => match custom_text(&field, &value) {
                Ok(text) => custom.push(json!({"CustomFieldTypeId": field.id, "Value": text})),
                Err(message) => faults.push((format!("custom.{}", field.name), message)),
            },
            Target::Field(field) => match field.setting {
                Setting::Own if field.name == "Assets" => {
                    body.insert(field.name.to_owned(), objects("AssetId", value));
                }
                Setting::Own => {
                    body.insert(field.name.to_owned(), value);
                }
                Setting::Step(step) => {
                    let members = steps.entry(step).or_default();
                    members.insert(field.name.to_owned(), value);
                }
                Setting::Never(instead) => {
                    faults.push((field.name.to_owned(), instead.to_owned()));
                }
            },
        }
    }
    if !custom.is_empty() {
        body.insert("CustomFieldValues".to_owned(), Value::Array(custom));
    }
    if let (Some(owner), Some(requestor)) = (steps.get_mut(OWNER), body.get("ForId")) {
        owner.insert("ForId".to_owned(), requestor.clone());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut payloads = vec![payload(CREATE, Value::Object(body))];
    for step in STEPS {
        if let Some(members) = steps.remove(step) {
            payloads.push(payload(step, step_body(step, members, false)));
        }
    }
    Ok(payloads)
}
