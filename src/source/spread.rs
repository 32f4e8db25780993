//! A table that names one cell of a wider one in each row: what it belongs to, the column, and the value.

use std::sync::Arc;

use super::{Input, Row};
use crate::record::{Cell, Header, Record, fold};

/// Which columns of the table say it.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    /// What the row is about: its position, and its name in the wider table.
    pub(crate) key: (usize, String),
    /// The name of the column.
    pub(crate) column: usize,
    /// The value.
    pub(crate) value: usize,
    /// The columns of the wider table besides the key.
    pub(crate) columns: Vec<String>,
}

impl Input {
    /// Reads the rows as those of the wider table, with one cell filled in each.
    pub(crate) fn spread(mut self, spread: Spread) -> Self {
        let mut names = vec![spread.key.1.clone()];
        names.extend(spread.columns.iter().cloned());
        let header = Arc::new(Header::new(names));
        let tables = self.tables.clone();
        for table in &mut self.tables {
            table.header = Arc::clone(&header);
        }
        self.spread = Some((spread, tables));
        self
    }
}

impl Spread {
    pub(super) fn row(&self, row: Row) -> Row {
        match row {
            Row::Record(record) => Row::Record(self.record(record)),
            Row::Fault(record, faults) => Row::Fault(self.record(record), faults),
        }
    }

    fn record(&self, record: Record) -> Record {
        let mut cells = vec![Cell::Empty; 1 + self.columns.len()];
        let name = fold(&record.cell(self.column).text());
        let at = self.columns.iter().position(|column| fold(column) == name);
        cells[0] = record.cell(self.key.0).clone();
        if let Some(at) = at {
            cells[1 + at] = record.cell(self.value).clone();
        }
        Record { cells, ..record }
    }
}
