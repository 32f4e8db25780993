//! `--diff`: a dry run reads the tickets that it would change, and tells what stands there now and what would.

use serde_json::Value;

use crate::follow::{Bench, fields, head};

const TARGET: &str = "target = { key = [\"Id\"], scope = \"made\" }\n";

/// Three tickets, and an update of them by names.
fn bench(system: &str, seed: u64, update: &str) -> Bench {
    let bench = Bench::new(system, seed, &[]);
    bench
        .work
        .write("made.toml", head(system, "create", "made") + fields(system));
    bench
        .work
        .write("in.csv", "Id,Title\n1,one\n2,two\n3,three\n");
    assert_eq!(json(&bench, "made.toml", &[])["created"], 3);
    bench.work.write(
        "update.toml",
        head(system, "update", "updated") + TARGET + update,
    );
    bench.work.write(
        "same.toml",
        head(system, "update", "again") + TARGET + update,
    );
    bench
}

fn json(bench: &Bench, mapping: &str, further: &[&str]) -> Value {
    let output = bench.import(mapping).args(further).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// What people read of it.
fn told(bench: &Bench, mapping: &str) -> String {
    let profile = bench.profile;
    let mut words = vec![
        "import",
        "in.csv",
        "--mapping",
        mapping,
        "--profile",
        profile,
    ];
    words.extend(["--directory", "d.json", "--dry-run", "--diff"]);
    let ended = bench.work.run(&words).expect(0);
    bench.work.shown(&ended.stderr)
}

#[test]
fn an_update_tells_by_names_what_would_change_on_incidents() {
    let update = "[fields]\nSubject = { from = \"Title\" }\n\
        IssueDescription = { from = \"Title\" }\n\
        Priority = { value = \"Low\" }\nIsUrgent = { value = true }\n\
        AssignedToUserId = { value = \"helpdesk@district.example\", match = \"email\" }\n\
        LocationId = { value = \"LHS\" }\nTags = { value = [\"moved\"] }\n";
    let bench = bench("incidentiq", 41, update);
    insta::assert_snapshot!("diff_incidents", told(&bench, "update.toml"));
    let found = json(&bench, "update.toml", &["--dry-run", "--diff"]);
    assert_eq!(
        (&found["compared_tickets"], &found["no_change"]),
        (&3.into(), &0.into())
    );
    let first = &found["diff"][0];
    assert_eq!(first["row"], 2);
    assert!(first["ticket"]["number"].is_string(), "{first:#}");
    assert_eq!(first["fields"][0]["field"], "Subject");
    assert_eq!(first["fields"][0]["would_be"], "one");
    // Nothing was sent, and then it is; another mapping that sets the same finds nothing to change.
    assert_eq!(json(&bench, "update.toml", &[])["updated"], 3);
    let same = json(&bench, "same.toml", &["--dry-run", "--diff"]);
    assert_eq!(
        (&same["no_change"], &same["diff"]),
        (&3.into(), &Value::Array(Vec::new())),
        "{same:#}"
    );
    // By hand.
    let number = first["ticket"]["number"].as_str().unwrap();
    let by_hand = |further: &[&str]| {
        let words = ["ticket", "update", number, "--profile", "district"];
        bench.work.run(&[&words, further].concat())
    };
    let told = by_hand(&[
        "--priority",
        "High",
        "--title",
        "one",
        "--dry-run",
        "--diff",
    ])
    .expect(0);
    insta::assert_snapshot!("diff_by_hand", bench.work.shown(&told.stdout));
    let refused = by_hand(&["--title", "x", "--diff"]).expect(2);
    insta::assert_snapshot!("diff_by_hand_for_real", bench.work.shown(&refused.stderr));
}

#[test]
fn what_cannot_be_read_back_of_a_request_is_said_to_be_so() {
    let update = "[fields]\ntitle = { from = \"Title\" }\npriority = { value = \"high\" }\n\
        status = { value = \"pending\" }\ntags = { value = [\"moved\"] }\n";
    let bench = bench("clearfeed", 42, update);
    insta::assert_snapshot!("diff_requests", told(&bench, "update.toml"));
    assert_eq!(json(&bench, "update.toml", &[])["updated"], 3);
    let same = json(&bench, "same.toml", &["--dry-run", "--diff"]);
    assert_eq!(same["no_change"], 0);
    assert_eq!(
        same["diff"][0]["fields"].as_array().unwrap().len(),
        1,
        "{same:#}"
    );
    assert_eq!(same["diff"][0]["fields"][0]["field"], "tags");
}

#[test]
fn an_upsert_tells_only_what_it_would_send() {
    let bench = Bench::new("incidentiq", 43, &[]);
    let mapping = head("incidentiq", "upsert", "kept")
        + fields("incidentiq")
        + "IsUrgent = { from = \"Flag\", parse = \"bool\" }\n";
    bench.work.write("map.toml", mapping);
    let sheet = |text: &str| bench.work.write("in.csv", text);
    sheet("Id,Title,Flag\n1,one,no\n2,two,no\n");
    assert_eq!(json(&bench, "map.toml", &[])["created"], 2);
    sheet("Id,Title,Flag\n1,one,no\n2,two,yes\n3,three,no\n");
    let found = json(&bench, "map.toml", &["--dry-run", "--diff"]);
    assert_eq!(
        (&found["would_create"], &found["would_update"]),
        (&1.into(), &1.into())
    );
    let rows = found["diff"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{found:#}");
    let told = serde_json::json!([{"field": "IsUrgent", "now": "false", "would_be": "true"}]);
    assert_eq!(rows[0]["fields"], told);
}

#[test]
fn a_row_that_only_gains_a_comment_is_told() {
    let bench = Bench::new("incidentiq", 45, &[]);
    let mapping = head("incidentiq", "upsert", "kept")
        + fields("incidentiq")
        + "[[then]]\noperation = \"comment\"\neach = { from = \"Note\", split = \"|\" }\n\
           fields = { body = { template = \"{{ item }}\" }, public = { value = true } }\n";
    bench.work.write("map.toml", mapping);
    let sheet = |text: &str| bench.work.write("in.csv", text);
    sheet("Id,Title,Note\n1,one,\n2,two,\n");
    assert_eq!(json(&bench, "map.toml", &[])["created"], 2);
    sheet("Id,Title,Note\n1,one,\n2,two,Called back\n");
    let found = json(&bench, "map.toml", &["--dry-run", "--diff"]);
    assert_eq!(found["no_change"], 0, "{found:#}");
    let rows = found["diff"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{found:#}");
    assert_eq!(rows[0]["fields"], serde_json::json!([]));
    let deeds = serde_json::json!([{"call": "comment", "text": "Called back"}]);
    assert_eq!(rows[0]["then"], deeds);
    insta::assert_snapshot!("diff_of_a_comment", told(&bench, "map.toml"));
}

#[test]
fn a_difference_that_nobody_could_tell_is_refused() {
    let update = "[fields]\ntitle = { from = \"Title\" }\n";
    let bench = bench("clearfeed", 44, update);
    for (scene, mapping, further) in [
        ("diff_for_real", "update.toml", &["--diff"][..]),
        ("diff_of_creates", "made.toml", &["--diff", "--dry-run"]),
    ] {
        let output = bench.import(mapping).args(further).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        insta::assert_snapshot!(scene, bench.work.shown(&told));
    }
}
