//! A sheet as a value: tables of cells and the charts over them. What shows it (workbook, page) decides nothing.

use std::ops::Range;

use jiff::civil::{Date, DateTime};

use super::chart::Chart;

/// One analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// Its name, as a workbook's tab shows it: up to 31 characters.
    pub name: &'static str,
    /// What it is about.
    pub title: String,
    /// What it counts: how many tickets, of what, read when.
    pub counted: String,
    /// What the reader must know: what the system does not tell, what was left out, why a table is missing.
    pub notes: Vec<String>,
    /// Its tables, from top to bottom.
    pub tables: Vec<Table>,
    /// Whether it explains figures and has none.
    pub is_words: bool,
}

/// A table with headings, and the charts that are drawn over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it is about.
    pub title: String,
    /// Which tickets its figures count, as `the whole desk: 1,204 tickets`; empty where each row says it, or where it
    /// counts none.
    pub population: String,
    /// The heading of each column.
    pub headings: Vec<String>,
    /// Its rows; each is as long as the headings.
    pub rows: Vec<Vec<Cell>>,
    /// Whether each row is a figure of its own: a name, a value and which tickets it counts.
    pub is_figures: bool,
    /// Whether the last row sums the others up.
    pub has_total: bool,
    /// The charts over it.
    pub charts: Vec<Chart>,
}

/// A cell of a table: what it shows, and how it can be traced.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What it shows.
    pub value: Value,
    /// How the value comes about, where a person would want to follow it.
    pub trace: Option<Trace>,
}

/// What a cell shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Empty,
    /// A text of ours or of a system.
    Text(String),
    /// A priority by its name, shown in the colour of its severity.
    Priority(String),
    /// A text that leads to an address.
    Link {
        /// What is shown.
        text: String,
        /// Where it leads.
        url: String,
    },
    /// A number of things.
    Count(i64),
    /// A number with one decimal: hours, days.
    Number(f64),
    /// A part of a whole, 0 to 1.
    Share(f64),
    /// A number that is near the one it stands for: a median of very many times, or a count of a past week that cannot
    /// be known exactly any more.
    Near(Box<Value>),
    /// By how much a number is more or less than another.
    Change(Box<Value>),
    /// A day.
    Day(Date),
    /// A month, by its first day.
    Month(Date),
    /// A time of day on a day, in the zone of the analysis.
    Time(DateTime),
}

/// How a value comes about.
#[derive(Debug, Clone, PartialEq)]
pub enum Trace {
    /// So many rows of the tickets sheet fulfil all of these.
    Count(Vec<Condition>),
    /// The sum of rows of a column of the same table.
    Sum {
        /// The column.
        column: usize,
        /// The rows.
        rows: Range<usize>,
    },
    /// A cell of the same table less the sum of rows of its column.
    Rest {
        /// The cell with the whole.
        whole: At,
        /// The rows that are taken away, of the same column.
        rows: Range<usize>,
    },
    /// One cell of the same table divided by another.
    Ratio(At, At),
    /// One cell of the same table divided by the sum of it and another.
    Part {
        /// The cell.
        of: At,
        /// The other.
        rest: At,
    },
    /// One cell of the same table less another.
    Less(At, At),
}

/// A cell of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Its row below the headings, from 0.
    pub row: usize,
    /// Its column, from 0.
    pub column: usize,
}

/// Something that a row of the tickets sheet fulfils.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The field.
    pub field: Field,
    /// What its cell must be.
    pub test: Test,
}

/// A field of the common ticket that formulas look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The id, which each ticket has.
    Id,
    /// `open`, `closed` or `deleted`.
    Standing,
    /// The state's name.
    State,
    /// The priority's name.
    Priority,
    /// The requester's name.
    Requester,
    /// The requester's e-mail address.
    RequesterEmail,
    /// The assignee's name.
    Assignee,
    /// The assignee's e-mail address.
    AssigneeEmail,
    /// The team's name.
    Team,
    /// The place's name.
    Place,
    /// The or collection's name.
    Category,
    /// When the ticket was made, as a date.
    Created,
    /// When it was closed, as a date.
    Closed,
    /// When it is due, as a date.
    Due,
}

/// What a cell of the tickets sheet must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// This text, whatever the case of its letters.
    Is(String),
    /// Another text than this, or empty.
    IsNot(String),
    /// Empty.
    Empty,
    /// Not empty.
    Filled,
    /// A time at or after the beginning of this day.
    From(Date),
    /// A time before the beginning of this day.
    Before(Date),
    /// A time before this.
    BeforeTime(DateTime),
}

impl Cell {
    /// Nothing.
    pub const EMPTY: Self = Self {
        value: Value::Empty,
        trace: None,
    };

    pub(super) fn text(text: impl Into<String>) -> Self {
        Value::Text(text.into()).into()
    }

    /// The name of a group by a field: a priority shows in its colour.
    pub(super) fn named(field: Field, name: impl Into<String>) -> Self {
        match field {
            Field::Priority => Value::Priority(name.into()).into(),
            _ => Self::text(name),
        }
    }

    /// A text, if it says something.
    pub(super) fn filled(text: String) -> Self {
        match text.is_empty() {
            true => Self::EMPTY,
            false => Self::text(text),
        }
    }

    pub(super) fn count(count: u64) -> Self {
        Value::Count(i64::try_from(count).unwrap_or(i64::MAX)).into()
    }

    pub(super) fn number(number: Option<f64>) -> Self {
        number.map_or(Value::Empty, Value::Number).into()
    }

    /// The same number, said to be near.
    pub(super) fn near(self, is_near: bool) -> Self {
        let is_said = matches!(self.value, Value::Near(_));
        match is_near && !is_said && self.value.number().is_some() {
            true => Value::Near(Box::new(self.value)).into(),
            false => self,
        }
    }

    /// The part of a whole; nothing of nothing is no share.
    pub(super) fn share(part: u64, whole: u64) -> Self {
        match whole {
            0 => Self::EMPTY,
            whole => Value::Share(part as f64 / whole as f64).into(),
        }
    }

    pub(super) fn traced(mut self, trace: impl Into<Option<Trace>>) -> Self {
        self.trace = trace.into();
        self
    }
}

impl From<Value> for Cell {
    fn from(value: Value) -> Self {
        Self { value, trace: None }
    }
}

impl Value {
    /// The number that a chart draws; what is no number is left out.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Count(count) => Some(count as f64),
            Self::Number(number) | Self::Share(number) => Some(number),
            Self::Near(ref number) | Self::Change(ref number) => number.number(),
            _ => None,
        }
    }

    /// Whether it counts things, of which there is no half; what is no number is no half either.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Self::Number(_) | Self::Share(_) => false,
            Self::Near(value) | Self::Change(value) => value.is_whole(),
            _ => true,
        }
    }

    /// How people read it.
    pub fn shown(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) | Self::Priority(text) | Self::Link { text, .. } => text.clone(),
            Self::Near(number) => format!("≈ {}", number.shown()),
            Self::Change(number) => match number.number() {
                Some(more) if more > 0.0 => format!("+{}", number.shown()),
                _ => number.shown(),
            },
            Self::Count(count) => {
                let sign = if *count < 0 { "−" } else { "" };
                format!(
                    "{sign}{}",
                    crate::report::words::count(count.unsigned_abs())
                )
            }
            Self::Number(number) => decimal(*number),
            Self::Share(share) => format!("{:.0} %", share * 100.0).replace('-', "−"),
            Self::Day(day) => day.strftime("%-d %b %Y").to_string(),
            Self::Month(first) => first.strftime("%b %Y").to_string(),
            Self::Time(time) => time.strftime("%-d %b %Y %H:%M").to_string(),
        }
    }
}

/// `1,234.5`: one decimal, digits in groups.
fn decimal(number: f64) -> String {
    let tenths = (number.abs() * 10.0).round() as u64;
    let sign = if number < 0.0 && tenths > 0 {
        "−"
    } else {
        ""
    };
    format!(
        "{sign}{}.{}",
        crate::report::words::count(tenths / 10),
        tenths % 10
    )
}

impl Field {
    /// The field that a column shows, by the name of the common ticket.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "standing" => Self::Standing,
            "state" => Self::State,
            "priority" => Self::Priority,
            "requester" => Self::Requester,
            "requester.email" => Self::RequesterEmail,
            "assignee" => Self::Assignee,
            "assignee.email" => Self::AssigneeEmail,
            "team" => Self::Team,
            "place" => Self::Place,
            "category" => Self::Category,
            "created" => Self::Created,
            "closed" => Self::Closed,
            "due" => Self::Due,
            _ => return None,
        })
    }

    pub(super) fn is(self, text: &str) -> Condition {
        self.test(Test::Is(text.to_owned()))
    }

    pub(super) fn test(self, test: Test) -> Condition {
        Condition { field: self, test }
    }
}

impl Table {
    /// Whether a column has numbers: a word among them says that there is none.
    pub(crate) fn is_of_numbers(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().map(|row| &row[column].value);
        cells.any(|value| value.number().is_some())
    }

    pub(super) fn new<const N: usize>(title: &str, headings: [&str; N]) -> Self {
        Self {
            title: title.to_owned(),
            population: String::new(),
            headings: headings.map(str::to_owned).to_vec(),
            rows: Vec::new(),
            is_figures: false,
            has_total: false,
            charts: Vec::new(),
        }
    }

    /// Says which tickets it counts.
    pub(super) fn of(mut self, population: String) -> Self {
        self.population = population;
        self
    }

    /// The rows that are no total.
    pub fn body(&self) -> Range<usize> {
        0..self.rows.len() - usize::from(self.has_total && !self.rows.is_empty())
    }
}
