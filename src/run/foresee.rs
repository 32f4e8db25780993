//! Rows of a dry run that name the tickets of other rows: which of these would not be made.

use std::collections::HashSet;

use super::plan::RowHeader;
use super::prepare::BATCH;
use super::tied::{not_made, tickets};
use crate::error::Result;
use crate::event::{End, Skip};
use crate::ledger::Scope;
use crate::record::RowKey;

/// Foresees which rows a run would leave incomplete, because a ticket that they name is not made.
pub(super) struct Foresight {
    /// Whether rows name tickets of other rows at all.
    ties: bool,
    /// Where the tickets of earlier runs are known.
    scope: Option<Scope>,
    /// The keys whose tickets are there, or would be.
    made: HashSet<RowKey>,
    /// Rows that name others of which nothing was heard yet.
    held: Vec<(RowHeader, End)>,
}

impl Foresight {
    pub(super) fn new(ties: bool, scope: Option<Scope>) -> Self {
        Self {
            ties,
            scope,
            made: HashSet::new(),
            held: Vec::new(),
        }
    }

    /// The end of a row, unless it must wait until more rows are seen.
    pub(super) fn pass(&mut self, base: RowHeader, end: End) -> Option<(RowHeader, End)> {
        if !self.ties {
            return Some((base, end));
        }
        if let Some(key) = base.key.as_ref().filter(|_| has_ticket(&end)) {
            self.made.insert(key.clone());
        }
        match self.is_open(&base, &end) {
            false => Some((base, end)),
            true => {
                self.held.push((base, end));
                None
            }
        }
    }

    fn is_open(&self, base: &RowHeader, end: &End) -> bool {
        matches!(end, End::Ready { .. }) && self.unmade(base).next().is_some()
    }

    /// The keys that a row names, and whose tickets no row seen so far would make.
    fn unmade<'b>(&'b self, base: &'b RowHeader) -> impl Iterator<Item = &'b RowKey> {
        let named = base.named.iter();
        named.filter(|key| !self.made.contains(*key) && !base.absent.contains(*key))
    }

    /// The rows that waited, when all rows are seen.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) async fn rest(mut self) -> Result<Vec<(RowHeader, End)>> {
        let mut held = std::mem::take(&mut self.held);
        if let Some(scope) = &self.scope {
            let open: HashSet<RowKey> = held
                .iter()
                .flat_map(|(base, _)| self.unmade(base))
                .cloned()
                .collect();
            let open: Vec<RowKey> = open.into_iter().collect();
            for some in open.chunks(BATCH) {
                let known = tickets(scope.clone(), some.to_vec()).await?;
                self.made.extend(known.into_keys());
            }
        }
        for (base, end) in &mut held {
            if let (End::Ready { untied, .. }, Some(key)) = (end, self.unmade(base).next()) {
                untied.push(not_made(key, &base.place));
            }
        }
        Ok(held)
    }

    /// The rows that waited, where not all rows were seen: nothing is foreseen of them.
    pub(super) fn give_up(self) -> Vec<(RowHeader, End)> {
        self.held
    }
}

/// Whether a row that ends so has a ticket, or may have one.
fn has_ticket(end: &End) -> bool {
    match end {
        End::Rejected(_) | End::NotSent => false,
        End::Skipped(skip) => matches!(skip, Skip::DoneBefore { .. } | Skip::Changed { .. }),
        _ => true,
    }
}
