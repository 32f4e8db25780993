//! The input is read twice, so that memory stays flat in the number of rows: a first pass filters, finds the
//! keys and what is wrong with them, and writes their fingerprints to temporary files; a second pass hands
//! the records on, each with its key.

mod ahead;
mod alike;
mod apart;
mod candidate;
mod selection;
mod sort;
mod spool;
mod survey;
mod ties;
mod unread;
mod verdict;

#[cfg(test)]
mod tests;

pub use selection::Selection;
pub use survey::{Survey, survey};
pub use unread::Watching;

use crate::error::Fault;
use crate::record::{Place, Record, RowKey};

/// A hash of a content or a key, enough to tell rows apart for ever.
pub type Digest = [u8; 16];

/// What a record is called: made by the mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The mapped key, or the `_key` that an error file carries; `None`: the content is the key, and intake
    /// adds the ordinal among identical rows.
    pub key: Option<RowKey>,
    /// The hash of the mapped columns only.
    pub content: Digest,
}

/// What intake needs from a mapping that is bound to the input's tables.
pub trait Identify: Send + Sync {
    /// Whether a row may hold several records.
    fn takes_apart(&self) -> bool {
        false
    }

    /// The records that a row holds, one at least: each is the row with its own item behind the cells.
    ///
    /// # Errors
    /// What in the row keeps its items from being read.
    fn apart(&self, record: &Record) -> Result<Vec<Record>, Vec<Fault>> {
        Ok(vec![record.clone()])
    }

    /// Whether the row passes `where`.
    ///
    /// # Errors
    /// What in the row keeps the condition from being judged.
    fn passes(&self, record: &Record) -> Result<bool, Vec<Fault>>;

    /// The group a row belongs to; `None` when the mapping groups nothing.
    fn group(&self, record: &Record) -> Option<Digest>;

    /// Whether what the mapping groups by can be read in a row.
    fn knows_group(&self, record: &Record) -> bool {
        let _ = record;
        true
    }

    /// Brings the rows of one group into the mapping's order (`order_by`).
    ///
    /// # Errors
    /// What in the rows keeps them from being ordered; they stay as they were.
    fn arrange(&self, rows: &mut Vec<Record>) -> Result<(), Vec<Fault>>;

    /// Whether the group passes `where_group`.
    ///
    /// # Errors
    /// What in the rows keeps the condition from being judged.
    fn passes_group(&self, rows: &[Record]) -> Result<bool, Vec<Fault>>;

    /// The mapped key of a record made of these rows (one, unless grouped), or the `_key` that an error file
    /// carries; `None`: its content is its key.
    ///
    /// # Errors
    /// What keeps the key from being made (an empty key cell, a number past 15 digits).
    fn key(&self, rows: &[Record]) -> Result<Option<RowKey>, Vec<Fault>>;

    /// The records that a record made of these rows names by their keys; none where the mapping ties nothing.
    fn ties(&self, rows: &[Record]) -> Vec<Named> {
        let _ = rows;
        Vec::new()
    }

    /// Whether the records that are named by their keys are none of the input.
    fn names_elsewhere(&self) -> bool {
        false
    }

    /// What is told of a record that is led back to itself; `ring`: the rows by which it is, itself first.
    fn led_back(&self, rows: &[Record], ring: &[u64]) -> Fault {
        let _ = ring;
        Fault::row(rows[0].place.clone(), "is led back to itself")
    }

    /// The hash of the mapped columns of these rows.
    fn content(&self, rows: &[Record]) -> Digest;

    /// Key and content.
    ///
    /// # Errors
    /// As for the key.
    fn identify(&self, rows: &[Record]) -> Result<Identity, Vec<Fault>> {
        Ok(Identity {
            key: self.key(rows)?,
            content: self.content(rows),
        })
    }
}

/// One record on its way to the mapping.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its number among the records of this input, from 0.
    pub ordinal: u64,
    /// The rows that make it (one, unless grouped), in the mapping's order.
    pub rows: Vec<Record>,
    /// What it is.
    pub subject: Subject,
    /// The keys of other records that it names and that no record of the input has.
    pub absent: Vec<RowKey>,
}

/// A record that another one names by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its key.
    pub key: RowKey,
    /// Whether it is to be above the one that names it.
    pub is_above: bool,
}

impl Item {
    /// Where it stands: its first row.
    pub fn place(&self) -> &Place {
        &self.rows[0].place
    }
}

/// What a record turned out to be when all keys were known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A record with a key of its own. Its content is hashed by who compares it: a dry run does not.
    Keyed(RowKey),
    /// The same key and content as an earlier row: one with it.
    Repeated(RowKey, Place),
    /// A row that cannot be read, has no key, or shares its key with differing rows.
    Faulty(Option<RowKey>, Vec<Fault>),
}
