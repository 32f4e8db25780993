//! The steps of a ticket's work (contract incidentiq §10). What the workflow does not allow answers 400: an open
//! ticket may go to any step; a closed one only to an open step that is named (`/status/{step}`), which reopens it.

use serde_json::{Value, json};

use super::body::{self, guid, id, is_set};
use super::book::Kind;
use super::deed::{Deed, Deeds, Effect, Order};
use super::state::State;
use super::ticket::Ticket;
use super::{IncidentIq, action, envelope};
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::Row;
use crate::reply::{Answer, Refusal};

pub(super) const ROUTES: &[Row] = &[
    Row::write("POST", "/tickets/{ticketId:guid}/start", "start", with_step)
        .takes("{UserId guid?}")
        .gives("Item(WorkflowStep)"),
    Row::write("POST", "/tickets/{ticketId:guid}/stop", "stop", with_step)
        .gives("Item(WorkflowStep)"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/confirm-issue",
        "confirm",
        action,
    )
    .gives("Action"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/unconfirm-issue",
        "unconfirm",
        action,
    )
    .gives("Action"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/status/{workflowStepId:guid}",
        "status",
        status,
    )
    .gives("Item(WorkflowStep)"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/status/waiting-on-requestor",
        "waiting",
        with_step,
    )
    .gives("Item(WorkflowStep)"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/status/requestor-responded",
        "responded",
        with_step,
    )
    .gives("Item(WorkflowStep)"),
    Row::write("POST", "/tickets/{ticketId:guid}/close", "close", action)
        .takes("CloseRequest")
        .gives("Action"),
    Row::write("POST", "/tickets/{ticketId:guid}/resolve", "close", action)
        .takes("CloseRequest")
        .gives("Action"),
    Row::write("POST", "/tickets/{ticketId:guid}/cancel", "cancel", action)
        .takes("{CloseReasonTypeId guid?}")
        .gives("Action"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/mark-as-duplicate/{originalId}",
        "duplicate",
        duplicate,
    )
    .gives("Action")
    .breaks(),
];

const STATUS_CHANGED: u8 = 63;
const UPDATED: u8 = 3;
const CANCELED: u8 = 9;
const DUPLICATE: u8 = 58;

pub(super) const DEEDS: Deeds = &[
    ("start", Deed::Ticket(STATUS_CHANGED, "Started", start)),
    ("stop", Deed::Ticket(STATUS_CHANGED, "Stopped", stop)),
    (
        "confirm",
        Deed::Ticket(UPDATED, "Issue confirmed", |_, _, ticket| {
            ticket.is_confirmed = true;
            Ok(())
        }),
    ),
    (
        "unconfirm",
        Deed::Ticket(UPDATED, "Issue unconfirmed", |_, _, ticket| {
            ticket.is_confirmed = false;
            Ok(())
        }),
    ),
    (
        "status",
        Deed::Ticket(STATUS_CHANGED, "Status changed", |state, order, ticket| {
            let step = guid(order.body, "WorkflowStepId");
            let step = step.and_then(|id| state.book.find(Kind::Step, id));
            let step =
                step.ok_or_else(|| Refusal::new(400, "The workflow step does not exist."))?;
            set_step(state, order, ticket, step);
            Ok(())
        }),
    ),
    (
        "waiting",
        Deed::Ticket(
            STATUS_CHANGED,
            "Waiting on the requestor",
            |state, order, ticket| {
                check_open(ticket)?;
                set_step(state, order, ticket, step(state, "Waiting on Requestor")?);
                Ok(())
            },
        ),
    ),
    (
        "responded",
        Deed::Ticket(STATUS_CHANGED, "The requestor responded", responded),
    ),
    ("close", Deed::Any(close)),
    (
        "cancel",
        Deed::Ticket(CANCELED, "Canceled", |state, order, ticket| {
            check_open(ticket)?;
            end(state, order, ticket, "Canceled")
        }),
    ),
    (
        "duplicate",
        Deed::Ticket(DUPLICATE, "Marked as a duplicate", marked),
    ),
];

fn status(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = json!({ "WorkflowStepId": id(call, "workflowStepId")? });
    step_after(iiq, call, &body)
}

/// A transition is answered with the step that the ticket is at now (docs26).
fn step_after(iiq: &IncidentIq, call: &Call, body: &Value) -> Answer {
    let id = id(call, "ticketId")?;
    let state = iiq.obey(call, id, body)?;
    let step = &state.book.steps[state.ticket(id)?.step];
    Ok(envelope::item(200, step, None))
}

fn with_step(iiq: &IncidentIq, call: &Call) -> Answer {
    step_after(iiq, call, &body::object_or_empty(call)?)
}

/// Ids that are none, or of nothing, answer 500 here (contract §17).
fn duplicate(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = json!({ "OriginalId": call.parameter("originalId") });
    drop(iiq.obey(call, id(call, "ticketId")?, &body)?);
    Ok(envelope::action("OK"))
}

fn step(state: &State, name: &str) -> Result<usize, Refusal> {
    let mut statuses = state.book.district.statuses.iter();
    statuses
        .position(|one| one.name == name)
        .ok_or_else(not_allowed)
}

fn not_allowed() -> Refusal {
    Refusal::new(400, "The transition is not allowed by the workflow.")
}

fn check_open(ticket: &Ticket) -> Result<(), Refusal> {
    match ticket.closed {
        Some(_) => Err(not_allowed()),
        None => Ok(()),
    }
}

/// Brings a ticket to a step, open or closed.
pub(super) fn set_step(state: &State, order: &Order<'_>, ticket: &mut Ticket, step: usize) {
    let is_closed = state.book.district.statuses[step].is_closed;
    if step != ticket.step {
        ticket.step_before = ticket.step;
    }
    ticket.step = step;
    match (is_closed, ticket.closed) {
        (true, None) => ticket.closed = Some((order.at, order.by)),
        (false, Some(_)) => {
            ticket.closed = None;
            ticket.close_reason = None;
        }
        _ => {}
    }
}

fn start(state: &State, order: &Order<'_>, ticket: &mut Ticket) -> Result<(), Refusal> {
    check_open(ticket)?;
    if let Some(user) = body::optional(&state.book, order.body, "UserId", Kind::User)? {
        ticket.assignee = Some(user);
    }
    ticket.started = Some(order.at);
    set_step(state, order, ticket, step(state, "In Progress")?);
    Ok(())
}

/// Back to the open step before the work, as if it had not begun.
fn stop(state: &State, order: &Order<'_>, ticket: &mut Ticket) -> Result<(), Refusal> {
    check_open(ticket)?;
    ticket.started = None;
    if ticket.step == step(state, "In Progress")? {
        let before = ticket.step_before;
        let is_closed = state.book.district.statuses[before].is_closed;
        set_step(state, order, ticket, if is_closed { 0 } else { before });
    }
    Ok(())
}

fn responded(state: &State, order: &Order<'_>, ticket: &mut Ticket) -> Result<(), Refusal> {
    check_open(ticket)?;
    if ticket.step == step(state, "Waiting on Requestor")? {
        let before = ticket.step_before;
        let is_closed = state.book.district.statuses[before].is_closed;
        set_step(state, order, ticket, if is_closed { 0 } else { before });
    }
    Ok(())
}

/// Ends a ticket at a closed step, with the reason that the body names.
fn end(state: &State, order: &Order<'_>, ticket: &mut Ticket, to: &str) -> Result<(), Refusal> {
    let (book, body) = (&state.book, order.body);
    let reason = body::optional(book, body, "CloseReasonTypeId", Kind::CloseReason)?;
    set_step(state, order, ticket, step(state, to)?);
    ticket.close_reason = reason.or(ticket.close_reason);
    ticket.modified = order.at;
    Ok(())
}

/// Open steps that must be done stand in the way, the others too unless they are to be skipped (contract §10).
fn check_next_steps(order: &Order<'_>, ticket: &Ticket) -> Result<(), Refusal> {
    let skips = is_set(order.body, "SkipCheckingNonMandatorySteps");
    let mut open = ticket.next_steps.iter().filter(|one| !one.is_resolved);
    match open.find(|one| one.is_mandatory || !skips) {
        Some(step) => Err(Refusal::new(
            400,
            format!("The next step {} has to be resolved first.", step.name),
        )),
        None => Ok(()),
    }
}

/// Closes a ticket, and those that hang on it where that is asked for.
fn close(state: &State, order: &Order<'_>) -> Result<Vec<Effect>, Refusal> {
    const RESOLVED: u8 = 10;
    let ticket = state.ticket(order.target)?;
    check_open(ticket)?;
    check_next_steps(order, ticket)?;
    let mut ids = vec![order.target];
    if is_set(order.body, "ForceCloseRelatedTickets") {
        ids.extend(&ticket.related);
        ids.extend(ticket.children.iter().map(|child| child.id));
    }
    let mut effects = Vec::new();
    for (nth, id) in ids.into_iter().enumerate() {
        let mut ticket = state.ticket(id)?.clone();
        if nth > 0 && ticket.closed.is_some() {
            continue;
        }
        end(state, order, &mut ticket, "Resolved")?;
        ticket.log.push(super::ticket::Logged {
            kind: RESOLVED,
            at: order.at,
            by: order.by,
            what: "Closed",
        });
        effects.push(Effect::Changed(Box::new(ticket)));
    }
    Ok(effects)
}

fn marked(state: &State, order: &Order<'_>, ticket: &mut Ticket) -> Result<(), Refusal> {
    let original: Option<Guid> = guid(order.body, "OriginalId");
    let original = original.filter(|id| *id != order.target && state.place(*id).is_ok());
    let original = original.ok_or_else(|| Refusal::new(500, "An unexpected error occurred."))?;
    ticket.duplicate_of = Some(original);
    if !ticket.related.contains(&original) {
        ticket.related.push(original);
    }
    if ticket.closed.is_none() {
        let reasons = &state.book.district.close_reasons;
        set_step(state, order, ticket, step(state, "Resolved")?);
        ticket.close_reason = reasons.iter().position(|(_, name)| *name == "Duplicate");
    }
    Ok(())
}
