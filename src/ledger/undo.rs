//! What a rollback needs of the ledger: the tickets that a run made, and how far each has been taken back.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::ends::StoredEnd;
use super::inputs::free;
use super::steps::{micros, moment, place};
use super::sums::{CHECKED, verify};
use super::{Ledger, Run, RunLocks, Scope, UNKNOWN_CONTENT, worker::Kind};
use crate::error::Result;
use crate::record::{Place, RowKey};
use crate::systems::{CREATE, Ticket};

/// A ticket that a run made and that stands as far as the ledger knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoable {
    /// Which row made it.
    pub place: Place,
    /// The key of the row.
    pub key: RowKey,
    /// The ticket.
    pub ticket: Ticket,
    /// When its create was sent, on the system's clock: no later than it was made; `None` where the key has another ticket by
    /// now.
    pub sent: Option<Timestamp>,
    /// When its create was settled, on the system's clock; `None` in the same case.
    pub created: Option<Timestamp>,
    /// When its last step was settled, on the system's clock; one that was in doubt counts from when it was sent last, for
    /// looking at a ticket writes nothing on it.
    pub written: Option<Timestamp>,
    /// Whether it was ever in doubt: its create was settled later than it was made.
    pub doubted: bool,
    /// Whether a rollback has begun with it before.
    pub intended: bool,
    /// Whether it looked taken back before that: closed by the run's own mapping.
    pub was_undone: bool,
    /// Whether nobody knows that the run made it: a person named it (`runs settle`).
    pub is_known: bool,
    /// The attempt that made it.
    attempt: i64,
}

#[cfg(test)]
impl Undoable {
    /// One that was sent, created and written last at these times.
    pub(crate) fn at(sent: Timestamp, created: Timestamp, written: Timestamp) -> Self {
        Self {
            place: Place {
                file: "in.csv".into(),
                sheet: None,
                row: 2,
            },
            key: RowKey::new("k"),
            ticket: Ticket::default(),
            sent: Some(sent),
            created: Some(created),
            written: Some(written),
            doubted: false,
            intended: false,
            was_undone: false,
            is_known: false,
            attempt: 1,
        }
    }
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
    /// The request left, and nobody knows whether it was obeyed: why. What is stored stays [`Self::Sending`].
    Unknown(String),
}

impl UndoState {
    /// The stored word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Sending { .. } | Self::Unknown(_) => "sending",
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

/// Where the next page of the tickets of a run begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoAfter {
    /// After the row with this key.
    Row(RowKey),
    /// After this ticket, of those whose keys were given up (`--again`).
    GivenUp(String),
}

/// The rollback of one run, or of one attempt at it; cheap to clone.
#[derive(Debug, Clone)]
pub struct Rollback {
    ledger: Ledger,
    /// The attempts, as a JSON list of their ids.
    attempts: String,
    scope: i64,
    last_heard: Timestamp,
    /// Held as long as tickets are taken back.
    _locks: RunLocks,
}

impl Ledger {
    /// The rollback of a run, begun or not.
    ///
    /// # Errors
    /// When the locks are not those of its scope, or the ledger cannot be read.
    pub async fn rollback(&self, locks: &RunLocks, run: &Run) -> Result<Rollback> {
        let code = run.last().code.clone();
        self.locked_for(locks, &code).await?;
        self.count_up().await?;
        let codes = serde_json::json!(run.codes()).to_string();
        let (attempts, scope) = self
            .read(move |c| {
                c.query_row(
                    "SELECT json_group_array(id), max(scope) FROM run
                     WHERE code IN (SELECT value FROM json_each(?1))",
                    [codes],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
            })
            .await?;
        Ok(Rollback {
            ledger: self.clone(),
            attempts,
            scope,
            last_heard: run.last_heard(),
            _locks: locks.clone(),
        })
    }
}

impl Scope {
    /// The rows whose tickets a rollback has begun to take back, and of which nobody knows whether they are there still.
    /// Rows that the ledger holds as done are in doubt while they are among them.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn taking_back(&self) -> Result<HashMap<RowKey, TakingBack>> {
        let Some(id) = self.id else {
            return Ok(HashMap::new());
        };
        self.ledger.read(move |c| taking_back(c, id)).await
    }

    /// The same from a thread outside of the runtime.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn taking_back_blocking(&self) -> Result<HashMap<RowKey, TakingBack>> {
        let Some(id) = self.id else {
            return Ok(HashMap::new());
        };
        self.ledger
            .worker
            .call_blocking(Kind::Read, move |c| taking_back(c, id))
    }

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

/// A rollback that has begun with the ticket of a row, and whose outcome nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakingBack {
    /// The ticket.
    pub ticket: Ticket,
    /// The run that made it, by whose code it is taken back.
    pub run: String,
    /// Where the row stood.
    pub place: Place,
    /// The attempt that made it.
    pub(super) attempt: i64,
}

impl TakingBack {
    /// Why its row is in doubt, and what to do.
    pub fn reason(&self) -> String {
        format!(
            "a rollback has begun with its ticket `{}`, and nobody knows whether it was taken back: \
             `deskferry runs rollback {run}` finds out; or look at it, and decide with `deskferry runs settle {run}`",
            self.ticket.number.as_ref().unwrap_or(&self.ticket.id),
            run = self.run
        )
    }
}

/// The rows of a scope whose tickets a rollback has begun to take back, as far as the ledger still holds these.
pub(super) fn taking_back(
    c: &Connection,
    scope: i64,
) -> rusqlite::Result<HashMap<RowKey, TakingBack>> {
    c.prepare_cached(&format!(
        "SELECT step.key, step.ticket, step.number, step.url, step.file, step.sheet, step.row, undo.run,
                coalesce((SELECT code FROM run AS first WHERE first.id = run.job), run.code), {CHECKED}
         FROM undo JOIN run ON run.id = undo.run
         JOIN step ON step.scope = run.scope AND step.key = undo.key AND step.step = ?2 AND step.ordinal = 0
                      AND step.state = 2 AND step.ticket = undo.ticket
         WHERE undo.state = 'sending' AND run.scope = ?1"
    ))?
    .query_map(params![scope, CREATE], |row| {
        verify(row, 9)?;
        let taking_back = TakingBack {
            ticket: ticket(row)?,
            run: row.get(8)?,
            place: place(row, 4)?,
            attempt: row.get(7)?,
        };
        Ok((RowKey::new(row.get::<_, String>(0)?), taking_back))
    })?
    .collect()
}

/// What a person says of a ticket with which a rollback has begun: that it is there still, or that it is not. Says whether
/// that was open.
pub(super) fn settle(
    c: &Connection,
    (run, scope): (i64, i64),
    (key, ticket): (&RowKey, &str),
    is_there: bool,
) -> rusqlite::Result<bool> {
    let is_open: bool = c
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM undo WHERE run = ?1 AND key = ?2 AND ticket = ?3 AND state = 'sending')",
        )?
        .query_row(params![run, key.as_str(), ticket], |row| row.get(0))?;
    if is_open {
        let state = match is_there {
            true => UndoState::Kept("settled by hand: it is there".to_owned()),
            false => UndoState::Undone,
        };
        note(c, run, scope, key, ticket, &state)?;
    }
    Ok(is_open)
}

impl Rollback {
    /// When the run was heard of last, on our clock; it has written no later than this.
    pub fn last_heard(&self) -> Timestamp {
        self.last_heard
    }

    /// A page of the tickets that the run made and the ledger still holds, by their keys, and where to go on; `None` at
    /// the end. A ticket that was adopted, or made by another run, is none of them, whatever this run did to it.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn tickets(
        &self,
        after: Option<UndoAfter>,
        limit: u32,
    ) -> Result<Option<(Vec<Undoable>, UndoAfter)>> {
        let (attempts, scope) = (self.attempts.clone(), self.scope);
        self.ledger
            .read(move |c| {
                let given_up = match after {
                    Some(UndoAfter::GivenUp(ticket)) => ticket,
                    other => {
                        let key = match other {
                            Some(UndoAfter::Row(key)) => key,
                            _ => RowKey::new(""),
                        };
                        let page = held(c, &attempts, scope, &key, limit)?;
                        if let Some(last) = page.last() {
                            let last = UndoAfter::Row(last.key.clone());
                            return Ok(Some((page, last)));
                        }
                        String::new()
                    }
                };
                let page = given_up_after(c, &attempts, scope, &given_up, limit)?;
                let last = page.last().map(|last| last.ticket.id.clone());
                Ok(last.map(|last| (page, UndoAfter::GivenUp(last))))
            })
            .await
    }

    /// Those of these tickets that the run made and the ledger still holds, in no order.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn among(&self, tickets: Vec<String>) -> Result<Vec<Undoable>> {
        let (attempts, scope) = (self.attempts.clone(), self.scope);
        let tickets = serde_json::json!(tickets).to_string();
        self.ledger
            .read(move |c| {
                let mut found = c
                    .prepare_cached(&held_where(
                        "ticket IN (SELECT value FROM json_each(?2)) AND ?6 IS NULL",
                    ))?
                    .query_map(
                        params![
                            scope,
                            tickets,
                            CREATE,
                            UNKNOWN_CONTENT,
                            attempts,
                            None::<i64>
                        ],
                        held_row,
                    )?
                    .collect::<rusqlite::Result<Vec<_>>>()?;
                let given_up = c
                    .prepare_cached(&given_up_where(
                        "former.ticket IN (SELECT value FROM json_each(?2)) AND ?4 IS NULL",
                    ))?
                    .query_map(params![scope, tickets, attempts, None::<i64>], given_up_row)?
                    .collect::<rusqlite::Result<Vec<_>>>()?;
                found.extend(given_up);
                for one in &mut found {
                    begun(c, one)?;
                }
                Ok(found)
            })
            .await
    }

    /// The tickets of the run that were taken back, or found gone, by whatever rollback: each with its number, as far as the
    /// ledger knows it still.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn taken(&self) -> Result<Vec<(RowKey, Ticket)>> {
        let (attempts, scope) = (self.attempts.clone(), self.scope);
        self.ledger
            .read(move |c| {
                c.prepare_cached(
                    "SELECT undo.key, undo.ticket, step.number, step.url FROM undo
                     LEFT JOIN step ON step.scope = ?1 AND step.key = undo.key AND step.step = ?2 AND step.ordinal = 0
                                       AND step.ticket = undo.ticket
                     WHERE undo.run IN (SELECT value FROM json_each(?3)) AND undo.state IN ('undone', 'gone')",
                )?
                .query_map(params![scope, CREATE, attempts], |row| {
                    Ok((RowKey::new(row.get::<_, String>(0)?), ticket(row)?))
                })?
                .collect()
            })
            .await
    }

    /// How many tickets the run made that the ledger still holds.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn count(&self) -> Result<u64> {
        let (attempts, scope) = (self.attempts.clone(), self.scope);
        self.ledger
            .read(move |c| {
                let counted: i64 = c.query_row(
                    "SELECT (SELECT count(*) FROM step
                             WHERE scope = ?1 AND step = ?2 AND ordinal = 0 AND state = 2 AND ticket IS NOT NULL
                               AND content <> ?3 AND run IN (SELECT value FROM json_each(?4)))
                          + (SELECT count(*) FROM former
                             WHERE scope = ?1 AND why = 'again' AND run IN (SELECT value FROM json_each(?4)))",
                    params![scope, CREATE, UNKNOWN_CONTENT, attempts],
                    |row| row.get(0),
                )?;
                Ok(u64::try_from(counted).unwrap_or_default())
            })
            .await
    }

    /// Takes the intent for a ticket back: its request never left.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn withdraw(&self, of: &Undoable) -> Result<()> {
        let (run, key, ticket) = (of.attempt, of.key.clone(), of.ticket.id.clone());
        self.ledger
            .worker
            .call(Kind::Write, move |c| {
                c.prepare_cached(
                    "DELETE FROM undo WHERE run = ?1 AND key = ?2 AND ticket = ?3 AND state = 'sending'",
                )?
                .execute(params![run, key.as_str(), ticket])
                .map(drop)
            })
            .await
    }

    /// Notes how far a ticket has been taken back, durable before this returns. What is undone or gone frees its key.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn note(&self, of: &Undoable, state: UndoState) -> Result<()> {
        let (run, scope) = (of.attempt, self.scope);
        let (key, ticket) = (of.key.clone(), of.ticket.id.clone());
        self.ledger
            .worker
            .call(Kind::Write, move |c| {
                note(c, run, scope, &key, &ticket, &state)
            })
            .await
    }
}

/// What is read of the tickets that the ledger holds and that this picks: `?1` is the scope, `?3` the create, `?4` the
/// content that nobody knows, `?5` the attempts. What another run wrote later counts as somebody's: the change of a person
/// before that would be taken for the other run's.
fn held_where(pick: &str) -> String {
    format!(
        "SELECT key, ticket, number, url, file, sheet, row, sent_at, doubted, run,
                (SELECT max(CASE WHEN any.doubted THEN coalesce(any.sent_at, any.settled_at) ELSE any.settled_at END)
                 FROM step AS any WHERE any.scope = step.scope AND any.key = step.key
                        AND any.run IN (SELECT value FROM json_each(?5))),
                EXISTS (SELECT 1 FROM known WHERE known.ticket = step.ticket AND known.scope = step.scope),
                settled_at, {CHECKED}
         FROM step
         WHERE scope = ?1 AND {pick} AND step = ?3 AND ordinal = 0 AND state = 2 AND ticket IS NOT NULL
           AND content <> ?4 AND run IN (SELECT value FROM json_each(?5))"
    )
}

fn held_row(row: &Row<'_>) -> rusqlite::Result<Undoable> {
    verify(row, 13)?;
    Ok(Undoable {
        place: place(row, 4)?,
        key: RowKey::new(row.get::<_, String>(0)?),
        ticket: ticket(row)?,
        sent: row.get::<_, Option<i64>>(7)?.map(moment),
        created: row.get::<_, Option<i64>>(12)?.map(moment),
        written: row.get::<_, Option<i64>>(10)?.map(moment),
        doubted: row.get::<_, i64>(8)? != 0,
        intended: false,
        was_undone: false,
        is_known: row.get(11)?,
        attempt: row.get(9)?,
    })
}

/// The tickets that the ledger holds for the keys after this one, as far as one of the attempts has sent their creates.
fn held(
    c: &Connection,
    attempts: &str,
    scope: i64,
    after: &RowKey,
    limit: u32,
) -> rusqlite::Result<Vec<Undoable>> {
    let mut page = c
        .prepare_cached(&(held_where("key > ?2") + " ORDER BY key LIMIT ?6"))?
        .query_map(
            params![
                scope,
                after.as_str(),
                CREATE,
                UNKNOWN_CONTENT,
                attempts,
                limit
            ],
            held_row,
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for one in &mut page {
        begun(c, one)?;
    }
    Ok(page)
}

/// What is read of the tickets whose keys were given up and that this picks: `?1` is the scope, `?3` the attempts.
fn given_up_where(pick: &str) -> String {
    format!(
        "SELECT former.key, former.ticket, NULL, NULL, coalesce(row_end.file, ''), row_end.sheet,
                coalesce(row_end.row, 0), former.run, row_end.end
         FROM former LEFT JOIN row_end ON row_end.key = former.key AND row_end.run = former.run
         WHERE former.scope = ?1 AND {pick} AND former.why = 'again'
           AND former.run IN (SELECT value FROM json_each(?3))"
    )
}

fn given_up_row(row: &Row<'_>) -> rusqlite::Result<Undoable> {
    let mut ticket = ticket(row)?;
    let end: Option<StoredEnd> =
        (row.get_ref(8)?.as_str_or_null()?).and_then(|text| serde_json::from_str(text).ok());
    if let Some(kept) = end.as_ref().and_then(StoredEnd::ticket)
        && kept.id == ticket.id
    {
        ticket = kept.clone();
    }
    Ok(Undoable {
        place: place(row, 4)?,
        key: RowKey::new(row.get::<_, String>(0)?),
        ticket,
        sent: None,
        created: None,
        written: None,
        doubted: false,
        intended: false,
        was_undone: false,
        is_known: false,
        attempt: row.get(7)?,
    })
}

/// Tickets of the attempts whose keys were given up and whose rows were sent again: they stand beside newer ones.
fn given_up_after(
    c: &Connection,
    attempts: &str,
    scope: i64,
    after: &str,
    limit: u32,
) -> rusqlite::Result<Vec<Undoable>> {
    let mut page = c
        .prepare_cached(
            &(given_up_where("former.ticket > ?2") + " ORDER BY former.ticket LIMIT ?4"),
        )?
        .query_map(params![scope, after, attempts, limit], given_up_row)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for one in &mut page {
        begun(c, one)?;
    }
    Ok(page)
}

fn ticket(row: &Row<'_>) -> rusqlite::Result<Ticket> {
    Ok(Ticket {
        id: row.get(1)?,
        number: row.get(2)?,
        url: row.get(3)?,
        warnings: Vec::new(),
    })
}

/// Whether a rollback has begun with a ticket before.
fn begun(c: &Connection, one: &mut Undoable) -> rusqlite::Result<()> {
    let begun: Option<Option<String>> = c
        .prepare_cached(
            "SELECT why FROM undo WHERE run = ?1 AND key = ?2 AND ticket = ?3 AND state = 'sending'",
        )?
        .query_row(
            params![one.attempt, one.key.as_str(), one.ticket.id],
            |row| row.get(0),
        )
        .optional()?;
    one.intended = begun.is_some();
    one.was_undone = begun.is_some_and(|why| why.is_some());
    Ok(())
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
