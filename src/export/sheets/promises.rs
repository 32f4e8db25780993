//! Promised times: kept, broken, at risk.

use jiff::Timestamp;

use super::basis::{Basis, Of, Totals};
use super::chart::{Shape, Tone};
use super::facts::Facts;
use super::groups::{Groups, Tally};
use super::months::Months;
use super::promise::{self, RISK, State};
use super::risk::AtRisk;
use super::severity::Severity;
use super::value::{At, Cell, Field, Table, Trace, Value};
use super::{SheetTally, Told};
use crate::report::words::plural;

/// So many priorities and teams have a row of their own.
const MOST: usize = 15;

/// Promises of first responses and solutions.
#[derive(Debug)]
pub(super) struct Promises {
    now: Timestamp,
    response: Counts,
    resolution: Counts,
    by_due: u64,
    by_month: Months<Counts>,
    by_priority: Groups<Counts>,
    by_team: Groups<Counts>,
    /// Of the whole desk.
    at_risk: AtRisk,
}

/// How promises stand.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    kept: u64,
    broken: u64,
    running: u64,
    at_risk: u64,
}

impl Counts {
    fn add(&mut self, state: State) {
        match state {
            State::Kept => self.kept += 1,
            State::Broken(_) => self.broken += 1,
            State::Running(used) => {
                self.running += 1;
                self.at_risk += u64::from(used.is_some_and(|(part, _)| part >= RISK));
            }
        }
    }

    fn promised(&self) -> u64 {
        self.kept + self.broken + self.running
    }
}

impl Tally for Counts {
    fn merge(&mut self, other: Self) {
        self.kept += other.kept;
        self.broken += other.broken;
        self.running += other.running;
        self.at_risk += other.at_risk;
    }

    fn size(&self) -> u64 {
        self.promised()
    }
}

impl Promises {
    pub(super) fn new(basis: &Basis) -> Self {
        Self {
            now: basis.now,
            response: Counts::default(),
            resolution: Counts::default(),
            by_due: 0,
            by_month: Months::default(),
            by_priority: Groups::default(),
            by_team: Groups::default(),
            at_risk: AtRisk::new(),
        }
    }
}

impl SheetTally for Promises {
    fn add(&mut self, facts: &Facts<'_>) {
        let solution = promise::solution(facts, self.now);
        if let Some((state, _)) = solution {
            self.at_risk.add(facts, state);
        }
        if !facts.is_listed {
            return;
        }
        if let Some(state) = promise::response(facts) {
            self.response.add(state);
        }
        let Some((state, by_due)) = solution else {
            return;
        };
        self.by_due += u64::from(by_due);
        self.resolution.add(state);
        if let Some(created) = facts.created {
            self.by_month.of(created).add(state);
        }
        let ticket = facts.ticket;
        let priority = Facts::label(ticket.priority.as_ref());
        self.by_priority.of(priority).add(state);
        self.by_team.of_named(ticket.team.as_ref()).add(state);
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let mut notes = Vec::new();
        let population = totals.population(Of::Listed);
        let none = self.response.promised() + self.resolution.promised() == 0;
        if none || self.by_due > 0 {
            notes.extend(totals.hidden(Of::Listed, "service", "What was promised"));
        }
        if none {
            notes.extend(totals.hidden(Of::Listed, "due", "The due date"));
            if totals.listed > 0 && notes.is_empty() {
                notes.push(
                    "Nothing was promised for any ticket, and none has a due date.".to_owned(),
                );
            }
        }
        if self.by_due > 0 {
            let tickets = plural(self.by_due, "ticket", "tickets");
            notes.push(format!(
                "For {tickets} without a promised solution, or without its clock, the due date stands for it."
            ));
        }
        if self.response.running + self.resolution.running > 0 {
            notes.push(format!(
                "At risk: open, the promised time is not over, but {:.0} % of it are. Clocks that run stand as they were read.",
                RISK * 100.0
            ));
        }
        notes.extend(totals.basis.only_period("Tickets at risk now are"));
        let mut tables = Vec::new();
        if !none {
            tables.push(overall(&self.response, &self.resolution));
        }
        let mut priorities = self.by_priority.ranked(MOST);
        (priorities.shown).sort_by_key(|(name, _)| Severity::of(name));
        for (title, heading, unnamed, field, ranked) in [
            (
                "Solutions by priority",
                "Priority",
                "no priority",
                Field::Priority,
                priorities,
            ),
            (
                "Solutions by team",
                "Team",
                "no team",
                Field::Team,
                self.by_team.ranked(MOST),
            ),
        ] {
            let rest = ranked.nameless.map(|counts| (unnamed.to_owned(), counts));
            let others = ranked.others;
            let others = others.map(|(number, counts)| (format!("{number} others"), counts));
            if ranked.shown.is_empty() {
                continue;
            }
            let rows = ranked.shown.into_iter().chain(rest).chain(others);
            let rows = rows.map(|(name, counts)| (Cell::named(field, name), counts));
            tables.push(table(title, heading, rows, Shape::StackedBar));
        }
        let today = totals.basis.today();
        let months = self.by_month.parts(today, |one, other| one.merge(other));
        let rows = months
            .into_iter()
            .map(|(part, counts)| (part.cell(), counts));
        let months = table(
            "Solutions by month of creation",
            "Month",
            rows,
            Shape::StackedColumn,
        );
        if !months.rows.is_empty() {
            tables.push(months);
        }
        let mut tables: Vec<Table> = tables
            .into_iter()
            .map(|table| table.of(population.clone()))
            .collect();
        if totals.basis.knows_desk() {
            // What somebody must look at now stands behind the sums.
            let at = tables.len().min(1);
            tables.splice(at..at, self.at_risk.tables(totals));
        }
        Told {
            title: "SLA: promised times".to_owned(),
            notes,
            tables,
        }
    }
}

const HEADINGS: [&str; 6] = [
    "Promised",
    "Kept",
    "Broken",
    "Running",
    "At risk",
    "Kept of those over",
];

fn overall(response: &Counts, resolution: &Counts) -> Table {
    let mut rows = Vec::new();
    for (name, counts) in [("First response", response), ("Solution", resolution)] {
        if counts.promised() > 0 {
            rows.push((Cell::text(name), *counts));
        }
    }
    table("In all", "Promise", rows, Shape::StackedBar)
}

fn table(
    title: &str,
    heading: &str,
    rows: impl IntoIterator<Item = (Cell, Counts)>,
    shape: Shape,
) -> Table {
    let mut table = Table::new(title, [heading]);
    table.headings.extend(HEADINGS.map(str::to_owned));
    for (row, (label, counts)) in rows.into_iter().enumerate() {
        let sum = |columns: [u64; 5]| columns.map(Cell::count);
        let Counts {
            kept,
            broken,
            running,
            at_risk,
        } = counts;
        let mut cells = vec![label];
        cells.extend(sum([counts.promised(), kept, broken, running, at_risk]));
        let share = Cell::share(kept, kept + broken);
        let over = Trace::Part {
            of: At { row, column: 2 },
            rest: At { row, column: 3 },
        };
        let is_told = share.value != Value::Empty;
        cells.push(share.traced(is_told.then_some(over)));
        table.rows.push(cells);
    }
    table.draw(shape, title, "Tickets", [2, 3, 4]);
    table.in_tones([Tone::Kept, Tone::Broken, Tone::Plain(0)]);
    table
}
