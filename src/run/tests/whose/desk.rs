//! A desk of titles and priorities that knows who wrote what, and is told what a write may go over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use crate::directory::{Needs, Snapshot};
use crate::error::Result;
use crate::systems::common::{CommonTicket, Named};
use crate::systems::examine::Finding;
use crate::systems::page::{PageAsk, TicketPage};
use crate::systems::query::{Query, SearchEnd};
use crate::systems::shape::{Content, Shapes};
use crate::systems::{
    Account, Answered, Beside, Call, Dialect, DirectoryProgress, Listed, ListingEnd, Outcome,
    Permit, Reading, Refusal, Schema, SentAt, Sighting, System, SystemName, Ticket, Way, Window,
};

pub(super) const PRIORITIES: [&str; 3] = ["low", "high", "urgent"];
const LATENCY: Duration = Duration::from_millis(20);

/// A ticket, and its title (0) or priority (1).
pub(super) type At = (String, usize);

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Well,
    /// It is obeyed, and the answer is lost.
    Lost,
    /// Neither it nor an answer comes.
    NeverCame,
    Refused,
    Forbidden,
    Throttled,
    Unsent,
}

impl Fate {
    pub(super) const ALL: [Self; 7] = [
        Self::Well,
        Self::Lost,
        Self::NeverCame,
        Self::Refused,
        Self::Forbidden,
        Self::Throttled,
        Self::Unsent,
    ];
}

/// What a write may go over.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// What the file said when it was written; `None`: it has no baseline.
    pub(super) was: Option<BTreeMap<At, String>>,
    pub(super) read_at: Timestamp,
    pub(super) overwrites: bool,
}

#[derive(Debug)]
struct Cell {
    value: String,
    is_ours: bool,
}

#[derive(Debug)]
struct Books {
    cells: BTreeMap<At, Cell>,
    /// When each ticket was changed last, and by others.
    updated: BTreeMap<String, (Timestamp, Timestamp)>,
    /// One second a change.
    now: Timestamp,
    fates: VecDeque<Fate>,
    /// Who changes what when so many reads have come, each of the ticket that is read.
    intruders: Vec<(usize, At, String)>,
    reads: usize,
    guard: Guard,
    sent: BTreeSet<(At, String)>,
    refused: BTreeSet<(At, String)>,
    wrong: Option<String>,
}

#[derive(Debug)]
pub(super) struct Desk {
    books: Mutex<Books>,
    account: Account,
    schema: Box<dyn Schema>,
    shapes: Shapes,
}

impl Desk {
    pub(super) fn new(tickets: usize) -> Self {
        let now: Timestamp = "2026-11-30T00:00:00Z".parse().unwrap();
        let ids = (0..tickets).map(|number| format!("req_{number}"));
        let cell = |value: &str| Cell {
            value: value.to_owned(),
            is_ours: false,
        };
        Self {
            books: Mutex::new(Books {
                cells: (ids.clone())
                    .flat_map(|id| {
                        let title = cell(&format!("Title of {id}"));
                        [((id.clone(), 0), title), ((id, 1), cell("low"))]
                    })
                    .collect(),
                updated: ids.map(|id| (id, (now, now))).collect(),
                now,
                fates: VecDeque::new(),
                intruders: Vec::new(),
                reads: 0,
                guard: Guard::default(),
                sent: BTreeSet::new(),
                refused: BTreeSet::new(),
                wrong: None,
            }),
            account: Account {
                tenant: "acme".to_owned(),
                user: None,
                dialect: Dialect::V1,
                clock_offset: SignedDuration::ZERO,
            },
            schema: crate::systems::schema(SystemName::ClearFeed, Some(Dialect::V1)).unwrap(),
            shapes: Shapes::new(|shape| shape.content == Content::Json),
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.books().now
    }

    pub(super) fn cells(&self) -> BTreeMap<At, String> {
        let books = self.books();
        let cells = books.cells.iter();
        cells
            .map(|(at, cell)| (at.clone(), cell.value.clone()))
            .collect()
    }

    pub(super) fn value(&self, at: &At) -> String {
        self.books().cells[at].value.clone()
    }

    pub(super) fn changed_since(&self, id: &str, since: Timestamp) -> bool {
        self.books().updated[id].0 > since
    }

    pub(super) fn was_sent(&self, at: &At, value: &str) -> bool {
        self.books().sent.contains(&(at.clone(), value.to_owned()))
    }

    /// Whether it was refused: as it stands it is not sent again.
    pub(super) fn was_refused(&self, at: &At, value: &str) -> bool {
        self.books()
            .refused
            .contains(&(at.clone(), value.to_owned()))
    }

    pub(super) fn others(&self, at: &At, value: &str) {
        self.books().write(at, value, false);
    }

    pub(super) fn fates(&self, fates: Vec<Fate>) {
        self.books().fates = fates.into();
    }

    pub(super) fn intrude(&self, intruders: Vec<(usize, At, String)>) {
        let mut books = self.books();
        books.reads = 0;
        books.intruders = intruders;
    }

    pub(super) fn guard(&self, guard: Guard) {
        self.books().guard = guard;
    }

    pub(super) fn wrong(&self) -> Option<String> {
        self.books().wrong.clone()
    }

    fn ticket(&self, id: &str) -> Option<Ticket> {
        let is_there = self.books().updated.contains_key(id);
        is_there.then(|| Ticket {
            id: id.to_owned(),
            ..Ticket::default()
        })
    }
}

impl Books {
    fn write(&mut self, at: &At, value: &str, is_ours: bool) {
        let cell = self.cells.get_mut(at).unwrap();
        if cell.value == value {
            return;
        }
        *cell = Cell {
            value: value.to_owned(),
            is_ours,
        };
        self.now += SignedDuration::from_secs(1);
        let updated = self.updated.get_mut(&at.0).unwrap();
        updated.0 = self.now;
        if !is_ours {
            updated.1 = self.now;
        }
    }

    /// A write of ours comes in: whether it may go over what is there.
    fn obey(&mut self, at: At, value: &str) {
        let cell = &self.cells[&at];
        let may = match &self.guard.was {
            _ if cell.value == value || self.guard.overwrites => true,
            // What we have put there ourselves is nobody else's.
            _ if cell.is_ours => true,
            Some(was) => was[&at] == cell.value,
            None => self.updated[&at.0].1 <= self.guard.read_at,
        };
        let is_untouched = (self.guard.was.as_ref()).is_some_and(|was| was[&at] == value);
        if !may || is_untouched {
            let wrong = format!("{at:?}: `{value}` goes over `{}`", cell.value);
            self.wrong.get_or_insert(wrong);
        }
        self.sent.insert((at.clone(), value.to_owned()));
        self.write(&at, value, true);
    }

    /// Whoever changes a ticket just before it is read.
    fn read(&mut self, id: &str) {
        let at = self.reads;
        self.reads += 1;
        let (now, later) = std::mem::take(&mut self.intruders)
            .into_iter()
            .partition(|(read, (of, _), _)| *read <= at && of == id);
        self.intruders = later;
        for (_, at, value) in now {
            self.write(&at, &value, false);
        }
    }
}

#[async_trait]
impl System for Desk {
    fn schema(&self) -> &dyn Schema {
        self.schema.as_ref()
    }

    fn account(&self) -> &Account {
        &self.account
    }

    fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    async fn load_directory(
        &self,
        _: Needs,
        _: &dyn Permit,
        _: DirectoryProgress<'_>,
    ) -> Result<Snapshot> {
        unreachable!("a run loads no directory")
    }

    async fn admits(&self, _: &dyn Permit) -> bool {
        true
    }

    async fn perform(&self, call: Call<'_>, _: &mut Way) -> Answered {
        sleep(LATENCY).await;
        let fate = self.books().fates.pop_front().unwrap_or(Fate::Well);
        let ticket = call.ticket.expect("every row names its ticket").clone();
        for (column, name) in ["title", "priority"].into_iter().enumerate() {
            let Some(value) = call.body[name].as_str() else {
                continue;
            };
            let at = (ticket.id.clone(), column);
            match fate {
                Fate::Well | Fate::Lost => self.books().obey(at, value),
                Fate::Refused | Fate::Forbidden => {
                    self.books().refused.insert((at, value.to_owned()));
                }
                _ => {}
            }
        }
        sleep(LATENCY).await;
        let refusal = |status| Refusal {
            status,
            message: "no".to_owned(),
            fields: Vec::new(),
        };
        Answered::from(match fate {
            Fate::Well => Outcome::Done(ticket),
            Fate::Lost | Fate::NeverCame => Outcome::InDoubt("the connection was lost".to_owned()),
            Fate::Refused => Outcome::Rejected(refusal(400)),
            Fate::Forbidden => Outcome::Forbidden(refusal(403)),
            Fate::Throttled => Outcome::Throttled(None),
            Fate::Unsent => Outcome::Unsent("connection refused".to_owned()),
        })
    }

    async fn verify_step(
        &self,
        _: Call<'_>,
        _: Beside<'_>,
        _: SentAt,
        _: &dyn Permit,
    ) -> Result<Sighting> {
        Ok(Sighting::Absent)
    }

    async fn find_ticket(&self, name: &str, _: &dyn Permit) -> Result<Option<Ticket>> {
        sleep(LATENCY).await;
        Ok(self.ticket(name))
    }

    async fn list_created(
        &self,
        _: Window,
        _: &dyn Permit,
        _: &mut (dyn FnMut(Vec<Listed>) + Send),
    ) -> Result<ListingEnd> {
        Ok(ListingEnd {
            gap: None,
            pages: 1,
        })
    }

    async fn read_ticket(&self, _: &str, _: &dyn Permit) -> Result<Reading> {
        unreachable!("an update settles nothing by its ticket")
    }

    async fn sample(&self, _: &str, _: &dyn Permit) -> Result<Vec<Listed>> {
        Ok(Vec::new())
    }

    async fn ticket(&self, name: &str, _: &dyn Permit) -> Result<Option<CommonTicket>> {
        sleep(LATENCY).await;
        let mut books = self.books();
        books.read(name);
        let Some((updated, _)) = books.updated.get(name) else {
            return Ok(None);
        };
        let of = |column| books.cells[&(name.to_owned(), column)].value.clone();
        Ok(Some(CommonTicket {
            title: Some(of(0)),
            priority: Some(Named {
                id: Some(of(1)),
                name: Some(of(1)),
                email: None,
            }),
            updated: Some(*updated),
            ..CommonTicket::new(SystemName::ClearFeed, name.to_owned())
        }))
    }

    async fn search(
        &self,
        _: &Query,
        _: &dyn Permit,
        _: &mut (dyn FnMut(Vec<CommonTicket>) -> ControlFlow<()> + Send),
    ) -> Result<SearchEnd> {
        unreachable!("a run searches no tickets")
    }

    async fn page(&self, _: &PageAsk<'_>, _: &dyn Permit) -> Result<TicketPage> {
        unreachable!("a run reads no pages")
    }

    async fn examine(&self, _: &dyn Permit) -> Vec<Finding> {
        unreachable!("a run examines nothing")
    }

    fn undoing(&self) -> &'static str {
        "does nothing"
    }

    fn is_undone(&self, _: &Listed) -> bool {
        false
    }

    async fn undo(&self, _: &Ticket, _: &str, _: bool) -> Answered {
        unreachable!("a run undoes nothing")
    }
}
