//! What stands between a connector and the sandbox and writes down all that goes through.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use super::*;
use deskferry_testing::{Exchange, Shapes};

/// A proxy on a port of its own.
pub(super) struct Recorder {
    system: SystemName,
    pub(super) url: Url,
    line: Arc<Line>,
    server: JoinHandle<()>,
}

/// The line to the sandbox.
struct Line {
    client: reqwest::Client,
    target: Url,
    /// The path of the system's address, with what stands before the version of its API.
    root: String,
    seen: Mutex<Vec<Exchange>>,
}

impl Recorder {
    /// Listens, and passes everything on to this address of the sandbox.
    pub(super) async fn start(system: SystemName, target: &str) -> Self {
        let target = Url::parse(target).unwrap();
        let root = match system {
            SystemName::IncidentIq => format!("{}/api", target.path().trim_end_matches('/')),
            SystemName::ClearFeed => target.path().trim_end_matches('/').to_owned(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut url = target.clone();
        url.set_port(Some(listener.local_addr().unwrap().port()))
            .unwrap();
        // A second installation of the provider in this process is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let line = Arc::new(Line {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            target,
            root,
            seen: Mutex::default(),
        });
        let app = Router::new().fallback(pass).with_state(Arc::clone(&line));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            system,
            url,
            line,
            server,
        }
    }

    /// Checks all that was seen, and tells it.
    pub(super) fn check(&self) -> Shapes {
        let mut shapes = Shapes::of(self.system.as_str());
        for exchange in self.line.seen.lock().unwrap().iter() {
            shapes.exchange(exchange);
        }
        shapes.prove();
        shapes
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.server.abort();
        // Every test that goes through here proves that what it sends and gets is of the contract.
        if !std::thread::panicking() {
            self.check();
        }
    }
}

async fn pass(State(line): State<Arc<Line>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mut url = line.target.clone();
    url.set_path(head.uri.path());
    url.set_query(head.uri.query());
    let query = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    let mut onwards = line.client.request(head.method.clone(), url);
    for (name, value) in &head.headers {
        // The encoding is between the two sides of this line, so that it can be read here.
        if !["host", "accept-encoding", "content-length"].contains(&name.as_str()) {
            onwards = onwards.header(name, value);
        }
    }
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let mut exchange = Exchange {
        method: head.method.to_string(),
        path: head
            .uri
            .path()
            .trim_start_matches(line.root.as_str())
            .to_owned(),
        query,
        request: json(&body).unwrap_or_default(),
        status: 0,
        answer: None,
    };
    let Ok(answer) = onwards.body(body).send().await else {
        // The sandbox has cut the line.
        return status(StatusCode::BAD_GATEWAY, Body::empty());
    };
    exchange.status = answer.status().as_u16();
    let headers = answer.headers().clone();
    let Ok(bytes) = answer.bytes().await else {
        return status(StatusCode::BAD_GATEWAY, Body::empty());
    };
    exchange.answer = json(&bytes);
    let mut passed = status(
        StatusCode::from_u16(exchange.status).unwrap(),
        Body::from(bytes),
    );
    line.seen.lock().unwrap().push(exchange);
    let kept = ["content-type", "date", "retry-after", "x-deskferry-sandbox"];
    for name in kept {
        let name = HeaderName::from_static(name);
        if let Some(value) = headers.get(&name) {
            passed.headers_mut().insert(name, value.clone());
        }
    }
    passed
}

fn status(status: StatusCode, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer
}
