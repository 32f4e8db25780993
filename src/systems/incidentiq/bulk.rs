//! One request for many tickets (contract incidentiq §13).
//!
//! | request under `/tickets/bulk` | for | what shows it on a ticket |
//! |---|---|---|
//! | `assign` | an agent, a team | `AssignedToUserId`, `AssignedToTeamId` |
//! | `set-status` | a step of the workflow | `WorkflowStepId` |
//! | `set-priority` | a priority's score | `Priority` |
//! | `set-issue` | an issue | `IssueId` |
//! | `assign-sla`, `remove-sla` | a service level, or none | `SlaId`, `Sla` |
//! | `set-info` | texts in custom fields | `CustomFieldValues` |
//! | `set-due-date` | a date by which it is due | `DueDate` |
//! | `work` | a closing | `IsClosed` |
//! | `delete` | a deletion | `IsDeleted`, or that there is no such ticket |
//!
//! The answer names a job that works on it later, of which nothing else is told. What empties something goes alone where
//! the ticket would show it by leaving a member out, which proves nothing.

use std::borrow::Cow;
use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::IncidentIq;
use super::calls::{Sending, narrow};
use super::envelope::{id, is_same, moment, text};
use super::fields::{ASSIGN, CUSTOM_FIELDS, DUE_DATE, ISSUE, PRIORITY, SLA, STATUS, UNASSIGN};
use super::listing::standing;
use super::paging::{Call, SIZE};
use super::tickets::{refused, segment};
use crate::error::Result;
use crate::systems::bulk::{Bulk, BulkCall};
use crate::systems::http::Request;
use crate::systems::http::reader::Reader;
use crate::systems::http::refusal::member;
use crate::systems::{Answered, Operation, Standing};

/// What goes together: never more tickets than a page shows.
pub(super) const BULK: Bulk = Bulk {
    most: 100,
    operations: &[
        Operation::Update,
        Operation::Assign,
        Operation::SetStatus,
        Operation::Close,
        Operation::Delete,
    ],
};

/// `StatusTypeId` of a ticket that is closed (§5).
const RESOLVED: &str = "c7932b63-7bf4-49f9-a2a3-ea739e7e0003";

/// A change that one request makes to many tickets.
#[derive(Debug, Clone, Copy)]
enum Change<'a> {
    Assign(&'a Value),
    Status(&'a str),
    Priority(i64),
    Issue(&'a Value),
    Sla(&'a str),
    NoSla,
    Custom(&'a [Value]),
    DueDate(&'a Value),
    Close(&'a Value),
    Delete,
}

/// Whether an object has members, and none but these.
fn has_only(body: &Value, names: &[&str]) -> bool {
    let is_one = |name: &String| names.contains(&name.as_str());
    body.as_object()
        .is_some_and(|members| members.keys().all(is_one))
}

impl<'a> Change<'a> {
    /// The change of a call; `None` where it has no form for many tickets.
    fn of(step: &str, body: &'a Value) -> Option<Self> {
        match Operation::parse(step) {
            Some(Operation::Close) => {
                return has_only(body, &["CloseReasonTypeId"]).then_some(Self::Close(body));
            }
            Some(Operation::Delete) => return Some(Self::Delete),
            _ => {}
        }
        match narrow(step, body) {
            ASSIGN => {
                let members = ["AssignToUserId", "AssignToTeamId"];
                let is_some = members.iter().any(|name| body[name].is_string());
                (is_some && has_only(body, &members)).then_some(Self::Assign(body))
            }
            STATUS => body["WorkflowStepId"].as_str().map(Self::Status),
            PRIORITY => body["Priority"].as_i64().map(Self::Priority),
            ISSUE => body["IssueId"].is_string().then_some(Self::Issue(body)),
            SLA => match &body["SlaId"] {
                Value::Null => Some(Self::NoSla),
                level => level.as_str().map(Self::Sla),
            },
            UNASSIGN if body["Unassign"] == "sla" => Some(Self::NoSla),
            CUSTOM_FIELDS => {
                let values = body.as_array()?;
                let are_texts = values.iter().all(|value| value["Value"].is_string());
                are_texts.then_some(Self::Custom(values))
            }
            DUE_DATE => body["CustomDate"]
                .is_string()
                .then_some(Self::DueDate(body)),
            _ => None,
        }
    }

    /// The last part of its path.
    fn name(self) -> &'static str {
        match self {
            Self::Assign(_) => "assign",
            Self::Status(_) => "set-status",
            Self::Priority(_) => "set-priority",
            Self::Issue(_) => "set-issue",
            Self::Sla(_) => "assign-sla",
            Self::NoSla => "remove-sla",
            Self::Custom(_) => "set-info",
            Self::DueDate(_) => "set-due-date",
            Self::Close(_) => "work",
            Self::Delete => "delete",
        }
    }

    fn method(self) -> Method {
        match self {
            Self::NoSla | Self::Delete => Method::DELETE,
            _ => Method::POST,
        }
    }

    /// The body for these tickets.
    fn body(self, tickets: &[&str]) -> Value {
        let mut body = json!({"TicketIds": tickets});
        body["Request"] = match self {
            Self::NoSla | Self::Delete => return body,
            Self::Status(step) => {
                // The documents have two shapes (§19 D13): one body of both.
                body["targetStatus"] = json!(step);
                json!(step)
            }
            Self::Priority(score) => json!(score),
            Self::Sla(level) => json!({"SlaId": level}),
            Self::Custom(values) => {
                let values = values.iter().map(|value| {
                    let field = value["CustomFieldTypeId"].as_str().unwrap_or_default();
                    json!({"Key": format!("custom-field:{field}"), "Value": value["Value"]})
                });
                json!({"Values": values.collect::<Vec<_>>()})
            }
            Self::Close(reason) => {
                let mut request = json!({"StatusTypeId": RESOLVED});
                if let Some(reason) = reason.get("CloseReasonTypeId") {
                    request["CloseReasonTypeId"] = reason.clone();
                }
                request
            }
            Self::Assign(body) | Self::Issue(body) | Self::DueDate(body) => body.clone(),
        };
        body
    }

    /// Whether a ticket shows it.
    fn is_shown(self, system: &IncidentIq, item: &Value) -> bool {
        let is = |name: &str, wanted: &str| {
            id(item, name).is_some_and(|found| found.eq_ignore_ascii_case(wanted.trim()))
        };
        let wants = |body: &Value, member: &str, name: &str| {
            body[member].as_str().is_none_or(|wanted| is(name, wanted))
        };
        match self {
            Self::Assign(body) => {
                wants(body, "AssignToUserId", "AssignedToUserId")
                    && wants(body, "AssignToTeamId", "AssignedToTeamId")
            }
            Self::Status(step) => is("WorkflowStepId", step),
            Self::Priority(score) => text(item, "Priority") == Some(score.to_string()),
            Self::Issue(body) => wants(body, "IssueId", "IssueId"),
            Self::Sla(level) => level_of(item).is_some_and(|it| it.eq_ignore_ascii_case(level)),
            // Live sites leave out what is not set: absent and null are one (§2).
            Self::NoSla => level_of(item).is_none(),
            Self::Custom(values) => values.iter().all(|value| has_value(item, value)),
            Self::DueDate(body) => {
                let due = |item: &Value, name: &str| {
                    moment(item, name, system.zone.as_ref()).map(|at| at.as_second())
                };
                let wanted = due(body, "CustomDate");
                wanted.is_some() && due(item, "DueDate") == wanted
            }
            Self::Close(_) => standing(item) == Standing::Closed,
            Self::Delete => standing(item) == Standing::Gone,
        }
    }
}

/// Whether nothing is set on a ticket in the place of a call that has a form for many tickets.
pub(super) fn is_unset(step: &str, body: &Value, item: &Value) -> bool {
    match Change::of(step, body) {
        Some(Change::Assign(_)) => ["AssignedToUserId", "AssignedToTeamId"]
            .iter()
            .all(|name| id(item, name).is_none()),
        Some(Change::Sla(_)) => level_of(item).is_none(),
        Some(Change::Custom(values)) => values.iter().all(|wanted| {
            let values = member(item, &["CustomFieldValues"]).and_then(Value::as_array);
            let name = "CustomFieldTypeId";
            let mut own = values.into_iter().flatten();
            own.all(|value| id(value, name) != id(wanted, name) || text(value, "Value").is_none())
        }),
        Some(Change::DueDate(_)) => text(item, "DueDate").is_none_or(|due| due.starts_with("0001")),
        _ => false,
    }
}

/// The service level of a ticket.
fn level_of(item: &Value) -> Option<String> {
    id(item, "SlaId").or_else(|| id(member(item, &["Sla"])?, "SlaId"))
}

/// Whether a custom field of a ticket holds a value.
fn has_value(item: &Value, wanted: &Value) -> bool {
    let values = member(item, &["CustomFieldValues"]).and_then(Value::as_array);
    let mut values = values.into_iter().flatten();
    let name = "CustomFieldTypeId";
    values.any(|value| {
        id(value, name) == id(wanted, name) && text(value, "Value") == text(wanted, "Value")
    })
}

/// The request for many tickets that stands for a call, by the last part of its path.
pub(super) fn name(step: &str, body: &Value) -> Option<&'static str> {
    Change::of(step, body).map(Change::name)
}

/// Whether a ticket shows what a call sets; `None` where that has no form for many tickets.
pub(super) fn is_shown(
    system: &IncidentIq,
    step: &str,
    body: &Value,
    item: &Value,
) -> Option<bool> {
    Some(Change::of(step, body)?.is_shown(system, item))
}

/// Sends a change to many tickets, once.
pub(super) async fn perform(system: &IncidentIq, call: BulkCall<'_>) -> Answered {
    let Some(change) = Change::of(call.step, call.body) else {
        return refused(format!(
            "`{}` cannot be done to many tickets at once",
            call.step
        ));
    };
    let tickets = call.tickets.iter().map(|ticket| segment(&ticket.id));
    let tickets: Vec<&str> = match tickets.collect() {
        Ok(tickets) => tickets,
        Err(message) => return refused(message),
    };
    let path = format!("/v1.0/tickets/bulk/{}", change.name());
    let body = change.body(&tickets);
    // Nothing is made: any of the tickets stands for all in what the answer means.
    let sending = Sending::new(change.method(), path, call.tickets.first());
    let sending = sending.body(Cow::Owned(body));
    system.send(&sending).await.0
}

/// Which of the tickets show a change. The facet is a help to the site; where it is ignored (§4) the tickets that were
/// changed last come first.
pub(super) async fn shown(
    system: &IncidentIq,
    call: BulkCall<'_>,
    closely: bool,
    reader: Reader<'_>,
) -> Result<Vec<bool>> {
    let Some(change) = Change::of(call.step, call.body) else {
        return Ok(vec![false; call.tickets.len()]);
    };
    let filters = call.tickets.iter().map(|ticket| {
        let id = &ticket.id;
        json!({"Facet": "ticket", "Id": id, "GroupIndex": 0})
    });
    let body = json!({
        "Schema": "All",
        "ShowChildTickets": true,
        "IncludeDeleted": true,
        "Filters": filters.collect::<Vec<_>>(),
    });
    let listing = Call::tickets(body).sorted("TicketModifiedDate desc");
    let page = listing.page(reader, 0, SIZE).await?;
    let listed: HashMap<String, bool> = page
        .items
        .iter()
        .filter_map(|item| Some((id(item, "TicketId")?, change.is_shown(system, item))))
        .collect();
    let mut shown = Vec::with_capacity(call.tickets.len());
    for ticket in call.tickets {
        shown.push(match listed.get(&ticket.id.to_ascii_lowercase()) {
            Some(is_shown) => *is_shown,
            None if closely => is_shown_singly(system, change, &ticket.id, reader).await,
            None => false,
        });
    }
    Ok(shown)
}

/// Whether a ticket shows a change when it is read by itself; one that cannot be read shows nothing.
async fn is_shown_singly(
    system: &IncidentIq,
    change: Change<'_>,
    ticket: &str,
    reader: Reader<'_>,
) -> bool {
    let Ok(ticket) = segment(ticket) else {
        return false;
    };
    let path = format!("/v1.0/tickets/{ticket}");
    match reader.read(Request::get(&path)).await {
        Ok(body) => {
            let item = member(&body, &["Item"]).unwrap_or(&body);
            // Another ticket's state says nothing of this one.
            let is_it = id(item, "TicketId").is_none_or(|found| is_same(&found, ticket));
            is_it && change.is_shown(system, item)
        }
        Err(failure) => matches!(change, Change::Delete) && failure.is_absence(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_form_for_many_goes_alone() {
        let cases = [
            ("comment", json!({"IsPublic": true})),
            ("subtask", json!({"Subject": "s"})),
            (
                "update",
                json!({"DeleteMissingCustomFieldValues": false, "DueDate": null}),
            ),
            ("update", json!({"Subject": "s"})),
            ("update", json!([{"Name": "tag"}])),
            ("update", json!([{"CustomFieldTypeId": "f", "Value": null}])),
            // What would show only by what is not there.
            ("assign", json!({"AssignToUserId": "u", "ClearTeam": true})),
            ("assign", json!({"AssignToParentId": "t"})),
            ("assign", json!({"Unassign": "user"})),
            (
                "priority",
                json!({"Priority": "a level", "PriorityId": "a level"}),
            ),
            ("set_status", json!({"Action": "start"})),
            ("close", json!({"ForceCloseRelatedTickets": true})),
            ("follow_1", json!({"TicketFollowerUserId": "u"})),
        ];
        for (step, body) in cases {
            assert_eq!(name(step, &body), None, "{step} {body}");
        }
    }

    #[test]
    fn a_status_goes_in_both_shapes_and_a_deletion_in_the_barest() {
        let status = json!({"WorkflowStepId": "step"});
        let status = Change::of("set_status", &status).unwrap();
        assert_eq!(
            status.body(&["t"]),
            json!({"TicketIds": ["t"], "Request": "step", "targetStatus": "step"})
        );
        let delete = Change::of("delete", &Value::Null).unwrap();
        assert_eq!(delete.method(), Method::DELETE);
        assert_eq!(delete.body(&["t"]), json!({"TicketIds": ["t"]}));
    }
}
