//! What rows become, operation by operation.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::directory::{Choice, CustomField, CustomType};
use crate::systems::fields::{FieldValue, Target};
use crate::systems::given::Faults;
use crate::systems::incidentiq::fields::{ASSIGN, OWNER, PRIORITY, STATUS, TAGS};
use crate::systems::incidentiq::schema::{IncidentIqSchema, TICKETING};
use crate::systems::{CREATE, Operation, Schema};

fn schema() -> IncidentIqSchema {
    IncidentIqSchema::new(&BTreeMap::from([("SiteId".to_owned(), "s-1".to_owned())]))
}

fn value(schema: &IncidentIqSchema, name: &str, value: Value) -> FieldValue {
    let field = schema.create().get(name).expect("a field").clone();
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
        (CustomType::Number, json!(2.0), "2"),
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

/// A step: its name, its ordinal, its body.
type Step = (String, u32, Value);

/// What an operation makes of these values.
fn composed(
    operation: Operation,
    given: &[(&str, Value)],
    notify: bool,
) -> Result<Vec<Step>, Faults> {
    let schema = schema();
    let table = schema.fields(operation).unwrap();
    let values = given.iter().map(|(name, value)| FieldValue {
        target: Target::Field(
            table
                .get(name)
                .unwrap_or_else(|| panic!("{operation}: {name}"))
                .clone(),
        ),
        value: value.clone(),
    });
    let steps = schema.compose(operation, values.collect(), notify)?;
    Ok(steps
        .into_iter()
        .map(|step| (step.step.into_owned(), step.ordinal, step.body))
        .collect())
}

fn fault(operation: Operation, given: &[(&str, Value)]) -> String {
    let faults = composed(operation, given, false).unwrap_err();
    faults[0].0.clone()
}

#[test]
fn an_update_goes_by_narrow_calls_and_names_what_must_stay() {
    let steps = composed(
        Operation::Update,
        &[
            ("LocationId", json!("l-1")),
            ("WorkflowStepId", json!("w-1")),
            ("Subject", json!("s")),
            ("IssueId", json!("i-1")),
            ("IsUrgent", json!(false)),
            ("Tags", json!(["old"])),
            ("AssignedToUserId", json!("u-1")),
            ("TicketFollowerUserIds", json!(["u-2", "u-3"])),
            ("TicketFollowerTeamIds", json!(["t-1"])),
        ],
        false,
    )
    .unwrap();
    let names: Vec<(&str, u32)> = steps.iter().map(|step| (step.0.as_str(), step.1)).collect();
    assert_eq!(
        names,
        [
            ("update", 0),
            ("issue", 0),
            ("subject", 0),
            ("urgent", 0),
            ("tags", 0),
            ("assign", 0),
            ("follow_1", 0),
            ("follow_2", 0),
            ("follow_3", 0),
            ("status", 0)
        ]
    );
    assert_eq!(
        steps[0].2,
        json!({"LocationId": "l-1", "DeleteMissingCustomFieldValues": false, "BypassSubjectUpdate": true,
               "RunRules": false, "SendNotifications": false, "SendEmails": false})
    );
    assert_eq!(
        steps[1].2,
        json!({"IssueId": "i-1", "AutoUpdateSubject": false, "TriggerOnUpdated": false})
    );
    assert_eq!(steps[8].2, json!({"TicketFollowerTeamId": "t-1"}));
}

#[test]
fn the_first_step_of_an_update_bears_its_name_and_custom_fields_keep_the_others() {
    let schema = schema();
    let values = vec![custom(CustomType::Select, json!("o-1"))];
    let steps = schema.compose(Operation::Update, values, true).unwrap();
    assert_eq!((steps.len(), steps[0].step.as_ref()), (1, "update"));
    assert_eq!(
        steps[0].body,
        json!([{"CustomFieldTypeId": "cf-1", "Value": "Large"}])
    );
    assert_eq!(composed(Operation::Update, &[], true).unwrap(), []);
}

#[test]
fn null_empties_what_can_be_empty() {
    let steps = composed(
        Operation::Update,
        &[
            ("LocationRoomId", Value::Null),
            ("DueDate", Value::Null),
            ("Tags", Value::Null),
            ("Assets", json!([])),
            ("IssueDescription", Value::Null),
            ("IsUrgent", Value::Null),
            ("AssignedToUserId", Value::Null),
            ("AssignedToTeamId", json!("t-1")),
            ("SlaId", Value::Null),
        ],
        true,
    )
    .unwrap();
    let bodies: Vec<Value> = steps.into_iter().map(|step| step.2).collect();
    assert_eq!(
        bodies,
        [
            json!({"LocationRoomId": null, "DueDate": null, "Tags": [], "UpdateTags": true, "Assets": [],
                   "UpdateAssets": true, "DeleteMissingCustomFieldValues": false, "BypassSubjectUpdate": true}),
            json!({"Description": null}),
            json!({"IsUrgent": false}),
            json!({"ClearUser": true, "AssignToTeamId": "t-1"}),
            json!({"SlaId": null}),
        ]
    );
    let schema = schema();
    let emptied = vec![custom(CustomType::MultiSelect, Value::Null)];
    let steps = schema.compose(Operation::Update, emptied, true).unwrap();
    assert_eq!(
        steps[0].body,
        json!([{"CustomFieldTypeId": "cf-1", "Value": null}])
    );
    for name in ["Subject", "ForId", "Priority", "ParentTicketId"] {
        assert_eq!(fault(Operation::Update, &[(name, Value::Null)]), name);
    }
    assert_eq!(
        fault(Operation::Update, &[("CreatedDate", json!("2024-06-21"))]),
        "CreatedDate"
    );
}

#[test]
fn an_update_takes_every_field_that_a_create_takes() {
    let schema = schema();
    let update = schema.fields(Operation::Update).unwrap();
    for field in &schema.create().fields {
        let later = update.get(field.name).expect("a field");
        assert!(
            !later.required && later.kind == field.kind,
            "{}",
            field.name
        );
    }
}

#[test]
fn a_comment_is_html_a_note_by_default_and_silent() {
    let steps = composed(
        Operation::Comment,
        &[("body", json!("a < b\nc")), ("by", json!("u-1"))],
        false,
    )
    .unwrap();
    let item = json!({"$type": "Spark.Shared.Models.TicketActivityComment, Spark.Shared",
        "TicketActivityTypeId": 6, "Comments": "a &lt; b<br>c", "IsPublic": false, "ByUserId": "u-1"});
    assert_eq!(
        steps,
        [(
            "comment".to_owned(),
            0,
            json!({"IsPublic": false, "OwnerId": "u-1", "SendEmail": false, "ActivityItems": [item]})
        )]
    );
    assert!(
        steps[0].2["ActivityItems"][0]
            .to_string()
            .starts_with(r#"{"$type""#)
    );
    let loud = composed(
        Operation::Comment,
        &[("body", json!("<p>x</p>")), ("public", json!(true))],
        true,
    )
    .unwrap();
    assert_eq!(loud[0].2.get("SendEmail"), None);
    assert_eq!(loud[0].2["ActivityItems"][0]["Comments"], "<p>x</p>");
    assert_eq!(loud[0].2["IsPublic"], true);
    assert_eq!(fault(Operation::Comment, &[("body", json!(" "))]), "body");
}

#[test]
fn an_assignment_gives_and_takes() {
    let steps = composed(
        Operation::Assign,
        &[
            ("AssignedToUserId", json!("u-1")),
            ("SlaId", json!("s-1")),
            ("unassign", json!(["team"])),
        ],
        false,
    )
    .unwrap();
    assert_eq!(
        steps,
        [
            ("assign".into(), 0, json!({"AssignToUserId": "u-1"})),
            ("sla".into(), 0, json!({"SlaId": "s-1"})),
            ("unassign_1".into(), 0, json!({"Unassign": "team"})),
        ]
    );
    let taken = composed(
        Operation::Assign,
        &[("unassign", json!(["user", "sla"]))],
        true,
    )
    .unwrap();
    assert_eq!(
        taken,
        [
            ("assign".into(), 0, json!({"Unassign": "user"})),
            ("unassign_2".into(), 0, json!({"Unassign": "sla"})),
        ]
    );
    let both = [
        ("AssignedToTeamId", json!("t-1")),
        ("unassign", json!(["team"])),
    ];
    assert_eq!(fault(Operation::Assign, &both), "unassign");
}

#[test]
fn a_move_names_a_status_or_an_action() {
    let moved = |given: &[(&str, Value)]| {
        let mut steps = composed(Operation::SetStatus, given, false).unwrap();
        assert_eq!((steps.len(), steps[0].0.as_str()), (1, "set_status"));
        steps.remove(0).2
    };
    let step = ("WorkflowStepId", json!("w-1"));
    assert_eq!(
        moved(std::slice::from_ref(&step)),
        json!({"WorkflowStepId": "w-1"})
    );
    assert_eq!(
        moved(&[("action", json!("reopen")), step.clone()]),
        json!({"WorkflowStepId": "w-1"})
    );
    assert_eq!(
        moved(&[("action", json!("start")), ("UserId", json!("u-1"))]),
        json!({"Action": "start", "UserId": "u-1"})
    );
    for (field, given) in [
        ("WorkflowStepId", vec![]),
        ("WorkflowStepId", vec![("action", json!("reopen"))]),
        ("action", vec![("action", json!("stop")), step.clone()]),
        ("UserId", vec![("UserId", json!("u-1")), step]),
        ("DuplicateOfId", vec![("action", json!("duplicate"))]),
    ] {
        assert_eq!(fault(Operation::SetStatus, &given), field, "{given:?}");
    }
}

#[test]
fn closing_deleting_and_subtasks() {
    assert_eq!(
        composed(
            Operation::Close,
            &[("CloseReasonTypeId", json!("r-1"))],
            true
        )
        .unwrap(),
        [("close".into(), 0, json!({"CloseReasonTypeId": "r-1"}))]
    );
    assert_eq!(
        composed(Operation::Delete, &[], true).unwrap(),
        [("delete".into(), 0, json!({}))]
    );
    let given = [
        ("Subject", json!("Order a part")),
        ("AssignedTo", json!("u-1")),
        ("complete", json!(true)),
    ];
    assert_eq!(
        composed(Operation::Subtask, &given, true).unwrap(),
        [
            (
                "subtask".into(),
                0,
                json!({"Subject": "Order a part", "AssignedTo": "u-1"})
            ),
            ("complete".into(), 0, json!({"Subject": "Order a part"})),
        ]
    );
    assert_eq!(fault(Operation::Subtask, &[]), "Subject");
}
