//! Byte-order marks in the middle of a text: files that were joined carry the mark of the second with them.

use std::io::{self, Read};

/// A byte-order mark, as UTF-8.
pub(super) const MARK: &[u8; 3] = b"\xef\xbb\xbf";

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// Looks for marks in a text that comes piece by piece.
#[derive(Debug, Default)]
pub(super) struct Finder {
    /// The last bytes of the piece before.
    tail: Vec<u8>,
    pub(super) found: bool,
}

impl Finder {
    /// Takes the next piece.
    pub(super) fn take(&mut self, piece: &[u8]) {
        if self.found {
            return;
        }
        self.tail.extend_from_slice(&piece[..piece.len().min(2)]);
        self.found = holds(&self.tail) || holds(piece);
        if piece.len() >= 2 {
            self.tail = piece[piece.len() - 2..].to_vec();
        } else {
            let more = self.tail.len().saturating_sub(2);
            self.tail.drain(..more);
        }
    }
}

fn holds(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, MARK).is_some()
}

/// Passes a text on without the marks at the beginnings of its records; one within quotes belongs to a text.
pub(super) struct WithoutMarks<R> {
    inner: R,
    read: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
    /// Whether the next byte begins a record.
    begins: bool,
    is_quoted: bool,
    /// How many bytes of a mark were seen.
    seen: usize,
    over: bool,
}

impl<R: Read> WithoutMarks<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            read: vec![0; CHUNK],
            ready: Vec::with_capacity(CHUNK),
            given: 0,
            begins: true,
            is_quoted: false,
            seen: 0,
            over: false,
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.begins && byte == MARK[self.seen] {
            self.seen += 1;
            self.seen %= MARK.len();
            return;
        }
        self.ready.extend_from_slice(&MARK[..self.seen]);
        self.seen = 0;
        self.is_quoted ^= byte == b'"';
        self.begins = !self.is_quoted && matches!(byte, b'\n' | b'\r');
        self.ready.push(byte);
    }

    fn fill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        while self.ready.is_empty() && !self.over {
            let mut read = std::mem::take(&mut self.read);
            let count = self.inner.read(&mut read);
            if let Ok(count) = count {
                read[..count].iter().for_each(|byte| self.byte(*byte));
            }
            self.read = read;
            if count? == 0 {
                self.over = true;
                self.ready.extend_from_slice(&MARK[..self.seen]);
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for WithoutMarks<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            self.fill()?;
        }
        let count = out.len().min(self.ready.len() - self.given);
        out[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn without(text: &str) -> String {
        let mut read = String::new();
        WithoutMarks::new(text.as_bytes())
            .read_to_string(&mut read)
            .unwrap();
        read
    }

    #[test]
    fn marks_at_the_beginning_of_records_go_and_others_stay() {
        assert_eq!(
            without("\u{feff}a\n\u{feff}\u{feff}b\r\n\u{feff}\"c\""),
            "a\nb\r\n\"c\""
        );
        assert_eq!(
            without("a\u{feff}b,\"x\n\u{feff}y\"\n\u{feff}z"),
            "a\u{feff}b,\"x\n\u{feff}y\"\nz"
        );
        assert_eq!(without("\u{feff}"), "");
        assert_eq!(without("ﻐa\nﻐ"), "ﻐa\nﻐ");
    }

    proptest! {
        #[test]
        fn a_text_without_marks_is_as_it_was(text in "[aﻐ\u{fee0}\n\"é,]{0,40}") {
            prop_assert_eq!(without(&text), text);
        }

        #[test]
        fn marks_are_found_in_pieces_of_any_size(
            text in "[aé\u{feff}\n]{0,12}",
            size in 1_usize..6,
        ) {
            let mut finder = Finder::default();
            text.as_bytes().chunks(size).for_each(|piece| finder.take(piece));
            prop_assert_eq!(finder.found, text.contains('\u{feff}'));
        }
    }
}
