//! What intake asks of a bound mapping: which rows count, how they are grouped and ordered, and what a record is called.

use std::borrow::Cow;

use serde_json::Value;

use super::bind::{BoundPlan, truncated};
use super::columns::Got;
use super::each::sort;
use super::item::Item;
use super::rank::trim;
use super::shape::Version;
use crate::error::Fault;
use crate::intake::{Digest, Identify, Named};
use crate::record::{Cell, Record, RowKey};

impl Identify for BoundPlan {
    fn takes_apart(&self) -> bool {
        self.plan().each.is_some()
    }

    fn apart(&self, record: &Record) -> Result<Vec<Record>, Vec<Fault>> {
        let Some(each) = &self.plan().each else {
            return Ok(vec![record.clone()]);
        };
        let mut row = self.row(std::slice::from_ref(record));
        let items = row.items(each);
        if !row.faults.is_empty() {
            return Err(row.faults);
        }
        let width = self.columns.header(record).map_or(0, |header| header.len());
        let with_item = |item: Cell| {
            let mut one = record.clone();
            one.cells.resize(width, Cell::Empty);
            one.cells.push(item);
            one
        };
        // A row without items is one ticket: what is to be left out `where` says.
        Ok(match items.is_empty() {
            true => vec![with_item(Cell::Empty)],
            false => items.into_iter().map(cell_of).map(with_item).collect(),
        })
    }

    fn passes(&self, record: &Record) -> Result<bool, Vec<Fault>> {
        if !self.items.is_empty() {
            self.claim_items(record);
        }
        for (number, condition) in self.plan().conditions.iter().enumerate() {
            match self.holds(condition, std::slice::from_ref(record)) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(faults) => {
                    self.note_unlike(number, &faults);
                    return Err(faults);
                }
            }
        }
        // A row whose group cannot be read belongs to none: it must not be taken for a row without one.
        for slot in &self.plan().group_by {
            if let Err(fault) = self.reader().get(*slot, record) {
                return Err(vec![*fault]);
            }
        }
        Ok(true)
    }

    fn group(&self, record: &Record) -> Option<Digest> {
        if self.plan().group_by.is_empty() {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        let (mut is_empty, mut is_unread) = (true, false);
        for slot in &self.plan().group_by {
            let text = match self.reader().get(*slot, record) {
                Ok(Got::One(item)) => item.into_text().trim().to_owned(),
                Ok(Got::Many(items)) => {
                    let texts: Vec<Cow<'_, str>> = items.into_iter().map(Item::into_text).collect();
                    texts.join("\u{1f}")
                }
                Ok(Got::Empty | Got::LeftOut) => String::new(),
                Err(_) => {
                    is_unread = true;
                    String::new()
                }
            };
            is_empty &= text.is_empty();
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        if is_empty || is_unread {
            // Rows that name no group, or none that can be read, have nothing in common: each stands alone.
            hasher.update(record.place.to_string().as_bytes());
        }
        Some(truncated(&hasher.finalize()))
    }

    fn knows_group(&self, record: &Record) -> bool {
        // A row whose items cannot be read has none, and may belong to the groups of all of them.
        let width = self.columns.header(record).map_or(0, |header| header.len());
        if self.takes_apart() && record.cells.len() <= width {
            return false;
        }
        let mut slots = self.plan().group_by.iter();
        slots.all(|slot| self.reader().get(*slot, record).is_ok())
    }

    fn arrange(&self, rows: &mut Vec<Record>) -> Result<(), Vec<Fault>> {
        let Some(slot) = self.plan().order_by else {
            return Ok(());
        };
        let reader = self.reader();
        let mut keys = Vec::with_capacity(rows.len());
        let mut faults = Vec::new();
        for record in rows.iter() {
            keys.push(match reader.get(slot, record) {
                Ok(Got::One(item)) => Some(item.into_owned()),
                Ok(Got::Many(items)) => items.into_iter().next().map(Item::into_owned),
                Ok(Got::Empty | Got::LeftOut) => None,
                // Put anywhere, it would give its group the values of another row.
                Err(fault) => {
                    faults.push(*fault);
                    None
                }
            });
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if self.plan().rules.version >= Version::Two {
            keys.iter_mut().flatten().for_each(trim);
        }
        let mut keyed: Vec<_> = keys.into_iter().zip(std::mem::take(rows)).collect();
        sort(&mut keyed, self.plan().rules.descending);
        self.untyped.note(keyed.iter().map(|(key, _)| key.as_ref()));
        rows.extend(keyed.into_iter().map(|(_, record)| record));
        Ok(())
    }

    fn passes_group(&self, rows: &[Record]) -> Result<bool, Vec<Fault>> {
        match &self.plan().group_condition {
            None => Ok(true),
            Some(condition) => self.holds(condition, rows).inspect_err(|faults| {
                self.note_unlike(self.plan().conditions.len(), faults);
            }),
        }
    }

    fn key(&self, rows: &[Record]) -> Result<Option<RowKey>, Vec<Fault>> {
        if let Some(parts) = &self.plan().key {
            let parts = self.key_parts(parts, rows)?;
            return Ok(Some(RowKey::of_parts(&parts)));
        }
        let carried = rows
            .iter()
            .find_map(|record| self.columns.carried_key(record));
        Ok(carried.map(|key| RowKey::new(key.trim())))
    }

    fn ties(&self, rows: &[Record]) -> Vec<Named> {
        self.named(rows)
    }

    fn names_elsewhere(&self) -> bool {
        BoundPlan::names_elsewhere(self)
    }

    fn led_back(&self, rows: &[Record], ring: &[u64]) -> Fault {
        self.above_itself(rows, ring)
    }

    fn content(&self, rows: &[Record]) -> Digest {
        self.content_of(rows)
    }
}

/// An item as a cell.
fn cell_of(item: Value) -> Cell {
    match item {
        Value::String(text) => Cell::Text(text.into()),
        Value::Bool(value) => Cell::Bool(value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Cell::Integer(whole),
            None => Cell::Json(Box::new(Value::Number(number))),
        },
        Value::Null => Cell::Empty,
        other => Cell::Json(Box::new(other)),
    }
}
