//! Indexes over a snapshot: exact first, then folded (case, white space); never a guess.

use std::sync::Arc;

use super::{CustomField, Entry, Kind, Snapshot};

/// A snapshot with its indexes.
#[derive(Debug)]
pub struct Directory {
    snapshot: Snapshot,
}

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'a> {
    /// Exactly one entry.
    One(&'a Entry),
    /// More than one: never guessed.
    Ambiguous(Vec<&'a Entry>),
    /// None; the nearest names, best first, at most three.
    Missing(Vec<String>),
}

impl Directory {
    /// Indexes a snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        Self { snapshot }
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Finds the entry of a kind by name: the properties of `by` in order (`name`, `id`, or one of the entry's;
    /// empty: the kind's default order), each exactly and then folded; an id given as an id is taken when it
    /// exists. `within` restricts to entries of that parent id.
    pub fn find(
        &self,
        _kind: Kind,
        _text: &str,
        _by: &[String],
        _within: Option<&str>,
    ) -> Found<'_> {
        Found::Missing(Vec::new())
    }

    /// The custom field of that name: exact, then folded.
    pub fn custom_field(&self, _name: &str) -> Option<Arc<CustomField>> {
        None
    }

    /// Whether entries of this kind can be resolved at all: `Err` says why not (not listed, or a partial listing).
    ///
    /// # Errors
    /// The reason, for people.
    pub fn can_resolve(&self, _kind: Kind) -> Result<(), String> {
        Ok(())
    }
}
