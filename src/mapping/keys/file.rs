//! The keys of the file itself, of its input and its tests.

use super::field::{FIELD, KEY_PART, STEPS};
use super::operation::{TARGET, THEN, TICKETS};
use super::{Demand, Keys, ORDERS, TAKES, TYPES, Takes, key};

/// The systems.
const SYSTEMS: &[&str] = &["incidentiq", "clearfeed"];

/// What becomes of files.
const MODES: &[&str] = &["send", "archive", "link", "skip"];

/// `attachments = { … }`.
pub(in crate::mapping) static ATTACHMENTS: Keys = Keys {
    place: "`attachments`",
    keys: &[
        key(
            "as",
            Takes::Word(MODES),
            "What becomes of the files, as in `attachments = \"archive\"`.",
        ),
        key(
            "folder",
            Takes::Text,
            "The folder of the archive; each ticket has one of its own in it. Default: \"attachments\" where the command runs.",
        ),
        key(
            "base_url",
            Takes::Text,
            "The address under which you publish the archive: notes then link to the files.",
        ),
        key(
            "outside",
            Takes::Bool,
            "Whether paths may lead out of the folder of the input, by `../` or from the root. Default: false.",
        ),
    ],
    without: &[],
    later: &[],
    demands: &[],
};

/// How conversations are brought over.
const FOLDS: &[&str] = &["each", "fold"];

/// `comments = { … }`.
pub(in crate::mapping) static COMMENTS: Keys = Keys {
    place: "`comments`",
    keys: &[
        key(
            "as",
            Takes::Word(FOLDS),
            "How conversations are brought over, as in `comments = \"fold\"`.",
        ),
        key(
            "before",
            Takes::Text,
            "With \"fold\": the day before which a comment is an older one, such as \"2026-01-01\". Default: 90 days before the first pass.",
        ),
    ],
    without: &[],
    later: &[],
    demands: &[Demand::All(&["as"])],
};

/// The file itself.
pub(in crate::mapping) static TOP: Keys = Keys {
    place: "the mapping",
    keys: &[
        key(
            "version",
            Takes::Version(2),
            "The version of this format: 2, or 1 for a mapping whose rows were sent by an older program.",
        ),
        key(
            "system",
            Takes::Word(SYSTEMS),
            "The system that the tickets go to.",
        ),
        key(
            "operation",
            Takes::Word(&[
                "create",
                "update",
                "upsert",
                "comment",
                "assign",
                "set_status",
                "close",
                "delete",
                "subtask",
                "attach",
            ]),
            "What is done with each row.",
        ),
        key(
            "scope",
            Takes::Text,
            "The name of this move. With the key it names each ticket for ever, whatever the file is called: it must not change once tickets have been made.",
        ),
        key(
            "key",
            Takes::Parts(&KEY_PART),
            "The columns that tell one row from all others for ever; each a column, or a table with `from` and steps. Without it a row is known by its content.",
        ),
        key(
            "marker",
            Takes::WordOr(&["description", "none"], &MARKER),
            "The trace of a key left in the system, by which a ticket is found again when an answer was lost: a last line of the description, a custom field, or none. Default: \"description\".",
        ),
        key(
            "notify",
            Takes::Bool,
            "Whether e-mails, notifications and rules may fire. Default: false, as far as the system can be silenced.",
        ),
        key(
            "profile",
            Takes::Texts,
            "The only profiles of deskferry.toml that this mapping may run against.",
        ),
        key(
            "unmapped",
            Takes::Word(&["warn", "error", "append"]),
            "Columns with data that nothing reads: told with their counts (\"warn\", the default), a fault (\"error\"), or listed under the description (\"append\").",
        ),
        key(
            "drop",
            Takes::Texts,
            "Columns that stay behind on purpose: nothing warns about them, and `deskferry verify` counts them as dropped and not as lost. A member of the items of a column is `comments[].id`; `*` stands for any text: `Owner.*`.",
        ),
        key(
            "input",
            Takes::Table(&INPUT),
            "How the file is read and which rows count.",
        ),
        key(
            "fields",
            Takes::Fields(&FIELD),
            "What each field of a ticket is made of, by the system's own field names; `custom.NAME` for custom fields.",
        ),
        key(
            "baseline",
            Takes::Table(&BASELINE),
            "What an exported file said when it was written, for an update by it: only what people have changed since is sent. `deskferry export --write-mapping` writes it.",
        ),
        key(
            "target",
            Takes::Table(&TARGET),
            "Which ticket a row is about, for every operation but \"create\" and \"upsert\".",
        ),
        key(
            "each",
            Takes::Table(&TICKETS),
            "One row makes several tickets: one for each item, which fields, conditions and the key read as `item`.",
        ),
        key(
            "then",
            Takes::Tables(&THEN),
            "What follows on the ticket that the row made or named, in order: comments, assignments, a closing.",
        ),
        key(
            "attachments",
            Takes::WordOr(MODES, &ATTACHMENTS),
            "What becomes of the files of rows: sent (\"send\", the default where the system takes files), kept in a folder with a note that lists them (\"archive\", the default elsewhere), listed with their addresses (\"link\"), or left out and counted (\"skip\"). A table says more.",
        ),
        key(
            "comments",
            Takes::WordOr(FOLDS, &COMMENTS),
            "How a migration brings conversations over: each comment by itself (\"each\", the default), or the older ones as one internal note (\"fold\"). A table says which are older.",
        ),
        key(
            "test",
            Takes::Tables(&TEST),
            "Examples that `deskferry validate` runs: a row, and what it must become.",
        ),
    ],
    without: &[],
    later: &[],
    demands: &[Demand::All(&["version", "system", "operation", "scope"])],
};

/// `[input]`.
pub(in crate::mapping) static INPUT: Keys = Keys {
    place: "`[input]`",
    keys: &[
        key(
            "sheet",
            Takes::Sheet,
            "The sheets that are read: a name, a number from 1, a list, or \"*\" for all. Default: the first visible sheet with data.",
        ),
        key(
            "header_row",
            Takes::Rows,
            "The row of the headings; 0: there are none, columns are A, B, C. Headings over several rows are a list: [2, 3]. Default: 1.",
        ),
        key(
            "encoding",
            Takes::Text,
            "The encoding of a CSV, such as \"windows-1252\". Default: its byte-order mark, else UTF-8.",
        ),
        key(
            "delimiter",
            Takes::Text,
            "The sign between the cells of a CSV: one character, or \"tab\". Default: found.",
        ),
        key(
            "guarded",
            Takes::Bool,
            "Whether texts of a CSV stand behind a guard that is no part of them: a `'` before what a spreadsheet program would run, as `deskferry export` writes it; with `version = 2` also =\"00123\", '00123 and a tab before an id. Default: false.",
        ),
        key(
            "records",
            Takes::Text,
            "The member of a JSON document that holds the records; a member of a member is `data.tickets`.",
        ),
        key(
            "numbers",
            Takes::Word(&["shown", "held"]),
            "Whether a number of a workbook is read as it is shown (00501, 5%) or as it is held (501, 0.05). A key takes only leading zeros and letters as they are shown. Default: \"held\".",
        ),
        key(
            "hidden_rows",
            Takes::Word(&["read", "skip"]),
            "Whether hidden and filtered rows of a workbook are read or left out. Default: \"read\".",
        ),
        key(
            "merged",
            Takes::Word(&["fill", "empty"]),
            "Whether the cells under a merged one take its value or are empty. Default: \"empty\".",
        ),
        key(
            "total_rows",
            Takes::Word(&["read", "skip"]),
            "Whether rows that sum up others (TOTAL) are read or left out. Default: \"read\".",
        ),
        key(
            "null",
            Takes::Texts,
            "Words that count as an empty cell, in every column.",
        ),
        key(
            "error_cells",
            Takes::Word(&["refuse", "empty"]),
            "What a cell of a workbook that shows an error (#N/A, #VALUE!) is: a fault of each row that reads it (\"refuse\", the default), or empty. A word of `null` makes it empty too.",
        ),
        key(
            "timezone",
            Takes::Text,
            "The zone of times that come without one, such as \"America/Chicago\".",
        ),
        key(
            "where",
            Takes::Text,
            "A condition: only rows for which it holds are taken. Judged before grouping.",
        ),
        key(
            "where_group",
            Takes::Text,
            "The same for a whole group of rows.",
        ),
        key(
            "group_by",
            Takes::Texts,
            "The columns whose equal values make several rows one record; the rows need not stand together.",
        ),
        key(
            "order_by",
            Takes::Text,
            "The column that orders the rows of a group. Default: as they stand.",
        ),
        key(
            "order",
            Takes::Word(ORDERS),
            "Whether `order_by` puts the least first, or the greatest. Default: \"ascending\", with rows that are empty there first.",
        ),
        key(
            "take",
            Takes::Word(TAKES),
            "Which row of a group gives a value; a field may say otherwise. Default: \"last\".",
        ),
        key(
            "columns",
            Takes::Named(&COLUMN),
            "The types of columns, by heading: conditions, keys, `order_by` and templates then see dates and numbers. With an origin (`from`, `template`, …) it is a column that the file does not have, made by steps as a field is.",
        ),
    ],
    without: &[],
    later: &[],
    demands: &[],
};

/// An entry of `[input.columns]`: the type of a column, or the steps that make one.
pub(in crate::mapping) static COLUMN: Keys = Keys {
    place: "a column",
    keys: STEPS,
    without: &[
        "resolve",
        "match",
        "within",
        "aliases",
        "aliases_file",
        "missing",
        "ambiguous",
        "required",
        "clear",
        "take",
    ],
    later: &[],
    demands: &[
        Demand::Any(&["parse", "from", "from_first", "template", "value"]),
        Demand::NotTwo(&["from", "from_first", "template", "value"]),
    ],
};

/// An entry of `columns` of a table that is looked into: the type of a column.
pub(in crate::mapping) static TYPED: Keys = Keys {
    place: "a column",
    keys: &[
        key("parse", Takes::Word(TYPES), "What the cells are read as."),
        key(
            "formats",
            Takes::Texts,
            "How dates are written, such as \"%m/%d/%Y %H:%M\".",
        ),
        key(
            "decimal",
            Takes::Word(&[",", "."]),
            "The sign before the decimals.",
        ),
        key(
            "timezone",
            Takes::Text,
            "The zone of times that come without one.",
        ),
        key("true", Takes::Texts, "The words that mean yes."),
        key("false", Takes::Texts, "The words that mean no."),
    ],
    without: &[],
    later: &[],
    demands: &[Demand::All(&["parse"])],
};

/// `[baseline]`.
pub(in crate::mapping) static BASELINE: Keys = Keys {
    place: "`[baseline]`",
    keys: &[
        key("export", Takes::Text, "What the export is called."),
        key(
            "read_at",
            Takes::Text,
            "When the export began. Where a ticket has no baseline, what was changed in the desk since is a conflict; without this time nothing is sent for it. Where `stamp` names a column, each row says its own time.",
        ),
        key(
            "stamp",
            Takes::Text,
            "The column that identifies each row: when it was exported, and a checksum of its values. It shows whether the baseline belongs to this copy of the file.",
        ),
        key(
            "file",
            Takes::Text,
            "The file with the baseline, from the folder of the mapping.",
        ),
        key(
            "sheet",
            Takes::Text,
            "The hidden sheet of the workbook with the baseline.",
        ),
        key(
            "columns",
            Takes::Words,
            "The columns that are compared, by heading, each with what it shows of a ticket (`deskferry schema fields --common`).",
        ),
    ],
    without: &[],
    later: &[],
    demands: &[],
};

/// `marker = { … }`.
pub(in crate::mapping) static MARKER: Keys = Keys {
    place: "`marker`",
    keys: &[key(
        "custom_field",
        Takes::Text,
        "A text custom field that bears nothing but the reference; the create itself must carry it.",
    )],
    without: &[],
    later: &[],
    demands: &[Demand::All(&["custom_field"])],
};

/// A step that a test expects to follow.
pub(in crate::mapping) static FOLLOWS: Keys = Keys {
    place: "a step of `expect_then`",
    keys: &[
        key("operation", Takes::Text, "What is done."),
        key(
            "fields",
            Takes::Values,
            "Fields of the step and what they must become.",
        ),
    ],
    without: &[],
    later: &[],
    demands: &[Demand::All(&["operation"])],
};

/// An entry of `[[test]]`.
pub(in crate::mapping) static TEST: Keys = Keys {
    place: "a test",
    keys: &[
        key("name", Takes::Text, "What it is about, for messages."),
        key(
            "row",
            Takes::Cells,
            "The cells of a row by their columns; a list for a group of rows. Columns that are not named are empty.",
        ),
        key(
            "expect",
            Takes::Values,
            "Fields and what is sent for them; names for what is resolved, \"\" for a field that stays empty. The reference line of a description may be left out.",
        ),
        key(
            "expect_key",
            Takes::Text,
            "The key that the row must have; parts of a compound key stand behind one another with `/` between them.",
        ),
        key(
            "expect_then",
            Takes::Tables(&FOLLOWS),
            "What must follow by `[[then]]`, one table a step in order; an empty list: nothing.",
        ),
        key(
            "expect_error",
            Takes::Text,
            "A part of the message with which the row must be refused.",
        ),
        key(
            "expect_skip",
            Takes::Bool,
            "Whether the row must be left out, by `where` or by `skip_row`.",
        ),
    ],
    without: &[],
    later: &[],
    demands: &[
        Demand::All(&["row"]),
        Demand::One(&[
            &["expect", "expect_key", "expect_then"],
            &["expect_error"],
            &["expect_skip"],
        ]),
    ],
};
