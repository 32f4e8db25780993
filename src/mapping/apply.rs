//! Sends the values of one row through the steps of one field.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::columns::{Got, Reader};
use super::item::Item;
use super::lookup::LookupTable;
use super::parse::Problem;
use super::plan::{Feed, FieldPlan};
use super::render;
use super::resolve::{Hints, Resolved};
use super::shape::{Instead, Take, Version};
use super::stages::{
    Caught, Passed, check, flatten, flatten_list, is_joined, is_null, loses_digits, lost_digits,
    shorten, skip_reason, table, to_text,
};
use crate::directory::Directory;
use crate::error::Fault;
use crate::event::{Fallback, UnfitBy};
use crate::record::{Record, is_blank};
use crate::unicode::plain;

/// What a field of one row became.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Nothing, for its cell is empty.
    Empty,
    /// Nothing, for it is skipped, or the row says nothing new of it: an update does not touch the field.
    LeftAlone,
    /// Its value.
    Value(Value),
    /// The row is left out.
    SkipRow(String),
    /// Something is wrong, and told.
    Faulty,
}

/// What the steps need besides the value.
#[derive(Clone, Copy)]
pub(super) struct Steps<'p> {
    pub(super) directory: &'p Directory,
    pub(super) hints: &'p Hints,
    pub(super) zone: Option<&'p TimeZone>,
    /// By number and by table of the input.
    pub(super) lookups: &'p [Vec<Arc<LookupTable>>],
}

/// What `within` means for this row.
#[derive(Clone, Copy)]
pub(super) enum Parent<'a> {
    /// The field has no `within`.
    Any,
    /// The id that it was resolved to.
    Id(&'a str),
    /// It is empty or left out.
    Absent,
}

/// The values of a field on their way, and whether one was left out of them.
#[derive(Default)]
struct Ready<'a> {
    items: Vec<Item<'a>>,
    is_skipped: bool,
}

/// What is left out with a value.
enum Skipped {
    Field,
    Row(String),
}

impl Ready<'_> {
    /// A value that passes on, or what is left out with it; `None` for nothing, which is noted.
    fn part<'a>(&mut self, passed: Passed<'a>) -> Option<Result<Item<'a>, Skipped>> {
        match passed {
            Passed::On(item) => Some(Ok(item)),
            Passed::Nothing => None,
            Passed::Unfound | Passed::SkipItem => {
                self.is_skipped = true;
                None
            }
            Passed::SkipField => Some(Err(Skipped::Field)),
            Passed::SkipRow(why) => Some(Err(Skipped::Row(why))),
        }
    }
}

/// One row (or group) on its way through the fields.
pub(super) struct Row<'p, 'r> {
    pub(super) reader: Reader<'p>,
    pub(super) steps: Steps<'p>,
    pub(super) scripts: &'p super::script::Scripts,
    pub(super) rows: &'r [Record],
    pub(super) faults: Vec<Fault>,
    pub(super) fallbacks: Vec<Fallback>,
}

impl<'r> Row<'_, 'r> {
    /// Makes the value of a field; `reserve` characters are kept free at its end.
    pub(super) fn field(
        &mut self,
        field: &FieldPlan,
        parent: Parent<'_>,
        reserve: usize,
    ) -> Outcome {
        if let Some(constant) = &field.constant {
            return Outcome::Value(constant.clone());
        }
        let got = match self.gather(field) {
            Ok(got) => got,
            Err(fault) => {
                let mut fault = *fault;
                fault.field = field.name().map(str::to_owned);
                self.faults.push(fault);
                return Outcome::Faulty;
            }
        };
        match self.pass(field, got, parent, reserve) {
            Ok(outcome) => outcome,
            Err(problem) => {
                self.fault(field, problem);
                Outcome::Faulty
            }
        }
    }

    /// The value of a column that is made by these steps.
    ///
    /// # Errors
    /// When a cell cannot be read, or a step cannot make it.
    pub(super) fn column(&mut self, column: &FieldPlan) -> Result<Got<'static>, Box<Fault>> {
        let got = self.gather(column)?;
        let made = self.steps_of_column(column, got);
        made.map_err(|problem| {
            self.fault(column, problem);
            Box::new(self.faults.pop().expect("one was pushed"))
        })
    }

    /// Several values are a list, however many of them there are: a template that loops over them must not meet a text.
    fn steps_of_column(
        &mut self,
        column: &FieldPlan,
        got: Got<'r>,
    ) -> Result<Got<'static>, Problem> {
        let mut is_list = column.rule.makes_list() || matches!(got, Got::Many(_));
        let is_skipped = matches!(got, Got::LeftOut);
        let cells = match got {
            Got::Empty | Got::LeftOut => Vec::new(),
            Got::One(item) => vec![item],
            Got::Many(items) => items,
        };
        let mut ready = Ready::default();
        for cell in cells {
            is_list |= is_joined(column, &cell);
            if self.prepare(column, cell, &mut ready)?.is_some() {
                return Ok(Got::LeftOut);
            }
        }
        let is_skipped = is_skipped || ready.is_skipped;
        shorten(column, &mut ready.items);
        if let (Some(default), true) = (&column.rule.default, ready.items.is_empty()) {
            ready.items.push(Item::borrowed(&default.value));
        }
        let mut made = Vec::with_capacity(ready.items.len());
        for item in ready.items {
            let items = match &column.rule.parse {
                Some(parse) => {
                    let item = parse.apply(item, self.steps.zone)?;
                    is_list |= matches!(item, Item::Json(Value::Array(_)));
                    flatten(item)
                }
                None => vec![item],
            };
            for item in items {
                made.push(check(column, item, 0)?.into_owned());
            }
        }
        Ok(match (made.len(), column.rule.join()) {
            (0, _) if is_skipped => Got::LeftOut,
            (0, _) => Got::Empty,
            (1, _) if !is_list => Got::One(made.remove(0)),
            (_, Some(join)) => Got::One(joined(&made, join)),
            _ => Got::Many(made),
        })
    }

    /// The text of a column that stands for itself.
    pub(super) fn text_of(&mut self, field: &FieldPlan) -> Option<String> {
        match self.field(field, Parent::Any, 0) {
            Outcome::Value(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The items that a cell holds: members of a JSON array, or the parts of a text; none of them is empty.
    pub(super) fn items(&mut self, field: &FieldPlan) -> Vec<Value> {
        let got = match self.gather(field) {
            Ok(got) => got,
            Err(fault) => {
                self.faults.push(*fault);
                return Vec::new();
            }
        };
        let cells = match got {
            Got::Empty | Got::LeftOut => Vec::new(),
            Got::One(item) => vec![item],
            Got::Many(items) => items,
        };
        match self.parts(field, cells) {
            Ok(mut items) => {
                if field.rule.version >= Version::Two {
                    let is_no_item =
                        |text: &str| self.reader.is_null_text(text) || is_null(field, text);
                    items.retain(|item| !item.as_str().is_some_and(is_no_item));
                }
                if field.rule.list.as_ref().is_some_and(|list| list.descending) {
                    items.reverse();
                }
                items
            }
            Err(problem) => {
                self.fault(field, problem);
                Vec::new()
            }
        }
    }

    fn parts(&mut self, field: &FieldPlan, cells: Vec<Item<'_>>) -> Result<Vec<Value>, Problem> {
        let mut items = Vec::new();
        for cell in cells {
            let cell = match &field.rule.parse {
                Some(parse) => parse.apply(cell, self.steps.zone)?,
                None => cell,
            };
            for part in flatten(cell) {
                if let Item::Json(value) = part {
                    items.push(value);
                    continue;
                }
                let mut ready = Ready::default();
                self.prepare(field, part, &mut ready)?;
                items.extend(ready.items.into_iter().map(Item::into_json));
            }
        }
        Ok(items)
    }

    fn pass(
        &mut self,
        field: &FieldPlan,
        got: Got<'r>,
        parent: Parent<'_>,
        reserve: usize,
    ) -> Result<Outcome, Problem> {
        let mut ready = Ready::default();
        match got {
            Got::Empty => {}
            Got::LeftOut => ready.is_skipped = true,
            Got::One(item) if field.is_single && !is_joined(field, &item) => {
                return self.single(field, item, parent, reserve);
            }
            Got::One(item) => {
                if let Some(outcome) = self.prepare(field, item, &mut ready)? {
                    return Ok(outcome);
                }
            }
            Got::Many(items) => {
                for item in items {
                    if let Some(outcome) = self.prepare(field, item, &mut ready)? {
                        return Ok(outcome);
                    }
                }
            }
        }
        shorten(field, &mut ready.items);
        if ready.items.is_empty() {
            match &field.rule.default {
                Some(default) => {
                    self.fall_back(field, default.value.clone());
                    ready.items.push(Item::borrowed(&default.value));
                }
                None if ready.is_skipped => return Ok(self.unfound(field)),
                None => return Ok(self.empty(field)),
            }
        }
        self.finish(field, ready.items, parent, reserve)
    }

    /// The one value of a field that no list has to do with: the same steps without a list of one.
    fn single(
        &mut self,
        field: &FieldPlan,
        item: Item<'_>,
        parent: Parent<'_>,
        reserve: usize,
    ) -> Result<Outcome, Problem> {
        if loses_digits(&item) {
            return Err(lost_digits(&item));
        }
        let (mut unfound, mut caught) = (None, None);
        let passed = match self.look_up(field, item, &mut unfound)? {
            Passed::On(item) => match to_text(field, item) {
                Passed::On(item) => table(field, item, &mut caught)?,
                other => other,
            },
            other => other,
        };
        self.catch(field, unfound);
        self.catch(field, caught);
        let item = match (passed, &field.rule.default) {
            (Passed::On(item), _) => item,
            (Passed::SkipField | Passed::SkipItem, _) => return Ok(self.skipped(field)),
            (Passed::Unfound, None) => return Ok(self.unfound(field)),
            (Passed::Nothing, None) => return Ok(self.empty(field)),
            (Passed::SkipRow(why), _) => return Ok(Outcome::SkipRow(why)),
            (Passed::Nothing | Passed::Unfound, Some(default)) => {
                self.fall_back(field, default.value.clone());
                Item::borrowed(&default.value)
            }
        };
        let item = match &field.rule.parse {
            Some(parse) => parse.apply(item, self.steps.zone)?,
            None => item,
        };
        let item = match self.resolve(field, item, parent)? {
            Passed::On(item) => item,
            Passed::Nothing => return Ok(self.empty(field)),
            Passed::Unfound | Passed::SkipItem | Passed::SkipField => {
                return Ok(self.skipped(field));
            }
            Passed::SkipRow(why) => return Ok(Outcome::SkipRow(why)),
        };
        let item = check(field, item, reserve)?;
        let value = field.wanted.want.convert(item, self.steps.zone)?;
        Ok(Outcome::Value(value))
    }

    /// From the type step to the value for the payload.
    fn finish(
        &mut self,
        field: &FieldPlan,
        mut items: Vec<Item<'_>>,
        parent: Parent<'_>,
        reserve: usize,
    ) -> Result<Outcome, Problem> {
        if let Some(parse) = &field.rule.parse {
            let parsed: Result<Vec<_>, _> = items
                .into_iter()
                .map(|item| parse.apply(item, self.steps.zone))
                .collect();
            items = parsed?.into_iter().flat_map(flatten).collect();
        }
        if !field.wanted.list && items.len() > 1 {
            let join = match &field.source {
                Feed::Columns { join, .. } => join.as_str(),
                _ => " ",
            };
            items = vec![joined(&items, join)];
        }
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            let item = match self.resolve(field, item, parent)? {
                Passed::On(item) => item,
                Passed::Nothing | Passed::Unfound | Passed::SkipItem => continue,
                Passed::SkipField => return Ok(self.skipped(field)),
                Passed::SkipRow(why) => return Ok(Outcome::SkipRow(why)),
            };
            let item = check(field, item, reserve)?;
            values.push(field.wanted.want.convert(item, self.steps.zone)?);
        }
        Ok(match (field.wanted.list, values.pop()) {
            // There were some, and each was left out.
            (_, None) => self.skipped(field),
            (false, Some(value)) => Outcome::Value(value),
            (true, Some(last)) => {
                values.push(last);
                Outcome::Value(Value::Array(values))
            }
        })
    }

    /// Null words, text steps, splitting and the table; what is left goes to `ready`. `Some`: the field or the
    /// row is left out.
    fn prepare<'a>(
        &mut self,
        field: &FieldPlan,
        item: Item<'a>,
        ready: &mut Ready<'a>,
    ) -> Result<Option<Outcome>, Problem> {
        if loses_digits(&item) {
            return Err(lost_digits(&item));
        }
        let split = field
            .rule
            .list
            .as_ref()
            .and_then(|list| list.split.as_deref());
        let mut cells: Vec<(Item<'a>, Option<&str>)> = Vec::new();
        for item in flatten_list(field, item) {
            match split.filter(|separator| self.is_looked_up_in_parts(field, &item, separator)) {
                Some(separator) => {
                    let parts = parts_of(item, separator).into_iter();
                    cells.extend(parts.map(|part| (part, None)));
                }
                None => cells.push((item, split)),
            }
        }
        for (item, split) in cells {
            let mut caught = None;
            let item = match self.look_up(field, item, &mut caught)? {
                Passed::On(item) => to_text(field, item),
                other => other,
            };
            self.catch(field, caught);
            let Some(item) = ready.part(item) else {
                continue;
            };
            let item = match item {
                Ok(item) => item,
                Err(Skipped::Field) => return Ok(Some(self.skipped(field))),
                Err(Skipped::Row(why)) => return Ok(Some(Outcome::SkipRow(why))),
            };
            let parts = match split {
                None => vec![item],
                Some(separator) => parts_of(item, separator),
            };
            for part in parts {
                let mut caught = None;
                let part = table(field, part, &mut caught)?;
                self.catch(field, caught);
                match ready.part(part) {
                    None => {}
                    Some(Ok(item)) => ready.items.push(item),
                    Some(Err(Skipped::Field)) => return Ok(Some(self.skipped(field))),
                    Some(Err(Skipped::Row(why))) => return Ok(Some(Outcome::SkipRow(why))),
                }
            }
        }
        Ok(None)
    }

    /// Whether the parts of a cell are looked up, and not the cell: it holds several, and as a whole it is no key. An
    /// older mapping that says what becomes of an unknown key has said it of such a cell too.
    fn is_looked_up_in_parts(&self, field: &FieldPlan, item: &Item<'_>, separator: &str) -> bool {
        let (Some(rule), Some(number)) = (&field.rule.lookup, field.lookup) else {
            return false;
        };
        if field.rule.version < Version::Two && !matches!(rule.otherwise(), Instead::Error) {
            return false;
        }
        let text = item.text();
        let tables = self.steps.lookups.get(number);
        let table = tables.and_then(|tables| tables.get(self.rows[0].table));
        text.contains(separator)
            && !is_null(field, &text)
            && table.is_some_and(|table| !table.has(&text))
    }

    /// The lookup step.
    fn look_up<'a>(
        &self,
        field: &FieldPlan,
        item: Item<'a>,
        caught: &mut Option<Caught>,
    ) -> Result<Passed<'a>, Problem> {
        let (Some(rule), Some(number)) = (&field.rule.lookup, field.lookup) else {
            return Ok(Passed::On(item));
        };
        if is_null(field, &item.text()) {
            return Ok(Passed::Nothing);
        }
        let tables = self.steps.lookups.get(number);
        match tables.and_then(|tables| tables.get(self.rows[0].table)) {
            Some(table) => rule.find(table, item, caught, |text| skip_reason(field, text)),
            None => Ok(Passed::On(item)),
        }
    }

    fn resolve<'a>(
        &mut self,
        field: &FieldPlan,
        item: Item<'a>,
        parent: Parent<'_>,
    ) -> Result<Passed<'a>, Problem> {
        let Some(resolver) = &field.resolver else {
            return Ok(Passed::On(item));
        };
        let within = match parent {
            Parent::Any => None,
            Parent::Id(id) => Some(id),
            Parent::Absent => {
                if matches!(resolver.missing, Instead::SkipField | Instead::SkipItem) {
                    let caught = Caught::new(UnfitBy::Within, &item.text(), None);
                    self.catch(field, Some(caught));
                }
                return match &resolver.missing {
                    Instead::SkipField => Ok(Passed::SkipField),
                    Instead::SkipItem => Ok(Passed::SkipItem),
                    Instead::SkipRow => Ok(Passed::SkipRow(skip_reason(field, &item.text()))),
                    _ => {
                        let name = resolver
                            .within
                            .as_ref()
                            .map_or("", |(_, name)| name.as_str());
                        Err(Problem::new(format!("needs `{name}`, which is empty"))
                            .hint(format!("fill what `{name}` is made of, or write `missing = {{ do = \"skip_field\" }}`")))
                    }
                };
            }
        };
        let text = item.text();
        let found = resolver.resolve(self.steps.directory, self.steps.hints, &text, within);
        Ok(match found {
            Resolved::Id(id) => Passed::On(Item::Text(Cow::Owned(id))),
            Resolved::Instead(id, name) => {
                self.fall_back(field, name);
                Passed::On(Item::Text(Cow::Owned(id)))
            }
            Resolved::SkipField(by) => {
                self.catch(field, Some(Caught::new(by, &text, None)));
                Passed::SkipField
            }
            Resolved::SkipItem(by) => {
                self.catch(field, Some(Caught::new(by, &text, None)));
                Passed::SkipItem
            }
            Resolved::SkipRow(why) => Passed::SkipRow(format!("{}: {why}", field.rule.name.value)),
            Resolved::Faulty(problem) => return Err(problem),
        })
    }

    fn fall_back(&mut self, field: &FieldPlan, name: String) {
        if let Some(field) = field.name() {
            self.fallbacks.push(Fallback {
                field: field.to_owned(),
                took: Some(name),
                word: None,
            });
        }
    }

    /// Keeps a word that a step does not have. A part of the key has no name of its own: nothing of it is sent.
    fn catch(&mut self, field: &FieldPlan, caught: Option<Caught>) {
        let Some(caught) = caught else { return };
        let fallback = Fallback {
            field: field.rule.name.value.clone(),
            took: caught.took,
            word: Some(caught.word),
        };
        if !self.fallbacks.contains(&fallback) {
            self.fallbacks.push(fallback);
        }
    }

    /// A field whose cell is empty.
    fn empty(&mut self, field: &FieldPlan) -> Outcome {
        if matches!(field.rule.when_empty, Some(Instead::SkipRow)) {
            return Outcome::SkipRow(format!("{}: empty", field.rule.name.value));
        }
        self.without_value(field, Outcome::Empty)
    }

    /// A field of whose cell a step leaves nothing: `default` stands for it as for an empty cell, but it empties nothing.
    fn unfound(&mut self, field: &FieldPlan) -> Outcome {
        match field.rule.when_empty {
            Some(Instead::SkipRow) => self.empty(field),
            _ => self.skipped(field),
        }
    }

    /// A field that a step leaves out, whatever its cell holds.
    fn skipped(&mut self, field: &FieldPlan) -> Outcome {
        self.without_value(field, Outcome::LeftAlone)
    }

    /// A field without a value: a fault when it is required.
    fn without_value(&mut self, field: &FieldPlan, outcome: Outcome) -> Outcome {
        if !field.required {
            return outcome;
        }
        let hint = match field.target {
            Some(_) => "fill the cell, or give the field a `default`",
            None => "every row needs its key: fill the cell",
        };
        let mut fault = self.new_fault(field, "is empty".to_owned());
        fault.hint = Some(hint.to_owned());
        self.faults.push(fault);
        Outcome::Faulty
    }

    /// A key of nothing that can be seen is none: a cell that looks empty is.
    pub(super) fn must_show(&mut self, field: &FieldPlan, text: &str) {
        if !text.is_ascii() && field.required && is_blank(&plain(text)) {
            let mut fault = self.new_fault(field, "shows nothing".to_owned());
            fault.value = Some(text.to_owned());
            fault.hint = Some("every row needs its key: fill the cell".to_owned());
            self.faults.push(fault);
        }
    }

    fn new_fault(&self, field: &FieldPlan, message: String) -> Fault {
        let record = self.record(field);
        let mut fault = Fault::row(record.place.clone(), message);
        fault.column = field.label.clone();
        fault.field = field.name().map(str::to_owned);
        fault
    }

    pub(super) fn fault(&mut self, field: &FieldPlan, problem: Problem) {
        let mut fault = self.new_fault(field, problem.message);
        fault.hint = problem.hint;
        fault.missing = problem.missing;
        fault.rule = problem.rule;
        fault.value = match self.gather(field) {
            Ok(Got::One(item)) => Some(item.text().into_owned()),
            _ => None,
        };
        self.faults.push(fault);
    }

    /// The row that bears a field's cells.
    pub(super) fn record(&self, field: &FieldPlan) -> &'r Record {
        match &field.source {
            Feed::Columns { slots, .. } | Feed::First(slots) => {
                slots.first().map_or(&self.rows[0], |slot| {
                    taken(&self.reader_of(field), self.rows, *slot, field.take)
                })
            }
            Feed::Script(_) | Feed::Constant(_) => &self.rows[0],
        }
    }

    /// What a field says of empty words and of cells that show an error counts for its own cells.
    fn reader_of<'f>(&'f self, field: &'f FieldPlan) -> Reader<'f> {
        Reader {
            field: Some(&field.rule),
            ..self.reader
        }
    }

    /// Tells a number of a cell that has lost digits before it becomes a part of a text.
    fn keeps_digits(&self, field: &FieldPlan, item: &Item<'_>) -> Result<(), Box<Fault>> {
        match loses_digits(item) {
            true => {
                let problem = lost_digits(item);
                let mut fault = self.new_fault(field, problem.message);
                fault.hint = problem.hint;
                fault.rule = problem.rule;
                Err(Box::new(fault))
            }
            false => Ok(()),
        }
    }

    /// The value of the field's origin.
    fn gather(&self, field: &FieldPlan) -> Result<Got<'r>, Box<Fault>> {
        let reader = self.reader_of(field);
        let get = |slot: usize| reader.get(slot, taken(&reader, self.rows, slot, field.take));
        let is_new = field.rule.version >= Version::Two;
        let mut nothing = Got::Empty;
        match &field.source {
            Feed::Columns { slots, join } => match slots.as_slice() {
                [slot] => get(*slot),
                several if field.rule.list.as_ref().is_some_and(|list| list.several) => {
                    let mut items = Vec::with_capacity(several.len());
                    for slot in several {
                        match get(*slot)? {
                            Got::Empty => {}
                            Got::LeftOut => nothing = Got::LeftOut,
                            Got::One(item) => items.push(item),
                            Got::Many(more) => items.extend(more),
                        }
                    }
                    Ok(match items.is_empty() {
                        true => nothing,
                        false => Got::Many(items),
                    })
                }
                several => {
                    let mut parts: Vec<Cow<'_, str>> = Vec::with_capacity(several.len());
                    for slot in several {
                        let (items, trims) = match get(*slot)? {
                            Got::Empty => continue,
                            Got::LeftOut => {
                                nothing = Got::LeftOut;
                                continue;
                            }
                            Got::One(item) => (vec![item], true),
                            Got::Many(items) => (items, is_new),
                        };
                        for item in items {
                            self.keeps_digits(field, &item)?;
                            let text = match trims {
                                true => super::text::trim(item.into_text()),
                                false => item.into_text(),
                            };
                            if !(is_new && is_null(field, &text)) {
                                parts.push(text);
                            }
                        }
                    }
                    Ok(match parts.is_empty() {
                        true => nothing,
                        false => Got::One(Item::Text(Cow::Owned(parts.join(join)))),
                    })
                }
            },
            Feed::First(slots) => {
                for slot in slots {
                    match get(*slot)? {
                        Got::One(Item::Text(text)) if is_null(field, &text) => {}
                        Got::One(item) if is_new && is_null(field, &item.text()) => {}
                        Got::Many(mut items) if is_new => {
                            items.retain(|item| !is_null(field, &item.text()));
                            // Of `Name[*]` the first cell is meant, of a column that is made all its values.
                            if reader.slots.computed(*slot).is_none() {
                                items.truncate(1);
                            }
                            match items.len() {
                                0 => {}
                                1 => return Ok(Got::One(items.remove(0))),
                                _ => return Ok(Got::Many(items)),
                            }
                        }
                        Got::Empty => {}
                        Got::LeftOut => nothing = Got::LeftOut,
                        got => return Ok(got),
                    }
                }
                Ok(nothing)
            }
            Feed::Script(script) => {
                let text = render::text(self.scripts, script, &reader, self.rows, field.take)?;
                Ok(Got::One(Item::Text(Cow::Owned(text))))
            }
            Feed::Constant(value) => Ok(match value {
                Value::Null => Got::Empty,
                Value::String(text) => Got::One(Item::Text(Cow::Owned(text.clone()))),
                other => Got::One(Item::Json(other.clone())),
            }),
        }
    }
}

/// The parts of a text; none of them is empty.
fn parts_of<'a>(item: Item<'a>, separator: &str) -> Vec<Item<'a>> {
    let text = item.into_text();
    let parts = text.split(separator).map(str::trim);
    let filled = parts.filter(|part| !part.is_empty());
    filled
        .map(|part| Item::Text(Cow::Owned(part.to_owned())))
        .collect()
}

/// Several values as one text.
fn joined(items: &[Item<'_>], join: &str) -> Item<'static> {
    let texts: Vec<Cow<'_, str>> = items.iter().map(Item::text).collect();
    Item::Text(Cow::Owned(texts.join(join)))
}

/// The row of a group that gives a column's value.
pub(super) fn taken<'r>(
    reader: &Reader<'_>,
    rows: &'r [Record],
    slot: usize,
    take: Take,
) -> &'r Record {
    let last = &rows[rows.len() - 1];
    match take {
        Take::First => &rows[0],
        Take::Last => last,
        Take::LastFilled => {
            let filled = |record: &&Record| {
                !matches!(reader.get(slot, record), Ok(Got::Empty | Got::LeftOut))
            };
            rows.iter().rev().find(filled).unwrap_or(last)
        }
    }
}

impl Steps<'_> {
    /// A constant of the mapping through the steps that need no row.
    pub(super) fn constant(&self, field: &FieldPlan, item: Item<'_>) -> Result<Value, Problem> {
        let item = match &field.rule.parse {
            Some(parse) => parse.apply(item, self.zone)?,
            None => item,
        };
        let item = match &field.resolver {
            None => item,
            Some(resolver) => {
                match resolver.resolve(self.directory, self.hints, &item.text(), None) {
                    Resolved::Id(id) => Item::Text(Cow::Owned(id)),
                    Resolved::Faulty(problem) => return Err(problem),
                    // The mapping's own names must be right by themselves.
                    _ => {
                        return Err(Problem::new(format!(
                            "no {} `{}`",
                            resolver.kind,
                            item.text()
                        )));
                    }
                }
            }
        };
        let item = check(field, item, 0)?;
        field.wanted.want.convert(item, self.zone)
    }
}
