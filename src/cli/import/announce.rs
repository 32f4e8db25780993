//! The commands that are printed for later.

use std::path::Path;

use super::super::args::{Global, ImportArgs};
use super::super::connect::Target;
use crate::report::words;
use crate::run::MaxErrors;

/// The command that runs a fixed error file: row numbers and limits of the input say nothing about it.
pub(super) fn command_for(
    args: &ImportArgs,
    global: &Global,
    target: Option<&Target>,
    inputs: &[&Path],
) -> String {
    printed(&command(args, global, target, inputs, &[]))
}

/// The command that goes on with this import: the same rows at the same pace, and a rehearsal stays one. What was
/// to be sent again is: the next run does not begin that anew.
pub(super) fn resume(
    args: &ImportArgs,
    global: &Global,
    target: Option<&Target>,
    inputs: &[&Path],
) -> String {
    printed(&resume_words(args, global, target, inputs))
}

/// The same as single words.
pub(super) fn resume_words(
    args: &ImportArgs,
    global: &Global,
    target: Option<&Target>,
    inputs: &[&Path],
) -> Vec<String> {
    let path = |path: &std::path::PathBuf| path.display().to_string();
    let mut further: Vec<String> = Vec::new();
    if args.dry_run {
        further.push("--dry-run".into());
    }
    if args.diff {
        further.push("--diff".into());
    }
    let max_errors = (args.max_errors != MaxErrors::default()).then(|| args.max_errors.to_string());
    further.extend(given([
        ("--rows", args.rows.as_ref().map(ToString::to_string)),
        ("--limit", args.limit.map(|limit| limit.to_string())),
        ("--errors", args.errors.as_ref().map(path)),
        ("--receipts", args.receipts.as_ref().map(path)),
        ("--report", args.report.as_ref().map(path)),
        ("--max-errors", max_errors),
    ]));
    command(args, global, target, inputs, &further)
}

/// The command that writes the names that nothing was found for as a table.
pub(super) fn validate(args: &ImportArgs, global: &Global, target: Option<&Target>) -> String {
    let mut words: Vec<String> = vec!["deskferry".into(), "validate".into()];
    words.push(args.mapping.display().to_string());
    for input in &args.inputs {
        words.extend(["--input".into(), input.display().to_string()]);
    }
    // A snapshot stands for the connection.
    match &args.directory {
        Some(path) => words.extend(["--directory".into(), path.display().to_string()]),
        None => words.extend(connection(args, target)),
    }
    words.extend(given(typed_folders(global)));
    words.extend(typed_trust(global));
    words.extend(given(typed_reading(args)));
    words.push("--names".into());
    printed(&words)
}

/// The flags that name where to, or the snapshot that stands for it.
fn connection(args: &ImportArgs, target: Option<&Target>) -> Vec<String> {
    let mut words = target.map(Target::flags).unwrap_or_default();
    if let Some(path) = &args.directory {
        words.extend(["--directory".into(), path.display().to_string()]);
    }
    words
}

/// A command line as it can be pasted.
pub(in crate::cli) fn printed(words: &[String]) -> String {
    words
        .iter()
        .map(|word| words::shell_word(word))
        .collect::<Vec<_>>()
        .join(" ")
}

fn command(
    args: &ImportArgs,
    global: &Global,
    target: Option<&Target>,
    inputs: &[&Path],
    further: &[String],
) -> Vec<String> {
    let mut words: Vec<String> = vec!["deskferry".into(), "import".into()];
    words.extend(inputs.iter().map(|path| path.display().to_string()));
    words.extend(["--mapping".into(), args.mapping.display().to_string()]);
    words.extend(connection(args, target));
    if args.target.insecure_http {
        words.push("--insecure-http".into());
    }
    words.extend(given(typed_folders(global)));
    words.extend(typed_trust(global));
    words.extend(given([
        ("--where", args.condition.clone()),
        ("--rate", args.rate.map(|rate| format!("{rate}/s"))),
        ("--hours", args.hours.map(|hours| hours.to_string())),
        ("--concurrency", args.concurrency.map(|n| n.to_string())),
    ]));
    if args.bulk {
        words.push("--bulk".into());
    }
    if args.overwrite {
        words.push("--overwrite".into());
    }
    words.extend(given(typed_reading(args)));
    words.extend_from_slice(further);
    words
}

/// A flag and its value, where it has one.
pub(in crate::cli) type Flag = (&'static str, Option<String>);

/// The words of those flags that have a value.
pub(in crate::cli) fn given<const N: usize>(flags: [Flag; N]) -> impl Iterator<Item = String> {
    flags
        .into_iter()
        .filter_map(|(flag, value)| Some([flag.to_owned(), value?]))
        .flatten()
}

/// Where state and configuration lie.
pub(in crate::cli) fn typed_folders(global: &Global) -> [Flag; 2] {
    [
        ("--state", typed_state(global)),
        ("--config", typed_config(global)),
    ]
}

/// Whether the mapping may read files outside its folder.
pub(in crate::cli) fn typed_trust(global: &Global) -> Option<String> {
    global.trust.then(|| "--trust".to_owned())
}

/// How the input is read.
fn typed_reading(args: &ImportArgs) -> [Flag; 4] {
    let read_as = &args.read_as;
    [
        ("--sheet", read_as.sheet.clone()),
        ("--encoding", read_as.encoding.clone()),
        ("--delimiter", read_as.delimiter.map(String::from)),
        (
            "--header-row",
            read_as.header_row.map(|row| row.to_string()),
        ),
    ]
}

/// The flag, but not what the environment says: that is still there for the next command.
fn typed_state(global: &Global) -> Option<String> {
    typed(global.state.as_deref(), "DESKFERRY_STATE")
}

fn typed_config(global: &Global) -> Option<String> {
    typed(global.config.as_deref(), "DESKFERRY_CONFIG")
}

fn typed(path: Option<&Path>, variable: &str) -> Option<String> {
    let path = path
        .filter(|path| std::env::var_os(variable).is_none_or(|value| value != path.as_os_str()))?;
    Some(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::super::args::{Cli, Command};
    use super::*;

    fn commands(line: &str) -> (String, String) {
        let cli = Cli::parse_from(line.split(' '));
        let Command::Import(args) = cli.command else {
            panic!("no import: {line}")
        };
        let resumed = resume(&args, &cli.global, None, &[Path::new("in.csv")]);
        let fixed = command_for(&args, &cli.global, None, &[Path::new("in.errors.csv")]);
        (resumed, fixed)
    }

    #[test]
    fn what_goes_on_takes_the_same_rows() {
        let line = "deskferry import in.csv --mapping m.toml --where Open --rate 20/s --hours 18:00-06:00 --bulk --dry-run \
                    --rows 2-9,12,40- --limit 5 --max-errors 20%";
        let (resumed, fixed) = commands(line);
        assert_eq!(
            resumed,
            "deskferry import in.csv --mapping m.toml --where Open --rate 20/s --hours 18:00-06:00 --bulk --dry-run \
             --rows 2-9,12,40- --limit 5 --max-errors 20%"
        );
        // It is read again as it was written.
        assert_eq!(commands(&resumed), (resumed, fixed.clone()));
        assert_eq!(
            fixed,
            "deskferry import in.errors.csv --mapping m.toml --where Open --rate 20/s --hours 18:00-06:00 --bulk"
        );
    }
    #[test]
    fn unknown_names_are_looked_for_in_the_file_as_it_was_read() {
        let line = "deskferry import in.txt --mapping m.toml --encoding windows-1252 --delimiter ; --header-row 3 --sheet 2";
        let Command::Import(args) = Cli::parse_from(line.split(' ')).command else {
            panic!("no import: {line}")
        };
        let global = Cli::parse_from(line.split(' ')).global;
        assert_eq!(
            validate(&args, &global, None),
            "deskferry validate m.toml --input in.txt --sheet 2 --encoding windows-1252 --delimiter ';' --header-row 3 \
             --names"
        );
    }
}
