//! From the system into the replica.
//!
//! The tickets are read by windows of the time at which they were made, which never changes, side by side. What follows a
//! page decides how a window is read (`window`): a system that counts its rows gives any page, and a window that
//! is too long is split into shorter ones; where a cursor leads from page to page, an idle reader takes the later half of
//! what is left of a window. What is finished is in the replica, so that a reading that was killed goes on.
//!
//! Nothing is missing in a window when as many tickets came as the system counted, on every page of it, and the count never
//! fell; else it is read again. Where a cursor leads, every page but the last must be full. Neither is proof enough, since a
//! list may be cut with its count: the page at the other end must show what was seen, and nothing else; and the windows
//! that are long past are counted together once more (`sweep`). While all this goes on tickets change: what was
//! updated since the reading began is read once more (`catch_up`), until that fits on one page. A ticket that came into
//! a filter or left it meanwhile may have moved others from page to page: its window is read again. A replica that lasts is
//! compared with the system's counts at the end (`heal`, `order`).

mod catch_up;
mod heal;
mod order;
mod sweep;
#[cfg(test)]
mod tests;
mod unexplained;
mod window;
mod witnesses;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, mpsc};

use window::told;

use super::replica::{PackedPage, Replica, State, Stored, Window};
use crate::error::{Error, ErrorKind, Result};
use crate::run::{Shutdown, Stop};
use crate::systems::page::{Axis, Mark, Next, PageAsk, Shown, TicketPage};
use crate::systems::query::{Query, Span};
use crate::systems::{Permit, System, surely_now};

/// How far back a catching up reaches before the moment that is known: clocks differ, and what was just written may not
/// show at once.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// How often windows are read again because tickets moved in or out of a filter.
const ROUNDS: u32 = 4;

/// How many tickets may be on their way from the system at once: a page of a thousand is some megabytes.
const TICKETS_UNDER_WAY: u64 = 4_000;

/// What is to be read.
#[derive(Debug, Clone)]
pub struct Order {
    /// The tickets that are looked for.
    pub query: Query,
    /// Whether what was said on them is wanted.
    pub with_comments: bool,
    /// Whether they are all of the tenant's tickets, kept from one time to the next: then it is looked for what is gone.
    pub is_lasting: bool,
}

/// What happens while tickets are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// So many more tickets are expected than was known.
    Expected(u64),
    /// So many tickets came.
    Came(u64),
    /// What is done now.
    Phase(&'static str),
    /// Something that a person should know.
    Note(String),
}

/// How a reading ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Read {
    /// Rows that the system showed.
    pub came: u64,
    /// Tickets among them that are what is looked for.
    pub held: u64,
    /// Requests for pages.
    pub pages: u64,
    /// What keeps the reading from being proven complete; empty: nothing is missing.
    pub doubts: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Reads tickets into a replica.
pub struct Reading<'a> {
    system: &'a dyn System,
    permit: &'a dyn Permit,
    replica: Arc<Mutex<Replica>>,
    order: &'a Order,
    axis: Axis,
    concurrency: usize,
    stop: Stop,
    tell: &'a (dyn Fn(Told) + Sync),
    under_way: Semaphore,
    came: AtomicU64,
    held: AtomicU64,
    pages: AtomicU64,
    /// Tickets on the largest page so far.
    size: AtomicU64,
    /// Tickets on a page, by the system's word.
    granted: AtomicU64,
    /// What is read now is later than all that is in the replica, whatever it says itself.
    is_latest: AtomicBool,
    /// Readers that have nothing to do.
    idle: AtomicUsize,
    /// The system does not bound a listing by time.
    is_unbounded: AtomicBool,
    /// The system counts its rows.
    is_counted: AtomicBool,
    notes: Mutex<Vec<String>>,
    doubts: Mutex<Vec<String>>,
    /// The ids of tickets that are known to exist.
    witnesses: Vec<String>,
    /// Why windows are not proven, by their numbers.
    unproven: Mutex<BTreeMap<i64, Unproven>>,
    /// The most tickets that the system has counted in windows, by their numbers.
    most: Mutex<BTreeMap<i64, u64>>,
}

/// Why a window is not proven to be whole.
#[derive(Debug, Clone)]
struct Unproven {
    why: String,
    /// Whether it may well be when it is read once more.
    may_pass: bool,
}

impl std::fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("order", self.order)
            .finish_non_exhaustive()
    }
}

impl<'a> Reading<'a> {
    /// A reading that has not begun.
    pub fn new(
        system: &'a dyn System,
        permit: &'a dyn Permit,
        replica: Arc<Mutex<Replica>>,
        order: &'a Order,
        concurrency: usize,
        stop: Stop,
        tell: &'a (dyn Fn(Told) + Sync),
    ) -> Self {
        Self {
            axis: system.windows_by(&order.query),
            system,
            permit,
            replica,
            order,
            concurrency: concurrency.max(1),
            stop,
            tell,
            under_way: Semaphore::new(concurrency.max(1)),
            came: AtomicU64::new(0),
            held: AtomicU64::new(0),
            pages: AtomicU64::new(0),
            size: AtomicU64::new(0),
            granted: AtomicU64::new(0),
            is_latest: AtomicBool::new(false),
            idle: AtomicUsize::new(0),
            is_unbounded: AtomicBool::new(false),
            is_counted: AtomicBool::new(false),
            notes: Mutex::default(),
            doubts: Mutex::default(),
            witnesses: Vec::new(),
            unproven: Mutex::default(),
            most: Mutex::default(),
        }
    }

    /// The same, with the ids of tickets that are known to exist: a list that lacks one is not whole.
    pub fn with_witnesses(self, witnesses: Vec<String>) -> Self {
        Self { witnesses, ..self }
    }

    /// Reads everything that is not read yet, and catches up with what has changed since; goes on where an earlier reading
    /// into this replica was stopped.
    ///
    /// # Errors
    /// When the system cannot be read, the replica not written, or the reading was stopped.
    pub async fn run(self) -> Result<Read> {
        let started = self.now();
        let begun = self.with(|replica| replica.moment(BEGAN)).await?;
        let began = match begun {
            Some(began) => began,
            None => {
                let now = self.now();
                let first = self.whole(now);
                self.with(move |replica| replica.begin(now, first)).await?;
                now
            }
        };
        // What an earlier command could not prove, this one tries anew; what it laid over it when it was killed, it leaves.
        self.with(|replica| {
            replica.take_off()?;
            let unproven = replica.windows(State::Unproven)?;
            let mut unproven = unproven.into_iter();
            unproven.try_for_each(|window| replica.reopen_window(window))
        })
        .await?;
        // Windows that were read whole at another time left nothing out: what comes up was made since.
        let is_read_now = !(self.with(|replica| replica.windows(State::Open)).await?).is_empty();
        for round in 1.. {
            self.windows().await?;
            if self.is_unbounded.swap(false, Ordering::Relaxed) {
                self.one_window().await?;
                continue;
            }
            let moved = self.catch_up(began).await?;
            // What nobody can move out of has moved nobody: a ticket that comes up there was left out by the list of its window.
            let is_mutable = self.order.query.is_mutable();
            if round == ROUNDS && is_mutable {
                let is_split = self.with(move |replica| replica.is_split_by(&moved));
                if is_split.await? {
                    self.doubt(
                        "tickets keep moving in and out of what was asked for while they are read",
                    );
                }
                break;
            }
            if round == ROUNDS {
                let before = moved
                    .into_iter()
                    .filter(|at| *at < began)
                    .collect::<Vec<_>>();
                let lacking = self.with(move |replica| replica.reopen_lacking(&before, began));
                if is_read_now && lacking.await? > 0 {
                    self.doubt("the list of tickets keeps leaving out some that are there");
                }
                break;
            }
            let split = self.with(move |replica| match is_mutable {
                true => replica.reopen(&moved),
                false if is_read_now => replica.reopen_lacking(&moved, began),
                false => Ok(0),
            });
            let split = split.await?;
            let unproven = self.reopen_unproven().await?;
            if split + unproven == 0 {
                break;
            }
            (self.tell)(Told::Phase("reading again what moved"));
        }
        if self.recount(began).await? {
            (self.tell)(Told::Phase("reading again what is counted otherwise now"));
            self.windows().await?;
            if self.recount(began).await? {
                self.doubt(
                    "the system counts other tickets than it lists, however often it is asked",
                );
            }
        }
        if self.order.is_lasting {
            self.heal(began).await?;
        }
        self.hear_witnesses(started).await?;
        self.ended().await
    }

    /// Opens the windows again that may well be proven when they are read once more; how many.
    async fn reopen_unproven(&self) -> Result<usize> {
        let may_pass: Vec<i64> = {
            let mut unproven = self.unproven();
            let passing = unproven.extract_if(.., |_, one| one.may_pass);
            passing.map(|(id, _)| id).collect()
        };
        self.with(move |replica| {
            let mut windows = replica.windows(State::Unproven)?;
            windows.retain(|window| may_pass.contains(&window.id));
            for window in &windows {
                replica.reopen_window(*window)?;
            }
            Ok(windows.len())
        })
        .await
    }

    async fn ended(self) -> Result<Read> {
        let windows = self
            .with(|replica| replica.windows(State::Unproven))
            .await?;
        let mut why = std::mem::take(&mut *self.unproven());
        for window in windows {
            let unproven = why.remove(&window.id);
            self.doubt(unproven.map_or_else(
                || {
                    format!(
                        "the tickets made {} are not proven to be all",
                        told(window.span)
                    )
                },
                |unproven| unproven.why,
            ));
        }
        let mut read = Read {
            came: self.came.into_inner(),
            held: self.held.into_inner(),
            pages: self.pages.into_inner(),
            doubts: self
                .doubts
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
            notes: self
                .notes
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
        };
        let ignored = read.came.saturating_sub(read.held);
        if self.order.query.is_mutable() && ignored > read.held.max(1_000) {
            read.notes.push(format!(
                "the system showed {} tickets for {} that were asked for: it does not filter by everything, and what does not fit was left out here",
                read.came, read.held
            ));
        }
        Ok(read)
    }

    /// Works with the replica on a thread that may wait, for the disk and for who works with it now.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Replica) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let replica = Arc::clone(&self.replica);
        let done = tokio::task::spawn_blocking(move || {
            let mut replica = replica.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut replica)
        });
        done.await
            .map_err(|error| Error::machine("what was read cannot be kept").caused_by(error))?
    }

    /// The system's clock, or ours where that is earlier: either may be wrong.
    fn now(&self) -> Timestamp {
        surely_now(self.system)
    }

    fn note(&self, text: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if !notes.contains(&text) {
            (self.tell)(Told::Note(text.clone()));
            notes.push(text);
        }
    }

    fn unproven(&self) -> MutexGuard<'_, BTreeMap<i64, Unproven>> {
        self.unproven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn most(&self) -> MutexGuard<'_, BTreeMap<i64, u64>> {
        self.most.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doubt(&self, text: impl Into<String>) {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let text = text.into();
        if !doubts.contains(&text) {
            doubts.push(text);
        }
    }

    fn check_stop(&self) -> Result<()> {
        match *self.stop.borrow() {
            Shutdown::None => Ok(()),
            _ => Err(Error::new(ErrorKind::Interrupted, "stopped")
                .hint("what was read is kept: the same command goes on")),
        }
    }

    /// The span of the axis that is to be read.
    fn whole(&self, now: Timestamp) -> Span {
        let asked = match self.axis {
            Axis::Created => self.order.query.created,
            Axis::Updated => self.order.query.updated,
        };
        // Whole days may be read in another zone than ours.
        let margin = match self.system.window_days() {
            Some(_) => SignedDuration::from_hours(24),
            None => SignedDuration::ZERO,
        };
        let latest = now.saturating_add(margin).unwrap_or(now);
        let until = asked
            .until
            .map(|at| at.saturating_add(margin).unwrap_or(at));
        Span {
            from: asked.from.map(|at| at.saturating_sub(margin).unwrap_or(at)),
            until: until.filter(|until| *until <= latest),
        }
    }

    /// Begins anew without windows.
    async fn one_window(&self) -> Result<()> {
        self.note(
            "the system does not bound a listing by time: everything is read in one go".to_owned(),
        );
        self.with(|replica| {
            replica.forget_windows()?;
            replica.keep_fact(SINGLE, "1")?;
            replica.add_window(Span::default()).map(drop)
        })
        .await
    }

    async fn is_single(&self) -> Result<bool> {
        let fact = self.with(|replica| replica.fact(SINGLE)).await?;
        Ok(fact.is_some())
    }

    /// How many windows are read at once. The pages of one that is counted are read side by side themselves: a few are
    /// enough, and each is done with the sooner, so that little is lost to who is stopped.
    fn side_by_side(&self) -> usize {
        match self.is_counted.load(Ordering::Relaxed) {
            true => self.concurrency.div_ceil(4).max(2).min(self.concurrency),
            false => self.concurrency,
        }
    }

    /// Reads all windows that are to be read, side by side.
    async fn windows(&self) -> Result<()> {
        let mut waiting = self.with(|replica| replica.windows(State::Open)).await?;
        waiting.reverse();
        let (cuts, mut cut) = mpsc::unbounded_channel();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.side_by_side()
                && let Some(window) = waiting.pop()
            {
                running.push(self.window(window, cuts.clone()));
            }
            self.idle.store(
                self.concurrency.saturating_sub(running.len()),
                Ordering::Relaxed,
            );
            if running.is_empty() {
                return Ok(());
            }
            tokio::select! {
                Some(window) = cut.recv() => waiting.push(window),
                Some(ended) = running.next() => {
                    let mut parts: Vec<Window> = ended?;
                    parts.reverse();
                    waiting.append(&mut parts);
                    if self.is_unbounded.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Reads one page of what is to be read.
    async fn page(
        &self,
        axis: Axis,
        span: Span,
        is_filtered: bool,
        newest: bool,
        mark: Mark,
    ) -> Result<TicketPage> {
        let page = self.witness(axis, span, is_filtered, newest, mark).await?;
        let held = page.tickets.iter().filter(|shown| shown.holds).count() as u64;
        let came = page.tickets.len() as u64;
        self.came.fetch_add(came, Ordering::Relaxed);
        self.held.fetch_add(held, Ordering::Relaxed);
        self.size.fetch_max(came, Ordering::Relaxed);
        (self.tell)(Told::Came(came));
        Ok(page)
    }

    /// Reads one page that only says whether the others are all.
    async fn witness(
        &self,
        axis: Axis,
        span: Span,
        is_filtered: bool,
        newest: bool,
        mark: Mark,
    ) -> Result<TicketPage> {
        let is_first = mark == Mark::First;
        let ask = PageAsk {
            query: &self.order.query,
            is_filtered,
            axis,
            span,
            is_newest_first: newest,
            mark,
            with_comments: self.order.with_comments,
            leaves_out_deleted: false,
        };
        let page = self.asked(&ask).await?;
        if let Next::Counted { size, .. } = page.next
            && is_first
        {
            self.granted.store(size, Ordering::Relaxed);
        }
        Ok(page)
    }

    /// Reads one page, when it is its turn.
    async fn asked(&self, ask: &PageAsk<'_>) -> Result<TicketPage> {
        self.check_stop()?;
        let weight = match ask.mark {
            Mark::Index(_, size) => self.weight(size),
            Mark::First | Mark::Cursor(_) => self.weight(self.size.load(Ordering::Relaxed)),
        };
        let turn = self.under_way.acquire_many(weight).await;
        let _turn = turn.map_err(|_| Error::new(ErrorKind::Interrupted, "stopped"))?;
        self.check_stop()?;
        let page = self.system.page(ask, self.permit).await?;
        self.pages.fetch_add(1, Ordering::Relaxed);
        Ok(page)
    }

    /// How many turns a page takes, so that not too many large ones are under way.
    fn weight(&self, size: u64) -> u32 {
        let turns = self.concurrency as u64;
        let pages = (TICKETS_UNDER_WAY / size.max(1)).clamp(1, turns);
        u32::try_from((turns / pages).max(1)).unwrap_or(1)
    }

    /// Stores a page on a thread that may wait for the disk.
    async fn store(&self, page: Vec<Shown>, reached: Option<(i64, Timestamp)>) -> Result<Stored> {
        let is_latest = self.is_latest.load(Ordering::Relaxed);
        self.pack_and_store(page, reached, is_latest).await
    }

    /// Stores a page that shows what is so now, even where the last change of a ticket lies before the one that is known.
    async fn store_latest(&self, page: Vec<Shown>) -> Result<Stored> {
        self.pack_and_store(page, None, true).await
    }

    async fn pack_and_store(
        &self,
        page: Vec<Shown>,
        reached: Option<(i64, Timestamp)>,
        is_latest: bool,
    ) -> Result<Stored> {
        let zone = self.system.site_zone().cloned();
        let now = self.now();
        // Packing needs no replica: it is done before.
        let packed = tokio::task::spawn_blocking(move || {
            PackedPage::new(page).read(is_latest, zone.as_ref(), now)
        });
        let page = packed
            .await
            .map_err(|error| Error::machine("what was read cannot be kept").caused_by(error))?;
        self.with(move |replica| replica.store(&page, reached))
            .await
    }
}

/// When the reading began, on the system's clock.
pub(super) const BEGAN: &str = "began";
/// Up to when everything is known, on the system's clock.
pub(super) const KNOWN: &str = "known";
/// The system does not bound a listing by time.
const SINGLE: &str = "single";
