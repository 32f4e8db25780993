//! What a request's body may hold, in each dialect (contract clearfeed, endpoints).

use jiff::Timestamp;
use serde_json::Value;

use super::form::Form;
use super::requests::{FieldValue, Linked, Message, Priority, Request, STATES};
use super::{ClearFeed, Dialect, Step};
use crate::reply::Refusal;
use crate::seed::support::{CustomField, FieldKind};

/// The longest text of a custom field.
pub(super) const MAX_TEXT: usize = 3_000;
/// The longest title.
const MAX_TITLE: usize = 255;

impl ClearFeed {
    /// A new request from the body of a create.
    pub(super) fn draft(
        &self,
        dialect: Dialect,
        body: &Value,
        at: Timestamp,
    ) -> Result<Request, Refusal> {
        let mut form = Form::new(body)?;
        let common = [
            "collection_id",
            "title",
            "description",
            "priority",
            "requester_email",
        ];
        let description = form.required("description");
        let title = match dialect {
            Dialect::V1 => form.required("title"),
            Dialect::Rest => form
                .text("title")
                .unwrap_or_else(|| description.lines().next().unwrap_or_default()),
        };
        if title.chars().count() > MAX_TITLE {
            form.fault("title", "must be shorter than or equal to 255 characters");
        }
        let collection = self.collection(&mut form, dialect);
        let mut request = Request::new(title, description, collection, at);
        self.priority(&mut form, &mut request, dialect);
        if let Some(email) = form.text("requester_email") {
            if email
                .split_once('@')
                .is_none_or(|(user, host)| user.is_empty() || !host.contains('.'))
            {
                form.fault("requester_email", "must be an email");
            }
            let folded = email.to_lowercase();
            request.author = self
                .support
                .people
                .iter()
                .position(|one| one.email == folded);
            request.author_email = Some(email.to_owned());
            request.customer = self.customer_of(email);
            request.messages[0].author = request.author;
        }
        match dialect {
            Dialect::V1 => {
                self.assignee(&mut form, &mut request, "assignee_id");
                self.custom(&mut form, &mut request, dialect);
                tags(&mut form, &mut request);
                let own = ["assignee_id", "custom_fields", "tags"];
                form.only(&[common.as_slice(), &own].concat(), self.temper);
            }
            Dialect::Rest => form.only(&common, self.temper),
        }
        form.end()?;
        Ok(request)
    }

    /// The request after an operation.
    pub(super) fn changed(&self, request: &Request, step: Step<'_>) -> Result<Request, Refusal> {
        let dialect = step.dialect;
        let mut form = Form::new(step.body)?;
        let mut after = request.clone();
        after.updated = step.at;
        if step.operation == "link" {
            link(&mut form, &mut after, step.at);
            form.end()?;
            return Ok(after);
        }
        let state = if dialect == Dialect::V1 {
            "status"
        } else {
            "state"
        };
        let is_message = step.operation == "message";
        take_state(&mut form, &mut after, state, is_message);
        if is_message {
            if dialect == Dialect::V1 {
                take_state(&mut form, &mut after, "state", true);
            }
            message(&mut form, &mut after, step);
            form.only(
                &[
                    "html_body",
                    "is_private",
                    "post_as_bot",
                    "thread_ts",
                    "user_reply_channel_type",
                    "state",
                    "status",
                    "source",
                ],
                self.temper,
            );
            form.end()?;
            return Ok(after);
        }
        if form.at("title").is_some() {
            after.title = form.required("title").to_owned();
        }
        self.priority(&mut form, &mut after, dialect);
        self.assignee(&mut form, &mut after, "assignee");
        self.custom(&mut form, &mut after, dialect);
        match dialect {
            Dialect::V1 => {
                self.assignee(&mut form, &mut after, "assignee_id");
                tags(&mut form, &mut after);
                let known = [
                    "status",
                    "title",
                    "priority",
                    "assignee",
                    "assignee_id",
                    "custom_fields",
                    "tags",
                ];
                form.only(&known, self.temper);
            }
            Dialect::Rest => {
                let known = [
                    "state",
                    "title",
                    "priority",
                    "assignee",
                    "custom_field_values",
                ];
                form.only(&known, self.temper);
            }
        }
        form.end()?;
        Ok(after)
    }

    /// `v1` demands a collection, `rest` takes the first where none is named.
    fn collection(&self, form: &mut Form<'_>, dialect: Dialect) -> usize {
        let Some(value) = form.at("collection_id") else {
            if dialect == Dialect::V1 {
                form.fault("collection_id", "should not be empty");
            }
            return 0;
        };
        let Some(id) = dialect.number("col", value) else {
            let rule = match dialect {
                Dialect::V1 => "must be an id such as col_11",
                Dialect::Rest => "must be an integer number",
            };
            form.fault("collection_id", rule);
            return 0;
        };
        let place = self.support.collections.iter().position(|one| one.id == id);
        if place.is_none() {
            form.fault("collection_id", "does not exist");
        }
        place.unwrap_or(0)
    }

    fn priority(&self, form: &mut Form<'_>, request: &mut Request, dialect: Dialect) {
        if let Some(word) = form.text("priority") {
            match Priority::parse(word, dialect) {
                Some(priority) => request.priority = priority,
                None => {
                    let middle = if dialect == Dialect::V1 {
                        "medium"
                    } else {
                        "normal"
                    };
                    let rule =
                        format!("must be one of the following values: low, {middle}, high, urgent");
                    form.fault("priority", &rule);
                }
            }
        }
    }

    /// A person's id; null takes the one off who works on it.
    fn assignee(&self, form: &mut Form<'_>, request: &mut Request, name: &str) {
        if form.is_null(name) {
            request.assignee = None;
        }
        if let Some(id) = form.text(name) {
            match self.support.people.iter().position(|one| one.id == id) {
                Some(place) => request.assignee = Some(place),
                None => form.fault(name, "does not exist"),
            }
        }
    }

    fn custom(&self, form: &mut Form<'_>, request: &mut Request, dialect: Dialect) {
        let fields = &self.support.custom_fields;
        self.custom_values(form, fields, &mut request.custom, dialect);
    }

    /// Values of these fields, under the dialect's name; null takes one off.
    pub(super) fn custom_values(
        &self,
        form: &mut Form<'_>,
        fields: &[CustomField],
        custom: &mut Vec<(usize, FieldValue)>,
        dialect: Dialect,
    ) {
        let name = match dialect {
            Dialect::V1 => "custom_fields",
            Dialect::Rest => "custom_field_values",
        };
        let Some(value) = form.at(name) else {
            return;
        };
        let Some(values) = value.as_object() else {
            form.fault(name, "must be an object");
            return;
        };
        for (key, value) in values {
            let place = fields.iter().position(|field| match dialect {
                Dialect::V1 => field.name == key,
                Dialect::Rest => field.id.to_string() == *key,
            });
            let Some(place) = place else {
                form.fault(name, &format!("has no field {key}"));
                continue;
            };
            custom.retain(|(other, _)| *other != place);
            if value.is_null() {
                continue;
            }
            match self.field_value(&fields[place], value, dialect) {
                Ok(value) => custom.push((place, value)),
                Err(rule) => form.fault(name, &format!("{key} {rule}")),
            }
        }
    }

    fn field_value(
        &self,
        field: &CustomField,
        value: &Value,
        dialect: Dialect,
    ) -> Result<FieldValue, &'static str> {
        let text = value.as_str();
        let option = |value: &Value| match dialect {
            Dialect::V1 => {
                let text = value.as_str()?;
                let id = dialect.number("opt", value);
                field
                    .options
                    .iter()
                    .position(|(known, name)| *name == text || Some(*known) == id)
            }
            Dialect::Rest => {
                let id = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
                field.options.iter().position(|(known, _)| *known == id)
            }
        };
        match field.kind {
            FieldKind::Text => match text {
                Some(text) if text.chars().count() <= MAX_TEXT => {
                    Ok(FieldValue::Text(text.to_owned()))
                }
                Some(_) => Err("must be shorter than or equal to 3000 characters"),
                None => Err("must be a string"),
            },
            FieldKind::Date => text
                .filter(|text| text.parse::<jiff::civil::Date>().is_ok())
                .map(|text| FieldValue::Text(text.to_owned()))
                .ok_or("must be a date such as 2024-06-21"),
            FieldKind::UserSelect => text
                .filter(|id| self.support.people.iter().any(|one| one.id == *id))
                .map(|id| FieldValue::Text(id.to_owned()))
                .ok_or("must be the id of a user"),
            FieldKind::Number => match value {
                Value::Number(number) => Ok(FieldValue::Number(number.clone())),
                _ => Err("must be a number"),
            },
            FieldKind::Select => option(value)
                .map(|place| FieldValue::Options(vec![place]))
                .ok_or("must be one of the options"),
            FieldKind::MultiSelect => {
                let places: Option<Vec<_>> = value
                    .as_array()
                    .and_then(|items| items.iter().map(option).collect());
                places
                    .map(FieldValue::Options)
                    .ok_or("must be a list of options")
            }
        }
    }
}

fn tags(form: &mut Form<'_>, request: &mut Request) {
    let Some(value) = form.at("tags") else {
        return;
    };
    let tags: Option<Vec<String>> = value.as_array().and_then(|items| {
        items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect()
    });
    match tags {
        Some(tags) => request.tags = tags,
        None => form.fault("tags", "each value in tags must be a string"),
    }
}

/// The words that the vendor's own clients send in messages besides, and the states that they come to.
const SENT_STATES: [(&str, &str); 2] = [("re_open", "open"), ("committed", "in_progress")];

fn take_state(form: &mut Form<'_>, request: &mut Request, name: &str, is_message: bool) {
    if let Some(word) = form.text(name) {
        request.is_stray = false;
        let other = SENT_STATES.iter().find(|(sent, _)| *sent == word);
        let word = other
            .filter(|_| is_message)
            .map_or(word, |(_, state)| *state);
        match STATES.iter().find(|known| **known == word) {
            Some(known) => request.state = known,
            None => form.fault(name, &format!("must be one of {}", STATES.join(", "))),
        }
    }
}

fn message(form: &mut Form<'_>, request: &mut Request, step: Step<'_>) {
    let has_state = form.at("state").is_some() || form.at("status").is_some();
    let text = match form.at("html_body") {
        // A message may change the state and say nothing.
        None if has_state => None,
        _ => Some(form.required("html_body").to_owned()),
    };
    for name in ["is_private", "post_as_bot"] {
        if form.at(name).is_some_and(|value| !value.is_boolean()) {
            form.fault(name, "must be a boolean value");
        }
    }
    form.text("thread_ts");
    let channel = form.text("user_reply_channel_type");
    if channel.is_some_and(|word| !["triage", "request"].contains(&word)) {
        form.fault("user_reply_channel_type", "must be triage or request");
    }
    let source = form.text("source");
    if source.is_some_and(|word| !["SHORTCUT", "UI", "ML", "API"].contains(&word)) {
        form.fault("source", "must be one of SHORTCUT, UI, ML, API");
    }
    let flag = |name| form.at(name).and_then(Value::as_bool);
    let Some(text) = text else {
        return;
    };
    request.messages.push(Message {
        text,
        author: Some(step.by),
        is_responder: Some(step.by) != request.author || step.by == 0,
        is_private: flag("is_private").unwrap_or(channel == Some("triage")),
        at: step.at,
    });
}

/// A ticket of another system; the same one twice is one.
fn link(form: &mut Form<'_>, request: &mut Request, at: Timestamp) {
    let integration = form.required("integration").to_owned();
    let key = form
        .at("ticket_id")
        .map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned))
        .unwrap_or_default();
    if key.is_empty() {
        form.fault("ticket_id", "should not be empty");
    }
    if request
        .links
        .iter()
        .any(|one| one.integration == integration && one.key == key)
    {
        return;
    }
    request.links.push(Linked {
        id: request.id * 100 + request.links.len() as u64 + 1,
        integration,
        key,
        at,
    });
}
