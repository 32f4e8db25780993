//! IncidentIQ as contract incidentiq says: `/incidentiq/api/v1.0/…`, and `/api/v2.0` for places and rooms.

mod book;
mod check;
mod dates;
mod directory;
mod envelope;
mod search;
mod steps;
mod ticket;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use self::book::Book;
use self::check::Intent;
use self::ticket::Ticket;
use super::audit::{Audit, Entry, Kept, marker};
use super::call::Call;
use super::guid::Guid;
use super::reply::{Answer, Refusal, Reply};
use super::server::{Emulator, Route};
use super::veil::Veil;
use super::{Config, Temper};

/// The number before the first ticket's.
const FIRST_NUMBER: u64 = 10_000;

/// How this emulator was asked to behave.
#[derive(Debug)]
struct Rules {
    temper: Temper,
    strict_headers: bool,
    mission_paths: bool,
    max_page: usize,
}

/// The tickets, oldest first, and where each stands.
#[derive(Debug, Default)]
struct Tickets {
    instance: Guid,
    all: Vec<Ticket>,
    places: HashMap<Guid, usize>,
    deleted: usize,
    veil: Veil,
}

/// The emulator.
#[derive(Debug)]
pub(super) struct IncidentIq {
    book: Book,
    rules: Rules,
    tickets: Mutex<Tickets>,
    audit: Arc<Audit>,
}

impl IncidentIq {
    pub(super) fn new(config: &Config, instance: Guid, audit: Arc<Audit>) -> Self {
        Self {
            book: Book::new(config),
            rules: Rules {
                temper: config.temper,
                strict_headers: config.strict_headers,
                mission_paths: config.mission_paths,
                max_page: config.max_page.max(1),
            },
            tickets: Mutex::new(Tickets {
                instance,
                ..Tickets::default()
            }),
            audit,
        }
    }

    pub(super) fn site(&self) -> Guid {
        self.book.district.site
    }

    pub(super) fn count(&self) -> usize {
        let tickets = self.tickets();
        tickets.all.len() - tickets.deleted
    }

    pub(super) fn reset(&self, instance: Guid) {
        *self.tickets() = Tickets {
            instance,
            ..Tickets::default()
        };
    }

    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does again what a line of the journal says.
    pub(super) fn replay(&self, kept: &Kept) -> Result<(), Refusal> {
        let id: Guid = kept
            .id
            .parse()
            .map_err(|_| Refusal::new(400, format!("`{}` is no id", kept.id)))?;
        if kept.operation == "create" {
            let draft = check::draft(&self.book, &kept.body, Intent::NewAnywhere, kept.time)?;
            self.tickets().push(id, draft, kept.time);
            return Ok(());
        }
        let mut tickets = self.tickets();
        let place = tickets.place(id)?;
        let blanking = kept.mode.as_deref() == Some(BLANKING);
        let change = steps::Change {
            operation: &kept.operation,
            body: &kept.body,
            at: kept.time,
            blanking,
        };
        let changed = steps::apply(&self.book, &tickets.all[place], &change)?;
        tickets.replace(place, changed);
        Ok(())
    }

    fn create(&self, call: &Call, intent: Intent) -> Answer {
        let body = call.json()?;
        let draft = check::draft(&self.book, &body, intent, call.at)?;
        let raw = raw_body(call, &body)?;
        let mut tickets = self.tickets();
        let at = tickets.not_before(call.at);
        let id = Guid::nth(tickets.instance, tickets.all.len() as u64);
        self.audit
            .record(&Entry {
                time: at,
                system: "incidentiq",
                operation: "create",
                id: &id.to_string(),
                mode: None,
                marker: draft.description.as_deref().and_then(marker),
                body: &raw,
            })
            .map_err(|error| cannot_keep(&error))?;
        let number = tickets.push(id, draft, at).number;
        tickets.veil.hide(number, call.hidden);
        let ticket = &tickets.all[tickets.place(id)?];
        let view = ticket.view(&self.book, self.rules.temper);
        Ok(envelope::item(201, &view, Some(id)))
    }

    /// Changes one ticket by one operation: all of it or nothing.
    fn change(
        &self,
        call: &Call,
        id: &str,
        operation: &'static str,
        body: &Value,
        blanking: bool,
    ) -> Result<(Guid, MutexGuard<'_, Tickets>, usize), Refusal> {
        let id: Guid = id.parse().map_err(|_| Refusal::not_found("The ticket"))?;
        let raw =
            RawValue::from_string(body.to_string()).map_err(|error| cannot_keep(&error.into()))?;
        let mut tickets = self.tickets();
        let place = tickets.place(id)?;
        let change = steps::Change {
            operation,
            body,
            at: tickets.not_before(call.at),
            blanking,
        };
        let changed = steps::apply(&self.book, &tickets.all[place], &change)?;
        self.audit
            .record(&Entry {
                time: change.at,
                system: "incidentiq",
                operation,
                id: &id.to_string(),
                mode: blanking.then_some(BLANKING),
                marker: comment_marker(body),
                body: &raw,
            })
            .map_err(|error| cannot_keep(&error))?;
        tickets.replace(place, changed);
        Ok((id, tickets, place))
    }
}

/// The mode of an update that blanked what it left out.
const BLANKING: &str = "blanking";

/// The reference in a comment's text or a new description.
fn comment_marker(body: &Value) -> Option<&str> {
    let text = body
        .get("ActivityItems")
        .and_then(|items| items.get(0)?.get("Comments"))
        .or_else(|| body.get("IssueDescription"))
        .or_else(|| body.get("Description"))?;
    marker(text.as_str()?)
}

/// The body as one line of JSON.
fn raw_body<'a>(call: &'a Call, body: &Value) -> Result<std::borrow::Cow<'a, RawValue>, Refusal> {
    let raw: &RawValue = serde_json::from_slice(&call.body)
        .map_err(|error| Refusal::new(400, format!("The body is not valid JSON: {error}")))?;
    if !raw.get().contains(['\n', '\r']) {
        return Ok(std::borrow::Cow::Borrowed(raw));
    }
    RawValue::from_string(body.to_string())
        .map(std::borrow::Cow::Owned)
        .map_err(|error| cannot_keep(&error.into()))
}

fn cannot_keep(error: &std::io::Error) -> Refusal {
    Refusal::new(500, format!("The sandbox cannot keep its data: {error}"))
}

impl Tickets {
    /// A time that is not before the last ticket's, so that the order of the tickets is that of their times.
    fn not_before(&self, at: Timestamp) -> Timestamp {
        self.all.last().map_or(at, |last| last.created.max(at))
    }

    fn push(&mut self, id: Guid, mut ticket: Ticket, at: Timestamp) -> &Ticket {
        let place = self.all.len();
        ticket.id = id;
        ticket.number = FIRST_NUMBER + 1 + place as u64;
        ticket.created = at;
        ticket.modified = at;
        self.places.insert(id, place);
        self.all.push(ticket);
        &self.all[place]
    }

    fn place(&self, id: Guid) -> Result<usize, Refusal> {
        self.places
            .get(&id)
            .copied()
            .ok_or_else(|| Refusal::not_found("The ticket"))
    }

    fn replace(&mut self, place: usize, changed: Ticket) {
        let before = self.all[place].is_deleted;
        match (before, changed.is_deleted) {
            (false, true) => self.deleted += 1,
            (true, false) => self.deleted -= 1,
            _ => {}
        }
        self.all[place] = changed;
    }
}

/// How many pieces of the path stand before the family's name: `/incidentiq/api/v1.0`.
const ROOT: usize = 3;

impl Emulator for IncidentIq {
    fn admit(&self, call: &Call) -> Result<(), Refusal> {
        match call.header("siteid") {
            Some(site) if site.parse() == Ok(self.book.district.site) => {}
            Some(_) => {
                return Err(Refusal::new(
                    403,
                    "The access token is not valid for this site.",
                ));
            }
            None if self.rules.strict_headers => {
                return Err(Refusal::new(400, "The SiteId header is required."));
            }
            None => {}
        }
        let client = call.header("client");
        if self.rules.strict_headers
            && !client.is_some_and(|name| name.eq_ignore_ascii_case("ApiClient"))
        {
            return Err(Refusal::new(400, "The Client header must be ApiClient."));
        }
        Ok(())
    }

    fn route(&self, call: &Call) -> Option<Route<Self>> {
        let path = call.path();
        let is_v2 = match path.get(1..ROOT)? {
            ["api", "v1.0"] => false,
            ["api", "v2.0"] => true,
            _ => return None,
        };
        let rest = &path[ROOT..];
        let method = call.method.as_str();
        if is_v2 && rest.first() != Some(&"locations") {
            return None;
        }
        directory::route(method, rest, is_v2).or_else(|| ticket_route(&self.rules, method, rest))
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        envelope::refusal(refusal)
    }

    fn throttle(&self, after: Option<u64>) -> Reply {
        envelope::throttle(after)
    }

    fn rows(&self) -> &'static str {
        "Items"
    }

    fn error_in_200(&self) -> Reply {
        envelope::error_in_200()
    }
}

fn ticket_route(rules: &Rules, method: &str, path: &[&str]) -> Option<Route<IncidentIq>> {
    match (method, path) {
        ("POST", ["tickets", "create"]) if rules.mission_paths => {
            Route::write("create", |iiq, call| iiq.create(call, Intent::New))
        }
        ("POST", ["tickets", "new"]) => {
            Route::write("create", |iiq, call| iiq.create(call, Intent::NewAnywhere))
        }
        ("GET" | "POST", ["tickets"]) => Route::read("search", search::page),
        ("POST", ["tickets", "count"]) => Route::read("count", search::count),
        ("GET", ["tickets", id]) if id.parse::<Guid>().is_ok() => {
            Route::read("get", |iiq, call| {
                let id = call.segment(ROOT + 1).parse();
                let id = id.map_err(|_| Refusal::not_found("The ticket"))?;
                let tickets = iiq.tickets();
                let ticket = &tickets.all[tickets.place(id)?];
                let view = ticket.view(&iiq.book, iiq.rules.temper);
                Ok(envelope::item(200, &view, None))
            })
        }
        (_, ["tickets", id, ..]) if id.parse::<Guid>().is_ok() => steps::route(method, &path[2..]),
        _ => None,
    }
}
