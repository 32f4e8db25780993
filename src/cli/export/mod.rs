//! `deskferry export`: what was typed becomes a query, the system is read into a replica, the replica written out.

mod analyses;
mod place;
mod table;
mod told;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use self::analyses::Analyses;
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
use crate::export::reading::{Order, Reading, Told};
use crate::export::replica::{Replica, Selection};
use crate::export::search::Words;
use crate::export::sheets::SheetKind;
use crate::report::reading::Bar;
use crate::run::{Going, Stop};
use crate::systems::common::CommonTicket;
use crate::systems::query::{Query, StateFilter};
use crate::systems::{Standing, surely_now};

/// How often a file that people save meanwhile is read again, before the new one goes beside it.
const SAVED_MEANWHILE: u32 = 3;

pub(super) async fn run(args: ExportArgs, global: &Global, output: &Output) -> Result<ExitCode> {
    if args.fields {
        return fields(*output);
    }
    let path = args.output.clone().unwrap_or_default();
    let format = table::format(&args, &path)?;
    let kinds = analyses::kinds(&args, format)?;
    let state = StateFolder::open(global.state.as_deref())?;
    table::check_places(&args, &path, &state)?;
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
    let ended = async {
        let names = open.make(|open| {
            query(&args, open)?;
            table::ask(&args, format, &kinds, open)
        });
        names.await?;
        export(
            &args,
            &path,
            (format, &kinds),
            &mut open,
            (global, &state),
            *output,
        )
        .await
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
    let plan = table::plan(args, format, open)?;
    let with_comments = args.include.contains(&Include::Comments);
    let order = Order {
        query: match args.incremental {
            true => everything(),
            false => query.clone(),
        },
        with_comments: plan
            .as_ref()
            .map_or(with_comments, |plan| plan.parts(with_comments).comments),
        is_lasting: args.incremental,
    };
    let placing = table::placing(args, path, format, plan.as_ref(), state, global.readers())?;
    let place = Place::of(state, open, &order, args.incremental)?;
    if args.desk.refresh {
        Replica::delete(place.path())?;
    }
    let replica = place.replica()?;
    if let Some(going_on) = place.going_on(&replica)? {
        output.say(&going_on);
    }
    let interrupts = Interrupts::listen(&global.force)?;
    let replica = Arc::new(Mutex::new(replica));
    let read = {
        let bar = Bar::new(output.show(), open.limiter.ceiling());
        let tell = |told: Told| bar.on(told);
        let reading = Reading::new(
            open.system(),
            &open.limiter,
            Arc::clone(&replica),
            &order,
            open.target.concurrency(),
            interrupts.stop(),
            &tell,
        );
        reading.run().await
    }?;
    let met = people::meet(
        open.system(),
        &open.limiter,
        &replica,
        open.directory(),
        order.with_comments,
    )
    .await?;
    open.know(met);
    let open = &*open;
    let read_in = started.elapsed();
    let replica = replica.lock().unwrap_or_else(PoisonError::into_inner);
    let selection = args.incremental.then_some(&query);
    let write_once = |placing: Placing| {
        let stop = interrupts.stop();
        let told = Analyses::of(kinds, args, &replica, &query, open, &stop)?;
        let records = placing.records.clone();
        let plan = table::plan(args, format, open)?;
        let sink = table::sink(args, (path, placing), format, plan, open, told, begun)?;
        let mut written = write(&replica, selection, words(args, open), open, sink, &stop)?;
        let notes = table::way_back(args, format, &written, open, &records, begun)?;
        written.notes.extend(notes);
        Ok::<_, Error>(written)
    };
    let written = tokio::task::block_in_place(|| {
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
    })?;
    drop(replica);
    place.done()?;
    let mut written = written;
    if let Some(folder) = &args.archive {
        let now = Timestamp::now().to_zoned(open.zone());
        let copies = archive(&written.files, folder, &now)?;
        written.notes.extend(
            copies
                .iter()
                .map(|copy| format!("a copy is {}", copy.display())),
        );
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
        if *stop.borrow() != Going::On {
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
        let span = period("--period", text, Timestamp::now(), &open.calendar())?;
        match args.by {
            By::Created => query.created = span,
            By::Updated => query.updated = span,
            By::Closed => query.closed = span,
        }
    }
    Ok(query)
}

/// All tickets, deleted ones too.
fn everything() -> Query {
    Query {
        states: Standing::ALL.map(StateFilter::Standing).to_vec(),
        ..Query::default()
    }
}

fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether it can be run as far as that can be told without asking the system.
pub(super) fn check(args: &ExportArgs, calendar: &Calendar) -> Result<()> {
    table::format(args, args.output.as_deref().unwrap_or(Path::new("")))?;
    if let Some(text) = &args.period {
        period("--period", text, Timestamp::now(), calendar)?;
    }
    Ok(())
}

fn fields(output: Output) -> Result<ExitCode> {
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
