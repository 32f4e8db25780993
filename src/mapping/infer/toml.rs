//! Values as TOML, and columns as a template names them.

/// A text in quotes.
pub(super) fn text(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for sign in text.chars() {
        match sign {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            sign if sign.is_control() => written.push_str(&format!("\\u{:04X}", u32::from(sign))),
            sign => written.push(sign),
        }
    }
    written.push('"');
    written
}

/// A key, bare where that is allowed.
pub(super) fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        text(name)
    }
}

/// A list of texts.
pub(super) fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(text).collect();
    format!("[{}]", texts.join(", "))
}

/// An inline table of texts.
pub(super) fn table<'t>(pairs: impl IntoIterator<Item = (&'t str, &'t str)>) -> String {
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(from, to)| format!("{} = {}", text(from), text(to)))
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// A text over several lines, as it stands.
pub(super) fn lines(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace("\"\"\"", "\"\"\\\"");
    format!("\"\"\"\n{escaped}\"\"\"")
}

/// How a template names a column.
pub(super) fn in_template(column: &str) -> String {
    const TAKEN: [&str; 17] = [
        "row", "rows", "item", "date", "true", "false", "none", "not", "and", "or", "if", "else",
        "for", "in", "is", "loop", "self",
    ];
    let mut signs = column.chars();
    let is_word = signs.next().is_some_and(|c| c.is_ascii_alphabetic())
        && signs.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !TAKEN.contains(&column.to_lowercase().as_str());
    if is_word {
        column.to_owned()
    } else {
        format!(
            "row['{}']",
            column.replace('\\', "\\\\").replace('\'', "\\'")
        )
    }
}
