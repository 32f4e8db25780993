//! The reference by which a ticket can be found again: made here, and found in whatever text a system shows.

use data_encoding::BASE32_NOPAD;

/// Stands before a reference.
pub const LABEL: &str = "Ref: ";

/// Longer scopes and keys are hashed.
const PLAIN_LENGTH: usize = 40;

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
        let parts: Vec<&str> = token.split('/').collect();
        let whole = match parts.as_slice() {
            [scope, key] => is_plain(scope) && is_plain(key),
            [hash] => hash.len() == HASH_LENGTH,
            _ => false,
        };
        // A letter outside of ASCII goes on with the token for a reader.
        let ends = !after.chars().next().is_some_and(char::is_alphanumeric);
        (whole && ends).then_some(token)
    })
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

    proptest! {
        #[test]
        fn made_is_found(scope in ".{1,50}", key in ".{1,50}", before in ".{0,20}", after in "(\n.*)?") {
            let made = reference(&scope, &key);
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
