//! How many tickets there are by status, month, location, assignee and tag: what is due beside what is shown.

use std::collections::BTreeMap;

use serde::Serialize;

/// By what tickets are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// The state in which the requests leave a ticket.
    Status,
    /// The month in which it was made: by the source, and by the system.
    Month,
    /// Where it is.
    Location,
    /// Who works on it.
    Assignee,
    /// A tag; a ticket with several counts by each.
    Tag,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Status,
        Self::Month,
        Self::Location,
        Self::Assignee,
        Self::Tag,
    ];

    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Month => "month",
            Self::Location => "location",
            Self::Assignee => "assignee",
            Self::Tag => "tag",
        }
    }
}

/// Tickets of one value on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// By what they are counted.
    pub by: Dimension,
    /// The value.
    pub value: String,
    /// How many are due.
    pub source: u64,
    /// How many are shown.
    pub target: u64,
}

/// Where one ticket counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facet {
    by: Dimension,
    value: String,
    is_due: bool,
}

impl Facet {
    /// Whether it is due, and not shown.
    pub(super) fn is_due(&self) -> bool {
        self.is_due
    }

    pub(super) fn due(by: Dimension) -> impl Fn(String) -> Self {
        move |value| Self {
            by,
            value,
            is_due: true,
        }
    }

    pub(super) fn found(by: Dimension) -> impl Fn(String) -> Self {
        move |value| Self {
            by,
            value,
            is_due: false,
        }
    }
}

/// The counts on their way.
#[derive(Debug, Default)]
pub(super) struct Counting {
    counts: BTreeMap<(Dimension, String), (u64, u64)>,
}

impl Counting {
    pub(super) fn add(&mut self, facets: Vec<Facet>) {
        for facet in facets {
            let count = self.counts.entry((facet.by, facet.value)).or_default();
            match facet.is_due {
                true => count.0 += 1,
                false => count.1 += 1,
            }
        }
    }

    /// The counts of what is known on both sides.
    pub(super) fn finish(self) -> Vec<Count> {
        let counts: Vec<Count> = self
            .counts
            .into_iter()
            .map(|((by, value), (source, target))| Count {
                by,
                value,
                source,
                target,
            })
            .collect();
        let is_known = |by: Dimension, of: fn(&Count) -> u64| {
            counts.iter().any(|count| count.by == by && of(count) > 0)
        };
        let known: Vec<Dimension> = Dimension::ALL
            .into_iter()
            .filter(|by| is_known(*by, |it| it.source))
            .collect();
        counts
            .into_iter()
            .filter(|count| known.contains(&count.by))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_on_one_side_alone_is_no_comparison() {
        let mut counting = Counting::default();
        let due = Facet::due(Dimension::Location);
        let found = Facet::found(Dimension::Location);
        counting.add(vec![due("North".to_owned()), found("North".to_owned())]);
        counting.add(vec![due("North".to_owned())]);
        counting.add(vec![Facet::found(Dimension::Tag)("vip".to_owned())]);
        let north = Count {
            by: Dimension::Location,
            value: "North".to_owned(),
            source: 2,
            target: 1,
        };
        assert_eq!(counting.finish(), [north]);
    }
}
