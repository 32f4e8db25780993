//! What a system's field takes, and the JSON that a value becomes for it.

use serde_json::Value;

use super::date::rfc3339;
use super::item::Item;
use super::parse::{Problem, same};
use super::shape::{ParseKind, ParseRule};
use super::stages::exact_number;
use crate::directory::suggest::{did_you_mean, nearest};
use crate::directory::{Choice, CustomField, CustomType, Kind};
use crate::systems::fields::FieldType;
use jiff::tz::TimeZone;

/// What one value must be.
#[derive(Debug, Clone)]
pub(super) enum Want {
    Text {
        max_length: Option<usize>,
    },
    Bool,
    Integer,
    Number,
    Date,
    DateTime,
    /// One of the system's words.
    Word(&'static [&'static str]),
    /// One of a custom field's options.
    Option(Vec<Choice>),
    /// The id of something.
    Id(Kind),
}

/// What a field takes: one value, or several.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) want: Want,
    pub(super) list: bool,
}

impl Wanted {
    /// For a field of the system.
    pub(super) fn field(kind: &FieldType) -> Self {
        let one = |want| Self { want, list: false };
        match kind {
            FieldType::Text { max_length } => one(Want::Text {
                max_length: *max_length,
            }),
            FieldType::Bool => one(Want::Bool),
            FieldType::Integer => one(Want::Integer),
            FieldType::Number => one(Want::Number),
            FieldType::Date => one(Want::Date),
            FieldType::DateTime => one(Want::DateTime),
            FieldType::Choice(words) => one(Want::Word(words)),
            FieldType::Reference(kind) => one(Want::Id(*kind)),
            FieldType::List(inner) => Self {
                list: true,
                ..Self::field(inner)
            },
        }
    }

    /// For a custom field; `None` for a kind that is not written.
    pub(super) fn custom(field: &CustomField) -> Option<Self> {
        let options = || Want::Option(field.options.clone());
        let want = match field.kind {
            CustomType::Text => Want::Text {
                max_length: field.max_length,
            },
            CustomType::Number => Want::Number,
            CustomType::Date => Want::Date,
            CustomType::DateTime => Want::DateTime,
            CustomType::Bool => Want::Bool,
            CustomType::Select | CustomType::MultiSelect => options(),
            CustomType::User => Want::Id(Kind::User),
            CustomType::Location => Want::Id(Kind::Location),
            CustomType::Other => return None,
        };
        Some(Self {
            want,
            list: field.kind == CustomType::MultiSelect,
        })
    }
}

impl Want {
    /// What it takes, for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Text { .. } => "a text".to_owned(),
            Self::Bool => "yes or no".to_owned(),
            Self::Integer => "a whole number".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Date => "a date".to_owned(),
            Self::DateTime => "a date and time".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Option(_) => "one of its options".to_owned(),
            Self::Id(kind) => format!("{} {}", kind.article(), kind.noun()),
        }
    }

    /// Whether a value that was parsed so can ever fit.
    pub(super) fn takes(&self, parse: ParseKind) -> bool {
        match self {
            _ if parse == ParseKind::Text => true,
            Self::Text { .. } => true,
            Self::Bool => parse == ParseKind::Bool,
            Self::Integer => matches!(parse, ParseKind::Integer | ParseKind::Number),
            Self::Number => matches!(parse, ParseKind::Integer | ParseKind::Number),
            Self::Date | Self::DateTime => matches!(parse, ParseKind::Date | ParseKind::DateTime),
            Self::Word(_) | Self::Option(_) | Self::Id(_) => {
                matches!(
                    parse,
                    ParseKind::Integer | ParseKind::Number | ParseKind::Json | ParseKind::Bool
                )
            }
        }
    }

    /// The JSON of a value.
    pub(super) fn convert(
        &self,
        item: Item<'_>,
        zone: Option<&TimeZone>,
    ) -> Result<Value, Problem> {
        let plain = |kind, item| ParseRule::plain(kind).apply(item, zone);
        match self {
            Self::Text { .. } | Self::Id(_) => Ok(Value::String(item.into_text().into_owned())),
            Self::Bool => plain(ParseKind::Bool, item).map(Item::into_json),
            Self::Integer => plain(ParseKind::Integer, item).and_then(exact_number),
            Self::Number => plain(ParseKind::Number, item).and_then(exact_number),
            Self::Date => plain(ParseKind::Date, item).map(Item::into_json),
            Self::DateTime => match plain(ParseKind::DateTime, item)? {
                Item::Instant(at) | Item::Day(at) => Ok(Value::String(rfc3339(&at))),
                other => Err(Problem::broken(&other.text(), "has no time zone").hint(
                    "say in which zone the times of this file are: `timezone = \"America/Chicago\"` \
                     in `[input]` or in the profile",
                )),
            },
            Self::Word(words) => {
                let text = item.text();
                match words.iter().find(|word| same(word, &text)) {
                    Some(word) => Ok(Value::from(*word)),
                    None => Err(not_among(&text, words.iter().copied())),
                }
            }
            Self::Option(options) => {
                let text = item.text();
                let exact = options.iter().find(|option| option.value == text);
                let found = exact
                    .or_else(|| options.iter().find(|option| same(&option.value, &text)))
                    .or_else(|| options.iter().find(|option| option.id == text));
                match found {
                    Some(option) => Ok(Value::String(option.id.clone())),
                    None => Err(not_among(&text, options.iter().map(|o| o.value.as_str()))),
                }
            }
        }
    }
}

/// A word that a fixed list does not hold.
pub(super) fn not_among<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Problem {
    let words: Vec<&str> = words.collect();
    let problem = Problem::new(format!("`{text}` is not one of its values"));
    let near = did_you_mean(&nearest(text, words.iter().copied()));
    problem.hint(near.unwrap_or_else(|| {
        let shown = words
            .iter()
            .take(10)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        let more = if words.len() > 10 { ", …" } else { "" };
        format!("it takes {shown}{more}")
    }))
}
