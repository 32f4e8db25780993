//! A ledger rebuilt from the markers that tickets bear in the system.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::plan::hash;
use super::prepare::Items;
use crate::error::Result;
use crate::intake::{Digest, Subject};
use crate::ledger::{ActiveRun, Change, Intent, Settlement, State, StepId, UNKNOWN_CONTENT};
use crate::mapping::reference::{borne, marked_group, reference};
use crate::mapping::{MapRows, Mapped};
use crate::record::{Place, RowKey};
use crate::systems::{CREATE, Listed, Permit, Standing, StepPayload, System, Ticket, Window};

/// How many rows are written at once.
const GROUP: usize = 256;
/// What stands for the file of a ticket whose row is not known.
const NO_FILE: &str = "(found in the system)";

/// Tickets by the reference that they bear, the earliest first.
#[derive(Debug, Default)]
pub struct Marked {
    tickets: HashMap<String, Vec<(Option<Timestamp>, Ticket, String)>>,
    /// Tickets that were looked at.
    pub listed: u64,
    /// Tickets with a marker that somebody has deleted, or a rollback taken back.
    pub gone: u64,
    /// Whether the system listed all that it counts.
    pub whole: bool,
}

/// What was learned.
#[derive(Debug, Clone, Default)]
pub struct Adopted {
    /// Rows of the input whose ticket was found.
    pub rows: u64,
    /// Tickets of the scope whose row is not in the input: their key is known, their content is not.
    pub strangers: u64,
    /// Keys that the ledger knew as done before.
    pub known: u64,
    /// Rows of the input without a ticket.
    pub absent: u64,
    /// Tickets that stand beside another one of the same row: the key and the ticket that is one too many.
    pub doubles: Vec<(String, Ticket)>,
}

/// Which markers are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a> {
    /// The scope.
    pub scope: &'a str,
    /// The custom field that bears them; `None` for the description.
    pub field: Option<&'a str>,
    /// Ids of tickets that a rollback has taken back.
    pub taken_back: &'a HashSet<String>,
}

/// Lists the tickets of a window with the markers that may be of a scope: its plain ones, and all hashed ones. Those
/// that were taken back are told apart.
///
/// # Errors
/// When the tickets cannot be listed.
pub async fn marked(
    system: &dyn System,
    permit: &dyn Permit,
    window: Window,
    marks: &Marks<'_>,
) -> Result<Marked> {
    let mut marked = Marked::default();
    let mut page = |listed: Vec<Listed>| {
        for ticket in listed {
            marked.take(ticket, marks);
        }
    };
    marked.whole = system.list_created(window, permit, &mut page).await?.whole;
    for tickets in marked.tickets.values_mut() {
        // Stable: without times the order of the listing, oldest first, decides.
        tickets.sort_by_key(|(made, ..)| made.unwrap_or(Timestamp::MAX));
    }
    Ok(marked)
}

impl Marked {
    fn take(&mut self, listed: Listed, marks: &Marks<'_>) {
        self.listed += 1;
        let Some(found) = borne(&listed, marks.field) else {
            return;
        };
        if found
            .split_once('/')
            .is_some_and(|(name, _)| name != marks.scope)
        {
            return;
        }
        if listed.standing == Standing::Gone || marks.taken_back.contains(&listed.ticket.id) {
            self.gone += 1;
            return;
        }
        self.tickets.entry(found.to_owned()).or_default().push((
            listed.created_at,
            listed.ticket,
            marked_group(listed.group, marks.field),
        ));
    }
}

/// Writes what was found into the ledger; `run` is `None` where it is only counted.
///
/// # Errors
/// When the input cannot be read, or the ledger be written.
pub async fn adopt(
    mut marked: Marked,
    scope: &str,
    rows: Option<(Items<'_>, &dyn MapRows)>,
    run: Option<&ActiveRun>,
) -> Result<Adopted> {
    let mut writing = Writing {
        run,
        changes: Vec::new(),
        adopted: Adopted::default(),
    };
    if let Some((items, map)) = rows {
        for item in items {
            let item = item?;
            let place = item.place().clone();
            let Subject::Keyed(key) = item.subject else {
                continue;
            };
            let content = map.content(&item.rows);
            let marker = reference(scope, key.as_str());
            let Some(tickets) = marked.tickets.remove(&marker) else {
                writing.adopted.absent += 1;
                continue;
            };
            let (payload, later) = match map.map(&item.rows, &key) {
                Mapped::Ready(ready) => steps(ready.steps),
                // What cannot be mapped now has no further steps that could be sent.
                Mapped::Skip(_) | Mapped::Faults(_) => (Digest::default(), Vec::new()),
            };
            writing.adopted.rows += 1;
            let row = Row {
                place,
                content,
                payload,
                later,
            };
            writing.put(key, row, marker, tickets);
            writing.flush(GROUP).await?;
        }
    }
    writing.strangers(marked).await?;
    writing.flush(0).await?;
    Ok(writing.adopted)
}

/// What is known of the row of a ticket.
struct Row {
    place: Place,
    content: Digest,
    /// Of what the mapping makes of it now: what was sent then, nobody knows.
    payload: Digest,
    later: Vec<StepId>,
}

/// The hash of the first request, and the steps that follow it.
fn steps(steps: Vec<StepPayload>) -> (Digest, Vec<StepId>) {
    let payload = steps.first().map(|first| hash(&first.body));
    let id = |step: StepPayload| StepId {
        name: step.step.into_owned(),
        ordinal: step.ordinal,
    };
    let later = steps.into_iter().skip(1).map(id).collect();
    (payload.unwrap_or_default(), later)
}

struct Writing<'a> {
    run: Option<&'a ActiveRun>,
    changes: Vec<Change>,
    adopted: Adopted,
}

impl Writing<'_> {
    /// Tickets of the scope whose row is not in the input.
    async fn strangers(&mut self, marked: Marked) -> Result<()> {
        let mut strangers: Vec<_> = marked.tickets.into_iter().collect();
        strangers.sort_by(|one, other| one.0.cmp(&other.0));
        for (marker, tickets) in strangers {
            // A hashed one tells no key, and perhaps is of another scope.
            let Some(key) = marker.split_once('/').map(|(_, key)| RowKey::new(key)) else {
                continue;
            };
            let place = Place {
                file: NO_FILE.into(),
                sheet: None,
                row: 0,
            };
            self.adopted.strangers += 1;
            let row = Row {
                place,
                content: UNKNOWN_CONTENT,
                payload: Digest::default(),
                later: Vec::new(),
            };
            self.put(key, row, marker, tickets);
            self.flush(GROUP).await?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        key: RowKey,
        row: Row,
        marker: String,
        tickets: Vec<(Option<Timestamp>, Ticket, String)>,
    ) {
        let mut tickets = tickets.into_iter();
        let Some((made, ticket, group)) = tickets.next() else {
            return;
        };
        let doubles = tickets.map(|(_, ticket, _)| (key.as_str().to_owned(), ticket));
        self.adopted.doubles.extend(doubles);
        let step = StepId {
            name: CREATE.to_owned(),
            ordinal: 0,
        };
        let at = made.unwrap_or_else(Timestamp::now);
        self.changes.push(Change::Intend(Intent {
            key: key.clone(),
            step: step.clone(),
            later: row.later,
            place: row.place,
            content: row.content,
            payload: row.payload,
            reference: Some(marker),
            group,
            absent: 0,
            doubted: false,
            redo: false,
            about: None,
            stale: Vec::new(),
            at,
        }));
        self.changes.push(Change::Settle(Settlement {
            key,
            step,
            to: State::Done,
            ticket: Some(ticket),
            trouble: None,
            doubted: false,

            at,
        }));
    }

    /// Writes what waits, when it is that much.
    async fn flush(&mut self, least: usize) -> Result<()> {
        if self.changes.len() < least * 2 || self.changes.is_empty() {
            return Ok(());
        }
        let changes = std::mem::take(&mut self.changes);
        if let Some(run) = self.run {
            self.adopted.known += run.apply(changes).await?.len() as u64;
        }
        Ok(())
    }
}
