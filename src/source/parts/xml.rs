//! XML cut into its tags and texts, without holding more than one tag.

use std::io::Read;

use memchr::{memchr, memchr3};

use super::{MOST_PIECE, Stop, beyond};
use crate::source::bytes::{CHUNK, read_full};

/// Takes the pieces of a document, in order.
pub(super) trait Visit {
    /// A tag without its brackets.
    ///
    /// # Errors
    /// When it goes beyond a bound.
    fn tag(&mut self, tag: &[u8]) -> Result<(), Stop>;

    /// A text, or a part of one.
    ///
    /// # Errors
    /// The same.
    fn text(&mut self, text: &[u8]) -> Result<(), Stop>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// Within a tag; within quotes of it, which.
    Tag(Option<u8>),
    /// Within what ends with these bytes: a comment, raw text, an instruction.
    Until(&'static [u8]),
}

/// Cuts a document.
///
/// # Errors
/// When a piece is too long, or the visitor says so.
pub(super) fn scan(mut from: impl Read, visit: &mut impl Visit) -> Result<(), Stop> {
    let mut chunk = vec![0; CHUNK];
    let mut cut = Cut {
        state: State::Text,
        tag: Vec::new(),
        length: 0,
        last: [0; 2],
    };
    loop {
        let count = read_full(&mut from, &mut chunk)?;
        cut.chunk(&chunk[..count], visit)?;
        if count < chunk.len() {
            return Ok(());
        }
    }
}

struct Cut {
    state: State,
    /// The tag as far as it has come.
    tag: Vec<u8>,
    /// How long the piece is so far, where it is no tag.
    length: usize,
    /// The two bytes before this one, within [`State::Until`].
    last: [u8; 2],
}

impl Cut {
    fn chunk(&mut self, chunk: &[u8], visit: &mut impl Visit) -> Result<(), Stop> {
        let mut rest = chunk;
        while !rest.is_empty() {
            rest = match self.state {
                State::Text => self.text(rest, visit)?,
                State::Tag(quote) => self.tag(rest, quote, visit)?,
                State::Until(end) => self.until(rest, end)?,
            };
        }
        Ok(())
    }

    fn grow(&mut self, by: usize) -> Result<(), Stop> {
        self.length += by;
        is_short(self.length)
    }

    fn text<'c>(&mut self, rest: &'c [u8], visit: &mut impl Visit) -> Result<&'c [u8], Stop> {
        let Some(at) = memchr(b'<', rest) else {
            visit.text(rest)?;
            self.grow(rest.len())?;
            return Ok(&[]);
        };
        if at > 0 {
            visit.text(&rest[..at])?;
            self.grow(at)?;
        }
        self.length = 0;
        let rest = &rest[at + 1..];
        if let Some(tag) = whole_tag(rest) {
            is_short(tag.len())?;
            visit.tag(tag)?;
            return Ok(&rest[tag.len() + 1..]);
        }
        self.tag.clear();
        self.state = State::Tag(None);
        Ok(rest)
    }

    fn tag<'c>(
        &mut self,
        rest: &'c [u8],
        quote: Option<u8>,
        visit: &mut impl Visit,
    ) -> Result<&'c [u8], Stop> {
        // What begins so may hold brackets and quotes that are none.
        if self.tag.len() < 8
            && self
                .tag
                .first()
                .is_none_or(|first| matches!(first, b'!' | b'?'))
        {
            self.tag.push(rest[0]);
            let end: Option<&[u8]> = match self.tag.as_slice() {
                b"!--" => Some(b"-->"),
                b"![CDATA[" => Some(b"]]>"),
                b"?" => Some(b"?>"),
                _ => None,
            };
            if let Some(end) = end {
                self.last = [0; 2];
                self.state = State::Until(end);
                return Ok(&rest[1..]);
            }
            if matches!(self.tag.first(), Some(b'!')) {
                if rest[0] == b'>' {
                    self.state = State::Text;
                }
                return Ok(&rest[1..]);
            }
            self.tag.pop();
        }
        let found = match quote {
            Some(quote) => memchr(quote, rest),
            None => memchr3(b'>', b'"', b'\'', rest),
        };
        let Some(at) = found else {
            self.tag.extend_from_slice(rest);
            is_short(self.tag.len())?;
            return Ok(&[]);
        };
        self.tag.extend_from_slice(&rest[..at]);
        is_short(self.tag.len())?;
        match (rest[at], quote) {
            (b'>', None) => {
                visit.tag(&self.tag)?;
                self.state = State::Text;
            }
            (mark, None) => {
                self.tag.push(mark);
                self.state = State::Tag(Some(mark));
            }
            (mark, Some(_)) => {
                self.tag.push(mark);
                self.state = State::Tag(None);
            }
        }
        Ok(&rest[at + 1..])
    }

    fn until<'c>(&mut self, rest: &'c [u8], end: &'static [u8]) -> Result<&'c [u8], Stop> {
        let at = memchr(b'>', rest);
        let piece = &rest[..at.unwrap_or(rest.len())];
        self.grow(piece.len())?;
        match piece {
            [.., before, last] => self.last = [*before, *last],
            [last] => self.last = [self.last[1], *last],
            [] => {}
        }
        let Some(at) = at else {
            return Ok(&[]);
        };
        let before = &end[..end.len() - 1];
        if self.last.ends_with(before) {
            self.length = 0;
            self.state = State::Text;
        } else {
            self.last = [self.last[1], b'>'];
        }
        Ok(&rest[at + 1..])
    }
}

/// The tag that begins here, where it ends before the chunk does and has no other marks than plain quotes: nearly all.
fn whole_tag(rest: &[u8]) -> Option<&[u8]> {
    let mut is_quoted = false;
    // Tags are short: a search that is made for long texts would take longer.
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'!' | b'?' if at == 0 => return None,
            b'"' => is_quoted = !is_quoted,
            b'\'' => return None,
            b'>' if !is_quoted => return Some(&rest[..at]),
            _ => {}
        }
    }
    None
}

fn is_short(length: usize) -> Result<(), Stop> {
    match length > MOST_PIECE {
        true => Err(beyond(format!(
            "has a piece longer than {} MB",
            MOST_PIECE / 1024 / 1024
        ))),
        false => Ok(()),
    }
}

/// Where a byte is in a tag or a part of one.
fn find(wanted: u8, tag: &[u8]) -> Option<usize> {
    tag.iter().position(|byte| *byte == wanted)
}

/// The name of a tag, without its prefix; that of an end begins with `/`.
pub(crate) fn name(tag: &[u8]) -> (bool, &[u8]) {
    let is_end = tag.first() == Some(&b'/');
    let tag = &tag[usize::from(is_end)..];
    let end = tag
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || *byte == b'/')
        .unwrap_or(tag.len());
    let name = &tag[..end];
    let local = find(b':', name).map_or(0, |at| at + 1);
    (is_end, &name[local..])
}

/// Whether a tag ends itself.
pub(super) fn is_closed(tag: &[u8]) -> bool {
    tag.last() == Some(&b'/')
}

/// The attributes of a tag, their names with their prefixes.
pub(super) fn attributes(tag: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let name = tag.iter().position(u8::is_ascii_whitespace);
    let mut rest = &tag[name.unwrap_or(tag.len())..];
    std::iter::from_fn(move || {
        let at = find(b'=', rest)?;
        let (name, value) = (rest[..at].trim_ascii(), rest[at + 1..].trim_ascii_start());
        let (quote, value) = value.split_first()?;
        let end = find(*quote, value)?;
        rest = &value[end + 1..];
        Some((name, &value[..end]))
    })
}

/// The value of an attribute; `name` with its prefix.
pub(crate) fn attribute<'t>(tag: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let mut all = attributes(tag);
    all.find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// A number; one that is too large for any bound is the largest.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Seen(Vec<String>, usize);

    impl Visit for Seen {
        fn tag(&mut self, tag: &[u8]) -> Result<(), Stop> {
            self.0.push(String::from_utf8_lossy(tag).into_owned());
            Ok(())
        }

        fn text(&mut self, text: &[u8]) -> Result<(), Stop> {
            self.1 += text.len();
            Ok(())
        }
    }

    const DOCUMENT: &str = "<?xml version='1' a=\"?\"?><!DOCTYPE a><a><!-- <no> -- > -->t<b c='>'/><![CDATA[<no>]]]></a>";

    proptest! {
        /// Wherever the document is cut, its tags are the same.
        #[test]
        fn pieces_do_not_depend_on_chunks(at in 0..DOCUMENT.len()) {
            let mut cut = Cut { state: State::Text, tag: Vec::new(), length: 0, last: [0; 2] };
            let mut seen = Seen::default();
            cut.chunk(&DOCUMENT.as_bytes()[..at], &mut seen).unwrap();
            cut.chunk(&DOCUMENT.as_bytes()[at..], &mut seen).unwrap();
            prop_assert_eq!(&seen.0[..], ["!DOCTYPE a", "a", "b c='>'/", "/a"]);
            prop_assert_eq!(seen.1, 1);
        }
    }

    #[test]
    fn a_piece_that_never_ends_is_told() {
        for start in ["", "<a b='", "<!--", "<a>", "<![CDATA[", "<a "] {
            let document = std::io::Cursor::new(start.to_owned())
                .chain(std::io::repeat(b'x').take(MOST_PIECE as u64 + 1));
            let scanned = scan(document, &mut Seen::default());
            assert!(matches!(scanned, Err(Stop::Beyond(_))), "{start}");
        }
    }

    #[test]
    fn names_and_attributes_are_found() {
        let tag = b"x:c xr=\"1\" r = 'A1' s=\"r=2\"/";
        assert_eq!(name(tag), (false, &b"c"[..]));
        assert_eq!(name(b"/x:row"), (true, &b"row"[..]));
        assert_eq!(attribute(tag, b"r"), Some(&b"A1"[..]));
        assert_eq!(attribute(tag, b"t"), None);
        assert_eq!(number(b"99999999999999999999999"), Some(u64::MAX));
    }
}
