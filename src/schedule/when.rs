//! When: what people type becomes one cron expression, and that, with a zone, becomes times.

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};

/// How far the count of missed times goes: beyond it "many" is said as this number.
const MOST_MISSED: u64 = 1000;

/// A cron expression of five fields in a zone.
///
/// On the day on which clocks go forward, a fixed time that does not exist happens at the first moment that does; on the day on
/// which they go back, a fixed time that exists twice happens once, at the first of the two. What repeats within the day
/// (`*/15 * * * *`) keeps its distance through both.
#[derive(Clone)]
pub struct When {
    expression: String,
    cron: Cron,
    zone: TimeZone,
}

impl When {
    /// Checks an expression: five fields, as crontab has them, or `@daily` and its like.
    ///
    /// # Errors
    /// A usage error that says what is wrong with it.
    pub fn new(expression: &str, zone: TimeZone) -> Result<Self> {
        let wrong = |why: String| {
            Error::usage(format!("`{expression}` is no cron expression: {why}"))
                .hint("five fields: minute hour day-of-month month day-of-week, such as \"0 7 * * 1\" for mondays at 7:00")
        };
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(expression)
            .map_err(|error| wrong(error.to_string().trim_end_matches('.').to_lowercase()))?;
        let when = Self {
            expression: expression.split_whitespace().collect::<Vec<_>>().join(" "),
            cron,
            zone,
        };
        // Four years hold every day that there is, except the 29th of February of some centuries.
        let from = Timestamp::UNIX_EPOCH;
        if when.next(from).is_none() {
            return Err(wrong(
                "it never comes, such as a 30th of February".to_owned(),
            ));
        }
        Ok(when)
    }

    /// The expression.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The zone whose clock it goes by.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Its parts, for other schedulers' spellings.
    pub(super) fn cron(&self) -> &Cron {
        &self.cron
    }

    /// The first time after a moment; `None`: never.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = after.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&after, false).ok()?;
        Some(next.timestamp())
    }

    fn last(&self, until: Timestamp) -> Option<Timestamp> {
        let until = until.to_zoned(self.zone.clone());
        let last = self.cron.find_previous_occurrence(&until, true).ok()?;
        Some(last.timestamp())
    }

    /// What was due after one moment, up to and including another: the last of these times and how many they are, counted up
    /// to a thousand.
    pub fn between(&self, after: Timestamp, until: Timestamp) -> Option<(Timestamp, u64)> {
        let mut last = None;
        let mut count = 0;
        let mut from = after;
        while let Some(next) = self.next(from).filter(|next| *next <= until) {
            (last, count, from) = (Some(next), count + 1, next);
            if count == MOST_MISSED {
                last = self.last(until);
                break;
            }
        }
        Some((last?, count))
    }
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for When {
    /// `0 7 * * 1 (America/Chicago)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone.iana_name().unwrap_or("UTC");
        write!(f, "{} ({zone})", self.expression)
    }
}

/// How often, as people say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Every {
    /// Every so many minutes, which divide the hour.
    Minutes(u8),
    /// Every so many hours, which divide the day.
    Hours(u8),
    /// Every day.
    Day,
    /// Monday to Friday.
    Weekday,
    /// These days of the week, 0 is Sunday.
    Days(Vec<u8>),
    /// The first of the month.
    Month,
}

const DAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.trim().to_lowercase();
        match word.as_str() {
            "minute" => return Ok(Self::Minutes(1)),
            "hour" => return Ok(Self::Hours(1)),
            "day" => return Ok(Self::Day),
            "weekday" => return Ok(Self::Weekday),
            "month" => return Ok(Self::Month),
            _ => {}
        }
        let digits = word
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(word.len());
        if digits > 0 {
            return every_so_many(&word[..digits], word[digits..].trim());
        }
        let mut days = Vec::new();
        for name in word.split(',').map(str::trim) {
            let day = DAYS
                .iter()
                .position(|day| *day == name || (name.len() == 3 && day.starts_with(name)))
                .ok_or_else(|| {
                    format!("`{name}` is no such time: day, weekday, hour, month, monday,thursday or 15 minutes")
                })?;
            days.push(u8::try_from(day).unwrap_or(0));
        }
        days.sort_unstable();
        days.dedup();
        Ok(Self::Days(days))
    }
}

fn every_so_many(number: &str, unit: &str) -> Result<Every, String> {
    let divides = |whole: u8| {
        let fits: Vec<String> = (1..whole)
            .filter(|n| whole.is_multiple_of(*n))
            .map(|n| n.to_string())
            .collect();
        let number: u8 = number.parse().unwrap_or(0);
        if number > 0 && number < whole && whole.is_multiple_of(number) {
            Ok(number)
        } else {
            Err(format!(
                "`{number}` does not divide {whole}, so that the times would not be evenly spaced: take one of {}",
                fits.join(", ")
            ))
        }
    };
    match unit {
        "m" | "min" | "minute" | "minutes" => divides(60).map(Every::Minutes),
        "h" | "hour" | "hours" => divides(24).map(Every::Hours),
        _ => Err(format!("`{unit}` is no unit: minutes or hours")),
    }
}

impl Every {
    /// The cron expression; `at` is the time of day, of which only the minutes count where it is every hour.
    ///
    /// # Errors
    /// When a time of day is missing, or is one too many.
    pub fn expression(&self, at: Option<Time>) -> Result<String> {
        let minute = at.map_or(0, Time::minute);
        let of_day = |days: &str| match at {
            Some(at) => Ok(format!("{} {} {days}", at.minute(), at.hour())),
            None => {
                Err(Error::usage("the time of day is missing").hint("add it, such as --at 07:00"))
            }
        };
        match self {
            Self::Minutes(_) if at.is_some() => Err(Error::usage(
                "`--at` says nothing where it is every so many minutes",
            )
            .hint("leave --at out, or write the times with --cron")),
            Self::Minutes(1) => Ok("* * * * *".to_owned()),
            Self::Minutes(n) => Ok(format!("*/{n} * * * *")),
            Self::Hours(_) if at.is_some_and(|at| at.hour() > 0) => Err(Error::usage(
                "where it is every so many hours, `--at` says only the minutes",
            )
            .hint("write --at 00:15 for a quarter past, or the times with --cron")),
            Self::Hours(1) => Ok(format!("{minute} * * * *")),
            Self::Hours(n) => Ok(format!("{minute} */{n} * * *")),
            Self::Day => of_day("* * *"),
            Self::Weekday => of_day("* * 1-5"),
            Self::Days(days) => {
                let days: Vec<String> = days.iter().map(u8::to_string).collect();
                of_day(&format!("* * {}", days.join(",")))
            }
            Self::Month => of_day("1 * *"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use proptest::prelude::*;

    use super::*;

    fn chicago() -> TimeZone {
        TimeZone::get("America/Chicago").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn expression(every: &str, time: Option<&str>) -> Result<String> {
        let every: Every = every.parse().map_err(Error::usage)?;
        every.expression(time.map(|time| time.parse().unwrap()))
    }

    #[test]
    fn what_people_say_becomes_one_expression() {
        let said = |every, time| expression(every, time).unwrap();
        assert_eq!(said("monday", Some("07:00")), "0 7 * * 1");
        assert_eq!(said("Thursday, mon", Some("07:30")), "30 7 * * 1,4");
        assert_eq!(said("weekday", Some("18:05")), "5 18 * * 1-5");
        assert_eq!(said("day", Some("00:00")), "0 0 * * *");
        assert_eq!(said("month", Some("06:00")), "0 6 1 * *");
        assert_eq!(said("hour", Some("00:20")), "20 * * * *");
        assert_eq!(said("2 hours", None), "0 */2 * * *");
        assert_eq!(said("15 minutes", None), "*/15 * * * *");
        for (every, time) in [
            ("monday", None),
            ("7 minutes", None),
            ("60 minutes", None),
            ("0 minutes", None),
            ("5 minutes", Some("07:00")),
            ("hour", Some("07:00")),
            ("fortnight", Some("07:00")),
            ("", Some("07:00")),
            ("5 weeks", None),
        ] {
            assert!(expression(every, time).is_err(), "{every} {time:?}");
        }
    }

    #[test]
    fn an_expression_that_is_none_or_never_comes_is_refused() {
        for wrong in [
            "",
            "0 7 * *",
            "0 0 7 * * 1",
            "61 * * * *",
            "0 7 30 2 *",
            "0 7 * * mondays",
        ] {
            let error = When::new(wrong, TimeZone::UTC).unwrap_err();
            assert!(error.to_string().contains("no cron expression"), "{error}");
        }
        assert!(When::new("@daily", TimeZone::UTC).is_ok());
        assert!(When::new("0 7 29 2 *", TimeZone::UTC).is_ok());
    }

    #[test]
    fn a_time_that_does_not_exist_comes_when_the_clock_is_set_and_one_that_exists_twice_comes_once()
    {
        // Clocks go forward on 2026-03-08 at 2:00, back on 2026-11-01 at 2:00.
        let when = When::new("30 2 * * *", chicago()).unwrap();
        assert_eq!(
            when.next(at("2026-03-08T00:00-06")),
            Some(at("2026-03-08T03:00-05"))
        );
        assert_eq!(
            when.next(at("2026-03-08T03:00-05")),
            Some(at("2026-03-09T02:30-05"))
        );
        let when = When::new("30 1 * * *", chicago()).unwrap();
        assert_eq!(
            when.next(at("2026-11-01T00:00-05")),
            Some(at("2026-11-01T01:30-05"))
        );
        assert_eq!(
            when.next(at("2026-11-01T01:30-05")),
            Some(at("2026-11-02T01:30-06"))
        );
    }

    proptest! {
        /// Whatever the clocks do: one run a local day, and none is lost or doubled by asking from anywhere.
        #[test]
        fn a_daily_time_comes_once_a_local_day(hour in 0_i8..24, minute in 0_i8..60, start in 0_i64..200) {
            let when = When::new(&format!("{minute} {hour} * * *"), chicago()).unwrap();
            let mut moment = at("2026-01-01T00:00-06").checked_add((start * 24).hours()).unwrap();
            moment = when.next(moment).unwrap();
            let mut day = moment.to_zoned(chicago()).date();
            for _ in 0..200 {
                moment = when.next(moment).unwrap();
                let next = moment.to_zoned(chicago()).date();
                prop_assert_eq!(next, day.tomorrow().unwrap());
                day = next;
            }
        }

        /// The last time of a span and the count agree with walking through it one by one.
        #[test]
        fn what_was_due_is_counted(minutes in prop::sample::select(vec![1_u8, 5, 15, 30]), from in 0_i64..10_000_000, span in 0_i64..400_000) {
            let when = When::new(&Every::Minutes(minutes).expression(None).unwrap(), chicago()).unwrap();
            let from = Timestamp::from_second(1_770_000_000 + from).unwrap();
            let until = Timestamp::from_second(from.as_second() + span).unwrap();
            let step = i64::from(minutes) * 60;
            let expected = until.as_second() / step - from.as_second() / step;
            match when.between(from, until) {
                None => prop_assert_eq!(expected, 0),
                Some((last, count)) => {
                    prop_assert_eq!(last.as_second(), until.as_second() / step * step);
                    prop_assert_eq!(i64::try_from(count).unwrap(), expected.min(1000));
                }
            }
        }
    }
}
