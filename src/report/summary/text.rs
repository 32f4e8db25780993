//! The summary as people read it.

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
            text.push_str("\n  rejected, by cause\n");
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
                    "    the unknown names as a table to fill in:  {command}"
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
            "  {} → {}          {run}",
            context.inputs.join(", "),
            context.target
        );
        if let Some(open) = &context.open {
            let _ = writeln!(text, "  open       {open}");
        }
        if let Some(line) = self.desk.line() {
            let _ = writeln!(text, "  the desk   {line}");
        }
        let _ = writeln!(
            text,
            "  read {} → {}, {} filtered",
            words::plural(self.rows, "row", "rows"),
            words::plural(self.records, "record", "records"),
            words::count(self.filtered)
        );
        let operation = context.operation;
        let n = words::count;
        let would_make = self.ready - self.would_update - self.would_complete;
        let mut made = match (operation, context.dry_run) {
            (Operation::Upsert, true) => format!(
                "would create {}   would update {}",
                n(would_make),
                n(self.would_update)
            ),
            (Operation::Upsert, false) => {
                format!("created {}   updated {}", n(self.created), n(self.updated))
            }
            (_, true) => format!("would {} {}", operation.verb(), n(would_make)),
            (_, false) => format!("{} {}", operation.done(), n(self.created)),
        };
        if self.would_complete > 0 {
            let _ = write!(made, "   would complete {}", n(self.would_complete));
        }
        if self.known > 0 {
            let _ = write!(made, "   known {}", n(self.known));
        }
        let _ = write!(
            text,
            "  {made}   skipped {}   rejected {}   in doubt {}   not sent {}      in {}",
            n(self.skipped),
            n(self.rejected),
            n(self.in_doubt),
            n(self.not_sent),
            words::duration(after.took)
        );
        let seconds = after.took.as_secs_f64();
        match context.limit {
            Some(limit) if !context.dry_run && self.sent > 0 && seconds > 0.0 => {
                let _ = writeln!(
                    text,
                    " ({}, limit {})",
                    words::rate(self.sent as f64 / seconds),
                    words::rate(limit)
                );
            }
            _ => text.push('\n'),
        }
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
