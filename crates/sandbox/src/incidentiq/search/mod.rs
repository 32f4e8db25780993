//! Searching tickets: filters, order, pages, counts, service levels, views (contract incidentiq §3, §4, §15).

mod custom;
mod facet;
mod filter;
mod number;
mod order;

use serde_json::{Value, json};

use self::filter::{Filter, Searcher};
use self::order::Order;
use super::body::{get, guid};
use super::envelope::{self, Page};
use super::expression::narrowed;
use super::state::State;
use super::{IncidentIq, actor, viewing};
use crate::Temper;
use crate::call::Call;
use crate::incidentiq::Row;
use crate::reply::{Answer, Refusal};
use crate::token::Token;

/// What the query of a listing may say; more is ignored.
pub(super) const PAGED: &str = "$s int, $p int, $o text, $d text, $filter text";

pub(super) const ROUTES: &[Row] = &[
    Row::read("GET|POST", "/tickets", "search", page)
        .query(PAGED)
        .takes("TicketSearch")
        .gives("List(Ticket)"),
    // Pages of the documents that introduce the API write it so (contract §19, D5).
    Row::read("POST", "/tickets/search", "search", page)
        .query(PAGED)
        .takes("TicketSearch")
        .gives("List(Ticket)"),
    Row::read("POST", "/tickets/count", "count", count)
        .takes("TicketSearch")
        .gives("Item(int)"),
    Row::read("POST", "/tickets/slas", "slas", slas)
        .query(PAGED)
        .takes("TicketSearch")
        .gives("List(TicketSla)"),
    Row::read("GET", "/tickets/views", "views", views)
        .query(PAGED)
        .gives("List(View)"),
    Row::read(
        "POST",
        "/services/tickets/view/{viewId:guid}/all",
        "search",
        of_view,
    )
    .query(PAGED)
    .takes("TicketSearch")
    .gives("List(Ticket)"),
    Row::read("POST", "/tickets/get-similar-tickets", "similar", similar)
        .query(PAGED)
        .takes("{TicketId guid?, IssueId guid?, LocationId guid?}")
        .gives("List(Ticket)"),
];

/// The size of a page where nothing is said.
const DEFAULT_SIZE: usize = 20;

fn compiled(iiq: &IncidentIq, call: &Call, state: &State, body: &Value) -> Result<Filter, Refusal> {
    let who = Searcher {
        temper: iiq.rules.temper,
        me: actor(call.token),
        sees_all: call.token != Token::Requestor,
        now: call.at,
    };
    Filter::compile(&state.book, body, who)
}

fn page(iiq: &IncidentIq, call: &Call) -> Answer {
    listed(iiq, call, &call.json()?)
}

fn listed(iiq: &IncidentIq, call: &Call, body: &Value) -> Answer {
    let state = iiq.state();
    let filter = compiled(iiq, call, &state, body)?;
    let page = paging_of(iiq, call, body, DEFAULT_SIZE);
    let (bounds, is_plain) = filter.bounds(&state);
    let order = Order::read(call);
    let chosen: Vec<usize>;
    let total;
    if call.query("$filter").is_some() {
        let mut hits = filter.hits(&state);
        order.sort(&state.book, &mut hits, &state.tickets);
        let views = hits
            .iter()
            .map(|place| state.tickets[*place].view(&state, iiq.rules.temper));
        let views: Vec<_> = views.collect();
        if let Some(items) = narrowed(iiq, call, &views)? {
            let shown = &items[page.range(items.len())];
            return Ok(envelope::list(shown, items.len(), page));
        }
    }
    if is_plain && order.is_by_creation() {
        total = bounds.len();
        chosen = page
            .range(total)
            .map(|n| {
                if order.is_descending {
                    bounds.end - 1 - n
                } else {
                    bounds.start + n
                }
            })
            .collect();
    } else {
        let mut hits = filter.hits(&state);
        total = hits.len();
        order.sort(&state.book, &mut hits, &state.tickets);
        chosen = hits[page.range(total)].to_vec();
    }
    let views: Vec<_> = chosen
        .into_iter()
        .map(|place| state.tickets[place].view(&state, iiq.rules.temper))
        .collect();
    Ok(envelope::list(&views, total, page))
}

fn count(iiq: &IncidentIq, call: &Call) -> Answer {
    let state = iiq.state();
    let filter = compiled(iiq, call, &state, &call.json()?)?;
    let (bounds, is_plain) = filter.bounds(&state);
    let total = if is_plain {
        bounds.len()
    } else {
        filter.hits(&state).len()
    };
    Ok(envelope::item(200, &total, None))
}

/// The ids of the tickets that a search body finds, oldest first.
pub(super) fn found(
    iiq: &IncidentIq,
    call: &Call,
    state: &State,
    body: &Value,
) -> Result<Vec<crate::guid::Guid>, Refusal> {
    let filter = compiled(iiq, call, state, body)?;
    let hits = filter.hits(state).into_iter();
    Ok(hits.map(|place| state.tickets[place].id).collect())
}

/// The service levels of the tickets that the search finds.
fn slas(iiq: &IncidentIq, call: &Call) -> Answer {
    let state = iiq.state();
    let body = call.json()?;
    let hits = compiled(iiq, call, &state, &body)?.hits(&state);
    let page = paging_of(iiq, call, &body, DEFAULT_SIZE);
    let items: Vec<_> = hits[page.range(hits.len())]
        .iter()
        .map(|place| viewing::level(&state, &state.tickets[*place]))
        .collect();
    Ok(envelope::list(&items, hits.len(), page))
}

fn views(iiq: &IncidentIq, call: &Call) -> Answer {
    let book = iiq.book();
    let items: Vec<_> = book
        .district
        .views
        .iter()
        .map(|(id, name)| json!({ "ViewId": id, "Name": name, "IsShared": true }))
        .collect();
    let page = paging_of(iiq, call, &Value::Null, 100);
    Ok(envelope::list(
        &items[page.range(items.len())],
        items.len(),
        page,
    ))
}

/// The old path of a view: the facet as part of the path.
fn of_view(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = json!({ "Filters": [{ "Facet": "view", "Id": call.parameter("viewId") }] });
    listed(iiq, call, &body)
}

/// Open tickets about the same issue, at the same place where one is named.
fn similar(iiq: &IncidentIq, call: &Call) -> Answer {
    let state = iiq.state();
    let body = call.json()?;
    let like = guid(&body, "TicketId").and_then(|id| state.ticket(id).ok());
    let district = &state.book.district;
    let issue = guid(&body, "IssueId").or_else(|| Some(district.issues[like?.issue].id));
    let place = guid(&body, "LocationId");
    let hits: Vec<_> = state
        .tickets
        .iter()
        .rev()
        .filter(|one| {
            !one.is_deleted
                && one.closed.is_none()
                && like.is_none_or(|like| like.id != one.id)
                && Some(district.issues[one.issue].id) == issue
                && place.is_none_or(|id| district.locations[one.location].id == id)
                && iiq.check_seen(call, one).is_ok()
        })
        .collect();
    let page = paging_of(iiq, call, &body, DEFAULT_SIZE);
    let views: Vec<_> = hits[page.range(hits.len())]
        .iter()
        .map(|one| one.view(&state, iiq.rules.temper))
        .collect();
    Ok(envelope::list(&views, hits.len(), page))
}

/// The page asked for: the query, then the body's spellings (contract §3); of a search of tickets a live system
/// reads the query alone.
pub(super) fn paging_of(iiq: &IncidentIq, call: &Call, body: &Value, default: usize) -> Page {
    let from_query = |name| call.query(name)?.parse::<i64>().ok();
    let reads_body = iiq.rules.temper == Temper::Lenient || call.operation != "search";
    let from_body = |name: &str| -> Option<i64> {
        let options = get(body, "RequestOptions").and_then(|options| get(options, "Paging"));
        let signed = get(body, "$paging");
        let signed_name = format!("${name}");
        let plain = [get(body, "Paging"), options].into_iter().flatten();
        let plain = plain.filter_map(|paging| get(paging, name));
        let signed = signed.and_then(|paging| get(paging, &signed_name));
        plain
            .chain(signed)
            .find_map(Value::as_i64)
            .filter(|_| reads_body)
    };
    let most = iiq.rules.max_page;
    let size = match from_query("$s").or_else(|| from_body("PageSize")) {
        Some(-1) => most,
        Some(size) => usize::try_from(size.max(1)).unwrap_or(1).min(most),
        None => default.min(most),
    };
    let index = from_query("$p").or_else(|| from_body("PageIndex"));
    Page {
        index: usize::try_from(index.unwrap_or(0)).unwrap_or(0),
        size,
    }
}
