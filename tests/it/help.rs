//! The help is true: its examples run as they stand, and the README's main command is one of them.

use std::path::Path;

use crate::support::{Work, repository};

const COMMANDS: [&[&str]; 38] = [
    &["import"],
    &["validate"],
    &["schema", "mapping"],
    &["schema", "fields"],
    &["directory", "pull"],
    &["directory", "show"],
    &["directory", "search"],
    &["runs", "list"],
    &["runs", "show"],
    &["runs", "errors"],
    &["runs", "ids"],
    &["runs", "retry"],
    &["runs", "settle"],
    &["runs", "rollback"],
    &["runs", "adopt"],
    &["runs", "purge"],
    &["state", "check"],
    &["ticket", "get"],
    &["ticket", "search"],
    &["ticket", "create"],
    &["ticket", "update"],
    &["ticket", "assign"],
    &["ticket", "set-status"],
    &["ticket", "comment"],
    &["ticket", "close"],
    &["ticket", "subtask"],
    &["ticket", "delete"],
    &["schedule", "add"],
    &["schedule", "list"],
    &["schedule", "run"],
    &["schedule", "install"],
    &["schedule", "remove"],
    &["completions"],
    &["man"],
    &["export"],
    &["migrate"],
    &["doctor"],
    &["sandbox"],
];

fn example(work: &Work, command: &[&str]) -> String {
    let help = work.run(&[command, &["--help"]].concat()).expect(0).stdout;
    // A long example is wrapped where the terminal is narrow.
    let lines = help.lines().map(str::trim);
    let lines = lines.skip_while(|line| !line.starts_with("deskferry "));
    let example: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    assert!(
        !example.is_empty(),
        "`{}` has no example:\n{help}",
        command.join(" ")
    );
    example.join(" ")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn every_example_runs_as_it_stands() {
    let work = Work::new();
    for folder in ["samples", "mappings"] {
        copy(&repository().join(folder), &work.path().join(folder));
    }
    for command in COMMANDS {
        let example = example(&work, command);
        // What follows `>` is the shell's business.
        let words: Vec<&str> = example
            .split(" > ")
            .next()
            .unwrap()
            .split(' ')
            .skip(1)
            .collect();
        match command {
            // It runs until it is interrupted; the harness starts it in most other tests.
            ["sandbox"] => assert!(example.contains("--listen"), "{example}"),
            // The same, of a few rows: the whole is run by another test.
            // Other examples work on its tickets, which must be open for that.
            ["import"] => {
                let further = ["--limit", "10", "--where", "Status == 'Open'"];
                drop(work.run(&[&words[..], &further].concat()).expect(0));
            }
            _ => drop(work.run(&words).expect(0)),
        }
    }
}

#[test]
fn the_main_command_is_the_readmes() {
    let work = Work::new();
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let example = example(&work, &["import"]);
    let main = example.strip_prefix("deskferry ").unwrap();
    assert!(readme.contains(&format!("cargo run -- {main}")), "{main}");
}

#[test]
fn every_command_of_the_readme_is_a_command() {
    let work = Work::new();
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    for line in readme
        .lines()
        .filter_map(|line| line.strip_prefix("deskferry "))
    {
        let words: Vec<&str> = line
            .split_whitespace()
            .take_while(|word| !word.starts_with('-'))
            .collect();
        let command = match words[0] {
            "directory" | "runs" | "schedule" | "schema" | "ticket" => &words[..2],
            _ => &words[..1],
        };
        work.run(&[command, &["--help"]].concat()).expect(0);
    }
}

#[test]
fn an_unknown_flag_is_a_usage_error() {
    let work = Work::new();
    let ended = work
        .run(&["import", "a.csv", "--maping", "m.toml"])
        .expect(2);
    insta::assert_snapshot!("unknown_flag", work.shown(&ended.stderr));
}
