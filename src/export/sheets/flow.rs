//! What came and went in a span of time, and what was open at its ends.

use jiff::Timestamp;

use super::facts::Facts;
use crate::systems::query::Span;

/// Counts of a span.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    span: Span,
    /// Where it ends, or now if that is earlier.
    end: Timestamp,
    pub(super) created: u64,
    pub(super) closed: u64,
    /// Open at its first moment.
    pub(super) at_start: u64,
    /// Open at its end, or now if that is earlier.
    pub(super) at_end: u64,
    /// Closed at a time that is not known, or without a time of creation: at which moments they were open cannot be told.
    pub(super) undated: u64,
    /// Open now although the system names a time of closing in the span or before: they were reopened, nobody tells when.
    pub(super) reopened: u64,
}

impl Flow {
    pub(super) fn new(span: Span, now: Timestamp) -> Self {
        Self {
            span,
            end: span.until.map_or(now, |until| until.min(now)),
            created: 0,
            closed: 0,
            at_start: 0,
            at_end: 0,
            undated: 0,
            reopened: 0,
        }
    }

    pub(super) fn holds(&self, at: Option<Timestamp>) -> bool {
        at.is_some_and(|at| self.span.from.is_none_or(|from| at >= from) && at < self.end)
    }

    pub(super) fn add(&mut self, facts: &Facts<'_>) {
        let created = facts.ticket.created;
        self.created += u64::from(self.holds(created));
        self.closed += u64::from(self.holds(facts.closed_at));
        let Some(made) = created else {
            self.undated += 1;
            return;
        };
        if !facts.is_open && facts.closed_at.is_none() {
            self.undated += u64::from(made < self.end);
            return;
        }
        let was_open =
            |at: Timestamp| made < at && facts.closed_at.is_none_or(|closed| closed >= at);
        self.at_start += u64::from(self.span.from.is_some_and(was_open));
        self.at_end += u64::from(was_open(self.end));
        let had_closed = facts.ticket.closed.is_some_and(|closed| closed < self.end);
        self.reopened += u64::from(facts.is_open && had_closed);
    }
}
