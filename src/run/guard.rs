//! What a later pass would set on tickets that an earlier one has made. People may have changed these since, so each is
//! read before something is set on it: once when the pass is compared with the desk, and once more before its first request
//! is intended, which may be hours later.

use jiff::{SignedDuration, Timestamp};

use super::known::is_whole;
use super::plan::{Plan, Planner, Request, Row};
use super::prepare::{absent, keys, leave_unknown};
use crate::error::Result;
use crate::intake::Item;
use crate::ledger::{Scope, State, StepId, StepRecord};
use crate::mapping::MapRows;
use crate::record::{Place, Record, RowKey};
use crate::systems::sighting::OBEYED;
use crate::systems::{CREATE, Operation, Ticket, call_of, is_own_step};

/// A record of which something would be set on a ticket that an earlier pass has made.
#[derive(Debug)]
pub(crate) struct Overwrite {
    pub(crate) place: Place,
    pub(crate) key: RowKey,
    pub(crate) rows: Vec<Record>,
    /// The keys that it names and that nothing has.
    pub(crate) absent: Vec<RowKey>,
    pub(crate) ticket: Ticket,
    /// The steps that would set something, in order.
    pub(crate) steps: Vec<StepId>,
    /// When something was last sent to the ticket.
    pub(crate) sent_at: Timestamp,
    /// A change of the ticket up to this moment may be our own.
    pub(crate) ours_until: Timestamp,
}

/// Those of these records that would set something on tickets that people may have changed. `slack`: see
/// [`super::Settings::guards`].
///
/// # Errors
/// When the ledger cannot be read.
pub(crate) async fn overwrites(
    mut items: Vec<Item>,
    map: &dyn MapRows,
    scope: &Scope,
    retry: bool,
    slack: SignedDuration,
) -> Result<Vec<Overwrite>> {
    let named = scope.states(absent(&items)).await?;
    leave_unknown(&mut items, named);
    let mut prior = scope.states(keys(&items)).await?.into_iter();
    let planner = Planner {
        guards: Some(slack),
        retry,
        taking_back: scope.taking_back().await?,
        ..Planner::of(map)
    };
    let mut found = Vec::new();
    for item in items {
        let prior = match &item.subject {
            crate::intake::Subject::Keyed(_) => prior.next().unwrap_or_default(),
            _ => continue,
        };
        if !is_made(&prior) {
            continue;
        }
        let Plan::Send(row) = planner.plan(item, &prior) else {
            continue;
        };
        let row = *row;
        let sent_at = prior.iter().filter_map(|step| step.sent_at).max();
        let (Some(ours_until), Some(sent_at)) = (row.ours_until, sent_at) else {
            continue;
        };
        let steps = setting(&row.requests.steps[row.next..]);
        found.push(Overwrite {
            steps: steps.cloned().collect(),
            place: row.base.place,
            key: row.key,
            rows: row.base.rows,
            absent: row.base.absent,
            ticket: row.ticket.unwrap_or_default(),
            sent_at,
            ours_until,
        });
    }
    Ok(found)
}

impl Planner<'_> {
    /// Up to when changes of a row's ticket may be our own; `None` where these steps set nothing on it, or the row is one
    /// that an attempt was cut off while it made the ticket.
    pub(super) fn ours_until(&self, steps: &[Request], prior: &[StepRecord]) -> Option<Timestamp> {
        let slack = self.guards?;
        let was_set = |step: &StepRecord| {
            let is_it = !is_own_step(&step.id.name) && sets(&step.id) && step.state == State::Done;
            is_it || step.state == State::Rejected
        };
        let is_older = is_whole(prior) || prior.iter().any(was_set);
        setting(steps).next().filter(|_| is_older)?;
        prior.iter().filter_map(|step| until(step, slack)).max()
    }
}

impl Row {
    /// The ticket that is to be read before the row's next request is intended, and up to when changes of it may be our own.
    /// What is in doubt is looked up first: it may have changed the ticket.
    pub(super) fn guarded(&self) -> Option<(&Ticket, Timestamp)> {
        let until = self.ours_until.filter(|_| self.in_doubt().is_none())?;
        Some((self.ticket.as_ref()?, until))
    }
}

/// Up to when a change may be what came of this step.
fn until(step: &StepRecord, slack: SignedDuration) -> Option<Timestamp> {
    // What was answered was done when the answer came.
    let slack = match step.state == State::Done && !step.doubted {
        true => slack.min(OBEYED),
        false => slack,
    };
    Some(step.sent_at?.checked_add(slack).unwrap_or(Timestamp::MAX))
}

fn setting(steps: &[Request]) -> impl Iterator<Item = &StepId> {
    steps.iter().map(|step| &step.id).filter(|id| sets(id))
}

/// Whether a step sets something that people may have set otherwise; the others only add to the ticket.
fn sets(step: &StepId) -> bool {
    !matches!(
        Operation::parse(call_of(&step.name)),
        Some(Operation::Create | Operation::Comment | Operation::Subtask | Operation::Attach)
    )
}

fn is_made(prior: &[StepRecord]) -> bool {
    (prior.iter()).any(|step| step.id.name == CREATE && step.state == State::Done)
}
