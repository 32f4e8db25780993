//! The lines of `[fields]`.

use std::collections::BTreeSet;

use super::close::{self, State};
use super::draft::{Line, Unknown};
use super::matching::{Match, Reason, choice, wants_address};
use super::words::likeness;
use super::{Guess, content, facts, told, toml};
use crate::directory::Directory;
use crate::record::fold;
use crate::systems::fields::{Field, FieldTable, FieldType, Setting, called};

/// So many values are written into a `map`.
const MOST_MAPPED: usize = 40;
/// So many names are proposed.
pub(super) const PROPOSED: usize = 6;
/// The longest title where the system names no limit.
const TITLE_LENGTH: usize = 255;
/// The longest title that is made of something else.
const MADE_TITLE_LENGTH: usize = 120;

/// The fields of a guess.
pub(super) struct Fields {
    pub(super) lines: Vec<Line>,
    /// The columns that are read.
    pub(super) read: BTreeSet<usize>,
    /// Whether a field wants moments and the file's times name no zone.
    pub(super) needs_zone: bool,
    /// How far each ticket was.
    pub(super) state: State,
    /// Names of the input that the system does not know.
    pub(super) names: Vec<Unknown>,
}

/// Makes the lines of all fields.
pub(super) fn fields(guess: &Guess<'_>, table: &FieldTable, matches: Vec<Match>) -> Fields {
    let mut maker = Maker {
        guess,
        table,
        matches,
        read: BTreeSet::new(),
        needs_zone: false,
        names: Vec::new(),
    };
    maker.add_state();
    maker.add_texts();
    let mut lines: Vec<Line> = Vec::new();
    for (position, field) in table.fields.iter().enumerate() {
        if matches!(field.setting, Setting::Never(_)) || field.name == table.description {
            continue;
        }
        let found = maker
            .matches
            .iter()
            .find(|found| found.field == position)
            .cloned();
        lines.extend(match found {
            Some(found) => maker.matched(field, &found),
            None => maker.unmatched(field),
        });
    }
    lines.extend(super::custom::lines(&mut maker));
    let state = maker.closing();
    let text = maker.column_of(table.description);
    let mut taken = maker.read.clone();
    taken.extend(text);
    taken.extend(guess.reserved);
    let listed = facts::columns(guess, table, &taken);
    maker.read.extend(text);
    maker.read.extend(&listed);
    // After what is required, where a person looks for it.
    let place = lines
        .iter()
        .position(|line| line.is_proposed)
        .unwrap_or(lines.len())
        .min(2);
    let title = title(table).and_then(|title| maker.column_of(title.name));
    let mut fields = table.fields.iter();
    if let Some(field) = fields.find(|field| field.name == table.description) {
        let mut description = facts::line(guess, field, text, &listed, title);
        if let Some(found) = maker.match_of(field.name) {
            description.why.insert(0, told(guess, found));
        }
        lines.insert(place, description);
    }
    Fields {
        state,
        names: maker.names,
        lines,
        read: maker.read,
        needs_zone: maker.needs_zone,
    }
}

/// Makes lines, and remembers which columns they read.
pub(super) struct Maker<'a> {
    pub(super) guess: &'a Guess<'a>,
    pub(super) table: &'a FieldTable,
    pub(super) matches: Vec<Match>,
    pub(super) read: BTreeSet<usize>,
    needs_zone: bool,
    pub(super) names: Vec<Unknown>,
}

impl Maker<'_> {
    pub(super) fn match_of(&self, name: &str) -> Option<&Match> {
        let position = self
            .table
            .fields
            .iter()
            .position(|field| field.name == name)?;
        self.matches.iter().find(|found| found.field == position)
    }

    fn column_of(&self, name: &str) -> Option<usize> {
        self.match_of(name)?.columns.first().copied()
    }

    pub(super) fn directory(&self) -> Option<&Directory> {
        self.guess.seen.directory
    }

    pub(super) fn is_free(&self, at: usize) -> bool {
        !self.guess.reserved.contains(&at)
            && !self.matches.iter().any(|found| found.columns.contains(&at))
    }

    /// A description and a title by their content, where no heading says which column they are.
    fn add_texts(&mut self) {
        let key = self.guess.key.column();
        let texts: Vec<usize> = (0..self.guess.sample.columns.len())
            .filter(|at| {
                let column = &self.guess.sample.columns[*at];
                self.is_free(*at)
                    && key != Some(*at)
                    && column.filled * 2 > self.guess.sample.rows
                    && column.is_text()
                    && self.guess.dates[*at].is_none()
                    && content::addresses(column) < 0.5
            })
            .collect();
        let column = |at: usize| &self.guess.sample.columns[at];
        let longest = texts
            .iter()
            .copied()
            .filter(|at| column(*at).mean_length() > 40.0)
            .max_by(|a, b| {
                column(*a)
                    .mean_length()
                    .total_cmp(&column(*b).mean_length())
            });
        let mut used = None;
        if self.match_of(self.table.description).is_none()
            && let Some(at) = longest
        {
            used = Some(at);
            self.add(self.table.description, at, Reason::Longest);
        }
        let Some(title) = title(self.table) else {
            return;
        };
        let shortest = texts
            .iter()
            .copied()
            .filter(|at| used != Some(*at))
            .filter(|at| (8.0..=120.0).contains(&column(*at).mean_length()))
            // The same few troubles come again and again.
            .filter(|at| column(*at).distinct * 20 > column(*at).filled)
            .map(|at| (content::titles(column(at)), at))
            .filter(|(likely, _)| *likely >= 0.3)
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
            .map(|(_, at)| at);
        if self.match_of(title.name).is_none()
            && let Some(at) = shortest
        {
            self.add(title.name, at, Reason::Shortest);
        }
    }

    /// The column of the states feeds the field that sets them, also where few of its words are known: they are asked about.
    fn add_state(&mut self) {
        let is_state = |field: &&Field| {
            field.called == called::STATUS && matches!(field.kind, FieldType::Choice(_))
        };
        let Some(field) = self.table.fields.iter().find(is_state) else {
            return;
        };
        let columns = &self.guess.sample.columns;
        let Some(at) = close::column(columns, |at| !self.guess.reserved.contains(&at)) else {
            return;
        };
        let name = field.name;
        match self.match_of(name).map(|found| found.columns.clone()) {
            Some(columns) if columns == [at] => {}
            found => {
                self.matches
                    .retain(|other| Some(&other.columns) != found.as_ref());
                if self.is_free(at) {
                    self.add(name, at, Reason::State);
                }
            }
        }
    }

    fn add(&mut self, name: &str, at: usize, reason: Reason) {
        let position = self
            .table
            .fields
            .iter()
            .position(|field| field.name == name);
        self.matches.extend(position.map(|field| Match {
            field,
            columns: vec![at],
            score: 0.0,
            reasons: vec![reason],
            resolved: None,
        }));
    }

    /// The line of a field that has a column.
    fn matched(&mut self, field: &Field, found: &Match) -> Option<Line> {
        let line = match &field.kind {
            FieldType::Text { max_length } => Some(self.text(field, found, *max_length)),
            FieldType::Bool => Some(self.plain(field, found, ", parse = \"bool\"")),
            FieldType::Integer => Some(self.plain(field, found, ", parse = \"integer\"")),
            FieldType::Number => Some(self.plain(field, found, ", parse = \"number\"")),
            FieldType::Date | FieldType::DateTime => self.date(field, found),
            FieldType::Choice(words) => Some(self.word(field.name, &found.columns, words, "")),
            FieldType::Reference(kind) => self.reference(field, *kind, found),
            FieldType::List(inner) => match inner.as_ref() {
                FieldType::Reference(kind) => self.reference(field, *kind, found),
                _ => Some(self.plain(field, found, "")),
            },
        };
        let line = line?;
        let line = match found.reasons.is_empty() {
            true => line,
            false => Line {
                why: [vec![told(self.guess, found)], line.why.clone()].concat(),
                ..line
            },
        };
        if line.is_proposed {
            return Some(line);
        }
        self.read.extend(&found.columns);
        Some(match field.setting {
            Setting::Step(_) => line.why("Set by a further request."),
            _ => line,
        })
    }

    pub(super) fn from(&self, columns: &[usize]) -> String {
        match columns {
            [at] => toml::text(self.guess.name(*at)),
            several => toml::list(several.iter().map(|at| self.guess.name(*at))),
        }
    }

    /// `split`, for a field that takes several values.
    pub(super) fn split(&self, field: &Field, found: &Match) -> (String, Option<String>) {
        let column = &self.guess.sample.columns[found.columns[0]];
        if !matches!(field.kind, FieldType::List(_)) || column.lists > 0 {
            return (String::new(), None);
        }
        match content::separator(column) {
            Some(sign) => (
                format!(", split = {}, unique = true", toml::text(sign)),
                Some(format!(
                    "Several values in a cell, parted by {}.",
                    toml::text(sign)
                )),
            ),
            None => (String::new(), None),
        }
    }

    pub(super) fn plain(&self, field: &Field, found: &Match, steps: &str) -> Line {
        let (split, why) = self.split(field, found);
        let line = Line::new(
            field.name,
            format!("{{ from = {}{split}{steps} }}", self.from(&found.columns)),
        );
        why.into_iter().fold(line, Line::why)
    }

    fn text(&mut self, field: &Field, found: &Match, max_length: Option<usize>) -> Line {
        let at = found.columns[0];
        if wants_address(field) {
            let all = content::addresses(&self.guess.sample.columns[at]);
            let from = self.from(&found.columns);
            return match all >= 1.0 {
                true => Line::new(field.name, format!("{{ from = {from}, lower = true }}")),
                false => Line::new(
                    field.name,
                    format!(
                        "{{ from = {from}, extract = '([^@\\s<>,;]+@[^@\\s<>,;]+)', lower = true }}"
                    ),
                )
                .why("Some cells hold no address: for them it stays empty."),
            };
        }
        if title(self.table).is_none_or(|title| title.name != field.name) {
            return self.plain(field, found, "");
        }
        let cut = cut(max_length.unwrap_or(TITLE_LENGTH));
        let instead = self
            .column_of(self.table.description)
            .filter(|_| !self.guess.is_full(at));
        match instead {
            Some(other) => {
                self.read.insert(other);
                let both = toml::list([self.guess.name(at), self.guess.name(other)]);
                Line::new(field.name, format!("{{ from_first = {both}, {cut} }}"))
                    .why("Where it is empty, the text begins the title.")
            }
            None => Line::new(
                field.name,
                format!("{{ from = {}, {cut} }}", self.from(&found.columns)),
            ),
        }
    }

    fn date(&mut self, field: &Field, found: &Match) -> Option<Line> {
        let dates = self.guess.dates[found.columns[0]].as_ref()?;
        if !dates.others.is_empty() {
            return None;
        }
        self.needs_zone |= field.kind == FieldType::DateTime && !dates.has_zone;
        Some(self.plain(field, found, ""))
    }

    /// A field that takes one of some words, by its name and the columns that it comes from.
    pub(super) fn word(
        &self,
        name: &str,
        columns: &[usize],
        options: &[&str],
        resolve: &str,
    ) -> Line {
        let column = &self.guess.sample.columns[columns[0]];
        let from = self.from(columns);
        if column
            .values
            .iter()
            .all(|(value, _)| options.iter().any(|option| fold(option) == fold(value)))
        {
            return Line::new(name, format!("{{ from = {from}{resolve} }}"))
                .why("All its words are words of the system.");
        }
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        let mut unknown: Vec<&str> = Vec::new();
        for (value, _) in column.values.iter().take(MOST_MAPPED) {
            match choice(value, options) {
                Some(option) => pairs.push((value, option)),
                None => unknown.push(value),
            }
        }
        pairs.sort_by_key(|(_, to)| options.iter().position(|option| option == to));
        if let ([], [first, ..]) = (pairs.as_slice(), options) {
            // Something to fill in stands there.
            let shown = unknown.iter().take(3);
            pairs.extend(shown.map(|word| (*word, *first)));
            let line = Line::new(
                name,
                format!("{{ from = {from}, map = {}{resolve} }}", toml::table(pairs)),
            );
            return Line {
                is_proposed: true,
                ..line.todo(format!(
                    "what do {} mean? The system has {}; until they are in the table nothing sets it",
                    quoted(&unknown),
                    quoted(options)
                ))
            };
        }
        let map = toml::table(pairs);
        let (otherwise, todo) = match unknown.as_slice() {
            [] => (
                "",
                "look whether the words on the right are what you mean".to_owned(),
            ),
            words => (
                ", else = { do = \"skip_field\" }",
                format!(
                    "what do {} mean? The system has {}; until they are in the table the field is left out for them",
                    quoted(words),
                    quoted(options)
                ),
            ),
        };
        Line::new(
            name,
            format!("{{ from = {from}, map = {map}{otherwise}{resolve} }}"),
        )
        .todo(todo)
    }

    /// The line of a field that has no column: only what the system demands needs one.
    fn unmatched(&mut self, field: &Field) -> Option<Line> {
        if !field.required {
            return None;
        }
        if let FieldType::Reference(kind) = field.kind {
            return Some(self.constant(field, kind));
        }
        if title(self.table).is_some_and(|title| title.name == field.name) {
            return Some(self.made_title(field));
        }
        Some(Line::new(field.name, "{ value = \"TODO\" }").todo("no column seems to hold it"))
    }

    /// A title for rows that have none: the beginning of the text, or what names and files the row.
    fn made_title(&mut self, field: &Field) -> Line {
        let cut = cut(MADE_TITLE_LENGTH);
        if let Some(at) = self.column_of(self.table.description) {
            self.read.insert(at);
            let from = toml::text(self.guess.name(at));
            return Line::new(field.name, format!("{{ from = {from}, {cut} }}"))
                .why("No column looks like a title, so the text begins it.");
        }
        let parts = self.naming_columns();
        self.read.extend(&parts);
        if parts.is_empty() {
            return Line::new(field.name, "{ value = \"TODO\" }")
                .todo("no column looks like a title");
        }
        let from = toml::list(parts.iter().map(|at| self.guess.name(*at)));
        Line::new(
            field.name,
            format!("{{ from = {from}, join = \": \", {cut} }}"),
        )
        .why("No column looks like a title, so it is made of what names and files the row.")
        .todo("is that what people should read first?")
    }

    /// The key, and the two columns of few words that say most.
    fn naming_columns(&self) -> Vec<usize> {
        let key = self.guess.key.column();
        let filing = (0..self.guess.sample.columns.len()).filter(|at| {
            let column = &self.guess.sample.columns[*at];
            Some(*at) != key && likeness(&column.name, called::ISSUE).is_some() && column.filled > 0
        });
        key.into_iter().chain(filing.take(2)).collect()
    }
}

/// The field of the title: what such columns are called says which it is.
fn title(table: &FieldTable) -> Option<&Field> {
    table
        .fields
        .iter()
        .find(|field| field.called.contains(&"title"))
}

/// The steps that make one line of a text, however long it is.
fn cut(length: usize) -> String {
    format!("collapse = true, max_length = {length}, overflow = \"truncate\"")
}

/// Words for a comment.
pub(super) fn quoted(words: &[&str]) -> String {
    let shown: Vec<String> = words
        .iter()
        .take(PROPOSED + 2)
        .map(|word| format!("`{word}`"))
        .collect();
    shown.join(", ")
}
