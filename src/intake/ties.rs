//! Which records name others by their keys: whether these are in the input, and who is led back to itself.

use std::collections::{HashMap, HashSet};

use super::Digest;

/// What a record names, by the prints of keys.
#[derive(Debug, Default)]
pub(super) struct Ties {
    /// Of a record that is under another one: that one's print, and the row where it stands.
    above: HashMap<Digest, (Digest, u64)>,
    /// All that are named, and whether a record has that key.
    named: HashMap<Digest, bool>,
}

impl Ties {
    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Notes that a record of this key names another one; `row` is where it stands.
    pub(super) fn add(&mut self, key: Digest, other: Digest, is_above: bool, row: u64) {
        if is_above {
            self.above.insert(key, (other, row));
        }
        self.named.entry(other).or_default();
    }

    /// A record has this key.
    pub(super) fn seen(&mut self, key: &Digest) {
        if let Some(is_there) = self.named.get_mut(key) {
            *is_there = true;
        }
    }

    /// Whether a record of the input has this key.
    pub(super) fn has(&self, key: &Digest) -> bool {
        self.named.get(key).copied().unwrap_or_default()
    }

    /// The rows by which a record is led back to itself, it first; `None` where it is not.
    pub(super) fn ring(&self, key: &Digest) -> Option<Vec<u64>> {
        let mut rows = Vec::new();
        let mut seen = HashSet::new();
        let mut at = *key;
        while let Some((above, row)) = self.above.get(&at) {
            if !seen.insert(at) {
                // It leads into a ring of others.
                return None;
            }
            rows.push(*row);
            if above == key {
                return Some(rows);
            }
            at = *above;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_in_a_ring_is_told() {
        let print = |n: u8| [n; 16];
        let mut ties = Ties::default();
        for (key, above, row) in [
            (1, 2, 2),
            (2, 3, 3),
            (3, 1, 4),
            (4, 1, 5),
            (5, 5, 6),
            (6, 9, 7),
        ] {
            ties.add(print(key), print(above), true, row);
        }
        (1..=6).for_each(|key| ties.seen(&print(key)));
        assert_eq!(ties.ring(&print(1)), Some(vec![2, 3, 4]));
        assert_eq!(ties.ring(&print(3)), Some(vec![4, 2, 3]));
        assert_eq!(ties.ring(&print(4)), None);
        assert_eq!(ties.ring(&print(5)), Some(vec![6]));
        assert!(ties.has(&print(1)) && !ties.has(&print(9)));
    }
}
