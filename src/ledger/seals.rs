//! Seals: each table beside the steps has the number of its rows and the sum of their checksums written down, so that a
//! row that was changed, or that vanished, is missed.
//!
//! Triggers of the connection count what moves, and each commit writes it down. A row has no checksum of its own: these
//! tables are read as a whole, when the ledger is opened.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params};

use super::sums::{Moves, checksum, damaged, moment, noted};

/// The tables that are sealed, with what they hold, for people.
const TABLES: [(&str, &str); 8] = [
    ("tenant", "the list of systems"),
    ("scope", "the list of scopes"),
    ("run", "the list of runs"),
    ("row_end", "how the rows of runs ended"),
    ("former", "the tickets that rows had before"),
    ("undo", "what rollbacks did"),
    ("shape", "which refusals are proven"),
    ("known", "which tickets were there before"),
];

/// The names of the columns of a table, in their order.
fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

/// Counts from here on what moves in the tables.
pub(super) fn watch(connection: &Connection, moves: Moves) -> rusqlite::Result<()> {
    // A replaced row fires the trigger of its deletion only so.
    connection.pragma_update(None, "recursive_triggers", true)?;
    connection.create_scalar_function(
        "table_changed",
        -1,
        FunctionFlags::SQLITE_UTF8,
        move |of| changed(of, &moves),
    )?;
    for (table, _) in TABLES {
        let names = columns(connection, table)?;
        let of = |which: &str| -> String {
            let columns = names.iter().map(|name| format!("{which}.{name}"));
            columns.collect::<Vec<_>>().join(", ")
        };
        let (old, new) = (of("OLD"), of("NEW"));
        connection.execute_batch(&format!(
            "CREATE TEMP TRIGGER {table}_is_new AFTER INSERT ON main.{table} BEGIN
                 SELECT table_changed('{table}', 1, {new});
             END;
             CREATE TEMP TRIGGER {table}_is_other AFTER UPDATE ON main.{table} BEGIN
                 SELECT table_changed('{table}', -1, {old});
                 SELECT table_changed('{table}', 1, {new});
             END;
             CREATE TEMP TRIGGER {table}_is_gone AFTER DELETE ON main.{table} BEGIN
                 SELECT table_changed('{table}', -1, {old});
             END;"
        ))?;
    }
    Ok(())
}

/// `table_changed(table, 1 or -1, columns…)`: counts a row that came or went.
fn changed(of: &Context<'_>, moves: &Moves) -> rusqlite::Result<Option<i64>> {
    let (table, sign): (String, i64) = (of.get(0)?, of.get(1)?);
    let sum = checksum((2..of.len()).map(|at| of.get_raw(at)));
    let mut moves = noted(moves);
    let moved = moves.tables.entry(table).or_default();
    moved.0 += sign;
    moved.1 = moved.1.wrapping_add(sum.wrapping_mul(sign));
    Ok(None)
}

/// Writes down what has moved in a table.
pub(super) fn add(connection: &Connection, table: &str, by: (i64, i64)) -> rusqlite::Result<()> {
    let old: Option<(i64, i64)> = connection
        .prepare_cached("SELECT held, sums FROM seal WHERE name = ?1")?
        .query_row([table], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (held, sums) = old.unwrap_or_default();
    connection
        .prepare_cached(
            "INSERT INTO seal (name, held, sums) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET held = excluded.held, sums = excluded.sums",
        )?
        .execute(params![table, held + by.0, sums.wrapping_add(by.1)])?;
    Ok(())
}

/// How many rows a table has, and the sum of their checksums.
fn total(connection: &Connection, table: &str) -> rusqlite::Result<(i64, i64)> {
    let names = columns(connection, table)?;
    let mut statement = connection.prepare(&format!("SELECT {} FROM {table}", names.join(", ")))?;
    let mut rows = statement.query([])?;
    let (mut held, mut sums) = (0, 0_i64);
    while let Some(row) = rows.next()? {
        let values: rusqlite::Result<Vec<ValueRef<'_>>> =
            (0..names.len()).map(|at| row.get_ref(at)).collect();
        held += 1;
        sums = sums.wrapping_add(checksum(values?.into_iter()));
    }
    Ok((held, sums))
}

/// Seals all tables as they are, for a ledger that was just brought up to date.
pub(super) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM seal", [])?;
    for (table, _) in TABLES {
        add(connection, table, total(connection, table)?)?;
    }
    Ok(())
}

/// Reads each table and compares it with its seal, as of one moment.
///
/// # Errors
/// What a table holds that is not as it was written, once for each such table.
pub(super) fn verify(connection: &Connection) -> rusqlite::Result<Vec<rusqlite::Error>> {
    let _moment = moment(connection)?;
    let mut faults = Vec::new();
    for (table, what) in TABLES {
        let sealed: Option<(i64, i64)> = connection
            .query_row(
                "SELECT held, sums FROM seal WHERE name = ?1",
                [table],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        if sealed.unwrap_or_default() != total(connection, table)? {
            faults.push(damaged(format!("{what} (the table `{table}`)")));
        }
    }
    Ok(faults)
}
