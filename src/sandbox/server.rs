//! The way of a request: token, limit, what goes wrong before the commit, the emulator, what goes wrong after it.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::audit::{Audit, Opened};
use super::call::Call;
use super::clearfeed::ClearFeed;
use super::fault::{FaultKind, Faults};
use super::guid::Guid;
use super::incidentiq::IncidentIq;
use super::limit::Bucket;
use super::reply::{Answer, Refusal, Reply};
use super::wire::{Door, Switch};
use super::{Config, SandboxError, TOKEN, admin};

/// The greatest body.
const MAX_BODY: usize = 32 << 20;
/// The header by which a client knows a sandbox and its tenant.
const INSTANCE: &str = "x-deskferry-sandbox";

/// Where a request of an emulator leads.
pub(super) struct Route<E> {
    /// The operation's name: in the audit, and for scripted faults.
    operation: &'static str,
    is_write: bool,
    run: Handler<E>,
}

/// What does the work: some operations are worked alike and told apart by their name.
enum Handler<E> {
    Own(fn(&E, &Call) -> Answer),
    Named(fn(&E, &Call, &'static str) -> Answer),
}

impl<E> Route<E> {
    pub(super) fn read(operation: &'static str, run: fn(&E, &Call) -> Answer) -> Option<Self> {
        Some(Self {
            operation,
            is_write: false,
            run: Handler::Own(run),
        })
    }

    pub(super) fn write(operation: &'static str, run: fn(&E, &Call) -> Answer) -> Option<Self> {
        Some(Self {
            operation,
            is_write: true,
            run: Handler::Own(run),
        })
    }

    /// A write that is told its own name.
    pub(super) fn named(
        operation: &'static str,
        run: fn(&E, &Call, &'static str) -> Answer,
    ) -> Option<Self> {
        Some(Self {
            operation,
            is_write: true,
            run: Handler::Named(run),
        })
    }

    fn run(&self, system: &E, call: &Call) -> Answer {
        match self.run {
            Handler::Own(run) => run(system, call),
            Handler::Named(run) => run(system, call, self.operation),
        }
    }
}

/// What the server needs to know of an emulated system.
pub(super) trait Emulator: Sized + Send + Sync {
    /// Checks what comes besides the token.
    fn admit(&self, call: &Call) -> Result<(), Refusal>;
    /// Where a request leads; `None` is a path that is not there.
    fn route(&self, call: &Call) -> Option<Route<Self>>;
    /// A refusal in the system's words.
    fn refuse(&self, refusal: &Refusal) -> Reply;
    /// 429 in the system's words; `after` in seconds where it is told.
    fn throttle(&self, after: Option<u64>) -> Reply;
    /// An error inside HTTP 200.
    fn error_in_200(&self) -> Reply;
}

/// Counts of one system.
#[derive(Debug)]
pub(super) struct Gate {
    bucket: Bucket,
    pub(super) requests: AtomicU64,
    pub(super) throttled: AtomicU64,
}

impl Gate {
    fn new(rate: f64) -> Self {
        Self {
            bucket: Bucket::new(rate, Instant::now()),
            requests: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
        }
    }
}

/// Everything that a request may touch.
#[derive(Debug)]
pub(super) struct App {
    pub(super) incidentiq: IncidentIq,
    pub(super) clearfeed: ClearFeed,
    pub(super) gates: [Gate; 2],
    pub(super) audit: Arc<Audit>,
    pub(super) faults: Faults,
    instance: RwLock<(Guid, HeaderValue)>,
    stopped: watch::Receiver<bool>,
}

/// How an answer leaves.
enum Departure {
    Whole(Reply),
    Truncated(Reply),
    Cut,
}

impl App {
    pub(super) fn new(
        config: Config,
        stopped: watch::Receiver<bool>,
    ) -> Result<Self, SandboxError> {
        let opened = match &config.data {
            Some(folder) => Audit::open(folder, config.fresh)?,
            None => Opened {
                audit: Audit::default(),
                instance: Guid::random(),
                kept: Vec::new(),
            },
        };
        let audit = Arc::new(opened.audit);
        let incidentiq = IncidentIq::new(&config, opened.instance, audit.clone());
        let clearfeed = ClearFeed::new(&config, audit.clone());
        for (line, kept) in (2..).zip(&opened.kept) {
            let replayed = match kept.system.as_str() {
                "incidentiq" => incidentiq.replay(kept),
                "clearfeed" => clearfeed.replay(kept),
                other => Err(Refusal::new(400, format!("there is no system `{other}`"))),
            };
            replayed.map_err(|refusal| SandboxError::Journal {
                path: config.data.clone().unwrap_or_default(),
                line,
                reason: format!("{} {:?}", refusal.message, refusal.fields),
            })?;
        }
        Ok(Self {
            incidentiq,
            clearfeed,
            gates: [Gate::new(config.rate), Gate::new(config.rate)],
            audit,
            faults: Faults::new(config.seed, config.faults),
            instance: RwLock::new((opened.instance, header_of(opened.instance))),
            stopped,
        })
    }

    pub(super) fn instance(&self) -> Guid {
        self.instance
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// Empties both systems; from now on it is another tenant.
    pub(super) fn reset(&self) -> io::Result<Guid> {
        let instance = Guid::random();
        self.incidentiq.reset(instance);
        self.clearfeed.reset();
        self.audit.reset(instance)?;
        *self
            .instance
            .write()
            .unwrap_or_else(PoisonError::into_inner) = (instance, header_of(instance));
        Ok(instance)
    }

    pub(super) fn flush(&self) -> Result<(), SandboxError> {
        self.audit.flush().map_err(|source| SandboxError::Data {
            path: "journal.jsonl".into(),
            source,
        })
    }

    async fn emulate<E: Emulator>(&self, system: &E, gate: &Gate, call: &Call) -> Departure {
        gate.requests.fetch_add(1, Ordering::Relaxed);
        let refused = |refusal: &Refusal| Departure::Whole(system.refuse(refusal));
        if let Err(refusal) = authorize(call).and_then(|()| system.admit(call)) {
            return refused(&refusal);
        }
        if let Err(wait) = gate.bucket.take(Instant::now()) {
            gate.throttled.fetch_add(1, Ordering::Relaxed);
            return Departure::Whole(system.throttle(Some(wait.as_secs_f64().ceil() as u64)));
        }
        let Some(route) = system.route(call) else {
            return refused(&Refusal::not_found("The requested resource"));
        };
        let fate = self.faults.fate(route.operation, route.is_write);
        if !fate.delay.is_zero() {
            self.wait(fate.delay).await;
        }
        if let Some(departure) = before_commit(system, fate.fault) {
            return departure;
        }
        let reply = route
            .run(system, call)
            .unwrap_or_else(|refusal| system.refuse(&refusal));
        match fate.fault {
            Some(FaultKind::ResetAfterCommit) => Departure::Cut,
            Some(FaultKind::Truncate) => Departure::Truncated(reply),
            Some(FaultKind::TimeoutAfterCommit) => {
                self.wait(Duration::MAX).await;
                Departure::Cut
            }
            _ => Departure::Whole(reply),
        }
    }

    /// Waits, but not longer than the sandbox runs.
    async fn wait(&self, delay: Duration) {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            // An error means that the sandbox is gone: as good as stopped.
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }
}

/// What a fault makes of a request before anything is committed.
fn before_commit<E: Emulator>(system: &E, fault: Option<FaultKind>) -> Option<Departure> {
    let reply = match fault? {
        FaultKind::Status429 => system.throttle(None),
        FaultKind::Status429RetryAfter => system.throttle(Some(1)),
        FaultKind::Status500 => system.refuse(&Refusal::new(500, "An unexpected error occurred.")),
        FaultKind::Status503 => system.refuse(&Refusal::new(503, "The service is unavailable.")),
        FaultKind::ErrorIn200 => system.error_in_200(),
        FaultKind::Html => Reply::text(
            200,
            "text/html; charset=utf-8",
            "<!DOCTYPE html><html><head><title>Sign in</title></head>\
             <body><h1>Sign in to the school network</h1></body></html>"
                .to_owned(),
        ),
        FaultKind::ResetBeforeCommit => return Some(Departure::Cut),
        _ => return None,
    };
    Some(Departure::Whole(reply))
}

fn authorize(call: &Call) -> Result<(), Refusal> {
    let token = call
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    match token {
        Some(TOKEN) => Ok(()),
        Some(_) => Err(Refusal::new(401, "The access token is not valid.")),
        None => Err(Refusal::new(
            401,
            "Authorization has been denied for this request.",
        )),
    }
}

fn header_of(instance: Guid) -> HeaderValue {
    HeaderValue::from_str(&instance.to_string()).expect("an id is ASCII")
}

/// Serves until it is told to stop.
pub(super) async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let router = Router::new().fallback(answer).with_state(app);
    axum::serve(
        Door(listener),
        router.into_make_service_with_connect_info::<Switch>(),
    )
    .with_graceful_shutdown(async move {
        // An error means that the sandbox was dropped.
        let _ = stop.wait_for(|stopped| *stopped).await;
    })
    .await
}

async fn answer(
    State(app): State<Arc<App>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let departure = match to_bytes(body, MAX_BODY).await {
        Ok(body) => {
            let call = Call::new(
                parts.method.as_str(),
                parts.uri.path(),
                parts.uri.query(),
                parts.headers,
                body,
            );
            depart(&app, &call).await
        }
        Err(_) => Departure::Whole(Reply::text(
            413,
            "text/plain",
            "the body is too long or broke off\n".to_owned(),
        )),
    };
    let instance = app
        .instance
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .1
        .clone();
    let (reply, half) = match departure {
        Departure::Whole(reply) => (reply, false),
        Departure::Truncated(reply) => (reply, true),
        Departure::Cut => {
            switch.cut();
            // Never seen: the connection fails at the first byte of it.
            (Reply::text(500, "text/plain", String::new()), false)
        }
    };
    respond(reply, half, instance)
}

async fn depart(app: &App, call: &Call) -> Departure {
    match call.path().first() {
        Some(&"incidentiq") => app.emulate(&app.incidentiq, &app.gates[0], call).await,
        Some(&"clearfeed") => app.emulate(&app.clearfeed, &app.gates[1], call).await,
        Some(&"_sandbox") => Departure::Whole(admin::answer(app, call)),
        _ => Departure::Whole(Reply::text(
            404,
            "text/plain",
            "a sandbox of deskferry: /incidentiq, /clearfeed, /_sandbox\n".to_owned(),
        )),
    }
}

fn respond(reply: Reply, half: bool, instance: HeaderValue) -> Response {
    let mut response = Response::builder()
        .status(reply.status)
        .header(header::CONTENT_TYPE, reply.content_type)
        .header(INSTANCE, instance);
    if let Some(seconds) = reply.retry_after {
        response = response.header(header::RETRY_AFTER, seconds);
    }
    let body = if half {
        response = response.header(header::CONTENT_LENGTH, reply.body.len());
        let cut = reply.body.len() / 2;
        let pieces: [io::Result<Bytes>; 2] = [
            Ok(Bytes::copy_from_slice(&reply.body[..cut])),
            Err(io::ErrorKind::ConnectionReset.into()),
        ];
        Body::from_stream(futures::stream::iter(pieces))
    } else {
        Body::from(reply.body)
    };
    response
        .body(body)
        .expect("the sandbox's own headers are valid")
}
