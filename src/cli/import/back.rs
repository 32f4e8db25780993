//! An exported file that comes back: only what people have changed in it is sent.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Import, Pass, announce, settings};
use crate::cli::args::ImportArgs;
use crate::error::{Error, Result};
use crate::export::baseline::{Baseline, STAMP, Value, file_of};
use crate::export::columns::Plan;
use crate::ledger::Scope;
use crate::mapping::{BaselineRule, Mapping};
use crate::outfile::Records;
use crate::report::conflicts::{self, Resolved};
use crate::report::summary::Aftermath;
use crate::report::words;
use crate::run::{self, Clash, Counts, Desk, TableBaseline};
use crate::source::own::Own;
use crate::source::{Layout, Table};

/// How many conflicts a dry run names.
const SHOWN: usize = 5;

/// What people have changed, as far as it is told.
pub(super) struct Edits {
    pub(super) counts: Counts,
    clashes: Vec<Clash>,
    /// When the desk had changed the tickets that are written to.
    pub(super) compared: Arc<HashMap<String, Timestamp>>,
    /// Whether conflicts are sent all the same.
    overwrites: bool,
}

/// The file of conflicts that the input is, if it is one.
pub(super) fn resolved(args: &ImportArgs, mapping: &Mapping) -> Result<Option<Resolved>> {
    let (Some(rule), [input]) = (mapping.baseline(), &args.inputs[..]) else {
        return Ok(None);
    };
    let columns: Vec<String> = rule
        .columns
        .iter()
        .map(|(heading, _)| heading.clone())
        .collect();
    tokio::task::block_in_place(|| conflicts::open(input, &columns))
}

impl Import<'_> {
    /// Compares the file with what it said when it was written, and what people have changed with the desk; from then on
    /// only that is sent. `None` where the mapping names no baseline.
    pub(super) async fn edits(&self, pass: &Pass<'_>, scope: &Scope) -> Result<Option<Edits>> {
        let Some(rule) = self.mapping.baseline() else {
            return match self.args.overwrite && !self.is_of_desk() {
                true => Err(Error::usage(
                    "`--overwrite` is for exported files that come back: this mapping names no `[baseline]`",
                )
                .at(self.mapping.name())
                .hint("leave it out, or export with --write-mapping")),
                false => Ok(None),
            };
        };
        let zone = pass.plan.plan().zone().cloned().unwrap_or(TimeZone::UTC);
        let custom = &pass.directory.snapshot().custom_fields;
        let names = rule.columns.iter();
        let names = names.map(|(heading, name)| (heading.as_str(), name.as_str()));
        let (columns, unknown) = Plan::of_names(names, custom, &zone);
        if let Some(first) = unknown.first() {
            return Err(Error::usage(format!(
                "`{first}` of `[baseline.columns]` shows nothing that a ticket has"
            ))
            .at(self.mapping.name())
            .hint("`deskferry schema fields --common` lists the names; a custom field may have been renamed: export again"));
        }
        let unsettled = scope.unsettled().await?;
        let file = run::File {
            plan: pass.plan,
            scope,
            columns,
            baselines: tokio::task::block_in_place(|| self.baselines(rule))?,
            unsettled: unsettled.into_iter().map(|row| row.key).collect(),
            overwrites: self.args.overwrite,
        };
        let desk = self.connected.map(|connected| Desk {
            system: Arc::clone(&connected.system),
            limiter: &self.limiter,
            concurrency: self
                .target
                .map_or(1, |target| settings::concurrency(self.args, target)),
            directory: pass.directory,
        });
        let is_compared = desk.is_some();
        let mut edited = run::look_at_edits(self.items(pass)?, file, desk).await?;
        if !self.is_whole(pass) {
            edited.counts.gone = 0;
        }
        pass.plan.send_only(std::mem::take(&mut edited.touched));
        let edits = Edits {
            counts: edited.counts,
            clashes: edited.clashes,
            compared: Arc::new(edited.compared),
            overwrites: self.args.overwrite,
        };
        for line in edits.lines(is_compared) {
            self.output.say(&line);
        }
        if self.args.dry_run {
            for clash in edits.clashes.iter().take(SHOWN) {
                self.output.say(&format!("             {}", shown(clash)));
            }
        }
        Ok(Some(edits))
    }

    /// What is known of what each table said when it was written.
    fn baselines(&self, rule: &BaselineRule) -> Result<Vec<TableBaseline>> {
        if let Some(desk) = self.resolved {
            let known = TableBaseline {
                baseline: Some(Arc::new(of_desk(rule, desk)?)),
                is_sparse: true,
                ..TableBaseline::default()
            };
            return Ok(vec![known; self.input.tables().len()]);
        }
        let mut found: HashMap<&str, (Option<Arc<Baseline>>, bool)> = HashMap::new();
        let mut all = Vec::new();
        for table in self.input.tables() {
            let file: &str = &table.file;
            let is_new = !found.contains_key(file);
            if is_new {
                let (baseline, is_within) = baseline(rule, table)?;
                found.insert(file, (baseline.map(Arc::new), is_within));
            }
            let (baseline, is_within) = found[file].clone();
            let stamp = table
                .header
                .position(rule.stamp.as_deref().unwrap_or(STAMP));
            // A later version's mapping, and the file says nothing of when it was written: by its name alone nobody knows
            // whose baseline lies beside it.
            let is_unproven = rule.stamp.is_some() && stamp.is_none() && !is_within;
            if is_unproven || (baseline.is_none() && stamp.is_none() && rule.read_at.is_none()) {
                return Err(without(file, rule));
            }
            if is_new && baseline.is_none() {
                self.tell_without(rule, file, stamp.is_some());
            }
            all.push(TableBaseline {
                baseline,
                stamp,
                read_at: rule.read_at.filter(|_| rule.stamp.is_none()),
                is_sparse: false,
            });
        }
        Ok(all)
    }

    /// Says what is done without a baseline.
    fn tell_without(&self, rule: &BaselineRule, file: &str, is_stamped: bool) {
        let since = match (is_stamped, rule.read_at) {
            (false, Some(at)) => at.strftime("since %Y-%m-%d %H:%M UTC").to_string(),
            _ => "since the export".to_owned(),
        };
        self.output.say(&format!(
            "  note       `{file}` has no baseline: its cells are compared with the desk, and tickets that were changed there \
             {since} are conflicts"
        ));
    }

    /// Whether all rows of the file are looked at.
    fn is_whole(&self, pass: &Pass<'_>) -> bool {
        let is_error_file = |table: &Table| Own::of(&table.header).is_some();
        self.only().is_none()
            && self.resolved.is_none()
            && self.args.rows.is_none()
            && pass.counted.2 == 0
            && !self.input.tables().iter().any(is_error_file)
    }

    /// Writes the conflicts, and says how to go on.
    pub(super) fn tell_edits(&self, edits: &Edits, after: &mut Aftermath) -> Result<()> {
        let counts = edits.counts;
        after.edited = Some(serde_json::json!({
            "cells": counts.cells, "sent": counts.sent, "in_desk": counts.in_desk, "conflicts": counts.conflicts,
            "emptied": counts.emptied, "gone": counts.gone, "without_baseline": counts.without_baseline,
            "overwritten": if edits.overwrites { counts.conflicts } else { 0 },
        }));
        if edits.clashes.is_empty() || edits.overwrites || self.args.dry_run {
            return Ok(());
        }
        let folder = self.args.errors.as_deref().filter(|path| path.is_dir());
        let claims = self.claims()?;
        let key = self
            .mapping
            .target_column()
            .unwrap_or("Ticket ID")
            .to_owned();
        let path = conflicts::write(
            &edits.clashes,
            &key,
            &conflicts::Place {
                folder: folder.unwrap_or(Path::new("")),
                input: &self.args.inputs[0],
                records: Records::of(self.state.path()),
                readers: self.global.readers(),
                claims: &claims,
            },
        )?;
        let command = announce::command_for(self.args, self.global, self.target, &[&path]);
        after.kept.push(format!(
            "{} not sent: fill in the yellow column `use` of {} and run: {command}",
            words::plural(counts.conflicts, "conflict was", "conflicts were"),
            path.display(),
        ));
        after.files.push(("conflicts", path));
        Ok(())
    }
}

impl Edits {
    /// Whether something was not sent because the desk has changed it too.
    pub(super) fn has_conflicts(&self) -> bool {
        self.counts.conflicts > 0 && !self.overwrites
    }

    /// What is written over, for the confirmation.
    pub(super) fn overwritten(&self) -> Option<String> {
        let count = self.counts.conflicts;
        (self.overwrites && count > 0).then(|| {
            format!(
                "    overwrites {} that people have changed in the desk since the export",
                words::plural(count, "cell", "cells")
            )
        })
    }

    fn lines(&self, is_compared: bool) -> Vec<String> {
        let counts = self.counts;
        let n = words::count;
        let mut parts = vec![format!("{} to send", n(counts.sent))];
        if counts.in_desk > 0 {
            parts.push(format!("{} in the desk already", n(counts.in_desk)));
        }
        if counts.conflicts > 0 {
            let what = match self.overwrites {
                true => "overwriting what was changed in the desk",
                false => "in conflict with the desk",
            };
            parts.push(format!("{} {what}", n(counts.conflicts)));
        }
        let cells = words::plural(counts.cells, "cell", "cells");
        let mut lines = vec![format!(
            "  edited     {cells} since the export: {}",
            parts.join(", ")
        )];
        if !is_compared && counts.cells > 0 {
            lines.push(
                "  note       without a connection nothing is compared with the desk: some of it may be in conflict"
                    .to_owned(),
            );
        }
        if counts.emptied > 0 {
            lines.push(format!(
                "  note       {} emptied: an empty cell leaves its field alone (`clear = true` in the mapping empties the field)",
                words::plural(counts.emptied, "cell was", "cells were")
            ));
        }
        if counts.gone > 0 {
            lines.push(format!(
                "  note       {}: nothing is deleted in the desk",
                words::plural(
                    counts.gone,
                    "ticket of the export has no row any more",
                    "tickets of the export have no row any more"
                )
            ));
        }
        lines
    }
}

fn shown(clash: &Clash) -> String {
    let desk = clash.desk.as_ref().map(Value::shown);
    format!(
        "{}, ticket {}: `{}` is `{}` here and `{}` in the desk",
        clash.place,
        clash.number,
        clash.column,
        clash.file.text(),
        desk.unwrap_or_default()
    )
}

/// The baseline of a table, and whether it is within its workbook; else it lies beside the file, or where the mapping says.
/// What the file has itself goes first, whichever export wrote the mapping: a later one says what its own file said.
fn baseline(rule: &BaselineRule, table: &Table) -> Result<(Option<Baseline>, bool)> {
    let path = PathBuf::from(&*table.file);
    if matches!(table.layout, Layout::Workbook { .. })
        && *table.file != *"-"
        && let Some(found) = Baseline::within(&path)?
    {
        return Ok((Some(found), true));
    }
    if let Some(found) = Baseline::beside_any(&file_of(&path))? {
        return Ok((Some(found), false));
    }
    let named = match &rule.file {
        Some(file) => Baseline::beside(file, &rule.export)?,
        None => None,
    };
    Ok((named, false))
}

/// What keeps a file from being compared.
fn without(file: &str, rule: &BaselineRule) -> Error {
    let what = match &rule.stamp {
        Some(stamp) => format!("it has no column `{stamp}`, which says when each row was written"),
        None => "its baseline is not there, and `[baseline]` has no `read_at`".to_owned(),
    };
    Error::usage(format!(
        "nobody can tell what people have changed in this file: {what}"
    ))
    .at(file)
    .hint("nothing was sent; export again with --write-mapping and bring the changes into the new file")
}

/// What the desk said of each conflict, as a baseline.
fn of_desk(rule: &BaselineRule, desk: &[(String, String, Value)]) -> Result<Baseline> {
    let columns: Vec<String> = rule
        .columns
        .iter()
        .map(|(heading, _)| heading.clone())
        .collect();
    let mut rows: HashMap<String, Vec<String>> = HashMap::new();
    for (ticket, column, value) in desk {
        let known = columns.iter().position(|heading| heading == column);
        let row = rows
            .entry(ticket.clone())
            .or_insert_with(|| vec![String::new(); columns.len()]);
        if let Some(at) = known {
            row[at] = value.written();
        }
    }
    Baseline::of_rows(&columns, rows)
}
