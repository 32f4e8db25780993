//! The pool of rows in doubt: when they are due, and the listing that settles them.
//!
//! Rows are settled by one listing at the end, when nothing else is left to do; while others are still sent, only
//! when very many are due.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::Settings;
use super::alike::{Alike, alike};
use super::context::RunContext;
use super::plan::{Doubt, Doubtful};
use super::settle::{Decision, Swept, settle, sweep};
use crate::error::Result;
use crate::event::{Event, Wait};

/// How many rows must be due for a listing while others are still sent.
const ENOUGH_DUE: usize = 500;
/// How many rows may be in doubt before no more are read: they are held with their requests.
const MOST: usize = 10_000;

/// For so many times the whole wait a row that was in doubt is looked at by later runs too.
const LONG: u32 = 10;

struct Waiting {
    row: Doubtful,
    due: Instant,
    /// A listing has left it open already; the next one that counts is the last.
    tried: bool,
}

/// What a listing brought.
pub(super) enum Settled {
    /// About rows in doubt.
    Decisions(Vec<Decision>),
    /// About rows that have their ticket and have another one besides; or why there was no listing. The same of rows whose
    /// tickets bear no reference.
    Doubles(
        std::result::Result<Swept, String>,
        std::result::Result<Alike, String>,
    ),
}

pub(super) struct Pool<'e> {
    context: Arc<RunContext>,
    wait: Duration,
    commit_within: Duration,
    visible_within: Duration,
    started: Instant,
    /// Whether rows make tickets that bear no reference.
    is_unmarked: bool,
    waiting: Vec<Waiting>,
    /// The rows that the running listing is about, and whether it is the last for them.
    asked: Vec<Doubtful>,
    last: bool,
    pub(super) round: Option<BoxFuture<'e, Result<Settled>>>,
    /// When the last row in doubt was settled: what was sent for it since is to be visible to the sweep.
    settled: Option<Instant>,
    swept: bool,
    told: bool,
    quiet: bool,
}

impl<'e> Pool<'e> {
    pub(super) fn new(
        context: Arc<RunContext>,
        settings: &Settings,
        started: Instant,
        is_unmarked: bool,
    ) -> Self {
        Self {
            context,
            wait: settings.commit_within + settings.visible_within,
            commit_within: settings.commit_within,
            visible_within: settings.visible_within,
            started,
            is_unmarked,
            waiting: Vec::new(),
            asked: Vec::new(),
            last: false,
            round: None,
            settled: None,
            swept: false,
            told: false,
            quiet: false,
        }
    }

    /// A request of this run whose answer has just been missed: sent now at the latest.
    pub(super) fn add(&mut self, row: Doubtful) {
        // One of a shape that is proven is looked up when there is time: nothing waits for it.
        let wait = match row.doubt.soft.as_ref().is_some_and(|soft| soft.proven) {
            true => Duration::ZERO,
            false => self.wait,
        };
        self.push(row, Instant::now() + wait);
    }

    /// A request of an earlier run. When it left is known only by a clock that may have been set since, so the
    /// whole wait runs from our own start; but one that was answered and settled waits by that clock alone.
    pub(super) fn add_of_earlier_run(&mut self, row: Doubtful) {
        let due = match row.doubt.is_settled() {
            true => self.context.surprise_over(row.doubt.sent()),
            false => self.started + self.wait,
        };
        self.push(row, due);
    }

    fn push(&mut self, row: Doubtful, due: Instant) {
        self.waiting.push(Waiting {
            row,
            due,
            tried: false,
        });
    }

    /// Puts a row back that a listing left open while others are still sent.
    pub(super) fn put_back(&mut self, row: Doubtful) {
        self.waiting.push(Waiting {
            row,
            due: Instant::now(),
            tried: true,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.round.is_none()
    }

    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < MOST
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_empty() && self.swept
    }

    /// When something becomes due that nothing else will wake us for.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.round.is_some() || !self.quiet {
            return None;
        }
        let due = self.waiting.iter().map(|waiting| waiting.due).max();
        due.or_else(|| self.sweep_due().filter(|_| !self.swept))
    }

    fn sweep_due(&self) -> Option<Instant> {
        self.settled.map(|at| at + self.visible_within)
    }

    /// Starts a listing when there is reason for one. `quiet`: nothing else is to be done now; `last`: nothing that tells
    /// more about the rows in doubt comes later; `sweeps`: nothing is sent any more.
    pub(super) fn advance(&mut self, quiet: bool, last: bool, sweeps: bool) -> Option<Event> {
        self.quiet = quiet;
        if self.round.is_some() {
            return None;
        }
        let now = Instant::now();
        if !quiet {
            let is_due = |waiting: &Waiting| !waiting.tried && waiting.due <= now;
            if self.waiting.len() >= ENOUGH_DUE
                && self.waiting.iter().filter(|row| is_due(row)).count() >= ENOUGH_DUE
            {
                let due = self.waiting.extract_if(.., |row| is_due(row)).collect();
                self.ask(due, false);
            }
            return None;
        }
        let Some(due) = self.waiting.iter().map(|waiting| waiting.due).max() else {
            return match sweeps && !self.swept {
                true => self.look_for_doubles(now),
                false => None,
            };
        };
        if due > now {
            return (!std::mem::replace(&mut self.told, true)).then(|| {
                Event::Waiting(Wait::Doubt {
                    rows: self.waiting.len(),
                    left: due - now,
                })
            });
        }
        let all = std::mem::take(&mut self.waiting);
        self.ask(all, last);
        std::mem::take(&mut self.told).then_some(Event::Shutdown)
    }

    fn ask(&mut self, rows: Vec<Waiting>, last: bool) {
        self.last = last;
        self.asked = rows.into_iter().map(|waiting| waiting.row).collect();
        let doubts: Vec<Doubt> = self.asked.iter().map(|row| row.doubt.clone()).collect();
        let (context, commit_within) = (self.context.clone(), self.commit_within);
        self.settled = Some(Instant::now());
        self.round = Some(Box::pin(async move {
            settle(&context, &doubts, commit_within)
                .await
                .map(Settled::Decisions)
        }));
    }

    fn look_for_doubles(&mut self, now: Instant) -> Option<Event> {
        if let Some(due) = self.sweep_due().filter(|due| *due > now) {
            return (!std::mem::replace(&mut self.told, true))
                .then(|| Event::Waiting(Wait::Sweep(due - now)));
        }
        self.swept = true;
        let (context, long) = (self.context.clone(), self.wait * LONG);
        let unmarked = self.is_unmarked.then_some(self.commit_within);
        self.round = Some(Box::pin(async move {
            let swept = sweep(&context, long).await?;
            let alike = match unmarked {
                Some(commit_within) => alike(&context, commit_within, long).await?,
                None => Ok(Alike::default()),
            };
            Ok(Settled::Doubles(swept, alike))
        }));
        std::mem::take(&mut self.told).then_some(Event::Shutdown)
    }

    /// The rows that the listing was about, and whether nothing else will tell more about them.
    pub(super) fn answered(&mut self) -> (Vec<Doubtful>, bool) {
        (std::mem::take(&mut self.asked), self.last)
    }

    /// Gives up all rows: the run stops.
    pub(super) fn give_up(&mut self) -> Vec<Doubtful> {
        self.round = None;
        let mut rows = std::mem::take(&mut self.asked);
        rows.extend(self.waiting.drain(..).map(|waiting| waiting.row));
        rows
    }
}
