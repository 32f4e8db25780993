//! Every command that the README, the pages of `docs/` and `--help` show runs as it stands against the sandbox, ends as it
//! should, and shows something.
//!
//! A page is a scene: its commands run one after another in a folder of its own, with small samples; the scenes run side by
//! side. A command that stands on several pages runs on the first. `DESKFERRY_SHOW_COMMANDS=1` prints all of them with
//! what they print.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;

use crate::support::{Ended, SandboxProcess, Work, repository};

const FAULTY: &str = "a cell of the workbook is wrong on purpose";

/// Commands that end with another code than 0, with why; `*` at the end stands for anything.
const CODES: [(&str, i32, &str); 7] = [
    ("deskferry import samples/tickets.xlsx *", 1, FAULTY),
    (
        "deskferry import tickets.xlsx --mapping my-mapping.toml *",
        1,
        FAULTY,
    ),
    (
        "deskferry import tickets.xlsx --mapping weekly.toml *",
        1,
        FAULTY,
    ),
    (
        "deskferry runs retry last",
        1,
        "nobody has corrected the file",
    ),
    (
        "deskferry runs retry last tickets.errors.xlsx",
        1,
        "nobody has corrected the file",
    ),
    (
        "deskferry validate mappings/incidentiq-tickets.toml --input samples/tickets.xlsx *",
        1,
        FAULTY,
    ),
    (
        "deskferry validate my-mapping.toml --input tickets.xlsx *",
        1,
        FAULTY,
    ),
];

/// Commands that cannot run here, with why; `*` at the end stands for anything.
const NOT_RUN: [(&str, &str); 9] = [
    ("cargo test*", "it is what runs this"),
    ("cargo nextest*", "it is what runs this"),
    (
        "deskferry sandbox *",
        "it runs until it is interrupted; other tests start it",
    ),
    ("deskferry schedule run", "it runs until it is interrupted"),
    (
        "deskferry schedule install weekly",
        "it would change this machine's scheduler",
    ),
    (
        "deskferry runs settle last --row 17 --as done=ID",
        "the id is one that only a person knows",
    ),
    (
        "deskferry runs settle last --row 18 --as resend",
        "no row is in doubt",
    ),
    (
        "deskferry runs settle last --row 19 --as skip",
        "no row is in doubt",
    ),
    (
        "deskferry runs settle last --decisions settle.xlsx",
        "a person fills the file in first",
    ),
];

/// What a command prints that shows nothing.
const EMPTY: [&str; 5] = [
    "no run yet",
    "found      0 tickets",
    " 0 tickets",
    "there is no ",
    "no schedule",
];

/// Commands that show nothing here, with why.
const SHOW_NOTHING: [(&str, &str); 0] = [];

/// The commands of a page, in order.
struct Scene {
    page: &'static str,
    commands: Vec<String>,
}

/// The pages, each with what its commands need.
fn scenes() -> Vec<Scene> {
    let mut names: Vec<String> = std::fs::read_dir(repository().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md") && name != "cli.md")
        .map(|name| format!("docs/{name}"))
        .collect();
    names.sort();
    names.insert(0, "README.md".to_owned());
    names.push("docs/cli.md".to_owned());
    let mut known = HashSet::new();
    let mut scenes = Vec::new();
    for name in names {
        let text = std::fs::read_to_string(repository().join(&name)).unwrap();
        let commands = match name.as_str() {
            "docs/cli.md" => of_help(&text),
            _ => of_page(&text),
        };
        let commands: Vec<String> = commands
            .into_iter()
            // What follows is a remark.
            .map(|command| command.split(" #").next().unwrap().trim_end().to_owned())
            .filter(|command| known.insert(command.clone()))
            .collect();
        if !commands.is_empty() {
            let page = Box::leak(name.into_boxed_str());
            scenes.push(Scene { page, commands });
        }
    }
    scenes
}

/// The commands in the blocks of a page for a shell.
fn of_page(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut block: Option<&str> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), block) {
            (Some(language), None) => block = Some(language),
            (Some(_), Some(_)) => block = None,
            (None, Some("sh" | "")) if is_command(line) => commands.push(line.to_owned()),
            _ => {}
        }
    }
    commands
}

/// Whether an entry of a list is about a command.
fn is_listed(command: &str, listed: &str) -> bool {
    match listed.strip_suffix('*') {
        Some(start) => command.starts_with(start),
        None => command == listed,
    }
}

fn is_command(line: &str) -> bool {
    ["deskferry ", "cargo "]
        .iter()
        .any(|word| line.starts_with(word))
}

/// The examples in the help, which is what `docs/cli.md` holds; long ones are wrapped.
fn of_help(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let indented = line
            .strip_prefix("  ")
            .filter(|line| !line.starts_with(' '));
        match indented {
            Some(line) if is_command(line) => {
                commands.push(line.to_owned());
                goes_on = true;
            }
            Some(line) if goes_on => {
                let command = commands.last_mut().unwrap();
                let _ = write!(command, " {line}");
            }
            _ => goes_on = false,
        }
    }
    commands
}

/// The words of a command as a shell parts them.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for sign in command.chars() {
        match (quote, sign) {
            (Some(open), sign) if sign == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    words
}

/// A folder as the pages suppose it: samples of a few rows, mappings, profiles of a desk.
fn prepared(sandbox: &SandboxProcess) -> Work {
    let work = Work::of_a_beginner();
    let mappings = repository().join("mappings");
    for entry in std::fs::read_dir(&mappings).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        work.write(&format!("mappings/{name}"), std::fs::read(&path).unwrap());
    }
    let rows = rows(&repository().join("samples/tickets.csv"), 10);
    work.write("samples/tickets.csv", csv_of(&rows));
    let mut faulty = rows.clone();
    let building = faulty[0]
        .iter()
        .position(|name| name == "Building")
        .unwrap();
    faulty[4][building] = "Linclon High".to_owned();
    for name in ["samples/tickets.xlsx", "tickets.xlsx"] {
        work.write(name, workbook_of(&faulty));
    }
    let weekly = std::fs::read_to_string(mappings.join("incidentiq-tickets.toml")).unwrap();
    work.write(
        "weekly.toml",
        weekly.replace("operation = \"create\"", "operation = \"upsert\""),
    );
    sandbox.profiles(&work, "rate = \"1000/s\"");
    work
}

/// The heading and so many rows.
fn rows(path: &Path, most: usize) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_path(path)
        .unwrap();
    let rows = reader.records().take(most + 1);
    rows.map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

fn csv_of(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.into_inner().unwrap()
}

fn workbook_of(rows: &[Vec<String>]) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet().set_name("Tickets").unwrap();
    for (row, cells) in (0..).zip(rows) {
        for (column, text) in (0..).zip(cells) {
            sheet.write_string(row, column, text).unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

/// What somebody who reads only this page has done before.
const BEFORE: [(&str, &[&str]); 4] = [
    ("docs/runs.md", &[MAIN]),
    ("docs/cli.md", &[MAIN]),
    (
        "docs/mapping.md",
        &["deskferry init samples/tickets.csv --profile district -o my-mapping.toml"],
    ),
    ("docs/verify.md", &[MAIN]),
];
const MAIN: &str =
    "deskferry import samples/tickets.csv --mapping mappings/incidentiq-tickets.toml --sandbox";

#[test]
fn every_command_that_is_shown_runs_and_shows_something() {
    let scenes = scenes();
    let all: Vec<&String> = scenes.iter().flat_map(|scene| &scene.commands).collect();
    assert!(all.len() > 100, "{all:#?}");
    let begins = |listed: &str| all.iter().any(|command| is_listed(command, listed));
    let listed = NOT_RUN.iter().map(|(start, _)| *start);
    let listed = listed.chain(CODES.iter().map(|(start, ..)| *start));
    let listed = listed.chain(SHOW_NOTHING.iter().map(|(start, _)| *start));
    let stale: Vec<&str> = listed.filter(|start| !begins(start)).collect();
    assert!(stale.is_empty(), "listed, and nowhere shown: {stale:#?}");

    let of_server = Work::new();
    let server = ["--rate", "0", "--tickets", "30", "--comments", "1"];
    let sandbox = SandboxProcess::start(&of_server, &server);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for scene in &scenes {
            scope.spawn(|| {
                let found = play(scene, &sandbox);
                wrong.lock().unwrap().extend(found);
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Runs the commands of a page; what is wrong with them.
fn play(scene: &Scene, sandbox: &SandboxProcess) -> Vec<String> {
    let work = prepared(sandbox);
    let before = BEFORE.iter().find(|(page, _)| *page == scene.page);
    for command in before.map_or(&[][..], |(_, commands)| commands) {
        run(&work, command).expect(0);
    }
    let is_shown = std::env::var_os("DESKFERRY_SHOW_COMMANDS").is_some();
    let mut wrong = Vec::new();
    for command in &scene.commands {
        if NOT_RUN.iter().any(|(start, _)| is_listed(command, start)) {
            continue;
        }
        let code = CODES.iter().find(|(start, ..)| is_listed(command, start));
        let code = code.map_or(0, |(_, code, _)| *code);
        let started = std::time::Instant::now();
        let ended = run(&work, command);
        let told = format!(
            "{}: {command}\n[{:?}, {:?}]\n{}{}",
            scene.page,
            ended.code,
            started.elapsed(),
            ended.stdout,
            ended.stderr
        );
        if is_shown {
            println!("{told}");
        }
        let both = ended.both();
        let says_nothing = both.trim().is_empty() || EMPTY.iter().any(|empty| both.contains(empty));
        let may = SHOW_NOTHING
            .iter()
            .any(|(start, _)| is_listed(command, start));
        if ended.code != Some(code) {
            wrong.push(format!("ends with another code than {code}: {told}"));
        } else if says_nothing && !may {
            wrong.push(format!("shows nothing: {told}"));
        }
    }
    wrong
}

fn run(work: &Work, command: &str) -> Ended {
    let command = command
        .strip_prefix("cargo run -- ")
        .or_else(|| command.strip_prefix("deskferry "))
        .unwrap_or_else(|| panic!("no command of ours: {command}"));
    let words = words(command);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    work.run(&words)
}

/// Every command has an example in its help, which this test then runs.
#[test]
fn every_command_has_an_example() {
    let text = std::fs::read_to_string(repository().join("docs/cli.md")).unwrap();
    let mut sections = text.split("\n## ").flat_map(|part| part.split("\n### "));
    sections.next();
    for section in sections {
        let title = section.lines().next().unwrap();
        if let Some(command) = title.strip_prefix('`').and_then(|it| it.strip_suffix('`')) {
            assert!(section.contains("\nExample"), "`{command}` has no example");
            assert!(
                section.contains("\n  deskferry "),
                "`{command}` has no example"
            );
        }
    }
}
