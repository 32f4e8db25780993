//! The mapping: a TOML file, checked, compiled once into a plan, and then a pure function from the rows of a
//! record to the payloads of its steps.

use crate::error::Fault;
use crate::record::{Record, RowKey};
use crate::systems::StepPayload;

/// What a record became.
#[derive(Debug, Clone, PartialEq)]
pub enum Mapped {
    /// Requests to send.
    Ready(Ready),
    /// A field said `skip_row`: which, and for what value.
    Skip(String),
    /// All that is wrong with the row.
    Faults(Vec<Fault>),
}

/// The requests of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// The steps in order; the first is the operation's own.
    pub steps: Vec<StepPayload>,
    /// Which fields took their `default` or `missing`: (field, the name it took).
    pub fallbacks: Vec<(String, String)>,
    /// The reference by which the ticket can be found again (`scope/key`, or its hash); `None` with `marker = "none"`.
    pub reference: Option<String>,
}

/// What the engine needs from a mapping that is bound to the input's tables: a pure function, called from
/// several threads.
pub trait MapRows: Send + Sync {
    /// The requests of one record made of these rows.
    fn map(&self, rows: &[Record], key: &RowKey) -> Mapped;
}
