//! What the machine does to a run: it stops cleanly, says how to go on, and loses no row that is settled.

#![cfg(unix)]

use std::fmt::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::import::{assert_balanced, assert_once};
use crate::support::{SandboxProcess, Work};

const ROWS: usize = 2_000;
const ARGUMENTS: [&str; 5] = ["in.csv", "--mapping", "map.toml", "--profile", "support"];

fn start() -> (Work, SandboxProcess) {
    let work = Work::new();
    work.write(
        "map.toml",
        "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"machine\"\nkey = [\"Id\"]\n\n[fields]\n\
         title = { from = \"Title\" }\ndescription = { from = \"Title\" }\n\
         collection_id = { value = \"IT Support\", resolve = \"collection\" }\n",
    );
    let mut text = "Id,Title\n".to_owned();
    for id in 0..ROWS {
        writeln!(text, "{id},Printer {id} is out of paper").unwrap();
    }
    work.write("in.csv", text);
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(
        &work,
        "rate = \"3000/s\"\ncommit_within = \"300ms\"\nvisible_within = \"100ms\"",
    );
    (work, sandbox)
}

/// The import in a shell that has set a limit first.
fn limited(work: &Work, limit: &str, further: &[&str]) -> Output {
    let script = format!("{limit}; exec \"$0\" \"$@\"");
    Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_deskferry"), "import"])
        .args(ARGUMENTS)
        .args(further)
        .args(["--format", "json"])
        .current_dir(work.path())
        .env("DESKFERRY_STATE", work.state())
        .env("DESKFERRY_CONFIG", work.path().join("deskferry.toml"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The same without the limit goes on, and each row is there once.
fn goes_on(work: &Work, sandbox: &SandboxProcess) {
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(0);
    assert_balanced(&summary);
    let created = sandbox.created("clearfeed");
    assert_eq!(created.len(), ROWS);
    assert_once(&created);
}

#[test]
fn a_ledger_that_cannot_grow_stops_the_run_which_then_goes_on() {
    let (work, sandbox) = start();
    // A file may not grow past half a megabyte or one, as the shell counts: the ledger's log would.
    let output = limited(&work, "trap '' XFSZ; ulimit -f 1024", &[]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{told}");
    // How far it came before is told above, and differs.
    let stopped = &told[told.find("  stopped ").unwrap()..];
    insta::assert_snapshot!("ledger_that_cannot_grow", work.shown(stopped));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_balanced(&summary);
    let made = sandbox.created("clearfeed").len();
    assert!(made > 0 && made < ROWS, "{made}");
    goes_on(&work, &sandbox);
}

#[test]
fn a_process_without_file_handles_loses_nothing() {
    let (work, sandbox) = start();
    // Fewer than one for each request that may be under way.
    let output = limited(&work, "ulimit -n 40", &["--concurrency", "64"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 4)), "{told}");
    assert!(told.contains("no file handle left"), "{told}");
    goes_on(&work, &sandbox);
}

#[test]
fn a_ledger_that_is_damaged_stops_every_command_and_says_what_to_do() {
    let (work, sandbox) = start();
    work.import(&[&ARGUMENTS[..], &["--limit", "5"]].concat())
        .0
        .expect(0);
    let ledger = work.state().join("ledger.sqlite");
    let mut bytes = std::fs::read(&ledger).unwrap();
    bytes[..64].fill(0x5A);
    std::fs::write(&ledger, bytes).unwrap();
    for (scene, command) in [
        ("damaged_ledger_of_a_list", &["runs", "list"][..]),
        (
            "damaged_ledger_of_an_import",
            &[&["import"], &ARGUMENTS[..]].concat(),
        ),
    ] {
        let ended = work.run(command).expect(4);
        insta::assert_snapshot!(scene, work.shown(&ended.stderr));
    }
    assert_eq!(sandbox.created("clearfeed").len(), 5);
    // What the message says leads out of it.
    std::fs::rename(&ledger, work.path().join("damaged.sqlite")).unwrap();
    work.run(&[&["runs", "adopt"], &ARGUMENTS[..]].concat())
        .expect(0);
    goes_on(&work, &sandbox);
}

#[test]
fn a_workbook_without_a_folder_for_its_parts_is_an_error_and_leaves_no_file() {
    let (work, _sandbox) = start();
    let words = ["export", "-o", "out.xlsx", "--profile", "support"];
    let mut command = work.command(&words);
    // The name that Windows would ask for is another one; this file is for Unix.
    command.env("TMPDIR", work.path().join("missing"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{told}");
    insta::assert_snapshot!("no_folder_for_parts", work.shown(&told));
    assert!(!work.path().join("out.xlsx").exists());
}
