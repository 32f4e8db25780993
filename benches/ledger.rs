//! What the ledger costs: `cargo bench --bench ledger -- 1000000`.
//!
//! 1. Transitions a second, an intent and an outcome each, written in groups of 256.
//! 2. Resuming a run of so many rows that is finished: nothing is sent, nothing is rendered again.
//! 3. An import with the state folder on the disk against one with it in memory (`/dev/shm`), five times each in turn,
//!    no limiter in the way.

#[expect(dead_code, reason = "each measurement needs its own part of it")]
mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use deskferry::ledger::{Intent, Ledger, RunMeta, Settlement, State, StepId};
use deskferry::record::{Place, RowKey};
use deskferry::systems::{CREATE, Ticket};
use jiff::Timestamp;
use support::{Names, Sandbox, measure, median, program, write_csv};

/// How many steps share a commit.
const GROUP: u64 = 256;
/// How many rows each of the alternating imports has.
const COMPARED: u64 = 20_000;

fn main() {
    let rows: u64 = std::env::args()
        .skip(1)
        .find_map(|word| word.parse().ok())
        .unwrap_or(1_000_000);
    transitions(rows.min(500_000));
    resume(rows);
    against_memory();
}

fn transitions(rows: u64) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).expect("the ledger opens");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let took = runtime.block_on(async {
        let scope = ledger
            .scope("clearfeed", "acme", "bench")
            .await
            .expect("it can be read");
        let run = scope
            .start_run(
                &scope.lock(None).expect("nobody else is here"),
                RunMeta::default(),
            )
            .await
            .expect("it can be written");
        let started = Instant::now();
        for first in (0..rows).step_by(GROUP as usize) {
            let group = first..rows.min(first + GROUP);
            run.intend(group.clone().map(intent).collect())
                .await
                .expect("it can be written");
            run.settle(group.map(settled).collect())
                .await
                .expect("it can be written");
        }
        started.elapsed()
    });
    println!(
        "ledger: {:.0} transitions/s in groups of {GROUP}, {} in all",
        (rows * 2) as f64 / took.as_secs_f64(),
        rows * 2
    );
}

fn step() -> StepId {
    StepId {
        name: CREATE.to_owned(),
        ordinal: 0,
    }
}

fn intent(row: u64) -> Intent {
    Intent {
        key: RowKey::new(format!("INC{row:08}")),
        step: step(),
        later: Vec::new(),
        place: Place {
            file: "tickets.csv".into(),
            sheet: None,
            row: row + 2,
        },
        content: [1; 16],
        payload: [2; 16],
        reference: Some(format!("bench/INC{row:08}")),
        group: "IT".to_owned(),
        absent: 0,
        doubted: false,
        redo: false,
        about: None,
        stale: Vec::new(),
        print: None,
        at: Timestamp::now(),
    }
}

fn settled(row: u64) -> Settlement {
    Settlement {
        key: RowKey::new(format!("INC{row:08}")),
        step: step(),
        to: State::Done,
        ticket: Some(Ticket {
            id: format!("5d3f0000-0000-0000-0000-{row:012}"),
            number: Some(row.to_string()),
            ..Ticket::default()
        }),
        trouble: None,
        doubted: false,

        at: Timestamp::now(),
    }
}

/// A folder with a file of so many rows, a mapping, and a sandbox without a limit.
fn prepare(folder: &Path, rows: u64) -> Sandbox {
    let sandbox = Sandbox::start(folder, "0");
    sandbox.profiles(folder, "rate = \"100000/s\"\nconcurrency = 64");
    write_csv(
        folder,
        rows,
        &Names::pull(folder, &["--profile", "district"]),
    );
    sandbox
}

const IMPORT: [&str; 9] = [
    "import",
    "tickets.csv",
    "--mapping",
    "map.toml",
    "--profile",
    "district",
    "--format",
    "json",
    "--quiet",
];

/// Imports into a state folder: how long it took, and what the summary counts under `name`.
fn import(folder: &Path, state: &Path, name: &str) -> (Duration, u64) {
    let mut command = program(folder, &IMPORT);
    command.env("DESKFERRY_STATE", state);
    let measured = measure(command);
    let summary: serde_json::Value = serde_json::from_str(&measured.stdout).expect("a summary");
    (measured.took, summary[name].as_u64().expect("a count"))
}

fn resume(rows: u64) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let folder = folder.path();
    let _sandbox = prepare(folder, rows);
    let state = folder.join("state");
    let (took, created) = import(folder, &state, "created");
    assert_eq!(created, rows);
    println!(
        "import of {rows} rows: {:.0} rows/s",
        rows as f64 / took.as_secs_f64()
    );
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..3 {
        let (took, skipped) = import(folder, &state, "skipped");
        assert_eq!(skipped, rows);
        times.push(took.as_secs_f64());
    }
    println!("resuming it: {:.2} s (median of 3)", median(times));
}

fn against_memory() {
    let memory = Path::new("/dev/shm");
    if !memory.is_dir() {
        return println!("no comparison: this system has no /dev/shm");
    }
    let mut speeds = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        for (speeds, place) in speeds.iter_mut().zip([None, Some(memory)]) {
            let folder = tempfile::tempdir().expect("there is room for a folder");
            let state = match place {
                Some(place) => tempfile::tempdir_in(place),
                None => tempfile::tempdir(),
            };
            let state = state.expect("there is room for a folder");
            let _sandbox = prepare(folder.path(), COMPARED);
            let (took, created) = import(folder.path(), state.path(), "created");
            assert_eq!(created, COMPARED);
            speeds.push(COMPARED as f64 / took.as_secs_f64());
        }
    }
    let [durable, memory] = speeds.map(median);
    println!(
        "import of {COMPARED} rows: {durable:.0} rows/s with the ledger on the disk, {memory:.0} in memory: {:+.1} %",
        (durable / memory - 1.0) * 100.0
    );
}
