//! The differences as a CSV, a row each.

use std::io::{self, Write};

use super::{Finding, Report};
use crate::source::guard::guard;

/// What stands above the columns.
const HEADINGS: [&str; 14] = [
    "state",
    "result",
    "what",
    "expected",
    "found",
    "note",
    "explanation",
    "file",
    "sheet",
    "row",
    "key",
    "ticket",
    "number",
    "link",
];

/// Writes the differences.
///
/// # Errors
/// What `out` could not write.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(HEADINGS)?;
    for finding in &report.findings {
        let cells = cells(finding);
        // What a spreadsheet program would run is data here.
        writer.write_record(cells.iter().map(|cell| guard(cell).into_owned()))?;
    }
    writer.flush()
}

fn cells(finding: &Finding) -> [String; HEADINGS.len()] {
    let difference = &finding.difference;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let place = finding.place.as_ref();
    let ticket = finding.ticket.as_ref();
    let state = if difference.is_open() {
        "open"
    } else {
        "explained"
    };
    [
        state.to_owned(),
        difference.verdict.as_str().to_owned(),
        difference.what.clone(),
        text(&difference.expected),
        text(&difference.found),
        text(&difference.note),
        text(&difference.explained),
        place.map_or_else(String::new, |place| place.file.to_string()),
        place
            .and_then(|place| place.sheet.as_deref())
            .unwrap_or_default()
            .to_owned(),
        place.map_or_else(String::new, |place| place.row.to_string()),
        finding
            .key
            .as_ref()
            .map_or_else(String::new, |key| key.as_str().to_owned()),
        ticket.map_or_else(String::new, |ticket| ticket.id.clone()),
        ticket
            .and_then(|ticket| ticket.number.clone())
            .unwrap_or_default(),
        ticket
            .and_then(|ticket| ticket.url.clone())
            .unwrap_or_default(),
    ]
}
