//! A run taken back: all that it made, but nothing that somebody has changed since.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{SandboxProcess, Work};

/// Longer than the second by which a system's stamps may lag behind its answers.
const A_MOMENT: Duration = Duration::from_millis(1_300);

fn district(rows: usize) -> Work {
    let work = Work::new();
    work.write(
        "map.toml",
        r#"version = 1
system = "incidentiq"
operation = "create"
scope = "taken-back"
key = ["Id"]

[fields]
Subject = { from = "Title" }
IssueDescription = { from = "Title" }
IssueId = { value = "Other", resolve = "issue" }
LocationId = { value = "District Office", resolve = "location" }
ForId = { value = "helpdesk@district.example", resolve = "user", match = "email" }
"#,
    );
    write_rows(&work, rows);
    work
}

fn support(rows: usize) -> Work {
    let work = Work::new();
    work.write(
        "map.toml",
        r#"version = 1
system = "clearfeed"
operation = "create"
scope = "taken-back"
key = ["Id"]

[fields]
title = { from = "Title" }
description = { from = "Title" }
collection_id = { value = "IT Support", resolve = "collection" }
assignee_id = { value = "helpdesk@district.example", resolve = "user", match = "email" }
"#,
    );
    write_rows(&work, rows);
    work
}

fn write_rows(work: &Work, rows: usize) {
    let mut text = "Id,Title\n".to_owned();
    for id in 0..rows {
        writeln!(text, "{id},Beamer {id} flickers").unwrap();
    }
    work.write("in.csv", text);
}

fn import(work: &Work, profile: &str) -> Value {
    let (ended, summary) = work.import(&["in.csv", "--mapping", "map.toml", "--profile", profile]);
    ended.expect(0);
    summary
}

fn rollback(work: &Work, arguments: &[&str], code: i32) -> (String, Value) {
    let ended = work
        .run(&[&["runs", "rollback", "last", "--format", "json"], arguments].concat())
        .expect(code);
    let document = serde_json::from_str(&ended.stdout).unwrap();
    (ended.stderr, document)
}

/// What people read of a rollback, whichever rows got which numbers.
fn shown(work: &Work, told: &str) -> String {
    let row = regex::Regex::new(r"(?m)^      \S+   in\.csv, row \d+   ").unwrap();
    let told = row.replace_all(told, "      TICKET   in.csv, row N   ");
    work.shown(&told)
}

/// How often each ticket was written by an operation.
fn times(sandbox: &SandboxProcess, operation: &str) -> HashMap<String, usize> {
    let mut times = HashMap::new();
    for entry in sandbox.audit() {
        if entry["operation"] == operation {
            *times
                .entry(entry["id"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    times
}

#[test]
fn of_a_thousand_tickets_the_ten_that_people_changed_are_kept_and_named() {
    // The traps of a live tenant are the same for a hundred.
    for (temper, rows) in [("lenient", 1_000), ("live-like", 100)] {
        let work = district(rows);
        let sandbox = SandboxProcess::start(&work, &["--rate", "0", "--temper", temper]);
        sandbox.profiles(&work, "rate = \"4000/s\"");
        assert_eq!(import(&work, "district")["created"], rows);
        std::thread::sleep(A_MOMENT);
        let created = sandbox.created("incidentiq");
        let changed: HashSet<String> = created
            .iter()
            .step_by(rows / 10)
            .map(|entry| entry["id"].as_str().unwrap().to_owned())
            .collect();
        for id in &changed {
            let path = format!("api/v1.0/tickets/{id}/subject");
            sandbox.person("POST", "incidentiq", &path, json!({"Subject": "By hand"}));
        }

        let (told, found) = rollback(&work, &["--dry-run"], 0);
        assert_eq!(found["would_undo"], rows - 10, "{temper}: {found:#}");
        assert_eq!(found["would_keep"].as_array().unwrap().len(), 10);
        insta::assert_snapshot!(format!("rehearsed_{temper}"), shown(&work, &told));
        assert!(
            times(&sandbox, "delete").is_empty(),
            "a rehearsal deletes nothing"
        );

        let (told, done) = rollback(&work, &[], 1);
        assert_eq!(done["undone"], rows - 10, "{temper}: {done:#}");
        let kept: HashSet<String> = done["kept"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["ticket"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(kept, changed);
        insta::assert_snapshot!(format!("taken_back_{temper}"), shown(&work, &told));
        let deleted = times(&sandbox, "delete");
        assert_eq!(deleted.len(), rows - 10);
        assert!(changed.iter().all(|id| !deleted.contains_key(id)));

        let ids = work.run(&["runs", "ids", "last"]).expect(0).stdout;
        assert_eq!(ids.lines().count(), 11, "the header and the ten that stand");
        let run = work.run(&["runs", "show", "last"]).expect(0).stdout;
        insta::assert_snapshot!(format!("run_taken_back_{temper}"), work.shown(&run));
        // It is done: the same again has nothing to do but to look at the ten.
        let (_, again) = rollback(&work, &[], 1);
        assert_eq!(
            (&again["undone"], again["kept"].as_array().unwrap().len()),
            (&json!(0), 10)
        );
        // The keys are free, those of the ten are not.
        assert_eq!(import(&work, "district")["created"], rows - 10);
    }
}

#[test]
fn what_cannot_be_deleted_is_closed_with_a_note_in_both_dialects() {
    for dialect in ["v1", "rest"] {
        let work = support(40);
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        sandbox.profiles(&work, "rate = \"2000/s\"");
        let config = work.read("deskferry.toml");
        let config = config.replace(
            "tenant = \"acme\"",
            &format!("tenant = \"acme\"\ndialect = \"{dialect}\""),
        );
        work.write("deskferry.toml", config);
        assert_eq!(import(&work, "support")["created"], 40);
        std::thread::sleep(A_MOMENT);
        let number = sandbox.created("clearfeed")[7]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        sandbox.person(
            "POST",
            "clearfeed",
            &format!("v1/rest/requests/{number}/message"),
            json!({"html_body": "I am on it"}),
        );
        let (told, done) = rollback(&work, &[], 1);
        insta::assert_snapshot!(format!("closed_in_{dialect}"), shown(&work, &told));
        assert_eq!(done["undone"], 39, "{done:#}");
        let notes: Vec<Value> = (sandbox.audit().into_iter())
            .filter(|entry| entry["operation"] == "message" && entry["id"] != number.as_str())
            .collect();
        assert_eq!(notes.len(), 39);
        let member = if dialect == "v1" { "status" } else { "state" };
        assert!(
            notes
                .iter()
                .all(|note| note["body"][member] == "closed" && note["body"]["is_private"] == true)
        );
    }
}

#[test]
fn a_lost_answer_is_looked_up_and_nothing_is_noted_twice() {
    let work = support(60);
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"2000/s\"");
    assert_eq!(import(&work, "support")["created"], 60);
    for fault in [
        "reset-after-commit",
        "reset-before-commit",
        "status-503",
        "status-429-retry-after",
    ] {
        let body = json!({"operation": "message", "fault": fault, "times": 2});
        sandbox.admin("POST", "faults", Some(body));
    }
    let (_, done) = rollback(&work, &[], 0);
    assert_eq!(done["undone"], 60, "{done:#}");
    let notes = times(&sandbox, "message");
    assert_eq!(notes.len(), 60);
    assert!(notes.values().all(|times| *times == 1), "{notes:?}");
}

#[cfg(unix)]
#[test]
fn a_rollback_that_is_killed_goes_on_with_the_same_command() {
    let work = support(300);
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"400/s\"");
    assert_eq!(import(&work, "support")["created"], 300);
    let mut child = work.command(&["runs", "rollback", "last"]).spawn().unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while times(&sandbox, "message").len() < 60 && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = times(&sandbox, "message").len();
    assert!((60..300).contains(&before), "{before}");
    let (_, done) = rollback(&work, &[], 0);
    assert!(done["undone"].as_u64().unwrap() < 300, "{done:#}");
    let notes = times(&sandbox, "message");
    assert_eq!(notes.len(), 300);
    assert!(
        notes.values().all(|times| *times == 1),
        "none was noted twice"
    );
}

#[test]
fn a_live_profile_is_confirmed_by_name() {
    let work = district(3);
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "live = true");
    let arguments = [
        "in.csv",
        "--mapping",
        "map.toml",
        "--profile",
        "district",
        "--confirm",
        "district",
    ];
    work.import(&arguments).0.expect(0);
    let ended = work.run(&["runs", "rollback", "last"]).expect(2);
    insta::assert_snapshot!("unconfirmed", work.shown(&ended.stderr));
    assert!(times(&sandbox, "delete").is_empty());
    work.run(&["runs", "rollback", "last", "--confirm", "district"])
        .expect(0);
    assert_eq!(times(&sandbox, "delete").len(), 3);
}

#[test]
fn an_answer_that_says_nothing_of_a_ticket_is_not_taken_for_its_absence() {
    for profile in ["district", "support"] {
        let work = match profile {
            "district" => district(4),
            _ => support(4),
        };
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        sandbox.profiles(&work, "rate = \"2000/s\"");
        assert_eq!(import(&work, profile)["created"], 4);
        // An error in a success: 400 to one system, an answer without an id to the other.
        let body = json!({"operation": "get", "fault": "error-in-200", "times": 1});
        sandbox.admin("POST", "faults", Some(body));
        let (told, done) = rollback(&work, &[], 1);
        assert_eq!(
            (&done["undone"], &done["gone"]),
            (&json!(3), &json!(0)),
            "{profile}: {done:#}"
        );
        assert_eq!(done["refused"].as_array().unwrap().len(), 1, "{done:#}");
        insta::assert_snapshot!(format!("unread_{profile}"), shown(&work, &told));
        // The key of the fourth is not free, and the same again takes it back.
        let (_, done) = rollback(&work, &[], 0);
        assert_eq!(done["undone"], 1, "{profile}: {done:#}");
    }
}

/// The folder of before the rollback is put back: it holds as done what the rollback has taken back.
#[test]
fn a_state_folder_from_before_the_rollback_makes_the_rows_anew() {
    for (work, profile, system) in [
        (district(8), "district", "incidentiq"),
        (support(8), "support", "clearfeed"),
    ] {
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        sandbox.profiles(&work, "rate = \"2000/s\"");
        assert_eq!(import(&work, profile)["created"], 8);
        std::thread::sleep(A_MOMENT);
        let saved = work.path().join("saved");
        std::fs::create_dir(&saved).unwrap();
        let files = || std::fs::read_dir(work.state()).unwrap().map(Result::unwrap);
        for file in files().filter(|file| file.path().is_file()) {
            std::fs::copy(file.path(), saved.join(file.file_name())).unwrap();
        }
        let (_, done) = rollback(&work, &[], 0);
        assert_eq!(done["undone"], 8);
        for file in std::fs::read_dir(&saved).unwrap().map(Result::unwrap) {
            std::fs::copy(file.path(), work.state().join(file.file_name())).unwrap();
        }
        let arguments = ["in.csv", "--mapping", "map.toml", "--profile", profile];
        // Another rollback of what it still holds does not make it a current one.
        work.run(&["runs", "rollback", "last"]);
        for file in std::fs::read_dir(&saved).unwrap().map(Result::unwrap) {
            std::fs::copy(file.path(), work.state().join(file.file_name())).unwrap();
        }
        work.run(&[&["import"], &arguments[..]].concat()).expect(2);
        work.run(&[&["runs", "adopt"], &arguments[..]].concat())
            .expect(0);
        assert_eq!(import(&work, profile)["created"], 8, "{system}");
        assert_eq!(sandbox.created(system).len(), 16);
    }
}
