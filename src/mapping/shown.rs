//! The fields of a record as people read them: names in place of ids, whole texts, and the cells that each was made of.

use serde_json::Value;

use super::apply::Outcome;
use super::bind::{BoundPlan, field_value};
use super::plan::{Feed, FieldPlan};
use super::script::{Kind, Script, Segment, Shape};
use super::tied::leave_absent;
use crate::error::Fault;
use crate::event::Fallback;
use crate::html;
use crate::record::{Record, RowKey};
use crate::source::{Layout, letters};
use crate::systems::fields::{Target, called};
use crate::systems::worded::words;

/// A field of a ticket that would be made, or of one that would be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownField {
    /// As the mapping calls it: `ForId`.
    pub field: String,
    /// As people call it: `Requester`.
    pub label: String,
    /// What it takes, by names.
    pub value: String,
    /// The filled cells that it was made of; none for what the mapping says itself.
    pub from: Vec<ShownCell>,
}

/// A field that records can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldHead {
    /// As the mapping calls it.
    pub field: String,
    /// As people call it.
    pub label: String,
    /// The columns that it is made of: their positions, and their headings.
    pub columns: Vec<(Option<usize>, String)>,
}

/// A cell of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCell {
    /// The heading of its column.
    pub column: String,
    /// Its position in the row, from 0; `None` for a column that the mapping makes.
    pub index: Option<usize>,
    /// The row.
    pub row: u64,
}

impl ShownCell {
    /// The cell as people find it: `C12 Building`, or the column alone where the file has no letters.
    pub fn named(&self, layout: &Layout) -> String {
        let is_table = matches!(layout, Layout::Csv { .. } | Layout::Workbook { .. });
        match self.index.filter(|_| is_table) {
            Some(index) => format!("{}{} {}", letters(index), self.row, self.column),
            None => self.column.clone(),
        }
    }
}

impl BoundPlan {
    /// The fields that are set on the ticket of a record, in the order of the mapping, those without a value left out.
    /// `updates`: the ticket is there, so that fields which only a create sets stay as they are. What the fallbacks say was left
    /// out, and tickets that are not made (`untied`), are not shown.
    pub fn shown(
        &self,
        rows: &[Record],
        key: &RowKey,
        updates: bool,
        fallbacks: &[Fallback],
        untied: &[Fault],
    ) -> Vec<ShownField> {
        let plan = self.plan();
        let (mut made, _) = self.made(rows, key);
        let absent = self.absent(fallbacks, untied);
        leave_absent(&plan.fields, &mut made.outcomes, &absent);
        let is_set = |at: usize| !updates || plan.later.get(at).is_none_or(Option::is_some);
        let fields = plan.fields.iter().zip(made.outcomes).enumerate();
        let fields = fields.filter(|(at, _)| is_set(*at));
        let shown =
            fields.filter_map(|(_, (field, outcome))| self.field_shown(field, outcome, rows));
        shown.collect()
    }

    /// The keys of tickets that a record names and that its own is not tied to.
    fn absent(&self, fallbacks: &[Fallback], untied: &[Fault]) -> Vec<RowKey> {
        let fields = self.plan().fields.iter();
        let ties: Vec<&str> = fields
            .filter(|field| field.tie().is_some())
            .map(|field| field.rule.name.value.as_str())
            .collect();
        let left_out = fallbacks.iter().filter_map(|fallback| {
            let is_left_out = fallback.took.is_none() && ties.contains(&fallback.field.as_str());
            fallback.word.as_ref().filter(|_| is_left_out)
        });
        let left_out = left_out.map(|word| word.text.as_str());
        let untied = untied.iter().filter_map(|fault| fault.value.as_deref());
        left_out.chain(untied).map(RowKey::new).collect()
    }

    /// The fields that a record of a table can have.
    pub fn field_heads(&self, table: usize) -> Vec<FieldHead> {
        let fields = self.plan().fields.iter();
        let heads = fields.filter_map(|field| {
            let slots = slots_of_feed(&field.source).into_iter();
            let columns = slots.flat_map(|slot| match self.plan().slots.is_computed(slot) {
                true => vec![(None, self.plan().slots.name(slot).to_owned())],
                false => {
                    let found = self.columns.positions(table, slot);
                    let found = found.map(|(index, name)| (Some(index), name.to_owned()));
                    found.collect()
                }
            });
            Some(FieldHead {
                field: field.name()?.to_owned(),
                label: label(field)?,
                columns: columns.collect(),
            })
        });
        heads.collect()
    }

    fn field_shown(
        &self,
        field: &FieldPlan,
        outcome: Outcome,
        rows: &[Record],
    ) -> Option<ShownField> {
        let value = field_value(field, outcome)?;
        let text = match field.tie() {
            // It names a ticket that may not be there yet.
            Some(_) => match &value.value {
                Value::String(key) => format!("the ticket of the row with the key `{key}`"),
                _ => String::new(),
            },
            None => words(&value, &self.plan().directory),
        };
        let text = match field.is_html() {
            true => html::to_text(&text),
            false => text,
        };
        Some(ShownField {
            field: field.name()?.to_owned(),
            label: label(field)?,
            value: text.trim().to_owned(),
            from: self.cells_of(&field.source, rows),
        })
    }

    /// The filled cells of the first row that has any.
    fn cells_of(&self, source: &Feed, rows: &[Record]) -> Vec<ShownCell> {
        let slots = slots_of_feed(source);
        let is_first = matches!(source, Feed::First(_));
        for record in rows {
            let mut cells: Vec<ShownCell> = Vec::new();
            for slot in &slots {
                if self.plan().slots.is_computed(*slot) {
                    cells.push(ShownCell {
                        column: self.plan().slots.name(*slot).to_owned(),
                        index: None,
                        row: record.place.row,
                    });
                    continue;
                }
                for (index, name) in self.columns.positions(record.table, *slot) {
                    let cell = ShownCell {
                        column: name.to_owned(),
                        index: Some(index),
                        row: record.place.row,
                    };
                    if !record.cell(index).is_empty() && !cells.contains(&cell) {
                        cells.push(cell);
                    }
                }
                if is_first && !cells.is_empty() {
                    break;
                }
            }
            if !cells.is_empty() {
                return cells;
            }
        }
        Vec::new()
    }
}

/// The columns that a field is made of.
fn slots_of_feed(source: &Feed) -> Vec<usize> {
    match source {
        Feed::Columns { slots, .. } | Feed::First(slots) => slots.clone(),
        Feed::Script(script) => slots_of(script),
        Feed::Constant(_) => Vec::new(),
    }
}

/// The columns that a script reads.
fn slots_of(script: &Script) -> Vec<usize> {
    fn add(shape: &Shape, slots: &mut Vec<usize>) {
        match shape {
            Shape::Slot(slot) => slots.push(*slot),
            Shape::Members(members) => members.iter().for_each(|(_, shape)| add(shape, slots)),
        }
    }
    let mut slots = Vec::new();
    match &script.kind {
        Kind::Segments(segments) => slots.extend(segments.iter().filter_map(|one| match one {
            Segment::Column(slot) => Some(*slot),
            Segment::Raw(_) => None,
        })),
        Kind::Engine { context, .. } => {
            let names = context.names.iter();
            names.for_each(|(_, shape)| add(shape, &mut slots));
            slots.extend(context.row.iter().map(|(_, slot)| *slot));
        }
    }
    slots
}

/// What people call a field.
fn label(field: &FieldPlan) -> Option<String> {
    let field = match field.target.as_ref()? {
        Target::Custom(custom) => return Some(custom.name.clone()),
        Target::Field(field) => field,
    };
    let known = [
        (called::REQUESTER, "Requester"),
        (called::TEAM, "Team"),
        (called::DUE, "Due"),
        (called::NUMBER, "Number"),
    ];
    if let Some((_, label)) = known.iter().find(|(called, _)| *called == field.called) {
        return Some((*label).to_owned());
    }
    let Some(name) = field.called.first() else {
        return Some(field.name.to_owned());
    };
    let mut letters = name.chars();
    let first = letters.next()?;
    Some(first.to_uppercase().chain(letters).collect())
}
