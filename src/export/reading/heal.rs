//! A replica that lasts is held against the system's own counts: not everything that happens there shows among what was
//! updated. Tickets are deleted, purged or brought in with old dates, and their last change may go back.
//!
//! The system counts all of its tickets, those that are not deleted, and those that are closed. The order of their last
//! changes is compared at some ranks (`order`). One page of all tickets is compared by its ids, another one each time, and what
//! it shows is stored: so that after as many times as there are pages each ticket was looked at again. Where something differs, spans are halved until what is left fits on a page, and that is read again. What is
//! still counted otherwise then cannot be explained, and is told. A system that does not count its tickets cannot be asked
//! so: once a week all are listed anew (`sweep`).

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp, ToSpan};

use super::{Reading, Told};
use crate::error::Result;
use crate::export::replica::{Kind, Outline, Replica};
use crate::systems::Standing;
use crate::systems::page::{Axis, Mark, Next, PageAsk, TicketPage};
use crate::systems::query::{Query, Span, StateFilter};

/// How often what differs is read again.
const TRIES: u32 = 2;
/// How many counts are asked for to find what differs; where that is not enough, everything is read again.
const MOST_COUNTS: u32 = 64;
/// A span with so few tickets is read rather than halved.
const FEW: u64 = 100;
/// How many pages were compared by their ids.
const COMPARED: &str = "compared";

/// What the system has otherwise than the replica.
#[derive(Debug, Clone, Copy)]
pub(super) struct Difference {
    pub(super) kind: Kind,
    pub(super) span: Span,
    /// What the system counts in the span.
    pub(super) counted: u64,
}

/// What the system counts, and where it differs.
#[derive(Debug, Default)]
struct Compared {
    total: u64,
    differences: Vec<Difference>,
    /// Spans of which a page shows other tickets.
    others: Vec<Span>,
}

impl Compared {
    fn is_same(&self) -> bool {
        self.differences.is_empty() && self.others.is_empty()
    }
}

impl Reading<'_> {
    /// Brings the replica in line with what the system counts.
    pub(super) async fn heal(&self, began: Timestamp) -> Result<()> {
        let Some(mut compared) = self.compare(true).await? else {
            if self.list_anew().await? {
                self.windows().await?;
            }
            return Ok(());
        };
        if compared.is_same() {
            let turn = self.turn().await?;
            if !self.compare_order(turn, compared.total, began).await? {
                return Ok(());
            }
            // What was found may have stood for a ticket that is gone.
            compared = match self.compare(false).await? {
                Some(compared) if !compared.is_same() => compared,
                _ => return Ok(()),
            };
        }
        (self.tell)(Told::Phase("looking for what is gone"));
        // What happened since it was caught up with is no difference.
        self.catch_up(began).await?;
        let (mut others, mut read) = (compared.others, Vec::new());
        for _ in 0..TRIES {
            let Some(mut compared) = self.compare(false).await? else {
                return Ok(());
            };
            compared.others.append(&mut others);
            if compared.is_same() {
                return Ok(());
            }
            read = self.read_what_differs(&compared).await?;
            self.catch_up(began).await?;
        }
        if let Some(compared) = self.compare(false).await? {
            for difference in compared.differences {
                self.tell_unexplained(difference, &read).await?;
            }
        }
        Ok(())
    }

    /// Compares counts, and with `by_ids` one page; `None` where the system does not count.
    async fn compare(&self, by_ids: bool) -> Result<Option<Compared>> {
        let whole = Span::default();
        let Some(total) = self.count_of(Kind::All, whole).await? else {
            return Ok(None);
        };
        let outline = self.with(|replica| replica.outline()).await?;
        let mut compared = Compared {
            total,
            ..Compared::default()
        };
        let mut differs = |kind, counted| {
            if counted != outline.count(kind, whole) {
                compared.differences.push(Difference {
                    kind,
                    span: whole,
                    counted,
                });
            }
        };
        differs(Kind::All, total);
        let alive = self.count_of(Kind::Alive, whole).await?.unwrap_or(total);
        // Who counts the deleted ones all the same says nothing of them.
        let is_heeded = alive < total || outline.count(Kind::Alive, whole) == total;
        if is_heeded && !self.is_known(Kind::Alive, alive, &outline).await? {
            differs(Kind::Alive, alive);
        }
        let closed = self.count_of(Kind::Closed, whole).await?.unwrap_or(alive);
        let is_heeded = closed < alive.min(total);
        if is_heeded && !self.is_known(Kind::Closed, closed, &outline).await? {
            differs(Kind::Closed, closed);
        }
        if by_ids {
            self.compare_page(&outline, &mut compared).await?;
        }
        Ok(Some(compared))
    }

    /// How many pages were compared by their ids.
    async fn turn(&self) -> Result<u64> {
        let turn = self.with(|replica| replica.fact(COMPARED)).await?;
        Ok(turn.and_then(|turn| turn.parse().ok()).unwrap_or_default())
    }

    /// Compares one page of all tickets by its ids, and keeps what it shows.
    async fn compare_page(&self, outline: &Outline, compared: &mut Compared) -> Result<()> {
        let size = self.granted.load(Ordering::Relaxed);
        let pages = compared
            .total
            .checked_div(size)
            .map_or(0, |_| compared.total.div_ceil(size));
        if pages == 0 {
            return Ok(());
        }
        let turn = self.turn().await?;
        let next = turn.wrapping_add(1).to_string();
        self.with(move |replica| replica.keep_fact(COMPARED, &next))
            .await?;
        let index = nth(turn, pages);
        let mark = Mark::Index(index, size);
        let page = self
            .witness(Axis::Created, Span::default(), false, false, mark)
            .await?;
        let is_moving = counted(&page) != Some(compared.total);
        let times = page.times(Axis::Created);
        let known = times
            .iter()
            .map(|(_, at)| *at)
            .collect::<Option<Vec<Timestamp>>>();
        let Some(known) = known.filter(|known| known.is_sorted() && !is_moving) else {
            return Ok(());
        };
        let (Some(first), Some(last)) = (known.first().copied(), known.last().copied()) else {
            return Ok(());
        };
        let inner = Span {
            from: first.checked_add(SignedDuration::from_nanos(1)).ok(),
            until: Some(last),
        };
        let shown: BTreeSet<String> = times
            .into_iter()
            .filter(|(_, at)| inner.holds(*at))
            .map(|(id, _)| id)
            .collect();
        let ours = self
            .with(move |replica| replica.others(inner, &|_| false))
            .await?;
        let ours: BTreeSet<String> = ours.into_iter().map(|(id, _)| id).collect();
        let before = outline.count(
            Kind::All,
            Span {
                from: None,
                until: Some(first),
            },
        );
        let until = outline.count(
            Kind::All,
            Span {
                from: None,
                until: inner.from,
            },
        );
        let is_there = (before..until.max(before + 1)).contains(&(index * size));
        let is_same = ours == shown;
        self.store_latest(page.tickets).await?;
        if !is_same {
            compared.others.push(self.days(first, last));
        }
        if !is_there && compared.differences.is_empty() {
            // As many tickets as before it are others.
            for span in self.halves(Span::default(), first) {
                if let Some(counted) = self.count_of(Kind::All, span).await? {
                    compared.differences.push(Difference {
                        kind: Kind::All,
                        span,
                        counted,
                    });
                }
            }
        }
        Ok(())
    }

    /// Finds what differs, and reads it again; the spans where counts differed, none where everything was read.
    async fn read_what_differs(&self, compared: &Compared) -> Result<Vec<(Kind, Span)>> {
        let outline = self.with(|replica| replica.outline()).await?;
        let mut spans = compared.others.clone();
        let mut found = Vec::new();
        let mut counts = 0;
        let mut waiting = compared.differences.clone();
        let leaf = self.granted.load(Ordering::Relaxed).max(FEW);
        while let Some(difference) = waiting.pop() {
            let Difference {
                kind,
                span,
                counted,
            } = difference;
            if counted == outline.count(kind, span) {
                continue;
            }
            let size = outline.count(Kind::All, span).max(counted);
            let middle = outline.middle(span).filter(|_| size > leaf);
            let halves = middle
                .map(|middle| self.halves(span, middle))
                .unwrap_or_default();
            let [early, late] = halves[..] else {
                found.push((kind, span));
                continue;
            };
            counts += 1;
            let Some(counted_early) = self
                .count_of(kind, early)
                .await?
                .filter(|_| counts <= MOST_COUNTS)
            else {
                self.read_all_again().await?;
                return Ok(Vec::new());
            };
            let of = |span, counted| Difference {
                kind,
                span,
                counted,
            };
            waiting.push(of(early, counted_early));
            waiting.push(of(late, counted.saturating_sub(counted_early)));
        }
        spans.extend(found.iter().map(|(_, span)| *span));
        spans.sort_by_key(|span| (span.from, span.until));
        spans.dedup();
        let first = self.with(move |replica| replica.lay_over(&spans)).await?;
        self.is_latest.store(true, Ordering::Relaxed);
        let read = self.windows().await;
        self.is_latest.store(false, Ordering::Relaxed);
        read?;
        let unproven = self.unproven().split_off(&first);
        for (_, unproven) in unproven {
            self.doubt(unproven.why);
        }
        // The next ones get the same numbers, and other tickets.
        self.most().split_off(&first);
        self.with(Replica::take_off).await?;
        Ok(found)
    }

    async fn read_all_again(&self) -> Result<()> {
        self.with(|replica| {
            let mut windows = replica.read_windows()?.into_iter();
            windows.try_for_each(|window| replica.reopen_window(window))
        })
        .await?;
        self.is_latest.store(true, Ordering::Relaxed);
        let read = self.windows().await;
        self.is_latest.store(false, Ordering::Relaxed);
        read
    }

    /// The parts of a span before and after a moment, of whole days where the system knows only those; none where one of them
    /// is the span itself.
    fn halves(&self, span: Span, at: Timestamp) -> Vec<Span> {
        let at = match self.system.window_days() {
            None => Some(at),
            Some(zone) => {
                let day = zone.to_datetime(at).date().to_zoned(zone);
                day.ok().map(|day| day.timestamp())
            }
        };
        let is_inside = |at: &Timestamp| {
            span.from.is_none_or(|from| from < *at) && span.until.is_none_or(|until| *at < until)
        };
        let Some(at) = at.filter(is_inside) else {
            return Vec::new();
        };
        vec![
            Span {
                from: span.from,
                until: Some(at),
            },
            Span {
                from: Some(at),
                until: span.until,
            },
        ]
    }

    /// The span from one moment to another, of whole days where the system knows only those.
    fn days(&self, first: Timestamp, last: Timestamp) -> Span {
        let after = last.checked_add(SignedDuration::from_secs(1)).ok();
        let Some(zone) = self.system.window_days() else {
            return Span {
                from: Some(first),
                until: after,
            };
        };
        let day = |at: Timestamp, plus: i32| {
            let date = zone.to_datetime(at).date().saturating_add(plus.days());
            date.to_zoned(zone.clone()).ok().map(|day| day.timestamp())
        };
        Span {
            from: day(first, 0),
            until: day(last, 1),
        }
    }

    /// How many tickets of a kind the system has in a span, where it counts them.
    pub(super) async fn count_of(&self, kind: Kind, span: Span) -> Result<Option<u64>> {
        let query = match kind {
            Kind::All | Kind::Alive => Query::default(),
            Kind::Closed => Query {
                states: vec![StateFilter::Standing(Standing::Closed)],
                ..Query::default()
            },
        };
        let ask = PageAsk {
            query: &query,
            is_filtered: kind == Kind::Closed,
            axis: Axis::Created,
            span,
            is_newest_first: false,
            mark: Mark::Index(0, 1),
            with_comments: false,
            leaves_out_deleted: kind != Kind::All,
        };
        Ok(counted(&self.asked(&ask).await?))
    }
}

/// The page that is compared at a turn: each of them once in as many turns, and far from the one before.
fn nth(turn: u64, pages: u64) -> u64 {
    let mut stride = (pages as f64 * 0.618).round().max(1.0) as u64;
    while greatest_common_divisor(stride, pages) != 1 {
        stride += 1;
    }
    let turn = u128::from(turn) * u128::from(stride) % u128::from(pages);
    u64::try_from(turn).unwrap_or_default()
}

fn greatest_common_divisor(one: u64, other: u64) -> u64 {
    match other {
        0 => one,
        other => greatest_common_divisor(other, one % other),
    }
}

pub(super) fn counted(page: &TicketPage) -> Option<u64> {
    match page.next {
        Next::Counted { total, .. } => Some(total),
        // An empty page counts nothing.
        Next::Nothing | Next::Cursor(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_compared_once_in_as_many_turns() {
        for pages in 1..60 {
            let met: BTreeSet<u64> = (0..pages).map(|turn| nth(turn, pages)).collect();
            assert_eq!(met, (0..pages).collect());
        }
    }
}
