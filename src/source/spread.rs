//! A table that names one cell of a wider one in each row: what it belongs to, the column, and the value.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Input, Row};
use crate::record::{Cell, Header, Record};

/// What the rows of the table say.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    /// What a row is about: its position, and its name in the wider table.
    pub(crate) key: (usize, String),
    /// The columns of the wider table besides the key.
    pub(crate) columns: Vec<String>,
    /// The cells of the wider table, by their column and the row that has them: all that is said of one thing stands in its
    /// first row, so that it is changed once.
    pub(crate) cells: HashMap<u64, Vec<(usize, Cell)>>,
}

impl Input {
    /// Reads the rows as those of the wider table.
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
        cells[0] = record.cell(self.key.0).clone();
        for (at, cell) in self.cells.get(&record.place.row).into_iter().flatten() {
            cells[1 + at] = cell.clone();
        }
        Record { cells, ..record }
    }
}
