//! The fields of what follows on a request: updates, messages, assignment, states (contract clearfeed, Endpoints).

use super::{ENDS, LINK, MENTIONS_FIELD, NO_TEAM, STATUSES, create, mentions};
use crate::directory::Kind;
use crate::systems::Dialect;
use crate::systems::fields::{Field, FieldTable, FieldType, Setting, called};

/// From whom a request can be taken away.
const UNASSIGNED: &[&str] = &["user"];

/// In whose thread a message goes.
const CHANNELS: &[&str] = &["triage", "request"];

/// The fields of an update in one dialect.
pub(super) fn update(dialect: Dialect) -> FieldTable {
    let create = create::create(dialect);
    // An update has no text in which somebody could be mentioned but the title, which Slack does not post again.
    let fields = create.fields.into_iter();
    let fields = fields.filter(|field| field.name != MENTIONS_FIELD);
    let mut fields: Vec<Field> = fields.map(later).collect();
    fields.extend([
        Field::step(
            "link_integration",
            FieldType::TEXT,
            LINK,
            "the system of the outside ticket that it is linked to, `jira` for example [Endpoints]",
        ),
        Field::step(
            "link_ticket_id",
            FieldType::TEXT,
            LINK,
            "the id of the outside ticket that it is linked to [Endpoints]",
        ),
    ]);
    FieldTable {
        description: "",
        fields,
        custom: Setting::Own,
    }
}

/// A field of a create as an update sets it.
fn later(field: Field) -> Field {
    let setting = match field.name {
        "collection_id" => Setting::Never("a request stays in the collection it was made in"),
        "description" => {
            Setting::Never("no call changes the first message: add a comment with the new text")
        }
        "requester_email" => Setting::Never("no call changes who asks"),
        _ => match field.setting {
            Setting::Step(_) => Setting::Own,
            setting => setting,
        },
    };
    Field {
        required: false,
        setting,
        ..field
    }
}

/// The fields of a message.
pub(super) fn comment() -> FieldTable {
    use FieldType::{Bool, Choice};
    FieldTable::following(vec![
        Field::own(
            "body",
            FieldType::TEXT,
            "what is said; a text with HTML in it is taken as HTML, another is shown as it stands [Endpoints]",
        )
        .called(called::COMMENT)
        .required(),
        Field::own(
            "public",
            Bool,
            "whether who asked sees it; by default it is an internal note [Endpoints]",
        )
        .called(called::PUBLIC),
        Field::own(
            "post_as_bot",
            Bool,
            "whether it comes from ClearFeed's bot and not from the token's user [Endpoints]",
        ),
        Field::own(
            "status",
            Choice(STATUSES),
            "the state that the request has with it [Endpoints]",
        ),
        Field::own(
            "user_reply_channel_type",
            Choice(CHANNELS),
            "the channel in which it is posted [Endpoints]",
        ),
        Field::own(
            "thread_ts",
            FieldType::TEXT,
            "the time stamp of the Slack thread in which it is posted [Endpoints]",
        ),
        mentions(),
    ])
}

/// The fields of an assignment.
pub(super) fn assign() -> FieldTable {
    use FieldType::{Choice, Reference};
    FieldTable::following(vec![
        Field::own(
            "assignee_id",
            Reference(Kind::User),
            "who works on it [Endpoints]",
        )
        .called(called::ASSIGNEE),
        Field::own(
            "unassign",
            Choice(UNASSIGNED).list(),
            "takes it away from who works on it [Endpoints]",
        ),
        Field::never(
            "assigned_team",
            FieldType::TEXT,
            NO_TEAM,
            "the team that works on it [Request object]",
        )
        .called(called::TEAM),
    ])
}

/// The fields of a change of state.
pub(super) fn set_status() -> FieldTable {
    FieldTable::following(vec![
        Field::own(
            "status",
            FieldType::Choice(STATUSES),
            "its state [Endpoints]",
        )
        .called(called::STATUS)
        .required(),
    ])
}

/// The fields of a closing.
pub(super) fn close() -> FieldTable {
    FieldTable::following(vec![Field::own(
        "status",
        FieldType::Choice(ENDS),
        "`closed`, the default, or `solved` [Endpoints]",
    )])
}
