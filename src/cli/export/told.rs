//! What is said at the end of an export.

use std::time::Duration;

use serde_json::json;

use super::per_second;
use crate::cli::open::Open;
use crate::cli::output::Output;
use crate::error::{ExitCode, Result};
use crate::export::file::Written;
use crate::export::reading::Read;
use crate::report::words;

/// How an export ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) read: Read,
    pub(super) written: Written,
    pub(super) read_in: Duration,
    pub(super) took: Duration,
    /// Whether only what has changed since the last export was read.
    pub(super) is_incremental: bool,
}

impl Ended {
    /// Tells it; the exit code says whether the file is proven whole.
    pub(super) fn tell(&self, open: &Open, output: Output) -> Result<ExitCode> {
        let to = self.written.files.first();
        if output.is_json() && to.is_some() {
            output.data(&self.document(open).to_string())?;
        }
        output.say(&self.summary(open));
        Ok(doubtful(
            &self.read.doubts,
            "the file may lack tickets",
            output,
        ))
    }

    fn document(&self, open: &Open) -> serde_json::Value {
        json!({
            "system": open.system().schema().system(),
            "tenant": open.system().account().tenant,
            "file": self.written.files.first(),
            "files": self.written.files,
            "tickets": self.written.tickets,
            "read": {"tickets": self.read.came, "pages": self.read.pages, "seconds": seconds(self.read_in)},
            "complete": self.read.doubts.is_empty(),
            "doubts": self.read.doubts,
            "notes": self.read.notes.iter().chain(&self.written.notes).collect::<Vec<_>>(),
            "seconds": seconds(self.took),
        })
    }

    fn summary(&self, open: &Open) -> String {
        let to = match self.written.files.as_slice() {
            [] => "standard output".to_owned(),
            [path] => path.display().to_string(),
            [path, more @ ..] => format!("{} and {} more", path.display(), more.len()),
        };
        let mut lines = vec![
            format!(
                "  export     {} ({}) → {to}",
                open.system().schema().system(),
                open.target.name()
            ),
            format!(
                "  read       {} in {} on {}      ({}/s)",
                words::plural(self.read.came, "ticket", "tickets"),
                words::duration(self.read_in),
                words::plural(self.read.pages, "page", "pages"),
                words::count(per_second(self.read.came, self.read_in)),
            ),
            format!(
                "  written    {}",
                words::plural(self.written.tickets, "ticket", "tickets")
            ),
        ];
        // What was read is what has changed since the last export; the file holds what the filters let through of all.
        if self.read.came != self.written.tickets {
            let why = match self.is_incremental {
                true => {
                    "read: what has changed since the last export; written: all that is known and that the filters let through"
                }
                false => {
                    "read: what the system listed; written: what the filters let through of it"
                }
            };
            lines.push(format!("             {why}"));
        }
        let notes = self.read.notes.iter().chain(&self.written.notes);
        lines.extend(notes.map(|note| format!("  note       {note}")));
        lines.join("\n")
    }
}

/// Says what could not be proven; the exit code says whether there was something.
pub(super) fn doubtful(doubts: &[String], what: &str, output: Output) -> ExitCode {
    if doubts.is_empty() {
        return ExitCode::Done;
    }
    let mut text = format!("warning: {what}\n");
    for doubt in doubts {
        text.push_str(&format!("  {doubt}\n"));
    }
    text.push_str(
        "  hint: read it anew with --refresh when less is going on; what is in the file is right\n",
    );
    output.complain(&text);
    ExitCode::SomeRows
}

/// To the millisecond.
fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e3).round() / 1e3
}
