//! The search over everything (contract incidentiq §16).

use serde_json::{Value, json};

use crate::call::Call;
use crate::incidentiq::IncidentIq;
use crate::incidentiq::Row;
use crate::incidentiq::body::{get, object_or_empty, required};
use crate::incidentiq::envelope;
use crate::reply::{Answer, Refusal};

const TAKES: &str = "{Query* text, Facets int, Limit int, IncludeMatchedItem bool}";

pub(super) const ROUTES: &[Row] = &[
    Row::read("POST", "/search", "search_all", search)
        .takes(TAKES)
        .gives("Item(SearchResult)"),
    Row::read("POST", "/search/v2", "search_all", search)
        .takes(TAKES)
        .gives("Item(SearchResult)"),
];

/// The bits of `Facets`.
const TICKETS: i64 = 1;
const USERS: i64 = 4;
const ASSETS: i64 = 8;
const LOCATIONS: i64 = 16;
/// What is looked through where nothing is said: tickets, knowledge base, assets.
const USUAL: i64 = 11;
/// The longest query.
const MAX_QUERY: usize = 200;

fn search(iiq: &IncidentIq, call: &Call) -> Answer {
    let asked = object_or_empty(call)?;
    let query = required(&asked, "Query")?.trim().to_lowercase();
    if query.chars().count() > MAX_QUERY {
        let message = format!("The Query must not be longer than {MAX_QUERY} characters.");
        return Err(Refusal::bad("Query", message));
    }
    let number = |name, usual| get(&asked, name).and_then(Value::as_i64).unwrap_or(usual);
    let facets = number("Facets", USUAL);
    let limit = usize::try_from(number("Limit", 10)).unwrap_or(10);
    let state = iiq.state();
    let (book, district) = (&state.book, &state.book.district);
    let has = |text: &str| text.to_lowercase().contains(&query);
    let mut found = json!({});
    if facets & TICKETS != 0 {
        let tickets = state.tickets.iter().filter(|one| {
            !one.is_deleted
                && (has(&one.subject) || one.number.to_string() == query)
                && iiq.check_seen(call, one).is_ok()
        });
        let views: Vec<_> = tickets
            .take(limit)
            .map(|one| one.view(&state, iiq.rules.temper))
            .collect();
        found["Tickets"] = json!(views);
    }
    if facets & USERS != 0 {
        let users = district.users.iter().zip(&book.users);
        let hits = users.filter(|(user, _)| has(&user.name()) || has(&user.email));
        found["Users"] = json!(hits.take(limit).map(|(_, json)| json).collect::<Vec<_>>());
    }
    if facets & ASSETS != 0 {
        let assets = district.assets.iter().zip(&book.assets);
        let hits = assets.filter(|(asset, _)| has(&asset.tag) || has(&asset.serial));
        found["Assets"] = json!(hits.take(limit).map(|(_, json)| json).collect::<Vec<_>>());
    }
    if facets & LOCATIONS != 0 {
        let places = district.locations.iter().zip(&book.locations);
        let hits = places.filter(|(place, _)| has(&place.name));
        found["Locations"] = json!(hits.take(limit).map(|(_, json)| json).collect::<Vec<_>>());
    }
    Ok(envelope::item(200, &found, None))
}
