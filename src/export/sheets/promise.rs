//! How one promise stands: by the system's clock, else by the due date.

use jiff::Timestamp;

use super::facts::Facts;
use crate::systems::common::{Clock, CommonTicket};

/// From this part of its promised time on, an open ticket is at risk.
pub(super) const RISK: f64 = 0.8;

/// How one promise stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum State {
    Kept,
    /// By so many minutes, where that is known.
    Broken(Option<f64>),
    /// The part of the time that is over, and the minutes that are left, where these are known.
    Running(Option<(f64, f64)>),
}

/// How the promise of a first response stands; `None`: nothing was promised.
pub(super) fn response(facts: &Facts<'_>) -> Option<State> {
    let clock = facts.ticket.service.as_ref()?.response.as_ref()?;
    by_clock(clock, facts.is_open)
}

/// How the promise of a solution stands, and whether the due date says so.
pub(super) fn solution(facts: &Facts<'_>, now: Timestamp) -> Option<(State, bool)> {
    let service = facts.ticket.service.as_ref();
    let clock = service.and_then(|service| service.resolution.as_ref());
    let by_clock = clock.and_then(|clock| by_clock(clock, facts.is_open));
    let by_due = by_due(facts.ticket, facts.is_open, now);
    match (by_clock, by_due) {
        // Of a clock that nobody shows the due date says more.
        (None | Some(State::Running(None)), Some(state)) => Some((state, true)),
        (state, _) => Some((state?, false)),
    }
}

/// How a clock stands; `None`: it never ran.
fn by_clock(clock: &Clock, is_open: bool) -> Option<State> {
    let over = clock
        .target
        .zip(clock.minutes)
        .map(|(target, took)| took - target);
    let is_broken = clock.is_breached.or(over.map(|over| over > 0.0));
    if is_broken == Some(true) {
        return Some(State::Broken(over.filter(|over| *over > 0.0)));
    }
    let is_running = clock
        .is_running
        .unwrap_or(is_open && clock.minutes.is_none());
    if is_running {
        let used = clock
            .target
            .filter(|target| *target > 0.0)
            .zip(clock.minutes);
        // Without a target nothing was promised.
        clock.target?;
        return Some(State::Running(
            used.map(|(target, took)| (took / target, target - took)),
        ));
    }
    // A clock that stopped without a word on the promise had none.
    is_broken.map(|_| State::Kept)
}

/// How the due date stands; `None`: there is none, or nobody tells when the ticket closed.
fn by_due(ticket: &CommonTicket, is_open: bool, now: Timestamp) -> Option<State> {
    let due = ticket.due?;
    let minutes =
        |from: Timestamp, to: Timestamp| (to.as_second() - from.as_second()) as f64 / 60.0;
    let end = if is_open { now } else { ticket.closed? };
    if end > due {
        return Some(State::Broken(Some(minutes(due, end))));
    }
    if !is_open {
        return Some(State::Kept);
    }
    let used = ticket
        .created
        .map(|created| minutes(created, due))
        .filter(|whole| *whole > 0.0);
    Some(State::Running(used.map(|whole| {
        let left = minutes(now, due);
        (1.0 - left / whole, left)
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sheets::made::{basis, tickets};
    use crate::systems::Standing;
    use crate::systems::common::Service;

    #[test]
    fn the_due_date_stands_for_a_clock_that_is_not_shown() {
        let basis = basis(None);
        let mut ticket = tickets(1).remove(0);
        (ticket.standing, ticket.closed) = (Standing::Open, None);
        let hour = jiff::SignedDuration::from_hours(1);
        ticket.created = Some(basis.now - hour * 9);
        ticket.due = Some(basis.now - hour);
        let mut service = Service::default();
        let clock = |minutes| {
            Some(Clock {
                target: Some(600.0),
                minutes,
                is_running: None,
                is_breached: None,
            })
        };
        let mut stands = |minutes| {
            service.resolution = clock(minutes);
            ticket.service = Some(service.clone());
            solution(&Facts::of(&ticket, &basis, true), basis.now)
        };
        assert_eq!(stands(None), Some((State::Broken(Some(60.0)), true)));
        assert_eq!(
            stands(Some(700.0)),
            Some((State::Broken(Some(100.0)), false))
        );
        ticket.due = None;
        let facts = Facts::of(&ticket, &basis, true);
        assert_eq!(
            solution(&facts, basis.now).map(|(_, by_due)| by_due),
            Some(false)
        );
    }

    #[test]
    fn a_clock_says_how_its_promise_stands() {
        let clock = |target, minutes, is_running, is_breached| Clock {
            target,
            minutes,
            is_running,
            is_breached,
        };
        for (clock, is_open, stands) in [
            (
                clock(Some(60.0), Some(70.0), Some(false), None),
                false,
                Some(State::Broken(Some(10.0))),
            ),
            (
                clock(Some(60.0), Some(60.0), Some(false), None),
                false,
                Some(State::Kept),
            ),
            (
                clock(Some(60.0), Some(48.0), Some(true), None),
                true,
                Some(State::Running(Some((0.8, 12.0)))),
            ),
            (
                clock(None, Some(30.0), None, Some(true)),
                true,
                Some(State::Broken(None)),
            ),
            (
                clock(None, Some(30.0), None, Some(false)),
                true,
                Some(State::Kept),
            ),
            (
                clock(Some(60.0), None, None, None),
                true,
                Some(State::Running(None)),
            ),
            (clock(None, Some(30.0), None, None), false, None),
            (clock(None, None, None, None), true, None),
        ] {
            assert_eq!(by_clock(&clock, is_open), stands, "{clock:?}");
        }
    }
}
