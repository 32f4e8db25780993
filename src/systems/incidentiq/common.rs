//! IncidentIQ's tickets as common tickets (contract incidentiq §6, §11).
//!
//! | common | IncidentIQ |
//! |---|---|
//! | id, number | `TicketId`, `TicketNumber` |
//! | title, description | `Subject`, `IssueDescription` |
//! | standing | `IsDeleted`, else `IsClosed` |
//! | state | `WorkflowStepId` with the name of its step, else of its status |
//! | priority | `Priority` (the score) with the name of its band |
//! | requester, assignee, team, place | `For…`, `AssignedToUser…`, `AssignedToTeam…`, `Location…` |
//! | category | `IssueId`, by its path in the directory |
//! | devices | `Assets`, by their tags |
//! | tags, custom | `Tags`, `CustomFieldValues` by `CustomFieldTypeId` |
//! | comments | the comments among the ticket's activities, which a listing does not show |
//! | attachments | `Attachments` |
//! | service | `Sla`, with the clocks of `/tickets/{id}/sla` (`service` says how) |
//! | created, updated, closed, due | `CreatedDate`, `ModifiedDate`, `ClosedDate`, `DueDate`, in the site's zone |
//!
//! All else that a ticket tells (room, submitter, followers, …) stays in `other`.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use serde_json::{Value, json};

use super::IncidentIq;
use super::activities;
use super::envelope::{canonical, id, is_same, moment, text};
use super::listing::{Pages, standing};
use super::paging::{Call, LARGE_SIZE, SIZE, granted};
use super::service;
use super::tickets::segment;
use super::verify_step::items;
use crate::error::{Error, ErrorKind, Result};
use crate::html;
use crate::systems::common::{
    Attachment, Comment, CommonTicket, CustomValue, NOT_ASKED, Named, beyond,
};
use crate::systems::http::Request;
use crate::systems::http::reader::Reader;
use crate::systems::http::refusal::member;
use crate::systems::page::{Axis, Mark, Next, PageAsk, Shown, TicketPage, each_shown};
use crate::systems::query::{Query, SearchEnd, Span, StateFilter};
use crate::systems::{Gap, Seen, Standing, SystemName, Verdict, merged};

/// The members that have a place in the common ticket, and those that only expand or repeat one of them.
const TAKEN: [&str; 38] = [
    "TicketId",
    "TicketNumber",
    "TicketNumberSort",
    "Subject",
    "IssueDescription",
    "IsDeleted",
    "IsClosed",
    "WorkflowStepId",
    "WorkflowStep",
    "StatusName",
    "StepName",
    "Priority",
    "PriorityLevelId",
    "PriorityLevel",
    "ForId",
    "For",
    "AssignedToUserId",
    "AssignedToUser",
    "AssignedToTeamId",
    "AssignedToTeam",
    "LocationId",
    "Location",
    "IssueId",
    "Issue",
    "Assets",
    "Attachments",
    "Sla",
    "Tags",
    "CustomFieldValues",
    "CreatedDate",
    "ModifiedDate",
    "ClosedDate",
    "DueDate",
    // These say for whom the answer was made.
    "UserPermissions",
    "Site",
    "SiteId",
    "UserToken",
    "ExecutionTime",
];

/// Of how many tickets the activities are listed at once.
const TICKETS_AT_ONCE: usize = 50;

/// What is said of comments where they were not asked for.
const UNREAD: &str = "a search does not show them: `deskferry ticket get` does";

/// A ticket of an answer, without its comments.
pub(super) fn common(system: &IncidentIq, ticket_id: String, item: &Value) -> CommonTicket {
    let bare = system.ticket(ticket_id, item);
    let time = |name: &str| moment(item, name, system.zone.as_ref());
    let mut ticket = CommonTicket {
        number: bare.number,
        url: bare.url,
        title: text(item, "Subject"),
        description: text(item, "IssueDescription"),
        standing: standing(item),
        state: expanded(
            item,
            "WorkflowStepId",
            "WorkflowStep",
            &["StepName", "StatusName"],
        )
        .map(|state| Named {
            name: state.name.or_else(|| text(item, "StatusName")),
            ..state
        }),
        priority: text(item, "Priority").map(|score| Named {
            id: Some(score),
            name: member(item, &["PriorityLevel"]).and_then(|level| text(level, "Name")),
            email: None,
        }),
        requester: person(item, "ForId", "For"),
        assignee: person(item, "AssignedToUserId", "AssignedToUser"),
        team: expanded(
            item,
            "AssignedToTeamId",
            "AssignedToTeam",
            &["TeamName", "Name"],
        ),
        place: expanded(item, "LocationId", "Location", &["Name"]),
        category: expanded(item, "IssueId", "Issue", &["Name", "IssueName"]),
        devices: list(item, "Assets").filter_map(device).collect(),
        attachments: list(item, "Attachments")
            .filter_map(|file| attachment(system, file))
            .collect(),
        tags: list(item, "Tags")
            .filter_map(|tag| text(tag, "Name"))
            .collect(),
        custom: list(item, "CustomFieldValues").filter_map(custom).collect(),
        created: time("CreatedDate"),
        updated: time("ModifiedDate"),
        closed: time("ClosedDate"),
        due: time("DueDate"),
        other: beyond(item, &TAKEN),
        ..CommonTicket::new(SystemName::IncidentIq, bare.id)
    };
    for (name, field) in [
        ("Assets", "devices"),
        ("Attachments", "attachments"),
        ("Tags", "tags"),
        ("CustomFieldValues", "custom"),
    ] {
        if member(item, &[name]).is_none() {
            ticket.hide(field, format!("the answer has no `{name}`"));
        }
    }
    service::promised(&mut ticket, item);
    for (name, field) in [
        ("CreatedDate", "created"),
        ("ModifiedDate", "updated"),
        ("ClosedDate", "closed"),
        ("DueDate", "due"),
    ] {
        let Some(text) = text(item, name).filter(|_| time(name).is_none()) else {
            continue;
        };
        // Year 1 stands for no time (§2); any other text is one.
        match text.parse::<DateTime>() {
            Ok(shown) if shown.year() <= 1 => {}
            Ok(_) => ticket.hide(
                field,
                "nobody tells the zone of its time: add `timezone` to the profile",
            ),
            Err(_) => ticket.hide(field, format!("its time `{text}` cannot be read")),
        }
    }
    ticket
}

/// Reads one ticket without its comments.
pub(super) async fn fields(
    system: &IncidentIq,
    ticket_id: &str,
    reader: Reader<'_>,
) -> Result<Option<CommonTicket>> {
    let Ok(ticket_id) = segment(ticket_id) else {
        return Ok(None);
    };
    let path = format!("/v1.0/tickets/{ticket_id}");
    let body = match reader.read(Request::get(&path)).await {
        Ok(body) => body,
        Err(failure) if failure.is_absence() => return Ok(None),
        Err(failure) => return Err(failure.into()),
    };
    let item = member(&body, &["Item"]).unwrap_or(&body);
    // A live site may leave the id out that it was asked for (§6).
    let known = id(item, "TicketId").unwrap_or_else(|| canonical(ticket_id));
    if !is_same(&known, ticket_id) {
        return Err(Error::new(ErrorKind::Refused, merged(ticket_id, &known)));
    }
    Ok(Some(common(system, known, item)))
}

/// Reads one ticket with its comments and its clocks.
pub(super) async fn one(
    system: &IncidentIq,
    ticket_id: &str,
    reader: Reader<'_>,
) -> Result<Option<CommonTicket>> {
    let (Ok(ticket_id), Some(mut ticket)) =
        (segment(ticket_id), fields(system, ticket_id, reader).await?)
    else {
        return Ok(None);
    };
    match activities::of_ticket(ticket_id, reader).await {
        Ok(mut feed) => {
            activities::in_order(&mut feed.rows, system.zone.as_ref());
            ticket.comments = feed.rows.iter().flat_map(|row| said(system, row)).collect();
            if !feed.is_whole {
                ticket.hide("comments", activities::FEWER);
            }
        }
        Err(failure) => ticket.hide("comments", Error::from(failure).to_string()),
    }
    service::fill(&mut ticket, reader).await;
    Ok(Some(ticket))
}

/// The comments of an activity.
fn said<'r>(system: &'r IncidentIq, row: &'r Value) -> impl Iterator<Item = Comment> + 'r {
    let is_deleted = is_on(row, "IsDeleted") == Some(true);
    items(row).filter(move |_| !is_deleted).filter_map(|item| {
        let by = id(item, "ByUserId").map(Named::id);
        Some(Comment {
            author: person(row, "OwnerId", "Owner").or(by),
            at: moment(row, "CreatedDate", system.zone.as_ref()),
            public: is_on(item, "IsPublic").or_else(|| is_on(row, "IsPublic")),
            text: html::to_text(&text(item, "Comments")?),
        })
    })
}

fn is_on(value: &Value, name: &str) -> Option<bool> {
    member(value, &[name])?.as_bool()
}

fn list<'v>(item: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    let items = member(item, &[name]).and_then(Value::as_array);
    items.into_iter().flatten()
}

fn custom(value: &Value) -> Option<CustomValue> {
    Some(CustomValue {
        id: Some(id(value, "CustomFieldTypeId")?),
        name: None,
        value: Value::String(text(value, "Value")?),
    })
}

/// A device by its tag, else by its model: a ticket may be about any one of a model (§7).
fn device(asset: &Value) -> Option<Named> {
    let known = id(asset, "AssetId").or_else(|| id(asset, "ModelId"))?;
    let names = ["AssetTag", "SerialNumber", "ModelName", "Name"];
    Some(Named {
        id: Some(known),
        name: names.iter().find_map(|name| text(asset, name)),
        email: None,
    })
}

/// A file that is still there; where it is to be had is told without the site's name.
pub(super) fn attachment(system: &IncidentIq, file: &Value) -> Option<Attachment> {
    if is_on(file, "IsDeleted") == Some(true) {
        return None;
    }
    let url = text(file, "Url").map(|url| {
        let whole = system.pages.as_ref().and_then(|root| root.join(&url).ok());
        whole.map_or(url, String::from)
    });
    let known = id(file, "FileId");
    let names = ["FileName", "Name"].iter();
    Some(Attachment {
        name: names
            .filter_map(|name| text(file, name))
            .next()
            .or_else(|| known.clone())?,
        id: known,
        url,
        bytes: member(file, &["Size"]).and_then(Value::as_u64),
        at: moment(file, "CreatedDate", system.zone.as_ref()),
    })
}

/// Something by its id, with the name that its expansion tells; a shell is nothing (§2).
fn expanded(item: &Value, id_name: &str, object: &str, names: &[&str]) -> Option<Named> {
    let object = member(item, &[object]).unwrap_or(&Value::Null);
    let known = id(item, id_name).or_else(|| id(object, id_name))?;
    Some(Named {
        id: Some(known),
        name: names.iter().find_map(|name| text(object, name)),
        email: None,
    })
}

pub(super) fn person(item: &Value, id_name: &str, object: &str) -> Option<Named> {
    let expansion = member(item, &[object]).unwrap_or(&Value::Null);
    let known = id(item, id_name).or_else(|| id(expansion, "UserId"))?;
    Some(Named {
        id: Some(known),
        name: text(expansion, "Name").or_else(|| text(expansion, "FullName")),
        email: text(expansion, "Email"),
    })
}

/// Looks for tickets, the newest first. The filters are a help to the site; what counts is [`Query::holds`] (§4).
pub(super) async fn search(
    system: &IncidentIq,
    query: &Query,
    reader: Reader<'_>,
    page: &mut (dyn FnMut(Vec<CommonTicket>) -> ControlFlow<()> + Send),
) -> Result<SearchEnd> {
    let zone = system.zone.clone().unwrap_or(TimeZone::UTC);
    let body = json!({
        "Schema": "All",
        "ShowChildTickets": true,
        "IncludeDeleted": query.wants_deleted(),
        "Filters": filters(query, &zone),
    });
    let call = |sort| Call::tickets(body.clone()).sorted(sort);
    let mut pages = Pages::new(call("TicketCreatedDate desc"), reader);
    let mut seen = Seen::default();
    let mut end = SearchEnd::default();
    let mut last = None;
    let mut in_order = true;
    while let Some(rows) = pages.next().await? {
        let mut hits = Vec::new();
        let mut times = Vec::with_capacity(rows.len());
        let mut on_page = HashSet::new();
        for row in rows {
            let Some(ticket_id) = id(&row, "TicketId") else {
                continue;
            };
            let mut ticket = common(system, ticket_id, &row);
            times.push((ticket.id.clone(), ticket.created.map(Reverse)));
            if seen.contains(&ticket.id) || !on_page.insert(ticket.id.clone()) {
                continue;
            }
            in_order &= ticket.created.is_some() && last.is_none_or(|last| ticket.created <= last);
            last = Some(ticket.created);
            if query.holds(&ticket, &row) {
                ticket.hide("comments", UNREAD);
                hits.push(ticket);
            }
        }
        let fresh = seen.take(&times).fresh;
        end.looked_at = seen.len();
        if page(hits).is_break() {
            return Ok(end);
        }
        let oldest = last.flatten();
        let past = oldest.is_some_and(|at| query.created.from.is_some_and(|from| at < from));
        if in_order && past {
            return Ok(SearchEnd { whole: true, ..end });
        }
        // The same rows again would mean that pages are not what the system understands.
        if pages.has_all(end.looked_at) || fresh == 0 {
            break;
        }
    }
    let counted = pages.total().unwrap_or_default();
    if counted != seen.len() {
        let shown = seen.len();
        end.gap = Some(Gap::Count { shown, counted });
        return Ok(end);
    }
    // A count may be cut with the list that it counts: the other end shows whether it is.
    let witness = call("TicketCreatedDate asc").page(reader, 0, SIZE).await?;
    let newest = seen.first();
    let time = |row: &Value| {
        let ticket = common(system, id(row, "TicketId")?, row);
        Some((ticket.id, ticket.created.map(Reverse)))
    };
    let mut rows: Vec<_> = witness.items.iter().filter_map(time).collect();
    let is_all = witness.total <= Some(rows.len() as u64);
    // What was made since the search began belongs before it.
    rows.retain(|(id, at)| seen.contains(id) || *at >= newest);
    let agrees = seen.compare(&rows, is_all) == Verdict::Same && witness.total >= Some(counted);
    end.gap = (!agrees).then_some(Gap::OtherEnd);
    end.whole = agrees;
    Ok(end)
}

/// Reads one page of very many tickets, deleted ones too: those that go while pages are read would move all others.
pub(super) async fn page(
    system: &IncidentIq,
    ask: &PageAsk<'_>,
    reader: Reader<'_>,
) -> Result<TicketPage> {
    let zone = system.zone.clone().unwrap_or(TimeZone::UTC);
    let mut asked = match ask.is_filtered {
        true => ask.query.clone(),
        false => Query::default(),
    };
    asked.created = Span::default();
    if ask.axis == Axis::Updated {
        asked.updated = ask.span;
    }
    let mut filters = filters(&asked, &zone);
    if ask.axis == Axis::Created
        && let Some(days) = whole_days(ask.span, &zone)
    {
        filters.push(json!({"Facet": "createddate", "Value": days, "GroupIndex": 0}));
    }
    let body = json!({
        "Schema": "All",
        "ShowChildTickets": true,
        "IncludeDeleted": !ask.leaves_out_deleted,
        "Filters": filters,
    });
    let call = Call::tickets(body).sorted(match (ask.axis, ask.is_newest_first) {
        (Axis::Created, false) => "TicketCreatedDate asc",
        (Axis::Created, true) => "TicketCreatedDate desc",
        (Axis::Updated, false) => "TicketModifiedDate asc",
        (Axis::Updated, true) => "TicketModifiedDate desc",
    });
    let (index, asked_size) = match ask.mark {
        Mark::Index(index, size) => (index, size),
        Mark::First | Mark::Cursor(_) => (0, LARGE_SIZE),
    };
    let page = call.page(reader, index, asked_size).await?;
    let size = match ask.mark {
        Mark::Index(_, size) => size,
        Mark::First | Mark::Cursor(_) => granted(&page, asked_size),
    };
    // A page without rows, or another than was asked for, ends nothing: what is counted is still to come.
    let next = Next::Counted {
        total: page.total.unwrap_or_default(),
        size,
    };
    let mut tickets = each_shown(&page.items, |row| {
        let mut ticket = common(system, id(row, "TicketId")?, row);
        let holds = ask.query.holds(&ticket, row);
        ticket.hide("comments", NOT_ASKED);
        Some(Shown { ticket, holds })
    });
    if ask.with_comments {
        let wanted = tickets.iter_mut().filter(|shown| shown.holds);
        let mut wanted: Vec<_> = wanted.map(|shown| &mut shown.ticket).collect();
        for some in wanted.chunks_mut(TICKETS_AT_ONCE) {
            said_on(system, some, reader).await?;
        }
    }
    Ok(TicketPage {
        tickets,
        next,
        is_short: false,
        count: None,
    })
}

/// Fills in what was said on these tickets (§11).
async fn said_on(
    system: &IncidentIq,
    tickets: &mut [&mut CommonTicket],
    reader: Reader<'_>,
) -> Result<()> {
    let ids: Vec<_> = tickets.iter().map(|ticket| ticket.id.clone()).collect();
    let mut feed = activities::of_tickets(&ids, reader).await?;
    activities::in_order(&mut feed.rows, system.zone.as_ref());
    let mut said_by_id: HashMap<String, Vec<Comment>> = HashMap::new();
    for row in &feed.rows {
        if let Some(of) = id(row, "TicketId") {
            said_by_id.entry(of).or_default().extend(said(system, row));
        }
    }
    for ticket in tickets {
        ticket.comments = said_by_id.remove(&ticket.id).unwrap_or_default();
        ticket.not_shown.retain(|hidden| hidden.field != "comments");
        if !feed.is_whole {
            ticket.hide("comments", activities::FEWER);
        }
    }
    Ok(())
}

/// The filters by id, by whole days and by words, which every site of the contract knows.
fn filters(query: &Query, zone: &TimeZone) -> Vec<Value> {
    let mut filters = Vec::new();
    for (facet, named) in [
        ("agent", &query.assignee),
        ("team", &query.team),
        ("user", &query.requester),
        ("location", &query.place),
        ("issue", &query.category),
    ] {
        let ids: Option<Vec<_>> = named.iter().map(|named| named.id.as_ref()).collect();
        // One facet several times is any of them; one that has no id can be judged here alone.
        for id in ids.into_iter().flatten() {
            filters.push(json!({"Facet": facet, "Id": id, "GroupIndex": 0}));
        }
    }
    for (facet, span) in [
        ("createddate", query.created),
        ("modifieddate", query.updated),
        ("closeddate", query.closed),
    ] {
        if let Some(range) = range(span, zone) {
            filters.push(json!({"Facet": facet, "Value": range, "GroupIndex": 0}));
        }
    }
    if let [StateFilter::Standing(standing @ (Standing::Open | Standing::Closed))] =
        query.states.as_slice()
    {
        // The site takes either (§19 D8).
        let (word, digit) = match standing {
            Standing::Closed => ("closed", '1'),
            _ => ("open", '0'),
        };
        let id: String = "________-____-____-____-____________".replace('_', &digit.to_string());
        filters.push(json!({"Facet": "ticketstate", "Id": id, "Value": word, "GroupIndex": 0}));
    }
    if let Some(word) = query.word() {
        filters.push(json!({"Facet": "keyword", "Value": word, "GroupIndex": 0}));
    }
    filters
}

/// The days that a span touches, as the filter writes them. No day more: windows that follow each other are to meet, not
/// to overlap, whatever zone the filter reads its days in.
fn whole_days(span: Span, zone: &TimeZone) -> Option<String> {
    let written = |at| zone.to_datetime(at).date().strftime("%m/%d/%Y").to_string();
    let from = span.from.map(written);
    let moment = SignedDuration::from_nanos(1);
    let last = span
        .until
        .map(|until| until.checked_sub(moment).unwrap_or(until));
    match (from, last.map(written)) {
        (Some(from), Some(last)) => Some(format!("daterange:{from}-{last}")),
        (Some(from), None) => Some(format!("date>={from}")),
        (None, Some(last)) => Some(format!("date<={last}")),
        (None, None) => None,
    }
}

/// The whole days of a span, a day more on either side: the filter knows no hours, and not in which zone it reads.
fn range(span: Span, zone: &TimeZone) -> Option<String> {
    let day = |at| zone.to_datetime(at).date();
    let written = |day: Date| day.strftime("%m/%d/%Y").to_string();
    let from = span.from.map(|at| written(day(at).saturating_sub(1.day())));
    let until = span
        .until
        .map(|at| written(day(at).saturating_add(1.day())));
    match (from, until) {
        (Some(from), Some(until)) => Some(format!("daterange:{from}-{until}")),
        (Some(from), None) => Some(format!("date>={from}")),
        (None, Some(until)) => Some(format!("date<={until}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_go_by_id_and_by_whole_days() {
        let query = Query {
            assignee: vec![Named::id("u-1")],
            states: vec![StateFilter::Standing(Standing::Closed)],
            created: Span {
                from: "2024-06-21T05:00:00Z".parse().ok(),
                until: None,
            },
            words: vec!["beamer".to_owned(), "flickers".to_owned()],
            ..Query::default()
        };
        let zone = TimeZone::get("America/Chicago").unwrap();
        assert_eq!(
            json!(filters(&query, &zone)),
            json!([
                {"Facet": "agent", "Id": "u-1", "GroupIndex": 0},
                {"Facet": "createddate", "Value": "date>=06/20/2024", "GroupIndex": 0},
                {"Facet": "ticketstate", "Id": "11111111-1111-1111-1111-111111111111", "Value": "closed", "GroupIndex": 0},
                {"Facet": "keyword", "Value": "flickers", "GroupIndex": 0},
            ])
        );
    }
}
