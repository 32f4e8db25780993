//! Interrupted and killed at random moments, and started again: each row once.

use std::collections::HashSet;
use std::fmt::Write as _;
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
    stopped(work, &ARGUMENTS, pause, name)
}

#[cfg(unix)]
fn stopped(work: &Work, arguments: &[&str], pause: Duration, name: &str) -> Option<i32> {
    let mut child = work.command(arguments).spawn().unwrap();
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

/// `runs list` never says that something is under way whose process is gone; while it lives, it does.
#[cfg(unix)]
#[test]
fn a_run_whose_process_is_gone_is_not_running() {
    let work = work("gone");
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(
        &work,
        "rate = \"20/s\"\ncommit_within = \"300ms\"\nvisible_within = \"100ms\"",
    );
    let listed = || -> serde_json::Value {
        let listed = work.run(&["runs", "list", "--format", "json"]).expect(0);
        serde_json::from_str(&listed.stdout).unwrap()
    };
    for attempt in 1..=2 {
        let made = sandbox.created("clearfeed").len();
        let mut child = work.command(&ARGUMENTS).spawn().unwrap();
        let begun = Instant::now();
        while sandbox.created("clearfeed").len() == made {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing is sent");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(listed()[0]["state"], "running");
        signal(&child, "-KILL");
        child.wait().unwrap();
        let listed = listed();
        let attempts = listed[0]["attempts"].as_array().unwrap();
        let states: Vec<&str> = (attempts.iter())
            .map(|attempt| attempt["state"].as_str().unwrap())
            .collect();
        // The next attempt has found the process of the one before gone.
        assert_eq!(states, ["interrupted", "ended"][2 - attempt..]);
        assert_eq!(listed[0]["state"], "ended");
        for command in ["list", "show"] {
            let text = work.run(&["runs", command]).expect(0).stdout;
            assert!(
                text.contains("killed") && !text.contains("running"),
                "{text}"
            );
        }
    }
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
            // Nine answers in a row that say nothing: with ten of them the run would hold.
            let body = serde_json::json!({"operation": "create", "fault": fault, "times": 3});
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

const TICKETS: usize = 200;

const DISTRICT: [&str; 5] = ["in.csv", "--mapping", "map.toml", "--profile", "district"];

/// Tickets for IncidentIQ, each with a priority, which only a further request sets.
fn tickets(scope: &str) -> Work {
    let work = Work::new();
    work.write(
        "map.toml",
        format!(
            r#"version = 1
system = "incidentiq"
operation = "create"
scope = "{scope}"
key = ["Id"]

[fields]
Subject = {{ from = "Title" }}
IssueDescription = {{ from = "Title" }}
IssueId = {{ from = ["Category", "Problem"], resolve = "issue" }}
LocationId = {{ from = "Building", resolve = "location" }}
ForId = {{ from = "Mail", resolve = "user", match = "email" }}
Priority = {{ value = "High", resolve = "priority" }}
"#
        ),
    );
    let mut text = "Id,Title,Category,Problem,Building,Mail\n".to_owned();
    for id in 0..TICKETS {
        let rest =
            "Network,Site should be blocked,Jefferson Elementary,sofia.jackson@district.example";
        writeln!(text, "{id},Site {id} should be blocked,{rest}").unwrap();
    }
    work.write("in.csv", text);
    work
}

/// Every ticket was made once, and the priority of each was set.
#[track_caller]
fn assert_whole(sandbox: &SandboxProcess) {
    let created = sandbox.created("incidentiq");
    assert_eq!(created.len(), TICKETS);
    assert_once(&created);
    let set: HashSet<String> = sandbox
        .audit()
        .iter()
        .filter(|entry| entry["operation"] == "priority")
        .map(|entry| entry["id"].to_string())
        .collect();
    let open: Vec<_> = created
        .iter()
        .filter(|entry| !set.contains(&entry["id"].to_string()))
        .collect();
    assert!(open.is_empty(), "without a priority: {open:?}");
}

#[cfg(unix)]
#[test]
fn a_row_of_two_steps_that_is_stopped_at_random_is_made_once_and_whole() {
    let work = tickets("steps");
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(
        &work,
        "rate = \"150/s\"\ncommit_within = \"300ms\"\nvisible_within = \"100ms\"",
    );
    let mut arguments = vec!["import", "--quiet"];
    arguments.extend(DISTRICT);
    for round in 0..8 {
        let name = if round % 2 == 0 { "-INT" } else { "-KILL" };
        let pause = pause(round) + Duration::from_millis(250);
        stopped(&work, &arguments, pause, name);
    }
    let (ended, summary) = work.import(&DISTRICT);
    ended.expect(0);
    assert_balanced(&summary);
    assert_whole(&sandbox);
}

#[test]
fn lost_answers_to_either_step_leave_each_ticket_once_and_whole() {
    for temper in ["lenient", "live-like"] {
        let work = tickets("lost-steps");
        let sandbox = SandboxProcess::start(&work, &["--rate", "0", "--temper", temper]);
        sandbox.profiles(
            &work,
            "rate = \"300/s\"\ncommit_within = \"300ms\"\nvisible_within = \"100ms\"",
        );
        for operation in ["create", "priority"] {
            for fault in ["reset-after-commit", "reset-before-commit", "status-500"] {
                let body = serde_json::json!({"operation": operation, "fault": fault, "times": 3});
                sandbox.admin("POST", "faults", Some(body));
            }
        }
        let (ended, summary) = work.import(&DISTRICT);
        ended.expect(0);
        assert_eq!(summary["created"], TICKETS, "{temper}: {summary:#}");
        assert_balanced(&summary);
        assert_whole(&sandbox);
    }
}

#[test]
fn a_system_that_dies_and_comes_back_has_each_row_once() {
    let work = work("restarted");
    let data = work.path().join("data");
    let arguments = ["--rate", "0", "--data", data.to_str().unwrap()];
    let sandbox = SandboxProcess::start(&work, &arguments);
    let address = sandbox.address();
    sandbox.profiles(
        &work,
        "rate = \"200/s\"\ncommit_within = \"300ms\"\nvisible_within = \"100ms\"",
    );
    let import = work.command(&ARGUMENTS).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while sandbox.created("clearfeed").len() < 50 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(sandbox);
    std::thread::sleep(Duration::from_millis(700));
    let sandbox = SandboxProcess::start_at(&work, &address, &arguments);
    let output = import.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "it waits for the system and settles what was lost: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let (ended, summary) =
        work.import(&["in.csv", "--mapping", "map.toml", "--profile", "support"]);
    ended.expect(0);
    assert_eq!(summary["created"], 0);
    assert_balanced(&summary);
    let created = sandbox.created("clearfeed");
    assert_eq!(created.len(), ROWS);
    assert_once(&created);
}

#[test]
fn a_file_that_changes_under_the_run_stops_it_and_doubles_nothing() {
    let rows = |from: usize, to: usize| {
        let mut text = String::new();
        for id in from..to {
            writeln!(text, "{id},Printer {id} is out of paper").unwrap();
        }
        text
    };
    // More than the stages hold ahead of the system.
    let many = 8_000;
    let whole = format!("Id,Title\n{}", rows(0, many));
    for (name, changed) in [
        ("shorter", format!("Id,Title\n{}", rows(0, many / 2))),
        ("longer", format!("{whole}{}", rows(many, many + 5_000))),
    ] {
        let work = work("rewritten");
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        sandbox.profiles(&work, "rate = \"1500/s\"");
        work.write("in.csv", &whole);
        let mut all = ARGUMENTS.to_vec();
        all.extend(["--format", "json"]);
        let import = work.command(&all).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while sandbox.created("clearfeed").is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        work.write("in.csv", changed);
        let output = import.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{name}: {told}");
        assert!(told.contains("changed"), "{name}: {told}");
        let summary = serde_json::from_slice(&output.stdout).unwrap();
        assert_balanced(&summary);
        assert_once(&sandbox.created("clearfeed"));
    }
}
