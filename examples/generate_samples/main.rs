//! Writes `samples/`, always the same bytes: `cargo run --example generate_samples`.
//!
//! The tickets name the people, places and issues of the sandbox's population, so that they can be imported into
//! it; the workbook holds the same tickets with a few wrong cells.

mod queue;
mod tickets;
mod workbook;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    std::fs::create_dir_all(&folder)?;
    let tickets = tickets::tickets();
    tickets::write_csv(&tickets, &folder.join("tickets.csv"))?;
    workbook::write(&tickets, &folder.join("tickets.xlsx"))?;
    queue::write(&folder.join("support-queue.jsonl"))?;
    Ok(())
}
