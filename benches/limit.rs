//! How exactly a limit is held: `cargo bench --bench limit` imports for 60 s at 50/s and at 1,000/s against a
//! sandbox with the same limit, and tells the rate that was reached and how often the sandbox said 429.

#[expect(dead_code, reason = "each measurement needs its own part of it")]
mod support;

use support::{Sandbox, measure, names, program, write_csv};

const SECONDS: u64 = 60;

fn main() {
    for rate in [50_u64, 1000] {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let folder = folder.path();
        let limit = format!("{rate}/s");
        let sandbox = Sandbox::start(folder, &limit);
        sandbox.profiles(folder, &format!("rate = \"{limit}\"\nconcurrency = 64"));
        std::fs::write(folder.join("map.toml"), support::MAPPING)
            .expect("the folder can be written");
        measure(program(
            folder,
            &[
                "directory",
                "pull",
                "--profile",
                "district",
                "-o",
                "directory.json",
                "--quiet",
            ],
        ));
        let snapshot = folder.join("directory.json");
        let people = names(&snapshot, "user", Some("email"));
        let rows = rate * SECONDS;
        write_csv(
            folder,
            rows,
            &names(&snapshot, "location", None),
            &people,
            &names(&snapshot, "issue", None),
        );
        // The requests of the directory must not count: the bucket of the sandbox is full again after a second.
        std::thread::sleep(std::time::Duration::from_secs(2));
        let arguments = [
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
        let measured = measure(program(folder, &arguments));
        let summary: serde_json::Value = serde_json::from_str(&measured.stdout).expect("a summary");
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
