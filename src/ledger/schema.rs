//! The stored form of the ledger: append-only migrations, one a version, keyed on SQLite's `user_version`.
//!
//! | version | what changed |
//! |---|---|
//! | 1 | tenants, scopes, runs, steps, row ends |
//! | 2 | what a run was typed as and in which folder, the system's fingerprint; tickets that a key had before; rollbacks |
//! | 3 | rows that were in doubt are found without looking at all; `doubted` 2: no longer looked at for doubles |
//! | 4 | what a run does to tickets; which ticket a step is about where its row did not make one |
//! | 5 | how what a step sends will look when it is listed; tickets that may be that of a step in doubt |
//! | 6 | checksums of steps and scopes, the generation; up to when a scope was looked at, what its keys are made of; on which computer a run is, and when it was last heard of |
//! | 7 | the shapes of refusals and what proves them; in which shape a step was refused last |
//! | 8 | which run an attempt belongs to, and its number; tickets that the ledger learned of and no run made |
//! | 9 | how many rows each other table has, and the sum of their checksums |
//!
//! Times are microseconds since 1970 in UTC; those of a step are on the system's clock, those of a run on ours.

use rusqlite::{Connection, TransactionBehavior};

use super::{attempts, seals, sums};

/// The migrations in order; a published one is never changed.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE tenant (
        id     INTEGER PRIMARY KEY,
        system TEXT NOT NULL,
        name   TEXT NOT NULL,
        UNIQUE (system, name)
    ) STRICT;
    CREATE TABLE scope (
        id     INTEGER PRIMARY KEY,
        tenant INTEGER NOT NULL REFERENCES tenant (id),
        name   TEXT NOT NULL,
        UNIQUE (tenant, name)
    ) STRICT;
    CREATE TABLE run (
        id               INTEGER PRIMARY KEY,
        code             TEXT NOT NULL UNIQUE,
        scope            INTEGER NOT NULL REFERENCES scope (id),
        state            TEXT NOT NULL,
        started          INTEGER NOT NULL,
        ended            INTEGER,
        inputs           TEXT NOT NULL,
        input_print      TEXT NOT NULL,
        mapping          TEXT NOT NULL,
        mapping_print    TEXT NOT NULL,
        directory_print  TEXT,
        directory_pulled INTEGER,
        command          TEXT NOT NULL,
        totals           TEXT
    ) STRICT;
    CREATE INDEX run_of_scope ON run (scope, id);
    CREATE TABLE step (
        scope      INTEGER NOT NULL,
        key        TEXT NOT NULL,
        step       TEXT NOT NULL,
        ordinal    INTEGER NOT NULL,
        state      INTEGER NOT NULL,
        attempt    INTEGER NOT NULL,
        absent     INTEGER NOT NULL,
        doubted    INTEGER NOT NULL,
        payload    BLOB,
        content    BLOB NOT NULL,
        run        INTEGER NOT NULL,
        file       TEXT NOT NULL,
        sheet      TEXT,
        row        INTEGER NOT NULL,
        reference  TEXT,
        grp        TEXT NOT NULL,
        sent_at    INTEGER,
        settled_at INTEGER,
        ticket     TEXT,
        number     TEXT,
        url        TEXT,
        error      TEXT,
        PRIMARY KEY (scope, key, step, ordinal)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX step_unsettled ON step (scope) WHERE state IN (1, 5);
    CREATE INDEX step_of_ticket ON step (ticket) WHERE ticket IS NOT NULL;
    CREATE TABLE row_end (
        run     INTEGER NOT NULL,
        ordinal INTEGER NOT NULL,
        file    TEXT NOT NULL,
        sheet   TEXT,
        row     INTEGER NOT NULL,
        key     TEXT,
        state   TEXT NOT NULL,
        end     TEXT NOT NULL,
        PRIMARY KEY (run, ordinal)
    ) STRICT, WITHOUT ROWID;
",
    "
    ALTER TABLE run ADD COLUMN system_print TEXT NOT NULL DEFAULT '';
    ALTER TABLE run ADD COLUMN arguments TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE run ADD COLUMN folder TEXT NOT NULL DEFAULT '';
    CREATE TABLE former (
        ticket TEXT NOT NULL,
        scope  INTEGER NOT NULL,
        key    TEXT NOT NULL,
        run    INTEGER NOT NULL,
        why    TEXT NOT NULL,
        at     INTEGER NOT NULL,
        PRIMARY KEY (ticket, scope)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE undo (
        run    INTEGER NOT NULL,
        key    TEXT NOT NULL,
        ticket TEXT NOT NULL,
        state  TEXT NOT NULL,
        why    TEXT,
        at     INTEGER NOT NULL,
        PRIMARY KEY (run, key)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE INDEX step_doubted ON step (scope) WHERE doubted = 1;
",
    "
    ALTER TABLE run ADD COLUMN operation TEXT NOT NULL DEFAULT 'create';
    ALTER TABLE step ADD COLUMN about TEXT;
",
    "
    ALTER TABLE step ADD COLUMN print TEXT;
    ALTER TABLE step ADD COLUMN candidates TEXT;
    CREATE INDEX step_about ON step (about) WHERE about IS NOT NULL;
",
    // The checksums themselves are made by `sums::fill`, after the last migration.
    "
    ALTER TABLE step ADD COLUMN sum INTEGER;
    ALTER TABLE scope ADD COLUMN steps INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE scope ADD COLUMN sums INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE scope ADD COLUMN sum INTEGER;
    ALTER TABLE scope ADD COLUMN looked_until INTEGER;
    ALTER TABLE scope ADD COLUMN key_definition TEXT;
    ALTER TABLE run ADD COLUMN host TEXT NOT NULL DEFAULT '';
    ALTER TABLE run ADD COLUMN beat INTEGER;
    CREATE TABLE generation (
        id         INTEGER PRIMARY KEY CHECK (id = 1),
        ledger     TEXT NOT NULL,
        generation INTEGER NOT NULL,
        open       INTEGER NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE shape (
        tenant INTEGER NOT NULL REFERENCES tenant (id),
        shape  TEXT NOT NULL,
        absent INTEGER NOT NULL,
        seen   INTEGER NOT NULL,
        probed INTEGER NOT NULL,
        lost   INTEGER NOT NULL,
        PRIMARY KEY (tenant, shape)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE step ADD COLUMN shape TEXT;
",
    // To which run an attempt of before belongs is found out by `attempts::group`.
    "
    ALTER TABLE run ADD COLUMN job INTEGER;
    ALTER TABLE run ADD COLUMN nth INTEGER NOT NULL DEFAULT 1;
    CREATE INDEX run_of_job ON run (job);
    CREATE INDEX row_end_of_key ON row_end (key, run);
    CREATE TABLE known (
        ticket TEXT NOT NULL,
        scope  INTEGER NOT NULL,
        PRIMARY KEY (ticket, scope)
    ) STRICT, WITHOUT ROWID;
",
    // What is sealed is counted by `seals::fill`, after the last migration.
    "
    CREATE TABLE seal (
        name TEXT PRIMARY KEY,
        held INTEGER NOT NULL,
        sums INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
];

/// The version that this program writes.
pub(super) const VERSION: usize = MIGRATIONS.len();

/// The version that brought checksums, and the one that changed what those of steps cover.
const SUMS: usize = 6;
const SHAPES: usize = 7;
/// The version that tells runs from attempts.
const ATTEMPTS: usize = 8;

/// What keeps a ledger from being brought up to date.
#[derive(Debug)]
pub(super) enum Unfit {
    /// A newer program wrote it: its version.
    Newer(usize),
    /// SQLite says no.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Unfit {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        .map(|version| usize::try_from(version).unwrap_or(usize::MAX))
}

/// The version of a ledger that holds something and is to be brought up to date.
pub(super) fn outdated(connection: &Connection) -> rusqlite::Result<Option<usize>> {
    version(connection).map(|found| (1..VERSION).contains(&found).then_some(found))
}

/// Brings the schema up to [`VERSION`]; nothing happens when it is there.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Unfit> {
    match version(connection)? {
        found if found > VERSION => return Err(Unfit::Newer(found)),
        VERSION => return Ok(()),
        _ => {}
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been here between the first look and the lock.
    let found = version(&transaction)?;
    for migration in MIGRATIONS.iter().skip(found) {
        transaction.execute_batch(migration)?;
    }
    if found < VERSION {
        // What is damaged is not sealed as it is.
        if found >= SUMS {
            sums::verify_all(&transaction, found >= SHAPES)?;
        }
        if found < SHAPES {
            sums::fill(&transaction)?;
        }
        if found < ATTEMPTS {
            attempts::group(&transaction)?;
        }
        seals::fill(&transaction)?;
        transaction.pragma_update(None, "user_version", VERSION as i64)?;
    }
    transaction.commit()?;
    Ok(())
}

/// The schema of the first version.
#[cfg(test)]
pub(super) fn first() -> &'static str {
    MIGRATIONS[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let dump = |connection: &Connection| -> Vec<String> {
            let mut all = connection
                .prepare("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name")
                .unwrap();
            let rows = all.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        migrate(&mut connection).unwrap();
        let first = dump(&connection);
        connection
            .execute("INSERT INTO tenant (system, name) VALUES ('a', 'b')", [])
            .unwrap();
        migrate(&mut connection).unwrap();
        assert_eq!(first, dump(&connection));
        assert_eq!(version(&connection).unwrap(), VERSION);
        let tenants: i64 = connection
            .query_row("SELECT count(*) FROM tenant", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tenants, 1);
    }

    #[test]
    fn a_newer_ledger_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(migrate(&mut connection), Err(Unfit::Newer(99))));
    }
}
