//! JSON lines: whole common tickets, or objects by heading.

use std::fmt;
use std::io::{BufWriter, Write};

use serde_json::{Map, Value, json};

use super::target::Target;
use super::{Options, Sink, Written, unwritable};
use crate::error::{Error, Result};
use crate::export::columns::{Cell, Plan};
use crate::export::replica::Parts;
use crate::outfile::Draft;
use crate::systems::common::CommonTicket;

/// Writes JSON lines to a file, or to a stream as they come.
pub struct JsonLines {
    to: To,
    plan: Option<Plan>,
    comments: bool,
    tickets: u64,
}

enum To {
    File(Box<Draft>, Target),
    Stream(BufWriter<Box<dyn Write>>),
}

impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines")
            .field("tickets", &self.tickets)
            .finish_non_exhaustive()
    }
}

impl JsonLines {
    pub(super) fn start(options: Options) -> Result<Self> {
        if options.partition.is_some() {
            return Err(
                Error::usage("JSON lines are one file: `--partition-by` is for tables")
                    .hint("write a .csv or .xlsx, or leave `--partition-by` out"),
            );
        }
        let target = options.placing.plain(options.path);
        Ok(Self {
            to: To::File(Box::new(target.draft()?), target),
            plan: options.plan,
            comments: options.comments,
            tickets: 0,
        })
    }

    /// Into a stream.
    pub fn stream(to: Box<dyn Write>, plan: Option<Plan>, comments: bool) -> Self {
        Self {
            to: To::Stream(BufWriter::new(to)),
            plan,
            comments,
            tickets: 0,
        }
    }
}

/// A ticket as one line.
fn line(out: &mut dyn Write, ticket: &CommonTicket, object: Option<Value>) -> std::io::Result<()> {
    match object {
        None => serde_json::to_writer(&mut *out, ticket)?,
        Some(object) => serde_json::to_writer(&mut *out, &object)?,
    }
    out.write_all(b"\n")
}

fn object(ticket: &CommonTicket, plan: &mut Plan, comments: bool) -> Result<Value> {
    let mut cells = Vec::new();
    plan.cells(ticket, &mut cells)?;
    let mut object = Map::new();
    for (at, (cell, column)) in cells.iter().zip(plan.columns()).enumerate() {
        let value = match cell {
            Cell::Empty => Value::Null,
            Cell::Text(text) | Cell::Link { text, .. } => json!(text),
            Cell::Truth(truth) => json!(truth),
            Cell::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                json!(*number as i64)
            }
            Cell::Number(number) => json!(number),
            Cell::Formatted(shown) => json!(shown.text),
            Cell::Time(local) => {
                let mut text = String::new();
                plan.time_text(Some(at), *local, &mut text);
                Value::String(text)
            }
        };
        object.insert(column.heading.clone(), value);
    }
    if comments {
        object.insert("comments".to_owned(), json!(ticket.comments));
    }
    Ok(Value::Object(object))
}

impl Sink for JsonLines {
    fn parts(&self) -> Parts {
        match &self.plan {
            None => Parts::ALL,
            Some(plan) => plan.parts(self.comments),
        }
    }

    fn ticket(&mut self, ticket: &CommonTicket) -> Result<()> {
        self.tickets += 1;
        let object = match &mut self.plan {
            None => None,
            Some(plan) => Some(object(ticket, plan, self.comments)?),
        };
        match &mut self.to {
            To::File(out, _) => line(out.as_mut(), ticket, object).map_err(unwritable),
            To::Stream(out) => line(out, ticket, object).map_err(stream_failed),
        }
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let mut written = Written {
            tickets: self.tickets,
            plan: self.plan,
            ..Written::default()
        };
        match self.to {
            To::Stream(mut out) => out.flush().map_err(stream_failed)?,
            To::File(out, target) => {
                let whole = out.whole().map_err(unwritable)?;
                written.files.push(target.place(whole, &mut written.notes)?);
            }
        }
        Ok(written)
    }
}

fn stream_failed(error: std::io::Error) -> Error {
    Error::machine("cannot write to standard output").caused_by(error)
}
