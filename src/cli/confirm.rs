//! The confirmation before the first write to a live profile: what is about to happen, and the name typed.

use std::io::{BufRead, IsTerminal};

use super::connect::{Connected, Target};
use super::output::stderr_text;
use crate::config::shown;
use crate::error::{Error, ErrorKind, Result};
use crate::report::words;
use crate::run::{Limiter, UNKNOWN_RATE};
use crate::systems::{Operation, Schema, call_of};

/// What is about to be written.
pub(super) struct About<'a> {
    pub(super) operation: Operation,
    /// `up to 17 tickets`.
    pub(super) tickets: String,
    /// How many requests that takes; `None`: that is seen when they go.
    pub(super) requests: Option<f64>,
    /// How many steps it takes at most, by their calls.
    pub(super) steps: Vec<(&'a str, u64)>,
    /// What lets e-mails and the like fire.
    pub(super) notify: &'a str,
    /// How it is taken back.
    pub(super) undo: &'a str,
}

impl About<'_> {
    /// What is about to happen: how many tickets, where, as whom, what cannot be silenced, how long, how to undo.
    pub(super) fn say(&self, target: &Target, connected: &Connected, limiter: &Limiter) -> String {
        let rate = limiter.rate().unwrap_or(UNKNOWN_RATE);
        let system = connected.system.as_ref();
        let account = system.account();
        let whom = account.user.as_deref().unwrap_or("the owner of the token");
        let least = match self.requests {
            Some(requests) => words::duration(std::time::Duration::from_secs_f64(requests / rate)),
            None => "one request for many tickets where that can be,".to_owned(),
        };
        let silent = match system.schema().cannot_silence() {
            Some(what) => format!("    not silent {what}"),
            None => format!(
                "    silent     no e-mail, notification or rule fires unless {}",
                self.notify
            ),
        };
        let mut lines = vec![
            format!(
                "  about to {} {} in {}",
                self.operation.verb(),
                self.tickets,
                system.schema().system()
            ),
            format!(
                "    where      profile `{}`, tenant {}",
                target.name(),
                account.tenant
            ),
            format!("    as         {whom}"),
            format!("    how long   {least} at {}", words::rate(rate)),
            silent,
        ];
        lines.extend(set_off(system.schema(), &self.steps));
        lines.push(format!("    undo       {}", self.undo));
        lines.join("\n")
    }
}

/// What these calls set off whatever is switched off, each kind with its number.
pub(super) fn set_off(schema: &dyn Schema, steps: &[(&str, u64)]) -> Vec<String> {
    let mut effects: Vec<(&str, Vec<String>)> = Vec::new();
    for (call, count) in steps.iter().filter(|(_, count)| *count > 0) {
        let Some(effect) = schema.sets_off(call) else {
            continue;
        };
        let step = format!("{} × {call}", words::count(*count));
        match effects.iter_mut().find(|(known, _)| *known == effect) {
            Some((_, steps)) => steps.push(step),
            None => effects.push((effect, vec![step])),
        }
    }
    effects
        .iter()
        .map(|(effect, steps)| format!("    sets off   up to {}: these {effect}", steps.join(", ")))
        .collect()
}

/// The calls of steps, each with how often it is made for so many tickets.
pub(super) fn by_call<'s>(
    steps: impl Iterator<Item = &'s str>,
    tickets: u64,
) -> Vec<(&'s str, u64)> {
    let mut calls: Vec<(&str, u64)> = Vec::new();
    for call in steps.map(call_of) {
        match calls.iter_mut().find(|(known, _)| *known == call) {
            Some((_, count)) => *count += tickets,
            None => calls.push((call, tickets)),
        }
    }
    calls
}

/// Asks a question on the terminal; what is no clear *yes* is none.
///
/// # Errors
/// When the terminal cannot be read.
pub(super) fn yes_or_no(question: &str) -> Result<bool> {
    let failed = |error| Error::machine("cannot read the answer").caused_by(error);
    stderr_text(&format!("  {question}"));
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(failed)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Says `about`, and asks for the profile's name unless `given` confirms it already.
///
/// # Errors
/// Without a terminal and without `--confirm`, or when another name is typed.
pub(super) fn confirm(profile: &str, about: &str, given: Option<&str>) -> Result<()> {
    stderr_text(&format!("{about}\n"));
    match given {
        Some(name) if name == profile => return Ok(()),
        Some(name) => {
            return Err(Error::usage(format!(
                "--confirm names {}, but this goes to `{profile}`",
                shown(name)
            ))
            .hint(format!("nothing was sent; to go on: --confirm {profile}")));
        }
        None => {}
    }
    if !std::io::stdin().is_terminal() {
        return Err(Error::usage(format!(
            "the first write to the live profile `{profile}` needs a confirmation"
        ))
        .hint(format!(
            "nothing was sent; add --confirm {profile} where there is no terminal to ask on"
        ))
        .hint("try it first with --dry-run, or with --sandbox"));
    }
    stderr_text("  type the profile's name to go on: ");
    let failed = |error| Error::machine("cannot read the confirmation").caused_by(error);
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(failed)?;
    if line.trim() == profile {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Usage,
        format!(
            "{} is not `{profile}`, nothing was sent",
            shown(line.trim())
        ),
    ))
}
