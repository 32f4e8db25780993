//! A file that has changed since it was sent, a scope that was renamed, keys that are written in another way, and
//! rows that are sent once more on purpose.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{SandboxProcess, Work};

const ARGUMENTS: [&str; 5] = ["in.csv", "--mapping", "map.toml", "--profile", "support"];

fn mapping(scope: &str) -> String {
    format!(
        "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"{scope}\"\nkey = [\"Id\"]\n\n[fields]\n\
         title = {{ from = \"Title\" }}\ndescription = {{ from = \"Title\" }}\n\
         collection_id = {{ value = \"IT Support\", resolve = \"collection\" }}\n"
    )
}

fn rows(ids: impl IntoIterator<Item = String>) -> String {
    let mut text = "Id,Title\n".to_owned();
    for id in ids {
        writeln!(text, "{id},Printer {id} is out of paper").unwrap();
    }
    text
}

fn numbers(from: u32, to: u32) -> impl Iterator<Item = String> {
    (from..to).map(|id| id.to_string())
}

fn start() -> (Work, SandboxProcess) {
    let work = Work::new();
    work.write("map.toml", mapping("desk"));
    work.write("in.csv", rows(numbers(0, 20)));
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"2000/s\"");
    (work, sandbox)
}

/// The rows of one finding, one by one.
fn told(summary: &Value, what: &str) -> Vec<u64> {
    let ranges = summary["compared"][what]["rows"].as_array().unwrap();
    ranges
        .iter()
        .flat_map(|range| range["from"].as_u64().unwrap()..=range["to"].as_u64().unwrap())
        .collect()
}

#[test]
fn a_file_that_was_extended_sorted_and_mended_is_told_row_by_row() {
    let (work, sandbox) = start();
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(0);
    assert_eq!(
        summary["compared"],
        Value::Null,
        "there was nothing to compare with"
    );

    // Sorted the other way round, one row fixed, three added.
    let mut ids: Vec<String> = numbers(0, 20).collect();
    ids.reverse();
    let changed =
        rows(ids.into_iter().chain(numbers(20, 23))).replace("Printer 7 is", "The printer 7 is");
    work.write("in.csv", changed);
    let (ended, summary) = work.import(&[&ARGUMENTS[..], &["--dry-run"]].concat());
    let ended = ended.expect(1);
    insta::assert_snapshot!("file_that_has_changed", work.shown(&ended.stderr));
    assert_eq!(told(&summary, "new"), [22, 23, 24]);
    assert_eq!(told(&summary, "changed"), [14]);
    assert_eq!(told(&summary, "already_sent").len(), 19);
    assert_eq!(summary["compared"]["moved"]["count"], 19);

    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(1);
    assert_eq!(summary["created"], 3);
    assert_eq!(told(&summary, "changed"), [14]);
    assert_eq!(sandbox.created("clearfeed").len(), 23);
    let errors = work
        .run(&["runs", "errors", "last", "--format", "json"])
        .expect(0);
    assert!(errors.stdout.contains("\"changed\""), "{}", errors.stdout);
    // The same bytes again: nothing has changed, and nothing is compared.
    let (_, summary) = work.import(&ARGUMENTS);
    assert_eq!(summary["compared"], Value::Null);
}

#[test]
fn again_sends_what_is_done_once_more_after_saying_so() {
    let (work, sandbox) = start();
    work.import(&ARGUMENTS).0.expect(0);
    let some = [&ARGUMENTS[..], &["--again", "--rows", "2-4"]].concat();
    let (ended, summary) = work.import(&[&some[..], &["--dry-run"]].concat());
    let ended = ended.expect(0);
    insta::assert_snapshot!("again_rehearsed", work.shown(&ended.stderr));
    assert_eq!(summary["would_create"], 3, "the dry run is the run");
    assert_eq!(sandbox.created("clearfeed").len(), 20);

    let (ended, summary) = work.import(&some);
    insta::assert_snapshot!("again", work.shown(&ended.stderr));
    assert_eq!(summary["created"], 3);
    assert_eq!(sandbox.created("clearfeed").len(), 23);
    // Once more is once: the plain command leaves them alone.
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(0);
    assert_eq!(summary["created"], 0);
    assert_eq!(sandbox.created("clearfeed").len(), 23);
}

#[test]
fn an_answer_lost_while_sending_again_is_not_taken_for_the_first_ticket() {
    let (work, sandbox) = start();
    sandbox.profiles(
        &work,
        "rate = \"2000/s\"\ncommit_within = \"300ms\"\nvisible_within = \"100ms\"",
    );
    work.import(&ARGUMENTS).0.expect(0);
    for fault in ["reset-before-commit", "reset-after-commit"] {
        let body = serde_json::json!({"operation": "create", "fault": fault, "times": 2});
        sandbox.admin("POST", "faults", Some(body));
    }
    let (ended, summary) = work.import(&[&ARGUMENTS[..], &["--again"]].concat());
    ended.expect(0);
    assert_eq!(summary["created"], 20, "{summary:#}");
    let created = sandbox.created("clearfeed");
    assert_eq!(created.len(), 40, "each row twice, none three times");
    let mut markers: Vec<&str> = created
        .iter()
        .map(|entry| entry["marker"].as_str().unwrap())
        .collect();
    markers.sort_unstable();
    assert!(
        markers.chunks(2).all(|pair| pair[0] == pair[1]),
        "{markers:?}"
    );
}

#[test]
fn rows_that_are_done_under_another_scope_stop_the_run() {
    let (work, sandbox) = start();
    work.import(&ARGUMENTS).0.expect(0);
    work.write("map.toml", mapping("desk-2"));
    let ended = work.run(&[&["import"], &ARGUMENTS[..]].concat()).expect(2);
    insta::assert_snapshot!("rows_of_another_scope", work.shown(&ended.stderr));
    assert_eq!(sandbox.created("clearfeed").len(), 20);

    // Another school numbers its tickets from 0 too: other rows, which nothing holds back.
    work.write("in.csv", rows(numbers(0, 5)).replace("Printer", "Beamer"));
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(0);
    assert_eq!(summary["created"], 5);
    assert_eq!(summary["compared"]["keys_of_other_scopes"], 5);
}

#[test]
fn a_key_that_is_written_in_another_way_is_told() {
    let (work, sandbox) = start();
    work.write("in.csv", rows(["0017", "INC-5", "9"].map(str::to_owned)));
    work.import(&ARGUMENTS).0.expect(0);
    work.write(
        "in.csv",
        rows(["17", "INC 05", "9", "90"].map(str::to_owned)),
    );
    let (ended, summary) = work.import(&[&ARGUMENTS[..], &["--dry-run"]].concat());
    let ended = ended.expect(0);
    insta::assert_snapshot!("key_in_another_spelling", work.shown(&ended.stderr));
    let near = &summary["compared"]["near_keys"];
    assert_eq!(near["count"], 2, "{near:#}");
    assert_eq!(near["first"][0]["row"], 2, "{near:#}");
    assert_eq!(sandbox.created("clearfeed").len(), 3);
}

#[test]
fn a_scope_that_another_ledger_has_sent_is_not_sent_again() {
    let (work, sandbox) = start();
    work.import(&ARGUMENTS).0.expect(0);
    std::fs::rename(work.state(), work.path().join("the-other-computer")).unwrap();
    let ended = work.run(&[&["import"], &ARGUMENTS[..]].concat()).expect(2);
    insta::assert_snapshot!("scope_of_another_ledger", work.shown(&ended.stderr));
    assert_eq!(sandbox.created("clearfeed").len(), 20);
}

#[test]
fn a_run_that_cannot_begin_gives_no_key_up() {
    let (work, sandbox) = start();
    work.import(&ARGUMENTS).0.expect(0);
    let again = [&["import"], &ARGUMENTS[..], &["--again"]].concat();
    // What was typed is wrong, which only shows when the files are opened.
    work.run(&[&again[..], &["--outcomes", "in.csv"]].concat())
        .expect(2);
    let crash = work
        .command(&again)
        .env("DESKFERRY_CRASH", "nowhere")
        .output()
        .unwrap();
    assert_eq!(crash.status.code(), Some(2));
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(0);
    assert_eq!(summary["created"], 0, "{summary:#}");
    assert_eq!(sandbox.created("clearfeed").len(), 20);
}

#[test]
fn again_frees_no_more_keys_than_its_limit_sends() {
    let (work, sandbox) = start();
    work.import(&ARGUMENTS).0.expect(0);
    // Two differing rows under one key are faulty: nothing is sent for them, so they take nothing from the limit.
    let text = work
        .read("in.csv")
        .replace("Id,Title\n", "Id,Title\n70,One\n70,Other\n");
    work.write("in.csv", text);
    let some = [&ARGUMENTS[..], &["--again", "--limit", "4"]].concat();
    let (_, shown) = work.import(&[&some[..], &["--dry-run"]].concat());
    let (_, summary) = work.import(&some);
    assert_eq!(summary["created"], shown["would_create"], "{summary:#}");
    assert_eq!(summary["created"], 4, "{summary:#}");
    // Nothing else was freed.
    let (_, summary) = work.import(&ARGUMENTS);
    assert_eq!(summary["created"], 0, "{summary:#}");
    assert_eq!(sandbox.created("clearfeed").len(), 24);
}
