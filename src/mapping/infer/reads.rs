//! The columns that a mapping reads, without a system and without a directory.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::Mapping;
use super::super::each::EachRule;
use super::super::file::{At, Faults};
use super::super::script::{Origin as Place, Scripts};
use super::super::shape::{FieldRule, Origin};
use super::super::slots::{ItemIs, Slots};
use super::super::values::environment;
use crate::record::{ColumnRef, fold};
use crate::source::Table;

/// The columns, by their names in the mapping.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// Those that the input must have.
    pub(super) needed: Vec<String>,
    /// All of them.
    pub(super) all: Vec<String>,
}

impl Reads {
    /// What a mapping reads.
    pub(super) fn of(mapping: &Mapping) -> Self {
        let mut reader = Reader {
            slots: Slots::default(),
            scripts: Scripts::new(environment()),
            faults: Faults::new(Arc::clone(&mapping.source)),
        };
        for rule in &mapping.input.computed {
            reader.rule(rule);
            reader.slots.computed.push(fold(&rule.name.value));
        }
        for rule in mapping.key.iter().flatten().chain(&mapping.fields) {
            reader.rule(rule);
        }
        for then in &mapping.thens {
            match &then.each {
                Some(EachRule::Cell(rule)) => reader.rule(rule),
                Some(EachRule::Rows(rows)) => reader.rule(&rows.on),
                Some(EachRule::Group(_)) | None => {}
            }
            reader.slots.item_is = then.item_is;
            then.fields.iter().for_each(|rule| reader.rule(rule));
            then.when.iter().for_each(|when| reader.condition(when));
            reader.slots.item_is = ItemIs::Column;
        }
        let input = &mapping.input;
        let conditions = input.where_.iter().chain(&input.where_group);
        conditions.for_each(|condition| reader.condition(condition));
        for column in input.group_by.iter().chain(&input.order_by) {
            reader.column(column);
        }
        let slots = reader.slots;
        let mut reads = Self::default();
        let own = |number: usize| slots.item(number).is_none() && slots.computed(number).is_none();
        for (_, slot) in slots.iter().filter(|(number, _)| own(*number)) {
            reads.all.push(slot.name.clone());
            if slot.is_needed {
                reads.needed.push(slot.name.clone());
            }
        }
        // A type for a column that nothing reads is a fault where there is no such column.
        let typed = input.columns.iter().map(|(column, _)| &column.value);
        for column in typed.filter(|column| slots.find(column).is_none()) {
            reads.all.push(column.clone());
            reads.needed.push(column.clone());
        }
        for list in [&mut reads.needed, &mut reads.all] {
            list.sort_unstable();
            list.dedup();
        }
        reads
    }

    /// The positions of the columns that it finds in a table.
    pub(super) fn positions(&self, table: &Table) -> BTreeSet<usize> {
        let found = self.all.iter().filter_map(|name| table.header.find(name));
        let positions = found.flat_map(|column| match column {
            ColumnRef::One(at) => vec![at],
            ColumnRef::All(all) => all,
            ColumnRef::File | ColumnRef::Sheet | ColumnRef::Row => Vec::new(),
        });
        positions.collect()
    }
}

struct Reader {
    slots: Slots,
    scripts: Scripts,
    faults: Faults,
}

impl Reader {
    fn rule(&mut self, rule: &FieldRule) {
        self.slots.is_optional = rule.optional;
        match &rule.origin {
            Origin::Columns { columns, .. } | Origin::First(columns) => {
                columns.iter().for_each(|column| self.column(column));
            }
            Origin::Template(template) => {
                let place = Place::Mapping(template.at);
                self.scripts
                    .template(&template.value, place, &mut self.slots, &mut self.faults);
            }
            Origin::Value(_) => {}
        }
        self.slots.is_optional = false;
    }

    fn column(&mut self, column: &At<String>) {
        self.slots.slot(&column.value, &Place::Mapping(column.at));
    }

    fn condition(&mut self, condition: &At<String>) {
        let place = Place::Mapping(condition.at);
        self.scripts
            .condition(&condition.value, place, &mut self.slots, &mut self.faults);
    }
}
