//! The dry run: the same plans with the sending left out; where it is asked for, the tickets are read that they are
//! about, several at once, to tell what would change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use super::engine::{stopping, take};
use super::foresee::Foresight;
use super::look::READING;
use super::plan::{Plan, Request, Row, RowHeader, ready_end};
use super::prepare::Feed;
use super::retry::Backoff;
use super::totals::{Fold, Totals};
use super::{Limiter, Settings, Shutdown, Stop};
use crate::error::{ErrorKind, Fault, Result};
use crate::event::End;
use crate::ledger::RunState;
use crate::mapping::MapRows;
use crate::systems::common::CommonTicket;
use crate::systems::diff::{Diff, deeds};
use crate::systems::{StepPayload, System, Ticket};

/// Takes the plans and tells what each would become.
pub(super) async fn rehearse(
    mut feed: Feed<'_>,
    settings: &Settings,
    Rehearsal {
        differ,
        mut foresight,
    }: Rehearsal<'_>,
    stop: Stop,
    mut fold: Fold<'_>,
    started: Instant,
) -> Totals {
    let mut left = settings.limit;
    let mut stop = Some(stop);
    fold.totals.state = RunState::Finished;
    loop {
        let batch = tokio::select! {
            biased;
            going = stopping(&mut stop) => {
                if going > Shutdown::None {
                    fold.totals.state = RunState::Interrupted;
                    break;
                }
                continue;
            }
            batch = feed.next() => batch,
        };
        match batch {
            None => break,
            Some(Err(error)) => {
                fold.totals.state = RunState::Stopped;
                fold.totals.stopped = Some(error);
                break;
            }
            Some(Ok(plans)) => {
                let most = plans.len();
                let taken: Vec<Plan> = (plans.into_iter())
                    .take_while(|plan| take(&mut left, plan))
                    .collect();
                let is_over = taken.len() < most;
                let mut tell = |(base, end)| {
                    if let Some((base, end)) = foresight.pass(base, end) {
                        fold.end(base, end);
                    }
                };
                let told = match &differ {
                    None => {
                        taken.into_iter().map(rehearsed).for_each(tell);
                        Ok(Shutdown::None)
                    }
                    Some(differ) => {
                        let most = settings.concurrency.max(1);
                        differ.tell(taken, most, &mut stop, &mut tell).await
                    }
                };
                match told {
                    Ok(Shutdown::None) => {}
                    Ok(_) => {
                        fold.totals.state = RunState::Interrupted;
                        break;
                    }
                    Err(error) => {
                        fold.totals.state = RunState::Stopped;
                        fold.totals.stopped = Some(error);
                        break;
                    }
                }
                if is_over {
                    break;
                }
            }
        }
    }
    let rest = match fold.totals.state {
        RunState::Finished => foresight.rest().await,
        _ => Ok(foresight.give_up()),
    };
    match rest {
        Ok(rest) => rest.into_iter().for_each(|(base, end)| fold.end(base, end)),
        Err(error) => {
            fold.totals.state = RunState::Stopped;
            fold.totals.stopped = Some(error);
        }
    }
    fold.finish(started.elapsed())
}

/// What a dry run does besides making the plans.
pub(super) struct Rehearsal<'a> {
    /// Where the tickets are to be read that would change.
    pub(super) differ: Option<Differ<'a>>,
    pub(super) foresight: Foresight,
}

/// What tells how the tickets would change.
pub(super) struct Differ<'a> {
    pub(super) map: &'a dyn MapRows,
    pub(super) system: Arc<dyn System>,
    pub(super) limiter: Arc<Limiter>,
    /// How many more tickets are read.
    pub(super) left: AtomicUsize,
}

impl Differ<'_> {
    /// Tells what becomes of a batch, in order, with so many tickets read at once.
    async fn tell(
        &self,
        plans: Vec<Plan>,
        most: usize,
        stop: &mut Option<Stop>,
        tell: &mut impl FnMut((RowHeader, End)),
    ) -> Result<Shutdown> {
        let ended = stream::iter(plans).map(|plan| self.look(plan));
        let mut ended = std::pin::pin!(ended.buffered(most));
        loop {
            let one = tokio::select! {
                biased;
                going = stopping(stop) => match going {
                    Shutdown::None => continue,
                    going => return Ok(going),
                },
                one = ended.next() => one,
            };
            match one.transpose()? {
                Some(end) => tell(end),
                None => return Ok(Shutdown::None),
            }
        }
    }

    /// The end of a plan, with the ticket read that it would change.
    async fn look(&self, plan: Plan) -> Result<(RowHeader, End)> {
        let about = match &plan {
            // A ticket that is there already, whatever of the row is still to be done.
            Plan::Send(row) => row.ticket.clone(),
            _ => None,
        };
        let (base, mut end) = rehearsed(plan);
        let (Some(about), End::Ready { payloads, diff, .. }, Some(key)) =
            (about, &mut end, &base.key)
        else {
            return Ok((base, end));
        };
        let one_less = |left: usize| left.checked_sub(1);
        let taken = (self.left).fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        if taken.is_err() {
            return Ok((base, end));
        }
        let found = match read(&self.system, &self.limiter, &about.id).await? {
            Ok(found) => found,
            Err(unread) => {
                let name = about.number.as_ref().unwrap_or(&about.id);
                let fault = Fault::row(base.place.clone(), unread.told(name));
                return Ok((base, End::Rejected(vec![fault])));
            }
        };
        let ticket = Ticket {
            id: found.id.clone(),
            number: found.number.clone(),
            url: found.url.clone(),
            warnings: Vec::new(),
        };
        let fields = self.map.differences(&base.rows, key, payloads, found);
        let then = deeds(self.system.schema(), payloads);
        *diff = Some(Box::new(Diff {
            ticket,
            fields,
            then,
        }));
        Ok((base, end))
    }
}

/// Why there is no ticket to compare with, where that is the fault of its row.
pub(super) enum Unread {
    /// There is none.
    Gone,
    /// The system answered with another ticket: what is said of that.
    Another(String),
    /// The token may not read this one: what was answered.
    Forbidden(String),
}

impl Unread {
    /// What the row is told that calls the ticket by `name`.
    fn told(self, name: &str) -> String {
        match self {
            Self::Gone => format!("there is no ticket `{name}`"),
            Self::Another(why) => why,
            Self::Forbidden(why) => format!("the token has no right to {READING}: {why}"),
        }
    }
}

/// Reads a ticket, again where that fails.
///
/// # Errors
/// Where nothing more will go through.
pub(super) async fn read(
    system: &Arc<dyn System>,
    limiter: &Limiter,
    name: &str,
) -> Result<std::result::Result<CommonTicket, Unread>> {
    let mut backoff = Backoff::repeat();
    loop {
        let error = match system.ticket_fields(name, limiter).await {
            Ok(Some(found)) => return Ok(Ok(found)),
            Ok(None) => return Ok(Err(Unread::Gone)),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::Refused => return Ok(Err(Unread::Another(error.to_string()))),
            // One ticket that may not be read says nothing about the others.
            ErrorKind::Denied if system.admits(limiter).await => {
                return Ok(Err(Unread::Forbidden(error.to_string())));
            }
            ErrorKind::Denied => return Err(error),
            _ => match backoff.next() {
                Some(wait) => sleep(wait).await,
                None => return Err(error),
            },
        }
    }
}

/// Whether nobody knows whether a step was done. What the system refused before, or what may follow on a ticket that was
/// adopted, is looked up too, but it is no doubt: it would be done.
fn is_in_doubt(row: &Row) -> bool {
    let settled = |request: &Request| request.soft.as_ref().is_some_and(|soft| soft.settled);
    row.in_doubt().is_some_and(|(request, _)| !settled(request))
}

fn rehearsed(plan: Plan) -> (RowHeader, End) {
    match plan {
        Plan::End(base, end) => (base, end),
        Plan::Send(row) if is_in_doubt(&row) => {
            let step = row.in_doubt().map(|(request, _)| request.id.name.clone());
            let reason = format!(
                "an earlier run did not learn whether `{}` was done: the next run that sends finds out",
                step.unwrap_or_default()
            );
            (row.base, End::InDoubt { reason })
        }
        Plan::Send(row) => {
            // Of a ticket that is there only what is open is known here.
            let is_new = row.next == 0 && !row.updates && !row.known;
            let left = row.requests.left.filter(|_| is_new);
            let open = row.requests.steps.into_iter().skip(row.next);
            let mut base = row.base;
            let payloads = open.map(|request| {
                base.named.extend(request.ties);
                StepPayload {
                    step: request.id.name.into(),
                    ordinal: request.id.ordinal,
                    body: request.body,
                }
            });
            let end = ready_end(
                payloads.collect(),
                row.requests.fallbacks,
                left,
                (row.updates, row.known),
            );
            (base, end)
        }
        Plan::Settle(doubtful) => (
            doubtful.base,
            End::InDoubt {
                reason: format!(
                    "run {} did not learn whether it was made: the next run that sends finds out",
                    doubtful.doubt.run
                ),
            },
        ),
    }
}
