//! What the program costs beside the bare work: `cargo bench --bench table -- [ROWS]`.
//!
//! Each line measures ours and the bare work in turn in one run, so that a machine whose speed changes meanwhile changes
//! both. `docs/performance.md` holds a table of it. `oha` and Python's `aiohttp` are measured where they are installed, and
//! another build of the program, in turn with the rest, where `DESKFERRY_BEFORE` names one.

#[path = "table/bare.rs"]
mod bare;
#[path = "table/exports.rs"]
mod exports;
#[path = "table/sending.rs"]
mod sending;
#[expect(dead_code, reason = "each measurement needs its own part of it")]
mod support;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use support::{
    Measured, Names, command_of, measure, measured_program, median, processor_time, sizes,
    write_csv,
};

/// How often each line is measured.
const ROUNDS: usize = 5;

fn main() {
    let rows = sizes()[0];
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let folder = folder.path();
    println!("medians of {ROUNDS} (least to most), side by side in one run");
    println!("{}", Line::heading());
    let names = Names::pull(folder, &["--system", "incidentiq", "--sandbox"]);
    reading(folder, rows, &names);
    exports::lines(folder, rows);
    sending::lines(folder);
}

/// Dry run and `validate` beside the readers alone.
fn reading(folder: &Path, rows: u64, names: &Names) {
    write_csv(folder, rows, names);
    let few = (rows / 5).max(1);
    bare::write_workbook(&folder.join("tickets.xlsx"), few, names);
    bare::write_json_lines(&folder.join("tickets.jsonl"), few, names);
    let dry_run = |program: &Path, input: &str| {
        let words = ["--directory", "directory.json", "--dry-run"];
        let all = [
            &["import", input, "--mapping", "map.toml"],
            &words[..],
            QUIET,
        ]
        .concat();
        Cost::of(measure(command_of(program, folder, &all)))
    };
    let validate = |program: &Path| {
        let words = [
            "validate",
            "map.toml",
            "--input",
            "tickets.csv",
            "--directory",
            "directory.json",
        ];
        let words = [&words[..], QUIET].concat();
        Cost::of(measure(command_of(program, folder, &words)))
    };
    let parse = || timed(|| bare::read_csv(&folder.join("tickets.csv")));
    Line::measure(
        "dry run, CSV",
        "csv",
        rows,
        |program| dry_run(program, "tickets.csv"),
        parse,
    );
    Line::measure("validate, CSV", "csv", rows, validate, parse);
    Line::measure(
        "dry run, XLSX",
        "calamine",
        few,
        |program| dry_run(program, "tickets.xlsx"),
        || timed(|| bare::read_workbook(&folder.join("tickets.xlsx"))),
    );
    Line::measure(
        "dry run, JSON lines",
        "serde_json",
        few,
        |program| dry_run(program, "tickets.jsonl"),
        || timed(|| bare::read_json_lines(&folder.join("tickets.jsonl"))),
    );
}

/// One document on standard output and nothing else.
const QUIET: &[&str] = &["--format", "json", "--quiet"];

/// What one pass cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    took: Duration,
    processor: Option<Duration>,
    peak_mb: Option<f64>,
}

impl Cost {
    fn of(measured: Measured) -> Self {
        Self {
            took: measured.took,
            processor: measured.processor,
            peak_mb: measured.peak_mb,
        }
    }
}

/// Measures work in this process.
fn timed(work: impl FnOnce()) -> Cost {
    let (before, started) = (processor_time("self"), Instant::now());
    work();
    let took = started.elapsed();
    let processor = processor_time("self")
        .zip(before)
        .map(|(after, before)| after - before);
    Cost {
        took,
        processor,
        peak_mb: None,
    }
}

/// One line of the table.
struct Line {
    what: String,
    beside: String,
    rows: u64,
    ours: Vec<Cost>,
    before: Vec<Cost>,
    bare: Vec<Cost>,
}

impl Line {
    /// Measures the program, another build of it and the bare work in turn, and prints the line.
    fn measure(
        what: &str,
        beside: &str,
        rows: u64,
        ours: impl Fn(&Path) -> Cost,
        bare: impl Fn() -> Cost,
    ) {
        let before = std::env::var_os("DESKFERRY_BEFORE").map(PathBuf::from);
        Self::of(what, beside, rows, before, ours, bare);
    }

    /// The same for work of the library in this process: there is no other build of it to compare with.
    fn measure_here(
        what: &str,
        beside: &str,
        rows: u64,
        ours: impl Fn() -> Cost,
        bare: impl Fn() -> Cost,
    ) {
        Self::of(what, beside, rows, None, |_| ours(), bare);
    }

    fn of(
        what: &str,
        beside: &str,
        rows: u64,
        before: Option<PathBuf>,
        ours: impl Fn(&Path) -> Cost,
        bare: impl Fn() -> Cost,
    ) {
        let mut line = Self {
            what: what.to_owned(),
            beside: beside.to_owned(),
            rows,
            ours: Vec::new(),
            before: Vec::new(),
            bare: Vec::new(),
        };
        let program = measured_program();
        for _ in 0..ROUNDS {
            line.ours.push(ours(&program));
            line.before.extend(before.as_deref().map(&ours));
            line.bare.push(bare());
        }
        println!("{line}");
    }

    fn heading() -> String {
        format!(
            "{:<22} {:>9}  {:<28} {:<12} {:<28} {:>6}  {:>9} {:>9} {:>9}  {:>7}",
            "what",
            "rows",
            "ours, rows/s",
            "beside",
            "bare, rows/s",
            "ratio",
            "µs a row",
            "before",
            "bare",
            "MB"
        )
    }

    fn speeds(&self, costs: &[Cost]) -> Vec<f64> {
        costs
            .iter()
            .map(|cost| self.rows as f64 / cost.took.as_secs_f64())
            .collect()
    }

    /// Microseconds of processor time a row.
    fn processor(&self, costs: &[Cost]) -> String {
        let all: Option<Vec<f64>> = costs
            .iter()
            .map(|cost| Some(cost.processor?.as_secs_f64() * 1e6 / self.rows as f64))
            .collect();
        match all {
            _ if costs.is_empty() => "-".to_owned(),
            Some(all) => format!("{:.1}", median(all)),
            None => "?".to_owned(),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spread = |speeds: &[f64]| {
            let least = speeds.iter().copied().fold(f64::INFINITY, f64::min);
            let most = speeds.iter().copied().fold(0.0, f64::max);
            format!("{:.0} ({least:.0} to {most:.0})", median(speeds.to_vec()))
        };
        let (ours, bare) = (self.speeds(&self.ours), self.speeds(&self.bare));
        // Of each round by itself: both were measured under the same load.
        let ratios = ours
            .iter()
            .zip(&bare)
            .map(|(ours, bare)| ours / bare)
            .collect();
        let peak = self
            .ours
            .iter()
            .filter_map(|cost| cost.peak_mb)
            .fold(None, |most: Option<f64>, mb| {
                Some(most.map_or(mb, |most| most.max(mb)))
            });
        write!(
            f,
            "{:<22} {:>9}  {:<28} {:<12} {:<28} {:>6.3}  {:>9} {:>9} {:>9}  {:>7}",
            self.what,
            self.rows,
            spread(&ours),
            self.beside,
            spread(&bare),
            median(ratios),
            self.processor(&self.ours),
            self.processor(&self.before),
            self.processor(&self.bare),
            peak.map_or_else(|| "?".to_owned(), |mb| format!("{mb:.0}")),
        )
    }
}
