//! What a check of an input found: counts, causes, names that resolve to nothing. Memory stays flat in the rows.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::aliases::suggestion;
use super::causes::{Causes, FIX_FIRST};
use super::desk::Desk;
use super::fallbacks::Fallbacks;
use super::words;
use crate::directory::{Directory, Kind};
use crate::error::Fault;
use crate::event::{End, Event, Listener, Skip};

/// So many different names that resolve to nothing are kept; the rest is counted.
const MOST_MISSES: usize = 20_000;

/// A name of the input that resolves to nothing, or to several things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// The field of the mapping.
    pub field: String,
    /// What it should be the name of.
    pub kind: Kind,
    /// As it stands in the file.
    pub name: String,
    /// How many rows have it.
    pub rows: u64,
    /// The nearest name of the directory, or of namesakes each with what tells it apart, a line each: any of them is
    /// understood.
    pub suggestion: Option<String>,
}

/// The outcome of every record of a check, summed up.
#[derive(Debug, Default)]
pub struct Tally {
    rows: u64,
    records: u64,
    filtered: u64,
    good: u64,
    faulty: u64,
    repeated: u64,
    left_out: u64,
    requests: u64,
    /// In which states the new tickets would be.
    desk: Desk,
    fallbacks: Fallbacks,
    causes: Causes,
    misses: HashMap<(String, Kind, String), u64>,
    further_misses: u64,
}

impl Listener for Tally {
    fn on(&mut self, event: &Event) {
        match event {
            Event::Counted {
                rows,
                records,
                filtered,
            } => (self.rows, self.records, self.filtered) = (*rows, *records, *filtered),
            Event::Row(row) => self.end(&row.end),
            _ => {}
        }
    }
}

impl Tally {
    fn end(&mut self, end: &End) {
        match end {
            End::Ready {
                requests,
                fallbacks,
                left,
                untied,
                ..
            } => {
                match untied.is_empty() {
                    true => self.good += 1,
                    false => self.faulty += 1,
                }
                self.causes.add(untied);
                self.desk.add(left.as_deref());
                self.requests += u64::from(*requests);
                self.fallbacks.add(fallbacks);
            }
            End::Rejected(faults) => {
                self.faulty += 1;
                self.causes.add(faults);
                faults.iter().for_each(|fault| self.miss(fault));
            }
            End::Skipped(Skip::Repeated { .. }) => self.repeated += 1,
            End::Skipped(_) => self.left_out += 1,
            // A check sends nothing, so that these do not come.
            End::Created { .. }
            | End::Updated { .. }
            | End::Known { .. }
            | End::Incomplete { .. }
            | End::InDoubt { .. }
            | End::NotSent => {}
        }
    }

    fn miss(&mut self, fault: &Fault) {
        let (Some(missing), Some(field)) = (&fault.missing, &fault.field) else {
            return;
        };
        let key = (field.clone(), missing.kind, missing.name.clone());
        if self.misses.len() >= MOST_MISSES && !self.misses.contains_key(&key) {
            self.further_misses += 1;
            return;
        }
        *self.misses.entry(key).or_insert(0) += 1;
    }

    /// The causes of the faults.
    pub fn causes(&self) -> &Causes {
        &self.causes
    }

    /// Whether the fields of a row were made.
    pub fn has_mapped(&self) -> bool {
        self.good > 0 || !self.misses.is_empty()
    }

    /// Whether no row has a fault.
    pub fn is_good(&self) -> bool {
        self.faulty == 0
    }

    /// The names that resolve to nothing, field by field, the most frequent first.
    pub fn misses(&self, directory: &Directory) -> Vec<Miss> {
        let mut misses: Vec<Miss> = self
            .misses
            .iter()
            .map(|((field, kind, name), rows)| Miss {
                field: field.clone(),
                kind: *kind,
                name: name.clone(),
                rows: *rows,
                suggestion: suggestion(directory, *kind, name),
            })
            .collect();
        misses.sort_by(|a, b| (&a.field, b.rows, &a.name).cmp(&(&b.field, a.rows, &b.name)));
        misses
    }

    /// The lines for people, without an indent.
    pub fn lines(&self) -> Vec<String> {
        let n = words::count;
        let filtered = match self.filtered {
            0 => String::new(),
            filtered => format!(", {} filtered", n(filtered)),
        };
        let counts = [
            ("good", self.good),
            ("with faults", self.faulty),
            ("the same row again", self.repeated),
            ("left out by the mapping", self.left_out),
        ];
        let counts = counts.iter().filter(|(_, count)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(what, count)| format!("{what} {}", n(*count)))
            .collect();
        let mut lines = vec![
            format!(
                "read {} → {}{filtered}",
                words::plural(self.rows, "row", "rows"),
                words::plural(self.records, "record", "records"),
            ),
            match counts.is_empty() {
                true => "no row is taken".to_owned(),
                false => counts.join("   "),
            },
        ];
        lines.extend(self.desk.line().map(|line| format!("the desk   {line}")));
        lines.extend(
            self.fallbacks
                .lines()
                .map(|line| format!("fallbacks  {line}")),
        );
        if !self.causes.is_empty() {
            let several = match self.causes.faults() > self.faulty {
                true => " (a row can have several)",
                false => "",
            };
            lines.push(format!("faults, by cause{several}"));
            let causes = self.causes.lines(FIX_FIRST);
            lines.extend(causes.into_iter().map(|line| format!("  {line}")));
        }
        if self.further_misses > 0 {
            lines.push(format!(
                "{} more names resolve to nothing than can be listed",
                n(self.further_misses)
            ));
        }
        lines
    }

    /// The same for programs.
    pub fn to_json(&self) -> Value {
        json!({
            "rows": self.rows, "records": self.records, "filtered": self.filtered,
            "good": self.good, "faulty": self.faulty, "repeated": self.repeated, "left_out": self.left_out,
            "requests": self.requests, "states": self.desk.to_json(), "fallbacks": self.fallbacks.to_json(), "causes": self.causes.sorted(),
        })
    }
}
