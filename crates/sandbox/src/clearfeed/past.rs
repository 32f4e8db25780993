//! The requests that are there from the beginning.

use jiff::{SignedDuration, Timestamp};

use super::requests::{Message, Request};
use super::{FIRST_ID, PAST};
use crate::dice::Dice;
use crate::seed::support::Past;
use crate::seed::talk::talk;
use crate::seed::{Population, Support};

/// One in so many of the seeded requests is a message that nobody has taken for a request.
const STRAY: u64 = 10;

/// How many requests are always there.
const FEW: usize = 40;

/// The requests that were there before.
pub(super) fn seeded(support: &Support, population: Population) -> Vec<Request> {
    let start: Timestamp = match population.until {
        None => PAST.parse().expect("a constant time"),
        Some(_) => population.begins() - SignedDuration::from_hours(FEW as i64),
    };
    let mut dice = Dice::new(0x51ed);
    let further = (0..population.tickets).map(|nth| {
        let past = &support.past[dice.below(support.past.len())];
        let mut request = seeded_request(support, past, population.at(nth));
        if dice.chance(0.7) {
            let hours = i64::try_from(1 + dice.below(240)).unwrap_or(1);
            let open = SignedDuration::from_hours(hours);
            if population.within(request.created, open) == open {
                request.state = "closed";
                request.updated = request.created + open;
            }
        }
        converse(&mut request, nth, population);
        request
    });
    let few = (0_i64..)
        .zip(&support.past)
        .map(|(n, past)| seeded_request(support, past, start + SignedDuration::from_hours(n)));
    let all = few.chain(further);
    (FIRST_ID..)
        .zip(all)
        .map(|(id, request)| Request {
            id,
            is_stray: id % STRAY == 3,
            ..request
        })
        .collect()
}

/// What was said on the nth request.
fn converse(request: &mut Request, nth: usize, population: Population) {
    let span = match request.state {
        "closed" => request.updated.duration_since(request.created),
        _ => population.within(request.created, SignedDuration::from_hours(48)),
    };
    // A request of the same population.
    let earlier = match nth.checked_sub(1) {
        Some(before) => format!("CF-{}", FIRST_ID + (FEW + before) as u64),
        None => String::new(),
    };
    for remark in talk(nth, population.comments, span, &earlier) {
        let at = request.created + remark.after;
        request.updated = request.updated.max(at);
        request.messages.push(Message {
            text: remark.text,
            author: match remark.by_asker {
                true => request.author,
                false => request.assignee.or(Some(0)),
            },
            is_responder: !remark.by_asker,
            is_private: !remark.is_public,
            at,
        });
    }
}

/// A request of the past.
fn seeded_request(support: &Support, past: &Past, at: Timestamp) -> Request {
    let author = &support.people[past.author];
    Request {
        author: Some(past.author),
        author_email: Some(author.email.clone()),
        assignee: past.assignee,
        ..Request::new(&past.title, &past.description, past.collection, at)
    }
}
