//! The states of steps: what is asked before sending, and the changes that are written.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use serde::{Deserialize, Serialize};

use super::ends::StoredRow;
use super::sums::{CHECKED, verify};
use crate::intake::Digest;
use crate::mapping::reference::short;
use crate::record::{Place, RowKey};
use crate::systems::shape::Known;
use crate::systems::{CREATE, Print, Refusal, Ticket};

/// The state of a step. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i64)]
pub enum State {
    /// Known, and nothing is under way.
    Pending = 0,
    /// The intent is durable; the request may have left.
    Sending = 1,
    /// The system did it.
    Done = 2,
    /// The system refused it.
    Rejected = 3,
    /// There was nothing to do.
    Skipped = 4,
    /// Nobody knows.
    InDoubt = 5,
    /// Taken back by a rollback: the key is free.
    Undone = 6,
}

impl ToSql for State {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok((*self as i64).into())
    }
}

impl FromSql for State {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        use rusqlite::types::FromSqlError;
        Ok(match value.as_i64()? {
            0 => Self::Pending,
            1 => Self::Sending,
            2 => Self::Done,
            3 => Self::Rejected,
            4 => Self::Skipped,
            5 => Self::InDoubt,
            6 => Self::Undone,
            other => return Err(FromSqlError::OutOfRange(other)),
        })
    }
}

/// What was answered last when it was not success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The system refused.
    Refused(Refusal),
    /// Nobody knows: what happened.
    Doubt(String),
    /// Nobody knows: the system said that nothing was done, in a shape that is not proven.
    Said {
        /// The shape of the answer.
        shape: String,
        /// What it said.
        said: Said,
    },
}

/// What an answer said that is not believed before the row is looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// That the system refuses the request.
    Refused(Refusal),
    /// That the request goes again later, or another way: what was answered.
    Again(String),
    /// That we may not do this.
    Denied(String),
    /// A success that does not say that anything was done: what was answered.
    Accepted(String),
}

impl Said {
    /// What was said, for people.
    pub fn told(&self) -> String {
        match self {
            Self::Refused(refusal) => {
                format!(
                    "the system answered {}: {}",
                    refusal.status, refusal.message
                )
            }
            Self::Again(what) | Self::Accepted(what) => what.clone(),
            Self::Denied(what) => format!("the system does not let us do this: {what}"),
        }
    }
}

/// Which step of a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StepId {
    /// Its name.
    pub name: String,
    /// Which of several under that name, from 0.
    pub ordinal: u32,
}

/// The shape of a step of which nobody knows whether it was sent: its ticket was learned from the system.
pub const SUSPECT: &str = "";

/// The content of a row that nobody knows: its ticket was found by its marker (`runs adopt`).
pub const UNKNOWN_CONTENT: Digest = *b"content unknown!";

/// A step as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// Which.
    pub id: StepId,
    /// Its state.
    pub state: State,
    /// How many intents there were.
    pub attempt: u32,
    /// How often an answered request was settled as absent.
    pub absent: u32,
    /// Whether it ever was in doubt.
    pub doubted: bool,
    /// The hash of the last body; `None` before the first intent.
    pub payload: Option<Digest>,
    /// The hash of the mapped columns.
    pub content: Digest,
    /// The code of the run that wrote it last.
    pub run: String,
    /// Which row that was.
    pub place: Place,
    /// The reference in the ticket's text.
    pub reference: Option<String>,
    /// The collection or product that it went to.
    pub group: String,
    /// When its last intent was written, on the system's clock.
    pub sent_at: Option<Timestamp>,
    /// The ticket (of a create that is done).
    pub ticket: Option<Ticket>,
    /// The last answer that was no success.
    pub trouble: Option<Trouble>,
    /// How what was sent last will look when it is listed; `None` where an earlier version sent it, or nothing is made.
    pub print: Option<Print>,
    /// The shape in which the system said last that nothing was done: the request was sent, and is looked up before it
    /// is sent again.
    pub shape: Option<String>,
}

/// A request is about to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Whose.
    pub key: RowKey,
    /// Which step.
    pub step: StepId,
    /// The steps that follow in the same row: they are noted as open, so that the row is not done before they are.
    pub later: Vec<StepId>,
    /// Where the row stands.
    pub place: Place,
    /// The hash of the mapped columns.
    pub content: Digest,
    /// The hash of the body.
    pub payload: Digest,
    /// The reference that the body bears.
    pub reference: Option<String>,
    /// The collection or product that it goes to.
    pub group: String,
    /// How often an answered request was settled as absent before.
    pub absent: u32,
    /// Whether an earlier one was in doubt.
    pub doubted: bool,
    /// Whether a step that is done goes again where its body is another now: one that sets what it sets.
    pub redo: bool,
    /// The ticket that it is about, as far as it is known, where its row did not make it: by its id, or as the row
    /// names it.
    pub about: Option<String>,
    /// Steps of the row that hold no longer from now on: they are forgotten.
    pub stale: Vec<StepId>,
    /// How what the request makes will look when it is listed; `None`: it makes nothing, or nobody knows.
    pub print: Option<Print>,
    /// Now, on the system's clock.
    pub at: Timestamp,
}

#[cfg(test)]
impl Intent {
    /// That of the create of a row of `t.csv`, for tests.
    pub(crate) fn of_create(key: RowKey, row: u64) -> Self {
        Self {
            reference: Some(format!("s/{key}")),
            key,
            step: StepId {
                name: CREATE.to_owned(),
                ordinal: 0,
            },
            later: Vec::new(),
            place: Place {
                file: "t.csv".into(),
                sheet: None,
                row,
            },
            content: [1; 16],
            payload: [2; 16],
            group: "IT".to_owned(),
            absent: 0,
            doubted: false,
            redo: false,
            about: None,
            stale: Vec::new(),
            print: None,
            at: Timestamp::now(),
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Whose.
    pub key: RowKey,
    /// Which step.
    pub step: StepId,
    /// The state that it has now.
    pub to: State,
    /// The ticket, for a create that is done.
    pub ticket: Option<Ticket>,
    /// The answer, where it was no success.
    pub trouble: Option<Trouble>,
    /// Whether it was in doubt before.
    pub doubted: bool,
    /// Now, on the system's clock.
    pub at: Timestamp,
}

/// One change of the ledger.
#[derive(Debug, Clone)]
pub enum Change {
    /// A request is about to leave.
    Intend(Intent),
    /// What became of it.
    Settle(Settlement),
    /// An intent whose request never left: the step is pending again.
    Withdraw(RowKey, StepId),
    /// A record reached its end in this run.
    End(StoredRow),
    /// A row that was in doubt has been looked at long enough for doubles.
    Swept(RowKey),
    /// Steps that need no request: what they would set is set.
    Set(SetSteps),
    /// Tickets that may be the one that the create of a row in doubt has made, for a person to decide.
    Candidates(RowKey, Vec<Candidate>),
    /// Of a row that has its ticket nobody knows what followed: its steps are looked up before they are sent, and what an
    /// upsert sets is sent again. The time from which on they may have been made, and whether the mapping upserts.
    Suspect(RowKey, Timestamp, bool),
    /// The same of every row of the scope that has its ticket: the ledger may be older than what was sent.
    SuspectAll(bool),
    /// The ticket that a done row holds is not its own, or gone, and this one is: what followed was done on the other.
    Repoint(RowKey, Ticket),
    /// The ticket that a row was just given was learned of: no run of this ledger has made it.
    Known(RowKey, String),
    /// A ticket is gone, or was rolled back by a run that this ledger has forgotten: the key that holds it is free.
    Gone(String),
    /// The system was looked at for tickets of the scope that were made up to this time, on its clock.
    Looked(Timestamp),
    /// The run is under way still, and says so.
    Alive,
    /// In which shape the system said that nothing was done, of a step that is not done and was just settled or taken
    /// back.
    Told {
        /// Whose.
        key: RowKey,
        /// Which step.
        step: StepId,
        /// The shape.
        shape: String,
        /// Whether it goes again in this run without a look: then its duplicates are looked for at the end.
        again: bool,
    },
    /// What is known of a shape at the tenant.
    Shape(String, Known),
}

impl Change {
    /// Whose steps it changes.
    fn key(&self) -> Option<&RowKey> {
        match self {
            Self::Intend(intent) => Some(&intent.key),
            Self::Settle(settlement) => Some(&settlement.key),
            Self::Withdraw(key, _)
            | Self::Swept(key)
            | Self::Candidates(key, _)
            | Self::Suspect(key, ..)
            | Self::Repoint(key, _)
            | Self::Known(key, _)
            | Self::Told { key, .. } => Some(key),
            Self::Set(set) => Some(&set.key),
            Self::End(_)
            | Self::Looked(_)
            | Self::Alive
            | Self::Shape(..)
            | Self::Gone(_)
            | Self::SuspectAll(_) => None,
        }
    }
}

/// A ticket that may be the one that the create of a row in doubt has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The ticket.
    pub ticket: Ticket,
    /// Its title.
    pub title: Option<String>,
    /// When it was made, on the system's clock.
    pub created_at: Option<Timestamp>,
    /// Whether it bears the row's reference.
    pub is_marked: bool,
}

/// What is set on a ticket, as the steps that would set it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetSteps {
    /// Whose.
    pub key: RowKey,
    /// Where the row stands.
    pub place: Place,
    /// The hash of the mapped columns.
    pub content: Digest,
    /// The steps, with the hashes of their bodies.
    pub steps: Vec<(StepId, Digest)>,
    /// How what they made looks when it is listed, where that is known of one.
    pub print: Option<Print>,
    /// Now, on the system's clock.
    pub at: Timestamp,
}

/// A row whose last request nobody has settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// Whose.
    pub key: RowKey,
    /// Which step.
    pub step: StepId,
    /// Where the row stood.
    pub place: Place,
    /// Which run sent it.
    pub run: String,
}

/// A done ticket by which a listing shows that it can find tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// The id of the ticket.
    pub ticket: String,
    /// The reference that it bears.
    pub reference: String,
    /// The group in which it was made.
    pub group: String,
    /// When it was sent, on the system's clock; `None` where the ledger knows only when the system says that it was made.
    pub sent_at: Option<Timestamp>,
    /// How it was to look; `None` where an earlier version sent it.
    pub print: Option<Print>,
}

pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(super) fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The digest of a stored blob.
fn digest(bytes: &[u8]) -> FromSqlResult<Digest> {
    bytes
        .try_into()
        .map_err(|_| rusqlite::types::FromSqlError::InvalidBlobSize {
            expected_size: 16,
            blob_size: bytes.len(),
        })
}

pub(super) fn place(row: &Row<'_>, first: usize) -> rusqlite::Result<Place> {
    Ok(Place {
        file: row.get_ref(first)?.as_str()?.into(),
        sheet: row.get_ref(first + 1)?.as_str_or_null()?.map(Into::into),
        row: u64::try_from(row.get::<_, i64>(first + 2)?).unwrap_or_default(),
    })
}

const STATES: &str = "
    SELECT step.step, ordinal, step.state, attempt, absent, doubted, payload, content, run.code,
           file, sheet, row, reference, grp, sent_at, ticket, number, url, error, print, shape";

/// The steps of each key, in no order; a key that was never seen has none.
pub(super) fn states(
    connection: &Connection,
    scope: i64,
    keys: &[RowKey],
) -> rusqlite::Result<Vec<Vec<StepRecord>>> {
    let mut statement = connection.prepare_cached(&format!(
        "{STATES}, {CHECKED} FROM step JOIN run ON run.id = step.run WHERE step.scope = ?1 AND key = ?2"
    ))?;
    let mut look = |key: &RowKey| {
        statement
            .query_map(params![scope, key.as_str()], record)?
            .collect::<rusqlite::Result<Vec<_>>>()
    };
    keys.iter()
        .map(|key| {
            let found = look(key)?;
            match key.old_spelling().filter(|_| found.is_empty()) {
                Some(old) if is_of_older_version(connection, scope, &old)? => look(&old),
                _ => Ok(found),
            }
        })
        .collect()
}

/// Whether an older version wrote the steps of a key: it did not tell the parts of compound keys apart.
pub(super) fn is_of_older_version(
    connection: &Connection,
    scope: i64,
    key: &RowKey,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM step JOIN run ON run.id = step.run
                            WHERE step.scope = ?1 AND key = ?2 AND run.host = '')",
        )?
        .query_row(params![scope, key.as_str()], |row| row.get(0))
}

/// Gives the steps that an older version wrote for a compound key the spelling of today, before they are changed.
fn respell(connection: &Connection, scope: i64, key: &RowKey) -> rusqlite::Result<()> {
    let Some(old) = key.old_spelling() else {
        return Ok(());
    };
    let is_known: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM step WHERE scope = ?1 AND key = ?2)")?
        .query_row(params![scope, key.as_str()], |row| row.get(0))?;
    if !is_known && is_of_older_version(connection, scope, &old)? {
        super::rekey::rekey(connection, scope, &HashMap::from([(old, key.clone())]))?;
    }
    Ok(())
}

fn record(row: &Row<'_>) -> rusqlite::Result<StepRecord> {
    verify(row, 21)?;
    let ticket = row
        .get::<_, Option<String>>(15)?
        .map(|id| {
            Ok::<_, rusqlite::Error>(Ticket {
                id,
                number: row.get(16)?,
                url: row.get(17)?,
                warnings: Vec::new(),
            })
        })
        .transpose()?;
    let trouble = row
        .get_ref(18)?
        .as_str_or_null()?
        .and_then(|text| serde_json::from_str(text).ok());
    Ok(StepRecord {
        id: StepId {
            name: row.get(0)?,
            ordinal: row.get(1)?,
        },
        state: row.get(2)?,
        attempt: row.get(3)?,
        absent: row.get(4)?,
        doubted: row.get(5)?,
        payload: row.get_ref(6)?.as_blob_or_null()?.map(digest).transpose()?,
        content: digest(row.get_ref(7)?.as_blob()?)?,
        run: row.get(8)?,
        place: place(row, 9)?,
        reference: row.get(12)?,
        group: row.get(13)?,
        sent_at: row.get::<_, Option<i64>>(14)?.map(moment),
        ticket,
        trouble,
        print: print(row, 19)?,
        shape: row.get(20)?,
    })
}

/// One that cannot be read is as good as none: less is proven by it.
pub(super) fn print(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Print>> {
    let text = row.get_ref(at)?.as_str_or_null()?;
    Ok(text.and_then(|text| serde_json::from_str(text).ok()))
}

/// Writes changes in order. Returns the keys of intents that came too late: the step is done already, or another run
/// that is under way is sending it.
pub(super) fn apply(
    connection: &Connection,
    scope: i64,
    run: i64,
    changes: &[Change],
) -> rusqlite::Result<Vec<RowKey>> {
    super::runs::is_alive(connection, run)?;
    let mut late = Vec::new();
    for change in changes {
        if let Some(key) = change.key() {
            respell(connection, scope, key)?;
        }
        match change {
            Change::Intend(intent) => {
                if !intend(connection, scope, run, intent)? {
                    late.push(intent.key.clone());
                }
            }
            Change::Settle(settlement) => settle(connection, scope, settlement)?,
            Change::Withdraw(key, step) => withdraw(connection, scope, key, step)?,
            Change::End(row) => super::runs::put_end(connection, run, row)?,
            Change::Swept(key) => swept(connection, scope, key)?,
            Change::Set(set) => put_set(connection, scope, run, set)?,
            Change::Candidates(key, found) => candidates(connection, scope, key, found)?,
            Change::Suspect(key, from, upserts) => {
                suspect(connection, scope, key, *from)?;
                if *upserts {
                    forget_what_made(connection, scope, key)?;
                }
            }
            Change::SuspectAll(upserts) => suspect_all(connection, scope, *upserts)?,
            Change::Repoint(key, ticket) => repoint(connection, scope, key, ticket)?,
            Change::Known(key, ticket) => known(connection, scope, run, (key, ticket))?,
            Change::Gone(ticket) => gone(connection, scope, ticket)?,
            Change::Looked(until) => looked(connection, scope, *until)?,
            Change::Alive => {}
            Change::Told {
                key,
                step,
                shape,
                again,
            } => told(connection, scope, (key, step), shape, *again)?,
            Change::Shape(shape, known) => {
                super::shapes::put_of_scope(connection, scope, shape, known)?;
            }
        }
    }
    Ok(late)
}

/// What was heard of an earlier request is forgotten: it is not said of the one that leaves now.
const INTEND: &str = "
    INSERT INTO step (scope, key, step, ordinal, state, attempt, absent, doubted, payload, content, run,
                      file, sheet, row, reference, grp, about, sent_at, print)
    VALUES (:scope, :key, :step, :ordinal, 1, 1, :absent, :doubted, :payload, :content, :run,
            :file, :sheet, :row, :reference, :grp, :about, :at, :print)
    ON CONFLICT (scope, key, step, ordinal) DO UPDATE SET
        state = 1, attempt = attempt + 1, absent = excluded.absent, payload = excluded.payload,
        content = excluded.content, run = excluded.run, file = excluded.file, sheet = excluded.sheet,
        row = excluded.row, reference = excluded.reference, grp = excluded.grp, about = excluded.about, sent_at = excluded.sent_at,
        settled_at = NULL, print = excluded.print, candidates = NULL, shape = NULL,
        ticket = CASE step.state WHEN 6 THEN NULL ELSE ticket END,
        number = CASE step.state WHEN 6 THEN NULL ELSE number END,
        url = CASE step.state WHEN 6 THEN NULL ELSE url END,
        error = NULL,
        doubted = step.doubted OR excluded.doubted
    WHERE (step.state <> 2 OR (:redo AND step.payload IS NOT excluded.payload))
        AND NOT (step.state = 1 AND step.run <> excluded.run
                 AND EXISTS (SELECT 1 FROM run WHERE run.id = step.run AND run.state = 'running'))";

const OPEN: &str = "
    INSERT OR IGNORE INTO step (scope, key, step, ordinal, state, attempt, absent, doubted, content, run,
                                file, sheet, row, grp)
    VALUES (:scope, :key, :step, :ordinal, 0, 0, 0, 0, :content, :run, :file, :sheet, :row, :grp)";

fn intend(
    connection: &Connection,
    scope: i64,
    run: i64,
    intent: &Intent,
) -> rusqlite::Result<bool> {
    let row = i64::try_from(intent.place.row).unwrap_or(i64::MAX);
    let written = connection.prepare_cached(INTEND)?.execute(named_params! {
        ":scope": scope,
        ":key": intent.key.as_str(),
        ":step": intent.step.name,
        ":ordinal": intent.step.ordinal,
        ":absent": intent.absent,
        ":doubted": intent.doubted,
        ":payload": intent.payload,
        ":content": intent.content,
        ":run": run,
        ":file": &*intent.place.file,
        ":sheet": intent.place.sheet.as_deref(),
        ":row": row,
        ":reference": intent.reference,
        ":grp": intent.group,
        ":about": intent.about,
        ":print": intent.print.as_ref().map(stored),
        ":redo": intent.redo,
        ":at": micros(intent.at),
    })?;
    if written == 1 {
        forget(connection, scope, &intent.key, &intent.stale)?;
    }
    for step in &intent.later {
        connection.prepare_cached(OPEN)?.execute(named_params! {
            ":scope": scope,
            ":key": intent.key.as_str(),
            ":step": step.name,
            ":ordinal": step.ordinal,
            ":content": intent.content,
            ":run": run,
            ":file": &*intent.place.file,
            ":sheet": intent.place.sheet.as_deref(),
            ":row": row,
            ":grp": intent.group,
        })?;
    }
    Ok(written == 1)
}

/// As the ledger keeps it.
fn stored(print: &Print) -> String {
    serde_json::to_string(print).expect("strings and numbers have a JSON form")
}

fn forget(
    connection: &Connection,
    scope: i64,
    key: &RowKey,
    steps: &[StepId],
) -> rusqlite::Result<()> {
    for step in steps {
        connection
            .prepare_cached(
                "DELETE FROM step WHERE scope = ?1 AND key = ?2 AND step = ?3 AND ordinal = ?4",
            )?
            .execute(params![scope, key.as_str(), step.name, step.ordinal])?;
    }
    Ok(())
}

/// A step that was sent keeps its row and run: whose it was counts.
const SET: &str = "
    INSERT INTO step (scope, key, step, ordinal, state, attempt, absent, doubted, payload, content, run,
                      file, sheet, row, grp, settled_at, print)
    VALUES (:scope, :key, :step, :ordinal, 2, 0, 0, 0, :payload, :content, :run, :file, :sheet, :row, '', :at, :print)
    ON CONFLICT (scope, key, step, ordinal) DO UPDATE SET
        state = 2, payload = excluded.payload, content = excluded.content, settled_at = excluded.settled_at,
        print = coalesce(excluded.print, print)";

fn put_set(connection: &Connection, scope: i64, run: i64, set: &SetSteps) -> rusqlite::Result<()> {
    for (step, payload) in &set.steps {
        connection.prepare_cached(SET)?.execute(named_params! {
            ":scope": scope,
            ":key": set.key.as_str(),
            ":step": step.name,
            ":ordinal": step.ordinal,
            ":payload": payload,
            ":content": set.content,
            ":run": run,
            ":file": &*set.place.file,
            ":sheet": set.place.sheet.as_deref(),
            ":row": i64::try_from(set.place.row).unwrap_or(i64::MAX),
            ":at": micros(set.at),
            ":print": set.print.as_ref().map(stored),
        })?;
    }
    Ok(())
}

const SETTLE: &str = "
    UPDATE step SET state = :to, ticket = coalesce(:ticket, ticket), number = coalesce(:number, number),
           url = coalesce(:url, url), error = coalesce(:error, error), settled_at = :at,
           doubted = doubted OR :doubted OR :to = 5
    WHERE scope = :scope AND key = :key AND step = :step AND ordinal = :ordinal
          AND (state IN (1, 5) OR (:to = 2 AND :doubted AND state IN (0, 3))
               OR (:to = 5 AND :doubted AND state IN (0, 3) AND shape IS NOT NULL))";

fn settle(connection: &Connection, scope: i64, settlement: &Settlement) -> rusqlite::Result<()> {
    let ticket = settlement.ticket.as_ref();
    let trouble = settlement.trouble.as_ref().map(|trouble| {
        serde_json::to_string(trouble).expect("strings and numbers have a JSON form")
    });
    connection.prepare_cached(SETTLE)?.execute(named_params! {
        ":scope": scope,
        ":key": settlement.key.as_str(),
        ":step": settlement.step.name,
        ":ordinal": settlement.step.ordinal,
        ":to": settlement.to,
        ":ticket": ticket.map(|ticket| &ticket.id),
        ":number": ticket.and_then(|ticket| ticket.number.as_ref()),
        ":url": ticket.and_then(|ticket| ticket.url.as_ref()),
        ":error": trouble,
        ":doubted": settlement.doubted,
        ":at": micros(settlement.at),
    })?;
    Ok(())
}

fn withdraw(
    connection: &Connection,
    scope: i64,
    key: &RowKey,
    step: &StepId,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE step SET state = 0 WHERE scope = ?1 AND key = ?2 AND step = ?3 AND ordinal = ?4 AND state = 1",
        )?
        .execute(params![scope, key.as_str(), step.name, step.ordinal])?;
    Ok(())
}

/// A step of that shape may have been sent, by whom and how nobody knows, whatever an older ledger says of it.
fn suspect(
    connection: &Connection,
    scope: i64,
    key: &RowKey,
    from: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE step SET shape = ?5, sent_at = coalesce(sent_at, ?4)
             WHERE scope = ?1 AND key = ?2 AND step <> ?3 AND state IN (0, 3)",
        )?
        .execute(params![scope, key.as_str(), CREATE, micros(from), SUSPECT])?;
    // What was done on a ticket that was taken back says nothing about the one that the row has now.
    connection
        .prepare_cached(
            "UPDATE step SET state = 0, payload = NULL, shape = ?5, sent_at = ?4
             WHERE scope = ?1 AND key = ?2 AND step <> ?3 AND state = 6",
        )?
        .execute(params![scope, key.as_str(), CREATE, micros(from), SUSPECT])?;
    connection
        .prepare_cached(
            "UPDATE step SET payload = NULL
             WHERE scope = ?1 AND key = ?2 AND substr(step, 1, 7) = 'update/' AND payload IS NOT NULL",
        )?
        .execute(params![scope, key.as_str()])?;
    Ok(())
}

/// One that the ledger held before stays that of the run that made it.
fn known(
    connection: &Connection,
    scope: i64,
    run: i64,
    (key, ticket): (&RowKey, &str),
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO known (ticket, scope)
             SELECT ticket, scope FROM step
             WHERE scope = ?1 AND key = ?2 AND step = ?3 AND ordinal = 0 AND state = 2 AND ticket = ?4 AND run = ?5",
        )?
        .execute(params![scope, key.as_str(), CREATE, ticket, run])?;
    Ok(())
}

fn gone(connection: &Connection, scope: i64, ticket: &str) -> rusqlite::Result<()> {
    let key: Option<String> = connection
        .prepare_cached(&format!(
            "SELECT key, {CHECKED} FROM step WHERE ticket = ?1 AND scope = ?2 AND step = ?3 AND state = 2"
        ))?
        .query_row(params![ticket, scope, CREATE], |row| {
            verify(row, 1)?;
            row.get(0)
        })
        .optional()?;
    if let Some(key) = key {
        super::inputs::free(connection, scope, &RowKey::new(key), "undone")?;
    }
    Ok(())
}

/// All rows whose create is done, by the time at which that was sent.
fn suspect_all(connection: &Connection, scope: i64, upserts: bool) -> rusqlite::Result<()> {
    let made: Vec<(RowKey, Option<i64>)> = connection
        .prepare_cached(&format!(
            "SELECT key, sent_at, {CHECKED} FROM step WHERE scope = ?1 AND step = ?2 AND state = 2"
        ))?
        .query_map(params![scope, CREATE], |row| {
            verify(row, 2)?;
            Ok((RowKey::new(row.get::<_, String>(0)?), row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for (key, sent_at) in made {
        suspect(connection, scope, &key, moment(sent_at.unwrap_or_default()))?;
        if upserts {
            forget_what_made(connection, scope, &key)?;
        }
    }
    Ok(())
}

fn repoint(
    connection: &Connection,
    scope: i64,
    key: &RowKey,
    ticket: &Ticket,
) -> rusqlite::Result<()> {
    let changed = connection
        .prepare_cached(
            "UPDATE step SET ticket = ?4, number = ?5, url = ?6, print = NULL, payload = ?7
             WHERE scope = ?1 AND key = ?2 AND step = ?3 AND state = 2",
        )?
        .execute(params![
            scope,
            key.as_str(),
            CREATE,
            ticket.id,
            ticket.number,
            ticket.url,
            Digest::default(),
        ])?;
    if changed == 0 {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE step SET state = 0, payload = NULL, shape = ?4,
                    sent_at = (SELECT made.sent_at FROM step AS made
                               WHERE made.scope = ?1 AND made.key = ?2 AND made.step = ?3)
             WHERE scope = ?1 AND key = ?2 AND step <> ?3 AND state <> 4",
        )?
        .execute(params![scope, key.as_str(), CREATE, SUSPECT])?;
    Ok(())
}

/// What a ticket was made of is not what it shows now: an upsert sets all of it once more.
fn forget_what_made(connection: &Connection, scope: i64, key: &RowKey) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE step SET payload = ?4 WHERE scope = ?1 AND key = ?2 AND step = ?3 AND state = 2",
        )?
        .execute(params![scope, key.as_str(), CREATE, Digest::default()])?;
    Ok(())
}

/// Up to which time, on the system's clock, the system was looked at for tickets of the scope.
fn looked(connection: &Connection, scope: i64, until: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE scope SET looked_until = ?2 WHERE id = ?1")?
        .execute(params![scope, micros(until)])?;
    super::sums::seal_scope(connection, scope)
}

fn told(
    connection: &Connection,
    scope: i64,
    (key, step): (&RowKey, &StepId),
    shape: &str,
    again: bool,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE step SET shape = ?5, doubted = CASE WHEN ?6 AND doubted = 0 THEN 1 ELSE doubted END
             WHERE scope = ?1 AND key = ?2 AND step = ?3 AND ordinal = ?4 AND state <> 2",
        )?
        .execute(params![scope, key.as_str(), step.name, step.ordinal, shape, again])?;
    Ok(())
}

/// `doubted` of a create that was in doubt: 1 until later runs need not look for its doubles any more, then 2.
fn swept(connection: &Connection, scope: i64, key: &RowKey) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE step SET doubted = 2 WHERE scope = ?1 AND key = ?2 AND step = ?3 AND doubted = 1",
        )?
        .execute(params![scope, key.as_str(), CREATE])?;
    Ok(())
}

fn candidates(
    connection: &Connection,
    scope: i64,
    key: &RowKey,
    found: &[Candidate],
) -> rusqlite::Result<()> {
    let text = (!found.is_empty())
        .then(|| serde_json::to_string(found).expect("strings and numbers have a JSON form"));
    connection
        .prepare_cached(
            "UPDATE step SET candidates = ?4 WHERE scope = ?1 AND key = ?2 AND step = ?3 AND ordinal = 0",
        )?
        .execute(params![scope, key.as_str(), CREATE, text])?;
    Ok(())
}

/// A row with a ticket that was in doubt once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubted {
    /// Whose.
    pub key: RowKey,
    /// The reference that its ticket bears.
    pub reference: String,
    /// The group of its ticket.
    pub group: String,
    /// When its last intent was written, on the system's clock.
    pub sent_at: Timestamp,
    /// Its ticket; empty where it has none.
    pub ticket: String,
    /// Whether a rollback has taken that back.
    pub is_undone: bool,
    /// How it was to look; `None` where nobody knows.
    pub print: Option<Print>,
}

impl Doubted {
    /// How many characters its description has, where that is known.
    pub(crate) fn length(&self) -> Option<usize> {
        self.print.as_ref().map(|print| print.length)
    }
}

/// The rows that have a ticket, or had one that a rollback took back, and were in doubt once, as far as nobody has looked
/// long enough for doubles.
pub(super) fn doubted(connection: &Connection, scope: i64) -> rusqlite::Result<Vec<Doubted>> {
    connection
        .prepare_cached(
            &format!("SELECT key, reference, sent_at, grp, coalesce(ticket, ''), state = 6, print, {CHECKED}
             FROM step INDEXED BY step_doubted
             WHERE scope = ?1 AND doubted = 1 AND step = ?2 AND state IN (2, 6) AND reference IS NOT NULL"),
        )?
        .query_map(params![scope, CREATE], |row| {
            verify(row, 7)?;
            Ok(Doubted {
                print: print(row, 6)?,
                key: RowKey::new(row.get::<_, String>(0)?),
                reference: row.get(1)?,
                sent_at: moment(row.get::<_, Option<i64>>(2)?.unwrap_or_default()),
                group: row.get(3)?,
                ticket: row.get(4)?,
                is_undone: row.get(5)?,
            })
        })?
        .collect()
}

/// The rows that were refused in one of these shapes.
pub(super) fn refused_in(
    connection: &Connection,
    scope: i64,
    shapes: &[String],
) -> rusqlite::Result<Vec<Doubted>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT key, reference, sent_at, grp, print, {CHECKED} FROM step
         WHERE scope = ?1 AND step = ?2 AND state = 3 AND shape = ?3 AND reference IS NOT NULL"
    ))?;
    let mut all = Vec::new();
    for shape in shapes {
        let rows = statement.query_map(params![scope, CREATE, shape], |row| {
            verify(row, 5)?;
            Ok(Doubted {
                key: RowKey::new(row.get::<_, String>(0)?),
                reference: row.get(1)?,
                sent_at: moment(row.get::<_, Option<i64>>(2)?.unwrap_or_default()),
                group: row.get(3)?,
                ticket: String::new(),
                is_undone: false,
                print: print(row, 4)?,
            })
        })?;
        for row in rows {
            all.push(row?);
        }
    }
    Ok(all)
}

/// Rows that were sent or in doubt and are not settled.
pub(super) fn unsettled(connection: &Connection, scope: i64) -> rusqlite::Result<Vec<Unsettled>> {
    connection
        .prepare_cached(&format!(
            "SELECT key, step.step, ordinal, file, sheet, row, run.code, {CHECKED}
             FROM step INDEXED BY step_unsettled JOIN run ON run.id = step.run
             WHERE step.scope = ?1 AND step.state IN (1, 5)"
        ))?
        .query_map([scope], |row| {
            verify(row, 7)?;
            Ok(Unsettled {
                key: RowKey::new(row.get::<_, String>(0)?),
                step: StepId {
                    name: row.get(1)?,
                    ordinal: row.get(2)?,
                },
                place: place(row, 3)?,
                run: row.get(6)?,
            })
        })?
        .collect()
}

/// Tickets in a group: the oldest that were sent since a moment, or the latest.
pub(super) fn controls(
    connection: &Connection,
    scope: i64,
    group: &str,
    since: Option<Timestamp>,
    limit: u32,
) -> rusqlite::Result<Vec<Control>> {
    let order = match since {
        Some(_) => "ASC",
        None => "DESC",
    };
    connection
        .prepare_cached(&format!(
            "SELECT ticket, reference, grp, CASE WHEN settled_at > sent_at THEN sent_at END, print, {CHECKED}
             FROM step
             WHERE scope = ?1 AND state = 2 AND grp = ?2 AND ticket IS NOT NULL AND reference IS NOT NULL
                   AND sent_at >= ?3
             ORDER BY sent_at {order} LIMIT ?4"
        ))?
        .query_map(params![scope, group, since.map_or(i64::MIN, micros), limit], |row| {
            verify(row, 5)?;
            Ok(Control {
                ticket: row.get(0)?,
                reference: row.get(1)?,
                group: row.get(2)?,
                sent_at: row.get::<_, Option<i64>>(3)?.map(moment),
                print: print(row, 4)?,
            })
        })?
        .collect()
}

/// The create of a row that the ledger knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// Whose.
    pub key: RowKey,
    /// How far it has come.
    pub state: State,
    /// Its ticket, once there is one.
    pub ticket: Option<Ticket>,
    /// Whether it ever was in doubt.
    pub doubted: bool,
    /// Whether the run that asks sent it.
    pub of_this_run: bool,
    /// Whether it was sent once, and the system said that nothing was done.
    pub was_denied: bool,
    /// The shape in which it said so.
    pub shape: Option<String>,
    /// How it was to look; `None` where nobody knows.
    pub print: Option<Print>,
}

impl Create {
    /// How many characters its description has, where that is known.
    pub(crate) fn length(&self) -> Option<usize> {
        self.print.as_ref().map(|print| print.length)
    }
}

/// What stands before each query for [`create`].
const CREATES: &str =
    "SELECT reference, key, state, ticket, number, url, doubted, step.run, step.shape, print";

fn create(row: &Row<'_>, run: i64) -> rusqlite::Result<(Option<String>, Create)> {
    verify(row, 10)?;
    let ticket = row.get::<_, Option<String>>(3)?.map(|id| {
        Ok::<_, rusqlite::Error>(Ticket {
            id,
            number: row.get(4)?,
            url: row.get(5)?,
            warnings: Vec::new(),
        })
    });
    let state: State = row.get(2)?;
    let shape: Option<String> = row.get(8)?;
    let create = Create {
        key: RowKey::new(row.get::<_, String>(1)?),
        state,
        ticket: ticket.transpose()?,
        doubted: row.get::<_, i64>(6)? != 0,
        of_this_run: row.get::<_, i64>(7)? == run,
        was_denied: shape.is_some() || state == State::Rejected,
        shape,
        print: print(row, 9)?,
    };
    Ok((row.get(0)?, create))
}

/// The creates whose tickets bear these references: by the key that a plain one names, among those under way, and only
/// for what is left in one pass over the scope.
pub(super) fn creates(
    connection: &Connection,
    (scope, run): (i64, i64),
    name: &str,
    mut references: HashSet<String>,
) -> rusqlite::Result<HashMap<String, Create>> {
    let mut found = HashMap::new();
    let mut one = connection.prepare_cached(&format!(
        "{CREATES}, {CHECKED} FROM step WHERE scope = ?1 AND key = ?2 AND step = ?3 AND ordinal = 0"
    ))?;
    let plain: Vec<String> = references
        .iter()
        .filter(|it| it.contains('/'))
        .cloned()
        .collect();
    for reference in plain {
        let key = reference
            .strip_prefix(name)
            .and_then(|it| it.strip_prefix('/'));
        let Some(key) = key else { continue };
        let known = one
            .query_row(params![scope, key, CREATE], |row| create(row, run))
            .optional()?;
        if let Some((_, create)) = known {
            references.remove(&reference);
            found.insert(reference, create);
        }
    }
    for narrow in [
        " INDEXED BY step_unsettled WHERE state IN (1, 5) AND",
        " WHERE",
    ] {
        if references.is_empty() {
            break;
        }
        let mut statement = connection.prepare_cached(&format!(
            "{CREATES}, {CHECKED} FROM step{narrow} scope = ?1 AND step = ?2 AND reference IS NOT NULL"
        ))?;
        let mut rows = statement.query(params![scope, CREATE])?;
        while let Some(row) = rows.next()? {
            let reference = row.get_ref(0)?.as_str()?;
            // Of a long description that is shown cut only the first line may be left, which bears the short form.
            let wanted = [
                references.take(reference),
                references.take(&*short(reference)),
            ];
            for wanted in wanted.into_iter().flatten() {
                found.insert(wanted, create(row, run)?.1);
            }
        }
    }
    Ok(found)
}
