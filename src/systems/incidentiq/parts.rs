//! What hangs on a ticket and is read with it on request, as the site shows it (contract incidentiq §10 to §15).

use serde_json::Value;

use super::paging::{self, SIZE};
use super::tickets::segment;
use crate::error::{Error, ErrorKind, Result};
use crate::systems::http::Request;
use crate::systems::http::reader::Reader;
use crate::systems::http::refusal::member;

/// What they are called.
pub(super) const PARTS: [&str; 10] = [
    "activities",
    "timeline",
    "workflow",
    "approvals",
    "next-steps",
    "subtasks",
    "followers",
    "assets",
    "files",
    "emails",
];

/// The entity type of tickets (§5).
const TICKETS: &str = "888891ac-91aa-e711-80c2-100dffa00001";

/// Where pages end that never do.
const MOST_PAGES: u64 = 1_000;

/// Reads a part of a ticket to its end.
pub(super) async fn read(ticket: &str, part: &str, reader: Reader<'_>) -> Result<Vec<Value>> {
    let id = segment(ticket).map_err(Error::usage)?;
    let of_ticket = |tail: &str| format!("/v1.0/tickets/{id}/{tail}");
    let path = match part {
        "workflow" => {
            let path = of_ticket("status");
            let body = reader.read(Request::get(&path)).await?;
            return Ok(vec![member(&body, &["Item"]).unwrap_or(&body).clone()]);
        }
        "subtasks" => format!("/v1.0/subtasks/{id}"),
        "files" => format!("/v1.0/files/entity/{TICKETS}/{id}"),
        "emails" => format!("/v1.0/notifications/emails/for/ticket/{id}"),
        part if PARTS.contains(&part) => of_ticket(part),
        part => {
            return Err(Error::usage(format!("a ticket has no `{part}`"))
                .hint(format!("it has: {}", PARTS.join(", "))));
        }
    };
    let call = paging::Call::get(path);
    let mut rows: Vec<Value> = Vec::new();
    let mut most = None;
    for index in 0..MOST_PAGES {
        let page = call.page(reader, index, SIZE).await?;
        let (came, before) = (page.items.len(), rows.len());
        most = most.max(page.total);
        let fresh = page.items.into_iter();
        // Some of these lists know no pages and come whole every time.
        rows.extend(
            fresh
                .filter(|row| index == 0 || !rows[..before].contains(row))
                .collect::<Vec<_>>(),
        );
        let shown = rows.len() as u64;
        // A list that counts nothing ends with a page that is not full.
        let is_all = most.map_or((came as u64) < SIZE, |most| shown >= most);
        if came == 0 || rows.len() == before || is_all {
            break;
        }
    }
    match most.filter(|most| *most > rows.len() as u64) {
        Some(most) => Err(Error::new(
            ErrorKind::System,
            format!(
                "the system lists {} of {most} `{part}` of the ticket",
                rows.len()
            ),
        )),
        None => Ok(rows),
    }
}
