//! The summary of a run: rows in = sum of outcomes, causes grouped, what to do next.

mod text;

pub(crate) use text::named as step_name;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::causes::Causes;
use super::desk::Desk;
use super::fallbacks::Fallbacks;
use crate::error::{ExitCode, Fault};
use crate::event::{End, Event, RowEnd, Skip};
use crate::record::Place;
use crate::systems::{Operation, call_of};

/// How many rows of a list are named.
const SHOWN: usize = 5;

/// What is known of a run besides its events.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Context {
    /// The inputs as the user named them.
    pub inputs: Vec<String>,
    /// The system and the connection, for people: `incidentiq (sandbox)`.
    pub target: String,
    /// The run's code; `None` in a dry run.
    pub run: Option<String>,
    /// What is done with each row.
    pub operation: Operation,
    /// Whether nothing was sent on purpose.
    pub dry_run: bool,
    /// The limit, in requests per second.
    pub limit: Option<f64>,
    /// How many records that are not done yet were to be taken up (`--limit`).
    pub most: Option<u64>,
    /// Of a dry run, what the mapping leaves open, as one line.
    pub open: Option<String>,
}

/// How long a real run would take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// How many requests it needs.
    pub requests: u64,
    /// At so many a second.
    pub rate: f64,
    /// The rate allows no less.
    pub least: Duration,
    /// When it would end if it began now, as a clock shows it here.
    pub ends: Option<String>,
}

/// What came of it, after the run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Aftermath {
    /// How long it took.
    pub took: Duration,
    /// Tickets that stand in the system twice for one row.
    pub doubles: u64,
    /// How many requests were for many tickets at once; `None` where that was not asked for.
    pub bulk: Option<u64>,
    /// The error files with the command that runs each again.
    pub error_files: Vec<(PathBuf, String)>,
    /// What was done on tickets besides making them, by the name of the call.
    pub steps: BTreeMap<String, u64>,
    /// Earlier error files that were not replaced, a line each.
    pub kept: Vec<String>,
    /// Why the run stopped before its end, if it did, and how to go on.
    pub stopped: Option<String>,
    /// The command that goes on.
    pub resume: Option<String>,
    /// What people have changed in an exported file, as counts; `None` where the input is none.
    pub edited: Option<serde_json::Value>,
    /// The input against what was sent before, whole; `None` where nothing was to be compared.
    pub compared: Option<serde_json::Value>,
    /// Of a dry run: how long the real one would take.
    pub forecast: Option<Forecast>,
    /// Of a dry run: what it could not check.
    pub unchecked: Vec<String>,
    /// The command that writes unknown names as a table.
    pub write_aliases: Option<String>,
    /// The files that were asked for: what each is, and its name.
    pub files: Vec<(&'static str, PathBuf)>,
}

/// A few named rows of many.
#[derive(Debug, Clone, Default, Serialize)]
struct Sample {
    count: u64,
    first: Vec<String>,
}

impl Sample {
    fn add(&mut self, line: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < SHOWN {
            self.first.push(line());
        }
    }
}

/// The tally of a run, folded from its events.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    rows: u64,
    records: u64,
    filtered: u64,
    sent: u64,
    created: u64,
    updated: u64,
    /// Those that this run did not make, and of which it did what was open.
    known: u64,
    incomplete: u64,
    ready: u64,
    /// Those of them that would be updated.
    would_update: u64,
    /// Those of them that this run did not make: what is open would be done.
    would_complete: u64,
    /// Those of them whose tickets were read.
    compared: u64,
    /// Those of them whose tickets have everything already.
    no_change: u64,
    requests: u64,
    /// Of a dry run, what would be done on tickets besides, by the name of the call.
    further: BTreeMap<String, u64>,
    skipped: u64,
    rejected: u64,
    in_doubt: u64,
    not_sent: u64,
    repeated: u64,
    done_before: u64,
    by_mapping: u64,
    by_hand: u64,
    /// Exported rows that nobody has changed.
    unedited: u64,
    /// Exported rows that were changed in the desk too.
    in_conflict: u64,
    /// In which states the new tickets of a dry run would be.
    desk: Desk,
    fallbacks: Fallbacks,
    causes: Causes,
    changed: Sample,
    doubts: Sample,
    warnings: Sample,
    notes: Vec<String>,
}

impl Summary {
    /// Folds one event in.
    pub fn on(&mut self, event: &Event) {
        match event {
            Event::Counted {
                rows,
                records,
                filtered,
            } => {
                (self.rows, self.records, self.filtered) = (*rows, *records, *filtered);
            }
            Event::Row(row) => self.row(row),
            Event::Sent => self.sent += 1,
            Event::Note(note) => self.notes.push(note.clone()),
            _ => {}
        }
    }

    fn row(&mut self, row: &RowEnd) {
        match &row.end {
            End::Created { ticket, fallbacks }
            | End::Updated { ticket, fallbacks }
            | End::Known { ticket, fallbacks } => {
                match &row.end {
                    End::Updated { .. } => self.updated += 1,
                    End::Known { .. } => self.known += 1,
                    _ => self.created += 1,
                }
                self.fallbacks.add(fallbacks);
                for warning in &ticket.warnings {
                    self.warnings.add(|| format!("{}: {warning}", row.place));
                }
            }
            End::Ready {
                requests,
                fallbacks,
                updates,
                known,
                left,
                further,
                diff,
                untied,
                ..
            } => {
                if !untied.is_empty() {
                    self.incomplete += 1;
                    self.causes.add(untied);
                }
                self.desk.add(left.as_deref());
                if let Some(diff) = diff {
                    self.compared += 1;
                    self.no_change += u64::from(diff.is_empty());
                }
                self.ready += 1;
                self.would_update += u64::from(*updates);
                self.would_complete += u64::from(*known && !updates);
                self.requests += u64::from(*requests);
                for step in further {
                    let call = call_of(step);
                    match self.further.get_mut(call) {
                        Some(count) => *count += 1,
                        None => _ = self.further.insert(call.to_owned(), 1),
                    }
                }
                self.fallbacks.add(fallbacks);
            }
            End::Skipped(skip) => self.skip(&row.place, skip),
            End::Rejected(faults) => {
                self.rejected += 1;
                self.causes.add(faults);
            }
            End::Incomplete { faults, known, .. } => {
                match known {
                    true => self.known += 1,
                    false => self.created += 1,
                }
                self.incomplete += 1;
                self.causes.add(faults);
            }
            End::InDoubt { reason } => {
                self.in_doubt += 1;
                self.doubts.add(|| format!("{}: {reason}", row.place));
            }
            End::NotSent => self.not_sent += 1,
        }
    }

    fn skip(&mut self, place: &Place, skip: &Skip) {
        self.skipped += 1;
        match skip {
            Skip::DoneBefore { .. } => self.done_before += 1,
            Skip::Repeated { .. } => self.repeated += 1,
            Skip::ByMapping { .. } => self.by_mapping += 1,
            Skip::ByHand => self.by_hand += 1,
            Skip::Unedited => self.unedited += 1,
            Skip::Conflict => self.in_conflict += 1,
            Skip::Changed { ticket, run, from } => {
                self.changed.add(|| {
                    let number = ticket.number.as_deref().unwrap_or(&ticket.id);
                    format!("{place}: run {run} made {number} from {from}")
                });
            }
        }
    }

    /// Records that the engine never came to are not sent: called once, when the run was stopped.
    pub fn close(&mut self) {
        self.not_sent += self.records.saturating_sub(self.ended());
    }

    fn ended(&self) -> u64 {
        self.created
            + self.updated
            + self.known
            + self.ready
            + self.skipped
            + self.rejected
            + self.in_doubt
            + self.not_sent
    }

    /// Whether every record is accounted for.
    pub fn is_balanced(&self) -> bool {
        self.ended() == self.records
    }

    /// How many rows were made or updated (or, in a dry run, would be).
    pub fn made(&self) -> u64 {
        self.created + self.updated + self.known + self.ready
    }

    /// How many requests a dry run would send.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// What was done on tickets besides making them, or in a dry run would be.
    fn steps<'a>(&'a self, after: &'a Aftermath) -> &'a BTreeMap<String, u64> {
        match after.steps.is_empty() {
            true => &self.further,
            false => &after.steps,
        }
    }

    /// The causes of what was rejected.
    pub fn causes(&self) -> &Causes {
        &self.causes
    }

    /// The exit code by the rows alone.
    pub fn exit_code(&self) -> ExitCode {
        let clean = self.rejected + self.incomplete + self.in_doubt + self.changed.count == 0;
        if clean {
            ExitCode::Done
        } else {
            ExitCode::SomeRows
        }
    }

    /// The summary for programs.
    pub fn to_json(&self, context: &Context, after: &Aftermath) -> serde_json::Value {
        let mut summary = serde_json::json!({
            "inputs": context.inputs, "target": context.target, "run": context.run, "dry_run": context.dry_run,
            "open": context.open, "rows": self.rows, "records": self.records, "filtered": self.filtered,
            "operation": context.operation.as_str(), "incomplete": self.incomplete, "skipped": self.skipped,
            "rejected": self.rejected, "in_doubt": self.in_doubt, "not_sent": self.not_sent,
            "skipped_because": {
                "done_before": self.done_before, "changed": self.changed.count,
                "repeated": self.repeated, "by_mapping": self.by_mapping, "by_hand": self.by_hand,
            },
            "requests": if context.dry_run { self.requests } else { self.sent },
            "seconds": after.took.as_secs_f64(), "limit": context.limit,
            "fallbacks": self.fallbacks.to_json(), "causes": self.causes.sorted(), "notes": self.notes.iter().chain(&after.kept).collect::<Vec<_>>(),
            "doubles": after.doubles, "changed": self.changed.first, "doubts": self.doubts.first, "warnings": self.warnings.first,
            "error_files": after.error_files.iter().map(|(path, command)| serde_json::json!({"path": path, "run_again": command})).collect::<Vec<_>>(),
            "stopped": after.stopped, "resume": after.resume, "compared": after.compared,
            "forecast": after.forecast.as_ref().map(|forecast| serde_json::json!({
                "requests": forecast.requests, "rate": forecast.rate, "seconds": forecast.least.as_secs_f64(), "ends": forecast.ends,
            })),
            "not_checked": after.unchecked, "write_aliases": after.write_aliases,
        });
        if !self.steps(after).is_empty() {
            summary["steps"] = serde_json::json!(self.steps(after));
        }
        summary[context.operation.done()] = self.created.into();
        if !self.desk.is_empty() {
            summary["states"] = self.desk.to_json();
        }
        if let Some(bulk) = after.bulk {
            summary["bulk_requests"] = bulk.into();
        }
        if let Some(edited) = &after.edited {
            summary["edited"] = edited.clone();
            summary["skipped_because"]["unchanged"] = self.unedited.into();
            summary["skipped_because"]["conflict"] = self.in_conflict.into();
        }
        if self.known > 0 {
            summary["known"] = self.known.into();
        }
        if self.would_complete > 0 {
            summary["would_complete"] = self.would_complete.into();
        }
        if self.compared > 0 {
            summary["compared_tickets"] = self.compared.into();
            summary["no_change"] = self.no_change.into();
        }
        match context.operation {
            Operation::Upsert => {
                summary["updated"] = self.updated.into();
                summary["would_create"] =
                    (self.ready - self.would_update - self.would_complete).into();
                summary["would_update"] = self.would_update.into();
            }
            other => {
                summary[format!("would_{other}")] = (self.ready - self.would_complete).into();
            }
        }
        summary
    }
}

/// The faults of a row as one text, for logs and lists.
pub fn faults_text(faults: &[Fault]) -> String {
    let line = |fault: &Fault| match &fault.field {
        Some(field) => format!("{field}: {}", fault.message),
        None => fault.message.clone(),
    };
    faults.iter().map(line).collect::<Vec<_>>().join("; ")
}
