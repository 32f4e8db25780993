//! What is done to tickets that are there: the operation, which ticket a row is about, and what follows, as it is
//! written.

use std::sync::Arc;

use toml::de::DeValue;

use super::each::{EachRule, read_each};
use super::field::{Fields, read_field};
use super::file::{At, Faults, Section};
use super::keys;
use super::load::{Reading, read_key};
use super::shape::FieldRule;
use super::slots::ItemIs;
use crate::systems::Operation;

/// `target = { … }`.
#[derive(Debug)]
pub(super) struct TargetRule {
    pub(super) parts: Vec<Arc<FieldRule>>,
    /// Whether the ticket is named by the key of the row that made it.
    pub(super) by_key: bool,
    /// The scope of that key; `None`: this mapping's own.
    pub(super) scope: Option<String>,
}

/// An entry of `[[then]]`.
#[derive(Debug)]
pub(super) struct ThenRule {
    /// Where it stands among them, from 1.
    pub(super) number: usize,
    pub(super) at: usize,
    pub(super) operation: At<Operation>,
    pub(super) when: Option<At<String>>,
    pub(super) each: Option<EachRule>,
    /// What fields mean by `item`: an item as soon as `each` is written, whatever is wrong with it.
    pub(super) item_is: ItemIs,
    pub(super) fields: Vec<Arc<FieldRule>>,
}

/// Reads `operation`.
pub(super) fn read_operation(top: &Section<'_, '_>, faults: &mut Faults) -> Operation {
    if !top.has("operation") {
        faults.hint(
            0,
            "`operation` is missing",
            "write `operation = \"create\"`",
        );
    }
    let Some(written) = top.text("operation", faults) else {
        return Operation::Create;
    };
    let word = written.value.as_str();
    let known = Operation::parse(word);
    if known.is_none() {
        faults.formal();
        let message = format!("`operation` cannot be `{word}`");
        let words = Operation::ALL.map(Operation::as_str);
        faults.unknown(written.at, message, word, &words);
    }
    known.unwrap_or(Operation::Create)
}

/// Reads `target`, which every operation needs that makes no ticket.
pub(super) fn read_target(
    top: &Section<'_, '_>,
    operation: Operation,
    reading: &mut Reading,
    faults: &mut Faults,
) -> Option<TargetRule> {
    let acts = !operation.makes();
    if !top.has("target") {
        if acts {
            faults.hint(
                top.key_at("operation"),
                format!("`target` is missing: which ticket is to be {}?", operation.done()),
                "write `target = { from = \"Ticket ID\" }`, or `target = { key = [\"Ticket #\"], scope = \"…\" }` for what an earlier import made",
            );
        }
        return None;
    }
    let (table, at) = top.table("target", faults)?;
    let section = Section::open(table, at, &keys::TARGET, faults);
    if !acts {
        faults.hint(
            top.key_at("target"),
            "`target` is for operations on tickets that are there: `create` and `upsert` make their own",
            "leave it out, or choose another `operation`",
        );
        return None;
    }
    let by_key = section.has("key");
    let names = ["from", "template"].into_iter().any(|key| section.has(key));
    if by_key && names {
        faults.hint(
            at,
            "`target` names the ticket twice",
            "leave `key` out, or what else names it",
        );
    }
    let scope = section.text("scope", faults).map(|scope| scope.value);
    if scope.is_some() && !by_key {
        faults.hint(
            section.key_at("scope"),
            "`scope` in `target` needs `key`",
            "an id or a number needs no scope",
        );
    }
    let parts = match by_key {
        true => read_key(&section, reading, faults).unwrap_or_default(),
        false => {
            let name = At::new("target".to_owned(), at);
            vec![read_field(name, &section, reading, faults)]
        }
    };
    Some(TargetRule {
        parts: parts.into_iter().map(Arc::new).collect(),
        by_key,
        scope,
    })
}

/// Reads all of `[[then]]`.
pub(super) fn read_thens(
    top: &Section<'_, '_>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> Vec<ThenRule> {
    let Some(raw) = top.get("then") else {
        return Vec::new();
    };
    let DeValue::Array(items) = raw.get_ref() else {
        top.wrong::<()>("then", raw, "a list: write `[[then]]` above each", faults);
        return Vec::new();
    };
    let mut thens = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let at = item.span().start;
        let DeValue::Table(table) = item.get_ref() else {
            top.wrong::<()>("then", item, "a table", faults);
            continue;
        };
        let section = Section::open(table, at, &keys::THEN, faults);
        thens.extend(read_then(index + 1, at, &section, reading, faults));
    }
    thens
}

fn read_then(
    number: usize,
    at: usize,
    section: &Section<'_, '_>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> Option<ThenRule> {
    let words: Vec<(&str, Operation)> = Operation::ALL
        .into_iter()
        .filter(|operation| !operation.makes())
        .map(|operation| (operation.as_str(), operation))
        .collect();
    if !section.has("operation") {
        let message = "this `[[then]]` does not say what is done next";
        faults.hint(at, message, "for example `operation = \"comment\"`");
    }
    let operation = section.word("operation", &words, faults);
    let mut fields = Fields::default();
    if let Some((table, _)) = section.table("fields", faults) {
        fields.read(table, "", reading, faults);
    }
    let when = section.text("when", faults);
    let each = read_each(section, &keys::EACH, reading, faults);
    let item_is = match &each {
        Some(EachRule::Group(_)) => ItemIs::Row,
        _ if section.has("each") => ItemIs::Value,
        _ => ItemIs::Column,
    };
    Some(ThenRule {
        number,
        at,
        operation: At::new(operation?, section.key_at("operation")),
        when,
        each,
        item_is,
        fields: fields.rules.into_iter().map(Arc::new).collect(),
    })
}
