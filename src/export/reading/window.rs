//! Reading one window to its end.

use std::sync::atomic::Ordering;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use tokio::sync::mpsc::UnboundedSender;

use super::{Reading, Told, Unproven};
use crate::error::Result;
use crate::export::replica::{Replica, State, Window};
use crate::systems::Reading as Answer;
use crate::systems::page::{Axis, Mark, Next, Shown, TicketPage};
use crate::systems::query::Span;
use crate::systems::{Gap, Seen, Verdict};

/// The most pages of a window: what is read again when its count does not fit. Systems that cut long listings off do so
/// later.
const MOST_PAGES: u64 = 10;
/// Into how many windows one is split at once.
const MOST_PARTS: u64 = 64;
/// How often a window is read until its count fits.
const TRIES: u32 = 4;
/// How many of the newest tickets are read as a witness of where a list ends.
const WITNESSES: u64 = 100;
/// How many of the tickets that a counted window does not show are asked for before the others are forgotten.
const PROBED: u32 = 20;
/// A shorter rest of a window is not worth another reader.
const SHORTEST: SignedDuration = SignedDuration::from_secs(60);
/// How far outside its bounds a listing may show rows: whole days, in another zone.
const STRAY: SignedDuration = SignedDuration::from_hours(49);

impl Reading<'_> {
    /// Reads a window; answers with those that take its place where it is too long.
    pub(super) async fn window(
        &self,
        window: Window,
        cuts: UnboundedSender<Window>,
    ) -> Result<Vec<Window>> {
        let first = self.first(window).await?;
        if self.strays(window.span, &first.tickets) {
            self.is_unbounded.store(true, Ordering::Relaxed);
            return Ok(Vec::new());
        }
        match first.next.clone() {
            Next::Cursor(_) | Next::Nothing => self.by_cursor(window, first, cuts).await?,
            Next::Counted { total, size } => {
                self.is_counted.store(true, Ordering::Relaxed);
                let parts = match total > MOST_PAGES * size {
                    true => {
                        let count = total.div_ceil(MOST_PAGES * size / 2);
                        self.parts(window, count, &first).await?
                    }
                    false => Vec::new(),
                };
                if parts.len() > 1 {
                    let split = move |replica: &mut Replica| replica.split_window(window, &parts);
                    return self.with(split).await;
                }
                self.by_index(window, first, size).await?;
            }
        }
        Ok(Vec::new())
    }

    async fn first(&self, window: Window) -> Result<TicketPage> {
        let page = self
            .page(self.axis, window.span, true, false, Mark::First)
            .await?;
        if let Next::Counted { total, size } = page.next
            && total <= MOST_PAGES * size
        {
            (self.tell)(Told::Expected(total));
        }
        Ok(page)
    }

    async fn end(&self, window: Window, state: State, pages: u64) -> Result<()> {
        self.with(move |replica| replica.end_window(window, state, pages))
            .await
    }

    /// Ends a window of which nobody knows whether it is whole; `may_pass`: it may be known when it is read once more.
    async fn leave_unproven(
        &self,
        window: Window,
        pages: u64,
        why: String,
        may_pass: bool,
    ) -> Result<()> {
        self.unproven()
            .insert(window.id, Unproven { why, may_pass });
        self.end(window, State::Unproven, pages).await
    }

    /// Whether the listing shows rows that lie far from the bounds that were asked for.
    fn strays(&self, span: Span, rows: &[Shown]) -> bool {
        let from = span.from.and_then(|at| at.checked_sub(STRAY).ok());
        let until = span.until.and_then(|at| at.checked_add(STRAY).ok());
        rows.iter().any(|shown| {
            let at = self.axis.of(&shown.ticket);
            at.is_some_and(|at| {
                from.is_some_and(|from| at < from) || until.is_some_and(|until| at > until)
            })
        })
    }

    /// Shorter windows in the place of one, each of whole days where the system knows only those; one, where it cannot be
    /// shorter.
    async fn parts(&self, window: Window, count: u64, first: &TicketPage) -> Result<Vec<Span>> {
        if self.is_single().await? {
            return Ok(Vec::new());
        }
        let oldest = first
            .tickets
            .iter()
            .filter_map(|shown| self.axis.of(&shown.ticket));
        let Some(from) = window.span.from.or_else(|| oldest.min()) else {
            return Ok(Vec::new());
        };
        let until = window.span.until.unwrap_or_else(|| self.now());
        let count = count.min(MOST_PARTS);
        Ok(split(
            window.span,
            from,
            until,
            count,
            self.system.window_days().as_ref(),
        ))
    }

    /// Reads the pages of a window that is counted, side by side, until as many tickets came as there are.
    async fn by_index(&self, window: Window, first: TicketPage, size: u64) -> Result<()> {
        let mut first = Some(first);
        let mut pages = 0;
        for _ in 0..TRIES {
            let page = match first.take() {
                Some(first) => first,
                None => self.first(window).await?,
            };
            let mut seen = Seen::default();
            seen.take(&page.times(self.axis));
            let mut count = Count::new(counted(&page).unwrap_or_default());
            self.store(page.tickets, None).await?;
            pages = 1 + self.others(window, size, 1, &mut seen, &mut count).await?;
            if self.is_most(window, count.latest)
                && count.fits(seen.len())
                && self.agrees(window, size, &mut seen, &mut count).await?
                && self.forget_gone(window.span, &seen, true).await?
            {
                let rows = seen.len();
                self.with(move |replica| replica.keep_rows(window, rows))
                    .await?;
                return self.end(window, State::Read, pages).await;
            }
        }
        let why = format!(
            "the tickets made {} did not come as the system counts them, {TRIES} times over",
            told(window.span)
        );
        self.leave_unproven(window, pages, why, true).await
    }

    /// Whether a window was never counted higher: a try that fits by chance shows less than those before it. Of tickets that
    /// leave a listing when they are closed, say, there may be fewer each time.
    fn is_most(&self, window: Window, counted: u64) -> bool {
        if self.order.query.is_mutable() {
            return true;
        }
        let mut most = self.most();
        let most = most.entry(window.id).or_default();
        *most = (*most).max(counted);
        *most == counted
    }

    /// Reads the pages of a window from this one on, side by side; how many.
    async fn others(
        &self,
        window: Window,
        size: u64,
        mut from: u64,
        seen: &mut Seen<Timestamp>,
        count: &mut Count,
    ) -> Result<u64> {
        let mut pages = 0;
        loop {
            // What came since stands at the end.
            let missing = (from..count.latest.div_ceil(size)).collect::<Vec<_>>();
            if missing.is_empty() {
                return Ok(pages);
            }
            from += missing.len() as u64;
            pages += missing.len() as u64;
            let before = seen.len();
            let fetch = |index| self.one(window, index, size);
            let mut came =
                stream::iter(missing.into_iter().map(fetch)).buffer_unordered(self.concurrency);
            while let Some((rows, total)) = came.try_next().await? {
                seen.take(&rows);
                count.told(total);
            }
            if count.fits(seen.len()) || !count.has_grown() || seen.len() == before {
                return Ok(pages);
            }
            // The last page may have been filled meanwhile.
            from = from.saturating_sub(1);
        }
    }

    /// Whether the newest tickets of a window that no other follows are those that were seen: a count may be cut with the
    /// list that it counts.
    async fn agrees(
        &self,
        window: Window,
        size: u64,
        seen: &mut Seen<Timestamp>,
        count: &mut Count,
    ) -> Result<bool> {
        let end = window.span.until;
        if end.is_some() && end != self.whole(self.now()).until {
            return Ok(true);
        }
        let mark = Mark::Index(0, WITNESSES);
        let page = self
            .witness(self.axis, window.span, true, true, mark)
            .await?;
        let rows = page.times(self.axis);
        let total = counted(&page);
        let verdict = seen.compare(&rows, total <= Some(rows.len() as u64));
        self.store(page.tickets, None).await?;
        if verdict == Verdict::Same && total == Some(seen.len()) {
            return Ok(true);
        }
        if verdict == Verdict::Other || total < Some(seen.len()) {
            return Ok(false);
        }
        // They were made meanwhile, or the list was cut before them: then it is cut again.
        count.told(total);
        let from = seen.len() / size;
        self.others(window, size, from, seen, count).await?;
        Ok(count.fits(seen.len()) && rows.iter().all(|(id, _)| seen.contains(id)))
    }

    /// Reads one page of a window: which tickets came, and how many there are in all.
    async fn one(
        &self,
        window: Window,
        index: u64,
        size: u64,
    ) -> Result<(Vec<(String, Option<Timestamp>)>, Option<u64>)> {
        let mark = Mark::Index(index, size);
        let page = self.page(self.axis, window.span, true, false, mark).await?;
        let (rows, total) = (page.times(self.axis), counted(&page));
        self.store(page.tickets, None).await?;
        Ok((rows, total))
    }

    /// Forgets the tickets of a window that it did not show; `false`: it leaves one out that is there. A day filter may be
    /// read in another zone than ours: near its ends a ticket may stand in the next window, so that there each is asked for
    /// by itself. So is every one of a listing that the system did not count, which may lag behind, and the first few of one
    /// that it did: one that is cut with its count would cost all the others.
    async fn forget_gone(
        &self,
        span: Span,
        seen: &Seen<Timestamp>,
        is_counted: bool,
    ) -> Result<bool> {
        if self.axis == Axis::Updated {
            // Tickets are kept by their creation, which such a window says nothing of.
            return Ok(true);
        }
        let mut unseen = self
            .with(move |replica| replica.others(span, &|_| false))
            .await?;
        unseen.retain(|(id, _)| !seen.contains(id));
        let margin = match self.system.window_days() {
            Some(_) => SignedDuration::from_hours(24),
            None => SignedDuration::from_secs(1),
        };
        let near = |end: Option<Timestamp>, at: Timestamp| {
            end.is_some_and(|end| at.duration_since(end).abs() < margin)
        };
        let is_inside = |at: Timestamp| {
            let is_after = span.from.is_none_or(|from| at >= from);
            let is_before = span.until.is_none_or(|until| at < until);
            is_after && is_before && !near(span.from, at) && !near(span.until, at)
        };
        let goes_by_creation = self.order.is_lasting || self.order.query.goes_by_creation();
        let mut asked = 0;
        for (id, made) in unseen {
            if !is_counted || asked < PROBED || near(span.from, made) || near(span.until, made) {
                self.check_stop()?;
                asked += 1;
                match self.system.read_ticket(&id, self.permit).await? {
                    Answer::Absent => {}
                    // With a filter it may have left what is asked for.
                    Answer::Found(listed) => match listed.created_at {
                        Some(at) if goes_by_creation && is_inside(at) => return Ok(false),
                        _ => continue,
                    },
                    Answer::Another(_) | Answer::Unclear(_) => continue,
                }
            }
            self.with(move |replica| replica.forget(&id)).await?;
        }
        Ok(true)
    }

    /// Follows the cursor. An idle reader takes the later half of what is left.
    async fn by_cursor(
        &self,
        mut window: Window,
        first: TicketPage,
        cuts: UnboundedSender<Window>,
    ) -> Result<()> {
        // A cursor belongs to the listing that it came from, whose end stays where it was.
        let bounds = window.span;
        let mut page = first;
        let mut led_by = Mark::First;
        let mut seen = Seen::default();
        let mut order = InOrder::within(bounds);
        let mut pages = 0;
        let mut is_short = false;
        let gap = loop {
            pages += 1;
            for shown in &page.tickets {
                order.next(self.axis.of(&shown.ticket));
            }
            // Only what stands at one time may repeat: all that came before lies behind.
            let is_stuck = seen.take(&page.times(self.axis)).fresh == 0;
            is_short |= page.is_short;
            let (next, gap) = (page.next.clone(), page.gap(seen.len()));
            let reached = order.reached().filter(|_| !is_short);
            // What the last page shows counts when the other end agrees.
            let kept = reached.filter(|_| next != Next::Nothing);
            self.store(page.tickets, kept.map(|at| (window.id, at)))
                .await?;
            let is_past =
                reached.is_some_and(|at| window.span.until.is_some_and(|until| at >= until));
            let cursor = match next {
                Next::Cursor(cursor) if !is_past => cursor,
                _ if is_past || is_short => break None,
                _ => break gap.or(self.gap_at_end(bounds, led_by, &mut seen).await?),
            };
            if is_stuck {
                let why = format!(
                    "the system shows the same tickets again and again from {} on",
                    reached.map_or("the beginning".to_owned(), |at| at.to_string())
                );
                return self.leave_unproven(window, pages, why, is_short).await;
            }
            if let Some(rest) = self.rest(window.span, reached).await? {
                let late = self
                    .with(move |replica| replica.cut_window(window.id, rest.0, rest.1))
                    .await?;
                window.span.until = Some(rest.0);
                // The readers are gone when the reading has ended.
                let _ = cuts.send(late);
            }
            led_by = Mark::Cursor(cursor);
            page = self
                .page(self.axis, bounds, true, false, led_by.clone())
                .await?;
        };
        if !order.is_kept {
            let why = Gap::Disorder.to_string();
            return self.leave_unproven(window, pages, why, false).await;
        }
        let gap = gap.or(is_short.then_some(Gap::Short));
        if let Some(gap) = gap {
            let why = format!(
                "of the tickets made {} some may be missing: {gap}",
                told(bounds)
            );
            return self.leave_unproven(window, pages, why, true).await;
        }
        if !self.forget_gone(window.span, &seen, false).await? {
            let why = format!(
                "the list of the tickets made {} leaves some out that are there",
                told(window.span)
            );
            return self.leave_unproven(window, pages, why, true).await;
        }
        self.end(window, State::Read, pages).await
    }

    /// Whether the newest tickets within these bounds are those that were seen, now that the system says that none follows
    /// the page of that mark; why that is not so.
    async fn gap_at_end(
        &self,
        bounds: Span,
        mut mark: Mark,
        seen: &mut Seen<Timestamp>,
    ) -> Result<Option<Gap>> {
        let page = self
            .witness(self.axis, bounds, true, true, Mark::First)
            .await?;
        let rows = page.times(self.axis);
        let is_all = page.next == Next::Nothing;
        let lacks = page.is_short || is_all && page.gap(rows.len() as u64).is_some();
        let verdict = seen.compare(&rows, is_all);
        self.store(page.tickets, None).await?;
        match verdict {
            _ if lacks => return Ok(Some(Gap::OtherEnd)),
            Verdict::Same => return Ok(None),
            Verdict::Other => return Ok(Some(Gap::OtherEnd)),
            Verdict::Further => {}
        }
        // They were made meanwhile, or the list was cut before them: then it is cut again.
        let mut is_again = true;
        loop {
            let page = self.page(self.axis, bounds, true, false, mark).await?;
            let is_new = seen.take(&page.times(self.axis)).fresh > 0;
            let next = page.next.clone();
            self.store(page.tickets, None).await?;
            match next {
                Next::Cursor(cursor) if is_new || is_again => mark = Mark::Cursor(cursor),
                _ => break,
            }
            is_again = false;
        }
        let shows_all = rows.iter().all(|(id, _)| seen.contains(id));
        Ok((!shows_all).then_some(Gap::OtherEnd))
    }

    /// The later half of what is left of a window, where a reader is idle.
    async fn rest(
        &self,
        span: Span,
        reached: Option<Timestamp>,
    ) -> Result<Option<(Timestamp, Span)>> {
        let Some(reached) = reached else {
            return Ok(None);
        };
        let until = span.until.unwrap_or_else(|| self.now());
        let left = until.duration_since(reached);
        if left < SHORTEST || self.is_single().await? {
            return Ok(None);
        }
        let takes = self
            .idle
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |idle| {
                idle.checked_sub(1)
            });
        if takes.is_err() {
            return Ok(None);
        }
        let middle = reached.saturating_add(left / 2).unwrap_or(reached);
        let rest = Span {
            from: Some(middle),
            until: span.until,
        };
        Ok(Some((middle, rest)))
    }
}

fn counted(page: &TicketPage) -> Option<u64> {
    match page.next {
        Next::Counted { total, .. } => Some(total),
        Next::Nothing | Next::Cursor(_) => None,
    }
}

/// A span, for people.
pub(super) fn told(span: Span) -> String {
    match (span.from, span.until) {
        (Some(from), Some(until)) => format!("from {from:.0} to {until:.0}"),
        (Some(from), None) => format!("since {from:.0}"),
        (None, Some(until)) => format!("before {until:.0}"),
        (None, None) => "at any time".to_owned(),
    }
}

/// Splits a span into so many parts that meet; the outer sides stay as they are. With a zone each part begins with a day.
fn split(
    span: Span,
    from: Timestamp,
    until: Timestamp,
    count: u64,
    days: Option<&TimeZone>,
) -> Vec<Span> {
    let length = until.duration_since(from);
    let mut bounds: Vec<Timestamp> = Vec::new();
    for part in 1..count {
        let share = length.as_secs_f64() * part as f64 / count as f64;
        let Ok(offset) = SignedDuration::try_from_secs_f64(share) else {
            continue;
        };
        let Ok(at) = from.checked_add(offset) else {
            continue;
        };
        let at = match days {
            None => Some(at),
            Some(zone) => {
                let day = zone.to_datetime(at).date();
                let day = if at == from {
                    day
                } else {
                    day.saturating_add(1.day())
                };
                day.to_zoned(zone.clone()).ok().map(|day| day.timestamp())
            }
        };
        let is_inside = |at: &Timestamp| *at > from && *at < until;
        if let Some(at) = at.filter(is_inside)
            && bounds.last().is_none_or(|last| *last < at)
        {
            bounds.push(at);
        }
    }
    let starts = [span.from]
        .into_iter()
        .chain(bounds.iter().copied().map(Some));
    let ends = bounds.iter().copied().map(Some).chain([span.until]);
    starts
        .zip(ends)
        .map(|(from, until)| Span { from, until })
        .collect()
}

/// What the system counts, as its pages tell.
#[derive(Debug)]
struct Count {
    first: u64,
    latest: u64,
    has_fallen: bool,
}

impl Count {
    fn new(first: u64) -> Self {
        Self {
            first,
            latest: first,
            has_fallen: false,
        }
    }

    fn told(&mut self, total: Option<u64>) {
        let Some(total) = total else {
            self.has_fallen = true;
            return;
        };
        // Pages come in no order: only what is less than there was at first says that some went.
        self.has_fallen |= total < self.first;
        self.latest = self.latest.max(total);
    }

    fn has_grown(&self) -> bool {
        self.latest > self.first
    }

    fn fits(&self, seen: u64) -> bool {
        !self.has_fallen && seen == self.latest
    }
}

/// Whether rows come in the order of their times, and how far they have come.
#[derive(Debug)]
struct InOrder {
    /// Where the window begins; a listing may show what lies before it.
    from: Option<Timestamp>,
    last: Option<Timestamp>,
    is_kept: bool,
}

impl InOrder {
    fn within(span: Span) -> Self {
        Self {
            from: span.from,
            last: None,
            is_kept: true,
        }
    }

    fn next(&mut self, at: Option<Timestamp>) {
        self.is_kept &= at.is_some() && at >= self.last;
        self.last = at.or(self.last);
    }

    fn reached(&self) -> Option<Timestamp> {
        let last = self.last.filter(|_| self.is_kept)?;
        Some(self.from.map_or(last, |from| from.max(last)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    proptest! {
        #[test]
        fn parts_meet_and_cover_the_whole(from in 0i64..2_000_000_000, length in 1i64..100_000_000, count in 1u64..70, zone in 0..3_usize, is_open: bool) {
            let (from, until) = (at(from), at(from + length));
            let zone = [None, Some("America/Chicago"), Some("Australia/Lord_Howe")][zone];
            let zone = zone.map(|name| TimeZone::get(name).unwrap());
            let span = Span {
                from: (!is_open).then_some(from),
                until: (!is_open).then_some(until),
            };
            let parts = split(span, from, until, count, zone.as_ref());
            prop_assert_eq!(parts.first().unwrap().from, span.from);
            prop_assert_eq!(parts.last().unwrap().until, span.until);
            for two in parts.windows(2) {
                prop_assert!(two[0].until.is_some() && two[0].until == two[1].from);
                prop_assert!(two[0].from < two[0].until);
                let day = zone.as_ref().map(|zone| zone.to_datetime(two[1].from.unwrap()));
                if let (Some(zone), Some(day)) = (&zone, day) {
                    let begins = day.date().to_zoned(zone.clone()).unwrap().timestamp();
                    prop_assert_eq!(Some(begins), two[1].from, "a part begins with a day");
                }
            }
        }
    }

    #[test]
    fn a_count_fits_where_all_came_and_none_went() {
        let told = |totals: &[Option<u64>]| {
            let mut count = Count::new(30);
            totals.iter().for_each(|total| count.told(*total));
            count
        };
        assert!(told(&[Some(30), Some(30)]).fits(30));
        assert!(!told(&[Some(30)]).fits(29), "one is missing");
        assert!(!told(&[Some(29), Some(30)]).fits(30), "one went meanwhile");
        assert!(
            told(&[Some(31), Some(32), Some(31)]).fits(32),
            "two came meanwhile"
        );
        assert!(!told(&[None]).fits(30), "a page told no count");
    }

    #[test]
    fn an_order_that_breaks_says_nothing_of_how_far_it_is() {
        let mut order = InOrder::within(Span::default());
        for seconds in [1, 2, 2] {
            order.next(Some(at(seconds)));
        }
        assert_eq!(order.reached(), Some(at(2)));
        order.next(Some(at(1)));
        assert_eq!(order.reached(), None);
    }

    #[test]
    fn what_is_shown_from_before_a_window_makes_it_no_longer() {
        let mut order = InOrder::within(Span {
            from: Some(at(100)),
            until: Some(at(130)),
        });
        order.next(Some(at(40)));
        assert_eq!(order.reached(), Some(at(100)));
        order.next(Some(at(110)));
        assert_eq!(order.reached(), Some(at(110)));
    }
}
