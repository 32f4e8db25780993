//! The hours of the day in which requests leave.

use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// From a time of day to another one, over midnight where the second is the earlier: `18:00-06:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: Time,
    until: Time,
}

impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a span of hours such as `18:00-06:00`");
        let (from, until) = text.split_once('-').ok_or_else(wrong)?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).map_err(|_| wrong());
        let (from, until) = (time(from)?, time(until)?);
        match from == until {
            true => Err(wrong()),
            false => Ok(Self { from, until }),
        }
    }
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let written = |time: Time| time.strftime("%H:%M").to_string();
        write!(f, "{}-{}", written(self.from), written(self.until))
    }
}

/// Hours in a zone.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) hours: Hours,
    pub(super) zone: TimeZone,
}

impl Window {
    /// How long it is until they begin; `None` within them.
    pub(super) fn opens_in(&self, now: Timestamp) -> Option<Duration> {
        let Hours { from, until } = self.hours;
        let now = now.to_zoned(self.zone.clone());
        let time = now.time();
        let is_open = match from < until {
            true => from <= time && time < until,
            false => from <= time || time < until,
        };
        if is_open {
            return None;
        }
        let day = match time < from {
            true => now.date(),
            false => now.date().saturating_add(1.day()),
        };
        let opens = day.to_datetime(from).to_zoned(self.zone.clone()).ok()?;
        let left = opens.timestamp().duration_since(now.timestamp());
        Duration::try_from(left).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_may_go_over_midnight_and_are_those_of_the_zone() {
        let window = |hours: &str| Window {
            hours: hours.parse().unwrap(),
            zone: TimeZone::posix("CST6CDT,M3.2.0,M11.1.0").unwrap(),
        };
        let minutes = |hours: &str, now: &str| {
            let left = window(hours).opens_in(now.parse().unwrap());
            left.map(|left| left.as_secs() / 60)
        };
        // Noon, 17:59, 18:00, 05:59 and 06:00 of a summer's day there.
        for (now, expected) in [
            ("2024-06-21T17:00:00Z", Some(360)),
            ("2024-06-21T22:59:00Z", Some(1)),
            ("2024-06-21T23:00:00Z", None),
            ("2024-06-22T10:59:00Z", None),
            ("2024-06-22T11:00:00Z", Some(720)),
        ] {
            assert_eq!(minutes("18:00-06:00", now), expected, "{now}");
        }
        for (now, expected) in [
            ("2024-06-21T12:00:00Z", Some(60)),
            ("2024-06-21T13:00:00Z", None),
            ("2024-06-21T17:00:00Z", Some(20 * 60)),
        ] {
            assert_eq!(minutes("8:00-12:00", now), expected, "{now}");
        }
    }

    #[test]
    fn what_is_no_span_of_hours_is_refused() {
        for text in ["", "18:00", "18-6", "25:00-06:00", "18:00-18:00", "a-b"] {
            assert!(text.parse::<Hours>().is_err(), "{text}");
        }
        let hours: Hours = "18:00-6:00".parse().unwrap();
        assert_eq!(hours.to_string(), "18:00-06:00");
    }
}
