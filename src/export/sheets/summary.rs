//! Key figures, the last days, states and priorities.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

use super::basis::{Basis, Of, Totals};
use super::chart::Shape;
use super::durations::Durations;
use super::facts::Facts;
use super::flow::Flow;
use super::groups::{Groups, Tally};
use super::severity::Severity;
use super::value::{At, Cell, Condition, Field, Table, Test, Trace, Value};
use super::{SheetTally, Told};
use crate::report::words::{count, plural};

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
    /// Created and closed on the desk, by the days since the first.
    days: [(u64, u64); DAYS],
    listed: Split,
    took: Durations,
    states: Groups<Split>,
    priorities: Groups<Split>,
    /// What came and went in the period.
    flow: Option<Flow>,
    desk: Desk,
}

/// What is counted of the whole desk.
#[derive(Debug, Default)]
struct Desk {
    open: u64,
    unassigned: u64,
    overdue: u64,
    created: [u64; 2],
    closed: [u64; 2],
    has_closing: bool,
    has_due: bool,
    oldest: Option<DateTime>,
    newest: Option<DateTime>,
}

#[derive(Debug, Default)]
struct Split {
    open: u64,
    closed: u64,
}

impl Split {
    fn add(&mut self, is_open: bool) {
        match is_open {
            true => self.open += 1,
            false => self.closed += 1,
        }
    }
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
        let period = basis.period.as_ref().filter(|_| basis.is_whole);
        Self {
            first: basis.first_of(DAYS as i32),
            week: basis.first_of(WEEK),
            month: basis.first_of(MONTH),
            days: [(0, 0); DAYS],
            listed: Split::default(),
            took: Durations::with_room(ROOM),
            states: Groups::default(),
            priorities: Groups::default(),
            flow: period.map(|period| Flow::new(period.span, basis.now)),
            desk: Desk::default(),
        }
    }

    /// The place of a time among the last days.
    fn day(&self, at: Option<DateTime>) -> Option<usize> {
        let at = at?.date();
        let days = self.first.until(at).ok()?.get_days();
        usize::try_from(days).ok().filter(|day| *day < DAYS)
    }

    fn add_to_desk(&mut self, facts: &Facts<'_>) {
        if let Some(flow) = &mut self.flow {
            flow.add(facts);
        }
        if let Some(day) = self.day(facts.created) {
            self.days[day].0 += 1;
        }
        if let Some(day) = self.day(facts.closed) {
            self.days[day].1 += 1;
        }
        let desk = &mut self.desk;
        for (index, since) in [self.week, self.month].into_iter().enumerate() {
            desk.created[index] += u64::from(facts.created_since(since));
            desk.closed[index] += u64::from(facts.closed_since(since));
        }
        desk.has_closing |= facts.closed.is_some();
        desk.has_due |= facts.ticket.due.is_some();
        if facts.is_open {
            desk.open += 1;
            let assignee = Facts::label(facts.ticket.assignee.as_ref());
            desk.unassigned += u64::from(assignee.is_empty());
            desk.overdue += u64::from(facts.is_overdue);
            desk.oldest = [desk.oldest, facts.created].into_iter().flatten().min();
        }
        desk.newest = desk.newest.max(facts.created);
    }
}

impl SheetTally for Summary {
    fn add(&mut self, facts: &Facts<'_>) {
        self.add_to_desk(facts);
        if !facts.is_listed {
            return;
        }
        let ticket = facts.ticket;
        self.listed.add(facts.is_open);
        let state = Facts::label(ticket.state.as_ref());
        self.states.of(state).add(facts.is_open);
        let priority = Facts::label(ticket.priority.as_ref());
        self.priorities.of(priority).add(facts.is_open);
        if let Some(resolved) = facts.resolved {
            self.took.add(resolved.seconds);
        }
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let mut notes = Vec::new();
        if !self.desk.has_closing && self.listed.closed > 0 {
            notes.extend(totals.hidden(Of::Listed, "closed", "The time of closing"));
        }
        notes.extend(
            totals
                .basis
                .only_period("The backlog, its age and the last days are"),
        );
        notes.extend(self.without_past(totals));
        let mut tables = vec![self.figures(totals)];
        let has_days = self.days.iter().any(|day| *day != (0, 0));
        if has_days && totals.basis.knows_desk() {
            tables.push(self.last_days(totals));
        }
        let mut priorities = self.priorities.ranked(STATES);
        (priorities.shown).sort_by_key(|(name, _)| Severity::of(name));
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

/// The key figures on their way into a table.
struct Figures<'t> {
    table: Table,
    totals: &'t Totals,
}

impl Figures<'_> {
    fn add(&mut self, of: Of, name: impl Into<String>, cell: Cell) {
        let population = Cell::text(self.totals.population(of));
        let name = Cell::text(name.into());
        self.table.rows.push(vec![name, cell, population]);
    }

    fn count(
        &mut self,
        of: Of,
        name: impl Into<String>,
        number: u64,
        conditions: impl IntoIterator<Item = Condition>,
    ) {
        let trace = self.totals.count(of, conditions);
        self.add(of, name, Cell::count(number).traced(trace));
    }
}

impl Summary {
    fn figures(&self, totals: &Totals) -> Table {
        let basis = &totals.basis;
        let mut figures = Figures {
            table: Table::new("Key figures", ["Figure", "Value", "Counts"]),
            totals,
        };
        let is = |word| Field::Standing.is(word);
        let listed = Of::Listed;
        figures.count(listed, "Tickets", totals.listed, []);
        figures.count(listed, "Open", self.listed.open, [is("open")]);
        figures.count(listed, "Closed", self.listed.closed, [is("closed")]);
        if self.took.count() > 0 {
            let median = Cell::number(self.took.quantile(0.5)).near(self.took.is_near());
            figures.add(listed, "Median hours to resolve", median);
        }
        if let Some(flow) = &self.flow {
            self.of_period(flow, &mut figures);
        }
        if basis.knows_desk() {
            self.of_desk(&mut figures);
        }
        figures.table.is_figures = true;
        figures.table
    }

    /// Why closings in the period and what was open at its ends are left out.
    fn without_past(&self, totals: &Totals) -> Option<String> {
        let flow = self.flow.as_ref()?;
        let why = match (totals.basis.by_state, flow.undated) {
            (true, _) => ": the filters choose by state".to_owned(),
            (false, 0) => return None,
            (false, undated) => format!(
                ": the time of closing of {} is not known{}",
                plural(undated, "ticket", "tickets"),
                totals.because("closed")
            ),
        };
        Some(format!(
            "Tickets closed in the period and those open at its start and end are left out{why}."
        ))
    }

    /// What the period did to the whole desk.
    fn of_period(&self, flow: &Flow, figures: &mut Figures<'_>) {
        figures.count(Of::Desk, "Created in the period", flow.created, []);
        if !figures.totals.basis.knows_past() || flow.undated > 0 {
            return;
        }
        figures.count(Of::Desk, "Closed in the period", flow.closed, []);
        let span = figures
            .totals
            .basis
            .period
            .as_ref()
            .map(|period| period.span);
        if span.is_some_and(|span| span.from.is_some()) {
            let name = "Open at the start of the period";
            figures.count(Of::Desk, name, flow.at_start, []);
        }
        let now = figures.totals.basis.now;
        if span.is_some_and(|span| span.until.is_some_and(|until| until <= now)) {
            let name = "Open at the end of the period";
            figures.count(Of::Desk, name, flow.at_end, []);
        }
    }

    fn of_desk(&self, figures: &mut Figures<'_>) {
        let basis = &figures.totals.basis;
        let desk = &self.desk;
        let open = Field::Standing.is("open");
        if basis.period.is_some() {
            figures.count(Of::Desk, "Open now", desk.open, []);
        }
        let unassigned = [open.clone(), Field::Assignee.test(Test::Empty)];
        let name = "Open without an assignee";
        figures.count(Of::Desk, name, desk.unassigned, unassigned);
        if desk.has_due {
            let now = basis.zone.to_datetime(basis.now);
            let overdue = [open, Field::Due.test(Test::BeforeTime(now))];
            figures.count(Of::Desk, "Open and overdue", desk.overdue, overdue);
        }
        for (index, (days, since)) in [(WEEK, self.week), (MONTH, self.month)]
            .into_iter()
            .enumerate()
        {
            let span = format!("in {days} days, since {}", since.strftime("%-d %b %Y"));
            let created = basis.since(Field::Created, since);
            let name = format!("Created {span}");
            figures.count(Of::Desk, name, desk.created[index], created);
            if desk.has_closing {
                let closed = basis.since(Field::Closed, since);
                let closed = closed.into_iter().chain([Field::Standing.is("closed")]);
                let name = format!("Closed {span}");
                figures.count(Of::Desk, name, desk.closed[index], closed);
            }
        }
        for (name, at) in [
            ("Oldest open ticket, created", desk.oldest),
            ("Newest ticket, created", desk.newest),
        ] {
            if let Some(at) = at {
                figures.add(Of::Desk, name, Value::Time(at).into());
            }
        }
    }

    fn last_days(&self, totals: &Totals) -> Table {
        let mut table = Table::new("The last days", ["Day", "Created"]);
        table.population = totals.population(Of::Desk);
        let has_closing = self.desk.has_closing;
        if has_closing {
            table.headings.push("Closed".to_owned());
        }
        for (index, (created, closed)) in self.days.iter().enumerate() {
            let day = self.first.saturating_add((index as i32).days());
            let next = day.saturating_add(1.day());
            let on = |field: Field| [field.test(Test::From(day)), field.test(Test::Before(next))];
            let mut row = vec![
                Cell::from(Value::Day(day)),
                Cell::count(*created).traced(totals.count(Of::Desk, on(Field::Created))),
            ];
            if has_closing {
                let is_closed = [Field::Standing.is("closed")];
                let conditions = is_closed.into_iter().chain(on(Field::Closed));
                row.push(Cell::count(*closed).traced(totals.count(Of::Desk, conditions)));
            }
            table.rows.push(row);
        }
        let series: Vec<usize> = (1..table.headings.len()).collect();
        let title = match has_closing {
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
    let mut table = Table::new(title, [heading, "Tickets", "Share", "Open", "Closed"])
        .of(totals.population(Of::Listed));
    let end = rows.len();
    let mut all = Split::default();
    for (row, (name, test, split)) in rows.into_iter().enumerate() {
        let trace = |standing: Option<&str>| {
            let own = field.test(test.clone()?);
            let standing = standing.map(|word| Field::Standing.is(word));
            totals.count(Of::Listed, [own].into_iter().chain(standing))
        };
        let at = |row| At { row, column: 1 };
        table.rows.push(vec![
            Cell::named(field, name),
            Cell::count(split.size()).traced(trace(None)),
            Cell::share(split.size(), totals.listed).traced(Trace::Ratio(at(row), at(end))),
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
