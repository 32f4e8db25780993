//! What was typed and what the mapping says become the settings of one import.

use std::sync::Arc;

use super::super::args::{Global, ImportArgs};
use super::super::connect::{Target, faults};
use super::super::output::Output;
use crate::config::StateFolder;
use crate::error::{Error, Result};
use crate::mapping::Mapping;
use crate::report::words;
use crate::run::{Crash, Limiter};
use crate::source::InputOptions;

/// Names the place at which an import dies (see [`crash`]).
const CRASH: &str = "DESKFERRY_CRASH";

/// Where to; `None` for a dry run that a snapshot serves without any connection.
pub(super) fn target(
    args: &ImportArgs,
    mapping: &Mapping,
    global: &Global,
) -> Result<Option<Target>> {
    let named = args.target.profile.is_some() || args.target.sandbox.is_some();
    if args.dry_run && args.directory.is_some() && !named {
        return Ok(None);
    }
    let mut target = Target::choose(&args.target, mapping.profiles(), false, global)?;
    if let Target::Sandbox(sandbox) = &mut target {
        sandbox.faults = faults(&args.faults)?;
        sandbox.seed = args.seed;
    }
    match target.system() {
        Some(system) if system != mapping.system() => Err(Error::usage(format!(
            "the mapping is for `{}`, but the profile `{}` is of `{system}`",
            mapping.system(),
            target.name()
        ))
        .at(mapping.name())
        .hint("choose the mapping that was written for this system, or another --profile")),
        _ => Ok(Some(target)),
    }
}

/// Where the run is made to die: the variable is for the proof of the delivery alone, and is heard only where no
/// live system answers.
///
/// # Errors
/// When it names no place.
pub(super) fn crash(is_live: bool) -> Result<Option<Arc<Crash>>> {
    let Some(place) = std::env::var_os(CRASH).filter(|_| !is_live) else {
        return Ok(None);
    };
    let crash = place.to_string_lossy().parse::<Crash>();
    crash
        .map(|crash| Some(Arc::new(crash)))
        .map_err(|message| Error::usage(message).at(CRASH))
}

/// Requests under way at once: the flag, else the target's.
pub(super) fn concurrency(args: &ImportArgs, target: &Target) -> usize {
    args.concurrency
        .and_then(|typed| usize::try_from(typed).ok())
        .unwrap_or_else(|| target.concurrency())
}

/// Requests per second: the flag, else the target's; `None` where nobody has said.
pub(super) fn rate(args: &ImportArgs, target: Option<&Target>) -> Option<f64> {
    args.rate.or_else(|| target.and_then(Target::rate))
}

/// The limiter: it holds the rate that somebody has said, else it searches from what an earlier run found.
pub(super) fn limiter(args: &ImportArgs, target: Option<&Target>, state: &StateFolder) -> Limiter {
    match (rate(args, target), target) {
        (Some(rate), _) => Limiter::new(Some(rate)),
        (None, Some(target)) => Limiter::searching(state.found_rate(target.name())),
        (None, None) => Limiter::new(None),
    }
}

/// Keeps the rate that a search has found, for the next run of the profile.
pub(super) fn remember(
    limiter: &Limiter,
    target: Option<&Target>,
    state: &StateFolder,
    output: Output,
) {
    let (Some(rate), Some(target)) = (limiter.found(), target) else {
        return;
    };
    match state.keep_found_rate(target.name(), rate) {
        Ok(()) => output.say(&format!(
            "  found      {} is what the system takes: the next run begins with it",
            words::rate(rate)
        )),
        // It is found again by the next run.
        Err(error) => tracing::warn!(%error, "the rate that was found is not kept"),
    }
}

/// The mapping's `[input]`, where no flag says otherwise.
pub(super) fn input_options(args: &ImportArgs, mapping: &Mapping) -> Result<InputOptions> {
    args.read_as.over(mapping.input_options())
}
