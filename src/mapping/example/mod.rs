//! `[[test]]`: rows with what they must become, run through the same plan as the rows of an input.

mod run;

use jiff::civil::{Date, DateTime};
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::field::{CUSTOM, constant};
use super::file::{At, Faults, Section, in_order, integer, number};
use super::keys;
use crate::record::Cell;

pub(super) use run::run;

/// What came of the tests of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ran {
    /// How many were run.
    pub run: usize,
    /// How many of them failed.
    pub failed: usize,
}

/// The cells of one row by their columns; a column that repeats has several.
type Cells = Vec<(At<String>, Vec<Cell>)>;

/// A step that must follow.
#[derive(Debug)]
struct Follows {
    at: usize,
    operation: At<String>,
    fields: Vec<(At<String>, At<Value>)>,
}

/// One test as it is written.
#[derive(Debug)]
pub(super) struct Example {
    /// What it is called in messages: its name, or its number.
    name: String,
    at: usize,
    rows: Vec<Cells>,
    expect: Vec<(At<String>, At<Value>)>,
    /// The key that the row must have.
    expect_key: Option<At<String>>,
    /// What must follow, in order: the operation, and some of its fields.
    expect_then: Option<Vec<Follows>>,
    expect_error: Option<At<String>>,
    expect_skip: Option<usize>,
}

/// Reads all tests of a mapping.
pub(super) fn read_examples(
    top: &Section<'_, '_>,
    groups: bool,
    faults: &mut Faults,
) -> Vec<Example> {
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
        let example = read_example(number + 1, table, at, faults);
        if let Some(example) = example.as_ref().filter(|one| !groups && one.rows.len() > 1) {
            let message = format!(
                "test {} has several rows, and no `group_by` makes one record of them",
                example.name
            );
            let hint = "write a test for each row, or `group_by` in `[input]`";
            faults.hint(example.at, message, hint);
        }
        examples.extend(example);
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
    let expect_key = section.text("expect_key", faults);
    let expect_then = read_follows(&section, faults);
    let made = ["expect", "expect_key", "expect_then"];
    let is_made = made.into_iter().any(|key| section.has(key));
    let outcomes = [is_made, expect_error.is_some(), skip];
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
        expect_key,
        expect_then,
        expect_error,
        expect_skip: skip.then(|| section.key_at("expect_skip")),
    })
}

fn read_follows(section: &Section<'_, '_>, faults: &mut Faults) -> Option<Vec<Follows>> {
    let raw = section.get("expect_then")?;
    let wanted = "a list of tables: `[{ operation = \"comment\", fields = { body = \"…\" } }]`";
    let DeValue::Array(items) = raw.get_ref() else {
        return section.wrong("expect_then", raw, wanted, faults);
    };
    let mut follows = Vec::new();
    for item in items {
        let DeValue::Table(table) = item.get_ref() else {
            return section.wrong("expect_then", item, wanted, faults);
        };
        let at = item.span().start;
        let inner = Section::open(table, at, &keys::FOLLOWS, faults);
        let Some(operation) = inner.text("operation", faults) else {
            if !inner.has("operation") {
                let message = "a step of `expect_then` has no `operation`";
                faults.hint(at, message, "for example `operation = \"comment\"`");
            }
            continue;
        };
        let fields = match inner.table("fields", faults) {
            Some((table, _)) => read_expect(&inner, table, faults),
            None => Vec::new(),
        };
        follows.push(Follows {
            at,
            operation,
            fields,
        });
    }
    Some(follows)
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
                let name = At::new(format!("{}{}", CUSTOM, at.value), at.at);
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

fn read_rows(section: &Section<'_, '_>, faults: &mut Faults) -> Option<Vec<Cells>> {
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
                value => cell(value).map(|cell| vec![cell]),
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
