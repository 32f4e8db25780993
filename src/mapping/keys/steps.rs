//! The order of the steps of a field, whatever the order of its keys: the page about it is made of this.

/// One step of the way from a cell to what is sent.
#[derive(Debug)]
pub(crate) struct Step {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The keys that say it.
    pub(crate) keys: &'static [&'static str],
    /// What it does.
    pub(crate) doc: &'static str,
}

const fn step(name: &'static str, keys: &'static [&'static str], doc: &'static str) -> Step {
    Step { name, keys, doc }
}

/// All steps of a field, in order.
pub(crate) static ORDER: &[Step] = &[
    step(
        "origin",
        &[
            "from",
            "join",
            "list",
            "from_first",
            "template",
            "value",
            "take",
            "optional",
        ],
        "The value is read: of a group from the row that `take` names. Cells come typed as `[input.columns]` says.",
    ),
    step(
        "empty words",
        &["null", "error_cells"],
        "A cell that is one of the words is empty, before `[input.columns]` gives it a type. Of a template the whole text is looked at. A cell that shows an error is a fault, or empty.",
    ),
    step(
        "look-up",
        &["lookup"],
        "The value is a key into a table, and what stands there takes its place. A cell that is no key as a whole and holds several (`split`) is looked up part by part.",
    ),
    step(
        "repair",
        &["repair"],
        "UTF-8 that was read as Windows-1252 becomes what it was.",
    ),
    step(
        "markup",
        &["html"],
        "`\"strip\"`, `\"from_escaped\"` and `\"from_wiki\"` make plain text. (`\"from_text\"` comes after `extract`.)",
    ),
    step(
        "space and case",
        &["trim", "collapse", "upper", "lower"],
        "`trim`, `collapse` (which trims, also under `trim = false`), `upper`, `lower`. A text that is split is not trimmed: its parts are.",
    ),
    step(
        "expressions",
        &["replace", "extract"],
        "The pairs of `replace` in their order, then `extract`; then outer space once more.",
    ),
    step(
        "parts",
        &["split"],
        "The text becomes several values, each trimmed, empty ones left out. All that follows is done to each.",
    ),
    step(
        "table",
        &["map", "map_file", "else"],
        "A word becomes another one; `else` says what becomes of one that is not there.",
    ),
    step(
        "list",
        &["order", "unique", "max_items"],
        "With `order = \"descending\"` the last value comes first. Then values that are the same count once, and only the first so many count.",
    ),
    step(
        "empty",
        &["default"],
        "Where nothing is left: a value, which is read on as if it stood in the cell, or what is done.",
    ),
    step(
        "type",
        &["parse", "formats", "decimal", "timezone", "true", "false"],
        "The text becomes a date, a number, a truth, JSON, or stays a text.",
    ),
    step(
        "name",
        &[
            "resolve",
            "match",
            "within",
            "aliases",
            "aliases_file",
            "missing",
            "ambiguous",
        ],
        "A name becomes the id of what it names: `aliases` first, then the properties of `match`. `missing` and `ambiguous` say what becomes of one that matches nothing, or several.",
    ),
    step(
        "check",
        &["min", "max", "one_of", "pattern", "max_length", "overflow"],
        "In this order; `overflow = \"truncate\"` cuts what is longer than `max_length`, with room for the reference line.",
    ),
    step(
        "field",
        &["required", "clear"],
        "The value is made what the field of the system takes. A field without a value is left out, a fault where it is `required`, or emptied where it says `clear`.",
    ),
];
