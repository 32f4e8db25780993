//! The requests that are there from the beginning.

use jiff::Timestamp;

use super::requests::Request;
use super::{FIRST_ID, PAST};
use crate::dice::Dice;
use crate::seed::support::Past;
use crate::seed::{POPULATED, Support};

/// One in so many of the seeded requests is a message that nobody has taken for a request.
const STRAY: u64 = 10;

/// The requests that were there before, all of a fixed past.
pub(super) fn seeded(support: &Support, tickets: usize) -> Vec<Request> {
    let start: Timestamp = PAST.parse().expect("a constant time");
    let mut dice = Dice::new(0x51ed);
    let further = (0..tickets).map(|nth| {
        let past = &support.past[dice.below(support.past.len())];
        let mut request = seeded_request(support, past, POPULATED.at(nth, tickets));
        if dice.chance(0.7) {
            let hours = i64::try_from(1 + dice.below(240)).unwrap_or(1);
            request.state = "closed";
            request.updated = request.created + jiff::SignedDuration::from_hours(hours);
        }
        request
    });
    let few = (0_i64..).zip(&support.past).map(|(n, past)| {
        seeded_request(support, past, start + jiff::SignedDuration::from_hours(n))
    });
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
