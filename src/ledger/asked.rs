//! What a run asks of the steps of its scope, beside those of a key.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::steps::{Control, State, StepId, Unsettled, micros, moment, place, print};
use super::sums::{CHECKED, verify};
use crate::mapping::reference::short;
use crate::record::RowKey;
use crate::systems::{CREATE, Print, Ticket};

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

/// A few tickets of a scope that rows made between two moments on the system's clock.
pub(super) fn made_between(
    connection: &Connection,
    scope: i64,
    (from, to): (Timestamp, Timestamp),
    limit: u32,
) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(&format!(
            "SELECT ticket, {CHECKED} FROM step
             WHERE scope = ?1 AND step = ?2 AND state = 2 AND ticket IS NOT NULL AND sent_at BETWEEN ?3 AND ?4 LIMIT ?5"
        ))?
        .query_map(params![scope, CREATE, micros(from), micros(to), limit], |row| {
            verify(row, 1)?;
            row.get(0)
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
