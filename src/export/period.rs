//! Spans of whole calendar days: what people mean by *last week*, in the zone that they live in.
//!
//! Weeks run from Monday to Sunday. A day begins at its first moment, which on a day of a change of clocks need not be
//! midnight, and ends at the next day's: it may have 23 or 25 hours.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::directory::suggest::{did_you_mean, nearest};
use crate::error::{Error, Result};
use crate::systems::query::Span;

/// The words for spans that move with the day.
const WORDS: [&str; 3] = ["yesterday", "last-week", "last-month"];

/// A span of whole days: a word, `7d` for the last seven whole days (without today), or dates.
///
/// # Errors
/// When it is none; `flag` is told as its place.
pub fn period(flag: &str, text: &str, now: Timestamp, zone: &TimeZone) -> Result<Span> {
    let today = zone.to_datetime(now).date();
    let month = today.first_of_month();
    let monday = today.saturating_sub(i64::from(today.weekday().since(Weekday::Monday)).days());
    let (first, end) = match text.trim().to_lowercase().as_str() {
        "yesterday" => (today.saturating_sub(1.day()), today),
        "last-week" => (monday.saturating_sub(1.week()), monday),
        "last-month" => (month.saturating_sub(1.month()), month),
        text => match text
            .strip_suffix('d')
            .map(|days| days.trim().parse::<i32>())
        {
            Some(Ok(days)) if days > 0 => (today.saturating_sub(days.days()), today),
            _ => return dates(flag, text, zone).map_err(|error| words(error, text)),
        },
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

fn between(first: Date, end: Date, zone: &TimeZone) -> Option<Span> {
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
        let span = period("--period", text, now.parse().unwrap(), &zone).unwrap();
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
        let zone = TimeZone::UTC;
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
                let span = period("--period", text, now, &zone).unwrap();
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
            let (monday, next) = of("last-week", now);
            prop_assert_eq!(zone.to_datetime(monday).weekday(), Weekday::Monday);
            prop_assert_eq!(zone.to_datetime(next).weekday(), Weekday::Monday);
        }
    }
}
