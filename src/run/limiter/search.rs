//! The search for a limit that nobody tells: slowly upwards while everything goes through, a tenth down when the
//! system says that it is too much.

use std::time::Duration;

use tokio::time::Instant;

/// How long a rate is looked at before it is raised.
const LOOK: Duration = Duration::from_secs(1);
/// By how much the rate is raised until the system has refused once, in requests per second.
const FIRST_STEP: f64 = 2.0;
/// By which part of it the rate is raised from then on: near the limit each step too far costs refusals.
const STEP: f64 = 0.01;
/// What is left of a rate that was too much.
const DOWN: f64 = 0.9;
/// Refusals within this time of one another answer requests that left at the same rate.
const SAME: Duration = Duration::from_millis(500);
/// A rate that is used less than this says nothing about a higher one.
const BUSY: f64 = 0.8;
/// The lowest rate that a search comes to.
const LOWEST: f64 = 0.2;

/// Where a search stands.
#[derive(Debug)]
pub(super) struct Search {
    rate: f64,
    has_refused: bool,
    since: Instant,
    taken: u32,
    lowered: Option<Instant>,
}

impl Search {
    /// A search from a rate; `known` when it was found before.
    pub(super) fn new(rate: f64, known: bool, now: Instant) -> Self {
        Self {
            rate,
            has_refused: known,
            since: now,
            taken: 0,
            lowered: None,
        }
    }

    /// Whether the system has shown its limit.
    pub(super) fn has_found(&self) -> bool {
        self.has_refused
    }

    /// A request leaves.
    pub(super) fn took(&mut self) {
        self.taken += 1;
    }

    /// A request went through: the higher rate, where it is time for one.
    pub(super) fn through(&mut self, now: Instant) -> Option<f64> {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed < LOOK {
            return None;
        }
        let is_busy = f64::from(self.taken) >= BUSY * self.rate * elapsed.as_secs_f64();
        self.since = now;
        self.taken = 0;
        if !is_busy {
            return None;
        }
        self.rate += if self.has_refused {
            self.rate * STEP
        } else {
            FIRST_STEP
        };
        Some(self.rate)
    }

    /// A request was too much: the lower rate.
    pub(super) fn refused(&mut self, now: Instant) -> Option<f64> {
        if self.lowered.is_some_and(|at| now - at < SAME) {
            return None;
        }
        self.lowered = Some(now);
        self.has_refused = true;
        self.since = now;
        self.taken = 0;
        self.rate = (self.rate * DOWN).max(LOWEST);
        Some(self.rate)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::time::sleep;

    use super::super::Limiter;
    use super::*;

    /// A system with a limit and a bucket of one second, as the sandbox has it.
    struct System {
        rate: f64,
        tokens: f64,
        at: Instant,
    }

    impl System {
        fn takes(&mut self, now: Instant) -> bool {
            let filled = (now - self.at).as_secs_f64() * self.rate;
            self.tokens = (self.tokens + filled).min(self.rate);
            self.at = now;
            let takes = self.tokens >= 1.0;
            self.tokens -= f64::from(u8::from(takes));
            takes
        }
    }

    /// Sends for so many seconds; for each second what was taken and what refused. `change` sets the system's limit
    /// at a second.
    async fn sent(
        limiter: Limiter,
        seconds: usize,
        rate: f64,
        change: Option<(u64, f64)>,
    ) -> Vec<(u32, u32)> {
        let start = Instant::now();
        let limiter = Arc::new(limiter);
        let system = Arc::new(Mutex::new(System {
            rate,
            tokens: rate,
            at: start,
        }));
        let counts = Arc::new(Mutex::new(vec![(0, 0); seconds]));
        let worker = |n: u64| {
            let (limiter, system, counts) = (limiter.clone(), system.clone(), counts.clone());
            async move {
                loop {
                    limiter.take().await;
                    // The way there and back, not the same for all.
                    sleep(Duration::from_millis(20 + n)).await;
                    let now = Instant::now();
                    let second = (now - start).as_secs() as usize;
                    if second >= seconds {
                        return;
                    }
                    let takes = {
                        let mut system = system.lock().unwrap();
                        if let Some((at, rate)) = change
                            && second as u64 >= at
                        {
                            system.rate = rate;
                        }
                        system.takes(now)
                    };
                    sleep(Duration::from_millis(20)).await;
                    if takes {
                        limiter.went_through();
                        counts.lock().unwrap()[second].0 += 1;
                    } else {
                        limiter.pause_for(Some(Duration::from_secs(1)));
                        counts.lock().unwrap()[second].1 += 1;
                    }
                }
            }
        };
        futures::future::join_all((0..16).map(worker)).await;
        let counts = counts.lock().unwrap();
        counts.clone()
    }

    /// The part of the limit that was used, and the part of the requests that was refused.
    fn used(counts: &[(u32, u32)], rate: f64) -> (f64, f64) {
        let taken: u32 = counts.iter().map(|(taken, _)| taken).sum();
        let refused: u32 = counts.iter().map(|(_, refused)| refused).sum();
        (
            f64::from(taken) / (rate * counts.len() as f64),
            f64::from(refused) / f64::from(taken + refused),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_limit_is_found_and_used() {
        for rate in [5.0, 25.0, 40.0, 60.0] {
            let counts = sent(Limiter::new(None), 150, rate, None).await;
            let (share, refused) = used(&counts[30..], rate);
            assert!(share >= 0.9, "{share:.3} of {rate}/s");
            assert!(refused < 0.02, "{refused:.4} refused at {rate}/s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_is_lowered_is_found_again() {
        let counts = sent(Limiter::new(None), 240, 40.0, Some((90, 10.0))).await;
        let (share, refused) = used(&counts[30..90], 40.0);
        assert!(share >= 0.9 && refused < 0.02, "{share:.3} {refused:.4}");
        let (share, refused) = used(&counts[130..], 10.0);
        assert!(share >= 0.9 && refused < 0.03, "{share:.3} {refused:.4}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_remembered_limit_is_used_from_the_start() {
        let counts = sent(Limiter::searching(Some(38.0)), 30, 40.0, None).await;
        let (share, refused) = used(&counts, 40.0);
        assert!(share >= 0.9 && refused < 0.02, "{share:.3} {refused:.4}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_that_is_not_used_is_not_raised() {
        let limiter = Limiter::new(None);
        for _ in 0..100 {
            limiter.take().await;
            sleep(Duration::from_secs(1)).await;
            limiter.went_through();
        }
        assert_eq!(limiter.rate(), Some(super::super::UNKNOWN_RATE));
        assert_eq!(limiter.found(), None);
    }
}
