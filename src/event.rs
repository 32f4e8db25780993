//! What happens in a run, as values: the only bridge from the engine to output. Bar, summary, error file and
//! JSON are consumers; no stage prints.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use crate::error::Fault;
use crate::record::{Place, Record, RowKey};
use crate::systems::diff::Diff;
use crate::systems::{StepPayload, Ticket};

/// Who listens. Called synchronously from the engine's one fold: a slow listener holds the run back.
pub trait Listener: Send {
    /// Something happened.
    fn on(&mut self, event: &Event);
}

impl<F: FnMut(&Event) + Send> Listener for F {
    fn on(&mut self, event: &Event) {
        self(event);
    }
}

/// Something happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The input has been read once: what there is to do.
    Counted {
        /// Rows that stand in the input.
        rows: u64,
        /// Records they make after `where` and grouping.
        records: u64,
        /// Rows that `where` left out.
        filtered: u64,
    },
    /// A record has reached its end.
    Row(Box<RowEnd>),
    /// The run waits.
    Waiting(Wait),
    /// The wait is over.
    Shutdown,
    /// One request left (for the rate).
    Sent,
    /// Something that a person should know; told once each.
    Note(String),
    /// Ctrl-C was pressed once: what is under way is finished, nothing new is sent.
    Draining {
        /// Requests under way.
        under_way: usize,
    },
}

/// Why a run waits, and until when (as a duration from now).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// The system asked for a pause.
    Pause(Duration),
    /// Nothing remains of the system's limit before this.
    Spent(Duration),
    /// The hours in which requests leave begin after this.
    Closed(Duration),
    /// Rows in doubt can be settled only after this.
    Doubt {
        /// How many.
        rows: usize,
        /// How long still.
        left: Duration,
    },
    /// Rows that were in doubt are looked at once more after this.
    Sweep(Duration),
}

/// How a record ended.
#[derive(Debug, Clone)]
pub struct RowEnd {
    /// Where it stands (of a group: its first row).
    pub place: Place,
    /// Its key; `None` where the key itself could not be made.
    pub key: Option<RowKey>,
    /// The rows that made it, as read; empty unless the outcome is for the error file, or its payloads are kept.
    pub rows: Vec<Record>,
    /// The outcome.
    pub end: End,
}

/// The one outcome of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Made by this run.
    Created {
        /// The ticket.
        ticket: Ticket,
        /// Which fields took something else than their cell says.
        fallbacks: Vec<Fallback>,
    },
    /// Made before, and updated by this run (an upsert).
    Updated {
        /// The ticket.
        ticket: Ticket,
        /// Which fields took something else than their cell says.
        fallbacks: Vec<Fallback>,
    },
    /// Made before, but not by this run (it was adopted, or another run made it): what was open of it is done now.
    Known {
        /// The ticket.
        ticket: Ticket,
        /// Which fields took something else than their cell says.
        fallbacks: Vec<Fallback>,
    },
    /// Would be made: the dry run's outcome.
    Ready {
        /// Whether it was made before and would be updated (an upsert).
        updates: bool,
        /// Whether another run made it, or it was adopted: only what is open would be done.
        known: bool,
        /// Of a new ticket, the state in which its requests leave it: `open`, `closed`, or a state of the system.
        left: Option<Cow<'static, str>>,
        /// How many requests it costs.
        requests: u32,
        /// The steps behind the first.
        further: Vec<Cow<'static, str>>,
        /// Which fields took something else than their cell says.
        fallbacks: Vec<Fallback>,
        /// The requests themselves, where the run was asked to keep them.
        payloads: Vec<StepPayload>,
        /// How they would change the ticket that they are about, where the run was asked to look.
        diff: Option<Box<Diff>>,
        /// Why the ticket would stay incomplete: tickets that it names would not be made.
        untied: Vec<Fault>,
    },
    /// Nothing to do.
    Skipped(Skip),
    /// The row must change; nothing was made.
    Rejected(Vec<Fault>),
    /// The ticket was made, a later step was refused.
    Incomplete {
        /// The ticket.
        ticket: Ticket,
        /// Why.
        faults: Vec<Fault>,
        /// Whether this run did not make it.
        known: bool,
    },
    /// Nobody knows whether it was made.
    InDoubt {
        /// Why it could not be settled.
        reason: String,
    },
    /// The run was stopped before it came to this record.
    NotSent,
}

/// That a field of a row took something else than its cell says: its `default`, its `missing` or `ambiguous`, or the
/// `else` of its `map` or `lookup`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fallback {
    /// The field, or the column that is made.
    pub field: String,
    /// What it took; `None`: the field, or that value of a list, was left out.
    pub took: Option<String>,
    /// The word that is why, where one is; the same as `took` where it was kept as it is.
    pub word: Option<Unfit>,
}

/// A word with which a step of a field could do nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unfit {
    /// The word, as the cell has it.
    pub text: String,
    /// What did not have it.
    pub by: UnfitBy,
}

/// What did not have a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnfitBy {
    /// The `map` of the field.
    Map,
    /// The table of its `lookup`.
    Lookup,
    /// The names of the system, or the keys of the rows.
    Names,
    /// The names of the system have it more than once.
    Ambiguous,
    /// Nothing was there to look in: the field that `within` names is empty.
    Within,
}

impl UnfitBy {
    /// The word for programs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Lookup => "lookup",
            Self::Names => "missing",
            Self::Ambiguous => "ambiguous",
            Self::Within => "within",
        }
    }
}

/// Why there was nothing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// Made before, with the same content.
    DoneBefore {
        /// The ticket.
        ticket: Ticket,
    },
    /// Made before from other content: exit code 1.
    Changed {
        /// The ticket.
        ticket: Ticket,
        /// Which run made it.
        run: String,
        /// From which file and row.
        from: Place,
    },
    /// The same row stands earlier in the input.
    Repeated {
        /// Where.
        first: Place,
    },
    /// Nobody has changed the exported row, or the desk says the same already.
    Unedited,
    /// What was changed in the exported row was changed in the desk too: exit code 1.
    Conflict,
    /// A person has settled it as not to be sent (`runs settle`).
    ByHand,
    /// The mapping says `skip_row`.
    ByMapping {
        /// Field and value.
        reason: String,
    },
}

/// When something happened on our clock, for the ledger.
pub type Moment = Timestamp;
