//! Times as IncidentIQ writes them, and the date expressions of filters (contract incidentiq §4, §5).

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

use crate::Temper;

/// A half-open span of time; an open end has no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
}

impl Window {
    pub(super) fn holds(self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    /// Whole days of the zone, both included.
    fn days(from: Option<Date>, to: Option<Date>, zone: &TimeZone) -> Option<Self> {
        let start = |day: Date| day.to_zoned(zone.clone()).ok().map(|at| at.timestamp());
        Some(Self {
            from: match from {
                Some(day) => Some(start(day)?),
                None => None,
            },
            until: match to {
                Some(day) => Some(start(day.tomorrow().ok()?)?),
                None => None,
            },
        })
    }
}

/// A time as a ticket shows it: as the documents have it in UTC, as captures show it in the site's own zone
/// without a word about it.
pub(super) fn shown(at: Timestamp, zone: &TimeZone, temper: Temper) -> String {
    match temper {
        Temper::Lenient => at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        Temper::LiveLike => bare(at.to_zoned(zone.clone()).datetime()),
    }
}

/// A time that is UTC whoever shows it: that of a device's link to a ticket (contract §5).
pub(super) fn shown_in_utc(at: Timestamp, temper: Temper) -> String {
    match temper {
        Temper::Lenient => shown(at, &TimeZone::UTC, temper),
        Temper::LiveLike => bare(at.to_zoned(TimeZone::UTC).datetime()),
    }
}

/// A time as captures have it: no offset, and as many digits of the second as it needs.
fn bare(at: DateTime) -> String {
    let text = at.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string();
    let text = text.trim_end_matches('0');
    text.trim_end_matches('.').to_owned()
}

fn day(text: &str) -> Option<Date> {
    Date::strptime("%m/%d/%Y", text.trim()).ok()
}

/// So many days; `None` for more than a span can hold.
fn days(count: &str) -> Option<Span> {
    Span::new().try_days(count.parse::<i64>().ok()?).ok()
}

/// The window of a date expression; `None` where it is none.
pub(super) fn window(expression: &str, now: Timestamp, zone: &TimeZone) -> Option<Window> {
    let today = now.to_zoned(zone.clone()).date();
    if let Some(rest) = expression.strip_prefix("daterange:") {
        let (from, to) = rest.split_once('-')?;
        return Window::days(Some(day(from)?), Some(day(to)?), zone);
    }
    if let Some(token) = expression.strip_prefix("range:") {
        return named(token, today, zone);
    }
    if let Some(count) = expression.strip_prefix("value:") {
        let date = today.checked_sub(days(count)?).ok()?;
        return Window::days(Some(date), Some(date), zone);
    }
    let rest = expression.strip_prefix("date")?;
    let (operator, date) = ["<=", ">=", ":", "<", ">"]
        .into_iter()
        .find_map(|sign| Some((sign, rest.strip_prefix(sign)?)))?;
    // The guide writes `date>=:` nowhere, but `date:>=` looks alike: the colon after a sign is let pass.
    let date = day(date.trim_start_matches(':'))?;
    match operator {
        ":" => Window::days(Some(date), Some(date), zone),
        ">=" => Window::days(Some(date), None, zone),
        "<=" => Window::days(None, Some(date), zone),
        ">" => Window::days(date.tomorrow().ok(), None, zone),
        _ => Window::days(None, date.yesterday().ok(), zone),
    }
}

/// `range:`: the words that the newer guide lists; `thisweek` and its like do not exist.
fn named(token: &str, today: Date, zone: &TimeZone) -> Option<Window> {
    if let Some(count) = token.strip_prefix("lastdays:") {
        let from = today.checked_sub(days(count)?).ok()?;
        return Window::days(Some(from), Some(today), zone);
    }
    if let Some(count) = token.strip_prefix("nextdays:") {
        let to = today.checked_add(days(count)?).ok()?;
        return Window::days(Some(today), Some(to), zone);
    }
    let week = today
        .checked_sub(i64::from(today.weekday().since(Weekday::Sunday)).days())
        .ok()?;
    let month = today.first_of_month();
    let year = today.first_of_year();
    let (from, length): (Date, Span) = match token {
        "today" => (today, 1.day()),
        "tomorrow" => (today.tomorrow().ok()?, 1.day()),
        "yesterday" => (today.yesterday().ok()?, 1.day()),
        "week" => (week, 7.days()),
        "lastweek" => (week.checked_sub(7.days()).ok()?, 7.days()),
        "nextweek" => (week.checked_add(7.days()).ok()?, 7.days()),
        "month" => (month, 1.month()),
        "lastmonth" => (month.checked_sub(1.month()).ok()?, 1.month()),
        "nextmonth" => (month.checked_add(1.month()).ok()?, 1.month()),
        "year" => (year, 1.year()),
        "lastyear" => (year.checked_sub(1.year()).ok()?, 1.year()),
        "nextyear" => (year.checked_add(1.year()).ok()?, 1.year()),
        _ => return None,
    };
    let to = from.checked_add(length).ok()?.yesterday().ok()?;
    Window::days(Some(from), Some(to), zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn central() -> TimeZone {
        crate::Config::default().site_zone
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_those_of_the_site() {
        let window = window("date:06/21/2024", at("2024-06-22T12:00:00Z"), &central()).unwrap();
        assert_eq!(window.from, Some(at("2024-06-21T05:00:00Z")));
        assert_eq!(window.until, Some(at("2024-06-22T05:00:00Z")));
        assert!(window.holds(at("2024-06-22T04:59:59Z")));
        assert!(!window.holds(at("2024-06-22T05:00:00Z")));
    }

    #[test]
    fn signs_and_ranges() {
        let now = at("2024-06-22T12:00:00Z");
        let zone = central();
        let holds = |expression: &str, day: &str| {
            window(expression, now, &zone)
                .unwrap()
                .holds(at(&format!("{day}T18:00:00Z")))
        };
        assert!(holds("date>=06/21/2024", "2024-06-21"));
        assert!(!holds("date>06/21/2024", "2024-06-21"));
        assert!(holds("date<=06/21/2024", "2024-06-21"));
        assert!(!holds("date<06/21/2024", "2024-06-21"));
        assert!(holds("daterange:06/20/2024-06/21/2024", "2024-06-21"));
        assert!(holds("range:lastmonth", "2024-05-31"));
        assert!(!holds("range:lastmonth", "2024-06-01"));
        assert!(holds("range:lastdays:7", "2024-06-16"));
        assert!(holds("value:1", "2024-06-21"));
        for none in [
            "range:thisweek",
            "date:2024-06-21",
            "DATE:06/21/2024",
            "soon",
            "range:lastdays:9223372036854775807",
            "range:nextdays:9223372036854775807",
            "value:-9223372036854775808",
        ] {
            assert_eq!(window(none, now, &zone), None, "{none}");
        }
    }

    #[test]
    fn times_are_shown_in_utc_or_without_a_word_in_the_zone() {
        let time = at("2024-06-21T22:43:00Z");
        assert_eq!(
            shown(time, &central(), Temper::Lenient),
            "2024-06-21T22:43:00.000Z"
        );
        assert_eq!(
            shown(time, &central(), Temper::LiveLike),
            "2024-06-21T17:43:00"
        );
        let time = at("2024-06-21T22:43:00.97Z");
        assert_eq!(
            shown(time, &central(), Temper::LiveLike),
            "2024-06-21T17:43:00.97"
        );
        assert_eq!(
            shown_in_utc(time, Temper::LiveLike),
            "2024-06-21T22:43:00.97"
        );
    }
}
