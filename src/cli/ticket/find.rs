//! `deskferry ticket search`: what was typed becomes a query by ids, and its hits a table or JSON lines.

use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};

use super::card;
use crate::cli::args::{By, Global, SearchArgs};
use crate::cli::export;
use crate::cli::open::{Open, Purpose};
use crate::cli::output::Output;
use crate::directory::Directory;
use crate::error::{ExitCode, Result};
use crate::export::columns::ask_for_all;
use crate::export::filter::Filters;
use crate::export::period::{Calendar, period};
use crate::report::words;
use crate::systems::Schema;
use crate::systems::common::CommonTicket;
use crate::systems::query::{Query, SearchEnd, Span};

/// So many tickets are held until it shows which names they need.
const HELD: u64 = 1_000;

pub(super) async fn run(args: SearchArgs, global: &Global, output: Output) -> Result<ExitCode> {
    if args.fields {
        return export::fields(output);
    }
    let mut open = Open::at(&args.desk, Purpose::Read, global, output).await?;
    let ended = search(&args, &mut open, output).await;
    open.close().await?;
    ended
}

async fn search(args: &SearchArgs, open: &mut Open, output: Output) -> Result<ExitCode> {
    let query = open.make(|open| {
        let schema = open.system().schema();
        query(args, schema, open.directory(), &open.calendar())
    });
    let query = query.await?;
    // More than are held are printed as they come, so that the names must be there before.
    let is_stream = output.is_json() && args.limit > HELD;
    if is_stream {
        let all = open.make(|open| {
            ask_for_all(open.directory());
            Ok(())
        });
        all.await?;
    }
    let mut hits: Vec<CommonTicket> = Vec::new();
    let (mut found, mut failed) = (0, Ok(()));
    let mut take = |page: Vec<CommonTicket>| {
        for mut ticket in page {
            if found == args.limit {
                return ControlFlow::Break(());
            }
            found += 1;
            if !is_stream {
                hits.push(ticket);
                continue;
            }
            ticket.fill_names(open.directory());
            failed = output.data(&serde_json::json!(ticket).to_string());
            if failed.is_err() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    };
    let end = open
        .system()
        .search(&query, &open.limiter, &mut take)
        .await?;
    failed?;
    let named = open.make(|open| {
        let mut hits = hits.clone();
        hits.iter_mut()
            .for_each(|ticket| ticket.fill_names(open.directory()));
        Ok(hits)
    });
    let hits = named.await?;
    if output.is_json() {
        for ticket in &hits {
            output.data(&serde_json::json!(ticket).to_string())?;
        }
    } else if !hits.is_empty() {
        output.data(card::table(&hits, &open.zone()).trim_end())?;
    }
    output.say(&summary(found, args.limit, end));
    Ok(match end.gap {
        Some(_) => ExitCode::SomeRows,
        None => ExitCode::Done,
    })
}

fn summary(found: u64, limit: u64, end: SearchEnd) -> String {
    let mut text = format!("  found      {}", words::plural(found, "ticket", "tickets"));
    if end.looked_at > found {
        text.push_str(&format!(
            " among {} that the system showed",
            words::count(end.looked_at)
        ));
    }
    match end.gap {
        Some(gap) => text.push_str(&format!("; there may be more: {gap}")),
        None if end.whole => {}
        None if found == limit => text.push_str("; there may be more: --limit N shows them"),
        None => text.push_str("; the system did not show all, there may be more"),
    }
    text
}

/// What was typed, by the ids of the directory.
fn query(
    args: &SearchArgs,
    schema: &dyn Schema,
    directory: &Directory,
    calendar: &Calendar,
) -> Result<Query> {
    let mut filters = Filters::new(schema, directory);
    let statuses = args
        .status
        .iter()
        .map(|status| ("state", "--status", status));
    let named = [
        ("assignee", "--assignee", &args.assignee),
        ("team", "--team", &args.team),
        ("requester", "--requester", &args.requester),
        ("place", "--place", &args.place),
    ];
    let named = named
        .into_iter()
        .filter_map(|(field, flag, value)| Some((field, flag, value.as_ref()?)));
    for (field, flag, value) in statuses.chain(named) {
        filters.one(field, value, flag)?;
    }
    let span = |flag, text: &Option<String>| match text {
        Some(text) => span(flag, text, calendar),
        None => Ok(Span::default()),
    };
    for typed in &args.filters {
        filters.take(typed)?;
    }
    let text = args.search.as_deref().unwrap_or_default();
    let mut query = Query {
        updated: span("--updated", &args.updated)?,
        words: text.split_whitespace().map(str::to_owned).collect(),
        ..filters.into_query()
    };
    if args.period.is_some() {
        let of_period = span("--period", &args.period)?;
        match args.by {
            By::Created => query.created = of_period,
            By::Updated => query.updated = of_period,
            By::Closed => query.closed = of_period,
        }
    }
    Ok(query)
}

/// A span of whole days, by a word or by dates, or of the days until now: with `7d` a search looks at what is going on,
/// while a report keeps to whole days.
fn span(flag: &str, text: &str, calendar: &Calendar) -> Result<Span> {
    let days = text
        .strip_suffix('d')
        .map(|days| days.trim().parse::<u32>());
    let Some(Ok(days)) = days else {
        return period(flag, text, Timestamp::now(), calendar);
    };
    let back = SignedDuration::from_hours(24 * i64::from(days));
    Ok(Span {
        from: Timestamp::now().checked_sub(back).ok(),
        until: None,
    })
}
