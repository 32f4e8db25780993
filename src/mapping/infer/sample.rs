//! What a sample of the records tells of each column.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::record::{Cell, Record, fold};
use crate::source::Table;

/// So many different values of a column are told apart.
const MOST_VALUES: usize = 4_000;
/// So much of a value is kept.
const VALUE_LENGTH: usize = 200;
/// So many rows are kept whole, for what several columns say together.
const WHOLE_ROWS: usize = 400;

/// A sample of an input, column by column; tables with different headers are one.
#[derive(Debug)]
pub(super) struct Sample {
    /// How many records were looked at.
    pub(super) rows: usize,
    /// The columns in the order of the input.
    pub(super) columns: Vec<Column>,
    /// The texts of the first rows, a text a column.
    pub(super) whole: Vec<Vec<String>>,
    /// The words that count as empty, with how many cells hold each.
    pub(super) null: Vec<(String, usize)>,
}

/// What is known of one column.
#[derive(Debug, Clone, Default)]
pub(super) struct Column {
    /// As a mapping calls it.
    pub(super) name: String,
    /// Cells that are not empty.
    pub(super) filled: usize,
    /// Different values among them.
    pub(super) distinct: usize,
    /// The values with how often each stands there, the most frequent first; cut in length and number.
    pub(super) values: Vec<(String, usize)>,
    /// Characters of all cells together.
    pub(super) characters: usize,
    /// Cells by what the source says they are.
    pub(super) texts: usize,
    /// Numbers of a workbook or of JSON.
    pub(super) numbers: usize,
    /// Dates of a workbook, with or without a time of day.
    pub(super) dates: usize,
    /// Those of them with a time of day.
    pub(super) times: usize,
    /// Truths.
    pub(super) truths: usize,
    /// JSON arrays.
    pub(super) lists: usize,
}

impl Column {
    /// The share of the filled cells whose value is like that.
    pub(super) fn share(&self, like: impl Fn(&str) -> bool) -> f64 {
        let known: usize = self.values.iter().map(|(_, count)| count).sum();
        if known == 0 {
            return 0.0;
        }
        let fit: usize = self
            .values
            .iter()
            .filter(|(value, _)| like(value))
            .map(|(_, count)| count)
            .sum();
        fit as f64 / known as f64
    }

    /// Characters a cell.
    pub(super) fn mean_length(&self) -> f64 {
        self.characters as f64 / self.filled.max(1) as f64
    }

    /// Whether nearly all of its cells are texts.
    pub(super) fn is_text(&self) -> bool {
        self.texts * 10 >= self.filled * 9
    }

    /// Whether every cell is filled and no value stands there twice.
    pub(super) fn is_unique(&self, rows: usize) -> bool {
        self.filled == rows && self.distinct == rows
    }
}

/// A column on its way.
struct Gathering {
    column: Column,
    values: HashMap<String, usize>,
    seen: HashSet<u64>,
}

impl Sample {
    /// Looks at the records.
    pub(super) fn new(tables: &[Table], records: &[Record]) -> Self {
        let mut gathered: Vec<Gathering> = Vec::new();
        let mut positions: HashMap<String, usize> = HashMap::new();
        let mut places: Vec<Vec<usize>> = Vec::new();
        for table in tables {
            let places_of = table.header.names().iter().map(|name| {
                *positions.entry(fold(name)).or_insert_with(|| {
                    gathered.push(Gathering::new(name));
                    gathered.len() - 1
                })
            });
            places.push(places_of.collect());
        }
        let hasher = RandomState::new();
        let mut whole = Vec::new();
        for record in records {
            let mut texts = vec![String::new(); gathered.len()];
            for (place, cell) in places[record.table].iter().zip(&record.cells) {
                if cell.is_empty() {
                    continue;
                }
                let text = cell.text();
                gathered[*place].add(cell, text.trim(), hasher.hash_one(text.trim()));
                texts[*place] = text.trim().to_owned();
            }
            if whole.len() < WHOLE_ROWS {
                whole.push(texts);
            }
        }
        let mut sample = Self {
            rows: records.len(),
            columns: gathered.into_iter().map(Gathering::finish).collect(),
            whole,
            null: Vec::new(),
        };
        sample.null = super::words::null_words(&sample.columns);
        sample.leave_null_out();
        sample
    }

    fn leave_null_out(&mut self) {
        let is_null = |value: &str| self.null.iter().any(|(word, _)| fold(word) == fold(value));
        for column in &mut self.columns {
            column.values.retain(|(value, count)| {
                if !is_null(value) {
                    return true;
                }
                column.filled -= count;
                column.texts = column.texts.saturating_sub(*count);
                column.distinct -= 1;
                column.characters -= value.chars().count() * count;
                false
            });
        }
        for row in &mut self.whole {
            for text in row.iter_mut().filter(|text| is_null(text)) {
                text.clear();
            }
        }
    }
}

impl Gathering {
    fn new(name: &str) -> Self {
        Self {
            column: Column {
                name: name.to_owned(),
                ..Column::default()
            },
            values: HashMap::new(),
            seen: HashSet::new(),
        }
    }

    fn add(&mut self, cell: &Cell, text: &str, hash: u64) {
        let column = &mut self.column;
        column.filled += 1;
        column.characters += text.chars().count();
        match cell {
            Cell::Text(_) => column.texts += 1,
            Cell::Integer(_) | Cell::Number(_) | Cell::Shown(_) => column.numbers += 1,
            Cell::Date(_) => column.dates += 1,
            Cell::DateTime(_) => {
                column.dates += 1;
                column.times += 1;
            }
            Cell::Bool(_) => column.truths += 1,
            Cell::Json(value) if value.is_array() => column.lists += 1,
            _ => {}
        }
        self.seen.insert(hash);
        let value: String = text.chars().take(VALUE_LENGTH).collect();
        if self.values.len() < MOST_VALUES || self.values.contains_key(&value) {
            *self.values.entry(value).or_insert(0) += 1;
        }
    }

    fn finish(self) -> Column {
        let mut values: Vec<(String, usize)> = self.values.into_iter().collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Column {
            distinct: self.seen.len(),
            values,
            ..self.column
        }
    }
}
