//! Encodings: which one a file has, whether all of its bytes fit, and its text as UTF-8.

use std::io::{self, Read};

use encoding_rs::{
    CoderResult, Decoder, DecoderResult, Encoding, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE,
};
use memchr::{memchr, memchr_iter};

use super::bytes::{Bytes, CHUNK, cannot_read, read_full};
use crate::error::{Error, Result};

/// The encoding of a file, and whether it begins with a byte-order mark.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoded {
    pub(super) encoding: &'static Encoding,
    pub(super) bom: bool,
}

/// The encoding by the byte-order mark, else the label, else UTF-8.
pub(super) fn find(head: &[u8], label: Option<&str>) -> Result<Encoded> {
    // A mark wins over the label, so that one mapping serves the export as it came and as Excel saved it.
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok(Encoded {
            encoding,
            bom: true,
        });
    }
    let encoding = match label {
        None => UTF_8,
        Some(label) => Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| {
            Error::input(format!("there is no encoding `{label}`")).hint(
                "write one of utf-8, windows-1252, iso-8859-15, windows-1250, shift_jis, gb18030, utf-16le",
            )
        })?,
    };
    Ok(Encoded {
        encoding,
        bom: false,
    })
}

/// Looks at every byte once: all must be text of that encoding; NUL bytes are refused where `nul` says so.
/// The bytes are hashed on the way.
pub(super) fn judge(
    bytes: &Bytes,
    encoded: Encoded,
    nul: bool,
    hasher: &mut blake3::Hasher,
) -> Result<()> {
    let mut reader = bytes.reader()?;
    let mut chunk = vec![0; CHUNK];
    let mut judge = Judge::new(encoded, nul);
    loop {
        let count =
            read_full(&mut reader, &mut chunk).map_err(|error| cannot_read(&bytes.named, error))?;
        hasher.update(&chunk[..count]);
        let last = count < chunk.len();
        if let Some(bad) = judge.chunk(&chunk[..count], last) {
            return Err(bad
                .error(encoded.encoding, &chunk[..count])
                .at(&bytes.named));
        }
        if last {
            return Ok(());
        }
    }
}

/// The encoding that the bytes around the first one that is no UTF-8 look like.
pub(super) fn likely(bytes: &Bytes) -> Result<Option<&'static str>> {
    let mut reader = bytes.reader()?;
    let mut chunk = vec![0; CHUNK];
    let utf8 = Encoded {
        encoding: UTF_8,
        bom: false,
    };
    let mut judge = Judge::new(utf8, true);
    loop {
        let count =
            read_full(&mut reader, &mut chunk).map_err(|error| cannot_read(&bytes.named, error))?;
        let last = count < chunk.len();
        if let Some(bad) = judge.chunk(&chunk[..count], last) {
            return Ok(guess(bad.around(&chunk[..count])).filter(|_| !bad.nul));
        }
        if last {
            return Ok(None);
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
    /// Where in the chunk it stands.
    offset: usize,
}

impl Bad {
    /// What stands near it.
    fn around<'c>(&self, chunk: &'c [u8]) -> &'c [u8] {
        let start = self.offset.saturating_sub(2048);
        &chunk[start..chunk.len().min(self.offset + 2048)]
    }

    fn error(&self, encoding: &'static Encoding, chunk: &[u8]) -> Error {
        let place = format!("at byte {} (line {})", self.position + 1, self.line);
        if self.nul {
            return Error::input(format!("has a NUL byte {place}")).hint(
                "the file is damaged, or UTF-16 without a byte-order mark (then add encoding = \"utf-16le\" to [input])",
            );
        }
        let value = self
            .value
            .map_or(String::new(), |value| format!(" 0x{value:02X}"));
        let error = Error::input(format!(
            "is not {}: the byte{value} {place} does not fit",
            encoding.name()
        ));
        error.hint(match guess(self.around(chunk)) {
            Some(label) => {
                format!("looks like {label}: add encoding = \"{label}\" to [input] of the mapping")
            }
            None => {
                "save the file as UTF-8, or name its encoding in [input] of the mapping".to_owned()
            }
        })
    }
}

struct Judge {
    decoder: Option<Decoder>,
    scratch: Vec<u8>,
    carry: Vec<u8>,
    nul: bool,
    read: u64,
    line: u64,
}

impl Judge {
    fn new(encoded: Encoded, nul: bool) -> Self {
        let decoder =
            (encoded.encoding != UTF_8).then(|| encoded.encoding.new_decoder_with_bom_removal());
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
            offset: at,
        }
    }

    fn decode(&mut self, chunk: &[u8], last: bool) -> Option<Bad> {
        let decoder = self.decoder.as_mut()?;
        let mut used = 0;
        loop {
            let (result, read, written) =
                decoder.decode_to_utf8_without_replacement(&chunk[used..], &mut self.scratch, last);
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
                    offset,
                });
            }
            self.line += memchr_iter(b'\n', text).count() as u64;
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
                        offset,
                    });
                }
            }
        }
    }
}

/// The likely encoding of bytes that are not UTF-8.
fn guess(sample: &[u8]) -> Option<&'static str> {
    let zeros = memchr_iter(0, sample).count();
    if zeros > sample.len() / 4 {
        let odd = memchr_iter(0, sample).filter(|at| at % 2 == 1).count();
        return Some(if odd * 2 > zeros {
            "utf-16le"
        } else {
            "utf-16be"
        });
    }
    let high = sample.iter().filter(|&&byte| byte >= 0x80).count();
    if high * 5 > sample.len() * 2 {
        let (text, _, malformed) = SHIFT_JIS.decode(sample);
        let kana = text
            .chars()
            .filter(|c| ('\u{3040}'..='\u{30ff}').contains(c))
            .count();
        return (!malformed && kana > 0).then_some("shift_jis");
    }
    // Windows-1252 leaves five bytes undefined: text that holds one of them is something else.
    let undefined = sample
        .iter()
        .any(|byte| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d));
    (!undefined).then_some("windows-1252")
}

/// The text of a file as UTF-8, without its byte-order mark.
pub(super) fn reader(bytes: &Bytes, encoded: Encoded) -> Result<Box<dyn Read + Send>> {
    let mut reader = bytes.reader()?;
    if encoded.encoding == UTF_8 {
        if encoded.bom {
            let mut mark = [0; 3];
            read_full(&mut reader, &mut mark).map_err(|error| cannot_read(&bytes.named, error))?;
        }
        return Ok(reader);
    }
    Ok(Box::new(Decoded {
        reader,
        decoder: encoded.encoding.new_decoder_with_bom_removal(),
        input: vec![0; CHUNK / 4],
        start: 0,
        end: 0,
        last: false,
        over: false,
    }))
}

/// The first bytes as text, whatever they hold.
pub(super) fn head_text(head: &[u8], encoded: Encoded) -> String {
    let (text, _) = encoded.encoding.decode_with_bom_removal(head);
    text.into_owned()
}

/// Whether an encoding is one of the two that `encoding_rs` only reads.
pub(super) fn is_utf16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// A reader that turns another encoding into UTF-8; what does not fit was found before.
struct Decoded {
    reader: Box<dyn Read + Send>,
    decoder: Decoder,
    input: Vec<u8>,
    start: usize,
    end: usize,
    last: bool,
    over: bool,
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // A decoder may need four bytes of room to make progress; the callers' buffers are far larger.
        while !self.over && !out.is_empty() {
            if self.start == self.end && !self.last {
                self.end = read_full(&mut self.reader, &mut self.input)?;
                self.start = 0;
                self.last = self.end < self.input.len();
            }
            let (result, read, written, _) =
                self.decoder
                    .decode_to_utf8(&self.input[self.start..self.end], out, self.last);
            self.start += read;
            self.over = self.last && result == CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
            if result == CoderResult::OutputFull {
                return Err(io::Error::other(
                    "the buffer is too small for one character",
                ));
            }
        }
        Ok(0)
    }
}
