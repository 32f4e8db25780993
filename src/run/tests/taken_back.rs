//! Runs that are taken back, and what the system says about it.

use super::fake::{Input, Script};
use super::*;
use crate::error::ErrorKind;
use crate::ledger::UndoState;

/// Takes the last run back: how it went, and what became of each ticket.
async fn take_back(bench: &Bench) -> (Result<Going>, Vec<UndoState>) {
    let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let last = scope.last_run().await.unwrap().unwrap();
    let last = bench.ledger.whole_run(&last.code).await.unwrap();
    let held = locks(&scope).await.unwrap();
    let taking = Taking {
        system: bench.fake.clone(),
        rollback: bench.ledger.rollback(&held, &last).await.unwrap(),
        limiter: Arc::new(Limiter::new(None)),
        concurrency: 1,
        note: String::new(),
        surprise: Duration::from_secs(90),
    };
    let mut states = Vec::new();
    let stop = bench.going.subscribe();
    let going = taking
        .run(stop, |_, state| states.push(state.clone()))
        .await;
    (going, states)
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_was_obeyed_all_the_same_is_found_out() {
    for status in [400, 404, 409] {
        for obeyed in [true, false] {
            let bench = Bench::new();
            bench.run(&Input::new(3)).await;
            bench
                .fake
                .script("undo/id1", &[Script::Says(obeyed, status)]);
            let (going, states) = take_back(&bench).await;
            assert!(going.is_ok());
            let undone = states.iter().filter(|it| **it == UndoState::Undone);
            assert_eq!(undone.count(), 2 + usize::from(obeyed), "{states:?}");
            // What was taken back is made anew, and nothing else.
            let (totals, _) = bench.run(&Input::new(3)).await;
            assert_eq!(totals.created, 2 + u64::from(obeyed), "{status}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_denied_looks_whether_it_was_obeyed_before_it_stops() {
    for status in [302, 401] {
        let bench = Bench::new();
        bench.run(&Input::new(3)).await;
        bench.fake.script("undo/id0", &[Script::Says(true, status)]);
        let started = Instant::now();
        let (going, states) = take_back(&bench).await;
        assert!(going.is_err(), "{status}");
        assert_eq!(states, [UndoState::Undone], "{status}");
        assert!(started.elapsed() >= Duration::from_secs(90));
        let (totals, _) = bench.run(&Input::new(3)).await;
        assert_eq!((totals.created, totals.done_before), (1, 2), "{status}");
    }
}

/// In a shape that nothing proves, so that each is looked at once more: obeyed or not.
#[tokio::test(start_paused = true)]
async fn three_tickets_that_may_not_be_taken_back_stop_the_rollback_whatever_the_shape() {
    let bench = Bench::new();
    bench.run(&Input::new(10)).await;
    for n in 0..10 {
        let says = Script::Says(n == 1, 403);
        bench.fake.script(&format!("undo/id{n}"), &[says]);
    }
    let (going, states) = take_back(&bench).await;
    let error = going.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert_eq!(states.len(), 3, "{states:?}");
    assert_eq!(states[1], UndoState::Undone);
    assert!(matches!(&states[0], UndoState::Refused(why) if why.contains("right")));
    let (totals, _) = bench.run(&Input::new(10)).await;
    assert_eq!((totals.created, totals.done_before), (1, 9));
}

/// The system makes a second ticket of a row too late, when the first one is gone again.
#[tokio::test(start_paused = true)]
async fn a_second_ticket_of_a_row_that_was_taken_back_is_told() {
    let bench = Bench::new().script(1, &[Script::Lost]);
    bench.run(&Input::new(3)).await;
    let (_, states) = take_back(&bench).await;
    assert_eq!(states.len(), 3);
    bench.fake.make_another(1);
    // The row is not in the input any more.
    let (totals, told) = bench.run(&Input::new(4).only(&[3])).await;
    assert_eq!(totals.doubles, 1, "{:?}", told.notes);
    assert!(
        told.notes.iter().any(|note| note.contains("`k1`")),
        "{:?}",
        told.notes
    );
}
