//! How old a ledger is: a counter in a second file beside it, so that a backup that was put back, or a lost `-wal`, is
//! noticed.
//!
//! Each run counts up twice, at its beginning and at its end, in both files:
//!
//! ```text
//! file: 8 starting ─▶ ledger: 8 open ─▶ file: 8 open ─▶ … sending … ─▶ ledger: 9 closed ─▶ file: 9 closed
//! ```
//!
//! A crash between two of these leaves what can be told from an old ledger: nothing is sent before both say *open*.
//! While it is open the last commits are in `-wal`, which nobody removes then; without it they are lost.
//!
//! A state folder that is put back as a whole brings its second file along. So the same is noted a third time, in the
//! user's cache, for this ledger in this place. Caches are emptied: that nothing is noted there proves nothing.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::outfile;

/// How far a run has come, as the second file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// The ledger may not have counted up yet; nothing was sent.
    Starting,
    /// A run is under way, or its process died.
    Open,
    /// No run is under way.
    Closed,
}

/// What the second file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// Of which ledger.
    ledger: String,
    generation: i64,
    phase: Phase,
    /// Whether an old ledger has learned from the system, and not yet all that was made since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    learning: bool,
    /// The scopes of which it has learned all, by system, tenant and name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    learned: BTreeSet<[String; 3]>,
}

/// What an old ledger has learned, as the second file keeps it.
#[derive(Debug, Clone, Default)]
pub(super) struct Lessons {
    /// Whether it may be an older one than what was sent.
    pub(super) learning: bool,
    /// The scopes of which it has learned all.
    pub(super) learned: BTreeSet<[String; 3]>,
}

impl Mark {
    /// The generation that the ledger has surely come to: a start that died before the ledger counted is made again under
    /// the same number, however often.
    fn reached(&self) -> i64 {
        match self.phase {
            Phase::Starting => self.generation - 1,
            Phase::Open | Phase::Closed => self.generation,
        }
    }
}

/// The name of a file beside the ledger's.
fn beside(ledger: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = ledger.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The second file of a ledger.
pub(super) fn path(ledger: &Path) -> PathBuf {
    beside(ledger, ".generation")
}

/// Whether the ledger's last commits are there to be read; asked before SQLite opens it.
pub(super) fn has_wal(ledger: &Path) -> bool {
    beside(ledger, "-wal").exists()
}

/// Whether a ledger is the one that was last written here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Age {
    /// It is.
    Current,
    /// It may be an older one: why.
    Doubtful(&'static str),
    /// It may be, and learns from the system what was made since: it stays doubtful until it has seen all of that.
    Learning,
    /// Somebody has said, or found out, that it is to be trusted.
    Trusted,
}

/// What the file says; one that cannot be understood says nothing.
fn read(ledger: &Path) -> Option<Mark> {
    let bytes = std::fs::read(path(ledger)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Writes the file, on the disk before this returns.
fn write(ledger: &Path, mark: &Mark) -> Result<()> {
    let path = path(ledger);
    let failed = |error: std::io::Error| {
        Error::machine("the state folder cannot be written")
            .at(path.display())
            .hint("make the folder writable, or choose another with `--state DIR`")
            .caused_by(error)
    };
    let text = serde_json::to_string(mark).expect("strings and numbers have a JSON form");
    outfile::replace(&path, text.as_bytes(), outfile::Readers::Owner).map_err(failed)?;
    write_third(ledger, mark);
    Ok(())
}

/// Where a third note of a ledger in this place lies: outside of its folder. `None`: there is no such place.
#[cfg(not(test))]
fn elsewhere(ledger: &Path, id: &str) -> Option<PathBuf> {
    let folder = etcetera::choose_base_strategy().ok()?;
    let folder = etcetera::BaseStrategy::cache_dir(&folder);
    third(&folder.join("deskferry").join("ledgers"), ledger, id)
}

/// Unit tests leave nothing in anybody's cache.
#[cfg(test)]
fn elsewhere(ledger: &Path, id: &str) -> Option<PathBuf> {
    let folder = ledger.parent()?.with_extension("cache");
    folder
        .is_dir()
        .then(|| third(&folder, ledger, id))
        .flatten()
}

/// The name tells neither the place nor the ledger.
fn third(folder: &Path, ledger: &Path, id: &str) -> Option<PathBuf> {
    let place = ledger.canonicalize().ok()?;
    let mut hash = blake3::Hasher::new_derive_key("deskferry 2026 where a ledger is");
    hash.update(id.as_bytes());
    hash.update(place.as_os_str().as_encoded_bytes());
    Some(folder.join(format!("{}.json", &hash.finalize().to_hex()[..32])))
}

/// What the third note says.
fn read_third(ledger: &Path, id: &str) -> Option<Mark> {
    let bytes = std::fs::read(elsewhere(ledger, id)?).ok()?;
    let mark: Mark = serde_json::from_slice(&bytes).ok()?;
    (mark.ledger == id).then_some(mark)
}

/// Writes the third note. One that cannot be written costs only what it would have found out.
fn write_third(ledger: &Path, mark: &Mark) {
    let Some(path) = elsewhere(ledger, &mark.ledger) else {
        return;
    };
    let text = serde_json::to_vec(mark).expect("strings and numbers have a JSON form");
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| tempfile::NamedTempFile::new_in(folder))
        .and_then(|mut file| {
            file.write_all(&text)?;
            file.persist(&path).map(drop).map_err(|error| error.error)
        });
    if let Err(error) = written {
        tracing::debug!(%error, path = %path.display(), "cannot note how far the ledger has counted");
    }
}

/// What the ledger itself says: which one it is, its generation, whether a run is under way.
struct Kept {
    ledger: String,
    generation: i64,
    open: bool,
}

fn kept(connection: &Connection) -> rusqlite::Result<Option<Kept>> {
    connection
        .query_row(
            "SELECT ledger, generation, open FROM generation",
            [],
            |row| {
                Ok(Kept {
                    ledger: row.get(0)?,
                    generation: row.get(1)?,
                    open: row.get(2)?,
                })
            },
        )
        .optional()
}

/// Compares a ledger with its second file: how old it is, and the scopes for which that does not count. `had_wal` was asked
/// before the ledger was opened.
pub(super) fn judge(
    connection: &Connection,
    ledger: &Path,
    had_wal: bool,
) -> rusqlite::Result<(Age, BTreeSet<[String; 3]>)> {
    let kept = kept(connection)?;
    let third = kept
        .as_ref()
        .and_then(|kept| Some((kept.generation, read_third(ledger, &kept.ledger)?)));
    let mark = read(ledger);
    let lessons = mark.as_ref().filter(|mark| mark.learning);
    let lessons = lessons.map(|mark| mark.learned.clone());
    let age = match (kept, mark) {
        // Never run by a version that counts.
        (None, None) => Age::Current,
        (None, Some(mark)) if mark.phase == Phase::Starting => Age::Current,
        (None, Some(_)) => Age::Doubtful("later runs have counted further than it knows"),
        (Some(_), None) => Age::Doubtful("the file `ledger.sqlite.generation` is not beside it"),
        (Some(kept), Some(mark)) if kept.ledger != mark.ledger => {
            Age::Doubtful("the file `ledger.sqlite.generation` beside it is of another ledger")
        }
        (Some(kept), Some(mark)) => match mark.generation - kept.generation {
            // The second file is written last at the end of a run.
            ..0 => Age::Current,
            0 if kept.open && mark.phase == Phase::Open && !had_wal => Age::Doubtful(
                "a run was under way, and its last writes (`ledger.sqlite-wal`) are gone",
            ),
            0 => Age::Current,
            1 if mark.phase == Phase::Starting => Age::Current,
            _ => Age::Doubtful("later runs have counted further than it knows"),
        },
    };
    let age = match (age, third) {
        (Age::Current, Some((generation, mark))) => match mark.generation - generation {
            ..1 => Age::Current,
            1 if mark.phase == Phase::Starting => Age::Current,
            _ => Age::Doubtful(
                "later runs in this place have counted further than its folder knows: it was put back",
            ),
        },
        (age, _) => age,
    };
    Ok(match (age, lessons) {
        (Age::Current, Some(learned)) => (
            Age::Doubtful("`deskferry runs adopt` has not yet seen everything that was made since"),
            learned,
        ),
        // What it learned before it was put back once more does not count.
        (age, _) => (age, BTreeSet::new()),
    })
}

/// Whether a run was under way when the ledger was used last.
pub(super) fn is_open(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(kept(connection)?.is_some_and(|kept| kept.open))
}

/// Counts up in both files, within a transaction that is not committed yet. The second file comes first.
pub(super) fn begin(
    connection: &Connection,
    ledger: Option<&Path>,
    lessons: Lessons,
) -> rusqlite::Result<()> {
    let kept = kept(connection)?;
    let mark = ledger.and_then(read);
    let id = kept.as_ref().map(|kept| kept.ledger.clone());
    let id = id.unwrap_or_else(|| Uuid::new_v4().to_string());
    let noted = ledger.and_then(|ledger| read_third(ledger, &id));
    let known = mark.map_or(0, |mark| mark.reached());
    let known = noted.map_or(known, |noted| known.max(noted.reached()));
    let generation = kept.map_or(0, |kept| kept.generation).max(known) + 1;
    if let Some(path) = ledger {
        let mark = Mark {
            ledger: id.clone(),
            generation,
            phase: Phase::Starting,
            learning: lessons.learning,
            learned: lessons.learned,
        };
        write(path, &mark).map_err(carried)?;
    }
    put(connection, &id, generation, true)
}

/// Counts up in the ledger at the end of a run. It stays open where another run of another scope is under way.
pub(super) fn end(connection: &Connection) -> rusqlite::Result<()> {
    let Some(kept) = kept(connection)? else {
        return Ok(());
    };
    let open = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM run WHERE state = 'running')",
        [],
        |row| row.get(0),
    )?;
    put(connection, &kept.ledger, kept.generation + 1, open)
}

/// Counts up for something that changes what is done without a run: a rollback, a word of a person.
pub(super) fn count(connection: &Connection, ledger: Option<&Path>) -> rusqlite::Result<()> {
    begin(connection, ledger, Lessons::default())?;
    end(connection)
}

/// Lets the second file say what the ledger says, which is committed.
pub(super) fn follow(
    connection: &Connection,
    ledger: Option<&Path>,
    lessons: Lessons,
) -> rusqlite::Result<()> {
    let (Some(kept), Some(path)) = (kept(connection)?, ledger) else {
        return Ok(());
    };
    let mark = Mark {
        ledger: kept.ledger,
        generation: kept.generation,
        phase: match kept.open {
            true => Phase::Open,
            false => Phase::Closed,
        },
        learning: lessons.learning,
        learned: lessons.learned,
    };
    write(path, &mark).map_err(carried)
}

fn put(connection: &Connection, ledger: &str, generation: i64, open: bool) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO generation (id, ledger, generation, open) VALUES (1, ?1, ?2, ?3)",
        params![ledger, generation, open],
    )?;
    Ok(())
}

/// Carries an error of ours through SQLite's.
pub(super) fn carried(error: Error) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(Box::new(error))
}

/// An error of ours that was carried through SQLite's, anew.
pub(super) fn ours(error: &rusqlite::Error) -> Option<Error> {
    let rusqlite::Error::UserFunctionError(inner) = error else {
        return None;
    };
    let error = inner.downcast_ref::<Error>()?;
    let anew = Error::new(error.kind(), error.message());
    let anew = error
        .hints()
        .iter()
        .fold(anew, |anew, hint| anew.hint(hint.clone()));
    Some(anew)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_that_die_one_after_the_other_make_no_ledger_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        drop(crate::ledger::Ledger::open(&path).unwrap());
        let mut connection = Connection::open(&path).unwrap();
        for whole in 0..3 {
            for died in 0..3 {
                // Both write the second file, and neither commits.
                let transaction = connection.transaction().unwrap();
                begin(&transaction, Some(&path), Lessons::default()).unwrap();
                transaction.rollback().unwrap();
                let transaction = connection.transaction().unwrap();
                count(&transaction, Some(&path)).unwrap();
                transaction.rollback().unwrap();
                let (age, _) = judge(&connection, &path, true).unwrap();
                assert_eq!(age, Age::Current, "{died} after {whole}");
            }
            let transaction = connection.transaction().unwrap();
            begin(&transaction, Some(&path), Lessons::default()).unwrap();
            transaction.commit().unwrap();
            assert_eq!(judge(&connection, &path, true).unwrap().0, Age::Current);
            follow(&connection, Some(&path), Lessons::default()).unwrap();
            assert_eq!(judge(&connection, &path, true).unwrap().0, Age::Current);
        }
        connection
            .execute("UPDATE generation SET generation = generation - 1", [])
            .unwrap();
        assert!(matches!(
            judge(&connection, &path, true).unwrap().0,
            Age::Doubtful(_)
        ));
    }
}
