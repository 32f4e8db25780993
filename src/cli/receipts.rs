//! Receipts of a run: gathered row by row from the ledger, right after the run or at any time later.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::intake::{Item, Subject};
use crate::ledger::{Ledger, Run};
use crate::record::RowKey;
use crate::report::receipts::{self, Around, Receipt, Receipts, Written};
use crate::run::Items;
use crate::source::Input;

/// How many records are looked up at once.
const BATCH: usize = 500;

/// What receipts are written of.
pub(super) struct Of<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) run: &'a Run,
    pub(super) input: &'a Input,
    /// Its records, whether they were taken up or not.
    pub(super) items: Items<'a>,
    /// What is said of a row that the ledger does not know.
    pub(super) not_kept: &'a str,
}

/// Writes a copy of each file of the input with the receipts beside its rows.
///
/// # Errors
/// When the ledger or the input cannot be read, or a copy cannot be written.
pub(super) async fn write(
    of: Of<'_>,
    targets: &[(String, PathBuf)],
    around: &Around<'_>,
) -> Result<Vec<Written>> {
    let input = of.input;
    let receipts = gather(of).await?;
    let mut written = Vec::with_capacity(targets.len());
    for target in targets {
        written.push(tokio::task::block_in_place(|| {
            receipts::write(input, target, &receipts, around)
        })?);
    }
    Ok(written)
}

/// The paths of the receipts, for `--receipts FILE` or `-o FILE`.
///
/// # Errors
/// When a name does not suit the input.
pub(super) fn targets(input: &Input, to: Option<&Path>) -> Result<Vec<(String, PathBuf)>> {
    receipts::targets(input.tables(), to)
}

async fn gather(mut of: Of<'_>) -> Result<Receipts> {
    let receipts = Receipts::new()?;
    let operation = of.run.last().meta.operation;
    loop {
        let next = || -> Result<Vec<Item>> { of.items.by_ref().take(BATCH).collect() };
        let items = tokio::task::block_in_place(next)?;
        if items.is_empty() {
            return Ok(receipts);
        }
        let keys: Vec<RowKey> = items.iter().filter_map(key).cloned().collect();
        let mut kept = of.ledger.receipts(of.run, keys).await?.into_iter();
        for item in &items {
            let kept = key(item).and_then(|_| kept.next()).unwrap_or_default();
            let receipt = match &item.subject {
                Subject::Faulty(_, faults) => Receipt::rejected(faults),
                Subject::Keyed(_) => Receipt::kept(&kept, operation, of.not_kept),
                Subject::Repeated(_, first) => {
                    let first = first.row;
                    let one = Receipt::kept(&kept, operation, of.not_kept);
                    Receipt {
                        outcome: format!("the same as row {first}: {}", one.outcome),
                        ..one
                    }
                }
            };
            for row in &item.rows {
                receipts.put(row.table, row.place.row, &receipt)?;
            }
        }
    }
}

/// The key by which the ledger knows a record.
fn key(item: &Item) -> Option<&RowKey> {
    match &item.subject {
        Subject::Keyed(key) | Subject::Repeated(key, _) => Some(key),
        Subject::Faulty(..) => None,
    }
}
