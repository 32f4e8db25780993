//! The engine against a scripted system on a paused clock, over the ledger's twin in memory.

mod bulk;
mod cost;
mod fake;
mod learned;
mod many;
mod model;
mod old;
mod resumed;
mod rights;
mod staged;
mod taken_back;
mod tied;
mod unmarked;
mod unproven;
mod upsert;
mod whose;

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::time::timeout;

use super::*;
use crate::event::{End, Event, RowEnd, Skip, Wait};
use crate::ledger::{Ledger, RunState};
use fake::{Fake, Input, Script};

/// What a run told.
#[derive(Default)]
struct Told {
    ends: Vec<RowEnd>,
    notes: Vec<String>,
    waits: Vec<Wait>,
}

impl Listener for Told {
    fn on(&mut self, event: &Event) {
        match event {
            Event::Row(end) => self.ends.push((**end).clone()),
            Event::Note(text) => self.notes.push(text.clone()),
            Event::Waiting(wait) => self.waits.push(wait.clone()),
            _ => {}
        }
    }
}

impl Told {
    fn end(&self, n: usize) -> &End {
        let key = format!("k{n}");
        let found = self
            .ends
            .iter()
            .find(|end| end.key.as_ref().is_some_and(|k| k.as_str() == key));
        &found.unwrap().end
    }
}

/// The locks of a scope, as soon as the tasks of a run that was dropped are gone.
async fn locks(scope: &Scope) -> Result<RunLocks> {
    for _ in 0..100 {
        if let Ok(locks) = scope.lock(None) {
            return Ok(locks);
        }
        tokio::task::yield_now().await;
    }
    scope.lock(None)
}

fn second(input: &Input) -> Second<'_> {
    Second {
        items: input.items(),
        refer: None,
    }
}

struct Bench {
    ledger: Ledger,
    fake: Arc<Fake>,
    settings: Settings,
    going: tokio::sync::watch::Sender<Shutdown>,
    /// Whether all tickets are made before anything follows on one.
    staged: bool,
}

impl Bench {
    fn new() -> Self {
        Self {
            ledger: Ledger::in_memory().unwrap(),
            fake: Arc::new(Fake::default()),
            settings: Settings {
                rate: Some(100.0),
                concurrency: 4,
                ..Settings::default()
            },
            going: tokio::sync::watch::Sender::new(Shutdown::None),
            staged: false,
        }
    }

    /// The system's clock less ours, from now on.
    fn header_is_off_by(&mut self, hours: i64) {
        let fake = Arc::get_mut(&mut self.fake).unwrap();
        fake.account.clock_offset = jiff::SignedDuration::from_hours(hours);
    }

    fn script(self, n: usize, script: &[Script]) -> Self {
        self.fake.script(&format!("k{n}"), script);
        self
    }

    async fn run(&self, input: &Input) -> (Totals, Told) {
        let mut told = Told::default();
        let totals = self.run_with(input, &mut told).await.unwrap();
        assert_eq!(totals.ended(), totals.records);
        (totals, told)
    }

    async fn run_in(&self, scope: Scope, input: &Input) -> (Totals, Told) {
        let mut told = Told::default();
        let totals = self.run_scope(scope, input, &mut told).await.unwrap();
        (totals, told)
    }

    async fn run_with(&self, input: &Input, told: &mut Told) -> Result<Totals> {
        let scope = self.ledger.scope("clearfeed", "acme", "s").await.unwrap();
        self.run_scope(scope, input, told).await
    }

    async fn run_scope(&self, scope: Scope, input: &Input, told: &mut Told) -> Result<Totals> {
        let job = Job {
            items: input.items(),
            counted: (input.count(), input.count(), 0),
            map: input,
            system: Some(self.fake.clone()),
            targets: None,
            // Each start is an attempt at one run.
            meta: RunMeta {
                input_print: "in".to_owned(),
                ..RunMeta::default()
            },
            locks: Some(locks(&scope).await?),
            reread: Some(Box::new(|each| input.keys(each))),
            again: self
                .staged
                .then(|| Box::new(|_: &ActiveRun| Ok(second(input))) as Again<'_>),
            ledger: Some(scope),
        };
        let limiter = Arc::new(Limiter::new(self.settings.rate));
        execute(job, &self.settings, limiter, self.going.subscribe(), told).await
    }

    /// How many tickets there are for each key, as the system knows it.
    fn made(&self) -> BTreeMap<String, usize> {
        self.fake.made()
    }

    fn once_each(&self, count: usize) {
        let made = self.made();
        assert_eq!(made.len(), count, "{made:?}");
        assert!(made.values().all(|n| *n == 1), "{made:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_row_is_made_once_and_a_second_run_makes_nothing() {
    let bench = Bench::new();
    let input = Input::new(700);
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.created, totals.requests), (700, 700));
    assert_eq!(totals.state, RunState::Finished);
    bench.once_each(700);
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.done_before, totals.requests), (700, 0));
    let (totals, told) = bench.run(&input.clone().changed()).await;
    assert_eq!((totals.changed, totals.requests), (700, 0));
    assert!(matches!(told.end(3), End::Skipped(Skip::Changed { .. })));
    bench.once_each(700);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_used_up_holds_all_rows_and_is_no_refusal() {
    let bench = Bench::new().script(0, &[Script::Spent(90)]);
    let mut told = Told::default();
    let started = Instant::now();
    let totals = bench.run_with(&Input::new(40), &mut told).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(90));
    assert_eq!((totals.created, totals.throttled), (40, 0));
    assert!(
        told.waits.contains(&Wait::Spent(Duration::from_secs(90))),
        "{:?}",
        told.waits
    );
    bench.once_each(40);
}

#[tokio::test(start_paused = true)]
async fn throttled_and_unsent_requests_go_again() {
    let bench = Bench::new()
        .script(1, &[Script::Throttle(Some(20)), Script::Throttle(None)])
        .script(2, &[Script::Unsent, Script::Unsent]);
    let start = Instant::now();
    let (totals, told) = bench.run(&Input::new(5)).await;
    assert_eq!((totals.created, totals.throttled), (5, 2));
    assert!(start.elapsed() >= Duration::from_secs(21));
    assert!(!told.waits.is_empty());
    bench.once_each(5);
}

#[tokio::test(start_paused = true)]
async fn a_row_in_doubt_is_found_or_sent_again() {
    let bench = Bench::new()
        .script(1, &[Script::Lost])
        .script(2, &[Script::NeverCame])
        .script(3, &[Script::Late(40)]);
    let (totals, _) = bench.run(&Input::new(10)).await;
    assert_eq!(totals.created, 10);
    assert_eq!(totals.requests, 11);
    assert_eq!(totals.doubles, 0);
    bench.once_each(10);
}

#[tokio::test(start_paused = true)]
async fn without_a_ticket_listed_back_nothing_is_sent_again() {
    let bench = Bench::new().script(0, &[Script::NeverCame]);
    let (totals, told) = bench.run(&Input::new(1)).await;
    assert_eq!((totals.in_doubt, totals.requests), (1, 1));
    let End::InDoubt { reason } = told.end(0) else {
        panic!("{:?}", told.end(0))
    };
    assert!(reason.contains("proves nothing"), "{reason}");
    // With another row the next run has the proof.
    let (totals, _) = bench.run(&Input::new(2)).await;
    assert_eq!(totals.created, 2);
    bench.once_each(2);
}

#[tokio::test(start_paused = true)]
async fn a_ticket_of_another_group_proves_nothing() {
    let bench = Bench::new().script(0, &[Script::NeverCame]);
    let (totals, _) = bench.run(&Input::new(3).alone_in_its_group(0)).await;
    assert_eq!((totals.in_doubt, totals.created), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_hides_the_text_or_is_not_whole_proves_nothing() {
    for fault in [
        fake::Listing::Hidden,
        fake::Listing::Partial,
        fake::Listing::Failing,
    ] {
        let bench = Bench::new().script(1, &[Script::NeverCame]);
        bench.fake.listing(fault);
        let (totals, _) = bench.run(&Input::new(3)).await;
        assert_eq!((totals.in_doubt, totals.created), (1, 2), "{fault:?}");
        bench.fake.listing(fake::Listing::Good);
        let (totals, _) = bench.run(&Input::new(3)).await;
        assert_eq!((totals.created, totals.done_before), (1, 2), "{fault:?}");
        bench.once_each(3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_ticket_may_be_there_without_its_reference_is_not_sent_again() {
    let bench = Bench::new().script(1, &[Script::Lost]);
    bench.fake.listing(fake::Listing::HalfHidden);
    let input = Input::new(3);
    let (totals, told) = bench.run(&input).await;
    assert_eq!((totals.in_doubt, totals.created), (1, 2));
    let End::InDoubt { reason } = told.end(1) else {
        panic!("{:?}", told.end(1))
    };
    assert!(reason.contains("ticket `id1` may be its own"), "{reason}");
    let run = totals.run.clone().unwrap();
    let run = bench.ledger.whole_run(&run).await.unwrap();
    let doubtful = bench.ledger.doubtful(&run).await.unwrap();
    let candidate = &doubtful[0].candidates[0];
    assert_eq!(candidate.ticket.id, "id1");
    assert_eq!(candidate.title.as_deref(), Some("Row k1"));
    bench.once_each(3);
    bench.fake.listing(fake::Listing::Good);
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.created, totals.done_before), (1, 2));
    bench.once_each(3);
}

#[tokio::test(start_paused = true)]
async fn what_colleagues_make_meanwhile_leaves_no_row_in_doubt() {
    let bench = Bench::new().script(1, &[Script::NeverCame]);
    bench.fake.by_hand("k9");
    let (totals, _) = bench.run(&Input::new(3)).await;
    assert_eq!((totals.created, totals.in_doubt), (3, 0));
    // The same title, and no reference: it may be the row's.
    let bench = Bench::new().script(1, &[Script::NeverCame]);
    bench.fake.by_hand("k1");
    let (totals, _) = bench.run(&Input::new(3)).await;
    assert_eq!((totals.created, totals.in_doubt), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_marker_a_row_in_doubt_stays_so_at_once() {
    let bench = Bench::new().script(1, &[Script::NeverCame]);
    let start = Instant::now();
    let input = Input::new(3).without_marker();
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.in_doubt, totals.created), (1, 2));
    assert!(start.elapsed() < Duration::from_secs(5));
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.in_doubt, totals.requests), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn three_attempts_settled_as_absent_are_enough() {
    let bench = Bench::new().script(1, &[Script::NeverCame; 5]);
    let (totals, told) = bench.run(&Input::new(3)).await;
    assert_eq!((totals.rejected, totals.created), (1, 2));
    assert_eq!(totals.requests, 2 + 3);
    let End::Rejected(faults) = told.end(1) else {
        panic!("{:?}", told.end(1))
    };
    assert!(
        faults[0].message.contains("3 times"),
        "{}",
        faults[0].message
    );
    let (totals, _) = bench.run(&Input::new(3)).await;
    assert_eq!((totals.rejected, totals.requests), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_double_is_told() {
    // The assumption is broken: the first request commits long after it was settled as absent.
    let bench = Bench::new().script(1, &[Script::Late(91), Script::Late(30)]);
    let (totals, told) = bench.run(&Input::new(3)).await;
    assert_eq!(bench.made()["k1"], 2);
    assert_eq!((totals.created, totals.doubles), (3, 1));
    assert!(
        told.notes
            .iter()
            .any(|note| note.contains("more than once"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_goes_again_only_when_it_has_changed() {
    let bench = Bench::new().script(1, &[Script::Refuse]);
    let input = Input::new(3);
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.rejected, totals.created), (1, 2));
    let (totals, told) = bench.run(&input).await;
    assert_eq!((totals.rejected, totals.requests), (1, 0));
    assert!(!told.ends.iter().any(|end| matches!(end.end, End::NotSent)));
    let (totals, _) = bench.run(&input.fixed(1)).await;
    assert_eq!((totals.created, totals.requests), (1, 1));
    bench.once_each(3);
}

#[tokio::test(start_paused = true)]
async fn a_later_step_goes_on_where_it_was() {
    let bench = Bench::new();
    bench.fake.script("k1/assign", &[Script::Refuse]);
    bench
        .fake
        .script("k2/assign", &[Script::NeverCame, Script::NeverCame]);
    let input = Input::new(4).with_step("assign");
    let (totals, told) = bench.run(&input).await;
    assert_eq!((totals.created, totals.incomplete), (3, 1));
    assert_eq!(totals.requests, 8 + 2);
    assert!(matches!(told.end(1), End::Incomplete { .. }));
    assert!(
        !told
            .ends
            .iter()
            .find(|e| matches!(e.end, End::Incomplete { .. }))
            .unwrap()
            .rows
            .is_empty()
    );
    let (totals, _) = bench.run(&input).await;
    assert_eq!(
        (totals.incomplete, totals.done_before, totals.requests),
        (1, 3, 0)
    );
    let (totals, _) = bench.run(&input.clone().fixed(1)).await;
    assert_eq!((totals.created, totals.changed, totals.requests), (1, 0, 1));
    let (totals, _) = bench.run(&input.fixed(1)).await;
    assert_eq!(totals.done_before, 4);
    bench.once_each(4);
}

#[tokio::test(start_paused = true)]
async fn what_was_absent_of_one_step_counts_against_no_other() {
    let lost = [Script::NeverCame, Script::NeverCame];
    let bench = Bench::new().script(1, &lost[..1]);
    bench.fake.tells();
    bench.fake.script("k1/follow", &lost);
    let input = Input::new(3).with_step("follow");
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.created, totals.incomplete), (3, 0));
    assert_eq!(bench.fake.set("k1"), ["follow 0"]);
    bench.once_each(3);
    // Of one step it does count.
    let bench = Bench::new();
    bench.fake.tells();
    bench.fake.script("k1/follow", &[Script::NeverCame; 3]);
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.created, totals.incomplete), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn fifty_refusals_in_a_row_stop_the_run_and_it_can_be_resumed() {
    let bench = Bench::new();
    for n in 0..60 {
        bench.fake.script(&format!("k{n}"), &[Script::Refuse]);
    }
    let (totals, _) = bench.run(&Input::new(200)).await;
    assert_eq!(totals.state, RunState::Stopped);
    let stopped = totals.stopped.as_ref().unwrap();
    assert_eq!(stopped.kind().exit_code() as u8, 1, "{stopped}");
    assert!((50..54).contains(&totals.rejected), "{}", totals.rejected);
    assert_eq!(totals.not_sent, 200 - totals.rejected);
    let (totals, _) = bench.run(&Input::new(200)).await;
    assert_eq!(totals.state, RunState::Finished);
    assert_eq!(totals.created + totals.rejected, 200);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_no_longer_good_and_an_unreachable_system_stop_the_run() {
    let bench = Bench::new().script(5, &[Script::Deny]);
    let (totals, _) = bench.run(&Input::new(100)).await;
    assert_eq!(
        totals.stopped.unwrap().kind(),
        crate::error::ErrorKind::Denied
    );
    assert!(totals.not_sent > 0);
    bench.fake.script("k50", &[Script::Unsent; 7]);
    let (totals, _) = bench.run(&Input::new(100)).await;
    assert_eq!(
        totals.stopped.unwrap().kind(),
        crate::error::ErrorKind::Unreachable
    );
    let (totals, _) = bench.run(&Input::new(100)).await;
    assert_eq!(totals.created + totals.done_before, 100);
    bench.once_each(100);
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_is_under_way_and_never_waits_for_doubt() {
    let bench = Bench::new().script(3, &[Script::Lost]);
    let input = Input::new(1000);
    let mut told = Told::default();
    let start = Instant::now();
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        bench.going.send_replace(Shutdown::Drain);
    };
    let (totals, ()) = tokio::join!(bench.run_with(&input, &mut told), stopping);
    let totals = totals.unwrap();
    assert_eq!(totals.state, RunState::Interrupted);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(totals.in_doubt, 1);
    assert!(totals.created > 250 && totals.not_sent > 500, "{totals:?}");
    assert_eq!(totals.ended(), 1000);
    bench.going.send_replace(Shutdown::None);
    let (second, _) = bench.run(&input).await;
    assert_eq!(second.created, totals.not_sent + 1);
    bench.once_each(1000);
}

/// The time that rows have when a run is told to stop is one for all their steps.
#[tokio::test(start_paused = true)]
async fn a_row_with_many_steps_ends_with_the_grace_of_the_run() {
    let mut bench = Bench::new();
    bench.settings.rate = Some(5.0);
    let input = Input::new(1).with_steps("assign", 300);
    let mut told = Told::default();
    let start = Instant::now();
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        bench.going.send_replace(Shutdown::Drain);
    };
    let (totals, ()) = tokio::join!(bench.run_with(&input, &mut told), stopping);
    assert_eq!(totals.unwrap().state, RunState::Interrupted);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
    bench.going.send_replace(Shutdown::None);
    bench.run(&input).await;
    assert_eq!(bench.fake.set("k0").len(), 300);
    bench.once_each(1);
}

#[tokio::test(start_paused = true)]
async fn an_abort_returns_at_once_and_the_next_run_settles() {
    let bench = Bench::new();
    let input = Input::new(300);
    let mut told = Told::default();
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(1005)).await;
        bench.going.send_replace(Shutdown::Abort);
    };
    let (totals, ()) = tokio::join!(bench.run_with(&input, &mut told), stopping);
    let totals = totals.unwrap();
    assert_eq!(totals.state, RunState::Interrupted);
    assert!(totals.in_doubt > 0, "{totals:?}");
    let doubts = told.ends.iter();
    let doubts = doubts.filter(|end| matches!(end.end, End::InDoubt { .. }));
    assert_eq!(
        doubts.count() as u64,
        totals.in_doubt,
        "what is left in doubt is told"
    );
    let left = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let left = left.unsettled().await.unwrap().len() as u64;
    assert_eq!(
        left, totals.in_doubt,
        "only what was under way is left in doubt"
    );
    bench.going.send_replace(Shutdown::None);
    let (second, _) = bench.run(&input).await;
    assert_eq!(second.created + second.done_before, 300);
    assert_eq!(second.in_doubt, 0);
    bench.once_each(300);
}

#[tokio::test(start_paused = true)]
async fn the_first_create_goes_alone_where_the_system_wants_it() {
    let bench = Bench::new()
        .script(0, &[Script::Refuse])
        .script(1, &[Script::Lost]);
    bench.fake.wants_the_first_alone();
    let (totals, _) = bench.run(&Input::new(40)).await;
    assert_eq!((totals.created, totals.rejected), (39, 1));
    assert!(!bench.fake.was_crowded());
    bench.once_each(39);
}

#[tokio::test(start_paused = true)]
async fn more_rows_in_doubt_than_can_be_held_are_settled_on_the_way() {
    let mut bench = Bench::new();
    bench.settings.rate = Some(0.0);
    bench.settings.concurrency = 64;
    bench.fake.listing(fake::Listing::Failing);
    let rows = 12_000;
    // Now and then one is answered: a system that never is, is not sent so much.
    let lost: Vec<usize> = (0..rows).filter(|n| n % 8 > 0).collect();
    for n in &lost {
        bench.fake.script(&format!("k{n}"), &[Script::Lost]);
    }
    let input = Input::new(rows);
    let day = Duration::from_secs(86_400);
    let (totals, _) = timeout(day, bench.run(&input)).await.expect("it ends");
    assert_eq!(totals.in_doubt, lost.len() as u64);
    bench.once_each(rows);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_quotes_the_reference_of_another_is_not_taken_for_it() {
    let bench = Bench::new()
        .script(1, &[Script::Lost])
        .script(2, &[Script::NeverCame]);
    let (totals, _) = bench.run(&Input::new(5).quoting(1, 2)).await;
    assert_eq!((totals.created, totals.doubles), (5, 0));
    bench.once_each(5);
}

#[tokio::test(start_paused = true)]
async fn what_another_run_has_made_during_a_pause_is_not_sent() {
    let bench = Bench::new().script(1, &[Script::Throttle(Some(30))]);
    let input = Input::new(2);
    let other = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
        // As where locks do not reach.
        let run = (scope.start_run(&scope.unheld(), RunMeta::default()).await).unwrap();
        let made = crate::ledger::Settlement {
            key: RowKey::new("k1".to_owned()),
            step: crate::ledger::StepId {
                name: crate::systems::CREATE.to_owned(),
                ordinal: 0,
            },
            to: crate::ledger::State::Done,
            ticket: Some(crate::systems::Ticket::default()),
            trouble: None,
            doubted: false,
            at: jiff::Timestamp::now(),
        };
        run.settle(vec![made]).await.unwrap();
    };
    let ((totals, _), ()) = tokio::join!(bench.run(&input), other);
    assert_eq!((totals.created, totals.not_sent), (1, 1), "{totals:?}");
    let error = totals.stopped.unwrap();
    assert!(error.to_string().contains("another run"), "{error}");
    assert!(!bench.made().contains_key("k1"));
}

#[tokio::test(start_paused = true)]
async fn a_limit_counts_rows_that_are_not_done() {
    let mut bench = Bench::new();
    bench.settings.limit = Some(10);
    let input = Input::new(25);
    for created in [10, 10, 5] {
        let (totals, _) = bench.run(&input).await;
        assert_eq!(totals.created, created);
    }
    bench.once_each(25);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_tells_what_the_run_would_and_writes_nothing() {
    let mut bench = Bench::new().script(1, &[Script::Refuse]);
    let input = Input::new(300).faulty(7);
    bench.settings.dry_run = true;
    let (dry, _) = bench.run(&input).await;
    assert_eq!((dry.ready, dry.rejected, dry.requests), (299, 1, 0));
    assert!(bench.ledger.runs().await.unwrap().is_empty());
    bench.settings.dry_run = false;
    bench.settings.limit = Some(20);
    let (real, _) = bench.run(&input).await;
    // What the mapping rejects is not sent, and does not count.
    assert_eq!((real.created, real.rejected), (19, 2));
    bench.settings.dry_run = true;
    bench.settings.limit = None;
    let (dry, _) = bench.run(&input).await;
    assert_eq!((dry.ready, dry.rejected, dry.done_before), (279, 2, 19));
    assert_eq!(bench.ledger.runs().await.unwrap().len(), 1);
}

#[test]
fn on_several_threads_the_order_of_the_input_is_kept() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let mut bench = Bench::new();
        bench.ledger = Ledger::open(&folder.path().join(crate::ledger::FILE)).unwrap();
        bench.settings.rate = Some(0.0);
        bench.settings.workers = Some(3);
        bench.settings.dry_run = true;
        let input = Input::new(5000);
        let (totals, told) = bench.run(&input).await;
        assert_eq!(totals.ready, 5000);
        assert!(told.ends.iter().map(|end| end.place.row).is_sorted());
        bench.settings.dry_run = false;
        bench.settings.concurrency = 32;
        let (totals, _) = bench.run(&input).await;
        assert_eq!(totals.created, 5000);
        let (totals, _) = bench.run(&input).await;
        assert_eq!(totals.done_before, 5000);
        bench.once_each(5000);
    });
}

#[tokio::test(start_paused = true)]
async fn a_system_that_answers_nothing_clear_is_not_sent_everything() {
    for (marked, answered) in [(true, 0), (true, 30), (false, 30)] {
        let bench = Bench::new();
        for n in answered..400 {
            bench.fake.script(&format!("k{n}"), &[Script::NeverCame]);
        }
        let input = Input::new(400);
        let input = if marked {
            input
        } else {
            input.without_marker()
        };
        let (totals, told) = bench.run(&input).await;
        let stopped = totals.stopped.as_ref().unwrap().to_string();
        assert!(stopped.contains("no clear answer"), "{stopped}");
        assert!(totals.requests <= answered + 16, "{totals:?}");
        assert_eq!(totals.created, answered, "{totals:?}");
        assert!(told.notes.iter().any(|note| note.contains("nothing more")));
        bench.once_each(answered as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn a_system_that_answers_again_is_sent_the_rest() {
    let bench = Bench::new();
    for n in 20..32 {
        let script = if n % 2 == 0 {
            Script::Lost
        } else {
            Script::NeverCame
        };
        bench.fake.script(&format!("k{n}"), &[script]);
    }
    let start = Instant::now();
    let (totals, _) = bench.run(&Input::new(400)).await;
    assert_eq!((totals.created, totals.doubles), (400, 0), "{totals:?}");
    // One look when it held, one at the end for those that came after, and the wait before each.
    assert!(start.elapsed() < Duration::from_secs(300));
    bench.once_each(400);
}

#[tokio::test(start_paused = true)]
async fn a_double_that_turns_up_after_the_run_is_told_by_a_later_one_and_not_for_ever() {
    let mut bench = Bench::new().script(1, &[Script::Late(300)]);
    // Runs are told apart by the real clock, which is not paused: the wait that counts ten times over is short.
    bench.settings.commit_within = Duration::from_millis(40);
    bench.settings.visible_within = Duration::from_millis(40);
    let input = Input::new(3);
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.created, totals.doubles), (3, 0));
    tokio::time::sleep(Duration::from_secs(300)).await;
    let (totals, told) = bench.run(&input).await;
    assert_eq!((totals.done_before, totals.doubles), (3, 1));
    assert!(told.notes[0].contains("`k1` has been made more than once"));
    std::thread::sleep(Duration::from_millis(1_500));
    let (totals, _) = bench.run(&input).await;
    assert_eq!(totals.doubles, 1);
    let (totals, _) = bench.run(&input).await;
    assert_eq!(totals.doubles, 0);
}

#[tokio::test(start_paused = true)]
async fn a_last_look_at_a_list_that_is_not_whole_is_told_and_repeated() {
    let mut bench = Bench::new().script(1, &[Script::Late(300)]);
    bench.settings.commit_within = Duration::from_millis(40);
    bench.settings.visible_within = Duration::from_millis(40);
    let input = Input::new(3);
    bench.run(&input).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    std::thread::sleep(Duration::from_millis(1_500));
    for fault in [fake::Listing::Partial, fake::Listing::Failing] {
        bench.fake.listing(fault);
        let (totals, told) = bench.run(&input).await;
        assert!(totals.unswept, "{fault:?}");
        assert!(!told.notes.is_empty(), "{fault:?}");
    }
    bench.fake.listing(fake::Listing::Good);
    let (totals, _) = bench.run(&input).await;
    assert_eq!(
        (totals.doubles, totals.unswept),
        (1, false),
        "it was not over"
    );
    let (totals, _) = bench.run(&input).await;
    assert_eq!(totals.doubles, 0);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_in_doubt_is_swept_although_the_run_died_before() {
    let bench = Bench::new().script(1, &[Script::Late(100), Script::Make]);
    let input = Input::new(3);
    let mut told = Told::default();
    // Settled as absent after 90 s and made anew; the run dies while it waits for the sweep.
    let died = timeout(Duration::from_secs(92), bench.run_with(&input, &mut told)).await;
    assert!(died.is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.done_before, totals.doubles), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn tickets_too_young_to_be_seen_do_not_keep_the_old_ones_from_proving() {
    let mut bench = Bench::new().script(1, &[Script::NeverCame]);
    bench.settings.rate = Some(20.0);
    bench.fake.visible_after(Duration::from_secs(29));
    let (totals, _) = bench.run(&Input::new(2_600)).await;
    assert_eq!((totals.created, totals.in_doubt), (2_600, 0));
    bench.once_each(2_600);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_before_its_first_ticket_leaves_no_row_without_a_proof() {
    let bench = Bench::new();
    for n in 0..8 {
        bench.fake.script(&format!("k{n}"), &[Script::NeverCame]);
    }
    let input = Input::new(100).alone_in_its_group(50);
    let mut told = Told::default();
    for _ in 0..4 {
        let died = timeout(Duration::from_millis(10), bench.run_with(&input, &mut told));
        assert!(died.await.is_err());
    }
    let (totals, _) = bench.run(&input).await;
    assert_eq!(totals.in_doubt, 0, "{totals:?}");
    assert_eq!(totals.created, 100, "{totals:?}");
    bench.once_each(100);
}

#[tokio::test(start_paused = true)]
async fn without_a_marker_a_crash_leaves_few_intents_behind() {
    let bench = Bench::new();
    let input = Input::new(300).without_marker();
    let mut told = Told::default();
    let died = timeout(Duration::from_secs(1), bench.run_with(&input, &mut told)).await;
    assert!(died.is_err());
    let (totals, _) = bench.run(&input).await;
    assert!((1..=12).contains(&totals.in_doubt), "{totals:?}");
    assert_eq!(totals.created + totals.done_before + totals.in_doubt, 300);
}

fn script() -> impl Strategy<Value = Script> {
    prop_oneof![
        3 => Just(Script::Make),
        2 => Just(Script::Lost),
        2 => Just(Script::NeverCame),
        2 => (1_u64..59).prop_map(Script::Late),
        1 => Just(Script::Unsent),
        1 => (1_u64..30).prop_map(|s| Script::Throttle(Some(s))),
        1 => Just(Script::Throttle(None)),
        1 => Just(Script::Refuse),
    ]
}

const ROWS: usize = 50;

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever the system answers and whenever the process dies: no row is made twice, none is lost, and the
    /// totals add up.
    #[test]
    fn each_row_is_made_once(
        scripts in proptest::collection::vec((0..ROWS, proptest::collection::vec(script(), 1..3)), 0..25),
        deaths in proptest::collection::vec((0_u64..200_000, any::<bool>()), 0..5),
        visible in 0_u64..29,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            bench.fake.visible_after(Duration::from_secs(visible));
            for (n, script) in &scripts {
                bench.fake.script(&format!("k{n}"), script);
            }
            let input = Input::new(ROWS);
            for (after, politely) in deaths {
                let after = Duration::from_millis(after);
                let mut told = Told::default();
                bench.going.send_replace(Shutdown::None);
                if politely {
                    let stopping = async {
                        tokio::time::sleep(after).await;
                        bench.going.send_replace(Shutdown::Drain);
                    };
                    let (totals, ()) = tokio::join!(bench.run_with(&input, &mut told), stopping);
                    let totals = totals.unwrap();
                    assert_eq!(totals.ended(), ROWS as u64);
                } else {
                    let _ = timeout(after, bench.run_with(&input, &mut told)).await;
                }
                let made = bench.made();
                assert!(made.values().all(|n| *n == 1), "{made:?}");
            }
            bench.going.send_replace(Shutdown::None);
            let mut totals = bench.run(&input).await.0;
            if totals.in_doubt > 0 {
                // Where all that was left was in doubt, the rows that were settled then are the proof now.
                totals = bench.run(&input).await.0;
            }
            let made = bench.made();
            assert!(made.values().all(|n| *n == 1), "{made:?}");
            assert_eq!(made.len() as u64, totals.created + totals.done_before);
            assert_eq!(totals.not_sent, 0);
            assert_eq!(totals.in_doubt, 0, "{:?}", totals);
            assert_eq!(
                totals.created + totals.done_before + totals.rejected,
                ROWS as u64
            );
        });
    }
}
