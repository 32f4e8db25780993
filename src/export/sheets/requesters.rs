//! Who asks most.

use jiff::civil::{Date, DateTime};

use super::basis::{Basis, Of, Totals};
use super::chart::Shape;
use super::facts::Facts;
use super::groups::Tally;
use super::groupwise::LATELY;
use super::people::People;
use super::value::{Cell, Condition, Field, Table, Value};
use super::{SheetTally, Told};
use crate::report::words::count;

/// So many people have a row of their own.
const MOST: usize = 25;
/// So many of them have a bar.
const BARS: usize = 15;

/// Tickets by requester.
#[derive(Debug)]
pub(super) struct Requesters {
    since: Date,
    people: People<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    tickets: u64,
    open: u64,
    lately: u64,
    last: Option<DateTime>,
}

impl Tally for Asked {
    fn merge(&mut self, other: Self) {
        self.tickets += other.tickets;
        self.open += other.open;
        self.lately += other.lately;
        self.last = self.last.max(other.last);
    }

    fn size(&self) -> u64 {
        self.tickets
    }
}

impl Requesters {
    pub(super) fn new(basis: &Basis) -> Self {
        Self {
            since: basis.first_of(LATELY),
            people: People::new(Field::Requester, Field::RequesterEmail),
        }
    }
}

impl SheetTally for Requesters {
    fn add(&mut self, facts: &Facts<'_>) {
        if !facts.is_listed {
            return;
        }
        let asked = self.people.of(facts.ticket.requester.as_ref());
        asked.tickets += 1;
        asked.open += u64::from(facts.is_open);
        asked.lately += u64::from(facts.created_since(self.since));
        asked.last = asked.last.max(facts.created);
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let mut notes: Vec<String> = totals
            .hidden(Of::Listed, "requester", "The requester")
            .into_iter()
            .collect();
        let headings = ["Requester", "E-mail", "Tickets", "Share", "Open"];
        let mut table = Table::new("Who asks most", headings).of(totals.population(Of::Listed));
        let rows = Rows {
            totals,
            since: self.since,
        };
        if rows.shows_lately() {
            table.headings.push(format!("Created, {LATELY} days"));
        }
        table.headings.push("Last ticket".to_owned());
        let ranked = self.people.ranked(MOST);
        let named = ranked.shown.len();
        // Those of nobody stand behind the last of the others.
        let drawn = match ranked.nameless.is_some() && named <= BARS {
            true => named + 1,
            false => named.min(BARS),
        };
        for (person, asked) in &ranked.shown {
            let name = Cell::text(person.name_beside_address());
            let address = Cell::filled(person.address.clone());
            let row = rows.row(name, address, asked, person.conditions.as_deref());
            table.rows.push(row);
        }
        let nobody = ranked.nameless.map(|asked| ("nobody".to_owned(), asked));
        let others = ranked.others;
        let others = others.map(|(number, asked)| (format!("{} others", count(number)), asked));
        for (name, asked) in nobody.into_iter().chain(others) {
            let row = rows.row(Cell::text(name), Cell::EMPTY, &asked, None);
            table.rows.push(row);
        }
        let mut tables = Vec::new();
        if named > 0 {
            table.draw(Shape::Bar, "Tickets by requester", "Tickets", [2]);
            if let Some(chart) = table.charts.last_mut() {
                chart.rows = 0..drawn;
            }
            tables.push(table);
        } else if totals.listed > 0 && notes.is_empty() {
            notes.push("No ticket tells who asked.".to_owned());
        }
        Told {
            title: "Frequent requesters".to_owned(),
            notes,
            tables,
        }
    }
}

/// Builds the rows of people.
struct Rows<'t> {
    totals: &'t Totals,
    since: Date,
}

impl Rows<'_> {
    /// The last days have nothing to do with a period.
    fn shows_lately(&self) -> bool {
        self.totals.basis.period.is_none()
    }

    fn row(
        &self,
        name: Cell,
        address: Cell,
        asked: &Asked,
        own: Option<&[Condition]>,
    ) -> Vec<Cell> {
        let trace = |more: &[Condition]| {
            let own = own?.iter().chain(more).cloned();
            self.totals.count(Of::Listed, own)
        };
        let mut row = vec![
            name,
            address,
            Cell::count(asked.tickets).traced(trace(&[])),
            Cell::share(asked.tickets, self.totals.listed),
            Cell::count(asked.open).traced(trace(&[Field::Standing.is("open")])),
        ];
        if self.shows_lately() {
            let lately = self.totals.basis.since(Field::Created, self.since);
            row.push(Cell::count(asked.lately).traced(trace(&lately)));
        }
        let last = asked.last.map_or(Value::Empty, |at| Value::Day(at.date()));
        row.push(last.into());
        row
    }
}
