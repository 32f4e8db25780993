//! What an analysis is about, and what is true of all its sheets.

use std::borrow::Cow;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::value::{Condition, Field, Test, Trace};
use crate::report::words::{count, plural};
use crate::systems::common::CommonTicket;

/// What is counted, and when.
#[derive(Debug, Clone)]
pub struct Basis {
    /// Whose days, weeks and months count.
    pub zone: TimeZone,
    /// When the tickets were read: what *open*, *overdue* and *the last 30 days* are measured by.
    pub now: Timestamp,
    /// Where the tickets are from, in words.
    pub source: String,
    /// What narrows them down, in words; `None`: all of them.
    pub filter: Option<String>,
    /// What the tickets sheet holds of them.
    pub rows: Rows,
}

/// What the tickets sheet holds of the tickets that are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// Exactly these.
    Same,
    /// Others, or only a part; in words, as `created 10 to 16 Jun 2024`.
    Other(String),
}

impl Basis {
    /// The day on which the tickets were read.
    pub(super) fn today(&self) -> Date {
        self.zone.to_datetime(self.now).date()
    }

    /// The first of so many days, of which today is the last.
    pub(super) fn first_of(&self, days: i32) -> Date {
        self.today().saturating_sub((days - 1).days())
    }
}

/// What is known of all tickets once they are counted.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) basis: Basis,
    /// How many are counted.
    pub(super) counted: u64,
    /// How many were deleted, and are not.
    pub(super) deleted: u64,
    hidden: Vec<Hidden>,
}

/// A field that some tickets do not show.
#[derive(Debug)]
struct Hidden {
    field: Cow<'static, str>,
    tickets: u64,
    /// The first reason that was met.
    why: String,
}

impl Totals {
    pub(super) fn new(basis: Basis) -> Self {
        Self {
            basis,
            counted: 0,
            deleted: 0,
            hidden: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, ticket: &CommonTicket) {
        self.counted += 1;
        for not_shown in &ticket.not_shown {
            let known = self
                .hidden
                .iter_mut()
                .find(|one| one.field == not_shown.field);
            match known {
                Some(hidden) => hidden.tickets += 1,
                None => self.hidden.push(Hidden {
                    field: not_shown.field.clone(),
                    tickets: 1,
                    why: not_shown.why.clone(),
                }),
            }
        }
    }

    /// Why tickets do not show a field, in front of it a colon; nothing where all show it.
    pub(super) fn because(&self, field: &str) -> String {
        let hidden = self.hidden.iter().find(|one| one.field == field);
        hidden.map_or_else(String::new, |hidden| format!(": {}", hidden.why))
    }

    /// How many tickets do not show a field, and why.
    pub(super) fn hidden(&self, field: &str, what: &str) -> Option<String> {
        let hidden = self.hidden.iter().find(|one| one.field == field)?;
        let who = match hidden.tickets {
            all if all == self.counted => "any ticket".to_owned(),
            some => plural(some, "ticket", "tickets"),
        };
        Some(format!(
            "{what} is not known of {who}{}.",
            self.because(field)
        ))
    }

    /// How a number of tickets can be counted on the tickets sheet, if it holds them.
    pub(super) fn count(&self, conditions: impl IntoIterator<Item = Condition>) -> Option<Trace> {
        if self.basis.rows != Rows::Same {
            return None;
        }
        let mut conditions: Vec<Condition> = conditions.into_iter().collect();
        let is_told = conditions.iter().any(|one| one.field == Field::Standing);
        if self.deleted > 0 && !is_told {
            let lives = Test::IsNot("deleted".to_owned());
            conditions.push(Field::Standing.test(lives));
        }
        if conditions.is_empty() {
            conditions.push(Field::Id.test(Test::Filled));
        }
        Some(Trace::Count(conditions))
    }

    /// The line that says what is counted.
    pub(super) fn line(&self) -> String {
        let basis = &self.basis;
        let read = basis.zone.to_datetime(basis.now);
        let zone = basis.zone.iana_name().unwrap_or("UTC");
        let which = match &basis.filter {
            None => "all tickets".to_owned(),
            Some(filter) => format!("the tickets with {filter}"),
        };
        let mut line = format!(
            "Counts {}: {which} of {} as read on {} ({zone}).",
            plural(self.counted, "ticket", "tickets"),
            basis.source,
            read.strftime("%a %-d %b %Y, %H:%M"),
        );
        if self.deleted > 0 {
            let are = if self.deleted == 1 { "is" } else { "are" };
            line.push_str(&format!(" {} deleted {are} left out.", count(self.deleted)));
        }
        if let Rows::Other(rows) = &basis.rows {
            line.push_str(&format!(
                " The list of tickets holds only those {rows}, so these numbers are more than can be counted there."
            ));
        }
        line
    }
}
