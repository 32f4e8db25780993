//! A system with a script: what it answers to the next requests of a key, and when it commits.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::many::Many;
use crate::directory::{Needs, Snapshot};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::intake::{Digest, Item, Subject};
use crate::mapping::reference::head;
use crate::mapping::{Acting, MapRows, Mapped, Ready, TicketName};
use crate::record::{Cell, Place, Record, RowKey};
use crate::systems::bulk::{Bulk, BulkCall};
use crate::systems::common::CommonTicket;
use crate::systems::examine::Finding;
use crate::systems::fields::{FieldTable, FieldValue};
use crate::systems::page::{PageAsk, TicketPage};
use crate::systems::query::{Query, SearchEnd};
use crate::systems::shape::{Content, Shape, Shapes};
use crate::systems::tie::keyed;
use crate::systems::{
    Account, Answered, Beside, CREATE, Call, Dialect, DirectoryProgress, Gap, KIND, Listed,
    ListingEnd, Looks, Next, Operation, Outcome, PUBLIC, Permit, Reading, Refusal, Schema, SentAt,
    Sighting, Standing, StepPayload, System, SystemName, TITLE, Ticket, Way, Window, update_step,
};

/// What happens to one request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    /// Made and answered.
    Make,
    /// Made twice, and answered with the first.
    Twice,
    /// Made, the answer lost.
    Lost,
    /// Not made, no answer.
    NeverCame,
    /// No answer, made so many seconds later.
    Late(u64),
    /// Refused.
    Refuse,
    /// Too fast; seconds to wait.
    Throttle(Option<u64>),
    /// Made, and nothing remains of the limit for so many seconds.
    Spent(u64),
    /// No connection.
    Unsent,
    /// The token is not good.
    Deny,
    /// The token may not do this with this ticket: the status.
    Forbid(u16),
    /// A read that comes before the write.
    Reads,
    /// Made, or not, and answered with this status in the shape of a web page.
    Says(bool, u16),
    /// Made, and refused in the shape of the contract.
    RefuseMade,
    /// Made, and answered with the ticket of the row of that number.
    Replays(usize),
    /// Not made, and answered with the ticket of the row of that number.
    Mistaken(usize),
    /// The ticket gets the note of a rollback, and stays as it is; whether it is answered.
    Noted(bool),
}

/// How a listing fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    Good,
    /// The text that bears the reference is not shown.
    Hidden,
    /// That of every second ticket is not, the second one first.
    HalfHidden,
    /// Fewer rows come than the system counts.
    Partial,
    /// No page can be had.
    Failing,
    /// Nothing comes, and the list looks whole.
    Empty,
}

#[derive(Debug)]
struct Made {
    id: String,
    key: String,
    text: String,
    group: String,
    commits: Instant,
}

#[derive(Debug)]
struct World {
    scripts: HashMap<String, VecDeque<Script>>,
    made: Vec<Made>,
    /// What was done to tickets that are there: key, call and version, in order.
    set: Vec<(String, String, u64)>,
    /// How many tickets were made before the first of them.
    made_first: Option<usize>,
    visible_after: Duration,
    listing: Listing,
    /// Whether the first create is to go alone until one is obeyed.
    alone: bool,
    /// Whether a look at a ticket tells what was done to it.
    tells: bool,
    /// The keys on whose tickets others have set something.
    theirs: HashSet<String>,
    creating: usize,
    listings: usize,
    looks: usize,
    crowded: bool,
}

#[derive(Debug)]
pub(super) struct Fake {
    world: Mutex<World>,
    pub(super) many: Mutex<Many>,
    pub(super) account: Account,
    schema: FakeSchema,
    shapes: Shapes,
    /// How often tickets were listed, and read by their ids.
    pub(super) reads: AtomicUsize,
    /// Ids that no read finds.
    pub(super) unreadable: Mutex<Vec<String>>,
    /// Ids that were taken back.
    pub(super) undone: Mutex<Vec<String>>,
    /// Ids that bear the note of a rollback, whether this is shown, and whether a change by somebody is.
    pub(super) noted: Mutex<Vec<String>>,
    pub(super) shows_notes: AtomicBool,
    /// What a sample of the newest tickets shows.
    pub(super) samples: Mutex<Vec<Listed>>,
    /// Ids that are answered with another ticket, once a rollback has begun with them.
    pub(super) misread: Mutex<Vec<String>>,
    /// When the tickets were made.
    at: Timestamp,
    /// Since when that is.
    origin: Instant,
    /// For each look at the newest tickets: how many there were since the moment asked for, and how many pages it took.
    pub(super) asked: Mutex<Vec<(usize, u32)>>,
    /// Names by which no ticket can be found, and the kind of error.
    pub(super) lost: Mutex<Vec<(String, ErrorKind)>>,
    /// Whether answers show titles with a label.
    pub(super) labels: AtomicBool,
    /// Whether the token is still good, and how often that was asked.
    pub(super) admits: AtomicBool,
    pub(super) probes: AtomicUsize,
}

/// What a filter before the system says.
pub(super) fn says(status: u16) -> Outcome {
    let refusal = Refusal {
        status,
        message: "a filter says no".to_owned(),
        fields: Vec::new(),
    };
    match status {
        429 => Outcome::Throttled(None),
        302 => Outcome::Denied(format!("{status}")),
        401 | 403 => Outcome::Forbidden(refusal),
        202 => Outcome::InDoubt("the system answered 202".to_owned()),
        204 => Outcome::InDoubt("the system answered 204 with nothing".to_owned()),
        _ => Outcome::Rejected(refusal),
    }
}

/// The shape of a page that such a filter answers with.
pub(super) fn page(call: &str, status: u16) -> Shape {
    Shape {
        call: call.to_owned(),
        http: status,
        status,
        content: Content::Html,
        members: Vec::new(),
    }
}

pub(super) fn forbidden(status: u16) -> Outcome {
    Outcome::Forbidden(Refusal {
        status,
        message: "not for you".to_owned(),
        fields: Vec::new(),
    })
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            world: Mutex::new(World {
                scripts: HashMap::new(),
                made: Vec::new(),
                set: Vec::new(),
                made_first: None,
                visible_after: Duration::ZERO,
                listing: Listing::Good,
                alone: false,
                tells: false,
                theirs: HashSet::new(),
                creating: 0,
                listings: 0,
                looks: 0,
                crowded: false,
            }),
            many: Mutex::default(),
            account: Account {
                tenant: "acme".to_owned(),
                user: None,
                dialect: Dialect::Only,
                clock_offset: SignedDuration::from_secs(3600),
            },
            schema: FakeSchema,
            shapes: Shapes::new(|shape| shape.content == Content::Json),
            reads: AtomicUsize::new(0),
            unreadable: Mutex::default(),
            undone: Mutex::default(),
            noted: Mutex::default(),
            shows_notes: AtomicBool::new(true),
            samples: Mutex::default(),
            misread: Mutex::default(),
            at: Timestamp::now(),
            origin: Instant::now(),
            asked: Mutex::default(),
            lost: Mutex::default(),
            labels: AtomicBool::new(false),
            admits: AtomicBool::new(false),
            probes: AtomicUsize::new(0),
        }
    }
}

impl Fake {
    /// What happens to the next requests of a key (`k1`), or of a later step of it (`k1/assign`).
    pub(super) fn script(&self, key: &str, script: &[Script]) {
        let mut world = self.world.lock().unwrap();
        world
            .scripts
            .entry(key.to_owned())
            .or_default()
            .extend(script);
    }

    pub(super) fn listing(&self, listing: Listing) {
        self.world.lock().unwrap().listing = listing;
    }

    /// Wants the first create alone until one is obeyed.
    pub(super) fn wants_the_first_alone(&self) {
        self.world.lock().unwrap().alone = true;
    }

    /// Whether creates came together before one was obeyed.
    pub(super) fn was_crowded(&self) -> bool {
        self.world.lock().unwrap().crowded
    }

    /// The id of the ticket of a key.
    pub(super) fn id_of(&self, key: &str) -> String {
        let world = self.world.lock().unwrap();
        let made = world.made.iter().find(|made| made.key == key);
        made.map(|made| made.id.clone()).unwrap()
    }

    /// How often a run looked at the newest tickets.
    pub(super) fn looks(&self) -> usize {
        self.world.lock().unwrap().looks
    }

    /// How often tickets were listed to settle rows or to look for duplicates.
    pub(super) fn listings(&self) -> usize {
        self.world.lock().unwrap().listings
    }

    pub(super) fn visible_after(&self, after: Duration) {
        self.world.lock().unwrap().visible_after = after;
    }

    /// A ticket that somebody made by hand, with the title of that row.
    pub(super) fn by_hand(&self, key: &str) {
        self.make(
            &json!({"key": key, "text": "It is broken", "group": "all"}),
            Duration::ZERO,
        );
    }

    /// Makes a ticket for a row behind the run's back.
    pub(super) fn make_another(&self, n: usize) {
        let text = format!("text\nRef: s/k{n}");
        self.make(
            &json!({"key": format!("k{n}"), "text": text, "group": "all"}),
            Duration::ZERO,
        );
    }

    /// A ticket of that key whose first line quotes the reference of a row, and of which the rest shows or not.
    pub(super) fn make_quoting(&self, key: &str, n: usize, whole: bool) {
        let mut text = format!("{}\nas before", head(&format!("s/k{n}")));
        if whole {
            text.push_str(&format!("\nRef: s/{key}"));
        }
        self.make(
            &json!({"key": key, "text": text, "group": "all"}),
            Duration::ZERO,
        );
    }

    /// Somebody's ticket that ends with the reference of a row.
    pub(super) fn make_ending(&self, n: usize) {
        let text = format!("see below\nRef: s/k{n}");
        self.make(
            &json!({"key": "p0", "text": text, "group": "all"}),
            Duration::ZERO,
        );
    }

    /// A ticket as a row would make it, or with another word in its text.
    pub(super) fn make_sent(&self, input: &Input, n: usize, whole: bool) {
        let item = input.items().nth(n).unwrap().unwrap();
        let Mapped::Ready(ready) = input.map(&item.rows, &RowKey::new(format!("k{n}"))) else {
            unreachable!("the row is good")
        };
        let mut body = ready.steps[0].body.clone();
        if !whole {
            let text = body["text"].as_str().unwrap().replace("before", "ever");
            body["text"] = json!(text);
        }
        self.make(&body, Duration::ZERO);
    }

    /// All tickets that were or will be made, by key.
    pub(super) fn made(&self) -> BTreeMap<String, usize> {
        let mut made = BTreeMap::new();
        for ticket in &self.world.lock().unwrap().made {
            *made.entry(ticket.key.clone()).or_default() += 1;
        }
        made
    }

    /// Somebody else sets something on the ticket of a key.
    pub(super) fn others_set(&self, key: &str) {
        self.world.lock().unwrap().theirs.insert(key.to_owned());
    }

    /// A look at a ticket tells what was done to it.
    pub(super) fn tells(&self) {
        self.world.lock().unwrap().tells = true;
    }

    /// How many tickets were made before anything was done to one of them.
    pub(super) fn made_before_the_first_step(&self) -> Option<usize> {
        self.world.lock().unwrap().made_first
    }

    /// What was done to the ticket of a key, in order: `assign 1`.
    pub(super) fn set(&self, key: &str) -> Vec<String> {
        let world = self.world.lock().unwrap();
        let of = world.set.iter().filter(|(of, ..)| of == key);
        of.map(|(_, call, version)| format!("{call} {version}"))
            .collect()
    }

    /// Somebody else's run does that to the ticket of a key.
    pub(super) fn does(&self, key: &str, call: &str, version: u64) {
        let done = (key.to_owned(), call.to_owned(), version);
        self.world.lock().unwrap().set.push(done);
    }

    /// A request is under way.
    async fn fly(&self, latency: Duration) {
        self.many.lock().unwrap().took_off();
        sleep(latency).await;
        self.many.lock().unwrap().flying -= 1;
    }

    fn next(&self, key: &str) -> Script {
        let mut world = self.world.lock().unwrap();
        let queue = world.scripts.get_mut(key);
        queue.and_then(VecDeque::pop_front).unwrap_or(Script::Make)
    }

    fn make(&self, body: &Value, after: Duration) -> Ticket {
        let mut world = self.world.lock().unwrap();
        let id = format!("id{}", world.made.len());
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        world.made.push(Made {
            id: id.clone(),
            key: text("key"),
            text: text("text"),
            group: text("group"),
            commits: Instant::now() + after,
        });
        Ticket {
            id,
            ..Ticket::default()
        }
    }
}

#[async_trait]
impl System for Fake {
    fn schema(&self) -> &dyn Schema {
        &self.schema
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
        Err(Error::usage("not in this test"))
    }

    async fn admits(&self, permit: &dyn Permit) -> bool {
        permit.permit().await;
        self.probes.fetch_add(1, Ordering::Relaxed);
        self.admits.load(Ordering::Relaxed)
    }

    async fn perform(&self, call: Call<'_>, way: &mut Way) -> Answered {
        // What acts on a ticket that is there has the ticket's name for a key.
        let ticket = call.ticket.map(|ticket| ticket.id.as_str());
        let key = call.body["key"].as_str().or(ticket).unwrap();
        let creates = call.step == CREATE;
        assert_eq!(creates, call.ticket.is_none());
        if let Some(next) = call.body.get("next") {
            let is_made = next.as_str().is_some_and(|next| next.starts_with("id"));
            assert!(is_made, "no ticket is named: {next}");
        }
        let name = if creates {
            key.to_owned()
        } else {
            format!("{key}/{}", call.step)
        };
        let latency = Duration::from_millis(20);
        let doubt = |what: &str| Outcome::InDoubt(what.to_owned());
        // What is made is made before the answer is awaited: a process that dies meanwhile changes nothing.
        let make = |after: Duration| {
            if creates {
                self.make(call.body, after)
            } else {
                let version = call.body["version"].as_u64().unwrap_or_default();
                let done = (key.to_owned(), call.step.to_owned(), version);
                let mut world = self.world.lock().unwrap();
                let made = world.made.len();
                world.made_first.get_or_insert(made);
                world.set.push(done);
                Ticket::default()
            }
        };
        let script = self.next(&name);
        let outcome = match script {
            Script::Make | Script::Spent(_) => Outcome::Done(make(Duration::ZERO)),
            Script::Twice => {
                let first = make(Duration::ZERO);
                make(Duration::ZERO);
                Outcome::Done(first)
            }
            Script::Lost => {
                make(Duration::ZERO);
                doubt("the connection was lost")
            }
            Script::NeverCame => doubt("timed out"),
            Script::Late(seconds) => {
                make(Duration::from_secs(seconds));
                doubt("timed out")
            }
            Script::Refuse | Script::RefuseMade => {
                if matches!(script, Script::RefuseMade) {
                    make(Duration::ZERO);
                }
                Outcome::Rejected(Refusal {
                    status: 400,
                    message: "no".to_owned(),
                    fields: Vec::new(),
                })
            }
            Script::Throttle(seconds) => Outcome::Throttled(seconds.map(Duration::from_secs)),
            Script::Unsent => Outcome::Unsent("connection refused".to_owned()),
            Script::Deny => Outcome::Denied("token revoked".to_owned()),
            Script::Forbid(status) => forbidden(status),
            Script::Reads => {
                let next = Next {
                    method: reqwest::Method::POST,
                    path: String::new(),
                    body: None,
                    before: None,
                };
                way.further(next, None).outcome
            }
            Script::Says(made, status) => {
                if made {
                    make(Duration::ZERO);
                }
                says(status)
            }
            Script::Replays(n) => {
                make(Duration::ZERO);
                Outcome::Done(Ticket {
                    id: self.id_of(&format!("k{n}")),
                    ..Ticket::default()
                })
            }
            Script::Mistaken(n) => Outcome::Done(Ticket {
                id: self.id_of(&format!("k{n}")),
                ..Ticket::default()
            }),
            Script::Noted(_) => unreachable!("only a rollback writes notes"),
        };
        let shape = match (script, &outcome) {
            (Script::Says(_, 204), _) if !creates => Some((204, Content::Empty)),
            (_, Outcome::InDoubt(_)) => None,
            (Script::Says(_, status), _) => Some((status, Content::Html)),
            (Script::Refuse | Script::RefuseMade, _) => Some((400, Content::Json)),
            (Script::Throttle(_), _) => Some((429, Content::Json)),
            (Script::Deny, _) => Some((407, Content::Json)),
            (Script::Forbid(status), _) => Some((status, Content::Json)),
            _ => None,
        };
        let shape = shape.map(|(status, content)| Shape {
            content,
            ..page(call.step, status)
        });
        let title = match &outcome {
            Outcome::Done(ticket) if creates => {
                let world = self.world.lock().unwrap();
                let made = world.made.iter().find(|made| made.id == ticket.id);
                let label = match self.labels.load(Ordering::Relaxed) {
                    true => "[desk] ",
                    false => "",
                };
                made.map(|made| format!("{label}Row {}", made.key))
            }
            _ => None,
        };
        if creates {
            let mut world = self.world.lock().unwrap();
            world.creating += 1;
            world.crowded |= world.alone && world.creating > 1;
        }
        self.fly(latency).await;
        if creates {
            let mut world = self.world.lock().unwrap();
            world.creating -= 1;
            world.alone &= !matches!(outcome, Outcome::Done(_));
        }
        Answered {
            outcome,
            spent: match script {
                Script::Spent(seconds) => Some(Duration::from_secs(seconds)),
                _ => None,
            },
            shape,
            title,
        }
    }

    async fn perform_bulk(&self, call: BulkCall<'_>) -> Answered {
        let answered = self.many.lock().unwrap().perform(call);
        self.fly(Duration::from_millis(20)).await;
        answered
    }

    async fn shown(&self, call: BulkCall<'_>, _: bool, permit: &dyn Permit) -> Result<Vec<bool>> {
        permit.permit().await;
        self.fly(Duration::from_millis(20)).await;
        Ok(self.many.lock().unwrap().shown(call))
    }

    fn wants_first_alone(&self) -> bool {
        self.world.lock().unwrap().alone
    }

    async fn list_newest(
        &self,
        since: Timestamp,
        pages: u32,
        permit: &dyn Permit,
        page: &mut (dyn FnMut(Vec<Listed>) + Send),
    ) -> Result<bool> {
        let after = since.duration_since(self.at + self.account.clock_offset);
        let since_then = |made: &&Made| {
            let at = made.commits.saturating_duration_since(self.origin);
            SignedDuration::try_from(at).unwrap() >= after
        };
        let newer = self
            .world
            .lock()
            .unwrap()
            .made
            .iter()
            .filter(since_then)
            .count();
        self.asked.lock().unwrap().push((newer, pages));
        let day = SignedDuration::from_hours(24);
        let window = Window {
            from: since,
            to: since + day,
        };
        let listed = self.list_created(window, permit, page).await;
        let mut world = self.world.lock().unwrap();
        world.listings -= 1;
        world.looks += 1;
        Ok(listed?.is_whole())
    }

    async fn list_created(
        &self,
        window: Window,
        permit: &dyn Permit,
        page: &mut (dyn FnMut(Vec<Listed>) + Send),
    ) -> Result<ListingEnd> {
        permit.permit().await;
        assert!(window.from < window.to);
        let mut world = self.world.lock().unwrap();
        world.listings += 1;
        if world.listing == Listing::Failing {
            return Err(Error::new(ErrorKind::System, "500"));
        }
        let now = Instant::now();
        let noted = self.noted.lock().unwrap();
        let shows = self.shows_notes.load(Ordering::Relaxed);
        let seen = world
            .made
            .iter()
            .filter(|made| made.commits + world.visible_after <= now)
            .filter(|_| world.listing != Listing::Empty)
            .enumerate()
            .map(|(at, made)| Listed {
                ticket: Ticket {
                    id: made.id.clone(),
                    ..Ticket::default()
                },
                created_at: None,
                group: made.group.clone(),
                text: match world.listing {
                    Listing::Hidden => None,
                    Listing::HalfHidden if at % 2 == 1 => None,
                    _ => Some(made.text.clone()),
                },
                custom: Vec::new(),
                updated_at: None,
                standing: Standing::Open,
                is_taken_back: false,
                noted_at: (shows && noted.contains(&made.id)).then_some(self.at),
                traits: vec![(TITLE, format!("Row {}", made.key))],
            });
        page(seen.collect());
        Ok(ListingEnd {
            gap: (world.listing == Listing::Partial).then_some(Gap::Short),
            pages: 1,
        })
    }

    async fn verify_step(
        &self,
        call: Call<'_>,
        beside: Beside<'_>,
        _: SentAt,
        _: &dyn Permit,
    ) -> Result<Sighting> {
        let world = self.world.lock().unwrap();
        let key = call.body["key"].as_str().unwrap_or_default();
        if beside.resumed.is_some() && world.theirs.contains(key) {
            return Ok(Sighting::Unclear("others have set something".to_owned()));
        }
        // Nobody has changed the ticket: what it does not show is sent.
        if !world.tells && beside.resumed.is_some() {
            return Ok(Sighting::Absent);
        }
        if !world.tells {
            return Ok(Sighting::Unclear("the fake cannot tell".to_owned()));
        }
        let is_it =
            |(key, done, _): &(String, String, u64)| call.body["key"] == **key && done == call.step;
        let ticket = call.ticket.map(|ticket| ticket.id.as_str());
        let many = self.many.lock().unwrap();
        let in_bulk = many.has(
            ticket.unwrap_or_default(),
            call.step,
            &call.body.to_string(),
        );
        Ok(match in_bulk || world.set.iter().any(is_it) {
            true => Sighting::Done,
            false => Sighting::Absent,
        })
    }

    async fn find_ticket(&self, name: &str, _: &dyn Permit) -> Result<Option<Ticket>> {
        if let Some((_, kind)) = self.lost.lock().unwrap().iter().find(|(id, _)| id == name) {
            return Err(Error::new(*kind, "it may have been merged"));
        }
        Ok(Some(Ticket {
            id: name.to_owned(),
            ..Ticket::default()
        }))
    }

    async fn read_ticket(&self, id: &str, _: &dyn Permit) -> Result<Reading> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.unreadable.lock().unwrap().iter().any(|it| it == id) {
            return Ok(Reading::Absent);
        }
        let world = self.world.lock().unwrap();
        let found = world.made.iter().find(|made| made.id == id);
        let is_among = |ids: &Mutex<Vec<String>>| ids.lock().unwrap().iter().any(|it| it == id);
        let is_undone = is_among(&self.undone);
        let is_noted = is_among(&self.noted);
        if is_among(&self.misread) && (is_undone || is_noted) {
            return Ok(Reading::Another("it was answered with another".to_owned()));
        }
        let later = self.at + SignedDuration::from_secs(60);
        let shows = is_noted && self.shows_notes.load(Ordering::Relaxed);
        Ok(found.map_or(Reading::Absent, |made| {
            Reading::Found(Box::new(Listed {
                ticket: Ticket {
                    id: made.id.clone(),
                    ..Ticket::default()
                },
                created_at: Some(self.at),
                group: made.group.clone(),
                text: Some(made.text.clone()),
                custom: Vec::new(),
                updated_at: Some(if is_noted { later } else { self.at }),
                standing: match is_undone {
                    true => Standing::Gone,
                    false => Standing::Open,
                },
                is_taken_back: false,
                noted_at: shows.then_some(later),
                traits: vec![(TITLE, format!("Row {}", made.key))],
            }))
        }))
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
        Ok(self.samples.lock().unwrap().clone())
    }

    fn undoing(&self) -> &'static str {
        "does nothing"
    }

    fn is_undone(&self, listed: &Listed) -> bool {
        listed.standing == Standing::Gone
    }

    fn undoes_in_parts(&self) -> bool {
        true
    }

    /// As its script says, by `undo/` and the id.
    async fn undo(&self, ticket: &Ticket, _: &str, noted: bool) -> Answered {
        let script = self.next(&format!("undo/{}", ticket.id));
        let is_done = !matches!(
            script,
            Script::Says(false, _) | Script::NeverCame | Script::Unsent | Script::Noted(_)
        );
        if is_done {
            self.undone.lock().unwrap().push(ticket.id.clone());
        }
        match script {
            Script::Lost | Script::NeverCame => {
                return Outcome::InDoubt("the answer was lost".to_owned()).into();
            }
            Script::Unsent => return Outcome::Unsent("connection refused".to_owned()).into(),
            Script::Noted(answered) => {
                assert!(!noted, "the note goes twice");
                self.noted.lock().unwrap().push(ticket.id.clone());
                return match answered {
                    true => Outcome::Further.into(),
                    false => Outcome::InDoubt("the answer was lost".to_owned()).into(),
                };
            }
            _ => {}
        }
        let Script::Says(_, status) = script else {
            return Outcome::Done(ticket.clone()).into();
        };
        let shape = Shape {
            call: "delete".to_owned(),
            http: status,
            status,
            content: Content::Html,
            members: Vec::new(),
        };
        let outcome = match status {
            302 => Outcome::Denied(format!("{status}")),
            401 | 403 => forbidden(status),
            status => Outcome::Rejected(Refusal {
                status,
                message: "a filter says no".to_owned(),
                fields: Vec::new(),
            }),
        };
        Answered {
            shape: Some(shape),
            ..outcome.into()
        }
    }
}

#[derive(Debug)]
pub(super) struct FakeSchema;

impl Schema for FakeSchema {
    fn system(&self) -> SystemName {
        SystemName::ClearFeed
    }

    fn dialect(&self) -> Dialect {
        Dialect::Only
    }

    fn fields(&self, _: Operation) -> std::result::Result<&FieldTable, &'static str> {
        unreachable!("the engine knows no fields")
    }

    fn create(&self) -> &FieldTable {
        unreachable!("the engine asks for no fields")
    }

    fn compose(
        &self,
        _: Operation,
        _: Vec<FieldValue>,
        _: bool,
    ) -> std::result::Result<Vec<StepPayload>, Vec<(String, String)>> {
        unreachable!("the engine composes nothing")
    }

    fn unforeseen(&self, _: &[&str]) -> Vec<&'static str> {
        Vec::new()
    }

    fn is_repeatable(&self, step: &str) -> bool {
        ["assign", "label"].contains(&step)
    }

    fn cannot_silence(&self) -> Option<&'static str> {
        None
    }

    fn bulk(&self) -> Option<Bulk> {
        Some(Bulk {
            most: 100,
            operations: &[Operation::Assign],
        })
    }

    fn bulk_call(&self, call: &str, _: &Value) -> Option<&'static str> {
        ["assign", "close"].into_iter().find(|name| *name == call)
    }

    fn looks(&self, call: &str, body: &Value) -> Looks {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        if call == "comment" {
            return Looks {
                traits: vec![(KIND, PUBLIC.to_owned())],
                text: format!("The printer works again, says {}", text("key")),
            };
        }
        if call != CREATE {
            return Looks::default();
        }
        Looks {
            traits: vec![(TITLE, format!("Row {}", text("key")))],
            text: text("text"),
        }
    }

    fn invalid_create(&self, _: &str, _: &str) -> Value {
        unreachable!("a run sends nothing invalid")
    }

    fn group(&self, body: &Value) -> String {
        body["group"].as_str().unwrap_or_default().to_owned()
    }
}

/// An input of so many rows with the keys `k0`, `k1`…, and the mapping of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Input {
    count: usize,
    step: Option<&'static str>,
    /// How often the step follows; 0 is once.
    times: u32,
    changed: bool,
    fixed: Option<usize>,
    faulty: Option<usize>,
    alone: Option<usize>,
    no_marker: bool,
    quotes: Option<(usize, usize)>,
    quotes_long: Option<(usize, usize)>,
    long: Option<usize>,
    upserts: bool,
    once: bool,
    acts: Option<&'static str>,
    values: usize,
    only: Option<Vec<usize>>,
    /// Whether each row names the ticket of the next, the last that of the first.
    tied: bool,
}

impl Input {
    pub(super) fn new(count: usize) -> Self {
        Self {
            count,
            ..Self::default()
        }
    }

    pub(super) fn with_step(self, step: &'static str) -> Self {
        Self {
            step: Some(step),
            ..self
        }
    }

    pub(super) fn with_steps(self, step: &'static str, times: u32) -> Self {
        Self {
            times,
            ..self.with_step(step)
        }
    }

    /// What is there is acted on by that call, which sets one of so many values.
    pub(super) fn acting(self, call: &'static str, values: usize) -> Self {
        Self {
            acts: Some(call),
            values,
            ..self
        }
    }

    /// What is made before is updated: by one call that says the version, and by one that always says the same.
    pub(super) fn upserting(self) -> Self {
        Self {
            upserts: true,
            ..self
        }
    }

    /// The version is what only a create sets.
    pub(super) fn setting_once(self) -> Self {
        Self { once: true, ..self }
    }

    /// Every row has another content.
    pub(super) fn changed(self) -> Self {
        Self {
            changed: true,
            ..self
        }
    }

    /// One row has another content.
    pub(super) fn fixed(self, n: usize) -> Self {
        Self {
            fixed: Some(n),
            ..self
        }
    }

    pub(super) fn faulty(self, n: usize) -> Self {
        Self {
            faulty: Some(n),
            ..self
        }
    }

    pub(super) fn alone_in_its_group(self, n: usize) -> Self {
        Self {
            alone: Some(n),
            ..self
        }
    }

    pub(super) fn without_marker(self) -> Self {
        Self {
            no_marker: true,
            ..self
        }
    }

    /// One row's own text holds the reference of another row.
    pub(super) fn quoting(self, n: usize, other: usize) -> Self {
        Self {
            quotes: Some((n, other)),
            ..self
        }
    }

    /// Each row names the ticket of the next.
    pub(super) fn tied(self) -> Self {
        Self { tied: true, ..self }
    }

    /// One row's own text begins with the first line of another row, which has a long one.
    pub(super) fn quoting_long(self, n: usize, other: usize) -> Self {
        Self {
            quotes_long: Some((n, other)),
            ..self
        }
    }

    /// One row has a long description.
    pub(super) fn long(self, n: usize) -> Self {
        Self {
            long: Some(n),
            ..self
        }
    }

    /// Only these rows of it.
    pub(super) fn only(self, rows: &[usize]) -> Self {
        Self {
            only: Some(rows.to_vec()),
            ..self
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.only.as_ref().map_or(self.count, Vec::len) as u64
    }

    fn version(&self, n: usize) -> u8 {
        u8::from(self.changed || self.fixed == Some(n))
    }

    pub(super) fn keys(&self, each: &mut dyn FnMut(RowKey)) -> Result<()> {
        for item in self.items() {
            if let Subject::Keyed(key) = item?.subject {
                each(key);
            }
        }
        Ok(())
    }

    pub(super) fn items(&self) -> Box<dyn Iterator<Item = Result<Item>> + Send + '_> {
        let takes = |n: &usize| self.only.as_ref().is_none_or(|only| only.contains(n));
        Box::new((0..self.count).filter(takes).map(|n| {
            let place = Place {
                file: "t.csv".into(),
                sheet: None,
                row: n as u64 + 2,
            };
            Ok(Item {
                ordinal: n as u64,
                rows: vec![Record {
                    place,
                    table: 0,
                    cells: vec![Cell::Integer(n as i64)],
                }],
                subject: Subject::Keyed(RowKey::new(format!("k{n}"))),
                absent: Vec::new(),
            })
        }))
    }
}

impl MapRows for Input {
    fn ties(&self) -> bool {
        self.tied
    }

    fn acting(&self) -> Option<Acting> {
        self.acts.map(|call| Acting {
            operation: Operation::parse(call).unwrap(),
            scope: None,
        })
    }

    fn target(&self, rows: &[Record]) -> std::result::Result<TicketName, Vec<Fault>> {
        let Cell::Integer(n) = rows[0].cells[0] else {
            unreachable!("the rows are made above")
        };
        Ok(TicketName::Named(format!("t{n}")))
    }

    fn upserts(&self) -> bool {
        self.upserts
    }

    fn sets_once(&self) -> bool {
        self.once
    }

    fn marks(&self) -> bool {
        !self.no_marker
    }

    fn is_repeatable(&self, call: &str) -> bool {
        FakeSchema.is_repeatable(call)
    }

    fn content(&self, rows: &[Record]) -> Digest {
        let Cell::Integer(n) = rows[0].cells[0] else {
            unreachable!("the rows are made above")
        };
        // All zeros mean that nobody knows the content.
        let mut content = [self.version(n as usize) + 1; 16];
        content[..8].copy_from_slice(&n.to_le_bytes());
        content
    }

    fn map(&self, rows: &[Record], key: &RowKey) -> Mapped {
        let Cell::Integer(n) = rows[0].cells[0] else {
            unreachable!("the rows are made above")
        };
        let n = n as usize;
        if self.faulty == Some(n) {
            return Mapped::Faults(vec![Fault::row(rows[0].place.clone(), "is wrong")]);
        }
        if let Some(call) = self.acts {
            return Mapped::Ready(Ready {
                updates: Vec::new(),
                steps: vec![StepPayload {
                    step: call.into(),
                    ordinal: 0,
                    body: json!({"to": n % self.values}),
                }],
                fallbacks: Vec::new(),
                reference: None,
            });
        }
        let reference = (!self.no_marker).then(|| format!("s/{key}"));
        let text = reference
            .as_ref()
            .map_or_else(String::new, |reference| format!("text\nRef: {reference}"));
        let text = match self.quotes {
            Some((quoting, other)) if quoting == n => format!("Ref: s/k{other}\n{text}"),
            _ => text,
        };
        let text = match self.quotes_long {
            Some((quoting, other)) if quoting == n => {
                format!("{}\nas before\n{text}", head(&format!("s/k{other}")))
            }
            _ => text,
        };
        let text = match self.long == Some(n) {
            true => format!(
                "{}\n\n{}\n{text}",
                head(&format!("s/k{n}")),
                "long ".repeat(400)
            ),
            false => text,
        };
        let body = json!({
            "key": key.as_str(),
            "text": text,
            "version": self.version(n),
            "group": if self.alone == Some(n) { "alone" } else { "all" },
        });
        let step = |step: &'static str| StepPayload {
            step: step.into(),
            ordinal: 0,
            body: body.clone(),
        };
        let mut steps = vec![step(CREATE)];
        for ordinal in 0..self.times.max(1) {
            let step = self.step.map(step);
            steps.extend(step.map(|step| StepPayload { ordinal, ..step }));
        }
        if self.tied {
            let next = keyed(&format!("k{}", (n + 1) % self.count));
            steps.push(StepPayload {
                step: "tie/assign".into(),
                ordinal: 0,
                body: json!({"key": key.as_str(), "next": next, "version": 0}),
            });
        }
        let update = |call: &str, body: Value| StepPayload {
            step: update_step(call).into(),
            ordinal: 0,
            body,
        };
        let mut updates = Vec::new();
        if self.upserts {
            if !self.once {
                let body = json!({"key": key.as_str(), "version": self.version(n)});
                updates.push(update("assign", body));
            }
            updates.push(update("label", json!({"key": key.as_str()})));
        }
        Mapped::Ready(Ready {
            updates,
            steps,
            fallbacks: Vec::new(),
            reference,
        })
    }
}
