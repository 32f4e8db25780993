//! The desk of the model as a system for the real engine: it obeys, answers and lists by a script.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::books::{Books, HELD, OFFSET, OTHER, ROW, TICK, Thing};
use super::moves::{Answer, Beside as Besides, Fate, Kind, Listing, Made};
use crate::directory::{Needs, Snapshot};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{RunMeta, Scope, Settlement, State, StepId};
use crate::record::RowKey;
use crate::run::tests::fake::FakeSchema;
use crate::systems::common::CommonTicket;
use crate::systems::examine::Finding;
use crate::systems::page::{PageAsk, TicketPage};
use crate::systems::query::{Query, SearchEnd};
use crate::systems::shape::{Content, Shape, Shapes};
use crate::systems::sighting::{Item, Shows, Sought, sight};
use crate::systems::{
    Account, Answered, Beside, CREATE, Call, Dialect, DirectoryProgress, Gap, Listed, ListingEnd,
    Outcome, PUBLIC, Permit, Reading, Refusal, Schema, SentAt, Sighting, Standing, System, TITLE,
    Ticket, Way, Window,
};

/// How long a request is under way.
const LATENCY: Duration = Duration::from_millis(200);
/// What a desk tells the hand that holds the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cue {
    None,
    KillAt(Instant),
    CtrlC,
}

fn listed(id: &str, key: &str, text: Option<&str>, group: &str) -> Listed {
    Listed {
        is_taken_back: false,
        noted_at: None,
        ticket: Ticket {
            id: id.to_owned(),
            ..Ticket::default()
        },
        created_at: None,
        group: group.to_owned(),
        text: text.map(str::to_owned),
        custom: Vec::new(),
        updated_at: None,
        standing: Standing::Open,
        traits: vec![(TITLE, format!("Row {key}"))],
    }
}

/// The desk as one process sees it.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) books: Arc<Mutex<Books>>,
    pub(super) cue: watch::Sender<Cue>,
    /// The scope of the run under way.
    scope: Scope,
    account: Account,
    schema: FakeSchema,
    shapes: Shapes,
}

impl Desk {
    pub(super) fn new(books: Arc<Mutex<Books>>, scope: Scope, cue: Cue) -> Self {
        Self {
            books,
            cue: watch::Sender::new(cue),
            scope,
            account: Account {
                tenant: "acme".to_owned(),
                user: None,
                dialect: Dialect::Only,
                clock_offset: OFFSET,
            },
            schema: FakeSchema,
            shapes: Shapes::new(|shape| shape.content == Content::Json),
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// The process ends here.
    async fn last(&self, cue: Cue) -> ! {
        self.cue.send_replace(cue);
        std::future::pending().await
    }

    async fn die(&self) -> ! {
        self.last(Cue::KillAt(Instant::now())).await
    }

    /// A run whose process no lock held off has made the row.
    async fn overtake(&self, body: &Value) {
        let locks = self.scope.unheld();
        let run = (self.scope.start_run(&locks, RunMeta::default()).await).unwrap();
        let ticket = self.books().make(true, body, Made::Now);
        let made = Settlement {
            key: RowKey::new(ROW),
            step: StepId {
                name: CREATE.to_owned(),
                ordinal: 0,
            },
            to: State::Done,
            ticket: Some(ticket),
            trouble: None,
            doubted: false,
            at: Timestamp::now(),
        };
        run.settle(vec![made]).await.unwrap();
    }

    async fn meet(&self, fate: Fate, call: Call<'_>) -> Answered {
        let creates = call.step == CREATE;
        match fate.beside {
            Besides::Nothing => {}
            Besides::Stalled => assert!(self.scope.lock(None).is_err(), "a second run begins"),
            Besides::Overtaken => self.overtake(call.body).await,
            Besides::Rival => drop(self.books().make(true, call.body, Made::Now)),
        }
        let ticket = self.books().make(creates, call.body, fate.made);
        if fate.dies {
            self.cue.send_replace(Cue::KillAt(Instant::now() + TICK));
        }
        let refused = |status| {
            Outcome::Rejected(Refusal {
                status,
                message: "no".to_owned(),
                fields: Vec::new(),
            })
        };
        let doubt = |what: &str| Outcome::InDoubt(what.to_owned());
        let pause = (fate.beside == Besides::Overtaken).then_some(TICK);
        let (outcome, shape) = match fate.answer {
            Answer::Created => (Outcome::Done(ticket), None),
            Answer::Anothers => {
                let id = self.books().id_of(OTHER).unwrap();
                let ticket = Ticket {
                    id,
                    ..Ticket::default()
                };
                (Outcome::Done(ticket), None)
            }
            Answer::Lost => (doubt("the connection was lost"), None),
            Answer::Accepted => (doubt("the system answered 202"), None),
            Answer::Refused => (refused(422), Some((422, Content::Html))),
            Answer::TooFast => (Outcome::Throttled(None), Some((429, Content::Html))),
            Answer::Denied => {
                let outcome = Outcome::Denied("403".to_owned());
                (outcome, Some((403, Content::Html)))
            }
            Answer::ProvenRefused => (refused(400), Some((400, Content::Json))),
            Answer::ProvenTooFast => (Outcome::Throttled(pause), Some((429, Content::Json))),
            Answer::Unsent => (Outcome::Unsent("connection refused".to_owned()), None),
            Answer::CtrlC => self.last(Cue::CtrlC).await,
            Answer::Dies => self.die().await,
        };
        Answered {
            shape: shape.map(|(status, content)| Shape {
                call: call.step.to_owned(),
                http: status,
                status,
                content,
                members: Vec::new(),
            }),
            ..outcome.into()
        }
    }

    async fn next_listing(&self) -> Listing {
        let listing = self.books().listings.pop_front();
        match listing.unwrap_or(Listing::Good) {
            Listing::Dies => self.die().await,
            listing => listing,
        }
    }
}

#[async_trait]
impl System for Desk {
    fn schema(&self) -> &dyn Schema {
        &self.schema
    }

    fn account(&self) -> &Account {
        &self.account
    }

    fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    async fn perform(&self, call: Call<'_>, _: &mut Way) -> Answered {
        let creates = call.step == CREATE;
        sleep(LATENCY).await;
        let fate = {
            let mut books = self.books();
            let is_about = creates == (books.setup.kind == Kind::Create);
            (is_about && call.body["key"] == ROW)
                .then(|| books.fates.pop_front().unwrap_or(Fate::WELL))
        };
        if let Some(fate) = fate {
            // It does not wait any more.
            self.cue.send_replace(Cue::None);
            return self.meet(fate, call).await;
        }
        Outcome::Done(self.books().make(creates, call.body, Made::Now)).into()
    }

    async fn list_newest(
        &self,
        _: Timestamp,
        _: u32,
        _: &dyn Permit,
        page: &mut (dyn FnMut(Vec<Listed>) + Send),
    ) -> Result<bool> {
        let books = self.books();
        let all = books.visible();
        page(
            all.map(|it| listed(&it.id, &it.key, Some(&it.text), &it.group))
                .collect(),
        );
        Ok(true)
    }

    async fn list_created(
        &self,
        _: Window,
        _: &dyn Permit,
        page: &mut (dyn FnMut(Vec<Listed>) + Send),
    ) -> Result<ListingEnd> {
        let listing = self.next_listing().await;
        if listing == Listing::Failing {
            return Err(Error::new(ErrorKind::Denied, "403"));
        }
        let books = self.books();
        let show = |it: &Thing| {
            let is_row = it.key == ROW;
            let is_shown = listing != Listing::Empty && !(is_row && listing == Listing::Partial);
            let is_hidden = listing == Listing::Hidden || (is_row && listing == Listing::Unmarked);
            let text = Some(&*it.text).filter(|_| !is_hidden);
            is_shown.then(|| listed(&it.id, &it.key, text, &it.group))
        };
        let mut all: Vec<Listed> = books.visible().filter_map(show).collect();
        all.extend(match listing {
            Listing::Mentioned => {
                let text = "As in\nRef: s/k1\nit is broken";
                Some(listed("mentions", "k9", Some(text), "all"))
            }
            Listing::Quoted => {
                let text = "It is broken\nRef: s/k1";
                Some(listed("quotes", "k9", Some(text), "all"))
            }
            Listing::Held => Some(listed(HELD, ROW, Some("text\nRef: s/k1"), "all")),
            Listing::Akin => Some(listed("akin", ROW, Some("It is broken"), "all")),
            _ => None,
        });
        page(all);
        Ok(ListingEnd {
            gap: (listing == Listing::Partial).then_some(Gap::Short),
            pages: 1,
        })
    }

    async fn verify_step(
        &self,
        call: Call<'_>,
        beside: Beside<'_>,
        since: SentAt,
        _: &dyn Permit,
    ) -> Result<Sighting> {
        let listing = self.next_listing().await;
        let books = self.books();
        let now = Instant::now();
        let comments = |ticket: &str| -> Vec<Item> {
            let mut tickets = books.tickets.iter();
            let key = tickets.find(|it| it.id == ticket).map(|it| &it.key);
            let all = books.comments.iter();
            let here = all.filter(|it| Some(&it.key) == key && it.shows <= now);
            let shown = here.filter(|_| listing != Listing::Empty);
            let texts = |it: &Thing| match it.key == ROW && listing == Listing::Unmarked {
                true => Vec::new(),
                false => vec![it.text.clone()],
            };
            shown
                .map(|it| Item {
                    at: Some(it.at),
                    texts: texts(it),
                    kind: Some(PUBLIC),
                    ..Item::default()
                })
                .collect()
        };
        let sought = Sought {
            what: "a comment",
            text: FakeSchema.looks(call.step, call.body).text,
            kind: Some(PUBLIC),
            author: None,
            others: Vec::new(),
            since,
        };
        let items = comments(&call.ticket.unwrap().id);
        let mut shows = Shows::default();
        shows.learn(&items, beside.here, &sought);
        for (id, print) in beside.elsewhere {
            shows.learn(&comments(id), std::slice::from_ref(print), &sought);
        }
        Ok(sight(&sought, &items, beside.here, &shows).0)
    }

    async fn read_ticket(&self, id: &str, _: &dyn Permit) -> Result<Reading> {
        let books = self.books();
        let found = books.visible().find(|it| it.id == id);
        Ok(found.map_or(Reading::Absent, |it| {
            Reading::Found(Box::new(listed(&it.id, &it.key, Some(&it.text), &it.group)))
        }))
    }

    async fn load_directory(
        &self,
        _: Needs,
        _: &dyn Permit,
        _: DirectoryProgress<'_>,
    ) -> Result<Snapshot> {
        unreachable!("a run loads no directory")
    }

    async fn find_ticket(&self, _: &str, _: &dyn Permit) -> Result<Option<Ticket>> {
        unreachable!("no row names a ticket")
    }

    async fn ticket(&self, _: &str, _: &dyn Permit) -> Result<Option<CommonTicket>> {
        unreachable!("a run reads no whole ticket")
    }

    async fn examine(&self, _: &dyn Permit) -> Vec<Finding> {
        unreachable!("a run examines nothing")
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

    async fn sample(&self, _: &str, _: &dyn Permit) -> Result<Vec<Listed>> {
        unreachable!("each look sees all")
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
