//! The stored form of a replica, keyed on SQLite's `user_version`. What a replica holds can be read again: a form that is
//! not this program's is begun anew.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::BUSY;
use crate::error::{Error, Result};
use crate::ledger::{keep_log_beside, private_file, private_folder};

/// The form that this program writes. It changes with the tables and with the packed tickets.
const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE ticket (
        created  INTEGER NOT NULL,
        id       TEXT NOT NULL,
        updated  INTEGER NOT NULL,
        head     BLOB NOT NULL,
        comments BLOB,
        rest     BLOB,
        PRIMARY KEY (created, id)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX ticket_by_id ON ticket (id);
    CREATE TABLE part (
        id       INTEGER PRIMARY KEY,
        from_at  INTEGER NOT NULL,
        until_at INTEGER NOT NULL,
        state    INTEGER NOT NULL,
        pages    INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE fact (
        name  TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Tables that came later, and that an earlier program does not miss.
const LATER: &str = "
    CREATE TABLE IF NOT EXISTS ahead (
        id TEXT PRIMARY KEY
    ) STRICT, WITHOUT ROWID;
";

/// Opens the file to be written, made if it is not there, begun anew where it has another form.
pub(super) fn open(path: &Path) -> Result<Connection> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    let failed = |error| trouble(path, error);
    for _ in 0..2 {
        drop(private_file(path)?);
        let connection = Connection::open(path).map_err(failed)?;
        match prepare(&connection) {
            Ok(Form::Ours) => return Ok(connection),
            Ok(Form::Newer(version)) => {
                return Err(Error::machine(format!(
                    "the replica was written by a newer deskferry (version {version}, this one knows {VERSION})"
                ))
                .at(path.display())
                .hint("use the newer program, or another folder with `--state DIR`"));
            }
            Ok(Form::Older) => {}
            Err(error) if is_damage(&error) => {}
            Err(error) => return Err(failed(error)),
        }
        drop(connection);
        super::Replica::delete(path)?;
    }
    Err(damaged(path))
}

/// Opens a file that is there, only to read.
pub(super) fn open_to_read(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let failed = |error| trouble(path, error);
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(failed)?;
    Ok(connection)
}

enum Form {
    Ours,
    Older,
    Newer(i64),
}

fn prepare(connection: &Connection) -> rusqlite::Result<Form> {
    connection.busy_timeout(BUSY)?;
    // Packed tickets are half a kilobyte and more: a small page would hold few.
    connection.pragma_update(None, "page_size", 16_384)?;
    keep_log_beside(connection, "what is read")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -32_000)?;
    connection.set_prepared_statement_cache_capacity(32);
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        VERSION => {
            connection.execute_batch(LATER)?;
            Ok(Form::Ours)
        }
        version if version > VERSION => Ok(Form::Newer(version)),
        0 if is_empty(connection)? => {
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLES} {LATER} PRAGMA user_version = {VERSION}; COMMIT"
            ))?;
            Ok(Form::Ours)
        }
        _ => Ok(Form::Older),
    }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(tables == 0)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode;
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// What went wrong with the file, for people.
pub(super) fn trouble(path: &Path, error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    if is_damage(&error) {
        return damaged(path);
    }
    let hint = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "free some space; the same command goes on where it was",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another export uses it: wait until that has ended"
        }
        _ => "is the folder yours, and on a local disk? another one: `--state DIR`",
    };
    Error::machine("what was read cannot be kept")
        .at(path.display())
        .caused_by(error)
        .hint(hint)
}

pub(super) fn damaged(path: &Path) -> Error {
    Error::machine("what was read is damaged")
        .at(path.display())
        .hint("`--refresh` reads everything anew")
}
