//! What is to be done with a record that acts on a ticket that is there: a pure function of the record, of what the
//! ledger knows of its steps, and of the ticket that it names.

use super::known::leave_open;
use super::plan::{
    Plan, Planner, Request, Row, RowHeader, Shaped, digest, hash, other_in_doubt, refused_before,
    without_requests,
};
use super::prepare::absent;
use super::tied::{Tickets, made};
use crate::error::{Fault, Result};
use crate::event::{End, Skip};
use crate::intake::{Digest, Item, Subject};
use crate::ledger::{State, StepRecord, Trouble};
use crate::mapping::TicketName;
use crate::record::{Place, RowKey};
use crate::systems::{CREATE, Ticket};

/// What a batch asks of the ledger.
pub(super) struct Asked {
    /// The ticket of each record that is to be acted on.
    names: Vec<Option<Result<TicketName, Vec<Fault>>>>,
    /// The keys of these records, in order.
    pub(super) keys: Vec<RowKey>,
    /// The keys under which their tickets were made, where they are named so, in order.
    pub(super) targets: Vec<RowKey>,
    /// The keys of the tickets that fields of theirs name, in order.
    pub(super) named: Vec<RowKey>,
}

/// What the ledger answers to [`Asked`], in order.
pub(super) struct Answered {
    pub(super) prior: Vec<Vec<StepRecord>>,
    pub(super) targets: Vec<Vec<StepRecord>>,
    pub(super) named: Vec<Vec<StepRecord>>,
}

impl Asked {
    /// The keys of records that make their own tickets, and those that fields of theirs name.
    pub(super) fn of(keys: Vec<RowKey>, named: Vec<RowKey>) -> Self {
        Self {
            names: Vec::new(),
            keys,
            targets: Vec::new(),
            named,
        }
    }
}

/// The ticket that a record acts on.
enum Aim {
    /// Known to the ledger.
    At(Ticket),
    /// To be looked up by its name.
    Named(String),
}

impl Planner<'_> {
    /// What is to be asked of the ledger before a batch can be planned.
    pub(super) fn ask(&self, batch: &[Item]) -> Asked {
        let mut asked = Asked {
            names: Vec::with_capacity(batch.len()),
            keys: Vec::new(),
            targets: Vec::new(),
            named: absent(batch),
        };
        for item in batch {
            let Subject::Keyed(key) = &item.subject else {
                asked.names.push(None);
                continue;
            };
            asked.keys.push(key.clone());
            let name = self.map.target(&item.rows);
            if let Ok(TicketName::Made(key)) = &name {
                asked.targets.push(key.clone());
            }
            asked.names.push(Some(name));
        }
        asked
    }

    /// The plans of a batch.
    pub(super) fn act_all(
        &self,
        batch: Vec<Item>,
        asked: Asked,
        answered: Answered,
    ) -> Result<Vec<Plan>> {
        let (mut prior, mut targets) = (answered.prior.into_iter(), answered.targets.into_iter());
        let mut others = answered.named.into_iter();
        let mut kept = 0;
        let named = batch.into_iter().zip(asked.names);
        let plans = named.map(|(mut item, name)| {
            self.go_on()?;
            let mut tickets = Tickets::new();
            item.absent.retain(|key| {
                let ticket = made(&others.next().unwrap_or_default());
                let is_absent = ticket.is_none();
                tickets.extend(ticket.map(|ticket| (key.clone(), ticket)));
                is_absent
            });
            let Some(name) = name else {
                return Ok(self.plan(item, &[]));
            };
            let prior = prior.next().unwrap_or_default();
            let aim = match name {
                Ok(TicketName::Made(key)) => {
                    let made = targets.next().unwrap_or_default();
                    match self.trusts_names {
                        true => Ok(Aim::Named(key.to_string())),
                        false => made_ticket(&key, &made, item.place()),
                    }
                }
                Ok(TicketName::Named(name)) => Ok(Aim::Named(name)),
                Err(faults) => Err(faults),
            };
            let mut plan = self.act(item, &prior, aim, &tickets);
            self.trim(&mut plan, &mut kept);
            Ok(plan)
        });
        plans.collect()
    }

    fn act(
        &self,
        item: Item,
        prior: &[StepRecord],
        aim: Result<Aim, Vec<Fault>>,
        tickets: &Tickets,
    ) -> Plan {
        let place = item.place().clone();
        let Subject::Keyed(key) = item.subject else {
            return self.plan(item, &[]);
        };
        let mut base = RowHeader {
            ordinal: item.ordinal,
            place,
            key: Some(key.clone()),
            rows: item.rows,
            absent: item.absent,
            named: Vec::new(),
        };
        if let Some(skip) = self.map.untouched(&base.rows) {
            base.rows = Vec::new();
            return Plan::End(base, End::Skipped(skip));
        }
        let mut requests = match self.shape_tied(&base, &key, tickets) {
            Shaped::Ready(requests) => requests,
            // All that is wrong with a row is told at once.
            Shaped::Faults(mut faults) => {
                faults.extend(aim.err().into_iter().flatten());
                return Plan::End(base, End::Rejected(faults));
            }
            skip @ Shaped::Skip(_) => return without_requests(base, skip),
        };
        let aim = match aim {
            Ok(aim) => aim,
            Err(faults) => return Plan::End(base, End::Rejected(faults)),
        };
        if requests.steps.is_empty() {
            let reason = "nothing to change: the fields are empty".to_owned();
            return Plan::End(base, End::Skipped(Skip::ByMapping { reason }));
        }
        let (name, ticket, find) = match aim {
            Aim::At(ticket) => (ticket.id.clone(), ticket, None),
            Aim::Named(name) => {
                let ticket = Ticket {
                    id: name.clone(),
                    ..Ticket::default()
                };
                (name.clone(), ticket, Some(name))
            }
        };
        if let Some((other, _)) = tickets.iter().find(|(_, other)| other.id == name) {
            let fault = Fault::row(
                base.place.clone(),
                format!("`{other}` is the ticket itself"),
            );
            let hint =
                "a ticket is neither above itself nor related to itself: empty or correct the cell";
            return Plan::End(base, End::Rejected(vec![fault.hint(hint)]));
        }
        let known = |request: &Request| prior.iter().find(|step| step.id == request.id);
        let begun = requests.steps.iter().filter_map(known).any(is_done);
        // The same bytes for another ticket are something else.
        for request in &mut requests.steps {
            request.hash = aimed(&request.hash, &name);
        }
        let reference = requests.reference.clone();
        self.know_files(&mut requests, prior, |body| {
            aimed(&hash(body, reference.as_deref()), &name)
        });
        let other = match self.again {
            true => None,
            false => leave_open(&mut requests, prior, |call| self.map.is_repeatable(call)),
        };
        // What makes something is not made again because a cell has changed: a person decides.
        if let Some(step) = other {
            return Plan::End(base, changed_since(step, ticket));
        }
        let left = self.leave_files(&mut requests.steps, prior, &base.place);
        let Some(first) = requests.steps.first() else {
            if !left.is_empty() {
                let end = match begun {
                    true => End::Incomplete {
                        ticket,
                        faults: left,
                        known: false,
                    },
                    false => End::Rejected(left),
                };
                return Plan::End(base, end);
            }
            base.rows = Vec::new();
            return Plan::End(base, End::Skipped(Skip::DoneBefore { ticket }));
        };
        if let Some(step) = known(first).filter(|step| step.state == State::Rejected && !self.retry)
            && step.payload == Some(first.hash)
            && let Some(Trouble::Refused(refusal)) = &step.trouble
        {
            let faults = refused_before(refusal, &base.place, &step.run);
            let end = match begun {
                true => End::Incomplete {
                    ticket,
                    faults,
                    known: false,
                },
                false => End::Rejected(faults),
            };
            return Plan::End(base, end);
        }
        Plan::Send(Box::new(Row {
            find,
            begun,
            left,
            ticket: Some(ticket),
            ..Row::new(self.map.content(&base.rows), base, key, requests)
        }))
    }
}

/// The end of a row of which a step was done, or perhaps done, as something else than it would be now.
fn changed_since(step: &StepRecord, ticket: Ticket) -> End {
    if !is_done(step) {
        return End::InDoubt {
            reason: other_in_doubt(step, &ticket),
        };
    }
    End::Skipped(Skip::Changed {
        ticket,
        run: step.run.clone(),
        from: step.place.clone(),
    })
}

/// The hash of a body that is for this ticket.
pub(super) fn aimed(hash: &Digest, ticket: &str) -> Digest {
    let mut bytes = hash.to_vec();
    bytes.extend_from_slice(ticket.as_bytes());
    digest(&bytes)
}

fn is_done(step: &StepRecord) -> bool {
    step.state == State::Done
}

/// The ticket that was made under a key.
fn made_ticket(key: &RowKey, steps: &[StepRecord], place: &Place) -> Result<Aim, Vec<Fault>> {
    let create = steps.iter().find(|step| step.id.name == CREATE);
    let ticket = create.filter(|step| is_done(step));
    if let Some(ticket) = ticket.and_then(|create| create.ticket.clone()) {
        return Ok(Aim::At(ticket));
    }
    let message = match create {
        Some(create) if create.state == State::Undone => {
            format!("the ticket was taken back that was made under the key `{key}`")
        }
        _ => format!("no ticket was made under the key `{key}`"),
    };
    Err(vec![
        Fault::row(place.clone(), message)
            .field("target")
            .hint("import the row first, or name the ticket by its id or number"),
    ])
}
