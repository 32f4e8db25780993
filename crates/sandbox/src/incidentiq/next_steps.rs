//! What is to be done before a ticket is closed (contract incidentiq §10). The documents tell the paths, not the
//! bodies: a name and whether it is mandatory are taken.

use serde_json::{Value, json};

use super::body::{guid, id, is_set, object_or_empty, text};
use super::deed::{Deed, Deeds, Order};
use super::state::State;
use super::ticket::{NextStep, Ticket};
use super::{IncidentIq, envelope, viewing};
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::Row;
use crate::reply::{Answer, Refusal};

pub(super) const ROUTES: &[Row] = &[
    Row::read(
        "GET",
        "/tickets/{ticketId:guid}/next-steps",
        "next_steps",
        |iiq, call| {
            viewing::part(iiq, call, |_, ticket| {
                ticket.next_steps.iter().map(shown).collect()
            })
        },
    )
    .gives("List(NextStep)"),
    Row::create(
        "POST",
        "/tickets/{ticketId:guid}/next-steps/new",
        "next_step",
        |iiq, call| {
            let (id, body) = (id(call, "ticketId")?, object_or_empty(call)?);
            let state = iiq.obey(call, id, &body)?;
            let step = state.ticket(id)?.next_steps.last().map(shown);
            Ok(envelope::item(201, &step, None))
        },
    )
    .takes("{Name text?, Subject text?, IsMandatory bool}")
    .gives("Item(NextStep)")
    .status(201),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/next-steps/{nextStepId:guid}/resolve",
        "next_step_resolve",
        resolve,
    )
    .gives("Action"),
];

pub(super) const DEEDS: Deeds = &[
    ("next_step", Deed::Ticket(3, "Next step added", add)),
    (
        "next_step_resolve",
        Deed::Ticket(3, "Next step resolved", |_, order, ticket| {
            let id = guid(order.body, "NextStepId");
            let mut steps = ticket.next_steps.iter_mut();
            let step = steps.find(|step| Some(step.id) == id);
            step.ok_or_else(|| Refusal::not_found("The next step"))?
                .is_resolved = true;
            Ok(())
        }),
    ),
];

fn shown(step: &NextStep) -> Value {
    json!({
        "NextStepId": step.id, "Name": step.name, "IsMandatory": step.is_mandatory, "IsResolved": step.is_resolved,
    })
}

fn add(_: &State, order: &Order<'_>, ticket: &mut Ticket) -> Result<(), Refusal> {
    let name = text(order.body, "Name").or_else(|| text(order.body, "Subject"));
    let nth = ticket.next_steps.len();
    ticket.next_steps.push(NextStep {
        id: Guid::seeded("next-step", &format!("{}/{nth}", ticket.id)),
        name: name.unwrap_or("Next step").to_owned(),
        is_mandatory: is_set(order.body, "IsMandatory"),
        is_resolved: false,
    });
    Ok(())
}

fn resolve(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = json!({ "NextStepId": id(call, "nextStepId")? });
    drop(iiq.obey(call, id(call, "ticketId")?, &body)?);
    Ok(envelope::action("OK"))
}
