//! The states of steps, and what is asked of those of a key before anything is sent.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::sums::{CHECKED, verify};
use crate::intake::Digest;
use crate::record::{Place, RowKey};
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

/// The ids of the tickets that were made last in a tenant, by any scope.
pub(super) fn made_last(
    connection: &Connection,
    system: &str,
    tenant: &str,
    most: u32,
) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT ticket FROM step
             WHERE scope IN (SELECT scope.id FROM scope JOIN tenant ON tenant.id = scope.tenant
                             WHERE tenant.system = ?1 AND tenant.name = ?2)
                 AND step = ?3 AND state = 2 AND ticket IS NOT NULL
             ORDER BY sent_at DESC LIMIT ?4",
        )?
        .query_map(params![system, tenant, CREATE, most], |row| row.get(0))?
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
