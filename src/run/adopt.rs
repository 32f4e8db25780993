//! A ledger rebuilt from the markers that tickets bear in the system.

use std::collections::HashSet;

use jiff::Timestamp;

use super::plan::hash;
use super::prepare::Items;
use super::spool::{Found, Spool};
use crate::error::{Error, Result};
use crate::intake::{Digest, Subject};
use crate::ledger::{ActiveRun, Change, Intent, Settlement, State, StepId, UNKNOWN_CONTENT};
use crate::mapping::reference::{Borne, borne, marked_group, reference, short};
use crate::mapping::{MapRows, Mapped};
use crate::record::{Place, RowKey};
use crate::systems::{CREATE, Gap, Listed, Permit, Standing, StepPayload, System, Ticket, Window};

/// How many rows are written at once.
const GROUP: usize = 256;
/// How many references of tickets whose row is not known are held at once.
const STRANGERS: u32 = 256;
/// What stands for the file of a ticket whose row is not known.
const NO_FILE: &str = "(found in the system)";

/// Tickets by the reference that they bear.
#[derive(Debug)]
pub struct Marked {
    tickets: Spool,
    /// Why some could not be kept.
    failed: Option<Error>,
    /// Those whose first and last lines bear different references: one of the two is quoted.
    torn: Vec<(Borne, Found)>,
    /// Tickets that were looked at.
    pub listed: u64,
    /// Tickets with a marker that somebody has deleted, or a rollback taken back.
    pub gone: u64,
    /// Their ids, where the ledger is an older one that may hold them as done.
    gone_ids: Vec<String>,
    /// Why it is not proven that all tickets were looked at; `None`: it is.
    pub gap: Option<Gap>,
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
    /// Whether the ledger may be an older one than what was sent: what is gone by now it may hold as done.
    pub is_old: bool,
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
    let mut marked = Marked {
        tickets: Spool::new()?,
        failed: None,
        torn: Vec::new(),
        listed: 0,
        gone: 0,
        gone_ids: Vec::new(),
        gap: None,
    };
    let mut page = |listed: Vec<Listed>| {
        for ticket in listed {
            if let Err(error) = marked.take(ticket, marks) {
                marked.failed.get_or_insert(error);
            }
        }
    };
    let gap = system.list_created(window, permit, &mut page).await?.gap;
    marked.gap = gap;
    if let Some(error) = marked.failed.take() {
        return Err(error);
    }
    marked.settle_torn(marks)?;
    Ok(marked)
}

impl Marked {
    fn take(&mut self, listed: Listed, marks: &Marks<'_>) -> Result<()> {
        self.listed += 1;
        let borne = borne(&listed, marks.field);
        if borne.is_empty() || borne.own().is_some_and(|own| !marks.may_be(own)) {
            return Ok(());
        }
        if listed.standing == Standing::Gone
            || listed.is_taken_back
            || marks.taken_back.contains(&listed.ticket.id)
        {
            self.gone += 1;
            if marks.is_old {
                self.gone_ids.push(listed.ticket.id);
            }
            return Ok(());
        }
        let found = (
            listed.created_at,
            listed.ticket,
            marked_group(listed.group, marks.field),
        );
        match borne.own() {
            Some(own) => self.tickets.add(own, &found),
            None => {
                self.torn.push((borne, found));
                Ok(())
            }
        }
    }

    /// A ticket that bears two references is that of the row that has no other.
    fn settle_torn(&mut self, marks: &Marks<'_>) -> Result<()> {
        for (borne, found) in std::mem::take(&mut self.torn) {
            let (Some(last), Some(first)) = (borne.last, borne.first) else {
                continue;
            };
            let own = match self.tickets.has(&last)? || !marks.may_be(&last) {
                true => first,
                false => last,
            };
            self.tickets.add(&own, &found)?;
        }
        Ok(())
    }

    /// The tickets that bear a reference, in its full form or its short one.
    fn remove(&self, reference: &str) -> Result<Option<Vec<Found>>> {
        let tickets = self.tickets.remove(reference, &short(reference))?;
        Ok((!tickets.is_empty()).then_some(tickets))
    }

    /// The same of the first of these references that a ticket bears, with the reference.
    fn remove_first(
        &self,
        references: [Option<String>; 2],
    ) -> Result<Option<(String, Vec<Found>)>> {
        for reference in references.into_iter().flatten() {
            if let Some(tickets) = self.remove(&reference)? {
                return Ok(Some((reference, tickets)));
            }
        }
        Ok(None)
    }
}

impl Marks<'_> {
    /// Whether a reference may be of the scope: a plain one names it, a hashed one does not.
    fn may_be(&self, reference: &str) -> bool {
        let name = reference.split_once('/').map(|(name, _)| name);
        name.is_none_or(|name| name == self.scope)
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
        upserts: rows.as_ref().is_some_and(|(_, map)| map.upserts()),
        changes: Vec::new(),
        adopted: Adopted::default(),
    };
    // Also of rows whose ticket does not show now: what an older ledger holds as open may be done.
    writing.changes.push(Change::SuspectAll(writing.upserts));
    // Before what bears the same reference is learned: that is the row's ticket then.
    let gone = std::mem::take(&mut marked.gone_ids).into_iter();
    writing.changes.extend(gone.map(Change::Gone));
    if let Some((items, map)) = rows {
        for item in items {
            let item = item?;
            let place = item.place().clone();
            let Subject::Keyed(key) = item.subject else {
                continue;
            };
            let Some((marker, tickets)) = marked.remove_first(references(scope, &key))? else {
                writing.adopted.absent += 1;
                continue;
            };
            let (content, (payload, later)) = match map.map(&item.rows, &key) {
                Mapped::Ready(ready) => (map.content(&item.rows), steps(ready.steps, &marker)),
                // What cannot be mapped now has no further steps that could be sent; what followed then nobody knows.
                Mapped::Skip(_) | Mapped::Faults(_) => {
                    (UNKNOWN_CONTENT, (Digest::default(), Vec::new()))
                }
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

/// The reference of a key, and the one that an older version gave it, where that was another.
pub(super) fn references(scope: &str, key: &RowKey) -> [Option<String>; 2] {
    let old = key.old_spelling();
    [
        Some(reference(scope, key.as_str())),
        old.map(|old| reference(scope, old.as_str())),
    ]
}

/// What is known of the row of a ticket.
struct Row {
    place: Place,
    content: Digest,
    /// Of what the mapping makes of it now: what was sent then, nobody knows.
    payload: Digest,
    later: Vec<StepId>,
}

impl Row {
    /// One of another input.
    fn unknown() -> Self {
        let place = Place {
            file: NO_FILE.into(),
            sheet: None,
            row: 0,
        };
        Self {
            place,
            content: UNKNOWN_CONTENT,
            payload: Digest::default(),
            later: Vec::new(),
        }
    }
}

/// What the ledger learns of a ticket of the scope whose row is in another input.
pub(super) fn remembered(
    key: RowKey,
    marker: String,
    ticket: Ticket,
    group: String,
    at: Timestamp,
) -> [Change; 3] {
    learned(key, Row::unknown(), marker, (ticket, group), at)
}

/// What the ledger learns of a row whose ticket was found.
fn learned(
    key: RowKey,
    row: Row,
    marker: String,
    (ticket, group): (Ticket, String),
    at: Timestamp,
) -> [Change; 3] {
    let step = StepId {
        name: CREATE.to_owned(),
        ordinal: 0,
    };
    let intent = Intent {
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
        print: None,
        at,
    };
    let known = Change::Known(key.clone(), ticket.id.clone());
    let settlement = Settlement {
        key,
        step,
        to: State::Done,
        ticket: Some(ticket),
        trouble: None,
        doubted: false,
        at,
    };
    [Change::Intend(intent), Change::Settle(settlement), known]
}

/// The hash of the first request, and the steps that follow it.
fn steps(steps: Vec<StepPayload>, marker: &str) -> (Digest, Vec<StepId>) {
    let payload = steps.first().map(|first| hash(&first.body, Some(marker)));
    let id = |step: StepPayload| StepId {
        name: step.step.into_owned(),
        ordinal: step.ordinal,
    };
    let later = steps.into_iter().skip(1).map(id).collect();
    (payload.unwrap_or_default(), later)
}

struct Writing<'a> {
    run: Option<&'a ActiveRun>,
    /// Whether the mapping keeps tickets up to date.
    upserts: bool,
    changes: Vec<Change>,
    adopted: Adopted,
}

impl Writing<'_> {
    /// Tickets of the scope whose row is not in the input.
    async fn strangers(&mut self, marked: Marked) -> Result<()> {
        let mut last = String::new();
        loop {
            // A hashed one tells no key, and perhaps is of another scope.
            let markers = marked.tickets.after(&last, STRANGERS)?;
            for marker in &markers {
                let Some((_, key)) = marker.split_once('/') else {
                    continue;
                };
                let tickets = marked.tickets.remove(marker, marker)?;
                self.adopted.strangers += 1;
                self.put(RowKey::new(key), Row::unknown(), marker.clone(), tickets);
                self.flush(GROUP).await?;
            }
            let Some(marker) = markers.into_iter().next_back() else {
                return Ok(());
            };
            last = marker;
        }
    }

    fn put(&mut self, key: RowKey, row: Row, marker: String, tickets: Vec<Found>) {
        let mut tickets = tickets.into_iter();
        let Some((made, ticket, group)) = tickets.next() else {
            return;
        };
        let doubles = tickets.map(|(_, ticket, _)| (key.as_str().to_owned(), ticket));
        self.adopted.doubles.extend(doubles);
        let at = made.unwrap_or_else(Timestamp::now);
        let suspect = Change::Suspect(key.clone(), at, self.upserts);
        self.changes
            .extend(learned(key, row, marker, (ticket, group), at));
        self.changes.push(suspect);
    }

    /// Writes what waits, when it is that much.
    async fn flush(&mut self, least: usize) -> Result<()> {
        if self.changes.len() < least * 4 || self.changes.is_empty() {
            return Ok(());
        }
        let changes = std::mem::take(&mut self.changes);
        if let Some(run) = self.run {
            self.adopted.known += run.apply(changes).await?.len() as u64;
        }
        Ok(())
    }
}
