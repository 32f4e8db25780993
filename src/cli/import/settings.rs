//! What was typed and what the mapping says become the settings of one import.

use super::super::args::{Global, ImportArgs};
use super::super::connect::{Target, faults};
use crate::error::{Error, Result};
use crate::mapping::Mapping;
use crate::source::InputOptions;

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

/// The mapping's `[input]`, where no flag says otherwise.
pub(super) fn input_options(args: &ImportArgs, mapping: &Mapping) -> Result<InputOptions> {
    args.read_as.over(mapping.input_options())
}
