//! A model of the delivery protocol (docs/delivery.md), explored whole, and held against the engine.
//!
//! Under all rules no state is wrong: nothing is lost, made twice or untrue, and what a desk doubles that breaks an
//! assumption is told. Each rule that is taken away makes a wrong state reachable. Every trace is a script for the real
//! engine too ([`replay`]), whose outcome must be the model's: so the model cannot drift from the code.

mod books;
mod decide;
mod desk;
mod explore;
mod moves;
mod protocol;
mod replay;
mod rules;
mod script;
mod world;

use explore::{Explored, explore, walks};
use moves::{Answer, Fate, Kind, Listing, Made, Move, Setup, Start};
use protocol::Model;
use replay::replay;
use rules::RULES;
use script::{Script, rehearse, tell};
use world::End;

const WHOLE: Model = Model { missing: None };

/// How many requests of a story have a fate of their own.
const SENDS: u8 = 4;
const MANY_SENDS: u8 = 6;

fn setups() -> Vec<Setup> {
    let mut setups = Vec::new();
    for kind in [Kind::Create, Kind::Comment] {
        for (alone, slow) in [(false, false), (false, true), (true, false), (true, true)] {
            setups.push(Setup { kind, alone, slow });
        }
    }
    setups
}

fn no_state_is_wrong(sends: u8) {
    let started = std::time::Instant::now();
    match explore(WHOLE, &setups(), sends) {
        Explored::Right { states } => {
            eprintln!("{states} states, {:?}", started.elapsed());
            assert!(states > 5_000, "{states}");
        }
        Explored::Wrong(script, why) => panic!("{why}\n{}", tell(WHOLE, &script)),
    }
}

#[test]
fn under_all_rules_nothing_is_doubled_lost_untrue_or_stuck() {
    no_state_is_wrong(SENDS);
}

/// The longer form.
#[test]
#[ignore = "takes a while; the short form is in the suite"]
fn under_all_rules_no_longer_story_is_wrong() {
    no_state_is_wrong(MANY_SENDS);
}

/// How each rule is missed.
fn without_each_rule() -> Vec<Script> {
    let story = |rule| {
        let model = Model {
            missing: Some(rule),
        };
        match explore(model, &setups(), SENDS) {
            Explored::Wrong(script, why) => {
                eprintln!("without {rule:?}: {why}\n{}", tell(model, &script));
                script
            }
            Explored::Right { states } => {
                panic!("{rule:?} is not needed: {states} states without a fault")
            }
        }
    };
    RULES.into_iter().map(story).collect()
}

/// What went wrong without a rule goes well with it, in the model and in the engine.
#[test]
fn each_rule_that_is_taken_away_is_missed_and_the_engine_keeps_it() {
    for script in without_each_rule() {
        follow(&script);
    }
}

/// The engine follows a script as the model does.
fn follow(script: &Script) {
    let expected = rehearse(WHOLE, script);
    let told = replay(script);
    assert_eq!(
        told,
        expected.told,
        "the engine (left) and the model (right)\n{}",
        tell(WHOLE, script)
    );
    assert_eq!(expected.wrong, None, "{}", tell(WHOLE, script));
}

/// Twice nothing came of it, and the third process died: that was no third answer.
#[test]
fn what_was_heard_of_an_earlier_request_is_not_said_of_the_next() {
    let start = Move::Start(Start::default());
    let send = |answer| Move::Send(Fate::of(Made::Never, answer));
    let moves = [
        start,
        send(Answer::Lost),
        Move::List(Listing::Good),
        send(Answer::Lost),
        Move::List(Listing::Good),
        send(Answer::Dies),
        start,
        Move::List(Listing::Failing),
        start,
        Move::List(Listing::Good),
    ];
    let script = Script::of(setups()[0], &moves);
    follow(&script);
    let told = rehearse(WHOLE, &script).told;
    assert_eq!(told[2].end, End::Made, "{told:?}");
}

fn engine_follows(count: usize, seed: u64) {
    for script in walks(WHOLE, &setups(), SENDS, count, seed) {
        follow(&script);
    }
}

#[test]
fn the_engine_does_what_the_model_does() {
    engine_follows(300, 1);
}

/// The longer form: `MODEL_SEED` chooses other stories.
#[test]
#[ignore = "takes minutes; the short form is in the suite"]
fn the_engine_does_what_the_model_does_in_many_stories() {
    let seed = std::env::var("MODEL_SEED").ok();
    engine_follows(20_000, seed.and_then(|seed| seed.parse().ok()).unwrap_or(2));
}
