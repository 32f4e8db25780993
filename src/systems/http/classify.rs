//! What the answer to a write means: the one table (contract incidentiq §2, §17; design, Delivery).
//!
//! | answer | outcome |
//! |---|---|
//! | the connection never stood | unsent |
//! | 2xx that is understood | done; a create must name an id, else in doubt |
//! | any other 2xx than 200 and 201 to a create, a comment or a subtask | in doubt: 202 says that something is yet to be made |
//! | an empty success of a comment or a subtask | in doubt |
//! | an empty success, or any other 2xx than 200 and 201, of any further call | in doubt, with the shape of the answer |
//! | 2xx whose body bears a `StatusCode` of 400 or more, or `IsSuccess` false | as that status says |
//! | 401, 403 | forbidden: another ticket may fare better |
//! | 3xx, 407 | denied: every row would meet the same |
//! | 408, 425 | in doubt |
//! | 429 | throttled |
//! | every other 4xx | rejected |
//! | 5xx, time-out, broken connection, unreadable 2xx | in doubt |
//!
//! Every answer that says "not done" bears its [`Shape`]: whether it is believed is decided by whoever sent it.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;

use super::refusal::{Rename, bears_errors, member, message, of_body, refusal};
use super::{Answer, Lost, http_date};
use crate::systems::shape::{Content, Shape};
use crate::systems::{Answered, Outcome, Ticket};

/// The longest pause that a system is believed to want.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What a write wants to hear.
pub(crate) struct Expect<'a> {
    /// The call that is answered, as a shape names it.
    pub(crate) call: &'a str,
    /// Takes the ticket out of a success; `None`: the answer names no id.
    pub(crate) ticket: &'a (dyn Fn(&Value) -> Option<Ticket> + Sync),
    /// Takes the title out of the answer to a create, where it shows one.
    pub(crate) title: &'a (dyn Fn(&Value) -> Option<String> + Sync),
    /// How many levels of the answer that looks at.
    pub(crate) levels: usize,
    /// The ticket that stands already: a success needs no id then, but a body, which every contract shows.
    pub(crate) standing: Option<&'a Ticket>,
    /// Whether the call makes something on the ticket that stands already: the answer shows it (contract incidentiq §11,
    /// §12; clearfeed, Endpoints), and an empty one, or one that says *accepted*, proves nothing.
    pub(crate) makes_more: bool,
    /// The system's names of members as the mapping spells them.
    pub(crate) rename: Rename,
}

/// Classifies the answer to a write.
pub(crate) fn write(answer: Result<Answer, Lost>, expect: &Expect<'_>) -> Answered {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Lost::Unsent(why)) => return Outcome::Unsent(why).into(),
        Err(Lost::Unknown(why)) => return Outcome::InDoubt(why).into(),
    };
    let mut title = None;
    let outcome = match answer.status {
        200..300 => success(&answer, expect, &mut title),
        status => failure(status, &answer, expect.rename),
    };
    let denies = matches!(
        outcome,
        Outcome::Rejected(_) | Outcome::Throttled(_) | Outcome::Forbidden(_) | Outcome::Denied(_)
    );
    let is_shaped = denies || says_nothing(&answer, expect);
    Answered {
        outcome,
        spent: spent(&answer, Timestamp::now()),
        shape: is_shaped.then(|| shape(&answer, expect.call)),
        title,
    }
}

/// Whether a success to a call on a ticket that stands does not say that anything was done.
fn says_nothing(answer: &Answer, expect: &Expect<'_>) -> bool {
    let is_bare = answer
        .body
        .as_deref()
        .is_ok_and(|body| body.trim_ascii().is_empty());
    let is_there = expect.standing.is_some() && !expect.makes_more;
    is_there
        && matches!(answer.status, 200..300)
        && (is_bare || !matches!(answer.status, 200 | 201))
}

/// The body of an answer to a read that a write waits for; else what the call came to, of which nothing was sent: it is
/// never done, and has no shape.
#[expect(
    clippy::result_large_err,
    reason = "it is made once a request, and what sends takes it as it is"
)]
pub(crate) fn before_write(
    answer: Result<Answer, Lost>,
    rename: Rename,
) -> Result<(Value, Option<Duration>), Answered> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Lost::Unsent(why)) => return Err(Outcome::Unsent(why).into()),
        Err(Lost::Unknown(why)) => return Err(Outcome::InDoubt(why).into()),
    };
    let spent = spent(&answer, Timestamp::now());
    let outcome = match (answer.status, answer.json()) {
        (200..300, Ok(body)) => match inner_failure(&body) {
            None => return Ok((body, spent)),
            Some(status @ 200..300) => Outcome::Rejected(of_body(status, &body, rename)),
            Some(status) => failure(status, &answer, rename),
        },
        (status @ 200..300, Err(what)) => {
            Outcome::InDoubt(format!("the system answered {status} with {what}"))
        }
        // No system says so that something is not there, but whatever stands before one does.
        (status @ (404 | 410), _) if answer.is_page() => {
            Outcome::InDoubt(format!("the system answered {status} with a web page"))
        }
        (status, _) => failure(status, &answer, rename),
    };
    Err(Answered {
        outcome,
        spent,
        shape: None,
        title: None,
    })
}

/// The shape of an answer. A body that says another status than its HTTP status contradicts it, unless that is a
/// success.
fn shape(answer: &Answer, call: &str) -> Shape {
    let http = answer.status;
    let bytes = answer.body.as_deref().unwrap_or_default();
    let mut shape = Shape {
        call: call.to_owned(),
        http,
        status: http,
        content: Content::Other,
        members: Vec::new(),
    };
    match answer.json() {
        Ok(Value::Object(body)) => {
            let said = ["StatusCode", "statusCode"]
                .iter()
                .find_map(|name| body.get(*name))
                .map(Value::as_u64);
            let contradicts = !(200..300).contains(&http)
                && said.is_some_and(|said| said != Some(u64::from(http)));
            if (200..300).contains(&http) {
                let inner = inner_failure(&Value::Object(body.clone()));
                shape.status = inner.unwrap_or(http);
            }
            shape.content = Content::Json;
            let contradiction = contradicts.then_some("status!");
            let names = body.keys().map(String::as_str);
            shape.members = Shape::names(names.chain(contradiction));
        }
        _ if answer.body.is_ok() && bytes.trim_ascii().is_empty() => {
            shape.content = Content::Empty;
        }
        _ if answer.is_page() => shape.content = Content::Html,
        _ => {}
    }
    shape
}

fn success(answer: &Answer, expect: &Expect<'_>, title: &mut Option<String>) -> Outcome {
    let unreadable =
        |what| Outcome::InDoubt(format!("the system answered {} with {what}", answer.status));
    let bare = matches!(answer.body.as_deref(), Ok([]));
    if expect.makes_more && (bare || !matches!(answer.status, 200 | 201)) {
        return unreadable("nothing that says what was made".to_owned());
    }
    if says_nothing(answer, expect) {
        return unreadable("nothing that says what was done".to_owned());
    }
    let mut body = match answer.outline(expect.levels) {
        Ok(body) => body,
        Err(what) => return unreadable(what),
    };
    if inner_failure(&body).is_some() || bears_errors(&body) {
        body = match answer.json() {
            Ok(body) => body,
            Err(what) => return unreadable(what),
        };
    }
    match inner_failure(&body) {
        Some(status @ 200..300) => Outcome::Rejected(of_body(status, &body, expect.rename)),
        Some(status) => failure(status, answer, expect.rename),
        None => match ((expect.ticket)(&body), expect.standing) {
            (_, Some(standing)) => Outcome::Done(Ticket {
                warnings: super::refusal::warnings(&body),
                ..standing.clone()
            }),
            // What was accepted is not made yet.
            (Some(_), None) if !matches!(answer.status, 200 | 201) => Outcome::InDoubt(format!(
                "the system answered {}, which does not say that a ticket was made",
                answer.status
            )),
            (Some(ticket), None) => {
                *title = (expect.title)(&body);
                Outcome::Done(ticket)
            }
            (None, None) => Outcome::InDoubt(format!(
                "the system answered {} but named no id",
                answer.status
            )),
        },
    }
}

/// The status that a success bears inside when it is none; a 2xx stands for `IsSuccess` false alone.
pub(crate) fn inner_failure(body: &Value) -> Option<u16> {
    let status = member(body, &["StatusCode"])
        .and_then(Value::as_u64)
        .and_then(|status| u16::try_from(status).ok());
    if let Some(status) = status.filter(|status| *status >= 400) {
        return Some(status);
    }
    let success = member(body, &["IsSuccess", "IsSuccessful"]).and_then(Value::as_bool);
    (success == Some(false)).then_some(200)
}

fn failure(status: u16, answer: &Answer, rename: Rename) -> Outcome {
    match status {
        300..400 => Outcome::Denied(match answer.redirect_host() {
            Some(host) => format!(
                "the address redirects to `{host}`, where the token is not carried: fix `url` in the profile"
            ),
            None => format!("the system answered {status}, a redirect: fix `url` in the profile"),
        }),
        401 | 403 => Outcome::Forbidden(refusal(status, answer, rename)),
        407 => Outcome::Denied(refusal(status, answer, rename).message),
        408 | 425 => Outcome::InDoubt(doubt(status, answer)),
        429 => Outcome::Throttled(pause(answer, Timestamp::now())),
        400..500 => Outcome::Rejected(refusal(status, answer, rename)),
        _ => Outcome::InDoubt(doubt(status, answer)),
    }
}

fn doubt(status: u16, answer: &Answer) -> String {
    let said = answer.json().ok().and_then(|body| message(&body));
    match said {
        Some(said) => format!("the system answered {status}: {said}"),
        None => format!("the system answered {status}"),
    }
}

/// How long a throttling answer asks to wait: `Retry-After` (seconds or a date), else `RetryAfter` of the body
/// (seconds, §17), else `X-RateLimit-Reset`.
pub(crate) fn pause(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let asked = header(answer, RETRY_AFTER.as_str())
        .and_then(|text| {
            let until = |moment| until(answer, moment, now);
            seconds(text).or_else(|| http_date(text).map(until))
        })
        .or_else(|| {
            let body = answer.json().ok()?;
            match member(&body, &["RetryAfter", "retry_after"])? {
                Value::String(text) => seconds(text),
                number => number.as_f64().and_then(in_seconds),
            }
        })
        .or_else(|| reset(answer, now))?;
    Some(asked.min(LONGEST_PAUSE))
}

/// How long nothing remains of the limit, where a success says so: `X-RateLimit-Remaining` is zero and
/// `X-RateLimit-Reset` tells until when.
pub(crate) fn spent(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let remaining = header(answer, "x-ratelimit-remaining")?
        .trim()
        .parse::<f64>()
        .ok()?;
    if !matches!(answer.status, 200..300) || remaining > 0.0 {
        return None;
    }
    let left = reset(answer, now).filter(|left| !left.is_zero())?;
    Some(left.min(LONGEST_PAUSE))
}

/// How long until the limit is whole again, by `X-RateLimit-Reset`: a moment (a date, or seconds or milliseconds since
/// 1970), or seconds from now.
fn reset(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let text = header(answer, "x-ratelimit-reset")?.trim();
    let Ok(number) = text.parse::<f64>() else {
        let moment = http_date(text).or_else(|| text.parse().ok())?;
        return Some(until(answer, moment, now));
    };
    let moment = |seconds: f64| {
        let moment = Timestamp::from_second(seconds as i64).ok()?;
        Some(until(answer, moment, now))
    };
    match number {
        number if number < 1e8 => in_seconds(number),
        number if number < 1e11 => moment(number),
        number => moment(number / 1e3),
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name)?.to_str().ok()
}

/// How long until a moment on the server's clock.
fn until(answer: &Answer, moment: Timestamp, now: Timestamp) -> Duration {
    let from = answer.date().unwrap_or(now);
    Duration::try_from(moment.duration_since(from)).unwrap_or(Duration::ZERO)
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse::<f64>().ok().and_then(in_seconds)
}

fn in_seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}
