//! JSON lines: whole common tickets, or objects by heading.

use std::io::{BufWriter, Write};

use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use super::target::Target;
use super::{Options, Sink, Written, unwritable};
use crate::error::{Error, Result};
use crate::export::columns::{Cell, Plan};
use crate::systems::common::CommonTicket;

pub(super) struct JsonLines {
    out: BufWriter<NamedTempFile>,
    target: Target,
    plan: Option<Plan>,
    comments: bool,
    tickets: u64,
}

impl JsonLines {
    pub(super) fn start(options: Options) -> Result<Self> {
        if options.partition.is_some() {
            return Err(
                Error::usage("JSON lines are one file: `--partition-by` is for tables")
                    .hint("write a .csv or .xlsx, or leave `--partition-by` out"),
            );
        }
        let target = Target {
            path: options.path,
            foreign: None,
            wait: options.wait,
        };
        Ok(Self {
            out: BufWriter::new(target.temporary()?),
            target,
            plan: options.plan,
            comments: options.comments,
            tickets: 0,
        })
    }
}

/// A ticket as one line.
pub(super) fn line(
    out: &mut impl Write,
    ticket: &CommonTicket,
    plan: Option<&mut Plan>,
    comments: bool,
) -> Result<()> {
    let written = match plan {
        None => serde_json::to_writer(&mut *out, ticket),
        Some(plan) => serde_json::to_writer(&mut *out, &object(ticket, plan, comments)?),
    };
    written.map_err(|error| unwritable(std::io::Error::from(error)))?;
    out.write_all(b"\n").map_err(unwritable)
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
    fn ticket(&mut self, ticket: &CommonTicket) -> Result<()> {
        self.tickets += 1;
        line(&mut self.out, ticket, self.plan.as_mut(), self.comments)
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let file = self
            .out
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error);
        let mut notes = Vec::new();
        let path = self
            .target
            .place(file.map_err(unwritable)?.into_temp_path(), &mut notes)?;
        Ok(Written {
            files: vec![path],
            tickets: self.tickets,
            notes,
            ..Written::default()
        })
    }
}
