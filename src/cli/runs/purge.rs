//! `deskferry runs purge`: a client's data leaves the state folder.

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::args::{Keep, PurgeArgs};
use super::super::export::place;
use super::super::output::{Output, stderr_text};
use super::typed;
use crate::config::StateFolder;
use crate::directory::cache;
use crate::error::{Error, ExitCode, Result};
use crate::ledger::{Ledger, Purged, Run, backups};
use crate::migrate::rewriting::kept;
use crate::migrate::spool;
use crate::report::words;
use crate::systems::SystemName;

pub(super) async fn run(
    args: PurgeArgs,
    ledger: &Ledger,
    run: &Run,
    state: &StateFolder,
    output: Output,
) -> Result<ExitCode> {
    let keep_ids = args.keep == Some(Keep::Ids);
    if !keep_ids {
        confirm(run, args.confirm.as_deref())?;
    }
    let locks = typed::lock(run.last(), None, ledger)?;
    let mut purged = Purged::default();
    // The last first: what a later attempt wrote is of rows that an earlier one made.
    for code in run.codes().iter().rev() {
        purged.add(ledger.purge(&locks, code, keep_ids).await?);
    }
    let mut removed: Vec<String> = Vec::new();
    if purged.last_of_tenant
        && let Some(system) = SystemName::parse(&run.last().system)
        && let Some(path) = cache::forget(state.path(), system, &run.last().tenant)?
    {
        removed.push(path.display().to_string());
    }
    let copies = backups(&state.ledger())?;
    for copy in &copies {
        std::fs::remove_file(copy).map_err(|error| {
            Error::machine("cannot delete the copy of the ledger")
                .at(copy.display())
                .caused_by(error)
        })?;
        removed.push(copy.display().to_string());
    }
    let (of_migration, held) = forget_migration(ledger, run, state, keep_ids).await?;
    removed.extend(of_migration);
    let mut lines = vec![match keep_ids {
        true => format!(
            "  purged     run {}: {} of rows, all texts and names; {} with the id of their ticket stay, so that nothing is sent twice",
            run.code(),
            words::plural(purged.rows, "end", "ends"),
            words::plural(purged.kept, "key", "keys")
        ),
        false => format!(
            "  purged     run {}: {} of rows and {}; the tickets stand, and an import would no longer know them",
            run.code(),
            words::plural(purged.rows, "end", "ends"),
            words::plural(purged.keys, "key", "keys")
        ),
    }];
    if !keep_ids && purged.kept > 0 {
        lines.push(format!(
            "  kept       {} whose tickets another run made, without any text",
            words::plural(purged.kept, "key", "keys")
        ));
    }
    lines.extend(removed.iter().map(|path| format!("  deleted    {path}")));
    lines.extend(held.iter().map(|path| {
        format!(
            "  kept       {}: another command reads it, purge the run again when that has ended",
            path.display()
        )
    }));
    lines.push(
        "  error files, reports and snapshots lie where you wrote them: delete them yourself"
            .to_owned(),
    );
    output.say(&lines.join("\n"));
    if output.is_json() {
        let document = json!({
            "run": run.code(), "rows": purged.rows, "keys_forgotten": purged.keys, "keys_kept": purged.kept, "deleted": removed,
        });
        output.data(&document.to_string())?;
    }
    Ok(ExitCode::Done)
}

/// Deletes what a migration keeps of the texts of its source. Which tickets were closed and what they are called now stays as
/// long as a row of the scope does: a comment in doubt is looked for by it.
async fn forget_migration(
    ledger: &Ledger,
    run: &Run,
    state: &StateFolder,
    keep_ids: bool,
) -> Result<(Vec<String>, Vec<PathBuf>)> {
    let last = run.last();
    let scope = ledger
        .scope(&last.system, &last.tenant, &last.scope)
        .await?;
    let is_over = !keep_ids && scope.is_empty().await?;
    let inputs = (run.attempts().iter()).flat_map(|attempt| {
        let folder = Path::new(&attempt.meta.folder);
        (attempt.meta.inputs.iter()).map(move |input| folder.join(input))
    });
    let (mut files, mut tenants) = (BTreeSet::new(), BTreeSet::new());
    for input in inputs {
        let left = spool::left(state.path(), &input);
        files.extend(left.texts);
        if is_over {
            let tenants = left.tenants.iter();
            files.extend(left.small);
            files.extend(tenants.map(|tenant| kept(state.path(), scope.identity(), tenant)));
        }
        tenants.extend(left.tenants);
    }
    if tenants.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    // What a killed run has left of the source's files.
    let spooled = std::fs::read_dir(state.path().join("files"));
    let spooled = spooled.into_iter().flatten().flatten();
    files.extend(spooled.map(|entry| entry.path()));
    let (replicas, held) = place::forget(state, &tenants)?;
    let mut removed = Vec::new();
    for file in files.into_iter().filter(|file| file.exists()) {
        std::fs::remove_file(&file).map_err(|error| {
            Error::machine("cannot delete what the migration has kept of its source")
                .at(file.display())
                .caused_by(error)
        })?;
        removed.push(file.display().to_string());
    }
    removed.extend(replicas.iter().map(|path| path.display().to_string()));
    Ok((removed, held))
}

fn confirm(run: &Run, given: Option<&str>) -> Result<()> {
    let about = format!(
        "purging run {} makes the ledger forget which tickets its rows made: importing the file again would make them twice",
        run.code()
    );
    let typed = match given {
        Some(code) => code.to_owned(),
        None if std::io::stdin().is_terminal() => ask(&about)?,
        None => {
            return Err(Error::usage(about)
                .hint(format!("--keep ids keeps just the keys and the ids of the tickets: deskferry runs purge {} --keep ids", run.code()))
                .hint(format!("nothing was purged; to forget them too: --confirm {}", run.code())));
        }
    };
    if typed.trim().eq_ignore_ascii_case(&run.code()) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "`{}` is not `{}`, nothing was purged",
        typed.trim(),
        run.code()
    )))
}

fn ask(about: &str) -> Result<String> {
    let failed = |error| Error::machine("cannot read the confirmation").caused_by(error);
    stderr_text(&format!("  {about}\n  type the run's code to go on: "));
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(failed)?;
    Ok(line)
}
