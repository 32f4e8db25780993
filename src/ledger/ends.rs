//! The stored form of a record's end, for `runs show|errors|ids`.

use serde::{Deserialize, Serialize};

use crate::error::Fault;
use crate::error::Rule;
use crate::event::{End, Fallback, Skip};
use crate::record::{Place, RowKey};
use crate::systems::Ticket;

/// How a record of a run ended, as kept. Rows done before and repeated rows are counted in the totals, not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StoredEnd {
    /// Made by the run.
    Created {
        /// The ticket.
        ticket: Ticket,
        /// The fields that took something else than their cells say.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fallbacks: Vec<String>,
    },
    /// Made before, and updated by the run.
    Updated {
        /// The ticket.
        ticket: Ticket,
        /// As of a created one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fallbacks: Vec<String>,
    },
    /// Made before, but not by this run: what was open of it was done.
    Known {
        /// The ticket.
        ticket: Ticket,
        /// As of a created one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fallbacks: Vec<String>,
    },
    /// The key was made before from other content.
    Changed {
        /// The ticket.
        ticket: Ticket,
        /// Which run made it.
        run: String,
        /// From where, for people.
        from: String,
    },
    /// The mapping said `skip_row`.
    Skipped {
        /// Field and value.
        reason: String,
    },
    /// The row must change.
    Rejected {
        /// Why.
        faults: Vec<StoredFault>,
    },
    /// The ticket was made, a later step was not.
    Incomplete {
        /// The ticket.
        ticket: Ticket,
        /// Why.
        faults: Vec<StoredFault>,
    },
    /// Nobody knows whether it was made.
    InDoubt {
        /// Why it could not be settled.
        reason: String,
    },
}

impl StoredEnd {
    /// What is kept of an end; `None` for ends that only count.
    pub fn of(end: &End) -> Option<Self> {
        let faults = |faults: &[Fault]| faults.iter().map(StoredFault::of).collect();
        Some(match end {
            End::Created { ticket, fallbacks } => Self::Created {
                ticket: ticket.clone(),
                fallbacks: fields_of(fallbacks),
            },
            End::Updated { ticket, fallbacks } => Self::Updated {
                ticket: ticket.clone(),
                fallbacks: fields_of(fallbacks),
            },
            End::Known { ticket, fallbacks } => Self::Known {
                ticket: ticket.clone(),
                fallbacks: fields_of(fallbacks),
            },
            End::Rejected(list) => Self::Rejected {
                faults: faults(list),
            },
            End::Incomplete {
                ticket,
                faults: list,
                ..
            } => Self::Incomplete {
                ticket: ticket.clone(),
                faults: faults(list),
            },
            End::InDoubt { reason } => Self::InDoubt {
                reason: reason.clone(),
            },
            End::Skipped(Skip::Changed { ticket, run, from }) => Self::Changed {
                ticket: ticket.clone(),
                run: run.clone(),
                from: from.to_string(),
            },
            End::Skipped(Skip::ByMapping { reason }) => Self::Skipped {
                reason: reason.clone(),
            },
            End::Skipped(
                Skip::DoneBefore { .. }
                | Skip::Repeated { .. }
                | Skip::ByHand
                | Skip::Unedited
                | Skip::Conflict,
            )
            | End::Ready { .. }
            | End::NotSent => return None,
        })
    }

    /// The fields that took something else than their cells say.
    pub fn fallbacks(&self) -> &[String] {
        match self {
            Self::Created { fallbacks, .. }
            | Self::Updated { fallbacks, .. }
            | Self::Known { fallbacks, .. } => fallbacks,
            _ => &[],
        }
    }

    /// The word of the state.
    pub fn state(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::Updated { .. } => "updated",
            Self::Known { .. } => "known",
            Self::Changed { .. } => "changed",
            Self::Skipped { .. } => "skipped",
            Self::Rejected { .. } => "rejected",
            Self::Incomplete { .. } => "incomplete",
            Self::InDoubt { .. } => "in_doubt",
        }
    }

    /// The ticket, where there is one.
    pub fn ticket(&self) -> Option<&Ticket> {
        match self {
            Self::Created { ticket, .. }
            | Self::Updated { ticket, .. }
            | Self::Known { ticket, .. }
            | Self::Changed { ticket, .. }
            | Self::Incomplete { ticket, .. } => Some(ticket),
            _ => None,
        }
    }
}

/// The fields that fell back, each once.
fn fields_of(fallbacks: &[Fallback]) -> Vec<String> {
    let mut fields: Vec<String> = fallbacks.iter().map(|it| it.field.clone()).collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

/// A fault of a row as kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFault {
    /// The file of the row.
    pub file: String,
    /// Its sheet.
    pub sheet: Option<String>,
    /// Its number.
    pub row: u64,
    /// The column whose cell is to blame.
    pub column: Option<String>,
    /// The field that could not be filled.
    pub field: Option<String>,
    /// The value that is to blame.
    pub value: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl StoredFault {
    fn of(fault: &Fault) -> Self {
        Self {
            file: fault.place.file.to_string(),
            sheet: fault.place.sheet.as_deref().map(str::to_owned),
            row: fault.place.row,
            column: fault.column.clone(),
            field: fault.field.clone(),
            value: fault.value.clone(),
            message: fault.message.clone(),
            hint: fault.hint.clone(),
        }
    }

    /// The fault again.
    pub fn fault(&self) -> Fault {
        Fault {
            place: Place {
                file: self.file.as_str().into(),
                sheet: self.sheet.as_deref().map(Into::into),
                row: self.row,
            },
            column: self.column.clone(),
            field: self.field.clone(),
            value: self.value.clone(),
            message: self.message.clone(),
            hint: self.hint.clone(),
            missing: None,
            rule: Rule::Message,
        }
    }
}

/// One record of a run with its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Its number among the records of the run, from 0.
    pub ordinal: u64,
    /// Where it stood.
    pub place: Place,
    /// Its key, where it had one.
    pub key: Option<RowKey>,
    /// How it ended.
    pub end: StoredEnd,
}
