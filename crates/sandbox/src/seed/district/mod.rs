//! A school district: 27 places, their rooms, 2,000 people, 1,500 devices, the tree of issues.
//!
//! Traps it holds on purpose: two people share a display name, most room numbers stand in several schools, asset
//! tags begin with zeros.

mod people;
mod places;
mod work;

use crate::dice::Dice;
use crate::guid::Guid;

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

impl District {
    /// The grade of a student, by the kind of the school: what the school calls it, so a text.
    pub fn grade(&self, user: &User) -> Option<String> {
        if user.role != Role::Student {
            return None;
        }
        let (first, count) = match self.locations[user.location].kind {
            2 => (1, 5),
            3 => (6, 3),
            4 => (9, 4),
            _ => return None,
        };
        let nth: usize = user.number.parse().unwrap_or(0);
        Some((first + nth / 3 % count).to_string())
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
    pub model: String,
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

/// A type of issues: the branch between a category and its issues.
#[derive(Debug, Clone)]
pub struct IssueType {
    /// Its id.
    pub id: Guid,
    /// Its name.
    pub name: String,
    /// The id and name of its category.
    pub category: (Guid, String),
}

/// A service level.
#[derive(Debug, Clone)]
pub struct Sla {
    /// Its id.
    pub id: Guid,
    /// Its name.
    pub name: &'static str,
    /// What it measures, and the minutes that it grants.
    pub metrics: [(&'static str, i64); 2],
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
    /// Types of issues.
    pub issue_types: Vec<IssueType>,
    /// Categories of issues.
    pub categories: Vec<(Guid, String)>,
    /// What can be done about an issue.
    pub actions: Vec<(Guid, &'static str)>,
    /// Service levels.
    pub slas: Vec<Sla>,
    /// Saved views of tickets.
    pub views: Vec<(Guid, &'static str)>,
}

impl District {
    /// The district, always the same.
    pub fn new() -> Self {
        let mut dice = Dice::new(0x0d15_7421);
        let locations = places::locations();
        let users = people::users(&mut dice, locations.len());
        let issues = work::issues();
        Self {
            site: Guid::seeded("site", "district"),
            product: Guid::known("88df910c-91aa-e711-80c2-0004ffa00010"),
            workflow: Guid::seeded("workflow", "ticketing"),
            rooms: places::rooms(&locations),
            teams: people::teams(),
            assets: people::assets(&mut dice, &users),
            custom_fields: work::custom_fields(),
            statuses: work::statuses(),
            priorities: work::priorities(),
            tags: work::named(
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
            close_reasons: work::named(
                "close-reason",
                &["Resolved", "No response", "Duplicate", "Not an issue"],
            ),
            issue_types: work::issue_types(&issues),
            categories: work::categories(&issues),
            actions: work::named(
                "action",
                &["Repaired", "Replaced", "Loaner handed out", "Explained"],
            ),
            slas: work::slas(),
            views: work::named(
                "view",
                &[
                    "Open tickets",
                    "Unassigned tickets",
                    "My tickets",
                    "Closed tickets",
                ],
            ),
            issues,
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

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
