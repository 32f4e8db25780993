//! Rows a second and memory of a dry run: `cargo bench --bench dry_run -- 1000000 10000000`.

#[expect(dead_code, reason = "each measurement needs its own part of it")]
mod support;

use support::{Names, measure, median, program, sizes, write_csv};

fn main() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let folder = folder.path();
    let names = Names::pull(folder, &["--system", "incidentiq", "--sandbox"]);
    for rows in sizes() {
        let input = write_csv(folder, rows, &names);
        let rounds = if rows > 2_000_000 { 1 } else { 5 };
        let mut speeds = Vec::new();
        let mut peak: Option<f64> = None;
        for _ in 0..rounds {
            let arguments = [
                "import",
                "tickets.csv",
                "--mapping",
                "map.toml",
                "--directory",
                "directory.json",
                "--dry-run",
                "--format",
                "json",
                "--quiet",
            ];
            let measured = measure(program(folder, &arguments));
            let summary: serde_json::Value =
                serde_json::from_str(&measured.stdout).expect("a summary");
            assert_eq!(summary["would_create"], rows, "{summary:#}");
            speeds.push(rows as f64 / measured.took.as_secs_f64());
            peak = measured.peak_mb.or(peak);
        }
        let size = std::fs::metadata(&input).map_or(0, |meta| meta.len()) / 1_000_000;
        let memory = peak.map_or_else(
            || "not told by this system".to_owned(),
            |mb| format!("{mb:.0} MB at most"),
        );
        println!(
            "dry run of {rows} rows ({size} MB): {:.0} rows/s (median of {rounds}), {memory}",
            median(speeds)
        );
    }
}
