//! The rows of an input through the dry run's own path: the same intake, the same plan, the same engine, nothing
//! sent and no ledger asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::args::{Global, ValidateArgs};
use super::super::output::Output;
use super::directories::Known;
use crate::config::StateFolder;
use crate::error::{Error, ExitCode, Result};
use crate::event::{Event, Listener};
use crate::intake::{self, Selection, Watching};
use crate::ledger::RunMeta;
use crate::mapping::{BoundPlan, Unmapped};
use crate::report::tally::Tally;
use crate::report::{aliases, words};
use crate::run::{self, Going, Job, Limiter, Settings};
use crate::source::Input;

/// A mapping without a fault, and an input.
pub(super) struct Checker<'a> {
    pub(super) input: &'a Input,
    pub(super) bound: &'a BoundPlan,
    pub(super) mapping: &'a Path,
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
    unmapped: Unmapped,
    /// The table of names that was written: its path, the number of names, the fields.
    aliases: Option<(String, usize, Vec<String>)>,
    /// How many different names resolve to nothing.
    misses: usize,
}

impl Checker<'_> {
    pub(super) async fn run(&self, output: Output) -> Result<Found> {
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
            meta: RunMeta::default(),
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
        let mut found = Found {
            tally,
            inputs: inputs.map(|path| path.display().to_string()).collect(),
            unread: watching.filled(),
            unmapped: self.unmapped,
            aliases: None,
            misses: 0,
        };
        self.write_aliases(&mut found, output)?;
        Ok(found)
    }

    /// A path as the mapping names it.
    fn seen_from_mapping(&self, path: &Path) -> PathBuf {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (path, mapping) = (absolute(path), absolute(self.mapping));
        let beside = mapping
            .parent()
            .and_then(|folder| path.strip_prefix(folder).ok());
        beside.map_or(path.clone(), Path::to_path_buf)
    }

    fn write_aliases(&self, found: &mut Found, output: Output) -> Result<()> {
        let Some(known) = self.known else {
            return match &self.args.write_aliases {
                None => Ok(()),
                Some(_) => Err(Error::usage(
                    "--write-aliases needs to know the names of the system",
                )
                .hint("add --directory SNAPSHOT, --sandbox or --profile NAME")),
            };
        };
        let misses = found.tally.misses(&known.directory);
        found.misses = misses.len();
        let Some(path) = &self.args.write_aliases else {
            return Ok(());
        };
        if misses.is_empty() {
            output.say(&format!(
                "    aliases    every name resolves: {} was not written",
                path.display()
            ));
            return Ok(());
        }
        aliases::write(path, &misses, &known.directory)?;
        // Relative to the mapping's folder, where it lies there.
        let path = &self.seen_from_mapping(path);
        let mut fields: Vec<String> = misses.iter().map(|miss| miss.field.clone()).collect();
        fields.dedup();
        found.aliases = Some((path.display().to_string(), misses.len(), fields));
        Ok(())
    }
}

impl Found {
    /// Columns that nothing reads are a fault where the mapping says so.
    fn is_unmapped_fault(&self) -> bool {
        self.unmapped == Unmapped::Error && !self.unread.is_empty()
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
        lines.extend(self.tally.lines());
        if !self.unread.is_empty() {
            let column = |(name, count): &(String, u64)| {
                format!("`{name}` ({})", words::plural(*count, "cell", "cells"))
            };
            let columns: Vec<String> = self.unread.iter().map(column).collect();
            let label = match self.is_unmapped_fault() {
                true => "error     ",
                false => "warning   ",
            };
            lines.push(format!("{label} nothing reads {}", columns.join(", ")));
        }
        match &self.aliases {
            Some((path, count, fields)) => {
                let names = words::plural(*count as u64, "name", "names");
                lines.push(format!(
                    "aliases    {names} in {path}: fill the column `use`, then add aliases_file = '{path}' to {}",
                    fields.join(", ")
                ));
            }
            None if self.misses > 0 => {
                let names = words::plural(self.misses as u64, "name", "names");
                lines.push(format!(
                    "aliases    {names} to be matched by hand: add --write-aliases FILE.xlsx for a table to fill"
                ));
            }
            None => {}
        }
        lines
    }

    pub(super) fn into_json(self) -> Value {
        let mut json = self.tally.to_json();
        let unread: Vec<Value> = self
            .unread
            .iter()
            .map(|(column, cells)| json!({"column": column, "cells": cells}))
            .collect();
        json["inputs"] = json!(self.inputs);
        json["unread"] = json!(unread);
        json["names_without_match"] = json!(self.misses);
        json["aliases_written_to"] = json!(self.aliases.map(|(path, _, _)| path));
        json
    }
}
