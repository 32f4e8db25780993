//! Monthly volume: created against closed, and what stayed open.

use super::basis::Totals;
use super::facts::Facts;
use super::months::{Months, Part};
use super::value::{At, Cell, Field, Shape, Table, Trace, Value};
use super::{SheetTally, Told};
use crate::report::words::plural;

/// Counts of months.
#[derive(Debug, Default)]
pub(super) struct Volume {
    months: Months<Month>,
    /// Without a time of their making.
    undated: u64,
    /// Closed, nobody knows when.
    closed_some_time: u64,
    closed: u64,
}

#[derive(Debug, Default)]
struct Month {
    created: u64,
    closed: u64,
}

impl SheetTally for Volume {
    fn add(&mut self, facts: &Facts<'_>) {
        match facts.created {
            Some(at) => self.months.of(at).created += 1,
            None => self.undated += 1,
        }
        match facts.closed {
            Some(at) => {
                self.months.of(at).closed += 1;
                self.closed += 1;
            }
            None => self.closed_some_time += u64::from(!facts.is_open),
        }
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let mut notes = Vec::new();
        if self.undated > 0 {
            let tickets = plural(self.undated, "ticket", "tickets");
            notes.push(format!(
                "{tickets} without a time of creation are left out."
            ));
        }
        if self.closed_some_time > 0 {
            let tickets = plural(self.closed_some_time, "ticket", "tickets");
            let why = totals.because("closed");
            notes.push(format!(
                "The time of closing of {tickets} is not known{why}."
            ));
        }
        // What stays open can be told only where every closing can.
        let shows_closed = self.closed > 0;
        let shows_open = self.closed_some_time == 0 && self.undated == 0;
        let parts = self.months.parts(|one, other| {
            one.created += other.created;
            one.closed += other.closed;
        });
        let mut tables = Vec::new();
        if !parts.is_empty() {
            tables.push(table(&parts, shows_closed, shows_open, totals));
        }
        Told {
            title: "Monthly volume: created against closed".to_owned(),
            notes,
            tables,
        }
    }
}

fn table(parts: &[(Part, Month)], shows_closed: bool, shows_open: bool, totals: &Totals) -> Table {
    let mut table = Table::new("By month", ["Month", "Created"]);
    if shows_closed {
        table
            .headings
            .extend(["Closed", "Created less closed"].map(str::to_owned));
    }
    if shows_open {
        table.headings.push("Open at the end".to_owned());
    }
    let mut open = 0;
    let mut all = Month::default();
    for (row, (part, month)) in parts.iter().enumerate() {
        let at = |column| At { row, column };
        let created = totals.count(part.conditions(Field::Created));
        let mut cells = vec![part.cell(), Cell::count(month.created).traced(created)];
        let more = month.created as i64 - month.closed as i64;
        if shows_closed {
            let is_closed = [Field::Standing.is("closed")];
            let closed = is_closed.into_iter().chain(part.conditions(Field::Closed));
            cells.push(Cell::count(month.closed).traced(totals.count(closed)));
            let less = Trace::Less(at(1), at(2));
            cells.push(Cell::from(Value::Count(more)).traced(less));
        }
        if shows_open {
            open += more;
            let sum = shows_closed.then_some(Trace::Sum {
                column: 3,
                rows: 0..row + 1,
            });
            cells.push(Cell::from(Value::Count(open)).traced(sum));
        }
        all.created += month.created;
        all.closed += month.closed;
        table.rows.push(cells);
    }
    table
        .rows
        .push(total(&all, parts.len(), shows_closed, shows_open));
    table.has_total = true;
    let counted: Vec<usize> = if shows_closed { vec![1, 2] } else { vec![1] };
    let title = match shows_closed {
        true => "Tickets created and closed by month",
        false => "Tickets created by month",
    };
    // A line of one point is none.
    let shape = if parts.len() > 2 {
        Shape::Line
    } else {
        Shape::Column
    };
    table.draw(shape, title, "Tickets", counted);
    if shows_open {
        let column = table.headings.len() - 1;
        table.draw(
            Shape::Column,
            "Open at the end of the month",
            "Tickets",
            [column],
        );
    }
    table
}

fn total(all: &Month, months: usize, shows_closed: bool, shows_open: bool) -> Vec<Cell> {
    let sum = |column| Trace::Sum {
        column,
        rows: 0..months,
    };
    let mut total = vec![Cell::text("Total"), Cell::count(all.created).traced(sum(1))];
    if shows_closed {
        let more = all.created as i64 - all.closed as i64;
        total.push(Cell::count(all.closed).traced(sum(2)));
        total.push(Cell::from(Value::Count(more)).traced(sum(3)));
    }
    if shows_open {
        total.push(Cell::EMPTY);
    }
    total
}
