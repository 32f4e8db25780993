//! `deskferry import`: a file of tickets goes into a system.

mod announce;
mod settings;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::args::{Global, ImportArgs};
use super::confirm::confirm;
use super::connect::{Connected, Target};
use super::interrupt::Interrupts;
use super::output::Output;
use super::reference;
use crate::config::StateFolder;
use crate::directory::Directory;
use crate::error::{Error, ErrorKind, ExitCode, Result};
use crate::event::{Event, Listener};
use crate::intake::{self, Survey, Watching};
use crate::ledger::{Ledger, RunLock, RunMeta, RunState};
use crate::mapping::reference::find_references;
use crate::mapping::{BoundPlan, Mapping, Plan, PlanOptions, Unmapped};
use crate::report::error_file::ErrorFiles;
use crate::report::progress::Progress;
use crate::report::summary::Aftermath;
use crate::report::{Context, Reporter, words};
use crate::run::{self, Job, Limiter, Totals};
use crate::source::Input;
use crate::systems;

pub(super) async fn run(args: ImportArgs, global: &Global, output: &Output) -> Result<ExitCode> {
    let mapping = Mapping::load(&args.mapping)?;
    let target = settings::target(&args, &mapping, global)?;
    let options = settings::input_options(&args, &mapping)?;
    let input = tokio::task::block_in_place(|| Input::open(&args.inputs, &options))?;
    let state = StateFolder::open(global.state.as_deref())?;
    let connected = match &target {
        Some(target) => {
            let concurrency = settings::concurrency(&args, target);
            Some(
                Connected::open(
                    target,
                    mapping.system(),
                    args.target.insecure_http,
                    concurrency,
                    &state,
                )
                .await?,
            )
        }
        None => None,
    };
    let import = Import {
        limiter: Arc::new(settings::limiter(&args, target.as_ref(), &state)),
        args: &args,
        global,
        mapping: &mapping,
        target: target.as_ref(),
        connected: connected.as_ref(),
        input: &input,
        state: &state,
        output: *output,
    };
    let ended = import.run().await;
    if let Some(connected) = connected {
        connected.close().await?;
    }
    ended
}

/// One import: everything that is settled before the first row is read.
struct Import<'a> {
    args: &'a ImportArgs,
    global: &'a Global,
    mapping: &'a Mapping,
    target: Option<&'a Target>,
    connected: Option<&'a Connected>,
    input: &'a Input,
    state: &'a StateFolder,
    limiter: Arc<Limiter>,
    output: Output,
}

impl Import<'_> {
    async fn run(&self) -> Result<ExitCode> {
        let directory = self.directory().await?;
        let plan = self.plan(&directory)?;
        let survey = self.survey(&plan)?;
        let _locks = self.lock(&directory)?;
        let ledger = tokio::task::block_in_place(|| Ledger::open(&self.state.ledger()))?;
        self.confirm(&plan, &survey)?;
        // Until here nothing was sent, and Ctrl-C ends the program at once, at the prompt above too.
        let interrupts = Interrupts::listen()?;
        self.execute(&directory, &plan, &survey, &ledger, &interrupts)
            .await
    }

    async fn directory(&self) -> Result<Arc<Directory>> {
        match (&self.args.directory, self.connected) {
            (Some(path), connected) => {
                let tenant = connected.map(|connected| connected.system.account().tenant.as_str());
                reference::from_file(path, self.mapping.system(), tenant)
            }
            (None, Some(connected)) => {
                let system = connected.system.as_ref();
                reference::of(
                    system,
                    &self.limiter,
                    self.state,
                    self.args.refresh,
                    self.output,
                )
                .await
            }
            (None, None) => Err(Error::usage(
                "without a connection the directory must come from a snapshot",
            )
            .hint("make one with: deskferry directory pull -o FILE, and add --directory FILE")),
        }
    }

    fn plan(&self, directory: &Arc<Directory>) -> Result<BoundPlan> {
        let schema = systems::schema_for(directory.snapshot())?;
        let zone = self.target.and_then(Target::timezone);
        let options = PlanOptions {
            where_: self.args.condition.clone(),
            zone,
        };
        let plan = Arc::new(Plan::compile(
            self.mapping,
            Arc::from(schema),
            Arc::clone(directory),
            &options,
        )?);
        plan.bind(self.input.tables())
    }

    /// The first pass over the input, with what nothing reads told or refused.
    fn survey(&self, plan: &BoundPlan) -> Result<Survey> {
        let tables = self.input.tables();
        let position = |(table, name): (usize, String)| {
            Some((table, tables[table].header.position(&name)?, name))
        };
        let watching = Watching::new(plan, plan.unread_columns().into_iter().filter_map(position));
        let selection = self.args.rows.clone().unwrap_or_default();
        let survey = tokio::task::block_in_place(|| {
            intake::survey(self.input, &watching, &selection, self.state.path())
        })?;
        let unread = watching.filled();
        if unread.is_empty() {
            return Ok(survey);
        }
        let column = |(name, count): &(String, u64)| {
            format!("`{name}` ({})", words::plural(*count, "cell", "cells"))
        };
        let text = format!(
            "nothing reads {}",
            unread.iter().map(column).collect::<Vec<_>>().join(", ")
        );
        match self.mapping.unmapped() {
            Unmapped::Error => Err(Error::new(ErrorKind::Mapping, text)
                .at(self.mapping.name())
                .hint(
                    "the mapping says unmapped = \"error\": map these columns, or write \"warn\"",
                )),
            Unmapped::Warn => {
                self.output.say(&format!("  warning    {text}"));
                Ok(survey)
            }
        }
    }

    /// The right to send to the tenant with the token, and for the scope with any; a dry run needs none.
    fn lock(&self, directory: &Directory) -> Result<Vec<RunLock>> {
        let Some(target) = self.target.filter(|_| !self.args.dry_run) else {
            return Ok(Vec::new());
        };
        let (state, system) = (self.state.path(), self.mapping.system().as_str());
        let tenant = &directory.snapshot().tenant;
        Ok(vec![
            RunLock::take(state, system, tenant, &target.token_name())?,
            RunLock::take_scope(state, system, tenant, self.mapping.scope())?,
        ])
    }

    fn confirm(&self, plan: &BoundPlan, survey: &Survey) -> Result<()> {
        let (Some(target), Some(connected)) = (self.target, self.connected) else {
            return Ok(());
        };
        if self.args.dry_run || !target.is_live() {
            return Ok(());
        }
        let tickets = self
            .args
            .limit
            .map_or(survey.records(), |limit| limit.min(survey.records()));
        let about = announce::before_first_write(target, connected, tickets, plan, &self.limiter);
        confirm(target.name(), &about, self.args.confirm.as_deref())
    }

    async fn execute(
        &self,
        directory: &Directory,
        plan: &BoundPlan,
        survey: &Survey,
        ledger: &Ledger,
        interrupts: &Interrupts,
    ) -> Result<ExitCode> {
        let started = Instant::now();
        let system = self.mapping.system().as_str();
        let scope = ledger
            .scope(system, &directory.snapshot().tenant, self.mapping.scope())
            .await?;
        let counted = (survey.rows(), survey.records(), survey.filtered());
        let mut reporter = self.reporter();
        reporter.on(&Event::Counted {
            rows: counted.0,
            records: counted.1,
            filtered: counted.2,
        });
        let job = Job {
            items: survey.items(self.input, plan)?,
            counted,
            map: plan,
            find_references: &|text| find_references(text).map(str::to_owned).collect(),
            system: self
                .connected
                .map(|connected| Arc::clone(&connected.system)),
            ledger: Some(scope),
            meta: self.meta(directory),
        };
        let limiter = Arc::clone(&self.limiter);
        let totals = run::execute(
            job,
            &self.settings()?,
            limiter,
            interrupts.stop(),
            &mut reporter,
        )
        .await?;
        self.finish(reporter, totals, started)
    }

    fn settings(&self) -> Result<run::Settings> {
        let (commit_within, visible_within) = self.target.map(Target::surprise).unwrap_or_default();
        Ok(run::Settings {
            rate: settings::rate(self.args, self.target),
            concurrency: self
                .target
                .map_or(1, |target| settings::concurrency(self.args, target)),
            commit_within,
            visible_within,
            max_errors: self.args.max_errors,
            limit: self.args.limit,
            dry_run: self.args.dry_run,
            workers: None,
            crash: settings::crash(self.target)?,
        })
    }

    fn meta(&self, directory: &Directory) -> RunMeta {
        RunMeta {
            inputs: self
                .args
                .inputs
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
            input_print: self.input.fingerprint().to_owned(),
            mapping: self.mapping.name().to_owned(),
            mapping_print: self.mapping.fingerprint().to_owned(),
            directory_print: Some(directory.snapshot().fingerprint()),
            directory_pulled: Some(directory.snapshot().pulled_at),
            command: announce::resume(self.args, self.global, self.target, &self.inputs()),
        }
    }

    fn inputs(&self) -> Vec<&Path> {
        self.args
            .inputs
            .iter()
            .map(std::path::PathBuf::as_path)
            .collect()
    }

    fn reporter(&self) -> Reporter {
        let files = (!self.args.dry_run).then(|| {
            ErrorFiles::new(
                self.input.tables(),
                Path::new("."),
                self.args.errors_to.as_deref(),
            )
        });
        Reporter::new(
            Progress::new(self.output.show(), self.limiter.ceiling()),
            files,
            !self.mapping.has_key(),
        )
    }

    /// Reports what came of it, and says how to end.
    fn finish(
        &self,
        mut reporter: Reporter,
        mut totals: Totals,
        started: Instant,
    ) -> Result<ExitCode> {
        settings::remember(&self.limiter, self.target, self.state, self.output);
        let stopped = totals.stopped.take();
        let interrupted = totals.state == RunState::Interrupted;
        let written = reporter.finish();
        let mut after = Aftermath {
            took: started.elapsed(),
            doubles: totals.doubles,
            ..Aftermath::default()
        };
        for path in written.as_ref().map(Vec::as_slice).unwrap_or_default() {
            let path = path.strip_prefix(".").unwrap_or(path).to_owned();
            let command = announce::command_for(self.args, self.global, self.target, &[&path]);
            after.error_files.push((path, command));
        }
        if stopped.is_some() || interrupted {
            after.stopped = Some(
                stopped
                    .as_ref()
                    .map_or_else(|| "interrupted".to_owned(), Error::to_string),
            );
            after.resume = Some(announce::resume(
                self.args,
                self.global,
                self.target,
                &self.inputs(),
            ));
        }
        let target = self.target.map_or("snapshot", Target::name);
        let context = Context {
            inputs: self
                .args
                .inputs
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
            target: format!("{} ({target})", self.mapping.system()),
            run: totals.run.clone(),
            dry_run: self.args.dry_run,
            limit: self.limiter.ceiling(),
        };
        let summary = reporter.summary();
        if self.output.is_json() {
            self.output
                .data(&summary.to_json(&context, &after).to_string())?;
        }
        self.output
            .say(&format!("\n{}", summary.render(&context, &after)));
        written?;
        Ok(match stopped {
            Some(error) => {
                self.output.note(&error);
                error.kind().exit_code()
            }
            None if interrupted => ExitCode::Interrupted,
            None if totals.doubles > 0 => ExitCode::SomeRows,
            None => summary.exit_code(),
        })
    }
}
