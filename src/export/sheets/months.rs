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

/// A month, or all that lies before the first or after the last one that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything before this month.
    Before(Date),
    /// The month that begins with this day.
    Month(Date),
    /// This month and everything after it: what is dated in the future.
    From(Date),
}

impl<T: Default> Months<T> {
    pub(super) fn of(&mut self, at: DateTime) -> &mut T {
        self.by_month.entry(at.date().first_of_month()).or_default()
    }

    /// Every month from the first that has something to the last, without a gap; what lies before the newest
    /// [`MOST`] is put together, and so is what is dated after the month of `today`.
    pub(super) fn parts(mut self, today: Date, merge: impl Fn(&mut T, T)) -> Vec<(Part, T)> {
        let next = today.first_of_month().saturating_add(1.month());
        let together = |parts: BTreeMap<Date, T>| {
            parts.into_values().reduce(|mut one, other| {
                merge(&mut one, other);
                one
            })
        };
        let future = together(self.by_month.split_off(&next));
        let future = future.map(|future| (Part::From(next), future));
        let mut parts = Self::past(self.by_month, &together);
        parts.extend(future);
        parts
    }

    fn past(
        mut by_month: BTreeMap<Date, T>,
        together: &impl Fn(BTreeMap<Date, T>) -> Option<T>,
    ) -> Vec<(Part, T)> {
        let ends = by_month.keys().next().zip(by_month.keys().next_back());
        let Some((&first, &last)) = ends else {
            return Vec::new();
        };
        let oldest = last.saturating_sub((MOST as i32 - 1).months()).max(first);
        let kept = by_month.split_off(&oldest);
        let mut parts = Vec::new();
        let before = together(by_month);
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
            Self::From(first) => {
                super::Cell::text(format!("in the future, from {}", first.strftime("%b %Y")))
            }
        }
    }

    /// What a time in it fulfils.
    pub(super) fn conditions(self, field: super::Field) -> Vec<super::Condition> {
        use super::Test;
        match self {
            Self::Before(first) => vec![field.test(Test::Before(first))],
            Self::From(first) => vec![field.test(Test::From(first))],
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
            date(2024, 7, 1),
            date(2031, 2, 3),
        ] {
            *months.of(noon(day)) += 1;
        }
        let parts = months.parts(date(2024, 6, 30), |one, other| *one += other);
        assert_eq!(parts.len(), MOST + 2);
        assert_eq!(parts[0], (Part::Before(date(2021, 7, 1)), 2));
        assert_eq!(parts[1], (Part::Month(date(2021, 7, 1)), 0));
        let end = [(4, 1), (5, 0), (6, 1)].map(|(month, n)| (Part::Month(date(2024, month, 1)), n));
        assert_eq!(parts[MOST - 2..=MOST], end);
        assert_eq!(parts[MOST + 1], (Part::From(date(2024, 7, 1)), 2));
        let nothing = Months::<u64>::default().parts(date(2024, 6, 30), |_, _| {});
        assert!(nothing.is_empty());
    }
}
