//! `[[test]]`: rows with what they must become, run through the same plan as the rows of an input.

use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::apply::Outcome;
use super::bind::BoundPlan;
use super::field::constant;
use super::file::{At, Faults, Section, in_order, integer, number};
use super::keys;
use super::plan::{FieldPlan, Plan};
use super::resolve::Resolved;
use super::shape::Unmapped;
use super::target::Want;
use crate::directory::suggest::{did_you_mean, fold, nearest};
use crate::directory::{Directory, Found};
use crate::error::Fault;
use crate::intake::Identify;
use crate::record::{Cell, Header, Place, Record};
use crate::source::{Layout, Table};

/// What to do about a row that is left out unexpectedly.
const SKIP: &str = "if that is meant, write `expect_skip = true`";

/// One test as it is written.
#[derive(Debug)]
pub(super) struct Example {
    /// What it is called in messages: its name, or its number.
    name: String,
    at: usize,
    rows: Vec<Vec<(At<String>, Vec<Cell>)>>,
    expect: Vec<(At<String>, At<Value>)>,
    expect_error: Option<At<String>>,
    expect_skip: Option<usize>,
}

/// Reads all tests of a mapping.
pub(super) fn read_examples(top: &Section<'_, '_>, faults: &mut Faults) -> Vec<Example> {
    let Some(raw) = top.get("test") else {
        return Vec::new();
    };
    let DeValue::Array(items) = raw.get_ref() else {
        top.wrong::<()>("test", raw, "a list: write `[[test]]` above each", faults);
        return Vec::new();
    };
    let mut examples = Vec::new();
    for (number, item) in items.iter().enumerate() {
        let at = item.span().start;
        let DeValue::Table(table) = item.get_ref() else {
            top.wrong::<()>("test", item, "a table", faults);
            continue;
        };
        examples.extend(read_example(number + 1, table, at, faults));
    }
    examples
}

fn read_example(
    number: usize,
    table: &DeTable<'_>,
    at: usize,
    faults: &mut Faults,
) -> Option<Example> {
    let section = Section::open(table, at, &keys::TEST, faults);
    let name = section.text("name", faults).map(|name| name.value);
    let name = name.unwrap_or_else(|| format!("number {number}"));
    let expect = match section.table("expect", faults) {
        None => Vec::new(),
        Some((table, _)) => read_expect(&section, table, faults),
    };
    let expect_error = section.text("expect_error", faults);
    let skip = section.bool("expect_skip", faults) == Some(true);
    let outcomes = [section.has("expect"), expect_error.is_some(), skip];
    if outcomes.iter().filter(|given| **given).count() != 1 {
        faults.hint(
            at,
            format!("test {name} must say one thing that comes of its row"),
            "give it one of `expect = { Subject = \"…\" }`, `expect_error = \"…\"`, `expect_skip = true`",
        );
        return None;
    }
    if !section.has("row") {
        let hint = "for example `row = { Title = \"Printer jams\" }`";
        faults.hint(at, format!("test {name} has no `row`"), hint);
        return None;
    }
    Some(Example {
        name,
        at,
        rows: read_rows(&section, faults)?,
        expect,
        expect_error,
        expect_skip: skip.then(|| section.key_at("expect_skip")),
    })
}

fn read_expect(
    section: &Section<'_, '_>,
    table: &DeTable<'_>,
    faults: &mut Faults,
) -> Vec<(At<String>, At<Value>)> {
    let mut expect = Vec::new();
    for (field, span, raw) in in_order(table) {
        // `custom = { "Asset Tag" = … }` and `"custom.Asset Tag" = …` are the same.
        if let (DeValue::Table(inner), "custom") = (raw.get_ref(), field) {
            for (at, value) in read_expect(section, inner, faults) {
                let name = At::new(format!("{}{}", super::field::CUSTOM, at.value), at.at);
                expect.push((name, value));
            }
            continue;
        }
        let name = At::new(field.to_owned(), span.start);
        match constant(raw.get_ref()) {
            Some(value) => expect.push((name, At::new(value, raw.span().start))),
            None => {
                section.wrong::<()>("expect", raw, "a table from fields to values", faults);
            }
        }
    }
    expect
}

fn read_rows(
    section: &Section<'_, '_>,
    faults: &mut Faults,
) -> Option<Vec<Vec<(At<String>, Vec<Cell>)>>> {
    let raw = section.get("row")?;
    let one;
    let items: &[_] = match raw.get_ref() {
        DeValue::Array(items) if !items.is_empty() => items,
        _ => {
            one = [raw.clone()];
            &one
        }
    };
    let wanted = "a table from columns to cells, or a list of such tables";
    let mut rows = Vec::new();
    for item in items {
        let DeValue::Table(table) = item.get_ref() else {
            return section.wrong("row", item, wanted, faults);
        };
        let mut row = Vec::new();
        for (column, span, raw) in in_order(table) {
            let cells = match raw.get_ref() {
                DeValue::Array(items) => items.iter().map(|item| cell(item.get_ref())).collect(),
                value => Some(vec![cell(value)?]),
            };
            match cells {
                Some(cells) => row.push((At::new(column.to_owned(), span.start), cells)),
                None => return section.wrong("row", raw, "a cell", faults),
            }
        }
        rows.push(row);
    }
    Some(rows)
}

/// A cell of a test: a text as in a CSV, a number or date as in a workbook.
fn cell(value: &DeValue<'_>) -> Option<Cell> {
    Some(match value {
        DeValue::String(text) => Cell::Text(text.as_ref().into()),
        DeValue::Integer(_) => Cell::Integer(integer(value)?),
        DeValue::Float(_) => Cell::Number(number(value)?),
        DeValue::Boolean(value) => Cell::Bool(*value),
        DeValue::Datetime(at) => {
            let text = at.to_string();
            let date = text.parse::<Date>().map(Cell::Date);
            let moment = || text.parse::<DateTime>().map(Cell::DateTime);
            match at.time.is_some() {
                true => moment().unwrap_or_else(|_| Cell::Text(text.as_str().into())),
                false => date.unwrap_or_else(|_| Cell::Text(text.as_str().into())),
            }
        }
        DeValue::Array(_) | DeValue::Table(_) => return None,
    })
}

/// Runs the tests of a plan and adds those that fail to `faults`; how many were run, and why not if none could be.
pub(super) fn run(
    plan: &Arc<Plan>,
    examples: &[Example],
    faults: &mut Faults,
) -> Result<usize, &'static str> {
    let mut lookups = plan.lookups.iter().filter_map(|rule| rule.lookup.as_ref());
    if !examples.is_empty() && lookups.any(|lookup| lookup.needs_input()) {
        return Err("the mapping looks into sheets of the input, which tests do not have");
    }
    for example in examples {
        let mut run = Run {
            plan,
            example,
            faults,
        };
        run.run();
    }
    Ok(examples.len())
}

/// One test on its way.
struct Run<'r> {
    plan: &'r Arc<Plan>,
    example: &'r Example,
    faults: &'r mut Faults,
}

impl Run<'_> {
    fn fails(&mut self, at: usize, why: &str, hint: Option<String>) {
        let message = format!("test {} fails: {why}", self.example.name);
        *self.faults.add(at, message) = hint;
    }

    fn run(&mut self) {
        let before = self.faults.len();
        let (table, rows) = self.rows();
        let bound = BoundPlan::draft(Arc::clone(self.plan), &[table], self.faults);
        if self.faults.len() > before {
            return;
        }
        let (outcomes, faults) = self.outcomes(&bound, &rows);
        let Some(outcomes) = outcomes else {
            if self.example.expect_skip.is_none() {
                let why = "the row is left out by `where`";
                self.fails(self.example.at, why, Some(SKIP.to_owned()));
            }
            return;
        };
        let skipped = outcomes.iter().find_map(|outcome| match outcome {
            Outcome::SkipRow(why) => Some(why.clone()),
            _ => None,
        });
        match (
            &self.example.expect_error,
            self.example.expect_skip,
            skipped,
        ) {
            (_, Some(_), Some(_)) => {}
            (_, Some(at), None) => {
                let hint = "mend `where`, or say what the row becomes: `expect = { … }`".to_owned();
                self.fails(at, "the row is not left out", Some(hint));
            }
            (_, None, Some(why)) => {
                let why = format!("the row is left out: {why}");
                self.fails(self.example.at, &why, Some(SKIP.to_owned()));
            }
            (Some(wanted), None, None) => self.compare_error(wanted, &faults),
            (None, None, None) => self.compare(&outcomes, &faults),
        }
    }

    /// What the fields become, `None` for a row that a condition leaves out; and what is wrong with it.
    fn outcomes(&self, bound: &BoundPlan, rows: &[Record]) -> (Option<Vec<Outcome>>, Vec<Fault>) {
        let mut faults = Vec::new();
        for row in rows {
            match bound.passes(row) {
                Ok(true) => {}
                Ok(false) => return (None, faults),
                Err(found) => faults.extend(found),
            }
        }
        let mut rows = rows.to_vec();
        bound.arrange(&mut rows);
        match bound.passes_group(&rows) {
            Ok(true) => {}
            Ok(false) => return (None, faults),
            Err(found) => faults.extend(found),
        }
        if let Err(found) = bound.identify(&rows) {
            faults.extend(found);
        }
        let made = bound.make(&rows, None);
        faults.extend(made.faults);
        (Some(made.outcomes), faults)
    }

    /// The table that the mapping wants to see, with the test's cells in it.
    fn rows(&mut self) -> (Table, Vec<Record>) {
        let mut written: Vec<String> = Vec::new();
        let mut starts: Vec<(String, usize)> = Vec::new();
        for (column, cells) in self.example.rows.iter().flatten() {
            let folded = fold(&column.value);
            if !starts.iter().any(|(name, _)| *name == folded) {
                starts.push((folded, written.len()));
                written.extend(std::iter::repeat_n(column.value.clone(), cells.len()));
            }
        }
        let given = Header::new(written.clone());
        for (_, slot) in self.plan.slots.iter() {
            if given.find(&slot.name).is_none() {
                let name = slot.name.strip_suffix("[*]").unwrap_or(&slot.name);
                written.push(name.to_owned());
            }
        }
        self.check_columns(&given);
        let file: Arc<str> = Arc::from(format!("test {}", self.example.name));
        let rows = self.example.rows.iter().enumerate().map(|(number, row)| {
            let mut cells = vec![Cell::Empty; written.len()];
            for (column, values) in row {
                let start = starts
                    .iter()
                    .find(|(name, _)| *name == fold(&column.value))
                    .map_or(0, |(_, start)| *start);
                for (index, value) in values.iter().enumerate() {
                    if let Some(cell) = cells.get_mut(start + index) {
                        *cell = value.clone();
                    }
                }
            }
            Record {
                place: Place {
                    file: Arc::clone(&file),
                    sheet: None,
                    row: number as u64 + 1,
                },
                table: 0,
                cells,
            }
        });
        let rows = rows.collect();
        let table = Table {
            file: Arc::clone(&file),
            sheet: None,
            header: Arc::new(Header::new(written)),
            layout: Layout::JsonLines,
            gzip: false,
        };
        (table, rows)
    }

    /// Tells columns of the test that the mapping does not read: a slip of the pen, most likely.
    fn check_columns(&mut self, given: &Header) {
        if self.plan.scripts.reads_all || self.plan.unmapped == Unmapped::Append {
            return;
        }
        let names: Vec<&str> = self
            .plan
            .slots
            .iter()
            .map(|(_, slot)| slot.name.as_str())
            .collect();
        let mut unread = Vec::new();
        for (column, _) in self.example.rows.iter().flatten() {
            let read = names.iter().any(|name| match given.find(name) {
                Some(crate::record::ColumnRef::One(index)) => given.names()[index] == column.value,
                Some(crate::record::ColumnRef::All(all)) => all
                    .iter()
                    .any(|index| given.written()[*index] == column.value),
                _ => false,
            });
            if !read {
                unread.push(column.clone());
            }
        }
        for column in unread {
            let message = format!(
                "test {}: the mapping reads no column `{}`",
                self.example.name, column.value
            );
            let near = did_you_mean(&nearest(&column.value, names.iter().copied()));
            let hint = near.unwrap_or_else(|| format!("it reads {}", names.join(", ")));
            self.faults.hint(column.at, message, hint);
        }
    }

    fn compare_error(&mut self, wanted: &At<String>, faults: &[Fault]) {
        let lines: Vec<String> = faults.iter().map(line).collect();
        if lines.iter().any(|line| line.contains(&wanted.value)) {
            return;
        }
        match lines.is_empty() {
            true => {
                let hint =
                    "mend the mapping, or say what the row becomes: `expect = { … }`".to_owned();
                self.fails(wanted.at, "the row is taken without a fault", Some(hint));
            }
            false => {
                let hint = format!("what is wrong with it: {}", lines.join("; "));
                self.fails(wanted.at, "no fault of the row says this", Some(hint));
            }
        }
    }

    fn compare(&mut self, outcomes: &[Outcome], faults: &[Fault]) {
        if !faults.is_empty() {
            let lines: Vec<String> = faults.iter().map(line).collect();
            let hint = "if that is meant, write `expect_error = \"…\"`".to_owned();
            let why = format!("the row has faults: {}", lines.join("; "));
            return self.fails(self.example.at, &why, Some(hint));
        }
        let plan = Arc::clone(self.plan);
        for (name, wanted) in &self.example.expect {
            let names = || {
                plan.fields
                    .iter()
                    .map(|field| field.rule.name.value.as_str())
            };
            let Some(position) = names().position(|known| known == name.value) else {
                let message = format!("the mapping does not fill `{}`", name.value);
                let near = did_you_mean(&nearest(&name.value, names()));
                let all = || format!("it fills {}", names().collect::<Vec<_>>().join(", "));
                self.fails(name.at, &message, Some(near.unwrap_or_else(all)));
                continue;
            };
            let field = &plan.fields[position];
            let actual = match &outcomes[position] {
                Outcome::Value(value) => value,
                _ => &Value::Null,
            };
            if !equals(field, &plan.directory, actual, &wanted.value) {
                let shown = shown(field, &plan.directory, actual);
                let why = match actual {
                    Value::Null => format!("`{}` stays empty", name.value),
                    _ => format!("`{}` becomes {shown}", name.value),
                };
                let hint = "mend the mapping, or what the test expects".to_owned();
                self.fails(wanted.at, &why, Some(hint));
            }
        }
    }
}

/// A fault as it is matched and shown.
fn line(fault: &Fault) -> String {
    match &fault.field {
        Some(field) => format!("{field} {}", fault.message),
        None => fault.message.clone(),
    }
}

/// Whether a field became what the test says: names for what is resolved, options by their texts.
fn equals(field: &FieldPlan, directory: &Directory, actual: &Value, wanted: &Value) -> bool {
    match (actual, wanted) {
        (Value::Array(actual), Value::Array(wanted)) => {
            actual.len() == wanted.len()
                && actual
                    .iter()
                    .zip(wanted)
                    .all(|(actual, wanted)| equals(field, directory, actual, wanted))
        }
        (Value::Array(actual), wanted) if actual.len() == 1 => {
            equals(field, directory, &actual[0], wanted)
        }
        (Value::Null, wanted) => wanted.as_str() == Some(""),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::String(actual), Value::String(wanted)) => {
            actual == wanted || means(field, directory, actual, wanted)
        }
        (actual, wanted) => actual == wanted,
    }
}

/// Whether two texts mean the same thing of the system.
fn means(field: &FieldPlan, directory: &Directory, actual: &str, wanted: &str) -> bool {
    if let Some(resolver) = &field.resolver {
        let hints = super::resolve::Hints::default();
        return match resolver.resolve(directory, &hints, wanted, None) {
            Resolved::Id(id) => id == actual,
            _ => name(field, directory, actual).is_some_and(|name| fold(&name) == fold(wanted)),
        };
    }
    if !directory.is_known() {
        let folded = fold(actual);
        let aliases = &field.rule.resolve.aliases;
        let alias = aliases.iter().rev().find(|alias| alias.word == folded);
        return alias.is_some_and(|alias| fold(&alias.to.value) == fold(wanted));
    }
    match &field.wanted.want {
        Want::Option(_) => name(field, directory, actual).is_some_and(|name| name == wanted),
        Want::DateTime => {
            let moment = |text: &str| text.parse::<jiff::Timestamp>().ok();
            moment(actual).is_some() && moment(actual) == moment(wanted)
        }
        _ => false,
    }
}

/// The name of what an id of this field stands for.
fn name(field: &FieldPlan, directory: &Directory, id: &str) -> Option<String> {
    if let Want::Option(options) = &field.wanted.want {
        let option = options.iter().find(|option| option.id == id);
        return option.map(|option| option.value.clone());
    }
    let resolver = field.resolver.as_ref()?;
    match directory.look_up(resolver.kind, id, &["id".to_owned()], None) {
        Found::One(entry) => Some(entry.name.clone()),
        _ => None,
    }
}

fn shown(field: &FieldPlan, directory: &Directory, value: &Value) -> String {
    match value {
        Value::String(text) => match name(field, directory, text) {
            Some(name) => format!("`{name}` (id {text})"),
            None => format!("`{text}`"),
        },
        Value::Array(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| shown(field, directory, item))
                .collect();
            format!("[{}]", items.join(", "))
        }
        other => format!("`{other}`"),
    }
}
