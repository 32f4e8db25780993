//! What the ledger knows of the steps that a row would take now. A step is known by its name and ordinal; where rows or
//! the mapping's `[[then]]` have changed since, the same bytes may stand under another name: what makes something is
//! then known by them, so that nothing is made a second time.

use jiff::Timestamp;
use serde_json::Value;

use super::plan::{Request, Requests, Soft};
use crate::ledger::{SUSPECT, State, StepId, StepRecord, Trouble, UNKNOWN_CONTENT};
use crate::systems::{CREATE, SentAt, call_of, is_update_step};

/// What is to become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is sent, after a look where it is in doubt.
    Open,
    /// It is done.
    Done,
    /// What the ledger knows in its place is something else, and cannot be done over: which step.
    Other(usize),
}

/// Leaves the requests that are still to be sent, and marks those that must be looked up first. The create is left
/// alone. Returns the step that stands in the way where a request was done, or perhaps done, as something else.
pub(super) fn leave_open<'s>(
    requests: &mut Requests,
    prior: &'s [StepRecord],
    is_repeatable: impl Fn(&str) -> bool,
) -> Option<&'s StepRecord> {
    let mut fates = fates(requests, prior, is_repeatable);
    let other = fates.iter().find_map(|fate| match fate {
        Fate::Other(at) => Some(&prior[*at]),
        Fate::Open | Fate::Done => None,
    });
    let mut fate = fates.drain(..);
    let done = requests
        .steps
        .extract_if(.., |_| fate.next() == Some(Fate::Done));
    requests.done = done.map(|step| (step.id, step.body)).collect();
    look_once(&mut requests.steps);
    other
}

/// Of steps that set the same thing one after the other only the first is looked at for what others have set: what it sets is
/// ours when the next one comes.
pub(super) fn look_once(steps: &mut [Request]) {
    for at in 1..steps.len() {
        let (before, rest) = steps.split_at_mut(at);
        let Some(step) = rest.first_mut() else { return };
        let is_resumed = step.soft.as_ref().is_some_and(|it| it.resumed.is_some());
        if is_resumed && before.iter().any(|earlier| set_the_same(earlier, step)) {
            step.look = None;
            step.soft = None;
        }
    }
}

/// Whether two steps of a ticket may set the same thing.
fn set_the_same(one: &Request, other: &Request) -> bool {
    call_of(&one.id.name) == call_of(&other.id.name) && collide(&one.body, &other.body)
}

/// Whether two bodies set one thing to two values. Of members that hold several values by their names or ids, such as custom
/// fields, each counts for itself; what both set alike is no matter of order.
fn collide(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (one, other) if one == other => false,
        (Value::Object(one), Value::Object(other)) => {
            let shared = |(name, value): (&String, &Value)| {
                other.get(name).is_some_and(|it| collide(value, it))
            };
            one.iter().any(shared)
        }
        (Value::Array(one), Value::Array(other)) => {
            let (Some(ids), Some(other_ids)) = (own_ids(one), own_ids(other)) else {
                return true;
            };
            let differ = |(id, value): (&OwnId<'_>, &Value)| {
                let mut twins = other_ids.iter().zip(other);
                twins.any(|(own, twin)| own == id && twin != value)
            };
            ids.iter().zip(one).any(differ)
        }
        _ => true,
    }
}

/// The member by which an item of a list is known: its first id that is not that of the ticket.
type OwnId<'v> = (&'v str, &'v Value);

/// Those of all items; `None` where one has none.
fn own_ids(items: &[Value]) -> Option<Vec<OwnId<'_>>> {
    let is_id = |name: &str| (name.ends_with("Id") || name == "id") && name != "TicketId";
    let ids = items.iter().map(|item| {
        let mut members = item.as_object()?.iter();
        let (name, value) = members.find(|(name, _)| is_id(name))?;
        Some((name.as_str(), value))
    });
    ids.collect()
}

/// Of a ticket that this very attempt has made nobody needs to ask what others have set there: what was never sent goes as it
/// would have gone at once.
pub(super) fn trust_own(steps: &mut [Request], prior: &[StepRecord]) {
    let was_sent = |id: &StepId| prior.iter().any(|step| step.id == *id && step.attempt > 0);
    for step in steps {
        let is_resumed = step.soft.as_ref().is_some_and(|it| it.resumed.is_some());
        if is_resumed && !was_sent(&step.id) {
            step.look = None;
            step.soft = None;
        }
    }
}

fn fates(
    requests: &mut Requests,
    prior: &[StepRecord],
    is_repeatable: impl Fn(&str) -> bool,
) -> Vec<Fate> {
    let mut taken = vec![false; prior.len()];
    let mut fates: Vec<Option<Fate>> = Vec::with_capacity(requests.steps.len());
    let by_name = |request: &Request| prior.iter().position(|step| step.id == request.id);
    for request in &requests.steps {
        let known = by_name(request).map(|at| (at, &prior[at]));
        let repeatable = is_repeatable(call_of(&request.id.name));
        fates.push(match known {
            _ if request.id.name == CREATE => Some(Fate::Open),
            Some((_, step)) if step.state == State::Skipped => Some(Fate::Done),
            Some((at, step))
                if step.state == State::Done && may_be_same(step, request, repeatable) =>
            {
                taken[at] = true;
                Some(Fate::Done)
            }
            _ => None,
        });
    }
    let redo: Vec<bool> = requests
        .steps
        .iter()
        .map(|it| requests.may_redo(&it.id))
        .collect();
    let learned = learned(prior);
    let is_suspected = prior.iter().any(is_suspect);
    let is_create = requests.updates.is_empty() && !requests.acts;
    let created = prior.iter().find(|step| step.id.name == CREATE);
    let resumed = created
        .filter(|it| is_create && learned.is_none() && !is_suspected && it.state == State::Done)
        .and_then(|create| create.sent_at);
    for ((request, fate), redo) in requests.steps.iter_mut().zip(&mut fates).zip(redo) {
        if fate.is_some() {
            continue;
        }
        let own = by_name(request);
        let repeatable = is_repeatable(call_of(&request.id.name));
        // What sets something goes over what others have set, where nobody knows that it was not done long ago.
        let is_blind = is_create && (learned.is_some() || is_suspected);
        // The same bytes under another name.
        let moved = prior.iter().enumerate().position(|(at, step)| {
            !repeatable
                && !taken[at]
                && Some(at) != own
                && (step.state == State::Done || is_open(step))
                && call_of(&step.id.name) == call_of(&request.id.name)
                && is_same(step, request)
        });
        *fate = Some(match (moved, own.map(|at| (at, &prior[at]))) {
            (Some(at), _) if prior[at].state == State::Done => {
                taken[at] = true;
                Fate::Done
            }
            (Some(at), _) => Fate::Other(at),
            (None, Some((at, step))) if step.state == State::Done => match (repeatable, redo) {
                (true, true) => Fate::Open,
                (true, false) => Fate::Done,
                (false, _) => Fate::Other(at),
            },
            (None, Some((at, step))) if is_open(step) && !repeatable => {
                match may_be_same(step, request, repeatable) {
                    true => {
                        request.look = sent(step);
                        request.soft = settled_before(step);
                        Fate::Open
                    }
                    false => Fate::Other(at),
                }
            }
            (None, Some((_, step))) if repeatable && is_blind && is_open(step) => {
                request.look = sent(step);
                request.soft = Some(Soft::suspect());
                Fate::Open
            }
            (None, Some((_, step)))
                if (!repeatable || (is_blind && is_suspect(step)))
                    && was_sent(step)
                    && (may_be_same(step, request, repeatable) || is_suspect(step)) =>
            {
                request.look = sent(step);
                request.soft = Some(Soft::settled(step.shape.clone()));
                Fate::Open
            }
            // What was done on a ticket that was taken back says nothing about the one that was learned.
            (None, own)
                if (!repeatable || is_blind)
                    && learned.is_some()
                    && own.is_none_or(|(_, step)| step.state == State::Undone) =>
            {
                request.look = learned.map(SentAt::ever);
                request.soft = Some(Soft::suspect());
                Fate::Open
            }
            // Since the ticket was made others may have set something else there.
            (None, own)
                if repeatable
                    && resumed.is_some()
                    && own.is_none_or(|(_, step)| !is_sent_by_word(step)) =>
            {
                request.look = resumed.map(SentAt::from);
                request.soft = Some(Soft::resumed(wrote_at(prior, &request.id)));
                Fate::Open
            }
            _ => Fate::Open,
        });
    }
    fates.into_iter().flatten().collect()
}

/// Whether a person has said of a step in doubt that it is to be sent, and no intent was written since.
fn is_sent_by_word(step: &StepRecord) -> bool {
    step.state == State::Pending && step.doubted && step.shape.is_none() && step.attempt == 0
}

/// When a request other than this step's was last sent to the ticket after it was made.
fn wrote_at(prior: &[StepRecord], but: &StepId) -> Option<Timestamp> {
    let others = prior.iter().filter(|step| {
        step.id.name != CREATE
            && step.id != *but
            && step.payload.is_some()
            && step.state != State::Undone
    });
    others.filter_map(|step| step.sent_at).max()
}

/// Whether a ticket is whole: all that its making asks for is done, and only an update may be under way. An upsert
/// notes what it has set when it has made a ticket.
pub(super) fn is_whole(prior: &[StepRecord]) -> bool {
    let closed = |step: &StepRecord| matches!(step.state, State::Done | State::Skipped);
    let is_noted = |step: &StepRecord| is_update_step(&step.id.name) && step.state != State::Undone;
    prior.iter().all(closed) || prior.iter().any(is_noted)
}

fn is_open(step: &StepRecord) -> bool {
    matches!(step.state, State::Sending | State::InDoubt)
}

/// What is known of a step in doubt that was settled before: the look before it goes again proved nothing.
fn settled_before(step: &StepRecord) -> Option<Soft> {
    let is_answered = matches!(step.trouble, Some(Trouble::Doubt(_) | Trouble::Said { .. }));
    let shape = step
        .shape
        .clone()
        .filter(|_| step.state == State::InDoubt && !is_answered);
    shape.map(|shape| Soft::settled(Some(shape)))
}

/// Whether the system said of a step that nothing was done: it was sent, and is looked up before it is sent again.
fn was_sent(step: &StepRecord) -> bool {
    matches!(step.state, State::Pending | State::Rejected) && step.shape.is_some()
}

/// When a step was sent. Of one that nobody knows of the ledger holds at most when its ticket was made, by a clock that
/// may be wrong.
fn sent(step: &StepRecord) -> Option<SentAt> {
    let at = step.sent_at?;
    Some(match is_suspect(step) {
        true => SentAt::ever(at),
        false => SentAt::of(at, step.print.as_ref()),
    })
}

/// Whether nobody knows if a step was sent, whatever it was then.
fn is_suspect(step: &StepRecord) -> bool {
    step.shape.as_deref() == Some(SUSPECT)
}

/// Whether nothing is known of a row but its ticket, so that all of its further steps may be done; from when on. An upsert
/// notes what it has set once it has gone over the row.
pub(super) fn learned(prior: &[StepRecord]) -> Option<Timestamp> {
    let is_noted = prior.iter().any(|step| is_update_step(&step.id.name));
    let create = prior.iter().find(|step| step.id.name == CREATE);
    create
        .filter(|create| create.content == UNKNOWN_CONTENT && !is_noted)
        .and_then(|create| create.sent_at)
}

fn is_same(step: &StepRecord, request: &Request) -> bool {
    step.payload == Some(request.hash)
}

/// The same, or nobody knows what was sent: a look at the ticket has found it, or is to find it.
fn may_be_same(step: &StepRecord, request: &Request, repeatable: bool) -> bool {
    is_same(step, request) || (!repeatable && step.payload.is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_two_values_of_one_thing_collide() {
        for (one, other, expected) in [
            (json!({"Priority": 1}), json!({"Priority": 2}), true),
            (json!({"Priority": 1}), json!({"Subject": "a"}), false),
            (
                json!({"status": "open", "notify": false}),
                json!({"status": "closed", "notify": false}),
                true,
            ),
            // What both say of how they are sent is no field.
            (
                json!({"Priority": 1, "UpdateAssets": true}),
                json!({"Subject": "a", "UpdateAssets": true}),
                false,
            ),
            (
                json!({"custom_fields": {"Plan": "a"}}),
                json!({"custom_fields": {"Tier": "b"}}),
                false,
            ),
            (
                json!({"custom_fields": {"Plan": "a"}}),
                json!({"custom_fields": {"Plan": "b"}}),
                true,
            ),
            (
                json!([{"CustomFieldTypeId": "f1", "TicketId": "t", "Value": "a"}]),
                json!([{"CustomFieldTypeId": "f2", "TicketId": "t", "Value": "a"}]),
                false,
            ),
            (
                json!({"Fields": [{"CustomFieldTypeId": "f1", "Value": "a"}]}),
                json!({"Fields": [{"CustomFieldTypeId": "f1", "Value": "b"}]}),
                true,
            ),
            (json!({"tags": ["a"]}), json!({"tags": ["b"]}), true),
            (json!("open"), json!("closed"), true),
        ] {
            assert_eq!(collide(&one, &other), expected, "{one} {other}");
            assert_eq!(collide(&other, &one), expected, "{other} {one}");
        }
    }
}
