//! Every key of the file format, in one table: which this version knows, and which are for later.

/// The keys of one kind of table.
#[derive(Debug)]
pub(super) struct Keys {
    /// The table, for people.
    pub(super) place: &'static str,
    /// What this version does.
    pub(super) built: &'static [&'static str],
    /// What the format has and this version does not do.
    pub(super) later: &'static [&'static str],
}

/// The file itself.
pub(super) static TOP: Keys = Keys {
    place: "the mapping",
    built: &[
        "version",
        "system",
        "operation",
        "scope",
        "key",
        "marker",
        "notify",
        "profile",
        "unmapped",
        "input",
        "fields",
    ],
    later: &["then", "target", "test"],
};

/// `[input]`.
pub(super) static INPUT: Keys = Keys {
    place: "`[input]`",
    built: &[
        "sheet",
        "header_row",
        "encoding",
        "delimiter",
        "records",
        "null",
        "timezone",
        "where",
        "where_group",
        "group_by",
        "order_by",
        "take",
        "columns",
    ],
    later: &[],
};

/// An entry of `[input.columns]`.
pub(super) static COLUMN: Keys = Keys {
    place: "a column",
    built: &["parse", "formats", "decimal", "timezone", "true", "false"],
    later: &[],
};

/// An entry of `key`.
pub(super) static KEY_PART: Keys = Keys {
    place: "a part of the key",
    built: &[
        "from",
        "join",
        "from_first",
        "template",
        "take",
        "null",
        "trim",
        "collapse",
        "upper",
        "lower",
        "replace",
        "extract",
        "html",
        "map",
        "map_file",
        "else",
        "parse",
        "formats",
        "decimal",
        "timezone",
        "true",
        "false",
        "required",
        "max_length",
        "overflow",
        "one_of",
        "pattern",
        "min",
        "max",
    ],
    later: &["lookup", "repair"],
};

/// An entry of `[fields]`.
pub(super) static FIELD: Keys = Keys {
    place: "a field",
    built: &[
        "from",
        "join",
        "from_first",
        "template",
        "value",
        "take",
        "null",
        "trim",
        "collapse",
        "upper",
        "lower",
        "replace",
        "extract",
        "html",
        "split",
        "max_items",
        "unique",
        "map",
        "map_file",
        "else",
        "default",
        "parse",
        "formats",
        "decimal",
        "timezone",
        "true",
        "false",
        "resolve",
        "match",
        "within",
        "aliases",
        "missing",
        "ambiguous",
        "required",
        "max_length",
        "overflow",
        "min",
        "max",
        "one_of",
        "pattern",
    ],
    later: &["lookup", "aliases_file", "repair", "clear"],
};

/// `{ do = … }`.
pub(super) static ACTION: Keys = Keys {
    place: "`{ do = … }`",
    built: &["do"],
    later: &[],
};

/// `marker = { … }`.
pub(super) static MARKER: Keys = Keys {
    place: "`marker`",
    built: &[],
    later: &["custom_field", "tag"],
};
