//! Rows in doubt: one listing for all of them, and what it proves.
//!
//! The caller has waited until the system can no longer surprise. A hit counts only when the text that was listed
//! bears the reference, whatever the filters of the listing promised, and only when the ledger does not hold the
//! ticket already. The last reference of a text is the ticket's own: one before it is quoted by the row itself.
//! *Not found* counts only where something was found: another ticket of the scope in the same group was listed
//! back with its reference, and the listing was whole. Which run made that ticket does not matter: the run that
//! left the doubt may have sent nothing else.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::{Span, Timestamp};
use tokio::time::sleep;

use super::plan::Doubt;
use super::retry::Backoff;
use super::row::Line;
use crate::error::{ErrorKind, Result};
use crate::ledger::Doubted;
use crate::record::RowKey;
use crate::systems::{Listed, Ticket, Window};

/// Finds the references in a text.
pub type FindReferences<'a> = &'a (dyn Fn(&str) -> Vec<String> + Send + Sync);

/// How many tickets of a group may serve as the proof that a listing finds what is there.
const CONTROLS: u32 = 200;
/// Date filters are whole days in the site's zone: a day on both sides covers every zone.
const MARGIN_HOURS: i64 = 24;

/// What a listing says about one row.
#[derive(Debug)]
pub(super) enum Decision {
    /// It was made: the earliest ticket that bears its reference, and further ones.
    Found(Ticket, Vec<Ticket>),
    /// It was not made.
    Absent,
    /// Nothing is proven: why.
    Open(String),
}

struct Hit {
    ticket: Ticket,
    created_at: Option<Timestamp>,
}

/// What one listing brought.
#[derive(Default)]
struct Seen {
    /// Tickets by the reference that they bear, each once.
    hits: HashMap<String, Vec<Hit>>,
    ids: HashSet<String>,
    /// Groups in which a ticket was listed back with its reference.
    proven: HashSet<String>,
    whole: bool,
}

impl Seen {
    fn take(
        &mut self,
        listed: Listed,
        wanted: &HashSet<&str>,
        controls: &HashMap<String, String>,
        find: FindReferences<'_>,
    ) {
        let Some(text) = &listed.text else { return };
        // A ticket has one reference of its own, at the end; were it taken for two rows, one of them would be lost.
        let Some(reference) = find(text).pop() else {
            return;
        };
        if controls.get(&listed.ticket.id) == Some(&reference) {
            self.proven.insert(listed.group.clone());
        }
        if wanted.contains(reference.as_str()) && self.ids.insert(listed.ticket.id.clone()) {
            self.hits.entry(reference).or_default().push(Hit {
                ticket: listed.ticket,
                created_at: listed.created_at,
            });
        }
    }

    /// The tickets that bear a reference and that the ledger does not hold, the earliest first.
    fn free(&mut self, reference: &str, held: &HashMap<String, Option<RowKey>>) -> Vec<Ticket> {
        let mut hits = self.hits.remove(reference).unwrap_or_default();
        hits.retain(|hit| !held.contains_key(&hit.ticket.id));
        // Stable: without times the order of the listing, oldest first, decides.
        hits.sort_by_key(|hit| hit.created_at.unwrap_or(Timestamp::MAX));
        hits.into_iter().map(|hit| hit.ticket).collect()
    }
}

/// Settles rows in doubt by one listing; the decisions are in their order.
///
/// # Errors
/// When the ledger cannot be read. A listing that cannot be had is a decision: all stays open.
pub(super) async fn settle(
    line: &Line,
    doubts: &[Doubt],
    find: FindReferences<'_>,
) -> Result<Vec<Decision>> {
    let references = || doubts.iter().filter_map(|doubt| doubt.reference.as_deref());
    let controls = controls(line, doubts).await?;
    let wanted: HashSet<&str> = references().collect();
    let from = doubts.iter().map(|doubt| doubt.sent_at).min();
    let mut seen = match list(line, from, &wanted, &controls, find).await {
        Ok(seen) => seen,
        Err(why) => {
            let open = |_| {
                Decision::Open(format!(
                    "the tickets of the time could not be listed: {why}"
                ))
            };
            return Ok(doubts.iter().map(open).collect());
        }
    };
    let held = held(line, &seen).await?;
    // A row that was found proves its group as well as any other ticket.
    let mut found: Vec<Option<Vec<Ticket>>> = Vec::new();
    for doubt in doubts {
        let tickets = doubt
            .reference
            .as_deref()
            .map(|reference| seen.free(reference, &held))
            .unwrap_or_default();
        if !tickets.is_empty() {
            seen.proven.insert(doubt.group.clone());
        }
        found.push((!tickets.is_empty()).then_some(tickets));
    }
    Ok(doubts
        .iter()
        .zip(found)
        .map(|(doubt, found)| decide(doubt, found, &seen))
        .collect())
}

fn decide(doubt: &Doubt, found: Option<Vec<Ticket>>, seen: &Seen) -> Decision {
    if let Some(mut tickets) = found {
        let doubles = tickets.split_off(1);
        return match tickets.pop() {
            Some(first) => Decision::Found(first, doubles),
            None => Decision::Absent,
        };
    }
    let proven = if doubt.group.is_empty() {
        !seen.proven.is_empty()
    } else {
        seen.proven.contains(&doubt.group)
    };
    match (doubt.reference.is_some(), seen.whole, proven) {
        (false, ..) => Decision::Open(NO_MARKER.to_owned()),
        (_, false, _) => Decision::Open(
            "it was not found, but the system listed fewer tickets than it counts: run the same command again"
                .to_owned(),
        ),
        (.., false) => Decision::Open(
            "it was not found, but no other ticket like it was listed back with its reference either, so that \
             proves nothing: look for the ticket by hand, or run the same command again with more rows"
                .to_owned(),
        ),
        _ => Decision::Absent,
    }
}

/// Why a row without a marker stays in doubt.
pub(super) const NO_MARKER: &str = "the mapping leaves no marker in the ticket (`marker = \"none\"`), so it cannot be \
    found again: look for it by hand";

/// What the sweep brought: the rows with their doubles, and those that need not be looked at again.
#[derive(Debug, Default)]
pub(super) struct Swept {
    pub(super) doubles: Vec<(RowKey, Vec<Ticket>)>,
    pub(super) closed: Vec<RowKey>,
}

/// Looks once more at every row of the scope that ever was in doubt and has its ticket: whether it has several.
/// Rows are looked at again by later runs until `long` has passed since they were sent, since a system that breaks
/// the assumption about its latest commit does so after the run.
///
/// # Errors
/// When the ledger cannot be read; a listing that cannot be had is the inner error.
pub(super) async fn sweep(
    line: &Line,
    find: FindReferences<'_>,
    long: Duration,
) -> Result<std::result::Result<Swept, String>> {
    let doubted = line.run.doubted().await?;
    if doubted.is_empty() {
        return Ok(Ok(Swept::default()));
    }
    let wanted: HashSet<&str> = doubted.iter().map(|row| row.reference.as_str()).collect();
    let from = doubted.iter().map(|row| row.sent_at).min();
    let mut seen = match list(line, from, &wanted, &HashMap::new(), find).await {
        Ok(seen) => seen,
        Err(why) => return Ok(Err(why)),
    };
    let held = held(line, &seen).await?;
    let now = line.now();
    let is_old = |row: &Doubted| row.sent_at.checked_add(long).is_ok_and(|end| end < now);
    Ok(Ok(Swept {
        closed: doubted
            .iter()
            .filter(|row| seen.whole && is_old(row))
            .map(|row| row.key.clone())
            .collect(),
        doubles: doubted
            .into_iter()
            .map(|row| (row.key, seen.free(&row.reference, &held)))
            .filter(|(_, tickets)| !tickets.is_empty())
            .collect(),
    }))
}

/// Tickets that prove, when they are listed back, that a listing finds what is there: id to reference. The oldest of
/// the window must be visible by now, where the latest may be invisible still, and many at once.
async fn controls(line: &Line, doubts: &[Doubt]) -> Result<HashMap<String, String>> {
    let from = doubts.iter().map(|doubt| doubt.sent_at).min();
    let from = window(from, line.now_at_the_latest()).from;
    let groups: HashSet<&str> = doubts.iter().map(|doubt| doubt.group.as_str()).collect();
    let mut controls = HashMap::new();
    for group in groups {
        for since in [Some(from), None] {
            let found = line.run.controls(group.to_owned(), since, CONTROLS).await?;
            controls.extend(found.into_iter().map(|c| (c.ticket, c.reference)));
        }
    }
    Ok(controls)
}

/// The window of doubt, a day wider on both sides, on the system's clock.
fn window(from: Option<Timestamp>, now: Timestamp) -> Window {
    let day = Span::new().hours(MARGIN_HOURS);
    let from = from.unwrap_or(now).min(now);
    Window {
        from: from.checked_sub(day).unwrap_or(Timestamp::MIN),
        to: now.checked_add(day).unwrap_or(Timestamp::MAX),
    }
}

/// Lists the window, a few times when it does not work.
async fn list(
    line: &Line,
    from: Option<Timestamp>,
    wanted: &HashSet<&str>,
    controls: &HashMap<String, String>,
    find: FindReferences<'_>,
) -> std::result::Result<Seen, String> {
    let mut backoff = Backoff::repeat();
    loop {
        let mut seen = Seen::default();
        let mut page = |listed: Vec<Listed>| {
            for ticket in listed {
                seen.take(ticket, wanted, controls, find);
            }
        };
        let window = window(from, line.now_at_the_latest());
        let ended = line
            .system
            .list_created(window, line.limiter.as_ref(), &mut page)
            .await;
        match ended {
            Ok(end) => {
                seen.whole = end.whole;
                return Ok(seen);
            }
            Err(error) => match backoff.next() {
                Some(wait) if error.kind() != ErrorKind::Denied => sleep(wait).await,
                _ => return Err(error.to_string()),
            },
        }
    }
}

async fn held(line: &Line, seen: &Seen) -> Result<HashMap<String, Option<RowKey>>> {
    let ids = seen
        .hits
        .values()
        .flatten()
        .map(|hit| hit.ticket.id.clone())
        .collect();
    line.run.owners(ids).await
}
