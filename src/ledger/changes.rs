//! The changes of a run, written in order.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::ends::StoredRow;
use super::steps::{
    Candidate, Intent, SUSPECT, SetSteps, Settlement, StepId, is_of_older_version, micros, moment,
};
use super::sums::{CHECKED, verify};
use crate::intake::Digest;
use crate::record::RowKey;
use crate::systems::shape::Known;
use crate::systems::{CREATE, Print, Ticket};

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
               OR (:to = 5 AND :doubted AND state IN (0, 3) AND (shape IS NOT NULL OR :error IS NOT NULL)))";

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
