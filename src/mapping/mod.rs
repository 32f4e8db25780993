//! The mapping: a TOML file, checked, compiled once into a plan, and then a pure function from the rows of a
//! record to the payloads of its steps.
//!
//! ```text
//! file ─▶ Mapping::load ─▶ Plan::compile ─▶ Plan::bind ─▶ BoundPlan
//!         syntax, keys,    fields, names,   columns,      rows → identity, payloads
//!         steps            directory        types
//! ```
//!
//! Each of the three stages tells all that it finds wrong at once, with the place in the file.

mod acting;
mod again;
pub mod alias;
mod append;
mod apply;
mod attach;
mod baseline;
mod beside;
mod bind;
mod by_hand;
mod changes;
mod check;
mod columns;
mod compile;
mod computed;
mod date;
pub mod decisions;
mod draft;
mod dropped;
mod each;
mod example;
mod expected;
mod expr;
mod field;
pub(crate) mod file;
mod fold;
mod form;
mod identify;
pub mod infer;
pub(crate) mod input;
pub(crate) mod item;
pub(crate) mod json_schema;
pub(crate) mod keys;
mod literal;
mod load;
mod lookup;
mod marker;
mod order;
mod orphans;
mod parse;
mod plan;
mod rank;
pub mod reference;
mod render;
mod resolve;
pub(crate) mod script;
mod shape;
mod shown;
pub(crate) mod slots;
mod stages;
mod syntax;
mod table;
mod target;
mod text;
mod then;
mod tied;
mod touched;
mod types;
mod uses;
pub(crate) mod values;

use std::borrow::Cow;

use crate::error::Fault;
use crate::event::{Fallback, Skip};
use crate::intake::Digest;
use crate::record::{Record, RowKey};
use crate::systems::common::CommonTicket;
use crate::systems::diff::Difference;
use crate::systems::{Operation, StepPayload};

pub use baseline::BaselineRule;
pub use bind::BoundPlan;
pub use by_hand::{ByHand, by_hand, by_hand_differences};
pub use check::Checked;
pub use draft::Draft;
pub use example::Ran;
pub use expected::{Due, Expected, FollowingValues};
pub(crate) use fold::OLDER;
pub use json_schema::{describe as describe_type, json_schema};
pub use load::{CONTENT_KEY, Mapping, Reach};
pub use plan::{Plan, PlanOptions};
pub use shape::Unmapped;
pub use shown::{FieldHead, ShownCell, ShownField};
pub use touched::{FieldColumn, Touched};
pub use uses::{ColumnUse, Fate, ItemUse};

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
    /// Which fields took something else than their cell says.
    pub fallbacks: Vec<Fallback>,
    /// Of an upsert, the requests that set the same on a ticket that is there; none where rows do not upsert.
    pub updates: Vec<StepPayload>,
    /// The reference by which the ticket can be found again (`scope/key`, or its hash); `None` with `marker = "none"`.
    pub reference: Option<String>,
}

/// How a row names the ticket that it acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TicketName {
    /// By the system's id, or the number that people use.
    Named(String),
    /// By the key under which an earlier run made it.
    Made(RowKey),
}

/// What becomes of a record that names keys which nothing has.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Untied {
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// Why it is left out, where a field says so.
    pub skip: Option<String>,
    /// The fields that are left out of it, where they say so.
    pub fallbacks: Vec<Fallback>,
}

/// What rows do that make no tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting {
    /// What they do.
    pub operation: Operation,
    /// The scope of the keys by which they name tickets, where they do.
    pub scope: Option<String>,
}

/// What the engine needs from a mapping that is bound to the input's tables: a pure function, called from
/// several threads.
pub trait MapRows: Send + Sync {
    /// What the rows do to tickets that are there; `None` where each makes its own.
    fn acting(&self) -> Option<Acting> {
        None
    }

    /// The ticket that a record made of these rows is about, where [`Self::acting`] says that there is one.
    ///
    /// # Errors
    /// All that is wrong with the cells that name it.
    fn target(&self, rows: &[Record]) -> Result<TicketName, Vec<Fault>> {
        let _ = rows;
        Ok(TicketName::Named(String::new()))
    }

    /// Whether a row whose ticket was made before updates it.
    fn upserts(&self) -> bool {
        false
    }

    /// Whether cells of a row may say what only a create sets.
    fn sets_once(&self) -> bool {
        false
    }

    /// What listings call the custom field that bears the reference; `None` where the description does.
    fn marker_field(&self) -> Option<&str> {
        None
    }

    /// Whether a ticket bears a reference by which it can be found again.
    fn marks(&self) -> bool {
        true
    }

    /// Whether steps of its rows may name the tickets of other rows.
    fn ties(&self) -> bool {
        false
    }

    /// What becomes of a record that names keys which neither the input nor the ledger has: a fault for each, a row that is
    /// left out, or nothing where the field is left out.
    fn untied(&self, rows: &[Record], absent: &[RowKey]) -> Untied {
        let _ = (rows, absent);
        Untied::default()
    }

    /// Whether a call of the system may be sent again without looking.
    fn is_repeatable(&self, call: &str) -> bool;

    /// The hash of the mapped columns of these rows: whether a row is what it was.
    fn content(&self, rows: &[Record]) -> Digest;

    /// How those of a record's requests that are to be sent would change the ticket as it stands.
    fn differences(
        &self,
        rows: &[Record],
        key: &RowKey,
        sent: &[StepPayload],
        ticket: CommonTicket,
    ) -> Vec<Difference> {
        let _ = (rows, key, sent, ticket);
        Vec::new()
    }

    /// Why nothing of these rows is to be sent, where only what people have changed is.
    fn untouched(&self, rows: &[Record]) -> Option<Skip> {
        let _ = rows;
        None
    }

    /// The state in which these requests leave a new ticket: `open`, `closed`, or a state of the system; `None` where
    /// they make none.
    fn left(&self, steps: &[StepPayload]) -> Option<Cow<'static, str>> {
        let _ = steps;
        None
    }

    /// The requests of one record made of these rows.
    fn map(&self, rows: &[Record], key: &RowKey) -> Mapped;

    /// The same without the fields that name these keys.
    fn map_without(&self, rows: &[Record], key: &RowKey, absent: &[RowKey]) -> Mapped {
        let _ = absent;
        self.map(rows, key)
    }
}

/// Another sheet of the input's own workbook that a mapping reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SheetBeside {
    /// Its name, as the mapping writes it.
    pub(crate) sheet: String,
    /// The column of the input and the column there that say the same, where rows belong to rows; else all of it is read.
    pub(crate) of: Option<(String, String)>,
}

/// How words are compared in a `map`: without case and outer space, composed and without what is invisible. Borrowed
/// where nothing changes.
pub(crate) fn table_key(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text
        .bytes()
        .any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii())
    {
        let text = crate::unicode::plain(text);
        Cow::Owned(unicase::UniCase::new(text.trim()).to_folded_case())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests;
