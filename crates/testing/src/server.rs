//! A server whose answers a test sets up. How often each was asked for is checked when the server goes.
//!
//! The names are those of the `wiremock` crate, which brings HTTP/2 and features that the program itself does not ask
//! for: with it, `cargo test` builds again what `cargo run` has built.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use axum::serve::ListenerExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

/// The most that a request may hold.
const MAX_BODY: usize = 64 << 20;

/// What was asked.
#[derive(Debug)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Its whole address.
    pub url: Url,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, which may be empty.
    pub body: Vec<u8>,
}

impl Request {
    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// The body is no JSON of that shape.
    pub fn body_json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.body)
    }
}

/// Whether an answer is for a request.
pub trait Match: Send + Sync {
    /// Whether it is for this one.
    fn matches(&self, request: &Request) -> bool;
}

impl<F: Fn(&Request) -> bool + Send + Sync> Match for F {
    fn matches(&self, request: &Request) -> bool {
        self(request)
    }
}

/// What is answered.
pub trait Respond: Send + Sync {
    /// The answer to one request.
    fn respond(&self, request: &Request) -> ResponseTemplate;
}

impl Respond for ResponseTemplate {
    fn respond(&self, _request: &Request) -> ResponseTemplate {
        self.clone()
    }
}

impl<F: Fn(&Request) -> ResponseTemplate + Send + Sync> Respond for F {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self(request)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct ResponseTemplate {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    delay: Duration,
}

impl ResponseTemplate {
    /// An answer with nothing but a status.
    #[must_use]
    pub fn new(status: u16) -> Self {
        let (headers, body, delay) = Default::default();
        Self {
            status,
            headers,
            body,
            delay,
        }
    }

    /// With a header in place of those of its name.
    #[must_use]
    pub fn insert_header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let name: HeaderName = name.parse().unwrap();
        let value = HeaderValue::from_str(value.as_ref()).unwrap();
        self.headers.insert(name, value);
        self
    }

    /// With JSON.
    #[must_use]
    pub fn set_body_json(self, body: impl Serialize) -> Self {
        let body = serde_json::to_vec(&body).unwrap();
        self.set_body("application/json", body)
    }

    /// With plain text.
    #[must_use]
    pub fn set_body_string(self, body: impl Into<String>) -> Self {
        self.set_body("text/plain", body.into().into_bytes())
    }

    fn set_body(mut self, content_type: &'static str, body: Vec<u8>) -> Self {
        let content_type = HeaderValue::from_static(content_type);
        self.headers.insert(header::CONTENT_TYPE, content_type);
        self.body = body;
        self
    }

    /// After a while.
    #[must_use]
    pub fn set_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// What requests are known by.
pub mod matchers {
    use super::{HeaderValue, Match, Request, Serialize, Value};

    /// By the method.
    pub fn method(name: &str) -> impl Match + 'static {
        let name = name.to_owned();
        move |request: &Request| request.method.as_str() == name
    }

    /// By the whole path.
    pub fn path(path: impl Into<String>) -> impl Match + 'static {
        let path = path.into();
        move |request: &Request| request.url.path() == path
    }

    /// By a header.
    pub fn header(name: &'static str, value: impl AsRef<str>) -> impl Match + 'static {
        let value = HeaderValue::from_str(value.as_ref()).unwrap();
        move |request: &Request| request.headers.get_all(name).iter().any(|has| has == value)
    }

    /// By a member of the query.
    pub fn query_param(name: &'static str, value: &'static str) -> impl Match + 'static {
        move |request: &Request| {
            let mut pairs = request.url.query_pairs();
            pairs.any(|(key, has)| key == name && has == value)
        }
    }

    /// By the body as a whole.
    pub fn body_json(body: impl Serialize) -> impl Match + 'static {
        let body = serde_json::to_value(body).unwrap();
        move |request: &Request| request.body_json::<Value>().is_ok_and(|has| has == body)
    }

    /// By what the body holds besides other members.
    pub fn body_partial_json(part: Value) -> impl Match + 'static {
        move |request: &Request| {
            let has = request.body_json::<Value>();
            has.is_ok_and(|has| holds(&has, &part))
        }
    }

    fn holds(whole: &Value, part: &Value) -> bool {
        match (whole, part) {
            (Value::Object(whole), Value::Object(part)) => part
                .iter()
                .all(|(name, part)| whole.get(name).is_some_and(|whole| holds(whole, part))),
            (Value::Array(whole), Value::Array(part)) => {
                whole.len() == part.len()
                    && whole
                        .iter()
                        .zip(part)
                        .all(|(whole, part)| holds(whole, part))
            }
            _ => whole == part,
        }
    }
}

/// Requests that are known, and their answer.
pub struct Mock {
    matchers: Vec<Box<dyn Match>>,
    answer: Box<dyn Respond>,
    at_most: Option<u64>,
    expected: Option<u64>,
    asked: u64,
}

/// Requests that are known, without an answer yet.
pub struct MockBuilder {
    matchers: Vec<Box<dyn Match>>,
}

impl Mock {
    /// Those of a first matcher.
    #[must_use]
    pub fn given(matcher: impl Match + 'static) -> MockBuilder {
        MockBuilder {
            matchers: vec![Box::new(matcher)],
        }
    }

    /// Answers only so often; then others are asked.
    #[must_use]
    pub fn up_to_n_times(mut self, times: u64) -> Self {
        self.at_most = Some(times);
        self
    }

    /// Is asked exactly so often.
    #[must_use]
    pub fn expect(mut self, times: u64) -> Self {
        self.expected = Some(times);
        self
    }

    /// Puts it behind what the server has already.
    #[expect(clippy::unused_async, reason = "as in the crate whose names these are")]
    pub async fn mount(self, server: &MockServer) {
        server.mocks().push(self);
    }

    /// Puts it there for as long as what is returned.
    #[expect(clippy::unused_async, reason = "as in the crate whose names these are")]
    pub async fn mount_as_scoped(self, server: &MockServer) -> MockGuard {
        let mut mocks = server.mocks();
        mocks.push(self);
        MockGuard {
            mocks: Arc::clone(&server.mocks),
            at: mocks.len() - 1,
        }
    }

    fn takes(&self, request: &Request) -> bool {
        self.at_most.is_none_or(|most| self.asked < most)
            && self.matchers.iter().all(|matcher| matcher.matches(request))
    }

    /// Ends the test where it was asked less or more often than expected.
    fn check(&self) {
        if let Some(expected) = self.expected
            && !std::thread::panicking()
        {
            assert_eq!(self.asked, expected, "an answer was asked for as often");
        }
    }
}

impl MockBuilder {
    /// And those of another matcher.
    #[must_use]
    pub fn and(mut self, matcher: impl Match + 'static) -> Self {
        self.matchers.push(Box::new(matcher));
        self
    }

    /// Their answer.
    #[must_use]
    pub fn respond_with(self, answer: impl Respond + 'static) -> Mock {
        Mock {
            matchers: self.matchers,
            answer: Box::new(answer),
            at_most: None,
            expected: None,
            asked: 0,
        }
    }
}

type Mocks = Arc<Mutex<Vec<Mock>>>;

/// An answer that is there for a while.
#[must_use]
pub struct MockGuard {
    mocks: Mocks,
    at: usize,
}

impl Drop for MockGuard {
    fn drop(&mut self) {
        let mut mocks = lock(&self.mocks);
        let mock = &mut mocks[self.at];
        mock.at_most = Some(0);
        let expected = mock.expected.take();
        let asked = mock.asked;
        drop(mocks);
        if let Some(expected) = expected
            && !std::thread::panicking()
        {
            assert_eq!(asked, expected, "an answer was asked for as often");
        }
    }
}

/// A server on loopback, with a thread and a clock of its own: the time of a test may stand still.
pub struct MockServer {
    mocks: Mocks,
    uri: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MockServer {
    /// One on a free port.
    pub async fn start() -> Self {
        let mocks = Mocks::default();
        let (stop, stopped) = oneshot::channel();
        let (send_address, address) = oneshot::channel();
        let shared = Arc::clone(&mocks);
        let thread = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                send_address.send(listener.local_addr().unwrap()).unwrap();
                let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
                let router = Router::new().fallback(answer).with_state(shared);
                tokio::select! {
                    ended = axum::serve(listener, router).into_future() => ended.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self {
            mocks,
            uri: format!("http://{}", address.await.unwrap()),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Its address, without a slash at the end.
    #[must_use]
    pub fn uri(&self) -> String {
        self.uri.clone()
    }

    fn mocks(&self) -> MutexGuard<'_, Vec<Mock>> {
        lock(&self.mocks)
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the server has panicked");
        }
        let mocks = std::mem::take(&mut *self.mocks());
        mocks.iter().for_each(Mock::check);
    }
}

fn lock(mocks: &Mocks) -> MutexGuard<'_, Vec<Mock>> {
    mocks.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(mocks): State<Mocks>, request: axum::extract::Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let host = parts.headers[header::HOST].to_str().unwrap();
    let request = Request {
        url: Url::parse(&format!("http://{host}{}", parts.uri)).unwrap(),
        method: parts.method,
        body: to_bytes(body, MAX_BODY).await.unwrap().to_vec(),
        headers: parts.headers,
    };
    let found = lock(&mocks)
        .iter_mut()
        .find(|mock| mock.takes(&request))
        .map(|mock| {
            mock.asked += 1;
            mock.answer.respond(&request)
        });
    let answer = found.unwrap_or_else(|| ResponseTemplate::new(404));
    tokio::time::sleep(answer.delay).await;
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status.try_into().unwrap();
    *response.headers_mut() = answer.headers;
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::matchers::{body_partial_json, method, path, query_param};
    use super::{Mock, MockServer, ResponseTemplate};

    fn asked(server: &MockServer, first: &str, body: &str) -> String {
        let host = server.uri.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        write!(
            stream,
            "{first} HTTP/1.0\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    }

    #[tokio::test]
    async fn the_first_that_takes_a_request_answers_it() {
        let server = MockServer::start().await;
        let twice = Mock::given(method("GET")).and(path("/a"));
        let once = Mock::given(method("GET")).and(query_param("b", "c d"));
        let part = serde_json::json!({"e": {"f": [1]}});
        let posted = Mock::given(method("POST")).and(body_partial_json(part));
        let answer = ResponseTemplate::new;
        twice
            .respond_with(answer(201))
            .up_to_n_times(2)
            .mount(&server)
            .await;
        once.respond_with(answer(202))
            .expect(2)
            .mount(&server)
            .await;
        posted
            .respond_with(answer(203))
            .expect(1)
            .mount(&server)
            .await;
        for (first, body, status) in [
            ("GET /a", "", "201"),
            ("GET /a?b=c+d", "", "201"),
            ("GET /a?b=c+d", "", "202"),
            ("GET /b?x=y&b=c%20d", "", "202"),
            ("GET /a", "", "404"),
            ("POST /", r#"{"e": {"f": [1], "g": 2}}"#, "203"),
            ("POST /", r#"{"e": {"f": [1, 2]}}"#, "404"),
            ("POST /", "no JSON", "404"),
        ] {
            assert_eq!(asked(&server, first, body), status, "{first} {body}");
        }
    }

    #[tokio::test]
    #[should_panic(expected = "an answer was asked for as often")]
    async fn a_request_that_did_not_come_ends_the_test() {
        let server = MockServer::start().await;
        let answer = Mock::given(path("/a")).respond_with(ResponseTemplate::new(200));
        answer.expect(2).mount(&server).await;
        assert_eq!(asked(&server, "GET /a", ""), "200");
    }

    #[tokio::test]
    #[should_panic(expected = "an answer was asked for as often")]
    async fn a_request_that_did_not_come_in_time_ends_the_test() {
        let server = MockServer::start().await;
        let answer = Mock::given(path("/a")).respond_with(ResponseTemplate::new(200));
        let scope = answer.expect(1).mount_as_scoped(&server).await;
        drop(scope);
        assert_eq!(asked(&server, "GET /a", ""), "200");
    }
}
