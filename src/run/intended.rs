//! When the intent of a request was written, and how long it lasts: by two clocks, one of which stands still while a computer
//! sleeps.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::context::RunContext;
use crate::systems::{Print, SentAt};

/// An intent older than this is written anew before its request leaves.
pub(super) const INTENT_LASTS: Duration = Duration::from_secs(10);

/// When an intent was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intended {
    /// On the system's clock, at the earliest.
    pub(super) at: Timestamp,
    /// At the latest.
    pub(super) until: Timestamp,
    /// By our own clock, where the two are apart.
    pub(super) ours: Option<Timestamp>,
    pub(super) since: Instant,
}

impl Intended {
    /// Before the writing of it begins.
    pub(super) fn now(context: &RunContext) -> Self {
        Self {
            at: context.now(),
            until: context.now_at_the_latest(),
            ours: context.ours(),
            since: Instant::now(),
        }
    }

    /// The same intent with the time of waking as its latest time, if the computer slept since it was written: only the
    /// wall clock counts that time.
    pub(super) fn slept(self, now: Timestamp) -> Option<Self> {
        let counted = self.until.checked_add(self.since.elapsed());
        let slept = now.duration_since(counted.ok()?);
        (slept.unsigned_abs() > INTENT_LASTS && slept.is_positive())
            .then_some(Self { until: now, ..self })
    }

    /// What was intended then, as the ledger keeps it.
    pub(super) fn on(&self, print: Print) -> Print {
        Print {
            until: Some(self.until),
            ours: self.ours,
            ..print
        }
    }

    pub(super) fn sent(&self) -> SentAt {
        SentAt {
            ours: self.ours,
            ..SentAt::from(self.at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_computer_that_slept_has_an_old_intent() {
        let now = Timestamp::now();
        let intended = Intended {
            at: now,
            until: now,
            ours: None,
            since: Instant::now(),
        };
        tokio::time::advance(Duration::from_secs(60)).await;
        // What was counted needs no sleep.
        assert!(intended.slept(now + Duration::from_secs(65)).is_none());
        let awake = now + Duration::from_secs(3_660);
        let later = intended.slept(awake).expect("it slept for an hour");
        assert_eq!((later.at, later.until), (now, awake));
        // A clock that was set back tells nothing.
        assert!(intended.slept(now - Duration::from_secs(3_600)).is_none());
    }
}
