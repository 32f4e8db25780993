//! `deskferry runs retry`: what failed in a run once more, without the file being given again.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::super::args::{Global, RetryArgs};
use super::super::confirm::yes_or_no;
use super::super::import::{self, Only, Part};
use super::super::output::Output;
use super::typed::{Typed, shorter};
use super::{pages, pages_of};
use crate::config::StateFolder;
use crate::error::{Error, ExitCode, Result};
use crate::ledger::{EndFilter, Ledger, Run, RunInfo, StoredEnd};
use crate::outfile::{Records, is_same_file};
use crate::report::error_file::base_of;
use crate::report::words;
use crate::source::{self, Input};

pub(super) async fn run(
    args: RetryArgs,
    ledger: Ledger,
    run: Run,
    state: &StateFolder,
    global: &Global,
    output: Output,
) -> Result<ExitCode> {
    if args.fallbacks {
        return fallen(args, ledger, &run, global, output).await;
    }
    if let Some(file) = corrected(&args, &run, state, output)? {
        return with_file(file, args, ledger, &run, global, output).await;
    }
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
    import::run_part(
        typed.args,
        Part::Failed(Box::new(only)),
        &typed.global,
        &output,
    )
    .await
}

/// The corrected error file that is to be imported: the one that is named, or one of the run that somebody has changed since
/// it was written, after asking.
fn corrected(
    args: &RetryArgs,
    run: &Run,
    state: &StateFolder,
    output: Output,
) -> Result<Option<PathBuf>> {
    if args.file.is_some() {
        return Ok(args.file.clone());
    }
    let names: Vec<(PathBuf, String)> = (run.attempts().iter())
        .flat_map(|attempt| {
            let folder = Path::new(&attempt.meta.folder);
            (attempt.meta.inputs.iter()).map(move |input| (folder.to_owned(), base_of(input)))
        })
        .collect();
    let is_its = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        (names.iter()).any(|(folder, base)| {
            path.parent().is_some_and(|it| is_same_file(it, folder))
                && name.starts_with(base.as_str())
        })
    };
    let Some(file) = Records::of(state.path()).changed(is_its).into_iter().next() else {
        return Ok(None);
    };
    let file = shorter(file);
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        let question = format!(
            "{} was changed since run {} wrote it: import it? [y/N] ",
            file.display(),
            run.code()
        );
        return Ok(yes_or_no(&question)?.then_some(file));
    }
    output.say(&format!(
        "  note       {name} was changed since the run wrote it, and is not read: to import it, deskferry runs retry {} {}",
        run.code(),
        words::shell_word(&file.display().to_string()),
        name = file.display()
    ));
    Ok(None)
}

/// Sets what fell back in a run, where it resolves by now.
async fn fallen(
    args: RetryArgs,
    ledger: Ledger,
    run: &Run,
    global: &Global,
    output: Output,
) -> Result<ExitCode> {
    let mut only = Only::of_run(run.first().clone());
    let mut fields = BTreeSet::new();
    pages_of(&ledger, run, EndFilter::All, |row| {
        if !row.end.fallbacks().is_empty() {
            fields.extend(row.end.fallbacks().iter().cloned());
            only.add(row.key.clone(), row.place.clone());
        }
        Ok(())
    })
    .await?;
    if only.len() == 0 {
        output.say(&format!(
            "  run {} has no row in which a field fell back to something else",
            run.code()
        ));
        if output.is_json() {
            output.data(&serde_json::json!({"run": run.code(), "fell_back": 0}).to_string())?;
        }
        return Ok(ExitCode::Done);
    }
    let mut typed = Typed::of(run.first(), global)?;
    check(&typed, run.first(), output)?;
    output.say(&format!(
        "  retry      {} of run {} in which a field fell back",
        words::plural(only.len() as u64, "row", "rows"),
        run.code()
    ));
    (typed.args.rows, typed.args.limit) = (None, None);
    typed.args.dry_run = args.dry_run;
    typed.args.confirm = args.confirm;
    drop(ledger);
    let part = Part::Fallbacks(Box::new(only), fields);
    import::run_part(typed.args, part, &typed.global, &output).await
}

/// Imports a corrected error file as an attempt at the run.
async fn with_file(
    file: PathBuf,
    args: RetryArgs,
    ledger: Ledger,
    run: &Run,
    global: &Global,
    output: Output,
) -> Result<ExitCode> {
    let first = run.first();
    let mut typed = Typed::of(first, global)?;
    same_scope(&typed, first, output)?;
    typed.args.inputs = vec![file];
    // They were said of the rows of the first file.
    (typed.args.rows, typed.args.limit) = (None, None);
    typed.args.dry_run = args.dry_run;
    typed.args.confirm = args.confirm;
    drop(ledger);
    let part = Part::Corrected(first.code.clone(), PathBuf::from(&first.meta.folder));
    import::run_part(typed.args, part, &typed.global, &output).await
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
    same_scope(typed, run, output)?;
    let mapping = typed.mapping()?;
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

/// Refuses a mapping whose scope is another one by now, and says when it has changed otherwise.
fn same_scope(typed: &Typed, run: &RunInfo, output: Output) -> Result<()> {
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
    Ok(())
}
