//! A workbook's values into cells: dates of both calendars, times, durations, errors.

use calamine::{Data, DataRef, ExcelDateTime, ExcelDateTimeType};
use jiff::civil::{Date, DateTime, Time, date};
use jiff::{SignedDuration, ToSpan};

use crate::record::Cell;

const DAY_MILLIS: f64 = 86_400_000.0;

/// A value as a cell; `formula` tells whether a formula stands there, which must have left a value.
///
/// calamine has already undone `_x000D_` and its like; doing so again would eat what was meant literally.
pub(super) fn cell(value: DataRef<'_>, formula: bool) -> Cell {
    match value {
        DataRef::Empty if formula => Cell::Fault(
            "a formula without a stored value: open the file in Excel and save it".to_owned(),
        ),
        DataRef::Empty => Cell::Empty,
        DataRef::String(text) => self::text(&text),
        DataRef::SharedString(text) => self::text(text),
        DataRef::Int(number) => Cell::Number(number as f64),
        DataRef::Float(number) => Cell::Number(number),
        DataRef::Bool(value) => Cell::Bool(value),
        DataRef::DateTime(at) => excel(at),
        DataRef::DateTimeIso(text) => iso(&text),
        DataRef::DurationIso(text) => iso_duration(&text),
        DataRef::Error(error) => error_cell(&error.to_string()),
    }
}

/// A text. One with a NUL is damaged, as it is in a CSV: programs cut it there.
pub(super) fn text(text: &str) -> Cell {
    if text.is_empty() {
        return Cell::Empty;
    }
    match memchr::memchr(0, text.as_bytes()) {
        Some(_) => Cell::Fault("the text of the cell holds a NUL character".to_owned()),
        None => Cell::Text(text.into()),
    }
}

/// A number, a date as its serial number.
pub(super) fn number(value: &Data) -> Option<f64> {
    match value {
        Data::Int(number) => Some(*number as f64),
        Data::Float(number) => Some(*number),
        Data::DateTime(at) => Some(at.as_f64()),
        _ => None,
    }
}

/// A serial number as the date or duration that its format says it is.
pub(super) fn serial(number: f64, kind: ExcelDateTimeType, is_1904: bool) -> Cell {
    excel(ExcelDateTime::new(number, kind, is_1904))
}

/// Whether a text is an error of a spreadsheet program: `#N/A`, `#DIV/0!`, `Err:508`.
pub(super) fn is_error(text: &str) -> bool {
    const ERRORS: [&str; 12] = [
        "#N/A",
        "#DIV/0!",
        "#REF!",
        "#VALUE!",
        "#NAME?",
        "#NUM!",
        "#NULL!",
        "#SPILL!",
        "#CALC!",
        "#GETTING_DATA",
        "#FIELD!",
        "#BLOCKED!",
    ];
    let is_number = |code: &str| !code.is_empty() && code.bytes().all(|sign| sign.is_ascii_digit());
    ERRORS.contains(&text) || text.strip_prefix("Err:").is_some_and(is_number)
}

/// A value of a sheet that is held whole.
pub(super) fn held(value: &Data, formula: bool) -> Cell {
    cell(
        match value {
            Data::Int(number) => DataRef::Int(*number),
            Data::Float(number) => DataRef::Float(*number),
            Data::String(text) => DataRef::SharedString(text),
            Data::Bool(value) => DataRef::Bool(*value),
            Data::DateTime(at) => DataRef::DateTime(*at),
            Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
            Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
            Data::Error(error) => DataRef::Error(error.clone()),
            Data::Empty => DataRef::Empty,
        },
        formula,
    )
}

/// A cell that shows an error.
pub(super) fn error_cell(shown: &str) -> Cell {
    Cell::of_error(shown)
}

fn excel(at: ExcelDateTime) -> Cell {
    let days = at.as_f64();
    if at.is_duration() {
        return Cell::Duration(SignedDuration::from_millis(
            (days * DAY_MILLIS).round() as i64
        ));
    }
    let not_a_date = || {
        Cell::Fault(format!(
            "the number {days} is formatted as a date and is none"
        ))
    };
    if !(0.0..2_958_466.0).contains(&days) {
        return not_a_date();
    }
    // Excel counts in binary fractions of a day: rounding keeps 22:43 from becoming 22:42:59.
    let millis = (days * DAY_MILLIS).round() as i64;
    let (whole, rest) = (millis / 86_400_000, millis % 86_400_000);
    let Some(time) = clock(rest) else {
        return not_a_date();
    };
    if whole == 0 && days < 1.0 {
        return Cell::Time(time);
    }
    let epoch_1904 = is_1904(at);
    match calendar_day(whole, epoch_1904) {
        Some(date) if rest == 0 => Cell::Date(date),
        Some(date) => Cell::DateTime(DateTime::from_parts(date, time)),
        None => not_a_date(),
    }
}

/// Whether the calendar of a serial number begins in 1904: calamine tells it only through its conversion.
fn is_1904(at: ExcelDateTime) -> bool {
    let (year, month, day, ..) = at.to_ymd_hms_milli();
    let days = at.as_f64().floor() as i64;
    let seen = Date::new(year as i16, month as i8, day as i8).ok();
    // The conversion rounds up to the next day just before midnight.
    seen.is_some()
        && [days, days + 1]
            .iter()
            .any(|&day| seen == calendar_day(day, true))
}

/// The date of a serial day; the calendar of 1900 has a 29 February 1900 that never was.
fn calendar_day(days: i64, epoch_1904: bool) -> Option<Date> {
    let epoch = match (epoch_1904, days) {
        (true, _) => date(1904, 1, 1),
        (false, 60) => return None,
        (false, ..60) => date(1899, 12, 31),
        (false, _) => date(1899, 12, 30),
    };
    epoch.checked_add(days.days()).ok()
}

fn clock(millis: i64) -> Option<Time> {
    let seconds = millis / 1000;
    Time::new(
        (seconds / 3600) as i8,
        (seconds / 60 % 60) as i8,
        (seconds % 60) as i8,
        (millis % 1000) as i32 * 1_000_000,
    )
    .ok()
}

fn iso(text: &str) -> Cell {
    if let Ok(date) = text.parse::<Date>()
        && !text.contains(['T', ' '])
    {
        return Cell::Date(date);
    }
    if let Ok(at) = text.trim_end_matches('Z').parse::<DateTime>() {
        return Cell::DateTime(at);
    }
    match text.trim_end_matches('Z').parse::<Time>() {
        Ok(time) => Cell::Time(time),
        Err(_) => Cell::Text(text.into()),
    }
}

/// A duration of OpenDocument (`PT36H05M00S`) in days; `None`: it is none.
pub(super) fn days(text: &str) -> Option<f64> {
    let duration: SignedDuration = text.trim().parse().ok()?;
    Some(duration.as_millis() as f64 / DAY_MILLIS)
}

/// OpenDocument stores a time of day as a duration; what fits a day is taken for a time.
fn iso_duration(text: &str) -> Cell {
    let Ok(duration) = text.parse::<SignedDuration>() else {
        return Cell::Text(text.into());
    };
    let millis = duration.as_millis();
    match i64::try_from(millis) {
        Ok(millis @ 0..86_400_000) => clock(millis).map_or(Cell::Duration(duration), Cell::Time),
        _ => Cell::Duration(duration),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{datetime, time};

    use super::*;

    fn serial(days: f64, epoch_1904: bool) -> Cell {
        super::serial(days, ExcelDateTimeType::DateTime, epoch_1904)
    }

    #[test]
    fn dates_of_both_calendars() {
        assert_eq!(serial(1.0, false), Cell::Date(date(1900, 1, 1)));
        assert_eq!(serial(59.0, false), Cell::Date(date(1900, 2, 28)));
        assert!(matches!(serial(60.0, false), Cell::Fault(_)));
        assert_eq!(serial(61.0, false), Cell::Date(date(1900, 3, 1)));
        assert_eq!(serial(45464.0, false), Cell::Date(date(2024, 6, 21)));
        assert_eq!(serial(44002.0, true), Cell::Date(date(2024, 6, 21)));
        assert_eq!(serial(1.0, true), Cell::Date(date(1904, 1, 2)));
        assert!(matches!(serial(-1.0, false), Cell::Fault(_)));
    }

    #[test]
    fn times_are_rounded_not_cut() {
        let at = 45464.0 + (22.0 * 60.0 + 43.0) / 1440.0;
        assert_eq!(
            serial(at, false),
            Cell::DateTime(datetime(2024, 6, 21, 22, 43, 0, 0))
        );
        assert_eq!(serial(0.5, false), Cell::Time(time(12, 0, 0, 0)));
        assert_eq!(serial(0.0, false), Cell::Time(time(0, 0, 0, 0)));
    }

    #[test]
    fn durations_pass_a_day() {
        let value = ExcelDateTime::new(1.5, ExcelDateTimeType::TimeDelta, false);
        assert_eq!(excel(value).text(), "36:00");
        assert_eq!(iso_duration("PT36H00M00S").text(), "36:00");
        assert_eq!(iso_duration("PT10H10M10S"), Cell::Time(time(10, 10, 10, 0)));
    }
}
