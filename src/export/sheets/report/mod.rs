//! The report of a week or a month: what the desk did, against the period before and the same one a year ago.
//!
//! The first report after a period keeps its figures ([`Figures`]); a later one shows these again, so that an old report
//! comes out as it was. What was never reported in time is counted from the tickets as they are now, and what may have
//! changed since is marked as near.

mod figures;
mod frame;
mod tables;
#[cfg(test)]
mod tests;

pub use figures::{Figures, NamesOfIds, Times};
pub use frame::Frame;

use super::basis::{Basis, Of, Totals, days};
use super::facts::Facts;
use super::promise;
use super::risk::AtRisk;
use super::value::Table;
use super::{SheetTally, Told};
use crate::report::words::plural;
use crate::systems::common::CommonTicket;
use figures::Counting;
use tables::{Column, at_a_glance, by_priority, moved};

/// A report on its way.
#[derive(Debug)]
pub(super) struct Report {
    frame: Frame,
    counting: [Counting; 3],
    at_risk: AtRisk,
    basis: Basis,
}

impl Report {
    /// A report about the periods of a frame.
    pub(super) fn new(frame: &Frame, basis: &Basis) -> Self {
        Self {
            counting: frame.spans.map(|span| Counting::new(span, basis.now)),
            frame: frame.clone(),
            at_risk: AtRisk::new(),
            basis: basis.clone(),
        }
    }

    fn counted(&self) -> [Figures; 3] {
        let knows_past = self.basis.knows_past();
        let [one, before, year] = &self.counting;
        [one, before, year].map(|counting| counting.figures(knows_past))
    }

    /// What is shown of each period: the figures that were kept, else those that are counted now.
    fn shown(&self, counted: &[Figures; 3]) -> [Figures; 3] {
        let shown = |counted: &Figures| {
            let mut kept = self.basis.kept.iter();
            let is_it = |kept: &&Figures| (kept.from, kept.until) == (counted.from, counted.until);
            kept.find(is_it).unwrap_or(counted).clone()
        };
        let [one, before, year] = counted;
        [shown(one), shown(before), shown(year)]
    }

    fn notes(&self, counted: &[Figures; 3], shown: &[Figures; 3], totals: &Totals) -> Vec<String> {
        let mut notes = Vec::new();
        let zone = &self.basis.zone;
        let name = |at: usize| days(self.frame.spans[at], zone);
        let read = |figures: &Figures| {
            let at = zone.to_datetime(figures.counted_at);
            at.strftime("%-d %b %Y, %H:%M").to_string()
        };
        if !counted[0].is_over() {
            notes.push(format!(
                "The period {} is not over: its figures go up to {}.",
                name(0),
                read(&counted[0])
            ));
        }
        let kept = shown[0].counted_at != counted[0].counted_at;
        if kept {
            notes.push(format!(
                "The figures of {} are those of the report of {}.",
                name(0),
                read(&shown[0])
            ));
            notes.extend(changed(&shown[0], &counted[0]));
        }
        let late: Vec<String> = (0..3)
            .filter(|at| shown[*at].are_late())
            .map(name)
            .collect();
        if !late.is_empty() {
            notes.push(format!(
                "No report was made within a week of the end of {}. Figures with ≈ may have been others then: tickets were perhaps reopened, deleted, moved or answered before they were counted.",
                late.join(" and of ")
            ));
        }
        let [one, ..] = &self.counting;
        if !kept && one.reopened() > 0 {
            let tickets = plural(one.reopened(), "ticket was", "tickets were");
            notes.push(format!(
                "{tickets} closed by the end of the period and reopened at a time that the system does not tell: they count as open."
            ));
        }
        if one.undated() > 0 {
            let tickets = plural(one.undated(), "ticket", "tickets");
            let why = totals.because("closed");
            notes.push(format!(
                "The time of closing of {tickets} is not known{why}."
            ));
        }
        if shown[0].deleted > 0 {
            let one = "ticket created in the period was deleted and is";
            let many = "tickets created in the period were deleted and are";
            let tickets = plural(shown[0].deleted, one, many);
            notes.push(format!("{tickets} not counted."));
        }
        notes
    }
}

/// What is other now than it was reported.
fn changed(shown: &Figures, counted: &Figures) -> Option<String> {
    let told = |number: Option<u64>| {
        number.map_or_else(|| "not known".to_owned(), |number| number.to_string())
    };
    let pairs = [
        ("created", Some(shown.created), Some(counted.created)),
        ("closed", shown.closed, counted.closed),
        ("open at the start", shown.at_start, counted.at_start),
        ("open at the end", shown.at_end, counted.at_end),
    ];
    let differ = pairs.into_iter().filter(|(_, then, now)| then != now);
    let differ: Vec<String> = differ
        .map(|(what, then, now)| format!("{what} {} (then {})", told(now), told(then)))
        .collect();
    (!differ.is_empty()).then(|| {
        format!(
            "Counted from the tickets as they are now: {}. Tickets were reopened, deleted or changed since.",
            differ.join(", ")
        )
    })
}

impl SheetTally for Report {
    fn add(&mut self, facts: &Facts<'_>) {
        for counting in &mut self.counting {
            counting.add(facts);
        }
        if let Some((state, _)) = promise::solution(facts, self.basis.now) {
            self.at_risk.add(facts, state);
        }
    }

    fn deleted(&mut self, ticket: &CommonTicket) {
        for counting in &mut self.counting {
            counting.deleted(ticket);
        }
    }

    fn figures(&self) -> Vec<Figures> {
        self.counted().to_vec()
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let counted = self.counted();
        let shown = self.shown(&counted);
        let notes = self.notes(&counted, &shown, totals);
        let zone = &self.basis.zone;
        let [one, before, year] = &shown;
        let columns = [(one, 0), (before, 1), (year, 2)].map(|(figures, at)| Column {
            heading: days(self.frame.spans[at], zone),
            figures,
        });
        let population = totals.population(Of::Desk);
        let mut tables: Vec<Table> = vec![at_a_glance(&columns)];
        tables.extend(by_priority(&columns));
        tables.extend(moved(
            "Location",
            "Locations that moved most",
            &columns,
            (|one| &one.locations, |one| &one.location_names),
        ));
        let issues = "Issues or collections that moved most";
        tables.extend(moved(
            "Issue or collection",
            issues,
            &columns,
            (|one| &one.issues, |one| &one.issue_names),
        ));
        let mut tables: Vec<Table> = tables
            .into_iter()
            .map(|table| table.of(population.clone()))
            .collect();
        tables.extend(self.at_risk.tables(totals));
        Told {
            title: format!(
                "{} {}: what came, what was done, what waits",
                self.frame.word(),
                columns[0].heading
            ),
            notes,
            tables,
        }
    }
}
