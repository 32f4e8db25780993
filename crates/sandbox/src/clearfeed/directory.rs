//! The reference data: collections, custom fields, people by id, teams (contract clearfeed, endpoints).

use serde_json::{Value, json};

use super::check::MAX_TEXT;
use super::{ClearFeed, Dialect, dialect};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::seed::support::{CustomField, FieldKind, Team};

fn includes(call: &Call, what: &str) -> bool {
    call.queries("include")
        .any(|list| list.split(',').any(|one| one.trim() == what))
}

fn whole(name: &str, items: Vec<Value>) -> Reply {
    let count = items.len();
    let mut body = json!({});
    body[name] = Value::Array(items);
    body["response_metadata"] = json!({ "next_cursor": null, "count": count });
    Reply::json(200, &body)
}

/// An option's id: a text in both dialects (contract, found later).
fn option_id(spoken: Dialect, id: u64) -> String {
    match spoken {
        Dialect::V1 => format!("opt_{id}"),
        Dialect::Rest => id.to_string(),
    }
}

pub(super) fn collections(system: &ClearFeed, call: &Call) -> Answer {
    let spoken = dialect(call);
    let with_channels = includes(call, "channels");
    let items = system
        .support
        .collections
        .iter()
        .enumerate()
        .map(|(place, one)| {
            let mut item = json!({ "id": spoken.id("col", one.id), "name": one.name });
            if with_channels {
                item["channels"] = json!([
                    { "id": format!("C0{place:06}"), "name": "requests", "owner": null, "status": "active" }
                ]);
            }
            item
        })
        .collect();
    Ok(whole("collections", items))
}

pub(super) fn custom_fields(system: &ClearFeed, call: &Call) -> Answer {
    let spoken = dialect(call);
    let is_for_requests = match call.query("entity_type").unwrap_or("request") {
        "request" => true,
        "customer" => false,
        _ => {
            let rule = "entity_type must be one of the following values: request, customer";
            return Err(Refusal::field(400, "entity_type", rule));
        }
    };
    let fields = match is_for_requests {
        true => &system.support.custom_fields,
        false => &system.support.customer_fields,
    };
    let items = fields.iter().map(|field| custom_field(spoken, field));
    Ok(whole("custom_fields", items.collect()))
}

fn custom_field(spoken: Dialect, field: &CustomField) -> Value {
    let mut config = json!({});
    match field.kind {
        FieldKind::Select | FieldKind::MultiSelect => {
            let options = field.options.iter();
            config["options"] = options
                .map(|(id, value)| json!({ "id": option_id(spoken, *id), "value": value }))
                .collect();
        }
        FieldKind::Text => config["max_length"] = json!(MAX_TEXT),
        _ => {}
    }
    json!({
        "id": spoken.id("cf", field.id), "name": field.name, "type": field.kind.as_str(), "config": config,
    })
}

/// The form by which people ask for something in a collection. That there are forms is all that is known of them
/// (contract, found later): each collection has one, numbered as it, with the custom fields after the title and the
/// description.
pub(super) fn form(system: &ClearFeed, call: &Call) -> Answer {
    let spoken = dialect(call);
    let id = match call.query("id") {
        Some(id) => id,
        None => call.parameter("formId"),
    };
    let number = spoken.number_of("form", id);
    let collections = &system.support.collections;
    let found = collections.iter().find(|one| Some(one.id) == number);
    let found = found.ok_or_else(|| Refusal::not_found("Form"))?;
    let own = |id: &str, name: &str| json!({ "id": id, "name": name, "type": "text", "is_required": true, "config": {} });
    let mut fields = vec![own("title", "Title"), own("description", "Description")];
    for field in &system.support.custom_fields {
        let mut field = custom_field(spoken, field);
        field["is_required"] = json!(false);
        fields.push(field);
    }
    let form = json!({
        "id": spoken.id("form", found.id), "name": format!("{} request", found.name),
        "collection_id": spoken.id("col", found.id), "fields": fields,
    });
    Ok(Reply::json(200, &json!({ "form": form })))
}

/// By ids alone; ids of nobody are left out of the answer.
pub(super) fn users(system: &ClearFeed, call: &Call) -> Answer {
    let ids: Vec<&str> = call
        .queries("ids")
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .collect();
    if !(1..=100).contains(&ids.len()) {
        return Err(Refusal::field(
            400,
            "ids",
            "ids must contain from 1 to 100 elements",
        ));
    }
    let people = system
        .support
        .people
        .iter()
        .filter(|one| ids.contains(&one.id.as_str()));
    let users: Vec<_> = people
        .map(|one| json!({ "id": one.id, "name": one.name, "email": one.email }))
        .collect();
    Ok(Reply::json(200, &json!({ "users": users })))
}

fn shown(system: &ClearFeed, spoken: Dialect, team: &Team, with_members: bool) -> Value {
    let mut item = json!({ "id": spoken.id("team", team.id), "name": team.name });
    if with_members {
        let members = team.members.iter();
        item["team_members"] = members
            .map(|place| json!({ "id": system.support.people[*place].id }))
            .collect();
    }
    item
}

pub(super) fn teams(system: &ClearFeed, call: &Call) -> Answer {
    let (spoken, with_members) = (dialect(call), includes(call, "team_members"));
    let teams = system.support.teams.iter();
    Ok(whole(
        "teams",
        teams
            .map(|team| shown(system, spoken, team, with_members))
            .collect(),
    ))
}

pub(super) fn team(system: &ClearFeed, call: &Call) -> Answer {
    let spoken = dialect(call);
    let id = spoken.number_of("team", call.parameter("teamId"));
    let team = system.support.teams.iter().find(|team| Some(team.id) == id);
    let team = team.ok_or_else(|| Refusal::not_found("Team"))?;
    let shown = shown(system, spoken, team, includes(call, "team_members"));
    Ok(Reply::json(200, &json!({ "team": shown })))
}
