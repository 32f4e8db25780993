//! Ledgers that are older than what was sent, two that send at once, damage, and keys that are made of other columns.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ended, SandboxProcess, Work};

const ARGUMENTS: [&str; 5] = ["in.csv", "--mapping", "map.toml", "--profile", "support"];

fn mapping(key: &str) -> String {
    format!(
        "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"desk\"\n{key}\n\n[fields]\n\
         title = {{ from = \"Title\" }}\ndescription = {{ from = \"Title\" }}\n\
         collection_id = {{ value = \"IT Support\", resolve = \"collection\" }}\n"
    )
}

fn rows(count: u32) -> String {
    let mut text = "Id,Title\n".to_owned();
    for id in 0..count {
        writeln!(text, "{id},Printer {id} is out of paper").unwrap();
    }
    text
}

fn start(count: u32) -> (Work, SandboxProcess) {
    let work = Work::new();
    work.write("map.toml", mapping("key = [\"Id\"]"));
    work.write("in.csv", rows(count));
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"2000/s\"");
    (work, sandbox)
}

fn import() -> Vec<&'static str> {
    [&["import"], &ARGUMENTS[..], &["--format", "json"]].concat()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// A way out that works: the ledger learns what is there, and the import sends nothing twice.
fn adopted(work: &Work, sandbox: &SandboxProcess, count: usize) {
    work.run(&[&["runs", "adopt"], &ARGUMENTS[..]].concat())
        .expect(0);
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(0);
    assert_eq!(summary["created"], 0);
    assert_eq!(sandbox.created("clearfeed").len(), count);
}

#[test]
fn a_backup_of_the_ledger_that_is_put_back_sends_nothing_twice() {
    // The one file, as a person copies it, and with the file beside it, as a program that saves folders does.
    for files in [
        &["ledger.sqlite"][..],
        &["ledger.sqlite", "ledger.sqlite.generation"],
    ] {
        let (work, sandbox) = start(20);
        work.import(&ARGUMENTS).0.expect(0);
        for file in files {
            std::fs::copy(work.state().join(file), work.path().join(file)).unwrap();
        }
        work.write("in.csv", rows(40));
        work.import(&ARGUMENTS).0.expect(0);
        for file in files {
            std::fs::copy(work.path().join(file), work.state().join(file)).unwrap();
        }
        let told = work.run(&import()).expect(2);
        let name = format!("put_back_{}", files.len());
        insta::assert_snapshot!(name, work.shown(&told.stderr));
        assert_eq!(sandbox.created("clearfeed").len(), 40, "{files:?}");
        adopted(&work, &sandbox, 40);
    }
}

#[test]
fn what_followed_on_a_ticket_is_looked_up_after_a_backup_was_put_back() {
    let (work, sandbox) = start(12);
    let then = "\n[[then]]\noperation = \"comment\"\n\
                fields = { body = { template = \"About {{ Id }}\" }, public = { value = true } }\n\n\
                [[then]]\noperation = \"close\"\n";
    work.write("map.toml", mapping("key = [\"Id\"]") + then);
    work.import(&[&ARGUMENTS[..], &["--limit", "4"]].concat())
        .0
        .expect(0);
    let ledger = work.state().join("ledger.sqlite");
    std::fs::copy(&ledger, work.path().join("backup")).unwrap();
    work.import(&ARGUMENTS).0.expect(0);
    std::fs::copy(work.path().join("backup"), &ledger).unwrap();
    work.run(&[&["runs", "adopt"], &ARGUMENTS[..]].concat())
        .expect(0);
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(0);
    assert_eq!(summary["requests"], 0, "{summary:#}");
    assert_eq!(sandbox.created("clearfeed").len(), 12);
    let made = |operation: &str| {
        let audit = sandbox.audit();
        let of = audit.iter().filter(|entry| entry["operation"] == operation);
        of.count()
    };
    assert_eq!((made("message"), made("update")), (12, 12));
    // Nor is anything left: the next run has nothing to do.
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(0);
    assert_eq!(summary["requests"], 0, "{summary:#}");
}

/// Nothing was made since, so that no look finds anything: only that more was done in this place tells.
#[test]
fn a_state_folder_that_is_put_back_as_a_whole_does_nothing_twice() {
    let (work, sandbox) = start(6);
    work.write("map.toml", mapping("key = [\"Id\"]"));
    work.import(&ARGUMENTS).0.expect(0);
    let then = "\n[[then]]\noperation = \"comment\"\n\
                fields = { body = { template = \"About {{ Id }}\" }, public = { value = true } }\n";
    let with_notes = mapping("key = [\"Id\"]").replace("\"create\"", "\"upsert\"") + then;
    work.write("map.toml", with_notes);
    copy(&work.state(), &work.path().join("saved"));
    work.import(&ARGUMENTS).0.expect(0);
    let notes = || {
        (sandbox.audit().iter())
            .filter(|entry| entry["operation"] == "message")
            .count()
    };
    assert_eq!(notes(), 6);
    std::fs::remove_dir_all(work.state()).unwrap();
    copy(&work.path().join("saved"), &work.state());
    let told = work.run(&import()).expect(2);
    insta::assert_snapshot!("put_back_as_a_whole", work.shown(&told.stderr));
    work.run(&[&["runs", "adopt"], &ARGUMENTS[..]].concat())
        .expect(0);
    work.import(&ARGUMENTS).0.expect(0);
    assert_eq!(notes(), 6);
}

#[test]
fn a_copied_state_folder_sends_nothing_twice() {
    let (work, sandbox) = start(20);
    work.import(&ARGUMENTS).0.expect(0);
    let copied = work.path().join("copied");
    copy(&work.state(), &copied);
    work.write("in.csv", rows(60));
    work.import(&ARGUMENTS).0.expect(0);
    let run = || {
        let mut command = work.command(&import());
        Ended::of(command.env("DESKFERRY_STATE", &copied).output().unwrap())
    };
    let told = run().expect(2);
    insta::assert_snapshot!("copied_state_folder", work.shown(&told.stderr));
    assert_eq!(sandbox.created("clearfeed").len(), 60);
    // Somebody who knows better is believed.
    let mut command = work.command(&[&import()[..], &["--trust-ledger", "--rows", "22"]].concat());
    let ended = Ended::of(command.env("DESKFERRY_STATE", &copied).output().unwrap());
    assert_eq!(sandbox.created("clearfeed").len(), 61, "{}", ended.stderr);
}

#[test]
fn a_ledger_whose_last_writes_are_lost_sends_nothing_twice() {
    let (work, sandbox) = start(60);
    let mut command = work.command(&import());
    let killed = command
        .env("DESKFERRY_CRASH", "after-send:30")
        .output()
        .unwrap();
    assert!(!killed.status.success());
    assert!(work.state().join("ledger.sqlite-wal").exists());
    // What only looks leaves it there.
    work.run(&["runs", "list"]).expect(0);
    std::fs::remove_file(work.state().join("ledger.sqlite-wal")).unwrap();
    let before = sandbox.created("clearfeed").len();
    let told = work.run(&import()).expect(2);
    insta::assert_snapshot!("last_writes_lost", work.shown(&told.stderr));
    assert_eq!(sandbox.created("clearfeed").len(), before);
    work.run(&["state", "check"]).expect(1);
    work.run(&[&["runs", "adopt"], &ARGUMENTS[..]].concat())
        .expect(0);
    work.run(&import()).expect(0);
    assert_eq!(sandbox.created("clearfeed").len(), 60);
    work.run(&["state", "check"]).expect(0);
}

#[test]
fn a_killed_run_goes_on_without_a_word_about_its_ledger() {
    let (work, sandbox) = start(60);
    let mut command = work.command(&import());
    let killed = command
        .env("DESKFERRY_CRASH", "after-send:30")
        .output()
        .unwrap();
    assert!(!killed.status.success());
    work.run(&import()).expect(0);
    assert_eq!(sandbox.created("clearfeed").len(), 60);
}

#[test]
fn two_state_folders_that_send_at_once_find_each_other_and_every_duplicate() {
    // More than they can send before they find each other, also on a machine that has other work: how soon that is in time is
    // not asked here.
    const ROWS: u32 = 1_000;
    // Both know the scope, so that neither is stopped by the other's first tickets before it begins.
    let (work, sandbox) = start(1);
    work.import(&ARGUMENTS).0.expect(0);
    for name in ["one", "two"] {
        copy(&work.state(), &work.path().join(name));
    }
    work.write("in.csv", rows(ROWS));
    let arguments = [&import()[..], &["--rate", "100/s", "--errors-to"]].concat();
    let spawn = |name: &str| {
        let file = format!("{name}.errors.csv");
        let mut command = work.command(&[&arguments[..], &[&file]].concat());
        command
            .env("DESKFERRY_STATE", work.path().join(name))
            .spawn()
            .unwrap()
    };
    let (one, two) = (spawn("one"), spawn("two"));
    let ended = [one, two].map(|child| Ended::of(child.wait_with_output().unwrap()));
    let mut made: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for entry in sandbox.created("clearfeed") {
        *made.entry(entry["body"].to_string()).or_default() += 1;
    }
    let twice = made.values().filter(|count| **count > 1).count();
    let told = |ended: &Ended| ended.stderr.matches("has been made more than once").count();
    let all = ended.iter().map(told).sum::<usize>();
    assert!(
        ended.iter().any(|it| it.code == Some(2)) && all >= twice && twice < ROWS as usize,
        "{twice} duplicates, {all} told\n{}\n{}",
        ended[0].stderr,
        ended[1].stderr
    );
}

#[test]
fn another_key_in_the_mapping_makes_no_duplicates() {
    let (work, sandbox) = start(12);
    work.write("map.toml", mapping(""));
    work.import(&ARGUMENTS).0.expect(0);
    for (at, key) in [
        "key = [\"Id\"]",
        "key = [\"Id\", \"Title\"]",
        "key = \"Title\"",
        "",
    ]
    .into_iter()
    .enumerate()
    {
        work.write("map.toml", mapping(key));
        for dry in [&["--dry-run"][..], &[]] {
            let told = work.run(&[&import()[..], dry].concat()).expect(2);
            insta::assert_snapshot!(format!("another_key_{at}"), work.shown(&told.stderr));
        }
        let rekey = [&ARGUMENTS[..], &["--rekey"]].concat();
        let (ended, summary) = work.import(&[&rekey[..], &["--dry-run"]].concat());
        let ended = ended.expect(0);
        assert_eq!(summary["would_create"], 0, "{key}");
        insta::assert_snapshot!(format!("rekey_rehearsed_{at}"), work.shown(&ended.stderr));
        let (ended, summary) = work.import(&rekey);
        ended.expect(0);
        assert_eq!(summary["created"], 0, "{key}");
        let (ended, _) = work.import(&ARGUMENTS);
        ended.expect(0);
        assert_eq!(sandbox.created("clearfeed").len(), 12, "{key}");
    }
    // What the first run made can still be taken back.
    let first = work.run(&["runs", "list", "--format", "json"]).expect(0);
    let runs: Value = serde_json::from_str(&first.stdout).unwrap();
    let first = runs.as_array().unwrap().last().unwrap()["run"]
        .as_str()
        .unwrap()
        .to_owned();
    let told = work
        .run(&["runs", "rollback", &first, "--format", "json"])
        .expect(0);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["undone"], 12, "{told}");
}

#[test]
fn rows_that_say_the_same_under_the_same_definition_are_other_tickets() {
    let (work, sandbox) = start(3);
    work.import(&ARGUMENTS).0.expect(0);
    work.write(
        "in.csv",
        rows(3).replace("\n0,", "\n10,").replace("\n1,", "\n11,"),
    );
    work.import(&ARGUMENTS).0.expect(0);
    assert_eq!(sandbox.created("clearfeed").len(), 5);
    work.write(
        "in.csv",
        rows(3).replace("\n0,", "\n20,").replace("\n1,", "\n21,"),
    );
    work.write("map.toml", mapping("key = [\"Id\", \"Title\"]"));
    work.run(&[&import()[..], &["--no-rekey"]].concat())
        .expect(0);
    assert_eq!(sandbox.created("clearfeed").len(), 8);
}

#[test]
fn damage_is_listed_and_nothing_is_sent() {
    let (work, sandbox) = start(20);
    work.import(&ARGUMENTS).0.expect(0);
    let checked = work.run(&["state", "check", "--format", "json"]).expect(0);
    let checked: Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(
        (&checked["steps"], &checked["scopes"]),
        (&20.into(), &1.into())
    );
    let ledger = work.state().join("ledger.sqlite");
    let mut bytes = std::fs::read(&ledger).unwrap();
    // A reference inside a stored step: SQLite itself has nothing against it.
    let places: Vec<usize> = (bytes.windows(7).enumerate())
        .filter_map(|(at, it)| (it == b"desk/17").then_some(at))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + 6] = b'9';
    }
    std::fs::write(&ledger, bytes).unwrap();
    work.write("in.csv", rows(21));
    let told = work.run(&["state", "check"]).expect(4);
    insta::assert_snapshot!("damage_checked", work.shown(&told.stderr));
    let told = work.run(&import()).expect(4);
    insta::assert_snapshot!("damage_met", work.shown(&told.stderr));
    assert_eq!(sandbox.created("clearfeed").len(), 20);
}
