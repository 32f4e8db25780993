//! Lists that misbehave: an export that calls itself complete holds every ticket.

use proptest::prelude::*;
use tokio::sync::watch;

use super::*;
use crate::systems::query::StateFilter;
use crate::systems::testing::Free;
use crate::systems::testing::desk::{Desk, Fault, Faults, in_turn, may_look_empty};
use crate::systems::{Standing, SystemName};

const SYSTEMS: [SystemName; 2] = [SystemName::ClearFeed, SystemName::IncidentIq];

/// Reads all tickets: how many are in the replica, and how it ended.
async fn read(desk: &Desk, concurrency: usize) -> Result<(u64, Read)> {
    read_beside(desk, concurrency, &[]).await
}

/// The same where others know of tickets that are there.
async fn read_beside(desk: &Desk, concurrency: usize, known: &[&str]) -> Result<(u64, Read)> {
    let folder = tempfile::tempdir().unwrap();
    let replica = Replica::open(&folder.path().join("r.sqlite")).unwrap();
    let replica = Arc::new(Mutex::new(replica));
    let order = Order {
        query: Query {
            states: Standing::ALL.map(StateFilter::Standing).to_vec(),
            ..Query::default()
        },
        with_comments: false,
        is_lasting: false,
    };
    let (_going, stop) = watch::channel(Shutdown::None);
    let free = Free::default();
    let system = desk.system.as_ref();
    let reading = Reading::new(
        system,
        &free,
        Arc::clone(&replica),
        &order,
        concurrency,
        stop,
        &|_| {},
    );
    let known = known.iter().map(|id| (*id).to_owned()).collect();
    let read = reading.with_witnesses(known).run().await?;
    let count = replica.lock().unwrap().count(Span::default()).unwrap();
    Ok((count, read))
}

#[tokio::test]
async fn a_well_behaved_desk_is_read_whole_for_three_pages_more() {
    for (system, tickets, pages) in [
        // A cursor leads through pages of a hundred; the first page of an index has a thousand.
        (SystemName::ClearFeed, 0, 1),
        (SystemName::ClearFeed, 260, 3),
        (SystemName::IncidentIq, 0, 1),
        (SystemName::IncidentIq, 260, 1),
    ] {
        let desk = Desk::new(system, tickets, Faults::InTurn(vec![])).await;
        // By one reader, which shares no window.
        let (count, read) = read(&desk, 1).await.unwrap();
        assert_eq!((count, &read.doubts), (tickets as u64, &vec![]), "{system}");
        // The other end; what changed meanwhile, and the other end of that.
        assert!(read.pages <= pages + 3, "{system}: {read:?}");
    }
}

/// On a runtime of one thread, who waits for the replica on it holds up everything: the ticks then stop.
#[tokio::test]
async fn who_waits_for_the_replica_holds_up_nobody() {
    let desk = Desk::new(SystemName::ClearFeed, 260, Faults::InTurn(vec![])).await;
    let folder = tempfile::tempdir().unwrap();
    let replica = Replica::open(&folder.path().join("r.sqlite")).unwrap();
    let replica = Arc::new(Mutex::new(replica));
    let (ticks, held) = (Arc::new(AtomicU64::new(0)), Arc::clone(&replica));
    let seen = Arc::clone(&ticks);
    let (holds, is_held) = std::sync::mpsc::channel();
    let holder = std::thread::spawn(move || {
        let _held = held.lock().unwrap();
        holds.send(()).unwrap();
        let before = seen.load(Ordering::Relaxed);
        for _ in 0..500 {
            if seen.load(Ordering::Relaxed) > before + 20 {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        false
    });
    is_held.recv().unwrap();
    let order = Order {
        query: Query::default(),
        with_comments: false,
        is_lasting: false,
    };
    let (_going, stop) = watch::channel(Shutdown::None);
    let (free, system) = (Free::default(), desk.system.as_ref());
    let reading = Reading::new(system, &free, replica, &order, 4, stop, &|_| {});
    let ticking = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            ticks.fetch_add(1, Ordering::Relaxed);
        }
    };
    tokio::select! {
        read = reading.run() => drop(read.unwrap()),
        () = ticking => unreachable!("it ticks for ever"),
    }
    assert!(
        holder.join().unwrap(),
        "nothing ticked while the replica was held"
    );
}

#[tokio::test]
async fn what_is_no_page_ends_no_export() {
    for system in SYSTEMS {
        for fault in [
            Fault::Error,
            Fault::NoBody,
            Fault::OtherNames,
            Fault::NoMetadata,
        ] {
            let desk = Desk::new(system, 260, Faults::Always(fault)).await;
            assert!(read(&desk, 4).await.is_err(), "{system}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn an_export_of_a_list_that_is_cut_or_lacks_rows_says_so() {
    for system in SYSTEMS {
        for fault in [
            Fault::NoRows,
            Fault::Cut(100),
            Fault::Cut(30),
            Fault::Drop(7),
            Fault::Fewer(47),
        ] {
            let desk = Desk::new(system, 260, Faults::Always(fault)).await;
            let (count, ended) = read(&desk, 4).await.unwrap();
            let is_true = !ended.doubts.is_empty() || count == 260;
            assert!(is_true, "{system}, {fault:?}: {count}, {ended:?}");
            // What strikes once is read again.
            let desk = Desk::new(system, 260, Faults::InTurn(vec![Some(fault)])).await;
            let (count, ended) = read(&desk, 4).await.unwrap();
            assert_eq!(
                (count, &ended.doubts),
                (260, &vec![]),
                "{system}, {fault:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_list_without_a_count_that_looks_empty_is_doubted_where_a_ticket_is_known() {
    // What has gone since is no witness.
    for (known, is_doubted) in [(["17"], true), (["4711"], false)] {
        let desk = Desk::new(SystemName::ClearFeed, 260, Faults::Always(Fault::Cut(0)));
        let (count, ended) = read_beside(&desk.await, 4, &known).await.unwrap();
        assert_eq!((count, !ended.doubts.is_empty()), (0, is_doubted));
    }
    let desk = Desk::new(SystemName::ClearFeed, 260, Faults::InTurn(vec![])).await;
    let (count, ended) = read_beside(&desk, 4, &["17", "4711"]).await.unwrap();
    assert_eq!((count, ended.doubts), (260, vec![]));
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        6 => Just(None),
        1 => Just(Some(Fault::Error)),
        1 => Just(Some(Fault::NoRows)),
        2 => (0..110_usize).prop_map(|most| Some(Fault::Cut(most))),
        2 => (0..100_usize).prop_map(|place| Some(Fault::Drop(place))),
        1 => Just(Some(Fault::Repeat)),
        1 => Just(Some(Fault::Shuffle)),
        1 => Just(Some(Fault::More)),
        1 => (1..100_usize).prop_map(|by| Some(Fault::Fewer(by))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_complete_export_has_every_ticket(tickets in 0..330_usize, faults in in_turn(fault()), is_clearfeed: bool) {
        prop_assume!(!may_look_empty(&faults, !is_clearfeed));
        let system = SYSTEMS[usize::from(!is_clearfeed)];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let desk = Desk::new(system, tickets, Faults::InTurn(faults)).await;
            if let Ok((count, ended)) = read(&desk, 4).await && ended.doubts.is_empty() {
                prop_assert_eq!(count, tickets as u64);
            }
            Ok(())
        })?;
    }
}
