//! Cells of a CSV that a spreadsheet program would run: how they are written so that none does, and read back.
//!
//! Such a text gets one `'` before it. A text that is some `'` and then such a text gets one more, so that taking one
//! away gives every text back as it was.

use std::borrow::Cow;

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

/// A text of a guarded CSV as it was before.
pub(crate) fn unguard(text: &str) -> &str {
    text.strip_prefix(GUARD)
        .filter(|rest| needs(rest))
        .unwrap_or(text)
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

    proptest! {
        #[test]
        fn a_guard_comes_off_as_it_went_on(text in "['=+@ \t\r\n＝-]{0,4}.{0,6}") {
            let guarded = guard(&text);
            prop_assert_eq!(unguard(&guarded), &text);
            prop_assert!(!is_active(&guarded));
        }
    }
}
