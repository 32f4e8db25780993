//! What the model's desk holds: its scripts, and what it has made of them.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::Instant;

use super::moves::{COMMIT_WITHIN, Fate, Kind, Listing, Made, Setup, TOO_LATE, VISIBLE_WITHIN};
use crate::run::tests::fake::FakeSchema;
use crate::systems::{Schema, Ticket};

/// A tick of the model.
pub(super) const TICK: Duration = Duration::from_secs(30);
/// What is to be over at a tick is so a little before it.
const LITTLE: Duration = Duration::from_secs(2);
/// The row that the model is about, and the one beside it.
pub(super) const ROW: &str = "k1";
pub(super) const OTHER: &str = "k0";
/// The ticket of a row of another scope.
pub(super) const HELD: &str = "held";

/// The system's clock less ours.
pub(super) const OFFSET: SignedDuration = SignedDuration::from_secs(3600);

#[derive(Debug)]
pub(super) struct Thing {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) text: String,
    pub(super) group: String,
    pub(super) shows: Instant,
    pub(super) at: Timestamp,
}

#[derive(Debug)]
pub(super) struct Books {
    pub(super) setup: Setup,
    pub(super) fates: VecDeque<Fate>,
    pub(super) listings: VecDeque<Listing>,
    pub(super) tickets: Vec<Thing>,
    pub(super) comments: Vec<Thing>,
    began: (Instant, Timestamp),
}

impl Books {
    pub(super) fn new(setup: Setup, fates: VecDeque<Fate>, listings: VecDeque<Listing>) -> Self {
        Self {
            setup,
            fates,
            listings,
            tickets: Vec::new(),
            comments: Vec::new(),
            began: (Instant::now(), Timestamp::now() + OFFSET),
        }
    }

    /// How often what the model is about was made.
    pub(super) fn count(&self) -> usize {
        let things = match self.setup.kind {
            Kind::Create => &self.tickets,
            Kind::Comment => &self.comments,
        };
        things.iter().filter(|thing| thing.key == ROW).count()
    }

    /// The id of the ticket of a key.
    pub(super) fn id_of(&self, key: &str) -> Option<String> {
        let mut tickets = self.tickets.iter();
        let found = tickets.find(|ticket| ticket.key == key);
        found.map(|ticket| ticket.id.clone())
    }

    pub(super) fn make(&mut self, creates: bool, body: &Value, made: Made) -> Ticket {
        let commits = match made {
            Made::Never => return Ticket::default(),
            Made::Now => 0,
            Made::Late => COMMIT_WITHIN,
            Made::TooLate => TOO_LATE,
        };
        // Only what the model is about shows late: the other row is the witness.
        let is_row = body["key"] == ROW && creates == (self.setup.kind == Kind::Create);
        let slow = u8::from(is_row && self.setup.slow) * VISIBLE_WITHIN;
        let ticks = TICK * u32::from(commits + slow);
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let key = text("key");
        let now = Instant::now();
        let passed = SignedDuration::try_from(now - self.began.0).unwrap();
        let thing = Thing {
            id: format!("id{}", self.tickets.len() + self.comments.len()),
            text: match creates {
                true => text("text"),
                false => FakeSchema.looks("comment", body).text,
            },
            group: text("group"),
            shows: now + ticks.saturating_sub(LITTLE),
            at: self.began.1 + passed,
            key,
        };
        let ticket = Ticket {
            id: thing.id.clone(),
            ..Ticket::default()
        };
        match creates {
            true => self.tickets.push(thing),
            false => self.comments.push(thing),
        }
        ticket
    }

    pub(super) fn visible(&self) -> impl Iterator<Item = &Thing> {
        let now = Instant::now();
        self.tickets.iter().filter(move |it| it.shows <= now)
    }
}
