//! Runs in two stages: all tickets are made before anything follows on one of them, each thing once, whatever breaks.

use super::fake::{Input, Script};
use super::*;

const FOLLOW: &str = "then-1/follow";

/// A bench whose runs have two stages.
fn staged() -> Bench {
    Bench {
        staged: true,
        ..Bench::new()
    }
}

#[tokio::test(start_paused = true)]
async fn all_are_made_before_anything_follows() {
    let bench = staged();
    let input = Input::new(600).with_step(FOLLOW);
    let (totals, told) = bench.run(&input).await;
    assert_eq!((totals.created, totals.requests), (600, 1200));
    assert_eq!(bench.fake.made_before_the_first_step(), Some(600));
    assert!(matches!(told.end(599), End::Created { .. }));
    for key in ["k0", "k300", "k599"] {
        assert_eq!(bench.fake.set(key), ["follow 0"], "{key}");
    }
    // Without anything to do it is over at once, and waits for no heartbeat.
    let started = Instant::now();
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.skipped(), totals.requests), (600, 0));
    assert!(started.elapsed() < Duration::from_secs(5));
    bench.once_each(600);
}

#[tokio::test(start_paused = true)]
async fn one_stage_goes_row_by_row() {
    let bench = Bench::new();
    bench.run(&Input::new(600).with_step(FOLLOW)).await;
    assert!(bench.fake.made_before_the_first_step() < Some(600));
}

#[tokio::test(start_paused = true)]
async fn what_ends_in_the_first_stage_has_one_end() {
    let bench = staged()
        .script(1, &[Script::Refuse])
        .script(2, &[Script::Lost])
        .script(3, &[Script::NeverCame]);
    bench.fake.script("k4/follow", &[Script::Refuse]);
    let input = Input::new(6).with_step(FOLLOW);
    let (totals, told) = bench.run(&input).await;
    assert_eq!(
        (totals.created, totals.rejected, totals.incomplete),
        (4, 1, 1)
    );
    assert!(matches!(told.end(1), End::Rejected(_)));
    assert!(matches!(told.end(4), End::Incomplete { .. }));
    for key in ["k0", "k2", "k3", "k5"] {
        assert_eq!(bench.fake.set(key), ["follow 0"], "{key}");
    }
    assert!(bench.fake.set("k1").is_empty());
    bench.once_each(5);
}

#[tokio::test(start_paused = true)]
async fn a_step_whose_answer_is_lost_is_looked_for() {
    let bench = staged();
    bench.fake.tells();
    bench.fake.script("k1/follow", &[Script::Lost]);
    let (totals, _) = bench.run(&Input::new(3).with_step(FOLLOW)).await;
    assert_eq!(totals.created, 3);
    for key in ["k0", "k1", "k2"] {
        assert_eq!(bench.fake.set(key), ["follow 0"], "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_between_the_stages_goes_on_there() {
    let bench = staged();
    // The last create waits for its limit; all others are made by then.
    bench.fake.script("k39", &[Script::Throttle(Some(60))]);
    let input = Input::new(40).with_step(FOLLOW);
    let mut told = Told::default();
    let going = bench.going.clone();
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        going.send_replace(Shutdown::Drain);
    };
    let (totals, ()) = tokio::join!(bench.run_with(&input, &mut told), stopping);
    let totals = totals.unwrap();
    assert_eq!(totals.ended(), totals.records);
    assert_eq!((totals.incomplete, totals.created), (39, 0));
    let End::Incomplete { faults, .. } = told.end(0) else {
        panic!("{:?}", told.end(0));
    };
    assert_eq!(
        faults[0].message,
        "the run stopped before the comments and changes of its ticket were sent"
    );
    going.send_replace(Shutdown::None);
    let (totals, _) = bench.run(&input).await;
    assert_eq!(totals.created, 40);
    for n in 0..40 {
        assert_eq!(bench.fake.set(&format!("k{n}")), ["follow 0"], "{n}");
    }
    bench.once_each(40);
}

#[tokio::test(start_paused = true)]
async fn a_limit_counts_rows_and_not_stages() {
    let bench = Bench {
        settings: Settings {
            limit: Some(2),
            ..staged().settings
        },
        ..staged()
    };
    let input = Input::new(5).with_step(FOLLOW);
    for done in [2, 4, 5] {
        let (totals, _) = bench.run(&input).await;
        assert_eq!(totals.created, if done == 5 { 1 } else { 2 });
        bench.once_each(done);
        for n in 0..done {
            assert_eq!(bench.fake.set(&format!("k{n}")), ["follow 0"], "{n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_was_made_before_is_updated_and_then_followed() {
    let bench = staged();
    let input = Input::new(3).upserting().with_steps(FOLLOW, 1);
    bench.run(&input).await;
    let next = Input::new(4).upserting().with_steps(FOLLOW, 1).fixed(1);
    let (totals, told) = bench.run(&next).await;
    assert_eq!((totals.created, totals.updated), (1, 0));
    assert!(matches!(told.end(1), End::Rejected(_)));
    assert_eq!(bench.fake.set("k3"), ["follow 0"]);
    bench.once_each(4);
}
