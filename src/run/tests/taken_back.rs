//! Runs that are taken back, and what the system says about it.

use std::sync::atomic::Ordering;

use super::fake::{Input, Listing, Script};
use super::*;
use crate::error::ErrorKind;
use crate::ledger::{ByHand, Run, UndoState};
use crate::record::RowKey;
use crate::systems::{Gap, Listed, Standing, Window};

/// Takes the last run back: how it went, and what became of each ticket.
pub(super) async fn take_back(bench: &Bench) -> (Result<Shutdown>, Vec<UndoState>) {
    let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let last = scope.last_run().await.unwrap().unwrap();
    let last = bench.ledger.whole_run(&last.code).await.unwrap();
    take_back_run(bench, &last).await
}

async fn take_back_run(bench: &Bench, run: &Run) -> (Result<Shutdown>, Vec<UndoState>) {
    let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let held = locks(&scope).await.unwrap();
    let taking = Taking {
        system: bench.fake.clone(),
        rollback: bench.ledger.rollback(&held, run).await.unwrap(),
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

/// In a shape that nothing proves, so that each is looked at once more. One that was obeyed is no refusal.
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
    assert_eq!(states.len(), 5, "{states:?}");
    assert_eq!(states[0], UndoState::Undone);
    let refused = |it: &UndoState| matches!(it, UndoState::Refused(why) if why.contains("right"));
    assert!(states[1..].iter().all(refused), "{states:?}");
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

/// Whether an input says of a row that a rollback has begun with its ticket.
fn is_begun(end: &End) -> bool {
    matches!(end, End::InDoubt { reason } if reason.contains("rollback"))
}

/// The request was obeyed, its answer was lost, and the read after it names another ticket.
#[tokio::test(start_paused = true)]
async fn a_ticket_of_which_nobody_knows_whether_it_was_taken_back_is_in_doubt() {
    for is_last_answer_lost in [true, false] {
        let bench = Bench::new();
        bench.run(&Input::new(3)).await;
        let script = match is_last_answer_lost {
            true => Script::Lost,
            false => Script::Says(true, 400),
        };
        bench.fake.script("undo/id1", &[script]);
        bench.fake.misread.lock().unwrap().push("id1".to_owned());
        let (going, states) = take_back(&bench).await;
        assert!(going.is_ok());
        assert!(
            states.iter().any(|it| matches!(it, UndoState::Unknown(_))),
            "{states:?}"
        );
        let (totals, told) = bench.run(&Input::new(3)).await;
        assert_eq!((totals.created, totals.in_doubt), (2, 1));
        assert!(is_begun(told.end(1)), "{:?}", told.end(1));
        // Nothing is said of it that nobody knows.
        let runs = bench.ledger.whole_runs().await.unwrap();
        let mut ids = Vec::new();
        for run in &runs {
            let (page, _) = bench.ledger.ids(run, None, 10).await.unwrap();
            ids.extend(page.into_iter().map(|made| made.ticket.id));
        }
        assert!(!ids.contains(&"id1".to_owned()), "{ids:?}");
        let first = runs.last().unwrap();
        let tally = bench.ledger.tally(first).await.unwrap();
        assert_eq!((tally.made, tally.of("in_doubt")), (0, 1), "{tally:?}");
        // Another rollback finds out; the row is made anew.
        bench.fake.misread.lock().unwrap().clear();
        let made = bench.ledger.whole_run(&first.code()).await.unwrap();
        let (going, states) = take_back_run(&bench, &made).await;
        assert!(going.is_ok());
        assert_eq!(states, [UndoState::Undone]);
        let (totals, _) = bench.run(&Input::new(3)).await;
        assert_eq!((totals.created, totals.done_before), (1, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_says_what_became_of_a_ticket_with_which_a_rollback_has_begun() {
    for (is_there, made) in [(true, 2), (false, 3)] {
        let bench = Bench::new();
        bench.run(&Input::new(3)).await;
        bench.fake.script("undo/id1", &[Script::Lost]);
        bench.fake.misread.lock().unwrap().push("id1".to_owned());
        let (going, _) = take_back(&bench).await;
        assert!(going.is_ok());
        let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
        let run = bench.ledger.whole_runs().await.unwrap().remove(0);
        let doubtful = bench.ledger.doubtful(&run).await.unwrap();
        assert_eq!(doubtful.len(), 1);
        let ticket = doubtful[0].ticket.clone().unwrap();
        assert_eq!(ticket.id, "id1");
        let said = match is_there {
            true => ByHand::Own(ticket),
            false => ByHand::Resend,
        };
        let held = locks(&scope).await.unwrap();
        let settled = vec![(doubtful[0].clone(), said)];
        let count = bench.ledger.settle_by_hand(&held, &run, settled).await;
        assert_eq!(count.unwrap(), 1);
        drop(held);
        assert!(bench.ledger.doubtful(&run).await.unwrap().is_empty());
        let (totals, _) = bench.run(&Input::new(3)).await;
        assert_eq!((totals.created, totals.in_doubt), (made, 0));
    }
}

/// The note of a rollback arrives, the state that goes with it does not. Where the answer is lost and the note is not shown,
/// nobody knows who has changed the ticket.
#[tokio::test(start_paused = true)]
async fn the_note_of_a_rollback_is_no_change_of_somebody_else() {
    for (answered, shows) in [(true, true), (true, false), (false, true), (false, false)] {
        let bench = Bench::new();
        bench.fake.shows_notes.store(shows, Ordering::Relaxed);
        bench.run(&Input::new(3)).await;
        bench.fake.script("undo/id1", &[Script::Noted(answered)]);
        let started = Instant::now();
        let (going, states) = take_back(&bench).await;
        assert!(going.is_ok());
        let undone = states.iter().filter(|it| **it == UndoState::Undone).count();
        let unknown = |it: &&UndoState| matches!(it, UndoState::Unknown(_));
        let unknown = states.iter().filter(unknown).count();
        let is_known = answered || shows;
        let wanted = if is_known { (3, 0) } else { (2, 1) };
        assert_eq!((undone, unknown), wanted, "{states:?}");
        // What was sent may be obeyed still.
        assert_eq!(started.elapsed() >= Duration::from_secs(90), !is_known);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_whose_request_never_left_leaves_no_doubt() {
    let bench = Bench::new();
    bench.run(&Input::new(1)).await;
    bench.fake.script("undo/id0", &[Script::Unsent; 40]);
    let (going, _) = take_back(&bench).await;
    assert_eq!(going.unwrap_err().kind(), ErrorKind::Unreachable);
    let (totals, _) = bench.run(&Input::new(1)).await;
    assert_eq!((totals.done_before, totals.in_doubt), (1, 0));
}

/// The state folder is gone, and all that its runs made was taken back: the rows are made anew.
#[tokio::test(start_paused = true)]
async fn tickets_that_were_taken_back_are_none_of_another_ledger() {
    let listed = |is_taken_back: bool, standing: Standing| Listed {
        text: Some("It is broken\n\nRef: s/k1".to_owned()),
        is_taken_back,
        standing,
        ..Listed::default()
    };
    let cases = [
        (listed(false, Standing::Closed), 1),
        (listed(true, Standing::Closed), 0),
        (listed(false, Standing::Gone), 0),
    ];
    for (ticket, expected) in cases {
        let bench = Bench::new();
        bench.fake.samples.lock().unwrap().push(ticket.clone());
        let limiter = Limiter::new(None);
        let sample = probe(bench.fake.as_ref(), &limiter, "s", None).await;
        assert_eq!(sample.unwrap().of_scope.len(), expected, "{ticket:?}");
    }
}

/// The answer to the first row is replayed: it has the title of the second one, which is the same row.
#[tokio::test(start_paused = true)]
async fn an_answer_that_names_the_ticket_which_was_rolled_back_is_not_believed() {
    for further in [false, true] {
        let bench = Bench::new();
        let input = Input::new(3);
        let input = match further {
            true => input.with_step("assign"),
            false => input,
        };
        bench.run(&input).await;
        take_back(&bench).await.0.unwrap();
        bench.fake.script("k1", &[Script::Mistaken(1)]);
        let (totals, _) = bench.run(&input).await;
        assert_eq!((totals.created, totals.in_doubt), (3, 0));
        let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
        let states = scope.states(vec![RowKey::new("k1")]).await.unwrap();
        let ticket = states[0].iter().find_map(|step| step.ticket.as_ref());
        let ticket = ticket.unwrap();
        assert_ne!(ticket.id, "id1");
    }
}

/// A ticket that was just made need not be visible: that it cannot be read is no proof that somebody has deleted it. Nor is
/// it where the system's clock said another time when it was made.
#[tokio::test(start_paused = true)]
async fn a_young_ticket_that_cannot_be_read_is_not_gone() {
    for (is_gone, offset) in [(false, 1), (true, 1), (false, -3), (true, -3)] {
        let mut bench = Bench::new();
        bench.header_is_off_by(offset);
        bench.run(&Input::new(2)).await;
        bench.header_is_off_by(1);
        bench.fake.unreadable.lock().unwrap().push("id1".to_owned());
        let shows = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            if !is_gone {
                bench.fake.unreadable.lock().unwrap().clear();
            }
        };
        let ((going, states), ()) = tokio::join!(take_back(&bench), shows);
        assert!(going.is_ok());
        let gone = states.iter().filter(|it| **it == UndoState::Gone).count();
        assert_eq!(
            (states.len(), gone),
            (2, usize::from(is_gone)),
            "{states:?}"
        );
    }
}

/// Whoever stops the last wait of a rollback has no proof that a young ticket is gone: its key is not free.
#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_stopped_in_its_last_wait_frees_no_key() {
    for shows in [false, true] {
        let bench = Bench::new();
        bench.run(&Input::new(2)).await;
        bench.fake.unreadable.lock().unwrap().push("id1".to_owned());
        let stops = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            if shows {
                bench.fake.unreadable.lock().unwrap().clear();
            }
            bench.going.send(Shutdown::Drain).unwrap();
        };
        let ((going, states), ()) = tokio::join!(take_back(&bench), stops);
        assert_eq!(going.unwrap(), Shutdown::Drain);
        let is_unknown = |it: &UndoState| matches!(it, UndoState::Unknown(_));
        assert_eq!(states.len(), 2, "{states:?}");
        assert!(states.iter().any(is_unknown), "{states:?}");
        bench.fake.unreadable.lock().unwrap().clear();
        bench.going.send_replace(Shutdown::None);
        let (totals, _) = bench.run(&Input::new(2)).await;
        assert_eq!((totals.created, totals.done_before), (1, 1), "{shows}");
    }
}

/// A gateway may say once that there is no such ticket.
#[tokio::test(start_paused = true)]
async fn a_ticket_is_gone_when_that_is_said_twice() {
    let bench = Bench::new();
    bench.run(&Input::new(2)).await;
    bench.fake.unreadable.lock().unwrap().push("id1".to_owned());
    let shows = async {
        tokio::time::sleep(Duration::from_millis(90_400)).await;
        bench.fake.unreadable.lock().unwrap().clear();
    };
    let ((going, states), ()) = tokio::join!(take_back(&bench), shows);
    assert!(going.is_ok());
    assert_eq!(states, [UndoState::Undone, UndoState::Undone]);
}

/// Whoever learns from a system believes that tickets are there: a list without any proves nothing.
#[tokio::test(start_paused = true)]
async fn an_adoption_that_is_shown_nothing_is_not_whole() {
    let bench = Bench::new();
    bench.fake.listing(Listing::Empty);
    let taken_back = HashSet::new();
    let marks = Marks {
        scope: "s",
        field: None,
        taken_back: &taken_back,
        is_old: true,
    };
    let window = Window {
        from: jiff::Timestamp::UNIX_EPOCH,
        to: jiff::Timestamp::now(),
    };
    let limiter = Limiter::new(None);
    let marked = marked(&*bench.fake, &limiter, window, &marks);
    assert_eq!(marked.await.unwrap().gap, Some(Gap::Nothing));
}
