//! What an analysis is about, and what is true of all its sheets.

use std::borrow::Cow;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::report::{Figures, Frame};
use super::value::{Condition, Field, Test, Trace};
use crate::report::words::{count, plural};
use crate::systems::common::CommonTicket;
use crate::systems::query::Span;

/// What is counted, and when.
#[derive(Debug, Clone)]
pub struct Basis {
    /// Whose days, weeks and months count.
    pub zone: TimeZone,
    /// When the tickets were read: what *open*, *overdue* and *the last 30 days* are measured by.
    pub now: Timestamp,
    /// Where the tickets are from, in words.
    pub source: String,
    /// What narrows them down but for a period, in words; `None`: all of them.
    pub filter: Option<String>,
    /// Whether the filters choose by state, so that open or closed tickets are missing.
    pub by_state: bool,
    /// The period whose tickets are listed; `None`: all of them.
    pub period: Option<Period>,
    /// Whether the tickets outside of the period were read too.
    pub is_whole: bool,
    /// The periods of a report, where one is asked for.
    pub frame: Option<Frame>,
    /// The figures of earlier reports.
    pub kept: Vec<Figures>,
}

/// The period whose tickets are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// By which time a ticket is in it.
    pub by: By,
    /// Its ends.
    pub span: Span,
}

/// A time of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// When it was created.
    Created,
    /// When it was changed last.
    Updated,
    /// When it was closed.
    Closed,
}

impl By {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Closed => "closed",
        }
    }
}

/// Which tickets a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Those that the file lists: the period's.
    Listed,
    /// Those of the whole desk.
    Desk,
}

impl Period {
    /// Whether a ticket is in it.
    pub fn holds(&self, ticket: &CommonTicket) -> bool {
        self.span.holds(match self.by {
            By::Created => ticket.created,
            By::Updated => ticket.updated,
            By::Closed => ticket.still_closed(),
        })
    }

    /// It in words, as `created 10 to 16 Jun 2024`.
    pub fn words(&self, zone: &TimeZone) -> String {
        format!("{} {}", self.by.as_str(), days(self.span, zone))
    }
}

/// A span in words: `10 to 16 Jun 2024`, `28 Jan to 3 Feb 2024`, `since 10 Jun 2024`.
pub(crate) fn days(span: Span, zone: &TimeZone) -> String {
    let day = |at: Timestamp| zone.to_datetime(at).date();
    let first = span.from.map(day);
    // A span ends where the day after its last begins.
    let last = span.until.and_then(|at| day(at).yesterday().ok());
    let shown = |day: Date, form: &str| day.strftime(form).to_string();
    match (first, last) {
        (None, None) => "at any time".to_owned(),
        (Some(first), None) => format!("since {}", shown(first, "%-d %b %Y")),
        (None, Some(last)) => format!("until {}", shown(last, "%-d %b %Y")),
        (Some(first), Some(last)) => {
            let end = shown(last, "%-d %b %Y");
            match (first.year() == last.year(), first.month() == last.month()) {
                _ if first == last => end,
                (true, true) => format!("{} to {end}", first.day()),
                (true, false) => format!("{} to {end}", shown(first, "%-d %b")),
                (false, _) => format!("{} to {end}", shown(first, "%-d %b %Y")),
            }
        }
    }
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

    /// The conditions of a time in the days from this one up to today: what is dated in the future is in none of them.
    pub(super) fn since(&self, field: Field, first: Date) -> [Condition; 2] {
        let tomorrow = self.today().saturating_add(1.day());
        [
            field.test(Test::From(first)),
            field.test(Test::Before(tomorrow)),
        ]
    }

    /// Whether the whole desk was read.
    pub(super) fn knows_desk(&self) -> bool {
        self.period.is_none() || self.is_whole
    }

    /// Whether what was open at a past time can be known at all.
    pub(super) fn knows_past(&self) -> bool {
        self.knows_desk() && !self.by_state
    }

    /// Why figures of the whole desk are missing, and how to get them; `what` begins a sentence.
    pub(super) fn only_period(&self, what: &str) -> Option<String> {
        let period = self.period.as_ref().filter(|_| !self.knows_desk())?;
        Some(format!(
            "{what} left out: only the tickets {} were read. Add --incremental to count the whole desk.",
            period.words(&self.zone)
        ))
    }
}

/// What is known of all tickets once they are counted.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) basis: Basis,
    /// How many tickets the desk has, as far as they fulfil the filters.
    pub(super) desk: u64,
    /// How many of them the file lists.
    pub(super) listed: u64,
    /// How many of those that it lists were deleted, and are not counted.
    pub(super) deleted: u64,
    hidden: Vec<Hidden>,
}

/// A field that some tickets do not show.
#[derive(Debug)]
struct Hidden {
    field: Cow<'static, str>,
    tickets: u64,
    listed: u64,
    /// The first reason that was met.
    why: String,
}

impl Totals {
    pub(super) fn new(basis: Basis) -> Self {
        Self {
            basis,
            desk: 0,
            listed: 0,
            deleted: 0,
            hidden: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, ticket: &CommonTicket, is_listed: bool) {
        let listed = u64::from(is_listed);
        self.desk += 1;
        self.listed += listed;
        for not_shown in &ticket.not_shown {
            let known = self
                .hidden
                .iter_mut()
                .find(|one| one.field == not_shown.field);
            match known {
                Some(hidden) => {
                    hidden.tickets += 1;
                    hidden.listed += listed;
                }
                None => self.hidden.push(Hidden {
                    field: not_shown.field.clone(),
                    tickets: 1,
                    listed,
                    why: not_shown.why.clone(),
                }),
            }
        }
    }

    /// How many tickets there are to count.
    pub(super) fn all(&self, of: Of) -> u64 {
        match of {
            Of::Desk => self.desk,
            Of::Listed => self.listed,
        }
    }

    /// Why tickets do not show a field, in front of it a colon; nothing where all show it.
    pub(super) fn because(&self, field: &str) -> String {
        let hidden = self.hidden.iter().find(|one| one.field == field);
        hidden.map_or_else(String::new, |hidden| format!(": {}", hidden.why))
    }

    /// How many tickets do not show a field, and why.
    pub(super) fn hidden(&self, of: Of, field: &str, what: &str) -> Option<String> {
        let hidden = self.hidden.iter().find(|one| one.field == field)?;
        let tickets = match of {
            Of::Desk => hidden.tickets,
            Of::Listed => hidden.listed,
        };
        let who = match tickets {
            0 => return None,
            all if all == self.all(of) => "any ticket".to_owned(),
            some => plural(some, "ticket", "tickets"),
        };
        Some(format!(
            "{what} is not known of {who}{}.",
            self.because(field)
        ))
    }

    /// How a number of tickets can be counted on the tickets sheet, if it lists them.
    pub(super) fn count(
        &self,
        of: Of,
        conditions: impl IntoIterator<Item = Condition>,
    ) -> Option<Trace> {
        if of == Of::Desk && self.basis.period.is_some() {
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

    /// Which tickets are counted, in words: `the whole desk: 1,204 tickets`, `the 12 tickets created 10 to 16 Jun 2024`.
    pub(super) fn population(&self, of: Of) -> String {
        let basis = &self.basis;
        let with = basis
            .filter
            .as_ref()
            .map_or_else(String::new, |filter| format!(" with {filter}"));
        let all = plural(self.all(of), "ticket", "tickets");
        match (&basis.period, of) {
            (Some(period), Of::Listed) => {
                format!("the {all} {}{with}", period.words(&basis.zone))
            }
            _ if with.is_empty() => format!("the whole desk: {all}"),
            _ => format!("the {all}{with}, of the whole desk"),
        }
    }

    /// The line that says what is counted.
    pub(super) fn line(&self) -> String {
        let basis = &self.basis;
        let read = basis.zone.to_datetime(basis.now);
        let zone = basis.zone.iana_name().unwrap_or("UTC");
        let of = match basis.knows_desk() {
            true => Of::Desk,
            false => Of::Listed,
        };
        let mut line = format!(
            "{}, read on {} ({zone}). Read: {}.",
            basis.source,
            read.strftime("%a %-d %b %Y, %H:%M"),
            self.population(of),
        );
        if basis.period.is_some() && basis.knows_desk() {
            line.push_str(&format!(
                " The sheet of tickets lists {}.",
                self.population(Of::Listed)
            ));
        }
        if self.deleted > 0 {
            let are = if self.deleted == 1 { "is" } else { "are" };
            line.push_str(&format!(
                " {} deleted {are} not counted.",
                count(self.deleted)
            ));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_days() {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let start = |day: Date| Some(day.to_zoned(zone.clone()).unwrap().timestamp());
        let span = |from: Option<&str>, until: Option<&str>| Span {
            from: from.and_then(|day| start(day.parse().unwrap())),
            until: until.and_then(|day| start(day.parse().unwrap())),
        };
        for (from, until, words) in [
            (Some("2024-06-10"), Some("2024-06-17"), "10 to 16 Jun 2024"),
            (
                Some("2024-01-28"),
                Some("2024-02-04"),
                "28 Jan to 3 Feb 2024",
            ),
            (
                Some("2023-12-28"),
                Some("2024-01-04"),
                "28 Dec 2023 to 3 Jan 2024",
            ),
            (Some("2024-06-10"), Some("2024-06-11"), "10 Jun 2024"),
            (Some("2024-06-10"), None, "since 10 Jun 2024"),
            (None, Some("2024-06-11"), "until 10 Jun 2024"),
        ] {
            assert_eq!(days(span(from, until), &zone), words);
        }
    }
}
