//! Moments in the time of a zone. Every ticket has several and most lie near each other, so the spans in which a zone
//! keeps its distance from UTC are found once.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// A moment as the clocks of a zone show it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Local {
    /// Milliseconds since 1970 on those clocks.
    pub millis: i64,
    /// The distance from UTC in seconds, where those clocks show the same time twice and this is the second.
    pub second_time: Option<i32>,
}

impl Local {
    /// The calendar's date and time.
    pub(crate) fn civil(self) -> DateTime {
        let at = Timestamp::from_millisecond(self.millis).unwrap_or_default();
        Offset::UTC.to_datetime(at)
    }
}

impl From<DateTime> for Local {
    fn from(at: DateTime) -> Self {
        let moment = Offset::UTC.to_timestamp(at).unwrap_or_default();
        Self {
            millis: moment.as_millisecond(),
            second_time: None,
        }
    }
}

/// The clocks of a zone.
#[derive(Debug, Clone)]
pub(super) struct Clocks {
    zone: TimeZone,
    /// By their first moment.
    spans: Vec<Span>,
}

/// Between two moments at which the clocks were put forward or back.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: i64,
    until: i64,
    offset: i32,
    /// How many milliseconds at its beginning repeat what the clocks showed before.
    repeats: i64,
}

impl Clocks {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            spans: Vec::new(),
        }
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// What the clocks show at a moment.
    pub(super) fn local(&mut self, at: Timestamp) -> Local {
        let moment = at.as_millisecond();
        let place = self.spans.partition_point(|span| span.from <= moment);
        let known = place.checked_sub(1).map(|place| self.spans[place]);
        let span = match known.filter(|span| moment < span.until) {
            Some(span) => span,
            None => {
                let span = self.span(at);
                self.spans.insert(place, span);
                span
            }
        };
        Local {
            millis: moment + i64::from(span.offset) * 1000,
            second_time: (span.from != i64::MIN && moment - span.from < span.repeats)
                .then_some(span.offset),
        }
    }

    fn span(&self, at: Timestamp) -> Span {
        let offset = self.zone.to_offset(at).seconds();
        // A transition at this very moment begins the span.
        let behind = at
            .checked_add(jiff::SignedDuration::from_nanos(1))
            .unwrap_or(at);
        let begin = self
            .zone
            .preceding(behind)
            .next()
            .map(|change| change.timestamp());
        let end = self
            .zone
            .following(at)
            .next()
            .map(|change| change.timestamp());
        let before =
            begin.and_then(|begin| begin.checked_sub(jiff::SignedDuration::from_nanos(1)).ok());
        let before = before.map_or(offset, |before| self.zone.to_offset(before).seconds());
        Span {
            from: begin.map_or(i64::MIN, Timestamp::as_millisecond),
            until: end.map_or(i64::MAX, Timestamp::as_millisecond),
            offset,
            repeats: i64::from((before - offset).max(0)) * 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hour_that_comes_twice_is_told_apart() {
        let mut clocks = Clocks::new(TimeZone::get("America/Chicago").unwrap());
        let first = clocks.local("2024-11-03T06:30:00Z".parse().unwrap());
        let second = clocks.local("2024-11-03T07:30:00Z".parse().unwrap());
        assert_eq!(first.civil(), second.civil());
        assert_eq!(
            (first.second_time, second.second_time),
            (None, Some(-6 * 3600))
        );
        let after = clocks.local("2024-11-03T08:00:00Z".parse().unwrap());
        assert_eq!(after.second_time, None);
    }

    proptest! {
        #[test]
        fn they_show_what_the_zone_says(moments in proptest::collection::vec(-2_000_000_000_i64..4_000_000_000, 1..20)) {
            for name in ["UTC", "America/Chicago", "Europe/London", "Australia/Lord_Howe"] {
                let zone = TimeZone::get(name).unwrap();
                let mut clocks = Clocks::new(zone.clone());
                for second in &moments {
                    let at = Timestamp::from_second(*second).unwrap();
                    prop_assert_eq!(clocks.local(at).civil(), zone.to_datetime(at));
                }
            }
        }
    }
}
