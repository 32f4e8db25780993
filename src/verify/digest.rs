//! The digests by which a later reader can check that the report is about this run: of its rows in the ledger, of the
//! input, of the mapping and of the directory.

use serde::Serialize;

use crate::ledger::StepRecord;
use crate::record::RowKey;

/// Digests in hex.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Digests {
    /// The ledger's rows of all records, in the order of the inputs.
    pub ledger: String,
    /// How many steps these are.
    pub steps: u64,
    /// Each input: its name, what it holds now, and what it held when the run read it.
    pub inputs: Vec<Two>,
    /// The mapping.
    pub mapping: Two,
    /// The directory: now, and when the run went.
    pub directory: Two,
}

/// A digest now and then.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Two {
    /// What it is of.
    pub of: String,
    /// What was read now.
    pub now: String,
    /// What the run read; `None` where the ledger does not know it.
    pub run: Option<String>,
}

impl Two {
    /// Whether both are the same, as far as both are known.
    pub fn is_same(&self) -> bool {
        self.run.as_ref().is_none_or(|run| *run == self.now)
    }
}

/// Takes the ledger's rows one by one.
#[derive(Debug, Default)]
pub(super) struct LedgerDigest {
    hasher: blake3::Hasher,
    steps: u64,
}

impl LedgerDigest {
    /// The steps of a key.
    pub(super) fn add(&mut self, key: &RowKey, steps: &[StepRecord]) {
        let mut put = |bytes: &[u8]| {
            // With its length, so that no two rows run into one.
            self.hasher.update(&(bytes.len() as u64).to_le_bytes());
            self.hasher.update(bytes);
        };
        put(key.as_str().as_bytes());
        let mut sorted: Vec<&StepRecord> = steps.iter().collect();
        sorted.sort_by_cached_key(|step| (step.id.name.clone(), step.id.ordinal));
        for step in sorted {
            put(step.id.name.as_bytes());
            put(&step.id.ordinal.to_le_bytes());
            put(&(step.state as i64).to_le_bytes());
            put(&step.payload.unwrap_or_default());
            let ticket = step.ticket.as_ref().map_or("", |ticket| ticket.id.as_str());
            put(ticket.as_bytes());
            self.steps += 1;
        }
    }

    /// The digest in hex, and of how many steps it is.
    pub(super) fn finish(self) -> (String, u64) {
        (self.hasher.finalize().to_hex().to_string(), self.steps)
    }
}
