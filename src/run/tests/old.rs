//! A ledger that is older than what was sent, and two that send the same rows at once.

use super::fake::Script;
use super::*;
use crate::ledger::{Intent, Ledger, Settlement, State, StepId};
use crate::record::RowKey;
use crate::systems::{CREATE, Ticket};
use jiff::Timestamp;

/// The same system with another ledger, of which it is known that these rows were made.
async fn knowing(bench: &Bench, rows: std::ops::Range<usize>) -> Bench {
    let ledger = Ledger::in_memory().unwrap();
    let scope = ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let locks = scope.lock(None).unwrap();
    let run = scope.start_run(&locks, RunMeta::default()).await.unwrap();
    let step = || StepId {
        name: CREATE.to_owned(),
        ordinal: 0,
    };
    let intents = rows.clone().map(|n| Intent {
        content: crate::ledger::UNKNOWN_CONTENT,
        group: "all".to_owned(),
        ..Intent::of_create(RowKey::new(format!("k{n}")), n as u64 + 2)
    });
    run.intend(intents.collect()).await.unwrap();
    let settlements = rows.map(|n| Settlement {
        key: RowKey::new(format!("k{n}")),
        step: step(),
        to: State::Done,
        ticket: Some(Ticket {
            id: bench.fake.id_of(&format!("k{n}")),
            ..Ticket::default()
        }),
        trouble: None,
        doubted: false,
        at: Timestamp::now(),
    });
    run.settle(settlements.collect()).await.unwrap();
    Bench {
        ledger,
        fake: Arc::clone(&bench.fake),
        settings: bench.settings.clone(),
        going: tokio::sync::watch::Sender::new(Shutdown::None),
        staged: false,
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_ledger_stops_before_anything_is_sent() {
    let bench = Bench::new();
    let input = Input::new(300);
    bench.run(&input).await;
    let old = knowing(&bench, 0..100).await;
    let (totals, _) = old.run(&input).await;
    let error = totals.stopped.unwrap();
    assert!(error.to_string().contains("200 tickets"), "{error}");
    assert!(
        error.hints().concat().contains("runs adopt"),
        "{:?}",
        error.hints()
    );
    assert!(error.hints().concat().contains("--trust-ledger"));
    old.once_each(300);
}

#[tokio::test(start_paused = true)]
async fn a_trusted_ledger_is_believed_and_what_is_there_is_told() {
    let bench = Bench::new();
    let input = Input::new(30);
    bench.run(&input).await;
    let mut old = knowing(&bench, 0..20).await;
    old.settings.trust_ledger = true;
    let (totals, told) = old.run(&input).await;
    assert_eq!(
        (totals.created, totals.doubles),
        (10, 10),
        "{:?}",
        told.notes
    );
    assert!(
        told.notes.iter().any(|it| it.contains("10 tickets")),
        "{:?}",
        told.notes
    );
}

/// Its first line quotes another row, so that it bears two references.
#[tokio::test(start_paused = true)]
async fn a_duplicate_that_quotes_another_row_is_told() {
    let bench = Bench::new();
    bench.run(&Input::new(3)).await;
    bench.fake.make_quoting("k1", 0, true);
    let (totals, told) = bench.run(&Input::new(4)).await;
    assert_eq!((totals.created, totals.doubles), (1, 1), "{:?}", told.notes);
    assert!(
        told.notes.iter().any(|it| it.contains("row `k1`")),
        "{:?}",
        told.notes
    );
    // One of which nothing else shows is nobody's duplicate.
    let bench = Bench::new();
    bench.run(&Input::new(3)).await;
    bench.fake.make_quoting("k9", 2, false);
    let (totals, told) = bench.run(&Input::new(4)).await;
    assert_eq!((totals.created, totals.doubles), (1, 0), "{:?}", told.notes);
}

#[tokio::test(start_paused = true)]
async fn tickets_of_another_input_are_remembered() {
    let bench = Bench::new();
    bench.run(&Input::new(40)).await;
    let other = knowing(&bench, 0..10).await;
    // Its own input has the first 20 rows, all of them made: 10 by it, and it asks for one that nobody made.
    let (totals, told) = other.run(&Input::new(41).only(&[0, 1, 2, 40])).await;
    assert!(totals.stopped.is_none(), "{:?}", totals.stopped);
    assert_eq!((totals.created, totals.doubles), (1, 0), "{:?}", told.notes);
    let scope = other.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let keys = vec![RowKey::new("k10"), RowKey::new("k39")];
    for steps in scope.states(keys).await.unwrap() {
        assert_eq!(steps[0].state, State::Done);
    }
    // The whole input then is done.
    let (totals, _) = other.run(&Input::new(41)).await;
    assert_eq!(totals.created, 0);
    other.once_each(41);
}

/// Two state folders, started at once.
#[tokio::test(start_paused = true)]
async fn two_writers_of_one_scope_find_each_other() {
    let bench = Bench::new();
    let other = knowing(&bench, 0..0).await;
    let input = Input::new(2_000);
    let ((one, told), (two, also)) = tokio::join!(bench.run(&input), other.run(&input));
    assert!(
        one.stopped.is_some() && two.stopped.is_some(),
        "{:?} {:?}",
        one.stopped,
        two.stopped
    );
    let twice: Vec<String> = (bench.made().into_iter())
        .filter(|(_, count)| *count > 1)
        .map(|(key, _)| key)
        .collect();
    assert!(twice.len() < 100, "{}", twice.len());
    for key in twice {
        let is_told = |notes: &[String]| notes.iter().any(|it| it.contains(&format!("`{key}`")));
        assert!(is_told(&told.notes) || is_told(&also.notes), "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn looks_cost_little_and_tell_nothing_where_all_is_well() {
    let bench = Bench::new();
    let input = Input::new(10_000);
    let (totals, told) = bench.run(&input).await;
    assert_eq!((totals.created, totals.doubles), (10_000, 0));
    assert!(told.notes.is_empty(), "{:?}", told.notes);
    // After the first row, then every minute (6,000 rows) or 4,000 rows, and at the end.
    assert!(
        (3..=5).contains(&bench.fake.looks()),
        "{}",
        bench.fake.looks()
    );
    let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    assert!(scope.looked_until().await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_fast_desk_is_not_looked_at_again_before_what_was_made_must_show() {
    let mut bench = Bench::new();
    bench.settings.rate = Some(400.0);
    bench.settings.concurrency = 16;
    let (totals, _) = bench.run(&Input::new(16_000)).await;
    assert_eq!(totals.created, 16_000);
    // After the first row, after 30 s, and at the end.
    assert_eq!(bench.fake.looks(), 3);
}

/// A list that shows nothing says nothing of what was made since, while a ticket that it must show is there.
#[tokio::test(start_paused = true)]
async fn an_empty_list_is_no_look() {
    let soon = || {
        let mut bench = Bench::new();
        bench.settings.commit_within = Duration::ZERO;
        bench.settings.visible_within = Duration::from_secs(1);
        bench
    };
    let bench = soon();
    bench.run(&Input::new(3)).await;
    // Tickets are dated by the clock of the day, which no test moves.
    std::thread::sleep(Duration::from_millis(1_500));
    bench.fake.make_another(1);
    bench.fake.listing(fake::Listing::Empty);
    let (totals, _) = bench.run(&Input::new(4)).await;
    let stopped = totals.stopped.unwrap();
    assert!(stopped.to_string().contains("is empty"), "{stopped}");
    assert_eq!(totals.created, 0);
    bench.fake.listing(fake::Listing::Good);
    let (totals, told) = bench.run(&Input::new(4)).await;
    assert_eq!((totals.created, totals.doubles), (1, 1), "{:?}", told.notes);
    // Tickets that somebody has deleted show in no list.
    let bench = soon();
    bench.run(&Input::new(3)).await;
    std::thread::sleep(Duration::from_millis(1_500));
    let ids = (0..3).map(|n| bench.fake.id_of(&format!("k{n}")));
    bench.fake.unreadable.lock().unwrap().extend(ids);
    bench.fake.listing(fake::Listing::Empty);
    let (totals, _) = bench.run(&Input::new(4)).await;
    assert_eq!(totals.created, 1);
}

/// What a look that fails at the end of a run would have found is not known.
#[tokio::test(start_paused = true)]
async fn a_run_whose_last_look_fails_says_so() {
    let bench = Bench::new();
    bench.fake.listing(fake::Listing::Failing);
    let (totals, told) = bench.run(&Input::new(3)).await;
    assert_eq!(totals.created, 3);
    assert!(totals.unswept, "{:?}", told.notes);
    bench.fake.listing(fake::Listing::Good);
    let (totals, _) = bench.run(&Input::new(4)).await;
    assert!(!totals.unswept);
}

/// A ledger from before a rollback, after which the row was made anew.
#[tokio::test(start_paused = true)]
async fn a_row_whose_ticket_is_gone_gets_the_one_that_bears_its_reference() {
    let bench = Bench::new();
    bench.fake.tells();
    bench.run(&Input::new(3).with_step("then-1/follow")).await;
    let gone = bench.fake.id_of("k1");
    bench.fake.unreadable.lock().unwrap().push(gone.clone());
    bench.fake.make_another(1);
    let input = Input::new(4).with_step("then-1/follow");
    let (totals, told) = bench.run(&input).await;
    assert!(totals.unswept, "{:?}", told.notes);
    let is_told = |note: &String| note.contains("`k1`") && note.contains("from now on");
    assert!(told.notes.iter().any(is_told), "{:?}", told.notes);
    let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let steps = scope.states(vec![RowKey::new("k1")]).await.unwrap();
    let create = steps[0].iter().find(|step| step.id.name == CREATE);
    let ticket = create.and_then(|create| create.ticket.clone()).unwrap();
    assert_ne!(ticket.id, gone);
    // What followed was done on the other ticket: it is looked up on this one.
    let follow = steps[0].iter().find(|step| step.id.name != CREATE);
    assert_eq!(follow.map(|step| step.state), Some(State::Pending));
    let (totals, _) = bench.run(&input).await;
    assert_eq!(
        (totals.done_before, totals.known, totals.in_doubt),
        (3, 1, 0)
    );
}

/// What followed is to be looked up, and that is not done on the ticket that is gone.
#[tokio::test(start_paused = true)]
async fn nothing_is_learned_of_the_ticket_that_a_row_has_no_more() {
    let bench = Bench::new();
    bench.fake.script("k1/follow", &[Script::Lost]);
    let input = Input::new(3).with_step("then-1/follow");
    let (totals, _) = bench.run(&input).await;
    assert_eq!(totals.in_doubt, 1);
    let gone = bench.fake.id_of("k1");
    bench.fake.unreadable.lock().unwrap().push(gone);
    bench.fake.make_another(1);
    bench.fake.tells();
    let input = Input::new(4).with_step("then-1/follow");
    let (totals, told) = bench.run(&input).await;
    assert_eq!(totals.in_doubt, 1, "{:?}", told.notes);
    let scope = bench.ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let steps = scope.states(vec![RowKey::new("k1")]).await.unwrap();
    let follow = steps[0].iter().find(|step| step.id.name != CREATE);
    assert_eq!(follow.map(|step| step.state), Some(State::Pending));
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.done_before, totals.in_doubt), (3, 0));
}

/// The ledger is older than the sending of what followed, and holds the create as sent.
#[tokio::test(start_paused = true)]
async fn what_followed_on_a_row_of_an_earlier_run_is_seen_before_it_is_sent_again() {
    let mut bench = Bench::new().script(1, &[Script::Lost]);
    bench.fake.tells();
    let input = Input::new(3).with_step("then-1/follow");
    let going = bench.going.clone();
    // The run ends before the row is settled.
    let ends = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        going.send_replace(Shutdown::Drain);
    };
    let ((totals, _), ()) = tokio::join!(bench.run(&input), ends);
    assert_eq!(totals.in_doubt, 1);
    bench.fake.does("k1", "follow", 0);
    bench.going = tokio::sync::watch::Sender::new(Shutdown::None);
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.created, totals.requests), (1, 0));
    assert_eq!(bench.fake.set("k1"), ["follow 0"]);
}
