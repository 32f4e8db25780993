//! Damage, ledgers that are older than what was sent, and runs that know nothing of each other.

use std::path::{Path, PathBuf};

use super::*;
use crate::error::ErrorKind;
use crate::systems::{CREATE, Ticket};

fn step() -> StepId {
    StepId {
        name: CREATE.to_owned(),
        ordinal: 0,
    }
}

fn intent(n: u32) -> Intent {
    Intent {
        reference: Some(format!("s/k{n}")),
        ..Intent::of_create(RowKey::new(format!("key {n}")), u64::from(n) + 2)
    }
}

fn done(n: u32) -> Settlement {
    Settlement {
        key: RowKey::new(format!("key {n}")),
        step: step(),
        to: State::Done,
        ticket: Some(Ticket {
            id: format!("id{n}"),
            ..Ticket::default()
        }),
        trouble: None,
        doubted: false,
        at: Timestamp::now(),
    }
}

async fn scope(ledger: &Ledger) -> Scope {
    ledger.scope("clearfeed", "acme", "s").await.unwrap()
}

async fn start(ledger: &Ledger) -> Result<ActiveRun> {
    let scope = scope(ledger).await;
    let locks = scope.lock(None)?;
    scope.start_run(&locks, RunMeta::default()).await
}

/// A run that makes these rows and comes to its end.
async fn made(path: &Path, rows: std::ops::Range<u32>) {
    let ledger = Ledger::open(path).unwrap();
    let run = start(&ledger).await.unwrap();
    run.intend(rows.clone().map(intent).collect())
        .await
        .unwrap();
    run.settle(rows.map(done).collect()).await.unwrap();
    run.finish(RunState::Finished, serde_json::json!({}))
        .await
        .unwrap();
}

/// All that the ledger holds.
fn content(path: &Path) -> Option<Vec<String>> {
    let connection = Connection::open(path).ok()?;
    let texts = |statement: &str| -> Option<Vec<String>> {
        let mut statement = connection.prepare(statement).ok()?;
        let rows = statement.query_map([], |row| row.get(0)).ok()?;
        rows.collect::<rusqlite::Result<_>>().ok()
    };
    let mut all = Vec::new();
    for table in texts("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")? {
        let columns = texts(&format!(
            "SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')"
        ))?;
        let rows = format!(
            "SELECT {} FROM {table} NOT INDEXED ORDER BY 1",
            columns.join(" || ")
        );
        all.extend(texts(&rows)?);
    }
    Some(all)
}

#[tokio::test]
async fn each_change_of_what_is_stored_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    made(&path, 0..600).await;
    let whole = std::fs::read(&path).unwrap();
    let before = content(&path).unwrap();
    let mut noticed = 0;
    // A generator of our own: the same bytes each time.
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    for trial in 0..60 {
        let copy = folder.path().join(format!("{trial}.sqlite"));
        let mut bytes = whole.clone();
        let at = next(bytes.len());
        bytes[at] ^= 1 << next(8);
        std::fs::write(&copy, &bytes).unwrap();
        let found = match Ledger::open(&copy) {
            Err(_) => true,
            Ok(ledger) => ledger
                .check()
                .await
                .map_or(true, |it| !it.damage.is_empty()),
        };
        noticed += u32::from(found);
        let same = content(&copy).as_ref() == Some(&before);
        assert!(found || same, "byte {at} was changed, and nobody noticed");
    }
    assert!(noticed > 20, "{noticed}");
}

/// A change in any table, made by a database tool, is damage that SQLite cannot see.
#[tokio::test]
async fn no_table_changes_behind_the_ledger() {
    let fill = "
        INSERT INTO former VALUES ('t', 1, 'k', 1, 'undone', 1);
        INSERT INTO undo VALUES (1, 'k', 't', 'done', NULL, 1);
        INSERT INTO shape VALUES (1, 'create 400', 3, 9, 0, 0);
        INSERT INTO known VALUES ('t', 1);";
    let ends = "INSERT OR REPLACE INTO row_end (run, ordinal, file, sheet, row, key, state, end)
                VALUES (1, 2, 'a.csv', NULL, 2, 'k', 'created', '{}')";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    made(&path, 0..5).await;
    let ledger = Ledger::open(&path).unwrap();
    for statement in [fill, ends, ends] {
        let write = move |c: &Connection| c.execute_batch(statement);
        ledger.worker.call(Kind::Write, write).await.unwrap();
    }
    drop(ledger);
    assert_eq!(
        Ledger::open(&path).unwrap().check().await.unwrap().damage,
        Vec::<String>::new()
    );
    let whole = std::fs::read(&path).unwrap();
    for (change, table) in [
        ("UPDATE run SET job = 7", "run"),
        ("DELETE FROM row_end", "row_end"),
        ("UPDATE row_end SET state = 'rejected'", "row_end"),
        ("UPDATE former SET why = ''", "former"),
        ("UPDATE undo SET state = 'sending'", "undo"),
        ("UPDATE shape SET absent = 4", "shape"),
        ("INSERT INTO known VALUES ('id1', 1)", "known"),
        ("DELETE FROM known", "known"),
        ("INSERT INTO scope (tenant, name) VALUES (1, 'x')", "scope"),
        ("DELETE FROM seal WHERE name = 'known'", "known"),
        ("UPDATE seal SET held = 2 WHERE name = 'undo'", "undo"),
    ] {
        std::fs::write(&path, &whole).unwrap();
        (Connection::open(&path).unwrap())
            .execute_batch(change)
            .unwrap();
        let error = Ledger::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Machine);
        let named = error.to_string().contains(&format!("`{table}`"));
        assert!(named || table == "scope", "{change}: {error}");
    }
}

/// Damage that SQLite cannot see: a database tool writes it.
async fn damaged_by(statement: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    made(&path, 0..5).await;
    Connection::open(&path)
        .unwrap()
        .execute_batch(&format!("PRAGMA foreign_keys = OFF; {statement}"))
        .unwrap();
    (folder, path)
}

#[tokio::test]
async fn a_damaged_step_is_named_wherever_it_is_read() {
    let (_folder, path) = damaged_by("UPDATE step SET ticket = 'id9' WHERE key = 'key 3'").await;
    let ledger = Ledger::open(&path).unwrap();
    let scope = scope(&ledger).await;
    let keys = || vec![RowKey::new("key 3")];
    for error in [
        scope.states(keys()).await.unwrap_err(),
        tokio::task::spawn_blocking({
            let (scope, keys) = (scope.clone(), keys());
            move || scope.glance_blocking(keys).unwrap_err()
        })
        .await
        .unwrap(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Machine);
        assert!(error.to_string().contains("`key 3`"), "{error}");
        assert!(error.hints()[0].contains("runs adopt"), "{error}");
    }
    let run = start(&ledger).await.unwrap();
    // It is not written over either: that would seal the damage.
    let error = run.settle(vec![done(2)]).await;
    error.unwrap();
    let again = Intent {
        redo: true,
        payload: [9; 16],
        ..intent(3)
    };
    let error = run.intend(vec![again]).await.unwrap_err();
    assert!(error.to_string().contains("`key 3`"), "{error}");
    let checked = ledger.check().await.unwrap();
    assert_eq!(checked.steps, 5);
    assert!(
        checked.damage.iter().any(|it| it.contains("`key 3`")),
        "{checked:?}"
    );
}

#[tokio::test]
async fn what_is_damaged_is_no_witness() {
    let (_folder, path) = damaged_by(
        "UPDATE step SET print = '{\"l\":7}', shape = 'x', state = 3 WHERE key = 'key 3'",
    )
    .await;
    let ledger = Ledger::open(&path).unwrap();
    let run = start(&ledger).await.unwrap();
    let ticket = Ticket {
        id: "id3".to_owned(),
        ..Ticket::default()
    };
    for error in [
        run.beside("comment", &ticket).await.unwrap_err(),
        run.refused_in(vec!["x".to_owned()]).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("`key 3`"), "{error}");
    }
}

#[tokio::test]
async fn rows_that_vanish_are_missed_before_anything_is_sent() {
    for statement in [
        "DELETE FROM step WHERE key = 'key 3'",
        "DELETE FROM step WHERE key = 'key 3'; INSERT INTO step SELECT scope, 'key 9', step, ordinal, state, attempt, \
         absent, doubted, payload, content, run, file, sheet, row, reference, grp, sent_at, settled_at, ticket, number, \
         url, error, about, print, candidates, sum + 1, shape FROM step WHERE key = 'key 2'",
    ] {
        let (_folder, path) = damaged_by(statement).await;
        let ledger = Ledger::open(&path).unwrap();
        let error = start(&ledger).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Machine);
        assert!(error.to_string().contains("the scope `s`"), "{error}");
        assert!(!ledger.check().await.unwrap().damage.is_empty());
    }
    for statement in [
        "UPDATE scope SET name = 't'",
        "UPDATE tenant SET name = 'acne'",
        "UPDATE scope SET steps = 4",
        "DELETE FROM scope",
    ] {
        let (_folder, path) = damaged_by(statement).await;
        assert!(Ledger::open(&path).is_err(), "{statement}");
    }
}

/// The files of a ledger as they are now.
fn copied(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = path.parent().unwrap();
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path());
    files
        .filter(|it| it.is_file())
        .map(|it| (it.clone(), std::fs::read(it).unwrap()))
        .collect()
}

#[tokio::test]
async fn a_backup_that_is_put_back_is_noticed_and_trusted_only_by_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    made(&path, 0..3).await;
    let backup = std::fs::read(&path).unwrap();
    made(&path, 3..6).await;
    assert_eq!(Ledger::open(&path).unwrap().age(), Age::Current);
    std::fs::write(&path, &backup).unwrap();
    let ledger = Ledger::open(&path).unwrap();
    let error = start(&ledger).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.hints().concat().contains("--trust-ledger"), "{error}");
    assert!(error.hints().concat().contains("runs adopt"), "{error}");
    ledger.trust();
    let run = start(&ledger).await.unwrap();
    run.finish(RunState::Finished, serde_json::json!({}))
        .await
        .unwrap();
    drop(run);
    drop(ledger);
    assert_eq!(Ledger::open(&path).unwrap().age(), Age::Current);
    // In a new place, without its second file.
    let other = folder.path().join("elsewhere").join(FILE);
    std::fs::create_dir(other.parent().unwrap()).unwrap();
    std::fs::write(&other, &backup).unwrap();
    assert!(matches!(
        Ledger::open(&other).unwrap().age(),
        Age::Doubtful(_)
    ));
}

/// An adoption that has seen a part of the tickets, or died, has proven nothing.
#[tokio::test]
async fn an_old_ledger_stays_doubtful_until_it_has_learned_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    made(&path, 0..3).await;
    let backup = std::fs::read(&path).unwrap();
    made(&path, 3..6).await;
    std::fs::write(&path, &backup).unwrap();
    for (ends, whole) in [(false, false), (true, false), (true, true)] {
        let ledger = Ledger::open(&path).unwrap();
        assert!(matches!(ledger.age(), Age::Doubtful(_)), "{ends} {whole}");
        assert!(start(&ledger).await.is_err());
        ledger.learn();
        let run = start(&ledger).await.unwrap();
        if whole {
            ledger.has_learned("clearfeed", "acme", "s");
        }
        if ends {
            let totals = serde_json::json!({});
            run.finish(RunState::Finished, totals).await.unwrap();
        }
        drop((run, ledger));
    }
    // What it knows of one scope says nothing of another, whether it knows that one or not.
    let other = |ledger: &Ledger| {
        let ledger = ledger.clone();
        async move {
            let scope = ledger.scope("clearfeed", "acme", "t").await?;
            let locks = scope.lock(None)?;
            scope.start_run(&locks, RunMeta::default()).await
        }
    };
    for _ in 0..2 {
        let ledger = Ledger::open(&path).unwrap();
        let error = other(&ledger).await.unwrap_err();
        assert!(error.hints().concat().contains("runs adopt"), "{error}");
        let run = start(&ledger).await.unwrap();
        let totals = serde_json::json!({});
        run.finish(RunState::Finished, totals).await.unwrap();
    }
    let ledger = Ledger::open(&path).unwrap();
    ledger.trust();
    let run = other(&ledger).await.unwrap();
    let totals = serde_json::json!({});
    run.finish(RunState::Finished, totals).await.unwrap();
    drop((run, ledger));
    let ledger = Ledger::open(&path).unwrap();
    assert_eq!(ledger.age(), Age::Current);
    // One that is current has nothing to learn.
    ledger.learn();
    assert_eq!(ledger.age(), Age::Current);
    // What it learned counts no more when it is put back again.
    drop(ledger);
    std::fs::write(&path, &backup).unwrap();
    assert!(start(&Ledger::open(&path).unwrap()).await.is_err());
}

/// A run that is killed leaves its last writes beside the ledger, whoever else has it open.
#[tokio::test]
async fn the_last_writes_of_a_killed_run_stay_when_another_process_closes_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    made(&path, 0..3).await;
    let beside = Ledger::open(&path).unwrap();
    let ledger = Ledger::open(&path).unwrap();
    let run = start(&ledger).await.unwrap();
    run.intend(vec![intent(7)]).await.unwrap();
    drop((run, ledger));
    drop(beside);
    assert!(generation::has_wal(&path));
    assert_eq!(Ledger::open(&path).unwrap().age(), Age::Current);
}

/// Makes the ledger one of the version before.
fn put_back_a_version(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch("DROP TABLE seal; PRAGMA user_version = 8")
        .unwrap();
}

#[tokio::test]
async fn a_newer_version_neither_seals_damage_nor_comes_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    made(&path, 0..3).await;
    put_back_a_version(&path);
    let whole = std::fs::read(&path).unwrap();
    drop(Ledger::open(&path).unwrap());
    for damage in [
        "DELETE FROM step WHERE key = 'key 1'",
        "UPDATE step SET state = 0 WHERE key = 'key 1'",
        "UPDATE scope SET steps = 2",
    ] {
        std::fs::write(&path, &whole).unwrap();
        (Connection::open(&path).unwrap())
            .execute_batch(damage)
            .unwrap();
        let error = Ledger::open(&path).unwrap_err();
        assert!(error.to_string().contains("damaged"), "{damage}: {error}");
    }
    // An older program that still sends would write on in its own way.
    std::fs::write(&path, &whole).unwrap();
    let ledger = Ledger::open(&path).unwrap();
    let locks = ledger.lock("clearfeed", "acme", "s", None).unwrap();
    put_back_a_version(&path);
    let error = Ledger::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("earlier version"), "{error}");
    drop(locks);
    Ledger::open(&path).unwrap();
}

/// A run whose first attempt was purged takes further attempts under its name.
#[tokio::test]
async fn a_run_without_its_first_attempt_goes_on() {
    let ledger = Ledger::in_memory().unwrap();
    let scope = scope(&ledger).await;
    let locks = scope.lock(None).unwrap();
    let meta = |belongs| RunMeta {
        input_print: "i".to_owned(),
        belongs,
        ..RunMeta::default()
    };
    let first = scope
        .start_run(&locks, meta(Belongs::default()))
        .await
        .unwrap();
    let code = first.code().to_owned();
    first
        .finish(RunState::Interrupted, serde_json::json!({}))
        .await
        .unwrap();
    let run = code.split('.').next().unwrap().to_owned();
    let second = scope
        .start_run(&locks, meta(Belongs::To(run.clone())))
        .await
        .unwrap();
    second
        .finish(RunState::Interrupted, serde_json::json!({}))
        .await
        .unwrap();
    let gone = code.clone();
    let purge = move |c: &Connection| {
        c.execute("DELETE FROM run WHERE code = ?1", [gone])
            .map(drop)
    };
    ledger.worker.call(Kind::Write, purge).await.unwrap();
    let second = second.code().to_owned();
    let third = scope
        .start_run(&locks, meta(Belongs::To(second)))
        .await
        .unwrap();
    assert_eq!(third.code(), format!("{run}.3"));
}

#[tokio::test]
async fn a_folder_that_is_put_back_as_a_whole_is_noticed_while_the_cache_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("state.cache");
    std::fs::create_dir(&cache).unwrap();
    let path = folder.path().join("state").join(FILE);
    made(&path, 0..3).await;
    let saved = copied(&path);
    made(&path, 3..6).await;
    assert_eq!(Ledger::open(&path).unwrap().age(), Age::Current);
    for (name, bytes) in saved {
        std::fs::write(name, bytes).unwrap();
    }
    let ledger = Ledger::open(&path).unwrap();
    assert!(matches!(ledger.age(), Age::Doubtful(_)));
    // Once it is trusted it counts on from where the later runs were.
    ledger.trust();
    let run = start(&ledger).await.unwrap();
    run.finish(RunState::Finished, serde_json::json!({}))
        .await
        .unwrap();
    drop((run, ledger));
    assert_eq!(Ledger::open(&path).unwrap().age(), Age::Current);
    std::fs::remove_dir_all(&cache).unwrap();
    assert_eq!(Ledger::open(&path).unwrap().age(), Age::Current);
}

#[tokio::test]
async fn a_lost_wal_is_noticed_and_one_that_is_there_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state").join(FILE);
    made(&path, 0..3).await;
    let ledger = Ledger::open(&path).unwrap();
    let run = start(&ledger).await.unwrap();
    run.intend((3..6).map(intent).collect()).await.unwrap();
    // As a killed process leaves them.
    let killed = copied(&path);
    drop(run);
    drop(ledger);
    let put = |name: &str, leave_out: &str| {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        for (file, bytes) in &killed {
            let name = file.file_name().unwrap().to_str().unwrap();
            if leave_out.is_empty() || !name.ends_with(leave_out) {
                std::fs::write(folder.join(name), bytes).unwrap();
            }
        }
        folder.join(FILE)
    };
    let whole = put("whole", "");
    // Commands that only look leave it as it is.
    for _ in 0..2 {
        let ledger = Ledger::open_to_read(&whole).unwrap();
        assert_eq!(ledger.age(), Age::Current);
        assert_eq!(scope(&ledger).await.unsettled().await.unwrap().len(), 3);
    }
    let lost = Ledger::open(&put("lost", "-wal")).unwrap();
    assert!(matches!(lost.age(), Age::Doubtful(_)), "{:?}", lost.age());
    assert!(start(&lost).await.is_err());
}

#[tokio::test]
async fn two_runs_of_one_scope_cannot_be_begun_through_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    for ledgers in [
        [Ledger::open(&path).unwrap(), Ledger::open(&path).unwrap()],
        {
            let one = Ledger::in_memory().unwrap();
            [one.clone(), one]
        },
    ] {
        let first = start(&ledgers[0]).await.unwrap();
        let error = start(&ledgers[1]).await.unwrap_err();
        assert!(error.to_string().contains("another run"), "{error}");
        // The lock belongs to the run: whatever became of the value that was handed in.
        drop(first);
        start(&ledgers[1]).await.unwrap();
    }
}

/// As in a folder that two computers share and whose locks do not reach.
#[tokio::test]
async fn where_locks_do_not_reach_a_second_run_waits_and_the_first_one_stops() {
    let ledger = Ledger::in_memory().unwrap();
    let first = start(&ledger).await.unwrap();
    first.intend(vec![intent(1)]).await.unwrap();
    let on_another = "UPDATE run SET host = 'another'";
    let sql = |text: &'static str| {
        let work = move |c: &Connection| c.execute_batch(text);
        ledger.worker.call(Kind::Write, work)
    };
    sql(on_another).await.unwrap();
    let again = first.scope().start_run(&first._locks, RunMeta::default());
    let error = again.await.unwrap_err();
    assert!(error.to_string().contains("`another`"), "{error}");
    // It was silent for long, and lives all the same.
    sql("UPDATE run SET beat = beat - 200000000").await.unwrap();
    let again = first.scope().start_run(&first._locks, RunMeta::default());
    let second = again.await.unwrap();
    let late = second.intend(vec![intent(1), intent(2)]).await.unwrap();
    assert!(late.is_empty(), "{late:?}");
    let error = first.intend(vec![intent(3)]).await.unwrap_err();
    assert!(error.to_string().contains("another run"), "{error}");
}

#[tokio::test]
async fn what_another_run_is_sending_is_not_intended() {
    let ledger = Ledger::in_memory().unwrap();
    let first = start(&ledger).await.unwrap();
    first.intend(vec![intent(1)]).await.unwrap();
    let locks = first._locks.clone();
    let second = first.scope().start_run(&locks, RunMeta::default()).await;
    let second = second.unwrap();
    // Both count as under way: one whose computer was asleep while the other began.
    let work = |c: &Connection| c.execute_batch("UPDATE run SET state = 'running'");
    ledger.worker.call(Kind::Write, work).await.unwrap();
    let late = second.intend(vec![intent(1), intent(2)]).await.unwrap();
    assert_eq!(late, [RowKey::new("key 1")]);
    let late = first.intend(vec![intent(2), intent(3)]).await.unwrap();
    assert_eq!(late, [RowKey::new("key 2")]);
}

/// What a later run wrote on a ticket hides no change that a person made before it.
#[tokio::test]
async fn a_rollback_knows_when_its_own_run_wrote_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    made(&path, 0..1).await;
    let ledger = Ledger::open(&path).unwrap();
    let scope = scope(&ledger).await;
    let first = scope.last_run().await.unwrap().unwrap().code;
    let written = || async {
        let run = ledger.whole_run(&first).await.unwrap();
        let locks = scope.lock(None).unwrap();
        let rollback = ledger.rollback(&locks, &run).await.unwrap();
        let (page, _) = rollback.tickets(None, 9).await.unwrap().unwrap();
        page[0].written.unwrap()
    };
    let before = written().await;
    let later = start(&ledger).await.unwrap();
    let step = StepId {
        name: "update/assign".to_owned(),
        ordinal: 0,
    };
    let intent = Intent {
        step: step.clone(),
        ..intent(0)
    };
    later.intend(vec![intent]).await.unwrap();
    let settled = Settlement { step, ..done(0) };
    later.settle(vec![settled]).await.unwrap();
    later
        .finish(RunState::Finished, serde_json::json!({}))
        .await
        .unwrap();
    drop(later);
    assert_eq!(written().await, before);
}
