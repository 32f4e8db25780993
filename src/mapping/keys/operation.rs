//! The keys of what is done to tickets: which ticket, and what follows.

use super::field::{FIELD, KEY_PART};
use super::file::TYPED;
use super::{Demand, Key, Keys, ORDERS, Takes, key};

/// `target = { … }`.
pub(in crate::mapping) static TARGET: Keys = Keys {
    place: "`target`",
    keys: &[
        key(
            "from",
            Takes::Some,
            "The column that names the ticket: by the system's id, or by its number.",
        ),
        key("join", Takes::Text, "What stands between several columns."),
        key(
            "template",
            Takes::Text,
            "A text with columns in it that names the ticket.",
        ),
        key(
            "replace",
            Takes::Pairs,
            "Regular expressions and what takes their place, in order.",
        ),
        key(
            "extract",
            Takes::Text,
            "A regular expression with one group: what the group finds names the ticket.",
        ),
        key(
            "key",
            Takes::Parts(&KEY_PART),
            "Instead of `from`: the key of the row that made the ticket, as that mapping has it.",
        ),
        key(
            "scope",
            Takes::Text,
            "With `key`: the scope under which the ticket was made. Default: the scope of this mapping.",
        ),
    ],
    without: &[],
    later: &[],
    demands: &[Demand::One(&[&["from"], &["template"], &["key"]])],
};

/// An entry of `[[then]]`.
pub(in crate::mapping) static THEN: Keys = Keys {
    place: "`[[then]]`",
    keys: &[
        key(
            "operation",
            Takes::Word(&[
                "update",
                "comment",
                "assign",
                "set_status",
                "close",
                "delete",
                "subtask",
                "attach",
            ]),
            "What is done with the row's ticket next.",
        ),
        key(
            "when",
            Takes::Text,
            "A condition: it is done only for rows (or items) for which it holds.",
        ),
        key(
            "each",
            Takes::Table(&EACH),
            "It is done once for each of several items: parts of a cell, members of a JSON array, rows of another sheet. Fields read them as `item`.",
        ),
        key(
            "fields",
            Takes::Fields(&FIELD),
            "What each field of the operation is made of; `deskferry schema fields --operation` lists them.",
        ),
    ],
    without: &[],
    later: &[],
    demands: &[Demand::All(&["operation"])],
};

/// `each = { … }` of `[[then]]`.
pub(in crate::mapping) static EACH: Keys = Keys {
    place: "`each`",
    keys: ITEMS,
    without: &[],
    later: &[],
    demands: &[
        Demand::One(&[&["from"], &["rows"], &["sheet", "file"]]),
        Demand::With("sheet", "on"),
        Demand::With("file", "on"),
    ],
};

/// `each = { … }` at the top.
pub(in crate::mapping) static TICKETS: Keys = Keys {
    place: "`each`",
    keys: ITEMS,
    without: &["rows", "sheet", "file", "on", "by", "order_by", "columns"],
    later: &[],
    demands: &[Demand::All(&["from"])],
};

const ITEMS: &[Key] = &[
    key(
        "from",
        Takes::Some,
        "The column that holds the items: a JSON array, or a text that `split` takes apart.",
    ),
    key(
        "list",
        Takes::Bool,
        "Whether several columns in `from` are several items, not one that is joined.",
    ),
    key(
        "split",
        Takes::Text,
        "What stands between the items in one cell.",
    ),
    key(
        "parse",
        Takes::Word(&["json"]),
        "\"json\" for a cell of text that holds a JSON array.",
    ),
    key("null", Takes::Texts, "Further words that count as no item."),
    key(
        "optional",
        Takes::Bool,
        "Whether files and sheets may lack the column that holds the items: there are none then. Default: false.",
    ),
    key(
        "replace",
        Takes::Pairs,
        "Regular expressions and what takes their place, before the text is taken apart.",
    ),
    key(
        "rows",
        Takes::Bool,
        "Instead of `from`: the rows of the group are the items; `item.Heading` is a cell.",
    ),
    key(
        "sheet",
        Takes::Text,
        "Instead of `from`: the sheet of the input's own workbook whose rows are the items; `item.Heading` is a cell.",
    ),
    key(
        "file",
        Takes::Text,
        "The file beside the mapping whose rows are the items; with `sheet`, that sheet of it.",
    ),
    key(
        "on",
        Takes::Text,
        "The column that says to which row an item belongs: of the input, and of the sheet or file.",
    ),
    key(
        "by",
        Takes::Text,
        "That column of the sheet or file, where it is called otherwise there.",
    ),
    key(
        "order_by",
        Takes::Text,
        "The column of the sheet, file or group that orders the items. Default: as they stand.",
    ),
    key(
        "order",
        Takes::Word(ORDERS),
        "\"descending\": the items the other way round, the last one first; with `order_by` the greatest first. Default: \"ascending\".",
    ),
    key(
        "columns",
        Takes::Named(&TYPED),
        "The types of its columns, by heading, as in [input.columns]: `order_by` and fields then see dates and numbers.",
    ),
];
