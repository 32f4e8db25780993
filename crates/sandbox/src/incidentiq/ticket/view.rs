//! A ticket as answers and listings show it: the full record with its expansions (contract incidentiq §6).

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::Ticket;
use crate::Temper;
use crate::guid::Guid;
use crate::incidentiq::book::Json;
use crate::incidentiq::dates::shown;
use crate::incidentiq::state::State;

impl Ticket {
    /// The full record that answers and listings show.
    pub(in super::super) fn view<'a>(&'a self, state: &'a State, temper: Temper) -> View<'a> {
        let book = &*state.book;
        let district = &book.district;
        let issue = &district.issues[self.issue];
        let status = &district.statuses[self.step];
        let time = |at: Timestamp| shown(at, &book.clock.zone, temper);
        let unset = |at: Option<Timestamp>| match at {
            Some(at) => Some(time(at)),
            None if temper == Temper::LiveLike => Some("0001-01-01T00:00:00".to_owned()),
            None => None,
        };
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
            location_details: self.location_details.as_deref(),
            issue_id: issue.id,
            issue: &book.issues[self.issue],
            is_issue_confirmed: self.is_confirmed,
            workflow_step_id: status.step,
            workflow_step: &book.steps[self.step],
            is_closed: status.is_closed,
            closed_date: unset(self.closed.map(|(at, _)| at)),
            closed_by_user_id: self.closed.map(|(_, by)| district.users[by].id),
            close_reason_type_id: self.close_reason.map(|n| district.close_reasons[n].0),
            close_reason: match self.close_reason {
                Some(n) => made(&json!({
                    "CloseReasonTypeId": district.close_reasons[n].0, "Name": district.close_reasons[n].1,
                })),
                None => shell(
                    temper,
                    || json!({ "CloseReasonTypeId": Guid::ZERO, "Name": "" }),
                ),
            },
            priority: self.priority,
            priority_level_id: band.map(|n| district.priorities[n].id),
            priority_level: band.map(|n| &*book.priorities[n]),
            is_urgent: self.is_urgent,
            has_sensitive_information: self.is_sensitive,
            is_training: self.is_training,
            is_support_ticket: false,
            has_admin_sla: false,
            is_past_due: !status.is_closed && self.due.is_some_and(|due| due < Timestamp::now()),
            ticket_wizard_category_id: self.wizard_category,
            source_id: self.source,
            created_date: time(self.created),
            modified_date: time(self.modified),
            last_modified_by_user_date: time(self.modified),
            started_date: unset(self.started),
            due_date: self.due.map(time),
            sla_id: self.level.map(|level| district.slas[level.sla].id),
            sla: match self.level {
                Some(level) => made(&sla(&district.slas[level.sla])),
                None => shell(temper, || json!({ "SlaId": Guid::ZERO, "Name": "" })),
            },
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
            ticket_follower_user_ids: self
                .followers
                .users
                .iter()
                .map(|n| district.users[*n].id)
                .collect(),
            ticket_follower_team_ids: self
                .followers
                .teams
                .iter()
                .map(|n| district.teams[*n].id)
                .collect(),
            attachments: self
                .attachments
                .iter()
                .map(|file| file.shown(book, temper))
                .collect(),
            parent_ticket_id: self.parent,
            parent_ticket_number: self
                .parent
                .and_then(|id| state.place(id).ok())
                .map(|place| state.tickets[place].number.to_string()),
            subtask_count: self.live_subtasks().count(),
            subtasks_closed: self
                .live_subtasks()
                .filter(|one| one.completed.is_some())
                .count(),
            subticket_count: self.children.len(),
            subtickets_closed: self.children.iter().filter(|one| one.is_closed).count(),
            has_subtickets_open: self.children.iter().any(|one| !one.is_closed),
            has_subtickets_closed: self.children.iter().any(|one| one.is_closed),
            is_deleted: self.is_deleted,
        }
    }
}

/// A service level as answers show it.
pub(in super::super) fn sla(one: &crate::seed::district::Sla) -> Value {
    let metrics: Vec<_> = one
        .metrics
        .iter()
        .map(|(name, minutes)| json!({ "Name": name, "ValueInMinutes": minutes }))
        .collect();
    json!({ "SlaId": one.id, "Name": one.name, "Metrics": metrics })
}

fn made<'a>(value: &Value) -> Option<Part<'a>> {
    Some(Part::Built(to_raw_value(value).expect("JSON of JSON")))
}

/// A live system shows an unset thing as a shell of zeros, the documents show it as null (contract §2).
fn shell<'a>(temper: Temper, make: impl FnOnce() -> Value) -> Option<Part<'a>> {
    (temper == Temper::LiveLike).then(|| Part::Built(to_raw_value(&make()).expect("JSON of JSON")))
}

/// An expansion: one of the district's, or one built for this answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(in super::super) enum Part<'a> {
    Made(&'a RawValue),
    Built(Json),
}

/// A custom field's value as tickets show it: keyed on the type, the field's own id is zero (contract §6).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct CustomValue<'a> {
    custom_field_type_id: Guid,
    custom_field_id: Guid,
    editor_type_id: u8,
    value: &'a str,
}

/// What answers show of a ticket.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct View<'a> {
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
    location_details: Option<&'a str>,
    issue_id: Guid,
    issue: &'a RawValue,
    is_issue_confirmed: bool,
    workflow_step_id: Guid,
    workflow_step: &'a RawValue,
    is_closed: bool,
    closed_date: Option<String>,
    closed_by_user_id: Option<Guid>,
    close_reason_type_id: Option<Guid>,
    close_reason: Option<Part<'a>>,
    priority: i64,
    priority_level_id: Option<Guid>,
    priority_level: Option<&'a RawValue>,
    is_urgent: bool,
    has_sensitive_information: bool,
    is_training: bool,
    is_support_ticket: bool,
    has_admin_sla: bool,
    is_past_due: bool,
    ticket_wizard_category_id: Option<Guid>,
    source_id: i64,
    created_date: String,
    modified_date: String,
    last_modified_by_user_date: String,
    started_date: Option<String>,
    due_date: Option<String>,
    sla_id: Option<Guid>,
    sla: Option<Part<'a>>,
    assets: Vec<&'a Json>,
    custom_field_values: Vec<CustomValue<'a>>,
    tags: Vec<Value>,
    ticket_follower_user_ids: Vec<Guid>,
    ticket_follower_team_ids: Vec<Guid>,
    attachments: Vec<Value>,
    parent_ticket_id: Option<Guid>,
    parent_ticket_number: Option<String>,
    subtask_count: usize,
    subtasks_closed: usize,
    subticket_count: usize,
    subtickets_closed: usize,
    has_subtickets_open: bool,
    has_subtickets_closed: bool,
    is_deleted: bool,
}
