//! From checked values to IncidentIQ's request bodies (contract incidentiq §7 to §12, §15).

mod create;
mod custom;
mod following;
mod update;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::fields::{ASSIGN, DUE_DATE, ISSUE, PRIORITY, TAGS};
use crate::systems::given::Faults;
use crate::systems::{Operation, StepPayload};

pub(super) use create::create;
pub(super) use following::{
    COMMENT_TYPE, assign, attach, close, comment, delete, set_status, subtask,
};
pub(super) use update::update;

/// What a row becomes.
type Composed = Result<Vec<StepPayload>, Faults>;

/// `Type` of a due date that is a date of its own (§8).
const DUE_ON_DATE: i64 = 3;

/// The switches against e-mail, notifications and rules (§8).
pub(super) const SWITCHES: [&str; 3] = ["RunRules", "SendNotifications", "SendEmails"];

fn payload(step: &'static str, body: Value) -> StepPayload {
    StepPayload {
        step: Cow::Borrowed(step),
        ordinal: 0,
        body,
    }
}

/// One of several requests that one call makes. Each is a step of its own: the ordinals are whose that repeats the
/// operation.
fn one_of(call: &str, nth: usize, body: Value) -> StepPayload {
    StepPayload {
        step: Cow::Owned(format!("{call}_{nth}")),
        ordinal: 0,
        body,
    }
}

/// The steps of an operation, of which the first bears its name: which call that makes is told by its body.
fn steps_of(operation: Operation, mut steps: Vec<StepPayload>) -> Vec<StepPayload> {
    if let Some(first) = steps.first_mut() {
        first.step = Cow::Borrowed(operation.as_str());
    }
    steps
}

/// The body of a further step from the fields that it sets. What only the made ticket tells (`TicketId`) is
/// added when it is sent.
fn step_body(step: &str, mut members: Map<String, Value>, notify: bool) -> Value {
    match step {
        PRIORITY => {
            let score = score(members.remove("Priority").unwrap_or_default());
            json!({"Priority": score, "PriorityId": score})
        }
        TAGS => objects("Name", members.remove("Tags").unwrap_or_default()),
        ASSIGN => assignment(members),
        DUE_DATE => json!({
            "Type": DUE_ON_DATE,
            "Count": 0,
            "Period": 0,
            "CustomDate": members.remove("DueDate"),
            "Reminders": [],
        }),
        ISSUE => {
            members.insert("AutoUpdateSubject".to_owned(), json!(false));
            members.insert("TriggerOnUpdated".to_owned(), json!(notify));
            Value::Object(members)
        }
        _ => Value::Object(members),
    }
}

/// Who works on it from now on; null takes it away (§9).
fn assignment(mut members: Map<String, Value>) -> Value {
    let mut body = Map::new();
    for (field, member, clear) in [
        ("AssignedToUserId", "AssignToUserId", "ClearUser"),
        ("AssignedToTeamId", "AssignToTeamId", "ClearTeam"),
        ("ParentTicketId", "AssignToParentId", ""),
        ("RelatedTicketId", "AssignToRelatedId", ""),
    ] {
        match members.remove(field) {
            Some(Value::Null) => _ = body.insert(clear.to_owned(), json!(true)),
            Some(value) => _ = body.insert(member.to_owned(), value),
            None => {}
        }
    }
    Value::Object(body)
}

/// A list of ids or names as the list of objects that the API takes.
fn objects(member: &str, value: Value) -> Value {
    items(value)
        .into_iter()
        .map(|item| json!({member: item}))
        .collect()
}

/// The items of a list; one value is a list of one, null an empty one.
fn items(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// A priority's score as a number; an id that is none stays as it is (the system takes the level's id too).
fn score(id: Value) -> Value {
    match id.as_str().and_then(|text| text.parse::<i64>().ok()) {
        Some(score) => json!(score),
        None => id,
    }
}
