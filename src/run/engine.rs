//! The loop of a run.
//!
//! One task owns everything: it takes planned batches, writes intents in groups, keeps so many rows under way,
//! folds what comes back, and settles what is in doubt. Each turn first starts what can be started
//! ([`Engine::advance`]), then waits for one thing to happen ([`Engine::next`]) and handles it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::breaker::{Breaker, Flow};
use super::clock::Clock;
use super::crash;
use super::limiter::{Limiter, UNKNOWN_RATE};
use super::plan::{Base, Plan, Row, ready_end};
use super::pool::{Pool, Settled};
use super::prepare::{BATCH, Batch, Feed};
use super::row::{Intended, Line, Sent, Signal, intent, send};
use super::settle::FindReferences;
use super::totals::{Fold, Totals};
use super::{Going, Settings, Stop};
use crate::error::{Error, Result};
use crate::event::{End, Event, Wait};
use crate::ledger::{
    ActiveRun, Change, RunInfo, RunMeta, RunState, Scope, StoredEnd, StoredRow, Unsettled,
};
use crate::record::RowKey;
use crate::systems::{StepPayload, System};

/// How many intents are durable ahead of their requests at most.
const AHEAD: usize = 256;
/// How far ahead in time: well within the life of an intent.
const AHEAD_SECONDS: f64 = 2.0;
/// How long a run that is to return at once still writes what it knows.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// What a run that sends needs besides its records.
pub(super) struct Sending<'e> {
    pub(super) system: Arc<dyn System>,
    pub(super) scope: Scope,
    pub(super) limiter: Arc<Limiter>,
    pub(super) meta: RunMeta,
    pub(super) find: FindReferences<'e>,
}

/// Drives a run to its end, with or without sending.
pub(super) async fn drive<'e>(
    feed: Feed<'e>,
    sending: Option<Sending<'e>>,
    settings: &'e Settings,
    stop: Stop,
    mut fold: Fold<'e>,
    started: Instant,
) -> Result<Totals> {
    let mut stop = stop;
    // A word that was said before we listen counts too.
    stop.mark_changed();
    let Some(sending) = sending else {
        return Ok(rehearse(feed, settings, stop, fold, started).await);
    };
    let last = sending.scope.last_run().await?;
    if let Some(last) = last {
        tell_changes(&mut fold, &last, &sending.meta);
    }
    let run = sending.scope.start_run(sending.meta).await?;
    fold.totals.run = Some(run.code().to_owned());
    if sending.limiter.is_searching() {
        fold.note(format!(
            "no rate is known for this system: it begins with {:.0} requests a second and finds out how many the \
             system takes; `--rate` or the profile's `rate` sets it",
            sending.limiter.rate().unwrap_or(UNKNOWN_RATE)
        ));
    }
    let (signals, heard) = mpsc::unbounded_channel();
    let halt = watch::Sender::new(false);
    let line = Arc::new(Line {
        clock: Clock::start(sending.system.account().clock_offset),
        crash: settings.crash.clone(),
        system: sending.system,
        limiter: sending.limiter,
        run: run.clone(),
        halt: halt.subscribe(),
        signals,
        sent: AtomicU64::new(0),
    });
    let mut engine = Engine {
        settings,
        pool: Pool::new(line.clone(), sending.find, settings, started),
        pauses: line.limiter.pauses(),
        line,
        feed: Some(feed),
        stop: Some(stop),
        heard,
        fold,
        backlog: VecDeque::new(),
        ready: VecDeque::new(),
        intending: None,
        under_way: JoinSet::new(),
        leaving: BTreeMap::new(),
        changes: Vec::new(),
        flushing: None,
        breaker: Breaker::new(settings.max_errors),
        halt,
        state: RunState::Running,
        stopped: None,
        broken: false,
        paused_until: None,
        left: settings.limit,
        last_unclear: String::new(),
        proven: HashSet::new(),
        probing: HashMap::new(),
        open: HashSet::new(),
        doubles: HashSet::new(),
    };
    engine.run().await;
    engine.finish(&run, started).await
}

/// What has changed since the last run of the scope over the same files.
fn tell_changes(fold: &mut Fold<'_>, last: &RunInfo, meta: &RunMeta) {
    if last.meta.inputs != meta.inputs {
        return;
    }
    // A run that learned what was there read no input of its own.
    if !last.meta.input_print.is_empty() && last.meta.input_print != meta.input_print {
        fold.note(format!(
            "`{}` has changed since run {}: rows that are done are not sent again",
            meta.inputs.join("`, `"),
            last.code
        ));
    }
    if !last.meta.system_print.is_empty() && last.meta.system_print != meta.system_print {
        fold.note(format!(
            "run {} spoke to `{}`, this one speaks to `{}`",
            last.code, last.meta.system_print, meta.system_print
        ));
    }
    if last.meta.directory_print.is_some() && last.meta.directory_print != meta.directory_print {
        fold.note(format!(
            "the directory has changed since run {}: names may stand for other ids in rows that are not done",
            last.code
        ));
    }
    if last.meta.mapping_print != meta.mapping_print {
        fold.note(format!(
            "`{}` has changed since run {}: it counts for rows that are not done",
            meta.mapping, last.code
        ));
    }
}

/// The dry run: the same plans with the sending left out.
async fn rehearse(
    mut feed: Feed<'_>,
    settings: &Settings,
    stop: Stop,
    mut fold: Fold<'_>,
    started: Instant,
) -> Totals {
    let mut left = settings.limit;
    let mut stop = Some(stop);
    fold.totals.state = RunState::Finished;
    'input: loop {
        let batch = tokio::select! {
            biased;
            going = stopping(&mut stop) => {
                if going > Going::On {
                    fold.totals.state = RunState::Interrupted;
                    break;
                }
                continue;
            }
            batch = feed.next() => batch,
        };
        match batch {
            None => break,
            Some(Err(error)) => {
                fold.totals.state = RunState::Stopped;
                fold.totals.stopped = Some(error);
                break;
            }
            Some(Ok(plans)) => {
                for plan in plans {
                    if !take(&mut left, &plan) {
                        break 'input;
                    }
                    let (base, end) = rehearsed(plan);
                    fold.end(base, end);
                }
            }
        }
    }
    fold.finish(started.elapsed())
}

fn rehearsed(plan: Plan) -> (Base, End) {
    match plan {
        Plan::End(base, end) => (base, end),
        Plan::Send(row) => {
            let open = row.requests.steps.into_iter().skip(row.next);
            let payloads = open.map(|request| StepPayload {
                step: request.id.name.into(),
                ordinal: request.id.ordinal,
                body: request.body,
            });
            let end = ready_end(payloads.collect(), row.requests.fallbacks);
            (row.base, end)
        }
        Plan::Settle(doubtful) => (
            doubtful.base,
            End::InDoubt {
                reason: format!(
                    "run {} did not learn whether it was made: the next run that sends finds out",
                    doubtful.doubt.run
                ),
            },
        ),
    }
}

/// Whether the limit lets the run take this record up; records that are done take nothing from it.
fn take(left: &mut Option<u64>, plan: &Plan) -> bool {
    match left {
        None => true,
        Some(0) => false,
        Some(left) => {
            if !matches!(plan, Plan::End(_, End::Skipped(_))) {
                *left -= 1;
            }
            true
        }
    }
}

/// The next word about stopping; never, when nobody can say one any more.
async fn stopping(stop: &mut Option<Stop>) -> Going {
    if let Some(receiver) = stop {
        if receiver.changed().await.is_ok() {
            return *receiver.borrow_and_update();
        }
        *stop = None;
    }
    std::future::pending().await
}

async fn maybe<F: Future + Unpin>(future: &mut Option<F>) -> F::Output {
    match future {
        Some(running) => {
            let output = running.await;
            *future = None;
            output
        }
        None => std::future::pending().await,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// What can happen.
enum Happening {
    Stop(Going),
    Heard(Signal),
    Came(Box<Sent>),
    Intended(Result<Vec<RowKey>>),
    Flushed(Result<()>),
    Settled(Result<Settled>),
    Batch(Option<Batch>),
    Paused,
    Time,
}

struct Intending<'e> {
    rows: Vec<Row>,
    since: Intended,
    done: Option<BoxFuture<'e, Result<Vec<RowKey>>>>,
}

pub(super) struct Engine<'e> {
    settings: &'e Settings,
    pub(super) line: Arc<Line>,
    feed: Option<Feed<'e>>,
    stop: Option<Stop>,
    heard: mpsc::UnboundedReceiver<Signal>,
    pauses: watch::Receiver<Option<Instant>>,
    pub(super) fold: Fold<'e>,
    /// Rows that wait for their intent.
    pub(super) backlog: VecDeque<Row>,
    /// Rows whose intent is durable.
    ready: VecDeque<(Row, Intended)>,
    intending: Option<Intending<'e>>,
    /// Tasks of their own, so that answers are read where they arrive and not all on one thread; they end with
    /// the engine.
    under_way: JoinSet<Sent>,
    /// Where the rows under way stand, by ordinal: all that is left of them when the run is aborted.
    pub(super) leaving: BTreeMap<u64, Base>,
    /// What is to be written, in order.
    pub(super) changes: Vec<Change>,
    flushing: Option<BoxFuture<'e, Result<()>>>,
    pub(super) pool: Pool<'e>,
    pub(super) breaker: Breaker,
    halt: watch::Sender<bool>,
    /// `Running` until something else is decided.
    state: RunState,
    stopped: Option<Error>,
    /// Whether the ledger has failed: nothing more is written.
    broken: bool,
    paused_until: Option<Instant>,
    left: Option<u64>,
    /// Groups in which a ticket has been made or found.
    pub(super) proven: HashSet<String>,
    /// The rows that go alone, by their groups.
    probing: HashMap<String, u64>,
    /// The last answer that said nothing.
    pub(super) last_unclear: String,
    /// Keys of this run that the ledger still holds as unsettled.
    pub(super) open: HashSet<RowKey>,
    /// Ids of doubles that were told.
    pub(super) doubles: HashSet<String>,
}

impl<'e> Engine<'e> {
    async fn run(&mut self) {
        loop {
            self.tell_sent();
            self.advance();
            if self.is_over() {
                return;
            }
            match self.next().await {
                Happening::Stop(Going::On) => {}
                Happening::Stop(Going::Drain) => self.drain(),
                Happening::Stop(Going::Abort) => return self.abort().await,
                Happening::Heard(signal) => self.hear(signal),
                Happening::Came(sent) => self.came(*sent),
                Happening::Intended(late) => self.intended(late),
                Happening::Flushed(result) => self.flushed(result),
                Happening::Settled(settled) => self.settled(settled),
                Happening::Batch(batch) => self.batch(batch),
                Happening::Paused => self.paused(),
                Happening::Time => self.time(),
            }
        }
    }

    /// Waits for one thing to happen. What people ask for comes first, then what frees a place.
    async fn next(&mut self) -> Happening {
        let wants_batch = self.backlog.len() < BATCH && self.pool.has_room();
        let deadline = match (self.paused_until, self.pool.deadline()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        tokio::select! {
            biased;
            going = stopping(&mut self.stop) => Happening::Stop(going),
            Some(signal) = self.heard.recv() => Happening::Heard(signal),
            Some(sent) = self.under_way.join_next() => {
                Happening::Came(Box::new(sent.expect("nothing cancels or breaks a row under way")))
            }
            late = intents(&mut self.intending) => Happening::Intended(late),
            result = maybe(&mut self.flushing) => Happening::Flushed(result),
            settled = maybe(&mut self.pool.round) => Happening::Settled(settled),
            Ok(()) = self.pauses.changed() => Happening::Paused,
            () = until(deadline) => Happening::Time,
            batch = batches(&mut self.feed), if wants_batch => Happening::Batch(batch),
        }
    }

    /// Starts what can be started.
    fn advance(&mut self) {
        if self.breaker.flow() == Flow::Held
            && !self.is_halted()
            && self.is_idle()
            && self.pool.is_empty()
        {
            // Rows without a marker: there is nothing to look up.
            let error = self.breaker.gives_up(&self.last_unclear);
            self.stop_with(error);
        }
        while self.under_way.len() < self.places()
            && let Some((row, since)) = self.ready.pop_front()
        {
            self.leaving.insert(row.base.ordinal, row.base.stub());
            self.under_way.spawn(send(self.line.clone(), row, since));
        }
        self.intend();
        if self.flushing.is_none() && !self.changes.is_empty() {
            let changes = std::mem::take(&mut self.changes);
            if !self.broken {
                self.line.crash(crash::Place::BeforeOutcome);
                let run = self.line.run.clone();
                self.flushing = Some(Box::pin(async move { run.apply(changes).await.map(drop) }));
            }
        }
        if !self.is_halted() {
            let quiet = self.is_quiet();
            let held = self.breaker.flow() == Flow::Held && self.is_idle();
            if let Some(event) = self.pool.advance(quiet || held, quiet) {
                self.fold.tell(&event);
            }
        }
    }

    /// How many rows may be under way.
    fn places(&self) -> usize {
        match (self.breaker.flow(), self.line.system.wants_first_alone()) {
            (Flow::Held, _) => 0,
            (Flow::Trial, _) | (_, true) => 1,
            (Flow::Open, false) => self.settings.concurrency.max(1),
        }
    }

    /// Writes the next group of intents, when the rows ahead have become few.
    fn intend(&mut self) {
        let Some(first) = self.backlog.front() else {
            return;
        };
        let ahead = match (&first.requests.reference, first.ticket.is_some()) {
            // An intent that a crash leaves behind stays in doubt for ever: no more of them than can leave at once.
            (None, false) => self.places(),
            _ => self.line.limiter.rate().map_or(AHEAD, |rate| {
                // A float beyond the range becomes its end.
                ((rate * AHEAD_SECONDS) as usize).clamp(1, AHEAD)
            }),
        };
        let is_held = self.breaker.flow() == Flow::Held;
        if self.intending.is_some() || is_held || self.ready.len() > ahead / 2 {
            return;
        }
        let mut rows = Vec::new();
        while rows.len() < ahead
            && let Some(row) = self.backlog.front()
            && self.may_be_intended(row)
        {
            let Some(mut row) = self.backlog.pop_front() else {
                break;
            };
            if !self.is_proven(&row) {
                row.alone = true;
                let group = row.requests.group.clone();
                self.probing.insert(group, row.base.ordinal);
            }
            rows.push(row);
        }
        if rows.is_empty() {
            return;
        }
        self.line.crash(crash::Place::BeforeIntent);
        let since = Intended::now(&self.line);
        let intents = rows.iter().map(|row| intent(row, since.at)).collect();
        let run = self.line.run.clone();
        self.intending = Some(Intending {
            rows,
            since,
            done: Some(Box::pin(async move { run.intend(intents).await })),
        });
    }

    /// Whether a crash may leave this row behind: *not found* counts only where a ticket of the same group is found,
    /// so that rows of a group that has none would stay in doubt for ever. Its first row goes alone until one is made.
    fn may_be_intended(&self, row: &Row) -> bool {
        self.is_proven(row) || !self.probing.contains_key(&row.requests.group)
    }

    fn is_proven(&self, row: &Row) -> bool {
        row.ticket.is_some()
            || row.requests.reference.is_none()
            || self.proven.contains(&row.requests.group)
    }

    /// A row came back: the next of its group may try, or all may go.
    pub(super) fn probed(&mut self, row: &Row, is_made: bool) {
        let group = &row.requests.group;
        if is_made && !self.proven.contains(group) {
            self.proven.insert(group.clone());
        }
        if self.probing.get(group) == Some(&row.base.ordinal) {
            self.probing.remove(group);
        }
    }

    /// Whether nothing is left but rows in doubt (or so many of them that no more are read), and all that is
    /// known is written.
    fn is_quiet(&self) -> bool {
        (self.feed.is_none() || !self.pool.has_room())
            && self.backlog.is_empty()
            && self.ready.is_empty()
            && self.is_idle()
    }

    /// Whether nothing is under way, and all that is known is written.
    fn is_idle(&self) -> bool {
        self.intending.is_none()
            && self.under_way.is_empty()
            && self.changes.is_empty()
            && self.flushing.is_none()
    }

    fn is_over(&self) -> bool {
        self.is_quiet() && (self.is_halted() || self.pool.is_over())
    }

    pub(super) fn is_halted(&self) -> bool {
        self.state != RunState::Running
    }

    /// Now, on the system's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.line.now()
    }

    /// A record has reached its end.
    pub(super) fn end(&mut self, base: Base, end: End) {
        if let (End::InDoubt { .. }, Some(key)) = (&end, &base.key) {
            self.open.insert(key.clone());
        }
        if let Some(stored) = StoredEnd::of(&end) {
            self.changes.push(Change::End(StoredRow {
                ordinal: base.ordinal,
                place: base.place.clone(),
                key: base.key.clone(),
                end: stored,
            }));
        }
        self.fold.end(base, end);
    }

    fn batch(&mut self, batch: Option<Batch>) {
        match batch {
            None => self.feed = None,
            Some(Err(error)) => self.stop_with(error),
            Some(Ok(plans)) => {
                for plan in plans {
                    if !take(&mut self.left, &plan) {
                        self.feed = None;
                        return;
                    }
                    match plan {
                        Plan::End(base, end) => self.end(base, end),
                        Plan::Send(row) => self.backlog.push_back(*row),
                        Plan::Settle(doubtful) => self.doubt_of_earlier_run(*doubtful),
                    }
                }
            }
        }
    }

    fn intended(&mut self, late: Result<Vec<RowKey>>) {
        let Some(Intending { rows, since, .. }) = self.intending.take() else {
            return;
        };
        if late.is_ok() {
            self.line.crash(crash::Place::AfterIntent);
        }
        let late: HashSet<RowKey> = match late {
            Ok(late) => late.into_iter().collect(),
            Err(error) => {
                for row in rows {
                    self.not_sent(row);
                }
                return self.break_with(error);
            }
        };
        for mut row in rows {
            row.was_in_doubt = false;
            if late.contains(&row.key) {
                self.overtaken(row);
            } else if self.is_halted() {
                self.withdraw(row);
            } else {
                self.ready.push_back((row, since));
            }
        }
    }

    fn flushed(&mut self, result: Result<()>) {
        match result {
            Ok(()) => self.line.crash(crash::Place::AfterOutcome),
            Err(error) => self.break_with(error),
        }
    }

    fn tell_sent(&mut self) {
        for _ in 0..self.line.sent.swap(0, Ordering::Relaxed) {
            self.fold.totals.requests += 1;
            self.fold.tell(&Event::Sent);
        }
    }

    fn hear(&mut self, signal: Signal) {
        match signal {
            Signal::Made(group) => drop(self.proven.insert(group)),
            Signal::Throttled => self.fold.totals.throttled += 1,
            Signal::Note(text) => self.fold.note(text),
        }
    }

    fn paused(&mut self) {
        let until = *self.pauses.borrow_and_update();
        if let Some(until) = until {
            let left = until.saturating_duration_since(Instant::now());
            self.paused_until = Some(until);
            self.fold.tell(&Event::Waiting(Wait::Pause(left)));
        }
    }

    fn time(&mut self) {
        if self
            .paused_until
            .is_some_and(|until| until <= Instant::now())
        {
            self.paused_until = None;
            self.fold.tell(&Event::Going);
        }
    }

    /// An intent whose request never left.
    fn withdraw(&mut self, row: Row) {
        let step = row.requests.steps[row.next].id.clone();
        self.changes.push(Change::Withdraw(row.key.clone(), step));
        self.not_sent(row);
    }

    /// Ctrl-C, once.
    fn drain(&mut self) {
        if self.is_halted() {
            return;
        }
        let under_way = self.under_way.len();
        self.fold.tell(&Event::Draining { under_way });
        self.halt(RunState::Interrupted);
    }

    /// The run cannot go on: what is under way is finished.
    pub(super) fn stop_with(&mut self, error: Error) {
        if self.stopped.is_none() {
            self.stopped = Some(error);
        }
        if !self.is_halted() {
            self.halt(RunState::Stopped);
        }
    }

    /// The ledger has failed: nothing more is sent, nothing more is written.
    pub(super) fn break_with(&mut self, error: Error) {
        self.broken = true;
        self.stop_with(error);
    }

    fn halt(&mut self, state: RunState) {
        self.state = state;
        self.feed = None;
        self.halt.send_replace(true);
        for row in std::mem::take(&mut self.backlog) {
            self.not_sent(row);
        }
        for (row, _) in std::mem::take(&mut self.ready) {
            self.withdraw(row);
        }
        for doubtful in self.pool.give_up() {
            let reason = "the run stopped before it was settled: the next run finds out".to_owned();
            self.end(doubtful.base, End::InDoubt { reason });
        }
    }

    /// Ctrl-C, twice: what is under way is left to the next run.
    async fn abort(&mut self) {
        if !self.is_halted() {
            self.halt(RunState::Interrupted);
        }
        self.under_way.shutdown().await;
        for (_, base) in std::mem::take(&mut self.leaving) {
            let reason =
                "stopped while its request was under way: the next run finds out".to_owned();
            self.end(base, End::InDoubt { reason });
        }
        // The worker writes in order: these intents are there before they are taken back.
        for row in self.intending.take().into_iter().flat_map(|it| it.rows) {
            self.withdraw(row);
        }
        let changes = std::mem::take(&mut self.changes);
        let flushing = self.flushing.take();
        let run = self.line.run.clone();
        let write = async move {
            if let Some(flushing) = flushing {
                flushing.await?;
            }
            run.apply(changes).await
        };
        // What is not written is found again by the next run, as after a crash.
        let _ = timeout(LAST_WRITE, write).await;
    }

    /// Rows in doubt of which this input knows nothing.
    fn tell_others(&mut self, unsettled: &[Unsettled]) {
        let others: HashSet<&RowKey> = unsettled
            .iter()
            .map(|row| &row.key)
            .filter(|key| !self.open.contains(*key))
            .collect();
        if !others.is_empty() {
            self.fold.note(format!(
                "{} {} of earlier runs in this scope not settled and not among these records: run the whole \
                 input they came from again",
                others.len(),
                if others.len() == 1 { "row is" } else { "rows are" }
            ));
        }
    }

    async fn finish(mut self, run: &ActiveRun, started: Instant) -> Result<Totals> {
        self.tell_sent();
        while let Ok(signal) = self.heard.try_recv() {
            self.hear(signal);
        }
        let came_to_the_end = self.state == RunState::Running;
        if came_to_the_end {
            self.state = RunState::Finished;
        }
        if came_to_the_end && self.left.is_none_or(|left| left > 0) {
            match run.scope().unsettled().await {
                Ok(unsettled) => self.tell_others(&unsettled),
                Err(error) => {
                    self.break_with(error);
                    self.state = RunState::Stopped;
                }
            }
        }
        let state = self.state;
        let mut totals = self.fold.finish(started.elapsed());
        totals.state = state;
        totals.stopped = self.stopped;
        if !self.broken {
            let stored = serde_json::to_value(&totals).unwrap_or_default();
            let written = timeout(LAST_WRITE, run.finish(state, stored)).await;
            if let Ok(Err(error)) = written
                && totals.stopped.is_none()
            {
                totals.stopped = Some(error);
                totals.state = RunState::Stopped;
            }
        }
        Ok(totals)
    }
}

async fn intents(intending: &mut Option<Intending<'_>>) -> Result<Vec<RowKey>> {
    match intending {
        Some(intending) => maybe(&mut intending.done).await,
        None => std::future::pending().await,
    }
}

async fn batches(feed: &mut Option<Feed<'_>>) -> Option<Batch> {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}
