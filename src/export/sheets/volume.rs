//! Monthly volume: created against closed, and what stayed open.

use super::basis::{Basis, By, Of, Totals};
use super::chart::Shape;
use super::facts::Facts;
use super::months::{Months, Part};
use super::value::{At, Cell, Field, Table, Trace, Value};
use super::{SheetTally, Told};
use crate::report::words::plural;

/// Counts of months.
#[derive(Debug)]
pub(super) struct Volume {
    months: Months<Month>,
    shows: Shows,
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
    /// Those that are open no more: who was closed before being made never was.
    left: u64,
}

/// What can be told of a month.
#[derive(Debug, Clone, Copy)]
struct Shows {
    created: bool,
    closed: bool,
    open: bool,
}

impl Volume {
    pub(super) fn new(basis: &Basis) -> Self {
        // Of a month of which only some tickets were read only that can be told by which they were chosen.
        let chosen_by = |by| {
            let period = basis.period.as_ref();
            basis.knows_desk() || period.is_some_and(|period| period.by == by)
        };
        Self {
            months: Months::default(),
            shows: Shows {
                created: chosen_by(By::Created),
                closed: chosen_by(By::Closed),
                open: basis.knows_past(),
            },
            undated: 0,
            closed_some_time: 0,
            closed: 0,
        }
    }
}

impl SheetTally for Volume {
    fn add(&mut self, facts: &Facts<'_>) {
        match facts.created {
            Some(at) if self.shows.created => self.months.of(at).created += 1,
            Some(_) => {}
            None => self.undated += 1,
        }
        match facts.closed {
            Some(at) if self.shows.closed => {
                self.months.of(at).closed += 1;
                self.months
                    .of(facts.created.map_or(at, |made| made.max(at)))
                    .left += 1;
                self.closed += 1;
            }
            Some(_) => {}
            None => self.closed_some_time += u64::from(!facts.is_open),
        }
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let mut notes = Vec::new();
        let left_out = match (self.shows.created, self.shows.closed) {
            (true, false) => "Closed tickets and what was open at the end of a month are",
            (false, true) => "Created tickets and what was open at the end of a month are",
            _ => "Created and closed tickets by month are",
        };
        notes.extend(totals.basis.only_period(left_out));
        if totals.basis.knows_desk() && totals.basis.by_state {
            notes.push(
                "What was open at the end of a month is left out: the filters choose by state."
                    .to_owned(),
            );
        }
        if self.undated > 0 {
            let tickets = plural(self.undated, "ticket", "tickets");
            notes.push(format!(
                "{tickets} without a time of creation are left out."
            ));
        }
        if self.closed_some_time > 0 && totals.basis.knows_desk() {
            let tickets = plural(self.closed_some_time, "ticket", "tickets");
            let why = totals.because("closed");
            notes.push(format!(
                "The time of closing of {tickets} is not known{why}."
            ));
        }
        // What stays open can be told only where every closing can.
        let shows = Shows {
            created: self.shows.created,
            closed: self.closed > 0,
            open: self.shows.open && self.closed_some_time == 0 && self.undated == 0,
        };
        let parts = self.months.parts(totals.basis.today(), |one, other| {
            one.created += other.created;
            one.closed += other.closed;
            one.left += other.left;
        });
        let mut tables = Vec::new();
        if !parts.is_empty() {
            tables.push(table(&parts, shows, totals));
        }
        Told {
            title: "Monthly volume: created against closed".to_owned(),
            notes,
            tables,
        }
    }
}

fn table(parts: &[(Part, Month)], shows: Shows, totals: &Totals) -> Table {
    let of = match totals.basis.knows_desk() {
        true => Of::Desk,
        false => Of::Listed,
    };
    let both = shows.created && shows.closed;
    let columns = [
        (shows.created, "Created"),
        (shows.closed, "Closed"),
        (both, "Created less closed"),
        (shows.open, "Open at the end"),
    ];
    let mut table = Table::new("By month", ["Month"]).of(totals.population(of));
    let shown = columns.iter().filter(|(is_shown, _)| *is_shown);
    (table.headings).extend(shown.map(|(_, heading)| (*heading).to_owned()));
    let mut open = 0;
    let is_sum = both && parts.iter().all(|(_, month)| month.closed == month.left);
    let mut all = Month::default();
    for (row, (part, month)) in parts.iter().enumerate() {
        let at = |column| At { row, column };
        let mut cells = vec![part.cell()];
        if shows.created {
            let created = totals.count(of, part.conditions(Field::Created));
            cells.push(Cell::count(month.created).traced(created));
        }
        let more = month.created as i64 - month.closed as i64;
        if shows.closed {
            let is_closed = [Field::Standing.is("closed")];
            let closed = is_closed.into_iter().chain(part.conditions(Field::Closed));
            cells.push(Cell::count(month.closed).traced(totals.count(of, closed)));
        }
        if both {
            let less = Trace::Less(at(1), at(2));
            cells.push(Cell::from(Value::Count(more)).traced(less));
        }
        if shows.open {
            open += month.created as i64 - month.left as i64;
            let sum = is_sum.then_some(Trace::Sum {
                column: 3,
                rows: 0..row + 1,
            });
            cells.push(Cell::from(Value::Count(open)).traced(sum));
        }
        all.created += month.created;
        all.closed += month.closed;
        table.rows.push(cells);
    }
    table.rows.push(total(&all, parts.len(), shows));
    table.has_total = true;
    let (title, counted) = match (shows.created, shows.closed) {
        (true, true) => ("Tickets created and closed by month", vec![1, 2]),
        (true, false) => ("Tickets created by month", vec![1]),
        (false, _) => ("Tickets closed by month", vec![1]),
    };
    // A line of one point is none.
    let shape = if parts.len() > 2 {
        Shape::Line
    } else {
        Shape::Column
    };
    table.draw(shape, title, "Tickets", counted);
    if shows.open {
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

fn total(all: &Month, months: usize, shows: Shows) -> Vec<Cell> {
    let sum = |column| Trace::Sum {
        column,
        rows: 0..months,
    };
    let mut total = vec![Cell::text("Total")];
    if shows.created {
        total.push(Cell::count(all.created).traced(sum(total.len())));
    }
    if shows.closed {
        total.push(Cell::count(all.closed).traced(sum(total.len())));
    }
    if shows.created && shows.closed {
        let more = all.created as i64 - all.closed as i64;
        total.push(Cell::from(Value::Count(more)).traced(sum(3)));
    }
    if shows.open {
        total.push(Cell::EMPTY);
    }
    total
}
