//! Tickets by what they belong to: team, assignee, place, issue, device.

use jiff::civil::Date;

use super::basis::{Basis, Totals};
use super::durations::Durations;
use super::facts::Facts;
use super::groups::{Groups, Ranked, Tally};
use super::value::{At, Cell, Condition, Field, Shape, Table, Test, Trace};
use super::{SheetTally, Told};
use crate::report::words::{count, plural};
use crate::systems::common::CommonTicket;

/// So many groups have a row of their own.
const MOST: usize = 25;
/// So many bars a chart has.
const BARS: usize = 15;
/// What counts as lately, in days.
pub(super) const LATELY: i32 = 30;
/// Room for the times of one group.
const ROOM: usize = 4096;

/// What is counted of a group.
#[derive(Debug)]
pub(super) struct Counts {
    tickets: u64,
    open: u64,
    overdue: u64,
    created: u64,
    closed: u64,
    took: Durations,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            tickets: 0,
            open: 0,
            overdue: 0,
            created: 0,
            closed: 0,
            took: Durations::with_room(ROOM),
        }
    }
}

impl Counts {
    fn add(&mut self, facts: &Facts<'_>, since: Date) {
        self.tickets += 1;
        self.open += u64::from(facts.is_open);
        self.overdue += u64::from(facts.is_overdue);
        self.created += u64::from(facts.created_since(since));
        self.closed += u64::from(facts.closed_since(since));
        if let Some(resolved) = facts.resolved {
            self.took.add(resolved.seconds);
        }
    }
}

impl Tally for Counts {
    fn merge(&mut self, other: Self) {
        self.tickets += other.tickets;
        self.open += other.open;
        self.overdue += other.overdue;
        self.created += other.created;
        self.closed += other.closed;
        self.took.merge(&other.took);
    }

    fn size(&self) -> u64 {
        self.tickets
    }
}

/// What is counted of work that waits: the groups with most open tickets come first.
#[derive(Debug, Default)]
struct Waiting(Counts);

impl Tally for Waiting {
    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    fn size(&self) -> u64 {
        // Of equal backlogs the busier group comes first.
        self.0.open << 24 | self.0.tickets.min((1 << 24) - 1)
    }
}

impl AsRef<Counts> for Waiting {
    fn as_ref(&self) -> &Counts {
        &self.0
    }
}

impl AsRef<Counts> for Counts {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// A column of such a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Tickets,
    Share,
    Open,
    Overdue,
    Created,
    Closed,
    Took,
}

impl Column {
    fn heading(self) -> String {
        match self {
            Self::Tickets => "Tickets".to_owned(),
            Self::Share => "Share".to_owned(),
            Self::Open => "Open".to_owned(),
            Self::Overdue => "Overdue".to_owned(),
            Self::Created => format!("Created, {LATELY} days"),
            Self::Closed => format!("Closed, {LATELY} days"),
            Self::Took => "Median hours to resolve".to_owned(),
        }
    }

    fn counted(self, counts: &Counts) -> u64 {
        match self {
            Self::Tickets | Self::Share => counts.tickets,
            Self::Open => counts.open,
            Self::Overdue => counts.overdue,
            Self::Created => counts.created,
            Self::Closed => counts.closed,
            Self::Took => counts.took.count(),
        }
    }

    /// What a ticket that it counts fulfils; `None`: it cannot be counted on the tickets sheet.
    fn conditions(self, basis: &Basis) -> Option<Vec<Condition>> {
        let since = || Test::From(basis.first_of(LATELY));
        Some(match self {
            Self::Tickets => Vec::new(),
            Self::Open => vec![Field::Standing.is("open")],
            Self::Overdue => {
                let now = basis.zone.to_datetime(basis.now);
                vec![
                    Field::Standing.is("open"),
                    Field::Due.test(Test::BeforeTime(now)),
                ]
            }
            Self::Created => vec![Field::Created.test(since())],
            Self::Closed => vec![Field::Standing.is("closed"), Field::Closed.test(since())],
            Self::Share | Self::Took => return None,
        })
    }
}

/// Builds a table of groups.
struct Groupwise<'a> {
    title: &'a str,
    heading: &'a str,
    none: &'a str,
    /// The field that the groups are of; `None`: a ticket may be in several.
    field: Option<Field>,
    columns: Vec<Column>,
    totals: &'a Totals,
}

impl Groupwise<'_> {
    /// The last row is the total where a ticket is in one group.
    fn table<T: AsRef<Counts>>(&self, ranked: &Ranked<T>, all: &Counts) -> Table {
        let mut table = Table::new(self.title, [self.heading]);
        table
            .headings
            .extend(self.columns.iter().map(|column| column.heading()));
        let groups = ranked.shown.len() + usize::from(ranked.nameless.is_some());
        let total = groups + usize::from(ranked.others.is_some());
        for (name, counts) in &ranked.shown {
            let is_it = Test::Is(name.clone());
            let row = self.row(
                name,
                counts.as_ref(),
                Some(is_it),
                (table.rows.len(), total),
            );
            table.rows.push(row);
        }
        if let Some(counts) = &ranked.nameless {
            let empty = Some(Test::Empty);
            let row = self.row(self.none, counts.as_ref(), empty, (table.rows.len(), total));
            table.rows.push(row);
        }
        if let Some((number, counts)) = &ranked.others {
            let name = format!("{} others", count(*number));
            let row = self.row(&name, counts.as_ref(), None, (table.rows.len(), total));
            table.rows.push(row);
        }
        if self.field.is_some() {
            table.rows.push(self.total(all));
            table.has_total = true;
        }
        table
    }

    fn row(
        &self,
        name: &str,
        counts: &Counts,
        test: Option<Test>,
        (row, total): (usize, usize),
    ) -> Vec<Cell> {
        let mut cells = vec![Cell::text(name)];
        for (index, column) in self.columns.iter().enumerate() {
            let counted = column.counted(counts);
            let at = |row, column| At { row, column };
            cells.push(match column {
                Column::Took => Cell::number(counts.took.quantile(0.5)),
                Column::Share => {
                    // The number of tickets stands in the column before.
                    let ratio = Trace::Ratio(at(row, index), at(total, index));
                    let whole = self.totals.counted;
                    Cell::share(counted, whole).traced(self.field.map(|_| ratio))
                }
                _ => Cell::count(counted).traced(match (&test, self.field) {
                    (_, None) => None,
                    (Some(test), Some(field)) => {
                        let own = field.test(test.clone());
                        let conditions = column.conditions(&self.totals.basis);
                        conditions.and_then(|all| self.totals.count([own].into_iter().chain(all)))
                    }
                    (None, Some(_)) => Some(Trace::Rest {
                        whole: at(total, index + 1),
                        rows: 0..row,
                    }),
                }),
            });
        }
        cells
    }

    fn total(&self, all: &Counts) -> Vec<Cell> {
        let mut cells = vec![Cell::text("Total")];
        cells.extend(self.columns.iter().map(|column| match column {
            Column::Took => Cell::number(all.took.quantile(0.5)),
            Column::Share => Cell::EMPTY,
            _ => {
                let conditions = column.conditions(&self.totals.basis);
                let trace = conditions.and_then(|all| self.totals.count(all));
                Cell::count(column.counted(all)).traced(trace)
            }
        }));
        cells
    }
}

/// Draws the first groups of a table.
fn draw(table: &mut Table, shape: Shape, title: &str, series: Vec<usize>, named: usize) {
    table.draw(shape, title, "Tickets", series);
    if let Some(chart) = table.charts.last_mut() {
        chart.rows = 0..named.min(BARS);
    }
}

/// What tickets are grouped by.
#[derive(Debug)]
pub(super) struct Grouping {
    title: &'static str,
    heading: &'static str,
    none: &'static str,
    one: &'static str,
    chart: &'static str,
    /// The field of the common ticket, for what it says of being hidden.
    hidden: &'static str,
    what: &'static str,
    field: Option<Field>,
    names: fn(&CommonTicket) -> Vec<&str>,
}

/// By location.
pub(super) static LOCATIONS: Grouping = Grouping {
    title: "Tickets by location",
    heading: "Location",
    none: "no location",
    one: "a location",
    chart: "Tickets by location",
    hidden: "place",
    what: "The location",
    field: Some(Field::Place),
    names: |ticket| vec![Facts::label(ticket.place.as_ref())],
};

/// By issue, or what the system files tickets under.
pub(super) static ISSUES: Grouping = Grouping {
    title: "Tickets by issue or collection",
    heading: "Issue or collection",
    none: "none",
    one: "an issue or a collection",
    chart: "Tickets by issue or collection",
    hidden: "category",
    what: "The issue or collection",
    field: Some(Field::Category),
    names: |ticket| vec![Facts::label(ticket.category.as_ref())],
};

/// By device; a ticket may be about several.
pub(super) static DEVICES: Grouping = Grouping {
    title: "Tickets by device",
    heading: "Device",
    none: "no device",
    one: "a device",
    chart: "Devices with the most tickets",
    hidden: "devices",
    what: "The device",
    field: None,
    names: |ticket| ticket.devices.iter().map(|device| device.label()).collect(),
};

/// Tickets by one thing.
#[derive(Debug)]
pub(super) struct By {
    grouping: &'static Grouping,
    since: Date,
    groups: Groups<Counts>,
    all: Counts,
    /// In no group.
    outside: u64,
    /// In more than one.
    several: u64,
}

impl By {
    pub(super) fn new(grouping: &'static Grouping, basis: &Basis) -> Self {
        Self {
            grouping,
            since: basis.first_of(LATELY),
            groups: Groups::default(),
            all: Counts::default(),
            outside: 0,
            several: 0,
        }
    }
}

impl SheetTally for By {
    fn add(&mut self, facts: &Facts<'_>) {
        let mut names = (self.grouping.names)(facts.ticket);
        // The same device may hang on a ticket twice.
        names.sort_unstable();
        names.dedup();
        for name in &names {
            self.groups.of(name).add(facts, self.since);
        }
        let is_outside = names.iter().all(|name| name.is_empty());
        self.outside += u64::from(is_outside);
        self.several += u64::from(names.len() > 1);
        self.all.add(facts, self.since);
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let grouping = self.grouping;
        let mut notes: Vec<String> = totals
            .hidden(grouping.hidden, grouping.what)
            .into_iter()
            .collect();
        if self.outside == totals.counted {
            if totals.counted > 0 && notes.is_empty() {
                notes.push(format!("No ticket has {}.", grouping.one));
            }
            return Told {
                title: grouping.title.to_owned(),
                notes,
                tables: Vec::new(),
            };
        }
        if grouping.field.is_none() {
            if self.outside > 0 {
                let tickets = plural(self.outside, "ticket has", "tickets have");
                notes.push(format!("{tickets} {}.", grouping.none));
            }
            if self.several > 0 {
                let tickets = plural(self.several, "ticket has", "tickets have");
                notes.push(format!("{tickets} several and count for each of them."));
            }
        }
        let mut columns = vec![Column::Tickets, Column::Share, Column::Open];
        if self.all.overdue > 0 {
            columns.push(Column::Overdue);
        }
        columns.push(Column::Created);
        if self.all.took.count() > 0 {
            columns.push(Column::Took);
        }
        let ranked = self.groups.ranked(MOST);
        let named = ranked.shown.len();
        let groupwise = Groupwise {
            title: grouping.title,
            heading: grouping.heading,
            none: grouping.none,
            field: grouping.field,
            columns,
            totals,
        };
        let mut table = groupwise.table(&ranked, &self.all);
        draw(&mut table, Shape::Bar, grouping.chart, vec![1], named);
        Told {
            title: grouping.title.to_owned(),
            notes,
            tables: vec![table],
        }
    }
}

/// Load by team and by assignee.
#[derive(Debug)]
pub(super) struct Load {
    since: Date,
    teams: Groups<Waiting>,
    assignees: Groups<Waiting>,
    all: Counts,
}

impl Load {
    pub(super) fn new(basis: &Basis) -> Self {
        Self {
            since: basis.first_of(LATELY),
            teams: Groups::default(),
            assignees: Groups::default(),
            all: Counts::default(),
        }
    }
}

impl SheetTally for Load {
    fn add(&mut self, facts: &Facts<'_>) {
        let ticket = facts.ticket;
        let team = Facts::label(ticket.team.as_ref());
        let assignee = Facts::label(ticket.assignee.as_ref());
        self.teams.of(team).0.add(facts, self.since);
        self.assignees.of(assignee).0.add(facts, self.since);
        self.all.add(facts, self.since);
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let mut notes: Vec<String> = totals.hidden("team", "The team").into_iter().collect();
        let mut columns = vec![Column::Open];
        if self.all.overdue > 0 {
            columns.push(Column::Overdue);
        }
        columns.push(Column::Created);
        if self.all.closed > 0 {
            columns.push(Column::Closed);
        } else {
            notes.extend(totals.hidden("closed", "The time of closing"));
        }
        columns.push(Column::Tickets);
        if self.all.took.count() > 0 {
            columns.push(Column::Took);
        }
        let mut tables = Vec::new();
        for (title, heading, none, field, groups) in [
            ("By team", "Team", "no team", Field::Team, self.teams),
            (
                "By assignee",
                "Assignee",
                "nobody",
                Field::Assignee,
                self.assignees,
            ),
        ] {
            let ranked = groups.ranked(MOST);
            let named = ranked.shown.len();
            if named == 0 {
                continue;
            }
            let groupwise = Groupwise {
                title,
                heading,
                none,
                field: Some(field),
                columns: columns.clone(),
                totals,
            };
            let mut table = groupwise.table(&ranked, &self.all);
            let chart = format!("Open tickets {}", title.to_lowercase());
            draw(&mut table, Shape::Bar, &chart, vec![1], named);
            tables.push(table);
        }
        if tables.is_empty() && totals.counted > 0 && notes.is_empty() {
            notes.push("No ticket has a team or an assignee.".to_owned());
        }
        Told {
            title: "Load by team and assignee".to_owned(),
            notes,
            tables,
        }
    }
}

/// The order of priorities: the most urgent first, words that are not known last.
pub(super) fn urgency(name: &str) -> usize {
    const WORDS: [&str; 10] = [
        "critical",
        "emergency",
        "urgent",
        "highest",
        "high",
        "medium",
        "normal",
        "low",
        "lowest",
        "none",
    ];
    let name = name.to_lowercase();
    let known = WORDS.iter().position(|word| name == *word);
    known.unwrap_or(WORDS.len())
}
