//! Tickets that a later pass would update and that people have changed in the target since: they are listed, and nothing is
//! sent for them.
//!
//! Which field of a ticket somebody has changed no system says. So a ticket is in conflict where it was changed in the target
//! after all that the passes have sent to it, and shows another value than the source in a field that a pass sets.

use std::collections::HashMap;
use std::path::Path;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Import, Pass, announce, settings};
use crate::cli::connect::Target;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::export::back::{self, MEANINGS};
use crate::export::baseline::Value;
use crate::export::columns::Plan;
use crate::export::file::{Format, Written};
use crate::intake::{Item, Subject};
use crate::ledger::{Scope, State, StepRecord};
use crate::mapping::{Due, Expected, MapRows};
use crate::outfile::{self, Records, unwritable};
use crate::record::{Cell, RowKey};
use crate::report::conflicts;
use crate::report::summary::Aftermath;
use crate::report::words;
use crate::run::Clash;
use crate::systems::common::CommonTicket;
use crate::systems::diff::{Agreement, Compared, compared};
use crate::systems::{CREATE, Operation, Ticket};

/// How many records are looked at together.
const TOGETHER: usize = 256;
/// What stands above the ids of the tickets.
const KEY: &str = "Ticket ID";

/// What was changed on both sides.
#[derive(Debug, Default)]
pub(super) struct Both {
    clashes: Vec<Clash>,
}

/// A record whose ticket an update would go to.
struct Candidate {
    item: Item,
    key: RowKey,
    ticket: Ticket,
    expected: Box<Expected>,
    /// When something was last sent to it.
    sent_at: Timestamp,
}

impl Both {
    /// Whether something was not sent for it.
    pub(super) fn is_empty(&self) -> bool {
        self.clashes.is_empty()
    }
}

impl Import<'_> {
    /// Looks for what was changed on both sides since the pass before; its records are left out from now on.
    pub(super) async fn both_sides(&self, pass: &Pass<'_>, scope: &Scope) -> Result<Both> {
        let mut both = Both::default();
        // A retry is not to overwrite what its pass did not.
        let (true, Some(connected), false) =
            (self.is_of_desk(), self.connected, self.args.overwrite)
        else {
            return Ok(both);
        };
        if self.mapping.operation() != Operation::Upsert || scope.is_empty().await? {
            return Ok(both);
        }
        let mut columns = self.columns_that_lead_back(pass);
        let system = &connected.system;
        let (commit, visible) =
            (self.target).map_or_else(Default::default, |target| target.surprise(system.as_ref()));
        // What is dated so soon after an intent of ours may be what came of it.
        let slack = SignedDuration::try_from(2 * (commit + visible));
        let slack = slack.unwrap_or(SignedDuration::from_mins(5));
        let most = self
            .target
            .map_or(1, |target| settings::concurrency(self.args, target));
        let mut left_out = HashMap::new();
        let mut items = self.items(pass)?;
        loop {
            let some: Vec<Item> = items.by_ref().take(TOGETHER).collect::<Result<_>>()?;
            if some.is_empty() {
                break;
            }
            let candidates = self.candidates(pass, scope, some).await?;
            let mut read = stream::iter(candidates)
                .map(|candidate| async move {
                    let permit = self.limiter.as_ref();
                    let name = &candidate.ticket.id;
                    let ticket = match system.ticket_fields(name, permit).await {
                        // What is wrong with it is told when it is written to.
                        Err(error) if error.kind() == ErrorKind::Refused => None,
                        other => other?,
                    };
                    Ok::<_, Error>((candidate, ticket))
                })
                .buffered(most.max(1));
            let mut changed = Vec::new();
            while let Some((candidate, ticket)) = read.try_next().await? {
                let is_changed = |ticket: &CommonTicket| {
                    let since = candidate.sent_at.saturating_add(slack);
                    ticket
                        .updated
                        .zip(since.ok())
                        .is_some_and(|(at, since)| at > since)
                };
                if let Some(ticket) = ticket.filter(is_changed) {
                    changed.push((candidate, ticket));
                }
            }
            drop(read);
            for (candidate, mut ticket) in changed {
                ticket.refresh_names(pass.directory);
                let clashes = clashes(&candidate, &ticket, &mut columns, pass)?;
                if clashes.is_empty() {
                    continue;
                }
                let permit = self.limiter.as_ref();
                let by = system
                    .changed_by(&ticket.id, candidate.sent_at, permit)
                    .await;
                let by = by.unwrap_or_default();
                left_out.insert(candidate.key, fault(&candidate.item, &clashes));
                both.clashes.extend(clashes.into_iter().map(|clash| Clash {
                    by: by.clone(),
                    ..clash
                }));
            }
        }
        drop(items);
        if !both.is_empty() {
            self.output.say(&format!(
                "  warning    {} changed on both sides since the last pass: nothing is sent for {}",
                words::plural(left_out.len() as u64, "ticket was", "tickets were"),
                if left_out.len() == 1 { "it" } else { "them" },
            ));
        }
        // Nobody else sets it.
        let _ = self.left_out.set(left_out);
        Ok(both)
    }

    /// The records of which an update may be due: made and whole, and another content than was sent.
    async fn candidates(
        &self,
        pass: &Pass<'_>,
        scope: &Scope,
        items: Vec<Item>,
    ) -> Result<Vec<Candidate>> {
        let keyed = items.into_iter().filter_map(|item| match &item.subject {
            Subject::Keyed(key) => Some((key.clone(), item)),
            _ => None,
        });
        let keyed: Vec<(RowKey, Item)> = keyed.collect();
        let keys = keyed.iter().map(|(key, _)| key.clone()).collect();
        let states = scope.states(keys).await?;
        let mut candidates = Vec::new();
        for ((key, item), steps) in keyed.into_iter().zip(states) {
            let content = pass.plan.content(&item.rows);
            let is_open = |step: &StepRecord| !matches!(step.state, State::Done | State::Skipped);
            if steps.iter().any(|step| step.content == content) || steps.iter().any(is_open) {
                continue;
            }
            let create = steps.iter().find(|step| step.id.name == CREATE);
            let ticket = create.and_then(|create| create.ticket.clone());
            let sent_at = steps.iter().filter_map(|step| step.sent_at).max();
            let (Some(ticket), Some(sent_at)) = (ticket, sent_at) else {
                continue;
            };
            if let Due::Ticket(expected) = pass.plan.due(&item.rows, &key, &item.absent) {
                candidates.push(Candidate {
                    item,
                    key,
                    ticket,
                    expected,
                    sent_at,
                });
            }
        }
        Ok(candidates)
    }

    /// The columns of the list: those whose fields an update of the target sets.
    fn columns_that_lead_back(&self, pass: &Pass<'_>) -> Plan {
        let zone = pass.plan.plan().zone().cloned().unwrap_or(TimeZone::UTC);
        let custom = &pass.directory.snapshot().custom_fields;
        let own = custom.iter().map(|field| format!("custom.{}", field.name));
        let own: Vec<String> = own.collect();
        let own = own.iter().map(|name| (name.as_str(), name.as_str()));
        let names = MEANINGS.iter().map(|(name, _)| (*name, *name));
        let names = std::iter::once((KEY, "id")).chain(names).chain(own);
        Plan::of_names(names, custom, &zone).0
    }

    /// Writes the list with its mapping, and says how to go on.
    pub(super) fn tell_both(
        &self,
        both: &Both,
        pass: &Pass<'_>,
        after: &mut Aftermath,
    ) -> Result<()> {
        let (Some(connected), false) = (self.connected, both.is_empty() || self.args.dry_run)
        else {
            return Ok(());
        };
        let folder = self.args.errors.as_deref().filter(|path| path.is_dir());
        let claims = self.claims()?;
        let path = conflicts::write(
            &both.clashes,
            KEY,
            &conflicts::Place {
                folder: folder.unwrap_or(Path::new("")),
                input: &self.args.inputs[0],
                records: Records::of(self.state.path()),
                readers: self.global.readers(),
                claims: &claims,
            },
        )?;
        let plan = self.columns_that_lead_back(pass);
        let written = Written {
            sheets: vec!["Conflicts".to_owned()],
            ..Written::default()
        };
        let schema = connected.system.schema();
        let custom = &pass.directory.snapshot().custom_fields;
        let now = Timestamp::now();
        let text = back::mapping(
            &plan,
            schema,
            custom,
            (Format::Xlsx, false),
            &written,
            now,
            None,
        )?;
        let mapping = path.with_extension("toml");
        outfile::replace(&mapping, text.as_bytes(), self.global.readers())
            .map_err(|error| unwritable(&mapping, error))?;
        let profile = self.target.map_or("NAME", Target::name);
        after.kept.push(format!(
            "{} listed: fill in the yellow column `use` of {} and run: {}",
            words::plural(both.clashes.len() as u64, "conflict is", "conflicts are"),
            path.display(),
            announce::printed(&command(&path, &mapping, profile)),
        ));
        after.files.push(("conflicts", path));
        Ok(())
    }
}

fn command(path: &Path, mapping: &Path, profile: &str) -> Vec<String> {
    let shown = |path: &Path| path.display().to_string();
    let words = [
        "deskferry".to_owned(),
        "import".to_owned(),
        shown(path),
        "--mapping".to_owned(),
        shown(mapping),
        "--profile".to_owned(),
        profile.to_owned(),
    ];
    words.into()
}

/// The fields that the source and the target say otherwise.
fn clashes(
    candidate: &Candidate,
    ticket: &CommonTicket,
    columns: &mut Plan,
    pass: &Pass<'_>,
) -> Result<Vec<Clash>> {
    let differing = compared(ticket, &candidate.expected.later, pass.directory);
    let differing = differing
        .into_iter()
        .filter(|one| one.is == Agreement::Other);
    let differing: Vec<(Compared, Option<usize>)> = differing
        .map(|one| {
            let known = MEANINGS.iter().find(|(_, called)| *called == one.called);
            let name = known.map_or(&*one.field, |(name, _)| *name);
            let mut headings = columns.columns().iter();
            let at = headings.position(|column| column.heading == name);
            (one, at)
        })
        .collect();
    if differing.is_empty() {
        return Ok(Vec::new());
    }
    let headings: Vec<String> = (columns.columns().iter())
        .map(|column| column.heading.clone())
        .collect();
    let lists: Vec<bool> = (0..headings.len()).map(|at| columns.is_list(at)).collect();
    let mut shown = Vec::new();
    columns.cells(ticket, &mut shown)?;
    let clashes = differing.into_iter().map(|(one, at)| Clash {
        place: candidate.item.place().clone(),
        ticket: ticket.id.clone(),
        number: ticket.number.clone().unwrap_or_else(|| ticket.id.clone()),
        column: at.map_or(one.field, |at| headings[at].clone()),
        was: None,
        file: Cell::Text(one.wanted.unwrap_or_default().into()),
        desk: at.and_then(|at| Some(Value::exported(shown.get(at)?, lists[at]))),
        by: Vec::new(),
        at: ticket.updated,
    });
    Ok(clashes.collect())
}

/// What is said of a record that is left out.
fn fault(item: &Item, clashes: &[Clash]) -> Fault {
    let fields: Vec<String> = clashes
        .iter()
        .map(|clash| format!("`{}`", clash.column))
        .collect();
    let message = format!(
        "changed on both sides since the last pass: {} of ticket `{}`",
        fields.join(", "),
        clashes[0].number
    );
    Fault::row(item.place().clone(), message)
        .hint("decide in the file of conflicts, or let the source win: --overwrite")
}
