//! A ticket as it is kept, and as answers show it (contract incidentiq §6).

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::book::{Book, Json};
use super::dates::shown;
use crate::sandbox::Temper;
use crate::sandbox::guid::Guid;

/// The score of a new ticket (contract §5).
pub(super) const NEW_PRIORITY: i64 = 100;
/// The web, a phone, the API: what a ticket without a word about it came from (contract §6, `SourceId`).
const SOURCE_API: i64 = 3;

/// A tag on a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) id: Guid,
    pub(super) name: String,
}

/// Something said on a ticket.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    pub(super) id: Guid,
    pub(super) owner: usize,
    pub(super) is_public: bool,
    pub(super) items: Value,
    pub(super) at: Timestamp,
}

/// A ticket. People, places and the like are places in the district's lists.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) id: Guid,
    pub(super) number: u64,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) closed: Option<Timestamp>,
    pub(super) due: Option<Timestamp>,
    pub(super) subject: String,
    pub(super) description: Option<String>,
    pub(super) requestor: usize,
    pub(super) owner: usize,
    pub(super) assignee: Option<usize>,
    pub(super) team: Option<usize>,
    pub(super) location: usize,
    pub(super) room: Option<usize>,
    pub(super) issue: usize,
    pub(super) step: usize,
    pub(super) close_reason: Option<usize>,
    pub(super) priority: i64,
    pub(super) source: i64,
    pub(super) is_urgent: bool,
    pub(super) is_sensitive: bool,
    pub(super) is_confirmed: bool,
    pub(super) is_deleted: bool,
    pub(super) custom: Vec<(usize, String)>,
    pub(super) assets: Vec<usize>,
    pub(super) tags: Vec<Tag>,
    pub(super) activities: Vec<Activity>,
}

impl Ticket {
    /// A ticket without anything.
    pub(super) fn blank(at: Timestamp) -> Self {
        Self {
            id: Guid::ZERO,
            number: 0,
            created: at,
            modified: at,
            closed: None,
            due: None,
            subject: String::new(),
            description: None,
            requestor: 0,
            owner: 0,
            assignee: None,
            team: None,
            location: 0,
            room: None,
            issue: 0,
            step: 0,
            close_reason: None,
            priority: NEW_PRIORITY,
            source: SOURCE_API,
            is_urgent: false,
            is_sensitive: false,
            is_confirmed: false,
            is_deleted: false,
            custom: Vec::new(),
            assets: Vec::new(),
            tags: Vec::new(),
            activities: Vec::new(),
        }
    }

    /// The full record that answers and listings show.
    pub(super) fn view<'a>(&'a self, book: &'a Book, temper: Temper) -> View<'a> {
        let district = &book.district;
        let issue = &district.issues[self.issue];
        let status = &district.statuses[self.step];
        let time = |at: Timestamp| shown(at, &book.zone, temper);
        let band = district
            .priorities
            .iter()
            .position(|one| (one.band.0..=one.band.1).contains(&self.priority));
        View {
            ticket_id: self.id,
            ticket_number: self.number.to_string(),
            ticket_number_sort: self.number,
            site_id: district.site,
            product_id: district.product,
            subject: &self.subject,
            issue_description: self.description.as_deref(),
            for_id: district.users[self.requestor].id,
            requestor: &book.ticket_users[self.requestor],
            owner_id: district.users[self.owner].id,
            owner: &book.ticket_users[self.owner],
            assigned_to_user_id: self.assignee.map(|n| district.users[n].id),
            assigned_to_user: match self.assignee {
                Some(n) => Some(Part::Made(&book.ticket_users[n])),
                None => shell(
                    temper,
                    || json!({ "UserId": Guid::ZERO, "Name": "", "Email": "" }),
                ),
            },
            assigned_to_team_id: self.team.map(|n| district.teams[n].id),
            assigned_to_team: match self.team {
                Some(n) => Some(Part::Made(&book.teams[n])),
                None => shell(temper, || json!({ "TeamId": Guid::ZERO, "TeamName": "" })),
            },
            location_id: district.locations[self.location].id,
            location: &book.locations[self.location],
            location_room_id: self.room.map(|n| district.rooms[n].id),
            location_room: match self.room {
                Some(n) => Some(Part::Made(&book.rooms[n])),
                None => shell(
                    temper,
                    || json!({ "LocationRoomId": Guid::ZERO, "Name": "" }),
                ),
            },
            issue_id: issue.id,
            issue: &book.issues[self.issue],
            is_issue_confirmed: self.is_confirmed,
            workflow_step_id: status.step,
            workflow_step: &book.steps[self.step],
            is_closed: status.is_closed,
            closed_date: match self.closed {
                Some(at) => Some(time(at)),
                None if temper == Temper::LiveLike => Some("0001-01-01T00:00:00".to_owned()),
                None => None,
            },
            close_reason_type_id: self.close_reason.map(|n| district.close_reasons[n].0),
            priority: self.priority,
            priority_level_id: band.map(|n| district.priorities[n].id),
            priority_level: band.map(|n| &*book.priorities[n]),
            is_urgent: self.is_urgent,
            has_sensitive_information: self.is_sensitive,
            is_training: false,
            source_id: self.source,
            created_date: time(self.created),
            modified_date: time(self.modified),
            due_date: self.due.map(time),
            assets: self
                .assets
                .iter()
                .map(|n| &book.ticket_assets[*n])
                .collect(),
            custom_field_values: self
                .custom
                .iter()
                .map(|(field, value)| CustomValue {
                    custom_field_type_id: district.custom_fields[*field].id,
                    custom_field_id: Guid::ZERO,
                    editor_type_id: district.custom_fields[*field].editor,
                    value,
                })
                .collect(),
            tags: self
                .tags
                .iter()
                .map(|tag| json!({ "TagId": tag.id, "Name": tag.name, "IsDeleted": false }))
                .collect(),
            is_deleted: self.is_deleted,
        }
    }
}

/// A live system shows an unset thing as a shell of zeros, the documents show it as null (contract §2).
fn shell<'a>(temper: Temper, make: impl FnOnce() -> Value) -> Option<Part<'a>> {
    (temper == Temper::LiveLike).then(|| Part::Shell(to_raw_value(&make()).expect("JSON of JSON")))
}

/// An expansion: one of the district's, or a shell.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Part<'a> {
    Made(&'a RawValue),
    Shell(Json),
}

/// A custom field's value as tickets show it: keyed on the type, the field's own id is zero (contract §6).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CustomValue<'a> {
    custom_field_type_id: Guid,
    custom_field_id: Guid,
    editor_type_id: u8,
    value: &'a str,
}

/// What answers show of a ticket.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct View<'a> {
    ticket_id: Guid,
    ticket_number: String,
    ticket_number_sort: u64,
    site_id: Guid,
    product_id: Guid,
    subject: &'a str,
    issue_description: Option<&'a str>,
    for_id: Guid,
    #[serde(rename = "For")]
    requestor: &'a RawValue,
    owner_id: Guid,
    owner: &'a RawValue,
    assigned_to_user_id: Option<Guid>,
    assigned_to_user: Option<Part<'a>>,
    assigned_to_team_id: Option<Guid>,
    assigned_to_team: Option<Part<'a>>,
    location_id: Guid,
    location: &'a RawValue,
    location_room_id: Option<Guid>,
    location_room: Option<Part<'a>>,
    issue_id: Guid,
    issue: &'a RawValue,
    is_issue_confirmed: bool,
    workflow_step_id: Guid,
    workflow_step: &'a RawValue,
    is_closed: bool,
    closed_date: Option<String>,
    close_reason_type_id: Option<Guid>,
    priority: i64,
    priority_level_id: Option<Guid>,
    priority_level: Option<&'a RawValue>,
    is_urgent: bool,
    has_sensitive_information: bool,
    is_training: bool,
    source_id: i64,
    created_date: String,
    modified_date: String,
    due_date: Option<String>,
    assets: Vec<&'a Json>,
    custom_field_values: Vec<CustomValue<'a>>,
    tags: Vec<Value>,
    is_deleted: bool,
}
