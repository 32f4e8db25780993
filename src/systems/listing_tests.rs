//! Lists that misbehave: what a listing calls whole is whole.

use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::testing::Free;
use super::testing::desk::{BEGAN, Desk, Fault, Faults, in_turn, may_look_empty};
use super::*;

const SYSTEMS: [SystemName; 2] = [SystemName::ClearFeed, SystemName::IncidentIq];

/// Lists all tickets: how many came, each once, and how it ended.
async fn list(desk: &Desk) -> Result<(usize, ListingEnd)> {
    let from: Timestamp = BEGAN.parse().unwrap();
    let window = Window {
        from,
        to: from + SignedDuration::from_hours(24 * 365),
    };
    let mut ids = Vec::new();
    let mut take = |page: Vec<Listed>| ids.extend(page.into_iter().map(|row| row.ticket.id));
    let end = desk
        .system
        .list_created(window, &Free::default(), &mut take)
        .await?;
    let came = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), came, "each is handed on once");
    Ok((came, end))
}

/// Searches for all tickets: how many came, and how it ended.
async fn search(desk: &Desk) -> Result<(usize, SearchEnd)> {
    let mut came = 0;
    let mut take = |page: Vec<CommonTicket>| {
        came += page.len();
        ControlFlow::Continue(())
    };
    let end = desk
        .system
        .search(&Query::default(), &Free::default(), &mut take)
        .await?;
    Ok((came, end))
}

#[tokio::test]
async fn a_well_behaved_list_costs_one_page_more() {
    for system in SYSTEMS {
        for (tickets, pages) in [(0, 1), (40, 1), (100, 1), (101, 2), (260, 3)] {
            let desk = Desk::new(system, tickets, Faults::InTurn(vec![])).await;
            let (came, end) = list(&desk).await.unwrap();
            assert_eq!((came, end.gap), (tickets, None), "{system}, {tickets}");
            assert_eq!(
                desk.asked.load(Ordering::Relaxed),
                pages + 1,
                "{system}, {tickets}"
            );
            let (came, end) = search(&desk).await.unwrap();
            assert_eq!((came, end.whole), (tickets, true), "{system}, {tickets}");
        }
    }
}

#[tokio::test]
async fn what_is_no_page_is_never_the_end() {
    for system in SYSTEMS {
        for fault in [
            Fault::Error,
            Fault::NoBody,
            Fault::OtherNames,
            Fault::NoMetadata,
        ] {
            let desk = Desk::new(system, 260, Faults::Always(fault)).await;
            assert!(list(&desk).await.is_err(), "{system}, {fault:?}");
            assert!(search(&desk).await.is_err(), "{system}, {fault:?}");
            let once = Faults::InTurn(vec![None, Some(fault)]);
            let desk = Desk::new(system, 260, once).await;
            let (came, end) = list(&desk).await.unwrap();
            assert_eq!((came, end.gap), (260, None), "{system}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_list_that_is_cut_or_lacks_rows_is_not_whole() {
    for system in SYSTEMS {
        for fault in [
            Fault::NoRows,
            Fault::Cut(100),
            Fault::Cut(30),
            Fault::Drop(7),
            Fault::Drop(99),
        ] {
            let desk = Desk::new(system, 260, Faults::Always(fault)).await;
            let (came, end) = list(&desk).await.unwrap();
            let is_true = end.gap.is_some() || came == 260;
            assert!(is_true, "{system}, {fault:?}: {came}, {end:?}");
            let once = Faults::InTurn(vec![Some(fault)]);
            let desk = Desk::new(system, 260, once).await;
            let (came, end) = list(&desk).await.unwrap();
            assert_eq!((came, end.gap), (260, None), "{system}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn rows_that_come_twice_or_in_no_order_or_unasked_are_no_fault() {
    for system in SYSTEMS {
        for fault in [Fault::Repeat, Fault::Shuffle, Fault::More] {
            let desk = Desk::new(system, 260, Faults::Always(fault)).await;
            let (came, end) = list(&desk).await.unwrap();
            assert_eq!((came, end.gap), (260, None), "{system}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_system_may_have_smaller_pages_than_it_is_asked_for() {
    for system in SYSTEMS {
        let desk = Desk::new(system, 260, Faults::Always(Fault::Small(30))).await;
        let (came, end) = list(&desk).await.unwrap();
        assert_eq!((came, end.gap), (260, None), "{system}");
        let (came, end) = search(&desk).await.unwrap();
        assert_eq!((came, end.whole), (260, true), "{system}");
    }
}

/// Read again, a page that lacks a row lacks it still: that alone does not make it as long as pages are.
#[tokio::test]
async fn a_page_that_lacks_the_same_row_twice_is_not_believed_beside_a_longer_one() {
    for system in SYSTEMS {
        let faults = vec![Some(Fault::Drop(65)); 2];
        let desk = Desk::new(system, 166, Faults::InTurn(faults)).await;
        let (came, end) = list(&desk).await.unwrap();
        assert!(came == 166 || !end.is_whole(), "{system}, {came}");
    }
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        6 => Just(None),
        1 => Just(Some(Fault::Error)),
        1 => Just(Some(Fault::NoBody)),
        1 => Just(Some(Fault::OtherNames)),
        1 => Just(Some(Fault::NoMetadata)),
        1 => Just(Some(Fault::NoRows)),
        2 => (0..110_usize).prop_map(|most| Some(Fault::Cut(most))),
        2 => (0..100_usize).prop_map(|place| Some(Fault::Drop(place))),
        1 => Just(Some(Fault::Repeat)),
        1 => Just(Some(Fault::Shuffle)),
        1 => Just(Some(Fault::More)),
        1 => (1..100_usize).prop_map(|by| Some(Fault::Fewer(by))),
        1 => (1..100_usize).prop_map(|by| Some(Fault::Further(by))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_whole_listing_shows_every_ticket(tickets in 0..330_usize, faults in in_turn(fault()), is_clearfeed: bool) {
        let system = SYSTEMS[usize::from(!is_clearfeed)];
        prop_assume!(!may_look_empty(&faults, !is_clearfeed));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let desk = Desk::new(system, tickets, Faults::InTurn(faults.clone())).await;
            if let Ok((came, end)) = list(&desk).await && end.is_whole() {
                prop_assert_eq!(came, tickets);
            }
            let desk = Desk::new(system, tickets, Faults::InTurn(faults)).await;
            if let Ok((came, end)) = search(&desk).await && end.whole {
                prop_assert_eq!(came, tickets);
            }
            Ok(())
        })?;
    }
}
