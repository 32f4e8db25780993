//! The protocol of the delivery as a small machine: one row, or one comment of it, a client that may die, its ledger,
//! and a desk that obeys, answers and lists as it likes. The client knows no choice: what happens next is a [`Move`] of
//! the desk, of the network, or of the person who starts runs. So a trace is a script, which the real engine can follow.

use std::fmt;

use super::decide::{Decision, Soft, Verdict};

/// After so many ticks nothing that was sent is obeyed any more; a tick is 30 s.
pub(super) const COMMIT_WITHIN: u8 = 2;
/// After so many ticks what was obeyed is listed.
pub(super) const VISIBLE_WITHIN: u8 = 1;
/// When a desk obeys that breaks the assumption about its latest commit.
pub(super) const TOO_LATE: u8 = 5;
/// After so many attempts settled as absent the row is rejected.
const MOST_ABSENT: u8 = 3;
/// After so many rows that were refused in a shape and looked up, the shape is proven.
const ENOUGH: u8 = 3;

/// The rules of the protocol, in the order of docs/delivery.md. Each says what is believed without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rule {
    /// The intent is durable before the request leaves; else a crash leaves no trace.
    IntentFirst,
    /// An answer that says nothing leaves a doubt; else it is a reason to send again.
    UnclearIsDoubt,
    /// 202 names nothing that was made; else it is a creation.
    AcceptedIsDoubt,
    /// A refusal counts in a proven shape alone; else its status is proof.
    ProvenShape,
    /// What was sent and is not done is looked up before it goes again; else `runs retry` sends it.
    LookBeforeAgain,
    /// An id that another row holds is not believed; else the answer is.
    OwnAnswer,
    /// Only an intent whose request never left is taken back; else Ctrl-C is proof.
    OnlyTheUnsentIsWithdrawn,
    /// A row in doubt is looked up before it is sent again; else a restart sends it.
    LookFirst,
    /// Not before the latest commit.
    WaitForTheCommit,
    /// Nor before what was committed must show.
    WaitForTheListing,
    /// After a restart the whole wait runs from its beginning; else the ledger's time of the intent counts.
    WaitAfterRestart,
    /// A reference counts in its place alone; else anywhere in a text.
    InPlace,
    /// A reference under another title leaves a doubt; else it is the row's.
    SameTitle,
    /// A ticket that the ledger holds for another row is no hit.
    HeldIsNoHit,
    /// Not found counts only where another ticket was found by its marker.
    Control,
    /// Nor while a ticket is left that may be the row's without showing it.
    NothingUnexplained,
    /// Nor in a list without a proven end.
    Whole,
    /// A comment is absent only where another one was listed back.
    CommentWitness,
    /// Nor while a comment is left that may be it.
    NoCommentUnexplained,
    /// One run at a time, by locks.
    OneRun,
    /// Where locks do not reach, a run that was overtaken writes no intent any more.
    Overtaken,
    /// The ledger may be old: a run of a known scope looks before it sends.
    OldLedger,
    /// Each run looks for tickets of another state folder.
    LookAround,
    /// Rows that were in doubt are looked at once more for duplicates.
    Sweep,
}

pub(super) const RULES: [Rule; 24] = [
    Rule::IntentFirst,
    Rule::UnclearIsDoubt,
    Rule::AcceptedIsDoubt,
    Rule::ProvenShape,
    Rule::LookBeforeAgain,
    Rule::OwnAnswer,
    Rule::OnlyTheUnsentIsWithdrawn,
    Rule::LookFirst,
    Rule::WaitForTheCommit,
    Rule::WaitForTheListing,
    Rule::WaitAfterRestart,
    Rule::InPlace,
    Rule::SameTitle,
    Rule::HeldIsNoHit,
    Rule::Control,
    Rule::NothingUnexplained,
    Rule::Whole,
    Rule::CommentWitness,
    Rule::NoCommentUnexplained,
    Rule::OneRun,
    Rule::Overtaken,
    Rule::OldLedger,
    Rule::LookAround,
    Rule::Sweep,
];

/// What the row has to send that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Its ticket.
    Create,
    /// A comment on its ticket, which was made.
    Comment,
}

/// Where a story begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Setup {
    pub(super) kind: Kind,
    /// Whether the input has no other row, which would be a witness.
    pub(super) alone: bool,
    /// Whether what is obeyed shows at the latest moment, not at once.
    pub(super) slow: bool,
}

/// When the desk obeys a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Made {
    Never,
    Now,
    /// At the latest moment.
    Late,
    /// Later than the assumption says.
    TooLate,
}

/// What the client hears of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    /// It was made.
    Created,
    /// It was made, with the id of another row's ticket.
    Anothers,
    /// Nothing.
    Lost,
    /// 202.
    Accepted,
    /// 422, 429 or 403 in a shape that nobody has proven.
    Refused,
    TooFast,
    Denied,
    /// 400 or 429 as the contract has it.
    ProvenRefused,
    ProvenTooFast,
    /// There was no connection.
    Unsent,
    /// Nothing, and the run is told to return at once.
    CtrlC,
    /// Nothing: the process dies.
    Dies,
}

/// What happens beside a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Beside {
    Nothing,
    /// The process stands still before the request leaves, and a second run of the same ledger wants to begin.
    Stalled,
    /// A second run, which no lock held off, makes the row before the first sends it again.
    Overtaken,
    /// A run of another state folder makes the row too.
    Rival,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fate {
    pub(super) made: Made,
    pub(super) answer: Answer,
    pub(super) beside: Beside,
    /// Whether the process dies one tick later, while it waits to look the row up.
    pub(super) dies: bool,
}

impl Fate {
    pub(super) const WELL: Self = Self::of(Made::Now, Answer::Created);

    pub(super) const fn of(made: Made, answer: Answer) -> Self {
        Self {
            made,
            answer,
            beside: Beside::Nothing,
            dies: false,
        }
    }
}

/// How a listing is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Listing {
    Good,
    /// No text is shown.
    Hidden,
    /// The text of the row's ticket is not; that of its comment is empty.
    Unmarked,
    /// Nothing is shown, and the list looks whole.
    Empty,
    /// The row's ticket is missing, and the system counts more than it shows.
    Partial,
    /// It is refused.
    Failing,
    /// Somebody's ticket besides mentions the reference within its text.
    Mentioned,
    /// Somebody's ticket besides ends with the reference, and has another title.
    Quoted,
    /// The ticket of another scope's row looks the same, with its reference.
    Held,
    /// Somebody's ticket besides has the row's title, and no reference.
    Akin,
    /// The process dies before what it heard is written.
    Dies,
}

impl Listing {
    pub(super) const ALL: [Self; 11] = [
        Self::Good,
        Self::Hidden,
        Self::Unmarked,
        Self::Empty,
        Self::Partial,
        Self::Failing,
        Self::Mentioned,
        Self::Quoted,
        Self::Held,
        Self::Akin,
        Self::Dies,
    ];
}

/// How a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Start {
    /// Whether the whole wait has passed since the last one.
    pub(super) late: bool,
    /// As `runs retry`.
    pub(super) retry: bool,
    /// Over a ledger of before the row was sent.
    pub(super) restored: bool,
    /// With the other row in the input, from now on.
    pub(super) joined: bool,
    /// Whether the process dies one tick later, if it still waits then.
    pub(super) dies: bool,
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(start) => {
                let flags = [
                    (start.late, "late"),
                    (start.retry, "to retry"),
                    (start.restored, "over an old ledger"),
                    (start.joined, "with the other row"),
                    (start.dies, "and dies while it waits"),
                ];
                let flags = flags.iter().filter(|(is, _)| *is).map(|(_, name)| *name);
                let flags: Vec<&str> = flags.collect();
                write!(f, "a run starts {}", flags.join(", "))
            }
            Self::Send(fate) => {
                write!(f, "it sends: {:?}, made: {:?}", fate.answer, fate.made)?;
                if fate.beside != Beside::Nothing {
                    write!(f, ", beside it: {:?}", fate.beside)?;
                }
                if fate.dies {
                    write!(f, ", and the process dies while it waits")?;
                }
                Ok(())
            }
            Self::List(listing) => write!(f, "it lists: {listing:?}"),
        }
    }
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Move {
    Start(Start),
    Send(Fate),
    List(Listing),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum State {
    Open,
    Sending,
    InDoubt,
    Done,
    Rejected,
}

/// What the ledger keeps of an answer that was not believed as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Said {
    Doubt,
    Refused,
    TooFast,
    Denied,
}

impl Said {
    pub(super) fn shape(self) -> Option<usize> {
        match self {
            Self::Doubt => None,
            Self::Refused => Some(0),
            Self::TooFast => Some(1),
            Self::Denied => Some(2),
        }
    }
}

/// Which ticket the ledger holds for a row that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Holds {
    Own,
    Anothers,
}

/// What is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ledger {
    pub(super) state: State,
    pub(super) said: Option<Said>,
    /// The shape of the answer that closed it: it was sent once. One of the contract has no number.
    pub(super) shape: Option<Option<usize>>,
    pub(super) absent: u8,
    pub(super) doubted: bool,
    pub(super) holds: Holds,
}

impl Ledger {
    const NEW: Self = Self {
        state: State::Open,
        said: None,
        shape: None,
        absent: 0,
        doubted: false,
        holds: Holds::Own,
    };
}

/// A row in doubt, as the process knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Doubt {
    /// Whether an answer came, or was missed by a process that lived.
    pub(super) answered: bool,
    pub(super) absent: u8,
    pub(super) soft: Option<Soft>,
}

/// What the process waits for; all of it is gone when it dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Client {
    Off,
    Send {
        absent: u8,
        doubted: bool,
        /// Whether the intent is written already: the same step goes again.
        intended: bool,
    },
    Look(Doubt),
    Sweep(End),
}

/// How a run ends for the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum End {
    Made,
    Before,
    Rejected,
    InDoubt,
    NotSent,
    /// The process died.
    Died,
}

/// What can be compared when a process has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) end: End,
    pub(super) state: State,
    pub(super) absent: Option<u8>,
    pub(super) tickets: usize,
    /// Duplicates that this run told.
    pub(super) doubles: usize,
    /// Whether it stopped before its end.
    pub(super) stopped: bool,
    /// Whether its last look for duplicates proved nothing.
    pub(super) unswept: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) setup: Setup,
    pub(super) ledger: Ledger,
    pub(super) client: Client,
    /// In how many ticks each ticket (or comment) shows, in the order in which they were made.
    pub(super) tickets: Vec<u8>,
    /// Whether the other row is in the input, and done.
    pub(super) joined: bool,
    pub(super) witness: bool,
    /// Whether an earlier run has looked at the system.
    pub(super) known: bool,
    /// How often each shape was borne out; whether a ticket turned up that it denied.
    pub(super) proof: [u8; 3],
    pub(super) lost: [bool; 3],
    /// Whether the desk has broken an assumption, so that duplicates must be told and no more; whether a refusal in the
    /// shape of the contract was untrue, so that the row may be called rejected as well.
    pub(super) breaks: bool,
    pub(super) lied: bool,
    /// How many of the tickets were told as duplicates.
    pub(super) told: u8,
    /// How many requests had a fate.
    pub(super) sends: u8,
    /// Of the run under way: the duplicates that it told, and whether a round settled rows.
    pub(super) doubles: u8,
    pub(super) settled: bool,
    /// What is wrong.
    pub(super) wrong: Option<&'static str>,
}

impl World {
    pub(super) fn first(setup: Setup) -> Self {
        Self {
            setup,
            ledger: Ledger::NEW,
            client: Client::Off,
            tickets: Vec::new(),
            joined: !setup.alone,
            witness: false,
            known: false,
            proof: [0; 3],
            lost: [false; 3],
            breaks: false,
            lied: false,
            told: 0,
            sends: 0,
            doubles: 0,
            settled: false,
            wrong: None,
        }
    }

    fn creates(&self) -> bool {
        self.setup.kind == Kind::Create
    }

    pub(super) fn visible(&self) -> usize {
        self.tickets.iter().filter(|shows| **shows == 0).count()
    }

    pub(super) fn is_settled(&self) -> bool {
        matches!(self.ledger.state, State::Done | State::Rejected)
    }

    pub(super) fn proven(&self, said: Said) -> bool {
        said.shape()
            .is_some_and(|shape| self.proof[shape] >= ENOUGH && !self.lost[shape])
    }

    fn tick(&mut self, ticks: u8) {
        for shows in &mut self.tickets {
            *shows = shows.saturating_sub(ticks);
        }
    }

    fn make(&mut self, made: Made) {
        let visible = if self.setup.slow { VISIBLE_WITHIN } else { 0 };
        let commits = match made {
            Made::Never => return,
            Made::Now => 0,
            Made::Late => COMMIT_WITHIN,
            Made::TooLate => TOO_LATE,
        };
        self.breaks |= made == Made::TooLate;
        self.tickets.push(commits + visible);
    }

    fn judge(&mut self) {
        let made = self.tickets.len();
        let state = self.ledger.state;
        self.wrong = self.wrong.or(match (state, made) {
            (_, 2..) if !self.breaks && !self.lied => Some("doubled"),
            (State::Done, 0) => Some("lost: it counts as done, and nothing was made"),
            (State::Done, _) if self.ledger.holds == Holds::Anothers => {
                Some("untrue: it counts as done with the ticket of another row")
            }
            (State::Rejected, 1..) if !self.breaks && !self.lied => {
                Some("untrue: it counts as rejected, and it was made")
            }
            _ => None,
        });
    }
}

/// The protocol, perhaps without one of its rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model {
    pub(super) missing: Option<Rule>,
}

impl Model {
    pub(super) fn keeps(&self, rule: Rule) -> bool {
        self.missing != Some(rule)
    }

    fn wait(&self) -> u8 {
        let of = |rule, ticks| if self.keeps(rule) { ticks } else { 0 };
        of(Rule::WaitForTheCommit, COMMIT_WITHIN) + of(Rule::WaitForTheListing, VISIBLE_WITHIN)
    }

    /// What comes of a move; and what is told, where the process has ended.
    pub(super) fn step(&self, world: &World, next: Move) -> (World, Option<Told>) {
        let mut world = world.clone();
        let told = match next {
            Move::Start(start) => self.start(&mut world, start),
            Move::Send(fate) => self.send(&mut world, fate),
            Move::List(listing) => self.list(&mut world, listing),
        };
        world.judge();
        (world, told)
    }

    fn start(&self, world: &mut World, start: Start) -> Option<Told> {
        if start.late {
            world.tick(COMMIT_WITHIN + VISIBLE_WITHIN);
        }
        world.joined |= start.joined;
        world.doubles = 0;
        world.settled = false;
        if start.restored {
            world.ledger = Ledger::NEW;
            world.known = true;
            (world.proof, world.lost) = ([0; 3], [false; 3]);
        }
        let plan = self.plan(world, start.retry);
        let sends = |client: Client| matches!(client, Client::Send { .. });
        let waits = world.joined && !world.witness || plan.is_ok_and(sends);
        let is_denied = world.ledger.shape.is_some();
        let is_new = world.ledger.state == State::Open && !is_denied;
        if world.creates()
            && world.known
            && waits
            && self.keeps(Rule::OldLedger)
            && is_new
            && world.visible() > 0
        {
            return Some(self.stop(world, End::NotSent));
        }
        if world.joined {
            // The other row goes first, and all that it has to send comes through; then the run looks.
            if !world.witness && world.creates() && self.keeps(Rule::LookAround) {
                self.look_beside(world, plan);
            }
            world.witness = true;
            world.known = true;
        }
        match plan {
            Ok(Client::Look(_)) if start.dies => {
                world.tick(1);
                Some(self.die(world))
            }
            Ok(client @ Client::Look(doubt)) => {
                let sent = matches!(world.ledger.state, State::Sending | State::InDoubt);
                let wait = match self.keeps(Rule::WaitAfterRestart) || !sent {
                    true => self.wait(),
                    false => 0,
                };
                if !self.keeps(Rule::LookFirst) {
                    world.client = Client::Send {
                        absent: doubt.absent,
                        doubted: false,
                        intended: false,
                    };
                    return None;
                }
                world.tick(wait);
                world.client = client;
                None
            }
            Ok(client) => {
                world.client = client;
                None
            }
            Err(end) => self.finish(world, end),
        }
    }

    /// What a run does with the row, by what the ledger knows of it.
    fn plan(&self, world: &World, retry: bool) -> Result<Client, End> {
        let ledger = world.ledger;
        let send = |absent| Client::Send {
            absent,
            doubted: false,
            intended: false,
        };
        let look = |answered, absent, soft| {
            Client::Look(Doubt {
                answered,
                absent,
                soft,
            })
        };
        let absent = if world.creates() { ledger.absent } else { 0 };
        let again = |shape, absent| {
            look(
                false,
                absent,
                Some(Soft {
                    said: None,
                    shape,
                    settled: true,
                }),
            )
        };
        Ok(match (ledger.state, ledger.shape) {
            (State::Done, _) => return Err(End::Before),
            (State::Rejected, _) if !retry => return Err(End::Rejected),
            (State::Open, Some(shape)) if self.keeps(Rule::LookBeforeAgain) => again(shape, absent),
            (State::Rejected, Some(shape)) if self.keeps(Rule::LookBeforeAgain) => again(shape, 0),
            (State::Open, _) => send(absent),
            (State::Rejected, _) => send(0),
            (State::Sending, _) => look(false, absent, None),
            (State::InDoubt, _) => match ledger.said {
                None => look(false, absent, None),
                Some(said) if said != Said::Doubt && world.creates() => {
                    let is_repeated = said == Said::Refused && retry;
                    let soft = Soft {
                        said: Some(said).filter(|_| !is_repeated),
                        shape: said.shape(),
                        settled: false,
                    };
                    look(true, absent, Some(soft))
                }
                Some(_) => look(true, absent, None),
            },
        })
    }

    fn send(&self, world: &mut World, fate: Fate) -> Option<Told> {
        let Client::Send {
            absent,
            doubted,
            intended,
        } = world.client
        else {
            unreachable!("only what is to be sent is")
        };
        world.sends += 1;
        if !intended && self.keeps(Rule::IntentFirst) {
            world.ledger = Ledger {
                state: State::Sending,
                said: None,
                shape: None,
                absent,
                doubted: world.ledger.doubted || doubted,
                ..world.ledger
            };
        }
        match fate.beside {
            Beside::Stalled if !self.keeps(Rule::OneRun) => {
                // It waits, sees nothing, and makes the row.
                world.make(Made::Now);
                world.ledger.state = State::Done;
            }
            Beside::Rival => {
                world.breaks = true;
                world.make(Made::Now);
            }
            _ => {}
        }
        world.make(fate.made);
        world.lied |= fate.answer == Answer::ProvenRefused && fate.made != Made::Never;
        let again = |doubted| Client::Send {
            absent,
            doubted,
            intended: true,
        };
        match self.verdict(world, fate.answer) {
            Verdict::Done(holds) => {
                world.ledger.state = State::Done;
                world.ledger.holds = holds;
                world.ledger.doubted |= doubted;
                self.look_around(world);
                self.finish(world, End::Made)
            }
            Verdict::Again => {
                if fate.beside == Beside::Overtaken {
                    world.make(Made::Now);
                    world.ledger.state = State::Done;
                    if self.keeps(Rule::Overtaken) {
                        return Some(self.stop(world, End::NotSent));
                    }
                    world.ledger.state = State::Sending;
                }
                let is_throttled = matches!(fate.answer, Answer::TooFast | Answer::ProvenTooFast);
                world.client = again(doubted || (is_throttled && world.creates()));
                None
            }
            Verdict::Rejected(shape) => {
                world.ledger.state = State::Rejected;
                world.ledger.shape = Some(shape);
                world.ledger.doubted |= doubted;
                self.finish(world, End::Rejected)
            }
            Verdict::Stopped(shape) => {
                world.ledger.state = State::Open;
                world.ledger.shape = Some(shape);
                Some(self.stop(world, End::NotSent))
            }
            Verdict::StoppedInDoubt => {
                world.ledger.state = State::InDoubt;
                world.ledger.said = Some(Said::Denied);
                world.ledger.doubted |= doubted;
                Some(self.stop(world, End::InDoubt))
            }
            Verdict::Interrupted => {
                if !self.keeps(Rule::OnlyTheUnsentIsWithdrawn) {
                    world.ledger.state = State::Open;
                }
                Some(self.stop(world, End::InDoubt))
            }
            Verdict::Died => Some(self.die(world)),
            Verdict::Doubt(said) => {
                world.ledger.state = State::InDoubt;
                world.ledger.said = Some(said);
                world.ledger.doubted |= doubted;
                if fate.dies {
                    world.tick(1);
                    return Some(self.die(world));
                }
                world.tick(self.wait());
                let soft = said.shape().map(|shape| Soft {
                    said: Some(said),
                    shape: Some(shape),
                    settled: false,
                });
                world.client = Client::Look(Doubt {
                    answered: true,
                    absent,
                    soft,
                });
                None
            }
        }
    }

    fn list(&self, world: &mut World, listing: Listing) -> Option<Told> {
        let doubt = match world.client {
            Client::Look(doubt) => doubt,
            Client::Sweep(end) => return self.sweep(world, listing, end),
            _ => unreachable!("only who looks lists"),
        };
        if listing == Listing::Dies {
            return Some(self.die(world));
        }
        world.settled |= world.creates();
        let soft = doubt.soft;
        let believes = |world: &World| {
            let is_lost = |shape: usize| world.lost[shape];
            soft.is_some_and(|soft| soft.settled && !soft.shape.is_some_and(is_lost))
        };
        let decision = match world.creates() {
            true => self.decide(world, listing, soft.is_some()),
            false => self.sight(world, listing),
        };
        match decision {
            Decision::Found(holds) => {
                if let Some(shape) = soft.and_then(|soft| soft.shape) {
                    world.lost[shape] = true;
                    world.proof[shape] = 0;
                }
                world.ledger = Ledger {
                    state: State::Done,
                    doubted: true,
                    holds,
                    ..world.ledger
                };
                self.finish(world, End::Made)
            }
            Decision::Absent => {
                let borne_out = soft.filter(|soft| !soft.settled);
                if let Some(shape) = borne_out.and_then(|soft| soft.shape) {
                    world.proof[shape] = (world.proof[shape] + 1).min(ENOUGH);
                }
                self.as_said(world, doubt)
            }
            Decision::Unseen if soft.is_some() => self.as_said(world, doubt),
            Decision::Open { candidates: false } if believes(world) => self.as_said(world, doubt),
            // What was settled before stays so in the ledger.
            Decision::Open { .. } | Decision::Unseen
                if world.creates() && !soft.is_some_and(|soft| soft.settled) =>
            {
                let said = match soft.and_then(|soft| soft.said) {
                    Some(said) => Some(said),
                    None => Some(Said::Doubt).filter(|_| doubt.answered),
                };
                world.ledger = Ledger {
                    state: State::InDoubt,
                    said,
                    doubted: true,
                    ..world.ledger
                };
                self.finish(world, End::InDoubt)
            }
            Decision::Open { .. } | Decision::Unseen => self.finish(world, End::InDoubt),
        }
    }

    /// It was not made: it ends as the answer said, or goes again.
    fn as_said(&self, world: &mut World, doubt: Doubt) -> Option<Told> {
        let soft = doubt.soft;
        let refused = soft.filter(|soft| soft.said == Some(Said::Refused));
        if let Some(soft) = refused {
            world.ledger = Ledger {
                state: State::Rejected,
                said: None,
                shape: Some(soft.shape),
                doubted: true,
                ..world.ledger
            };
            return self.finish(world, End::Rejected);
        }
        let is_settled = soft.is_some_and(|soft| soft.settled);
        let counts = match world.creates() {
            true => doubt.answered && !is_settled,
            false => true,
        };
        let absent = doubt.absent + u8::from(counts);
        if counts && !is_settled && absent >= MOST_ABSENT {
            world.ledger = Ledger {
                state: State::Rejected,
                said: None,
                shape: None,
                doubted: true,
                ..world.ledger
            };
            return self.finish(world, End::Rejected);
        }
        world.client = Client::Send {
            absent,
            doubted: world.creates() || is_settled,
            intended: false,
        };
        None
    }

    /// A look of a run that has nothing to do with the row.
    fn look_beside(&self, world: &mut World, plan: Result<Client, End>) {
        match world.ledger.state {
            State::Done => self.tell(world),
            State::Rejected if plan.is_err() && world.visible() > 0 => {
                world.ledger.state = State::Done;
                world.ledger.doubted = true;
            }
            _ => {}
        }
    }

    /// A run that has its ticket looks whether another one bears its reference.
    fn look_around(&self, world: &mut World) {
        if world.creates() && self.keeps(Rule::LookAround) {
            world.known = true;
            self.tell(world);
        }
    }

    fn tell(&self, world: &mut World) {
        let doubles = world.visible().saturating_sub(1) as u8;
        world.doubles = world.doubles.max(doubles);
        world.told = world.told.max(doubles);
    }

    /// The run has come to its end, but for the last look at rows that were in doubt.
    fn finish(&self, world: &mut World, end: End) -> Option<Told> {
        let is_swept = world.creates()
            && self.keeps(Rule::Sweep)
            && world.ledger.state == State::Done
            && world.ledger.doubted
            // One that turned up at the look of this run is swept by the next.
            && end != End::Rejected;
        if world.settled && self.keeps(Rule::Sweep) {
            world.tick(VISIBLE_WITHIN);
        }
        if is_swept {
            world.client = Client::Sweep(end);
            return None;
        }
        if end != End::Rejected {
            self.silent(world);
        }
        Some(self.end(world, end, false))
    }

    fn sweep(&self, world: &mut World, listing: Listing, end: End) -> Option<Told> {
        if listing == Listing::Dies {
            return Some(self.die(world));
        }
        let shows = !matches!(
            listing,
            Listing::Hidden
                | Listing::Unmarked
                | Listing::Empty
                | Listing::Partial
                | Listing::Failing
        );
        if shows {
            self.tell(world);
            self.silent(world);
        }
        let unswept = matches!(listing, Listing::Partial | Listing::Failing);
        Some(self.end(world, end, unswept))
    }

    /// A run has ended well beside duplicates that nobody told.
    fn silent(&self, world: &mut World) {
        if world.ledger.state == State::Done && world.visible() > 1 + usize::from(world.told) {
            world.wrong = Some("doubled silently");
        }
    }

    fn stop(&self, world: &mut World, end: End) -> Told {
        Told {
            stopped: true,
            ..self.end(world, end, false)
        }
    }

    fn die(&self, world: &mut World) -> Told {
        world.doubles = 0;
        self.end(world, End::Died, false)
    }

    fn end(&self, world: &mut World, end: End, unswept: bool) -> Told {
        world.client = Client::Off;
        let doubles = usize::from(std::mem::take(&mut world.doubles));
        world.settled = false;
        Told {
            end,
            state: world.ledger.state,
            absent: Some(world.ledger.absent).filter(|_| world.creates()),
            tickets: world.tickets.len(),
            doubles,
            stopped: false,
            unswept,
        }
    }
}
