//! Time to resolve.

use super::basis::Totals;
use super::facts::Facts;
use super::times::{Class, Times, Words};
use super::{SheetTally, Told};
use crate::report::words::plural;

const HOUR: u32 = 3600;
const DAY: u32 = 24 * HOUR;

const CLASSES: [Class; 8] = [
    ("under 1 hour", HOUR),
    ("1 to 4 hours", 4 * HOUR),
    ("4 to 8 hours", 8 * HOUR),
    ("8 to 24 hours", DAY),
    ("1 to 3 days", 3 * DAY),
    ("3 to 7 days", 7 * DAY),
    ("1 to 4 weeks", 28 * DAY),
    ("4 weeks or more", u32::MAX),
];

/// From creation to closing.
#[derive(Debug)]
pub(super) struct Resolution {
    times: Times,
    /// Closed, but for how long they took.
    unknown: u64,
    by_clock: u64,
}

impl Default for Resolution {
    fn default() -> Self {
        Self {
            times: Times::new(&CLASSES),
            unknown: 0,
            by_clock: 0,
        }
    }
}

impl SheetTally for Resolution {
    fn add(&mut self, facts: &Facts<'_>) {
        if !facts.is_listed {
            return;
        }
        let Some(resolved) = facts.resolved else {
            self.unknown += u64::from(!facts.is_open);
            return;
        };
        self.by_clock += u64::from(resolved.by_clock);
        // Where nobody tells when a ticket closed, the month of its creation stands for it.
        let month = facts.closed.or(facts.created);
        self.times.add(facts, resolved.seconds, month);
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let mut notes = Vec::new();
        if self.by_clock > 0 {
            let tickets = plural(self.by_clock, "ticket", "tickets");
            notes.push(format!(
                "For {tickets} the system's own clock tells the time; it may count working hours only, and they stand in the month of their creation."
            ));
        }
        if self.unknown > 0 {
            let tickets = plural(self.unknown, "closed ticket", "closed tickets");
            let why = totals.because("closed");
            notes.push(format!("How long {tickets} took is not known{why}."));
        }
        if self.times.count() == 0 && notes.is_empty() && totals.listed > 0 {
            notes.push("No ticket is closed.".to_owned());
        }
        let words = Words {
            title: "Time to resolve",
            counted: "Tickets",
            month: if self.by_clock == 0 {
                "By month of closing"
            } else {
                "By month"
            },
        };
        Told {
            title: "Time to resolve: from creation to closing".to_owned(),
            notes,
            tables: self.times.tables(&words, totals),
        }
    }
}
