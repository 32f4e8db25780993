//! A table of groups of tickets: how many, how many open, how long they took.

use jiff::civil::Date;

use super::basis::{Basis, Of, Totals};
use super::chart::Shape;
use super::durations::Durations;
use super::facts::Facts;
use super::groups::{Name, Ranked, Tally};
use super::people::Person;
use super::value::{At, Cell, Condition, Field, Table, Test, Trace};
use crate::report::words::count;

/// So many bars a chart has; the tickets in no group have one more.
const BARS: usize = 15;
/// What counts as lately, in days.
pub(super) const LATELY: i32 = 30;
/// Room for the times of one group.
const ROOM: usize = 4096;

/// What is counted of a group.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) tickets: u64,
    pub(super) open: u64,
    pub(super) overdue: u64,
    pub(super) created: u64,
    pub(super) closed: u64,
    pub(super) took: Durations,
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
    pub(super) fn add(&mut self, facts: &Facts<'_>, since: Date) {
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
pub(super) struct Waiting(pub(super) Counts);

impl Waiting {
    pub(super) fn add(&mut self, facts: &Facts<'_>, since: Date, of: Of) {
        self.0.add(facts, since);
        // Of a part of the desk what waits is not shown: the groups with most tickets come first.
        if of == Of::Listed {
            self.0.open = 0;
        }
    }
}

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

/// What a group is called, and by what its tickets are known on their sheet.
pub(super) trait Group {
    /// Its label.
    fn label(&self) -> String;

    /// What a row of one of its tickets fulfils; `field` holds its name.
    fn conditions(&self, field: Field) -> Option<Vec<Condition>>;
}

impl Group for String {
    fn label(&self) -> String {
        self.clone()
    }

    fn conditions(&self, field: Field) -> Option<Vec<Condition>> {
        Some(vec![field.is(self)])
    }
}

impl Group for Name {
    fn label(&self) -> String {
        self.text.clone()
    }

    fn conditions(&self, field: Field) -> Option<Vec<Condition>> {
        // Tickets that show another name would not be counted.
        self.is_only.then(|| vec![field.is(&self.text)])
    }
}

impl Group for Person {
    fn label(&self) -> String {
        Self::label(self)
    }

    fn conditions(&self, _: Field) -> Option<Vec<Condition>> {
        self.conditions.clone()
    }
}

/// A column of such a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
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
        let since = |field| basis.since(field, basis.first_of(LATELY));
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
            Self::Created => since(Field::Created).to_vec(),
            Self::Closed => {
                let mut all = vec![Field::Standing.is("closed")];
                all.extend(since(Field::Closed));
                all
            }
            Self::Share | Self::Took => return None,
        })
    }

    fn median(counts: &Counts) -> Cell {
        Cell::number(counts.took.quantile(0.5)).near(counts.took.is_near())
    }
}

/// Builds a table of groups.
pub(super) struct Groupwise<'a> {
    pub(super) title: &'a str,
    pub(super) heading: &'a str,
    pub(super) none: &'a str,
    /// The field that the groups are of; `None`: a ticket may be in several.
    pub(super) field: Option<Field>,
    /// Which tickets are counted.
    pub(super) of: Of,
    pub(super) columns: Vec<Column>,
    pub(super) totals: &'a Totals,
}

/// A row on its way: its label, what its tickets fulfil, what they are.
struct Row<'r> {
    label: String,
    conditions: Option<Vec<Condition>>,
    counts: &'r Counts,
    is_rest: bool,
}

impl Groupwise<'_> {
    /// The table and a chart of its first groups by the first column. The last row is the total where a ticket is in one
    /// group.
    pub(super) fn table<N: Group, T: AsRef<Counts> + Tally>(
        &self,
        ranked: &Ranked<T, N>,
        all: &Counts,
        chart: &str,
    ) -> Table {
        let mut table = Table::new(self.title, [self.heading]).of(self.totals.population(self.of));
        table
            .headings
            .extend(self.columns.iter().map(|column| column.heading()));
        let (rows, drawn) = self.rows(ranked);
        let total = rows.len();
        for (at, row) in rows.iter().enumerate() {
            table.rows.push(self.row(row, at, total));
        }
        if self.field.is_some() {
            table.rows.push(self.total(all));
            table.has_total = true;
        }
        table.draw(Shape::Bar, chart, "Tickets", [1]);
        if let Some(chart) = table.charts.last_mut() {
            chart.rows = 0..drawn;
        }
        table
    }

    /// The rows, and how many of them are drawn. The tickets in no group stand where their number puts them, but among
    /// the groups that are drawn.
    fn rows<'r, N: Group, T: AsRef<Counts> + Tally>(
        &self,
        ranked: &'r Ranked<T, N>,
    ) -> (Vec<Row<'r>>, usize) {
        let named = ranked.shown.iter().map(|(group, tally)| Row {
            label: group.label(),
            conditions: self.field.and_then(|field| group.conditions(field)),
            counts: tally.as_ref(),
            is_rest: false,
        });
        let mut rows: Vec<Row<'r>> = named.collect();
        let mut drawn = rows.len().min(BARS);
        if let Some(nameless) = &ranked.nameless {
            let larger =
                (ranked.shown.iter()).take_while(|(_, tally)| tally.size() >= nameless.size());
            let at = larger.count().min(drawn);
            let row = Row {
                label: self.none.to_owned(),
                conditions: self.field.map(|field| vec![field.test(Test::Empty)]),
                counts: nameless.as_ref(),
                is_rest: false,
            };
            rows.insert(at, row);
            drawn += 1;
        }
        rows.extend(ranked.others.as_ref().map(|(number, others)| Row {
            label: format!("{} others", count(*number)),
            conditions: None,
            counts: others.as_ref(),
            is_rest: true,
        }));
        (rows, drawn)
    }

    fn row(&self, row: &Row<'_>, place: usize, total: usize) -> Vec<Cell> {
        let mut cells = vec![Cell::text(&row.label)];
        for (index, column) in self.columns.iter().enumerate() {
            let counted = column.counted(row.counts);
            let at = |row, column| At { row, column };
            cells.push(match column {
                Column::Took => Column::median(row.counts),
                Column::Share => {
                    // The number of tickets stands in the column before.
                    let ratio = Trace::Ratio(at(place, index), at(total, index));
                    let whole = self.totals.all(self.of);
                    Cell::share(counted, whole).traced(self.field.map(|_| ratio))
                }
                _ if row.is_rest && self.field.is_some() => {
                    Cell::count(counted).traced(Trace::Rest {
                        whole: at(total, index + 1),
                        rows: 0..place,
                    })
                }
                _ => {
                    let own = row.conditions.clone();
                    let more = column.conditions(&self.totals.basis);
                    let all = own.zip(more).map(|(own, more)| own.into_iter().chain(more));
                    let trace = all.and_then(|all| self.totals.count(self.of, all));
                    Cell::count(counted).traced(trace)
                }
            });
        }
        cells
    }

    fn total(&self, all: &Counts) -> Vec<Cell> {
        let mut cells = vec![Cell::text("Total")];
        cells.extend(self.columns.iter().map(|column| match column {
            Column::Took => Column::median(all),
            Column::Share => Cell::EMPTY,
            _ => {
                let conditions = column.conditions(&self.totals.basis);
                let trace = conditions.and_then(|all| self.totals.count(self.of, all));
                Cell::count(column.counted(all)).traced(trace)
            }
        }));
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::super::made;
    use super::*;

    /// Groups of so many tickets each, `none` of them in no group.
    fn drawn(groups: &[u64], none: u64) -> (Vec<String>, usize) {
        let counts = |tickets| Counts {
            tickets,
            ..Counts::default()
        };
        let named = groups.iter().enumerate();
        let ranked = Ranked::<Counts> {
            shown: named
                .map(|(at, tickets)| (format!("g{at}"), counts(*tickets)))
                .collect(),
            nameless: Some(counts(none)),
            others: None,
        };
        let totals = Totals::new(made::basis(None));
        let groupwise = Groupwise {
            title: "By team",
            heading: "Team",
            none: "no team",
            field: Some(Field::Team),
            of: Of::Listed,
            columns: vec![Column::Tickets],
            totals: &totals,
        };
        let table = groupwise.table(&ranked, &counts(100), "Tickets by team");
        let labels = table.rows.iter().map(|row| row[0].value.shown());
        (labels.collect(), table.charts[0].rows.end)
    }

    #[test]
    fn the_tickets_of_no_team_are_in_the_chart() {
        let (labels, drawn_rows) = drawn(&[9, 5, 2], 5);
        assert_eq!(labels, ["g0", "g1", "no team", "g2", "Total"]);
        assert_eq!(drawn_rows, 4);
        // Few of them stand behind the groups that are drawn, not behind all.
        let (labels, drawn_rows) = drawn(&[9; 20], 1);
        assert_eq!((labels[15].as_str(), drawn_rows), ("no team", 16));
    }
}
