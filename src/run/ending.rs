//! How a run ends: at the end of its records, because it is to stop, or because it cannot go on.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::engine::Engine;
use super::totals::Totals;
use crate::error::{Error, Result};
use crate::event::{End, Event};
use crate::ledger::{ActiveRun, Change, RunState, Unsettled};
use crate::record::RowKey;

/// How long a run that is to return at once still writes what it knows.
const LAST_WRITE: Duration = Duration::from_secs(2);

impl Engine<'_> {
    /// Ctrl-C, once.
    pub(super) fn drain(&mut self) {
        if self.is_halted() {
            return self.watch.forgive();
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
        self.halt.send_replace(Some(Instant::now()));
        for row in std::mem::take(&mut self.backlog) {
            self.not_sent(row);
        }
        for row in self.tied.give_up() {
            self.not_sent(row);
        }
        self.give_up_later();
        let delayed = std::mem::take(&mut self.delayed).into_iter();
        for row in delayed
            .map(|(_, row)| row)
            .chain(std::mem::take(&mut self.looking))
        {
            self.not_sent(row);
        }
        for (row, _) in std::mem::take(&mut self.ready) {
            self.withdraw(row);
        }
        for doubtful in self.pool.give_up() {
            if doubtful.doubt.is_settled() {
                self.end(doubtful.base, End::NotSent);
                continue;
            }
            if doubtful.doubt.soft.as_ref().is_some_and(|soft| soft.proven) {
                self.believed(doubtful);
                continue;
            }
            let reason = "the run stopped before it was settled: the next run finds out".to_owned();
            self.end(doubtful.base, End::InDoubt { reason });
        }
    }

    /// Ctrl-C, twice: what is under way is left to the next run.
    pub(super) async fn abort(&mut self) {
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
        let run = self.context.run.clone();
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

    /// Says what is left open, closes the run in the ledger, and hands the totals out.
    pub(super) async fn finish(mut self, run: &ActiveRun, started: Instant) -> Result<Totals> {
        self.tell_sent();
        while let Ok(signal) = self.heard.try_recv() {
            self.hear(signal);
        }
        self.tell_sent_again();
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
        if came_to_the_end
            && let Some(until) = self.watch.said()
            && !self.broken
        {
            let said = timeout(LAST_WRITE, run.apply(vec![Change::Looked(until)])).await;
            if let Ok(Err(error)) = said {
                self.break_with(error);
            }
        }
        self.fold.totals.unswept |= self.watch.failed;
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
