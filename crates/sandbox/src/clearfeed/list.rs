//! Reading requests: one, a page of them, a search (contract clearfeed, `GET /requests`).

use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::requests::{Request, STATES};
use super::{ClearFeed, Dialect, dialect, place};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::visibility::Visibility;

fn wants_messages(call: &Call) -> bool {
    call.queries("include")
        .any(|what| what.split(',').any(|one| one.trim() == "messages"))
}

/// `GET /requests/{id}`.
pub(super) fn one(system: &ClearFeed, call: &Call) -> Answer {
    let spoken = dialect(call);
    let requests = system.requests();
    let id = spoken.number_of("req", call.parameter("requestId"));
    let request = &requests[place(&requests, id)?];
    Ok(Reply::json(
        200,
        &request.object(system, spoken, wants_messages(call)),
    ))
}

/// The word for requests without a state.
const NO_STATE: &str = "none";

/// What a listing asks for.
#[derive(Debug)]
struct Asked {
    collection: Option<u64>,
    channel: Option<String>,
    states: Vec<String>,
    emails: Vec<String>,
    by_update: bool,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    is_ascending: bool,
    limit: usize,
    /// The last one of the page before: its time in microseconds and its number.
    cursor: Option<(i64, u64)>,
}

pub(super) fn bad(name: &str, rule: &str) -> Refusal {
    Refusal::field(400, name, format!("{name} {rule}"))
}

fn moment(call: &Call, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = call.query(name) else {
        return Ok(None);
    };
    if let Ok(at) = text.parse() {
        return Ok(Some(at));
    }
    let day = text.parse::<jiff::civil::Date>().ok();
    day.and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok())
        .map(|at| Some(at.timestamp()))
        .ok_or_else(|| bad(name, "must be a valid ISO 8601 date string"))
}

pub(super) fn limit(call: &Call, default: usize) -> Result<usize, Refusal> {
    let Some(text) = call.query("limit") else {
        return Ok(default);
    };
    let limit = text.parse().ok().filter(|limit| (1..=100).contains(limit));
    limit.ok_or_else(|| bad("limit", "must be a number from 1 to 100"))
}

fn collection(call: &Call, spoken: Dialect) -> Result<Option<u64>, Refusal> {
    let Some(text) = call.query("collection_id") else {
        return Ok(None);
    };
    let id = spoken.number_of("col", text);
    id.map(Some)
        .ok_or_else(|| bad("collection_id", "is not valid"))
}

impl Asked {
    fn read(call: &Call, spoken: Dialect) -> Result<Self, Refusal> {
        let state = if spoken == Dialect::V1 {
            "status"
        } else {
            "state"
        };
        let states = call.queries(state).flat_map(|list| list.split(','));
        let states: Vec<_> = states.map(|word| word.trim().to_owned()).collect();
        if states
            .iter()
            .any(|word| word != NO_STATE && !STATES.contains(&word.as_str()))
        {
            return Err(bad(state, "must be one of the states"));
        }
        let emails: Vec<_> = call
            .queries("author_emails")
            .flat_map(|list| list.split(','))
            .map(|one| one.trim().to_lowercase())
            .filter(|one| !one.is_empty())
            .collect();
        if emails.len() > 50 {
            return Err(bad(
                "author_emails",
                "must contain no more than 50 elements",
            ));
        }
        let by_update = match call.query("filter_by").unwrap_or("created_at") {
            "created_at" => false,
            "updated_at" => true,
            _ => return Err(bad("filter_by", "must be created_at or updated_at")),
        };
        let is_ascending = match call.query("sort_order").unwrap_or("desc") {
            "asc" => true,
            "desc" => false,
            _ => return Err(bad("sort_order", "must be asc or desc")),
        };
        let cursor = match call.query("next_cursor") {
            None | Some("") => None,
            Some(text) => Some(cursor(text).ok_or_else(|| bad("next_cursor", "is not valid"))?),
        };
        Ok(Self {
            collection: collection(call, spoken)?,
            channel: call.query("channel_id").map(str::to_owned),
            states,
            emails,
            by_update,
            after: moment(call, "after")?,
            before: moment(call, "before")?,
            is_ascending,
            limit: limit(call, 50)?,
            cursor,
        })
    }

    fn position(&self, request: &Request) -> (i64, u64) {
        let at = if self.by_update {
            request.updated
        } else {
            request.created
        };
        (at.as_microsecond(), request.id)
    }

    fn holds(&self, system: &ClearFeed, visibility: &Visibility, request: &Request) -> bool {
        if visibility.hides(request.id) {
            return false;
        }
        let at = if self.by_update {
            request.updated
        } else {
            request.created
        };
        let author = request
            .author_email
            .as_ref()
            .map(|email| email.to_lowercase());
        self.after.is_none_or(|after| at >= after)
            && self.before.is_none_or(|before| at <= before)
            && self.cursor.is_none_or(|last| {
                let own = self.position(request);
                if self.is_ascending {
                    own > last
                } else {
                    own < last
                }
            })
            && self
                .collection
                .is_none_or(|id| system.support.collections[request.collection].id == id)
            && self
                .channel
                .as_ref()
                .is_none_or(|channel| request.channel() == *channel)
            && (self.states.is_empty() || {
                let state = request.state(system).unwrap_or(NO_STATE);
                self.states.iter().any(|word| word == state)
            })
            && (self.emails.is_empty() || author.is_some_and(|email| self.emails.contains(&email)))
    }

    /// One page and whether there is more. By creation the requests stand in order: the page is looked for from
    /// where the one before it ended, so that a long listing costs each request once.
    fn page<'a>(&self, system: &ClearFeed, all: &'a [Request]) -> Vec<&'a Request> {
        let visibility = &*system.visibility();
        if self.by_update {
            let mut hits: Vec<_> = all
                .iter()
                .filter(|one| self.holds(system, visibility, one))
                .collect();
            hits.sort_by_key(|one| self.position(one));
            if !self.is_ascending {
                hits.reverse();
            }
            hits.truncate(self.limit + 1);
            return hits;
        }
        let first = |at: Timestamp| all.partition_point(|one| one.created < at);
        let mut from = self.after.map_or(0, first);
        let mut until = self.before.map_or(all.len(), |before| {
            all.partition_point(|one| one.created <= before)
        });
        if let Some(last) = self.cursor {
            let at = all.partition_point(|one| self.position(one) < last);
            if self.is_ascending {
                from = from.max(at);
            } else {
                until = until.min(at);
            }
        }
        let hits = all[from.min(until)..until].iter();
        let holds = |one: &&Request| self.holds(system, visibility, one);
        if self.is_ascending {
            hits.filter(holds).take(self.limit + 1).collect()
        } else {
            hits.rev().filter(holds).take(self.limit + 1).collect()
        }
    }
}

/// Where a page ended, as the next one is asked for: base64, which means something else in a query unless it is encoded
/// there.
pub(super) fn to_cursor((at, id): (i64, u64)) -> String {
    BASE64.encode(format!("{at}/{id}?").as_bytes())
}

/// The same read back.
pub(super) fn cursor(text: &str) -> Option<(i64, u64)> {
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (at, id) = text.strip_suffix('?')?.split_once('/')?;
    Some((at.parse().ok()?, id.parse().ok()?))
}

/// `GET /requests`.
pub(super) fn page(system: &ClearFeed, call: &Call) -> Answer {
    let spoken = dialect(call);
    let asked = Asked::read(call, spoken)?;
    let with_messages = wants_messages(call);
    let requests = system.requests();
    let mut hits = asked.page(system, &requests);
    let has_more = hits.len() > asked.limit;
    hits.truncate(asked.limit);
    let next = hits
        .last()
        .filter(|_| has_more)
        .map(|last| to_cursor(asked.position(last)));
    let objects: Vec<Value> = hits
        .iter()
        .map(|one| one.object(system, spoken, with_messages))
        .collect();
    let count = objects.len();
    Ok(Reply::json(
        200,
        &json!({
            "requests": objects,
            "response_metadata": { "next_cursor": next, "count": count },
        }),
    ))
}

/// `GET /requests/search`.
pub(super) fn search(system: &ClearFeed, call: &Call) -> Answer {
    let spoken = dialect(call);
    let query = call
        .query("query")
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    if query.is_empty() {
        return Err(bad("query", "should not be empty"));
    }
    let limit = limit(call, 10)?;
    let collection = collection(call, spoken)?;
    let (after, before) = (
        moment(call, "created_after")?,
        moment(call, "created_before")?,
    );
    let customer = match call.query("customer_id") {
        Some(text) => Some(
            spoken
                .number_of("cust", text)
                .ok_or_else(|| bad("customer_id", "is not valid"))?,
        ),
        None => None,
    };
    // Notes among the team are found only where they are asked for.
    let only_public = match call.query("only_public").unwrap_or("true") {
        "true" => true,
        "false" => false,
        _ => return Err(bad("only_public", "must be a boolean value")),
    };
    let requests = system.requests();
    let visibility = system.visibility();
    let objects: Vec<Value> = requests
        .iter()
        .rev()
        .filter(|one| {
            !visibility.hides(one.id)
                && !one.is_erased(system)
                && after.is_none_or(|after| one.created >= after)
                && before.is_none_or(|before| one.created <= before)
                && collection.is_none_or(|id| system.support.collections[one.collection].id == id)
                && customer.is_none_or(|id| one.customer == Some(id))
                && (one.title.to_lowercase().contains(&query)
                    || one.messages.iter().any(|message| {
                        !(message.is_private && only_public)
                            && message.text.to_lowercase().contains(&query)
                    }))
        })
        .take(limit)
        .map(|one| one.object(system, spoken, false))
        .collect();
    Ok(Reply::json(200, &json!({ "requests": objects })))
}
