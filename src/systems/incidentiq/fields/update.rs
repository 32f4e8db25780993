//! The fields of an update: those of a create, each by the narrowest call that sets it (contract incidentiq §8).

use super::{
    ASSETS, COMMENT_CHANGE, CUSTOM_FIELDS, DESCRIPTION, FOLLOW, ISSUE, SENSITIVE, SUBJECT,
    UNFOLLOW, URGENT, create,
};
use crate::directory::Kind;
use crate::systems::fields::{Field, FieldTable, FieldType, Setting};

/// The calls that set one field of a ticket and leave all others as they are. What a create sets by a further call is
/// set by the same one later.
const NARROW: [(&str, &str); 6] = [
    ("IssueId", ISSUE),
    ("Subject", SUBJECT),
    ("IssueDescription", DESCRIPTION),
    ("IsUrgent", URGENT),
    ("HasSensitiveInformation", SENSITIVE),
    ("Assets", ASSETS),
];

/// The fields of an update.
pub(super) fn update() -> FieldTable {
    let create = create::create();
    let mut fields: Vec<Field> = create.fields.into_iter().map(later).collect();
    fields.extend([
        Field::step(
            "TicketFollowerUserIds",
            FieldType::Reference(Kind::User).list(),
            FOLLOW,
            "people who follow it from now on; who follows already goes on [§11]",
        ),
        Field::step(
            "TicketFollowerTeamIds",
            FieldType::Reference(Kind::Team).list(),
            FOLLOW,
            "teams that follow it from now on; who follows already goes on [§11]",
        ),
        Field::step(
            "UnfollowUserIds",
            FieldType::Reference(Kind::User).list(),
            UNFOLLOW,
            "people who follow it no longer [§11]",
        ),
        Field::step(
            "UnfollowTeamIds",
            FieldType::Reference(Kind::Team).list(),
            UNFOLLOW,
            "teams that follow it no longer [§11]",
        ),
        Field::step(
            "CommentId",
            FieldType::TEXT,
            COMMENT_CHANGE,
            "the id of the comment that the fields beside it change; `ticket get --include activities` shows it [§11]",
        ),
        Field::step(
            "CommentText",
            FieldType::TEXT,
            COMMENT_CHANGE,
            "what the comment says from now on; `CommentIsPublic` goes with it [§11]",
        ),
        Field::step(
            "CommentIsPublic",
            FieldType::Bool,
            COMMENT_CHANGE,
            "whether the requestor sees the comment [§11]",
        ),
        Field::step(
            "CommentIsDeleted",
            FieldType::Bool,
            COMMENT_CHANGE,
            "whether the comment is deleted; `false` brings it back [§11]",
        ),
    ]);
    FieldTable {
        fields,
        custom: Setting::Step(CUSTOM_FIELDS),
        ..create
    }
}

/// A field of a create as an update sets it.
fn later(field: Field) -> Field {
    let narrow = NARROW.iter().find(|(name, _)| *name == field.name);
    let setting = match (field.name, narrow) {
        (_, Some((_, step))) => Setting::Step(step),
        ("IsTraining", _) => Setting::Never("only a create sets it: make the ticket anew"),
        // Its narrow call wants the requestor too, which a row need not name.
        ("OwnerId", _) => Setting::Own,
        _ => field.setting,
    };
    Field {
        required: false,
        setting,
        ..field
    }
}
