//! Analysis sheets: what an analyst looks at before the tickets themselves.
//!
//! ```text
//! ticket ─▶ Analysis::add ─▶ one tally a sheet ─▶ Analysis::finish ─▶ Sheet values ─▶ xlsx (formulas, charts)
//!                                                                                 └▶ html (tables, drawn charts)
//! ```
//!
//! - One pass, in any order; what is held grows with the number of groups (teams, places, people, months), never with
//!   the number of tickets. Medians are exact until their times are too many to be held, and near then.
//! - Nothing is invented. What a system does not tell is said on the sheet, in the words of
//!   [`crate::systems::common::CommonTicket::not_shown`]; a sheet with nothing to count says why.
//! - "Now" and the zone are given ([`Basis`]): the same tickets make the same sheets for ever.
//! - Deleted tickets are not counted, and the second line says how many there were.
//! - A period chooses which tickets are listed. What is open, its age, and what came and went are figures of the whole
//!   desk; where only the period was read they are left out. Each table says which tickets it counts.
//! - A number that can be counted on the tickets sheet carries how ([`Trace`]); a value is always there as well. The
//!   workbook makes formulas of them with the value as the stored result, the page shows the value.

mod backlog;
mod basis;
mod chart;
mod definitions;
mod durations;
mod facts;
mod flow;
mod groups;
mod groupwise;
mod kind;
mod listing;
mod months;
mod people;
mod promise;
mod promises;
mod ranking;
mod report;
mod requesters;
mod resolution;
mod response;
mod risk;
mod scale;
mod severity;
mod summary;
mod times;
mod top;
mod value;
mod volume;
pub mod xlsx;

#[cfg(test)]
pub(in crate::export) mod made;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod workbook_tests;

pub(crate) use basis::days;
pub use basis::{Basis, By, Period};
pub use chart::{Chart, Shape, Tone, Tones};
pub use kind::SheetKind;
pub use report::{Figures, Frame, NamesOfIds, Times};
pub use scale::Scale;
pub use severity::Severity;
pub(crate) use severity::words_that_hold;
pub use value::{At, Cell, Condition, Field, Sheet, Table, Test, Trace, Value};

use basis::Totals;
use facts::Facts;

use jiff::Timestamp;

use crate::systems::Standing;
use crate::systems::common::CommonTicket;

/// Analysis sheets on their way: takes each ticket once.
#[derive(Debug)]
pub struct Analysis {
    totals: Totals,
    tallies: Vec<(SheetKind, Box<dyn SheetTally>)>,
}

/// What one sheet counts.
trait SheetTally: std::fmt::Debug + Send {
    /// Counts a ticket.
    fn add(&mut self, facts: &Facts<'_>);

    /// Takes a deleted ticket, which is counted nowhere.
    fn deleted(&mut self, _ticket: &CommonTicket) {}

    /// The figures that a later report shows again.
    fn figures(&self) -> Vec<Figures> {
        Vec::new()
    }

    /// What it came to.
    fn finish(self: Box<Self>, totals: &Totals) -> Told;
}

/// What a tally tells.
struct Told {
    title: String,
    notes: Vec<String>,
    tables: Vec<Table>,
}

impl Analysis {
    /// Sheets of these kinds, of no tickets yet.
    pub fn new(kinds: &[SheetKind], mut basis: Basis) -> Self {
        // Formulas know whole seconds.
        basis.now = Timestamp::from_second(basis.now.as_second()).unwrap_or(basis.now);
        let tallies = kinds
            .iter()
            .filter_map(|&kind| Some((kind, tally(kind, &basis)?)));
        Self {
            tallies: tallies.collect(),
            totals: Totals::new(basis),
        }
    }

    /// Counts a ticket of the desk; `is_listed`: the file lists it, since it is in the period.
    pub fn add(&mut self, ticket: &CommonTicket, is_listed: bool) {
        if ticket.standing == Standing::Gone {
            self.totals.deleted += u64::from(is_listed);
            for (_, tally) in &mut self.tallies {
                tally.deleted(ticket);
            }
            return;
        }
        self.totals.add(ticket, is_listed);
        let facts = Facts::of(ticket, &self.totals.basis, is_listed);
        for (_, tally) in &mut self.tallies {
            tally.add(&facts);
        }
    }

    /// The figures of the periods of a report, to be kept for later ones.
    pub fn figures(&self) -> Vec<Figures> {
        let tallies = self.tallies.iter();
        tallies.flat_map(|(_, tally)| tally.figures()).collect()
    }

    /// The sheets.
    pub fn finish(self) -> Vec<Sheet> {
        let totals = self.totals;
        let kinds: Vec<SheetKind> = self.tallies.iter().map(|(kind, _)| *kind).collect();
        let sheet = |(kind, tally): (SheetKind, Box<dyn SheetTally>)| {
            let told = tally.finish(&totals);
            let mut notes = told.notes;
            if told.tables.is_empty() && notes.is_empty() {
                notes.push("There is nothing to count.".to_owned());
            }
            Sheet {
                name: kind.tab(),
                title: told.title,
                counted: totals.line(),
                notes,
                tables: told.tables,
                is_words: false,
            }
        };
        let mut sheets: Vec<Sheet> = self.tallies.into_iter().map(sheet).collect();
        sheets.extend(definitions::sheet(&kinds, &totals));
        sheets
    }
}

/// `None`: a report without its periods.
fn tally(kind: SheetKind, basis: &Basis) -> Option<Box<dyn SheetTally>> {
    Some(match kind {
        SheetKind::Weekly | SheetKind::Monthly => {
            Box::new(report::Report::new(basis.frame.as_ref()?, basis))
        }
        SheetKind::Summary => Box::new(summary::Summary::new(basis)),
        SheetKind::Volume => Box::new(volume::Volume::new(basis)),
        SheetKind::Backlog => Box::new(backlog::Backlog::new(basis)),
        SheetKind::Resolution => Box::new(resolution::Resolution::default()),
        SheetKind::Teams => Box::new(ranking::Load::new(basis)),
        SheetKind::Sla => Box::new(promises::Promises::new(basis)),
        SheetKind::Locations => Box::new(ranking::By::new(&ranking::LOCATIONS, basis)),
        SheetKind::Issues => Box::new(ranking::By::new(&ranking::ISSUES, basis)),
        SheetKind::Devices => Box::new(ranking::By::new(&ranking::DEVICES, basis)),
        SheetKind::Requesters => Box::new(requesters::Requesters::new(basis)),
        SheetKind::Response => Box::new(response::Response::default()),
    })
}
