//! The rate: a ceiling that is held or searched, and a pause that all workers keep.
//!
//! Who wants to send stands in one queue. The first in it waits for the end of a pause, then for the bucket; the
//! pause is one *deadline*, so that who comes late waits only for what is left of it.

mod hours;
mod search;

use std::num::NonZeroU32;
use std::sync::{Arc, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::systems::Permit;
use hours::Window;
use search::Search;

pub use hours::Hours;

/// The rate with which a search begins, in requests per second: gentle enough for any help desk.
pub const UNKNOWN_RATE: f64 = 10.0;
/// The longest pause that is kept, whatever the system asks for.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// The first pause where the system does not say how long; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause where the system does not say how long.
const LONGEST_OWN_PAUSE: Duration = Duration::from_secs(60);
/// Limits beyond these are held as these: one request an hour, a million a second.
const SLOWEST: f64 = 1.0 / 3600.0;
const FASTEST: f64 = 1_000_000.0;
/// How much of a second's requests may leave at once: with a burst of one the timer's grain costs 15–40 % at
/// 1,000/s, with this it costs nothing.
const BURST: Duration = Duration::from_millis(50);

/// Tokio's clock for governor: virtual time in tests moves both.
#[derive(Debug, Clone)]
struct TokioClock {
    start: Instant,
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// Holds the rate of one tenant and token; shared by all that send there.
#[derive(Debug)]
pub struct Limiter {
    held: std::sync::Mutex<Option<Held>>,
    search: std::sync::Mutex<Option<Search>>,
    clock: TokioClock,
    queue: Mutex<()>,
    pause: watch::Sender<Option<Pause>>,
    unasked: std::sync::Mutex<u32>,
    /// The hours outside which nothing leaves.
    window: OnceLock<Window>,
}

/// A pause that all keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Its end.
    pub until: Instant,
    /// Why.
    pub cause: Cause,
}

/// Why all pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The system refused a request as too fast.
    Asked,
    /// A success said that nothing remains of the limit.
    Spent,
    /// The hours in which requests leave have not begun.
    Closed,
}

/// A rate and what holds it.
#[derive(Debug, Clone)]
struct Held {
    rate: f64,
    bucket: Arc<Bucket>,
}

impl Limiter {
    /// A limiter for so many requests per second: `None` searches from [`UNKNOWN_RATE`]; zero or infinity is no
    /// limit.
    pub fn new(rate: Option<f64>) -> Self {
        match rate {
            Some(rate) => Self::holding(rate),
            None => Self::searching(None),
        }
    }

    /// A limiter that searches the limit, from the rate that an earlier search found.
    pub fn searching(found: Option<f64>) -> Self {
        let rate = found
            .filter(|rate| rate.is_finite() && *rate > 0.0)
            .unwrap_or(UNKNOWN_RATE);
        let limiter = Self::holding(rate);
        *lock(&limiter.search) = Some(Search::new(rate, found.is_some(), Instant::now()));
        limiter
    }

    fn holding(per_second: f64) -> Self {
        let clock = TokioClock {
            start: Instant::now(),
        };
        let limited = per_second.is_finite() && per_second > 0.0;
        let per_second = per_second.clamp(SLOWEST, FASTEST);
        let bucket = limited
            .then(|| quota(per_second))
            .flatten()
            .map(|quota| RateLimiter::direct_with_clock(quota, clock.clone()));
        let held = bucket.map(|bucket| Held {
            rate: per_second,
            bucket: Arc::new(bucket),
        });
        Self {
            held: std::sync::Mutex::new(held),
            search: std::sync::Mutex::new(None),
            clock,
            queue: Mutex::new(()),
            pause: watch::Sender::new(None),
            unasked: std::sync::Mutex::new(0),
            window: OnceLock::new(),
        }
    }

    /// From now on requests leave only within these hours of a zone; the first word counts.
    pub fn only_within(&self, hours: Hours, zone: TimeZone) {
        let _ = self.window.set(Window { hours, zone });
    }

    /// Pauses until the hours begin, where they have not.
    fn close(&self) {
        let closed = self
            .window
            .get()
            .and_then(|it| it.opens_in(Timestamp::now()));
        let Some(left) = closed else { return };
        let until = Instant::now() + left;
        self.pause.send_if_modified(|pause| {
            let is_longer = pause.is_none_or(|pause| pause.until < until);
            if is_longer {
                *pause = Some(Pause {
                    until,
                    cause: Cause::Closed,
                });
            }
            is_longer
        });
    }

    /// Requests per second at the moment, `None` without a limit.
    pub fn rate(&self) -> Option<f64> {
        lock(&self.held).as_ref().map(|held| held.rate)
    }

    /// The rate that is known, in requests per second: `None` without a limit, and while it is searched.
    pub fn ceiling(&self) -> Option<f64> {
        self.rate().filter(|_| !self.is_searching())
    }

    /// Whether the limit is searched.
    pub fn is_searching(&self) -> bool {
        lock(&self.search).is_some()
    }

    /// The rate that a search has come to, once the system has shown its limit.
    pub fn found(&self) -> Option<f64> {
        let found = lock(&self.search).as_ref().is_some_and(Search::has_found);
        self.rate().filter(|_| found)
    }

    /// Goes on at another rate. The new bucket starts empty: else each step would bring a burst of its own.
    fn hold(&self, rate: f64) {
        let Some(quota) = quota(rate) else { return };
        let bucket = RateLimiter::direct_with_clock(quota, self.clock.clone());
        while bucket.check().is_ok() {}
        *lock(&self.held) = Some(Held {
            rate,
            bucket: Arc::new(bucket),
        });
    }

    /// The end of the pause that is kept now or was kept last; changes are told.
    pub fn pauses(&self) -> watch::Receiver<Option<Pause>> {
        self.pause.subscribe()
    }

    /// Waits until one more request may leave: first in, first out.
    pub async fn take(&self) {
        let _turn = self.queue.lock().await;
        loop {
            self.close();
            self.pause_over().await;
            let Some(held) = lock(&self.held).clone() else {
                break;
            };
            if let Err(not_until) = held.bucket.check() {
                // A pause may come while we wait for the bucket, or another rate.
                sleep(not_until.wait_time_from(self.clock.now())).await;
                continue;
            }
            break;
        }
        if let Some(search) = lock(&self.search).as_mut() {
            search.took();
        }
    }

    /// The system asked for a pause, for so long, or without saying how long. A pause that is asked for while
    /// one is kept can only make it longer; one without a length says nothing new then, since it answers a
    /// request that left before. Returns the length that was asked for and is too long to be kept whole.
    pub fn pause_for(&self, asked: Option<Duration>) -> Option<Duration> {
        let now = Instant::now();
        if !self.is_paused() {
            let lower = lock(&self.search).as_mut().and_then(|it| it.refused(now));
            lower.into_iter().for_each(|rate| self.hold(rate));
        }
        let length = match asked {
            Some(asked) => asked.min(LONGEST_PAUSE),
            None if self.is_paused() => return None,
            None => self.next_unasked(),
        };
        self.pause_until(now + length, Cause::Asked);
        asked.filter(|asked| *asked > LONGEST_PAUSE)
    }

    /// Nothing remains of the system's limit for so long. Nothing was refused, so the rate is none the lower. Returns
    /// the length when it is too long to be kept whole.
    pub fn spent_for(&self, left: Duration) -> Option<Duration> {
        self.pause_until(Instant::now() + left.min(LONGEST_PAUSE), Cause::Spent);
        (left > LONGEST_PAUSE).then_some(left)
    }

    fn pause_until(&self, until: Instant, cause: Cause) {
        self.pause.send_if_modified(|pause| {
            let longer = pause.is_none_or(|pause| pause.until < until);
            if longer {
                *pause = Some(Pause { until, cause });
            }
            longer
        });
    }

    /// A request was not throttled: the next pause of unknown length starts short again.
    pub fn went_through(&self) {
        *lock(&self.unasked) = 0;
        let now = Instant::now();
        let higher = lock(&self.search).as_mut().and_then(|it| it.through(now));
        higher.into_iter().for_each(|rate| self.hold(rate));
    }

    fn next_unasked(&self) -> Duration {
        let mut doublings = lock(&self.unasked);
        let length = super::retry::doubled(FIRST_PAUSE, *doublings, LONGEST_OWN_PAUSE);
        *doublings += 1;
        length
    }

    fn is_paused(&self) -> bool {
        self.pause
            .borrow()
            .is_some_and(|pause| Instant::now() < pause.until)
    }

    async fn pause_over(&self) {
        loop {
            let pause = *self.pause.borrow();
            match pause {
                Some(pause) if Instant::now() < pause.until => sleep_until(pause.until).await,
                _ => return,
            }
        }
    }
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bucket of a rate: one request a period, with a little room for the timer's grain.
fn quota(per_second: f64) -> Option<Quota> {
    let period = Duration::try_from_secs_f64(1.0 / per_second).ok()?;
    let burst = (per_second * BURST.as_secs_f64()).floor().max(2.0);
    // A float beyond the range becomes its end; zero cannot be, it is at least two.
    let burst = NonZeroU32::new(burst as u32)?;
    Some(Quota::with_period(period.max(Duration::from_nanos(1)))?.allow_burst(burst))
}

#[async_trait]
impl Permit for Limiter {
    async fn permit(&self) {
        self.take().await;
    }

    fn pause(&self, duration: Option<Duration>) {
        self.pause_for(duration);
    }

    fn spent(&self, duration: Duration) {
        self.spent_for(duration);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Sends for a minute with so many workers; the times of the requests.
    async fn minute(limiter: &Arc<Limiter>, workers: usize) -> Vec<Duration> {
        let start = Instant::now();
        let times = Arc::new(std::sync::Mutex::new(Vec::new()));
        let work = (0..workers).map(|_| {
            let (limiter, times) = (limiter.clone(), times.clone());
            async move {
                loop {
                    limiter.take().await;
                    if start.elapsed() >= Duration::from_secs(60) {
                        return;
                    }
                    times.lock().unwrap().push(start.elapsed());
                    sleep(Duration::from_millis(3)).await;
                }
            }
        });
        futures::future::join_all(work).await;
        Arc::try_unwrap(times).unwrap().into_inner().unwrap()
    }

    /// How many of the requests a bucket of one second would refuse.
    fn refused(times: &[Duration], rate: usize) -> usize {
        let mut window = VecDeque::new();
        let mut refused = 0;
        for time in times {
            while window
                .front()
                .is_some_and(|first| *time - *first >= Duration::from_secs(1))
            {
                window.pop_front();
            }
            window.push_back(*time);
            // The burst leaves once; a bucket of one second has room for it.
            refused += usize::from(window.len() > rate + (rate / 20).max(2));
        }
        refused
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_held_within_one_percent() {
        for (rate, workers) in [(50, 8), (1000, 32)] {
            let limiter = Arc::new(Limiter::new(Some(f64::from(rate))));
            let times = minute(&limiter, workers).await;
            let expected = f64::from(rate) * 60.0;
            let off = (times.len() as f64 - expected).abs() / expected;
            assert!(off < 0.01, "{} at {rate}/s", times.len());
            assert_eq!(refused(&times, rate as usize), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_one_deadline_for_all() {
        let limiter = Arc::new(Limiter::new(Some(100.0)));
        let start = Instant::now();
        limiter.take().await;
        limiter.pause_for(Some(Duration::from_secs(20)));
        // A shorter one asked for later changes nothing, and one without a length says nothing new.
        sleep(Duration::from_secs(5)).await;
        limiter.pause_for(Some(Duration::from_secs(1)));
        limiter.pause_for(None);
        let late = (0..8).map(|n| {
            let limiter = limiter.clone();
            async move {
                sleep(Duration::from_secs(n)).await;
                limiter.take().await;
                start.elapsed()
            }
        });
        for at in futures::future::join_all(late).await {
            assert!(at >= Duration::from_secs(20), "{at:?}");
            assert!(at < Duration::from_millis(20_250), "{at:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_is_used_up_is_waited_for_and_costs_no_rate() {
        let limiter = Limiter::searching(Some(40.0));
        limiter.take().await;
        let start = Instant::now();
        assert_eq!(limiter.spent_for(Duration::from_secs(7)), None);
        limiter.take().await;
        assert!(start.elapsed() >= Duration::from_secs(7));
        assert_eq!(limiter.rate(), Some(40.0), "nothing was refused");
        let day = Duration::from_secs(86_400);
        assert_eq!(limiter.spent_for(day), Some(day));
        let pause = limiter.pauses().borrow().unwrap();
        assert_eq!(pause.cause, Cause::Spent);
        assert!(pause.until <= Instant::now() + LONGEST_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_comes_while_one_waits_for_the_bucket_is_kept() {
        let limiter = Arc::new(Limiter::new(Some(1.0)));
        limiter.take().await;
        limiter.take().await;
        let start = Instant::now();
        let waiting = limiter.take();
        let pausing = async {
            sleep(Duration::from_millis(500)).await;
            limiter.pause_for(Some(Duration::from_secs(10)));
        };
        tokio::join!(waiting, pausing);
        assert!(start.elapsed() >= Duration::from_millis(10_500));
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_of_unknown_length_double_until_one_goes_through() {
        let limiter = Limiter::new(Some(0.0));
        let mut lengths = Vec::new();
        for _ in 0..8 {
            limiter.pause_for(None);
            let start = Instant::now();
            limiter.take().await;
            lengths.push(start.elapsed().as_secs());
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 60, 60]);
        limiter.went_through();
        limiter.pause_for(None);
        let start = Instant::now();
        limiter.take().await;
        assert_eq!(start.elapsed().as_secs(), 1);
    }

    #[test]
    fn a_pause_beyond_reason_is_capped_and_said() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let limiter = Limiter::new(None);
            assert_eq!(limiter.rate(), Some(UNKNOWN_RATE));
            assert_eq!(limiter.ceiling(), None);
            let day = Duration::from_secs(86_400);
            assert_eq!(limiter.pause_for(Some(day)), Some(day));
            let pause = limiter.pauses().borrow().unwrap();
            assert!(pause.until <= Instant::now() + LONGEST_PAUSE);
        });
    }

    proptest::proptest! {
        #[test]
        fn any_rate_makes_a_limiter(rate in proptest::num::f64::ANY) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let _guard = runtime.enter();
            let limiter = Limiter::new(Some(rate));
            proptest::prop_assert!(limiter.rate().is_none_or(|held| held == rate.clamp(SLOWEST, FASTEST)));
        }
    }
}
