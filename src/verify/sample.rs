//! Which tickets are compared, and what a sample says about all of them.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use serde::Serialize;

use crate::record::RowKey;

/// Up to so many tickets all are compared, where nobody says otherwise.
pub const FULL_UP_TO: u64 = 10_000;
/// How many a sample has where nobody says: none of them differing means with 95 % confidence that fewer than 1 % do.
pub const SAMPLE: u64 = 299;
/// With which confidence a sample speaks.
const CONFIDENCE: f64 = 0.95;

/// Which tickets are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// All.
    Full,
    /// So many, by a seed.
    Sample {
        /// How many.
        size: u64,
        /// The seed.
        seed: u64,
    },
}

impl Choice {
    /// What was asked for, else what fits so many tickets.
    pub fn of(tickets: u64, full: bool, size: Option<u64>, seed: u64) -> Self {
        match (full, size) {
            (true, _) => Self::Full,
            (false, Some(size)) if size < tickets => Self::Sample { size, seed },
            (false, None) if tickets > FULL_UP_TO => Self::Sample { size: SAMPLE, seed },
            (false, _) => Self::Full,
        }
    }
}

/// What a sample says about all tickets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Confidence {
    /// How many tickets were compared.
    pub size: u64,
    /// Of how many.
    pub of: u64,
    /// How many of them have an open difference.
    pub differing: u64,
    /// With which confidence, from 0 to 1.
    pub confidence: f64,
    /// Fewer than this part of all differ, from 0 to 1.
    pub below: f64,
}

impl Confidence {
    /// Of a sample; the tickets that are not in it are taken to be very many, which says rather too little than too
    /// much.
    pub fn of(size: u64, of: u64, differing: u64) -> Self {
        Self {
            size,
            of,
            differing,
            confidence: CONFIDENCE,
            below: upper(size, differing, 1.0 - CONFIDENCE),
        }
    }
}

/// How large a sample must be in which none differs, so that with 95 % confidence fewer than this part of all do.
pub fn size_of(below: f64) -> u64 {
    let below = below.clamp(1e-6, 1.0 - 1e-6);
    ((1.0 - CONFIDENCE).ln() / (1.0 - below).ln()).ceil() as u64
}

/// The greatest part of all that differs when so few of a sample did, but for a chance of `alpha` (Clopper and Pearson).
fn upper(size: u64, differing: u64, alpha: f64) -> f64 {
    if size == 0 || differing >= size {
        return 1.0;
    }
    let (mut low, mut high) = (differing as f64 / size as f64, 1.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        match at_most(size, differing, middle).total_cmp(&alpha) {
            Ordering::Greater => low = middle,
            Ordering::Less | Ordering::Equal => high = middle,
        }
    }
    high
}

/// The chance that at most so many of a sample differ where this part of all does.
fn at_most(size: u64, differing: u64, part: f64) -> f64 {
    let (size, yes, no) = (size as f64, part.ln(), (1.0 - part).ln());
    // As logarithms, since the first terms of a large sample are smaller than any number.
    let mut term = size * no;
    let mut sum = term.exp();
    for at in 0..differing {
        let at = at as f64;
        term += ((size - at) / (at + 1.0)).ln() + yes - no;
        sum += term.exp();
    }
    sum.min(1.0)
}

/// Takes the keys of all tickets one by one, and keeps so many of them by the seed: the same keys and seed choose the same,
/// in whatever order they come.
#[derive(Debug)]
pub(super) struct Drawing {
    size: usize,
    seed: u64,
    drawn: BinaryHeap<(u64, u64)>,
}

impl Drawing {
    pub(super) fn new(size: u64, seed: u64) -> Self {
        Self {
            size: usize::try_from(size).unwrap_or(usize::MAX),
            seed,
            drawn: BinaryHeap::new(),
        }
    }

    /// Takes one with its number.
    pub(super) fn take(&mut self, key: &RowKey, number: u64) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(key.as_str().as_bytes());
        let mut lot = [0; 8];
        lot.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        self.drawn.push((u64::from_le_bytes(lot), number));
        if self.drawn.len() > self.size {
            self.drawn.pop();
        }
    }

    /// The numbers of those that were drawn.
    pub(super) fn numbers(self) -> std::collections::HashSet<u64> {
        self.drawn.into_iter().map(|(_, number)| number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_hundred_without_a_difference_speak_for_one_in_a_hundred() {
        assert_eq!(size_of(0.01), 299);
        assert_eq!(size_of(0.001), 2_995);
        let told = Confidence::of(299, 20_000, 0);
        assert!(told.below < 0.01 && told.below > 0.0099, "{told:?}");
        assert!(Confidence::of(298, 20_000, 0).below > 0.01);
        // The tables of Clopper and Pearson: 1 of 100, one-sided 95 %.
        let one = Confidence::of(100, 20_000, 1).below;
        assert!((one - 0.0466).abs() < 0.0001, "{one}");
        let ten = Confidence::of(100, 20_000, 10).below;
        assert!((ten - 0.1637).abs() < 0.0002, "{ten}");
        assert_eq!(Confidence::of(10, 20, 10).below, 1.0);
        let large = Confidence::of(1_000_000, 2_000_000, 500).below;
        assert!(large > 0.0005 && large < 0.00055, "{large}");
    }

    #[test]
    fn all_are_compared_up_to_ten_thousand() {
        assert_eq!(Choice::of(10_000, false, None, 7), Choice::Full);
        let sample = Choice::Sample { size: 299, seed: 7 };
        assert_eq!(Choice::of(10_001, false, None, 7), sample);
        assert_eq!(Choice::of(400_000, true, Some(5), 7), Choice::Full);
        assert_eq!(Choice::of(4, false, Some(5), 7), Choice::Full);
    }

    #[test]
    fn the_seed_alone_chooses() {
        let keys: Vec<RowKey> = (0..1_000).map(|at| RowKey::new(format!("k{at}"))).collect();
        let draw = |seed: u64, order: &mut dyn Iterator<Item = usize>| {
            let mut drawing = Drawing::new(20, seed);
            order.for_each(|at| drawing.take(&keys[at], at as u64));
            drawing.numbers()
        };
        let first = draw(1, &mut (0..1_000));
        assert_eq!(first.len(), 20);
        assert_eq!(first, draw(1, &mut (0..1_000).rev()));
        assert_ne!(first, draw(2, &mut (0..1_000)));
    }
}
