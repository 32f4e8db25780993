//! A delimited text once more, with fields added at the ends of its records.

use std::borrow::Cow;
use std::io::{Read, Write};

use super::{CsvPlan, Records};
use crate::error::Result;
use crate::source::Table;
use crate::source::bytes::{Bytes, cannot_read, changed};
use crate::source::copy::{Beside, unwritable};
use crate::source::encoding;

impl CsvPlan {
    /// Copies the text byte for byte, and adds fields behind each row of the table, in the columns behind the last heading.
    pub(in crate::source) fn copy(
        &self,
        bytes: &Bytes,
        (index, table): (usize, &Table),
        beside: &mut Beside<'_>,
        mut out: &mut dyn Write,
    ) -> Result<()> {
        let mut records = Records::open(bytes, self.encoded, self.delimiter)?;
        let mut text = encoding::records_reader(bytes, self.encoded)?;
        let charset = self.encoded.charset;
        let mut put = |text: &[u8]| -> Result<()> {
            let text = std::str::from_utf8(text).map_err(|_| changed(&bytes.named))?;
            match charset.is_utf8() {
                true => out.write_all(text.as_bytes()),
                false => charset.write(text, &mut out),
            }
            .map_err(unwritable)
        };
        if self.encoded.bom {
            put("\u{feff}".as_bytes())?;
        }
        let width = table.header.len();
        let (mut at, mut raw) = (0, Vec::new());
        while records.next()? {
            let end = records.reader.position().byte();
            raw.clear();
            let failed = |error| cannot_read(&bytes.named, error);
            let mut record = text.by_ref().take(end - at);
            record.read_to_end(&mut raw).map_err(failed)?;
            at = end;
            let added = match records.row {
                // Within the quote that was never closed they would be a part of its text.
                _ if records.unclosed => None,
                row if row == self.header_row => Some(beside.headings()),
                row if row <= self.skipped || records.is_blank() => None,
                row => beside.of(index, row)?,
            };
            let Some(added) = added else {
                put(&raw)?;
                continue;
            };
            let body = raw.strip_suffix(b"\n").unwrap_or(&raw);
            let body = body.strip_suffix(b"\r").unwrap_or(body);
            put(body)?;
            let mark = char::from(self.delimiter);
            let missing = width.saturating_sub(records.record.len());
            let mut fields = mark.to_string().repeat(missing);
            for cell in added {
                fields.push(mark);
                fields.push_str(&self.field(&self.guarded.on(&cell)));
            }
            put(fields.as_bytes())?;
            put(&raw[body.len()..])?;
        }
        raw.clear();
        text.read_to_end(&mut raw)
            .map_err(|error| cannot_read(&bytes.named, error))?;
        put(&raw)
    }

    /// A text as a field.
    fn field<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let is_special = |byte: u8| matches!(byte, b'"' | b'\n' | b'\r') || byte == self.delimiter;
        match text.bytes().any(is_special) {
            true => Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))),
            false => Cow::Borrowed(text),
        }
    }
}
