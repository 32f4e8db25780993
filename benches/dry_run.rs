//! Rows a second and memory of a dry run: `cargo bench --bench dry_run -- 1000000 10000000`.

#[expect(dead_code, reason = "each measurement needs its own part of it")]
mod support;

use support::{MAPPING, measure, median, names, program, write_csv};

fn main() {
    let sizes: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    let sizes = if sizes.is_empty() {
        vec![1_000_000]
    } else {
        sizes
    };
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let folder = folder.path();
    std::fs::write(folder.join("map.toml"), MAPPING).expect("the folder can be written");
    measure(program(
        folder,
        &[
            "directory",
            "pull",
            "--system",
            "incidentiq",
            "--sandbox",
            "-o",
            "directory.json",
            "--quiet",
        ],
    ));
    let snapshot = folder.join("directory.json");
    let places = names(&snapshot, "location", None);
    let people = names(&snapshot, "user", Some("email"));
    let issues = names(&snapshot, "issue", None);
    for rows in sizes {
        let input = write_csv(folder, rows, &places, &people, &issues);
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
