//! When the tickets of a replica were made and how far they are: what counts are compared with.

use jiff::Timestamp;

use super::{Replica, ends, packed, schema};
use crate::error::Result;
use crate::systems::Standing;
use crate::systems::query::Span;

/// Which tickets are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All, deleted ones too.
    All,
    /// Those that are not deleted.
    Alive,
    /// Those that are closed and not deleted.
    Closed,
}

impl Kind {
    /// What they are, as the end of `tickets that are …`.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::All => "there",
            Self::Alive => "not deleted",
            Self::Closed => "closed",
        }
    }
}

/// All tickets by when they were made.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    created: Vec<i64>,
    /// When they were changed last, in that order.
    changed: Vec<i64>,
    /// How many of the tickets before each place are alive, and closed; one more than there are tickets.
    alive: Vec<u64>,
    closed: Vec<u64>,
}

impl Outline {
    fn of(tickets: &[(i64, Standing)], mut changed: Vec<i64>) -> Self {
        changed.sort_unstable();
        let sums = |is_one: fn(Standing) -> bool| {
            let mut sum = 0;
            let mut sums = vec![0];
            for (_, standing) in tickets {
                sum += u64::from(is_one(*standing));
                sums.push(sum);
            }
            sums
        };
        Self {
            created: tickets.iter().map(|(created, _)| *created).collect(),
            changed,
            alive: sums(|standing| standing != Standing::Gone),
            closed: sums(|standing| standing == Standing::Closed),
        }
    }

    /// The places of a span's tickets.
    fn places(&self, span: Span) -> (usize, usize) {
        let (from, until) = ends(span);
        let first = self.created.partition_point(|at| *at < from);
        let end = self.created.partition_point(|at| *at < until);
        (first, end.max(first))
    }

    /// How many tickets of a kind were made in a span.
    pub(crate) fn count(&self, kind: Kind, span: Span) -> u64 {
        let (first, end) = self.places(span);
        match kind {
            Kind::All => (end - first) as u64,
            Kind::Alive => self.alive[end] - self.alive[first],
            Kind::Closed => self.closed[end] - self.closed[first],
        }
    }

    /// When the ticket was changed last that has so many before it by its last change; `None` inside: nobody knows when.
    /// `None` where there are other tickets than `total`.
    pub(crate) fn changed_at(&self, rank: u64, total: u64) -> Option<Option<Timestamp>> {
        if self.changed.len() as u64 != total {
            return None;
        }
        let at = self.changed.get(usize::try_from(rank).ok()?)?;
        Some(match *at {
            i64::MIN => None,
            at => Timestamp::from_nanosecond(i128::from(at)).ok(),
        })
    }

    /// When the one was made that has as many before it as behind it in a span.
    pub(crate) fn middle(&self, span: Span) -> Option<Timestamp> {
        let (first, end) = self.places(span);
        let at = self.created[first..end].get((end - first) / 2)?;
        Timestamp::from_nanosecond(i128::from(*at)).ok()
    }
}

impl Replica {
    /// All tickets by when they were made.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn outline(&self) -> Result<Outline> {
        let damaged = || schema::damaged(&self.path);
        let mut all = self
            .connection
            .prepare_cached("SELECT created, head, updated FROM ticket ORDER BY created, id")
            .map_err(self.trouble())?;
        let mut rows = all.query([]).map_err(self.trouble())?;
        let (mut tickets, mut changed) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next().map_err(self.trouble())? {
            let created: i64 = row.get(0).map_err(self.trouble())?;
            let head = row.get_ref(1).map_err(self.trouble())?;
            let head = head.as_blob().map_err(|_| damaged())?;
            let standing = packed::standing(head).ok_or_else(damaged)?;
            tickets.push((created, standing));
            changed.push(row.get(2).map_err(self.trouble())?);
        }
        Ok(Outline::of(&tickets, changed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_counted_by_kind_and_span() {
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        let nanos = |seconds: i64| seconds * 1_000_000_000;
        let tickets = [
            (i64::MIN, Standing::Open),
            (nanos(1), Standing::Open),
            (nanos(2), Standing::Closed),
            (nanos(3), Standing::Gone),
        ];
        let outline = Outline::of(&tickets, vec![nanos(5), i64::MIN, nanos(4), nanos(9)]);
        let changed = |rank| outline.changed_at(rank, 4);
        assert_eq!(changed(0), Some(None));
        assert_eq!(changed(2), Some(Some(at(5))));
        assert_eq!((changed(4), outline.changed_at(1, 5)), (None, None));
        let late = Span {
            from: Some(at(2)),
            until: None,
        };
        let counts =
            |span| [Kind::All, Kind::Alive, Kind::Closed].map(|kind| outline.count(kind, span));
        assert_eq!(counts(Span::default()), [4, 3, 1]);
        assert_eq!(counts(late), [2, 1, 1]);
        assert_eq!(outline.middle(late), Some(at(3)));
        let none = Span {
            from: Some(at(9)),
            until: Some(at(9)),
        };
        assert_eq!((counts(none), outline.middle(none)), ([0; 3], None));
    }
}
