//! The filters of a search: facets within groups (contract incidentiq §4).

use jiff::Timestamp;
use serde_json::Value;

use super::facet::{Asked, Scene, Test, test};
use crate::Temper;
use crate::guid::Guid;
use crate::incidentiq::body::{get, guid, is_set, text};
use crate::incidentiq::book::Book;
use crate::incidentiq::state::State;
use crate::incidentiq::ticket::Ticket;
use crate::reply::Refusal;

/// The filters of one facet within a group: any of the wanted, none of the unwanted.
#[derive(Default)]
struct Facet {
    name: String,
    wanted: Vec<Test>,
    unwanted: Vec<Test>,
}

/// Which tickets a search is about before its filters.
type Within = fn(Scene<'_>, usize) -> bool;

/// Groups of facets: within a group all facets must hold, of several groups one (contract §4, rule 2).
pub(super) struct Filter {
    groups: Vec<(i64, Vec<Facet>)>,
    /// The schema of the search, where it says something.
    within: Option<Within>,
    /// Whose tickets alone are shown.
    only_of: Option<usize>,
    shows_deleted: bool,
    only_deleted: bool,
    now: Timestamp,
    me: usize,
}

/// Who searches, and how strictly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Searcher {
    pub(super) temper: Temper,
    pub(super) me: usize,
    pub(super) sees_all: bool,
    pub(super) now: Timestamp,
}

impl Filter {
    /// The filters of a body. What is not understood is refused by the documents' temper and silently dropped by
    /// the live one (contract §4, rule 1).
    pub(super) fn compile(book: &Book, body: &Value, who: Searcher) -> Result<Self, Refusal> {
        let mut filter = Self {
            groups: Vec::new(),
            within: None,
            only_of: (!who.sees_all).then_some(who.me),
            shows_deleted: is_set(body, "IncludeDeleted"),
            only_deleted: is_set(body, "OnlyShowDeleted"),
            now: who.now,
            me: who.me,
        };
        if let Some(schema) = text(body, "Schema") {
            filter.take_schema(schema, who.temper)?;
        }
        if is_set(body, "FilterByProduct")
            && let Some(product) = guid(body, "ProductId")
        {
            let is_ours = product == book.district.product;
            filter.within = filter.within.filter(|_| is_ours);
            if !is_ours {
                filter.within = Some(|_, _| false);
            }
        }
        let filters = get(body, "Filters").and_then(Value::as_array);
        for one in filters.into_iter().flatten() {
            let name = text(one, "Facet").unwrap_or_default().to_lowercase();
            match tests(book, &name, one, who) {
                Some(tests) => {
                    let group = get(one, "GroupIndex").and_then(Value::as_i64).unwrap_or(0);
                    filter.add(group, &name, is_set(one, "Negative"), tests);
                }
                None if who.temper == Temper::LiveLike => {}
                None => {
                    let message = format!("The filter {one} is not understood.");
                    return Err(Refusal::bad("Filters", message));
                }
            }
        }
        Ok(filter)
    }

    fn take_schema(&mut self, word: &str, temper: Temper) -> Result<(), Refusal> {
        match word.to_lowercase().as_str() {
            "all" => {}
            "deleted" => self.only_deleted = true,
            word => match schema(word) {
                Some(within) => self.within = Some(within),
                None if temper == Temper::LiveLike => {}
                None => {
                    let message = format!("The schema {word} is not known.");
                    return Err(Refusal::bad("Schema", message));
                }
            },
        }
        Ok(())
    }

    fn holds(&self, book: &Book, ticket: &Ticket) -> bool {
        if ticket.is_deleted != self.only_deleted && !(ticket.is_deleted && self.shows_deleted) {
            return false;
        }
        let scene = Scene {
            book,
            ticket,
            now: self.now,
        };
        if self.only_of.is_some_and(|user| !ticket.concerns(user))
            || self.within.is_some_and(|within| !within(scene, self.me))
        {
            return false;
        }
        let test = |one: &Test| one.holds(scene);
        self.groups.is_empty()
            || self.groups.iter().any(|(_, facets)| {
                facets.iter().all(|facet| {
                    (facet.wanted.is_empty() || facet.wanted.iter().any(test))
                        && !facet.unwanted.iter().any(test)
                })
            })
    }

    fn add(&mut self, group: i64, name: &str, is_unwanted: bool, tests: Vec<Test>) {
        let at = self.groups.iter().position(|(index, _)| *index == group);
        let at = at.unwrap_or_else(|| {
            self.groups.push((group, Vec::new()));
            self.groups.len() - 1
        });
        let facets = &mut self.groups[at].1;
        let place = facets.iter().position(|facet| facet.name == name);
        let place = place.unwrap_or_else(|| {
            facets.push(Facet {
                name: name.to_owned(),
                ..Facet::default()
            });
            facets.len() - 1
        });
        let facet = &mut facets[place];
        if is_unwanted {
            facet.unwanted.extend(tests);
        } else {
            facet.wanted.extend(tests);
        }
    }

    /// Whether a listing shows a ticket.
    pub(super) fn shows(&self, state: &State, place: usize) -> bool {
        let ticket = &state.tickets[place];
        !state.visibility.hides(ticket.number) && self.holds(&state.book, ticket)
    }

    /// The places that can hold at all, where one window of creation says it; tickets stand in the order of
    /// their creation. The flag says whether nothing else is asked.
    pub(super) fn bounds(&self, state: &State) -> (std::ops::Range<usize>, bool) {
        let tickets = &state.tickets;
        let all = 0..tickets.len();
        let is_plain = state.deleted == 0
            && !self.only_deleted
            && self.within.is_none()
            && self.only_of.is_none()
            && state.visibility.is_clear();
        let [(_, facets)] = self.groups.as_slice() else {
            return (all, is_plain && self.groups.is_empty());
        };
        let created = facets
            .iter()
            .find_map(|facet| match facet.wanted.as_slice() {
                [Test::Created(window)] => Some(*window),
                _ => None,
            });
        let Some(window) = created else {
            return (all, false);
        };
        let before = |at: Timestamp| tickets.partition_point(|ticket| ticket.created < at);
        let from = window.from.map_or(0, before);
        let until = window.until.map_or(all.end, before).max(from);
        let is_only = facets.len() == 1 && facets[0].unwanted.is_empty();
        (from..until, is_plain && is_only)
    }

    /// The places of the tickets that hold, oldest first.
    pub(super) fn hits(&self, state: &State) -> Vec<usize> {
        let (bounds, is_plain) = self.bounds(state);
        if is_plain {
            return bounds.collect();
        }
        bounds.filter(|place| self.shows(state, *place)).collect()
    }
}

/// The words of `Schema` (contract §4); what one agent may see and do, every agent of the sandbox may.
fn schema(word: &str) -> Option<Within> {
    Some(match word {
        "open" | "openwithview" | "openwithmodify" | "available" => {
            |scene, _| scene.ticket.closed.is_none()
        }
        "openfollowing" => {
            |scene, me| scene.ticket.closed.is_none() && scene.ticket.followers.users.contains(&me)
        }
        "assignedtome" => |scene, me| scene.ticket.assignee == Some(me),
        "assignedtome_unassigned" => {
            |scene, me| scene.ticket.assignee.is_none_or(|agent| agent == me)
        }
        "closed" => |scene, _| scene.ticket.closed.is_some(),
        "myclosed" | "myclosedrecently" => {
            |scene, me| scene.ticket.closed.is_some() && scene.ticket.assignee == Some(me)
        }
        "othersclosed" => {
            |scene, me| scene.ticket.closed.is_some() && scene.ticket.assignee != Some(me)
        }
        "openothers" => {
            |scene, me| scene.ticket.closed.is_none() && scene.ticket.assignee != Some(me)
        }
        "others" => |scene, me| scene.ticket.assignee != Some(me),
        "unassigned" => |scene, _| scene.ticket.assignee.is_none() && scene.ticket.team.is_none(),
        "canceled" => |scene, _| scene.book.district.statuses[scene.ticket.step].name == "Canceled",
        "waitingonrequestor" => |scene, _| {
            scene.book.district.statuses[scene.ticket.step].name == "Waiting on Requestor"
        },
        "forme" => |scene, me| scene.ticket.requestor == me,
        "bymeforothers" => |scene, me| scene.ticket.owner == me && scene.ticket.requestor != me,
        _ => return None,
    })
}

/// What one filter asks; `None` where its facet or value is not understood.
fn tests(book: &Book, facet: &str, one: &Value, who: Searcher) -> Option<Vec<Test>> {
    let is_lenient = who.temper == Temper::Lenient;
    if facet == "statustypename" && !is_lenient {
        return None;
    }
    let mut values = Vec::new();
    for name in ["Id", "Value"] {
        values.extend(text(one, name));
    }
    if is_lenient {
        for name in ["Ids", "Values"] {
            let list = get(one, name).and_then(Value::as_array);
            values.extend(list.into_iter().flatten().filter_map(Value::as_str));
        }
    }
    if values.is_empty() {
        // The guide's flags come by name.
        values.extend(text(one, "Name"));
    }
    let asked = Asked {
        book,
        facet,
        field: guid(one, "CustomFieldTypeId").filter(|id| *id != Guid::ZERO),
        now: who.now,
        me: who.me,
    };
    // Id and Value may say the same twice (`ticketstate`): what is understood of them counts.
    let tests: Vec<_> = values
        .iter()
        .filter_map(|value| test(asked, value))
        .collect();
    (!tests.is_empty()).then_some(tests)
}
