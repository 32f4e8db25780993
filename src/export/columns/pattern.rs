//! How times and numbers are shown, in the writing of spreadsheet programs: `yyyy-mm-dd hh:mm`, `0.00`. A workbook takes
//! it as it is; elsewhere it is followed here.

use std::fmt::Write as _;

use jiff::civil::DateTime;

use crate::report::words;

/// A pattern that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    /// As it was written.
    pub(super) code: String,
    shows: Shows,
}

#[derive(Debug, Clone, PartialEq)]
enum Shows {
    Time(Vec<Part>),
    Number {
        decimals: usize,
        grouped: bool,
        percent: bool,
    },
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Year(usize),
    Month(usize),
    Day(usize),
    Hour(usize),
    Minute(usize),
    Second(usize),
    HalfDay,
    Literal(String),
}

impl Pattern {
    /// Understands a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(code: &str) -> Result<Self, String> {
        let is_number = code.contains(['0', '#']) && !code.contains(['y', 'd', 'h', 's']);
        let shows = match is_number {
            true => number(code)?,
            false => Shows::Time(time(code)?),
        };
        Ok(Self {
            code: code.to_owned(),
            shows,
        })
    }

    /// Whether it is for times.
    pub(super) fn is_time(&self) -> bool {
        matches!(self.shows, Shows::Time(_))
    }

    /// Writes a time as the pattern says.
    pub(super) fn time(&self, at: DateTime, out: &mut String) {
        let Shows::Time(parts) = &self.shows else {
            let _ = write!(out, "{at}");
            return;
        };
        let half_day = parts.contains(&Part::HalfDay);
        for part in parts {
            // A write to a text does not fail.
            let _ = match part {
                Part::Year(2) => write!(out, "{:02}", at.year().rem_euclid(100)),
                Part::Year(_) => write!(out, "{:04}", at.year()),
                Part::Month(3) => write!(out, "{}", at.strftime("%b")),
                Part::Month(4) => write!(out, "{}", at.strftime("%B")),
                Part::Month(width) => write!(out, "{:0width$}", at.month()),
                Part::Day(3) => write!(out, "{}", at.strftime("%a")),
                Part::Day(4) => write!(out, "{}", at.strftime("%A")),
                Part::Day(width) => write!(out, "{:0width$}", at.day()),
                Part::Hour(width) => {
                    let hour = match half_day {
                        true => (at.hour() + 11).rem_euclid(12) + 1,
                        false => at.hour(),
                    };
                    write!(out, "{hour:0width$}")
                }
                Part::Minute(width) => write!(out, "{:0width$}", at.minute()),
                Part::Second(width) => write!(out, "{:0width$}", at.second()),
                Part::HalfDay => write!(out, "{}", if at.hour() < 12 { "AM" } else { "PM" }),
                Part::Literal(text) => write!(out, "{text}"),
            };
        }
    }

    /// A number as the pattern says.
    pub(super) fn number(&self, number: f64) -> Option<String> {
        let Shows::Number {
            decimals,
            grouped,
            percent,
        } = self.shows
        else {
            return None;
        };
        let shown = format!(
            "{:.decimals$}",
            if percent { number * 100.0 } else { number }
        );
        let mut shown = match grouped {
            true => thousands(&shown),
            false => shown,
        };
        if percent {
            shown.push('%');
        }
        Some(shown)
    }
}

fn thousands(shown: &str) -> String {
    let start = usize::from(shown.starts_with('-'));
    let end = shown.find('.').unwrap_or(shown.len());
    let (sign, digits, rest) = (&shown[..start], &shown[start..end], &shown[end..]);
    format!("{sign}{}{rest}", words::grouped(digits))
}

fn number(code: &str) -> Result<Shows, String> {
    let percent = code.ends_with('%');
    let bare = code.strip_suffix('%').unwrap_or(code);
    let (whole, decimals) = bare.split_once('.').unwrap_or((bare, ""));
    let is_whole = whole.chars().all(|sign| matches!(sign, '0' | '#' | ','));
    if !is_whole || !decimals.chars().all(|sign| sign == '0') {
        return Err("for numbers there are `0`, `0.00`, `#,##0`, `#,##0.0` and `0%`".to_owned());
    }
    Ok(Shows::Number {
        decimals: decimals.len(),
        grouped: whole.contains(','),
        percent,
    })
}

fn time(code: &str) -> Result<Vec<Part>, String> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = code;
    while let Some(sign) = rest.chars().next() {
        let lower = sign.to_ascii_lowercase();
        let upper = rest.to_ascii_uppercase();
        if upper.starts_with("AM/PM") {
            parts.push(Part::HalfDay);
            rest = &rest[5..];
            continue;
        }
        if sign == '"' || sign == '\\' {
            let end = match sign {
                '"' => rest[1..].find('"').ok_or("a `\"` is not closed")? + 1,
                _ => rest[1..].chars().next().map_or(0, char::len_utf8),
            };
            let text = rest[1..=end].trim_end_matches('"');
            parts.push(Part::Literal(text.to_owned()));
            rest = &rest[end + 1..];
            continue;
        }
        let run = rest
            .chars()
            .take_while(|one| one.eq_ignore_ascii_case(&lower))
            .count();
        let part = match (lower, run) {
            ('y', 2 | 4) => Part::Year(run),
            ('m', 1..=4) => Part::Month(run),
            ('d', 1..=4) => Part::Day(run),
            ('h', 1..=2) => Part::Hour(run),
            ('s', 1..=2) => Part::Second(run),
            (sign, _) if sign.is_ascii_alphabetic() => {
                return Err(format!(
                    "`{}` is no part of a date: there are yyyy, mm, mmm, dd, ddd, hh, mm, ss and AM/PM; other words stand in quotes",
                    &rest[..run]
                ));
            }
            _ => {
                let length = sign.len_utf8();
                parts.push(Part::Literal(rest[..length].to_owned()));
                rest = &rest[length..];
                continue;
            }
        };
        parts.push(part);
        rest = &rest[run..];
    }
    minutes(&mut parts);
    let has_date = parts
        .iter()
        .any(|part| !matches!(part, Part::Literal(_) | Part::HalfDay));
    match has_date {
        true => Ok(parts),
        false => Err("nothing of it is a part of a date or number".to_owned()),
    }
}

/// `m` means minutes behind an hour and before a second.
fn minutes(parts: &mut [Part]) {
    let fields: Vec<usize> = (0..parts.len())
        .filter(|&at| !matches!(parts[at], Part::Literal(_)))
        .collect();
    for (place, &at) in fields.iter().enumerate() {
        let Part::Month(width @ 1..=2) = parts[at] else {
            continue;
        };
        let after_hour = place > 0 && matches!(parts[fields[place - 1]], Part::Hour(_));
        let before_second = fields
            .get(place + 1)
            .is_some_and(|&next| matches!(parts[next], Part::Second(_)));
        if after_hour || before_second {
            parts[at] = Part::Minute(width);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn shown(code: &str) -> String {
        let mut text = String::new();
        Pattern::new(code)
            .unwrap()
            .time(date(2024, 6, 1).at(22, 5, 9, 0), &mut text);
        text
    }

    #[test]
    fn patterns_mean_what_spreadsheet_programs_mean() {
        assert_eq!(shown("yyyy-mm-dd hh:mm"), "2024-06-01 22:05");
        assert_eq!(shown("d.m.yy h:mm:ss AM/PM"), "1.6.24 10:05:09 PM");
        assert_eq!(shown("ddd d mmm yyyy"), "Sat 1 Jun 2024");
        assert_eq!(
            shown("dddd, mmmm d \"at\" hh\\h"),
            "Saturday, June 1 at 22h"
        );
        assert_eq!(shown("mm:ss"), "05:09");
        for wrong in ["%Y-%m-%d", "yyy", "", "--", "hh:mm \"x", "0.0x", "General"] {
            assert!(Pattern::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_too() {
        let shown = |code: &str, number: f64| Pattern::new(code).unwrap().number(number).unwrap();
        assert_eq!(shown("0.00", 1.005), "1.00");
        assert_eq!(shown("#,##0", 1_234_567.0), "1,234,567");
        assert_eq!(shown("#,##0.0", -123.45), "-123.5");
        assert_eq!(shown("0%", 0.42), "42%");
    }
}
