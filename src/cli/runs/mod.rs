//! `deskferry runs`: what happened, read from the ledger, and what to do about it.

mod adopt;
mod candidates;
mod decisions;
mod ids;
mod list;
mod purge;
mod receipts;
mod report;
mod retry;
mod rollback;
mod settle;
pub(super) mod typed;

pub(super) use list::{standing, state};

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{Global, RunsCommand};
use super::output::Output;
use crate::config::StateFolder;
use crate::error::{Error, ExitCode, Result};
use crate::ledger::{EndFilter, Ledger, Run, RunInfo, StoredEnd, StoredRow, Tally};
use crate::report::words;

/// Rows read from the ledger at once.
const PAGE: u32 = 1000;

pub(super) async fn run(
    command: RunsCommand,
    global: &Global,
    output: &Output,
) -> Result<ExitCode> {
    let state = StateFolder::open(global.state.as_deref())?;
    let ledger = match command {
        // The import that a retry becomes checks it whole.
        RunsCommand::List
        | RunsCommand::Show { .. }
        | RunsCommand::Errors { .. }
        | RunsCommand::Receipts { .. }
        | RunsCommand::Report { .. }
        | RunsCommand::Ids { .. }
        | RunsCommand::Retry(_) => Ledger::open_to_read(&state.ledger())?,
        RunsCommand::Settle(_)
        | RunsCommand::Rollback(_)
        | RunsCommand::Adopt(_)
        | RunsCommand::Purge(_) => Ledger::open(&state.ledger())?,
    };
    match command {
        RunsCommand::List => list(&ledger, *output).await?,
        RunsCommand::Show { run } => show(&ledger, &named(&ledger, &run).await?, *output).await?,
        RunsCommand::Errors { run } => {
            errors(&ledger, &named(&ledger, &run).await?, *output).await?
        }
        RunsCommand::Receipts { run, output: path } => {
            let run = with_tickets(&ledger, &run, *output).await?;
            receipts::run(&ledger, &run, path.as_deref(), &state, global, *output).await?;
        }
        RunsCommand::Report { run, output: path } => {
            let run = with_tickets(&ledger, &run, *output).await?;
            report::run(&ledger, &run, path, &state, global, *output).await?;
        }
        RunsCommand::Ids { run, output: path } => {
            let run = with_tickets(&ledger, &run, *output).await?;
            let to = ids::To::new(path.as_deref(), &state, global.readers())?;
            ids::print(&ledger, &run, to, *output).await?
        }
        RunsCommand::Retry(args) => {
            let run = named(&ledger, &args.run).await?;
            return retry::run(args, ledger, run, &state, global, *output).await;
        }
        RunsCommand::Settle(args) => {
            let run = named(&ledger, &args.run).await?;
            return settle::run(args, &ledger, &run, &state, global, *output).await;
        }
        RunsCommand::Rollback(args) => {
            let run = with_tickets(&ledger, &args.run, *output).await?;
            return rollback::run(args, &ledger, &run, &state, global, *output).await;
        }
        RunsCommand::Adopt(args) => {
            return adopt::run(args, &ledger, &state, global, *output).await;
        }
        RunsCommand::Purge(args) => {
            let run = named(&ledger, &args.run).await?;
            return purge::run(args, &ledger, &run, &state, *output).await;
        }
    }
    Ok(ExitCode::Done)
}

/// The run that a code names. For what is done with its tickets `last` passes over later runs that made none.
async fn named(ledger: &Ledger, code: &str) -> Result<Run> {
    if code != "last" {
        return ledger.whole_run(code).await;
    }
    let last = ledger.whole_runs().await?.into_iter().next();
    last.ok_or_else(|| Error::usage("there is no run yet").hint("`deskferry import` makes one"))
}

/// As [`named`]; `last` is the last run that did something: the same command once more makes a run that has nothing to do.
pub(super) async fn with_tickets(ledger: &Ledger, code: &str, output: Output) -> Result<Run> {
    let named = named(ledger, code).await?;
    if code != "last" || !is_empty(&named) {
        return Ok(named);
    }
    let input = named.last().meta.input_print.clone();
    let same =
        |run: &Run| run.first().meta.input_print == input && run.last().scope == named.last().scope;
    let runs = ledger.whole_runs().await?;
    let Some(run) = runs.into_iter().find(|run| same(run) && !is_empty(run)) else {
        return Ok(named);
    };
    output.say(&format!(
        "  note       run {} had nothing to do: this is about run {}, the last over the same input that did something",
        named.code(),
        run.code()
    ));
    Ok(run)
}

/// Whether a run came through and had nothing to do: all its rows were done before.
fn is_empty(run: &Run) -> bool {
    let totals = run
        .last()
        .totals
        .as_ref()
        .filter(|_| run.attempts().len() == 1);
    let is_import = !run.last().meta.input_print.is_empty();
    let skipped = |totals: &Value| totals["records"] == totals["done_before"];
    is_import && totals.is_some_and(skipped)
}

async fn list(ledger: &Ledger, output: Output) -> Result<()> {
    let runs = ledger.whole_runs().await?;
    let tallies = ledger.tallies(&runs).await?;
    let runs: Vec<(Run, Tally)> = runs.into_iter().zip(tallies).collect();
    if output.is_json() {
        let runs: Vec<Value> = runs
            .iter()
            .map(|(run, tally)| run_json(run, tally))
            .collect();
        return output.data(&json!(runs).to_string());
    }
    if runs.is_empty() {
        output.say("  there is no run yet");
        return Ok(());
    }
    output.data(&list::table(&runs))
}

/// How many rows of a run ended how; none of zero. Those that are *incomplete* have a ticket and are counted with it too.
pub(super) fn counts(run: &Run, tally: &Tally) -> Vec<(&'static str, u64)> {
    let sum = |name: &str| -> u64 {
        (run.attempts().iter())
            .filter_map(|attempt| attempt.totals.as_ref()?[name].as_u64())
            .sum()
    };
    let operation = run.last().meta.operation;
    let done = match operation.makes() {
        true => tally.made + run.undone(),
        false => tally.of("created") + tally.of("incomplete"),
    };
    // What an earlier attempt made is done before for a later one: that says nothing of the run.
    let done_before = match run.attempts() {
        [_] => sum("done_before"),
        _ => 0,
    };
    let counts = [
        (operation.done(), done),
        ("updated", tally.of("updated")),
        ("adopted", sum("adopted")),
        ("known", tally.of("known")),
        ("changed", tally.of("changed")),
        ("done before", done_before),
        ("skipped", tally.of("skipped")),
        ("incomplete", tally.of("incomplete")),
        ("rejected", tally.of("rejected")),
        ("in doubt", tally.of("in_doubt")),
        ("not sent", tally.not_sent),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

fn totals_line(run: &Run, tally: &Tally) -> String {
    let counts = counts(run, tally);
    let done = run.last().meta.operation.done();
    // What the run is for is named even where nothing came of it.
    let none = (!counts.iter().any(|(what, _)| *what == done)).then_some((done, 0));
    let all = none.into_iter().chain(counts);
    let all: Vec<String> = all
        .map(|(what, count)| format!("{what} {}", words::count(count)))
        .collect();
    let mut text = all.join(", ");
    if run.attempts().len() > 1 {
        let _ = write!(text, "; {} attempts", run.attempts().len());
    }
    text
}

fn attempt_json(attempt: &RunInfo) -> Value {
    json!({
        "attempt": attempt.name(), "state": attempt.word(), "started": attempt.started, "ended": attempt.ended,
        "inputs": attempt.meta.inputs, "mapping": attempt.meta.mapping, "input_fingerprint": attempt.meta.input_print,
        "mapping_fingerprint": attempt.meta.mapping_print, "system_fingerprint": attempt.meta.system_print,
        "directory_fingerprint": attempt.meta.directory_print, "directory_pulled": attempt.meta.directory_pulled,
        "totals": attempt.totals, "undone": attempt.undone, "resume": attempt.meta.command,
    })
}

/// A run as its last attempt left it, with all attempts.
fn run_json(run: &Run, tally: &Tally) -> Value {
    let last = run.last();
    let mut object = attempt_json(last);
    let ends: serde_json::Map<String, Value> = (tally.ends.iter())
        .map(|(word, count)| (word.clone(), json!(count)))
        .collect();
    object["run"] = json!(run.code());
    object["system"] = json!(last.system);
    object["tenant"] = json!(last.tenant);
    object["scope"] = json!(last.scope);
    object["inputs"] = json!(run.first().meta.inputs);
    object["started"] = json!(run.first().started);
    object["undone"] = json!(run.undone());
    object["made"] = json!(tally.made);
    object["ends"] = Value::Object(ends);
    object["attempts"] = run.attempts().iter().map(attempt_json).collect();
    object
}

async fn show(ledger: &Ledger, run: &Run, output: Output) -> Result<()> {
    let tally = ledger.tally(run).await?;
    if output.is_json() {
        return output.data(&run_json(run, &tally).to_string());
    }
    let (first, last) = (run.first(), run.last());
    let moment = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let ended = match last.ended {
        Some(at) => moment(at),
        None if last.word() == "running" => "it is under way".to_owned(),
        None if last.word() == "purged" => "not known: it was purged".to_owned(),
        None => "it never came to its end".to_owned(),
    };
    let mut lines = vec![format!(
        "run        {}   {}",
        run.code(),
        standing(run, &tally)
    )];
    lines.extend(match last.word() {
        "purged" => vec![format!("scope      {}", last.scope)],
        _ => vec![
            format!("input      {}", first.meta.inputs.join(", ")),
            format!("mapping    {}   scope {}", last.meta.mapping, last.scope),
        ],
    });
    lines.extend([
        format!("system     {}   tenant {}", last.system, last.tenant),
        format!("started    {} (UTC)", moment(first.started)),
        format!("ended      {ended}"),
        format!("rows       {}", totals_line(run, &tally)),
    ]);
    if run.attempts().len() > 1 {
        lines.extend(run.attempts().iter().map(|attempt| {
            format!(
                "attempt    {}   {}   {}   {}",
                attempt.name(),
                moment(attempt.started),
                state(attempt),
                attempt.meta.inputs.join(", ")
            )
        }));
    }
    let is_open = ["rejected", "incomplete", "in_doubt"]
        .iter()
        .any(|word| tally.of(word) > 0);
    // What a purged run was started with is not known any more.
    let resume = list::resume(run);
    let can_go_on = !resume.is_empty();
    if can_go_on && (is_open || tally.not_sent > 0 || last.word() != "finished") {
        lines.push(format!("go on      {resume}"));
    }
    let next = list::next(run, &tally).filter(|next| next != resume);
    lines.extend(next.map(|next| format!("next       {next}")));
    output.lines(&lines.join("\n"))
}

/// Reads the last end of each row that a person should look at page by page into `each`.
async fn pages(
    ledger: &Ledger,
    run: &Run,
    each: impl FnMut(&StoredRow) -> Result<()>,
) -> Result<u64> {
    pages_of(ledger, run, EndFilter::Errors, each).await
}

/// The same of rows with other ends.
async fn pages_of(
    ledger: &Ledger,
    run: &Run,
    filter: EndFilter,
    mut each: impl FnMut(&StoredRow) -> Result<()>,
) -> Result<u64> {
    let (mut after, mut count) = (None, 0);
    loop {
        let (page, last) = ledger.row_ends(run, filter, after, PAGE).await?;
        if last.is_none() {
            return Ok(count);
        }
        after = last;
        for row in &page {
            each(row)?;
            count += 1;
        }
    }
}

async fn errors(ledger: &Ledger, run: &Run, output: Output) -> Result<()> {
    let print = |row: &StoredRow| match output.is_json() {
        true => output.data(&json!(row_json(row)).to_string()),
        false => output.lines(&row_text(row)),
    };
    let count = pages(ledger, run, print).await?;
    if count == 0 {
        output.say(&format!(
            "  run {} has no row that was refused or is in doubt",
            run.code()
        ));
    }
    Ok(())
}

fn row_json(row: &StoredRow) -> Value {
    json!({
        "file": &*row.place.file, "sheet": row.place.sheet.as_deref(), "row": row.place.row,
        "key": row.key.as_ref().map(|key| key.as_str()), "end": row.end,
    })
}

fn row_text(row: &StoredRow) -> String {
    let key = row
        .key
        .as_ref()
        .map_or_else(|| "no key".to_owned(), |key| format!("key {key}"));
    let mut text = format!("{} ({key})", row.place);
    let mut line = |line: String| {
        let _ = write!(text, "\n    {line}");
    };
    match &row.end {
        StoredEnd::Rejected { faults } | StoredEnd::Incomplete { faults, .. } => {
            if let Some(ticket) = row.end.ticket() {
                line(format!(
                    "its ticket is {}, a later step was refused",
                    ticket.number.as_deref().unwrap_or(&ticket.id)
                ));
            }
            for fault in faults {
                let field = fault
                    .field
                    .as_deref()
                    .map(|field| format!("{field}: "))
                    .unwrap_or_default();
                let hint = fault
                    .hint
                    .as_deref()
                    .map(|hint| format!("   hint: {hint}"))
                    .unwrap_or_default();
                line(format!("{field}{}{hint}", fault.message));
            }
        }
        StoredEnd::InDoubt { reason } => line(format!("in doubt: {reason}")),
        StoredEnd::Changed { run, from, .. } => {
            line(format!("changed since run {run} made it from {from}"))
        }
        StoredEnd::Skipped { reason } => line(format!("skipped: {reason}")),
        StoredEnd::Created { .. } | StoredEnd::Updated { .. } | StoredEnd::Known { .. } => {}
    }
    text
}
