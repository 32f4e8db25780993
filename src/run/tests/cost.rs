//! What a well-behaved desk is asked beside the requests of the rows.

use super::fake::Input;
use super::*;

/// The tickets of a page.
const PAGE: usize = 100;

/// At any rate each ticket is listed one and a half times at most, and no look is cut because of the run's own tickets.
#[tokio::test(start_paused = true)]
async fn looks_for_other_writers_cost_less_than_two_requests_in_a_hundred() {
    for (rate, count) in [(10.0, 2_000), (100.0, 10_000), (200.0, 10_000)] {
        let mut bench = Bench::new();
        bench.header_is_off_by(0);
        bench.settings.rate = Some(rate);
        bench.settings.concurrency = 64;
        let (totals, told) = bench.run(&Input::new(count)).await;
        assert_eq!(totals.requests, count as u64);
        assert!(told.notes.is_empty(), "{:?}", told.notes);
        let asked = bench.fake.asked.lock().unwrap();
        // One ticket more shows that nothing follows.
        let pages = |newer: usize| (newer + 1).div_ceil(PAGE);
        let is_cut = |(newer, most): &&(usize, u32)| pages(*newer) > *most as usize;
        assert_eq!(asked.iter().find(is_cut), None, "at {rate}/s: {asked:?}");
        let pages: usize = asked.iter().map(|(newer, _)| pages(*newer)).sum();
        assert!(pages * 50 <= count, "{pages} pages at {rate}/s: {asked:?}");
    }
}
