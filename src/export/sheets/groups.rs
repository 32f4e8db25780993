//! Tickets in groups by a name: all groups while counting, the largest and the rest when told.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use compact_str::CompactString;

/// What is counted of a group, and can be put together with that of another.
pub(super) trait Tally: Default {
    /// Adds what another group counted.
    fn merge(&mut self, other: Self);

    /// How large the group is.
    fn size(&self) -> u64;
}

/// Groups by their names; the empty name is that of the tickets without one.
#[derive(Debug)]
pub(super) struct Groups<T> {
    by_name: HashMap<CompactString, T, foldhash::fast::RandomState>,
}

/// The groups as they are told.
#[derive(Debug)]
pub(super) struct Ranked<T, N = String> {
    /// The largest, with their names, the largest first; of equal ones by name.
    pub(super) shown: Vec<(N, T)>,
    /// The tickets without a name.
    pub(super) nameless: Option<T>,
    /// How many groups are not shown, and all of them together.
    pub(super) others: Option<(u64, T)>,
}

impl<T> Default for Groups<T> {
    fn default() -> Self {
        Self {
            by_name: HashMap::default(),
        }
    }
}

impl<T: Tally> Groups<T> {
    pub(super) fn of(&mut self, name: &str) -> &mut T {
        if !self.by_name.contains_key(name) {
            self.by_name.insert(name.into(), T::default());
        }
        self.by_name.entry(name.into()).or_default()
    }

    /// The largest groups. Names that differ in the case of letters alone are one, as in spreadsheet programs.
    pub(super) fn ranked(self, most: usize) -> Ranked<T> {
        let mut nameless = None;
        let mut named: HashMap<CompactString, (CompactString, u64, T)> = HashMap::new();
        let mut all: Vec<_> = self.by_name.into_iter().collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, tally) in all {
            if name.is_empty() {
                nameless = Some(tally);
                continue;
            }
            let size = tally.size();
            match named.entry(name.to_lowercase()) {
                Entry::Vacant(free) => {
                    free.insert((name, size, tally));
                }
                Entry::Occupied(taken) => {
                    let (spelling, largest, whole) = taken.into_mut();
                    // The commonest spelling stands for all.
                    if size > *largest {
                        (*spelling, *largest) = (name, size);
                    }
                    whole.merge(tally);
                }
            }
        }
        let mut shown: Vec<(String, T)> = named
            .into_values()
            .map(|(name, _, tally)| (name.into(), tally))
            .collect();
        shown.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ranked {
            nameless,
            ..rank(shown, most)
        }
    }
}

/// The largest of groups that are in the order of their names, and the others together.
pub(super) fn rank<T: Tally, N>(mut shown: Vec<(N, T)>, most: usize) -> Ranked<T, N> {
    shown.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.size()));
    // A row for a single one is no longer than a row that says that there is one.
    let kept = if shown.len() == most + 1 {
        most + 1
    } else {
        most
    };
    let rest = shown.split_off(shown.len().min(kept));
    let number = rest.len() as u64;
    let others = rest
        .into_iter()
        .map(|(_, tally)| tally)
        .reduce(|mut one, other| {
            one.merge(other);
            one
        });
    Ranked {
        shown,
        nameless: None,
        others: others.map(|tally| (number, tally)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Tally for u64 {
        fn merge(&mut self, other: Self) {
            *self += other;
        }

        fn size(&self) -> u64 {
            *self
        }
    }

    #[test]
    fn the_largest_are_shown_and_nothing_is_lost() {
        let mut groups = Groups::<u64>::default();
        for (name, count) in [
            ("b", 5),
            ("a", 5),
            ("", 9),
            ("C", 1),
            ("c", 6),
            ("d", 1),
            ("e", 2),
        ] {
            *groups.of(name) += count;
        }
        let ranked = groups.ranked(3);
        let names = [("c", 7), ("a", 5), ("b", 5)].map(|(name, count)| (name.to_owned(), count));
        assert_eq!(ranked.shown, names);
        assert_eq!(ranked.nameless, Some(9));
        assert_eq!(ranked.others, Some((2, 3)));
    }
}
