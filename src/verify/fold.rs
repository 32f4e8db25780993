//! What the tickets of a run came to, one by one, and the report of it.

use super::account::Accounts;
use super::count::{Dimension, Facet};
use super::digest::Digests;
use super::extra::Seen;
use super::pass::{First, Verifying};
use super::read::Done;
use super::sample::{Choice, Confidence};
use super::{Difference, Finding, NotCompared, Report};
use crate::record::{Place, RowKey};
use crate::systems::Ticket;
use crate::systems::fields::{Setting, called};

/// A difference that waits for what other tickets show: no ticket may show the field.
pub(super) struct Pending {
    number: u64,
    field: String,
    why: String,
    finding: Finding,
}

impl Verifying<'_> {
    pub(super) fn add(
        &mut self,
        number: u64,
        (place, key, ticket): (Place, Option<RowKey>, Option<Ticket>),
        difference: Difference,
    ) {
        let finding = Finding {
            place: Some(place),
            key,
            ticket,
            difference,
        };
        self.findings.push((number, finding));
    }

    /// Takes up what came of one ticket.
    pub(super) fn take(&mut self, source: usize, done: Done) {
        let Done {
            work,
            ticket,
            created,
            judged,
        } = done;
        let number = work.number;
        let of = |ticket: &Option<Ticket>| ticket.clone().unwrap_or_else(|| work.ticket.clone());
        let ticket = of(&ticket);
        let is_open = judged.differences.iter().any(|(it, _)| it.is_open());
        let is_explained = !judged.differences.is_empty();
        if work.is_chosen {
            let state = (is_open || is_explained).then_some(is_open);
            self.compared.insert(number, state);
            self.tally.comments += judged.comments;
            let months = &self.months[source];
            let due = work.month.clone().map(Facet::due(Dimension::Month));
            let found = created.map(|at| Facet::found(Dimension::Month)(months.of_moment(at)));
            self.counting.add(judged.facets);
            self.counting.add(due.into_iter().chain(found).collect());
        }
        for (difference, _) in judged.differences {
            let about = (
                work.place.clone(),
                Some(work.key.clone()),
                Some(ticket.clone()),
            );
            self.add(number, about, difference);
        }
        for absent in judged.absent {
            self.pending.push(Pending {
                number,
                field: absent.field,
                why: absent.why,
                finding: Finding {
                    place: Some(work.place.clone()),
                    key: Some(work.key.clone()),
                    ticket: Some(ticket.clone()),
                    difference: absent.difference,
                },
            });
        }
        self.shown.extend(judged.shown);
        for (field, why) in judged.not_shown {
            self.not_shown(field, why);
        }
    }

    fn not_shown(&mut self, field: String, why: String) {
        let mut known = self.not_compared.iter_mut();
        match known.find(|it| it.field == field && it.why == why) {
            Some(known) => known.tickets += 1,
            None => self.not_compared.push(NotCompared {
                field,
                why,
                tickets: 1,
            }),
        }
    }

    /// Judges the fields that some tickets do not show by what the others show.
    fn settle_pending(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            if self.shown.contains(&pending.field) {
                if let Some(state) = self.compared.get_mut(&pending.number) {
                    *state = Some(true);
                }
                self.findings.push((pending.number, pending.finding));
            } else {
                self.not_shown(pending.field, pending.why);
            }
        }
    }

    pub(super) fn report(mut self, first: First, seen: Seen) -> Report {
        self.settle_pending();
        self.findings.sort_by_key(|(number, _)| *number);
        let findings: Vec<Finding> = self.findings.into_iter().map(|(_, it)| it).collect();
        let mut tally = self.tally;
        tally.compared = self.compared.len() as u64;
        let states = self.compared.values();
        tally.equal = states.clone().filter(|it| it.is_none()).count() as u64;
        tally.explained = states.clone().filter(|it| **it == Some(false)).count() as u64;
        tally.differing = states.filter(|it| **it == Some(true)).count() as u64;
        tally.open = findings.iter().filter(|it| it.difference.is_open()).count() as u64;
        let confidence = match first.choice {
            Choice::Full => None,
            Choice::Sample { .. } => Some(Confidence::of(
                tally.compared,
                tally.with_ticket,
                tally.differing,
            )),
        };
        let counts = self.counting.finish();
        let mut notes = self.job.notes;
        let has_months = counts.iter().any(|count| count.by == Dimension::Month);
        let sets_time = (self.job.system.schema().create().fields.iter())
            .find(|field| field.called == called::CREATED)
            .is_none_or(|field| !matches!(field.setting, Setting::Never(_)));
        if has_months && !sets_time {
            notes.push(
                "months: the source counts by its own time of creation, the system by when the ticket was imported, which no request sets"
                    .to_owned(),
            );
        }
        let (ledger, steps) = first.ledger;
        // A corrected error file has the columns of the input: what became of them is told once.
        let all = self.accounts.into_iter().zip(&self.job.sources);
        let told = all
            .enumerate()
            .filter(|(at, (_, of))| *at == 0 || of.is_of_more);
        let told = told.map(|(_, (accounts, _))| accounts);
        let accounts = told.reduce(Accounts::and).map(Accounts::finish);
        Report {
            about: self.job.about,
            tally,
            findings,
            not_compared: self.not_compared,
            accounts: accounts.unwrap_or_default(),
            counts,
            search: seen.search,
            confidence,
            choice: first.choice,
            digests: Digests {
                ledger,
                steps,
                ..self.job.digests
            },
            notes,
        }
    }
}
