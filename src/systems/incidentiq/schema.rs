//! From checked values to IncidentIQ's request bodies (contract incidentiq §7 to §10, §15).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields::{self, ASSIGN, DUE_DATE, OWNER, PRIORITY, SLA, STATUS, TAGS};
use crate::directory::{CustomField, CustomType};
use crate::systems::fields::{FieldTable, FieldValue, Setting, Target};
use crate::systems::{CREATE, Dialect, Operation, Schema, StepPayload, SystemName};

/// The product *Ticketing* (§5), for a tenant that names no other.
pub(super) const TICKETING: &str = "88df910c-91aa-e711-80c2-0004ffa00010";

/// `SourceId` of a ticket that came by the API (§6).
const SOURCE_API: i64 = 3;

/// `Type` of a due date that is a date of its own (§8).
const DUE_ON_DATE: i64 = 3;

/// The order in which further steps go: the status last, since it may end what may be changed.
const STEPS: [&str; 7] = [PRIORITY, TAGS, OWNER, ASSIGN, SLA, DUE_DATE, STATUS];

/// IncidentIQ without a connection.
#[derive(Debug, Clone)]
pub(super) struct IncidentIqSchema {
    create: FieldTable,
    /// The bodies of a create before any value: one that notifies, one that does not.
    loud: Map<String, Value>,
    quiet: Map<String, Value>,
}

impl IncidentIqSchema {
    pub(super) fn new(constants: &BTreeMap<String, String>) -> Self {
        let mut constants = constants.clone();
        constants
            .entry("ProductId".to_owned())
            .or_insert_with(|| TICKETING.to_owned());
        Self {
            create: fields::create(),
            loud: empty_create(&constants, true),
            quiet: empty_create(&constants, false),
        }
    }
}

/// The body of a create before any value: what the contract wants always sent (§7).
fn empty_create(constants: &BTreeMap<String, String>, notify: bool) -> Map<String, Value> {
    let mut body = Map::new();
    for (name, value) in constants {
        body.insert(name.clone(), Value::String(value.clone()));
    }
    body.insert("SourceId".to_owned(), json!(SOURCE_API));
    for name in ["IsUrgent", "HasSensitiveInformation", "IsTraining"] {
        body.insert(name.to_owned(), Value::Bool(false));
    }
    if !notify {
        for name in ["RunRules", "SendNotifications", "SendEmails"] {
            body.insert(name.to_owned(), Value::Bool(false));
        }
    }
    body
}

impl Schema for IncidentIqSchema {
    fn system(&self) -> SystemName {
        SystemName::IncidentIq
    }

    fn dialect(&self) -> Dialect {
        Dialect::Only
    }

    fn fields(&self, operation: Operation) -> Result<&FieldTable, &'static str> {
        match operation {
            Operation::Create => Ok(&self.create),
            _ => Err("this version makes tickets only"),
        }
    }

    fn create(&self) -> &FieldTable {
        &self.create
    }

    fn compose(
        &self,
        operation: Operation,
        values: Vec<FieldValue>,
        notify: bool,
    ) -> Result<Vec<StepPayload>, Vec<(String, String)>> {
        match operation {
            Operation::Create => self.compose_create(values, notify),
            _ => Err(Vec::new()),
        }
    }

    fn cannot_silence(&self) -> Option<&'static str> {
        Some(
            "creates are sent with rules and notifications off; for what follows on the same ticket (priority, tags, assignment, due date, status) IncidentIQ has no such switch, and the tenant's rules may fire",
        )
    }

    fn unforeseen(&self, steps: &[&str]) -> Vec<&'static str> {
        let mut reasons = vec![
            "what the token may do, and fields that the tenant's own rules demand of an issue or a location",
        ];
        if steps.contains(&STATUS) {
            reasons.push("whether the workflow allows the move to each status");
        }
        if steps.contains(&ASSIGN) {
            reasons.push("whether each agent and team may be given tickets of their location");
        }
        reasons
    }

    fn group(&self, body: &Value) -> String {
        body["ProductId"]
            .as_str()
            .unwrap_or_default()
            .to_ascii_lowercase()
    }
}

impl IncidentIqSchema {
    fn compose_create(
        &self,
        values: Vec<FieldValue>,
        notify: bool,
    ) -> Result<Vec<StepPayload>, Vec<(String, String)>> {
        // Each is made once: a copy needs no hashing.
        let mut body = if notify { &self.loud } else { &self.quiet }.clone();
        let mut custom = Vec::new();
        let mut steps: BTreeMap<&'static str, Map<String, Value>> = BTreeMap::new();
        let mut faults = Vec::new();
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
                payloads.push(payload(step, step_body(step, members)));
            }
        }
        Ok(payloads)
    }
}

fn payload(step: &'static str, body: Value) -> StepPayload {
    StepPayload {
        step: Cow::Borrowed(step),
        ordinal: 0,
        body,
    }
}

/// The body of a further step from the fields that it sets. What only the made ticket tells (`TicketId`) is
/// added when it is sent.
fn step_body(step: &str, mut members: Map<String, Value>) -> Value {
    match step {
        PRIORITY => {
            let score = score(members.remove("Priority").unwrap_or_default());
            json!({"Priority": score, "PriorityId": score})
        }
        TAGS => objects("Name", members.remove("Tags").unwrap_or_default()),
        ASSIGN => {
            let mut body = Map::new();
            for (field, member) in [
                ("AssignedToUserId", "AssignToUserId"),
                ("AssignedToTeamId", "AssignToTeamId"),
                ("ParentTicketId", "AssignToParentId"),
            ] {
                if let Some(value) = members.remove(field) {
                    body.insert(member.to_owned(), value);
                }
            }
            Value::Object(body)
        }
        DUE_DATE => json!({
            "Type": DUE_ON_DATE,
            "Count": 0,
            "Period": 0,
            "CustomDate": members.remove("DueDate"),
            "Reminders": [],
        }),
        _ => Value::Object(members),
    }
}

/// A list of ids or names as the list of objects that the API takes.
fn objects(member: &str, value: Value) -> Value {
    let items = match value {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    items
        .into_iter()
        .map(|item| json!({member: item}))
        .collect()
}

/// A priority's score as a number; an id that is none stays as it is (the system takes the level's id too).
fn score(id: Value) -> Value {
    match id.as_str().and_then(|text| text.parse::<i64>().ok()) {
        Some(score) => json!(score),
        None => id,
    }
}

/// A custom field's `Value`, which is always a string (§15): a select holds the text of its option, on/off
/// `yes` or `no`, pickers and multi-selects JSON text.
fn custom_text(field: &CustomField, value: &Value) -> Result<String, String> {
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
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::directory::Choice;

    fn schema() -> IncidentIqSchema {
        IncidentIqSchema::new(&BTreeMap::from([("SiteId".to_owned(), "s-1".to_owned())]))
    }

    fn value(schema: &IncidentIqSchema, name: &str, value: Value) -> FieldValue {
        let field = schema.create.get(name).expect("a field").clone();
        FieldValue {
            target: Target::Field(field),
            value,
        }
    }

    fn custom(kind: CustomType, value: Value) -> FieldValue {
        let field = CustomField {
            id: "cf-1".into(),
            name: "Size".into(),
            kind,
            options: vec![Choice {
                id: "o-1".into(),
                value: "Large".into(),
            }],
            max_length: None,
            required: false,
        };
        FieldValue {
            target: Target::Custom(Arc::new(field)),
            value,
        }
    }

    #[test]
    fn a_create_is_quiet_and_carries_the_constants() {
        let schema = schema();
        let values = vec![
            value(&schema, "ForId", json!("u-1")),
            value(&schema, "Assets", json!(["a-1", "a-2"])),
            value(&schema, "IsUrgent", json!(true)),
        ];
        let steps = schema
            .compose(Operation::Create, values.clone(), false)
            .unwrap();
        assert_eq!(steps.len(), 1);
        let body = &steps[0].body;
        assert_eq!(body["SiteId"], "s-1");
        assert_eq!(body["ProductId"], TICKETING);
        assert_eq!(body["IsUrgent"], true);
        assert_eq!(body["HasSensitiveInformation"], false);
        assert_eq!(
            body["Assets"],
            json!([{"AssetId": "a-1"}, {"AssetId": "a-2"}])
        );
        assert_eq!(body["RunRules"], false);
        assert_eq!(schema.group(body), TICKETING);
        let loud = schema.compose(Operation::Create, values, true).unwrap();
        assert_eq!(loud[0].body.get("SendNotifications"), None);
    }

    #[test]
    fn what_create_cannot_take_becomes_steps_in_order() {
        let schema = schema();
        let values = vec![
            value(&schema, "WorkflowStepId", json!("w-1")),
            value(&schema, "AssignedToTeamId", json!("t-1")),
            value(&schema, "AssignedToUserId", json!("u-2")),
            value(&schema, "OwnerId", json!("u-3")),
            value(&schema, "ForId", json!("u-1")),
            value(&schema, "Priority", json!("151")),
            value(&schema, "Tags", json!(["old", "printer"])),
        ];
        let steps = schema.compose(Operation::Create, values, false).unwrap();
        let names: Vec<&str> = steps.iter().map(|step| step.step.as_ref()).collect();
        assert_eq!(names, [CREATE, PRIORITY, TAGS, OWNER, ASSIGN, STATUS]);
        assert_eq!(steps[1].body, json!({"Priority": 151, "PriorityId": 151}));
        assert_eq!(steps[2].body, json!([{"Name": "old"}, {"Name": "printer"}]));
        assert_eq!(steps[3].body, json!({"OwnerId": "u-3", "ForId": "u-1"}));
        assert_eq!(
            steps[4].body,
            json!({"AssignToUserId": "u-2", "AssignToTeamId": "t-1"})
        );
    }

    #[test]
    fn custom_values_are_strings() {
        let schema = schema();
        let cases = [
            (CustomType::Select, json!("o-1"), "Large"),
            (CustomType::MultiSelect, json!(["o-1"]), r#"["o-1"]"#),
            (CustomType::Bool, json!(false), "no"),
            (CustomType::Number, json!(12.5), "12.5"),
            (CustomType::Text, json!("x"), "x"),
        ];
        for (kind, given, expected) in cases {
            let steps = schema
                .compose(Operation::Create, vec![custom(kind, given)], false)
                .unwrap();
            assert_eq!(
                steps[0].body["CustomFieldValues"],
                json!([{"CustomFieldTypeId": "cf-1", "Value": expected}])
            );
        }
        let refused = schema.compose(
            Operation::Create,
            vec![custom(CustomType::Other, json!("x"))],
            false,
        );
        assert_eq!(refused.unwrap_err()[0].0, "custom.Size");
    }

    #[test]
    fn the_table_demands_what_every_source_demands() {
        let schema = schema();
        let table = schema.create();
        let required: Vec<&str> = table
            .fields
            .iter()
            .filter(|f| f.required)
            .map(|f| f.name)
            .collect();
        assert_eq!(required, ["ForId", "IssueId", "LocationId"]);
        let mut names: Vec<&str> = table.names().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), table.fields.len());
        assert!(table.get(table.description).is_some());
    }
}
