//! The rows of an input through the dry run's own path: the same intake, the same plan, the same engine, nothing
//! sent and no ledger asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::args::{Global, ValidateArgs};
use super::directories::Known;
use crate::config::StateFolder;
use crate::error::{Error, ExitCode, MappingFault, Result};
use crate::event::{Event, Listener};
use crate::intake::{self, Identify, Item as Record, Selection, Subject, Watching};
use crate::ledger::RunMeta;
use crate::mapping::{BoundPlan, MapRows, Unmapped};
use crate::report::causes::Causes;
use crate::report::tally::{Miss, Tally};
use crate::report::{unread, words};
use crate::run::{self, Job, Limiter, Settings, Shutdown};
use crate::source::{Input, Notice};

/// A mapping without a fault, and an input.
pub(super) struct Checker<'a> {
    pub(super) input: &'a Input,
    pub(super) bound: &'a BoundPlan,
    /// The same mapping as one of the newest version, where it is of an older one.
    pub(super) newest: Option<&'a BoundPlan>,
    pub(super) unmapped: Unmapped,
    pub(super) known: Option<&'a Known>,
    pub(super) args: &'a ValidateArgs,
    pub(super) global: &'a Global,
}

/// What the newest version of the mapping would change, with counts and the first rows.
fn changes(
    items: impl Iterator<Item = Result<Record>>,
    bound: &BoundPlan,
    newest: &BoundPlan,
) -> Result<Option<String>> {
    const NAMED: usize = 3;
    let mut keys = (0_u64, Vec::new());
    let mut contents = (0_u64, Vec::new());
    let add = |(count, rows): &mut (u64, Vec<String>), item: &Record| {
        *count += 1;
        if rows.len() < NAMED {
            rows.push(item.place().row.to_string());
        }
    };
    for item in items {
        let item = item?;
        let Subject::Keyed(key) = &item.subject else {
            continue;
        };
        let mut rows = item.rows.clone();
        let is_ordered = newest.arrange(&mut rows).is_ok();
        if !is_ordered || bound.key(&item.rows) != newest.key(&rows) {
            add(&mut keys, &item);
        } else if bound.map(&item.rows, key) != newest.map(&rows, key) {
            add(&mut contents, &item);
        }
    }
    let part = |(count, rows): (u64, Vec<String>), what: &str| {
        let noun = if rows.len() == 1 { "row" } else { "rows" };
        (count > 0).then(|| {
            format!(
                "{what} {} ({noun} {})",
                words::plural(count, "record", "records"),
                words::list(&rows, count)
            )
        })
    };
    let parts = [part(keys, "the keys of"), part(contents, "what is sent of")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Ok((!parts.is_empty()).then(|| {
        format!(
            "`version = 2` of the mapping changes {}",
            parts.join(" and ")
        )
    }))
}

/// What the rows told.
pub(super) struct Found {
    tally: Tally,
    inputs: Vec<String>,
    unread: Vec<(String, u64)>,
    notices: Vec<Notice>,
    /// What is to be known of the mapping with these rows.
    notes: Vec<String>,
    unmapped: Unmapped,
    /// The names that resolve to nothing.
    pub(super) misses: Vec<Miss>,
    /// Conditions that compare unlike things.
    unlike: Vec<MappingFault>,
}

impl Checker<'_> {
    pub(super) async fn run(&self) -> Result<Found> {
        let state = StateFolder::open(self.global.state.as_deref())?;
        let position = |(table, name): (usize, String)| {
            let header = &self.input.tables()[table].header;
            Some((table, header.position(&name)?, name))
        };
        let unread = self.bound.unread_columns().into_iter().filter_map(position);
        let watching = Watching::new(self.bound, unread);
        let survey = tokio::task::block_in_place(|| {
            let all = Selection::default();
            intake::survey(self.input, &watching, &all, state.path())
        })?;
        let unlike = self.bound.unlike();
        if !unlike.is_empty() {
            return Ok(self.without_rows(unlike));
        }
        let counted = (survey.rows(), survey.records(), survey.filtered());
        let mut tally = Tally::default();
        tally.on(&Event::Counted {
            rows: counted.0,
            records: counted.1,
            filtered: counted.2,
        });
        // Which tickets earlier runs have made only a ledger knows.
        let elsewhere = AtomicU64::new(0);
        let items = survey.items(self.input, self.bound)?.map(|item| {
            item.inspect(|item| {
                elsewhere.fetch_add(u64::from(!item.absent.is_empty()), Ordering::Relaxed);
            })
        });
        let job = Job {
            items: Box::new(items),
            counted,
            map: self.bound,
            system: None,
            ledger: None,
            targets: None,
            meta: RunMeta::default(),
            locks: None,
            reread: None,
            again: None,
        };
        let settings = Settings {
            dry_run: true,
            trusts_names: true,
            max_errors: run::MaxErrors::Share(100.0),
            ..Settings::default()
        };
        let (_going, stop) = watch::channel(Shutdown::None);
        let limiter = Arc::new(Limiter::new(None));
        let totals = run::execute(job, &settings, limiter, stop, &mut tally).await?;
        if let Some(error) = totals.stopped {
            return Err(error);
        }
        let mut notes = self.bound.notes();
        notes.extend(survey.alike(self.input));
        let elsewhere = elsewhere.into_inner();
        if elsewhere > 0 {
            notes.push(format!(
                "{} a ticket by a key that no row of the input has: the dry run of an import looks for it in the ledger",
                words::plural(elsewhere, "record names", "records name")
            ));
        }
        if let Some(newest) = self.newest {
            let items = survey.items(self.input, self.bound)?;
            let changes = tokio::task::block_in_place(|| changes(items, self.bound, newest))?;
            notes.extend(changes);
        }
        let inputs = self.args.input.iter();
        Ok(Found {
            misses: self.misses(&tally)?,
            tally,
            inputs: inputs.map(|path| path.display().to_string()).collect(),
            unread: watching.filled(),
            notices: self.input.notices(),
            notes,
            unmapped: self.unmapped,
            unlike: Vec::new(),
        })
    }

    /// What is told where no row can be judged.
    fn without_rows(&self, unlike: Vec<MappingFault>) -> Found {
        let inputs = self.args.input.iter();
        Found {
            tally: Tally::default(),
            inputs: inputs.map(|path| path.display().to_string()).collect(),
            unread: Vec::new(),
            notices: self.input.notices(),
            notes: vec!["the rows were not checked: the mapping comes first".to_owned()],
            unmapped: self.unmapped,
            misses: Vec::new(),
            unlike,
        }
    }

    /// The names of the input that resolve to nothing.
    fn misses(&self, tally: &Tally) -> Result<Vec<Miss>> {
        match (self.known, &self.args.names) {
            (Some(known), _) => Ok(tally.misses(&known.directory)),
            (None, None) => Ok(Vec::new()),
            (None, Some(_)) => Err(
                Error::usage("--names needs to know the names of the system")
                    .hint("add --directory SNAPSHOT, --sandbox or --profile NAME"),
            ),
        }
    }
}

impl Found {
    /// Columns that nothing reads are a fault where the mapping says so.
    fn is_unmapped_fault(&self) -> bool {
        self.unmapped == Unmapped::Error && !self.unread.is_empty()
    }

    pub(super) fn causes(&self) -> &Causes {
        self.tally.causes()
    }

    /// What the rows have shown to be wrong with the mapping.
    pub(super) fn faults(&self, bound: &BoundPlan) -> Vec<MappingFault> {
        let mut faults = self.unlike.clone();
        faults.extend(self.causes().open(bound));
        faults
    }

    /// Whether the fields of a row were made, so that the names in it were looked up.
    pub(super) fn has_looked_up(&self) -> bool {
        self.tally.has_mapped()
    }

    pub(super) fn code(&self) -> ExitCode {
        match (self.is_unmapped_fault(), self.tally.is_good()) {
            (true, _) => ExitCode::Usage,
            (false, false) => ExitCode::SomeRows,
            (false, true) => ExitCode::Done,
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("input      {}", self.inputs.join(", "))];
        let notes = self
            .notices
            .iter()
            .map(|notice| format!("note       {notice}"));
        lines.extend(notes);
        lines.extend(self.notes.iter().map(|note| format!("note       {note}")));
        lines.extend(self.tally.lines());
        if !self.unread.is_empty() {
            let label = match self.is_unmapped_fault() {
                true => "error     ",
                false => "warning   ",
            };
            lines.push(format!("{label} {}", unread::line(&self.unread)));
        }
        lines
    }

    pub(super) fn to_json(&self) -> Value {
        let mut json = self.tally.to_json();
        let unread: Vec<Value> = self
            .unread
            .iter()
            .map(|(column, cells)| json!({"column": column, "cells": cells}))
            .collect();
        json["inputs"] = json!(self.inputs);
        json["unread"] = json!(unread);
        let notices = self.notices.iter().map(ToString::to_string);
        let notices: Vec<String> = notices.chain(self.notes.iter().cloned()).collect();
        json["notes"] = json!(notices);
        json["names_without_match"] = json!(self.misses.len());
        json["aliases_written_to"] = Value::Null;
        json
    }
}
