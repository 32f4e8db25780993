//! The directory for a command: a snapshot file, the cache with its age, or pulled anew.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::output::Output;
use crate::config::StateFolder;
use crate::directory::cache::{self, Cached};
use crate::directory::{Directory, Kind, Needs, Snapshot};
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

/// Makes sure that a snapshot file holds parts that a command needs: names of a part that it does not hold are not unknown.
///
/// # Errors
/// When it lacks one: which, and how to get a whole one.
pub(super) fn must_hold(snapshot: &Snapshot, needs: Needs, path: &Path) -> Result<()> {
    let Some(partial) = partial(snapshot, needs) else {
        return Ok(());
    };
    Err(Error::usage(partial)
        .at(path.display())
        .hint("`deskferry directory pull -o FILE` writes a whole one")
        .hint("or leave --directory out: what is needed is fetched then"))
}

/// Which of these parts a snapshot does not hold, for people.
pub(super) fn partial(snapshot: &Snapshot, needs: Needs) -> Option<String> {
    let lacking = needs.without(snapshot.holds);
    if lacking.is_empty() {
        return None;
    }
    let kinds = Kind::ALL.into_iter().filter(|kind| lacking.has(*kind));
    let mut parts: Vec<String> = kinds.map(|kind| kind.plural()).collect();
    if lacking.has_custom_fields() {
        parts.push("custom fields".to_owned());
    }
    Some(format!(
        "the snapshot holds only a part of the directory, without {}",
        parts.join(", ")
    ))
}

/// Where a directory comes from: the connection, and the cache of its tenant.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) system: &'a dyn System,
    pub(super) limiter: &'a Limiter,
    pub(super) state: &'a StateFolder,
    pub(super) output: Output,
}

/// What a command has of the directory: it begins with nothing, and loads what it is asked for.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) directory: Arc<Directory>,
    /// Whether what comes next is pulled anew, whatever the cache holds.
    refresh: bool,
    /// What was not in the cache.
    pulled: Needs,
    /// What people were told of.
    told: Needs,
}

impl Loaded {
    /// Nothing yet.
    ///
    /// # Errors
    /// None that is known: nothing is read.
    pub(super) async fn nothing(origin: Origin<'_>, refresh: bool) -> Result<Self> {
        let nothing = pull(origin.system, origin.limiter, Needs::NONE).await?;
        let directory = Arc::new(Directory::new(nothing));
        Ok(Self {
            directory,
            refresh,
            pulled: Needs::NONE,
            told: Needs::NONE,
        })
    }

    /// Makes something of the directory. Where that asks for parts that are not loaded, they are loaded and it is made
    /// anew: which parts are needed may show only when others are there, as that a custom field holds a person.
    ///
    /// # Errors
    /// When a part cannot be loaded, and what `make` says of a directory that has all that it asks for.
    pub(super) async fn make<T>(
        &mut self,
        origin: Origin<'_>,
        make: impl Fn(&Arc<Directory>) -> Result<T>,
    ) -> Result<T> {
        loop {
            let made = make(&self.directory);
            let wanted = self.directory.wanted();
            if wanted.is_empty() {
                self.tell(origin.output);
                return made;
            }
            self.load(origin, wanted).await?;
        }
    }

    /// Loads parts, unless they are there.
    ///
    /// # Errors
    /// When one cannot be loaded.
    pub(super) async fn need(&mut self, origin: Origin<'_>, needs: Needs) -> Result<()> {
        self.load(origin, needs).await?;
        self.tell(origin.output);
        Ok(())
    }

    /// Loads parts that are not there: from the cache where that is fresh, else from the system. Says nothing of it.
    ///
    /// # Errors
    /// When one cannot be loaded.
    pub(super) async fn load(&mut self, origin: Origin<'_>, needs: Needs) -> Result<()> {
        let asked = self.directory.asked();
        let held = self.directory.snapshot().holds;
        let all = held.and(needs);
        if all == held {
            return Ok(());
        }
        let (whole, pulled) = whole(origin, all, self.refresh).await?;
        self.pulled = self.pulled.and(pulled);
        // What was just pulled is in the cache now, and not to be pulled again.
        self.refresh = false;
        self.directory = Arc::new(Directory::new(whole.only(all)).asked_for(asked));
        Ok(())
    }

    /// Says what was loaded since this was said last, and what of it could not be listed.
    pub(super) fn tell(&mut self, output: Output) {
        let snapshot = self.directory.snapshot();
        let loaded = snapshot.holds.without(self.told);
        self.told = snapshot.holds;
        if let Some(fetched) = fetched(snapshot, loaded, self.pulled) {
            output.say(&format!("  directory  {fetched} fetched"));
        }
        // What an earlier command was told need not be told again, unless nothing is known of a kind.
        let pulled = self.pulled;
        let is_told = |part, is_unread| loaded.hold(part) && (is_unread || pulled.hold(part));
        for note in told(snapshot, is_told) {
            output.say(&format!("             {note}"));
        }
    }
}

/// A snapshot that holds all these parts, and which of them were pulled.
async fn whole(origin: Origin<'_>, all: Needs, refresh: bool) -> Result<(Snapshot, Needs)> {
    let account = origin.system.account();
    let (system, tenant) = (origin.system.schema().system(), &account.tenant);
    let mut known = None;
    if !refresh {
        match cache::load_cached(origin.state.path(), system, tenant)? {
            // The ids of one dialect say nothing in another.
            Cached::Found(snapshot)
                if snapshot.dialect == account.dialect && age(&snapshot) < FRESH =>
            {
                known = Some(*snapshot);
            }
            Cached::Found(_) | Cached::Absent => {}
            Cached::Unusable(reason) => origin
                .output
                .say(&format!("  directory  {reason}: fetched anew")),
        }
    }
    // Where the cache was renewed meanwhile, it may lack what is held here.
    let pulled = match &known {
        Some(known) => all.without(known.holds),
        None => all,
    };
    let snapshot = match known {
        Some(known) if pulled.is_empty() => return Ok((known, pulled)),
        Some(known) => {
            let more = pull(origin.system, origin.limiter, pulled).await?;
            known.with(more)
        }
        None => pull(origin.system, origin.limiter, pulled).await?,
    };
    // What failed by chance is asked for again by the next command.
    cache::store(origin.state.path(), &snapshot.clone().without_failed())?;
    Ok((snapshot, pulled))
}

/// These parts of the directory of the connection's tenant: what is cached and fresh, the rest pulled and cached.
pub(super) async fn of(origin: Origin<'_>, needs: Needs, refresh: bool) -> Result<Arc<Directory>> {
    let mut loaded = Loaded::nothing(origin, refresh).await?;
    loaded.need(origin, needs).await?;
    Ok(loaded.directory)
}

/// Pulls parts of the directory.
pub(super) async fn pull(system: &dyn System, limiter: &Limiter, needs: Needs) -> Result<Snapshot> {
    let progress = |kind: &str, count: u64, total: Option<u64>| {
        tracing::info!(kind, count, total, "directory");
    };
    system.load_directory(needs, limiter, &progress).await
}

/// What a snapshot holds, on one line.
pub(super) fn describe(snapshot: &Snapshot) -> String {
    let contents = contents(snapshot, Needs::ALL).unwrap_or_default();
    format!("{contents}   ({})", age_text(snapshot))
}

/// How many entries of the parts that were just loaded were fetched; `None` where all were in the cache.
fn fetched(snapshot: &Snapshot, loaded: Needs, pulled: Needs) -> Option<String> {
    let is_new = |part: Needs| loaded.hold(part) && pulled.hold(part);
    let kinds = snapshot.kinds.iter();
    let kinds = kinds.filter(|(kind, _)| is_new(Needs::kind(**kind)));
    let mut count: usize = kinds.map(|(_, listing)| listing.entries.len()).sum();
    if is_new(Needs::CUSTOM_FIELDS) {
        count += snapshot.custom_fields.len();
    }
    (count > 0).then(|| words::plural(count as u64, "entry", "entries"))
}

/// How many entries these parts of a snapshot have; `None` where there are none.
fn contents(snapshot: &Snapshot, needs: Needs) -> Option<String> {
    let kinds = snapshot.kinds.iter();
    let mut parts: Vec<String> = kinds
        .filter(|(kind, listing)| needs.has(**kind) && !listing.entries.is_empty())
        .map(|(kind, listing)| {
            let count = listing.entries.len() as u64;
            words::plural(count, kind.noun(), &kind.plural())
        })
        .collect();
    if needs.has_custom_fields() && !snapshot.custom_fields.is_empty() {
        let count = snapshot.custom_fields.len() as u64;
        parts.push(words::plural(count, "custom field", "custom fields"));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What could not be listed, as lines.
pub(super) fn notes(snapshot: &Snapshot) -> Vec<String> {
    told(snapshot, |_, _| true)
}

/// The notes of the parts for which `is_told` holds, which also hears whether nothing is known of the part at all.
fn told(snapshot: &Snapshot, is_told: impl Fn(Needs, bool) -> bool) -> Vec<String> {
    let kinds = snapshot.kinds.iter();
    let noted = kinds.filter_map(|(kind, listing)| {
        let is_told = is_told(Needs::kind(*kind), listing.entries.is_empty());
        let note = listing.note.as_ref().filter(|_| is_told)?;
        Some(format!("{kind}: {note}"))
    });
    let custom = snapshot.custom_fields_note.as_ref();
    let custom = custom.filter(|_| is_told(Needs::CUSTOM_FIELDS, true));
    noted
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
