//! `deskferry runs retry`: what failed in a run once more, without the file being given again.

use super::super::args::{Global, RetryArgs};
use super::super::import::{self, Only};
use super::super::output::Output;
use super::pages;
use super::typed::Typed;
use crate::error::{Error, ExitCode, Result};
use crate::ledger::{Ledger, Run, RunInfo, StoredEnd};
use crate::report::words;
use crate::source::{self, Input};

pub(super) async fn run(
    args: RetryArgs,
    ledger: Ledger,
    run: Run,
    global: &Global,
    output: Output,
) -> Result<ExitCode> {
    let only = failed(&ledger, &run).await?;
    if only.len() == 0 {
        output.say(&format!("  run {} has no row that failed", run.code()));
        if output.is_json() {
            output.data(&serde_json::json!({"run": run.code(), "failed": 0}).to_string())?;
        }
        return Ok(ExitCode::Done);
    }
    // What the whole input was started with; a later attempt may have been over an error file.
    let mut typed = Typed::of(run.first(), global)?;
    check(&typed, run.first(), output)?;
    output.say(&format!(
        "  retry      {} of run {} that failed",
        words::plural(only.len() as u64, "row", "rows"),
        run.code()
    ));
    typed.args.dry_run = args.dry_run;
    typed.args.confirm = args.confirm;
    drop(ledger);
    import::run_only(typed.args, Some(only), &typed.global, &output).await
}

/// The rows that were refused, are incomplete, or are in doubt.
async fn failed(ledger: &Ledger, run: &Run) -> Result<Only> {
    let mut only = Only::of_run(run.first().clone());
    pages(ledger, run, |row| {
        if !matches!(row.end, StoredEnd::Changed { .. }) {
            only.add(row.key.clone(), row.place.clone());
        }
        Ok(())
    })
    .await?;
    Ok(only)
}

/// Says what is no longer as the run found it.
fn check(typed: &Typed, run: &RunInfo, output: Output) -> Result<()> {
    if typed
        .args
        .inputs
        .iter()
        .any(|path| source::comes_once(path))
    {
        return Err(Error::usage(format!(
            "run `{}` read its rows from standard input or a pipe, which is gone",
            run.code
        ))
        .hint(format!(
            "give them again; what is done is not sent again: {}",
            run.meta.command
        )));
    }
    for path in &typed.args.inputs {
        if !path.exists() {
            return Err(Error::input("the file that the run read is not there any more")
                .at(path.display())
                .hint("put it back, or give it from where it is to `deskferry import`: what is done is not sent again")
                .hint("the rows with their faults: `deskferry runs errors`; the error file of the run holds them too"));
        }
    }
    let mapping = typed.mapping()?;
    if mapping.scope() != run.scope {
        return Err(Error::usage(format!(
            "run `{}` went under the scope `{}`, but the mapping says `{}` now",
            run.code,
            run.scope,
            mapping.scope()
        ))
        .at(mapping.name())
        .hint(format!(
            "write scope = \"{}\" in the mapping to go on there: under another scope nobody knows what of these rows was made",
            run.scope
        )));
    }
    if mapping.fingerprint() != run.meta.mapping_print {
        output.say(&format!(
            "  note       `{}` has changed since run {}: it counts as it is now",
            run.meta.mapping, run.code
        ));
    }
    let input =
        tokio::task::block_in_place(|| Input::open(&typed.args.inputs, mapping.input_options()));
    if input.is_ok_and(|input| input.fingerprint() != run.meta.input_print) {
        output.say(&format!(
            "  note       {} has changed since run {}: its rows count as they are now",
            run.meta.inputs.join(", "),
            run.code
        ));
    }
    Ok(())
}
