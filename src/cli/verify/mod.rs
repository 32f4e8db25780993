//! `deskferry verify`: the tickets of a run read back, and the report about them written.

mod inputs;
mod told;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::args::{Global, VerifyArgs};
use super::connect::{Connected, Target};
use super::output::Output;
use super::reference::{self, Loaded, Origin};
use super::runs::typed::{self, Typed};
use super::runs::with_tickets;
use inputs::{Opened, inputs};
use told::{Told, told};

use crate::config::StateFolder;
use crate::directory::Directory;
use crate::error::{Error, ExitCode, Result};
use crate::files::ARCHIVE;
use crate::intake::{self, Survey};
use crate::ledger::{Ledger, Run, RunInfo};
use crate::mapping::{BoundPlan, Checked, Mapping, PlanOptions};
use crate::migrate::reference::References;
use crate::migrate::rewriting::{Columns, Rewriting, kept};
use crate::outfile::{Claims, Draft, Records, unwritable};
use crate::run::{Limiter, Refer};
use crate::source::{Input, Row};
use crate::systems::{self, Window};
use crate::verify::{self, About, Digests, Job, Report, Source, Two};

/// The names of the files.
const PAGE: &str = "verify.html";
const TABLE: &str = "verify.csv";

pub(super) async fn run(args: VerifyArgs, global: &Global, output: &Output) -> Result<ExitCode> {
    let state = StateFolder::open(global.state.as_deref())?;
    let ledger = Ledger::open_to_read(&state.ledger())?;
    let run = with_tickets(&ledger, &args.run, *output).await?;
    let mut typed = Typed::of(run.first(), global)?;
    if let Some(profile) = &args.profile {
        typed.args.target.profile = Some(profile.clone());
        typed.args.target.sandbox = None;
    }
    let mapping = typed.mapping()?;
    same_scope(&mapping, run.first())?;
    let places = places(&args, &state, &typed)?;
    let opened = inputs(&run, &typed, &mapping, (global, &state))?;
    let target = typed.target()?;
    let connected = typed::connect(run.last(), &typed, &target, &state).await?;
    let limiter = match args.rate.or(typed.args.rate).or_else(|| target.rate()) {
        Some(rate) => Limiter::new(Some(rate)),
        None => Limiter::searching(state.found_rate(target.name())),
    };
    let verifying = Verifying {
        args: &args,
        global,
        typed: &typed,
        mapping: &mapping,
        run: &run,
        ledger: &ledger,
        state: &state,
        target: &target,
        connected: &connected,
        limiter: &limiter,
        output: *output,
    };
    let ended = verifying.go(opened, &places).await;
    connected.close().await?;
    ended
}

/// Refuses a mapping whose scope is another one by now: under it nobody knows what was made.
fn same_scope(mapping: &Mapping, run: &RunInfo) -> Result<()> {
    if mapping.scope() == run.scope {
        return Ok(());
    }
    Err(Error::usage(format!(
        "run `{}` went under the scope `{}`, but the mapping says `{}` now",
        run.code,
        run.scope,
        mapping.scope()
    ))
    .at(mapping.name())
    .hint(format!("write scope = \"{}\" in the mapping", run.scope)))
}

/// Where the files go; what is read is not written over.
fn places(args: &VerifyArgs, state: &StateFolder, typed: &Typed) -> Result<[PathBuf; 2]> {
    let folder = args.output.clone().unwrap_or_default();
    if !folder.as_os_str().is_empty() && !folder.is_dir() {
        return Err(Error::usage("there is no such folder")
            .at(folder.display())
            .hint("make it, or name another one: -o DIR"));
    }
    let mut claims = Claims::default()
        .reading(&typed.args.mapping, "the mapping")
        .keeping(state.path());
    for path in &typed.args.inputs {
        claims = claims.reading(path, "an input");
    }
    let places = [PAGE, TABLE].map(|name| folder.join(name));
    for place in &places {
        claims.write(place, "-o")?;
    }
    Ok(places)
}

struct Verifying<'a> {
    args: &'a VerifyArgs,
    global: &'a Global,
    typed: &'a Typed,
    mapping: &'a Mapping,
    run: &'a Run,
    ledger: &'a Ledger,
    state: &'a StateFolder,
    target: &'a Target,
    connected: &'a Connected,
    limiter: &'a Limiter,
    output: Output,
}

impl Verifying<'_> {
    async fn go(
        &self,
        (opened, notes): (Vec<Opened>, Vec<String>),
        places: &[PathBuf; 2],
    ) -> Result<ExitCode> {
        let (plans, directory) = self.plans(&opened).await?;
        let surveys = opened.iter().zip(&plans).map(|(opened, plan)| {
            tokio::task::block_in_place(|| {
                intake::survey(&opened.input, plan, &opened.selection, self.state.path())
            })
        });
        let surveys: Vec<Survey> = surveys.collect::<Result<_>>()?;
        let mut sources = Vec::new();
        for ((opened, plan), survey) in opened.iter().zip(&plans).zip(&surveys) {
            let unlike = plan.unlike();
            if !unlike.is_empty() {
                return Err(Error::mapping(unlike));
            }
            sources.push(Source {
                plan,
                tables: opened.input.tables(),
                records: Box::new(|| survey.items(&opened.input, plan)),
                left_out: survey.filtered(),
                refer: self.refer(&opened.input).await?,
                is_of_more: opened.print.is_none(),
            });
        }
        let job = self.job(sources, &opened, &directory, notes).await?;
        let mut told = Told::new(self.output);
        let report = verify::verify(job, &mut |read, all| told.read(read, all)).await?;
        self.written(&report, places)?;
        self.tell(&report, places)?;
        Ok(match report.is_open() {
            true => ExitCode::SomeRows,
            false => ExitCode::Done,
        })
    }

    /// What put the references between tickets into the records of a migration.
    async fn refer(&self, input: &Input) -> Result<Option<Arc<dyn Refer>>> {
        let [only] = input.tables() else {
            return Ok(None);
        };
        let Some(columns) = Columns::of(&only.header) else {
            return Ok(None);
        };
        let first = tokio::task::block_in_place(|| input.rows()?.next().transpose())?;
        let Some(Row::Record(first) | Row::Fault(first, _)) = first else {
            return Ok(None);
        };
        let tenant = &self.connected.system.account().tenant;
        let name = self.mapping.system().as_str();
        let scope = (self.ledger)
            .scope(name, tenant, self.mapping.scope())
            .await?;
        let source = columns.source(&first);
        let path = kept(self.state.path(), scope.identity(), &source);
        let references = References::read(&path)?;
        Ok(Some(Arc::new(Rewriting::new(references, columns))))
    }

    /// The plan bound to each input, and the parts of the directory that it needs.
    async fn plans(&self, opened: &[Opened]) -> Result<(Vec<BoundPlan>, Arc<Directory>)> {
        let checked = |directory: &Arc<Directory>| -> Result<Checked> {
            let schema = systems::schema_for(directory.snapshot())?;
            let options = PlanOptions {
                where_: typed::condition(self.run, self.global),
                zone: self.target.timezone(),
                may_have_zone: false,
            };
            let directory = Arc::clone(directory);
            Ok(Checked::of(
                self.mapping,
                Arc::from(schema),
                directory,
                &options,
            ))
        };
        let bind = |directory: &Arc<Directory>| -> Result<Vec<BoundPlan>> {
            let bound = opened.iter().map(|opened| {
                let mut checked = checked(directory)?;
                match checked.bind(opened.input.tables()) {
                    Some(bound) => Ok(bound),
                    None => Err(Error::mapping(checked.into_faults())),
                }
            });
            bound.collect()
        };
        if let Some(path) = &self.typed.args.directory {
            let system = self.connected.system.as_ref();
            let tenant = Some(system.account().tenant.as_str());
            let directory = reference::from_file(path, self.mapping.system(), tenant)?;
            return Ok((bind(&directory)?, directory));
        }
        let origin = Origin {
            system: self.connected.system.as_ref(),
            limiter: self.limiter,
            state: self.state,
            output: self.output,
        };
        let mut loaded = Loaded::nothing(origin, self.args.refresh).await?;
        // Which names the mapping needs shows when it is compiled; tables that it names are read once, when all are there.
        loaded
            .make(origin, |directory| checked(directory).map(drop))
            .await?;
        let plans = loaded.make(origin, bind).await?;
        Ok((plans, loaded.directory))
    }

    async fn job<'j>(
        &'j self,
        sources: Vec<Source<'j>>,
        opened: &[Opened],
        directory: &'j Directory,
        mut notes: Vec<String>,
    ) -> Result<Job<'j>> {
        let (first, last) = (self.run.first(), self.run.last());
        let system = self.connected.system.as_ref();
        let tenant = &system.account().tenant;
        let name = self.mapping.system().as_str();
        if self.mapping.fingerprint() != first.meta.mapping_print {
            notes.push(format!(
                "the mapping {} has changed since the run: tickets are compared with what it says now",
                first.meta.mapping
            ));
        }
        let targets = match self.mapping.target_scope() {
            Some(scope) => Some(self.ledger.scope(name, tenant, scope).await?),
            None => None,
        };
        let (commit_within, visible_within) = self.target.surprise(system);
        let slack = SignedDuration::try_from(commit_within + visible_within)
            .unwrap_or(SignedDuration::from_mins(5));
        Ok(Job {
            about: About {
                run: self.run.code(),
                started: first.started,
                ended: self.run.ended(),
                verified: Timestamp::now(),
                inputs: first.meta.inputs.clone(),
                mapping: first.meta.mapping.clone(),
                scope: first.scope.clone(),
                system: format!("{name} ({})", self.target.name()),
                tenant: tenant.clone(),
                user: system.account().user.clone(),
                program: env!("CARGO_PKG_VERSION").to_owned(),
            },
            operation: self.mapping.operation(),
            sources,
            system,
            directory,
            scope: self
                .ledger
                .scope(name, tenant, self.mapping.scope())
                .await?,
            attempts: self.run.codes(),
            targets,
            permit: self.limiter,
            concurrency: self.target.concurrency(),
            full: self.args.full,
            size: self.args.sample,
            seed: self.args.seed,
            window: window(first.started, system.now_at_the_latest()),
            archive: Path::new(&first.meta.folder).join(self.mapping.archive().unwrap_or(ARCHIVE)),
            slack,
            digests: Digests {
                inputs: opened
                    .iter()
                    .map(|opened| Two {
                        of: match opened.print {
                            Some(_) => "An input".to_owned(),
                            None => "What earlier passes have read".to_owned(),
                        },
                        now: opened.input.fingerprint().to_owned(),
                        run: opened.print.clone(),
                    })
                    .collect(),
                mapping: Two {
                    of: "The mapping, with the files that it names".to_owned(),
                    now: self.mapping.fingerprint().to_owned(),
                    run: Some(last.meta.mapping_print.clone()),
                },
                directory: Two {
                    of: "The directory, as far as the mapping asks for it".to_owned(),
                    now: directory.fingerprint(),
                    run: last.meta.directory_print.clone(),
                },
                ..Digests::default()
            },
            notes,
        })
    }

    fn written(&self, report: &Report, places: &[PathBuf; 2]) -> Result<()> {
        let records = Records::of(self.state.path());
        type Writing = fn(&Report, &mut dyn Write) -> std::io::Result<()>;
        let writings: [Writing; 2] = [verify::write_page, verify::write_table];
        for (path, write) in places.iter().zip(writings) {
            let mut draft = Draft::beside(path, self.global.readers())
                .map_err(|error| unwritable(path, error))?;
            let placed = write(report, &mut draft)
                .and_then(|()| draft.whole())
                .and_then(|whole| whole.place(path, &records))
                .map_err(|error| unwritable(path, error))?;
            if let Some(note) = placed.note("deskferry") {
                self.output.say(&format!("  note       {note}"));
            }
        }
        Ok(())
    }

    fn tell(&self, report: &Report, places: &[PathBuf; 2]) -> Result<()> {
        if self.output.is_json() {
            self.output.data(&verify::document(report).to_string())?;
        }
        self.output.say(&told(report, places));
        Ok(())
    }
}

/// The time in which a run may have made tickets, with a day on both sides for what clocks and zones differ by.
fn window(started: Timestamp, now: Timestamp) -> Window {
    let day = SignedDuration::from_hours(24);
    Window {
        from: started.checked_sub(day).unwrap_or(started),
        to: now.checked_add(day).unwrap_or(now),
    }
}
