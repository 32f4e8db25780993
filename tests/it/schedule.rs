//! Exports that are repeated, run by the real program against the sandbox.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Ended, SandboxProcess, Work};

/// Adds a schedule of an export to the profile `district`.
fn add(work: &Work, name: &str, flags: &[&str], export: &[&str]) -> Ended {
    let mut words = vec!["schedule", "add", name];
    words.extend(flags);
    words.push("--");
    words.extend(export);
    work.run(&words)
}

const WEEKLY: [&str; 4] = ["--every", "monday", "--at", "07:00"];

fn listed(work: &Work, name: &str) -> Value {
    let text = work
        .run(&["schedule", "list", "--format", "json"])
        .expect(0)
        .stdout;
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    all.into_iter()
        .find(|one| one["name"] == name)
        .unwrap_or_else(|| panic!("no {name}: {text}"))
}

/// The files of a folder but for backups, which a second run in one minute leaves.
fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".bak"))
        .collect();
    names.sort();
    names
}

/// Sets the moment up to which a schedule is done with.
fn done_until(work: &Work, name: &str, moment: &str) {
    let path = work
        .state()
        .join("schedules")
        .join(name)
        .join("history.json");
    let history = fs::read(&path)
        .ok()
        .map(|text| serde_json::from_slice::<Value>(&text).unwrap());
    let mut history =
        history.unwrap_or_else(|| serde_json::json!({"done_until": null, "runs": [], "files": []}));
    history["done_until"] = moment.into();
    fs::write(path, history.to_string()).unwrap();
}

#[test]
fn an_export_is_repeated_kept_and_followed_up() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "timezone = \"America/Chicago\"");
    let ticket = [
        "--title",
        "Beamer",
        "--requester",
        "helpdesk@district.example",
        "--issue",
        "Other",
        "--place",
        "LHS",
    ];
    work.run(&[&["ticket", "create", "--profile", "district"], &ticket[..]].concat())
        .expect(0);
    fs::create_dir(work.path().join("out")).unwrap();
    work.write("out/tickets-of-ada.jsonl", "hers");
    let hook = |word: &str| {
        format!(
            "echo {word} $DESKFERRY_SCHEDULE $DESKFERRY_EXIT \"$DESKFERRY_FILE\" >> hooks.txt; echo told"
        )
    };
    let (success, failure) = (hook("success"), hook("failure"));
    let mut flags = WEEKLY.to_vec();
    flags.extend([
        "--keep",
        "1",
        "--on-success",
        &success,
        "--on-failure",
        &failure,
    ]);
    let added = add(
        &work,
        "weekly",
        &flags,
        &[
            "export",
            "-o",
            "out/tickets-{date}-{time}.jsonl",
            "--profile",
            "district",
        ],
    )
    .expect(0);
    insta::assert_snapshot!("added", work.shown(&added.stderr));
    // The hour of the zone, in summer and in winter.
    assert!(added.stderr.contains("07:00 C"), "{}", added.stderr);

    // Run by hand: the file has its name, the history and the log tell of it, the command of the user has run.
    let once = work
        .run(&["schedule", "run", "weekly", "--once", "--format", "json"])
        .expect(0);
    let document: Value = serde_json::from_str(&once.stdout).unwrap();
    let written = PathBuf::from(document["run"]["files"][0].as_str().unwrap());
    assert_eq!(fs::read_to_string(&written).unwrap().lines().count(), 1);
    let now = listed(&work, "weekly");
    assert_eq!(now["last"]["outcome"], "done");
    assert_eq!(now["missed"], 0);
    let log = fs::read_to_string(now["log"].as_str().unwrap()).unwrap();
    insta::assert_snapshot!("log_of_a_run", work.shown(&log));
    let file = written.file_name().unwrap().to_str().unwrap().to_owned();
    let hooks = work.read("hooks.txt");
    assert!(
        hooks.starts_with("success weekly 0 ") && hooks.trim_end().ends_with(&file),
        "{hooks}"
    );

    // An older file of its own goes, that of somebody else stays.
    let older = work.path().join("out/tickets-2020-01-01-0700.jsonl");
    fs::rename(&written, &older).unwrap();
    let path = work.state().join("schedules/weekly/history.json");
    let history = fs::read_to_string(&path)
        .unwrap()
        .replace(&file, "tickets-2020-01-01-0700.jsonl");
    fs::write(&path, history).unwrap();
    work.run(&["schedule", "run", "weekly", "--now"]).expect(0);
    let left = files(&work.path().join("out"));
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(
        !older.exists() && left.contains(&"tickets-of-ada.jsonl".to_owned()),
        "{left:?}"
    );

    // What was missed is caught up once.
    done_until(&work, "weekly", "2026-01-01T00:00:00Z");
    assert!(listed(&work, "weekly")["missed"].as_u64().unwrap() > 10);
    let people = work.run(&["schedule", "list"]).expect(0).stdout;
    insta::assert_snapshot!("missed", work.shown(&people));
    work.run(&["schedule", "run", "--due"]).expect(0);
    assert_eq!(listed(&work, "weekly")["missed"], 0);
    let runs = work.read("hooks.txt").lines().count();
    work.run(&["schedule", "run", "--due"]).expect(0);
    assert_eq!(work.read("hooks.txt").lines().count(), runs);

    // A failure is one clear line, the exit code of the export, and the other command.
    drop(sandbox);
    let failed = work.run(&["schedule", "run", "weekly", "--once"]).expect(3);
    insta::assert_snapshot!("failed", work.shown(&failed.stderr));
    assert!(
        work.read("hooks.txt").contains("failure weekly 3 "),
        "{}",
        work.read("hooks.txt")
    );
    assert_eq!(listed(&work, "weekly")["last"]["outcome"], "failed");

    work.run(&["schedule", "remove", "weekly"]).expect(0);
    assert_eq!(files(&work.path().join("out")), left);
    work.run(&["schedule", "run", "weekly", "--once"]).expect(2);
}

/// What a command of the user leaves behind ends with it.
#[cfg(unix)]
#[test]
fn a_command_that_follows_leaves_nothing_running() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "");
    let mut flags = WEEKLY.to_vec();
    flags.extend(["--on-success", "sleep 600 & echo $! > left.txt"]);
    let export = ["export", "-o", "out-{date}.jsonl", "--profile", "district"];
    add(&work, "weekly", &flags, &export).expect(0);
    work.run(&["schedule", "run", "weekly", "--once"]).expect(0);
    let id = work.read("left.txt");
    let lives = || {
        let asked = std::process::Command::new("kill")
            .args(["-0", id.trim()])
            .output();
        asked.unwrap().status.success()
    };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while lives() {
        assert!(
            std::time::Instant::now() < until,
            "process {id} is still there"
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn remarks_go_from_the_file_of_one_run_into_that_of_the_next() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0", "--tickets", "5"]);
    sandbox.profiles(&work, "");
    let export = [
        "export",
        "-o",
        "t-{date}.csv",
        "--archive",
        "old",
        "--profile",
        "district",
    ];
    let refused = add(
        &work,
        "a",
        &[&WEEKLY[..], &["--carry-remarks"]].concat(),
        &["export", "-o", "t.csv", "--profile", "district"],
    )
    .expect(2);
    insta::assert_snapshot!(
        "carry_needs_a_name_that_changes",
        work.shown(&refused.stderr)
    );
    add(
        &work,
        "a",
        &[&WEEKLY[..], &["--carry-remarks"]].concat(),
        &export,
    )
    .expect(0);
    let run = || work.run(&["schedule", "run", "a", "--once"]).expect(0);
    run();
    let written = || {
        let names = files(work.path()).into_iter();
        names
            .filter(|name| name.starts_with("t-2"))
            .collect::<Vec<_>>()
    };
    let [new] = &written()[..] else {
        panic!("{:?}", files(work.path()));
    };
    // The run of last week.
    let text = work.read(new);
    let noted = text.lines().enumerate().map(|(at, line)| match at {
        0 => format!("{line},Remark\r\n"),
        at => format!("{line},call {at}\r\n"),
    });
    work.write("t-last.csv", noted.collect::<String>());
    fs::remove_file(work.path().join(new)).unwrap();
    let history = work.state().join("schedules/a/history.json");
    let told = fs::read_to_string(&history)
        .unwrap()
        .replace(new.as_str(), "t-last.csv");
    fs::write(&history, told).unwrap();
    run();
    let text = work.read(new);
    assert!(text.lines().next().unwrap().ends_with(",Remark"), "{text}");
    assert_eq!(text.matches(",call ").count(), 5, "{text}");
    assert_eq!(files(&work.path().join("old")).len(), 2);
}

#[test]
fn what_cannot_be_repeated_is_refused_when_it_is_added() {
    let work = Work::new();
    let export = [
        "export",
        "-o",
        "a-{date}.jsonl",
        "--system",
        "incidentiq",
        "--sandbox",
    ];
    let refused = |flags: &[&str], export: &[&str], scene: &str| {
        let ended = add(&work, "a", flags, export).expect(2);
        insta::assert_snapshot!(scene, work.shown(&ended.stderr));
    };
    refused(
        &WEEKLY,
        &["import", "a.csv", "--mapping", "m.toml"],
        "not_an_export",
    );
    refused(
        &WEEKLY,
        &["export", "-o", "a.jsonl", "--perod", "7d"],
        "flag_that_is_unknown",
    );
    refused(
        &WEEKLY,
        &["export", "-o", "a.jsonl", "--profile", "nobody"],
        "profile_that_is_unknown",
    );
    refused(
        &WEEKLY,
        &["export", "-o", "-", "--sandbox", "--system", "incidentiq"],
        "no_file",
    );
    refused(
        &WEEKLY,
        &["export", "-o", "{today}.jsonl", "--sandbox"],
        "brace_that_means_nothing",
    );
    refused(
        &[&WEEKLY[..], &["--keep", "3"]].concat(),
        &["export", "-o", "a.jsonl", "--sandbox"],
        "keep_without_a_name_that_changes",
    );
    refused(&["--every", "monday"], &export, "no_time_of_day");
    refused(&["--cron", "0 7 * *"], &export, "no_cron_expression");
    refused(
        &["--every", "hour", "--jitter", "1h"],
        &export,
        "jitter_that_is_as_long",
    );
    refused(
        &[&WEEKLY[..], &["--timezone", "America/Chikago"]].concat(),
        &export,
        "no_time_zone",
    );

    let added = add(
        &work,
        "a",
        &["--cron", "0 7 * * MON#1", "--timezone", "Europe/Berlin"],
        &export,
    )
    .expect(0);
    insta::assert_snapshot!("added_by_cron", work.shown(&added.stderr));
    refused(&WEEKLY, &export, "there_already");
    add(&work, "a", &[&WEEKLY[..], &["--replace"]].concat(), &export).expect(0);
    assert_eq!(listed(&work, "a")["schedule"]["cron"], "0 7 * * 1");
}

#[cfg(unix)]
mod on_unix {
    use std::io::{BufRead, BufReader};
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn interrupt(child: &Child) {
        let ended = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(ended.success());
    }

    #[test]
    fn the_service_catches_up_and_stops_gracefully() {
        let work = Work::new();
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        sandbox.profiles(&work, "");
        let export = |file| ["export", "-o", file, "--profile", "district"];
        add(
            &work,
            "missed",
            &["--every", "day", "--at", "07:00"],
            &export("missed-{year}.jsonl"),
        )
        .expect(0);
        done_until(&work, "missed", "2026-01-01T00:00:00Z");
        let mut service = work
            .command(&["schedule", "run"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(service.stderr.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let begun = lines.find(|line| line.contains("missed begins")).unwrap();
        insta::assert_snapshot!("begins_late", work.shown(&begun));
        lines.find(|line| line.contains("missed done in")).unwrap();

        interrupt(&service);
        let rest: Vec<String> = lines.collect();
        assert_eq!(service.wait().unwrap().code(), Some(0), "{rest:?}");
        let health = fs::read_to_string(work.state().join("schedules/health.json")).unwrap();
        let health: Value = serde_json::from_str(&health).unwrap();
        assert_eq!(health["state"], "stopped");
        assert_eq!(health["schedules"][0]["last"]["outcome"], "done");
    }

    #[test]
    fn a_run_that_is_stopped_is_not_done_and_nobody_runs_it_twice() {
        let work = Work::new();
        let sandbox = SandboxProcess::start(&work, &["--rate", "0", "--fault", "latency=50s..60s"]);
        sandbox.profiles(&work, "");
        add(
            &work,
            "slow",
            &WEEKLY,
            &["export", "-o", "slow.jsonl", "--profile", "district"],
        )
        .expect(0);
        done_until(&work, "slow", "2026-01-01T00:00:00Z");
        let mut running = work
            .command(&["schedule", "run", "slow", "--once"])
            .spawn()
            .unwrap();
        while listed(&work, "slow")["running"] != true {
            assert!(
                running.try_wait().unwrap().is_none(),
                "it has ended already"
            );
        }
        let second = work.run(&["schedule", "run", "slow", "--once"]).expect(2);
        insta::assert_snapshot!("running_already", work.shown(&second.stderr));
        work.run(&["schedule", "remove", "slow"]).expect(2);
        // The first Ctrl-C asks the export, the second ends it.
        interrupt(&running);
        interrupt(&running);
        let output = running.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        let now = listed(&work, "slow");
        assert_eq!(now["last"]["outcome"], "interrupted");
        assert!(now["missed"].as_u64().unwrap() > 10);
        assert!(!work.path().join("slow.jsonl").exists());
    }

    /// A program of the machine that only notes how it was called.
    fn pretend(work: &Work, name: &str, body: &str) {
        let path = work.write(
            &format!("bin/{name}"),
            format!("#!/bin/sh\necho {name} \"$@\" >> \"$HOME/called\"\n{body}\n"),
        );
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run_with_machine(work: &Work, arguments: &[&str]) -> Ended {
        let path = format!("{}:/usr/bin:/bin", work.path().join("bin").display());
        let mut command = work.command(arguments);
        command
            .env("PATH", path)
            .env("HOME", work.path())
            .env("XDG_CONFIG_HOME", work.path().join("config"))
            .env("TZ", "UTC");
        Ended::of(
            command
                .env("DESKFERRY_IT_TOKEN", "sandbox")
                .output()
                .unwrap(),
        )
    }

    #[test]
    fn it_is_installed_where_its_token_is_found_and_taken_away_again() {
        let work = Work::new();
        pretend(&work, "systemctl", "");
        pretend(
            &work,
            "crontab",
            "[ \"$1\" = -l ] && { cat \"$HOME/crontab\" 2>/dev/null || { echo no crontab for ada >&2; exit 1; }; exit; }\ncat > \"$HOME/crontab\"",
        );
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        sandbox.profiles(&work, "");
        let profiles = work
            .read("deskferry.toml")
            .replace("{ file = \"token\" }", "{ env = \"DESKFERRY_IT_TOKEN\" }");
        work.write("deskferry.toml", profiles);
        let export = ["export", "-o", "a.jsonl", "--profile", "district"];
        add(
            &work,
            "weekly",
            &[&WEEKLY[..], &["--timezone", "UTC"]].concat(),
            &export,
        )
        .expect(0);

        let refused =
            run_with_machine(&work, &["schedule", "install", "weekly", "--systemd"]).expect(2);
        insta::assert_snapshot!("not_installed", work.shown(&refused.stderr));
        assert!(!work.path().join("config").exists());

        work.write("my env", "DESKFERRY_IT_TOKEN=sandbox\n");
        add(
            &work,
            "weekly",
            &[
                &WEEKLY[..],
                &[
                    "--timezone",
                    "UTC",
                    "--replace",
                    "--environment-file",
                    "my env",
                ],
            ]
            .concat(),
            &export,
        )
        .expect(0);
        run_with_machine(&work, &["schedule", "install", "weekly", "--systemd"]).expect(0);
        run_with_machine(&work, &["schedule", "install", "weekly", "--cron"]).expect(0);
        let timer = work.read("config/systemd/user/deskferry-weekly.timer");
        insta::assert_snapshot!("timer", work.shown(&timer));
        let crontab = work.read("crontab");
        insta::assert_snapshot!("crontab", work.shown(&crontab));
        assert!(!format!("{timer}{crontab}").contains("sandbox\n"));

        run_with_machine(&work, &["schedule", "remove", "weekly"]).expect(0);
        assert_eq!(work.read("crontab"), "");
        assert_eq!(files(&work.path().join("config/systemd/user")), [""; 0]);
        let called = work.read("called");
        insta::assert_snapshot!("called", work.shown(&called));
    }
}
