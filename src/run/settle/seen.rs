//! What is looked for in a listing, and what it brings.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::evidence::{Evidence, Known, Span, Stray};
use crate::ledger::{Candidate, Control, Owner};
use crate::mapping::reference::{References, field_of, reference_in, short};
use crate::run::plan::Doubt;
use crate::systems::{Gap, Listed, Standing};

/// How many tickets outside of the time in question are kept, for the case that the system's times are wrong.
const MOST_OUTSIDE: usize = 20_000;

/// Tickets that the ledger holds, with the key that holds them.
pub(super) type Held = HashMap<String, Owner>;

/// What is looked for: references, and tickets that prove the listing, by the place that bears them.
#[derive(Default)]
pub(super) struct Wanted {
    /// By the custom field, or the description.
    places: BTreeMap<Option<String>, Place>,
    pub(super) from: Option<Timestamp>,
    /// The latest time by which one of them was sent, which is later than now where the system's clock was set back.
    pub(super) to: Option<Timestamp>,
    /// When tickets were made that may be a row's.
    spans: Vec<Span>,
    /// Marked groups of which the ledger holds a ticket that the listing must show.
    expected: HashSet<String>,
    pub(super) commit_within: Duration,
}

#[derive(Default)]
pub(super) struct Place {
    /// By what the first line bears.
    references: HashMap<String, String>,
    /// By the id of the ticket.
    controls: HashMap<String, Control>,
}

impl Place {
    /// The references looked for that a ticket bears.
    fn wanted<'p>(&'p self, refs: &References) -> Vec<&'p String> {
        let last = refs.last.as_deref().and_then(|last| {
            let reference = self.references.get(&*short(last))?;
            (reference == last).then_some(reference)
        });
        let first = refs
            .first
            .as_deref()
            .and_then(|first| self.references.get(first));
        let mut wanted: Vec<&String> = last.into_iter().chain(first).collect();
        wanted.dedup();
        wanted
    }
}

impl Wanted {
    pub(super) fn of<'d>(
        rows: impl Iterator<Item = (&'d str, Option<&'d str>, Timestamp)>,
    ) -> Self {
        let mut wanted = Self::default();
        for (group, reference, sent_at) in rows {
            wanted.from = Some(wanted.from.map_or(sent_at, |from| from.min(sent_at)));
            wanted.to = wanted.to.max(Some(sent_at));
            let place = wanted.place(group);
            let reference = reference.map(|it| (short(it).into_owned(), it.to_owned()));
            place.references.extend(reference);
        }
        wanted
    }

    /// What settles these rows.
    pub(super) fn of_doubts(doubts: &[Doubt], commit_within: Duration) -> Self {
        let rows = doubts.iter();
        let rows = rows.map(|doubt| {
            let sent = doubt.sent().earliest();
            (&*doubt.group, doubt.reference.as_deref(), sent)
        });
        let mut wanted = Self::of(rows);
        let spans = doubts
            .iter()
            .flat_map(|doubt| Span::of_doubt(doubt, doubt.sent(), commit_within));
        wanted.spans = merged(spans.collect());
        wanted.to = wanted.to.max(wanted.spans.last().map(|span| span.to));
        wanted.commit_within = commit_within;
        wanted
    }

    pub(super) fn place(&mut self, group: &str) -> &mut Place {
        let field = field_of(group).map(str::to_owned);
        self.places.entry(field).or_default()
    }

    /// Adds tickets that prove the listing of a group.
    pub(super) fn control(&mut self, group: &str, controls: Vec<Control>) {
        let controls = controls.into_iter();
        let controls = controls.map(|control| (control.ticket.clone(), control));
        self.place(group).controls.extend(controls);
    }

    /// Notes that the ledger holds a ticket of a group that the listing must show.
    pub(super) fn expect(&mut self, group: &str) {
        self.expected.insert(group.to_owned());
    }

    pub(super) fn number(&self, group: &str) -> usize {
        let field = field_of(group);
        let mut places = self.places.keys();
        places
            .position(|place| place.as_deref() == field)
            .unwrap_or_default()
    }

    fn is_then(&self, at: Option<Timestamp>) -> bool {
        let Some(at) = at else { return true };
        let next = self.spans.partition_point(|span| span.to < at);
        self.spans.get(next).is_some_and(|span| span.from <= at)
    }
}

/// Spans in order, those that overlap as one.
fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| span.from);
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            _ => merged.push(span),
        }
    }
    merged
}

/// A ticket that bears a reference that is looked for.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) listed: Listed,
    /// Whether that is in a custom field.
    pub(super) is_field: bool,
    /// What it bears there.
    refs: References,
}

impl Hit {
    /// As a person is shown it.
    pub(super) fn candidate(&self) -> Candidate {
        Candidate {
            ticket: self.listed.ticket.clone(),
            title: self.listed.title().map(str::to_owned),
            created_at: self.listed.created_at,
            is_marked: true,
        }
    }

    /// What it bears that counts for a row whose description is so long.
    pub(super) fn refs(&self, length: Option<usize>) -> References {
        match self.is_field {
            true => self.refs.clone(),
            false => self.refs.of_length(length),
        }
    }
}

/// What one listing brought.
#[derive(Default)]
pub(super) struct Seen {
    /// Tickets by the place and the reference that they bear, each once.
    pub(super) hits: HashMap<(Option<String>, String), Vec<Hit>>,
    /// Tickets of the time in question that prove nothing.
    pub(super) strays: Vec<Stray>,
    /// Those of another time.
    outside: Vec<Stray>,
    /// Whether more are of another time than are kept.
    pub(super) is_crowded: bool,
    ids: HashSet<String>,
    /// Marked groups of which a ticket came that the ledger holds, with its reference or without.
    listed: HashSet<String>,
    pub(super) evidence: Evidence,
    /// Why the listing is not whole; it proves nothing then.
    pub(super) gap: Option<Gap>,
}

impl Seen {
    pub(super) fn take(&mut self, listed: &Listed, wanted: &Wanted) {
        if !self.ids.insert(listed.ticket.id.clone()) {
            return;
        }
        let id = &listed.ticket.id;
        let mut is_control = false;
        for control in wanted
            .places
            .values()
            .filter_map(|place| place.controls.get(id))
        {
            is_control = true;
            if !self.listed.contains(&control.group) {
                self.listed.insert(control.group.clone());
            }
            let known = Known {
                reference: &control.reference,
                group: &control.group,
                sent_at: control.sent_at,
                print: control.print.as_ref(),
            };
            self.evidence.observe(listed, known, wanted.commit_within);
        }
        // One that was taken back is no row's any more, whichever ledger did that.
        if is_control || listed.is_taken_back || listed.standing == Standing::Gone {
            return;
        }
        let places = wanted.places.iter();
        let all: Vec<_> = places
            .map(|(field, place)| (field, place, reference_in(listed, field.as_deref())))
            .collect();
        // A ticket has one reference of its own; were it taken for two rows, one of them would be lost. Fields come
        // before the description, which may quote.
        let hit = all.iter().rev().find_map(|(field, place, refs)| {
            let references = place.wanted(refs);
            (!references.is_empty()).then_some((*field, references, refs))
        });
        for reference in hit.iter().flat_map(|(_, references, _)| references) {
            let Some((field, _, refs)) = &hit else { break };
            let hits = ((*field).clone(), (*reference).clone());
            self.hits.entry(hits).or_default().push(Hit {
                listed: listed.clone(),
                is_field: field.is_some(),
                refs: (*refs).clone(),
            });
        }
        let is_hit = hit.is_some();
        let refs = all.iter().map(|(.., refs)| refs.clone());
        let stray = || Stray::of(listed, refs.collect());
        if is_hit || wanted.is_then(listed.created_at) {
            self.strays.push(stray());
        } else if self.outside.len() < MOST_OUTSIDE {
            self.outside.push(stray());
        } else {
            self.is_crowded = true;
        }
    }

    /// Whether none of the tickets of a group came that the listing must show: it hides what is there.
    pub(super) fn is_blank(&self, group: &str, wanted: &Wanted) -> bool {
        wanted.expected.contains(group) && !self.listed.contains(group)
    }

    /// The tickets of which the ledger is to say whether it holds them.
    pub(super) fn unknown(&mut self) -> Vec<String> {
        if !self.evidence.tells_time() {
            self.strays.append(&mut self.outside);
        }
        self.strays
            .iter()
            .map(|stray| stray.ticket.id.clone())
            .collect()
    }

    /// The first ticket that bears the reference of a row, whose description is so long, in the place of a group and that
    /// the ledger holds, and for which row.
    pub(super) fn taken(
        &self,
        group: &str,
        (reference, length): (&str, Option<usize>),
        held: &Held,
    ) -> Option<(String, Owner)> {
        let place = (field_of(group).map(str::to_owned), reference.to_owned());
        let hits = self.hits.get(&place)?.iter();
        let mut hits = hits.filter(|hit| hit.refs(length).is(reference));
        hits.find_map(|hit| {
            let id = &hit.listed.ticket.id;
            Some((id.clone(), held.get(id)?.clone()))
        })
    }

    /// The tickets that bear the reference of a row, whose description is so long, in the place of a group and that the
    /// ledger does not hold, the earliest first.
    pub(super) fn free(
        &self,
        group: &str,
        (reference, length): (&str, Option<usize>),
        held: &Held,
    ) -> Vec<&Hit> {
        let place = (field_of(group).map(str::to_owned), reference.to_owned());
        let mut hits: Vec<&Hit> = (self.hits.get(&place).into_iter().flatten())
            .filter(|hit| hit.refs(length).is(reference))
            .filter(|hit| !held.contains_key(&hit.listed.ticket.id))
            .collect();
        // Stable: without times the order of the listing, oldest first, decides.
        hits.sort_by_key(|hit| hit.listed.created_at.unwrap_or(Timestamp::MAX));
        hits
    }
}
