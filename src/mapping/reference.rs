//! The reference by which a ticket can be found again: made here, and found in whatever text a system shows.
//!
//! It counts only in place: alone on the last line of the description, in its short form alone on the first line of a
//! long one, or as the whole of a custom field. A text may quote another ticket's reference, and a field may hold what
//! happens to look like one.

use std::borrow::Cow;

use data_encoding::BASE32_NOPAD;
use serde_json::Value;

use crate::html;
use crate::systems::Listed;

/// Comes before a reference.
pub const LABEL: &str = "Ref: ";

/// A description of more characters than this bears its reference on its first line too: a system that shows only the
/// beginning of long texts shows that one. Part of what is sent: to change it makes other bytes of the same row.
pub const LONG: usize = 1_500;

/// Longer scopes and keys are hashed.
const PLAIN_LENGTH: usize = 40;

/// Between a group and the custom field that bears its references; no id has it.
const PLACE: char = '#';

/// The characters of a hashed reference.
const HASH_LENGTH: usize = 16;

/// The elements of HTML that begin and end lines.
const BLOCKS: [&str; 20] = [
    "blockquote",
    "br",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "table",
    "td",
    "th",
    "tr",
    "ul",
    "body",
];

/// The reference of a key in a scope: `scope/key` when both are plain, else 16 letters and digits of their hash.
pub fn reference(scope: &str, key: &str) -> String {
    if is_plain(scope) && is_plain(key) {
        return format!("{scope}/{key}");
    }
    hashed(&format!("{scope}/{key}"))
}

fn hashed(text: &str) -> String {
    let mut hash = BASE32_NOPAD
        .encode(blake3::hash(text.as_bytes()).as_bytes())
        .to_ascii_lowercase();
    hash.truncate(HASH_LENGTH);
    hash
}

/// The short form of a reference, which long descriptions begin with: always the hash.
pub fn short(reference: &str) -> Cow<'_, str> {
    match reference.contains('/') {
        true => Cow::Owned(hashed(reference)),
        false => Cow::Borrowed(reference),
    }
}

/// What a long description begins with; a line break follows.
pub fn head(reference: &str) -> String {
    format!("{LABEL}{}", short(reference))
}

/// Whether a request's body has a description that begins with the first line of that reference: a long one.
pub(crate) fn has_head(body: &Value, reference: &str) -> bool {
    let head = head(reference);
    let begins = |text: &str| {
        let rest = text.strip_prefix(&*head);
        text.len() > LONG && rest.is_some_and(|rest| rest.starts_with(['\n', '<']))
    };
    match body {
        Value::String(text) => begins(text),
        Value::Object(members) => members.values().any(|value| has_head(value, reference)),
        Value::Array(values) => values.iter().any(|value| has_head(value, reference)),
        _ => false,
    }
}

/// How many characters [`head`] has, which is asked for every row: without making the hash.
pub(crate) fn head_length(reference: &str) -> usize {
    let short = match reference.contains('/') {
        true => HASH_LENGTH,
        false => reference.chars().count(),
    };
    LABEL.len() + short
}

/// The bytes of a request's body as the ledger knows them: without the first line of a long description, so that what
/// an earlier version sent without that line is not taken for something else.
pub(crate) fn without_head(mut body: Vec<u8>, reference: Option<&str>) -> Vec<u8> {
    let Some(reference) = reference.filter(|_| body.len() > LONG) else {
        return body;
    };
    let head = head(reference);
    for line in [format!("\"{head}\\n\\n"), format!("\"{head}<br><br>")] {
        let found = body
            .windows(line.len())
            .position(|at| at == line.as_bytes());
        if let Some(at) = found {
            body.drain(at + 1..at + line.len());
            break;
        }
    }
    body
}

fn is_plain(text: &str) -> bool {
    (1..=PLAIN_LENGTH).contains(&text.len()) && text.bytes().all(is_word)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// How long a reference of this scope can be, in characters.
pub fn longest(scope: &str) -> usize {
    match is_plain(scope) {
        true => scope.len() + 1 + PLAIN_LENGTH,
        false => HASH_LENGTH,
    }
}

/// The references that a listed ticket bears in place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct References {
    /// That of the last line, or of the custom field.
    pub last: Option<String>,
    /// That of the first line, in its short form.
    pub first: Option<String>,
}

impl References {
    /// Whether there is one at all.
    pub fn is_empty(&self) -> bool {
        self.last.is_none() && self.first.is_none()
    }

    /// Whether this reference is in one of the places.
    pub fn is(&self, reference: &str) -> bool {
        self.last.as_deref() == Some(reference) || self.first.as_deref() == Some(&*short(reference))
    }

    /// What counts for a row whose description has so many characters: a short one bears nothing on its first line, so that
    /// what is there is quoted. `None`: nobody knows how long it is.
    pub fn of_length(&self, length: Option<usize>) -> Self {
        let mut refs = self.clone();
        refs.first = refs
            .first
            .filter(|_| length.is_none_or(|length| length > LONG));
        refs
    }

    /// Whether the two lines bear different references: one of them is quoted, and nothing says which.
    pub fn is_torn(&self) -> bool {
        match (&self.last, &self.first) {
            (Some(last), Some(first)) => short(last) != **first,
            _ => false,
        }
    }

    /// The reference as far as the places agree: in its full form where the last line shows it.
    pub fn own(&self) -> Option<&str> {
        match self.is_torn() {
            true => None,
            false => self.last.as_deref().or(self.first.as_deref()),
        }
    }
}

/// The references that a listed ticket bears in place: in its text, or in the custom field that listings call `field`.
pub fn reference_in(listed: &Listed, field: Option<&str>) -> References {
    let Some(field) = field else {
        return listed.text.as_deref().map(in_text).unwrap_or_default();
    };
    let value = listed.custom.iter().find(|(name, _)| name == field);
    let value = value.map(|(_, value)| value.trim());
    References {
        last: value.filter(|value| is_reference(value)).map(str::to_owned),
        first: None,
    }
}

/// A group of tickets with the custom field that bears their references: what is listed back with a reference in one
/// place proves nothing about another.
pub fn marked_group(group: String, field: Option<&str>) -> String {
    match field {
        Some(field) => format!("{group}{PLACE}{field}"),
        None => group,
    }
}

/// The custom field of a marked group; `None` for the description.
pub fn field_of(group: &str) -> Option<&str> {
    group.split_once(PLACE).map(|(_, field)| field)
}

/// A marked group without its custom field.
pub fn group_of(group: &str) -> &str {
    group.split_once(PLACE).map_or(group, |(group, _)| group)
}

/// The references that a text bears in place. Tags, entities, quotation marks and white space are passed over, since
/// systems rewrite texts.
pub fn in_text(text: &str) -> References {
    if !text.contains(LABEL.trim_end()) {
        return References::default();
    }
    let plain = plain(text);
    let found = in_lines(&plain);
    // Some systems escape the tags of a text before they show it.
    match found.is_empty() && plain.contains('<') {
        true => in_lines(&self::plain(&plain)),
        false => found,
    }
}

fn in_lines(text: &str) -> References {
    let mut lines = text.lines().filter(|line| !is_empty(line));
    let first = lines.next();
    let last = lines.next_back().or(first);
    let is_short = |token: &&str| {
        token
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'))
    };
    References {
        last: last.and_then(alone).map(str::to_owned),
        first: first.and_then(alone).filter(is_short).map(str::to_owned),
    }
}

/// The text without tags and entities, with line breaks where elements of HTML begin and end lines.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let name = rest.trim_start_matches(['/', '!']);
        let end = name.find(|c: char| !c.is_ascii_alphanumeric());
        let name = &name[..end.unwrap_or(name.len())];
        // `a < b` is no tag, and one that goes on over lines is more likely text.
        let end = rest
            .find(['>', '<', '\n'])
            .filter(|end| rest[*end..].starts_with('>'));
        match end.filter(|_| !name.is_empty() || rest.starts_with('!')) {
            Some(end) => {
                if BLOCKS.iter().any(|block| block.eq_ignore_ascii_case(name)) {
                    plain.push('\n');
                }
                rest = &rest[end + 1..];
            }
            None => plain.push('<'),
        }
    }
    plain.push_str(rest);
    html::decode_entities(&plain)
}

/// What says nothing beside a reference: white space, quotation marks and signs of markup.
fn is_passed_over(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '>' | '|' | '*' | '`' | '~' | '"' | '\'' | '\u{200b}'..='\u{200f}' | '\u{feff}'
        )
        || matches!(c, '“' | '”' | '„' | '‘' | '’' | '«' | '»' | '-' | '_')
}

fn is_empty(line: &str) -> bool {
    line.chars().all(is_passed_over)
}

/// The reference that a line is, with nothing else on it.
fn alone(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(is_passed_over);
    let rest = line.strip_prefix(LABEL.trim_end())?.trim_start();
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '`' | '"'));
    let length = rest
        .bytes()
        .take_while(|byte| is_word(*byte) || *byte == b'/');
    let (token, after) = rest.split_at(length.count());
    let after = after.trim_end_matches(is_passed_over);
    let is_alone = is_empty(after.strip_suffix('.').unwrap_or(after));
    (is_alone && is_reference(token)).then_some(token)
}

fn is_reference(token: &str) -> bool {
    match token.split_once('/') {
        Some((scope, key)) => is_plain(scope) && is_plain(key),
        None => token.len() == HASH_LENGTH && token.bytes().all(is_word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str) -> Option<String> {
        in_text(text).own().map(str::to_owned)
    }

    #[test]
    fn plain_and_hashed() {
        assert_eq!(reference("spiceworks-2024", "4711"), "spiceworks-2024/4711");
        let hashed = reference("spiceworks-2024", "a key with spaces");
        assert_eq!(hashed.len(), 16);
        assert_eq!(found(&format!("x\n\nRef: {hashed}")), Some(hashed));
    }

    #[test]
    fn tolerant_of_what_systems_do_to_texts() {
        for text in [
            "<p>Broken</p><p>Ref: a/1</p>",
            "<div>Broken<div>Ref: a/1</div></div>",
            "Broken<br>Ref:&nbsp;<b>a/1</b>",
            "&lt;p&gt;Broken&lt;/p&gt;&lt;p&gt;Ref: a/1&lt;/p&gt;",
            "Broken\r\n> Ref:  a/1\r\n",
            "Broken\n&gt; *Ref: a/1*\n\n",
            "Broken\nRef: a/1.",
            "Ref: a/1\n<p>&nbsp;</p>\u{feff}",
            "1 < 2\nRef: a/1",
        ] {
            assert_eq!(found(text).as_deref(), Some("a/1"), "{text}");
        }
    }

    #[test]
    fn a_reference_elsewhere_is_nothing() {
        for text in [
            "Broken Ref: a/1",
            "Ref: a/1\nand more",
            "as told in Ref: a/1",
            "Ref: a/1 and Ref: b/2",
            "x\nRef: a/1 and more",
            "xRef: a/1",
            "x\nRef: a/1/2",
            "x\nRef: a/1ü",
            "x\nRef: a/1…",
            "Ref: nothing",
            "Ref: a/1\n…",
        ] {
            assert!(in_text(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_long_text_is_known_by_its_first_line_as_well() {
        let text = format!("{}\n\nlong\n\nRef: s/1", head("s/1"));
        assert_eq!(found(&text).as_deref(), Some("s/1"));
        let cut = in_text(&text[..text.len() - 10]);
        assert!(cut.is("s/1") && !cut.is_torn() && !cut.is("s/2"));
        // What is cut where it quotes another one says two things.
        let torn = in_text(&format!("{}\nas before:\nRef: s/2", head("s/1")));
        assert!(torn.is_torn() && torn.is("s/1") && torn.is("s/2"));
        assert_eq!(torn.own(), None);
        // Only a long description bears one on its first line: what a short one has there is quoted.
        let quoting = in_text(&format!("{}\nagain:\nRef: s/2", head("s/1")));
        let short = quoting.of_length(Some(LONG));
        assert!(short.is("s/2") && !short.is("s/1") && !short.is_torn());
        assert_eq!(quoting.of_length(Some(LONG + 1)), quoting);
        assert_eq!(quoting.of_length(None), quoting);
        // The full form is quoted where it is on the first line.
        assert_eq!(found("Ref: s/2\nx\nRef: s/1").as_deref(), Some("s/1"));
    }

    #[test]
    fn the_first_line_is_no_part_of_what_is_compared() {
        let text = "x".repeat(2_000);
        for (between, is_html) in [("\n\n", false), ("<br><br>", true)] {
            let old = serde_json::json!({"a": 1, "text": format!("{text}{between}Ref: s/1")});
            let new = serde_json::json!({"a": 1, "text": format!("{}{between}{text}{between}Ref: s/1", head("s/1"))});
            let bytes = |body: &Value| serde_json::to_vec(body).unwrap();
            assert_eq!(
                without_head(bytes(&new), Some("s/1")),
                bytes(&old),
                "{is_html}"
            );
            assert_eq!(without_head(bytes(&old), Some("s/1")), bytes(&old));
            assert_eq!(without_head(bytes(&new), Some("s/2")), bytes(&new));
            assert!(has_head(&new, "s/1") && !has_head(&new, "s/2") && !has_head(&old, "s/1"));
        }
        let quoting = serde_json::json!({"text": format!("{}\nas before", head("s/1"))});
        assert!(!has_head(&quoting, "s/1"));
    }

    #[test]
    fn only_the_place_that_is_asked_for_counts() {
        let listed = Listed {
            text: Some("Ref: s/1 was closed\n\nRef: s/2".to_owned()),
            custom: vec![
                ("cf-1".to_owned(), " s/3 ".to_owned()),
                ("cf-2".to_owned(), "see s/4".to_owned()),
            ],
            ..Listed::default()
        };
        let own = |field: Option<&str>| reference_in(&listed, field).own().map(str::to_owned);
        assert_eq!(own(None).as_deref(), Some("s/2"));
        assert_eq!(own(Some("cf-1")).as_deref(), Some("s/3"));
        assert_eq!(own(Some("cf-2")), None);
        assert_eq!(own(Some("cf-3")), None);
        let group = marked_group("IT".to_owned(), Some("cf-1"));
        assert_eq!((group_of(&group), field_of(&group)), ("IT", Some("cf-1")));
        assert_ne!(group, marked_group("IT".to_owned(), None));
        assert_eq!((group_of("IT"), field_of("IT")), ("IT", None));
    }

    proptest! {
        #[test]
        fn made_is_found(scope in ".{1,50}", key in ".{1,50}", before in ".{0,20}", after in "[\n >]{0,5}") {
            let made = reference(&scope, &key);
            prop_assert!(made.len() <= longest(&scope));
            let text = format!("{before}\n\nRef: {made}{after}");
            prop_assert!(in_text(&text).is(&made));
            let text = format!("{}\n\n{before}", head(&made));
            prop_assert!(in_text(&text).is(&made));
        }

        #[test]
        fn a_longer_key_never_matches(scope in "[a-z0-9_-]{1,40}", key in "[a-z0-9_-]{1,30}", more in "[a-z0-9_/-]{1,9}") {
            let made = reference(&scope, &key);
            let text = format!("x\nRef: {made}{more}");
            prop_assert!(!in_text(&text).is(&made));
        }

        #[test]
        fn no_text_makes_the_search_panic(text in ".*", html in "[<>&;/a-zR:#\u{e4} \n]{0,60}") {
            in_text(&format!("Ref:{text}"));
            in_text(&format!("{html}Ref: a/1{html}"));
        }
    }
}
