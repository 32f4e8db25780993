//! What a rollback needs of the ledger: the tickets that a run made, and how far each has been taken back.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::ends::StoredEnd;
use super::inputs::free;
use super::steps::{micros, moment, place};
use super::sums::{CHECKED, verify};
use super::{Ledger, RunLocks, Scope, worker::Kind};
use crate::error::{Error, Result};
use crate::record::{Place, RowKey};
use crate::systems::{CREATE, Ticket};

/// A ticket that a run made and that stands as far as the ledger knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoable {
    /// Its number among the records of the run.
    pub ordinal: u64,
    /// Which row made it.
    pub place: Place,
    /// The key of the row.
    pub key: RowKey,
    /// The ticket.
    pub ticket: Ticket,
    /// When the create was settled, on the system's clock; `None` where the key has another ticket by now.
    pub created: Option<Timestamp>,
    /// When its last step was settled, on the system's clock.
    pub written: Option<Timestamp>,
    /// Whether it was ever in doubt: its create was settled later than it was made.
    pub doubted: bool,
    /// Whether a rollback has begun with it before.
    pub intended: bool,
    /// Whether it looked taken back before that: closed by the run's own mapping.
    pub was_undone: bool,
}

/// How far a ticket has been taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoState {
    /// The request may have left; whether the ticket looked taken back before it did.
    Sending {
        /// It did.
        was_undone: bool,
    },
    /// It is deleted or closed; the key is free.
    Undone,
    /// Somebody else had deleted it; the key is free.
    Gone,
    /// It was left alone: why.
    Kept(String),
    /// The system refused: why.
    Refused(String),
}

impl UndoState {
    /// The stored word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Sending { .. } => "sending",
            Self::Undone => "undone",
            Self::Gone => "gone",
            Self::Kept(_) => "kept",
            Self::Refused(_) => "refused",
        }
    }

    /// Why, where that is told.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Kept(why) | Self::Refused(why) => Some(why),
            Self::Sending { was_undone: true } => Some(WAS_UNDONE),
            _ => None,
        }
    }
}

/// What stands as the reason of an intent for a ticket that looked taken back before.
const WAS_UNDONE: &str = "it was closed before";

/// The rollback of one run; cheap to clone.
#[derive(Debug, Clone)]
pub struct Rollback {
    ledger: Ledger,
    run: i64,
    scope: i64,
    /// Held as long as tickets are taken back.
    _locks: RunLocks,
}

impl Ledger {
    /// The rollback of a run, begun or not.
    ///
    /// # Errors
    /// When there is no such run, the locks are not those of its scope, or the ledger cannot be read.
    pub async fn rollback(&self, locks: &RunLocks, code: &str) -> Result<Rollback> {
        self.locked_for(locks, code).await?;
        let wanted = code.to_owned();
        let found = self
            .read(move |c| {
                c.query_row(
                    "SELECT id, scope FROM run WHERE code = upper(?1)",
                    [wanted.trim()],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()
            })
            .await?;
        let (run, scope) =
            found.ok_or_else(|| Error::usage(format!("there is no run `{code}`")))?;
        Ok(Rollback {
            ledger: self.clone(),
            run,
            scope,
            _locks: locks.clone(),
        })
    }
}

impl Scope {
    /// The tickets that rollbacks took back: some systems can only close them, and their markers stay.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn taken_back(&self) -> Result<HashSet<String>> {
        let Some(id) = self.id else {
            return Ok(HashSet::new());
        };
        self.ledger
            .read(move |c| {
                c.prepare_cached("SELECT ticket FROM former WHERE scope = ?1 AND why = 'undone'")?
                    .query_map([id], |row| row.get(0))?
                    .collect()
            })
            .await
    }
}

impl Rollback {
    /// A page of the tickets that stand, in the order of the input, after the given ordinal, and the ordinal to go
    /// on after; `None` at the end.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn tickets(
        &self,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Option<(Vec<Undoable>, u64)>> {
        let (run, scope) = (self.run, self.scope);
        self.ledger
            .read(move |c| tickets(c, run, scope, after, limit))
            .await
    }

    /// Notes how far a ticket has been taken back, durable before this returns. What is undone or gone frees its key.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn note(&self, of: &Undoable, state: UndoState) -> Result<()> {
        let (run, scope) = (self.run, self.scope);
        let (key, ticket) = (of.key.clone(), of.ticket.id.clone());
        self.ledger
            .worker
            .call(Kind::Write, move |c| {
                note(c, run, scope, &key, &ticket, &state)
            })
            .await
    }
}

fn tickets(
    c: &Connection,
    run: i64,
    scope: i64,
    after: Option<u64>,
    limit: u32,
) -> rusqlite::Result<Option<(Vec<Undoable>, u64)>> {
    let after = after.map_or(-1, |after| i64::try_from(after).unwrap_or(i64::MAX));
    let mut ends = c.prepare_cached(
        "SELECT ordinal, key, end, file, sheet, row FROM row_end
         WHERE run = ?1 AND ordinal > ?2 AND state IN ('created', 'incomplete') AND key IS NOT NULL
         ORDER BY ordinal LIMIT ?3",
    )?;
    let rows: Vec<(u64, RowKey, String, Place)> = ends
        .query_map(params![run, after, limit], |row| {
            Ok((
                u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
                RowKey::new(row.get::<_, String>(1)?),
                row.get(2)?,
                place(row, 3)?,
            ))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let Some(last) = rows.last().map(|row| row.0) else {
        return Ok(None);
    };
    let mut standing = Vec::with_capacity(rows.len());
    for (ordinal, key, end, place) in rows {
        let end: Option<StoredEnd> = serde_json::from_str(&end).ok();
        let Some(ticket) = end.as_ref().and_then(StoredEnd::ticket).cloned() else {
            continue;
        };
        standing.extend(undoable(c, run, scope, (ordinal, key, place, ticket))?);
    }
    Ok(Some((standing, last)))
}

/// `None`: it was taken back, or the row was given to nobody knows whom.
fn undoable(
    c: &Connection,
    run: i64,
    scope: i64,
    (ordinal, key, place, ticket): (u64, RowKey, Place, Ticket),
) -> rusqlite::Result<Option<Undoable>> {
    let begun: Option<Option<String>> = c
        .prepare_cached(
            "SELECT why FROM undo WHERE run = ?1 AND key = ?2 AND ticket = ?3 AND state = 'sending'",
        )?
        .query_row(params![run, key.as_str(), ticket.id], |row| row.get(0))
        .optional()?;
    let of = |created: Option<i64>, written: Option<i64>, doubted: bool| Undoable {
        ordinal,
        place,
        key: key.clone(),
        ticket: ticket.clone(),
        created: created.map(moment),
        written: written.map(moment),
        doubted,
        intended: begun.is_some(),
        was_undone: begun.as_ref().is_some_and(Option::is_some),
    };
    let times = c
        .prepare_cached(
            &format!("SELECT settled_at, doubted,
                    (SELECT max(settled_at) FROM step AS any WHERE any.scope = ?1 AND any.key = ?2), {CHECKED}
             FROM step
             WHERE scope = ?1 AND key = ?2 AND step = ?4 AND ordinal = 0 AND state = 2 AND ticket = ?3"),
        )?
        .query_row(params![scope, key.as_str(), ticket.id, CREATE], |row| {
            verify(row, 3)?;
            Ok((row.get(0)?, row.get(2)?, row.get(1)?))
        })
        .optional()?;
    if let Some((created, written, doubted)) = times {
        return Ok(Some(of(created, written, doubted)));
    }
    // The key was given up and its row sent again: this ticket stands beside the newer one.
    let given_up: bool = c
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM former WHERE ticket = ?1 AND scope = ?2 AND why = 'again')",
        )?
        .query_row(params![ticket.id, scope], |row| row.get(0))?;
    Ok(given_up.then(|| of(None, None, false)))
}

fn note(
    c: &Connection,
    run: i64,
    scope: i64,
    key: &RowKey,
    ticket: &str,
    state: &UndoState,
) -> rusqlite::Result<()> {
    c.prepare_cached(
        "INSERT OR REPLACE INTO undo (run, key, ticket, state, why, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        run,
        key.as_str(),
        ticket,
        state.as_str(),
        state.why(),
        micros(Timestamp::now())
    ])?;
    if !matches!(state, UndoState::Undone | UndoState::Gone) {
        return Ok(());
    }
    let holds: bool = c
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM step WHERE scope = ?1 AND key = ?2 AND state = 2 AND ticket = ?3)",
        )?
        .query_row(params![scope, key.as_str(), ticket], |row| row.get(0))?;
    if holds {
        free(c, scope, key, "undone")?;
    } else {
        c.prepare_cached("UPDATE former SET why = 'undone' WHERE ticket = ?1 AND scope = ?2")?
            .execute(params![ticket, scope])?;
    }
    Ok(())
}
