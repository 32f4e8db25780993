//! Rows into what may become a record: filtered, grouped where the groups stand together.

use std::collections::VecDeque;

use super::{Digest, Identify};
use crate::error::{Fault, Result, Rule};
use crate::record::Record;
use crate::source::Row;

/// The rows of one record, and what already keeps it from being one.
pub(super) struct Candidate {
    pub(super) rows: Vec<Record>,
    /// Empty for a good one.
    pub(super) faults: Vec<Fault>,
    /// The group it was made of, before the mapping arranged its rows.
    pub(super) group: Option<Digest>,
    /// Whether `where_group` leaves it out. It is still handed on: only then is it seen that the group goes on
    /// elsewhere, so that what was judged was a fragment.
    pub(super) is_left_out: bool,
}

/// What the rows on the way amounted to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Rows that were read.
    pub(super) rows: u64,
    /// Rows that a condition left out.
    pub(super) filtered: u64,
    /// The first row whose group is unknown, as its table and row number, and how many such rows there are.
    pub(super) stray: Option<(usize, u64, u64)>,
}

/// A row that passed `where`, or cannot be judged.
pub(super) enum Passed {
    Good(Record, Option<Digest>),
    /// One that cannot be judged. Its group is not whole without it.
    Bad(Record, Vec<Fault>, Option<Digest>),
}

/// Judges one row; `None` when the condition leaves it out.
pub(super) fn pass(row: Row, identify: &dyn Identify, counts: &mut Counts) -> Option<Passed> {
    counts.rows += 1;
    let mut bad = |record: Record, faults: Vec<Fault>| {
        let is_readable = faults.iter().all(|fault| fault.rule != Rule::Mangled);
        let group = identify.group(&record);
        let known = group.filter(|_| is_readable && identify.knows_group(&record));
        if group.is_some() && known.is_none() {
            let stray = counts
                .stray
                .get_or_insert((record.table, record.place.row, 0));
            stray.2 += 1;
        }
        Some(Passed::Bad(record, faults, known))
    };
    match row {
        Row::Fault(record, faults) => bad(record, faults),
        Row::Record(record) => match identify.passes(&record) {
            Ok(true) => {
                let group = identify.group(&record);
                Some(Passed::Good(record, group))
            }
            Ok(false) => {
                counts.filtered += 1;
                None
            }
            Err(faults) => bad(record, faults),
        },
    }
}

/// Ends a group: its rows in the mapping's order, and whether a condition leaves it out.
pub(super) fn close(
    mut rows: Vec<Record>,
    group: Option<Digest>,
    identify: &dyn Identify,
    counts: &mut Counts,
) -> Candidate {
    let judged = match group {
        Some(_) => identify
            .arrange(&mut rows)
            .and_then(|()| identify.passes_group(&rows)),
        None => Ok(true),
    };
    let is_left_out = judged == Ok(false);
    if is_left_out {
        counts.filtered += rows.len() as u64;
    }
    Candidate {
        rows,
        faults: judged.err().unwrap_or_default(),
        group,
        is_left_out,
    }
}

/// The candidates of rows whose groups stand together.
pub(super) struct Candidates<'a, I> {
    rows: I,
    identify: &'a dyn Identify,
    counts: Counts,
    open: Vec<Record>,
    /// What is wrong with rows of the open group.
    faults: Vec<Fault>,
    group: Option<Digest>,
    ready: VecDeque<Candidate>,
    over: bool,
}

impl<'a, I: Iterator<Item = Result<Row>>> Candidates<'a, I> {
    pub(super) fn new(rows: I, identify: &'a dyn Identify) -> Self {
        Self {
            rows,
            identify,
            counts: Counts::default(),
            open: Vec::new(),
            faults: Vec::new(),
            group: None,
            ready: VecDeque::new(),
            over: false,
        }
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let rows = std::mem::take(&mut self.open);
        let group = self.group.take();
        let faults = std::mem::take(&mut self.faults);
        let candidate = match faults.is_empty() {
            true => close(rows, group, self.identify, &mut self.counts),
            false => Candidate {
                rows,
                faults,
                group,
                is_left_out: false,
            },
        };
        self.ready.push_back(candidate);
    }

    fn take(&mut self, passed: Passed) {
        let (record, faults, group) = match passed {
            Passed::Good(record, group) => (record, Vec::new(), group),
            Passed::Bad(record, faults, group) => (record, faults, group),
        };
        if group.is_none() || self.group != group {
            self.close();
        }
        self.group = group;
        self.open.push(record);
        self.faults.extend(faults);
        if group.is_none() {
            self.close();
        }
    }
}

impl<I: Iterator<Item = Result<Row>>> Iterator for Candidates<'_, I> {
    type Item = Result<Candidate>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(candidate) = self.ready.pop_front() {
                return Some(Ok(candidate));
            }
            if self.over {
                return None;
            }
            match self.rows.next() {
                Some(Ok(row)) => {
                    if let Some(passed) = pass(row, self.identify, &mut self.counts) {
                        self.take(passed);
                    }
                }
                Some(Err(error)) => {
                    self.over = true;
                    return Some(Err(error));
                }
                None => {
                    self.over = true;
                    self.close();
                }
            }
        }
    }
}
