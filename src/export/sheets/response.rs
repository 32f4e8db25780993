//! Time until somebody answered first.

use super::basis::{Of, Totals};
use super::facts::{Facts, seconds};
use super::times::{Class, Times, Words};
use super::{SheetTally, Told};
use crate::report::words::plural;
use crate::systems::common::{CommonTicket, Named};

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

const CLASSES: [Class; 7] = [
    ("under 15 minutes", 15 * MINUTE),
    ("15 to 60 minutes", HOUR),
    ("1 to 4 hours", 4 * HOUR),
    ("4 to 8 hours", 8 * HOUR),
    ("8 to 24 hours", DAY),
    ("1 to 3 days", 3 * DAY),
    ("3 days or more", u32::MAX),
];

/// From creation to the first answer.
#[derive(Debug)]
pub(super) struct Response {
    times: Times,
    by_clock: u64,
    waiting: u64,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            times: Times::new(&CLASSES),
            by_clock: 0,
            waiting: 0,
        }
    }
}

impl SheetTally for Response {
    fn add(&mut self, facts: &Facts<'_>) {
        if !facts.is_listed {
            return;
        }
        let by_clock = by_clock(facts.ticket);
        match by_clock.or_else(|| by_comment(facts.ticket)) {
            Some(seconds) => {
                self.by_clock += u64::from(by_clock.is_some());
                self.times.add(facts, seconds, facts.created);
            }
            None => self.waiting += 1,
        }
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let mut notes = Vec::new();
        if self.by_clock > 0 {
            let tickets = plural(self.by_clock, "ticket", "tickets");
            notes.push(format!(
                "For {tickets} the system's own clock tells the time; it may count working hours only."
            ));
        }
        let by_comments = self.times.count() - self.by_clock;
        if by_comments > 0 {
            let tickets = plural(by_comments, "ticket", "tickets");
            notes.push(format!(
                "For {tickets} it is the time of the first comment that the requester sees and did not write."
            ));
        }
        if self.waiting > 0 {
            let tickets = plural(self.waiting, "ticket", "tickets");
            notes.push(format!(
                "No first answer is known for {tickets}: they have none yet, or it is not told."
            ));
        }
        if self.times.count() == 0 {
            notes.extend(
                [
                    ("service", "The time of the first answer"),
                    ("comments", "The conversation"),
                ]
                .into_iter()
                .filter_map(|(field, what)| totals.hidden(Of::Listed, field, what)),
            );
        }
        let words = Words {
            title: "First response",
            counted: "Tickets",
            month: "By month of creation",
        };
        Told {
            title: "First response: from creation to the first answer".to_owned(),
            notes,
            tables: self.times.tables(&words, totals),
        }
    }
}

/// How long the first answer took, in seconds, where it is known.
pub(super) fn first_response(ticket: &CommonTicket) -> Option<u32> {
    by_clock(ticket).or_else(|| by_comment(ticket))
}

/// What the system's clock says once it has stopped.
fn by_clock(ticket: &CommonTicket) -> Option<u32> {
    let clock = ticket.service.as_ref()?.response.as_ref()?;
    let minutes = clock.minutes.filter(|_| clock.is_running != Some(true));
    seconds(minutes?)
}

/// The first comment that the requester sees and did not write.
fn by_comment(ticket: &CommonTicket) -> Option<u32> {
    let created = ticket.created?;
    let requester = ticket.requester.as_ref()?;
    let is_answer = |author: &Named| !author.is(requester);
    let mut answers = ticket.comments.iter().filter(|comment| {
        comment.public == Some(true) && comment.author.as_ref().is_some_and(is_answer)
    });
    let at = answers.find_map(|comment| comment.at)?;
    u32::try_from(at.as_second() - created.as_second()).ok()
}
