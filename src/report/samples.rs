//! The first payloads of a dry run, side by side with the rows that they are made of.

use std::borrow::Cow;
use std::sync::Arc;

use console::{measure_text_width, pad_str, truncate_str};

use crate::event::{End, RowEnd};
use crate::record::{Header, Record};
use crate::source::Table;
use crate::systems::StepPayload;
use crate::unicode::{is_control, shown};

/// How wide a page is where the terminal does not say.
const WIDTH: usize = 110;
/// The widest that is used.
const WIDEST: usize = 180;
/// The longest list of rows of a group that is shown.
const ROWS_SHOWN: usize = 3;

/// The first so many records that would be sent.
#[derive(Debug)]
pub struct Samples {
    most: usize,
    headers: Vec<Arc<Header>>,
    blocks: Vec<Block>,
}

#[derive(Debug)]
struct Block {
    title: String,
    /// Heading and value of each filled cell.
    cells: Vec<(String, String)>,
    payload: Vec<String>,
}

impl Samples {
    /// At most so many; the tables give the headings.
    pub fn new(most: usize, tables: &[Table]) -> Self {
        Self {
            most,
            headers: tables
                .iter()
                .map(|table| Arc::clone(&table.header))
                .collect(),
            blocks: Vec::new(),
        }
    }

    /// Keeps a record, if it is one of the first that would be sent.
    pub fn add(&mut self, row: &RowEnd) {
        let End::Ready { payloads, .. } = &row.end else {
            return;
        };
        if self.blocks.len() >= self.most || payloads.is_empty() {
            return;
        }
        self.blocks.push(Block {
            title: row.place.to_string(),
            cells: self.cells(&row.rows),
            payload: payloads.iter().flat_map(payload_lines).collect(),
        });
    }

    /// The blocks as text, or nothing.
    pub fn render(&self, terminal: Option<usize>) -> String {
        let width = terminal.unwrap_or(WIDTH).clamp(60, WIDEST);
        let mut text = String::new();
        for block in &self.blocks {
            text.push_str(&block.render(width));
            text.push('\n');
        }
        text
    }

    fn cells(&self, rows: &[Record]) -> Vec<(String, String)> {
        let mut cells = Vec::new();
        for (number, record) in rows.iter().take(ROWS_SHOWN).enumerate() {
            if rows.len() > 1 {
                cells.push((format!("row {}", record.place.row), String::new()));
            }
            let names = self
                .headers
                .get(record.table)
                .map_or(&[][..], |header| header.names());
            for (name, cell) in names.iter().zip(&record.cells) {
                if !cell.is_empty() {
                    cells.push((one_line(name), one_line(&cell.text())));
                }
            }
            if number + 1 == ROWS_SHOWN && rows.len() > ROWS_SHOWN {
                let more = rows.len() - ROWS_SHOWN;
                cells.push((format!("… and {more} more rows"), String::new()));
            }
        }
        cells
    }
}

impl Block {
    fn render(&self, width: usize) -> String {
        let left = (width - 7) * 2 / 5;
        let right = width - 7 - left;
        let heading = self
            .cells
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, _)| measure_text_width(name))
            .max()
            .unwrap_or(0)
            .min(left / 2);
        let cells: Vec<String> = self
            .cells
            .iter()
            .map(|(name, value)| match value.is_empty() {
                true => name.clone(),
                false => format!("{}  {value}", fixed(name, heading)),
            })
            .collect();
        let mut text = format!("  {}\n", self.title);
        for line in 0..cells.len().max(self.payload.len()) {
            let cell = cells.get(line).map_or("", String::as_str);
            let payload = self.payload.get(line).map_or("", String::as_str);
            let line = format!(
                "    {} │ {}",
                fixed(cell, left),
                truncate_str(payload, right, "…")
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Cut or filled to a width.
fn fixed(text: &str, width: usize) -> String {
    let cut = truncate_str(text, width, "…");
    pad_str(&cut, width, console::Alignment::Left, None).into_owned()
}

fn one_line(text: &str) -> String {
    shown(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The name of the step, then its body as JSON.
fn payload_lines(payload: &StepPayload) -> Vec<String> {
    let body = serde_json::to_string_pretty(&payload.body).unwrap_or_default();
    let mut lines = vec![payload.step.to_string()];
    lines.extend(body.lines().map(|line| format!("  {}", spelled(line))));
    lines
}

/// A line of JSON without what a terminal would obey: JSON spells only some of that by itself.
fn spelled(line: &str) -> Cow<'_, str> {
    if !line.contains(is_control) {
        return Cow::Borrowed(line);
    }
    let spelled = line.chars().map(|sign| match is_control(sign) {
        true => format!("\\u{:04x}", u32::from(sign)),
        false => sign.to_string(),
    });
    Cow::Owned(spelled.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a stranger's file says is no command to a terminal.
    #[test]
    fn a_preview_shows_what_is_no_sign() {
        assert_eq!(one_line("a\n b\u{1b}[2J\u{200b}"), "a b\\u{1b}[2J\\u{200b}");
        assert_eq!(spelled("\"a\u{9b}2J\""), "\"a\\u009b2J\"");
        assert_eq!(spelled("\"é\u{200b}\""), "\"é\u{200b}\"");
    }
}
