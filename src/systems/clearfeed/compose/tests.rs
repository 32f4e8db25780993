//! What rows become, operation by operation and dialect by dialect.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::directory::{Choice, CustomField, CustomType};
use crate::systems::clearfeed::fields::UPDATE;
use crate::systems::clearfeed::schema::ClearFeedSchema;
use crate::systems::fields::{FieldValue, Target};
use crate::systems::{Dialect, Operation, Schema};

fn values(schema: &ClearFeedSchema, given: &[(&str, Value)]) -> Vec<FieldValue> {
    let field = |name: &str| schema.create().get(name).expect("a field").clone();
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

/// The one request that an operation makes of these values.
fn composed(dialect: Dialect, operation: Operation, given: &[(&str, Value)]) -> Value {
    let schema = ClearFeedSchema::new(dialect);
    let mut steps = schema
        .compose(operation, of(&schema, operation, given), false)
        .unwrap();
    assert_eq!(
        (steps.len(), steps[0].step.as_ref()),
        (1, operation.as_str())
    );
    steps.remove(0).body
}

fn fault(operation: Operation, given: &[(&str, Value)]) -> String {
    let schema = ClearFeedSchema::new(Dialect::Rest);
    let values = of(&schema, operation, given);
    let faults = schema.compose(operation, values, false).unwrap_err();
    faults[0].0.clone()
}

fn of(schema: &ClearFeedSchema, operation: Operation, given: &[(&str, Value)]) -> Vec<FieldValue> {
    let table = schema.fields(operation).unwrap();
    let field = |name: &str| table.get(name).expect("a field").clone();
    given
        .iter()
        .map(|(name, value)| FieldValue {
            target: Target::Field(field(name)),
            value: value.clone(),
        })
        .collect()
}

#[test]
fn an_update_speaks_its_dialect_and_null_empties() {
    let given = [
        ("title", json!("t")),
        ("priority", json!("medium")),
        ("status", json!("pending")),
        ("assignee_id", json!("7")),
    ];
    assert_eq!(
        composed(Dialect::Rest, Operation::Update, &given),
        json!({"title": "t", "priority": "normal", "state": "pending", "assignee": 7})
    );
    assert_eq!(
        composed(Dialect::V1, Operation::Update, &given),
        json!({"title": "t", "priority": "medium", "status": "pending", "assignee_id": "7"})
    );
    assert_eq!(
        composed(
            Dialect::Rest,
            Operation::Update,
            &[("assignee_id", Value::Null)]
        ),
        json!({"assignee": null})
    );
    for (dialect, group, name) in [
        (Dialect::Rest, "custom_field_values", "31"),
        (Dialect::V1, "custom_fields", "Plan"),
    ] {
        let schema = ClearFeedSchema::new(dialect);
        let emptied = FieldValue {
            value: Value::Null,
            ..plan()
        };
        let steps = schema
            .compose(Operation::Update, vec![emptied], false)
            .unwrap();
        assert_eq!(steps[0].body, json!({group: {name: null}}));
        let none = schema.compose(Operation::Update, vec![], false).unwrap();
        assert_eq!(none, []);
    }
    for (name, value) in [
        ("title", Value::Null),
        ("status", Value::Null),
        ("description", json!("d")),
        ("collection_id", json!("11")),
    ] {
        assert_eq!(fault(Operation::Update, &[(name, value)]), name);
    }
}

#[test]
fn a_comment_is_html_and_a_note_by_default() {
    assert_eq!(
        composed(
            Dialect::Rest,
            Operation::Comment,
            &[("body", json!("a < b\nc"))]
        ),
        json!({"html_body": "a &lt; b<br>c", "is_private": true})
    );
    let given = [
        ("body", json!("<p>x</p>")),
        ("public", json!(true)),
        ("post_as_bot", json!(true)),
        ("status", json!("solved")),
    ];
    assert_eq!(
        composed(Dialect::V1, Operation::Comment, &given),
        json!({"html_body": "<p>x</p>", "is_private": false, "post_as_bot": true, "status": "solved"})
    );
    assert_eq!(
        fault(Operation::Comment, &[("public", json!(true))]),
        "body"
    );
}

#[test]
fn mentions_alert_nobody_on_request() {
    let body = (
        "body",
        json!("@here see <!channel>, or ask ann@acme.example"),
    );
    let said = |given: &[(&str, Value)]| {
        let body = composed(Dialect::Rest, Operation::Comment, given);
        body["html_body"].as_str().unwrap().to_owned()
    };
    assert!(said(std::slice::from_ref(&body)).starts_with("@here"));
    assert!(said(&[body.clone(), ("mentions", json!("keep"))]).starts_with("@here"));
    let quiet = said(&[body, ("mentions", json!("neutral"))]);
    assert!(quiet.starts_with("@\u{200b}here"), "{quiet}");
    assert!(quiet.contains("!\u{200b}channel") && quiet.contains("ann@acme.example"));

    let schema = ClearFeedSchema::new(Dialect::V1);
    let given = values(
        &schema,
        &[
            ("title", json!("for @ann")),
            ("description", json!("@everyone")),
            ("mentions", json!("neutral")),
        ],
    );
    let steps = schema.compose(Operation::Create, given, false).unwrap();
    let body = &steps[0].body;
    assert_eq!(body["title"], "for @\u{200b}ann");
    assert_eq!(body["description"], "@\u{200b}everyone");
    assert!(
        body.get("mentions").is_none(),
        "it is no member of a request"
    );
}

#[test]
fn a_link_names_both_and_goes_after_the_change() {
    let schema = ClearFeedSchema::new(Dialect::Rest);
    let table = schema.fields(Operation::Update).unwrap();
    let composed = |given: &[(&str, Value)]| {
        let values = given.iter().map(|(name, value)| FieldValue {
            target: Target::Field(table.get(name).expect("a field").clone()),
            value: value.clone(),
        });
        schema.compose(Operation::Update, values.collect(), false)
    };
    let (system, ticket) = (
        ("link_integration", json!("jira")),
        ("link_ticket_id", json!("OPS-7")),
    );
    let alone = composed(&[system.clone(), ticket.clone()]).unwrap();
    assert_eq!(alone[0].step, "update");
    let both = composed(&[system.clone(), ticket, ("title", json!("t"))]).unwrap();
    assert_eq!((&*both[0].step, &*both[1].step), ("update", "link"));
    assert_eq!(composed(&[system]).unwrap_err()[0].0, "link_ticket_id");
}

#[test]
fn assigning_moving_and_closing_are_changes() {
    let rest = |operation, given: &[(&str, Value)]| composed(Dialect::Rest, operation, given);
    assert_eq!(
        rest(Operation::Assign, &[("assignee_id", json!("U1"))]),
        json!({"assignee": "U1"})
    );
    assert_eq!(
        rest(Operation::Assign, &[("unassign", json!(["user"]))]),
        json!({"assignee": null})
    );
    assert_eq!(
        rest(Operation::SetStatus, &[("status", json!("on_hold"))]),
        json!({"state": "on_hold"})
    );
    assert_eq!(rest(Operation::Close, &[]), json!({"state": "closed"}));
    assert_eq!(
        composed(
            Dialect::V1,
            Operation::Close,
            &[("status", json!("solved"))]
        ),
        json!({"status": "solved"})
    );
    let both = [("assignee_id", json!("U1")), ("unassign", json!(["user"]))];
    assert_eq!(fault(Operation::Assign, &both), "unassign");
    let team = [("assigned_team", json!("1"))];
    assert_eq!(fault(Operation::Assign, &team), "assigned_team");
    assert_eq!(fault(Operation::SetStatus, &[]), "status");
}

#[test]
fn what_clearfeed_lacks_says_what_people_do_instead() {
    let schema = ClearFeedSchema::new(Dialect::Rest);
    for (operation, instead) in [
        (Operation::Delete, "close"),
        (Operation::Subtask, "comment"),
    ] {
        let why = schema.fields(operation).unwrap_err();
        assert!(why.contains(&format!("operation = \"{instead}\"")), "{why}");
        let faults = schema.compose(operation, Vec::new(), false).unwrap_err();
        assert_eq!(faults, [(operation.to_string(), why.to_owned())]);
    }
}
