//! The tables of ClearFeed's request fields, one an operation and dialect, in the common spelling (contract
//! clearfeed, Endpoints).

mod create;
mod following;

use crate::systems::fields::{Field, FieldTable, FieldType};
use crate::systems::{Dialect, Operation};

/// Sets by `PATCH` what the create does not take.
pub(super) const UPDATE: &str = "update";

/// Links a request to a ticket of another system.
pub(super) const LINK: &str = "link";

/// What is done about the mentions in a text.
const MENTIONS: &[&str] = &["keep", "neutral"];

/// The field that says it.
pub(super) const MENTIONS_FIELD: &str = "mentions";

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

/// What silences the mentions in a text.
fn mentions() -> Field {
    Field::own(
        MENTIONS_FIELD,
        FieldType::Choice(MENTIONS),
        "`neutral` makes the mentions in the text (`@here`, `<!channel>`, `<@U123>`, `@name`) plain words that alert nobody in Slack; by default they stay [Endpoints]",
    )
}

/// One table for each operation that ClearFeed has.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    pub(super) create: FieldTable,
    update: FieldTable,
    comment: FieldTable,
    assign: FieldTable,
    set_status: FieldTable,
    close: FieldTable,
    attach: FieldTable,
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
            attach: FieldTable::attach(),
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
            Operation::Attach => &self.attach,
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
