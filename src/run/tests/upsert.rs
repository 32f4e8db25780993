//! Upserts: what is new is made, what has changed is updated, each thing once.

use super::fake::{Input, Script};
use super::*;

/// Created, updated, skipped, requests.
fn sums(totals: &Totals) -> (u64, u64, u64, u64) {
    (
        totals.created,
        totals.updated,
        totals.skipped(),
        totals.requests,
    )
}

#[tokio::test(start_paused = true)]
async fn what_is_new_is_made_and_what_has_changed_is_updated() {
    let bench = Bench::new();
    let input = Input::new(4).upserting();
    let (totals, _) = bench.run(&input).await;
    assert_eq!(sums(&totals), (4, 0, 0, 4));
    let (totals, _) = bench.run(&input).await;
    assert_eq!(sums(&totals), (0, 0, 4, 0));
    // One row says something else, and one is new: only what differs is set.
    let next = Input::new(5).upserting().fixed(2);
    let (totals, told) = bench.run(&next).await;
    assert_eq!(sums(&totals), (1, 1, 3, 2));
    assert!(matches!(told.end(2), End::Updated { ticket, .. } if ticket.id.starts_with("id")));
    assert_eq!(bench.fake.set("k2"), ["assign 1"]);
    let (totals, _) = bench.run(&next).await;
    assert_eq!(sums(&totals), (0, 0, 5, 0));
    // A third content, which is the first again.
    let (totals, _) = bench.run(&Input::new(5).upserting()).await;
    assert_eq!(sums(&totals), (0, 1, 4, 1));
    assert_eq!(bench.fake.set("k2"), ["assign 1", "assign 0"]);
    bench.once_each(5);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_refused_leaves_the_ticket_whole() {
    let bench = Bench::new();
    let input = Input::new(2).upserting();
    bench.run(&input).await;
    bench.fake.script("k1/assign", &[Script::Refuse]);
    let changed = input.clone().fixed(1);
    let (totals, told) = bench.run(&changed).await;
    assert_eq!((totals.rejected, totals.incomplete), (1, 0));
    assert!(matches!(told.end(1), End::Rejected(_)));
    // As it stands it is not sent again; what was there before it goes again, since nobody knows what it left.
    let (totals, _) = bench.run(&changed).await;
    assert_eq!((totals.rejected, totals.requests), (1, 0));
    let (totals, _) = bench.run(&input).await;
    assert_eq!(sums(&totals), (0, 1, 1, 1));
    assert_eq!(bench.fake.set("k1"), ["assign 0"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_an_update_lets_it_go_again_and_to_a_create_makes_one() {
    let bench = Bench::new().script(0, &[Script::Lost]);
    bench.fake.script("k1/assign", &[Script::Lost]);
    let input = Input::new(2).upserting();
    let (totals, _) = bench.run(&input).await;
    assert_eq!(totals.created, 2);
    let (totals, _) = bench.run(&input.changed()).await;
    assert_eq!(totals.updated, 2);
    assert_eq!(bench.fake.set("k0"), ["assign 1"]);
    assert_eq!(bench.fake.set("k1"), ["assign 1", "assign 1"]);
    bench.once_each(2);
}

#[tokio::test(start_paused = true)]
async fn what_only_a_create_sets_is_told_as_changed() {
    let bench = Bench::new();
    let input = Input::new(3).upserting().setting_once();
    bench.run(&input).await;
    let (totals, told) = bench.run(&input.fixed(1)).await;
    assert_eq!((totals.done_before, totals.changed), (2, 1));
    assert!(matches!(told.end(1), End::Skipped(Skip::Changed { .. })));
    assert_eq!(totals.requests, 0);
}

#[tokio::test(start_paused = true)]
async fn tickets_of_a_plain_import_are_kept_up_to_date_from_then_on() {
    let bench = Bench::new();
    bench.run(&Input::new(3)).await;
    let input = Input::new(3).upserting();
    let (totals, _) = bench.run(&input).await;
    assert_eq!(sums(&totals), (0, 0, 3, 0));
    // What was set is not known by call: all of it is set once.
    let (totals, _) = bench.run(&input.clone().fixed(1)).await;
    assert_eq!(sums(&totals), (0, 1, 2, 2));
    let (totals, _) = bench.run(&input).await;
    assert_eq!(sums(&totals), (0, 1, 2, 1));
    assert_eq!(bench.fake.set("k1"), ["assign 1", "label 0", "assign 0"]);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_changes_before_its_ticket_is_whole_is_made_whole_with_what_it_says_now() {
    let bench = Bench::new();
    bench.fake.script("k1/follow", &[Script::Refuse]);
    let input = Input::new(2).upserting().with_step("follow");
    let (totals, _) = bench.run(&input).await;
    assert_eq!((totals.created, totals.incomplete), (1, 1));
    let changed = input.fixed(1);
    let (totals, told) = bench.run(&changed).await;
    assert_eq!(sums(&totals), (1, 0, 1, 3));
    assert!(matches!(told.end(1), End::Created { .. }));
    assert_eq!(bench.fake.set("k1"), ["follow 1", "assign 1", "label 0"]);
    let (totals, _) = bench.run(&changed).await;
    assert_eq!(sums(&totals), (0, 0, 2, 0));
    bench.once_each(2);
}
