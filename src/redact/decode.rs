//! One level of escapes undone, and the way back to where they stood.

use std::ops::Range;

/// The longest name of an entity that is an ASCII character.
const LONGEST_NAME: usize = 16;
/// A tag that is longer holds a page of its own.
const LONGEST_TAG: usize = 1024;

/// A text without its outermost escapes.
pub(super) struct Decoded {
    pub(super) text: Vec<u8>,
    /// Where pieces ended, in order.
    moves: Vec<Move>,
}

/// The end of a piece that means something else.
struct Move {
    /// In the decoded text.
    decoded: usize,
    /// In the text before.
    before: usize,
    /// Whether it fell out.
    is_gone: bool,
}

impl Decoded {
    /// Where a part of the decoded text stood before.
    pub(super) fn before(&self, part: &Range<usize>) -> Range<usize> {
        let begins = self.moves.partition_point(|end| end.decoded <= part.start);
        let ends = self.moves.partition_point(|end| end.decoded < part.end);
        // What fell out behind the part is not part of it; an escape at its end is.
        let last = self.moves.get(ends);
        let ends_escaped = last.is_some_and(|end| end.decoded == part.end && !end.is_gone);
        self.from(begins, part.start)..self.from(ends + usize::from(ends_escaped), part.end)
    }

    /// Where a byte stood before that many moves.
    fn from(&self, moves: usize, at: usize) -> usize {
        match moves.checked_sub(1).map(|last| &self.moves[last]) {
            Some(end) => end.before + (at - end.decoded),
            None => at,
        }
    }
}

/// Undoes one level of escapes: of JSON and scripts (`\/`, `\u002B`, `\x2b`), of addresses (`%2B`) and of pages (`&#43;`,
/// `&plus;`). Line breaks fall out as well, with the blanks that indent the next line: they fold long base64. `None`: the
/// text has nothing of the kind.
pub(super) fn decoded(text: &[u8]) -> Option<Decoded> {
    rewritten(
        text,
        |byte| matches!(byte, b'\\' | b'%' | b'&' | b'\n' | b'\r'),
        unit,
    )
}

/// The text of a page without its tags, as an export shows it. `None`: it has none.
pub(super) fn untagged(text: &[u8]) -> Option<Decoded> {
    rewritten(text, |byte| byte == b'<', tag)
}

/// A text whose lines are joined where one was cut in two: by the signs that end a line that goes on (`\`, `=`), and by
/// those that begin each line of a quotation, a comment or a frame. `None`: it has none.
pub(super) fn joined(text: &[u8]) -> Option<Decoded> {
    rewritten(
        text,
        |byte| matches!(byte, b'\n' | b'\r' | b'\\' | b'='),
        cut,
    )
}

/// Where a line was cut: what ends it, the line break, and what begins the next one.
fn cut(text: &[u8]) -> Option<Piece> {
    let goes_on = usize::from(matches!(text, [b'\\' | b'=', b'\n' | b'\r', ..]));
    let breaks = text[goes_on..].iter();
    let breaks = breaks
        .take_while(|byte| matches!(byte, b'\n' | b'\r'))
        .count();
    if breaks == 0 {
        return None;
    }
    let mut length = goes_on + breaks;
    while let Some(sign) = margin(&text[length..]) {
        length += sign;
    }
    Some((None, length))
}

/// A sign that begins a line, and what is between it and the text.
fn margin(text: &[u8]) -> Option<usize> {
    match text {
        [b' ' | b'\t' | b'>' | b'#' | b'*', ..] => Some(1),
        // The bar of a frame.
        [0xe2, 0x94, 0x82, ..] => Some(3),
        _ => None,
    }
}

/// A piece of a text that means something else: what (nothing: it falls out), and how long it is.
type Piece = (Option<char>, usize);

fn rewritten(
    text: &[u8],
    starts: fn(u8) -> bool,
    piece: fn(&[u8]) -> Option<Piece>,
) -> Option<Decoded> {
    let next = |from: usize| {
        let rest = text.get(from..)?.iter();
        rest.clone()
            .position(|byte| starts(*byte))
            .map(|at| from + at)
    };
    let mut at = next(0)?;
    let mut clean = Vec::with_capacity(text.len());
    let mut moves = Vec::new();
    let mut done = 0;
    while let Some(start) = next(at) {
        match piece(&text[start..]) {
            None => at = start + 1,
            Some((character, length)) => {
                clean.extend_from_slice(&text[done..start]);
                if let Some(character) = character {
                    clean.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                at = start + length;
                done = at;
                moves.push(Move {
                    decoded: clean.len(),
                    before: at,
                    is_gone: character.is_none(),
                });
            }
        }
    }
    if moves.is_empty() {
        return None;
    }
    clean.extend_from_slice(&text[done..]);
    Some(Decoded { text: clean, moves })
}

fn tag(text: &[u8]) -> Option<Piece> {
    let begins = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'!');
    text.get(1).filter(|byte| begins(byte))?;
    let end = text
        .iter()
        .take(LONGEST_TAG)
        .position(|byte| *byte == b'>')?;
    Some((None, end + 1))
}

/// The escape at the start of a text: its character, `None` for a line break, and its length.
fn unit(text: &[u8]) -> Option<Piece> {
    match text {
        [b'\n' | b'\r', rest @ ..] => {
            let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
            Some((None, 1 + blanks.count()))
        }
        [b'\\', b'n' | b'r', ..] => Some((None, 2)),
        [b'\\', b'u', digits @ ..] => Some((hex(digits.get(..4)?), 6)),
        [b'\\', b'x', digits @ ..] => Some((hex(digits.get(..2)?), 4)),
        [b'\\', b't', ..] => Some((Some('\t'), 2)),
        [b'\\', byte, ..] if byte.is_ascii_punctuation() => Some((Some(char::from(*byte)), 2)),
        [b'%', digits @ ..] => Some((hex(digits.get(..2)?), 3)),
        [b'&', b'#', b'x' | b'X', rest @ ..] => number(rest, 3, 16),
        [b'&', b'#', rest @ ..] => number(rest, 2, 10),
        [b'&', rest @ ..] => named(rest),
        _ => None,
    }
    .filter(|(character, length)| character.is_some() || is_break(&text[..*length]))
}

fn is_break(text: &[u8]) -> bool {
    matches!(text, [b'\n' | b'\r', ..] | [b'\\', b'n' | b'r'])
}

fn hex(digits: &[u8]) -> Option<char> {
    let digits = std::str::from_utf8(digits).ok()?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let code = is_hex.then(|| u32::from_str_radix(digits, 16).ok())??;
    char::from_u32(code)
}

/// `#43;` and `#x2B;` after their mark; browsers do without the semicolon.
fn number(rest: &[u8], mark: usize, radix: u32) -> Option<Piece> {
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
    let digits = rest.iter().take_while(is_digit).count();
    let code = std::str::from_utf8(&rest[..digits]).ok()?;
    let character = char::from_u32(u32::from_str_radix(code, radix).ok()?)?;
    let closed = usize::from(rest.get(digits) == Some(&b';'));
    Some((Some(character), mark + digits + closed))
}

fn named(rest: &[u8]) -> Option<Piece> {
    let end = rest
        .iter()
        .take(LONGEST_NAME + 1)
        .position(|byte| *byte == b';')?;
    let table = &html_escape::NAMED_ENTITIES;
    let found = table
        .binary_search_by_key(&&rest[..end], |(name, _)| name)
        .ok()?;
    let mut characters = table[found].1.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) if character.is_ascii() => Some((Some(character), end + 2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(escaped: &str) -> String {
        let decoded = decoded(escaped.as_bytes()).map(|decoded| decoded.text);
        decoded.map_or_else(
            || escaped.to_owned(),
            |text| String::from_utf8(text).unwrap(),
        )
    }

    #[test]
    fn every_kind_of_escape_is_undone_by_one_level() {
        for (escaped, plain) in [
            (r"a\/b\u002Bc\x2bd", "a/b+c+d"),
            ("a%2Bb%2bc%zz", "a+b+c%zz"),
            ("a&#43;b&#x2B;c&#X2bd&plus;e&none;", "a+b+c\u{2bd}+e&none;"),
            ("&amp;#43;", "&#43;"),
            (r"\\u002B", r"\u002B"),
            ("ab\r\n  cd\\ne", "abcde"),
            (
                "&commat;&lowbar;&sol;&equals;&period;&num;&colon;",
                "@_/=.#:",
            ),
            ("a % & \\", "a % & \\"),
        ] {
            assert_eq!(text(escaped), plain, "{escaped}");
        }
    }

    #[test]
    fn tags_fall_out_and_what_is_none_stays() {
        let text = untagged(b"<p class=\"x\">a<wbr/>b</p> 3 < 4 <!-- c -->d").unwrap();
        assert_eq!(text.text, b"ab 3 < 4 d");
        assert!(untagged(b"3 < 4 > 2").is_none());
    }

    #[test]
    fn a_part_is_found_where_it_stood() {
        let escaped = br"12\u002B34%2F56&sol;78";
        let decoded = decoded(escaped).unwrap();
        assert_eq!(decoded.text, b"12+34/56/78");
        let part = |from: usize, to: usize| {
            let before = decoded.before(&(from..to));
            std::str::from_utf8(&escaped[before]).unwrap()
        };
        assert_eq!(part(0, 2), "12");
        assert_eq!(part(2, 3), r"\u002B");
        assert_eq!(part(3, 9), "34%2F56&sol;");
        assert_eq!(part(9, 11), "78");
        let page = b"<a>12<b>3</b></a>4";
        let plain = untagged(page).unwrap();
        assert_eq!(&page[plain.before(&(0..3))], b"12<b>3");
        assert_eq!(&page[plain.before(&(3..4))], b"4");
    }
}
