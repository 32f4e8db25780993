//! What is no valid TOML, in words for people who do not know the format.

use std::ops::Range;

/// The place of an error of the parser, its message in plain words, and what to write instead.
pub(super) fn explain(
    error: &toml::de::Error,
    text: &str,
) -> (Range<usize>, String, Option<String>) {
    let range = error.span().unwrap_or(0..0);
    let reason = error.message().replace('\n', ", ");
    if reason.contains("string values must be quoted")
        && let Some(at) = nothing(text, range.start)
    {
        let hint = "write a value, texts in quotes: `scope = \"spiceworks-2024\"`";
        return (
            at..at + 1,
            "nothing stands behind `=`".to_owned(),
            Some(hint.to_owned()),
        );
    }
    let (message, hint) = plain(reason);
    (range, message, hint)
}

/// Where the `=` is behind which nothing stands, when that is what the parser met at this place.
fn nothing(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    let meant = before.trim_end_matches([' ', '\t', '\r', '\n']);
    let rest = text
        .get(meant.len()..)?
        .trim_start_matches([' ', '\t', '\r']);
    let is_next = rest.starts_with(['\n', '#', '=', ',', '}', ']']) || rest.is_empty();
    (meant.ends_with('=') && is_next).then(|| meant.len() - 1)
}

fn plain(reason: String) -> (String, Option<String>) {
    let plain = PLAIN
        .iter()
        .find(|(sign, _, _)| reason.contains(sign))
        .map(|(_, message, hint)| ((*message).to_owned(), Some((*hint).to_owned())));
    plain.unwrap_or_else(|| (format!("no valid TOML: {reason}"), None))
}

/// What the parser says, what it means, and what to do.
const PLAIN: [(&str, &str, &str); 13] = [
    (
        "invalid boolean",
        "a text stands without quotes",
        "put texts in quotes: `scope = \"spiceworks-2024\"`; a truth is `true` or `false`",
    ),
    (
        "missing comma",
        "something stands where a comma should be",
        "put a comma between the keys of a field, and look for a quote that is missing above",
    ),
    (
        "unexpected key or value",
        "something stands behind the value",
        "write one `key = value` on a line",
    ),
    (
        "extra assignment",
        "one `=` too many",
        "write `key = value`, and texts in quotes",
    ),
    (
        "string values must be quoted",
        "a text stands without quotes",
        "put texts in quotes: `scope = \"spiceworks-2024\"`",
    ),
    (
        "duplicate key",
        "this key stands twice in the same table",
        "leave one of the two out",
    ),
    (
        "key with no value",
        "a key without `=` and a value",
        "write `key = value`; a key with a space or a sign in it stands in quotes: `\"Ticket #\" = …`",
    ),
    (
        "missing escaped value",
        "a `\\` in a text begins a special sign, and this is none",
        "write `\\\\` for the sign itself, or put the text in 'single quotes'",
    ),
    (
        "unquoted keys cannot contain",
        "a key with such a sign must stand in quotes",
        "write `\"Ticket #\" = …`",
    ),
    (
        "invalid basic string",
        "a text does not end on its line",
        "put a quote at its end, or three quotes around a text of several lines",
    ),
    ("unclosed array", "a list has no end", "put `]` at its end"),
    (
        "unclosed inline table",
        "a `{` has no `}`",
        "put `}` at the end of the field, on the same line",
    ),
    (
        "unclosed table",
        "a heading such as `[fields]` has no `]`",
        "put `]` at its end",
    ),
];
