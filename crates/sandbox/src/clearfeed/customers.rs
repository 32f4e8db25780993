//! Customers: listed, looked for, made, changed by their version (contract clearfeed, endpoints).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::form::Form;
use super::list::{bad, cursor, limit, to_cursor};
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
    /// Who looks after it.
    pub(super) owner: Option<usize>,
    pub(super) domains: Vec<String>,
    pub(super) channels: Vec<String>,
    pub(super) collection: Option<usize>,
    pub(super) portal_users: Vec<PortalUser>,
    /// The company of another system that it is: the system, and its id there.
    pub(super) external: Option<(String, String)>,
    custom: Vec<(usize, FieldValue)>,
    /// How often it was changed, from 1.
    version: u64,
    created: Timestamp,
    updated: Timestamp,
}

/// Somebody of the customer who may use the portal, and as what.
#[derive(Debug, Clone)]
pub(super) struct PortalUser {
    pub(super) email: String,
    role: String,
}

/// What portal users may be.
const PORTAL_ROLES: [&str; 2] = ["admin", "member"];
/// The systems that a customer may be known in.
pub(super) const EXTERNAL_SYSTEMS: [&str; 2] = ["hubspot", "salesforce"];

/// The customers that were there before.
pub(super) fn seeded(support: &Support) -> Vec<Customer> {
    let at: Timestamp = PAST.parse().expect("a constant time");
    let customers = support.customers.iter();
    customers
        .map(|one| Customer {
            id: one.id,
            name: one.name.to_owned(),
            owner: Some(1),
            domains: vec![one.domain.to_owned()],
            channels: Vec::new(),
            collection: None,
            portal_users: Vec::new(),
            external: None,
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
        let support = &system.support;
        let portal = self.portal_users.iter();
        let portal: Vec<_> = portal
            .map(|one| json!({ "email": one.email, "role": one.role }))
            .collect();
        let external = self.external.as_ref();
        let collection = self.collection.map(|place| support.collections[place].id);
        let mut shown = json!({
            "id": dialect.id("cust", self.id), "name": self.name, "version": self.version,
            "owner": self.owner.map(|place| &support.people[place].id),
            "domains": self.domains, "channel_ids": self.channels,
            "collection_id": collection.map(|id| dialect.id("col", id)),
            "portal_users": portal,
            "external_system": external.map(|(system, _)| system),
            "external_entity_id": external.map(|(_, id)| id),
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
        self.customer_members(&mut form, dialect, &mut after);
        let fields = &self.support.customer_fields;
        self.custom_values(&mut form, fields, &mut after.custom, dialect);
        let custom = match dialect {
            Dialect::V1 => "custom_fields",
            Dialect::Rest => "custom_field_values",
        };
        let known = [
            "name",
            "owner",
            "domains",
            "channel_ids",
            "collection_id",
            "portal_users",
            "external_system",
            "external_entity_id",
            "version",
            custom,
        ];
        form.only(&known, self.temper);
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

    /// What a customer holds besides its name and its custom fields.
    fn customer_members(&self, form: &mut Form<'_>, dialect: Dialect, after: &mut Customer) {
        if let Some(owner) = form.text("owner") {
            let people = &self.support.people;
            match people.iter().position(|one| one.id == owner) {
                Some(place) => after.owner = Some(place),
                None => form.fault("owner", "does not exist"),
            }
        }
        if let Some(domains) = form.texts("domains") {
            after.domains = domains.into_iter().map(str::to_lowercase).collect();
        }
        if let Some(channels) = form.texts("channel_ids") {
            after.channels = channels.into_iter().map(str::to_owned).collect();
        }
        if let Some(value) = form.at("collection_id") {
            let id = dialect.number("col", value);
            let mut all = self.support.collections.iter();
            match all.position(|one| Some(one.id) == id) {
                Some(place) => after.collection = Some(place),
                None => form.fault("collection_id", "does not exist"),
            }
        }
        if let Some(users) = form.at("portal_users").and_then(Value::as_array) {
            let text = |user: &Value, name: &str| {
                let text = user.get(name).and_then(Value::as_str);
                text.unwrap_or_default().to_lowercase()
            };
            let users = users.iter().map(|user| PortalUser {
                email: text(user, "email"),
                role: text(user, "role"),
            });
            after.portal_users = users.collect();
            let all = &after.portal_users;
            if all.iter().any(|user| !user.email.contains('@')) {
                form.fault("portal_users", "each value in email must be an email");
            }
            if all
                .iter()
                .any(|user| !PORTAL_ROLES.contains(&user.role.as_str()))
            {
                form.fault("portal_users", "each value in role must be admin or member");
            }
        }
        let external = (
            form.text("external_system"),
            form.text("external_entity_id"),
        );
        match external {
            (None, None) => {}
            (Some(system), Some(id)) if EXTERNAL_SYSTEMS.contains(&system) => {
                after.external = Some((system.to_owned(), id.to_owned()));
            }
            (Some(_), Some(_)) => form.fault("external_system", "must be hubspot or salesforce"),
            _ => form.fault("external_system", "and external_entity_id belong together"),
        }
    }

    /// Does again what a line of the journal says of a customer.
    pub(super) fn replay_customer(&self, dialect: Dialect, kept: &Kept) -> Result<(), Refusal> {
        let id = kept.id.parse().unwrap_or_default();
        let mut body = kept.body.clone();
        // Older journals have one domain, under a name that no document knows.
        if let Some(body) = body.as_object_mut()
            && let Some(domain) = body.remove("domain")
        {
            body.insert("domains".to_owned(), json!([domain]));
        }
        self.keep_customer(dialect, id, &body, kept.time, |_| Ok(()))
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
                owner: None,
                domains: Vec::new(),
                channels: Vec::new(),
                collection: None,
                portal_users: Vec::new(),
                external: None,
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
    those(system, call, None, call.query("next_cursor"), |_| true)
}

/// `GET /customers/{id}`.
pub(super) fn one(system: &ClearFeed, call: &Call) -> Answer {
    let spoken = dialect(call);
    let id = spoken.number_of("cust", call.parameter("customerId"));
    let customers = system.customers();
    let customer = customers.iter().find(|one| Some(one.id) == id);
    let customer = customer.ok_or_else(|| Refusal::not_found("Customer"))?;
    Ok(Reply::json(
        200,
        &json!({ "customer": customer.shown(system, spoken) }),
    ))
}

pub(super) fn those(
    system: &ClearFeed,
    call: &Call,
    wanted: Option<usize>,
    from: Option<&str>,
    holds: impl Fn(&Customer) -> bool,
) -> Answer {
    let limit = match wanted {
        Some(limit) => limit,
        None => limit(call, 50)?,
    };
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
        .map(|last| to_cursor((0, last.id)));
    let count = shown.len();
    Ok(Reply::json(
        200,
        &json!({ "customers": shown, "response_metadata": { "next_cursor": next, "count": count } }),
    ))
}
