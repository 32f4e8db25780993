//! Files at web addresses that rows name: read without any token, by the way that the machine's settings say.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, redirect};
use url::Url;

use super::words::root;
use super::{CONNECT_TIMEOUT, LONGEST_TRANSFER};
use crate::systems::attach::{TakeBytes, Unread};

/// How many addresses a file may be passed on to.
const MOST_REDIRECTS: usize = 5;

/// How long nothing may come.
const STALL: Duration = Duration::from_secs(30);

/// What an address answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Got {
    /// A file.
    Bytes,
    /// A web page.
    Page,
}

/// Reads what is at an address, piece by piece.
///
/// # Errors
/// Why it cannot be read.
pub(crate) async fn fetch(url: &Url, take: TakeBytes<'_>) -> Result<Got, Unread> {
    // An `Err` only says that a provider is installed already, which is as good.
    _ = rustls::crypto::ring::default_provider().install_default();
    let broken = |error: reqwest::Error| Unread::Broken(root(&error));
    let client = Client::builder()
        .user_agent(concat!("deskferry/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::limited(MOST_REDIRECTS))
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(STALL)
        .timeout(LONGEST_TRANSFER)
        .build()
        .map_err(broken)?;
    let mut response = client.get(url.clone()).send().await.map_err(broken)?;
    let status = response.status();
    let said = || {
        let reason = status.canonical_reason().unwrap_or_default();
        format!("the address answers {} {reason}", status.as_u16())
            .trim_end()
            .to_owned()
    };
    match status.as_u16() {
        200..300 => {}
        404 | 410 => return Err(Unread::Gone(said())),
        401 | 403 | 407 => return Err(Unread::Forbidden(said())),
        _ => return Err(Unread::Broken(said())),
    }
    let kind = response.headers().get(CONTENT_TYPE);
    let is_page = kind
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| {
            kind.trim_start()
                .to_ascii_lowercase()
                .starts_with("text/html")
        });
    while let Some(piece) = response.chunk().await.map_err(broken)? {
        take(&piece).map_err(|error| Unread::Unkept(error.to_string()))?;
    }
    Ok(if is_page { Got::Page } else { Got::Bytes })
}
