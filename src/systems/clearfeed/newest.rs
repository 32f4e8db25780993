//! What was created since a moment, the newest first (contract clearfeed, `GET /requests` with `sort_order=desc`).

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::listing::{PageSize, requests};
use super::requests::{LIMIT, listed};
use crate::error::Result;
use crate::systems::Listed;
use crate::systems::http::reader::Reader;

/// Lists them, at most so many pages; whether all of them were seen. The time filter may be ignored: the order tells
/// where they end, as long as it holds.
pub(super) async fn newest(
    size: &PageSize,
    since: Timestamp,
    pages: u32,
    reader: Reader<'_>,
    each: &mut (dyn FnMut(Vec<Listed>) + Send),
) -> Result<bool> {
    // Whether the bound belongs to the window is not told.
    let after = since.checked_sub(SignedDuration::from_mins(1));
    let query = [
        ("filter_by", "created_at".to_owned()),
        ("after", after.unwrap_or(since).to_string()),
        ("sort_order", "desc".to_owned()),
        ("include", "messages".to_owned()),
        ("limit", LIMIT.to_string()),
    ];
    let mut seen = HashSet::new();
    let mut last: Option<Timestamp> = None;
    let mut in_order = true;
    let mut cursor: Option<String> = None;
    let mut lacks_rows = false;
    for _ in 0..pages {
        let page = requests(size, reader, &query, cursor.as_deref()).await?;
        let next = page.next;
        let fresh: Vec<Listed> = (page.rows.iter().filter_map(listed))
            .filter(|row| seen.insert(row.ticket.id.clone()))
            .collect();
        for row in &fresh {
            let at = row.created_at;
            in_order &= at.is_some() && last.is_none_or(|last| at.is_some_and(|at| at <= last));
            last = at.or(last);
        }
        let past = in_order && last.is_some_and(|last| last < since);
        lacks_rows |= page.is_short;
        let is_stuck = fresh.is_empty() && next.is_some();
        if !fresh.is_empty() {
            each(fresh);
        }
        if past || next.is_none() {
            return Ok(!lacks_rows);
        }
        if is_stuck || lacks_rows {
            return Ok(false);
        }
        cursor = next;
    }
    Ok(false)
}
