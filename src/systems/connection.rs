//! Signing in: from a checked profile to a connection that is known to work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use url::Url;

use super::http::route::Route;
use super::http::{Answer, HAS_USER_TIMEOUT, Lost, Request, Settings, Transport, classify};
use super::{Dialect, System, SystemName, clearfeed, incidentiq};
use crate::error::{Error, ErrorKind, Result};

/// How long after it was sent a request may still be obeyed, unless the profile says otherwise (design, Delivery):
/// shorter where the transport can tell the kernel to give unacknowledged bytes up.
pub const COMMIT_WITHIN: Duration = Duration::from_secs(if HAS_USER_TIMEOUT { 60 } else { 180 });

/// How to reach a system: a profile with its token read.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Which system.
    pub system: SystemName,
    /// The address. IncidentIQ: the site (`https://district.incidentiq.com`), to which `/api/…` is added.
    /// ClearFeed: unset for the vendor's own, else what `/v1` or `/v1/rest` is added to.
    pub url: Option<Url>,
    /// IncidentIQ's site id, where the token does not tell it.
    pub site_id: Option<String>,
    /// ClearFeed's tenant: the API names no workspace.
    pub tenant: Option<String>,
    /// ClearFeed's spelling, where it is settled.
    pub dialect: Option<Dialect>,
    /// The spelling that answered this profile before, where none is settled.
    pub answered_before: Option<Dialect>,
    /// The token itself.
    pub token: SecretString,
    /// The zone of times that come without one, where the system tells none.
    pub timezone: Option<TimeZone>,
    /// Whether that zone holds even where the system tells another.
    pub timezone_first: bool,
    /// How many requests may be under way.
    pub concurrency: usize,
    /// Whether plain http may leave this machine.
    pub insecure_http: bool,
    /// How long one request may take in all.
    pub timeout: Duration,
    /// The way there: a proxy, further certificates.
    pub route: Route,
    /// ClearFeed: after so long the workspace erases texts; `None`: never.
    pub retention: Option<Duration>,
}

/// Proves that the system answers and the token is good.
///
/// # Errors
/// [`ErrorKind::Unreachable`] when nobody answers there, [`ErrorKind::Denied`] when the token or the site id is
/// not accepted, [`ErrorKind::Usage`] when the profile lacks what this system needs.
pub async fn sign_in(connection: Connection) -> Result<Arc<dyn System>> {
    Ok(match connection.system {
        SystemName::IncidentIq => Arc::new(incidentiq::sign_in(connection).await?),
        SystemName::ClearFeed => Arc::new(clearfeed::sign_in(connection).await?),
    })
}

/// The addresses at which the system may answer: one a spelling.
///
/// # Errors
/// When the profile lacks one, or it is none.
pub fn addresses(connection: &Connection) -> Result<Vec<Url>> {
    match connection.system {
        SystemName::IncidentIq => Ok(vec![incidentiq::address(connection)?]),
        SystemName::ClearFeed => clearfeed::addresses(connection),
    }
}

/// Asks an address once for anything at all: whoever answers, the connection stands and is encrypted as it should be.
///
/// # Errors
/// [`ErrorKind::Unreachable`] when nobody answers, with what went wrong on the way.
pub async fn reach(connection: &Connection, address: &Url) -> Result<Duration> {
    let transport = Transport::new(Settings {
        base: address.clone(),
        token: &connection.token,
        headers: HeaderMap::new(),
        concurrency: 1,
        timeout: connection.timeout,
        insecure_http: connection.insecure_http,
        route: &connection.route,
    })?;
    let begun = Instant::now();
    match transport.send(&Request::get("/")).await {
        Ok(_) => Ok(begun.elapsed()),
        Err(lost) => Err(unreachable(transport.base(), &lost)),
    }
}

/// How often a sign-in asks when the system stumbles; a refusal and a machine that is not there count at once.
const TRIES: u32 = 4;

/// The first pause between two tries; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(250);

/// The longest pause that a system may ask for while somebody waits at the terminal.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Asks once, and again when the answer is that of a moment: too fast, overloaded, broken off. There is no run
/// yet whose limiter could wait, so this waits itself.
pub(super) async fn ask(transport: &Transport, request: &Request<'_>) -> Result<Answer, Lost> {
    for tried in 0..TRIES - 1 {
        let backoff = PAUSE * 2_u32.pow(tried);
        let pause = match transport.send(request).await {
            Ok(answer) if answer.status == 429 => {
                classify::pause(&answer, Timestamp::now()).unwrap_or(backoff)
            }
            Ok(answer) if matches!(answer.status, 502..=504) || answer.body.is_err() => backoff,
            Err(Lost::Unknown(_)) => backoff,
            settled => return settled,
        };
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
    }
    transport.send(request).await
}

/// How often something that failed is asked again before another answer takes its place for a whole command.
const ASKED_AGAIN: u32 = 2;

/// Asks again for what failed, where another answer would decide in its place how the whole command goes on: one wrong answer
/// of a proxy must not. `None` where it fails again each time.
pub(super) async fn asked_again<T>(mut ask: impl AsyncFnMut() -> Result<T>) -> Option<T> {
    for tried in 0..ASKED_AGAIN {
        tokio::time::sleep(PAUSE * 2_u32.pow(tried)).await;
        if let Ok(answered) = ask().await {
            return Some(answered);
        }
    }
    None
}

/// The error of a sign-in that got no answer.
pub(super) fn unreachable(base: &Url, lost: &Lost) -> Error {
    Error::new(ErrorKind::Unreachable, lost.message())
        .at(host(base))
        .hint("is `url` in the profile right, and does a browser on this machine open it?")
}

/// The error of a sign-in that was refused.
pub(super) fn denied(base: &Url, status: u16, said: &str, remedy: &str) -> Error {
    Error::new(
        ErrorKind::Denied,
        format!("the token is not accepted ({status}): {said}"),
    )
    .at(host(base))
    .hint(remedy)
}

/// The error of a sign-in that was answered by something else.
pub(super) fn strange(base: &Url, status: u16, said: &str) -> Error {
    Error::new(
        ErrorKind::System,
        format!("the system does not let us in; it answered {status}: {said}"),
    )
    .at(host(base))
    .hint("is `url` in the profile the address of this system?")
}

fn host(base: &Url) -> String {
    base.host_str().unwrap_or_default().to_owned()
}
