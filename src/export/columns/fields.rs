//! What a column can show of a ticket: the names of the common ticket, custom fields, the system's own members.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use super::read::{Found as FoundCustom, find_custom};
use crate::directory::suggest::{did_you_mean, nearest};
use crate::directory::{CustomType, Directory, Kind as EntryKind, Needs};
use crate::systems::common::{Clock, CommonTicket, CustomValue, Named, Service};

/// What stands between several values in one cell.
pub(crate) const BETWEEN: &str = "; ";

/// What a value is, as far as it decides how it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word or a name.
    Text,
    /// A text of any length.
    Long,
    /// Several words or names.
    List,
    /// A moment.
    Time,
    /// A day, the same in every zone.
    Day,
    /// A number.
    Number,
    /// Yes or no.
    Truth,
}

impl Kind {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Long => "long text",
            Self::List => "list",
            Self::Time => "time",
            Self::Day => "date",
            Self::Number => "number",
            Self::Truth => "yes or no",
        }
    }
}

/// A value of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw<'t> {
    Empty,
    Text(Cow<'t, str>),
    Number(f64),
    Truth(bool),
    Time(Timestamp),
}

/// A name of the common ticket.
#[derive(Debug)]
pub struct CommonField {
    /// As columns write it.
    pub name: &'static str,
    /// What stands above its column.
    pub heading: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it is, in a few words.
    pub doc: &'static str,
    get: for<'t> fn(&'t CommonTicket) -> Raw<'t>,
}

const fn field(
    name: &'static str,
    heading: &'static str,
    kind: Kind,
    doc: &'static str,
    get: for<'t> fn(&'t CommonTicket) -> Raw<'t>,
) -> CommonField {
    CommonField {
        name,
        heading,
        kind,
        doc,
        get,
    }
}

/// All names of the common ticket, in the order of the reference.
pub static COMMON: &[CommonField] = &[
    field("id", "Ticket ID", Kind::Text, "the system's id", |t| {
        borrowed(Some(&t.id))
    }),
    field(
        "number",
        "Ticket",
        Kind::Text,
        "the number that people use, else the id",
        |t| borrowed(Some(t.number.as_ref().unwrap_or(&t.id))),
    ),
    field(
        "system",
        "System",
        Kind::Text,
        "the system that it is from",
        |t| Raw::Text(Cow::Borrowed(t.system.as_str())),
    ),
    field("url", "Link", Kind::Text, "where a browser shows it", |t| {
        borrowed(t.url.as_ref())
    }),
    field(
        "title",
        "Title",
        Kind::Text,
        "what it is about, in a few words",
        |t| borrowed(t.title.as_ref()),
    ),
    field(
        "description",
        "Description",
        Kind::Long,
        "the whole text",
        |t| borrowed(t.description.as_ref()),
    ),
    field(
        "standing",
        "Standing",
        Kind::Text,
        "open, closed or gone, whatever the system calls it",
        |t| Raw::Text(Cow::Borrowed(t.standing.as_str())),
    ),
    field(
        "state",
        "State",
        Kind::Text,
        "how far it is, in the system's own word",
        |t| label(&t.state),
    ),
    field(
        "state.id",
        "State ID",
        Kind::Text,
        "the id of the state",
        |t| id(&t.state),
    ),
    field(
        "priority",
        "Priority",
        Kind::Text,
        "how much it hurries",
        |t| label(&t.priority),
    ),
    field(
        "priority.id",
        "Priority ID",
        Kind::Text,
        "the system's own value of the priority",
        |t| id(&t.priority),
    ),
    field(
        "requester",
        "Requester",
        Kind::Text,
        "who needs help",
        |t| label(&t.requester),
    ),
    field(
        "requester.email",
        "Requester e-mail",
        Kind::Text,
        "their e-mail address",
        |t| email(&t.requester),
    ),
    field(
        "requester.id",
        "Requester ID",
        Kind::Text,
        "their id",
        |t| id(&t.requester),
    ),
    field("assignee", "Assignee", Kind::Text, "who works on it", |t| {
        label(&t.assignee)
    }),
    field(
        "assignee.email",
        "Assignee e-mail",
        Kind::Text,
        "their e-mail address",
        |t| email(&t.assignee),
    ),
    field("assignee.id", "Assignee ID", Kind::Text, "their id", |t| {
        id(&t.assignee)
    }),
    field(
        "team",
        "Team",
        Kind::Text,
        "the team that works on it",
        |t| label(&t.team),
    ),
    field(
        "team.id",
        "Team ID",
        Kind::Text,
        "the id of the team",
        |t| id(&t.team),
    ),
    field("place", "Location", Kind::Text, "where it is", |t| {
        label(&t.place)
    }),
    field(
        "place.id",
        "Location ID",
        Kind::Text,
        "the id of the place",
        |t| id(&t.place),
    ),
    field(
        "category",
        "Category",
        Kind::Text,
        "what it is filed under: the issue, or the collection",
        |t| label(&t.category),
    ),
    field(
        "category.id",
        "Category ID",
        Kind::Text,
        "the id of the issue or collection",
        |t| id(&t.category),
    ),
    field(
        "devices",
        "Devices",
        Kind::List,
        "the devices it is about, by their tags",
        |t| list(t.devices.iter().map(Named::label)),
    ),
    field(
        "devices.id",
        "Device IDs",
        Kind::List,
        "the ids of the devices",
        |t| list(t.devices.iter().filter_map(|device| device.id.as_deref())),
    ),
    field("tags", "Tags", Kind::List, "its tags", |t| {
        list(t.tags.iter().map(String::as_str))
    }),
    field(
        "comments",
        "Comments",
        Kind::Long,
        "what was said on it, oldest first",
        |t| {
            text(
                t.comments
                    .iter()
                    .map(|comment| comment.text.as_str())
                    .collect::<Vec<_>>()
                    .join("\n\n"),
            )
        },
    ),
    field(
        "comments.count",
        "Comment count",
        Kind::Number,
        "how many comments it has",
        |t| Raw::Number(t.comments.len() as f64),
    ),
    field(
        "comments.last",
        "Last comment",
        Kind::Long,
        "the comment that was made last",
        |t| borrowed(t.comments.last().map(|comment| &comment.text)),
    ),
    field(
        "attachments",
        "Attachments",
        Kind::List,
        "the names of the files that hang on it",
        |t| list(t.attachments.iter().map(|file| file.name.as_str())),
    ),
    field(
        "attachments.count",
        "Attachment count",
        Kind::Number,
        "how many files hang on it",
        |t| Raw::Number(t.attachments.len() as f64),
    ),
    field(
        "service",
        "Service level",
        Kind::Text,
        "what its promise is called",
        |t| borrowed(t.service.as_ref().and_then(|service| service.name.as_ref())),
    ),
    field(
        "response.target",
        "Response target (min)",
        Kind::Number,
        "the minutes promised to a first answer",
        |t| number(response(t).and_then(|clock| clock.target)),
    ),
    field(
        "response.minutes",
        "Response (min)",
        Kind::Number,
        "the minutes to a first answer, so far",
        |t| number(response(t).and_then(|clock| clock.minutes)),
    ),
    field(
        "response.is_breached",
        "Response breached",
        Kind::Truth,
        "whether the first answer came too late",
        |t| truth(response(t).and_then(|clock| clock.is_breached)),
    ),
    field(
        "resolution.target",
        "Resolution target (min)",
        Kind::Number,
        "the minutes promised to a solution",
        |t| number(resolution(t).and_then(|clock| clock.target)),
    ),
    field(
        "resolution.minutes",
        "Resolution (min)",
        Kind::Number,
        "the minutes to the solution, so far",
        |t| number(resolution(t).and_then(|clock| clock.minutes)),
    ),
    field(
        "resolution.is_breached",
        "Resolution breached",
        Kind::Truth,
        "whether the solution came too late",
        |t| truth(resolution(t).and_then(|clock| clock.is_breached)),
    ),
    field("created", "Created", Kind::Time, "when it was made", |t| {
        time(t.created)
    }),
    field(
        "updated",
        "Updated",
        Kind::Time,
        "when it was changed last",
        |t| time(t.updated),
    ),
    field("closed", "Closed", Kind::Time, "when it was closed", |t| {
        time(t.closed)
    }),
    field("due", "Due", Kind::Time, "when it is due", |t| time(t.due)),
];

fn borrowed(text: Option<&String>) -> Raw<'_> {
    match text {
        Some(text) if !text.is_empty() => Raw::Text(Cow::Borrowed(text)),
        _ => Raw::Empty,
    }
}

fn text<'t>(text: String) -> Raw<'t> {
    match text.is_empty() {
        true => Raw::Empty,
        false => Raw::Text(Cow::Owned(text)),
    }
}

fn label(named: &Option<Named>) -> Raw<'_> {
    match named.as_ref().map(Named::label) {
        Some(label) if !label.is_empty() => Raw::Text(Cow::Borrowed(label)),
        _ => Raw::Empty,
    }
}

fn id(named: &Option<Named>) -> Raw<'_> {
    borrowed(named.as_ref().and_then(|named| named.id.as_ref()))
}

fn email(named: &Option<Named>) -> Raw<'_> {
    borrowed(named.as_ref().and_then(|named| named.email.as_ref()))
}

fn list<'t>(mut items: impl Iterator<Item = &'t str>) -> Raw<'t> {
    let Some(first) = items.next() else {
        return Raw::Empty;
    };
    let Some(second) = items.next() else {
        return Raw::Text(Cow::Borrowed(first));
    };
    let mut joined = [first, second].join(BETWEEN);
    for item in items {
        joined.push_str(BETWEEN);
        joined.push_str(item);
    }
    Raw::Text(Cow::Owned(joined))
}

fn response(ticket: &CommonTicket) -> Option<&Clock> {
    ticket
        .service
        .as_ref()
        .and_then(|Service { response, .. }| response.as_ref())
}

fn resolution(ticket: &CommonTicket) -> Option<&Clock> {
    ticket
        .service
        .as_ref()
        .and_then(|Service { resolution, .. }| resolution.as_ref())
}

fn number<'t>(number: Option<f64>) -> Raw<'t> {
    number.map_or(Raw::Empty, Raw::Number)
}

fn truth<'t>(truth: Option<bool>) -> Raw<'t> {
    truth.map_or(Raw::Empty, Raw::Truth)
}

fn time<'t>(at: Option<Timestamp>) -> Raw<'t> {
    at.map_or(Raw::Empty, Raw::Time)
}

/// What the directory names for a member of the common ticket: what a system's answer says of it may be older.
fn named_by(name: &str) -> &'static [EntryKind] {
    match name {
        "state" => &[EntryKind::Status],
        "requester" | "requester.email" | "assignee" | "assignee.email" => &[EntryKind::User],
        "team" => &[EntryKind::Team],
        "place" => &[EntryKind::Location],
        // One of the two, whichever the system has.
        "category" => &[EntryKind::Issue, EntryKind::Collection],
        "devices" => &[EntryKind::Asset],
        _ => &[],
    }
}

/// Asks a directory for what names the things that a column of this name shows.
pub(crate) fn ask_for(name: &str, directory: &Directory) {
    if let Ok(path) = path(name) {
        path.ask(directory);
    }
}

/// Asks a directory for all that names something of a ticket.
pub(crate) fn ask_for_all(directory: &Directory) {
    COMMON
        .iter()
        .for_each(|field| directory.ask(Needs::kinds(named_by(field.name))));
    for field in directory.custom_fields() {
        Path::CustomId {
            id: field.id.clone(),
            name: None,
        }
        .ask(directory);
    }
}

/// What a name leads to.
#[derive(Debug, Clone)]
pub(super) enum Path {
    Common(&'static CommonField),
    Custom(String),
    /// A custom field by its id, since several have its name.
    CustomId {
        id: String,
        /// Its name, where it also takes what a system shows by names alone.
        name: Option<String>,
    },
    /// Of what the system tells beyond the common ticket.
    Own(String),
}

/// What stands before the name of a custom field.
pub(super) const CUSTOM: &str = "custom.";
/// What stands before a path of the system's own that looks like a name of the common ticket.
const OTHER: &str = "other.";

/// Finds what a name leads to.
///
/// # Errors
/// What to write instead, for a name that is nearly one of the common ticket.
pub(super) fn path(name: &str) -> Result<Path, String> {
    if let Some(field) = COMMON.iter().find(|field| field.name == name) {
        return Ok(Path::Common(field));
    }
    if let Some(custom) = name
        .strip_prefix(CUSTOM)
        .filter(|custom| !custom.is_empty())
    {
        return Ok(Path::Custom(custom.to_owned()));
    }
    if let Some(own) = name.strip_prefix(OTHER).filter(|own| !own.is_empty()) {
        return Ok(Path::Own(own.to_owned()));
    }
    let base = name.split('.').next().unwrap_or(name);
    if COMMON
        .iter()
        .any(|field| field.name.eq_ignore_ascii_case(base))
    {
        let parts = COMMON.iter().map(|field| field.name);
        let parts: Vec<&str> = parts
            .filter(|one| {
                one.split('.')
                    .next()
                    .is_some_and(|one| one.eq_ignore_ascii_case(base))
            })
            .collect();
        return Err(format!("there is {}", parts.join(", ")));
    }
    match did_you_mean(&nearest(name, COMMON.iter().map(|field| field.name))) {
        Some(near) => Err(format!(
            "{near} (the system's own member of that name is `{OTHER}{name}`)"
        )),
        None if name.trim().is_empty() => {
            Err("for example `title`, `assignee.email`, `custom.Asset Tag`".to_owned())
        }
        None => Ok(Path::Own(name.to_owned())),
    }
}

impl Path {
    /// Asks a directory for what names the things that are shown.
    pub(super) fn ask(&self, directory: &Directory) {
        let custom = match self {
            Self::Common(field) => return directory.ask(Needs::kinds(named_by(field.name))),
            Self::Own(_) => return,
            Self::Custom(name) => find_custom(directory.custom_fields(), name),
            Self::CustomId { id, .. } => find_custom(directory.custom_fields(), id),
        };
        let FoundCustom::One(field) = custom else {
            return;
        };
        match field.kind {
            CustomType::User => directory.ask(Needs::kind(EntryKind::User)),
            CustomType::Location => directory.ask(Needs::kind(EntryKind::Location)),
            _ => {}
        }
    }

    /// Whether it is made of what was said on a ticket.
    pub(super) fn is_comments(&self) -> bool {
        matches!(self, Self::Common(field) if field.name.starts_with("comments"))
    }

    /// Whether an item of the list that it shows holds what stands between two: nobody can part them again.
    pub(super) fn is_merged(&self, ticket: &CommonTicket) -> bool {
        let holds = |item: &str| item.contains(BETWEEN.trim());
        match self {
            Self::Common(field) => match field.name {
                "tags" => ticket.tags.iter().any(|tag| holds(tag)),
                "devices" => ticket.devices.iter().map(Named::label).any(holds),
                _ => false,
            },
            Self::Custom(_) | Self::CustomId { .. } => {
                let items = self.custom(ticket).and_then(|found| found.value.as_array());
                let mut items = items.into_iter().flatten().filter_map(Value::as_str);
                items.any(holds)
            }
            Self::Own(_) => false,
        }
    }

    /// The value of a custom field.
    fn custom<'t>(&self, ticket: &'t CommonTicket) -> Option<&'t CustomValue> {
        let is = |named: &Option<String>, name: &str| {
            named.as_deref().is_some_and(|one| same(one, name))
        };
        let mut values = ticket.custom.iter();
        match self {
            Self::Custom(name) => values.find(|value| is(&value.name, name) || is(&value.id, name)),
            Self::CustomId { id, name } => values.find(|value| match (&value.id, name) {
                (Some(_), _) => is(&value.id, id),
                (None, Some(name)) => is(&value.name, name),
                (None, None) => false,
            }),
            Self::Common(_) | Self::Own(_) => None,
        }
    }

    /// The value of a ticket.
    pub(super) fn get<'t>(&self, ticket: &'t CommonTicket) -> Raw<'t> {
        match self {
            Self::Common(field) => (field.get)(ticket),
            Self::Custom(_) | Self::CustomId { .. } => {
                let found = self.custom(ticket);
                found.map_or(Raw::Empty, |found| of_json(&found.value))
            }
            Self::Own(path) => {
                let mut parts = path.split('.');
                let first = parts.next().unwrap_or_default();
                let mut value = member(&ticket.other, first);
                for part in parts {
                    value = match value {
                        Some(Value::Object(members)) => member(members, part),
                        Some(Value::Array(items)) => {
                            part.parse::<usize>().ok().and_then(|at| items.get(at))
                        }
                        _ => None,
                    };
                }
                value.map_or(Raw::Empty, of_json)
            }
        }
    }
}

/// Names without case and outer space.
fn same(one: &str, other: &str) -> bool {
    one == other || unicase::eq(one.trim(), other.trim())
}

fn member<'t>(members: &'t serde_json::Map<String, Value>, name: &str) -> Option<&'t Value> {
    members.get(name).or_else(|| {
        members
            .iter()
            .find(|(one, _)| same(one, name))
            .map(|(_, value)| value)
    })
}

/// A number that a spreadsheet program keeps exactly.
const EXACT: u64 = 1 << 53;

fn of_json(value: &Value) -> Raw<'_> {
    match value {
        Value::Null => Raw::Empty,
        Value::Bool(truth) => Raw::Truth(*truth),
        Value::Number(number) => match number.as_i64().map(i64::unsigned_abs).or(number.as_u64()) {
            // An id of many digits would lose its last ones.
            Some(whole) if whole > EXACT => Raw::Text(Cow::Owned(number.to_string())),
            _ => number.as_f64().map_or(Raw::Empty, Raw::Number),
        },
        Value::String(text) => borrowed(Some(text)),
        Value::Array(items) => {
            let items: Vec<Cow<'_, str>> = items.iter().filter_map(plain).collect();
            text(items.join(BETWEEN))
        }
        Value::Object(_) => plain(value).map_or(Raw::Empty, Raw::Text),
    }
}

/// A value as people read it: the name of an object that has one.
fn plain(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Object(members) => {
            let named = member(members, "name").and_then(Value::as_str);
            Some(named.map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed))
        }
        other => Some(Cow::Owned(other.to_string())),
    }
}
