//! Columns with data that nothing reads are told with counts: this counts them during the first pass.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Digest, Identify, Named};
use crate::error::Fault;
use crate::record::{Record, RowKey};

/// One column that nothing reads.
#[derive(Debug)]
struct Column {
    table: usize,
    index: usize,
    name: String,
    filled: AtomicU64,
}

/// An [`Identify`] that looks on: it counts the filled cells of columns that the mapping does not read.
pub struct Watching<'a> {
    inner: &'a dyn Identify,
    columns: Vec<Column>,
}

impl<'a> Watching<'a> {
    /// `columns`: (table, position, name) of every column that nothing reads.
    pub fn new(
        inner: &'a dyn Identify,
        columns: impl IntoIterator<Item = (usize, usize, String)>,
    ) -> Self {
        let column = |(table, index, name)| Column {
            table,
            index,
            name,
            filled: AtomicU64::new(0),
        };
        Self {
            inner,
            columns: columns.into_iter().map(column).collect(),
        }
    }

    /// The columns that hold something, with the number of filled cells; columns of the same name in several
    /// tables are one.
    pub fn filled(&self) -> Vec<(String, u64)> {
        let mut filled: Vec<(String, u64)> = Vec::new();
        for column in &self.columns {
            let count = column.filled.load(Ordering::Relaxed);
            if count == 0 {
                continue;
            }
            match filled.iter_mut().find(|(name, _)| *name == column.name) {
                Some((_, sum)) => *sum += count,
                None => filled.push((column.name.clone(), count)),
            }
        }
        filled
    }
}

impl Identify for Watching<'_> {
    fn takes_apart(&self) -> bool {
        self.inner.takes_apart()
    }

    fn apart(&self, record: &Record) -> Result<Vec<Record>, Vec<Fault>> {
        self.inner.apart(record)
    }

    fn passes(&self, record: &Record) -> Result<bool, Vec<Fault>> {
        for column in self
            .columns
            .iter()
            .filter(|column| column.table == record.table)
        {
            if !record.cell(column.index).is_empty() {
                column.filled.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.inner.passes(record)
    }

    fn group(&self, record: &Record) -> Option<Digest> {
        self.inner.group(record)
    }

    fn knows_group(&self, record: &Record) -> bool {
        self.inner.knows_group(record)
    }

    fn arrange(&self, rows: &mut Vec<Record>) -> Result<(), Vec<Fault>> {
        self.inner.arrange(rows)
    }

    fn passes_group(&self, rows: &[Record]) -> Result<bool, Vec<Fault>> {
        self.inner.passes_group(rows)
    }

    fn key(&self, rows: &[Record]) -> Result<Option<RowKey>, Vec<Fault>> {
        self.inner.key(rows)
    }

    fn ties(&self, rows: &[Record]) -> Vec<Named> {
        self.inner.ties(rows)
    }

    fn led_back(&self, rows: &[Record], ring: &[u64]) -> Fault {
        self.inner.led_back(rows, ring)
    }

    fn content(&self, rows: &[Record]) -> Digest {
        self.inner.content(rows)
    }
}
