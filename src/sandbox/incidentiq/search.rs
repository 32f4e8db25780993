//! Searching tickets: filters, order, pages (contract incidentiq §3, §4).

use jiff::Timestamp;
use serde_json::Value;

use super::book::{Book, Kind};
use super::check::{get, guid};
use super::dates::{Window, window};
use super::envelope::{self, Page};
use super::ticket::Ticket;
use super::{IncidentIq, ROOT, Tickets};
use crate::sandbox::Temper;
use crate::sandbox::call::Call;
use crate::sandbox::guid::Guid;
use crate::sandbox::reply::{Answer, Refusal};

/// The size of a page where nothing is said.
const DEFAULT_SIZE: usize = 20;

/// What one filter asks of a ticket.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    Created(Window),
    Modified(Window),
    Closed(Window),
    Due(Window),
    Ticket(Guid),
    Number(String),
    Keyword(String),
    Requestor(usize),
    Owner(usize),
    Assignee(usize),
    Team(usize),
    Location(usize),
    Room(usize),
    Issue(usize),
    IssueType(Guid),
    Category(Guid),
    Status(Guid),
    StatusName(String),
    Open(bool),
    Urgent(bool),
    Sensitive(bool),
    Unassigned(bool),
    HasAsset(bool),
    Priority(i64, i64),
    Tag(Guid),
    Asset(usize),
    Custom(usize, String),
    /// A good filter that no ticket can meet: the id of nothing.
    Nothing,
}

impl Test {
    fn holds(&self, book: &Book, ticket: &Ticket) -> bool {
        let issue = || &book.district.issues[ticket.issue];
        let status = || &book.district.statuses[ticket.step];
        let text = |needle: &str| {
            let description = ticket.description.as_deref().unwrap_or_default();
            ticket.subject.to_lowercase().contains(needle)
                || description.to_lowercase().contains(needle)
                || ticket.number.to_string() == needle
        };
        match self {
            Self::Created(window) => window.holds(ticket.created),
            Self::Modified(window) => window.holds(ticket.modified),
            Self::Closed(window) => ticket.closed.is_some_and(|at| window.holds(at)),
            Self::Due(window) => ticket.due.is_some_and(|at| window.holds(at)),
            Self::Ticket(id) => ticket.id == *id,
            Self::Number(number) => ticket.number.to_string() == *number,
            Self::Keyword(word) => text(word),
            Self::Requestor(user) => ticket.requestor == *user,
            Self::Owner(user) => ticket.owner == *user,
            Self::Assignee(user) => ticket.assignee == Some(*user),
            Self::Team(team) => ticket.team == Some(*team),
            Self::Location(location) => ticket.location == *location,
            Self::Room(room) => ticket.room == Some(*room),
            Self::Issue(issue) => ticket.issue == *issue,
            Self::IssueType(id) => issue().kind.0 == *id,
            Self::Category(id) => issue().category.0 == *id,
            Self::Status(id) => status().step == *id || status().status == *id,
            Self::StatusName(name) => {
                let state = if status().is_closed { "closed" } else { "open" };
                status().name.eq_ignore_ascii_case(name) || state.eq_ignore_ascii_case(name)
            }
            Self::Open(is_open) => status().is_closed != *is_open,
            Self::Urgent(flag) => ticket.is_urgent == *flag,
            Self::Sensitive(flag) => ticket.is_sensitive == *flag,
            Self::Unassigned(flag) => (ticket.assignee.is_none() && ticket.team.is_none()) == *flag,
            Self::HasAsset(flag) => ticket.assets.is_empty() != *flag,
            Self::Priority(from, to) => (*from..=*to).contains(&ticket.priority),
            Self::Tag(id) => ticket.tags.iter().any(|tag| tag.id == *id),
            Self::Asset(asset) => ticket.assets.contains(asset),
            Self::Custom(field, value) => ticket
                .custom
                .iter()
                .any(|(own, text)| own == field && text.eq_ignore_ascii_case(value)),
            Self::Nothing => false,
        }
    }
}

/// The filters of one facet within a group: any of the wanted, none of the unwanted.
#[derive(Debug, Default)]
struct Facet {
    name: String,
    wanted: Vec<Test>,
    unwanted: Vec<Test>,
}

/// Groups of facets: within a group all facets must hold, of several groups one (contract §4, rule 2).
#[derive(Debug, Default)]
struct Filter {
    groups: Vec<(i64, Vec<Facet>)>,
    shows_deleted: bool,
    only_deleted: bool,
}

impl Filter {
    fn holds(&self, book: &Book, ticket: &Ticket) -> bool {
        if ticket.is_deleted != self.only_deleted && !(ticket.is_deleted && self.shows_deleted) {
            return false;
        }
        let test = |one: &Test| one.holds(book, ticket);
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
    fn shows(&self, book: &Book, tickets: &Tickets, place: usize) -> bool {
        let ticket = &tickets.all[place];
        !tickets.veil.hides(ticket.number) && self.holds(book, ticket)
    }

    /// The places that can hold at all, where one window of creation says it; tickets stand in the order of
    /// their creation. The flag says whether nothing else is asked.
    fn bounds(&self, tickets: &Tickets) -> (std::ops::Range<usize>, bool) {
        let all = 0..tickets.all.len();
        let is_plain = tickets.deleted == 0 && !self.only_deleted && tickets.veil.is_clear();
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
        let before = |at: Timestamp| tickets.all.partition_point(|ticket| ticket.created < at);
        let from = window.from.map_or(0, before);
        let until = window.until.map_or(all.end, before).max(from);
        let is_only = facets.len() == 1 && facets[0].unwanted.is_empty();
        (from..until, is_plain && is_only)
    }
}

/// `POST /tickets`.
pub(super) fn page(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = call.json()?;
    let filter = compile(iiq, &body, call.at)?;
    let page = paging(iiq, call, &body);
    let tickets = iiq.tickets();
    let (bounds, is_plain) = filter.bounds(&tickets);
    let (order, is_descending) = order(call);
    let chosen: Vec<usize>;
    let total;
    if is_plain && order == Order::Created {
        total = bounds.len();
        chosen = page
            .range(total)
            .map(|n| {
                if is_descending {
                    bounds.end - 1 - n
                } else {
                    bounds.start + n
                }
            })
            .collect();
    } else {
        let mut hits: Vec<usize> = bounds
            .filter(|place| filter.shows(&iiq.book, &tickets, *place))
            .collect();
        total = hits.len();
        order.sort(&mut hits, &tickets.all);
        if is_descending {
            hits.reverse();
        }
        chosen = hits[page.range(total)].to_vec();
    }
    let views: Vec<_> = chosen
        .into_iter()
        .map(|place| tickets.all[place].view(&iiq.book, iiq.rules.temper))
        .collect();
    Ok(envelope::list(&views, total, page))
}

/// `POST /tickets/count`.
pub(super) fn count(iiq: &IncidentIq, call: &Call) -> Answer {
    let filter = compile(iiq, &call.json()?, call.at)?;
    let tickets = iiq.tickets();
    let (bounds, is_plain) = filter.bounds(&tickets);
    let total = if is_plain {
        bounds.len()
    } else {
        bounds
            .filter(|place| filter.shows(&iiq.book, &tickets, *place))
            .count()
    };
    Ok(envelope::item(200, &total, None))
}

/// What tickets are sorted by. What is not known is silently ignored (contract §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Created,
    Modified,
    Closed,
    Subject,
    Priority,
}

impl Order {
    fn sort(self, places: &mut [usize], all: &[Ticket]) {
        match self {
            Self::Created => {}
            Self::Modified => places.sort_by_key(|place| all[*place].modified),
            Self::Closed => places.sort_by_key(|place| all[*place].closed),
            Self::Subject => places.sort_by(|a, b| all[*a].subject.cmp(&all[*b].subject)),
            Self::Priority => places.sort_by_key(|place| all[*place].priority),
        }
    }
}

/// The order asked for: `$o=Field dir`, or `$o` with `$d`; newest first where nothing is said.
fn order(call: &Call) -> (Order, bool) {
    let asked = call
        .query("$o")
        .or_else(|| call.query("o"))
        .unwrap_or_default();
    let mut words = asked.split_whitespace();
    let order = match words.next().unwrap_or_default().to_lowercase().as_str() {
        "ticketcreateddate" | "ticketnumber" | "ticketnumbersort" => Order::Created,
        "ticketmodifieddate" => Order::Modified,
        "ticketcloseddate" => Order::Closed,
        "ticketsubject" => Order::Subject,
        "ticketpriority" => Order::Priority,
        _ => return (Order::Created, true),
    };
    let direction = words
        .next()
        .or_else(|| call.query("$d"))
        .or_else(|| call.query("d"))
        .unwrap_or("asc")
        .to_lowercase();
    (order, direction.starts_with("desc") || direction == "1")
}

/// The page asked for: the query, then the body's two spellings (contract §3); a live system reads the query
/// alone.
pub(super) fn paging(iiq: &IncidentIq, call: &Call, body: &Value) -> Page {
    let from_query = |name| call.query(name)?.parse::<i64>().ok();
    let from_body = |name: &str| -> Option<i64> {
        if iiq.rules.temper == Temper::LiveLike && call.path().get(ROOT) == Some(&"tickets") {
            return None;
        }
        let options = get(body, "RequestOptions").and_then(|options| get(options, "Paging"));
        [get(body, "Paging"), options]
            .into_iter()
            .flatten()
            .find_map(|paging| get(paging, name)?.as_i64())
    };
    let size = from_query("$s").or_else(|| from_body("PageSize"));
    let size = match size {
        Some(-1) => iiq.rules.max_page,
        Some(size) => usize::try_from(size.max(1)).unwrap_or(1),
        None => DEFAULT_SIZE,
    };
    let index = from_query("$p")
        .or_else(|| from_body("PageIndex"))
        .unwrap_or(0);
    Page {
        index: usize::try_from(index).unwrap_or(0),
        size: size.min(iiq.rules.max_page),
    }
}

/// The filters of a body. What is not understood is refused by the documents' temper and silently dropped by
/// the live one (contract §4, rule 1).
fn compile(iiq: &IncidentIq, body: &Value, now: Timestamp) -> Result<Filter, Refusal> {
    let is_set = |name| get(body, name).and_then(Value::as_bool) == Some(true);
    let mut filter = Filter {
        groups: Vec::new(),
        shows_deleted: is_set("IncludeDeleted"),
        only_deleted: is_set("OnlyShowDeleted"),
    };
    let filters = get(body, "Filters").and_then(Value::as_array);
    for one in filters.into_iter().flatten() {
        let name = get(one, "Facet")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_lowercase();
        match tests(iiq, &name, one, now) {
            Some(tests) => {
                let group = get(one, "GroupIndex").and_then(Value::as_i64).unwrap_or(0);
                let is_unwanted = get(one, "Negative").and_then(Value::as_bool) == Some(true);
                filter.add(group, &name, is_unwanted, tests);
            }
            None if iiq.rules.temper == Temper::LiveLike => {}
            None => {
                let message = format!("The filter {one} is not understood.");
                return Err(Refusal::field(400, "Filters", message));
            }
        }
    }
    Ok(filter)
}

/// What one filter asks; `None` where its facet or value is not understood.
fn tests(iiq: &IncidentIq, facet: &str, one: &Value, now: Timestamp) -> Option<Vec<Test>> {
    let is_lenient = iiq.rules.temper == Temper::Lenient;
    let mut values = Vec::new();
    for name in ["Id", "Value"] {
        values.extend(get(one, name).and_then(Value::as_str));
    }
    if is_lenient {
        for name in ["Ids", "Values"] {
            let list = get(one, name).and_then(Value::as_array);
            values.extend(list.into_iter().flatten().filter_map(Value::as_str));
        }
    }
    if facet == "statustypename" && !is_lenient {
        return None;
    }
    if values.is_empty() {
        return None;
    }
    // Id and Value may say the same twice (`ticketstate`): what is understood of them counts.
    let field = guid(one, "CustomFieldTypeId");
    let tests: Vec<_> = values
        .iter()
        .filter_map(|value| test(&iiq.book, facet, value, field, now))
        .collect();
    (!tests.is_empty()).then_some(tests)
}

fn test(
    book: &Book,
    facet: &str,
    value: &str,
    field: Option<Guid>,
    now: Timestamp,
) -> Option<Test> {
    let span = |make: fn(Window) -> Test| window(value, now, &book.zone).map(make);
    let id = || value.parse::<Guid>().ok();
    let found =
        |kind, make: fn(usize) -> Test| Some(book.find(kind, id()?).map_or(Test::Nothing, make));
    let yes = || match value.to_lowercase().as_str() {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => None,
    };
    match facet {
        "createddate" => span(Test::Created),
        "modifieddate" => span(Test::Modified),
        "closeddate" => span(Test::Closed),
        "duedate" => span(Test::Due),
        "ticket" => Some(Test::Ticket(id()?)),
        "ticketnumber" => Some(Test::Number(value.trim().to_owned())),
        "keyword" => Some(Test::Keyword(value.to_lowercase())),
        "user" | "for" => found(Kind::User, Test::Requestor),
        "submittedby" => found(Kind::User, Test::Owner),
        "agent" => found(Kind::User, Test::Assignee),
        "team" => found(Kind::Team, Test::Team),
        "location" => found(Kind::Location, Test::Location),
        "room" => found(Kind::Room, Test::Room),
        "issue" => found(Kind::Issue, Test::Issue),
        "issuetype" => Some(Test::IssueType(id()?)),
        "issuecategory" => Some(Test::Category(id()?)),
        "status" | "workflowstep" => Some(Test::Status(id()?)),
        "statustypename" => Some(Test::StatusName(value.to_owned())),
        "ticketstate" => state(value),
        "isurgent" => Some(Test::Urgent(yes()?)),
        "sensitiveinfo" => Some(Test::Sensitive(yes()?)),
        "unassigned" => Some(Test::Unassigned(yes()?)),
        "hasassetattached" => Some(Test::HasAsset(yes()?)),
        "prioritylevel" => Some(
            book.find(Kind::Priority, id()?)
                .map_or(Test::Nothing, |place| {
                    let (from, to) = book.district.priorities[place].band;
                    Test::Priority(from, to)
                }),
        ),
        "tag" => Some(Test::Tag(id()?)),
        "asset" => found(Kind::Asset, Test::Asset),
        "assettag" => Some(
            book.by_tag
                .get(&value.to_lowercase())
                .map_or(Test::Nothing, |asset| Test::Asset(*asset)),
        ),
        _ if facet.starts_with("customfield") => Some(
            book.find(Kind::Field, field?)
                .map_or(Test::Nothing, |place| Test::Custom(place, value.to_owned())),
        ),
        _ => None,
    }
}

/// Open and closed by word, or by the ids of all zeros and all ones (contract §5, §19 D8).
fn state(value: &str) -> Option<Test> {
    let ones = "11111111-1111-1111-1111-111111111111";
    match value.to_lowercase().as_str() {
        "open" => Some(Test::Open(true)),
        "closed" => Some(Test::Open(false)),
        id if id == ones => Some(Test::Open(false)),
        id if id.parse() == Ok(Guid::ZERO) => Some(Test::Open(true)),
        _ => None,
    }
}
