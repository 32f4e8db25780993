//! The import with its durable ledger against a bare load generator, both on the sandbox in another process with
//! its limit off: `cargo bench --bench throughput`. Needs `oha` (`cargo install oha`).

#[expect(dead_code, reason = "each measurement needs its own part of it")]
mod support;

use std::path::Path;
use std::process::Command;

use support::{Names, Sandbox, measure, median, program, write_csv};

const ROWS: u64 = 10_000;
const ROUNDS: usize = 5;
const CONCURRENCY: &str = "64";

fn main() {
    if Command::new("oha").arg("--version").output().is_err() {
        println!("this measurement compares with `oha`, which is not here: cargo install oha");
        return;
    }
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let folder = folder.path();
    let sandbox = Sandbox::start(folder, "0");
    sandbox.profiles(folder, "rate = \"1000000/s\"");
    write_csv(
        folder,
        ROWS,
        &Names::pull(folder, &["--profile", "district"]),
    );

    let body = folder.join("body.json");
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mapping =
            support::MAPPING.replace("scope = \"bench\"", &format!("scope = \"bench-{round}\""));
        std::fs::write(folder.join("map.toml"), mapping).expect("the folder can be written");
        let arguments = [
            "import",
            "tickets.csv",
            "--mapping",
            "map.toml",
            "--profile",
            "district",
            "--concurrency",
            CONCURRENCY,
            "--format",
            "json",
            "--quiet",
        ];
        // A ledger of its own: the same rows done under another scope would stop the run.
        let mut command = program(folder, &arguments);
        command.env("DESKFERRY_STATE", folder.join(format!("state-{round}")));
        let measured = measure(command);
        let summary: serde_json::Value = serde_json::from_str(&measured.stdout).expect("a summary");
        assert_eq!(summary["created"], ROWS, "{summary:#}");
        ours.push(ROWS as f64 / summary["seconds"].as_f64().expect("it tells its seconds"));
        // One body serves all rounds: the sandbox's memory of what it was sent grows long.
        if round == 0 {
            std::fs::write(&body, one_body(&sandbox)).expect("the folder can be written");
        }
        bare.push(load(&sandbox, &body));
        println!(
            "round {}: import {:.0}/s, bare {:.0}/s",
            round + 1,
            ours[round],
            bare[round]
        );
    }
    let ratios = ours
        .iter()
        .zip(&bare)
        .map(|(ours, bare)| ours / bare)
        .collect();
    println!(
        "import {:.0}/s, bare load generator {:.0}/s, ratio {:.2} (medians of {ROUNDS}, {CONCURRENCY} at once)",
        median(ours),
        median(bare),
        median(ratios)
    );
}

/// The same body as one of the import's requests, as fast as it goes.
fn load(sandbox: &Sandbox, body: &Path) -> f64 {
    let output = Command::new("oha")
        .args([
            "--no-tui",
            "--output-format",
            "json",
            "-n",
            &ROWS.to_string(),
            "-c",
            CONCURRENCY,
            "-m",
            "POST",
            "-D",
        ])
        .arg(body)
        .args([
            "-H",
            "authorization: Bearer sandbox",
            "-H",
            "client: ApiClient",
            "-T",
            "application/json",
        ])
        .args(["-H", &format!("siteid: {}", sandbox.told("site_id"))])
        .arg(format!(
            "{}/api/v1.0/tickets/new",
            sandbox.told("incidentiq")
        ))
        .output()
        .expect("oha runs");
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("oha reports JSON");
    assert_eq!(
        report["summary"]["successRate"].as_f64(),
        Some(1.0),
        "{report:#}"
    );
    assert_eq!(report["statusCodeDistribution"]["201"], ROWS, "{report:#}");
    report["summary"]["requestsPerSec"]
        .as_f64()
        .expect("oha tells its rate")
}

/// The last body that the sandbox accepted.
fn one_body(sandbox: &Sandbox) -> String {
    let audit = sandbox.ask("audit");
    let last = audit.lines().next_back().expect("it holds something");
    let last: serde_json::Value = serde_json::from_str(last).expect("JSON");
    last["body"].to_string()
}
