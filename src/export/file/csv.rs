//! Tables as CSV: UTF-8 with a byte-order mark and CR LF, as spreadsheet programs want it.

use std::borrow::Cow;
use std::io::Write;

use super::target::Target;
use super::unwritable;
use crate::error::Result;
use crate::export::columns::{Cell, Column, Plan};
use crate::outfile::{Draft, Whole};
use crate::record::Cell as Plain;
use crate::source::guard::guard;

/// A CSV on its way. It can be closed and opened again: there may be more of them than files that a program may have open.
pub(super) struct CsvFile {
    pub(super) target: Target,
    out: Draft,
    raw: bool,
    row: Row,
    text: String,
}

impl CsvFile {
    /// Writes the headings.
    pub(super) fn start<'h>(
        target: Target,
        raw: bool,
        headings: impl Iterator<Item = &'h str>,
    ) -> Result<Self> {
        let mut out = target.draft()?;
        out.write_all("\u{feff}".as_bytes()).map_err(unwritable)?;
        let mut csv = Self {
            target,
            out,
            raw,
            row: Row::default(),
            text: String::new(),
        };
        for heading in headings {
            csv.field(heading)?;
        }
        csv.end()?;
        Ok(csv)
    }

    /// Lets the file go until the next row.
    pub(super) fn close(&mut self) -> Result<()> {
        self.out.rest().map_err(unwritable)
    }

    /// Writes the next cell as it is to be read.
    pub(super) fn field(&mut self, text: &str) -> Result<()> {
        // No program takes this byte for text.
        let text = match memchr::memchr(0, text.as_bytes()) {
            None => Cow::Borrowed(text),
            Some(_) => Cow::Owned(text.replace('\0', "\u{fffd}")),
        };
        let text = match self.raw {
            true => text,
            false => match guard(&text) {
                Cow::Owned(guarded) => Cow::Owned(guarded),
                Cow::Borrowed(_) => text,
            },
        };
        self.row.field(&text);
        Ok(())
    }

    /// Writes the next cell.
    pub(super) fn cell(
        &mut self,
        cell: &Cell<'_>,
        plan: &Plan,
        column: Option<usize>,
    ) -> Result<()> {
        match cell {
            Cell::Empty => self.row.field(""),
            Cell::Text(text) | Cell::Link { text, .. } => self.field(text)?,
            Cell::Formatted(shown) => self.field(&shown.text)?,
            Cell::Truth(truth) => self.row.field(if *truth { "true" } else { "false" }),
            Cell::Number(number) => {
                let shown = column.and_then(|at| Column::number_text(&plan.columns()[at], *number));
                let shown = shown.unwrap_or_else(|| Plain::Number(*number).text().into_owned());
                // A number is nothing that runs, whatever sign it begins with.
                self.row.field(&shown);
            }
            Cell::Time(at) => {
                let mut text = std::mem::take(&mut self.text);
                text.clear();
                plan.time_text(column, *at, &mut text);
                let written = self.field(&text);
                self.text = text;
                written?;
            }
        }
        Ok(())
    }

    /// Ends the row.
    pub(super) fn end(&mut self) -> Result<()> {
        let mut row = std::mem::take(&mut self.row);
        let written = self.out.write_all(row.ended()).map_err(unwritable);
        row.clear();
        self.row = row;
        written
    }

    /// The file, whole.
    pub(super) fn finish(self) -> Result<(Target, Whole)> {
        Ok((self.target, self.out.whole().map_err(unwritable)?))
    }
}

/// A row on its way.
#[derive(Debug, Default)]
struct Row {
    bytes: Vec<u8>,
    fields: usize,
}

impl Row {
    /// Adds a field. What another program may take for the end of one is in quotes too: who opens the file with `;` or
    /// tabs for separators must not get a cell out of the middle of a text.
    fn field(&mut self, text: &str) {
        if self.fields > 0 {
            self.bytes.push(b',');
        }
        self.fields += 1;
        let parts = |byte: u8| matches!(byte, b',' | b'"' | b'\r' | b'\n' | b';' | b'\t');
        if !text.bytes().any(parts) {
            return self.bytes.extend_from_slice(text.as_bytes());
        }
        self.bytes.push(b'"');
        let mut rest = text.as_bytes();
        while let Some(at) = memchr::memchr(b'"', rest) {
            self.bytes.extend_from_slice(&rest[..=at]);
            self.bytes.push(b'"');
            rest = &rest[at + 1..];
        }
        self.bytes.extend_from_slice(rest);
        self.bytes.push(b'"');
    }

    /// The whole line.
    fn ended(&mut self) -> &[u8] {
        // An empty line would be no row.
        if self.fields == 1 && self.bytes.is_empty() {
            self.bytes.extend_from_slice(b"\"\"");
        }
        self.bytes.extend_from_slice(b"\r\n");
        &self.bytes
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.fields = 0;
    }
}
