//! A cron expression as sets of numbers, which every scheduler can say in its own way.

use super::super::when::When;

/// When, by the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calendar {
    /// Minutes of the hour.
    pub(super) minutes: Vec<u16>,
    /// Hours of the day.
    pub(super) hours: Vec<u16>,
    /// Months from 1; `None`: all.
    pub(super) months: Option<Vec<u16>>,
    /// On which days.
    pub(super) days: Days,
}

/// On which days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Days {
    /// All.
    Every,
    /// These days of the month.
    OfMonth(Vec<u16>),
    /// These days of the week, 0 is Sunday.
    OfWeek(Vec<u16>),
    /// Those that are one of both.
    Either(Vec<u16>, Vec<u16>),
}

impl Calendar {
    /// `None`: it takes a look at the calendar of the month (`L`, `W`, `#`), or both kinds of day at once.
    pub(super) fn of(when: &When) -> Option<Self> {
        let pattern = &when.cron().pattern;
        let (days, weekdays) = (&pattern.days, &pattern.days_of_week);
        if pattern.matches_dom_and_dow() || days.has_modifiers() || weekdays.has_modifiers() {
            return None;
        }
        let days = match (pattern.is_dom_wildcard(), pattern.is_dow_wildcard()) {
            (true, true) => Days::Every,
            (false, true) => Days::OfMonth(days.values()),
            (true, false) => Days::OfWeek(weekdays.values()),
            (false, false) => Days::Either(days.values(), weekdays.values()),
        };
        let months = pattern.months.values();
        Some(Self {
            minutes: pattern.minutes.values(),
            hours: pattern.hours.values(),
            months: (months.len() < 12).then_some(months),
            days,
        })
    }

    /// Days of the month and of the week, each with what it stands for, one after the other.
    pub(super) fn kinds_of_day(&self) -> Vec<Days> {
        match &self.days {
            Days::Either(days, weekdays) => {
                vec![Days::OfMonth(days.clone()), Days::OfWeek(weekdays.clone())]
            }
            days => vec![days.clone()],
        }
    }

    /// The times of a day, in minutes from midnight.
    pub(super) fn minutes_of_day(&self) -> Vec<u16> {
        let minutes = |hour: &u16| {
            let hour = *hour;
            self.minutes.iter().map(move |minute| hour * 60 + minute)
        };
        self.hours.iter().flat_map(minutes).collect()
    }
}
