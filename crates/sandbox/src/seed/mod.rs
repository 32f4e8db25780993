//! Who and what the sandbox is populated with: a school district for IncidentIQ, a support team for ClearFeed.
//! The same for ever, whatever the seed of the faults: samples and tests count on it.

pub mod district;
mod issues;
mod names;
pub mod support;
pub mod talk;

use jiff::{SignedDuration, Timestamp};

pub use district::District;
pub use support::Support;

/// The time over which a population of tickets was made.
#[derive(Debug, Clone, Copy)]
pub struct Populated {
    from: &'static str,
    days: i64,
}

/// Two years of the past, after the few requests that are always there.
pub const POPULATED: Populated = Populated {
    from: "2024-03-11T13:00:00Z",
    days: 730,
};

impl Populated {
    /// When the nth of so many was made.
    pub fn at(self, nth: usize, count: usize) -> Timestamp {
        let from: Timestamp = self.from.parse().expect("a constant time");
        let seconds = (self.days * 86_400) as f64 * nth as f64 / count.max(1) as f64;
        // To the millisecond, as the systems tell it.
        from + SignedDuration::from_millis((seconds * 1e3) as i64)
    }
}
