//! What follows on a ticket: comments, assignment, workflow, closing, subtasks (contract incidentiq §9 to §12).

use serde_json::{Map, Value, json};

use super::{Composed, assignment, one_of, payload, steps_of};
use crate::html;
use crate::systems::Operation;
use crate::systems::fields::{FieldTable, FieldValue};
use crate::systems::given::Given;
use crate::systems::incidentiq::fields::{ASSIGN, COMPLETE, SEND_EMAIL, SLA, UNASSIGN};

/// The `$type` and the type number of a comment among a ticket's activities (§11).
pub(in crate::systems::incidentiq) const COMMENT_TYPE: (&str, i64) =
    ("Spark.Shared.Models.TicketActivityComment, Spark.Shared", 6);

/// One comment or internal note.
pub(in crate::systems::incidentiq) fn comment(
    table: &FieldTable,
    values: Vec<FieldValue>,
    notify: bool,
) -> Composed {
    let mut given = Given::new(values, table)?;
    let text = html::of(given.text("body").unwrap_or_default());
    let public = given.flag("public");
    let by = given.take("by");
    let (kind, number) = COMMENT_TYPE;
    // The type goes first: readers of such JSON need it before the rest.
    let mut item = json!({"$type": kind, "TicketActivityTypeId": number, "Comments": text, "IsPublic": public});
    let mut body = json!({"IsPublic": public});
    if let Some(by) = by {
        item["ByUserId"] = by.clone();
        body["OwnerId"] = by;
    }
    if !notify {
        body[SEND_EMAIL] = json!(false);
    }
    body["ActivityItems"] = json!([item]);
    Ok(vec![payload("comment", body)])
}

/// To whom it goes, and from whom it is taken; no step where nothing is given.
pub(in crate::systems::incidentiq) fn assign(
    table: &FieldTable,
    values: Vec<FieldValue>,
) -> Composed {
    let mut given = Given::new(values, table)?;
    let unassigned = given.words("unassign");
    let (sla, unrelated) = (given.take("SlaId"), given.take("UnrelatedTicketId"));
    let to: Map<String, Value> = given
        .rest()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let has = |name: &str| unassigned.iter().any(|word| word == name);
    let twice = [
        ("user", to.contains_key("AssignedToUserId")),
        ("team", to.contains_key("AssignedToTeamId")),
        ("sla", sla.is_some()),
    ];
    if let Some((name, _)) = twice.into_iter().find(|(name, given)| *given && has(name)) {
        let message = format!("takes away the `{name}` that the same row assigns");
        return Err(vec![("unassign".to_owned(), message)]);
    }
    let mut steps = Vec::new();
    if !to.is_empty() {
        steps.push(payload(ASSIGN, assignment(to)));
    }
    steps.extend(sla.map(|sla| payload(SLA, json!({"SlaId": sla}))));
    let from = unassigned.iter().map(|from| json!({"Unassign": from}));
    let from = from.chain(unrelated.map(|other| json!({"Unassign": "related", "OtherId": other})));
    let each = (1..).zip(from);
    steps.extend(each.map(|(nth, body)| one_of(UNASSIGN, nth, body)));
    Ok(steps_of(Operation::Assign, steps))
}

/// A move to a status, or an action of the workflow.
pub(in crate::systems::incidentiq) fn set_status(
    table: &FieldTable,
    values: Vec<FieldValue>,
) -> Composed {
    let fault = |field: &str, message: &str| Err(vec![(field.to_owned(), message.to_owned())]);
    let mut given = Given::new(values, table)?;
    let action = given.text("action");
    let step = given.take("WorkflowStepId");
    let mut body = json!({});
    match (action.as_deref(), step) {
        (None | Some("reopen"), Some(step)) => body["WorkflowStepId"] = step,
        (None, None) => {
            return fault(
                "WorkflowStepId",
                "names no status, and there is no `action`",
            );
        }
        (Some("reopen"), None) => {
            return fault(
                "WorkflowStepId",
                "names no status to go back to: IncidentIQ has no call that reopens by itself",
            );
        }
        (Some(_), Some(_)) => {
            return fault(
                "action",
                "moves the ticket by itself: leave `WorkflowStepId` out, or the action",
            );
        }
        (Some(action), None) => body["Action"] = json!(action),
    }
    for (name, actions) in [
        ("UserId", &["start"][..]),
        ("CloseReasonTypeId", &["cancel", "resolve"]),
        ("DuplicateOfId", &["duplicate"]),
        ("ApproverIds", &["request-approval"]),
        ("Comments", &["approve", "deny"]),
        ("NextStepId", &["resolve-step"]),
    ] {
        let value = given.take(name);
        let is_wanted = action
            .as_deref()
            .is_some_and(|action| actions.contains(&action));
        match value {
            Some(value) if is_wanted => body[name] = value,
            Some(_) => {
                let message = format!("goes with the action `{}` only", actions.join("` or `"));
                return fault(name, &message);
            }
            None if is_wanted && name == "DuplicateOfId" => {
                return fault(name, "names no ticket that this one repeats");
            }
            None if is_wanted && name == "NextStepId" => {
                return fault(name, "names no step that is resolved");
            }
            None => {}
        }
    }
    Ok(vec![payload("set_status", body)])
}

/// A closing.
pub(in crate::systems::incidentiq) fn close(
    table: &FieldTable,
    values: Vec<FieldValue>,
) -> Composed {
    let members = Given::new(values, table)?.rest();
    let body: Map<String, Value> = members
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Ok(vec![payload("close", Value::Object(body))])
}

/// A deletion, which takes no fields.
pub(in crate::systems::incidentiq) fn delete(
    table: &FieldTable,
    values: Vec<FieldValue>,
) -> Composed {
    Given::new(values, table)?;
    Ok(vec![payload("delete", json!({}))])
}

/// A subtask, completed by a second request where it is done already; or what is done with one that stands.
pub(in crate::systems::incidentiq) fn subtask(
    table: &FieldTable,
    values: Vec<FieldValue>,
) -> Composed {
    let mut given = Given::new(values, table)?;
    let is_complete = given.flag("complete");
    let body: Map<String, Value> = given
        .rest()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    if let Some(action) = body.get("action").and_then(Value::as_str) {
        let fault = |field: &str, message: &str| Err(vec![(field.to_owned(), message.to_owned())]);
        let has = |name: &str| body.contains_key(name);
        return match (action == "assign", has("AssignedTo")) {
            _ if is_complete => fault(
                "complete",
                "goes with a new subtask: the action says it itself",
            ),
            _ if has("SortOrder") => fault("SortOrder", "goes with a new subtask only"),
            (true, false) => fault("AssignedTo", "names nobody to whom it is assigned"),
            (false, true) => fault(
                "AssignedTo",
                "goes with a new subtask, or the action `assign`",
            ),
            _ => Ok(vec![payload("subtask", Value::Object(body))]),
        };
    }
    let complete = is_complete.then(|| payload(COMPLETE, json!({"Subject": body["Subject"]})));
    let mut steps = vec![payload("subtask", Value::Object(body))];
    steps.extend(complete);
    Ok(steps)
}

/// A file; its bytes go along when it is sent (§14).
pub(in crate::systems::incidentiq) fn attach(
    table: &FieldTable,
    values: Vec<FieldValue>,
) -> Composed {
    let members = Given::new(values, table)?.rest();
    let body: Map<String, Value> = members
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Ok(vec![payload("attach", Value::Object(body))])
}
