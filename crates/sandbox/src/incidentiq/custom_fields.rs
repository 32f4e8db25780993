//! The custom fields of tickets and their values (contract incidentiq §15).

use serde_json::{Value, json};

use super::body::{self, guid, list};
use super::deed::Order;
use super::metadata::cut;
use super::search::PAGED;
use super::state::State;
use super::ticket::Ticket;
use super::update::custom_fields as set_fields;
use super::{IncidentIq, Row, envelope, viewing};
use crate::call::Call;
use crate::guid::Guid;
use crate::reply::Answer;
use crate::seed::district::CustomField;

pub(super) const ROUTES: &[Row] = &[
    Row::read(
        "POST",
        "/custom-fields/for/ticket",
        "custom_fields",
        custom_fields,
    )
    .query(PAGED)
    .takes("{EntityId guid?}")
    .gives("List(CustomField)"),
    Row::read("POST", "/custom-fields", "custom_fields", custom_fields)
        .query(PAGED)
        .takes("{SiteScope text, Strategy text}")
        .gives("List(CustomField)"),
    Row::read(
        "GET|POST",
        "/custom-fields/types",
        "custom_field_types",
        |iiq, call| {
            let items: Vec<_> = iiq
                .book()
                .district
                .custom_fields
                .iter()
                .map(editor)
                .collect();
            cut(iiq, call, &items, 100)
        },
    )
    .query(PAGED)
    .takes("object")
    .gives("List(CustomFieldType)"),
    Row::read(
        "GET",
        "/custom-fields/values/for/ticket/{ticketId:guid}",
        "custom_values",
        |iiq, call| viewing::part(iiq, call, values),
    )
    .gives("List(CustomFieldValue)"),
    Row::write(
        "POST",
        "/custom-fields/values/for/tickets",
        "custom_fields",
        set_values,
    )
    .takes("[CustomFieldValue]")
    .gives("Action"),
];

fn editor(field: &CustomField) -> Value {
    let options: Value = field
        .options
        .iter()
        .map(|(id, name)| json!({ "Id": id, "Name": name }))
        .collect();
    // A text that holds JSON, and an empty one where there is nothing to choose (docs26, §21).
    let options = match field.options.is_empty() {
        true => String::new(),
        false => options.to_string(),
    };
    json!({
        "CustomFieldTypeId": field.id, "Name": field.name, "EditorType": field.editor, "EditorTypeId": field.editor,
        "Options": options,
    })
}

fn custom_fields(iiq: &IncidentIq, call: &Call) -> Answer {
    let book = iiq.book();
    let fields = book.district.custom_fields.iter();
    let items: Vec<_> = fields
        .map(|field| {
            json!({
                "CustomFieldId": Guid::seeded("custom-field-on-ticket", field.name),
                "CustomFieldTypeId": field.id, "CustomFieldType": editor(field), "IsRequired": false,
            })
        })
        .collect();
    cut(iiq, call, &items, 100)
}

fn values(state: &State, ticket: &Ticket) -> Vec<Value> {
    let fields = &state.book.district.custom_fields;
    let values = ticket.custom.iter();
    values
        .map(|(field, value)| {
            json!({
                "CustomFieldTypeId": fields[*field].id, "CustomFieldId": Guid::ZERO, "TicketId": ticket.id,
                "EditorTypeId": fields[*field].editor, "Value": value,
            })
        })
        .collect()
}

/// Values of several tickets: if one is no good, none is set.
fn set_values(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = call.json()?;
    let mut by_ticket: Vec<(Guid, Vec<&Value>)> = Vec::new();
    for item in list(&body)? {
        let ticket = guid(item, "TicketId").ok_or_else(|| body::missing("TicketId"))?;
        match by_ticket.iter_mut().find(|(id, _)| *id == ticket) {
            Some((_, items)) => items.push(item),
            None => by_ticket.push((ticket, vec![item])),
        }
    }
    let writes: Vec<(Guid, Value)> = by_ticket
        .into_iter()
        .map(|(id, items)| (id, json!(items)))
        .collect();
    let mut state = iiq.state();
    for (id, body) in &writes {
        let order = Order {
            operation: call.operation,
            target: *id,
            body,
            at: call.at,
            by: super::actor(call.token),
            blanking: false,
        };
        set_fields(&state, &order, &mut state.ticket(*id)?.clone())?;
    }
    for (id, body) in &writes {
        iiq.obey_in(&mut state, call, call.operation, *id, body)?;
    }
    Ok(envelope::action("OK"))
}
