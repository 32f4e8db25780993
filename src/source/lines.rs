//! What the csv crate passes over: blank lines between records, which a spreadsheet program counts, and quotes within
//! quoted texts that are not doubled, behind which it reads on as if the text had ended.

use std::collections::VecDeque;
use std::io::{self, Read};

use memchr::{memchr, memchr2_iter};

/// What is added behind the last byte: a line end, then a NUL. The NUL is a record of its own unless a quote
/// is still open, and no text holds one, so an unclosed quote gives itself away.
pub(super) const SENTINEL: &[u8] = b"\n\0";

/// Passes bytes on, remembers where lines without anything on them begin, and ends with the sentinel.
pub(super) struct BlankLines<R> {
    inner: R,
    read: u64,
    line_start: u64,
    last_cr: Option<u64>,
    blank: VecDeque<u64>,
    ended: usize,
    /// The last byte that is passed on.
    until: u64,
    quotes: Quotes,
}

/// Where a quote stands within a quoted text and is not doubled.
struct Quotes {
    delimiter: u8,
    /// Whether a quoted text is open.
    is_open: bool,
    /// Behind a quote within such a text: where it stood, and whether only spaces followed.
    behind: Option<u64>,
    /// The byte before this one.
    last: u8,
    stray: VecDeque<u64>,
}

impl Quotes {
    /// Takes the next bytes, of which the first is number `first` of the text.
    fn take(&mut self, bytes: &[u8], first: u64) {
        let mut at = 0;
        while at < bytes.len() {
            if self.behind.is_none() {
                // Only quotes change anything.
                let Some(next) = memchr(b'"', &bytes[at..]) else {
                    break;
                };
                let quote = at + next;
                let before = match quote {
                    0 => self.last,
                    quote => bytes[quote - 1],
                };
                if self.is_open {
                    self.behind = Some(first + quote as u64);
                } else {
                    self.is_open = before == self.delimiter || matches!(before, b'\n' | b'\r');
                }
                at = quote + 1;
                continue;
            }
            self.after_quote(bytes[at]);
            at += 1;
        }
        if let Some(last) = bytes.last() {
            self.last = *last;
        }
    }

    fn after_quote(&mut self, byte: u8) {
        let Some(quote) = self.behind else { return };
        match byte {
            b'"' if self.is_open => self.behind = None,
            byte if byte == self.delimiter || matches!(byte, b'\n' | b'\r' | 0) => {
                (self.is_open, self.behind) = (false, None);
            }
            // Sloppy, and read as it was meant.
            b' ' | b'\t' => self.is_open = false,
            _ => {
                self.stray.push_back(quote);
                (self.is_open, self.behind) = (false, None);
            }
        }
    }
}

/// The error for a record that goes on beyond the last byte that may be passed on.
#[derive(Debug, thiserror::Error)]
#[error("the record is too long")]
pub(super) struct TooLong;

impl<R> BlankLines<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        Self {
            inner,
            read: 0,
            line_start: 0,
            last_cr: None,
            blank: VecDeque::new(),
            ended: 0,
            until: u64::MAX,
            quotes: Quotes {
                delimiter,
                is_open: false,
                behind: None,
                last: b'\n',
                stray: VecDeque::new(),
            },
        }
    }

    /// How many blank lines stood before the record that was read from byte `start` on. What lies before
    /// `start` (blank lines within quotes) is forgotten.
    pub(super) fn before(&mut self, start: u64) -> u64 {
        while self.blank.front().is_some_and(|&at| at < start) {
            self.blank.pop_front();
        }
        let mut count = 0;
        // The csv crate stops behind the CR of a CR LF, so the first blank line may begin one byte later,
        // and a blank line itself is one byte long or two.
        let (mut from, mut to) = (start, start + 1);
        while self
            .blank
            .front()
            .is_some_and(|&at| (from..=to).contains(&at))
        {
            let at = self.blank.pop_front().unwrap_or(from);
            (from, to) = (at + 1, at + 2);
            count += 1;
        }
        count
    }

    /// Whether a quote that is not doubled stood in the record that ends before byte `end`.
    pub(super) fn has_stray_quote(&mut self, end: u64) -> bool {
        let mut has = false;
        while self.quotes.stray.front().is_some_and(|&at| at < end) {
            self.quotes.stray.pop_front();
            has = true;
        }
        has
    }

    /// No byte behind this one is passed on, until another one is named.
    pub(super) fn until(&mut self, byte: u64) {
        self.until = byte;
    }

    fn note(&mut self, bytes: &[u8]) {
        self.quotes.take(bytes, self.read);
        for index in memchr2_iter(b'\n', b'\r', bytes) {
            let at = self.read + index as u64;
            let second = bytes[index] == b'\n' && at > 0 && self.last_cr == Some(at - 1);
            if !second && at == self.line_start {
                self.blank.push_back(at);
            }
            if bytes[index] == b'\r' {
                self.last_cr = Some(at);
            }
            self.line_start = at + 1;
        }
        self.read += bytes.len() as u64;
    }
}

impl<R: Read> Read for BlankLines<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ended == 0 {
            if self.read > self.until {
                return Err(io::Error::other(TooLong));
            }
            let count = self.inner.read(out)?;
            if count > 0 || out.is_empty() {
                self.note(&out[..count]);
                return Ok(count);
            }
        }
        let rest = &SENTINEL[self.ended.min(SENTINEL.len())..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.ended += count;
        Ok(count)
    }
}
