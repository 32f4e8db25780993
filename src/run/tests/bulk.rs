//! Calls of several rows in one request: confirmed ticket by ticket, and never sent where nobody knows.

use serde_json::json;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::fake::{Input, Script};
use super::*;
use crate::run::context::RunContext;
use crate::run::gather::{Gather, Taken};
use crate::systems::{Call, Outcome, Ticket};

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.settings.bulk = true;
    bench
}

impl Bench {
    /// What happens to the next requests for many tickets.
    fn many(self, scripts: &[Script]) -> Self {
        self.fake.many.lock().unwrap().scripts.extend(scripts);
        self
    }

    fn stubborn(self, tickets: &[usize]) -> Self {
        let ids = tickets.iter().map(|n| format!("t{n}"));
        self.fake.many.lock().unwrap().stubborn.extend(ids);
        self
    }

    /// For how many tickets each request was, the largest first.
    fn sizes(&self) -> Vec<usize> {
        let mut sizes = self.fake.many.lock().unwrap().sizes.clone();
        sizes.sort_unstable_by(|one, other| other.cmp(one));
        sizes
    }

    fn most_flying(&self) -> usize {
        self.fake.many.lock().unwrap().most_flying
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_set_the_same_go_together_and_are_each_confirmed() {
    let bench = bench();
    let input = Input::new(450).acting("assign", 2);
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.created, totals.requests, totals.bulk), (450, 6, 6));
    assert_eq!(bench.sizes(), [100, 100, 100, 100, 25, 25]);
    assert!(bench.most_flying() <= bench.settings.concurrency);
    // Each row has its own outcome in the ledger.
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.done_before, totals.requests), (450, 0));
}

#[tokio::test(start_paused = true)]
async fn without_being_asked_nothing_goes_together_and_two_rows_never_do() {
    let single = Bench::new();
    let (totals, _) = single.run(&Input::new(50).acting("assign", 1)).await;
    assert_eq!((totals.created, totals.requests, totals.bulk), (50, 50, 0));
    let few = bench();
    let (totals, _) = few.run(&Input::new(2).acting("assign", 1)).await;
    assert_eq!((totals.created, totals.requests, totals.bulk), (2, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_does_not_show_it_goes_by_itself() {
    let bench = bench().stubborn(&[3, 7]);
    bench.fake.script("t7/assign", &[Script::Refuse]);
    let (totals, told) = bench.run(&Input::new(100).acting("assign", 1)).await;
    assert_eq!((totals.created, totals.rejected), (99, 1));
    assert_eq!((totals.requests, totals.bulk), (3, 1));
    assert_eq!(bench.fake.set("t3"), ["assign 0"]);
    assert!(matches!(told.end(7), End::Rejected(_)));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_its_time_is_waited_for() {
    let bench = bench().many(&[Script::Late(2)]);
    let (totals, _) = bench.run(&Input::new(100).acting("assign", 1)).await;
    assert_eq!((totals.created, totals.requests), (100, 1));
    assert_eq!(bench.fake.many.lock().unwrap().looks, 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_as_a_whole_tells_each_row_its_own_reason() {
    let bench = bench().many(&[Script::Refuse]);
    bench.fake.script("t5/assign", &[Script::Refuse]);
    let (totals, told) = bench.run(&Input::new(200).acting("assign", 1)).await;
    assert_eq!((totals.created, totals.rejected), (199, 1));
    // One that was refused, its rows, and one more.
    assert_eq!((totals.requests, totals.bulk), (102, 2));
    assert!(matches!(told.end(5), End::Rejected(_)));
    assert!(bench.most_flying() <= bench.settings.concurrency);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_system_does_not_know_is_not_sent_again_and_again() {
    let bench = bench().many(&[Script::Refuse; 4]);
    bench.fake.many.lock().unwrap().refusal = 404;
    let (totals, told) = bench.run(&Input::new(3_000).acting("assign", 1)).await;
    assert_eq!(totals.created, 3_000);
    // What was under way when it was refused.
    assert!(totals.bulk <= 4, "{}", totals.bulk);
    assert_eq!(totals.requests, 3_000 + totals.bulk);
    let notes = told.notes.iter().filter(|note| note.contains("in bulk"));
    assert_eq!(notes.count(), 1, "{:?}", told.notes);
}

#[tokio::test(start_paused = true)]
async fn a_system_that_never_shows_it_is_asked_for_each_ticket() {
    let bench = bench().many(&[Script::NeverCame; 30]);
    let (totals, told) = bench.run(&Input::new(3_000).acting("assign", 1)).await;
    assert_eq!(totals.created, 3_000);
    assert_eq!(totals.requests, 3_000 + totals.bulk);
    assert!(totals.bulk <= 20, "{}", totals.bulk);
    let notes = told.notes.iter().filter(|note| note.contains("in bulk"));
    assert_eq!(notes.count(), 1, "{:?}", told.notes);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_fast_or_never_left_goes_again_together_and_counts_once() {
    let bench = bench().many(&[Script::Throttle(Some(30)), Script::Unsent]);
    let started = Instant::now();
    let (totals, told) = bench.run(&Input::new(100).acting("assign", 1)).await;
    assert_eq!((totals.created, totals.throttled), (100, 1));
    assert_eq!((totals.requests, totals.bulk), (3, 3));
    assert!(started.elapsed() > Duration::from_secs(30));
    assert_eq!(told.notes.len(), 1, "{:?}", told.notes);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_allowed_in_bulk_stops_the_run_and_says_how_it_may_go() {
    let bench = bench().many(&[Script::Deny]);
    let (totals, _) = bench.run(&Input::new(100).acting("assign", 1)).await;
    assert_eq!((totals.created, totals.not_sent), (0, 100));
    let error = totals.stopped.unwrap().to_string();
    assert!(error.contains("leave `--bulk` out"), "{error}");
    let single = Bench {
        settings: Settings::default(),
        ..bench
    };
    let (totals, _) = single.run(&Input::new(100).acting("assign", 1)).await;
    assert_eq!((totals.created, totals.requests), (100, 100));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_read_back() {
    let bench = bench().many(&[Script::Lost]);
    let (totals, _) = bench.run(&Input::new(100).acting("assign", 1)).await;
    assert_eq!((totals.created, totals.requests), (100, 1));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_does_not_show_is_looked_up_before_it_goes_again() {
    let bench = bench().stubborn(&[4]).many(&[Script::Lost]);
    bench.fake.tells();
    let (totals, _) = bench.run(&Input::new(100).acting("close", 1)).await;
    assert_eq!((totals.created, totals.requests), (100, 2));
    assert_eq!(bench.fake.set("t4"), ["close 0"]);
    assert!(bench.fake.set("t3").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_leaves_what_the_next_one_finds_out() {
    for going in [Shutdown::Drain, Shutdown::Abort] {
        for after in [500, 1_010, 1_100, 5_000] {
            let bench = bench().many(&[Script::Late(2)]);
            bench.fake.tells();
            let input = Input::new(90).acting("close", 1);
            let stop = async {
                sleep(Duration::from_millis(after)).await;
                bench.going.send_replace(going);
            };
            let ((first, _), ()) = tokio::join!(bench.run(&input), stop);
            bench.going.send_replace(Shutdown::None);
            let (second, _) = bench.run(&input).await;
            let both = first.created + second.created;
            assert_eq!((both, second.in_doubt), (90, 0), "{going:?} {after}");
            // Whatever was in doubt was looked up: each ticket is closed once.
            for n in 0..90 {
                let singly = bench.fake.set(&format!("t{n}")).len();
                let many = bench.fake.many.lock().unwrap();
                let together = many.times(&format!("t{n}"));
                assert_eq!(singly + together, 1, "{going:?} {after} {n}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_dropped_holds_up_none_of_the_others() {
    let bench = bench();
    let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let gather = Arc::new(Gather::new(4));
    let run = {
        let locks = scope.lock(None).unwrap();
        scope.start_run(&locks, RunMeta::default()).await.unwrap()
    };
    let limiter = Arc::new(Limiter::new(None));
    let (context, _halt, _heard) = RunContext::new(
        bench.fake.clone(),
        limiter,
        &bench.settings,
        Uuid::nil(),
        run,
    );
    let context = Arc::new(context);
    let join = |n: usize| {
        let (gather, context) = (Arc::clone(&gather), Arc::clone(&context));
        tokio::spawn(async move {
            let ticket = Ticket {
                id: format!("t{n}"),
                ..Ticket::default()
            };
            let call = Call {
                step: "assign",
                ticket: Some(&ticket),
                body: &json!({"to": 1}),
                id: Uuid::nil(),
                old_id: Uuid::nil(),
            };
            gather.join(&context, "assign", call, &ticket).await
        })
    };
    // The first is dropped while it waits, the second while the request is under way, the third while it is read back.
    let mut rows: Vec<_> = (0..3).map(join).collect();
    sleep(Duration::from_millis(10)).await;
    rows[0].abort();
    rows.push(join(3));
    sleep(Duration::from_millis(10)).await;
    rows[1].abort();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(bench.sizes(), [4]);
    rows[2].abort();
    let last = rows.pop().unwrap();
    let taken = timeout(Duration::from_secs(60), last)
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(taken, Taken::Answered(Outcome::Done(ticket)) if ticket.id == "t3"));
    // A group of which nobody is left is not joined.
    let alone = join(5);
    sleep(Duration::from_millis(10)).await;
    alone.abort();
    sleep(Duration::from_millis(10)).await;
    let two: Vec<_> = (6..8).map(join).collect();
    for row in two {
        assert_eq!(row.await.unwrap(), Taken::Alone);
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_make_nothing_wait_for_no_first_create() {
    let mut bench = Bench::new();
    bench.settings.rate = Some(0.0);
    bench.fake.wants_the_first_alone();
    let started = Instant::now();
    let (totals, _) = bench.run(&Input::new(400).acting("assign", 1)).await;
    assert_eq!(totals.created, 400);
    // Four at a time, twenty milliseconds each.
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(bench.most_flying(), 4);
}

/// A gateway refuses what the system has done: nothing is closed a second time.
#[tokio::test(start_paused = true)]
async fn an_end_that_is_refused_in_an_unproven_form_is_looked_up() {
    for status in [400, 401, 403, 404, 429] {
        let bench = bench().many(&[Script::Says(true, status)]);
        let input = Input::new(50).acting("close", 1);
        let (totals, told) = bench.run(&input).await;
        assert_eq!(totals.created, 50, "{status}: {:?}", told.notes);
        for n in 0..50 {
            let ticket = format!("t{n}");
            assert_eq!(bench.fake.many.lock().unwrap().times(&ticket), 1);
            assert!(bench.fake.set(&ticket).is_empty(), "{status}");
        }
    }
}
