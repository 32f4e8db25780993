//! `deskferry import`: a file of tickets goes into a system.

pub(super) mod announce;
mod back;
mod both;
mod bulk;
mod compare;
pub(super) mod desk_files;
mod forecast;
mod foretold;
mod migrated;
mod only;
mod preview;
mod receipts;
mod rekey;
mod settings;
mod stale;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use jiff::tz::TimeZone;

use super::args::{Global, ImportArgs};
use super::columns;
use super::confirm::{About, by_call, confirm};
use super::connect::{Connected, Target};
use super::interrupt::Interrupts;
use super::output::Output;
use super::reference::{self, Loaded, Origin};
use super::run_report;
use super::runs::typed::shorter;
use crate::config::StateFolder;
use crate::directory::Directory;
use crate::error::{Error, ErrorKind, ExitCode, Fault, Result};
use crate::event::{Event, Listener};
use crate::export::baseline::Value;
use crate::export::columns::ask_for;
use crate::files::{ARCHIVE, Files};
use crate::intake::{self, Item, Subject, Survey, Watching};
use crate::ledger::{
    ActiveRun, Belongs, Ledger, RunLocks, RunMeta, RunState, Scope, private_folder,
};
use crate::mapping::{BoundPlan, Checked, Mapping, PlanOptions, Reach, Unmapped, decisions};
use crate::migrate::held::Parts;
use crate::outfile::{Claims, Records};
use crate::record::RowKey;
use crate::report::diagnostic::{self, Look};
use crate::report::diff::DiffList;
use crate::report::error_file::{self, ErrorFiles};
use crate::report::progress::Progress;
use crate::report::receipts::Written as Receipted;
use crate::report::reporter::RowByRow;
use crate::report::rows::{OutcomeFile, PayloadFile};
use crate::report::samples::Samples;
use crate::report::summary::Aftermath;
use crate::report::{Context, Reporter, Summary, unread, words};
use crate::run::{self, Compared, Items, Job, Limiter, Totals};
use crate::source::own::Own;
use crate::source::{Input, Table};
use crate::systems::{self, Operation, SystemName};

pub(super) use only::Only;

use back::Edits;
use both::Both;

pub(super) async fn run(args: ImportArgs, global: &Global, output: &Output) -> Result<ExitCode> {
    run_part(args, Part::Whole, global, output).await
}

/// What of a run is imported.
pub(super) enum Part {
    /// The input as it is given.
    Whole,
    /// Of the input of a run what failed, as it stands (`runs retry`).
    Failed(Box<Only>),
    /// Of the rows of a run in which fields fell back, these fields (`runs retry --fallbacks`).
    Fallbacks(Box<Only>, BTreeSet<String>),
    /// The corrected error file of the run of this code, whose paths hold in this folder.
    Corrected(String, PathBuf),
    /// The tickets that were read of another desk.
    Migrated(Box<Migration>),
}

/// From where tickets are migrated.
pub(super) struct Migration {
    /// The profile of the source.
    pub(super) from: String,
    /// Its system.
    pub(super) system: SystemName,
    /// Its tenant.
    pub(super) tenant: String,
    /// The command that goes on.
    pub(super) resume: String,
    /// How many tickets have what the target may have no field for.
    pub(super) parts: Parts,
    /// The spool beside which it is kept what each ticket has become; `None`: nobody wants to know.
    pub(super) notes: Option<PathBuf>,
}

/// The same for a part of a run.
pub(super) async fn run_part(
    args: ImportArgs,
    part: Part,
    global: &Global,
    output: &Output,
) -> Result<ExitCode> {
    let ended = started(&args, &part, global, output).await;
    if ended.is_err() {
        stale::remove(&args, global, output);
    }
    ended
}

async fn started(
    args: &ImportArgs,
    part: &Part,
    global: &Global,
    output: &Output,
) -> Result<ExitCode> {
    let mapping = Mapping::load(&args.mapping, Reach::told(global.trust))?;
    let mapping = match part {
        Part::Fallbacks(_, fields) => of_fallbacks(&mapping, fields, *output)?,
        _ => mapping,
    };
    if args.bulk {
        bulk::can(&mapping)?;
    }
    let target = settings::target(args, &mapping, global)?;
    let options = settings::input_options(args, &mapping)?;
    let (input, resolved) = match back::resolved(args, &mapping)? {
        Some(resolved) => {
            if resolved.undecided > 0 {
                output.say(&format!(
                    "  note       {} not decided: nothing is sent where `use` is empty",
                    words::plural(resolved.undecided, "conflict is", "conflicts are")
                ));
            }
            (resolved.input, Some(resolved.desk))
        }
        None => {
            let input = tokio::task::block_in_place(|| Input::open(&args.inputs, &options))?;
            (input, None)
        }
    };
    let state = StateFolder::open(global.state.as_deref())?;
    let connected = match &target {
        Some(target) => {
            let concurrency = settings::concurrency(args, target);
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
        limiter: Arc::new(settings::limiter(args, target.as_ref(), &state)),
        args,
        global,
        mapping: &mapping,
        target: target.as_ref(),
        connected: connected.as_ref(),
        input: &input,
        state: &state,
        output: *output,
        part,
        resolved: resolved.as_deref(),
        known_as: Mutex::default(),
        left_out: OnceLock::new(),
    };
    let ended = import.run().await;
    if let Some(connected) = connected {
        connected.close().await?;
    }
    ended
}

/// The mapping that sets the fields which fell back; what no update sets is said.
fn of_fallbacks(mapping: &Mapping, fields: &BTreeSet<String>, output: Output) -> Result<Mapping> {
    let schema = systems::schema(mapping.system(), None)?;
    let made = mapping.of_fallbacks(fields, schema.as_ref())?;
    output.say(&format!("  fields     {}", made.fields.join(", ")));
    if !made.fixed.is_empty() {
        output.say(&format!(
            "  note       `{}`: no update sets what fell back there; correct these tickets by hand",
            made.fixed.join("`, `")
        ));
    }
    Ok(made.mapping)
}

/// The first pass over the input, and what it counted.
struct Pass<'a> {
    plan: &'a BoundPlan,
    directory: &'a Directory,
    survey: &'a Survey,
    counted: (u64, u64, u64),
}

/// What is known besides when it has ended: the input against what was sent, an edited export against the desk, the receipts,
/// and what was done on tickets besides making them.
type Found = (
    Option<Compared>,
    (Option<Edits>, Both),
    (Result<Vec<Receipted>>, Result<Option<Receipted>>),
    BTreeMap<String, u64>,
);

/// What a run needs while it is under way.
struct Running {
    /// The scope of the keys by which rows name the tickets that they act on.
    targets: Option<Scope>,
    reporter: Reporter,
    settings: run::Settings,
    interrupts: Interrupts,
    locks: Option<RunLocks>,
    edits: Option<Edits>,
    both: Both,
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
    part: &'a Part,
    /// What the desk said of each conflict, where the input is a file of them.
    resolved: Option<&'a [(String, String, Value)]>,
    /// The old keys of rows that a dry run shows with new ones, by the new ones.
    known_as: Mutex<HashMap<RowKey, RowKey>>,
    /// Of a migration, the records whose tickets were changed on both sides, and what is said of them.
    left_out: OnceLock<HashMap<RowKey, Fault>>,
}

/// A record whose ticket was changed on both sides has that for a fault.
fn without(left_out: &HashMap<RowKey, Fault>, mut item: Item) -> Item {
    if let Subject::Keyed(key) = &item.subject
        && let Some(fault) = left_out.get(key)
    {
        item.subject = Subject::Faulty(Some(key.clone()), vec![fault.clone()]);
    }
    item
}

impl Import<'_> {
    /// Whether what answers is live; without a connection nothing is sent.
    fn is_live(&self) -> bool {
        match (self.target, self.connected) {
            (Some(target), Some(connected)) => target.is_live(connected.system.as_ref()),
            _ => true,
        }
    }

    /// Whether the rows act on tickets that are there.
    fn acts(&self) -> bool {
        !self.mapping.operation().makes()
    }

    async fn run(&self) -> Result<ExitCode> {
        if self.args.again && self.mapping.operation() != Operation::Create {
            return Err(
                Error::usage("`--again` is for mappings with `operation = \"create\"`")
                    .hint("a row whose cells have changed is sent anew by itself"),
            );
        }
        self.can_compare()?;
        let (plan, directory) = self.plan_and_directory().await?;
        let plan = Arc::new(plan);
        self.is_elsewhere(&directory)?;
        self.tell_set_once(&plan);
        let survey = self.survey(&plan)?;
        let ledger = tokio::task::block_in_place(|| Ledger::open(&self.state.ledger()))?;
        let locks = self.lock(&ledger, &directory)?;
        let system = self.mapping.system().as_str();
        let tenant = &directory.snapshot().tenant;
        self.is_current(&ledger, [system, tenant, self.mapping.scope()])?;
        let scope = ledger.scope(system, tenant, self.mapping.scope()).await?;
        let targets = match self.mapping.target_scope() {
            Some(name) => Some(ledger.scope(system, tenant, name).await?),
            None => None,
        };
        let meta = self.meta(&directory);
        let pass = Pass {
            plan: &plan,
            directory: &directory,
            survey: &survey,
            counted: self.counted(&plan, &survey)?,
        };
        let edits = self.edits(&pass, &scope).await?;
        self.rekey(&pass, &scope, locks.as_ref(), &meta).await?;
        let compared = self.compare(&pass, &scope, &meta).await?;
        let both = self.both_sides(&pass, &scope).await?;
        self.probe(&pass, &scope).await?;
        self.foretell(&pass, &scope, &meta).await?;
        self.confirm(&pass, compared.as_ref(), edits.as_ref())?;
        // What can still be wrong is found before keys are given up for rows that would then not be sent.
        let reporter = self.reporter(&plan)?;
        let mut settings = self.settings()?;
        if let Some(edits) = &edits {
            settings.compared = Arc::clone(&edits.compared);
        } else {
            settings.compared = Arc::clone(&both.compared);
            settings.guards = both.slack;
        }
        // Until here nothing was sent, and Ctrl-C ends the program at once, at the prompt above too.
        let interrupts = Interrupts::listen(&self.global.force)?;
        if let Some(locks) = &locks {
            self.give_up(&pass, &scope, locks, compared.as_ref())?;
        }
        let running = Running {
            targets,
            reporter,
            settings,
            interrupts,
            locks,
            edits,
            both,
        };
        let mut running = running;
        if pass.plan.brings_files() && !self.args.dry_run {
            private_folder(&running.settings.files.spool)?;
            running.settings.files.tidy();
        }
        let desk = self.open_desk(&pass).await?;
        running.settings.files.desk = desk.as_ref().map(|(_, desk)| desk.clone());
        let ended = self
            .execute(&pass, (&ledger, scope), meta, compared, running)
            .await;
        if let Some((connected, _)) = desk {
            connected.close().await?;
        }
        ended
    }

    /// How many records are taken up at most. `--rows` and `--limit` said which ones of the whole input: where only a
    /// part is run, each of them is known, and the flags are kept for what is printed and recorded alone.
    fn limit(&self) -> Option<u64> {
        self.args.limit.filter(|_| self.only().is_none())
    }

    /// Rows, records, and rows left out by `where`.
    fn counted(&self, plan: &BoundPlan, survey: &Survey) -> Result<(u64, u64, u64)> {
        match self.only() {
            None => Ok((survey.rows(), survey.records(), survey.filtered())),
            Some(only) => {
                tokio::task::block_in_place(|| only.count(survey.items(self.input, plan)?))
            }
        }
    }

    /// The records of this import, in order.
    fn items<'i>(&'i self, pass: &'i Pass<'_>) -> Result<Items<'i>> {
        let items = pass.survey.items(self.input, pass.plan)?;
        let items: Items<'i> = match self.only() {
            Some(only) => Box::new(only.of(items)),
            None => Box::new(items),
        };
        let left_out = self.left_out.get().filter(|rows| !rows.is_empty());
        let items: Items<'i> = match left_out {
            Some(rows) => Box::new(items.map(move |item| item.map(|item| without(rows, item)))),
            None => items,
        };
        let known_as = self.known_as.lock().unwrap_or_else(PoisonError::into_inner);
        if known_as.is_empty() {
            return Ok(items);
        }
        let known_as = known_as.clone();
        Ok(Box::new(items.map(move |item| {
            let mut item = item?;
            if let Subject::Keyed(key) = &mut item.subject
                && let Some(old) = known_as.get(key)
            {
                *key = old.clone();
            }
            Ok(item)
        })))
    }

    /// The keys of these records.
    fn keys(&self, pass: &Pass<'_>, each: &mut dyn FnMut(RowKey)) -> Result<()> {
        for item in self.items(pass)? {
            if let Subject::Keyed(key) = item?.subject {
                each(key);
            }
        }
        Ok(())
    }

    /// The plan, and the parts of the directory that it needs.
    async fn plan_and_directory(&self) -> Result<(BoundPlan, Arc<Directory>)> {
        let is_another = |tenant: &str| match self.only() {
            Some(only) => {
                let target = self.target.map_or("the snapshot", Target::name);
                only.same_tenant(tenant, target)
            }
            None => Ok(()),
        };
        let connected = self.connected.map(|connected| connected.system.as_ref());
        let system = match (&self.args.directory, connected) {
            (None, Some(system)) => system,
            (Some(path), connected) => {
                let tenant = connected.map(|system| system.account().tenant.as_str());
                let directory = reference::from_file(path, self.mapping.system(), tenant)?;
                is_another(&directory.snapshot().tenant)?;
                self.ask_for_compared(&directory);
                let plan = self.plan(&directory);
                // What is not there comes first: without it the plan takes names for unknown.
                reference::must_hold(directory.snapshot(), directory.asked(), path)?;
                return Ok((plan?, directory));
            }
            (None, None) => {
                return Err(Error::usage(
                    "without a connection the directory must come from a snapshot",
                )
                .hint(
                    "make one with: deskferry directory pull --profile NAME -o FILE, and add --directory FILE",
                ));
            }
        };
        is_another(&system.account().tenant)?;
        let origin = Origin {
            system,
            limiter: &self.limiter,
            state: self.state,
            output: self.output,
        };
        let mut loaded = Loaded::nothing(origin, self.args.refresh).await?;
        // Which names the mapping needs shows when it is compiled; tables that it names are read once, when all are there.
        let names = |directory: &Arc<Directory>| {
            self.ask_for_compared(directory);
            self.checked(directory).map(drop)
        };
        loaded.make(origin, names).await?;
        let plan = loaded.make(origin, |directory| self.plan(directory));
        Ok((plan.await?, loaded.directory))
    }

    /// Asks for the names with which an exported file that comes back is compared.
    fn ask_for_compared(&self, directory: &Directory) {
        let compared = self.mapping.baseline().into_iter();
        let compared = compared.flat_map(|rule| &rule.columns);
        compared.for_each(|(_, name)| ask_for(name, directory));
    }

    fn checked(&self, directory: &Arc<Directory>) -> Result<Checked> {
        let schema = systems::schema_for(directory.snapshot())?;
        let zone = self.target.and_then(Target::timezone);
        let options = PlanOptions {
            where_: self.args.condition.clone(),
            zone,
            may_have_zone: false,
        };
        let directory = Arc::clone(directory);
        Ok(Checked::of(
            self.mapping,
            Arc::from(schema),
            directory,
            &options,
        ))
    }

    fn plan(&self, directory: &Arc<Directory>) -> Result<BoundPlan> {
        let mut checked = self.checked(directory)?;
        match checked.bind(self.input.tables()) {
            Some(bound) => Ok(bound),
            None => {
                let options = settings::input_options(self.args, self.mapping)?;
                let faults = checked.into_faults();
                Err(Error::mapping(columns::explained(
                    faults, self.input, &options,
                )))
            }
        }
    }

    /// Refuses `--diff` where there is nothing to compare.
    fn can_compare(&self) -> Result<()> {
        let operation = self.mapping.operation();
        let sets = matches!(
            operation,
            Operation::Update | Operation::Upsert | Operation::Assign | Operation::SetStatus
        );
        match (self.args.diff, self.args.dry_run, self.connected) {
            (false, ..) => Ok(()),
            (true, false, _) => Err(Error::usage("`--diff` goes with `--dry-run`").hint(
                "add --dry-run: it reads the tickets and shows what would change, and sends nothing",
            )),
            (true, ..) if !sets => Err(Error::usage(format!(
                "`--diff` compares fields, and `operation = \"{operation}\"` changes none of a ticket that is there"
            ))
            .hint("it is for update, upsert, assign and set_status: leave it out")),
            (true, _, None) => Err(Error::usage("`--diff` reads tickets, and no connection is named")
                .hint("add --profile NAME, or --sandbox")),
            (true, true, Some(_)) => Ok(()),
        }
    }

    /// Says what an upsert cannot update.
    fn tell_set_once(&self, plan: &BoundPlan) {
        let fields = plan.plan().set_once();
        if !fields.is_empty() {
            self.output.say(&format!(
                "  note       `{}`: set when a ticket is made; no update changes that, and a row in which only that has \
                 changed is told as changed",
                fields.join("`, `")
            ));
        }
    }

    /// The first pass over the input, with what nothing reads told or refused.
    fn survey(&self, plan: &BoundPlan) -> Result<Survey> {
        let tables = self.input.tables();
        let position = |(table, name): (usize, String)| {
            Some((table, tables[table].header.position(&name)?, name))
        };
        let watching = Watching::new(plan, plan.unread_columns().into_iter().filter_map(position));
        let rows = self.args.rows.clone().filter(|_| self.only().is_none());
        let selection = rows.unwrap_or_default();
        let survey = tokio::task::block_in_place(|| {
            intake::survey(self.input, &watching, &selection, self.state.path())
        })?;
        if survey.records() == 0 && self.only().is_none() {
            only::has_rows(self.args.rows.as_ref(), self.input)?;
        }
        for notice in self.input.notices() {
            self.output.say(&format!("  note       {notice}"));
        }
        for note in plan.notes() {
            self.output.say(&format!("  note       {note}"));
        }
        if let Some(alike) = survey.alike(self.input) {
            self.output.say(&format!("  warning    {alike}"));
        }
        let unlike = plan.unlike();
        if !unlike.is_empty() {
            return Err(Error::mapping(unlike));
        }
        let filled = watching.filled();
        if filled.is_empty() {
            return Ok(survey);
        }
        let text = unread::line(&filled);
        match self.mapping.unmapped() {
            Unmapped::Error => Err(Error::new(ErrorKind::Mapping, text)
                .at(self.mapping.name())
                .hint(
                    "the mapping says unmapped = \"error\": map these columns, or write \"warn\"",
                )),
            Unmapped::Append => Ok(survey),
            Unmapped::Warn => {
                self.output.say(&format!("  warning    {text}"));
                Ok(survey)
            }
        }
    }

    /// The right to send to the tenant with the token, and for the scope with any; a dry run needs none.
    fn lock(&self, ledger: &Ledger, directory: &Directory) -> Result<Option<RunLocks>> {
        let Some(target) = self.target.filter(|_| !self.args.dry_run) else {
            return Ok(None);
        };
        let (system, token) = (self.mapping.system().as_str(), target.token_name());
        let tenant = &directory.snapshot().tenant;
        let scope = self.mapping.scope();
        ledger.lock(system, tenant, scope, Some(&token)).map(Some)
    }

    /// Refuses a ledger that may be an older one, unless it is to be trusted; a dry run only says so.
    fn is_current(&self, ledger: &Ledger, scope: [&str; 3]) -> Result<()> {
        if self.args.trust_ledger {
            ledger.trust();
        }
        match ledger.is_current(&scope.map(str::to_owned)) {
            Err(error) if self.args.dry_run => {
                self.output.say(&format!("  warning    {error}"));
                Ok(())
            }
            other => other,
        }
    }

    fn confirm(
        &self,
        pass: &Pass<'_>,
        compared: Option<&Compared>,
        edits: Option<&Edits>,
    ) -> Result<()> {
        let (Some(target), Some(connected)) = (self.target, self.connected) else {
            return Ok(());
        };
        if self.args.dry_run || !self.is_live() {
            return Ok(());
        }
        // Of an edited export only what is sent counts.
        let records = edits.map_or(pass.counted.1, |edits| edits.counts.rows);
        let tickets = self.limit().map_or(records, |limit| limit.min(records));
        let undo = match self.mapping.operation() {
            Operation::Create => format!(
                "`deskferry runs rollback last` {}; `deskferry runs receipts` writes your file with the ticket of each row beside it",
                connected.system.undoing()
            ),
            Operation::Upsert => format!(
                "`deskferry runs rollback last` takes back what this run makes: {}; nothing undoes an update",
                connected.system.undoing()
            ),
            _ => "nothing undoes this: `deskferry runs receipts` writes your file with the ticket of each row beside it".to_owned(),
        };
        let about = About {
            operation: self.mapping.operation(),
            tickets: format!("up to {}", words::plural(tickets, "ticket", "tickets")),
            requests: (!self.args.bulk)
                .then(|| tickets as f64 * pass.plan.requests_per_row() as f64),
            steps: by_call(pass.plan.steps().iter().map(|step| &**step), tickets),
            notify: "the mapping says notify = true",
            undo: &undo,
        };
        let mut about = about.say(target, connected, &self.limiter);
        if let Some(compared) = compared.filter(|_| self.args.again) {
            about = format!("{about}\n{}", compare::doubled(compared));
        }
        if let Some(overwritten) = edits.and_then(Edits::overwritten) {
            about = format!("{about}\n{overwritten}");
        }
        confirm(target.name(), &about, self.args.confirm.as_deref())
    }

    async fn execute(
        &self,
        pass: &Pass<'_>,
        (ledger, scope): (&Ledger, Scope),
        meta: RunMeta,
        compared: Option<Compared>,
        running: Running,
    ) -> Result<ExitCode> {
        let started = Instant::now();
        let counted = pass.counted;
        let mut reporter = running.reporter;
        reporter.on(&Event::Counted {
            rows: counted.0,
            records: counted.1,
            filtered: counted.2,
        });
        let job = Job {
            items: self.items(pass)?,
            counted,
            map: pass.plan,
            system: self
                .connected
                .map(|connected| Arc::clone(&connected.system)),
            ledger: Some(scope),
            targets: running.targets,
            meta,
            locks: running.locks,
            reread: Some(Box::new(|each| self.keys(pass, each))),
            // Comments may name any ticket that is migrated.
            again: self
                .is_of_desk()
                .then(|| Box::new(|run: &ActiveRun| self.second(pass, run)) as run::Again<'_>),
        };
        self.keep_hours();
        let limiter = Arc::clone(&self.limiter);
        let totals = run::execute(
            job,
            &running.settings,
            limiter,
            running.interrupts.stop(),
            &mut reporter,
        )
        .await?;
        self.keep_notes(ledger, pass).await?;
        let receipts = self.receipts(ledger, pass, totals.run.as_deref()).await;
        let report = self.report(ledger, totals.run.as_deref()).await;
        let steps = self.steps(ledger, &totals).await?;
        let found = (
            compared,
            (running.edits, running.both),
            (receipts, report),
            steps,
        );
        self.finish(reporter, totals, found, started, pass)
    }

    fn settings(&self) -> Result<run::Settings> {
        let (commit_within, visible_within) = match (self.target, self.connected) {
            (Some(target), Some(connected)) => target.surprise(connected.system.as_ref()),
            _ => Default::default(),
        };
        Ok(run::Settings {
            rate: settings::rate(self.args, self.target),
            concurrency: self
                .target
                .map_or(1, |target| settings::concurrency(self.args, target)),
            commit_within,
            visible_within,
            max_errors: self.args.max_errors,
            limit: self.limit(),
            dry_run: self.args.dry_run,
            again: self.args.again,
            retry: self.only().is_some(),
            trusts_names: false,
            keep: self.keep(),
            diff: self.read_at_most(),
            bulk: self.args.bulk,
            workers: None,
            trust_ledger: self.args.trust_ledger,
            adopt: self.adopting(),
            compared: Arc::default(),
            guards: None,
            files: self.files(),
            crash: settings::crash(self.is_live())?,
        })
    }

    /// Where the files of rows are copied to before they are sent, and where those go that the system does not take: beside those
    /// of the run that is tried again, wherever that is done.
    fn files(&self) -> Files {
        let folder = match self.part {
            Part::Failed(only) | Part::Fallbacks(only, _) => only.folder(),
            Part::Corrected(_, folder) => folder,
            Part::Whole | Part::Migrated(_) => Path::new(""),
        };
        Files {
            spool: self.state.path().join("files"),
            archive: shorter(folder.join(self.mapping.archive().unwrap_or(ARCHIVE))),
            ..Files::default()
        }
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
            directory_print: Some(directory.fingerprint()),
            directory_pulled: Some(directory.snapshot().pulled_at),
            command: self.resume(),
            system_print: self.system_print(directory),
            arguments: announce::resume_words(self.args, self.global, self.target, &self.inputs()),
            folder: std::env::current_dir()
                .map(|folder| folder.display().to_string())
                .unwrap_or_default(),
            operation: self.mapping.operation(),
            key_definition: match self.acts() {
                true => String::new(),
                false => self.mapping.key_definition().to_owned(),
            },
            belongs: self.belongs(),
        }
    }

    /// To which run it belongs: a retry says it, and an error file is known by its columns.
    fn belongs(&self) -> Belongs {
        let is_error_file = |table: &Table| Own::of(&table.header).is_some();
        match self.part {
            Part::Failed(only) => Belongs::To(only.code().to_owned()),
            Part::Corrected(run, _) => Belongs::To(run.clone()),
            Part::Fallbacks(..) => Belongs::ToInput,
            // Each pass is a run of its own, unless the source has not changed.
            Part::Migrated(_) => Belongs::ToInput,
            Part::Whole if self.input.tables().iter().any(is_error_file) => Belongs::ToOpen,
            Part::Whole => Belongs::ToInput,
        }
    }

    /// The records that are run at all; `None`: every one.
    fn only(&self) -> Option<&Only> {
        match self.part {
            Part::Failed(only) | Part::Fallbacks(only, _) => Some(only),
            Part::Whole | Part::Corrected(..) | Part::Migrated(_) => None,
        }
    }

    /// From where the tickets are, where that is another desk.
    fn migration(&self) -> Option<&Migration> {
        match self.part {
            Part::Migrated(migration) => Some(migration),
            Part::Whole | Part::Failed(_) | Part::Fallbacks(..) | Part::Corrected(..) => None,
        }
    }

    /// The command that goes on with this import.
    fn resume(&self) -> String {
        if let Part::Fallbacks(only, _) = self.part {
            return format!("deskferry runs retry {} --fallbacks", only.code());
        }
        match self.migration() {
            Some(migration) => migration.resume.clone(),
            None => announce::resume(self.args, self.global, self.target, &self.inputs()),
        }
    }

    /// From now on nothing leaves outside the hours that were asked for.
    fn keep_hours(&self) {
        let (Some(hours), Some(connected), false) =
            (self.args.hours, self.connected, self.args.dry_run)
        else {
            return;
        };
        let own = self.target.and_then(Target::timezone);
        let zone = own.or_else(|| connected.system.site_zone().cloned());
        self.limiter
            .only_within(hours, zone.unwrap_or_else(TimeZone::system));
    }

    /// Refuses a tenant that is migrated into itself.
    fn is_elsewhere(&self, directory: &Directory) -> Result<()> {
        let Some(migration) = self.migration() else {
            return Ok(());
        };
        let snapshot = directory.snapshot();
        if (snapshot.system, &snapshot.tenant) != (migration.system, &migration.tenant) {
            return Ok(());
        }
        let target = self.target.map_or("the target", Target::name);
        Err(Error::usage(format!(
            "`{}` and `{target}` are the same tenant: `{}`",
            migration.from, migration.tenant
        ))
        .hint("name the profile of another tenant with --to; nothing was sent"))
    }

    /// The spelling, the tenant, and as whom.
    fn system_print(&self, directory: &Directory) -> String {
        let user = self
            .connected
            .and_then(|connected| connected.system.account().user.clone())
            .unwrap_or_default();
        let snapshot = directory.snapshot();
        format!(
            "{} {} {} {user}",
            snapshot.system, snapshot.dialect, snapshot.tenant
        )
        .trim_end()
        .to_owned()
    }

    fn inputs(&self) -> Vec<&Path> {
        self.args.inputs.iter().map(PathBuf::as_path).collect()
    }

    /// What is kept of each row, where it is asked for.
    fn row_by_row(&self, plan: &Arc<BoundPlan>) -> Result<RowByRow> {
        let args = self.args;
        let records = Records::of(self.state.path());
        let readers = self.global.readers();
        let payloads = self.payloads()?.map(|path| {
            PayloadFile::create(path, readers).map(|file| file.remembering(records.clone()))
        });
        let outcomes = args.outcomes.as_deref().map(|path| {
            OutcomeFile::create(path, readers).map(|file| file.remembering(records.clone()))
        });
        Ok(RowByRow {
            payloads: payloads.transpose()?,
            outcomes: outcomes.transpose()?,
            samples: (args.show.filter(|_| !args.diff))
                .map(|most| Samples::new(most, self.input.tables())),
            preview: self.preview(plan)?,
            diff: (args.diff && self.output.is_json()).then(DiffList::default),
            most_diffs: (!args.diff).then_some(preview::SHOWN),
        })
    }

    /// What this run reads or keeps, and the files that it is to write, which must be others.
    fn claims(&self) -> Result<Claims> {
        let args = self.args;
        let mut claims = Claims::default()
            .reading(&args.mapping, "the mapping")
            .keeping(self.state.path());
        for path in &args.inputs {
            claims = claims.reading(path, "an input");
        }
        for path in self.mapping.beside() {
            claims = claims.reading(path, "a file of the mapping");
        }
        if let Some(path) = &args.directory {
            claims = claims.reading(path, "the directory");
        }
        let outputs = [
            ("--preview", &args.preview),
            ("--payloads", &args.payloads),
            ("--outcomes", &args.outcomes),
            ("--errors", &args.errors),
        ];
        for (flag, path) in outputs {
            if let Some(path) = path.as_deref().filter(|path| !path.is_dir()) {
                claims.write(path, flag)?;
            }
        }
        if let Some(path) = &args.report {
            run_report::claim(path, &mut claims, "--report")?;
        }
        for (_, path) in self.receipt_files()? {
            claims.write(&path, "--receipts")?;
        }
        Ok(claims)
    }

    fn reporter(&self, plan: &Arc<BoundPlan>) -> Result<Reporter> {
        let claims = self.claims()?;
        error_file::check_name(self.input.tables(), self.args.errors.as_deref())?;
        let (names_file, names_sheet) = plan.names_read();
        let files = (!self.args.dry_run).then(|| {
            ErrorFiles::new(
                self.input.tables(),
                Path::new("."),
                self.args.errors.as_deref(),
            )
            .remembering(Records::of(self.state.path()))
            .readable_by(self.global.readers())
            .sparing(claims)
            .looking_like(self.input.looks())
            .with_sheets(self.mapping.sheets_beside())
            .keyed_by(self.mapping.key_columns())
            .naming(names_file, names_sheet)
            .once_a_row(self.mapping.takes_apart())
        });
        let reporter = Reporter::new(
            Progress::new(self.output.show(), self.limiter.ceiling()),
            files,
        );
        Ok(reporter.row_by_row(self.row_by_row(plan)?))
    }

    /// Adds what a dry run foretells, what it could not check, and where names are missing how to give them.
    fn foresee(
        &self,
        summary: &Summary,
        after: &mut Aftermath,
        directory: &Directory,
        plan: &BoundPlan,
    ) {
        let args = self.args;
        if summary.causes().has_names() {
            after.write_aliases = forecast::write_aliases(args, self.global, self.target);
        }
        let files = [
            ("preview", &args.preview),
            ("payloads", &args.payloads),
            ("outcomes", &args.outcomes),
        ];
        for (what, path) in files {
            after.files.extend(path.clone().map(|path| (what, path)));
        }
        if args.dry_run && after.stopped.is_none() {
            // How many tickets a request will be for is seen when they go.
            after.forecast = (summary.requests() > 0 && !args.bulk)
                .then(|| forecast::forecast(summary.requests(), &self.limiter));
            after.unchecked = forecast::unchecked(plan, directory, self.target, args);
        }
    }

    /// Reports what came of it, and says how to end.
    fn finish(
        &self,
        mut reporter: Reporter,
        mut totals: Totals,
        (compared, (edits, both), (receipts, report), steps): Found,
        started: Instant,
        pass: &Pass<'_>,
    ) -> Result<ExitCode> {
        settings::remember(&self.limiter, self.target, self.state, self.output);
        let stopped = totals.stopped.take();
        let interrupted = totals.state == RunState::Interrupted;
        let written = reporter.finish();
        let mut after = Aftermath {
            took: started.elapsed(),
            doubles: totals.doubles,
            steps,
            bulk: (self.args.bulk && !self.args.dry_run).then_some(totals.bulk),
            compared: compared.map(|compared| compared.to_json()),
            ..Aftermath::default()
        };
        let (files, notes) = written.as_ref().map_or((&[][..], &[][..]), |written| {
            (&written.files[..], &written.notes[..])
        });
        after.kept = notes.to_vec();
        let receipted = receipts.as_ref().map_or(&[][..], Vec::as_slice);
        let reported = report.as_ref().ok().and_then(Option::as_ref);
        let copies = receipted.iter().map(|one| ("receipts", one));
        for (what, one) in copies.chain(reported.map(|one| ("report", one))) {
            after.files.push((what, one.path.clone()));
            after.kept.extend(one.note.clone());
        }
        if let Some(edits) = &edits {
            self.tell_edits(edits, &mut after)?;
        }
        self.tell_both(&both, pass, &mut after)?;
        for path in files {
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
            after.resume = Some(self.resume());
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
            operation: self.mapping.operation(),
            dry_run: self.args.dry_run,
            limit: self.limiter.ceiling(),
            most: self.limit(),
            open: decisions::line(&self.mapping.decisions()).filter(|_| self.args.dry_run),
        };
        let summary = reporter.summary();
        self.foresee(summary, &mut after, pass.directory, pass.plan);
        let width = console::Term::stderr().size_checked();
        let width = width.map(|(_, columns)| usize::from(columns));
        let samples = reporter.samples().map(|samples| samples.render(width));
        let preview = reporter.preview().map(|preview| preview.render(width));
        let samples = samples.or(preview);
        if let Some(samples) = samples.filter(|samples| !samples.is_empty()) {
            self.output.say(&format!("\n{}", samples.trim_end()));
        }
        if self.output.is_json() {
            let document = summary.to_json(&context, &after);
            self.output.data(&match reporter.diff() {
                Some(list) => list.close(&document),
                None => document.to_string(),
            })?;
        }
        self.output
            .say(&format!("\n{}", summary.render(&context, &after)));
        let open = summary.causes().open(pass.plan);
        if !open.is_empty() {
            self.output
                .complain(&diagnostic::render(&open, Look::of_stderr()));
        }
        written?;
        receipts?;
        report?;
        Ok(match stopped {
            Some(error) => {
                self.output.note(&error);
                error.kind().exit_code()
            }
            None if interrupted => ExitCode::Interrupted,
            None if totals.doubles > 0 || totals.unswept || totals.unproven => ExitCode::SomeRows,
            None if edits.as_ref().is_some_and(Edits::has_conflicts) => ExitCode::SomeRows,
            None => summary.exit_code(),
        })
    }
}
