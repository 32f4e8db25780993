//! What is not there any more: a deleted ticket need not show among those that were updated.
//!
//! The system's count is compared with that of the replica; where they differ, window by window, and the windows that
//! differ are read again. A system that does not count its tickets cannot be asked so: once a week all are listed anew, and
//! what does not show is forgotten.

use jiff::SignedDuration;

use super::{Reading, Told};
use crate::error::Result;
use crate::systems::page::{Axis, Mark, Next};
use crate::systems::query::Span;

/// After how long all tickets of a system that does not count them are listed anew.
const LISTED_ANEW: SignedDuration = SignedDuration::from_hours(7 * 24);
/// When they were listed last.
const LISTED: &str = "listed";

impl Reading<'_> {
    /// Opens the windows again in which the system has other tickets than the replica; whether there are some.
    pub(super) async fn sweep(&self) -> Result<bool> {
        let Some(total) = self.count(Span::default()).await? else {
            return self.list_anew();
        };
        if total == self.replica().count(Span::default())? {
            return Ok(false);
        }
        (self.tell)(Told::Phase("looking for what is gone"));
        let mut differs = false;
        let windows = self.replica().read_windows()?;
        for window in windows {
            let counted = self.count(window.span).await?;
            let known = self.replica().count(window.span)?;
            if counted != Some(known) {
                differs = true;
                self.replica().reopen_window(window)?;
            }
        }
        Ok(differs)
    }

    /// Begins a listing of everything where the last one is a week old; whether it does.
    fn list_anew(&self) -> Result<bool> {
        let now = self.now();
        let mut replica = self.replica();
        let listed = replica.moment(LISTED)?;
        if listed.is_some_and(|listed| now.duration_since(listed) < LISTED_ANEW) {
            return Ok(false);
        }
        if listed.is_none() {
            // They have just been read for the first time.
            replica.keep_fact(LISTED, &now.to_string())?;
            return Ok(false);
        }
        // Who is killed between the two lists them once more, never once less.
        replica.list_anew(self.whole(now))?;
        replica.keep_fact(LISTED, &now.to_string())?;
        drop(replica);
        (self.tell)(Told::Phase("looking for what is gone"));
        Ok(true)
    }

    /// How many tickets the system has in a span, where it counts them.
    async fn count(&self, span: Span) -> Result<Option<u64>> {
        let mark = Mark::Index(0, 1);
        let page = self.page(Axis::Created, span, false, false, mark).await?;
        Ok(match page.next {
            Next::Counted { total, .. } => Some(total),
            Next::Nothing if page.tickets.is_empty() => Some(0),
            Next::Nothing | Next::Uncounted { .. } | Next::Cursor(_) => None,
        })
    }
}
