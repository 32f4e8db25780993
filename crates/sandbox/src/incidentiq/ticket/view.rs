//! A ticket as answers and listings show it: the full record with its expansions (contract incidentiq §6).

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Ticket;
use crate::Temper;
use crate::guid::Guid;
use crate::incidentiq::book::ticket_asset;
use crate::incidentiq::dates::{shown, shown_in_utc};
use crate::incidentiq::state::State;

impl Ticket {
    /// Its devices, each with the time of its link.
    pub(in super::super) fn devices(&self, state: &State, temper: Temper) -> Vec<Value> {
        let district = &state.book.district;
        let at = shown_in_utc(self.assets_at, temper);
        let devices = self.assets.iter().map(|place| &district.assets[*place]);
        devices
            .map(|device| {
                let link = Guid::seeded("ticket-asset", &format!("{}/{}", self.id, device.id));
                ticket_asset(district, device, link, &at)
            })
            .collect()
    }

    /// The full record that answers and listings show.
    pub(in super::super) fn view<'a>(&'a self, state: &'a State, temper: Temper) -> View<'a> {
        let book = &*state.book;
        let district = &book.district;
        let issue = &district.issues[self.issue];
        let status = &district.statuses[self.step];
        let time = |at: Timestamp| shown(at, &book.clock.zone, temper);
        // A live system has no null: a value that is not set is zero, anything else is left out (contract §2).
        let is_live = temper == Temper::LiveLike;
        let moment = |at: Option<Timestamp>| match at {
            Some(at) => Some(time(at)),
            None => is_live.then(|| "0001-01-01T00:00:00".to_owned()),
        };
        let id = |id: Option<Guid>| id.or_else(|| is_live.then_some(Guid::ZERO));
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
            issue_description: member(temper, self.description.as_deref()),
            for_id: district.users[self.requestor].id,
            requestor: &book.ticket_users[self.requestor],
            owner_id: district.users[self.owner].id,
            owner: &book.ticket_users[self.owner],
            assigned_to_user_id: member(temper, self.assignee.map(|n| district.users[n].id)),
            assigned_to_user: member(temper, self.assignee.map(|n| &*book.ticket_users[n])),
            assigned_to_team_id: member(temper, self.team.map(|n| district.teams[n].id)),
            assigned_to_team: member(temper, self.team.map(|n| &*book.teams[n])),
            location_id: district.locations[self.location].id,
            location: &book.locations[self.location],
            location_room_id: member(temper, self.room.map(|n| district.rooms[n].id)),
            location_room: member(temper, self.room.map(|n| &*book.rooms[n])),
            location_details: member(temper, self.location_details.as_deref()),
            issue_id: issue.id,
            issue: &book.issues[self.issue],
            is_issue_confirmed: self.is_confirmed,
            workflow_step_id: status.step,
            workflow_step: &book.steps[self.step],
            is_closed: status.is_closed,
            closed_date: moment(self.closed.map(|(at, _)| at)),
            closed_by_user_id: id(self.closed.map(|(_, by)| district.users[by].id)),
            close_reason_type_id: member(
                temper,
                self.close_reason.map(|n| district.close_reasons[n].0),
            ),
            close_reason: member(
                temper,
                self.close_reason.map(|n| {
                    let (id, name) = district.close_reasons[n];
                    json!({ "CloseReasonTypeId": id, "Name": name })
                }),
            ),
            priority: self.priority,
            priority_level_id: member(temper, band.map(|n| district.priorities[n].id)),
            priority_level: member(temper, band.map(|n| &*book.priorities[n])),
            is_urgent: self.is_urgent,
            has_sensitive_information: self.is_sensitive,
            is_training: self.is_training,
            is_support_ticket: false,
            has_admin_sla: false,
            is_past_due: !status.is_closed && self.due.is_some_and(|due| due < Timestamp::now()),
            ticket_wizard_category_id: id(self.wizard_category),
            source_id: self.source,
            created_date: time(self.created),
            modified_date: time(self.modified),
            last_modified_by_user_date: time(self.modified),
            started_date: moment(self.started),
            due_date: member(temper, self.due.map(time)),
            sla_id: member(temper, self.level.map(|level| district.slas[level.sla].id)),
            sla: member(
                temper,
                self.level.map(|level| sla(&district.slas[level.sla])),
            ),
            assets: self.devices(state, temper),
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
            parent_ticket_id: member(temper, self.parent),
            parent_ticket_number: member(
                temper,
                self.parent
                    .and_then(|id| state.place(id).ok())
                    .map(|place| state.tickets[place].number.to_string()),
            ),
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

/// A member that may not be set: `null` by the documents, left out by live systems.
#[derive(Debug)]
pub(in super::super) enum Member<T> {
    Set(T),
    Null,
    LeftOut,
}

impl<T> Member<T> {
    fn is_left_out(&self) -> bool {
        matches!(self, Self::LeftOut)
    }
}

impl<T: Serialize> Serialize for Member<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Set(value) => value.serialize(serializer),
            Self::Null | Self::LeftOut => serializer.serialize_none(),
        }
    }
}

fn member<T>(temper: Temper, value: Option<T>) -> Member<T> {
    match (value, temper) {
        (Some(value), _) => Member::Set(value),
        (None, Temper::Lenient) => Member::Null,
        (None, Temper::LiveLike) => Member::LeftOut,
    }
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
    #[serde(skip_serializing_if = "Member::is_left_out")]
    issue_description: Member<&'a str>,
    for_id: Guid,
    #[serde(rename = "For")]
    requestor: &'a RawValue,
    owner_id: Guid,
    owner: &'a RawValue,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    assigned_to_user_id: Member<Guid>,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    assigned_to_user: Member<&'a RawValue>,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    assigned_to_team_id: Member<Guid>,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    assigned_to_team: Member<&'a RawValue>,
    location_id: Guid,
    location: &'a RawValue,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    location_room_id: Member<Guid>,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    location_room: Member<&'a RawValue>,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    location_details: Member<&'a str>,
    issue_id: Guid,
    issue: &'a RawValue,
    is_issue_confirmed: bool,
    workflow_step_id: Guid,
    workflow_step: &'a RawValue,
    is_closed: bool,
    closed_date: Option<String>,
    closed_by_user_id: Option<Guid>,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    close_reason_type_id: Member<Guid>,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    close_reason: Member<Value>,
    priority: i64,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    priority_level_id: Member<Guid>,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    priority_level: Member<&'a RawValue>,
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
    #[serde(skip_serializing_if = "Member::is_left_out")]
    due_date: Member<String>,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    sla_id: Member<Guid>,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    sla: Member<Value>,
    assets: Vec<Value>,
    custom_field_values: Vec<CustomValue<'a>>,
    tags: Vec<Value>,
    ticket_follower_user_ids: Vec<Guid>,
    ticket_follower_team_ids: Vec<Guid>,
    attachments: Vec<Value>,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    parent_ticket_id: Member<Guid>,
    #[serde(skip_serializing_if = "Member::is_left_out")]
    parent_ticket_number: Member<String>,
    subtask_count: usize,
    subtasks_closed: usize,
    subticket_count: usize,
    subtickets_closed: usize,
    has_subtickets_open: bool,
    has_subtickets_closed: bool,
    is_deleted: bool,
}
