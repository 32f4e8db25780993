//! One ticket, and what hangs on it (contract incidentiq §6, §10, §15).

use serde_json::{Value, json};

use super::body::{get, id};
use super::dates::shown;
use super::envelope::lean;
use super::search::paging_of;
use super::state::State;
use super::ticket::{Logged, Ticket, Verdict, sla};
use super::{IncidentIq, envelope, shown_activity};
use crate::Temper;
use crate::call::Call;
use crate::incidentiq::Row;
use crate::reply::{Answer, Refusal};
use crate::token::Token;

pub(super) const ROUTES: &[Row] = &[
    Row::read("GET", "/tickets/{ticketId:guid}", "get", detail).gives("Item(Ticket)"),
    Row::read(
        "GET",
        "/tickets/{ticketId:guid}/status",
        "ticket_status",
        status,
    )
    .gives("Item(TicketStatus)"),
    Row::read(
        "GET",
        "/tickets/{ticketId:guid}/assets",
        "ticket_assets",
        |iiq, call| {
            part(iiq, call, |state, ticket| {
                ticket.devices(state, iiq.rules.temper)
            })
        },
    )
    .gives("List(TicketAsset)"),
    Row::read(
        "GET",
        "/tickets/{ticketId:guid}/sla",
        "ticket_sla",
        |iiq, call| {
            let state = iiq.state();
            let ticket = seen(iiq, call, &state)?;
            Ok(envelope::item(200, &level(&state, ticket), None))
        },
    )
    .gives("Item(TicketSla)"),
    Row::read(
        "GET|POST",
        "/tickets/{ticketId:guid}/timeline",
        "timeline",
        timeline,
    )
    .takes("TimelineOptions")
    .gives("List(Activity)"),
];

/// The ticket of the path, where the token may see it.
fn seen<'a>(iiq: &IncidentIq, call: &Call, state: &'a State) -> Result<&'a Ticket, Refusal> {
    let ticket = state.ticket(id(call, "ticketId")?)?;
    iiq.check_seen(call, ticket)?;
    Ok(ticket)
}

/// A list of what hangs on the ticket of the path.
pub(super) fn part(
    iiq: &IncidentIq,
    call: &Call,
    items: impl FnOnce(&State, &Ticket) -> Vec<Value>,
) -> Answer {
    let state = iiq.state();
    let items: Vec<Value> = items(&state, seen(iiq, call, &state)?)
        .into_iter()
        .map(|item| lean(item, iiq.rules.temper))
        .collect();
    let page = paging_of(iiq, call, &Value::Null, 100);
    Ok(envelope::list(
        &items[page.range(items.len())],
        items.len(),
        page,
    ))
}

/// Members that live answers were seen without (contract §6).
const MAY_BE_MISSING: [&str; 3] = ["SiteId", "TicketId", "IsTraining"];

fn detail(iiq: &IncidentIq, call: &Call) -> Answer {
    let state = iiq.state();
    let ticket = seen(iiq, call, &state)?;
    let view = ticket.view(&state, iiq.rules.temper);
    let failed = |error: serde_json::Error| Refusal::new(500, error.to_string());
    let mut item = serde_json::to_value(&view).map_err(failed)?;
    if let Some(item) = item.as_object_mut() {
        if iiq.rules.temper == Temper::LiveLike {
            item.retain(|name, _| !MAY_BE_MISSING.contains(&name.as_str()));
        }
        item.insert(
            "UserPermissions".to_owned(),
            permissions(call.token, ticket),
        );
    }
    Ok(envelope::item(200, &item, None))
}

fn permissions(token: Token, ticket: &Ticket) -> Value {
    let works = token.works();
    let is_open = ticket.closed.is_none();
    json!({
        "CanView": true, "CanWork": works, "CanResolve": works && is_open,
        "CanCancel": (works || token == Token::Requestor) && is_open, "Rights": [],
    })
}

fn status(iiq: &IncidentIq, call: &Call) -> Answer {
    let state = iiq.state();
    let ticket = seen(iiq, call, &state)?;
    let users = &state.book.district.users;
    let approvers = ticket.awaited().into_iter().flat_map(|one| &one.approvers);
    let log: Vec<_> = ticket
        .approvals
        .iter()
        .map(|one| {
            json!({
                "Action": format!("{:?}", one.verdict), "Comments": one.comments,
                "Date": shown(one.at, &state.book.clock.zone, iiq.rules.temper),
            })
        })
        .collect();
    let item = json!({
        "TicketId": ticket.id,
        "CurrentWorkflowStep": state.book.steps[ticket.step],
        "IsAwaitingOnApproval": ticket.awaited().is_some(),
        "CanBeSentForApproval": ticket.awaited().is_none() && ticket.closed.is_none(),
        "ApproverIds": approvers.map(|place| users[*place].id).collect::<Vec<_>>(),
        "ApprovalLog": log,
        "IsApproved": ticket.approvals.last().map(|one| one.verdict == Verdict::Approved),
    });
    Ok(envelope::item(200, &lean(item, iiq.rules.temper), None))
}

/// The service level of a ticket, and how long its clocks have run.
pub(super) fn level(state: &State, ticket: &Ticket) -> Value {
    let Some(level) = ticket.level else {
        return json!({ "TicketId": ticket.id, "Sla": null, "SlaTimes": [] });
    };
    let one = &state.book.district.slas[level.sla];
    let until = ticket
        .closed
        .map_or_else(jiff::Timestamp::now, |(at, _)| at);
    let minutes = until.duration_since(level.since).as_mins().max(0);
    let times: Vec<_> = one
        .metrics
        .iter()
        .map(|(name, _)| {
            json!({ "Name": name, "LogMinutes": minutes, "IsRunning": ticket.closed.is_none() })
        })
        .collect();
    json!({ "TicketId": ticket.id, "Sla": sla(one), "SlaTimes": times })
}

/// Everything that happened, oldest first, each as an activity (docs26); a body may leave out comments
/// (`LoadComments`) or the rest (`LoadRevisions`).
fn timeline(iiq: &IncidentIq, call: &Call) -> Answer {
    let asked = call.json()?;
    let wants = |name: &str| get(&asked, name).and_then(Value::as_bool) != Some(false);
    let is_agent = call.token != Token::Requestor && !iiq.rules.hides_notes;
    part(iiq, call, |state, ticket| {
        let mut items: Vec<(jiff::Timestamp, Value)> = Vec::new();
        if wants("LoadRevisions") {
            let made = Logged {
                kind: 5,
                at: ticket.created,
                by: ticket.owner,
                what: "Ticket created",
            };
            let changes = std::iter::once(&made).chain(&ticket.log).enumerate();
            items.extend(changes.map(|(nth, one)| {
                (
                    one.at,
                    shown_activity::revision(iiq, state, ticket, one, nth),
                )
            }));
        }
        if wants("LoadComments") {
            let said = ticket.activities.iter();
            let said = said.filter(|one| !one.is_deleted && (one.is_public || is_agent));
            items.extend(said.map(|one| (one.at, shown_activity::shown(iiq, state, ticket, one))));
        }
        items.sort_by_key(|(at, _)| *at);
        items.into_iter().map(|(_, item)| item).collect()
    })
}
