//! What the windows that were read do not show by themselves.
//!
//! The windows that are long past are counted together once more. All tickets of a system that does not count them are
//! listed anew once a week, and what does not show is forgotten.

use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::{Reading, Told};
use crate::error::Result;
use crate::export::replica::{State, Window};
use crate::systems::page::{Mark, Next};
use crate::systems::query::Span;

/// After how long all tickets of a system that does not count them are listed anew.
const LISTED_ANEW: SignedDuration = SignedDuration::from_hours(7 * 24);
/// When they were listed last.
const LISTED: &str = "listed";

impl Reading<'_> {
    /// Begins a listing of everything where the last one is a week old; whether it does.
    pub(super) async fn list_anew(&self) -> Result<bool> {
        let now = self.now();
        let whole = self.whole(now);
        let begins = self.with(move |replica| {
            let listed = replica.moment(LISTED)?;
            if listed.is_some_and(|listed| now.duration_since(listed) < LISTED_ANEW) {
                return Ok(false);
            }
            // Else they have just been read for the first time.
            if listed.is_some() {
                // Who is killed between the two lists them once more, never once less.
                replica.list_anew(whole)?;
            }
            replica.keep_fact(LISTED, &now.to_string())?;
            Ok(listed.is_some())
        });
        let begins = begins.await?;
        if begins {
            (self.tell)(Told::Phase("looking for what is gone"));
        }
        Ok(begins)
    }

    /// Opens the windows again of which the system counts other tickets now than it did when they were read, of those that
    /// ended before the reading began; whether there are some. Each was proven by its own count, which may have been cut
    /// with it: all of them are counted at once.
    pub(super) async fn recount(&self, began: Timestamp) -> Result<bool> {
        if !self.is_counted.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let (read, unproven) = self
            .with(|replica| {
                Ok((
                    replica.counted_windows()?,
                    replica.windows(State::Unproven)?,
                ))
            })
            .await?;
        let past = |window: &Window| window.span.until.is_some_and(|until| until <= began);
        let read: Vec<_> = read
            .into_iter()
            .filter(|(window, _)| past(window))
            .collect();
        // What is not proven is told anyway.
        if read.len() < 2 || unproven.iter().any(past) {
            return Ok(false);
        }
        let starts = read.iter().map(|(window, _)| window.span.from);
        let ends = read.iter().filter_map(|(window, _)| window.span.until);
        let all = Span {
            from: starts.min().flatten(),
            until: ends.max(),
        };
        let mut known = 0;
        for (_, rows) in &read {
            match rows {
                Some(rows) => known += rows,
                // An earlier version did not keep it.
                None => return Ok(false),
            }
        }
        if self.count_asked(all).await? == Some(known) {
            return Ok(false);
        }
        let mut differs = false;
        for (window, rows) in read {
            if self.count_asked(window.span).await? != rows {
                differs = true;
                self.with(move |replica| replica.reopen_window(window))
                    .await?;
            }
        }
        Ok(differs)
    }

    /// How many tickets the system shows of a span when it is asked as the windows are read.
    async fn count_asked(&self, span: Span) -> Result<Option<u64>> {
        let mark = Mark::Index(0, 1);
        let page = self.witness(self.axis, span, true, false, mark).await?;
        Ok(match page.next {
            Next::Counted { total, .. } => Some(total),
            Next::Nothing | Next::Cursor(_) => None,
        })
    }
}
