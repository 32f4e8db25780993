//! Reading lists (contract clearfeed, Endpoints): the rows under the name of the list, beside them `response_metadata` with
//! the cursor of the next page and how many rows this one has.
//!
//! The last page has no cursor: `null`, an empty text, or no such member. Vendor's clients take all three for the end, so that
//! the metadata itself must be there. Nobody counts how many requests there are in all: the page at the other end is read
//! as a witness (`systems::whole`).

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::requests::{LIMIT, listed, text, ticket};
use crate::error::Result;
use crate::systems::http::Request;
use crate::systems::http::reader::{ReadFailure, Reader};
use crate::systems::http::refusal::member;
use crate::systems::whole::{TRIES, uncounted};
use crate::systems::{Gap, Listed, ListingEnd, Seen, Verdict, Window};

/// How often a page is read that is shorter than pages are, although another follows.
const LOOKS: u32 = 3;

/// A list of the API.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    path: &'static str,
    /// The member that holds the rows.
    rows: &'static str,
    /// Whether the contract promises the metadata.
    is_paged: bool,
}

impl List {
    const fn new(path: &'static str, rows: &'static str, is_paged: bool) -> Self {
        Self {
            path,
            rows,
            is_paged,
        }
    }

    /// That its pages lead to no end.
    pub(super) fn endless(self) -> ReadFailure {
        ReadFailure {
            status: Some(200),
            request: Request::get(self.path).name(),
            message: "pages that follow each other without an end".to_owned(),
            is_page: false,
        }
    }
}

pub(super) const REQUESTS: List = List::new("/requests", "requests", true);
pub(super) const SEARCH: List = List::new("/requests/search", "requests", false);
pub(super) const COLLECTIONS: List = List::new("/collections", "collections", true);
pub(super) const FIELDS: List = List::new("/custom-fields", "custom_fields", false);
pub(super) const TEAMS: List = List::new("/teams", "teams", false);
pub(super) const USERS: List = List::new("/users", "users", false);

/// One page of a list.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) rows: Vec<Value>,
    /// The cursor of the next page; `None`: by the system's word this is the last.
    pub(super) next: Option<String>,
    /// How many rows there are by the system's word: on this page, as far as is known.
    pub(super) count: Option<u64>,
    /// Whether rows are missing on it, or on a page that was believed before.
    pub(super) is_short: bool,
    /// How often it was read.
    reads: u32,
}

impl Page {
    fn of(mut body: Value, list: List) -> Result<Self, String> {
        let metadata = member(&body, &["response_metadata"]);
        if list.is_paged && !metadata.is_some_and(Value::is_object) {
            return Err(
                "it has no `response_metadata`, which says whether another page follows".to_owned(),
            );
        }
        let told = |name: &str| metadata.and_then(|metadata| member(metadata, &[name]));
        let next = match told("next_cursor") {
            None => None,
            Some(Value::String(cursor)) => Some(cursor.clone()).filter(|cursor| !cursor.is_empty()),
            Some(Value::Number(cursor)) => Some(cursor.to_string()),
            Some(_) => return Err("its `next_cursor` is no text".to_owned()),
        };
        let count = told("count").and_then(Value::as_u64);
        let rows = match body.get_mut(list.rows) {
            Some(Value::Array(rows)) => std::mem::take(rows),
            _ => return Err(format!("it has no list `{}`", list.rows)),
        };
        if rows.iter().any(|row| text(row, "id").is_none()) {
            return Err(format!("one of its `{}` has no id", list.rows));
        }
        Ok(Self {
            rows,
            next,
            count,
            is_short: false,
            reads: 1,
        })
    }

    fn ids(&self) -> HashSet<String> {
        self.rows
            .iter()
            .filter_map(|row| Some(ticket(row)?.id))
            .collect()
    }

    /// Whether this page, the last of a list with so many rows, has the rows that it counts.
    pub(super) fn gap(&self, listed: u64) -> Option<Gap> {
        let own = self.ids().len() as u64;
        uncounted(self.count, own, self.rows.len() as u64, listed)
    }
}

/// One page of a list.
pub(super) async fn page(
    reader: Reader<'_>,
    list: List,
    query: &[(&str, String)],
    cursor: Option<&str>,
) -> Result<Page, ReadFailure> {
    let mut query = query.to_vec();
    query.extend(cursor.map(|cursor| ("next_cursor", cursor.to_owned())));
    let asked = Request::get(list.path).query(&query);
    reader.read_shaped(asked, |body| Page::of(body, list)).await
}

/// How many rows the pages of a system have that has smaller ones than it is asked for; zero while that is not known.
#[derive(Debug, Default)]
pub(super) struct PageSize(AtomicUsize);

/// One page of requests. One that is shorter than pages are, although another follows, lacks rows or is as long as this
/// system's pages get: it is read again, and believed where it shows the same rows, until a longer page shows that the system
/// has longer ones.
pub(super) async fn requests(
    size: &PageSize,
    reader: Reader<'_>,
    query: &[(&str, String)],
    cursor: Option<&str>,
) -> Result<Page, ReadFailure> {
    let mut before: Option<Page> = None;
    let mut reads = 0;
    loop {
        let mut page = page(reader, REQUESTS, query, cursor).await?;
        reads += 1;
        page.reads = reads;
        let ids = page.ids();
        let usual = size.0.load(Ordering::Relaxed);
        if usual > 0 && ids.len() > usual {
            size.0.store(0, Ordering::Relaxed);
            page.is_short = true;
            return Ok(page);
        }
        let is_full = ids.len() >= LIMIT as usize || usual > 0 && ids.len() == usual;
        if page.next.is_none() || is_full {
            return Ok(page);
        }
        // That two empty pages are alike says nothing of how many rows a page has.
        if !ids.is_empty() && before.is_some_and(|before| before.ids() == ids) {
            size.0.store(ids.len(), Ordering::Relaxed);
            return Ok(page);
        }
        if reads == LOOKS {
            page.is_short = true;
            return Ok(page);
        }
        before = Some(page);
    }
}

/// Lists the requests created in the window, oldest first.
pub(super) async fn created(
    size: &PageSize,
    window: Window,
    reader: Reader<'_>,
    hand_on: &mut (dyn FnMut(Vec<Listed>) + Send),
) -> Result<ListingEnd> {
    // Whether the bounds belong to the window is not told.
    let margin = SignedDuration::from_mins(1);
    let (from, to) = (
        window.from.checked_sub(margin).unwrap_or(window.from),
        window.to.checked_add(margin).unwrap_or(window.to),
    );
    let mut listing = Created {
        size,
        reader,
        from,
        to,
        told: HashSet::new(),
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
    size: &'a PageSize,
    reader: Reader<'a>,
    from: Timestamp,
    to: Timestamp,
    /// What was handed on.
    told: HashSet<String>,
    pages: u32,
    hand_on: &'p mut (dyn FnMut(Vec<Listed>) + Send),
}

/// The page that a listing has read last.
struct Last {
    /// What led to it.
    cursor: Option<String>,
    page: Page,
    /// Whether a row was made after the window, with everything in order until then: nothing of the window follows.
    is_past: bool,
}

impl Created<'_, '_> {
    /// Lists the window once; why that is not whole.
    async fn once(&mut self) -> Result<Option<Gap>> {
        let mut seen = Seen::default();
        let mut gap = None;
        let last = self.forward(None, &mut seen, &mut gap).await?;
        // A try that is clean by chance shows less than those before it.
        if seen.len() < self.told.len() as u64 {
            gap.get_or_insert(Gap::Vanished);
        }
        if last.is_past {
            return Ok(gap);
        }
        gap = gap.or_else(|| last.page.gap(seen.len()));
        if gap.is_some() {
            return Ok(gap);
        }
        let witness = self.page("desc", None).await?;
        let rows = self.take(&witness);
        let is_all = witness.next.is_none();
        let lacks = witness.is_short || is_all && witness.gap(rows.len() as u64).is_some();
        match seen.compare(&rows, is_all) {
            _ if lacks => return Ok(Some(Gap::OtherEnd)),
            Verdict::Same => return Ok(None),
            Verdict::Other => return Ok(Some(Gap::OtherEnd)),
            Verdict::Further => {}
        }
        // They were made meanwhile, or the list was cut before them: then it is cut again.
        self.forward(last.cursor, &mut seen, &mut gap).await?;
        let shows_all = rows.iter().all(|(id, _)| seen.contains(id));
        Ok(gap.or((!shows_all).then_some(Gap::OtherEnd)))
    }

    /// Reads from a page on to the last.
    async fn forward(
        &mut self,
        mut cursor: Option<String>,
        seen: &mut Seen<Timestamp>,
        gap: &mut Option<Gap>,
    ) -> Result<Last> {
        let begun_at = cursor.clone();
        let mut cursors: HashSet<String> = cursor.iter().cloned().collect();
        let mut last_at: Option<Timestamp> = None;
        let mut in_order = true;
        loop {
            let page = self.page("asc", cursor.as_deref()).await?;
            let rows = self.take(&page);
            for (_, at) in &rows {
                in_order &= at.is_some() && *at >= last_at;
                last_at = at.or(last_at);
            }
            let taken = seen.take(&rows);
            if page.is_short {
                gap.get_or_insert(Gap::Short);
            }
            if !taken.goes_on {
                gap.get_or_insert(Gap::Disorder);
            }
            let is_past = in_order && last_at.is_some_and(|last| last > self.to);
            let next = page.next.clone().filter(|_| !is_past);
            let Some(next) = next else {
                return Ok(Last {
                    cursor,
                    page,
                    is_past,
                });
            };
            // The first page may have been seen before, when a listing goes on.
            let is_stuck = taken.fresh == 0 && cursor != begun_at;
            if is_stuck || !cursors.insert(next.clone()) {
                gap.get_or_insert(Gap::Circle);
                return Ok(Last {
                    cursor,
                    page,
                    is_past: false,
                });
            }
            cursor = Some(next);
        }
    }

    async fn page(&mut self, order: &str, cursor: Option<&str>) -> Result<Page> {
        let query = [
            ("filter_by", "created_at".to_owned()),
            ("after", self.from.to_string()),
            ("before", self.to.to_string()),
            ("sort_order", order.to_owned()),
            ("include", "messages".to_owned()),
            ("limit", LIMIT.to_string()),
        ];
        let page = requests(self.size, self.reader, &query, cursor).await?;
        self.pages += page.reads;
        Ok(page)
    }

    /// Hands on the rows that were not handed on yet; all of them with their times.
    fn take(&mut self, page: &Page) -> Vec<(String, Option<Timestamp>)> {
        let rows: Vec<Listed> = page.rows.iter().filter_map(listed).collect();
        let times = rows
            .iter()
            .map(|row| (row.ticket.id.clone(), row.created_at))
            .collect();
        let fresh: Vec<Listed> = rows
            .into_iter()
            .filter(|row| self.told.insert(row.ticket.id.clone()))
            .collect();
        if !fresh.is_empty() {
            (self.hand_on)(fresh);
        }
        times
    }
}
