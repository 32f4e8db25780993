//! Reading and mapping, ahead of the engine on threads of their own:
//!
//! ```text
//!            batch i to worker i mod N            batch i from worker i mod N
//! reader ═══════════════════════════▶ N workers ═══════════════════════════▶ engine
//! ```
//!
//! All channels are bounded, so memory is; taking the batches in turn keeps the order of the input without
//! sorting anything again. A worker looks quickly in the ledger which rows of a batch are done as they are, asks for the
//! states of those that are not, and maps what is to be sent.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::Scope as ThreadScope;

use tokio::sync::mpsc;

use super::act::{Answered, Asked};
use super::plan::{Plan, Planner};
use crate::error::Result;
use crate::intake::{Item, Subject};
use crate::ledger::{ActiveRun, Glance, Scope, StepRecord};
use crate::record::RowKey;

/// How many cells travel together at most.
const CELLS: usize = 64 * 1024;
/// How many records travel together at most.
pub(super) const BATCH: usize = 256;
/// How many batches wait before and behind each worker.
const WAITING: usize = 2;

/// Planned records, in the order of the input; an error is the last that comes.
pub(super) type Batch = Result<Vec<Plan>>;
/// The records of an input.
pub type Items<'a> = Box<dyn Iterator<Item = Result<Item>> + Send + 'a>;

/// Where planned batches come from.
pub(super) enum Feed<'a> {
    /// From threads.
    Threads {
        workers: Vec<mpsc::Receiver<Batch>>,
        turn: usize,
    },
    /// Made on the spot, where there is one thread only.
    Here(Box<Here<'a>>),
}

impl Feed<'_> {
    /// The next batch; `None` at the end. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Batch> {
        match self {
            Self::Threads { workers, turn } => {
                let batch = workers.get_mut(*turn)?.recv().await?;
                *turn = (*turn + 1) % workers.len();
                Some(batch)
            }
            Self::Here(here) => here.next().await,
        }
    }
}

/// Reading and mapping on the engine's own thread.
pub(super) struct Here<'a> {
    items: Items<'a>,
    planner: &'a Planner<'a>,
    known: Known,
    /// Read, but the ledger has not answered yet.
    waiting: Option<Result<Vec<Item>>>,
    over: bool,
}

impl<'a> Here<'a> {
    pub(super) fn new(items: Items<'a>, planner: &'a Planner<'a>, known: Known) -> Self {
        Self {
            items,
            planner,
            known,
            waiting: None,
            over: false,
        }
    }

    async fn next(&mut self) -> Option<Batch> {
        if self.over {
            return None;
        }
        let batch = self.waiting.get_or_insert_with(|| read(&mut self.items));
        let asked = match &*batch {
            Ok(batch) if self.known.acts => self.planner.ask(batch),
            Ok(batch) => Asked::of(keys(batch), absent(batch)),
            Err(_) => Asked::of(Vec::new(), Vec::new()),
        };
        let (rows, targets) = (self.known.rows.as_ref(), self.known.targets.as_ref());
        let prior = states(rows, &asked.keys).await;
        let made = states(targets, &asked.targets).await;
        let others = if self.known.acts { targets } else { rows };
        let named = states(others, &asked.named).await;
        let batch = self.waiting.take()?;
        self.over = batch.as_ref().map_or(true, Vec::is_empty);
        Some(batch.and_then(|mut batch| {
            if self.known.acts {
                let answered = Answered {
                    prior: prior?,
                    targets: made?,
                    named: named?,
                };
                return self.planner.act_all(batch, asked, answered);
            }
            leave_unknown(&mut batch, named?);
            plan(self.planner, batch, prior?)
        }))
    }
}

async fn states(scope: Option<&Scope>, keys: &[RowKey]) -> Result<Vec<Vec<StepRecord>>> {
    match scope {
        Some(scope) => scope.states(keys.to_vec()).await,
        None => Ok(Vec::new()),
    }
}

/// What the ledger may know about the rows.
#[derive(Clone)]
pub(super) struct Known {
    /// Their own scope, where it holds anything.
    pub(super) rows: Option<Scope>,
    /// The scope of the keys by which they name tickets.
    pub(super) targets: Option<Scope>,
    /// Whether they act on tickets that are there.
    pub(super) acts: bool,
}

impl Known {
    /// The same once this attempt has made tickets: a scope that was new is in the ledger by then.
    pub(super) fn of(&self, run: &ActiveRun) -> Self {
        Self {
            rows: Some(run.scope().clone()),
            ..self.clone()
        }
    }
}

/// Starts the reader and its workers. They end with the input, or when the feed is dropped.
pub(super) fn spawn<'scope, 'env>(
    threads: &'scope ThreadScope<'scope, 'env>,
    mut items: Items<'env>,
    planner: &'env Planner<'env>,
    known: Known,
    workers: usize,
) -> Feed<'static> {
    let mut to: Vec<SyncSender<Result<Vec<Item>>>> = Vec::new();
    let mut from = Vec::new();
    for _ in 0..workers.max(1) {
        let (input, batches) = sync_channel::<Result<Vec<Item>>>(WAITING);
        let (output, planned) = mpsc::channel(WAITING);
        let known = known.clone();
        threads.spawn(move || {
            for batch in batches {
                let planned = batch.and_then(|batch| match &known.rows {
                    _ if known.acts => act(planner, batch, &known),
                    Some(ledger) => resume(planner, batch, ledger),
                    None => plan(planner, batch, Vec::new()),
                });
                if output.blocking_send(planned).is_err() {
                    return;
                }
            }
        });
        to.push(input);
        from.push(planned);
    }
    threads.spawn(move || {
        for worker in to.iter().cycle() {
            let batch = read(&mut items);
            let last = batch.as_ref().map_or(true, Vec::is_empty);
            if worker.send(batch).is_err() || last {
                return;
            }
        }
    });
    Feed::Threads {
        workers: from,
        turn: 0,
    }
}

/// Up to [`BATCH`] records, fewer where they are wide; none at the end. What was read before an error is given up with it:
/// it has no end yet and is counted as not sent.
pub(super) fn read(items: &mut Items<'_>) -> Result<Vec<Item>> {
    let (mut batch, mut cells) = (Vec::with_capacity(BATCH), 0);
    while batch.len() < BATCH && cells < CELLS {
        let Some(item) = items.next() else {
            break;
        };
        let item = item?;
        cells += item.rows.iter().map(|row| row.cells.len()).sum::<usize>();
        batch.push(item);
    }
    Ok(batch)
}

/// The keys of those records of a batch that the ledger may know, in order.
pub(super) fn keys(batch: &[Item]) -> Vec<RowKey> {
    batch
        .iter()
        .filter_map(|item| match &item.subject {
            Subject::Keyed(key) => Some(key.clone()),
            _ => None,
        })
        .collect()
}

/// Leaves of the keys that records name and the input lacks those that the ledger lacks too; `made` tells in order which of
/// them have a ticket.
pub(super) fn leave_unknown(batch: &mut [Item], made: Vec<Vec<StepRecord>>) {
    let mut made = made.into_iter();
    for item in batch {
        item.absent.retain(|_| {
            let prior = made.next().unwrap_or_default();
            super::tied::made(&prior).is_none()
        });
    }
}

/// The keys that records of a batch name and the input lacks, in order.
pub(super) fn absent(batch: &[Item]) -> Vec<RowKey> {
    batch.iter().flat_map(|item| item.absent.clone()).collect()
}

/// Plans a batch of which the ledger may know rows: a quick look is enough for those that are done as they are.
fn resume(planner: &Planner<'_>, mut batch: Vec<Item>, ledger: &Scope) -> Batch {
    let named = absent(&batch);
    if !named.is_empty() {
        leave_unknown(&mut batch, ledger.states_blocking(named)?);
    }
    let mut glances = ledger.glance_blocking(keys(&batch))?.into_iter();
    let glances: Vec<Option<Glance>> = batch
        .iter()
        .map(|item| match &item.subject {
            Subject::Keyed(_) => glances.next().map(|glance| planner.judge(item, glance)),
            _ => None,
        })
        .collect();
    let open = batch.iter().zip(&glances);
    let open = open.filter_map(|(item, glance)| match (&item.subject, glance) {
        (Subject::Keyed(key), Some(Glance::Open)) => Some(key.clone()),
        _ => None,
    });
    let mut prior = ledger.states_blocking(open.collect())?.into_iter();
    let mut kept = 0;
    let planned = batch.into_iter().zip(glances).map(|(item, glance)| {
        planner.go_on()?;
        let mut plan = match glance {
            Some(Glance::Done(ticket, _)) => planner.done_as_it_is(item, ticket),
            Some(Glance::Open) => planner.plan(item, &prior.next().unwrap_or_default()),
            Some(Glance::Unknown) | None => planner.plan(item, &[]),
        };
        planner.trim(&mut plan, &mut kept);
        Ok(plan)
    });
    planned.collect()
}

/// Plans a batch of rows that act on tickets that are there.
fn act(planner: &Planner<'_>, batch: Vec<Item>, known: &Known) -> Batch {
    let asked = planner.ask(&batch);
    let states = |scope: &Option<Scope>, keys: &[RowKey]| match scope {
        Some(scope) => scope.states_blocking(keys.to_vec()),
        None => Ok(Vec::new()),
    };
    let answered = Answered {
        prior: states(&known.rows, &asked.keys)?,
        targets: states(&known.targets, &asked.targets)?,
        named: states(&known.targets, &asked.named)?,
    };
    planner.act_all(batch, asked, answered)
}

/// Plans a batch; `prior` is what the ledger knows of its keys, in order.
pub(super) fn plan(planner: &Planner<'_>, batch: Vec<Item>, prior: Vec<Vec<StepRecord>>) -> Batch {
    let mut prior = prior.into_iter();
    let mut kept = 0;
    batch
        .into_iter()
        .map(|item| {
            planner.go_on()?;
            let mut plan = match item.subject {
                Subject::Keyed(..) => {
                    let prior = prior.next().unwrap_or_default();
                    planner.plan(item, &prior)
                }
                _ => planner.plan(item, &[]),
            };
            planner.trim(&mut plan, &mut kept);
            Ok(plan)
        })
        .collect()
}
