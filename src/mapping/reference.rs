//! The reference by which a ticket can be found again: made here, and found in whatever text a system shows.
//!
//! It stands in one place of the ticket: the last line of the description, or the whole of a custom field. Only that
//! place counts: a text may quote another ticket's reference, and a field may hold what happens to look like one.

use data_encoding::BASE32_NOPAD;

use crate::systems::Listed;

/// Stands before a reference.
pub const LABEL: &str = "Ref: ";

/// Longer scopes and keys are hashed.
const PLAIN_LENGTH: usize = 40;

/// Stands between a group and the custom field that bears its references; no id has it.
const PLACE: char = '#';

/// The characters of a hashed reference.
const HASH_LENGTH: usize = 16;

/// The reference of a key in a scope: `scope/key` when both are plain, else 16 letters and digits of their hash.
pub fn reference(scope: &str, key: &str) -> String {
    if is_plain(scope) && is_plain(key) {
        return format!("{scope}/{key}");
    }
    let hash = blake3::hash(format!("{scope}/{key}").as_bytes());
    let mut text = BASE32_NOPAD.encode(hash.as_bytes()).to_ascii_lowercase();
    text.truncate(HASH_LENGTH);
    text
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

/// The reference that a listed ticket bears as its own: the last one of its text, or the whole of the custom field that
/// listings call `field`.
pub fn borne<'l>(listed: &'l Listed, field: Option<&str>) -> Option<&'l str> {
    let Some(field) = field else {
        return find_references(listed.text.as_deref()?).last();
    };
    let (_, value) = listed.custom.iter().find(|(name, _)| name == field)?;
    let value = value.trim();
    is_reference(value).then_some(value)
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

/// The references that a text bears, as whole tokens: `Ref: a/1` is not in `Ref: a/12`. Tags and any white
/// space between the label and the token are passed over, since systems rewrite texts.
pub fn find_references(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("Ref:").filter_map(move |(at, label)| {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '/')) {
            return None;
        }
        let rest = skip_space_and_tags(&text[at + label.len()..]);
        let length = rest
            .bytes()
            .take_while(|byte| is_word(*byte) || *byte == b'/')
            .count();
        let (token, after) = rest.split_at(length);
        // A letter outside of ASCII goes on with the token for a reader.
        let ends = !after.chars().next().is_some_and(char::is_alphanumeric);
        (is_reference(token) && ends).then_some(token)
    })
}

fn is_reference(token: &str) -> bool {
    match token.split_once('/') {
        Some((scope, key)) => is_plain(scope) && is_plain(key),
        None => token.len() == HASH_LENGTH && token.bytes().all(is_word),
    }
}

fn skip_space_and_tags(mut text: &str) -> &str {
    loop {
        let trimmed = text.trim_start().trim_start_matches("&nbsp;");
        let after = match trimmed
            .strip_prefix('<')
            .and_then(|tag| tag.split_once('>'))
        {
            Some((_, after)) => after,
            None => trimmed,
        };
        if after.len() == text.len() {
            return text;
        }
        text = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str) -> Vec<&str> {
        find_references(text).collect()
    }

    #[test]
    fn plain_and_hashed() {
        assert_eq!(reference("spiceworks-2024", "4711"), "spiceworks-2024/4711");
        let hashed = reference("spiceworks-2024", "a key with spaces");
        assert_eq!(hashed.len(), 16);
        assert_eq!(found(&format!("x\n\nRef: {hashed}")), [hashed]);
    }

    #[test]
    fn tolerant_of_what_systems_do_to_texts() {
        assert_eq!(found("<p>Broken</p><p>Ref: a/1</p>"), ["a/1"]);
        assert_eq!(found("Broken<br>Ref:&nbsp;<b>a/1</b>"), ["a/1"]);
        assert_eq!(found("Broken\r\n> Ref:  a/1\r\n"), ["a/1"]);
        assert_eq!(found("Broken Ref: a/1."), ["a/1"]);
        assert_eq!(found("Ref: a/1 and Ref: b/2"), ["a/1", "b/2"]);
        assert!(found("xRef: a/1").is_empty());
        assert!(found("Ref: a/1/2").is_empty());
        assert!(found("Ref: nothing").is_empty());
    }

    #[test]
    fn only_the_place_that_is_asked_for_counts() {
        let listed = Listed {
            ticket: crate::systems::Ticket::default(),
            created_at: None,
            group: "IT".to_owned(),
            text: Some("Ref: s/1 was closed\n\nRef: s/2".to_owned()),
            custom: vec![
                ("cf-1".to_owned(), " s/3 ".to_owned()),
                ("cf-2".to_owned(), "see s/4".to_owned()),
            ],
            updated_at: None,
            standing: crate::systems::Standing::Open,
        };
        assert_eq!(borne(&listed, None), Some("s/2"));
        assert_eq!(borne(&listed, Some("cf-1")), Some("s/3"));
        assert_eq!(borne(&listed, Some("cf-2")), None);
        assert_eq!(borne(&listed, Some("cf-3")), None);
        let group = marked_group("IT".to_owned(), Some("cf-1"));
        assert_eq!(field_of(&group), Some("cf-1"));
        assert_ne!(group, marked_group("IT".to_owned(), None));
        assert_eq!(field_of("IT"), None);
    }

    proptest! {
        #[test]
        fn made_is_found(scope in ".{1,50}", key in ".{1,50}", before in ".{0,20}", after in "(\n.*)?") {
            let made = reference(&scope, &key);
            prop_assert!(made.len() <= longest(&scope));
            let text = format!("{before}\n\nRef: {made}{after}");
            prop_assert!(find_references(&text).any(|found| found == made));
        }

        #[test]
        fn a_longer_key_never_matches(scope in "[a-z0-9_-]{1,40}", key in "[a-z0-9_-]{1,30}", more in "[a-z0-9_/-]{1,9}") {
            let made = reference(&scope, &key);
            let text = format!("Ref: {made}{more}");
            prop_assert!(find_references(&text).all(|found| found != made));
        }
    }
}
