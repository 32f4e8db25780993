//! A cell in one canonical form, whether it was written by an export, comes back in a file that a spreadsheet program has
//! saved, or was just read from the desk; and when two of them are the same.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::Offset;

use crate::export::columns::{Cell as Exported, Local};
use crate::record::Cell;

/// A longer text is kept as its hash, with its beginning for people; in bytes.
const LONGEST: usize = 1_500;
/// How much of a long text is kept, in characters.
const BEGINNING: usize = 200;
/// The days of a workbook are counted from here.
const FIRST_DAY: DateTime = DateTime::constant(1899, 12, 30, 0, 0, 0, 0);
/// Numbers beyond are no days: the year 9999.
const LAST_DAY: f64 = 2_958_466.0;

/// The value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Nothing.
    Empty,
    /// A text, its lines ended by a line feed, without outer space.
    Text(String),
    /// Several words or names, whose order says nothing.
    List(String),
    /// A text that is too long to be kept: its hash, and how it begins.
    Long(String, String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Truth(bool),
    /// A moment on the clocks of the export's zone.
    Time(DateTime),
}

impl Value {
    /// What an export writes into a cell; `is_list`: of a column that holds several words or names.
    pub(crate) fn exported(cell: &Exported<'_>, is_list: bool) -> Self {
        match cell {
            Exported::Empty => Self::Empty,
            Exported::Text(text) if is_list => match Self::text(text) {
                Self::Text(text) => Self::List(text),
                other => other,
            },
            Exported::Text(text) | Exported::Link { text, .. } => Self::text(text),
            Exported::Number(number) => Self::Number(*number),
            Exported::Formatted(shown) => Self::Number(shown.number),
            Exported::Truth(truth) => Self::Truth(*truth),
            Exported::Time(at) => Self::Time(Local::civil(*at)),
        }
    }

    /// What a file has in a cell; `None` for one that cannot be read.
    pub(crate) fn read(cell: &Cell) -> Option<Self> {
        Some(match cell {
            Cell::Empty => Self::Empty,
            Cell::Text(text) => Self::text(text),
            Cell::Integer(number) => Self::Number(*number as f64),
            Cell::Number(number) => Self::Number(*number),
            Cell::Shown(shown) => Self::Number(shown.number),
            Cell::Bool(truth) => Self::Truth(*truth),
            Cell::Date(day) => Self::Time(day.at(0, 0, 0, 0)),
            Cell::DateTime(at) => Self::Time(*at),
            Cell::Time(_) | Cell::Duration(_) | Cell::Json(_) => Self::text(&cell.text()),
            Cell::Fault(_) => return None,
        })
    }

    /// A text, whatever ends its lines.
    pub(crate) fn text(text: &str) -> Self {
        let text = plain(text);
        match text.len() {
            0 => Self::Empty,
            length if length > LONGEST => Self::Long(
                blake3::hash(text.as_bytes()).to_hex()[..32].to_owned(),
                text.chars().take(BEGINNING).collect(),
            ),
            _ => Self::Text(text.into_owned()),
        }
    }

    /// As it is written into a baseline: the type before the value, so that no program types it anew.
    pub(crate) fn written(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => format!("t:{text}"),
            Self::List(text) => format!("l:{text}"),
            Self::Long(hash, beginning) => format!("h:{hash}:{beginning}"),
            Self::Number(number) => format!("n:{number}"),
            Self::Truth(truth) => format!("b:{truth}"),
            Self::Time(at) => format!("m:{at}"),
        }
    }

    /// What was written; `None` where that is none of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::Empty);
        }
        let (kind, value) = text.split_once(':')?;
        Some(match kind {
            "t" => Self::text(value),
            "l" => Self::List(value.to_owned()),
            "h" => {
                let (hash, beginning) = value.split_once(':')?;
                Self::Long(hash.to_owned(), beginning.to_owned())
            }
            "n" => Self::Number(value.parse().ok()?),
            "b" => Self::Truth(value.parse().ok()?),
            "m" => Self::Time(value.parse().ok()?),
            _ => return None,
        })
    }

    /// For people.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Text(text) | Self::List(text) => Cow::Borrowed(text),
            Self::Long(_, beginning) => Cow::Owned(format!("{beginning}…")),
            Self::Number(number) => Cow::Owned(Cell::Number(*number).text().into_owned()),
            Self::Truth(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
            Self::Time(at) => Cow::Owned(Cell::DateTime(*at).text().into_owned()),
        }
    }

    /// Whether `other`, of a file that came back, says the same. A spreadsheet program types anew what it saves: a number may have become a text or a
    /// date, a date may be written in another order, and a text of digits may have become a number.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => near(*one, *other),
            (Self::Time(one), Self::Time(other)) => moment(*one, *other, true),
            (Self::Truth(one), Self::Truth(other)) => one == other,
            (Self::Text(one), Self::Text(other)) => one == other || typed_anew(one, other),
            (Self::List(one), Self::List(other) | Self::Text(other))
            | (Self::Text(one), Self::List(other)) => {
                list(one) == list(other) || typed_anew(one, other)
            }
            (Self::List(one), other) | (other, Self::List(one)) => {
                Self::Text(one.clone()).is(other)
            }
            (Self::Time(at), Self::Number(days)) | (Self::Number(days), Self::Time(at)) => {
                day(*days).is_some_and(|other| moment(*at, other, true))
            }
            (Self::Text(text), Self::Time(at)) | (Self::Time(at), Self::Text(text)) => {
                is_moment(text, *at)
            }
            (Self::Text(text), Self::Number(number)) | (Self::Number(number), Self::Text(text)) => {
                numbers(text).any(|one| near(one, *number))
            }
            (Self::Text(text), Self::Truth(truth)) | (Self::Truth(truth), Self::Text(text)) => {
                word(text) == Some(*truth)
            }
            (Self::Number(number), Self::Truth(truth))
            | (Self::Truth(truth), Self::Number(number)) => *number == f64::from(u8::from(*truth)),
            (Self::Long(one, _), Self::Long(other, _)) => one == other,
            (Self::Empty, Self::Empty) => true,
            _ => false,
        }
    }
}

/// A text with one sign for the ends of its lines, and without outer space.
fn plain(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    match trimmed.contains('\r') {
        true => Cow::Owned(trimmed.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(trimmed),
    }
}

/// The items of a list, whose order says nothing.
fn list(text: &str) -> Vec<&str> {
    let mut items: Vec<&str> = (text.split(';').map(str::trim))
        .filter(|item| !item.is_empty())
        .collect();
    items.sort_unstable();
    items
}

/// Whether a text is what a program makes of another one that looks like a number, a moment, or yes or no.
fn typed_anew(before: &str, after: &str) -> bool {
    if before.len() > 40 || after.len() > 40 {
        return false;
    }
    if let (Some(one), Some(other)) = (word_of_truth(before), word_of_truth(after)) {
        return one == other;
    }
    let digits = |text: &str| text.starts_with(|sign: char| sign.is_ascii_digit() || sign == '-');
    if !digits(after) && !digits(before) {
        return false;
    }
    if let Ok(number) = before.parse::<f64>() {
        // A program takes zeros away that stand before a number, and adds none.
        let zeros = |text: &str| {
            let digits = text.trim_start_matches('-').as_bytes();
            let further = |pair: &&[u8]| pair[0] == b'0' && pair[1].is_ascii_digit();
            digits.windows(2).take_while(further).count()
        };
        if zeros(after) > zeros(before) {
            return false;
        }
        return numbers(after).any(|other| near(number, other)) || is_rounded(before, after);
    }
    iso(before).is_some_and(|(at, _)| is_moment(after, at))
}

/// What a number may be that is written with signs of its language.
fn numbers(text: &str) -> impl Iterator<Item = f64> {
    let text = text.trim();
    let plain = text.parse::<f64>().ok();
    let looks = text.starts_with(|sign: char| sign.is_ascii_digit() || "+-.,".contains(sign));
    let plain = plain.filter(|number| looks && number.is_finite());
    [plain, grouped(text, ',', '.'), grouped(text, '.', ',')]
        .into_iter()
        .flatten()
}

/// A number with this sign between its thousands, and that one before its decimals.
fn grouped(text: &str, between: char, before: char) -> Option<f64> {
    let (whole, decimals) = text.split_once(before).unwrap_or((text, "0"));
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(whole) => (-1.0, whole),
        None => (1.0, whole),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split(between);
    let first = groups.next()?;
    let mut joined = first.to_owned();
    for group in groups {
        if first.len() > 3 || group.len() != 3 {
            return None;
        }
        joined.push_str(group);
    }
    if !digits(&joined) || !digits(decimals) {
        return None;
    }
    let number: f64 = format!("{joined}.{decimals}").parse().ok()?;
    Some(sign * number)
}

/// Whether a long number was written short: `12345678901234567` as `1.23457E+16`.
fn is_rounded(before: &str, after: &str) -> bool {
    let Some((digits, _)) = after.split_once(['E', 'e']) else {
        return false;
    };
    let (Ok(before), Ok(after)) = (before.parse::<f64>(), after.parse::<f64>()) else {
        return false;
    };
    let places = digits.split_once(['.', ',']).map_or(0, |(_, it)| it.len());
    format!("{before:.places$e}") == format!("{after:.places$e}")
}

/// Numbers that differ by no more than what programs lose.
fn near(one: f64, other: f64) -> bool {
    let is_whole = one.fract() == 0.0 && other.fract() == 0.0;
    one == other || (!is_whole && (one - other).abs() <= 1e-13 * one.abs().max(other.abs()))
}

fn word_of_truth(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "wahr" | "vrai" | "verdadero" => Some(true),
        "false" | "falsch" | "faux" | "falso" => Some(false),
        _ => None,
    }
}

fn word(text: &str) -> Option<bool> {
    word_of_truth(text).or_else(|| match text.to_lowercase().as_str() {
        "yes" | "1" => Some(true),
        "no" | "0" => Some(false),
        _ => None,
    })
}

/// Whether both are one moment: to the second, or to the minute where one of them is not written with seconds.
fn moment(one: DateTime, other: DateTime, has_seconds: bool) -> bool {
    let between = one.duration_since(other).abs();
    match has_seconds {
        // A workbook counts days: what is left of a second is not exact.
        true => between.as_millis() < 1_000,
        false => {
            between.as_secs() < 60 && one.minute() == other.minute() && one.date() == other.date()
        }
    }
}

/// The moment that a workbook's number of days is.
fn day(days: f64) -> Option<DateTime> {
    if !(1.0..LAST_DAY).contains(&days) {
        return None;
    }
    let millis = (days * 86_400_000.0).round() as i64;
    FIRST_DAY
        .checked_add(jiff::SignedDuration::from_millis(millis))
        .ok()
}

/// A date and time as we write it, and whether it has seconds.
fn iso(text: &str) -> Option<(DateTime, bool)> {
    let is_near = text.len() >= 10 && text.as_bytes()[4] == b'-';
    if !is_near {
        return None;
    }
    let clock = text.get(10..).unwrap_or_default();
    let has_seconds = clock.matches(':').count() > 1;
    if text.ends_with('Z')
        && let Ok(at) = text.parse::<jiff::Timestamp>()
    {
        return Some((Offset::UTC.to_datetime(at), has_seconds));
    }
    // The clocks of the zone showed it twice: which of the two it is stands behind it, and the face is the same.
    let face = match clock.rfind(['+', '-']) {
        Some(at) => &text[..10 + at],
        None => text,
    };
    let at = face.parse::<DateTime>();
    at.or_else(|_| face.parse::<Date>().map(|day| day.at(0, 0, 0, 0)))
        .ok()
        .map(|at| (at, has_seconds))
}

/// How programs write days and times of day. Month and day go both ways: that a person has just exchanged the two is less
/// likely than that a program has.
const DAYS: [&str; 13] = [
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%Y",
    "%d.%m.%y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%d %b %Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%Y-%m-%d",
];
const CLOCKS: [(&str, bool); 5] = [
    ("", false),
    (" %H:%M", false),
    (" %H:%M:%S", true),
    (" %I:%M %p", false),
    (" %I:%M:%S %p", true),
];

/// Whether a text is this moment, however it is written.
fn is_moment(text: &str, at: DateTime) -> bool {
    let text = text.trim();
    if !text.starts_with(|sign: char| sign.is_ascii_alphanumeric()) || text.len() > 40 {
        return false;
    }
    if let Some((other, has_seconds)) = iso(text) {
        return moment(at, other, has_seconds)
            || (text.len() == 10 && at.date() == other.date() && is_midnight(at));
    }
    if let Ok(days) = text.parse::<f64>() {
        return day(days).is_some_and(|other| moment(at, other, true));
    }
    DAYS.iter().any(|day| {
        CLOCKS.iter().any(|(clock, has_seconds)| {
            let format = format!("{day}{clock}");
            let Ok(parts) = BrokenDownTime::parse(&format, text) else {
                return false;
            };
            let Ok(date) = parts.to_date() else {
                return false;
            };
            match clock.is_empty() {
                true => date == at.date() && is_midnight(at),
                false => parts
                    .to_time()
                    .is_ok_and(|time| moment(at, date.to_datetime(time), *has_seconds)),
            }
        })
    })
}

fn is_midnight(at: DateTime) -> bool {
    at.hour() == 0 && at.minute() == 0
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, datetime};

    use super::*;

    fn text(text: &str) -> Value {
        Value::text(text)
    }

    #[test]
    fn what_a_program_types_anew_is_the_same() {
        let at = Value::Time(datetime(2024, 6, 3, 14, 5, 0, 0));
        for same in [
            "2024-06-03 14:05",
            "2024-06-03 14:05:00",
            "2024-06-03 14:05+01:00",
            "6/3/2024 14:05",
            "03/06/2024 14:05",
            "06/03/24 02:05 PM",
            "03.06.2024 14:05",
            "3.6.24 14:05",
            "45446.5868055556",
        ] {
            assert!(at.is(&text(same)), "{same}");
            assert!(text("2024-06-03 14:05").is(&text(same)), "{same} as a text");
        }
        assert!(at.is(&Value::Number(45_446.586_805_555_6)));
        for other in ["2024-06-03 14:06", "2024-06-04 14:05", "6/3/2024", "soon"] {
            assert!(!at.is(&text(other)), "{other}");
        }
        let day = Value::Time(datetime(2024, 6, 3, 0, 0, 0, 0));
        for same in ["2024-06-03", "6/3/2024", "03.06.2024", "2024-06-03 00:00"] {
            assert!(day.is(&text(same)), "{same}");
        }
        assert!(day.is(&Value::read(&Cell::Date(date(2024, 6, 3))).unwrap()));
        for (one, other) in [
            ("007", "7"),
            ("12", "12.0"),
            ("1.5", "1,5"),
            ("1234", "1,234"),
            ("true", "TRUE"),
            ("12345678901234567", "1.23457E+16"),
            ("a\r\nb ", "a\nb"),
        ] {
            assert!(text(one).is(&text(other)), "{one} and {other}");
        }
        assert!(Value::List("b; a".to_owned()).is(&text("a;b")));
        assert!(Value::List("7".to_owned()).is(&Value::Number(7.0)));
        assert!(text("007").is(&Value::Number(7.0)));
        assert!(text("TRUE").is(&Value::Truth(true)));
        assert!(Value::Truth(true).is(&Value::Number(1.0)));
        assert!(Value::Number(0.1).is(&text("0,1")));
    }

    #[test]
    fn what_a_person_changes_is_something_else() {
        for (one, other) in [
            ("7", "8"),
            ("7", "007"),
            ("7", "07"),
            ("a", "b"),
            ("a", "A"),
            ("Room 1", "Room 01"),
            ("a; b", "b; a"),
            ("1", "true"),
            ("no", "false"),
            ("1.2.3", "123"),
            ("12345678901234567", "1.23458E+16"),
            ("2024-06-03", "2024-06-04"),
        ] {
            assert!(!text(one).is(&text(other)), "{one} and {other}");
        }
        assert!(!Value::List("a; b".to_owned()).is(&text("a")));
        assert!(!text("a").is(&Value::Empty));
        assert!(!Value::Empty.is(&Value::Number(0.0)));
        assert!(!Value::Number(1e15).is(&Value::Number(1e15 + 1.0)));
    }

    #[test]
    fn what_is_written_reads_back() {
        let long = "ä".repeat(LONGEST);
        for value in [
            Value::Empty,
            text("t: a\nb"),
            text(&long),
            Value::Number(-0.5),
            Value::Truth(false),
            Value::Time(datetime(2024, 6, 3, 14, 5, 9, 0)),
        ] {
            assert_eq!(Value::parse(&value.written()), Some(value.clone()));
            assert!(value.is(&Value::parse(&value.written()).unwrap()));
        }
        assert!(!text(&long).is(&text(&format!("{long}b"))));
        assert_eq!(Value::parse("x:1"), None);
        assert_eq!(Value::parse("n:one"), None);
    }
}
