//! Subtasks of a ticket, their groups, child tickets (contract incidentiq §12).

mod deeds;
mod groups;

use serde_json::{Value, json};

use super::body::{self, get, guid, id, object_or_empty};
use super::search::paging_of;
use super::state::State;
use super::ticket::{Subtask, Ticket};
use super::{IncidentIq, Row, actor, dates, envelope};
use crate::call::Call;
use crate::guid::Guid;
use crate::reply::{Answer, Refusal, Reply};

pub(super) use self::deeds::DEEDS;
pub(super) use self::groups::ROUTES as GROUPS;

pub(super) const ROUTES: &[Row] = &[
    Row::create("POST", "/subtasks/create", "subtask", create)
        .takes("NewSubtask")
        .gives("List(Subtask)"),
    Row::read(
        "GET",
        "/subtasks/{ticketId:guid}",
        "subtasks",
        |iiq, call| {
            let state = iiq.state();
            let ticket = state.ticket(id(call, "ticketId")?)?;
            Ok(all_of(iiq, &state, ticket))
        },
    )
    .gives("List(Subtask)"),
    Row::read("GET", "/subtasks", "subtasks", mine).gives("List(Subtask)"),
    Row::write(
        "POST",
        "/subtasks/{subtaskId:guid}/complete",
        "subtask_complete",
        list_after,
    )
    .gives("List(Subtask)"),
    Row::write(
        "POST",
        "/subtasks/{subtaskId:guid}/revert",
        "subtask_revert",
        item_after,
    )
    .gives("Item(Subtask)"),
    Row::write(
        "POST",
        "/subtasks/{subtaskId:guid}/assign/{userId:guid}",
        "subtask_assign",
        list_after,
    )
    .gives("List(Subtask)"),
    Row::write(
        "POST",
        "/subtasks/{subtaskId:guid}/unassign",
        "subtask_unassign",
        list_after,
    )
    .gives("List(Subtask)"),
    Row::create(
        "POST",
        "/subtasks/{subtaskId:guid}/convert",
        "subtask_convert",
        item_after,
    )
    .gives("Item(Subtask)"),
    Row::create(
        "POST",
        "/subtasks/{subtaskId:guid}/duplicate",
        "subtask_duplicate",
        duplicate,
    )
    .gives("Item(Subtask)"),
    Row::write(
        "DELETE",
        "/subtasks/{subtaskId:guid}",
        "subtask_delete",
        |iiq, call| list_after(iiq, call).map(|_| envelope::action("OK")),
    )
    .gives("Action"),
    Row::write("POST", "/subtasks/update-sort", "subtask_sort", sort)
        .takes("any")
        .gives("Action"),
    Row::write(
        "DELETE",
        "/subtickets/{ticketId:guid}",
        "unparent",
        |iiq, call| {
            drop(iiq.obey(call, id(call, "ticketId")?, &json!({}))?);
            Ok(envelope::action("OK"))
        },
    )
    .gives("Action"),
];

/// A subtask as answers show it. One of the documents' schemas says `SubtaskId` and `IsComplete`: both stand here.
fn shown(iiq: &IncidentIq, state: &State, ticket: &Ticket, one: &Subtask) -> Value {
    let users = &state.book.district.users;
    let time = |at| dates::shown(at, &state.book.clock.zone, iiq.rules.temper);
    json!({
        "TicketSubtaskId": one.id, "SubtaskId": one.id, "TicketId": ticket.id, "Subject": one.subject,
        "IsCompleted": one.completed.is_some(), "IsComplete": one.completed.is_some(),
        "CompletedBy": one.completed.map(|(by, _)| users[by].id),
        "CompletedOn": one.completed.map(|(_, at)| time(at)),
        "IsAssigned": one.assigned.is_some(),
        "AssignedTo": one.assigned.map(|(to, _)| users[to].id),
        "AssignedOn": one.assigned.map(|(_, at)| time(at)),
        "IsDeleted": one.is_deleted,
        "CreatedById": users[one.created.0].id, "CreatedDate": time(one.created.1),
        "HasTicket": one.ticket.is_some(), "CreatedTicketId": one.ticket,
        "SubtaskGroupId": one.group, "SortOrder": one.order,
    })
}

fn all_of(iiq: &IncidentIq, state: &State, ticket: &Ticket) -> Reply {
    let mut live: Vec<_> = ticket.live_subtasks().collect();
    live.sort_by_key(|one| one.order);
    let items: Vec<_> = live
        .iter()
        .map(|one| shown(iiq, state, ticket, one))
        .collect();
    envelope::whole(&items)
}

fn create(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = object_or_empty(call)?;
    let ticket = guid(&body, "TicketId").ok_or_else(|| body::missing("TicketId"))?;
    let state = iiq.obey(call, ticket, &body)?;
    Ok(all_of(iiq, &state, state.ticket(ticket)?))
}

/// The open subtasks of whoever asks.
fn mine(iiq: &IncidentIq, call: &Call) -> Answer {
    let state = iiq.state();
    let me = actor(call.token);
    let mut items = Vec::new();
    for ticket in state.tickets.iter().filter(|ticket| !ticket.is_deleted) {
        let own = ticket.live_subtasks().filter(|one| {
            one.completed.is_none() && one.assigned.is_some_and(|(user, _)| user == me)
        });
        items.extend(own.map(|one| shown(iiq, &state, ticket, one)));
    }
    let page = paging_of(iiq, call, &Value::Null, 100);
    Ok(envelope::list(
        &items[page.range(items.len())],
        items.len(),
        page,
    ))
}

/// Obeys what the path says about a subtask: the ticket that it stands on.
fn obey(iiq: &IncidentIq, call: &Call) -> Result<(Guid, Guid), Refusal> {
    let subtask = id(call, "subtaskId")?;
    let mut body = json!({ "SubtaskId": subtask });
    if !call.parameter("userId").is_empty() {
        body["UserId"] = json!(id(call, "userId")?);
    }
    let mut state = iiq.state();
    let ticket = state.owner_of(subtask, "The subtask")?.id;
    iiq.obey_in(&mut state, call, call.operation, ticket, &body)?;
    Ok((ticket, subtask))
}

fn list_after(iiq: &IncidentIq, call: &Call) -> Answer {
    let (ticket, _) = obey(iiq, call)?;
    let state = iiq.state();
    Ok(all_of(iiq, &state, state.ticket(ticket)?))
}

fn item_after(iiq: &IncidentIq, call: &Call) -> Answer {
    let (ticket, subtask) = obey(iiq, call)?;
    one_of(iiq, ticket, |one| one.id == subtask)
}

fn duplicate(iiq: &IncidentIq, call: &Call) -> Answer {
    let (ticket, _) = obey(iiq, call)?;
    let last = iiq
        .state()
        .ticket(ticket)?
        .subtasks
        .last()
        .map(|one| one.id);
    one_of(iiq, ticket, |one| Some(one.id) == last)
}

fn one_of(iiq: &IncidentIq, ticket: Guid, is_it: impl Fn(&Subtask) -> bool) -> Answer {
    let state = iiq.state();
    let ticket = state.ticket(ticket)?;
    let one = ticket.subtasks.iter().find(|one| is_it(one));
    let one = one.ok_or_else(|| Refusal::not_found("The subtask"))?;
    Ok(envelope::item(
        200,
        &shown(iiq, &state, ticket, one),
        Some(one.id),
    ))
}

/// The documents do not show the body: a list of `{TicketSubtaskId, SortOrder}`, or ids in their new order, bare
/// or under `SubtaskIds`.
fn sort(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = call.json()?;
    let listed = body
        .as_array()
        .or_else(|| get(&body, "SubtaskIds")?.as_array());
    let listed = listed.ok_or_else(|| body::missing("SubtaskIds"))?;
    let mut state = iiq.state();
    for (nth, item) in listed.iter().enumerate() {
        let id = item.as_str().and_then(|id| id.parse().ok());
        let id = id
            .or_else(|| guid(item, "TicketSubtaskId"))
            .or_else(|| guid(item, "SubtaskId"));
        let id = id.ok_or_else(|| Refusal::not_found("The subtask"))?;
        let ticket = state.owner_of(id, "The subtask")?.id;
        let place = get(item, "SortOrder")
            .and_then(Value::as_i64)
            .unwrap_or(nth as i64);
        let body = json!({ "SubtaskId": id, "SortOrder": place });
        iiq.obey_in(&mut state, call, call.operation, ticket, &body)?;
    }
    Ok(envelope::action("OK"))
}
