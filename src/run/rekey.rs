//! Rows that are done under other keys than their mapping makes now: somebody has changed what keys are made of.

use std::collections::{HashMap, HashSet};

use super::plan::hash;
use super::prepare::{BATCH, Items};
use crate::error::Result;
use crate::intake::{Digest, Subject};
use crate::ledger::{DoneRow, Scope};
use crate::mapping::{CONTENT_KEY, MapRows, Mapped};
use crate::record::{Place, Record, RowKey};
use crate::source::Table;
use crate::systems::Ticket;

/// A row that has another key now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Where it stands.
    pub place: Place,
    /// The key under which it is done.
    pub old: RowKey,
    /// The key that it has now.
    pub new: RowKey,
    /// Its ticket.
    pub ticket: Ticket,
}

/// What keys were made of, and what they are made of now.
#[derive(Debug, Clone, Copy)]
pub struct Definitions<'a> {
    /// As the ledger keeps it; `None`: an older version made the rows, and nobody knows.
    pub old: Option<&'a str>,
    /// As the mapping says.
    pub new: &'a str,
}

/// A record whose key the ledger does not know.
struct Fresh {
    place: Place,
    key: RowKey,
    /// Its key by the old definition, where that can be made.
    was: Option<RowKey>,
    content: Digest,
    /// What its create would be under the old key.
    payload: Option<Digest>,
}

/// Finds the rows of an input that are done under other keys: with the same content, with the same bytes, or under the
/// key that the old definition makes of them. Call it where blocking is allowed. It holds the new rows of the input,
/// about 150 bytes each.
///
/// # Errors
/// When the input cannot be read, or the ledger.
pub fn moved(
    mut items: Items<'_>,
    tables: &[Table],
    map: &dyn MapRows,
    scope: &Scope,
    definitions: Definitions<'_>,
) -> Result<Vec<Moved>> {
    let columns = definitions.old.and_then(columns);
    let (mut fresh, mut known) = (Vec::new(), HashSet::new());
    loop {
        let page: Vec<_> = items.by_ref().take(BATCH).collect::<Result<_>>()?;
        if page.is_empty() {
            break;
        }
        let keyed: Vec<(RowKey, Vec<Record>)> = (page.into_iter())
            .filter_map(|item| match item.subject {
                Subject::Keyed(key) => Some((key, item.rows)),
                _ => None,
            })
            .collect();
        let keys = keyed.iter().map(|(key, _)| key.clone()).collect();
        let prior = scope.states_blocking(keys)?;
        for ((key, rows), steps) in keyed.into_iter().zip(prior) {
            if !steps.is_empty() {
                known.insert(key);
                continue;
            }
            let was = (columns.as_ref()).and_then(|columns| old_key(columns, tables, &rows[0]));
            let payload = was.as_ref().and_then(|was| payload(map, &rows, was));
            fresh.push(Fresh {
                place: rows[0].place.clone(),
                content: map.content(&rows),
                key,
                was,
                payload,
            });
        }
    }
    match fresh.is_empty() {
        true => Ok(Vec::new()),
        false => matched(fresh, &known, scope, definitions),
    }
}

fn matched(
    fresh: Vec<Fresh>,
    known: &HashSet<RowKey>,
    scope: &Scope,
    definitions: Definitions<'_>,
) -> Result<Vec<Moved>> {
    let mut by_key: HashMap<&RowKey, Vec<&Fresh>> = HashMap::new();
    let mut contents: HashSet<Digest> = HashSet::new();
    for one in &fresh {
        contents.insert(one.content);
        if let Some(was) = &one.was {
            by_key.entry(was).or_default().push(one);
        }
    }
    let mut done: HashMap<RowKey, DoneRow> = HashMap::new();
    let mut same: HashMap<Digest, Vec<DoneRow>> = HashMap::new();
    scope.done_rows_blocking(|row| {
        if known.contains(&row.key) {
            return;
        }
        if by_key.contains_key(&row.key) {
            done.insert(row.key.clone(), row);
        } else if contents.contains(&row.content) {
            same.entry(row.content).or_default().push(row);
        }
    })?;
    // Rows of the same content get the tickets in the order in which they stood.
    for rows in same.values_mut() {
        rows.sort_by(|one, other| (one.place.row, &one.key).cmp(&(other.place.row, &other.key)));
        rows.reverse();
    }
    let mut found = Vec::new();
    for one in &fresh {
        let by_old_key = (one.was.as_ref()).filter(|was| {
            let of_key = by_key.get(was).map_or(0, Vec::len);
            done.get(was).is_some_and(|row| {
                of_key == 1 || row.content == one.content || row.payload == one.payload
            })
        });
        let row = match by_old_key {
            Some(was) => done.remove(was),
            None => {
                let rows = same.get_mut(&one.content);
                rows.and_then(|rows| {
                    let at = rows
                        .iter()
                        .rposition(|row| is_likely(&row.key, one, definitions))?;
                    Some(rows.remove(at))
                })
            }
        };
        found.extend(row.map(|row| Moved {
            place: one.place.clone(),
            old: row.key,
            new: one.key.clone(),
            ticket: row.ticket,
        }));
    }
    Ok(found)
}

/// Whether a done row of the same content may be the same row. Where nobody knows the old definition, rows that merely
/// say the same must not be taken for one: the keys themselves must look like two definitions.
fn is_likely(old: &RowKey, fresh: &Fresh, definitions: Definitions<'_>) -> bool {
    if definitions.old.is_some() {
        return true;
    }
    let is_content = |key: &str| {
        let (hash, ordinal) = key.split_once('-').unwrap_or((key, "1"));
        hash.len() == 16
            && hash
                .bytes()
                .all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
            && ordinal.bytes().all(|byte| byte.is_ascii_digit())
    };
    if is_content(old.as_str()) != (definitions.new == CONTENT_KEY) {
        return true;
    }
    let parts =
        |key: &RowKey| -> HashSet<String> { key.as_str().split('/').map(str::to_owned).collect() };
    let (old, new) = (parts(old), parts(&fresh.key));
    old != new && (old.is_subset(&new) || new.is_subset(&old))
}

/// The columns of a definition that is made of plain ones.
fn columns(definition: &str) -> Option<Vec<String>> {
    serde_json::from_str(definition).ok()
}

/// The key that plain columns make of a record.
fn old_key(columns: &[String], tables: &[Table], record: &Record) -> Option<RowKey> {
    let header = &tables.get(record.table)?.header;
    let mut parts = Vec::with_capacity(columns.len());
    for column in columns {
        let cell = record.cell(header.position(column)?);
        let text = cell.text().trim().to_owned();
        if text.is_empty() {
            return None;
        }
        parts.push(text);
    }
    Some(RowKey::of_parts(&parts))
}

fn payload(map: &dyn MapRows, rows: &[Record], key: &RowKey) -> Option<Digest> {
    match map.map(rows, key) {
        Mapped::Ready(ready) => {
            let reference = ready.reference.as_deref();
            ready.steps.first().map(|step| hash(&step.body, reference))
        }
        Mapped::Skip(_) | Mapped::Faults(_) => None,
    }
}
