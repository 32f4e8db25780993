//! Medians of many times in little memory.

use std::collections::BTreeMap;

/// Times in seconds, counted by value.
///
/// As long as there are few different ones, they are held exactly. Beyond that the last binary digits are dropped, of
/// long times more than of short ones, so that what is held stays within a share of its value: 1 in 512 with room for
/// 4,096, which holds times of 40 days.
#[derive(Debug, Clone)]
pub(super) struct Durations {
    counts: BTreeMap<u32, u64>,
    all: u64,
    sum: u128,
    /// How many leading binary digits of a time are kept.
    digits: u32,
    /// How many different times may be held.
    room: usize,
}

impl Durations {
    pub(super) fn with_room(room: usize) -> Self {
        Self {
            counts: BTreeMap::new(),
            all: 0,
            sum: 0,
            digits: u32::BITS,
            room,
        }
    }

    pub(super) fn add(&mut self, seconds: u32) {
        self.all += 1;
        self.sum += u128::from(seconds);
        *self.counts.entry(coarse(seconds, self.digits)).or_default() += 1;
        self.make_room();
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.all += other.all;
        self.sum += other.sum;
        self.digits = self.digits.min(other.digits);
        for (seconds, count) in &other.counts {
            *self.counts.entry(*seconds).or_default() += count;
        }
        self.make_room();
    }

    fn make_room(&mut self) {
        // Room is worth nothing below four digits, and a time has at most that many values then.
        while self.counts.len() > self.room && self.digits > 4 {
            self.digits -= 1;
            let fine = std::mem::take(&mut self.counts);
            for (seconds, count) in fine {
                *self.counts.entry(coarse(seconds, self.digits)).or_default() += count;
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.all
    }

    /// Whether a time in the middle is only near, since there are too many different ones to be held.
    pub(super) fn is_near(&self) -> bool {
        let longest = self.counts.keys().next_back();
        longest.is_some_and(|seconds| step(*seconds, self.digits) > 1)
    }

    /// The mean, in hours.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.all > 0).then(|| self.sum as f64 / self.all as f64 / 3600.0)
    }

    /// The time below which that part of all lies, in hours, between two of them as spreadsheet programs have it
    /// (`PERCENTILE.INC`).
    pub(super) fn quantile(&self, part: f64) -> Option<f64> {
        let last = self.all.checked_sub(1)?;
        let position = part * last as f64;
        let below = self.at_rank(position.floor() as u64);
        let above = self.at_rank(position.ceil() as u64);
        let seconds = below + (above - below) * position.fract();
        Some(seconds / 3600.0)
    }

    fn at_rank(&self, rank: u64) -> f64 {
        let mut before = 0;
        let found = self.counts.iter().find(|(_, count)| {
            before += **count;
            rank < before
        });
        // What was cut off is half a step on average.
        let middle = |seconds: u32| {
            let step = step(seconds, self.digits);
            f64::from(seconds) + f64::from(step - 1) / 2.0
        };
        found.map_or(0.0, |(seconds, _)| middle(*seconds))
    }
}

/// What one unit of the last digit kept is worth.
fn step(seconds: u32, digits: u32) -> u32 {
    let length = u32::BITS - seconds.leading_zeros();
    1 << length.saturating_sub(digits)
}

fn coarse(seconds: u32, digits: u32) -> u32 {
    seconds & !(step(seconds, digits) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(mut times: Vec<u32>, part: f64) -> f64 {
        times.sort_unstable();
        let position = part * (times.len() - 1) as f64;
        let at = |rank: f64| f64::from(times[rank as usize]);
        let (below, above) = (at(position.floor()), at(position.ceil()));
        (below + (above - below) * position.fract()) / 3600.0
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(Durations::with_room(8).quantile(0.5), None);
        assert_eq!(Durations::with_room(8).mean(), None);
    }

    proptest! {
        #[test]
        fn few_times_are_exact_and_many_are_near(
            times in prop::collection::vec(0_u32..4_000_000, 1..600),
            part in prop::sample::select(vec![0.0, 0.5, 0.9, 1.0]),
        ) {
            let mut whole = Durations::with_room(600);
            let mut tight = [Durations::with_room(128), Durations::with_room(128)];
            for (index, time) in times.iter().enumerate() {
                whole.add(*time);
                tight[index % 2].add(*time);
            }
            let [mut tight, other] = tight;
            tight.merge(&other);
            let wanted = exact(times, part);
            prop_assert_eq!(whole.quantile(part), Some(wanted));
            prop_assert!(tight.counts.len() <= 128);
            let near = tight.quantile(part).unwrap();
            prop_assert!((near - wanted).abs() <= wanted / 8.0 + 1e-9, "{near} for {wanted}");
            prop_assert!((tight.mean().unwrap() - whole.mean().unwrap()).abs() < 1e-9);
        }
    }
}
