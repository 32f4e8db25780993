//! How exactly a limit is held, found and obeyed, against a sandbox in another process:
//!
//! - `known`: imports for 60 s at 50/s and at 1,000/s with the same limit on both sides; the rate that was reached,
//!   and how often the sandbox said 429;
//! - `unknown`: nobody tells the client the limit of 40/s; what it used of it and how much was refused from second 30
//!   to 150, and the same after the limit has been lowered to 10/s;
//! - `pause`: a `Retry-After` of 20 s in the middle of an import with 64 requests under way;
//! - `looks`: how many requests an import of 10,000 rows takes beside one a row, as against a live desk.
//!
//! `cargo bench --bench limit` runs all, `cargo bench --bench limit -- pause` one.

#[expect(dead_code, reason = "each measurement needs its own part of it")]
mod support;

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Names, Sandbox, measure, program, write_csv};

const SECONDS: u64 = 60;

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

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let measurements: [(&str, fn()); 4] = [
        ("known", known),
        ("unknown", unknown),
        ("pause", pause),
        ("looks", looks),
    ];
    for (name, measurement) in measurements {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            measurement();
        }
    }
}

/// Fills a folder with what an import of so many rows needs, and waits until the bucket of the sandbox is full
/// again: the requests of the directory must not count.
fn fill(folder: &Path, sandbox: &Sandbox, rows: u64, further: &str) {
    sandbox.profiles(folder, further);
    write_csv(
        folder,
        rows,
        &Names::pull(folder, &["--profile", "district"]),
    );
    std::thread::sleep(Duration::from_secs(2));
}

fn known() {
    for rate in [50_u64, 1000] {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let folder = folder.path();
        let limit = format!("{rate}/s");
        let sandbox = Sandbox::start(folder, &limit);
        let rows = rate * SECONDS;
        fill(
            folder,
            &sandbox,
            rows,
            &format!("rate = \"{limit}\"\nconcurrency = 64"),
        );
        let measured = measure(program(folder, &IMPORT));
        let summary: Value = serde_json::from_str(&measured.stdout).expect("a summary");
        assert_eq!(summary["created"], rows, "{summary:#}");
        let reached = rows as f64 / summary["seconds"].as_f64().expect("it tells its seconds");
        let stats = sandbox.ask("stats");
        println!(
            "limit {limit} over {SECONDS} s: {reached:.1}/s ({:+.2} %), the sandbox says {}",
            (reached / rate as f64 - 1.0) * 100.0,
            stats.trim()
        );
    }
}

/// An import under way, killed when dropped.
struct Import(Child);

impl Import {
    fn start(folder: &Path) -> Self {
        let mut command = program(folder, &IMPORT);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("the program starts"))
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Requests and refusals so far.
fn counts(sandbox: &Sandbox) -> (f64, f64) {
    let stats: Value = serde_json::from_str(&sandbox.ask("stats")).expect("JSON");
    let count = |name: &str| stats[name]["incidentiq"].as_f64().expect("a number");
    (count("requests"), count("throttled"))
}

/// Waits until so long after the start.
fn at(start: Instant, second: u64) {
    let due = start + Duration::from_secs(second);
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
}

fn tell(what: &str, rate: f64, seconds: f64, before: (f64, f64), after: (f64, f64)) {
    let (sent, refused) = (after.0 - before.0, after.1 - before.1);
    println!(
        "{what}: {:.1} % of {rate}/s used, {:.2} % of {sent} requests refused",
        (sent - refused) / (rate * seconds) * 100.0,
        refused / sent * 100.0,
    );
}

fn unknown() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let folder = folder.path();
    // The limit falls after so many requests: a little after second 150.
    let sandbox = Sandbox::start_with(folder, "40/s", &["--fault", "rate-after=6200:10/s"]);
    fill(folder, &sandbox, 20_000, "");
    let import = Import::start(folder);
    let start = Instant::now();
    at(start, 30);
    let thirty = counts(&sandbox);
    at(start, 150);
    let half = counts(&sandbox);
    tell(
        "limit unknown, seconds 30 to 150",
        40.0,
        120.0,
        thirty,
        half,
    );
    at(start, 200);
    let lowered = counts(&sandbox);
    assert!(
        lowered.0 > 6_200.0,
        "it has not been lowered yet: {lowered:?}"
    );
    at(start, 290);
    tell(
        "lowered to 10/s, seconds 200 to 290",
        10.0,
        90.0,
        lowered,
        counts(&sandbox),
    );
    drop(import);
}

fn pause() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let folder = folder.path();
    let sandbox = Sandbox::start(folder, "0");
    fill(
        folder,
        &sandbox,
        20_000,
        "rate = \"100/s\"\nconcurrency = 64",
    );
    let import = Import::start(folder);
    std::thread::sleep(Duration::from_secs(5));
    let script =
        json!({"operation": "create", "fault": "status-429-retry-after", "value": "1:20s"});
    sandbox.script(&script);
    let struck = jiff::Timestamp::now();
    std::thread::sleep(Duration::from_secs(26));
    drop(import);
    let times: Vec<jiff::Timestamp> = sandbox
        .ask("audit")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|entry| {
            entry["time"]
                .as_str()
                .expect("a time")
                .parse()
                .expect("a time")
        })
        .collect();
    let gap = times
        .windows(2)
        .max_by_key(|pair| pair[1].duration_since(pair[0]))
        .expect("there are requests");
    let seconds =
        |from: jiff::Timestamp, to: jiff::Timestamp| to.duration_since(from).as_secs_f64();
    let first = times
        .iter()
        .filter(|time| **time >= gap[1] && seconds(gap[1], **time) < 0.25);
    println!(
        "a pause of 20 s at 100/s with 64 under way: nothing was accepted for {:.3} s, the last {:.0} ms after it was \
         asked for; {} in the first 250 ms after it",
        seconds(gap[0], gap[1]),
        seconds(struck, gap[0]) * 1e3,
        first.count(),
    );
}

/// Reading the directory again, probes, and the looks for tickets of another run (docs/runs.md).
fn looks() {
    const ROWS: u64 = 10_000;
    for rate in [30_u64, 200, 2000] {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let folder = folder.path();
        let sandbox = Sandbox::start(folder, "0");
        let further = format!("live = true\nrate = \"{rate}/s\"\nconcurrency = 16");
        fill(folder, &sandbox, ROWS, &further);
        let requests = || {
            let stats: Value = serde_json::from_str(&sandbox.ask("stats")).expect("JSON");
            stats["requests"]["incidentiq"].as_u64().expect("a count")
        };
        let before = requests();
        measure(program(
            folder,
            &[&IMPORT[..], &["--confirm", "district"]].concat(),
        ));
        let beside = requests() - before - ROWS;
        println!(
            "{ROWS} rows at {rate}/s: {beside} requests beside one a row ({:.2} %)",
            100.0 * beside as f64 / ROWS as f64
        );
    }
}
