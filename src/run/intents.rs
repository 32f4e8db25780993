//! The engine's intents: which rows may be written as sent, how far ahead, and what comes of the writing.

use std::collections::HashSet;

use futures::future::BoxFuture;

use super::breaker::Flow;
use super::crash;
use super::engine::{Engine, maybe};
use super::intended::Intended;
use super::plan::Row;
use super::row::intent;
use crate::error::Result;
use crate::ledger::Change;
use crate::record::RowKey;
use crate::systems::CREATE;

/// How many intents are durable ahead of their requests at most.
const AHEAD: usize = 256;
/// How far ahead in time: well within the life of an intent.
const AHEAD_SECONDS: f64 = 2.0;
/// The same for rows whose intent stays in doubt for ever when a crash leaves it behind: as long as it takes to write it.
const AHEAD_SECONDS_UNMARKED: f64 = 0.05;

/// A group of rows whose intents are being written.
pub(super) struct Intending<'e> {
    pub(super) rows: Vec<Row>,
    since: Intended,
    done: Option<BoxFuture<'e, Result<Vec<RowKey>>>>,
}

/// The running write, when there is one.
pub(super) async fn intents(intending: &mut Option<Intending<'_>>) -> Result<Vec<RowKey>> {
    match intending {
        Some(intending) => maybe(&mut intending.done).await,
        None => std::future::pending().await,
    }
}

impl Engine<'_> {
    /// Writes the next group of intents, when the rows ahead have become few.
    pub(super) fn intend(&mut self) {
        let Some(first) = self.backlog.front() else {
            return;
        };
        // Those that have their intent, and whose request has not left.
        let mut waiting = self.ready.len();
        let ahead = match (&first.requests.reference, first.ticket.is_some()) {
            // An intent that a crash leaves behind stays in doubt for ever: no more of them than can leave at once.
            (None, false) => {
                waiting += self.unmarked.len();
                let few = self.context.limiter.rate().map_or(AHEAD, |rate| {
                    ((rate * AHEAD_SECONDS_UNMARKED) as usize).saturating_add(2)
                });
                few.min(self.places(first))
            }
            // Many wait for each other, and one request takes them along.
            _ if self.context.gather.is_some() => AHEAD,
            _ => self.context.limiter.rate().map_or(AHEAD, |rate| {
                // A float beyond the range becomes its end.
                ((rate * AHEAD_SECONDS) as usize).clamp(1, AHEAD)
            }),
        };
        let is_held = self.breaker.flow() == Flow::Held || self.watch.holds();
        if self.intending.is_some() || is_held || waiting > ahead / 2 {
            return;
        }
        let is_unmarked = first.makes_unmarked();
        let most = match is_unmarked {
            true => ahead.saturating_sub(waiting),
            false => ahead,
        };
        let mut rows = Vec::new();
        while rows.len() < most
            && let Some(row) = self.backlog.front()
            && row.makes_unmarked() == is_unmarked
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
        self.context.crash(crash::Place::BeforeIntent);
        let since = Intended::now(&self.context);
        let intents = rows.iter().map(|row| intent(row, since)).collect();
        let run = self.context.run.clone();
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
        let creates = (row.requests.steps.first()).is_some_and(|step| step.id.name == CREATE);
        if is_made && creates && !row.has_waited {
            // Counted by rows, not by steps: a row comes back once.
            self.watch.made();
        }
        if is_made && !self.proven.contains(group) {
            self.proven.insert(group.clone());
        }
        if self.probing.get(group) == Some(&row.base.ordinal) {
            self.probing.remove(group);
        }
    }

    /// A group of intents is durable, or could not be written.
    pub(super) fn intended(&mut self, late: Result<Vec<RowKey>>) {
        let Some(Intending { rows, since, .. }) = self.intending.take() else {
            return;
        };
        if late.is_ok() {
            self.context.crash(crash::Place::AfterIntent);
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

    /// An intent whose request never left.
    pub(super) fn withdraw(&mut self, row: Row) {
        let step = row.requests.steps[row.next].id.clone();
        self.changes.push(Change::Withdraw(row.key.clone(), step));
        self.not_sent(row);
    }
}
