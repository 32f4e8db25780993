//! What was created in a window (contract incidentiq §3, §4): the `createddate` facet in the vendor's form,
//! sorted by creation, every row handed on once for the caller to judge.

use std::collections::HashSet;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use uuid::Uuid;

use super::IncidentIq;
use super::envelope::{Page, canonical, id, is_same, local, moment, text};
use super::paging::{Call, SIZE, granted};
use super::tickets::segment;
use crate::error::{Error, ErrorKind, Result};
use crate::systems::http::Request;
use crate::systems::http::reader::{ReadFailure, Reader};
use crate::systems::http::refusal::member;
use crate::systems::whole::TRIES;
use crate::systems::{
    Gap, INTERNAL, KIND, Listed, ListingEnd, Looks, Operation, PUBLIC, Reading, Seen, Standing,
    TITLE, Ticket, Verdict, Window,
};

/// How many pages of the newest tickets are a sample.
const SAMPLED_PAGES: u64 = 3;

/// Lists the tickets created in the window, oldest first.
pub(super) async fn created(
    system: &IncidentIq,
    window: Window,
    reader: Reader<'_>,
    hand_on: &mut (dyn FnMut(Vec<Listed>) + Send),
) -> Result<ListingEnd> {
    let zone = system.zone.clone().unwrap_or(TimeZone::UTC);
    let (from, to) = days(window, &zone);
    let mut listing = Created {
        system,
        reader,
        body: search(from, to),
        to,
        told: HashSet::new(),
        most: 0,
        pages: 0,
        hand_on,
    };
    let mut gap = None;
    for _ in 0..TRIES {
        gap = listing.once().await?;
        if gap.is_none() {
            break;
        }
    }
    Ok(ListingEnd {
        gap,
        pages: listing.pages,
    })
}

/// A listing of what was created in a window.
struct Created<'a, 'p> {
    system: &'a IncidentIq,
    reader: Reader<'a>,
    body: Value,
    /// The last day.
    to: Date,
    /// What was handed on.
    told: HashSet<String>,
    /// The most rows that the site has counted.
    most: u64,
    pages: u32,
    hand_on: &'p mut (dyn FnMut(Vec<Listed>) + Send),
}

impl Created<'_, '_> {
    /// Lists the window once; why that is not whole.
    async fn once(&mut self) -> Result<Option<Gap>> {
        let mut walk = Walk::default();
        self.forward(&mut walk).await?;
        // A try that is clean by chance shows or counts less than those before it.
        let has_vanished = walk.total < self.most || walk.seen.len() < self.told.len() as u64;
        self.most = self.most.max(walk.total);
        if has_vanished {
            walk.gap.get_or_insert(Gap::Vanished);
        }
        if walk.is_past || walk.gap.is_some() {
            return Ok(walk.gap);
        }
        // A count may be cut with the list that it counts: the other end shows whether it is.
        let witness = self.page("TicketCreatedDate desc", 0, SIZE).await?;
        let rows = self.take(&witness);
        let total = witness.total.unwrap_or_default();
        match walk.seen.compare(&rows, total <= rows.len() as u64) {
            _ if total < walk.total => return Ok(Some(Gap::Fell)),
            Verdict::Other => return Ok(Some(Gap::OtherEnd)),
            Verdict::Same if total == walk.total => return Ok(None),
            Verdict::Same | Verdict::Further => {}
        }
        // They were made meanwhile, or the list was cut before them: then it is cut again.
        walk.total = total;
        walk.index = walk.seen.len() / walk.size.max(1);
        self.forward(&mut walk).await?;
        let shows_all = rows.iter().all(|(id, _)| walk.seen.contains(id));
        Ok(walk.gap.or((!shows_all).then_some(Gap::OtherEnd)))
    }

    /// Reads page after page until as many rows came as the system counts.
    async fn forward(&mut self, walk: &mut Walk) -> Result<()> {
        loop {
            let page = self
                .page("TicketCreatedDate asc", walk.index, walk.size)
                .await?;
            if walk.index == 0 {
                walk.size = granted(&page, SIZE);
            }
            let rows = self.take(&page);
            let is_other = page.index.is_some_and(|index| index != walk.index);
            if walk.take(&page, &rows, self.to) || is_other {
                if walk.gap.is_none() && !walk.is_past && walk.seen.len() != walk.total {
                    walk.gap = Some(Gap::Count {
                        shown: walk.seen.len(),
                        counted: walk.total,
                    });
                }
                return Ok(());
            }
        }
    }

    async fn page(&mut self, sort: &'static str, index: u64, size: u64) -> Result<Page> {
        let call = Call::tickets(self.body.clone()).sorted(sort);
        self.pages += 1;
        Ok(call.page(self.reader, index, size).await?)
    }

    /// Hands on the rows that were not handed on yet; all of them with their times as they are written.
    fn take(&mut self, page: &Page) -> Vec<(String, Option<DateTime>)> {
        let mut times = Vec::with_capacity(page.items.len());
        let mut fresh = Vec::new();
        for item in &page.items {
            let Some(ticket_id) = id(item, "TicketId") else {
                continue;
            };
            times.push((ticket_id.clone(), written(item)));
            if self.told.insert(ticket_id.clone()) {
                fresh.push(listed(self.system, ticket_id, item));
            }
        }
        if !fresh.is_empty() {
            (self.hand_on)(fresh);
        }
        times
    }
}

fn written(item: &Value) -> Option<DateTime> {
    text(item, "CreatedDate").and_then(|at| local(at.trim_end_matches('Z')))
}

/// How far a listing has come.
#[derive(Debug)]
struct Walk {
    seen: Seen<DateTime>,
    /// The page that comes next.
    index: u64,
    size: u64,
    /// Rows that the system counts, by its latest word.
    total: u64,
    /// Whether every row so far was no older than the one before.
    in_order: bool,
    last: Option<DateTime>,
    /// Whether pages had more rows than were asked for: then they overlap.
    overlaps: bool,
    /// Whether a row was made after the window, with everything in order until then.
    is_past: bool,
    gap: Option<Gap>,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            seen: Seen::default(),
            index: 0,
            size: SIZE,
            total: 0,
            in_order: true,
            last: None,
            overlaps: false,
            is_past: false,
            gap: None,
        }
    }
}

impl Walk {
    /// Takes a page; whether it was the last.
    fn take(&mut self, page: &Page, rows: &[(String, Option<DateTime>)], to: Date) -> bool {
        let total = page.total.unwrap_or_default();
        if total < self.total {
            self.gap.get_or_insert(Gap::Fell);
        }
        self.total = total;
        for (_, at) in rows.iter().filter(|(id, _)| !self.seen.contains(id)) {
            self.in_order &= at.is_some() && *at >= self.last;
            self.last = at.or(self.last);
        }
        let fresh = self.seen.take(rows).fresh;
        self.overlaps |= page.items.len() as u64 > self.size;
        self.index += 1;
        self.is_past = self.in_order && self.last.is_some_and(|last| last.date() > to);
        // What was left out before a row that ends the listing is not counted.
        let is_last = self.index * self.size >= total;
        if fresh < self.size && !is_last && !self.overlaps {
            self.gap.get_or_insert(Gap::Short);
        }
        self.is_past || fresh == 0 || self.seen.len() >= self.total
    }
}

/// A ticket as a listing shows it, or a read of its own.
pub(super) fn listed(system: &IncidentIq, ticket_id: String, item: &Value) -> Listed {
    Listed {
        ticket: system.ticket(ticket_id, item),
        created_at: moment(item, "CreatedDate", system.zone.as_ref()),
        group: id(item, "ProductId").unwrap_or_default(),
        text: text(item, "IssueDescription"),
        custom: custom(item),
        updated_at: moment(item, "ModifiedDate", system.zone.as_ref()),
        standing: standing(item),
        is_taken_back: false,
        noted_at: None,
        traits: traits(item),
    }
}

/// What can be compared of a ticket; a create and a listing use the same names (§6).
fn traits(item: &Value) -> Vec<(&'static str, String)> {
    [
        (TITLE, text(item, "Subject")),
        ("requester", id(item, "ForId")),
        ("location", id(item, "LocationId")),
        ("room", id(item, "LocationRoomId")),
        ("issue", id(item, "IssueId")),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// How what a call makes will look when it is listed.
pub(super) fn looks(call: &str, body: &Value) -> Looks {
    match Operation::parse(call) {
        Some(Operation::Create) => Looks {
            traits: traits(body),
            text: text(body, "IssueDescription").unwrap_or_default(),
        },
        Some(Operation::Comment) => {
            let is_public = body["IsPublic"].as_bool() == Some(true);
            let kind = if is_public { PUBLIC } else { INTERNAL };
            let said = &body["ActivityItems"][0];
            Looks {
                traits: vec![(KIND, kind.to_owned())],
                text: text(said, "Comments").unwrap_or_default(),
            }
        }
        Some(Operation::Subtask) if body.get("action").is_none() => Looks {
            traits: Vec::new(),
            text: text(body, "Subject").unwrap_or_default(),
        },
        _ => Looks::default(),
    }
}

/// Whether a ticket is still worked on.
pub(super) fn standing(item: &Value) -> Standing {
    let is_set = |name: &str| member(item, &[name]).and_then(Value::as_bool) == Some(true);
    match (is_set("IsDeleted"), is_set("IsClosed")) {
        (true, _) => Standing::Gone,
        (_, true) => Standing::Closed,
        _ => Standing::Open,
    }
}

/// The values of its custom fields, which are all texts, by their types: what is called their id is zero (§6).
fn custom(item: &Value) -> Vec<(String, String)> {
    let values = member(item, &["CustomFieldValues"]).and_then(Value::as_array);
    values
        .into_iter()
        .flatten()
        .filter_map(|value| Some((id(value, "CustomFieldTypeId")?, text(value, "Value")?)))
        .collect()
}

/// Reads one ticket (§7). An id that is no GUID is a bad request, not an absent ticket, to some sites.
pub(super) async fn one(
    system: &IncidentIq,
    ticket_id: &str,
    reader: Reader<'_>,
) -> Result<Reading> {
    let path = match segment(ticket_id) {
        Ok(id) => format!("/v1.0/tickets/{id}"),
        Err(what) => return Ok(Reading::Unclear(what)),
    };
    let ticket = |body: &Value| {
        let item = member(body, &["Item"]).unwrap_or(body);
        // Live answers to this were seen without the id (§6): then the ticket is the one that was asked for.
        let asked = || text(item, "TicketNumber").map(|_| canonical(ticket_id));
        let found = id(item, "TicketId").or_else(asked);
        found.map(|ticket_id| listed(system, ticket_id, item))
    };
    let asked = (ticket_id, is_same as fn(&str, &str) -> bool);
    Ok(reader
        .read_ticket(Request::get(&path), asked, ticket)
        .await?)
}

/// The ticket of an id or a number. Filters may be ignored (§4): only a row that bears the number counts, and that there
/// is none only when the filter had an effect.
/// Whether a name is an id, and no number.
pub(super) fn is_id(name: &str) -> bool {
    Uuid::try_parse(name.trim()).is_ok()
}

pub(super) async fn named(
    system: &IncidentIq,
    name: &str,
    reader: Reader<'_>,
) -> Result<Option<Ticket>> {
    let name = name.trim();
    if is_id(name) {
        return match one(system, name, reader).await? {
            Reading::Found(listed) => Ok(Some(listed.ticket)),
            Reading::Absent => Ok(None),
            Reading::Another(why) => Err(Error::new(ErrorKind::Refused, why)),
            Reading::Unclear(why) => Err(Error::new(ErrorKind::System, why).at(name)),
        };
    }
    let number = name.trim_start_matches('#').trim();
    let body = json!({
        "Schema": "All",
        "ShowChildTickets": true,
        "Filters": [{"Facet": "ticketnumber", "Value": number, "GroupIndex": 0}],
    });
    let page = Call::tickets(body).page(reader, 0, SIZE).await?;
    let rows: Vec<Ticket> = page
        .items
        .iter()
        .filter_map(|item| Some(system.ticket(id(item, "TicketId")?, item)))
        .collect();
    let of = |same: &dyn Fn(&str) -> bool| -> Vec<&Ticket> {
        let bears = |ticket: &&Ticket| ticket.number.as_deref().is_some_and(same);
        rows.iter().filter(bears).collect()
    };
    let mut found = of(&|found| found == number);
    if found.is_empty() {
        // Spreadsheets take leading zeros away.
        found = of(&|found| found.trim_start_matches('0') == number.trim_start_matches('0'));
    }
    match found.as_slice() {
        [one] => Ok(Some((*one).clone())),
        [] if page.total.is_none_or(|total| total <= rows.len() as u64) => Ok(None),
        [] => Err(Error::new(
            ErrorKind::System,
            format!("the site ignores the search for the ticket number `{number}`"),
        )
        .hint("name tickets by their ids: the last part of the address that a browser shows")),
        several => Err(Error::new(
            ErrorKind::System,
            format!("{} tickets bear the number `{number}`", several.len()),
        )
        .hint("name the ticket by its id: the last part of the address that a browser shows")),
    }
}

/// The newest tickets, and those that the `keyword` facet finds, which an unkind site leaves unfiltered (§4).
pub(super) async fn sample(
    system: &IncidentIq,
    words: &str,
    reader: Reader<'_>,
) -> Result<Vec<Listed>> {
    let body =
        |filters: Value| json!({"Schema": "All", "ShowChildTickets": true, "Filters": filters});
    let newest = Call::tickets(body(json!([]))).sorted("TicketCreatedDate desc");
    let keyword = json!([{"Facet": "keyword", "Value": words, "GroupIndex": 0}]);
    let found = Call::tickets(body(keyword)).sorted("TicketCreatedDate desc");
    let mut seen = HashSet::new();
    let mut sample: Vec<Listed> = Vec::new();
    let mut take = |page: &Page| {
        let before = sample.len();
        let rows = page.items.iter().filter_map(|item| {
            let ticket_id = id(item, "TicketId")?;
            seen.insert(ticket_id.clone())
                .then(|| listed(system, ticket_id, item))
        });
        sample.extend(rows);
        sample.len() > before
    };
    for index in 0..SAMPLED_PAGES {
        let page = newest.page(reader, index, SIZE).await?;
        if !take(&page) {
            break;
        }
    }
    // A site that does not know the facet may say so.
    if let Ok(page) = found.page(reader, 0, SIZE).await {
        take(&page);
    }
    Ok(sample)
}

/// The days that the window touches in the site's zone, and one more on either side: the filter knows whole
/// days only, and in which zone is not told.
pub(super) fn days(window: Window, zone: &TimeZone) -> (Date, Date) {
    let day = |moment: Timestamp| zone.to_datetime(moment).date();
    (
        day(window.from).saturating_sub(1.day()),
        day(window.to).saturating_add(1.day()),
    )
}

pub(super) fn search(from: Date, to: Date) -> Value {
    let range = format!(
        "daterange:{}-{}",
        from.strftime("%m/%d/%Y"),
        to.strftime("%m/%d/%Y")
    );
    json!({
        "Schema": "All",
        "ShowChildTickets": true,
        // One that somebody deleted meanwhile was made all the same.
        "IncludeDeleted": true,
        "Filters": [{"Facet": "createddate", "Value": range, "GroupIndex": 0}],
    })
}

/// The pages of a listing, one after the other.
pub(super) struct Pages<'a> {
    call: Call,
    reader: Reader<'a>,
    index: u64,
    size: u64,
    /// Rows that the system counts, by its latest word.
    total: Option<u64>,
    is_over: bool,
}

impl<'a> Pages<'a> {
    pub(super) fn new(call: Call, reader: Reader<'a>) -> Self {
        Self {
            call,
            reader,
            index: 0,
            size: SIZE,
            total: None,
            is_over: false,
        }
    }

    /// Whether as many rows were seen as the system counts.
    pub(super) fn has_all(&self, seen: u64) -> bool {
        self.total.is_some_and(|total| seen >= total)
    }

    /// What it counts, by its latest word.
    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    /// The rows of the next page; `None` past the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Value>>> {
        let page = self.next_page().await?;
        let rows = page.map(|page| page.items);
        Ok(rows.filter(|rows| !rows.is_empty()))
    }

    /// The next page, which may be empty; `None` past the last.
    pub(super) async fn next_page(&mut self) -> Result<Option<Page>, ReadFailure> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.call.page(self.reader, self.index, self.size).await?;
        if self.index == 0 {
            self.size = granted(&page, SIZE);
        }
        self.is_over = page.index.is_some_and(|index| index != self.index);
        self.index += 1;
        self.total = page.total.or(self.total);
        Ok(Some(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_widened_by_a_day_in_the_sites_zone() {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let window = Window {
            from: "2024-03-01T03:00:00Z".parse().unwrap(),
            to: "2024-03-01T07:00:00Z".parse().unwrap(),
        };
        let (from, to) = days(window, &zone);
        let body = search(from, to);
        // Three in the morning UTC is still the evening of the 29th in Chicago.
        assert_eq!(
            body["Filters"][0]["Value"],
            "daterange:02/28/2024-03/02/2024"
        );
    }
}
