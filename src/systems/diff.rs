//! What of a ticket would change: the fields that requests set, each with what stands there now beside it. Told by
//! names as far as the directory knows them; what a ticket does not show is said to be so.

use serde::Serialize;
use serde_json::Value;

use super::common::{CommonTicket, Named};
use super::fields::{Field, FieldType, FieldValue, Target, called};
use super::{Schema, StepPayload, Ticket, call_of, is_following_step};
use crate::directory::{CustomField, CustomType, Directory, Kind};
use crate::html;

/// How the requests of a row would change the ticket that they are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// The ticket.
    pub ticket: Ticket,
    /// Fields that would hold something else, or of which that cannot be told.
    pub fields: Vec<Difference>,
    /// What would be done on the ticket besides, in order: what `[[then]]` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Deed>,
}

impl Diff {
    /// Whether nothing would happen to the ticket.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.then.is_empty()
    }
}

/// What would be done on a ticket besides its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// The call: `comment`.
    pub call: String,
    /// The text that it makes, where it makes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What these requests do on a ticket besides setting fields.
pub fn deeds(schema: &dyn Schema, requests: &[StepPayload]) -> Vec<Deed> {
    let following = requests.iter().filter(|it| is_following_step(&it.step));
    let deed = |request: &StepPayload| {
        let call = call_of(&request.step);
        let text = schema.looks(call, &request.body).text;
        Deed {
            call: call.to_owned(),
            text: Some(html::to_text(&text)).filter(|text| !text.is_empty()),
        }
    };
    following.map(deed).collect()
}

/// One field that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// As the mapping calls it.
    pub field: String,
    /// What stands there; `None`: nothing.
    pub now: Option<String>,
    /// What would stand there; `None`: nothing.
    pub would_be: Option<String>,
    /// Why nobody can read what stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_shown: Option<String>,
}

/// The fields of a ticket that these values would change. The ticket has its names filled in.
pub fn differences(
    ticket: &CommonTicket,
    values: &[FieldValue],
    directory: &Directory,
) -> Vec<Difference> {
    let compared = compared(ticket, values, directory).into_iter();
    compared.filter_map(Compared::difference).collect()
}

/// What a ticket shows of the fields that these values set, each beside what is wanted. The ticket has its names filled
/// in.
pub fn compared(
    ticket: &CommonTicket,
    values: &[FieldValue],
    directory: &Directory,
) -> Vec<Compared> {
    let look = Look { ticket, directory };
    values.iter().flat_map(|value| look.at(value)).collect()
}

/// A field as a ticket shows it, beside what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// As the mapping calls it.
    pub field: String,
    /// What columns of its meaning are called; empty for a custom field.
    pub called: &'static [&'static str],
    /// What stands there; `None`: nothing, or nobody can read it.
    pub now: Option<String>,
    /// What is wanted; `None`: nothing.
    pub wanted: Option<String>,
    /// Whether the two are the same.
    pub is: Agreement,
}

/// Whether a field shows what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agreement {
    /// It does.
    Same,
    /// It shows something else.
    Other,
    /// The ticket has no such member, although something is wanted: it is empty, or the system never shows it.
    Absent,
    /// Nobody can read it: why.
    NotShown(String),
}

impl Compared {
    fn difference(self) -> Option<Difference> {
        let not_shown = match self.is {
            Agreement::Same => return None,
            Agreement::Other | Agreement::Absent => None,
            Agreement::NotShown(why) => Some(why),
        };
        Some(Difference {
            field: self.field,
            now: self.now,
            would_be: self.wanted,
            not_shown,
        })
    }
}

/// A value on either side.
#[derive(Debug, Default, PartialEq)]
struct Side {
    /// Ids, where it is of ids.
    ids: Vec<String>,
    /// As people read it.
    words: Vec<String>,
    /// The e-mail addresses of people, in small letters.
    emails: Vec<String>,
}

struct Look<'a> {
    ticket: &'a CommonTicket,
    directory: &'a Directory,
}

impl Look<'_> {
    fn at(&self, value: &FieldValue) -> Vec<Compared> {
        match &value.target {
            Target::Field(field) if field.name == "unassign" => self.taken_away(&value.value),
            Target::Field(field) if field.name == "action" => vec![Compared {
                field: field.name.to_owned(),
                called: field.called,
                now: self.ticket.state.as_ref().map(|it| it.label().to_owned()),
                wanted: Some(format!("where `{}` leads", plain(&value.value))),
                is: Agreement::Other,
            }],
            Target::Field(field) => {
                let wanted = self.wanted(field, &value.value);
                let (now, is_absent) = match self.now(field) {
                    Some(now) => (now, false),
                    None => (
                        self.other(field),
                        !self.ticket.other.contains_key(field.name),
                    ),
                };
                let mut compared = self.compare(field.name.to_owned(), now, wanted);
                compared.called = field.called;
                if is_absent && compared.is == Agreement::Other {
                    compared.is = Agreement::Absent;
                }
                vec![compared]
            }
            Target::Custom(field) => {
                let name = format!("custom.{}", field.name);
                let wanted = self.custom(field, &value.value);
                vec![self.compare(name, self.custom_now(field), wanted)]
            }
        }
    }

    fn compare(&self, field: String, now: Result<Side, String>, wanted: Side) -> Compared {
        let (now, is) = match now {
            Ok(now) if now.is(&wanted) => (now, Agreement::Same),
            Ok(now) => (now, Agreement::Other),
            Err(why) => (Side::default(), Agreement::NotShown(why)),
        };
        Compared {
            field,
            called: &[],
            now: now.text(),
            wanted: wanted.text(),
            is,
        }
    }

    /// What stands in a field now that the common ticket has; `None`: it has none of its meaning.
    fn now(&self, field: &Field) -> Option<Result<Side, String>> {
        let ticket = self.ticket;
        let named = |named: &Option<Named>| named.iter().map(Side::named).collect();
        let shown = |name: &str| match ticket.not_shown.iter().find(|it| it.field == name) {
            Some(hidden) => Err(hidden.why.clone()),
            None => Ok(()),
        };
        let (name, side): (&str, Side) = match field.called {
            called::TITLE => (
                "title",
                ticket
                    .title
                    .iter()
                    .map(|text| Side::text_of(text))
                    .collect(),
            ),
            called::DESCRIPTION => {
                let text = ticket.description.iter();
                (
                    "description",
                    text.map(|text| Side::text_of(text)).collect(),
                )
            }
            called::STATUS => ("state", named(&ticket.state)),
            called::PRIORITY => ("priority", named(&ticket.priority)),
            called::REQUESTER => ("requester", named(&ticket.requester)),
            called::ASSIGNEE => ("assignee", named(&ticket.assignee)),
            called::TEAM => ("team", named(&ticket.team)),
            called::LOCATION => ("place", named(&ticket.place)),
            called::ISSUE | called::QUEUE => ("category", named(&ticket.category)),
            called::ASSET => ("devices", ticket.devices.iter().map(Side::named).collect()),
            called::TAGS => (
                "tags",
                ticket.tags.iter().map(|text| Side::text_of(text)).collect(),
            ),
            called::DUE => {
                let due = ticket.due.map(|at| at.to_string());
                ("due", due.iter().map(|text| Side::text_of(text)).collect())
            }
            _ => return None,
        };
        Some(shown(name).map(|()| side))
    }

    /// A field that only the system knows: by its own name among what a ticket tells besides.
    fn other(&self, field: &Field) -> Result<Side, String> {
        match (self.ticket.other.get(field.name), &field.kind) {
            (None, FieldType::List(_)) => Err("a ticket does not show it".to_owned()),
            (None, _) => Ok(Side::default()),
            (Some(value), _) => Ok(self.wanted(field, value)),
        }
    }

    /// A value that a field is to hold.
    fn wanted(&self, field: &Field, value: &Value) -> Side {
        let kind = match &field.kind {
            FieldType::List(inner) => inner.as_ref(),
            one => one,
        };
        let side = |value: &Value| match kind {
            FieldType::Reference(kind) => self.entry(*kind, &plain(value)),
            FieldType::DateTime => {
                let text = plain(value);
                let at = text.parse::<jiff::Timestamp>().map(|at| at.to_string());
                Side::text_of(&at.unwrap_or(text))
            }
            // The common ticket's word for the two.
            FieldType::Choice(_) if field.called == called::PRIORITY && value == "normal" => {
                Side::text_of("medium")
            }
            _ => Side::text_of(&plain(value)),
        };
        items(value).map(side).collect()
    }

    fn entry(&self, kind: Kind, id: &str) -> Side {
        match self.directory.entry(kind, id) {
            Some(entry) => Side::named(&Named::entry(entry)),
            None => Side::named(&Named::id(id)),
        }
    }

    fn custom_now(&self, field: &CustomField) -> Result<Side, String> {
        let hidden = self.ticket.not_shown.iter().find(|it| it.field == "custom");
        let is_it = |id: &Option<String>, name: &Option<String>| match id {
            Some(id) => id.eq_ignore_ascii_case(&field.id),
            None => name.as_deref() == Some(field.name.as_str()),
        };
        let held = &self.ticket.custom;
        match (held.iter().find(|it| is_it(&it.id, &it.name)), hidden) {
            (Some(held), _) => Ok(self.custom(field, &held.value)),
            (None, Some(hidden)) => Err(hidden.why.clone()),
            (None, None) => Ok(Side::default()),
        }
    }

    /// What a custom field is to hold, or holds: of ids their texts, of whatever stands for yes and no the words.
    fn custom(&self, field: &CustomField, value: &Value) -> Side {
        let side = |value: &Value| {
            let text = plain(value);
            let option = field.options.iter().find(|option| option.id == text);
            match (field.kind, option) {
                (_, Some(option)) => Side::text_of(&option.value),
                (CustomType::User, _) => self.entry(Kind::User, &text),
                (CustomType::Location, _) => self.entry(Kind::Location, &text),
                (CustomType::Bool, _) => {
                    let is_on = ["true", "yes", "1"].contains(&text.to_ascii_lowercase().as_str());
                    Side::text_of(if is_on { "yes" } else { "no" })
                }
                // Some systems add a time of day.
                (CustomType::Date, _) => Side::text_of(&text.chars().take(10).collect::<String>()),
                _ => Side::text_of(&text),
            }
        };
        items(value).map(side).collect()
    }

    /// Who it is taken away from.
    fn taken_away(&self, value: &Value) -> Vec<Compared> {
        let holder = |word: &str| match word {
            "user" => Some(&self.ticket.assignee),
            "team" => Some(&self.ticket.team),
            _ => None,
        };
        let words: Vec<String> = items(value).map(plain).collect();
        let one = |word: String| {
            let now = match holder(&word) {
                Some(named) => Ok(named.iter().map(Side::named).collect()),
                None => Err("a ticket does not show it".to_owned()),
            };
            self.compare(format!("unassign {word}"), now, Side::default())
        };
        words.into_iter().map(one).collect()
    }
}

impl FromIterator<Side> for Side {
    fn from_iter<T: IntoIterator<Item = Self>>(sides: T) -> Self {
        let mut all = Self::default();
        for side in sides {
            all.ids.extend(side.ids);
            all.words.extend(side.words);
            all.emails.extend(side.emails);
        }
        all
    }
}

impl Side {
    fn named(named: &Named) -> Self {
        Self {
            ids: named.id.iter().map(|id| id.to_lowercase()).collect(),
            words: vec![named.label().to_owned()],
            emails: named.email.iter().map(|it| it.to_lowercase()).collect(),
        }
    }

    fn text_of(text: &str) -> Self {
        Self {
            words: vec![text.to_owned()],
            ..Self::default()
        }
    }

    fn text(&self) -> Option<String> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let text = words.join(", ");
        (!text.trim().is_empty()).then_some(text)
    }

    /// Whether both are the same: by ids, else by what people read, without what HTML and space make of it. The order
    /// of several counts for nothing.
    fn is(&self, other: &Self) -> bool {
        let sorted = |texts: &[String], form: &dyn Fn(&str) -> String| {
            let mut texts: Vec<String> = texts.iter().map(|text| form(text)).collect();
            texts.retain(|text| !text.is_empty());
            texts.sort();
            texts.dedup();
            texts
        };
        let same = |one: &[String], other: &[String], form: &dyn Fn(&str) -> String| {
            sorted(one, form) == sorted(other, form)
        };
        let by_ids = !self.ids.is_empty() && same(&self.ids, &other.ids, &str::to_owned);
        // A person may be known by the name on one side, and be written as the address on the other.
        let is_person = |one: &[String], other: &[String]| {
            !one.is_empty() && same(one, other, &|text| text.trim().to_lowercase())
        };
        by_ids
            || same(&self.words, &other.words, &bare)
            || is_person(&self.emails, &other.words)
            || is_person(&other.emails, &self.words)
    }
}

/// A text without what says nothing: tags, and space.
fn bare(text: &str) -> String {
    let text = html::to_text(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter().filter(|item| !item.is_null())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
