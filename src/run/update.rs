//! What is to be done with a record whose ticket was made before, where the mapping upserts: what the row says now
//! and the ticket was not set to is set, and what follows goes on at its end.

use super::attached::note_of;
use super::files::brings_file;
use super::known::leave_open;
use super::plan::{
    Plan, Planner, Request, Requests, Row, RowHeader, done_before, hash, other_in_doubt,
    otherwise_fault, refused_before,
};
use crate::event::{End, Skip};
use crate::ledger::{State, StepRecord, Trouble};
use crate::record::RowKey;
use crate::systems::{Ticket, is_own_step, is_update_step};

impl Planner<'_> {
    /// The plan of a record whose ticket is whole: nothing, or what has changed.
    pub(super) fn update(
        &self,
        mut base: RowHeader,
        key: RowKey,
        mut requests: Requests,
        (create, ticket): (&StepRecord, Ticket),
        prior: &[StepRecord],
    ) -> Plan {
        let content = self.map.content(&base.rows);
        let is_as_made = is_as_made(&requests, prior);
        let made = requests.steps.first().map(|step| step.hash);
        let is_made_so = create.payload.is_some() && create.payload == made;
        requests.steps.retain(|step| !is_own_step(&step.id.name));
        if !is_as_made {
            requests.update_too();
        }
        let is_taken =
            |known: &StepRecord| requests.updates.iter().any(|update| update.id == known.id);
        requests.stale = prior
            .iter()
            .filter(|known| is_update_step(&known.id.name) && !is_taken(known))
            .map(|known| known.id.clone())
            .collect();
        let reference = requests.reference.clone();
        self.know_files(&mut requests, prior, |body| {
            hash(body, reference.as_deref())
        });
        let other = leave_open(&mut requests, prior, |call| self.map.is_repeatable(call));
        if let Some(step) = other {
            let end = match step.state {
                State::Done => End::Rejected(vec![otherwise_fault(step, &base.place)]),
                _ => End::InDoubt {
                    reason: other_in_doubt(step, &ticket),
                },
            };
            return Plan::End(base, end);
        }
        let left = self.leave_files(&mut requests.steps, prior, &base.place);
        let Some(first) = requests.steps.first() else {
            if !left.is_empty() {
                return Plan::End(base, End::Rejected(left));
            }
            base.rows = Vec::new();
            // What has changed is perhaps what only a create sets.
            let is_told =
                self.map.sets_once() && !(is_made_so && only_files_went(&requests, prior));
            let end = match is_told {
                true => done_before(ticket, create, prior, content),
                false => End::Skipped(Skip::DoneBefore { ticket }),
            };
            return Plan::End(base, end);
        };
        let known = prior.iter().find(|step| step.id == first.id);
        if let Some(step) = known.filter(|step| step.state == State::Rejected && !self.retry)
            && step.payload == Some(first.hash)
            && let Some(Trouble::Refused(refusal)) = &step.trouble
        {
            let faults = refused_before(refusal, &base.place, &step.run);
            return Plan::End(base, End::Rejected(faults));
        }
        let ours_until = self.ours_until(&requests.steps, prior);
        self.refer(&base, &key, &mut requests, prior);
        Plan::Send(Box::new(Row {
            updates: true,
            ticket: Some(ticket),
            left,
            ours_until,
            ..Row::new(content, base, key, requests)
        }))
    }
}

/// Whether of all that was done on a ticket its row lacks files now and nothing else: those stay where they are.
fn only_files_went(requests: &Requests, prior: &[StepRecord]) -> bool {
    let has_gone = |step: &&StepRecord| {
        let (name, is_done) = (&step.id.name, step.state == State::Done);
        let is_known = || requests.done.iter().any(|(id, _)| *id == step.id);
        is_done && !is_own_step(name) && !is_update_step(name) && !is_known()
    };
    let gone: Vec<&StepRecord> = prior.iter().filter(has_gone).collect();
    let is_note = |step: &&StepRecord| {
        let files = prior.iter().filter(|file| brings_file(&file.id));
        files
            .map(|file| note_of(&file.id))
            .any(|note| note == step.id.name)
    };
    let (files, others): (Vec<&StepRecord>, Vec<&StepRecord>) =
        gone.iter().partition(|step| brings_file(&step.id));
    !files.is_empty() && others.iter().all(is_note)
}

/// Whether a ticket that was never updated was made by the very requests that would make it now.
fn is_as_made(requests: &Requests, prior: &[StepRecord]) -> bool {
    let is_same = |request: &Request| {
        let known = prior.iter().find(|step| step.id == request.id);
        known.is_some_and(|step| step.payload == Some(request.hash))
    };
    let mut own = (requests.steps.iter()).filter(|step| is_own_step(&step.id.name));
    !prior.iter().any(|step| is_update_step(&step.id.name)) && own.all(is_same)
}
