//! Rejected rows as CSV.

use std::borrow::Cow;
use std::io::Write;

use ::csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use super::encode::Encoded;
use super::{COLUMNS, Rejected, kept_columns, unwritable};
use crate::error::{Error, Result};
use crate::outfile::Draft;
use crate::source::{Guards, Layout, Table};

/// A CSV laid out like its input.
pub(super) struct CsvFile {
    writer: Writer<Encoded<Draft>>,
    columns: Vec<usize>,
    guarded: Guards,
}

impl CsvFile {
    pub(super) fn start(table: &Table, out: Draft) -> Result<Self> {
        let Layout::Csv {
            delimiter,
            encoding,
            bom,
            crlf,
            guarded,
            header_row,
        } = table.layout
        else {
            return Err(Error::machine("the input is no CSV"));
        };
        let mut out = Encoded::new(out, encoding, bom).map_err(unwritable)?;
        let end = if crlf { "\r\n" } else { "\n" };
        // What stood above the headings is left out, its room kept for the mapping's `header_row`.
        for _ in 1..header_row {
            out.write_all(end.as_bytes()).map_err(unwritable)?;
        }
        let columns = kept_columns(table);
        let mut writer = WriterBuilder::new()
            .delimiter(delimiter)
            .quote_style(QuoteStyle::Necessary)
            .terminator(if crlf {
                Terminator::CRLF
            } else {
                Terminator::Any(b'\n')
            })
            .flexible(true)
            .from_writer(out);
        if header_row > 0 {
            let written = table.header.written();
            let headings = columns.iter().map(|&column| guarded.on(&written[column]));
            let own = COLUMNS.iter().map(|name| Cow::Borrowed(*name));
            writer
                .write_record(headings.chain(own).map(Cow::into_owned))
                .map_err(unwritable)?;
        }
        Ok(Self {
            writer,
            columns,
            guarded,
        })
    }

    pub(super) fn row(&mut self, row: &Rejected<'_>) -> Result<()> {
        for &column in &self.columns {
            let text = row.record.cell(column).text();
            self.writer
                .write_field(&*self.guarded.on(&text))
                .map_err(unwritable)?;
        }
        let extra = row.extra.iter().map(|text| self.guarded.on(text));
        self.writer
            .write_record(extra.map(Cow::into_owned))
            .map_err(unwritable)
    }

    pub(super) fn finish(self) -> Result<Draft> {
        let out = self
            .writer
            .into_inner()
            .map_err(|error| unwritable(std::io::Error::other(error.to_string())))?;
        Ok(out.into_inner())
    }
}
