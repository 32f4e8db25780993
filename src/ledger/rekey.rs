//! Rows that get another key: the mapping names other columns, or an older version wrote the key in another way.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::steps::{State, place};
use super::sums::{CHECKED, verify};
use super::{RunLocks, Scope, worker::Kind};
use crate::error::Result;
use crate::intake::Digest;
use crate::record::{Place, RowKey};
use crate::systems::{CREATE, Ticket};

/// A row that is done, as far as its key may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneRow {
    /// The key that it has.
    pub key: RowKey,
    /// The hash of its mapped columns.
    pub content: Digest,
    /// The hash of the body of its create.
    pub payload: Option<Digest>,
    /// Where it stood.
    pub place: Place,
    /// Its ticket.
    pub ticket: Ticket,
}

impl Scope {
    /// What the keys of this scope are made of, as the latest run said; `None` where no run has.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn key_definition(&self) -> Result<Option<String>> {
        let Some(id) = self.id else { return Ok(None) };
        self.ledger
            .read(move |c| {
                c.query_row(
                    "SELECT key_definition FROM scope WHERE id = ?1",
                    [id],
                    |row| row.get(0),
                )
            })
            .await
    }

    /// Hands each row that is done and has a ticket to `each`, in no order, from a thread outside of the runtime.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn done_rows_blocking(&self, mut each: impl FnMut(DoneRow)) -> Result<()> {
        let mut after = String::new();
        let Some(id) = self.id else { return Ok(()) };
        loop {
            let from = after.clone();
            let page = self
                .ledger
                .worker
                .call_blocking(Kind::Read, move |c| done_rows(c, id, &from))?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            last.key.as_str().clone_into(&mut after);
            page.into_iter().for_each(&mut each);
        }
    }

    /// Which of the keys have a step of which nobody knows whether it was done, from a thread outside of the runtime.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn unsettled_blocking(&self) -> Result<Vec<RowKey>> {
        let Some(id) = self.id else {
            return Ok(Vec::new());
        };
        self.ledger.worker.call_blocking(Kind::Read, move |c| {
            let rows = super::asked::unsettled(c, id)?;
            Ok(rows.into_iter().map(|row| row.key).collect())
        })
    }

    /// Gives rows other keys, all or none of them; from the old one to the new one. Their tickets keep the references
    /// that they bear. From a thread outside of the runtime.
    ///
    /// # Errors
    /// When the locks are those of another scope, or the ledger cannot be written.
    pub fn rekey_blocking(&self, locks: &RunLocks, keys: HashMap<RowKey, RowKey>) -> Result<()> {
        locks.are_for(self)?;
        let Some(id) = self.id else { return Ok(()) };
        self.ledger
            .worker
            .call_blocking(Kind::Write, move |c| rekey(c, id, &keys))
    }
}

/// How many rows are read at once.
const PAGE: u32 = 10_000;

fn done_rows(c: &Connection, scope: i64, after: &str) -> rusqlite::Result<Vec<DoneRow>> {
    c.prepare_cached(&format!(
        "SELECT key, content, payload, file, sheet, row, ticket, number, url, {CHECKED} FROM step
         WHERE scope = ?1 AND key > ?2 AND step = ?3 AND ordinal = 0 AND state = ?4 AND ticket IS NOT NULL
         ORDER BY key LIMIT ?5"
    ))?
    .query_map(params![scope, after, CREATE, State::Done, PAGE], |row| {
        verify(row, 9)?;
        Ok(DoneRow {
            key: RowKey::new(row.get::<_, String>(0)?),
            content: row.get(1)?,
            payload: row.get(2)?,
            place: place(row, 3)?,
            ticket: Ticket {
                id: row.get(6)?,
                number: row.get(7)?,
                url: row.get(8)?,
                warnings: Vec::new(),
            },
        })
    })?
    .collect()
}

/// Changes keys wherever they stand.
pub(super) fn rekey(
    c: &Connection,
    scope: i64,
    keys: &HashMap<RowKey, RowKey>,
) -> rusqlite::Result<()> {
    c.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS moved (old TEXT PRIMARY KEY, new TEXT NOT NULL) WITHOUT ROWID;
         DELETE FROM moved;",
    )?;
    for (old, new) in keys {
        c.prepare_cached("INSERT INTO temp.moved VALUES (?1, ?2)")?
            .execute([old.as_str(), new.as_str()])?;
    }
    let new = |table: &str| format!("(SELECT new FROM temp.moved WHERE old = {table}.key)");
    let is_moved = "key IN (SELECT old FROM temp.moved)";
    for table in ["step", "former"] {
        c.execute(
            &format!(
                "UPDATE {table} SET key = {} WHERE scope = ?1 AND {is_moved}",
                new(table)
            ),
            [scope],
        )?;
    }
    for table in ["row_end", "undo"] {
        c.execute(
            &format!(
                "UPDATE {table} SET key = {}
                 WHERE run IN (SELECT id FROM run WHERE run.scope = ?1) AND {is_moved}",
                new(table)
            ),
            [scope],
        )?;
    }
    c.execute_batch("DELETE FROM temp.moved")
}
