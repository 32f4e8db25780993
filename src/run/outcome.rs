//! The fold's half of the engine: what becomes of a row that came back, and of one that was settled.

use tokio::time::Instant;

use super::crash;
use super::engine::Engine;
use super::files::brings_file;
use super::intended::Intended;
use super::known::look_once;
use super::plan::{
    Doubt, Doubtful, Otherwise, Request, Row, Soft, faults_of, step_in_doubt, step_in_words,
};
use super::pool::Settled;
use super::row::{Sent, SentEnd};
use super::settle::{Decision, NO_MARKER, Swept};
use crate::error::{Fault, Result};
use crate::event::{End, Skip};
use crate::ledger::{Candidate, Change, Said, SetSteps, Settlement, State, StepId, Trouble};
use crate::record::{Place, RowKey};
use crate::systems::attach::ATTACH;
use crate::systems::{CREATE, Refusal, SentAt, Sighting, Ticket, call_of};

/// After so many answered attempts that were all settled as absent, the row is rejected.
const MOST_ABSENT: u32 = 3;
/// How many steps are named that were sent although they may have been before.
const MOST_SENT_AGAIN: usize = 50;
/// What a system may show some of, and hide others.
const HIDEABLE: [&str; 3] = ["comment", "subtask", ATTACH];

/// The faults of a row for which the token lacks a right.
fn forbidden_faults(refusal: &Refusal, place: &Place) -> Vec<Fault> {
    let faults = faults_of(refusal, place).into_iter();
    let hinted = faults.map(|fault| {
        fault.hint(
            "give the token's user that right: `deskferry runs retry last` sends the row again",
        )
    });
    hinted.collect()
}

impl Engine<'_> {
    /// A row came back.
    pub(super) fn on_row_returned(&mut self, sent: Sent) {
        self.unmarked.remove(&sent.row.base.ordinal);
        if sent.named().is_some() {
            // It ends once it is known that the ticket is not another row's.
            return self.unchecked.push(sent);
        }
        let Sent { row, end, changes } = sent;
        self.leaving.remove(&row.base.ordinal);
        if self.was_repointed(&row.key) {
            // What came of it was done, or looked up, on a ticket that is not its own.
            return self.is_set_aside(row.base);
        }
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
            SentEnd::Forbidden { refusal, right } => {
                self.breaker.clear();
                let faults = forbidden_faults(&refusal, &row.base.place);
                self.failed(row, faults);
                if let Some(error) = self.breaker.forbidden(&right, &refusal.message) {
                    self.stop_with(error);
                }
            }
            SentEnd::Doubt { answer, at } => {
                self.unclear(&answer);
                self.doubt(row, answer, at, None);
            }
            SentEnd::Unproven {
                said,
                shape,
                proven,
                at,
            } => {
                let soft = Soft {
                    shape,
                    said: Some(said),
                    settled: false,
                    proven,
                    resumed: None,
                };
                self.unproven(row, soft, at);
            }
            SentEnd::Denied { error, reason } => {
                self.end(row.base, End::InDoubt { reason });
                self.stop_with(error);
            }
            SentEnd::Unclear(what) => {
                self.unclear(&what);
                let step = &row.requests.steps[row.next].id.name;
                let reason = format!(
                    "`{step}` got no clear answer: {what}; it sets what it sets, so the same command sends it again"
                );
                self.end(row.base, End::InDoubt { reason });
            }
            SentEnd::Unread(refusal) => {
                self.unclear(&refusal.message);
                let faults = faults_of(&refusal, &row.base.place).into_iter();
                let again = "`deskferry runs retry last` tries it again: nothing was sent for it";
                self.failed(row, faults.map(|fault| fault.hint(again)).collect());
            }
            SentEnd::Changed => {
                let message = "the ticket was changed in the desk while this run was under way: nothing was sent";
                let fault = Fault::row(row.base.place.clone(), message.to_owned())
                    .hint("run the same command again: it compares the ticket anew");
                self.failed(row, vec![fault]);
            }
            SentEnd::Tied => {
                self.breaker.clear();
                self.go_on(row);
            }
            SentEnd::Later => {
                self.breaker.clear();
                self.breaker.done();
                self.defer(row);
            }
            SentEnd::Unchanged => {
                self.breaker.looked_up();
                self.go_on(row);
            }
            SentEnd::Looked(sighting) => self.looked(row, sighting),
            SentEnd::NotLooked(why) => self.not_looked(row, why),
            SentEnd::Withdrawn => self.not_sent(row),
            SentEnd::Overtaken => self.overtaken(row),
            SentEnd::Stopped(error) => {
                self.not_sent(row);
                self.stop_with(error);
            }
            SentEnd::Broken(error) => {
                self.unwritten(row);
                self.break_with(error);
            }
        }
    }

    /// All of a row is done.
    fn whole(&mut self, mut row: Row) {
        self.breaker.done();
        if !row.left.is_empty() {
            // The row is not what it is to be: a later run, or a retry, comes back to its files.
            let left = std::mem::take(&mut row.left);
            row.begun |= row.sent_at.is_some();
            return self.failed(row, left);
        }
        let updates = row.requests.updates.into_iter();
        let steps: Vec<_> = updates.map(|update| (update.id, update.hash)).collect();
        if !steps.is_empty() {
            self.changes.push(Change::Set(SetSteps {
                key: row.key,
                place: row.base.place.clone(),
                content: row.content,
                steps,
                print: None,
                at: self.now(),
            }));
        }
        let (ticket, fallbacks) = (row.ticket.unwrap_or_default(), row.requests.fallbacks);
        let end = match (row.updates, row.known) {
            (true, _) => End::Updated { ticket, fallbacks },
            (false, true) => End::Known { ticket, fallbacks },
            (false, false) => End::Created { ticket, fallbacks },
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
    pub(super) fn failed(&mut self, row: Row, faults: Vec<Fault>) {
        let begun = row.has_begun() && !row.updates;
        let known = row.known;
        let end = match row.ticket.filter(|_| begun) {
            Some(ticket) => End::Incomplete {
                ticket,
                faults,
                known,
            },
            None => End::Rejected(faults),
        };
        self.end(row.base, end);
    }

    /// The ledger failed under a row: what was answered is written nowhere.
    pub(super) fn unwritten(&mut self, row: Row) {
        if row.sent_at.is_none() {
            return self.not_sent(row);
        }
        let reason =
            "its answer could not be written to the ledger: the next run finds out".to_owned();
        self.end(row.base, End::InDoubt { reason });
    }

    /// Nothing of the row's next step left, and nothing will in this run.
    pub(super) fn not_sent(&mut self, row: Row) {
        let begun = row.has_begun() && !row.updates;
        let is_open = |soft: &Option<Soft>| soft.as_ref().is_none_or(|soft| !soft.settled);
        let in_doubt = row
            .in_doubt()
            .is_some_and(|(request, _)| is_open(&request.soft));
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
                    known: row.known,
                }
            }
            None => End::NotSent,
        };
        self.end(row.base, end);
    }

    pub(super) fn doubt(&mut self, mut row: Row, answer: String, at: Intended, soft: Option<Soft>) {
        if row.ticket.is_some() {
            let next = row.next;
            row.requests.steps[next].look = Some(at.sent());
            row.requests.steps[next].soft = soft;
            return self.delay(row, Instant::now());
        }
        let doubt = Doubt {
            key: row.key.clone(),
            reference: row.requests.reference.clone(),
            group: row.requests.group.clone(),
            sent_at: at.at,
            run: self.fold.totals.run.clone().unwrap_or_default(),
            absent: row.requests.steps[row.next].absent,
            answer: Some(answer),
            changed: None,
            known: false,
            more: row.requests.steps.len() > 1,
            print: row.requests.steps[row.next]
                .print
                .clone()
                .map(|print| at.on(print)),
            soft,
            is_open: true,
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
            self.leave_in_doubt(doubtful, None);
        }
    }

    /// A row whose step is to be looked up, when the system can no longer surprise; `sent` is when it left at the
    /// latest.
    pub(super) fn delay(&mut self, row: Row, sent: Instant) {
        if self.is_halted() {
            return self.not_sent(row);
        }
        // When a suspect step was sent nobody knows: its ticket was there before.
        let is_settled = |soft: &Soft| soft.settled && !soft.is_unanswered();
        let due = |request: &Request| match request.look {
            // What others have set there is there by now.
            Some(_) if request.soft.as_ref().is_some_and(|it| it.resumed.is_some()) => {
                Some(Instant::now())
            }
            Some(at) if request.soft.as_ref().is_some_and(is_settled) => {
                Some(self.context.surprise_over(at))
            }
            at => at.map(|_| sent + self.context.surprise),
        };
        let due = row.requests.steps.iter().filter_map(due).max();
        let due = due.unwrap_or(sent + self.context.surprise);
        self.delayed.push((due, row));
    }

    /// A step of a row could not be looked up: only what a proven answer said of it counts.
    fn not_looked(&mut self, row: Row, why: String) {
        let soft = row.in_doubt().and_then(|(request, _)| request.soft.clone());
        let sighting = match soft.filter(|soft| soft.proven) {
            Some(_) => Sighting::Unseen(why),
            None => {
                self.context.crash(crash::Place::BeforeDecision);
                self.breaker.looked_up();
                return self.step_stays(row, &why);
            }
        };
        self.looked(row, sighting);
    }

    /// Nobody knows whether a step of a row was done.
    fn step_stays(&mut self, row: Row, why: &str) {
        let found = row.in_doubt().map(|(request, _)| request);
        let step = found.map(|request| request.id.clone());
        let is_settled = found
            .and_then(|request| request.soft.as_ref())
            .is_some_and(|soft| soft.settled);
        let ticket = row.ticket.clone().unwrap_or_default();
        let what = step.as_ref().map(|step| step_in_doubt(step, &ticket));
        let reason = format!("{} ({why})", what.unwrap_or_default());
        let is_resumed = found
            .and_then(|request| request.soft.as_ref())
            .is_some_and(|soft| soft.resumed.is_some());
        if let Some(step) = step.filter(|_| is_settled) {
            // The ledger holds it as open: a person can settle it from now on. One that was never sent, too.
            let trouble = is_resumed.then(|| Trouble::Doubt(why.to_owned()));
            self.settle_step(row.key.clone(), step, State::InDoubt, trouble);
        }
        self.end(row.base, End::InDoubt { reason });
    }

    /// Where the system has hidden one of its kind from a look of this run, nothing of the kind is absent.
    fn all_shown(&mut self, row: &Row, sighting: Sighting) -> Sighting {
        let Some((request, _)) = row.in_doubt() else {
            return sighting;
        };
        let call = call_of(&request.id.name);
        if matches!(sighting, Sighting::Hidden(_)) {
            self.hidden.insert(call.to_owned());
        }
        if sighting == Sighting::Absent && self.hidden.contains(call) {
            let why = "it is not shown, and the system does not show others that were done";
            return Sighting::Hidden(why.to_owned());
        }
        sighting
    }

    /// A step that makes something is sent, although it may have been before: its ticket does not show it.
    fn sent_again(&mut self, row: &Row) {
        let (Some((request, _)), Some(ticket)) = (row.in_doubt(), &row.ticket) else {
            return;
        };
        let is_believed = request.soft.as_ref().is_some_and(|it| self.believes(it));
        if is_believed || !HIDEABLE.contains(&call_of(&request.id.name)) {
            return;
        }
        self.sent_again.push(format!(
            "{} on ticket `{}`",
            step_in_words(&request.id),
            ticket.number.as_ref().unwrap_or(&ticket.id)
        ));
    }

    /// Tells which steps were sent although they may have been before.
    pub(super) fn tell_sent_again(&mut self) {
        let told = std::mem::take(&mut self.sent_again);
        if told.is_empty() {
            return;
        }
        let named = told.iter().take(MOST_SENT_AGAIN).cloned();
        let named: Vec<String> = named.collect();
        let more = match told.len().saturating_sub(MOST_SENT_AGAIN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        self.fold.note(format!(
            "{} sent although an earlier request may have been obeyed, since the ticket did not show it: {}{more}. A system \
             that hides some of them by chance has it twice: look at the tickets if yours does",
            match told.len() {
                1 => "1 step was".to_owned(),
                count => format!("{count} steps were"),
            },
            named.join(", ")
        ));
    }

    /// It was looked up whether a step of a row was done.
    fn looked(&mut self, mut row: Row, sighting: Sighting) {
        self.context.crash(crash::Place::BeforeDecision);
        self.breaker.looked_up();
        let soft = row.in_doubt().and_then(|(request, _)| request.soft.clone());
        let sighting = self.all_shown(&row, sighting);
        let done = match sighting {
            Sighting::Done => true,
            Sighting::Absent => {
                if let Some(soft) = &soft {
                    self.bore_out(soft);
                }
                self.sent_again(&row);
                false
            }
            Sighting::Unseen(_) if soft.as_ref().is_some_and(|soft| self.believes(soft)) => false,
            Sighting::Unclear(_) | Sighting::Hidden(_)
                if soft
                    .as_ref()
                    .is_some_and(|soft| self.believes_against(soft)) =>
            {
                false
            }
            Sighting::Unseen(why) | Sighting::Unclear(why) | Sighting::Hidden(why) => {
                return self.step_stays(row, &why);
            }
        };
        let found = row.in_doubt().map(|(request, _)| request);
        let (hash, print) = (
            found.map(|it| it.hash),
            found.and_then(|it| it.print.clone()),
        );
        let Some((step, absent)) = row.looked_up(done) else {
            return self.not_sent(row);
        };
        if done {
            if let (Some(soft), Some(ticket)) = (&soft, &row.ticket) {
                let ticket = ticket.clone();
                self.turned_up(soft, &row.key, &ticket);
            }
            match (hash, soft.as_ref().is_some_and(Soft::is_unanswered)) {
                // The ledger never held what was sent.
                (Some(hash), true) => self.changes.push(Change::Set(SetSteps {
                    key: row.key.clone(),
                    place: row.base.place.clone(),
                    content: row.content,
                    steps: vec![(step, hash)],
                    print,
                    at: self.now(),
                })),
                _ => self.settle_step(row.key.clone(), step, State::Done, None),
            }
        } else {
            if let Some(Soft {
                said: Some(Said::Refused(refusal)),
                shape,
                ..
            }) = soft
            {
                let faults = faults_of(&refusal, &row.base.place);
                let message = refusal.message.clone();
                let trouble = Some(Trouble::Refused(refusal));
                self.settle_step(row.key.clone(), step.clone(), State::Rejected, trouble);
                self.tell_shape(row.key.clone(), step.clone(), shape);
                if brings_file(&step) {
                    row.left.extend(faults);
                    row.requests.steps.retain(|request| request.id != step);
                    return match row.next < row.requests.steps.len() {
                        true => self.go_on(row),
                        false => self.whole(row),
                    };
                }
                self.failed(row, faults);
                if let Some(error) = self.breaker.refused(&message) {
                    self.stop_with(error);
                }
                return;
            }
            if let Some(soft) = soft.filter(|soft| soft.settled) {
                // The ledger does not hold it as in doubt.
                row.doubted |= soft.resumed.is_none();
                return self.go_on(row);
            }
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
        if row.next < row.requests.steps.len() {
            return self.go_on(row);
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
        } else if doubtful.doubt.is_settled() {
            self.end(doubtful.base, End::NotSent);
        } else {
            self.leave_in_doubt(doubtful, None);
        }
    }

    fn can_be_settled(&self, doubtful: &Doubtful) -> bool {
        doubtful.doubt.reference.is_some() && !self.is_halted()
    }

    /// The row stays in doubt.
    fn leave_in_doubt(&mut self, doubtful: Doubtful, why: Option<String>) {
        let Doubtful {
            base, key, doubt, ..
        } = doubtful;
        let trouble = match &doubt.soft {
            Some(Soft {
                said: Some(said),
                shape,
                ..
            }) => Some(Trouble::Said {
                shape: shape.clone().unwrap_or_default(),
                said: said.clone(),
            }),
            _ => doubt.answer.clone().map(Trouble::Doubt),
        };
        self.settle(key, State::InDoubt, None, trouble);
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

    pub(super) fn settle(
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
        self.context.crash(crash::Place::BeforeDecision);
        let decisions = match settled {
            Ok(Settled::Decisions(decisions)) => decisions,
            Ok(Settled::Doubles(doubles, alike)) => {
                self.doubles(doubles);
                return self.tell_alike(alike);
            }
            Err(error) => return self.break_with(error),
        };
        self.breaker.looked_up();
        let (rows, last) = self.pool.answered();
        for (row, decision) in rows.into_iter().zip(decisions) {
            let soft = row.doubt.soft.clone();
            match (decision, soft) {
                (Decision::Found(ticket, doubles), soft) => {
                    if let Some(soft) = soft {
                        self.turned_up(&soft, &row.key, &ticket);
                    }
                    self.found(row, ticket, &doubles);
                }
                (Decision::Absent, Some(soft)) => {
                    self.bore_out(&soft);
                    self.as_said(row, soft);
                }
                (Decision::Absent, None) => self.absent(row),
                (Decision::Open(..) | Decision::Unseen(_) | Decision::Failed(_), _) if !last => {
                    self.pool.put_back(row);
                }
                // What the answer said, and nothing that speaks against it.
                (Decision::Unseen(_), Some(soft)) => self.as_said(row, soft),
                (Decision::Open(_, candidates), Some(soft))
                    if candidates.is_empty() && self.believes_against(&soft) =>
                {
                    self.as_said(row, soft);
                }
                (Decision::Failed(_), Some(soft)) if soft.proven && self.believes(&soft) => {
                    self.as_said(row, soft);
                }
                (Decision::Unseen(why), None) | (Decision::Failed(why), _) => {
                    self.leave_in_doubt(row, Some(why));
                }
                (Decision::Open(why, candidates), _) => {
                    // A listing that could not be had takes nothing back.
                    if !candidates.is_empty() {
                        let found = Change::Candidates(row.key.clone(), candidates);
                        self.changes.push(found);
                    }
                    self.leave_in_doubt(row, Some(why));
                }
            }
        }
    }

    fn found(&mut self, row: Doubtful, mut ticket: Ticket, doubles: &[Ticket]) {
        self.proven.insert(row.doubt.group.clone());
        self.settle(row.key.clone(), State::Done, Some(&ticket), None);
        if !doubles.is_empty() {
            // They are read before they are told, with all others at the end.
            ticket.warnings.push(format!(
                "{} bears the reference of this row too",
                match doubles {
                    [one] => format!("ticket `{}`", one.number.as_ref().unwrap_or(&one.id)),
                    several => format!("each of {} further tickets", several.len()),
                }
            ));
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
                // An older ledger may not know that its row went on, nor that it was made before this run sent it: what
                // followed is looked for, and not sent again where it is seen. That it is not seen needs no proof: as far
                // as is known it was never sent.
                let schema = self.context.system.schema();
                let is_create = requests.updates.is_empty();
                for step in requests.steps.iter_mut().skip(1) {
                    match schema.is_repeatable(call_of(&step.id.name)) {
                        false => {
                            step.look = Some(SentAt::ever(row.doubt.sent_at));
                            step.soft = Some(Soft::settled(None));
                        }
                        // Others may have set something else there meanwhile.
                        true if is_create => {
                            step.look = Some(SentAt::from(row.doubt.sent_at));
                            step.soft = Some(Soft::resumed(None));
                        }
                        true => {}
                    }
                }
                look_once(&mut requests.steps);
                let row = Row {
                    next: 1,
                    known: row.doubt.known,
                    ticket: Some(ticket),
                    ..Row::new(row.content, row.base, row.key, requests)
                };
                match row.next < row.requests.steps.len() {
                    true => self.go_on(row),
                    false => self.whole(row),
                }
            }
            Otherwise::End(End::Rejected(faults)) if row.doubt.more => {
                let known = row.doubt.known;
                let end = End::Incomplete {
                    ticket,
                    faults,
                    known,
                };
                self.end(row.base, end);
            }
            Otherwise::End(_) => {
                let fallbacks = Vec::new();
                let end = match row.doubt.known {
                    true => End::Known { ticket, fallbacks },
                    false => End::Created { ticket, fallbacks },
                };
                self.end(row.base, end);
            }
        }
    }

    /// It was not made: it goes again, unless that has been tried often enough.
    pub(super) fn absent(&mut self, row: Doubtful) {
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
                    // One that was settled before is not in doubt for the ledger.
                    was_in_doubt: !row.doubt.is_settled(),
                    doubted: true,
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
                for (key, tickets) in swept.made {
                    let Some((own, others)) = tickets.split_first() else {
                        continue;
                    };
                    self.was_made(&key, own);
                    for other in others {
                        self.tell_twin(&key, own, other);
                    }
                }
                for (key, candidates) in swept.alleged {
                    self.may_have_been_made(&key, candidates);
                }
                for (key, verified) in swept.doubles {
                    let mut tickets = verified.doubles;
                    tickets.retain(|ticket| !self.doubles.contains(&ticket.id));
                    if self.open.contains(&key) {
                        continue;
                    }
                    if !tickets.is_empty() {
                        self.tell_doubles(&key, &tickets);
                    }
                    for what in verified.unclear {
                        self.fold.note(format!(
                            "row `{key}`: {what}; look at both before you close one"
                        ));
                    }
                }
                for (key, tickets) in swept.left {
                    self.tell_left(&key, &tickets);
                }
                if let Some(gap) = swept.gap {
                    self.fold.totals.unswept = true;
                    self.fold.note(format!(
                        "duplicates may have been missed, because the list of tickets is not complete ({gap}): run the same command again"
                    ));
                }
            }
            Err(why) => {
                self.fold.totals.unswept = true;
                self.fold.note(format!(
                    "the rows that were in doubt could not be looked at once more: {why}"
                ));
            }
        }
    }

    /// A row that the system refused has its ticket all the same.
    pub(super) fn was_made(&mut self, key: &RowKey, ticket: &Ticket) {
        self.fold.note(format!(
            "row `{key}` was refused, but ticket `{}` was made: it is done now",
            ticket.number.as_ref().unwrap_or(&ticket.id)
        ));
        self.settle(key.clone(), State::Done, Some(ticket), None);
    }

    /// A row that the system refused has its ticket perhaps: one bears its reference, and another title than was sent.
    pub(super) fn may_have_been_made(&mut self, key: &RowKey, candidates: Vec<Candidate>) {
        let Some(Candidate { ticket, .. }) = candidates.first() else {
            return;
        };
        if !self.doubles.insert(ticket.id.clone()) {
            return;
        }
        self.fold.totals.unswept = true;
        self.fold.note(format!(
            "row `{key}` was refused, but ticket `{}` bears its reference, under another title: the row is in doubt; compare \
             them, and decide with `runs settle`",
            ticket.number.as_ref().unwrap_or(&ticket.id)
        ));
        self.settle(key.clone(), State::InDoubt, None, None);
        self.changes
            .push(Change::Candidates(key.clone(), candidates));
    }

    /// A row that the system refused has another ticket beside the one that it was given now.
    pub(super) fn tell_twin(&mut self, key: &RowKey, own: &Ticket, other: &Ticket) {
        if !self.doubles.insert(other.id.clone()) {
            return;
        }
        let name = |ticket: &Ticket| ticket.number.as_ref().unwrap_or(&ticket.id).clone();
        self.fold.totals.doubles += 1;
        self.fold.note(format!(
            "row `{key}` has been made more than once: tickets `{}` and `{}` bear its reference; look at both before you \
             close one",
            name(own),
            name(other)
        ));
    }

    /// Tickets of a row that was taken back: they came too late to be taken back with it, or another run made them.
    pub(super) fn tell_left(&mut self, key: &RowKey, tickets: &[Ticket]) {
        for ticket in tickets {
            if !self.doubles.insert(ticket.id.clone()) {
                continue;
            }
            self.fold.totals.doubles += 1;
            self.fold.note(format!(
                "row `{key}` was taken back, but ticket `{}` bears its reference: it was made twice, or another run has \
                 made it anew; close the ticket if nobody needs it",
                ticket.number.as_ref().unwrap_or(&ticket.id)
            ));
        }
    }

    fn tell_doubles(&mut self, key: &RowKey, doubles: &[Ticket]) {
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
        self.fold.note(text);
    }
}
