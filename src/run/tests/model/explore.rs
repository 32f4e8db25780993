//! What can happen next, and all that can come of it.

use std::collections::{HashMap, HashSet, VecDeque};

use super::moves::{Answer, Beside, Fate, Kind, Listing, Made, Move, Setup, Start};
use super::protocol::Model;
use super::script::Script;
use super::world::{Client, Said, State, World};

/// What came of exploring.
pub(super) enum Explored {
    /// No state is wrong, and from each the row can come to an end.
    Right { states: usize },
    /// How a wrong state is reached, and what is wrong.
    Wrong(Script, String),
}

/// Everything that can happen next, the harmless first.
pub(super) fn moves(world: &World, sends: u8) -> Vec<Move> {
    match world.client {
        Client::Off => starts(world).into_iter().map(Move::Start).collect(),
        Client::Send { .. } => fates(world, sends).into_iter().map(Move::Send).collect(),
        Client::Look(_) => listings(world).into_iter().map(Move::List).collect(),
        Client::Sweep(_) => [Listing::Good, Listing::Partial].map(Move::List).to_vec(),
    }
}

fn starts(world: &World) -> Vec<Start> {
    let ledger = world.ledger;
    let mut all = Vec::new();
    for late in [false, true] {
        let plain = Start {
            late,
            ..Start::default()
        };
        all.push(plain);
        let refused = ledger.state == State::Rejected || ledger.said == Some(Said::Refused);
        // One that is looked at again waits by the ledger's clock, which no late commit of a broken desk is held against.
        let retries = refused && !world.breaks;
        if retries {
            all.push(Start {
                retry: true,
                ..plain
            });
        }
        if !world.joined {
            all.push(Start {
                joined: true,
                ..plain
            });
        }
        let waits = matches!(ledger.state, State::Sending | State::InDoubt);
        if waits {
            all.push(Start {
                dies: true,
                ..plain
            });
        }
        let is_old = world.setup.kind == Kind::Create
            && world.witness
            && world.known
            && !world.breaks
            && world.tickets.iter().all(|shows| *shows <= 3);
        if is_old && late && ledger.state != State::Open {
            all.push(Start {
                restored: true,
                ..plain
            });
        }
    }
    all
}

fn fates(world: &World, sends: u8) -> Vec<Fate> {
    use Made::{Late, Never, Now, TooLate};
    let mut all = vec![Fate::WELL];
    if world.sends >= sends {
        return all;
    }
    let creates = world.setup.kind == Kind::Create;
    let mut add =
        |answer, made: &[Made]| all.extend(made.iter().map(|made| Fate::of(*made, answer)));
    let any = [Never, Now, Late];
    let untold = |said| {
        if world.proven(said) {
            &any[..1]
        } else {
            &any[..]
        }
    };
    if creates && world.witness {
        add(Answer::Anothers, &any);
    }
    add(Answer::Lost, &any);
    if creates && !world.breaks {
        add(Answer::Lost, &[TooLate]);
    }
    add(Answer::Accepted, &any[..2]);
    add(Answer::Refused, untold(Said::Refused));
    add(Answer::TooFast, untold(Said::TooFast));
    add(Answer::Denied, untold(Said::Denied));
    let lies = if creates && !world.breaks { 2 } else { 1 };
    add(Answer::ProvenRefused, &any[..lies]);
    add(Answer::ProvenTooFast, &any[..1]);
    add(Answer::Unsent, &any[..1]);
    add(Answer::CtrlC, &any);
    add(Answer::Dies, &any);
    let doubtful = |fate: &&Fate| match fate.answer {
        Answer::Lost | Answer::Anothers => true,
        Answer::Refused => !world.proven(Said::Refused),
        Answer::TooFast => !world.proven(Said::TooFast),
        _ => false,
    };
    let dying: Vec<Fate> = all
        .iter()
        .filter(doubtful)
        .map(|fate| Fate {
            dies: true,
            ..*fate
        })
        .collect();
    all.extend(dying);
    if !creates {
        return all;
    }
    let beside = |beside, made, answer| Fate {
        beside,
        ..Fate::of(made, answer)
    };
    all.push(beside(Beside::Stalled, Now, Answer::Created));
    if world.tickets.is_empty() {
        all.push(beside(Beside::Overtaken, Never, Answer::ProvenTooFast));
    }
    // That of two which shows late is found by the other run.
    if !world.setup.slow && !world.breaks && !world.lied && world.tickets.is_empty() {
        all.push(beside(Beside::Rival, Now, Answer::Created));
        all.push(beside(Beside::Rival, Now, Answer::Lost));
        all.push(beside(Beside::Rival, Never, Answer::Lost));
    }
    all
}

fn listings(world: &World) -> Vec<Listing> {
    // Assumed: what is refused on a desk that holds nothing else of ours is not hidden by a list that shows nothing.
    let is_assumed = |listing: &Listing| {
        let is_soft = matches!(world.client, Client::Look(doubt) if doubt.soft.is_some());
        *listing != Listing::Empty || world.witness || world.visible() == 0 || !is_soft
    };
    match world.setup.kind {
        Kind::Create => Listing::ALL.into_iter().filter(is_assumed).collect(),
        Kind::Comment => vec![
            Listing::Good,
            Listing::Unmarked,
            Listing::Empty,
            Listing::Dies,
        ],
    }
}

/// Explores everything that can happen.
pub(super) fn explore(model: Model, setups: &[Setup], sends: u8) -> Explored {
    let mut at: HashMap<World, usize> = HashMap::new();
    let mut worlds: Vec<World> = Vec::new();
    // By which move each was reached first; all moves between them, backwards.
    let mut from: Vec<Option<(usize, Move)>> = Vec::new();
    let mut before: Vec<Vec<usize>> = Vec::new();
    let mut queue = VecDeque::new();
    for setup in setups {
        let first = World::first(*setup);
        at.insert(first.clone(), worlds.len());
        queue.push_back(worlds.len());
        worlds.push(first);
        from.push(None);
        before.push(Vec::new());
    }
    while let Some(here) = queue.pop_front() {
        for next in moves(&worlds[here], sends) {
            let (world, _) = model.step(&worlds[here], next);
            let known = at.get(&world).copied();
            let there = known.unwrap_or_else(|| {
                at.insert(world.clone(), worlds.len());
                worlds.push(world);
                from.push(Some((here, next)));
                before.push(Vec::new());
                worlds.len() - 1
            });
            before[there].push(here);
            if known.is_some() {
                continue;
            }
            if let Some(wrong) = worlds[there].wrong {
                return Explored::Wrong(story(&worlds, &from, there), wrong.to_owned());
            }
            queue.push_back(there);
        }
    }
    match stuck(&worlds, &before) {
        Some(stuck) => Explored::Wrong(
            story(&worlds, &from, stuck),
            "it never comes to an end".to_owned(),
        ),
        None => Explored::Right {
            states: worlds.len(),
        },
    }
}

/// A state from which the row comes to no end, whatever happens.
fn stuck(worlds: &[World], before: &[Vec<usize>]) -> Option<usize> {
    // What an old ledger does not know, `runs adopt` learns: the run says so.
    let is_to_be_adopted =
        |world: &World| world.known && world.ledger.state == State::Open && world.visible() > 0;
    let ends = |at: &usize| worlds[*at].is_settled() || is_to_be_adopted(&worlds[*at]);
    let mut queue: VecDeque<usize> = (0..worlds.len()).filter(ends).collect();
    let mut can_end: HashSet<usize> = queue.iter().copied().collect();
    while let Some(at) = queue.pop_front() {
        for earlier in &before[at] {
            if can_end.insert(*earlier) {
                queue.push_back(*earlier);
            }
        }
    }
    (0..worlds.len()).find(|at| !can_end.contains(at))
}

fn story(worlds: &[World], from: &[Option<(usize, Move)>], end: usize) -> Script {
    let (mut at, mut moves) = (end, Vec::new());
    while let Some((earlier, next)) = from[at] {
        moves.push(next);
        at = earlier;
    }
    moves.reverse();
    Script::of(worlds[at].setup, &moves)
}

/// Random stories: so many, from a seed.
pub(super) fn walks(
    model: Model,
    setups: &[Setup],
    sends: u8,
    count: usize,
    seed: u64,
) -> Vec<Script> {
    /// How many runs a story has at most.
    const RUNS: usize = 4;
    let mut random = seed;
    let mut pick = |count: usize| {
        // Knuth's.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % count
    };
    let walk = |at: usize| {
        let setup = setups[at % setups.len()];
        let (mut world, mut taken, mut runs) = (World::first(setup), Vec::new(), 0);
        loop {
            let all = moves(&world, sends);
            let next = all[pick(all.len())];
            runs += usize::from(matches!(next, Move::Start(_)));
            if runs > RUNS {
                return Script::of(setup, &taken);
            }
            taken.push(next);
            world = model.step(&world, next).0;
        }
    };
    (0..count).map(walk).collect()
}
