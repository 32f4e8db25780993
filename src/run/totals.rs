//! The totals of a run, and the fold that makes them: every record ends in exactly one of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::error::Error;
use crate::event::{End, Event, Listener, RowEnd, Skip, Wait};
use crate::ledger::RunState;

use super::plan::RowHeader;

/// What became of the records of a run. The ends sum up to the records: see [`Totals::ended`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    /// The code of the run; `None` for a dry run.
    pub run: Option<String>,
    /// How far it came.
    pub state: RunState,
    /// Rows that stand in the input.
    pub rows: u64,
    /// Records they make.
    pub records: u64,
    /// Rows that `where` left out.
    pub filtered: u64,
    /// Made by this run.
    pub created: u64,
    /// Made before, and updated by this run.
    #[serde(default)]
    pub updated: u64,
    /// Made before, but not by this run: what was open of them was done.
    #[serde(default)]
    pub known: u64,
    /// Would be made or updated (dry run).
    pub ready: u64,
    /// Made before with the same content.
    pub done_before: u64,
    /// Made before from other content.
    pub changed: u64,
    /// The same row stands earlier in the input.
    pub repeated: u64,
    /// The mapping said `skip_row`.
    pub skipped_by_mapping: u64,
    /// Exported rows that nobody has changed, or of which the desk says the same already.
    #[serde(default)]
    pub unedited: u64,
    /// Exported rows that were changed in the desk too.
    #[serde(default)]
    pub in_conflict: u64,
    /// A person has settled it as not to be sent.
    #[serde(default)]
    pub skipped_by_hand: u64,
    /// The row must change.
    pub rejected: u64,
    /// Made, but a later step was not.
    pub incomplete: u64,
    /// Nobody knows.
    pub in_doubt: u64,
    /// The run stopped before.
    pub not_sent: u64,
    /// Requests that left for rows.
    pub requests: u64,
    /// Those of them that were for many tickets at once.
    #[serde(default)]
    pub bulk: u64,
    /// Requests that were too fast for the system.
    pub throttled: u64,
    /// Tickets that were found twice for one row.
    pub doubles: u64,
    /// Whether the last look for duplicates could not see everything.
    #[serde(default)]
    pub unswept: bool,
    /// Whether steps count as done that the system never said it has done.
    #[serde(default)]
    pub unproven: bool,
    /// For what the run waited, by what is said of it.
    #[serde(default)]
    pub waits: BTreeMap<String, Waited>,
    /// How long the run took.
    pub elapsed: Duration,
    /// What stopped the run before its end, other than Ctrl-C.
    #[serde(skip)]
    pub stopped: Option<Error>,
}

impl Totals {
    /// All that was skipped, whatever the reason.
    pub fn skipped(&self) -> u64 {
        self.done_before
            + self.changed
            + self.repeated
            + self.skipped_by_mapping
            + self.unedited
            + self.in_conflict
            + self.skipped_by_hand
    }

    /// Records that have an end; all of them when the run is over.
    pub fn ended(&self) -> u64 {
        self.created
            + self.updated
            + self.known
            + self.ready
            + self.skipped()
            + self.rejected
            + self.incomplete
            + self.in_doubt
            + self.not_sent
    }

    fn count(&mut self, end: &End) {
        *match end {
            End::Created { .. } => &mut self.created,
            End::Updated { .. } => &mut self.updated,
            End::Known { .. } => &mut self.known,
            End::Ready { .. } => &mut self.ready,
            End::Skipped(Skip::DoneBefore { .. }) => &mut self.done_before,
            End::Skipped(Skip::Changed { .. }) => &mut self.changed,
            End::Skipped(Skip::Repeated { .. }) => &mut self.repeated,
            End::Skipped(Skip::ByMapping { .. }) => &mut self.skipped_by_mapping,
            End::Skipped(Skip::Unedited) => &mut self.unedited,
            End::Skipped(Skip::Conflict) => &mut self.in_conflict,
            End::Skipped(Skip::ByHand) => &mut self.skipped_by_hand,
            End::Rejected(_) => &mut self.rejected,
            End::Incomplete { .. } => &mut self.incomplete,
            End::InDoubt { .. } => &mut self.in_doubt,
            End::NotSent => &mut self.not_sent,
        } += 1;
    }
}

/// How often a run waited for something, and how long in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Waited {
    /// How often.
    pub times: u64,
    /// In seconds.
    pub seconds: f64,
}

/// The one fold: counts, and tells the listener.
pub(super) struct Fold<'l> {
    pub(super) totals: Totals,
    /// For what the run waits, and since when.
    waiting: Option<(&'static str, Instant)>,
    listener: &'l mut dyn Listener,
}

impl<'l> Fold<'l> {
    pub(super) fn new(
        (rows, records, filtered): (u64, u64, u64),
        listener: &'l mut dyn Listener,
    ) -> Self {
        listener.on(&Event::Counted {
            rows,
            records,
            filtered,
        });
        Self {
            totals: Totals {
                rows,
                records,
                filtered,
                ..Totals::default()
            },
            waiting: None,
            listener,
        }
    }

    /// Notes how long the run waits, and for what.
    fn wait(&mut self, now: Option<&'static str>) {
        // A wait is told again while it goes on.
        if now.is_some() && self.waiting.map(|(what, _)| what) == now {
            return;
        }
        if let Some((what, since)) = self.waiting.take() {
            let waited = self.totals.waits.entry(what.to_owned()).or_default();
            waited.times += 1;
            waited.seconds += since.elapsed().as_secs_f64();
        }
        self.waiting = now.map(|what| (what, Instant::now()));
    }

    pub(super) fn tell(&mut self, event: &Event) {
        match event {
            Event::Waiting(wait) => self.wait(Some(match wait {
                Wait::Pause(_) => "the system asked for a pause",
                Wait::Spent(_) => "the system's limit was used up",
                Wait::Doubt { .. } => "rows in doubt could be looked up only later",
                Wait::Sweep(_) => "the last look for duplicates",
                Wait::Closed(_) => "outside the hours in which it may send",
            })),
            Event::Shutdown => self.wait(None),
            _ => {}
        }
        self.listener.on(event);
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.tell(&Event::Note(text.into()));
    }

    /// A record has reached its end.
    pub(super) fn end(&mut self, base: RowHeader, end: End) {
        self.totals.count(&end);
        let keeps_rows = match &end {
            End::Rejected(_) | End::Incomplete { .. } => true,
            End::Ready { payloads, .. } => !payloads.is_empty(),
            _ => false,
        };
        self.listener.on(&Event::Row(Box::new(RowEnd {
            place: base.place,
            key: base.key,
            rows: if keeps_rows { base.rows } else { Vec::new() },
            end,
        })));
    }

    /// Counts the records that have no end as not sent, and hands the totals out.
    pub(super) fn finish(mut self, elapsed: Duration) -> Totals {
        self.wait(None);
        let totals = &mut self.totals;
        let missing = totals.records.saturating_sub(totals.ended());
        totals.not_sent += missing;
        totals.elapsed = elapsed;
        debug_assert_eq!(totals.ended(), totals.records, "every record has one end");
        self.totals
    }
}
