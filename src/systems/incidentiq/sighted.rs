//! Reading back what may not be sent twice (contract incidentiq §11, §12): comments by the id that we chose, else by
//! their text; subtasks by their subject.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use uuid::Uuid;

use super::IncidentIq;
use super::envelope::{id, moment, text};
use super::listing;
use super::paging::{self, SIZE};
use super::subtasks;
use super::tickets::segment;
use crate::error::{Error, Result};
use crate::systems::http::reader::{ReadFailure, Reader};
use crate::systems::http::refusal::member;
use crate::systems::sighting::{Like, Likeness, judge, likeness};
use crate::systems::{Call, Operation, Reading, Sighting, Standing};

/// Where a feed ends that never does.
const MOST_PAGES: u64 = 1_000;

/// Whether a call was done that was sent at `since`.
pub(super) async fn sighted(
    system: &IncidentIq,
    call: Call<'_>,
    others: &[&Value],
    since: Timestamp,
    reader: Reader<'_>,
) -> Result<Sighting> {
    let ticket = call
        .ticket
        .ok_or_else(|| Error::usage(format!("the step `{}` has no ticket", call.step)))?;
    let ticket_id = segment(&ticket.id).map_err(Error::usage)?;
    match Operation::parse(call.step) {
        Some(Operation::Comment) => comment(system, ticket_id, call, others, since, reader).await,
        Some(Operation::Subtask) => subtask(system, ticket_id, call, since, reader).await,
        Some(end @ (Operation::Close | Operation::Delete)) => {
            Ok(ended(end, listing::one(system, ticket_id, reader).await?))
        }
        _ => Ok(Sighting::Unclear(format!(
            "the step `{}` leaves nothing that can be read back",
            call.step
        ))),
    }
}

/// Whether a ticket stands as its end leaves it, whoever has made it.
fn ended(end: Operation, reading: Reading) -> Sighting {
    let standing = match reading {
        Reading::Found(listed) => listed.standing,
        Reading::Absent => Standing::Gone,
        Reading::Unclear(why) => return Sighting::Unclear(why),
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
    others: &[&Value],
    since: Timestamp,
    reader: Reader<'_>,
) -> Result<Sighting> {
    let feed = feed(ticket_id, reader).await?;
    let ours = call.id.to_string();
    let chosen = |row: &Value| id(row, "TicketActivityId");
    if feed
        .rows
        .iter()
        .any(|row| chosen(row).as_ref() == Some(&ours))
    {
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
    let others: Vec<String> = others
        .iter()
        .map(|body| said(body))
        .filter(|other| likeness(&sent, other) != Likeness::Equal)
        .collect();
    let mut likes = Vec::new();
    for row in &feed.rows {
        let is_other = chosen(row).is_some_and(|found| is_of_one_make(&found, call.id));
        for found in items(row).filter_map(|item| text(item, "Comments")) {
            let is_another = |other: &String| likeness(other, &found) == Likeness::Equal;
            match likeness(&sent, &found) {
                Likeness::None => {}
                _ if is_other || others.iter().any(is_another) => {}
                likeness => likes.push(made(system, row, likeness == Likeness::Equal)),
            }
        }
    }
    Ok(judge("a comment", &likes, since))
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
    since: Timestamp,
    reader: Reader<'_>,
) -> Result<Sighting> {
    let body = subtasks::read(ticket_id, reader).await?;
    let Some(rows) = subtasks::rows(&body) else {
        return Ok(Sighting::Unclear(
            "the ticket's subtasks cannot be listed".to_owned(),
        ));
    };
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
    Ok(judge("a subtask", &likes, since))
}

/// When a row was made. Whether a time without an offset is the site's or UTC is an inference (§5): where they differ
/// the other one counts too.
fn made(system: &IncidentIq, row: &Value, is_equal: bool) -> Like {
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

/// The activities of a ticket.
pub(super) struct Feed {
    pub(super) rows: Vec<Value>,
    /// Whether as many came as the system counts.
    pub(super) is_whole: bool,
}

/// Reads all activities of a ticket (§11).
pub(super) async fn feed(ticket_id: &str, reader: Reader<'_>) -> Result<Feed, ReadFailure> {
    let call = paging::Call::get(format!("/v1.0/tickets/{ticket_id}/activities"));
    let mut rows = Vec::new();
    let mut seen = HashSet::new();
    let mut total = None;
    for index in 0..MOST_PAGES {
        let page = call.page(reader, index, SIZE).await?;
        total = page.total.or(total);
        let before = rows.len();
        let fresh = page
            .items
            .into_iter()
            .filter(|row| seen.insert(row.to_string()));
        rows.extend(fresh);
        let is_all = total.is_some_and(|total| rows.len() as u64 >= total);
        if is_all || rows.len() == before {
            break;
        }
    }
    Ok(Feed {
        is_whole: total.is_some_and(|total| rows.len() as u64 >= total),
        rows,
    })
}
