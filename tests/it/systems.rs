//! `docs/systems.md` says of every call of both systems which command makes it and which test shows it: here it is
//! held to that.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::echo::{Answer, Echo};
use crate::support::{SandboxProcess, Work, fetch, repository};

fn page() -> String {
    fs::read_to_string(repository().join("docs/systems.md")).unwrap()
}

/// The rows of the page's tables, without their headings.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let cells = rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect());
    let is_row = |cells: &Vec<&str>| {
        !cells[0].starts_with("---")
            && !["call", "trap", "what it sets", "detail"].contains(&cells[0])
    };
    cells.filter(is_row).collect()
}

/// What stands in a cell as code.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_call_of_the_systems_has_a_row_with_its_command_and_its_test() {
    let page = page();
    let rows = rows(&page);
    let empty: Vec<_> = rows
        .iter()
        .filter(|cells| cells.iter().any(|cell| cell.is_empty()))
        .collect();
    assert!(empty.is_empty(), "{empty:#?}");

    let mut all = String::new();
    for folder in ["src", "crates/sandbox/src", "tests/it"] {
        sources(&repository().join(folder), &mut all);
    }
    let tests = rows.iter().flat_map(|cells| code(cells[cells.len() - 1]));
    let missing: BTreeSet<_> = tests
        .filter(|test| !all.contains(&format!("fn {test}(")))
        .collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");

    let work = Work::new();
    let commands = rows.iter().flat_map(|cells| code(cells[1]));
    let commands: BTreeSet<Vec<&str>> = commands
        .filter_map(|command| command.strip_prefix("deskferry "))
        .map(|command| {
            let is_word = |word: &&str| {
                word.chars()
                    .all(|sign| sign.is_ascii_lowercase() || sign == '-')
            };
            command
                .split(' ')
                .take_while(|word| !word.starts_with("--"))
                .filter(is_word)
                .take(2)
                .collect()
        })
        .collect();
    assert!(commands.len() > 12, "{commands:?}");
    for command in commands {
        let help = work
            .run(&[command.as_slice(), &["--help"]].concat())
            .expect(0)
            .stdout;
        let flags = rows.iter().flat_map(|cells| code(cells[1]));
        let whole = format!("deskferry {}", command.join(" "));
        for flag in flags
            .filter(|line| line.starts_with(&whole))
            .flat_map(|line| line.split(' '))
        {
            assert!(
                !flag.starts_with("--") || help.contains(flag),
                "{whole} has no {flag}"
            );
        }
    }

    let sandbox = SandboxProcess::start(&work, &[]);
    let named: BTreeSet<&str> = rows.iter().flat_map(|cells| code(cells[0])).collect();
    let mut known = BTreeSet::new();
    for system in ["incidentiq", "clearfeed"] {
        let document = fetch(&format!("{}/openapi.json", sandbox.told(system)));
        let document: Value = serde_json::from_str(&document).unwrap();
        for (path, calls) in document["paths"].as_object().unwrap() {
            let path = path.trim_start_matches("/api");
            known.extend(
                calls
                    .as_object()
                    .unwrap()
                    .keys()
                    .map(|method| format!("{} {path}", method.to_uppercase())),
            );
        }
    }
    let absent: Vec<_> = known
        .iter()
        .filter(|call| !named.contains(call.as_str()))
        .collect();
    assert!(absent.is_empty(), "the page lacks {absent:#?}");
    let is_call = |name: &&&str| name.contains(" /v") && !known.contains(**name);
    let gone: Vec<_> = named.iter().filter(is_call).collect();
    assert!(gone.is_empty(), "the sandbox lacks {gone:#?}");
}

/// What the dialect decides (bodies, ids, which replica is read) stays as it is for a profile, whatever answers once.
#[test]
fn the_dialect_of_a_profile_is_remembered() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    // How many more requests of `v1` are refused.
    let refused = Arc::new(AtomicUsize::new(0));
    let left = Arc::clone(&refused);
    let desk = Echo::between(
        &sandbox,
        "token",
        move |asked| {
            let is_v1 = asked.path.starts_with("/clearfeed/v1/collections");
            let count = |count: usize| count.checked_sub(1);
            let strikes = is_v1
                && left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count)
                    .is_ok();
            strikes.then(|| Answer {
                status: 404,
                headers: "content-type: application/json\r\n".to_owned(),
                body: r#"{"statusCode":404,"message":"no route","error":"Not Found"}"#.to_owned(),
            })
        },
        |_, _, answer| answer,
    );
    desk.profiles(&sandbox, &work, "rate = \"2000/s\"");
    let dialect = |scene: &str, code| {
        let told = work.run(&["doctor", "--profile", "support"]).expect(code);
        insta::assert_snapshot!(scene, work.shown(&told.both()));
    };
    dialect("dialect_kept", 0);
    refused.store(1, Ordering::Relaxed);
    dialect("dialect_kept", 0);
    // The other dialect answers, and is not taken in its place.
    refused.store(1_000, Ordering::Relaxed);
    dialect("dialect_gone", 3);
    let text = work.read("deskferry.toml");
    let settled = text.replace("tenant =", "dialect = \"rest\"\ntenant =");
    assert_ne!(settled, text);
    work.write("deskferry.toml", settled);
    dialect("dialect_settled", 0);
}
