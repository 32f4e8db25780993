//! The fields of a create, in the common spelling (contract clearfeed, Endpoints).

use super::{NO_TEAM, PRIORITIES, STATUSES, UPDATE, mentions};
use crate::directory::Kind;
use crate::systems::Dialect;
use crate::systems::fields::called;
use crate::systems::fields::{Field, FieldTable, FieldType, Setting};

/// The fields of a create in one dialect.
pub(super) fn create(dialect: Dialect) -> FieldTable {
    use FieldType::{Choice, Reference};
    let rest = dialect == Dialect::Rest;
    let mut fields = vec![
        Field::own(
            "collection_id",
            Reference(Kind::Collection),
            "the collection, by name [Endpoints]",
        )
        .called(called::QUEUE)
        .required(),
        Field::own("title", FieldType::TEXT, "the title [Endpoints]")
            .called(called::TITLE)
            .required(),
        Field::own(
            "description",
            FieldType::TEXT,
            "the first message; bears the reference line [Endpoints]",
        )
        .called(called::DESCRIPTION)
        .required(),
        Field::own(
            "priority",
            Choice(PRIORITIES),
            "`medium` and `normal` are one and are sent as the dialect spells it [dialects]",
        )
        .called(called::PRIORITY),
        Field::own(
            "requester_email",
            FieldType::TEXT,
            "the e-mail address of who asks [Endpoints]",
        )
        .called(called::REQUESTER),
        Field {
            setting: if rest {
                Setting::Step(UPDATE)
            } else {
                Setting::Own
            },
            ..Field::own(
                "assignee_id",
                Reference(Kind::User),
                "who works on it [Endpoints]",
            )
            .called(called::ASSIGNEE)
        },
        Field {
            setting: if rest {
                Setting::Never(
                    "dialect `rest` has no call that sets tags: use a custom field, or dialect `v1`",
                )
            } else {
                Setting::Own
            },
            ..Field::own("tags", FieldType::TEXT.list(), "tags by name [Endpoints]")
                .called(called::TAGS)
        },
        Field::step(
            "status",
            Choice(STATUSES),
            UPDATE,
            "its state; a new request is open [Endpoints]",
        )
        .called(called::STATUS),
        mentions(),
    ];
    fields.extend(never());
    FieldTable {
        fields,
        description: "description",
        custom: if rest {
            Setting::Step(UPDATE)
        } else {
            Setting::Own
        },
    }
}

fn never() -> Vec<Field> {
    const TIME: &str = "the system sets it itself: keep the old time in a custom field or in a line of `description`";
    vec![
        Field::never(
            "created_at",
            FieldType::DateTime,
            TIME,
            "when it was made [Request object]",
        )
        .called(called::CREATED),
        Field::never(
            "updated_at",
            FieldType::DateTime,
            TIME,
            "when it was last changed [Request object]",
        )
        .called(called::UPDATED),
        Field::never(
            "ticket_id",
            FieldType::TEXT,
            "the system numbers requests itself: keep the old number as the mapping's `key`",
            "the number that people use [Endpoints]",
        )
        .called(called::NUMBER),
        Field::never(
            "channel_id",
            FieldType::TEXT,
            "the channel follows from `collection_id`",
            "the Slack channel [Request object]",
        ),
        Field::never(
            "customer_id",
            FieldType::TEXT,
            "the customer follows from `requester_email`",
            "the customer [Request object]",
        ),
        Field::never(
            "assigned_team",
            FieldType::TEXT,
            NO_TEAM,
            "the team that works on it [Request object]",
        )
        .called(called::TEAM),
    ]
}
