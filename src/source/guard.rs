//! Cells of a CSV that a spreadsheet program would run: how they are written so that none does, and read back.
//!
//! Such a text gets one `'` before it. A text that is some `'` and then such a text gets one more, so that taking one
//! away gives every text back as it was.

use std::borrow::Cow;

/// The guards that the texts of a CSV stand behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Guards {
    /// None: a text is what stands there.
    #[default]
    None,
    /// Ours: a `'` before a text that a spreadsheet program would run.
    Ours,
    /// Those that other programs put before ids too: `="00123"`, `'00123`, a tab.
    All,
}

impl Guards {
    /// A text as it stands in such a CSV.
    pub(crate) fn on(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::None => Cow::Borrowed(text),
            Self::Ours => guard(text),
            Self::All => guard_widely(text),
        }
    }

    /// A text of such a CSV as it was before.
    pub(crate) fn off(self, text: &str) -> &str {
        match self {
            Self::None => text,
            Self::Ours => unguard(text),
            Self::All => without_any(text),
        }
    }
}

/// The sign before a text that is not to be run.
const GUARD: char = '\'';

/// Whether a spreadsheet program may take a text for a formula, or for a command of its own: it begins with a sign of
/// a formula (the wide ones of East Asian keyboards too), whatever space stands before it, or with a tab or line break.
pub(crate) fn is_active(text: &str) -> bool {
    // Most texts tell it by their first byte, and this is asked of every cell.
    match text.as_bytes().first() {
        None | Some(b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z') => false,
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\n') => true,
        Some(_) => text
            .trim_start_matches(|sign: char| {
                sign.is_whitespace() || sign.is_control() || sign == '\u{feff}'
            })
            .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']),
    }
}

/// Whether a text is written with a guard.
fn needs(text: &str) -> bool {
    is_active(text.trim_start_matches(GUARD))
}

/// A text as it stands in a guarded CSV.
pub(crate) fn guard(text: &str) -> Cow<'_, str> {
    match needs(text) {
        true => Cow::Owned(format!("{GUARD}{text}")),
        false => Cow::Borrowed(text),
    }
}

/// A text as it stands in a CSV from which all guards are taken off again.
fn guard_widely(text: &str) -> Cow<'_, str> {
    match needs(text) || without_any(text) != text {
        true => Cow::Owned(format!("{GUARD}{text}")),
        false => Cow::Borrowed(text),
    }
}

/// A text of a guarded CSV as it was before.
pub(crate) fn unguard(text: &str) -> &str {
    text.strip_prefix(GUARD)
        .filter(|rest| needs(rest))
        .unwrap_or(text)
}

/// Whether a text is what ids are made of: digits, with what parts them.
fn is_id(text: &str) -> bool {
    text.contains(|sign: char| sign.is_ascii_digit())
        && text.chars().all(|sign| {
            sign.is_ascii_alphanumeric() || matches!(sign, '-' | '.' | '/' | '_' | '#' | ':')
        })
}

/// A text without the guard that a program put on it: ours, `="00123"`, `'00123`, or a tab before an id.
fn without_any(text: &str) -> &str {
    let formula = text
        .strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|inner| !inner.contains('"'));
    if let Some(inner) = formula {
        return inner;
    }
    if let Some(rest) = text.strip_prefix(GUARD) {
        let bare = rest.trim_start_matches(GUARD);
        if is_active(bare) || is_id(bare) {
            return rest;
        }
    }
    match text.strip_prefix('\t') {
        Some(rest) if is_id(rest) => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_run_is_guarded_and_nothing_else() {
        for text in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            " =1",
            "'=1",
            "＝1",
            "\u{feff}=1",
            "\u{1}=1",
        ] {
            assert_eq!(guard(text), format!("'{text}"), "{text:?}");
        }
        for text in ["", "a", "'a", "'", "1-1", "a=b", "\"=1\"", "(=1)"] {
            assert_eq!(guard(text), text, "{text:?}");
        }
    }

    #[test]
    fn guards_of_other_programs_come_off() {
        for (text, without) in [
            ("=\"00123\"", "00123"),
            ("'00123", "00123"),
            ("\t00123", "00123"),
            ("'INC-42", "INC-42"),
            ("'=1+1", "=1+1"),
            ("''00123", "'00123"),
            ("'tis broken", "'tis broken"),
            ("=1+1", "=1+1"),
            ("=\"a\"&\"b\"", "=\"a\"&\"b\""),
            ("\tindented text", "\tindented text"),
            ("00123", "00123"),
        ] {
            assert_eq!(Guards::All.off(text), without, "{text:?}");
        }
    }

    proptest! {
        /// What an error file guards is read back under the wider rule too.
        #[test]
        fn our_guard_comes_off_under_the_wider_rule(text in "['=+@0-9a \t\"]{0,8}") {
            let guarded = Guards::All.on(&text);
            prop_assert_eq!(Guards::All.off(&guarded), &text);
        }

        #[test]
        fn a_guard_comes_off_as_it_went_on(text in "['=+@ \t\r\n＝-]{0,4}.{0,6}") {
            let guarded = guard(&text);
            prop_assert_eq!(unguard(&guarded), &text);
            prop_assert!(!is_active(&guarded));
        }
    }
}
