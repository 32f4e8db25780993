//! Numbers by month.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

/// At most so many months have a row of their own, the newest ones.
pub(super) const MOST: usize = 36;

/// What is counted by month.
#[derive(Debug)]
pub(super) struct Months<T> {
    by_month: BTreeMap<Date, T>,
}

impl<T> Default for Months<T> {
    fn default() -> Self {
        Self {
            by_month: BTreeMap::new(),
        }
    }
}

/// A month, or all that went before the first one that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything before this month.
    Before(Date),
    /// The month that begins with this day.
    Month(Date),
}

impl<T: Default> Months<T> {
    pub(super) fn of(&mut self, at: DateTime) -> &mut T {
        self.by_month.entry(at.date().first_of_month()).or_default()
    }

    /// Every month from the first that has something to the last, without a gap; what lies before the newest
    /// [`MOST`] is put together.
    pub(super) fn parts(mut self, merge: impl Fn(&mut T, T)) -> Vec<(Part, T)> {
        let ends = self
            .by_month
            .keys()
            .next()
            .zip(self.by_month.keys().next_back());
        let Some((&first, &last)) = ends else {
            return Vec::new();
        };
        let oldest = last.saturating_sub((MOST as i32 - 1).months()).max(first);
        let kept = self.by_month.split_off(&oldest);
        let mut parts = Vec::new();
        let before = self.by_month.into_values().reduce(|mut one, other| {
            merge(&mut one, other);
            one
        });
        parts.extend(before.map(|before| (Part::Before(oldest), before)));
        let mut kept = kept.into_iter().peekable();
        let mut month = oldest;
        while month <= last {
            let counted = kept.next_if(|(own, _)| *own == month);
            let counted = counted.map(|(_, counted)| counted).unwrap_or_default();
            parts.push((Part::Month(month), counted));
            // The last month that a calendar has is followed by none.
            match month.checked_add(1.month()) {
                Ok(next) => month = next,
                Err(_) => break,
            }
        }
        parts
    }
}

impl Part {
    /// Its cell in a table.
    pub(super) fn cell(self) -> super::Cell {
        match self {
            Self::Before(first) => super::Cell::text(format!("before {}", first.strftime("%b %Y"))),
            Self::Month(first) => super::Value::Month(first).into(),
        }
    }

    /// What a time in it fulfils.
    pub(super) fn conditions(self, field: super::Field) -> Vec<super::Condition> {
        use super::Test;
        match self {
            Self::Before(first) => vec![field.test(Test::Before(first))],
            Self::Month(first) => {
                let next = first.saturating_add(1.month());
                vec![
                    field.test(Test::From(first)),
                    field.test(Test::Before(next)),
                ]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn no_month_is_missing_and_old_ones_are_put_together() {
        let mut months = Months::<u64>::default();
        let noon = |day: Date| day.at(12, 0, 0, 0);
        for day in [
            date(1999, 5, 3),
            date(2001, 1, 31),
            date(2024, 4, 30),
            date(2024, 6, 1),
        ] {
            *months.of(noon(day)) += 1;
        }
        let parts = months.parts(|one, other| *one += other);
        assert_eq!(parts.len(), MOST + 1);
        assert_eq!(parts[0], (Part::Before(date(2021, 7, 1)), 2));
        assert_eq!(parts[1], (Part::Month(date(2021, 7, 1)), 0));
        let end = [(4, 1), (5, 0), (6, 1)].map(|(month, n)| (Part::Month(date(2024, month, 1)), n));
        assert_eq!(parts[MOST - 2..], end);
        assert!(Months::<u64>::default().parts(|_, _| {}).is_empty());
    }
}
