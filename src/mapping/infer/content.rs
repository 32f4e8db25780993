//! What the values of a column are, whatever its heading says.

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;

use super::super::date::read_iso;
use super::super::parse::{FALSES, TRUTHS, same};
use super::sample::Column;
use crate::markup;
use crate::unicode::plain_spaces;

/// So many different values are tried.
const TRIED: usize = 600;
/// The dates of these formats are tried, with each of the times below behind them.
const DATES: [&str; 17] = [
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
    "%d-%b-%Y",
    "%d/%b/%Y",
    "%d/%b/%y",
    "%d %b %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d, %Y",
];
const TIMES: [&str; 9] = [
    "",
    " %H:%M",
    " %H:%M:%S",
    " %I:%M %p",
    " %I:%M:%S %p",
    ", %H:%M",
    ", %I:%M %p",
    "T%H:%M:%S",
    " %I:%M%p",
];

/// How the dates of a column are written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dates {
    /// `None`: like 2024-06-21, or a workbook's own.
    pub(super) format: Option<String>,
    /// Whether there is a time of day.
    pub(super) has_time: bool,
    /// Whether they say their own zone.
    pub(super) has_zone: bool,
    /// Further formats, where some of its dates are written in another way.
    pub(super) more: Vec<String>,
    /// Another format that reads all of them too, as other dates.
    pub(super) or: Option<String>,
    /// Values that are no dates, and how many cells hold one.
    pub(super) others: Vec<String>,
}

/// How the dates of a column are written; `None` when it holds none.
pub(super) fn dates(column: &Column) -> Option<Dates> {
    if column.filled == 0 {
        return None;
    }
    if column.dates * 10 >= column.filled * 9 {
        return Some(Dates {
            format: None,
            has_time: column.times > 0,
            has_zone: false,
            more: Vec::new(),
            or: None,
            others: Vec::new(),
        });
    }
    if !is_texts_and_dates(column) || column.mean_length() > 40.0 || column.mean_length() < 6.0 {
        return None;
    }
    let values: Vec<&str> = column
        .values
        .iter()
        .take(TRIED)
        .map(|(value, _)| value.as_str())
        .collect();
    iso(&values)
        .or_else(|| written(&values))
        .or_else(|| mixed(&values))
}

/// A workbook often holds dates of its own beside some that were typed as text.
fn is_texts_and_dates(column: &Column) -> bool {
    (column.texts + column.dates) * 10 >= column.filled * 9
}

fn iso(values: &[&str]) -> Option<Dates> {
    let read: Vec<_> = values.iter().map(|value| read_iso(value)).collect();
    let good: Vec<_> = read.iter().flatten().collect();
    let others = others(values, |value| read_iso(value).is_some());
    enough(good.len(), values.len()).then(|| Dates {
        format: None,
        has_time: good.iter().any(|reading| reading.has_time),
        has_zone: good.iter().all(|reading| reading.offset.is_some()),
        more: Vec::new(),
        or: None,
        others,
    })
}

/// All but a few.
fn enough(good: usize, all: usize) -> bool {
    good > 0 && good * 20 >= all * 19
}

fn others(values: &[&str], good: impl Fn(&str) -> bool) -> Vec<String> {
    let bad = values.iter().filter(|value| !good(value));
    bad.take(3).map(|value| (*value).to_owned()).collect()
}

fn written(values: &[&str]) -> Option<Dates> {
    let probe: Vec<&str> = values.iter().copied().take(20).collect();
    let mut fitting: Vec<(String, Vec<Option<DateTime>>)> = Vec::new();
    for date in DATES {
        for time in TIMES {
            let format = format!("{date}{time}");
            let tried = probe.iter().filter(|value| read(&format, value).is_some());
            if tried.count() * 2 < probe.len() {
                continue;
            }
            let read: Vec<_> = values.iter().map(|value| read(&format, value)).collect();
            if enough(read.iter().flatten().count(), values.len()) {
                fitting.push((format, read));
            }
        }
    }
    // What reads the most wins; of two that read as many, the first of the list.
    fitting.sort_by_key(|(_, read)| std::cmp::Reverse(read.iter().flatten().count()));
    let (format, read_as) = fitting.first()?.clone();
    let whole = read_as.iter().flatten().count();
    let or = fitting.iter().skip(1).find(|(_, read)| {
        read.iter().flatten().count() == whole
            && read.iter().zip(&read_as).any(|(one, other)| one != other)
    });
    Some(Dates {
        has_time: tells_time(&format),
        has_zone: false,
        more: Vec::new(),
        or: or.map(|(format, _)| format.clone()),
        others: others(values, |value| read(&format, value).is_some()),
        format: Some(format),
    })
}

fn tells_time(format: &str) -> bool {
    format.contains("%H") || format.contains("%I")
}

/// The most formats that a column is written in.
const MOST_FORMATS: usize = 4;

/// The formats of a column whose dates are written in several: the one that reads the most first. None of them reads a
/// date of another as another day.
fn mixed(values: &[&str]) -> Option<Dates> {
    let may = values.iter().filter(|value| may_be_date(value)).count();
    if !enough(may, values.len()) {
        return None;
    }
    let mut all: Vec<(String, Vec<Option<DateTime>>)> = Vec::new();
    for date in ["%Y-%m-%d"].into_iter().chain(DATES) {
        for time in TIMES {
            let format = format!("{date}{time}");
            let read: Vec<_> = values.iter().map(|value| read(&format, value)).collect();
            if read.iter().any(Option::is_some) {
                all.push((format, read));
            }
        }
    }
    let mut chosen: Vec<(String, Vec<Option<DateTime>>)> = Vec::new();
    let mut is_read = vec![false; values.len()];
    while chosen.len() < MOST_FORMATS {
        let gain = |read: &[Option<DateTime>]| {
            let new = read.iter().zip(&is_read);
            new.filter(|(read, known)| read.is_some() && !**known)
                .count()
        };
        let agrees = |read: &[Option<DateTime>]| {
            chosen.iter().all(|(_, other)| {
                let both = read.iter().zip(other);
                both.filter_map(|(one, other)| one.zip(*other))
                    .all(|(one, other)| one == other)
            })
        };
        let fitting = all.iter().filter(|(_, read)| agrees(read));
        // Of two that read as many, the first of the list.
        let best = fitting.rev().max_by_key(|(_, read)| gain(read));
        let Some((format, read)) = best.filter(|(_, read)| gain(read) > 0) else {
            break;
        };
        for (known, read) in is_read.iter_mut().zip(read) {
            *known |= read.is_some();
        }
        chosen.push((format.clone(), read.clone()));
        all.retain(|(other, _)| *other != chosen[chosen.len() - 1].0);
    }
    let good = is_read.iter().filter(|read| **read).count();
    if chosen.len() < 2 || !enough(good, values.len()) {
        return None;
    }
    let mut formats = chosen.into_iter().map(|(format, _)| format);
    let format = formats.next();
    let more: Vec<String> = formats.collect();
    let known = |value: &str| {
        let mut formats = format.iter().chain(&more);
        formats.any(|format| read(format, value).is_some())
    };
    Some(Dates {
        has_time: format.iter().chain(&more).any(|format| tells_time(format)),
        has_zone: false,
        or: None,
        others: others(values, known),
        format,
        more,
    })
}

/// What no date can do without: a few digits, few letters, and something between them. Most texts are told apart by it.
fn may_be_date(text: &str) -> bool {
    let count = |is: fn(&char) -> bool| text.chars().filter(is).count();
    text.len() <= 48
        && (3..=20).contains(&count(char::is_ascii_digit))
        && count(|sign| sign.is_alphabetic()) <= 12
        && text.contains(['/', '-', '.', ' ', ','])
}

/// Whether a text is a date or a time, however it is written.
pub(super) fn is_dated(text: &str) -> bool {
    let text = text.trim();
    if !may_be_date(text) {
        return false;
    }
    read_iso(text).is_some()
        || DATES.iter().any(|date| {
            TIMES
                .iter()
                .any(|time| read(&format!("{date}{time}"), text).is_some())
        })
}

/// Whether a text is a telephone number: seven digits or more, and nothing but what parts them.
pub(super) fn is_phone(text: &str) -> bool {
    let text = text.trim();
    let (number, extension) = match text.to_lowercase().find(['x', 'e']) {
        Some(at) if text.is_ascii() => text.split_at(at),
        _ => (text, ""),
    };
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let parted = number.contains([' ', '-', '.', '(', '/', '+']);
    let plain = |sign: char| sign.is_ascii_digit() || " -.()/+".contains(sign);
    (7..=15).contains(&digits)
        && parted
        && number.chars().all(plain)
        && extension.chars().count() <= 12
        && !is_dated(text)
}

/// `Doe, Jane` as `Jane Doe`; `None` where a text is no such name.
pub(super) fn turned(text: &str) -> Option<String> {
    let (last, first) = text.split_once(',')?;
    let (last, first) = (last.trim(), first.trim());
    let is_name = |part: &str| {
        let is_sign = |sign: char| sign.is_alphabetic() || " .'’-".contains(sign);
        !part.is_empty() && part.chars().count() <= 40 && part.chars().all(is_sign)
    };
    let words = |part: &str| part.split_whitespace().count();
    (is_name(last) && is_name(first) && words(last) <= 3 && words(first) <= 3)
        .then(|| format!("{first} {last}"))
}

/// How much a column is like titles, from 0 to 1: several words that differ from row to row, and no dates, numbers, names
/// of people, addresses or telephone numbers.
pub(super) fn titles(column: &Column) -> f64 {
    let is_none = |value: &str| {
        is_dated(value)
            || is_address(value)
            || is_phone(value)
            || turned(value).is_some()
            || !value.contains(char::is_alphabetic)
    };
    let good = column.share(|value| !is_none(value));
    let several = column.share(|value| value.split_whitespace().count() > 1);
    let differ = column.distinct as f64 / column.filled.max(1) as f64;
    good * (0.4 + 0.6 * several) * (0.3 + 0.7 * differ.min(1.0))
}

fn read(format: &str, text: &str) -> Option<DateTime> {
    let parts = BrokenDownTime::parse(format, plain_spaces(text).trim()).ok()?;
    let date = parts.to_date().ok()?;
    // `%Y` takes the year 24, and somebody's number is no date of the Middle Ages.
    (1970..=2100).contains(&date.year()).then(|| {
        let time = parts.to_time().unwrap_or_default();
        date.to_datetime(time)
    })
}

/// Whether the day comes first, as far as a format says it.
pub(super) fn day_first(format: &str) -> Option<bool> {
    let (day, month) = (format.find("%d")?, format.find("%m")?);
    (!format.starts_with("%Y")).then_some(day < month)
}

/// The share of e-mail addresses.
pub(super) fn addresses(column: &Column) -> f64 {
    column.share(is_address)
}

pub(super) fn is_address(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else {
        return false;
    };
    let plain =
        |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '@');
    plain(name) && plain(domain) && domain.contains('.')
}

/// Whether all values are truths.
pub(super) fn is_truth(column: &Column) -> bool {
    let known = |value: &str| TRUTHS.iter().chain(&FALSES).any(|word| same(word, value));
    column.filled > 0
        && (column.truths == column.filled || column.values.iter().all(|(value, _)| known(value)))
}

/// The share of plain numbers.
pub(super) fn numbers(column: &Column) -> f64 {
    column.share(|value| value.parse::<f64>().is_ok_and(f64::is_finite))
}

/// The `html` step that makes plain text of a column, and why; `None` where its texts are plain.
pub(super) fn markup(column: &Column) -> Option<(&'static str, &'static str)> {
    if column.share(markup::is_escaped) >= 0.1 {
        return Some((
            "from_escaped",
            "The texts are HTML that was escaped, or hold GLPI's marks; `from_escaped` makes plain text of them.",
        ));
    }
    if html(column) >= 0.1 {
        return Some((
            "strip",
            "The texts are HTML; `strip` makes plain text of them.",
        ));
    }
    (column.share(markup::is_wiki) >= 0.05).then_some((
        "from_wiki",
        "The texts hold wiki markup or BBCode; `from_wiki` makes plain text of them.",
    ))
}

/// The share of values with HTML in them.
pub(super) fn html(column: &Column) -> f64 {
    column.share(is_html)
}

pub(super) fn is_html(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["<p>", "<br", "<div", "<span", "</", "&nbsp;"]
        .iter()
        .any(|tag| lower.contains(tag))
}

/// What parts several values in one cell: the sign after which the same short words come again and again.
pub(super) fn separator(column: &Column) -> Option<&'static str> {
    let cells: Vec<&str> = column
        .values
        .iter()
        .map(|(value, _)| value.as_str())
        .collect();
    ["\n", ";", "|", ","].into_iter().find(|sign| {
        let several = cells.iter().filter(|cell| cell.contains(*sign)).count();
        let items: Vec<&str> = cells
            .iter()
            .flat_map(|cell| cell.split(*sign))
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .collect();
        let short = items
            .iter()
            .filter(|item| item.chars().count() <= 40)
            .count();
        several * 10 >= cells.len() && several > 0 && short * 20 >= items.len() * 19
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[&str]) -> Column {
        Column {
            filled: values.len(),
            texts: values.len(),
            distinct: values.len(),
            characters: values.iter().map(|value| value.len()).sum(),
            values: values
                .iter()
                .map(|value| ((*value).to_owned(), 1))
                .collect(),
            ..Column::default()
        }
    }

    fn format(values: &[&str]) -> Option<(Option<String>, Option<String>)> {
        dates(&column(values)).map(|dates| (dates.format, dates.or))
    }

    #[test]
    fn the_way_dates_are_written_is_found_from_all_of_them() {
        let day = Some((Some("%d/%m/%Y %H:%M".to_owned()), None));
        assert_eq!(format(&["03/04/2024 10:00", "21/06/2024 22:43"]), day);
        assert_eq!(format(&["2024-06-21", "2024-06-22"]), Some((None, None)));
        assert_eq!(
            format(&["22/Sep/25 9:26 AM", "1/Oct/25 11:06 PM"]),
            Some((Some("%d/%b/%y %I:%M %p".to_owned()), None))
        );
        assert_eq!(format(&["Printer", "Network"]), None);
        assert_eq!(format(&["1234567", "7654321"]), None);
    }

    #[test]
    fn dates_that_are_written_in_two_ways_have_two_formats() {
        let column = column(&[
            "06/21/2024",
            "6/22/2024",
            "2024-07-01",
            "21-Jun-2024",
            "07/04/2024",
        ]);
        let dates = dates(&column).unwrap();
        assert_eq!(dates.format.as_deref(), Some("%m/%d/%Y"));
        assert_eq!(dates.more, ["%Y-%m-%d", "%d-%b-%Y"]);
        assert_eq!(dates.others, [""; 0]);
    }

    #[test]
    fn phones_names_and_dates_are_no_titles() {
        for text in ["(555) 123-4567", "555-123-4567 x12", "+49 89 123456"] {
            assert!(is_phone(text), "{text}");
        }
        for text in ["2024-06-21", "24001", "06/21/2024", "Room 12, Building 3"] {
            assert!(!is_phone(text), "{text}");
        }
        assert_eq!(turned("Doe, Jane").as_deref(), Some("Jane Doe"));
        assert_eq!(
            turned("O’Neil-Smith, Mary Ann").as_deref(),
            Some("Mary Ann O’Neil-Smith")
        );
        assert_eq!(turned("Laptop, charger and 2 mice"), None);
        let titles = |values: &[&str]| titles(&column(values));
        assert!(titles(&["Printer is dead", "Wi-Fi slow in room 12", "Mouse"]) > 0.6);
        for values in [
            &["Doe, Jane", "Roe, Richard"][..],
            &["06/21/2024", "7/1/24 10:00 AM"],
            &["555-123-4567", "555-123-4568"],
            &["24001", "24002"],
        ] {
            assert!(titles(values) < 0.1, "{values:?}");
        }
    }

    #[test]
    fn dates_that_can_be_read_two_ways_are_told() {
        let both = Some((Some("%m/%d/%Y".to_owned()), Some("%d/%m/%Y".to_owned())));
        assert_eq!(format(&["03/04/2024", "05/06/2024"]), both);
        // Nobody can read these as different days.
        assert_eq!(
            format(&["03/03/2024"]),
            Some((Some("%m/%d/%Y".to_owned()), None))
        );
    }

    #[test]
    fn several_values_in_a_cell_are_parted_by_what_comes_again() {
        assert_eq!(
            separator(&column(&["vip,bug", "bug", "vip,how-to"])),
            Some(",")
        );
        assert_eq!(separator(&column(&["Laptop;Phone", "Phone"])), Some(";"));
        assert_eq!(separator(&column(&["bug", "vip"])), None);
    }
}
