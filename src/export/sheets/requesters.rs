//! Who asks most.

use jiff::civil::{Date, DateTime};

use super::basis::{Basis, Totals};
use super::facts::Facts;
use super::groups::{Groups, Tally};
use super::ranking::LATELY;
use super::value::{Cell, Condition, Field, Shape, Table, Test, Value};
use super::{SheetTally, Told};
use crate::report::words::count;

/// So many people have a row of their own.
const MOST: usize = 25;
/// So many of them have a bar.
const BARS: usize = 15;

/// Tickets by requester, told apart by their addresses where these are known, else by name.
#[derive(Debug)]
pub(super) struct Requesters {
    since: Date,
    people: Groups<Person>,
}

#[derive(Debug, Default)]
struct Person {
    name: String,
    has_address: bool,
    tickets: u64,
    open: u64,
    lately: u64,
    last: Option<DateTime>,
}

impl Tally for Person {
    fn merge(&mut self, other: Self) {
        if self.name.is_empty() {
            self.name = other.name;
        }
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
            people: Groups::default(),
        }
    }
}

impl SheetTally for Requesters {
    fn add(&mut self, facts: &Facts<'_>) {
        let requester = facts.ticket.requester.as_ref();
        let address = requester.and_then(|who| who.email.as_deref());
        let key = address.unwrap_or_else(|| Facts::label(requester));
        let person = self.people.of(key);
        if person.name.is_empty() {
            person.has_address = address.is_some();
            let name = requester.and_then(|who| who.name.as_deref());
            person.name = name.unwrap_or(key).to_owned();
        }
        person.tickets += 1;
        person.open += u64::from(facts.is_open);
        person.lately += u64::from(facts.created_since(self.since));
        person.last = person.last.max(facts.created);
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let mut notes: Vec<String> = totals
            .hidden("requester", "The requester")
            .into_iter()
            .collect();
        let lately = format!("Created, {LATELY} days");
        let headings = [
            "Requester",
            "E-mail",
            "Tickets",
            "Share",
            "Open",
            &lately,
            "Last ticket",
        ];
        let mut table = Table::new("Who asks most", headings);
        let ranked = self.people.ranked(MOST);
        let named = ranked.shown.len();
        for (key, person) in &ranked.shown {
            let field = match person.has_address {
                true => Field::RequesterEmail,
                false => Field::Requester,
            };
            let is_it = field.test(Test::Is(key.clone()));
            let address = match person.has_address {
                true => Cell::text(key),
                false => Cell::EMPTY,
            };
            let cells = row(
                Cell::text(&person.name),
                address,
                person,
                Some(is_it),
                (totals, self.since),
            );
            table.rows.push(cells);
        }
        let rest = [
            ranked
                .others
                .map(|(number, people)| (format!("{} others", count(number)), people)),
            ranked.nameless.map(|people| ("nobody".to_owned(), people)),
        ];
        for (name, people) in rest.into_iter().flatten() {
            let cells = row(
                Cell::text(name),
                Cell::EMPTY,
                &people,
                None,
                (totals, self.since),
            );
            table.rows.push(cells);
        }
        let mut tables = Vec::new();
        if named > 0 {
            table.draw(Shape::Bar, "Tickets by requester", "Tickets", [2]);
            if let Some(chart) = table.charts.last_mut() {
                chart.rows = 0..named.min(BARS);
            }
            tables.push(table);
        } else if totals.counted > 0 && notes.is_empty() {
            notes.push("No ticket tells who asked.".to_owned());
        }
        Told {
            title: "Frequent requesters".to_owned(),
            notes,
            tables,
        }
    }
}

fn row(
    name: Cell,
    address: Cell,
    person: &Person,
    is_it: Option<Condition>,
    (totals, since): (&Totals, Date),
) -> Vec<Cell> {
    let trace = |more: Option<Condition>| {
        let own = is_it.clone()?;
        totals.count([own].into_iter().chain(more))
    };
    let lately = Field::Created.test(Test::From(since));
    vec![
        name,
        address,
        Cell::count(person.tickets).traced(trace(None)),
        Cell::share(person.tickets, totals.counted),
        Cell::count(person.open).traced(trace(Some(Field::Standing.is("open")))),
        Cell::count(person.lately).traced(trace(Some(lately))),
        person
            .last
            .map_or(Value::Empty, |at| Value::Day(at.date()))
            .into(),
    ]
}
