//! `deskferry ticket search`: what was typed becomes a query by ids, and its hits a table or JSON lines.

use std::ops::ControlFlow;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::{Open, Purpose, card};
use crate::cli::args::{Global, SearchArgs};
use crate::cli::output::Output;
use crate::directory::suggest::{did_you_mean, nearest};
use crate::directory::{Directory, Found, Kind};
use crate::error::{Error, ExitCode, Result};
use crate::report::words;
use crate::systems::common::{CommonTicket, Named};
use crate::systems::fields::{FieldType, called};
use crate::systems::query::{Query, SearchEnd, Span, StateFilter};
use crate::systems::{Operation, Schema, Standing};

pub(super) async fn run(args: SearchArgs, global: &Global, output: Output) -> Result<ExitCode> {
    let open = Open::at(&args.desk, Purpose::Read, global, output).await?;
    let ended = search(&args, &open, output).await;
    open.close().await?;
    ended.map(|()| ExitCode::Done)
}

async fn search(args: &SearchArgs, open: &Open, output: Output) -> Result<()> {
    let query = query(args, open.system().schema(), &open.directory, &open.zone())?;
    let mut hits: Vec<CommonTicket> = Vec::new();
    let (mut found, mut failed) = (0, Ok(()));
    let mut take = |page: Vec<CommonTicket>| {
        for mut ticket in page {
            if found == args.limit {
                return ControlFlow::Break(());
            }
            found += 1;
            ticket.fill_names(&open.directory);
            if !output.is_json() {
                hits.push(ticket);
                continue;
            }
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
    if !hits.is_empty() {
        output.data(card::table(&hits, &open.zone()).trim_end())?;
    }
    output.say(&summary(found, args.limit, end));
    Ok(())
}

fn summary(found: u64, limit: u64, end: SearchEnd) -> String {
    let mut text = format!("  found      {}", words::plural(found, "ticket", "tickets"));
    if end.looked_at > found {
        text.push_str(&format!(
            " among {} that the system showed",
            words::count(end.looked_at)
        ));
    }
    if !end.whole {
        text.push_str(match found == limit {
            true => "; there may be more: --limit N shows them",
            false => "; the system did not show all, there may be more",
        });
    }
    text
}

/// What was typed, by the ids of the directory.
fn query(
    args: &SearchArgs,
    schema: &dyn Schema,
    directory: &Directory,
    zone: &TimeZone,
) -> Result<Query> {
    let named = |kind, flag, text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| resolve(directory, kind, flag, text))
            .transpose()
    };
    let span = |flag, text: &Option<String>| match text {
        Some(text) => span(flag, text, zone),
        None => Ok(Span::default()),
    };
    let text = args.text.as_deref().unwrap_or_default();
    let states = args.status.iter();
    Ok(Query {
        states: states
            .map(|word| state(word, schema, directory))
            .collect::<Result<_>>()?,
        assignee: named(Kind::User, "--assignee", &args.assignee)?,
        team: named(Kind::Team, "--team", &args.team)?,
        requester: named(Kind::User, "--requester", &args.requester)?,
        place: named(Kind::Location, "--place", &args.place)?,
        created: span("--created", &args.created)?,
        updated: span("--updated", &args.updated)?,
        words: text.split_whitespace().map(str::to_owned).collect(),
    })
}

/// A person, team or place of the directory. A person whom the system does not list is told by the e-mail address.
fn resolve(directory: &Directory, kind: Kind, flag: &str, text: &str) -> Result<Named> {
    let wrong = |message: String| Error::usage(message).at(flag);
    match directory.find(kind, text, &[], None) {
        Found::One(entry) => Ok(Named::entry(entry)),
        Found::Missing(_) if kind == Kind::User && text.contains('@') => Ok(Named {
            email: Some(text.trim().to_owned()),
            ..Named::default()
        }),
        Found::Missing(near) => {
            let mut error = wrong(format!("no {kind} `{text}`"));
            if let Err(why) = directory.can_resolve(kind) {
                error = error.hint(why);
            }
            if let Some(near) = did_you_mean(&near) {
                error = error.hint(near);
            }
            Err(error.hint(format!("deskferry directory show {kind} lists them")))
        }
        Found::Ambiguous(entries) => {
            let ids: Vec<_> = entries
                .iter()
                .take(5)
                .map(|entry| format!("{} (id {})", Named::entry(entry).label(), entry.id))
                .collect();
            Err(wrong(format!(
                "{} entries of `{kind}` are called `{text}`",
                entries.len()
            ))
            .hint(format!("it could be {}: give an id", ids.join(", "))))
        }
    }
}

/// How tickets stand, or a state of the system by name.
fn state(word: &str, schema: &dyn Schema, directory: &Directory) -> Result<StateFilter> {
    let standing = Standing::ALL.into_iter();
    for standing in standing {
        if word.eq_ignore_ascii_case(standing.as_str()) {
            return Ok(StateFilter::Standing(standing));
        }
    }
    let fields = schema.fields(Operation::SetStatus).ok();
    let field = fields.and_then(|table| {
        let mut fields = table.fields.iter();
        fields.find(|field| field.called == called::STATUS)
    });
    let own = match field.map(|field| &field.kind) {
        Some(FieldType::Choice(words)) => words.to_vec(),
        _ => {
            let listed = directory.snapshot().kinds.get(&Kind::Status);
            let entries = listed.iter().flat_map(|listing| &listing.entries);
            // One name may stand in several workflows: any of them is meant.
            entries.map(|entry| entry.name.as_str()).collect()
        }
    };
    let plain = |name: &str| name.replace(['_', '-'], " ").to_lowercase();
    let Some(name) = own.iter().find(|name| plain(name) == plain(word)) else {
        let mut names = own;
        names.dedup();
        names.extend(Standing::ALL.map(Standing::as_str));
        let mut error = Error::usage(format!("no status `{word}`")).at("--status");
        if let Some(near) = did_you_mean(&nearest(word, names.iter().copied())) {
            error = error.hint(near);
        }
        return Err(error.hint(format!("one of {}", names.join(", "))));
    };
    let is_word = matches!(field.map(|field| &field.kind), Some(FieldType::Choice(_)));
    Ok(StateFilter::Named(Named {
        id: is_word.then(|| (*name).to_owned()),
        name: Some((*name).to_owned()),
        email: None,
    }))
}

/// A span of days in a zone, both ends included, or of the days until now.
fn span(flag: &str, text: &str, zone: &TimeZone) -> Result<Span> {
    let wrong = || {
        Error::usage(format!("`{text}` is no span of days"))
            .at(flag)
            .hint("write 2024-06-01..2024-06-30, 2024-06-01.., ..2024-06-30, 2024-06-01, or 7d for the last seven days")
    };
    let start = |day: Date| day.to_zoned(zone.clone()).map(|day| day.timestamp());
    let first = |text: &str| -> Result<Option<Timestamp>> {
        match text.trim() {
            "" => Ok(None),
            text => {
                let day: Date = text.parse().map_err(|_| wrong())?;
                start(day).map(Some).map_err(|_| wrong())
            }
        }
    };
    let last = |text: &str| -> Result<Option<Timestamp>> {
        match text.trim() {
            "" => Ok(None),
            text => {
                let day: Date = text.parse().map_err(|_| wrong())?;
                let next = day.checked_add(1.day()).map_err(|_| wrong())?;
                start(next).map(Some).map_err(|_| wrong())
            }
        }
    };
    if let Some(days) = text.strip_suffix('d') {
        let days: u32 = days.trim().parse().map_err(|_| wrong())?;
        let back = SignedDuration::from_hours(24 * i64::from(days));
        let from = Timestamp::now().checked_sub(back).map_err(|_| wrong())?;
        return Ok(Span {
            from: Some(from),
            until: None,
        });
    }
    let (from, until) = text.split_once("..").unwrap_or((text, text));
    let span = Span {
        from: first(from)?,
        until: last(until)?,
    };
    let is_backwards =
        matches!((span.from, span.until), (Some(from), Some(until)) if from >= until);
    match span.is_open() || is_backwards {
        true => Err(wrong()),
        false => Ok(span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_includes_its_last_day() {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let shown = |text: &str| {
            let span = span("--created", text, &zone).unwrap();
            let text = |at: Option<Timestamp>| at.map_or("-".to_owned(), |at| at.to_string());
            format!("{} {}", text(span.from), text(span.until))
        };
        assert_eq!(
            shown("2024-06-01"),
            "2024-06-01T05:00:00Z 2024-06-02T05:00:00Z"
        );
        assert_eq!(
            shown("2024-02-28..2024-02-29"),
            "2024-02-28T06:00:00Z 2024-03-01T06:00:00Z"
        );
        assert_eq!(shown("..2024-06-01"), "- 2024-06-02T05:00:00Z");
        assert_eq!(shown("2024-06-01.."), "2024-06-01T05:00:00Z -");
        for wrong in [
            "..",
            "yesterday",
            "2024-06-02..2024-06-01",
            "xd",
            "2024-6-1",
        ] {
            let error = span("--created", wrong, &zone).unwrap_err();
            assert!(!error.hints().is_empty(), "{wrong}");
        }
    }
}
