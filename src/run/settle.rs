//! Rows in doubt: one listing for all of them, and what it proves.
//!
//! The caller has waited until the system can no longer surprise. A hit counts only when the listed ticket bears the
//! reference in place, whatever the filters of the listing promised, when title and text are not another's, and when
//! the ledger does not hold the ticket already.
//!
//! *Not found* counts only where the listing was whole, another ticket of the scope in the same group was listed back
//! with its reference, and no ticket is left that may be the row's without showing it ([`super::evidence`]). Which run
//! made that other ticket does not matter: the run that left the doubt may have sent nothing else. All of this holds for
//! each place by itself that bears references. A row that the system refused needs no such ticket, unless the ledger holds
//! some that must be in the listing and none is.

mod decide;
mod evidence;
mod seen;

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Span as Hours, Timestamp};
use tokio::time::sleep;

use super::context::RunContext;
use super::lookout::is_as_sent;
use super::plan::Doubt;
use super::retry::Backoff;
use super::verify::{Verified, there, verify};
use crate::error::{ErrorKind, Result};
use crate::ledger::{Candidate, Control, Doubted};
use crate::record::RowKey;
use crate::systems::{Gap, Listed, SentAt, Ticket, Window};

use decide::decide_all;
pub(super) use decide::{Decision, NO_MARKER};
use seen::{Hit, Seen, Wanted};

/// How many tickets of a group may serve as the proof that a listing finds what is there.
const CONTROLS: u32 = 200;
/// Date filters are whole days in the site's zone: a day on both sides covers every zone.
const MARGIN_HOURS: i64 = 24;
/// A ticket that was made so long before the first row in doubt is in the window whatever the site's zone: the margin less
/// what a zone may be away.
const SURELY_LISTED: SignedDuration = SignedDuration::from_hours(8);

/// Settles rows in doubt by one listing; the decisions are in their order.
///
/// # Errors
/// When the ledger cannot be read. A listing that cannot be had is a decision: all stays open.
pub(super) async fn settle(
    context: &RunContext,
    doubts: &[Doubt],
    commit_within: Duration,
) -> Result<Vec<Decision>> {
    let mut wanted = Wanted::of_doubts(doubts, commit_within);
    controls(context, doubts, &mut wanted).await?;
    let mut seen = match list(context, &wanted).await {
        Ok(seen) => seen,
        Err(why) => {
            let why = format!("the tickets of the time could not be listed: {why}");
            return Ok(doubts
                .iter()
                .map(|_| Decision::Failed(why.clone()))
                .collect());
        }
    };
    let held = context.owners(seen.unknown()).await?;
    Ok(decide_all(doubts, &wanted, seen, &held))
}

/// What the sweep brought: the rows with their doubles, and those that need not be looked at again.
#[derive(Debug, Default)]
pub(super) struct Swept {
    pub(super) doubles: Vec<(RowKey, Verified)>,
    pub(super) closed: Vec<RowKey>,
    /// Why the listing is not whole, and so proves nothing.
    pub(super) gap: Option<Gap>,
    /// Rows that were refused in a shape that is not believed any more, and their tickets, the earliest first.
    pub(super) made: Vec<(RowKey, Vec<Ticket>)>,
    /// The same of tickets that bear the reference under another title.
    pub(super) alleged: Vec<(RowKey, Vec<Candidate>)>,
    /// Rows that a rollback took back, and tickets that are there all the same.
    pub(super) left: Vec<(RowKey, Vec<Ticket>)>,
}

/// Looks once more at every row of the scope that ever was in doubt and has its ticket: whether it has several.
/// Rows are looked at again by later runs until `long` has passed since they were sent, since a system that breaks
/// the assumption about its latest commit does so after the run.
///
/// # Errors
/// When the ledger cannot be read; a listing that cannot be had is the inner error.
pub(super) async fn sweep(
    context: &RunContext,
    long: Duration,
) -> Result<std::result::Result<Swept, String>> {
    let doubted = context.run.doubted().await?;
    let refused = context
        .run
        .refused_in(context.system.shapes().lost())
        .await?;
    if doubted.is_empty() && refused.is_empty() {
        return Ok(Ok(Swept::default()));
    }
    let rows = doubted.iter().chain(&refused);
    let wanted = Wanted::of(rows.map(|row| (&*row.group, Some(&*row.reference), row.sent_at)));
    let seen = match list(context, &wanted).await {
        Ok(seen) => seen,
        Err(why) => return Ok(Err(why)),
    };
    let ids = seen
        .hits
        .values()
        .flatten()
        .map(|hit| hit.listed.ticket.id.clone());
    let held = context.owners(ids.collect()).await?;
    let hits = |row: &Doubted| -> Vec<&Hit> {
        let hits = seen.free(&row.group, (&row.reference, row.length()), &held);
        let is_its = |hit: &&Hit| !hit.refs(None).is_torn() || says_what_was_sent(row, hit);
        hits.into_iter().filter(is_its).collect()
    };
    let tickets = |hits: Vec<&Hit>| -> Vec<Ticket> {
        let tickets = hits.into_iter().map(|hit| hit.listed.ticket.clone());
        tickets.collect()
    };
    let free = |row: &Doubted| tickets(hits(row));
    let (mut made, mut alleged) = (Vec::new(), Vec::new());
    for row in &refused {
        let (own, others): (Vec<&Hit>, Vec<&Hit>) =
            hits(row).into_iter().partition(|hit| is_titled(row, hit));
        match (own.is_empty(), others.is_empty()) {
            (false, _) => made.push((row.key.clone(), tickets(own))),
            (true, false) => {
                let candidates = others.into_iter().map(Hit::candidate);
                alleged.push((row.key.clone(), candidates.collect()));
            }
            (true, true) => {}
        }
    }
    let (mut doubles, mut left) = (Vec::new(), Vec::new());
    for row in &doubted {
        let tickets = free(row);
        if tickets.is_empty() {
            continue;
        }
        if row.is_undone {
            match there(context, (&row.group, &row.reference), tickets).await {
                Ok(tickets) => left.push((row.key.clone(), tickets)),
                Err(error) => return Ok(Err(error.to_string())),
            }
            continue;
        }
        let own = Ticket {
            id: row.ticket.clone(),
            ..Ticket::default()
        };
        match verify(context, &own, (&row.group, &row.reference), tickets).await {
            Ok(verified) => doubles.push((row.key.clone(), verified)),
            Err(error) => return Ok(Err(error.to_string())),
        }
    }
    let is_old = |row: &Doubted| {
        let sent = SentAt::of(row.sent_at, row.print.as_ref());
        context.passed(sent) > long
    };
    Ok(Ok(Swept {
        gap: seen.gap,
        closed: doubted
            .iter()
            .filter(|row| seen.gap.is_none() && is_old(row))
            .map(|row| row.key.clone())
            .collect(),
        doubles,
        made,
        alleged,
        left,
    }))
}

/// Whether a ticket has the title that was sent for a row, as far as is known.
fn is_titled(row: &Doubted, hit: &Hit) -> bool {
    let title = hit.listed.title();
    row.print
        .as_ref()
        .zip(title)
        .is_none_or(|(print, title)| is_as_sent(print, title))
}

/// Whether a ticket shows the words that were sent for a row.
fn says_what_was_sent(row: &Doubted, hit: &Hit) -> bool {
    let text = hit.listed.text.as_deref();
    (row.print.as_ref().zip(text)).is_some_and(|(print, text)| print.is_text(text))
}

/// Adds tickets that prove, when they are listed back, that a listing finds what is there: the oldest of the window
/// must be visible by now, and many at once.
async fn controls(context: &RunContext, doubts: &[Doubt], wanted: &mut Wanted) -> Result<()> {
    let from = window(wanted, context.now_at_the_latest()).from;
    let earliest = wanted
        .from
        .and_then(|from| from.checked_sub(SURELY_LISTED).ok());
    // One that was made just now may be invisible still; a list that shows nothing is no word for a refusal then either.
    let may_show = |control: &Control| {
        let at = control.sent_at.zip(earliest);
        at.is_some_and(|(at, earliest)| at >= earliest)
    };
    let groups: HashSet<&str> = doubts.iter().map(|doubt| doubt.group.as_str()).collect();
    for group in groups {
        for since in [Some(from), None] {
            let found = context
                .run
                .controls(group.to_owned(), since, CONTROLS)
                .await?;
            let schema = context.system.schema();
            let canonical = |mut control: Control| {
                control.ticket = schema.ticket_id(&control.ticket);
                control
            };
            if found.iter().any(may_show) {
                wanted.expect(group);
            }
            wanted.control(group, found.into_iter().map(canonical).collect());
        }
    }
    Ok(())
}

/// The window of doubt, a day wider on both sides, on the system's clock.
fn window(wanted: &Wanted, now: Timestamp) -> Window {
    let day = Hours::new().hours(MARGIN_HOURS);
    let from = wanted.from.unwrap_or(now).min(now);
    let to = wanted.to.unwrap_or(now).max(now);
    Window {
        from: from.checked_sub(day).unwrap_or(Timestamp::MIN),
        to: to.checked_add(day).unwrap_or(Timestamp::MAX),
    }
}

/// Lists the window, a few times when it does not work.
async fn list(context: &RunContext, wanted: &Wanted) -> std::result::Result<Seen, String> {
    let mut backoff = Backoff::repeat();
    loop {
        let mut seen = Seen::default();
        let mut page = |listed: Vec<Listed>| {
            for ticket in &listed {
                seen.take(ticket, wanted);
            }
        };
        let window = window(wanted, context.now_at_the_latest());
        let ended = context
            .system
            .list_created(window, context.limiter.as_ref(), &mut page)
            .await;
        match ended {
            Ok(end) => {
                seen.gap = end.gap;
                return Ok(seen);
            }
            Err(error) => match backoff.next() {
                Some(wait) if error.kind() != ErrorKind::Denied => sleep(wait).await,
                _ => return Err(error.to_string()),
            },
        }
    }
}

#[cfg(test)]
mod tests;
