//! Creates whose tickets bear no reference: a ticket too many is known only by what it says and when it was made.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::ActiveRun;
use super::steps::{State, micros, moment, print};
use super::sums::{CHECKED, verify};
use crate::error::Result;
use crate::record::RowKey;
use crate::systems::{CREATE, Print, Ticket};

/// A create that left without a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmarked {
    /// Whose.
    pub key: RowKey,
    /// The ticket that it made, where that is known.
    pub ticket: Option<Ticket>,
    /// What became of it.
    pub fate: Fate,
    /// The collection or product.
    pub group: String,
    /// When it was sent; a ticket that was given up was sent between the two times.
    pub sent: (Timestamp, Timestamp),
    /// Whether that is on our own clock.
    pub by_ours: bool,
    /// How it was to look; `None` where an earlier version sent it.
    pub print: Option<Print>,
}

/// What became of a create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It made the row's ticket.
    Made,
    /// It made one that the row has given up: a rollback took it back, or the row was sent once more.
    GivenUp,
    /// The system refused it.
    Refused,
    /// Nobody knows.
    Open,
}

/// Since when creates were sent that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentSince {
    /// On the system's clock.
    pub theirs: Timestamp,
    /// On ours.
    pub ours: Timestamp,
}

impl ActiveRun {
    /// The creates of this scope without a reference that were sent since a moment, and those that were sent since its last
    /// run over rows that make tickets came to its end and saw all: a run that died has not looked at its own.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn unmarked(&self, since: SentSince) -> Result<Vec<Unmarked>> {
        let (scope, run) = (self.scope_id, self.id);
        self.scope
            .ledger
            .read(move |c| unmarked(c, scope, run, since))
            .await
    }
}

fn unmarked(
    c: &Connection,
    scope: i64,
    run: i64,
    since: SentSince,
) -> rusqlite::Result<Vec<Unmarked>> {
    let looked: i64 = c.query_row(
        "SELECT coalesce(max(id), 0) FROM run
         WHERE scope = ?1 AND id <> ?2 AND state = 'finished' AND operation IN ('create', 'upsert')
               AND NOT coalesce(json_extract(totals, '$.unswept'), 0)",
        [scope, run],
        |row| row.get(0),
    )?;
    let mut all = sent(c, scope, looked, since.theirs)?;
    all.extend(given_up(c, scope, looked, since.ours)?);
    Ok(all)
}

fn sent(
    c: &Connection,
    scope: i64,
    looked: i64,
    since: Timestamp,
) -> rusqlite::Result<Vec<Unmarked>> {
    c.prepare_cached(&format!(
        "SELECT key, ticket, number, state, grp, sent_at, print, {CHECKED} FROM step
         WHERE scope = ?1 AND step = ?2 AND ordinal = 0 AND reference IS NULL AND sent_at IS NOT NULL
               AND (sent_at >= ?3 OR run > ?4)"
    ))?
    .query_map(params![scope, CREATE, micros(since), looked], |row| {
        verify(row, 7)?;
        let state: State = row.get(3)?;
        let print = print(row, 6)?;
        let at = moment(row.get(5)?);
        let until = print.as_ref().and_then(|print| print.until);
        let ticket = row.get::<_, Option<String>>(1)?.map(|id| {
            Ok::<_, rusqlite::Error>(Ticket {
                id,
                number: row.get(2)?,
                ..Ticket::default()
            })
        });
        Ok(Unmarked {
            key: RowKey::new(row.get::<_, String>(0)?),
            ticket: ticket.transpose()?,
            fate: match state {
                State::Done => Fate::Made,
                State::Undone => Fate::GivenUp,
                State::Rejected => Fate::Refused,
                _ => Fate::Open,
            },
            group: row.get(4)?,
            sent: (at, until.map_or(at, |until| until.max(at))),
            by_ours: false,
            print,
        })
    })?
    .collect()
}

/// Tickets that rows had before and gave up; those that a row holds as taken back are among the sent ones.
fn given_up(
    c: &Connection,
    scope: i64,
    looked: i64,
    since: Timestamp,
) -> rusqlite::Result<Vec<Unmarked>> {
    c.prepare_cached(&format!(
        "SELECT former.key, former.ticket, grp, run.started, former.at, print, {CHECKED}
         FROM former JOIN run ON run.id = former.run
         JOIN step ON step.scope = former.scope AND step.key = former.key AND step.step = ?2 AND step.ordinal = 0
         WHERE former.scope = ?1 AND reference IS NULL AND (former.at >= ?3 OR former.run > ?4)
               AND NOT (step.state = 6 AND step.ticket IS former.ticket)"
    ))?
    .query_map(params![scope, CREATE, micros(since), looked], |row| {
        verify(row, 6)?;
        Ok(Unmarked {
            key: RowKey::new(row.get::<_, String>(0)?),
            ticket: Some(Ticket {
                id: row.get(1)?,
                ..Ticket::default()
            }),
            fate: Fate::GivenUp,
            group: row.get(2)?,
            sent: (moment(row.get(3)?), moment(row.get(4)?)),
            by_ours: true,
            print: print(row, 5)?,
        })
    })?
    .collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::{Intent, Ledger, RunMeta, RunState, Scope, Settlement, StepId};
    use super::*;
    use crate::systems::Operation;

    async fn begin(scope: &Scope, operation: Operation) -> ActiveRun {
        let locks = scope.lock(None).unwrap();
        let meta = RunMeta {
            operation,
            ..RunMeta::default()
        };
        scope.start_run(&locks, meta).await.unwrap()
    }

    /// Makes a row without a reference, two hours ago.
    async fn make(run: &ActiveRun, key: &str) {
        let at = Timestamp::now() - SignedDuration::from_hours(2);
        let intent = Intent {
            reference: None,
            at,
            ..Intent::of_create(RowKey::new(key), 2)
        };
        run.intend(vec![intent]).await.unwrap();
        let settlement = Settlement {
            key: RowKey::new(key),
            step: StepId {
                name: CREATE.to_owned(),
                ordinal: 0,
            },
            to: State::Done,
            ticket: Some(Ticket {
                id: format!("id-{key}"),
                ..Ticket::default()
            }),
            trouble: None,
            doubted: false,
            at,
        };
        run.settle(vec![settlement]).await.unwrap();
    }

    async fn asked(run: &ActiveRun, hours: i64) -> Vec<String> {
        let at = Timestamp::now() - SignedDuration::from_hours(hours);
        let since = SentSince {
            theirs: at,
            ours: at,
        };
        let rows = run.unmarked(since).await.unwrap();
        rows.into_iter().map(|row| row.key.to_string()).collect()
    }

    #[tokio::test]
    async fn rows_are_looked_at_while_they_are_young_and_until_a_run_has_seen_all() {
        for operation in [Operation::Create, Operation::Upsert] {
            looked_at_until_all_was_seen(operation).await;
        }
    }

    async fn looked_at_until_all_was_seen(operation: Operation) {
        let ledger = Ledger::in_memory().unwrap();
        let scope = ledger.scope("clearfeed", "acme", "s").await.unwrap();
        let none: [&str; 0] = [];
        let run = begin(&scope, operation).await;
        make(&run, "a").await;
        // A run that is under way, or died, has not looked.
        assert_eq!(asked(&run, 1).await, ["a"]);
        drop(run);
        let run = begin(&scope, operation).await;
        assert_eq!(asked(&run, 1).await, ["a"]);
        let unswept = serde_json::json!({"unswept": true});
        run.finish(RunState::Finished, unswept).await.unwrap();
        drop(run);
        let run = begin(&scope, operation).await;
        assert_eq!(asked(&run, 1).await, ["a"]);
        let swept = serde_json::json!({"unswept": false});
        run.finish(RunState::Finished, swept).await.unwrap();
        drop(run);
        let run = begin(&scope, operation).await;
        assert_eq!(asked(&run, 1).await, none);
        assert_eq!(asked(&run, 3).await, ["a"]);
        make(&run, "b").await;
        assert_eq!(asked(&run, 1).await, ["b"]);
    }
}
