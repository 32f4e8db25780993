//! What the scripted system does with one request for many tickets.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::fake::Script;
use crate::systems::bulk::BulkCall;
use crate::systems::{Answered, Outcome, Refusal};

/// The requests for many tickets, and what came of them.
#[derive(Debug, Default)]
pub(super) struct Many {
    /// What happens to the next of them.
    pub(super) scripts: VecDeque<Script>,
    /// With which status one is refused.
    pub(super) refusal: u16,
    /// Tickets of which none takes notice.
    pub(super) stubborn: HashSet<String>,
    /// For how many tickets each was that left.
    pub(super) sizes: Vec<usize>,
    /// How often tickets were looked at.
    pub(super) looks: usize,
    /// What was set by them, and when that showed: ticket, call, body.
    set: Vec<(String, String, String, Instant)>,
    /// How many requests are under way, of all kinds, and the most that were.
    pub(super) flying: usize,
    pub(super) most_flying: usize,
}

impl Many {
    pub(super) fn took_off(&mut self) {
        self.flying += 1;
        self.most_flying = self.most_flying.max(self.flying);
    }

    pub(super) fn perform(&mut self, call: BulkCall<'_>) -> Answered {
        self.sizes.push(call.tickets.len());
        let mut ids = HashSet::new();
        assert!(call.tickets.iter().all(|ticket| ids.insert(&ticket.id)));
        let doubt = || Outcome::InDoubt("the connection was lost".to_owned());
        let taken = || Outcome::Done(call.tickets[0].clone());
        let script = self.scripts.pop_front().unwrap_or(Script::Make);
        let shape = match script {
            Script::Says(_, status) => Some(super::fake::page(call.step, status)),
            _ => None,
        };
        let (outcome, after) = match script {
            Script::Make | Script::Twice | Script::Spent(_) => (taken(), Some(0)),
            Script::Lost => (doubt(), Some(0)),
            Script::Late(seconds) => (taken(), Some(seconds)),
            Script::NeverCame => (taken(), None),
            Script::Refuse => {
                let refusal = Refusal {
                    status: self.refusal.max(400),
                    message: "not so".to_owned(),
                    fields: Vec::new(),
                };
                (Outcome::Rejected(refusal), None)
            }
            Script::Throttle(seconds) => {
                (Outcome::Throttled(seconds.map(Duration::from_secs)), None)
            }
            Script::Unsent => (Outcome::Unsent("connection refused".to_owned()), None),
            Script::Deny => (Outcome::Denied("not in bulk".to_owned()), None),
            Script::Forbid(status) => (super::fake::forbidden(status), None),
            Script::Says(made, status) => (super::fake::says(status), made.then_some(0)),
            Script::RefuseMade
            | Script::Replays(_)
            | Script::Mistaken(_)
            | Script::Noted(_)
            | Script::Reads => {
                unreachable!("no request for many tickets is scripted so")
            }
        };
        if let Some(seconds) = after {
            let at = Instant::now() + Duration::from_secs(seconds);
            let tickets = call.tickets.iter().map(|ticket| ticket.id.clone());
            let willing = tickets.filter(|id| !self.stubborn.contains(id));
            self.set
                .extend(willing.map(|id| (id, call.step.to_owned(), call.body.to_string(), at)));
        }
        Answered {
            shape,
            ..outcome.into()
        }
    }

    /// Which tickets show what a call sets.
    pub(super) fn shown(&mut self, call: BulkCall<'_>) -> Vec<bool> {
        self.looks += 1;
        let body = call.body.to_string();
        let tickets = call.tickets.iter();
        tickets
            .map(|ticket| self.has(&ticket.id, call.step, &body))
            .collect()
    }

    pub(super) fn has(&self, ticket: &str, step: &str, body: &str) -> bool {
        let now = Instant::now();
        let is_it = |(id, call, set, at): &(String, String, String, Instant)| {
            id == ticket && call == step && set == body && *at <= now
        };
        self.set.iter().any(is_it)
    }

    /// How often something was set on a ticket by such a request.
    pub(super) fn times(&self, ticket: &str) -> usize {
        self.set.iter().filter(|(id, ..)| id == ticket).count()
    }
}
