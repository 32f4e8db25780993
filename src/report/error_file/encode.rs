//! Text into the encoding of the input.

use std::io::{self, Write};

use crate::source::Charset;

/// A writer that takes UTF-8 and writes another encoding. A character that it does not have becomes `?`: only
/// our own messages can hold one, the cells came from that encoding.
pub(super) struct Encoded<W> {
    out: W,
    encoding: Charset,
    pending: Vec<u8>,
}

impl<W: Write> Encoded<W> {
    pub(super) fn new(out: W, encoding: Charset, bom: bool) -> io::Result<Self> {
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
}

impl<W: Write> Write for Encoded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.encoding.is_utf8() {
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
        self.encoding.write(&text, &mut self.out)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
