//! Guesses a mapping from a sample of the records: pure functions over the cells, each guess with its reason.
//!
//! ```text
//! records ─▶ Sample ─▶ key, dates, null words ─┐
//!            columns                           ├─▶ Draft: lines with why, and what is open ─▶ TOML
//! the system's table of fields ─▶ matching ────┘
//! directory, where there is one ─▶
//! ```
//!
//! What columns of a meaning are called stands in the system's own table of fields; nothing here knows which system
//! it is for.

mod close;
mod comments;
mod content;
mod custom;
#[cfg(test)]
mod district_tests;
mod draft;
mod facts;
mod fields;
mod headings;
mod input;
mod key;
mod layouts;
pub mod left_behind;
mod matching;
mod names;
mod reads;
mod sample;
#[cfg(test)]
mod tests;
mod toml;
mod words;

use std::collections::BTreeSet;

use crate::directory::Directory;
use crate::record::Record;
use crate::source::{InputOptions, Table};
use crate::systems::{Operation, Schema};

pub use draft::{Draft, Unknown};
pub use headings::{LOOKED_AT, heading_row};
pub use layouts::Layout;

use content::Dates;
use draft::Line;
use fields::Fields;
use key::{Key, Keys};
use matching::{Match, Matcher};
use sample::Sample;

/// What a mapping is guessed from.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The input as the user named it.
    pub input: &'a str,
    /// Its tables.
    pub tables: &'a [Table],
    /// A sample of its records.
    pub records: &'a [Record],
    /// Whether they are all that there are.
    pub is_whole: bool,
    /// Sheets of the workbook that are left aside.
    pub other_sheets: &'a [String],
    /// How the input is read, as far as that was said or found out.
    pub options: &'a InputOptions,
    /// The encoding, where nobody said it and it was guessed from the bytes.
    pub guess: Option<&'a crate::source::Likely>,
    /// What was noticed when the input was read as the options say.
    pub notices: &'a [crate::source::Notice],
    /// Whether the row of the headings was found by the cells, and nobody said it.
    pub found_headings: bool,
    /// The system's fields.
    pub schema: &'a dyn Schema,
    /// What the mapping is to do with each record.
    pub operation: Operation,
    /// The system's names, where they are known.
    pub directory: Option<&'a Directory>,
    /// The name space of the keys.
    pub scope: &'a str,
    /// What a table of names that the system does not know is called, beside the mapping; `None`: none can be written.
    pub aliases: Option<&'a str>,
    /// The time zone of this machine.
    pub zone: Option<&'a str>,
}

/// Guesses a mapping.
pub fn guess(seen: &Seen<'_>) -> Draft {
    let sample = Sample::new(seen.tables, seen.records);
    let dates = input::dates(&sample);
    let table = seen.schema.create();
    let keys = key::keys(&sample, table, seen.tables, seen.records);
    let spoken = comments::columns(seen, &sample);
    let reserved = spoken.iter().flat_map(|one| one.columns.clone()).collect();
    let matcher = Matcher {
        sample: &sample,
        dates: &dates,
        table,
        directory: seen.directory,
        reserved: &reserved,
    };
    let matches = matcher.matches();
    let guess = Guess {
        seen,
        sample: &sample,
        dates: &dates,
        keys: &keys,
        key: &keys.key,
        reserved: &reserved,
    };
    let Fields {
        lines,
        read,
        needs_zone,
        state,
        names,
    } = fields::fields(&guess, table, matches);
    let is_missing = |name: &&str| {
        let mut tables = seen.tables.iter();
        tables.any(|table| table.header.position(name).is_none())
    };
    let headings = sample.columns.iter().map(|column| column.name.as_str());
    let partial: Vec<&str> = headings.filter(is_missing).collect();
    let lines = lines.into_iter().map(|line| line.optional_for(&partial));
    let lines = lines.collect();
    Draft {
        head: guess.head(),
        top: guess.top(),
        input: input::lines(&guess, needs_zone),
        columns: state
            .columns
            .into_iter()
            .map(|line| line.optional_for(&partial))
            .chain(input::columns(&guess, &read))
            .collect(),
        fields: lines,
        // History goes before the closing.
        thens: comments::thens(&guess, &spoken)
            .into_iter()
            .chain(state.thens)
            .collect(),
        names,
    }
}

/// What the parts of a guess share.
struct Guess<'a> {
    seen: &'a Seen<'a>,
    sample: &'a Sample,
    dates: &'a [Option<Dates>],
    keys: &'a Keys,
    key: &'a Key,
    /// Columns that hold what people said: no field is made of them.
    reserved: &'a BTreeSet<usize>,
}

impl Guess<'_> {
    fn head(&self) -> Vec<String> {
        let system = self.seen.schema.system();
        let rows = self.sample.rows;
        let read = match self.seen.is_whole {
            true => format!("all {rows} rows of {}", self.seen.input),
            false => format!("the first {rows} rows of {}", self.seen.input),
        };
        let mut head = vec![
            "For editors, which complete and check by the schema that the line above names. This command writes it:".to_owned(),
            "deskferry schema mapping -o deskferry-mapping.schema.json".to_owned(),
            format!("Guessed by `deskferry init` for {system} from {read}. Each guess says why; what is open is marked TODO."),
        ];
        if self.seen.directory.is_none() {
            head.push(format!(
                "No directory was named, so no name was looked up: with --sandbox, --profile or --directory `init` knows the names of your {system}."
            ));
        }
        head
    }

    fn top(&self) -> Vec<Line> {
        let system = self.seen.schema.system();
        vec![
            Line::new("version", "2"),
            Line::new("system", toml::text(system.as_str())),
            Line::new("operation", toml::text("create")),
            Line::new("scope", toml::text(self.seen.scope))
                .why("The name of this move, after the input. With the key it names each ticket for ever: choose it once, and do not change it when tickets have been made."),
            self.key_line(),
            Line::new("notify", "false").why("No e-mail, notification or rule fires, as far as the system can be silenced."),
            Line::new("unmapped", toml::text("warn")).why("Columns with data that nothing reads are told, with how many cells they hold."),
        ]
    }

    fn key_line(&self) -> Line {
        let name = |at: usize| self.sample.columns[at].name.as_str();
        let line = |at: usize| Line::new("key", toml::list([name(at)]));
        let rows = self.sample.rows;
        match self.key {
            Key::Column { column, is_named } => {
                let line = line(*column).why(format!(
                    "What names a row: `{}` is filled in all {rows} rows, and no value comes twice.",
                    name(*column)
                ));
                let line = self.with_failing(line);
                match is_named {
                    true => line,
                    false => line.todo("is it the number of a ticket, the same in every export?"),
                }
            }
            Key::Log {
                column, tickets, ..
            } => line(*column).why(format!(
                "What names a ticket: {rows} rows, but only {tickets} values of `{}`, so several rows make one ticket (`group_by` below).",
                name(*column)
            )),
            Key::Nearly { column, failing, is_named } => line(*column)
                .why(format!(
                    "What names a row: `{}`, by {}.",
                    name(*column),
                    if *is_named { "its heading" } else { "its cells, which are like ids" }
                ))
                .todo(format!(
                    "it is {}: a row without a key is refused, rows that are the same are made once, rows that differ under one key are refused until each has its own",
                    failing.told()
                )),
            Key::Content => {
                let line = Line {
                    is_proposed: true,
                    ..Line::new("key", "[\"a column\"]").why(
                        "Without a key a row is known by the content of the columns that are read, and a row that changes is a new one.",
                    )
                };
                let line = self.with_failing(line);
                let others = self.keys.unlikely.iter().take(fields::PROPOSED);
                let others: Vec<&str> = others.map(|at| name(*at)).collect();
                let filled = match others.is_empty() {
                    true => "no column is filled in all rows without a repeat".to_owned(),
                    false => format!("filled in all rows without a repeat: {}", fields::quoted(&others)),
                };
                line.todo(format!("which column names a ticket? {filled}"))
            }
        }
    }

    /// Says why other columns that look like the key are none.
    fn with_failing(&self, line: Line) -> Line {
        self.keys.failing.iter().fold(line, |line, (at, failing)| {
            line.why(format!(
                "`{}` is not: it is {}.",
                self.name(*at),
                failing.told()
            ))
        })
    }

    /// The filled cells of a column, as a share.
    fn is_full(&self, at: usize) -> bool {
        self.sample.columns[at].filled == self.sample.rows
    }

    fn name(&self, at: usize) -> &str {
        &self.sample.columns[at].name
    }
}

/// The columns that a match reads, for a comment.
fn told(guess: &Guess<'_>, found: &Match) -> String {
    let names: Vec<String> = found
        .columns
        .iter()
        .map(|at| format!("`{}`", guess.name(*at)))
        .collect();
    let reasons: Vec<String> = found.reasons.iter().map(ToString::to_string).collect();
    format!("{}: {}.", names.join(" and "), reasons.join("; "))
}
