//! Rows whose next step names the ticket of another row: they wait until no ticket is to be made any more, so that the
//! order of the input does not matter.

use std::collections::{HashMap, VecDeque};

use futures::future::BoxFuture;
use serde_json::Value;

use super::breaker::Flow;
use super::engine::Engine;
use super::plan::Row;
use super::prepare::BATCH;
use crate::error::{Fault, Result, Rule};
use crate::ledger::{Scope, State, StepRecord};
use crate::record::{Place, RowKey};
use crate::systems::tie::tie;
use crate::systems::{CREATE, Ticket};

/// What is told of a row that names a ticket which is not made.
pub(super) fn not_made(key: &RowKey, place: &Place) -> Fault {
    let rule = "is the key of a ticket that is not made".to_owned();
    let hint = "fix the row of that key, and run the same command again: it goes on there";
    let fault = Fault::row(place.clone(), format!("`{key}` {rule}"));
    Fault {
        rule: Rule::Broken(rule),
        ..fault.hint(hint).value(key.as_str())
    }
}

/// Puts the ids of tickets into a body where their keys stand.
pub(super) fn tie_to(body: &mut Value, tickets: &Tickets) {
    tie(body, &|key| {
        let ticket = tickets.get(&RowKey::new(key))?;
        Some(ticket.id.clone())
    });
}

/// The tickets of keys, as far as they are made.
pub(super) type Tickets = HashMap<RowKey, Ticket>;

/// The rows that wait, and the question after the tickets that they name.
#[derive(Default)]
pub(super) struct Tied<'e> {
    rows: VecDeque<Row>,
    /// Whether all tickets are made that this run makes.
    is_open: bool,
    /// How many of the rows are asked about.
    asked: usize,
    pub(super) asking: Option<BoxFuture<'e, Result<Tickets>>>,
}

impl Tied<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn add(&mut self, row: Row) {
        self.rows.push_back(row);
    }

    /// Hands all of them out: they go no further.
    pub(super) fn give_up(&mut self) -> VecDeque<Row> {
        self.asked = 0;
        self.asking = None;
        std::mem::take(&mut self.rows)
    }
}

/// The ticket that was made under a key.
pub(super) fn made(prior: &[StepRecord]) -> Option<Ticket> {
    let create = prior.iter().find(|step| step.id.name == CREATE)?;
    (create.state == State::Done).then(|| create.ticket.clone())?
}

pub(super) async fn tickets(scope: Scope, keys: Vec<RowKey>) -> Result<Tickets> {
    let states = scope.states(keys.clone()).await?;
    let found = keys.into_iter().zip(states);
    Ok(found
        .filter_map(|(key, prior)| Some((key, made(&prior)?)))
        .collect())
}

impl Engine<'_> {
    /// A row that goes on, with a look where a step of it is in doubt, or waits for the tickets that its next step names.
    pub(super) fn go_on(&mut self, row: Row) {
        match row.is_tied() {
            _ if self.is_for_later(&row) => self.defer(row),
            true if self.is_halted() => self.not_sent(row),
            true => self.tied.add(row),
            false if row.in_doubt().is_some() || row.guarded().is_some() => {
                self.looking.push_back(row);
            }
            false => self.backlog.push_front(row),
        }
    }

    /// Asks for the tickets that the next rows name, once all are made.
    pub(super) fn ask_ties(&mut self) {
        if self.tied.is_empty() || self.tied.asking.is_some() || self.is_halted() {
            return;
        }
        let are_made = self.feed.is_none() && self.is_quiet() && self.pool.is_empty();
        self.tied.is_open |= are_made;
        let is_held = self.breaker.flow() == Flow::Held;
        if !self.tied.is_open || is_held || self.backlog.len() >= BATCH {
            return;
        }
        let next = self.tied.rows.iter().take(BATCH);
        let keys: Vec<RowKey> = next.flat_map(Row::ties).cloned().collect();
        self.tied.asked = self.tied.rows.len().min(BATCH);
        let scope = self.context.run.scope().clone();
        self.tied.asking = Some(Box::pin(tickets(scope, keys)));
    }

    /// The tickets are known: the rows go on, those without one come to their end.
    pub(super) fn ties_known(&mut self, tickets: Result<Tickets>) {
        let tickets = match tickets {
            Ok(tickets) => tickets,
            Err(error) => return self.break_with(error),
        };
        let asked = std::mem::take(&mut self.tied.asked);
        let rows: Vec<Row> = self.tied.rows.drain(..asked).collect();
        for mut row in rows {
            if self.is_halted() {
                self.not_sent(row);
                continue;
            }
            let absent = row.ties().find(|key| !tickets.contains_key(*key)).cloned();
            match absent {
                None => {
                    row.tie(&tickets);
                    match row.in_doubt() {
                        Some(_) => self.delay(row, self.started),
                        None => self.backlog.push_back(row),
                    }
                }
                Some(key) => {
                    let fault = not_made(&key, &row.base.place);
                    row.begun = true;
                    self.failed(row, vec![fault]);
                }
            }
        }
    }
}

impl Row {
    /// Whether the step that is looked up or sent next names a ticket that is not known yet.
    pub(super) fn is_tied(&self) -> bool {
        let in_doubt = self.in_doubt().map(|(step, _)| step);
        let next = in_doubt.or_else(|| self.requests.steps.get(self.next));
        next.is_some_and(|step| !step.ties.is_empty())
    }

    /// The keys of the tickets that its steps name.
    fn ties(&self) -> impl Iterator<Item = &RowKey> {
        self.requests.steps.iter().flat_map(|step| &step.ties)
    }

    fn tie(&mut self, tickets: &Tickets) {
        self.has_waited = true;
        for step in &mut self.requests.steps {
            if step.ties.is_empty() {
                continue;
            }
            step.ties = Vec::new();
            tie_to(&mut step.body, tickets);
        }
    }
}
