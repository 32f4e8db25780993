//! ClearFeed as contract clearfeed says, in both dialects: `/clearfeed/v1/…` and `/clearfeed/v1/rest/…`.

mod check;
mod directory;
mod list;
mod requests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use self::requests::Request;
use super::audit::{Audit, Entry, Kept, marker};
use super::call::Call;
use super::reply::{Answer, Refusal, Reply};
use super::seed::Support;
use super::server::{Emulator, Route};
use super::veil::Veil;
use super::{Config, Dialects, Temper};

/// The number of the first request.
const FIRST_ID: u64 = 352;
/// When the seeded requests were made: a fixed past, an hour apart.
const PAST: &str = "2024-03-04T15:00:00Z";

/// One of the two spellings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    V1,
    Rest,
}

impl Dialect {
    fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::Rest => "rest",
        }
    }

    /// An id as this dialect writes it: a number, or a text with a prefix.
    fn id(self, prefix: &str, number: u64) -> Value {
        match self {
            Self::V1 => json!(format!("{prefix}_{number}")),
            Self::Rest => json!(number),
        }
    }

    /// The number of an id, where it is one of this dialect.
    fn number(self, prefix: &str, id: &Value) -> Option<u64> {
        match self {
            Self::V1 => id
                .as_str()?
                .strip_prefix(prefix)?
                .strip_prefix('_')?
                .parse()
                .ok(),
            Self::Rest => id.as_u64(),
        }
    }

    /// The same for an id in a path or a query.
    fn number_of(self, prefix: &str, id: &str) -> Option<u64> {
        match self {
            Self::V1 => id.strip_prefix(prefix)?.strip_prefix('_')?.parse().ok(),
            Self::Rest => id.parse().ok(),
        }
    }
}

/// The emulator.
#[derive(Debug)]
pub(super) struct ClearFeed {
    support: Support,
    temper: Temper,
    dialects: Dialects,
    requests: Mutex<Vec<Request>>,
    veil: Mutex<Veil>,
    audit: Arc<Audit>,
}

impl ClearFeed {
    pub(super) fn new(config: &Config, audit: Arc<Audit>) -> Self {
        let support = Support::new();
        Self {
            requests: Mutex::new(seeded(&support)),
            veil: Mutex::default(),
            support,
            temper: config.temper,
            dialects: config.dialects,
            audit,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.requests().len()
    }

    pub(super) fn reset(&self) {
        *self.requests() = seeded(&self.support);
        *self.veil() = Veil::default();
    }

    /// The requests, oldest first; the place of one follows from its number.
    fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn veil(&self) -> MutexGuard<'_, Veil> {
        self.veil.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does again what a line of the journal says.
    pub(super) fn replay(&self, kept: &Kept) -> Result<(), Refusal> {
        let dialect = match kept.mode.as_deref() {
            Some("v1") => Dialect::V1,
            _ => Dialect::Rest,
        };
        let mut requests = self.requests();
        if kept.operation == "create" {
            let mut draft = self.draft(dialect, &kept.body, kept.time)?;
            draft.id = FIRST_ID + requests.len() as u64;
            requests.push(draft);
            return Ok(());
        }
        let place = place(&requests, kept.id.parse().ok())?;
        let changed = self.changed(
            dialect,
            &requests[place],
            &kept.operation,
            &kept.body,
            kept.time,
        )?;
        requests[place] = changed;
        Ok(())
    }

    fn create(&self, call: &Call, dialect: Dialect) -> Answer {
        let body = call.json()?;
        let mut draft = self.draft(dialect, &body, call.at)?;
        let mut requests = self.requests();
        draft.created = not_before(&requests, call.at);
        draft.updated = draft.created;
        draft.id = FIRST_ID + requests.len() as u64;
        self.record(
            &draft,
            "create",
            dialect,
            marker(draft.description()),
            &body,
        )?;
        self.veil().hide(draft.id, call.hidden);
        let reply = Reply::json(201, &draft.shown(self, dialect, true));
        requests.push(draft);
        Ok(reply)
    }

    /// Changes one request by one operation: all of it or nothing.
    fn change(&self, call: &Call, dialect: Dialect, operation: &'static str) -> Answer {
        let id = dialect.number_of("req", request_id(call, dialect));
        let body = call.json()?;
        let mut requests = self.requests();
        let place = place(&requests, id)?;
        let at = not_before(&requests, call.at);
        let changed = self.changed(dialect, &requests[place], operation, &body, at)?;
        let text = body.get("html_body").and_then(Value::as_str);
        self.record(&changed, operation, dialect, text.and_then(marker), &body)?;
        let status = if operation == "message" { 201 } else { 200 };
        let reply = Reply::json(status, &changed.shown(self, dialect, false));
        requests[place] = changed;
        Ok(reply)
    }

    fn record(
        &self,
        request: &Request,
        operation: &'static str,
        dialect: Dialect,
        marker: Option<&str>,
        body: &Value,
    ) -> Result<(), Refusal> {
        let failed = |error: std::io::Error| {
            Refusal::new(500, format!("The sandbox cannot keep its data: {error}"))
        };
        let raw = serde_json::value::to_raw_value(body).map_err(|error| failed(error.into()))?;
        self.audit
            .record(&Entry {
                time: request.updated,
                system: "clearfeed",
                operation,
                id: &request.id.to_string(),
                mode: Some(dialect.as_str()),
                marker,
                body: &raw,
            })
            .map_err(failed)
    }
}

/// The requests that were there before, all of a fixed past.
fn seeded(support: &Support) -> Vec<Request> {
    let start: Timestamp = PAST.parse().expect("a constant time");
    (0_u64..)
        .zip(&support.past)
        .map(|(n, past)| {
            let at = start + jiff::SignedDuration::from_hours(i64::try_from(n).unwrap_or(0));
            let author = &support.people[past.author];
            let mut request = Request::new(&past.title, &past.description, past.collection, at);
            request.id = FIRST_ID + n;
            request.author = Some(past.author);
            request.author_email = Some(author.email.clone());
            request.assignee = past.assignee;
            request
        })
        .collect()
}

fn place(requests: &[Request], id: Option<u64>) -> Result<usize, Refusal> {
    id.and_then(|id| usize::try_from(id.checked_sub(FIRST_ID)?).ok())
        .filter(|place| *place < requests.len())
        .ok_or_else(|| Refusal::not_found("Request"))
}

/// A time that is not before the last request's, so that their order is that of their times.
fn not_before(requests: &[Request], at: Timestamp) -> Timestamp {
    requests.last().map_or(at, |last| last.created.max(at))
}

/// How many pieces of the path stand before the family's name.
fn root(dialect: Dialect) -> usize {
    match dialect {
        Dialect::V1 => 2,
        Dialect::Rest => 3,
    }
}

fn request_id(call: &Call, dialect: Dialect) -> &str {
    call.segment(root(dialect) + 1)
}

/// Handlers are plain functions; the dialect follows from the path.
fn dialect(call: &Call) -> Dialect {
    match call.path().get(2) {
        Some(&"rest") => Dialect::Rest,
        _ => Dialect::V1,
    }
}

impl Emulator for ClearFeed {
    fn admit(&self, _: &Call) -> Result<(), Refusal> {
        Ok(())
    }

    fn route(&self, call: &Call) -> Option<Route<Self>> {
        let path = call.path();
        if path.get(1) != Some(&"v1") {
            return None;
        }
        let spoken = dialect(call);
        let answers = match self.dialects {
            Dialects::Both => true,
            Dialects::V1 => spoken == Dialect::V1,
            Dialects::Rest => spoken == Dialect::Rest,
        };
        if !answers {
            return None;
        }
        let read = Route::read;
        match (call.method.as_str(), &path[root(spoken)..]) {
            ("POST", ["requests"]) => Route::write("create", |this: &Self, call| {
                this.create(call, dialect(call))
            }),
            ("GET", ["requests"]) => read("search", list::page),
            ("GET", ["requests", "search"]) => read("search", list::search),
            ("GET", ["requests", _]) => read("get", list::one),
            ("PATCH", ["requests", _]) => Route::named("update", change),
            ("POST", ["requests", _, "message"]) => Route::named("message", change),
            ("GET", ["collections"]) => read("collections", directory::collections),
            ("GET", ["custom-fields"]) => read("custom_fields", directory::custom_fields),
            ("GET", ["users"]) => read("users", directory::users),
            ("GET", ["teams"]) => read("teams", directory::teams),
            ("GET", ["teams", _]) => read("team", directory::team),
            ("GET", ["customers"]) => read("customers", directory::customers),
            _ => None,
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        Reply::json(refusal.status, &error_body(refusal))
    }

    fn throttle(&self, after: Option<u64>) -> Reply {
        let reply = self.refuse(&Refusal::new(429, "Too Many Requests"));
        match after {
            Some(seconds) => reply.with("retry-after", seconds),
            None => reply,
        }
    }

    fn rows(&self) -> &'static str {
        "requests"
    }

    fn error_in_200(&self) -> Reply {
        Reply::json(
            200,
            &error_body(&Refusal::field(400, "title", "title was not accepted")),
        )
    }
}

fn change(this: &ClearFeed, call: &Call, operation: &'static str) -> Answer {
    this.change(call, dialect(call), operation)
}

/// The documents show no body of an error; this is the form of the framework that such APIs are built with:
/// one message, or a list of messages that each begin with the field's name.
fn error_body(refusal: &Refusal) -> Value {
    let message = match refusal.fields.as_slice() {
        [] => json!(refusal.message),
        fields => fields.iter().map(|(_, message)| json!(message)).collect(),
    };
    let error = match refusal.status {
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        409 => "Conflict",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    json!({ "statusCode": refusal.status, "message": message, "error": error })
}
