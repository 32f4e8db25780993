//! The keys of a field and of what stands in it.

use super::file::TYPED;
use super::{Demand, Key, Keys, ORDERS, TAKES, TYPES, Takes, key};

/// What a name that does not resolve may do.
const MISSES: &[&str] = &["error", "skip_item", "skip_field", "skip_row"];
/// What an empty cell may do.
const EMPTIES: &[&str] = &["error", "skip_field", "skip_row"];
/// What a word that no table has may do.
const ELSES: &[&str] = &["error", "keep", "skip_item", "skip_field", "skip_row"];
/// What may be resolved.
const KINDS: &[&str] = &[
    "issue",
    "location",
    "room",
    "user",
    "team",
    "asset",
    "status",
    "priority",
    "collection",
    "tag",
    "close_reason",
    "sla",
    "key",
];

/// The keys of a field; other tables take some of them.
pub(super) const STEPS: &[Key] = &[
    key(
        "from",
        Takes::Some,
        "The column that the value comes from; several are joined.",
    ),
    key(
        "join",
        Takes::Text,
        "What stands between several columns. Default: \" › \" for what is resolved, else a space.",
    ),
    key(
        "list",
        Takes::Bool,
        "Whether several columns in `from` are several values, not one that is joined.",
    ),
    key(
        "from_first",
        Takes::Some,
        "The first of these columns that is not empty.",
    ),
    key(
        "template",
        Takes::Text,
        "A text with columns in it: {{ Title }}, {{ row['Ticket #'] }}.",
    ),
    key("value", Takes::Constant, "The same value for every row."),
    key(
        "take",
        Takes::Word(TAKES),
        "Which row of a group gives the value.",
    ),
    key(
        "null",
        Takes::Texts,
        "Further words that count as an empty cell here.",
    ),
    key(
        "error_cells",
        Takes::Word(&["refuse", "empty"]),
        "What a cell that shows an error (#N/A) is here: a fault of the row, or empty. Default: as [input] says.",
    ),
    key(
        "lookup",
        Takes::Table(&LOOKUP),
        "The cell is a key into another sheet or file: its value there is taken instead.",
    ),
    key(
        "trim",
        Takes::Bool,
        "Whether outer space is taken off. Default: true.",
    ),
    key(
        "collapse",
        Takes::Bool,
        "Whether spaces and line breaks in a row become one space.",
    ),
    key("upper", Takes::Bool, "Whether letters become capitals."),
    key(
        "lower",
        Takes::Bool,
        "Whether capitals become small letters.",
    ),
    key(
        "replace",
        Takes::Pairs,
        "Regular expressions and what takes their place, in order.",
    ),
    key(
        "extract",
        Takes::Text,
        "A regular expression with one group: what the group finds is the value; what it does not find in is empty.",
    ),
    key(
        "html",
        Takes::Word(&["strip", "keep", "from_text", "from_escaped", "from_wiki"]),
        "HTML becomes plain text (\"strip\"), stays as it is (\"keep\"), or plain text becomes HTML (\"from_text\"). \"from_escaped\" makes plain text of HTML that was escaped (&lt;p&gt;) and of GLPI's marks, \"from_wiki\" of BBCode and Jira's wiki markup.",
    ),
    key(
        "repair",
        Takes::Word(&["utf8-read-as-1252"]),
        "Fixes a text that was UTF-8 and was read as Windows-1252 (`cafÃ©` becomes `café`); what is not spoiled so stays.",
    ),
    key(
        "split",
        Takes::Text,
        "What stands between several values in one cell; later steps apply to each, and so does `lookup` where the whole cell is no key.",
    ),
    key(
        "order",
        Takes::Word(ORDERS),
        "Where the last value of a list goes: `descending` puts it first. Default: \"ascending\", the order of the file.",
    ),
    key("max_items", Takes::Count, "At most so many values."),
    key("unique", Takes::Bool, "Whether the same value counts once."),
    key(
        "map",
        Takes::Words,
        "A table from the words of the file to those of the system; matched without case and outer space.",
    ),
    key(
        "map_file",
        Takes::Text,
        "The same as a CSV of two columns beside the mapping.",
    ),
    key(
        "else",
        Takes::Instead(ELSES),
        "What a word becomes that `map` does not have. Default: an error.",
    ),
    key(
        "default",
        Takes::Instead(EMPTIES),
        "What an empty cell becomes: a value, which is read like a cell, or what to do. Default: the field is left out.",
    ),
    key("parse", Takes::Word(TYPES), "What the text is read as."),
    key(
        "formats",
        Takes::Texts,
        "How dates are written, such as \"%m/%d/%Y %H:%M\". Default: 2024-06-21 and the like.",
    ),
    key(
        "decimal",
        Takes::Word(&[",", "."]),
        "The sign before the decimals; the other one and spaces then part thousands.",
    ),
    key(
        "timezone",
        Takes::Text,
        "The zone of times that come without one.",
    ),
    key("true", Takes::Texts, "The words that mean yes."),
    key("false", Takes::Texts, "The words that mean no."),
    key(
        "resolve",
        Takes::Word(KINDS),
        "What the value is the name of: it becomes the id. \"key\": it is the key of a row, for a field that takes a ticket.",
    ),
    key(
        "match",
        Takes::Texts,
        "The properties that are tried for the name, in order, such as [\"name\", \"abbreviation\"].",
    ),
    key(
        "within",
        Takes::Text,
        "The field whose id the candidates must belong to: a room within its building.",
    ),
    key(
        "aliases",
        Takes::Words,
        "Other names for things: from the name in the file to the name in the system.",
    ),
    key(
        "aliases_file",
        Takes::Text,
        "The same as a workbook or CSV beside the mapping with the columns `in the file` and `use`, as `deskferry validate --names` writes it.",
    ),
    key(
        "missing",
        Takes::Instead(MISSES),
        "What a name becomes that matches nothing: a name to take instead, or what to do. Default: an error.",
    ),
    key(
        "ambiguous",
        Takes::Instead(MISSES),
        "The same for a name that matches several. Default: an error.",
    ),
    key(
        "required",
        Takes::Bool,
        "Whether a row without this value is a fault.",
    ),
    key(
        "max_length",
        Takes::Count,
        "At most so many characters, as people count them.",
    ),
    key(
        "overflow",
        Takes::Word(&["error", "truncate"]),
        "Whether a longer text is a fault or is cut, with … at the cut. Default: \"error\".",
    ),
    key("min", Takes::Number, "The least number."),
    key("max", Takes::Number, "The greatest number."),
    key("one_of", Takes::Some, "The only values that are taken."),
    key(
        "pattern",
        Takes::Text,
        "A regular expression that the whole value must fit.",
    ),
    key(
        "clear",
        Takes::Bool,
        "For an update: whether an empty cell empties the field. Default: it leaves the field alone.",
    ),
    key(
        "optional",
        Takes::Bool,
        "Whether files and sheets may lack the columns that the field reads: it is empty there. Default: false, a column that is missing is a fault.",
    ),
];

/// An entry of `[fields]`.
pub(in crate::mapping) static FIELD: Keys = Keys {
    place: "a field",
    keys: STEPS,
    without: &[],
    later: &[],
    demands: &[Demand::One(&[
        &["from"],
        &["from_first"],
        &["template"],
        &["value"],
    ])],
};

/// An entry of `key`.
pub(in crate::mapping) static KEY_PART: Keys = Keys {
    place: "a part of the key",
    keys: STEPS,
    without: &[
        "value",
        "list",
        "split",
        "order",
        "max_items",
        "unique",
        "default",
        "resolve",
        "match",
        "within",
        "aliases",
        "aliases_file",
        "missing",
        "ambiguous",
        "clear",
        "optional",
    ],
    later: &[],
    demands: &[Demand::One(&[&["from"], &["from_first"], &["template"]])],
};

/// `lookup = { … }`.
pub(in crate::mapping) static LOOKUP: Keys = Keys {
    place: "`lookup`",
    keys: &[
        key(
            "sheet",
            Takes::Text,
            "The sheet of the input's own workbook that is looked into.",
        ),
        key(
            "file",
            Takes::Text,
            "The file that is looked into, beside the mapping; with `sheet`, that sheet of it.",
        ),
        key("by", Takes::Text, "Its column that holds the keys."),
        key("take", Takes::Text, "Its column whose value is taken."),
        key(
            "where",
            Takes::Text,
            "A condition on its rows: only those for which it holds count.",
        ),
        key(
            "columns",
            Takes::Named(&TYPED),
            "The types of its columns, by heading, as in [input.columns]: `where` then sees dates and numbers.",
        ),
        key(
            "else",
            Takes::Instead(ELSES),
            "What a key becomes that is not there. Default: an error.",
        ),
    ],
    without: &[],
    later: &[],
    demands: &[
        Demand::All(&["by", "take"]),
        Demand::Any(&["sheet", "file"]),
    ],
};

/// `{ do = … }`.
pub(in crate::mapping) static ACTION: Keys = Keys {
    place: "`{ do = … }`",
    keys: &[key("do", Takes::Word(ELSES), "What is done instead.")],
    without: &[],
    later: &[],
    demands: &[Demand::All(&["do"])],
};
