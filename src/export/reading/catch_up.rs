//! What was updated since, newest first, until what was known before.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{KNOWN, OVERLAP, Reading, Told};
use crate::error::Result;
use crate::systems::page::{Axis, Mark, Next};
use crate::systems::query::Span;

/// How often what changes meanwhile is caught up with.
const PASSES: u32 = 5;

/// What a pass brought.
#[derive(Default)]
struct Came {
    pages: u64,
    /// Tickets that are other than they were known.
    changed: u64,
}

impl Reading<'_> {
    /// Reads what was updated since `began`, or since it was caught up with last; when the tickets were made that came in
    /// or went out by it.
    pub(super) async fn catch_up(&self, began: Timestamp) -> Result<Vec<Timestamp>> {
        (self.tell)(Told::Phase("catching up"));
        let mut moved = Vec::new();
        for pass in 1..=PASSES {
            let since = self.replica().moment(KNOWN)?.unwrap_or(began);
            let now = self.now();
            let came = self.updated_since(since, began, &mut moved).await?;
            self.replica().keep_fact(KNOWN, &now.to_string())?;
            // One page is one moment: nothing changed while it was read. Nor has anything where all is as it was.
            if came.pages <= 1 || came.changed == 0 {
                break;
            }
            if pass == PASSES {
                self.note(format!(
                    "tickets change faster than they can be read: the file shows some as they were at {since:.0}"
                ));
            }
        }
        Ok(moved)
    }

    async fn updated_since(
        &self,
        since: Timestamp,
        began: Timestamp,
        moved: &mut Vec<Timestamp>,
    ) -> Result<Came> {
        let from = since.checked_sub(OVERLAP).unwrap_or(since);
        let span = Span {
            from: Some(from),
            until: None,
        };
        let mut mark = Mark::First;
        let mut seen = HashSet::new();
        let mut last: Option<Timestamp> = None;
        let mut in_order = true;
        let mut came = Came::default();
        loop {
            // Unfiltered: what does not fit any more is to be known too.
            let page = self.page(Axis::Updated, span, false, true, mark).await?;
            came.pages += 1;
            let before = seen.len();
            for shown in &page.tickets {
                let at = shown.ticket.updated;
                in_order &= at.is_some() && last.is_none_or(|last| at <= Some(last));
                last = at.or(last);
                seen.insert(shown.ticket.id.clone());
            }
            let is_past = in_order && last.is_some_and(|last| last < from);
            let is_dry = seen.len() == before;
            let next = page.next.clone();
            let stored = self.store(page.tickets, None).await?;
            came.changed += stored.changed;
            // Who was made since stands at the end of all, and moves nobody.
            let older = stored.moved.into_iter().flatten().filter(|at| *at < began);
            moved.extend(older);
            if is_past || is_dry {
                return Ok(came);
            }
            mark = match next {
                Next::Nothing => return Ok(came),
                Next::Counted { total, size } if came.pages * size < total => {
                    Mark::Index(came.pages, size)
                }
                Next::Counted { .. } => return Ok(came),
                Next::Uncounted { size } => Mark::Index(came.pages, size),
                Next::Cursor(cursor) => Mark::Cursor(cursor),
            };
        }
    }
}
