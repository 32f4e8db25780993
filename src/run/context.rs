//! What all rows of a run share: the system, the limits that their requests keep, and what they tell the engine.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use super::Settings;
use super::answers::{Named, Owners};
use super::clock::Clock;
use super::crash::{self, Crash};
use super::gather::Gather;
use super::limiter::Limiter;
use super::plan::Request;
use crate::error::Result;
use crate::files::Files;
use crate::ledger::{ActiveRun, StepId};
use crate::record::RowKey;
use crate::systems::{Answered, Outcome, SentAt, System, Ticket, call_of};

/// How long rows that have their tickets may go on with their further steps, from when the run is told to stop.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// What all rows share.
pub(super) struct RunContext {
    pub(super) system: Arc<dyn System>,
    pub(super) limiter: Arc<Limiter>,
    /// So many requests may be under way.
    pub(super) slots: Semaphore,
    /// Where calls wait for others of their kind, in a run that sends such together.
    pub(super) gather: Option<Arc<Gather>>,
    pub(super) clock: Clock,
    /// The identity of the scope.
    pub(super) scope: Uuid,
    pub(super) run: ActiveRun,
    /// Since when nothing new is to be sent.
    pub(super) halt: watch::Receiver<Option<Instant>>,
    pub(super) signals: mpsc::UnboundedSender<Signal>,
    pub(super) crash: Option<Arc<Crash>>,
    /// How many requests have left since the engine looked last. Counted, not signalled: waking the engine for each
    /// would double its work, and each comes back with an answer soon.
    pub(super) sent: AtomicU64,
    /// How many of all requests were for many tickets.
    pub(super) bulk: AtomicU64,
    /// Whether what follows on tickets waits until all are made.
    pub(super) waits_for_tickets: AtomicBool,
    /// Whether it was said that the system cannot be reached, since something went through.
    pub(super) is_away: AtomicBool,
    /// After so long nothing that was sent can surprise any more.
    pub(super) surprise: Duration,
    /// See [`Settings::compared`].
    pub(super) compared: Arc<HashMap<String, Timestamp>>,
    /// Where the files of rows come from and go to.
    pub(super) files: Files,
    /// Whether the answer to a create showed the title that was sent, or what the system has made of it: then another one
    /// is another ticket's.
    pub(super) knows_titles: AtomicBool,
    /// The ids that answers of this run named lately.
    named: Mutex<Named>,
    /// The calls that set something and are never answered with more than that they were accepted.
    accepted: Mutex<HashSet<String>>,
}

/// What a row tells while it is under way.
#[derive(Debug)]
pub(super) enum Signal {
    /// The row of this group that goes alone has its ticket, whatever becomes of its further steps.
    Made(String),
    /// The create of the row of this ordinal leaves, whose ticket bears no reference.
    Left(u64),
    /// A request was too fast.
    Throttled,
    /// Something that a person should know.
    Note(String),
    /// The same of steps that count as done although nothing proves it: the run ends with exit code 1.
    Unproven(String),
}

impl RunContext {
    /// The line of a run, what stops its rows, and what they tell.
    pub(super) fn new(
        system: Arc<dyn System>,
        limiter: Arc<Limiter>,
        settings: &Settings,
        scope: Uuid,
        run: ActiveRun,
    ) -> (
        Self,
        watch::Sender<Option<Instant>>,
        mpsc::UnboundedReceiver<Signal>,
    ) {
        let (signals, heard) = mpsc::unbounded_channel();
        let halt = watch::Sender::new(None);
        let bulk = system.schema().bulk().filter(|_| settings.bulk);
        let context = Self {
            clock: Clock::start(system.account().clock_offset),
            slots: Semaphore::new(settings.concurrency.max(1)),
            gather: bulk.map(|bulk| Arc::new(Gather::new(bulk.most))),
            crash: settings.crash.clone(),
            system,
            limiter,
            scope,
            run,
            halt: halt.subscribe(),
            signals,
            sent: AtomicU64::new(0),
            bulk: AtomicU64::new(0),
            waits_for_tickets: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
            surprise: settings.commit_within + settings.visible_within,
            compared: Arc::clone(&settings.compared),
            files: settings.files.clone(),
            knows_titles: AtomicBool::new(false),
            named: Mutex::default(),
            accepted: Mutex::default(),
        };
        (context, halt, heard)
    }

    pub(super) fn tell(&self, signal: Signal) {
        // An engine that has returned listens no more.
        let _ = self.signals.send(signal);
    }

    /// Whether a step of this name is never answered with more than a success that says nothing.
    pub(super) fn accepts(&self, step: &str) -> bool {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.contains(call_of(step))
    }

    /// Notes that it is not.
    pub(super) fn accept(&self, step: &str) {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.insert(call_of(step).to_owned());
    }

    /// Notes that a row was answered with a ticket, unless another row of this run was: which one.
    pub(super) fn claim(&self, ticket: &str, key: &RowKey) -> Option<RowKey> {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.claim(ticket, key)
    }

    /// Whose tickets these are, as far as the ledger of the tenant holds them, whatever spelling of their ids it holds.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) async fn owners(&self, tickets: Vec<String>) -> Result<Owners> {
        let schema = self.system.schema();
        let mut spelled: HashMap<String, String> = HashMap::new();
        for ticket in tickets {
            for spelling in schema.spellings(&ticket) {
                spelled.insert(spelling, ticket.clone());
            }
        }
        let owners = self.run.owners(spelled.keys().cloned().collect()).await?;
        let canonical = |(id, owner)| Some((spelled.get(&id)?.clone(), owner));
        Ok(owners.into_iter().filter_map(canonical).collect())
    }

    /// What identifies a step of a row for ever.
    pub(super) fn identity(&self, key: &RowKey, step: &StepId, ticket: Option<&Ticket>) -> Uuid {
        let ticket = ticket.map(|ticket| self.system.schema().ticket_id(&ticket.id));
        identity(&self.scope, key, step, ticket.as_deref())
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

    /// When what was sent then can surprise no more; within one wait from now, whatever the clocks say. Only for requests
    /// that were answered: it trusts the clocks, and where they are apart the one by which less time has passed.
    pub(super) fn surprise_over(&self, sent: SentAt) -> Instant {
        Instant::now() + self.surprise.saturating_sub(self.passed(sent))
    }

    /// How much time has passed since, by the clock by which less has.
    pub(super) fn passed(&self, sent: SentAt) -> Duration {
        let passed = self.now().duration_since(sent.at);
        let by_ours = match (self.clock.ours(), sent.ours) {
            (None, None) => passed,
            (now, then) => (now.unwrap_or(self.now())).duration_since(then.unwrap_or(sent.at)),
        };
        Duration::try_from(passed.min(by_ours)).unwrap_or_default()
    }

    /// Now, on the system's clock; no later than it is.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.earliest()
    }

    /// Now by our own clock, where that and the system's are apart.
    pub(super) fn ours(&self) -> Option<Timestamp> {
        self.clock.ours()
    }

    /// Now, by the earlier of the two clocks.
    pub(super) fn surely(&self) -> Timestamp {
        self.clock.surely()
    }

    /// Now, by the later of the two clocks.
    pub(super) fn at_the_latest(&self) -> Timestamp {
        let theirs = self.now();
        self.ours().map_or(theirs, |ours| ours.max(theirs))
    }

    /// Now, on the system's clock; no earlier than it is.
    pub(super) fn now_at_the_latest(&self) -> Timestamp {
        self.clock.latest()
    }

    /// Dies when this is the place and the time.
    pub(super) fn crash(&self, place: crash::Place) {
        crash::here(self.crash.as_deref(), place);
    }

    /// Waits until a request may leave, or for the end of the run: `None`. It is under way as long as this is held.
    pub(super) async fn permit(&self, grace: Duration) -> Option<SemaphorePermit<'_>> {
        let slot = self.slot(grace).await?;
        tokio::select! {
            biased;
            () = self.halted(grace) => None,
            () = self.limiter.take() => Some(slot),
        }
    }

    /// The same for reads, which ask for their permits themselves.
    pub(super) async fn slot(&self, grace: Duration) -> Option<SemaphorePermit<'_>> {
        tokio::select! {
            biased;
            () = self.halted(grace) => None,
            slot = self.slots.acquire() => slot.ok(),
        }
    }

    /// Lets one request leave, for a row or for many: what it came to. What its answer says about the rate is heard
    /// here, once.
    pub(super) async fn leave(&self, request: impl Future<Output = Answered>) -> Answered {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.crash(crash::Place::BeforeSend);
        let answered = crash::while_under_way(self.crash.as_deref(), request).await;
        if let Some(left) = answered.spent {
            self.tell_if_long(self.limiter.spent_for(left));
        }
        match &answered.outcome {
            Outcome::Throttled(asked) => {
                self.tell(Signal::Throttled);
                self.tell_if_long(self.limiter.pause_for(*asked));
            }
            Outcome::Unsent(what) => {
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    self.tell(Signal::Note(format!(
                        "the system cannot be reached ({what}); trying again"
                    )));
                }
            }
            _ => {
                self.is_away.store(false, Ordering::Relaxed);
                self.limiter.went_through();
            }
        }
        answered
    }

    /// Whether the system still takes the token, by one more read.
    pub(super) async fn admits(&self) -> bool {
        let Some(_slot) = self.slot(GRACE).await else {
            return false;
        };
        self.system.admits(self.limiter.as_ref()).await
    }

    /// The name under which a request can go together with those of other rows; one that was looked for in vain goes
    /// alone.
    pub(super) fn together(&self, request: &Request) -> Option<(&Arc<Gather>, &'static str)> {
        let gather = self.gather.as_ref().filter(|_| request.absent == 0)?;
        let schema = self.system.schema();
        let name = schema.bulk_call(call_of(&request.id.name), &request.body)?;
        Some((gather, name))
    }

    /// Waits, or for the end of the run: false.
    pub(super) async fn wait(&self, length: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.halted(Duration::ZERO) => false,
            () = sleep(length) => true,
        }
    }

    /// Waits until so long after the run was told to stop: one moment for all rows and all their steps, so that many short
    /// graces add up to no long one.
    pub(super) async fn halted(&self, grace: Duration) {
        let mut halt = self.halt.clone();
        let since = match halt.wait_for(Option::is_some).await {
            Ok(since) => *since,
            Err(_) => None,
        };
        match since {
            Some(since) => sleep_until(since + grace).await,
            None => std::future::pending().await,
        }
    }
}

/// The identity of a step of a row, on the ticket of that id.
fn identity(scope: &Uuid, key: &RowKey, step: &StepId, ticket: Option<&str>) -> Uuid {
    let mut name = format!("{}\n{}\n{}", key.as_str(), step.name, step.ordinal);
    if let Some(ticket) = ticket {
        name.push('\n');
        name.push_str(ticket);
    }
    Uuid::new_v5(scope, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system may refuse an id that is on a ticket which was taken back.
    #[test]
    fn what_follows_on_a_row_that_is_made_anew_has_other_ids() {
        let (key, scope) = (RowKey::new("k1"), Uuid::from_u128(7));
        let step = StepId {
            name: "then-1/comment".to_owned(),
            ordinal: 0,
        };
        let of = |ticket| identity(&scope, &key, &step, ticket);
        assert_eq!(of(Some("1")), of(Some("1")));
        assert_ne!(of(Some("1")), of(Some("2")));
        let before = Uuid::new_v5(&scope, b"k1\nthen-1/comment\n0");
        assert_eq!(of(None), before);
    }
}
