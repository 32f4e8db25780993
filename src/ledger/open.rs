//! Opening the ledger's file: readable by its owner only, durable at each commit, whole, and of this version.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::schema::{self, Unfit};
use super::sums::{self, Book};
use super::{Age, generation, lock, objection, runs, seals, worker};
use crate::error::{Error, Result};
use crate::outfile;
use crate::systems::NO_HANDLES;

/// How long a command waits for another process that writes.
const BUSY: Duration = Duration::from_secs(10);
/// Up to this size the whole file is checked in any case: a tenth of a second.
const SMALL: u64 = 32 << 20;

/// How much of the file is checked when it is opened. A check of all takes a second for 250 MB (400,000 rows): nothing
/// beside an import, and a wrong answer about what was sent would double tickets; to a glance at it, it would be much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// All of it.
    Whole,
    /// All of a small one; of a large one what is read.
    Short,
}

/// Opens the file, made if it is not there, and brings it up to date. The scopes are those that an old ledger has learned
/// all of.
pub(super) fn open(path: &Path, care: Care) -> Result<(Book, Age, BTreeSet<[String; 3]>)> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    if care == Care::Whole
        && let Some(why) = objection(outfile::folder(path))
    {
        tracing::warn!(
            ledger = %path.display(),
            "the state folder is no safe place: {why}. Locks may not hold there, and a copy may be older than what was sent; \
             use a folder on this computer's own disk, with --state DIR"
        );
    }
    let had_wal = generation::has_wal(path);
    let size = private_file(path)?.metadata().map_or(0, |meta| meta.len());
    let name = path.display().to_string();
    let trouble = |error: rusqlite::Error| worker::trouble(&name, &error);
    let mut connection = Connection::open(path).map_err(trouble)?;
    prepare(&connection).map_err(trouble)?;
    if care == Care::Whole || size <= SMALL {
        check(&connection).map_err(trouble)?;
    }
    if let Some(version) = schema::outdated(&connection).map_err(trouble)? {
        is_at_rest(&connection, path, version)?;
        back_up(&connection, path, version)?;
    }
    schema::migrate(&mut connection).map_err(|unfit| told(&name, unfit))?;
    connection.set_prepared_statement_cache_capacity(64);
    sums::verify_scopes(&connection).map_err(trouble)?;
    if care == Care::Whole || size <= SMALL {
        let mut faults = seals::verify(&connection).map_err(trouble)?.into_iter();
        faults.next().map_or(Ok(()), |fault| Err(trouble(fault)))?;
    }
    let (age, learned) = generation::judge(&connection, path, had_wal).map_err(trouble)?;
    let is_open = generation::is_open(&connection).map_err(trouble)?;
    keep_wal(&connection, is_open).map_err(trouble)?;
    Ok((Book::open(connection).map_err(trouble)?, age, learned))
}

/// Refuses to bring a ledger up to date while an older program sends: that would go on writing it in its own way.
fn is_at_rest(connection: &Connection, path: &Path, version: usize) -> Result<()> {
    let trouble = |error: rusqlite::Error| worker::trouble(&path.display().to_string(), &error);
    let elsewhere = runs::under_way_elsewhere(connection, version).map_err(trouble)?;
    let scopes = runs::scopes(connection).map_err(trouble)?;
    let state = outfile::folder(path);
    if elsewhere.is_none() && !scopes.iter().any(|scope| lock::is_scope_held(state, scope)) {
        return Ok(());
    }
    let place = elsewhere.map_or_else(String::new, |host| format!(" on the computer `{host}`"));
    Err(Error::usage(format!(
        "an earlier version of deskferry is at work with this ledger{place}"
    ))
    .at(path.display())
    .hint("wait until it has ended, or stop it with Ctrl-C: the new version goes on where it was"))
}

/// Sets what makes a commit durable.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // Until it is known that no run was under way.
    keep_wal(connection, true)?;
    // Without its log beside it the ledger is as durable and slower, but another process may find it locked for long.
    keep_log_beside(connection, "the ledger")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // An fsync of macOS leaves the data in the drive's cache; elsewhere these two say nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    Ok(())
}

/// Asks a database to keep its log beside it. Where it does not, a line warns of the state folder; the answer is given back.
pub(crate) fn keep_log_beside(connection: &Connection, what: &str) -> rusqlite::Result<String> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        tracing::warn!(
            mode,
            "{what} cannot keep its log beside it (journal_mode = WAL): is the state folder on a network or synced \
             folder? Locks may not hold there: use a folder on this computer's own disk, with --state DIR"
        );
    }
    Ok(mode)
}

/// Says whether the file `-wal` stays when the last process closes the ledger: while a run is under way, or has died,
/// that it is there proves that nothing is lost.
pub(super) fn keep_wal(connection: &Connection, keep: bool) -> rusqlite::Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)
        .map(drop)
}

/// Looks whether the file is whole.
fn check(connection: &Connection) -> rusqlite::Result<()> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
        Some(verdict),
    ))
}

/// Copies the ledger as it is before it is brought up to date: `ledger.sqlite.v1.backup`, which an older program reads.
fn back_up(connection: &Connection, path: &Path, version: usize) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".v{version}.backup"));
    let copy = std::path::PathBuf::from(name);
    if copy.exists() {
        return Ok(());
    }
    let mut unfinished = copy.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = std::path::PathBuf::from(unfinished);
    drop(private_file(&unfinished)?);
    let failed = |error: rusqlite::Error| {
        worker::trouble(&copy.display().to_string(), &error)
            .hint("a new version of the program copies the ledger before it changes it, and nothing was changed yet")
    };
    connection
        .backup("main", &unfinished, None)
        .map_err(failed)?;
    // Windows syncs no file that was opened for reading only.
    let synced = private_file(&unfinished)?.sync_all();
    let renamed = synced.and_then(|()| outfile::rename(&unfinished, &copy));
    renamed.map_err(|error| unwritable(&copy, error))
}

/// What keeps a ledger from being opened, for people.
pub(super) fn told(path: &str, unfit: Unfit) -> Error {
    match unfit {
        Unfit::Sqlite(error) => worker::trouble(path, &error),
        Unfit::Newer(version) => Error::machine(format!(
            "the ledger was written by a newer deskferry (version {version}, this one knows {})",
            schema::VERSION
        ))
        .at(path)
        .hint("use the newer program, or another folder with `--state DIR`"),
    }
}

/// Whether a process, or the whole computer, may open no more files.
fn has_no_handles(error: &std::io::Error) -> bool {
    // EMFILE and ENFILE have these numbers on Linux and macOS; ERROR_TOO_MANY_OPEN_FILES on Windows.
    let numbers: &[i32] = if cfg!(windows) { &[4] } else { &[23, 24] };
    error
        .raw_os_error()
        .is_some_and(|number| numbers.contains(&number))
}

/// Makes a folder that only its owner can enter; one that is there is left as it is.
pub(crate) fn private_folder(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder
        .create(folder)
        .map_err(|error| unwritable(folder, error))
}

/// Opens a file that only its owner can read, made if it is not there.
pub(crate) fn private_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    if has_no_handles(&error) {
        return Error::machine(format!("{NO_HANDLES} (too many open files)"))
            .at(path.display())
            .hint("lower --concurrency or raise the limit (`ulimit -n`), and run the same command again")
            .caused_by(error);
    }
    Error::machine("the state folder cannot be written")
        .at(path.display())
        .hint("make the folder writable, or choose another with `--state DIR`")
        .caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_keeps_no_log_beside_it_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("a.sqlite")).unwrap();
        assert_eq!(keep_log_beside(&connection, "it").unwrap(), "wal");
        // As a network folder that cannot share memory answers.
        let connection = Connection::open_in_memory().unwrap();
        assert_eq!(keep_log_beside(&connection, "it").unwrap(), "memory");
    }
}
