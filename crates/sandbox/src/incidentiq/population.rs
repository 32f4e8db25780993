//! Tickets that stand there from the beginning, where some are asked for: the same ones each time.

use jiff::SignedDuration;

use serde_json::json;

use super::book::Book;
use super::state::State;
use super::ticket::{Activity, Ticket};
use crate::dice::Dice;
use crate::guid::Guid;
use crate::seed::Population;
use crate::seed::talk::{Remark, talk};

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

/// Adds the tickets of a population, oldest first.
pub(super) fn populate(state: &mut State, population: Population) {
    let mut dice = Dice::new(0x7f4a);
    for nth in 0..population.tickets {
        let ticket = made(&state.book.clone(), &mut dice, population, nth);
        let mut ticket = Ticket {
            id: state.next_ticket(),
            ..ticket
        };
        let earlier = state.tickets.last().map(|last| format!("#{}", last.number));
        let span = match ticket.closed {
            Some((ended, _)) => ended.duration_since(ticket.created),
            None => population.within(ticket.created, SignedDuration::from_hours(48)),
        };
        for remark in talk(nth, population.comments, span, &earlier.unwrap_or_default()) {
            let said = activity(state, &ticket, remark);
            ticket.modified = ticket.modified.max(said.at);
            ticket.activities.push(said);
        }
        state.take(ticket);
    }
}

fn activity(state: &State, ticket: &Ticket, remark: Remark) -> Activity {
    let nth = ticket.activities.len();
    let by = match (remark.by_asker, ticket.assignee) {
        (false, Some(agent)) => agent,
        (false, None) => 0,
        (true, _) => ticket.requestor,
    };
    let id = Guid::seeded("comment", &format!("{}/{nth}/0", ticket.id));
    Activity {
        id: Guid::nth(ticket.id, nth as u64),
        owner: by,
        is_public: remark.is_public,
        is_deleted: false,
        items: vec![json!({
            "$type": "Spark.Shared.Models.TicketActivityComment, Spark.Shared",
            "TicketActivityTypeId": 6,
            "TicketActivityCommentId": id,
            "ByUserId": state.book.district.users[by].id,
            "Comments": remark.text,
            "IsPublic": remark.is_public,
        })],
        at: ticket.created + remark.after,
    }
}

fn made(book: &Book, dice: &mut Dice, population: Population, nth: usize) -> Ticket {
    let at = population.at(nth);
    let district = &book.district;
    let subject = *dice.pick(&SUBJECTS);
    let requestor = dice.below(district.users.len());
    let is_to_close = dice.chance(0.7);
    let step = |is_closed: bool| {
        let steps = district.statuses.iter();
        let mut steps = steps
            .enumerate()
            .filter(|(_, one)| one.is_closed == is_closed);
        steps.next().map_or(0, |(step, _)| step)
    };
    let hours = i64::try_from(1 + dice.below(LONGEST)).unwrap_or(1);
    let open = SignedDuration::from_hours(hours);
    let ended = at + open;
    let is_closed = is_to_close && population.within(at, open) == open;
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
