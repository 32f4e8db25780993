//! The tables of IncidentIQ's fields, one an operation, and the names of the calls that set them (contract
//! incidentiq §6 to §12).

mod create;
mod following;
mod update;

use crate::systems::Operation;
use crate::systems::fields::FieldTable;

/// Sets the priority (§8).
pub(super) const PRIORITY: &str = "priority";
/// Replaces the tags (§8).
pub(super) const TAGS: &str = "tags";
/// Assigns an agent, a team, a parent (§9).
pub(super) const ASSIGN: &str = "assign";
/// Sets the submitter (§9).
pub(super) const OWNER: &str = "owner";
/// Sets the SLA (§9).
pub(super) const SLA: &str = "sla";
/// Sets a date by which it is due (§8).
pub(super) const DUE_DATE: &str = "due_date";
/// Moves the ticket to a step of its workflow (§10).
pub(super) const STATUS: &str = "status";

/// Sets the subject (§8).
pub(super) const SUBJECT: &str = "subject";
/// Sets the description (§8).
pub(super) const DESCRIPTION: &str = "description";
/// Sets the issue (§8).
pub(super) const ISSUE: &str = "issue";
/// Sets custom fields, and no other than those that are named (§8).
pub(super) const CUSTOM_FIELDS: &str = "custom_fields";
/// Marks the ticket as urgent or not (§8).
pub(super) const URGENT: &str = "urgent";
/// Marks the ticket as sensitive or not (§8).
pub(super) const SENSITIVE: &str = "sensitive";
/// Replaces the devices (§8).
pub(super) const ASSETS: &str = "assets";
/// Adds a follower (§11).
pub(super) const FOLLOW: &str = "follow";
/// Takes a follower away (§11).
pub(super) const UNFOLLOW: &str = "unfollow";
/// Changes a comment that stands (§11).
pub(super) const COMMENT_CHANGE: &str = "comment_change";
/// Takes the ticket away from an agent, a team or a service level (§9).
pub(super) const UNASSIGN: &str = "unassign";
/// Does what the workflow has a call of its own for (§10).
pub(super) const ACTION: &str = "action";
/// Completes the subtask that was made last under a subject (§12).
pub(super) const COMPLETE: &str = "complete";

/// In the body of a whole-ticket update, which no narrow call has: what it does not name must stay (§8).
pub(super) const WHOLE: &str = "DeleteMissingCustomFieldValues";
/// Stands in the body of a comment for the path that says whether it is sent by e-mail (§11).
pub(super) const SEND_EMAIL: &str = "SendEmail";

/// One table an operation; IncidentIQ has all of them.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    pub(super) create: FieldTable,
    update: FieldTable,
    comment: FieldTable,
    assign: FieldTable,
    set_status: FieldTable,
    close: FieldTable,
    delete: FieldTable,
    subtask: FieldTable,
    attach: FieldTable,
}

impl Tables {
    pub(super) fn new() -> Self {
        Self {
            create: create::create(),
            update: update::update(),
            comment: following::comment(),
            assign: following::assign(),
            set_status: following::set_status(),
            close: following::close(),
            delete: FieldTable::following(Vec::new()),
            subtask: following::subtask(),
            attach: FieldTable::attach(),
        }
    }

    pub(super) fn of(&self, operation: Operation) -> &FieldTable {
        match operation {
            // What an update leaves as it is, its own table tells.
            Operation::Create | Operation::Upsert => &self.create,
            Operation::Update => &self.update,
            Operation::Comment => &self.comment,
            Operation::Assign => &self.assign,
            Operation::SetStatus => &self.set_status,
            Operation::Close => &self.close,
            Operation::Delete => &self.delete,
            Operation::Subtask => &self.subtask,
            Operation::Attach => &self.attach,
        }
    }
}
