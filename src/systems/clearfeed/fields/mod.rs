//! The tables of ClearFeed's request fields, one an operation and dialect, in the common spelling (contract
//! clearfeed, Endpoints).

mod create;
mod following;

use crate::systems::fields::FieldTable;
use crate::systems::{Dialect, Operation};

/// Sets by `PATCH` what the create does not take.
pub(super) const UPDATE: &str = "update";

/// Both dialects' spellings of the priorities; `medium` and `normal` are one.
const PRIORITIES: &[&str] = &["low", "medium", "normal", "high", "urgent"];

/// The states of a request.
const STATUSES: &[&str] = &[
    "open",
    "in_progress",
    "pending",
    "on_hold",
    "solved",
    "closed",
];

/// The states that end the work on a request.
const ENDS: &[&str] = &["solved", "closed"];

/// What people do about the team.
const NO_TEAM: &str = "no call sets it: assign a person by `assignee_id`";

/// One table for each operation that ClearFeed has.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    pub(super) create: FieldTable,
    update: FieldTable,
    comment: FieldTable,
    assign: FieldTable,
    set_status: FieldTable,
    close: FieldTable,
}

impl Tables {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            create: create::create(dialect),
            update: following::update(dialect),
            comment: following::comment(),
            assign: following::assign(),
            set_status: following::set_status(),
            close: following::close(),
        }
    }

    /// The fields of an operation.
    ///
    /// # Errors
    /// Why there is no such operation.
    pub(super) fn of(&self, operation: Operation) -> Result<&FieldTable, &'static str> {
        Ok(match operation {
            // What an update leaves as it is, its own table tells.
            Operation::Create | Operation::Upsert => &self.create,
            Operation::Update => &self.update,
            Operation::Comment => &self.comment,
            Operation::Assign => &self.assign,
            Operation::SetStatus => &self.set_status,
            Operation::Close => &self.close,
            Operation::Delete => {
                return Err(
                    "ClearFeed deletes no requests: close them with `operation = \"close\"`",
                );
            }
            Operation::Subtask => {
                return Err(
                    "ClearFeed has no subtasks: add an internal note with `operation = \"comment\"`",
                );
            }
        })
    }
}
