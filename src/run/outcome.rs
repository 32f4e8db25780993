//! The fold's half of the engine: what becomes of a row that came back, and of one that was settled.

use jiff::Timestamp;
use tokio::time::Instant;

use super::crash;
use super::engine::Engine;
use super::plan::{Doubt, Doubtful, Otherwise, Row, faults_of, step_in_doubt};
use super::pool::Settled;
use super::row::{Sent, SentEnd};
use super::settle::{Decision, NO_MARKER, Swept};
use crate::error::{Fault, Result};
use crate::event::{End, Skip};
use crate::ledger::{Change, SetSteps, Settlement, State, StepId, Trouble};
use crate::record::RowKey;
use crate::systems::{CREATE, Refusal, Sighting, Ticket};

/// After so many answered attempts that were all settled as absent, the row is rejected.
const MOST_ABSENT: u32 = 3;

impl Engine<'_> {
    /// A row came back.
    pub(super) fn came(&mut self, sent: Sent) {
        let Sent { row, end, changes } = sent;
        self.leaving.remove(&row.base.ordinal);
        self.changes.extend(changes);
        self.probed(&row, row.ticket.is_some() || matches!(end, SentEnd::Done));
        match end {
            SentEnd::Done => {
                self.breaker.clear();
                self.whole(row);
            }
            SentEnd::Refused(refusal) => {
                self.breaker.clear();
                let faults = faults_of(&refusal, &row.base.place);
                self.failed(row, faults);
                if let Some(error) = self.breaker.refused(&refusal.message) {
                    self.stop_with(error);
                }
            }
            SentEnd::Doubt { answer, at } => {
                self.unclear(&answer);
                self.doubt(row, answer, at);
            }
            SentEnd::Unclear(what) => {
                self.unclear(&what);
                self.open.insert(row.key.clone());
                let step = &row.requests.steps[row.next].id.name;
                let fault = Fault::row(
                    row.base.place.clone(),
                    format!("`{step}` got no clear answer: {what}"),
                )
                .hint("run the same command again: it goes on there");
                self.failed(row, vec![fault]);
            }
            SentEnd::Looked(sighting) => self.looked(row, sighting),
            SentEnd::Withdrawn => self.not_sent(row),
            SentEnd::Overtaken => self.overtaken(row),
            SentEnd::Stopped(error) => {
                self.not_sent(row);
                self.stop_with(error);
            }
            SentEnd::Broken(error) => {
                self.not_sent(row);
                self.break_with(error);
            }
        }
    }

    /// All of a row is done.
    fn whole(&mut self, row: Row) {
        self.breaker.done();
        let updates = row.requests.updates.into_iter();
        let steps: Vec<_> = updates.map(|update| (update.id, update.hash)).collect();
        if !steps.is_empty() {
            self.changes.push(Change::Set(SetSteps {
                key: row.key,
                place: row.base.place.clone(),
                content: row.content,
                steps,
                at: self.now(),
            }));
        }
        let (ticket, fallbacks) = (row.ticket.unwrap_or_default(), row.requests.fallbacks);
        let end = match row.updates {
            true => End::Updated { ticket, fallbacks },
            false => End::Created { ticket, fallbacks },
        };
        self.end(row.base, end);
    }

    /// An answer said nothing: the run may have to hold.
    fn unclear(&mut self, answer: &str) {
        match self.breaker.unclear(answer) {
            Ok(false) => {}
            Ok(true) => self.fold.note(format!(
                "the system gave no clear answer to several requests in a row (the last: {answer}): nothing more \
                 is sent until it is known what became of them"
            )),
            Err(error) => self.stop_with(error),
        }
        self.last_unclear = answer.to_owned();
    }

    /// An intent came too late: another run has done the step.
    pub(super) fn overtaken(&mut self, row: Row) {
        self.probed(&row, false);
        let reason = "another run has made it meanwhile: run the same command again".to_owned();
        self.end(row.base, End::InDoubt { reason });
    }

    /// A step failed: when something of the row is done it is incomplete, else rejected. A ticket that was whole before
    /// is so still.
    fn failed(&mut self, row: Row, faults: Vec<Fault>) {
        let begun = row.has_begun() && !row.updates;
        let end = match row.ticket.filter(|_| begun) {
            Some(ticket) => End::Incomplete { ticket, faults },
            None => End::Rejected(faults),
        };
        self.end(row.base, end);
    }

    /// Nothing of the row's next step left, and nothing will in this run.
    pub(super) fn not_sent(&mut self, row: Row) {
        let begun = row.has_begun() && !row.updates;
        let in_doubt = row.in_doubt().is_some();
        let end = match row.ticket.filter(|_| begun) {
            _ if in_doubt || row.was_in_doubt => End::InDoubt {
                reason: "the run stopped before it was settled: the next run finds out".to_owned(),
            },
            Some(ticket) => {
                let step = &row.requests.steps[row.next].id.name;
                let fault = Fault::row(
                    row.base.place.clone(),
                    format!("the run was stopped before `{step}`"),
                )
                .hint("run the same command again: it goes on there");
                End::Incomplete {
                    ticket,
                    faults: vec![fault],
                }
            }
            None => End::NotSent,
        };
        self.end(row.base, end);
    }

    fn doubt(&mut self, mut row: Row, answer: String, at: Timestamp) {
        if row.ticket.is_some() {
            let next = row.next;
            row.requests.steps[next].look = Some(at);
            return self.delay(row, Instant::now());
        }
        let doubt = Doubt {
            reference: row.requests.reference.clone(),
            group: row.requests.group.clone(),
            sent_at: at,
            run: self.fold.totals.run.clone().unwrap_or_default(),
            absent: row.requests.steps[row.next].absent,
            answer: Some(answer),
            changed: None,
            more: row.requests.steps.len() > 1,
        };
        let doubtful = Doubtful {
            base: row.base,
            key: row.key,
            content: row.content,
            otherwise: Otherwise::Send(row.requests),
            doubt,
        };
        if self.can_be_settled(&doubtful) {
            self.pool.add(doubtful);
        } else {
            self.stays(doubtful, None);
        }
    }

    /// A row whose step is to be looked up, when the system can no longer surprise; `sent` is when it left at the
    /// latest.
    pub(super) fn delay(&mut self, row: Row, sent: Instant) {
        if self.is_halted() {
            return self.not_sent(row);
        }
        let wait = self.settings.commit_within + self.settings.visible_within;
        self.delayed.push((sent + wait, row));
    }

    /// It was looked up whether a step of a row was done.
    fn looked(&mut self, mut row: Row, sighting: Sighting) {
        self.line.crash(crash::Place::BeforeDecision);
        self.breaker.looked_up();
        let done = match sighting {
            Sighting::Done => true,
            Sighting::Absent => false,
            Sighting::Unclear(why) => {
                let step = row.in_doubt().map(|(request, _)| request.id.name.clone());
                let ticket = row.ticket.clone().unwrap_or_default();
                let what = step_in_doubt(step.as_deref().unwrap_or_default(), &ticket);
                let reason = format!("{what} ({why})");
                return self.end(row.base, End::InDoubt { reason });
            }
        };
        let Some((step, absent)) = row.looked_up(done) else {
            return self.not_sent(row);
        };
        if done {
            self.settle_step(row.key.clone(), step, State::Done, None);
        } else {
            if absent >= MOST_ABSENT {
                let refusal = Refusal {
                    status: 0,
                    message: format!("`{}` was sent {absent} times without being done", step.name),
                    fields: Vec::new(),
                };
                let faults = faults_of(&refusal, &row.base.place);
                let trouble = Some(Trouble::Refused(refusal));
                self.settle_step(row.key.clone(), step, State::Rejected, trouble);
                return self.failed(row, faults);
            }
            // Until its new intent is written the ledger holds it as in doubt.
            row.was_in_doubt = true;
        }
        if row.in_doubt().is_some() {
            return self.looking.push_back(row);
        }
        if row.next < row.requests.steps.len() {
            return self.backlog.push_front(row);
        }
        self.whole(row);
    }

    fn settle_step(&mut self, key: RowKey, step: StepId, to: State, trouble: Option<Trouble>) {
        self.changes.push(Change::Settle(Settlement {
            key,
            step,
            to,
            ticket: None,
            trouble,
            doubted: true,
            at: self.now(),
        }));
    }

    /// A row whose request an earlier run left open.
    pub(super) fn doubt_of_earlier_run(&mut self, doubtful: Doubtful) {
        if self.can_be_settled(&doubtful) {
            self.pool.add_of_earlier_run(doubtful);
        } else {
            self.stays(doubtful, None);
        }
    }

    fn can_be_settled(&self, doubtful: &Doubtful) -> bool {
        doubtful.doubt.reference.is_some() && !self.is_halted()
    }

    /// The row stays in doubt.
    fn stays(&mut self, doubtful: Doubtful, why: Option<String>) {
        let Doubtful {
            base, key, doubt, ..
        } = doubtful;
        self.settle(
            key,
            State::InDoubt,
            None,
            doubt.answer.clone().map(Trouble::Doubt),
        );
        let why = why.unwrap_or_else(|| match doubt.reference {
            None => NO_MARKER.to_owned(),
            Some(_) => "the run stopped before it was settled: the next run finds out".to_owned(),
        });
        let what = doubt.answer.unwrap_or_else(|| {
            format!("run {} ended before it knew whether it was made", doubt.run)
        });
        let reason = format!("{what}; {why}");
        self.end(base, End::InDoubt { reason });
    }

    fn settle(
        &mut self,
        key: RowKey,
        to: State,
        ticket: Option<&Ticket>,
        trouble: Option<Trouble>,
    ) {
        self.changes.push(Change::Settle(Settlement {
            key,
            step: StepId {
                name: CREATE.to_owned(),
                ordinal: 0,
            },
            to,
            ticket: ticket.cloned(),
            trouble,
            doubted: true,
            at: self.now(),
        }));
    }

    /// A listing came back.
    pub(super) fn settled(&mut self, settled: Result<Settled>) {
        self.line.crash(crash::Place::BeforeDecision);
        let decisions = match settled {
            Ok(Settled::Decisions(decisions)) => decisions,
            Ok(Settled::Doubles(doubles)) => return self.doubles(doubles),
            Err(error) => return self.break_with(error),
        };
        self.breaker.looked_up();
        let (rows, last) = self.pool.answered();
        for (row, decision) in rows.into_iter().zip(decisions) {
            match decision {
                Decision::Found(ticket, doubles) => self.found(row, ticket, &doubles),
                Decision::Absent => self.absent(row),
                Decision::Open(_) if !last => self.pool.put_back(row),
                Decision::Open(why) => self.stays(row, Some(why)),
            }
        }
    }

    fn found(&mut self, row: Doubtful, mut ticket: Ticket, doubles: &[Ticket]) {
        self.proven.insert(row.doubt.group.clone());
        self.settle(row.key.clone(), State::Done, Some(&ticket), None);
        if !doubles.is_empty() {
            let text = self.tell_doubles(&row.key, doubles);
            ticket.warnings.push(text);
        }
        let changed = row.doubt.changed.is_some();
        if let Some(from) = row.doubt.changed
            && !row.otherwise.upserts()
        {
            let skip = Skip::Changed {
                ticket,
                run: row.doubt.run,
                from,
            };
            return self.end(row.base, End::Skipped(skip));
        }
        match row.otherwise {
            Otherwise::Send(mut requests) => {
                if changed {
                    requests.update_too();
                }
                let row = Row {
                    next: 1,
                    ticket: Some(ticket),
                    ..Row::new(row.content, row.base, row.key, requests)
                };
                match row.next < row.requests.steps.len() {
                    true => self.backlog.push_front(row),
                    false => self.whole(row),
                }
            }
            Otherwise::End(End::Rejected(faults)) if row.doubt.more => {
                self.end(row.base, End::Incomplete { ticket, faults });
            }
            Otherwise::End(_) => {
                let end = End::Created {
                    ticket,
                    fallbacks: Vec::new(),
                };
                self.end(row.base, end);
            }
        }
    }

    /// It was not made: it goes again, unless that has been tried often enough.
    fn absent(&mut self, row: Doubtful) {
        // A process that died may never have sent it: only an answer makes an attempt.
        let absent = row.doubt.absent + u32::from(row.doubt.answer.is_some());
        if let Some(answer) = row.doubt.answer.as_ref().filter(|_| absent >= MOST_ABSENT) {
            let message =
                format!("sent {absent} times without being made, the last time with: {answer}");
            let refusal = Refusal {
                status: 0,
                message,
                fields: Vec::new(),
            };
            let faults = faults_of(&refusal, &row.base.place);
            self.settle(
                row.key,
                State::Rejected,
                None,
                Some(Trouble::Refused(refusal)),
            );
            return self.end(row.base, End::Rejected(faults));
        }
        match row.otherwise {
            Otherwise::Send(mut requests) => {
                requests.was_absent(absent);
                self.backlog.push_front(Row {
                    was_in_doubt: true,
                    ..Row::new(row.content, row.base, row.key, requests)
                });
            }
            Otherwise::End(end) => {
                self.settle(row.key, State::Pending, None, None);
                self.end(row.base, end);
            }
        }
    }

    /// The sweep: rows that have their ticket and another one besides.
    fn doubles(&mut self, swept: std::result::Result<Swept, String>) {
        match swept {
            Ok(swept) => {
                self.changes
                    .extend(swept.closed.into_iter().map(Change::Swept));
                for (key, mut tickets) in swept.doubles {
                    tickets.retain(|ticket| !self.doubles.contains(&ticket.id));
                    if !tickets.is_empty() && !self.open.contains(&key) {
                        self.tell_doubles(&key, &tickets);
                    }
                }
            }
            Err(why) => self.fold.note(format!(
                "the rows that were in doubt could not be looked at once more: {why}"
            )),
        }
    }

    fn tell_doubles(&mut self, key: &RowKey, doubles: &[Ticket]) -> String {
        let names: Vec<&str> = doubles
            .iter()
            .map(|ticket| ticket.number.as_deref().unwrap_or(&ticket.id))
            .collect();
        let text = format!(
            "row `{key}` has been made more than once: ticket `{}` is one too many, close it",
            names.join("`, `")
        );
        self.doubles
            .extend(doubles.iter().map(|ticket| ticket.id.clone()));
        self.fold.totals.doubles += doubles.len() as u64;
        self.fold.note(text.clone());
        text
    }
}
