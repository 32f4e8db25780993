//! What a dry run tells besides its counts: how long the real run would take, and what nobody could check.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, Zoned};

use super::super::args::{Global, ImportArgs};
use super::super::connect::Target;
use super::announce;
use crate::directory::{Directory, Kind};
use crate::mapping::BoundPlan;
use crate::report::summary::Forecast;
use crate::report::words;
use crate::run::{Limiter, UNKNOWN_RATE};

/// A directory older than this may be told as old.
const OLD: SignedDuration = SignedDuration::from_mins(60);

/// How long so many requests take at the limiter's rate, and when a run that starts now would end.
pub(super) fn forecast(requests: u64, limiter: &Limiter) -> Forecast {
    let rate = limiter.rate().unwrap_or(UNKNOWN_RATE);
    let least = Duration::try_from_secs_f64(requests as f64 / rate).unwrap_or(Duration::MAX);
    let now = Zoned::now();
    let ends = SignedDuration::try_from(least)
        .ok()
        .and_then(|least| now.checked_add(least).ok());
    Forecast {
        requests,
        rate,
        least,
        ends: ends.map(|at| {
            let form = if at.date() == now.date() {
                "%H:%M"
            } else {
                "%Y-%m-%d %H:%M"
            };
            at.strftime(form).to_string()
        }),
    }
}

/// What the system alone can know, and what this dry run could not look at.
pub(super) fn unchecked(
    plan: &BoundPlan,
    directory: &Directory,
    target: Option<&Target>,
    args: &ImportArgs,
) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if target.is_none() {
        lines.push(
            "whether the system can be reached, and what the token may do: no connection was named"
                .to_owned(),
        );
    }
    let snapshot = directory.snapshot();
    let age = Timestamp::now().duration_since(snapshot.pulled_at);
    if age > OLD {
        let fetch = match (&args.directory, target) {
            (Some(_), _) | (_, None) => "`directory pull` makes a new snapshot",
            (None, Some(_)) => "--refresh fetches it anew",
        };
        lines.push(format!(
            "what changed in the system since its directory was fetched {} ago: {fetch}",
            words::duration(age.try_into().unwrap_or_default())
        ));
    }
    let kinds: BTreeSet<Kind> = plan.resolved_kinds().collect();
    for (kind, note) in snapshot
        .kinds
        .iter()
        .filter(|(kind, _)| kinds.contains(kind))
        .filter_map(|(kind, listing)| Some((kind, listing.note.as_ref()?)))
    {
        lines.push(format!(
            "{} that could not be listed: {note}",
            kind.plural()
        ));
    }
    lines.extend(plan.unforeseen().into_iter().map(str::to_owned));
    lines
}

/// The command that writes the names that nothing was found for as a table to fill in.
pub(super) fn write_aliases(
    args: &ImportArgs,
    global: &Global,
    target: Option<&Target>,
) -> Option<String> {
    let is_stdin = args.inputs.iter().any(|input| input == Path::new("-"));
    (!is_stdin).then(|| announce::validate(args, global, target))
}
