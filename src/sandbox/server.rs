//! The way of a request: token, limit, what goes wrong before the commit, the emulator, what goes wrong after it.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use super::audit::{Audit, Opened};
use super::call::Call;
use super::clearfeed::ClearFeed;
use super::clerk::{self, Job};
use super::fault::{FaultKind, Faults, Strike};
use super::guid::Guid;
use super::incidentiq::IncidentIq;
use super::limit::Bucket;
use super::reply::{Answer, Refusal, Reply};
use super::wire::{Door, Switch};
use super::{Config, SandboxError, TOKEN, admin};

/// The greatest body.
const MAX_BODY: usize = 32 << 20;
/// In how many pieces an answer drips.
const DROPS: u32 = 20;
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
    /// The member of a listing's answer that holds the rows.
    fn rows(&self) -> &'static str;
}

/// An emulated system of the sandbox, and its counts.
type Pick<E> = fn(&App) -> (&E, &Gate);

/// Counts of one system.
#[derive(Debug)]
pub(super) struct Gate {
    bucket: Bucket,
    /// Until when nothing remains of the limit, whatever the bucket holds.
    spent: Mutex<Option<Instant>>,
    pub(super) requests: AtomicU64,
    pub(super) throttled: AtomicU64,
}

impl Gate {
    fn new(rate: f64) -> Self {
        Self {
            bucket: Bucket::new(rate, Instant::now()),
            spent: Mutex::default(),
            requests: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
        }
    }

    /// Lets a request pass, or says how long until one may.
    fn pass(&self, now: Instant) -> Result<(), Duration> {
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        match *spent {
            Some(until) if now < until => Err(until - now),
            _ => self.bucket.take(now),
        }
    }

    /// Nothing remains of the limit for so long.
    fn spend(&self, time: Duration) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        *spent = Some(Instant::now() + time);
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
    jobs: mpsc::UnboundedSender<Job>,
    /// Until when no connection is taken.
    down: watch::Sender<Option<tokio::time::Instant>>,
}

/// How an answer leaves.
enum Departure {
    Whole(Reply),
    Truncated(Reply),
    /// In small pieces, over this time.
    Dripping(Reply, Duration),
    Cut,
}

impl App {
    pub(super) fn new(
        config: Config,
        stopped: watch::Receiver<bool>,
        jobs: mpsc::UnboundedSender<Job>,
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
            jobs,
            down: watch::Sender::new(None),
        })
    }

    /// Told when the sandbox is to end.
    pub(super) fn stopped(&self) -> watch::Receiver<bool> {
        self.stopped.clone()
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

    async fn emulate<E: Emulator + 'static>(&self, pick: Pick<E>, mut call: Call) -> Departure {
        let (system, gate) = pick(self);
        let nth = gate.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let refused = |refusal: &Refusal| Departure::Whole(system.refuse(refusal));
        if let Err(refusal) = self.authorize(&call).and_then(|()| system.admit(&call)) {
            return refused(&refusal);
        }
        if let Some(rate) = self.faults.new_rate(nth) {
            gate.bucket.set(rate, Instant::now());
        }
        if let Err(wait) = gate.pass(Instant::now()) {
            gate.throttled.fetch_add(1, Ordering::Relaxed);
            return Departure::Whole(system.throttle(Some(wait.as_secs_f64().ceil() as u64)));
        }
        let Some(route) = system.route(&call) else {
            return refused(&Refusal::not_found("The requested resource"));
        };
        let fate = self.faults.fate(route.operation, route.is_write);
        if let Some(departure) = fate.strike.and_then(|strike| self.unheeded(system, strike)) {
            self.wait(fate.delay).await;
            return departure;
        }
        if route.is_write {
            self.faults.wrote();
        }
        call.hidden = fate.hidden;
        let is_write = route.is_write;
        let kind = fate.strike.map(|strike| strike.kind);
        let late = fate.strike.filter(|_| kind == Some(FaultKind::LateCommit));
        let due = fate.delay + late.map_or(Duration::ZERO, |strike| strike.time);
        let times = if kind == Some(FaultKind::DoubleCommit) {
            2
        } else {
            1
        };
        let work = move |app: &Self, call: &Call| {
            let system = pick(app).0;
            let run = || route.run(system, call);
            let mut answer = run();
            for _ in 1..times {
                answer = run();
            }
            answer.unwrap_or_else(|refusal| system.refuse(&refusal))
        };
        if late.is_some() {
            let done = self.obey_at(due, move |app| drop(work(app, &call)));
            drop(done);
            return Departure::Cut;
        }
        let reply = if due.is_zero() {
            work(self, &call)
        } else if is_write {
            match self.obey_at(due, move |app| work(app, &call)).await {
                Ok(reply) => reply,
                Err(_) => return Departure::Cut,
            }
        } else {
            self.wait(due).await;
            work(self, &call)
        };
        self.heeded(system, gate, fate.strike, reply).await
    }

    /// Has a write done later, whether or not the client still listens.
    fn obey_at<T: Send + 'static>(
        &self,
        delay: Duration,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (answer, answered) = oneshot::channel();
        let job = Job {
            due: tokio::time::Instant::now() + delay,
            work: Box::new(move |app| {
                // The client may be gone; the write is done all the same.
                let _ = answer.send(work(app));
            }),
        };
        // When nobody takes jobs any more, the sandbox ends: the receiver hears that its sender is gone.
        let _ = self.jobs.send(job);
        answered
    }

    /// What a fault makes of a request that is not obeyed at all.
    fn unheeded<E: Emulator>(&self, system: &E, strike: Strike) -> Option<Departure> {
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
    async fn heeded<E: Emulator>(
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
            FaultKind::RepeatInSearch => Departure::Whole(repeated(reply, system.rows())),
            _ => Departure::Whole(reply),
        }
    }

    fn authorize(&self, call: &Call) -> Result<(), Refusal> {
        authorize(call)?;
        if self.faults.has_revoked() {
            return Err(Refusal::new(401, "The access token has been revoked."));
        }
        Ok(())
    }

    /// Waits, but not longer than the sandbox runs.
    async fn wait(&self, delay: Duration) {
        if delay.is_zero() {
            return;
        }
        let mut stopped = self.stopped.clone();
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            // An error means that the sandbox is gone: as good as stopped.
            _ = stopped.wait_for(|stopped| *stopped) => {}
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
    later: mpsc::UnboundedReceiver<Job>,
) -> io::Result<()> {
    let router = Router::new().fallback(answer).with_state(app.clone());
    let door = Door::new(listener, app.down.subscribe())?;
    let mut stop = app.stopped();
    let serving = axum::serve(door, router.into_make_service_with_connect_info::<Switch>())
        .with_graceful_shutdown(async move {
            // An error means that the sandbox was dropped.
            let _ = stop.wait_for(|stopped| *stopped).await;
        });
    let (served, ()) = tokio::join!(serving.into_future(), clerk::attend(app, later));
    served
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
            depart(&app, call).await
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
    if matches!(departure, Departure::Cut) {
        switch.cut();
    }
    respond(departure, instance)
}

async fn depart(app: &App, call: Call) -> Departure {
    match call.path().first() {
        Some(&"incidentiq") => {
            let pick: Pick<IncidentIq> = |app| (&app.incidentiq, &app.gates[0]);
            app.emulate(pick, call).await
        }
        Some(&"clearfeed") => {
            let pick: Pick<ClearFeed> = |app| (&app.clearfeed, &app.gates[1]);
            app.emulate(pick, call).await
        }
        Some(&"_sandbox") => Departure::Whole(admin::answer(app, &call)),
        _ => Departure::Whole(Reply::text(
            404,
            "text/plain",
            "a sandbox of deskferry: /incidentiq, /clearfeed, /_sandbox\n".to_owned(),
        )),
    }
}

fn respond(departure: Departure, instance: HeaderValue) -> Response {
    let (reply, pieces) = match departure {
        Departure::Whole(reply) => (reply, None),
        Departure::Truncated(reply) => {
            let half = Bytes::copy_from_slice(&reply.body[..reply.body.len() / 2]);
            let broken: io::Result<Bytes> = Err(io::ErrorKind::ConnectionReset.into());
            let pieces = futures::stream::iter([Ok(half), broken]);
            (reply, Some(Body::from_stream(pieces)))
        }
        Departure::Dripping(reply, time) => {
            let drops = drops(&reply.body, time);
            (reply, Some(Body::from_stream(drops)))
        }
        // Never seen: the connection fails at the first byte of it.
        Departure::Cut => (Reply::text(500, "text/plain", String::new()), None),
    };
    let mut response = Response::builder()
        .status(reply.status)
        .header(header::CONTENT_TYPE, reply.content_type)
        .header(INSTANCE, instance);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let body = match pieces {
        Some(pieces) => {
            response = response.header(header::CONTENT_LENGTH, reply.body.len());
            pieces
        }
        None => Body::from(reply.body),
    };
    response
        .body(body)
        .expect("the sandbox's own headers are valid")
}

/// A body in pieces that come one after another over this time.
fn drops(body: &[u8], time: Duration) -> impl Stream<Item = io::Result<Bytes>> + use<> {
    let body = Bytes::copy_from_slice(body);
    let size = body.len().div_ceil(DROPS as usize).max(1);
    let pieces: Vec<Bytes> = (0..body.len())
        .step_by(size)
        .map(|from| body.slice(from..(from + size).min(body.len())))
        .collect();
    futures::stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(time / DROPS).await;
        Ok(piece)
    })
}
