//! ClearFeed's requests as common tickets (contract clearfeed, Request object), in both dialects.
//!
//! | common | `v1` | `rest` |
//! |---|---|---|
//! | id, number, title | `id`, `ticket_id`, `title` | the same |
//! | description | the first of `messages`, else `description` | the same |
//! | state | `status` | `state` |
//! | priority | `priority` | the same; `normal` is called `medium` |
//! | requester | `author` and `author_email` | the same |
//! | assignee, team | `assignee`, `assigned_team` | the same |
//! | standing | closed when the status is `solved` or `closed` | the same |
//! | category | `collection` | the same |
//! | custom | `custom_fields`, by name | `custom_field_values`, by id |
//! | comments | `messages` after the first | the same |
//! | service | `sla_metrics`: the minutes it took and whether that was too long | the same |
//! | created, updated | `created_at`, `updated_at` | the same |
//!
//! A request has no place, no devices and no due date, tells no time of its closing, and shows its files and its tags in
//! no answer that the contract knows: these are always among `not_shown`, tags unless the answer has them. All else that
//! a request tells (channel, customer, survey, linked tickets, threads) stays in `other`.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::ids;
use super::listing::{self, SEARCH, page};
use super::requests::{LIMIT, inner, is_id, listed, text};
use super::verify_step::{posted, shows_notes};
use super::{ClearFeed, dialect};
use crate::error::{Error, Result};
use crate::html;
use crate::systems::common::{
    Clock, Comment, CommonTicket, CustomValue, NO_NOTES, NOT_ASKED, Named, Service, beyond,
};
use crate::systems::http::Request;
use crate::systems::http::reader::{ReadFailure, Reader};
use crate::systems::http::refusal::member;
use crate::systems::page::{Axis, Mark, Next, PageAsk, Shown, TicketPage};
use crate::systems::query::{Query, SearchEnd, Span, StateFilter};
use crate::systems::{Gap, Seen, Standing, SystemName, Verdict, merged};

/// The members that have a place in the common ticket.
const TAKEN: [&str; 21] = [
    "id",
    "ticket_id",
    "title",
    "description",
    "state",
    "status",
    "priority",
    "author",
    "author_email",
    "assignee",
    "assignee_id",
    "assigned_team",
    "collection",
    "collection_id",
    "custom_fields",
    "custom_field_values",
    "tags",
    "messages",
    "sla_metrics",
    "created_at",
    "updated_at",
];

/// The most addresses of requesters that a listing takes.
const MOST_EMAILS: usize = 50;

/// What no request has.
const NEVER: [(&str, &str); 5] = [
    ("place", "ClearFeed's requests have no place"),
    (
        "closed",
        "ClearFeed does not tell when a request was closed",
    ),
    ("due", "ClearFeed's requests have no due date"),
    ("devices", "ClearFeed's requests have no devices"),
    ("attachments", "ClearFeed shows no files"),
];

/// A request of an answer.
pub(super) fn common(request: &Value) -> Option<CommonTicket> {
    let bare = listed(request)?;
    let time = |name: &str| text(request, name).and_then(|at| at.parse::<Timestamp>().ok());
    let messages = member(request, &["messages"]).and_then(Value::as_array);
    let said = messages.map(Vec::as_slice).unwrap_or_default();
    let state = text(request, "state").or_else(|| text(request, "status"));
    let mut ticket = CommonTicket {
        number: bare.ticket.number,
        url: bare.ticket.url,
        title: text(request, "title"),
        description: bare.text.as_deref().map(readable),
        standing: settled(bare.standing, state.as_deref()),
        state: state.map(word),
        priority: text(request, "priority").map(|own| Named {
            // Both dialects' words for the middle are one (contract, the table of dialects).
            name: Some(if own == "normal" { "medium" } else { &own }.to_owned()),
            id: Some(own),
            email: None,
        }),
        requester: requester(request),
        assignee: reference(request, &["assignee", "assignee_id"]),
        team: reference(request, &["assigned_team"]),
        category: reference(request, &["collection", "collection_id"]),
        tags: tags(request),
        custom: custom(request),
        comments: said
            .iter()
            .skip(1)
            .filter_map(|message| comment(request, message))
            .collect(),
        service: service(request),
        created: time("created_at"),
        updated: time("updated_at"),
        other: beyond(request, &TAKEN),
        ..CommonTicket::new(SystemName::ClearFeed, bare.ticket.id)
    };
    for (field, why) in NEVER {
        ticket.hide(field, why);
    }
    match request.get("sla_metrics") {
        None => ticket.hide("service", "the answer has no `sla_metrics`"),
        Some(metrics) => {
            // It has no place of its own: the resolution is the last one.
            if let Some(first) = member(metrics, &["first_resolution_time"]) {
                let left = json!({ "first_resolution_time": first });
                ticket.other.insert("sla_metrics".to_owned(), left);
            }
        }
    }
    for (name, field) in [("created_at", "created"), ("updated_at", "updated")] {
        if let Some(text) = text(request, name).filter(|_| time(name).is_none()) {
            ticket.hide(field, format!("its time `{text}` cannot be read"));
        }
    }
    if request.get("tags").is_none() {
        ticket.hide("tags", "ClearFeed shows no tags");
    }
    let has_custom = ["custom_fields", "custom_field_values"]
        .iter()
        .any(|name| request.get(name).is_some());
    if !has_custom {
        ticket.hide("custom", "the answer has no custom fields");
    }
    if ticket.description.is_none() {
        ticket.hide("description", "the answer does not show the first message");
    }
    match messages {
        None => ticket.hide("comments", "the answer shows no messages"),
        Some(messages) if !shows_notes(request, messages) => {
            ticket.hide("comments", NO_NOTES);
        }
        Some(_) => {}
    }
    Some(ticket)
}

/// How a request stands for who counts it: one that is solved is not worked on any more.
pub(in crate::systems) fn settled(standing: Standing, state: Option<&str>) -> Standing {
    match (standing, state) {
        (Standing::Open, Some("solved")) => Standing::Closed,
        (standing, _) => standing,
    }
}

/// A message as people read it: without tags where it is HTML, and without the links that Slack makes. In a plain text
/// angle brackets are none: `<ann@acme.example>` is an address.
fn readable(text: &str) -> String {
    let plain = html::unlinked(text);
    match html::is_markup(&plain) {
        true => html::to_text(&plain),
        false => plain,
    }
}

fn word(word: String) -> Named {
    Named {
        name: Some(word.clone()),
        id: Some(word),
        email: None,
    }
}

/// Something that stands as an id, or as an object with one.
fn reference(request: &Value, names: &[&str]) -> Option<Named> {
    let value = member(request, names)?;
    match value {
        Value::Object(_) => Some(Named {
            id: Some(text(value, "id")?),
            name: text(value, "name"),
            email: text(value, "email"),
        }),
        _ => names
            .iter()
            .find_map(|name| text(request, name))
            .map(Named::id),
    }
}

fn requester(request: &Value) -> Option<Named> {
    let email = text(request, "author_email");
    match reference(request, &["author"]) {
        Some(author) => Some(Named {
            email: author.email.clone().or(email),
            ..author
        }),
        None => email.map(|email| Named {
            email: Some(email),
            ..Named::default()
        }),
    }
}

fn tags(request: &Value) -> Vec<String> {
    let tags = member(request, &["tags"]).and_then(Value::as_array);
    let name = |tag: &Value| match tag {
        Value::String(name) => Some(name.clone()),
        object => text(object, "name"),
    };
    tags.into_iter().flatten().filter_map(name).collect()
}

/// How the promises were kept; what was promised, and whether a clock runs, is not told.
fn service(request: &Value) -> Option<Service> {
    let metrics = member(request, &["sla_metrics"])?;
    let clock = |name: &str| {
        let metric = member(metrics, &[name])?;
        Some(Clock {
            minutes: member(metric, &["value"]).and_then(Value::as_f64),
            is_breached: member(metric, &["is_breached"]).and_then(Value::as_bool),
            ..Clock::default()
        })
    };
    let service = Service {
        name: None,
        response: clock("first_response_time"),
        resolution: clock("resolution_time"),
    };
    (service != Service::default()).then_some(service)
}

/// By name in one dialect, by id in the other.
fn custom(request: &Value) -> Vec<CustomValue> {
    let values = |name: &str| {
        let values = member(request, &[name]).and_then(Value::as_object);
        values
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null())
    };
    let by_name = values("custom_fields").map(|(name, value)| CustomValue {
        id: None,
        name: Some(name.clone()),
        value: value.clone(),
    });
    let by_id = values("custom_field_values").map(|(id, value)| CustomValue {
        id: Some(id.clone()),
        name: None,
        value: value.clone(),
    });
    by_name.chain(by_id).collect()
}

/// What stands in the thread of the triage is an internal note, unless that is the thread of the request too.
fn comment(request: &Value, message: &Value) -> Option<Comment> {
    let thread = |name: &str| member(request, &[name]).and_then(|thread| text(thread, "thread_ts"));
    let own = text(message, "thread_ts");
    let is_in = |name: &str| own.is_some() && thread(name) == own;
    let is_private = member(message, &["is_private"]).and_then(Value::as_bool);
    let is_private = is_private.or(match (is_in("request_thread"), is_in("triage_thread")) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    });
    Some(Comment {
        author: reference(message, &["author"]),
        at: posted(message),
        public: is_private.map(|is_private| !is_private),
        text: readable(&text(message, "text")?),
    })
}

/// Reads one request with its messages.
pub(super) async fn one(id: &str, reader: Reader<'_>) -> Result<Option<CommonTicket>, ReadFailure> {
    Ok(shown(id, reader)
        .await?
        .and_then(|request| common(&request)))
}

/// A request as the system shows it, with its messages.
async fn shown(id: &str, reader: Reader<'_>) -> Result<Option<Value>, ReadFailure> {
    if !is_id(id) {
        return Ok(None);
    }
    let path = format!("/requests/{id}");
    let query = [("include", "messages".to_owned())];
    match reader.read(Request::get(&path).query(&query)).await {
        Ok(body) => {
            let request = inner(&body);
            match text(request, "id").filter(|found| !ids::is_same(found, id)) {
                None => Ok(Some(request.clone())),
                Some(found) => Err(another(&path, id, &found)),
            }
        }
        Err(failure) if failure.is_absence() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The failure of a read that was answered with another ticket: what is written to that one next would hit somebody
/// else's.
fn another(path: &str, asked: &str, found: &str) -> ReadFailure {
    ReadFailure {
        status: Some(200),
        request: format!("GET {path}"),
        message: merged(asked, found),
        is_page: false,
    }
}

/// Looks for requests, the newest first. What counts is [`Query::holds`].
pub(super) async fn search(
    system: &ClearFeed,
    query: &Query,
    reader: Reader<'_>,
    page: &mut (dyn FnMut(Vec<CommonTicket>) -> ControlFlow<()> + Send),
) -> Result<SearchEnd> {
    can_hold(query)?;
    match query.word() {
        None => by_listing(system, query, reader, page).await,
        Some(word) => by_word(word, query, reader, page).await,
    }
}

/// Reads one page of very many requests.
pub(super) async fn bulk(
    system: &ClearFeed,
    ask: &PageAsk<'_>,
    reader: Reader<'_>,
) -> Result<TicketPage> {
    can_hold(ask.query)?;
    let order = if ask.is_newest_first { "desc" } else { "asc" };
    // Without its messages a request shows no description.
    let mut filters = vec![
        ("sort_order", order.to_owned()),
        ("include", "messages".to_owned()),
        ("limit", LIMIT.to_string()),
    ];
    filters.extend(bounds(ask.axis, ask.span));
    if ask.is_filtered {
        filters.extend(wanted(system, ask.query));
    }
    let cursor = match &ask.mark {
        Mark::Cursor(cursor) => Some(cursor.as_str()),
        Mark::First | Mark::Index(..) => None,
    };
    let page = listing::requests(&system.page_size, reader, &filters, cursor).await?;
    let tickets = page.rows.iter().filter_map(|row| {
        let mut ticket = system.respelled_common(common(row)?);
        let holds = ask.query.holds(&ticket, row);
        if !ask.with_comments {
            ticket.comments.clear();
            ticket.not_shown.retain(|hidden| hidden.field != "comments");
            ticket.hide("comments", NOT_ASKED);
        }
        Some(Shown { ticket, holds })
    });
    Ok(TicketPage {
        tickets: tickets.collect(),
        next: page.next.map_or(Next::Nothing, Next::Cursor),
        is_short: page.is_short,
        count: page.count,
    })
}

/// Refuses what no request has.
fn can_hold(query: &Query) -> Result<()> {
    let has_none = |what: &str| {
        Err(Error::usage(format!("ClearFeed's requests have no {what}"))
            .hint("look for words, an assignee, a team or a requester instead"))
    };
    if !query.place.is_empty() {
        return has_none("place");
    }
    if !query.devices.is_empty() {
        return has_none("devices");
    }
    if !query.closed.is_open() {
        return Err(
            Error::usage("ClearFeed does not tell when a request was closed")
                .hint("choose by `created` or `updated`, with the state `closed`"),
        );
    }
    let is_gone = |state: &StateFilter| *state == StateFilter::Standing(Standing::Gone);
    if !query.states.is_empty() && query.states.iter().all(is_gone) {
        return Err(Error::usage("ClearFeed deletes no requests").hint("look for closed ones"));
    }
    Ok(())
}

async fn by_listing(
    system: &ClearFeed,
    query: &Query,
    reader: Reader<'_>,
    hand_on: &mut (dyn FnMut(Vec<CommonTicket>) -> ControlFlow<()> + Send),
) -> Result<SearchEnd> {
    let axis = axis(query);
    let page = |order, cursor: Option<String>| {
        let filters = filters(system, query, order);
        async move { listing::requests(&system.page_size, reader, &filters, cursor.as_deref()).await }
    };
    let time = |row: &Value| {
        let ticket = common(row)?;
        Some((ticket.id.clone(), axis.of(&ticket).map(Reverse)))
    };
    let mut seen = Seen::default();
    let mut end = SearchEnd::default();
    let mut cursor: Option<String> = None;
    let mut gap = None;
    let last = loop {
        let page = page("desc", cursor).await?;
        let mut on_page = HashSet::new();
        let hits = page.rows.iter().filter_map(|row| {
            let ticket = common(row)?;
            let is_new = on_page.insert(ticket.id.clone()) && !seen.contains(&ticket.id);
            (is_new && query.holds(&ticket, row)).then_some(ticket)
        });
        let hits: Vec<CommonTicket> = hits.collect();
        let taken = seen.take(&page.rows.iter().filter_map(time).collect::<Vec<_>>());
        end.looked_at = seen.len();
        if page.is_short {
            gap.get_or_insert(Gap::Short);
        }
        if axis == Axis::Created && !taken.goes_on {
            gap.get_or_insert(Gap::Disorder);
        }
        if hand_on(hits).is_break() {
            return Ok(end);
        }
        match &page.next {
            None => break page,
            // The same rows again: cursors are not what the system understands.
            Some(_) if taken.fresh == 0 => {
                return Ok(SearchEnd {
                    gap: Some(Gap::Circle),
                    ..end
                });
            }
            Some(next) => cursor = Some(next.clone()),
        }
    };
    let newest = seen.first();
    gap = gap.or_else(|| last.gap(seen.len()));
    if gap.is_none() {
        let witness = page("asc", None).await?;
        let mut rows: Vec<_> = witness.rows.iter().filter_map(time).collect();
        // What was made since the search began belongs before it.
        rows.retain(|(id, at)| seen.contains(id) || *at >= newest);
        let agrees = seen.compare(&rows, witness.next.is_none()) == Verdict::Same;
        gap = (!agrees || witness.is_short).then_some(Gap::OtherEnd);
    }
    end.whole = gap.is_none();
    Ok(SearchEnd { gap, ..end })
}

/// By which time a search is bounded and ordered.
fn axis(query: &Query) -> Axis {
    match query.created.is_open() && !query.updated.is_open() {
        true => Axis::Updated,
        false => Axis::Created,
    }
}

/// The filters of a listing.
fn filters(system: &ClearFeed, query: &Query, order: &str) -> Vec<(&'static str, String)> {
    let axis = axis(query);
    let span = match axis {
        Axis::Updated => query.updated,
        Axis::Created => query.created,
    };
    let mut filters = vec![
        ("sort_order", order.to_owned()),
        ("include", "messages".to_owned()),
        ("limit", LIMIT.to_string()),
    ];
    if !span.is_open() {
        filters.extend(bounds(axis, span));
    }
    filters.extend(wanted(system, query));
    filters
}

/// By which time a listing is ordered, and its bounds.
fn bounds(axis: Axis, span: Span) -> Vec<(&'static str, String)> {
    // Whether the bounds belong to the span is not told.
    let margin = SignedDuration::from_mins(1);
    let widened = |at: Timestamp, by| at.checked_add(by).unwrap_or(at).to_string();
    let field = match axis {
        Axis::Created => "created_at",
        Axis::Updated => "updated_at",
    };
    let mut bounds = vec![("filter_by", field.to_owned())];
    bounds.extend(span.from.map(|at| ("after", widened(at, -margin))));
    bounds.extend(span.until.map(|at| ("before", widened(at, margin))));
    bounds
}

/// The addresses by which the system is asked for requests of people. It leaves out those of theirs that it shows
/// without an address: people whose id is known are found among all.
fn addresses(query: &Query) -> Option<Vec<String>> {
    let who = query.requester.iter();
    let addresses = who.map(|who| who.email.clone().filter(|_| who.id.is_none()));
    let addresses: Vec<String> = addresses.collect::<Option<_>>()?;
    // More than so many are refused.
    (addresses.len() <= MOST_EMAILS).then_some(addresses)
}

/// What the system can filter by besides times.
fn wanted(system: &ClearFeed, query: &Query) -> Vec<(&'static str, String)> {
    let mut filters = Vec::new();
    let addresses = addresses(query).into_iter().flatten();
    filters.extend(addresses.map(|address| ("author_emails", address)));
    if let [Named { id: Some(id), .. }] = query.category.as_slice() {
        filters.push(("collection_id", id.clone()));
    }
    let names = query.states.iter().map(|state| match state {
        StateFilter::Named(named) => named.id.clone().map(|name| vec![name]),
        StateFilter::Standing(Standing::Closed) => {
            Some(["solved", "closed"].map(str::to_owned).to_vec())
        }
        StateFilter::Standing(_) => None,
    });
    // One that has no name of its own stands for several.
    if let Some(names) = names.collect::<Option<Vec<Vec<String>>>>() {
        let member = dialect::status_member(system.account.dialect);
        filters.extend(names.into_iter().flatten().map(|name| (member, name)));
    }
    filters
}

/// The system's own search, which shows no messages: each of its hits is read by itself, so that it can be judged.
async fn by_word(
    word: &str,
    query: &Query,
    reader: Reader<'_>,
    hand_on: &mut (dyn FnMut(Vec<CommonTicket>) -> ControlFlow<()> + Send),
) -> Result<SearchEnd> {
    let mut filters = vec![
        ("query", word.to_owned()),
        ("only_public", "false".to_owned()),
        ("limit", LIMIT.to_string()),
    ];
    filters.extend(
        query
            .created
            .from
            .map(|at| ("created_after", at.to_string())),
    );
    filters.extend(
        query
            .created
            .until
            .map(|at| ("created_before", at.to_string())),
    );
    let rows = page(reader, SEARCH, &filters, None).await?.rows;
    let mut end = SearchEnd::default();
    for row in &rows {
        let Some(id) = text(row, "id") else { continue };
        end.looked_at += 1;
        let Some(shown) = shown(&id, reader).await? else {
            continue;
        };
        let hit = common(&shown).filter(|ticket| query.holds(ticket, &shown));
        if hand_on(hit.into_iter().collect()).is_break() {
            return Ok(end);
        }
    }
    // It has no second page.
    end.whole = rows.len() < LIMIT as usize;
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_angle_brackets_is_read_too() {
        for (text, read) in [
            (
                "Ask <ann@acme.example> & co.",
                "Ask <ann@acme.example> & co.",
            ),
            (
                "Ask &lt;ann@acme.example&gt;<br>today",
                "Ask <ann@acme.example>\ntoday",
            ),
            ("See <https://a.example|the page>", "See the page"),
            ("<p>It is <b>broken</b></p>", "It is broken\n"),
        ] {
            assert_eq!(readable(text), read, "{text}");
        }
    }

    #[test]
    fn what_is_solved_is_not_open() {
        for (member, state, standing) in [
            ("state", "solved", Standing::Closed),
            ("status", "solved", Standing::Closed),
            ("state", "closed", Standing::Closed),
            ("state", "on_hold", Standing::Open),
        ] {
            let request = json!({"id": 7, member: state});
            let ticket = common(&request).unwrap();
            assert_eq!(ticket.standing, standing, "{member} {state}");
        }
    }

    #[test]
    fn people_with_an_id_are_looked_for_among_all() {
        let by = |id: Option<&str>, email: Option<&str>| Named {
            id: id.map(str::to_owned),
            email: email.map(str::to_owned),
            name: None,
        };
        let asked = |requester: &[Named]| {
            addresses(&Query {
                requester: requester.to_vec(),
                ..Query::default()
            })
        };
        let ann = by(None, Some("ann@acme.example"));
        assert_eq!(
            asked(std::slice::from_ref(&ann)),
            Some(vec!["ann@acme.example".to_owned()])
        );
        assert_eq!(asked(&[]), Some(Vec::new()));
        let known = by(Some("U1"), Some("bob@acme.example"));
        assert_eq!(asked(&[ann.clone(), known]), None);
        assert_eq!(asked(&[Named::default()]), None, "those of nobody");
        assert_eq!(asked(&vec![ann; MOST_EMAILS + 1]), None);
    }

    #[test]
    fn both_dialects_say_the_same() {
        let v1 = common(&json!({
            "id": "req_7", "ticket_id": "CF-7", "title": "Broken", "status": "open", "priority": "medium",
            "custom_fields": {"Plan": "Gold"}, "collection": {"id": "col_11", "name": "IT Support"},
            "assignee": {"id": "U1"}, "author_email": "ann@acme.example",
            "sla_metrics": {"first_response_time": {"value": 61, "is_breached": true}, "resolution_time": null, "first_resolution_time": {"value": 90, "is_breached": false}},
            "messages": [{"text": "It is <b>broken</b>", "ts": "1718974800.000200"}, {"text": "Since when?", "author": "U1", "ts": "1718974900.0"}],
        }))
        .unwrap();
        let rest = common(&json!({
            "id": 7, "ticket_id": "CF-7", "title": "Broken", "state": "open", "priority": "normal",
            "custom_field_values": {"31": 4}, "collection": {"id": 11, "name": "IT Support"},
            "assignee": {"id": "U1"}, "author_email": "ann@acme.example",
            "sla_metrics": {"first_response_time": {"value": 61, "is_breached": true}, "resolution_time": null, "first_resolution_time": {"value": 90, "is_breached": false}},
            "messages": [{"text": "It is <b>broken</b>", "ts": "1718974800.000200"}, {"text": "Since when?", "author": "U1", "ts": "1718974900.0"}],
        }))
        .unwrap();
        for ticket in [&v1, &rest] {
            assert_eq!(ticket.priority.as_ref().unwrap().label(), "medium");
            assert_eq!(ticket.state.as_ref().unwrap().label(), "open");
            assert_eq!(ticket.category.as_ref().unwrap().label(), "IT Support");
            assert_eq!(ticket.description.as_deref(), Some("It is broken"));
            assert_eq!(ticket.comments.len(), 1);
            assert_eq!(
                ticket.requester.as_ref().unwrap().label(),
                "ann@acme.example"
            );
            let hidden: Vec<_> = ticket
                .not_shown
                .iter()
                .map(|hidden| &*hidden.field)
                .collect();
            assert_eq!(
                hidden,
                [
                    "place",
                    "closed",
                    "due",
                    "devices",
                    "attachments",
                    "tags",
                    "comments"
                ]
            );
            let service = ticket.service.as_ref().unwrap();
            let response = service.response.as_ref().unwrap();
            assert_eq!(
                (response.minutes, response.is_breached),
                (Some(61.0), Some(true))
            );
            assert_eq!(service.resolution, None);
            assert_eq!(
                ticket.other["sla_metrics"],
                json!({"first_resolution_time": {"value": 90, "is_breached": false}})
            );
        }
        assert_eq!(v1.custom[0].name.as_deref(), Some("Plan"));
        assert_eq!(rest.custom[0].id.as_deref(), Some("31"));
    }

    #[test]
    fn a_time_that_nobody_can_read_is_said() {
        let ticket = common(&json!({"id": 7, "state": "open", "created_at": "soon"})).unwrap();
        let hidden = ticket.not_shown.iter().find(|it| it.field == "created");
        assert_eq!(hidden.unwrap().why, "its time `soon` cannot be read");
        assert!(!ticket.not_shown.iter().any(|it| it.field == "updated"));
    }

    #[test]
    fn an_answer_without_messages_says_so() {
        let ticket =
            common(&json!({"id": 7, "state": "closed", "csat_survey": {"status": "sent"}}))
                .unwrap();
        let hidden: Vec<_> = ticket
            .not_shown
            .iter()
            .map(|hidden| &*hidden.field)
            .collect();
        assert_eq!(
            hidden,
            [
                "place",
                "closed",
                "due",
                "devices",
                "attachments",
                "service",
                "tags",
                "custom",
                "description",
                "comments"
            ]
        );
        assert_eq!(ticket.standing, Standing::Closed);
        assert_eq!(ticket.other["csat_survey"]["status"], "sent");
    }
}
