//! Tickets that a later pass would update and that people have changed in the target since: they are listed, and nothing is
//! sent for them.
//!
//! Which field of a ticket somebody has changed no system says. So a ticket is in conflict where it was changed in the target
//! after all that the passes have sent to it, and shows another value than the source in a field, or another state, that
//! this pass would set. What it would set is what its plan says: the steps that are open, whatever they are called.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Import, Pass, announce, settings};
use crate::cli::connect::Target;
use crate::directory::Directory;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::export::back::{self, MEANINGS};
use crate::export::baseline::Value;
use crate::export::columns::Plan;
use crate::export::file::{Format, Written};
use crate::intake::Item;
use crate::ledger::{Scope, StepId};
use crate::mapping::{Due, Expected};
use crate::outfile::{self, Records, unwritable};
use crate::record::{Cell, Place};
use crate::report::conflicts;
use crate::report::summary::Aftermath;
use crate::report::words;
use crate::run::{Clash, Overwrite, overwrites};
use crate::systems::common::CommonTicket;
use crate::systems::diff::{Agreement, Compared, compared};
use crate::systems::fields::called;
use crate::systems::{Operation, Standing, is_following_step};

/// How many records are looked at together.
const TOGETHER: usize = 256;
/// What stands above the ids of the tickets.
const KEY: &str = "Ticket ID";

/// What was changed on both sides.
#[derive(Debug, Default)]
pub(super) struct Both {
    clashes: Vec<Clash>,
    /// When the target had changed the tickets that were compared, by their ids.
    pub(super) compared: Arc<HashMap<String, Timestamp>>,
    /// So long after a request of ours a change of its ticket may be what came of it; `None`: nothing was compared.
    pub(super) slack: Option<SignedDuration>,
}

/// A record that would set something on a ticket, with what that is.
struct Candidate {
    due: Overwrite,
    expected: Box<Expected>,
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
        let mut known = HashMap::new();
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
            let candidates = self.candidates(pass, scope, some, slack).await?;
            let mut read = stream::iter(candidates)
                .map(|candidate| async move {
                    let permit = self.limiter.as_ref();
                    let name = &candidate.due.ticket.id;
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
                let Some(ticket) = ticket else { continue };
                let ours_until = candidate.due.ours_until;
                if let Some(updated) = ticket.updated {
                    known.insert(candidate.due.ticket.id.clone(), updated);
                }
                // A ticket that does not say when it was changed may have been.
                if ticket.updated.is_none_or(|at| at > ours_until) {
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
                    .changed_by(&ticket.id, candidate.due.sent_at, permit)
                    .await;
                let by = by.unwrap_or_default();
                let fault = fault(candidate.due.place, &clashes);
                left_out.insert(candidate.due.key, fault);
                both.clashes.extend(clashes.into_iter().map(|clash| Clash {
                    by: by.clone(),
                    ..clash
                }));
            }
        }
        drop(items);
        both.compared = Arc::new(known);
        both.slack = Some(slack);
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

    /// The records that would set something on tickets that people may have changed.
    async fn candidates(
        &self,
        pass: &Pass<'_>,
        scope: &Scope,
        items: Vec<Item>,
        slack: SignedDuration,
    ) -> Result<Vec<Candidate>> {
        let found = overwrites(items, pass.plan, scope, self.only().is_some(), slack).await?;
        let candidates = found.into_iter().filter_map(|due| {
            match pass.plan.due(&due.rows, &due.key, &due.absent) {
                Due::Ticket(expected) => Some(Candidate { due, expected }),
                Due::Skip(_) | Due::Faults(_) => None,
            }
        });
        Ok(candidates.collect())
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

impl Candidate {
    /// What the ticket shows otherwise of what the open steps would set.
    fn differing(&self, ticket: &CommonTicket, directory: &Directory) -> Vec<Compared> {
        let mut all = Vec::new();
        if (self.due.steps.iter()).any(|step| !is_following_step(&step.name)) {
            all.extend(compared(ticket, &self.expected.later, directory));
        }
        for item in &self.expected.following {
            let is_it = |step: &StepId| {
                head(&step.name) == head(&item.step) && step.ordinal == item.ordinal
            };
            if !self.due.steps.iter().any(is_it) {
                continue;
            }
            all.extend(compared(ticket, &item.values, directory));
            all.extend(ended(item.operation, ticket));
        }
        all.retain(|one| one.is == Agreement::Other);
        all
    }
}

/// What tells the entries of `[[then]]` apart in the names of their steps.
fn head(step: &str) -> &str {
    step.rsplit_once('/').map_or(step, |(head, _)| head)
}

/// The state that an end brings, beside the one that the ticket shows.
fn ended(operation: Operation, ticket: &CommonTicket) -> Option<Compared> {
    let due = match operation {
        Operation::Close => Standing::Closed,
        Operation::Delete => Standing::Gone,
        _ => return None,
    };
    let state = ticket.state.as_ref().map(|state| state.label().to_owned());
    Some(Compared {
        field: "state".to_owned(),
        called: called::STATUS,
        now: state.or_else(|| Some(ticket.standing.as_str().to_owned())),
        wanted: Some(due.as_str().to_owned()),
        is: match ticket.standing == due {
            true => Agreement::Same,
            false => Agreement::Other,
        },
    })
}

/// The fields that the source and the target say otherwise.
fn clashes(
    candidate: &Candidate,
    ticket: &CommonTicket,
    columns: &mut Plan,
    pass: &Pass<'_>,
) -> Result<Vec<Clash>> {
    let differing = candidate.differing(ticket, pass.directory).into_iter();
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
        place: candidate.due.place.clone(),
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
fn fault(place: Place, clashes: &[Clash]) -> Fault {
    let fields: Vec<String> = clashes
        .iter()
        .map(|clash| format!("`{}`", clash.column))
        .collect();
    let message = format!(
        "changed on both sides since the last pass: {} of ticket `{}`",
        fields.join(", "),
        clashes[0].number
    );
    Fault::row(place, message)
        .hint("decide in the file of conflicts, or let the source win: --overwrite")
}
