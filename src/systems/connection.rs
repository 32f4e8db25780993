//! Signing in: from a checked profile to a connection that is known to work.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;
use url::Url;

use super::http::{HAS_USER_TIMEOUT, Lost};
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
    /// The token itself.
    pub token: SecretString,
    /// The zone of times that come without one.
    pub timezone: Option<TimeZone>,
    /// How many requests may be under way.
    pub concurrency: usize,
    /// Whether plain http may leave this machine.
    pub insecure_http: bool,
    /// How long one request may take in all.
    pub timeout: Duration,
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
