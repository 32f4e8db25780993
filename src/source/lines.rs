//! Blank lines between the records of a CSV: the csv crate passes over them, a spreadsheet program counts them.

use std::collections::VecDeque;
use std::io::{self, Read};

use memchr::memchr2_iter;

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
}

/// The error for a record that goes on beyond the last byte that may be passed on.
#[derive(Debug, thiserror::Error)]
#[error("the record is too long")]
pub(super) struct TooLong;

impl<R> BlankLines<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            read: 0,
            line_start: 0,
            last_cr: None,
            blank: VecDeque::new(),
            ended: 0,
            until: u64::MAX,
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

    /// No byte behind this one is passed on, until another one is named.
    pub(super) fn until(&mut self, byte: u64) {
        self.until = byte;
    }

    fn note(&mut self, bytes: &[u8]) {
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
