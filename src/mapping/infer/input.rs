//! `[input]`: null words, dates, sheets, delimiters.

use std::collections::BTreeSet;

use super::content::{self, Dates, day_first};
use super::draft::Line;
use super::key::Key;
use super::sample::Sample;
use super::{Guess, Seen, toml};
use crate::source::{
    Guards, Layout, Likely, Merged, Mixed, Numbers, Rule, SheetChoice, SheetName, What,
};

/// How the dates of each column are written; what one column leaves open, the others of the file settle.
pub(super) fn dates(sample: &Sample) -> Vec<Option<Dates>> {
    let mut dates: Vec<Option<Dates>> = sample.columns.iter().map(content::dates).collect();
    let votes = |wanted: bool| {
        dates
            .iter()
            .flatten()
            .filter(|dates| dates.or.is_none())
            .filter(|dates| dates.format.as_deref().and_then(day_first) == Some(wanted))
            .count()
    };
    let (day, month) = (votes(true), votes(false));
    if day != month {
        for dates in dates.iter_mut().flatten() {
            let Some(or) = dates.or.clone() else { continue };
            if day_first(&or) == Some(day > month) {
                dates.or = dates.format.replace(or);
            }
            // The other columns of the file have said it.
            if dates.format.as_deref().and_then(day_first) == Some(day > month) {
                dates.or = None;
            }
        }
    }
    dates
}

/// The lines of `[input]`.
pub(super) fn lines(guess: &Guess<'_>, needs_zone: bool) -> Vec<Line> {
    let mut lines = reading(guess.seen);
    lines.extend(null(guess));
    if needs_zone {
        lines.push(zone(guess));
    }
    lines.extend(group(guess));
    lines
}

/// How the file was read, so that it is read so again.
pub(super) fn reading(seen: &Seen<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    lines.extend(sheet(seen));
    let options = seen.options;
    if let Some(row) = options.header_row {
        let line = Line::new("header_row", row.to_string());
        lines.push(match seen.found_headings {
            true => line
                .why(format!("Above it stand titles or notes: row {row} is the first whose cells are all headings of the columns below."))
                .todo("are these the headings?"),
            false => line,
        });
    }
    if let Some(label) = &options.encoding {
        lines.push(encoding(label, seen.guess));
    }
    lines.extend(layout(seen));
    let delimiters = seen.tables.iter().find_map(|table| match table.layout {
        Layout::Csv { delimiter, .. } if delimiter != b',' => Some(delimiter),
        _ => None,
    });
    if let Some(delimiter) = delimiters {
        let word = match delimiter {
            b'\t' => "tab".to_owned(),
            other => char::from(other).to_string(),
        };
        lines.push(Line::new("delimiter", toml::text(&word)).why("Found in the heading row."));
    }
    lines
}

/// What the file has besides plain rows, and how it is read.
fn layout(seen: &Seen<'_>) -> Vec<Line> {
    let options = seen.options;
    let told = |is: fn(&What) -> bool| {
        let notices = seen.notices.iter().filter(|notice| is(&notice.what));
        notices
            .map(|notice| format!("{}.", capital(&notice.text())))
            .collect::<Vec<_>>()
    };
    let line = |key: &str, value: &str, why: Vec<String>| {
        let line = Line::new(key, value);
        why.into_iter().fold(line, |line, why| line.why(why))
    };
    let mut lines = Vec::new();
    if let Some(records) = &options.records {
        lines.push(
            Line::new("records", toml::text(records)).why("Where the records lie in the document."),
        );
    }
    if options.guarded == Guards::All {
        lines.push(Line::new("guarded", "true").why(
            "Ids stand behind a guard (`=\"00123\"`, `'00123` or a tab) that only keeps spreadsheet programs from changing them.",
        ));
    }
    if options.numbers == Some(Numbers::Shown) {
        lines.push(
            Line::new("numbers", "\"shown\"")
                .why("Numbers are shown in another way than they are held, such as 00501 for 501; \"held\" reads what is held."),
        );
    }
    if options.hidden_rows == Some(Rule::Skip) {
        let why = told(|what| matches!(what, What::HiddenRows { .. }));
        lines.push(
            line("hidden_rows", "\"skip\"", why)
                .todo("are these rows to be moved too? then \"read\""),
        );
    }
    if options.merged == Some(Merged::Fill) {
        lines.push(line(
            "merged",
            "\"fill\"",
            told(|what| matches!(what, What::Merged { .. })),
        ));
    }
    if options.total_rows == Some(Rule::Skip) {
        lines.push(line(
            "total_rows",
            "\"skip\"",
            told(|what| matches!(what, What::Totals { .. })),
        ));
    }
    lines
}

fn capital(text: &str) -> String {
    let mut signs = text.chars();
    let first = signs.next().map(|sign| sign.to_uppercase().to_string());
    first.unwrap_or_default() + signs.as_str()
}

/// The encoding that somebody said, or that the bytes look like.
fn encoding(label: &str, guess: Option<&Likely>) -> Line {
    let line = Line::new("encoding", toml::text(label));
    let Some(guess) = guess else { return line };
    if let Some(Mixed { utf8, other }) = &guess.mixed {
        let line = line.why(format!(
            "The file mixes encodings: row {} is UTF-8 (`{}`), row {other} is not (`{}`).",
            utf8.0, utf8.1, guess.sample
        ));
        return match label {
            "windows-1252" => line.todo(
                "export it again as UTF-8, or add `repair = \"utf8-read-as-1252\"` to each field that holds such a text",
            ),
            _ => line.todo("export it again as UTF-8: as it is, a part of its texts is read wrongly"),
        };
    }
    match guess.is_certain {
        true => line.why(format!(
            "The file is not UTF-8. Its bytes look like this encoding, which reads `{}`.",
            guess.sample
        )),
        false => line
            .why(format!(
                "The file is not UTF-8. This encoding is a guess: it reads `{}`{}.",
                guess.sample,
                guess.or()
            ))
            .todo("is that how the text is meant?"),
    }
}

fn sheet(seen: &Seen<'_>) -> Option<Line> {
    let count = seen.tables.len();
    let name = |name: &SheetName| match name {
        SheetName::Name(name) => toml::text(name),
        SheetName::Number(number) => number.to_string(),
    };
    match &seen.options.sheet {
        SheetChoice::All => Some(Line::new("sheet", "\"*\"").why(format!(
            "All {count} sheets have columns in common, so all are read."
        ))),
        SheetChoice::These(names) => {
            let names: Vec<String> = names.iter().map(name).collect();
            Some(Line::new("sheet", format!("[{}]", names.join(", "))))
        }
        SheetChoice::First => {
            let table = seen.tables.first()?;
            let sheet = table.sheet.as_deref()?;
            (!seen.other_sheets.is_empty()).then(|| {
                let others: Vec<String> = seen
                    .other_sheets
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect();
                Line::new("sheet", toml::text(sheet)).why(format!(
                    "The first sheet with data; {} have other columns.",
                    others.join(", ")
                ))
            })
        }
    }
}

fn null(guess: &Guess<'_>) -> Option<Line> {
    let words = &guess.sample.null;
    let found: Vec<String> = words
        .iter()
        .map(|(word, cells)| match cells {
            1 => format!("`{word}` in one cell"),
            cells => format!("`{word}` in {cells} cells"),
        })
        .collect();
    (!words.is_empty()).then(|| {
        Line::new(
            "null",
            toml::list(words.iter().map(|(word, _)| word.as_str())),
        )
        .why(format!(
            "Words that stand for nothing: {}.",
            found.join(", ")
        ))
    })
}

fn zone(guess: &Guess<'_>) -> Line {
    let zone = guess.seen.zone.unwrap_or("UTC");
    let line = Line::new("timezone", toml::text(zone));
    match guess.seen.zone {
        Some(_) => line
            .why("The times of the file name no zone; this is the zone of this machine.")
            .todo("is it that of the old help desk?"),
        None => line
            .why("The times of the file name no zone, and neither does this machine.")
            .todo("name the zone of the old help desk, such as \"America/Chicago\""),
    }
}

fn group(guess: &Guess<'_>) -> Vec<Line> {
    let Key::Log { column, order, .. } = guess.key else {
        return Vec::new();
    };
    let mut lines = vec![
        Line::new("group_by", toml::list([guess.name(*column)]))
            .why("An event log: the rows of one ticket are one record, as its last row has it."),
    ];
    lines.extend(order.map(|at| Line::new("order_by", toml::text(guess.name(at)))));
    lines.push(Line::new("take", "\"last\""));
    lines
}

/// The types of the columns that are read.
pub(super) fn columns(guess: &Guess<'_>, read: &BTreeSet<usize>) -> Vec<Line> {
    let order = match guess.key {
        Key::Log { order, .. } => *order,
        _ => None,
    };
    let wanted = read
        .iter()
        .copied()
        .chain(order)
        .collect::<BTreeSet<usize>>();
    wanted
        .into_iter()
        .filter_map(|at| {
            let dates = guess.dates[at].as_ref()?;
            let column = &guess.sample.columns[at];
            // A workbook's own dates need no format.
            if column.dates > 0 && dates.format.is_none() {
                return None;
            }
            column_line(&column.name, dates)
        })
        .collect()
}

fn column_line(name: &str, dates: &Dates) -> Option<Line> {
    let parse = if dates.has_time { "datetime" } else { "date" };
    let value = match &dates.format {
        None => format!("{{ parse = \"{parse}\" }}"),
        Some(format) => format!(
            "{{ parse = \"{parse}\", formats = {} }}",
            toml::list(
                std::iter::once(format)
                    .chain(&dates.more)
                    .map(String::as_str)
            )
        ),
    };
    let line = Line::new(name, value);
    let line = match dates.more.len() {
        0 => line,
        more => line.why(format!("Its dates are written in {} ways.", more + 1)),
    };
    let line = match &dates.or {
        Some(or) => line
            .why(format!(
                "All its dates can be read in two ways: as `{}` and as `{or}`.",
                dates.format.as_deref().unwrap_or_default()
            ))
            .todo("is the month first, or the day?"),
        None => line,
    };
    let mut line = line;
    if !dates.others.is_empty() {
        // A cell that is no date would keep its whole row back.
        line.is_proposed = true;
        line.why.push(format!(
            "Not all of it are dates: `{}`.",
            dates.others.join("`, `")
        ));
    }
    Some(line)
}
