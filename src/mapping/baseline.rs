//! `[baseline]`: where it is noted what an exported file said when it was written, and which columns are compared with it.

use std::path::PathBuf;

use super::field::scalar;
use super::file::{Faults, Section, in_order};
use super::keys;
use super::load::Reading;
use crate::systems::Operation;
use jiff::Timestamp;

/// What an update by an exported file compares it with.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineRule {
    /// What the export is called.
    pub export: String,
    /// When it began.
    pub read_at: Option<Timestamp>,
    /// The file with the baseline; `None`: a hidden sheet of the workbook.
    pub file: Option<PathBuf>,
    /// The column by which each row is known again; `None`: the export is of a version that wrote none.
    pub stamp: Option<String>,
    /// The columns that are compared, by heading, each with the name of what it shows.
    pub columns: Vec<(String, String)>,
}

pub(super) fn read_baseline(
    top: &Section<'_, '_>,
    operation: Operation,
    reading: &Reading,
    faults: &mut Faults,
) -> Option<BaselineRule> {
    let (table, at) = top.table("baseline", faults)?;
    let section = Section::open(table, at, &keys::BASELINE, faults);
    if operation != Operation::Update {
        let message = "`[baseline]` is for `operation = \"update\"`: it says what of a ticket people have changed";
        faults.hint(top.key_at("baseline"), message, "leave it out");
    }
    let export = section.text("export", faults);
    let read_at = section.text("read_at", faults).and_then(|text| {
        let at = text.value.parse();
        if at.is_err() {
            let message = format!("`{}` is not a time", text.value);
            faults.hint(text.at, message, "for example \"2026-11-29T08:30:00Z\"");
        }
        at.ok()
    });
    let stamp = section.text("stamp", faults);
    let file = section.text("file", faults);
    // Which sheet it is follows from the export; the key says where to look.
    section.text("sheet", faults);
    let mut columns = Vec::new();
    if let Some((table, _)) = section.table("columns", faults) {
        for (heading, span, raw) in in_order(table) {
            match scalar(raw.get_ref()) {
                Some(name) => columns.push((heading.to_owned(), name)),
                None => {
                    faults.formal();
                    faults.hint(
                        span.start,
                        format!("`{heading}` of `[baseline.columns]` must be a text"),
                        "what the column shows of a ticket, such as \"title\"",
                    );
                }
            }
        }
    }
    Some(BaselineRule {
        export: export.map(|export| export.value).unwrap_or_default(),
        read_at,
        stamp: stamp.map(|stamp| stamp.value),
        // Only a baseline is read there, and an export may have written it into another folder.
        file: file.map(|file| reading.folder.join(file.value)),
        columns,
    })
}
