//! The resolve step: a name becomes the id of what it names, or it is told why not.

use std::collections::HashMap;
use std::sync::RwLock;

use super::parse::Problem;
use super::shape::Instead;
use crate::directory::suggest::{did_you_mean, fold};
use crate::directory::{Directory, Entry, Found, Kind};
use crate::error::{Missing, Rule};
use crate::event::UnfitBy;
use crate::report::words;

/// A compiled resolve step.
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) kind: Kind,
    pub(super) by: Vec<String>,
    /// The field (its position in the plan) whose id restricts the candidates, and its name.
    pub(super) within: Option<(usize, String)>,
    /// By folded word.
    pub(super) aliases: HashMap<String, String>,
    pub(super) missing: Instead,
    pub(super) ambiguous: Instead,
}

/// What a name became.
#[derive(Debug, PartialEq)]
pub(super) enum Resolved {
    /// An id.
    Id(String),
    /// The id of the name that `missing` or `ambiguous` gives instead: (id, name).
    Instead(String, String),
    /// The field is left out, for why.
    SkipField(UnfitBy),
    /// One value of a list is left out.
    SkipItem(UnfitBy),
    /// The row is left out.
    SkipRow(String),
    /// It cannot be told.
    Faulty(Problem),
}

/// Hints for names that are missing, so that one that stands in a hundred thousand rows is searched once.
#[derive(Debug, Default)]
pub(super) struct Hints(RwLock<HashMap<Miss, Option<String>>>);

/// A name that is missing: its kind, itself, and the id that it was to be found within.
type Miss = (Kind, String, Option<String>);

/// So many hints are kept.
const KEPT: usize = 10_000;

impl Hints {
    fn get(
        &self,
        directory: &Directory,
        kind: Kind,
        text: &str,
        within: Option<&str>,
    ) -> Option<String> {
        let key = (kind, text.to_owned(), within.map(str::to_owned));
        if let Ok(kept) = self.0.read()
            && let Some(hint) = kept.get(&key)
        {
            return hint.clone();
        }
        let hint = did_you_mean(&directory.nearest(kind, text, within));
        if let Ok(mut kept) = self.0.write()
            && kept.len() < KEPT
        {
            kept.insert(key, hint.clone());
        }
        hint
    }
}

impl Resolver {
    /// Resolves one name; `within` is the id of the field that restricts it.
    pub(super) fn resolve(
        &self,
        directory: &Directory,
        hints: &Hints,
        text: &str,
        within: Option<&str>,
    ) -> Resolved {
        let text = text.trim();
        let alias = match self.aliases.is_empty() {
            true => None,
            false => self.aliases.get(&fold(text)),
        };
        let name = alias.map_or(text, String::as_str);
        let found = match directory.look_up(self.kind, name, &self.by, within) {
            found @ (Found::One(_) | Found::Ambiguous(_)) => found,
            // What is offered for one of several namesakes.
            found => match directory.labelled(self.kind, name, within) {
                Some(entry) => Found::One(entry),
                None => found,
            },
        };
        match found {
            Found::One(entry) => Resolved::Id(entry.id.clone()),
            Found::Ambiguous(entries) => {
                let by = (&self.ambiguous, UnfitBy::Ambiguous);
                self.instead(directory, by, within, || Problem {
                    missing: Some(self.missing(text)),
                    ..ambiguous(directory, self.kind, text, &entries)
                })
            }
            Found::Missing(_) => {
                self.instead(directory, (&self.missing, UnfitBy::Names), within, || {
                    let place = match (&self.within, within) {
                        (Some((_, field)), Some(_)) => format!(" within the row's `{field}`"),
                        _ => String::new(),
                    };
                    let hint = self
                        .elsewhere(directory, name, within)
                        .or_else(|| hints.get(directory, self.kind, name, within));
                    Problem {
                        message: format!("no {} `{text}`{place}", self.kind),
                        hint: Some(hint.unwrap_or_else(|| self.advice(text))),
                        missing: Some(self.missing(text)),
                        rule: Rule::Message,
                    }
                })
            }
        }
    }

    fn instead(
        &self,
        directory: &Directory,
        (instead, by): (&Instead, UnfitBy),
        within: Option<&str>,
        problem: impl FnOnce() -> Problem,
    ) -> Resolved {
        match instead {
            Instead::SkipField => Resolved::SkipField(by),
            Instead::SkipItem => Resolved::SkipItem(by),
            Instead::SkipRow => Resolved::SkipRow(problem().message),
            Instead::Value(name) => {
                match directory.look_up(self.kind, &name.value, &self.by, within) {
                    Found::One(entry) => Resolved::Instead(entry.id.clone(), name.value.clone()),
                    _ => Resolved::Faulty(problem()),
                }
            }
            Instead::Error | Instead::Keep => Resolved::Faulty(problem()),
        }
    }

    /// Said of a name that would be found, if only `match` looked there.
    pub(super) fn elsewhere(
        &self,
        directory: &Directory,
        name: &str,
        within: Option<&str>,
    ) -> Option<String> {
        if self.by.is_empty() {
            return None;
        }
        let Found::One(entry) = directory.look_up(self.kind, name, &[], within) else {
            return None;
        };
        let folded = fold(name);
        let property = entry
            .properties
            .iter()
            .find(|(_, value)| fold(value) == folded)
            .map_or("name", |(property, _)| property);
        Some(format!(
            "it is the {property} of `{}`, and `match` does not look there: add \"{property}\" to `match`",
            entry.name
        ))
    }

    fn missing(&self, text: &str) -> Missing {
        Missing {
            kind: self.kind,
            name: text.to_owned(),
        }
    }

    fn advice(&self, text: &str) -> String {
        let word = self.kind;
        format!(
            "fix the cell, or map it: `aliases = {{ \"{text}\" = \"…\" }}`; `deskferry directory search` with the same --profile finds a {word} by a part of its name"
        )
    }
}

pub(super) fn ambiguous(
    directory: &Directory,
    kind: Kind,
    text: &str,
    entries: &[&Entry],
) -> Problem {
    const SHOWN: usize = 5;
    let shown: Vec<String> = entries
        .iter()
        .take(SHOWN)
        .map(|entry| format!("`{}`", directory.label(kind, entry)))
        .collect();
    let more = if entries.len() > SHOWN { ", …" } else { "" };
    let count = words::plural(entries.len() as u64, kind.noun(), &kind.plural());
    Problem::new(format!("{count} are called `{text}`")).hint(format!(
        "it could be {}{more}; say more in the cell, narrow it by `match` or `within`, or give an id",
        shown.join(", ")
    ))
}
