//! What came of writing to one ticket, for people and for scripts.

use serde_json::{Value, json};

use super::Open;
use super::common_fields::listing;
use super::send::{End, Sent};
use crate::cli::output::Output;
use crate::directory::suggest::did_you_mean;
use crate::directory::{Directory, Found};
use crate::error::{Error, ErrorKind, ExitCode, Fault, Result};
use crate::report::diff::lines;
use crate::systems::diff::Diff;
use crate::systems::{Operation, Refusal, StepPayload, Ticket};

/// The requests that a rehearsal does not send.
pub(super) fn rehearsed(
    operation: Operation,
    ticket: Option<&Ticket>,
    steps: &[StepPayload],
    output: Output,
) -> Result<ExitCode> {
    let requests: Vec<Value> = steps
        .iter()
        .map(|step| json!({"step": step.step, "body": step.body}))
        .collect();
    let document =
        json!({"operation": operation, "ticket": ticket, "dry_run": true, "requests": requests});
    match output.is_json() {
        true => output.data(&document.to_string())?,
        false => {
            for step in steps {
                let body = serde_json::to_string_pretty(&step.body).map_err(|error| {
                    Error::machine("a request cannot be shown").caused_by(error)
                })?;
                output.data(&format!("{}\n{body}", step.step))?;
            }
            output.say("  dry run    nothing was sent");
        }
    }
    Ok(ExitCode::Done)
}

/// What would change on the ticket.
pub(super) fn compared(operation: Operation, diff: &Diff, output: Output) -> Result<ExitCode> {
    match (output.is_json(), diff.fields.is_empty()) {
        (true, _) => {
            let document = json!({
                "operation": operation, "ticket": diff.ticket, "dry_run": true, "fields": diff.fields,
            });
            output.data(&document.to_string())?;
        }
        (false, true) => output.data("no change: the ticket has all of this already")?,
        (false, false) => output.data(&lines("would change", diff))?,
    }
    output.say("  dry run    nothing was sent");
    Ok(ExitCode::Done)
}

/// What is wrong with what was typed.
pub(super) fn wrong(faults: &[Fault], operation: Operation, open: &Open) -> Error {
    let lines: Vec<String> = faults.iter().map(line).collect();
    let mut error = Error::usage(lines.join("\n       "));
    for hint in faults
        .iter()
        .filter_map(|fault| advice(fault, open.directory()))
    {
        if !error.hints().contains(&hint) {
            error = error.hint(hint);
        }
    }
    error.hint(listing(operation, open.system().schema().system()))
}

/// What to write instead; there is no cell to fix and no mapping to complete.
fn advice(fault: &Fault, directory: &Directory) -> Option<String> {
    let missing = fault.missing.as_ref();
    let near = missing.map(|missing| directory.find(missing.kind, &missing.name, &[], None));
    match (missing, near) {
        (Some(missing), Some(Found::Missing(near))) => {
            Some(did_you_mean(&near).unwrap_or_else(|| {
                format!(
                    "`deskferry directory show {}` lists the names",
                    missing.kind
                )
            }))
        }
        _ => fault.hint.clone(),
    }
}

fn line(fault: &Fault) -> String {
    match &fault.field {
        Some(field) => format!("`{field}`: {}", fault.message),
        None => fault.message.clone(),
    }
}

/// What came of the requests.
pub(super) fn report(
    sent: &Sent,
    operation: Operation,
    title: Option<&str>,
    open: &Open,
    output: Output,
) -> Result<ExitCode> {
    let ticket = sent.ticket.as_ref();
    let (word, message, fields) = match &sent.end {
        End::Done => ("done", None, Vec::new()),
        End::Refused(step, refusal) => (
            "refused",
            Some(refused(step, refusal)),
            refusal.fields.clone(),
        ),
        End::InDoubt(step, why) => ("in_doubt", Some(format!("`{step}`: {why}")), Vec::new()),
    };
    if output.is_json() {
        let fields: Vec<_> = fields
            .iter()
            .map(|(field, message)| json!({"field": field, "message": message}))
            .collect();
        let document = json!({
            "operation": operation, "outcome": word, "ticket": ticket, "done": sent.done,
            "message": message, "fields": fields,
        });
        output.data(&document.to_string())?;
    }
    for warning in ticket.into_iter().flat_map(|ticket| &ticket.warnings) {
        output.say(&format!("  warning    the system says: {warning}"));
    }
    let name = ticket.map(name);
    match &sent.end {
        End::Done => {
            let name = name.unwrap_or_default();
            output.say(&format!("  {:<10} {name}", operation.done()));
            if let Some(url) = ticket.and_then(|ticket| ticket.url.as_ref()) {
                output.say(&format!("  link       {url}"));
            }
            Ok(ExitCode::Done)
        }
        End::Refused(step, refusal) => {
            let mut error = Error::new(ErrorKind::Refused, refused(step, refusal));
            for (field, message) in &refusal.fields {
                error = error.hint(format!("`{field}`: {message}"));
            }
            output.note(&half_way(error, sent, open));
            Ok(ExitCode::SomeRows)
        }
        End::InDoubt(step, why) => {
            let message = format!("nobody knows whether `{step}` was obeyed: {why}");
            let look = match name {
                Some(name) => format!(
                    "look before you send it again: deskferry ticket get {name} {}",
                    open.flags()
                ),
                None => {
                    let text = title.map(|title| {
                        format!("--search {} ", crate::report::words::shell_word(title))
                    });
                    format!(
                        "look before you send it again: deskferry ticket search {}--period 1d {}",
                        text.unwrap_or_default(),
                        open.flags()
                    )
                }
            };
            let error = Error::new(ErrorKind::Refused, message).hint(look);
            output.note(&half_way(error, sent, open));
            Ok(ExitCode::SomeRows)
        }
    }
}

/// Adds what was done before it ended half-way.
fn half_way(error: Error, sent: &Sent, open: &Open) -> Error {
    match (&sent.ticket, sent.done.as_slice()) {
        (Some(ticket), [_, ..]) => error.hint(format!(
            "done before that: {}; see deskferry ticket get {} {}",
            sent.done.join(", "),
            name(ticket),
            open.flags()
        )),
        _ => error,
    }
}

fn refused(step: &str, refusal: &Refusal) -> String {
    match refusal.status {
        0 => format!("`{step}`: {}", refusal.message),
        status => format!(
            "`{step}` was refused by the system ({status}): {}",
            refusal.message
        ),
    }
}

fn name(ticket: &Ticket) -> String {
    ticket.number.clone().unwrap_or_else(|| ticket.id.clone())
}
