//! The real program against the other desk (`tests/desk/`): a server that nobody who wrote the program has written, and
//! that misbehaves by a seed. Random sequences of commands, kills and lost ledgers; in the end its books are compared
//! with what the program said. See docs/delivery.md, "The other desk".

mod act;
mod books;
mod chaos;
mod long;
mod partial;
mod plan;
mod process;
mod said;
mod sequence;
mod server;
mod setup;
mod step;
mod story;
mod verdict;

use std::process::Command;

use deskferry_testing::absent::not_installed;

use crate::support::repository;
use chaos::KINDS;
use long::{Job, number};
use setup::Setup;
use step::Memory;

/// Whether there is a Python that can run the desk.
fn can_run(test: &str) -> bool {
    let can = server::python().is_some();
    if !can {
        not_installed(test, "`python3` (3.11 or later) is not here");
    }
    can
}

#[track_caller]
fn assert_delivered(seed: u64) {
    if !can_run("the other desk") {
        return;
    }
    let outcome = Setup::new(seed).run();
    assert!(outcome.verdict.faults.is_empty(), "{}", outcome.story);
    assert!(
        outcome.kills >= 3,
        "{} kills: {}",
        outcome.kills,
        outcome.story
    );
}

/// One that somebody wants to see: `DESK_SEED`, and `DESK_KIND` for a misbehaviour alone.
#[test]
#[ignore = "for a person: see docs/delivery.md"]
fn one_sequence() {
    let seed = number("DESK_SEED", 0);
    let kind = std::env::var("DESK_KIND").ok();
    let setup = match kind.as_deref() {
        None => Setup::new(seed),
        Some(kind) => alone(kind, seed),
    };
    let outcome = setup.run();
    eprintln!("{}", outcome.story);
    assert!(outcome.verdict.faults.is_empty());
}

/// What else can go wrong, none of it the desk's doing.
const OTHERS: [&str; 4] = ["none", "people quote", "restored ledger", "lost ledger"];

/// A misbehaviour alone, or one of [`OTHERS`].
fn alone(label: &str, seed: u64) -> Setup {
    match label {
        "none" => Setup::only(seed, None, Memory::Kept),
        "people quote" => Setup::only(seed, None, Memory::Kept).quoted(),
        "restored ledger" => Setup::only(seed, None, Memory::Restored),
        "lost ledger" => Setup::only(seed, None, Memory::Lost),
        label => Setup::only(seed, Some(label), Memory::Kept),
    }
}

/// Runs the sequences of a long form, and fails where one failed.
fn assert_all(jobs: &[Job], setup: impl Fn(&Job) -> Setup + Sync) {
    let counts = long::run(jobs, number("DESK_THREADS", 12), setup);
    for (label, counts) in &counts {
        eprintln!("{label}: {}\n", counts.text());
    }
    let failed: usize = counts.values().map(|counts| counts.failed().len()).sum();
    assert_eq!(failed, 0, "see above");
}

/// Each misbehaviour alone, `DESK_SEEDS` sequences (4) from `DESK_FROM`; `DESK_KIND` chooses those whose label has that
/// in it.
#[test]
#[ignore = "an hour: see docs/delivery.md"]
fn each_kind_alone() {
    if !can_run("each kind alone") {
        return;
    }
    let (from, seeds) = (number("DESK_FROM", 0), number("DESK_SEEDS", 4));
    let wanted = std::env::var("DESK_KIND").unwrap_or_default();
    let labels = OTHERS
        .into_iter()
        .chain(KINDS.iter().map(|kind| kind.label));
    let jobs: Vec<Job> = labels
        .filter(|label| label.contains(&wanted))
        .flat_map(|label| {
            (from..from + seeds).map(|seed| Job {
                label: label.to_owned(),
                seed,
            })
        })
        .collect();
    assert_all(&jobs, |job| alone(&job.label, job.seed));
}

/// `DESK_SEEDS` sequences (1,000) from `DESK_FROM` (0) on, in `DESK_THREADS` threads (12).
#[test]
#[ignore = "hours: see docs/delivery.md"]
fn a_thousand_sequences() {
    if !can_run("a thousand sequences") {
        return;
    }
    let (from, seeds) = (number("DESK_FROM", 0), number("DESK_SEEDS", 1_000));
    let jobs: Vec<Job> = (from..from + seeds)
        .map(|seed| Job {
            label: "sequences".to_owned(),
            seed,
        })
        .collect();
    assert_all(&jobs, |job| Setup::new(job.seed));
}

/// The desk's own tests: a harness is worth what its server is worth.
#[test]
fn the_desk_itself_is_right() {
    let Some(python) = server::python() else {
        return not_installed("the other desk", "`python3` (3.11 or later) is not here");
    };
    let ended = Command::new(python)
        .args(["-m", "unittest", "discover", "tests/desk"])
        .current_dir(repository())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{told}");
    assert!(told.contains("OK") && !told.contains("Ran 0"), "{told}");
}

/// Short ones for every run of the suite; each waits more than it works, so that they go side by side.
macro_rules! sequences {
    ($($name:ident: $seed:expr;)*) => {$(
        #[test]
        fn $name() {
            assert_delivered($seed);
        }
    )*};
}

sequences! {
    sequence_0: 0;
    sequence_1: 1;
    sequence_2: 2;
    sequence_3: 3;
    sequence_5: 5;
    sequence_6: 6;
    sequence_7: 7;
    sequence_8: 8;
    sequence_10: 10;
    sequence_9_breaks_an_assumption: 9;
}
