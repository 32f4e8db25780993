//! Checksums: damage inside a ledger that SQLite can still read is found by them.
//!
//! Each step carries a checksum over all its columns, and each scope the number of its steps, the sum of their
//! checksums and a checksum over itself. Triggers of the connection keep them, so that no statement can forget to; a
//! step is also checked before it is changed, so that damage is never sealed. What is read is checked where it is read.
//! The other tables have [`seals`].

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::seals;

/// The columns that a checksum covers, in its order. A migration that adds one adds it here: all checksums are made
/// anew when a ledger is brought up to date.
const COLUMNS: [&str; 26] = [
    "scope",
    "key",
    "step",
    "ordinal",
    "state",
    "attempt",
    "absent",
    "doubted",
    "payload",
    "content",
    "run",
    "file",
    "sheet",
    "row",
    "reference",
    "grp",
    "sent_at",
    "settled_at",
    "ticket",
    "number",
    "url",
    "error",
    "about",
    "print",
    "candidates",
    "shape",
];

/// What a query selects at its end for [`verify`], in the order of [`COLUMNS`].
pub(super) const CHECKED: &str = "step.scope, step.key, step.step, step.ordinal, step.state, step.attempt, step.absent, \
    step.doubted, step.payload, step.content, step.run, step.file, step.sheet, step.row, step.reference, step.grp, \
    step.sent_at, step.settled_at, step.ticket, step.number, step.url, step.error, step.about, step.print, step.candidates, step.shape, step.sum";

/// Begins the text of an error about damage, also where it comes back through SQLite.
const DAMAGED: &str = "damage in the ledger: ";

/// What is damaged.
#[derive(Debug)]
pub(super) struct Damaged(String);

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{DAMAGED}{}", self.0)
    }
}

impl std::error::Error for Damaged {}

pub(super) fn damaged(what: String) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(Box::new(Damaged(what)))
}

/// What is damaged, where an error says that something is.
pub(super) fn damage(error: &rusqlite::Error) -> Option<String> {
    let text = match error {
        rusqlite::Error::UserFunctionError(inner) => inner.to_string(),
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
        _ => return None,
    };
    text.strip_prefix(DAMAGED).map(str::to_owned)
}

/// The checksum of values, each with its type and length.
pub(super) fn checksum<'v>(values: impl Iterator<Item = ValueRef<'v>>) -> i64 {
    let mut bytes = Vec::with_capacity(512);
    for value in values {
        match value {
            ValueRef::Null => bytes.push(0),
            ValueRef::Integer(number) => {
                bytes.push(1);
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            ValueRef::Real(number) => {
                bytes.push(2);
                bytes.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            ValueRef::Text(text) | ValueRef::Blob(text) => {
                bytes.push(if matches!(value, ValueRef::Text(_)) {
                    3
                } else {
                    4
                });
                bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
                bytes.extend_from_slice(text);
            }
        }
    }
    let hash = blake3::hash(&bytes);
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    i64::from_le_bytes(first)
}

/// Names a step by its first columns, for people.
fn named(values: &[ValueRef<'_>]) -> String {
    let text = |at: usize| match values.get(at) {
        Some(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
        _ => "?".to_owned(),
    };
    format!(
        "the step `{}` of the row with the key `{}`",
        text(2),
        text(1)
    )
}

/// Checks a step that was read with [`CHECKED`], which begins at `first`.
///
/// # Errors
/// When it is not as it was written.
pub(super) fn verify(row: &Row<'_>, first: usize) -> rusqlite::Result<()> {
    verify_first(row, first, COLUMNS.len())
}

/// The same by the first so many columns.
fn verify_first(row: &Row<'_>, first: usize, covered: usize) -> rusqlite::Result<()> {
    let mut values = [ValueRef::Null; COLUMNS.len()];
    for (at, value) in values.iter_mut().enumerate() {
        *value = row.get_ref(first + at)?;
    }
    match row.get_ref(first + COLUMNS.len())? {
        ValueRef::Integer(sum) if sum == checksum(values.into_iter().take(covered)) => Ok(()),
        _ => Err(damaged(named(&values))),
    }
}

/// How numbers of rows and the sums of their checksums have moved since the last commit.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Steps, by their scope.
    scopes: HashMap<i64, (i64, i64)>,
    /// Rows of other tables, by their name.
    pub(super) tables: BTreeMap<String, (i64, i64)>,
}

pub(super) type Moves = Arc<Mutex<Moved>>;

/// What has moved so far.
pub(super) fn noted(moves: &Moves) -> MutexGuard<'_, Moved> {
    moves.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connection of a ledger, with what is to be added up before a commit.
#[derive(Debug)]
pub(super) struct Book {
    connection: Connection,
    moves: Moves,
}

impl Deref for Book {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Book {
    /// Opens the book of a ledger that is up to date: from here on every change keeps the checksums.
    pub(super) fn open(connection: Connection) -> rusqlite::Result<Self> {
        let moves = Moves::default();
        let kept = Arc::clone(&moves);
        let steady = FunctionFlags::SQLITE_UTF8;
        connection
            .create_scalar_function("step_changed", -1, steady, move |of| changed(of, &kept))?;
        connection.execute_batch(&triggers())?;
        seals::watch(&connection, Arc::clone(&moves))?;
        Ok(Self { connection, moves })
    }

    /// A database that is no ledger.
    #[cfg(test)]
    pub(super) fn bare(connection: Connection) -> Self {
        Self {
            connection,
            moves: Moves::default(),
        }
    }

    /// Writes what has moved into the scopes and the seals, before a commit.
    pub(super) fn add_up(&self) -> rusqlite::Result<()> {
        let moved = std::mem::take(&mut noted(&self.moves).scopes);
        for (scope, (steps, sums)) in moved {
            let (old_steps, old_sums): (i64, i64) = self
                .prepare_cached("SELECT steps, sums FROM scope WHERE id = ?1")?
                .query_row([scope], |row| Ok((row.get(0)?, row.get(1)?)))?;
            self.prepare_cached("UPDATE scope SET steps = ?2, sums = ?3 WHERE id = ?1")?
                .execute(params![
                    scope,
                    old_steps + steps,
                    old_sums.wrapping_add(sums)
                ])?;
            seal_scope(self, scope)?;
        }
        // After the scopes, which are a table too.
        let moved = std::mem::take(&mut noted(&self.moves).tables);
        for (table, by) in moved {
            seals::add(self, &table, by)?;
        }
        Ok(())
    }

    /// Forgets what has moved, after a rollback.
    pub(super) fn forget_moves(&self) {
        *noted(&self.moves) = Moved::default();
    }
}

/// `step_changed(old sum, new?, old columns…, new columns…)`: checks the old step, counts the move, and gives the new
/// checksum. An insertion has no old columns, a deletion no new ones: `new?` is 1, 2 or 3 for new, old or both.
fn changed(of: &Context<'_>, moves: &Moves) -> rusqlite::Result<i64> {
    let kind: i64 = of.get(1)?;
    let columns = |from: usize| (0..COLUMNS.len()).map(move |at| of.get_raw(from + at));
    let first = 2;
    let (mut steps, mut sums) = (0_i64, 0_i64);
    if kind & 2 != 0 {
        let sum = checksum(columns(first));
        if !matches!(of.get_raw(0), ValueRef::Integer(stored) if stored == sum) {
            let values: Vec<ValueRef<'_>> = columns(first).collect();
            return Err(damaged(named(&values)));
        }
        steps -= 1;
        sums = sums.wrapping_sub(sum);
    }
    let mut new = 0;
    if kind & 1 != 0 {
        let from = if kind & 2 != 0 {
            first + COLUMNS.len()
        } else {
            first
        };
        new = checksum(columns(from));
        steps += 1;
        sums = sums.wrapping_add(new);
    }
    let scope = match of.get_raw(first) {
        ValueRef::Integer(scope) => scope,
        _ => return Err(damaged("a step without a scope".to_owned())),
    };
    let mut moves = noted(moves);
    let moved = moves.scopes.entry(scope).or_default();
    moved.0 += steps;
    moved.1 = moved.1.wrapping_add(sums);
    Ok(new)
}

/// The triggers that keep the checksums. They are the connection's own: a program of another version, or a person with
/// a database tool, can still open the file.
fn triggers() -> String {
    let of = |which: &str| -> String {
        let columns = COLUMNS.iter().map(|name| format!("{which}.{name}"));
        columns.collect::<Vec<_>>().join(", ")
    };
    let (old, new, names) = (of("OLD"), of("NEW"), COLUMNS.join(", "));
    let this = "scope = NEW.scope AND key = NEW.key AND step = NEW.step AND ordinal = NEW.ordinal";
    format!(
        "CREATE TEMP TRIGGER step_is_new AFTER INSERT ON main.step BEGIN
             UPDATE step SET sum = step_changed(NULL, 1, {new}) WHERE {this};
         END;
         CREATE TEMP TRIGGER step_is_other AFTER UPDATE OF {names} ON main.step BEGIN
             UPDATE step SET sum = step_changed(OLD.sum, 3, {old}, {new}) WHERE {this};
         END;
         CREATE TEMP TRIGGER step_is_gone AFTER DELETE ON main.step BEGIN
             SELECT step_changed(OLD.sum, 2, {old});
         END;"
    )
}

/// Checks a ledger that is brought up to date. Checksums of before did not cover in which shape a step was refused.
///
/// # Errors
/// When something is not as it was written.
pub(super) fn verify_all(connection: &Connection, with_shape: bool) -> rusqlite::Result<()> {
    verify_scopes(connection)?;
    let scopes: Vec<i64> = connection
        .prepare("SELECT id FROM scope")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for scope in scopes {
        verify_total(connection, scope)?;
    }
    let covered = COLUMNS.len() - usize::from(!with_shape);
    let mut statement = connection.prepare(&format!("SELECT {CHECKED} FROM step"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        verify_first(row, 0, covered)?;
    }
    Ok(())
}

/// Makes all checksums anew, for a ledger that was just brought up to date.
pub(super) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    let names = COLUMNS.join(", ");
    connection.create_scalar_function("step_sum", -1, FunctionFlags::SQLITE_UTF8, |of| {
        Ok(checksum((0..of.len()).map(|at| of.get_raw(at))))
    })?;
    connection.execute(&format!("UPDATE step SET sum = step_sum({names})"), [])?;
    let scopes: Vec<i64> = connection
        .prepare("SELECT id FROM scope")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for scope in scopes {
        let total = total(connection, scope)?;
        connection.execute(
            "UPDATE scope SET steps = ?2, sums = ?3 WHERE id = ?1",
            params![scope, total.steps, total.sums],
        )?;
        seal_scope(connection, scope)?;
    }
    Ok(())
}

const SCOPE: &str = "
    SELECT scope.id, tenant.system, tenant.name, scope.name, scope.steps, scope.sums, scope.looked_until,
           scope.key_definition, scope.sum
    FROM scope JOIN tenant ON tenant.id = scope.tenant";
/// How many columns of it the checksum covers.
const SCOPE_COLUMNS: usize = 8;

fn scope_sum(row: &Row<'_>) -> rusqlite::Result<i64> {
    let mut values = [ValueRef::Null; SCOPE_COLUMNS];
    for (at, value) in values.iter_mut().enumerate() {
        *value = row.get_ref(at)?;
    }
    Ok(checksum(values.into_iter()))
}

/// Writes the checksum of a scope, after it was changed.
pub(super) fn seal_scope(connection: &Connection, scope: i64) -> rusqlite::Result<()> {
    let sum = connection
        .prepare_cached(&format!("{SCOPE} WHERE scope.id = ?1"))?
        .query_row([scope], scope_sum)?;
    connection
        .prepare_cached("UPDATE scope SET sum = ?2 WHERE id = ?1")?
        .execute(params![scope, sum])?;
    Ok(())
}

/// Holds one state of the ledger for several questions, where no transaction does.
pub(super) fn moment(connection: &Connection) -> rusqlite::Result<Option<Transaction<'_>>> {
    match connection.is_autocommit() {
        true => connection.unchecked_transaction().map(Some),
        false => Ok(None),
    }
}

/// Checks the scopes themselves: their names, and what they count.
///
/// # Errors
/// When one is not as it was written, or a step belongs to none.
pub(super) fn verify_scopes(connection: &Connection) -> rusqlite::Result<()> {
    let _moment = moment(connection)?;
    let mut statement = connection.prepare(SCOPE)?;
    let mut rows = statement.query([])?;
    let mut known = 0_i64;
    while let Some(row) = rows.next()? {
        known += 1;
        let stored: Option<i64> = row.get(SCOPE_COLUMNS)?;
        if stored != Some(scope_sum(row)?) {
            let name = String::from_utf8_lossy(row.get_ref(3)?.as_bytes()?).into_owned();
            return Err(damaged(format!("what it keeps about the scope `{name}`")));
        }
    }
    // A scope whose tenant is gone, or a step whose scope is.
    let all: i64 = connection.query_row("SELECT count(*) FROM scope", [], |row| row.get(0))?;
    if all != known {
        return Err(damaged("a scope without its tenant".to_owned()));
    }
    let stray: Option<i64> = connection
        .query_row(STRAY, [], |row| row.get(0))
        .optional()?;
    match stray {
        None => Ok(()),
        Some(_) => Err(damaged("steps of a scope that it does not know".to_owned())),
    }
}

/// The next scope of a step is looked up from the one before: as many seeks as there are scopes.
const STRAY: &str = "
    WITH RECURSIVE held (scope) AS (
        SELECT min(scope) FROM step
        UNION ALL
        SELECT (SELECT min(scope) FROM step WHERE step.scope > held.scope) FROM held WHERE held.scope IS NOT NULL
    )
    SELECT scope FROM held WHERE scope IS NOT NULL AND scope NOT IN (SELECT id FROM scope) LIMIT 1";

/// What the steps of a scope amount to, read in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Total {
    steps: i64,
    sums: i64,
    /// When the latest intent was written, in microseconds on the system's clock.
    pub(super) last_sent: Option<i64>,
}

fn total(connection: &Connection, scope: i64) -> rusqlite::Result<Total> {
    let mut total = Total {
        steps: 0,
        sums: 0,
        last_sent: None,
    };
    let mut statement =
        connection.prepare_cached("SELECT sum, sent_at FROM step WHERE scope = ?1")?;
    let mut rows = statement.query([scope])?;
    while let Some(row) = rows.next()? {
        total.steps += 1;
        if let ValueRef::Integer(sum) = row.get_ref(0)? {
            total.sums = total.sums.wrapping_add(sum);
        }
        if let ValueRef::Integer(at) = row.get_ref(1)? {
            total.last_sent = total.last_sent.max(Some(at));
        }
    }
    Ok(total)
}

/// Counts the steps of a scope and adds their checksums up: one that vanished, or that was swapped, is missed.
///
/// # Errors
/// When they are not those that were written.
pub(super) fn verify_total(connection: &Connection, scope: i64) -> rusqlite::Result<Total> {
    // What another process commits between the two questions is no damage.
    let _moment = moment(connection)?;
    let (name, steps, sums): (String, i64, i64) = connection.query_row(
        "SELECT name, steps, sums FROM scope WHERE id = ?1",
        [scope],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let total = total(connection, scope)?;
    if total.steps != steps {
        return Err(damaged(format!(
            "the scope `{name}` has {} steps where {steps} were written",
            total.steps
        )));
    }
    if total.sums != sums {
        return Err(damaged(format!(
            "the steps of the scope `{name}` are not those that were written"
        )));
    }
    Ok(total)
}

/// What a look at all of a ledger found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many scopes it holds.
    pub scopes: u64,
    /// How many steps.
    pub steps: u64,
    /// What is damaged, for people; the first hundred.
    pub damage: Vec<String>,
}

/// How much damage is told one by one.
const TOLD: usize = 100;

/// Reads all: the pages and indexes, the scopes, and every step.
pub(super) fn check_all(connection: &Connection) -> rusqlite::Result<Checked> {
    let mut checked = Checked::default();
    let pages: Vec<String> = connection
        .prepare("PRAGMA integrity_check(100)")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let faulty = pages.into_iter().filter(|line| line != "ok");
    checked.damage.extend(faulty);
    let note = |found: rusqlite::Result<()>, damage: &mut Vec<String>| match found {
        Ok(()) => Ok(()),
        Err(error) => match crate::ledger::sums::damage(&error) {
            Some(what) => {
                if damage.len() < TOLD {
                    damage.push(what);
                }
                Ok(())
            }
            None => Err(error),
        },
    };
    note(verify_scopes(connection), &mut checked.damage)?;
    for fault in seals::verify(connection)? {
        note(Err(fault), &mut checked.damage)?;
    }
    let scopes: Vec<i64> = connection
        .prepare("SELECT id FROM scope")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    checked.scopes = scopes.len() as u64;
    for scope in scopes {
        note(
            verify_total(connection, scope).map(drop),
            &mut checked.damage,
        )?;
    }
    let mut statement = connection.prepare(&format!("SELECT {CHECKED} FROM step"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        checked.steps += 1;
        note(verify(row, 0), &mut checked.damage)?;
    }
    Ok(checked)
}
