//! What follows a create: one operation on one ticket, all of it or nothing (contract incidentiq §8 to §11).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::book::{Book, Kind};
use super::check::{asset, custom_value, get, guid, moment, set_custom, tags, updated};
use super::dates::shown;
use super::envelope::{self, Page};
use super::ticket::{Activity, Ticket};
use super::{IncidentIq, ROOT};
use crate::sandbox::Temper;
use crate::sandbox::call::Call;
use crate::sandbox::guid::Guid;
use crate::sandbox::reply::{Answer, Refusal};
use crate::sandbox::server::Route;

/// One operation as the journal keeps it.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub(super) operation: &'a str,
    pub(super) body: &'a Value,
    pub(super) at: Timestamp,
    /// Whether an update blanks what it leaves out.
    pub(super) blanking: bool,
}

/// Where `/tickets/{id}/…` leads; `path` is what follows the id.
pub(super) fn route(method: &str, path: &[&str]) -> Option<Route<IncidentIq>> {
    match (method, path) {
        ("POST" | "PUT", []) => Route::write("update", update),
        ("DELETE", []) => Route::write("delete", |iiq, call| {
            let body = json!({});
            let (id, tickets, place) = iiq.change(call, ticket_id(call), "delete", &body, false)?;
            let ticket = &tickets.all[place];
            let item = json!({ "TicketId": ticket.id, "IsDeleted": true });
            Ok(envelope::item(200, &item, Some(id)))
        }),
        ("PUT", ["undelete"]) => Route::named("undelete", plain),
        ("POST", ["subject"]) => Route::named("subject", plain),
        ("POST", ["description"]) => Route::named("description", plain),
        ("POST", ["issue"]) => Route::named("issue", plain),
        ("POST", ["custom-fields"]) => Route::named("custom_fields", plain),
        ("POST", ["priority"]) => Route::named("priority", plain),
        ("POST", ["due-dates"]) => Route::named("due_dates", with_item),
        ("POST", ["assets"]) => Route::named("assets", plain),
        ("POST", ["tags"]) => Route::named("tags", plain),
        ("POST", ["assign"]) => Route::named("assign", plain),
        ("POST", ["unassign", "user"]) => Route::named("unassign_user", plain),
        ("POST", ["unassign", "team"]) => Route::named("unassign_team", plain),
        ("POST", ["mark-urgent"]) => Route::named("mark_urgent", plain),
        ("POST", ["mark-not-urgent"]) => Route::named("mark_not_urgent", plain),
        ("POST", ["mark-sensitive"]) => Route::named("mark_sensitive", plain),
        ("POST", ["mark-not-sensitive"]) => Route::named("mark_not_sensitive", plain),
        ("POST", ["confirm-issue"]) => Route::named("confirm", plain),
        ("POST", ["unconfirm-issue"]) => Route::named("unconfirm", plain),
        ("POST", ["start"]) => Route::named("start", with_item),
        ("POST", ["status", _]) => Route::write("status", |iiq, call| {
            let body = json!({ "WorkflowStepId": call.segment(ROOT + 3) });
            change_with_item(iiq, call, "status", &body)
        }),
        ("POST", ["close" | "resolve"]) => Route::named("close", plain),
        ("POST", ["cancel"]) => Route::named("cancel", plain),
        ("POST", ["activities"] | ["activities", "new", ..]) => Route::write("comment", comment),
        ("GET", ["activities"]) => Route::read("activities", activities),
        _ => None,
    }
}

fn ticket_id(call: &Call) -> &str {
    call.segment(ROOT + 1)
}

/// An operation whose answer holds nothing but its success.
fn plain(iiq: &IncidentIq, call: &Call, operation: &'static str) -> Answer {
    let body = body_of(call)?;
    drop(iiq.change(call, ticket_id(call), operation, &body, false)?);
    Ok(envelope::action("OK"))
}

/// An operation whose answer holds the ticket.
fn with_item(iiq: &IncidentIq, call: &Call, operation: &'static str) -> Answer {
    change_with_item(iiq, call, operation, &body_of(call)?)
}

fn body_of(call: &Call) -> Result<Value, Refusal> {
    Ok(match call.json()? {
        Value::Null => json!({}),
        body => body,
    })
}

fn change_with_item(
    iiq: &IncidentIq,
    call: &Call,
    operation: &'static str,
    body: &Value,
) -> Answer {
    let (id, tickets, place) = iiq.change(call, ticket_id(call), operation, body, false)?;
    let view = tickets.all[place].view(&iiq.book, iiq.rules.temper);
    Ok(envelope::item(200, &view, Some(id)))
}

/// A live system blanks what an update leaves out, unless the header says otherwise (contract §8).
fn update(iiq: &IncidentIq, call: &Call) -> Answer {
    let is_partial = call
        .header("apiflags")
        .is_some_and(|flags| flags.to_lowercase().contains("onlysetmappedproperties"));
    let blanking = !is_partial && iiq.rules.temper == Temper::LiveLike;
    let body = body_of(call)?;
    let (id, tickets, place) = iiq.change(call, ticket_id(call), "update", &body, blanking)?;
    let view = tickets.all[place].view(&iiq.book, iiq.rules.temper);
    Ok(envelope::item(200, &view, Some(id)))
}

/// A comment sent again under the id that the client chose is there once (contract §11).
fn comment(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = body_of(call)?;
    if let (Some(wanted), Ok(ticket)) = (guid(&body, "TicketActivityId"), ticket_id(call).parse()) {
        let tickets = iiq.tickets();
        let ticket = &tickets.all[tickets.place(ticket)?];
        if let Some(there) = ticket.activities.iter().find(|one| one.id == wanted) {
            return Ok(envelope::item(201, &activity(iiq, there), Some(wanted)));
        }
    }
    let (_, tickets, place) = iiq.change(call, ticket_id(call), "comment", &body, false)?;
    let new = tickets.all[place].activities.last();
    let new = new.ok_or_else(|| Refusal::new(500, "The activity is lost."))?;
    Ok(envelope::item(201, &activity(iiq, new), Some(new.id)))
}

fn activity(iiq: &IncidentIq, one: &Activity) -> Value {
    json!({
        "TicketActivityId": one.id,
        "Owner": iiq.book.ticket_users[one.owner],
        "IsPublic": one.is_public,
        "IsDeleted": false,
        "ActivityItems": one.items,
        "CreatedDate": shown(one.at, &iiq.book.zone, iiq.rules.temper),
    })
}

fn activities(iiq: &IncidentIq, call: &Call) -> Answer {
    let id = ticket_id(call).parse();
    let id = id.map_err(|_| Refusal::not_found("The ticket"))?;
    let tickets = iiq.tickets();
    let all = &tickets.all[tickets.place(id)?].activities;
    let number = |name| call.query(name).and_then(|text| text.parse().ok());
    let page = Page {
        index: number("$p").unwrap_or(0),
        size: number("$s").unwrap_or(20).clamp(1, iiq.rules.max_page),
    };
    let items: Vec<_> = all[page.range(all.len())]
        .iter()
        .map(|one| activity(iiq, one))
        .collect();
    Ok(envelope::list(&items, all.len(), page))
}

/// The ticket after an operation.
pub(super) fn apply(book: &Book, ticket: &Ticket, change: &Change<'_>) -> Result<Ticket, Refusal> {
    let body = change.body;
    let mut after = if change.operation == "update" {
        updated(book, ticket, body, change.blanking)?
    } else {
        ticket.clone()
    };
    after.modified = change.at;
    match change.operation {
        "update" => {}
        "delete" => after.is_deleted = true,
        "undelete" => after.is_deleted = false,
        "subject" => {
            after = updated(
                book,
                &after,
                &json!({ "Subject": required(body, "Subject")? }),
                false,
            )?
        }
        "description" => {
            after.description = get(body, "Description")
                .and_then(Value::as_str)
                .map(str::to_owned)
        }
        "issue" => after.issue = reference(book, body, "IssueId", Kind::Issue)?,
        "custom_fields" => {
            for item in list(body)? {
                let (field, value) = custom_value(book, item)
                    .map_err(|message| Refusal::field(400, "CustomFieldValues", message))?;
                set_custom(&mut after, field, value);
            }
        }
        "priority" => after.priority = priority(book, body)?,
        "due_dates" => after.due = due(book, body)?,
        "assets" => {
            let assets: Result<_, String> =
                list(body)?.iter().map(|item| asset(book, item)).collect();
            after.assets = assets.map_err(|message| Refusal::field(400, "Assets", message))?;
        }
        "tags" => {
            after.tags =
                tags(book, list(body)?).map_err(|message| Refusal::field(400, "Tags", message))?;
        }
        "assign" => assign(book, body, &mut after)?,
        "unassign_user" => after.assignee = None,
        "unassign_team" => after.team = None,
        "mark_urgent" => after.is_urgent = true,
        "mark_not_urgent" => after.is_urgent = false,
        "mark_sensitive" => after.is_sensitive = true,
        "mark_not_sensitive" => after.is_sensitive = false,
        "confirm" => after.is_confirmed = true,
        "unconfirm" => after.is_confirmed = false,
        "start" => step(book, &mut after, "In Progress", change.at)?,
        "close" | "cancel" => {
            let to = if change.operation == "close" {
                "Resolved"
            } else {
                "Canceled"
            };
            if get(body, "CloseReasonTypeId").is_some() {
                after.close_reason = Some(reference(
                    book,
                    body,
                    "CloseReasonTypeId",
                    Kind::CloseReason,
                )?);
            }
            step(book, &mut after, to, change.at)?;
        }
        "status" => {
            let id = guid(body, "WorkflowStepId");
            let place = id.and_then(|id| book.find(Kind::Step, id));
            let place =
                place.ok_or_else(|| Refusal::new(400, "The workflow step does not exist."))?;
            set_step(book, &mut after, place, change.at);
        }
        "comment" => say(book, body, &mut after, change.at)?,
        other => return Err(Refusal::new(400, format!("There is no operation {other}."))),
    }
    Ok(after)
}

fn list(body: &Value) -> Result<&[Value], Refusal> {
    body.as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| Refusal::new(400, "A request body of type array is required."))
}

fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    get(body, name)
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::field(400, name, format!("The {name} field is required.")))
}

fn reference(book: &Book, body: &Value, name: &str, kind: Kind) -> Result<usize, Refusal> {
    let id = required(body, name)?;
    id.parse()
        .ok()
        .and_then(|id| book.find(kind, id))
        .ok_or_else(|| Refusal::field(400, name, format!("{id} does not exist.")))
}

/// Any of the three shapes of contract §19, D12; an id stands for the least score of its band.
fn priority(book: &Book, body: &Value) -> Result<i64, Refusal> {
    let values = [get(body, "Priority"), get(body, "PriorityId")];
    let by_id = |value: &Value| {
        let place = book.find(Kind::Priority, value.as_str()?.parse().ok()?)?;
        Some(book.district.priorities[place].band.0)
    };
    let score = values.iter().flatten().find_map(|value| value.as_i64());
    score
        .or_else(|| values.iter().flatten().find_map(|value| by_id(value)))
        .filter(|score| (0..=1_000).contains(score))
        .ok_or_else(|| Refusal::field(400, "Priority", "The Priority field is not valid."))
}

fn due(book: &Book, body: &Value) -> Result<Option<Timestamp>, Refusal> {
    match get(body, "Type").and_then(Value::as_i64) {
        Some(3) => moment(required(body, "CustomDate")?, book)
            .map(Some)
            .map_err(|message| Refusal::field(400, "CustomDate", message)),
        Some(0..=5 | 99) => Ok(None),
        _ => Err(Refusal::field(400, "Type", "The Type field is not valid.")),
    }
}

fn assign(book: &Book, body: &Value, ticket: &mut Ticket) -> Result<(), Refusal> {
    if get(body, "AssignToUserId").is_some() {
        ticket.assignee = Some(reference(book, body, "AssignToUserId", Kind::User)?);
    }
    if get(body, "AssignToTeamId").is_some() {
        ticket.team = Some(reference(book, body, "AssignToTeamId", Kind::Team)?);
    }
    let is_set = |name| get(body, name).and_then(Value::as_bool) == Some(true);
    if is_set("ClearUser") {
        ticket.assignee = None;
    }
    if is_set("ClearTeam") {
        ticket.team = None;
    }
    Ok(())
}

fn step(book: &Book, ticket: &mut Ticket, name: &str, at: Timestamp) -> Result<(), Refusal> {
    let place = book
        .district
        .statuses
        .iter()
        .position(|one| one.name == name);
    let place = place.ok_or_else(|| Refusal::new(400, "The transition is not allowed."))?;
    set_step(book, ticket, place, at);
    Ok(())
}

fn set_step(book: &Book, ticket: &mut Ticket, place: usize, at: Timestamp) {
    ticket.step = place;
    ticket.closed = book.district.statuses[place].is_closed.then_some(at);
}

fn say(book: &Book, body: &Value, ticket: &mut Ticket, at: Timestamp) -> Result<(), Refusal> {
    let items = get(body, "ActivityItems").and_then(Value::as_array);
    let items = items.filter(|items| !items.is_empty()).ok_or_else(|| {
        Refusal::field(400, "ActivityItems", "An activity needs at least one item.")
    })?;
    if items.iter().any(|item| get(item, "$type").is_none()) {
        return Err(Refusal::field(
            400,
            "ActivityItems",
            "An activity item needs a $type.",
        ));
    }
    let owner = match get(body, "OwnerId") {
        Some(_) => reference(book, body, "OwnerId", Kind::User)?,
        None => 0,
    };
    let nth = ticket.activities.len() as u64;
    ticket.activities.push(Activity {
        id: guid(body, "TicketActivityId").unwrap_or_else(|| Guid::nth(ticket.id, nth)),
        owner,
        is_public: get(body, "IsPublic")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        items: Value::Array(items.clone()),
        at,
    });
    Ok(())
}
