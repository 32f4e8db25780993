//! The fields of a create, with those of the steps that follow it (contract incidentiq §6, §7).

use super::{ASSIGN, DUE_DATE, OWNER, PRIORITY, SLA, STATUS, TAGS};
use crate::directory::Kind;
use crate::systems::fields::called;
use crate::systems::fields::{Field, FieldTable, FieldType, Setting, Tie};

/// What people do with a time that the system sets itself.
const TIME_INSTEAD: &str = "the system sets it itself: keep the old time in a custom field (`\"custom.Opened\"`) or in a line of `IssueDescription`";

/// The greatest length of a subject. The contract gives none; this is what the mapping samples cut to.
const SUBJECT_LENGTH: usize = 255;

/// The fields of a create, its further steps included, in the order of the reference page.
pub(super) fn create() -> FieldTable {
    let mut fields = first_request();
    fields.extend(further_requests());
    fields.extend(never());
    FieldTable {
        fields,
        description: "IssueDescription",
        custom: Setting::Own,
    }
}

fn first_request() -> Vec<Field> {
    use FieldType::{Bool, Integer, Reference, Text};
    vec![
        Field::own(
            "ForId",
            Reference(Kind::User),
            "who needs help, the requestor [§6, §7]",
        )
        .called(called::REQUESTER)
        .required(),
        Field::own(
            "IssueId",
            Reference(Kind::Issue),
            "what is wrong: the leaf of category › type › issue [§7, §16]",
        )
        .called(called::ISSUE)
        .required(),
        Field::own(
            "LocationId",
            Reference(Kind::Location),
            "where: the building [§7]",
        )
        .called(called::LOCATION)
        .required(),
        Field::own(
            "Subject",
            Text {
                max_length: Some(SUBJECT_LENGTH),
            },
            "the title; left out, the system makes one from model and issue [§6]",
        )
        .called(called::TITLE),
        Field::own(
            "IssueDescription",
            FieldType::TEXT,
            "the description; bears the reference line [§6]",
        )
        .called(called::DESCRIPTION),
        Field::own(
            "LocationRoomId",
            Reference(Kind::Room),
            "the room of the location [§6]",
        )
        .called(called::ROOM),
        Field::own(
            "LocationDetails",
            FieldType::TEXT,
            "where exactly, in words [§6]",
        ),
        Field::own("IsUrgent", Bool, "marks the ticket as urgent [§6]").called(called::URGENT),
        Field::own(
            "HasSensitiveInformation",
            Bool,
            "hides the ticket from those who may not see sensitive ones [§6]",
        ),
        Field::own("IsTraining", Bool, "a ticket for practice [§6]"),
        Field::own(
            "Assets",
            Reference(Kind::Asset).list(),
            "the devices it is about, by tag [§6, §7]",
        )
        .called(called::ASSET),
        Field::own(
            "SourceId",
            Integer,
            "how it came in: 1 web, 2 mobile, 3 API (the default) [§6]",
        ),
        Field::own(
            "ProductId",
            FieldType::TEXT,
            "the module's id; by default Ticketing [§5]",
        ),
        Field::own(
            "IssueTypeId",
            FieldType::TEXT,
            "the id of the issue's type [§6]",
        ),
        Field::own(
            "IssueCategoryId",
            FieldType::TEXT,
            "the id of the issue's category [§6]",
        ),
        Field::own(
            "TicketWizardCategoryId",
            FieldType::TEXT,
            "the id of the wizard's category [§6]",
        ),
    ]
}

fn further_requests() -> Vec<Field> {
    use FieldType::{DateTime, Reference};
    vec![
        Field::step(
            "Priority",
            Reference(Kind::Priority),
            PRIORITY,
            "the level by name; sent as its score [§8, §19 D12]",
        )
        .called(called::PRIORITY),
        Field::step("Tags", FieldType::TEXT.list(), TAGS, "tags by name [§8]").called(called::TAGS),
        Field::step(
            "AssignedToUserId",
            Reference(Kind::User),
            ASSIGN,
            "the agent who works on it [§9]",
        )
        .called(called::ASSIGNEE),
        Field::step(
            "AssignedToTeamId",
            Reference(Kind::Team),
            ASSIGN,
            "the team that works on it [§9]",
        )
        .called(called::TEAM),
        Field::step(
            "ParentTicketId",
            FieldType::TEXT,
            ASSIGN,
            "the id of the ticket it belongs under [§9]",
        )
        .ties(Tie::Parent),
        Field::step(
            "RelatedTicketId",
            FieldType::TEXT,
            ASSIGN,
            "the id of a ticket that has to do with it [§9]",
        )
        .ties(Tie::Related),
        Field::step(
            "OwnerId",
            Reference(Kind::User),
            OWNER,
            "the submitter, where it is not the token's user [§9]",
        )
        .called(called::SUBMITTER),
        Field::step(
            "SlaId",
            Reference(Kind::Sla),
            SLA,
            "the service level by name [§9]",
        ),
        Field::step("DueDate", DateTime, DUE_DATE, "when it is due [§8]").called(called::DUE),
        Field::step(
            "WorkflowStepId",
            Reference(Kind::Status),
            STATUS,
            "the status by name; workflows allow only some moves [§10]",
        )
        .called(called::STATUS),
    ]
}

fn never() -> Vec<Field> {
    use FieldType::{Bool, DateTime};
    const CLOSE: &str =
        "a ticket is closed by a step of its own: `[[then]]` with `operation = \"close\"`";
    const NUMBER: &str = "the system numbers tickets itself: keep the old number as the mapping's `key`, and with it in the reference line, or in a custom field";
    vec![
        Field::never(
            "CreatedDate",
            DateTime,
            TIME_INSTEAD,
            "when it was made; whether it can be back-dated is unknown [§6, §19]",
        )
        .called(called::CREATED),
        Field::never(
            "ModifiedDate",
            DateTime,
            TIME_INSTEAD,
            "when it was last changed [§6]",
        )
        .called(called::UPDATED),
        Field::never(
            "StartedDate",
            DateTime,
            TIME_INSTEAD,
            "when work began [§6]",
        ),
        Field::never(
            "ClosedDate",
            DateTime,
            TIME_INSTEAD,
            "when it was closed [§6]",
        )
        .called(called::CLOSED),
        Field::never("IsClosed", Bool, CLOSE, "whether it is closed [§6]"),
        Field::never(
            "CloseReasonTypeId",
            FieldType::Reference(Kind::CloseReason),
            CLOSE,
            "why it was closed [§10]",
        ),
        Field::never(
            "ClosedByUserId",
            FieldType::TEXT,
            "the system records the token's user: name the person in a line of `IssueDescription`",
            "who closed it [§6]",
        ),
        Field::never("TicketId", FieldType::TEXT, NUMBER, "the system's id [§6]"),
        Field::never(
            "TicketNumber",
            FieldType::TEXT,
            NUMBER,
            "the number that people use [§6]",
        )
        .called(called::NUMBER),
        Field::never(
            "IsPastDue",
            Bool,
            "it follows from `DueDate`",
            "whether it is past due [§6]",
        ),
        Field::never(
            "IsDeleted",
            Bool,
            "leave such rows out: `where` in `[input]`",
            "whether it is deleted [§6]",
        ),
    ]
}
