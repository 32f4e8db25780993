//! A ledger rebuilt from the markers that tickets bear in the system.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;

use super::plan::hash;
use super::prepare::Items;
use super::spool::{Found, Spool};
use crate::error::{Error, Result};
use crate::html;
use crate::intake::{Digest, Subject};
use crate::ledger::{
    ActiveRun, Candidate, Change, Intent, Settlement, State, StepId, Trouble, UNKNOWN_CONTENT,
};
use crate::mapping::reference::{has_head, marked_group, reference, reference_in, short};
use crate::mapping::{MapRows, Mapped};
use crate::record::{Place, Record, RowKey};
use crate::systems::{CREATE, Gap, Listed, Permit, Standing, StepPayload, System, Ticket, Window};

/// Why a row is in doubt whose ticket a rollback has not closed, or somebody has opened again.
pub(in crate::run) const HALF_BACK: &str = "its ticket bears the note of a rollback and is open: close it, and the row is made anew; or keep it with `runs settle`";

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
    torn: Vec<Torn>,
    /// Tickets that were looked at.
    pub listed: u64,
    /// Tickets with a marker that somebody has deleted, or a rollback taken back.
    pub gone: u64,
    /// Their ids, where the ledger is an older one that may hold them as done.
    gone_ids: Vec<String>,
    /// Why it is not proven that all tickets were looked at; `None`: it is.
    pub gap: Option<Gap>,
}

/// A ticket with two references.
#[derive(Debug)]
struct Torn {
    /// That of its last line, where it may be of the scope.
    last: Option<String>,
    /// That of its first line, in its short form.
    first: String,
    text: String,
    found: Found,
}

/// A row of the input of which a ticket with two references may be.
struct Waiting {
    key: RowKey,
    row: Row,
    marker: String,
    /// Tickets that are its own.
    tickets: Vec<Found>,
    /// Tickets that are its own or another row's.
    unsure: Vec<Found>,
}

impl Torn {
    /// Gives the ticket to the row whose text it shows, whole or cut; to the other one where a short description quotes on
    /// its first line. Where nothing tells, both rows are in doubt. `left`: where neither row is in the input.
    fn settle(self, waiting: &mut [Waiting], left: &mut Vec<Self>) {
        let at = |wanted: &dyn Fn(&Waiting) -> bool| waiting.iter().position(wanted);
        let first = at(&|one| self.first == *short(&one.marker));
        let last = at(&|one| self.last.as_deref() == Some(&*one.marker));
        let (first_row, last_row) = (
            first.map(|at| &waiting[at].row),
            last.map(|at| &waiting[at].row),
        );
        let is_whole = last_row.is_some_and(|row| row.says(&self.text, false));
        let is_cut = first_row.is_some_and(|row| row.says(&self.text, true));
        let is_quoted = first_row.is_some_and(|row| row.is_long == Some(false));
        match (first, last) {
            (_, Some(last)) if is_whole || (is_quoted && !is_cut) => {
                waiting[last].tickets.push(self.found);
            }
            (Some(first), _) if is_cut => waiting[first].tickets.push(self.found),
            (Some(first), Some(last)) => {
                waiting[first].unsure.push(self.found.clone());
                waiting[last].unsure.push(self.found);
            }
            (Some(_), None) if is_quoted => left.push(self),
            (Some(at), None) | (None, Some(at)) => waiting[at].unsure.push(self.found),
            (None, None) => left.push(self),
        }
    }
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
    /// Rows that are in doubt from now on: a ticket shows their reference where it may be quoted, and nothing else shows it.
    pub unsure: Vec<(String, Ticket)>,
    /// Rows that are in doubt from now on: their ticket is open and bears the note of a rollback, which somebody has stopped or
    /// undone by hand.
    pub noted: Vec<(String, Ticket)>,
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
    // Who learns from a system believes that tickets are there.
    marked.gap = gap.or((marked.listed == 0).then_some(Gap::Nothing));
    if let Some(error) = marked.failed.take() {
        return Err(error);
    }
    Ok(marked)
}

impl Marked {
    fn take(&mut self, listed: Listed, marks: &Marks<'_>) -> Result<()> {
        self.listed += 1;
        let refs = reference_in(&listed, marks.field);
        if refs.is_empty() || refs.own().is_some_and(|own| !marks.may_be(own)) {
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
        let found = Found {
            made: listed.created_at,
            ticket: listed.ticket,
            group: marked_group(listed.group, marks.field),
            is_head: refs.last.is_none(),
            is_noted: listed.noted_at.is_some(),
        };
        if let Some(own) = refs.own() {
            return self.tickets.add(own, &found);
        }
        match (refs.last, refs.first) {
            (Some(last), Some(first)) => {
                let is_scope = marks.may_be(&last);
                self.torn.push(Torn {
                    last: Some(last).filter(|_| is_scope),
                    first,
                    text: listed.text.unwrap_or_default(),
                    found,
                });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A ticket that bears two references is that of the row that has no other.
    fn settle_torn(&mut self) -> Result<()> {
        for torn in std::mem::take(&mut self.torn) {
            let last = match torn.last {
                Some(last) if !self.tickets.has(&last)? => Some(last),
                _ => None,
            };
            self.tickets.add(&last.unwrap_or(torn.first), &torn.found)?;
        }
        Ok(())
    }

    /// Whether a ticket with two references bears one of these.
    fn is_torn(&self, references: &[Option<String>; 2]) -> bool {
        let is = |torn: &Torn, own: &String| {
            torn.last.as_ref() == Some(own) || torn.first == *short(own)
        };
        let mut torn = self.torn.iter();
        torn.any(|torn| references.iter().flatten().any(|own| is(torn, own)))
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
        // Rows of which a ticket with two references may be: whose it is tell both.
        let mut waiting = Vec::new();
        for item in items {
            let item = item?;
            let place = item.place().clone();
            let Subject::Keyed(key) = item.subject else {
                continue;
            };
            let own = references(scope, &key);
            let is_torn = marked.is_torn(&own);
            let found = marked.remove_first(own.clone())?;
            let Some((marker, tickets)) =
                found.or_else(|| Some((own[0].clone().filter(|_| is_torn)?, Vec::new())))
            else {
                writing.adopted.absent += 1;
                continue;
            };
            let row = Row::of(map, place, (&item.rows, &key), &marker);
            match is_torn {
                true => waiting.push(Waiting {
                    key,
                    row,
                    marker,
                    tickets,
                    unsure: Vec::new(),
                }),
                false => writing.learn(key, row, marker, tickets).await?,
            }
        }
        for torn in std::mem::take(&mut marked.torn) {
            torn.settle(&mut waiting, &mut marked.torn);
        }
        for mut one in waiting {
            one.tickets
                .sort_by_key(|found| found.made.unwrap_or(Timestamp::MAX));
            if !one.tickets.is_empty() {
                writing
                    .learn(one.key, one.row, one.marker, one.tickets)
                    .await?;
            } else if !one.unsure.is_empty() {
                writing
                    .doubt(one.key, one.row, one.marker, one.unsure)
                    .await?;
            } else {
                writing.adopted.absent += 1;
            }
        }
    }
    marked.settle_torn()?;
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
    /// Whether its description is long, so that its first line bears its reference; `None`: nobody knows.
    is_long: Option<bool>,
    /// The body of its create.
    body: Value,
}

impl Row {
    /// As the mapping makes it now.
    fn of(
        map: &dyn MapRows,
        place: Place,
        (records, key): (&[Record], &RowKey),
        marker: &str,
    ) -> Self {
        match map.map(records, key) {
            Mapped::Ready(ready) => {
                let first = ready.steps.first();
                let is_long = first.map(|first| has_head(&first.body, marker));
                let body = first.map(|first| first.body.clone()).unwrap_or_default();
                let (payload, later) = steps(ready.steps, marker);
                Self {
                    place,
                    content: map.content(records),
                    payload,
                    later,
                    is_long,
                    body,
                }
            }
            // What cannot be mapped now has no further steps that could be sent; what followed then nobody knows.
            Mapped::Skip(_) | Mapped::Faults(_) => Self {
                place,
                ..Self::unknown()
            },
        }
    }

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
            is_long: None,
            body: Value::Null,
        }
    }

    /// Whether its create says what a ticket shows, or begins with that.
    fn says(&self, shown: &str, is_cut: bool) -> bool {
        fn says(body: &Value, shown: &[&str], is_cut: bool) -> bool {
            match body {
                Value::String(text) => {
                    let text = html::to_text(text);
                    let words: Vec<&str> = text.split_whitespace().collect();
                    words == shown || (is_cut && words.starts_with(shown))
                }
                Value::Object(members) => members.values().any(|value| says(value, shown, is_cut)),
                _ => false,
            }
        }
        let shown = html::to_text(&html::unlinked(shown));
        let shown: Vec<&str> = shown.split_whitespace().collect();
        !shown.is_empty() && says(&self.body, &shown, is_cut)
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
    let step = create();
    let intent = intent(key.clone(), row, marker, group, at);
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

fn create() -> StepId {
    StepId {
        name: CREATE.to_owned(),
        ordinal: 0,
    }
}

fn intent(key: RowKey, row: Row, marker: String, group: String, at: Timestamp) -> Intent {
    Intent {
        key,
        step: create(),
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
    }
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
                if tickets.iter().all(|found| found.is_noted) {
                    let key = RowKey::new(key);
                    self.doubt(key, Row::unknown(), marker.clone(), tickets)
                        .await?;
                    continue;
                }
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

    /// Takes up a row of the input. What bears its reference on the first line alone is its own only where the row has a
    /// long description, and where that is the only such ticket: another row may quote it.
    async fn learn(
        &mut self,
        key: RowKey,
        row: Row,
        marker: String,
        tickets: Vec<Found>,
    ) -> Result<()> {
        let (heads, mut own): (Vec<Found>, Vec<Found>) =
            tickets.into_iter().partition(|found| found.is_head);
        if own.is_empty() && row.is_long != Some(false) && heads.len() == 1 {
            own = heads;
        } else if own.is_empty() {
            return self.doubt(key, row, marker, heads).await;
        }
        if own.iter().all(|found| found.is_noted) {
            return self.doubt(key, row, marker, own).await;
        }
        // One that a rollback has left alone is the row's.
        own.sort_by_key(|found| found.is_noted);
        self.adopted.rows += 1;
        self.put(key, row, marker, own);
        self.flush(GROUP).await
    }

    /// A row in doubt: these tickets may be its own, or quote its reference.
    async fn doubt(
        &mut self,
        key: RowKey,
        row: Row,
        marker: String,
        tickets: Vec<Found>,
    ) -> Result<()> {
        let Some(first) = tickets.first() else {
            return Ok(());
        };
        let (made, group, is_noted) = (first.made, first.group.clone(), first.is_noted);
        let unsure = (key.as_str().to_owned(), first.ticket.clone());
        // What waits may be about this row.
        self.flush(0).await?;
        let held = match self.run {
            Some(run) => run.creates(HashSet::from([marker.clone()])).await?,
            None => HashMap::new(),
        };
        let state = held.get(&marker).map(|create| create.state);
        if matches!(state, Some(State::Done | State::Skipped)) {
            self.adopted.rows += 1;
            self.adopted.known += 1;
            return Ok(());
        }
        match is_noted {
            true => self.adopted.noted.push(unsure),
            false => self.adopted.unsure.push(unsure),
        }
        if !matches!(state, Some(State::Sending | State::InDoubt)) {
            let at = made.unwrap_or_else(Timestamp::now);
            let intent = intent(key.clone(), row, marker, group, at);
            let why = match is_noted {
                true => HALF_BACK,
                false => {
                    "a ticket shows its reference on the first line alone, where another row may quote it"
                }
            };
            let settlement = Settlement {
                key: key.clone(),
                step: create(),
                to: State::InDoubt,
                ticket: None,
                trouble: Some(Trouble::Doubt(why.to_owned())),
                doubted: true,
                at,
            };
            self.changes
                .extend([Change::Intend(intent), Change::Settle(settlement)]);
        }
        let candidates = tickets.into_iter().map(|found| Candidate {
            ticket: found.ticket,
            title: None,
            created_at: found.made,
            is_marked: true,
        });
        let candidates = Change::Candidates(key, candidates.collect());
        self.changes.push(candidates);
        self.flush(GROUP).await
    }

    fn put(&mut self, key: RowKey, row: Row, marker: String, tickets: Vec<Found>) {
        let mut tickets = tickets.into_iter();
        let Some(Found {
            made,
            ticket,
            group,
            ..
        }) = tickets.next()
        else {
            return;
        };
        let doubles = tickets.map(|found| (key.as_str().to_owned(), found.ticket));
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
