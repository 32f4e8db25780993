//! What a write does, decided before any of it is done: the same code obeys a request and, at the next start, the
//! line that the journal kept of it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::files::File;
use super::state::{Group, Job, State};
use super::ticket::{Logged, Ticket};
use super::{
    activities, approvals, assign, create, files, next_steps, reference, subtasks, update, workflow,
};
use super::{bulk, followers};
use crate::guid::Guid;
use crate::reply::Refusal;
use crate::seed::District;

/// One write as the journal keeps it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) operation: &'a str,
    /// What it is about: nearly always a ticket.
    pub(super) target: Guid,
    pub(super) body: &'a Value,
    pub(super) at: Timestamp,
    /// Whose token it came with.
    pub(super) by: usize,
    /// Whether an update blanks what it leaves out.
    pub(super) blanking: bool,
}

/// One thing that a write does.
#[derive(Debug)]
pub(super) enum Effect {
    New(Box<Ticket>),
    Changed(Box<Ticket>),
    File(Arc<File>),
    /// It is there no more, nor on any ticket.
    FileDeleted(Guid),
    Job(Job),
    Group(Group),
    /// The reference data after it.
    District(Box<District>),
}

/// How an operation is decided.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deed {
    /// It changes the one ticket that it is about; the type of the activity that the timeline shows of it
    /// (contract §11), and its words.
    Ticket(
        u8,
        &'static str,
        fn(&State, &Order<'_>, &mut Ticket) -> Result<(), Refusal>,
    ),
    /// Anything else. No effects: it was done before.
    Any(fn(&State, &Order<'_>) -> Result<Vec<Effect>, Refusal>),
}

/// The operations of one section, by the names that the audit tells.
pub(super) type Deeds = &'static [(&'static str, Deed)];

const ALL: [Deeds; 12] = [
    create::DEEDS,
    update::DEEDS,
    assign::DEEDS,
    workflow::DEEDS,
    approvals::DEEDS,
    next_steps::DEEDS,
    activities::DEEDS,
    followers::DEEDS,
    subtasks::DEEDS,
    bulk::DEEDS,
    files::DEEDS,
    reference::DEEDS,
];

/// What a write would do.
///
/// # Errors
/// When it may not be done: then nothing of it is.
pub(super) fn decide(state: &State, order: &Order<'_>) -> Result<Vec<Effect>, Refusal> {
    let deed = ALL
        .iter()
        .flat_map(|deeds| deeds.iter())
        .find(|(name, _)| *name == order.operation);
    let (_, deed) = deed.ok_or_else(|| {
        let message = format!("There is no operation {}.", order.operation);
        Refusal::new(400, message)
    })?;
    match deed {
        Deed::Any(decide) => decide(state, order),
        Deed::Ticket(kind, what, change) => {
            let mut ticket = state.ticket(order.target)?.clone();
            ticket.modified = order.at;
            change(state, order, &mut ticket)?;
            ticket.log.push(Logged {
                kind: *kind,
                at: order.at,
                by: order.by,
                what,
            });
            Ok(vec![Effect::Changed(Box::new(ticket))])
        }
    }
}
