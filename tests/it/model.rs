//! A model of the delivery protocol (docs/delivery.md), explored whole: one row, a client that may die at every step,
//! its ledger, and a system that commits, answers and shows when it likes within the one assumption. Under all rules
//! no state is reachable in which the row is doubled or lost; each rule that is taken away makes one reachable.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;

/// No request commits later than so many ticks after it was sent.
const COMMIT_WITHIN: u8 = 3;
/// No ticket stays invisible for more ticks than this.
const VISIBLE_WITHIN: u8 = 2;
/// After so many attempts settled as absent the row is rejected.
const MOST_ABSENT: u8 = 3;
/// How often a process dies.
const MOST_DEATHS: u8 = 3;

/// The rules of the protocol, in the order of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// The intent is durable before the request leaves.
    IntentFirst,
    /// An answer that says nothing leaves a doubt, and is no reason to send again.
    UnclearIsDoubt,
    /// Only an intent whose request never left is taken back.
    OnlyTheUnsentIsWithdrawn,
    /// A row in doubt is looked up before it is sent again.
    LookFirst,
    /// Not before the latest commit.
    WaitForTheCommit,
    /// Nor before what was committed must show.
    WaitForTheListing,
    /// After a restart the whole wait runs from its beginning.
    WaitAfterRestart,
    /// Every hit is checked again for its marker: filters may be ignored.
    CheckEveryHit,
    /// A ticket that the ledger holds for another row is no hit.
    HeldIsNoHit,
    /// Not found counts only where another ticket was found by its marker.
    Control,
    /// Not found counts only in a listing that is whole.
    Whole,
    /// One run at a time.
    OneRun,
}

const RULES: [Rule; 12] = [
    Rule::IntentFirst,
    Rule::UnclearIsDoubt,
    Rule::OnlyTheUnsentIsWithdrawn,
    Rule::LookFirst,
    Rule::WaitForTheCommit,
    Rule::WaitForTheListing,
    Rule::WaitAfterRestart,
    Rule::CheckEveryHit,
    Rule::HeldIsNoHit,
    Rule::Control,
    Rule::Whole,
    Rule::OneRun,
];

/// What is durable about the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Ledger {
    Pending,
    Sending { absent: u8 },
    InDoubt { absent: u8 },
    Done,
    Rejected,
}

/// What a process is about to do; all of it is gone when it dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    /// No process.
    None,
    Start,
    Intend {
        absent: u8,
    },
    Send {
        absent: u8,
    },
    /// The request has left; which one.
    Await {
        absent: u8,
        request: u8,
    },
    /// It was done, and the ledger does not know.
    Learned,
    Refused,
    Doubt {
        absent: u8,
        wait: u8,
    },
    /// It ends and leaves the row as the ledger has it.
    End,
}

/// A request on its way, by its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Request {
    Flying(u8),
    Obeyed,
    Dropped,
}

/// A committed ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Ticket {
    age: u8,
    visible: bool,
}

/// How a listing is answered.
#[derive(Debug, Clone, Copy)]
enum Listing {
    Good,
    /// The texts are not shown.
    Hidden,
    /// Rows are missing, others are there, and the system counts more than it shows.
    Partial,
    /// The filter is ignored: the tickets of others come too.
    Unfiltered,
    /// The ticket of another row, held by the ledger, quotes our reference.
    Quoted,
}

const LISTINGS: [Listing; 5] = [
    Listing::Good,
    Listing::Hidden,
    Listing::Partial,
    Listing::Unfiltered,
    Listing::Quoted,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    ledger: Ledger,
    clients: [Client; 2],
    requests: Vec<Request>,
    tickets: Vec<Ticket>,
    deaths: u8,
}

impl World {
    fn first() -> Self {
        Self {
            ledger: Ledger::Pending,
            clients: [Client::None; 2],
            requests: Vec::new(),
            tickets: Vec::new(),
            deaths: 0,
        }
    }

    /// What is wrong with it.
    fn wrong(&self) -> Option<&'static str> {
        match (self.tickets.len(), self.ledger) {
            (2.., _) => Some("doubled"),
            (0, Ledger::Done) => Some("lost: it counts as done and there is no ticket"),
            (1, Ledger::Rejected) => Some("it counts as rejected and there is a ticket"),
            _ => None,
        }
    }

    fn is_settled(&self) -> bool {
        matches!(self.ledger, Ledger::Done | Ledger::Rejected)
    }

    /// Time passes: what the assumption says must be over by now is over.
    fn tick(&self) -> Self {
        let mut next = self.clone();
        for request in &mut next.requests {
            *request = match *request {
                Request::Flying(age) if age < COMMIT_WITHIN => Request::Flying(age + 1),
                Request::Flying(_) => Request::Dropped,
                other => other,
            };
        }
        for ticket in &mut next.tickets {
            ticket.age = (ticket.age + 1).min(VISIBLE_WITHIN);
            ticket.visible |= ticket.age == VISIBLE_WITHIN;
        }
        for client in &mut next.clients {
            if let Client::Doubt { wait, .. } = client {
                *wait = wait.saturating_sub(1);
            }
        }
        next
    }
}

struct Model {
    missing: Option<Rule>,
}

impl Model {
    fn keeps(&self, rule: Rule) -> bool {
        self.missing != Some(rule)
    }

    fn wait(&self) -> u8 {
        let commit = if self.keeps(Rule::WaitForTheCommit) {
            COMMIT_WITHIN
        } else {
            0
        };
        let visible = if self.keeps(Rule::WaitForTheListing) {
            VISIBLE_WITHIN
        } else {
            0
        };
        commit + visible
    }

    /// Everything that can happen next.
    fn next(&self, world: &World) -> Vec<(String, World)> {
        let mut all = vec![("time passes".to_owned(), world.tick())];
        self.system(world, &mut all);
        for n in 0..world.clients.len() {
            self.process(world, n, &mut all);
        }
        all
    }

    fn system(&self, world: &World, all: &mut Vec<(String, World)>) {
        for (n, request) in world.requests.iter().enumerate() {
            if let Request::Flying(_) = request {
                let mut obeyed = world.clone();
                obeyed.requests[n] = Request::Obeyed;
                obeyed.tickets.push(Ticket {
                    age: 0,
                    visible: false,
                });
                all.push((format!("the system commits request {n}"), obeyed));
                let mut dropped = world.clone();
                dropped.requests[n] = Request::Dropped;
                all.push((format!("request {n} comes to nothing"), dropped));
            }
        }
        for (n, ticket) in world.tickets.iter().enumerate() {
            if !ticket.visible {
                let mut shown = world.clone();
                shown.tickets[n].visible = true;
                all.push((format!("ticket {n} shows"), shown));
            }
        }
    }

    fn process(&self, world: &World, n: usize, all: &mut Vec<(String, World)>) {
        let client = world.clients[n];
        if let Client::Send { absent } = client {
            let request = world.requests.len() as u8;
            let mut next = world.clone();
            next.requests.push(Request::Flying(0));
            next.clients[n] = Client::Await { absent, request };
            all.push((format!("run {n} sends request {request}"), next));
        }
        let mut put = |what: &str, client: Client, ledger: Ledger| {
            let mut next = world.clone();
            next.clients[n] = client;
            next.ledger = ledger;
            all.push((format!("run {n} {what}"), next));
        };
        let ledger = world.ledger;
        match client {
            Client::None => {
                let other = world.clients[1 - n];
                let may = other == Client::None || (n == 1 && !self.keeps(Rule::OneRun));
                if may && !world.is_settled() && (n == 0 || other != Client::None) {
                    put("starts", Client::Start, ledger);
                }
                return;
            }
            Client::Start => self.start(ledger, &mut put),
            Client::Intend { absent } => match ledger {
                Ledger::Done => put("hears that it is done", Client::End, ledger),
                _ if self.keeps(Rule::IntentFirst) => {
                    put(
                        "writes the intent",
                        Client::Send { absent },
                        Ledger::Sending { absent },
                    );
                }
                _ => put("writes no intent", Client::Send { absent }, ledger),
            },
            Client::Send { .. } => {}
            Client::Await { absent, request } => {
                self.answers(world, absent, request, &mut put);
                if !self.keeps(Rule::OnlyTheUnsentIsWithdrawn) {
                    put(
                        "is interrupted and takes the intent back",
                        Client::None,
                        Ledger::Pending,
                    );
                }
            }
            Client::Learned => put("writes that it is done", Client::End, Ledger::Done),
            Client::Refused => put("writes that it is refused", Client::End, Ledger::Rejected),
            Client::Doubt { absent, wait: 0 } => self.settle(world, absent, &mut put),
            Client::Doubt { .. } => {}
            Client::End => put("ends", Client::None, ledger),
        }
        if world.deaths < MOST_DEATHS && client != Client::End {
            put("dies", Client::None, ledger);
            if let Some((_, next)) = all.last_mut() {
                next.deaths += 1;
            }
        }
    }

    fn start(&self, ledger: Ledger, put: &mut impl FnMut(&str, Client, Ledger)) {
        match ledger {
            Ledger::Pending => put("takes the row up", Client::Intend { absent: 0 }, ledger),
            Ledger::Sending { absent } | Ledger::InDoubt { absent } => {
                // Without the rule the time of the intent counts, by a clock that may have been set.
                let wait = if self.keeps(Rule::WaitAfterRestart) {
                    self.wait()
                } else {
                    0
                };
                put("finds it in doubt", Client::Doubt { absent, wait }, ledger);
            }
            Ledger::Done | Ledger::Rejected => put("skips the row", Client::End, ledger),
        }
    }

    /// What the process may hear of its request.
    fn answers(
        &self,
        world: &World,
        absent: u8,
        request: u8,
        put: &mut impl FnMut(&str, Client, Ledger),
    ) {
        let ledger = world.ledger;
        match world.requests[usize::from(request)] {
            Request::Obeyed => put("hears that it is done", Client::Learned, ledger),
            Request::Dropped => put("hears that it is refused", Client::Refused, ledger),
            Request::Flying(_) => {}
        }
        if self.keeps(Rule::UnclearIsDoubt) {
            let wait = self.wait();
            put(
                "hears nothing clear",
                Client::Doubt {
                    absent: absent + 1,
                    wait,
                },
                Ledger::InDoubt { absent },
            );
        } else {
            put(
                "hears nothing clear, and tries again",
                Client::Intend { absent },
                ledger,
            );
        }
    }

    /// Looks the row up and decides.
    fn settle(&self, world: &World, absent: u8, put: &mut impl FnMut(&str, Client, Ledger)) {
        let ledger = world.ledger;
        if !self.keeps(Rule::LookFirst) {
            return put("sends it again", Client::Intend { absent }, ledger);
        }
        let visible = world.tickets.iter().any(|ticket| ticket.visible);
        for listing in LISTINGS {
            let shown = visible && !matches!(listing, Listing::Hidden | Listing::Partial);
            let found = match listing {
                Listing::Unfiltered => shown || !self.keeps(Rule::CheckEveryHit),
                Listing::Quoted => shown || !self.keeps(Rule::HeldIsNoHit),
                _ => shown,
            };
            let counts = match listing {
                Listing::Hidden => !self.keeps(Rule::Control),
                Listing::Partial => !self.keeps(Rule::Whole),
                _ => true,
            };
            let what = format!("lists ({listing:?}) and ");
            match (found, counts) {
                (true, _) => put(&format!("{what}finds it"), Client::End, Ledger::Done),
                (false, true) if absent >= MOST_ABSENT => {
                    put(&format!("{what}gives it up"), Client::End, Ledger::Rejected);
                }
                (false, true) => {
                    put(
                        &format!("{what}finds nothing"),
                        Client::Intend { absent },
                        ledger,
                    );
                }
                (false, false) => {
                    let stays = Ledger::InDoubt { absent };
                    put(&format!("{what}learns nothing"), Client::End, stays);
                }
            }
        }
    }

    /// Explores everything that can happen: how many states there are, or how a wrong one is reached.
    fn explore(&self) -> Result<usize, String> {
        let first = World::first();
        let mut from: HashMap<World, Option<(World, String)>> =
            HashMap::from([(first.clone(), None)]);
        let mut queue = VecDeque::from([first]);
        let mut before: HashMap<World, Vec<World>> = HashMap::new();
        while let Some(world) = queue.pop_front() {
            if let Some(wrong) = world.wrong() {
                return Err(story(&from, &world, wrong));
            }
            for (what, next) in self.next(&world) {
                before.entry(next.clone()).or_default().push(world.clone());
                if !from.contains_key(&next) {
                    from.insert(next.clone(), Some((world.clone(), what)));
                    queue.push_back(next);
                }
            }
        }
        // From everywhere the row can still come to an end: nothing is stuck.
        let mut ends: VecDeque<World> = from.keys().filter(|w| w.is_settled()).cloned().collect();
        let mut can_end: std::collections::HashSet<World> = ends.iter().cloned().collect();
        while let Some(world) = ends.pop_front() {
            for earlier in before.get(&world).into_iter().flatten() {
                if can_end.insert(earlier.clone()) {
                    ends.push_back(earlier.clone());
                }
            }
        }
        match from.keys().find(|world| !can_end.contains(*world)) {
            Some(stuck) => Err(story(&from, stuck, "it never comes to an end")),
            None => Ok(from.len()),
        }
    }
}

fn story(from: &HashMap<World, Option<(World, String)>>, end: &World, wrong: &str) -> String {
    let mut steps = Vec::new();
    let mut at = end;
    while let Some(Some((earlier, what))) = from.get(at) {
        steps.push(what.as_str());
        at = earlier;
    }
    let mut text = String::new();
    for step in steps.iter().rev() {
        writeln!(text, "  {step}").unwrap();
    }
    writeln!(text, "  = {wrong}").unwrap();
    text
}

#[test]
fn under_all_rules_no_row_is_doubled_lost_or_stuck() {
    let states = Model { missing: None }
        .explore()
        .unwrap_or_else(|story| panic!("\n{story}"));
    eprintln!("{states} states");
    assert!(states > 4_000, "{states}");
}

#[test]
fn each_rule_that_is_taken_away_is_missed() {
    for rule in RULES {
        match (Model {
            missing: Some(rule),
        })
        .explore()
        {
            Err(story) => eprintln!("without {rule:?}:\n{story}"),
            Ok(states) => panic!("{rule:?} is not needed: {states} states without a fault"),
        }
    }
}
