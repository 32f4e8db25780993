use super::*;
use crate::error::ErrorKind;
use crate::record::Place;
use crate::systems::{CREATE, Refusal, Ticket};

fn key(n: u32) -> RowKey {
    RowKey::new(format!("k{n}"))
}

fn place(row: u64) -> Place {
    Place {
        file: "tickets.csv".into(),
        sheet: None,
        row,
    }
}

fn step(name: &str) -> StepId {
    StepId {
        name: name.to_owned(),
        ordinal: 0,
    }
}

fn intent(n: u32) -> Intent {
    Intent {
        place: place(u64::from(n) + 2),
        ..Intent::of_create(key(n), u64::from(n) + 2)
    }
}

fn settled(n: u32, to: State) -> Settlement {
    Settlement {
        key: key(n),
        step: step(CREATE),
        to,
        ticket: (to == State::Done).then(|| Ticket {
            id: format!("id{n}"),
            number: Some(n.to_string()),
            url: None,
            warnings: Vec::new(),
        }),
        trouble: None,
        doubted: false,

        at: Timestamp::now(),
    }
}

async fn scope(ledger: &Ledger) -> Scope {
    ledger.scope("clearfeed", "acme", "s").await.unwrap()
}

async fn start(scope: &Scope) -> ActiveRun {
    start_with(scope, RunMeta::default()).await
}

async fn start_with(scope: &Scope, meta: RunMeta) -> ActiveRun {
    let locks = scope.lock(None).unwrap();
    scope.start_run(&locks, meta).await.unwrap()
}

async fn state(scope: &Scope, n: u32) -> Option<State> {
    let states = scope.states(vec![key(n)]).await.unwrap();
    states[0].first().map(|record| record.state)
}

#[tokio::test]
async fn an_intent_outlives_its_process_and_is_settled_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state").join(FILE);
    {
        let ledger = Ledger::open(&path).unwrap();
        let run = start(&scope(&ledger).await).await;
        assert_eq!(run.code().len(), 4);
        let late = run.intend(vec![intent(1), intent(2)]).await.unwrap();
        assert!(late.is_empty());
        run.settle(vec![settled(1, State::Done)]).await.unwrap();
    }
    let ledger = Ledger::open(&path).unwrap();
    let scope = scope(&ledger).await;
    assert!(!scope.is_empty().await.unwrap());
    assert_eq!(state(&scope, 1).await, Some(State::Done));
    assert_eq!(state(&scope, 2).await, Some(State::Sending));
    assert_eq!(state(&scope, 3).await, None);
    let unsettled = scope.unsettled().await.unwrap();
    assert_eq!(unsettled.len(), 1);
    assert_eq!(unsettled[0].key, key(2));

    let run = start(&scope).await;
    // A step that is done is never opened again, and a late settlement changes nothing.
    assert_eq!(run.intend(vec![intent(1)]).await.unwrap(), [key(1)]);
    run.settle(vec![settled(1, State::Rejected)]).await.unwrap();
    assert_eq!(state(run.scope(), 1).await, Some(State::Done));
    run.withdraw(vec![(key(1), step(CREATE)), (key(2), step(CREATE))])
        .await
        .unwrap();
    assert_eq!(state(run.scope(), 1).await, Some(State::Done));
    assert_eq!(state(run.scope(), 2).await, Some(State::Pending));
    assert_eq!(ledger.runs().await.unwrap()[1].state, RunState::Interrupted);
}

#[tokio::test]
async fn doubt_is_remembered_and_attempts_are_counted() {
    let ledger = Ledger::in_memory().unwrap();
    let run = start(&scope(&ledger).await).await;
    run.intend(vec![intent(1)]).await.unwrap();
    run.settle(vec![Settlement {
        trouble: Some(Trouble::Doubt("timed out".to_owned())),
        ..settled(1, State::InDoubt)
    }])
    .await
    .unwrap();
    run.intend(vec![Intent {
        absent: 1,
        later: vec![step("assign")],
        ..intent(1)
    }])
    .await
    .unwrap();
    run.settle(vec![settled(1, State::Done)]).await.unwrap();
    let states = run.scope().states(vec![key(1)]).await.unwrap();
    let create = states[0].iter().find(|s| s.id.name == CREATE).unwrap();
    assert_eq!((create.attempt, create.absent), (2, 1));
    assert!(create.doubted);
    assert_eq!(create.reference.as_deref(), Some("s/k1"));
    assert_eq!(create.ticket.as_ref().unwrap().id, "id1");
    let assign = states[0].iter().find(|s| s.id.name == "assign").unwrap();
    assert_eq!(assign.state, State::Pending);
    assert_eq!(assign.payload, None);
    let owners = run
        .owners(vec!["id1".to_owned(), "id2".to_owned()])
        .await
        .unwrap();
    assert_eq!(owners.len(), 1);
    assert_eq!(owners["id1"], Owner::Row(key(1)));
}

/// A look at a ticket writes nothing on it: what somebody changed before the look is theirs, and a rollback keeps it.
#[tokio::test]
async fn a_doubt_counts_for_a_rollback_from_when_its_request_was_sent() {
    let ledger = Ledger::in_memory().unwrap();
    let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
    let code = {
        let run = start(&scope(&ledger).await).await;
        let create = Intent {
            later: vec![step("priority")],
            at: at(0),
            ..intent(1)
        };
        run.intend(vec![create]).await.unwrap();
        let made = Settlement {
            at: at(1),
            ..settled(1, State::Done)
        };
        run.settle(vec![made]).await.unwrap();
        let priority = Intent {
            step: step("priority"),
            at: at(2),
            ..intent(1)
        };
        run.intend(vec![priority]).await.unwrap();
        let looked = Settlement {
            step: step("priority"),
            trouble: Some(Trouble::Doubt("the ticket shows something else".to_owned())),
            doubted: true,
            at: at(60),
            ..settled(1, State::InDoubt)
        };
        run.settle(vec![looked]).await.unwrap();
        run.code().to_owned()
    };
    let one = ledger.whole_run(&code).await.unwrap();
    let scope = scope(&ledger).await;
    let locks = scope.lock(None).unwrap();
    let rollback = ledger.rollback(&locks, &one).await.unwrap();
    let (page, _) = rollback.tickets(None, 10).await.unwrap().unwrap();
    assert_eq!(page[0].written, Some(at(2)));
}

/// As after a crash: the intent was durable, nothing was answered, and the next run sends the row again.
#[tokio::test]
async fn a_row_that_is_sent_again_after_a_crash_is_looked_at_for_doubles() {
    let ledger = Ledger::in_memory().unwrap();
    let run = start(&scope(&ledger).await).await;
    let again = Intent {
        doubted: true,
        ..intent(1)
    };
    run.intend(vec![intent(1)]).await.unwrap();
    run.intend(vec![again]).await.unwrap();
    run.settle(vec![settled(1, State::Done)]).await.unwrap();
    let doubted = run.doubted().await.unwrap();
    assert_eq!(doubted.len(), 1);
    assert_eq!(doubted[0].key, key(1));

    // A key that was given up keeps its doubt: a second ticket of the former sending may come late.
    run.scope()
        .give_up_blocking(&run._locks, vec![key(1)])
        .unwrap();
    run.intend(vec![intent(1)]).await.unwrap();
    assert_eq!(run.doubted().await.unwrap().len(), 0);
    run.settle(vec![settled(1, State::Done)]).await.unwrap();
    let doubted = run.doubted().await.unwrap();
    assert_eq!((doubted.len(), doubted[0].is_undone), (1, false));
}

#[tokio::test]
async fn a_run_can_be_read_again() {
    let ledger = Ledger::in_memory().unwrap();
    let meta = RunMeta {
        inputs: vec!["tickets.csv".to_owned()],
        command: "deskferry import tickets.csv".to_owned(),
        ..RunMeta::default()
    };
    let run = start_with(&scope(&ledger).await, meta.clone()).await;
    let refusal = Refusal {
        status: 400,
        message: "no".to_owned(),
        fields: Vec::new(),
    };
    let faults = crate::systems::refusal_faults(&refusal, &place(3));
    run.intend(vec![intent(0)]).await.unwrap();
    run.settle(vec![settled(0, State::Done)]).await.unwrap();
    let made = settled(0, State::Done).ticket.unwrap();
    let ends = [
        crate::event::End::Created {
            ticket: made.clone(),
            fallbacks: Vec::new(),
        },
        crate::event::End::Rejected(faults.clone()),
    ];
    let changes = ends.iter().enumerate().map(|(n, end)| {
        Change::End(StoredRow {
            ordinal: n as u64,
            place: place(n as u64 + 2),
            key: Some(key(n as u32)),
            end: StoredEnd::of(end).unwrap(),
        })
    });
    run.apply(changes.collect()).await.unwrap();
    run.finish(RunState::Finished, serde_json::json!({"created": 1}))
        .await
        .unwrap();

    let info = ledger.run(&run.code().to_lowercase()).await.unwrap();
    assert_eq!(info.meta, meta);
    assert_eq!(info.state, RunState::Finished);
    assert_eq!(info.totals.unwrap()["created"], 1);
    let whole = ledger.whole_run(run.code()).await.unwrap();
    let (all, last) = ledger
        .row_ends(&whole, EndFilter::All, None, 10)
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(
        ledger
            .row_ends(&whole, EndFilter::All, last, 10)
            .await
            .unwrap(),
        (Vec::new(), None)
    );
    let (errors, _) = ledger
        .row_ends(&whole, EndFilter::Errors, None, 10)
        .await
        .unwrap();
    let StoredEnd::Rejected { faults: kept } = &errors[0].end else {
        panic!("{errors:?}")
    };
    assert_eq!(kept[0].fault(), faults[0]);
    let (ids, _) = ledger.ids(&whole, None, 10).await.unwrap();
    assert_eq!(ids.len(), 1);
    assert_eq!(ids[0].ticket, made);
    let controls = run.controls("IT".to_owned(), None, 8).await.unwrap();
    assert_eq!(controls[0].ticket, "id0");
    assert!(ledger.run("ZZZZ").await.is_err());
}

#[test]
fn a_damaged_or_newer_ledger_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    std::fs::write(
        &path,
        b"this is no database, whatever its name says, not at all",
    )
    .unwrap();
    let error = Ledger::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Machine);
    assert!(error.to_string().contains("damaged"), "{error}");
    assert!(!error.hints().is_empty());

    let newer = folder.path().join("newer.sqlite");
    Connection::open(&newer)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = Ledger::open(&newer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Machine);
    assert!(error.to_string().contains("newer"), "{error}");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it_and_an_unwritable_folder_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let path = state.join(FILE);
    drop(Ledger::open(&path).unwrap());
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&state), 0o700);
    // A file in the place of the folder: also root cannot write there.
    let error = Ledger::open(&path.join("below").join(FILE)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Machine);
    assert!(!error.hints().is_empty());
}

/// A ledger as the first version wrote it, with a tenant.
fn ledger_of_version_one(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(schema::first()).unwrap();
    connection
        .execute_batch(
            "INSERT INTO tenant (system, name) VALUES ('clearfeed', 'acme');
             INSERT INTO scope (tenant, name) VALUES (1, 's');
             INSERT INTO run (code, scope, state, started, inputs, input_print, mapping, mapping_print, command)
             VALUES ('AAAA', 1, 'finished', 0, '[\"in.csv\"]', 'p', 'm.toml', 'q', 'deskferry import');
             INSERT INTO step VALUES (1, 'k1', 'create', 0, 2, 1, 0, 0, NULL, x'01010101010101010101010101010101', 1,
                                      'in.csv', NULL, 2, 's/k1', 'IT', 0, 0, 'id1', '1', NULL, NULL);
             PRAGMA user_version = 1;",
        )
        .unwrap();
}

#[tokio::test]
async fn an_old_ledger_is_copied_before_it_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    ledger_of_version_one(&path);
    let ledger = Ledger::open(&path).unwrap();
    assert_eq!(state(&scope(&ledger).await, 1).await, Some(State::Done));
    assert_eq!(
        ledger.run("AAAA").await.unwrap().meta.arguments,
        Vec::<String>::new()
    );
    let copies = backups(&path).unwrap();
    assert_eq!(copies, [folder.path().join("ledger.sqlite.v1.backup")]);
    let copy = Connection::open(&copies[0]).unwrap();
    let (version, ticket): (i64, String) = copy
        .query_row(
            "SELECT (SELECT user_version FROM pragma_user_version), ticket FROM step",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!((version, ticket.as_str()), (1, "id1"));
    // A second opening copies nothing anew.
    drop(ledger);
    std::fs::write(&copies[0], b"kept").unwrap();
    drop(Ledger::open(&path).unwrap());
    assert_eq!(std::fs::read(&copies[0]).unwrap(), b"kept");
}

#[cfg(unix)]
#[tokio::test]
async fn a_damaged_page_is_found_when_the_ledger_is_opened() {
    use std::os::unix::fs::FileExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    {
        let ledger = Ledger::open(&path).unwrap();
        let run = start(&scope(&ledger).await).await;
        run.intend((0..2_000).map(intent).collect()).await.unwrap();
        run.finish(RunState::Finished, serde_json::json!({}))
            .await
            .unwrap();
    }
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let size = file.metadata().unwrap().len();
    file.write_all_at(&[0xA5; 4096], size / 2 / 4096 * 4096)
        .unwrap();
    let error = Ledger::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Machine);
    assert!(error.to_string().contains("damaged"), "{error}");
    assert!(
        error.hints()[0].contains("runs adopt"),
        "{:?}",
        error.hints()
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_large_ledger_is_checked_whole_by_what_sends_and_not_by_what_only_looks() {
    use std::os::unix::fs::FileExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    {
        let ledger = Ledger::open(&path).unwrap();
        let run = start(&scope(&ledger).await).await;
        run.intend((0..2_000).map(intent).collect()).await.unwrap();
        run.finish(RunState::Finished, serde_json::json!({}))
            .await
            .unwrap();
    }
    let damaged = path.metadata().unwrap().len() / 2 / 4096 * 4096;
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE room (it BLOB); INSERT INTO room VALUES (zeroblob(40000000))")
        .unwrap();
    drop(Ledger::open(&path).unwrap());
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0xA5; 4096], damaged).unwrap();
    let error = Ledger::open(&path).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    let ledger = Ledger::open_to_read(&path).unwrap();
    assert_eq!(ledger.runs().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_that_is_given_up_keeps_its_first_ticket_from_being_found_again() {
    let ledger = Ledger::in_memory().unwrap();
    let run = start(&scope(&ledger).await).await;
    run.intend(vec![intent(1)]).await.unwrap();
    run.settle(vec![settled(1, State::Done)]).await.unwrap();
    assert_eq!(
        run.scope()
            .give_up_blocking(&run._locks, vec![key(1), key(2)])
            .unwrap(),
        1
    );
    assert_eq!(state(run.scope(), 1).await, Some(State::Undone));
    assert!(
        run.intend(vec![intent(1)]).await.unwrap().is_empty(),
        "the key is free"
    );
    let states = run.scope().states(vec![key(1)]).await.unwrap();
    assert_eq!(states[0][0].ticket, None, "the new row has no ticket yet");
    let owners = run.owners(vec!["id1".to_owned()]).await.unwrap();
    assert_eq!(
        owners["id1"],
        Owner::Former(key(1)),
        "a listing must not take the first one for the second"
    );
}

/// A create by one run, its further step by another.
async fn by_two_runs(ledger: &Ledger) -> (ActiveRun, ActiveRun) {
    let first = start(&scope(ledger).await).await;
    let with_step = Intent {
        later: vec![step("assign")],
        ..intent(1)
    };
    first.intend(vec![with_step]).await.unwrap();
    first.settle(vec![settled(1, State::Done)]).await.unwrap();
    let second = {
        let again = first.scope().start_run(&first._locks, RunMeta::default());
        again.await.unwrap()
    };
    let assign = Intent {
        step: step("assign"),
        ..intent(1)
    };
    second.intend(vec![assign]).await.unwrap();
    let done = Settlement {
        step: step("assign"),
        ticket: None,
        ..settled(1, State::Done)
    };
    second.settle(vec![done]).await.unwrap();
    (first, second)
}

#[tokio::test]
async fn a_purged_run_takes_the_whole_row_with_it() {
    let ledger = Ledger::in_memory().unwrap();
    let (first, second) = by_two_runs(&ledger).await;
    let purged = ledger
        .purge(&first._locks, first.code(), false)
        .await
        .unwrap();
    assert_eq!((purged.keys, purged.kept), (1, 0));
    let states = first.scope().states(vec![key(1)]).await.unwrap();
    assert!(
        states[0].is_empty(),
        "a step without its create: {states:?}"
    );
    ledger.run(second.code()).await.unwrap();
}

#[tokio::test]
async fn a_purged_run_leaves_the_rows_that_another_one_made_whole() {
    let ledger = Ledger::in_memory().unwrap();
    let (first, second) = by_two_runs(&ledger).await;
    let purged = ledger
        .purge(&second._locks, second.code(), false)
        .await
        .unwrap();
    assert_eq!((purged.keys, purged.kept), (0, 1));
    let states = first.scope().states(vec![key(1)]).await.unwrap();
    assert_eq!(states[0].len(), 2);
    assert!(states[0].iter().all(|step| step.state == State::Done));
    let assign = states[0].iter().find(|it| it.id.name == "assign").unwrap();
    assert_eq!(&*assign.place.file, "", "its texts are gone");
}
