//! Tickets that the token may not touch, steps that got no clear answer, and calls that take two requests.

use std::sync::atomic::Ordering;

use super::fake::{Input, Script};
use super::{Bench, End, RunState};
use crate::error::ErrorKind;

#[tokio::test(start_paused = true)]
async fn a_ticket_that_the_token_may_not_touch_is_the_fault_of_its_row() {
    let bench = Bench::new().script(1, &[Script::Forbid(403)]);
    let (totals, told) = bench.run(&Input::new(4)).await;
    assert_eq!(totals.state, RunState::Finished);
    assert_eq!((totals.created, totals.rejected), (3, 1));
    let End::Rejected(faults) = told.end(1) else {
        panic!("{:?}", told.end(1))
    };
    assert!(
        faults[0]
            .message
            .contains("no right to create tickets: not for you"),
        "{faults:?}"
    );
    assert!(faults[0].hint.is_some());
    assert_eq!(bench.fake.probes.load(Ordering::Relaxed), 0);
    bench.once_each(4 - 1);
}

#[tokio::test(start_paused = true)]
async fn a_401_counts_so_only_while_the_token_is_good() {
    for admits in [true, false] {
        let bench = Bench::new().script(1, &[Script::Forbid(401)]);
        bench.fake.admits.store(admits, Ordering::Relaxed);
        let (totals, _) = bench.run(&Input::new(4)).await;
        assert_eq!(bench.fake.probes.load(Ordering::Relaxed), 1);
        if admits {
            assert_eq!((totals.created, totals.rejected), (3, 1));
            continue;
        }
        assert_eq!(totals.stopped.unwrap().kind(), ErrorKind::Denied);
        assert_eq!(totals.rejected, 0);
        // Nothing was done with the row: it goes on with a good token.
        let (totals, _) = bench.run(&Input::new(4)).await;
        assert_eq!(totals.created + totals.done_before, 4);
        bench.once_each(4);
    }
}

#[tokio::test(start_paused = true)]
async fn several_tickets_in_a_row_with_the_same_missing_right_stop_the_run() {
    let mut bench = Bench::new();
    for n in 10..100 {
        bench = bench.script(n, &[Script::Forbid(403)]);
    }
    let (totals, _) = bench.run(&Input::new(100)).await;
    assert_eq!(totals.state, RunState::Stopped);
    let error = totals.stopped.as_ref().unwrap();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(
        error.to_string().contains("the right to create tickets"),
        "{error}"
    );
    assert!((3..8).contains(&totals.rejected), "{}", totals.rejected);
    assert_eq!(totals.created, 10);
}

#[tokio::test(start_paused = true)]
async fn every_request_of_a_call_counts_and_waits_for_its_turn() {
    let mut bench = Bench::new();
    bench.settings.rate = Some(10.0);
    let step = [Script::Reads, Script::Make];
    for n in 0..20 {
        bench.fake.script(&format!("k{n}/assign"), &step);
    }
    let start = tokio::time::Instant::now();
    let (totals, _) = bench.run(&Input::new(20).with_step("assign")).await;
    assert_eq!((totals.created, totals.requests), (20, 60));
    // Sixty requests at ten a second, less the burst.
    assert!(start.elapsed().as_secs_f64() > 5.5, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_step_that_never_got_a_clear_answer_is_in_doubt_everywhere() {
    let mut bench = Bench::new();
    bench.settings.concurrency = 1;
    bench.fake.script("k1/assign", &[Script::NeverCame; 6]);
    let input = Input::new(3).with_step("assign");
    let (totals, told) = bench.run(&input).await;
    assert_eq!((totals.created, totals.in_doubt), (2, 1));
    assert_eq!((totals.rejected, totals.incomplete), (0, 0));
    let End::InDoubt { reason } = told.end(1) else {
        panic!("{:?}", told.end(1))
    };
    assert!(reason.contains("`assign` got no clear answer"), "{reason}");
    // The ledger says the same, and the same command goes on there.
    let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    assert_eq!(scope.unsettled().await.unwrap().len(), 1);
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.in_doubt, totals.requests), (0, 1));
    assert!(scope.unsettled().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_was_merged_or_cannot_be_read_is_the_fault_of_its_row() {
    for (kind, word) in [
        (ErrorKind::Refused, "merged"),
        (ErrorKind::System, "could not be read"),
        (ErrorKind::Denied, "no right to read tickets"),
    ] {
        let bench = Bench::new();
        bench.fake.admits.store(true, Ordering::Relaxed);
        bench
            .fake
            .lost
            .lock()
            .unwrap()
            .push(("t1".to_owned(), kind));
        let (totals, told) = bench.run(&Input::new(4).acting("assign", 1)).await;
        assert_eq!(totals.state, RunState::Finished, "{word}");
        assert_eq!((totals.rejected, totals.requests), (1, 3), "{word}");
        let End::Rejected(faults) = told.end(1) else {
            panic!("{word}: {:?}", told.end(1))
        };
        assert!(faults[0].message.contains(word), "{faults:?}");
        // The ledger says the same: nothing is open.
        let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
        assert!(scope.unsettled().await.unwrap().is_empty(), "{word}");
    }
}
