//! `--bulk`: many tickets by few requests, each ticket confirmed, and a run that was killed goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::follow::{Bench, fields, head};
use crate::support::Work;

const ROWS: usize = 320;
const TEAMS: [&str; 2] = ["Help Desk", "Network"];
/// Answers are lost and jobs are late, but nothing is left undone.
const FAULTS: [&str; 4] = [
    "latency=1ms..10ms",
    "reset-after-commit=0.05",
    "late-commit=0.05:50ms..500ms",
    "truncate=0.05",
];

fn team_of(row: usize) -> &'static str {
    TEAMS[row % TEAMS.len()]
}

/// The teams that each ticket was given to, by the title with which it was made.
fn given(bench: &Bench) -> BTreeMap<String, BTreeSet<String>> {
    let mut titles = BTreeMap::new();
    let mut given: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in bench.sandbox.audit() {
        let (id, body) = (entry["id"].to_string(), &entry["body"]);
        match entry["operation"].as_str() {
            Some("create") => drop(titles.insert(id, body["Subject"].as_str().unwrap().to_owned())),
            Some("assign") => {
                let team = body["AssignToTeamId"].as_str().unwrap().to_owned();
                given.entry(titles[&id].clone()).or_default().insert(team);
            }
            _ => {}
        }
    }
    given
}

#[test]
fn a_killed_bulk_run_goes_on_and_every_ticket_is_set_by_few_requests() {
    let mut bench = Bench::new("incidentiq", 6, &FAULTS);
    let mut text = "Id,Title,Team\n".to_owned();
    for row in 0..ROWS {
        writeln!(text, "t{row},Out of paper,{}", team_of(row)).unwrap();
    }
    bench.work.write("in.csv", text);
    let made = head("incidentiq", "create", "made") + fields("incidentiq");
    bench.work.write("made.toml", made);
    bench.carry("made.toml", 0, 1);
    let assign = head("incidentiq", "assign", "assigned")
        + "target = { key = [\"Id\"], scope = \"made\" }\n[fields]\nAssignedToTeamId = { from = \"Team\" }\n";
    bench.work.write("assign.toml", assign);

    // Both full groups have left; it dies while a smaller one is under way.
    let mut requests = 3;
    let killed = bench
        .import("assign.toml")
        .arg("--bulk")
        .env("DESKFERRY_CRASH", "after-send:3")
        .output()
        .unwrap();
    assert_ne!(killed.status.code(), Some(0), "{killed:?}");
    let mut together = 0;
    for _ in 0..4 {
        let output = bench.import("assign.toml").arg("--bulk").output().unwrap();
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        requests += summary["requests"].as_u64().unwrap();
        together += summary["bulk_requests"].as_u64().unwrap();
        if summary["skipped"] == ROWS {
            break;
        }
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("for many tickets at once"), "{told}");
    }
    let given = given(&bench);
    assert_eq!(given.len(), ROWS);
    for row in 0..ROWS {
        let (own, first) = (&given[&format!("t{row}")], &given[&format!("t{}", row % 2)]);
        assert!(own.len() == 1 && own == first, "{row}: {own:?}");
    }
    assert_ne!(given["t0"], given["t1"]);
    assert!(together > 0);
    assert!(requests < ROWS as u64 / 4, "{requests} requests");
}

#[test]
fn bulk_is_refused_where_nothing_can_go_together() {
    let work = Work::new();
    work.write("in.csv", "Id,Title\n1,one\n");
    let refused = |mapping: String| {
        work.write("map.toml", mapping);
        let import = [
            "import",
            "in.csv",
            "--mapping",
            "map.toml",
            "--sandbox",
            "--bulk",
        ];
        work.shown(&work.run(&import).expect(2).stderr)
    };
    let create = head("incidentiq", "create", "made") + fields("incidentiq");
    insta::assert_snapshot!("bulk_of_creates", refused(create));
    let assign = head("clearfeed", "assign", "assigned")
        + "target = { from = \"Id\" }\n[fields]\nassignee_id = { value = \"x\" }\n";
    insta::assert_snapshot!("bulk_in_clearfeed", refused(assign));
}
