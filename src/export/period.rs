//! Spans of whole calendar days: what people mean by *last week*, in the zone that they live in.
//!
//! A day begins at its first moment, which on a day of a change of clocks need not be midnight, and ends at the next
//! day's: it may have 23 or 25 hours. Weeks begin on Monday and school years on the first of July, unless the profile
//! says otherwise.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::directory::suggest::{did_you_mean, nearest};
use crate::error::{Error, Result};
use crate::systems::query::Span;

/// The words for spans that move with the day.
const WORDS: [&str; 10] = [
    "today",
    "yesterday",
    "this-week",
    "last-week",
    "this-month",
    "last-month",
    "this-quarter",
    "last-quarter",
    "school-year",
    "last-school-year",
];

/// When days, weeks and school years begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// The zone whose days are meant.
    pub zone: TimeZone,
    /// The first day of a week.
    pub week_starts: Weekday,
    /// The first day of a school year: month and day. No 29 February.
    pub school_year_starts: (i8, i8),
}

impl Calendar {
    /// The first day of a week, where nobody says.
    pub const WEEK_STARTS: Weekday = Weekday::Monday;
    /// The first day of a school year, where nobody says.
    pub const SCHOOL_YEAR_STARTS: (i8, i8) = (7, 1);

    /// Weeks from Monday, school years from the first of July.
    pub fn of(zone: TimeZone) -> Self {
        Self {
            zone,
            week_starts: Self::WEEK_STARTS,
            school_year_starts: Self::SCHOOL_YEAR_STARTS,
        }
    }

    /// The first days of a word's span and of what comes after it.
    fn span(&self, word: &str, today: Date) -> Option<(Date, Date)> {
        let back = i64::from(today.weekday().since(self.week_starts));
        let week = today.saturating_sub(back.days());
        let month = today.first_of_month();
        let quarter = month.saturating_sub(i64::from((today.month() - 1) % 3).months());
        let (school_month, school_day) = self.school_year_starts;
        let begins = |year| Date::new(year, school_month, school_day).ok();
        let this_year = begins(today.year())?;
        let year = match today < this_year {
            true => begins(today.year() - 1)?,
            false => this_year,
        };
        Some(match word {
            "today" => (today, today.saturating_add(1.day())),
            "yesterday" => (today.saturating_sub(1.day()), today),
            "this-week" => (week, week.saturating_add(1.week())),
            "last-week" => (week.saturating_sub(1.week()), week),
            "this-month" => (month, month.saturating_add(1.month())),
            "last-month" => (month.saturating_sub(1.month()), month),
            "this-quarter" => (quarter, quarter.saturating_add(3.months())),
            "last-quarter" => (quarter.saturating_sub(3.months()), quarter),
            "school-year" => (year, begins(year.year() + 1)?),
            "last-school-year" => (begins(year.year() - 1)?, year),
            _ => return None,
        })
    }
}

/// A span of whole days: a word, `7d` for the last seven whole days (without today), or dates.
///
/// # Errors
/// When it is none; `flag` is its place.
pub fn period(flag: &str, text: &str, now: Timestamp, calendar: &Calendar) -> Result<Span> {
    let zone = &calendar.zone;
    let today = zone.to_datetime(now).date();
    let word = text.trim().to_lowercase();
    let days = word
        .strip_suffix('d')
        .map(|days| days.trim().parse::<i32>());
    let (first, end) = match (calendar.span(&word, today), days) {
        (Some(span), _) => span,
        (None, Some(Ok(days))) if days > 0 => (today.saturating_sub(days.days()), today),
        _ => return dates(flag, &word, zone).map_err(|error| words(error, &word)),
    };
    between(first, end, zone).ok_or_else(|| wrong(flag, text))
}

/// A span of days from date to date, both included; either may be left out, but not both.
///
/// # Errors
/// When it is none; `flag` is told as its place.
pub fn dates(flag: &str, text: &str, zone: &TimeZone) -> Result<Span> {
    let day = |text: &str| -> Result<Option<Date>> {
        match text.trim() {
            "" => Ok(None),
            day => day.parse().map(Some).map_err(|_| wrong(flag, text)),
        }
    };
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let start = |day: Date| beginning(day, zone).ok_or_else(|| wrong(flag, text));
    let after = |day: Date| {
        let next = day.checked_add(1.day()).ok();
        next.ok_or_else(|| wrong(flag, text))
    };
    let span = Span {
        from: day(first)?.map(start).transpose()?,
        until: day(last)?.map(after).transpose()?.map(start).transpose()?,
    };
    let is_backwards =
        matches!((span.from, span.until), (Some(from), Some(until)) if from >= until);
    if is_backwards {
        let error = Error::usage(format!("`{text}` ends before it begins"));
        return Err(error.at(flag).hint("write the earlier day first"));
    }
    match span.is_open() {
        true => Err(wrong(flag, text)),
        false => Ok(span),
    }
}

/// The first moment of a day.
fn beginning(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().map(|day| day.timestamp())
}

/// The span from the beginning of a day to that of another.
pub(crate) fn between(first: Date, end: Date, zone: &TimeZone) -> Option<Span> {
    Some(Span {
        from: Some(beginning(first, zone)?),
        until: Some(beginning(end, zone)?),
    })
}

fn wrong(flag: &str, text: &str) -> Error {
    Error::usage(format!("`{text}` is no span of days"))
        .at(flag)
        .hint("write 2024-06-01..2024-06-30, 2024-06-01.., ..2024-06-30, 2024-06-01, or 7d for the last seven days")
}

fn words(error: Error, text: &str) -> Error {
    let error = match did_you_mean(&nearest(text, WORDS)) {
        Some(near) => error.hint(near),
        None => error,
    };
    error.hint(format!("or {}", WORDS.join(", ")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, now: &str, zone: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        let span = period("--period", text, now.parse().unwrap(), &Calendar::of(zone)).unwrap();
        let text = |at: Option<Timestamp>| at.map_or("-".to_owned(), |at| at.to_string());
        format!("{} {}", text(span.from), text(span.until))
    }

    #[test]
    fn periods_are_whole_days_of_the_zone() {
        // A Monday, still Sunday evening in Chicago.
        let now = "2024-06-17T03:00:00Z";
        for (text, zone, expected) in [
            (
                "yesterday",
                "America/Chicago",
                "2024-06-15T05:00:00Z 2024-06-16T05:00:00Z",
            ),
            (
                "last-week",
                "America/Chicago",
                "2024-06-03T05:00:00Z 2024-06-10T05:00:00Z",
            ),
            (
                "last-week",
                "UTC",
                "2024-06-10T00:00:00Z 2024-06-17T00:00:00Z",
            ),
            (
                "last-month",
                "UTC",
                "2024-05-01T00:00:00Z 2024-06-01T00:00:00Z",
            ),
            ("7d", "UTC", "2024-06-10T00:00:00Z 2024-06-17T00:00:00Z"),
            (
                "2024-06-01",
                "America/Chicago",
                "2024-06-01T05:00:00Z 2024-06-02T05:00:00Z",
            ),
            (
                "2024-02-28..2024-02-29",
                "America/Chicago",
                "2024-02-28T06:00:00Z 2024-03-01T06:00:00Z",
            ),
            ("..2024-06-01", "America/Chicago", "- 2024-06-02T05:00:00Z"),
            ("2024-06-01..", "America/Chicago", "2024-06-01T05:00:00Z -"),
        ] {
            assert_eq!(shown(text, now, zone), expected, "{text} {zone}");
        }
    }

    #[test]
    fn this_and_last_follow_the_calendar() {
        // A Saturday in February of a leap year.
        let now = "2024-02-10T12:00:00Z".parse().unwrap();
        let calendar = Calendar {
            week_starts: Weekday::Sunday,
            school_year_starts: (8, 15),
            ..Calendar::of(TimeZone::UTC)
        };
        let plain = Calendar::of(TimeZone::UTC);
        for (text, calendar, expected) in [
            ("today", &plain, "2024-02-10..2024-02-11"),
            ("this-week", &plain, "2024-02-05..2024-02-12"),
            ("this-week", &calendar, "2024-02-04..2024-02-11"),
            ("last-week", &calendar, "2024-01-28..2024-02-04"),
            ("this-month", &plain, "2024-02-01..2024-03-01"),
            ("this-quarter", &plain, "2024-01-01..2024-04-01"),
            ("last-quarter", &plain, "2023-10-01..2024-01-01"),
            ("school-year", &plain, "2023-07-01..2024-07-01"),
            ("last-school-year", &plain, "2022-07-01..2023-07-01"),
            ("School-Year", &calendar, "2023-08-15..2024-08-15"),
        ] {
            let span = period("--period", text, now, calendar).unwrap();
            let day = |at: Option<Timestamp>| TimeZone::UTC.to_datetime(at.unwrap()).date();
            let shown = format!("{}..{}", day(span.from), day(span.until));
            assert_eq!(shown, expected, "{text}");
        }
        let first = "2024-08-15T00:00:00Z".parse().unwrap();
        let span = period("--period", "school-year", first, &calendar).unwrap();
        assert_eq!(
            span.from,
            Some(first),
            "the first day belongs to the new one"
        );
    }

    #[test]
    fn a_day_on_which_clocks_change_is_whole() {
        // In spring it has 23 hours, in autumn 25; in Santiago it begins at one.
        let day = |text, zone| shown(text, "2024-12-01T12:00:00Z", zone);
        assert_eq!(
            day("2024-03-10", "America/Chicago"),
            "2024-03-10T06:00:00Z 2024-03-11T05:00:00Z"
        );
        assert_eq!(
            day("2024-11-03", "America/Chicago"),
            "2024-11-03T05:00:00Z 2024-11-04T06:00:00Z"
        );
        assert_eq!(
            day("2024-09-08", "America/Santiago"),
            "2024-09-08T04:00:00Z 2024-09-09T03:00:00Z"
        );
    }

    #[test]
    fn what_is_no_period_is_told_with_what_is() {
        let zone = Calendar::of(TimeZone::UTC);
        for wrong in [
            "..",
            "lastweek",
            "2024-06-02..2024-06-01",
            "xd",
            "0d",
            "-3d",
            "2024-6-1",
            "",
        ] {
            let error = period("--period", wrong, Timestamp::now(), &zone).unwrap_err();
            assert!(error.hints().len() > 1, "{wrong}");
        }
        let error = period("--period", "lastweek", Timestamp::now(), &zone).unwrap_err();
        assert!(
            error.hints().concat().contains("last-week"),
            "{:?}",
            error.hints()
        );
    }

    const ZONES: [&str; 6] = [
        "UTC",
        "America/Chicago",
        "America/Santiago",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "Australia/Lord_Howe",
    ];

    proptest! {
        #[test]
        fn periods_meet_and_end_before_today(seconds in 0i64..4_000_000_000, zone in 0..ZONES.len(), days in 1i32..400) {
            let now = Timestamp::from_second(seconds).unwrap();
            let zone = TimeZone::get(ZONES[zone]).unwrap();
            let today = beginning(zone.to_datetime(now).date(), &zone).unwrap();
            let of = |text: &str, now| {
                let span = period("--period", text, now, &Calendar::of(zone.clone())).unwrap();
                (span.from.unwrap(), span.until.unwrap())
            };
            prop_assert!(today <= now);
            for text in ["yesterday".to_owned(), "last-week".to_owned(), "last-month".to_owned(), format!("{days}d")] {
                let (from, until) = of(&text, now);
                prop_assert!(from < until && until <= today, "{text} {from} {until}");
                // Both ends are where a day begins.
                for end in [from, until] {
                    let day = zone.to_datetime(end).date();
                    prop_assert_eq!(beginning(day, &zone).unwrap(), end);
                }
                if text.starts_with("last") {
                    // The one before it ends where it begins: nothing is reported twice or never.
                    prop_assert_eq!(of(&text, from).1, from);
                }
            }
            // What is called *this* holds today, and begins where *last* ends.
            for (this, last) in [("this-week", "last-week"), ("this-month", "last-month"), ("this-quarter", "last-quarter"), ("school-year", "last-school-year"), ("today", "yesterday")] {
                let (from, until) = of(this, now);
                prop_assert!(from <= today && today < until, "{this} {from} {until}");
                prop_assert_eq!(of(last, now).1, from);
            }
            let (monday, next) = of("last-week", now);
            prop_assert_eq!(zone.to_datetime(monday).weekday(), Weekday::Monday);
            prop_assert_eq!(zone.to_datetime(next).weekday(), Weekday::Monday);
        }
    }
}
