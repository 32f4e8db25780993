//! The district ready for use: every thing found by its id, and its JSON made once.

mod shown;

use std::collections::HashMap;

use jiff::tz::TimeZone;
use serde_json::json;
use serde_json::value::RawValue;

use self::shown::raw;
pub(super) use self::shown::{LOCATION_TYPES, location_type, role, ticket_asset};
use crate::guid::Guid;
use crate::seed::District;

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
    Action,
    Sla,
    View,
}

/// One thing's JSON.
pub(super) type Json = Box<RawValue>;

/// The site's clock.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    pub(super) zone: TimeZone,
    /// Its name as IncidentIQ tells it.
    pub(super) name: String,
}

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
    pub(super) steps: Vec<Json>,
    pub(super) priorities: Vec<Json>,
    pub(super) clock: Clock,
}

impl Book {
    pub(super) fn new(district: District, clock: Clock) -> Self {
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
            locations: raw(district.locations.iter().map(|one| shown::location(&district, one))),
            rooms: shown::rooms(&district),
            issues: shown::issues(&district),
            users: raw(district.users.iter().map(|one| shown::user(&district, one))),
            ticket_users: raw(district.users.iter().map(|one| shown::ticket_user(&district, one))),
            teams: raw(district.teams.iter().map(|team| {
                json!({ "TeamId": team.id, "TeamName": team.name, "MembersCount": team.members.len() })
            })),
            assets: raw(district.assets.iter().map(|one| shown::asset(&district, one))),
            steps: shown::steps(&district),
            priorities: raw(district.priorities.iter().map(|one| {
                json!({
                    "PriorityLevelId": one.id, "Name": one.name, "Min": one.band.0, "Max": one.band.1,
                    "Color": "#888888",
                })
            })),
            district,
            clock,
        }
    }

    /// Where a thing of that id stands.
    pub(super) fn find(&self, kind: Kind, id: Guid) -> Option<usize> {
        self.places.get(&(kind, id)).copied()
    }

    /// The place of a person by the name to sign in with, or by the address.
    pub(super) fn user_by_name(&self, name: &str) -> Option<usize> {
        let name = name.trim().to_lowercase();
        let by_email = self.by_email.get(&name).copied();
        by_email.or_else(|| {
            let mut users = self.district.users.iter();
            users.position(|user| user.email.split('@').next() == Some(name.as_str()))
        })
    }
}

fn places(district: &District) -> HashMap<(Kind, Guid), usize> {
    let mut places = HashMap::new();
    let mut add = |kind, ids: &mut dyn Iterator<Item = Guid>| {
        for (place, id) in ids.enumerate() {
            places.insert((kind, id), place);
        }
    };
    let d = district;
    add(Kind::Location, &mut d.locations.iter().map(|one| one.id));
    add(Kind::Room, &mut d.rooms.iter().map(|one| one.id));
    add(Kind::Issue, &mut d.issues.iter().map(|one| one.id));
    add(Kind::User, &mut d.users.iter().map(|one| one.id));
    add(Kind::Team, &mut d.teams.iter().map(|one| one.id));
    add(Kind::Asset, &mut d.assets.iter().map(|one| one.id));
    add(Kind::Field, &mut d.custom_fields.iter().map(|one| one.id));
    add(Kind::Step, &mut d.statuses.iter().map(|one| one.step));
    add(Kind::Status, &mut d.statuses.iter().map(|one| one.status));
    add(Kind::Priority, &mut d.priorities.iter().map(|one| one.id));
    add(Kind::Tag, &mut d.tags.iter().map(|(id, _)| *id));
    add(
        Kind::CloseReason,
        &mut d.close_reasons.iter().map(|(id, _)| *id),
    );
    add(Kind::Action, &mut d.actions.iter().map(|(id, _)| *id));
    add(Kind::Sla, &mut d.slas.iter().map(|one| one.id));
    add(Kind::View, &mut d.views.iter().map(|(id, _)| *id));
    places
}
