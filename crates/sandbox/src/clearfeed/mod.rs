//! ClearFeed as contract clearfeed says, in both dialects: `/clearfeed/v1/…` and `/clearfeed/v1/rest/…`.

mod check;
mod customers;
mod directory;
mod form;
mod link;
mod list;
mod past;
mod people;
mod requests;
mod routes;
mod seek;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::customers::Customer;
use self::past::seeded;
use self::requests::Request;
use super::audit::{Audit, Entry, Kept, marker};
use super::call::Call;
use super::emulator::Emulator;
use super::fit::{Misfit, Types, Wanted};
use super::reply::{Answer, Refusal, Reply};
use super::route::Table;
use super::seed::{Population, Support};
use super::token::Token;
use super::visibility::Visibility;
use super::{Config, Temper};

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
    /// Whether notes among the team are shown to nobody.
    hides_notes: bool,
    /// How long texts are kept.
    retention: Option<Duration>,
    /// Requests that are there from the beginning besides the few that always are.
    population: Population,
    table: Table<Self>,
    requests: Mutex<Vec<Request>>,
    customers: Mutex<Vec<Customer>>,
    visibility: Mutex<Visibility>,
    audit: Arc<Audit>,
}

impl ClearFeed {
    pub(super) fn new(config: &Config, population: Population, audit: Arc<Audit>) -> Self {
        let support = Support::new();
        Self {
            requests: Mutex::new(seeded(&support, population)),
            customers: Mutex::new(customers::seeded(&support)),
            visibility: Mutex::default(),
            support,
            temper: config.temper,
            hides_notes: config.hides_notes,
            retention: config.retention,
            population,
            table: Table::new(
                routes::sections(config.dialects),
                Types::new(routes::SCHEMAS, Self::NAMES_HAVE_NO_CASE),
            ),
            audit,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.requests().len()
    }

    pub(super) fn reset(&self) {
        *self.requests() = seeded(&self.support, self.population);
        *self.customers() = customers::seeded(&self.support);
        *self.visibility() = Visibility::default();
    }

    /// The requests, oldest first; the place of one follows from its number.
    fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn customers(&self) -> MutexGuard<'_, Vec<Customer>> {
        let customers = self.customers.lock();
        customers.unwrap_or_else(PoisonError::into_inner)
    }

    fn visibility(&self) -> MutexGuard<'_, Visibility> {
        self.visibility
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Does again what a line of the journal says.
    pub(super) fn replay(&self, kept: &Kept) -> Result<(), Refusal> {
        let dialect = match kept.mode.as_deref() {
            Some("v1") => Dialect::V1,
            _ => Dialect::Rest,
        };
        let by = kept.by.as_deref().and_then(Token::parse);
        let by = actor(by.unwrap_or_default());
        match kept.operation.as_str() {
            "create" => {
                let mut requests = self.requests();
                let mut draft = self.draft(dialect, &kept.body, kept.time)?;
                draft.id = FIRST_ID + requests.len() as u64;
                requests.push(draft);
                Ok(())
            }
            "customer_create" | "customer_update" => self.replay_customer(dialect, kept),
            operation => {
                let mut requests = self.requests();
                let place = place(&requests, kept.id.parse().ok())?;
                let step = Step {
                    dialect,
                    operation,
                    body: &kept.body,
                    at: kept.time,
                    by,
                };
                requests[place] = self.changed(&requests[place], step)?;
                Ok(())
            }
        }
    }

    fn create(&self, call: &Call, dialect: Dialect) -> Answer {
        let body = call.json()?;
        let mut draft = self.draft(dialect, &body, call.at)?;
        let mut requests = self.requests();
        draft.created = not_before(&requests, call.at);
        draft.updated = draft.created;
        draft.id = FIRST_ID + requests.len() as u64;
        let line = Line {
            id: draft.id,
            at: draft.created,
            dialect,
            marker: marker(draft.description()),
        };
        self.record(call, line, &body)?;
        self.visibility().hide(draft.id, call.hidden);
        let reply = Reply::json(201, &draft.shown(self, dialect, true));
        requests.push(draft);
        Ok(reply)
    }

    /// Changes one request by one operation: all of it or nothing.
    fn change(&self, call: &Call) -> Answer {
        let dialect = dialect(call);
        let id = dialect.number_of("req", call.parameter("requestId"));
        let body = call.json()?;
        let mut requests = self.requests();
        let place = place(&requests, id)?;
        self.change_at(call, &mut requests, place, &body)?;
        let status = if call.operation == "message" {
            201
        } else {
            200
        };
        let changed = &requests[place];
        Ok(Reply::json(status, &changed.shown(self, dialect, false)))
    }

    fn change_at(
        &self,
        call: &Call,
        requests: &mut [Request],
        place: usize,
        body: &Value,
    ) -> Result<(), Refusal> {
        let dialect = dialect(call);
        let step = Step {
            dialect,
            operation: call.operation,
            body,
            at: not_before(requests, call.at),
            by: actor(call.token),
        };
        let changed = self.changed(&requests[place], step)?;
        let text = body.get("html_body").and_then(Value::as_str);
        let line = Line {
            id: changed.id,
            at: step.at,
            dialect,
            marker: text.and_then(marker),
        };
        self.record(call, line, body)?;
        requests[place] = changed;
        Ok(())
    }

    fn record(&self, call: &Call, line: Line<'_>, body: &Value) -> Result<(), Refusal> {
        let failed = |error: std::io::Error| {
            Refusal::new(500, format!("The sandbox cannot keep its data: {error}"))
        };
        let raw = serde_json::value::to_raw_value(body).map_err(|error| failed(error.into()))?;
        self.audit
            .record(&Entry {
                time: line.at,
                system: Self::NAME,
                operation: call.operation,
                id: &line.id.to_string(),
                mode: Some(line.dialect.as_str()),
                by: call.token.told(),
                marker: line.marker,
                body: &raw,
            })
            .map_err(failed)
    }
}

/// What a line of the audit says of a write besides its body.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    id: u64,
    at: Timestamp,
    dialect: Dialect,
    marker: Option<&'a str>,
}

/// One change of one request.
#[derive(Debug, Clone, Copy)]
struct Step<'a> {
    dialect: Dialect,
    operation: &'a str,
    body: &'a Value,
    at: Timestamp,
    /// Whose token it came with.
    by: usize,
}

/// The person that a token acts as.
fn actor(token: Token) -> usize {
    match token {
        Token::HelpDesk => 0,
        Token::Agent => 4,
        Token::NoDirectory => 5,
        Token::People => 6,
        Token::ReadOnly => 3,
        Token::Requestor => 30,
    }
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

/// Handlers are plain functions; the dialect follows from the path.
fn dialect(call: &Call) -> Dialect {
    match call.path().get(2) {
        Some(&"rest") => Dialect::Rest,
        _ => Dialect::V1,
    }
}

impl Emulator for ClearFeed {
    const NAME: &'static str = "clearfeed";
    const TAKES_MORE_THAN_BEARER: bool = false;
    const ROWS: &'static str = "requests";
    const NAMES_HAVE_NO_CASE: bool = false;
    // Collections stay: signing in begins with them.
    const DIRECTORY: &'static [&'static str] = &[
        "users",
        "teams",
        "team",
        "custom_fields",
        "ticket_form",
        "customers",
        "customer",
    ];
    const ADMINISTRATION: &'static [&'static str] = &["customer_create", "customer_update"];

    fn table(&self) -> &Table<Self> {
        &self.table
    }

    fn temper(&self) -> Temper {
        self.temper
    }

    fn admit(&self, _: &Call) -> Result<(), Refusal> {
        Ok(())
    }

    fn nowhere(&self, call: &Call) -> Refusal {
        let path = call.path()[1..].join("/");
        Refusal::new(404, format!("Cannot {} /{path}", call.method))
    }

    fn unfit(&self, misfits: &[Misfit]) -> Refusal {
        let mut refusal = Refusal::new(400, "Bad Request");
        for Misfit { place, wanted, .. } in misfits {
            let what = match wanted {
                Wanted::Guid | Wanted::Text => "a string",
                Wanted::Integer => "an integer number",
                Wanted::Number => "a number",
                Wanted::Flag => "a boolean value",
                Wanted::Object => "an object",
                Wanted::List => "an array",
            };
            if place.is_empty() {
                return Refusal::new(400, "the body must be a JSON object");
            }
            let message = format!("{place} must be {what}");
            refusal.fields.push((place.clone(), message));
        }
        refusal
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

    fn error_in_200(&self) -> Reply {
        Reply::json(
            200,
            &error_body(&Refusal::field(400, "title", "title was not accepted")),
        )
    }

    fn schemas(&self) -> Vec<(&'static str, &'static str)> {
        routes::SCHEMAS.to_vec()
    }

    fn wrapped(_: &str, inner: Value) -> Value {
        inner
    }

    fn another(&self, call: &Call) -> Option<(&'static str, String)> {
        let spoken = dialect(call);
        let asked = spoken.number_of("req", call.parameter("requestId"));
        let requests = self.requests();
        let place = place(&requests, asked).ok()?;
        let other = requests[(place + 1) % requests.len()].id;
        let id = spoken.id("req", other);
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        (Some(other) != asked).then_some(("requestId", id))
    }

    fn example(&self, parameter: &str) -> Option<String> {
        let team = self.support.teams.first().map(|team| team.id.to_string());
        match parameter {
            "teamId" => team,
            "formId" => self
                .support
                .collections
                .first()
                .map(|one| one.id.to_string()),
            "requestId" => Some(FIRST_ID.to_string()),
            "customerId" => self.customers().first().map(|one| one.id.to_string()),
            _ => None,
        }
    }
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
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Payload Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    json!({ "statusCode": refusal.status, "message": message, "error": error })
}
