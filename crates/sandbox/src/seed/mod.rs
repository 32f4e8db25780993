//! Who and what the sandbox is populated with: a school district for IncidentIQ, a support team for ClearFeed.
//! The same for ever, whatever the seed of the faults: samples and tests count on it.

pub mod district;
mod issues;
mod names;
pub mod support;
pub mod talk;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use district::District;
pub use support::Support;

/// When the first ticket was made where the population is of a fixed past: after the few requests that are always there.
const FIXED: &str = "2024-03-11T13:00:00Z";
/// How many days a fixed past lasts.
const FIXED_DAYS: i64 = 730;
/// How many days a population lasts that ends at a given time.
const DAYS: i64 = 365;

/// The tickets that a system has from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Population {
    /// How many there are.
    pub tickets: usize,
    /// How many comments each of them has at most.
    pub comments: usize,
    /// The end of the year in which they were made, the more of them the later; `None`: they are of two years of a fixed
    /// past, evenly.
    pub until: Option<Timestamp>,
}

impl Population {
    /// When the nth ticket was made.
    pub fn at(self, nth: usize) -> Timestamp {
        let count = self.tickets.max(1);
        // To the millisecond, as the systems tell it.
        let span = |days: i64, share: f64| {
            SignedDuration::from_millis(((days * 86_400) as f64 * share * 1e3) as i64)
        };
        match self.until {
            None => self.begins() + span(FIXED_DAYS, nth as f64 / count as f64),
            Some(until) => {
                let left = (count - nth.min(count)) as f64 / count as f64;
                until - span(DAYS, left * left)
            }
        }
    }

    /// When it begins.
    pub fn begins(self) -> Timestamp {
        match self.until {
            None => FIXED.parse().expect("a constant time"),
            Some(until) => until - SignedDuration::from_hours(24 * DAYS),
        }
    }

    /// How much of a time that begins then is over when the population ends.
    pub fn within(self, from: Timestamp, time: SignedDuration) -> SignedDuration {
        match self.until {
            None => time,
            Some(until) => time.min(until.duration_since(from)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_population_is_of_the_year_before_its_end_and_most_of_it_is_of_late() {
        let until: Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
        let population = Population {
            tickets: 60,
            comments: 4,
            until: Some(until),
        };
        let times: Vec<_> = (0..60).map(|nth| population.at(nth)).collect();
        assert!(times.is_sorted());
        assert_eq!(times[0], population.begins());
        assert!(times[59] < until && until.duration_since(times[59]).as_hours() < 24);
        let week = until - SignedDuration::from_hours(14 * 24);
        assert!(times.iter().filter(|at| **at > week).count() >= 8);
        // What would come later has not happened.
        let long = SignedDuration::from_hours(240);
        assert!(population.within(times[59], long) < SignedDuration::from_hours(24));
        assert_eq!(population.within(times[0], long), long);
    }
}
