//! What writes do to subtasks.

use serde_json::Value;

use crate::guid::Guid;
use crate::incidentiq::body::{self, get, guid, required};
use crate::incidentiq::book::Kind;
use crate::incidentiq::deed::{Deed, Deeds, Effect, Order};
use crate::incidentiq::state::State;
use crate::incidentiq::ticket::{Subtask, Ticket};
use crate::reply::Refusal;

const UPDATED: u8 = 3;

pub(in super::super) const DEEDS: Deeds = &[
    ("subtask", Deed::Ticket(UPDATED, "Subtask added", add)),
    (
        "subtask_complete",
        Deed::Ticket(UPDATED, "Subtask completed", |_, order, ticket| {
            let by = (order.by, order.at);
            named(ticket, order.body)?.completed.get_or_insert(by);
            Ok(())
        }),
    ),
    (
        "subtask_revert",
        Deed::Ticket(UPDATED, "Subtask reopened", |_, order, ticket| {
            named(ticket, order.body)?.completed = None;
            Ok(())
        }),
    ),
    (
        "subtask_assign",
        Deed::Ticket(UPDATED, "Subtask assigned", |state, order, ticket| {
            let user = body::reference(&state.book, order.body, "UserId", Kind::User)?;
            named(ticket, order.body)?.assigned = Some((user, order.at));
            Ok(())
        }),
    ),
    (
        "subtask_unassign",
        Deed::Ticket(UPDATED, "Subtask unassigned", |_, order, ticket| {
            named(ticket, order.body)?.assigned = None;
            Ok(())
        }),
    ),
    (
        "subtask_delete",
        Deed::Ticket(UPDATED, "Subtask deleted", |_, order, ticket| {
            named(ticket, order.body)?.is_deleted = true;
            Ok(())
        }),
    ),
    (
        "subtask_duplicate",
        Deed::Ticket(UPDATED, "Subtask added", |_, order, ticket| {
            let mut copy = named(ticket, order.body)?.clone();
            copy.id = next(ticket);
            copy.order = ticket.subtasks.len() as i64;
            copy.completed = None;
            copy.ticket = None;
            copy.created = (order.by, order.at);
            ticket.subtasks.push(copy);
            Ok(())
        }),
    ),
    (
        "subtask_sort",
        Deed::Ticket(UPDATED, "Subtask moved", |_, order, ticket| {
            let place = get(order.body, "SortOrder").and_then(Value::as_i64);
            named(ticket, order.body)?.order = place.ok_or_else(|| body::missing("SortOrder"))?;
            Ok(())
        }),
    ),
    (
        "subtask_regroup",
        Deed::Ticket(UPDATED, "Subtask moved", |_, order, ticket| {
            named(ticket, order.body)?.group = guid(order.body, "SubtaskGroupId");
            Ok(())
        }),
    ),
    ("subtask_convert", Deed::Any(convert)),
    ("subtask_group", Deed::Any(super::groups::group)),
];

fn next(ticket: &Ticket) -> Guid {
    Guid::seeded(
        "subtask",
        &format!("{}/{}", ticket.id, ticket.subtasks.len()),
    )
}

fn named<'a>(ticket: &'a mut Ticket, body: &Value) -> Result<&'a mut Subtask, Refusal> {
    let id = guid(body, "SubtaskId");
    let mut subtasks = ticket.subtasks.iter_mut();
    subtasks
        .find(|one| Some(one.id) == id && !one.is_deleted)
        .ok_or_else(|| Refusal::not_found("The subtask"))
}

fn add(state: &State, order: &Order<'_>, ticket: &mut Ticket) -> Result<(), Refusal> {
    let body = order.body;
    let subject = required(body, "Subject")?;
    if subject.trim().is_empty() {
        return Err(body::missing("Subject"));
    }
    let assigned = body::optional(&state.book, body, "AssignedTo", Kind::User)?;
    let place = get(body, "SortOrder").and_then(Value::as_i64);
    ticket.subtasks.push(Subtask {
        id: next(ticket),
        subject: subject.to_owned(),
        completed: None,
        assigned: assigned.map(|user| (user, order.at)),
        is_deleted: false,
        created: (order.by, order.at),
        ticket: None,
        group: guid(body, "SubtaskGroupId"),
        order: place.unwrap_or(ticket.subtasks.len() as i64),
    });
    Ok(())
}

/// A ticket of its own under the one that the subtask stands on.
fn convert(state: &State, order: &Order<'_>) -> Result<Vec<Effect>, Refusal> {
    let mut parent = state.ticket(order.target)?.clone();
    let subtask = named(&mut parent, order.body)?;
    if subtask.ticket.is_some() {
        return Err(Refusal::new(400, "The subtask is a ticket already."));
    }
    let id = state.next_ticket();
    subtask.ticket = Some(id);
    let mut child = Ticket::blank(order.at);
    child.id = id;
    child.subject.clone_from(&subtask.subject);
    child.assignee = subtask.assigned.map(|(user, _)| user);
    child.owner = order.by;
    child.requestor = parent.requestor;
    child.location = parent.location;
    child.issue = parent.issue;
    child.parent = Some(parent.id);
    parent.modified = order.at;
    Ok(vec![
        Effect::Changed(Box::new(parent)),
        Effect::New(Box::new(child)),
    ])
}
