//! An activity, and a change of the ticket, as answers show them (contract incidentiq §11; docs26).

use serde_json::{Value, json};

use super::state::State;
use super::ticket::{Activity, Logged, Ticket};
use super::{IncidentIq, dates};
use crate::guid::Guid;

const STATUS_CHANGED: u8 = 63;

/// An activity as answers show it.
pub(super) fn shown(iiq: &IncidentIq, state: &State, ticket: &Ticket, one: &Activity) -> Value {
    let place = ticket
        .activities
        .iter()
        .position(|other| other.id == one.id);
    let at = dates::shown(one.at, &state.book.clock.zone, iiq.rules.temper);
    let owner = state.book.district.users[one.owner].id;
    let items = one.items.iter().map(|item| {
        let mut item = item.clone();
        if let Some(item) = item.as_object_mut() {
            let own = [
                ("TicketActivityId", json!(one.id)),
                ("ByUserId", json!(owner)),
                ("CreatedDate", json!(at)),
                ("ModifiedDate", json!(at)),
            ];
            for (name, value) in own {
                item.entry(name).or_insert(value);
            }
        }
        item
    });
    json!({
        "TicketActivityId": one.id,
        "SiteId": state.book.district.site,
        "ProductId": state.book.district.product,
        "TicketId": ticket.id,
        "TicketSubject": ticket.subject,
        "OwnerId": owner,
        "Owner": state.book.ticket_users[one.owner],
        "IsPublic": one.is_public,
        "IsDeleted": one.is_deleted,
        "ActivityItems": items.collect::<Vec<_>>(),
        "SortOrder": place,
        "CreatedDate": at,
        "ModifiedDate": at,
    })
}

/// A change of the ticket as the timeline shows it: an activity whose one item is a revision, or the line of a log.
pub(super) fn revision(
    iiq: &IncidentIq,
    state: &State,
    ticket: &Ticket,
    one: &Logged,
    nth: usize,
) -> Value {
    let at = dates::shown(one.at, &state.book.clock.zone, iiq.rules.temper);
    let id = Guid::seeded("revision", &format!("{}/{nth}", ticket.id));
    let part = Guid::seeded("revision-item", &format!("{}/{nth}", ticket.id));
    let owner = state.book.district.users[one.by].id;
    let (kind, name) = match one.kind {
        STATUS_CHANGED => ("TicketActivityWorkflowLog", "TicketActivityWorkflowLogId"),
        _ => ("TicketActivityRevision", "TicketActivityRevisionId"),
    };
    let mut item = json!({
        "$type": format!("Spark.Shared.Models.{kind}, Spark.Shared"),
        "TicketActivityTypeId": one.kind, "TicketActivityId": id, "IsPublic": true, "ByUserId": owner,
        "Comments": one.what, "CreatedDate": at, "ModifiedDate": at,
    });
    item[name] = json!(part);
    json!({
        "TicketActivityId": id, "TicketId": ticket.id, "OwnerId": owner, "Owner": state.book.ticket_users[one.by],
        "IsPublic": true, "IsDeleted": false, "ActivityItems": [item], "CreatedDate": at, "ModifiedDate": at,
    })
}
