//! Texts that look the same: how they are compared, and how what nobody sees is printed.
//!
//! macOS and some exports write `é` as `e` and an accent; word processors and web pages leave marks in texts that have no
//! width. Neither makes another heading, word or name. What is sent keeps every sign that it had.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Whether a sign has no width: soft hyphens, zero-width spaces and joiners, marks of direction, byte-order marks.
pub(crate) fn is_invisible(sign: char) -> bool {
    matches!(
        sign,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

/// A text as it is compared: composed (NFC), without what is invisible. Borrowed where that changes nothing.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let is_clear = !text.contains(is_invisible);
    if is_clear && is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .filter(|sign| !is_invisible(*sign))
            .nfc()
            .collect(),
    )
}

/// The spaces that spreadsheet programs and browsers put into dates and numbers, as plain ones. Borrowed where there is
/// none.
pub(crate) fn plain_spaces(text: &str) -> Cow<'_, str> {
    let is_space = |sign: char| matches!(sign, '\u{a0}' | '\u{2009}' | '\u{202f}');
    match !text.is_ascii() && text.contains(is_space) {
        true => Cow::Owned(text.replace(is_space, " ")),
        false => Cow::Borrowed(text),
    }
}

/// Whether a sign is none: what a terminal obeys instead of showing it. Ends of lines and tabs stay.
pub(crate) fn is_control(sign: char) -> bool {
    sign.is_control() && !matches!(sign, '\n' | '\t')
}

/// A text as messages print it: what is invisible, what a terminal would obey, and a letter that is put together of parts, as
/// `\u{…}`.
///
/// A joiner between signs that are not ASCII stays: emoji and the scripts of Asia are made with it.
pub(crate) fn shown(text: String) -> String {
    let is_hidden = |sign: char| is_invisible(sign) || is_control(sign);
    let is_clear = !text.contains(is_hidden);
    if text.is_ascii() && is_clear {
        return text;
    }
    let is_composed =
        is_nfc_quick(text.chars()) == IsNormalized::Yes || text.nfc().eq(text.chars());
    if is_composed && is_clear {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let signs: Vec<char> = text.chars().collect();
    let beyond = |at: Option<usize>| {
        let sign = at.and_then(|at| signs.get(at));
        sign.is_some_and(|sign| !sign.is_ascii())
    };
    for (at, &sign) in signs.iter().enumerate() {
        let joins = matches!(sign, '\u{200c}' | '\u{200d}')
            && beyond(at.checked_sub(1))
            && beyond(Some(at + 1));
        let is_part = !is_composed && is_part(&signs, at);
        match (is_hidden(sign) && !joins) || is_part {
            // A String takes whatever is written.
            true => drop(write!(shown, "\\u{{{:x}}}", u32::from(sign))),
            false => shown.push(sign),
        }
    }
    shown
}

/// Whether a sign is a part of a letter that would be one sign if it were composed: an accent, or what it stands on.
fn is_part(signs: &[char], at: usize) -> bool {
    let joins = |one: Option<&char>, two: Option<&char>| match (one, two) {
        (Some(one), Some(two)) => unicode_normalization::char::compose(*one, *two).is_some(),
        _ => false,
    };
    let before = at.checked_sub(1).and_then(|at| signs.get(at));
    joins(before, signs.get(at)) || joins(signs.get(at), signs.get(at + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        for text in [
            "Priorité",
            "Priorite\u{301}",
            "Prio\u{200b}rité",
            "\u{feff}Priorité",
            "Prio\u{ad}ri\u{200e}té",
        ] {
            assert_eq!(plain(text), "Priorité", "{text:?}");
        }
        assert!(matches!(plain("Größe"), Cow::Borrowed(_)));
        assert_ne!(plain("Priorite"), plain("Priorité"));
    }

    #[test]
    fn what_nobody_sees_is_printed() {
        let print = |text: &str| shown(text.to_owned());
        assert_eq!(print("Priorite\u{301}"), "Priorit\\u{65}\\u{301}");
        assert_eq!(print("a\u{200b}b\u{feff}"), "a\\u{200b}b\\u{feff}");
        assert_eq!(print("Priorité 👩\u{200d}💻"), "Priorité 👩\u{200d}💻");
        assert_eq!(print("a\u{200d}b"), "a\\u{200d}b");
        assert_eq!(print("plain"), "plain");
        assert_eq!(print("two\n\tlines"), "two\n\tlines");
        // What a stranger's file says is no command to a terminal.
        assert_eq!(print("a\u{1b}[2Jb\u{9b}31m"), "a\\u{1b}[2Jb\\u{9b}31m");
    }

    #[test]
    fn spaces_of_dates_and_numbers() {
        assert_eq!(
            plain_spaces("6/21/2024,\u{202f}3:05\u{a0}PM"),
            "6/21/2024, 3:05 PM"
        );
    }

    proptest! {
        #[test]
        fn comparing_forgets_forms_and_what_is_invisible(text in "[a-zé\u{301}ü ]{0,12}", at in 0_usize..12) {
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(plain(&decomposed), plain(&text));
            let mut with: Vec<char> = decomposed.chars().collect();
            // An accent belongs to the sign before it: a mark between them parts them for good.
            let at = at.min(with.len());
            if with.get(at).is_none_or(|sign| *sign != '\u{301}' && *sign != '\u{308}') {
                with.insert(at, '\u{200b}');
            }
            let with = String::from_iter(with);
            prop_assert_eq!(plain(&with), plain(&text));
            prop_assert_eq!(plain(&plain(&text)).into_owned(), plain(&text).into_owned());
        }
    }
}
