//! The JSON of the district's things.

use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use super::Json;
use crate::guid::Guid;
use crate::seed::District;
use crate::seed::district::{Asset, Location, Role, User};

/// The names of the types of places, from the first on.
pub(in crate::incidentiq) const LOCATION_TYPES: [&str; 4] =
    ["Admin", "Elementary School", "Middle School", "High School"];

/// The id of a type of places (contract incidentiq §5).
pub(in crate::incidentiq) fn location_type(kind: u8) -> Guid {
    Guid::known(&format!("16469164-bce0-42b1-be1c-49861087c40{kind}"))
}

pub(super) fn raw(values: impl Iterator<Item = Value>) -> Vec<Json> {
    values
        .map(|value| to_raw_value(&value).expect("JSON of JSON"))
        .collect()
}

pub(super) fn location(district: &District, one: &Location) -> Value {
    let name = LOCATION_TYPES.get(usize::from(one.kind).wrapping_sub(1));
    let kind = location_type(one.kind);
    json!({
        "LocationId": one.id, "Name": one.name, "Abbreviation": one.abbreviation, "SiteId": district.site,
        "LocationTypeId": kind, "LocationType": { "LocationTypeId": kind, "Name": name }, "IsDeleted": false,
    })
}

pub(super) fn rooms(district: &District) -> Vec<Json> {
    raw(district.rooms.iter().map(|room| {
        json!({
            "LocationRoomId": room.id, "Name": room.name, "LocationId": district.locations[room.location].id,
            "SiteId": district.site,
        })
    }))
}

pub(super) fn issues(district: &District) -> Vec<Json> {
    raw(district.issues.iter().map(|issue| {
        json!({
            "IssueId": issue.id, "Name": issue.name, "IssueTypeId": issue.kind.0,
            "IssueCategoryId": issue.category.0, "IssueCategoryName": issue.category.1,
            "Scope": "Site", "WorkflowId": district.workflow,
        })
    }))
}

pub(in crate::incidentiq) fn role(role: Role) -> (Guid, &'static str, u8) {
    let (number, name, portal) = match role {
        Role::Student => (1, "Student", 1),
        Role::Faculty => (2, "Faculty", 1),
        Role::Staff => (3, "Staff", 1),
        Role::Agent => (4, "Agent", 2),
    };
    let id = Guid::known(&format!("6d5fee76-e05e-43c0-b8e9-b8447746e50{number}"));
    (id, name, portal)
}

pub(super) fn user(district: &District, one: &User) -> Value {
    let (role_id, role, portal) = role(one.role);
    let location = &district.locations[one.location];
    let mut shown = json!({
        "UserId": one.id, "Name": one.name(), "FirstName": one.first, "LastName": one.last, "Email": one.email,
        "Username": one.email.split('@').next(), "SchoolIdNumber": one.number,
        "LocationId": location.id, "LocationName": location.name, "RoleId": role_id,
        "Role": { "RoleId": role_id, "Name": role }, "Portal": portal, "IsActive": true, "IsDeleted": false,
        "SiteId": district.site,
    });
    if let Some(grade) = district.grade(one) {
        shown["Grade"] = json!(grade);
    }
    shown
}

pub(super) fn ticket_user(district: &District, one: &User) -> Value {
    json!({
        "UserId": one.id, "Name": one.name(), "FirstName": one.first, "LastName": one.last, "Email": one.email,
        "Username": one.email.split('@').next(), "LocationId": district.locations[one.location].id,
        "RoleId": role(one.role).0, "SchoolIdNumber": one.number,
    })
}

pub(super) fn steps(district: &District) -> Vec<Json> {
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

pub(super) fn asset(district: &District, asset: &Asset) -> Value {
    json!({
        "AssetId": asset.id, "AssetTag": asset.tag, "SerialNumber": asset.serial,
        "ModelId": Guid::seeded("model", &asset.model), "Name": asset.model,
        "Model": { "ModelId": Guid::seeded("model", &asset.model), "Name": asset.model },
        "OwnerId": district.users[asset.owner].id, "LocationId": district.locations[asset.location].id,
        "SiteId": district.site, "IsDeleted": false,
    })
}

/// A device as a ticket shows it: `link` is the id of its being there, `at` since when.
pub(in crate::incidentiq) fn ticket_asset(
    district: &District,
    asset: &Asset,
    link: Guid,
    at: &str,
) -> Value {
    json!({
        "TicketAssetId": link, "CreatedDate": at, "AssetId": asset.id, "AssetTag": asset.tag,
        "SerialNumber": asset.serial, "ModelId": Guid::seeded("model", &asset.model),
        "ModelName": asset.model, "OwnerId": district.users[asset.owner].id,
    })
}
