//! What only a person can decide, a ledger that is rebuilt from the system, and one that forgets.

use serde_json::{Value, json};

use crate::support::{SandboxProcess, Work};

const ARGUMENTS: [&str; 5] = ["in.csv", "--mapping", "map.toml", "--profile", "support"];

fn work(marker: &str) -> (Work, SandboxProcess) {
    let work = Work::new();
    work.write(
        "map.toml",
        format!(
            "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"desk\"\n{marker}key = [\"Id\"]\n\n[fields]\n\
             title = {{ from = \"Title\" }}\ndescription = {{ from = \"Title\" }}\n\
             collection_id = {{ value = \"IT Support\", resolve = \"collection\" }}\n"
        ),
    );
    let mut text = "Id,Title\n".to_owned();
    for id in 0..12 {
        text.push_str(&format!("{id},Secret matter {id}\n"));
    }
    work.write("in.csv", text);
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(
        &work,
        "rate = \"1000/s\"\nconcurrency = 1\ncommit_within = \"100ms\"\nvisible_within = \"100ms\"",
    );
    (work, sandbox)
}

/// Three rows in doubt that no marker can settle: the first two were made, the third was not.
fn in_doubt() -> (Work, SandboxProcess, Vec<Value>) {
    let (work, sandbox) = work("marker = \"none\"\n");
    for fault in [
        "reset-after-commit",
        "reset-after-commit",
        "reset-before-commit",
    ] {
        let body = json!({"operation": "create", "fault": fault, "times": 1});
        sandbox.admin("POST", "faults", Some(body));
    }
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(1);
    assert_eq!(summary["in_doubt"], 3, "{summary:#}");
    let told = work
        .run(&["runs", "settle", "last", "--format", "json"])
        .expect(1);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    (work, sandbox, told["in_doubt"].as_array().unwrap().clone())
}

#[test]
fn rows_in_doubt_are_settled_one_by_one() {
    let (work, sandbox, rows) = in_doubt();
    let row = |n: usize| rows[n]["row"].to_string();
    assert_eq!(
        rows.iter()
            .map(|row| row["row"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [2, 3, 4]
    );
    let id = sandbox.created("clearfeed")[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let first = format!("done=req_{id}");

    let wrong = work
        .run(&[
            "runs",
            "settle",
            "last",
            "--row",
            &row(0),
            "--as",
            "done=req_999999",
        ])
        .expect(2);
    insta::assert_snapshot!("no_ticket_with_the_id", work.shown(&wrong.stderr));
    let wrong = work
        .run(&["runs", "settle", "last", "--row", "9", "--as", "skip"])
        .expect(2);
    insta::assert_snapshot!("row_that_is_not_in_doubt", work.shown(&wrong.stderr));
    let wrong = work
        .run(&["runs", "settle", "last", "--as", &first])
        .expect(2);
    insta::assert_snapshot!("one_ticket_for_several_rows", work.shown(&wrong.stderr));

    work.run(&["runs", "settle", "last", "--row", &row(0), "--as", &first])
        .expect(1);
    work.run(&["runs", "settle", "last", "--row", &row(1), "--as", "skip"])
        .expect(1);
    work.run(&["runs", "settle", "last", "--row", &row(2), "--as", "resend"])
        .expect(0);
    let ids = work.run(&["runs", "ids", "last"]).expect(0).stdout;
    assert!(ids.contains(&format!("req_{id}")), "{ids}");

    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(0);
    assert_eq!(summary["created"], 1, "{summary:#}");
    assert_eq!(summary["skipped_because"]["by_hand"], 1);
    assert_eq!(sandbox.created("clearfeed").len(), 12, "each row once");
}

#[test]
fn a_file_of_rows_in_doubt_is_filled_in_and_read_back() {
    let (work, sandbox, _) = in_doubt();
    work.run(&["runs", "settle", "last", "--to", "settle.csv"])
        .expect(1);
    let made: Vec<String> = (sandbox.created("clearfeed").iter().take(2))
        .map(|entry| entry["id"].as_str().unwrap().to_owned())
        .collect();
    let mut lines: Vec<String> = work.read("settle.csv").lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 4);
    lines[1].push_str(&format!("done=req_{}", made[0]));
    lines[2].push_str(&format!("done=req_{}", made[1]));
    work.write("settle.csv", format!("\u{feff}{}\r\n", lines.join("\r\n")));
    work.run(&["runs", "settle", "last", "--from", "settle.csv"])
        .expect(1);
    work.run(&["runs", "settle", "last", "--as", "resend"])
        .expect(0);
    let (_, summary) = work.import(&ARGUMENTS);
    assert_eq!(summary["created"], 1);
    assert_eq!(sandbox.created("clearfeed").len(), 12);
}

#[test]
fn a_ledger_that_was_lost_is_rebuilt_from_the_markers() {
    let (work, sandbox) = work("");
    work.import(&ARGUMENTS).0.expect(0);
    std::fs::remove_dir_all(work.state()).unwrap();
    // The file has grown meanwhile, and one row of it has gone.
    let text = work.read("in.csv").replace("3,Secret matter 3\n", "") + "90,One more\n";
    work.write("in.csv", text);
    let adopt = [&["runs", "adopt"], &ARGUMENTS[..], &["--format", "json"]].concat();
    let shown = work.run(&[&adopt[..], &["--dry-run"]].concat()).expect(0);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(
        (&shown["rows"], &shown["strangers"], &shown["absent"]),
        (&json!(11), &json!(1), &json!(1))
    );
    work.run(&[&["import"], &ARGUMENTS[..]].concat()).expect(2);
    work.run(&adopt).expect(0);
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(0);
    assert_eq!(summary["created"], 1, "{summary:#}");
    assert_eq!(summary["skipped_because"]["done_before"], 11);
    assert_eq!(sandbox.created("clearfeed").len(), 13);
    // What is adopted twice is there once.
    let again = work.run(&adopt).expect(0);
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(again["known"], 13, "{again:#}");
}

#[test]
fn a_purged_run_leaves_nothing_of_the_client_and_doubles_nothing() {
    let (work, sandbox) = work("");
    work.write(
        "in.csv",
        work.read("in.csv")
            .replace("Secret matter 4", &"x".repeat(300)),
    );
    let (_, summary) = work.import(&ARGUMENTS);
    let created = summary["created"].as_u64().unwrap();
    let holds = |word: &str| {
        let files = std::fs::read_dir(work.state())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files.filter(|path| path.is_file()).any(|path| {
            std::fs::read(path)
                .unwrap()
                .windows(word.len())
                .any(|part| part == word.as_bytes())
        })
    };
    assert!(holds("in.csv"));
    let refused = work.run(&["runs", "purge", "last"]).expect(2);
    insta::assert_snapshot!("purge_unconfirmed", work.shown(&refused.stderr));
    work.run(&["runs", "purge", "last", "--keep", "ids"])
        .expect(0);
    assert!(
        !holds("in.csv"),
        "the name of the file is still in the state folder"
    );
    assert!(!holds("Secret"));
    let listed = work.run(&["runs", "list"]).expect(0).stdout;
    let code = summary["run"].as_str().unwrap();
    let listed = work.shown(&listed.replace(code, "CODE"));
    insta::assert_snapshot!("purged_listed", listed);
    let shown = work.run(&["runs", "show", "last"]).expect(0).stdout;
    insta::assert_snapshot!("purged_shown", work.shown(&shown));
    let (_, summary) = work.import(&ARGUMENTS);
    assert_eq!(summary["created"], 0, "the keys are known: {summary:#}");
    assert_eq!(sandbox.created("clearfeed").len() as u64, created);
}

#[test]
fn steps_that_follow_the_create_are_read_on_the_ticket_after_an_adoption() {
    let work = Work::new();
    work.write(
        "map.toml",
        r#"version = 1
system = "incidentiq"
operation = "create"
scope = "steps"
key = ["Id"]

[fields]
Subject = { from = "Title" }
IssueDescription = { from = "Title" }
IssueId = { value = "Other", resolve = "issue" }
LocationId = { value = "District Office", resolve = "location" }
ForId = { value = "helpdesk@district.example", resolve = "user", match = "email" }
Priority = { value = "High", resolve = "priority" }
"#,
    );
    work.write("in.csv", "Id,Title\n1,Beamer\n2,Printer\n3,Door\n");
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"1000/s\"");
    let arguments = ["in.csv", "--mapping", "map.toml", "--profile", "district"];
    work.import(&arguments).0.expect(0);
    std::fs::remove_dir_all(work.state()).unwrap();
    work.run(&[&["runs", "adopt"], &arguments[..]].concat())
        .expect(0);
    let (ended, summary) = work.import(&arguments);
    ended.expect(0);
    assert!(
        summary["warnings"].as_array().unwrap().is_empty(),
        "{summary:#}"
    );
    assert_eq!(
        sandbox.created("incidentiq").len(),
        3,
        "no ticket is made again"
    );
    let steps = sandbox
        .audit()
        .iter()
        .filter(|entry| entry["operation"] == "priority")
        .count();
    assert_eq!(steps, 3, "what the tickets show is not sent again");
    let (_, summary) = work.import(&arguments);
    assert_eq!(summary["skipped_because"]["done_before"], 3, "{summary:#}");
}

/// The lines of `settle.csv` as `--to` writes them, the header first.
fn written(work: &Work) -> Vec<String> {
    work.run(&["runs", "settle", "last", "--to", "settle.csv"])
        .expect(1);
    work.read("settle.csv").lines().map(str::to_owned).collect()
}

/// Reads the filled-in file back, which is refused, looked up or not; nothing is settled.
#[track_caller]
fn refused(work: &Work, lines: &[String], scene: &str) {
    work.write("settle.csv", lines.join("\n"));
    let flags: [&[&str]; 2] = [&[], &["--unchecked"]];
    let told = flags.map(|unchecked| {
        let from = ["runs", "settle", "last", "--from", "settle.csv"];
        let ended = work.run(&[&from[..], unchecked].concat()).expect(2);
        work.shown(&ended.stderr)
    });
    assert_eq!(told[0], told[1]);
    insta::assert_snapshot!(scene, told[0]);
    let left = work.run(&["runs", "settle", "last"]).expect(1);
    assert_eq!(left.stderr.matches("(key ").count(), 3, "{}", left.stderr);
}

#[test]
fn a_ticket_is_that_of_one_row_only() {
    let (work, sandbox, _) = in_doubt();
    let made: Vec<String> = (sandbox.created("clearfeed").iter())
        .map(|entry| format!("done=req_{}", entry["id"].as_str().unwrap()))
        .collect();
    let lines = written(&work);
    let mut twice = lines.clone();
    twice[1].push_str(&made[0]);
    twice[2].push_str(&made[0]);
    refused(&work, &twice, "one_ticket_for_two_rows");
    let mut held = lines;
    // The third ticket is that of a row which is done.
    held[1].push_str(&made[2]);
    refused(&work, &held, "ticket_of_another_row");
}

#[test]
fn a_verdict_on_an_earlier_request_of_a_row_is_refused() {
    let (work, _sandbox, rows) = in_doubt();
    let mut lines = written(&work);
    let sent = rows[0]["sent"].as_str().unwrap();
    lines[1] = lines[1].replace(sent, "2026-01-05T08:00:00Z") + "resend";
    refused(&work, &lines, "verdict_on_an_earlier_request");
}

#[test]
fn what_a_rollback_closed_is_not_adopted() {
    let (work, sandbox) = work("");
    work.import(&ARGUMENTS).0.expect(0);
    work.run(&["runs", "rollback", "last"]).expect(0);
    let adopt = [&["runs", "adopt"], &ARGUMENTS[..], &["--format", "json"]].concat();
    let told = work.run(&adopt).expect(0);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(
        (&told["rows"], &told["absent"]),
        (&json!(0), &json!(12)),
        "{told:#}"
    );
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(0);
    assert_eq!(summary["created"], 12, "{summary:#}");
    assert_eq!(sandbox.created("clearfeed").len(), 24);
}

const NOTES: [&str; 5] = [
    "notes.csv",
    "--mapping",
    "notes.toml",
    "--profile",
    "support",
];

/// Notes on tickets that were made; the first is lost.
fn noted(rows: &str) -> (Work, SandboxProcess) {
    let (work, sandbox) = work("");
    work.import(&ARGUMENTS).0.expect(0);
    work.write("notes.csv", format!("Id,Of,Text\n{rows}"));
    work.write(
        "notes.toml",
        "version = 1\nsystem = \"clearfeed\"\noperation = \"comment\"\nscope = \"notes\"\nkey = [\"Id\"]\n\
         target = { key = [\"Of\"], scope = \"desk\" }\n\n[fields]\nbody = { from = \"Text\" }\n",
    );
    let body = json!({"operation": "message", "fault": "reset-before-commit", "times": 1});
    sandbox.admin("POST", "faults", Some(body));
    (work, sandbox)
}

#[test]
fn a_note_that_was_lost_is_sent_again_where_another_ticket_shows_a_note() {
    let (work, _sandbox) = noted("a,3,Bought two\nb,4,Bought one\n");
    let (ended, summary) = work.import(&NOTES);
    ended.expect(0);
    assert_eq!(
        (&summary["commented"], &summary["requests"]),
        (&json!(2), &json!(3))
    );
}

#[test]
fn a_note_in_doubt_names_its_ticket_and_is_settled_by_one_word() {
    // No other note of the scope shows that notes are shown: nobody can tell whether it was made.
    let (work, sandbox) = noted("a,3,Bought two\n");
    let (ended, summary) = work.import(&NOTES);
    ended.expect(1);
    assert_eq!(summary["in_doubt"], 1, "{summary:#}");
    let shown = work.run(&["runs", "show", "last"]).expect(0).stdout;
    insta::assert_snapshot!("run_with_a_note_in_doubt", work.shown(&shown));

    let made = &sandbox.created("clearfeed")[3];
    let id = format!("req_{}", made["id"].as_str().unwrap());
    let told = work.run(&["runs", "settle", "last"]).expect(1).stderr;
    insta::assert_snapshot!("note_in_doubt", work.shown(&told));
    let told = work
        .run(&["runs", "settle", "last", "--format", "json"])
        .expect(1)
        .stdout;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["in_doubt"][0]["ticket"], id, "{told:#}");

    let refused = work.run(&["runs", "rollback", "last"]).expect(2);
    insta::assert_snapshot!("rollback_of_notes", work.shown(&refused.stderr));
    work.run(&["runs", "settle", "last", "--as", "done"])
        .expect(0);
    let ids = work.run(&["runs", "ids", "last"]).expect(0).stdout;
    assert!(ids.contains(&id), "{ids}");
    let (ended, summary) = work.import(&NOTES);
    ended.expect(0);
    assert_eq!(summary["skipped_because"]["done_before"], 1, "{summary:#}");
}
