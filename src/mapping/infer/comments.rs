//! What people said about a ticket: arrays of comments in JSON, and comments in columns that repeat.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::draft::{Line, comment};
use super::sample::Sample;
use super::words::{heading, likeness};
use super::{Guess, Seen, content, toml};
use crate::markup;
use crate::record::Cell;
use crate::systems::Operation;
use crate::systems::fields::{FieldType, called};

/// So many items are looked at.
const MOST_ITEMS: usize = 400;

/// What a member of a comment that holds its text is called, the likeliest first.
const BODY: [&str; 13] = [
    "plain_body",
    "body_text",
    "body",
    "text",
    "comment",
    "content",
    "message",
    "note",
    "description",
    "html_body",
    "value",
    "comment_text",
    "details",
];
/// The name of who said it.
const AUTHOR: [&str; 16] = [
    "author.name",
    "author.displayName",
    "author.display_name",
    "author.email",
    "author_name",
    "author",
    "user.name",
    "user",
    "from",
    "by",
    "created_by",
    "creator.name",
    "creator",
    "posted_by",
    "author_id",
    "user_id",
];
/// When it was said.
const WHEN: [&str; 9] = [
    "created_at",
    "created",
    "createdAt",
    "created_on",
    "date",
    "timestamp",
    "time",
    "posted_at",
    "updated_at",
];
/// Whether who asked sees it.
const PUBLIC: [&str; 4] = ["public", "is_public", "isPublic", "visible"];
/// What arrays of comments are called besides.
const CALLED: [&str; 12] = [
    "comments",
    "conversations",
    "conversation",
    "replies",
    "notes",
    "thread",
    "messages",
    "journal",
    "history",
    "posts",
    "follow ups",
    "updates",
];

/// A comment of Jira's CSV: `date;author;text`.
static JIRA: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\d{1,2}/\w+/\d{2,4}[^;]*;[^;]*;").expect("the pattern is one"));
/// The same for a mapping, as TOML.
const FROM_JIRA: &str =
    r#", replace = [['(?s)^(\d{1,2}/\w+/\d{2,4}[^;]*);([^;]*);(.*)$', "$2 on $1:\n$3"]]"#;

/// A step that follows, in the making.
#[derive(Debug, Clone)]
pub(super) struct Then {
    pub(super) why: Vec<String>,
    pub(super) operation: Operation,
    pub(super) each: Option<String>,
    pub(super) when: Option<String>,
    pub(super) fields: Vec<Line>,
    /// Whether it is only proposed: written as a comment.
    pub(super) is_proposed: bool,
}

impl Then {
    pub(super) fn write(&self, text: &mut String) {
        for why in &self.why {
            comment(text, "# ", why);
        }
        let mark = if self.is_proposed { "# " } else { "" };
        text.push_str(&format!("{mark}[[then]]\n"));
        let operation = toml::text(self.operation.as_str());
        let lines = [
            ("operation", Some(&operation)),
            ("each     ", self.each.as_ref()),
            ("when     ", self.when.as_ref()),
        ];
        for (key, value) in lines {
            if let Some(value) = value {
                text.push_str(&format!(
                    "{mark}{key} = {}\n",
                    match key {
                        "when     " => toml::text(value),
                        _ => value.clone(),
                    }
                ));
            }
        }
        if !self.fields.is_empty() {
            text.push_str(&format!("\n{mark}[then.fields]\n"));
            let lines = self.fields.iter().cloned().map(|line| Line {
                is_proposed: line.is_proposed || self.is_proposed,
                ..line
            });
            super::draft::section(text, &lines.collect::<Vec<_>>());
        }
    }
}

/// Columns that hold comments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spoken {
    /// Their positions in the sample.
    pub(super) columns: Vec<usize>,
    /// As a mapping calls them.
    name: String,
    how: How,
    /// Rows that have one.
    rows: usize,
    /// Whether the texts hold HTML.
    is_html: bool,
    is_wiki: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum How {
    /// An array of texts, or columns of them.
    Texts { is_json: bool, is_jira: bool },
    /// An array of objects with these members.
    Objects {
        is_json: bool,
        body: String,
        author: Option<String>,
        when: Option<String>,
        public: Option<String>,
    },
}

/// The columns that hold comments.
pub(super) fn columns(seen: &Seen<'_>, sample: &Sample) -> Vec<Spoken> {
    let mut spoken: Vec<Spoken> = (0..sample.columns.len())
        .filter_map(|at| array(seen, sample, at))
        .collect();
    spoken.extend(repeated(seen, sample));
    spoken
}

/// The cells of a column, over all tables.
fn cells<'s>(seen: &'s Seen<'_>, name: &'s str) -> impl Iterator<Item = &'s Cell> {
    let position = |table: usize| seen.tables.get(table)?.header.position(name);
    seen.records
        .iter()
        .filter_map(move |record| Some(record.cell(position(record.table)?)))
        .filter(|cell| !cell.is_empty())
}

/// The array of a cell: JSON, or a text that is JSON.
fn array_of(cell: &Cell) -> Option<(Vec<Value>, bool)> {
    match cell {
        Cell::Json(value) => Some((value.as_array()?.clone(), false)),
        Cell::Text(text) if text.trim_start().starts_with('[') => {
            let value: Value = serde_json::from_str(text).ok()?;
            Some((value.as_array()?.clone(), true))
        }
        _ => None,
    }
}

fn array(seen: &Seen<'_>, sample: &Sample, at: usize) -> Option<Spoken> {
    let column = &sample.columns[at];
    let starts = |value: &str| value.starts_with('[');
    if column.lists == 0 && column.share(starts) < 0.95 {
        return None;
    }
    let mut items: Vec<Value> = Vec::new();
    let (mut rows, mut is_json) = (0, false);
    for cell in cells(seen, &column.name) {
        // Another cell would be a fault of its row.
        let (of_cell, is_text) = array_of(cell)?;
        is_json |= is_text;
        rows += usize::from(!of_cell.is_empty());
        if items.len() < MOST_ITEMS {
            items.extend(of_cell);
        }
    }
    let last = heading(column.name.rsplit('.').next().unwrap_or_default());
    let is_called = CALLED.contains(&last.as_str())
        || likeness(&column.name, called::COMMENT).is_some_and(|(score, _)| score > 60.0);
    let how = match items.first()? {
        Value::String(_) if is_called && items.iter().all(Value::is_string) => How::Texts {
            is_json,
            is_jira: false,
        },
        Value::Object(_) => {
            let found = |names: &[&str]| {
                let has = |name: &&&str| {
                    let filled = items.iter().filter_map(|item| member(item, name));
                    filled.filter(|value| !value.is_null()).count() * 2 > items.len()
                };
                names.iter().find(has).map(|name| (*name).to_owned())
            };
            let (body, author, when) = (found(&BODY)?, found(&AUTHOR), found(&WHEN));
            if !is_called && (author.is_none() || when.is_none()) {
                return None;
            }
            How::Objects {
                is_json,
                body,
                author,
                when,
                public: found(&PUBLIC),
            }
        }
        _ => return None,
    };
    let texts: Vec<&str> = items
        .iter()
        .filter_map(|item| match &how {
            How::Objects { body, .. } => member(item, body)?.as_str(),
            How::Texts { .. } => item.as_str(),
        })
        .collect();
    Some(Spoken {
        columns: vec![at],
        name: column.name.clone(),
        how,
        rows,
        is_html: texts.iter().any(|text| content::is_html(text)),
        is_wiki: texts.iter().any(|text| markup::is_wiki(text)),
    })
}

/// A member of an item, or a member of one of its members.
fn member<'v>(item: &'v Value, name: &str) -> Option<&'v Value> {
    let found = name
        .split('.')
        .try_fold(item, |value, part| value.get(part))?;
    (!found.is_object() && !found.is_array()).then_some(found)
}

/// Columns of one heading that holds comments: `Comment`, `Comment[2]`, …
fn repeated(seen: &Seen<'_>, sample: &Sample) -> Vec<Spoken> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, column) in sample.columns.iter().enumerate() {
        let base = super::left_behind::base(&column.name);
        groups.entry(base.to_owned()).or_default().push(at);
    }
    let is_comment = |base: &str| {
        CALLED.contains(&heading(base).as_str())
            || likeness(base, called::COMMENT).is_some_and(|(score, _)| score > 80.0)
    };
    groups.retain(|base, columns| {
        let filled = columns.iter().any(|at| sample.columns[*at].filled > 0);
        columns.len() > 1 && filled && is_comment(base)
    });
    let spoken = groups.into_iter().map(|(base, columns)| {
        let texts = || {
            let values = columns.iter().flat_map(|at| &sample.columns[*at].values);
            values.map(|(value, _)| value.as_str())
        };
        let is_jira = texts().filter(|text| JIRA.is_match(text)).count() * 2 > texts().count();
        let names: Vec<&str> = columns
            .iter()
            .map(|at| sample.columns[*at].name.as_str())
            .collect();
        let is_filled = |record: &&crate::record::Record| {
            let header = &seen.tables[record.table].header;
            names.iter().any(|name| {
                let at = header.position(name);
                at.is_some_and(|at| !record.cell(at).is_empty())
            })
        };
        Spoken {
            rows: seen.records.iter().filter(is_filled).count(),
            is_html: texts().any(content::is_html),
            is_wiki: texts().any(markup::is_wiki),
            name: format!("{base}[*]"),
            how: How::Texts {
                is_json: false,
                is_jira,
            },
            columns,
        }
    });
    spoken.collect()
}

/// The steps that bring them over.
pub(super) fn thens(guess: &Guess<'_>, spoken: &[Spoken]) -> Vec<Then> {
    let Ok(table) = guess.seen.schema.fields(Operation::Comment) else {
        return Vec::new();
    };
    let mut fields = table.fields.iter();
    let Some(body) = fields.find(|field| field.called == called::COMMENT) else {
        return Vec::new();
    };
    let public = table
        .fields
        .iter()
        .find(|field| field.called == called::PUBLIC);
    // A mention in an old text must alert nobody.
    let quiet = table
        .fields
        .iter()
        .find(|field| matches!(field.kind, FieldType::Choice(words) if words.contains(&"neutral")));
    let then = |one: &Spoken| {
        let (is_json, value) = one.body();
        let json = if is_json { ", parse = \"json\"" } else { "" };
        let mut lines = vec![Line::new(body.name, value)];
        lines.extend(quiet.map(|field| Line::new(field.name, "{ value = \"neutral\" }")));
        if let (
            Some(field),
            How::Objects {
                public: Some(name), ..
            },
        ) = (public, &one.how)
        {
            lines.push(Line {
                is_proposed: true,
                ..Line::new(field.name, format!("{{ from = \"item.{name}\", parse = \"bool\" }}"))
                    .why("Each becomes an internal note. With this line, those that were public stay public, and who asked may be told.")
            });
        }
        Then {
            why: vec![format!(
                "Comments: `{}` holds them in {} of {} rows. Each is one comment, in the order of the file.",
                one.name, one.rows, guess.sample.rows
            )],
            operation: Operation::Comment,
            // Another file or sheet may have no comments.
            each: Some(format!(
                "{{ from = {}{json}, optional = true }}",
                toml::text(&one.name)
            )),
            when: None,
            fields: lines,
            is_proposed: false,
        }
    };
    spoken.iter().map(then).collect()
}

impl Spoken {
    /// Whether a text is read as JSON, and what the body of a comment is made of.
    fn body(&self) -> (bool, String) {
        let html = match (self.is_html, self.is_wiki) {
            (true, _) => ", html = \"strip\"",
            (false, true) => ", html = \"from_wiki\"",
            (false, false) => "",
        };
        match &self.how {
            How::Texts { is_json, is_jira } => {
                let jira = if *is_jira { FROM_JIRA } else { "" };
                (*is_json, format!("{{ from = \"item\"{html}{jira} }}"))
            }
            How::Objects {
                is_json,
                body,
                author,
                when,
                ..
            } => {
                let item = |name: &str| format!("item.{name}");
                let parts: Vec<String> = [author, when]
                    .into_iter()
                    .flatten()
                    .map(|name| format!("{{{{ {} }}}}", item(name)))
                    .collect();
                let head = match parts.is_empty() {
                    true => String::new(),
                    false => format!("{}:\n", parts.join(", ")),
                };
                let template = toml::text(&format!("{head}{{{{ {} }}}}", item(body)));
                (*is_json, format!("{{ template = {template}{html} }}"))
            }
        }
    }
}
