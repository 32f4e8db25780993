//! What one filter asks of a ticket: every facet of contract incidentiq §4.

use super::custom::by_custom_field;
use super::number::Compared;
use crate::guid::Guid;
use crate::incidentiq::body::text;
use crate::incidentiq::book::{Book, Kind, location_type, role};
use crate::incidentiq::dates::{Window, window};
use crate::incidentiq::ticket::Ticket;
use crate::seed::District;
use jiff::Timestamp;

/// A ticket beside the district that its places stand in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) book: &'a Book,
    pub(super) ticket: &'a Ticket,
    pub(super) now: Timestamp,
}

impl<'a> Scene<'a> {
    fn district(self) -> &'a District {
        &self.book.district
    }
}

/// What one filter asks.
pub(super) enum Test {
    /// Made within a window: tickets stand in the order of their creation, so that this one bounds the search.
    Created(Window),
    Other(Box<dyn Fn(Scene<'_>) -> bool + Send>),
    /// A good filter that no ticket can meet: the id of nothing.
    Nothing,
}

impl Test {
    pub(super) fn new(holds: impl Fn(Scene<'_>) -> bool + Send + 'static) -> Option<Self> {
        Some(Self::Other(Box::new(holds)))
    }

    pub(super) fn holds(&self, scene: Scene<'_>) -> bool {
        match self {
            Self::Created(window) => window.holds(scene.ticket.created),
            Self::Other(holds) => holds(scene),
            Self::Nothing => false,
        }
    }
}

/// What is asked, and for whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) book: &'a Book,
    pub(super) facet: &'a str,
    pub(super) field: Option<Guid>,
    pub(super) now: Timestamp,
    /// Who asks.
    pub(super) me: usize,
}

/// What a filter's value asks; `None` where the facet or the value is not understood.
pub(super) fn test(asked: Asked<'_>, value: &str) -> Option<Test> {
    by_date(asked, value)
        .or_else(|| by_flag(asked, value))
        .or_else(|| by_place(asked, value))
        .or_else(|| by_workflow(asked, value))
        .or_else(|| by_value(asked, value))
        .or_else(|| by_custom_field(asked, value))
}

fn by_date(asked: Asked<'_>, value: &str) -> Option<Test> {
    let facets = [
        "createddate",
        "modifieddate",
        "closeddate",
        "duedate",
        "activitydate",
        "scheduleddate",
    ];
    if !facets.contains(&asked.facet) {
        return None;
    }
    let window = window(value, asked.now, &asked.book.clock.zone)?;
    let of = |at: fn(&Ticket) -> Option<Timestamp>| {
        Test::new(move |scene| at(scene.ticket).is_some_and(|at| window.holds(at)))
    };
    match asked.facet {
        "createddate" => Some(Test::Created(window)),
        "modifieddate" => of(|ticket| Some(ticket.modified)),
        "closeddate" => of(|ticket| ticket.closed.map(|(at, _)| at)),
        "duedate" => of(|ticket| ticket.due),
        "activitydate" => of(|ticket| ticket.activities.last().map(|last| last.at)),
        // No ticket of the sandbox is scheduled.
        _ => Some(Test::Nothing),
    }
}

/// `yes` or `true`; the documents say both (contract §4).
pub(super) fn yes(value: &str) -> Option<bool> {
    match value.to_lowercase().as_str() {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

fn by_flag(asked: Asked<'_>, value: &str) -> Option<Test> {
    let wanted = yes(value)?;
    let me = asked.me;
    let of = |is: fn(Scene<'_>) -> bool| Test::new(move |scene| is(scene) == wanted);
    match asked.facet {
        "isurgent" => of(|scene| scene.ticket.is_urgent),
        "sensitiveinfo" => of(|scene| scene.ticket.is_sensitive),
        "unassigned" => of(|scene| scene.ticket.assignee.is_none() && scene.ticket.team.is_none()),
        "assignedtome" => Test::new(move |scene| (scene.ticket.assignee == Some(me)) == wanted),
        "ispastdue" => of(|scene| {
            let ticket = scene.ticket;
            ticket.closed.is_none() && ticket.due.is_some_and(|due| due < scene.now)
        }),
        "hasassetattached" => of(|scene| !scene.ticket.assets.is_empty()),
        "isasubticket" => of(|scene| scene.ticket.parent.is_some()),
        "hassubtickets" => of(|scene| !scene.ticket.children.is_empty()),
        "isticketfollower" => {
            Test::new(move |scene| scene.ticket.followers.users.contains(&me) == wanted)
        }
        _ => None,
    }
}

/// By the id of something: of the district, or of another ticket.
fn by_place(asked: Asked<'_>, value: &str) -> Option<Test> {
    let id: Guid = value.parse().ok()?;
    let of = |kind, is: fn(Scene<'_>, usize) -> bool| match asked.book.find(kind, id) {
        Some(place) => Test::new(move |scene| is(scene, place)),
        None => Some(Test::Nothing),
    };
    match asked.facet {
        "ticket" => Test::new(move |scene| scene.ticket.id == id),
        "asset" => of(Kind::Asset, |scene, place| {
            scene.ticket.assets.contains(&place)
        }),
        "model" => Test::new(move |scene| {
            let assets = scene.ticket.assets.iter();
            let mut models = assets.map(|place| &scene.district().assets[*place].model);
            models.any(|model| Guid::seeded("model", model) == id)
        }),
        "view" => of(Kind::View, |scene, place| {
            let ticket = scene.ticket;
            match scene.district().views[place].1 {
                "Open tickets" => ticket.closed.is_none(),
                "Unassigned tickets" => ticket.assignee.is_none() && ticket.team.is_none(),
                "My tickets" => ticket.assignee == Some(0),
                _ => ticket.closed.is_some(),
            }
        }),
        "tag" => Test::new(move |scene| scene.ticket.tags.iter().any(|tag| tag.id == id)),
        "workpackage" => Test::new(move |scene| scene.ticket.workpackage == Some(id)),
        "agent" => of(Kind::User, |scene, place| {
            scene.ticket.assignee == Some(place)
        }),
        "user" | "for" => of(Kind::User, |scene, place| scene.ticket.requestor == place),
        "submittedby" => of(Kind::User, |scene, place| scene.ticket.owner == place),
        "onbehalfof" => of(Kind::User, |scene, place| {
            scene.ticket.requestor == place && scene.ticket.owner != place
        }),
        "team" => of(Kind::Team, |scene, place| scene.ticket.team == Some(place)),
        "location" => of(Kind::Location, |scene, place| {
            scene.ticket.location == place
        }),
        "locationtype" => Test::new(move |scene| {
            location_type(scene.district().locations[scene.ticket.location].kind) == id
        }),
        "room" => of(Kind::Room, |scene, place| scene.ticket.room == Some(place)),
        "role" => Test::new(move |scene| {
            role(scene.district().users[scene.ticket.requestor].role).0 == id
        }),
        "site" => Test::new(move |scene| scene.district().site == id),
        "sla" => of(Kind::Sla, |scene, place| {
            scene.ticket.level.is_some_and(|level| level.sla == place)
        }),
        "issue" => of(Kind::Issue, |scene, place| scene.ticket.issue == place),
        "issuetype" => {
            Test::new(move |scene| scene.district().issues[scene.ticket.issue].kind.0 == id)
        }
        "issuecategory" => {
            Test::new(move |scene| scene.district().issues[scene.ticket.issue].category.0 == id)
        }
        _ => None,
    }
}

/// Of status, step, priority and reason; `status` takes the id of a step and of a status (contract §19, D7).
fn by_workflow(asked: Asked<'_>, value: &str) -> Option<Test> {
    if asked.facet == "ticketstate" {
        let is_open = state(value)?;
        return Test::new(move |scene| scene.ticket.closed.is_none() == is_open);
    }
    let id: Guid = value.parse().ok()?;
    let of = |kind, is: fn(Scene<'_>, usize) -> bool| match asked.book.find(kind, id) {
        Some(place) => Test::new(move |scene| is(scene, place)),
        None => Some(Test::Nothing),
    };
    let is_step = move |scene: Scene<'_>, step: usize| {
        let status = &scene.district().statuses[step];
        status.step == id || status.status == id
    };
    match asked.facet {
        "status" | "workflowstep" => Test::new(move |scene| is_step(scene, scene.ticket.step)),
        "previousstatus" => Test::new(move |scene| {
            let ticket = scene.ticket;
            ticket.step_before != ticket.step && is_step(scene, ticket.step_before)
        }),
        "workflow" => Test::new(move |scene| scene.district().workflow == id),
        // The one workflow has no stages, the site no types of tickets.
        "workflowstage" | "tickettype" => Some(Test::Nothing),
        "prioritylevel" => of(Kind::Priority, |scene, place| {
            let (from, to) = scene.district().priorities[place].band;
            (from..=to).contains(&scene.ticket.priority)
        }),
        "closereason" => of(Kind::CloseReason, |scene, place| {
            scene.ticket.close_reason == Some(place)
        }),
        "resolutionaction" => Test::new(move |scene| {
            let activities = scene.ticket.activities.iter();
            let mut items = activities.flat_map(|one| &one.items);
            items.any(|item| {
                text(item, "ResolutionActionId").and_then(|own| own.parse().ok()) == Some(id)
            })
        }),
        _ => None,
    }
}

/// Open and closed by word, or by the ids of all zeros and all ones (contract §5, §19 D8).
fn state(value: &str) -> Option<bool> {
    let ones = "11111111-1111-1111-1111-111111111111";
    match value.to_lowercase().as_str() {
        "open" => Some(true),
        "closed" => Some(false),
        id if id == ones => Some(false),
        id if id.parse() == Ok(Guid::ZERO) => Some(true),
        _ => None,
    }
}

fn by_value(asked: Asked<'_>, value: &str) -> Option<Test> {
    let wanted = value.trim().to_lowercase();
    let of_asset = |is: fn(&crate::seed::district::Asset, &str) -> bool| {
        let wanted = wanted.clone();
        Test::new(move |scene| {
            let mut assets = scene.ticket.assets.iter();
            assets.any(|place| is(&scene.district().assets[*place], &wanted))
        })
    };
    match asked.facet {
        "statustypename" => Test::new(move |scene| {
            let state = if scene.ticket.closed.is_some() {
                "closed"
            } else {
                "open"
            };
            let name = scene.district().statuses[scene.ticket.step].name;
            name.eq_ignore_ascii_case(&wanted) || state == wanted
        }),
        "ticketnumber" => Test::new(move |scene| scene.ticket.number.to_string() == wanted),
        "keyword" => Test::new(move |scene| {
            let ticket = scene.ticket;
            let description = ticket.description.as_deref().unwrap_or_default();
            ticket.subject.to_lowercase().contains(&wanted)
                || description.to_lowercase().contains(&wanted)
                || ticket.number.to_string() == wanted
        }),
        "assettag" => of_asset(|asset, wanted| asset.tag.eq_ignore_ascii_case(wanted)),
        "assetserialnumber" => of_asset(|asset, wanted| asset.serial.eq_ignore_ascii_case(wanted)),
        "assetname" => of_asset(|asset, wanted| asset.model.to_lowercase().contains(wanted)),
        "schoolidnumber" => {
            Test::new(move |scene| scene.district().users[scene.ticket.requestor].number == wanted)
        }
        "grade" => Test::new(move |scene| {
            let district = scene.district();
            let grade = district.grade(&district.users[scene.ticket.requestor]);
            grade.is_some_and(|grade| grade.eq_ignore_ascii_case(&wanted))
        }),
        "source" => {
            let names = ["web", "mobile", "api"];
            let by_name = names.iter().position(|name| *name == wanted);
            let source = by_name
                .map(|place| place as i64 + 1)
                .or_else(|| wanted.parse().ok())?;
            Test::new(move |scene| scene.ticket.source == source)
        }
        "priorityrange" => {
            let compared = Compared::parse(value)?;
            Test::new(move |scene| compared.holds(scene.ticket.priority as f64))
        }
        "daysstale" => {
            let compared = Compared::parse(value)?;
            Test::new(move |scene| {
                let hours = scene.now.duration_since(scene.ticket.modified).as_hours();
                compared.holds((hours / 24) as f64)
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_come_by_word_and_by_id() {
        assert_eq!(state("Open"), Some(true));
        assert_eq!(state("11111111-1111-1111-1111-111111111111"), Some(false));
        assert_eq!(state("00000000-0000-0000-0000-000000000000"), Some(true));
        assert_eq!(state("later"), None);
    }
}
