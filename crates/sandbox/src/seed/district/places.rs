//! Places and their rooms.

use super::{Location, Room};
use crate::guid::Guid;

const PLACES: [(&str, &str, u8); 27] = [
    ("District Office", "DO", 1),
    ("Operations Center", "OPS", 1),
    ("Lincoln High School", "LHS", 4),
    ("Roosevelt High School", "RHS", 4),
    ("Harriet Tubman High School", "HTHS", 4),
    ("Riverside High School", "RVHS", 4),
    ("Franklin Middle School", "FMS", 3),
    ("Lincoln Middle School", "LMS", 3),
    ("Cesar Chavez Middle School", "CCMS", 3),
    ("Oak Grove Middle School", "OGMS", 3),
    ("Westview Middle School", "WMS", 3),
    ("Katherine Johnson Middle School", "KJMS", 3),
    ("Adams Elementary", "AES", 2),
    ("Birch Lane Elementary", "BLES", 2),
    ("Cedar Park Elementary", "CPES", 2),
    ("Douglass Elementary", "DES", 2),
    ("Eastside Elementary", "EES", 2),
    ("Fairview Elementary", "FES", 2),
    ("Garfield Elementary", "GES", 2),
    ("Hillcrest Elementary", "HES", 2),
    ("Jefferson Elementary", "JES", 2),
    ("Kennedy Elementary", "KES", 2),
    ("Lakeview Elementary", "LES", 2),
    ("Maplewood Elementary", "MES", 2),
    ("Northgate Elementary", "NES", 2),
    ("Parkside Elementary", "PES", 2),
    ("Sequoia Elementary", "SES", 2),
];

pub(super) fn locations() -> Vec<Location> {
    PLACES
        .iter()
        .map(|(name, abbreviation, kind)| Location {
            id: Guid::seeded("location", abbreviation),
            name: (*name).to_owned(),
            abbreviation: (*abbreviation).to_owned(),
            kind: *kind,
        })
        .collect()
}

pub(super) fn rooms(locations: &[Location]) -> Vec<Room> {
    let mut rooms = Vec::new();
    for (index, location) in locations.iter().enumerate() {
        let floors: std::ops::RangeInclusive<u32> = match location.kind {
            4 => 1..=3,
            3 => 1..=2,
            _ => 1..=1,
        };
        let numbers = floors.flat_map(|floor| (1..=8).map(move |door| format!("{floor}0{door}")));
        let named: &[&str] = if location.kind == 1 {
            &["Server Room", "Board Room", "Front Desk"]
        } else {
            &["Library", "Main Office", "Computer Lab", "Gym"]
        };
        for name in numbers.chain(named.iter().map(|name| (*name).to_owned())) {
            rooms.push(Room {
                id: Guid::seeded("room", &format!("{}/{name}", location.abbreviation)),
                name,
                location: index,
            });
        }
    }
    rooms
}
