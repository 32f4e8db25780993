//! What people wrote into an earlier file of the same name: kept by ticket.
//!
//! A workbook is known as ours by its properties ([`OURS`]), which name its sheets and the columns that we wrote; a file
//! without them (a CSV, a workbook that came through a program which drops them) by having the column of the tickets'
//! ids. Whatever other column it has is people's, and so are those that the plan leaves to them. Rows that carry
//! nothing of people are not held; the others lie in a temporary database, in memory while they are few.
//!
//! A workbook that holds more than rows can carry (other sheets, text on an analysis sheet, a column on that of comments,
//! notes, charts, links, drop-downs, tables, defined names, rules that colour cells, formulas and errors in people's columns)
//! is *foreign*: it is not replaced. So is a CSV with cells beyond its headings.

mod beyond;
mod dress;
mod look;
mod old;
mod parts;
mod print;
mod unsent;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::columns::{Cell, Formatted, Local, Plan};
use crate::error::{Error, Result};

pub(crate) use dress::{Dress, HEADING, LINK};
pub(crate) use unsent::Unsent;

/// The property by which a workbook is known as ours.
pub(crate) const OURS: &str = "Deskferry";
/// Properties that name its sheets; with ` (made)` behind the number those that hold no rows of tickets.
pub(crate) const SHEET_PROPERTY: &str = "Deskferry sheet ";
/// Properties that name the columns that we wrote.
pub(crate) const COLUMN_PROPERTY: &str = "Deskferry column ";
/// Properties by which people's text on the analyses is told from ours.
pub(crate) const PRINT_PROPERTY: &str = "Deskferry print ";
/// How many characters of a heading such a property holds.
pub(crate) const LONGEST_PROPERTY: usize = 255;
/// The sheet of comments.
pub(crate) const COMMENTS: &str = "Comments";
/// What stands above the comments; one of them is the ticket's id.
pub(crate) const COMMENT_HEADINGS: [&str; 7] = [
    "Ticket",
    COMMENT_KEY,
    "Time",
    "Author",
    "Author e-mail",
    "Public",
    "Comment",
];
const COMMENT_KEY: &str = "Ticket ID";
/// The words by which cells of states get a colour, by rules; those of priorities are [`Severity::words`].
///
/// [`Severity::words`]: crate::export::sheets::Severity::words
pub(crate) const STATE_WORDS: [&[&str]; 3] = [
    &[
        "closed",
        "solved",
        "resolved",
        "complete",
        "completed",
        "done",
    ],
    &["progress"],
    &["pending", "hold", "wait", "waiting", "awaiting"],
];
/// A part of the formula of each rule that colours cells: the number 0, and by it a rule is known as ours.
pub(crate) const RULE: &str = "N(\"deskferry\")";
/// The sheet with rows that left the selection.
pub(crate) const EARLIER: &str = "Earlier";

/// What an earlier file turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Previous {
    /// What people wrote into it is read.
    Read,
    /// It must not be replaced: why.
    Foreign(String),
}

/// Whether a file may be replaced where what people wrote beside its rows is to be lost.
pub(crate) fn replaceable(path: &Path, plan: &Plan) -> Previous {
    match old::look(path, plan, true) {
        Ok(_) => Previous::Read,
        Err(why) => Previous::Foreign(why),
    }
}

/// The properties by which the analyses on these sheets are known again, of a workbook that holds nothing else.
pub(crate) fn prints(workbook: &[u8], sheets: &[&str]) -> Vec<(String, String)> {
    beyond::prints(workbook, sheets)
}

/// Why a CSV of comments is not to be replaced, if it is not: it is not as we wrote it.
pub(crate) fn stands_in_comments(path: &Path) -> Option<String> {
    old::stands_in_comments(path)
}

/// Whether a file bears a mark of ours: the properties of a workbook, or the headings of the plan.
pub(crate) fn is_ours(path: &Path, plan: &Plan) -> bool {
    old::is_ours(path, plan)
}

/// What people wrote, by ticket, and in which file.
#[derive(Default)]
pub(crate) struct Kept {
    /// Opened with the first row.
    database: Option<Connection>,
    people: People,
    /// Columns of people that go on under another heading, with that.
    renamed: Vec<(String, String)>,
    /// Files whose analyses an older version wrote, so that nobody knows what people wrote on them.
    not_compared: Vec<String>,
}

/// People's columns, those of all files together: what they wrote follows a ticket from one to another.
#[derive(Debug, Default)]
struct People {
    /// How many columns of the plan stand before them.
    own: usize,
    /// Their headings, in order.
    headings: Vec<String>,
    /// Whether anything stands in them.
    filled: Vec<bool>,
    /// Hashes of the tickets that have a row.
    tickets: HashSet<u64>,
    /// How headings look, by their columns: those of the plan, then people's.
    dressed: Dresses,
}

/// A cell that people filled, or that stood beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Value {
    #[serde(rename = "e")]
    Empty,
    #[serde(rename = "s")]
    Text(String),
    #[serde(rename = "n")]
    Number(f64),
    #[serde(rename = "b")]
    Truth(bool),
    #[serde(rename = "t")]
    Time(i64),
    /// A number in its format, and what is shown for it.
    #[serde(rename = "f")]
    Formatted(f64, String, String),
}

impl Value {
    fn cell(self) -> Cell<'static> {
        match self {
            Self::Empty => Cell::Empty,
            Self::Text(text) => Cell::Text(text.into()),
            Self::Number(number) => Cell::Number(number),
            Self::Truth(truth) => Cell::Truth(truth),
            Self::Time(millis) => Cell::Time(Local {
                millis,
                second_time: None,
            }),
            Self::Formatted(number, format, text) => Cell::Formatted(Box::new(Formatted {
                number,
                format,
                text,
            })),
        }
    }
}

/// A row that carries something of people: the columns of the plan, then people's.
struct Row {
    key: String,
    /// What of them is people's.
    mine: Vec<Value>,
    cells: Vec<Value>,
    dresses: Dresses,
}

/// How cells look, by their places in a row.
pub(crate) type Dresses = BTreeMap<usize, Dress>;

impl Kept {
    /// Reads what people wrote into a file. `is_replaced`: it is to be written over, so that all it holds must be kept.
    ///
    /// # Errors
    /// When the temporary database cannot be written.
    pub(crate) fn read(
        &mut self,
        part: &str,
        path: &Path,
        plan: &Plan,
        is_replaced: bool,
    ) -> Result<Previous> {
        let old = match old::open(path, plan, is_replaced)? {
            Ok(old) => old,
            Err(why) => return Ok(Previous::Foreign(why)),
        };
        self.renamed.extend(old.renamed(plan));
        if old.is_without_prints && is_replaced {
            self.not_compared.push(path.display().to_string());
        }
        let mut people = std::mem::take(&mut self.people);
        people.own = plan.columns().len();
        let dressed = &mut people.dressed;
        let read = old.rows(plan, &mut people.headings, dressed, |row, headings| {
            people.filled.resize(headings, false);
            for (filled, cell) in people.filled.iter_mut().zip(&row.cells[people.own..]) {
                *filled |= *cell != Value::Empty;
            }
            people.tickets.insert(hash(&row.key));
            self.add(part, &row)
        });
        people.filled.resize(people.headings.len(), false);
        self.people = people;
        read?;
        Ok(Previous::Read)
    }

    /// What people must know of their columns, a line each.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> + '_ {
        let renamed = self.renamed.iter().map(|(heading, kept)| {
            format!("the column `{heading}` that people wrote is `{kept}` now: the export fills a column of that name itself")
        });
        renamed.chain(self.not_compared.iter().map(|file| {
            format!("what people wrote on the analysis sheets of {file} is only in its copy {file}.bak: an older version of deskferry wrote them, and they could not be compared")
        }))
    }

    fn add(&mut self, part: &str, row: &Row) -> Result<()> {
        let database = match &mut self.database {
            Some(database) => database,
            none => none.insert(open().map_err(failed)?),
        };
        let cells = serde_json::to_string(&row.cells).map_err(failed)?;
        let mine = serde_json::to_string(&row.mine).map_err(failed)?;
        let dresses = match row.dresses.is_empty() {
            true => String::new(),
            false => serde_json::to_string(&row.dresses).map_err(failed)?,
        };
        // What people wrote beside a ticket may come from two files, with what we wrote before in the one.
        let mut insert = database
            .prepare_cached(
                "INSERT INTO kept (part, key, cells, mine, dresses) SELECT ?1, ?2, ?3, ?4, ?5
                 WHERE NOT EXISTS (SELECT 1 FROM kept WHERE part = ?1 AND key = ?2 AND mine = ?4 AND (key <> '' OR cells = ?3) AND (dresses = ?5 OR ?5 = ''))",
            )
            .map_err(failed)?;
        insert
            .execute(params![part, row.key, cells, mine, dresses])
            .map_err(failed)?;
        Ok(())
    }

    /// People's columns as a file that is begun now has them, behind those of the plan.
    pub(crate) fn columns(&self) -> Columns {
        let people = &self.people;
        let all = people.headings.iter().zip(&people.filled).enumerate();
        let shown = all.filter(|(_, (heading, filled))| is_shown(heading, **filled));
        Columns(shown.map(|(at, _)| at).collect())
    }

    /// Their headings.
    pub(crate) fn headings(&self, columns: &Columns) -> impl Iterator<Item = String> {
        let headings = columns.0.iter().map(|&at| self.people.headings[at].clone());
        headings.collect::<Vec<String>>().into_iter()
    }

    /// How headings look that people dressed.
    pub(crate) fn dressed_headings(&self, columns: &Columns) -> Dresses {
        self.people.placed(&self.people.dressed, columns)
    }

    /// Puts what people wrote beside a ticket into the cells of its row, and behind them; what stands in this file goes before
    /// what stands in others. Gives how its cells look.
    pub(crate) fn fill(
        &mut self,
        part: &str,
        key: &str,
        columns: &Columns,
        cells: &mut Vec<Cell<'_>>,
        is_by_hand: impl Fn(usize) -> bool,
    ) -> Result<Dresses> {
        let people = &self.people;
        let own = cells.len();
        // A row is as wide as its headings, whether people wrote beside it or not.
        cells.resize(own + columns.0.len(), Cell::Empty);
        if !people.tickets.contains(&hash(key)) {
            return Ok(Dresses::new());
        }
        let Some(database) = &self.database else {
            return Ok(Dresses::new());
        };
        let mut find = database
            .prepare_cached(
                "SELECT n, cells, dresses FROM kept WHERE key = ?2 AND taken = 0 ORDER BY part <> ?1, mine = '[]', n LIMIT 1",
            )
            .map_err(failed)?;
        let found: Option<(i64, String, String)> = find
            .query_row(params![part, key], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()
            .map_err(failed)?;
        let Some((n, found, dresses)) = found else {
            return Ok(Dresses::new());
        };
        // A file that was begun before these columns were known has no place for them: the row stays where it was.
        let Some(values) = people.row(&found, columns)? else {
            return Ok(Dresses::new());
        };
        let dresses = people.placed(&parsed(&dresses)?, columns);
        database
            .prepare_cached("UPDATE kept SET taken = 1 WHERE n = ?1")
            .and_then(|mut take| take.execute([n]))
            .map_err(failed)?;
        for (at, value) in values.into_iter().enumerate() {
            if at >= own || is_by_hand(at) {
                cells[at] = value.cell();
            }
        }
        Ok(dresses)
    }

    /// Hands on the rows of a file whose tickets did not come, each with all its cells and their looks; how many there were.
    /// One that has nothing but colours goes with its ticket.
    pub(crate) fn left(
        &mut self,
        part: &str,
        columns: &Columns,
        mut each: impl FnMut(Vec<Cell<'static>>, Dresses) -> Result<()>,
    ) -> Result<u64> {
        let people = &self.people;
        let Some(database) = &self.database else {
            return Ok(0);
        };
        let mut rows = database
            .prepare_cached(
                "SELECT cells, dresses FROM kept WHERE part = ?1 AND taken = 0 AND (mine <> '[]' OR key = '') ORDER BY n",
            )
            .map_err(failed)?;
        let mut rows = rows.query(params![part]).map_err(failed)?;
        let mut count = 0;
        while let Some(row) = rows.next().map_err(failed)? {
            let cells: String = row.get(0).map_err(failed)?;
            let dresses: String = row.get(1).map_err(failed)?;
            if let Some(values) = people.row(&cells, columns)? {
                let dresses = people.placed(&parsed(&dresses)?, columns);
                each(values.into_iter().map(Value::cell).collect(), dresses)?;
                count += 1;
            }
        }
        Ok(count)
    }
}

/// People's columns that a file has, by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Columns(Vec<usize>);

impl People {
    /// The cells of a row in a file that has these columns; `None` where it fills others too.
    fn row(&self, cells: &str, columns: &Columns) -> Result<Option<Vec<Value>>> {
        let mut cells: Vec<Value> = serde_json::from_str(cells).map_err(failed)?;
        // Another file may have had more columns.
        cells.resize(self.own + self.headings.len(), Value::Empty);
        let people = cells.split_off(self.own);
        let is_filled =
            |(at, cell): (usize, &Value)| *cell != Value::Empty && !columns.0.contains(&at);
        if people.iter().enumerate().any(is_filled) {
            return Ok(None);
        }
        cells.extend(columns.0.iter().map(|&at| people[at].clone()));
        Ok(Some(cells))
    }

    /// How cells look, by their places in a file that has these columns.
    fn placed(&self, dresses: &Dresses, columns: &Columns) -> Dresses {
        let placed = dresses.iter().filter_map(|(&at, dress)| {
            let place = match at.checked_sub(self.own) {
                None => at,
                Some(people) => self.own + columns.0.iter().position(|&one| one == people)?,
            };
            Some((place, dress.clone()))
        });
        placed.collect()
    }
}

fn parsed(dresses: &str) -> Result<Dresses> {
    match dresses.is_empty() {
        true => Ok(Dresses::new()),
        false => serde_json::from_str(dresses).map_err(failed),
    }
}

fn is_shown(heading: &str, filled: bool) -> bool {
    filled || !heading.trim().is_empty()
}

fn hash(key: &str) -> u64 {
    use std::hash::BuildHasher;
    foldhash::fast::FixedState::default().hash_one(key)
}

/// A database that nobody else sees and that goes with us.
fn open() -> rusqlite::Result<Connection> {
    let database = Connection::open("")?;
    database.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
         CREATE TABLE kept (n INTEGER PRIMARY KEY, part TEXT NOT NULL, key TEXT NOT NULL, cells TEXT NOT NULL, mine TEXT NOT NULL, dresses TEXT NOT NULL, taken INTEGER NOT NULL DEFAULT 0);
         CREATE INDEX kept_by_key ON kept (key, taken, part);",
    )?;
    Ok(database)
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::machine("what people wrote into the earlier file cannot be kept")
        .caused_by(error)
        .hint("free some space in the folder of temporary files")
}
