//! The backlog: open tickets by their age in days of the calendar.

use jiff::ToSpan;
use jiff::civil::Date;

use super::basis::{Basis, Of, Totals};
use super::chart::{Shape, Tone};
use super::facts::Facts;
use super::groups::Groups;
use super::listing::{self, Listed};
use super::severity::Severity;
use super::top::Top;
use super::value::{At, Cell, Field, Table, Test, Trace};
use super::{SheetTally, Told};
use crate::report::words::plural;

/// The ages, by the day after their last.
const AGES: [(&str, i32); 9] = [
    ("today", 1),
    ("1 to 2 days", 3),
    ("3 to 6 days", 7),
    ("1 to 2 weeks", 14),
    ("2 to 4 weeks", 30),
    ("1 to 3 months", 90),
    ("3 to 6 months", 180),
    ("6 to 12 months", 365),
    ("a year or more", i32::MAX),
];

const TITLE: &str = "Backlog: open tickets by age";

/// So many priorities have a column of their own.
const PRIORITIES: usize = 5;

/// Open tickets by age and priority.
#[derive(Debug)]
pub(super) struct Backlog {
    today: Date,
    by_priority: Groups<[u64; AGES.len()]>,
    oldest: Top<(Listed, i64)>,
    undated: u64,
    /// Open, but dated after today: they count as made today.
    future: u64,
}

impl super::groups::Tally for [u64; AGES.len()] {
    fn merge(&mut self, other: Self) {
        for (one, other) in self.iter_mut().zip(other) {
            *one += other;
        }
    }

    fn size(&self) -> u64 {
        self.iter().sum()
    }
}

impl Backlog {
    pub(super) fn new(basis: &Basis) -> Self {
        Self {
            today: basis.today(),
            by_priority: Groups::default(),
            oldest: Top::new(listing::MOST),
            undated: 0,
            future: 0,
        }
    }
}

impl SheetTally for Backlog {
    fn add(&mut self, facts: &Facts<'_>) {
        if !facts.is_open {
            return;
        }
        let Some(created) = facts.created else {
            self.undated += 1;
            return;
        };
        let days = days_between(created.date(), self.today);
        self.future += u64::from(days < 0);
        let age = AGES.iter().position(|(_, end)| days < i64::from(*end));
        let priority = Facts::label(facts.ticket.priority.as_ref());
        self.by_priority.of(priority)[age.unwrap_or(AGES.len() - 1)] += 1;
        let waited = facts.ticket.created.map_or(0, |at| -at.as_second());
        self.oldest.offer(waited, || (Listed::of(facts), days));
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let mut notes = Vec::new();
        if let Some(note) = totals.basis.only_period("The backlog and its age are") {
            return Told {
                title: TITLE.to_owned(),
                notes: vec![note],
                tables: Vec::new(),
            };
        }
        if self.future > 0 {
            let tickets = plural(self.future, "open ticket is", "open tickets are");
            notes.push(format!(
                "{tickets} dated in the future and counted as made today."
            ));
        }
        if self.undated > 0 {
            let tickets = plural(self.undated, "open ticket", "open tickets");
            notes.push(format!(
                "{tickets} without a time of creation are left out."
            ));
        }
        let mut tables = Vec::new();
        let all = self.oldest.all();
        if all > 0 {
            tables.push(by_age(self.by_priority, self.today, totals));
            let oldest = self.oldest.into_sorted().into_iter();
            let oldest = oldest.map(|(ticket, days)| (ticket, [Cell::count(days.max(0) as u64)]));
            let title = format!(
                "The oldest open tickets: {} of {all}",
                all.min(listing::MOST as u64)
            );
            let oldest = Listed::table(&title, ["Age in days"], oldest);
            tables.push(oldest.of(totals.population(Of::Desk)));
        } else if self.undated == 0 {
            notes.push("No ticket is open.".to_owned());
        }
        Told {
            title: TITLE.to_owned(),
            notes,
            tables,
        }
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

fn by_age(groups: Groups<[u64; AGES.len()]>, today: Date, totals: &Totals) -> Table {
    let mut ranked = groups.ranked(PRIORITIES);
    ranked.shown.sort_by_key(|(name, _)| Severity::of(name));
    let mut columns: Vec<(String, Option<Test>, [u64; AGES.len()])> = Vec::new();
    for (name, ages) in ranked.shown {
        columns.push((name.clone(), Some(Test::Is(name)), ages));
    }
    if let Some((_, ages)) = ranked.others {
        columns.push(("other priorities".to_owned(), None, ages));
    }
    if let Some(ages) = ranked.nameless {
        columns.push(("no priority".to_owned(), Some(Test::Empty), ages));
    }
    let mut table =
        Table::new("Open tickets by age", ["Age", "Open"]).of(totals.population(Of::Desk));
    table.headings.push("Share".to_owned());
    // A single priority says the same as all.
    let split = columns.len() > 1;
    if split {
        table
            .headings
            .extend(columns.iter().map(|(name, ..)| name.clone()));
    }
    let whole: u64 = columns.iter().flat_map(|(_, _, ages)| ages).sum();
    let total_row = AGES.len();
    let mut begin = 0;
    for (row, (label, end)) in AGES.iter().enumerate() {
        let mut span = vec![Field::Standing.is("open")];
        let day = |age: i32| today.saturating_sub((age - 1).days());
        if begin > 0 {
            span.push(Field::Created.test(Test::Before(day(begin))));
        }
        if *end < i32::MAX {
            span.push(Field::Created.test(Test::From(day(*end))));
        }
        begin = *end;
        let counted: u64 = columns.iter().map(|(_, _, ages)| ages[row]).sum();
        let at = |row| At { row, column: 1 };
        let mut cells = vec![
            Cell::text(*label),
            Cell::count(counted).traced(totals.count(Of::Desk, span.clone())),
            Cell::share(counted, whole).traced(Trace::Ratio(at(row), at(total_row))),
        ];
        if split {
            for (_, test, ages) in &columns {
                let test = test.clone().map(|test| Field::Priority.test(test));
                let conditions = test.map(|test| span.iter().cloned().chain([test]));
                let trace = conditions.and_then(|all| totals.count(Of::Desk, all));
                cells.push(Cell::count(ages[row]).traced(trace));
            }
        }
        table.rows.push(cells);
    }
    let sum = |column| Trace::Sum {
        column,
        rows: 0..total_row,
    };
    let mut total = vec![
        Cell::text("Total"),
        Cell::count(whole).traced(sum(1)),
        Cell::EMPTY,
    ];
    if split {
        for (index, (_, _, ages)) in columns.iter().enumerate() {
            total.push(Cell::count(ages.iter().sum()).traced(sum(index + 3)));
        }
    }
    table.rows.push(total);
    table.has_total = true;
    match split {
        true => {
            let series: Vec<usize> = (3..table.headings.len()).collect();
            table.draw(
                Shape::StackedColumn,
                "Open tickets by age and priority",
                "Tickets",
                series,
            );
            let tones = columns.iter().map(|(name, test, _)| match test {
                Some(Test::Is(_)) => Tone::Of(Severity::of(name)),
                _ => Tone::Of(Severity::Unset),
            });
            table.in_tones(tones);
        }
        false => table.draw(Shape::Column, "Open tickets by age", "Tickets", [1]),
    }
    table
}
