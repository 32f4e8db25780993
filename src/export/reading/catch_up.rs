//! What was updated since, newest first, until what was known before.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::{KNOWN, OVERLAP, Reading, Told};
use crate::error::Result;
use crate::systems::page::{Axis, Mark, Next};
use crate::systems::query::Span;

/// How long ago a clock may have been set for what was read then to be looked at again.
const LATELY: SignedDuration = SignedDuration::from_hours(3);
/// How often what changes meanwhile is caught up with.
const PASSES: u32 = 5;

/// What a pass brought.
#[derive(Default)]
struct Came {
    pages: u64,
    /// Tickets that are other than they were known.
    changed: u64,
    /// Whether it is proven that nothing else changed.
    is_whole: bool,
}

impl Reading<'_> {
    /// Reads what was updated since `began`, or since it was caught up with last; when the tickets were made that came in
    /// or went out by it, or that no list had shown before.
    pub(super) async fn catch_up(&self, began: Timestamp) -> Result<Vec<Timestamp>> {
        (self.tell)(Told::Phase("catching up"));
        let mut moved = Vec::new();
        for pass in 1..=PASSES {
            let known = self.with(|replica| replica.moment(KNOWN)).await?;
            let since = known.unwrap_or(began);
            let now = self.now();
            let came = self.updated_since(since, began, now, &mut moved).await?;
            if !came.is_whole {
                if pass == PASSES {
                    self.doubt(format!(
                        "the list of what was changed since {since:.0} leaves tickets out: the file may show some as they were"
                    ));
                }
                continue;
            }
            self.with(move |replica| replica.keep_fact(KNOWN, &now.to_string()))
                .await?;
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
        now: Timestamp,
        moved: &mut Vec<Timestamp>,
    ) -> Result<Came> {
        let overlap = OVERLAP + self.repeated_hour(since);
        let from = since.checked_sub(overlap).unwrap_or(since);
        let span = Span {
            from: Some(from),
            until: None,
        };
        let mut mark = Mark::First;
        let mut seen = HashSet::new();
        let mut last: Option<Timestamp> = None;
        let mut in_order = true;
        let mut came = Came::default();
        let mut is_short = false;
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
            is_short |= page.is_short;
            let (next, gap) = (page.next.clone(), page.gap(seen.len() as u64));
            let stored = self.store(page.tickets, None).await?;
            came.changed += stored.changed;
            // A ticket that was created since is the last of all and moves no other. Where tickets cannot move, one that comes
            // up may have been there when its window was read, whatever the clocks say.
            let is_mutable = self.order.query.is_mutable();
            let came_up = stored.moved.into_iter().flatten();
            moved.extend(came_up.filter(|at| !is_mutable || *at < began));
            if is_past {
                came.is_whole = !is_short;
                return Ok(came);
            }
            mark = match next {
                Next::Nothing if gap.is_some() => return Ok(came),
                Next::Counted { total, size } if came.pages * size < total && !is_dry => {
                    Mark::Index(came.pages, size)
                }
                Next::Cursor(cursor) if !is_dry => Mark::Cursor(cursor),
                Next::Counted { total, size } if came.pages * size < total => return Ok(came),
                Next::Cursor(_) => return Ok(came),
                Next::Nothing | Next::Counted { .. } => break,
            };
        }
        came.is_whole = !is_short && self.is_all_since(span, now, &seen).await?;
        Ok(came)
    }

    /// How far times may lie before what they are: where a clock was set back a moment ago, and the system writes what it
    /// shows.
    fn repeated_hour(&self, since: Timestamp) -> SignedDuration {
        let Some(zone) = self.system.site_zone() else {
            return SignedDuration::ZERO;
        };
        let before = since.checked_sub(LATELY).unwrap_or(since);
        let seconds = |at| i64::from(zone.to_offset(at).seconds());
        SignedDuration::from_secs((seconds(before) - seconds(since)).max(0))
    }

    /// Whether the tickets that were updated first since are among those that were seen, but for what changed after `now`: the
    /// list may be cut.
    async fn is_all_since(
        &self,
        span: Span,
        now: Timestamp,
        seen: &HashSet<String>,
    ) -> Result<bool> {
        let page = self
            .witness(Axis::Updated, span, false, false, Mark::First)
            .await?;
        let since = |at: &Timestamp| span.from.is_none_or(|from| *at >= from) && *at < now;
        let mut rows = page.times(Axis::Updated).into_iter();
        let lacks = rows.any(|(id, at)| at.as_ref().is_some_and(since) && !seen.contains(&id));
        self.store(page.tickets, None).await?;
        Ok(!lacks)
    }
}
