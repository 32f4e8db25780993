//! What people look for, in the names of the common ticket, as a [`Query`] by the ids of the directory.

use crate::directory::suggest::{did_you_mean, fold, nearest};
use crate::directory::{CustomField, CustomType, Directory, Found, Kind};
use crate::error::{Error, Result};
use crate::export::columns::{FoundCustom, find_custom};
use crate::report::words;
use crate::systems::common::Named;
use crate::systems::fields::{FieldType, called};
use crate::systems::query::{CustomFilter, Query, StateFilter};
use crate::systems::{Operation, Schema, Standing};

/// A field that can be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is, and what its values are.
    pub about: &'static str,
}

/// The fields that can be looked for.
pub const FIELDS: [Field; 10] = [
    Field {
        name: "state",
        about: "how far it is: open, closed, deleted, or a status by name",
    },
    Field {
        name: "priority",
        about: "how much it hurries, by name",
    },
    Field {
        name: "requester",
        about: "who needs help: a name, an e-mail address or an id",
    },
    Field {
        name: "assignee",
        about: "who works on it: a name, an e-mail address or an id",
    },
    Field {
        name: "team",
        about: "the team that works on it",
    },
    Field {
        name: "place",
        about: "where it is (IncidentIQ)",
    },
    Field {
        name: "category",
        about: "IncidentIQ's issue, ClearFeed's collection",
    },
    Field {
        name: "tag",
        about: "a tag that it bears",
    },
    Field {
        name: "device",
        about: "the tag of a device that it is about (IncidentIQ)",
    },
    Field {
        name: "custom.NAME",
        about: "a custom field by its name; a value of it, or an option",
    },
];

/// As a value: those that have none.
pub const NONE: &str = "none";

/// Turns what was typed into a query.
#[derive(Debug)]
pub struct Filters<'a> {
    schema: &'a dyn Schema,
    directory: &'a Directory,
    query: Query,
}

impl<'a> Filters<'a> {
    /// Nothing looked for yet.
    pub fn new(schema: &'a dyn Schema, directory: &'a Directory) -> Self {
        Self {
            schema,
            directory,
            query: Query::default(),
        }
    }

    /// The query.
    pub fn into_query(self) -> Query {
        self.query
    }

    /// Takes `field=value,value`; a value with a comma stands in double quotes.
    ///
    /// # Errors
    /// When there is no such field or value: the nearest is told.
    pub fn take(&mut self, typed: &str) -> Result<()> {
        let flag = format!("--filter {typed}");
        let Some((name, values)) = typed.split_once('=') else {
            return Err(Error::usage(format!("`{typed}` has no `=`"))
                .at(flag)
                .hint("write it as --filter FIELD=VALUE,VALUE"));
        };
        let values: Vec<String> = split(values);
        if values.is_empty() {
            return Err(Error::usage(format!("`{typed}` names no value")).at(flag));
        }
        let name = name.trim();
        if let Some(field) = name.strip_prefix("custom.") {
            return self.custom(field, &values, &flag);
        }
        let texts = values.iter().map(|value| text(value)).collect();
        match name {
            "tag" => self.query.tags.push(texts),
            "device" => self.query.devices.push(texts),
            _ => {
                for value in values {
                    self.one(name, &value, &flag)?;
                }
            }
        }
        Ok(())
    }

    /// Takes one value of a field of which a ticket has one; `flag` is the place of an error.
    ///
    /// # Errors
    /// When there is no such field or value.
    pub fn one(&mut self, name: &str, value: &str, flag: &str) -> Result<()> {
        let query = &mut self.query;
        let is_none = is_none(value);
        let named = |kind| match is_none {
            true => Ok(Named::default()),
            false => resolve(self.directory, kind, flag, value),
        };
        match name {
            // The words are those by which tickets are counted too.
            "state" | "status" => {
                query
                    .states
                    .push(state(value, flag, self.schema, self.directory)?)
            }
            "priority" => query.priority.push(match is_none {
                true => Named::default(),
                false => priority(value, flag, self.schema, self.directory)?,
            }),
            "requester" => query.requester.push(named(Kind::User)?),
            "assignee" => query.assignee.push(named(Kind::User)?),
            "team" => query.team.push(named(Kind::Team)?),
            "place" | "location" => query.place.push(named(Kind::Location)?),
            "category" | "issue" | "collection" => {
                let is_collection = self.directory.listing(Kind::Collection).is_some();
                query.category.push(named(match is_collection {
                    true => Kind::Collection,
                    false => Kind::Issue,
                })?);
            }
            _ => {
                let names = FIELDS.map(|field| field.name);
                let mut error = Error::usage(format!("no field `{name}`")).at(flag);
                if let Some(near) = did_you_mean(&nearest(name, names)) {
                    error = error.hint(near);
                }
                return Err(error.hint(format!("one of {}", names.join(", "))));
            }
        }
        Ok(())
    }

    /// Takes values of a custom field: as text, and as the id of what it names.
    fn custom(&mut self, name: &str, values: &[String], flag: &str) -> Result<()> {
        let known = self.directory.custom_fields();
        let found = find_custom(known, name);
        if let FoundCustom::Several(ids) = &found {
            let error = Error::usage(format!("{} custom fields are called `{name}`", ids.len()));
            let hint = format!("name one by its id: `custom.{}`", ids.join("`, `custom."));
            return Err(error.at(flag).hint(hint));
        }
        let FoundCustom::One(field) = found else {
            let names: Vec<&str> = known.iter().map(|field| field.name.as_str()).collect();
            let error = Error::usage(format!("no custom field `{name}`")).at(flag);
            let near = did_you_mean(&nearest(name, names.iter().copied()));
            return Err(match (names.as_slice(), near) {
                ([], _) => error.hint("the system tells of no custom field"),
                (_, Some(near)) => error.hint(near),
                (names, None) => error.hint(format!("one of {}", names.join(", "))),
            });
        };
        let meant = values.iter().flat_map(|value| match is_none(value) {
            true => vec![String::new()],
            false => meanings(field, self.directory, value),
        });
        self.query.custom.push(CustomFilter {
            id: field.id.clone(),
            name: field.name.clone(),
            kind: field.kind,
            values: meant.collect(),
        });
        Ok(())
    }
}

/// Whether the value stands for tickets that have none.
fn is_none(value: &str) -> bool {
    value.eq_ignore_ascii_case(NONE)
}

/// A value that is compared as text; an empty one where there is to be none.
fn text(value: &str) -> String {
    if is_none(value) { "" } else { value }.to_owned()
}

/// What a value of a custom field may be in an answer: the text, or the id of the option, person or place of that name.
fn meanings(field: &CustomField, directory: &Directory, value: &str) -> Vec<String> {
    let mut values = vec![value.to_owned()];
    let options = field.options.iter();
    let called = options.filter(|option| fold(&option.value) == fold(value));
    values.extend(called.map(|option| option.id.clone()));
    let kind = match field.kind {
        CustomType::User => Some(Kind::User),
        CustomType::Location => Some(Kind::Location),
        _ => None,
    };
    if let Some(Found::One(entry)) = kind.map(|kind| directory.find(kind, value, &[], None)) {
        values.push(entry.id.clone());
    }
    values
}

/// The values of a list, each trimmed; commas inside double quotes belong to the value.
fn split(text: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut is_quoted = false;
    for sign in text.chars() {
        match (sign, values.last_mut()) {
            ('"', _) => is_quoted = !is_quoted,
            (',', _) if !is_quoted => values.push(String::new()),
            (sign, Some(last)) => last.push(sign),
            (_, None) => {}
        }
    }
    let values = values.into_iter().map(|value| value.trim().to_owned());
    values.filter(|value| !value.is_empty()).collect()
}

/// A person, team or place of the directory. A person whom the system does not list is told by the e-mail address.
fn resolve(directory: &Directory, kind: Kind, flag: &str, text: &str) -> Result<Named> {
    let wrong = |message: String| Error::usage(message).at(flag);
    match directory.find(kind, text, &[], None) {
        Found::One(entry) => Ok(Named::entry(entry)),
        Found::Missing(_) if kind == Kind::User && text.contains('@') => Ok(Named {
            email: Some(text.trim().to_owned()),
            ..Named::default()
        }),
        Found::Missing(near) => {
            let mut error = wrong(format!("no {kind} `{text}`"));
            // What the system does not have, or does not list, is listed by no command either.
            if let Err(why) = directory.can_resolve(kind) {
                return Err(error.hint(why));
            }
            if let Some(near) = did_you_mean(&near) {
                error = error.hint(near);
            }
            Err(error.hint(format!("deskferry directory show {kind} lists them")))
        }
        Found::Ambiguous(entries) => {
            let ids: Vec<_> = entries
                .iter()
                .take(5)
                .map(|entry| format!("{} (id {})", Named::entry(entry).label(), entry.id))
                .collect();
            let count = words::plural(entries.len() as u64, kind.noun(), &kind.plural());
            Err(wrong(format!("{count} are called `{text}`"))
                .hint(format!("it could be {}: give an id", ids.join(", "))))
        }
    }
}

/// How tickets stand, or a state of the system by name.
fn state(
    word: &str,
    flag: &str,
    schema: &dyn Schema,
    directory: &Directory,
) -> Result<StateFilter> {
    let mut standings = Standing::ALL.into_iter();
    if let Some(standing) = standings.find(|one| word.eq_ignore_ascii_case(one.as_str())) {
        return Ok(StateFilter::Standing(standing));
    }
    let standings = Standing::ALL.map(Standing::as_str);
    let own = Own::of(
        schema,
        Operation::SetStatus,
        called::STATUS,
        directory,
        Kind::Status,
    );
    own.named("status", word, &standings, flag)
        .map(StateFilter::Named)
}

/// A priority of the system by name.
fn priority(word: &str, flag: &str, schema: &dyn Schema, directory: &Directory) -> Result<Named> {
    let own = Own::of(
        schema,
        Operation::Create,
        called::PRIORITY,
        directory,
        Kind::Priority,
    );
    own.named("priority", word, &[], flag)
}

/// The words that a system has for something: its own list, else the entries of its directory.
struct Own<'a> {
    words: Vec<&'a str>,
    are_ids: bool,
}

impl<'a> Own<'a> {
    fn of(
        schema: &'a dyn Schema,
        operation: Operation,
        meaning: &[&str],
        directory: &'a Directory,
        kind: Kind,
    ) -> Self {
        let fields = schema.fields(operation).ok();
        let field =
            fields.and_then(|table| table.fields.iter().find(|field| field.called == meaning));
        match field.map(|field| &field.kind) {
            Some(FieldType::Choice(words)) => Self {
                words: words.to_vec(),
                are_ids: true,
            },
            _ => {
                let listed = directory.listing(kind);
                let entries = listed.iter().flat_map(|listing| &listing.entries);
                Self {
                    // One name may stand in several workflows: any of them is meant.
                    words: entries.map(|entry| entry.name.as_str()).collect(),
                    are_ids: false,
                }
            }
        }
    }

    fn named(self, what: &str, word: &str, further: &[&'a str], flag: &str) -> Result<Named> {
        let plain = |name: &str| name.replace(['_', '-'], " ").to_lowercase();
        let Some(name) = self.words.iter().find(|name| plain(name) == plain(word)) else {
            let mut names = self.words.clone();
            names.dedup();
            let further = further.iter().filter(|word| !self.words.contains(word));
            names.extend(further);
            let mut error = Error::usage(format!("no {what} `{word}`")).at(flag);
            if let Some(near) = did_you_mean(&nearest(word, names.iter().copied())) {
                error = error.hint(near);
            }
            return Err(error.hint(format!("one of {}", names.join(", "))));
        };
        Ok(Named {
            id: self.are_ids.then(|| (*name).to_owned()),
            name: Some((*name).to_owned()),
            email: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Choice, Snapshot};
    use crate::systems::{Dialect, SystemName};

    #[test]
    fn a_custom_field_is_found_by_its_name_and_its_option_by_its_text() {
        let directory = Directory::new(Snapshot {
            custom_fields: vec![CustomField {
                id: "F-1".to_owned(),
                name: "Shelf".to_owned(),
                kind: CustomType::Select,
                options: vec![Choice {
                    id: "O-7".to_owned(),
                    value: "Top".to_owned(),
                }],
                max_length: None,
                required: false,
            }],
            ..Snapshot::empty(SystemName::IncidentIq, Dialect::Only)
        });
        let schema = crate::systems::schema(SystemName::IncidentIq, None).unwrap();
        let mut filters = Filters::new(schema.as_ref(), &directory);
        filters.take("custom.shelf=top, none").unwrap();
        filters.take("assignee=none").unwrap();
        for typed in [
            "status=open",
            "location=none",
            "issue=none",
            "collection=none",
        ] {
            filters.take(typed).unwrap();
        }
        let unknown = filters.take("custom.Shelv=x").unwrap_err().to_string();
        assert!(unknown.contains("no custom field `Shelv`"), "{unknown}");
        let query = filters.into_query();
        assert_eq!(query.custom.len(), 1);
        assert_eq!(query.custom[0].id, "F-1");
        assert_eq!(query.custom[0].values, ["top", "O-7", ""]);
        assert_eq!(query.assignee, [Named::default()]);
        assert_eq!(
            (query.states.len(), query.place.len(), query.category.len()),
            (1, 1, 2)
        );
    }

    #[test]
    fn a_value_may_hold_a_comma() {
        assert_eq!(split("open, in progress"), ["open", "in progress"]);
        assert_eq!(split("\"Lee, Ann\",x"), ["Lee, Ann", "x"]);
        assert!(split(" , ").is_empty());
    }
}
