//! Charts over tables, as values: what is drawn, in which colours, on which axis.

use std::ops::Range;

use super::scale::Scale;
use super::severity::Severity;
use super::value::{Cell, Table, Value};

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
    /// The colours of its marks.
    pub tones: Tones,
}

/// The colours of the marks of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tones {
    /// A colour a series.
    Series(Vec<Tone>),
    /// A colour a row: a chart of one series whose rows are priorities.
    Rows(Vec<Tone>),
}

/// What a colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing but that it differs from the others.
    Plain(usize),
    /// How severe a priority is.
    Of(Severity),
    /// A promise that was kept.
    Kept,
    /// A promise that was broken.
    Broken,
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

/// The colours that mean nothing, told apart by people with any kind of sight; none of them is one of a severity.
const PLAIN: [u32; 8] = [
    0x1F_6F_B4, 0x2A_8F_6B, 0x7A_5B_B5, 0x4F_A8_C9, 0x8C_8C_1A, 0x8A_6D_4B, 0x1B_3A_5C, 0x7F_7F_7F,
];

impl Tone {
    /// Its colour, as red, green and blue.
    pub fn colour(self) -> u32 {
        match self {
            Self::Plain(number) => PLAIN[number % PLAIN.len()],
            Self::Of(severity) => severity.colour(),
            Self::Kept => PLAIN[1],
            Self::Broken => Severity::Critical.colour(),
        }
    }
}

impl Chart {
    /// The numbers that it draws, row by row; what is no number counts nothing.
    pub fn numbers_of(&self, table: &Table) -> Vec<Vec<f64>> {
        let rows = table.rows[self.rows.clone()].iter();
        let numbers = |row: &Vec<Cell>| {
            let cells = self.series.iter().map(|&column| &row[column].value);
            cells.map(|value| value.number().unwrap_or(0.0)).collect()
        };
        rows.map(numbers).collect()
    }

    /// Whether its bars lie.
    pub fn is_lying(&self) -> bool {
        matches!(self.shape, Shape::Bar | Shape::StackedBar)
    }

    /// Whether its series stand one on another.
    pub fn is_stacked(&self) -> bool {
        matches!(self.shape, Shape::StackedBar | Shape::StackedColumn)
    }

    /// The axis of its numbers.
    pub fn scale(&self, table: &Table) -> Scale {
        let rows = table.rows[self.rows.clone()].iter();
        let mut cells = rows.flat_map(|row| self.series.iter().map(|&column| &row[column].value));
        let are_counts = cells.all(Value::is_whole);
        let numbers = self.numbers_of(table);
        match self.is_stacked() {
            true => Scale::over(numbers.iter().map(|row| row.iter().sum()), are_counts),
            false => Scale::over(numbers.into_iter().flatten(), are_counts),
        }
    }
}

impl Table {
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
                tones: Tones::Series((0..series.len()).map(Tone::Plain).collect()),
                series,
                rows: body,
            });
        }
    }

    /// Colours the rows of the chart that was drawn last by the severity of the priorities that label them.
    pub(super) fn by_severity(&mut self) {
        if let Some(chart) = self.charts.last_mut() {
            let labels = self.rows[chart.rows.clone()].iter();
            let tone = |row: &Vec<Cell>| Tone::Of(Severity::of(&row[chart.labels].value.shown()));
            chart.tones = Tones::Rows(labels.map(tone).collect());
        }
    }

    /// Colours the series of the chart that was drawn last.
    pub(super) fn in_tones(&mut self, tones: impl IntoIterator<Item = Tone>) {
        if let Some(chart) = self.charts.last_mut() {
            chart.tones = Tones::Series(tones.into_iter().collect());
        }
    }
}
