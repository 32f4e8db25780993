//! The time on the system's clock while ours may be set: forward, back, or to sleep.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::systems::ours_beside;

/// Knows two times: our wall clock's, and the start's with what the monotonic clock counted since. The second is never
/// late, whatever happens to the first, and early by what the computer slept; the first may be anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    started: Timestamp,
    since: Instant,
    /// The system's clock less ours, at the start.
    offset: SignedDuration,
}

impl Clock {
    /// Starts at this moment.
    pub(super) fn start(offset: SignedDuration) -> Self {
        Self {
            started: Timestamp::now(),
            since: Instant::now(),
            offset,
        }
    }

    /// No later than now: from here on a ticket may have been made.
    pub(super) fn earliest(&self) -> Timestamp {
        self.counted()
    }

    /// The same by our own clock, where that and the system's are apart: either may be the wrong one.
    pub(super) fn ours(&self) -> Option<Timestamp> {
        ours_beside(self.counted(), self.counted_by_ours())
    }

    /// No later than now by either clock.
    pub(super) fn surely(&self) -> Timestamp {
        let theirs = self.earliest();
        self.ours().map_or(theirs, |ours| ours.min(theirs))
    }

    /// No earlier than now: until here a ticket may have been made.
    pub(super) fn latest(&self) -> Timestamp {
        self.wall().max(self.counted())
    }

    fn wall(&self) -> Timestamp {
        self.shifted(Timestamp::now())
    }

    fn counted(&self) -> Timestamp {
        self.shifted(self.counted_by_ours())
    }

    fn counted_by_ours(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX);
        self.started.checked_add(passed).unwrap_or(self.started)
    }

    fn shifted(&self, at: Timestamp) -> Timestamp {
        at.checked_add(self.offset).unwrap_or(at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn started(before: SignedDuration) -> Clock {
        Clock {
            started: Timestamp::now() - before,
            since: Instant::now(),
            offset: SignedDuration::from_mins(5),
        }
    }

    fn from_now(at: Timestamp) -> i64 {
        at.duration_since(Timestamp::now() + SignedDuration::from_mins(5))
            .as_mins()
    }

    #[test]
    fn a_clock_that_is_set_changes_no_time_that_was_counted() {
        let hour = SignedDuration::from_hours(1);
        // Set back by an hour: what was counted stands an hour ahead of it.
        let back = started(-hour);
        assert!((59..=60).contains(&from_now(back.earliest())));
        assert!((59..=60).contains(&from_now(back.latest())));
        // Set forward, or awake after an hour: a ticket may have been made at any time between.
        let forward = started(hour);
        assert!((-60..=-59).contains(&from_now(forward.earliest())));
        assert!((-1..=0).contains(&from_now(forward.latest())));
    }

    #[test]
    fn the_earlier_of_two_clocks_is_sure() {
        // The system's clock is five minutes ahead of ours, or ours behind.
        let ahead = Clock::start(SignedDuration::from_mins(5));
        let ours = ahead.ours().expect("they are apart");
        assert_eq!(ahead.earliest().duration_since(ours).as_mins(), 5);
        assert!(ahead.surely() < ahead.earliest());
        let behind = Clock::start(SignedDuration::from_mins(-5));
        assert!(behind.surely() < behind.ours().expect("they are apart"));
        let agree = Clock::start(SignedDuration::from_secs(30));
        assert_eq!(agree.ours(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_counts_what_passes() {
        let clock = Clock::start(SignedDuration::from_mins(5));
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert!((59..=60).contains(&from_now(clock.earliest())));
    }
}
