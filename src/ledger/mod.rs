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

mod active;
mod asked;
mod attempts;
mod beside;
mod by_hand;
mod changes;
mod course;
mod ends;
mod generation;
mod glance;
mod inputs;
mod lock;
mod open;
mod owners;
mod place;
mod purge;
mod receipts;
mod rekey;
mod runs;
mod schema;
mod seals;
mod shapes;
mod steps;
mod sums;
mod undo;
mod unmarked;
mod worker;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rusqlite::Connection;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::record::RowKey;
use open::Care;
use sums::Book;
use worker::{Kind, Worker};

pub use active::ActiveRun;
pub use asked::{Create, Doubted};
pub use attempts::{After, Belongs, Run, Tally};
pub use beside::DoneBeside;
pub use by_hand::{ByHand, Doubtful};
pub use changes::Change;
pub use course::{Course, Doubt};
pub use ends::{StoredEnd, StoredFault, StoredRow};
pub use generation::Age;
pub use glance::Glance;
pub use inputs::{DoneKey, Elsewhere};
pub use lock::{RunLock, RunLocks};
pub(crate) use open::{keep_log_beside, private_file, private_folder};
pub use owners::Owner;
pub(crate) use place::objection;
pub use purge::{Purged, backups};
pub use receipts::RowReceipt;
pub use rekey::DoneRow;
pub use runs::{EndFilter, MadeTicket, RunInfo, RunMeta, RunState};
pub use steps::{
    Candidate, Control, Intent, SUSPECT, Said, SetSteps, Settlement, State, StepId, StepRecord,
    Trouble, UNKNOWN_CONTENT, Unsettled,
};
pub use sums::Checked;
pub use undo::{Rollback, TakingBack, UndoAfter, UndoState, Undoable};
pub use unmarked::{Fate, SentSince, Unmarked};

/// The name of the ledger's file in the state folder.
pub const FILE: &str = "ledger.sqlite";
/// The open ledger; cheap to clone. The last handle that goes waits for the last commit.
#[derive(Debug, Clone)]
pub struct Ledger {
    worker: Arc<Worker>,
    /// Its file; `None` in memory.
    file: Option<Arc<PathBuf>>,
    /// Whether it is the one that was last written here.
    age: Arc<Mutex<Age>>,
    /// The scopes of which an old one has learned all, by system, tenant and name.
    learned: Arc<Mutex<BTreeSet<[String; 3]>>>,
    held: lock::Held,
}

impl Ledger {
    /// Opens the ledger's file, made if it is not there (readable by its owner only), and checks that it is whole.
    ///
    /// # Errors
    /// When the folder cannot be written, the file is damaged or no ledger, or a newer program wrote it.
    pub fn open(path: &Path) -> Result<Self> {
        Self::opened(path, Care::Whole)
    }

    /// Opens it for a command that only shows what it holds and is expected to answer at once: of a large ledger it
    /// checks no more than it reads.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_to_read(path: &Path) -> Result<Self> {
        Self::opened(path, Care::Short)
    }

    fn opened(path: &Path, care: Care) -> Result<Self> {
        let (book, age, learned) = open::open(path, care)?;
        // Locks and the second file lie beside the file itself, whatever links lead to it.
        let file = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Ok(Self {
            worker: Arc::new(Worker::spawn(book, path.to_owned())?),
            file: Some(Arc::new(file)),
            age: Arc::new(Mutex::new(age)),
            learned: Arc::new(Mutex::new(learned)),
            held: lock::Held::default(),
        })
    }

    /// A ledger that is gone with its last handle: the twin for tests, which answers on the spot.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Self> {
        let trouble = |error: &rusqlite::Error| worker::trouble(":memory:", error);
        let mut connection = Connection::open_in_memory().map_err(|error| trouble(&error))?;
        schema::migrate(&mut connection).map_err(|unfit| open::told(":memory:", unfit))?;
        let book = Book::open(connection).map_err(|error| trouble(&error))?;
        Ok(Self {
            worker: Arc::new(Worker::inline(book)),
            file: None,
            age: Arc::new(Mutex::new(Age::Current)),
            learned: Arc::default(),
            held: lock::Held::default(),
        })
    }

    /// Whether it is the ledger that was last written here, or perhaps an older one: a backup that was put back, or one
    /// whose last writes are lost.
    pub fn age(&self) -> Age {
        (self.age.lock().unwrap_or_else(PoisonError::into_inner)).clone()
    }

    /// Lets runs begin although the ledger may be an older one: what is missing in it was learned from the system, or a
    /// person says that nothing is.
    pub fn trust(&self) {
        let mut age = self.age.lock().unwrap_or_else(PoisonError::into_inner);
        *age = Age::Trusted;
    }

    /// Lets a run begin that learns from the system what is missing. A ledger that may be an older one stays so, also when
    /// the process dies, but for the scopes that it [has learned](Self::has_learned).
    pub fn learn(&self) {
        let mut age = self.age.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*age, Age::Doubtful(_)) {
            *age = Age::Learning;
        }
    }

    /// An old ledger has seen all that was made in a scope. Others may have been sent further than it knows.
    pub fn has_learned(&self, system: &str, tenant: &str, scope: &str) {
        let mut learned = (self.learned.lock()).unwrap_or_else(PoisonError::into_inner);
        learned.insert([system, tenant, scope].map(str::to_owned));
    }

    /// Whether an old ledger has learned all of every scope that it holds.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn has_learned_all(&self) -> Result<bool> {
        let held = self.read(runs::scopes).await?;
        let learned = (self.learned.lock()).unwrap_or_else(PoisonError::into_inner);
        Ok(!held.is_empty() && held.iter().all(|names| learned.contains(names)))
    }

    /// What the second file is to keep of its age.
    fn lessons(&self) -> generation::Lessons {
        match self.age() {
            Age::Current | Age::Trusted => generation::Lessons::default(),
            Age::Doubtful(_) | Age::Learning => generation::Lessons {
                learning: true,
                learned: (self.learned.lock().unwrap_or_else(PoisonError::into_inner)).clone(),
            },
        }
    }

    /// Refuses a ledger that may be an older one, for a scope by system, tenant and name.
    ///
    /// # Errors
    /// When it may be: why, and what to do.
    pub fn is_current(&self, names: &[String; 3]) -> Result<()> {
        let Age::Doubtful(why) = self.age() else {
            return Ok(());
        };
        let learned = (self.learned.lock()).unwrap_or_else(PoisonError::into_inner);
        if learned.contains(names) {
            return Ok(());
        }
        let error = Error::usage(format!(
            "the ledger may be an older one than the one that was last used here: {why}"
        ));
        let error = match &self.file {
            Some(file) => error.at(file.display()),
            None => error,
        };
        Err(error
            .hint("learn from the system what was made since: deskferry runs adopt INPUT --mapping FILE, and where to")
            .hint("or pass `--trust-ledger` if you know that nothing was sent since it was written"))
    }

    /// Reads all of it: pages, indexes, scopes, and the checksum of every step.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub async fn check(&self) -> Result<Checked> {
        self.read(sums::check_all).await
    }

    /// The folder that it lies in; `None` in memory.
    fn folder(&self) -> Option<PathBuf> {
        let file = self.file.as_deref()?;
        file.parent().map(Path::to_owned)
    }

    /// Makes sure that the locks are those of a run's scope, and notes that no attempt at a run of it is under way here: the
    /// lock would otherwise be taken for that of one whose process is gone.
    async fn locked_for(&self, locks: &RunLocks, code: &str) -> Result<()> {
        let run = self.run(code).await?;
        let names = [run.system, run.tenant, run.scope];
        locks.match_names(&names, self.folder().as_deref())?;
        let host = lock::host();
        self.worker
            .call(Kind::Write, move |c| runs::end_dead(c, &names, &host))
            .await
    }

    /// The ids of the tickets of a tenant that were made last, by any scope.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn made_last(&self, system: &str, tenant: &str, most: u32) -> Result<Vec<String>> {
        let names = [system, tenant].map(str::to_owned);
        self.read(move |c| steps::made_last(c, &names[0], &names[1], most))
            .await
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

    /// All attempts at all runs, the latest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn runs(&self) -> Result<Vec<RunInfo>> {
        let mut runs = self.read(runs::all).await?;
        let (here, now) = (lock::host(), Timestamp::now());
        for run in &mut runs {
            if run.state != RunState::Running {
                continue;
            }
            // A process that is gone could not note its end: its lock went with it.
            let is_locked = match run.host.is_empty() || run.host == here {
                true => self.is_locked(&run.system, &run.tenant, &run.scope),
                false => None,
            };
            run.is_gone = match is_locked {
                Some(is_locked) => !is_locked,
                None => runs::is_silent(run.beat, now),
            };
        }
        Ok(runs)
    }

    /// The attempt of that code.
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

    /// Counts up, on the disk before this returns: from now on an older ledger is told from this one. One that may be an
    /// older one itself stays so.
    async fn count_up(&self) -> Result<()> {
        if matches!(self.age(), Age::Doubtful(_)) {
            return Ok(());
        }
        let (file, again) = (self.file.clone(), self.file.clone());
        let path = |file: Option<Arc<PathBuf>>| file.map(|file| file.as_path().to_owned());
        let write = Kind::Write;
        (self.worker)
            .call(write, move |c| generation::count(c, path(file).as_deref()))
            .await?;
        (self.worker)
            .call(write, move |c| {
                generation::follow(c, path(again).as_deref(), generation::Lessons::default())
            })
            .await
    }

    async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.worker.call(Kind::Read, work).await
    }
}

/// The name space of the identities of scopes: ours.
const NAMESPACE: Uuid = Uuid::from_u128(0x0c5d_3f1e_8d9b_4f0a_9e5b_1c6b_7b3a_52d4);

/// The name space of the keys of one mapping at one tenant.
#[derive(Debug, Clone)]
pub struct Scope {
    ledger: Ledger,
    names: [String; 3],
    id: Option<i64>,
}

impl Scope {
    /// What identifies it for ever, whatever ledger knows it: made of the names of system, tenant and scope.
    pub fn identity(&self) -> Uuid {
        // A name holds no line break.
        Uuid::new_v5(&NAMESPACE, self.names.join("\n").as_bytes())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.names[2]
    }

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
            Some(id) => self.ledger.read(move |c| asked::unsettled(c, id)).await,
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

    /// The codes of the attempts that were made at the run to which a start would belong.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn attempts(&self, meta: &RunMeta) -> Result<HashSet<String>> {
        let Some(id) = self.id else {
            return Ok(HashSet::new());
        };
        let (belongs, input) = (meta.belongs.clone(), meta.input_print.clone());
        self.ledger
            .read(move |c| attempts::codes_of_next(c, id, &belongs, &input))
            .await
    }

    /// Up to which time, on the system's clock, the system was looked at for tickets of this scope. Where it never was,
    /// the time of the last intent; `None` where there is none either.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn looked_until(&self) -> Result<Option<Timestamp>> {
        let Some(id) = self.id else { return Ok(None) };
        self.ledger
            .read(move |c| {
                let until: Option<i64> = c.query_row(
                    "SELECT looked_until FROM scope WHERE id = ?1",
                    [id],
                    |row| row.get(0),
                )?;
                let until = match until {
                    Some(until) => Some(until),
                    None => sums::verify_total(c, id)?.last_sent,
                };
                Ok(until.map(steps::moment))
            })
            .await
    }

    /// Begins a run, with the locks of this scope, which it holds until its last handle goes. All steps of the scope are
    /// counted first.
    ///
    /// # Errors
    /// When the locks are those of another scope, the ledger may be an older one ([`Ledger::is_current`]), steps are
    /// missing, or it cannot be written.
    pub async fn start_run(&self, locks: &RunLocks, meta: RunMeta) -> Result<ActiveRun> {
        locks.are_for(self)?;
        self.ledger.is_current(&self.names)?;
        let names = self.names.clone();
        let file = self.ledger.file.clone();
        let lessons = self.ledger.lessons();
        let learning = lessons.learning;
        let (scope, id, code) = self
            .ledger
            .worker
            .call(Kind::Write, move |c| {
                let scope = runs::make_scope(c, &names[0], &names[1], &names[2])?;
                sums::verify_total(c, scope)?;
                let host = lock::host();
                let (id, code) = runs::start(c, scope, &meta, &host, Timestamp::now())?;
                generation::begin(c, file.as_deref().map(PathBuf::as_path), lessons)?;
                Ok((scope, id, code))
            })
            .await?;
        let run = ActiveRun {
            scope: Self {
                id: Some(scope),
                ..self.clone()
            },
            scope_id: scope,
            id,
            code,
            _locks: locks.clone(),
        };
        run.follow().await?;
        if !learning {
            self.ledger.trust();
        }
        Ok(run)
    }
}

#[cfg(test)]
mod attempts_tests;
#[cfg(test)]
mod old_tests;
#[cfg(test)]
mod tests;
