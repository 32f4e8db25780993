//! Rows of groups that do not stand together, brought together in a temporary database.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use tempfile::{NamedTempFile, TempPath};

use super::candidate::{Candidate, Counts, Passed, close, pass};
use super::{Digest, Identify};
use crate::error::Rule;
use crate::error::{Error, Fault, Result};
use crate::record::{Cell, Place, Record};
use crate::source::{Row, Table};

/// Rows by the first appearance of their group, then as they stood.
#[derive(Debug)]
pub(super) struct Spool {
    path: TempPath,
    counts: Counts,
}

impl Spool {
    /// Reads all rows that pass `where` into the database.
    pub(super) fn fill(
        rows: impl Iterator<Item = Result<Row>>,
        identify: &dyn Identify,
        scratch: &Path,
    ) -> Result<Self> {
        let file = NamedTempFile::new_in(scratch).map_err(|error| {
            Error::machine("a temporary file cannot be written")
                .at(scratch.display())
                .caused_by(error)
        })?;
        let path = file.into_temp_path();
        let mut connection = connect(&path)?;
        let mut counts = Counts::default();
        let transaction = connection.transaction().map_err(failed)?;
        {
            let mut writer = Writer::new(&transaction)?;
            for row in rows {
                if let Some(passed) = pass(row?, identify, &mut counts) {
                    writer.write(passed)?;
                }
            }
        }
        transaction.commit().map_err(failed)?;
        Ok(Self { path, counts })
    }

    /// The candidates, a group each.
    pub(super) fn candidates<'a>(
        &self,
        identify: &'a dyn Identify,
        tables: &'a [Table],
    ) -> Result<Spooled<'a>> {
        Ok(Spooled {
            connection: connect(&self.path)?,
            tables,
            identify,
            counts: self.counts,
            next: 0,
        })
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path).map_err(failed)?;
    // Nothing here outlives the process: no journal, no waiting for the disk.
    connection
        .execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000;
             CREATE TABLE IF NOT EXISTS groups (number INTEGER PRIMARY KEY, digest BLOB UNIQUE);
             CREATE TABLE IF NOT EXISTS rows (
                 number INTEGER, seq INTEGER, tab INTEGER, row INTEGER, cells TEXT, faults TEXT,
                 PRIMARY KEY (number, seq)) WITHOUT ROWID;",
        )
        .map_err(failed)?;
    Ok(connection)
}

fn failed(error: rusqlite::Error) -> Error {
    Error::machine("the temporary database of groups cannot be used")
        .caused_by(error)
        .hint("free some space in the state folder, or choose another one with --state")
}

struct Writer<'a> {
    connection: &'a Connection,
    find: rusqlite::Statement<'a>,
    insert: rusqlite::Statement<'a>,
    group: rusqlite::Statement<'a>,
    seq: u64,
    last: Option<(Digest, i64)>,
}

impl<'a> Writer<'a> {
    fn new(connection: &'a Connection) -> Result<Self> {
        let prepare = |sql| connection.prepare(sql).map_err(failed);
        Ok(Self {
            connection,
            find: prepare("SELECT number FROM groups WHERE digest = ?1")?,
            group: prepare("INSERT INTO groups (digest) VALUES (?1)")?,
            insert: prepare("INSERT INTO rows VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?,
            seq: 0,
            last: None,
        })
    }

    fn write(&mut self, passed: Passed) -> Result<()> {
        let (record, group, faults) = match passed {
            Passed::Good(record, group) => (record, group, Vec::new()),
            Passed::Bad(record, faults, group) => (record, group, faults),
        };
        let number = self.number(group)?;
        let cells = serde_json::to_string(&record.cells).map_err(unwritable)?;
        let faults: Vec<_> = faults.iter().map(fault_parts).collect();
        let faults = serde_json::to_string(&faults).map_err(unwritable)?;
        let (table, row) = (record.table as i64, record.place.row as i64);
        self.insert
            .execute(params![number, self.seq as i64, table, row, cells, faults])
            .map_err(failed)?;
        self.seq += 1;
        Ok(())
    }

    /// The number of a group; a row without one is a group of its own.
    fn number(&mut self, group: Option<Digest>) -> Result<i64> {
        let Some(digest) = group else {
            self.group
                .execute(params![Option::<&[u8]>::None])
                .map_err(failed)?;
            return Ok(self.connection.last_insert_rowid());
        };
        if let Some((last, number)) = self.last
            && last == digest
        {
            return Ok(number);
        }
        let known = self.find.query_row(params![&digest[..]], |row| row.get(0));
        let number = match known.optional().map_err(failed)? {
            Some(number) => number,
            None => {
                self.group.execute(params![&digest[..]]).map_err(failed)?;
                self.connection.last_insert_rowid()
            }
        };
        self.last = Some((digest, number));
        Ok(number)
    }
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::machine("a row cannot be written to the temporary database").caused_by(error)
}

/// Column, field, value, message, hint, rule: a fault without its place, which is its row's.
type FaultParts = (
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    Option<String>,
    Rule,
);

fn fault_parts(fault: &Fault) -> FaultParts {
    let fault = fault.clone();
    (
        fault.column,
        fault.field,
        fault.value,
        fault.message,
        fault.hint,
        fault.rule,
    )
}

/// The groups of the database in order.
pub(super) struct Spooled<'a> {
    connection: Connection,
    tables: &'a [Table],
    identify: &'a dyn Identify,
    counts: Counts,
    next: i64,
}

impl Spooled<'_> {
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// The rows of the next group; `None` behind the last.
    fn group(&mut self) -> Result<Option<Candidate>> {
        let mut groups = self
            .connection
            .prepare_cached(
                "SELECT number, digest FROM groups WHERE number > ?1 ORDER BY number LIMIT 1",
            )
            .map_err(failed)?;
        let found: Option<(i64, Option<Vec<u8>>)> = groups
            .query_row(params![self.next], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(failed)?;
        let Some((number, digest)) = found else {
            return Ok(None);
        };
        self.next = number;
        let mut select = self
            .connection
            .prepare_cached(
                "SELECT tab, row, cells, faults FROM rows WHERE number = ?1 ORDER BY seq",
            )
            .map_err(failed)?;
        let mut rows = select.query(params![number]).map_err(failed)?;
        let (mut records, mut faults) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next().map_err(failed)? {
            let (record, bad) = self.record(row)?;
            records.push(record);
            faults.extend(bad);
        }
        let digest = digest.and_then(|digest| digest.try_into().ok());
        Ok(Some(Candidate {
            rows: records,
            faults,
            group: digest,
            is_left_out: false,
        }))
    }

    fn record(&self, row: &rusqlite::Row<'_>) -> Result<(Record, Vec<Fault>)> {
        let table: i64 = row.get(0).map_err(failed)?;
        let number: i64 = row.get(1).map_err(failed)?;
        let cells: String = row.get(2).map_err(failed)?;
        let faults: String = row.get(3).map_err(failed)?;
        let cells: Vec<Cell> = serde_json::from_str(&cells).map_err(unwritable)?;
        let faults: Vec<FaultParts> = serde_json::from_str(&faults).map_err(unwritable)?;
        let table = table as usize;
        let place = Place {
            file: self.tables[table].file.clone(),
            sheet: self.tables[table].sheet.clone(),
            row: number as u64,
        };
        let faults = faults
            .into_iter()
            .map(|(column, field, value, message, hint, rule)| Fault {
                place: place.clone(),
                column,
                field,
                value,
                message,
                hint,
                missing: None,
                rule,
            })
            .collect();
        let record = Record {
            place,
            table,
            cells,
        };
        Ok((record, faults))
    }
}

impl Iterator for Spooled<'_> {
    type Item = Result<Candidate>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let candidate = match self.group() {
                Ok(found) => found?,
                Err(error) => return Some(Err(error)),
            };
            if !candidate.faults.is_empty() {
                return Some(Ok(candidate));
            }
            let Candidate { rows, group, .. } = candidate;
            let candidate = close(rows, group, self.identify, &mut self.counts);
            if !candidate.is_left_out {
                return Some(Ok(candidate));
            }
        }
    }
}
