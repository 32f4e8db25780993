//! `deskferry runs adopt`: the ledger learns from the system what another one has sent.

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use super::super::args::{AdoptArgs, Global};
use super::super::connect::{Connected, Target};
use super::super::output::Output;
use super::super::reference::{Loaded, Origin};
use crate::config::StateFolder;
use crate::error::{Error, ErrorKind, ExitCode, Result};
use crate::intake::{self, Selection};
use crate::ledger::{Age, Belongs, Ledger, RunLocks, RunMeta, RunState};
use crate::mapping::{Mapping, Plan, PlanOptions, Reach};
use crate::report::words;
use crate::run::{self, Adopted, Items, Limiter, Marked, Marks};
use crate::source::Input;
use crate::systems::{self, FAR_AHEAD, Gap, System, Window};

/// What the ledger keeps as the command of such a run.
pub(super) const COMMAND: &str = "deskferry runs adopt";
/// How many tickets that are one too many are named.
const SHOWN: usize = 10;

pub(super) async fn run(
    args: AdoptArgs,
    ledger: &Ledger,
    state: &StateFolder,
    global: &Global,
    output: Output,
) -> Result<ExitCode> {
    let mapping = Mapping::load(&args.mapping, Reach::told(global.trust))?;
    let target = Target::choose(&args.target, mapping.profiles(), false, global)?;
    if let Some(system) = target.system().filter(|it| *it != mapping.system()) {
        return Err(Error::usage(format!(
            "the mapping is for `{}`, but the profile `{}` is of `{system}`",
            mapping.system(),
            target.name()
        ))
        .at(mapping.name()));
    }
    if !mapping.has_marker() {
        return Err(Error::new(
            ErrorKind::Mapping,
            "the mapping leaves no marker in the tickets (`marker = \"none\"`): nothing can be learned from them",
        )
        .at(mapping.name()));
    }
    let connected = Connected::open(
        &target,
        mapping.system(),
        args.target.insecure_http,
        target.concurrency(),
        state,
    )
    .await?;
    let adopting = Adopting {
        args: &args,
        mapping: &mapping,
        target: &target,
        connected: &connected,
        ledger,
        state,
        output,
    };
    let ended = adopting.go().await;
    connected.close().await?;
    ended
}

struct Adopting<'a> {
    args: &'a AdoptArgs,
    mapping: &'a Mapping,
    target: &'a Target,
    connected: &'a Connected,
    ledger: &'a Ledger,
    state: &'a StateFolder,
    output: Output,
}

impl Adopting<'_> {
    async fn go(&self) -> Result<ExitCode> {
        let system = self.connected.system.as_ref();
        let (name, tenant) = (self.mapping.system().as_str(), &system.account().tenant);
        let scope = self.mapping.scope();
        let token = self.target.token_name();
        let locks = self.ledger.lock(name, tenant, scope, Some(&token))?;
        let limiter = Limiter::new(self.target.rate());
        let plan = match self.args.inputs.is_empty() && !self.mapping.marks_field() {
            true => None,
            false => Some(self.plan(&limiter).await?),
        };
        let field = plan.as_ref().and_then(|plan| plan.marker_field());
        let known = self.ledger.scope(name, tenant, scope).await?;
        let taken_back = known.taken_back().await?;
        let marks = Marks {
            scope,
            field,
            taken_back: &taken_back,
            is_old: matches!(self.ledger.age(), Age::Doubtful(_)),
        };
        let marked = run::marked(system, &limiter, self.window(system), &marks).await?;
        self.output.say(&format!(
            "  looked at  {} of {} ({})",
            words::plural(marked.listed, "ticket", "tickets"),
            name,
            self.target.name()
        ));
        if let Some(gap) = marked.gap {
            let again = match gap {
                Gap::Erased { .. } => "Running this again finds no more",
                _ => "Run this again before an import",
            };
            self.output.say(&format!(
                "  warning    tickets may be missing: {gap}. {again}"
            ));
        }
        let (gone, whole) = (marked.gone, marked.gap.is_none());
        let adopted = self.learn(marked, plan, &locks).await?;
        self.report(&adopted, gone, whole)
    }

    async fn plan(&self, limiter: &Limiter) -> Result<Arc<Plan>> {
        let origin = Origin {
            system: self.connected.system.as_ref(),
            limiter,
            state: self.state,
            output: self.output,
        };
        let options = PlanOptions {
            where_: None,
            zone: self.target.timezone(),
            may_have_zone: false,
        };
        let mut loaded = Loaded::nothing(origin, false).await?;
        let plan = loaded.make(origin, |directory| {
            let schema = systems::schema_for(directory.snapshot())?;
            let directory = Arc::clone(directory);
            Plan::compile(self.mapping, Arc::from(schema), directory, &options)
        });
        Ok(Arc::new(plan.await?))
    }

    async fn learn(
        &self,
        marked: Marked,
        plan: Option<Arc<Plan>>,
        locks: &RunLocks,
    ) -> Result<Adopted> {
        let scope = self.mapping.scope();
        let tenant = &self.connected.system.account().tenant;
        let run = match self.args.dry_run {
            true => None,
            false => {
                let name = self.mapping.system().as_str();
                let scope = self.ledger.scope(name, tenant, scope).await?;
                // This is what an older ledger needs.
                self.ledger.learn();
                Some(scope.start_run(locks, self.meta()).await?)
            }
        };
        // What retention has erased no adoption can find.
        let is_whole = matches!(marked.gap, None | Some(Gap::Erased { .. }));
        let adopted = if let Some(plan) = plan.filter(|_| !self.args.inputs.is_empty()) {
            let options = self.mapping.input_options();
            let input = tokio::task::block_in_place(|| Input::open(&self.args.inputs, options))?;
            let plan = plan.bind(input.tables())?;
            let survey = tokio::task::block_in_place(|| {
                intake::survey(&input, &plan, &Selection::default(), self.state.path())
            })?;
            let items: Items<'_> = Box::new(survey.items(&input, &plan)?);
            run::adopt(marked, scope, Some((items, &plan)), run.as_ref()).await
        } else {
            run::adopt(marked, scope, None, run.as_ref()).await
        };
        if let Some(run) = run {
            if is_whole && adopted.is_ok() {
                let system = self.mapping.system().as_str();
                self.ledger.has_learned(system, tenant, scope);
            }
            let (state, totals) = match &adopted {
                Ok(adopted) => (
                    RunState::Finished,
                    json!({"adopted": adopted.rows + adopted.strangers}),
                ),
                Err(_) => (RunState::Stopped, json!({})),
            };
            run.finish(state, totals).await?;
        }
        adopted
    }

    fn window(&self, system: &dyn System) -> Window {
        let zone = self.target.timezone().unwrap_or(TimeZone::UTC);
        let since = self.args.since.unwrap_or(jiff::civil::date(2000, 1, 1));
        let now = system.now_at_the_latest();
        Window {
            from: zone
                .to_timestamp(since.to_datetime(jiff::civil::Time::midnight()))
                .unwrap_or(Timestamp::UNIX_EPOCH),
            to: now.checked_add(FAR_AHEAD).unwrap_or(now),
        }
    }

    fn meta(&self) -> RunMeta {
        RunMeta {
            inputs: (self.args.inputs.iter())
                .map(|path| path.display().to_string())
                .collect(),
            mapping: self.mapping.name().to_owned(),
            mapping_print: self.mapping.fingerprint().to_owned(),
            command: COMMAND.to_owned(),
            // Without an input no key is made.
            key_definition: match self.args.inputs.is_empty() {
                true => String::new(),
                false => self.mapping.key_definition().to_owned(),
            },
            belongs: Belongs::Alone,
            ..RunMeta::default()
        }
    }

    fn report(&self, adopted: &Adopted, gone: u64, whole: bool) -> Result<ExitCode> {
        let verb = if self.args.dry_run {
            "would adopt"
        } else {
            "adopted"
        };
        let mut lines = vec![format!(
            "  {verb}    {} whose ticket was found; {} without one",
            words::plural(adopted.rows, "row", "rows"),
            words::count(adopted.absent)
        )];
        if adopted.strangers > 0 {
            lines.push(format!(
                "  besides    {} of the scope `{}` whose row is not in the input: their keys count as done",
                words::plural(adopted.strangers, "ticket", "tickets"),
                self.mapping.scope()
            ));
        }
        if adopted.known > 0 {
            lines.push(format!(
                "  known      {} of them the ledger knew before",
                words::count(adopted.known)
            ));
        }
        if gone > 0 {
            lines.push(format!(
                "  left out   {} that somebody deleted or a rollback took back: rows that the ledger does not hold as done can be made anew",
                words::plural(gone, "ticket", "tickets")
            ));
        }
        if !adopted.doubles.is_empty() {
            lines.push(format!(
                "  doubles    {} beside the earlier one of the same row: close them",
                words::plural(
                    adopted.doubles.len() as u64,
                    "ticket stands",
                    "tickets stand"
                )
            ));
            lines.extend(adopted.doubles.iter().take(SHOWN).map(|(key, ticket)| {
                format!(
                    "             {} (key {key})",
                    ticket.number.as_ref().unwrap_or(&ticket.id)
                )
            }));
        }
        if !adopted.unsure.is_empty() {
            lines.push(format!(
                "  in doubt   {} whose reference a ticket shows on its first line alone, where another row may quote it: \
                 the import looks for them, and `deskferry runs settle` lists them",
                words::plural(adopted.unsure.len() as u64, "row", "rows")
            ));
            lines.extend(adopted.unsure.iter().take(SHOWN).map(|(key, ticket)| {
                format!(
                    "             {} (key {key})",
                    ticket.number.as_ref().unwrap_or(&ticket.id)
                )
            }));
        }
        if !adopted.noted.is_empty() {
            lines.push(format!(
                "  in doubt   {} whose ticket bears the note of a rollback and is open: close the ticket, and an import makes the \
                 row anew; or keep it with `deskferry runs settle`",
                words::plural(adopted.noted.len() as u64, "row", "rows")
            ));
            lines.extend(adopted.noted.iter().take(SHOWN).map(|(key, ticket)| {
                format!(
                    "             {} (key {key})",
                    ticket.number.as_ref().unwrap_or(&ticket.id)
                )
            }));
        }
        self.output.say(&lines.join("\n"));
        if self.output.is_json() {
            let doubles: Vec<_> = (adopted.doubles.iter())
                .map(|(key, ticket)| json!({"key": key, "ticket": ticket.id, "number": ticket.number}))
                .collect();
            let document = json!({
                "dry_run": self.args.dry_run, "rows": adopted.rows, "strangers": adopted.strangers, "known": adopted.known,
                "absent": adopted.absent, "deleted": gone, "doubles": doubles,
                "in_doubt": adopted.unsure.len() + adopted.noted.len(),
                "whole": whole,
            });
            self.output.data(&document.to_string())?;
        }
        Ok(
            match adopted.doubles.is_empty()
                && adopted.unsure.is_empty()
                && adopted.noted.is_empty()
                && whole
            {
                true => ExitCode::Done,
                false => ExitCode::SomeRows,
            },
        )
    }
}
