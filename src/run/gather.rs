//! Calls of several rows that become one request for many tickets (`--bulk`).
//!
//! A call that has a form for many tickets ([`Schema::bulk_call`]) waits for others that set the same on other tickets. A
//! group leaves when it is full, or when no more come; then its tickets are read back, since the answer to such a request
//! says no more than that it was taken on. Each row gets an answer of its own:
//!
//! | the request | the ticket | the row hears |
//! |---|---|---|
//! | was taken on, or nobody knows | shows what was set | done |
//! | was taken on, or nobody knows | does not show it in time | in doubt |
//! | was refused | – | go alone: the refusal of the row's own request says why |
//! | was too fast, never left, is not allowed | – | the same |
//!
//! A group is one shared future: whichever of its rows is polled drives it, so that a row that is dropped holds up none of
//! the others, and all are dropped with the run.
//!
//! [`Schema::bulk_call`]: crate::systems::Schema::bulk_call

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::context::{GRACE, RunContext, Signal};
use crate::systems::bulk::BulkCall;
use crate::systems::{Call, Outcome, Ticket};

/// How many rows are under way in a run that gathers: enough for full groups of several changes.
pub(super) const UNDER_WAY: usize = 1_000;
/// A group waits so long for its next member.
const IDLE: Duration = Duration::from_secs(1);
/// A group waits so long in all.
const LONGEST: Duration = Duration::from_secs(10);
/// One request and the reading back of it cost as much as this many requests less one: smaller groups go one by one.
const LEAST: usize = 3;
/// The pauses before the looks at the tickets of a group.
const LOOKS: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(750),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// After so many groups in a row of which no ticket showed anything, that request is not sent any more.
const MOST_UNSEEN: u32 = 2;

/// What came of a call that went together with others.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Taken {
    /// Its outcome.
    Answered(Outcome),
    /// It is to go by itself.
    Alone,
    /// Nothing left: the run is to stop.
    Halted,
}

/// The name of a request for many tickets, and the body that its calls have in common.
type Key = (&'static str, String);

/// A group on its way: what becomes of its tickets, in the order in which they came.
type UnderWay = Shared<BoxFuture<'static, Arc<Went>>>;

#[derive(Debug)]
enum Went {
    All(Taken),
    Each(Vec<Taken>),
}

impl Went {
    fn of(&self, seat: usize) -> Taken {
        match self {
            Self::All(taken) => taken.clone(),
            Self::Each(taken) => taken.get(seat).cloned().unwrap_or(Taken::Alone),
        }
    }
}

/// A group that more may join.
struct Open {
    /// Alive as long as one of its rows is.
    going: WeakShared<BoxFuture<'static, Arc<Went>>>,
    tickets: watch::Sender<Vec<Ticket>>,
}

/// Where calls wait for others of their kind.
pub(super) struct Gather {
    /// How many tickets one request may be for.
    most: usize,
    open: Mutex<HashMap<Key, Open>>,
    /// How many groups of a request in a row showed nothing; those that are not sent any more.
    unseen: Mutex<HashMap<&'static str, u32>>,
}

impl Gather {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            open: Mutex::default(),
            unseen: Mutex::default(),
        }
    }

    /// Waits with others for one request, and for what came of it.
    pub(super) async fn join(
        self: &Arc<Self>,
        context: &Arc<RunContext>,
        name: &'static str,
        call: Call<'_>,
        ticket: &Ticket,
    ) -> Taken {
        if self.is_vain(name) {
            return Taken::Alone;
        }
        let (going, seat) = self.seat(context, name, call, ticket);
        going.await.of(seat)
    }

    /// A seat in the group that is open, or in a new one.
    fn seat(
        self: &Arc<Self>,
        context: &Arc<RunContext>,
        name: &'static str,
        call: Call<'_>,
        ticket: &Ticket,
    ) -> (UnderWay, usize) {
        let key = (name, call.body.to_string());
        let ticket = Ticket {
            // What was said about it before is not said again.
            warnings: Vec::new(),
            ..ticket.clone()
        };
        let mut open = lock(&self.open);
        if let Some(group) = open.get(&key)
            && let Some(going) = group.going.upgrade()
        {
            let mut seat = 0;
            group.tickets.send_modify(|tickets| {
                seat = tickets.len();
                tickets.push(ticket);
            });
            if seat + 1 >= self.most {
                open.remove(&key);
            }
            return (going, seat);
        }
        let (tickets, joined) = watch::channel(vec![ticket]);
        let group = Group {
            gather: Arc::clone(self),
            context: Arc::clone(context),
            key: key.clone(),
            step: call.step.to_owned(),
            body: call.body.clone(),
            joined,
        };
        let going = group.go().map(Arc::new).boxed().shared();
        // One that nobody has polled yet can always be had again.
        if let Some(weak) = going.downgrade() {
            open.insert(
                key,
                Open {
                    going: weak,
                    tickets,
                },
            );
        }
        (going, 0)
    }

    fn is_vain(&self, name: &str) -> bool {
        let unseen = lock(&self.unseen);
        unseen.get(name).is_some_and(|count| *count >= MOST_UNSEEN)
    }

    /// A group has come back of which something showed, or nothing: whether it is the one that ends such requests.
    fn saw(&self, name: &'static str, something: bool) -> bool {
        let mut unseen = lock(&self.unseen);
        let count = unseen.entry(name).or_default();
        *count = match something {
            true => 0,
            false => count.saturating_add(1),
        };
        *count == MOST_UNSEEN
    }

    /// The system knows no such request: whether that is new.
    fn give_up(&self, name: &'static str) -> bool {
        lock(&self.unseen)
            .insert(name, u32::MAX)
            .is_none_or(|count| count < MOST_UNSEEN)
    }
}

/// A group from its first member on.
struct Group {
    gather: Arc<Gather>,
    context: Arc<RunContext>,
    key: Key,
    step: String,
    body: Value,
    joined: watch::Receiver<Vec<Ticket>>,
}

impl Group {
    /// Waits for members, leaves, and reads back what came of it.
    async fn go(mut self) -> Went {
        self.fill().await;
        let seats = self.close();
        if seats.len() < LEAST {
            return Went::All(Taken::Alone);
        }
        let mut seen = HashSet::new();
        let tickets = seats.iter().filter(|ticket| seen.insert(&ticket.id));
        let tickets: Vec<Ticket> = tickets.cloned().collect();
        let context = &self.context;
        let Some(slot) = context.permit(GRACE).await else {
            return Went::All(Taken::Halted);
        };
        context.bulk.fetch_add(1, Ordering::Relaxed);
        let request = context.system.perform_bulk(self.call(&tickets));
        let answered = context.leave(request).await;
        drop(slot);
        // What ends a ticket, and was refused in a form that proves nothing, may be done.
        let shapes = context.system.shapes();
        let is_proven = context.system.schema().is_repeatable(&self.step)
            || (answered.shape.as_ref()).is_none_or(|shape| shapes.is_proven(shape));
        let unproven = |why: &str| {
            format!(
                "the system refused it for many tickets at once, in a form that proves nothing: {why}"
            )
        };
        let doubt = match answered.outcome {
            Outcome::Done(taken) => {
                let warnings = taken.warnings.into_iter();
                warnings.for_each(|warning| context.tell(Signal::Note(warning)));
                "the system took it on with others, and the ticket does not show it yet".to_owned()
            }
            Outcome::InDoubt(what) => what,
            Outcome::Rejected(refusal) => {
                if matches!(refusal.status, 404 | 405) && self.gather.give_up(self.key.0) {
                    self.tell_vain(&format!(
                        "the system refuses it ({}: {})",
                        refusal.status, refusal.message
                    ));
                }
                match is_proven {
                    true => return Went::All(Taken::Alone),
                    false => unproven(&refusal.message),
                }
            }
            Outcome::Forbidden(refusal) => {
                if self.gather.give_up(self.key.0) {
                    self.tell_vain(&format!(
                        "the token may not do it for many tickets at once ({}: {})",
                        refusal.status, refusal.message
                    ));
                }
                match is_proven {
                    true => return Went::All(Taken::Alone),
                    false => unproven(&refusal.message),
                }
            }
            Outcome::Throttled(asked) if !is_proven => {
                context.limiter.pause_for(asked);
                unproven("too many requests")
            }
            Outcome::Denied(what) if !is_proven => unproven(&what),
            Outcome::Denied(what) => {
                let what = format!("{what} (asked for many tickets at once: leave `--bulk` out)");
                return Went::All(Taken::Answered(Outcome::Denied(what)));
            }
            other => return Went::All(Taken::Answered(other)),
        };
        let shown = self.look(&tickets).await;
        if self.gather.saw(self.key.0, !shown.is_empty()) {
            self.tell_vain("no ticket shows in time what was asked for");
        }
        let of = |ticket: Ticket| {
            Taken::Answered(match shown.contains(&ticket.id) {
                true => Outcome::Done(ticket),
                false => Outcome::InDoubt(doubt.clone()),
            })
        };
        Went::Each(seats.into_iter().map(of).collect())
    }

    fn call<'a>(&'a self, tickets: &'a [Ticket]) -> BulkCall<'a> {
        BulkCall {
            step: &self.step,
            body: &self.body,
            tickets,
        }
    }

    fn tell_vain(&self, why: &str) {
        self.context.tell(Signal::Note(format!(
            "`{}` is not asked for in bulk any more, but ticket by ticket: {why}",
            self.key.0
        )));
    }

    /// Waits until it is full, or no more come, or the run is to stop.
    async fn fill(&mut self) {
        let last = Instant::now() + LONGEST;
        while self.joined.borrow_and_update().len() < self.gather.most {
            let wait = IDLE.min(last.saturating_duration_since(Instant::now()));
            let joined = tokio::select! {
                biased;
                () = self.context.halted(Duration::ZERO) => false,
                joined = timeout(wait, self.joined.changed()) => matches!(joined, Ok(Ok(()))),
            };
            if !joined {
                return;
            }
        }
    }

    /// Nobody joins any more: its tickets.
    fn close(&self) -> Vec<Ticket> {
        let mut open = lock(&self.gather.open);
        let is_this = |group: &Open| group.tickets.subscribe().same_channel(&self.joined);
        if open.get(&self.key).is_some_and(is_this) {
            open.remove(&self.key);
        }
        self.joined.borrow().clone()
    }

    /// The tickets that show what was set, after a few looks.
    async fn look(&self, tickets: &[Ticket]) -> HashSet<String> {
        let mut shown = HashSet::new();
        let looks = async {
            for (nth, pause) in LOOKS.into_iter().enumerate() {
                sleep(pause).await;
                let open = tickets.iter().filter(|ticket| !shown.contains(&ticket.id));
                let open: Vec<Ticket> = open.cloned().collect();
                let Some(_slot) = self.context.slot(GRACE).await else {
                    return;
                };
                let is_last = nth + 1 == LOOKS.len();
                let permit = self.context.limiter.as_ref();
                let looked = self.context.system.shown(self.call(&open), is_last, permit);
                // One that fails shows nothing; the rows hear that they are in doubt.
                let looked = looked.await.unwrap_or_default();
                let seen = open
                    .into_iter()
                    .zip(looked)
                    .filter(|(_, is_shown)| *is_shown);
                shown.extend(seen.map(|(ticket, _)| ticket.id));
                if shown.len() == tickets.len() {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            () = looks => {}
            () = self.context.halted(GRACE) => {}
        }
        shown
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
