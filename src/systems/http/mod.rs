//! The transport: one request, one answer; no retry, no sleep, no redirect.
//!
//! The token is a header marked sensitive, and is taken out of every answer before anything reads it
//! ([`crate::redact`]). Errors name method and path, never a query. [`classify`] says what an answer to a write means, [`reader`] reads.

pub(crate) mod classify;
pub(crate) mod fetch;
mod form;
mod outline;
pub(crate) mod reader;
pub(crate) mod refusal;
pub(crate) mod route;
mod words;

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Body, Client, Method, Response, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::{Host, Url};

use crate::error::{Error, Result};
use crate::redact::Redactor;
use crate::systems::attach::{FileFacts, TakeBytes};
use route::Route;
use words::{connect_failure, describe, root};

pub use words::NO_HANDLES;
pub(crate) use words::{http_date, shortened};

/// How long a connection may take to stand. Shorter than any sensible time-out of a whole request, so that
/// a failed connect is always known as one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an unused connection is kept: short, since a server that closes it under a request leaves a doubt.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long sent bytes may stay unacknowledged before the kernel gives the connection up (design, Delivery).
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const USER_TIMEOUT: Duration = Duration::from_secs(15);

/// Whether the platform has that time-out.
pub(crate) const HAS_USER_TIMEOUT: bool = cfg!(any(
    target_os = "android",
    target_os = "fuchsia",
    target_os = "linux"
));

/// How long the transfer of a file may take at least, and how many bytes it must bring in each further second.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(60);
const SLOWEST: u64 = 64 * 1024;

/// How long the reading of a file may take, whose size nobody has told.
const LONGEST_TRANSFER: Duration = Duration::from_secs(600);

/// The largest answer that is read.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// In which a sandbox tells its instance id.
const SANDBOX_HEADER: &str = "x-deskferry-sandbox";

/// What a transport is made of.
pub(crate) struct Settings<'a> {
    /// Where requests go; paths are added to it.
    pub(crate) base: Url,
    /// The token.
    pub(crate) token: &'a SecretString,
    /// Headers that every request carries.
    pub(crate) headers: HeaderMap,
    /// How many requests may be under way.
    pub(crate) concurrency: usize,
    /// How long one request may take in all.
    pub(crate) timeout: Duration,
    /// Whether plain http is allowed to hosts other than loopback.
    pub(crate) insecure_http: bool,
    /// The way there.
    pub(crate) route: &'a Route,
}

/// A client for one base address and one token.
#[derive(Clone)]
pub(crate) struct Transport {
    client: Client,
    base: Url,
    /// What every request carries, the token among it.
    headers: HeaderMap,
    loopback: bool,
    redactor: Redactor,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    /// Below the base, with a leading `/`.
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(&'a str, String)],
    pub(crate) body: Option<&'a Value>,
}

impl<'a> Request<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn new(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            query: &[],
            body: None,
        }
    }

    pub(crate) fn query(self, query: &'a [(&'a str, String)]) -> Self {
        Self { query, ..self }
    }

    pub(crate) fn body(self, body: &'a Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// Method and path, for messages.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// An answer, read as far as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body, or why it could not be read to its end.
    pub(crate) body: Result<Vec<u8>, String>,
}

/// What came of reading a file.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// All of it was handed on; its media type, as the answer tells it.
    Whole(Option<String>),
    /// The system answered something else.
    Answer(Answer),
    /// What came could not be kept here.
    Unkept(io::Error),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The connection never stood: nothing was sent.
    Unsent(String),
    /// The request left, or may have left.
    Unknown(String),
}

impl Lost {
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Unsent(message) | Self::Unknown(message) => message,
        }
    }
}

impl Transport {
    /// A client that honours the operating system's trust store and proxy.
    ///
    /// # Errors
    /// For plain http to another machine, a token that no header can hold, a trust store that cannot be read.
    pub(crate) fn new(settings: Settings<'_>) -> Result<Self> {
        let loopback = is_loopback(&settings.base);
        check_scheme(&settings.base, loopback || settings.insecure_http)?;
        // An `Err` only says that a provider is installed already, which is as good.
        _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = settings.headers;
        headers.insert(AUTHORIZATION, bearer(settings.token)?);
        let builder = Client::builder()
            .user_agent(concat!("deskferry/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout / 2))
            .timeout(settings.timeout)
            .pool_max_idle_per_host(settings.concurrency.max(1))
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true);
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        let builder = builder.tcp_user_timeout(USER_TIMEOUT);
        let builder = settings.route.apply(builder, &settings.base)?;
        let client = builder.build().map_err(|error| {
            Error::machine("the HTTP client could not be set up")
                .caused_by(error)
                .hint("the operating system's certificates or proxy settings could not be read")
        })?;
        Ok(Self {
            client,
            base: settings.base,
            headers,
            loopback,
            redactor: Redactor::new(settings.token),
        })
    }

    /// The same client with one more header.
    pub(crate) fn with_header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Sends one request, once, and reads the answer.
    pub(crate) async fn send(&self, request: &Request<'_>) -> Result<Answer, Lost> {
        let mut builder = self
            .client
            .request(request.method.clone(), self.address(request))
            .headers(self.headers.clone());
        if let Some(body) = request.body {
            let bytes = serde_json::to_vec(body).expect("a JSON value is always written");
            builder = builder
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(bytes);
        }
        let response = builder.send().await.map_err(|error| self.lost(&error))?;
        Ok(self.answer(response).await)
    }

    /// Sends one file as the form of a request, once, and reads the answer.
    pub(crate) async fn send_file(
        &self,
        request: &Request<'_>,
        field: &str,
        file: &FileFacts,
    ) -> Result<Answer, Lost> {
        let (form, kind) = form::Form::new(field, file)
            .map_err(|error| Lost::Unsent(format!("the file cannot be read: {error}")))?;
        let patience = TRANSFER_TIMEOUT + Duration::from_secs(file.bytes / SLOWEST);
        let builder = self
            .client
            .request(request.method.clone(), self.address(request))
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, kind)
            .timeout(patience)
            .body(Body::wrap(form));
        let response = builder.send().await.map_err(|error| self.lost(&error))?;
        Ok(self.answer(response).await)
    }

    /// Reads a file, piece by piece. One that is kept elsewhere is read there, without the token.
    pub(crate) async fn read_file(
        &self,
        request: &Request<'_>,
        take: TakeBytes<'_>,
    ) -> Result<Fetched, Lost> {
        let builder = self
            .client
            .request(request.method.clone(), self.address(request))
            .headers(self.headers.clone())
            .timeout(LONGEST_TRANSFER);
        let mut response = builder.send().await.map_err(|error| self.lost(&error))?;
        let elsewhere = response.headers().get(LOCATION);
        let elsewhere = elsewhere.and_then(|at| self.base.join(at.to_str().ok()?).ok());
        if let Some(elsewhere) = elsewhere.filter(|_| response.status().is_redirection())
            && (elsewhere.scheme() == "https" || is_loopback(&elsewhere))
        {
            let builder = self.client.get(elsewhere).timeout(LONGEST_TRANSFER);
            response = builder.send().await.map_err(|error| self.lost(&error))?;
        }
        if !response.status().is_success() {
            return Ok(Fetched::Answer(self.answer(response).await));
        }
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| Some(kind.to_str().ok()?.to_owned()));
        loop {
            match response.chunk().await.map_err(|error| self.lost(&error))? {
                None => return Ok(Fetched::Whole(kind)),
                Some(piece) => {
                    if let Err(error) = take(&piece) {
                        return Ok(Fetched::Unkept(error));
                    }
                }
            }
        }
    }

    async fn answer(&self, response: Response) -> Answer {
        let status = response.status().as_u16();
        let mut headers = response.headers().clone();
        headers
            .values_mut()
            .for_each(|value| self.clean_header(value));
        let body = read_body(response).await;
        Answer {
            status,
            headers,
            body: body.map(|body| self.clean(body)),
        }
    }

    fn address(&self, request: &Request<'_>) -> Url {
        let mut address = self.base.clone();
        address.set_path(&format!(
            "{}{}",
            self.base.path().trim_end_matches('/'),
            request.path
        ));
        if !request.query.is_empty() {
            address.query_pairs_mut().extend_pairs(request.query);
        }
        address
    }

    fn lost(&self, error: &reqwest::Error) -> Lost {
        let clean = |text: String| self.redactor.text(&text).into_owned();
        match self.lost_as_told(error) {
            Lost::Unsent(why) => Lost::Unsent(clean(why)),
            Lost::Unknown(why) => Lost::Unknown(clean(why)),
        }
    }

    fn lost_as_told(&self, error: &reqwest::Error) -> Lost {
        let host = self.base.host_str().unwrap_or_default();
        if error.is_connect() {
            Lost::Unsent(connect_failure(host, error))
        } else if error.is_builder() {
            Lost::Unsent(format!("the request could not be made: {}", root(error)))
        } else if error.is_timeout() {
            Lost::Unknown(format!("`{host}` did not answer in time"))
        } else {
            Lost::Unknown(format!(
                "the connection to `{host}` broke after the request was sent: {}",
                root(error)
            ))
        }
    }

    /// An answer may repeat what it was sent; nothing that is kept may hold the token.
    fn clean(&self, body: Vec<u8>) -> Vec<u8> {
        match self.redactor.bytes(&body) {
            Cow::Borrowed(_) => body,
            Cow::Owned(clean) => clean,
        }
    }

    fn clean_header(&self, value: &mut HeaderValue) {
        if let Cow::Owned(clean) = self.redactor.bytes(value.as_bytes()) {
            *value = HeaderValue::from_bytes(&clean)
                .unwrap_or_else(|_| HeaderValue::from_static("redacted"));
        }
    }

    /// The instance id of the sandbox that answered; only a sandbox on this machine is believed.
    pub(crate) fn sandbox(&self, answer: &Answer) -> Option<String> {
        let id = answer.headers.get(SANDBOX_HEADER)?.to_str().ok()?;
        (self.loopback && !id.is_empty()).then(|| id.to_owned())
    }
}

impl Answer {
    /// The body as JSON; `Err` says what it is instead.
    pub(crate) fn json(&self) -> Result<Value, String> {
        let body = self.body.as_ref().map_err(Clone::clone)?;
        if body.is_empty() {
            return Err("an empty answer".to_owned());
        }
        serde_json::from_slice(body).map_err(|_| describe(body))
    }

    /// The same without what lies deeper than so many levels: enough for an answer that tells an id.
    fn outline(&self, levels: usize) -> Result<Value, String> {
        let body = self.body.as_ref().map_err(Clone::clone)?;
        if body.is_empty() {
            return Err("an empty answer".to_owned());
        }
        outline::outline(body, levels).map_err(|_| describe(body))
    }

    /// Whether the body is a web page.
    pub(crate) fn is_page(&self) -> bool {
        let body = self.body.as_deref().unwrap_or_default();
        body.trim_ascii_start().starts_with(b"<")
    }

    /// The server's clock less ours at `now`, from the `Date` header.
    pub(crate) fn clock_offset(&self, now: Timestamp) -> SignedDuration {
        self.date()
            .map_or(SignedDuration::ZERO, |date| date.duration_since(now))
    }

    /// The `Date` header.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        http_date(self.headers.get(DATE)?.to_str().ok()?)
    }

    /// The host that a redirect points to; the rest of the address may hold what nobody should read.
    pub(crate) fn redirect_host(&self) -> Option<String> {
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        Some(match Url::parse(location) {
            Ok(url) => url.host_str().unwrap_or_default().to_owned(),
            Err(_) => "another path".to_owned(),
        })
    }
}

/// Whether an address is this machine, whatever a name server says: plain http is safe there, no proxy is asked, and a
/// sandbox is believed to be one. Names below `localhost` are looked up as any other name and so are not.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn check_scheme(base: &Url, plain_allowed: bool) -> Result<()> {
    match base.scheme() {
        "https" => Ok(()),
        "http" if plain_allowed => Ok(()),
        "http" => Err(
            Error::usage(format!("`{base}` would send the token unencrypted"))
                .hint("write `https://`, or add --insecure-http if the network is yours alone"),
        ),
        scheme => Err(Error::usage(format!(
            "`{base}` starts with `{scheme}:`, which is no web address"
        ))
        .hint("`url` starts with `https://`")),
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue> {
    let token = token.expose_secret().trim();
    if token.is_empty() {
        return Err(Error::usage("the token is empty")
            .hint("look at what `token` in the profile points to"));
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
        Error::usage("the token holds characters that no token has, such as a line break")
            .hint("look at what `token` in the profile points to: one line, the token alone")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST_ANSWER => {
                return Err(format!(
                    "an answer of more than {} MB",
                    LARGEST_ANSWER / 1024 / 1024
                ));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) if error.is_timeout() => {
                return Err("an answer that did not come to its end in time".to_owned());
            }
            Err(error) => return Err(format!("an answer that broke off ({})", root(&error))),
        }
    }
}

#[cfg(test)]
mod tests;
