//! A run is the whole job, whatever it took; and what it did not make is never rolled back.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{SandboxProcess, Work};

const ARGUMENTS: [&str; 5] = ["in.csv", "--mapping", "map.toml", "--profile", "support"];

fn mapping(operation: &str, further: &str) -> String {
    format!(
        r#"version = 1
system = "clearfeed"
operation = "{operation}"
scope = "a-job"
key = ["Id"]

[fields]
title = {{ from = "Title" }}
description = {{ from = "Title" }}
collection_id = {{ value = "IT Support", resolve = "collection" }}
assignee_id = {{ from = "Who", resolve = "user", match = "email" }}
{further}"#
    )
}

const CLOSED: &str = r#"
[[then]]
operation = "close"
"#;

fn work(rows: usize) -> (Work, SandboxProcess) {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"500/s\"");
    work.write("map.toml", mapping("create", ""));
    let who = |row| match row {
        39 => "nobody@district.example",
        _ => "helpdesk@district.example",
    };
    let rows: String = (0..rows)
        .map(|row| format!("{row},Beamer {row} flickers,{}\n", who(row)))
        .collect();
    work.write("in.csv", format!("Id,Title,Who\n{rows}"));
    (work, sandbox)
}

fn document(work: &Work, arguments: &[&str], code: i32) -> Value {
    let all = [arguments, &["--format", "json"]].concat();
    serde_json::from_str(&work.run(&all).expect(code).stdout).unwrap()
}

fn ids_of(sandbox: &SandboxProcess, operation: &str) -> HashSet<String> {
    (sandbox.audit().iter())
        .filter(|entry| entry["operation"] == operation)
        .map(|entry| entry["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_ticket_that_was_adopted_is_known_and_never_rolled_back() {
    let (work, sandbox) = work(20);
    work.import(&ARGUMENTS).0.expect(0);
    // Another ledger, to which the tickets are somebody else's.
    std::fs::remove_dir_all(work.state()).unwrap();
    work.write("map.toml", mapping("upsert", CLOSED));
    work.run(&[&["runs", "adopt"], &ARGUMENTS[..]].concat())
        .expect(0);
    let text = work.read("in.csv") + "20,One more,helpdesk@district.example\n";
    work.write("in.csv", text);

    let (ended, rehearsed) = work.import(&[&ARGUMENTS[..], &["--dry-run"]].concat());
    insta::assert_snapshot!("known_rehearsed", work.shown(&ended.expect(0).stderr));
    assert_eq!(
        (&rehearsed["would_create"], &rehearsed["would_complete"]),
        (&json!(1), &json!(20)),
        "{rehearsed:#}"
    );
    let (ended, summary) = work.import(&ARGUMENTS);
    insta::assert_snapshot!("known", work.shown(&ended.expect(0).stderr));
    assert_eq!(
        (&summary["created"], &summary["known"]),
        (&json!(1), &json!(20)),
        "{summary:#}"
    );
    let shown = work.run(&["runs", "show", "last"]).expect(0).stdout;
    insta::assert_snapshot!("known_shown", work.shown(&shown));

    let taken = document(&work, &["runs", "rollback", "last"], 0);
    assert_eq!(taken["undone"], 1, "{taken:#}");
    assert_eq!(ids_of(&sandbox, "create").len(), 21);
    let undone = ids_of(&sandbox, "message");
    assert_eq!(
        undone.len(),
        1,
        "nothing that another ledger made is touched"
    );
}

#[test]
fn what_a_run_took_is_one_run() {
    let (work, sandbox) = work(40);
    let dying = |place: &str| {
        let limited = [
            &["import"],
            &ARGUMENTS[..],
            &["--limit", "12", "--concurrency", "1"],
        ]
        .concat();
        let mut command = work.command(&limited);
        let output = command.env("DESKFERRY_CRASH", place).output().unwrap();
        assert!(!output.status.success());
    };
    // A pilot, two crashes, a corrected mapping, a file with a fault in it, and its error file.
    work.import(&[&ARGUMENTS[..], &["--limit", "5"]].concat())
        .0
        .expect(0);
    dying("after-send:3");
    let listed = document(&work, &["runs", "list"], 0);
    assert_eq!(
        listed[0]["state"], "ended",
        "its process is gone: {listed:#}"
    );
    // How often outcomes are written depends on how the ledger groups them: the fourth one always comes.
    dying("before-outcome:4");
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(1);
    let strict = work.read("map.toml");
    let mild = strict.replace(
        "match = \"email\"",
        "match = \"email\", missing = { do = \"skip_field\" }",
    );
    assert_ne!(strict, mild);
    work.write("map.toml", mild);
    let error_file = summary["error_files"][0]["path"].as_str();
    let error_file = error_file.unwrap_or_else(|| panic!("{summary:#}"));
    work.import(&[&[error_file], &ARGUMENTS[1..]].concat())
        .0
        .expect(0);

    let listed = document(&work, &["runs", "list"], 0);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed:#}");
    assert_eq!(listed[0]["made"], 40, "{listed:#}");
    assert_eq!(listed[0]["attempts"].as_array().unwrap().len(), 5);
    let shown = work.run(&["runs", "show", "last"]).expect(0).stdout;
    let code = listed[0]["run"].as_str().unwrap();
    let shown = work.shown(&shown).replace(code, "CODE");
    insta::assert_snapshot!("one_run", shown);
    let ids = work.run(&["runs", "ids", "last"]).expect(0).stdout;
    assert_eq!(ids.lines().count(), 41);

    // It is complete: the same again has nothing to do, and what is asked of `last` is still about the tickets.
    let (_, summary) = work.import(&ARGUMENTS);
    assert_eq!(summary["created"], 0);
    let attempt = format!("{code}.1");
    let rehearsed = document(&work, &["runs", "rollback", &attempt, "--dry-run"], 0);
    assert_eq!(rehearsed["would_undo"], 5, "{rehearsed:#}");
    let taken = document(&work, &["runs", "rollback", "last"], 0);
    assert_eq!(
        (&taken["run"], &taken["undone"]),
        (&json!(code), &json!(40))
    );
    assert_eq!(
        ids_of(&sandbox, "create"),
        ids_of(&sandbox, "message"),
        "all of it is gone"
    );
    // What was rolled back is over: the same again is a new run.
    let (_, summary) = work.import(&ARGUMENTS);
    assert_eq!(summary["created"], 40);
    assert_eq!(summary["run"].as_str().unwrap().len(), 4);
}
