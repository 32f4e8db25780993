//! Who works on a ticket, under which service level, beneath which other ticket (contract incidentiq §9).

use serde_json::json;

use super::body::{self, get, guid, id, is_set};
use super::book::Kind;
use super::deed::{Deed, Deeds, Order};
use super::state::State;
use super::ticket::{Level, Ticket};
use super::{IncidentIq, action, envelope};
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::Row;
use crate::reply::{Answer, Refusal};

pub(super) const ROUTES: &[Row] = &[
    Row::write("POST", "/tickets/{ticketId:guid}/assign", "assign", action)
        .takes("AssignRequest")
        .gives("Action"),
    Row::write("POST", "/tickets/{ticketId:guid}/sla", "sla", action)
        .takes("{SlaId* guid}")
        .gives("Action"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/unassign/user",
        "unassign_user",
        action,
    )
    .gives("Action"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/unassign/team",
        "unassign_team",
        action,
    )
    .gives("Action"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/unassign-sla",
        "unassign_sla",
        action,
    )
    .gives("Action"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/unassign/related/{otherId:guid}",
        "unassign_related",
        |iiq, call| with_body(iiq, call, &json!({ "OtherId": id(call, "otherId")? })),
    )
    .gives("Action"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/owner/{ownerUserId:guid}/for/{forUserId:guid}",
        "owner",
        |iiq, call| {
            let (owner, requestor) = (id(call, "ownerUserId")?, id(call, "forUserId")?);
            with_body(iiq, call, &json!({ "OwnerId": owner, "ForId": requestor }))
        },
    )
    .gives("Action"),
];

const UPDATED: u8 = 3;
const SLA: u8 = 77;

pub(super) const DEEDS: Deeds = &[
    ("assign", Deed::Ticket(UPDATED, "Assigned", assign)),
    (
        "sla",
        Deed::Ticket(SLA, "Service level set", |state, order, ticket| {
            let sla = body::reference(&state.book, order.body, "SlaId", Kind::Sla)?;
            ticket.level = Some(Level {
                sla,
                since: order.at,
            });
            Ok(())
        }),
    ),
    (
        "unassign_user",
        Deed::Ticket(UPDATED, "Unassigned", |_, _, ticket| {
            ticket.assignee = None;
            Ok(())
        }),
    ),
    (
        "unassign_team",
        Deed::Ticket(UPDATED, "Team unassigned", |_, _, ticket| {
            ticket.team = None;
            Ok(())
        }),
    ),
    (
        "unassign_sla",
        Deed::Ticket(SLA, "Service level removed", |_, _, ticket| {
            ticket.level = None;
            Ok(())
        }),
    ),
    (
        "unassign_related",
        Deed::Ticket(UPDATED, "Relation removed", |_, order, ticket| {
            let other = guid(order.body, "OtherId");
            if !ticket.related.iter().any(|id| Some(*id) == other) {
                return Err(Refusal::not_found("The related ticket"));
            }
            ticket.related.retain(|id| Some(*id) != other);
            Ok(())
        }),
    ),
    (
        "owner",
        Deed::Ticket(UPDATED, "Owner changed", |state, order, ticket| {
            ticket.owner = body::reference(&state.book, order.body, "OwnerId", Kind::User)?;
            ticket.requestor = body::reference(&state.book, order.body, "ForId", Kind::User)?;
            Ok(())
        }),
    ),
    (
        "unparent",
        Deed::Ticket(UPDATED, "Detached from its parent", |_, _, ticket| {
            if ticket.parent.take().is_none() {
                return Err(Refusal::not_found("The parent ticket"));
            }
            Ok(())
        }),
    ),
];

fn with_body(iiq: &IncidentIq, call: &Call, body: &serde_json::Value) -> Answer {
    drop(iiq.obey(call, id(call, "ticketId")?, body)?);
    Ok(envelope::action("OK"))
}

/// The body's `TicketId` is that of the path, where it is there.
pub(super) fn check_ticket(order: &Order<'_>) -> Result<(), Refusal> {
    match guid(order.body, "TicketId") {
        Some(id) if id != order.target => {
            let message = "The TicketId is not the one of the path.";
            Err(Refusal::bad("TicketId", message))
        }
        _ => Ok(()),
    }
}

/// Another ticket that the body names.
fn other(state: &State, order: &Order<'_>, name: &str) -> Result<Option<Guid>, Refusal> {
    if get(order.body, name).is_none() {
        return Ok(None);
    }
    let id = guid(order.body, name).filter(|id| *id != order.target && state.place(*id).is_ok());
    id.map(Some)
        .ok_or_else(|| Refusal::bad(name, format!("The {name} is no other ticket.")))
}

/// Sets what the body names and leaves the rest.
fn assign(state: &State, order: &Order<'_>, ticket: &mut Ticket) -> Result<(), Refusal> {
    let (book, body) = (&*state.book, order.body);
    check_ticket(order)?;
    if let Some(user) = body::optional(book, body, "AssignToUserId", Kind::User)? {
        ticket.assignee = Some(user);
    }
    if let Some(team) = body::optional(book, body, "AssignToTeamId", Kind::Team)? {
        ticket.team = Some(team);
    }
    if let Some(sla) = body::optional(book, body, "AssignToSlaId", Kind::Sla)? {
        ticket.level = Some(Level {
            sla,
            since: order.at,
        });
    }
    if let Some(id) = guid(body, "AssignToWorkpackageId") {
        ticket.workpackage = Some(id);
    }
    if let Some(parent) = other(state, order, "AssignToParentId")? {
        if state.ticket(parent)?.parent == Some(order.target) {
            let message = "A ticket cannot be the parent of its own parent.";
            return Err(Refusal::bad("AssignToParentId", message));
        }
        ticket.parent = Some(parent);
    }
    if let Some(related) = other(state, order, "AssignToRelatedId")?
        && !ticket.related.contains(&related)
    {
        ticket.related.push(related);
    }
    if is_set(body, "ClearUser") {
        ticket.assignee = None;
    }
    if is_set(body, "ClearTeam") {
        ticket.team = None;
    }
    Ok(())
}
