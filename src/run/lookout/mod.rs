//! Looks at the system while a run is under way: whether it holds tickets of the scope that the ledger does not know.
//!
//! A ledger may be old (a backup that was put back, a copied state folder), and another computer may send the same
//! rows at the same time. The ledger keeps up to which time it has looked. A run of a scope that it knows looks at what
//! was created since then before it sends anything; every run looks after its first row, again when what was
//! made beside that must show, then after 60 s and 500 rows,
//! and once more at its end. What it finds is one of
//!
//! | a ticket of the scope | what the run does |
//! |---|---|
//! | that the ledger holds, or whose row is under way | nothing; the second is looked at again |
//! | of a row that was sent once, and of which the system said that nothing was done | the row is looked up before it goes again; if it does not, it is done |
//! | of a row whose own ticket is gone, or bears another row's reference | it is the row's from now on, and what followed is looked up on it |
//! | of a row that has another ticket | it tells the duplicate; if this run made the row, somebody else sends it too: it stops |
//! | of a row of this input that has none as far as the ledger knows | it stops: the ledger is old, or another run is under way |
//! | of another row | it remembers it, as `runs adopt` would |

mod judge;
mod look;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::adopt::references;
use super::context::RunContext;
use super::{Reread, Settings};
use crate::error::Result;
use crate::mapping::reference::short;
use crate::record::RowKey;
use look::{Look, Marked};

pub(super) use look::{Looked, is_as_sent, name_of};

/// How many pages of the newest tickets one look reads, beside those that the run's own tickets fill.
const PAGES: u32 = 50;
/// So many of them fill a page at least.
const OF_A_PAGE: u64 = 50;
/// The shortest time between two looks.
const INTERVAL: Duration = Duration::from_secs(60);
/// The fewest rows between two looks.
const ROWS: u64 = 500;
/// After so many rows it looks earlier, but not before twice the time has passed in which what was made beside the last
/// look must show: that much is read once more, so that each ticket is listed one and a half times at most.
const MANY: u64 = 4_000;
/// How often a run that writes nothing else says that it is under way.
const BEAT: Duration = Duration::from_secs(30);
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// What the looks of a run are about.
pub(super) struct About<'e> {
    /// The name of the scope.
    pub(super) scope: String,
    /// The custom field that bears the references; `None` for the description.
    pub(super) field: Option<String>,
    /// Whether rows make tickets that bear a reference.
    pub(super) marks: bool,
    /// Up to which time earlier runs have looked; `None` where there was none.
    pub(super) looked_until: Option<Timestamp>,
    /// Tickets that rollbacks took back.
    pub(super) taken_back: HashSet<String>,
    pub(super) reread: Option<Reread<'e>>,
}
/// The looks of a run.
pub(super) struct Watch<'e> {
    context: Arc<RunContext>,
    about: About<'e>,
    overlap: SignedDuration,
    visible_within: Duration,
    /// When the first row had its ticket, until all that was made beside it must show and was looked at.
    begun: Option<Instant>,
    /// When all must show that somebody else made while this run stopped for it: then it looks a last time.
    owed: Option<Instant>,
    trusts: bool,
    adopt: String,
    since: Timestamp,
    /// Nothing is sent before the first look.
    is_first: bool,
    /// Rows that have their ticket since the last look, and in the whole run.
    rows: u64,
    all: u64,
    /// Rows that have their ticket since the time from which the next look looks, and since the last look began.
    listed: u64,
    asked: u64,
    last: Instant,
    /// Tickets whose rows were under way at the last look.
    pending: Vec<Marked>,
    /// From when on the look looked that first found what is said at the end of the run only.
    unsaid: Option<Timestamp>,
    /// Keys of the input by their references, shortened; made when it is first needed.
    keys: Option<HashMap<u64, RowKey>>,
    /// References of other inputs that are remembered.
    told: HashSet<String>,
    /// Rows that were given another ticket than the ledger held.
    repointed: HashSet<RowKey>,
    beat: Instant,
    said_partial: bool,
    /// Whether the last look failed: what was created since the one before is not known.
    pub(super) failed: bool,
    pub(super) round: Option<BoxFuture<'e, Result<std::result::Result<Looked, String>>>>,
}

impl<'e> Watch<'e> {
    pub(super) fn new(context: Arc<RunContext>, settings: &Settings, about: About<'e>) -> Self {
        let overlap = SignedDuration::try_from(settings.visible_within);
        let overlap = overlap.unwrap_or(SignedDuration::from_secs(30));
        let since = since(about.looked_until, context.surely(), overlap);
        Self {
            is_first: about.marks && about.looked_until.is_some(),
            context,
            overlap,
            visible_within: settings.visible_within,
            begun: None,
            owed: None,
            trusts: settings.trust_ledger,
            adopt: settings.adopt.clone(),
            about,
            since,
            rows: 0,
            all: 0,
            listed: 0,
            asked: 0,
            last: Instant::now(),
            pending: Vec::new(),
            unsaid: None,
            keys: None,
            told: HashSet::new(),
            repointed: HashSet::new(),
            beat: Instant::now(),
            said_partial: false,
            failed: false,
            round: None,
        }
    }

    /// Up to which time the run has looked, and knows or has said whose everything is. A run that is killed says nothing:
    /// the next one finds it again.
    fn explained(&self) -> Timestamp {
        let pending = self.pending.iter().map(|one| one.since);
        explained(self.since, pending.chain(self.unsaid))
    }

    /// The same at the end of a run that has said what it found, and which rows are in doubt; `None` where the ledger knows
    /// it, or a look is under way.
    pub(super) fn said(&mut self) -> Option<Timestamp> {
        let is_open = self.unsaid.take().is_some() || !self.pending.is_empty();
        (is_open && self.round.is_none()).then_some(self.since)
    }

    /// Whether nothing may be sent yet.
    pub(super) fn holds(&self) -> bool {
        self.is_first
    }

    /// A row has its ticket.
    pub(super) fn made(&mut self) {
        if self.all == 0 {
            self.begun = Some(Instant::now());
        }
        self.rows += 1;
        self.all += 1;
    }

    /// Whether what another run made beside our first row must show by now, and nobody has looked since.
    fn shows_beginning(&self) -> bool {
        self.begun
            .is_some_and(|begun| begun.elapsed() >= self.visible_within)
    }

    /// The run stops for what somebody else sends: what both have made until now is told once it shows.
    fn owe(&mut self) {
        self.owed = Some(Instant::now() + self.visible_within);
    }

    /// Whether a run that has stopped is to look once more, or looks.
    pub(super) fn owes(&self) -> bool {
        self.owed.is_some()
    }

    /// When the last look of a run that has stopped is due.
    pub(super) fn owed(&self) -> Option<Instant> {
        self.owed.filter(|_| self.round.is_none())
    }

    /// Nobody waits for the last look any more.
    pub(super) fn forgive(&mut self) {
        self.owed = None;
    }

    /// Starts the last look of a run that has stopped, when it is due.
    pub(super) fn look_last(&mut self) {
        if self.owed().is_some_and(|due| due <= Instant::now()) {
            self.begin();
        }
    }

    /// Starts a look when it is time for one. `waits`: rows wait to be sent; `last`: nothing else is to be done any more.
    pub(super) fn advance(&mut self, waits: bool, last: bool) {
        if self.round.is_some() || !self.about.marks || !self.is_due(waits, last) {
            return;
        }
        self.begin();
    }

    fn begin(&mut self) {
        let (context, since, overlap) = (self.context.clone(), self.since, self.overlap);
        let (scope, field) = (self.about.scope.clone(), self.about.field.clone());
        let pending = self.pending.clone();
        let taken_back = self.about.taken_back.clone();
        self.listed += self.rows;
        self.asked = std::mem::take(&mut self.rows);
        let own = u32::try_from(self.listed / OF_A_PAGE).unwrap_or(u32::MAX);
        self.last = Instant::now();
        if self.shows_beginning() {
            self.begun = None;
        }
        self.round = Some(Box::pin(async move {
            let look = Look {
                context: &context,
                scope: &scope,
                field: field.as_deref(),
                pages: PAGES.saturating_add(own),
                taken_back: &taken_back,
            };
            look.at(since, overlap, pending).await
        }));
    }

    fn is_due(&self, waits: bool, last: bool) -> bool {
        let often = self.rows >= ROWS && self.last.elapsed() >= INTERVAL;
        let many = self.rows >= MANY && self.last.elapsed() >= self.visible_within * 2;
        let after_the_first = self.rows > 0 && self.rows == self.all;
        (self.is_first && waits)
            || after_the_first
            || self.rows > 0 && self.shows_beginning()
            || often
            || many
            || (last && self.rows > 0)
    }

    /// Whether all looks are done when nothing else is left.
    pub(super) fn is_over(&self) -> bool {
        self.round.is_none() && (!self.about.marks || self.rows == 0)
    }

    /// When the run is to say that it is under way.
    pub(super) fn deadline(&self) -> Instant {
        self.beat + BEAT
    }

    /// Whether it is time to say so.
    pub(super) fn beats(&mut self) -> bool {
        let due = self.beat.elapsed() >= BEAT;
        if due {
            self.beat = Instant::now();
        }
        due
    }

    /// The key of this input that a reference names.
    fn key_of(&mut self, wanted: &str) -> Result<Option<RowKey>> {
        let Some(reread) = &self.about.reread else {
            return Ok(None);
        };
        if self.keys.is_none() {
            let mut keys = HashMap::new();
            reread(&mut |key| {
                for one in references(&self.about.scope, &key).into_iter().flatten() {
                    keys.insert(print(&one), key.clone());
                }
            })?;
            self.keys = Some(keys);
        }
        let keys = self.keys.as_ref();
        Ok(keys.and_then(|keys| keys.get(&print(wanted)).cloned()))
    }
}

/// From when on the first look looks, by up to when earlier ones have, by the earlier of two clocks: where that was set
/// back since, nothing says when that was, and a day is looked at.
fn since(looked_until: Option<Timestamp>, now: Timestamp, overlap: SignedDuration) -> Timestamp {
    let since = match looked_until {
        Some(until) if until > now => now - A_DAY,
        Some(until) => until,
        None => now,
    };
    since.checked_sub(overlap).unwrap_or(since)
}

/// Up to which time a killed run leaves nothing unsaid: where something is open, no further than the look that listed it first
/// looked back.
fn explained(looked: Timestamp, open: impl Iterator<Item = Timestamp>) -> Timestamp {
    open.fold(looked, Timestamp::min)
}

/// A reference, in whichever form, in eight bytes.
fn print(reference: &str) -> u64 {
    let hash = blake3::hash(short(reference).as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(first)
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_said_at_the_end_of_a_run_keeps_the_ledger_from_having_looked() {
        let at = |minute: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
        assert_eq!(explained(at(9), std::iter::empty()), at(9));
        assert_eq!(explained(at(9), [at(8), at(3), at(5)].into_iter()), at(3));
        assert_eq!(explained(at(2), [at(3)].into_iter()), at(2));
    }

    #[test]
    fn a_clock_that_was_set_back_hides_nothing_from_the_first_look() {
        let now: Timestamp = "2026-11-30T03:00:00Z".parse().unwrap();
        let overlap = SignedDuration::from_secs(30);
        let hours = SignedDuration::from_hours;
        assert_eq!(since(None, now, overlap), now - overlap);
        assert_eq!(
            since(Some(now - hours(2)), now, overlap),
            now - hours(2) - overlap
        );
        assert!(since(Some(now + hours(31)), now, overlap) < now - hours(23));
    }
}
