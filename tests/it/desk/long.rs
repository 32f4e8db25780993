//! Many sequences in one process, and their counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::setup::{Outcome, Setup};
use super::verdict::Wrong;

/// A number out of the environment.
pub(super) fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// What came of many sequences.
#[derive(Debug, Default)]
pub(super) struct Counts {
    sequences: usize,
    commands: usize,
    kills: usize,
    fewest_kills: Option<usize>,
    rows: usize,
    tickets: usize,
    struck: BTreeMap<String, u64>,
    starved: usize,
    took: Duration,
    longest: Duration,
    wrong: BTreeMap<Wrong, usize>,
    in_doubt: usize,
    rejected: usize,
    named: usize,
    named_without_excuse: usize,
    /// Failed ones, with what was wrong first.
    failed: BTreeMap<u64, String>,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        self.sequences += 1;
        self.commands += outcome.commands;
        self.kills += outcome.kills;
        self.fewest_kills = Some(
            self.fewest_kills
                .unwrap_or(outcome.kills)
                .min(outcome.kills),
        );
        self.rows += outcome.rows;
        self.tickets += outcome.tickets;
        self.starved += outcome.starved;
        self.took += outcome.took;
        self.longest = self.longest.max(outcome.took);
        for (name, count) in &outcome.struck {
            *self.struck.entry(name.clone()).or_default() += count;
        }
        let verdict = &outcome.verdict;
        for fault in &verdict.faults {
            *self.wrong.entry(fault.wrong).or_default() += 1;
        }
        self.in_doubt += verdict.in_doubt;
        self.rejected += verdict.rejected;
        self.named += verdict.named;
        self.named_without_excuse += verdict.named_without_excuse;
        if let Some(fault) = verdict.faults.first() {
            let text = format!("{:?}: {}", fault.wrong, fault.text);
            self.failed.insert(outcome.seed, text);
        }
    }

    pub(super) fn failed(&self) -> &BTreeMap<u64, String> {
        &self.failed
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        let count = |wrong| self.wrong.get(&wrong).copied().unwrap_or(0);
        format!(
            "{} sequences, {} commands, {} kills ({} at least), {} rows, {} tickets: {} lost, {} doubled silently, {} untrue; \
             {} in doubt, {} rejected, {} duplicates named ({} of them although no assumption was broken); {:.0} s each, {:.0} s at most; {} run again, since the machine had no time",
            self.sequences,
            self.commands,
            self.kills,
            self.fewest_kills.unwrap_or(0),
            self.rows,
            self.tickets,
            count(Wrong::Lost),
            count(Wrong::Doubled),
            count(Wrong::Untrue),
            self.in_doubt,
            self.rejected,
            self.named,
            self.named_without_excuse,
            self.took.as_secs_f64() / self.sequences.max(1) as f64,
            self.longest.as_secs_f64(),
            self.starved
        )
    }

    /// Everything.
    pub(super) fn text(&self) -> String {
        let mut text = self.line();
        let strikes = self
            .struck
            .iter()
            .map(|(name, count)| format!("{name} {count}"));
        let _ = write!(text, "\nstruck: {}", strikes.collect::<Vec<_>>().join(", "));
        for (seed, why) in &self.failed {
            let _ = write!(text, "\nDESK_SEED={seed}: {why}");
        }
        text
    }
}

/// One sequence of many: what it is counted under, and its seed.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) label: String,
    pub(super) seed: u64,
}

/// Runs the sequences in so many threads and counts them by label; goes on after a failure. Each failed one leaves its
/// story in the folder that `DESK_STORIES` names, else on standard error.
pub(super) fn run(
    jobs: &[Job],
    threads: u64,
    setup: impl Fn(&Job) -> Setup + Sync,
) -> BTreeMap<String, Counts> {
    let counts: Mutex<BTreeMap<String, Counts>> = Mutex::default();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ended = catch_unwind(AssertUnwindSafe(|| setup(job).run()));
                    let mut counts = counts.lock().unwrap();
                    let counts = counts.entry(job.label.clone()).or_default();
                    match ended {
                        Ok(outcome) => {
                            counts.add(&outcome);
                            let faults = outcome.verdict.faults.len();
                            let named = outcome.verdict.named_without_excuse;
                            eprintln!("{} {}: {faults} faults, {named} named", job.label, job.seed);
                            if !outcome.verdict.faults.is_empty() {
                                tell(job, &outcome);
                            }
                        }
                        Err(_) => {
                            counts.sequences += 1;
                            let why = "the harness itself panicked".to_owned();
                            counts.failed.insert(job.seed, why);
                        }
                    }
                }
            });
        }
    });
    counts.into_inner().unwrap()
}

fn tell(job: &Job, outcome: &Outcome) {
    match std::env::var_os("DESK_STORIES") {
        Some(folder) => {
            let name = format!("{}-{}.txt", job.label.replace(' ', "-"), job.seed);
            std::fs::write(Path::new(&folder).join(name), &outcome.story).unwrap();
        }
        None => eprintln!("{}", outcome.story),
    }
}
