//! Tables as CSV: UTF-8 with a byte-order mark and CR LF, as spreadsheet programs want it.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};

use ::csv::{QuoteStyle, Terminator, Writer, WriterBuilder};
use tempfile::TempPath;

use super::target::Target;
use super::unwritable;
use crate::error::Result;
use crate::export::columns::{Cell, Column, Plan};
use crate::record::Cell as Plain;
use crate::source::guard::guard;

/// How much is written at once.
const BUFFER: usize = 256 * 1024;

/// A CSV on its way. It can be closed and opened again: there may be more of them than files that a program may have open.
pub(super) struct CsvFile {
    pub(super) target: Target,
    path: TempPath,
    open: Option<Writer<BufWriter<File>>>,
    raw: bool,
    text: String,
}

impl CsvFile {
    /// Writes the headings.
    pub(super) fn start<'h>(
        target: Target,
        raw: bool,
        headings: impl Iterator<Item = &'h str>,
    ) -> Result<Self> {
        let (file, path) = target.temporary()?.into_parts();
        let mut out = BufWriter::with_capacity(BUFFER, file);
        out.write_all("\u{feff}".as_bytes()).map_err(unwritable)?;
        let mut csv = Self {
            target,
            path,
            open: Some(writer(out)),
            raw,
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
        if let Some(mut writer) = self.open.take() {
            writer.flush().map_err(unwritable)?;
        }
        Ok(())
    }

    fn writer(&mut self) -> Result<&mut Writer<BufWriter<File>>> {
        if self.open.is_none() {
            let file = OpenOptions::new()
                .append(true)
                .open(&self.path)
                .map_err(unwritable)?;
            self.open = Some(writer(BufWriter::with_capacity(BUFFER, file)));
        }
        self.open
            .as_mut()
            .ok_or_else(|| unwritable(std::io::Error::other("it is closed")))
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
        self.writer()?.write_field(&*text).map_err(unwritable)
    }

    /// Writes the next cell.
    pub(super) fn cell(
        &mut self,
        cell: &Cell<'_>,
        plan: &Plan,
        column: Option<usize>,
    ) -> Result<()> {
        match cell {
            Cell::Empty => self.writer()?.write_field("").map_err(unwritable),
            Cell::Text(text) | Cell::Link { text, .. } => self.field(text),
            Cell::Truth(truth) => self.field(if *truth { "true" } else { "false" }),
            Cell::Number(number) => {
                let shown = column.and_then(|at| Column::number_text(&plan.columns()[at], *number));
                let shown = shown.unwrap_or_else(|| Plain::Number(*number).text().into_owned());
                // A number is nothing that runs, whatever sign it begins with.
                self.writer()?.write_field(shown).map_err(unwritable)
            }
            Cell::Time(at) => {
                let mut text = std::mem::take(&mut self.text);
                text.clear();
                plan.time_text(column, *at, &mut text);
                let written = self.field(&text);
                self.text = text;
                written
            }
        }
    }

    /// Ends the row.
    pub(super) fn end(&mut self) -> Result<()> {
        self.writer()?
            .write_record(None::<&[u8]>)
            .map_err(unwritable)
    }

    /// The file, whole.
    pub(super) fn finish(mut self) -> Result<(Target, TempPath)> {
        self.close()?;
        Ok((self.target, self.path))
    }
}

fn writer(out: BufWriter<File>) -> Writer<BufWriter<File>> {
    WriterBuilder::new()
        .quote_style(QuoteStyle::Necessary)
        .terminator(Terminator::CRLF)
        .flexible(true)
        .from_writer(out)
}
