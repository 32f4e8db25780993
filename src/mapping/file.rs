//! A mapping file as text with places: every value knows where it stands, and all faults are collected.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{Key, Keys};
use super::{literal, syntax};
use crate::directory::suggest::{did_you_mean, nearest};
use crate::error::{Error, MappingFault, Result, Snippet};
use crate::infile;
use crate::unicode::shown;

/// A value of the file and where it begins (a byte offset).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct At<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it begins.
    pub(crate) at: usize,
}

impl<T> At<T> {
    /// A value at a place.
    pub(crate) fn new(value: T, at: usize) -> Self {
        Self { value, at }
    }
}

/// The text of a file; `what` says what it is, in messages.
pub(crate) fn text_of(path: &Path, what: &str) -> Result<String> {
    let name = path.display();
    let bytes = infile::read(path, infile::MOST_WORDS).map_err(|error| {
        Error::usage(format!("{what} cannot be read"))
            .at(&name)
            .caused_by(error)
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::usage(format!("{what} is no UTF-8: byte {} is wrong", at + 1))
            .at(&name)
            .hint("save it as UTF-8 (in the Windows editor: Save as, Encoding UTF-8)")
    })
}

/// The text of a file, before it is known whether it is TOML.
pub(crate) struct Text {
    file: String,
    text: Arc<str>,
    bom: usize,
}

impl Text {
    pub(crate) fn new(file: String, text: String) -> Self {
        let rest = text.strip_prefix('\u{feff}').unwrap_or(&text);
        Self {
            file,
            bom: text.len() - rest.len(),
            text: Arc::from(rest),
        }
    }

    /// Its tree as far as it can be read, and what is no TOML in it.
    pub(crate) fn parse(&self) -> (Spanned<DeTable<'_>>, Arc<Source>, Faults) {
        let (root, mut errors) = DeTable::parse_recoverable(&self.text);
        let text = Arc::clone(&self.text);
        let source = Source::new(self.file.clone(), text, self.bom, root.get_ref());
        let source = Arc::new(source);
        let mut faults = Faults::new(Arc::clone(&source));
        errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
        for error in &errors {
            let (range, message, hint) = syntax::explain(error, &self.text);
            faults.syntax(range, message, hint);
        }
        (root, source, faults)
    }
}

/// The text of a mapping file under the name that the user gave.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file as the user named it.
    pub(crate) file: String,
    /// Its text, without a byte-order mark.
    pub(crate) text: Arc<str>,
    /// How long that mark was.
    bom: usize,
    /// Where each key and value ends, by where it begins.
    ends: HashMap<usize, usize>,
}

impl Source {
    /// A text whose places are those of its tree.
    pub(crate) fn new(file: String, text: Arc<str>, bom: usize, tree: &DeTable<'_>) -> Self {
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
    pub(crate) fn fault(&self, at: usize, message: impl Into<String>) -> MappingFault {
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
            message: shown(message.into()),
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
pub(crate) struct Faults {
    source: Arc<Source>,
    list: Vec<MappingFault>,
    /// What is no valid TOML, one a line.
    syntax: Vec<MappingFault>,
    /// The lines that are none.
    broken: Vec<usize>,
    /// How often the form was wrong: an unknown key or word, a value of the wrong type, a key that is missing or too many.
    formal: usize,
}

impl Faults {
    /// None yet.
    pub(crate) fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            list: Vec::new(),
            syntax: Vec::new(),
            broken: Vec::new(),
            formal: 0,
        }
    }

    /// Notes that the form of the file is wrong, which is told besides.
    pub(crate) fn formal(&mut self) {
        self.formal += 1;
    }

    /// Whether the form of the file is wrong: what its JSON Schema refuses too.
    #[cfg(test)]
    pub(crate) fn is_form_wrong(&self) -> bool {
        self.formal > 0
    }

    /// Adds a fault; the returned place takes a hint.
    pub(crate) fn add(&mut self, at: usize, message: impl Into<String>) -> &mut Option<String> {
        self.list.push(self.source.fault(at, message));
        &mut self.list.last_mut().expect("one was pushed").hint
    }

    /// Adds a fault in a part (in bytes) of the text that stands at a place; where that part cannot be found the
    /// whole text is to blame.
    pub(crate) fn add_in(
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
    pub(crate) fn syntax(&mut self, range: Range<usize>, message: String, hint: Option<String>) {
        let (line, _) = self.source.line_and_column(range.start);
        if !self.broken.contains(&line) {
            self.broken.push(line);
            let fault = self.source.fault_in(range, message);
            self.syntax.push(MappingFault { hint, ..fault });
        }
    }

    /// Whether a part of the file could not be read, so that what seems missing may stand there.
    pub(crate) fn has_broken_lines(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Drops those from a number on that are not among the others.
    pub(crate) fn keep_common(&mut self, others: &Self, from: usize) {
        let later = self.list.split_off(from.min(self.list.len()));
        let common = later
            .into_iter()
            .filter(|fault| others.list.contains(fault));
        self.list.extend(common);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
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
    pub(crate) fn hint(&mut self, at: usize, message: impl Into<String>, hint: impl Into<String>) {
        *self.add(at, message) = Some(hint.into());
    }

    /// Adds a fault with the nearest of some names, or else all of them when they are few.
    pub(crate) fn unknown(&mut self, at: usize, message: String, word: &str, names: &[&str]) {
        let near = did_you_mean(&nearest(word, names.iter().copied()));
        let hint =
            near.or_else(|| (!names.is_empty()).then(|| format!("one of {}", names.join(", "))));
        *self.add(at, message) = hint;
    }

    /// Adds a fault that has no place in the file (a flag of the command line).
    pub(crate) fn elsewhere(&mut self, file: &str, message: String, hint: Option<String>) {
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
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty() && self.syntax.is_empty()
    }

    /// The faults in the order of the file, each once.
    pub(crate) fn into_list(mut self) -> Vec<MappingFault> {
        let list = std::mem::take(&mut self.list);
        let mut all = std::mem::take(&mut self.syntax);
        all.extend(list.into_iter().filter(|fault| !self.is_consequence(fault)));
        all.sort_by_key(|fault| (fault.line, fault.column));
        all.dedup();
        for fault in &mut all {
            fault.hint = fault.hint.take().map(shown);
        }
        all
    }
}

/// A raw value with its place.
pub(crate) type Raw<'a> = Spanned<DeValue<'a>>;

/// A table of the file whose keys are checked against the known ones.
pub(crate) struct Section<'t, 'a> {
    table: &'t DeTable<'a>,
    keys: &'static Keys,
    /// Whether it has a key that is none of these.
    pub(crate) has_unknown: bool,
    /// Where the table itself stands.
    pub(crate) at: usize,
}

impl<'t, 'a> Section<'t, 'a> {
    /// Opens a table: tells unknown keys, with the nearest, and keys that are not built yet.
    pub(crate) fn open(
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
            faults.formal();
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
        let section = Self {
            table,
            keys,
            has_unknown,
            at,
        };
        for demand in keys.demands {
            // What is missing its readers tell, each in its own words.
            if !demand.is_met(|key| section.counts(key)) {
                faults.formal();
            }
        }
        section
    }

    /// Whether a key is there, and is not `false`.
    fn counts(&self, key: &str) -> bool {
        let value = self.get(key).map(|raw| raw.get_ref());
        value.is_some() && !matches!(value, Some(DeValue::Boolean(false)))
    }

    /// The keys that the table takes.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static Key> + use<'t, 'a> {
        self.keys.iter()
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&'t Raw<'a>> {
        self.table.get(key)
    }

    /// Where a key stands; the table's own place when it is absent.
    pub(crate) fn key_at(&self, key: &str) -> usize {
        self.table
            .get_key_value(key)
            .map_or(self.at, |(key, _)| key.span().start)
    }

    /// Whether a key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A text.
    pub(crate) fn text(&self, key: &str, faults: &mut Faults) -> Option<At<String>> {
        let raw = self.get(key)?;
        match written(raw.get_ref()) {
            Some(text) => Some(At::new(text, raw.span().start)),
            None => self.wrong(key, raw, "a text in quotes", faults),
        }
    }

    /// `true` or `false`.
    pub(crate) fn bool(&self, key: &str, faults: &mut Faults) -> Option<bool> {
        let raw = self.get(key)?;
        match raw.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong(key, raw, "`true` or `false`", faults),
        }
    }

    /// A whole number from 0.
    pub(crate) fn count(&self, key: &str, faults: &mut Faults) -> Option<usize> {
        let raw = self.get(key)?;
        integer(raw.get_ref())
            .and_then(|number| usize::try_from(number).ok())
            .or_else(|| self.wrong(key, raw, "a whole number", faults))
    }

    /// A number.
    pub(crate) fn number(&self, key: &str, faults: &mut Faults) -> Option<At<f64>> {
        let raw = self.get(key)?;
        number(raw.get_ref())
            .map(|number| At::new(number, raw.span().start))
            .or_else(|| self.wrong(key, raw, "a number", faults))
    }

    /// A list of texts; one text is a list of one.
    pub(crate) fn texts(&self, key: &str, faults: &mut Faults) -> Option<Vec<At<String>>> {
        let raw = self.get(key)?;
        match raw.get_ref() {
            DeValue::Array(items) => items
                .iter()
                .map(|item| match written(item.get_ref()) {
                    Some(text) => Some(At::new(text, item.span().start)),
                    None => self.wrong(key, item, "a list of texts in quotes", faults),
                })
                .collect(),
            value => match written(value) {
                Some(text) => Some(vec![At::new(text, raw.span().start)]),
                None => self.wrong(key, raw, "a text or a list of texts", faults),
            },
        }
    }

    /// A text out of some words.
    pub(crate) fn word<T: Copy>(
        &self,
        key: &str,
        words: &[(&str, T)],
        faults: &mut Faults,
    ) -> Option<T> {
        let text = self.text(key, faults)?;
        let found = words.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            faults.formal();
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("`{key}` cannot be `{}`", text.value);
            faults.unknown(text.at, message, &text.value, &names);
        }
        found.map(|(_, value)| *value)
    }

    /// A table.
    pub(crate) fn table(&self, key: &str, faults: &mut Faults) -> Option<(&'t DeTable<'a>, usize)> {
        let raw = self.get(key)?;
        match raw.get_ref() {
            DeValue::Table(table) => Some((table, raw.span().start)),
            _ => self.wrong(key, raw, "a table", faults),
        }
    }

    /// Tells that a value is of the wrong type.
    pub(crate) fn wrong<T>(
        &self,
        key: &str,
        raw: &Raw<'_>,
        wanted: &str,
        faults: &mut Faults,
    ) -> Option<T> {
        faults.formal();
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

/// A text; a date that stands without quotes is one too, as it is written.
pub(crate) fn written(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Datetime(at) => Some(at.to_string()),
        _ => None,
    }
}

/// A TOML integer that fits, or a float without a fraction.
pub(crate) fn integer(value: &DeValue<'_>) -> Option<i64> {
    if let DeValue::Float(float) = value {
        let number: f64 = float.as_str().replace('_', "").parse().ok()?;
        return (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    }
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A TOML integer or float.
pub(crate) fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(_) => integer(value).map(|number| number as f64),
        DeValue::Float(float) => {
            let number = float.as_str().replace('_', "").parse().ok();
            number.filter(|f: &f64| f.is_finite())
        }
        _ => None,
    }
}

/// What kind of value it is, for people.
pub(crate) fn type_name(value: &DeValue<'_>) -> &'static str {
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
pub(crate) fn in_order<'t, 'a>(
    table: &'t DeTable<'a>,
) -> Vec<(&'t str, Range<usize>, &'t Raw<'a>)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
        .collect();
    entries.sort_by_key(|(_, span, _)| span.start);
    entries
}
