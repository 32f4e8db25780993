//! Tickets by the reference that they bear, in a temporary database: there may be more of them than memory holds.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::error::{Error, Result};
use crate::systems::Ticket;

/// A ticket that was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// When it was made.
    pub(super) made: Option<Timestamp>,
    pub(super) ticket: Ticket,
    pub(super) group: String,
    /// Whether it bears the reference on its first line alone.
    pub(super) is_head: bool,
    /// Whether it is open and bears the note of a rollback.
    pub(super) is_noted: bool,
}

/// The database. It has no name, and is gone when this is.
#[derive(Debug)]
pub(super) struct Spool {
    connection: Connection,
}

impl Spool {
    /// An empty one.
    pub(super) fn new() -> Result<Self> {
        let opened = Connection::open("").and_then(|connection| {
            connection.execute_batch(
                "PRAGMA journal_mode = OFF;
                 PRAGMA synchronous = OFF;
                 CREATE TABLE found (
                     nth    INTEGER PRIMARY KEY,
                     marker TEXT NOT NULL,
                     made   INTEGER,
                     ticket TEXT NOT NULL,
                     kind   TEXT NOT NULL,
                     head   INTEGER NOT NULL,
                     noted  INTEGER NOT NULL
                 ) STRICT;
                 CREATE INDEX found_of_marker ON found (marker);",
            )?;
            Ok(connection)
        });
        opened.map(|connection| Self { connection }).map_err(failed)
    }

    /// Adds a ticket that bears a reference.
    pub(super) fn add(&self, marker: &str, found: &Found) -> Result<()> {
        let ticket = serde_json::to_string(&found.ticket).expect("a ticket has a JSON form");
        let made = found.made.map(Timestamp::as_microsecond);
        let mut insert = self
            .connection
            .prepare_cached(
                "INSERT INTO found (marker, made, ticket, kind, head, noted) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .map_err(failed)?;
        insert
            .execute(params![
                marker,
                made,
                ticket,
                found.group,
                found.is_head,
                found.is_noted
            ])
            .map(drop)
            .map_err(failed)
    }

    /// Whether a ticket bears that reference.
    pub(super) fn has(&self, marker: &str) -> Result<bool> {
        let found = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM found WHERE marker = ?1)")
            .and_then(|mut found| found.query_row([marker], |row| row.get(0)));
        found.map_err(failed)
    }

    /// Takes out the tickets that bear a reference in one of two forms, the earliest first; of those without a time, and
    /// of one time, the first that came.
    pub(super) fn remove(&self, marker: &str, short: &str) -> Result<Vec<Found>> {
        let removed = || -> rusqlite::Result<Vec<Found>> {
            let found = self
                .connection
                .prepare_cached(
                    "SELECT made, ticket, kind, head, noted FROM found WHERE marker IN (?1, ?2)
                     ORDER BY made IS NULL, made, marker = ?2 AND marker <> ?1, nth",
                )?
                .query_map([marker, short], of_row)?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            if !found.is_empty() {
                self.connection
                    .prepare_cached("DELETE FROM found WHERE marker IN (?1, ?2)")?
                    .execute([marker, short])?;
            }
            Ok(found)
        };
        removed().map_err(failed)
    }

    /// So many references after this one that are left and tell a key, in order.
    pub(super) fn after(&self, marker: &str, limit: u32) -> Result<Vec<String>> {
        let markers = || -> rusqlite::Result<Vec<String>> {
            self.connection
                .prepare_cached(
                    "SELECT DISTINCT marker FROM found WHERE marker > ?1 AND instr(marker, '/') > 0
                     ORDER BY marker LIMIT ?2",
                )?
                .query_map(params![marker, limit], |row| row.get(0))?
                .collect()
        };
        markers().map_err(failed)
    }
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<Found> {
    let made: Option<i64> = row.get(0)?;
    let text = row.get_ref(1)?.as_str()?;
    let ticket = serde_json::from_str(text).unwrap_or_default();
    let made = made.and_then(|made| Timestamp::from_microsecond(made).ok());
    Ok(Found {
        made,
        ticket,
        group: row.get(2)?,
        is_head: row.get(3)?,
        is_noted: row.get(4)?,
    })
}

fn failed(error: rusqlite::Error) -> Error {
    Error::machine("the tickets that were found cannot be kept in a temporary file")
        .caused_by(error)
        .hint("make room in the folder for temporary files and run the same command again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, made: Option<i64>) -> Found {
        let ticket = Ticket {
            id: id.to_owned(),
            ..Ticket::default()
        };
        Found {
            made: made.map(|at| Timestamp::from_second(at).unwrap()),
            ticket,
            group: "g".to_owned(),
            is_head: false,
            is_noted: false,
        }
    }

    fn ids(found: &[Found]) -> Vec<&str> {
        found.iter().map(|found| found.ticket.id.as_str()).collect()
    }

    #[test]
    fn tickets_come_out_once_and_the_earliest_first() {
        let spool = Spool::new().unwrap();
        for (marker, id, made) in [
            ("s/1", "late", Some(9)),
            ("s/1", "timeless", None),
            ("hash", "early", Some(1)),
            ("s/2", "other", Some(5)),
            ("s/1", "same", Some(9)),
        ] {
            spool.add(marker, &found(id, made)).unwrap();
        }
        assert!(spool.has("s/1").unwrap());
        assert_eq!(spool.after("", 9).unwrap(), ["s/1", "s/2"]);
        assert_eq!(spool.after("s/1", 9).unwrap(), ["s/2"]);
        let taken = spool.remove("s/1", "hash").unwrap();
        assert_eq!(ids(&taken), ["early", "late", "same", "timeless"]);
        assert_eq!(taken[0], found("early", Some(1)));
        assert!(spool.remove("s/1", "hash").unwrap().is_empty());
        assert!(!spool.has("hash").unwrap());
        assert_eq!(ids(&spool.remove("s/2", "s/2").unwrap()), ["other"]);
    }
}
