//! Every key of the file format, in one table: what it takes, what it is for, and which are for later. The loader
//! checks a file by it, and the JSON Schema for editors is made of it.

/// One key of the format.
#[derive(Debug)]
pub(super) struct Key {
    /// As it is written.
    pub(super) name: &'static str,
    /// What stands behind it.
    pub(super) takes: Takes,
    /// What it is for, in a sentence or two.
    pub(super) doc: &'static str,
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    /// This number and no other.
    Version(i64),
    /// A text.
    Text,
    /// A text, or a list of texts.
    Texts,
    /// `true` or `false`.
    Bool,
    /// A whole number from 0.
    Count,
    /// A number.
    Number,
    /// A text, a number or a truth.
    Scalar,
    /// A text, a number, a truth, or a list of them.
    Constant,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words, or a table.
    WordOr(&'static [&'static str], &'static Keys),
    /// A value to take, or `{ do = … }` with one of these words.
    Instead(&'static [&'static str]),
    /// The name or number of a sheet, a list of them, or `*`.
    Sheet,
    /// Pairs of texts.
    Pairs,
    /// A table from words to words.
    Words,
    /// A table with these keys.
    Table(&'static Keys),
    /// A table from names of one's own to tables with these keys.
    Named(&'static Keys),
    /// A list of tables with these keys.
    Tables(&'static Keys),
    /// A column, or a table with these keys, or a list of both.
    Parts(&'static Keys),
    /// A table of any keys with any values.
    Free,
    /// Such a table, or a list of them.
    Frees,
}

/// The keys of one kind of table.
#[derive(Debug)]
pub(super) struct Keys {
    /// The table, for people.
    pub(super) place: &'static str,
    /// What this version does.
    pub(super) keys: &'static [Key],
    /// Keys of that list which this table does not take.
    pub(super) without: &'static [&'static str],
    /// What the format has and this version does not do.
    pub(super) later: &'static [&'static str],
}

impl Keys {
    /// The keys that this table takes.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'static Key> + '_ {
        self.keys
            .iter()
            .filter(|key| !self.without.contains(&key.name))
    }

    /// Their names, for suggestions.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.iter().map(|key| key.name).collect()
    }

    /// Whether the table takes a key of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.iter().any(|key| key.name == name)
    }
}

const fn key(name: &'static str, takes: Takes, doc: &'static str) -> Key {
    Key { name, takes, doc }
}

/// The systems.
const SYSTEMS: &[&str] = &["incidentiq", "clearfeed"];
/// What `parse` makes.
const TYPES: &[&str] = &["date", "datetime", "number", "integer", "bool", "json"];
/// Which row of a group gives a value.
const TAKES: &[&str] = &["first", "last", "last_filled"];
/// What a name that does not resolve may do.
const MISSES: &[&str] = &["error", "skip_field", "skip_row"];
/// What a word that no table has may do.
const ELSES: &[&str] = &["error", "keep", "skip_field", "skip_row"];
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
];

/// The file itself.
pub(super) static TOP: Keys = Keys {
    place: "the mapping",
    keys: &[
        key("version", Takes::Version(1), "The version of this format."),
        key(
            "system",
            Takes::Word(SYSTEMS),
            "The system that the tickets go to.",
        ),
        key(
            "operation",
            Takes::Word(&["create"]),
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
            "The trace of a key left in the system, by which a ticket is found again when an answer was lost: a last line of the description, a custom field, or none.",
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
            "input",
            Takes::Table(&INPUT),
            "How the file is read and which rows count.",
        ),
        key(
            "fields",
            Takes::Named(&FIELD),
            "What each field of a ticket is made of, by the system's own field names; `custom.NAME` for custom fields.",
        ),
        key(
            "test",
            Takes::Tables(&TEST),
            "Examples that `deskferry validate` runs: a row, and what it must become.",
        ),
    ],
    without: &[],
    later: &["then", "target"],
};

/// `[input]`.
pub(super) static INPUT: Keys = Keys {
    place: "`[input]`",
    keys: &[
        key(
            "sheet",
            Takes::Sheet,
            "The sheets that are read: a name, a number from 1, a list, or \"*\" for all. Default: the first visible sheet with data.",
        ),
        key(
            "header_row",
            Takes::Count,
            "The row of the headings; 0: there are none, columns are A, B, C. Default: 1.",
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
            "records",
            Takes::Text,
            "The member of a JSON document that holds the records.",
        ),
        key(
            "null",
            Takes::Texts,
            "Words that count as an empty cell, in every column.",
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
            "take",
            Takes::Word(TAKES),
            "Which row of a group gives a value; a field may say otherwise. Default: \"last\".",
        ),
        key(
            "columns",
            Takes::Named(&COLUMN),
            "The types of columns, by heading: conditions, keys, `order_by` and templates then see dates and numbers.",
        ),
    ],
    without: &[],
    later: &[],
};

/// The keys of a field; other tables take some of them.
const STEPS: &[Key] = &[
    key(
        "from",
        Takes::Texts,
        "The column that the value comes from; several are joined.",
    ),
    key(
        "join",
        Takes::Text,
        "What stands between several columns. Default: \" › \" for what is resolved, else a space.",
    ),
    key(
        "from_first",
        Takes::Texts,
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
        Takes::Word(&["strip", "keep", "from_text"]),
        "HTML becomes plain text (\"strip\"), stays as it is (\"keep\"), or plain text becomes HTML (\"from_text\").",
    ),
    key(
        "repair",
        Takes::Word(&["utf8-read-as-1252"]),
        "Mends a text that was UTF-8 and was read as Windows-1252 (`cafÃ©` becomes `café`); what is not spoiled so stays.",
    ),
    key(
        "split",
        Takes::Text,
        "What stands between several values in one cell; later steps apply to each.",
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
        Takes::Scalar,
        "What an empty cell becomes; it is read like a cell, so it is a name and never an id.",
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
        "What the value is the name of: it becomes the id.",
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
        "The same as a workbook or CSV beside the mapping with the columns `in the file` and `use`, as `deskferry validate --write-aliases` writes it.",
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
    key("one_of", Takes::Texts, "The only values that are taken."),
    key(
        "pattern",
        Takes::Text,
        "A regular expression that the whole value must fit.",
    ),
];

/// An entry of `[fields]`.
pub(super) static FIELD: Keys = Keys {
    place: "a field",
    keys: STEPS,
    without: &[],
    later: &["clear"],
};

/// An entry of `key`.
pub(super) static KEY_PART: Keys = Keys {
    place: "a part of the key",
    keys: STEPS,
    without: &[
        "value",
        "split",
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
    ],
    later: &[],
};

/// An entry of `[input.columns]`.
pub(super) static COLUMN: Keys = Keys {
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
};

/// `lookup = { … }`.
pub(super) static LOOKUP: Keys = Keys {
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
            "else",
            Takes::Instead(ELSES),
            "What a key becomes that is not there. Default: an error.",
        ),
    ],
    without: &[],
    later: &[],
};

/// `{ do = … }`.
pub(super) static ACTION: Keys = Keys {
    place: "`{ do = … }`",
    keys: &[key("do", Takes::Word(ELSES), "What is done instead.")],
    without: &[],
    later: &[],
};

/// `marker = { … }`.
pub(super) static MARKER: Keys = Keys {
    place: "`marker`",
    keys: &[
        key(
            "custom_field",
            Takes::Text,
            "A text custom field that bears nothing but the reference; the create itself must carry it.",
        ),
        key(
            "tag",
            Takes::Text,
            "A tag. No system that is known here can bear it: why is told.",
        ),
    ],
    without: &[],
    later: &[],
};

/// An entry of `[[test]]`.
pub(super) static TEST: Keys = Keys {
    place: "a test",
    keys: &[
        key("name", Takes::Text, "What it is about, for messages."),
        key(
            "row",
            Takes::Frees,
            "The cells of a row by their columns; a list for a group of rows. Columns that are not named are empty.",
        ),
        key(
            "expect",
            Takes::Free,
            "Fields and what they must become; names for what is resolved, \"\" for a field that stays empty.",
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
};
