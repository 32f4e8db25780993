//! One row on its way: its steps in order, each sent until its answer means something else than *again*.
//!
//! The first intent is durable when a row comes here; those of further steps, and those that have become too old,
//! are written here before the request leaves. In a run that sends in bulk a step may wait in [`super::gather`] for
//! those of other rows; its intent and its outcome are its own all the same.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::answers::another;
use super::context::{GRACE, RunContext, Signal};
use super::crash;
use super::files::{self, Ready, brings_file, left_out};
use super::gather::Taken;
use super::intended::{INTENT_LASTS, Intended};
use super::look::{self, Find};
use super::plan::Row;
use super::retry::{Backoff, MOST_THROTTLED, Verdict, judge};
use crate::error::{Error, ErrorKind, Result};
use crate::files::Spooled;
use crate::ledger::{Change, Intent, Owner, Said, Settlement, State, Trouble};
use crate::mapping::reference::{field_of, reference_in};
use crate::systems::shape::{Shape, Worth};
use crate::systems::{
    Answered, Call, NO_HANDLES, Outcome, Print, Reading, Refusal, Relation, Sighting, Ticket, Way,
    call_of, right_of, without_right,
};

/// How far a row came. `row.next` is the step at which it stands.
pub(super) struct Sent {
    pub(super) row: Row,
    pub(super) end: SentEnd,
    /// What is to be written of it.
    pub(super) changes: Vec<Change>,
}

impl Sent {
    /// The ticket that an answer named, where it was not compared with those of other rows yet.
    pub(super) fn named(&self) -> Option<&str> {
        let ticket = self.row.ticket.as_ref().filter(|_| self.row.named)?;
        Some(&ticket.id)
    }
}

/// Why a row went no further.
#[derive(Debug)]
pub(super) enum SentEnd {
    /// All its steps are done.
    Done,
    /// The system refused the step.
    Refused(Refusal),
    /// The token lacks a right for it.
    Forbidden { refusal: Refusal, right: String },
    /// Nobody knows whether the step was done, and when it was intended.
    Doubt { answer: String, at: Intended },
    /// The system says that nothing was done, and it is looked up all the same.
    Unproven {
        said: Said,
        shape: Option<String>,
        /// Whether the shape is proven: one of those that are looked up still.
        proven: bool,
        at: Intended,
    },
    /// The system does not let us do this, in a shape that is not proven: the run stops, and the next one looks whether
    /// the step was done.
    Denied { error: Error, reason: String },
    /// The step may be repeated, but no answer to it was clear: it is in doubt.
    Unclear(String),
    /// The row's ticket could not be read, and nothing was sent.
    Unread(Refusal),
    /// The run was stopped; nothing of the step left.
    Withdrawn,
    /// Another run has done the step meanwhile; nothing of it left.
    Overtaken,
    /// The desk has changed the ticket since it was compared with the row; nothing of the step left.
    Changed,
    /// Its next step names the ticket of another row.
    Tied,
    /// Its next step waits until all tickets are made.
    Later,
    /// Nobody has changed the ticket since it was compared with the row.
    Unchanged,
    /// It was looked up whether a step was done.
    Looked(Sighting),
    /// That could not be looked up: why.
    NotLooked(String),
    /// Nothing of the step was done, and nothing more will go through.
    Stopped(Error),
    /// The ledger does not work.
    Broken(Error),
}

/// The intent of the step at which a row stands.
pub(super) fn intent(row: &Row, intended: Intended) -> Intent {
    let step = &row.requests.steps[row.next];
    Intent {
        key: row.key.clone(),
        step: step.id.clone(),
        later: row.requests.steps[row.next + 1..]
            .iter()
            .map(|step| step.id.clone())
            .collect(),
        place: row.base.place.clone(),
        content: row.content,
        payload: step.hash,
        reference: row.requests.reference.clone(),
        group: row.requests.group.clone(),
        absent: step.absent,
        doubted: row.was_in_doubt || row.doubted,
        about: row
            .ticket
            .as_ref()
            .filter(|_| row.requests.acts)
            .map(|ticket| ticket.id.clone()),
        // Only what sets what it sets goes again.
        redo: row.requests.may_redo(&step.id),
        stale: row.requests.stale.clone(),
        print: step.print.clone().map(|print| intended.on(print)),
        at: intended.at,
    }
}

/// Sends the steps of a row, whose first intent is durable.
pub(super) async fn send(context: Arc<RunContext>, mut row: Row, intended: Intended) -> Sent {
    let mut changes = Vec::new();
    let mut intended = intended;
    if let Some(name) = row.find.take()
        && let Some(end) = find(&context, &mut row, &name, &mut changes).await
    {
        return Sent { row, end, changes };
    }
    loop {
        let end = match file_or_step(&context, &mut row, intended, &mut changes).await {
            StepEnd::Done => None,
            // What is wrong with a file keeps nothing else of the row from being done.
            StepEnd::Ended(SentEnd::Refused(refusal))
                if brings_file(&row.requests.steps[row.next].id) =>
            {
                left_out(&mut row, &refusal);
                None
            }
            StepEnd::Ended(end) => Some(end),
        };
        if let Some(end) = end {
            return Sent { row, end, changes };
        }
        if row.next + 1 == row.requests.steps.len() {
            return Sent {
                row,
                end: SentEnd::Done,
                changes,
            };
        }
        row.next += 1;
        row.told = None;
        if context.waits_for_tickets.load(Ordering::Relaxed) && row.is_made() {
            let end = SentEnd::Later;
            return Sent { row, end, changes };
        }
        if row.is_tied() {
            let end = SentEnd::Tied;
            return Sent { row, end, changes };
        }
        intended = Intended::now(&context);
        changes.push(Change::Intend(intent(&row, intended)));
        let end = match context.run.apply(std::mem::take(&mut changes)).await {
            Ok(late) if late.is_empty() => continue,
            Ok(_) => SentEnd::Overtaken,
            Err(error) => SentEnd::Broken(error),
        };
        return Sent { row, end, changes };
    }
}

/// Looks up the ticket that the row is about; why it goes no further.
async fn find(
    context: &RunContext,
    row: &mut Row,
    name: &str,
    changes: &mut Vec<Change>,
) -> Option<SentEnd> {
    let compared = context.compared.get(name).copied();
    match look::find(context, name, compared).await {
        Ok(Find::Found(ticket)) => {
            row.ticket = Some(ticket);
            None
        }
        Ok(Find::Halted) => {
            changes.push(withdrawal(row));
            Some(SentEnd::Withdrawn)
        }
        Ok(Find::Changed) => {
            changes.push(withdrawal(row));
            Some(SentEnd::Changed)
        }
        Ok(Find::Nothing) => {
            let refusal = Refusal {
                status: 0,
                message: format!("there is no ticket `{name}`"),
                fields: Vec::new(),
            };
            Some(refused(context, row, refusal, SentEnd::Refused, changes))
        }
        Ok(Find::Another(message)) => {
            let refusal = Refusal {
                status: 0,
                message,
                fields: Vec::new(),
            };
            Some(refused(context, row, refusal, SentEnd::Refused, changes))
        }
        Ok(Find::Forbidden(refusal)) => {
            let end = |refusal| SentEnd::Forbidden {
                refusal,
                right: look::READING.to_owned(),
            };
            Some(refused(context, row, refusal, end, changes))
        }
        Err(error) if !look::stops(&error) => {
            let refusal = Refusal {
                status: 0,
                message: format!("the ticket `{name}` could not be read: {error}"),
                fields: Vec::new(),
            };
            Some(refused(context, row, refusal, SentEnd::Unread, changes))
        }
        Err(error) => {
            changes.push(withdrawal(row));
            Some(SentEnd::Stopped(error))
        }
    }
}

/// A row ends before its request leaves: nothing of it will be done.
fn refused(
    context: &RunContext,
    row: &Row,
    refusal: Refusal,
    end: impl FnOnce(Refusal) -> SentEnd,
    changes: &mut Vec<Change>,
) -> SentEnd {
    let trouble = Some(Trouble::Refused(refusal.clone()));
    changes.push(settled(context, row, State::Rejected, trouble));
    end(refusal)
}

enum StepEnd {
    Done,
    Ended(SentEnd),
}

/// Does one step; the file that it brings is copied to the disk first.
async fn file_or_step(
    context: &Arc<RunContext>,
    row: &mut Row,
    mut intended: Intended,
    changes: &mut Vec<Change>,
) -> StepEnd {
    let file = match files::ready(context, row).await {
        Ready::Other => None,
        Ready::Send(file) => {
            // The ledger is to know the file before it leaves.
            intended = Intended::now(context);
            match context.run.intend(vec![intent(row, intended)]).await {
                Ok(late) if late.is_empty() => Some(file),
                Ok(_) => return StepEnd::Ended(SentEnd::Overtaken),
                Err(error) => return StepEnd::Ended(SentEnd::Broken(error)),
            }
        }
        Ready::Done(warning) => {
            changes.push(settled_with(context, row, State::Done, None, None));
            row.sent_at = Some(intended);
            if let Some(ticket) = &mut row.ticket {
                ticket.warnings.extend(warning);
            }
            return StepEnd::Done;
        }
        Ready::Failed(refusal) => {
            let trouble = Some(Trouble::Refused(refusal.clone()));
            changes.push(settled(context, row, State::Rejected, trouble));
            return StepEnd::Ended(SentEnd::Refused(refusal));
        }
        Ready::Stopped(error) => return withdrawn(row, changes, SentEnd::Stopped(error)),
    };
    step(context, row, file.as_ref(), intended, changes).await
}

/// Sends one step until its answer means something else than *again*.
async fn step(
    context: &Arc<RunContext>,
    row: &mut Row,
    file: Option<&Spooled>,
    mut intended: Intended,
    changes: &mut Vec<Change>,
) -> StepEnd {
    let mut together = context.together(&row.requests.steps[row.next]);
    let mut way = Way::default();
    let mut pace = Pace::new(
        context
            .system
            .schema()
            .is_repeatable(call_of(&row.requests.steps[row.next].id.name)),
    );
    loop {
        let request = &row.requests.steps[row.next];
        let call = Call {
            step: call_of(&request.id.name),
            ticket: row.ticket.as_ref(),
            body: &request.body,
            id: context.identity(&row.key, &request.id, row.ticket.as_ref()),
            old_id: context.identity(&row.key, &request.id, None),
        };
        let mut answered: Answered = match (together, &row.ticket) {
            (Some((gather, name)), Some(ticket)) => {
                // What goes together sets what it sets or ends a ticket: nobody asks later when it was intended.
                match gather.join(context, name, call, ticket).await {
                    Taken::Answered(outcome) => outcome.into(),
                    Taken::Alone => {
                        together = None;
                        continue;
                    }
                    Taken::Halted => return withdrawn(row, changes, SentEnd::Withdrawn),
                }
            }
            _ => {
                let grace = if row.ticket.is_some() && !pace.has_waited {
                    GRACE
                } else {
                    Duration::ZERO
                };
                let Some(_slot) = context.permit(grace).await else {
                    return withdrawn(row, changes, SentEnd::Withdrawn);
                };
                match renew(context, row, intended).await {
                    Ok(Some(renewed)) => intended = renewed,
                    Ok(None) => return StepEnd::Ended(SentEnd::Overtaken),
                    Err(error) => return StepEnd::Ended(SentEnd::Broken(error)),
                }
                if row.makes_unmarked() {
                    context.tell(Signal::Left(row.base.ordinal));
                }
                match file {
                    Some(file) => {
                        let attach = context.system.attach(call, &file.facts, &mut way);
                        context.leave(attach).await
                    }
                    None => context.leave(context.system.perform(call, &mut way)).await,
                }
            }
        };
        if let Outcome::Forbidden(refusal) = &answered.outcome
            && refusal.status == 401
            && !context.admits().await
        {
            answered.outcome = Outcome::Denied(refusal.message.clone());
        }
        // What was under way when the computer fell asleep may have reached the system when it woke.
        if let Some(later) = intended.slept(context.now_at_the_latest()) {
            match context.run.intend(vec![intent(row, later)]).await {
                Ok(_) => intended = later,
                Err(error) => return StepEnd::Ended(SentEnd::Broken(error)),
            }
        }
        context.crash(crash::Place::BeforeOutcome);
        let worth = weigh(context, row, &answered, pace.repeatable, changes);
        let verdict = judge(&answered, worth, pace.repeatable);
        let accepts = accepts(&answered);
        let title = answered.title;
        let shape = answered.shape.filter(|_| !pace.repeatable);
        let shape = shape.map(|shape| shape.to_string());
        match (verdict, answered.outcome) {
            (Verdict::GoOn, _) => {}
            (Verdict::AfterPause, _) => {
                if shape.is_some() {
                    // It goes again without a look: duplicates of it are looked for at the end.
                    row.doubted |= row.ticket.is_none();
                    row.told = shape;
                }
                if let Err(error) = pace.throttled() {
                    return withdrawn(row, changes, SentEnd::Stopped(error));
                }
            }
            (Verdict::Unsent, Outcome::Unsent(what)) => match pace.unsent(context).await {
                Next::Again => {}
                Next::Halted => return withdrawn(row, changes, SentEnd::Withdrawn),
                Next::Enough => {
                    return withdrawn(row, changes, SentEnd::Stopped(unreachable_system(&what)));
                }
            },
            (Verdict::Repeat, Outcome::InDoubt(what)) => {
                // Its own answer says more than that to a request for many.
                together = None;
                pace.accepted = accepts && pace.accepted;
                let name = row.requests.steps[row.next].id.name.clone();
                let done = || Outcome::Done(row.ticket.clone().unwrap_or_default());
                if accepts && context.accepts(&name) {
                    return closed(context, row, intended, (done(), None, None), changes).await;
                }
                match pace.repeat(context).await {
                    Next::Again => {}
                    Next::Enough if pace.accepted => {
                        // The system never says more: what it was asked so often it has heard.
                        context.tell(Signal::Unproven(format!(
                            "{what} to `{}` each time it was sent: such answers count as done in this run, although \
                             they prove nothing; look at ticket `{}`",
                            call_of(&name),
                            row.ticket.as_ref().map_or("", |ticket| &ticket.id)
                        )));
                        context.accept(&name);
                        return closed(context, row, intended, (done(), None, None), changes).await;
                    }
                    Next::Halted | Next::Enough => {
                        changes.push(settled(
                            context,
                            row,
                            State::InDoubt,
                            Some(Trouble::Doubt(what.clone())),
                        ));
                        return StepEnd::Ended(SentEnd::Unclear(what));
                    }
                }
            }
            (Verdict::LookUp, outcome) => {
                let proven = worth == Worth::Sampled && !accepts;
                let said = said(row, outcome, accepts);
                return unproven(context, row, intended, said, (shape, proven), changes);
            }
            (Verdict::StopInDoubt, Outcome::Denied(what)) => {
                let said = Said::Denied(what.clone());
                let reason = said.told();
                changes.push(settled(context, row, State::InDoubt, said_so(shape, said)));
                return StepEnd::Ended(SentEnd::Denied {
                    error: denied(&what),
                    reason: format!("{reason}; the next run finds out whether it was made"),
                });
            }
            (_, outcome) => {
                return closed(context, row, intended, (outcome, shape, title), changes).await;
            }
        }
    }
}

/// Whether an answer is a success that does not say that anything was done.
fn accepts(answered: &Answered) -> bool {
    let is_success = |shape: &Shape| matches!(shape.status, 200..300);
    matches!(answered.outcome, Outcome::InDoubt(_))
        && answered.shape.as_ref().is_some_and(is_success)
}

/// What the shape of an answer is worth; it is counted. A step that may be repeated needs no proof, and what has no shape
/// was never sent.
fn weigh(
    context: &RunContext,
    row: &Row,
    answered: &Answered,
    repeatable: bool,
    changes: &mut Vec<Change>,
) -> Worth {
    let Some(shape) = answered.shape.as_ref().filter(|_| !repeatable) else {
        return Worth::Proven;
    };
    let shapes = context.system.shapes();
    let worth = shapes.weigh(shape);
    if worth != Worth::Unproven {
        let name = shape.to_string();
        let known = shapes.known(&name);
        changes.push(Change::Shape(name, known));
    }
    // What cannot be looked up is believed where the shape is proven.
    let can_be_looked_up = row.ticket.is_some() || row.requests.reference.is_some();
    match worth {
        Worth::Sampled if !can_be_looked_up => Worth::Proven,
        worth => worth,
    }
}

/// The trouble of an answer that is not believed as it stands.
fn said_so(shape: Option<String>, said: Said) -> Option<Trouble> {
    let shape = shape.unwrap_or_default();
    Some(Trouble::Said { shape, said })
}

/// What an answer says that is looked up.
fn said(row: &Row, outcome: Outcome, accepts: bool) -> Said {
    match outcome {
        Outcome::Rejected(refusal) => Said::Refused(refusal),
        Outcome::Forbidden(refusal) => Said::Refused(forbidden(row, refusal)),
        Outcome::InDoubt(what) if accepts => Said::Accepted(what),
        Outcome::InDoubt(what) => Said::Again(what),
        _ => Said::Again("the system answered 429: too fast".to_owned()),
    }
}

/// An answer that is looked up before it is believed.
fn unproven(
    context: &RunContext,
    row: &Row,
    intended: Intended,
    said: Said,
    (shape, proven): (Option<String>, bool),
    changes: &mut Vec<Change>,
) -> StepEnd {
    let trouble = said_so(shape.clone(), said.clone());
    changes.push(settled(context, row, State::InDoubt, trouble));
    StepEnd::Ended(SentEnd::Unproven {
        said,
        shape,
        proven,
        at: intended,
    })
}

fn denied(what: &str) -> Error {
    Error::new(
        ErrorKind::Denied,
        format!("the system does not let us do this: {what}"),
    )
    .hint("fix the token or its rights and run the same command again: it goes on where it was")
}

/// The refusal of a step at which a row stands, with the right that it needs.
fn forbidden(row: &Row, refusal: Refusal) -> Refusal {
    without_right(&right_of(&row.requests.steps[row.next].id.name), refusal)
}

/// Writes the intent anew when it has become too old for its request to leave; `None`: the step is done already.
async fn renew(context: &RunContext, row: &Row, intended: Intended) -> Result<Option<Intended>> {
    // Another computer may have gone on while this one slept.
    if intended.since.elapsed() <= INTENT_LASTS
        && intended.slept(context.now_at_the_latest()).is_none()
    {
        return Ok(Some(intended));
    }
    let renewed = Intended::now(context);
    let late = context.run.intend(vec![intent(row, renewed)]).await?;
    Ok(late.is_empty().then_some(renewed))
}

/// An answer that ends the step.
async fn closed(
    context: &RunContext,
    row: &mut Row,
    intended: Intended,
    (outcome, shape, title): (Outcome, Option<String>, Option<String>),
    changes: &mut Vec<Change>,
) -> StepEnd {
    let (to, trouble, end) = match outcome {
        Outcome::Done(ticket) => {
            let made = row.ticket.is_none();
            let title = title.filter(|_| made);
            let other = match title {
                Some(title) => titled_otherwise(context, row, &ticket, &title).await,
                None => None,
            };
            if let Some(answer) = other {
                changes.push(doubted(context, row, &answer));
                let at = intended;
                return StepEnd::Ended(SentEnd::Doubt { answer, at });
            }
            row.sent_at = Some(intended);
            if made && row.next + 1 == row.requests.steps.len() {
                // The engine compares it with those of other rows, many at once.
                row.named = true;
            } else if made {
                match foreign(context, row, &ticket).await {
                    Ok(None) => {}
                    Ok(Some(answer)) => {
                        changes.push(doubted(context, row, &answer));
                        let at = intended;
                        return StepEnd::Ended(SentEnd::Doubt { answer, at });
                    }
                    Err(error) => return StepEnd::Ended(SentEnd::Broken(error)),
                }
            }
            if made && row.alone {
                context.tell(Signal::Made(row.requests.group.clone()));
            }
            let change = settled_with(context, row, State::Done, made.then_some(&ticket), None);
            changes.push(change);
            match &mut row.ticket {
                Some(known) => known.warnings.extend(ticket.warnings),
                none => *none = Some(ticket),
            }
            return StepEnd::Done;
        }
        Outcome::Rejected(refusal) => (
            State::Rejected,
            Trouble::Refused(refusal.clone()),
            SentEnd::Refused(refusal),
        ),
        Outcome::Forbidden(refusal) => {
            let refusal = forbidden(row, refusal);
            let right = right_of(&row.requests.steps[row.next].id.name);
            (
                State::Rejected,
                Trouble::Refused(refusal.clone()),
                SentEnd::Forbidden { refusal, right },
            )
        }
        Outcome::InDoubt(answer) => (
            State::InDoubt,
            Trouble::Doubt(answer.clone()),
            SentEnd::Doubt {
                answer,
                at: intended,
            },
        ),
        Outcome::Denied(what) => {
            row.told = shape;
            return withdrawn(row, changes, SentEnd::Stopped(denied(&what)));
        }
        // The table sends these elsewhere.
        Outcome::Throttled(_) | Outcome::Unsent(_) | Outcome::Further => {
            return withdrawn(row, changes, SentEnd::Withdrawn);
        }
    };
    changes.push(settled(context, row, to, Some(trouble)));
    changes.extend(shape.map(|shape| told(row, shape, false)));
    StepEnd::Ended(end)
}

/// Why the ticket that the answer to a create shows is not the row's own, where it has another title than was sent. A system
/// may write titles otherwise, or give titles of its own: then the ticket is read, and tells whose it is by what it bears.
async fn titled_otherwise(
    context: &RunContext,
    row: &Row,
    ticket: &Ticket,
    title: &str,
) -> Option<String> {
    let print = row.requests.steps[row.next].print.as_ref()?;
    let name = ticket.number.as_ref().unwrap_or(&ticket.id);
    let other =
        format!("the system answered with ticket `{name}`, which has another title: `{title}`");
    let relation = print.title(title)?;
    match relation {
        Relation::Same => {
            context.knows_titles.store(true, Ordering::Relaxed);
            return None;
        }
        Relation::Other if context.knows_titles.load(Ordering::Relaxed) => return Some(other),
        Relation::Akin | Relation::Other => {}
    }
    match (read_back(context, row, print, ticket).await, relation) {
        (Some(true), Relation::Other) => None,
        (Some(true), _) => {
            context.knows_titles.store(true, Ordering::Relaxed);
            None
        }
        (Some(false), _) => Some(format!(
            "the system answered with ticket `{name}`, which bears the reference of another row"
        )),
        (None, Relation::Other) => Some(other),
        (None, _) => None,
    }
}

/// Whether a ticket that an answer names is the row's own, by its reference or its text; `None`: nothing tells.
async fn read_back(
    context: &RunContext,
    row: &Row,
    print: &Print,
    ticket: &Ticket,
) -> Option<bool> {
    let _slot = context.slot(GRACE).await?;
    let read = context
        .system
        .read_ticket(&ticket.id, context.limiter.as_ref());
    let Ok(Reading::Found(listed)) = read.await else {
        return None;
    };
    let field = field_of(&row.requests.group);
    let length = field.is_none().then_some(print.length);
    let refs = reference_in(&listed, field).of_length(length);
    let is_own = |reference: &String| refs.is(reference) && !refs.is_torn();
    let text = listed.text.as_deref().unwrap_or_default();
    let is_said = !print.text.is_empty() && print.is_text(text);
    match &row.requests.reference {
        Some(reference) if is_own(reference) || is_said => Some(true),
        None if is_said => Some(true),
        _ => refs.own().map(|_| false),
    }
}

/// Why the ticket that an answer names is not the row's own, where it is another one's.
async fn foreign(context: &RunContext, row: &Row, ticket: &Ticket) -> Result<Option<String>> {
    let owners = context.owners(vec![ticket.id.clone()]).await?;
    Ok(match owners.get(&ticket.id) {
        Some(owner) if !owner.is(&row.key) => Some(another(&ticket.id, owner)),
        _ => {
            let other = context.claim(&ticket.id, &row.key);
            other.map(|other| another(&ticket.id, &Owner::Row(other)))
        }
    })
}

/// The step at which a row stands is in doubt.
pub(super) fn doubted(context: &RunContext, row: &Row, answer: &str) -> Change {
    let trouble = Some(Trouble::Doubt(answer.to_owned()));
    settled(context, row, State::InDoubt, trouble)
}

/// In which shape the system said of the step at which a row stands that nothing was done.
fn told(row: &Row, shape: String, again: bool) -> Change {
    Change::Told {
        key: row.key.clone(),
        step: row.requests.steps[row.next].id.clone(),
        shape,
        again,
    }
}

/// Nothing of the step was done: it is pending again.
fn withdrawn(row: &Row, changes: &mut Vec<Change>, end: SentEnd) -> StepEnd {
    changes.push(withdrawal(row));
    changes.extend(row.told.clone().map(|shape| told(row, shape, true)));
    StepEnd::Ended(end)
}

fn withdrawal(row: &Row) -> Change {
    let step = row.requests.steps[row.next].id.clone();
    Change::Withdraw(row.key.clone(), step)
}

fn settled(context: &RunContext, row: &Row, to: State, trouble: Option<Trouble>) -> Change {
    settled_with(context, row, to, None, trouble)
}

fn settled_with(
    context: &RunContext,
    row: &Row,
    to: State,
    ticket: Option<&Ticket>,
    trouble: Option<Trouble>,
) -> Change {
    Change::Settle(Settlement {
        key: row.key.clone(),
        step: row.requests.steps[row.next].id.clone(),
        to,
        ticket: ticket.cloned(),
        trouble,
        doubted: row.doubted,
        at: context.now(),
    })
}

fn unreachable_system(what: &str) -> Error {
    if what.starts_with(NO_HANDLES) {
        return Error::machine(what)
            .hint("lower --concurrency or raise the limit (`ulimit -n`), and run the same command again: it goes on where it was");
    }
    Error::new(
        ErrorKind::Unreachable,
        format!("the system cannot be reached: {what}"),
    )
    .hint("run the same command again when it can be reached: it goes on where it was")
}

enum Next {
    Again,
    Halted,
    Enough,
}

/// How often one step has gone again, and why.
struct Pace {
    repeatable: bool,
    unsent: Backoff,
    repeat: Backoff,
    throttled: u32,
    has_waited: bool,
    /// Whether all answers so far were successes that say nothing.
    accepted: bool,
}

impl Pace {
    fn new(repeatable: bool) -> Self {
        Self {
            repeatable,
            unsent: Backoff::unsent(),
            repeat: Backoff::repeat(),
            throttled: 0,
            has_waited: false,
            accepted: true,
        }
    }

    fn throttled(&mut self) -> Result<()> {
        self.has_waited = true;
        self.throttled += 1;
        if self.throttled >= MOST_THROTTLED {
            return Err(Error::new(
                ErrorKind::System,
                format!("the system refused one request {MOST_THROTTLED} times as too fast"),
            )
            .hint(
                "run the same command again later, with a lower `--rate`: it goes on where it was",
            ));
        }
        Ok(())
    }

    async fn unsent(&mut self, context: &RunContext) -> Next {
        self.has_waited = true;
        after(context, self.unsent.next()).await
    }

    async fn repeat(&mut self, context: &RunContext) -> Next {
        self.has_waited = true;
        after(context, self.repeat.next()).await
    }
}

async fn after(context: &RunContext, wait: Option<Duration>) -> Next {
    match wait {
        None => Next::Enough,
        Some(wait) if context.wait(wait).await => Next::Again,
        Some(_) => Next::Halted,
    }
}
