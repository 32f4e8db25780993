//! The plan: a mapping checked against a system and its directory, everything that can be made ready made ready.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Mapping;
use super::attach::AttachPlan;
use super::bind::BoundPlan;
use super::compile::compile_field;
use super::file::{At, Faults, Source};
use super::marker::Marks;
use super::resolve::{Hints, Resolver};
use super::script::{Origin as Place, Script, Scripts};
use super::shape::{FieldRule, InputRules, Take, Unmapped, Version};
use super::slots::{ItemIs, Slots};
use super::target::{Want, Wanted};
use super::text::Markup;
use super::then::ThenPlan;
use super::types::check_declared;
use super::values::environment_of;
use crate::directory::{Directory, Kind};
use crate::error::{Error, Result};
use crate::source::Table;
use crate::systems::attach::ATTACH;
use crate::systems::fields::{FieldTable, Setting, Target};
use crate::systems::{CREATE, Operation, Schema, call_of, tie_step};

/// What a plan takes from the command line and the profile.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// A further condition (`--where`); both must hold.
    pub where_: Option<String>,
    /// The profile's time zone, for times without one where the mapping names none.
    pub zone: Option<TimeZone>,
    /// Whether a profile that is not known here may have one.
    pub may_have_zone: bool,
}

/// A mapping compiled against a system and its directory.
#[derive(Debug)]
pub struct Plan {
    pub(super) source: Arc<Source>,
    pub(super) scope: String,
    pub(super) operation: Operation,
    pub(super) marks: Marks,
    /// Which ticket a row is about, where it makes none.
    pub(super) target: Option<TargetPlan>,
    pub(super) target_scope: Option<String>,
    pub(super) thens: Vec<ThenPlan>,
    pub(super) notify: bool,
    /// What becomes of the files of rows.
    pub(super) attach: AttachPlan,
    /// Whether older comments become one note.
    pub(super) folds: bool,
    pub(super) rules: Arc<InputRules>,
    pub(super) zone: Option<TimeZone>,
    pub(super) schema: Arc<dyn Schema>,
    pub(super) directory: Arc<Directory>,
    pub(super) hints: Hints,
    pub(super) slots: Slots,
    pub(super) scripts: Scripts,
    pub(super) fields: Vec<FieldPlan>,
    /// What holds the items of a row, each of which is a record.
    pub(super) each: Option<FieldPlan>,
    /// The columns that the input does not have.
    pub(super) computed: Vec<FieldPlan>,
    /// The rules that have a lookup, in the order of their numbers.
    pub(super) lookups: Vec<Arc<FieldRule>>,
    pub(super) unmapped: Unmapped,
    /// The columns that stay behind on purpose.
    pub(super) drop: Vec<At<String>>,
    /// The fields in the order in which they are made: what `within` needs comes first.
    pub(super) order: Vec<usize>,
    pub(super) key: Option<Vec<FieldPlan>>,
    pub(super) conditions: Vec<Script>,
    pub(super) group_condition: Option<Script>,
    pub(super) group_by: Vec<usize>,
    pub(super) order_by: Option<usize>,
    /// Of an upsert, what an update fills for each of the fields; `None` for one that only a create sets.
    pub(super) later: Vec<Option<Target>>,
    /// The same for the description when no field of the mapping makes it.
    pub(super) bare_later: Option<Target>,
    /// The description when no field of the mapping makes it.
    pub(super) bare_description: Option<Target>,
    steps: Vec<Cow<'static, str>>,
}

/// Where the value of a compiled field comes from.
#[derive(Debug)]
pub(super) enum Feed {
    Columns { slots: Vec<usize>, join: String },
    First(Vec<usize>),
    Script(Script),
    Constant(serde_json::Value),
}

/// What names the ticket that a row is about.
#[derive(Debug)]
pub(super) struct TargetPlan {
    pub(super) parts: Vec<FieldPlan>,
    /// By the key of the row that made it.
    pub(super) by_key: bool,
}

/// One compiled field, or one part of the key.
#[derive(Debug)]
pub(super) struct FieldPlan {
    pub(super) rule: Arc<FieldRule>,
    pub(super) source: Feed,
    /// The columns, for faults.
    pub(super) label: Option<String>,
    /// `None` for a part of the key.
    pub(super) target: Option<Target>,
    pub(super) wanted: Wanted,
    pub(super) resolver: Option<Resolver>,
    /// The number of its lookup among those of the plan.
    pub(super) lookup: Option<usize>,
    pub(super) required: bool,
    pub(super) is_description: bool,
    pub(super) take: Take,
    /// Whether no step can make several values of one.
    pub(super) is_single: bool,
    /// Whether it is a column that is made.
    pub(super) is_column: bool,
    /// The value itself, for a constant that needs no row.
    pub(super) constant: Option<serde_json::Value>,
}

impl FieldPlan {
    /// The field as the mapping calls it; `None` for a part of the key.
    pub(super) fn name(&self) -> Option<&str> {
        self.target.as_ref().map(|_| self.rule.name.value.as_str())
    }

    /// What of its text is not cut in two.
    pub(super) fn markup(&self) -> Markup {
        match (self.is_html(), self.rule.version) {
            (true, _) => Markup::Whole,
            (false, Version::One) => Markup::None,
            (false, Version::Two) => Markup::Whole,
        }
    }

    /// Whether its text is HTML.
    pub(super) fn is_html(&self) -> bool {
        use super::shape::Html;
        matches!(self.rule.text.html, Some(Html::Keep | Html::FromText))
    }
}

/// What compiling needs and fills.
pub(super) struct Compiler<'m> {
    pub(super) schema: &'m dyn Schema,
    pub(super) table: &'m FieldTable,
    pub(super) directory: &'m Directory,
    pub(super) rules: &'m InputRules,
    pub(super) zone: Option<&'m TimeZone>,
    pub(super) may_have_zone: bool,
    pub(super) slots: Slots,
    pub(super) scripts: Scripts,
    pub(super) lookups: Vec<Arc<FieldRule>>,
    pub(super) faults: Faults,
}

impl Plan {
    /// What is done with each row.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The system, as far as it is known without a connection.
    pub fn schema(&self) -> &dyn Schema {
        self.schema.as_ref()
    }

    /// The zone of times that come without one.
    pub fn zone(&self) -> Option<&TimeZone> {
        self.zone.as_ref()
    }

    /// Compiles a mapping: every field, name, word and expression is checked against the system's fields and
    /// its directory.
    ///
    /// # Errors
    /// [`Error::mapping`] with all faults.
    pub fn compile(
        mapping: &Mapping,
        schema: Arc<dyn Schema>,
        directory: Arc<Directory>,
        options: &PlanOptions,
    ) -> Result<Self> {
        if schema.system() != mapping.system {
            return Err(Error::usage(format!(
                "the mapping is for {}, the profile for {}",
                mapping.system,
                schema.system()
            ))
            .at(&mapping.source.file)
            .hint("choose the other mapping, or the other profile"));
        }
        let faults = Faults::new(Arc::clone(&mapping.source));
        let (plan, faults) = Self::draft(mapping, schema, directory, options, faults);
        match faults.is_empty() {
            true => Ok(plan),
            false => Err(Error::mapping(faults.into_list())),
        }
    }

    /// Compiles what is good of a mapping, and adds what is wrong to `faults`.
    pub(super) fn draft(
        mapping: &Mapping,
        schema: Arc<dyn Schema>,
        directory: Arc<Directory>,
        options: &PlanOptions,
        mut faults: Faults,
    ) -> (Self, Faults) {
        let zone = mapping
            .input
            .timezone
            .clone()
            .or_else(|| options.zone.clone());
        let mut compiler = Compiler {
            schema: schema.as_ref(),
            table: own_table(schema.as_ref(), mapping, &mut faults),
            directory: &directory,
            rules: &mapping.input,
            zone: zone.as_ref(),
            may_have_zone: options.may_have_zone,
            slots: Slots::default(),
            scripts: Scripts::new(environment_of(mapping.input.version)),
            lookups: Vec::new(),
            faults,
        };
        let item_is = match &mapping.each {
            Some(_) => ItemIs::Ticket,
            None => ItemIs::Column,
        };
        compiler.slots.item_is = item_is;
        let (computed, read) = compiler.computed();
        compiler.slots.item_is = ItemIs::Column;
        let each = mapping.each.as_ref().map(|rule| compiler.each(rule));
        compiler.slots.item_is = item_is;
        compiler.slots.touched.clear();
        let mut fields: Vec<FieldPlan> = mapping
            .fields
            .iter()
            .filter_map(|rule| compile_field(&mut compiler, rule))
            .collect();
        let target = mapping.target.as_ref().map(|target| TargetPlan {
            parts: target
                .parts
                .iter()
                .map(|part| compiler.key_part(part))
                .collect(),
            by_key: target.by_key,
        });
        let thens = compiler.thens(&mapping.thens);
        compiler.mark_content(&read);
        let named: Vec<&str> = mapping
            .fields
            .iter()
            .map(|rule| rule.name.value.as_str())
            .collect();
        let order = compiler.order(&mut fields, &named);
        compiler.check_places(&fields);
        if schema.fields(mapping.operation).is_ok() {
            compiler.check_required(&mapping.fields, mapping.fields_at, mapping.operation);
        }
        compiler.check_clear(mapping);
        compiler.check_ties(mapping);
        let marks = compiler.marks(mapping, &fields);
        let bare_description = compiler.bare_description(mapping, &fields);
        let from = compiler.slots.touched.len();
        let key: Option<Vec<FieldPlan>> = mapping
            .key
            .as_ref()
            .map(|parts| parts.iter().map(|part| compiler.key_part(part)).collect());
        compiler.check_key(mapping, key.as_deref());
        compiler.check_items(mapping, &read, from);
        let conditions = compiler.conditions(options);
        let group_condition = mapping.input.where_group.as_ref().and_then(|condition| {
            let place = Place::Mapping(condition.at);
            compiler.condition(&condition.value, place)
        });
        let group_by = compiler.columns(&mapping.input.group_by);
        compiler.check_groups(mapping, &read, &group_by);
        let order_by = mapping.input.order_by.as_ref();
        let order_by = order_by.map(|column| compiler.column(column));
        let attach = AttachPlan::new(&mapping.attachments, schema.as_ref(), &mut compiler.faults);
        let steps = steps(compiler.table, mapping.operation, &fields, &thens, &attach);
        let update = schema.fields(Operation::Update).ok();
        let update = update.filter(|_| mapping.operation == Operation::Upsert);
        let later = update.map_or_else(Vec::new, |update| {
            let targets = fields.iter().map(|field| field.target.as_ref());
            targets.map(|target| later(target?, update)).collect()
        });
        let bare_later = update
            .zip(bare_description.as_ref())
            .and_then(|(update, target)| self::later(target, update));
        let Compiler {
            slots,
            scripts,
            lookups,
            mut faults,
            ..
        } = compiler;
        let plan = Self {
            source: Arc::clone(&mapping.source),
            scope: mapping.scope.clone(),
            operation: mapping.operation,
            marks,
            target,
            target_scope: mapping.target_scope().map(str::to_owned),
            thens,
            attach,
            folds: mapping.comments.folds,
            notify: mapping.notify,
            rules: Arc::clone(&mapping.input),
            zone,
            hints: Hints::default(),
            slots,
            scripts,
            fields,
            each,
            computed,
            lookups,
            unmapped: mapping.unmapped,
            drop: mapping.drop.clone(),
            order,
            later,
            bare_later,
            key,
            conditions,
            group_condition,
            group_by,
            order_by,
            bare_description,
            steps,
            schema,
            directory,
        };
        check_declared(&plan, &mut faults);
        (plan, faults)
    }

    /// Finds the plan's columns in the tables of an input, and checks what is compared with what now that the
    /// types are known.
    ///
    /// # Errors
    /// [`Error::mapping`] with all columns that no table has and all comparisons that cannot be right.
    pub fn bind(self: &Arc<Self>, tables: &[Table]) -> Result<BoundPlan> {
        BoundPlan::new(Arc::clone(self), tables)
    }

    /// Whether rows bring files that are read here.
    pub fn brings_files(&self) -> bool {
        self.attach.reads_files() && self.steps.iter().any(|step| call_of(step) == ATTACH)
    }

    /// The steps that a row can take, the operation's own first: at most so many requests does a row cost. A
    /// row whose fields for a further step are empty does without it.
    pub fn steps(&self) -> &[Cow<'static, str>] {
        &self.steps
    }

    /// What listings call the custom field that bears the reference; `None` where the description does, or nothing.
    pub fn marker_field(&self) -> Option<&str> {
        match &self.marks {
            Marks::Field(field) => Some(self.schema.custom_key(field)),
            Marks::Description | Marks::Nothing => None,
        }
    }

    /// The kinds of things that its fields name.
    pub fn resolved_kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        let resolvers = self
            .fields
            .iter()
            .filter_map(|field| field.resolver.as_ref());
        resolvers.map(|resolver| resolver.kind)
    }

    /// For what reasons the system may still refuse a row that is good by all that a client can know.
    pub fn unforeseen(&self) -> Vec<&'static str> {
        let steps: Vec<&str> = self.steps.iter().map(|step| call_of(step)).collect();
        self.schema.unforeseen(&steps)
    }

    /// Whether a row whose ticket is there updates it.
    pub fn upserts(&self) -> bool {
        self.operation == Operation::Upsert
    }

    /// The fields of an upsert that are set when a ticket is made, and that an update leaves as they are.
    pub fn set_once(&self) -> Vec<&str> {
        let fields = self.fields.iter().zip(&self.later);
        fields
            .filter(|(_, later)| later.is_none())
            .filter_map(|(field, _)| field.name())
            .collect()
    }

    /// The most requests that a row costs.
    pub fn requests_per_row(&self) -> usize {
        self.steps.len()
    }
}

/// The fields of the mapping's operation; a system that does not have it says why.
fn own_table<'s>(schema: &'s dyn Schema, mapping: &Mapping, faults: &mut Faults) -> &'s FieldTable {
    schema.fields(mapping.operation).unwrap_or_else(|why| {
        let message = format!("`operation = \"{}\"`: {why}", mapping.operation);
        let hint = "choose another `operation`";
        faults.hint(mapping.operation_at, message, hint);
        schema.create()
    })
}

/// What an update fills for a field of the create, where it can.
fn later(target: &Target, update: &FieldTable) -> Option<Target> {
    let (target, setting) = match target {
        Target::Field(field) => {
            let field = update.get(field.name)?;
            (Target::Field(field.clone()), field.setting)
        }
        custom @ Target::Custom(_) => (custom.clone(), update.custom),
    };
    (!matches!(setting, Setting::Never(_))).then_some(target)
}

/// The names of the steps that the mapped fields need, and those of what follows.
fn steps(
    table: &FieldTable,
    operation: Operation,
    fields: &[FieldPlan],
    thens: &[ThenPlan],
    attach: &AttachPlan,
) -> Vec<Cow<'static, str>> {
    let own = match operation.makes() {
        true => CREATE,
        false => operation.as_str(),
    };
    let mut steps = vec![Cow::Borrowed(own)];
    steps.extend(further(table, fields).map(Cow::Borrowed));
    if fields.iter().any(|field| field.tie().is_some()) {
        steps.push(Cow::Owned(tie_step(Operation::Assign.as_str())));
    }
    for then in thens {
        match then.operation() {
            Operation::Attach => steps.extend(attach.calls().iter().map(|call| then.step(call))),
            other => steps.push(then.step(other.as_str())),
        }
    }
    let mut seen = HashSet::new();
    steps.retain(|step| seen.insert(step.clone()));
    steps
}

fn further<'f>(
    table: &'f FieldTable,
    fields: &'f [FieldPlan],
) -> impl Iterator<Item = &'static str> + 'f {
    let own = fields.iter().filter(|field| field.tie().is_none());
    own.filter_map(|field| {
        let setting = match field.target.as_ref()? {
            Target::Field(field) => field.setting,
            Target::Custom(_) => table.custom,
        };
        match setting {
            Setting::Step(name) => Some(name),
            Setting::Own | Setting::Never(_) => None,
        }
    })
}

impl Compiler<'_> {
    /// The number of a rule's lookup.
    pub(super) fn lookup(&mut self, rule: &Arc<FieldRule>) -> Option<usize> {
        rule.lookup.as_ref()?;
        self.lookups.push(Arc::clone(rule));
        Some(self.lookups.len() - 1)
    }

    /// The slot of a column of the mapping.
    pub(super) fn column(&mut self, column: &At<String>) -> usize {
        self.slots.slot(&column.value, &Place::Mapping(column.at))
    }

    /// The slots of several.
    pub(super) fn columns(&mut self, columns: &[At<String>]) -> Vec<usize> {
        columns.iter().map(|column| self.column(column)).collect()
    }

    pub(super) fn condition(&mut self, text: &str, place: Place) -> Option<Script> {
        self.scripts
            .condition(text, place, &mut self.slots, &mut self.faults)
    }

    fn conditions(&mut self, options: &PlanOptions) -> Vec<Script> {
        let rules = self.rules;
        let own = rules
            .where_
            .as_ref()
            .and_then(|condition| self.condition(&condition.value, Place::Mapping(condition.at)));
        let flag = options
            .where_
            .as_ref()
            .and_then(|text| self.condition(text, Place::Flag("--where")));
        own.into_iter().chain(flag).collect()
    }

    /// The order in which fields are made, and the positions that `within` means.
    pub(super) fn order(&mut self, fields: &mut [FieldPlan], named: &[&str]) -> Vec<usize> {
        let positions: HashMap<String, usize> = fields
            .iter()
            .enumerate()
            .map(|(position, field)| (field.rule.name.value.clone(), position))
            .collect();
        for field in fields.iter_mut() {
            let Some(within) = &field.rule.resolve.within else {
                continue;
            };
            match positions.get(&within.value) {
                Some(position) => {
                    if let Some(resolver) = &mut field.resolver {
                        resolver.within = Some((*position, within.value.clone()));
                    }
                }
                // The system does not know that field, which is told.
                None if named.contains(&within.value.as_str()) => {}
                None => {
                    let mut names: Vec<&str> = positions.keys().map(String::as_str).collect();
                    names.sort_unstable();
                    let message = format!(
                        "`within` names `{}`, which this mapping does not fill",
                        within.value
                    );
                    self.faults
                        .unknown(within.at, message, &within.value, &names);
                }
            }
        }
        let parent = |position: usize| {
            let resolver = fields[position].resolver.as_ref()?;
            resolver.within.as_ref().map(|(parent, _)| *parent)
        };
        let mut order: Vec<usize> = Vec::with_capacity(fields.len());
        for (start, field) in fields.iter().enumerate() {
            let mut chain = vec![start];
            while let Some(next) = parent(chain[chain.len() - 1]) {
                if chain.contains(&next) {
                    let at = field
                        .rule
                        .resolve
                        .within
                        .as_ref()
                        .map_or(0, |within| within.at);
                    self.faults.hint(
                        at,
                        "these fields are `within` each other",
                        "leave one `within` out: a room is within its building, not the other way",
                    );
                    break;
                }
                chain.push(next);
            }
            for position in chain.into_iter().rev() {
                if !order.contains(&position) {
                    order.push(position);
                }
            }
        }
        for field in fields.iter() {
            let Some(within) = &field.rule.resolve.within else {
                continue;
            };
            let Some(parent) = positions.get(&within.value).map(|at| &fields[*at]) else {
                continue;
            };
            let is_resolved =
                matches!(parent.wanted.want, Want::Id(_)) || parent.rule.resolve.kind.is_some();
            if !is_resolved && !parent.rule.is_faulty {
                let message = format!(
                    "`within` needs a field that is resolved, `{}` is none",
                    within.value
                );
                let hint = "name the field that holds it, such as `LocationId` for a room";
                self.faults.hint(within.at, message, hint);
            }
        }
        order
    }

    /// Tells two fields that write the same place.
    pub(super) fn check_places(&mut self, fields: &[FieldPlan]) {
        let mut seen: HashMap<String, &str> = HashMap::new();
        for field in fields {
            let place = match &field.target {
                Some(Target::Field(field)) => field.name.to_owned(),
                Some(Target::Custom(custom)) => format!("custom {}", custom.id),
                None => continue,
            };
            let name = field.rule.name.value.as_str();
            if let Some(first) = seen.insert(place, name) {
                let message = format!("`{name}` writes the same place as `{first}`");
                self.faults
                    .hint(field.rule.name.at, message, "leave one of the two out");
            }
        }
    }

    pub(super) fn check_required(
        &mut self,
        rules: &[Arc<FieldRule>],
        at: usize,
        operation: Operation,
    ) {
        let creates = operation.makes();
        if (creates && rules.is_empty()) || self.faults.has_broken_lines() {
            // Told already, or it may stand in what could not be read.
            return;
        }
        let named = |name: &str| rules.iter().any(|rule| rule.name.value == name);
        for field in self.table.fields.iter().filter(|field| field.required) {
            if named(field.name) {
                continue;
            }
            let hint = match &Wanted::field(&field.kind).want {
                Want::Id(kind) => format!(
                    "add `{} = {{ from = \"a column\", resolve = \"{kind}\" }}`",
                    field.name
                ),
                _ => format!("add `{} = {{ from = \"a column\" }}`", field.name),
            };
            let message = match creates {
                true => format!(
                    "`{}` is missing: {} makes no ticket without it",
                    field.name,
                    self.schema.system()
                ),
                false => format!("`{}` is missing: `{operation}` needs it", field.name),
            };
            self.faults.hint(at, message, hint);
        }
    }

    /// Whether any of these columns is the item of a row that makes several tickets, or is made of it.
    fn name_item(&self, slots: &[usize], read: &[Vec<usize>]) -> bool {
        let is_item = |slot: &usize| self.slots.ticket_item(*slot).is_some();
        slots.iter().any(|slot| match self.slots.computed(*slot) {
            Some(number) => read[number].iter().any(is_item),
            None => is_item(slot),
        })
    }

    /// Tells groups that would make one ticket of all items of a row.
    fn check_groups(&mut self, mapping: &Mapping, read: &[Vec<usize>], group_by: &[usize]) {
        let groups = &mapping.input.group_by;
        if let (Some(_), Some(first)) = (&mapping.each, groups.first())
            && !self.name_item(group_by, read)
        {
            let message = "`group_by` makes one record of all items of a row";
            let hint = "add `item`: `group_by = [\"Ticket #\", \"item\"]`";
            self.faults.hint(first.at, message, hint);
        }
    }

    /// Tells a key that is the same for all tickets of a row.
    fn check_items(&mut self, mapping: &Mapping, read: &[Vec<usize>], from: usize) {
        let Some(each) = &mapping.each else {
            return;
        };
        let Some(key) = &mapping.key else {
            let message = "`each` needs `key`: it tells the tickets of a row apart";
            let hint = "write for example `key = [\"Ticket #\", \"item\"]`";
            self.faults.hint(each.name.at, message, hint);
            return;
        };
        if !self.name_item(&self.slots.touched[from..], read) {
            let at = key.first().map_or(each.name.at, |part| part.name.at);
            let message = "`key` is the same for all tickets of a row";
            let hint = "add what tells them apart: `key = [\"Ticket #\", \"item\"]`";
            self.faults.hint(at, message, hint);
        }
    }

    /// Tells a key that is the same for all rows, which all but one of them would be refused for.
    fn check_key(&mut self, mapping: &Mapping, key: Option<&[FieldPlan]>) {
        let is_constant = |part: &FieldPlan| match &part.source {
            Feed::Script(script) => script.is_constant(),
            _ => false,
        };
        if let (Some(parts @ [_, ..]), Some([first, ..])) = (key, mapping.key.as_deref())
            && parts.iter().all(is_constant)
        {
            let hint =
                "name the column that tells one ticket from all others: `key = [\"Ticket #\"]`";
            let message = "`key` is the same for all rows: it names no column";
            self.faults.hint(first.name.at, message, hint);
        }
    }

    /// Tells `clear` where an empty cell empties nothing.
    fn check_clear(&mut self, mapping: &Mapping) {
        let own = mapping.fields.iter().map(|rule| (rule, mapping.operation));
        let thens = mapping.thens.iter().flat_map(|then| {
            let operation = then.operation.value;
            then.fields.iter().map(move |rule| (rule, operation))
        });
        for (rule, operation) in own.chain(thens) {
            if rule.clear && !matches!(operation, Operation::Update | Operation::Upsert) {
                let message = format!(
                    "`{}`: `clear` is for `operation = \"update\"` and `\"upsert\"`",
                    rule.name.value
                );
                self.faults.hint(rule.name.at, message, "leave it out");
            }
        }
    }
}
