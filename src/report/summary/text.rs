//! The summary as people read it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::causes::FIX_FIRST;
use super::super::words;
use super::{Aftermath, Context, Summary};
use crate::systems::Operation;

impl Summary {
    /// The summary for people; the caller prints it.
    pub fn render(&self, context: &Context, after: &Aftermath) -> String {
        let mut text = String::new();
        self.head(&mut text, context, after);
        self.told(&mut text, context, after);
        if !self.causes.is_empty() {
            let several = match self.causes.faults() > self.rejected + self.incomplete {
                true => " (a row can have several)",
                false => "",
            };
            let _ = writeln!(text, "\n  rejected, by cause{several}");
            let rest = match context.dry_run {
                true => FIX_FIRST,
                false => "the error file has each",
            };
            for line in self.causes.lines(rest) {
                let _ = writeln!(text, "    {line}");
            }
            if let Some(command) = &after.write_aliases {
                let _ = writeln!(
                    text,
                    "    names to be matched by hand, as a workbook:  {command}"
                );
            }
        }
        for (title, sample) in [
            ("changed since they were made, left alone", &self.changed),
            ("in doubt", &self.doubts),
            ("warnings of the system", &self.warnings),
        ] {
            if sample.count > 0 {
                let _ = writeln!(text, "\n  {title}");
                for line in &sample.first {
                    let _ = writeln!(text, "    {line}");
                }
                let rest = sample.count - sample.first.len() as u64;
                if rest > 0 {
                    let _ = writeln!(text, "    … and {} more", words::count(rest));
                }
            }
        }
        forecast(&mut text, after);
        foot(&mut text, after);
        text
    }

    fn head(&self, text: &mut String, context: &Context, after: &Aftermath) {
        let run = match (&context.run, context.dry_run) {
            (_, true) => "dry run, nothing was sent".to_owned(),
            (Some(run), false) => format!("run {run}"),
            (None, false) => String::new(),
        };
        let _ = writeln!(
            text,
            "  {} → {}   {run}",
            context.inputs.join(", "),
            context.target
        );
        if let Some(open) = &context.open {
            let _ = writeln!(text, "  open       {open}");
        }
        if let Some(line) = self.desk.line() {
            let _ = writeln!(text, "  the desk   {line}");
        }
        let filtered = match self.filtered {
            0 => String::new(),
            filtered => format!(", {} filtered", words::count(filtered)),
        };
        let _ = writeln!(
            text,
            "  read {} → {}{filtered}",
            words::plural(self.rows, "row", "rows"),
            words::plural(self.records, "record", "records"),
        );
        let _ = writeln!(text, "  {}", self.counts(context).join("   "));
        let besides = besides(self.steps(after));
        if !besides.is_empty() {
            let _ = writeln!(text, "  besides    {}", besides.join(", "));
        }
        let seconds = after.took.as_secs_f64();
        let took = words::duration(after.took);
        if context.dry_run || self.sent == 0 || seconds <= 0.0 {
            let _ = writeln!(text, "  in {took}");
            return;
        }
        let limit = context.limit.map(words::rate);
        let limit = limit.map(|limit| format!(", limit {limit}"));
        let _ = writeln!(
            text,
            "  in {took}: {} at {}{}",
            words::plural(self.sent, "request", "requests"),
            words::rate(self.sent as f64 / seconds),
            limit.unwrap_or_default()
        );
    }

    /// What became of the records, without what became of none.
    fn counts(&self, context: &Context) -> Vec<String> {
        let operation = context.operation;
        let would_make = self.ready - self.would_update - self.would_complete;
        let (made, updated) = match context.dry_run {
            true if operation == Operation::Upsert => ("would create".to_owned(), "would update"),
            true => (format!("would {}", operation.verb()), "would update"),
            false => (operation.done().to_owned(), "updated"),
        };
        let (of_made, of_updated) = match context.dry_run {
            true => (would_make, self.would_update),
            false => (self.created, self.updated),
        };
        let counts = [
            (made.as_str(), of_made),
            (updated, of_updated),
            ("would complete", self.would_complete),
            ("known", self.known),
            ("skipped", self.skipped),
            ("rejected", self.rejected),
            ("in doubt", self.in_doubt),
            ("not sent", self.not_sent),
        ];
        let shown = counts.iter().filter(|(_, count)| *count > 0);
        let mut shown: Vec<String> = shown
            .map(|(what, count)| format!("{what} {}", words::count(*count)))
            .collect();
        if shown.is_empty() {
            shown.push("nothing to do".to_owned());
        }
        shown
    }

    fn told(&self, text: &mut String, context: &Context, after: &Aftermath) {
        let reasons: Vec<String> = [
            (self.done_before, "done before"),
            (self.changed.count, "changed since"),
            (self.repeated, "the same row again"),
            (self.by_mapping, "by the mapping"),
            (self.by_hand, "settled by hand"),
            (self.unedited, "unchanged since the export"),
            (self.in_conflict, "in conflict with the desk"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, why)| format!("{} {why}", words::count(count)))
        .collect();
        if !reasons.is_empty() {
            let _ = writeln!(text, "  skipped    {}", reasons.join(", "));
        }
        if self.compared > 0 {
            let _ = writeln!(
                text,
                "  compared   {}: {} would change, {} no change",
                words::plural(self.compared, "ticket", "tickets"),
                words::count(self.compared - self.no_change),
                words::count(self.no_change)
            );
        }
        if self.known + self.would_complete > 0 {
            let _ = writeln!(
                text,
                "  known      {} that this run did not make: what was open of them {}",
                words::plural(self.known + self.would_complete, "ticket", "tickets"),
                match context.dry_run {
                    true => "would be done",
                    false => "is done",
                }
            );
        }
        if self.incomplete > 0 {
            let _ = match context.dry_run {
                true => writeln!(
                    text,
                    "  incomplete {}: a ticket that the row names would not be made",
                    words::plural(self.incomplete, "row", "rows")
                ),
                false => writeln!(
                    text,
                    "  incomplete {} {}, a later step was refused",
                    words::plural(self.incomplete, "ticket was", "tickets were"),
                    context.operation.done()
                ),
            };
        }
        if let Some(bulk) = after.bulk
            && self.sent > 0
        {
            let all = words::plural(self.sent, "request", "requests");
            let told = match bulk {
                0 => format!(
                    "none of {all} was for many tickets: there is none for what is set, or too few rows set the same"
                ),
                bulk => format!(
                    "{} of {all} for many tickets at once, besides those that read the tickets back",
                    words::count(bulk)
                ),
            };
            let _ = writeln!(text, "  bulk       {told}");
        }
        if let Some(most) = context.most
            && self.not_sent > 0
            && after.stopped.is_none()
        {
            let _ = writeln!(
                text,
                "  not sent   {} past --limit {most}: the same command goes on with them",
                words::plural(self.not_sent, "record", "records")
            );
        }
        for line in self.fallbacks.lines() {
            let _ = writeln!(text, "  fallbacks  {line}");
        }
    }
}

/// What was done on tickets besides making them, with the rest of the requests as one.
fn besides(steps: &BTreeMap<String, u64>) -> Vec<String> {
    let mut others = 0;
    let mut named_ones = Vec::new();
    for (call, count) in steps {
        match named(call) {
            Some((one, many)) => named_ones.push(words::plural(*count, one, many)),
            None => others += count,
        }
    }
    if others > 0 {
        let fields = words::plural(others, "request", "requests");
        named_ones.push(format!("{fields} that set further fields"));
    }
    named_ones
}

/// What people call a step, one and many; `None` for one that only sets a field.
pub(crate) fn named(call: &str) -> Option<(&'static str, &'static str)> {
    Some(match call {
        "comment" => ("comment", "comments"),
        "close" => ("closing", "closings"),
        "assign" => ("assignment", "assignments"),
        "set_status" | "status" => ("change of status", "changes of status"),
        "subtask" => ("subtask", "subtasks"),
        "delete" => ("deletion", "deletions"),
        _ => return None,
    })
}

/// How long it would take, and what could not be checked.
fn forecast(text: &mut String, after: &Aftermath) {
    if let Some(forecast) = &after.forecast {
        let ends = forecast.ends.as_deref().map_or(String::new(), |ends| {
            format!(", so not before {ends} if it began now")
        });
        let _ = writeln!(
            text,
            "\n  forecast   {}: at least {} at {}{ends}",
            words::plural(forecast.requests, "request", "requests"),
            words::duration(forecast.least),
            words::rate(forecast.rate)
        );
    }
    if !after.unchecked.is_empty() {
        text.push_str("\n  not checked, because only the system can tell\n");
        for line in &after.unchecked {
            let _ = writeln!(text, "    {line}");
        }
    }
}

fn foot(text: &mut String, after: &Aftermath) {
    if !after.error_files.is_empty() || !after.files.is_empty() {
        text.push('\n');
    }
    for (path, command) in &after.error_files {
        let _ = writeln!(
            text,
            "  errors     {}     fix and run:  {command}",
            path.display()
        );
    }
    for line in &after.kept {
        let _ = writeln!(text, "  note       {line}");
    }
    for (what, path) in &after.files {
        let _ = writeln!(text, "  {what:<10} {}", path.display());
    }
    if let Some(stopped) = &after.stopped {
        let _ = writeln!(text, "\n  stopped    {stopped}");
    }
    if let Some(resume) = &after.resume {
        let _ = writeln!(text, "  go on      {resume}");
    }
}
