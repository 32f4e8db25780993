//! The reference data and what changes it: places, issues, people, teams, devices (contract incidentiq §16).
//!
//! A change makes the whole of the district anew, with all its indexes: changes are rare, looking up is not.

mod assets;
mod elsewhere;
mod issues;
mod people;
mod places;

use serde_json::{Value, json};

use super::body::{self, id, object_or_empty};
use super::book::{Book, Json, Kind};
use super::deed::{Deed, Deeds, Effect, Order};
use super::state::State;
use super::{IncidentIq, V1, V2, envelope};
use crate::call::Call;
use crate::guid::Guid;
use crate::reply::{Answer, Refusal};
use crate::route::Section;
use crate::seed::District;

pub(super) fn sections() -> Vec<Section<IncidentIq>> {
    let section = |name, root, routes| Section { name, root, routes };
    vec![
        section("Locations", V1, places::ROUTES),
        section("Locations", V2, places::ROUTES_V2),
        section("Issues", V1, issues::ROUTES),
        section("Users", V1, people::ROUTES),
        section("Assets", V1, assets::ROUTES),
        section("Elsewhere", V1, elsewhere::ROUTES),
    ]
}

/// How a change of the district is decided: the new thing's id is the order's target.
type Change = fn(&Book, &Order<'_>, &mut District) -> Result<(), Refusal>;

fn changed(state: &State, order: &Order<'_>, change: Change) -> Result<Vec<Effect>, Refusal> {
    let mut district = state.book.district.clone();
    change(&state.book, order, &mut district)?;
    Ok(vec![Effect::District(Box::new(district))])
}

pub(super) const DEEDS: Deeds = &[
    (
        "location_save",
        Deed::Any(|state, order| changed(state, order, places::location)),
    ),
    (
        "room_save",
        Deed::Any(|state, order| changed(state, order, places::room)),
    ),
    (
        "issue_save",
        Deed::Any(|state, order| changed(state, order, issues::issue)),
    ),
    (
        "issue_type_save",
        Deed::Any(|state, order| changed(state, order, issues::issue_type)),
    ),
    (
        "category_save",
        Deed::Any(|state, order| changed(state, order, issues::category)),
    ),
    (
        "user_save",
        Deed::Any(|state, order| changed(state, order, people::user)),
    ),
    (
        "team_save",
        Deed::Any(|state, order| changed(state, order, people::team)),
    ),
    (
        "team_member",
        Deed::Any(|state, order| changed(state, order, people::member)),
    ),
    (
        "asset_save",
        Deed::Any(|state, order| changed(state, order, assets::asset)),
    ),
];

/// Has a thing made or changed and shows it.
fn shown_after(
    iiq: &IncidentIq,
    call: &Call,
    (operation, id): (&'static str, Guid),
    body: &Value,
    status: u16,
    shown: fn(&Book, Guid) -> Option<&Json>,
) -> Answer {
    let mut state = iiq.state();
    iiq.obey_in(&mut state, call, operation, id, body)?;
    let item = shown(&state.book, id).ok_or_else(|| Refusal::not_found("The resource"))?;
    Ok(envelope::item(status, item, Some(id)))
}

/// The JSON of one thing.
fn json_of(book: &Book, kind: Kind, id: Guid, items: fn(&Book) -> &[Json]) -> Option<&Json> {
    book.find(kind, id).map(|place| &items(book)[place])
}

/// The id of a thing that is to be made: of nothing that was there before.
fn fresh(iiq: &IncidentIq) -> Guid {
    let state = iiq.state();
    Guid::seeded("made", &format!("{}/{}", state.instance, Guid::random()))
}

/// A change of the thing that the path names.
fn at_path(call: &Call, parameter: &str) -> Result<(Guid, Value), Refusal> {
    Ok((id(call, parameter)?, object_or_empty(call)?))
}

/// A name, which a new thing must have; nothing else of its kind has the same.
fn named(
    order: &Order<'_>,
    member: &str,
    is_new: bool,
    mut others: impl Iterator<Item = String>,
) -> Result<Option<String>, Refusal> {
    let name = body::text(order.body, member).map(str::trim);
    let name = name.filter(|name| !name.is_empty());
    match name {
        None if is_new => Err(body::missing(member)),
        None => Ok(None),
        Some(name) if others.any(|other| other.eq_ignore_ascii_case(name)) => {
            Err(Refusal::new(409, format!("{name} exists already.")).with_key("ALREADY_EXISTS"))
        }
        Some(name) => Ok(Some(name.to_owned())),
    }
}

/// Done, and nothing to show.
fn done(iiq: &IncidentIq, call: &Call, operation: &'static str, id: Guid, body: &Value) -> Answer {
    let mut state = iiq.state();
    iiq.obey_in(&mut state, call, operation, id, body)?;
    Ok(envelope::action("OK"))
}

/// That a thing is gone, or back again, as the journal keeps it.
fn gone(is_gone: bool) -> Value {
    json!({ "IsDeleted": is_gone })
}
