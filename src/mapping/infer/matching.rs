//! Which column feeds which field: by name, by the names that its meaning bears elsewhere, and by content.

use std::collections::BTreeSet;
use std::fmt;

use super::content::{self, Dates};
use super::sample::{Column, Sample};
use super::words::{heading, level, likeness, state};
use crate::directory::{Directory, Found, Kind};
use crate::record::fold;
use crate::systems::fields::called;
use crate::systems::fields::{Field, FieldTable, FieldType, Setting};

/// Below this score a column and a field have nothing to do with each other.
const LEAST: f64 = 50.0;
/// So many different values are looked up.
const LOOKED_UP: usize = 4_000;

/// Why a column feeds a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reason {
    /// The heading is one of the names that such columns bear.
    Called(&'static str),
    /// The heading is the field's own name.
    Own,
    /// So many of a hundred cells name an entry of the directory.
    Names(Kind, u32),
    /// So many of a hundred cells are e-mail addresses.
    Addresses(u32),
    /// The longest texts of all columns.
    Longest,
    /// The short text that differs most from row to row.
    Shortest,
    /// The column of the states.
    State,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Called(name) => write!(f, "by the heading: such columns are called `{name}`"),
            Self::Own => f.write_str("by the heading: it is the field's own name"),
            Self::Names(kind, share) => {
                write!(
                    f,
                    "by the content: {share} % of its cells are names of the directory's `{kind}`"
                )
            }
            Self::Addresses(share) => {
                write!(
                    f,
                    "by the content: {share} % of its cells are e-mail addresses"
                )
            }
            Self::State => f.write_str("by the heading: it says how far each ticket was"),
            Self::Longest => f.write_str("by the content: no other column has texts as long"),
            Self::Shortest => {
                f.write_str("by the content: short texts that differ from row to row")
            }
        }
    }
}

/// A field with its column.
#[derive(Debug, Clone)]
pub(super) struct Match {
    /// The field's position in the table.
    pub(super) field: usize,
    /// The columns' positions in the sample; several are parts of one name.
    pub(super) columns: Vec<usize>,
    pub(super) score: f64,
    pub(super) reasons: Vec<Reason>,
    /// The share of the filled cells that name an entry; `None` without a directory.
    pub(super) resolved: Option<f64>,
}

/// What matching needs.
pub(super) struct Matcher<'a> {
    pub(super) sample: &'a Sample,
    pub(super) dates: &'a [Option<Dates>],
    pub(super) table: &'a FieldTable,
    pub(super) directory: Option<&'a Directory>,
    /// Columns that feed no field.
    pub(super) reserved: &'a BTreeSet<usize>,
}

impl Matcher<'_> {
    /// The best columns for the fields, each column and each field once.
    pub(super) fn matches(&self) -> Vec<Match> {
        let mut candidates: Vec<Match> = Vec::new();
        for (position, field) in self.table.fields.iter().enumerate() {
            if matches!(field.setting, Setting::Never(_)) {
                continue;
            }
            for at in 0..self.sample.columns.len() {
                candidates.extend(self.candidate(position, field, at));
            }
            candidates.extend(self.pairs(position, field));
        }
        candidates.sort_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then_with(|| (a.field, &a.columns).cmp(&(b.field, &b.columns)))
        });
        let mut taken: Vec<Match> = Vec::new();
        for candidate in candidates {
            let free = taken.iter().all(|other| {
                other.field != candidate.field
                    && !candidate
                        .columns
                        .iter()
                        .any(|at| other.columns.contains(at))
            });
            if candidate.score >= LEAST && free {
                taken.push(candidate);
            }
        }
        taken
    }

    fn candidate(&self, position: usize, field: &Field, at: usize) -> Option<Match> {
        let column = &self.sample.columns[at];
        if column.filled == 0 || self.reserved.contains(&at) {
            return None;
        }
        let (named, by_name) = named(field, column);
        // A name that nobody looks up must be right by its heading.
        if self.directory.is_none() && matches!(field.kind, FieldType::Reference(_)) && named < 75.0
        {
            return None;
        }
        let fit = self.fit(field, field.kind.clone(), at, named > 0.0)?;
        let score = if named > 0.0 {
            named + fit.bonus
        } else {
            fit.alone
        };
        let mut reasons: Vec<Reason> = by_name.into_iter().collect();
        reasons.extend(fit.reason);
        Some(Match {
            field: position,
            columns: vec![at],
            score,
            reasons,
            resolved: fit.resolved,
        })
    }

    /// How the values of a column fit a field; `None` when they never can.
    fn fit(&self, field: &Field, kind: FieldType, at: usize, named: bool) -> Option<Fit> {
        let column = &self.sample.columns[at];
        let when = |holds: bool| holds.then(Fit::default);
        match kind {
            FieldType::Text { .. } => self.text_fit(field, at),
            FieldType::Bool => when(content::is_truth(column)),
            FieldType::Integer | FieldType::Number => when(content::numbers(column) > 0.95),
            FieldType::Date | FieldType::DateTime => when(self.dates[at].is_some()),
            FieldType::Choice(words) => {
                let known = column.share(|value| choice(value, words).is_some());
                when(column.distinct <= 40 && known >= 0.5)
            }
            FieldType::Reference(kind) => self.reference_fit(field, kind, column, named),
            FieldType::List(inner) => self.fit(field, *inner, at, named),
        }
    }

    fn text_fit(&self, field: &Field, at: usize) -> Option<Fit> {
        let column = &self.sample.columns[at];
        let addresses = content::addresses(column);
        if wants_address(field) {
            return (addresses >= 0.6).then(|| Fit {
                alone: 60.0,
                bonus: 10.0,
                reason: Some(Reason::Addresses(percent(addresses))),
                resolved: None,
            });
        }
        if addresses > 0.6 || self.dates[at].is_some() {
            return None;
        }
        let length = column.mean_length();
        let is_title = field.called == called::TITLE;
        // Dates, names of people and telephone numbers are no title, whatever their heading says.
        if is_title && column.is_text() && content::titles(column) < 0.1 && column.distinct > 1 {
            return None;
        }
        let bonus = match field.name == self.table.description {
            true if length >= 40.0 => 12.0,
            true if length < 12.0 => -40.0,
            false if length > 400.0 => -20.0,
            false if is_title => 20.0 * (content::titles(column) - 0.5),
            _ => 0.0,
        };
        Some(Fit {
            bonus,
            ..Fit::default()
        })
    }

    fn reference_fit(
        &self,
        field: &Field,
        kind: Kind,
        column: &Column,
        named: bool,
    ) -> Option<Fit> {
        // A telephone number or a date is the name of nothing, whatever the heading says.
        let is_name = |value: &str| !content::is_phone(value) && !content::is_dated(value);
        if column.mean_length() > 120.0 || column.dates > 0 || column.share(is_name) < 0.5 {
            return None;
        }
        let addresses = content::addresses(column);
        let Some(directory) = self.directory else {
            let is_person = kind == Kind::User && addresses >= 0.6 && field.required;
            return Some(Fit {
                alone: if is_person { 60.0 } else { 0.0 },
                bonus: if is_person { 10.0 } else { 0.0 },
                reason: is_person.then(|| Reason::Addresses(percent(addresses))),
                resolved: None,
            });
        };
        if matches!(kind, Kind::Priority | Kind::Status) {
            let options = names(directory, kind);
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            let known = column.share(|value| choice(value, &options).is_some());
            return (column.distinct <= 40 && known >= 0.5).then(|| Fit {
                resolved: Some(known),
                ..Fit::default()
            });
        }
        let share = resolved(directory, kind, column);
        // A name that several people bear is somebody's name.
        let borne = match kind {
            Kind::User => column.share(|value| {
                let turned = content::turned(value);
                let is = |name: &str| {
                    !matches!(directory.look_up(kind, name, &[], None), Found::Missing(_))
                };
                is(value) || turned.is_some_and(|name| is(&name))
            }),
            _ => share,
        };
        let says = Some(Reason::Names(kind, percent(borne)));
        if borne >= 0.5 {
            let alone = if matches!(kind, Kind::Tag | Kind::User) && !field.required
                || column.distinct < 2
            {
                0.0
            } else {
                68.0 + borne * 10.0
            };
            return Some(Fit {
                alone,
                bonus: 20.0,
                reason: says,
                resolved: Some(share),
            });
        }
        // Addresses of people that the system does not know yet are people all the same.
        let is_person = kind == Kind::User && addresses >= 0.6 && field.required;
        // Where some of its cells are names, the others are names that somebody must explain.
        (is_person || (borne > 0.0 && named)).then(|| Fit {
            alone: if is_person { 55.0 } else { 0.0 },
            bonus: 5.0 + borne * 15.0,
            reason: match is_person {
                true => Some(Reason::Addresses(percent(addresses))),
                false => says,
            },
            resolved: Some(share),
        })
    }

    /// Two columns that together name an entry: `Hardware` and `Paper jam`.
    fn pairs(&self, position: usize, field: &Field) -> Option<Match> {
        let (FieldType::Reference(kind), Some(directory)) = (&field.kind, self.directory) else {
            return None;
        };
        let listing = directory.snapshot().kinds.get(kind)?;
        if !listing
            .entries
            .iter()
            .any(|entry| entry.properties.contains_key("path"))
        {
            return None;
        }
        let short: Vec<usize> = (0..self.sample.columns.len())
            .filter(|at| {
                let column = &self.sample.columns[*at];
                column.filled * 2 > self.sample.rows
                    && !self.reserved.contains(at)
                    && (2..=300).contains(&column.distinct)
                    && column.mean_length() < 60.0
            })
            .collect();
        let share = |first: usize, second: usize| {
            let rows = self
                .sample
                .whole
                .iter()
                .filter(|row| !row[second].is_empty());
            let (mut all, mut good) = (0.0, 0.0);
            for row in rows {
                all += 1.0;
                let path = format!("{} › {}", row[first], row[second]);
                good += f64::from(u8::from(finds(directory, *kind, &path)));
            }
            if all == 0.0 { 0.0 } else { good / all }
        };
        let mut best: Option<(f64, usize, usize)> = None;
        for &first in &short {
            for &second in short.iter().filter(|second| **second != first) {
                let share = share(first, second);
                if share >= 0.6 && best.is_none_or(|(most, ..)| share > most) {
                    best = Some((share, first, second));
                }
            }
        }
        let (share, first, second) = best?;
        Some(Match {
            field: position,
            columns: vec![first, second],
            score: 110.0 + share * 10.0,
            reasons: vec![Reason::Names(*kind, percent(share))],
            resolved: Some(share),
        })
    }
}

/// How a column fits a field.
#[derive(Debug, Default)]
struct Fit {
    /// The score by the content alone.
    alone: f64,
    /// What it adds to the name's.
    bonus: f64,
    reason: Option<Reason>,
    resolved: Option<f64>,
}

fn named(field: &Field, column: &Column) -> (f64, Option<Reason>) {
    let own = heading(field.name);
    if heading(&column.name) == own || fold(&column.name) == fold(field.name) {
        return (100.0, Some(Reason::Own));
    }
    match likeness(&column.name, field.called) {
        Some((score, name)) => (score, Some(Reason::Called(name))),
        None => (0.0, None),
    }
}

/// Whether a field of texts wants an e-mail address.
pub(super) fn wants_address(field: &Field) -> bool {
    heading(field.name).split(' ').any(|word| word == "email")
}

/// The share of a column's cells that name an entry.
fn resolved(directory: &Directory, kind: Kind, column: &Column) -> f64 {
    let tried = &column.values[..column.values.len().min(LOOKED_UP)];
    let (mut all, mut good) = (0, 0);
    for (value, count) in tried {
        all += count;
        let is_turned = || {
            kind == Kind::User
                && content::turned(value).is_some_and(|name| finds(directory, kind, &name))
        };
        if finds(directory, kind, value) || is_turned() {
            good += count;
        }
    }
    if all == 0 {
        0.0
    } else {
        good as f64 / all as f64
    }
}

pub(super) fn finds(directory: &Directory, kind: Kind, text: &str) -> bool {
    match directory.look_up(kind, text, &[], None) {
        Found::One(_) => true,
        // A room is looked for within its building.
        Found::Ambiguous(_) => kind == Kind::Room,
        Found::Missing(_) => false,
    }
}

/// The names of the entries of a kind.
pub(super) fn names(directory: &Directory, kind: Kind) -> Vec<String> {
    let listing = directory.snapshot().kinds.get(&kind);
    listing.map_or_else(Vec::new, |listing| {
        listing
            .entries
            .iter()
            .map(|entry| entry.name.clone())
            .collect()
    })
}

/// Which of a system's own words a word means: the same, the one that hurries as much, or the one that is as far.
pub(super) fn choice<'w>(word: &str, options: &[&'w str]) -> Option<&'w str> {
    let same = options
        .iter()
        .find(|option| heading(option) == heading(word));
    if let Some(option) = same {
        return Some(option);
    }
    if let Some(wanted) = level(word) {
        let near = options
            .iter()
            .filter_map(|option| Some((level(option)?.abs_diff(wanted), *option)));
        // Of two that are as far the greater: nobody is hurt by too much hurry.
        return near
            .rev()
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, option)| option);
    }
    let wanted = state(word)?;
    wanted
        .iter()
        .find_map(|name| options.iter().find(|option| heading(option) == *name))
        .copied()
}

pub(super) fn percent(share: f64) -> u32 {
    (share * 100.0).floor() as u32
}
