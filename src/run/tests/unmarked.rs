//! Runs whose tickets bear no reference (`marker = "none"`): duplicates are known by what they say.

use super::fake::{Input, Listing, Script};
use super::taken_back::take_back;
use super::*;
use crate::ledger::State;
use crate::record::RowKey;

fn input(count: usize) -> Input {
    Input::new(count).without_marker()
}

/// The notes that name a possible duplicate.
fn named(told: &Told) -> Vec<&String> {
    let notes = told.notes.iter();
    notes.filter(|note| note.contains("possibly")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_the_system_makes_twice_is_named_with_its_twin() {
    let bench = Bench::new().script(1, &[Script::Twice]);
    bench.fake.by_hand("k0");
    let (totals, told) = bench.run(&input(3)).await;
    assert_eq!((totals.created, totals.doubles), (3, 1), "{:?}", told.notes);
    let named = named(&told);
    assert_eq!(named.len(), 1, "{:?}", told.notes);
    let own = bench.fake.id_of("k1");
    assert!(named[0].contains("`k1`") && named[0].contains(&format!("`{own}`")));
    assert!(named[0].contains("look at both"), "{named:?}");
    assert_eq!(bench.fake.listings(), 1);
    // The system may show it late: later runs look again for a while.
    let (totals, _) = bench.run(&input(3)).await;
    assert_eq!((totals.requests, totals.doubles), (0, 1));
    // What bears references needs no such look.
    let bench = Bench::new();
    bench.run(&Input::new(3)).await;
    assert_eq!(bench.fake.listings(), 0);
}

/// Nobody knows whether a row in doubt has a ticket: one that says the same may be its own.
#[tokio::test(start_paused = true)]
async fn what_may_be_the_ticket_of_a_row_in_doubt_is_no_duplicate() {
    let bench = Bench::new().script(1, &[Script::Lost]);
    let (totals, told) = bench.run(&input(3)).await;
    assert_eq!(
        (totals.in_doubt, totals.doubles),
        (1, 0),
        "{:?}",
        told.notes
    );
}

/// Without a reference nobody would ever look for a ticket that the system denied.
#[tokio::test(start_paused = true)]
async fn a_ticket_of_a_row_that_was_refused_is_told() {
    let bench = Bench::new().script(1, &[Script::RefuseMade]);
    let (totals, told) = bench.run(&input(3)).await;
    assert_eq!((totals.rejected, totals.doubles), (1, 0));
    let is_told = |note: &String| note.contains("`k1` was refused, but ticket");
    assert!(told.notes.iter().any(is_told), "{:?}", told.notes);
    assert!(totals.unswept);
}

/// Nobody can ever tell whether they were sent: a crash leaves no more of them than were about to be.
#[tokio::test(start_paused = true)]
async fn a_crash_leaves_few_rows_in_doubt() {
    for (rate, most) in [(20.0, 3), (200.0, 16)] {
        let mut bench = Bench::new();
        bench.settings.rate = Some(rate);
        bench.settings.concurrency = 16;
        let input = input(1_000);
        let mut told = Told::default();
        let died = timeout(Duration::from_secs(3), bench.run_with(&input, &mut told)).await;
        assert!(died.is_err());
        let made = bench.made().len();
        assert!(made as f64 >= rate * 2.8, "{made} at {rate}/s");
        let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
        let keys = (0..1_000).map(|n| RowKey::new(format!("k{n}"))).collect();
        let states = scope.states(keys).await.unwrap();
        let intended = states.iter().flatten();
        let open = intended.filter(|step| step.state == State::Sending).count();
        assert!(open <= most, "{open} rows in doubt at {rate}/s");
    }
}

#[tokio::test(start_paused = true)]
async fn duplicates_of_a_run_that_died_are_named_by_the_next_one() {
    let bench = Bench::new().script(0, &[Script::Twice]);
    let input = input(300);
    let mut told = Told::default();
    let died = timeout(Duration::from_secs(1), bench.run_with(&input, &mut told)).await;
    assert!(died.is_err() && named(&told).is_empty());
    let (totals, told) = bench.run(&input).await;
    assert_eq!(
        (totals.doubles, named(&told).len()),
        (1, 1),
        "{:?}",
        told.notes
    );
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_of_a_ticket_that_was_taken_back_is_named() {
    let bench = Bench::new().script(1, &[Script::Twice]);
    bench.run(&input(3)).await;
    let (_, states) = take_back(&bench).await;
    assert_eq!(states.len(), 3);
    for _ in 0..2 {
        let (totals, told) = bench.run(&input(3)).await;
        assert_eq!(totals.doubles, 1, "{:?}", told.notes);
        assert!(named(&told)[0].contains("`k1`"), "{:?}", told.notes);
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_for_duplicates_that_sees_not_all_says_so() {
    for listing in [Listing::Failing, Listing::Partial] {
        let bench = Bench::new();
        bench.fake.listing(listing);
        let (totals, told) = bench.run(&input(3)).await;
        assert!(totals.unswept, "{listing:?}: {:?}", told.notes);
        assert!(told.notes.iter().any(|note| note.contains("missed")));
        bench.fake.listing(Listing::Good);
        let (totals, _) = bench.run(&input(3)).await;
        assert!(!totals.unswept);
    }
}
