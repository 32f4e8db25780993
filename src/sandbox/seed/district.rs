//! A school district: 27 places, their rooms, 2,000 people, 1,500 devices, the tree of issues.
//!
//! Traps it holds on purpose: two people share a display name, most room numbers stand in several schools, asset
//! tags begin with zeros.

use std::collections::HashSet;

use super::issues::TREE;
use super::names::{FIRST, LAST, address};
use crate::sandbox::dice::Dice;
use crate::sandbox::guid::Guid;

/// A place.
#[derive(Debug, Clone)]
pub struct Location {
    /// Its id.
    pub id: Guid,
    /// Its name.
    pub name: String,
    /// Its short name.
    pub abbreviation: String,
    /// Its type's number in IncidentIQ: 1 admin, 2 elementary, 3 middle, 4 high (contract incidentiq §5).
    pub kind: u8,
}

/// A room of a place.
#[derive(Debug, Clone)]
pub struct Room {
    /// Its id.
    pub id: Guid,
    /// Its name or number.
    pub name: String,
    /// The index of its place.
    pub location: usize,
}

/// An issue: the leaf of its path.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Its id.
    pub id: Guid,
    /// Its name.
    pub name: String,
    /// The id and name of its type.
    pub kind: (Guid, String),
    /// The id and name of its category.
    pub category: (Guid, String),
}

/// What a person is in the district.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A student.
    Student,
    /// A teacher.
    Faculty,
    /// Anyone else who works there.
    Staff,
    /// Someone who works on tickets.
    Agent,
}

/// A person.
#[derive(Debug, Clone)]
pub struct User {
    /// The id.
    pub id: Guid,
    /// The first name.
    pub first: String,
    /// The last name.
    pub last: String,
    /// The address.
    pub email: String,
    /// What the person is.
    pub role: Role,
    /// The index of the person's place.
    pub location: usize,
    /// The number that the school gave.
    pub number: String,
}

impl User {
    /// First and last name.
    pub fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }
}

/// A team of agents.
#[derive(Debug, Clone)]
pub struct Team {
    /// Its id.
    pub id: Guid,
    /// Its name.
    pub name: String,
    /// The indexes of its members.
    pub members: Vec<usize>,
}

/// A device.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its id.
    pub id: Guid,
    /// Its tag: six digits, the first ones zero.
    pub tag: String,
    /// Its maker's number.
    pub serial: String,
    /// What it is.
    pub model: &'static str,
    /// The index of whose it is.
    pub owner: usize,
    /// The index of its place.
    pub location: usize,
}

/// A custom field of tickets.
#[derive(Debug, Clone)]
pub struct CustomField {
    /// The id that values are keyed on.
    pub id: Guid,
    /// Its name.
    pub name: &'static str,
    /// The type of its editor: 1 text, 4 number, 6 date, 8 on or off, 9 select, 10 multi-select (contract §15).
    pub editor: u8,
    /// The options of a select field, with their ids.
    pub options: Vec<(Guid, &'static str)>,
}

/// A step of the one workflow.
#[derive(Debug, Clone)]
pub struct Status {
    /// The id of the step.
    pub step: Guid,
    /// The id of the status.
    pub status: Guid,
    /// The status's name.
    pub name: &'static str,
    /// Whether a ticket in it is closed.
    pub is_closed: bool,
}

/// A band of priority scores.
#[derive(Debug, Clone)]
pub struct Priority {
    /// Its id.
    pub id: Guid,
    /// Its name.
    pub name: &'static str,
    /// The least and the greatest score of it.
    pub band: (i64, i64),
}

/// The whole district.
#[derive(Debug, Clone)]
pub struct District {
    /// The site.
    pub site: Guid,
    /// The product that tickets belong to.
    pub product: Guid,
    /// The one workflow.
    pub workflow: Guid,
    /// Places.
    pub locations: Vec<Location>,
    /// Rooms.
    pub rooms: Vec<Room>,
    /// Issues.
    pub issues: Vec<Issue>,
    /// People; the agents come first, the help desk's own account is the first of all.
    pub users: Vec<User>,
    /// Teams.
    pub teams: Vec<Team>,
    /// Devices.
    pub assets: Vec<Asset>,
    /// Custom fields.
    pub custom_fields: Vec<CustomField>,
    /// Steps of the workflow in their order.
    pub statuses: Vec<Status>,
    /// Priorities from low to high.
    pub priorities: Vec<Priority>,
    /// Tags.
    pub tags: Vec<(Guid, &'static str)>,
    /// Reasons to close.
    pub close_reasons: Vec<(Guid, &'static str)>,
}

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

const MODELS: [&str; 8] = [
    "Chromebook 3100",
    "Chromebook 11 G9",
    "Latitude 5430",
    "MacBook Air 13",
    "iPad 9th generation",
    "LaserJet M404",
    "PowerLite projector",
    "Interactive panel 75",
];

impl District {
    /// The district, always the same.
    pub fn new() -> Self {
        let mut dice = Dice::new(0x0d15_7421);
        let locations = locations();
        let users = users(&mut dice, locations.len());
        Self {
            site: Guid::seeded("site", "district"),
            product: Guid::known("88df910c-91aa-e711-80c2-0004ffa00010"),
            workflow: Guid::seeded("workflow", "ticketing"),
            rooms: rooms(&locations),
            issues: issues(),
            teams: teams(),
            assets: assets(&mut dice, &users),
            custom_fields: custom_fields(),
            statuses: statuses(),
            priorities: priorities(),
            tags: named(
                "tag",
                &[
                    "Loaner",
                    "Warranty",
                    "Summer project",
                    "Vendor",
                    "Recurring",
                    "Training",
                ],
            ),
            close_reasons: named(
                "close-reason",
                &["Resolved", "No response", "Duplicate", "Not an issue"],
            ),
            locations,
            users,
        }
    }
}

impl Default for District {
    fn default() -> Self {
        Self::new()
    }
}

fn named(kind: &str, names: &[&'static str]) -> Vec<(Guid, &'static str)> {
    names
        .iter()
        .map(|name| (Guid::seeded(kind, name), *name))
        .collect()
}

fn locations() -> Vec<Location> {
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

fn rooms(locations: &[Location]) -> Vec<Room> {
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

fn issues() -> Vec<Issue> {
    TREE.iter()
        .flat_map(|(category, kind, names)| {
            names.iter().map(move |name| Issue {
                id: Guid::seeded("issue", &format!("{category}/{kind}/{name}")),
                name: (*name).to_owned(),
                kind: (
                    Guid::seeded("issue-type", &format!("{category}/{kind}")),
                    (*kind).to_owned(),
                ),
                category: (Guid::seeded("category", category), (*category).to_owned()),
            })
        })
        .collect()
}

/// How many people, of whom the first so many are agents.
const PEOPLE: usize = 2_000;
const AGENTS: usize = 12;

/// Two people with one display name.
const NAMESAKES: [usize; 2] = [320, 700];

fn users(dice: &mut Dice, places: usize) -> Vec<User> {
    let mut users = vec![user(0, "Help", "Desk", "helpdesk", Role::Agent, 0)];
    let mut taken = HashSet::new();
    for n in 1..PEOPLE {
        let (first, last) = if NAMESAKES.contains(&n) {
            ("Maria", "Garcia")
        } else {
            let (first, last) = (
                FIRST[n % FIRST.len()],
                LAST[(n * 7 + n / FIRST.len()) % LAST.len()],
            );
            if (first, last) == ("Maria", "Garcia") {
                ("Maria", "Hughes")
            } else {
                (first, last)
            }
        };
        let role = match n {
            n if n < AGENTS => Role::Agent,
            n if n < 160 => Role::Staff,
            n if n < 620 => Role::Faculty,
            _ => Role::Student,
        };
        let place = if role == Role::Agent {
            0
        } else {
            dice.below(places - 2) + 2
        };
        let mut local = address(first, last);
        if !taken.insert(local.clone()) {
            local = format!("{local}{n}");
        }
        users.push(user(n, first, last, &local, role, place));
    }
    users
}

fn user(n: usize, first: &str, last: &str, local: &str, role: Role, location: usize) -> User {
    User {
        id: Guid::seeded("user", local),
        first: first.to_owned(),
        last: last.to_owned(),
        email: format!("{local}@district.example"),
        role,
        location,
        number: format!("{:06}", 20_000 + n * 3),
    }
}

fn teams() -> Vec<Team> {
    [
        ("Help Desk", vec![0, 1, 2, 3]),
        ("Field Technicians", vec![3, 4, 5, 6]),
        ("Network", vec![7, 8]),
        ("Classroom Technology", vec![9, 10]),
        ("Accounts and Data", vec![2, 11]),
    ]
    .into_iter()
    .map(|(name, members)| Team {
        id: Guid::seeded("team", name),
        name: name.to_owned(),
        members,
    })
    .collect()
}

fn assets(dice: &mut Dice, users: &[User]) -> Vec<Asset> {
    (0..1_500)
        .map(|n| {
            let owner = AGENTS + dice.below(users.len() - AGENTS);
            let tag = format!("{:06}", 4_100 + n * 7);
            Asset {
                id: Guid::seeded("asset", &tag),
                serial: format!("5CD{:07X}", dice.below(0x0fff_ffff)),
                model: MODELS[dice.below(MODELS.len())],
                owner,
                location: users[owner].location,
                tag,
            }
        })
        .collect()
}

fn custom_fields() -> Vec<CustomField> {
    let field = |name: &'static str, editor, options: &[&'static str]| CustomField {
        id: Guid::seeded("custom-field", name),
        name,
        editor,
        options: options
            .iter()
            .map(|option| (Guid::seeded("option", &format!("{name}/{option}")), *option))
            .collect(),
    };
    vec![
        field("Legacy ID", 1, &[]),
        field("Asset Tag", 1, &[]),
        field("Estimated Cost", 4, &[]),
        field("Needed By", 6, &[]),
        field("Loaner Issued", 8, &[]),
        field(
            "Impact",
            9,
            &["One person", "One classroom", "A building", "The district"],
        ),
        field(
            "Affected Devices",
            10,
            &[
                "Laptop",
                "Chromebook",
                "Tablet",
                "Printer",
                "Projector",
                "Phone",
            ],
        ),
    ]
}

fn statuses() -> Vec<Status> {
    let status = |n: u8, name: &'static str, is_closed| Status {
        step: Guid::seeded("step", name),
        status: Guid::known(&format!("c7932b63-7bf4-49f9-a2a3-ea739e7e000{n}")),
        name,
        is_closed,
    };
    vec![
        status(1, "Submitted", false),
        status(2, "In Progress", false),
        status(4, "Waiting on Requestor", false),
        status(3, "Resolved", true),
        status(5, "Canceled", true),
    ]
}

fn priorities() -> Vec<Priority> {
    [
        ("Low", (0, 50)),
        ("Medium", (51, 93)),
        ("High", (94, 150)),
        ("Critical", (151, 1_000)),
    ]
    .into_iter()
    .map(|(name, band)| Priority {
        id: Guid::seeded("priority", name),
        name,
        band,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promised_entries_are_there() {
        let district = District::new();
        for (name, short) in [("Lincoln High School", "LHS"), ("District Office", "DO")] {
            assert!(
                district
                    .locations
                    .iter()
                    .any(|place| place.name == name && place.abbreviation == short)
            );
        }
        assert_eq!(district.users[0].email, "helpdesk@district.example");
        assert_eq!(district.users[0].role, Role::Agent);
        assert!(district.issues.iter().any(|issue| issue.name == "Other"));
        assert_eq!(district.users.len(), 2_000);
        assert_eq!(district.assets.len(), 1_500);
    }

    #[test]
    fn ids_and_addresses_are_unique_and_stable() {
        let district = District::new();
        let ids: HashSet<_> = district.users.iter().map(|user| user.id).collect();
        assert_eq!(ids.len(), district.users.len());
        let rooms: HashSet<_> = district.rooms.iter().map(|room| room.id).collect();
        assert_eq!(rooms.len(), district.rooms.len());
        assert_eq!(District::new().site, district.site);
        // A changed id would make every kept data folder and every cached directory wrong.
        assert_eq!(
            district.locations[2].id.to_string(),
            Guid::seeded("location", "LHS").to_string()
        );
    }

    #[test]
    fn the_traps_are_set() {
        let district = District::new();
        let namesakes = district
            .users
            .iter()
            .filter(|user| user.name() == "Maria Garcia");
        assert_eq!(namesakes.count(), 2);
        let doors = district.rooms.iter().filter(|room| room.name == "101");
        assert!(doors.count() > 20);
        let paths: HashSet<_> = district
            .issues
            .iter()
            .map(|issue| (&issue.category.1, &issue.name))
            .collect();
        assert_eq!(paths.len(), district.issues.len());
    }
}
