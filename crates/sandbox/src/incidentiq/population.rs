//! Tickets that stand there from the beginning, where some are asked for: the same ones each time.

use jiff::{SignedDuration, Timestamp};

use super::book::Book;
use super::state::State;
use super::ticket::Ticket;
use crate::dice::Dice;
use crate::seed::POPULATED;

const SUBJECTS: [&str; 8] = [
    "Projector shows no picture",
    "Chromebook does not charge",
    "Cannot print to the library",
    "Password has expired",
    "Wi-Fi drops in the gym",
    "New colleague needs an account",
    "Keyboard lacks two keys",
    "Grade book does not open",
];

/// How many hours a closed ticket was open at most.
const LONGEST: usize = 240;

/// Adds so many tickets, made evenly over the time of the population, oldest first.
pub(super) fn populate(state: &mut State, count: usize) {
    let mut dice = Dice::new(0x7f4a);
    for nth in 0..count {
        let ticket = made(&state.book.clone(), &mut dice, POPULATED.at(nth, count));
        state.take(Ticket {
            id: state.next_ticket(),
            ..ticket
        });
    }
}

fn made(book: &Book, dice: &mut Dice, at: Timestamp) -> Ticket {
    let district = &book.district;
    let subject = *dice.pick(&SUBJECTS);
    let requestor = dice.below(district.users.len());
    let is_closed = dice.chance(0.7);
    let step = |is_closed: bool| {
        let steps = district.statuses.iter();
        let mut steps = steps
            .enumerate()
            .filter(|(_, one)| one.is_closed == is_closed);
        steps.next().map_or(0, |(step, _)| step)
    };
    let hours = i64::try_from(1 + dice.below(LONGEST)).unwrap_or(1);
    let ended = at + SignedDuration::from_hours(hours);
    let agent = dice.below(10);
    Ticket {
        modified: if is_closed { ended } else { at },
        closed: is_closed.then_some((ended, agent)),
        subject: subject.to_owned(),
        description: Some(format!(
            "{subject}. It began this week and keeps coming back; restarting did not help."
        )),
        requestor,
        owner: requestor,
        assignee: dice.chance(0.8).then_some(agent),
        team: dice.chance(0.8).then(|| dice.below(district.teams.len())),
        location: district.users[requestor].location,
        issue: dice.below(district.issues.len()),
        step: step(is_closed),
        step_before: step(false),
        priority: i64::try_from(30 + dice.below(140)).unwrap_or(100),
        ..Ticket::blank(at)
    }
}
