//! Approvals: asked for, answered, changed, taken back (contract incidentiq §10).

use serde_json::{Value, json};

use super::body::{get, id, required, text};
use super::book::Kind;
use super::dates::shown;
use super::deed::{Deed, Deeds, Order};
use super::state::State;
use super::ticket::{Approval, Ticket, Verdict};
use super::{IncidentIq, action, envelope, viewing};
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::Row;
use crate::reply::{Answer, Refusal};

pub(super) const ROUTES: &[Row] = &[
    Row::read("GET", "/tickets/{ticketId:guid}/approvals", "approvals", listed)
        .gives("List(Approval)"),
    Row::write("POST", "/tickets/{ticketId:guid}/workflow/approval", "approval", action)
        .takes("{TicketId guid?, WorkflowStepId guid?, ApproverIds [guid]}")
        .gives("Action"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/workflow/approval/response",
        "approval_response",
        action,
    )
    .takes("{TicketId guid?, WorkflowStepId guid?, Action* text, Comments text?, IsCommentPublic bool}")
    .gives("Action"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/workflow/approval/change",
        "approval_change",
        action,
    )
    .takes("{TicketId guid?, WorkflowStepId guid?, ApproverIds [guid]}")
    .gives("Action"),
    Row::write(
        "DELETE",
        "/tickets/{ticketId:guid}/workflow/delete",
        "approval_delete",
        |iiq, call| {
            drop(iiq.obey(call, id(call, "ticketId")?, &json!({}))?);
            Ok(envelope::action("OK"))
        },
    )
    .gives("Action"),
];

pub(super) const DEEDS: Deeds = &[
    ("approval", Deed::Ticket(59, "Approval requested", ask)),
    (
        "approval_response",
        Deed::Ticket(60, "Approval answered", answer),
    ),
    (
        "approval_change",
        Deed::Ticket(61, "Approval changed", |state, order, ticket| {
            let approvers = approvers(state, order)?;
            awaited(ticket)?.approvers = approvers;
            Ok(())
        }),
    ),
    (
        "approval_delete",
        Deed::Ticket(62, "Approval taken back", |_, _, ticket| {
            awaited(ticket)?;
            ticket.approvals.pop();
            Ok(())
        }),
    ),
];

fn awaited(ticket: &mut Ticket) -> Result<&mut Approval, Refusal> {
    let last = ticket.approvals.last_mut();
    last.filter(|one| one.verdict == Verdict::Awaited)
        .ok_or_else(|| Refusal::new(400, "The ticket does not wait for an approval."))
}

/// Those that the body names; else whoever asks.
fn approvers(state: &State, order: &Order<'_>) -> Result<Vec<usize>, Refusal> {
    let Some(ids) = get(order.body, "ApproverIds").and_then(Value::as_array) else {
        return Ok(vec![order.by]);
    };
    ids.iter()
        .map(|one| {
            let place = one.as_str().and_then(|id| id.parse().ok());
            let place = place.and_then(|id| state.book.find(Kind::User, id));
            place.ok_or_else(|| Refusal::bad("ApproverIds", format!("{one} does not exist.")))
        })
        .collect()
}

fn ask(state: &State, order: &Order<'_>, ticket: &mut Ticket) -> Result<(), Refusal> {
    if ticket.awaited().is_some() {
        return Err(Refusal::new(
            400,
            "The ticket waits for an approval already.",
        ));
    }
    let nth = ticket.approvals.len();
    ticket.approvals.push(Approval {
        id: Guid::seeded("approval", &format!("{}/{nth}", ticket.id)),
        approvers: approvers(state, order)?,
        verdict: Verdict::Awaited,
        comments: None,
        at: order.at,
    });
    Ok(())
}

fn answer(_: &State, order: &Order<'_>, ticket: &mut Ticket) -> Result<(), Refusal> {
    let verdict = match required(order.body, "Action")?.to_lowercase().as_str() {
        "approve" => Verdict::Approved,
        "deny" => Verdict::Denied,
        _ => {
            let message = "The Action must be Approve or Deny.";
            return Err(Refusal::bad("Action", message));
        }
    };
    let comments = text(order.body, "Comments").map(str::to_owned);
    let approval = awaited(ticket)?;
    approval.verdict = verdict;
    approval.comments = comments;
    Ok(())
}

fn listed(iiq: &IncidentIq, call: &Call) -> Answer {
    viewing::part(iiq, call, |state, ticket| {
        let users = &state.book.ticket_users;
        let approvals = ticket.approvals.iter();
        approvals
            .map(|one| {
                let approvers: Vec<_> = one.approvers.iter().map(|place| &users[*place]).collect();
                json!({
                    "ApprovalId": one.id, "TicketId": ticket.id, "Approvers": approvers,
                    "Action": match one.verdict {
                        Verdict::Awaited => None,
                        Verdict::Approved => Some("Approve"),
                        Verdict::Denied => Some("Deny"),
                    },
                    "Comments": one.comments,
                    "CreatedDate": shown(one.at, &state.book.clock.zone, iiq.rules.temper),
                })
            })
            .collect()
    })
}
