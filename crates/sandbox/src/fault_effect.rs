//! What a fault makes of a request, before it is obeyed or after.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::departure::Departure;
use super::emulator::Emulator;
use super::fault::{FaultKind, Strike};
use super::reply::{Refusal, Reply};
use super::server::{App, Gate};

impl App {
    /// What a fault makes of a request that is not obeyed at all.
    pub(super) fn unheeded<E: Emulator>(&self, system: &E, strike: Strike) -> Option<Departure> {
        let status = |status, message| system.refuse(&Refusal::new(status, message));
        let reply = match strike.kind {
            FaultKind::Status429 => system.throttle(None),
            FaultKind::Status429RetryAfter => {
                system.throttle(Some(strike.time.as_secs_f64().ceil() as u64))
            }
            FaultKind::Status429RetryDate => system
                .throttle(None)
                .with("retry-after", http_date(strike.time)),
            FaultKind::Status429RateLimit => used_up(system.throttle(None), strike.time),
            FaultKind::Status500 => status(500, "An unexpected error occurred."),
            FaultKind::Status502 => status(502, "Bad gateway."),
            FaultKind::Status503 => status(503, "The service is unavailable."),
            FaultKind::ErrorIn200 => system.error_in_200(),
            FaultKind::Html => Reply::text(200, "text/html; charset=utf-8", HTML.to_owned()),
            FaultKind::ResetBeforeCommit => return Some(Departure::Cut),
            FaultKind::Refuse => {
                self.down
                    .send_replace(Some(tokio::time::Instant::now() + strike.time));
                return Some(Departure::Cut);
            }
            _ => return None,
        };
        Some(Departure::Whole(reply))
    }

    /// What a fault makes of the answer to a request that was obeyed.
    pub(super) async fn heeded<E: Emulator>(
        &self,
        system: &E,
        gate: &Gate,
        strike: Option<Strike>,
        reply: Reply,
    ) -> Departure {
        let Some(strike) = strike else {
            return Departure::Whole(reply);
        };
        match strike.kind {
            FaultKind::ResetAfterCommit | FaultKind::DoubleCommit => Departure::Cut,
            FaultKind::Truncate => Departure::Truncated(reply),
            FaultKind::Drip => Departure::Dripping(reply, strike.time),
            FaultKind::RateLimitSpent => {
                gate.spend(strike.time);
                Departure::Whole(used_up(reply, strike.time))
            }
            FaultKind::Status504 => {
                Departure::Whole(system.refuse(&Refusal::new(504, "The gateway timed out.")))
            }
            FaultKind::TimeoutAfterCommit => {
                self.wait(Duration::MAX).await;
                Departure::Cut
            }
            FaultKind::SoftErrors => Departure::Whole(warned(reply)),
            FaultKind::RepeatInSearch => Departure::Whole(repeated(reply, E::ROWS)),
            _ => Departure::Whole(reply),
        }
    }
}

/// What a filter between us and the system shows instead of an answer.
const HTML: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head>\
                    <body><h1>Sign in to the school network</h1></body></html>";

fn moment(from_now: Duration) -> Timestamp {
    let now = Timestamp::now();
    now.checked_add(from_now).unwrap_or(now)
}

/// An answer that says that nothing remains of the limit for so long; the reset is never told as earlier than it is.
fn used_up(reply: Reply, time: Duration) -> Reply {
    let reset = moment(time + Duration::from_millis(999)).as_second();
    reply
        .with("x-ratelimit-limit", 100)
        .with("x-ratelimit-remaining", 0)
        .with("x-ratelimit-reset", reset)
}

/// A moment as HTTP writes it, never earlier than it is: a date has no parts of a second.
fn http_date(from_now: Duration) -> String {
    moment(from_now + Duration::from_millis(999))
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

/// A success of IncidentIQ with a word of warning (contract incidentiq §2); other answers have no place for one.
fn warned(reply: Reply) -> Reply {
    let Ok(Value::Object(mut body)) = serde_json::from_slice(&reply.body) else {
        return reply;
    };
    if !(200..300).contains(&reply.status) || !body.contains_key("StatusCode") {
        return reply;
    }
    let warning = json!([{ "Field": "LocationRoomId", "Message": "The room is not in use.", "ErrorKey": "SOFT" }]);
    body.insert("Errors".to_owned(), warning);
    Reply {
        body: Value::Object(body).to_string().into_bytes(),
        ..reply
    }
}

/// A listing whose first row comes twice.
fn repeated(reply: Reply, rows: &str) -> Reply {
    let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else {
        return reply;
    };
    let Some(list) = body.get_mut(rows).and_then(Value::as_array_mut) else {
        return reply;
    };
    if let Some(first) = list.first().cloned() {
        list.push(first);
    }
    Reply {
        body: body.to_string().into_bytes(),
        ..reply
    }
}
