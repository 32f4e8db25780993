//! The few tickets that stand out, by a weight.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// The heaviest entries, held in room for so many.
#[derive(Debug)]
pub(super) struct Top<T> {
    most: usize,
    /// How many there were in all.
    all: u64,
    held: BinaryHeap<Reverse<Weighed<T>>>,
}

#[derive(Debug)]
struct Weighed<T> {
    weight: i64,
    /// Of equal ones the first stays.
    order: Reverse<u64>,
    entry: T,
}

impl<T> Top<T> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            all: 0,
            held: BinaryHeap::new(),
        }
    }

    /// Takes an entry in if it is heavy enough; it is only made then.
    pub(super) fn offer(&mut self, weight: i64, entry: impl FnOnce() -> T) {
        let order = Reverse(self.all);
        self.all += 1;
        let is_full = self.held.len() == self.most;
        let lightest = self.held.peek().map(|Reverse(lightest)| lightest.weight);
        if is_full && lightest.is_none_or(|lightest| weight <= lightest) {
            return;
        }
        if is_full {
            self.held.pop();
        }
        self.held.push(Reverse(Weighed {
            weight,
            order,
            entry: entry(),
        }));
    }

    /// How many were offered.
    pub(super) fn all(&self) -> u64 {
        self.all
    }

    /// The heaviest first.
    pub(super) fn into_sorted(self) -> Vec<T> {
        let sorted = self.held.into_sorted_vec().into_iter();
        sorted.map(|Reverse(weighed)| weighed.entry).collect()
    }
}

impl<T> Weighed<T> {
    fn key(&self) -> (i64, Reverse<u64>) {
        (self.weight, self.order)
    }
}

impl<T> Ord for Weighed<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl<T> PartialOrd for Weighed<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Weighed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Weighed<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_stay_and_of_equal_ones_the_first() {
        let mut top = Top::new(3);
        for (weight, name) in [(2, "a"), (9, "b"), (2, "c"), (5, "d"), (2, "e"), (9, "f")] {
            top.offer(weight, || name);
        }
        assert_eq!(top.all(), 6);
        assert_eq!(top.into_sorted(), ["b", "f", "d"]);
    }
}
