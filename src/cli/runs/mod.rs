//! `deskferry runs`: what happened, read from the ledger, and what to do about it.

mod adopt;
mod candidates;
mod ids;
mod purge;
mod retry;
mod rollback;
mod settle;
mod typed;

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::args::{Global, RunsCommand};
use super::output::Output;
use crate::config::StateFolder;
use crate::error::{Error, ExitCode, Result};
use crate::ledger::{EndFilter, Ledger, RunInfo, StoredEnd, StoredRow};
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
        | RunsCommand::Ids { .. }
        | RunsCommand::Retry(_) => Ledger::open_to_read(&state.ledger())?,
        RunsCommand::Settle(_)
        | RunsCommand::Rollback(_)
        | RunsCommand::Adopt(_)
        | RunsCommand::Purge(_) => Ledger::open(&state.ledger())?,
    };
    match command {
        RunsCommand::List => list(&ledger, *output).await?,
        RunsCommand::Show { run } => show(&named(&ledger, &run).await?, *output)?,
        RunsCommand::Errors { run } => {
            errors(&ledger, &named(&ledger, &run).await?, *output).await?
        }
        RunsCommand::Ids { run, output: path } => {
            let run = named(&ledger, &run).await?;
            let to = ids::To::new(path.as_deref(), &state, global.readers())?;
            ids::print(&ledger, &run, to, *output).await?
        }
        RunsCommand::Retry(args) => {
            let run = named(&ledger, &args.run).await?;
            return retry::run(args, ledger, run, global, *output).await;
        }
        RunsCommand::Settle(args) => {
            let run = named(&ledger, &args.run).await?;
            return settle::run(args, &ledger, &run, &state, global, *output).await;
        }
        RunsCommand::Rollback(args) => {
            let run = named(&ledger, &args.run).await?;
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

async fn named(ledger: &Ledger, code: &str) -> Result<RunInfo> {
    if code != "last" {
        return ledger.run(code).await;
    }
    let last = ledger.runs().await?.into_iter().next();
    last.ok_or_else(|| Error::usage("there is no run yet").hint("`deskferry import` makes one"))
}

async fn list(ledger: &Ledger, output: Output) -> Result<()> {
    let runs = ledger.runs().await?;
    if output.is_json() {
        return output.data(&json!(runs.iter().map(run_json).collect::<Vec<_>>()).to_string());
    }
    if runs.is_empty() {
        output.say("  there is no run yet");
        return Ok(());
    }
    let line = |run: &RunInfo| {
        format!(
            "{:<5} {}  {:<11} {:<10} {:<44} {}",
            run.code,
            run.started.strftime("%Y-%m-%d %H:%M"),
            run.state.as_str(),
            run.system,
            totals_line(run),
            run.meta.inputs.join(", ")
        )
    };
    output.data(&runs.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn totals_line(run: &RunInfo) -> String {
    let Some(totals) = &run.totals else {
        return "no totals: it never came to its end".to_owned();
    };
    let count = |name: &str| totals[name].as_u64().unwrap_or(0);
    let mut text = format!(
        "{} {}",
        run.meta.operation.done(),
        words::count(count("created") + count("incomplete"))
    );
    for (name, what) in [
        ("updated", "updated"),
        ("adopted", "adopted"),
        ("skipped", "skipped"),
        ("rejected", "rejected"),
        ("in_doubt", "in doubt"),
        ("not_sent", "not sent"),
    ] {
        if count(name) > 0 {
            let _ = write!(text, ", {what} {}", words::count(count(name)));
        }
    }
    if run.undone > 0 {
        let _ = write!(text, ", taken back {}", words::count(run.undone));
    }
    text
}

fn run_json(run: &RunInfo) -> Value {
    json!({
        "run": run.code, "state": run.state, "system": run.system, "tenant": run.tenant, "scope": run.scope,
        "started": run.started, "ended": run.ended, "inputs": run.meta.inputs, "mapping": run.meta.mapping,
        "input_fingerprint": run.meta.input_print, "mapping_fingerprint": run.meta.mapping_print,
        "system_fingerprint": run.meta.system_print, "directory_fingerprint": run.meta.directory_print, "directory_pulled": run.meta.directory_pulled,
        "totals": run.totals, "undone": run.undone, "resume": run.meta.command,
    })
}

fn show(run: &RunInfo, output: Output) -> Result<()> {
    if output.is_json() {
        return output.data(&run_json(run).to_string());
    }
    let ended = run.ended.map_or_else(
        || "it never came to its end".to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    );
    let lines = [
        format!("run        {}   {}", run.code, run.state.as_str()),
        format!("input      {}", run.meta.inputs.join(", ")),
        format!("mapping    {}   scope {}", run.meta.mapping, run.scope),
        format!("system     {}   tenant {}", run.system, run.tenant),
        format!(
            "started    {} (UTC)",
            run.started.strftime("%Y-%m-%d %H:%M:%S")
        ),
        format!("ended      {ended}"),
        format!("rows       {}", totals_line(run)),
        format!("go on      {}", run.meta.command),
    ];
    output.data(&lines.join("\n"))
}

/// Reads all kept ends page by page into `each`.
async fn pages(
    ledger: &Ledger,
    code: &str,
    mut each: impl FnMut(&StoredRow) -> Result<()>,
) -> Result<u64> {
    let (mut after, mut count) = (None, 0);
    loop {
        let page = ledger
            .row_ends(code, EndFilter::Errors, after, PAGE)
            .await?;
        let Some(last) = page.last() else {
            return Ok(count);
        };
        after = Some(last.ordinal);
        for row in &page {
            each(row)?;
            count += 1;
        }
    }
}

async fn errors(ledger: &Ledger, run: &RunInfo, output: Output) -> Result<()> {
    let print = |row: &StoredRow| {
        output.data(&if output.is_json() {
            json!(row_json(row)).to_string()
        } else {
            row_text(row)
        })
    };
    let count = pages(ledger, &run.code, print).await?;
    if count == 0 {
        output.say(&format!(
            "  run {} has no row that was refused or is in doubt",
            run.code
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
                    "created as {}, a later step was refused",
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
        StoredEnd::Created { .. } | StoredEnd::Updated { .. } => {}
    }
    text
}
