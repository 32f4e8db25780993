//! Open tickets whose promised time is nearly over, or over: lists of the whole desk, as it is now.

use super::basis::{Of, Totals};
use super::facts::Facts;
use super::listing::{self, Listed};
use super::promise::{RISK, State};
use super::top::Top;
use super::value::{Cell, Table, Value};
use crate::report::words::count;

/// Open tickets that need somebody now.
#[derive(Debug)]
pub(super) struct AtRisk {
    at_risk: Top<(Listed, f64, Option<f64>)>,
    broken: Top<(Listed, Option<f64>)>,
}

impl AtRisk {
    pub(super) fn new() -> Self {
        Self {
            at_risk: Top::new(listing::MOST),
            broken: Top::new(listing::MOST),
        }
    }

    /// Takes a ticket in, by how the promise of its solution stands.
    pub(super) fn add(&mut self, facts: &Facts<'_>, state: State) {
        match state {
            State::Running(Some((part, left))) if part >= RISK => {
                let entry = || (Listed::of(facts), part, Some(left / 60.0));
                self.at_risk.offer((part * 1e6) as i64, entry);
            }
            State::Broken(over) if facts.is_open => {
                let weight = over.map_or(0, |minutes| (minutes * 60.0) as i64);
                let entry = || (Listed::of(facts), over.map(|minutes| minutes / 60.0));
                self.broken.offer(weight, entry);
            }
            _ => {}
        }
    }

    pub(super) fn tables(self, totals: &Totals) -> Vec<Table> {
        let title = |what: &str, shown: usize, all: u64| match all > shown as u64 {
            true => format!("{what}: {} of {}", shown, count(all)),
            false => format!("{what}: {}", count(all)),
        };
        let mut tables = Vec::new();
        let all = self.at_risk.all();
        let entries = self.at_risk.into_sorted();
        if !entries.is_empty() {
            let title = title("At risk now", entries.len(), all);
            let cells = |(ticket, part, left): (Listed, f64, Option<f64>)| {
                (ticket, [Value::Share(part).into(), Cell::number(left)])
            };
            let more = ["Time used", "Hours left"];
            tables.push(Listed::table(&title, more, entries.into_iter().map(cells)));
        }
        let all = self.broken.all();
        let entries = self.broken.into_sorted();
        if !entries.is_empty() {
            let title = title("Broken and still open", entries.len(), all);
            let cells = |(ticket, over): (Listed, Option<f64>)| (ticket, [Cell::number(over)]);
            tables.push(Listed::table(
                &title,
                ["Hours over"],
                entries.into_iter().map(cells),
            ));
        }
        let of = |table: Table| table.of(totals.population(Of::Desk));
        tables.into_iter().map(of).collect()
    }
}
