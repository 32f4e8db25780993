//! A trace as a script: what is to happen at each start, to each request, and to each listing, in their order. What goes
//! on when it has come to its end goes well.

use std::collections::VecDeque;
use std::fmt::Write as _;

use super::moves::{Fate, Listing, Move, Setup, Start};
use super::protocol::Model;
use super::world::{Client, Told, World};

/// After the last start of a script there are so many more, each late.
const FURTHER: usize = 2;

#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) setup: Setup,
    pub(super) starts: Vec<Start>,
    pub(super) fates: VecDeque<Fate>,
    pub(super) listings: VecDeque<Listing>,
}

impl Script {
    pub(super) fn of(setup: Setup, moves: &[Move]) -> Self {
        let mut script = Self {
            setup,
            starts: Vec::new(),
            fates: VecDeque::new(),
            listings: VecDeque::new(),
        };
        for next in moves {
            match *next {
                Move::Start(start) => script.starts.push(start),
                Move::Send(fate) => script.fates.push_back(fate),
                Move::List(listing) => script.listings.push_back(listing),
            }
        }
        let further = Start {
            late: true,
            ..Start::default()
        };
        script.starts.extend([further; FURTHER]);
        script
    }
}

/// What the model makes of a script.
pub(super) struct Rehearsed {
    /// Of each process, in order.
    pub(super) told: Vec<Told>,
    pub(super) wrong: Option<&'static str>,
    moves: Vec<(Move, World)>,
}

pub(super) fn rehearse(model: Model, script: &Script) -> Rehearsed {
    let mut starts = script.starts.iter();
    let (mut fates, mut listings) = (script.fates.clone(), script.listings.clone());
    let mut world = World::first(script.setup);
    let mut rehearsed = Rehearsed {
        told: Vec::new(),
        wrong: None,
        moves: Vec::new(),
    };
    loop {
        let next = match world.client {
            Client::Off => match starts.next() {
                Some(start) => Move::Start(*start),
                None => break,
            },
            Client::Send { .. } => Move::Send(fates.pop_front().unwrap_or(Fate::WELL)),
            Client::Look(_) | Client::Sweep(_) => {
                Move::List(listings.pop_front().unwrap_or(Listing::Good))
            }
        };
        let told;
        (world, told) = model.step(&world, next);
        rehearsed.told.extend(told);
        rehearsed.moves.push((next, world.clone()));
    }
    rehearsed.wrong = world.wrong;
    rehearsed
}

/// A script as the model plays it, up to where something is wrong.
pub(super) fn tell(model: Model, script: &Script) -> String {
    let mut text = format!("{:?}\n", script.setup);
    for (next, world) in rehearse(model, script).moves {
        let ledger = world.ledger;
        writeln!(
            text,
            "  {next}\n      the ledger: {:?}, {} times absent; {} made, {} visible",
            ledger.state,
            ledger.absent,
            world.tickets.len(),
            world.visible(),
        )
        .unwrap();
        if let Some(wrong) = world.wrong {
            writeln!(text, "  = {wrong}").unwrap();
            break;
        }
    }
    text
}
