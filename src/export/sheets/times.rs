//! How long something took: as a whole, by how long, by priority, by team and by month.

use super::basis::{Of, Totals};
use super::chart::Shape;
use super::durations::Durations;
use super::facts::Facts;
use super::groups::{Groups, Tally};
use super::months::Months;
use super::severity::Severity;
use super::value::{At, Cell, Field, Table, Trace};
use jiff::civil::DateTime;

/// Room for the times of all tickets, and of a group.
const ROOM: usize = 65_536;
const ROOM_OF_GROUP: usize = 4_096;
/// So many teams have a row of their own.
const TEAMS: usize = 15;

/// A class of times: its label and the seconds that end it.
pub(super) type Class = (&'static str, u32);

/// Times of tickets.
#[derive(Debug)]
pub(super) struct Times {
    classes: &'static [Class],
    by_class: Vec<u64>,
    all: Durations,
    by_priority: Groups<Few>,
    by_team: Groups<Few>,
    by_month: Months<Few>,
}

/// Times of a group.
#[derive(Debug)]
struct Few(Durations);

impl Default for Few {
    fn default() -> Self {
        Self(Durations::with_room(ROOM_OF_GROUP))
    }
}

impl Tally for Few {
    fn merge(&mut self, other: Self) {
        self.0.merge(&other.0);
    }

    fn size(&self) -> u64 {
        self.0.count()
    }
}

/// What the times are, in words.
pub(super) struct Words {
    /// `Time to resolve`.
    pub(super) title: &'static str,
    /// The heading of their number.
    pub(super) counted: &'static str,
    /// By which month they are counted.
    pub(super) month: &'static str,
}

impl Times {
    pub(super) fn new(classes: &'static [Class]) -> Self {
        Self {
            classes,
            by_class: vec![0; classes.len()],
            all: Durations::with_room(ROOM),
            by_priority: Groups::default(),
            by_team: Groups::default(),
            by_month: Months::default(),
        }
    }

    pub(super) fn add(&mut self, facts: &Facts<'_>, seconds: u32, month: Option<DateTime>) {
        let class = self.classes.iter().position(|(_, end)| seconds < *end);
        self.by_class[class.unwrap_or(self.classes.len() - 1)] += 1;
        self.all.add(seconds);
        let ticket = facts.ticket;
        let priority = Facts::label(ticket.priority.as_ref());
        self.by_priority.of(priority).0.add(seconds);
        self.by_team.of_named(ticket.team.as_ref()).0.add(seconds);
        if let Some(month) = month {
            self.by_month.of(month).0.add(seconds);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.all.count()
    }

    pub(super) fn tables(self, words: &Words, totals: &Totals) -> Vec<Table> {
        if self.all.count() == 0 {
            return Vec::new();
        }
        let population = totals.population(Of::Listed);
        let overall = totals.listed;
        let mut whole = Table::new("In all", ["", words.counted, "Share of all tickets"])
            .of(population.clone());
        whole.headings.extend(HOURS.map(str::to_owned));
        let mut row = vec![
            Cell::text(words.title),
            Cell::count(self.all.count()),
            Cell::share(self.all.count(), overall),
        ];
        row.extend(hours(&self.all));
        whole.rows.push(row);
        let mut tables = vec![whole, self.distribution(words).of(population.clone())];
        let mut priorities = self.by_priority.ranked(TEAMS);
        (priorities.shown).sort_by_key(|(name, _)| Severity::of(name));
        let teams = self.by_team.ranked(TEAMS);
        for (title, field, none, ranked) in [
            ("By priority", Field::Priority, "no priority", priorities),
            ("By team", Field::Team, "no team", teams),
        ] {
            if ranked.shown.is_empty() {
                continue;
            }
            let heading = match field {
                Field::Priority => "Priority",
                _ => "Team",
            };
            let mut table = times_table(title, heading, words).of(population.clone());
            let named = ranked.shown.len() + usize::from(ranked.nameless.is_some());
            let rest = ranked.nameless.map(|few| (none.to_owned(), few));
            let others = ranked.others;
            let others = others.map(|(number, few)| (format!("{number} others"), few));
            for (name, few) in ranked.shown.into_iter().chain(rest).chain(others) {
                table.rows.push(times_row(Cell::named(field, name), &few.0));
            }
            let chart = format!("{}, median {}", words.title, title.to_lowercase());
            table.draw(Shape::Bar, &chart, "Hours", [2]);
            if let Some(chart) = table.charts.last_mut() {
                chart.rows = 0..named;
            }
            if field == Field::Priority {
                table.by_severity();
            }
            tables.push(table);
        }
        let mut months = times_table(words.month, "Month", words).of(population);
        let today = totals.basis.today();
        for (part, few) in self.by_month.parts(today, |one, other| one.merge(other)) {
            months.rows.push(times_row(part.cell(), &few.0));
        }
        if months.rows.len() > 1 {
            let chart = format!("{} by month", words.title);
            let shape = if months.rows.len() > 2 {
                Shape::Line
            } else {
                Shape::Column
            };
            months.draw(shape, &chart, "Hours", [2, 3]);
            tables.push(months);
        }
        tables
    }

    fn distribution(&self, words: &Words) -> Table {
        let mut table = Table::new("By length", ["Time", words.counted, "Share", "Up to here"]);
        let whole = self.all.count();
        let end = self.classes.len();
        let mut so_far = 0;
        for (row, ((label, _), counted)) in self.classes.iter().zip(&self.by_class).enumerate() {
            so_far += counted;
            let at = |row| At { row, column: 1 };
            table.rows.push(vec![
                Cell::text(*label),
                Cell::count(*counted),
                Cell::share(*counted, whole).traced(Trace::Ratio(at(row), at(end))),
                Cell::share(so_far, whole),
            ]);
        }
        let sum = Trace::Sum {
            column: 1,
            rows: 0..end,
        };
        let total = Cell::count(whole).traced(sum);
        table
            .rows
            .push(vec![Cell::text("Total"), total, Cell::EMPTY, Cell::EMPTY]);
        table.has_total = true;
        let title = format!("{}: how many tickets took how long", words.title);
        table.draw(Shape::Column, &title, "Tickets", [1]);
        table
    }
}

const HOURS: [&str; 3] = ["Median hours", "90 % within hours", "Mean hours"];

fn hours(times: &Durations) -> [Cell; 3] {
    let near = |part| Cell::number(times.quantile(part)).near(times.is_near());
    [near(0.5), near(0.9), Cell::number(times.mean())]
}

fn times_table(title: &str, heading: &str, words: &Words) -> Table {
    let mut table = Table::new(title, [heading, words.counted]);
    table.headings.extend(HOURS.map(str::to_owned));
    table
}

fn times_row(label: Cell, times: &Durations) -> Vec<Cell> {
    let mut row = vec![label, Cell::count(times.count())];
    row.extend(hours(times));
    row
}
