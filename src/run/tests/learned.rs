//! Ledgers rebuilt from what the system shows: of a ticket that was learned so nobody knows what followed on it.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::fake::{Input, Script};
use super::*;
use crate::ledger::{ByHand, Change, Ledger, State};
use crate::record::RowKey;
use crate::run::{Marks, adopt, marked};
use crate::systems::Window;

/// The same system with a ledger that knows only what it learned from it.
async fn rebuilt(bench: &Bench, input: &Input) -> Bench {
    let rebuilt = Bench {
        ledger: Ledger::in_memory().unwrap(),
        fake: Arc::clone(&bench.fake),
        settings: bench.settings.clone(),
        going: tokio::sync::watch::Sender::new(Shutdown::None),
        staged: false,
    };
    learn(&rebuilt, input).await;
    rebuilt
}

/// `runs adopt`.
async fn learn(bench: &Bench, input: &Input) {
    learn_without(bench, input, HashSet::new()).await;
}

/// The same where these tickets were taken back.
async fn learn_without(bench: &Bench, input: &Input, taken_back: HashSet<String>) {
    let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let locks = locks(&scope).await.unwrap();
    let run = scope.start_run(&locks, RunMeta::default()).await.unwrap();
    let now = Timestamp::now();
    let window = Window {
        from: now - SignedDuration::from_hours(24),
        to: now + SignedDuration::from_hours(24),
    };
    let marks = Marks {
        scope: "s",
        field: None,
        taken_back: &taken_back,
        is_old: false,
    };
    let limiter = Limiter::new(None);
    let found = marked(bench.fake.as_ref(), &limiter, window, &marks).await;
    let rows: (Items<'_>, &dyn MapRows) = (input.items(), input);
    adopt(found.unwrap(), "s", Some(rows), Some(&run))
        .await
        .unwrap();
    run.finish(RunState::Finished, serde_json::Value::Null)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_followed_on_a_learned_ticket_is_not_sent_again_where_a_look_cannot_tell() {
    let bench = Bench::new();
    let input = Input::new(3).with_step("then-1/follow");
    bench.run(&input).await;
    // The fake cannot tell whether it was done.
    let rebuilt = rebuilt(&bench, &input).await;
    for _ in 0..2 {
        let (totals, told) = rebuilt.run(&input).await;
        assert_eq!((totals.in_doubt, totals.requests), (3, 0));
        assert!(
            matches!(told.end(0), End::InDoubt { .. }),
            "{:?}",
            told.end(0)
        );
    }
    assert_eq!(bench.fake.set("k0"), ["follow 0"]);
    // The ledger holds it as in doubt, so that a person can settle it.
    let scope = rebuilt
        .ledger
        .scope("clearfeed", "acme", "s")
        .await
        .unwrap();
    let last = scope.last_run().await.unwrap().unwrap();
    let last = rebuilt.ledger.whole_run(&last.code).await.unwrap();
    let open = rebuilt.ledger.doubtful(&last).await.unwrap();
    assert_eq!(open.len(), 3);
    let said = open.into_iter().map(|row| {
        let ticket = row.ticket.clone().unwrap();
        (row, ByHand::Done(ticket))
    });
    let held = locks(&scope).await.unwrap();
    let said = said.collect();
    let settled = rebuilt.ledger.settle_by_hand(&held, &last, said).await;
    assert_eq!(settled.unwrap(), 3);
    drop(held);
    let (totals, _) = rebuilt.run(&input).await;
    assert_eq!((totals.done_before, totals.requests), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn what_followed_on_a_learned_ticket_is_found_or_sent_after_the_whole_wait() {
    let bench = Bench::new().script(1, &[]);
    bench.fake.script("k1/follow", &[Script::Refuse]);
    let input = Input::new(3).with_step("then-1/follow");
    bench.run(&input).await;
    bench.fake.tells();
    let rebuilt = rebuilt(&bench, &input).await;
    let started = Instant::now();
    let (totals, _) = rebuilt.run(&input).await;
    // It may have left a moment ago: its ticket tells nothing about that.
    let wait = bench.settings.commit_within + bench.settings.visible_within;
    assert!(started.elapsed() >= wait, "{:?}", started.elapsed());
    assert_eq!((totals.in_doubt, totals.requests), (0, 1));
    for key in ["k0", "k1", "k2"] {
        assert_eq!(bench.fake.set(key), ["follow 0"]);
    }
    let (totals, _) = rebuilt.run(&input).await;
    assert_eq!((totals.done_before, totals.requests), (3, 0));
}

/// Somebody may have set something else there since.
#[tokio::test(start_paused = true)]
async fn what_sets_something_on_a_learned_ticket_goes_over_nothing() {
    for tells in [false, true] {
        let bench = Bench::new();
        bench.fake.script("k1/assign", &[Script::Refuse]);
        let input = Input::new(3).with_step("assign");
        bench.run(&input).await;
        if tells {
            bench.fake.tells();
        }
        let rebuilt = rebuilt(&bench, &input).await;
        for _ in 0..2 {
            let (totals, _) = rebuilt.run(&input).await;
            let expected = if tells { (0, 0) } else { (3, 0) };
            assert_eq!((totals.in_doubt, totals.rejected), expected);
        }
        // Where a look tells nothing, nothing is sent; else what is not there.
        let expected = if tells { vec!["assign 0"] } else { Vec::new() };
        assert_eq!(bench.fake.set("k1"), expected);
        assert_eq!(bench.fake.set("k0"), ["assign 0"]);
    }
}

/// The same of a step that names another ticket: which one is known once all are made, and then it is looked at.
#[tokio::test(start_paused = true)]
async fn a_learned_ticket_is_looked_at_before_it_is_tied_again() {
    for tells in [false, true] {
        let bench = Bench::new();
        let input = Input::new(3).tied();
        bench.run(&input).await;
        if tells {
            bench.fake.tells();
        }
        let rebuilt = rebuilt(&bench, &input).await;
        for _ in 0..2 {
            let (totals, told) = rebuilt.run(&input).await;
            let expected = if tells { 0 } else { 3 };
            assert_eq!(totals.in_doubt, expected, "{:?}", told.ends);
        }
        for key in ["k0", "k1", "k2"] {
            assert_eq!(bench.fake.set(key), ["assign 0"], "{key}");
        }
    }
}

/// A row in doubt may find a ticket that was made before, as an older ledger does: what followed there is done.
#[tokio::test(start_paused = true)]
async fn what_followed_on_a_ticket_that_was_made_before_is_not_sent_again() {
    let bench = Bench::new();
    let input = Input::new(3).with_step("then-1/follow");
    bench.run(&input).await;
    bench.fake.tells();
    let fresh = Bench {
        fake: Arc::clone(&bench.fake),
        ..Bench::new()
    };
    fresh.fake.script("k1", &[Script::Lost]);
    fresh.run(&input).await;
    assert_eq!(fresh.fake.set("k1"), ["follow 0"]);
    assert_eq!(
        fresh.fake.set("k0"),
        ["follow 0"; 2],
        "a duplicate has its own"
    );
}

/// The first line of a short description bears nothing: what shows a reference there, and nothing else, quotes it.
#[tokio::test(start_paused = true)]
async fn a_quoted_reference_gives_a_row_no_ticket() {
    let bench = Bench::new();
    bench.run(&Input::new(2)).await;
    bench.fake.make_quoting("k9", 3, false);
    let input = Input::new(4);
    let rebuilt = rebuilt(&bench, &input).await;
    let scope = rebuilt
        .ledger
        .scope("clearfeed", "acme", "s")
        .await
        .unwrap();
    let keys = vec![RowKey::new("k1"), RowKey::new("k3")];
    let states: Vec<State> = (scope.states(keys).await.unwrap().iter())
        .map(|steps| steps[0].state)
        .collect();
    assert_eq!(states, [State::Done, State::InDoubt]);
    let (totals, told) = rebuilt.run(&input).await;
    assert_eq!((totals.created, totals.in_doubt), (2, 0), "{:?}", told.ends);
    assert_eq!(bench.made()["k3"], 1);
}

/// A ticket with two references is the row's whose text it shows.
#[tokio::test(start_paused = true)]
async fn a_ticket_that_quotes_a_long_row_is_not_taken_for_it() {
    for whole in [true, false] {
        let bench = Bench::new();
        bench.run(&Input::new(2)).await;
        // What was sent for the row 2, which quotes the row 3.
        let input = Input::new(4).long(3).quoting_long(2, 3);
        bench.fake.make_sent(&input, 2, whole);
        let rebuilt = rebuilt(&bench, &input).await;
        let scope = rebuilt.ledger.scope("clearfeed", "acme", "s").await;
        let keys = vec![RowKey::new("k2"), RowKey::new("k3")];
        let states: Vec<Option<State>> = (scope.unwrap().states(keys).await.unwrap().iter())
            .map(|steps| steps.first().map(|step| step.state))
            .collect();
        let expected = match whole {
            true => [Some(State::Done), None],
            // Where nothing tells, both are in doubt.
            false => [Some(State::InDoubt); 2],
        };
        assert_eq!(states, expected);
    }
}

/// An older ledger holds the step as refused, and it was sent again since.
#[tokio::test(start_paused = true)]
async fn what_an_older_ledger_says_of_a_step_is_no_longer_believed() {
    let mut bench = Bench::new();
    bench.fake.script("k1/follow", &[Script::Refuse]);
    let input = Input::new(3).with_step("then-1/follow");
    bench.run(&input).await;
    bench.fake.does("k1", "follow", 0);
    bench.fake.tells();
    learn(&bench, &input).await;
    bench.settings.retry = true;
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.in_doubt, totals.requests), (0, 0));
    assert_eq!(bench.fake.set("k1"), ["follow 0"]);
}

/// A ticket of another input, whose row comes later.
#[tokio::test(start_paused = true)]
async fn a_row_of_which_only_the_ticket_is_known_is_looked_at_before_anything_follows() {
    for upserts in [false, true] {
        let bench = Bench::new();
        let input = Input::new(3).with_step("then-1/follow");
        let input = match upserts {
            true => input.upserting(),
            false => input,
        };
        bench.fake.script("k1/follow", &[Script::Refuse]);
        bench.run(&input).await;
        bench.fake.tells();
        let rebuilt = rebuilt(&bench, &input.clone().only(&[0])).await;
        let (totals, told) = rebuilt.run(&input).await;
        assert_eq!(
            (totals.in_doubt, totals.rejected, totals.incomplete),
            (0, 0, 0),
            "{:?}",
            told.ends
        );
        for key in ["k0", "k1", "k2"] {
            let set = bench.fake.set(key);
            let follows = set.iter().filter(|it| it.starts_with("follow"));
            assert_eq!(follows.count(), 1, "{key} {set:?}");
        }
        let (totals, _) = rebuilt.run(&input).await;
        assert_eq!((totals.done_before, totals.requests), (3, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_learned_ticket_is_set_once_more_by_an_upsert() {
    let bench = Bench::new();
    let input = Input::new(3).upserting();
    bench.run(&input).await;
    // What the row says now is not what the ticket was made of, and no ledger tells.
    let changed = input.changed();
    let rebuilt = rebuilt(&bench, &changed).await;
    let (totals, _) = rebuilt.run(&changed).await;
    assert_eq!((totals.updated, totals.done_before), (3, 0));
    assert_eq!(bench.fake.set("k0"), ["assign 1", "label 0"]);
    let (totals, _) = rebuilt.run(&changed).await;
    assert_eq!((totals.done_before, totals.requests), (3, 0));
}

/// An older ledger holds the ticket that was taken back since, and another run has made the row anew.
#[tokio::test(start_paused = true)]
async fn what_followed_on_a_row_that_was_made_anew_elsewhere_is_seen_before_it_is_sent() {
    let bench = Bench::new();
    let input = Input::new(3).with_step("then-1/follow");
    bench.run(&input).await;
    let old = bench.fake.id_of("k1");
    {
        let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
        let locks = locks(&scope).await.unwrap();
        let run = scope.start_run(&locks, RunMeta::default()).await.unwrap();
        run.apply(vec![Change::Gone(old.clone())]).await.unwrap();
        run.finish(RunState::Finished, serde_json::Value::Null)
            .await
            .unwrap();
    }
    bench.fake.make_another(1);
    bench.fake.tells();
    learn_without(&bench, &input, HashSet::from([old])).await;
    let (totals, told) = bench.run(&input).await;
    assert_eq!(
        (totals.in_doubt, totals.requests),
        (0, 0),
        "{:?}",
        told.ends
    );
    assert_eq!(bench.fake.set("k1"), ["follow 0"]);
}

/// The ledger is lost while a rollback is under way: a ticket that has its note and is open is neither made nor taken back.
#[tokio::test(start_paused = true)]
async fn what_a_rollback_had_begun_to_take_back_is_in_doubt() {
    let bench = Bench::new();
    let input = Input::new(3);
    bench.run(&input).await;
    bench.fake.noted.lock().unwrap().push("id1".to_owned());
    bench
        .fake
        .shows_notes
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let other = rebuilt(&bench, &input).await;
    let (totals, told) = other.run(&input).await;
    assert_eq!((totals.done_before, totals.in_doubt), (2, 1));
    assert!(
        matches!(told.end(1), End::InDoubt { reason } if reason.contains("note of a rollback")),
        "{:?}",
        told.end(1)
    );
}
