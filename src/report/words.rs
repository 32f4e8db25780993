//! How numbers, times and lists are written for people.

use std::time::Duration;

use console::{measure_text_width, truncate_str};

/// `1,200,000`: digits in groups.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    grouped(&digits)
}

/// Digits in groups of three.
pub(crate) fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `0.4 s`, `12 s`, `3 min 20 s`, `2 h 05 min`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let seconds = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

/// `2,000/s`, `2.5/s`, `600/min` for what is below one a second.
pub fn rate(per_second: f64) -> String {
    let (number, unit) = if per_second >= 1.0 {
        (per_second, "s")
    } else {
        (per_second * 60.0, "min")
    };
    let text = if number >= 100.0 {
        count(number.round() as u64)
    } else {
        format!("{number:.1}")
    };
    format!("{}/{unit}", text.strip_suffix(".0").unwrap_or(&text))
}

/// `17, 204, 991`, and `… and 12 more` past what is shown.
pub fn list(shown: &[String], all: u64) -> String {
    let rest = all.saturating_sub(shown.len() as u64);
    let text = shown.join(", ");
    if rest == 0 {
        text
    } else {
        format!("{text} and {} more", count(rest))
    }
}

/// A text broken between words; a word that is longer than a line is broken in itself.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(10);
    let mut lines: Vec<String> = Vec::new();
    let mut last = String::new();
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        let room = width.saturating_sub(measure_text_width(&last) + usize::from(!last.is_empty()));
        if measure_text_width(&word) > room && !last.is_empty() {
            lines.push(std::mem::take(&mut last));
        }
        while measure_text_width(&word) > width {
            let part = truncate_str(&word, width, "").into_owned();
            word = word[part.len()..].to_owned();
            lines.push(part);
        }
        if !last.is_empty() {
            last.push(' ');
        }
        last.push_str(&word);
    }
    if !last.is_empty() {
        lines.push(last);
    }
    lines
}

/// Lines for people as they fit the terminal on standard error: broken between words, what follows below what it belongs to.
/// A command stays on its line, so that it can be copied.
pub fn fitted(text: &str) -> String {
    let term = console::Term::stderr();
    match term.is_term() {
        true => broken(text, usize::from(term.size().1)),
        false => text.to_owned(),
    }
}

/// The same for the terminal on standard output.
pub fn fitted_out(text: &str) -> String {
    let term = console::Term::stdout();
    match term.is_term() {
        true => broken(text, usize::from(term.size().1)),
        false => text.to_owned(),
    }
}

/// The same for so many columns.
pub fn broken(text: &str, columns: usize) -> String {
    let lines = text.split('\n').map(|line| {
        let is_command = line.contains("deskferry ");
        if is_command || columns < 40 || measure_text_width(line) <= columns {
            return line.to_owned();
        }
        let indent = hanging(line).min(columns / 2);
        let start = line.len() - line.trim_start().len();
        let mut lines: Vec<String> = Vec::new();
        for columns_of_one in between_columns(line, indent, columns) {
            let start = if lines.is_empty() { start } else { 0 };
            lines.extend(wrapped_after(&columns_of_one, start, indent, columns));
        }
        lines.join(&format!("\n{}", " ".repeat(indent)))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The columns of a padded line, as many on a line as fit; where not all do, the line is broken between two of them.
fn between_columns(line: &str, indent: usize, columns: usize) -> Vec<String> {
    /// So many spaces part two columns.
    const GAP: &str = "   ";
    let label = line
        .char_indices()
        .nth(indent)
        .map_or(line.len(), |(at, _)| at);
    let (label, mut rest) = line.split_at(label);
    let mut lines = vec![label.to_owned()];
    let mut gap = "";
    while !rest.is_empty() {
        let end = rest.find(GAP).unwrap_or(rest.len());
        let (column, after) = rest.split_at(end);
        let count = lines.len();
        let before = if count == 1 { 0 } else { indent };
        let last = &mut lines[count - 1];
        let wide = before + measure_text_width(last) + gap.len() + measure_text_width(column);
        if wide <= columns || gap.is_empty() {
            last.push_str(gap);
            last.push_str(column);
        } else {
            lines.push(column.to_owned());
        }
        rest = after.trim_start_matches(' ');
        gap = &after[..after.len() - rest.len()];
    }
    lines
}

/// A line whose continuations begin at a column; its own spaces stay.
fn wrapped_after(line: &str, start: usize, indent: usize, columns: usize) -> Vec<String> {
    let mut lines = vec![line[..start].to_owned()];
    for piece in line[start..].split_inclusive(' ') {
        let word = piece.trim_end();
        let count = lines.len();
        let last = &mut lines[count - 1];
        let before = if count == 1 { 0 } else { indent };
        let is_first = last.trim().is_empty();
        if !is_first && before + measure_text_width(last) + measure_text_width(word) > columns {
            *last = last.trim_end().to_owned();
            lines.push(piece.to_owned());
        } else {
            last.push_str(piece);
        }
    }
    lines
}

/// Below which column the rest of a line stands: its label ends before two spaces, as in `  note       text`.
fn hanging(line: &str) -> usize {
    let start = line.len() - line.trim_start().len();
    let label = line[start..].find("  ").filter(|at| *at <= 20);
    // What begins with a count has no label: `  created 1,200   updated 12`.
    let is_label = |at: &usize| {
        let (before, after) = line[start..].split_at(*at);
        !(before.ends_with(|it: char| it.is_ascii_digit()) && after.starts_with("   "))
    };
    let label = label.filter(is_label);
    let Some(label) = label else {
        return start + 2;
    };
    let rest = &line[start + label..];
    start + label + (rest.len() - rest.trim_start().len())
}

/// A word of a command line, quoted where a shell needs it.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c) || (cfg!(windows) && c == '\\')
    };
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if cfg!(windows) {
        format!("\"{}\"", word.replace('"', "\\\""))
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1200), "1,200");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn lines_are_broken_between_words_and_commands_are_not() {
        let text = "  note       one two three four five six seven eight nine ten eleven twelve\n  go on      deskferry import a-file-with-a-long-name.csv --mapping mapping.toml --profile district";
        insta::assert_snapshot!(broken(text, 44), @r"
        note       one two three four five six
                   seven eight nine ten eleven
                   twelve
        go on      deskferry import a-file-with-a-long-name.csv --mapping mapping.toml --profile district
        ");
        assert_eq!(broken("short", 80), "short");
        // A line of padded columns is broken between two of them.
        let cause =
            "    3  LocationId  no location is called `Linclon`      rows 4, 12, 91 and 3 more";
        assert_eq!(
            broken(cause, 60),
            "    3  LocationId  no location is called `Linclon`\n       rows 4, 12, 91 and 3 more"
        );
        assert_eq!(broken(cause, 100), cause);
        let counts = "  created 1,200   updated 12   rejected 3   in doubt 4   not sent 7";
        assert_eq!(
            broken(counts, 40),
            "  created 1,200   updated 12\n    rejected 3   in doubt 4   not sent 7"
        );
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(
            wrapped("abcdefghijklmno pq", 10),
            ["abcdefghij", "klmno pq"]
        );
    }

    #[test]
    fn durations_and_rates() {
        assert_eq!(duration(Duration::from_millis(430)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(12)), "12 s");
        assert_eq!(duration(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(duration(Duration::from_secs(7500)), "2 h 05 min");
        assert_eq!(rate(100.0), "100/s");
        assert_eq!(rate(2000.0), "2,000/s");
        assert_eq!(rate(2.5), "2.5/s");
        assert_eq!(rate(0.5), "30/min");
    }

    #[cfg(unix)]
    #[test]
    fn words_survive_the_shell() {
        assert_eq!(shell_word("a/b.csv"), "a/b.csv");
        assert_eq!(shell_word("my file's.csv"), r"'my file'\''s.csv'");
        assert_eq!(shell_word(""), "''");
    }
}
