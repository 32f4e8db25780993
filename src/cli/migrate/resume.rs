//! The command that goes on with a migration.

use super::super::args::{By, Global, MigrateArgs};
use super::super::import::announce::{given, printed, typed_folders, typed_trust};
use crate::run::MaxErrors;

/// The same tickets at the same pace; a rehearsal stays one.
pub(super) fn command(args: &MigrateArgs, global: &Global) -> String {
    let path = |path: &std::path::PathBuf| path.display().to_string();
    let mut words: Vec<String> = vec!["deskferry".into(), "migrate".into()];
    words.extend(["--from".into(), args.from.clone()]);
    words.extend(["--to".into(), args.to.clone()]);
    words.extend(["--mapping".into(), args.mapping.display().to_string()]);
    for filter in &args.filters {
        words.extend(["--filter".into(), filter.clone()]);
    }
    let by = match args.by {
        By::Created => None,
        By::Updated => Some("updated".to_owned()),
        By::Closed => Some("closed".to_owned()),
    };
    words.extend(given([
        ("--period", args.period.clone()),
        ("--by", by),
        ("--where", args.condition.clone()),
        ("--sample", args.sample.map(|sample| sample.to_string())),
        ("--rate", args.rate.map(|rate| format!("{rate}/s"))),
        ("--hours", args.hours.map(|hours| hours.to_string())),
        ("--concurrency", args.concurrency.map(|n| n.to_string())),
    ]));
    for (flag, is_typed) in [
        ("--dry-run", args.dry_run),
        ("--diff", args.diff),
        ("--overwrite", args.overwrite),
        ("--note-source", args.note_source),
        ("--insecure-http", args.insecure_http),
    ] {
        if is_typed {
            words.push(flag.to_owned());
        }
    }
    let max_errors = (args.max_errors != MaxErrors::default()).then(|| args.max_errors.to_string());
    words.extend(given([
        ("--limit", args.limit.map(|limit| limit.to_string())),
        ("--errors", args.errors.as_ref().map(path)),
        ("--receipts", args.receipts.as_ref().map(path)),
        ("--report", args.report.as_ref().map(path)),
        ("--max-errors", max_errors),
    ]));
    words.extend(given(typed_folders(global)));
    words.extend(typed_trust(global));
    printed(&words)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::super::args::{Cli, Command};
    use super::*;

    #[test]
    fn what_goes_on_is_the_same_migration() {
        let line = "deskferry migrate --from north --to south --mapping m.toml --filter state=Open --period 7d --by updated \
                    --sample 50 --rate 5/s \
                    --hours 18:00-06:00 --dry-run --note-source --limit 9 --max-errors 20%";
        let cli = Cli::parse_from(line.split_whitespace());
        let Command::Migrate(args) = cli.command else {
            panic!("no migration: {line}")
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(command(&args, &cli.global), words.join(" "));
    }
}
