//! What a ticket's body may hold: types first (400, a map), then whether it makes sense (422, a list), as
//! contract incidentiq §7 and §17 have it.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::book::{Book, Kind};
use super::ticket::{Tag, Ticket};
use crate::sandbox::guid::Guid;
use crate::sandbox::reply::Refusal;

/// The longest subject.
const MAX_SUBJECT: usize = 255;

/// What a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// `/tickets/create`: requestor, issue and location are required.
    New,
    /// `/tickets/new`: the location is the requestor's where it is not said.
    NewAnywhere,
    /// A change of what is there.
    Update,
}

/// A member of an object, its name without case.
pub(super) fn member<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    body.get(name).or_else(|| {
        body.iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// A member of a value that may be no object; null is absent.
pub(super) fn get<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    member(body.as_object()?, name).filter(|value| !value.is_null())
}

/// An id under a name.
pub(super) fn guid(body: &Value, name: &str) -> Option<Guid> {
    get(body, name)?.as_str()?.parse().ok()
}

/// A body being read: what is wrong with it is gathered, not told at the first fault.
struct Form<'a> {
    book: &'a Book,
    body: &'a Map<String, Value>,
    /// Wrong in form: 400.
    bad: Vec<(String, String)>,
    /// Wrong in sense: 422.
    wrong: Vec<(String, String)>,
}

impl<'a> Form<'a> {
    /// A member: absent, null, or there.
    fn at(&self, name: &str) -> Option<Option<&'a Value>> {
        let value = member(self.body, name)?;
        Some(Some(value).filter(|value| !value.is_null()))
    }

    fn typed<T>(
        &mut self,
        name: &str,
        what: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<Option<T>> {
        let Some(value) = self.at(name)? else {
            return Some(None);
        };
        let read = read(value);
        if read.is_none() {
            let message = format!("Error converting value {value} to type {what}.");
            self.bad.push((name.to_owned(), message));
            return None;
        }
        Some(read)
    }

    fn text(&mut self, name: &str) -> Option<Option<&'a str>> {
        self.typed(name, "'System.String'", Value::as_str)
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        self.typed(name, "'System.Boolean'", Value::as_bool)
            .flatten()
    }

    fn integer(&mut self, name: &str) -> Option<i64> {
        self.typed(name, "'System.Int32'", Value::as_i64).flatten()
    }

    fn list(&mut self, name: &str) -> Option<&'a [Value]> {
        self.typed(name, "'System.Collections.Generic.List`1'", |value| {
            value.as_array().map(Vec::as_slice)
        })
        .flatten()
    }

    /// Where the thing of an id stands; the zero id is none.
    fn reference(&mut self, name: &str, kind: Kind, what: &str) -> Option<Option<usize>> {
        let id = self.typed(name, "'System.Guid'", |value| {
            value.as_str()?.parse::<Guid>().ok()
        })?;
        let Some(id) = id.filter(|id| *id != Guid::ZERO) else {
            return Some(None);
        };
        let place = self.book.find(kind, id);
        if place.is_none() {
            self.wrong
                .push((name.to_owned(), format!("{what} {id} does not exist.")));
            return None;
        }
        Some(place)
    }

    fn refuse_if_bad(self) -> Result<(), Refusal> {
        let status = match (self.bad.is_empty(), self.wrong.is_empty()) {
            (true, true) => return Ok(()),
            (false, _) => 400,
            (true, false) => 422,
        };
        let mut refusal = Refusal::new(status, "One or more validation errors occurred.");
        refusal.fields = self.bad;
        refusal.fields.extend(self.wrong);
        Err(if status == 422 {
            refusal.listed()
        } else {
            refusal
        })
    }
}

fn object(body: &Value) -> Result<&Map<String, Value>, Refusal> {
    body.as_object()
        .ok_or_else(|| Refusal::new(400, "A request body of type object is required."))
}

/// A new ticket from the body of a create.
pub(super) fn draft(
    book: &Book,
    body: &Value,
    intent: Intent,
    at: Timestamp,
) -> Result<Ticket, Refusal> {
    let mut form = Form {
        book,
        body: object(body)?,
        bad: Vec::new(),
        wrong: Vec::new(),
    };
    let mut ticket = Ticket::blank(at);
    for name in ["ForId", "IssueId", "LocationId"] {
        let is_needed = name != "LocationId" || intent == Intent::New;
        let id = form
            .at(name)
            .flatten()
            .and_then(Value::as_str)
            .unwrap_or("-");
        let is_absent = form.at(name).flatten().is_none() || id.parse() == Ok(Guid::ZERO);
        if is_needed && is_absent {
            form.bad
                .push((name.to_owned(), format!("The {name} field is required.")));
        }
    }
    fill(&mut form, &mut ticket, intent);
    if form.at("LocationId").flatten().is_none() {
        ticket.location = book.district.users[ticket.requestor].location;
    }
    if ticket.subject.trim().is_empty() {
        // The server makes a subject of the issue where there is none (contract §6, `Subject`).
        ticket
            .subject
            .clone_from(&book.district.issues[ticket.issue].name);
    }
    finish(&mut form, &ticket);
    form.refuse_if_bad()?;
    Ok(ticket)
}

/// The ticket after an update; with `blanking` what the body leaves out is blanked (contract §8).
pub(super) fn updated(
    book: &Book,
    ticket: &Ticket,
    body: &Value,
    blanking: bool,
) -> Result<Ticket, Refusal> {
    let mut form = Form {
        book,
        body: object(body)?,
        bad: Vec::new(),
        wrong: Vec::new(),
    };
    let mut ticket = ticket.clone();
    if blanking {
        ticket.description = None;
        ticket.room = None;
        ticket.assignee = None;
        ticket.team = None;
        ticket.due = None;
    }
    fill(&mut form, &mut ticket, Intent::Update);
    fill_update(&mut form, &mut ticket);
    finish(&mut form, &ticket);
    form.refuse_if_bad()?;
    Ok(ticket)
}

/// What create and update both take.
fn fill(form: &mut Form<'_>, ticket: &mut Ticket, intent: Intent) {
    if let Some(subject) = form.text("Subject").flatten() {
        ticket.subject = subject.to_owned();
    }
    if let Some(description) = form.text("IssueDescription") {
        ticket.description = description.map(str::to_owned);
    }
    if let Some(Some(user)) = form.reference("ForId", Kind::User, "User") {
        ticket.requestor = user;
    }
    if let Some(Some(location)) = form.reference("LocationId", Kind::Location, "Location") {
        ticket.location = location;
    }
    if let Some(room) = form.reference("LocationRoomId", Kind::Room, "Room") {
        ticket.room = room;
    }
    if let Some(Some(issue)) = form.reference("IssueId", Kind::Issue, "Issue") {
        ticket.issue = issue;
    }
    if let Some(product) = form.text("ProductId").flatten()
        && product.parse() != Ok(form.book.district.product)
    {
        let message = format!("Product {product} is not available on this site.");
        form.wrong.push(("ProductId".to_owned(), message));
    }
    if let Some(source) = form.integer("SourceId") {
        if (1..=5).contains(&source) {
            ticket.source = source;
        } else {
            let message = format!("Source {source} does not exist.");
            form.wrong.push(("SourceId".to_owned(), message));
        }
    }
    if let Some(flag) = form.flag("IsUrgent") {
        ticket.is_urgent = flag;
    }
    if let Some(flag) = form.flag("HasSensitiveInformation") {
        ticket.is_sensitive = flag;
    }
    for name in ["IsTraining", "RunRules", "SendNotifications", "SendEmails"] {
        form.flag(name);
    }
    let is_new = intent != Intent::Update;
    if is_new || form.flag("UpdateCustomFields") == Some(true) {
        custom_values(form, ticket);
    }
    if is_new || form.flag("UpdateAssets") == Some(true) {
        assets(form, ticket);
    }
}

/// What only an update takes (contract §6, W without C).
fn fill_update(form: &mut Form<'_>, ticket: &mut Ticket) {
    if let Some(Some(owner)) = form.reference("OwnerId", Kind::User, "User") {
        ticket.owner = owner;
    }
    if let Some(agent) = form.reference("AssignedToUserId", Kind::User, "User") {
        ticket.assignee = agent;
    }
    if let Some(team) = form.reference("AssignedToTeamId", Kind::Team, "Team") {
        ticket.team = team;
    }
    if let Some(priority) = form.integer("Priority") {
        ticket.priority = priority;
    }
    if let Some(Some(band)) = form.reference("PriorityLevelId", Kind::Priority, "Priority") {
        ticket.priority = form.book.district.priorities[band].band.0;
    }
    if let Some(flag) = form.flag("IsIssueConfirmed") {
        ticket.is_confirmed = flag;
    }
    if let Some(due) = form.text("DueDate") {
        match due.map(|text| moment(text, form.book)).transpose() {
            Ok(due) => ticket.due = due,
            Err(message) => form.bad.push(("DueDate".to_owned(), message)),
        }
    }
    if form.flag("UpdateTags") == Some(true)
        && let Some(items) = form.list("Tags")
    {
        match tags(form.book, items) {
            Ok(tags) => ticket.tags = tags,
            Err(message) => form.wrong.push(("Tags".to_owned(), message)),
        }
    }
}

/// What holds between fields.
fn finish(form: &mut Form<'_>, ticket: &Ticket) {
    let length = ticket.subject.chars().count();
    if length > MAX_SUBJECT {
        let message = format!(
            "The field Subject must be a string with a maximum length of {MAX_SUBJECT} (it has {length})."
        );
        form.wrong.push(("Subject".to_owned(), message));
    }
    if let Some(room) = ticket.room
        && form.book.district.rooms[room].location != ticket.location
    {
        let message = "The room does not belong to the location.".to_owned();
        form.wrong.push(("LocationRoomId".to_owned(), message));
    }
}

fn custom_values(form: &mut Form<'_>, ticket: &mut Ticket) {
    for item in form.list("CustomFieldValues").unwrap_or_default() {
        match custom_value(form.book, item) {
            Ok((field, value)) => set_custom(ticket, field, value),
            Err(message) => form.wrong.push(("CustomFieldValues".to_owned(), message)),
        }
    }
}

/// Sets one custom field; one without a text is taken off.
pub(super) fn set_custom(ticket: &mut Ticket, field: usize, value: Option<String>) {
    ticket.custom.retain(|(other, _)| *other != field);
    ticket.custom.extend(value.map(|value| (field, value)));
}

fn assets(form: &mut Form<'_>, ticket: &mut Ticket) {
    let Some(items) = form.list("Assets") else {
        return;
    };
    ticket.assets.clear();
    for item in items {
        match asset(form.book, item) {
            Ok(asset) => ticket.assets.push(asset),
            Err(message) => form.wrong.push(("Assets".to_owned(), message)),
        }
    }
}

/// A device named by its id.
pub(super) fn asset(book: &Book, item: &Value) -> Result<usize, String> {
    let id = guid(item, "AssetId").ok_or("An asset needs an AssetId.")?;
    book.find(Kind::Asset, id)
        .ok_or_else(|| format!("Asset {id} does not exist."))
}

/// Tags named by id, or new ones by name.
pub(super) fn tags(book: &Book, items: &[Value]) -> Result<Vec<Tag>, String> {
    items
        .iter()
        .map(|item| {
            let known = |place: usize| {
                let (id, name) = book.district.tags[place];
                Tag {
                    id,
                    name: name.to_owned(),
                }
            };
            if let Some(id) = guid(item, "TagId").filter(|id| *id != Guid::ZERO) {
                let place = book.find(Kind::Tag, id);
                return place.map(known).ok_or(format!("Tag {id} does not exist."));
            }
            let name = get(item, "Name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .trim();
            if name.is_empty() {
                return Err("A tag needs a TagId or a Name.".to_owned());
            }
            let place = book
                .district
                .tags
                .iter()
                .position(|(_, known)| known.eq_ignore_ascii_case(name));
            Ok(place.map_or_else(
                || Tag {
                    id: Guid::seeded("tag", name),
                    name: name.to_owned(),
                },
                known,
            ))
        })
        .collect()
}

/// A moment as IncidentIQ takes it: with an offset, or in the site's zone.
pub(super) fn moment(text: &str, book: &Book) -> Result<Timestamp, String> {
    let bad = || format!("Error converting value \"{text}\" to type 'System.DateTime'.");
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let civil = text
        .parse::<jiff::civil::DateTime>()
        .or_else(|_| jiff::civil::Date::strptime("%m/%d/%Y", text).map(|day| day.at(0, 0, 0, 0)))
        .map_err(|_| bad())?;
    let zoned = civil.to_zoned(book.zone.clone()).map_err(|_| bad())?;
    Ok(zoned.timestamp())
}

/// One custom field's value: always a string, what it may hold depends on the editor (contract §15).
pub(super) fn custom_value(book: &Book, item: &Value) -> Result<(usize, Option<String>), String> {
    let id = guid(item, "CustomFieldTypeId").ok_or("A value needs a CustomFieldTypeId.")?;
    let place = book
        .find(Kind::Field, id)
        .ok_or_else(|| format!("Custom field {id} does not exist."))?;
    let field = &book.district.custom_fields[place];
    let text = match get(item, "Value") {
        None => return Ok((place, None)),
        Some(Value::String(text)) => text,
        Some(other) => {
            return Err(format!(
                "{}: the value must be a string, not {other}.",
                field.name
            ));
        }
    };
    let is_option = |text: &str| {
        let id = text.parse::<Guid>().ok();
        field
            .options
            .iter()
            .any(|(known, name)| Some(*known) == id || *name == text)
    };
    // Options come as an id, as a text, or as an object with both.
    let is_option_json = |value: &Value| {
        let name = value
            .as_str()
            .or_else(|| get(value, "Id").or_else(|| get(value, "Name"))?.as_str());
        name.is_some_and(is_option)
    };
    let is_good = text.is_empty()
        || match field.editor {
            4 => text.parse::<f64>().is_ok_and(f64::is_finite),
            6 => moment(text, book).is_ok() || text.parse::<jiff::civil::Date>().is_ok(),
            8 => ["yes", "no", "true", "false"].contains(&text.to_lowercase().as_str()),
            9 => {
                is_option(text)
                    || serde_json::from_str(text).is_ok_and(|value: Value| match value.as_array() {
                        Some(items) => items.len() == 1 && items.iter().all(is_option_json),
                        None => is_option_json(&value),
                    })
            }
            10 => serde_json::from_str::<Vec<Value>>(text)
                .is_ok_and(|items| items.iter().all(is_option_json)),
            _ => true,
        };
    if is_good {
        Ok((place, Some(text.clone())))
    } else {
        Err(format!("{}: {text:?} is not a valid value.", field.name))
    }
}
