//! `deskferry migrate`: the tickets of one desk go into another.
//!
//! The source is read into a replica as `export` does it, the chosen tickets become the records of a spool, and the spool
//! is imported by the flow of `import` itself. So what is said, kept and done about rows is the same here.

mod resume;
mod told;

use std::collections::{BTreeSet, HashSet};
use std::io::IsTerminal;
use std::path::Path;

use jiff::Timestamp;

use super::args::{Desk, Global, MigrateArgs};
use super::confirm::confirm;
use super::export::{DeskRead, everything, span_of};
use super::import::{self, Migration, Part, desk_files};
use super::interrupt::Interrupts;
use super::open::{Open, Purpose};
use super::output::Output;
use crate::config::StateFolder;
use crate::directory::{Kind, Needs};
use crate::error::{Error, ErrorKind, ExitCode, Result};
use crate::export::columns::ask_for_all;
use crate::export::filter::Filters;
use crate::export::reading::Order;
use crate::export::replica::{Parts, Replica, Selection};
use crate::ledger::Ledger;
use crate::mapping::{Mapping, Reach};
use crate::migrate::notes::{Ours, Says};
use crate::migrate::record::{ID, SOURCE};
use crate::migrate::reference::{Named, called};
use crate::migrate::sample::Sample;
use crate::migrate::spool::{self, Counts, Spool};
use crate::report::words;
use crate::run::{Shutdown, Stop};
use crate::systems::common::CommonTicket;
use crate::systems::query::Query;
use crate::systems::{Standing, SystemName};

pub(super) async fn run(args: MigrateArgs, global: &Global, output: &Output) -> Result<ExitCode> {
    check(&args, global)?;
    let state = StateFolder::open(global.state.as_deref())?;
    let spool = spool::path(state.path(), &args.from, &args.to, args.dry_run);
    let Some(source) = read(&args, &spool, &state, global, *output).await? else {
        return Ok(ExitCode::SomeRows);
    };
    desk_files::keep(state.path(), &source.tenant, &args.from)?;
    let is_whole = source.counts.is_whole();
    let migration = Migration {
        notes: args.note_source.then(|| spool.clone()),
        from: args.from.clone(),
        system: source.system,
        tenant: source.tenant,
        resume: resume::command(&args, global),
        parts: source.counts.parts,
    };
    let import = args.import(spool.clone());
    let part = Part::Migrated(Box::new(migration));
    let mut ended = import::run_part(import, part, global, output).await?;
    let may_note = matches!(ended, ExitCode::Done | ExitCode::SomeRows);
    if args.note_source && !args.dry_run && may_note {
        let noted = note(&args, &spool, global, output).await?;
        if noted != ExitCode::Done {
            ended = noted;
        }
    }
    Ok(match ended {
        // What the source did not show is in no ticket of the target.
        ExitCode::Done if !is_whole => ExitCode::SomeRows,
        other => other,
    })
}

/// Leaves notes on the old tickets: an import into the source, which was confirmed before anything was sent.
async fn note(
    args: &MigrateArgs,
    spool: &Path,
    global: &Global,
    output: &Output,
) -> Result<ExitCode> {
    output.say(&format!("\n  notes      on the tickets in {}", args.from));
    let import = args.import_notes(Says::Moved.paths(spool));
    // The one document on standard output is that of the migration.
    import::run_part(import, Part::Whole, global, &output.for_people()).await
}

/// Asks whether notes may be left in a live source.
fn confirm_notes(args: &MigrateArgs, counts: &Counts, open: &Open) -> Result<()> {
    let is_live = open.target.is_live(open.system());
    if !args.note_source || args.dry_run || !is_live {
        return Ok(());
    }
    let about = format!(
        "  about to leave a note on up to {} in the source `{}`: for the team only, with the number and link of the new ticket",
        words::plural(counts.tickets, "ticket", "tickets"),
        args.from
    );
    if args.confirm_source.is_none() && !std::io::stdin().is_terminal() {
        return Err(Error::usage(format!(
            "notes in the live source `{}` need a confirmation of their own",
            args.from
        ))
        .hint(format!(
            "nothing was sent; add --confirm-source {} where there is no terminal to ask on",
            args.from
        )));
    }
    confirm(&args.from, &about, args.confirm_source.as_deref())
}

/// What was read of the source.
struct Source {
    system: SystemName,
    tenant: String,
    counts: Counts,
}

/// Refuses what the file and the flags alone show to be wrong.
fn check(args: &MigrateArgs, global: &Global) -> Result<()> {
    if args.from == args.to {
        return Err(Error::usage(format!(
            "`{}` cannot be both source and target",
            args.from
        ))
        .hint("name the profile of another tenant with --to; the sandbox has `sandbox:incidentiq-2` and `sandbox:clearfeed-2`"));
    }
    let mapping = Mapping::load(&args.mapping, Reach::told(global.trust))?;
    if !mapping.operation().makes() {
        return Err(Error::usage(format!(
            "a migration makes tickets, but the mapping says operation = \"{}\"",
            mapping.operation()
        ))
        .at(mapping.name())
        .hint("write operation = \"upsert\": later passes then bring what has changed"));
    }
    let columns = mapping.key_columns();
    let lacks = |name: &str| !columns.iter().any(|column| column == name);
    if lacks(SOURCE) || lacks(ID) {
        return Err(Error::usage(
            "the mapping's `key` must name the source and the ticket: two tenants may use the same ids",
        )
        .at(mapping.name())
        .hint(format!("write key = [\"{SOURCE}\", \"{ID}\"]")));
    }
    Ok(())
}

/// Reads the source into the spool; `None`, which is said, where it may hold more than it showed.
async fn read(
    args: &MigrateArgs,
    spool: &Path,
    state: &StateFolder,
    global: &Global,
    output: Output,
) -> Result<Option<Source>> {
    let desk = Desk {
        target: args.at(&args.from),
        system: None,
        // A new name of somebody must show.
        refresh: true,
    };
    let mut open = Open::at(&desk, Purpose::Read, global, output).await?;
    let ended = read_open(args, spool, state, &mut open, global, output).await;
    open.close().await?;
    ended
}

async fn read_open(
    args: &MigrateArgs,
    spool: &Path,
    state: &StateFolder,
    open: &mut Open,
    global: &Global,
    output: Output,
) -> Result<Option<Source>> {
    let query = open
        .make(|open| {
            let directory = open.directory();
            ask_for_all(directory);
            // Comments are brought over with their authors.
            directory.ask(Needs::kind(Kind::User));
            query(args, open)
        })
        .await?;
    // All tickets: a later pass reads only what has changed since.
    let is_lasting = args.filters.is_empty() && args.period.is_none();
    let order = Order {
        query: match is_lasting {
            true => everything(),
            false => query.clone(),
        },
        with_comments: true,
        is_lasting,
    };
    let interrupts = Interrupts::listen(&global.force)?;
    let desk = DeskRead::new(
        (is_lasting, args.refresh),
        &order,
        open,
        state,
        &interrupts,
        output,
    )
    .await?;
    let tenant = open.system().account().tenant.clone();
    let mapping = Mapping::load(&args.mapping, Reach::told(global.trust))?;
    let comments = mapping.comments();
    let system = open.system().schema().system();
    let ledger = Ledger::open_to_read(&state.ledger())?;
    let ours = Ours::of(&ledger, (system, &tenant), mapping.scope()).await?;
    drop(ledger);
    let counts = {
        let replica = desk.replica();
        tokio::task::block_in_place(|| {
            let passes = spool::path(state.path(), &args.from, &args.to, false);
            let selection = Selection {
                query: Some(&query),
                parts: Parts::ALL,
                directory: open.directory(),
            };
            let stop = interrupts.stop();
            let named = named(&replica, selection, &stop)?;
            let mut spool = Spool::create(spool, &tenant, &passes)?;
            spool = spool.naming(named).without(ours);
            if comments.folds {
                spool.mark_older(comments.before, &passes)?;
            }
            let chosen = match args.sample {
                Some(most) => Some(sample(&replica, selection, most, &stop)?),
                None => None,
            };
            each(&replica, selection, &stop, &mut |ticket| {
                let is_chosen = |ids: &BTreeSet<String>| ids.contains(&ticket.id);
                match chosen.as_ref().is_none_or(is_chosen) {
                    true => spool.add(ticket),
                    false => Ok(()),
                }
            })?;
            // A list that may lack tickets takes nothing from the pass before.
            match desk.is_whole() {
                true => spool.finish().map(Some),
                false => Ok(None),
            }
        })?
    };
    let read = desk.done()?;
    let Some(counts) = counts else {
        told::not_whole(&read, output);
        return Ok(None);
    };
    told::read(&read, &counts, (&args.from, open), output);
    confirm_notes(args, &counts, open)?;
    Ok(Some(Source {
        system: open.system().schema().system(),
        tenant,
        counts,
    }))
}

/// The ids of a sample.
fn sample(
    replica: &Replica,
    selection: Selection<'_>,
    most: u64,
    stop: &Stop,
) -> Result<BTreeSet<String>> {
    let mut sample = Sample::default();
    each(replica, selection, stop, &mut |ticket| {
        if ticket.standing != Standing::Gone {
            sample.take(ticket);
        }
        Ok(())
    })?;
    Ok(sample.choose(usize::try_from(most).unwrap_or(usize::MAX)))
}

/// What the source calls those of its tickets, chosen or not, that descriptions of chosen ones name.
fn named(replica: &Replica, selection: Selection<'_>, stop: &Stop) -> Result<HashSet<String>> {
    let mut asked = Named::default();
    each(replica, selection, stop, &mut |ticket| {
        asked.take(ticket.description.as_deref().unwrap_or_default());
        Ok(())
    })?;
    let mut known = HashSet::new();
    if asked.is_empty() {
        return Ok(known);
    }
    let all = Selection {
        query: None,
        ..selection
    };
    each(replica, all, stop, &mut |ticket| {
        let (number, url) = (ticket.number.as_deref(), ticket.url.as_deref());
        let names = called(Some(&ticket.id), number, url);
        known.extend(names.into_iter().filter(|name| asked.has(name)));
        Ok(())
    })?;
    Ok(known)
}

/// Hands on the chosen tickets, until it is stopped.
fn each(
    replica: &Replica,
    selection: Selection<'_>,
    stop: &Stop,
    take: &mut dyn FnMut(&CommonTicket) -> Result<()>,
) -> Result<()> {
    replica.each(selection, &mut |ticket| {
        if *stop.borrow() != Shutdown::None {
            return Err(Error::new(ErrorKind::Interrupted, "stopped")
                .hint("what was read is kept: the same command goes on"));
        }
        take(&ticket)
    })?;
    Ok(())
}

/// The tickets that were chosen, by the ids of the directory.
fn query(args: &MigrateArgs, open: &Open) -> Result<Query> {
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
