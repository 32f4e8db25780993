//! The activities of tickets, read to their end (contract incidentiq §11): of one ticket, or of many at once.
//!
//! A list counts as whole only where as many rows came as the system has ever counted while it was read. A count that falls
//! says that rows have gone and that others moved up over the edge of a page that was read already: such a list is read again.
//! An empty list for many tickets is no witness that nothing was ever done on any of them.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::envelope::{Page, id, is_same, moment};
use super::listing::Pages;
use super::paging::Call;
use super::tickets::segment;
use crate::systems::http::reader::{ReadFailure, Reader};
use crate::systems::http::refusal::member;
use crate::systems::whole::TRIES;

/// Where pages end that never do.
const MOST_PAGES: u64 = 1_000;

/// Activities, as the system shows them.
#[derive(Debug, Default)]
pub(super) struct Feed {
    pub(super) rows: Vec<Value>,
    /// Whether they are all, as far as the system's own count tells.
    pub(super) is_whole: bool,
}

/// Those of a ticket.
///
/// # Errors
/// When a page cannot be had.
pub(super) async fn of_ticket(ticket_id: &str, reader: Reader<'_>) -> Result<Feed, ReadFailure> {
    let call = Call::get(format!("/v1.0/tickets/{ticket_id}/activities"));
    let mut feed = read(&call, reader).await?;
    // What was said on another ticket says nothing of this one.
    let is_its = |row: &Value| id(row, "TicketId").is_none_or(|of| is_same(&of, ticket_id));
    feed.is_whole &= feed.rows.iter().all(is_its);
    Ok(feed)
}

/// Those of many tickets. Each row names its own.
///
/// # Errors
/// When a page cannot be had.
pub(super) async fn of_tickets(ids: &[String], reader: Reader<'_>) -> Result<Feed, ReadFailure> {
    let call = Call::post("/v1.0/tickets/activities", json!(ids));
    let mut feed = read(&call, reader).await?;
    // Without the ticket's id nobody knows whose it is, and what was not asked for stands in for what was.
    let is_asked = |row: &Value| {
        id(row, "TicketId").is_some_and(|of| ids.iter().any(|asked| is_same(&of, asked)))
    };
    feed.is_whole &= feed.rows.iter().all(is_asked);
    if feed.rows.is_empty()
        && feed.is_whole
        && let Some(witness) = ids.iter().find_map(|id| segment(id).ok())
    {
        let alone = of_ticket(witness, reader).await?;
        feed.is_whole = alone.is_whole && alone.rows.is_empty();
    }
    Ok(feed)
}

async fn read(call: &Call, reader: Reader<'_>) -> Result<Feed, ReadFailure> {
    let mut tried = 1;
    loop {
        let rows = once(call, reader).await?;
        if !rows.has_fallen || tried >= TRIES {
            return Ok(Feed {
                is_whole: rows.has_all(),
                rows: rows.rows,
            });
        }
        tried += 1;
    }
}

async fn once(call: &Call, reader: Reader<'_>) -> Result<Rows, ReadFailure> {
    let mut rows = Rows::default();
    let mut pages = Pages::new(call.clone(), reader);
    for _ in 0..MOST_PAGES {
        let Some(page) = pages.next_page().await? else {
            break;
        };
        if !rows.take(page) || rows.has_all() {
            break;
        }
    }
    Ok(rows)
}

/// The rows of a list that may move while its pages are read.
#[derive(Debug, Default)]
struct Rows {
    rows: Vec<Value>,
    seen: HashSet<String>,
    /// The most that the system has counted.
    most: Option<u64>,
    /// Whether it has counted fewer since.
    has_fallen: bool,
}

impl Rows {
    /// Takes a page in; whether it showed something new.
    fn take(&mut self, page: Page) -> bool {
        if let Some(total) = page.total {
            self.has_fallen |= self.most.is_some_and(|most| total < most);
            self.most = self.most.max(Some(total));
        }
        let before = self.rows.len();
        for row in page.items {
            // One that is shown twice may have been changed in between.
            let name = id(&row, "TicketActivityId").unwrap_or_else(|| row.to_string());
            if self.seen.insert(name) {
                self.rows.push(row);
            }
        }
        self.rows.len() > before
    }

    fn has_all(&self) -> bool {
        let shown = self.rows.len() as u64;
        !self.has_fallen && self.most.is_some_and(|most| shown >= most)
    }
}

/// Puts rows in the order in which they were said: those of one moment by their places in the conversation.
pub(super) fn in_order(rows: &mut [Value], zone: Option<&TimeZone>) {
    let place = |row: &Value| member(row, &["SortOrder"]).and_then(Value::as_i64);
    rows.sort_by_cached_key(|row| {
        let at: Option<Timestamp> = moment(row, "CreatedDate", zone);
        (at, place(row))
    });
}

/// Why comments are not all there.
pub(super) const FEWER: &str = "the system lists fewer than it counts";

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use deskferry_testing::server::{Mock, MockServer, Request, ResponseTemplate};

    use super::super::tests::signed_in;
    use super::*;
    use crate::systems::testing::Free;

    fn activity(at: u64, ticket: &str) -> Value {
        json!({"TicketActivityId": format!("a-{at}"), "TicketId": ticket, "ActivityItems": []})
    }

    /// What the fifty tickets of a question show on page `index` of the question number `asked`.
    type Shown = fn(asked: u64, index: u64) -> (Vec<Value>, u64);

    async fn asked(shown: Shown, alone: Vec<Value>) -> (Feed, u64) {
        let server = MockServer::start().await;
        let system = signed_in(&server).await;
        let first = std::sync::Arc::new(AtomicU64::new(0));
        let count = std::sync::Arc::clone(&first);
        let answer = move |request: &Request| {
            let mut pairs = request.url.query_pairs();
            let page = pairs.find(|(name, _)| name == "$p").unwrap();
            let index: u64 = page.1.parse().unwrap();
            let (rows, total) = match request.url.path().ends_with("/tickets/activities") {
                true => {
                    let before = count.fetch_add(u64::from(index == 0), Ordering::SeqCst);
                    shown(before + u64::from(index == 0), index)
                }
                false => (alone.clone(), alone.len() as u64),
            };
            let paging = json!({"TotalRows": total, "PageSize": 100, "PageIndex": index});
            let body = json!({"Items": rows, "Paging": paging});
            ResponseTemplate::new(200).set_body_json(body)
        };
        Mock::given(|request: &Request| request.url.path().contains("/activities"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let free = Free::default();
        let ids = ["t-1".to_owned(), "t-2".to_owned()];
        let feed = of_tickets(&ids, system.reader(&free)).await.unwrap();
        let times = first.load(Ordering::SeqCst);
        (feed, times)
    }

    fn rows(from: u64, to: u64) -> Vec<Value> {
        (from..to).map(|at| activity(at, "t-1")).collect()
    }

    #[tokio::test]
    async fn a_list_that_shrinks_while_it_is_read_is_read_again() {
        // When the second page comes, an activity of the first one has gone: number 100 has moved up and is on no page.
        let shown: Shown = |asked, index| match (asked, index) {
            (1, 0) => (rows(0, 100), 250),
            (1, 1) => (rows(101, 201), 249),
            (1, _) => (rows(201, 250), 249),
            (_, 0) => (rows(1, 101), 249),
            (_, 1) => (rows(101, 201), 249),
            (_, _) => (rows(201, 250), 249),
        };
        let (feed, times) = asked(shown, Vec::new()).await;
        assert_eq!((feed.is_whole, feed.rows.len(), times), (true, 249, 2));
        // One that never stands still is not whole.
        let shown: Shown = |_, index| match index {
            0 => (rows(0, 100), 102),
            _ => (rows(101, 102), 101),
        };
        let (feed, times) = asked(shown, Vec::new()).await;
        assert_eq!((feed.is_whole, times), (false, u64::from(TRIES)));
    }

    #[tokio::test]
    async fn an_empty_list_for_many_needs_a_witness() {
        let nothing: Shown = |_, _| (Vec::new(), 0);
        let (feed, _) = asked(nothing, rows(0, 3)).await;
        assert!(!feed.is_whole);
        let (feed, _) = asked(nothing, Vec::new()).await;
        assert!(feed.is_whole);
    }

    #[tokio::test]
    async fn an_activity_that_comes_twice_counts_once_and_one_of_another_ticket_for_nothing() {
        let twice: Shown = |_, index| match index {
            0 => (rows(0, 100), 102),
            _ => {
                let mut changed = activity(99, "t-1");
                changed["IsPublic"] = json!(true);
                (vec![changed, activity(100, "t-1")], 102)
            }
        };
        let (feed, _) = asked(twice, Vec::new()).await;
        assert_eq!((feed.is_whole, feed.rows.len()), (false, 101));
        let another: Shown = |_, _| (vec![activity(0, "t-1"), activity(1, "t-9")], 2);
        let (feed, _) = asked(another, Vec::new()).await;
        assert!(!feed.is_whole);
    }

    #[test]
    fn what_was_said_in_one_moment_keeps_its_place() {
        let row = |at: &str, place: Value, name: &str| json!({"CreatedDate": at, "SortOrder": place, "name": name});
        let all = [
            row("2026-03-01T08:00:00Z", json!(0), "first"),
            row("2026-03-01T08:00:00Z", json!(1), "second"),
            row("2026-03-01T08:00:01Z", json!(0), "third"),
        ];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut rows = order.map(|at: usize| all[at].clone());
            in_order(&mut rows, None);
            assert_eq!(rows, all);
        }
        // Where no place is told the answer's order is all that is known.
        let mut rows = ["b", "a"].map(|name| row("2026-03-01T08:00:00Z", Value::Null, name));
        let before = rows.clone();
        in_order(&mut rows, None);
        assert_eq!(rows, before);
    }
}
