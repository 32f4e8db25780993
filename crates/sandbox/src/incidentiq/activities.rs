//! What is said and done on a ticket (contract incidentiq §11).

use serde_json::{Value, json};

use super::assign::check_ticket;
use super::body::{self, get, guid, id, list, object_or_empty};
use super::book::Kind;
use super::deed::{Deed, Deeds, Effect, Order};
use super::search::paging_of;
use super::shown_activity::shown;
use super::state::State;
use super::ticket::{Activity, Ticket};
use super::{IncidentIq, envelope, rules};
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::Row;
use crate::reply::{Answer, Refusal, Reply};

/// Pages of a feed.
const PAGED: &str = "$s int, $p int";

pub(super) const ROUTES: &[Row] = &[
    Row::create(
        "POST",
        "/tickets/{ticketId:guid}/activities/new",
        "comment",
        say,
    )
    .takes("NewActivity")
    .gives("Item(Activity)")
    .status(201)
    .for_all(),
    Row::create(
        "POST",
        "/tickets/{ticketId:guid}/activities/new/{sendEmail}",
        "comment",
        say,
    )
    .takes("NewActivity")
    .gives("Item(Activity)")
    .status(201)
    .for_all(),
    Row::create(
        "POST",
        "/tickets/{ticketId:guid}/activities",
        "comment",
        say,
    )
    .takes("NewActivity")
    .gives("Item(Activity)")
    .status(201)
    .for_all(),
    Row::create(
        "POST",
        "/tickets/{ticketId:guid}/activities/new-batch",
        "comment",
        say_all,
    )
    .query("sendActivityEmail bool")
    .takes("[NewActivity]")
    .gives("[Activity]"),
    Row::create(
        "POST",
        "/tickets/{ticketId:guid}/activities/new-batch/{sendEmail}",
        "comment",
        say_all,
    )
    .takes("[NewActivity]")
    .gives("[Activity]"),
    Row::read(
        "GET",
        "/tickets/{ticketId:guid}/activities",
        "activities",
        of_one,
    )
    .query(PAGED)
    .gives("List(Activity)"),
    Row::read(
        "GET",
        "/tickets/activities/{ticketId:guid}",
        "activities",
        of_one,
    )
    .query(PAGED)
    .gives("List(Activity)"),
    Row::read("POST", "/tickets/activities", "activities", of_many)
        .query(PAGED)
        .takes("[guid]")
        .gives("List(Activity)"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/activities/{activityId:guid}",
        "comment_edit",
        edit,
    )
    .takes("NewActivity")
    .gives("Item(Activity)"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/activities/{activityId:guid}/visibility",
        "comment_visibility",
        visibility,
    )
    .takes("bool")
    .gives("Action"),
    Row::write(
        "DELETE",
        "/tickets/activities/{activityId:guid}",
        "comment_delete",
        toggle,
    )
    .gives("Action"),
    Row::write(
        "PUT",
        "/tickets/activities/{activityId:guid}/undelete",
        "comment_undelete",
        toggle,
    )
    .gives("Action"),
];

pub(super) const COMMENT: u8 = 6;
pub(super) const ACTION: u8 = 8;

pub(super) const DEEDS: Deeds = &[
    ("comment", Deed::Any(said)),
    (
        "comment_edit",
        Deed::Ticket(COMMENT, "Activity changed", |state, order, ticket| {
            let (items, is_public) = (items(state, order, ticket)?, is_public(order.body));
            let activity = named(ticket, order.body)?;
            activity.items = items;
            activity.is_public = is_public.unwrap_or(activity.is_public);
            Ok(())
        }),
    ),
    (
        "comment_visibility",
        Deed::Ticket(COMMENT, "Visibility changed", |_, order, ticket| {
            let activity = named(ticket, order.body)?;
            activity.is_public = is_public(order.body).unwrap_or(false);
            for item in &mut activity.items {
                item["IsPublic"] = json!(activity.is_public);
            }
            Ok(())
        }),
    ),
    (
        "comment_delete",
        Deed::Ticket(COMMENT, "Activity deleted", |_, order, ticket| {
            named(ticket, order.body)?.is_deleted = true;
            Ok(())
        }),
    ),
    (
        "comment_undelete",
        Deed::Ticket(COMMENT, "Activity restored", |_, order, ticket| {
            named(ticket, order.body)?.is_deleted = false;
            Ok(())
        }),
    ),
];

fn is_public(body: &Value) -> Option<bool> {
    get(body, "IsPublic").and_then(Value::as_bool)
}

/// The activity that a body names.
fn named<'a>(ticket: &'a mut Ticket, body: &Value) -> Result<&'a mut Activity, Refusal> {
    let id = guid(body, "TicketActivityId");
    let mut activities = ticket.activities.iter_mut();
    activities
        .find(|one| Some(one.id) == id)
        .ok_or_else(|| Refusal::not_found("The activity"))
}

/// The items as they are kept: whether the whole is public stands on each, comments get an id (contract §11).
fn items(state: &State, order: &Order<'_>, ticket: &Ticket) -> Result<Vec<Value>, Refusal> {
    let items = get(order.body, "ActivityItems").and_then(Value::as_array);
    let items = items
        .filter(|items| !items.is_empty())
        .ok_or_else(|| Refusal::bad("ActivityItems", "An activity needs at least one item."))?;
    let mut kept = Vec::new();
    for (nth, item) in items.iter().enumerate() {
        let kind = body::text(item, "$type")
            .ok_or_else(|| Refusal::bad("ActivityItems", "An activity item needs a $type."))?;
        for name in ["Comments", "Notes"] {
            if get(item, name).is_some_and(|text| !text.is_string()) {
                let message = format!("The {name} of an activity item must be a string.");
                return Err(Refusal::bad("ActivityItems", message));
            }
        }
        body::optional(&state.book, item, "ByUserId", Kind::User)?;
        body::optional(&state.book, item, "ResolutionActionId", Kind::Action)?;
        let mut item = item.clone();
        if let Some(is_public) = is_public(order.body) {
            item["IsPublic"] = json!(is_public);
        }
        let kind = kind.to_lowercase();
        let own = match kind {
            kind if kind.contains("comment") => Some((COMMENT, "TicketActivityCommentId")),
            kind if kind.contains("action") => Some((ACTION, "TicketActivityActionId")),
            _ => None,
        };
        if let Some((number, name)) = own {
            if get(&item, "TicketActivityTypeId").is_none() {
                item["TicketActivityTypeId"] = json!(number);
            }
            let nth = format!("{}/{}/{nth}", ticket.id, ticket.activities.len());
            item[name] = json!(Guid::seeded("comment", &nth));
        }
        kept.push(item);
    }
    Ok(kept)
}

/// A comment sent again under the id that the client chose is there once (contract §11).
fn said(state: &State, order: &Order<'_>) -> Result<Vec<Effect>, Refusal> {
    let ticket = state.ticket(order.target)?;
    check_ticket(order)?;
    let wanted = guid(order.body, "TicketActivityId").filter(|id| *id != Guid::ZERO);
    if wanted.is_some_and(|id| ticket.activities.iter().any(|one| one.id == id)) {
        return Ok(Vec::new());
    }
    let mut ticket = ticket.clone();
    let nth = ticket.activities.len() as u64;
    let owner = body::optional(&state.book, order.body, "OwnerId", Kind::User)?;
    // Whoever brings a conversation over says when each thing was said.
    let at = body::text(order.body, "CreatedDate").map(|text| body::moment(text, &state.book));
    let at = at.transpose();
    let at = at.map_err(|message| Refusal::bad("CreatedDate", message))?;
    ticket.activities.push(Activity {
        id: wanted.unwrap_or_else(|| Guid::nth(ticket.id, nth)),
        owner: owner.unwrap_or(order.by),
        is_public: is_public(order.body).unwrap_or(false),
        is_deleted: false,
        items: items(state, order, &ticket)?,
        at: at.unwrap_or(order.at),
    });
    ticket.modified = order.at;
    if body::is_set(order.body, SEND) {
        ticket.mails.push((order.at, "New activity"));
    }
    rules::run(state, order, &mut ticket);
    Ok(vec![Effect::Changed(Box::new(ticket))])
}

/// What the path or the query says about mails, as the journal keeps it.
const SEND: &str = "SendActivityEmail";

fn sends(call: &Call) -> bool {
    let in_query = call.query("sendactivityemail").unwrap_or_default();
    [call.parameter("sendEmail"), in_query]
        .iter()
        .any(|word| word.eq_ignore_ascii_case("true"))
}

/// The body as the journal keeps it, without what the site does not heed.
fn noted(iiq: &IncidentIq, call: &Call, mut body: Value, is_batch: bool) -> Value {
    if let Some(body) = body.as_object_mut() {
        let unheeded = iiq.rules.unheeded.iter().map(|one| one.member());
        let time = (!is_batch).then_some("CreatedDate");
        for name in unheeded.chain(time) {
            body.retain(|key, _| !key.eq_ignore_ascii_case(name));
        }
        if sends(call) {
            body.insert(SEND.to_owned(), json!(true));
        }
    }
    body
}

/// The activity that a body made or had made before.
fn made<'a>(ticket: &'a Ticket, body: &Value) -> Result<&'a Activity, Refusal> {
    let wanted = guid(body, "TicketActivityId");
    let same = ticket.activities.iter().find(|one| Some(one.id) == wanted);
    same.or_else(|| ticket.activities.last())
        .ok_or_else(|| Refusal::new(500, "The activity is lost."))
}

fn say(iiq: &IncidentIq, call: &Call) -> Answer {
    let id = id(call, "ticketId")?;
    let body = noted(iiq, call, object_or_empty(call)?, false);
    let state = iiq.obey(call, id, &body)?;
    let ticket = state.ticket(id)?;
    let new = made(ticket, &body)?;
    Ok(envelope::item(
        201,
        &shown(iiq, &state, ticket, new),
        Some(new.id),
    ))
}

/// Several at once: if one is no good, none is kept. The answer is a bare array.
fn say_all(iiq: &IncidentIq, call: &Call) -> Answer {
    let id = id(call, "ticketId")?;
    let body = call.json()?;
    let bodies: Vec<Value> = list(&body)?
        .iter()
        .map(|one| noted(iiq, call, one.clone(), true))
        .collect();
    let mut state = iiq.state();
    for body in &bodies {
        let order = Order {
            operation: call.operation,
            target: id,
            body,
            at: call.at,
            by: super::actor(call.token),
            blanking: false,
        };
        said(&state, &order)?;
    }
    let mut shown_ones = Vec::new();
    for body in &bodies {
        iiq.obey_in(&mut state, call, call.operation, id, body)?;
        let ticket = state.ticket(id)?;
        shown_ones.push(shown(iiq, &state, ticket, made(ticket, body)?));
    }
    Ok(Reply::json(200, &shown_ones))
}

fn edit(iiq: &IncidentIq, call: &Call) -> Answer {
    let (ticket, activity) = (id(call, "ticketId")?, id(call, "activityId")?);
    let mut body = object_or_empty(call)?;
    if let Some(body) = body.as_object_mut() {
        body.insert("TicketActivityId".to_owned(), json!(activity));
    }
    let state = iiq.obey(call, ticket, &body)?;
    let ticket = state.ticket(ticket)?;
    let changed = made(ticket, &body)?;
    Ok(envelope::item(
        200,
        &shown(iiq, &state, ticket, changed),
        Some(activity),
    ))
}

/// The body is bare: `true` or `false`.
fn visibility(iiq: &IncidentIq, call: &Call) -> Answer {
    let is_public = call.json()?.as_bool();
    let is_public = is_public
        .ok_or_else(|| Refusal::new(400, "A request body of type boolean is required."))?;
    let body = json!({ "TicketActivityId": id(call, "activityId")?, "IsPublic": is_public });
    drop(iiq.obey(call, id(call, "ticketId")?, &body)?);
    Ok(envelope::action("OK"))
}

/// Deletes one or brings it back; the path does not say of which ticket it is.
fn toggle(iiq: &IncidentIq, call: &Call) -> Answer {
    let activity = id(call, "activityId")?;
    let mut state = iiq.state();
    let ticket = state.owner_of(activity, "The activity")?.id;
    let body = json!({ "TicketActivityId": activity });
    iiq.obey_in(&mut state, call, call.operation, ticket, &body)?;
    Ok(envelope::action("OK"))
}

fn of_one(iiq: &IncidentIq, call: &Call) -> Answer {
    listed(iiq, call, &[id(call, "ticketId")?], true)
}

/// Of many tickets at once; ids of nothing are left out.
fn of_many(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = call.json()?;
    let ids: Vec<Guid> = list(&body)?
        .iter()
        .filter_map(|id| id.as_str()?.parse().ok())
        .collect();
    listed(iiq, call, &ids, false)
}

fn listed(iiq: &IncidentIq, call: &Call, ids: &[Guid], must_be: bool) -> Answer {
    let state = iiq.state();
    let page = paging_of(iiq, call, &Value::Null, 20);
    let mut all = Vec::new();
    for id in ids {
        let ticket = match state.ticket(*id) {
            Ok(ticket) => ticket,
            Err(refusal) if must_be => return Err(refusal),
            Err(_) => continue,
        };
        iiq.check_seen(call, ticket)?;
        let is_agent = call.token != crate::token::Token::Requestor && !iiq.rules.hides_notes;
        let seen = ticket
            .activities
            .iter()
            .filter(|one| !one.is_deleted && (one.is_public || is_agent));
        all.extend(seen.map(|one| (ticket, one)));
    }
    let items: Vec<_> = all[page.range(all.len())]
        .iter()
        .map(|(ticket, one)| shown(iiq, &state, ticket, one))
        .collect();
    Ok(envelope::list(&items, all.len(), page))
}
