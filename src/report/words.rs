//! How numbers, times and lists are written for people.

use std::time::Duration;

/// `1 200 000`: digits in groups, with a plain space so that it copies well.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
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

/// `100/s`, `2.5/s`, `600/min` for what is below one a second.
pub fn rate(per_second: f64) -> String {
    let (number, unit) = if per_second >= 1.0 {
        (per_second, "s")
    } else {
        (per_second * 60.0, "min")
    };
    let text = if number >= 100.0 {
        format!("{number:.0}")
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
        assert_eq!(count(1200), "1 200");
        assert_eq!(count(1_234_567), "1 234 567");
    }

    #[test]
    fn durations_and_rates() {
        assert_eq!(duration(Duration::from_millis(430)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(12)), "12 s");
        assert_eq!(duration(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(duration(Duration::from_secs(7500)), "2 h 05 min");
        assert_eq!(rate(100.0), "100/s");
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
