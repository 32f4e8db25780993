//! What the ledger says about an input before anything of it is sent: whether it was seen before, which keys are
//! done under another scope of the tenant, and the giving up of keys that are to be made once more.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::attempts::OURS;
use super::steps::{micros, place};
use super::sums::{CHECKED, verify};
use super::{RunLocks, RunMeta, Scope, worker::Kind};
use crate::error::Result;
use crate::intake::Digest;
use crate::record::{Place, RowKey};
use crate::systems::CREATE;

/// A key that is done under another scope of the same tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// That scope.
    pub scope: String,
    /// The run that made it.
    pub run: String,
    /// From which row.
    pub place: Place,
    /// The ticket, as people call it.
    pub ticket: String,
    /// Whether it was the same row: the same content, or a file of the same bytes.
    pub same: bool,
}

/// A key that is done in this scope, with the ticket as people call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneKey {
    /// The key.
    pub key: RowKey,
    /// The number of its ticket, else its id.
    pub ticket: String,
    /// The run that made it.
    pub run: String,
}

impl Scope {
    /// Whether a run of this scope has read the same bytes with the same mapping before, and with the same flags.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn has_seen(&self, meta: &RunMeta) -> Result<(bool, bool)> {
        let Some(id) = self.id else {
            return Ok((false, false));
        };
        let (input, mapping) = (meta.input_print.clone(), meta.mapping_print.clone());
        let arguments = serde_json::json!(meta.arguments).to_string();
        self.ledger
            .read(move |c| {
                c.query_row(
                    "SELECT count(*) > 0, coalesce(max(arguments = ?4), 0)
                     FROM run WHERE scope = ?1 AND input_print = ?2 AND mapping_print = ?3",
                    params![id, input, mapping, arguments],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
            })
            .await
    }

    /// Whether rows were sent to the same tenant under other scopes.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn has_neighbours(&self) -> Result<bool> {
        let names = self.names.clone();
        self.ledger
            .read(move |c| neighbours(c, &names).map(|all| !all.is_empty()))
            .await
    }

    /// Where each key (with the content of its row) is done under another scope of the tenant, from a thread
    /// outside of the runtime. `input_print` tells rows of the same file.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn elsewhere_blocking(
        &self,
        keys: Vec<(RowKey, Digest)>,
        input_print: &str,
    ) -> Result<Vec<Option<Elsewhere>>> {
        let names = self.names.clone();
        let input_print = input_print.to_owned();
        self.ledger.worker.call_blocking(Kind::Read, move |c| {
            let scopes = neighbours(c, &names)?;
            keys.iter()
                .map(|(key, content)| elsewhere(c, &scopes, key, content, &input_print))
                .collect()
        })
    }

    /// Gives the keys free that are done, so that their rows are sent once more; their tickets are remembered.
    /// Returns how many were. From a thread outside of the runtime.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn give_up_blocking(&self, locks: &RunLocks, keys: Vec<RowKey>) -> Result<u64> {
        locks.are_for(self)?;
        let Some(id) = self.id else { return Ok(0) };
        self.ledger.worker.call_blocking(Kind::Write, move |c| {
            let mut count = 0;
            for key in &keys {
                count += u64::from(free(c, id, key, "again")?);
            }
            Ok(count)
        })
    }

    /// A page of the keys of this scope after the given one, in their order, but for what was taken back; of the attempts
    /// with these codes alone, where some are named.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn keys(
        &self,
        attempts: Option<&[String]>,
        after: Option<RowKey>,
        limit: u32,
    ) -> Result<Vec<RowKey>> {
        let Some(id) = self.id else {
            return Ok(Vec::new());
        };
        let codes = attempts.map(|codes| serde_json::json!(codes).to_string());
        let after = after.map_or(String::new(), |key| key.as_str().to_owned());
        self.ledger
            .read(move |c| {
                c.prepare_cached(&format!(
                    "SELECT DISTINCT key FROM step
                     WHERE scope = ?2 AND key > ?3 AND state <> 6 AND (?1 IS NULL OR run IN {OURS})
                     ORDER BY key LIMIT ?4"
                ))?
                .query_map(params![codes, id, after, limit], |row| {
                    row.get::<_, String>(0).map(RowKey::new)
                })?
                .collect()
            })
            .await
    }

    /// Which of these numbers (ids, where there is no number) are those of tickets that the ledger holds as made in this scope,
    /// from a thread outside of the runtime.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn holds_blocking(&self, numbers: Vec<String>) -> Result<HashSet<String>> {
        let Some(id) = self.id else {
            return Ok(HashSet::new());
        };
        let numbers = serde_json::json!(numbers).to_string();
        self.ledger.worker.call_blocking(Kind::Read, move |c| {
            c.prepare_cached(
                "SELECT coalesce(number, ticket) FROM step
                 WHERE scope = ?1 AND step = ?2 AND ordinal = 0 AND state = 2
                   AND coalesce(number, ticket) IN (SELECT value FROM json_each(?3))",
            )?
            .query_map(params![id, CREATE, numbers], |row| row.get(0))?
            .collect()
        })
    }

    /// A page of the keys that are done in this scope, after the given key, from a thread outside of the runtime.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn done_keys_blocking(&self, after: Option<RowKey>, limit: u32) -> Result<Vec<DoneKey>> {
        let Some(id) = self.id else {
            return Ok(Vec::new());
        };
        self.ledger
            .worker
            .call_blocking(Kind::Read, move |c| done_keys(c, id, after.as_ref(), limit))
    }
}

/// The other scopes of the tenant in which something is done.
fn neighbours(c: &Connection, names: &[String; 3]) -> rusqlite::Result<Vec<(i64, String)>> {
    c.prepare_cached(
        "SELECT scope.id, scope.name FROM scope JOIN tenant ON tenant.id = scope.tenant
         WHERE tenant.system = ?1 AND tenant.name = ?2 AND scope.name <> ?3
           AND EXISTS (SELECT 1 FROM step WHERE step.scope = scope.id)",
    )?
    .query_map(params![names[0], names[1], names[2]], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?
    .collect()
}

fn elsewhere(
    c: &Connection,
    scopes: &[(i64, String)],
    key: &RowKey,
    content: &Digest,
    input_print: &str,
) -> rusqlite::Result<Option<Elsewhere>> {
    let mut statement = c.prepare_cached(
        &format!("SELECT run.code, file, sheet, row, coalesce(number, ticket, ''), content = ?3 OR run.input_print = ?4, {CHECKED}
         FROM step JOIN run ON run.id = step.run
         WHERE step.scope = ?1 AND key = ?2 AND step.step = ?5 AND step.ordinal = 0 AND step.state = 2"),
    )?;
    let mut found = None;
    for (id, name) in scopes {
        let one = statement
            .query_row(
                params![id, key.as_str(), content, input_print, CREATE],
                |row| {
                    verify(row, 6)?;
                    Ok(Elsewhere {
                        scope: name.clone(),
                        run: row.get(0)?,
                        place: place(row, 1)?,
                        ticket: row.get(4)?,
                        same: row.get(5)?,
                    })
                },
            )
            .optional()?;
        match one {
            Some(one) if one.same => return Ok(Some(one)),
            other => found = found.or(other),
        }
    }
    Ok(found)
}

fn done_keys(
    c: &Connection,
    scope: i64,
    after: Option<&RowKey>,
    limit: u32,
) -> rusqlite::Result<Vec<DoneKey>> {
    c.prepare_cached(
        &format!("SELECT key, coalesce(number, ticket, ''), run.code, {CHECKED} FROM step JOIN run ON run.id = step.run
         WHERE step.scope = ?1 AND key > ?2 AND step.step = ?3 AND step.state = 2 ORDER BY key LIMIT ?4"),
    )?
    .query_map(
        params![scope, after.map_or("", RowKey::as_str), CREATE, limit],
        |row| {
            verify(row, 3)?;
            Ok(DoneKey {
                key: RowKey::new(row.get::<_, String>(0)?),
                ticket: row.get(1)?,
                run: row.get(2)?,
            })
        },
    )?
    .collect()
}

/// Gives one key free whose create is done: its ticket is remembered as one that the key had, its steps are
/// `undone`. Says whether there was one.
pub(super) fn free(c: &Connection, scope: i64, key: &RowKey, why: &str) -> rusqlite::Result<bool> {
    let kept = c
        .prepare_cached(
            "INSERT OR REPLACE INTO former (ticket, scope, key, run, why, at)
             SELECT ticket, scope, key, run, ?3, ?4 FROM step
             WHERE scope = ?1 AND key = ?2 AND step = ?5 AND state = 2 AND ticket IS NOT NULL",
        )?
        .execute(params![
            scope,
            key.as_str(),
            why,
            micros(Timestamp::now()),
            CREATE
        ])?;
    if kept == 0 {
        return Ok(false);
    }
    c.prepare_cached("UPDATE step SET state = 6, absent = 0 WHERE scope = ?1 AND key = ?2")?
        .execute(params![scope, key.as_str()])?;
    Ok(true)
}
