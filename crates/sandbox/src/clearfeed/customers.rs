//! Customers: listed, looked for, made, changed by their version (contract clearfeed, endpoints).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::form::Form;
use super::list::{bad, cursor, limit, told};
use super::requests::{FieldValue, time};
use super::{ClearFeed, Dialect, Line, PAST, dialect};
use crate::audit::Kept;
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::seed::Support;

/// A customer as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Customer {
    pub(super) id: u64,
    name: String,
    domain: Option<String>,
    custom: Vec<(usize, FieldValue)>,
    /// How often it was changed, from 1.
    version: u64,
    created: Timestamp,
    updated: Timestamp,
}

/// The customers that were there before.
pub(super) fn seeded(support: &Support) -> Vec<Customer> {
    let at: Timestamp = PAST.parse().expect("a constant time");
    let customers = support.customers.iter();
    customers
        .map(|one| Customer {
            id: one.id,
            name: one.name.to_owned(),
            domain: Some(one.domain.to_owned()),
            custom: Vec::new(),
            version: 1,
            created: at,
            updated: at,
        })
        .collect()
}

impl Customer {
    fn shown(&self, system: &ClearFeed, dialect: Dialect) -> Value {
        let custom: Map<String, Value> =
            system.custom_shown(&system.support.customer_fields, &self.custom, dialect);
        let name = match dialect {
            Dialect::V1 => "custom_fields",
            Dialect::Rest => "custom_field_values",
        };
        let mut shown = json!({
            "id": dialect.id("cust", self.id), "name": self.name, "domain": self.domain, "version": self.version,
            "created_at": time(self.created), "updated_at": time(self.updated),
        });
        shown[name] = Value::Object(custom);
        shown
    }
}

impl ClearFeed {
    /// The customer whose people have such addresses.
    pub(super) fn customer_of(&self, email: &str) -> Option<u64> {
        let (_, domain) = email.rsplit_once('@')?;
        let customers = self.support.customers.iter();
        let mut own = customers.filter(|one| one.domain.eq_ignore_ascii_case(domain));
        own.next().map(|one| one.id)
    }

    fn customer_after(
        &self,
        dialect: Dialect,
        before: Customer,
        body: &Value,
        is_new: bool,
    ) -> Result<Customer, Refusal> {
        let mut form = Form::new(body)?;
        let mut after = before;
        if is_new || form.at("name").is_some() {
            after.name = form.required("name").to_owned();
        }
        if let Some(domain) = form.text("domain") {
            after.domain = Some(domain.to_lowercase());
        }
        let fields = &self.support.customer_fields;
        self.custom_values(&mut form, fields, &mut after.custom, dialect);
        let custom = match dialect {
            Dialect::V1 => "custom_fields",
            Dialect::Rest => "custom_field_values",
        };
        form.only(&["name", "domain", "version", custom], self.temper);
        if !is_new && form.at("version").is_none() {
            form.fault("version", "should not be empty");
        }
        form.end()?;
        if !is_new {
            let version = body.get("version").and_then(Value::as_u64);
            if version != Some(after.version) {
                let message = format!("The customer is at version {}.", after.version);
                return Err(Refusal::new(409, message));
            }
            after.version += 1;
        }
        Ok(after)
    }

    /// Does again what a line of the journal says of a customer.
    pub(super) fn replay_customer(&self, dialect: Dialect, kept: &Kept) -> Result<(), Refusal> {
        let id = kept.id.parse().unwrap_or_default();
        self.keep_customer(dialect, id, &kept.body, kept.time, |_| Ok(()))
            .map(drop)
    }

    /// Makes a customer or changes the one of that number, once it is kept.
    fn keep_customer(
        &self,
        dialect: Dialect,
        id: u64,
        body: &Value,
        at: Timestamp,
        keep: impl FnOnce(u64) -> Result<(), Refusal>,
    ) -> Result<Customer, Refusal> {
        let mut customers = self.customers();
        let place = customers.iter().position(|one| one.id == id);
        let before = match place {
            Some(place) => customers[place].clone(),
            None => Customer {
                id: customers.last().map_or(1, |last| last.id + 1),
                name: String::new(),
                domain: None,
                custom: Vec::new(),
                version: 1,
                created: at,
                updated: at,
            },
        };
        let mut after = self.customer_after(dialect, before, body, place.is_none())?;
        after.updated = at;
        keep(after.id)?;
        match place {
            Some(place) => customers[place] = after.clone(),
            None => customers.push(after.clone()),
        }
        Ok(after)
    }
}

fn save(system: &ClearFeed, call: &Call, id: u64, status: u16) -> Answer {
    let (spoken, body) = (dialect(call), call.json()?);
    let kept = system.keep_customer(spoken, id, &body, call.at, |id| {
        let line = Line {
            id,
            at: call.at,
            dialect: spoken,
            marker: None,
        };
        system.record(call, line, &body)
    })?;
    Ok(Reply::json(
        status,
        &json!({ "customer": kept.shown(system, spoken) }),
    ))
}

/// `POST /customers`.
pub(super) fn create(system: &ClearFeed, call: &Call) -> Answer {
    save(system, call, 0, 201)
}

/// `PATCH /customers/{id}`: with the version that was read, else 409.
pub(super) fn update(system: &ClearFeed, call: &Call) -> Answer {
    let id = dialect(call).number_of("cust", call.parameter("customerId"));
    let known = id.filter(|id| system.customers().iter().any(|one| one.id == *id));
    let id = known.ok_or_else(|| Refusal::not_found("Customer"))?;
    save(system, call, id, 200)
}

/// `GET /customers`.
pub(super) fn page(system: &ClearFeed, call: &Call) -> Answer {
    those(system, call, call.query("next_cursor"), |_| true)
}

/// `POST /customers/search`: by a part of the name or of the domain.
pub(super) fn search(system: &ClearFeed, call: &Call) -> Answer {
    let body = call.json()?;
    let text = |name| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let wanted = [text("query"), text("name"), text("domain")];
    let wanted = wanted.into_iter().find(|one| !one.is_empty());
    let wanted = wanted.unwrap_or_default().to_lowercase();
    those(
        system,
        call,
        body.get("next_cursor").and_then(Value::as_str),
        |one| {
            let domain = one.domain.as_deref().unwrap_or_default();
            one.name.to_lowercase().contains(&wanted) || domain.contains(&wanted)
        },
    )
}

fn those(
    system: &ClearFeed,
    call: &Call,
    from: Option<&str>,
    holds: impl Fn(&Customer) -> bool,
) -> Answer {
    let limit = limit(call, 50)?;
    let last = match from {
        None | Some("") => 0,
        Some(text) => {
            let (_, id) = cursor(text).ok_or_else(|| bad("next_cursor", "is not valid"))?;
            id
        }
    };
    let customers = system.customers();
    let hits: Vec<_> = customers
        .iter()
        .filter(|one| one.id > last && holds(one))
        .take(limit + 1)
        .collect();
    let shown: Vec<_> = hits
        .iter()
        .take(limit)
        .map(|one| one.shown(system, dialect(call)))
        .collect();
    let next = hits
        .get(limit.wrapping_sub(1))
        .filter(|_| hits.len() > limit)
        .map(|last| told((0, last.id)));
    let count = shown.len();
    Ok(Reply::json(
        200,
        &json!({ "customers": shown, "response_metadata": { "next_cursor": next, "count": count } }),
    ))
}
