//! Which cells of an edited export are sent: fields that are made of others are left alone.

use std::collections::HashMap;

use super::bind::BoundPlan;
use super::plan::{Feed, FieldPlan};
use crate::event::Skip;
use crate::record::{Place, Record};

/// The rows of which something is sent or in conflict.
#[derive(Debug, Default)]
pub struct Touched {
    rows: HashMap<Place, TouchedRow>,
}

#[derive(Debug)]
struct TouchedRow {
    /// The columns that are sent, by position in the table.
    columns: Vec<usize>,
    /// Whether others are in conflict with the desk.
    conflict: bool,
}

/// A column that a field of the ticket is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldColumn {
    /// Its position in the table.
    pub index: usize,
    /// What stands above it.
    pub heading: String,
    /// Whether an empty cell empties a field.
    pub clears: bool,
}

impl Touched {
    /// Adds a row: the columns of which cells are sent, and whether other cells are in conflict.
    pub fn add(&mut self, place: Place, columns: Vec<usize>, conflict: bool) {
        self.rows.insert(place, TouchedRow { columns, conflict });
    }

    fn row(&self, rows: &[Record]) -> Option<&TouchedRow> {
        rows.iter().find_map(|record| self.rows.get(&record.place))
    }
}

impl BoundPlan {
    /// Sends only these cells from now on. The first word counts.
    pub fn send_only(&self, touched: Touched) {
        // A second one would take back what the first has said.
        let _ = self.touched.set(touched);
    }

    /// The columns of a table that fields are made of.
    pub fn field_columns(&self, table: usize) -> Vec<FieldColumn> {
        let mut found: Vec<FieldColumn> = Vec::new();
        for field in &self.plan().fields {
            for &slot in slots(field) {
                for (index, heading) in self.columns.positions(table, slot) {
                    let clears = field.rule.clear;
                    match found.iter_mut().find(|known| known.index == index) {
                        Some(known) => known.clears |= clears,
                        None => found.push(FieldColumn {
                            index,
                            heading: heading.to_owned(),
                            clears,
                        }),
                    }
                }
            }
        }
        found
    }

    /// Why nothing of these rows is sent, where that is so.
    pub(super) fn untouched_rows(&self, rows: &[Record]) -> Option<Skip> {
        match self.touched.get()?.row(rows) {
            None => Some(Skip::Unedited),
            Some(row) if row.columns.is_empty() && row.conflict => Some(Skip::Conflict),
            Some(row) if row.columns.is_empty() => Some(Skip::Unedited),
            Some(_) => None,
        }
    }

    /// Whether a field of these rows is sent.
    pub(super) fn is_touched(&self, field: &FieldPlan, rows: &[Record]) -> bool {
        let Some(touched) = self.touched.get() else {
            return true;
        };
        let Some(row) = touched.row(rows) else {
            return false;
        };
        // What the mapping itself says goes with what is sent.
        let made_of_cells = !slots(field).is_empty();
        let table = rows[0].table;
        let mut cells = slots(field)
            .iter()
            .flat_map(|&slot| self.columns.positions(table, slot));
        !made_of_cells || cells.any(|(index, _)| row.columns.contains(&index))
    }
}

fn slots(field: &FieldPlan) -> &[usize] {
    match &field.source {
        Feed::Columns { slots, .. } | Feed::First(slots) => slots,
        Feed::Script(_) | Feed::Constant(_) => &[],
    }
}
