//! Plain text and HTML: one from the other, and telling which of them a text is.

use std::borrow::Cow;

/// The longest name of an entity.
const LONGEST_ENTITY: usize = 31;

/// The elements that help desks write, in alphabetical order: what bears one of them is HTML.
const ELEMENTS: [&str; 32] = [
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "div",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "span",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// A text as HTML: one that bears markup stays as it is, another is written so that it shows as it stands.
pub(crate) fn of(text: String) -> String {
    match is_markup(&text) {
        true => text,
        false => from_text(&text),
    }
}

/// Whether a text bears elements or entities of HTML; `a < b` and `<ann@district.example>` are none.
pub(crate) fn is_markup(text: &str) -> bool {
    let is_element = |(at, _): (usize, &str)| {
        let inner = text[at + 1..].trim_start_matches('/');
        let end = inner
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(inner.len());
        let (name, rest) = inner.split_at(end);
        let is_closed = match rest.chars().next() {
            Some('>') => true,
            Some(' ' | '/' | '\n' | '\r' | '\t') => rest.contains('>'),
            _ => false,
        };
        is_closed && ELEMENTS.contains(&name.to_ascii_lowercase().as_str())
    };
    text.match_indices('<').any(is_element) || decode_entities(text) != text
}

/// Plain text from HTML: block ends and `<br>` are line breaks, scripts and styles vanish, entities become
/// characters.
pub(crate) fn to_text(html: &str) -> String {
    text_of(html, false)
}

/// The same with each block on lines of its own: an opening tag ends the line before it too, as of what is not closed. A
/// no-break space is a space, however it is written.
pub(crate) fn to_lines(html: &str) -> String {
    text_of(html, true)
}

fn text_of(html: &str, opens_lines: bool) -> String {
    if !html.contains(['<', '&']) {
        return html.to_owned();
    }
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        // `a < b` is no tag.
        let is_tag =
            rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        let Some(end) = rest.find('>').filter(|_| is_tag) else {
            text.push('<');
            rest = &rest[1..];
            continue;
        };
        let tag = rest[1..end].trim();
        let closing = tag.starts_with('/');
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        rest = &rest[end + 1..];
        match name.as_str() {
            "script" | "style" | "head" if !closing => rest = after_closing(rest, &name),
            "br" | "hr" => text.push('\n'),
            "p" | "div" | "li" | "tr" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol"
            | "table" | "blockquote" | "pre"
                if closing =>
            {
                text.push('\n');
            }
            "td" | "th" if closing => text.push(' '),
            name if opens_lines && !closing && is_block(name) => {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                if name == "li" {
                    text.push_str("- ");
                }
            }
            "li" => text.push_str("- "),
            _ => {}
        }
    }
    text.push_str(rest);
    decoded(&text, opens_lines)
}

/// Whether an element begins and ends lines.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "li"
            | "tr"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "ul"
            | "ol"
            | "table"
            | "blockquote"
            | "pre"
    )
}

/// A text as it was before Slack made links of it: `<https://a.example|a>` is `a`, `<https://a.example>` the address.
pub(crate) fn unlinked(text: &str) -> String {
    const SCHEMES: [&str; 4] = ["https://", "http://", "mailto:", "tel:"];
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let inner = rest[1..].split_once('>').map(|(inner, _)| inner);
        let link = inner.filter(|inner| SCHEMES.iter().any(|scheme| inner.starts_with(scheme)));
        match link {
            Some(link) => {
                plain.push_str(link.split_once('|').map_or(link, |(_, label)| label));
                rest = &rest[link.len() + 2..];
            }
            None => {
                plain.push('<');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// What stands after `</name>`.
fn after_closing<'a>(html: &'a str, name: &str) -> &'a str {
    let closing = format!("</{name}");
    let lower = html.to_ascii_lowercase();
    lower
        .find(&closing)
        .and_then(|at| html[at..].split_once('>'))
        .map_or("", |(_, after)| after)
}

/// The `;` of the entity that a text begins with.
pub(crate) fn entity_end(text: &str) -> Option<usize> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
    let name = text
        .bytes()
        .skip(1)
        .take(LONGEST_ENTITY)
        .take_while(is_name);
    let end = 1 + name.count();
    (end > 1 && text.as_bytes().get(end) == Some(&b';')).then_some(end)
}

/// A text with its entities as characters.
pub(crate) fn decode_entities(text: &str) -> String {
    decoded(text, false)
}

/// The same; with `spaces` a no-break space by its number is a space, as it is by its name.
pub(crate) fn decoded(text: &str, spaces: bool) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = entity_end(rest).and_then(|end| Some((entity(&rest[1..end])?, end)));
        match known {
            Some((meant, end)) => {
                decoded.push_str(if spaces && meant == "\u{a0}" {
                    " "
                } else {
                    &meant
                });
                rest = &rest[end + 1..];
            }
            None => {
                decoded.push('&');
                rest = &rest[1..];
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

/// What an entity stands for, by its name or number.
fn entity(name: &str) -> Option<Cow<'static, str>> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        let character = match u8::try_from(code) {
            // The numbers of control characters mean the letters of Windows there, as browsers have it.
            Ok(byte @ 0x80..=0x9f) => encoding_rs::WINDOWS_1252
                .decode_without_bom_handling(&[byte])
                .0
                .chars()
                .next()?,
            _ => char::from_u32(code).filter(|c| *c != '\0')?,
        };
        return Some(Cow::Owned(character.to_string()));
    }
    // Between words it is a space like any other.
    if name == "nbsp" {
        return Some(Cow::Borrowed(" "));
    }
    let table = &html_escape::NAMED_ENTITIES;
    let found = table.binary_search_by_key(&name.as_bytes(), |(known, _)| *known);
    found.ok().map(|at| Cow::Borrowed(table[at].1))
}

/// HTML that shows a plain text as it stands.
pub(crate) fn from_text(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' => html.push_str("<br>"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_markup_is_taken_as_html() {
        for html in [
            "<p>It works</p>",
            "a<BR/>b",
            "see <a href='https://a.example'>it</a>",
            "5 &lt; 6",
        ] {
            assert_eq!(of(html.to_owned()), html);
        }
        for (text, shown) in [
            ("a < b\r\nAT&T", "a &lt; b<br>AT&amp;T"),
            ("<ann@district.example>", "&lt;ann@district.example&gt;"),
            ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
            ("a<b, b>c", "a&lt;b, b&gt;c"),
        ] {
            assert_eq!(of(text.to_owned()), shown);
            assert_eq!(to_text(shown), text.replace('\r', ""));
        }
    }
}
