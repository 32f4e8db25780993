//! A line of the user's crontab.

use super::{POLL, Part, Paths, Rendered, Timing, Wish};
use crate::schedule::Name;

pub(super) fn render(wish: &Wish<'_>, paths: &Paths<'_>) -> Rendered {
    let timing = Timing::of(wish, false, false);
    let own = (!timing.is_polled())
        .then(|| wish.when.expression())
        .filter(|text| is_plain(text));
    let polled = own.is_none();
    let when = own.map_or_else(|| format!("*/{POLL} * * * *"), str::to_owned);
    let mut words = vec![word(paths.program)];
    words.extend(wish.words(paths, polled).map(word));
    let mut notes = wish.notes(polled);
    if !polled {
        notes.push(
            "cron does not catch up what was missed while the machine was off; `deskferry schedule run` does".to_owned(),
        );
    }
    Rendered {
        parts: vec![Part {
            path: None,
            text: format!(
                "{}\n{when} {}\n",
                marker(wish.name, paths.state),
                words.join(" ")
            ),
        }],
        notes,
    }
}

/// The line before ours, by which it is found again.
pub(super) fn marker(name: &Name, state: &str) -> String {
    format!("# deskferry schedule {name}, kept in {state}")
}

/// Every cron reads digits, lists, ranges and steps alike. Where both days are given, one of them with a star, they differ.
fn is_plain(expression: &str) -> bool {
    let fields: Vec<&str> = expression.split(' ').collect();
    let plain = |c: char| c.is_ascii_digit() || "*,-/ ".contains(c);
    let [_, _, day, _, weekday] = fields[..] else {
        return false;
    };
    let one_is_all = day == "*" || weekday == "*";
    let no_star = !day.starts_with('*') && !weekday.starts_with('*');
    expression.chars().all(plain) && (one_is_all || no_star)
}

/// A word for the shell, in which cron itself would take a `%` for the end of the command, unless a backslash stands before
/// it; a backslash before a backslash means nothing to it.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut word = String::from("'");
    let mut before = '\'';
    for c in text.chars() {
        match c {
            '\'' => word.push_str(r"'\''"),
            '%' => {
                if before == '\\' {
                    word.push_str("''");
                }
                word.push_str(r"\%");
            }
            other => word.push(other),
        }
        before = c;
    }
    word.push('\'');
    word
}

/// A crontab without our lines for a schedule, and whether there were any.
pub(super) fn without(crontab: &str, marker: &str) -> (String, bool) {
    let mut lines = crontab.lines();
    let mut kept = String::new();
    let mut found = false;
    while let Some(line) = lines.next() {
        if line == marker {
            lines.next();
            found = true;
        } else {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    (kept, found)
}
