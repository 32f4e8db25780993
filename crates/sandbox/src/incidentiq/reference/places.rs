//! Places and their rooms, in both versions of the API (contract incidentiq §16, §19 D15).

use serde_json::{Value, json};

use super::{Facets, all_hold, values_of, wanted};
use crate::Temper;
use crate::call::Call;
use crate::incidentiq::IncidentIq;
use crate::incidentiq::Row;
use crate::incidentiq::body::{get, guid, object_or_empty};
use crate::incidentiq::book::{Book, Json, Kind, LOCATION_TYPES, location_type};
use crate::incidentiq::metadata::{check_site, cut, one};
use crate::incidentiq::search::PAGED;
use crate::reply::{Answer, Refusal};

pub(super) const ROUTES: &[Row] = &[
    Row::read("GET", "/locations", "locations", own)
        .query(PAGED)
        .gives("List(Location)"),
    Row::read("GET", "/locations/all", "locations", own)
        .query(PAGED)
        .gives("List(Location)"),
    Row::read("GET", "/locations/view", "locations", own)
        .query(PAGED)
        .gives("List(Location)"),
    Row::read("GET", "/locations/all/{siteId:guid}", "locations", of_site)
        .query(PAGED)
        .gives("List(Location)"),
    Row::read("GET", "/locations/types", "location_types", types).gives("List(LocationType)"),
    Row::read("GET", "/locations/rooms", "rooms", |iiq, call| {
        cut(iiq, call, &iiq.book().rooms, 100)
    })
    .query(PAGED)
    .gives("List(Room)"),
    Row::read(
        "GET",
        "/locations/{locationId:guid}",
        "location",
        |iiq, call| {
            one(&iiq.book(), call, "locationId", Kind::Location, |book| {
                &book.locations
            })
        },
    )
    .gives("Item(Location)"),
];

pub(super) const ROUTES_V2: &[Row] = &[
    Row::read("GET|POST", "/locations/all", "locations", filtered)
        .query(PAGED)
        .takes("RequestBody")
        .gives("List(Location)")
        .breaks(),
    Row::read("GET", "/locations/all/{siteId:guid}", "locations", of_site)
        .query(PAGED)
        .gives("List(Location)"),
    Row::read("POST", "/locations/rooms/query", "rooms", query_rooms)
        .query(PAGED)
        .takes("RequestBody")
        .gives("List(Room)"),
];

/// What the token's user may see: on a live system less than there is (contract §16).
fn own(iiq: &IncidentIq, call: &Call) -> Answer {
    let book = iiq.book();
    cut(iiq, call, visible(iiq, &book), 100)
}

fn visible<'a>(iiq: &IncidentIq, book: &'a Book) -> &'a [Json] {
    let all = &book.locations;
    match iiq.rules.temper {
        Temper::LiveLike => &all[..all.len() / 2],
        Temper::Lenient => all,
    }
}

fn of_site(iiq: &IncidentIq, call: &Call) -> Answer {
    check_site(iiq, call)?;
    cut(iiq, call, &iiq.book().locations, 100)
}

const FACETS: Facets = &[
    ("location", true),
    ("locationtype", true),
    ("name", false),
    ("keyword", false),
];

/// The second version filters under `RequestOptions`; an expression of the first one's grammar breaks it
/// (contract §4, rule 4).
fn filtered(iiq: &IncidentIq, call: &Call) -> Answer {
    let asked = object_or_empty(call)?;
    let filters = get(&asked, "RequestOptions").and_then(|options| get(options, "Filters"));
    let all = filters.and_then(Value::as_array).into_iter().flatten();
    if all.flat_map(values_of).any(|value| value.contains(':')) {
        return Err(Refusal::new(500, "An unexpected error occurred."));
    }
    let filters = wanted(filters, FACETS, &[], iiq.rules.temper)?;
    let book = iiq.book();
    let places = book.district.locations.iter();
    let kept: Vec<&Json> = places
        .zip(visible(iiq, &book))
        .filter(|(place, _)| {
            all_hold(&filters, |facet, value| match facet {
                "location" => value.parse() == Ok(place.id),
                "locationtype" => value.parse() == Ok(location_type(place.kind)),
                _ => place.name.to_lowercase().contains(value),
            })
        })
        .map(|(_, json)| json)
        .collect();
    cut(iiq, call, &kept, 100)
}

fn types(iiq: &IncidentIq, call: &Call) -> Answer {
    let items: Vec<_> = (1..)
        .zip(LOCATION_TYPES)
        .map(|(kind, name)| json!({ "LocationTypeId": location_type(kind), "Name": name }))
        .collect();
    cut(iiq, call, &items, 100)
}

fn query_rooms(iiq: &IncidentIq, call: &Call) -> Answer {
    let book = iiq.book();
    let Some(location) = guid(&object_or_empty(call)?, "LocationId") else {
        return cut(iiq, call, &book.rooms, 100);
    };
    let place = book.find(Kind::Location, location);
    let place = place.ok_or_else(|| Refusal::not_found("The location"))?;
    let rooms = book.district.rooms.iter().zip(&book.rooms);
    let items: Vec<&Json> = rooms
        .filter(|(room, _)| room.location == place)
        .map(|(_, json)| json)
        .collect();
    cut(iiq, call, &items, 100)
}
