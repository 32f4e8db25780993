//! The directory for a command: a snapshot file, the cache with its age, or pulled anew.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::output::Output;
use crate::config::StateFolder;
use crate::directory::cache::{self, Cached};
use crate::directory::{Directory, Listing, Snapshot};
use crate::error::{Error, Result};
use crate::report::words;
use crate::run::Limiter;
use crate::systems::{System, SystemName};

/// A cached directory older than this is pulled anew by itself.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// Reads a snapshot file of that system, and of that tenant where a connection settles it: ids of one tenant say
/// nothing in another.
pub(super) fn from_file(
    path: &Path,
    system: SystemName,
    tenant: Option<&str>,
) -> Result<Arc<Directory>> {
    let snapshot = cache::read_snapshot(path)?;
    if snapshot.system != system {
        let message = format!(
            "the snapshot is of `{}`, but this is for `{system}`",
            snapshot.system
        );
        return Err(Error::usage(message).at(path.display()));
    }
    if let Some(tenant) = tenant.filter(|tenant| *tenant != snapshot.tenant) {
        let message = format!(
            "the snapshot is of the tenant `{}`, but this goes to `{tenant}`",
            snapshot.tenant
        );
        return Err(Error::usage(message)
            .at(path.display())
            .hint("leave --directory out to fetch this tenant's own, or leave the connection out and add --dry-run"));
    }
    Ok(Arc::new(Directory::new(snapshot)))
}

/// The cached directory of the connection's tenant if it is fresh, else pulled and cached.
pub(super) async fn of(
    system: &dyn System,
    limiter: &Limiter,
    state: &StateFolder,
    refresh: bool,
    output: Output,
) -> Result<Arc<Directory>> {
    let account = system.account();
    if !refresh {
        match cache::load_cached(state.path(), system.schema().system(), &account.tenant)? {
            // The ids of one dialect say nothing in another.
            Cached::Found(snapshot)
                if snapshot.dialect == account.dialect && age(&snapshot) < FRESH =>
            {
                output.say(&format!("  directory  {}", describe(&snapshot)));
                for note in unread(&snapshot) {
                    output.say(&format!("             {note}"));
                }
                return Ok(Arc::new(Directory::new(*snapshot)));
            }
            Cached::Found(_) | Cached::Absent => {}
            Cached::Unusable(reason) => output.say(&format!("  directory  {reason}: fetched anew")),
        }
    }
    let snapshot = pull(system, limiter).await?;
    cache::store(state.path(), &snapshot)?;
    output.say(&format!("  directory  {}", describe(&snapshot)));
    for note in notes(&snapshot) {
        output.say(&format!("             {note}"));
    }
    Ok(Arc::new(Directory::new(snapshot)))
}

/// Pulls the directory.
pub(super) async fn pull(system: &dyn System, limiter: &Limiter) -> Result<Snapshot> {
    let progress = |kind: &str, count: u64, total: Option<u64>| {
        tracing::info!(kind, count, total, "directory");
    };
    system.load_directory(limiter, &progress).await
}

/// What a snapshot holds, on one line.
pub(super) fn describe(snapshot: &Snapshot) -> String {
    let mut parts: Vec<String> = snapshot
        .kinds
        .iter()
        .filter(|(_, listing)| !listing.entries.is_empty())
        .map(|(kind, listing)| {
            format!(
                "{} {}",
                words::count(listing.entries.len() as u64),
                plural(kind.noun())
            )
        })
        .collect();
    if !snapshot.custom_fields.is_empty() {
        parts.push(format!("{} custom fields", snapshot.custom_fields.len()));
    }
    format!("{}   ({})", parts.join(", "), age_text(snapshot))
}

pub(super) fn plural(kind: &str) -> String {
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}

/// What could not be listed, as lines.
pub(super) fn notes(snapshot: &Snapshot) -> Vec<String> {
    told(snapshot, |_| true)
}

/// The same of kinds of which nothing is known at all.
fn unread(snapshot: &Snapshot) -> Vec<String> {
    told(snapshot, |listing| listing.entries.is_empty())
}

fn told(snapshot: &Snapshot, is_told: impl Fn(&Listing) -> bool) -> Vec<String> {
    let kinds = snapshot.kinds.iter();
    let noted = kinds.filter(|(_, listing)| is_told(listing));
    let noted = noted.filter_map(|(kind, listing)| Some((kind, listing.note.as_ref()?)));
    let custom = snapshot.custom_fields_note.as_ref();
    noted
        .map(|(kind, note)| format!("{kind}: {note}"))
        .chain(custom.map(|note| format!("custom fields: {note}")))
        .collect()
}

fn age(snapshot: &Snapshot) -> SignedDuration {
    Timestamp::now().duration_since(snapshot.pulled_at)
}

fn age_text(snapshot: &Snapshot) -> String {
    let seconds = age(snapshot).as_secs().max(0);
    match (seconds / 3600, seconds / 60) {
        (0, 0) => "fetched just now".to_owned(),
        (0, minutes) => format!("fetched {minutes} min ago, --refresh fetches it anew"),
        (hours, _) => format!("fetched {hours} h ago, --refresh fetches it anew"),
    }
}
