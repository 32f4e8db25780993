//! The ledger: the durable record of every step of every row.
//!
//! One SQLite file in the state folder, owned by one thread (`worker`) that commits in groups; async code only
//! waits for its answers. The identity of a step is (tenant, scope, key, step, ordinal) for ever:
//!
//! ```text
//!            intend                     settle
//! pending ───────────▶ sending ───────────────────────▶ done | rejected | skipped
//!    ▲                  │  │ ▲                            │         │
//!    │    withdraw      │  │ │ intend again               │         │ intend (changed payload)
//!    └──────────────────┘  ▼ │                            ▼         ▼
//!                        in_doubt ── settle ──▶ done     undone   sending
//! ```
//!
//! What [`ActiveRun::apply`] has answered is on the disk. An intent never replaces a step that is done. The steps
//! that follow in a row are noted as pending with the first intent, so that a row is done only when all are.

mod by_hand;
mod ends;
mod glance;
mod inputs;
mod lock;
mod purge;
mod runs;
mod schema;
mod steps;
mod undo;
mod worker;

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::record::RowKey;
use schema::Unfit;
use worker::{Kind, Worker};

pub use by_hand::{ByHand, Doubtful};
pub use ends::{StoredEnd, StoredFault, StoredRow};
pub use glance::Glance;
pub use inputs::{DoneKey, Elsewhere};
pub use lock::RunLock;
pub use purge::{Purged, backups};
pub use runs::{EndFilter, MadeTicket, RunInfo, RunMeta, RunState};
pub use steps::{
    Change, Control, Doubted, Intent, Settlement, State, StepId, StepRecord, Trouble,
    UNKNOWN_CONTENT, Unsettled,
};
pub use undo::{Rollback, UndoState, Undoable};

/// The name of the ledger's file in the state folder.
pub const FILE: &str = "ledger.sqlite";
/// How long a command waits for another process that writes.
const BUSY: Duration = Duration::from_secs(10);
/// Up to this size the whole file is checked when it is opened; a check of a larger one would be felt.
const CHECKED_WHOLE: u64 = 32 << 20;

/// The open ledger; cheap to clone. The last handle that goes waits for the last commit.
#[derive(Debug, Clone)]
pub struct Ledger {
    worker: Arc<Worker>,
}

impl Ledger {
    /// Opens the ledger's file, made if it is not there (readable by its owner only).
    ///
    /// # Errors
    /// When the folder cannot be written, the file is damaged or no ledger, or a newer program wrote it.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = open(path)?;
        Ok(Self {
            worker: Arc::new(Worker::spawn(connection, path.to_owned())?),
        })
    }

    /// A ledger that is gone with its last handle: the twin for tests, which answers on the spot.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Self> {
        let trouble = |error: &rusqlite::Error| worker::trouble(":memory:", error);
        let mut connection = Connection::open_in_memory().map_err(|error| trouble(&error))?;
        schema::migrate(&mut connection).map_err(|unfit| told(":memory:", unfit))?;
        Ok(Self {
            worker: Arc::new(Worker::inline(connection)),
        })
    }

    /// The handle of a scope of a tenant; nothing is written before its first run.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn scope(&self, system: &str, tenant: &str, scope: &str) -> Result<Scope> {
        let names = [system, tenant, scope].map(str::to_owned);
        let id = self
            .read({
                let names = names.clone();
                move |c| runs::find_scope(c, &names[0], &names[1], &names[2])
            })
            .await?;
        Ok(Scope {
            ledger: self.clone(),
            names,
            id,
        })
    }

    /// All runs, the latest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn runs(&self) -> Result<Vec<RunInfo>> {
        self.read(runs::all).await
    }

    /// The run of that code.
    ///
    /// # Errors
    /// When there is none, or the ledger cannot be read.
    pub async fn run(&self, code: &str) -> Result<RunInfo> {
        let wanted = code.to_owned();
        self.read(move |c| runs::one(c, &wanted))
            .await?
            .ok_or_else(|| {
                Error::usage(format!("there is no run `{code}`"))
                    .hint("`deskferry runs list` shows all runs")
            })
    }

    /// A page of the ends that a run kept, in the order of its input, after the given ordinal.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn row_ends(
        &self,
        code: &str,
        filter: EndFilter,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<StoredRow>> {
        let states: &'static [&'static str] = match filter {
            EndFilter::All => &[
                "created",
                "changed",
                "skipped",
                "rejected",
                "incomplete",
                "in_doubt",
            ],
            EndFilter::Errors => &["changed", "rejected", "incomplete", "in_doubt"],
        };
        let code = code.to_owned();
        self.read(move |c| runs::ends(c, &code, (states, true), after, limit))
            .await
    }

    /// A page of the tickets that a run made and that were not taken back, in the order of its input, after the given ordinal.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn ids(&self, code: &str, after: Option<u64>, limit: u32) -> Result<Vec<MadeTicket>> {
        let code = code.to_owned();
        let rows = self
            .read(move |c| runs::ends(c, &code, (&["created", "incomplete"], false), after, limit))
            .await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                let ticket = row.end.ticket()?.clone();
                Some(MadeTicket { row, ticket })
            })
            .collect())
    }

    async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.worker.call(Kind::Read, work).await
    }
}

/// The name space of the keys of one mapping at one tenant.
#[derive(Debug, Clone)]
pub struct Scope {
    ledger: Ledger,
    names: [String; 3],
    id: Option<i64>,
}

impl Scope {
    /// Whether the ledger knows no row of this scope.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn is_empty(&self) -> Result<bool> {
        let Some(id) = self.id else { return Ok(true) };
        self.ledger
            .read(move |c| {
                c.query_row(
                    "SELECT NOT EXISTS (SELECT 1 FROM step WHERE scope = ?1)",
                    [id],
                    |row| row.get(0),
                )
            })
            .await
    }

    /// The steps of each key; a key that was never seen has none. An unknown scope answers without a query.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn states(&self, keys: Vec<RowKey>) -> Result<Vec<Vec<StepRecord>>> {
        let Some(id) = self.id.filter(|_| !keys.is_empty()) else {
            return Ok(vec![Vec::new(); keys.len()]);
        };
        self.ledger.read(move |c| steps::states(c, id, &keys)).await
    }

    /// As [`Self::states`], from a thread outside of the runtime.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn states_blocking(&self, keys: Vec<RowKey>) -> Result<Vec<Vec<StepRecord>>> {
        let Some(id) = self.id.filter(|_| !keys.is_empty()) else {
            return Ok(vec![Vec::new(); keys.len()]);
        };
        self.ledger
            .worker
            .call_blocking(Kind::Read, move |c| steps::states(c, id, &keys))
    }

    /// The rows whose last request nobody has settled.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn unsettled(&self) -> Result<Vec<Unsettled>> {
        match self.id {
            Some(id) => self.ledger.read(move |c| steps::unsettled(c, id)).await,
            None => Ok(Vec::new()),
        }
    }

    /// The latest run of the scope.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn last_run(&self) -> Result<Option<RunInfo>> {
        match self.id {
            Some(id) => self.ledger.read(move |c| runs::last(c, id)).await,
            None => Ok(None),
        }
    }

    /// Begins a run. Who calls this holds the [`RunLock`] of the tenant.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn start_run(&self, meta: RunMeta) -> Result<ActiveRun> {
        let names = self.names.clone();
        let (scope, id, code) = self
            .ledger
            .worker
            .call(Kind::Write, move |c| {
                let scope = runs::make_scope(c, &names[0], &names[1], &names[2])?;
                let (id, code) = runs::start(c, scope, &meta, Timestamp::now())?;
                Ok((scope, id, code))
            })
            .await?;
        Ok(ActiveRun {
            scope: Self {
                id: Some(scope),
                ..self.clone()
            },
            scope_id: scope,
            id,
            code,
        })
    }
}

/// A run that is under way; cheap to clone.
#[derive(Debug, Clone)]
pub struct ActiveRun {
    scope: Scope,
    scope_id: i64,
    id: i64,
    code: String,
}

impl ActiveRun {
    /// Its code, as people type it.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Its scope.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Writes changes in order, durable before this returns. Returns the keys of intents that came too late:
    /// their step is done already.
    ///
    /// # Errors
    /// When the ledger cannot be written; then none of the changes is.
    pub async fn apply(&self, changes: Vec<Change>) -> Result<Vec<RowKey>> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let (scope, run) = (self.scope_id, self.id);
        self.write(move |c| steps::apply(c, scope, run, &changes))
            .await
    }

    /// Writes intents; see [`Self::apply`].
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn intend(&self, intents: Vec<Intent>) -> Result<Vec<RowKey>> {
        self.apply(intents.into_iter().map(Change::Intend).collect())
            .await
    }

    /// Writes what became of requests.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn settle(&self, settlements: Vec<Settlement>) -> Result<()> {
        self.apply(settlements.into_iter().map(Change::Settle).collect())
            .await
            .map(drop)
    }

    /// Takes back intents whose requests never left.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn withdraw(&self, steps: Vec<(RowKey, StepId)>) -> Result<()> {
        let changes = steps
            .into_iter()
            .map(|(key, step)| Change::Withdraw(key, step))
            .collect();
        self.apply(changes).await.map(drop)
    }

    /// Whose these tickets are, as far as the tenant's ledger holds them: the key, `None` for another scope's.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn owners(&self, tickets: Vec<String>) -> Result<HashMap<String, Option<RowKey>>> {
        let scope = self.scope_id;
        let owners = self
            .scope
            .ledger
            .read(move |c| steps::owners(c, scope, &tickets))
            .await?;
        Ok(owners
            .into_iter()
            .map(|(ticket, (of, key))| (ticket, (of == scope).then_some(key)))
            .collect())
    }

    /// The rows of this scope that have a ticket and were in doubt once, as far as doubles of them may still turn up.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn doubted(&self) -> Result<Vec<Doubted>> {
        let scope = self.scope_id;
        self.scope
            .ledger
            .read(move |c| steps::doubted(c, scope))
            .await
    }

    /// Tickets of this scope in a group, whichever run made them, with the references that they bear: the oldest that
    /// were sent since a moment on the system's clock, or the latest.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn controls(
        &self,
        group: String,
        since: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<Control>> {
        let scope = self.scope_id;
        self.scope
            .ledger
            .read(move |c| steps::controls(c, scope, &group, since, limit))
            .await
    }

    /// Ends the run with its totals.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn finish(&self, state: RunState, totals: Value) -> Result<()> {
        let run = self.id;
        self.write(move |c| runs::finish(c, run, state, &totals, Timestamp::now()))
            .await
    }

    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.scope.ledger.worker.call(Kind::Write, work).await
    }
}

fn open(path: &Path) -> Result<Connection> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    let size = private_file(path)?.metadata().map_or(0, |meta| meta.len());
    let name = path.display().to_string();
    let trouble = |error: rusqlite::Error| worker::trouble(&name, &error);
    let mut connection = Connection::open(path).map_err(trouble)?;
    prepare(&connection, size).map_err(trouble)?;
    if let Some(version) = schema::outdated(&connection).map_err(trouble)? {
        back_up(&connection, path, version)?;
    }
    schema::migrate(&mut connection).map_err(|unfit| told(&name, unfit))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Sets what makes a commit durable, and looks whether the file is whole.
fn prepare(connection: &Connection, size: u64) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // An fsync of macOS leaves the data in the drive's cache; elsewhere these two say nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    if size <= CHECKED_WHOLE {
        let verdict: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
                Some(verdict),
            ));
        }
    }
    Ok(())
}

/// Copies the ledger as it is before it is brought up to date: `ledger.sqlite.v1.backup`, which an older program reads.
fn back_up(connection: &Connection, path: &Path, version: usize) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".v{version}.backup"));
    let copy = std::path::PathBuf::from(name);
    if copy.exists() {
        return Ok(());
    }
    let mut unfinished = copy.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = std::path::PathBuf::from(unfinished);
    drop(private_file(&unfinished)?);
    let failed = |error: rusqlite::Error| {
        worker::trouble(&copy.display().to_string(), &error)
            .hint("a new version of the program copies the ledger before it changes it, and nothing was changed yet")
    };
    connection
        .backup("main", &unfinished, None)
        .map_err(failed)?;
    let renamed = File::open(&unfinished)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&unfinished, &copy));
    renamed.map_err(|error| unwritable(&copy, error))
}

fn told(path: &str, unfit: Unfit) -> Error {
    match unfit {
        Unfit::Sqlite(error) => worker::trouble(path, &error),
        Unfit::Newer(version) => Error::machine(format!(
            "the ledger was written by a newer deskferry (version {version}, this one knows {})",
            schema::VERSION
        ))
        .at(path)
        .hint("use the newer program, or another folder with `--state DIR`"),
    }
}

/// Makes a folder that only its owner can enter; one that is there is left as it is.
fn private_folder(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder
        .create(folder)
        .map_err(|error| unwritable(folder, error))
}

/// Opens a file that only its owner can read, made if it is not there.
fn private_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::machine("the state folder cannot be written")
        .at(path.display())
        .hint("make the folder writable, or choose another with `--state DIR`")
        .caused_by(error)
}

#[cfg(test)]
mod tests;
