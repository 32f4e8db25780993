//! Encodings: which one a file has, whether all of its bytes fit, and its text as UTF-8.

use std::io::{self, Read};

use encoding_rs::{CoderResult, DecoderResult};
use memchr::{memchr, memchr_iter};

use super::bytes::{Bytes, CHUNK, cannot_read, read_full};
use super::charset::{Charset, Decoding, ROOM};
use super::guess::{self, Likely};
use super::marks::{Finder, MARK, WithoutMarks};
use crate::error::{Error, Result};

/// Labels that messages propose.
pub(crate) const LABELS: &str = "utf-8, windows-1252, iso-8859-15, windows-1250, macintosh, cp850, cp437, shift_jis, gb18030, utf-16le";

/// The encoding of a file, and whether it begins with a byte-order mark.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoded {
    pub(super) charset: Charset,
    pub(super) bom: bool,
    /// Whether further marks stand in it: known once it was judged.
    pub(super) has_marks: bool,
}

/// The encoding by the byte-order mark, else the label, else UTF-8.
pub(super) fn find(head: &[u8], label: Option<&str>) -> Result<Encoded> {
    // A mark wins over the label, so that one mapping serves the export as it came and as Excel saved it.
    if let Some(charset) = Charset::of_bom(head) {
        return Ok(Encoded {
            charset,
            bom: true,
            has_marks: false,
        });
    }
    let charset = match label {
        None => Charset::UTF_8,
        Some(label) => Charset::of_label(label).ok_or_else(|| {
            Error::input(format!("there is no encoding `{label}`"))
                .hint(format!("write one of {LABELS}"))
        })?,
    };
    Ok(Encoded {
        charset,
        bom: false,
        has_marks: false,
    })
}

/// Looks at every byte once: all must be text of that encoding; NUL bytes are refused where `nul` says so.
/// The bytes are hashed on the way, and byte-order marks in the middle are found.
pub(super) fn judge(
    bytes: &Bytes,
    encoded: Encoded,
    nul: bool,
    hasher: &mut blake3::Hasher,
) -> Result<Encoded> {
    let mut reader = bytes.reader()?;
    let mut chunk = vec![0; CHUNK];
    let mut judge = Judge::new(encoded, nul);
    let mut is_first = true;
    loop {
        let count =
            read_full(&mut reader, &mut chunk).map_err(|error| cannot_read(&bytes.named, error))?;
        hasher.update(&chunk[..count]);
        let last = count < chunk.len();
        if let Some(bad) = judge.chunk(&chunk[..count], last) {
            return Err(bad.error(encoded, bytes)?.at(&bytes.named));
        }
        if encoded.charset.is_utf8() {
            let from = if is_first && encoded.bom {
                MARK.len()
            } else {
                0
            };
            judge.marks.take(&chunk[from.min(count)..count]);
            is_first = false;
        }
        if last {
            return Ok(Encoded {
                has_marks: judge.marks.found,
                ..encoded
            });
        }
    }
}

/// A byte that cannot stay.
struct Bad {
    nul: bool,
    /// Counted from 0.
    position: u64,
    line: u64,
    value: Option<u8>,
}

impl Bad {
    fn error(&self, encoded: Encoded, bytes: &Bytes) -> Result<Error> {
        let place = format!("at byte {} (line {})", self.position + 1, self.line);
        let guess = match encoded.bom {
            true => None,
            false => guess::guess(bytes)?,
        };
        if self.nul {
            let hint = match guess.filter(|guess| guess.charset.is_utf16()) {
                Some(guess) => proposal(&guess),
                None => "the file is damaged: export it again".to_owned(),
            };
            return Ok(Error::input(format!("has a NUL byte {place}")).hint(hint));
        }
        let value = self
            .value
            .map_or(String::new(), |value| format!(" 0x{value:02X}"));
        let error = Error::input(format!(
            "is not {}: the byte{value} {place} does not fit",
            encoded.charset.name()
        ));
        Ok(error.hint(match guess {
            Some(guess) => proposal(&guess),
            None => {
                "save the file as UTF-8, or name its encoding in [input] of the mapping".to_owned()
            }
        }))
    }
}

/// What to do about a file that is in another encoding.
fn proposal(guess: &Likely) -> String {
    let label = guess.charset.label();
    let what = guess.told();
    match &guess.mixed {
        Some(_) if label == "windows-1252" => format!(
            "the file {what}: export it again as UTF-8, or add encoding = \"windows-1252\" to [input] of the mapping and repair = \"utf8-read-as-1252\" to the fields"
        ),
        Some(_) => format!("the file {what}: export it again as UTF-8"),
        None => format!("{what}: add encoding = \"{label}\" to [input] of the mapping"),
    }
}

struct Judge {
    decoder: Option<Decoding>,
    scratch: Vec<u8>,
    carry: Vec<u8>,
    nul: bool,
    read: u64,
    line: u64,
    marks: Finder,
}

impl Judge {
    fn new(encoded: Encoded, nul: bool) -> Self {
        let decoder = (!encoded.charset.is_utf8()).then(|| encoded.charset.decoder());
        Self {
            scratch: if decoder.is_some() {
                vec![0; CHUNK]
            } else {
                Vec::new()
            },
            decoder,
            carry: Vec::new(),
            nul,
            read: 0,
            line: 1,
            marks: Finder::default(),
        }
    }

    fn chunk(&mut self, chunk: &[u8], last: bool) -> Option<Bad> {
        if self.decoder.is_some() {
            self.decode(chunk, last)
        } else {
            self.utf8(chunk, last)
        }
    }

    /// UTF-8 needs no decoding; a character cut by the chunk's end is carried over.
    fn utf8(&mut self, chunk: &[u8], last: bool) -> Option<Bad> {
        if self.nul
            && let Some(at) = memchr(0, chunk)
        {
            return Some(self.bad(chunk, at, true));
        }
        let mut start = 0;
        if !self.carry.is_empty() {
            let carried = self.carry.len();
            // The longest character has four bytes, so three more always decide.
            let mut whole = self.carry.clone();
            whole.extend_from_slice(&chunk[..chunk.len().min(3)]);
            let valid = match std::str::from_utf8(&whole) {
                Ok(_) => whole.len(),
                Err(error) => error.valid_up_to(),
            };
            if valid < carried {
                let mut bad = self.bad(chunk, 0, false);
                bad.position = self.read - carried as u64;
                bad.value = self.carry.first().copied();
                return Some(bad);
            }
            start = valid - carried;
            self.carry.clear();
        }
        if let Err(error) = std::str::from_utf8(&chunk[start..]) {
            let at = start + error.valid_up_to();
            if error.error_len().is_some() || last {
                return Some(self.bad(chunk, at, false));
            }
            self.carry.extend_from_slice(&chunk[at..]);
        }
        self.read += chunk.len() as u64;
        self.line += memchr_iter(b'\n', chunk).count() as u64;
        None
    }

    fn bad(&self, chunk: &[u8], at: usize, nul: bool) -> Bad {
        Bad {
            nul,
            position: self.read + at as u64,
            line: self.line + memchr_iter(b'\n', &chunk[..at]).count() as u64,
            value: chunk.get(at).copied(),
        }
    }

    fn decode(&mut self, chunk: &[u8], last: bool) -> Option<Bad> {
        let decoder = self.decoder.as_mut()?;
        let mut used = 0;
        loop {
            let (result, read, written) = decoder.strictly(&chunk[used..], &mut self.scratch, last);
            used += read;
            let text = &self.scratch[..written];
            if self.nul
                && let Some(at) = memchr(0, text)
            {
                let line = self.line + memchr_iter(b'\n', &text[..at]).count() as u64;
                // A decoded position says too little: the NUL is the first one among the chunk's characters.
                let offset = used.saturating_sub(read) + at.min(read);
                return Some(Bad {
                    nul: true,
                    position: self.read + offset as u64,
                    line,
                    value: None,
                });
            }
            self.line += memchr_iter(b'\n', text).count() as u64;
            self.marks.take(text);
            match result {
                DecoderResult::InputEmpty => {
                    self.read += chunk.len() as u64;
                    return None;
                }
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(length, after) => {
                    let back = u64::from(length) + u64::from(after);
                    let position = (self.read + used as u64).saturating_sub(back);
                    let offset = used.saturating_sub(back as usize);
                    return Some(Bad {
                        nul: false,
                        position,
                        line: self.line,
                        value: chunk.get(offset).copied(),
                    });
                }
            }
        }
    }
}

/// The text of a file as UTF-8, without its byte-order mark.
pub(super) fn reader(bytes: &Bytes, encoded: Encoded) -> Result<Box<dyn Read + Send>> {
    let mut reader = bytes.reader()?;
    if encoded.charset.is_utf8() {
        if encoded.bom {
            let mut mark = [0; 3];
            read_full(&mut reader, &mut mark).map_err(|error| cannot_read(&bytes.named, error))?;
        }
        return Ok(reader);
    }
    Ok(Box::new(Decoded::new(reader, encoded.charset)))
}

/// The same without the byte-order marks that joined files have in the middle.
pub(super) fn records_reader(bytes: &Bytes, encoded: Encoded) -> Result<Box<dyn Read + Send>> {
    let reader = reader(bytes, encoded)?;
    Ok(match encoded.has_marks {
        true => Box::new(WithoutMarks::new(reader)),
        false => reader,
    })
}

/// A reader that turns another encoding into UTF-8; what does not fit was found before.
struct Decoded<R> {
    reader: R,
    decoder: Decoding,
    input: Vec<u8>,
    start: usize,
    end: usize,
    last: bool,
    over: bool,
    /// What was decoded and had no room: callers fill the last bytes of their buffers one by one.
    kept: [u8; ROOM],
    kept_from: usize,
    kept_to: usize,
}

impl<R: Read> Decoded<R> {
    fn new(reader: R, charset: Charset) -> Self {
        Self {
            reader,
            decoder: charset.decoder(),
            input: vec![0; CHUNK / 4],
            start: 0,
            end: 0,
            last: false,
            over: false,
            kept: [0; ROOM],
            kept_from: 0,
            kept_to: 0,
        }
    }

    /// Decodes into a buffer that has room for what any decoder writes at once; 0 bytes are the end.
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.over {
            if self.start == self.end && !self.last {
                self.end = read_full(&mut self.reader, &mut self.input)?;
                self.start = 0;
                self.last = self.end < self.input.len();
            }
            let input = &self.input[self.start..self.end];
            let (result, read, written) = self.decoder.leniently(input, out, self.last);
            self.start += read;
            self.over = self.last && result == CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.kept_from == self.kept_to {
            if out.len() >= ROOM {
                return self.decode(out);
            }
            if out.is_empty() {
                return Ok(0);
            }
            let mut kept = [0; ROOM];
            self.kept_to = self.decode(&mut kept)?;
            (self.kept, self.kept_from) = (kept, 0);
        }
        let count = out.len().min(self.kept_to - self.kept_from);
        out[..count].copy_from_slice(&self.kept[self.kept_from..self.kept_from + count]);
        self.kept_from += count;
        Ok(count)
    }
}

#[cfg(test)]
#[path = "encoding_tests.rs"]
mod tests;
