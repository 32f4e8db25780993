//! `deskferry runs list`: all runs as a table, each with how it stands in words and the command that comes next.

use console::Term;

use super::totals_line;
use crate::ledger::{Run, RunInfo, RunState, Tally};
use crate::report::words;

/// How wide the table is where the terminal does not say.
const WIDTH: usize = 110;
/// What stands before the rows of a run.
const COLUMNS: [(&str, usize); 3] = [("RUN", 6), ("STARTED (UTC)", 18), ("STATE", 24)];

/// How an attempt stands, in words.
pub(in crate::cli) fn state(attempt: &RunInfo) -> &'static str {
    match (attempt.word(), attempt.state, attempt.ended) {
        ("purged", ..) => "purged",
        ("ended", ..) | (_, RunState::Interrupted, None) => "killed",
        (_, RunState::Interrupted, Some(_)) => "stopped by Ctrl-C",
        (_, RunState::Stopped, _) => "stopped by an error",
        (_, RunState::Running, _) => "running",
        (_, RunState::Finished, _) => "finished",
    }
}

/// How a run stands.
pub(in crate::cli) fn standing(run: &Run, tally: &Tally) -> String {
    match run.undone() {
        0 => state(run.last()).to_owned(),
        undone => format!(
            "rolled back {} of {}",
            words::count(undone),
            words::count(undone + tally.made)
        ),
    }
}

/// The command that goes on with a run; `None` where nothing is left to do.
pub(super) fn next(run: &Run, tally: &Tally) -> Option<String> {
    let resume = resume(run);
    let last = run.last().word();
    // Of a purged run nobody knows any more what it was started with.
    if resume.is_empty() || last == "purged" || last == "running" || run.undone() > 0 {
        return None;
    }
    let code = run.code();
    if last != "finished" || tally.not_sent > 0 {
        return Some(resume.to_owned());
    }
    if tally.of("in_doubt") > 0 {
        return Some(format!("deskferry runs settle {code}"));
    }
    let is_refused = tally.of("rejected") + tally.of("incomplete") > 0;
    is_refused.then(|| format!("deskferry runs errors {code}"))
}

/// The command that goes on with a run: of the attempts over the input itself the last one, whose rows may be more.
pub(super) fn resume(run: &Run) -> &str {
    let first = run.first();
    let mut over_it = (run.attempts().iter().rev())
        .filter(|attempt| attempt.meta.input_print == first.meta.input_print);
    &over_it.next().unwrap_or(first).meta.command
}

/// The table.
pub(super) fn table(runs: &[(Run, Tally)]) -> String {
    let width = match Term::stdout().is_term() {
        true => usize::from(Term::stdout().size().1),
        false => WIDTH,
    };
    let indent = COLUMNS[0].1;
    let before: usize = COLUMNS.iter().map(|(_, width)| width).sum();
    let headings = COLUMNS.map(|(heading, width)| format!("{heading:<width$}"));
    let mut lines = vec![format!("{}ROWS", headings.concat())];
    for (run, tally) in runs {
        let cells = [
            run.code(),
            run.first().started.strftime("%Y-%m-%d %H:%M").to_string(),
            standing(run, tally),
        ];
        let cells = cells.iter().zip(COLUMNS);
        let head: String = cells
            .map(|(cell, (_, width))| format!("{cell:<width$}"))
            .collect();
        let rows = words::wrapped(&totals_line(run, tally), width.saturating_sub(before));
        let mut rows = rows.into_iter();
        lines.push(format!("{head}{}", rows.next().unwrap_or_default()));
        lines.extend(rows.map(|more| format!("{:before$}{more}", "")));
        let inputs = run.first().meta.inputs.join(", ");
        let about = match inputs.is_empty() {
            true => run.last().system.clone(),
            false => format!("{inputs} → {}", run.last().system),
        };
        lines.push(format!("{:indent$}{about}", ""));
        if let Some(next) = next(run, tally) {
            lines.push(format!("{:indent$}next: {next}", ""));
        }
    }
    lines.join("\n")
}
