//! Rows in doubt that a person decides.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::attempts::{OURS, note_known};
use super::ends::StoredEnd;
use super::owners::{Owner, owners};
use super::steps::{Candidate, StepId, Trouble, micros, moment, place};
use super::sums::{CHECKED, verify};
use super::{Ledger, Run, RunLocks, undo, worker::Kind};
use crate::error::Result;
use crate::record::{Place, RowKey};
use crate::systems::{CREATE, Ticket, update_step};

const RESENT: &str = "settled by hand: it is sent again by the next run";
const NOT_SENT: &str = "settled by hand: it is not sent";

/// A step of which nobody knows whether the system did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubtful {
    /// Where the row stood.
    pub place: Place,
    /// Its key.
    pub key: RowKey,
    /// The step.
    pub step: StepId,
    /// When its last intent was written, on the system's clock.
    pub sent_at: Option<Timestamp>,
    /// The reference that its ticket would bear.
    pub reference: Option<String>,
    /// The group that its ticket would be in.
    pub group: String,
    /// The ticket that an earlier step made, or that the row is about.
    pub ticket: Option<Ticket>,
    /// Whether the ticket is not the row's own.
    pub acts: bool,
    /// What was answered, where something was.
    pub answer: Option<String>,
    /// Tickets that may be the one that it has made.
    pub candidates: Vec<Candidate>,
    /// Whether the row has its ticket, and nobody knows whether a rollback took that back: which attempt made it.
    pub taken_back: Option<i64>,
}

/// What a person says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByHand {
    /// The system did it; for a create, this is the ticket.
    Done(Ticket),
    /// The same, and the ticket bears the reference of the row: the row has made it.
    Own(Ticket),
    /// The system did not: it is sent again by the next run.
    Resend,
    /// It is not to be sent at all.
    Skip,
}

impl Ledger {
    /// The rows in doubt that a run left: those that it sent, and those of earlier runs that it could not settle.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn doubtful(&self, run: &Run) -> Result<Vec<Doubtful>> {
        let codes = listed(run);
        let code = run.last().code.clone();
        self.read(move |c| {
            let mut rows = doubtful(c, &codes)?;
            rows.extend(taking_back(c, scope_of(c, &code)?, &codes)?);
            Ok(rows)
        })
        .await
    }

    /// Whose tickets these are, as far as the ledger of the run's tenant holds them.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn holders(&self, run: &Run, tickets: Vec<String>) -> Result<HashMap<String, Owner>> {
        let code = run.last().code.clone();
        self.read(move |c| owners(c, scope_of(c, &code)?, &tickets))
            .await
    }

    /// Settles rows of a run as a person says. Returns how many were still in doubt.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn settle_by_hand(
        &self,
        locks: &RunLocks,
        run: &Run,
        said: Vec<(Doubtful, ByHand)>,
    ) -> Result<u64> {
        let code = run.last().code.clone();
        self.locked_for(locks, &code).await?;
        self.count_up().await?;
        let codes = listed(run);
        self.worker
            .call(Kind::Write, move |c| {
                let scope = scope_of(c, &code)?;
                let mut count = 0;
                for (row, by_hand) in &said {
                    count += u64::from(settle(c, (scope, &codes), row, by_hand)?);
                }
                Ok(count)
            })
            .await
    }
}

/// The codes of the attempts at a run, as a JSON list.
fn listed(run: &Run) -> String {
    serde_json::json!(run.codes()).to_string()
}

fn scope_of(c: &Connection, code: &str) -> rusqlite::Result<i64> {
    c.query_row("SELECT scope FROM run WHERE code = ?1", [code], |row| {
        row.get(0)
    })
}

/// The rows of these attempts, or told by them as in doubt, with whose tickets a rollback has begun.
fn taking_back(c: &Connection, scope: i64, codes: &str) -> rusqlite::Result<Vec<Doubtful>> {
    let mut is_ours = c.prepare_cached(&format!(
        "SELECT ?2 IN {OURS} OR EXISTS (SELECT 1 FROM row_end WHERE row_end.key = ?3 AND row_end.run IN {OURS}
                                                                 AND row_end.state = 'in_doubt')"
    ))?;
    let mut rows = Vec::new();
    for (key, begun) in undo::taking_back(c, scope)? {
        if !is_ours.query_row(params![codes, begun.attempt, key.as_str()], |row| {
            row.get(0)
        })? {
            continue;
        }
        rows.push(Doubtful {
            place: begun.place.clone(),
            key,
            step: StepId {
                name: CREATE.to_owned(),
                ordinal: 0,
            },
            sent_at: None,
            reference: None,
            group: String::new(),
            answer: Some(begun.reason()),
            taken_back: Some(begun.attempt),
            ticket: Some(begun.ticket),
            acts: false,
            candidates: Vec::new(),
        });
    }
    rows.sort_by(|one, other| {
        let by = |row: &Doubtful| {
            let place = &row.place;
            (place.file.clone(), place.sheet.clone(), place.row)
        };
        by(one).cmp(&by(other))
    });
    Ok(rows)
}

fn doubtful(c: &Connection, codes: &str) -> rusqlite::Result<Vec<Doubtful>> {
    c.prepare_cached(&format!(
        "SELECT step.key, step.step, step.ordinal, file, sheet, row, reference, sent_at, error,
                (SELECT made.ticket FROM step AS made WHERE made.scope = step.scope AND made.key = step.key
                   AND made.step = ?2 AND made.ordinal = 0 AND made.state = 2),
                (SELECT made.number FROM step AS made WHERE made.scope = step.scope AND made.key = step.key
                   AND made.step = ?2 AND made.ordinal = 0 AND made.state = 2),
                grp, about, candidates, {CHECKED}
         FROM step INDEXED BY step_unsettled
         WHERE step.state IN (1, 5) AND step.scope IN (SELECT scope FROM run WHERE id IN {OURS})
           AND (step.run IN {OURS}
                OR EXISTS (SELECT 1 FROM row_end WHERE row_end.key = step.key AND row_end.run IN {OURS}
                                                   AND row_end.state = 'in_doubt'))
         ORDER BY file, sheet, row, step.ordinal"
    ))?
    .query_map(params![codes, CREATE], |row| {
        verify(row, 14)?;
        let trouble: Option<Trouble> = row
            .get_ref(8)?
            .as_str_or_null()?
            .and_then(|text| serde_json::from_str(text).ok());
        let made: Option<String> = row.get(9)?;
        let about: Option<String> = row.get(12)?;
        let acts = made.is_none() && about.is_some();
        Ok(Doubtful {
            place: place(row, 3)?,
            key: RowKey::new(row.get::<_, String>(0)?),
            step: StepId {
                name: row.get(1)?,
                ordinal: row.get(2)?,
            },
            sent_at: row.get::<_, Option<i64>>(7)?.map(moment),
            reference: row.get(6)?,
            group: row.get(11)?,
            acts,
            ticket: match made.or(about) {
                Some(id) => Some(Ticket {
                    id,
                    number: row.get(10)?,
                    ..Ticket::default()
                }),
                None => None,
            },
            answer: trouble.map(|trouble| match trouble {
                Trouble::Doubt(answer) => answer,
                Trouble::Refused(refusal) => refusal.message,
                Trouble::Said { said, .. } => said.told(),
            }),
            taken_back: None,
            candidates: row
                .get_ref(13)?
                .as_str_or_null()?
                .and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default(),
        })
    })?
    .collect()
}

/// Whether an upsert had made the row's ticket whole before: a rollback of the run then leaves it alone.
fn was_whole(c: &Connection, scope: i64, row: &Doubtful) -> rusqlite::Result<bool> {
    c.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM step WHERE scope = ?1 AND key = ?2
                        AND step LIKE ?3 AND state <> 6)",
    )?
    .query_row(params![scope, row.key.as_str(), update_step("%")], |row| {
        row.get(0)
    })
}

fn settle(
    c: &Connection,
    (scope, codes): (i64, &str),
    row: &Doubtful,
    by_hand: &ByHand,
) -> rusqlite::Result<bool> {
    if let (Some(attempt), Some(ticket)) = (row.taken_back, &row.ticket) {
        return settle_taken_back(c, (scope, codes), (row, ticket, attempt), by_hand);
    }
    let is_create = row.step.name == CREATE;
    let ticket = match by_hand {
        ByHand::Done(ticket) | ByHand::Own(ticket) if is_create => Some(ticket),
        _ => None,
    };
    let state = match by_hand {
        ByHand::Done(_) | ByHand::Own(_) => 2,
        ByHand::Resend => 0,
        ByHand::Skip => 4,
    };
    let settled = c
        .prepare_cached(
            "UPDATE step SET state = ?5, absent = 0, attempt = CASE ?5 WHEN 0 THEN 0 ELSE attempt END, settled_at = ?6, error = NULL, shape = NULL,
                    ticket = coalesce(?7, ticket), number = coalesce(?8, number), url = coalesce(?9, url)
             WHERE scope = ?1 AND key = ?2 AND step = ?3
               AND ordinal = ?4 AND state IN (1, 5)",
        )?
        .execute(params![
            scope,
            row.key.as_str(),
            row.step.name,
            row.step.ordinal,
            state,
            micros(Timestamp::now()),
            ticket.map(|ticket| &ticket.id),
            ticket.and_then(|ticket| ticket.number.as_ref()),
            ticket.and_then(|ticket| ticket.url.as_ref()),
        ])?;
    if settled == 0 {
        return Ok(false);
    }
    if is_create && *by_hand == ByHand::Skip {
        // Without a ticket there is nothing that its further steps could be done on.
        c.prepare_cached("UPDATE step SET state = 4 WHERE scope = ?1 AND key = ?2")?
            .execute(params![scope, row.key.as_str()])?;
    }
    // Of one that does not bear the row's reference nobody knows who made it.
    if let (Some(ticket), ByHand::Done(_)) = (ticket, by_hand) {
        note_known(c, scope, ticket)?;
    }
    let made = ticket.or(row.ticket.as_ref());
    let end = match (by_hand, made) {
        (ByHand::Done(_) | ByHand::Own(_) | ByHand::Skip, Some(ticket))
            if was_whole(c, scope, row)? =>
        {
            StoredEnd::Updated {
                ticket: ticket.clone(),
                fallbacks: Vec::new(),
            }
        }
        (ByHand::Done(_) | ByHand::Own(_), Some(ticket)) => StoredEnd::Created {
            ticket: ticket.clone(),
            fallbacks: Vec::new(),
        },
        (ByHand::Skip, Some(ticket)) if !row.acts => StoredEnd::Created {
            ticket: ticket.clone(),
            fallbacks: Vec::new(),
        },
        (ByHand::Resend, _) => StoredEnd::Skipped {
            reason: RESENT.to_owned(),
        },
        _ => StoredEnd::Skipped {
            reason: NOT_SENT.to_owned(),
        },
    };
    put_end(c, codes, &row.key, &end)?;
    Ok(true)
}

/// What a person says of a row with whose ticket a rollback has begun.
fn settle_taken_back(
    c: &Connection,
    (scope, codes): (i64, &str),
    (row, ticket, attempt): (&Doubtful, &Ticket, i64),
    by_hand: &ByHand,
) -> rusqlite::Result<bool> {
    let is_there = matches!(by_hand, ByHand::Done(_) | ByHand::Own(_));
    if !undo::settle(c, (attempt, scope), (&row.key, &ticket.id), is_there)? {
        return Ok(false);
    }
    let end = match by_hand {
        ByHand::Done(_) | ByHand::Own(_) => StoredEnd::Created {
            ticket: ticket.clone(),
            fallbacks: Vec::new(),
        },
        ByHand::Resend => StoredEnd::Skipped {
            reason: RESENT.to_owned(),
        },
        ByHand::Skip => {
            c.prepare_cached("UPDATE step SET state = 4 WHERE scope = ?1 AND key = ?2")?
                .execute(params![scope, row.key.as_str()])?;
            StoredEnd::Skipped {
                reason: NOT_SENT.to_owned(),
            }
        }
    };
    put_end(c, codes, &row.key, &end)?;
    Ok(true)
}

/// Replaces the ends of a row that said that it is in doubt.
fn put_end(c: &Connection, codes: &str, key: &RowKey, end: &StoredEnd) -> rusqlite::Result<()> {
    let text = serde_json::to_string(end).expect("strings and numbers have a JSON form");
    c.prepare_cached(&format!(
        "UPDATE row_end SET state = ?3, end = ?4
         WHERE run IN {OURS} AND key = ?2 AND state = 'in_doubt'"
    ))?
    .execute(params![codes, key.as_str(), end.state(), text])?;
    Ok(())
}
