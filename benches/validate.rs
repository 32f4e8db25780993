//! Rows a second and memory of a check of a file's rows: `cargo bench --bench validate -- 1000000 10000000`.

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
    let pull = [
        "directory",
        "pull",
        "--system",
        "incidentiq",
        "--sandbox",
        "-o",
        "directory.json",
        "--quiet",
    ];
    measure(program(folder, &pull));
    let snapshot = folder.join("directory.json");
    let places = names(&snapshot, "location", None);
    let people = names(&snapshot, "user", Some("email"));
    let issues = names(&snapshot, "issue", None);
    // A column of names of which none resolves: the worst a file can be, each miss summed up.
    let strangers: Vec<String> = places
        .iter()
        .map(|place| format!("{place} (old)"))
        .collect();
    for rows in sizes {
        for (what, places, faulty) in [("good", &places, 0), ("all with a fault", &strangers, rows)]
        {
            write_csv(folder, rows, places, &people, &issues);
            let mut speeds = Vec::new();
            let mut peak: Option<f64> = None;
            let rounds = if rows > 2_000_000 { 1 } else { 5 };
            for _ in 0..rounds {
                let arguments = [
                    "validate",
                    "map.toml",
                    "--input",
                    "tickets.csv",
                    "--directory",
                    "directory.json",
                    "--format",
                    "json",
                    "--quiet",
                ];
                let measured = measure(program(folder, &arguments));
                let found: serde_json::Value =
                    serde_json::from_str(&measured.stdout).expect("a document");
                let input = &found["mappings"][0]["input"];
                assert_eq!(input["records"], rows, "{found:#}");
                assert_eq!(input["faulty"], faulty, "{found:#}");
                speeds.push(rows as f64 / measured.took.as_secs_f64());
                peak = measured.peak_mb.or(peak);
            }
            let memory = peak.map_or_else(
                || "not told by this system".to_owned(),
                |mb| format!("{mb:.0} MB at most"),
            );
            println!(
                "check of {rows} rows, {what}: {:.0} rows/s (median of {rounds}), {memory}",
                median(speeds)
            );
        }
    }
}
