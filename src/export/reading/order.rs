//! What no total shows: a ticket whose last change goes back, as that of a restored copy, is not among those that were
//! updated since.
//!
//! All tickets in the order of their last change are compared at some ranks, others each time: a ticket that moved to an
//! earlier rank moves all that it passes by one. Each rank costs a request for one row, so that a desk where nothing happened
//! costs [`PROBES`] of them however many tickets it has. Where the time at a rank is another one than is known, halving finds
//! where the order begins to differ, and that page is read again. The time is compared and not the id, since tickets that
//! were changed at one moment stand in any order.

use std::sync::atomic::Ordering;

use jiff::Timestamp;

use super::Reading;
use super::heal::counted;
use crate::error::Result;
use crate::export::replica::Outline;
use crate::systems::page::{Axis, Mark, TicketPage};
use crate::systems::query::Span;

/// How many ranks are compared.
const PROBES: usize = 4;
/// How often it is searched where the order differs.
const SEARCHES: u32 = 3;
/// A system that lists tickets in another order is not asked again.
const UNORDERED: &str = "unordered";

/// Which end of what differs is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    First,
    Last,
}

impl Reading<'_> {
    /// Looks for tickets whose last change went back, among so many; whether any were found.
    pub(super) async fn compare_order(
        &self,
        turn: u64,
        total: u64,
        began: Timestamp,
    ) -> Result<bool> {
        // A single page is compared as a whole.
        if total <= self.granted.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let is_unordered = self.with(|replica| replica.fact(UNORDERED)).await?;
        if is_unordered.is_some() {
            return Ok(false);
        }
        let mut outline = self.with(|replica| replica.outline()).await?;
        let (mut is_caught_up, mut is_found) = (false, false);
        let mut searches = 0;
        for rank in ranks(turn, total) {
            while self.is_other_at(&outline, rank, total).await? == Some(true) {
                if !is_caught_up {
                    // What happened since it was caught up with is no difference.
                    is_caught_up = true;
                    self.catch_up(began).await?;
                    outline = self.with(|replica| replica.outline()).await?;
                    continue;
                }
                searches += 1;
                if searches > SEARCHES {
                    return Ok(is_found);
                }
                let mut changed = 0;
                for end in [End::First, End::Last] {
                    let at = self.edge(&outline, rank, total, end).await?;
                    changed = self.read_at(at).await?;
                    if changed > 0 {
                        break;
                    }
                }
                if changed == 0 {
                    break;
                }
                is_found = true;
                outline = self.with(|replica| replica.outline()).await?;
            }
        }
        Ok(is_found)
    }

    /// Whether the ticket at a rank was changed last at another time than is known; `None` where that cannot be told.
    async fn is_other_at(&self, outline: &Outline, rank: u64, total: u64) -> Result<Option<bool>> {
        let page = self.by_change(Mark::Index(rank, 1)).await?;
        let shown = page.times(Axis::Updated);
        Ok(match (outline.changed_at(rank, total), &shown[..]) {
            (Some(known), [(_, shown)]) if counted(&page) == Some(total) => Some(known != *shown),
            _ => None,
        })
    }

    /// The first or the last rank at which the order differs, near one at which it does.
    async fn edge(&self, outline: &Outline, rank: u64, total: u64, end: End) -> Result<u64> {
        // Beyond the first and the last ticket nothing differs.
        let (mut other, mut same) = match end {
            End::First => (rank, -1),
            End::Last => (rank, i128::from(total)),
        };
        while (i128::from(other) - same).abs() > 1 {
            let Ok(middle) = u64::try_from(i128::midpoint(i128::from(other), same)) else {
                break;
            };
            match self.is_other_at(outline, middle, total).await? {
                Some(true) => other = middle,
                Some(false) => same = i128::from(middle),
                None => break,
            }
        }
        Ok(other)
    }

    /// Reads the page with the ticket at a rank again; how many tickets on it are other than they were known.
    async fn read_at(&self, rank: u64) -> Result<u64> {
        let size = self.granted.load(Ordering::Relaxed).max(1);
        let page = self.by_change(Mark::Index(rank / size, size)).await?;
        let times = page.times(Axis::Updated);
        if !times.is_sorted_by_key(|(_, at)| *at) {
            self.with(|replica| replica.keep_fact(UNORDERED, "1"))
                .await?;
        }
        Ok(self.store_latest(page.tickets).await?.changed)
    }

    /// A page of all tickets, that which was changed last at the end.
    async fn by_change(&self, mark: Mark) -> Result<TicketPage> {
        self.witness(Axis::Updated, Span::default(), false, false, mark)
            .await
    }
}

/// The ranks that are compared at a turn: half of them anywhere, and half of them among the newest changes, where tickets
/// move most, from the last one back in ever greater steps.
fn ranks(turn: u64, total: u64) -> [u64; PROBES] {
    let last = total.saturating_sub(1);
    let part = |of: f64| (turn as f64 * 0.618_034 + of).fract();
    let anywhere = |of: f64| ((part(of) * total as f64) as u64).min(last);
    let newest = |of: f64| last.saturating_sub((total as f64).powf(part(of)) as u64);
    [anywhere(0.0), anywhere(0.5), newest(0.25), newest(0.75)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_over_half_of_all_is_seen_at_each_turn() {
        for total in [2, 3, 50, 1_000, 60_000] {
            for turn in 0..40 {
                let all = ranks(turn, total);
                assert!(all.iter().all(|rank| *rank < total));
                let [one, other, ..] = all;
                assert!(one.abs_diff(other).abs_diff(total / 2) <= 1, "{all:?}");
            }
        }
        // One of the last 50 moves back to the last 500: most turns see it within a few.
        let sees = |turn| {
            ranks(turn, 60_000)[2..]
                .iter()
                .any(|rank| (59_500..59_950).contains(rank))
        };
        for turn in 0..40 {
            assert!((turn..turn + 6).any(sees), "{turn}");
        }
    }
}
