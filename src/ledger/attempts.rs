//! Runs and the attempts at them.
//!
//! A *run* is one job: one input, with all that it took to bring it in. Each start is an *attempt* at it: after Ctrl-C,
//! after a crash, with a corrected mapping, with the error file. The first attempt has the code of the run (`7KQ2`), the
//! others count on (`7KQ2.2`). The table `run` holds attempts; its column `job` says to which run one belongs.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use serde_json::Value;

use super::ends::{StoredEnd, StoredRow};
use super::runs::{RUNS, info};
use super::steps::place;
use super::{EndFilter, Ledger, MadeTicket, RunInfo, RunState, TakingBack, UNKNOWN_CONTENT, undo};
use crate::error::{Error, Result};
use crate::record::RowKey;
use crate::systems::{CREATE, Ticket};

/// Ends with the stored codes of the attempts that kept them, and where the next page begins.
type Ends = (Vec<(String, StoredRow)>, Option<After>);

/// A run that is under way is heard of at least this often.
const BETWEEN_BEATS: SignedDuration = SignedDuration::from_secs(40);

/// To which run a start belongs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Belongs {
    /// To the latest run of the scope over the same input, unless that is complete.
    #[default]
    ToInput,
    /// To the latest run of the scope that is not complete: the input is an error file.
    ToOpen,
    /// To the run of this code.
    To(String),
    /// To none that began before.
    Alone,
}

/// A run: the attempts at it in order, or one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    attempts: Vec<RunInfo>,
    /// Whether these are all attempts.
    is_whole: bool,
}

/// How many rows of a run ended in which way: of each row its last end counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Tickets that the run made and that the ledger still holds.
    pub made: u64,
    /// The other ends by their stored word (`updated`, `known`, `changed`, `skipped`, `rejected`, `incomplete`,
    /// `in_doubt`).
    pub ends: Vec<(String, u64)>,
    /// Rows that the last attempt over the whole input did not come to.
    pub not_sent: u64,
}

impl Tally {
    /// How many rows ended so.
    pub fn of(&self, word: &str) -> u64 {
        let found = self.ends.iter().find(|(known, _)| known == word);
        found.map_or(0, |(_, count)| *count)
    }
}

impl Run {
    /// The code by which it is asked for again: that of the run, or of the attempt (`7KQ2.1`).
    pub fn code(&self) -> String {
        let last = self.last();
        match self.is_whole {
            true => last.job.clone(),
            false => last.name(),
        }
    }

    /// Its attempts in order; there is one at least.
    pub fn attempts(&self) -> &[RunInfo] {
        &self.attempts
    }

    /// Whether all attempts are among them.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The first of its attempts.
    pub fn first(&self) -> &RunInfo {
        &self.attempts[0]
    }

    /// The last of its attempts.
    pub fn last(&self) -> &RunInfo {
        &self.attempts[self.attempts.len() - 1]
    }

    /// How many of its tickets were rolled back.
    pub fn undone(&self) -> u64 {
        self.attempts.iter().map(|attempt| attempt.undone).sum()
    }

    /// When it ended: the latest end, `None` while an attempt is under way or where none came to its end.
    pub fn ended(&self) -> Option<Timestamp> {
        self.attempts
            .iter()
            .filter_map(|attempt| attempt.ended)
            .max()
    }

    /// When it has ended at the latest, on our clock: an attempt whose process died says every so often that it is there.
    pub(super) fn last_heard(&self) -> Timestamp {
        let heard = self.attempts.iter().map(|attempt| {
            let beat = || attempt.beat.map(|beat| beat + BETWEEN_BEATS);
            attempt.ended.or_else(beat).unwrap_or(attempt.started)
        });
        heard.max().unwrap_or(Timestamp::MIN)
    }

    /// The stored codes of its attempts.
    pub fn codes(&self) -> Vec<String> {
        (self.attempts.iter())
            .map(|attempt| attempt.code.clone())
            .collect()
    }
}

/// Where a page of ends goes on: the attempt's place in the ledger, and the ordinal of the row in it.
pub type After = (i64, u64);

impl Ledger {
    /// All runs, the one with the latest attempt first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn whole_runs(&self) -> Result<Vec<Run>> {
        let mut runs: Vec<Run> = Vec::new();
        for attempt in self.runs().await? {
            match runs.iter_mut().find(|run| run.last().job == attempt.job) {
                Some(run) => run.attempts.insert(0, attempt),
                None => runs.push(Run {
                    attempts: vec![attempt],
                    is_whole: true,
                }),
            }
        }
        Ok(runs)
    }

    /// The run of that code (`7KQ2`), or one attempt of it (`7KQ2.1`; a code that an older version gave to an attempt).
    ///
    /// # Errors
    /// When there is none, or the ledger cannot be read.
    pub async fn whole_run(&self, code: &str) -> Result<Run> {
        let wanted = code.trim().to_uppercase();
        let unknown = || {
            Error::usage(format!("there is no run `{code}`"))
                .hint("`deskferry runs list` shows all runs")
        };
        let runs = self.whole_runs().await?;
        if let Some(run) = runs.iter().find(|run| run.last().job == wanted) {
            return Ok(run.clone());
        }
        let is_it = |attempt: &RunInfo| attempt.code == wanted || attempt.name() == wanted;
        let attempt = runs
            .iter()
            .flat_map(|run| &run.attempts)
            .find(|it| is_it(it));
        Ok(Run {
            attempts: vec![attempt.ok_or_else(unknown)?.clone()],
            is_whole: false,
        })
    }

    /// How the rows of each of these runs ended, in one pass over the steps.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn tallies(&self, runs: &[Run]) -> Result<Vec<Tally>> {
        let of: Vec<(Vec<String>, Unsent)> = runs
            .iter()
            .map(|run| (run.codes(), Unsent::of(run)))
            .collect();
        self.read(move |c| {
            let made = made(c)?;
            of.iter()
                .map(|(codes, unsent)| tally(c, codes, &made, *unsent))
                .collect()
        })
        .await
    }

    /// How the rows of a run ended.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn tally(&self, run: &Run) -> Result<Tally> {
        let mut all = self.tallies(std::slice::from_ref(run)).await?;
        Ok(all.pop().unwrap_or_default())
    }

    /// A page of the ends that a run kept, by attempt and in the order of its input; of each row its last end. `after`
    /// is what the page before returned.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn row_ends(
        &self,
        run: &Run,
        filter: EndFilter,
        after: Option<After>,
        limit: u32,
    ) -> Result<(Vec<StoredRow>, Option<After>)> {
        let codes = run.codes();
        let (rows, last) = self
            .read(move |c| ends(c, &codes, (filter.states(), true), after, limit))
            .await?;
        Ok((rows.into_iter().map(|(_, row)| row).collect(), last))
    }

    /// A page of the tickets that a run made, updated or knew, and that were not rolled back.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn ids(
        &self,
        run: &Run,
        after: Option<After>,
        limit: u32,
    ) -> Result<(Vec<MadeTicket>, Option<After>)> {
        let codes = run.codes();
        let states = &["created", "updated", "known", "incomplete"];
        let (rows, last) = self
            .read(move |c| ends(c, &codes, (states, false), after, limit))
            .await?;
        let made = |(attempt, row): (String, StoredRow)| {
            let ticket = row.end.ticket()?.clone();
            Some(MadeTicket {
                row,
                attempt,
                ticket,
            })
        };
        Ok((rows.into_iter().filter_map(made).collect(), last))
    }
}

/// Whether an attempt read the run's whole input and came to its end.
fn came_through(run_input: &str, attempt: &RunInfo) -> bool {
    attempt.state == RunState::Finished && attempt.meta.input_print == run_input
}

fn count_of(totals: Option<&Value>, name: &str) -> u64 {
    totals.and_then(|it| it[name].as_u64()).unwrap_or(0)
}

/// What the last attempt that came to its end over the whole input says of it. One that was killed since, or that was over a
/// part of it, may have sent some of what that one left.
#[derive(Debug, Clone, Copy, Default)]
struct Unsent {
    /// The records of the input.
    records: u64,
    /// Those that it did not come to.
    left: u64,
    /// Those that were done before it, whoever did them.
    before: u64,
    /// Tickets that were rolled back since.
    undone: u64,
}

impl Unsent {
    fn of(run: &Run) -> Self {
        let input = &run.first().meta.input_print;
        let whole =
            |attempt: &&RunInfo| attempt.meta.input_print == *input && attempt.totals.is_some();
        let last = run.attempts.iter().rev().find(whole);
        let count = |name| count_of(last.and_then(|attempt| attempt.totals.as_ref()), name);
        Self {
            records: count("records"),
            left: count("not_sent"),
            before: count("done_before") + count("repeated"),
            undone: run.undone(),
        }
    }

    /// What is left by now, at most, where so many rows have a ticket of the run or another end.
    fn now(self, made: u64, ended: u64) -> u64 {
        let known = (made + self.undone).max(self.before) + ended;
        self.left.min(self.records.saturating_sub(known))
    }
}

/// How many tickets each attempt has made that the ledger still holds, by its code.
fn made(c: &Connection) -> rusqlite::Result<HashMap<String, u64>> {
    c.prepare(
        "SELECT run.code, count(*) FROM step JOIN run ON run.id = step.run
         WHERE step.step = ?1 AND step.ordinal = 0 AND step.state = 2 AND step.content <> ?2
           AND NOT EXISTS (SELECT 1 FROM known WHERE known.ticket = step.ticket AND known.scope = step.scope)
         GROUP BY run.id",
    )?
    .query_map(params![CREATE, UNKNOWN_CONTENT], |row| {
        Ok((row.get(0)?, count(row.get(1)?)))
    })?
    .collect::<rusqlite::Result<HashMap<String, u64>>>()
    .and_then(|made| without_begun(c, made))
}

/// The same without the tickets of which nobody knows whether a rollback took them back.
fn without_begun(
    c: &Connection,
    mut made: HashMap<String, u64>,
) -> rusqlite::Result<HashMap<String, u64>> {
    let mut begun = c.prepare(
        "SELECT maker.code FROM undo JOIN run ON run.id = undo.run
         JOIN step ON step.scope = run.scope AND step.key = undo.key AND step.step = ?1 AND step.ordinal = 0
                      AND step.state = 2 AND step.ticket = undo.ticket AND step.content <> ?2
         JOIN run AS maker ON maker.id = step.run
         WHERE undo.state = 'sending'
           AND NOT EXISTS (SELECT 1 FROM known WHERE known.ticket = step.ticket AND known.scope = step.scope)",
    )?;
    let mut rows = begun.query(params![CREATE, UNKNOWN_CONTENT])?;
    while let Some(row) = rows.next()? {
        if let Some(count) = made.get_mut(row.get_ref(0)?.as_str()?) {
            *count = count.saturating_sub(1);
        }
    }
    Ok(made)
}

/// How a row is said to have ended: a ticket of which nobody knows whether a rollback took it back is in doubt. Takes the
/// keys of [`begun`] as a list, `?2`.
const STATE: &str =
    "CASE WHEN row_end.state IN ('created', 'updated', 'known', 'changed', 'incomplete')
                               AND row_end.key IN (SELECT value FROM json_each(?2))
                          THEN 'in_doubt' ELSE row_end.state END";

/// The rows of the scope of these attempts with whose tickets a rollback has begun, and their keys as a list.
fn begun(c: &Connection, codes: &str) -> rusqlite::Result<(HashMap<RowKey, TakingBack>, String)> {
    let scope: Option<i64> = c
        .prepare_cached(&format!("SELECT max(scope) FROM run WHERE id IN {OURS}"))?
        .query_row([codes], |row| row.get(0))?;
    let begun = scope.map_or(Ok(HashMap::new()), |scope| undo::taking_back(c, scope))?;
    let keys: Vec<&str> = begun.keys().map(RowKey::as_str).collect();
    let keys = serde_json::json!(keys).to_string();
    Ok((begun, keys))
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// The ids of the attempts with these codes, as a table of one column `value`; takes the codes as `?1`.
pub(super) const OURS: &str =
    "(SELECT id FROM run WHERE code IN (SELECT value FROM json_each(?1)))";

/// What holds of the last end of a row: no later attempt has another one, and no later attempt has found it done.
fn is_last(latest: i64, attempts: usize) -> String {
    if attempts == 1 {
        return "1".to_owned();
    }
    format!(
        "NOT EXISTS (SELECT 1 FROM row_end AS later
                     WHERE later.key IS row_end.key AND later.run > row_end.run AND later.run IN {OURS}
                       AND (row_end.key IS NOT NULL
                            OR (later.file = row_end.file AND later.sheet IS row_end.sheet AND later.row = row_end.row)))
         AND (row_end.run = {latest} OR row_end.state NOT IN ('rejected', 'incomplete', 'in_doubt')
              OR NOT EXISTS (SELECT 1 FROM step JOIN run ON run.scope = step.scope
                             WHERE run.id = row_end.run AND step.key = row_end.key)
              OR EXISTS (SELECT 1 FROM step JOIN run ON run.scope = step.scope
                         WHERE run.id = row_end.run AND step.key = row_end.key AND step.state NOT IN (2, 4)))"
    )
}

fn latest(c: &Connection, codes: &str) -> rusqlite::Result<i64> {
    c.prepare_cached(&format!(
        "SELECT coalesce(max(id), 0) FROM run WHERE id IN {OURS}"
    ))?
    .query_row([codes], |row| row.get(0))
}

fn tally(
    c: &Connection,
    codes: &[String],
    made: &HashMap<String, u64>,
    unsent: Unsent,
) -> rusqlite::Result<Tally> {
    let words = serde_json::json!(codes).to_string();
    let latest = latest(c, &words)?;
    let ends: Vec<(String, u64)> = c
        .prepare(&format!(
            "SELECT {STATE} AS said, count(*) FROM row_end WHERE run IN {OURS} AND {} GROUP BY said ORDER BY said",
            is_last(latest, codes.len())
        ))?
        .query_map([&words, &begun(c, &words)?.1], |row| Ok((row.get(0)?, count(row.get(1)?))))?
        .collect::<rusqlite::Result<_>>()?;
    let made = codes.iter().filter_map(|code| made.get(code)).sum();
    let others = ends
        .iter()
        .filter(|(word, _)| !matches!(word.as_str(), "created" | "incomplete"));
    let not_sent = unsent.now(made, others.map(|(_, count)| count).sum());
    Ok(Tally {
        made,
        ends,
        not_sent,
    })
}

fn ends(
    c: &Connection,
    codes: &[String],
    (states, undone): (&[&str], bool),
    after: Option<After>,
    limit: u32,
) -> rusqlite::Result<Ends> {
    let attempts = codes.len();
    let codes = serde_json::json!(codes).to_string();
    let words = serde_json::json!(states).to_string();
    let (run, ordinal) = after.map_or((-1, -1), |(run, ordinal)| {
        (run, i64::try_from(ordinal).unwrap_or(i64::MAX))
    });
    let latest = latest(c, &codes)?;
    let (begun, keys) = begun(c, &codes)?;
    let mut last = None;
    let rows = c
        .prepare_cached(&format!(
            "SELECT row_end.ordinal, row_end.key, end, row_end.file, row_end.sheet, row_end.row, row_end.run,
                    (SELECT code FROM run WHERE run.id = row_end.run) FROM row_end
             WHERE row_end.run IN {OURS} AND (row_end.run, row_end.ordinal) > (?3, ?4)
               AND {STATE} IN (SELECT value FROM json_each(?5))
               AND (?6 OR NOT EXISTS (SELECT 1 FROM undo WHERE undo.run IN {OURS} AND undo.key = row_end.key
                                        AND undo.state IN ('undone', 'gone')))
               AND {}
             ORDER BY row_end.run, row_end.ordinal LIMIT ?7",
            is_last(latest, attempts)
        ))?
        .query_map(params![codes, keys, run, ordinal, words, undone, limit], |row| {
            let mut end: StoredEnd =
                serde_json::from_str(row.get_ref(2)?.as_str()?).map_err(|error| {
                    rusqlite::Error::FromSqlConversionFailure(
                        2,
                        rusqlite::types::Type::Text,
                        error.into(),
                    )
                })?;
            let ordinal = count(row.get(0)?);
            last = Some((row.get(6)?, ordinal));
            let attempt = row.get(7)?;
            let key = row.get::<_, Option<String>>(1)?.map(RowKey::new);
            let taking_back = key.as_ref().and_then(|key| begun.get(key));
            if let Some(taking_back) = taking_back.filter(|_| end.ticket().is_some()) {
                end = StoredEnd::InDoubt {
                    reason: taking_back.reason(),
                };
            }
            let kept = StoredRow {
                ordinal,
                key,
                place: place(row, 3)?,
                end,
            };
            Ok((attempt, kept))
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok((rows, last))
}

/// What the next attempt at a run is called, and the run that it belongs to; `None`: it is the first of its own.
pub(super) struct Next {
    pub(super) job: i64,
    pub(super) attempt: i64,
    pub(super) code: String,
}

/// To which run a start belongs that reads the input of this fingerprint.
pub(super) fn next(
    c: &Connection,
    scope: i64,
    belongs: &Belongs,
    input_print: &str,
) -> rusqlite::Result<Option<Next>> {
    let candidates: Vec<i64> = match belongs {
        Belongs::Alone => return Ok(None),
        Belongs::To(code) => c
            .prepare("SELECT job FROM run WHERE code = upper(?1) AND scope = ?2")?
            .query_map(params![code.trim(), scope], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?,
        Belongs::ToInput if input_print.is_empty() => return Ok(None),
        Belongs::ToInput => c
            .prepare(
                "SELECT job FROM run WHERE scope = ?1 AND input_print = ?2 AND id = job
                 ORDER BY id DESC LIMIT 1",
            )?
            .query_map(params![scope, input_print], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?,
        Belongs::ToOpen => c
            .prepare(
                "SELECT job FROM run WHERE scope = ?1 AND input_print <> '' AND job IS NOT NULL
                 GROUP BY job ORDER BY max(id) DESC",
            )?
            .query_map([scope], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?,
    };
    let is_named = matches!(belongs, Belongs::To(_));
    for job in candidates {
        if !is_named && is_over(c, job)? {
            continue;
        }
        return named(c, job).map(Some);
    }
    Ok(None)
}

fn named(c: &Connection, job: i64) -> rusqlite::Result<Next> {
    c.query_row(
        // Of a run whose first attempt was purged the others tell the code.
        "SELECT coalesce((SELECT code FROM run WHERE id = ?1), min(substr(code, 1, instr(code || '.', '.') - 1))),
                max(nth) + 1
         FROM run WHERE job = ?1",
        [job],
        |row| {
            let (code, attempt): (String, i64) = (row.get(0)?, row.get(1)?);
            Ok(Next {
                job,
                attempt,
                code: format!("{code}.{attempt}"),
            })
        },
    )
}

/// Whether a run takes no further attempt: it is complete, or it was rolled back.
fn is_over(c: &Connection, job: i64) -> rusqlite::Result<bool> {
    let attempts: Vec<RunInfo> = c
        .prepare(&format!("{RUNS} WHERE run.job = ?1 ORDER BY run.id"))?
        .query_map([job], info)?
        .collect::<rusqlite::Result<_>>()?;
    let Some(first) = attempts.first() else {
        return Ok(true);
    };
    if attempts.iter().any(|attempt| attempt.undone > 0) {
        return Ok(true);
    }
    let input = first.meta.input_print.clone();
    let through = |attempt: &RunInfo| {
        came_through(&input, attempt) && count_of(attempt.totals.as_ref(), "not_sent") == 0
    };
    if !attempts.iter().any(through) {
        return Ok(false);
    }
    let codes: Vec<String> = attempts.into_iter().map(|attempt| attempt.code).collect();
    let states = (EndFilter::Open.states(), true);
    Ok(ends(c, &codes, states, None, 1)?.0.is_empty())
}

/// Gives the attempts of a ledger of an earlier version to their runs: as far as it tells, each start over the input of an
/// open run is an attempt at it, and so is one whose file is called like its error file.
pub(super) fn group(c: &Connection) -> rusqlite::Result<()> {
    let all: Vec<(i64, i64, String, String)> = c
        .prepare("SELECT id, scope, input_print, inputs FROM run ORDER BY id")?
        .query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for (id, scope, input_print, inputs) in all {
        let belongs = match inputs.contains(".errors.") {
            true => Belongs::ToOpen,
            false => Belongs::ToInput,
        };
        let next = next(c, scope, &belongs, &input_print)?;
        let (job, attempt) = next.map_or((id, 1), |next| (next.job, next.attempt));
        c.execute(
            "UPDATE run SET job = ?2, nth = ?3 WHERE id = ?1",
            params![id, job, attempt],
        )?;
    }
    Ok(())
}

/// Notes a ticket that the ledger has learned of, and that no run of it has made.
pub(super) fn note_known(c: &Connection, scope: i64, ticket: &Ticket) -> rusqlite::Result<()> {
    c.prepare_cached("INSERT OR IGNORE INTO known (ticket, scope) VALUES (?1, ?2)")?
        .execute(params![ticket.id, scope])?;
    Ok(())
}

/// The codes of the attempts at the run to which a start would belong.
pub(super) fn codes_of_next(
    c: &Connection,
    scope: i64,
    belongs: &Belongs,
    input_print: &str,
) -> rusqlite::Result<HashSet<String>> {
    let Some(next) = next(c, scope, belongs, input_print)? else {
        return Ok(HashSet::new());
    };
    c.prepare("SELECT code FROM run WHERE job = ?1")?
        .query_map([next.job], |row| row.get(0))?
        .collect()
}
