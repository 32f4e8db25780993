//! Dates and times: the formats of a mapping, and what a text means under them.

use jiff::Zoned;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::{Offset, TimeZone};

use super::form::Form;
use super::item::Item;
use super::parse::Problem;
use crate::error::Rule;
use crate::unicode::plain_spaces;

/// No ticket is older: a year of fewer digits is one that was written short.
const FIRST_YEAR: i16 = 1000;

/// A checked `strptime` format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Format {
    text: String,
    form: Form,
    /// Where the list of formats stands in the mapping, for one of such a list.
    list: Option<usize>,
}

impl Format {
    /// Checks a format; `date_only` when no time of day is wanted from it.
    pub(super) fn new(text: &str, date_only: bool) -> Result<Self, String> {
        let form = Form::of(text)?;
        // Two samples that differ in every part: a format that mixes them up holds too little.
        let sample = Date::constant(2024, 11, 23).at(22, 43, 51, 0);
        let zoned = sample
            .to_zoned(TimeZone::UTC)
            .map_err(|error| error.to_string())?;
        let written = strtime::format(text, &zoned).map_err(|error| error.to_string())?;
        let read = read(text, &form, &written)?;
        if read.at.date() != sample.date() {
            return Err("it holds no whole date".to_owned());
        }
        // An hour of twelve without am or pm reads back as another hour.
        if !date_only && read.has_time && read.at.hour() != sample.hour() {
            return Err("hours up to 12 (%I) need %p for am and pm".to_owned());
        }
        Ok(Self {
            text: text.to_owned(),
            form,
            list: None,
        })
    }

    /// Whether a text that it reads names the zone of its time.
    pub(super) fn has_zone(&self) -> bool {
        self.form.has_zone()
    }
}

impl Format {
    /// One of the formats of a list.
    pub(super) fn of_list(self, at: usize) -> Self {
        Self {
            list: Some(at),
            ..self
        }
    }
}

/// A text as read under one format.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    at: DateTime,
    pub(super) has_time: bool,
    pub(super) offset: Option<Offset>,
    /// The zone that the text names, where it names one.
    zone: Option<TimeZone>,
}

impl Reading {
    /// Whether an offset and a zone fit each other.
    fn is_consistent(&self) -> bool {
        let (Some(offset), Some(zone)) = (self.offset, &self.zone) else {
            return true;
        };
        let at = offset.to_timestamp(self.at);
        at.is_ok_and(|at| zone.to_offset(at) == offset)
    }
}

fn read(format: &str, form: &Form, text: &str) -> Result<Reading, String> {
    let parts = BrokenDownTime::parse(format, text).map_err(|error| error.to_string())?;
    if !form.agrees(text, &parts) {
        return Err("its hour and its am or pm contradict each other".to_owned());
    }
    if let Some(timestamp) = parts.timestamp() {
        return Ok(Reading {
            at: Offset::UTC.to_datetime(timestamp),
            has_time: true,
            offset: Some(Offset::UTC),
            zone: None,
        });
    }
    let date = parts
        .to_date()
        .map_err(|_| "it holds no whole date".to_owned())?;
    let has_time = parts.hour().is_some();
    let time = match has_time {
        true => parts.to_time().map_err(|error| error.to_string())?,
        false => Time::midnight(),
    };
    let zone = match parts.iana_time_zone() {
        Some(name) => {
            Some(TimeZone::get(name).map_err(|_| format!("there is no time zone `{name}`"))?)
        }
        None => None,
    };
    let reading = Reading {
        at: date.to_datetime(time),
        has_time,
        offset: parts.offset(),
        zone,
    };
    match reading.is_consistent() {
        true => Ok(reading),
        false => Err("its offset and its time zone contradict each other".to_owned()),
    }
}

/// ISO 8601 and what is close to it: `2024-06-21`, `2024-06-21 22:43`, `2024-06-21T22:43:00Z`, and with the name of
/// a zone behind it, `2024-06-21T22:43[Europe/Berlin]`.
pub(super) fn read_iso(text: &str) -> Option<Reading> {
    let pieces = Pieces::parse(text).ok()?;
    let reading = Reading {
        at: pieces
            .date()
            .to_datetime(pieces.time().unwrap_or_else(Time::midnight)),
        has_time: pieces.time().is_some(),
        offset: pieces.to_numeric_offset(),
        zone: pieces.to_time_zone().ok()?,
    };
    // `Z` says that the offset of the place is not known: it contradicts no zone.
    let is_utc = matches!(pieces.offset(), Some(PiecesOffset::Zulu));
    let is_good = reading.at.year() >= FIRST_YEAR && (is_utc || reading.is_consistent());
    is_good.then_some(reading)
}

fn read_text(text: &str, formats: &[Format]) -> Result<Reading, Problem> {
    let text = plain_spaces(text);
    let text = text.trim();
    if formats.is_empty() {
        return read_iso(text).ok_or_else(|| {
            Problem::broken(text, "is no date like 2024-06-21").hint(
                "say how it is written: `formats = [\"%m/%d/%Y %H:%M\"]` for 06/21/2024 22:43",
            )
        });
    }
    let mut found: Option<(&Format, Reading)> = None;
    let mut short: Option<&Format> = None;
    for format in formats {
        let Ok(reading) = read(&format.text, &format.form, text) else {
            continue;
        };
        // `%Y` takes the year 25 for what it says.
        if reading.at.year() < FIRST_YEAR {
            short = short.or(Some(format));
            continue;
        }
        match found {
            None => found = Some((format, reading)),
            Some((_, ref first)) if *first == reading => {}
            Some((first, ref known)) => {
                let rule = format!(
                    "is a different date under `{}` and `{}`",
                    first.text, format.text
                );
                let problem = Problem::broken(text, &rule).hint(format!(
                    "`{text}` would be {} or {}: keep only the format in which this column is written",
                    shown(known.at),
                    shown(reading.at)
                ));
                return Err(match format.list {
                    Some(at) => Problem {
                        rule: Rule::Open { rule, at },
                        ..problem
                    },
                    None => problem,
                });
            }
        }
    }
    if let (None, Some(format)) = (&found, short) {
        let rule = format!("has a year before {FIRST_YEAR} by `{}`", format.text);
        return Err(Problem::broken(text, rule).hint(format!(
            "a year of two digits is `%y`: write `{}` in `formats`",
            format.text.replace("%Y", "%y")
        )));
    }
    found.map(|(_, reading)| reading).ok_or_else(|| {
        let formats: Vec<&str> = formats.iter().map(|format| format.text.as_str()).collect();
        Problem::broken(
            text,
            format!("is no date of the form {}", formats.join(" or ")),
        )
        .hint("fix the cell, or add its form to `formats`")
    })
}

fn shown(at: DateTime) -> String {
    match at.time() == Time::midnight() {
        true => at.date().to_string(),
        false => at.strftime("%Y-%m-%d %H:%M").to_string(),
    }
}

/// The value as a date and time; without an offset in it and without `zone` its zone stays unknown.
pub(super) fn to_datetime<'a>(
    item: Item<'a>,
    formats: &[Format],
    zone: Option<&TimeZone>,
) -> Result<Item<'a>, Problem> {
    let reading = match &item {
        Item::Text(text) => read_text(text, formats)?,
        Item::Date(date) => civil(date.to_datetime(Time::midnight()), false),
        Item::DateTime(at) => civil(*at, true),
        Item::Day(_) => return Ok(item),
        Item::Instant(at) => match zone {
            Some(zone) => return Ok(Item::Instant(Box::new(at.with_time_zone(zone.clone())))),
            None => return Ok(item),
        },
        other => return Err(Problem::broken(&other.text(), "is no date")),
    };
    let at = reading.at;
    in_zone(reading, zone)
        .map(|moment| moment.unwrap_or(Item::DateTime(at)))
        .ok_or_else(|| Problem::broken(&item.text(), "lies outside of the calendar"))
}

fn civil(at: DateTime, has_time: bool) -> Reading {
    Reading {
        at,
        has_time,
        offset: None,
        zone: None,
    }
}

/// The moment of a reading: `Some(None)` when no zone is known. A time that the clocks skip in spring is taken
/// an hour later, one that they show twice in autumn is the first of the two (jiff's *compatible*, which is
/// what calendars do).
fn in_zone(reading: Reading, zone: Option<&TimeZone>) -> Option<Option<Item<'static>>> {
    let own = |offset| reading.zone.clone().unwrap_or(TimeZone::fixed(offset));
    let zoned = match (reading.offset, &reading.zone, zone) {
        (Some(offset), _, zone) => {
            let timestamp = offset.to_timestamp(reading.at).ok()?;
            // A day stays the day that it was where it was written.
            let zone = zone.filter(|_| reading.has_time).cloned();
            timestamp.to_zoned(zone.unwrap_or_else(|| own(offset)))
        }
        (None, Some(named), zone) => {
            let moment = named.to_ambiguous_zoned(reading.at).compatible().ok()?;
            match zone.filter(|_| reading.has_time) {
                Some(zone) => moment.with_time_zone(zone.clone()),
                None => moment,
            }
        }
        (None, None, Some(zone)) => zone.to_ambiguous_zoned(reading.at).compatible().ok()?,
        (None, None, None) => return Some(None),
    };
    let zoned = Box::new(zoned);
    Some(Some(match reading.has_time {
        true => Item::Instant(zoned),
        false => Item::Day(zoned),
    }))
}

/// The value as a calendar date. A moment with an offset is the day that it is in `zone`.
pub(super) fn to_date<'a>(
    item: Item<'a>,
    formats: &[Format],
    zone: Option<&TimeZone>,
) -> Result<Item<'a>, Problem> {
    if let Item::Date(_) = item {
        return Ok(item);
    }
    match to_datetime(item, formats, zone)? {
        Item::Instant(at) | Item::Day(at) => Ok(Item::Date(at.date())),
        Item::DateTime(at) => Ok(Item::Date(at.date())),
        other => Ok(other),
    }
}

/// The moment as payloads take it: RFC 3339 with an offset.
pub(super) fn rfc3339(at: &Zoned) -> String {
    let seconds = at.strftime("%Y-%m-%dT%H:%M:%S");
    let millis = at.millisecond();
    let offset = at.strftime("%:z");
    match millis {
        0 => format!("{seconds}{offset}"),
        _ => format!("{seconds}.{millis:03}{offset}"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::AmbiguousOffset;
    use proptest::prelude::*;

    use super::*;

    fn formats(texts: &[&str]) -> Vec<Format> {
        texts
            .iter()
            .map(|text| Format::new(text, false).unwrap())
            .collect()
    }

    fn moment(text: &str, forms: &[&str], zone: Option<&str>) -> Result<String, String> {
        let zone = zone.map(|name| TimeZone::get(name).unwrap());
        match to_datetime(Item::borrowed(text), &formats(forms), zone.as_ref()) {
            Ok(Item::Instant(at) | Item::Day(at)) => Ok(rfc3339(&at)),
            Ok(other) => Ok(other.text().into_owned()),
            Err(problem) => Err(problem.message),
        }
    }

    #[test]
    fn formats_are_checked() {
        assert!(Format::new("%m/%d/%Y %H:%M", false).is_ok());
        assert!(Format::new("%d/%b/%y %I:%M %p", false).is_ok());
        assert!(Format::new("%s", false).is_ok());
        assert!(Format::new("%H:%M", false).is_err());
        assert!(Format::new("%m/%Y", true).is_err());
        assert!(Format::new("%Q!", false).is_err());
        assert_eq!(
            Format::new("%m/%d/%Y %I:%M", false).unwrap_err(),
            "hours up to 12 (%I) need %p for am and pm"
        );
    }

    #[test]
    fn times_get_the_zone_of_the_mapping() {
        let chicago = Some("America/Chicago");
        let form = ["%m/%d/%Y %H:%M"];
        assert_eq!(
            moment("6/21/2024 22:43", &form, chicago).unwrap(),
            "2024-06-21T22:43:00-05:00"
        );
        // What browsers and spreadsheet programs put between the parts.
        for space in ["\u{202f}", "\u{a0}", "\u{2009}"] {
            let form = ["%m/%d/%Y, %I:%M %p"];
            assert_eq!(
                moment(&format!("6/21/2024,{space}10:43{space}PM"), &form, chicago).unwrap(),
                "2024-06-21T22:43:00-05:00"
            );
            assert_eq!(
                moment(&format!("2024-06-21{space}22:43"), &[], chicago).unwrap(),
                "2024-06-21T22:43:00-05:00"
            );
        }
        assert_eq!(
            moment("2024-06-21T22:43:00Z", &[], chicago).unwrap(),
            "2024-06-21T17:43:00-05:00"
        );
        assert_eq!(
            moment("2024-06-21T22:43:00.5+02:00", &[], None).unwrap(),
            "2024-06-21T22:43:00.500+02:00"
        );
        assert_eq!(
            moment("2024-06-21 22:43", &[], None).unwrap(),
            "2024-06-21 22:43"
        );
    }

    #[test]
    fn skipped_and_repeated_hours_are_taken_as_calendars_do() {
        let chicago = Some("America/Chicago");
        assert_eq!(
            moment("2024-03-10 02:30", &[], chicago).unwrap(),
            "2024-03-10T03:30:00-05:00"
        );
        assert_eq!(
            moment("2024-11-03 01:30", &[], chicago).unwrap(),
            "2024-11-03T01:30:00-05:00"
        );
    }

    proptest! {
        /// Where the clocks skip or repeat an hour, the offset from before the change counts: a skipped time is an
        /// hour later on the new clock, a repeated one is the first of the two.
        #[test]
        fn any_time_has_one_answer_in_any_zone(
            zone in prop::sample::select(vec!["America/Chicago", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"]),
            day in 0_i32..20_000,
            minute in 0_i64..1440,
        ) {
            let zone = TimeZone::get(zone).unwrap();
            let at = Date::constant(1990, 1, 1)
                .checked_add(jiff::Span::new().days(day)).unwrap()
                .to_datetime(Time::midnight())
                .checked_add(jiff::Span::new().minutes(minute)).unwrap();
            let text = at.strftime("%Y-%m-%d %H:%M").to_string();
            let expected = match zone.to_ambiguous_timestamp(at).offset() {
                AmbiguousOffset::Unambiguous { offset } => offset,
                AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
            };
            let Ok(Item::Instant(found)) = to_datetime(Item::borrowed(&text), &[], Some(&zone)) else {
                panic!("{text} has no answer");
            };
            prop_assert_eq!(found.timestamp(), expected.to_timestamp(at).unwrap());
        }
    }

    #[test]
    fn a_date_that_two_formats_read_differently_is_told() {
        let both = ["%m/%d/%Y", "%d/%m/%Y"];
        assert_eq!(
            moment("03/04/2024", &both, None).unwrap_err(),
            "`03/04/2024` is a different date under `%m/%d/%Y` and `%d/%m/%Y`"
        );
        assert_eq!(
            moment("03/03/2024", &both, None).unwrap(),
            "2024-03-03 00:00"
        );
        assert_eq!(
            moment("21/04/2024", &both, None).unwrap(),
            "2024-04-21 00:00"
        );
    }

    #[test]
    fn a_year_of_two_digits_is_no_year_of_the_romans() {
        let problem =
            to_date(Item::borrowed("03/04/25"), &formats(&["%m/%d/%Y"]), None).unwrap_err();
        assert_eq!(
            problem.message,
            "`03/04/25` has a year before 1000 by `%m/%d/%Y`"
        );
        assert_eq!(
            problem.hint.as_deref(),
            Some("a year of two digits is `%y`: write `%m/%d/%y` in `formats`")
        );
        // Where another format says what it means, that is it.
        let both = ["%m/%d/%Y", "%m/%d/%y"];
        assert_eq!(moment("03/04/25", &both, None).unwrap(), "2025-03-04 00:00");
        assert!(moment("0025-03-04", &[], None).is_err());
    }

    #[test]
    fn what_is_no_date_is_told() {
        assert_eq!(
            moment("soon", &[], None).unwrap_err(),
            "`soon` is no date like 2024-06-21"
        );
        assert_eq!(
            moment("2024-13-01", &["%Y-%m-%d"], None).unwrap_err(),
            "`2024-13-01` is no date of the form %Y-%m-%d"
        );
    }
}
