//! Columns that the input does not have: made of other columns by the steps of a field, and then read like any other.

use super::apply::{Row, Steps, taken};
use super::bind::BoundPlan;
use super::columns::{Got, Reader};
use super::plan::{Compiler, FieldPlan};
use super::script::Scripts;
use super::shape::{FieldRule, Version};
use crate::error::Fault;
use crate::event::Fallback;
use crate::record::{Record, fold};

/// What makes the columns of a plan.
#[derive(Clone, Copy)]
pub(super) struct Computing<'p> {
    pub(super) columns: &'p [FieldPlan],
    pub(super) scripts: &'p Scripts,
    pub(super) steps: Steps<'p>,
}

impl Computing<'_> {
    /// The value of a column in a row.
    ///
    /// # Errors
    /// When a cell that it is made of cannot be read, or a step cannot make it.
    pub(super) fn column<'r>(
        &self,
        number: usize,
        reader: &Reader<'_>,
        record: &'r Record,
    ) -> Result<Got<'r>, Box<Fault>> {
        let Some(column) = self.columns.get(number) else {
            return Ok(Got::Empty);
        };
        self.row(number, reader, record)
            .column(column)
            .map_err(|mut fault| {
                fault.message = format!("column `{}`: {}", column.rule.name.value, fault.message);
                fault
            })
    }

    fn row<'c, 'r>(
        &'c self,
        number: usize,
        reader: &Reader<'c>,
        record: &'r Record,
    ) -> Row<'c, 'r> {
        Row {
            reader: Reader {
                field: None,
                computing: Some(Computing {
                    columns: &self.columns[..number],
                    ..*self
                }),
                ..*reader
            },
            steps: self.steps,
            scripts: self.scripts,
            rows: std::slice::from_ref(record),
            faults: Vec::new(),
            fallbacks: Vec::new(),
        }
    }
}

impl BoundPlan {
    /// The words of these rows that the `map` or `lookup` of a column that is made does not have. Such a column is made wherever it is
    /// read, so that they are looked for once by themselves.
    pub(super) fn caught(&self, rows: &[Record]) -> Vec<Fallback> {
        let mut caught: Vec<Fallback> = Vec::new();
        let reader = self.row(rows).reader;
        let Some(computing) = reader.computing else {
            return caught;
        };
        let plan = self.plan();
        for (slot, read) in plan.slots.iter() {
            let Some(number) = read.computed else {
                continue;
            };
            let Some(column) = computing.columns.get(number) else {
                continue;
            };
            if column.rule.table.is_none() && column.rule.lookup.is_none() {
                continue;
            }
            let record = taken(&reader, rows, slot, plan.rules.take);
            let mut row = computing.row(number, &reader, record);
            // What cannot be made is told by what reads it.
            if row.column(column).is_ok() {
                caught.append(&mut row.fallbacks);
            }
        }
        caught
    }
}

impl Compiler<'_> {
    /// Compiles the columns that are made. Each may read those before it; what it reads of the input is returned, a list a
    /// column.
    pub(super) fn computed(&mut self) -> (Vec<FieldPlan>, Vec<Vec<usize>>) {
        let mut columns = Vec::new();
        let mut read: Vec<Vec<usize>> = Vec::new();
        let rules = self.rules;
        for rule in &rules.computed {
            let folded = fold(&rule.name.value);
            if self.slots.computed.contains(&folded) {
                let message = format!("column `{}` is made twice", rule.name.value);
                self.faults
                    .hint(rule.name.at, message, "leave one of the two out");
            }
            self.check_name(rule);
            let from = self.slots.touched.len();
            self.slots.is_optional = rule.optional;
            let column = FieldPlan {
                required: false,
                is_single: false,
                is_column: true,
                ..self.key_part(rule)
            };
            self.slots.is_optional = false;
            let touched = self.slots.touched.split_off(from);
            let mut cells = Vec::new();
            for slot in touched {
                match self.slots.computed(slot) {
                    Some(other) => cells.extend_from_slice(&read[other]),
                    None => cells.push(slot),
                }
            }
            columns.push(column);
            read.push(cells);
            self.slots.computed.push(folded);
        }
        (columns, read)
    }

    /// Tells a column that nothing could read under its name.
    fn check_name(&mut self, rule: &FieldRule) {
        let name = rule.name.value.as_str();
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_place = name.strip_prefix('#').is_some_and(is_number);
        let part = name
            .strip_suffix(']')
            .and_then(|name| name.rsplit_once('['));
        let is_repeated = part.is_some_and(|(_, part)| part == "*" || is_number(part));
        let is_ours = matches!(name, "_file" | "_sheet" | "_row");
        if rule.version >= Version::Two && (is_place || is_repeated || is_ours) {
            let message = format!("a column that is made cannot be called `{name}`");
            let hint = "give it another name: this one says which column of the file is meant";
            self.faults.hint(rule.name.at, message, hint);
        }
    }

    /// Marks what fields are made of as content of the row: of a column that is made, the cells that it is made of.
    pub(super) fn mark_content(&mut self, read: &[Vec<usize>]) {
        let touched = std::mem::take(&mut self.slots.touched);
        let cells = touched
            .iter()
            .flat_map(|slot| match self.slots.computed(*slot) {
                Some(number) => read[number].as_slice(),
                None => std::slice::from_ref(slot),
            });
        let cells: Vec<usize> = cells.copied().collect();
        self.slots.mark_content(cells);
    }
}
