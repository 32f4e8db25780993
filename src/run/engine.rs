//! The loop of a run.
//!
//! One task owns everything: it takes planned batches, writes intents in groups, keeps so many rows under way,
//! folds what comes back, and settles what is in doubt. Each turn first starts what can be started
//! ([`Engine::advance`]), then waits for one thing to happen ([`Engine::next`]) and handles it. What is handled has
//! pages of its own: [`super::intents`], [`super::outcome`], [`super::ending`].

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::answers::{Checking, Owners, checked};
use super::breaker::{Breaker, Flow};
use super::context::{RunContext, Signal};
use super::crash;
use super::gather::UNDER_WAY;
use super::intended::Intended;
use super::intents::{Intending, intents};
use super::limiter::{Cause, Limiter, Pause, UNKNOWN_RATE};
use super::look::look;
use super::lookout::{About, Looked, Watch};
use super::plan::{Plan, Row, RowHeader};
use super::pool::{Pool, Settled};
use super::prepare::{BATCH, Batch, Feed};
use super::rehearse::{Rehearsal, rehearse};
use super::row::{Sent, send};
use super::staged::{Again, Stages};
use super::tied::{Tickets, Tied};
use super::totals::{Fold, Totals};
use super::{Reread, Settings, Shutdown, Stop};
use crate::directory;
use crate::error::{Error, Result};
use crate::event::{End, Event, Wait};
use crate::ledger::{Change, RunInfo, RunLocks, RunMeta, RunState, Scope, StoredEnd, StoredRow};
use crate::record::RowKey;
use crate::systems::System;

/// What a run that sends needs besides its records.
pub(super) struct Sending<'e> {
    pub(super) system: Arc<dyn System>,
    pub(super) scope: Scope,
    pub(super) limiter: Arc<Limiter>,
    pub(super) meta: RunMeta,
    pub(super) locks: RunLocks,
    /// Whether rows make tickets that bear a reference, and the custom field that does; `None`: the description.
    pub(super) marks: bool,
    pub(super) field: Option<String>,
    /// Whether rows make tickets that bear none.
    pub(super) is_unmarked: bool,
    pub(super) reread: Option<Reread<'e>>,
    /// How the second stage begins, where there are two.
    pub(super) again: Option<Again<'e>>,
}

/// Drives a run to its end, with or without sending.
pub(super) async fn drive<'e>(
    feed: Feed<'e>,
    sending: Option<Sending<'e>>,
    settings: &'e Settings,
    rehearsal: Rehearsal<'_>,
    stop: Stop,
    mut fold: Fold<'e>,
    started: Instant,
) -> Result<Totals> {
    let mut stop = stop;
    // A word that was said before we listen counts too.
    stop.mark_changed();
    let Some(sending) = sending else {
        return Ok(rehearse(feed, settings, rehearsal, stop, fold, started).await);
    };
    let last = sending.scope.last_run().await?;
    if let Some(last) = last {
        tell_changes(&mut fold, &last, &sending.meta);
    }
    let looked_until = match sending.marks {
        true => sending.scope.looked_until().await?,
        false => None,
    };
    let run = (sending.scope)
        .start_run(&sending.locks, sending.meta.clone())
        .await?;
    fold.totals.run = Some(run.code().to_owned());
    if sending.limiter.is_searching() {
        fold.note(format!(
            "no rate is known for this system: it begins with {:.0} requests a second and finds out how many the \
             system takes; `--rate` or the profile's `rate` sets it",
            sending.limiter.rate().unwrap_or(UNKNOWN_RATE)
        ));
    }
    let Sending {
        system,
        scope,
        limiter,
        ..
    } = sending;
    let about = About {
        scope: scope.name().to_owned(),
        field: sending.field,
        marks: sending.marks,
        looked_until,
        taken_back: scope.taken_back().await?,
        reread: sending.reread,
    };
    let again = sending.again;
    let shapes = run.shapes().await?;
    system.shapes().load(shapes);
    let (context, halt, heard) =
        RunContext::new(system, limiter, settings, scope.identity(), run.clone());
    let context = Arc::new(context);
    context
        .waits_for_tickets
        .store(again.is_some(), Ordering::Relaxed);
    let mut engine = Engine {
        settings,
        pool: Pool::new(context.clone(), settings, started, sending.is_unmarked),
        watch: Watch::new(context.clone(), settings, about),
        pauses: context.limiter.pauses(),
        context,
        feed: Some(feed),
        stop: Some(stop),
        heard,
        fold,
        backlog: VecDeque::new(),
        tied: Tied::default(),
        stages: Stages::new(again),
        delayed: Vec::new(),
        looking: VecDeque::new(),
        started,
        ready: VecDeque::new(),
        intending: None,
        under_way: JoinSet::new(),
        leaving: BTreeMap::new(),
        unmarked: HashSet::new(),
        unchecked: Vec::new(),
        checking: None,
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
        hidden: HashSet::new(),
        sent_again: Vec::new(),
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
    if let (Some(before), Some(now)) = (&last.meta.directory_print, &meta.directory_print)
        && directory::differ(before, now)
    {
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

/// Whether the limit lets the run take this record up; records for which nothing is sent take nothing from it.
pub(super) fn take(left: &mut Option<u64>, plan: &Plan) -> bool {
    match left {
        None => true,
        Some(0) => false,
        Some(left) => {
            // What a dry run calls ready a run sends.
            if !matches!(plan, Plan::End(_, end) if !matches!(end, End::Ready { .. })) {
                *left -= 1;
            }
            true
        }
    }
}

/// The next word about stopping; never, when nobody can say one any more.
pub(super) async fn stopping(stop: &mut Option<Stop>) -> Shutdown {
    if let Some(receiver) = stop {
        if receiver.changed().await.is_ok() {
            return *receiver.borrow_and_update();
        }
        *stop = None;
    }
    std::future::pending().await
}

pub(super) async fn maybe<F: Future + Unpin>(future: &mut Option<F>) -> F::Output {
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
enum EngineEvent {
    Stop(Shutdown),
    Heard(Signal),
    Came(Box<Sent>),
    Intended(Result<Vec<RowKey>>),
    Checked(Result<Owners>),
    Flushed(Result<()>),
    Settled(Result<Settled>),
    Tied(Result<Tickets>),
    LookedAround(Result<std::result::Result<Looked, String>>),
    Batch(Option<Batch>),
    Paused,
    Time,
}

pub(super) struct Engine<'e> {
    pub(super) settings: &'e Settings,
    pub(super) context: Arc<RunContext>,
    pub(super) feed: Option<Feed<'e>>,
    pub(super) stop: Option<Stop>,
    pub(super) heard: mpsc::UnboundedReceiver<Signal>,
    pub(super) pauses: watch::Receiver<Option<Pause>>,
    pub(super) fold: Fold<'e>,
    /// Rows that wait for their intent.
    pub(super) backlog: VecDeque<Row>,
    /// Rows that wait for the tickets of others.
    pub(super) tied: Tied<'e>,
    pub(super) stages: Stages<'e>,
    /// Rows of which a step is to be looked up, and when that is due.
    pub(super) delayed: Vec<(Instant, Row)>,
    /// Those of them that are due, and those whose tickets are read before something is set on them.
    pub(super) looking: VecDeque<Row>,
    /// When the run began.
    pub(super) started: Instant,
    /// Rows whose intent is durable.
    pub(super) ready: VecDeque<(Row, Intended)>,
    pub(super) intending: Option<Intending<'e>>,
    /// Tasks of their own, so that answers are read where they arrive and not all on one thread; they end with
    /// the engine.
    pub(super) under_way: JoinSet<Sent>,
    /// Where the rows under way stand, by ordinal: all that is left of them when the run is aborted.
    pub(super) leaving: BTreeMap<u64, RowHeader>,
    /// Rows under way that make a ticket without a reference, and whose request has not left: by ordinal.
    pub(super) unmarked: HashSet<u64>,
    /// Rows that are done, whose tickets are to be compared with those of other rows.
    pub(super) unchecked: Vec<Sent>,
    pub(super) checking: Option<Checking<'e>>,
    /// What is to be written, in order.
    pub(super) changes: Vec<Change>,
    pub(super) flushing: Option<BoxFuture<'e, Result<()>>>,
    pub(super) pool: Pool<'e>,
    pub(super) watch: Watch<'e>,
    pub(super) breaker: Breaker,
    pub(super) halt: watch::Sender<Option<Instant>>,
    /// `Running` until something else is decided.
    pub(super) state: RunState,
    pub(super) stopped: Option<Error>,
    /// Whether the ledger has failed: nothing more is written.
    pub(super) broken: bool,
    pub(super) paused_until: Option<Instant>,
    pub(super) left: Option<u64>,
    /// Groups in which a ticket has been made or found.
    pub(super) proven: HashSet<String>,
    /// The rows that go alone, by their groups.
    pub(super) probing: HashMap<String, u64>,
    /// The last answer that said nothing.
    pub(super) last_unclear: String,
    /// Keys of this run that the ledger still holds as unsettled.
    pub(super) open: HashSet<RowKey>,
    /// Ids of doubles that were told.
    pub(super) doubles: HashSet<String>,
    /// The calls whose makings the system has hidden from a look.
    pub(super) hidden: HashSet<String>,
    /// Steps that were sent although they may have been before, for people.
    pub(super) sent_again: Vec<String>,
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
                EngineEvent::Stop(Shutdown::None) => {}
                EngineEvent::Stop(Shutdown::Drain) => self.drain(),
                EngineEvent::Stop(Shutdown::Abort) => return self.abort().await,
                EngineEvent::Heard(signal) => self.hear(signal),
                EngineEvent::Came(sent) => self.on_row_returned(*sent),
                EngineEvent::Intended(late) => self.intended(late),
                EngineEvent::Checked(owners) => self.checked(owners),
                EngineEvent::Flushed(result) => self.flushed(result),
                EngineEvent::Settled(settled) => self.settled(settled),
                EngineEvent::Tied(tickets) => self.ties_known(tickets),
                EngineEvent::LookedAround(looked) => self.looked_around(looked),
                EngineEvent::Batch(batch) => self.batch(batch),
                EngineEvent::Paused => self.paused(),
                EngineEvent::Time => self.time(),
            }
        }
    }

    /// Waits for one thing to happen. What people ask for comes first, then what frees a place.
    async fn next(&mut self) -> EngineEvent {
        let wants_batch = self.backlog.len() < BATCH && self.pool.has_room();
        let delayed = self.delayed.iter().map(|(due, _)| *due).min();
        let beat = Some(self.watch.deadline());
        let owed = self.watch.owed().filter(|_| self.is_idle());
        let deadlines = [self.paused_until, self.pool.deadline(), delayed, beat, owed];
        let deadline = deadlines.into_iter().flatten().min();
        tokio::select! {
            biased;
            going = stopping(&mut self.stop) => EngineEvent::Stop(going),
            Some(signal) = self.heard.recv() => EngineEvent::Heard(signal),
            Some(sent) = self.under_way.join_next() => {
                EngineEvent::Came(Box::new(sent.expect("nothing cancels or breaks a row under way")))
            }
            late = intents(&mut self.intending) => EngineEvent::Intended(late),
            owners = checked(&mut self.checking) => EngineEvent::Checked(owners),
            result = maybe(&mut self.flushing) => EngineEvent::Flushed(result),
            settled = maybe(&mut self.pool.round) => EngineEvent::Settled(settled),
            tickets = maybe(&mut self.tied.asking) => EngineEvent::Tied(tickets),
            looked = maybe(&mut self.watch.round) => EngineEvent::LookedAround(looked),
            Ok(()) = self.pauses.changed() => EngineEvent::Paused,
            () = until(deadline) => EngineEvent::Time,
            batch = batches(&mut self.feed), if wants_batch => EngineEvent::Batch(batch),
        }
    }

    /// Starts what can be started.
    fn advance(&mut self) {
        // First: where nothing waits for the second stage, nothing else would wake the run to end.
        if !self.is_halted() {
            self.begin_second_stage();
        }
        if self.breaker.flow() == Flow::Held
            && !self.is_halted()
            && self.is_idle()
            && self.delayed.is_empty()
            && self.pool.is_empty()
        {
            // Rows without a marker: there is nothing to look up.
            let error = self.breaker.gives_up(&self.last_unclear);
            self.stop_with(error);
        }
        while let Some((row, _)) = self.ready.front()
            && self.under_way.len() < self.places(row)
            && let Some((row, since)) = self.ready.pop_front()
        {
            self.leaving.insert(row.base.ordinal, row.base.stub());
            if row.makes_unmarked() {
                self.unmarked.insert(row.base.ordinal);
            }
            self.under_way.spawn(send(self.context.clone(), row, since));
        }
        let now = Instant::now();
        let due = self.delayed.extract_if(.., |(due, _)| *due <= now);
        self.looking.extend(due.map(|(_, row)| row));
        // A system that answers nothing clear is looked at all the same.
        while self.under_way.len() < self.settings.concurrency.max(1)
            && let Some(row) = self.looking.pop_front()
        {
            self.leaving.insert(row.base.ordinal, row.base.stub());
            self.under_way.spawn(look(self.context.clone(), row));
        }
        self.intend();
        self.check();
        if self.flushing.is_none() && !self.changes.is_empty() {
            let changes = std::mem::take(&mut self.changes);
            if !self.broken {
                self.context.crash(crash::Place::BeforeOutcome);
                let run = self.context.run.clone();
                self.flushing = Some(Box::pin(async move { run.apply(changes).await.map(drop) }));
            }
        }
        if !self.is_halted() {
            let quiet = self.is_quiet();
            let held = self.breaker.flow() == Flow::Held && self.is_idle();
            let sweeps = quiet && self.stages.is_over();
            if let Some(event) = self.pool.advance(quiet || held, quiet, sweeps) {
                self.fold.tell(&event);
            }
            self.ask_ties();
            let waits = !self.backlog.is_empty();
            let is_over = quiet && self.pool.is_over() && self.tied.is_empty();
            self.watch.advance(waits, is_over);
        } else if self.is_idle() {
            self.watch.look_last();
        }
    }

    /// How many rows may be under way when this one goes next.
    pub(super) fn places(&self, next: &Row) -> usize {
        let first_alone = next.ticket.is_none() && self.context.system.wants_first_alone();
        match (self.breaker.flow(), first_alone) {
            (Flow::Held, _) => 0,
            (Flow::Trial, _) | (_, true) => 1,
            (Flow::Open, false) => {
                let most = self.context.gather.as_ref().map_or(1, |_| UNDER_WAY);
                self.settings.concurrency.max(most)
            }
        }
    }

    /// Whether nothing is left but rows in doubt (or so many of them that no more are read), and all that is
    /// known is written.
    pub(super) fn is_quiet(&self) -> bool {
        (self.feed.is_none() || !self.pool.has_room())
            && self.backlog.is_empty()
            && self.delayed.is_empty()
            && self.ready.is_empty()
            && self.is_idle()
    }

    /// Whether nothing is under way, and all that is known is written.
    fn is_idle(&self) -> bool {
        self.intending.is_none()
            && self.looking.is_empty()
            && self.under_way.is_empty()
            && self.unchecked.is_empty()
            && self.checking.is_none()
            && self.changes.is_empty()
            && self.flushing.is_none()
    }

    fn is_over(&self) -> bool {
        let is_done = || self.pool.is_over() && self.watch.is_over();
        let is_halted = || self.is_halted() && !self.watch.owes();
        self.is_quiet()
            && self.tied.is_empty()
            && self.stages.is_over()
            && (is_halted() || is_done())
    }

    pub(super) fn is_halted(&self) -> bool {
        self.state != RunState::Running
    }

    /// Now, on the system's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.context.now()
    }

    /// A record has reached its end.
    pub(super) fn end(&mut self, base: RowHeader, end: End) {
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
                    let Some(plan) = self.of_stage(plan) else {
                        continue;
                    };
                    if !self.stages.is_second() && !take(&mut self.left, &plan) {
                        self.feed = None;
                        return;
                    }
                    match plan {
                        Plan::End(base, end) => self.end(base, end),
                        Plan::Send(row) if self.was_repointed(&row.key) => {
                            self.is_set_aside(row.base);
                        }
                        Plan::Send(row) if self.is_for_later(&row) => self.defer(*row),
                        Plan::Send(row) if row.is_tied() => self.tied.add(*row),
                        Plan::Send(row) if row.in_doubt().is_some() => {
                            // By which clock it was sent is not known: the whole wait runs from our own start.
                            self.delay(*row, self.started);
                        }
                        Plan::Send(row) if row.guarded().is_some() => self.looking.push_back(*row),
                        Plan::Send(row) => self.backlog.push_back(*row),
                        Plan::Settle(doubtful) => self.doubt_of_earlier_run(*doubtful),
                    }
                }
            }
        }
    }

    fn flushed(&mut self, result: Result<()>) {
        match result {
            Ok(()) => self.context.crash(crash::Place::AfterOutcome),
            Err(error) => self.break_with(error),
        }
    }

    pub(super) fn tell_sent(&mut self) {
        for _ in 0..self.context.sent.swap(0, Ordering::Relaxed) {
            self.fold.totals.requests += 1;
            self.fold.tell(&Event::Sent);
        }
        self.fold.totals.bulk = self.context.bulk.load(Ordering::Relaxed);
    }

    pub(super) fn hear(&mut self, signal: Signal) {
        match signal {
            Signal::Made(group) => drop(self.proven.insert(group)),
            Signal::Left(row) => drop(self.unmarked.remove(&row)),
            Signal::Throttled => self.fold.totals.throttled += 1,
            Signal::Note(text) => self.fold.note(text),
            Signal::Unproven(text) => {
                self.fold.totals.unproven = true;
                self.fold.note(text);
            }
        }
    }

    fn paused(&mut self) {
        let pause = *self.pauses.borrow_and_update();
        if let Some(Pause { until, cause }) = pause {
            let left = until.saturating_duration_since(Instant::now());
            self.paused_until = Some(until);
            self.fold.tell(&Event::Waiting(match cause {
                Cause::Asked => Wait::Pause(left),
                Cause::Spent => Wait::Spent(left),
                Cause::Closed => Wait::Closed(left),
            }));
        }
    }

    fn time(&mut self) {
        if self
            .paused_until
            .is_some_and(|until| until <= Instant::now())
        {
            self.paused_until = None;
            self.fold.tell(&Event::Shutdown);
        }
        if self.watch.beats() && !self.is_halted() {
            self.changes.push(Change::Alive);
        }
    }
}

async fn batches(feed: &mut Option<Feed<'_>>) -> Option<Batch> {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}
