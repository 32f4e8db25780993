//! The time on the system's clock while ours may be set: forward, back, or to sleep.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Knows two times: our wall clock's, and the start's with what the monotonic clock counted since. A clock that is
/// set back makes the first too early, a computer that slept makes the second too early.
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
        self.wall().min(self.counted())
    }

    /// No earlier than now: until here a ticket may have been made.
    pub(super) fn latest(&self) -> Timestamp {
        self.wall().max(self.counted())
    }

    fn wall(&self) -> Timestamp {
        self.shifted(Timestamp::now())
    }

    fn counted(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX);
        let now = self.started.checked_add(passed).unwrap_or(self.started);
        self.shifted(now)
    }

    fn shifted(&self, at: Timestamp) -> Timestamp {
        at.checked_add(self.offset).unwrap_or(at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A wall clock that stands an hour before where the counted one is: set back after the start.
    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_back_widens_the_window_of_doubt() {
        let offset = SignedDuration::from_mins(5);
        let clock = Clock::start(offset);
        let before = Timestamp::now() + offset;
        // The paused clock counts an hour in which the wall clock does not move.
        tokio::time::advance(Duration::from_secs(3_600)).await;
        let (earliest, latest) = (clock.earliest(), clock.latest());
        let hour = latest.duration_since(earliest);
        assert!((3_590..=3_601).contains(&hour.as_secs()), "{hour}");
        assert!(earliest.duration_since(before).abs() < SignedDuration::from_secs(5));
        assert!(earliest <= latest);
    }
}
