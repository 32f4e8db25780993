//! What `verify` says of runs of every kind: rows that were refused and corrected, tickets that people have changed since,
//! rows that act on tickets, samples, columns that nobody mapped.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{SandboxProcess, Work};

const MAPPING: &str = r#"version = 2
system = "clearfeed"
operation = "create"
scope = "arrived"
key = ["Id"]

[fields]
title = { from = "Title" }
description = { from = "Title" }
collection_id = { from = "Queue" }
priority = { from = "Priority" }
"#;

struct Bench {
    work: Work,
    sandbox: SandboxProcess,
}

impl Bench {
    fn new(mapping: &str, rows: &str) -> Self {
        let work = Work::new();
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        sandbox.profiles(
            &work,
            "rate = \"100000/s\"\ncommit_within = \"100ms\"\nvisible_within = \"100ms\"",
        );
        work.write("map.toml", mapping);
        work.write("in.csv", rows);
        Self { work, sandbox }
    }

    fn import(&self, mapping: &str, code: i32) {
        let arguments = ["in.csv", "--mapping", mapping, "--profile", "support"];
        self.work.import(&arguments).0.expect(code);
    }

    fn verify(&self, further: &[&str], code: i32) -> Value {
        let mut arguments = vec!["verify", "last", "--format", "json"];
        arguments.extend(further);
        let ended = self.work.run(&arguments).expect(code);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// The number of the request of a row, as the API's paths take it.
    fn request(&self, key: &str) -> String {
        let ids = self.work.run(&["runs", "ids", "last", "--format", "json"]);
        let made = ids.expect(0).stdout;
        let mut made = made
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let made = made.find(|made| made["_key"] == key).unwrap();
        made["_id"]
            .as_str()
            .unwrap()
            .trim_start_matches("req_")
            .to_owned()
    }
}

fn rows(count: usize) -> String {
    let rows = (0..count).map(|row| format!("{row},Beamer {row} flickers,IT Support,high\n"));
    format!("Id,Title,Queue,Priority\n{}", rows.collect::<String>())
}

/// (what, result, whether it is open, key) of each finding.
fn findings(report: &Value) -> Vec<(String, String, bool, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|it| {
            (
                text(&it["what"]),
                text(&it["result"]),
                it["is_open"] == true,
                text(&it["key"]),
            )
        })
        .collect()
}

fn finding(what: &str, result: &str, is_open: bool, key: &str) -> (String, String, bool, String) {
    (what.to_owned(), result.to_owned(), is_open, key.to_owned())
}

#[test]
fn what_was_refused_has_not_arrived_until_it_is_corrected() {
    let rows = rows(4).replace("2 flickers,IT Support", "2 flickers,It Suport");
    let bench = Bench::new(MAPPING, &rows);
    bench.import("map.toml", 1);
    let report = bench.verify(&[], 1);
    assert_eq!(findings(&report), [finding("ticket", "missing", true, "2")]);
    assert_eq!(report["tally"]["with_ticket"], 3, "{report:#}");
    // The error file is an attempt at the same run.
    let errors = bench
        .work
        .read("in.errors.csv")
        .replace("It Suport", "IT Support");
    bench.work.write("in.errors.csv", errors);
    bench
        .work
        .run(&["runs", "retry", "last", "in.errors.csv"])
        .expect(0);
    let report = bench.verify(&[], 0);
    assert_eq!(findings(&report), []);
    assert_eq!(report["tally"]["equal"], 4, "{report:#}");
    assert_eq!(report["digests"]["inputs"].as_array().unwrap().len(), 2);
}

#[test]
fn the_work_of_others_explains_fields_and_comments_but_no_text() {
    let bench = Bench::new(MAPPING, &rows(5));
    bench.import("map.toml", 0);
    // ClearFeed shows whole seconds.
    std::thread::sleep(Duration::from_millis(1_500));
    let path = |key: &str, more: &str| format!("v1/rest/requests/{}{more}", bench.request(key));
    let change = |method: &str, path: String, body: Value| {
        bench.sandbox.person(method, "clearfeed", &path, body);
    };
    change("PATCH", path("1", ""), json!({"priority": "low"}));
    change(
        "POST",
        path("2", "/message"),
        json!({"html_body": "I am on it"}),
    );
    let report = bench.verify(&[], 0);
    let explained = [
        finding("priority", "differs", false, "1"),
        finding("comment", "extra", false, "2"),
    ];
    assert_eq!(findings(&report), explained, "{report:#}");
    assert_eq!(report["tally"]["explained"], 2, "{report:#}");
    change("PATCH", path("3", ""), json!({"title": "Another one"}));
    let report = bench.verify(&[], 1);
    assert_eq!(findings(&report)[2], finding("title", "differs", true, "3"));
    let table = bench.work.read("verify.csv");
    assert_eq!(table.lines().count(), 4, "{table}");
    let page = bench.work.read("verify.html");
    assert!(
        page.contains("1 difference is open.") && page.contains("Signature"),
        "{page}"
    );
}

#[test]
fn a_column_that_nobody_mapped_is_lost_until_it_is_dropped() {
    let rows = "Id,Title,Queue,Priority,Room,Empty\n1,Beamer flickers,IT Support,high,R12,\n";
    let bench = Bench::new(MAPPING, rows);
    bench.import("map.toml", 0);
    let report = bench.verify(&[], 1);
    assert_eq!(report["lost_columns"], json!(["Room"]), "{report:#}");
    assert_eq!(report["tally"]["open"], 0, "{report:#}");
    let dropped = MAPPING.replace("key =", "drop = \"Room\"\nkey =");
    bench.work.write("map.toml", dropped);
    let report = bench.verify(&[], 0);
    assert_eq!(report["lost_columns"], json!([]), "{report:#}");
    // The mapping is another one now, and the report says so.
    assert!(
        report["notes"][0].as_str().unwrap().contains("has changed"),
        "{report:#}"
    );
}

#[test]
fn rows_that_act_on_tickets_are_verified_too() {
    let bench = Bench::new(MAPPING, &rows(4));
    bench.import("map.toml", 0);
    let comment = MAPPING.split("[fields]").next().unwrap().to_owned()
        + "target = { key = [\"Id\"], scope = \"arrived\" }\n[fields]\nbody = { from = \"Title\" }\npublic = { value = true }\n";
    let comment = comment.replace("\"create\"", "\"comment\"").replace(
        "scope = \"arrived\"\nkey",
        "scope = \"said\"\ndrop = [\"Queue\", \"Priority\"]\nkey",
    );
    bench.work.write("comment.toml", comment);
    bench.import("comment.toml", 0);
    let report = bench.verify(&[], 0);
    assert_eq!(findings(&report), [], "{report:#}");
    assert_eq!(
        (&report["tally"]["equal"], &report["tally"]["comments"]),
        (&json!(4), &json!(4))
    );
}

#[test]
fn a_sample_is_chosen_by_its_seed_and_says_what_it_proves() {
    let bench = Bench::new(MAPPING, &rows(30));
    bench.import("map.toml", 0);
    let report = bench.verify(&["--sample", "12", "--seed", "7"], 0);
    assert_eq!(report["choice"], json!({"sample": {"size": 12, "seed": 7}}));
    assert_eq!(report["tally"]["compared"], 12, "{report:#}");
    let below = report["confidence"]["below"].as_f64().unwrap();
    assert!((below - 0.2209).abs() < 0.001, "{below}");
    let told = bench
        .work
        .run(&["verify", "last", "--sample", "12", "--seed", "7"]);
    let told = told.expect(0).stderr;
    assert!(
        told.contains("0 of 12 tickets differ: with 95 % confidence fewer than 23 % of all 30 do."),
        "{told}"
    );
    insta::assert_snapshot!("sample", bench.work.shown(&told));
}

#[test]
fn what_was_read_once_cannot_be_verified() {
    let bench = Bench::new(MAPPING, &rows(2));
    bench.import("map.toml", 0);
    std::fs::remove_file(bench.work.path().join("in.csv")).unwrap();
    let told = bench.work.run(&["verify"]).expect(2).stderr;
    insta::assert_snapshot!("no_input", bench.work.shown(&told));
}

const FILES: &str = "[[then]]\noperation = \"attach\"\neach = { from = \"Files\", split = \";\" }\n\
    fields = { file = { from = \"item\" } }\n";

#[test]
fn a_file_that_the_archive_has_lost_or_changed_is_found() {
    let rows = "Id,Title,Queue,Priority,Files\n1,one,IT Support,high,a.txt;b.txt;c.txt\n2,two,IT Support,high,a.txt\n";
    let bench = Bench::new(&format!("{MAPPING}{FILES}"), rows);
    for name in ["a.txt", "b.txt", "c.txt"] {
        bench.work.write(name, format!("what {name} says"));
    }
    bench.import("map.toml", 0);
    let report = bench.verify(&[], 0);
    assert_eq!(findings(&report), [], "{report:#}");
    std::fs::remove_file(bench.work.path().join("attachments/1/a.txt")).unwrap();
    bench.work.write("attachments/1/c.txt", "what c.txt sais");
    let report = bench.verify(&[], 1);
    let lost = [
        finding("file `a.txt`", "missing", true, "1"),
        finding("file `c.txt`", "differs", true, "1"),
    ];
    assert_eq!(findings(&report), lost, "{report:#}");
}

#[test]
fn a_step_in_doubt_is_open_whatever_the_ticket_shows() {
    let rows = "Id,Title,Queue,Priority,Files\n1,one,IT Support,high,a.txt\n";
    let mapping = "version = 2\nsystem = \"incidentiq\"\noperation = \"create\"\nscope = \"hung\"\nkey = [\"Id\"]\n\
        drop = [\"Queue\", \"Priority\"]\n[fields]\nSubject = { from = \"Title\" }\nIssueDescription = { value = \"x\" }\n\
        IssueId = { value = \"Other\" }\nLocationId = { value = \"District Office\" }\n\
        ForId = { value = \"helpdesk@district.example\" }\n";
    let bench = Bench::new(&format!("{mapping}{FILES}"), rows);
    bench.work.write("a.txt", "it broke");
    let import = || {
        let mut command = bench
            .work
            .command(&["import", "in.csv", "--mapping", "map.toml"]);
        command.args(["--profile", "district"]);
        command
    };
    // The link of the file is obeyed, and nobody hears of it.
    let died = import().env("DESKFERRY_CRASH", "after-send:3").output();
    assert!(!died.unwrap().status.success());
    let report = bench.verify(&[], 1);
    let doubt = finding("step `then-1/attach`", "missing", true, "1");
    assert_eq!(findings(&report), [doubt], "{report:#}");
    assert!(import().output().unwrap().status.success());
    let report = bench.verify(&[], 0);
    assert_eq!(findings(&report), [], "{report:#}");
}

#[test]
fn a_row_that_the_input_has_no_more_is_open() {
    let bench = Bench::new(MAPPING, &rows(4));
    bench.import("map.toml", 0);
    bench.work.write("in.csv", rows(3));
    let report = bench.verify(&[], 1);
    assert_eq!(findings(&report), [finding("row", "unreadable", true, "3")]);
    let told = bench.work.run(&["verify", "last"]).expect(1).stderr;
    assert!(told.contains("key `3`, ticket CF-"), "{told}");
}
