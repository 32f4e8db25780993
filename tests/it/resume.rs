//! Interrupted and killed at random moments, and started again: each row once.

use std::time::{Duration, Instant};

use crate::import::{assert_balanced, assert_once};
use crate::support::{SandboxProcess, Work};

const ROWS: usize = 400;

fn work(scope: &str) -> Work {
    let work = Work::new();
    work.write(
        "map.toml",
        format!(
            "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"{scope}\"\nkey = [\"Id\"]\n\n[fields]\n\
             title = {{ from = \"Title\" }}\ndescription = {{ from = \"Title\" }}\n\
             collection_id = {{ value = \"IT Support\", resolve = \"collection\" }}\n"
        ),
    );
    let mut text = "Id,Title\n".to_owned();
    for id in 0..ROWS {
        text.push_str(&format!("{id},Printer {id} is out of paper\n"));
    }
    work.write("in.csv", text);
    work
}

const ARGUMENTS: [&str; 7] = [
    "import",
    "in.csv",
    "--mapping",
    "map.toml",
    "--profile",
    "support",
    "--quiet",
];

/// Numbers that differ from round to round and are the same every time the test runs.
fn pause(round: u64) -> Duration {
    Duration::from_millis(30 + (round * 7919) % 370)
}

#[cfg(unix)]
fn signal(child: &std::process::Child, name: &str) {
    let id = child.id().to_string();
    std::process::Command::new("kill")
        .args([name, &id])
        .status()
        .unwrap();
}

/// Starts the import, lets it go on for a while, stops it with a signal; says whether it ended by itself.
#[cfg(unix)]
fn stopped_after(work: &Work, pause: Duration, name: &str) -> Option<i32> {
    let mut child = work.command(&ARGUMENTS).spawn().unwrap();
    let until = Instant::now() + pause;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&child, name);
    child.wait().unwrap().code()
}

#[cfg(unix)]
#[test]
fn ctrl_c_ten_times_over_leaves_each_row_once() {
    let work = work("interrupted");
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"150/s\"");
    for round in 0..10 {
        let code = stopped_after(&work, pause(round), "-INT");
        // An interrupt before the handler stands ends the program by the signal itself.
        assert!(
            matches!(code, Some(130 | 0) | None),
            "round {round}: {code:?}"
        );
    }
    let (ended, summary) =
        work.import(&["in.csv", "--mapping", "map.toml", "--profile", "support"]);
    ended.expect(0);
    assert_balanced(&summary);
    let created = sandbox.created("clearfeed");
    assert_eq!(created.len(), ROWS);
    assert_once(&created);
}

#[cfg(unix)]
#[test]
fn kill_nine_leaves_each_row_once() {
    let work = work("killed");
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(
        &work,
        "rate = \"150/s\"\ncommit_within = \"300ms\"\nvisible_within = \"100ms\"",
    );
    for round in 0..5 {
        stopped_after(&work, pause(round) + Duration::from_millis(150), "-KILL");
    }
    let (ended, summary) =
        work.import(&["in.csv", "--mapping", "map.toml", "--profile", "support"]);
    ended.expect(0);
    assert_balanced(&summary);
    let created = sandbox.created("clearfeed");
    assert_eq!(created.len(), ROWS);
    assert_once(&created);
}

#[test]
fn an_answer_that_is_lost_is_looked_up_before_anything_is_sent_again() {
    for dialect in ["v1", "rest"] {
        let work = work("lost");
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        let further = format!(
            "rate = \"300/s\"\ncommit_within = \"300ms\"\nvisible_within = \"100ms\"\ndialect = \"{dialect}\""
        );
        let config = |text: String| text.replacen(&format!("dialect = \"{dialect}\"\n"), "", 1);
        sandbox.profiles(&work, &further);
        // IncidentIQ has no dialect.
        work.write("deskferry.toml", config(work.read("deskferry.toml")));
        for fault in ["reset-after-commit", "reset-before-commit", "status-500"] {
            let body = serde_json::json!({"operation": "create", "fault": fault, "times": 4});
            sandbox.admin("POST", "faults", Some(body));
        }
        let (ended, summary) =
            work.import(&["in.csv", "--mapping", "map.toml", "--profile", "support"]);
        ended.expect(0);
        assert_eq!(summary["created"], ROWS, "{summary:#}");
        assert_balanced(&summary);
        let created = sandbox.created("clearfeed");
        assert_eq!(created.len(), ROWS);
        assert_once(&created);
    }
}

#[test]
fn a_row_in_doubt_without_a_marker_is_never_sent_again() {
    let work = work("unmarked");
    work.write(
        "map.toml",
        work.read("map.toml")
            .replace("key =", "marker = \"none\"\nkey ="),
    );
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(
        &work,
        "rate = \"1000/s\"\ncommit_within = \"100ms\"\nvisible_within = \"100ms\"",
    );
    let body =
        serde_json::json!({"operation": "create", "fault": "reset-after-commit", "times": 3});
    sandbox.admin("POST", "faults", Some(body));
    let (ended, summary) =
        work.import(&["in.csv", "--mapping", "map.toml", "--profile", "support"]);
    ended.expect(1);
    assert_eq!(
        (&summary["created"], &summary["in_doubt"]),
        (&(ROWS - 3).into(), &3.into()),
        "{summary:#}"
    );
    assert!(
        summary["error_files"].as_array().unwrap().is_empty(),
        "rows in doubt are never in the error file"
    );
    let (_, summary) = work.import(&["in.csv", "--mapping", "map.toml", "--profile", "support"]);
    assert_eq!(summary["created"], 0, "{summary:#}");
    assert_eq!(sandbox.created("clearfeed").len(), ROWS);
}
