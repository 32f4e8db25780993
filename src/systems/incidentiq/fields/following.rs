//! The fields of what follows on a ticket: comments, assignment, workflow, closing, subtasks (contract incidentiq §9
//! to §12).

use super::{COMPLETE, SLA, UNASSIGN};
use crate::directory::Kind;
use crate::systems::fields::{Field, FieldTable, FieldType, Tie, called};

/// From what a ticket can be taken away.
const UNASSIGNED: &[&str] = &["user", "team", "sla"];

/// What the workflow has a call of its own for.
const ACTIONS: &[&str] = &[
    "start",
    "stop",
    "confirm",
    "unconfirm",
    "waiting",
    "responded",
    "resolve",
    "reopen",
    "cancel",
    "duplicate",
    "undelete",
    "request-approval",
    "approve",
    "deny",
    "withdraw-approval",
    "resolve-step",
];

/// What is done with a subtask that stands.
const SUBTASK_ACTIONS: &[&str] = &["complete", "revert", "assign", "unassign", "delete"];

/// The fields of a comment.
pub(super) fn comment() -> FieldTable {
    use FieldType::{Bool, Reference};
    FieldTable::following(vec![
        Field::own(
            "body",
            FieldType::TEXT,
            "what is said; a text with HTML in it is taken as HTML, another is shown as it stands [§11]",
        )
        .called(called::COMMENT)
        .required(),
        Field::own(
            "public",
            Bool,
            "whether the requestor sees it; by default it is an internal note [§11]",
        )
        .called(called::PUBLIC),
        Field::own(
            "by",
            Reference(Kind::User),
            "who said it, where it is not the token's user [§11]",
        )
        .called(called::AUTHOR),
    ])
}

/// The fields of an assignment.
pub(super) fn assign() -> FieldTable {
    use FieldType::{Choice, Reference};
    FieldTable::following(vec![
        Field::own(
            "AssignedToUserId",
            Reference(Kind::User),
            "the agent who works on it [§9]",
        )
        .called(called::ASSIGNEE),
        Field::own(
            "AssignedToTeamId",
            Reference(Kind::Team),
            "the team that works on it [§9]",
        )
        .called(called::TEAM),
        Field::own(
            "ParentTicketId",
            FieldType::TEXT,
            "the id of the ticket it belongs under [§9]",
        )
        .ties(Tie::Parent),
        Field::own(
            "RelatedTicketId",
            FieldType::TEXT,
            "the id of a ticket that has to do with it [§9]",
        )
        .ties(Tie::Related),
        Field::step(
            "SlaId",
            Reference(Kind::Sla),
            SLA,
            "the service level by name [§9]",
        ),
        Field::step(
            "UnrelatedTicketId",
            FieldType::TEXT,
            UNASSIGN,
            "the id of a ticket that has nothing to do with it any more [§9]",
        )
        .ties(Tie::Related),
        Field::step(
            "unassign",
            Choice(UNASSIGNED).list(),
            UNASSIGN,
            "takes it away from its agent, its team or its service level [§9]",
        ),
    ])
}

/// The fields of a move in the workflow.
pub(super) fn set_status() -> FieldTable {
    use FieldType::{Choice, Reference};
    FieldTable::following(vec![
        Field::own(
            "WorkflowStepId",
            Reference(Kind::Status),
            "the status by name; workflows allow only some moves [§10]",
        )
        .called(called::STATUS),
        Field::own(
            "action",
            Choice(ACTIONS),
            "what the workflow has a call of its own for; `reopen` goes back to the `WorkflowStepId` beside it [§8, §10]",
        ),
        Field::own(
            "UserId",
            Reference(Kind::User),
            "who starts the work, with the action `start` [§10]",
        ),
        Field::own(
            "CloseReasonTypeId",
            Reference(Kind::CloseReason),
            "why it is cancelled or resolved, with the actions `cancel` and `resolve` [§10]",
        )
        .called(called::CLOSE_REASON),
        Field::own(
            "DuplicateOfId",
            FieldType::TEXT,
            "the id of the ticket that it repeats, with the action `duplicate` [§10]",
        ),
        Field::own(
            "ApproverIds",
            Reference(Kind::User).list(),
            "who is asked, with the action `request-approval` [§10]",
        ),
        Field::own(
            "Comments",
            FieldType::TEXT,
            "why, with the actions `approve` and `deny` [§10]",
        ),
        Field::own(
            "NextStepId",
            FieldType::TEXT,
            "the id of the next step, with the action `resolve-step` [§10]",
        ),
    ])
}

/// The fields of a closing.
pub(super) fn close() -> FieldTable {
    use FieldType::{Bool, Reference};
    FieldTable::following(vec![
        Field::own(
            "CloseReasonTypeId",
            Reference(Kind::CloseReason),
            "why it is closed [§10]",
        )
        .called(called::CLOSE_REASON),
        Field::own(
            "SkipCheckingNonMandatorySteps",
            Bool,
            "closes it although steps that are not mandatory are open [§10]",
        ),
        Field::own(
            "ForceCloseRelatedTickets",
            Bool,
            "closes the tickets that belong to it too [§10]",
        ),
    ])
}

/// The fields of a subtask.
pub(super) fn subtask() -> FieldTable {
    use FieldType::{Bool, Choice, Integer, Reference};
    FieldTable::following(vec![
        Field::own("Subject", FieldType::TEXT, "what is to be done [§12]")
            .called(called::TITLE)
            .required(),
        Field::own("AssignedTo", Reference(Kind::User), "who is to do it [§12]")
            .called(called::ASSIGNEE),
        Field::own(
            "SortOrder",
            Integer,
            "its place among the ticket's subtasks [§12]",
        ),
        Field::step(
            "complete",
            Bool,
            COMPLETE,
            "whether it is done already [§12]",
        ),
        Field::own(
            "action",
            Choice(SUBTASK_ACTIONS),
            "what is done with the subtask of that subject that was made last, in the place of adding one [§12]",
        ),
    ])
}
