//! A desk whose lists misbehave: both systems, as many tickets as one likes, and what is done to each page of tickets that is
//! asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use deskferry_testing::server::matchers::{method, path};
use deskferry_testing::server::{Mock, MockServer, Request, ResponseTemplate};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::connection;
use crate::systems::{Connection, System, SystemName, sign_in};

/// What is done to a page of tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// HTTP 200 with an error.
    Error,
    /// HTTP 200 without a body.
    NoBody,
    /// Its members have other names.
    OtherNames,
    /// What says how it goes on is missing.
    NoMetadata,
    /// Its rows are missing, all else is there.
    NoRows,
    /// It ends after so many rows, and so does the list by its own word.
    Cut(usize),
    /// The row of that place is missing.
    Drop(usize),
    /// The first row comes twice.
    Repeat,
    /// The rows are in no order.
    Shuffle,
    /// Three times as many rows as were asked for.
    More,
    /// At most so many rows, as it says itself.
    Small(usize),
    /// It counts so many rows too few.
    Fewer(usize),
    /// It counts so many rows too many.
    Further(usize),
}

/// What happens to the pages: to the first of them what stands first, to those behind the last nothing, or to all the same.
#[derive(Debug, Clone)]
pub(crate) enum Faults {
    InTurn(Vec<Option<Fault>>),
    Always(Fault),
}

/// Whether a list may look empty at both of its ends and by its count: docs/delivery.md says that it is believed then.
pub(crate) fn may_look_empty(faults: &[Option<Fault>], is_counted: bool) -> bool {
    let is_bare = |fault: &&Option<Fault>| match fault {
        Some(Fault::NoRows) => !is_counted,
        fault => **fault == Some(Fault::Cut(0)),
    };
    faults.iter().filter(is_bare).count() > 1
}

/// Faults of one answer after the other; one may last for several.
pub(crate) fn in_turn(
    fault: impl Strategy<Value = Option<Fault>>,
) -> impl Strategy<Value = Vec<Option<Fault>>> {
    let lasting = (fault, 1..4_usize).prop_map(|(fault, times)| vec![fault; times]);
    prop::collection::vec(lasting, 0..8).prop_map(|all| all.concat())
}

impl Faults {
    fn of(&self, request: usize) -> Option<Fault> {
        match self {
            Self::InTurn(faults) => faults.get(request).copied().flatten(),
            Self::Always(fault) => Some(*fault),
        }
    }
}

/// A desk with tickets of which one is made each ten minutes.
pub(crate) struct Desk {
    pub(crate) system: Arc<dyn System>,
    /// How many pages of tickets were asked for.
    pub(crate) asked: Arc<AtomicUsize>,
    _server: MockServer,
}

/// When the first ticket was made, in UTC.
pub(crate) const BEGAN: &str = "2024-01-01T06:00:00Z";

impl Desk {
    pub(crate) async fn new(system: SystemName, tickets: usize, faults: Faults) -> Self {
        let server = MockServer::start().await;
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let next = move || counter.fetch_add(1, Ordering::Relaxed);
        let profile = match system {
            SystemName::ClearFeed => {
                answer(
                    &server,
                    "GET",
                    "/v1/rest/collections",
                    &json!({"collections": [], "response_metadata": {}}),
                )
                .await;
                let list = move |request: &Request| {
                    let fault = faults.of(next());
                    clearfeed(request, tickets, fault)
                };
                let at = Mock::given(method("GET")).and(path("/v1/rest/requests"));
                at.respond_with(list).mount(&server).await;
                let is_one =
                    |request: &Request| request.url.path().starts_with("/v1/rest/requests/");
                let one = Mock::given(method("GET")).and(is_one);
                one.respond_with(move |request: &Request| clearfeed_one(request, tickets))
                    .mount(&server)
                    .await;
                Connection {
                    tenant: Some("acme".to_owned()),
                    ..connection(system, &server.uri())
                }
            }
            SystemName::IncidentIq => {
                let login = json!({"Item": {"UserId": "u-1", "Site": {"SiteId": "s-1", "TimeZone": "Central Standard Time"}}});
                answer(&server, "GET", "/api/v1.0/login", &login).await;
                let list = move |request: &Request| {
                    let fault = faults.of(next());
                    incidentiq(request, tickets, fault)
                };
                let at = Mock::given(method("POST")).and(path("/api/v1.0/tickets"));
                at.respond_with(list).mount(&server).await;
                connection(system, &server.uri())
            }
        };
        Self {
            system: sign_in(profile).await.unwrap(),
            asked,
            _server: server,
        }
    }
}

async fn answer(server: &MockServer, verb: &str, at: &str, body: &Value) {
    let answer = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(method(verb))
        .and(path(at))
        .respond_with(answer)
        .mount(server)
        .await;
}

fn asked(request: &Request, name: &str) -> Option<String> {
    let (_, value) = request.url.query_pairs().find(|(key, _)| key == name)?;
    Some(value.into_owned())
}

/// The rows of one page of a list in its order, by what is done to it; they are numbers.
fn bent(
    all: &[usize],
    from: usize,
    size: usize,
    is_newest_first: bool,
    fault: Option<Fault>,
) -> Vec<usize> {
    let size = match fault {
        Some(Fault::More) => size * 3,
        _ => size,
    };
    let from = from.min(all.len());
    let mut rows = all[from..all.len().min(from + size)].to_vec();
    match fault {
        Some(Fault::NoRows) => rows.clear(),
        Some(Fault::Cut(most)) => rows.truncate(most),
        // What both ends of a list leave out nobody can know of.
        Some(Fault::Drop(place)) if !is_newest_first && !rows.is_empty() => {
            rows.remove(place % rows.len());
        }
        Some(Fault::Repeat) => rows.extend(rows.first().copied()),
        Some(Fault::Shuffle) => {
            let (even, odd): (Vec<_>, Vec<_>) = rows.iter().partition(|row| **row % 2 == 0);
            rows = [odd, even].concat();
        }
        _ => {}
    }
    rows
}

fn granted(size: usize, fault: Option<Fault>) -> usize {
    match fault {
        Some(Fault::Small(most)) => size.min(most),
        _ => size,
    }
}

fn spoilt(fault: Option<Fault>, error: &Value) -> Option<ResponseTemplate> {
    match fault {
        Some(Fault::Error) => Some(ResponseTemplate::new(200).set_body_json(error)),
        Some(Fault::NoBody) => Some(ResponseTemplate::new(200)),
        _ => None,
    }
}

fn made(row: usize) -> jiff::Timestamp {
    let began: jiff::Timestamp = BEGAN.parse().unwrap();
    began + jiff::SignedDuration::from_mins(10 * row as i64)
}

fn clearfeed_ticket(row: usize) -> Value {
    json!({"id": row, "state": "open", "title": "t", "created_at": made(row), "updated_at": made(row), "messages": []})
}

/// The ticket by its number, which no fault of the lists touches.
fn clearfeed_one(request: &Request, tickets: usize) -> ResponseTemplate {
    let (_, id) = request.url.path().rsplit_once('/').unwrap();
    match id.parse() {
        Ok(row) if row < tickets => ResponseTemplate::new(200).set_body_json(clearfeed_ticket(row)),
        _ => ResponseTemplate::new(404),
    }
}

fn clearfeed(request: &Request, tickets: usize, fault: Option<Fault>) -> ResponseTemplate {
    if let Some(answer) = spoilt(fault, &json!({"error": "internal_error"})) {
        return answer;
    }
    let limit: usize = asked(request, "limit").unwrap().parse().unwrap();
    let limit = granted(limit, fault);
    let from = asked(request, "next_cursor").map_or(0, |cursor| cursor.parse().unwrap());
    let is_newest_first = asked(request, "sort_order").unwrap() == "desc";
    let time = |name: &str| asked(request, name).map(|at| at.parse::<jiff::Timestamp>().unwrap());
    let (after, before) = (time("after"), time("before"));
    let is_within = |row: &usize| {
        after.is_none_or(|after| made(*row) >= after)
            && before.is_none_or(|before| made(*row) <= before)
    };
    let mut all: Vec<usize> = (0..tickets).filter(is_within).collect();
    if is_newest_first {
        all.reverse();
    }
    let rows = bent(&all, from, limit, is_newest_first, fault);
    let further = from + limit * if fault == Some(Fault::More) { 3 } else { 1 };
    let is_last = further >= all.len() || matches!(fault, Some(Fault::Cut(_)));
    let count = match fault {
        Some(Fault::Fewer(by)) => rows.len().saturating_sub(by),
        Some(Fault::Further(by)) => rows.len() + by,
        _ => rows.len(),
    };
    let shown: Vec<Value> = rows.iter().map(|row| clearfeed_ticket(*row)).collect();
    let cursor = (!is_last).then(|| further.to_string());
    let mut body =
        json!({"requests": shown, "response_metadata": {"next_cursor": cursor, "count": count}});
    let members = body.as_object_mut().unwrap();
    match fault {
        Some(Fault::OtherNames) => {
            let rows = members.remove("requests").unwrap();
            members.insert("items".to_owned(), rows);
        }
        Some(Fault::NoMetadata) => drop(members.remove("response_metadata")),
        _ => {}
    }
    ResponseTemplate::new(200).set_body_json(body)
}

fn incidentiq(request: &Request, tickets: usize, fault: Option<Fault>) -> ResponseTemplate {
    if let Some(answer) = spoilt(fault, &json!({"Message": "An error has occurred."})) {
        return answer;
    }
    let number = |name: &str| asked(request, name).unwrap().parse::<usize>().unwrap();
    let (size, index) = (granted(number("$s"), fault), number("$p"));
    let is_newest_first = asked(request, "$o").unwrap().ends_with("desc");
    let mut all: Vec<usize> = (0..tickets).collect();
    if is_newest_first {
        all.reverse();
    }
    let rows = bent(&all, index * size, size, is_newest_first, fault);
    let total = match fault {
        Some(Fault::Cut(_)) => index * size + rows.len(),
        Some(Fault::Fewer(by)) => all.len().saturating_sub(by),
        Some(Fault::Further(by)) => all.len() + by,
        _ => all.len(),
    };
    let chicago = jiff::tz::TimeZone::get("America/Chicago").unwrap();
    let shown: Vec<Value> = rows
        .iter()
        .map(|row| {
            let at = chicago.to_datetime(made(*row)).to_string();
            json!({"TicketId": format!("aaaaaaaa-0000-0000-0000-{row:012}"), "Subject": "t", "CreatedDate": at, "ModifiedDate": at})
        })
        .collect();
    let paging = json!({"TotalRows": total, "PageSize": size, "PageIndex": index});
    let mut body = json!({"Items": shown, "Paging": paging});
    let members = body.as_object_mut().unwrap();
    match fault {
        Some(Fault::OtherNames) => {
            let rows = members.remove("Items").unwrap();
            members.insert("Data".to_owned(), rows);
        }
        Some(Fault::NoMetadata) => drop(members.remove("Paging")),
        _ => {}
    }
    ResponseTemplate::new(200).set_body_json(body)
}
