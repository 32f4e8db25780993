//! Which column names a row, and whether several rows make one ticket.

use std::collections::HashMap;

use super::content;
use super::sample::{Column, Sample};
use super::words::likeness;
use crate::record::{Record, fold};
use crate::source::Table;
use crate::systems::fields::{FieldTable, called};

/// So many rows of a column that fails are named.
const NAMED: usize = 5;
/// So many columns that fail are named.
const FAILING: usize = 3;

/// What names a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    /// A column whose values never come twice.
    Column {
        /// The column.
        column: usize,
        /// Whether its heading says that it is a number of tickets.
        is_named: bool,
    },
    /// A column whose values come several times, a row each time something changed.
    Log {
        /// The column.
        column: usize,
        /// Tickets that its values make.
        tickets: usize,
        /// When each row was written, where a column says it.
        order: Option<usize>,
    },
    /// A column that looks like the one, though a few of its cells are empty or stand in another row too.
    Nearly {
        /// The column.
        column: usize,
        /// What is wrong with it.
        failing: Failing,
        /// Whether its heading says that it is a number of tickets; else its cells are like ids.
        is_named: bool,
    },
    /// None: the content of a row is its key.
    Content,
}

/// Why a column is no key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Failing {
    /// How many rows have no value, and the first of them.
    pub(super) empty: (usize, Vec<u64>),
    /// How many rows have a value that an earlier row has, and the first of them.
    pub(super) again: (usize, Vec<u64>),
}

impl Failing {
    /// `empty in 2 rows (17, 204), the same as an earlier row in row 301`.
    pub(super) fn told(&self) -> String {
        let part = |(count, rows): &(usize, Vec<u64>), what: &str| {
            let rows: Vec<String> = rows.iter().map(u64::to_string).collect();
            let more = if *count > rows.len() { ", …" } else { "" };
            match count {
                0 => None,
                1 => Some(format!("{what} in row {}", rows.join(", "))),
                count => Some(format!(
                    "{what} in {count} rows ({}{more})",
                    rows.join(", ")
                )),
            }
        };
        let parts = [
            part(&self.empty, "empty"),
            part(&self.again, "the same as in an earlier row"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn count(&self) -> usize {
        self.empty.0 + self.again.0
    }
}

impl Key {
    /// The column that names a row or a ticket, if one does.
    pub(super) fn column(&self) -> Option<usize> {
        match self {
            Self::Column { column, .. }
            | Self::Log { column, .. }
            | Self::Nearly { column, .. } => Some(*column),
            Self::Content => None,
        }
    }
}

/// The key, and the columns that look like one and fail.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) key: Key,
    pub(super) failing: Vec<(usize, Failing)>,
    /// Columns that are filled and never repeat, but hold texts, dates or addresses.
    pub(super) unlikely: Vec<usize>,
}

/// Chooses the key.
pub(super) fn keys(
    sample: &Sample,
    fields: &FieldTable,
    tables: &[Table],
    records: &[Record],
) -> Keys {
    let ranked = |may: &dyn Fn(&Column) -> bool| {
        let columns = sample.columns.iter().enumerate();
        let mut ranked: Vec<(f64, usize)> = columns
            .filter(|(_, column)| sample.rows > 0 && column.filled > 0 && may(column))
            .filter(|(_, column)| column.mean_length() <= 40.0 && column.dates == 0)
            .filter_map(|(position, column)| Some((score(sample, column, position)?, position)))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked
    };
    let full = ranked(&|column| column.filled == sample.rows);
    let all = ranked(&|_| true);
    let named: Vec<(usize, Failing)> = all
        .iter()
        .filter(|(_, at)| !sample.columns[*at].is_unique(sample.rows))
        .take(FAILING)
        .map(|(_, at)| (*at, failing_rows(sample, tables, records, *at)))
        .collect();
    // Ids of which a few are wrong are meant as such, whatever the column is called.
    let others = sample.columns.iter().enumerate().filter(|(at, column)| {
        named.iter().all(|(known, _)| known != at)
            && !column.is_unique(sample.rows)
            && is_nearly_unique(sample, column)
            && is_like_ids(column)
            && !means_another(fields, column)
    });
    let others: Vec<(usize, Failing)> = others
        .map(|(at, _)| (at, failing_rows(sample, tables, records, at)))
        .filter(|(_, failing)| is_nearly(sample, failing))
        .take(FAILING)
        .collect();
    let unique = unique(sample);
    let key = by_name(sample, &full)
        .or_else(|| nearly(sample, &named, true))
        .or_else(|| {
            let is_id = |at: &usize| {
                let column = &sample.columns[*at];
                is_like_ids(column) && !means_another(fields, column)
            };
            let column = unique.iter().copied().find(is_id)?;
            Some(Key::Column {
                column,
                is_named: false,
            })
        })
        .or_else(|| nearly(sample, &others, false))
        .unwrap_or(Key::Content);
    Keys {
        failing: named
            .into_iter()
            .chain(others)
            .filter(|(at, _)| key.column() != Some(*at))
            .collect(),
        unlikely: unique,
        key,
    }
}

/// The key among the columns that are called like numbers of tickets and filled in all rows.
fn by_name(sample: &Sample, candidates: &[(f64, usize)]) -> Option<Key> {
    let unique = |(_, position): &&(f64, usize)| sample.columns[*position].is_unique(sample.rows);
    let (best, first) = candidates.first()?;
    // A column of a lesser name that is unique is worth more than one of the best name that is not.
    match candidates.iter().find(unique) {
        Some((score, _)) if *best > *score + 10.0 && log(sample, *first).is_some() => {
            log(sample, *first)
        }
        Some((_, position)) => Some(Key::Column {
            column: *position,
            is_named: true,
        }),
        None => log(sample, *first),
    }
}

fn score(sample: &Sample, column: &Column, position: usize) -> Option<f64> {
    let (named, _) = likeness(&column.name, called::NUMBER)?;
    // The number of a ticket is what an export begins with.
    let early = 6.0 * (1.0 - position as f64 / sample.columns.len() as f64);
    Some(named + early)
}

/// The columns that are filled in all rows and never repeat, whatever they are called, in the order of the input.
fn unique(sample: &Sample) -> Vec<usize> {
    let columns = sample.columns.iter().enumerate();
    columns
        // Of two rows nearly every column is.
        .filter(|(_, column)| sample.rows > 2 && column.is_unique(sample.rows))
        .filter(|(_, column)| column.mean_length() <= 80.0 && column.lists == 0)
        .map(|(at, _)| at)
        .collect()
}

/// Whether a heading is one of the names of a field that is no number of tickets: the room 107 is none.
fn means_another(fields: &FieldTable, column: &Column) -> bool {
    const OTHERS: [&str; 8] = [
        "serial",
        "serial number",
        "phone",
        "telephone",
        "cost",
        "amount",
        "row",
        "ip address",
    ];
    let mut called = fields
        .fields
        .iter()
        .filter(|field| field.called != called::NUMBER);
    likeness(&column.name, &OTHERS).is_some()
        || called.any(|field| {
            likeness(&column.name, field.called).is_some_and(|(score, _)| score > 60.0)
        })
}

/// Whether the values are like ids: short, in one piece, with digits, and neither dates nor addresses nor telephone
/// numbers.
fn is_like_ids(column: &Column) -> bool {
    column.dates == 0
        && column.share(|value| {
            let is_amount = value.contains(['.', ',']) && value.parse::<f64>().is_ok();
            value.contains(|sign: char| sign.is_ascii_digit())
                && value.chars().count() <= 30
                && !value.contains(char::is_whitespace)
                && !is_amount
                && !content::is_address(value)
                && (!content::is_phone(value) || is_of_a_year(value))
                && !content::is_dated(value)
        }) >= 0.999
}

/// Whether a value is a number of tickets that begins anew each year (`2023-1000`), whose digits could be a telephone's.
fn is_of_a_year(value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|sign| sign.is_ascii_digit());
    value.split_once(['-', '/']).is_some_and(|(year, number)| {
        year.len() == 4
            && digits(year)
            && (year.starts_with("19") || year.starts_with("20"))
            && digits(number)
    })
}

/// An event log: few tickets, many rows, and a time that says which row is the last.
fn log(sample: &Sample, position: usize) -> Option<Key> {
    let column = &sample.columns[position];
    if column.distinct < 2 || column.distinct * 4 > sample.rows * 3 {
        return None;
    }
    let mut updated: Vec<(f64, usize)> = sample
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| content::dates(column).is_some())
        .filter_map(|(at, column)| Some((likeness(&column.name, called::UPDATED)?.0, at)))
        .collect();
    updated.sort_by(|a, b| b.0.total_cmp(&a.0));
    Some(Key::Log {
        column: position,
        tickets: column.distinct,
        order: updated.first().map(|(_, at)| *at),
    })
}

/// The best of the columns that fail, where it does so in few rows.
fn nearly(sample: &Sample, failing: &[(usize, Failing)], is_named: bool) -> Option<Key> {
    let (column, failing) = failing.first()?;
    is_nearly(sample, failing).then(|| Key::Nearly {
        column: *column,
        failing: failing.clone(),
        is_named,
    })
}

/// Whether a column fails, and in few rows.
fn is_nearly(sample: &Sample, failing: &Failing) -> bool {
    let failed = failing.count();
    failed > 0 && failed * 20 <= sample.rows
}

/// Whether nearly all rows have a value of their own, as far as the counts tell.
fn is_nearly_unique(sample: &Sample, column: &Column) -> bool {
    sample.rows > 2 && column.distinct * 20 >= sample.rows * 19
}

/// In which rows a column is empty, and in which it says what an earlier row says.
fn failing_rows(sample: &Sample, tables: &[Table], records: &[Record], at: usize) -> Failing {
    let name = &sample.columns[at].name;
    let places: Vec<Option<usize>> = tables
        .iter()
        .map(|table| table.header.position(name))
        .collect();
    let is_null = |text: &str| sample.null.iter().any(|(word, _)| fold(word) == fold(text));
    let mut seen: HashMap<String, u64> = HashMap::new();
    let mut failing = Failing::default();
    let note = |(count, rows): &mut (usize, Vec<u64>), row: u64| {
        *count += 1;
        if rows.len() < NAMED {
            rows.push(row);
        }
    };
    for record in records {
        let place = places.get(record.table).copied().flatten();
        let text = place.map_or_else(String::new, |at| record.cell(at).text().trim().to_owned());
        let row = record.place.row;
        if text.is_empty() || is_null(&text) {
            note(&mut failing.empty, row);
        } else if seen.insert(text, row).is_some() {
            note(&mut failing.again, row);
        }
    }
    failing
}
