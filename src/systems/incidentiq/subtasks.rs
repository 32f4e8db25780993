//! A ticket's subtasks (contract incidentiq §12).

use reqwest::Method;
use serde_json::Value;

use super::IncidentIq;
use super::envelope::{id, is_same, local, text};
use super::tickets::{refused, segment};
use crate::systems::http::Request;
use crate::systems::http::classify::before_write;
use crate::systems::http::reader::{ReadFailure, Reader};
use crate::systems::http::refusal::member;
use crate::systems::{Answered, Call, Next, Outcome, Way, merged};

/// Reads the subtasks of a ticket; the path holds the ticket's id, not a subtask's.
pub(super) async fn read(ticket_id: &str, reader: Reader<'_>) -> Result<Value, ReadFailure> {
    let path = format!("/v1.0/subtasks/{ticket_id}");
    reader.read(Request::get(&path)).await
}

/// The rows of such an answer; `None`: it lists nothing.
pub(super) fn rows(body: &Value) -> Option<&Vec<Value>> {
    body.as_array()
        .or_else(|| member(body, &["Items"])?.as_array())
        .or_else(|| member(body, &["Item"])?.as_array())
}

/// Whether a subtask stands and has that subject.
pub(super) fn is_of(row: &Value, subject: &str) -> bool {
    !is_deleted(row) && text(row, "Subject").as_deref() == Some(subject.trim())
}

/// Whether somebody has deleted a subtask.
pub(super) fn is_deleted(row: &Value) -> bool {
    is_set(row, &["IsDeleted"])
}

fn is_set(row: &Value, names: &[&str]) -> bool {
    member(row, names).and_then(Value::as_bool) == Some(true)
}

/// The subtask of a subject that was made last.
pub(super) fn last<'b>(body: &'b Value, subject: &str) -> Option<&'b Value> {
    let rows = rows(body).into_iter().flatten();
    rows.filter(|row| is_of(row, subject))
        .max_by_key(|row| text(row, "CreatedDate").and_then(|at| local(at.trim_end_matches('Z'))))
}

/// The ticket that one of these rows belongs to, where that is another one.
pub(super) fn of_another(rows: &[Value], ticket_id: &str) -> Option<String> {
    rows.iter()
        .filter_map(|row| id(row, "TicketId"))
        .find(|of| !is_same(of, ticket_id))
}

/// Whether a subtask is as an action leaves it.
pub(super) fn is_so(row: &Value, action: &str, body: &Value) -> bool {
    let is_completed = is_set(row, &["IsCompleted", "IsComplete"]);
    match action {
        "complete" => is_completed,
        "revert" => !is_completed,
        "assign" => {
            id(row, "AssignedTo").is_some() && id(row, "AssignedTo") == id(body, "AssignedTo")
        }
        "unassign" => id(row, "AssignedTo").is_none(),
        _ => false,
    }
}

impl IncidentIq {
    /// Does an action with the subtask of that subject that was made last: the one that the step before made, whose id
    /// no step can know when the row is composed, or the one that people see last. It stays the last, so that a
    /// repetition meets no other; what is as it is to be needs no request.
    /// This lists them, and the next request acts.
    pub(super) async fn on_subtask(&self, call: Call<'_>, action: &str, way: &mut Way) -> Answered {
        let subject = text(call.body, "Subject").unwrap_or_default();
        let Some(Ok((ticket, ticket_id))) = call
            .ticket
            .map(|ticket| segment(&ticket.id).map(|id| (ticket, id)))
        else {
            return refused("a subtask needs a ticket that stands".to_owned());
        };
        let path = format!("/v1.0/subtasks/{ticket_id}");
        let answer = self.transport.send(&Request::get(&path)).await;
        let (body, spent) = match before_write(answer, str::to_owned) {
            Ok(read) => read,
            Err(answered) => return answered,
        };
        let Some(rows) = rows(&body) else {
            let why = format!("the subtasks of `{}` could not be listed", ticket.id);
            return Outcome::InDoubt(why).into();
        };
        if let Some(other) = of_another(rows, ticket_id) {
            return refused(merged(ticket_id, &other));
        }
        let Some(last) = last(&body, &subject) else {
            return refused(format!("the ticket has no subtask `{subject}`"));
        };
        if is_so(last, action, call.body) {
            return Answered {
                spent,
                ..Outcome::Done(ticket.clone()).into()
            };
        }
        let Some(id) = id(last, "TicketSubtaskId").or_else(|| id(last, "SubtaskId")) else {
            return refused(format!("the subtask `{subject}` is listed without an id"));
        };
        let root = format!("/v1.0/subtasks/{id}");
        let (method, path) = match action {
            "delete" => (Method::DELETE, root),
            "assign" => match segment(call.body["AssignedTo"].as_str().unwrap_or_default()) {
                Ok(user) => (Method::POST, format!("{root}/assign/{user}")),
                Err(why) => return refused(why),
            },
            action => (Method::POST, format!("{root}/{action}")),
        };
        let act = Next {
            method,
            path,
            body: None,
            before: None,
        };
        way.further(act, spent)
    }
}
