//! `deskferry runs rollback`: what a run made is taken back, after showing what that is.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::args::{Global, RollbackArgs};
use super::super::confirm::confirm;
use super::super::connect::{Connected, Target};
use super::super::end::Force;
use super::super::interrupt::Interrupts;
use super::super::output::Output;
use super::typed::{self, Typed};
use crate::config::StateFolder;
use crate::error::{Error, ExitCode, Result};
use crate::ledger::{Ledger, Run, RunInfo, Scope, State, UndoState, Undoable};
use crate::migrate::notes::{Note, Says};
use crate::record::RowKey;
use crate::report::words;
use crate::run::{Forecast, Limiter, Shutdown, Taking, UNKNOWN_RATE, by_place};
use crate::systems::{SystemName, TAKEN_BACK, Ticket, Window};

/// How many tickets are named.
const SHOWN: usize = 20;
/// How many notes the ledger is asked for at once.
const PAGE: u32 = 1_000;
/// Read, intent and request, each under the limiter: a read and a write for each ticket.
const REQUESTS: f64 = 2.0;

pub(super) async fn run(
    args: RollbackArgs,
    ledger: &Ledger,
    run: &Run,
    state: &StateFolder,
    global: &Global,
    output: Output,
) -> Result<ExitCode> {
    let operation = run.last().meta.operation;
    if !operation.makes() {
        return Err(Error::usage(format!(
            "run {} cannot be taken back: it made no tickets, it ran to {} some",
            run.code(),
            operation.verb()
        ))
        .hint("nobody knows what stood there before: `deskferry runs receipts` shows the ticket of each row, `deskferry ticket` fixes one by hand"));
    }
    let typed = Typed::of(run.last(), global)?;
    let target = typed.target()?;
    let locks = typed::lock(run.last(), Some(&target), ledger)?;
    let connected = typed::connect(run.last(), &typed, &target, state).await?;
    let rate = args.rate.or(typed.args.rate).or_else(|| target.rate());
    let (commit_within, visible_within) = target.surprise(connected.system.as_ref());
    let taking = Taking {
        surprise: commit_within + visible_within,
        system: Arc::clone(&connected.system),
        rollback: ledger.rollback(&locks, run).await?,
        limiter: Arc::new(Limiter::new(rate)),
        concurrency: target.concurrency(),
        note: format!(
            "{TAKEN_BACK}: this ticket was made by the import {} of {}.",
            run.code(),
            run.first().started.strftime("%Y-%m-%d")
        ),
    };
    let command = Rolling {
        args: &args,
        ledger,
        run,
        target: &target,
        connected: &connected,
        output,
        force: &global.force,
    };
    let ended = command.go(&taking).await;
    drop(taking);
    connected.close().await?;
    ended
}

struct Rolling<'a> {
    args: &'a RollbackArgs,
    ledger: &'a Ledger,
    run: &'a Run,
    target: &'a Target,
    connected: &'a Connected,
    output: Output,
    force: &'a Force,
}

/// What came of it.
#[derive(Default)]
struct Tally {
    undone: u64,
    gone: u64,
    kept: Vec<(Undoable, String)>,
    refused: Vec<(Undoable, String)>,
    /// Those of which nobody knows.
    unknown: Vec<(Undoable, String)>,
}

impl Tally {
    fn add(&mut self, one: &Undoable, state: &UndoState) {
        match state {
            UndoState::Undone => self.undone += 1,
            UndoState::Gone => self.gone += 1,
            UndoState::Kept(why) => self.kept.push((one.clone(), why.clone())),
            UndoState::Refused(why) => self.refused.push((one.clone(), why.clone())),
            UndoState::Unknown(why) => self.unknown.push((one.clone(), why.clone())),
            UndoState::Sending { .. } => {}
        }
    }
}

impl Rolling<'_> {
    async fn go(&self, taking: &Taking) -> Result<ExitCode> {
        let forecast = taking.forecast(self.window()).await?;
        let updated = self.ledger.tally(self.run).await?.of("updated");
        let doubtful = self.ledger.doubtful(self.run).await?;
        let doubtful = doubtful.iter().filter(|row| row.taken_back.is_none());
        let doubtful = doubtful.count();
        self.output
            .say(&self.about(&forecast, (doubtful, updated), taking));
        if self.args.dry_run {
            return self.rehearsed(&forecast);
        }
        let touched = forecast.undone + forecast.unseen;
        if touched > 0 && self.target.is_live(self.connected.system.as_ref()) {
            confirm(self.target.name(), "", self.args.confirm.as_deref())?;
        }
        let interrupts = Interrupts::listen(self.force)?;
        let mut tally = Tally::default();
        let going = taking
            .run(interrupts.stop(), |one, state| tally.add(one, state))
            .await;
        self.report(&mut tally, going, taking).await
    }

    /// Says how the old tickets of a migration learn that what their notes name is gone: those that the ledger knows to have
    /// such a note, whichever pass left it and whichever rollback took the new ticket back.
    async fn take_notes_back(&self, taking: &Taking) -> Result<()> {
        let last = self.run.last();
        let spools: BTreeSet<PathBuf> = self.run.attempts().iter().flat_map(inputs).collect();
        let noted = Says::Moved.scope(&last.scope);
        let runs = self.ledger.runs().await?;
        for spool in spools {
            let [rows, _] = Says::Moved.paths(&spool);
            let is_its = |run: &&RunInfo| run.scope == noted && inputs(run).any(|it| it == rows);
            let Some(of) = runs.iter().find(is_its) else {
                continue;
            };
            let Some(system) = SystemName::parse(&of.system) else {
                continue;
            };
            let scope = self.ledger.scope(&of.system, &of.tenant, &noted).await?;
            let notes = self.notes(taking, &scope).await?;
            if notes.is_empty() {
                continue;
            }
            let count = words::plural(notes.len() as u64, "old ticket names", "old tickets name");
            let notes = notes.into_iter().map(Ok);
            let [rows, mapping] = Says::TakenBack.write(&spool, (system, &last.scope), notes)?;
            let from = source_of(&last.meta.command).unwrap_or("NAME");
            self.output.say(&format!(
                "  notes      {count} what was taken back; to tell people there: deskferry import {} --mapping {} --profile {from}",
                words::shell_word(&rows.display().to_string()),
                words::shell_word(&mapping.display().to_string()),
            ));
        }
        Ok(())
    }

    /// The notes on old tickets that name what was taken back.
    async fn notes(&self, taking: &Taking, scope: &Scope) -> Result<Vec<Note>> {
        let taken = taking.rollback.taken().await?;
        let taken: HashMap<String, (RowKey, Ticket)> = taken
            .into_iter()
            .map(|(key, ticket)| (Note::name(&ticket).to_owned(), (key, ticket)))
            .collect();
        let mut notes = Vec::new();
        let mut after = None;
        loop {
            let keys = scope.keys(None, after, PAGE).await?;
            after = keys.last().cloned();
            if after.is_none() {
                return Ok(notes);
            }
            let states = scope.states(keys.clone()).await?;
            for (key, steps) in keys.into_iter().zip(states) {
                let is_left = steps.iter().any(|step| step.state == State::Done);
                let [id, new] = &*key.parts() else { continue };
                if let (true, Some((key, ticket))) = (is_left, taken.get(new)) {
                    notes.push(Note::of(id.clone(), key.as_str().to_owned(), ticket));
                }
            }
        }
    }

    /// The time of the run, with a day on both sides for what the clocks and the site's zone differ by.
    fn window(&self) -> Window {
        let day = SignedDuration::from_hours(24);
        // One of which the end is not known went on for nobody knows how long.
        let last = self.run.last();
        let ended = self.run.ended().filter(|_| last.ended.is_some());
        let ended = ended.unwrap_or_else(Timestamp::now);
        let started = self.run.first().started;
        Window {
            from: started.checked_sub(day).unwrap_or(started),
            to: ended.checked_add(day).unwrap_or(ended),
        }
    }

    fn about(
        &self,
        forecast: &Forecast,
        (doubtful, updated): (usize, u64),
        taking: &Taking,
    ) -> String {
        let touched = forecast.undone + forecast.unseen;
        let rate = taking.limiter.rate().unwrap_or(UNKNOWN_RATE);
        let least = Duration::from_secs_f64(touched as f64 * REQUESTS / rate);
        let account = self.connected.system.account();
        let mut lines = vec![
            format!(
                "  rollback   run {} made {}",
                self.run.code(),
                words::plural(
                    touched + forecast.gone + forecast.kept.len() as u64,
                    "ticket that the ledger still holds",
                    "tickets that the ledger still holds"
                )
            ),
            format!(
                "    take back  {}: {}",
                words::count(touched),
                taking.system.undoing()
            ),
            format!(
                "    keep       {} that somebody has changed since, or named by hand",
                words::count(forecast.kept.len() as u64)
            ),
        ];
        lines.extend(named(&forecast.kept));
        if updated > 0 {
            lines.push(format!(
                "    leave      {} that earlier runs made and this one updated: nothing undoes that",
                words::count(updated)
            ));
        }
        if forecast.gone > 0 {
            lines.push(format!(
                "    gone       {} that somebody has deleted",
                words::count(forecast.gone)
            ));
        }
        lines.push(format!(
            "    where      {} ({}), tenant {}, as {}",
            self.run.last().system,
            self.target.name(),
            account.tenant,
            account.user.as_deref().unwrap_or("the owner of the token")
        ));
        lines.push(format!(
            "    how long   {} at {}",
            words::duration(least),
            words::rate(rate)
        ));
        if doubtful > 0 {
            lines.push(format!(
                "    in doubt   {}: nobody knows whether they were made; run the import again, or `deskferry runs settle {}`",
                words::plural(doubtful as u64, "row", "rows"),
                self.run.code()
            ));
        }
        lines.join("\n")
    }

    fn rehearsed(&self, forecast: &Forecast) -> Result<ExitCode> {
        self.output
            .say("  nothing was taken back: this was --dry-run");
        if self.output.is_json() {
            let document = json!({
                "run": self.run.code(), "dry_run": true, "would_undo": forecast.undone + forecast.unseen,
                "would_keep": rows(&forecast.kept), "gone": forecast.gone,
            });
            self.output.data(&document.to_string())?;
        }
        Ok(ExitCode::Done)
    }

    async fn report(
        &self,
        tally: &mut Tally,
        going: Result<Shutdown>,
        taking: &Taking,
    ) -> Result<ExitCode> {
        tally
            .kept
            .sort_by(|(one, _), (other, _)| by_place(one, other));
        (tally.refused).sort_by(|(one, _), (other, _)| by_place(one, other));
        (tally.unknown).sort_by(|(one, _), (other, _)| by_place(one, other));
        let mut lines = vec![format!(
            "\n  undone {}   kept {}   gone before {}   refused {}",
            words::count(tally.undone),
            words::count(tally.kept.len() as u64),
            words::count(tally.gone),
            words::count(tally.refused.len() as u64)
        )];
        if !tally.unknown.is_empty() {
            let unknown = words::count(tally.unknown.len() as u64);
            lines[0].push_str(&format!("   in doubt {unknown}"));
        }
        for (title, list) in [
            ("  kept", &tally.kept),
            ("  refused by the system", &tally.refused),
            (
                "  in doubt: nobody knows whether these were taken back",
                &tally.unknown,
            ),
        ] {
            if !list.is_empty() {
                lines.push(title.to_owned());
                lines.extend(named(list));
            }
        }
        let stopped = !matches!(going, Ok(Shutdown::None));
        if stopped || !tally.unknown.is_empty() {
            lines.push(format!(
                "  go on      deskferry runs rollback {}",
                self.run.code()
            ));
        }
        if !stopped && tally.undone + tally.gone > 0 {
            lines.push(
                "  the keys of what was taken back are free: an import makes these rows anew"
                    .to_owned(),
            );
        }
        self.output.say(&lines.join("\n"));
        self.take_notes_back(taking).await?;
        if self.output.is_json() {
            let document = json!({
                "run": self.run.code(), "dry_run": false, "undone": tally.undone, "kept": rows(&tally.kept),
                "gone": tally.gone, "refused": rows(&tally.refused), "in_doubt": rows(&tally.unknown), "finished": !stopped,
                "stopped": going.as_ref().err().map(Error::to_string),
            });
            self.output.data(&document.to_string())?;
        }
        match going {
            Err(error) => {
                self.output.note(&error);
                Ok(error.kind().exit_code())
            }
            Ok(Shutdown::None)
                if [&tally.kept, &tally.refused, &tally.unknown]
                    .iter()
                    .all(|it| it.is_empty()) =>
            {
                Ok(ExitCode::Done)
            }
            Ok(Shutdown::None) => Ok(ExitCode::SomeRows),
            Ok(_) => Ok(ExitCode::Interrupted),
        }
    }
}

/// The inputs of an attempt, as it found them.
fn inputs(attempt: &RunInfo) -> impl Iterator<Item = PathBuf> + '_ {
    let folder = Path::new(&attempt.meta.folder);
    (attempt.meta.inputs.iter()).map(move |input| folder.join(input))
}

/// The profile of the source, where the command is that of a migration.
fn source_of(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    words.find(|word| *word == "--from")?;
    words.next()
}

fn named(list: &[(Undoable, String)]) -> Vec<String> {
    let line = |(one, why): &(Undoable, String)| {
        let name = one.ticket.number.as_ref().unwrap_or(&one.ticket.id);
        format!("      {name}   {}   {why}", one.place)
    };
    let mut lines: Vec<String> = list.iter().take(SHOWN).map(line).collect();
    if list.len() > SHOWN {
        let rest = list.len() - SHOWN;
        lines.push(format!(
            "      … and {} more: --format json names them all",
            words::count(rest as u64)
        ));
    }
    lines
}

fn rows(list: &[(Undoable, String)]) -> Vec<Value> {
    let row = |(one, why): &(Undoable, String)| {
        json!({
            "ticket": one.ticket.id, "number": one.ticket.number, "file": &*one.place.file,
            "sheet": one.place.sheet.as_deref(), "row": one.place.row, "key": one.key.as_str(), "why": why,
        })
    };
    list.iter().map(row).collect()
}
