//! What the ledger knows of the rows of a run, for their receipts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::attempts::OURS;
use super::steps::moment;
use super::sums::{CHECKED, verify};
use super::undo::taking_back;
use super::{Ledger, Run, State, StoredEnd};
use crate::error::Result;
use crate::record::RowKey;
use crate::systems::{CREATE, Operation, Ticket, call_of, is_update_step};

/// What is known of a row of a run by its key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowReceipt {
    /// How it ended last in this run; `None` where the run kept no end of it.
    pub end: Option<StoredEnd>,
    /// The ticket that it made, whichever run did.
    pub ticket: Option<Ticket>,
    /// Whether another run made it.
    pub is_of_another: bool,
    /// Whether all that was to be done for it is done.
    pub is_done: bool,
    /// Whether its ticket was taken back by a rollback.
    pub is_undone: bool,
    /// Whether a person decided that it is not to be sent.
    pub is_by_hand: bool,
    /// When it was settled: by the clock of the system where that said so, else by ours.
    pub at: Option<Timestamp>,
}

impl Ledger {
    /// How many steps an attempt has done, by the name of the call: those that make or change the tickets of `operation`
    /// themselves left out, and those of an upsert that are noted as done with the ticket that was made.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn steps_done(
        &self,
        attempt: &str,
        operation: Operation,
    ) -> Result<BTreeMap<String, u64>> {
        let attempt = attempt.to_owned();
        self.read(move |c| {
            let mut done = BTreeMap::new();
            let mut steps = c.prepare_cached(
                "SELECT step.step, count(*) FROM step JOIN run ON run.id = step.run AND run.scope = step.scope
                 WHERE run.code = ?1 AND step.state = 2 GROUP BY step.step",
            )?;
            let mut rows = steps.query([attempt])?;
            while let Some(row) = rows.next()? {
                let step = row.get_ref(0)?.as_str()?;
                if step == CREATE || step == operation.as_str() || is_update_step(step) {
                    continue;
                }
                let count: i64 = row.get(1)?;
                *done.entry(call_of(step).to_owned()).or_insert(0) +=
                    u64::try_from(count).unwrap_or_default();
            }
            Ok(done)
        })
        .await
    }

    /// What is known of the rows with these keys, one each.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn receipts(&self, run: &Run, keys: Vec<RowKey>) -> Result<Vec<RowReceipt>> {
        let codes = serde_json::json!(run.codes()).to_string();
        self.read(move |c| receipts(c, &codes, &keys)).await
    }
}

fn receipts(c: &Connection, codes: &str, keys: &[RowKey]) -> rusqlite::Result<Vec<RowReceipt>> {
    let scope: Option<i64> = c
        .prepare_cached(&format!("SELECT max(scope) FROM run WHERE id IN {OURS}"))?
        .query_row([codes], |row| row.get(0))?;
    let Some(scope) = scope else {
        return Ok(vec![RowReceipt::default(); keys.len()]);
    };
    let latest: i64 = c
        .prepare_cached(&format!("SELECT max(id) FROM run WHERE id IN {OURS}"))?
        .query_row([codes], |row| row.get(0))?;
    let begun = taking_back(c, scope)?;
    keys.iter()
        .map(|key| {
            let mut receipt = steps(c, scope, key)?;
            receipt.is_of_another = receipt.ticket.is_some() && !is_ours(c, codes, scope, key)?;
            let kept = last_end(c, codes, key)?;
            // A later attempt that found the row done kept no end of it, and neither did a run that made it since.
            let made_since =
                |ended: Timestamp| receipt.is_of_another && receipt.at.is_some_and(|at| at > ended);
            let is_over = |run: i64, end: &StoredEnd, ended: Timestamp| {
                let was_open = matches!(
                    end,
                    StoredEnd::Rejected { .. }
                        | StoredEnd::Incomplete { .. }
                        | StoredEnd::InDoubt { .. }
                );
                was_open && receipt.is_done && (run != latest || made_since(ended))
            };
            if let Some((run, end, at)) = kept
                && !is_over(run, &end, at)
            {
                receipt.end = Some(end);
                receipt.at = receipt.at.or(Some(at));
            }
            if let Some(begun) = begun.get(key) {
                receipt.end = Some(StoredEnd::InDoubt {
                    reason: begun.reason(),
                });
            }
            if let Some((ticket, at)) = undone(c, codes, key)? {
                receipt.is_undone = true;
                receipt.at = Some(at);
                receipt.ticket.get_or_insert(ticket);
            }
            Ok(receipt)
        })
        .collect()
}

/// Whether an attempt of the run made the ticket of a row.
fn is_ours(c: &Connection, codes: &str, scope: i64, key: &RowKey) -> rusqlite::Result<bool> {
    c.prepare_cached(&format!(
        "SELECT count(*) FROM step WHERE scope = ?2 AND key = ?3 AND step = ?4 AND ordinal = 0 AND run IN {OURS}"
    ))?
    .query_row(params![codes, scope, key.as_str(), CREATE], |row| row.get(0))
}

/// What its steps say.
fn steps(c: &Connection, scope: i64, key: &RowKey) -> rusqlite::Result<RowReceipt> {
    let mut receipt = RowReceipt::default();
    let (mut count, mut open) = (0, 0);
    let mut steps = c.prepare_cached(&format!(
        "SELECT step, ordinal, state, settled_at, ticket, number, url, {CHECKED} FROM step
         WHERE scope = ?1 AND key = ?2"
    ))?;
    let mut rows = steps.query(params![scope, key.as_str()])?;
    while let Some(row) = rows.next()? {
        verify(row, 7)?;
        count += 1;
        let state: State = row.get(2)?;
        open += u32::from(!matches!(state, State::Done | State::Skipped));
        let settled: Option<i64> = row.get(3)?;
        receipt.at = receipt.at.max(settled.map(moment));
        if row.get_ref(0)?.as_str()? != CREATE || row.get::<_, i64>(1)? != 0 {
            continue;
        }
        receipt.is_by_hand = state == State::Skipped;
        if state == State::Done {
            receipt.ticket = Some(Ticket {
                id: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
                number: row.get(5)?,
                url: row.get(6)?,
                warnings: Vec::new(),
            });
        }
    }
    receipt.is_done = count > 0 && open == 0;
    Ok(receipt)
}

/// The last end of a row that the run kept, in which attempt, and when that ended.
fn last_end(
    c: &Connection,
    codes: &str,
    key: &RowKey,
) -> rusqlite::Result<Option<(i64, StoredEnd, Timestamp)>> {
    c.prepare_cached(&format!(
        "SELECT row_end.run, row_end.end, coalesce(run.ended, run.started)
         FROM row_end JOIN run ON run.id = row_end.run
         WHERE row_end.key = ?2 AND row_end.run IN {OURS} ORDER BY row_end.run DESC LIMIT 1"
    ))?
    .query_row(params![codes, key.as_str()], |row| {
        let end = serde_json::from_str(row.get_ref(1)?.as_str()?).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error.into())
        })?;
        Ok((row.get(0)?, end, moment(row.get(2)?)))
    })
    .optional()
}

/// The ticket of a row that the run made and that was rolled back, and when.
fn undone(
    c: &Connection,
    codes: &str,
    key: &RowKey,
) -> rusqlite::Result<Option<(Ticket, Timestamp)>> {
    c.prepare_cached(&format!(
        "SELECT ticket, at FROM undo WHERE run IN {OURS} AND key = ?2 AND state IN ('undone', 'gone')
         ORDER BY at DESC LIMIT 1"
    ))?
    .query_row(params![codes, key.as_str()], |row| {
        let ticket = Ticket {
            id: row.get(0)?,
            ..Ticket::default()
        };
        Ok((ticket, moment(row.get(1)?)))
    })
    .optional()
}
