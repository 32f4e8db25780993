//! Reading a listing to its end (contract incidentiq §3): size and page in the query and mirrored in the body,
//! what is echoed is what counts, and every row is taken once.

use std::collections::HashSet;

use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

use super::envelope::Page;
use crate::directory::{Entry, Listing};
use crate::systems::http::Request;
use crate::systems::http::reader::{ReadFailure, Reader};

/// The page size that every source grants (§19 D19).
pub(super) const SIZE: u64 = 100;

/// The page size that is tried when there is more.
pub(super) const LARGE_SIZE: u64 = 1000;

/// Where pages end for a system that tells no total and repeats nothing.
const MOST_PAGES: u64 = 10_000;

/// A listing to read.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    /// `$o`.
    pub(super) sort: Option<&'static str>,
    /// The body of a `POST`, an object; paging is added.
    pub(super) body: Option<Value>,
    /// Whether the contract promises that the rows are counted.
    is_counted: bool,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            sort: None,
            body: None,
            is_counted: false,
        }
    }

    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(path)
        }
    }

    /// A search for tickets, which counts its rows (§3).
    pub(super) fn tickets(body: Value) -> Self {
        Self {
            is_counted: true,
            ..Self::post("/v1.0/tickets", body)
        }
    }

    pub(super) fn sorted(self, sort: &'static str) -> Self {
        Self {
            sort: Some(sort),
            ..self
        }
    }

    /// Reads one page.
    pub(super) async fn page(
        &self,
        reader: Reader<'_>,
        index: u64,
        size: u64,
    ) -> Result<Page, ReadFailure> {
        let mut query = vec![("$s", size.to_string()), ("$p", index.to_string())];
        query.extend(self.sort.map(|sort| ("$o", sort.to_owned())));
        let body = self.body.clone().map(|mut body| {
            // A list of ids has no room for it.
            if !body.is_object() {
                return body;
            }
            let paging = json!({"PageSize": size, "PageIndex": index});
            if self.path.starts_with("/v2.0") {
                body["RequestOptions"] = json!({"Paging": paging});
            }
            body["Paging"] = paging;
            body
        });
        let request = Request {
            method: self.method.clone(),
            path: &self.path,
            query: &query,
            body: body.as_ref(),
        };
        let shaped = match self.is_counted {
            true => Page::counted,
            false => Page::of,
        };
        reader.read_shaped(request, shaped).await
    }
}

/// What becomes of the rows of a listing.
pub(super) struct Intake<'a> {
    /// An entry of a row; `None` for a row that is none.
    pub(super) entry: &'a (dyn Fn(&Value) -> Option<Entry> + Send + Sync),
    /// Told how many there are so far, and in all.
    pub(super) told: &'a (dyn Fn(u64, Option<u64>) + Send + Sync),
    /// How many pages are read at a time.
    pub(super) concurrency: usize,
}

/// Reads a whole listing: the first page tells how many rows there are and which size is granted, the others
/// are read concurrently.
pub(super) async fn all(
    reader: Reader<'_>,
    call: &Call,
    intake: &Intake<'_>,
) -> Result<Listing, ReadFailure> {
    let mut first = call.page(reader, 0, SIZE).await?;
    let mut seen = Seen::default();
    let mut asked = SIZE;
    if first
        .total
        .is_some_and(|total| total > first.items.len() as u64)
    {
        let larger = call.page(reader, 0, LARGE_SIZE).await?;
        if larger.items.len() > first.items.len() {
            first = larger;
            asked = LARGE_SIZE;
        }
    }
    let size = granted(&first, asked);
    let total = first.total;
    seen.take(&first.items, intake.entry);
    (intake.told)(seen.entries.len() as u64, total);
    match total {
        Some(total) if size > 0 => {
            let fetch = |index| call.page(reader, index, size);
            let mut pages = stream::iter((1..total.div_ceil(size)).map(fetch))
                .buffered(intake.concurrency.max(1));
            let mut index = 0;
            while let Some(page) = pages.try_next().await? {
                index += 1;
                if !seen.honoured(&page, index) {
                    break;
                }
                let before = seen.rows.len();
                seen.take(&page.items, intake.entry);
                (intake.told)(seen.entries.len() as u64, Some(total));
                // The same rows again: pages are not what the system understands here.
                if seen.rows.len() == before {
                    break;
                }
            }
        }
        _ => {
            seen.take_until_dry(reader, call, first.items.len() as u64, intake)
                .await?
        }
    }
    let note = total
        .filter(|total| seen.rows.len() as u64 != *total)
        .map(|total| format!("the system counts {total}, {} came", seen.rows.len()));
    Ok(Listing {
        entries: seen.entries,
        total,
        note,
        ..Listing::default()
    })
}

/// The size that pages really have.
pub(super) fn granted(page: &Page, asked: u64) -> u64 {
    let came = page.items.len() as u64;
    // An empty page says nothing of the others.
    if came == 0 {
        return page.size.filter(|size| *size > 0).unwrap_or(asked);
    }
    match (page.size, page.total) {
        // More rows than fit into the size that is told, or fewer although there are more: what came counts, but for rows
        // that came twice.
        (Some(size), Some(total)) if size < came && total > size => distinct(&page.items),
        (Some(size), Some(total)) if size > came && total > came => came,
        (Some(size), _) => size.max(1),
        (None, Some(total)) if total > came => came,
        _ => asked,
    }
}

fn distinct(items: &[Value]) -> u64 {
    let items: HashSet<String> = items.iter().map(Value::to_string).collect();
    items.len() as u64
}

/// The rows seen so far, each once.
#[derive(Default)]
struct Seen {
    rows: HashSet<String>,
    entries: Vec<Entry>,
}

impl Seen {
    fn take(&mut self, items: &[Value], entry: &dyn Fn(&Value) -> Option<Entry>) {
        for item in items {
            let Some(entry) = entry(item) else {
                // A row that makes no entry still counts as seen.
                self.rows.insert(item.to_string());
                continue;
            };
            if self.rows.insert(entry.id.clone()) {
                self.entries.push(entry);
            }
        }
    }

    /// Whether a page is the one that was asked for.
    fn honoured(&self, page: &Page, index: u64) -> bool {
        page.index.is_none_or(|echoed| echoed == index)
    }

    /// Without a total: page after page, until one is empty or brings nothing new.
    async fn take_until_dry(
        &mut self,
        reader: Reader<'_>,
        call: &Call,
        first: u64,
        intake: &Intake<'_>,
    ) -> Result<(), ReadFailure> {
        // More rows than were asked for, or fewer: that was all.
        if first != SIZE {
            return Ok(());
        }
        for index in 1..MOST_PAGES {
            let before = self.rows.len();
            let page = call.page(reader, index, SIZE).await?;
            self.take(&page.items, intake.entry);
            (intake.told)(self.entries.len() as u64, None);
            if self.rows.len() == before || (page.items.len() as u64) < SIZE {
                break;
            }
        }
        Ok(())
    }
}
