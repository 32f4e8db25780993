//! `deskferry export`: what was typed becomes a query, the system is read into a replica, the replica written out.

mod analyses;
mod counted;
mod kept;
mod newest;
pub(super) mod place;
mod table;
mod told;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use self::analyses::Analyses;
use self::kept::KeptFigures;
use self::newest::Newest;
use self::place::Place;
use super::args::{By, ExportArgs, Global, Include};
use super::interrupt::Interrupts;
use super::open::{Open, Purpose};
use super::output::Output;
use crate::config::StateFolder;
use crate::error::{Error, ErrorKind, ExitCode, Result};
use crate::export::file::{Format, Placing, Sink, Written, archive};
use crate::export::filter::{FIELDS, Filters};
use crate::export::people;
use crate::export::period::{Calendar, period};
use crate::export::reading::{Order, Read, Reading, Told};
use crate::export::replica::{Replica, Selection};
use crate::export::search::Words;
use crate::export::sheets::SheetKind;
use crate::ledger::Ledger;
use crate::report::reading::Bar;
use crate::run::{Shutdown, Stop};
use crate::systems::common::CommonTicket;
use crate::systems::query::{Query, Span, StateFilter};
use crate::systems::{Standing, surely_now};

/// How often a file that people save meanwhile is read again, before the new one goes beside it.
const SAVED_MEANWHILE: u32 = 3;

pub(super) async fn run(args: ExportArgs, global: &Global, output: &Output) -> Result<ExitCode> {
    if args.fields {
        return fields(*output);
    }
    let path = args.output.clone().unwrap_or_default();
    let asked = match &args.count {
        Some(_) => None,
        None => {
            let format = table::format(&args, &path)?;
            Some((format, analyses::kinds(&args, format)?))
        }
    };
    let args = match &asked {
        Some((_, kinds)) => analyses::with_period(&args, kinds)?,
        None => args,
    };
    let state = StateFolder::open(global.state.as_deref())?;
    if asked.is_some() {
        table::check_places(&args, &path, &state)?;
    }
    let mut open = Open::at(
        &super::args::Desk {
            // What has changed must show: a person's new name too.
            refresh: args.desk.refresh || args.incremental,
            ..args.desk.clone()
        },
        Purpose::Read,
        global,
        *output,
    )
    .await?;
    let around = (global, &state);
    let ended = async {
        match (&asked, &args.count) {
            (Some((format, kinds)), _) => {
                let names = open.make(|open| {
                    query(&args, open)?;
                    table::ask(&args, *format, kinds, open)
                });
                names.await?;
                export(&args, &path, (*format, kinds), &mut open, around, *output).await
            }
            (None, fields) => {
                let fields = fields.as_deref().unwrap_or_default();
                counted::run(&args, fields, &mut open, around, *output).await
            }
        }
    }
    .await;
    open.close().await?;
    ended
}

async fn export(
    args: &ExportArgs,
    path: &Path,
    (format, kinds): (Format, &[SheetKind]),
    open: &mut Open,
    (global, state): (&Global, &StateFolder),
    output: Output,
) -> Result<ExitCode> {
    let started = Instant::now();
    let begun = surely_now(open.system());
    let query = query(args, open)?;
    let reads_whole = analyses::reads_whole(kinds, args);
    analyses::check(kinds, args, &query, open)?;
    let plan = table::plan(args, format, open)?;
    let with_comments = args.include.contains(&Include::Comments);
    let order = Order {
        query: match (args.incremental, reads_whole) {
            (true, _) => everything(),
            (false, true) => everything_of(&query),
            (false, false) => query.clone(),
        },
        with_comments: plan
            .as_ref()
            .map_or(with_comments, |plan| plan.parts(with_comments).comments),
        is_lasting: args.incremental,
    };
    let placing = table::placing(args, path, format, plan.as_ref(), state, global.readers())?;
    let interrupts = Interrupts::listen(&global.force)?;
    let how = (args.incremental, args.desk.refresh);
    let mut desk = DeskRead::new(how, &order, open, state, &interrupts, output).await?;
    let open = &*open;
    let kept = KeptFigures::of(state, open, &everything_of(&query));
    let selection = reads_whole.then_some(&query);
    let mut written = {
        let replica = desk.replica();
        let write_once = |placing: Placing| {
            let stop = interrupts.stop();
            let figures = match args.desk.refresh {
                true => Vec::new(),
                false if kinds.iter().any(|kind| kind.is_report()) => kept.read()?,
                false => Vec::new(),
            };
            let told = Analyses::of(kinds, (args, figures), &replica, &query, open, &stop)?;
            let figures = told.figures.clone();
            let records = placing.records.clone();
            let plan = table::plan(args, format, open)?;
            let sink = table::sink(args, (path, placing), format, plan, open, told, begun)?;
            let words = words(args, open);
            let mut written = write(&replica, selection, words, open, sink, &stop)?;
            let notes = table::way_back(args, format, &written, open, &records, begun)?;
            written.notes.extend(notes);
            kept.keep(figures, args.desk.refresh)?;
            Ok::<_, Error>(written)
        };
        tokio::task::block_in_place(|| {
            // What people save while the file is written is read again, a few times.
            for _ in 0..SAVED_MEANWHILE {
                match write_once(placing.clone()) {
                    Err(error) if error.kind() == ErrorKind::Changed => {
                        output.say(&format!(
                            "{error}: it is read again, so that nothing is lost"
                        ));
                    }
                    ended => return ended,
                }
            }
            write_once(Placing {
                gives_way: true,
                ..placing
            })
        })?
    };
    let empty = desk
        .empty_period(args, &query, written.tickets, open)
        .await?;
    desk.read.notes.extend(empty);
    let read_in = desk.read_in;
    let read = desk.done()?;
    if let Some(folder) = &args.archive {
        let now = Timestamp::now().to_zoned(open.zone());
        let copies = archive(&written.files, folder, &now)?.into_iter();
        let notes = copies.map(|copy| format!("a copy is {}", copy.display()));
        written.notes.extend(notes);
    }
    let ended = told::Ended {
        read,
        written,
        read_in,
        took: started.elapsed(),
        is_incremental: args.incremental,
    };
    ended.tell(open, output)
}

/// How many of the tickets that were made last must be among what is read.
const WITNESSES: u32 = 3;

/// A desk that is read: its tickets here, and how the reading went.
pub(super) struct DeskRead {
    place: Place,
    replica: Arc<Mutex<Replica>>,
    read: Read,
    read_in: Duration,
}

impl DeskRead {
    /// Reads what is ordered, or what is missing of it; into the lasting replica of the tenant or one of its own, and
    /// anew or not.
    pub(super) async fn new(
        (lasts, anew): (bool, bool),
        order: &Order,
        open: &mut Open,
        state: &StateFolder,
        interrupts: &Interrupts,
        output: Output,
    ) -> Result<Self> {
        let started = Instant::now();
        let place = Place::of(state, open, order, lasts)?;
        if anew {
            Replica::delete(place.path())?;
        }
        let replica = place.replica()?;
        if let Some(going_on) = place.going_on(&replica)? {
            output.say(&going_on);
        }
        let replica = Arc::new(Mutex::new(replica));
        let read = {
            let bar = Bar::new(output.show(), open.limiter.ceiling());
            let tell = |told: Told| bar.on(told);
            let reading = Reading::new(
                open.system(),
                &open.limiter,
                Arc::clone(&replica),
                order,
                open.target.concurrency(),
                interrupts.stop(),
                &tell,
            );
            let witnesses = witnesses(open, state, output).await;
            reading.with_witnesses(witnesses).run().await
        }?;
        let met = people::meet(
            open.system(),
            &open.limiter,
            &replica,
            open.directory(),
            order.with_comments,
        );
        let met = met.await?;
        open.know(met);
        Ok(Self {
            place,
            replica,
            read,
            read_in: started.elapsed(),
        })
    }

    pub(super) fn replica(&self) -> MutexGuard<'_, Replica> {
        self.replica.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is said where a period holds no ticket: which one is the newest.
    async fn empty_period(
        &self,
        args: &ExportArgs,
        query: &Query,
        tickets: u64,
        open: &Open,
    ) -> Result<Option<String>> {
        if tickets > 0 || args.period.is_none() {
            return Ok(None);
        }
        let newest = match args.incremental {
            true => {
                let replica = self.replica();
                tokio::task::block_in_place(|| Newest::of_replica(args.by, &replica, query, open))?
            }
            false => Newest::of_desk(args.by, query, open).await?,
        };
        let span = match args.by {
            By::Created => query.created,
            By::Updated => query.updated,
            By::Closed => query.closed,
        };
        Ok(Some(newest.told(args, span, open)))
    }

    /// Whether the source is proven to have shown everything.
    pub(super) fn is_whole(&self) -> bool {
        self.read.doubts.is_empty()
    }

    /// What was read for one file alone is not needed any more; how the reading went.
    pub(super) fn done(self) -> Result<Read> {
        let Self {
            place,
            replica,
            read,
            ..
        } = self;
        drop(replica);
        place.done()?;
        Ok(read)
    }
}

/// Writes the replica out.
fn write(
    replica: &Replica,
    query: Option<&Query>,
    words: Option<Words>,
    open: &Open,
    mut sink: Box<dyn Sink>,
    stop: &Stop,
) -> Result<Written> {
    let selection = Selection {
        query,
        parts: sink.parts(),
        directory: open.directory(),
    };
    each(replica, selection, words, stop, &mut |ticket| {
        sink.ticket(ticket)
    })?;
    sink.finish()
}

/// Hands on what is selected and has these words, until it is stopped.
fn each(
    replica: &Replica,
    selection: Selection<'_>,
    mut words: Option<Words>,
    stop: &Stop,
    take: &mut dyn FnMut(&CommonTicket) -> Result<()>,
) -> Result<()> {
    let needed = words.as_ref().map(Words::parts).unwrap_or_default();
    let selection = Selection {
        parts: selection.parts.and(needed),
        ..selection
    };
    replica.each(selection, &mut |ticket| {
        if *stop.borrow() != Shutdown::None {
            return Err(Error::new(ErrorKind::Interrupted, "stopped")
                .hint("what was read is kept: the same command goes on"));
        }
        match &mut words {
            Some(words) => match words.are_in(&ticket)? {
                true => take(&ticket),
                false => Ok(()),
            },
            None => take(&ticket),
        }
    })?;
    Ok(())
}

/// The words that are looked for.
fn words(args: &ExportArgs, open: &Open) -> Option<Words> {
    let text = args.search.as_deref().unwrap_or_default();
    let system = open.system().schema().system();
    Words::of(text, system, open.directory(), &open.zone())
}

/// What was typed, by the ids of the directory.
fn query(args: &ExportArgs, open: &Open) -> Result<Query> {
    let mut filters = Filters::new(open.system().schema(), open.directory());
    for filter in &args.filters {
        filters.take(filter)?;
    }
    let mut query = filters.into_query();
    if let Some(text) = &args.period {
        span_of(&mut query, text, args.by, Timestamp::now(), open)?;
    }
    Ok(query)
}

/// Bounds a query by a period.
///
/// # Errors
/// When the text is none.
pub(super) fn span_of(
    query: &mut Query,
    text: &str,
    by: By,
    now: Timestamp,
    open: &Open,
) -> Result<()> {
    let span = period("--period", text, now, &open.calendar())?;
    match by {
        By::Created => query.created = span,
        By::Updated => query.updated = span,
        By::Closed => query.closed = span,
    }
    Ok(())
}

/// The tickets that this computer made last: a list that lacks one of them is not whole.
async fn witnesses(open: &Open, state: &StateFolder, output: Output) -> Vec<String> {
    let path = state.ledger();
    if !path.exists() {
        return Vec::new();
    }
    let system = open.system();
    let (name, tenant) = (system.schema().system(), system.account().tenant.as_str());
    let made = async {
        Ledger::open_to_read(&path)?
            .made_last(name.as_str(), tenant, WITNESSES)
            .await
    };
    made.await.unwrap_or_else(|error| {
        output.say(&format!(
            "  warning    the ledger does not tell which tickets must be there: {error}"
        ));
        Vec::new()
    })
}

/// All tickets, deleted ones too.
pub(super) fn everything() -> Query {
    Query {
        states: Standing::ALL.map(StateFilter::Standing).to_vec(),
        ..Query::default()
    }
}

/// The tickets of a query, whenever they were made, changed or closed.
fn everything_of(query: &Query) -> Query {
    Query {
        created: Span::default(),
        updated: Span::default(),
        closed: Span::default(),
        ..query.clone()
    }
}

fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether it can be run as far as that can be told without asking the system.
pub(super) fn check(args: &ExportArgs, calendar: &Calendar) -> Result<()> {
    if let Some(fields) = &args.count {
        return Err(
            Error::usage("`--count` prints a table, and a schedule writes a file")
                .at(format!("--count {fields}"))
                .hint("name a file: -o FILE"),
        );
    }
    let format = table::format(args, args.output.as_deref().unwrap_or(Path::new("")))?;
    let kinds = analyses::kinds(args, format)?;
    let args = &analyses::with_period(args, &kinds)?;
    if let Some(text) = &args.period {
        period("--period", text, Timestamp::now(), calendar)?;
    }
    Ok(())
}

/// `--fields`: what can be filtered by.
pub(super) fn fields(output: Output) -> Result<ExitCode> {
    if output.is_json() {
        let fields =
            FIELDS.map(|field| serde_json::json!({"name": field.name, "about": field.about}));
        output.data(&serde_json::Value::from(fields.to_vec()).to_string())?;
        return Ok(ExitCode::Done);
    }
    for field in FIELDS {
        output.data(&format!("{:10} {}", field.name, field.about))?;
    }
    Ok(ExitCode::Done)
}

/// A rate for people.
fn per_second(count: u64, took: Duration) -> u64 {
    let seconds = took.as_secs_f64().max(0.001);
    (count as f64 / seconds).round() as u64
}
