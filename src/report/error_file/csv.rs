//! Rejected rows as CSV.

use std::borrow::Cow;
use std::io::Write;

use super::encode::Encoded;
use super::{Rejected, kept_columns, unwritable};
use crate::error::{Error, Result};
use crate::outfile::Draft;
use crate::source::{Guards, Layout, MOST_RECORD, MOST_SAID, Table};

/// A CSV laid out like its input.
pub(super) struct CsvFile {
    out: Encoded<Draft>,
    delimiter: char,
    end: &'static str,
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
            delimiter: char::from(delimiter),
            end,
            columns,
            guarded,
        };
        // Of an input without headings they are letters: the row by which its error file is known.
        let written = table.header.written();
        let headings = file.columns.iter().map(|&at| guarded.on(&written[at]));
        let own = added.iter().map(|name| Cow::Borrowed(*name));
        let text = file.text(headings.chain(own));
        file.out.write_all(text.as_bytes()).map_err(unwritable)?;
        Ok(file)
    }

    /// A record as it is written.
    fn text<'t>(&self, fields: impl Iterator<Item = Cow<'t, str>>) -> String {
        let mut text = String::new();
        for (at, field) in fields.enumerate() {
            if at > 0 {
                text.push(self.delimiter);
            }
            let is_special =
                |sign: char| matches!(sign, '"' | '\r' | '\n') || sign == self.delimiter;
            // Before a record a mark would be one of joined files.
            match field.contains(is_special) || (at == 0 && field.starts_with('\u{feff}')) {
                true => {
                    text.push('"');
                    text.push_str(&field.replace('"', "\"\""));
                    text.push('"');
                }
                false => text.push_str(&field),
            }
        }
        text.push_str(self.end);
        text
    }

    /// `false` where the row would be longer than one may be that is read.
    pub(super) fn row(&mut self, row: &Rejected<'_>) -> Result<bool> {
        let cells = self.columns.iter().map(|&at| row.record.cell(at).text());
        let cells: Vec<Cow<'_, str>> = cells.collect();
        let extra = row.extra.iter().map(String::as_str);
        let fields = cells.iter().map(AsRef::as_ref).chain(extra);
        let text = self.text(fields.map(|field| self.guarded.on(field)));
        if text.len() > MOST_RECORD + MOST_SAID {
            return Ok(false);
        }
        self.out.write_all(text.as_bytes()).map_err(unwritable)?;
        Ok(true)
    }

    pub(super) fn finish(self) -> Result<Draft> {
        Ok(self.out.into_inner())
    }
}
