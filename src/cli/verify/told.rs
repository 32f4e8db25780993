//! What people read of a verification: while tickets are read, and at its end.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::super::output::Output;
use crate::report::words;
use crate::verify::{self, Report, Search};

/// How many open differences are shown.
const SHOWN: usize = 10;

/// What people read.
pub(super) fn told(report: &Report, places: &[PathBuf; 2]) -> String {
    let tally = &report.tally;
    let mut lines = vec![format!(
        "\n  verified   run {}: {} of {} compared",
        report.about.run,
        words::count(tally.compared),
        words::plural(tally.with_ticket, "ticket", "tickets")
    )];
    lines.extend(verify::sentence(report).map(|line| format!("             {line}")));
    let mut sums = vec![format!("equal {}", words::count(tally.equal))];
    for (count, word) in [
        (tally.explained, "explained"),
        (tally.differing, "with open differences"),
        (tally.without_ticket, "records without a ticket"),
    ] {
        if count > 0 {
            sums.push(format!("{word} {}", words::count(count)));
        }
    }
    lines.push(format!("  tickets    {}", sums.join(", ")));
    for (verdict, (open, explained)) in report.sums() {
        let mut parts = Vec::new();
        for (count, word) in [(open, "open"), (explained, "explained")] {
            if count > 0 {
                parts.push(format!("{} {word}", words::count(count)));
            }
        }
        lines.push(format!("  {:<10} {}", verdict.as_str(), parts.join(", ")));
    }
    let open = report.findings.iter().filter(|it| it.difference.is_open());
    for finding in open.clone().take(SHOWN) {
        lines.push(format!("    {}", finding.line()));
    }
    let rest = open.count().saturating_sub(SHOWN);
    if rest > 0 {
        lines.push(format!("    … and {} more", words::count(rest as u64)));
    }
    let lost: Vec<String> = (report.accounts.iter())
        .filter(|account| account.is_lost())
        .map(|account| format!("`{}` ({})", account.field, words::count(account.filled)))
        .collect();
    if !lost.is_empty() {
        let shown: Vec<String> = lost.iter().take(SHOWN).cloned().collect();
        lines.push(format!(
            "  lost       columns that no ticket holds, with their values: {}",
            words::list(&shown, lost.len() as u64)
        ));
    }
    for it in &report.not_compared {
        lines.push(format!(
            "  not shown  {}: {} ({})",
            it.field,
            it.why,
            words::plural(it.tickets, "ticket", "tickets")
        ));
    }
    match &report.search {
        Search::Whole(_) => {}
        Search::Partial(why) => lines.push(format!(
            "  warning    second tickets are not ruled out: {why}"
        )),
        Search::NotDone(why) => lines.push(format!(
            "  note       second tickets were not looked for: {why}"
        )),
    }
    lines.extend(
        report
            .notes
            .iter()
            .map(|note| format!("  note       {note}")),
    );
    let names: Vec<String> = places
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    lines.push(format!("  written    {}", names.join(", ")));
    lines.join("\n")
}

/// What is said while tickets are read.
pub(super) struct Told {
    output: Output,
    last: Instant,
}

/// How often that is.
const EVERY: Duration = Duration::from_secs(10);

impl Told {
    pub(super) fn new(output: Output) -> Self {
        Self {
            output,
            last: Instant::now(),
        }
    }

    pub(super) fn read(&mut self, read: u64, all: u64) {
        if self.last.elapsed() < EVERY {
            return;
        }
        self.last = Instant::now();
        self.output.say(&format!(
            "  reading    {} of {}",
            words::count(read),
            words::plural(all, "ticket", "tickets")
        ));
    }
}
