//! Rows that name each other's tickets: the step that ties them comes when all are made, once, whatever breaks.

use super::fake::{Input, Script};
use super::*;

#[tokio::test(start_paused = true)]
async fn all_are_made_before_any_is_tied() {
    let bench = Bench::new();
    // Each names the next, the last the first.
    let input = Input::new(600).tied();
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.created, totals.requests), (600, 1200));
    for key in ["k0", "k300", "k599"] {
        assert_eq!(bench.fake.set(key), ["assign 0"], "{key}");
    }
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.skipped(), totals.requests), (600, 0));
    bench.once_each(600);
}

#[tokio::test(start_paused = true)]
async fn a_row_in_doubt_is_settled_before_it_is_named() {
    let bench = Bench::new()
        .script(1, &[Script::Lost])
        .script(2, &[Script::NeverCame]);
    let (totals, _) = bench.run(&Input::new(4).tied()).await;
    assert_eq!(totals.created, 4);
    for key in ["k0", "k1", "k2", "k3"] {
        assert_eq!(bench.fake.set(key), ["assign 0"], "{key}");
    }
    bench.once_each(4);
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_is_not_made_is_tied_by_a_later_run() {
    let bench = Bench::new().script(1, &[Script::Refuse]);
    let input = Input::new(3).tied();
    let (totals, told) = bench.run(&input).await;
    assert_eq!(
        (totals.created, totals.incomplete, totals.rejected),
        (1, 1, 1)
    );
    let End::Incomplete { faults, .. } = told.end(0) else {
        panic!("{:?}", told.end(0));
    };
    assert_eq!(
        faults[0].message,
        "`k1` is the key of a ticket that is not made"
    );
    assert!(bench.fake.set("k0").is_empty());
    let (totals, _) = bench.run(&input.fixed(1)).await;
    assert_eq!((totals.incomplete, totals.rejected), (0, 0));
    assert_eq!(bench.fake.set("k0"), ["assign 0"]);
    bench.once_each(3);
}
