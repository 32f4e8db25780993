//! The tests of a mapping, run.

use std::sync::Arc;

use serde_json::Value;

use super::{Example, Follows, Ran};
use crate::directory::suggest::{did_you_mean, fold, nearest};
use crate::directory::{Directory, Found};
use crate::error::Fault;
use crate::intake::Identify;
use crate::mapping::apply::Outcome;
use crate::mapping::bind::BoundPlan;
use crate::mapping::file::{At, Faults};
use crate::mapping::marker::{marker_line, trimmed, without_head_line};
use crate::mapping::plan::{FieldPlan, Plan};
use crate::mapping::resolve::{Hints, Resolved};
use crate::mapping::shape::Unmapped;
use crate::mapping::target::Want;
use crate::mapping::then::ThenPlan;
use crate::record::{Cell, ColumnRef, Header, Place, Record, RowKey};
use crate::source::{Layout, Table};

/// What to do about a value that is another one.
const FIX: &str = "fix the mapping, or what the test expects";

/// How long a key is that is made of the content of a row.
const CONTENT_KEY_LENGTH: usize = 16;

/// What to do about a row that is left out unexpectedly.
const SKIP: &str = "if that is meant, write `expect_skip = true`";

/// Runs the tests of a plan and adds those that fail to `faults`; why not, if none could be run.
pub(in crate::mapping) fn run(
    plan: &Arc<Plan>,
    examples: &[Example],
    faults: &mut Faults,
) -> Result<Ran, &'static str> {
    let mut lookups = plan.lookups.iter().filter_map(|rule| rule.lookup.as_ref());
    let mut thens = plan.thens.iter();
    let needs_input =
        lookups.any(|lookup| lookup.needs_input()) || thens.any(ThenPlan::needs_input);
    if !examples.is_empty() && needs_input {
        return Err("the mapping looks into sheets of the input, which tests do not have");
    }
    let mut ran = Ran::default();
    for example in examples {
        let before = faults.len();
        let mut run = Run {
            plan,
            example,
            faults,
        };
        run.run();
        ran.run += 1;
        ran.failed += usize::from(faults.len() > before);
    }
    Ok(ran)
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
        let rows = match self.tickets(&bound, rows) {
            Some(rows) => rows,
            None => return,
        };
        let Some(became) = outcomes(&bound, &rows) else {
            if self.example.expect_skip.is_none() {
                let why = "the row is left out by `where`";
                self.fails(self.example.at, why, Some(SKIP.to_owned()));
            }
            return;
        };
        let then = became.then.iter().flat_map(|(_, outcomes)| outcomes);
        let mut all = became.outcomes.iter().chain(then);
        let skipped = all.find_map(|outcome| match outcome {
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
                let hint = "fix `where`, or say what the row becomes: `expect = { … }`".to_owned();
                self.fails(at, "the row is not left out", Some(hint));
            }
            (_, None, Some(why)) => {
                let why = format!("the row is left out: {why}");
                self.fails(self.example.at, &why, Some(SKIP.to_owned()));
            }
            (Some(wanted), None, None) => self.compare_error(wanted, &became.faults),
            (None, None, None) => self.compare(&became),
        }
    }

    /// The rows with their items, where each item of a row is a ticket: a test is about one.
    fn tickets(&mut self, bound: &BoundPlan, rows: Vec<Record>) -> Option<Vec<Record>> {
        if !bound.takes_apart() {
            return Some(rows);
        }
        let mut apart = Vec::with_capacity(rows.len());
        for row in &rows {
            match bound.apart(row) {
                Ok(mut one) if one.len() == 1 => apart.append(&mut one),
                Ok(several) => {
                    let why = format!("the row makes {} tickets", several.len());
                    let hint = "a test is about one ticket: give the row one item";
                    self.fails(self.example.at, &why, Some(hint.to_owned()));
                    return None;
                }
                Err(faults) => {
                    match &self.example.expect_error {
                        Some(wanted) => self.compare_error(wanted, &faults),
                        None => {
                            let lines: Vec<String> = faults.iter().map(line).collect();
                            let why = format!("the row has faults: {}", lines.join("; "));
                            self.fails(self.example.at, &why, None);
                        }
                    }
                    return None;
                }
            }
        }
        Some(apart)
    }

    /// The table that the mapping wants to see, with the test's cells in it.
    fn rows(&mut self) -> (Table, Vec<Record>) {
        let mut columns: Vec<(String, usize)> = Vec::new();
        for (column, cells) in self.example.rows.iter().flatten() {
            let (name, from) = numbered(&column.value);
            let most = from + cells.len();
            let known = |(known, _): &&mut (String, usize)| fold(known) == fold(name);
            match columns.iter_mut().find(known) {
                Some((_, count)) => *count = most.max(*count),
                None => columns.push((name.to_owned(), most)),
            }
        }
        let mut written: Vec<String> = Vec::new();
        let mut starts: Vec<(String, usize)> = Vec::new();
        for (name, count) in columns {
            starts.push((fold(&name), written.len()));
            written.extend(std::iter::repeat_n(name, count));
        }
        let given = Header::new(written.clone());
        for (number, slot) in self.plan.slots.iter() {
            let is_read = self.plan.slots.is_column(number) && slot.computed.is_none();
            if is_read && given.find(&slot.name).is_none() {
                let name = slot.name.strip_suffix("[*]").unwrap_or(&slot.name);
                written.push(name.to_owned());
            }
        }
        self.check_columns(&given);
        let file: Arc<str> = Arc::from(format!("test {}", self.example.name));
        let rows = self.example.rows.iter().enumerate().map(|(number, row)| {
            let mut cells = vec![Cell::Empty; written.len()];
            for (column, values) in row {
                let (name, from) = numbered(&column.value);
                let start = starts.iter().find(|(known, _)| *known == fold(name));
                let start = start.map_or(0, |(_, start)| *start) + from;
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
            layout: Layout::JsonLines { is_utf8: true },
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
            .filter(|(number, _)| self.plan.slots.is_column(*number))
            .map(|(_, slot)| slot.name.as_str())
            .collect();
        let mut unread = Vec::new();
        for (column, _) in self.example.rows.iter().flatten() {
            // A list of cells stands in all columns of its name.
            let of_column = |index: usize| {
                given.position(&column.value) == Some(index)
                    || fold(&given.written()[index]) == fold(&column.value)
            };
            let read = names.iter().any(|name| match given.find(name) {
                Some(ColumnRef::One(index)) => of_column(index),
                Some(ColumnRef::All(all)) => all.into_iter().any(of_column),
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
                    "fix the mapping, or say what the row becomes: `expect = { … }`".to_owned();
                self.fails(wanted.at, "the row is taken without a fault", Some(hint));
            }
            false => {
                let hint = format!("what is wrong with it: {}", lines.join("; "));
                self.fails(wanted.at, "no fault of the row says this", Some(hint));
            }
        }
    }

    fn compare(&mut self, became: &Became) {
        if !became.faults.is_empty() {
            let lines: Vec<String> = became.faults.iter().map(line).collect();
            let hint = "if that is meant, write `expect_error = \"…\"`".to_owned();
            let why = format!("the row has faults: {}", lines.join("; "));
            return self.fails(self.example.at, &why, Some(hint));
        }
        let plan = Arc::clone(self.plan);
        let example = self.example;
        if let Some(wanted) = &example.expect_key
            && became.key.as_deref() != Some(wanted.value.as_str())
        {
            let why = match &became.key {
                Some(key) => format!("the key becomes `{key}`"),
                None => "the mapping has no `key`".to_owned(),
            };
            self.fails(wanted.at, &why, Some(FIX.to_owned()));
        }
        let reference = became.reference.as_deref();
        self.compare_fields(&plan.fields, &became.outcomes, &example.expect, reference);
        if let Some(wanted) = &example.expect_then {
            self.compare_then(&plan, &became.then, wanted);
        }
    }

    fn compare_then(&mut self, plan: &Plan, made: &[(usize, Vec<Outcome>)], wanted: &[Follows]) {
        let shown = |steps: Vec<&str>| match steps.is_empty() {
            true => "nothing".to_owned(),
            false => steps.join(", "),
        };
        let operation = |at: usize| plan.thens[at].operation().as_str();
        let follows: Vec<&str> = made.iter().map(|(at, _)| operation(*at)).collect();
        let expected = wanted.iter().map(|step| step.operation.value.as_str());
        if !expected.clone().eq(follows.iter().copied()) {
            let at = wanted.first().map_or(self.example.at, |step| step.at);
            let why = format!("what follows is {}", shown(follows));
            let hint = format!("the test expects {}", shown(expected.collect()));
            return self.fails(at, &why, Some(hint));
        }
        for ((at, outcomes), step) in made.iter().zip(wanted) {
            self.compare_fields(&plan.thens[*at].fields, outcomes, &step.fields, None);
        }
    }

    fn compare_fields(
        &mut self,
        fields: &[FieldPlan],
        outcomes: &[Outcome],
        expect: &[(At<String>, At<Value>)],
        reference: Option<&str>,
    ) {
        let directory = Arc::clone(&self.plan.directory);
        for (name, wanted) in expect {
            let names = || fields.iter().map(|field| field.rule.name.value.as_str());
            let Some(position) = names().position(|known| known == name.value) else {
                let message = format!("the mapping does not fill `{}`", name.value);
                let near = did_you_mean(&nearest(&name.value, names()));
                let all = || format!("it fills {}", names().collect::<Vec<_>>().join(", "));
                self.fails(name.at, &message, Some(near.unwrap_or_else(all)));
                continue;
            };
            let field = &fields[position];
            let actual = match &outcomes[position] {
                Outcome::Value(value) => value,
                _ => &Value::Null,
            };
            let unmarked = without_reference(field, actual, reference);
            let is_good = |value: &Value| equals(field, &directory, value, &wanted.value);
            if !is_good(actual) && !unmarked.as_ref().is_some_and(is_good) {
                let shown = shown(field, &directory, unmarked.as_ref().unwrap_or(actual));
                let why = match actual {
                    Value::Null => format!("`{}` stays empty", name.value),
                    _ => format!("`{}` becomes {shown}", name.value),
                };
                self.fails(wanted.at, &why, Some(FIX.to_owned()));
            }
        }
    }
}

/// What became of the rows of a test.
struct Became {
    key: Option<String>,
    reference: Option<String>,
    outcomes: Vec<Outcome>,
    /// Of each step that follows: which of `[[then]]`, and its fields.
    then: Vec<(usize, Vec<Outcome>)>,
    faults: Vec<Fault>,
}

/// What the fields become; `None` for a row that a condition leaves out.
fn outcomes(bound: &BoundPlan, rows: &[Record]) -> Option<Became> {
    let mut faults = Vec::new();
    for row in rows {
        match bound.passes(row) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(found) => faults.extend(found),
        }
    }
    let mut groups: Vec<_> = rows.iter().filter_map(|row| bound.group(row)).collect();
    groups.dedup();
    if groups.len() > 1 {
        let message = "the rows make several groups: `group_by` reads other values in them";
        faults.push(Fault::row(rows[0].place.clone(), message));
    }
    let mut rows = rows.to_vec();
    if let Err(found) = bound.arrange(&mut rows) {
        faults.extend(found);
    }
    match bound.passes_group(&rows) {
        Ok(true) => {}
        Ok(false) => return None,
        Err(found) => faults.extend(found),
    }
    let key = bound.key(&rows).unwrap_or_else(|found| {
        faults.extend(found);
        None
    });
    let content = || RowKey::new("0".repeat(CONTENT_KEY_LENGTH));
    let (made, reference) = bound.made(&rows, &key.clone().unwrap_or_else(content));
    faults.extend(made.faults);
    let (then, wrong) = bound.follow_fields(&rows);
    faults.extend(wrong);
    Some(Became {
        key: key.map(|key| key.to_string()),
        reference,
        outcomes: made.outcomes,
        then,
        faults,
    })
}

/// A description without its reference; nothing for any other field.
fn without_reference(field: &FieldPlan, value: &Value, reference: Option<&str>) -> Option<Value> {
    let reference = reference.filter(|_| field.is_description)?;
    let text = value.as_str()?;
    let line = marker_line(reference, field.is_html());
    if text == trimmed(&line) {
        return Some(Value::Null);
    }
    let text = text.strip_suffix(&line)?;
    Some(Value::from(without_head_line(
        text,
        reference,
        field.is_html(),
    )))
}

/// The base of a heading that repeats and which of them it is, from 0: `Comment[2]` is the second `Comment`.
fn numbered(column: &str) -> (&str, usize) {
    let found = column
        .strip_suffix(']')
        .and_then(|rest| rest.rsplit_once('['))
        .and_then(|(base, number)| Some((base, number.parse::<usize>().ok()?.checked_sub(1)?)));
    match found {
        // So many columns no table has.
        Some((base, number)) if !base.is_empty() && number < 1_000 => (base, number),
        _ => (column, 0),
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
        let hints = Hints::default();
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
