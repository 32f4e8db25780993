//! A text in quotes as TOML writes it: where a part of what it means stands in it.

use std::ops::Range;

/// Where a part of the meaning (in bytes of it) stands in the literal (in bytes of that, its quotes included); `None`
/// for what is no literal or has no such part.
pub(super) fn place(literal: &str, part: &Range<usize>) -> Option<Range<usize>> {
    let quote = literal
        .chars()
        .next()
        .filter(|sign| matches!(sign, '"' | '\''))?;
    let quotes: String = std::iter::repeat_n(quote, 3).collect();
    let is_long = literal.len() >= 6 && literal.starts_with(&quotes);
    let mut at = if is_long { 3 } else { 1 };
    let end = literal.len().checked_sub(at)?;
    if is_long {
        // The line break behind the quotes is no part of the text.
        let rest = &literal[at..];
        let bare = rest
            .strip_prefix("\r\n")
            .or_else(|| rest.strip_prefix('\n'));
        at += rest.len() - bare.unwrap_or(rest).len();
    }
    let (mut meant, mut start) = (0, None);
    while at <= end {
        if meant >= part.start && start.is_none() {
            start = Some(at);
        }
        if meant >= part.end {
            return Some(start?..at);
        }
        let (written, means) = sign(&literal[at..end], quote == '"')?;
        at += written;
        meant += means;
    }
    None
}

/// How many bytes the first sign of a text takes, and how many bytes it means.
fn sign(text: &str, has_escapes: bool) -> Option<(usize, usize)> {
    let first = text.chars().next()?;
    if first != '\\' || !has_escapes {
        return Some((first.len_utf8(), first.len_utf8()));
    }
    let rest = &text[1..];
    let escaped = rest.chars().next()?;
    let digits = match escaped {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        // A line that goes on: the space up to the next sign is no part of the text.
        sign if sign.is_whitespace() => return Some((1 + rest.len() - rest.trim_start().len(), 0)),
        _ => return Some((1 + escaped.len_utf8(), 1)),
    };
    let code = u32::from_str_radix(rest.get(1..=digits)?, 16).ok()?;
    Some((2 + digits, char::from_u32(code)?.len_utf8()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meaning(literal: &str) -> String {
        let document: toml::Table = toml::from_str(&format!("t = {literal}")).unwrap();
        document["t"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn shown<'l>(literal: &'l str, part: &str) -> &'l str {
        let start = meaning(literal).find(part).unwrap();
        &literal[place(literal, &(start..start + part.len())).unwrap()]
    }

    #[test]
    fn a_part_is_found_whatever_stands_before_it() {
        assert_eq!(shown("'a(b'", "("), "(");
        assert_eq!(shown(r#""\\d\u00e4 \"(""#, "("), "(");
        assert_eq!(shown(r#""\\d+""#, "\\d"), r"\\d");
        assert_eq!(
            shown("\"\"\"\n{{ Tïtle }}\n{{ X \\\n   }}\"\"\"", "X }}"),
            "X \\\n   }}"
        );
        assert_eq!(shown("'''\r\nab'''", "b"), "b");
        assert_eq!(place("'ab'", &(2..2)), Some(3..3));
        assert_eq!(place("'ab'", &(2..3)), None);
        assert_eq!(place("12", &(0..1)), None);
    }

    proptest! {
        #[test]
        fn the_place_of_a_part_means_the_part(text in "[ab\"'\\\\\u{e4}\n\t(]{0,12}", from in 0_usize..12, length in 1_usize..4) {
            let literal = toml::Value::String(text.clone()).to_string();
            let signs: Vec<(usize, char)> = text.char_indices().collect();
            prop_assume!(from + length <= signs.len());
            let end = signs.get(from + length).map_or(text.len(), |(at, _)| *at);
            let part = signs[from].0..end;
            let place = place(&literal, &part).unwrap();
            let alone = match literal.starts_with('"') {
                true => format!("\"\"\"\n{}\"\"\"", &literal[place]),
                false => format!("'''\n{}'''", &literal[place]),
            };
            if let Ok(document) = toml::from_str::<toml::Table>(&format!("t = {alone}")) {
                prop_assert_eq!(document["t"].as_str(), Some(&text[part]));
            }
        }
    }
}
