//! Values and texts as HTML.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use crate::export::sheets::{Severity, Tone, Value};

/// A text in a cell is cut beyond so many characters.
const LONGEST: usize = 400;

/// A text that shows as it stands, in an element or an attribute.
pub(crate) struct Text<'a>(pub(crate) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                '\n' | '\t' => out.write_char(character)?,
                // No page may hold them.
                control if control.is_control() => out.write_char('\u{fffd}')?,
                other => out.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A text cut to so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => {
            let kept: String = text.chars().take(most - 1).collect();
            format!("{}…", kept.trim_end())
        }
        false => text.to_owned(),
    }
}

/// The class of a colour.
pub(super) fn tone(tone: Tone) -> String {
    match tone {
        Tone::Plain(number) => format!("s{}", number % 8),
        Tone::Of(severity) => format!("v{}", severity.rank()),
        Tone::Kept => "s1".to_owned(),
        Tone::Broken => "v0".to_owned(),
    }
}

/// The id of a section.
pub(super) fn anchor(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

/// A cell of a table; numbers and times say how they are sorted. In a column of numbers a word stands as they do.
pub(super) fn cell(
    value: &Value,
    is_label: bool,
    is_number: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let element = if is_label { "th scope=\"row\"" } else { "td" };
    match value.number() {
        Some(number) => write!(out, "<{element} class=\"n\" data-n=\"{number}\">")?,
        None if is_number => write!(out, "<{element} class=\"n\">")?,
        None => write!(out, "<{element}>")?,
    }
    fragment(value, out)?;
    write!(out, "</{}>", if is_label { "th" } else { "td" })
}

/// What stands in a cell.
pub(super) fn fragment(value: &Value, out: &mut dyn Write) -> io::Result<()> {
    let shown = value.shown();
    match value {
        Value::Priority(name) if Severity::of(name) != Severity::Unset => write!(
            out,
            "<span class=\"severity v{}\">{}</span>",
            Severity::of(name).rank(),
            Text(&shown)
        ),
        Value::Link { url, .. } if is_web(url) => write!(
            out,
            "<a href=\"{}\" target=\"_blank\" rel=\"noopener noreferrer\">{}</a>",
            Text(url),
            Text(&shown)
        ),
        Value::Day(day) | Value::Month(day) => {
            write!(out, "<time datetime=\"{day}\">{}</time>", Text(&shown))
        }
        Value::Time(time) => write!(out, "<time datetime=\"{time}\">{}</time>", Text(&shown)),
        _ => match shown.char_indices().nth(LONGEST) {
            Some((end, _)) => write!(out, "<span class=\"long\">{}…</span>", Text(&shown[..end])),
            None if shown.chars().count() > 60 => {
                write!(out, "<span class=\"long\">{}</span>", Text(&shown))
            }
            None => write!(out, "{}", Text(&shown)),
        },
    }
}

fn is_web(url: &str) -> bool {
    let url = url.to_ascii_lowercase();
    url.starts_with("https://") || url.starts_with("http://")
}
