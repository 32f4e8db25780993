//! A mapping file as text with places: every value knows where it stands, and all faults are collected.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::Keys;
use super::literal;
use crate::directory::suggest::{did_you_mean, nearest};
use crate::error::{MappingFault, Snippet};

/// A value of the file and where it begins (a byte offset).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct At<T> {
    /// The value.
    pub(super) value: T,
    /// Where it begins.
    pub(super) at: usize,
}

impl<T> At<T> {
    /// A value at a place.
    pub(super) fn new(value: T, at: usize) -> Self {
        Self { value, at }
    }
}

/// The text of a mapping file under the name that the user gave.
#[derive(Debug)]
pub(super) struct Source {
    /// The file as the user named it.
    pub(super) file: String,
    /// Its text, without a byte-order mark.
    pub(super) text: Arc<str>,
    /// How long that mark was.
    bom: usize,
    /// Where each key and value ends, by where it begins.
    ends: HashMap<usize, usize>,
}

impl Source {
    /// A text whose places are those of its tree.
    pub(super) fn new(file: String, text: Arc<str>, bom: usize, tree: &DeTable<'_>) -> Self {
        let mut ends = HashMap::new();
        note_ends(tree, &mut ends);
        Self {
            file,
            text,
            bom,
            ends,
        }
    }

    /// Line and column from 1, the column in characters.
    fn line_and_column(&self, at: usize) -> (usize, usize) {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[start..].chars().count() + 1)
    }

    /// A fault at a place of the file: the key or value that begins there is underlined.
    pub(super) fn fault(&self, at: usize, message: impl Into<String>) -> MappingFault {
        let end = self.ends.get(&at).copied().unwrap_or(at);
        self.fault_in(at..end, message)
    }

    /// Where a part of the text in quotes that begins at a place stands in the file.
    fn part(&self, at: usize, part: &Range<usize>) -> Option<Range<usize>> {
        let literal = self.text.get(at..*self.ends.get(&at)?)?;
        let place = literal::place(literal, part)?;
        Some(at + place.start..at + place.end)
    }

    /// A fault in a range of the file.
    fn fault_in(&self, range: Range<usize>, message: impl Into<String>) -> MappingFault {
        let (line, column) = self.line_and_column(range.start);
        MappingFault {
            file: self.file.clone(),
            line: Some(line),
            column: Some(column),
            snippet: Some(Snippet {
                text: Arc::clone(&self.text),
                span: range,
                before: self.bom,
            }),
            message: message.into(),
            hint: None,
        }
    }
}

/// Notes where the keys and values of a table end. Where two begin at one place (`a` of `a.b` and the table that
/// it opens) the shorter is what a person points at.
fn note_ends(table: &DeTable<'_>, ends: &mut HashMap<usize, usize>) {
    for (key, value) in table {
        note_end(key.span(), ends);
        note_value(value, ends);
    }
}

fn note_value(value: &Raw<'_>, ends: &mut HashMap<usize, usize>) {
    note_end(value.span(), ends);
    match value.get_ref() {
        DeValue::Table(inner) => note_ends(inner, ends),
        DeValue::Array(items) => items.iter().for_each(|item| note_value(item, ends)),
        _ => {}
    }
}

fn note_end(span: Range<usize>, ends: &mut HashMap<usize, usize>) {
    if !span.is_empty() {
        let end = ends.entry(span.start).or_insert(span.end);
        *end = (*end).min(span.end);
    }
}

/// All faults of a mapping, told together.
#[derive(Debug, Clone)]
pub(super) struct Faults {
    source: Arc<Source>,
    list: Vec<MappingFault>,
    /// What is no valid TOML, one a line.
    syntax: Vec<MappingFault>,
    /// The lines that are none.
    broken: Vec<usize>,
}

impl Faults {
    /// None yet.
    pub(super) fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            list: Vec::new(),
            syntax: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// Adds a fault; the returned place takes a hint.
    pub(super) fn add(&mut self, at: usize, message: impl Into<String>) -> &mut Option<String> {
        self.list.push(self.source.fault(at, message));
        &mut self.list.last_mut().expect("one was pushed").hint
    }

    /// Adds a fault in a part (in bytes) of the text that stands at a place; where that part cannot be found the
    /// whole text is to blame.
    pub(super) fn add_in(
        &mut self,
        at: usize,
        part: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut Option<String> {
        let fault = match self.source.part(at, part) {
            Some(range) => self.source.fault_in(range, message),
            None => self.source.fault(at, message),
        };
        self.list.push(fault);
        &mut self.list.last_mut().expect("one was pushed").hint
    }

    /// Adds a place that is no valid TOML: one a line, the first says it.
    pub(super) fn syntax(&mut self, range: Range<usize>, message: String, hint: Option<String>) {
        let (line, _) = self.source.line_and_column(range.start);
        if !self.broken.contains(&line) {
            self.broken.push(line);
            let fault = self.source.fault_in(range, message);
            self.syntax.push(MappingFault { hint, ..fault });
        }
    }

    /// Whether a part of the file could not be read, so that what seems missing may stand there.
    pub(super) fn has_broken_lines(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Drops those from a number on that are not among the others.
    pub(super) fn keep_common(&mut self, others: &Self, from: usize) {
        let later = self.list.split_off(from.min(self.list.len()));
        let common = later
            .into_iter()
            .filter(|fault| others.list.contains(fault));
        self.list.extend(common);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether a fault only follows from a line that could not be read: one near it, or something that is
    /// missing from the file as a whole.
    fn is_consequence(&self, fault: &MappingFault) -> bool {
        let line = fault.line.unwrap_or(1);
        let is_near = |broken: &usize| broken.abs_diff(line) <= 1;
        !self.broken.is_empty()
            && (self.broken.iter().any(is_near) || fault.message.ends_with("is missing"))
    }

    /// Adds a fault with what to do about it.
    pub(super) fn hint(&mut self, at: usize, message: impl Into<String>, hint: impl Into<String>) {
        *self.add(at, message) = Some(hint.into());
    }

    /// Adds a fault with the nearest of some names, or else all of them when they are few.
    pub(super) fn unknown(&mut self, at: usize, message: String, word: &str, names: &[&str]) {
        let near = did_you_mean(&nearest(word, names.iter().copied()));
        let hint =
            near.or_else(|| (!names.is_empty()).then(|| format!("one of {}", names.join(", "))));
        *self.add(at, message) = hint;
    }

    /// Adds a fault that has no place in the file (a flag of the command line).
    pub(super) fn elsewhere(&mut self, file: &str, message: String, hint: Option<String>) {
        self.list.push(MappingFault {
            file: file.to_owned(),
            line: None,
            column: None,
            snippet: None,
            message,
            hint,
        });
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty() && self.syntax.is_empty()
    }

    /// The faults in the order of the file, each once.
    pub(super) fn into_list(mut self) -> Vec<MappingFault> {
        let list = std::mem::take(&mut self.list);
        let mut all = std::mem::take(&mut self.syntax);
        all.extend(list.into_iter().filter(|fault| !self.is_consequence(fault)));
        all.sort_by_key(|fault| (fault.line, fault.column));
        all.dedup();
        all
    }
}

/// A raw value with its place.
pub(super) type Raw<'a> = Spanned<DeValue<'a>>;

/// A table of the file whose keys are checked against the known ones.
pub(super) struct Section<'t, 'a> {
    table: &'t DeTable<'a>,
    keys: &'static Keys,
    /// Whether it has a key that is none of these.
    pub(super) has_unknown: bool,
    /// Where the table itself stands.
    pub(super) at: usize,
}

impl<'t, 'a> Section<'t, 'a> {
    /// Opens a table: tells unknown keys, with the nearest, and keys that are not built yet.
    pub(super) fn open(
        table: &'t DeTable<'a>,
        at: usize,
        keys: &'static Keys,
        faults: &mut Faults,
    ) -> Self {
        let mut has_unknown = false;
        for (key, _) in table {
            let name: &str = key.get_ref();
            if keys.has(name) {
                continue;
            }
            let start = key.span().start;
            if keys.later.contains(&name) {
                faults.hint(
                    start,
                    format!("`{name}` is not built yet"),
                    "this version cannot do it: leave the key out",
                );
            } else {
                has_unknown = true;
                faults.unknown(
                    start,
                    format!("{} has no key `{name}`", keys.place),
                    name,
                    &keys.names(),
                );
            }
        }
        Self {
            table,
            keys,
            has_unknown,
            at,
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'t Raw<'a>> {
        self.table.get(key)
    }

    /// Where a key stands; the table's own place when it is absent.
    pub(super) fn key_at(&self, key: &str) -> usize {
        self.table
            .get_key_value(key)
            .map_or(self.at, |(key, _)| key.span().start)
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A text.
    pub(super) fn text(&self, key: &str, faults: &mut Faults) -> Option<At<String>> {
        let raw = self.get(key)?;
        match raw.get_ref() {
            DeValue::String(text) => Some(At::new(text.to_string(), raw.span().start)),
            _ => self.wrong(key, raw, "a text in quotes", faults),
        }
    }

    /// `true` or `false`.
    pub(super) fn bool(&self, key: &str, faults: &mut Faults) -> Option<bool> {
        let raw = self.get(key)?;
        match raw.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong(key, raw, "`true` or `false`", faults),
        }
    }

    /// A whole number from 0.
    pub(super) fn count(&self, key: &str, faults: &mut Faults) -> Option<usize> {
        let raw = self.get(key)?;
        integer(raw.get_ref())
            .and_then(|number| usize::try_from(number).ok())
            .or_else(|| self.wrong(key, raw, "a whole number", faults))
    }

    /// A number.
    pub(super) fn number(&self, key: &str, faults: &mut Faults) -> Option<At<f64>> {
        let raw = self.get(key)?;
        number(raw.get_ref())
            .map(|number| At::new(number, raw.span().start))
            .or_else(|| self.wrong(key, raw, "a number", faults))
    }

    /// A list of texts; one text is a list of one.
    pub(super) fn texts(&self, key: &str, faults: &mut Faults) -> Option<Vec<At<String>>> {
        let raw = self.get(key)?;
        match raw.get_ref() {
            DeValue::String(text) => Some(vec![At::new(text.to_string(), raw.span().start)]),
            DeValue::Array(items) => items
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::String(text) => Some(At::new(text.to_string(), item.span().start)),
                    _ => self.wrong(key, item, "a list of texts in quotes", faults),
                })
                .collect(),
            _ => self.wrong(key, raw, "a text or a list of texts", faults),
        }
    }

    /// A text out of some words.
    pub(super) fn word<T: Copy>(
        &self,
        key: &str,
        words: &[(&str, T)],
        faults: &mut Faults,
    ) -> Option<T> {
        let text = self.text(key, faults)?;
        let found = words.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("`{key}` cannot be `{}`", text.value);
            faults.unknown(text.at, message, &text.value, &names);
        }
        found.map(|(_, value)| *value)
    }

    /// A table.
    pub(super) fn table(&self, key: &str, faults: &mut Faults) -> Option<(&'t DeTable<'a>, usize)> {
        let raw = self.get(key)?;
        match raw.get_ref() {
            DeValue::Table(table) => Some((table, raw.span().start)),
            _ => self.wrong(key, raw, "a table", faults),
        }
    }

    /// Tells that a value is of the wrong type.
    pub(super) fn wrong<T>(
        &self,
        key: &str,
        raw: &Raw<'_>,
        wanted: &str,
        faults: &mut Faults,
    ) -> Option<T> {
        let message = format!(
            "`{key}` of {} must be {wanted}, not {}",
            self.keys.place,
            type_name(raw.get_ref())
        );
        let known = self.keys.iter().find(|known| known.name == key);
        let doc = known.map(|known| format!("what it is for: {}", known.doc));
        *faults.add(raw.span().start, message) = doc;
        None
    }
}

/// A TOML integer that fits.
pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A TOML integer or float.
pub(super) fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(_) => integer(value).map(|number| number as f64),
        DeValue::Float(float) => float.as_str().parse().ok().filter(|f: &f64| f.is_finite()),
        _ => None,
    }
}

/// What kind of value it is, for people.
pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The entries of a table in the order of the file.
pub(super) fn in_order<'t, 'a>(
    table: &'t DeTable<'a>,
) -> Vec<(&'t str, Range<usize>, &'t Raw<'a>)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
        .collect();
    entries.sort_by_key(|(_, span, _)| span.start);
    entries
}
