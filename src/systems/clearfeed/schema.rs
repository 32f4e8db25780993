//! From checked values to ClearFeed's request bodies, in either dialect (contract clearfeed, Endpoints).

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::dialect;
use super::fields::{self, UPDATE};
use crate::directory::CustomField;
use crate::systems::fields::{FieldTable, FieldValue, Setting, Target};
use crate::systems::{CREATE, Dialect, Operation, Schema, StepPayload, SystemName};

/// ClearFeed without a connection.
#[derive(Debug, Clone)]
pub(super) struct ClearFeedSchema {
    dialect: Dialect,
    create: FieldTable,
}

impl ClearFeedSchema {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            create: fields::create(dialect),
        }
    }

    /// A field as the dialect spells it: the member, and its value.
    fn member(&self, name: &'static str, value: Value) -> (&'static str, Value) {
        let id = |value: Value| match value {
            Value::String(text) => dialect::id(self.dialect, &text),
            other => other,
        };
        match (name, value) {
            ("collection_id", value) => (name, id(value)),
            ("assignee_id", value) if self.dialect == Dialect::Rest => {
                (dialect::assignee_member(self.dialect), id(value))
            }
            ("priority", Value::String(word)) => {
                (name, Value::from(dialect::priority(self.dialect, &word)))
            }
            ("status", value) => (dialect::status_member(self.dialect), value),
            (name, value) => (name, value),
        }
    }

    fn compose_create(
        &self,
        values: Vec<FieldValue>,
    ) -> Result<Vec<StepPayload>, Vec<(String, String)>> {
        let mut create = Map::new();
        let mut update = Map::new();
        let mut faults = Vec::new();
        for FieldValue { target, value } in values {
            match target {
                Target::Custom(field) => {
                    let (body, group) = match self.create.custom {
                        Setting::Own => (&mut create, "custom_fields"),
                        _ => (&mut update, "custom_field_values"),
                    };
                    match dialect::custom(self.dialect, &field, value) {
                        Ok((name, value)) => put(body, group, name, value),
                        Err(message) => faults.push((format!("custom.{}", field.name), message)),
                    }
                }
                Target::Field(field) => {
                    let (member, value) = self.member(field.name, value);
                    match field.setting {
                        Setting::Own => _ = create.insert(member.to_owned(), value),
                        Setting::Step(_) => _ = update.insert(member.to_owned(), value),
                        Setting::Never(instead) => {
                            faults.push((field.name.to_owned(), instead.to_owned()));
                        }
                    }
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut payloads = vec![payload(CREATE, create)];
        if !update.is_empty() {
            payloads.push(payload(UPDATE, update));
        }
        Ok(payloads)
    }
}

fn payload(step: &'static str, body: Map<String, Value>) -> StepPayload {
    StepPayload {
        step: Cow::Borrowed(step),
        ordinal: 0,
        body: Value::Object(body),
    }
}

/// Puts a member into the object of that name, which is made when it is not there.
fn put(body: &mut Map<String, Value>, group: &str, name: String, value: Value) {
    let group = body
        .entry(group)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(members) = group {
        members.insert(name, value);
    }
}

impl Schema for ClearFeedSchema {
    fn system(&self) -> SystemName {
        SystemName::ClearFeed
    }

    fn dialect(&self) -> Dialect {
        self.dialect
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
        _notify: bool,
    ) -> Result<Vec<StepPayload>, Vec<(String, String)>> {
        match operation {
            Operation::Create => self.compose_create(values),
            _ => Err(Vec::new()),
        }
    }

    fn cannot_silence(&self) -> Option<&'static str> {
        Some(
            "ClearFeed posts every new request to the Slack channels of its collection, and no switch keeps it from that",
        )
    }

    fn unforeseen(&self, steps: &[&str]) -> Vec<&'static str> {
        let mut reasons =
            vec!["what the token may do, and whether each collection takes new requests"];
        if steps.contains(&UPDATE) {
            reasons.push("whether the workspace allows the move to each status");
        }
        reasons
    }

    fn custom_key<'f>(&self, field: &'f CustomField) -> &'f str {
        dialect::custom_key(self.dialect, field)
    }

    fn group(&self, body: &Value) -> String {
        match &body["collection_id"] {
            Value::String(id) => id.clone(),
            Value::Null => String::new(),
            id => id.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::directory::{Choice, CustomField, CustomType};

    fn values(schema: &ClearFeedSchema, given: &[(&str, Value)]) -> Vec<FieldValue> {
        let field = |name: &str| schema.create.get(name).expect("a field").clone();
        given
            .iter()
            .map(|(name, value)| FieldValue {
                target: Target::Field(field(name)),
                value: value.clone(),
            })
            .collect()
    }

    fn plan() -> FieldValue {
        let field = CustomField {
            id: "31".into(),
            name: "Plan".into(),
            kind: CustomType::Select,
            options: vec![Choice {
                id: "7".into(),
                value: "Enterprise".into(),
            }],
            max_length: None,
            required: false,
        };
        FieldValue {
            target: Target::Custom(Arc::new(field)),
            value: json!("7"),
        }
    }

    #[test]
    fn v1_carries_all_in_the_create() {
        let schema = ClearFeedSchema::new(Dialect::V1);
        let mut given = values(
            &schema,
            &[
                ("collection_id", json!("col_1")),
                ("title", json!("t")),
                ("priority", json!("normal")),
                ("assignee_id", json!("U1")),
                ("tags", json!(["a"])),
            ],
        );
        given.push(plan());
        let steps = schema.compose(Operation::Create, given, false).unwrap();
        assert_eq!(steps.len(), 1);
        assert_eq!(
            steps[0].body,
            json!({"collection_id": "col_1", "title": "t", "priority": "medium", "assignee_id": "U1",
                   "tags": ["a"], "custom_fields": {"Plan": "Enterprise"}})
        );
        assert_eq!(schema.group(&steps[0].body), "col_1");
    }

    #[test]
    fn rest_needs_a_second_request() {
        let schema = ClearFeedSchema::new(Dialect::Rest);
        let mut given = values(
            &schema,
            &[
                ("collection_id", json!("11")),
                ("title", json!("t")),
                ("priority", json!("medium")),
                ("assignee_id", json!("U1")),
                ("status", json!("closed")),
            ],
        );
        given.push(plan());
        let steps = schema.compose(Operation::Create, given, false).unwrap();
        assert_eq!(
            steps[0].body,
            json!({"collection_id": 11, "title": "t", "priority": "normal"})
        );
        assert_eq!(steps[1].step, UPDATE);
        assert_eq!(
            steps[1].body,
            json!({"assignee": "U1", "state": "closed", "custom_field_values": {"31": 7}})
        );
        assert_eq!(schema.group(&steps[0].body), "11");
    }

    #[test]
    fn rest_says_that_tags_cannot_be_set() {
        let schema = ClearFeedSchema::new(Dialect::Rest);
        let faults = schema
            .compose(
                Operation::Create,
                values(&schema, &[("tags", json!(["a"]))]),
                false,
            )
            .unwrap_err();
        assert_eq!(faults[0].0, "tags");
    }

    #[test]
    fn the_table_demands_the_three() {
        for dialect in [Dialect::V1, Dialect::Rest] {
            let schema = ClearFeedSchema::new(dialect);
            let table = schema.create();
            let required: Vec<&str> = table
                .fields
                .iter()
                .filter(|field| field.required)
                .map(|field| field.name)
                .collect();
            assert_eq!(required, ["collection_id", "title", "description"]);
        }
    }
}
