//! The district ready for use: every thing found by its id, and its JSON made once.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::sandbox::Config;
use crate::sandbox::guid::Guid;
use crate::sandbox::seed::District;
use crate::sandbox::seed::district::{Location, Role, User};

/// The kinds of things that have an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Location,
    Room,
    Issue,
    User,
    Team,
    Asset,
    Field,
    Step,
    Status,
    Priority,
    Tag,
    CloseReason,
}

/// One thing's JSON.
pub(super) type Json = Box<RawValue>;

/// The district, its indexes, its JSON.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) district: District,
    places: HashMap<(Kind, Guid), usize>,
    pub(super) by_email: HashMap<String, usize>,
    pub(super) by_tag: HashMap<String, usize>,
    pub(super) locations: Vec<Json>,
    pub(super) rooms: Vec<Json>,
    pub(super) issues: Vec<Json>,
    /// People as listings show them.
    pub(super) users: Vec<Json>,
    /// People as tickets show them.
    pub(super) ticket_users: Vec<Json>,
    pub(super) teams: Vec<Json>,
    pub(super) assets: Vec<Json>,
    pub(super) ticket_assets: Vec<Json>,
    pub(super) steps: Vec<Json>,
    pub(super) priorities: Vec<Json>,
    pub(super) zone: TimeZone,
    pub(super) zone_name: String,
}

impl Book {
    pub(super) fn new(config: &Config) -> Self {
        let district = District::new();
        Self {
            places: places(&district),
            by_email: (0..)
                .zip(&district.users)
                .map(|(n, user)| (user.email.to_lowercase(), n))
                .collect(),
            by_tag: (0..)
                .zip(&district.assets)
                .map(|(n, asset)| (asset.tag.to_lowercase(), n))
                .collect(),
            locations: raw(district.locations.iter().map(|one| location(&district, one))),
            rooms: rooms(&district),
            issues: issues(&district),
            users: raw(district.users.iter().map(|one| user(&district, one))),
            ticket_users: raw(district.users.iter().map(|one| ticket_user(&district, one))),
            teams: raw(district.teams.iter().map(|team| {
                json!({ "TeamId": team.id, "TeamName": team.name, "MembersCount": team.members.len() })
            })),
            assets: raw(district.assets.iter().map(|asset| {
                json!({
                    "AssetId": asset.id, "AssetTag": asset.tag, "SerialNumber": asset.serial,
                    "ModelId": Guid::seeded("model", asset.model), "ModelName": asset.model, "Name": asset.model,
                    "OwnerId": district.users[asset.owner].id, "LocationId": district.locations[asset.location].id,
                    "SiteId": district.site, "IsDeleted": false,
                })
            })),
            ticket_assets: raw(district.assets.iter().map(|asset| {
                json!({
                    "TicketAssetId": Guid::ZERO, "AssetId": asset.id, "AssetTag": asset.tag,
                    "SerialNumber": asset.serial, "ModelId": Guid::seeded("model", asset.model),
                    "ModelName": asset.model, "OwnerId": district.users[asset.owner].id,
                })
            })),
            steps: steps(&district),
            priorities: raw(district.priorities.iter().map(|one| {
                json!({
                    "PriorityLevelId": one.id, "Name": one.name, "Min": one.band.0, "Max": one.band.1,
                    "Color": "#888888",
                })
            })),
            district,
            zone: config.site_zone.clone(),
            zone_name: config.site_zone_name.clone(),
        }
    }

    /// Where a thing of that id stands.
    pub(super) fn find(&self, kind: Kind, id: Guid) -> Option<usize> {
        self.places.get(&(kind, id)).copied()
    }
}

fn raw(values: impl Iterator<Item = Value>) -> Vec<Json> {
    values
        .map(|value| to_raw_value(&value).expect("JSON of JSON"))
        .collect()
}

fn places(district: &District) -> HashMap<(Kind, Guid), usize> {
    let mut places = HashMap::new();
    let mut add = |kind, ids: &mut dyn Iterator<Item = Guid>| {
        for (place, id) in ids.enumerate() {
            places.insert((kind, id), place);
        }
    };
    add(
        Kind::Location,
        &mut district.locations.iter().map(|one| one.id),
    );
    add(Kind::Room, &mut district.rooms.iter().map(|one| one.id));
    add(Kind::Issue, &mut district.issues.iter().map(|one| one.id));
    add(Kind::User, &mut district.users.iter().map(|one| one.id));
    add(Kind::Team, &mut district.teams.iter().map(|one| one.id));
    add(Kind::Asset, &mut district.assets.iter().map(|one| one.id));
    add(
        Kind::Field,
        &mut district.custom_fields.iter().map(|one| one.id),
    );
    add(
        Kind::Step,
        &mut district.statuses.iter().map(|one| one.step),
    );
    add(
        Kind::Status,
        &mut district.statuses.iter().map(|one| one.status),
    );
    add(
        Kind::Priority,
        &mut district.priorities.iter().map(|one| one.id),
    );
    add(Kind::Tag, &mut district.tags.iter().map(|(id, _)| *id));
    add(
        Kind::CloseReason,
        &mut district.close_reasons.iter().map(|(id, _)| *id),
    );
    places
}

fn location(district: &District, one: &Location) -> Value {
    let name = [
        "",
        "Admin",
        "Elementary School",
        "Middle School",
        "High School",
    ]
    .get(usize::from(one.kind))
    .copied()
    .unwrap_or_default();
    let kind = Guid::known(&format!("16469164-bce0-42b1-be1c-49861087c40{}", one.kind));
    json!({
        "LocationId": one.id, "Name": one.name, "Abbreviation": one.abbreviation, "SiteId": district.site,
        "LocationTypeId": kind, "LocationType": { "LocationTypeId": kind, "Name": name }, "IsDeleted": false,
    })
}

fn rooms(district: &District) -> Vec<Json> {
    raw(district.rooms.iter().map(|room| {
        json!({
            "LocationRoomId": room.id, "Name": room.name, "LocationId": district.locations[room.location].id,
            "SiteId": district.site,
        })
    }))
}

fn issues(district: &District) -> Vec<Json> {
    raw(district.issues.iter().map(|issue| {
        json!({
            "IssueId": issue.id, "Name": issue.name, "IssueTypeId": issue.kind.0,
            "IssueCategoryId": issue.category.0, "IssueCategoryName": issue.category.1,
            "Scope": "Site", "WorkflowId": district.workflow, "IsDeleted": false,
        })
    }))
}

fn role(role: Role) -> (Guid, &'static str, u8) {
    let (number, name, portal) = match role {
        Role::Student => (1, "Student", 1),
        Role::Faculty => (2, "Faculty", 1),
        Role::Staff => (3, "Staff", 1),
        Role::Agent => (4, "Agent", 2),
    };
    let id = Guid::known(&format!("6d5fee76-e05e-43c0-b8e9-b8447746e50{number}"));
    (id, name, portal)
}

fn user(district: &District, one: &User) -> Value {
    let (role_id, role, portal) = role(one.role);
    let location = &district.locations[one.location];
    json!({
        "UserId": one.id, "Name": one.name(), "FirstName": one.first, "LastName": one.last, "Email": one.email,
        "Username": one.email.split('@').next(), "SchoolIdNumber": one.number, "Grade": null,
        "LocationId": location.id, "LocationName": location.name, "RoleId": role_id, "RoleName": role,
        "Role": { "RoleId": role_id, "Name": role }, "Portal": portal, "IsActive": true, "IsDeleted": false,
        "SiteId": district.site,
    })
}

fn ticket_user(district: &District, one: &User) -> Value {
    json!({
        "UserId": one.id, "Name": one.name(), "FirstName": one.first, "LastName": one.last, "Email": one.email,
        "Username": one.email.split('@').next(), "LocationId": district.locations[one.location].id,
        "RoleId": role(one.role).0, "SchoolIdNumber": one.number,
    })
}

fn steps(district: &District) -> Vec<Json> {
    raw((1..).zip(&district.statuses).map(|(order, status)| {
        json!({
            "TicketStatusTypeId": status.status, "StatusId": status.status, "StatusName": status.name,
            "WorkflowStepId": status.step, "StepName": status.name, "WorkflowId": district.workflow,
            "IsClosed": status.is_closed, "IsReadonly": false,
            "IsRequestorInputNeeded": status.name == "Waiting on Requestor", "Color": "#888888",
            "DisplayOrder": order,
        })
    }))
}
