//! Which column names a row, and whether several rows make one ticket.

use super::sample::{Column, Sample};
use super::words::likeness;
use crate::systems::fields::called;

/// What names a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    /// A column whose values never come twice.
    Column(usize),
    /// A column whose values come several times, a row each time something changed.
    Log {
        /// The column.
        column: usize,
        /// Tickets that its values make.
        tickets: usize,
        /// When each row was written, where a column says it.
        order: Option<usize>,
    },
    /// A column that looks like the one, though some of its values come twice.
    Nearly {
        /// The column.
        column: usize,
        /// Rows whose value stands in another one too.
        doubles: usize,
    },
    /// None: the content of a row is its key.
    Content,
}

impl Key {
    /// The column that names a row or a ticket, if one does.
    pub(super) fn column(&self) -> Option<usize> {
        match self {
            Self::Column(at) | Self::Log { column: at, .. } | Self::Nearly { column: at, .. } => {
                Some(*at)
            }
            Self::Content => None,
        }
    }
}

/// Chooses the key.
pub(super) fn key(sample: &Sample) -> Key {
    let mut candidates: Vec<(f64, usize)> = sample
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.filled == sample.rows && sample.rows > 0)
        .filter(|(_, column)| column.mean_length() <= 40.0 && column.dates == 0)
        .filter_map(|(position, column)| Some((score(sample, column, position)?, position)))
        .collect();
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let unique = |(_, position): &&(f64, usize)| sample.columns[*position].is_unique(sample.rows);
    // A column of a lesser name that is unique is worth more than one of the best name that is not.
    match (candidates.iter().find(unique), candidates.first()) {
        (Some((score, position)), Some((best, first))) => {
            if *best > *score + 10.0
                && let Some(log) = log(sample, *first)
            {
                return log;
            }
            Key::Column(*position)
        }
        (None, Some((_, first))) => log(sample, *first).unwrap_or_else(|| nearly(sample, *first)),
        _ => Key::Content,
    }
}

fn score(sample: &Sample, column: &Column, position: usize) -> Option<f64> {
    let (named, _) = likeness(&column.name, called::NUMBER)?;
    // The number of a ticket is what an export begins with.
    let early = 6.0 * (1.0 - position as f64 / sample.columns.len() as f64);
    Some(named + early)
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
        .filter(|(_, column)| super::content::dates(column).is_some())
        .filter_map(|(at, column)| Some((likeness(&column.name, called::UPDATED)?.0, at)))
        .collect();
    updated.sort_by(|a, b| b.0.total_cmp(&a.0));
    Some(Key::Log {
        column: position,
        tickets: column.distinct,
        order: updated.first().map(|(_, at)| *at),
    })
}

fn nearly(sample: &Sample, position: usize) -> Key {
    let column = &sample.columns[position];
    let doubles = sample.rows - column.distinct;
    match doubles * 20 <= sample.rows {
        true => Key::Nearly {
            column: position,
            doubles,
        },
        false => Key::Content,
    }
}
