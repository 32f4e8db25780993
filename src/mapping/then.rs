//! `[[then]]`: what follows on the ticket of a row, compiled, and made for each row.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::acting::ThenRule;
use super::apply::{Outcome, Row};
use super::bind::{BoundPlan, field_value, parent};
use super::columns::Got;
use super::compile::compile_field;
use super::each::{EachItem, EachRule, GroupRule, Items, sort};
use super::fold::{is_older, text_of};
use super::item::Item;
use super::marker::{Limits, marked, reserve};
use super::plan::{Compiler, FieldPlan};
use super::rank::trim;
use super::script::{Origin as Place, Script};
use super::slots::ItemIs;
use super::tied::leave_absent;
use crate::error::Fault;
use crate::event::Fallback;
use crate::record::{Record, RowKey};
use crate::systems::fields::{FieldValue, Target, called};
use crate::systems::{Operation, StepPayload};

/// A compiled entry of `[[then]]`.
#[derive(Debug)]
pub(super) struct ThenPlan {
    pub(super) rule: Arc<ThenRule>,
    pub(super) each: Option<FieldPlan>,
    /// The column by which the rows of the group are ordered for it.
    order_by: Option<usize>,
    pub(super) when: Option<Script>,
    pub(super) fields: Vec<FieldPlan>,
    /// The order in which the fields are made.
    order: Vec<usize>,
    /// The slots of what it reads of its items.
    pub(super) members: Vec<usize>,
}

impl ThenPlan {
    /// The name of one of its steps in the ledger: what tells two entries of one operation apart.
    pub(super) fn step(&self, call: &str) -> Cow<'static, str> {
        Cow::Owned(format!("then-{}/{call}", self.rule.number))
    }

    /// Whether it reads the input's own workbook.
    pub(super) fn needs_input(&self) -> bool {
        matches!(&self.rule.each, Some(EachRule::Rows(rows)) if rows.needs_input())
    }

    pub(super) fn operation(&self) -> Operation {
        self.rule.operation.value
    }
}

impl<'m> Compiler<'m> {
    /// Compiles all that follows.
    pub(super) fn thens(&mut self, rules: &'m [Arc<ThenRule>]) -> Vec<ThenPlan> {
        let own = self.table;
        let thens = rules.iter().filter_map(|rule| self.then(rule)).collect();
        self.table = own;
        thens
    }

    fn then(&mut self, rule: &Arc<ThenRule>) -> Option<ThenPlan> {
        let operation = &rule.operation;
        match self.schema.fields(operation.value) {
            Ok(table) => self.table = table,
            Err(why) => {
                let message = format!("`operation = \"{}\"`: {why}", operation.value);
                self.faults
                    .hint(operation.at, message, "leave this `[[then]]` out");
                return None;
            }
        }
        let each = match &rule.each {
            Some(EachRule::Cell(rule)) => Some(self.each(rule)),
            Some(EachRule::Rows(rows)) => Some(self.key_part(&rows.on)),
            Some(EachRule::Group(_)) | None => None,
        };
        let order_by = match &rule.each {
            Some(EachRule::Group(group)) => group.order_by.as_ref(),
            _ => None,
        };
        let order_by = order_by.map(|column| self.column(column));
        let outer = self.slots.item_is;
        if rule.item_is != ItemIs::Column {
            self.slots.item_is = rule.item_is;
        }
        let from = self.slots.touched.len();
        let mut fields: Vec<FieldPlan> = rule
            .fields
            .iter()
            .filter_map(|rule| compile_field(self, rule))
            .collect();
        let when = rule.when.as_ref().and_then(|condition| {
            let place = Place::Mapping(condition.at);
            self.condition(&condition.value, place)
        });
        self.slots.item_is = outer;
        let mut members = self.slots.touched[from..].to_vec();
        members.retain(|slot| self.slots.item(*slot).is_some());
        members.sort_unstable();
        members.dedup();
        let named: Vec<&str> = rule
            .fields
            .iter()
            .map(|rule| rule.name.value.as_str())
            .collect();
        let order = self.order(&mut fields, &named);
        self.check_places(&fields);
        if operation.value == Operation::Attach {
            // An empty cell is no file.
            for field in &mut fields {
                field.required = field.rule.check.required;
            }
        }
        self.check_required(&rule.fields, rule.at, operation.value);
        Some(ThenPlan {
            rule: Arc::clone(rule),
            each,
            order_by,
            when,
            fields,
            order,
            members,
        })
    }
}

/// The number of a `[[then]]`, that of the item within it, and its fields.
pub(super) type OfItem = (usize, u32, Vec<Outcome>);

/// What came of making what follows.
pub(super) enum Followed {
    /// The requests, in order.
    Steps(Vec<StepPayload>),
    /// A field said `skip_row`.
    Skip(String),
}

impl BoundPlan {
    /// Makes what follows on a row's ticket without the fields that name absent keys; what is wrong goes to `faults`. Where
    /// the description bears the reference, one that is set anew does too.
    pub(super) fn follow(
        &self,
        (rows, key): (&[Record], &RowKey),
        (absent, reference): (&[RowKey], Option<&str>),
        fallbacks: &mut Vec<Fallback>,
        faults: &mut Vec<Fault>,
    ) -> Followed {
        let mut steps = Vec::new();
        let mut names = HashSet::new();
        for (at, then) in self.plan().thens.iter().enumerate() {
            let items = match self.items(at, then, rows) {
                Ok(items) => items,
                Err(wrong) => {
                    faults.extend(wrong);
                    continue;
                }
            };
            let of = (rows, absent, reference);
            let from = steps.len();
            let folds = self.plan().folds && then.operation() == Operation::Comment;
            let mut older = Vec::new();
            for (ordinal, item) in items.into_iter().enumerate() {
                let made = match folds && is_older(item.as_ref()) {
                    true => {
                        let values = self.values(then, of, item.as_ref(), fallbacks);
                        values.map(|values| match values {
                            Values::Skip(why) => Followed::Skip(why),
                            Values::None => Followed::Steps(Vec::new()),
                            Values::Some(values) => {
                                older.extend(text_of(&values).map(str::to_owned));
                                Followed::Steps(Vec::new())
                            }
                        })
                    }
                    false => self.once(then, of, item.as_ref(), fallbacks),
                };
                match made {
                    Ok(Followed::Skip(why)) => return Followed::Skip(why),
                    Ok(Followed::Steps(made)) => {
                        steps.extend(made.into_iter().map(|step| StepPayload {
                            step: then.step(&step.step),
                            // More items than that no ticket has.
                            ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
                            body: step.body,
                        }));
                    }
                    // What is wrong with an item stands in its own row.
                    Err(wrong) => faults.extend(wrong.into_iter().map(|mut fault| {
                        let is_of_row = |column: &String| !is_item(column);
                        let place = item.as_ref().and_then(EachItem::place);
                        if let Some(place) =
                            place.filter(|_| !fault.column.as_ref().is_some_and(is_of_row))
                        {
                            fault.place = place.clone();
                        }
                        fault
                    })),
                }
            }
            if !older.is_empty() {
                match self.folded(&older) {
                    Ok(notes) => {
                        let notes = notes.into_iter().map(|step| StepPayload {
                            step: then.step(&step.step),
                            ..step
                        });
                        steps.splice(from..from, notes);
                    }
                    Err(problems) => faults.extend(problems.into_iter().map(|(name, why)| {
                        let field = then.step(&name).into_owned();
                        Fault::row(rows[0].place.clone(), why).field(field)
                    })),
                }
            }
            if then.operation() == Operation::Attach {
                let files = steps.split_off(from);
                match self.files_together(Some(then), files, key, &mut names, fallbacks) {
                    Ok(files) => steps.extend(files),
                    Err(problems) => faults.extend(problems.into_iter().map(|(name, why)| {
                        let field = then.step(&name).into_owned();
                        Fault::row(rows[0].place.clone(), why).field(field)
                    })),
                }
            }
        }
        Followed::Steps(steps)
    }

    /// The items for which a step is done; one without an item where it is done once.
    fn items(
        &self,
        at: usize,
        then: &ThenPlan,
        rows: &[Record],
    ) -> Result<Vec<Option<EachItem>>, Vec<Fault>> {
        if let Some(EachRule::Group(group)) = &then.rule.each {
            return self.members(then, group, rows);
        }
        let Some(each) = &then.each else {
            return Ok(vec![None]);
        };
        let mut row = self.row(rows);
        let items: Vec<EachItem> = match &then.rule.each {
            Some(EachRule::Rows(_)) => {
                let key = row.text_of(each);
                let table = self.items_of(at, rows[0].table);
                let items = key.zip(table).map(|(key, items)| items.of(&key).iter());
                let items = items.into_iter().flatten().cloned();
                items.map(EachItem::Row).collect()
            }
            _ => row.items(each).into_iter().map(EachItem::Json).collect(),
        };
        match row.faults.is_empty() {
            true => Ok(items.into_iter().map(Some).collect()),
            false => Err(row.faults),
        }
    }

    /// The rows of a group as items.
    fn members(
        &self,
        then: &ThenPlan,
        group: &GroupRule,
        rows: &[Record],
    ) -> Result<Vec<Option<EachItem>>, Vec<Fault>> {
        let item = |record: &Record| Some(EachItem::Record(Arc::new(record.clone())));
        let Some(slot) = then.order_by else {
            let rows = rows.iter().map(item);
            return Ok(match group.descending {
                true => rows.rev().collect(),
                false => rows.collect(),
            });
        };
        let row = self.row(rows);
        let (mut ranked, mut faults) = (Vec::with_capacity(rows.len()), Vec::new());
        for record in rows {
            match row.reader.get(slot, record) {
                Ok(Got::Empty | Got::LeftOut) => ranked.push((None, record)),
                Ok(Got::One(rank)) => ranked.push((Some(rank.into_owned()), record)),
                Ok(Got::Many(ranks)) => {
                    let first = ranks.into_iter().next().map(Item::into_owned);
                    ranked.push((first, record));
                }
                Err(fault) => faults.push(*fault),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let ranks = ranked.iter_mut().flat_map(|(rank, _)| rank);
        ranks.for_each(trim);
        sort(&mut ranked, group.descending);
        Ok(ranked.into_iter().map(|(_, record)| item(record)).collect())
    }

    fn items_of(&self, at: usize, table: usize) -> Option<&Arc<Items>> {
        self.items.get(at)?.get(table)
    }

    /// What the fields of each further step become, in order: which of `[[then]]`, and its fields; and what is wrong.
    pub(super) fn follow_fields(
        &self,
        rows: &[Record],
    ) -> (Vec<(usize, Vec<Outcome>)>, Vec<Fault>) {
        let (made, faults) = self.follow_items(rows);
        let made = made.into_iter().map(|(at, _, outcomes)| (at, outcomes));
        (made.collect(), faults)
    }

    /// The same with the place of the item among those of its `[[then]]`, which is the ordinal of its steps.
    pub(super) fn follow_items(&self, rows: &[Record]) -> (Vec<OfItem>, Vec<Fault>) {
        let (mut made, mut faults) = (Vec::new(), Vec::new());
        for (at, then) in self.plan().thens.iter().enumerate() {
            let items = match self.items(at, then, rows) {
                Ok(items) => items,
                Err(wrong) => {
                    faults.extend(wrong);
                    continue;
                }
            };
            for (ordinal, item) in (0..).zip(&items) {
                let mut row = self.row(rows);
                row.reader.item = item.as_ref();
                let is_done = then.when.as_ref().map(|when| self.holds_for(&row, when));
                match is_done {
                    Some(Ok(false)) => continue,
                    Some(Err(wrong)) => {
                        faults.extend(wrong);
                        continue;
                    }
                    None | Some(Ok(true)) => {}
                }
                let outcomes = outcomes(&mut row, &then.fields, &then.order, None);
                made.push((at, ordinal, outcomes));
                faults.extend(row.faults);
            }
        }
        (made, faults)
    }

    /// The values of one step; what is wrong with them bears the name of the step.
    fn values(
        &self,
        then: &ThenPlan,
        (rows, absent, reference): (&[Record], &[RowKey], Option<&str>),
        item: Option<&EachItem>,
        fallbacks: &mut Vec<Fallback>,
    ) -> Result<Values, Vec<Fault>> {
        let mut row = self.row(rows);
        row.reader.item = item;
        if let Some(when) = &then.when
            && !self.holds_for(&row, when)?
        {
            return Ok(Values::None);
        }
        let reference = reference.filter(|_| then.operation() == Operation::Update);
        let mut outcomes = outcomes(&mut row, &then.fields, &then.order, reference);
        leave_absent(&then.fields, &mut outcomes, absent);
        let Row {
            faults,
            fallbacks: took,
            ..
        } = row;
        let mut values = Vec::with_capacity(outcomes.len());
        let mut is_left_alone = false;
        for (field, outcome) in then.fields.iter().zip(outcomes) {
            is_left_alone |= matches!(outcome, Outcome::LeftAlone);
            match outcome {
                Outcome::SkipRow(why) => return Ok(Values::Skip(why)),
                outcome => values.extend(field_value(field, outcome).map(|value| FieldValue {
                    value: field.tied(value.value),
                    ..value
                })),
            }
        }
        if faults.is_empty() {
            for fallback in took {
                // Told once for a row, however many items it has.
                if !fallbacks.contains(&fallback) {
                    fallbacks.push(fallback);
                }
            }
            // A state that is left out is none to be set.
            if values.is_empty() && is_left_alone && then.operation() == Operation::SetStatus {
                return Ok(Values::None);
            }
            return Ok(match self.plan().directory.is_known() {
                true => Values::Some(values),
                // Names stand where ids would: nothing to send is made of them.
                false => Values::None,
            });
        }
        Err(of_step(then, faults))
    }

    fn once(
        &self,
        then: &ThenPlan,
        of: (&[Record], &[RowKey], Option<&str>),
        item: Option<&EachItem>,
        fallbacks: &mut Vec<Fallback>,
    ) -> Result<Followed, Vec<Fault>> {
        let rows = of.0;
        let values = match self.values(then, of, item, fallbacks)? {
            Values::Skip(why) => return Ok(Followed::Skip(why)),
            Values::None => return Ok(Followed::Steps(Vec::new())),
            Values::Some(values) => values,
        };
        if then.operation() == Operation::Attach {
            return match self.file_step(&values, rows) {
                Ok(steps) => Ok(Followed::Steps(steps)),
                Err(wrong) => {
                    let wrong = wrong.into_iter().map(|(name, why, hint)| {
                        let field = then
                            .fields
                            .iter()
                            .find(|it| it.name() == Some(name.as_str()));
                        Fault {
                            column: field.and_then(|field| field.label.clone()),
                            hint: hint.map(str::to_owned),
                            ..Fault::row(rows[0].place.clone(), why).field(name)
                        }
                    });
                    Err(of_step(then, wrong.collect()))
                }
            };
        }
        let schema = &self.plan().schema;
        match schema.compose(then.operation(), values, self.plan().notify) {
            Ok(steps) => Ok(Followed::Steps(steps)),
            Err(problems) => {
                let place = &rows[0].place;
                let faults = problems
                    .into_iter()
                    .map(|(name, why)| Fault::row(place.clone(), why).field(name));
                Err(of_step(then, faults.collect()))
            }
        }
    }
}

/// What the fields of one step become.
enum Values {
    /// A field said `skip_row`.
    Skip(String),
    /// There is nothing to do.
    None,
    /// These.
    Some(Vec<FieldValue>),
}

/// Faults of fields as those of a step.
fn of_step(then: &ThenPlan, mut faults: Vec<Fault>) -> Vec<Fault> {
    for fault in &mut faults {
        let field = fault.field.take().unwrap_or_default();
        fault.field = Some(then.step(&field).into_owned());
    }
    faults
}

/// Whether faults call a value of the item by this name, and no column of the row.
fn is_item(column: &str) -> bool {
    let rest = column.strip_prefix("item");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Makes fields; a description keeps the reference of its ticket.
fn outcomes(
    row: &mut Row<'_, '_>,
    fields: &[FieldPlan],
    order: &[usize],
    reference: Option<&str>,
) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    outcomes.resize_with(fields.len(), || Outcome::Empty);
    for &position in order {
        let field = &fields[position];
        let reference = reference.filter(|_| is_description(field));
        let (limits, html) = (Limits::of(field), field.is_html());
        let room = reference.map_or(0, |reference| reserve(reference, html, limits));
        let outcome = match parent(field, &outcomes) {
            // What it depends on is told already.
            None => Outcome::Faulty,
            Some(parent) => row.field(field, parent, room),
        };
        outcomes[position] = match (outcome, reference) {
            (Outcome::Value(Value::String(text)), Some(reference)) => {
                Outcome::Value(Value::String(marked(text, reference, html, limits)))
            }
            (outcome, _) => outcome,
        };
    }
    outcomes
}

fn is_description(field: &FieldPlan) -> bool {
    matches!(&field.target, Some(Target::Field(of)) if of.called == called::DESCRIPTION)
}
