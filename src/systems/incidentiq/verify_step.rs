//! Reading back what may not be sent twice (contract incidentiq §11, §12): comments by the id that we chose, else by
//! their text; subtasks by their subject.

use jiff::tz::TimeZone;
use serde_json::Value;
use uuid::Uuid;

use super::IncidentIq;
use super::activities;
use super::compose::COMMENT_TYPE;
use super::envelope::{id, moment, text};
use super::listing;
use super::set;
use super::subtasks;
use super::tickets::segment;
use crate::error::{Error, Result};
use crate::systems::http::reader::Reader;
use crate::systems::http::refusal::member;
use crate::systems::sighting::{Item, Like, Likeness, Shows, Sought, judge, likeness, sight};
use crate::systems::{
    Beside, Call, INTERNAL, Operation, PUBLIC, Reading, SentAt, Sighting, Standing, merged,
};

/// How many other tickets are read to see whether what is looked for is shown.
pub(super) const WITNESSES: usize = 4;

/// Whether a call was done that was sent at `since`.
pub(super) async fn verify_step(
    system: &IncidentIq,
    call: Call<'_>,
    beside: Beside<'_>,
    since: SentAt,
    reader: Reader<'_>,
) -> Result<Sighting> {
    let ticket = call
        .ticket
        .ok_or_else(|| Error::usage(format!("the step `{}` has no ticket", call.step)))?;
    let ticket_id = segment(&ticket.id).map_err(Error::usage)?;
    match Operation::parse(call.step) {
        Some(Operation::Comment) => comment(system, ticket_id, call, beside, since, reader).await,
        Some(Operation::Subtask) => subtask(system, ticket_id, call, beside, since, reader).await,
        Some(end @ (Operation::Close | Operation::Delete)) => {
            Ok(ended(end, listing::one(system, ticket_id, reader).await?))
        }
        _ => set::verify_step(system, ticket_id, call, beside.resumed, reader).await,
    }
}

/// Whether a ticket stands as its end leaves it, whoever has made it.
fn ended(end: Operation, reading: Reading) -> Sighting {
    let standing = match reading {
        Reading::Found(listed) => listed.standing,
        Reading::Absent => Standing::Gone,
        Reading::Another(why) | Reading::Unclear(why) => return Sighting::Unclear(why),
    };
    match (end, standing) {
        (Operation::Delete, Standing::Gone) | (Operation::Close, Standing::Closed) => {
            Sighting::Done
        }
        (_, Standing::Gone) => Sighting::Unclear("the ticket is not there any more".to_owned()),
        _ => Sighting::Absent,
    }
}

/// A comment is ours when it bears the id that we chose. A site that gives ids of its own is told by the text; then an
/// equal text under an id of the same make as ours is another comment that we sent, and does not count.
async fn comment(
    system: &IncidentIq,
    ticket_id: &str,
    call: Call<'_>,
    beside: Beside<'_>,
    since: SentAt,
    reader: Reader<'_>,
) -> Result<Sighting> {
    let feed = activities::of_ticket(ticket_id, reader).await?;
    let ours = [call.id, call.old_id].map(|id| id.to_string());
    let is_ours = |row: &Value| id(row, "TicketActivityId").is_some_and(|id| ours.contains(&id));
    if feed.rows.iter().any(is_ours) {
        return Ok(Sighting::Done);
    }
    if !feed.is_whole {
        return Ok(Sighting::Unclear(
            "the ticket's activities cannot be listed to their end".to_owned(),
        ));
    }
    let said = |body: &Value| {
        let first = items(body).next();
        first
            .and_then(|item| text(item, "Comments"))
            .unwrap_or_default()
    };
    let sent = said(call.body);
    let others = beside.others.iter().map(|body| said(body));
    let is_public = member(call.body, &["IsPublic"]).and_then(Value::as_bool);
    let sought = Sought {
        what: "a comment",
        kind: is_public.map(kind),
        author: items(call.body)
            .next()
            .and_then(|item| id(item, "ByUserId")),
        others: others
            .filter(|other| likeness(&sent, other) != Likeness::Equal)
            .collect(),
        text: sent,
        since,
    };
    let rows = |feed: &activities::Feed| -> Vec<Item> {
        let rows = feed.rows.iter();
        rows.filter_map(|row| activity(system, row, call.id))
            .collect()
    };
    let shown = rows(&feed);
    let mut shows = Shows::default();
    shows.learn(&shown, beside.here, &sought);
    for (other, print) in beside.elsewhere.iter().take(WITNESSES) {
        let (sighting, wants_more) = sight(&sought, &shown, beside.here, &shows);
        let Some(other) = segment(other).ok().filter(|_| wants_more) else {
            return Ok(sighting);
        };
        if let Ok(feed) = activities::of_ticket(other, reader).await {
            shows.learn(&rows(&feed), std::slice::from_ref(print), &sought);
        }
    }
    Ok(sight(&sought, &shown, beside.here, &shows).0)
}

/// An activity that may be a comment: it says something, or nothing tells what it is.
fn activity(system: &IncidentIq, row: &Value, ours: Uuid) -> Option<Item> {
    let (_, comment) = COMMENT_TYPE;
    let is_comment = |item: &Value| {
        let number = member(item, &["TicketActivityTypeId"]).and_then(Value::as_i64);
        number.is_none_or(|number| number == comment)
    };
    let said: Vec<&Value> = items(row).filter(|item| is_comment(item)).collect();
    if said.is_empty() && items(row).next().is_some() {
        return None;
    }
    let made = made(system, row, false);
    let by = said.iter().find_map(|item| id(item, "ByUserId"));
    let is_public = |value: &Value| member(value, &["IsPublic"]).and_then(Value::as_bool);
    Some(Item {
        at: made.at,
        or: made.or,
        texts: said
            .iter()
            .filter_map(|item| text(item, "Comments"))
            .collect(),
        author: id(row, "OwnerId").or(by),
        kind: is_public(row)
            .or_else(|| said.iter().find_map(|item| is_public(item)))
            .map(kind),
        is_another: id(row, "TicketActivityId").is_some_and(|id| is_of_one_make(&id, ours)),
    })
}

fn kind(is_public: bool) -> &'static str {
    match is_public {
        true => PUBLIC,
        false => INTERNAL,
    }
}

/// Whether an id was made the way ours are; one made at random tells nothing.
fn is_of_one_make(id: &str, ours: Uuid) -> bool {
    let version = |id: Uuid| Some(id.get_version_num()).filter(|version| !matches!(version, 0 | 4));
    Uuid::try_parse(id).is_ok_and(|id| version(id).is_some() && version(id) == version(ours))
}

/// A subtask is ours when it is the only one of its subject that was made since.
async fn subtask(
    system: &IncidentIq,
    ticket_id: &str,
    call: Call<'_>,
    beside: Beside<'_>,
    since: SentAt,
    reader: Reader<'_>,
) -> Result<Sighting> {
    let body = subtasks::read(ticket_id, reader).await?;
    let Some(rows) = subtasks::rows(&body) else {
        return Ok(Sighting::Unclear(
            "the ticket's subtasks cannot be listed".to_owned(),
        ));
    };
    if let Some(other) = subtasks::of_another(rows, ticket_id) {
        return Ok(Sighting::Unclear(merged(ticket_id, &other)));
    }
    let subject = text(call.body, "Subject").unwrap_or_default();
    if let Some(action) = call.body["action"].as_str() {
        let is_done = match subtasks::last(&body, &subject) {
            Some(row) => subtasks::is_so(row, action, call.body),
            // It is looked for before it is acted on: one that is not there was deleted.
            None => action == "delete",
        };
        return Ok(match is_done {
            true => Sighting::Done,
            false => Sighting::Absent,
        });
    }
    let likes: Vec<Like> = rows
        .iter()
        .filter(|row| subtasks::is_of(row, &subject))
        .map(|row| made(system, row, true))
        .collect();
    let sought = Sought {
        what: "a subtask",
        kind: None,
        author: None,
        others: (beside.others.iter())
            .filter_map(|body| text(body, "Subject"))
            .filter(|other| *other != subject)
            .collect(),
        text: subject,
        since,
    };
    let subtasks = |rows: &[Value]| -> Vec<Item> {
        let stands = rows.iter().filter(|row| !subtasks::is_deleted(row));
        stands.map(|row| subtask_item(system, row)).collect()
    };
    let shown = subtasks(rows);
    let mut shows = Shows::default();
    shows.learn(&shown, beside.here, &sought);
    match judge("a subtask", &likes, shows.since(since)) {
        Sighting::Absent => {}
        told => return Ok(told),
    }
    for (other, print) in beside.elsewhere.iter().take(WITNESSES) {
        let (sighting, wants_more) = sight(&sought, &shown, beside.here, &shows);
        let Some(other) = segment(other).ok().filter(|_| wants_more) else {
            return Ok(sighting);
        };
        if let Ok(body) = subtasks::read(other, reader).await
            && let Some(rows) = subtasks::rows(&body)
        {
            shows.learn(&subtasks(rows), std::slice::from_ref(print), &sought);
        }
    }
    Ok(sight(&sought, &shown, beside.here, &shows).0)
}

fn subtask_item(system: &IncidentIq, row: &Value) -> Item {
    let made = made(system, row, false);
    Item {
        at: made.at,
        or: made.or,
        texts: text(row, "Subject").into_iter().collect(),
        author: id(row, "CreatedById"),
        kind: None,
        is_another: false,
    }
}

/// When a row was made. Whether a time without an offset is the site's or UTC is an inference (§5): where they differ
/// the other one counts too.
pub(super) fn made(system: &IncidentIq, row: &Value, is_equal: bool) -> Like {
    Like {
        at: moment(row, "CreatedDate", system.zone.as_ref()),
        or: moment(row, "CreatedDate", Some(&TimeZone::UTC)),
        is_equal,
    }
}

pub(super) fn items(activity: &Value) -> impl Iterator<Item = &Value> {
    let items = member(activity, &["ActivityItems"]).and_then(Value::as_array);
    items.into_iter().flatten()
}
