//! What no total shows: a ticket whose last change went back is among none of those that were updated since, and one that
//! was purged while another came in with an old date leaves the number as it was. So the system counts how many tickets were
//! made, and changed last, before some moments, others each time. Where it counts others than are known, spans are halved:
//! what has more changes than are known is read when it fits on a page.

use std::sync::atomic::Ordering;

use jiff::Timestamp;

use super::Reading;
use super::heal::{Compared, Difference, FEW, MOST_COUNTS, counted};
use crate::error::Result;
use crate::export::replica::{Kind, Outline};
use crate::systems::page::{Axis, Mark, PageAsk};
use crate::systems::query::{Query, Span};

/// Before how many moments tickets are counted at a time.
const MOMENTS: u64 = 4;

/// What was changed last in a span, by the system's count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Changed {
    span: Span,
    counted: u64,
}

impl Reading<'_> {
    /// Compares how many tickets were made, and changed last, before some moments.
    pub(super) async fn compare_moments(
        &self,
        outline: &Outline,
        (turn, pages): (u64, u64),
        compared: &mut Compared,
    ) -> Result<()> {
        let total = compared.total;
        // A single page is compared as a whole; what is gone or new altogether is found by the total.
        if pages <= 1 || outline.count(Kind::All, Span::default()) != total {
            return Ok(());
        }
        let moments = MOMENTS.min(pages);
        for number in 0..moments {
            let part = (number as f64 + (turn as f64 * 0.618).fract()) / moments as f64;
            let made = outline.made_at(part);
            if let Some([before, behind]) = self.parted(made) {
                let ask = self.count_of(Kind::All, before).await?;
                // Who counts all of them does not heed the bound.
                if let Some(counted) = ask.filter(|counted| *counted < total)
                    && counted != outline.count(Kind::All, before)
                {
                    let of = |span, counted| Difference::of(Kind::All, span, counted);
                    compared.differences.push(of(before, counted));
                    compared.differences.push(of(behind, total - counted));
                }
            }
            let changed = outline.changed_at(part);
            if outline.count_changed(Span::default()) == total
                && let Some([before, behind]) = self.parted(changed)
            {
                let ask = self.count_changed(before).await?;
                if let Some(counted) = ask.filter(|counted| *counted < total)
                    && counted != outline.count_changed(before)
                {
                    let of = |span, counted| Changed { span, counted };
                    compared.changes.push(of(before, counted));
                    compared.changes.push(of(behind, total - counted));
                }
            }
        }
        Ok(())
    }

    /// What lies before and behind a moment.
    fn parted(&self, at: Option<Timestamp>) -> Option<[Span; 2]> {
        self.halves(Span::default(), at?).try_into().ok()
    }

    /// Reads the tickets that the system shows as changed where fewer are known.
    pub(super) async fn read_changes(&self, changes: &[Changed]) -> Result<()> {
        let outline = self.with(|replica| replica.outline()).await?;
        let leaf = self.granted.load(Ordering::Relaxed).max(FEW);
        let mut waiting = changes.to_vec();
        let mut counts = 0;
        let mut read = Vec::new();
        while let Some(Changed { span, counted }) = waiting.pop() {
            let known = outline.count_changed(span);
            if counted == known {
                continue;
            }
            let middle = outline.changed_middle(span).filter(|_| counted > leaf);
            let middle = middle.and_then(|middle| self.boundary(span, middle));
            let Some(at) = middle.filter(|_| counts < MOST_COUNTS) else {
                // Where fewer are than were, they are elsewhere now.
                if counted > known && !read.contains(&span) {
                    self.read_span(span, counted).await?;
                    read.push(span);
                }
                continue;
            };
            let early = Span {
                until: Some(at),
                ..span
            };
            counts += 1;
            let Some(counted_early) = self.count_changed(early).await? else {
                continue;
            };
            waiting.push(Changed {
                span: early,
                counted: counted_early,
            });
            waiting.push(Changed {
                span: Span {
                    from: Some(at),
                    ..span
                },
                counted: counted.saturating_sub(counted_early),
            });
        }
        Ok(())
    }

    async fn read_span(&self, span: Span, counted: u64) -> Result<()> {
        let size = self.granted.load(Ordering::Relaxed).max(1);
        for index in 0..counted.div_ceil(size) {
            let mark = Mark::Index(index, size);
            let page = self.page(Axis::Updated, span, false, true, mark).await?;
            self.store_latest(page.tickets).await?;
        }
        Ok(())
    }

    /// How many tickets the system says were changed last in a span.
    async fn count_changed(&self, span: Span) -> Result<Option<u64>> {
        let ask = PageAsk {
            query: &Query::default(),
            is_filtered: false,
            axis: Axis::Updated,
            span,
            is_newest_first: false,
            mark: Mark::Index(0, 1),
            with_comments: false,
            leaves_out_deleted: false,
        };
        Ok(counted(&self.asked(&ask).await?))
    }

    /// Where a span is parted: at the beginning of a day, where the system knows only whole ones.
    fn boundary(&self, span: Span, at: Timestamp) -> Option<Timestamp> {
        self.halves(span, at).first().and_then(|early| early.until)
    }
}
