//! The baseline of a file, read: held in a temporary database, in memory while it is small.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{FIRST, SHEET, UPDATED, Value, print, updated};
use crate::error::{Error, Result};
use crate::record::{Cell, fold};
use crate::source::{Input, InputOptions, Row, SheetChoice, SheetName};

/// What an exported file said.
pub(crate) struct Baseline {
    database: Mutex<Connection>,
    /// The columns by folded heading.
    columns: HashMap<String, usize>,
    tickets: i64,
}

/// What it said of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// When the desk had changed it last.
    pub(crate) updated: Option<Timestamp>,
    /// By column of the baseline.
    values: Vec<Value>,
    /// Of what it said.
    pub(super) print: String,
}

impl Entry {
    /// The value of a column.
    pub(crate) fn value(&self, column: usize) -> &Value {
        self.values.get(column).unwrap_or(&Value::Empty)
    }
}

impl Baseline {
    /// Reads the file beside a CSV; `None` where there is none, or it belongs to another export.
    ///
    /// # Errors
    /// When it is there and cannot be read to its end.
    pub(crate) fn beside(path: &Path, export: &str) -> Result<Option<Self>> {
        Self::read_beside(path, Some(export))
    }

    /// The same, whichever export it belongs to.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn beside_any(path: &Path) -> Result<Option<Self>> {
        Self::read_beside(path, None)
    }

    fn read_beside(path: &Path, export: Option<&str>) -> Result<Option<Self>> {
        let Ok(file) = File::open(path) else {
            return Ok(None);
        };
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(std::io::BufReader::new(file));
        let mut records = reader.records();
        let torn = |error: csv::Error| unreadable(path).caused_by(error);
        let Some(head) = records.next().transpose().map_err(torn)? else {
            return Ok(None);
        };
        let headings: Vec<String> = head.iter().map(str::to_owned).collect();
        let Some(mut baseline) = Self::start(&headings, export)? else {
            return Ok(None);
        };
        baseline.fill(records.map(|record| {
            let record = record.map_err(torn)?;
            Ok(record.iter().map(str::to_owned).collect())
        }))?;
        Ok(Some(baseline))
    }

    /// Reads the hidden sheets of a workbook; `None` where it has none.
    ///
    /// # Errors
    /// When they are there and cannot be read to their end.
    pub(crate) fn within(path: &Path) -> Result<Option<Self>> {
        let mut found: Option<Self> = None;
        for number in 1.. {
            let sheet = sheet(number);
            let options = InputOptions {
                sheet: SheetChoice::These(vec![SheetName::Name(sheet)]),
                ..InputOptions::default()
            };
            let Ok(input) = Input::open(&[path.to_path_buf()], &options) else {
                break;
            };
            let Some(table) = input.tables().first() else {
                break;
            };
            let baseline = match &mut found {
                Some(baseline) => baseline,
                none => match Self::start(table.header.written(), None)? {
                    Some(baseline) => none.insert(baseline),
                    None => break,
                },
            };
            baseline.fill(input.rows()?.map(|row| {
                let (Row::Record(record) | Row::Fault(record, _)) = row?;
                Ok(record.cells.iter().map(text).collect())
            }))?;
        }
        Ok(found)
    }

    fn start(headings: &[String], export: Option<&str>) -> Result<Option<Self>> {
        let [first, second, columns @ ..] = headings else {
            return Ok(None);
        };
        let of = first.strip_prefix(FIRST);
        let is_it = of.is_some_and(|of| export.is_none_or(|export| of == export));
        if !is_it || second != UPDATED {
            return Ok(None);
        }
        let columns = (0..).zip(columns);
        Ok(Some(Self {
            database: Mutex::new(open().map_err(failed)?),
            columns: columns.map(|(at, heading)| (fold(heading), at)).collect(),
            tickets: 0,
        }))
    }

    fn fill(&mut self, rows: impl Iterator<Item = Result<Vec<String>>>) -> Result<()> {
        let database = self.database();
        let whole = database.unchecked_transaction().map_err(failed)?;
        for row in rows {
            let row = row?;
            let [key, updated, values @ ..] = &row[..] else {
                continue;
            };
            let Some(key) = key.strip_prefix("i:") else {
                continue;
            };
            let values = serde_json::to_string(values).map_err(failed)?;
            let mut insert = whole
                .prepare_cached(
                    "INSERT OR REPLACE INTO ticket (key, updated, cells) VALUES (?1, ?2, ?3)",
                )
                .map_err(failed)?;
            insert
                .execute(params![key, updated, values])
                .map_err(failed)?;
        }
        whole.commit().map_err(failed)?;
        let count = database.query_row("SELECT count(*) FROM ticket", [], |row| row.get(0));
        let count = count.map_err(failed)?;
        drop(database);
        self.tickets = count;
        Ok(())
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A baseline of these rows: what each ticket is called, and its values by column.
    ///
    /// # Errors
    /// When the temporary database cannot be written.
    pub(crate) fn of_rows(columns: &[String], rows: HashMap<String, Vec<String>>) -> Result<Self> {
        let head = [format!("{FIRST}conflicts"), UPDATED.to_owned()];
        let headings: Vec<String> = head.into_iter().chain(columns.iter().cloned()).collect();
        let baseline = Self::start(&headings, None)?;
        let mut baseline = baseline.ok_or_else(|| failed("the headings are its own"))?;
        baseline.fill(rows.into_iter().map(|(key, values)| {
            let head = [format!("i:{key}"), String::new()];
            Ok(head.into_iter().chain(values).collect())
        }))?;
        Ok(baseline)
    }

    /// The column of a heading.
    pub(crate) fn column(&self, heading: &str) -> Option<usize> {
        self.columns.get(&fold(heading)).copied()
    }

    /// What it says of a ticket, by what the file calls it.
    ///
    /// # Errors
    /// When the temporary database cannot be read.
    pub(crate) fn entry(&self, key: &str) -> Result<Option<Entry>> {
        let database = self.database();
        let mut find = database
            .prepare_cached("SELECT updated, cells FROM ticket WHERE key = ?1")
            .map_err(failed)?;
        let found = find
            .query_row([key], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .optional()
            .map_err(failed)?;
        let Some((at, cells)) = found else {
            return Ok(None);
        };
        let cells: Vec<String> = serde_json::from_str(&cells).map_err(failed)?;
        let values: Option<Vec<Value>> = cells.iter().map(|cell| Value::parse(cell)).collect();
        // What somebody has changed in it says nothing.
        Ok(values.map(|values| {
            let head = [format!("i:{key}"), at.clone()];
            let row: Vec<String> = head
                .into_iter()
                .chain(values.iter().map(Value::written))
                .collect();
            Entry {
                updated: updated(&at),
                print: print(row.iter().map(String::as_str)),
                values,
            }
        }))
    }

    /// Notes that the file has a row of this ticket.
    ///
    /// # Errors
    /// When the temporary database cannot be written.
    pub(crate) fn seen(&self, key: &str) -> Result<()> {
        let database = self.database();
        let mut note = database
            .prepare_cached("UPDATE ticket SET seen = 1 WHERE key = ?1")
            .map_err(failed)?;
        note.execute([key]).map_err(failed)?;
        Ok(())
    }

    /// How many tickets have no row in the file any more.
    ///
    /// # Errors
    /// When the temporary database cannot be read.
    pub(crate) fn gone(&self) -> Result<i64> {
        let count =
            self.database()
                .query_row("SELECT count(*) FROM ticket WHERE seen = 0", [], |row| {
                    row.get(0)
                });
        count.map_err(failed)
    }
}

impl std::fmt::Debug for Baseline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Baseline")
            .field("tickets", &self.tickets)
            .finish_non_exhaustive()
    }
}

/// The name of a hidden sheet.
fn sheet(number: u32) -> String {
    match number {
        1 => SHEET.to_owned(),
        number => format!("{SHEET} {number}"),
    }
}

fn text(cell: &Cell) -> String {
    cell.text().into_owned()
}

/// A database that nobody else sees and that goes with us.
fn open() -> rusqlite::Result<Connection> {
    let database = Connection::open("")?;
    database.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
         CREATE TABLE ticket (key TEXT PRIMARY KEY, updated TEXT NOT NULL, cells TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0);",
    )?;
    Ok(database)
}

fn unreadable(path: &Path) -> Error {
    Error::machine("the baseline cannot be read to its end").at(path.display())
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::machine("the baseline of the file cannot be held")
        .caused_by(error)
        .hint("free some space in the folder of temporary files")
}
