//! Taking a client's data out of the ledger.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use super::{Ledger, RunLocks, worker::Kind};
use crate::error::{Error, Result};

/// What was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// How the rows of the run ended.
    pub rows: u64,
    /// Keys that the ledger no longer knows.
    pub keys: u64,
    /// Keys that it still knows, with the id of their ticket and no text.
    pub kept: u64,
    /// Whether the tenant has no run left.
    pub last_of_tenant: bool,
}

impl Purged {
    /// Counts what was taken out of another attempt.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.keys += other.keys;
        self.kept += other.kept;
        self.last_of_tenant = other.last_of_tenant;
    }
}

impl Ledger {
    /// Takes what a run left out of the ledger: file names, texts, faults, and with `keep_ids` all but the keys and
    /// the ids of the tickets, so that nothing is doubled. The file is written anew: what was deleted is not in it.
    ///
    /// # Errors
    /// When there is no such run, or the ledger cannot be written.
    pub async fn purge(&self, locks: &RunLocks, code: &str, keep_ids: bool) -> Result<Purged> {
        self.locked_for(locks, code).await?;
        let wanted = code.to_owned();
        let purged = self
            .worker
            .call(Kind::Write, move |c| purge(c, &wanted, keep_ids))
            .await?
            .ok_or_else(|| Error::usage(format!("there is no run `{code}`")))?;
        self.worker.call(Kind::Read, wipe).await?;
        Ok(purged)
    }
}

fn purge(c: &Connection, code: &str, keep_ids: bool) -> rusqlite::Result<Option<Purged>> {
    let found: Option<(i64, i64)> = c
        .query_row(
            "SELECT id, scope FROM run WHERE code = upper(?1)",
            [code.trim()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((run, scope)) = found else {
        return Ok(None);
    };
    let mut purged = Purged {
        rows: c.execute("DELETE FROM row_end WHERE run = ?1", [run])? as u64,
        ..Purged::default()
    };
    // Whether a ticket that the ledger keeps was taken back stays open.
    c.execute(
        "DELETE FROM undo WHERE run = ?1 AND NOT (?2 AND state = 'sending')",
        params![run, keep_ids],
    )?;
    let here = params![scope, run];
    if keep_ids {
        purged.kept = blank(c, scope, run)?;
    } else {
        // A row goes whole, whichever run wrote its further steps: without its create they would count for the next
        // ticket of the key.
        purged.keys = count(c, CREATED, scope, run)?;
        c.execute(
            &format!("DELETE FROM step WHERE scope = ?1 AND key IN ({CREATED})"),
            here,
        )?;
        c.execute("DELETE FROM former WHERE scope = ?1 AND run = ?2", here)?;
        // What is left are steps of rows that another run made: without them they would be sent a second time.
        purged.kept = blank(c, scope, run)?;
        if purged.kept == 0 {
            c.execute("DELETE FROM run WHERE id = ?1", [run])?;
        }
    }
    let tenant: i64 = c.query_row("SELECT tenant FROM scope WHERE id = ?1", [scope], |row| {
        row.get(0)
    })?;
    purged.last_of_tenant = c.query_row(
        "SELECT NOT EXISTS (SELECT 1 FROM run JOIN scope ON scope.id = run.scope
                            WHERE scope.tenant = ?1 AND run.inputs <> '[]')",
        [tenant],
        |row| row.get(0),
    )?;
    Ok(Some(purged))
}

/// The keys of a run.
const KEYS: &str = "SELECT DISTINCT key FROM step WHERE scope = ?1 AND run = ?2";
/// Those whose create is of the run.
const CREATED: &str =
    "SELECT key FROM step WHERE scope = ?1 AND run = ?2 AND step = 'create' AND ordinal = 0";

fn count(c: &Connection, keys: &str, scope: i64, run: i64) -> rusqlite::Result<u64> {
    let count: i64 = c.query_row(
        &format!("SELECT count(*) FROM ({keys})"),
        params![scope, run],
        |row| row.get(0),
    )?;
    Ok(count.unsigned_abs())
}

/// Takes the texts out of the steps of a run and out of the run itself, which they refer to. Returns of how many keys.
fn blank(c: &Connection, scope: i64, run: i64) -> rusqlite::Result<u64> {
    c.execute(
        "UPDATE step SET file = '', sheet = NULL, row = 0, url = NULL, error = NULL
         WHERE scope = ?1 AND run = ?2",
        params![scope, run],
    )?;
    c.execute(
        "UPDATE run SET inputs = '[]', mapping = '', command = '', arguments = '[]', folder = '', totals = NULL
         WHERE id = ?1",
        [run],
    )?;
    count(c, KEYS, scope, run)
}

/// Writes the file anew, so that no page of it and nothing beside it holds what was deleted.
fn wipe(c: &Connection) -> rusqlite::Result<()> {
    c.execute_batch("VACUUM")?;
    c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// The copies of a ledger that were made before it was brought up to date: they hold what was in it then.
///
/// # Errors
/// When the folder cannot be read.
pub fn backups(ledger: &Path) -> Result<Vec<PathBuf>> {
    let (Some(folder), Some(name)) = (ledger.parent(), ledger.file_name()) else {
        return Ok(Vec::new());
    };
    let failed = |error| {
        Error::machine("cannot read the state folder")
            .at(folder.display())
            .caused_by(error)
    };
    let begins = format!("{}.v", name.to_string_lossy());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with(&begins) && name.ends_with(".backup") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
