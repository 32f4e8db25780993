//! Whether a text that is shown is the one that was sent. Space between words, tags where the text is HTML, and the links
//! that Slack makes count for nothing; every other character counts.

use crate::html;
use crate::mapping::reference::short;
use crate::unicode::plain;

/// How many characters of a text a difference shows around its place.
const AROUND: usize = 60;

/// The readings of a text by which it is compared: two texts are the same when they have one in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Readings {
    all: Vec<String>,
    /// Which of them people read.
    read: usize,
}

impl Readings {
    /// Of a text as it was sent.
    pub(super) fn sent(text: &str) -> Self {
        let mut readings = vec![words(text)];
        if html::is_markup(text) {
            readings.push(words(&html::to_text(text)));
        }
        Self {
            read: readings.len() - 1,
            all: readings,
        }
    }

    /// Of a text as it is shown.
    pub(super) fn shown(text: &str) -> Self {
        let unlinked = html::unlinked(text);
        let mut readings = vec![words(text)];
        for other in [
            words(&html::to_text(text)),
            words(&unlinked),
            words(&html::to_text(&unlinked)),
        ] {
            if !readings.contains(&other) {
                readings.push(other);
            }
        }
        Self {
            all: readings,
            read: 0,
        }
    }

    /// Whether both are one text.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.all.iter().any(|one| other.all.contains(one))
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(String::as_str)
    }

    /// As people read it.
    pub(super) fn read(&self) -> &str {
        self.all.get(self.read).map_or("", String::as_str)
    }
}

/// Whether a text that is shown is the one that was sent.
pub(super) fn is_same(sent: &str, shown: &str) -> bool {
    Readings::sent(sent).is(&Readings::shown(shown))
}

/// The words of a text with one space between them.
fn words(text: &str) -> String {
    let text = plain(text);
    let mut words = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

/// A text as people read it, without the lines that bear a reference.
pub(super) fn without_reference(text: &str, reference: &str) -> String {
    let text = match html::is_markup(text) {
        true => html::to_lines(text),
        false => text.to_owned(),
    };
    let own = [reference, &*short(reference)];
    let bears = |line: &str| {
        let token = line.trim().strip_prefix("Ref:");
        token.is_some_and(|token| own.contains(&token.trim()))
    };
    let lines: Vec<&str> = text.lines().filter(|line| !bears(line)).collect();
    lines.join("\n").trim().to_owned()
}

/// The part of two texts where they begin to differ, and how many words each has.
pub(super) fn around(one: &str, other: &str) -> (String, String) {
    let [one, other] = [words(one), words(other)];
    let first = one
        .chars()
        .zip(other.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let part = |text: &str| {
        let from = first.saturating_sub(AROUND / 2);
        let rest: String = text.chars().skip(from).take(AROUND).collect();
        let all = text.chars().count();
        let head = if from > 0 { "…" } else { "" };
        let tail = if from + AROUND < all { "…" } else { "" };
        format!("{head}{rest}{tail}")
    };
    (part(&one), part(&other))
}

/// The beginning of a text.
pub(super) fn beginning(text: &str) -> String {
    let text = words(text);
    match text.char_indices().nth(AROUND) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_what_was_sent_but_for_space_tags_and_links() {
        for (sent, shown) in [
            ("Broken  since\nMonday", "Broken since Monday"),
            (
                "Broken<br>since &lt;ann@a.example&gt;",
                "Broken\nsince <ann@a.example>",
            ),
            ("See https://a.example", "See <https://a.example>"),
            ("<p>Broken</p>", "Broken\n"),
            ("a < b", "a < b"),
            ("caf\u{e9}", "cafe\u{301}"),
        ] {
            assert!(is_same(sent, shown), "{sent} {shown}");
        }
    }

    /// Nothing of a text may hide a character that has changed.
    #[test]
    fn one_other_character_is_another_text() {
        for (sent, shown) in [
            ("Broken since Monday", "Broken since Sonday"),
            ("Mail <ann@a.example>", "Mail <amn@a.example>"),
            ("Mail &lt;ann@a.example&gt;<br>", "Mail <amn@a.example>"),
            ("a < b and c > d", "a < x and c > d"),
            ("Broken", "broken"),
            ("Broken", ""),
        ] {
            assert!(!is_same(sent, shown), "{sent} {shown}");
        }
    }

    #[test]
    fn the_reference_is_taken_off_both_ends() {
        let long = format!("Ref: {}\n\nBroken\n\nRef: s/1", short("s/1"));
        for text in [
            "Broken\n\nRef: s/1",
            "<p>Broken</p><p>Ref: s/1</p>",
            "Broken<br><br>Ref: s/1",
            long.as_str(),
        ] {
            assert_eq!(without_reference(text, "s/1"), "Broken", "{text}");
        }
        assert_eq!(without_reference("as in Ref: s/1", "s/1"), "as in Ref: s/1");
        assert_eq!(without_reference("Ref: s/2", "s/1"), "Ref: s/2");
    }

    #[test]
    fn a_difference_shows_its_place() {
        let text = "word ".repeat(40);
        let (one, other) = around(&format!("{text}ends here"), &format!("{text}ends there"));
        assert!(one.starts_with('…') && one.ends_with("ends here"), "{one}");
        assert!(other.ends_with("ends there"), "{other}");
        assert_eq!(around("a", ""), ("a".to_owned(), String::new()));
    }
}
