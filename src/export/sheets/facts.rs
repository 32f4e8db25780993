//! What every sheet wants to know of a ticket, worked out once.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::Basis;
use crate::systems::Standing;
use crate::systems::common::CommonTicket;

/// A ticket that is counted, with its times in the zone of the analysis.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) ticket: &'a CommonTicket,
    /// Whether the file lists it: it is in the period.
    pub(super) is_listed: bool,
    pub(super) is_open: bool,
    pub(super) created: Option<DateTime>,
    /// When it was closed; one that was opened again is not.
    pub(super) closed: Option<DateTime>,
    /// The same as a moment.
    pub(super) closed_at: Option<Timestamp>,
    /// Open and past its due date.
    pub(super) is_overdue: bool,
    /// How long it took to resolve, where that is known.
    pub(super) resolved: Option<Resolved>,
    /// The day on which it was read.
    today: Date,
}

/// How long something took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) seconds: u32,
    /// Whether the system's own clock says so, which may count working hours only.
    pub(super) by_clock: bool,
}

impl<'a> Facts<'a> {
    pub(super) fn of(ticket: &'a CommonTicket, basis: &Basis, is_listed: bool) -> Self {
        let local = |at: Timestamp| basis.zone.to_datetime(at);
        let is_open = ticket.standing == Standing::Open;
        let closed = ticket.closed.filter(|_| !is_open);
        Self {
            ticket,
            is_listed,
            is_open,
            created: ticket.created.map(local),
            closed: closed.map(local),
            closed_at: closed,
            is_overdue: is_open && ticket.due.is_some_and(|due| due < basis.now),
            resolved: resolved(ticket, closed),
            today: basis.today(),
        }
    }

    pub(super) fn label(named: Option<&'a crate::systems::common::Named>) -> &'a str {
        named.map_or("", |named| named.label())
    }

    /// Whether it was created on this day or later; what is dated in the future was not yet.
    pub(super) fn created_since(&self, day: Date) -> bool {
        self.is_since(self.created, day)
    }

    /// The same for its closing.
    pub(super) fn closed_since(&self, day: Date) -> bool {
        self.is_since(self.closed, day)
    }

    fn is_since(&self, at: Option<DateTime>, day: Date) -> bool {
        at.is_some_and(|at| at.date() >= day && at.date() <= self.today)
    }
}

fn resolved(ticket: &CommonTicket, closed: Option<Timestamp>) -> Option<Resolved> {
    if let (Some(created), Some(closed)) = (ticket.created, closed) {
        // A ticket that closes before it is made was given its times by hand.
        let seconds = u32::try_from(closed.as_second() - created.as_second()).ok()?;
        return Some(Resolved {
            seconds,
            by_clock: false,
        });
    }
    let clock = ticket.service.as_ref()?.resolution.as_ref()?;
    let is_over = ticket.standing == Standing::Closed && clock.is_running != Some(true);
    Some(Resolved {
        seconds: seconds(clock.minutes.filter(|_| is_over)?)?,
        by_clock: true,
    })
}

/// Minutes as seconds; below nothing is no time.
pub(super) fn seconds(minutes: f64) -> Option<u32> {
    let seconds = (minutes * 60.0).round();
    (seconds >= 0.0 && seconds <= f64::from(u32::MAX)).then_some(seconds as u32)
}
