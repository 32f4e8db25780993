//! Which starts are attempts at one run, what the run is then said to have done, and what is its own.

use serde_json::json;

use super::*;
use crate::event::End;
use crate::record::Place;
use crate::systems::{CREATE, Refusal, Ticket};

fn key(n: u32) -> RowKey {
    RowKey::new(format!("k{n}"))
}

fn ticket(n: u32) -> Ticket {
    Ticket {
        id: format!("id{n}"),
        ..Ticket::default()
    }
}

fn place(n: u32) -> Place {
    Place {
        file: "tickets.csv".into(),
        sheet: None,
        row: u64::from(n) + 2,
    }
}

fn create() -> StepId {
    StepId {
        name: CREATE.to_owned(),
        ordinal: 0,
    }
}

/// A row that is sent.
fn intent(n: u32, content: [u8; 16]) -> Change {
    Change::Intend(Intent {
        content,
        ..Intent::of_create(key(n), u64::from(n) + 2)
    })
}

fn settle(n: u32, to: State) -> Change {
    Change::Settle(Settlement {
        key: key(n),
        step: create(),
        to,
        ticket: (to == State::Done).then(|| ticket(n)),
        trouble: None,
        doubted: false,
        at: Timestamp::now(),
    })
}

fn end(n: u32, end: &End) -> Change {
    Change::End(StoredRow {
        ordinal: u64::from(n),
        place: place(n),
        key: Some(key(n)),
        end: StoredEnd::of(end).unwrap(),
    })
}

fn made(n: u32) -> [Change; 3] {
    let end = end(
        n,
        &End::Created {
            ticket: ticket(n),
            fallbacks: Vec::new(),
        },
    );
    [intent(n, [1; 16]), settle(n, State::Done), end]
}

fn refused(n: u32) -> [Change; 3] {
    let refusal = Refusal {
        status: 400,
        message: "no".to_owned(),
        fields: Vec::new(),
    };
    let faults = crate::systems::refusal_faults(&refusal, &place(n));
    let end = end(n, &End::Rejected(faults));
    [intent(n, [1; 16]), settle(n, State::Rejected), end]
}

/// What a start does, and how it ends; `None`: it is killed.
struct Start {
    belongs: Belongs,
    input: &'static str,
    changes: Vec<Change>,
    ended: Option<(RunState, serde_json::Value)>,
}

/// One over the whole input that comes to its end.
fn whole(changes: Vec<Change>) -> Start {
    Start {
        belongs: Belongs::ToInput,
        input: "a",
        changes,
        ended: Some((RunState::Finished, json!({"not_sent": 0}))),
    }
}

fn killed(changes: Vec<Change>) -> Start {
    Start {
        ended: None,
        ..whole(changes)
    }
}

/// Starts and returns the code of the attempt.
async fn run(ledger: &Ledger, start: Start) -> String {
    let scope = ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let locks = scope.lock(None).unwrap();
    let meta = RunMeta {
        belongs: start.belongs,
        input_print: start.input.to_owned(),
        command: "deskferry import".to_owned(),
        ..RunMeta::default()
    };
    let run = scope.start_run(&locks, meta).await.unwrap();
    run.apply(start.changes).await.unwrap();
    if let Some((state, totals)) = start.ended {
        run.finish(state, totals).await.unwrap();
    }
    run.code().to_owned()
}

#[tokio::test]
async fn starts_over_an_input_are_one_run_until_one_ends_complete() {
    let ledger = Ledger::in_memory().unwrap();
    let first = run(&ledger, killed(made(0).into())).await;
    assert_eq!(first.len(), 4);
    let stopped = Start {
        ended: Some((RunState::Interrupted, json!({"not_sent": 1}))),
        ..whole(made(1).into())
    };
    assert_eq!(run(&ledger, stopped).await, format!("{first}.2"));
    let with_fault = whole([made(2), refused(3)].concat());
    assert_eq!(run(&ledger, with_fault).await, format!("{first}.3"));
    let error_file = Start {
        belongs: Belongs::ToOpen,
        input: "errors of a",
        ..whole(made(3).into())
    };
    assert_eq!(run(&ledger, error_file).await, format!("{first}.4"));
    // It is complete: the same again is a run of its own, and so is next week's file.
    let again = run(&ledger, whole(Vec::new())).await;
    assert_eq!(again.len(), 4);
    assert_ne!(again, first);

    let runs = ledger.whole_runs().await.unwrap();
    assert_eq!(runs.len(), 2);
    let one = ledger.whole_run(&first.to_lowercase()).await.unwrap();
    assert_eq!((one.attempts().len(), one.code()), (4, first.clone()));
    let tally = ledger.tally(&one).await.unwrap();
    assert_eq!(
        (tally.made, tally.of("rejected"), tally.not_sent),
        (4, 0, 0)
    );
    let (ids, _) = ledger.ids(&one, None, 10).await.unwrap();
    assert_eq!(ids.len(), 4, "each ticket once");
    let third = ledger.whole_run(&format!("{first}.3")).await.unwrap();
    assert_eq!(
        (third.is_whole(), third.code()),
        (false, format!("{first}.3"))
    );
    assert_eq!(ledger.tally(&third).await.unwrap().of("rejected"), 1);
    assert!(ledger.whole_run(&format!("{first}.9")).await.is_err());
}

/// The pilot left two rows; the attempt that brought them in died before it could say so.
#[tokio::test]
async fn what_a_killed_attempt_has_sent_is_not_unsent() {
    let ledger = Ledger::in_memory().unwrap();
    let pilot = Start {
        ended: Some((RunState::Finished, json!({"records": 3, "not_sent": 2}))),
        ..whole(made(0).into())
    };
    let code = run(&ledger, pilot).await;
    let one = ledger.whole_run(&code).await.unwrap();
    assert_eq!(ledger.tally(&one).await.unwrap().not_sent, 2);
    run(&ledger, killed([made(1), refused(2)].concat())).await;
    let one = ledger.whole_run(&code).await.unwrap();
    let tally = ledger.tally(&one).await.unwrap();
    assert_eq!(
        (tally.made, tally.of("rejected"), tally.not_sent),
        (2, 1, 0)
    );
}

#[tokio::test]
async fn another_input_is_another_run_and_a_retry_belongs_where_it_says() {
    let ledger = Ledger::in_memory().unwrap();
    let first = run(&ledger, whole(refused(0).into())).await;
    let other = Start {
        input: "b",
        ..whole(refused(1).into())
    };
    let other = run(&ledger, other).await;
    assert_eq!(other.len(), 4);
    let retry = Start {
        belongs: Belongs::To(first.clone()),
        ..whole(made(0).into())
    };
    assert_eq!(run(&ledger, retry).await, format!("{first}.2"));
    let alone = Start {
        belongs: Belongs::Alone,
        ..whole(Vec::new())
    };
    assert_eq!(run(&ledger, alone).await.len(), 4);
}

#[tokio::test]
async fn what_a_run_did_not_make_is_none_of_its_tickets() {
    let ledger = Ledger::in_memory().unwrap();
    // Learned of by a run of its own, and by the look of a run that sends.
    let known = Change::Known(key(0), "id0".to_owned());
    let adopted = Start {
        belongs: Belongs::Alone,
        input: "",
        ..whole(vec![intent(0, [1; 16]), settle(0, State::Done), known])
    };
    run(&ledger, adopted).await;
    let known = Change::Known(key(1), "id1".to_owned());
    let learned = [intent(1, UNKNOWN_CONTENT), settle(1, State::Done), known];
    let finished = end(
        0,
        &End::Known {
            ticket: ticket(0),
            fallbacks: Vec::new(),
        },
    );
    let changes = [&made(2)[..], &learned[..], &[finished][..]].concat();
    let code = run(&ledger, whole(changes)).await;

    let one = ledger.whole_run(&code).await.unwrap();
    let tally = ledger.tally(&one).await.unwrap();
    assert_eq!((tally.made, tally.of("known")), (1, 1));
    let scope = ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let locks = scope.lock(None).unwrap();
    let rollback = ledger.rollback(&locks, &one).await.unwrap();
    let (page, after) = rollback.tickets(None, 10).await.unwrap().unwrap();
    let ids: Vec<&str> = page.iter().map(|one| one.ticket.id.as_str()).collect();
    assert_eq!(ids, ["id2"]);
    assert_eq!(rollback.tickets(Some(after), 10).await.unwrap(), None);
    // The same tickets, asked for by their ids.
    let asked = ["id1", "id2", "another"].map(str::to_owned).to_vec();
    assert_eq!(rollback.among(asked).await.unwrap(), page);
    assert_eq!(rollback.count().await.unwrap(), 1);
    drop((rollback, locks));
    // One that a later look finds again stays that of the run that made it.
    let known = Change::Known(key(2), "id2".to_owned());
    let again = Start {
        belongs: Belongs::Alone,
        ..whole(vec![intent(2, [1; 16]), settle(2, State::Done), known])
    };
    run(&ledger, again).await;
    let locks = scope.lock(None).unwrap();
    let rollback = ledger.rollback(&locks, &one).await.unwrap();
    let (page, _) = rollback.tickets(None, 10).await.unwrap().unwrap();
    assert!(!page[0].is_known);
}

#[tokio::test]
async fn a_ticket_that_a_person_named_is_told_apart() {
    let ledger = Ledger::in_memory().unwrap();
    let doubt = |n| [intent(n, [1; 16]), settle(n, State::InDoubt)];
    let code = run(&ledger, killed([doubt(0), doubt(1)].concat())).await;
    let one = ledger.whole_run(&code).await.unwrap();
    let doubtful = ledger.doubtful(&one).await.unwrap();
    let said = vec![
        (doubtful[0].clone(), ByHand::Done(ticket(0))),
        (doubtful[1].clone(), ByHand::Own(ticket(1))),
    ];
    let scope = ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let locks = scope.lock(None).unwrap();
    assert_eq!(ledger.settle_by_hand(&locks, &one, said).await.unwrap(), 2);
    let rollback = ledger.rollback(&locks, &one).await.unwrap();
    let (page, _) = rollback.tickets(None, 10).await.unwrap().unwrap();
    let known: Vec<bool> = page.iter().map(|one| one.is_known).collect();
    assert_eq!(known, [true, false]);
}

/// A rollback holds the lock of the scope: the run whose process is gone is not under way for all that.
#[tokio::test]
async fn a_run_whose_process_is_gone_is_not_under_way_while_it_is_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join(FILE)).unwrap();
    let code = run(&ledger, killed(made(0).into())).await;
    let word = async || ledger.runs().await.unwrap()[0].word();
    assert_eq!(word().await, "ended");
    let one = ledger.whole_run(&code).await.unwrap();
    let scope = ledger.scope("clearfeed", "acme", "s").await.unwrap();
    let locks = scope.lock(None).unwrap();
    let _rollback = ledger.rollback(&locks, &one).await.unwrap();
    assert_eq!(word().await, "interrupted");
}

#[tokio::test]
async fn the_starts_of_an_older_ledger_are_grouped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    {
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(schema::first()).unwrap();
        connection
            .execute_batch(
                "INSERT INTO tenant VALUES (1, 'clearfeed', 'acme'); INSERT INTO scope VALUES (1, 1, 's');
                 INSERT INTO run (code, scope, state, started, inputs, input_print, mapping, mapping_print, command, totals)
                 VALUES ('AAAA', 1, 'interrupted', 1, '[\"t.csv\"]', 'a', 'm', '', 'c', '{\"not_sent\": 3}'),
                        ('BBBB', 1, 'finished', 2, '[\"t.csv\"]', 'a', 'm', '', 'c', '{\"not_sent\": 0, \"rejected\": 1}'),
                        ('CCCC', 1, 'finished', 3, '[\"t.errors.csv\"]', 'e', 'm', '', 'c', '{\"not_sent\": 0}'),
                        ('DDDD', 1, 'finished', 4, '[\"u.csv\"]', 'u', 'm', '', 'c', '{\"not_sent\": 0}');
                 INSERT INTO row_end (run, ordinal, file, row, key, state, end)
                 VALUES (2, 0, 't.csv', 2, 'k', 'rejected', '{\"state\":\"rejected\",\"faults\":[]}'),
                        (3, 0, 't.errors.csv', 2, 'k', 'created', '{\"state\":\"created\",\"ticket\":{\"id\":\"1\"}}');",
            )
            .unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
    }
    let ledger = Ledger::open(&path).unwrap();
    let runs = ledger.whole_runs().await.unwrap();
    let told: Vec<(String, Vec<String>)> = (runs.iter())
        .map(|run| {
            let attempts = run.attempts().iter();
            (run.code(), attempts.map(RunInfo::name).collect())
        })
        .collect();
    let one = |code: &str, attempts: &[&str]| {
        let attempts = attempts.iter().map(|name| (*name).to_owned()).collect();
        (code.to_owned(), attempts)
    };
    assert_eq!(
        told,
        [
            one("DDDD", &["DDDD.1"]),
            one("AAAA", &["AAAA.1", "AAAA.2", "AAAA.3"])
        ]
    );
    // The code that an attempt had is still one by which it can be asked for.
    let second = ledger.whole_run("bbbb").await.unwrap();
    assert_eq!(
        (second.code(), second.is_whole()),
        ("AAAA.2".to_owned(), false)
    );
    let (open, _) = ledger
        .row_ends(&runs[1], EndFilter::Open, None, 10)
        .await
        .unwrap();
    assert_eq!(open, [], "the error file has fixed it");
}
