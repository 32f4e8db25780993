//! Text into the encoding of the input.

use std::io::{self, Write};

use encoding_rs::{EncoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// A writer that takes UTF-8 and writes another encoding. A character that it does not have becomes `?`: only
/// our own messages can hold one, the cells came from that encoding.
pub(super) struct Encoded<W> {
    out: W,
    encoding: &'static Encoding,
    pending: Vec<u8>,
}

impl<W: Write> Encoded<W> {
    pub(super) fn new(out: W, encoding: &'static Encoding, bom: bool) -> io::Result<Self> {
        let mut encoded = Self {
            out,
            encoding,
            pending: Vec::new(),
        };
        if bom {
            encoded.write_all("\u{feff}".as_bytes())?;
        }
        Ok(encoded)
    }

    /// The writer beneath.
    pub(super) fn into_inner(self) -> W {
        self.out
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        if self.encoding == UTF_16LE || self.encoding == UTF_16BE {
            let little = self.encoding == UTF_16LE;
            let bytes: Vec<u8> = text
                .encode_utf16()
                .flat_map(|unit| match little {
                    true => unit.to_le_bytes(),
                    false => unit.to_be_bytes(),
                })
                .collect();
            return self.out.write_all(&bytes);
        }
        let mut encoder = self.encoding.new_encoder();
        let mut rest = text;
        let mut buffer = Vec::with_capacity(text.len() + 32);
        loop {
            let (result, read) =
                encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut buffer, true);
            rest = &rest[read..];
            match result {
                EncoderResult::InputEmpty => return self.out.write_all(&buffer),
                EncoderResult::OutputFull => buffer.reserve(buffer.capacity().max(64)),
                EncoderResult::Unmappable(_) => buffer.push(b'?'),
            }
        }
    }
}

impl<W: Write> Write for Encoded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.encoding == UTF_8 {
            return self.out.write(bytes);
        }
        // The caller's buffer may end within a character.
        let mut whole = std::mem::take(&mut self.pending);
        whole.extend_from_slice(bytes);
        let valid = match std::str::from_utf8(&whole) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        self.pending = whole.split_off(valid);
        let text = String::from_utf8(whole).map_err(io::Error::other)?;
        self.text(&text)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
