//! A run that is under way: what it writes, and what it asks while it sends.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::Value;

use super::worker::Kind;
use super::{
    Change, Control, Create, DoneBeside, Doubted, Intent, Owner, RunLocks, RunState, Scope,
    Settlement, StepId, asked, beside, changes, generation, open, owners, runs,
};
use crate::error::Result;
use crate::record::RowKey;
use crate::systems::Ticket;

/// A run that is under way; cheap to clone.
#[derive(Debug, Clone)]
pub struct ActiveRun {
    pub(super) scope: Scope,
    pub(super) scope_id: i64,
    pub(super) id: i64,
    pub(super) code: String,
    /// Held as long as anything of the run is.
    pub(super) _locks: RunLocks,
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
        self.write(move |c| changes::apply(c, scope, run, &changes))
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

    /// Whose these tickets are, as far as the tenant's ledger holds them.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn owners(&self, tickets: Vec<String>) -> Result<HashMap<String, Owner>> {
        let scope = self.scope_id;
        self.scope
            .ledger
            .read(move |c| owners::owners(c, scope, &tickets))
            .await
    }

    /// What the ledger knows of the creates whose tickets bear these references, by the reference.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn creates(&self, references: HashSet<String>) -> Result<HashMap<String, Create>> {
        let of = (self.scope_id, self.id);
        let name = self.scope.names[2].clone();
        self.scope
            .ledger
            .read(move |c| asked::creates(c, of, &name, references))
            .await
    }

    /// The rows of this scope that have a ticket and were in doubt once, as far as doubles of them may still turn up.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn doubted(&self) -> Result<Vec<Doubted>> {
        let scope = self.scope_id;
        self.scope
            .ledger
            .read(move |c| asked::doubted(c, scope))
            .await
    }

    /// The rows of this scope that were refused in one of these shapes.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn refused_in(&self, shapes: Vec<String>) -> Result<Vec<Doubted>> {
        if shapes.is_empty() {
            return Ok(Vec::new());
        }
        let scope = self.scope_id;
        self.scope
            .ledger
            .read(move |c| asked::refused_in(c, scope, &shapes))
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
            .read(move |c| asked::controls(c, scope, &group, since, limit))
            .await
    }

    /// A few tickets of this scope that rows made between two moments on the system's clock.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn made_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<String>> {
        let scope = self.scope_id;
        self.scope
            .ledger
            .read(move |c| asked::made_between(c, scope, (from, to), limit))
            .await
    }

    /// What the ledger holds as done of the calls of one kind: on a ticket (by its id, or by the number by which rows name
    /// it), and a few on others.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn beside(&self, call: &str, ticket: &Ticket) -> Result<DoneBeside> {
        let (scope, call, ticket) = (self.scope_id, call.to_owned(), ticket.clone());
        self.scope
            .ledger
            .read(move |c| beside::beside(c, scope, &call, &ticket))
            .await
    }

    /// Ends the run with its totals.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn finish(&self, state: RunState, totals: Value) -> Result<()> {
        let run = self.id;
        self.write(move |c| {
            runs::finish(c, run, state, &totals, Timestamp::now())?;
            generation::end(c)
        })
        .await?;
        self.follow().await
    }

    /// Lets the ledger's second file say what the ledger says by now.
    pub(super) async fn follow(&self) -> Result<()> {
        let file = self.scope.ledger.file.clone();
        let lessons = self.scope.ledger.lessons();
        self.write(move |c| {
            open::keep_wal(c, generation::is_open(c)?)?;
            generation::follow(c, file.as_deref().map(PathBuf::as_path), lessons)
        })
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
