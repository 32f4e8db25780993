//! Rows a second and memory of a check of a file's rows: `cargo bench --bench validate -- 1000000 10000000`.

#[expect(dead_code, reason = "each measurement needs its own part of it")]
mod support;

use support::{Names, measure, median, program, sizes, write_csv};

fn main() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let folder = folder.path();
    let good = Names::pull(folder, &["--system", "incidentiq", "--sandbox"]);
    // A column of names of which none resolves: the worst a file can be, each miss summed up.
    let strange = Names {
        places: good
            .places
            .iter()
            .map(|place| format!("{place} (old)"))
            .collect(),
        people: good.people.clone(),
        issues: good.issues.clone(),
    };
    for rows in sizes() {
        for (what, names, faulty) in [("good", &good, 0), ("all with a fault", &strange, rows)] {
            write_csv(folder, rows, names);
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
