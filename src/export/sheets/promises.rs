//! Promised times: kept, broken, at risk.

use jiff::Timestamp;

use super::basis::{Basis, Totals};
use super::facts::Facts;
use super::groups::{Groups, Tally};
use super::listing::{self, Listed};
use super::months::Months;
use super::ranking::urgency;
use super::top::Top;
use super::value::{At, Cell, Shape, Table, Trace, Value};
use super::{SheetTally, Told};
use crate::report::words::plural;
use crate::systems::common::{Clock, CommonTicket};

/// From this part of its promised time on, an open ticket is at risk.
const RISK: f64 = 0.8;
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
    at_risk: Top<(Listed, f64, Option<f64>)>,
    broken: Top<(Listed, Option<f64>)>,
}

/// How promises stand.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    kept: u64,
    broken: u64,
    running: u64,
    at_risk: u64,
}

/// How one promise stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Kept,
    /// By so many minutes, where that is known.
    Broken(Option<f64>),
    /// The part of the time that is over, and the minutes that are left, where these are known.
    Running(Option<(f64, f64)>),
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
            at_risk: Top::new(listing::MOST),
            broken: Top::new(listing::MOST),
        }
    }
}

impl SheetTally for Promises {
    fn add(&mut self, facts: &Facts<'_>) {
        let ticket = facts.ticket;
        let service = ticket.service.as_ref();
        let response = service.and_then(|service| service.response.as_ref());
        if let Some(state) = response.and_then(|clock| by_clock(clock, facts.is_open)) {
            self.response.add(state);
        }
        let resolution = service.and_then(|service| service.resolution.as_ref());
        let clock = resolution.and_then(|clock| by_clock(clock, facts.is_open));
        let Some(state) = clock.or_else(|| by_due(ticket, facts.is_open, self.now)) else {
            return;
        };
        self.by_due += u64::from(clock.is_none());
        self.resolution.add(state);
        if let Some(created) = facts.created {
            self.by_month.of(created).add(state);
        }
        let priority = Facts::label(ticket.priority.as_ref());
        self.by_priority.of(priority).add(state);
        self.by_team
            .of(Facts::label(ticket.team.as_ref()))
            .add(state);
        match state {
            State::Running(Some((part, left))) if part >= RISK => {
                let entry = || (Listed::of(facts), part, Some(left / 60.0));
                self.at_risk.offer((part * 1e6) as i64, entry);
            }
            State::Broken(over) if facts.is_open => {
                let weight = over.map_or(0, |minutes| (minutes * 60.0) as i64);
                let entry = || (Listed::of(facts), over.map(|minutes| minutes / 60.0));
                self.broken.offer(weight, entry);
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let mut notes = Vec::new();
        let none = self.response.promised() + self.resolution.promised() == 0;
        if none || self.by_due > 0 {
            notes.extend(totals.hidden("service", "What was promised"));
        }
        if none {
            notes.extend(totals.hidden("due", "The due date"));
            if totals.counted > 0 && notes.is_empty() {
                notes.push(
                    "Nothing was promised for any ticket, and none has a due date.".to_owned(),
                );
            }
        }
        if self.by_due > 0 {
            let tickets = plural(self.by_due, "ticket", "tickets");
            notes.push(format!(
                "For {tickets} without a promised solution the due date stands for it."
            ));
        }
        if self.response.running + self.resolution.running > 0 {
            notes.push(format!(
                "At risk: open, the promised time is not over, but {:.0} % of it are. Clocks that run stand as they were read.",
                RISK * 100.0
            ));
        }
        let mut tables = Vec::new();
        if !none {
            tables.push(overall(&self.response, &self.resolution));
        }
        let title = |what: &str, shown: usize, all: u64| match all > shown as u64 {
            true => format!("{what}: {shown} of {all}"),
            false => format!("{what}: {all}"),
        };
        let all = self.at_risk.all();
        let entries = self.at_risk.into_sorted();
        if !entries.is_empty() {
            let title = title("At risk now", entries.len(), all);
            let cells = |(ticket, part, left): (Listed, f64, Option<f64>)| {
                (ticket, [Value::Share(part).into(), Cell::number(left)])
            };
            let more = ["Time used", "Hours left"];
            tables.push(Listed::table(&title, more, entries.into_iter().map(cells)));
        }
        let all = self.broken.all();
        let entries = self.broken.into_sorted();
        if !entries.is_empty() {
            let title = title("Broken and still open", entries.len(), all);
            let cells = |(ticket, over): (Listed, Option<f64>)| (ticket, [Cell::number(over)]);
            tables.push(Listed::table(
                &title,
                ["Hours over"],
                entries.into_iter().map(cells),
            ));
        }
        let mut priorities = self.by_priority.ranked(MOST);
        priorities.shown.sort_by_key(|(name, _)| urgency(name));
        for (title, heading, unnamed, ranked) in [
            (
                "Solutions by priority",
                "Priority",
                "no priority",
                priorities,
            ),
            (
                "Solutions by team",
                "Team",
                "no team",
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
            let rows = rows.map(|(name, counts)| (Cell::text(name), counts));
            tables.push(table(title, heading, rows, Shape::StackedBar));
        }
        let months = self.by_month.parts(|one, other| one.merge(other));
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
    table
}

/// How a clock stands; `None`: it never ran.
fn by_clock(clock: &Clock, is_open: bool) -> Option<State> {
    let over = clock
        .target
        .zip(clock.minutes)
        .map(|(target, took)| took - target);
    let is_broken = clock.is_breached.or(over.map(|over| over > 0.0));
    if is_broken == Some(true) {
        return Some(State::Broken(over.filter(|over| *over > 0.0)));
    }
    let is_running = clock
        .is_running
        .unwrap_or(is_open && clock.minutes.is_none());
    if is_running {
        let used = clock
            .target
            .filter(|target| *target > 0.0)
            .zip(clock.minutes);
        // Without a target nothing was promised.
        clock.target?;
        return Some(State::Running(
            used.map(|(target, took)| (took / target, target - took)),
        ));
    }
    // A clock that stopped without a word on the promise had none.
    is_broken.map(|_| State::Kept)
}

/// How the due date stands; `None`: there is none, or nobody tells when the ticket closed.
fn by_due(ticket: &CommonTicket, is_open: bool, now: Timestamp) -> Option<State> {
    let due = ticket.due?;
    let minutes =
        |from: Timestamp, to: Timestamp| (to.as_second() - from.as_second()) as f64 / 60.0;
    let end = if is_open { now } else { ticket.closed? };
    if end > due {
        return Some(State::Broken(Some(minutes(due, end))));
    }
    if !is_open {
        return Some(State::Kept);
    }
    let used = ticket
        .created
        .map(|created| minutes(created, due))
        .filter(|whole| *whole > 0.0);
    Some(State::Running(used.map(|whole| {
        let left = minutes(now, due);
        (1.0 - left / whole, left)
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_says_how_its_promise_stands() {
        let clock = |target, minutes, is_running, is_breached| Clock {
            target,
            minutes,
            is_running,
            is_breached,
        };
        for (clock, is_open, stands) in [
            (
                clock(Some(60.0), Some(70.0), Some(false), None),
                false,
                Some(State::Broken(Some(10.0))),
            ),
            (
                clock(Some(60.0), Some(60.0), Some(false), None),
                false,
                Some(State::Kept),
            ),
            (
                clock(Some(60.0), Some(48.0), Some(true), None),
                true,
                Some(State::Running(Some((0.8, 12.0)))),
            ),
            (
                clock(None, Some(30.0), None, Some(true)),
                true,
                Some(State::Broken(None)),
            ),
            (
                clock(None, Some(30.0), None, Some(false)),
                true,
                Some(State::Kept),
            ),
            (
                clock(Some(60.0), None, None, None),
                true,
                Some(State::Running(None)),
            ),
            (clock(None, Some(30.0), None, None), false, None),
            (clock(None, None, None, None), true, None),
        ] {
            assert_eq!(by_clock(&clock, is_open), stands, "{clock:?}");
        }
    }
}
