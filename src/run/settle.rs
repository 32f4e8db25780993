//! Rows in doubt: one listing for all of them, and what it proves.
//!
//! The caller has waited until the system can no longer surprise. A hit counts only when the text that was listed
//! bears the reference, whatever the filters of the listing promised, and only when the ledger does not hold the
//! ticket already. The last reference of a text is the ticket's own: one before it is quoted by the row itself.
//! *Not found* counts only where something was found: another ticket of the scope in the same group was listed
//! back with its reference, and the listing was whole. Which run made that ticket does not matter: the run that
//! left the doubt may have sent nothing else. All of this holds for each place by itself that bears references.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::{Span, Timestamp};
use tokio::time::sleep;

use super::line::Line;
use super::plan::Doubt;
use super::retry::Backoff;
use crate::error::{ErrorKind, Result};
use crate::ledger::Doubted;
use crate::mapping::reference::{borne, field_of, marked_group};
use crate::record::RowKey;
use crate::systems::{Listed, Ticket, Window};

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

/// What is looked for: references, and tickets that prove the listing, by the place that bears them.
#[derive(Default)]
struct Wanted {
    /// By the custom field, or the description.
    places: BTreeMap<Option<String>, Place>,
    from: Option<Timestamp>,
}

#[derive(Default)]
struct Place {
    references: HashSet<String>,
    /// Ticket to reference.
    controls: HashMap<String, String>,
}

impl Wanted {
    fn of<'d>(rows: impl Iterator<Item = (&'d str, Option<&'d str>, Timestamp)>) -> Self {
        let mut wanted = Self::default();
        for (group, reference, sent_at) in rows {
            wanted.from = Some(wanted.from.map_or(sent_at, |from| from.min(sent_at)));
            let place = wanted.place(group);
            place.references.extend(reference.map(str::to_owned));
        }
        wanted
    }

    fn place(&mut self, group: &str) -> &mut Place {
        let field = field_of(group).map(str::to_owned);
        self.places.entry(field).or_default()
    }
}

struct Hit {
    ticket: Ticket,
    created_at: Option<Timestamp>,
}

/// What one listing brought.
#[derive(Default)]
struct Seen {
    /// Tickets by the place and the reference that they bear, each once.
    hits: HashMap<(Option<String>, String), Vec<Hit>>,
    ids: HashSet<String>,
    /// Groups in which a ticket was listed back with its reference.
    proven: HashSet<String>,
    whole: bool,
}

impl Seen {
    fn take(&mut self, listed: &Listed, wanted: &Wanted) {
        // A ticket has one reference of its own; were it taken for two rows, one of them would be lost. Fields come
        // before the description, which may quote.
        for (field, place) in wanted.places.iter().rev() {
            let Some(reference) = borne(listed, field.as_deref()) else {
                continue;
            };
            let id = &listed.ticket.id;
            if place.controls.get(id).is_some_and(|own| own == reference) {
                let group = marked_group(listed.group.clone(), field.as_deref());
                self.proven.insert(group);
            }
            if place.references.contains(reference) && self.ids.insert(id.clone()) {
                let hits = (field.clone(), reference.to_owned());
                self.hits.entry(hits).or_default().push(Hit {
                    ticket: listed.ticket.clone(),
                    created_at: listed.created_at,
                });
            }
        }
    }

    /// The tickets that bear a reference in the place of a group and that the ledger does not hold, the earliest
    /// first.
    fn free(
        &mut self,
        group: &str,
        reference: &str,
        held: &HashMap<String, Option<RowKey>>,
    ) -> Vec<Ticket> {
        let place = (field_of(group).map(str::to_owned), reference.to_owned());
        let mut hits = self.hits.remove(&place).unwrap_or_default();
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
pub(super) async fn settle(line: &Line, doubts: &[Doubt]) -> Result<Vec<Decision>> {
    let rows = doubts.iter();
    let mut wanted =
        Wanted::of(rows.map(|doubt| (&*doubt.group, doubt.reference.as_deref(), doubt.sent_at)));
    controls(line, doubts, &mut wanted).await?;
    let mut seen = match list(line, &wanted).await {
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
            .map(|reference| seen.free(&doubt.group, reference, &held))
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
    long: Duration,
) -> Result<std::result::Result<Swept, String>> {
    let doubted = line.run.doubted().await?;
    if doubted.is_empty() {
        return Ok(Ok(Swept::default()));
    }
    let rows = doubted.iter();
    let wanted = Wanted::of(rows.map(|row| (&*row.group, Some(&*row.reference), row.sent_at)));
    let mut seen = match list(line, &wanted).await {
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
            .map(|row| {
                let tickets = seen.free(&row.group, &row.reference, &held);
                (row.key, tickets)
            })
            .filter(|(_, tickets)| !tickets.is_empty())
            .collect(),
    }))
}

/// Adds tickets that prove, when they are listed back, that a listing finds what is there. The oldest of the window
/// must be visible by now, where the latest may be invisible still, and many at once.
async fn controls(line: &Line, doubts: &[Doubt], wanted: &mut Wanted) -> Result<()> {
    let from = window(wanted.from, line.now_at_the_latest()).from;
    let groups: HashSet<&str> = doubts.iter().map(|doubt| doubt.group.as_str()).collect();
    for group in groups {
        for since in [Some(from), None] {
            let found = line.run.controls(group.to_owned(), since, CONTROLS).await?;
            let controls = found.into_iter().map(|c| (c.ticket, c.reference));
            wanted.place(group).controls.extend(controls);
        }
    }
    Ok(())
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
async fn list(line: &Line, wanted: &Wanted) -> std::result::Result<Seen, String> {
    let mut backoff = Backoff::repeat();
    loop {
        let mut seen = Seen::default();
        let mut page = |listed: Vec<Listed>| {
            for ticket in &listed {
                seen.take(ticket, wanted);
            }
        };
        let window = window(wanted.from, line.now_at_the_latest());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::Standing;

    fn listed(id: &str, text: &str, field: &str) -> Listed {
        Listed {
            ticket: Ticket {
                id: id.to_owned(),
                ..Ticket::default()
            },
            created_at: None,
            group: "IT".to_owned(),
            text: Some(text.to_owned()),
            custom: vec![("cf".to_owned(), field.to_owned())],
            updated_at: None,
            standing: Standing::Open,
        }
    }

    #[test]
    fn what_a_place_proves_is_proven_for_that_place_alone() {
        let sent = Timestamp::UNIX_EPOCH;
        let rows = [("IT", Some("s/1"), sent), ("IT#cf", Some("s/2"), sent)];
        let mut wanted = Wanted::of(rows.into_iter());
        let control = |id: &str, reference: &str| (id.to_owned(), reference.to_owned());
        wanted.place("IT").controls.extend([control("9", "s/9")]);
        wanted.place("IT#cf").controls.extend([control("9", "s/9")]);
        let mut seen = Seen::default();
        // The control bears its reference in the field alone, and a text quotes a row that the field would bear.
        seen.take(&listed("9", "no reference", "s/9"), &wanted);
        seen.take(&listed("7", "Ref: s/2", "Room 12"), &wanted);
        seen.take(&listed("8", "Ref: s/1", "s/2"), &wanted);
        assert_eq!(seen.proven, HashSet::from(["IT#cf".to_owned()]));
        let held = HashMap::new();
        let free: Vec<String> = (seen.free("IT#cf", "s/2", &held).into_iter())
            .map(|ticket| ticket.id)
            .collect();
        assert_eq!(free, ["8"]);
    }
}
