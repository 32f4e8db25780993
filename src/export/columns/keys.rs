//! The keys of a file of columns. The reader checks a file by them, and the JSON Schema for editors is made of them.

use crate::mapping::keys::{Key, Keys, Takes, key};

/// The version of the format that this program reads.
pub(super) const VERSION: i64 = 1;

/// The file itself.
pub(super) static TOP: Keys = Keys {
    place: "the file of columns",
    keys: &[
        key(
            "version",
            Takes::Version(VERSION),
            "The version of this format.",
        ),
        key(
            "sheet",
            Takes::Text,
            "The name of the sheet with the tickets. Default: \"Tickets\".",
        ),
        key(
            "timezone",
            Takes::Text,
            "The zone in which times are written. Default: the zone of the profile.",
        ),
        key("column", Takes::Tables(&COLUMN), "The columns, in order."),
    ],
    without: &[],
    later: &[],
    demands: &[],
};

/// An entry of `[[column]]`.
pub(super) static COLUMN: Keys = Keys {
    place: "a column",
    keys: COLUMN_KEYS,
    without: &[],
    later: &[],
    demands: &[],
};

const COLUMN_KEYS: &[Key] = &[
    key(
        "from",
        Takes::Text,
        "What stands in it: a name of the common ticket (`deskferry schema fields --common` lists them), `custom.NAME`, or the system's own path such as `LocationRoom.Name`.",
    ),
    key(
        "template",
        Takes::Text,
        "Instead of `from`: a text with such names in it, as in `{{ title }} ({{ assignee.email }})`; a name with spaces is `{{ row['custom.Asset Tag'] }}`.",
    ),
    key(
        "heading",
        Takes::Text,
        "What stands above it. Default: made of `from`.",
    ),
    key(
        "format",
        Takes::Text,
        "How times and numbers are shown, as spreadsheet programs write it: \"yyyy-mm-dd hh:mm\", \"0.00\".",
    ),
    key(
        "timezone",
        Takes::Text,
        "The zone in which this column's times are written.",
    ),
    key(
        "map",
        Takes::Words,
        "What is written instead of some values; keys match without case and outer space.",
    ),
    key(
        "else",
        Takes::Text,
        "What is written for a value that `map` does not hold. Default: the value itself.",
    ),
    key(
        "link",
        Takes::Bool,
        "Whether a click on it opens the ticket.",
    ),
    key(
        "width",
        Takes::Count,
        "How wide it is in a workbook, in characters. Default: as wide as what stands in it.",
    ),
    key(
        "by_hand",
        Takes::Bool,
        "Whether people fill it: it is never written, and always kept.",
    ),
];
