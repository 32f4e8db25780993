//! What was said on the tickets of a source, with the numbers and links of the tickets that were made of those it names.

use std::path::{Path, PathBuf};

use serde_json::Value;
use uuid::Uuid;

use super::record::{COMMENTS, DESCRIPTION, REFERENCES, SOURCE, WAS_CLOSED};
use super::reference::{References, called};
use crate::record::{Cell, Header, Record};
use crate::run::Refer;

/// Where the references to the tickets of a source are kept: by the identity of the scope and the name of the source.
pub fn kept(state: &Path, scope: Uuid, source: &str) -> PathBuf {
    let name = blake3::hash(format!("{scope} {source}").as_bytes()).to_hex();
    state
        .join("migrate")
        .join(format!("references-{}.jsonl", &name[..20]))
}

/// Where the columns of a spool stand.
#[derive(Debug)]
pub struct Columns {
    source: usize,
    comments: usize,
    /// The texts of the ticket itself that name tickets.
    own: [Option<usize>; 2],
    id: Option<usize>,
    number: Option<usize>,
    url: Option<usize>,
}

impl Columns {
    /// Those of an input that is a spool; `None`: it is none.
    pub fn of(header: &Header) -> Option<Self> {
        let exact = |name: &str| header.names().iter().position(|own| own == name);
        exact(WAS_CLOSED)?;
        Some(Self {
            source: exact(SOURCE)?,
            comments: exact(COMMENTS)?,
            own: [DESCRIPTION, REFERENCES].map(exact),
            id: header.position("id"),
            number: header.position("number"),
            url: header.position("url"),
        })
    }

    /// What the source is called.
    pub fn source(&self, row: &Record) -> String {
        row.cell(self.source).text().into_owned()
    }

    /// The id that the source knows a ticket by.
    pub fn id(&self, row: &Record) -> String {
        let text = self.id.map(|at| row.cell(at).text().into_owned());
        text.unwrap_or_default()
    }

    /// Hands on what was said on a ticket, and its description.
    pub fn texts(&self, row: &Record, take: &mut dyn FnMut(&str)) {
        for at in self.own.iter().flatten() {
            take(&row.cell(*at).text());
        }
        let Cell::Json(comments) = row.cell(self.comments) else {
            return;
        };
        let comments = comments.as_array().into_iter().flatten();
        comments
            .filter_map(|comment| comment["text"].as_str())
            .for_each(take);
    }

    /// What people call a ticket: by its number, else by its id; by its link; and by an id that cannot be taken for a number.
    pub fn names(&self, row: &Record) -> Vec<String> {
        let text = |at: Option<usize>| {
            let text = at.map(|at| row.cell(at).text().trim().to_owned());
            text.filter(|text| !text.is_empty())
        };
        let (id, number, url) = (text(self.id), text(self.number), text(self.url));
        called(id.as_deref(), number.as_deref(), url.as_deref())
    }
}

/// Puts the references into records.
#[derive(Debug)]
pub struct Rewriting {
    references: References,
    columns: Columns,
}

impl Rewriting {
    /// By the references that attempts have known.
    pub fn new(references: References, columns: Columns) -> Self {
        Self {
            references,
            columns,
        }
    }
}

impl Refer for Rewriting {
    fn rewrite(&self, rows: &[Record], as_of: Option<&str>) -> Option<Vec<Record>> {
        let mut is_changed = false;
        let mut rewritten = Vec::with_capacity(rows.len());
        for row in rows {
            let mut row = row.clone();
            for at in self.columns.own.iter().flatten() {
                let Some(Cell::Text(text)) = row.cells.get_mut(*at) else {
                    continue;
                };
                if let Some(new) = self.references.rewrite(text, as_of) {
                    *text = new.into();
                    is_changed = true;
                }
            }
            if let Some(Cell::Json(comments)) = row.cells.get_mut(self.columns.comments) {
                for comment in comments.as_array_mut().into_iter().flatten() {
                    let text = comment["text"].as_str();
                    let new = text.and_then(|text| self.references.rewrite(text, as_of));
                    if let Some(new) = new {
                        comment["text"] = Value::String(new);
                        is_changed = true;
                    }
                }
            }
            rewritten.push(row);
        }
        is_changed.then_some(rewritten)
    }
}
