//! Tickets in groups by a name: all groups while counting, the largest and the rest when told.
//!
//! Names that differ in the case of letters alone are one group, as in spreadsheet programs, and so are the names of one id:
//! a location that was renamed is the same location.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use compact_str::CompactString;

use crate::systems::common::Named;

/// What is counted of a group, and can be put together with that of another.
pub(super) trait Tally: Default {
    /// Adds what another group counted.
    fn merge(&mut self, other: Self);

    /// How large the group is.
    fn size(&self) -> u64;
}

/// Groups by their names; the empty name is that of the tickets without one.
#[derive(Debug, Clone)]
pub(super) struct Groups<T> {
    by_name: HashMap<CompactString, T, foldhash::fast::RandomState>,
    /// The names that tickets show for an id; almost always one.
    by_id: HashMap<CompactString, Vec<CompactString>, foldhash::fast::RandomState>,
}

/// What a group is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// The commonest spelling.
    pub(super) text: String,
    /// Whether all its tickets show that name, whatever the case: then they can be counted by it.
    pub(super) is_only: bool,
}

/// Which names mean one thing: those that differ in the case of letters alone, and those that were joined.
#[derive(Debug, Default)]
pub(super) struct Same {
    /// From a name in small letters to another one that stands for it.
    heads: HashMap<String, String>,
}

impl Same {
    /// What stands for a name and for all that mean the same.
    pub(super) fn head(&self, name: &str) -> String {
        let mut head = name.to_lowercase();
        while let Some(next) = self.heads.get(&head) {
            head.clone_from(next);
        }
        head
    }

    /// Says that two names mean the same.
    pub(super) fn join(&mut self, one: &str, other: &str) {
        let (one, other) = (self.head(one), self.head(other));
        if one != other {
            self.heads.insert(other, one);
        }
    }
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
            by_id: HashMap::default(),
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

    /// The group of something that has an id too: its names are one group.
    pub(super) fn of_named(&mut self, named: Option<&Named>) -> &mut T {
        let name = named.map_or("", Named::label);
        if let Some(id) = named.and_then(|named| named.id.as_deref())
            && !name.is_empty()
        {
            match self.by_id.get_mut(id) {
                None => drop(self.by_id.insert(id.into(), vec![name.into()])),
                Some(names) if names.iter().all(|known| known != name) => names.push(name.into()),
                Some(_) => {}
            }
        }
        self.of(name)
    }

    /// The largest groups by their commonest spelling.
    pub(super) fn ranked(self, most: usize) -> Ranked<T> {
        let Ranked {
            shown,
            nameless,
            others,
        } = self.ranked_names(most);
        let shown = shown.into_iter().map(|(name, tally)| (name.text, tally));
        Ranked {
            shown: shown.collect(),
            nameless,
            others,
        }
    }

    /// The largest groups, and whether each has one name only.
    pub(super) fn ranked_names(self, most: usize) -> Ranked<T, Name> {
        let mut same = Same::default();
        for names in self.by_id.values() {
            names.windows(2).for_each(|two| same.join(&two[0], &two[1]));
        }
        let mut nameless = None;
        let mut named: HashMap<String, (CompactString, u64, bool, T)> = HashMap::new();
        let mut all: Vec<_> = self.by_name.into_iter().collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, tally) in all {
            if name.is_empty() {
                nameless = Some(tally);
                continue;
            }
            let size = tally.size();
            match named.entry(same.head(&name)) {
                Entry::Vacant(free) => {
                    free.insert((name, size, true, tally));
                }
                Entry::Occupied(taken) => {
                    let (spelling, largest, is_only, whole) = taken.into_mut();
                    *is_only &= name.to_lowercase() == spelling.to_lowercase();
                    // The commonest spelling stands for all.
                    if size > *largest {
                        (*spelling, *largest) = (name, size);
                    }
                    whole.merge(tally);
                }
            }
        }
        let mut shown: Vec<(Name, T)> = named
            .into_values()
            .map(|(name, _, is_only, tally)| {
                let text = name.into();
                (Name { text, is_only }, tally)
            })
            .collect();
        shown.sort_by(|(one, _), (other, _)| one.text.cmp(&other.text));
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
    let kept = if shown.len() == most.saturating_add(1) {
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

    #[test]
    fn the_names_of_one_id_are_one_group() {
        let mut groups = Groups::<u64>::default();
        for (id, name, count) in [
            (Some("l1"), "Lincoln High", 2),
            (Some("l1"), "Lincoln High School", 5),
            (Some("l2"), "LINCOLN HIGH", 1),
            (Some("l3"), "Annex", 4),
            (None, "annex", 1),
            (None, "", 3),
        ] {
            let named = Named {
                id: id.map(str::to_owned),
                name: Some(name.to_owned()),
                ..Named::default()
            };
            *groups.of_named(Some(&named)) += count;
        }
        *groups.of_named(None) += 1;
        let ranked = groups.ranked_names(9);
        let name = |text: &str, is_only| Name {
            text: text.to_owned(),
            is_only,
        };
        let expected = [
            (name("Lincoln High School", false), 8),
            (name("Annex", true), 5),
        ];
        assert_eq!(ranked.shown, expected);
        assert_eq!(ranked.nameless, Some(4));
    }
}
