//! The protocol of the delivery as a small machine: one row, or one comment of it, a client that may die, its ledger,
//! and a desk that obeys, answers and lists as it likes. The client knows no choice: what happens next is a [`Move`] of
//! the desk, of the network, or of the person who starts runs. So a trace is a script, which the real engine can follow.

use super::decide::{Decision, Soft, Verdict};
use super::moves::{
    Answer, Beside, COMMIT_WITHIN, Fate, Listing, Made, Move, Start, VISIBLE_WITHIN,
};
use super::rules::Rule;
use super::world::{Client, Doubt, ENOUGH, End, Ledger, Said, State, Told, World};

/// After so many attempts settled as absent the row is rejected.
const MOST_ABSENT: u8 = 3;

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
            // What an earlier version settled stays so in the ledger.
            Decision::Open { .. } | Decision::Unseen
                if world.creates()
                    && !soft.is_some_and(|soft| soft.settled && soft.shape.is_none()) =>
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
