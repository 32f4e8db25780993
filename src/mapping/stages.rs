//! The steps that need neither directory nor template, each a small function of one value.

use std::borrow::Cow;

use serde_json::Value;

use super::item::Item;
use super::parse::{Problem, same};
use super::plan::FieldPlan;
use super::shape::{Instead, ParseKind, ParseRule, Version};
use super::table_key;
use super::target::{Want, not_among};
use super::text::{fits, truncate};
use crate::directory::suggest::{did_you_mean, nearest};
use crate::error::Rule;
use crate::event::{Unfit, UnfitBy};
use crate::record::Cell;

/// What one item became on its way.
pub(super) enum Passed<'a> {
    On(Item<'a>),
    Nothing,
    /// The text steps find nothing in a cell that is not empty.
    Unfound,
    SkipField,
    SkipItem,
    SkipRow(String),
}

pub(super) fn skip_reason(field: &FieldPlan, text: &str) -> String {
    format!("{}: `{text}`", field.rule.name.value)
}

/// A JSON array of a cell is a list by itself.
pub(super) fn flatten(item: Item<'_>) -> Vec<Item<'_>> {
    match item {
        Item::Json(Value::Array(items)) => items.into_iter().filter_map(of_json).collect(),
        other => vec![other],
    }
}

pub(super) fn flatten_list<'a>(field: &FieldPlan, item: Item<'a>) -> Vec<Item<'a>> {
    match field.wanted.list || is_joined(field, &item) {
        true => flatten(item),
        false => vec![item],
    }
}

/// Whether the members of a JSON array go through the steps one by one, although a field takes one value or a column is made of
/// them: where none holds others.
pub(super) fn is_joined(field: &FieldPlan, item: &Item<'_>) -> bool {
    let is_plain = |value: &Value| !matches!(value, Value::Array(_) | Value::Object(_));
    // What is looked up are its members too.
    let is_taken = field.target.is_some() || field.is_column || field.rule.lookup.is_some();
    field.rule.version >= Version::Two
        && is_taken
        && field.rule.parse.is_none()
        && matches!(item, Item::Json(Value::Array(items)) if items.iter().all(is_plain))
}

pub(super) fn of_json(value: Value) -> Option<Item<'static>> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => Item::Bool(value),
        Value::String(text) => Item::Text(Cow::Owned(text)),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Item::Integer(number),
            None if number.is_u64() => Item::Decimal(number.to_string()),
            None => Item::Number(number.as_f64()?),
        },
        other => Item::Json(other),
    })
}

pub(super) fn is_null(field: &FieldPlan, text: &str) -> bool {
    field.rule.null.iter().any(|word| same(word, text))
}

/// Null words and text steps.
pub(super) fn to_text<'a>(field: &FieldPlan, item: Item<'a>) -> Passed<'a> {
    if !matches!(item, Item::Text(_)) {
        if !field.rule.null.is_empty() && is_null(field, &item.text()) {
            return Passed::Nothing;
        }
        if !field.rule.text.wants_text() {
            return Passed::On(item);
        }
    }
    let text = item.into_text();
    if is_null(field, &text) || text.trim().is_empty() {
        return Passed::Nothing;
    }
    match field.rule.text.apply(text) {
        None => Passed::Unfound,
        Some(text) if text.trim().is_empty() => Passed::Nothing,
        Some(text) => Passed::On(Item::Text(text)),
    }
}

/// A word that a step does not have, and what it became.
#[derive(Debug)]
pub(super) struct Caught {
    pub(super) word: Unfit,
    /// `None`: nothing.
    pub(super) took: Option<String>,
}

impl Caught {
    pub(super) fn new(by: UnfitBy, word: &str, took: Option<&str>) -> Self {
        Self {
            word: Unfit {
                text: word.trim().to_owned(),
                by,
            },
            took: took
                .map(|took| took.trim().to_owned())
                .filter(|took| !took.is_empty()),
        }
    }
}

/// The table step; a word that it does not have is put into `caught`, unless its row goes no further.
pub(super) fn table<'a>(
    field: &FieldPlan,
    item: Item<'a>,
    caught: &mut Option<Caught>,
) -> Result<Passed<'a>, Problem> {
    let Some(table) = &field.rule.table else {
        return Ok(Passed::On(item));
    };
    let text = item.text();
    let mapped = |value: &str| match value.trim().is_empty() {
        true => Passed::Nothing,
        false => Passed::On(Item::Text(Cow::Owned(value.to_owned()))),
    };
    if let Some(to) = table.map.get(table_key(&text).as_ref()) {
        return Ok(mapped(&to.value));
    }
    let mut catch = |took: Option<&str>| {
        *caught = Some(Caught::new(UnfitBy::Map, &text, took));
    };
    match &table.otherwise {
        Instead::Value(value) => {
            // What becomes what it says is no word that somebody forgot.
            if table_key(&value.value) != table_key(&text) {
                catch(Some(&value.value));
            }
            Ok(mapped(&value.value))
        }
        Instead::SkipField => {
            catch(None);
            Ok(Passed::SkipField)
        }
        Instead::SkipItem => {
            catch(None);
            Ok(Passed::SkipItem)
        }
        Instead::SkipRow => Ok(Passed::SkipRow(skip_reason(field, &text))),
        Instead::Keep => {
            catch(Some(&text));
            drop(text);
            Ok(Passed::On(item))
        }
        Instead::Error => {
            let near = did_you_mean(&nearest(&text, table.written.iter().map(String::as_str)));
            Err(Problem {
                message: format!("`map` has no `{text}`"),
                hint: Some(near.unwrap_or_else(|| {
                    format!("add `\"{text}\" = …` to `map`, or say what else: `else = …`")
                })),
                missing: None,
                rule: Rule::Message,
            })
        }
    }
}

/// `order`, `unique` and `max_items`.
pub(super) fn shorten(field: &FieldPlan, items: &mut Vec<Item<'_>>) {
    let Some(list) = &field.rule.list else {
        return;
    };
    if list.descending {
        items.reverse();
    }
    if list.unique {
        let mut seen = std::collections::HashSet::new();
        items.retain(|item| seen.insert(table_key(&item.text()).into_owned()));
    }
    if let Some(most) = list.max_items {
        items.truncate(most);
    }
}

/// Whether a spreadsheet program has spoiled a value: a number past 15 digits, or one written with an exponent.
pub(super) fn loses_digits(item: &Item<'_>) -> bool {
    match item {
        Item::Number(number) => number.abs() >= 1e15,
        Item::Integer(_) => false,
        Item::Text(text) => is_exponential(text.trim()),
        _ => false,
    }
}

/// `1.2E+05`, as a spreadsheet program writes a long number; of `0.00E+00` nothing is lost.
fn is_exponential(text: &str) -> bool {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    let is_zero = mantissa
        .bytes()
        .all(|byte| matches!(byte, b'0' | b'.' | b','));
    exponent.starts_with('+')
        && digits(&exponent[1..])
        && digits(whole)
        && digits(fraction)
        && !is_zero
}

pub(super) fn lost_digits(item: &Item<'_>) -> Problem {
    let text = match item {
        Item::Number(number) => Cell::Number(*number).text().into_owned(),
        other => other.text().into_owned(),
    };
    Problem::broken(&text, "has lost digits").hint(
        "spreadsheet programs keep 15 digits of a number: format the column as text and fill in the ids anew",
    )
}

/// A number as JSON that keeps all its digits.
pub(super) fn exact_number(item: Item<'_>) -> Result<Value, Problem> {
    match item {
        Item::Decimal(digits) => digits.parse::<u64>().map(Value::from).map_err(|_| {
            Problem::broken(&digits, "has more digits than a number keeps")
                .hint("shorten it, or map it to a field that takes a text")
        }),
        item => Ok(item.into_json()),
    }
}

/// The check step, and the system's own limit on texts.
pub(super) fn check<'a>(
    field: &FieldPlan,
    item: Item<'a>,
    reserve: usize,
) -> Result<Item<'a>, Problem> {
    let rule = &field.rule.check;
    check_bounds(field, &item)?;
    if !rule.one_of.is_empty() {
        let text = item.text();
        if !rule.one_of.iter().any(|word| same(&word.value, &text)) {
            return Err(not_among(
                &text,
                rule.one_of.iter().map(|word| word.value.as_str()),
            ));
        }
    }
    if let Some((regex, written)) = &rule.pattern {
        let text = item.text();
        if !regex.is_match(&text) {
            return Err(Problem::broken(
                &text,
                format!("does not fit the pattern `{written}`"),
            ));
        }
    }
    let Want::Text { max_length } = field.wanted.want else {
        return Ok(item);
    };
    if max_length.is_none() && rule.max_length.is_none() {
        return Ok(item);
    }
    let graphemes = rule.max_length.map(|most| most.saturating_sub(reserve));
    let scalars = max_length.map(|most| most.saturating_sub(reserve));
    let text = item.text();
    let is_full = |most: Option<usize>| most.is_some_and(|most| most <= reserve);
    if reserve > 0 && (is_full(rule.max_length) || is_full(max_length)) {
        return Err(no_room(reserve));
    }
    if fits(
        &text,
        graphemes.unwrap_or(usize::MAX),
        scalars.unwrap_or(usize::MAX),
    ) {
        drop(text);
        return Ok(item);
    }
    if rule.truncate {
        let cut = truncate(&text, graphemes, scalars, field.markup());
        return Ok(Item::Text(Cow::Owned(cut)));
    }
    let most = graphemes
        .unwrap_or(usize::MAX)
        .min(scalars.unwrap_or(usize::MAX));
    let marker = if reserve > 0 {
        " (the reference line takes its share)"
    } else {
        ""
    };
    Err(
        Problem::new(format!("is longer than {most} characters{marker}"))
            .hint("shorten the cell, or let it be cut: `overflow = \"truncate\"`"),
    )
}

/// A text that may be no longer than the reference line is.
pub(super) fn no_room(line: usize) -> Problem {
    Problem::new(format!(
        "the reference line takes {line} characters and leaves no room for the text"
    ))
    .hint("raise `max_length`, shorten `scope`, or choose another `marker`")
}

fn check_bounds(field: &FieldPlan, item: &Item<'_>) -> Result<(), Problem> {
    let rule = &field.rule.check;
    if rule.min.is_none() && rule.max.is_none() {
        return Ok(());
    }
    let number = match ParseRule::plain(ParseKind::Number).apply(item.clone(), None)? {
        Item::Integer(number) => number as f64,
        Item::Number(number) => number,
        Item::Decimal(digits) => digits.parse().unwrap_or(f64::INFINITY),
        _ => return Ok(()),
    };
    if let Some(min) = rule.min.as_ref().filter(|min| number < min.value) {
        return Err(Problem::broken(
            &item.text(),
            format!("is below {}", min.value),
        ));
    }
    if let Some(max) = rule.max.as_ref().filter(|max| number > max.value) {
        return Err(Problem::broken(
            &item.text(),
            format!("is above {}", max.value),
        ));
    }
    Ok(())
}
