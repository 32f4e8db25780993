//! The report as one JSON document.

use serde_json::{Value, json};

use super::{Finding, Report};

/// The report as data.
pub fn document(report: &Report) -> Value {
    let sums: serde_json::Map<String, Value> = report
        .sums()
        .into_iter()
        .map(|(verdict, (open, explained))| {
            let name = json!(verdict).as_str().unwrap_or_default().to_owned();
            (name, json!({"open": open, "explained": explained}))
        })
        .collect();
    let mut document = json!({
        "about": report.about,
        "is_open": report.is_open(),
        "tally": report.tally,
        "choice": report.choice,
        "confidence": report.confidence,
        "differences": sums,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "not_compared": report.not_compared,
        "columns": report.accounts,
        "counts": report.counts,
        "search_for_duplicates": report.search,
        "digests": report.digests,
        "notes": report.notes,
    });
    let lost = report.accounts.iter().filter(|account| account.is_lost());
    document["lost_columns"] = lost.map(|account| json!(account.field)).collect();
    document
}

fn finding(finding: &Finding) -> Value {
    let difference = &finding.difference;
    json!({
        "is_open": difference.is_open(),
        "result": difference.verdict,
        "what": difference.what,
        "expected": difference.expected,
        "found": difference.found,
        "note": difference.note,
        "explained": difference.explained,
        "file": finding.place.as_ref().map(|place| &*place.file),
        "sheet": finding.place.as_ref().and_then(|place| place.sheet.as_deref()),
        "row": finding.place.as_ref().map(|place| place.row),
        "key": finding.key.as_ref().map(|key| key.as_str()),
        "ticket": finding.ticket,
    })
}
