//! A mapping in the making: each line with why it is there and what is open about it.

use std::fmt::Write as _;

use super::comments::Then;
use super::toml;
use crate::directory::Kind;

/// One line of the file, or one that is only proposed.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// The key, as TOML writes it.
    pub(super) key: String,
    /// The value, as TOML writes it.
    pub(super) value: String,
    /// Why it is so, a sentence a line.
    pub(super) why: Vec<String>,
    /// What is open.
    pub(super) todo: Option<String>,
    /// Whether it is only proposed: written as a comment.
    pub(super) is_proposed: bool,
}

impl Line {
    pub(super) fn new(key: &str, value: impl Into<String>) -> Self {
        Self {
            key: toml::key(key),
            value: value.into(),
            ..Self::default()
        }
    }

    #[must_use]
    pub(super) fn why(mut self, why: impl Into<String>) -> Self {
        self.why.push(why.into());
        self
    }

    #[must_use]
    pub(super) fn todo(mut self, todo: impl Into<String>) -> Self {
        self.todo = Some(todo.into());
        self
    }

    /// May do without columns that not every sheet has.
    #[must_use]
    pub(super) fn optional_for(mut self, partial: &[&str]) -> Self {
        let start = self.value.strip_suffix('}').map(str::trim_end);
        match start {
            Some(start) if partial.iter().any(|name| self.reads(name)) => {
                self.value = format!("{start}, optional = true }}");
                self.why("Not every sheet has all of these columns.")
            }
            _ => self,
        }
    }

    /// Whether a field is made from a column.
    fn reads(&self, name: &str) -> bool {
        let document: Option<::toml::Table> =
            ::toml::from_str(&format!("field = {}", self.value)).ok();
        let field = document
            .as_ref()
            .and_then(|document| document["field"].as_table());
        let part = |key: &str| field.and_then(|field| field.get(key));
        let is_it = |value: &::toml::Value| value.as_str() == Some(name);
        let from = part("from").or_else(|| part("from_first"));
        let template = part("template").and_then(::toml::Value::as_str);
        from.is_some_and(|from| {
            is_it(from) || from.as_array().is_some_and(|all| all.iter().any(is_it))
        }) || template.is_some_and(|template| template.contains(&toml::in_template(name)))
    }

    fn write(&self, text: &mut String) {
        for why in &self.why {
            comment(text, "# ", why);
        }
        if let Some(todo) = &self.todo {
            comment(text, "# TODO ", todo);
        }
        let line = format!("{} = {}", self.key, self.value);
        for line in line.lines() {
            let mark = if self.is_proposed { "# " } else { "" };
            let _ = writeln!(text, "{mark}{line}");
        }
    }
}

/// How wide comments are.
const WIDTH: usize = 112;

/// A comment, broken where it is long.
pub(super) fn comment(text: &mut String, mark: &str, words: &str) {
    let mut line = mark.to_owned();
    let mut is_empty = true;
    // No comment of TOML may hold a control character; a heading may.
    let words = words.replace(
        |sign: char| sign.is_control() && !sign.is_whitespace(),
        "\u{fffd}",
    );
    for word in words.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            line = "# ".to_owned();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

/// The mapping as it will be written.
#[derive(Debug, Default)]
pub struct Draft {
    pub(super) head: Vec<String>,
    pub(super) top: Vec<Line>,
    pub(super) input: Vec<Line>,
    pub(super) columns: Vec<Line>,
    pub(super) fields: Vec<Line>,
    /// What follows on the ticket.
    pub(super) thens: Vec<Then>,
    /// Names of the input that the system does not know, by field.
    pub(super) names: Vec<Unknown>,
}

/// A name of the input that is none of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The field.
    pub field: String,
    /// What it should be the name of.
    pub kind: Kind,
    /// The name, as the field sees it.
    pub name: String,
    /// How many rows of the sample have it.
    pub rows: u64,
}

impl Draft {
    /// The file.
    pub fn render(&self) -> String {
        let mut text = String::from("#:schema ./deskferry-mapping.schema.json\n");
        for line in &self.head {
            comment(&mut text, "# ", line);
        }
        text.push('\n');
        section(&mut text, &self.top);
        if !self.input.is_empty() {
            text.push_str("\n[input]\n");
            section(&mut text, &self.input);
        }
        if !self.columns.is_empty() {
            text.push_str("\n[input.columns]\n");
            section(&mut text, &self.columns);
        }
        text.push_str("\n[fields]\n");
        section(&mut text, &self.fields);
        for then in &self.thens {
            text.push('\n');
            then.write(&mut text);
        }
        text
    }

    /// Names of the input that the system does not know, in fields that take them from a table of other names.
    pub fn names(&self) -> &[Unknown] {
        &self.names
    }

    /// How many fields of the system it fills.
    pub fn filled(&self) -> usize {
        self.fields.iter().filter(|line| !line.is_proposed).count()
    }
}

pub(super) fn section(text: &mut String, lines: &[Line]) {
    for (number, line) in lines.iter().enumerate() {
        if number > 0 && !(line.why.is_empty() && line.todo.is_none()) {
            text.push('\n');
        }
        line.write(text);
    }
}
