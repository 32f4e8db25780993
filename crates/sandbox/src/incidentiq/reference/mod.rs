//! The reference data: places, issues, people, teams, devices (contract incidentiq §16). It is read; the one thing that
//! can be changed is a person.

mod assets;
mod issues;
mod people;
mod places;

pub(super) use self::people::DEEDS;
use super::{IncidentIq, V1, V2};
use crate::route::Section;

pub(super) fn sections() -> Vec<Section<IncidentIq>> {
    let section = |name, root, routes| Section { name, root, routes };
    vec![
        section("Locations", V1, places::ROUTES),
        section("Locations", V2, places::ROUTES_V2),
        section("Issues", V1, issues::ROUTES),
        section("Users", V1, people::ROUTES),
        section("Assets", V1, assets::ROUTES),
    ]
}
