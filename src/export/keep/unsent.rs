//! What people have changed in the tickets of an earlier file and not sent: a file that has such cells is not replaced.

use std::collections::HashMap;
use std::path::Path;

use super::old;
use crate::error::Result;
use crate::export::baseline::judge::is_edited;
use crate::export::baseline::{Baseline, Value};
use crate::export::columns::{Cell, Plan};
use crate::source;

/// Cells of an earlier file that say something else than when they were written.
#[derive(Debug, Default)]
pub(crate) struct Unsent {
    /// By ticket: the column of the plan, and what it says.
    cells: HashMap<String, Vec<(usize, Value)>>,
}

impl Unsent {
    /// Reads an earlier file of ours, and its baseline where that lies `beside`. One without a baseline could not come back: nothing of it waits to be sent.
    ///
    /// # Errors
    /// When its baseline cannot be read to its end.
    pub(crate) fn read(path: &Path, beside: &Path, plan: &Plan) -> Result<Self> {
        let mut unsent = Self::default();
        let Some(key) = plan.key() else {
            return Ok(unsent);
        };
        let is_workbook = (path.extension()).is_some_and(|it| it.eq_ignore_ascii_case("xlsx"));
        let within = match is_workbook {
            true => Baseline::within(path)?,
            false => None,
        };
        let baseline = match within {
            Some(found) => Some(found),
            None => Baseline::beside_any(beside)?,
        };
        let Some(baseline) = baseline else {
            return Ok(unsent);
        };
        let Some(input) = old::rows_of(path, plan) else {
            return Ok(unsent);
        };
        let columns = plan.columns();
        for row in input.rows()? {
            // What cannot be read to its end is told by who keeps what people wrote.
            let Ok(source::Row::Record(record) | source::Row::Fault(record, _)) = row else {
                break;
            };
            let header = &input.tables()[record.table].header;
            let Some(at) = header.position(&columns[key].heading) else {
                continue;
            };
            let name = record.cell(at).text().trim().to_owned();
            let Some(entry) = baseline.entry(&name)? else {
                continue;
            };
            for (number, column) in columns.iter().enumerate() {
                let places = baseline.column(&column.heading);
                let Some((was, at)) = places.zip(header.position(&column.heading)) else {
                    continue;
                };
                // An emptied cell leaves its field alone.
                let now = Value::read(record.cell(at)).filter(|now| *now != Value::Empty);
                if let Some(now) = now.filter(|now| is_edited(Some(entry.value(was)), now)) {
                    let cells = unsent.cells.entry(name.clone()).or_default();
                    cells.push((number, now));
                }
            }
        }
        Ok(unsent)
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// A ticket as the desk has it now: what it says there was sent, or need not be.
    pub(crate) fn meet(&mut self, key: &str, cells: &[Cell<'_>], plan: &Plan) {
        let Some(waiting) = self.cells.get_mut(key) else {
            return;
        };
        waiting.retain(|(at, value)| match cells.get(*at) {
            Some(cell) => !Value::exported(cell, plan.is_list(*at)).is(value),
            None => true,
        });
    }

    /// Why the file is not to be replaced.
    pub(crate) fn why(&self) -> Option<String> {
        let count: usize = self.cells.values().map(Vec::len).sum();
        match count {
            0 => None,
            1 => Some("a cell of it was changed and not sent".to_owned()),
            count => Some(format!("{count} cells of it were changed and not sent")),
        }
    }
}
