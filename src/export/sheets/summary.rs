//! Key figures, the last days, states and priorities.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

use super::basis::{Basis, Totals};
use super::durations::Durations;
use super::facts::Facts;
use super::groups::{Groups, Tally};
use super::ranking::urgency;
use super::value::{At, Cell, Condition, Field, Shape, Table, Test, Trace, Value};
use super::{SheetTally, Told};
use crate::report::words::count;

/// The last days that have a row of their own, and those that are one figure.
const DAYS: usize = 14;
const WEEK: i32 = 7;
const MONTH: i32 = 30;
/// So many states have a row of their own.
const STATES: usize = 15;
const ROOM: usize = 65_536;

/// What one looks at first.
#[derive(Debug)]
pub(super) struct Summary {
    /// The first of the last days.
    first: Date,
    week: Date,
    month: Date,
    /// Created and closed, by the days since the first.
    days: [(u64, u64); DAYS],
    open: u64,
    closed: u64,
    unassigned: u64,
    overdue: u64,
    created: [u64; 2],
    closed_lately: [u64; 2],
    has_closing: bool,
    has_due: bool,
    took: Durations,
    oldest: Option<DateTime>,
    newest: Option<DateTime>,
    states: Groups<Split>,
    priorities: Groups<Split>,
}

#[derive(Debug, Default)]
struct Split {
    open: u64,
    closed: u64,
}

impl Tally for Split {
    fn merge(&mut self, other: Self) {
        self.open += other.open;
        self.closed += other.closed;
    }

    fn size(&self) -> u64 {
        self.open + self.closed
    }
}

impl Summary {
    pub(super) fn new(basis: &Basis) -> Self {
        Self {
            first: basis.first_of(DAYS as i32),
            week: basis.first_of(WEEK),
            month: basis.first_of(MONTH),
            days: [(0, 0); DAYS],
            open: 0,
            closed: 0,
            unassigned: 0,
            overdue: 0,
            created: [0; 2],
            closed_lately: [0; 2],
            has_closing: false,
            has_due: false,
            took: Durations::with_room(ROOM),
            oldest: None,
            newest: None,
            states: Groups::default(),
            priorities: Groups::default(),
        }
    }

    /// The place of a time among the last days.
    fn day(&self, at: Option<DateTime>) -> Option<usize> {
        let at = at?.date();
        let days = self.first.until(at).ok()?.get_days();
        usize::try_from(days).ok().filter(|day| *day < DAYS)
    }
}

impl SheetTally for Summary {
    fn add(&mut self, facts: &Facts<'_>) {
        let ticket = facts.ticket;
        if let Some(day) = self.day(facts.created) {
            self.days[day].0 += 1;
        }
        if let Some(day) = self.day(facts.closed) {
            self.days[day].1 += 1;
        }
        for (index, since) in [self.week, self.month].into_iter().enumerate() {
            self.created[index] += u64::from(facts.created_since(since));
            self.closed_lately[index] += u64::from(facts.closed_since(since));
        }
        self.has_closing |= facts.closed.is_some();
        self.has_due |= ticket.due.is_some();
        let state = self.states.of(Facts::label(ticket.state.as_ref()));
        let priority = self.priorities.of(Facts::label(ticket.priority.as_ref()));
        match facts.is_open {
            true => {
                self.open += 1;
                state.open += 1;
                priority.open += 1;
                let assignee = Facts::label(ticket.assignee.as_ref());
                self.unassigned += u64::from(assignee.is_empty());
                self.overdue += u64::from(facts.is_overdue);
                self.oldest = [self.oldest, facts.created].into_iter().flatten().min();
            }
            false => {
                self.closed += 1;
                state.closed += 1;
                priority.closed += 1;
            }
        }
        self.newest = self.newest.max(facts.created);
        if let Some(resolved) = facts.resolved {
            self.took.add(resolved.seconds);
        }
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let mut notes = Vec::new();
        if !self.has_closing && self.closed > 0 {
            notes.extend(totals.hidden("closed", "The time of closing"));
        }
        let mut tables = vec![self.figures(totals)];
        if self.days.iter().any(|day| *day != (0, 0)) {
            tables.push(self.last_days(totals));
        }
        let mut priorities = self.priorities.ranked(STATES);
        priorities.shown.sort_by_key(|(name, _)| urgency(name));
        for (title, heading, none, field, ranked) in [
            (
                "By state",
                "State",
                "no state",
                Field::State,
                self.states.ranked(STATES),
            ),
            (
                "By priority",
                "Priority",
                "no priority",
                Field::Priority,
                priorities,
            ),
        ] {
            if ranked.shown.is_empty() {
                continue;
            }
            let rest = ranked
                .nameless
                .map(|split| (none.to_owned(), Some(Test::Empty), split));
            let others = ranked.others;
            let others =
                others.map(|(number, split)| (format!("{} others", count(number)), None, split));
            let named = ranked.shown.into_iter();
            let named = named.map(|(name, split)| (name.clone(), Some(Test::Is(name)), split));
            let rows = named.chain(rest).chain(others);
            tables.push(split(title, heading, field, rows, totals));
        }
        Told {
            title: "Summary".to_owned(),
            notes,
            tables,
        }
    }
}

impl Summary {
    fn figures(&self, totals: &Totals) -> Table {
        let basis = &totals.basis;
        let is = |word| Field::Standing.is(word);
        let open = || vec![is("open")];
        let mut table = Table::new("Key figures", ["Figure", "Value"]);
        table.is_figures = true;
        let mut figure = |name: String, cell: Cell| table.rows.push(vec![Cell::text(name), cell]);
        let counted = |number: u64, conditions: Vec<Condition>| {
            Cell::count(number).traced(totals.count(conditions))
        };
        figure("Tickets".to_owned(), counted(totals.counted, Vec::new()));
        figure("Open".to_owned(), counted(self.open, open()));
        figure(
            "Closed".to_owned(),
            counted(self.closed, vec![is("closed")]),
        );
        let mut unassigned = open();
        unassigned.push(Field::Assignee.test(Test::Empty));
        figure(
            "Open without an assignee".to_owned(),
            counted(self.unassigned, unassigned),
        );
        if self.has_due {
            let mut overdue = open();
            let now = basis.zone.to_datetime(basis.now);
            overdue.push(Field::Due.test(Test::BeforeTime(now)));
            figure(
                "Open and overdue".to_owned(),
                counted(self.overdue, overdue),
            );
        }
        for (index, (days, since)) in [(WEEK, self.week), (MONTH, self.month)]
            .into_iter()
            .enumerate()
        {
            let span = format!("in {days} days, since {}", since.strftime("%-d %b %Y"));
            let created = vec![Field::Created.test(Test::From(since))];
            figure(
                format!("Created {span}"),
                counted(self.created[index], created),
            );
            if self.has_closing {
                let closed = vec![is("closed"), Field::Closed.test(Test::From(since))];
                figure(
                    format!("Closed {span}"),
                    counted(self.closed_lately[index], closed),
                );
            }
        }
        if self.took.count() > 0 {
            figure(
                "Median hours to resolve".to_owned(),
                Cell::number(self.took.quantile(0.5)),
            );
        }
        let time = |at: Option<DateTime>| Cell::from(at.map_or(Value::Empty, Value::Time));
        if self.oldest.is_some() {
            figure("Oldest open ticket, created".to_owned(), time(self.oldest));
        }
        if self.newest.is_some() {
            figure("Newest ticket, created".to_owned(), time(self.newest));
        }
        table
    }

    fn last_days(&self, totals: &Totals) -> Table {
        let mut table = Table::new("The last days", ["Day", "Created"]);
        if self.has_closing {
            table.headings.push("Closed".to_owned());
        }
        for (index, (created, closed)) in self.days.iter().enumerate() {
            let day = self.first.saturating_add((index as i32).days());
            let next = day.saturating_add(1.day());
            let on = |field: Field| [field.test(Test::From(day)), field.test(Test::Before(next))];
            let mut row = vec![
                Cell::from(Value::Day(day)),
                Cell::count(*created).traced(totals.count(on(Field::Created))),
            ];
            if self.has_closing {
                let is_closed = [Field::Standing.is("closed")];
                let conditions = is_closed.into_iter().chain(on(Field::Closed));
                row.push(Cell::count(*closed).traced(totals.count(conditions)));
            }
            table.rows.push(row);
        }
        let series: Vec<usize> = (1..table.headings.len()).collect();
        let title = match self.has_closing {
            true => "Tickets created and closed by day",
            false => "Tickets created by day",
        };
        table.draw(Shape::Column, title, "Tickets", series);
        table
    }
}

/// Open and closed tickets of groups, with a total.
fn split(
    title: &str,
    heading: &str,
    field: Field,
    rows: impl Iterator<Item = (String, Option<Test>, Split)>,
    totals: &Totals,
) -> Table {
    let rows: Vec<_> = rows.collect();
    let mut table = Table::new(title, [heading, "Tickets", "Share", "Open", "Closed"]);
    let end = rows.len();
    let mut all = Split::default();
    for (row, (name, test, split)) in rows.into_iter().enumerate() {
        let trace = |standing: Option<&str>| {
            let own = field.test(test.clone()?);
            let standing = standing.map(|word| Field::Standing.is(word));
            totals.count([own].into_iter().chain(standing))
        };
        let at = |row| At { row, column: 1 };
        table.rows.push(vec![
            Cell::text(name),
            Cell::count(split.size()).traced(trace(None)),
            Cell::share(split.size(), totals.counted).traced(Trace::Ratio(at(row), at(end))),
            Cell::count(split.open).traced(trace(Some("open"))),
            Cell::count(split.closed).traced(trace(Some("closed"))),
        ]);
        all.merge(split);
    }
    let sum = |column| Trace::Sum {
        column,
        rows: 0..end,
    };
    table.rows.push(vec![
        Cell::text("Total"),
        Cell::count(all.size()).traced(sum(1)),
        Cell::EMPTY,
        Cell::count(all.open).traced(sum(3)),
        Cell::count(all.closed).traced(sum(4)),
    ]);
    table.has_total = true;
    let chart = format!("Tickets {}", title.to_lowercase());
    table.draw(Shape::StackedBar, &chart, "Tickets", [3, 4]);
    table
}
