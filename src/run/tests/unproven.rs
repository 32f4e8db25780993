//! Answers that say that nothing was done, after which something was or was not; and answers that name another row's
//! ticket.

use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;

use super::fake::{Input, Listing, Script};
use super::{Bench, End, RunState};
use crate::run::MaxErrors;

/// The statuses that end a row or let it go again.
const STATUSES: [u16; 7] = [400, 403, 404, 405, 409, 422, 429];

#[tokio::test(start_paused = true)]
async fn a_row_that_was_made_and_refused_is_found() {
    for status in STATUSES {
        let bench = Bench::new().script(1, &[Script::Says(true, status)]);
        let (totals, told) = bench.run(&Input::new(4)).await;
        assert_eq!((totals.created, totals.rejected), (4, 0), "{status}");
        assert_eq!(totals.requests, 4, "{status}");
        assert!(
            told.notes.iter().any(|note| note.contains("was made")),
            "{status}: {:?}",
            told.notes
        );
        bench.once_each(4);
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_refused_and_not_made_ends_as_the_answer_says() {
    for status in STATUSES.into_iter().filter(|status| *status != 429) {
        let bench = Bench::new().script(1, &[Script::Says(false, status)]);
        let (totals, told) = bench.run(&Input::new(4)).await;
        assert_eq!((totals.created, totals.rejected), (3, 1), "{status}");
        let End::Rejected(faults) = told.end(1) else {
            panic!("{:?}", told.end(1))
        };
        assert!(faults[0].message.contains("a filter says no"));
        // The same bytes are not sent again by themselves.
        let (totals, _) = bench.run(&Input::new(4)).await;
        assert_eq!((totals.rejected, totals.requests), (1, 0), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_too_fast_in_an_unknown_shape_goes_again_once_it_is_looked_up() {
    let bench = Bench::new().script(1, &[Script::Says(false, 429)]);
    let (totals, _) = bench.run(&Input::new(4)).await;
    assert_eq!((totals.created, totals.requests), (4, 5));
    bench.once_each(4);
}

#[tokio::test(start_paused = true)]
async fn a_shape_is_proven_after_three_rows_and_found_out_later() {
    let bench = Bench::new()
        .script(1, &[Script::Says(false, 404)])
        .script(2, &[Script::Says(false, 404)])
        .script(3, &[Script::Says(false, 404)]);
    let (totals, _) = bench.run(&Input::new(6)).await;
    assert_eq!((totals.created, totals.rejected), (3, 3));
    assert_eq!(bench.fake.listings(), 1);
    // Proven: nothing is looked up for the next one; the ledger keeps that for the tenant.
    let bench = bench.script(7, &[Script::Says(false, 404)]);
    let (totals, _) = bench.run(&Input::new(8)).await;
    assert_eq!((totals.created, totals.rejected), (1, 4));
    assert_eq!(bench.fake.listings(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_fiftieth_answer_of_a_proven_shape_is_looked_up_and_may_take_the_proof() {
    let mut bench = Bench::new();
    bench.settings.max_errors = MaxErrors::InARow(10_000);
    let count = 120;
    for n in 1..count {
        bench = bench.script(n, &[Script::Refuse]);
    }
    let (totals, _) = bench.run(&Input::new(count)).await;
    assert_eq!((totals.created, totals.rejected), (1, 119));
    assert_eq!(bench.fake.listings(), 1);
    bench.once_each(1);
}

#[tokio::test(start_paused = true)]
async fn rows_that_were_refused_in_a_shape_that_lost_its_proof_are_looked_at_again() {
    // Proven by the contract, and yet what it refused was made: nobody knows before one of them turns up.
    let mut bench = Bench::new();
    bench.settings.max_errors = MaxErrors::InARow(10_000);
    for n in 1..60 {
        bench = bench.script(n, &[Script::RefuseMade]);
    }
    let (totals, told) = bench.run(&Input::new(60)).await;
    assert_eq!((totals.created, totals.rejected), (2, 58), "{totals:?}");
    assert!(
        told.notes
            .iter()
            .any(|note| note.contains("it is done now"))
    );
    let (totals, _) = bench.run(&Input::new(60)).await;
    assert_eq!((totals.done_before, totals.requests), (60, 0), "{totals:?}");
    bench.once_each(60);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_denied_in_an_unknown_shape_leaves_the_row_in_doubt() {
    for status in [302, 401] {
        for made in [true, false] {
            let bench = Bench::new().script(1, &[Script::Says(made, status)]);
            let (totals, _) = bench.run(&Input::new(3)).await;
            assert_eq!(
                (totals.state, totals.in_doubt),
                (RunState::Stopped, 1),
                "{status}"
            );
            let (totals, _) = bench.run(&Input::new(3)).await;
            assert_eq!(totals.state, RunState::Finished);
            assert_eq!(totals.created + totals.done_before, 3);
            bench.once_each(3);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_looked_up_before_it_goes_again() {
    // The shape is proven, and yet the row was made.
    let bench = Bench::new().script(1, &[Script::Refuse]);
    let input = Input::new(3);
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.created, totals.rejected), (2, 1));
    bench.fake.make_another(1);
    let (totals, told) = bench.run(&input.clone().fixed(1)).await;
    assert_eq!((totals.requests, totals.in_doubt), (0, 0));
    assert!(
        told.notes
            .iter()
            .any(|note| note.contains("not believed any more"))
    );
    bench.once_each(3);

    let mut bench = Bench::new().script(1, &[Script::Refuse]);
    bench.run(&input).await;
    bench.fake.make_another(1);
    bench.settings.retry = true;
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.requests, totals.created), (0, 1));
    bench.once_each(3);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_refused_as_a_whole_ends_rejected_without_a_witness() {
    let mut bench = Bench::new();
    bench.settings.max_errors = MaxErrors::InARow(1_000);
    for n in 0..5 {
        bench = bench.script(n, &[Script::Says(false, 422)]);
    }
    let (totals, _) = bench.run(&Input::new(5)).await;
    assert_eq!((totals.rejected, totals.in_doubt), (5, 0));
    // Nothing was proven by that.
    let bench = bench.script(6, &[Script::Says(true, 422)]);
    let (totals, _) = bench.run(&Input::new(7)).await;
    assert_eq!(totals.created, 2);
}

#[tokio::test(start_paused = true)]
async fn many_refusals_of_an_unknown_shape_hold_the_run_until_they_are_looked_up() {
    let mut bench = Bench::new();
    for n in 1..400 {
        bench = bench.script(n, &[Script::Says(true, 400)]);
    }
    let (totals, _) = bench.run(&Input::new(400)).await;
    assert_eq!((totals.created, totals.rejected), (400, 0));
    bench.once_each(400);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_throttled_is_looked_at_for_duplicates_at_the_end() {
    let bench = Bench::new().script(1, &[Script::Throttle(None), Script::Make]);
    bench.fake.make_another(1);
    let (totals, told) = bench.run(&Input::new(3)).await;
    assert_eq!(
        (totals.created, totals.throttled, totals.doubles),
        (3, 1, 1)
    );
    assert!(
        told.notes
            .iter()
            .any(|note| note.contains("more than once"))
    );
    let bench = Bench::new();
    bench.run(&Input::new(3)).await;
    assert_eq!(bench.fake.listings(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_told_only_when_both_tickets_are_read() {
    let bench = Bench::new().script(1, &[Script::Lost]);
    bench.fake.make_another(1);
    let (totals, told) = bench.run(&Input::new(3)).await;
    assert_eq!((totals.created, totals.doubles), (3, 1));
    assert_eq!(bench.fake.reads.load(Ordering::Relaxed), 2);
    assert!(told.notes.iter().any(|note| note.contains("close it")));

    // The row's own ticket is gone: the other is the only one.
    let bench = Bench::new().script(1, &[Script::Lost]);
    bench.fake.make_another(1);
    bench.fake.unreadable.lock().unwrap().push("id0".to_owned());
    let (totals, told) = bench.run(&Input::new(3)).await;
    assert_eq!((totals.created, totals.doubles), (3, 0));
    assert!(
        told.notes.iter().any(|note| note.contains("must stay")),
        "{:?}",
        told.notes
    );
    assert!(!told.notes.iter().any(|note| note.contains("close it")));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_names_another_rows_ticket_is_not_believed() {
    for step in [None, Some("assign")] {
        // The ticket of a row of this run, and of an earlier one.
        for earlier in [false, true] {
            let bench = Bench::new();
            let input = |count| match step {
                Some(step) => Input::new(count).with_step(step),
                None => Input::new(count),
            };
            if earlier {
                bench.run(&input(2)).await;
            }
            let bench = bench
                .script(20, &[Script::Replays(0)])
                .script(21, &[Script::Mistaken(1)]);
            let (totals, _) = bench.run(&input(24)).await;
            let done = totals.created + totals.done_before;
            assert_eq!((done, totals.in_doubt), (24, 0), "{step:?} {earlier}");
            bench.once_each(24);
            let (totals, _) = bench.run(&input(24)).await;
            assert_eq!((totals.done_before, totals.requests), (24, 0));
        }
    }
}

/// A replayed answer whose own row never got one: nothing but the title says whose ticket it names.
#[tokio::test(start_paused = true)]
async fn an_answer_that_shows_another_rows_title_is_not_believed() {
    let bench = Bench::new()
        .script(1, &[Script::Lost])
        .script(2, &[Script::Replays(1)]);
    let (totals, told) = bench.run(&Input::new(6)).await;
    assert_eq!(
        (totals.created, totals.in_doubt),
        (6, 0),
        "{:?}",
        told.notes
    );
    for n in [1, 2] {
        let End::Created { ticket, .. } = told.end(n) else {
            panic!("{:?}", told.end(n))
        };
        assert_eq!(ticket.id, bench.fake.id_of(&format!("k{n}")));
    }
    bench.once_each(6);
}

/// The same of a system that writes titles otherwise, from its first answer on: the ticket that is named says whose it is.
#[tokio::test(start_paused = true)]
async fn an_answer_that_shows_another_rows_title_rewritten_is_not_believed() {
    for first in [0, 1] {
        let bench = Bench::new()
            .script(first, &[Script::Lost])
            .script(first + 1, &[Script::Replays(first)]);
        bench.fake.labels.store(true, Ordering::Relaxed);
        let (totals, told) = bench.run(&Input::new(6)).await;
        assert_eq!(
            (totals.created, totals.in_doubt),
            (6, 0),
            "{:?}",
            told.notes
        );
        for n in 0..6 {
            let End::Created { ticket, .. } = told.end(n) else {
                panic!("{:?}", told.end(n))
            };
            assert_eq!(ticket.id, bench.fake.id_of(&format!("k{n}")));
        }
        bench.once_each(6);
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_of_another_scope_is_not_believed_either() {
    let bench = Bench::new();
    bench.run(&Input::new(2)).await;
    let other = bench
        .ledger
        .scope("clearfeed", "acme", "other")
        .await
        .unwrap();
    let bench = bench.script(5, &[Script::Replays(1)]);
    let input = Input::new(8);
    // The first two have tickets under the first scope, whose references are the same here.
    let (totals, _) = bench.run_in(other, &input).await;
    assert!(totals.created + totals.in_doubt == 8);
    assert_eq!(bench.made()["k5"], 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_alone_is_looked_up() {
    for made in [true, false] {
        let bench = Bench::new().script(1, &[Script::Says(made, 202)]);
        let (totals, _) = bench.run(&Input::new(3)).await;
        assert_eq!(totals.created, 3);
        bench.once_each(3);
    }
}

/// A proxy that swallows every change and answers it with a success: nothing is set, and nobody says that it was.
#[tokio::test(start_paused = true)]
async fn a_success_that_never_says_anything_is_no_clean_end() {
    let bench = Bench::new();
    bench
        .fake
        .script("k1/assign", &[Script::Says(false, 204); 8]);
    let (totals, told) = bench.run(&Input::new(3).with_step("then-1/assign")).await;
    assert_eq!(totals.created, 3);
    assert!(totals.unproven, "{:?}", told.notes);
    let is_told = |note: &String| note.contains("`assign`") && note.contains("prove nothing");
    assert!(told.notes.iter().any(is_told), "{:?}", told.notes);
    // One that says it once in a while is asked until it does.
    let bench = Bench::new();
    bench
        .fake
        .script("k1/assign", &[Script::Says(false, 204); 2]);
    let (totals, _) = bench.run(&Input::new(3).with_step("then-1/assign")).await;
    assert_eq!((totals.created, totals.unproven), (3, false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is answered after a commit or without one: as long as no shape is proven no row is made twice, and each
    /// is done, rejected or in doubt as it is; and what is made twice is told.
    #[test]
    fn no_row_is_sent_twice_without_a_look(
        scripts in prop::collection::vec(
            (0_usize..12, any::<bool>(), prop::sample::select(vec![202_u16, 302, 400, 401, 403, 404, 409, 422, 429])),
            0..20,
        ),
        retry in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new();
            bench.settings.retry = retry;
            for (n, made, status) in &scripts {
                bench = bench.script(*n, &[Script::Says(*made, *status)]);
            }
            // After three rows that were not made a shape is proven, and believed by the rules.
            let is_proven = |statuses: &[u16]| {
                statuses.iter().any(|status| {
                    let bore_out = |(_, made, said): &&(usize, bool, u16)| !made && said == status;
                    scripts.iter().filter(bore_out).count() >= 3
                })
            };
            let mut doubles = 0;
            let input = Input::new(14);
            for _ in 0..6 {
                let (totals, told) = bench.run(&input).await;
                let made = bench.made();
                doubles += totals.doubles;
                for end in &told.ends {
                    let key = end.key.as_ref().map(|key| key.as_str().to_owned()).unwrap_or_default();
                    let count = made.get(&key).copied().unwrap_or_default();
                    let is_true = match end.end {
                        End::Created { .. } | End::Skipped(_) => count == 1 || is_proven(&[429]),
                        End::Rejected(_) => count == 0 || is_proven(&[400, 403, 404, 409, 422]),
                        End::NotSent => count == 0 || is_proven(&[302, 401, 429]),
                        _ => count <= 1,
                    };
                    assert!(is_true, "{key} is there {count} times: {:?}", end.end);
                }
                if totals.state == RunState::Finished && totals.in_doubt == 0 {
                    break;
                }
            }
            // What goes again although it was made is told.
            let twice: usize = bench.made().values().map(|count| count - 1).sum();
            assert_eq!(doubles, twice as u64);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_lacks_what_the_ledger_holds_bears_out_no_refusal() {
    for status in [422, 429] {
        let bench = Bench::new().script(1, &[Script::Says(true, status)]);
        bench.fake.listing(Listing::Empty);
        let (totals, _) = bench.run(&Input::new(3)).await;
        assert_eq!((totals.rejected, totals.in_doubt), (0, 1), "{status}");
        bench.fake.listing(Listing::Good);
        let (totals, _) = bench.run(&Input::new(3)).await;
        assert_eq!(totals.created, 1, "{status}");
        bench.once_each(3);
    }
}

/// `runs retry` looks a refused row up before it sends it again: where nothing can be listed, it does not.
#[tokio::test(start_paused = true)]
async fn a_refused_row_whose_look_fails_does_not_go_again() {
    let mut bench = Bench::new().script(1, &[Script::RefuseMade]);
    // Its own look at the newest tickets would find it.
    bench.fake.visible_after(Duration::from_secs(60));
    let (totals, _) = bench.run(&Input::new(3)).await;
    assert_eq!((totals.created, totals.rejected), (2, 1));
    bench.settings.retry = true;
    bench.fake.listing(Listing::Failing);
    let (totals, told) = bench.run(&Input::new(3)).await;
    assert_eq!((totals.in_doubt, totals.requests), (1, 0));
    assert!(matches!(told.end(1), End::InDoubt { .. }));
    // The next one that can look finds it.
    bench.settings.retry = false;
    bench.fake.listing(Listing::Good);
    let (totals, _) = bench.run(&Input::new(3)).await;
    assert_eq!((totals.created, totals.requests), (1, 0));
    bench.once_each(3);
}

/// What the system said may be purged; that it refused the row is not.
#[tokio::test(start_paused = true)]
async fn a_refused_row_is_looked_up_although_its_run_was_purged() {
    let mut bench = Bench::new().script(1, &[Script::RefuseMade]);
    bench.fake.visible_after(Duration::from_secs(60));
    let (totals, _) = bench.run(&Input::new(3)).await;
    assert_eq!((totals.created, totals.rejected), (2, 1));
    let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let code = scope.last_run().await.unwrap().unwrap().code;
    let held = super::locks(&scope).await.unwrap();
    bench.ledger.purge(&held, &code, true).await.unwrap();
    drop(held);
    bench.settings.retry = true;
    bench.fake.visible_after(Duration::ZERO);
    let (totals, _) = bench.run(&Input::new(3)).await;
    assert_eq!((totals.created, totals.requests), (1, 0));
    bench.once_each(3);
}

#[tokio::test(start_paused = true)]
async fn of_two_tickets_of_a_refused_row_one_is_told_as_a_duplicate() {
    let bench = Bench::new().script(1, &[Script::RefuseMade]);
    bench.fake.make_another(1);
    let (totals, told) = bench.run(&Input::new(3)).await;
    assert_eq!(totals.doubles, 1, "{:?}", told.notes);
    let done = |note: &&String| note.contains("it is done now");
    assert_eq!(told.notes.iter().filter(done).count(), 1);
    let both = |note: &String| note.contains("more than once") && note.contains("id0");
    assert!(told.notes.iter().any(both), "{:?}", told.notes);
}

/// Somebody's ticket ends with the reference of a row that the system refused: it is not the row's for that.
#[tokio::test(start_paused = true)]
async fn a_ticket_with_another_title_is_not_that_of_a_refused_row() {
    let bench = Bench::new().script(1, &[Script::Refuse]);
    bench.fake.make_ending(1);
    let (totals, told) = bench.run(&Input::new(3)).await;
    assert_eq!((totals.created, totals.rejected), (2, 1));
    let note = |text: &str| told.notes.iter().any(|note| note.contains(text));
    assert!(
        !note("it is done now") && note("under another title"),
        "{:?}",
        told.notes
    );
    assert!(totals.unswept);
    let (totals, told) = bench.run(&Input::new(3)).await;
    assert_eq!(
        (totals.in_doubt, totals.requests),
        (1, 0),
        "{:?}",
        told.ends
    );
    // So it is where the shape of the refusal is not believed any more.
    let mut bench = Bench::new();
    for n in 0..4 {
        bench = bench.script(n, &[Script::Refuse]);
    }
    bench = bench.script(4, &[Script::RefuseMade]);
    let (totals, _) = bench.run(&Input::new(6)).await;
    assert_eq!((totals.created, totals.rejected), (1, 5));
    bench.fake.make_ending(1);
    let (_, told) = bench.run(&Input::new(7).only(&[6])).await;
    let note = |text: &str| told.notes.iter().any(|note| note.contains(text));
    assert!(
        note("row `k1` was refused") && note("under another title"),
        "{:?}",
        told.notes
    );
}
