//! One row on its way: its steps in order, each sent until its answer means something else than *again*.
//!
//! The first intent is durable when a row comes here; those of further steps, and those that have become too old,
//! are written here before the request leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::clock::Clock;
use super::crash::{self, Crash};
use super::limiter::Limiter;
use super::look::{self, Find};
use super::plan::Row;
use super::retry::{Backoff, MOST_THROTTLED, Verdict, judge};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{ActiveRun, Change, Intent, Settlement, State, StepId, Trouble};
use crate::record::RowKey;
use crate::systems::{
    Answered, Call, NO_HANDLES, Outcome, Refusal, Sighting, System, Ticket, call_of,
};

/// An intent older than this is written anew before its request leaves.
const INTENT_LASTS: Duration = Duration::from_secs(10);
/// How long a row that has its ticket may go on with its further steps when the run is stopped.
const GRACE: Duration = Duration::from_secs(10);

/// What all rows share.
pub(super) struct Line {
    pub(super) system: Arc<dyn System>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) clock: Clock,
    /// The identity of the scope.
    pub(super) scope: Uuid,
    pub(super) run: ActiveRun,
    /// True when nothing new is to be sent.
    pub(super) halt: watch::Receiver<bool>,
    pub(super) signals: mpsc::UnboundedSender<Signal>,
    pub(super) crash: Option<Arc<Crash>>,
    /// How many requests have left since the engine looked last. Counted, not signalled: waking the engine for each
    /// would double its work, and each comes back with an answer soon.
    pub(super) sent: AtomicU64,
}

/// What a row tells while it is under way.
#[derive(Debug)]
pub(super) enum Signal {
    /// The row of this group that goes alone has its ticket, whatever becomes of its further steps.
    Made(String),
    /// A request was too fast.
    Throttled,
    /// Something that a person should know.
    Note(String),
}

impl Line {
    fn tell(&self, signal: Signal) {
        // An engine that has returned listens no more.
        let _ = self.signals.send(signal);
    }

    /// What identifies a step of a row for ever.
    pub(super) fn identity(&self, key: &RowKey, step: &StepId) -> Uuid {
        let name = format!("{}\n{}\n{}", key.as_str(), step.name, step.ordinal);
        Uuid::new_v5(&self.scope, name.as_bytes())
    }

    /// Says that a pause is longer than is kept.
    fn tell_if_long(&self, asked: Option<Duration>) {
        if let Some(asked) = asked {
            self.tell(Signal::Note(format!(
                "the system asks for a pause of {} minutes; after {} it is asked again",
                asked.as_secs().div_ceil(60),
                super::LONGEST_PAUSE.as_secs() / 60
            )));
        }
    }

    /// Now, on the system's clock; no later than it is.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.earliest()
    }

    /// Now, on the system's clock; no earlier than it is.
    pub(super) fn now_at_the_latest(&self) -> Timestamp {
        self.clock.latest()
    }

    /// Dies when this is the place and the time.
    pub(super) fn crash(&self, place: crash::Place) {
        crash::here(self.crash.as_deref(), place);
    }

    /// Waits for a permit, or for the end of the run: false.
    async fn permit(&self, grace: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.halted(grace) => false,
            () = self.limiter.take() => true,
        }
    }

    /// Waits, or for the end of the run: false.
    pub(super) async fn wait(&self, length: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.halted(Duration::ZERO) => false,
            () = sleep(length) => true,
        }
    }

    async fn halted(&self, grace: Duration) {
        let mut halt = self.halt.clone();
        if halt.wait_for(|halt| *halt).await.is_err() {
            return std::future::pending().await;
        }
        if !grace.is_zero() {
            sleep(grace).await;
        }
    }
}

/// How far a row came. `row.next` is the step at which it stands.
pub(super) struct Sent {
    pub(super) row: Row,
    pub(super) end: SentEnd,
    /// What is to be written of it.
    pub(super) changes: Vec<Change>,
}

/// Why a row went no further.
#[derive(Debug)]
pub(super) enum SentEnd {
    /// All its steps are done.
    Done,
    /// The system refused the step.
    Refused(Refusal),
    /// Nobody knows whether the step was done; when it was intended, on the system's clock.
    Doubt { answer: String, at: Timestamp },
    /// The step may be repeated, but no answer to it was clear.
    Unclear(String),
    /// The run was stopped; nothing of the step left.
    Withdrawn,
    /// Another run has done the step meanwhile; nothing of it left.
    Overtaken,
    /// It was looked up whether a step was done.
    Looked(Sighting),
    /// Nothing of the step was done, and nothing more will go through.
    Stopped(Error),
    /// The ledger does not work.
    Broken(Error),
}

/// The intent of the step at which a row stands.
pub(super) fn intent(row: &Row, at: Timestamp) -> Intent {
    let step = &row.requests.steps[row.next];
    Intent {
        key: row.key.clone(),
        step: step.id.clone(),
        later: row.requests.steps[row.next + 1..]
            .iter()
            .map(|step| step.id.clone())
            .collect(),
        place: row.base.place.clone(),
        content: row.content,
        payload: step.hash,
        reference: row.requests.reference.clone(),
        group: row.requests.group.clone(),
        absent: step.absent,
        doubted: row.was_in_doubt,
        about: row
            .ticket
            .as_ref()
            .filter(|_| row.requests.acts)
            .map(|ticket| ticket.id.clone()),
        // Only what sets what it sets goes again.
        redo: row.requests.may_redo(&step.id),
        stale: row.requests.stale.clone(),
        at,
    }
}

/// Sends the steps of a row, whose first intent is durable.
pub(super) async fn send(line: Arc<Line>, mut row: Row, intended: Intended) -> Sent {
    let mut changes = Vec::new();
    let mut intended = intended;
    if let Some(name) = row.find.take()
        && let Some(end) = find(&line, &mut row, &name, &mut changes).await
    {
        return Sent { row, end, changes };
    }
    loop {
        let end = match step(&line, &mut row, intended, &mut changes).await {
            StepEnd::Done => None,
            StepEnd::Ended(end) => Some(end),
        };
        if let Some(end) = end {
            return Sent { row, end, changes };
        }
        if row.next + 1 == row.requests.steps.len() {
            return Sent {
                row,
                end: SentEnd::Done,
                changes,
            };
        }
        row.next += 1;
        intended = Intended::now(&line);
        changes.push(Change::Intend(intent(&row, intended.at)));
        let end = match line.run.apply(std::mem::take(&mut changes)).await {
            Ok(late) if late.is_empty() => continue,
            Ok(_) => SentEnd::Overtaken,
            Err(error) => SentEnd::Broken(error),
        };
        return Sent { row, end, changes };
    }
}

/// Looks up the ticket that the row is about; why it goes no further.
async fn find(
    line: &Line,
    row: &mut Row,
    name: &str,
    changes: &mut Vec<Change>,
) -> Option<SentEnd> {
    match look::find(line, name).await {
        Ok(Find::Found(ticket)) => {
            row.ticket = Some(ticket);
            None
        }
        Ok(Find::Halted) => {
            changes.push(withdrawal(row));
            Some(SentEnd::Withdrawn)
        }
        Ok(Find::Nothing) => {
            let refusal = Refusal {
                status: 0,
                message: format!("there is no ticket `{name}`"),
                fields: Vec::new(),
            };
            let trouble = Some(Trouble::Refused(refusal.clone()));
            changes.push(settled(line, row, State::Rejected, trouble));
            Some(SentEnd::Refused(refusal))
        }
        Err(error) => {
            changes.push(withdrawal(row));
            Some(match look::stops(&error) {
                true => SentEnd::Stopped(error),
                false => SentEnd::Unclear(error.to_string()),
            })
        }
    }
}

/// When an intent was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intended {
    pub(super) at: Timestamp,
    pub(super) since: Instant,
}

impl Intended {
    /// Before the writing of it begins.
    pub(super) fn now(line: &Line) -> Self {
        Self {
            at: line.now(),
            since: Instant::now(),
        }
    }
}

enum StepEnd {
    Done,
    Ended(SentEnd),
}

/// Sends one step until its answer means something else than *again*.
async fn step(
    line: &Line,
    row: &mut Row,
    mut intended: Intended,
    changes: &mut Vec<Change>,
) -> StepEnd {
    let mut pace = Pace::new(
        line.system
            .schema()
            .is_repeatable(call_of(&row.requests.steps[row.next].id.name)),
    );
    loop {
        let grace = if row.ticket.is_some() && !pace.has_waited {
            GRACE
        } else {
            Duration::ZERO
        };
        if !line.permit(grace).await {
            return withdrawn(row, changes, SentEnd::Withdrawn);
        }
        match renew(line, row, intended).await {
            Ok(Some(renewed)) => intended = renewed,
            Ok(None) => return StepEnd::Ended(SentEnd::Overtaken),
            Err(error) => return StepEnd::Ended(SentEnd::Broken(error)),
        }
        let request = &row.requests.steps[row.next];
        line.sent.fetch_add(1, Ordering::Relaxed);
        line.crash(crash::Place::BeforeSend);
        let call = Call {
            step: call_of(&request.id.name),
            ticket: row.ticket.as_ref(),
            body: &request.body,
            id: line.identity(&row.key, &request.id),
        };
        let Answered { outcome, spent } =
            crash::while_under_way(line.crash.as_deref(), line.system.perform(call)).await;
        if let Some(left) = spent {
            line.tell_if_long(line.limiter.spent_for(left));
        }
        line.crash(crash::Place::BeforeOutcome);
        let verdict = judge(&outcome, pace.repeatable);
        if !matches!(verdict, Verdict::AfterPause | Verdict::Unsent) {
            line.limiter.went_through();
        }
        match (verdict, outcome) {
            (Verdict::AfterPause, outcome) => {
                if let Err(error) = pace.throttled(line, &outcome) {
                    return withdrawn(row, changes, SentEnd::Stopped(error));
                }
            }
            (Verdict::Unsent, Outcome::Unsent(what)) => match pace.unsent(line, &what).await {
                Next::Again => {}
                Next::Halted => return withdrawn(row, changes, SentEnd::Withdrawn),
                Next::Enough => {
                    return withdrawn(row, changes, SentEnd::Stopped(unreachable_system(&what)));
                }
            },
            (Verdict::Repeat, Outcome::InDoubt(what)) => match pace.repeat(line).await {
                Next::Again => {}
                Next::Halted | Next::Enough => {
                    changes.push(settled(
                        line,
                        row,
                        State::InDoubt,
                        Some(Trouble::Doubt(what.clone())),
                    ));
                    return StepEnd::Ended(SentEnd::Unclear(what));
                }
            },
            (_, outcome) => return closed(line, row, intended, outcome, changes),
        }
    }
}

/// Writes the intent anew when it has become too old for its request to leave; `None`: the step is done already.
async fn renew(line: &Line, row: &Row, intended: Intended) -> Result<Option<Intended>> {
    if intended.since.elapsed() <= INTENT_LASTS {
        return Ok(Some(intended));
    }
    let renewed = Intended::now(line);
    let late = line.run.intend(vec![intent(row, renewed.at)]).await?;
    Ok(late.is_empty().then_some(renewed))
}

/// An answer that ends the step.
fn closed(
    line: &Line,
    row: &mut Row,
    intended: Intended,
    outcome: Outcome,
    changes: &mut Vec<Change>,
) -> StepEnd {
    let (to, trouble, end) = match outcome {
        Outcome::Done(ticket) => {
            let made = row.ticket.is_none();
            if made && row.alone {
                line.tell(Signal::Made(row.requests.group.clone()));
            }
            let change = settled_with(line, row, State::Done, made.then_some(&ticket), None);
            changes.push(change);
            match &mut row.ticket {
                Some(known) => known.warnings.extend(ticket.warnings),
                none => *none = Some(ticket),
            }
            return StepEnd::Done;
        }
        Outcome::Rejected(refusal) => (
            State::Rejected,
            Trouble::Refused(refusal.clone()),
            SentEnd::Refused(refusal),
        ),
        Outcome::InDoubt(answer) => (
            State::InDoubt,
            Trouble::Doubt(answer.clone()),
            SentEnd::Doubt {
                answer,
                at: intended.at,
            },
        ),
        Outcome::Denied(what) => {
            let error = Error::new(
                ErrorKind::Denied,
                format!("the system does not let us do this: {what}"),
            )
            .hint("mend the token or its rights and run the same command again: it goes on where it was");
            return withdrawn(row, changes, SentEnd::Stopped(error));
        }
        // The table sends these elsewhere.
        Outcome::Throttled(_) | Outcome::Unsent(_) => {
            return withdrawn(row, changes, SentEnd::Withdrawn);
        }
    };
    changes.push(settled(line, row, to, Some(trouble)));
    StepEnd::Ended(end)
}

/// Nothing of the step was done: it is pending again.
fn withdrawn(row: &Row, changes: &mut Vec<Change>, end: SentEnd) -> StepEnd {
    changes.push(withdrawal(row));
    StepEnd::Ended(end)
}

fn withdrawal(row: &Row) -> Change {
    let step = row.requests.steps[row.next].id.clone();
    Change::Withdraw(row.key.clone(), step)
}

fn settled(line: &Line, row: &Row, to: State, trouble: Option<Trouble>) -> Change {
    settled_with(line, row, to, None, trouble)
}

fn settled_with(
    line: &Line,
    row: &Row,
    to: State,
    ticket: Option<&Ticket>,
    trouble: Option<Trouble>,
) -> Change {
    Change::Settle(Settlement {
        key: row.key.clone(),
        step: row.requests.steps[row.next].id.clone(),
        to,
        ticket: ticket.cloned(),
        trouble,
        doubted: false,
        at: line.now(),
    })
}

fn unreachable_system(what: &str) -> Error {
    if what.starts_with(NO_HANDLES) {
        return Error::machine(what)
            .hint("lower --concurrency or raise the limit (`ulimit -n`), and run the same command again: it goes on where it was");
    }
    Error::new(
        ErrorKind::Unreachable,
        format!("the system cannot be reached: {what}"),
    )
    .hint("run the same command again when it can be reached: it goes on where it was")
}

enum Next {
    Again,
    Halted,
    Enough,
}

/// How often one step has gone again, and why.
struct Pace {
    repeatable: bool,
    unsent: Backoff,
    repeat: Backoff,
    throttled: u32,
    has_waited: bool,
    told: bool,
}

impl Pace {
    fn new(repeatable: bool) -> Self {
        Self {
            repeatable,
            unsent: Backoff::unsent(),
            repeat: Backoff::repeat(),
            throttled: 0,
            has_waited: false,
            told: false,
        }
    }

    fn throttled(&mut self, line: &Line, outcome: &Outcome) -> Result<()> {
        let asked = match outcome {
            Outcome::Throttled(asked) => *asked,
            _ => None,
        };
        line.tell(Signal::Throttled);
        self.has_waited = true;
        self.throttled += 1;
        line.tell_if_long(line.limiter.pause_for(asked));
        if self.throttled >= MOST_THROTTLED {
            return Err(Error::new(
                ErrorKind::System,
                format!("the system refused one request {MOST_THROTTLED} times as too fast"),
            )
            .hint(
                "run the same command again later, with a lower `--rate`: it goes on where it was",
            ));
        }
        Ok(())
    }

    async fn unsent(&mut self, line: &Line, what: &str) -> Next {
        self.has_waited = true;
        if !std::mem::replace(&mut self.told, true) {
            line.tell(Signal::Note(format!(
                "the system cannot be reached ({what}); trying again"
            )));
        }
        after(line, self.unsent.next()).await
    }

    async fn repeat(&mut self, line: &Line) -> Next {
        self.has_waited = true;
        after(line, self.repeat.next()).await
    }
}

async fn after(line: &Line, wait: Option<Duration>) -> Next {
    match wait {
        None => Next::Enough,
        Some(wait) if line.wait(wait).await => Next::Again,
        Some(_) => Next::Halted,
    }
}
