//! A run in two stages: first every ticket is made, then follows what is said and done on them. So the text of a comment
//! can name tickets that stand later in the input.
//!
//! A row whose ticket is made goes no further in the first stage. Its requests are given up; what is kept of it is where it
//! stands and which ticket it has. For the second stage the records are read once more and planned by what the ledger holds
//! by then, exactly as after a stop between two steps. Whatever ended in the first stage is passed over.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::Items;
use super::engine::Engine;
use super::plan::{Plan, Planner, Requests, Row, RowHeader, Soft};
use super::prepare::Feed;
use crate::error::{Error, Fault, Result};
use crate::event::End;
use crate::ledger::{ActiveRun, StepId, StepRecord};
use crate::mapping::Mapped;
use crate::record::{Place, RowKey};
use crate::systems::{SentAt, StepPayload, Ticket, is_following_step};

/// Reads the records once more, for an attempt that has made tickets.
pub(super) type Again<'e> = Box<dyn FnOnce(&ActiveRun) -> Result<Feed<'e>> + 'e>;

/// How far the stages are.
#[derive(Default)]
pub(super) struct Stages<'e> {
    /// How the second one begins, until it does.
    again: Option<Again<'e>>,
    /// Whether it has begun.
    is_second: bool,
    /// The rows whose tickets are made and that go on in the second stage, by ordinal.
    made: BTreeMap<u64, Made>,
}

/// What is kept of a row between the stages.
struct Made {
    place: Place,
    key: RowKey,
    id: Box<str>,
    number: Option<Box<str>>,
    known: bool,
    updates: bool,
    warnings: Vec<String>,
    /// Steps that may have been sent although the ledger does not know it, and since when.
    looks: Vec<(StepId, SentAt, Option<Soft>)>,
    /// Whether nobody knows whether one of its steps was done.
    in_doubt: bool,
}

impl<'e> Stages<'e> {
    /// Two stages where the records can be read once more, else one.
    pub(super) fn new(again: Option<Again<'e>>) -> Self {
        Self {
            again,
            ..Self::default()
        }
    }

    /// Whether what follows on tickets waits.
    pub(super) fn is_first(&self) -> bool {
        self.again.is_some()
    }

    /// Whether the records are read the second time.
    pub(super) fn is_second(&self) -> bool {
        self.is_second
    }

    /// Whether no row waits for the second stage.
    pub(super) fn is_over(&self) -> bool {
        self.again.is_none() && self.made.is_empty()
    }
}

impl Planner<'_> {
    /// The records for the second stage. What this attempt has made is the run's own from now on.
    pub(super) fn second<'a>(
        &self,
        run: &ActiveRun,
        again: &super::Again<'a>,
    ) -> Result<Items<'a>> {
        // On a thread that may wait for the ledger: nothing else is under way.
        let second = std::thread::scope(|threads| threads.spawn(|| again(run)).join());
        let second = second
            .unwrap_or_else(|_| Err(Error::machine("the input could not be read a second time")))?;
        // A second word would be the same one.
        let _ = self.own.set(run.code().to_owned());
        if let Some(refer) = second.refer {
            let _ = self.refer.set(refer);
        }
        Ok(second.items)
    }

    /// Puts the tickets into what follows that it names. What may have been sent says what it said then.
    pub(super) fn refer(
        &self,
        base: &RowHeader,
        key: &RowKey,
        requests: &mut Requests,
        prior: &[StepRecord],
    ) {
        let Some(refer) = self.refer.get() else {
            return;
        };
        let sent_by = |id: &StepId| {
            let known = prior.iter().find(|step| step.id == *id);
            known.map(|step| step.run.as_str())
        };
        let mut written: Vec<(Option<&str>, Vec<StepPayload>)> = Vec::new();
        let mut body_of = |id: &StepId, as_of| {
            if !is_following_step(&id.name) {
                return None;
            }
            if !written.iter().any(|(of, _)| *of == as_of) {
                let rows = refer.rewrite(&base.rows, as_of);
                let steps = match rows.map(|rows| self.map.map(&rows, key)) {
                    Some(Mapped::Ready(ready)) => ready.steps,
                    _ => Vec::new(),
                };
                written.push((as_of, steps));
            }
            let steps = written.iter().filter(|(of, _)| *of == as_of);
            let is_it = |step: &&StepPayload| step.step == id.name && step.ordinal == id.ordinal;
            let step = steps.flat_map(|(_, steps)| steps).find(is_it)?;
            Some(step.body.clone())
        };
        for step in &mut requests.steps {
            let now = body_of(&step.id, None);
            let Some(run) = step.look.and_then(|_| sent_by(&step.id)) else {
                if let Some(now) = now {
                    step.body = now;
                }
                continue;
            };
            step.anew = Some(now.unwrap_or_else(|| step.body.clone()));
            if let Some(then) = body_of(&step.id, Some(run)) {
                step.body = then;
            }
        }
        if let Some(system) = &self.system {
            for step in &mut requests.steps {
                let body = step.anew.clone().unwrap_or_else(|| step.body.clone());
                step.look_like(&body, system.schema());
            }
        }
        for (id, body) in &mut requests.done {
            if let Some(then) = sent_by(id).and_then(|run| body_of(id, Some(run))) {
                *body = then;
            }
        }
    }
}

impl Row {
    /// Whether its ticket is made, and the next step is one that follows on it.
    pub(super) fn is_made(&self) -> bool {
        let in_doubt = self.in_doubt().map(|(step, _)| step);
        let next = in_doubt.or_else(|| self.requests.steps.get(self.next));
        self.ticket.is_some() && next.is_some_and(|step| is_following_step(&step.id.name))
    }
}

impl Engine<'_> {
    /// Whether a row goes on in the second stage only.
    pub(super) fn is_for_later(&self, row: &Row) -> bool {
        self.stages.is_first() && row.is_made()
    }

    /// Keeps of a row what the second stage needs.
    pub(super) fn defer(&mut self, row: Row) {
        if self.is_halted() {
            return self.not_sent(row);
        }
        let in_doubt = row.in_doubt().is_some_and(|(step, _)| {
            let settled = step.soft.as_ref().is_some_and(|soft| soft.settled);
            !settled
        });
        let looks = (row.requests.steps.iter())
            .filter_map(|step| Some((step.id.clone(), step.look?, step.soft.clone())));
        let looks = looks.collect();
        let ticket = row.ticket.unwrap_or_default();
        let made = Made {
            looks,
            in_doubt,
            place: row.base.place,
            key: row.key,
            id: ticket.id.into(),
            number: ticket.number.map(Into::into),
            known: row.known,
            updates: row.updates,
            warnings: ticket.warnings,
        };
        self.stages.made.insert(row.base.ordinal, made);
    }

    /// Begins the second stage when nothing of the first is left.
    pub(super) fn begin_second_stage(&mut self) {
        let is_done = self.feed.is_none()
            && self.is_quiet()
            && self.pool.is_empty()
            && self.tied.is_empty()
            && !self.is_halted();
        if !is_done {
            return;
        }
        let Some(again) = self.stages.again.take() else {
            return;
        };
        self.context
            .waits_for_tickets
            .store(false, Ordering::Relaxed);
        self.stages.is_second = true;
        self.breaker.begin_stage();
        if self.stages.made.is_empty() {
            return;
        }
        match again(&self.context.run) {
            Ok(feed) => self.feed = Some(feed),
            Err(error) => self.stop_with(error),
        }
    }

    /// Takes a plan up: in the second stage only of rows that wait for it. `None`: there is nothing to do for it.
    pub(super) fn of_stage(&mut self, mut plan: Plan) -> Option<Plan> {
        if !self.stages.is_second {
            return Some(plan);
        }
        let ordinal = match &plan {
            Plan::End(base, _) => base.ordinal,
            Plan::Send(row) => row.base.ordinal,
            Plan::Settle(doubtful) => doubtful.base.ordinal,
        };
        let made = self.stages.made.remove(&ordinal)?;
        if let Plan::Send(row) = &mut plan {
            // It was counted as made in the first stage.
            row.has_waited = true;
            row.known = made.known;
            for step in row
                .requests
                .steps
                .iter_mut()
                .filter(|step| step.look.is_none())
            {
                let found = made.looks.iter().find(|(id, ..)| *id == step.id);
                if let Some((_, since, soft)) = found {
                    (step.look, step.soft) = (Some(*since), soft.clone());
                }
            }
            if let Some(ticket) = &mut row.ticket {
                ticket.warnings.extend(made.warnings);
            }
        }
        Some(plan)
    }

    /// The run ends before the second stage came to them.
    pub(super) fn give_up_later(&mut self) {
        self.stages.again = None;
        for (ordinal, made) in std::mem::take(&mut self.stages.made) {
            let message = "the run stopped before the comments and changes of its ticket were sent"
                .to_owned();
            let fault = Fault::row(made.place.clone(), message)
                .hint("run the same command again: it goes on there");
            let ticket = Ticket {
                id: made.id.into(),
                number: made.number.map(Into::into),
                url: None,
                warnings: made.warnings,
            };
            let base = RowHeader {
                ordinal,
                place: made.place,
                key: Some(made.key),
                rows: Vec::new(),
                absent: Vec::new(),
                named: Vec::new(),
            };
            let end = match (made.in_doubt, made.updates) {
                (true, _) => End::InDoubt {
                    reason: "the run stopped before it was settled: the next run finds out"
                        .to_owned(),
                },
                (false, true) => End::NotSent,
                (false, false) => End::Incomplete {
                    ticket,
                    faults: vec![fault],
                    known: made.known,
                },
            };
            self.end(base, end);
        }
    }
}
