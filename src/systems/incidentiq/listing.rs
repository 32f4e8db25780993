//! What was created in a window (contract incidentiq §3, §4): the `createddate` facet in the vendor's form,
//! sorted by creation, every row handed on once for the caller to judge.

use std::collections::HashSet;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use uuid::Uuid;

use super::IncidentIq;
use super::envelope::{Page, id, local, moment, text};
use super::paging::{Call, SIZE, granted};
use super::tickets::segment;
use crate::error::{Error, ErrorKind, Result};
use crate::systems::http::Request;
use crate::systems::http::reader::Reader;
use crate::systems::http::refusal::member;
use crate::systems::{Listed, ListingEnd, Reading, Standing, Ticket, Window};

/// How many pages of the newest tickets are a sample.
const SAMPLED_PAGES: u64 = 3;

/// Lists the tickets created in the window, oldest first.
pub(super) async fn created(
    system: &IncidentIq,
    window: Window,
    reader: Reader<'_>,
    page: &mut (dyn FnMut(Vec<Listed>) + Send),
) -> Result<ListingEnd> {
    let zone = system.zone.clone().unwrap_or(TimeZone::UTC);
    let (from, to) = days(window, &zone);
    let call = Call::post("/v1.0/tickets", search(from, to)).sorted("TicketCreatedDate asc");
    let mut progress = Progress::default();
    let mut size = SIZE;
    loop {
        let answer = call.page(reader, progress.pages, size).await?;
        if progress.pages == 0 {
            size = granted(&answer, SIZE);
        }
        let honoured = answer.index.is_none_or(|index| index == progress.pages);
        progress.pages += 1;
        let listed = progress.take(system, &answer);
        let fresh = listed.len();
        if fresh > 0 {
            page(listed);
        }
        let past = progress.in_order && progress.last.is_some_and(|last| last.date() > to);
        let dry = answer.items.is_empty() || fresh == 0 || !honoured;
        if past || dry || progress.is_all() {
            return Ok(ListingEnd {
                whole: past || progress.is_all(),
                requests: u32::try_from(progress.pages).unwrap_or(u32::MAX),
            });
        }
    }
}

/// A ticket as a listing shows it, or a read of its own.
fn listed(system: &IncidentIq, ticket_id: String, item: &Value) -> Listed {
    Listed {
        ticket: system.ticket(ticket_id, item),
        created_at: moment(item, "CreatedDate", system.zone.as_ref()),
        group: id(item, "ProductId").unwrap_or_default(),
        text: text(item, "IssueDescription"),
        custom: custom(item),
        updated_at: moment(item, "ModifiedDate", system.zone.as_ref()),
        standing: standing(item),
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
        let asked = || text(item, "TicketNumber").map(|_| ticket_id.to_owned());
        let found = id(item, "TicketId").or_else(asked);
        found.map(|ticket_id| listed(system, ticket_id, item))
    };
    Ok(reader.read_ticket(Request::get(&path), ticket).await?)
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
        return Ok(match one(system, name, reader).await? {
            Reading::Found(listed) => Some(listed.ticket),
            Reading::Absent | Reading::Unclear(_) => None,
        });
    }
    let number = name.trim_start_matches('#').trim();
    let body = json!({
        "Schema": "All",
        "ShowChildTickets": true,
        "Filters": [{"Facet": "ticketnumber", "Value": number, "GroupIndex": 0}],
    });
    let page = Call::post("/v1.0/tickets", body)
        .page(reader, 0, SIZE)
        .await?;
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
    let newest = Call::post("/v1.0/tickets", body(json!([]))).sorted("TicketCreatedDate desc");
    let keyword = json!([{"Facet": "keyword", "Value": words, "GroupIndex": 0}]);
    let found = Call::post("/v1.0/tickets", body(keyword)).sorted("TicketCreatedDate desc");
    let mut progress = Progress::default();
    let mut sample = Vec::new();
    for index in 0..SAMPLED_PAGES {
        let page = newest.page(reader, index, SIZE).await?;
        let fresh = progress.take(system, &page);
        if fresh.is_empty() {
            break;
        }
        sample.extend(fresh);
    }
    // A site that does not know the facet may say so.
    if let Ok(page) = found.page(reader, 0, SIZE).await {
        sample.extend(progress.take(system, &page));
    }
    Ok(sample)
}

/// The days that the window touches in the site's zone, and one more on either side: the filter knows whole
/// days only, and in which zone is not told.
fn days(window: Window, zone: &TimeZone) -> (Date, Date) {
    let day = |moment: Timestamp| zone.to_datetime(moment).date();
    (
        day(window.from).saturating_sub(1.day()),
        day(window.to).saturating_add(1.day()),
    )
}

fn search(from: Date, to: Date) -> Value {
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

    /// The rows of the next page; `None` past the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Value>>> {
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
        Ok((!page.items.is_empty()).then_some(page.items))
    }
}

/// How far a listing has come.
struct Progress {
    pages: u64,
    seen: HashSet<String>,
    /// Rows that the system counts, by its latest word.
    total: Option<u64>,
    /// Whether every row so far was no older than the one before.
    in_order: bool,
    last: Option<DateTime>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            pages: 0,
            seen: HashSet::new(),
            total: None,
            in_order: true,
            last: None,
        }
    }
}

impl Progress {
    fn is_all(&self) -> bool {
        self.total
            .is_some_and(|total| self.seen.len() as u64 >= total)
    }

    /// The rows of a page that were not seen before.
    fn take(&mut self, system: &IncidentIq, page: &Page) -> Vec<Listed> {
        self.total = page.total.or(self.total);
        let mut listed = Vec::with_capacity(page.items.len());
        for item in &page.items {
            let Some(ticket_id) = id(item, "TicketId") else {
                continue;
            };
            if !self.seen.insert(ticket_id.clone()) {
                continue;
            }
            let written = text(item, "CreatedDate").and_then(|at| local(at.trim_end_matches('Z')));
            self.in_order &= written.is_some() && written >= self.last;
            self.last = written.or(self.last);
            listed.push(self::listed(system, ticket_id, item));
        }
        listed
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
