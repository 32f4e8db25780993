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

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::adopt::{references, remembered};
use super::engine::Engine;
use super::line::Line;
use super::plan::{Base, Row};
use super::retry::Backoff;
use super::{Reread, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::event::End;
use crate::ledger::{Candidate, Change, Create, State};
use crate::mapping::reference::{LABEL, LONG, borne, marked_group, short};
use crate::record::RowKey;
use crate::systems::{Listed, Print, Reading, Relation, Standing, Ticket};

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
/// How many tickets of a finding are named.
const NAMED: usize = 5;

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

/// A ticket that bears a reference which may be of the scope.
#[derive(Debug, Clone)]
struct Marked {
    /// That of the last line, or of the only one that shows one.
    reference: String,
    /// That of the first line, where that is another or the only one: it counts for a row with a long description alone.
    first: Option<String>,
    title: Option<String>,
    ticket: Ticket,
    group: String,
    created_at: Option<Timestamp>,
    /// From when on the look looked that listed it first.
    since: Timestamp,
}

/// What a look brought.
pub(super) struct Looked {
    /// Up to which time it has looked.
    until: Timestamp,
    /// Whether all was on its pages.
    whole: bool,
    /// Tickets that the ledger does not hold, with what it knows of their references.
    unknown: Vec<(Marked, Option<Create>)>,
    /// When tickets were created that it does hold.
    held: HashMap<String, Option<Timestamp>>,
    /// Of the tickets of rows that seem to have two: those that were read and are there.
    there: HashSet<String>,
    /// Those that two reads say are gone.
    gone: HashSet<String>,
    /// Those that bear the reference of another row.
    anothers: HashSet<String>,
}

/// The looks of a run.
pub(super) struct Watch<'e> {
    line: Arc<Line>,
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
    pub(super) round: Option<BoxFuture<'e, Result<std::result::Result<Looked, String>>>>,
}

impl<'e> Watch<'e> {
    pub(super) fn new(line: Arc<Line>, settings: &Settings, about: About<'e>) -> Self {
        let overlap = SignedDuration::try_from(settings.visible_within);
        let overlap = overlap.unwrap_or(SignedDuration::from_secs(30));
        let since = since(about.looked_until, line.surely(), overlap);
        Self {
            is_first: about.marks && about.looked_until.is_some(),
            line,
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
            round: None,
        }
    }

    /// Up to which time the run has looked, and knows or has said whose everything is. A run that is killed says nothing:
    /// the next one finds it again.
    fn explained(&self) -> Timestamp {
        let pending = self.pending.iter().map(|one| one.since);
        explained(self.since, pending.chain(self.unsaid))
    }

    /// The same at the end of the run, which says what was found; `None` where the ledger knows it.
    pub(super) fn said(&mut self) -> Option<Timestamp> {
        self.unsaid.take().map(|_| self.explained())
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
        let (line, since, overlap) = (self.line.clone(), self.since, self.overlap);
        let (scope, field) = (self.about.scope.clone(), self.about.field.clone());
        let pending = std::mem::take(&mut self.pending);
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
                line: &line,
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

/// One look.
struct Look<'l> {
    line: &'l Line,
    scope: &'l str,
    field: Option<&'l str>,
    /// How many pages it reads at most.
    pages: u32,
    taken_back: &'l HashSet<String>,
}

impl Look<'_> {
    /// Lists what was created since, and holds it against the ledger. The inner error: it could not be listed.
    async fn at(
        &self,
        since: Timestamp,
        overlap: SignedDuration,
        pending: Vec<Marked>,
    ) -> Result<std::result::Result<Looked, String>> {
        let (now, at_most) = (self.line.surely(), self.line.at_the_latest());
        let (listed, whole, newest) = match self.list(since).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(error.to_string())),
        };
        // Where two clocks are apart, what was listed shows how late it is at least.
        let newest = newest.filter(|newest| *newest <= at_most);
        let now = newest.map_or(now, |newest| newest.max(now));
        let mut marked: HashMap<String, Marked> = HashMap::new();
        for mut one in pending.into_iter().chain(listed) {
            if let Some(before) = marked.get(&one.ticket.id) {
                one.since = before.since;
            }
            marked.insert(one.ticket.id.clone(), one);
        }
        let owners = self
            .line
            .run
            .owners(marked.keys().cloned().collect())
            .await?;
        let held = (marked.values())
            .filter(|one| owners.contains_key(&one.ticket.id))
            .map(|one| (one.ticket.id.clone(), one.created_at))
            .collect();
        let free: Vec<Marked> = (marked.into_values())
            .filter(|one| !owners.contains_key(&one.ticket.id))
            .filter(|one| !self.taken_back.contains(&one.ticket.id))
            .collect();
        let references = free
            .iter()
            .flat_map(|one| std::iter::once(&one.reference).chain(&one.first));
        let references: HashSet<String> = references.cloned().collect();
        let known = match references.is_empty() {
            true => HashMap::new(),
            false => self.line.run.creates(references).await?,
        };
        let mut looked = Looked {
            until: now.checked_sub(overlap).unwrap_or(now),
            whole,
            unknown: Vec::new(),
            held,
            there: HashSet::new(),
            gone: HashSet::new(),
            anothers: HashSet::new(),
        };
        for one in free {
            let Some(one) = one.placed(&known) else {
                continue;
            };
            let create = known.get(&one.reference).cloned();
            if let Some(ticket) = create.as_ref().and_then(|create| create.ticket.as_ref()) {
                if ticket.id == one.ticket.id {
                    // Its answer was written between the two questions.
                    looked.held.insert(one.ticket.id, one.created_at);
                    continue;
                }
                let own = (&*one.reference, create.as_ref().and_then(Create::length));
                self.read(ticket, own, &mut looked).await;
                self.read(&one.ticket, own, &mut looked).await;
            }
            looked.unknown.push((one, create));
        }
        // The earliest of several is a row's own.
        looked.unknown.sort_by(|(one, _), (other, _)| {
            let by = |it: &Marked| (it.reference.clone(), it.created_at, it.ticket.id.clone());
            by(one).cmp(&by(other))
        });
        Ok(Ok(looked))
    }

    /// Reads a ticket of a row that seems to have two: a listing may be old, or name one that is gone.
    async fn read(
        &self,
        ticket: &Ticket,
        (reference, length): (&str, Option<usize>),
        looked: &mut Looked,
    ) {
        let (system, permit) = (&self.line.system, self.line.limiter.as_ref());
        // One that is not there may be a refusal of something before the system: it is asked for twice.
        for is_again in [false, true] {
            match system.read_ticket(&ticket.id, permit).await {
                Ok(Reading::Found(listed)) if is_gone(&listed) => {}
                Ok(Reading::Absent) => {}
                Ok(Reading::Found(listed)) => {
                    let borne = borne(&listed, self.field).of_length(length);
                    if borne.own().is_some() && !borne.is(reference) {
                        looked.anothers.insert(ticket.id.clone());
                    }
                    looked.there.insert(ticket.id.clone());
                    return;
                }
                Ok(Reading::Another(_) | Reading::Unclear(_)) | Err(_) => return,
            }
            if is_again {
                looked.gone.insert(ticket.id.clone());
            }
        }
    }

    /// What was listed, whether that is all, and the time of the newest.
    async fn list(&self, since: Timestamp) -> Result<(Vec<Marked>, bool, Option<Timestamp>)> {
        let (system, permit) = (&self.line.system, self.line.limiter.as_ref());
        let mut backoff = Backoff::repeat();
        loop {
            let (mut found, mut newest) = (Vec::new(), None);
            let mut page = |listed: Vec<Listed>| {
                newest = listed
                    .iter()
                    .map(|one| one.created_at)
                    .max()
                    .flatten()
                    .max(newest);
                found.extend(listed.into_iter().filter_map(|one| self.marked(one, since)))
            };
            match system
                .list_newest(since, self.pages, permit, &mut page)
                .await
            {
                Ok(true) => return Ok((found, true, newest)),
                Ok(false) => {
                    let words = match self.field {
                        Some(_) => self.scope.to_owned(),
                        None => format!("{LABEL}{}", self.scope),
                    };
                    // A help: without it, what was listed is what there is.
                    if let Ok(sample) = system.sample(&words, permit).await {
                        found.extend(sample.into_iter().filter_map(|one| self.marked(one, since)));
                    }
                    return Ok((found, false, newest));
                }
                Err(error) => match backoff.next() {
                    Some(wait) if error.kind() != ErrorKind::Denied => sleep(wait).await,
                    _ => return Err(error),
                },
            }
        }
    }

    /// A listed ticket with a reference that may be of the scope.
    fn marked(&self, listed: Listed, since: Timestamp) -> Option<Marked> {
        let borne = borne(&listed, self.field);
        let first = borne
            .first
            .clone()
            .filter(|_| borne.last.is_none() || borne.is_torn());
        let reference = borne.last.or(borne.first)?;
        let of_scope = (reference.split_once('/')).is_none_or(|(name, _)| name == self.scope);
        (of_scope && !is_gone(&listed)).then(|| Marked {
            reference,
            first,
            title: listed.title().map(str::to_owned),
            group: marked_group(listed.group, self.field),
            created_at: listed.created_at,
            since,
            ticket: listed.ticket,
        })
    }
}

impl Marked {
    /// The same as that of one row: which of its two references is quoted, by how long the descriptions of the rows are
    /// that the ledger knows. `None`: it is that of a row of which nothing is left to read.
    fn placed(self, known: &HashMap<String, Create>) -> Option<Self> {
        let Some(first) = &self.first else {
            return Some(self);
        };
        let length = known.get(first).and_then(Create::length);
        let is_only = *first == self.reference;
        match length {
            // A short description quotes on its first line. What else it shows is its own.
            Some(length) if length <= LONG => (!is_only).then_some(self),
            // A long one may be cut where it quotes, and a short one may quote it.
            _ => is_only.then_some(self),
        }
    }

    /// Whether it has the title that was sent, as far as is known.
    fn is_titled_as(&self, create: &Create) -> bool {
        let title = self.title.as_deref();
        create
            .print
            .as_ref()
            .zip(title)
            .is_none_or(|(print, title)| is_as_sent(print, title))
    }

    fn candidate(&self) -> Candidate {
        Candidate {
            ticket: self.ticket.clone(),
            title: self.title.clone(),
            created_at: self.created_at,
            is_marked: true,
        }
    }
}

/// Whether a listed title is the one that was sent, or none was.
pub(super) fn is_as_sent(print: &Print, title: &str) -> bool {
    matches!(print.title(title), None | Some(Relation::Same))
}

/// Whether a ticket is deleted, or shows that it was taken back.
fn is_gone(listed: &Listed) -> bool {
    listed.standing == Standing::Gone || listed.is_taken_back
}

/// What people call a ticket.
pub(super) fn name_of(ticket: &Ticket) -> &str {
    ticket.number.as_deref().unwrap_or(&ticket.id)
}

/// The first of some tickets, with the keys of their rows.
fn told(rows: &[(RowKey, Ticket)]) -> String {
    let names: Vec<String> = (rows.iter().take(NAMED))
        .map(|(key, ticket)| format!("`{}` (key `{key}`)", name_of(ticket)))
        .collect();
    let more = if rows.len() > NAMED { " …" } else { "" };
    format!("{}{more}", names.join(", "))
}

impl Engine<'_> {
    /// A look came back.
    pub(super) fn looked_around(&mut self, looked: Result<std::result::Result<Looked, String>>) {
        let is_first = std::mem::take(&mut self.watch.is_first);
        if self.is_halted() {
            self.watch.forgive();
        }
        let looked = match looked {
            Ok(Ok(looked)) => looked,
            Ok(Err(why)) if is_first && !self.watch.trusts => {
                let error = Error::new(
                    ErrorKind::System,
                    format!("what was created since the last run could not be listed: {why}"),
                );
                let error = error
                    .hint("nothing was sent: this ledger may be older than what is there; run the same command again")
                    .hint("or pass `--trust-ledger` if you know that nothing was sent since");
                return self.stop_with(error);
            }
            // The next look begins where this one did.
            Ok(Err(why)) => {
                return self.fold.note(format!(
                    "the system could not be looked at for tickets of another run: {why}"
                ));
            }
            Err(error) => return self.break_with(error),
        };
        if let Err(error) = self.judge(&looked) {
            return self.stop_with(error);
        }
        if !looked.whole && !std::mem::replace(&mut self.watch.said_partial, true) {
            self.fold.note(format!(
                "more tickets were created than the newest {PAGES} pages show beside those of this run: those before were only searched for \
                 `{}`, and one of another run may be among them",
                self.watch.about.scope
            ));
        }
        self.watch.since = looked.until;
        self.watch.listed = self.watch.asked;
        let explained = self.watch.explained();
        self.changes.push(Change::Looked(explained));
    }

    /// Tells what a look found.
    fn judge(&mut self, looked: &Looked) -> Result<()> {
        let is_last = self.feed.is_none() && self.backlog.is_empty() && self.ready.is_empty();
        let (mut missing, mut rivals) = (Vec::new(), Vec::new());
        // Rows that were refused and have their ticket all the same: the earliest of several is their own.
        let mut turned_up: HashMap<RowKey, Ticket> = HashMap::new();
        // Tickets with their references and other titles.
        let mut alleged: BTreeMap<RowKey, Vec<Candidate>> = BTreeMap::new();
        for (marked, create) in &looked.unknown {
            let found =
                || (create.as_ref()).map(|create| (create.key.clone(), marked.ticket.clone()));
            match create.as_ref().map(|create| (create.state, create)) {
                Some((State::Sending | State::InDoubt, _)) => {
                    self.watch.pending.push(marked.clone());
                }
                Some((State::Done | State::Skipped, create)) => {
                    self.watch.unsaid.get_or_insert(marked.since);
                    self.tell_other(marked, create, looked);
                    // A row that this run made, and that was never in doubt, has been made by somebody else too.
                    if create.of_this_run && !create.doubted && !is_last {
                        rivals.extend(found());
                    }
                }
                // The system denied what it has done: the row is looked up before it goes again; one that does not go
                // again is done.
                Some((State::Pending | State::Rejected, create)) if create.was_denied => {
                    self.watch.unsaid.get_or_insert(marked.since);
                    let is_over = is_last && self.pool.is_empty() && self.under_way.is_empty();
                    if is_over && !marked.is_titled_as(create) {
                        let of_row = alleged.entry(create.key.clone()).or_default();
                        of_row.push(marked.candidate());
                    } else if is_over {
                        match turned_up.get(&create.key) {
                            None => {
                                turned_up.insert(create.key.clone(), marked.ticket.clone());
                                self.was_made(&create.key, &marked.ticket);
                                self.disproved(create.shape.as_deref());
                            }
                            Some(own) => self.tell_twin(&create.key, own, &marked.ticket),
                        }
                    } else {
                        self.watch.pending.push(marked.clone());
                    }
                }
                _ => match self.watch.key_of(&marked.reference)? {
                    Some(key) => missing.push((key, marked.ticket.clone())),
                    None => match create.as_ref().filter(|it| it.state == State::Undone) {
                        Some(create) => {
                            self.watch.unsaid.get_or_insert(marked.since);
                            self.tell_left(&create.key, std::slice::from_ref(&marked.ticket));
                        }
                        None => self.remember(marked),
                    },
                },
            }
        }
        for (key, candidates) in alleged {
            if !turned_up.contains_key(&key) {
                self.may_have_been_made(&key, candidates);
            }
        }
        let what = match (missing.as_slice(), rivals.as_slice()) {
            ([], []) => return Ok(()),
            ([], rivals) => format!(
                "another computer or state folder sends the same rows: this ledger does not know {}",
                told(rivals)
            ),
            (missing, _) => format!(
                "the system holds {} of rows of this input that this ledger does not know: {}",
                match missing.len() {
                    1 => "a ticket".to_owned(),
                    count => format!("{count} tickets"),
                },
                told(missing)
            ),
        };
        if self.watch.trusts {
            self.watch.unsaid.get_or_insert(self.watch.since);
            self.fold.note(what);
            return Ok(());
        }
        if !self.is_halted() {
            self.watch.owe();
        }
        let error = Error::usage(what)
            .hint("this ledger is older than what was sent, or another computer or state folder sends the same rows: stop that one")
            .hint(format!("then learn from the system what is there: {}", self.watch.adopt))
            .hint("`--trust-ledger` sends the rows all the same, and makes duplicates of those that are there");
        Err(error)
    }

    /// A row has a ticket, and another one bears its reference.
    fn tell_other(&mut self, marked: &Marked, create: &Create, looked: &Looked) {
        let other = &marked.ticket;
        if !self.doubles.insert(other.id.clone()) {
            return;
        }
        let Some(own) = &create.ticket else {
            // Settled by hand as not to be sent.
            return self.fold.note(format!(
                "row `{}` is not to be sent, and ticket `{}` bears its reference",
                create.key,
                name_of(other)
            ));
        };
        let is_lost = looked.gone.contains(&own.id) || looked.anothers.contains(&own.id);
        if is_lost
            && looked.there.contains(&other.id)
            && !looked.anothers.contains(&other.id)
            && self.watch.repointed.insert(create.key.clone())
        {
            return self.repoint(create, own, other, looked);
        }
        if !looked.there.contains(&other.id) {
            return self.fold.note(format!(
                "row `{}`: ticket `{}` was listed with its reference, but cannot be read; look at both before you close one",
                create.key,
                name_of(other)
            ));
        }
        if !looked.there.contains(&own.id) {
            return self.fold.note(format!(
                "row `{}` has been made more than once: its ticket `{}` cannot be read any more, keep `{}`",
                create.key,
                name_of(own),
                name_of(other)
            ));
        }
        self.fold.totals.doubles += 1;
        // One that was made before the look's time is the older one.
        let own_at = looked.held.get(&own.id).copied().flatten();
        let own_first = own_at.is_none_or(|own_at| {
            marked
                .created_at
                .is_none_or(|at| (own_at, &own.id) <= (at, &other.id))
        });
        let (keep, close) = if own_first {
            (own, other)
        } else {
            (other, own)
        };
        self.fold.note(format!(
            "row `{}` has been made more than once: keep ticket `{}`, the earlier one, and close `{}`",
            create.key,
            name_of(keep),
            name_of(close)
        ));
    }

    /// The ticket that the ledger holds for a row is gone, or another row's, and this one bears the row's reference.
    fn repoint(&mut self, create: &Create, own: &Ticket, other: &Ticket, looked: &Looked) {
        let what = match looked.gone.contains(&own.id) {
            true => "is not there any more",
            false => "bears the reference of another row",
        };
        self.fold.note(format!(
            "row `{}`: its ticket `{}` {what}, but `{}` bears its reference, and is its ticket from now on: run the same \
             command again, which looks what is to be done on it",
            create.key,
            name_of(own),
            name_of(other)
        ));
        self.fold.totals.unswept = true;
        let change = Change::Repoint(create.key.clone(), other.clone());
        self.changes.push(change);
        self.set_aside(&create.key);
    }

    /// What this run holds of a row is about a ticket that is not its own: nothing more is done there.
    fn set_aside(&mut self, key: &RowKey) {
        let is_own = |row: &mut Row| row.key == *key;
        let mut aside: Vec<Row> = Vec::new();
        for queue in [&mut self.backlog, &mut self.looking] {
            let mut rows = Vec::from(std::mem::take(queue));
            aside.extend(rows.extract_if(.., is_own));
            queue.extend(rows);
        }
        let delayed = self.delayed.extract_if(.., |(_, row)| is_own(row));
        aside.extend(delayed.map(|(_, row)| row));
        let mut ready = Vec::from(std::mem::take(&mut self.ready));
        let own = ready.extract_if(.., |(row, _)| is_own(row));
        aside.extend(own.map(|(row, _)| row));
        self.ready = ready.into();
        for row in aside {
            self.is_set_aside(row.base);
        }
    }

    /// Whether the row of that key was given another ticket in this run.
    pub(super) fn was_repointed(&self, key: &RowKey) -> bool {
        self.watch.repointed.contains(key)
    }

    /// A row that was given another ticket ends here: the next run looks what is to be done on it.
    pub(super) fn is_set_aside(&mut self, base: Base) {
        let reason =
            "its ticket was found to be another one: the same command goes on with that".to_owned();
        self.end(base, End::InDoubt { reason });
    }

    /// A ticket of the scope whose row is in another input.
    fn remember(&mut self, marked: &Marked) {
        let key = marked
            .reference
            .split_once('/')
            .map(|(_, key)| RowKey::new(key));
        // A hashed one tells no key, and perhaps is of another scope.
        let Some(key) = key.filter(|_| self.watch.told.insert(marked.reference.clone())) else {
            return;
        };
        let at = marked.created_at.unwrap_or_else(|| self.now());
        self.changes.extend(remembered(
            key,
            marked.reference.clone(),
            marked.ticket.clone(),
            marked.group.clone(),
            at,
        ));
    }
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
