//! One row into several records, where the mapping says `each` at its top.

use std::collections::VecDeque;

use super::Identify;
use crate::error::Result;
use crate::source::Row;

/// Rows, those that hold several items taken apart.
pub(super) struct Apart<'a, I> {
    rows: I,
    identify: &'a dyn Identify,
    is_needed: bool,
    ready: VecDeque<Row>,
}

impl<'a, I: Iterator<Item = Result<Row>>> Apart<'a, I> {
    pub(super) fn new(rows: I, identify: &'a dyn Identify) -> Self {
        Self {
            is_needed: identify.takes_apart(),
            rows,
            identify,
            ready: VecDeque::new(),
        }
    }
}

impl<I: Iterator<Item = Result<Row>>> Iterator for Apart<'_, I> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.is_needed {
            return self.rows.next();
        }
        loop {
            if let Some(row) = self.ready.pop_front() {
                return Some(Ok(row));
            }
            match self.rows.next()? {
                Ok(Row::Record(record)) => match self.identify.apart(&record) {
                    Ok(records) => self.ready.extend(records.into_iter().map(Row::Record)),
                    Err(faults) => return Some(Ok(Row::Fault(record, faults))),
                },
                other => return Some(other),
            }
        }
    }
}
