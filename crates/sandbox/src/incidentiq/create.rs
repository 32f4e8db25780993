//! New tickets: by their fields, by names, as copies (contract incidentiq §7).

use serde_json::{Value, json};

use super::body::{self, Intent, drafted, get, guid, is_set, text};
use super::book::Kind;
use super::deed::{Deed, Deeds, Effect, Order};
use super::state::State;
use super::ticket::Ticket;
use super::{IncidentIq, actor, envelope};
use crate::Temper;
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::Row;
use crate::reply::{Answer, Refusal};
use crate::token::{Token, forbidden};

pub(super) const ROUTES: &[Row] = &[
    Row::create("POST", "/tickets/new", "create", |iiq, call| {
        new(iiq, call, Intent::NewAnywhere)
    })
    .takes("NewTicket")
    .gives("Item(Ticket)")
    .status(201)
    .for_all(),
    Row::create("POST", "/tickets/simple/new", "create", simple)
        .takes("{ForUsername* text, Issue* text, AssetTag text?, IssueDescription text?}")
        .gives("Item(Ticket)"),
    Row::create("POST", "/tickets/{ticketId:guid}/copy", "copy", copy)
        .takes("CopyOptions")
        .gives("List(Ticket)"),
];

/// What the mission's document alone knows (contract §19, D1).
pub(super) const MISSION: &[Row] =
    &[
        Row::create("POST", "/tickets/create", "create", |iiq, call| {
            new(iiq, call, Intent::New)
        })
        .takes("NewTicket")
        .gives("Item(Ticket)")
        .status(201)
        .for_all(),
    ];

pub(super) const DEEDS: Deeds = &[
    (
        "create",
        Deed::Any(|state, order| created(state, order, Intent::NewAnywhere)),
    ),
    ("copy", Deed::Any(copied)),
];

/// The most copies of one request.
const MAX_COPIES: i64 = 100;

fn new(iiq: &IncidentIq, call: &Call, intent: Intent) -> Answer {
    let body = call.json()?;
    if call.token == Token::Requestor {
        let own = iiq.book().district.users[actor(call.token)].id;
        if guid(&body, "ForId").is_some_and(|id| id != own) {
            return Err(forbidden(iiq.rules.temper));
        }
    }
    let mut state = iiq.state();
    let id = state.next_ticket();
    if intent == Intent::New {
        // Stricter than the deed: what this path demands is looked at before anything is kept.
        let order = Order {
            operation: call.operation,
            target: id,
            body: &body,
            at: call.at,
            by: actor(call.token),
            blanking: false,
        };
        drafted(&state, &order, intent)?;
    }
    iiq.obey_in(&mut state, call, "create", id, &body)?;
    let view = state.ticket(id)?.view(&state, iiq.rules.temper);
    Ok(envelope::item(success(iiq), &view, Some(id)))
}

/// The documents answer 201, live systems were met that answer 200 (contract §19, D9).
fn success(iiq: &IncidentIq) -> u16 {
    match iiq.rules.temper {
        Temper::Lenient => 201,
        Temper::LiveLike => 200,
    }
}

/// Whether the system mails somebody about a write.
pub(super) fn notifies(body: &Value) -> bool {
    let is_off = |name| get(body, name).and_then(Value::as_bool) == Some(false);
    !is_off("SendNotifications") && !is_off("SendEmails")
}

fn created(state: &State, order: &Order<'_>, intent: Intent) -> Result<Vec<Effect>, Refusal> {
    let (mut ticket, files) = drafted(state, order, intent)?;
    if notifies(order.body) {
        ticket.mails.push((order.at, "Ticket created"));
    }
    let children: Vec<Guid> = get(order.body, "ChildTicketIds")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|id| id.as_str()?.parse().ok())
        .collect();
    let mut effects: Vec<Effect> = files.into_iter().map(Effect::File).collect();
    effects.push(Effect::New(Box::new(ticket)));
    for child in children {
        let mut child = state.ticket(child)?.clone();
        child.parent = Some(order.target);
        effects.push(Effect::Changed(Box::new(child)));
    }
    Ok(effects)
}

/// By names instead of ids; a name that is not known answers 404.
fn simple(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = call.json()?;
    let book = iiq.book();
    let user = book
        .user_by_name(body::required(&body, "ForUsername")?)
        .ok_or_else(|| Refusal::not_found("The user"))?;
    let wanted = body::required(&body, "Issue")?;
    let mut issues = book.district.issues.iter();
    let issue = issues
        .find(|issue| issue.name.eq_ignore_ascii_case(wanted.trim()))
        .ok_or_else(|| Refusal::not_found("The issue"))?;
    let mut ticket = json!({
        "ForId": book.district.users[user].id, "IssueId": issue.id,
        "IssueDescription": text(&body, "IssueDescription"),
    });
    if let Some(tag) = text(&body, "AssetTag").filter(|tag| !tag.trim().is_empty()) {
        let asset = book.by_tag.get(&tag.trim().to_lowercase());
        let asset = *asset.ok_or_else(|| Refusal::not_found("The asset"))?;
        ticket["Assets"] = json!([{ "AssetId": book.district.assets[asset].id }]);
    }
    let mut state = iiq.state();
    let id = state.next_ticket();
    iiq.obey_in(&mut state, call, "create", id, &ticket)?;
    let view = state.ticket(id)?.view(&state, iiq.rules.temper);
    Ok(envelope::item(200, &view, Some(id)))
}

/// Several copies are several writes, so that each new ticket has its line in the audit.
fn copy(iiq: &IncidentIq, call: &Call) -> Answer {
    let mut options = body::object_or_empty(call)?;
    let quantity = get(&options, "Quantity")
        .and_then(Value::as_i64)
        .unwrap_or(1);
    if !(1..=MAX_COPIES).contains(&quantity) {
        let message = format!("The Quantity must lie between 1 and {MAX_COPIES}.");
        return Err(Refusal::bad("Quantity", message));
    }
    options["TicketId"] = json!(body::id(call, "ticketId")?);
    let mut state = iiq.state();
    let mut made = Vec::new();
    for _ in 0..quantity {
        let id = state.next_ticket();
        iiq.obey_in(&mut state, call, "copy", id, &options)?;
        made.push(id);
    }
    let views: Result<Vec<_>, Refusal> = made
        .iter()
        .map(|id| Ok(state.ticket(*id)?.view(&state, iiq.rules.temper)))
        .collect();
    Ok(envelope::whole(&views?))
}

/// A copy of the ticket that the options name, with those of its parts that they name.
fn copied(state: &State, order: &Order<'_>) -> Result<Vec<Effect>, Refusal> {
    let options = order.body;
    let source = guid(options, "TicketId").ok_or_else(|| body::missing("TicketId"))?;
    let source = state.ticket(source)?;
    let mut ticket = Ticket::blank(order.at);
    ticket.id = order.target;
    ticket.owner = order.by;
    ticket.subject.clone_from(&source.subject);
    ticket.description.clone_from(&source.description);
    ticket.location_details.clone_from(&source.location_details);
    ticket.location = source.location;
    ticket.room = source.room;
    ticket.issue = source.issue;
    ticket.is_sensitive = source.is_sensitive;
    ticket.is_urgent = source.is_urgent;
    ticket.requestor = if is_set(options, "CopyRequestor") {
        source.requestor
    } else {
        order.by
    };
    if is_set(options, "CopyPriority") {
        ticket.priority = source.priority;
    }
    if is_set(options, "CopyAssignedTo") {
        ticket.assignee = source.assignee;
        ticket.team = source.team;
    }
    if is_set(options, "CopyCustomFieldValues") {
        ticket.custom.clone_from(&source.custom);
    }
    if let Some(subject) = text(options, "NewSubject").filter(|text| !text.trim().is_empty()) {
        subject.clone_into(&mut ticket.subject);
    }
    if let Some(issue) = body::optional(&state.book, options, "NewIssueId", Kind::Issue)? {
        ticket.issue = issue;
    }
    Ok(vec![Effect::New(Box::new(ticket))])
}
