//! Rejected rows as CSV.

use std::borrow::Cow;
use std::io::Write;

use ::csv::{QuoteStyle, Terminator, WriterBuilder};

use super::encode::Encoded;
use super::{Rejected, kept_columns, unwritable};
use crate::error::{Error, Result};
use crate::outfile::Draft;
use crate::source::{Guards, Layout, MOST_RECORD, MOST_SAID, Table};

/// A CSV laid out like its input.
pub(super) struct CsvFile {
    out: Encoded<Draft>,
    delimiter: u8,
    terminator: Terminator,
    columns: Vec<usize>,
    guarded: Guards,
}

impl CsvFile {
    pub(super) fn start(table: &Table, added: &[&str], out: Draft) -> Result<Self> {
        let Layout::Csv {
            delimiter,
            encoding,
            bom,
            crlf,
            guarded,
            header_row,
            tells_delimiter,
        } = table.layout
        else {
            return Err(Error::machine("the input is no CSV"));
        };
        let mut out = Encoded::new(out, encoding, bom).map_err(unwritable)?;
        let end = if crlf { "\r\n" } else { "\n" };
        // What stood above the headings is left out, its room kept for the mapping's `header_row`.
        for row in 1..header_row.max(1 + u32::from(tells_delimiter)) {
            if row == 1 && tells_delimiter {
                write!(out, "sep={}", char::from(delimiter)).map_err(unwritable)?;
            }
            out.write_all(end.as_bytes()).map_err(unwritable)?;
        }
        let columns = kept_columns(table);
        let mut file = Self {
            out,
            delimiter,
            terminator: match crlf {
                true => Terminator::CRLF,
                false => Terminator::Any(b'\n'),
            },
            columns,
            guarded,
        };
        // Of an input without headings they are letters: the row by which its error file is known.
        let written = table.header.written();
        let headings = file.columns.iter().map(|&at| guarded.on(&written[at]));
        let own = added.iter().map(|name| Cow::Borrowed(*name));
        let fields: Vec<Cow<'_, str>> = headings.chain(own).collect();
        let text = file.record(&fields)?;
        file.out.write_all(&text).map_err(unwritable)?;
        Ok(file)
    }

    /// A record as it is written: whole, so that its length is known before.
    fn record(&self, fields: &[Cow<'_, str>]) -> Result<Vec<u8>> {
        // Before a record a mark would be one of joined files.
        let is_marked = (fields.first()).is_some_and(|first| first.starts_with('\u{feff}'));
        let mut writer = WriterBuilder::new()
            .delimiter(self.delimiter)
            .quote_style(if is_marked {
                QuoteStyle::Always
            } else {
                QuoteStyle::Necessary
            })
            .terminator(self.terminator)
            .from_writer(Vec::new());
        writer
            .write_record(fields.iter().map(|field| field.as_bytes()))
            .map_err(unwritable)?;
        writer
            .into_inner()
            .map_err(|error| unwritable(std::io::Error::other(error.to_string())))
    }

    /// `false` where the row would be longer than one may be that is read.
    pub(super) fn row(&mut self, row: &Rejected<'_>) -> Result<bool> {
        let cells = self.columns.iter().map(|&at| row.record.cell(at).text());
        let cells: Vec<Cow<'_, str>> = cells.collect();
        let extra = row.extra.iter().map(String::as_str);
        let fields = cells.iter().map(AsRef::as_ref).chain(extra);
        let fields: Vec<Cow<'_, str>> = fields.map(|field| self.guarded.on(field)).collect();
        let text = self.record(&fields)?;
        if text.len() > MOST_RECORD + MOST_SAID {
            return Ok(false);
        }
        self.out.write_all(&text).map_err(unwritable)?;
        Ok(true)
    }

    pub(super) fn finish(self) -> Result<Draft> {
        Ok(self.out.into_inner())
    }
}
