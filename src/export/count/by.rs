//! The fields by which tickets are counted, and what a ticket has there.

use jiff::ToSpan;
use serde_json::Value;

use crate::directory::CustomField;
use crate::directory::suggest::{did_you_mean, nearest};
use crate::error::{Error, Result};
use crate::export::columns::{FoundCustom, find_custom};
use crate::export::period::Calendar;
use crate::systems::common::{CommonTicket, CustomValue, Named};

/// A field by which tickets are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// What it is called, as it was typed.
    pub name: String,
    field: Field,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    State,
    Standing,
    Priority,
    Requester,
    Assignee,
    Team,
    Place,
    Category,
    Tag,
    Device,
    /// The day, month or year of creation, as `strftime` writes it.
    Created(&'static str),
    /// The first day of the week of creation.
    Week,
    Custom {
        id: String,
        name: String,
    },
}

/// The fields, by all the words that they go by.
const FIELDS: [(&str, Field); 20] = [
    ("status", Field::State),
    ("state", Field::State),
    ("standing", Field::Standing),
    ("priority", Field::Priority),
    ("requester", Field::Requester),
    ("assignee", Field::Assignee),
    ("team", Field::Team),
    ("location", Field::Place),
    ("place", Field::Place),
    ("issue", Field::Category),
    ("collection", Field::Category),
    ("category", Field::Category),
    ("tag", Field::Tag),
    ("device", Field::Device),
    ("day", Field::Created("%Y-%m-%d")),
    ("week", Field::Week),
    ("month", Field::Created("%Y-%m")),
    ("year", Field::Created("%Y")),
    ("weekday", Field::Created("%u %A")),
    ("hour", Field::Created("%H:00")),
];

impl By {
    /// What of a ticket names its groups, as columns call it; `None` for a custom field, and for what is no name.
    pub(crate) fn column(&self) -> Option<&'static str> {
        match self.field {
            Field::State | Field::Standing => Some("state"),
            Field::Priority => Some("priority"),
            Field::Requester => Some("requester"),
            Field::Assignee => Some("assignee"),
            Field::Team => Some("team"),
            Field::Place => Some("place"),
            Field::Category => Some("category"),
            Field::Device => Some("devices"),
            Field::Tag | Field::Created(_) | Field::Week | Field::Custom { .. } => None,
        }
    }

    pub(crate) fn is_custom(&self) -> bool {
        matches!(self.field, Field::Custom { .. })
    }

    /// The fields of `--count`, with commas between them.
    ///
    /// # Errors
    /// A field that does not exist, with the nearest ones; one that is named twice; more than three.
    pub fn parse(text: &str, custom: &[CustomField]) -> Result<Vec<Self>> {
        let words = text.split(',').map(str::trim);
        let fields = words.filter(|word| !word.is_empty());
        let fields: Vec<Self> = fields
            .map(|word| Self::named(word, custom))
            .collect::<Result<_>>()?;
        let is_twice =
            |(at, by): (usize, &Self)| fields[..at].iter().any(|one| one.field == by.field);
        if let Some((_, by)) = fields.iter().enumerate().find(|one| is_twice(*one)) {
            return Err(Error::usage(format!("`{}` is named twice", by.name)).at("--count"));
        }
        match fields.len() {
            1..=3 => Ok(fields),
            0 => Err(Error::usage("no field to count by")
                .at("--count")
                .hint("write --count location,status")),
            _ => Err(Error::usage("tickets are counted by at most three fields")
                .at("--count")
                .hint("leave some of them out")),
        }
    }

    fn named(word: &str, custom: &[CustomField]) -> Result<Self> {
        let by = |field| Self {
            name: word.to_owned(),
            field,
        };
        if let Some(name) = word.strip_prefix("custom.") {
            return match find_custom(custom, name) {
                FoundCustom::One(found) => Ok(by(Field::Custom {
                    id: found.id.clone(),
                    name: found.name.clone(),
                })),
                FoundCustom::Several(ids) => Err(Error::usage(format!(
                    "{} custom fields are called `{name}`",
                    ids.len()
                ))
                .at("--count")
                .hint(format!(
                    "name one by its id: `custom.{}`",
                    ids.join("`, `custom.")
                ))),
                _ => {
                    let names = custom.iter().map(|field| field.name.as_str());
                    let error = Error::usage(format!("no custom field `{name}`")).at("--count");
                    Err(match did_you_mean(&nearest(name, names)) {
                        Some(near) => error.hint(near),
                        None => error,
                    })
                }
            };
        }
        let lower = word.to_lowercase();
        let lower = lower
            .strip_suffix('s')
            .filter(|one| *one != "statu")
            .unwrap_or(&lower);
        if let Some((_, field)) = FIELDS.iter().find(|(name, _)| *name == lower) {
            return Ok(by(field.clone()));
        }
        let names = FIELDS.map(|(name, _)| name);
        let error = Error::usage(format!("tickets cannot be counted by `{word}`")).at("--count");
        let error = match did_you_mean(&nearest(word, names)) {
            Some(near) => error.hint(near),
            None => error,
        };
        Err(error.hint(format!("one of {}, custom.NAME", names.join(", "))))
    }

    /// Whether its groups follow each other in time: then they are in that order.
    pub(super) fn is_time(&self) -> bool {
        matches!(self.field, Field::Created(_) | Field::Week)
    }

    /// What a ticket has there: each value once.
    pub(super) fn of(&self, ticket: &CommonTicket, calendar: &Calendar) -> Vec<Key> {
        let created = ticket.created.map(|at| calendar.zone.to_datetime(at));
        let one =
            |named: &Option<Named>| named.iter().map(|named| Key::text(named.label())).collect();
        let thing = |named: &Option<Named>| named.iter().map(Key::thing).collect();
        let person = |named: &Option<Named>| named.iter().map(Key::person).collect();
        let mut keys: Vec<Key> = match &self.field {
            Field::State => one(&ticket.state),
            Field::Standing => vec![Key::text(ticket.standing.as_str())],
            Field::Priority => one(&ticket.priority),
            Field::Requester => person(&ticket.requester),
            Field::Assignee => person(&ticket.assignee),
            Field::Team => thing(&ticket.team),
            Field::Place => thing(&ticket.place),
            Field::Category => thing(&ticket.category),
            Field::Tag => ticket.tags.iter().map(|tag| Key::text(tag)).collect(),
            Field::Device => ticket.devices.iter().map(Key::thing).collect(),
            Field::Created(form) => {
                let shown = created.map(|at| at.strftime(form).to_string());
                shown.iter().map(|text| Key::text(text)).collect()
            }
            Field::Week => {
                let first = created.map(|at| {
                    let days = at.date().weekday().since(calendar.week_starts);
                    at.date().saturating_sub(i64::from(days).days())
                });
                let shown = first.iter().map(ToString::to_string);
                shown.map(|text| Key::text(&text)).collect()
            }
            Field::Custom { id, name } => {
                let is_it = |value: &&CustomValue| match &value.id {
                    Some(own) => own.eq_ignore_ascii_case(id),
                    None => value.name.as_ref() == Some(name),
                };
                let mut keys = Vec::new();
                for value in ticket.custom.iter().filter(is_it) {
                    texts(&value.value, &mut keys);
                }
                keys
            }
        };
        keys.retain(|key| !key.key.is_empty());
        keys.sort_by(|one, other| one.key.cmp(&other.key));
        keys.dedup_by(|one, other| one.key == other.key);
        if keys.is_empty() {
            keys.push(Key::text(""));
        }
        keys
    }
}

fn texts(value: &Value, keys: &mut Vec<Key>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts(item, keys)),
        Value::String(text) => keys.push(Key::text(text)),
        Value::Null => {}
        other => keys.push(Key::text(&other.to_string())),
    }
}

/// A value: by what it is told apart, what it is called, what tells it apart from others that are called so.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) key: String,
    pub(super) label: String,
    pub(super) apart: String,
    /// The id of a thing whose names are all the same thing.
    pub(super) id: Option<String>,
}

impl Key {
    fn text(text: &str) -> Self {
        let text = text.trim();
        Self {
            key: text.to_lowercase(),
            label: text.to_owned(),
            apart: String::new(),
            id: None,
        }
    }

    /// A location, a team and the like are their name; the names of one id are one.
    fn thing(named: &Named) -> Self {
        Self {
            id: named.id.as_ref().map(|id| id.to_lowercase()),
            ..Self::text(named.label())
        }
    }

    /// A person is their id, else their address, else their name.
    fn person(person: &Named) -> Self {
        let told = [&person.id, &person.email, &person.name];
        let key = told.into_iter().flatten().next().map_or("", String::as_str);
        let apart = [&person.email, &person.id].into_iter().flatten().next();
        Self {
            key: key.to_lowercase(),
            label: person.label().to_owned(),
            apart: apart.map_or("no address", String::as_str).to_owned(),
            id: None,
        }
    }
}
