//! The common ticket: one shape for a ticket of any system.
//!
//! Each system translates its answers into it (`common.rs` in its folder says how, member by member). Nothing gets lost
//! on the way without a word: what a system cannot hold, or what an answer did not show, is named in
//! [`CommonTicket::not_shown`], and what a system knows beyond this shape stays in [`CommonTicket::other`] as it came.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Standing, SystemName};
use crate::directory::{CustomField, CustomType, Directory, Entry, Kind};

/// What is said of comments that were not asked for.
pub(crate) const NOT_ASKED: &str = "they were not asked for: `--include comments` does";

/// What is said of the comments of a ticket without an internal one, where a system may keep those back.
pub(crate) const NO_NOTES: &str = "internal notes may be missing: none is among the messages";

/// A ticket, whatever its system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommonTicket {
    /// The system it is from.
    pub system: SystemName,
    /// The id that further calls take.
    pub id: String,
    /// The number that people use, where there is one.
    pub number: Option<String>,
    /// Where a browser shows it.
    pub url: Option<String>,
    /// What it is about, in a few words.
    pub title: Option<String>,
    /// The whole text, as the system holds it.
    pub description: Option<String>,
    /// Whether it is still worked on.
    pub standing: Standing,
    /// How far it is, in the system's own word.
    pub state: Option<Named>,
    /// How much it hurries. The id is the system's own value; ClearFeed's `normal` is called `medium` in both dialects.
    pub priority: Option<Named>,
    /// Who needs help.
    pub requester: Option<Named>,
    /// Who works on it.
    pub assignee: Option<Named>,
    /// The team that works on it.
    pub team: Option<Named>,
    /// Where it is.
    pub place: Option<Named>,
    /// What it is filed under: IncidentIQ's issue, ClearFeed's collection.
    pub category: Option<Named>,
    /// The devices it is about, by their tags.
    pub devices: Vec<Named>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its custom fields that have a value.
    pub custom: Vec<CustomValue>,
    /// What was said on it, oldest first.
    pub comments: Vec<Comment>,
    /// The files that hang on it.
    pub attachments: Vec<Attachment>,
    /// What was promised for it, and how that was kept.
    pub service: Option<Service>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it was changed last.
    pub updated: Option<Timestamp>,
    /// When it was closed.
    pub closed: Option<Timestamp>,
    /// When it is due.
    pub due: Option<Timestamp>,
    /// What of the above the system cannot hold or this answer did not show; empty fields that are not in here are empty
    /// in the system.
    pub not_shown: Vec<NotShown>,
    /// What the system told beyond all this, under its own names.
    pub other: Map<String, Value>,
}

/// Something by its id, and by its name where that is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Named {
    /// The id.
    pub id: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// A person's e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// The value of a custom field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomValue {
    /// The field's id, where the answer tells it.
    pub id: Option<String>,
    /// The field's name, where it is known.
    pub name: Option<String>,
    /// The value; ids of options become their texts where the directory knows them.
    pub value: Value,
}

/// Something said on a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    /// Who said it.
    pub author: Option<Named>,
    /// When.
    pub at: Option<Timestamp>,
    /// Whether the requester sees it; `None`: not told.
    pub public: Option<bool>,
    /// What was said, as plain text.
    pub text: String,
}

/// A file that hangs on a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// The id, where the system has one.
    pub id: Option<String>,
    /// The file's name.
    pub name: String,
    /// Where it is to be had.
    pub url: Option<String>,
    /// How many bytes it has.
    pub bytes: Option<u64>,
    /// When it came.
    pub at: Option<Timestamp>,
}

/// What was promised for a ticket, and how that was kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Service {
    /// What the promise is called.
    pub name: Option<String>,
    /// Until somebody answered first.
    pub response: Option<Clock>,
    /// Until it was solved.
    pub resolution: Option<Clock>,
}

/// A time that was promised.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Clock {
    /// The minutes that were promised.
    pub target: Option<f64>,
    /// The minutes it took, or has taken so far.
    pub minutes: Option<f64>,
    /// Whether it still runs.
    pub is_running: Option<bool>,
    /// Whether it took longer than promised.
    pub is_breached: Option<bool>,
}

/// A field of the common ticket that is not filled although the ticket may have something there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotShown {
    /// The field, as [`CommonTicket`] calls it.
    pub field: Cow<'static, str>,
    /// Why.
    pub why: String,
}

/// Whose word counts where an answer and the directory both have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preferred {
    Answer,
    Directory,
}

impl CommonTicket {
    /// When it was closed, if it still is: a system may tell it of a reopened or deleted ticket too.
    pub fn still_closed(&self) -> Option<Timestamp> {
        self.closed.filter(|_| self.standing == Standing::Closed)
    }

    /// A ticket of which only the id is known.
    pub(crate) fn new(system: SystemName, id: String) -> Self {
        Self {
            system,
            id,
            number: None,
            url: None,
            title: None,
            description: None,
            standing: Standing::Open,
            state: None,
            priority: None,
            requester: None,
            assignee: None,
            team: None,
            place: None,
            category: None,
            devices: Vec::new(),
            tags: Vec::new(),
            custom: Vec::new(),
            comments: Vec::new(),
            attachments: Vec::new(),
            service: None,
            created: None,
            updated: None,
            closed: None,
            due: None,
            not_shown: Vec::new(),
            other: Map::new(),
        }
    }

    /// Brings a ticket that was stored by an older version to what its state means now.
    pub(crate) fn settle(&mut self) {
        if self.system == SystemName::ClearFeed {
            let state = self.state.as_ref().and_then(|state| state.id.as_deref());
            self.standing = super::clearfeed::settled(self.standing, state);
        }
    }

    /// Says that a field is not shown; the first reason counts.
    pub(crate) fn hide(&mut self, field: &'static str, why: impl Into<String>) {
        if !self.not_shown.iter().any(|hidden| hidden.field == field) {
            let why = why.into();
            self.not_shown.push(NotShown {
                field: field.into(),
                why,
            });
        }
    }

    /// Takes back that a field is not shown.
    pub(crate) fn unhide(&mut self, field: &str) {
        self.not_shown.retain(|hidden| hidden.field != field);
    }

    /// Gives names to what is known by its id alone, and texts to the options of custom fields.
    pub fn fill_names(&mut self, directory: &Directory) {
        self.name_by(directory, Preferred::Answer);
    }

    /// The same for a ticket that was read some time ago: what the directory knows goes before what the answer told then.
    pub fn refresh_names(&mut self, directory: &Directory) {
        self.name_by(directory, Preferred::Directory);
    }

    fn name_by(&mut self, directory: &Directory, preferred: Preferred) {
        for (kind, named) in [
            (Kind::Status, &mut self.state),
            (Kind::User, &mut self.requester),
            (Kind::User, &mut self.assignee),
            (Kind::Team, &mut self.team),
            (Kind::Location, &mut self.place),
        ] {
            if let Some(named) = named {
                named.fill(directory, kind, preferred);
            }
        }
        // One of the two kinds, whichever the system has.
        if let Some(category) = &mut self.category {
            category.fill(directory, Kind::Issue, preferred);
            category.fill(directory, Kind::Collection, preferred);
        }
        for device in &mut self.devices {
            device.fill(directory, Kind::Asset, preferred);
        }
        for comment in &mut self.comments {
            if let Some(author) = &mut comment.author {
                author.fill(directory, Kind::User, preferred);
            }
        }
        for value in &mut self.custom {
            value.fill(directory);
        }
    }
}

impl Named {
    /// Something by its id.
    pub(crate) fn id(id: impl Into<String>) -> Self {
        Self {
            id: Some(id.into()),
            ..Self::default()
        }
    }

    /// An entry of the directory; an issue goes by its whole path.
    pub fn entry(entry: &Entry) -> Self {
        let property = |name: &str| entry.properties.get(name).cloned();
        Self {
            id: Some(entry.id.clone()),
            name: property("path").or_else(|| Some(entry.name.clone())),
            email: property("email"),
        }
    }

    fn fill(&mut self, directory: &Directory, kind: Kind, preferred: Preferred) {
        // A path says more than the name that came.
        let is_better = kind == Kind::Issue || preferred == Preferred::Directory;
        let Some(id) = &self.id else {
            return;
        };
        // What has its name already asks for nothing to be loaded.
        let known = match is_better || self.name.is_none() {
            true => directory.entry(kind, id),
            false => directory.loaded_entry(kind, id),
        };
        let Some(known) = known else {
            return;
        };
        let property = |name: &str| known.properties.get(name).map(String::as_str);
        let name = property("path").unwrap_or(&known.name);
        if (is_better || self.name.is_none()) && self.name.as_deref() != Some(name) {
            self.name = Some(name.to_owned());
        }
        if let Some(email) = property("email")
            && (preferred == Preferred::Directory || self.email.is_none())
            && self.email.as_deref() != Some(email)
        {
            self.email = Some(email.to_owned());
        }
    }

    /// Whether both are the same thing: by id, else by e-mail address.
    pub fn is(&self, other: &Self) -> bool {
        let same = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => Some(one.eq_ignore_ascii_case(other)),
            _ => None,
        };
        same(&self.id, &other.id) == Some(true) || same(&self.email, &other.email) == Some(true)
    }

    /// Who or what it is: the id, else the address, else the name, in small letters; `None`: none of them is known.
    pub(crate) fn key(&self) -> Option<String> {
        let parts = [("i", &self.id), ("e", &self.email), ("n", &self.name)];
        parts.into_iter().find_map(|(kind, part)| {
            let part = part.as_deref().map(str::trim);
            let part = part.filter(|part| !part.is_empty())?;
            Some(format!("{kind}:{}", part.to_lowercase()))
        })
    }

    /// What people call it: the name, else the e-mail address, else the id.
    pub fn label(&self) -> &str {
        let parts = [&self.name, &self.email, &self.id];
        parts
            .into_iter()
            .flatten()
            .next()
            .map_or("", String::as_str)
    }
}

impl CustomValue {
    fn fill(&mut self, directory: &Directory) {
        let fields = directory.custom_fields();
        let is_this = |field: &&CustomField| {
            let by_id = self.id.as_ref().map(|id| field.id.eq_ignore_ascii_case(id));
            by_id.unwrap_or_else(|| self.name.as_deref() == Some(field.name.as_str()))
        };
        let Some(field) = fields.iter().find(is_this) else {
            return;
        };
        self.name = Some(field.name.clone());
        self.id = Some(field.id.clone());
        self.value = field_text(field, directory, std::mem::take(&mut self.value));
    }
}

/// The value of a custom field with names in the place of ids.
fn field_text(field: &CustomField, directory: &Directory, value: Value) -> Value {
    let kind = match field.kind {
        CustomType::User => Some(Kind::User),
        CustomType::Location => Some(Kind::Location),
        _ => None,
    };
    let is_list = field.kind == CustomType::MultiSelect;
    match value {
        Value::Array(items) => {
            let items = items.into_iter();
            Value::Array(
                items
                    .map(|item| field_text(field, directory, item))
                    .collect(),
            )
        }
        // IncidentIQ writes what was picked as the text of JSON: ids, or objects with `Id` and `Name`.
        Value::String(text)
            if field.kind != CustomType::Text && text.trim_start().starts_with(['[', '{']) =>
        {
            let picked = match serde_json::from_str(&text) {
                Ok(picked @ (Value::Array(_) | Value::Object(_))) => {
                    field_text(field, directory, picked)
                }
                _ => return Value::String(text),
            };
            match picked {
                Value::Array(items) if !is_list && items.len() < 2 => {
                    items.into_iter().next().unwrap_or_default()
                }
                picked => picked,
            }
        }
        Value::Object(members) => {
            let part = |name: &str| {
                let mut parts = members.iter();
                let found = parts.find(|(one, _)| one.eq_ignore_ascii_case(name))?.1;
                Some(found).filter(|value| says_something(value)).cloned()
            };
            match (part("Name"), part("Id")) {
                (Some(name), _) => name,
                (None, Some(id)) => field_text(field, directory, id),
                (None, None) => Value::Object(members),
            }
        }
        Value::String(_) | Value::Number(_) => {
            let id = match &value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let option = field.options.iter().find(|option| option.id == id);
            let entry = kind.and_then(|kind| directory.entry(kind, &id));
            match (option, entry) {
                (Some(option), _) => Value::String(option.value.clone()),
                (None, Some(entry)) => Value::String(entry.name.clone()),
                _ => value,
            }
        }
        other => other,
    }
}

/// What of an answer has no place in the common ticket: all members that are not `taken` and say something.
pub(crate) fn beyond(answer: &Value, taken: &[&str]) -> Map<String, Value> {
    let members = answer.as_object().into_iter().flatten();
    let is_taken = |name: &str| taken.iter().any(|one| one.eq_ignore_ascii_case(name));
    members
        .filter(|(name, value)| !is_taken(name) && says_something(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Whether a value is more than null, nothing, or a shell that stands for it (contract incidentiq §2).
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => {
            let is_zero = text.chars().all(|sign| matches!(sign, '0' | '-'));
            !is_zero && !text.trim().is_empty() && !text.starts_with("0001-01-01T")
        }
        Value::Array(items) => items.iter().any(says_something),
        Value::Object(members) => members.values().any(says_something),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::{Choice, Entry, Listing, Snapshot};
    use crate::systems::Dialect;

    #[test]
    fn what_was_picked_is_shown_by_its_name() {
        let entry = |id: &str, name: &str| Entry {
            id: id.to_owned(),
            name: name.to_owned(),
            properties: std::collections::BTreeMap::new(),
            parent: None,
        };
        let people = Listing {
            entries: vec![entry("u-1", "Ann Lee"), entry("u-2", "Bob Day")],
            ..Listing::default()
        };
        let directory = Directory::new(Snapshot {
            kinds: [(Kind::User, people)].into(),
            ..Snapshot::empty(SystemName::IncidentIq, Dialect::Only)
        });
        let shown = |kind, value: &str| {
            let field = CustomField {
                id: "f-1".to_owned(),
                name: "F".to_owned(),
                kind,
                options: vec![Choice {
                    id: "o-1".to_owned(),
                    value: "Top shelf".to_owned(),
                }],
                max_length: None,
                required: false,
            };
            field_text(&field, &directory, json!(value))
        };
        for (kind, value, expected) in [
            (CustomType::User, "u-1", json!("Ann Lee")),
            (CustomType::User, r#"["u-1"]"#, json!("Ann Lee")),
            (
                CustomType::User,
                r#"["u-1","u-2"]"#,
                json!(["Ann Lee", "Bob Day"]),
            ),
            (
                CustomType::User,
                r#"[{"Id":"u-9","Name":"Eve"}]"#,
                json!("Eve"),
            ),
            (
                CustomType::User,
                r#"{"id":"u-2","name":null}"#,
                json!("Bob Day"),
            ),
            (
                CustomType::Other,
                r#"{"Id":"t-1","Name":"Network"}"#,
                json!("Network"),
            ),
            (CustomType::Select, r#"["o-1"]"#, json!("Top shelf")),
            (CustomType::Select, "[]", json!(null)),
            (CustomType::MultiSelect, r#"["o-1"]"#, json!(["Top shelf"])),
            (CustomType::Text, r#"["o-1"]"#, json!(r#"["o-1"]"#)),
            (CustomType::Select, "[sic]", json!("[sic]")),
        ] {
            assert_eq!(shown(kind, value), expected, "{value}");
        }
    }

    #[test]
    fn shells_are_not_kept() {
        let answer = json!({
            "Taken": 1, "IsUrgent": false, "Sla": {"SlaId": "00000000-0000-0000-0000-000000000000"},
            "StartedDate": "0001-01-01T00:00:00", "Survey": null, "Assets": [], "SourceId": 3,
        });
        let kept = beyond(&answer, &["taken"]);
        assert_eq!(
            Value::Object(kept),
            json!({"IsUrgent": false, "SourceId": 3})
        );
    }
}
