//! The way of a request: token, limit, what goes wrong before the commit, the emulator, what goes wrong after it.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::HeaderValue;
use tokio::sync::{mpsc, oneshot, watch};

use super::audit::{Audit, Opened};
use super::call::Call;
use super::clearfeed::ClearFeed;
use super::delayed_commit::Job;
use super::departure::Departure;
use super::emulator::Emulator;
use super::fault::{FaultKind, Faults};
use super::guard::Guard;
use super::guid::Guid;
use super::incidentiq::IncidentIq;
use super::limit::Bucket;
use super::reply::{Answer, Refusal};
use super::route::{Access, Found};
use super::token::{Demand, Token, forbidden};
use super::{Config, SandboxError};

/// An emulated system of the sandbox, and its counts.
pub(super) type Pick<E> = fn(&App) -> (&E, &Gate);

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
    pub(super) fn spend(&self, time: Duration) {
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
    pub(super) guard: Guard,
    instance: RwLock<(Guid, HeaderValue)>,
    stopped: watch::Receiver<bool>,
    jobs: mpsc::UnboundedSender<Job>,
    /// Until when no connection is taken.
    pub(super) down: watch::Sender<Option<tokio::time::Instant>>,
    /// Reads that no token may do.
    denied: Vec<String>,
    /// How many changes people have made meanwhile.
    pub(super) people: AtomicU64,
}

impl App {
    pub(super) fn new(
        config: Config,
        stopped: watch::Receiver<bool>,
        jobs: mpsc::UnboundedSender<Job>,
    ) -> Result<Self, SandboxError> {
        let opened = match &config.data {
            Some(folder) => Audit::open(folder, config.fresh, config.population())?,
            None => Opened {
                audit: Audit::default(),
                instance: Guid::random(),
                population: config.population(),
                kept: Vec::new(),
            },
        };
        let population = opened.population;
        let audit = Arc::new(opened.audit);
        let incidentiq = IncidentIq::new(&config, opened.instance, population, audit.clone());
        let clearfeed = ClearFeed::new(&config, population, audit.clone());
        for (line, kept) in (2..).zip(&opened.kept) {
            let replayed = match kept.system.as_str() {
                IncidentIq::NAME => incidentiq.replay(kept),
                ClearFeed::NAME => clearfeed.replay(kept),
                other => Err(Refusal::new(400, format!("there is no system `{other}`"))),
            };
            replayed.map_err(|refusal| SandboxError::Journal {
                path: config.data.clone().unwrap_or_default(),
                line,
                reason: refusal.told(),
            })?;
        }
        for name in &config.deny {
            if !has_read(&incidentiq, name) && !has_read(&clearfeed, name) {
                return Err(SandboxError::NoOperation { name: name.clone() });
            }
        }
        Ok(Self {
            incidentiq,
            clearfeed,
            gates: [Gate::new(config.rate), Gate::new(config.rate)],
            audit,
            guard: Guard::new(&config),
            faults: Faults::new(config.seed, config.faults),
            instance: RwLock::new((opened.instance, header_of(opened.instance))),
            stopped,
            jobs,
            down: watch::Sender::new(None),
            denied: config.deny,
            people: AtomicU64::new(0),
        })
    }

    /// Told when the sandbox is to end.
    pub(super) fn stopped(&self) -> watch::Receiver<bool> {
        self.stopped.clone()
    }

    fn tenant(&self) -> (Guid, HeaderValue) {
        let tenant = self.instance.read().unwrap_or_else(PoisonError::into_inner);
        tenant.clone()
    }

    pub(super) fn instance(&self) -> Guid {
        self.tenant().0
    }

    /// The instance as a header's value.
    pub(super) fn instance_header(&self) -> HeaderValue {
        self.tenant().1
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

    pub(super) async fn emulate<E: Emulator + 'static>(
        &self,
        pick: Pick<E>,
        mut call: Call,
    ) -> Departure {
        let (system, gate) = pick(self);
        let nth = gate.requests.fetch_add(1, Ordering::Relaxed) + 1;
        match self.authorize::<E>(&call) {
            Ok(token) => call.token = token,
            Err(refusal) => return Departure::Whole(system.refuse(&refusal)),
        }
        if let Err(refusal) = system.admit(&call) {
            return Departure::Whole(system.refuse(&refusal));
        }
        if let Some(rate) = self.faults.new_rate(nth) {
            gate.bucket.set(rate, Instant::now());
        }
        if let Err(wait) = gate.pass(Instant::now()) {
            gate.throttled.fetch_add(1, Ordering::Relaxed);
            return Departure::Whole(system.throttle(Some(wait.as_secs_f64().ceil() as u64)));
        }
        match lead(system, &self.denied, &mut call) {
            Ok(row) => self.work(pick, row, call).await,
            Err(departure) => departure,
        }
    }

    /// Works a call that has found its row.
    async fn work<E: Emulator + 'static>(
        &self,
        pick: Pick<E>,
        row: usize,
        mut call: Call,
    ) -> Departure {
        let (system, gate) = pick(self);
        let endpoint = system.table().endpoint(row);
        let is_write = endpoint.access != Access::Read;
        let fate = self.faults.fate(endpoint.operation, endpoint.access);
        if let Some(departure) = fate.strike.and_then(|strike| self.unheeded(system, strike)) {
            self.wait(fate.delay).await;
            return departure;
        }
        if is_write {
            self.faults.wrote();
        }
        call.hidden = fate.hidden;
        if fate
            .strike
            .is_some_and(|one| one.kind == FaultKind::WrongId)
            && let Some((parameter, other)) = system.another(&call)
        {
            call.mislead(parameter, other);
        }
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
            let mut answer = run(system, row, call);
            for _ in 1..times {
                answer = run(system, row, call);
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

    /// Has somebody else's call obeyed: no limit and no fault concerns it.
    pub(super) fn act<E: Emulator + 'static>(&self, pick: Pick<E>, mut call: Call) -> bool {
        let (system, _) = pick(self);
        call.token = Token::People;
        let row = lead(system, &[], &mut call);
        row.is_ok_and(|row| run(system, row, &call).is_ok())
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

    fn authorize<E: Emulator>(&self, call: &Call) -> Result<Token, Refusal> {
        let token = Token::of_call(call, E::TAKES_MORE_THAN_BEARER)?;
        if self.faults.has_revoked() {
            return Err(Refusal::new(401, "The access token has been revoked."));
        }
        Ok(token)
    }

    /// Waits, but not longer than the sandbox runs.
    pub(super) async fn wait(&self, delay: Duration) {
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

/// The row of a call, if there is one that its token may call.
fn lead<E: Emulator + 'static>(
    system: &E,
    denied: &[String],
    call: &mut Call,
) -> Result<usize, Departure> {
    let found = system.table().find(&call.method, &call.path()[1..]);
    match found {
        Found::Here(row, parameters) => {
            let endpoint = system.table().endpoint(row);
            let demand = Demand {
                access: endpoint.access,
                is_for_all: endpoint.is_for_all,
                is_directory: endpoint.access == Access::Read
                    && E::DIRECTORY.contains(&endpoint.operation),
                is_for_admins: E::ADMINISTRATION.contains(&endpoint.operation),
            };
            let is_denied = endpoint.access == Access::Read
                && denied.iter().any(|name| name == endpoint.operation);
            if is_denied || !call.token.may(demand) {
                let refusal = forbidden(system.temper());
                return Err(Departure::Whole(system.refuse(&refusal)));
            }
            call.led(endpoint.operation, parameters);
            if endpoint.takes.is_empty() || matches!(call.method.as_str(), "GET" | "HEAD") {
                call.body = Bytes::new();
            }
            Ok(row)
        }
        Found::NotAllowed(allowed) => {
            let message = "The requested resource does not support this method.";
            let reply = system.refuse(&Refusal::new(405, message));
            Err(Departure::Whole(reply.with("allow", allowed)))
        }
        Found::Nowhere => {
            let refusal = system.nowhere(call);
            Err(Departure::Whole(system.refuse(&refusal)))
        }
    }
}

/// Has a call answered by its row, once its body is what the row takes.
fn run<E: Emulator + 'static>(system: &E, row: usize, call: &Call) -> Answer {
    let endpoint = system.table().endpoint(row);
    if endpoint.takes_json() && !call.body.is_empty() {
        if !call.bears_json() {
            return Err(Refusal::new(
                415,
                "The media type of the request body is not supported: send application/json.",
            ));
        }
        let misfits = system.table().misfits(row, &call.json()?);
        if !misfits.is_empty() {
            return Err(system.unfit(&misfits));
        }
    }
    endpoint.run(system, call)
}

/// Whether a system has a read of that name.
fn has_read<E: Emulator + 'static>(system: &E, name: &str) -> bool {
    let sections = system.table().sections.iter();
    let mut rows = sections.flat_map(|section| section.routes);
    rows.any(|row| row.access == Access::Read && row.operation == name)
}

fn header_of(instance: Guid) -> HeaderValue {
    HeaderValue::from_str(&instance.to_string()).expect("an id is ASCII")
}
