//! Upserts: a file that is imported again and again makes what is new and updates what has changed, whatever breaks.

use std::fmt::Write as _;

use serde_json::Value;

use crate::follow::{Bench, FAULTS, Story, fields, head};
use crate::support::page_text;

fn mapping(system: &str) -> String {
    let further = match system {
        "clearfeed" => "priority = { from = \"Flag\", map = { a = \"low\", b = \"urgent\" } }\n",
        _ => "IsUrgent = { from = \"Flag\", parse = \"bool\", true = [\"b\"], false = [\"a\"] }\n",
    };
    head(system, "upsert", "kept") + fields(system) + further
}

/// Rows with a flag each.
fn sheet(rows: impl IntoIterator<Item = (usize, &'static str)>) -> String {
    let mut text = "Id,Title,Flag\n".to_owned();
    for (row, flag) in rows {
        writeln!(text, "t{row},Out of paper,{flag}").unwrap();
    }
    text
}

fn summary(bench: &Bench, further: &[&str]) -> Value {
    let output = bench.import("map.toml").args(further).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// A first import of some rows, then one of more rows of which some have changed, killed on its way.
fn assert_kept(system: &str, seed: u64) {
    let mut bench = Bench::new(system, seed, &FAULTS);
    bench.work.write("map.toml", mapping(system));
    bench
        .work
        .write("in.csv", sheet((0..20).map(|row| (row, "a"))));
    bench.carry("map.toml", 1, 400);
    let flag = |row| if row < 20 && row % 2 == 0 { "b" } else { "a" };
    bench
        .work
        .write("in.csv", sheet((0..40).map(|row| (row, flag(row)))));
    bench.carry("map.toml", 4, 500);
    let stories = bench.stories(system);
    assert_eq!(stories.len(), 40);
    for row in 0..40 {
        let mut story: Story = stories[&format!("t{row}")].clone();
        // What sets what it sets may go twice.
        story.dedup();
        let changes = usize::from(flag(row) == "b");
        assert_eq!(story.len(), 1 + changes, "t{row}: {story:?}");
        assert_eq!(story[0], "create", "t{row}: {story:?}");
    }
}

#[test]
fn incidents_are_made_once_and_kept_up_to_date() {
    assert_kept("incidentiq", 31);
}

#[test]
fn requests_are_made_once_and_kept_up_to_date() {
    assert_kept("clearfeed", 32);
}

#[test]
fn an_upsert_tells_what_it_made_updated_and_left() {
    let bench = Bench::new("clearfeed", 33, &[]);
    bench.work.write("map.toml", mapping("clearfeed"));
    bench.work.write("in.csv", sheet([(1, "a"), (2, "a")]));
    let first = summary(&bench, &[]);
    assert_eq!(
        (&first["created"], &first["updated"]),
        (&2.into(), &0.into()),
        "{first:#}"
    );
    bench
        .work
        .write("in.csv", sheet([(1, "a"), (2, "b"), (3, "a")]));
    // The dry run is the run.
    let dry = summary(&bench, &["--dry-run"]);
    assert_eq!(dry["would_create"], 1, "{dry:#}");
    assert_eq!(
        (&dry["would_update"], &dry["skipped"], &dry["requests"]),
        (&1.into(), &1.into(), &2.into())
    );
    // No update sets a description: only the new ticket shows one.
    summary(&bench, &["--dry-run", "--preview", "preview.html"]);
    let page = page_text(&bench.work.read("preview.html"));
    insta::assert_snapshot!("upsert_preview", bench.work.shown(&page));
    let output = bench.import("map.toml").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    insta::assert_snapshot!("upsert", bench.work.shown(&told));
    let second: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(second["requests"], dry["requests"]);
    let again = summary(&bench, &[]);
    assert_eq!(
        (&again["skipped_because"]["done_before"], &again["requests"]),
        (&3.into(), &0.into())
    );
    // Both stand in the list of the run; what it updated is not taken back with what it made.
    let run = second["run"].as_str().unwrap();
    let ids = bench.work.run(&["runs", "ids", run, "--format", "json"]);
    assert_eq!(ids.stdout.lines().count(), 2, "{}", ids.stdout);
    let back = ["runs", "rollback", run, "--format", "json"];
    let back = bench.work.run(&back).expect(0);
    let told: Value = serde_json::from_str(&back.stdout).unwrap();
    assert_eq!(told["undone"], 1, "{told:#}");
    insta::assert_snapshot!("rollback_of_an_upsert", bench.work.shown(&back.stderr));
    // What was taken back is made anew, and only that.
    let last = summary(&bench, &[]);
    assert_eq!(
        (&last["created"], &last["updated"], &last["skipped"]),
        (&1.into(), &0.into(), &2.into()),
        "{last:#}"
    );
}

#[test]
fn what_follows_grows_with_the_row_and_what_was_said_is_not_said_again() {
    let bench = Bench::new("incidentiq", 34, &[]);
    let notes = "[[then]]\noperation = \"comment\"\neach = { from = \"Notes\", split = \"|\" }\n\
                 fields = { body = { template = \"{{ item }}\" }, public = { value = true } }\n";
    bench.work.write("map.toml", mapping("incidentiq") + notes);
    let row = |flag: &str, notes: &str| {
        let text = format!("Id,Title,Flag,Notes\nt1,Out of paper,{flag},{notes}\n");
        bench.work.write("in.csv", text);
        summary(&bench, &[])
    };
    assert_eq!(row("a", "one")["created"], 1);
    assert_eq!(row("b", "one|two")["updated"], 1);
    let told = row("a", "ONE|two");
    assert_eq!(told["rejected"], 1, "{told:#}");
    let causes = format!("{:#}", told["causes"]);
    insta::assert_snapshot!("note_that_was_changed", bench.work.shown(&causes));
    assert_eq!(row("a", "one|two")["updated"], 1);
    let again = bench.import("map.toml").arg("--again").output().unwrap();
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    let story = &bench.stories("incidentiq")["t1"];
    assert_eq!(story[..2], ["create", "comment one"]);
    assert_eq!(story[3], "comment two");
    assert_eq!(story.len(), 5, "{story:?}");
}
