//! Templates of columns: those of mappings, with names of the ticket in the place of an input's columns.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Value};

use super::fields::{Path, Raw, path};
use super::read::{check_custom, unknown};
use super::zone::Clocks;
use crate::directory::CustomField;
use crate::mapping::file::Faults;
use crate::mapping::item::Item;
use crate::mapping::script::{Context, Kind, Origin, Script, Scripts, Segment, Shape};
use crate::mapping::slots::Slots;
use crate::mapping::values::{Scope, environment, of_item, reason};
use crate::record::Cell as Written;
use crate::systems::common::CommonTicket;

/// All templates of a plan.
#[derive(Debug)]
pub(super) struct Templates {
    scripts: Scripts,
    slots: Slots,
    /// Where the name of each slot leads.
    paths: Vec<Path>,
}

impl Default for Templates {
    fn default() -> Self {
        Self {
            scripts: Scripts::new(environment()),
            slots: Slots::default(),
            paths: Vec::new(),
        }
    }
}

/// A compiled template.
#[derive(Debug)]
pub(super) struct Template(Script);

impl Templates {
    /// Compiles a template; `None` when it is none.
    pub(super) fn add(
        &mut self,
        text: &str,
        origin: Origin,
        faults: &mut Faults,
    ) -> Option<Template> {
        let script = self
            .scripts
            .template(text, origin, &mut self.slots, faults)?;
        if let Kind::Engine { context, .. } = &script.kind
            && (context.rows || context.whole_row)
        {
            let hint = "name what is wanted: `{{ title }}`, `{{ row['custom.Asset Tag'] }}`";
            let message =
                "a ticket has no rows, and `row` stands for no value by itself".to_owned();
            script.origin.fault(faults, message, Some(hint.to_owned()));
        }
        Some(Template(script))
    }

    /// Finds where the names lead, and tells those that lead nowhere.
    pub(super) fn bind(&mut self, custom: Option<&[CustomField]>, faults: &mut Faults) {
        for (_, slot) in self.slots.iter() {
            let found = path(&slot.name);
            match &found {
                Ok(Path::Custom(name)) => check_custom(name, custom, &slot.origin, faults),
                Ok(_) => {}
                Err(instead) => unknown(&slot.name, instead.clone(), &slot.origin, faults),
            }
            let nowhere = |_| Path::Own(slot.name.clone());
            self.paths.push(found.unwrap_or_else(nowhere));
        }
    }

    /// Where the names of all templates lead.
    pub(super) fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// Whether a template reads a part of a name too (`assignee.email` besides `assignee`).
    fn has_parts(&self, name: &str) -> bool {
        let is_part = |one: &str| {
            one.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        self.slots.iter().any(|(_, slot)| is_part(&slot.name))
    }

    fn value(&self, slot: usize, ticket: &CommonTicket, clocks: &mut Clocks) -> Value {
        let name = self.slots.name(slot);
        let whole = value_of(self.paths[slot].get(ticket), clocks);
        if !self.has_parts(name) {
            return whole;
        }
        let prefix = format!("{name}.");
        let parts = self.slots.iter().filter_map(|(at, slot)| {
            let part = slot.name.strip_prefix(&prefix)?;
            Some((
                Arc::from(part),
                value_of(self.paths[at].get(ticket), clocks),
            ))
        });
        let parts = parts.collect();
        Value::from_object(Thing { whole, parts })
    }

    fn shape(&self, shape: &Shape, ticket: &CommonTicket, clocks: &mut Clocks) -> Value {
        match shape {
            Shape::Slot(slot) => self.value(*slot, ticket, clocks),
            Shape::Members(members) => {
                let members = members
                    .iter()
                    .map(|(name, shape)| (Arc::clone(name), self.shape(shape, ticket, clocks)));
                Value::from_object(Scope(members.collect()))
            }
        }
    }

    fn scope(&self, context: &Context, ticket: &CommonTicket, clocks: &mut Clocks) -> Scope {
        let mut names: Vec<(Arc<str>, Value)> = Vec::with_capacity(context.names.len() + 1);
        for (name, shape) in &context.names {
            names.push((Arc::clone(name), self.shape(shape, ticket, clocks)));
        }
        if !context.row.is_empty() {
            let row = context.row.iter().map(|(name, slot)| {
                (
                    Arc::clone(name),
                    value_of(self.paths[*slot].get(ticket), clocks),
                )
            });
            names.push((Arc::from("row"), Value::from_object(Scope(row.collect()))));
        }
        Scope(names)
    }
}

impl Template {
    /// The text of a ticket.
    ///
    /// # Errors
    /// Why it cannot be followed.
    pub(super) fn render(
        &self,
        templates: &Templates,
        ticket: &CommonTicket,
        clocks: &mut Clocks,
    ) -> Result<String, String> {
        match &self.0.kind {
            Kind::Segments(segments) => {
                let mut text = String::new();
                for segment in segments {
                    match segment {
                        Segment::Raw(raw) => text.push_str(raw),
                        Segment::Column(slot) => {
                            push(templates.paths[*slot].get(ticket), clocks, &mut text)
                        }
                    }
                }
                Ok(text)
            }
            Kind::Engine { name, context } => {
                let scope = templates.scope(context, ticket, clocks);
                let template = templates.scripts.environment.get_template(name);
                let rendered =
                    template.and_then(|template| template.render(Value::from_object(scope)));
                rendered.map_err(|error| reason(&error))
            }
        }
    }
}

fn push(raw: Raw<'_>, clocks: &mut Clocks, text: &mut String) {
    match raw {
        Raw::Empty => {}
        Raw::Text(value) => text.push_str(value.trim()),
        Raw::Number(number) => text.push_str(&Written::Number(number).text()),
        Raw::Truth(truth) => text.push_str(if truth { "true" } else { "false" }),
        Raw::Time(at) => text.push_str(&Written::DateTime(clocks.local(at).civil()).text()),
    }
}

fn value_of(raw: Raw<'_>, clocks: &mut Clocks) -> Value {
    of_item(match raw {
        Raw::Empty => None,
        Raw::Text(text) => Some(Item::Text(text)),
        Raw::Number(number) => Some(Item::Number(number)),
        Raw::Truth(truth) => Some(Item::Bool(truth)),
        Raw::Time(at) => Some(Item::DateTime(clocks.local(at).civil())),
    })
}

/// Somebody or something: by itself its name, with its parts as members.
#[derive(Debug)]
struct Thing {
    whole: Value,
    parts: Vec<(Arc<str>, Value)>,
}

impl Object for Thing {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        let found = self.parts.iter().find(|(name, _)| &**name == key);
        found.map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(
            self.parts
                .iter()
                .map(|(name, _)| Value::from(&**name))
                .collect(),
        )
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.whole)
    }
}
