//! Places and their rooms, in both versions of the API (contract incidentiq §16, §19 D15).

use serde_json::{Value, json};

use super::{at_path, fresh, json_of, named, shown_after};
use crate::Temper;
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::IncidentIq;
use crate::incidentiq::Row;
use crate::incidentiq::body::{self, get, guid, id, object_or_empty, text};
use crate::incidentiq::book::{Book, Json, Kind, LOCATION_TYPES, location_type};
use crate::incidentiq::deed::Order;
use crate::incidentiq::metadata::{check_site, cut, one};
use crate::incidentiq::search::PAGED;
use crate::reply::{Answer, Refusal};
use crate::seed::District;
use crate::seed::district::{Location, Room};

pub(super) const ROUTES: &[Row] = &[
    Row::read("GET|POST", "/locations", "locations", own)
        .query(PAGED)
        .gives("List(Location)"),
    Row::read("GET|POST", "/locations/all", "locations", own)
        .query(PAGED)
        .gives("List(Location)"),
    Row::read("GET|POST", "/locations/view", "locations", own)
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
        "/locations/{locationId:guid}/rooms",
        "rooms",
        |iiq, call| rooms_of(iiq, call, id(call, "locationId")?),
    )
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
    Row::create("POST", "/locations/new", "location_save", |iiq, call| {
        new_location(iiq, call, 200)
    })
    .takes("NewLocation")
    .gives("Item(Location)"),
    Row::write(
        "POST",
        "/locations/{locationId:guid}",
        "location_save",
        change_location,
    )
    .takes("NewLocation")
    .gives("Item(Location)"),
    Row::create("POST", "/locations/rooms/new", "room_save", new_room)
        .takes("NewRoom")
        .gives("Item(Room)"),
];

pub(super) const ROUTES_V2: &[Row] = &[
    Row::read("GET|POST", "/locations", "locations", filtered)
        .query(PAGED)
        .takes("RequestBody")
        .gives("List(Location)"),
    Row::read("GET|POST", "/locations/all", "locations", filtered)
        .query(PAGED)
        .takes("RequestBody")
        .gives("List(Location)"),
    Row::read("GET|POST", "/locations/view", "locations", filtered)
        .query(PAGED)
        .takes("RequestBody")
        .gives("List(Location)"),
    Row::read(
        "GET|POST",
        "/locations/all/{siteId:guid}",
        "locations",
        of_site,
    )
    .query(PAGED)
    .gives("List(Location)"),
    Row::read(
        "GET|POST",
        "/locations/{locationId:guid}",
        "location",
        |iiq, call| {
            one(&iiq.book(), call, "locationId", Kind::Location, |book| {
                &book.locations
            })
        },
    )
    .gives("Item(Location)"),
    Row::create("POST", "/locations/new", "location_save", |iiq, call| {
        new_location(iiq, call, 201)
    })
    .takes("NewLocation")
    .gives("Item(Location)")
    .status(201),
    Row::write(
        "POST",
        "/locations/{locationId:guid}/update",
        "location_save",
        change_location,
    )
    .takes("NewLocation")
    .gives("Item(Location)"),
    Row::read("POST", "/locations/rooms/query", "rooms", query_rooms)
        .query(PAGED)
        .takes("RequestBody")
        .gives("List(Room)"),
    Row::create("POST", "/locations/rooms", "room_save", new_room)
        .takes("NewRoom")
        .gives("Item(Room)"),
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

/// The second version filters under `RequestOptions`; an expression of the first one's grammar breaks it
/// (contract §4, rule 4).
fn filtered(iiq: &IncidentIq, call: &Call) -> Answer {
    let asked = object_or_empty(call)?;
    let filters = get(&asked, "RequestOptions").and_then(|options| get(options, "Filters"));
    let filters = filters.and_then(Value::as_array);
    let book = iiq.book();
    let mut kept: Vec<&Json> = visible(iiq, &book).iter().collect();
    for filter in filters.into_iter().flatten() {
        let values = values_of(filter);
        if values.iter().any(|value| value.contains(':')) {
            return Err(Refusal::new(500, "An unexpected error occurred."));
        }
        let facet = text(filter, "Facet").unwrap_or_default().to_lowercase();
        let is_it = |place: &Location| {
            values.iter().any(|value| match facet.as_str() {
                "location" => value.parse() == Ok(place.id),
                "locationtype" => value.parse() == Ok(location_type(place.kind)),
                "name" | "keyword" => place.name.to_lowercase().contains(&value.to_lowercase()),
                _ => true,
            })
        };
        kept.retain(|json| {
            let places = book.district.locations.iter().zip(&book.locations);
            let mut own = places.filter(|(_, other)| other.get() == json.get());
            own.any(|(place, _)| values.is_empty() || is_it(place))
        });
    }
    cut(iiq, call, &kept, 100)
}

/// The values of a filter of the second version: `Value`, `Values`, `Id`, `Ids`.
fn values_of(filter: &Value) -> Vec<&str> {
    let single = ["Value", "Id"]
        .into_iter()
        .filter_map(|name| text(filter, name));
    let lists = ["Values", "Ids"]
        .into_iter()
        .filter_map(|name| get(filter, name)?.as_array());
    single
        .chain(lists.flatten().filter_map(Value::as_str))
        .collect()
}

fn types(iiq: &IncidentIq, call: &Call) -> Answer {
    let items: Vec<_> = (1..)
        .zip(LOCATION_TYPES)
        .map(|(kind, name)| json!({ "LocationTypeId": location_type(kind), "Name": name }))
        .collect();
    cut(iiq, call, &items, 100)
}

fn query_rooms(iiq: &IncidentIq, call: &Call) -> Answer {
    match guid(&object_or_empty(call)?, "LocationId") {
        Some(location) => rooms_of(iiq, call, location),
        None => cut(iiq, call, &iiq.book().rooms, 100),
    }
}

fn rooms_of(iiq: &IncidentIq, call: &Call, location: Guid) -> Answer {
    let book = iiq.book();
    let place = book.find(Kind::Location, location);
    let place = place.ok_or_else(|| Refusal::not_found("The location"))?;
    let rooms = book.district.rooms.iter().zip(&book.rooms);
    let items: Vec<&Json> = rooms
        .filter(|(room, _)| room.location == place)
        .map(|(_, json)| json)
        .collect();
    cut(iiq, call, &items, 100)
}

fn shown(book: &Book, id: Guid) -> Option<&Json> {
    json_of(book, Kind::Location, id, |book| &book.locations)
}

fn new_location(iiq: &IncidentIq, call: &Call, status: u16) -> Answer {
    let target = ("location_save", fresh(iiq));
    shown_after(iiq, call, target, &object_or_empty(call)?, status, shown)
}

fn change_location(iiq: &IncidentIq, call: &Call) -> Answer {
    let (id, body) = at_path(call, "locationId")?;
    if shown(&iiq.book(), id).is_none() {
        return Err(Refusal::not_found("The location"));
    }
    shown_after(iiq, call, ("location_save", id), &body, 200, shown)
}

fn new_room(iiq: &IncidentIq, call: &Call) -> Answer {
    let target = ("room_save", fresh(iiq));
    shown_after(
        iiq,
        call,
        target,
        &object_or_empty(call)?,
        200,
        |book, id| json_of(book, Kind::Room, id, |book| &book.rooms),
    )
}

/// Makes a place, or changes the one of that id.
pub(super) fn location(
    book: &Book,
    order: &Order<'_>,
    district: &mut District,
) -> Result<(), Refusal> {
    let place = book.find(Kind::Location, order.target);
    let others = district
        .locations
        .iter()
        .filter(|one| one.id != order.target);
    let name = named(
        order,
        "Name",
        place.is_none(),
        others.map(|one| one.name.clone()),
    )?;
    let kind = guid(order.body, "LocationTypeId");
    let kind = kind.and_then(|id| (1..=4).find(|kind| location_type(*kind) == id));
    let short = text(order.body, "Abbreviation").map(str::to_owned);
    match (place, name) {
        (Some(place), name) => {
            let one = &mut district.locations[place];
            one.name = name.unwrap_or_else(|| one.name.clone());
            one.kind = kind.unwrap_or(one.kind);
            one.abbreviation = short.unwrap_or_else(|| one.abbreviation.clone());
        }
        (None, Some(name)) => district.locations.push(Location {
            id: order.target,
            name,
            abbreviation: short.unwrap_or_default(),
            kind: kind.unwrap_or(1),
        }),
        (None, None) => return Err(body::missing("Name")),
    }
    Ok(())
}

pub(super) fn room(book: &Book, order: &Order<'_>, district: &mut District) -> Result<(), Refusal> {
    let location = body::reference(book, order.body, "LocationId", Kind::Location)?;
    let rooms = district.rooms.iter().filter(|one| one.location == location);
    let name = named(order, "Name", true, rooms.map(|one| one.name.clone()))?;
    district.rooms.push(Room {
        id: order.target,
        name: name.unwrap_or_default(),
        location,
    });
    Ok(())
}
