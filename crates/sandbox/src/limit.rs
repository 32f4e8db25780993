//! The rate limit: a token bucket that holds one second's worth (`cli.md`, the sandbox's address).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A bucket that fills steadily and holds what one second brings.
#[derive(Debug)]
pub(super) struct Bucket {
    level: Mutex<Level>,
}

#[derive(Debug)]
struct Level {
    rate: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket; a rate of 0 lets everything pass.
    pub(super) fn new(rate: f64, now: Instant) -> Self {
        Self {
            level: Mutex::new(Level {
                rate,
                tokens: rate.max(1.0),
                at: now,
            }),
        }
    }

    /// Takes one token, or says how long until there is one.
    pub(super) fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut level = self.level();
        let rate = level.rate;
        if rate <= 0.0 {
            return Ok(());
        }
        let elapsed = now.saturating_duration_since(level.at).as_secs_f64();
        level.tokens = (level.tokens + elapsed * rate).min(rate.max(1.0));
        level.at = now.max(level.at);
        if level.tokens >= 1.0 {
            level.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - level.tokens) / rate))
    }

    /// Fills at another rate from now on.
    pub(super) fn set(&self, rate: f64, now: Instant) {
        let mut level = self.level();
        level.tokens = level.tokens.min(rate.max(1.0));
        level.rate = rate;
        level.at = now.max(level.at);
    }

    fn level(&self) -> MutexGuard<'_, Level> {
        self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_holds_one_second_and_refills_at_its_rate() {
        let start = Instant::now();
        let bucket = Bucket::new(10.0, start);
        assert_eq!((0..20).filter(|_| bucket.take(start).is_ok()).count(), 10);
        let wait = bucket.take(start).unwrap_err();
        assert_eq!(wait.as_millis(), 100);
        let later = start + Duration::from_millis(500);
        assert_eq!((0..20).filter(|_| bucket.take(later).is_ok()).count(), 5);
        let much_later = start + Duration::from_secs(60);
        assert_eq!(
            (0..20).filter(|_| bucket.take(much_later).is_ok()).count(),
            10
        );
    }

    #[test]
    fn a_lowered_rate_takes_its_surplus_with_it() {
        let start = Instant::now();
        let bucket = Bucket::new(100.0, start);
        bucket.set(10.0, start);
        assert_eq!((0..50).filter(|_| bucket.take(start).is_ok()).count(), 10);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..50).filter(|_| bucket.take(later).is_ok()).count(), 10);
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        let bucket = Bucket::new(0.0, Instant::now());
        assert!((0..10_000).all(|_| bucket.take(Instant::now()).is_ok()));
    }
}
