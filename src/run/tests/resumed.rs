//! Tickets whose making was cut off, and that others have changed before it goes on.

use super::fake::{Input, Script};
use super::*;
use crate::ledger::ByHand;

/// What a person says of all rows that the last run left in doubt.
async fn say(bench: &Bench, by_hand: ByHand) {
    let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let last = scope.last_run().await.unwrap().unwrap();
    let last = bench.ledger.whole_run(&last.code).await.unwrap();
    let open = bench.ledger.doubtful(&last).await.unwrap();
    let said = open.into_iter().map(|row| (row, by_hand.clone())).collect();
    let held = locks(&scope).await.unwrap();
    let settled = bench.ledger.settle_by_hand(&held, &last, said).await;
    assert!(settled.unwrap() > 0);
}

#[tokio::test(start_paused = true)]
async fn what_others_have_set_before_a_refused_step_goes_again_stays() {
    let mut bench = Bench::new();
    for key in ["k1/assign", "k2/assign"] {
        bench.fake.script(key, &[Script::Refuse]);
    }
    let input = Input::new(4).with_step("assign");
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.created, totals.incomplete), (2, 2));
    bench.fake.others_set("k1");
    bench.settings.retry = true;
    for sent in [1, 0] {
        let (totals, told) = bench.run(&input).await;
        assert_eq!((totals.in_doubt, totals.requests), (1, sent));
        let End::InDoubt { reason } = told.end(1) else {
            panic!("{:?}", told.end(1));
        };
        assert!(reason.contains("others have set something"), "{reason}");
        assert!(bench.fake.set("k1").is_empty());
        assert_eq!(bench.fake.set("k2"), ["assign 0"]);
    }
    // It is sent where a person says so.
    say(&bench, ByHand::Resend).await;
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.in_doubt, totals.requests), (0, 1));
    assert_eq!(bench.fake.set("k1"), ["assign 0"]);
    bench.once_each(4);
}

#[tokio::test(start_paused = true)]
async fn what_others_have_set_before_a_lost_step_goes_again_stays() {
    for theirs in [false, true] {
        let bench = Bench::new();
        bench.fake.script("k1/assign", &[Script::NeverCame; 6]);
        let input = Input::new(3).with_step("assign");
        let (totals, _) = bench.run(&input).await;
        assert_eq!((totals.created, totals.in_doubt), (2, 1));
        if theirs {
            bench.fake.others_set("k1");
        }
        let started = Instant::now();
        let (totals, _) = bench.run(&input).await;
        let expected = if theirs { (1, 0) } else { (0, 1) };
        assert_eq!((totals.in_doubt, totals.requests), expected);
        assert!(started.elapsed() < bench.settings.commit_within);
    }
}

/// The row itself is in doubt, and found: its further steps come later than they were meant to.
#[tokio::test(start_paused = true)]
async fn what_others_have_set_on_a_ticket_that_was_found_stays() {
    for theirs in [false, true] {
        let bench = Bench::new().script(1, &[Script::Lost]);
        if theirs {
            bench.fake.others_set("k1");
        }
        let input = Input::new(3).with_step("assign");
        let (totals, _) = bench.run(&input).await;
        let expected = if theirs { (2, 1) } else { (3, 0) };
        assert_eq!((totals.created, totals.in_doubt), expected);
        assert_eq!(bench.fake.set("k1").is_empty(), theirs);
        bench.once_each(3);
    }
}
