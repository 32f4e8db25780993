//! The tenant's rules: they run on every new activity, whatever a request says about mails (contract §21).
//!
//! Which of them there were when something was said is kept with it, so that the journal tells the same story at the next
//! start, under other rules.

use serde_json::{Value, json};

use super::activities::{ACTION, COMMENT};
use super::body::{get, guid};
use super::book::Kind;
use super::deed::Order;
use super::state::State;
use super::ticket::{Activity, Logged, Ticket};
use super::workflow::set_step;
use crate::Rule;

/// Which rules there were, as the journal keeps it.
const RULES: &str = "_rules";
/// The type of an activity that tells of a rule (contract §11).
const RULE_EXECUTED: u8 = 7;

/// The body of a new activity with the rules that there are; nobody else says that.
pub(super) fn noted(body: &Value, rules: &[Rule]) -> Value {
    let mut body = body.clone();
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !name.eq_ignore_ascii_case(RULES));
        if !rules.is_empty() {
            let words: Vec<_> = rules.iter().map(|rule| rule.as_str()).collect();
            members.insert(RULES.to_owned(), json!(words));
        }
    }
    body
}

/// Does what the rules say of the activity that the ticket has now.
pub(super) fn run(state: &State, order: &Order<'_>, ticket: &mut Ticket) {
    let words = get(order.body, RULES).and_then(Value::as_array);
    let words = words.into_iter().flatten().filter_map(Value::as_str);
    for rule in words.filter_map(Rule::parse) {
        let Some(activity) = ticket.activities.last() else {
            return;
        };
        let step = match rule {
            Rule::ReopenOnReply if is_reply(state, activity, ticket.requestor) => {
                open_step(state, ticket)
            }
            Rule::ReopenOnComment if has(activity, COMMENT) => open_step(state, ticket),
            Rule::StartOnAction if has(activity, ACTION) && ticket.closed.is_none() => {
                let mut steps = state.book.district.statuses.iter();
                steps.position(|step| step.name == "In Progress")
            }
            _ => None,
        };
        if let Some(step) = step.filter(|step| *step != ticket.step) {
            set_step(state, order, ticket, step);
            ticket.log.push(Logged {
                kind: RULE_EXECUTED,
                at: order.at,
                by: order.by,
                what: "Rule executed",
            });
        }
    }
}

/// The open step to which a closed ticket goes back.
fn open_step(state: &State, ticket: &Ticket) -> Option<usize> {
    ticket.closed?;
    let is_closed = state.book.district.statuses[ticket.step_before].is_closed;
    Some(if is_closed { 0 } else { ticket.step_before })
}

fn has(activity: &Activity, kind: u8) -> bool {
    let mut items = activity.items.iter();
    items.any(|item| get(item, "TicketActivityTypeId").and_then(Value::as_u64) == Some(kind.into()))
}

/// Whether the person who asked for help says something, by an own token or through somebody else.
fn is_reply(state: &State, activity: &Activity, requestor: usize) -> bool {
    let by_requestor = |item: &Value| {
        let said_by = guid(item, "ByUserId");
        said_by.and_then(|id| state.book.find(Kind::User, id)) == Some(requestor)
    };
    has(activity, COMMENT)
        && (activity.owner == requestor || activity.items.iter().any(by_requestor))
}
