//! The report of a run, right after it (`--report`) or at any time later (`runs report`): all of it is in the ledger.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::runs::{standing, state};
use crate::error::{Error, Result};
use crate::ledger::{EndFilter, Ledger, Run, RunInfo, StoredEnd, StoredFault, Tally};
use crate::outfile::{Claims, Draft, Readers, Records, unwritable};
use crate::report::causes::Causes;
use crate::report::run_report::{self, Attempt, RunReport};
use crate::report::summary::step_name;
use crate::run::Waited;

/// Rows read from the ledger at once.
const PAGE: u32 = 1_000;

/// Writes the page; the name that it got, and a line where another file stepped aside for it.
///
/// # Errors
/// When the ledger cannot be read, or the page cannot be written.
pub(super) async fn write(
    ledger: &Ledger,
    run: &Run,
    path: &Path,
    (readers, records): (Readers, Records),
) -> Result<(PathBuf, Option<String>)> {
    let report = gather(ledger, run).await?;
    let failed = |error| unwritable(path, error);
    let mut draft = Draft::beside(path, readers).map_err(failed)?;
    run_report::write(&report, &mut draft).map_err(failed)?;
    let placed = draft.whole().and_then(|whole| whole.place(path, &records));
    let placed = placed.map_err(failed)?;
    let note = placed.note("deskferry");
    Ok((placed.path, note))
}

/// Takes the name of a report; it is a page.
///
/// # Errors
/// A usage error for a name that says otherwise, or that the command reads or keeps.
pub(super) fn claim(path: &Path, claims: &mut Claims, flag: &'static str) -> Result<()> {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    if !["html", "htm"].contains(&extension.to_lowercase().as_str()) {
        return Err(Error::usage("a report is a page")
            .at(path.display())
            .hint(format!(
                "name a file that ends in .html: {flag} {}",
                path.with_extension("html").display()
            )));
    }
    claims.write(path, flag)
}

async fn gather(ledger: &Ledger, run: &Run) -> Result<RunReport> {
    let tally = ledger.tally(run).await?;
    let (first, last) = (run.first(), run.last());
    let mut report = RunReport {
        code: run.code(),
        state: standing(run, &tally),
        about: about(first, last),
        counts: counts(run, &tally),
        course: ledger.course(run).await?,
        causes: causes(ledger, run).await?,
        directory: directory(run),
        ..RunReport::default()
    };
    let mut steps: BTreeMap<String, u64> = BTreeMap::new();
    for attempt in run.attempts() {
        let operation = attempt.meta.operation;
        for (call, count) in ledger.steps_done(&attempt.code, operation).await? {
            *steps.entry(call).or_insert(0) += count;
        }
        let totals = attempt.totals.as_ref().unwrap_or(&Value::Null);
        report.requests += totals["requests"].as_u64().unwrap_or(0);
        let elapsed = serde_json::from_value::<Duration>(totals["elapsed"].clone());
        report.took += elapsed.unwrap_or_default();
        let waits = totals["waits"].clone();
        let waits = serde_json::from_value::<BTreeMap<String, Waited>>(waits);
        for (why, waited) in waits.unwrap_or_default() {
            let sum = report.waits.entry(why).or_default();
            sum.times += waited.times;
            sum.seconds += waited.seconds;
        }
        report.attempts.push(Attempt {
            name: attempt.name(),
            started: attempt.started,
            ended: attempt.ended,
            state: state(attempt),
            input: attempt.meta.inputs.join(", "),
        });
    }
    let named = steps.into_iter();
    report.steps = named
        .filter_map(|(call, count)| Some((step_name(&call)?.1.to_owned(), count)))
        .collect();
    Ok(report)
}

/// What it was, and as whom.
fn about(first: &RunInfo, last: &RunInfo) -> Vec<String> {
    let before = format!("{} {}", last.system, last.tenant);
    let system = match user(&last.meta.system_print, &last.tenant) {
        Some(user) => format!("{before}, as {user}"),
        None => before,
    };
    let mut lines = vec![format!("{} → {system}", first.meta.inputs.join(", "))];
    if !last.meta.mapping.is_empty() {
        lines.push(format!(
            "mapping {}, scope {}",
            last.meta.mapping, last.scope
        ));
    }
    lines
}

/// As whom a run went: what follows system, dialect and tenant in its fingerprint of the system.
fn user<'p>(print: &'p str, tenant: &str) -> Option<&'p str> {
    let user = print.splitn(3, ' ').nth(2)?.strip_prefix(tenant)?.trim();
    (!user.is_empty()).then_some(user)
}

fn counts(run: &Run, tally: &Tally) -> Vec<(String, u64, &'static str)> {
    let mut counts: Vec<_> = (super::runs::counts(run, tally).into_iter())
        .map(|(what, count)| {
            let of = match what {
                "incomplete" if run.last().meta.operation.makes() => {
                    "of these tickets: a later step is open"
                }
                _ => "rows",
            };
            (what.to_owned(), count, of)
        })
        .collect();
    if run.undone() > 0 {
        counts.push(("rolled back".to_owned(), run.undone(), "of these tickets"));
    }
    counts
}

async fn causes(ledger: &Ledger, run: &Run) -> Result<Causes> {
    let mut causes = Causes::default();
    let mut after = None;
    loop {
        let (page, last) = ledger.row_ends(run, EndFilter::Open, after, PAGE).await?;
        if last.is_none() {
            return Ok(causes);
        }
        after = last;
        for row in page {
            if let StoredEnd::Rejected { faults } | StoredEnd::Incomplete { faults, .. } = row.end {
                let faults: Vec<_> = faults.iter().map(StoredFault::fault).collect();
                causes.add(&faults);
            }
        }
    }
}

/// Between which attempts the names of the system changed.
fn directory(run: &Run) -> Vec<String> {
    let pairs = run.attempts().windows(2);
    let print = |attempt: &RunInfo| attempt.meta.directory_print.clone();
    let changed = pairs.filter(|pair| print(&pair[0]) != print(&pair[1]));
    changed
        .map(|pair| {
            format!(
                "the directory of the system changed between {} and {}",
                pair[0].name(),
                pair[1].name()
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_follows_the_tenant() {
        let of = |print, tenant| user(print, tenant);
        assert_eq!(
            of("incidentiq only site-7 Ada Lovelace", "site-7"),
            Some("Ada Lovelace")
        );
        // A tenant whose name is in that of the system, or of the dialect.
        assert_eq!(of("clearfeed rest feed Ada", "feed"), Some("Ada"));
        assert_eq!(of("clearfeed v1 v1 Ada", "v1"), Some("Ada"));
        assert_eq!(of("clearfeed v1 acme", "acme"), None);
        assert_eq!(of("", "acme"), None);
    }
}
