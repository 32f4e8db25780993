//! Runs: their beginning and end, and reading about them.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use serde_json::Value;

use super::attempts::{self, Belongs};
use super::ends::StoredRow;
use super::generation;
use super::steps::{micros, moment};
use crate::error::Error;
use crate::record::RowKey;
use crate::systems::{Operation, Ticket};

/// What a run was started with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunMeta {
    /// The inputs as the user named them.
    pub inputs: Vec<String>,
    /// The fingerprint of their bytes.
    pub input_print: String,
    /// The mapping file as the user named it.
    pub mapping: String,
    /// Its fingerprint.
    pub mapping_print: String,
    /// The fingerprint of the directory.
    pub directory_print: Option<String>,
    /// When the directory was pulled.
    pub directory_pulled: Option<Timestamp>,
    /// The command that resumes the run, whole, without secrets.
    pub command: String,
    /// The fingerprint of the system that it spoke to: its spelling, its tenant, as whom.
    pub system_print: String,
    /// The same command as single words, for `runs retry`.
    pub arguments: Vec<String>,
    /// The folder in which its paths hold.
    pub folder: String,
    /// What it does with each record.
    pub operation: Operation,
    /// What its keys are made of ([`crate::mapping::Mapping::key_definition`]); the scope keeps it, not the run. Empty: the
    /// run makes no keys.
    pub key_definition: String,
    /// To which run it belongs; what a ledger tells of an attempt says [`RunInfo::job`] instead.
    pub belongs: Belongs,
}

/// How far a run came.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It is under way, or its process died and nobody has noticed yet.
    #[default]
    Running,
    /// It came to the end of its input.
    Finished,
    /// Ctrl-C, or its process died.
    Interrupted,
    /// It stopped by itself: too many refusals, an unreachable system, a full disk.
    Stopped,
}

impl RunState {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Stopped => "stopped",
        }
    }

    fn parse(word: &str) -> Self {
        match word {
            "finished" => Self::Finished,
            "interrupted" => Self::Interrupted,
            "stopped" => Self::Stopped,
            _ => Self::Running,
        }
    }
}

/// An attempt at a run as the ledger knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunInfo {
    /// Its stored code.
    pub code: String,
    /// The code of the run that it is an attempt at: that of the first attempt.
    pub job: String,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// The system's word.
    pub system: String,
    /// The tenant.
    pub tenant: String,
    /// The scope.
    pub scope: String,
    /// How far it came.
    pub state: RunState,
    /// When it began, on our clock.
    pub started: Timestamp,
    /// When it ended; `None` while it is under way, or when its process died.
    pub ended: Option<Timestamp>,
    /// What it was started with.
    pub meta: RunMeta,
    /// Its totals (`run::Totals` as JSON), once it ended.
    pub totals: Option<Value>,
    /// How many of its tickets were taken back.
    pub undone: u64,
    /// On which computer it is or was; empty where an older version began it.
    pub(super) host: String,
    /// When it was last heard of.
    pub(super) beat: Option<Timestamp>,
    /// Whether it is noted as running and its process is gone.
    pub is_gone: bool,
}

impl RunInfo {
    /// How it stands, in a word: its state, `purged` where nothing but keys is left of it, `ended` where its process is
    /// gone and nobody has noted that yet.
    pub fn word(&self) -> &'static str {
        match self.state {
            _ if self.meta.command.is_empty() && self.meta.inputs.is_empty() => "purged",
            RunState::Running if self.is_gone => "ended",
            state => state.as_str(),
        }
    }

    /// What people call it: `7KQ2.2`, and `7KQ2.1` for the first.
    pub fn name(&self) -> String {
        format!("{}.{}", self.job, self.attempt)
    }
}

/// Which ends to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndFilter {
    /// All that are kept.
    All,
    /// Those a person should look at: rejected, incomplete, in doubt, changed.
    Errors,
    /// Those that keep a run open: rejected, incomplete, in doubt.
    Open,
}

impl EndFilter {
    /// The stored words of these ends.
    pub(super) fn states(self) -> &'static [&'static str] {
        match self {
            Self::All => &[
                "created",
                "updated",
                "known",
                "changed",
                "skipped",
                "rejected",
                "incomplete",
                "in_doubt",
            ],
            Self::Errors => &["changed", "rejected", "incomplete", "in_doubt"],
            Self::Open => &["rejected", "incomplete", "in_doubt"],
        }
    }
}

/// A ticket that a run made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeTicket {
    /// Which row.
    pub row: StoredRow,
    /// The stored code of the attempt that kept it.
    pub attempt: String,
    /// The ticket.
    pub ticket: Ticket,
}

/// Four characters of Crockford's base 32: no I, L, O, U to misread.
fn code(length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    // Bytes 6 and 8 of a random UUID carry its version; the first five are random.
    uuid::Uuid::new_v4().as_bytes()[..length.min(5)]
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}

/// The id of a scope, if it is known.
pub(super) fn find_scope(
    connection: &Connection,
    system: &str,
    tenant: &str,
    scope: &str,
) -> rusqlite::Result<Option<i64>> {
    connection
        .query_row(
            "SELECT scope.id FROM scope JOIN tenant ON tenant.id = scope.tenant
             WHERE tenant.system = ?1 AND tenant.name = ?2 AND scope.name = ?3",
            [system, tenant, scope],
            |row| row.get(0),
        )
        .optional()
}

/// The id of a tenant.
pub(super) fn find_tenant(
    connection: &Connection,
    system: &str,
    tenant: &str,
) -> rusqlite::Result<Option<i64>> {
    connection
        .query_row(
            "SELECT id FROM tenant WHERE system = ?1 AND name = ?2",
            [system, tenant],
            |row| row.get(0),
        )
        .optional()
}

/// The id of a tenant, made if it is not known.
pub(super) fn make_tenant(
    connection: &Connection,
    system: &str,
    tenant: &str,
) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT OR IGNORE INTO tenant (system, name) VALUES (?1, ?2)",
        [system, tenant],
    )?;
    find_tenant(connection, system, tenant)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// The id of a scope, made if it is not known.
pub(super) fn make_scope(
    connection: &Connection,
    system: &str,
    tenant: &str,
    scope: &str,
) -> rusqlite::Result<i64> {
    make_tenant(connection, system, tenant)?;
    connection.execute(
        "INSERT OR IGNORE INTO scope (tenant, name)
         SELECT id, ?3 FROM tenant WHERE system = ?1 AND name = ?2",
        [system, tenant, scope],
    )?;
    let id = find_scope(connection, system, tenant, scope)?;
    let id = id.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    super::sums::seal_scope(connection, id)?;
    Ok(id)
}

/// Whether a run on another computer was not heard of for too long.
pub(super) fn is_silent(beat: Option<Timestamp>, now: Timestamp) -> bool {
    beat.is_none_or(|beat| now.duration_since(beat).abs() >= FRESH)
}

/// How long a run on another computer counts as under way after it was last heard of.
const FRESH: SignedDuration = SignedDuration::from_secs(150);
/// How often a run says that it is under way.
const BEAT: SignedDuration = SignedDuration::from_secs(10);

/// System, tenant and name of each scope.
pub(super) fn scopes(connection: &Connection) -> rusqlite::Result<Vec<[String; 3]>> {
    connection
        .prepare(
            "SELECT tenant.system, tenant.name, scope.name FROM scope JOIN tenant ON tenant.id = scope.tenant",
        )?
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?
        .collect()
}

/// The computer on which a run of a ledger of an earlier version is under way, where it is another one than this.
pub(super) fn under_way_elsewhere(
    connection: &Connection,
    version: usize,
) -> rusqlite::Result<Option<String>> {
    /// The version that notes on which computer a run is.
    const HOSTS: usize = 6;
    if version < HOSTS {
        return Ok(None);
    }
    let now = Timestamp::now();
    let fresh = (micros(now - FRESH), micros(now + FRESH));
    connection
        .query_row(
            "SELECT host FROM run
             WHERE state = 'running' AND host NOT IN ('', ?1) AND beat > ?2 AND beat < ?3 LIMIT 1",
            params![super::lock::host(), fresh.0, fresh.1],
            |row| row.get(0),
        )
        .optional()
}

/// Marks runs of the scope whose process died as interrupted. That we hold the lock proves it for those of our own
/// computer; locks do not reach into every shared folder, so that one of another computer must have been silent.
fn leave_dead_behind(
    connection: &Connection,
    scope: i64,
    host: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let elsewhere: Option<(String, String, i64)> = connection
        .query_row(
            "SELECT code, host, beat FROM run
             WHERE scope = ?1 AND state = 'running' AND host <> '' AND host <> ?2 AND beat IS NOT NULL
             ORDER BY beat DESC LIMIT 1",
            params![scope, host],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    if let Some((code, host, beat)) = elsewhere
        && let silent = now.duration_since(moment(beat))
        && silent.abs() < FRESH
    {
        let wait = (FRESH - silent).as_secs().max(1);
        let error = Error::usage(format!("run {code} is under way on the computer `{host}`")).hint(
            format!("stop it there; if it has died, run this again in {wait} seconds"),
        );
        return Err(generation::carried(error));
    }
    connection.execute(
        "UPDATE run SET state = 'interrupted' WHERE scope = ?1 AND state = 'running'",
        [scope],
    )?;
    Ok(())
}

/// Marks the attempts of a scope on this computer whose process died: whoever holds the lock of the scope knows it.
pub(super) fn end_dead(
    connection: &Connection,
    names: &[String; 3],
    host: &str,
) -> rusqlite::Result<()> {
    let Some(scope) = find_scope(connection, &names[0], &names[1], &names[2])? else {
        return Ok(());
    };
    connection
        .execute(
            "UPDATE run SET state = 'interrupted' WHERE scope = ?1 AND state = 'running' AND host IN ('', ?2)",
            params![scope, host],
        )
        .map(drop)
}

/// Makes sure that a run still counts as under way, and notes now and then that it is.
///
/// # Errors
/// When another run of the scope has begun meanwhile, which takes this one for dead.
pub(super) fn is_alive(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    let (state, beat): (String, Option<i64>) = connection
        .prepare_cached("SELECT state, beat FROM run WHERE id = ?1")?
        .query_row([run], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if state == RunState::Interrupted.as_str() {
        let error = Error::usage(
            "another run of the same scope has begun and goes on in place of this one",
        )
        .hint("let one of them end, then run the same command again");
        return Err(generation::carried(error));
    }
    let now = Timestamp::now();
    let is_old = |beat: i64| now.duration_since(moment(beat)).abs() >= BEAT;
    if state == RunState::Running.as_str() && beat.is_none_or(is_old) {
        connection
            .prepare_cached("UPDATE run SET beat = ?2 WHERE id = ?1")?
            .execute(params![run, micros(now)])?;
    }
    Ok(())
}

/// Begins a run; those of the scope whose process died are marked as interrupted.
pub(super) fn start(
    connection: &Connection,
    scope: i64,
    meta: &RunMeta,
    host: &str,
    now: Timestamp,
) -> rusqlite::Result<(i64, String)> {
    leave_dead_behind(connection, scope, host, now)?;
    if !meta.key_definition.is_empty() {
        connection.execute(
            "UPDATE scope SET key_definition = ?2 WHERE id = ?1",
            params![scope, meta.key_definition],
        )?;
        super::sums::seal_scope(connection, scope)?;
    }
    let next = attempts::next(connection, scope, &meta.belongs, &meta.input_print)?;
    let (job, attempt, code) = match next {
        Some(next) => (Some(next.job), next.attempt, next.code),
        None => (None, 1, fresh_code(connection)?),
    };
    connection.execute(
        "INSERT INTO run (code, scope, state, started, inputs, input_print, mapping, mapping_print,
                          directory_print, directory_pulled, command, system_print, arguments, folder,
                          operation, host, beat, job, nth)
         VALUES (:code, :scope, 'running', :started, :inputs, :input_print, :mapping, :mapping_print,
                 :directory_print, :directory_pulled, :command, :system_print, :arguments, :folder,
                 :operation, :host, :started, :job, :nth)",
        named_params! {
            ":code": code,
            ":scope": scope,
            ":host": host,
            ":started": micros(now),
            ":inputs": serde_json::json!(meta.inputs).to_string(),
            ":input_print": meta.input_print,
            ":mapping": meta.mapping,
            ":mapping_print": meta.mapping_print,
            ":directory_print": meta.directory_print,
            ":directory_pulled": meta.directory_pulled.map(micros),
            ":command": meta.command,
            ":system_print": meta.system_print,
            ":arguments": serde_json::json!(meta.arguments).to_string(),
            ":folder": meta.folder,
            ":operation": meta.operation.as_str(),
            ":job": job,
            ":nth": attempt,
        },
    )?;
    let id = connection.last_insert_rowid();
    connection.execute(
        "UPDATE run SET job = id WHERE id = ?1 AND job IS NULL",
        [id],
    )?;
    Ok((id, code))
}

/// A code that no run has.
fn fresh_code(connection: &Connection) -> rusqlite::Result<String> {
    let mut length = 4;
    let mut tries = 0;
    loop {
        let candidate = code(length);
        let taken: bool = connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM run WHERE code = ?1)",
            [&candidate],
            |row| row.get(0),
        )?;
        if !taken {
            return Ok(candidate);
        }
        tries += 1;
        if tries == 64 {
            length = 5;
        }
    }
}

/// Ends a run.
pub(super) fn finish(
    connection: &Connection,
    run: i64,
    state: RunState,
    totals: &Value,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE run SET state = ?2, totals = ?3, ended = ?4 WHERE id = ?1",
        params![run, state.as_str(), totals.to_string(), micros(now)],
    )?;
    Ok(())
}

pub(super) fn put_end(connection: &Connection, run: i64, row: &StoredRow) -> rusqlite::Result<()> {
    let end = serde_json::to_string(&row.end).expect("strings and numbers have a JSON form");
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO row_end (run, ordinal, file, sheet, row, key, state, end)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            run,
            i64::try_from(row.ordinal).unwrap_or(i64::MAX),
            &*row.place.file,
            row.place.sheet.as_deref(),
            i64::try_from(row.place.row).unwrap_or(i64::MAX),
            row.key.as_ref().map(RowKey::as_str),
            row.end.state(),
            end,
        ])?;
    Ok(())
}

pub(super) const RUNS: &str = "
    SELECT code, tenant.system, tenant.name, scope.name, state, started, ended, inputs, input_print, mapping,
           mapping_print, directory_print, directory_pulled, command, totals, system_print, arguments, folder,
           operation, (SELECT count(*) FROM undo WHERE undo.run = run.id AND undo.state IN ('undone', 'gone')),
           coalesce((SELECT first.code FROM run AS first WHERE first.id = run.job),
                    substr(run.code, 1, instr(run.code || '.', '.') - 1)), run.nth, run.host, run.beat
    FROM run JOIN scope ON scope.id = run.scope JOIN tenant ON tenant.id = scope.tenant";

pub(super) fn info(row: &Row<'_>) -> rusqlite::Result<RunInfo> {
    let json = |index: usize| -> rusqlite::Result<Option<Value>> {
        let text: Option<String> = row.get(index)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    };
    Ok(RunInfo {
        code: row.get(0)?,
        system: row.get(1)?,
        tenant: row.get(2)?,
        scope: row.get(3)?,
        state: RunState::parse(row.get_ref(4)?.as_str()?),
        started: moment(row.get(5)?),
        ended: row.get::<_, Option<i64>>(6)?.map(moment),
        meta: RunMeta {
            inputs: json(7)?
                .and_then(|value| serde_json::from_value(value).ok())
                .unwrap_or_default(),
            input_print: row.get(8)?,
            mapping: row.get(9)?,
            mapping_print: row.get(10)?,
            directory_print: row.get(11)?,
            directory_pulled: row.get::<_, Option<i64>>(12)?.map(moment),
            command: row.get(13)?,
            system_print: row.get(15)?,
            arguments: json(16)?
                .and_then(|value| serde_json::from_value(value).ok())
                .unwrap_or_default(),
            folder: row.get(17)?,
            operation: Operation::parse(row.get_ref(18)?.as_str()?).unwrap_or_default(),
            key_definition: String::new(),
            belongs: Belongs::default(),
        },
        job: row.get(20)?,
        attempt: row.get(21)?,
        host: row.get(22)?,
        beat: row.get::<_, Option<i64>>(23)?.map(moment),
        is_gone: false,
        totals: json(14)?,
        undone: u64::try_from(row.get::<_, i64>(19)?).unwrap_or_default(),
    })
}

/// All runs, the latest first.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<RunInfo>> {
    connection
        .prepare(&format!("{RUNS} ORDER BY run.id DESC"))?
        .query_map([], info)?
        .collect()
}

/// One run by its code, in any case.
pub(super) fn one(connection: &Connection, code: &str) -> rusqlite::Result<Option<RunInfo>> {
    connection
        .query_row(
            &format!("{RUNS} WHERE code = upper(?1)"),
            [code.trim()],
            info,
        )
        .optional()
}

/// The latest run of a scope.
pub(super) fn last(connection: &Connection, scope: i64) -> rusqlite::Result<Option<RunInfo>> {
    connection
        .query_row(
            &format!("{RUNS} WHERE run.scope = ?1 ORDER BY run.id DESC LIMIT 1"),
            [scope],
            info,
        )
        .optional()
}
