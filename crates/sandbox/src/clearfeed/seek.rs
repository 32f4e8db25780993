//! Searching for customers (contract clearfeed, endpoints and what was found later).

use serde_json::Value;

use super::ClearFeed;
use super::customers::{Customer, EXTERNAL_SYSTEMS, those};
use super::list::bad;
use crate::call::Call;
use crate::reply::{Answer, Refusal};

/// One filter of a search, read: it is met by any of the wanted, or by all of them.
struct Sought {
    read: fn(&ClearFeed, &Customer) -> Vec<String>,
    wanted: Vec<String>,
    all: bool,
}

impl Sought {
    fn holds(&self, system: &ClearFeed, customer: &Customer) -> bool {
        let own = (self.read)(system, customer);
        let mut wanted = self.wanted.iter();
        match self.all {
            true => wanted.all(|one| own.contains(one)),
            false => wanted.any(|one| own.contains(one)),
        }
    }
}

/// `POST /customers/search`: `filters`, all of which must hold, each `{field, operator, values}`, or
/// `{field: "external_company", system, id}`. What is not known is refused.
pub(super) fn search(system: &ClearFeed, call: &Call) -> Answer {
    let body = call.json()?;
    let filters = body.get("filters").and_then(Value::as_array);
    let filters = filters.filter(|filters| !filters.is_empty());
    let filters = filters.ok_or_else(|| bad("filters", "should not be empty"))?;
    let sought: Result<Vec<Sought>, Refusal> = filters.iter().map(sought).collect();
    let sought = sought?;
    let from = body.get("next_cursor").and_then(Value::as_str);
    let limit = match body.get("limit").map(Value::as_u64) {
        Some(Some(limit @ 1..=100)) => Some(limit as usize),
        Some(_) => return Err(bad("limit", "must be a number from 1 to 100")),
        None => None,
    };
    those(system, call, limit, from, |one| {
        sought.iter().all(|sought| sought.holds(system, one))
    })
}

fn sought(filter: &Value) -> Result<Sought, Refusal> {
    let text = |name: &str| filter.get(name).and_then(Value::as_str);
    let field = text("field").unwrap_or_default();
    if field == "external_company" {
        let (system, id) = (text("system"), text("id"));
        let system = system.filter(|system| EXTERNAL_SYSTEMS.contains(system));
        let (Some(system), Some(id)) = (system, id) else {
            return Err(bad("filters", "external_company needs a system and an id"));
        };
        return Ok(Sought {
            read: |_, customer| {
                let external = customer.external.iter();
                external
                    .map(|(system, id)| format!("{system}/{id}"))
                    .collect()
            },
            wanted: vec![format!("{system}/{id}")],
            all: true,
        });
    }
    let read: fn(&ClearFeed, &Customer) -> Vec<String> = match field {
        "domains" => |_, customer| customer.domains.clone(),
        "channel_ids" => |_, customer| customer.channels.clone(),
        "owner" => |system, customer| {
            let owner = customer.owner.iter();
            owner
                .map(|place| system.support.people[*place].id.clone())
                .collect()
        },
        "collection_id" => |system, customer| {
            let id = customer.collection.iter();
            id.map(|place| system.support.collections[*place].id.to_string())
                .collect()
        },
        "portal_users" => |_, customer| {
            let users = customer.portal_users.iter();
            users.map(|user| user.email.clone()).collect()
        },
        "external_system" => |_, customer| {
            let external = customer.external.iter();
            external.map(|(system, _)| system.clone()).collect()
        },
        "external_entity_id" => |_, customer| {
            let external = customer.external.iter();
            external.map(|(_, id)| id.clone()).collect()
        },
        _ => return Err(bad("filters", &format!("field {field} is not known"))),
    };
    let all = match text("operator") {
        Some("overlaps") => false,
        Some("contains_all") => true,
        _ => {
            return Err(bad(
                "filters",
                "operator must be one of the following values: overlaps, contains_all",
            ));
        }
    };
    let values = filter.get("values").and_then(Value::as_array);
    let wanted: Option<Vec<String>> = values.and_then(|values| {
        let values = values.iter().map(|value| match value {
            // Ids of people and channels have a case, domains and addresses are kept without.
            Value::String(text) if matches!(field, "domains" | "portal_users") => {
                Some(text.to_lowercase())
            }
            Value::String(text) => Some(text.trim_start_matches("col_").to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        values.collect()
    });
    let wanted = wanted.filter(|wanted| !wanted.is_empty());
    let wanted = wanted.ok_or_else(|| bad("filters", "values should not be empty"))?;
    Ok(Sought { read, wanted, all })
}
