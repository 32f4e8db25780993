//! Items of `each` in another table that belong to no row of the input: they would be left out without a word.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::bind::BoundPlan;
use super::each::{EachRule, Items};
use super::table_key;
use crate::record::{Place, Record};
use crate::systems::Operation;
use crate::unicode::shown;

/// So many of them are named.
const NAMED: usize = 5;

/// The keys of the rows that were read.
#[derive(Debug, Default)]
pub(super) struct Claimed(Mutex<HashSet<String>>);

impl Claimed {
    fn note(&self, key: &str) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = table_key(key);
        if !keys.contains(key.as_ref()) {
            keys.insert(key.into_owned());
        }
    }

    fn has(&self, key: &str) -> bool {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.contains(key)
    }

    fn is_empty(&self) -> bool {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.is_empty()
    }
}

impl BoundPlan {
    /// Notes that the items of a row have one to belong to, whatever becomes of it.
    pub(super) fn claim_items(&self, record: &Record) {
        for (then, tables) in self.plan().thens.iter().zip(&self.items) {
            let is_elsewhere = matches!(then.rule.each, Some(EachRule::Rows(_)));
            let (Some(each), Some(items), true) =
                (&then.each, tables.get(record.table), is_elsewhere)
            else {
                continue;
            };
            let mut row = self.row(std::slice::from_ref(record));
            if let Some(key) = row.text_of(each) {
                items.claimed.note(&key);
            }
        }
    }

    /// How many items belong to no row of those that were read, with the first of them.
    pub(super) fn notes_of_items(&self) -> Vec<String> {
        // An error file has only some of the rows.
        if self.columns.carries_keys() {
            return Vec::new();
        }
        let thens = self.plan().thens.iter().zip(&self.items);
        let notes = thens.filter_map(|(then, tables)| {
            let matches = tables.iter().any(|items| !items.claimed.is_empty());
            let (count, first) = orphans(tables);
            (matches && count > 0).then(|| {
                let noun = match then.rule.operation.value {
                    Operation::Comment => ("comment", "comments"),
                    Operation::Close => ("closing", "closings"),
                    Operation::Subtask => ("subtask", "subtasks"),
                    _ => ("item", "items"),
                };
                let more = match count as usize > first.len() {
                    true => ", …",
                    false => "",
                };
                let (noun, belong) = match count {
                    1 => (noun.0, "belongs"),
                    _ => (noun.1, "belong"),
                };
                format!(
                    "{count} {noun} {belong} to no row of the file and would be lost: {}{more}",
                    first.join(", ")
                )
            })
        });
        notes.collect()
    }
}

/// How many items no row has claimed, and the first of them.
fn orphans(tables: &[Arc<Items>]) -> (u64, Vec<String>) {
    let is_claimed = |key: &str| tables.iter().any(|items| items.claimed.has(key));
    // The same table may be bound to several of the input.
    let mut places: BTreeMap<Place, String> = BTreeMap::new();
    for items in tables {
        for (key, rows) in items.by_key().filter(|(key, _)| !is_claimed(key)) {
            for row in rows {
                places.insert(row.place().clone(), key.to_owned());
            }
        }
    }
    let named = places.iter().take(NAMED).map(|(place, key)| {
        let sheet = place.sheet.as_deref().map(|sheet| format!("{sheet} "));
        let sheet = sheet.unwrap_or_default();
        format!("`{}` ({sheet}row {})", shown(key.clone()), place.row)
    });
    (places.len() as u64, named.collect())
}
