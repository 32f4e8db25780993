//! The engine: records in, outcomes out, with one bounded concurrent stage and one fold after it.
//!
//! ```text
//!           prepare + plan                       engine
//! items ──▶ states, mapping ──▶ backlog ─ intent ─▶ ready ──▶ rows under way ──▶ fold ──▶ events, ledger
//!           (threads)              ▲     (durable)            (row: steps in        │
//!                                  │                          order, limiter)       │ in doubt
//!                                  └──── settled as absent ──── settle ◀── pool ◀───┘
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `prepare` | reading and mapping on threads, in order, bounded |
//! | `compare` | the input against the ledger, before anything is sent |
//! | `clock` | the system's time while ours may be set |
//! | `plan` | what is to be done with a record: a pure function |
//! | `act` | the same for a record that acts on a ticket that is there |
//! | `update` | the same for a record of an upsert whose ticket was made before |
//! | `known` | which of a row's steps are done, under whatever name |
//! | `look` | the ticket that a row names, and whether a step in doubt was done |
//! | `edited` | an edited export against its baseline and the desk, before anything is sent |
//! | `guard` | what a later pass would set on tickets that people may have changed |
//! | `engine` | the loop: rows under way, and what happens next |
//! | `intended` | when an intent was written, while clocks may be set and computers sleep |
//! | `intents` | which rows are written as sent, and how far ahead |
//! | `ending` | how a run ends: done, stopped, interrupted |
//! | `rehearse` | the dry run: the same plans without the sending |
//! | `foresee` | which rows of a dry run name tickets that would not be made |
//! | `outcome` | the fold: what becomes of a row that came back, or was settled |
//! | `pool` | the rows in doubt, and when they are due |
//! | `context` | what all rows share: the system, the limits, what they tell |
//! | `row` | one row's steps, each sent until its answer means something else than *again* |
//! | `files` | steps that bring a file |
//! | `gather` | calls of several rows that become one request for many tickets |
//! | `staged` | a run in two stages: all tickets first, then what follows on them |
//! | `tied` | rows whose next step names the ticket of another row |
//! | `answers` | whose ticket an answer names |
//! | `unproven` | rows that the system refused in a shape that proves nothing: what becomes of them |
//! | `verify` | both tickets read before one of them is called a duplicate |
//! | `retry` | what an answer means, and when a request goes again |
//! | `limiter` | the rate, and the pause that all keep |
//! | `rollback` | a run taken back |
//! | `probe` | whether another ledger has sent a scope |
//! | `adopt` | a ledger rebuilt from markers |
//! | `spool` | tickets that were found, in a temporary database |
//! | `rekey` | rows that are done under other keys than the mapping makes now |
//! | `lookout` | looks at the system for tickets of the scope that the ledger does not know |
//! | `alike` | tickets that say the same as one of ours, where no reference tells whose they are |
//! | `settle` | one listing for all rows in doubt, and what it proves |
//! | `breaker` | when to stop because something is wrong with everything |
//! | `crash` | named places at which a run can be made to die, for the proof of the delivery |
//! | `totals` | the sums |

mod act;
mod adopt;
mod alike;
mod answers;
mod attached;
mod breaker;
mod clock;
mod compare;
mod context;
mod crash;
mod edited;
mod ending;
mod engine;
mod files;
mod foresee;
mod gather;
mod guard;
mod intended;
mod intents;
mod known;
mod limiter;
mod look;
mod lookout;
mod outcome;
mod plan;
mod pool;
mod prepare;
mod probe;
mod rehearse;
mod rekey;
mod retry;
mod rollback;
mod row;
mod settle;
mod spool;
mod staged;
mod tied;
mod totals;
mod unproven;
mod update;
mod verify;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::event::Listener;
use crate::files::Files;
use crate::ledger::{ActiveRun, RunLocks, RunMeta, Scope};
use crate::mapping::MapRows;
use crate::record::{Record, RowKey};
use crate::systems::System;
use plan::Planner;
use prepare::{Feed, Here, Known};
use totals::Fold;

pub use adopt::{Adopted, Marked, Marks, adopt, marked};
pub(crate) use attached::{know_files, note_of};
pub use breaker::MaxErrors;
pub use compare::{Compared, Near, Rows, compare, give_up};
pub use crash::{Crash, Place as CrashPlace};
pub(crate) use edited::TableBaseline;
pub use edited::{Clash, Counts, Desk, Edited, File, look as look_at_edits};
pub(crate) use guard::{Overwrite, overwrites};
pub use limiter::{Hours, LONGEST_PAUSE, Limiter, UNKNOWN_RATE};
pub(crate) use plan::step_in_words;
pub use prepare::Items;
pub use probe::{Sample, probe};
pub use rekey::{Definitions, Moved, moved};
pub use rollback::{Forecast, Taking, by_place};
pub use totals::{Totals, Waited};

/// How a run goes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Requests per second as configured; only told from here, the [`Limiter`] holds it.
    pub rate: Option<f64>,
    /// How many requests are under way at once; as many rows, unless calls go together.
    pub concurrency: usize,
    /// No request commits later than this after it was sent.
    pub commit_within: Duration,
    /// No commit stays invisible to listings longer than this.
    pub visible_within: Duration,
    /// When refusals stop the run.
    pub max_errors: MaxErrors,
    /// How many records that are not done yet the run takes up; the rest is not sent.
    pub limit: Option<u64>,
    /// Whether the sending is left out.
    pub dry_run: bool,
    /// Whether what is done counts as not done (`--again`): a dry run shows it, a real one has given the keys up.
    pub again: bool,
    /// Whether what the system refused goes again as it stands (`runs retry`).
    pub retry: bool,
    /// Whether a key that the input lacks counts as that of a ticket which an earlier run made: nobody asks a ledger.
    pub trusts_names: bool,
    /// Of which records a dry run keeps the payloads.
    pub keep: Keep,
    /// How many tickets that would be changed a dry run reads at most, to tell how; it keeps all payloads then.
    pub diff: usize,
    /// Whether calls that set the same on many tickets become one request, where the system has it.
    pub bulk: bool,
    /// How many mapping threads; `None`: as many as the machine has processors.
    pub workers: Option<usize>,
    /// Whether tickets of the input's rows that the ledger does not know are no reason to stop (`--trust-ledger`).
    pub trust_ledger: bool,
    /// The command that learns from the system what is there, for messages.
    pub adopt: String,
    /// When the desk had changed the tickets that were compared with the rows, by what the rows call them: one that it has
    /// changed since is not written to.
    pub compared: Arc<HashMap<String, jiff::Timestamp>>,
    /// Whether a ticket that an earlier run has made is read before something is set on it, and not written to where people
    /// have changed it since it was compared: so long after a request of ours a change may be what came of it.
    pub guards: Option<jiff::SignedDuration>,
    /// Where the files of rows come from and go to.
    pub files: Files,
    /// Where the run is made to die, for the proof of the delivery.
    pub crash: Option<Arc<Crash>>,
}

/// Of which records a dry run hands the payloads on, with the rows that made them: each costs memory and time on its
/// way, and most dry runs want few of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// At least of the first so many that would be made.
    First(usize),
    /// Of all.
    All,
}

impl Default for Keep {
    fn default() -> Self {
        Self::First(0)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rate: None,
            concurrency: 8,
            commit_within: Duration::from_secs(60),
            visible_within: Duration::from_secs(30),
            max_errors: MaxErrors::default(),
            limit: None,
            dry_run: false,
            again: false,
            retry: false,
            trusts_names: false,
            keep: Keep::default(),
            diff: 0,
            bulk: false,
            workers: None,
            trust_ledger: false,
            adopt: "deskferry runs adopt INPUT --mapping FILE".to_owned(),
            compared: Arc::default(),
            guards: None,
            files: Files::default(),
            crash: None,
        }
    }
}

/// What a run is about.
pub struct Job<'a> {
    /// The records of the input, in order.
    pub items: Items<'a>,
    /// What the first reading counted: rows, records, rows left out by `where`.
    pub counted: (u64, u64, u64),
    /// The mapping, bound to the input's tables.
    pub map: &'a dyn MapRows,
    /// Where the tickets go; may be absent in a dry run.
    pub system: Option<Arc<dyn System>>,
    /// Where the states are; may be absent in a dry run, which then knows of nothing that is done.
    pub ledger: Option<Scope>,
    /// The scope of the keys by which rows name the tickets that they act on, where they do.
    pub targets: Option<Scope>,
    /// What the ledger keeps about the run.
    pub meta: RunMeta,
    /// The locks of the scope, which a run that sends needs.
    pub locks: Option<RunLocks>,
    /// Reads the keys of the input anew: which are in it is asked when the system holds tickets that the ledger
    /// does not know. `None`: such a ticket counts as one of another input.
    pub reread: Option<Reread<'a>>,
    /// Reads the records once more, in the same order: then all tickets are made before anything follows on one of them.
    /// `None`: each row goes its whole way.
    pub again: Option<Again<'a>>,
}

/// Reads the records of an input once more, for an attempt that has made their tickets.
pub type Again<'a> = Box<dyn Fn(&ActiveRun) -> Result<Second<'a>> + Send + Sync + 'a>;

/// The records for the second stage of a run.
pub struct Second<'a> {
    /// The same records in the same order.
    pub items: Items<'a>,
    /// What puts the tickets into them that they name.
    pub refer: Option<Arc<dyn Refer>>,
}

/// Puts the tickets that the rows of a record name into them, once all are made. What is hashed stays as it is without
/// them, so that a record is the same whatever it names.
pub trait Refer: Send + Sync {
    /// The rows as they are sent; `None`: as they are. Of a request that an earlier attempt has sent, as the attempt of that
    /// code wrote them.
    fn rewrite(&self, rows: &[Record], as_of: Option<&str>) -> Option<Vec<Record>>;
}

/// Reads the records of an input anew, and hands on the key of each that has one.
pub type Reread<'a> = Box<dyn Fn(&mut dyn FnMut(RowKey)) -> Result<()> + Send + Sync + 'a>;

/// How far a run has been asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Shutdown {
    /// Not at all: it goes on.
    #[default]
    None,
    /// What is under way is finished, nothing new is sent.
    Drain,
    /// It returns at once; what was under way is in doubt, and the next run settles it.
    Abort,
}

/// Tells a run to stop; a sender that is gone says *go on* for ever.
pub type Stop = tokio::sync::watch::Receiver<Shutdown>;

/// Runs a job to its end: every record ends in exactly one outcome, told to the listener and summed up.
///
/// A run that stops before its end (unreachable, denied, too many refusals, an input that cannot be read on, a
/// ledger that fails) returns its totals too, with the error in [`Totals::stopped`]. Call it on a runtime of
/// several threads: on one of a single thread, reading and mapping hold up the sending.
///
/// # Errors
/// When the run cannot begin: no system or ledger for a real run, or a ledger that cannot be read or written.
pub async fn execute(
    job: Job<'_>,
    settings: &Settings,
    limiter: Arc<Limiter>,
    stop: Stop,
    listener: &mut dyn Listener,
) -> Result<Totals> {
    let started = Instant::now();
    let known = Known {
        rows: match &job.ledger {
            Some(scope) if !scope.is_empty().await? => Some(scope.clone()),
            _ => None,
        },
        targets: job.targets,
        acts: job.map.acting().is_some(),
    };
    let ours = match &job.ledger {
        Some(scope) => scope.attempts(&job.meta).await?,
        None => HashSet::new(),
    };
    let taking_back = match &job.ledger {
        Some(scope) => scope.taking_back().await?,
        None => HashMap::new(),
    };
    let planner = Planner {
        taking_back,
        system: job.system.clone(),
        dry_run: settings.dry_run,
        again: settings.again && settings.dry_run,
        retry: settings.retry,
        trusts_names: settings.trusts_names,
        keep: settings.keep,
        ours,
        stop: Some(stop.clone()),
        guards: settings.guards,
        ..Planner::of(job.map)
    };
    let differ = match (&job.system, settings.diff) {
        (_, 0) => None,
        (Some(system), most) => Some(rehearse::Differ {
            map: job.map,
            system: Arc::clone(system),
            limiter: Arc::clone(&limiter),
            left: AtomicUsize::new(most),
        }),
        (None, _) => return Err(Error::usage("tickets cannot be read without a system")),
    };
    let rehearsal = rehearse::Rehearsal {
        differ,
        foresight: foresee::Foresight::new(job.map.ties(), job.ledger.clone()),
    };
    let sending = if settings.dry_run {
        None
    } else {
        let (Some(system), Some(scope)) = (job.system, job.ledger) else {
            return Err(Error::usage("a run that sends needs a system and a ledger"));
        };
        let Some(locks) = job.locks else {
            return Err(Error::usage(
                "a run that sends needs the locks of its scope",
            ));
        };
        Some(engine::Sending {
            system,
            scope,
            limiter,
            meta: job.meta,
            locks,
            // Whoever sends rows once more wants what the looks would stop.
            marks: job.map.acting().is_none() && job.map.marks() && !settings.again,
            is_unmarked: job.map.acting().is_none() && !job.map.marks(),
            field: job.map.marker_field().map(str::to_owned),
            reread: job.reread,
            again: None,
        })
    };
    let again = job.again.filter(|_| !settings.dry_run);
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        let here = Here::new(job.items, &planner, known.clone());
        let planner = &planner;
        let again = again.map(|again| {
            Box::new(move |run: &ActiveRun| {
                let items = planner.second(run, &again)?;
                let here = Here::new(items, planner, known.of(run));
                Ok(Feed::Here(Box::new(here)))
            }) as staged::Again<'_>
        });
        let sending = sending.map(|sending| engine::Sending { again, ..sending });
        let feed = Feed::Here(Box::new(here));
        let fold = Fold::new(job.counted, listener);
        return engine::drive(feed, sending, settings, rehearsal, stop, fold, started).await;
    }
    let workers = settings
        .workers
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from));
    tokio::task::block_in_place(|| {
        std::thread::scope(|threads| {
            let feed = prepare::spawn(threads, job.items, &planner, known.clone(), workers);
            let planner = &planner;
            let again = again.map(|again| {
                Box::new(move |run: &ActiveRun| {
                    let (items, known) = (planner.second(run, &again)?, known.of(run));
                    Ok(prepare::spawn(threads, items, planner, known, workers))
                }) as staged::Again<'_>
            });
            let sending = sending.map(|sending| engine::Sending { again, ..sending });
            // What the run tells lives no longer than its threads.
            let fold = Fold::new(job.counted, &mut *listener);
            let driven = engine::drive(feed, sending, settings, rehearsal, stop, fold, started);
            Handle::current().block_on(driven)
        })
    })
}

#[cfg(test)]
mod tests;
