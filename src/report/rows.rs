//! Row by row, as JSON lines: what became of each record, and the requests that a dry run would send.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{Fault, Result};
use crate::event::{End, Fallback, RowEnd, Skip};
use crate::outfile::{Draft, Readers, Records, unwritable};
use crate::record::Place;

/// A file of JSON lines that takes its name when it is whole.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    file: Draft,
    records: Records,
}

impl Lines {
    fn create(path: &Path, readers: Readers) -> Result<Self> {
        let file = Draft::beside(path, readers);
        Ok(Self {
            path: path.to_owned(),
            file: file.map_err(|error| unwritable(path, error))?,
            records: Records::default(),
        })
    }

    fn put(&mut self, line: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.file, line)
            .map_err(std::io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(|error| unwritable(&self.path, error))
    }

    /// A line where a file that is none of ours steps aside for it, or the next free name is taken beside one that a
    /// program has open.
    fn finish(self) -> Result<Option<String>> {
        let (path, records) = (self.path, self.records);
        let placed = (self.file.whole()).and_then(|whole| whole.place(&path, &records));
        let placed = placed.map_err(|error| unwritable(&path, error))?;
        Ok(placed.note("an import"))
    }
}

/// One line of the payloads: a request, its row, and the body as it would leave.
#[derive(Serialize)]
struct RequestLine<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sheet: Option<&'a str>,
    row: u64,
    key: Option<&'a str>,
    step: &'a str,
    ordinal: u32,
    body: &'a Value,
}

/// All requests of a dry run, a line each, in the order of the input; a row that names the ticket of a later one comes last.
#[derive(Debug)]
pub struct PayloadFile(Lines);

impl PayloadFile {
    /// Starts the file.
    ///
    /// # Errors
    /// When its folder cannot be written.
    pub(crate) fn create(path: &Path, readers: Readers) -> Result<Self> {
        Lines::create(path, readers).map(Self)
    }

    /// Replaces what an earlier run wrote under its name, by what is remembered.
    #[must_use]
    pub(crate) fn remembering(mut self, records: Records) -> Self {
        self.0.records = records;
        self
    }

    /// Adds the requests of one record.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn add(&mut self, row: &RowEnd) -> Result<()> {
        let End::Ready { payloads, .. } = &row.end else {
            return Ok(());
        };
        for payload in payloads {
            self.0.put(&RequestLine {
                file: &row.place.file,
                sheet: row.place.sheet.as_deref(),
                row: row.place.row,
                key: row.key.as_ref().map(|key| key.as_str()),
                step: &payload.step,
                ordinal: payload.ordinal,
                body: &payload.body,
            })?;
        }
        Ok(())
    }

    /// Ends it: the file stands under its name. A line where another file steps aside for it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<Option<String>> {
        self.0.finish()
    }
}

/// What became of each record, a line each, in the order in which they ended.
#[derive(Debug)]
pub struct OutcomeFile(Lines);

impl OutcomeFile {
    /// Starts the file.
    ///
    /// # Errors
    /// When its folder cannot be written.
    pub(crate) fn create(path: &Path, readers: Readers) -> Result<Self> {
        Lines::create(path, readers).map(Self)
    }

    /// Replaces what an earlier run wrote under its name, by what is remembered.
    #[must_use]
    pub(crate) fn remembering(mut self, records: Records) -> Self {
        self.0.records = records;
        self
    }

    /// Adds one record.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, row: &RowEnd) -> Result<()> {
        let (state, more) = outcome(&row.end);
        let mut line = place(&row.place);
        line["key"] = json!(row.key.as_ref().map(|key| key.as_str()));
        line["state"] = json!(state);
        if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
            line.extend(more);
        }
        self.0.put(&line)
    }

    /// Ends it: the file stands under its name. A line where another file steps aside for it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<Option<String>> {
        self.0.finish()
    }
}

fn place(place: &Place) -> Value {
    json!({"file": &*place.file, "sheet": place.sheet.as_deref(), "row": place.row})
}

/// The state of a record in the words of the summary, and what is known besides.
fn outcome(end: &End) -> (&'static str, Value) {
    let faults = |faults: &[Fault]| faults.iter().map(fault).collect::<Value>();
    let fell_back = |fallbacks: &[Fallback]| fallbacks.iter().map(fallback).collect::<Value>();
    match end {
        End::Created { ticket, fallbacks }
        | End::Updated { ticket, fallbacks }
        | End::Known { ticket, fallbacks } => (
            match end {
                End::Updated { .. } => "updated",
                End::Known { .. } => "known",
                _ => "created",
            },
            json!({"id": ticket.id, "number": ticket.number, "link": ticket.url, "fallbacks": fell_back(fallbacks)}),
        ),
        End::Ready {
            requests,
            fallbacks,
            updates,
            known,
            untied,
            ..
        } => {
            let mut more = json!({"requests": requests, "fallbacks": fell_back(fallbacks)});
            if !untied.is_empty() {
                more["faults"] = faults(untied);
            }
            let state = match (updates, known) {
                (true, _) => "would update",
                (false, true) => "would complete",
                (false, false) => "would create",
            };
            (state, more)
        }
        End::Skipped(Skip::DoneBefore { ticket }) => (
            "skipped",
            json!({"because": "done before", "id": ticket.id, "number": ticket.number}),
        ),
        End::Skipped(Skip::Changed { ticket, run, from }) => (
            "skipped",
            json!({"because": "changed since", "id": ticket.id, "number": ticket.number, "run": run, "from": place(from)}),
        ),
        End::Skipped(Skip::Repeated { first }) => (
            "skipped",
            json!({"because": "the same row again", "first": place(first)}),
        ),
        End::Skipped(Skip::Unedited) => ("skipped", json!({"because": "unchanged"})),
        End::Skipped(Skip::Conflict) => ("skipped", json!({"because": "conflict"})),
        End::Skipped(Skip::ByHand) => ("skipped", json!({"because": "by hand"})),
        End::Skipped(Skip::ByMapping { reason }) => (
            "skipped",
            json!({"because": "by the mapping", "reason": reason}),
        ),
        End::Rejected(list) => ("rejected", json!({"faults": faults(list)})),
        End::Incomplete {
            ticket,
            faults: list,
            ..
        } => (
            "incomplete",
            json!({"id": ticket.id, "number": ticket.number, "faults": faults(list)}),
        ),
        End::InDoubt { reason } => ("in doubt", json!({"reason": reason})),
        End::NotSent => ("not sent", json!({})),
    }
}

fn fallback(fallback: &Fallback) -> Value {
    let mut line = json!({"field": fallback.field, "took": fallback.took});
    if let Some(word) = &fallback.word {
        line["word"] = json!(word.text);
        line["because"] = json!(word.by.word());
    }
    line
}

fn fault(fault: &Fault) -> Value {
    json!({
        "row": fault.place.row, "column": fault.column, "field": fault.field, "value": fault.value,
        "message": fault.message, "hint": fault.hint,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_a_spreadsheet_program_has_open_costs_no_outcomes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outcomes.jsonl");
        fs::write(&path, "open").unwrap();
        fs::write(folder.path().join(".~lock.outcomes.jsonl#"), "").unwrap();
        let mut lines = Lines::create(&path, Readers::default()).unwrap();
        lines.put(&json!({"row": 1})).unwrap();
        let note = lines.finish().unwrap().unwrap();
        assert!(note.contains("outcomes-2.jsonl"), "{note}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "open");
        let next = fs::read_to_string(folder.path().join("outcomes-2.jsonl")).unwrap();
        assert_eq!(next, "{\"row\":1}\n");
    }
}
