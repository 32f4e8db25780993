//! Rejected records as JSON lines or as a JSON document.

use std::io::Write;

use serde_json::{Map, Number, Value};

use super::{Rejected, kept_columns, unwritable};
use crate::error::Result;
use crate::outfile::Draft;
use crate::record::Cell;
use crate::source::own::second;
use crate::source::{Layout, MOST_RECORD, MOST_SAID, Table};

/// Objects nested as they were.
pub(super) struct JsonFile {
    out: Draft,
    columns: Vec<(usize, String)>,
    added: Vec<String>,
    /// `Some` for a document: whether its array is a member of an object.
    document: Option<bool>,
    first: bool,
}

impl JsonFile {
    /// `document`: `None` for lines, else the member that holds the records.
    pub(super) fn start(
        table: &Table,
        added: &[&str],
        document: Option<Option<&str>>,
        mut out: Draft,
    ) -> Result<Self> {
        // Whatever encoding the mapping names: a mark wins over that.
        if let Layout::JsonLines { is_utf8: false } | Layout::JsonDocument { is_utf8: false, .. } =
            table.layout
        {
            out.write_all("\u{feff}".as_bytes()).map_err(unwritable)?;
        }
        match document {
            None => {}
            Some(None) => out.write_all(b"[\n").map_err(unwritable)?,
            Some(Some(member)) => {
                writeln!(out, "{{{}: [", Value::from(member)).map_err(unwritable)?;
            }
        }
        let written = table.header.written();
        let columns = kept_columns(table);
        let mut columns: Vec<(usize, String)> = columns
            .into_iter()
            .map(|column| (column, written[column].clone()))
            .collect();
        // A value must be there before what lies under its name: then that takes its whole path for a name.
        columns.sort_by_key(|(_, path)| path.matches('.').count());
        // No object has a member twice, and that of the input is its own: `_key`, or what lies in it.
        let has = |name: &str| {
            let is_it = |path: &str| path == name || path.starts_with(&format!("{name}."));
            columns.iter().any(|(_, path)| is_it(path))
        };
        let named = |name: &&str| match has(name) {
            true => second(name),
            false => (*name).to_owned(),
        };
        Ok(Self {
            out,
            added: added.iter().map(named).collect(),
            columns,
            document: document.map(|member| member.is_some()),
            first: true,
        })
    }

    /// `false` where the record would be longer than one may be that is read.
    pub(super) fn row(&mut self, row: &Rejected<'_>) -> Result<bool> {
        let mut text = Vec::new();
        // So that each of the file has all members; of a record that leaves no room for them others do.
        for has_empty in [true, false] {
            text.clear();
            let object = self.object(row, has_empty);
            serde_json::to_writer(&mut text, &Value::Object(object)).map_err(unwritable)?;
            if text.len() <= MOST_RECORD + MOST_SAID {
                return self.put(&text).map(|()| true);
            }
        }
        Ok(false)
    }

    fn object(&self, row: &Rejected<'_>, has_empty: bool) -> Map<String, Value> {
        let mut object = Map::new();
        // Filled cells first: an empty one must not block the path of what lies under its name.
        for empty in [false, true].into_iter().take(1 + usize::from(has_empty)) {
            for (column, path) in &self.columns {
                let cell = row.record.cell(*column);
                if matches!(cell, Cell::Empty) == empty {
                    put(&mut object, path, value(cell));
                }
            }
        }
        for (name, text) in self.added.iter().zip(&row.extra) {
            object.insert(name.clone(), Value::from(text.as_str()));
        }
        object
    }

    fn put(&mut self, text: &[u8]) -> Result<()> {
        let between: &[u8] = match (self.document, self.first) {
            (Some(_), false) => b",\n",
            (None, false) => b"\n",
            _ => b"",
        };
        self.first = false;
        self.out.write_all(between).map_err(unwritable)?;
        self.out.write_all(text).map_err(unwritable)
    }

    pub(super) fn finish(mut self) -> Result<Draft> {
        let end: &[u8] = match self.document {
            None => b"\n",
            Some(false) => b"\n]\n",
            Some(true) => b"\n]}\n",
        };
        self.out.write_all(end).map_err(unwritable)?;
        Ok(self.out)
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Integer(number) => Value::from(*number),
        Cell::Number(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Cell::Bool(value) => Value::from(*value),
        Cell::Json(value) => Value::clone(value),
        cell => Value::from(cell.text()),
    }
}

/// Puts a value where its path says. Where the path is blocked by a value, the whole path becomes the name of
/// a member, which reads the same.
fn put(object: &mut Map<String, Value>, path: &str, value: Value) {
    if !nest(object, path, &value) {
        object.insert(path.to_owned(), value);
    }
}

fn nest(object: &mut Map<String, Value>, path: &str, value: &Value) -> bool {
    match path.split_once('.') {
        None => {
            // An object stands there when a member lies deeper: an empty cell has nothing to add to it.
            if object.contains_key(path) {
                return value.is_null();
            }
            object.insert(path.to_owned(), value.clone());
            true
        }
        Some((name, rest)) => match object.get_mut(name) {
            Some(Value::Object(inner)) if !inner.is_empty() => nest(inner, rest, value),
            Some(_) => false,
            None => {
                let mut inner = Map::new();
                let nested = nest(&mut inner, rest, value);
                object.insert(name.to_owned(), Value::Object(inner));
                nested
            }
        },
    }
}
