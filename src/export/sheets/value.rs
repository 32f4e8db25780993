//! A sheet as a value: tables of cells and the charts over them. What shows it (workbook, page) decides nothing.

use std::ops::Range;

use jiff::civil::{Date, DateTime};

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
}

/// A table with headings, and the charts that are drawn over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it is about.
    pub title: String,
    /// The heading of each column.
    pub headings: Vec<String>,
    /// Its rows; each is as long as the headings.
    pub rows: Vec<Vec<Cell>>,
    /// Whether each row is a figure of its own: a name and a value.
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

/// A chart over columns of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// How it is drawn.
    pub shape: Shape,
    /// What it shows.
    pub title: String,
    /// What the groups are: the axis of the labels.
    pub groups: String,
    /// What the numbers are: the axis of the values.
    pub numbers: String,
    /// The column with the labels.
    pub labels: usize,
    /// The columns with the numbers; their headings are the names of the series.
    pub series: Vec<usize>,
    /// The rows that are drawn.
    pub rows: Range<usize>,
}

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Lying bars, one a group: for long labels.
    Bar,
    /// Lying bars of the series one after another.
    StackedBar,
    /// Standing bars, the series side by side.
    Column,
    /// Standing bars of the series one on another.
    StackedColumn,
    /// A line a series.
    Line,
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
            _ => None,
        }
    }

    /// How people read it.
    pub fn shown(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) | Self::Link { text, .. } => text.clone(),
            Self::Count(count) => {
                let sign = if *count < 0 { "−" } else { "" };
                format!(
                    "{sign}{}",
                    crate::report::words::count(count.unsigned_abs())
                )
            }
            Self::Number(number) => decimal(*number),
            Self::Share(share) => format!("{:.0} %", share * 100.0),
            Self::Day(day) => day.strftime("%-d %b %Y").to_string(),
            Self::Month(first) => first.strftime("%b %Y").to_string(),
            Self::Time(time) => time.strftime("%-d %b %Y %H:%M").to_string(),
        }
    }
}

/// `1 234.5`: one decimal, digits in groups.
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
    pub(super) fn new<const N: usize>(title: &str, headings: [&str; N]) -> Self {
        Self {
            title: title.to_owned(),
            headings: headings.map(str::to_owned).to_vec(),
            rows: Vec::new(),
            is_figures: false,
            has_total: false,
            charts: Vec::new(),
        }
    }

    /// The rows that are no total.
    pub fn body(&self) -> Range<usize> {
        0..self.rows.len() - usize::from(self.has_total && !self.rows.is_empty())
    }

    /// Draws columns of the body; nothing where there is nothing to draw.
    pub(super) fn draw(
        &mut self,
        shape: Shape,
        title: &str,
        numbers: &str,
        series: impl Into<Vec<usize>>,
    ) {
        let series: Vec<usize> = series.into();
        let body = self.body();
        let is_drawn = |row: &Vec<Cell>| {
            let mut numbers = series
                .iter()
                .filter_map(|&column| row[column].value.number());
            numbers.any(|number| number != 0.0)
        };
        if self.rows[body.clone()].iter().any(is_drawn) {
            self.charts.push(Chart {
                shape,
                title: title.to_owned(),
                groups: self.headings[0].clone(),
                numbers: numbers.to_owned(),
                labels: 0,
                series,
                rows: body,
            });
        }
    }
}
