//! How many rows a second one core maps; run by hand: `cargo test --release --lib mapping::tests::speed -- --ignored --nocapture`.

use super::*;
use std::time::Instant;

#[test]
#[ignore = "a measurement, not a check"]
fn rows_a_second() {
    let mapping = with_fields(
        "IssueDescription = { template = \"{{ Text }}\\n\\nOpened {{ Opened }} as #{{ row['Id'] }}\" }\nIssueId = { from = [\"Category\", \"Problem\"], resolve = \"issue\" }\nForId = { from = \"Mail\", resolve = \"user\", match = \"email\" }\nIsUrgent = { from = \"VIP\", parse = \"bool\" }\nChannel = { from = \"Via\", map = { \"Mail\" = \"email\" }, else = \"web\" }\n",
    );
    let columns = [
        "Id", "Title", "Building", "Text", "Opened", "Category", "Problem", "Mail", "VIP", "Via",
    ];
    let bound = bind(&mapping, table(&columns));
    let row = texts(
        2,
        &[
            "4711",
            "Screen is broken",
            "Lincoln High School",
            "It fell from the desk during the lesson.",
            "6/1/2024",
            "Laptop",
            "Screen",
            "jane@district.example",
            "yes",
            "Mail",
        ],
    );
    let rows = [row];
    let key = RowKey::new("4711");
    let count = 500_000;
    let start = Instant::now();
    for _ in 0..count {
        assert!(matches!(bound.map(&rows, &key), Mapped::Ready(_)));
    }
    println!(
        "map: {:.0} rows/s",
        f64::from(count) / start.elapsed().as_secs_f64()
    );
    let Mapped::Ready(ready) = bound.map(&rows, &key) else {
        panic!("the row is good");
    };
    let start = Instant::now();
    for _ in 0..count {
        // What composing alone costs: the bodies' own allocations.
        std::hint::black_box(ready.clone());
    }
    println!(
        "copies of what map makes: {:.0} /s",
        f64::from(count) / start.elapsed().as_secs_f64()
    );
    let start = Instant::now();
    for _ in 0..count {
        assert!(crate::intake::Identify::identify(&bound, &rows).is_ok());
    }
    println!(
        "identify: {:.0} rows/s",
        f64::from(count) / start.elapsed().as_secs_f64()
    );
}
