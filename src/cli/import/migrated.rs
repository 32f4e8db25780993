//! The second stage of a migration: all tickets are made, and what was said on them names those of the target.
//!
//! It is known by the columns of its input, so that a retry of a pass and its corrected error file are treated alike: what was
//! sent with references must be looked for with them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::{Import, Pass};
use crate::error::Result;
use crate::intake::Subject;
use crate::ledger::{ActiveRun, State, StepRecord};
use crate::migrate::record::{COMMENTS, SOURCE, WAS_CLOSED};
use crate::migrate::reference::{Named, References};
use crate::record::{Cell, Header, Record, RowKey};
use crate::run::{Refer, Second};
use crate::systems::{CREATE, Ticket};

/// How many tickets the ledger is asked for at once.
const AT_ONCE: usize = 500;

impl Import<'_> {
    /// Whether the input holds tickets that were read of another desk.
    pub(super) fn is_of_desk(&self) -> bool {
        !self.acts() && self.columns().is_some()
    }

    fn columns(&self) -> Option<Columns> {
        match self.input.tables() {
            [only] => Columns::of(&only.header),
            _ => None,
        }
    }

    /// The records once more, with what they name in the target.
    pub(super) fn second<'i>(&'i self, pass: &'i Pass<'_>, run: &ActiveRun) -> Result<Second<'i>> {
        Ok(Second {
            refer: self.references(pass, run)?,
            items: self.items(pass)?,
        })
    }

    /// The references that this attempt knows, kept before anything is sent that has one; `None`: no comment names a ticket.
    fn references(&self, pass: &Pass<'_>, run: &ActiveRun) -> Result<Option<Arc<dyn Refer>>> {
        let Some(columns) = self.columns() else {
            return Ok(None);
        };
        let mut named = Named::default();
        let mut source = None;
        for item in self.items(pass)? {
            for row in &item?.rows {
                source.get_or_insert_with(|| row.cell(columns.source).text().into_owned());
                columns.texts(row, &mut |text| named.take(text));
            }
        }
        if named.is_empty() {
            return Ok(None);
        }
        let mut known = BTreeMap::new();
        let mut asked: Vec<(RowKey, Vec<String>)> = Vec::new();
        for item in self.items(pass)? {
            let item = item?;
            let (Subject::Keyed(key), Some(row)) = (item.subject, item.rows.first()) else {
                continue;
            };
            let mut names = columns.names(row);
            names.retain(|name| named.has(name));
            if !names.is_empty() {
                asked.push((key, names));
            }
            if asked.len() >= AT_ONCE {
                ask(run, &mut asked, &mut known)?;
            }
        }
        ask(run, &mut asked, &mut known)?;
        let path = self.kept_references(&source.unwrap_or_default(), run);
        let mut references = References::read(&path)?;
        references.add(&path, run.code(), known)?;
        Ok(Some(Arc::new(Rewriting {
            references,
            columns,
        })))
    }

    /// Where the references to the tickets of a source are kept.
    fn kept_references(&self, source: &str, run: &ActiveRun) -> PathBuf {
        let of = format!("{} {source}", run.scope().identity());
        let name = blake3::hash(of.as_bytes()).to_hex();
        let folder = self.state.path().join("migrate");
        folder.join(format!("references-{}.jsonl", &name[..20]))
    }
}

/// Adds what the ledger knows of these tickets.
fn ask(
    run: &ActiveRun,
    asked: &mut Vec<(RowKey, Vec<String>)>,
    known: &mut BTreeMap<String, Ticket>,
) -> Result<()> {
    let keys = asked.iter().map(|(key, _)| key.clone()).collect();
    let states = run.scope().states_blocking(keys)?;
    for ((_, names), steps) in asked.drain(..).zip(states) {
        if let Some(ticket) = made(&steps) {
            known.extend(names.into_iter().map(|name| (name, ticket.clone())));
        }
    }
    Ok(())
}

fn made(steps: &[StepRecord]) -> Option<&Ticket> {
    let create = steps.iter().find(|step| step.id.name == CREATE)?;
    create
        .ticket
        .as_ref()
        .filter(|_| create.state == State::Done)
}

/// Where the columns of a spool stand.
#[derive(Debug)]
struct Columns {
    source: usize,
    comments: usize,
    id: Option<usize>,
    number: Option<usize>,
    url: Option<usize>,
}

impl Columns {
    fn of(header: &Header) -> Option<Self> {
        let exact = |name: &str| header.names().iter().position(|own| own == name);
        exact(WAS_CLOSED)?;
        Some(Self {
            source: exact(SOURCE)?,
            comments: exact(COMMENTS)?,
            id: header.position("id"),
            number: header.position("number"),
            url: header.position("url"),
        })
    }

    /// Hands on what was said on a ticket.
    fn texts(&self, row: &Record, take: &mut dyn FnMut(&str)) {
        let Cell::Json(comments) = row.cell(self.comments) else {
            return;
        };
        let comments = comments.as_array().into_iter().flatten();
        comments
            .filter_map(|comment| comment["text"].as_str())
            .for_each(take);
    }

    /// What people call a ticket: by its number, else by its id; by its link; and by an id that cannot be taken for a number.
    fn names(&self, row: &Record) -> Vec<String> {
        let text = |at: Option<usize>| {
            let text = at.map(|at| row.cell(at).text().trim().to_owned());
            text.filter(|text| !text.is_empty())
        };
        let (id, number) = (text(self.id), text(self.number));
        let spelled = id.clone().filter(|id| id.contains('_'));
        let mut names: Vec<String> = (number.or(id).into_iter())
            .chain(spelled)
            .chain(text(self.url))
            .collect();
        names.dedup();
        names
    }
}

/// Puts the references into records.
#[derive(Debug)]
struct Rewriting {
    references: References,
    columns: Columns,
}

impl Refer for Rewriting {
    fn rewrite(&self, rows: &[Record], as_of: Option<&str>) -> Option<Vec<Record>> {
        let mut is_changed = false;
        let mut rewritten = Vec::with_capacity(rows.len());
        for row in rows {
            let mut row = row.clone();
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
