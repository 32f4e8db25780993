//! Groups of subtasks.

use serde_json::{Value, json};

use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::body::{self, get, guid, id, is_set, object_or_empty, text};
use crate::incidentiq::book::Kind;
use crate::incidentiq::deed::{Effect, Order};
use crate::incidentiq::state::{Group, State};
use crate::incidentiq::{IncidentIq, Row, actor, envelope};
use crate::reply::{Answer, Refusal};

const GROUP: &str = "{Name* text}";

pub(in super::super) const ROUTES: &[Row] = &[
    Row::create("POST", "/subtasks/group/new", "subtask_group", new_group)
        .takes(GROUP)
        .gives("Item(SubtaskGroup)"),
    Row::write(
        "POST",
        "/subtasks/group/{groupId:guid}",
        "subtask_group",
        change_group,
    )
    .takes(GROUP)
    .gives("Item(SubtaskGroup)"),
    Row::write("POST", "/subtasks/group/assign", "subtask_regroup", regroup)
        .takes("{SubtaskGroupId* guid?, SubtaskIds* [guid]}")
        .gives("Action"),
    Row::write(
        "DELETE",
        "/subtasks/group/{groupId:guid}",
        "subtask_group",
        change_group,
    )
    .gives("Item(SubtaskGroup)"),
    Row::read(
        "GET",
        "/subtasks/my/groups",
        "subtask_groups",
        |iiq, call| groups(iiq, actor(call.token)),
    )
    .gives("List(SubtaskGroup)"),
    Row::read(
        "GET",
        "/subtasks/{userId:guid}/groups",
        "subtask_groups",
        |iiq, call| {
            let user = iiq.book().find(Kind::User, id(call, "userId")?);
            groups(iiq, user.ok_or_else(|| Refusal::not_found("The user"))?)
        },
    )
    .gives("List(SubtaskGroup)"),
];

/// Makes a group, renames it or takes it away; the order is about the group's id.
pub(super) fn group(state: &State, order: &Order<'_>) -> Result<Vec<Effect>, Refusal> {
    let known = state.groups.iter().find(|group| group.id == order.target);
    let is_deleted = is_set(order.body, "IsDeleted");
    let name = match text(order.body, "Name") {
        Some(name) => name.to_owned(),
        None => known
            .filter(|_| is_deleted)
            .map(|group| group.name.clone())
            .ok_or_else(|| body::missing("Name"))?,
    };
    Ok(vec![Effect::Group(Group {
        id: order.target,
        name,
        user: known.map_or(order.by, |group| group.user),
        is_deleted,
    })])
}

fn regroup(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = object_or_empty(call)?;
    let group = guid(&body, "SubtaskGroupId");
    let mut state = iiq.state();
    if group.is_some_and(|id| {
        !state
            .groups
            .iter()
            .any(|one| one.id == id && !one.is_deleted)
    }) {
        return Err(Refusal::not_found("The group"));
    }
    let ids = get(&body, "SubtaskIds").and_then(Value::as_array);
    for id in ids.ok_or_else(|| body::missing("SubtaskIds"))? {
        let id: Option<Guid> = id.as_str().and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| Refusal::not_found("The subtask"))?;
        let ticket = state.owner_of(id, "The subtask")?.id;
        let body = json!({ "SubtaskId": id, "SubtaskGroupId": group });
        iiq.obey_in(&mut state, call, call.operation, ticket, &body)?;
    }
    Ok(envelope::action("OK"))
}

fn shown_group(state: &State, group: &Group) -> Value {
    json!({
        "SubtaskGroupId": group.id, "Name": group.name, "UserId": state.book.district.users[group.user].id,
        "IsDeleted": group.is_deleted,
    })
}

fn group_after(iiq: &IncidentIq, call: &Call, id: Option<Guid>, body: &Value) -> Answer {
    let mut state = iiq.state();
    let id = id.unwrap_or_else(|| state.next_id("subtask-group", state.groups.len()));
    iiq.obey_in(&mut state, call, call.operation, id, body)?;
    let group = state.groups.iter().find(|group| group.id == id);
    let group = group.map(|group| shown_group(&state, group));
    Ok(envelope::item(200, &group, Some(id)))
}

fn new_group(iiq: &IncidentIq, call: &Call) -> Answer {
    group_after(iiq, call, None, &object_or_empty(call)?)
}

fn change_group(iiq: &IncidentIq, call: &Call) -> Answer {
    let id = id(call, "groupId")?;
    if !iiq
        .state()
        .groups
        .iter()
        .any(|group| group.id == id && !group.is_deleted)
    {
        return Err(Refusal::not_found("The group"));
    }
    let body = match call.method.as_str() {
        "DELETE" => json!({ "IsDeleted": true }),
        _ => object_or_empty(call)?,
    };
    group_after(iiq, call, Some(id), &body)
}

fn groups(iiq: &IncidentIq, user: usize) -> Answer {
    let state = iiq.state();
    let own = state
        .groups
        .iter()
        .filter(|group| group.user == user && !group.is_deleted);
    let items: Vec<_> = own.map(|group| shown_group(&state, group)).collect();
    Ok(envelope::whole(&items))
}
