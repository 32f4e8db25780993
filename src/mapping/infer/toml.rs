//! Values as TOML, and columns as a template names them.

/// A text in quotes.
pub(super) fn text(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for sign in text.chars() {
        match sign {
            '"' => written.push_str("\\\""),
            '\n' => written.push_str("\\n"),
            '\t' => written.push_str("\\t"),
            sign => escape(sign, &mut written),
        }
    }
    written.push('"');
    written
}

/// A sign of a text in quotes, whatever the quotes are.
fn escape(sign: char, written: &mut String) {
    match sign {
        '\\' => written.push_str("\\\\"),
        '\r' => written.push_str("\\r"),
        '\n' | '\t' => written.push(sign),
        sign if sign.is_control() => written.push_str(&format!("\\u{:04X}", u32::from(sign))),
        sign => written.push(sign),
    }
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
    let mut written = String::from("\"\"\"\n");
    let mut quotes = 0;
    for (at, sign) in text.char_indices() {
        quotes = if sign == '"' { quotes + 1 } else { 0 };
        // Three in a row would end it, and so would one before the end.
        if quotes == 3 || (quotes > 0 && at + 1 == text.len()) {
            written.push('\\');
            quotes = 0;
        }
        escape(sign, &mut written);
    }
    written.push_str("\"\"\"");
    written
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_a_text_holds_toml_gives_it_back(written in "(?s).{0,30}|[\\x00-\"\\\\\\x7f\\n\\r]{0,12}") {
            for quoted in [text(&written), lines(&written)] {
                let document = format!("{} = {quoted}", key(&written));
                let read: toml::Table = toml::from_str(&document)
                    .unwrap_or_else(|error| panic!("{error}\n{document:?}"));
                prop_assert_eq!(read[&written].as_str(), Some(written.as_str()));
            }
        }
    }
}
