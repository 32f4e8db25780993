//! Changing a ticket: the whole of it, or one thing (contract incidentiq §8). The documents know `POST`, their guides
//! `PUT` (§19, D10): both are taken.

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::body::{
    self, asset, custom_value, get, guid, id, list, moment, required, set_custom, tags, text,
};
use super::book::{Book, Kind};
use super::create::notifies;
use super::deed::{Deed, Deeds, Effect, Order};
use super::state::State;
use super::ticket::{Logged, Ticket};
use super::{IncidentIq, action, envelope, with_item};
use crate::call::Call;
use crate::incidentiq::Row;
use crate::reply::{Answer, Refusal};

/// What the documents and their guides say.
const BOTH: &str = "POST|PUT";

pub(super) const ROUTES: &[Row] = &[
    Row::write(BOTH, "/tickets/{ticketId:guid}", "update", with_item)
        .takes("TicketUpdate")
        .gives("Item(Ticket)"),
    Row::write(BOTH, "/tickets/{ticketId:guid}/subject", "subject", action)
        .takes("{TicketId guid?, Subject* text}")
        .gives("Action"),
    Row::write(
        BOTH,
        "/tickets/{ticketId:guid}/description",
        "description",
        action,
    )
    .takes("{TicketId guid?, Description text?}")
    .gives("Action"),
    Row::write(BOTH, "/tickets/{ticketId:guid}/issue", "issue", action)
        .takes("{TicketId guid?, IssueId* guid, AutoUpdateSubject bool, TriggerOnUpdated bool}")
        .gives("Action"),
    Row::write(
        BOTH,
        "/tickets/{ticketId:guid}/custom-fields",
        "custom_fields",
        action,
    )
    .takes("[CustomFieldValue]")
    .gives("Action"),
    Row::write(
        BOTH,
        "/tickets/{ticketId:guid}/priority",
        "priority",
        action,
    )
    .takes("{TicketId guid?, Priority any, PriorityId any}")
    .gives("Action"),
    Row::write(
        BOTH,
        "/tickets/{ticketId:guid}/due-dates",
        "due_dates",
        with_item,
    )
    .takes("{Type* int, Count int?, Period int?, CustomDate text?, Reminders [any]}")
    .gives("Item(Ticket)"),
    Row::write(
        BOTH,
        "/tickets/{ticketId:guid}/assets",
        "assets",
        replace_assets,
    )
    .takes("[{AssetId* guid}]")
    .gives("List(TicketAsset)"),
    Row::write(BOTH, "/tickets/{ticketId:guid}/tags", "tags", action)
        .takes("[Tag]")
        .gives("Action"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/tags/{tagId:guid}",
        "tag",
        one_tag,
    )
    .gives("Action"),
    Row::write(
        "DELETE",
        "/tickets/{ticketId:guid}/tags/{tagId:guid}",
        "untag",
        one_tag,
    )
    .gives("Action"),
    Row::write(
        BOTH,
        "/tickets/{ticketId:guid}/mark-urgent",
        "mark_urgent",
        action,
    )
    .gives("Action"),
    Row::write(
        BOTH,
        "/tickets/{ticketId:guid}/mark-not-urgent",
        "mark_not_urgent",
        action,
    )
    .gives("Action"),
    Row::write(
        BOTH,
        "/tickets/{ticketId:guid}/mark-sensitive",
        "mark_sensitive",
        action,
    )
    .gives("Action"),
    Row::write(
        BOTH,
        "/tickets/{ticketId:guid}/mark-not-sensitive",
        "mark_not_sensitive",
        action,
    )
    .gives("Action"),
    Row::write(
        "DELETE",
        "/tickets/{ticketId:guid}",
        "delete",
        |iiq, call| {
            let id = id(call, "ticketId")?;
            drop(iiq.obey(call, id, &json!({}))?);
            let item = json!({ "TicketId": id, "IsDeleted": true });
            Ok(envelope::item(200, &item, Some(id)))
        },
    )
    .gives("Item({TicketId guid, IsDeleted bool})"),
    Row::write(
        "PUT",
        "/tickets/{ticketId:guid}/undelete",
        "undelete",
        with_item,
    )
    .gives("Item(Ticket)"),
];

/// Activity types (contract §11).
const UPDATED: u8 = 3;
const DELETED: u8 = 4;
const TAG_ADDED: u8 = 72;
const TAG_REMOVED: u8 = 73;

pub(super) const DEEDS: Deeds = &[
    ("update", Deed::Any(update)),
    ("subject", Deed::Ticket(UPDATED, "Subject changed", subject)),
    (
        "description",
        Deed::Ticket(UPDATED, "Description changed", |_, order, ticket| {
            ticket.description = text(order.body, "Description").map(str::to_owned);
            Ok(())
        }),
    ),
    ("issue", Deed::Ticket(UPDATED, "Issue changed", issue)),
    (
        "custom_fields",
        Deed::Ticket(UPDATED, "Custom fields changed", custom_fields),
    ),
    (
        "priority",
        Deed::Ticket(UPDATED, "Priority changed", |state, order, ticket| {
            ticket.priority = priority(&state.book, order.body)?;
            Ok(())
        }),
    ),
    (
        "due_dates",
        Deed::Ticket(UPDATED, "Due date changed", |state, order, ticket| {
            ticket.due = due(&state.book, order)?;
            Ok(())
        }),
    ),
    (
        "assets",
        Deed::Ticket(UPDATED, "Assets changed", |state, order, ticket| {
            let assets: Result<_, String> = list(order.body)?
                .iter()
                .map(|item| asset(&state.book, item))
                .collect();
            ticket.assets = assets.map_err(|message| Refusal::bad("Assets", message))?;
            ticket.assets_at = order.at;
            Ok(())
        }),
    ),
    (
        "tags",
        Deed::Ticket(TAG_ADDED, "Tags changed", |state, order, ticket| {
            let tags = tags(&state.book, list(order.body)?);
            ticket.tags = tags.map_err(|message| Refusal::bad("Tags", message))?;
            Ok(())
        }),
    ),
    (
        "tag",
        Deed::Ticket(TAG_ADDED, "Tag added", |state, order, ticket| {
            let added = tags(&state.book, std::slice::from_ref(order.body));
            for tag in added.map_err(|_| Refusal::not_found("The tag"))? {
                if !ticket.tags.contains(&tag) {
                    ticket.tags.push(tag);
                }
            }
            Ok(())
        }),
    ),
    (
        "untag",
        Deed::Ticket(TAG_REMOVED, "Tag removed", |_, order, ticket| {
            let id = guid(order.body, "TagId");
            if !ticket.tags.iter().any(|tag| Some(tag.id) == id) {
                return Err(Refusal::not_found("The tag"));
            }
            ticket.tags.retain(|tag| Some(tag.id) != id);
            Ok(())
        }),
    ),
    (
        "mark_urgent",
        Deed::Ticket(UPDATED, "Marked urgent", |_, _, ticket| {
            ticket.is_urgent = true;
            Ok(())
        }),
    ),
    (
        "mark_not_urgent",
        Deed::Ticket(UPDATED, "Marked not urgent", |_, _, ticket| {
            ticket.is_urgent = false;
            Ok(())
        }),
    ),
    (
        "mark_sensitive",
        Deed::Ticket(UPDATED, "Marked sensitive", |_, _, ticket| {
            ticket.is_sensitive = true;
            Ok(())
        }),
    ),
    (
        "mark_not_sensitive",
        Deed::Ticket(UPDATED, "Marked not sensitive", |_, _, ticket| {
            ticket.is_sensitive = false;
            Ok(())
        }),
    ),
    (
        "delete",
        Deed::Ticket(DELETED, "Deleted", |_, _, ticket| {
            ticket.is_deleted = true;
            Ok(())
        }),
    ),
    (
        "undelete",
        Deed::Ticket(UPDATED, "Restored", |_, _, ticket| {
            ticket.is_deleted = false;
            Ok(())
        }),
    ),
];

fn update(state: &State, order: &Order<'_>) -> Result<Vec<Effect>, Refusal> {
    let (mut ticket, files) = body::updated(state, order, state.ticket(order.target)?)?;
    ticket.modified = order.at;
    if notifies(order.body) {
        ticket.mails.push((order.at, "Ticket updated"));
    }
    ticket.log.push(Logged {
        kind: UPDATED,
        at: order.at,
        by: order.by,
        what: "Updated",
    });
    let mut effects: Vec<Effect> = files.into_iter().map(Effect::File).collect();
    effects.push(Effect::Changed(Box::new(ticket)));
    Ok(effects)
}

/// One thing through the rules of the whole ticket.
fn subject(state: &State, order: &Order<'_>, ticket: &mut Ticket) -> Result<(), Refusal> {
    let body = json!({ "Subject": required(order.body, "Subject")? });
    let order = Order {
        body: &body,
        blanking: false,
        ..*order
    };
    (*ticket, _) = body::updated(state, &order, ticket)?;
    Ok(())
}

fn issue(state: &State, order: &Order<'_>, ticket: &mut Ticket) -> Result<(), Refusal> {
    ticket.issue = body::reference(&state.book, order.body, "IssueId", Kind::Issue)?;
    if body::is_set(order.body, "AutoUpdateSubject") {
        let issue = &state.book.district.issues[ticket.issue];
        ticket.subject.clone_from(&issue.name);
    }
    Ok(())
}

/// Values of the ticket's fields, those that are not named stay.
pub(super) fn custom_fields(
    state: &State,
    order: &Order<'_>,
    ticket: &mut Ticket,
) -> Result<(), Refusal> {
    for item in list(order.body)? {
        let (field, value) = custom_value(&state.book, item)
            .map_err(|message| Refusal::bad("CustomFieldValues", message))?;
        set_custom(ticket, field, value);
    }
    Ok(())
}

/// Any of the three shapes of contract §19, D12; an id stands for the least score of its band.
pub(super) fn priority(book: &Book, body: &Value) -> Result<i64, Refusal> {
    let values = [get(body, "Priority"), get(body, "PriorityId")];
    let by_id = |value: &Value| {
        let place = book.find(Kind::Priority, value.as_str()?.parse().ok()?)?;
        Some(book.district.priorities[place].band.0)
    };
    let score = values.iter().flatten().find_map(|value| value.as_i64());
    score
        .or_else(|| values.iter().flatten().find_map(|value| by_id(value)))
        .filter(|score| (0..=1_000).contains(score))
        .ok_or_else(|| Refusal::bad("Priority", "The Priority field is not valid."))
}

/// A date of its own (type 3), or so many days, weeks or months from now; else none.
pub(super) fn due(book: &Book, order: &Order<'_>) -> Result<Option<Timestamp>, Refusal> {
    let body = order.body;
    let number = |name| get(body, name).and_then(Value::as_i64);
    let unit = match number("Period").unwrap_or(0) {
        0 => 1.day(),
        1 => 7.days(),
        2 => 1.month(),
        _ => return Err(Refusal::bad("Period", "The Period field is not valid.")),
    };
    match (number("Type"), number("Count")) {
        (Some(3), _) => moment(required(body, "CustomDate")?, book)
            .map(Some)
            .map_err(|message| Refusal::bad("CustomDate", message)),
        (Some(0..=5), Some(count)) => {
            let span = unit.checked_mul(count).ok();
            let now = order.at.to_zoned(book.clock.zone.clone());
            let at = span.and_then(|span| now.checked_add(span).ok());
            at.map(|at| Some(at.timestamp()))
                .ok_or_else(|| Refusal::bad("Count", "The Count field is not valid."))
        }
        (Some(0..=5 | 99), _) => Ok(None),
        _ => Err(Refusal::bad("Type", "The Type field is not valid.")),
    }
}

fn replace_assets(iiq: &IncidentIq, call: &Call) -> Answer {
    let id = id(call, "ticketId")?;
    let state = iiq.obey(call, id, &call.json()?)?;
    let items = state.ticket(id)?.devices(&state, iiq.rules.temper);
    Ok(envelope::whole(&items))
}

fn one_tag(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = json!({ "TagId": id(call, "tagId")? });
    drop(iiq.obey(call, id(call, "ticketId")?, &body)?);
    Ok(envelope::action("OK"))
}
