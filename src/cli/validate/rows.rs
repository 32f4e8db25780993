//! The rows of an input through the dry run's own path: the same intake, the same plan, the same engine, nothing
//! sent and no ledger asked.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::args::{Global, ValidateArgs};
use super::directories::Known;
use crate::config::StateFolder;
use crate::error::{Error, ExitCode, Result};
use crate::event::{Event, Listener};
use crate::intake::{self, Selection, Watching};
use crate::ledger::RunMeta;
use crate::mapping::{BoundPlan, Unmapped};
use crate::report::causes::Causes;
use crate::report::tally::{Miss, Tally};
use crate::report::unread;
use crate::run::{self, Going, Job, Limiter, Settings};
use crate::source::{Input, Notice};

/// A mapping without a fault, and an input.
pub(super) struct Checker<'a> {
    pub(super) input: &'a Input,
    pub(super) bound: &'a BoundPlan,
    pub(super) unmapped: Unmapped,
    pub(super) known: Option<&'a Known>,
    pub(super) args: &'a ValidateArgs,
    pub(super) global: &'a Global,
}

/// What the rows told.
pub(super) struct Found {
    tally: Tally,
    inputs: Vec<String>,
    unread: Vec<(String, u64)>,
    notices: Vec<Notice>,
    unmapped: Unmapped,
    /// The names that resolve to nothing.
    pub(super) misses: Vec<Miss>,
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
        let counted = (survey.rows(), survey.records(), survey.filtered());
        let mut tally = Tally::default();
        tally.on(&Event::Counted {
            rows: counted.0,
            records: counted.1,
            filtered: counted.2,
        });
        let job = Job {
            items: survey.items(self.input, self.bound)?,
            counted,
            map: self.bound,
            system: None,
            ledger: None,
            targets: None,
            meta: RunMeta::default(),
            locks: None,
            reread: None,
        };
        let settings = Settings {
            dry_run: true,
            max_errors: run::MaxErrors::Share(100.0),
            ..Settings::default()
        };
        let (_going, stop) = watch::channel(Going::On);
        let limiter = Arc::new(Limiter::new(None));
        let totals = run::execute(job, &settings, limiter, stop, &mut tally).await?;
        if let Some(error) = totals.stopped {
            return Err(error);
        }
        let inputs = self.args.input.iter();
        Ok(Found {
            misses: self.misses(&tally)?,
            tally,
            inputs: inputs.map(|path| path.display().to_string()).collect(),
            unread: watching.filled(),
            notices: self.input.notices(),
            unmapped: self.unmapped,
        })
    }

    /// The names of the input that resolve to nothing.
    fn misses(&self, tally: &Tally) -> Result<Vec<Miss>> {
        match (self.known, &self.args.write_aliases) {
            (Some(known), _) => Ok(tally.misses(&known.directory)),
            (None, None) => Ok(Vec::new()),
            (None, Some(_)) => Err(Error::usage(
                "--write-aliases needs to know the names of the system",
            )
            .hint("add --directory SNAPSHOT, --sandbox or --profile NAME")),
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
        let notices: Vec<String> = self.notices.iter().map(ToString::to_string).collect();
        json["notes"] = json!(notices);
        json["names_without_match"] = json!(self.misses.len());
        json["aliases_written_to"] = Value::Null;
        json
    }
}
