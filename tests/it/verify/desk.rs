//! A desk that shows something else than it holds, in one way at a time.

use serde_json::{Value, json};

use crate::support::echo::{Answer, Asked};

/// What the desk does to what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mutation {
    /// A comment is not there.
    Drop { ticket: String, text: String },
    /// Two comments of a ticket stand in each other's place.
    Swap {
        ticket: String,
        one: String,
        other: String,
    },
    /// A text has another character.
    Change {
        ticket: String,
        text: String,
        changed: String,
    },
    /// A comment is there twice.
    Repeat { ticket: String, text: String },
    /// Who may see a comment is another.
    Show { ticket: String, text: String },
    /// The ticket is not there.
    Hide { ticket: String },
    /// It is there twice.
    Double { ticket: String, id: String },
    /// It is open again.
    Reopen { ticket: String },
    /// A file does not hang on it.
    Lose { ticket: String, file: String },
    /// A file hangs on it twice.
    Twice { ticket: String, file: String },
    /// A file has lost bytes.
    Shrink { ticket: String, file: String },
}

impl Mutation {
    pub(super) fn ticket(&self) -> &str {
        match self {
            Self::Drop { ticket, .. }
            | Self::Swap { ticket, .. }
            | Self::Change { ticket, .. }
            | Self::Repeat { ticket, .. }
            | Self::Show { ticket, .. }
            | Self::Hide { ticket }
            | Self::Double { ticket, .. }
            | Self::Lose { ticket, .. }
            | Self::Twice { ticket, .. }
            | Self::Shrink { ticket, .. }
            | Self::Reopen { ticket } => ticket,
        }
    }

    /// How the report must call it.
    pub(super) fn result(&self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Drop { .. } => (&["missing", "unreadable"], "comment"),
            Self::Swap { .. } => (&["out_of_order"], "comment"),
            Self::Change { .. } => (&["differs"], ""),
            Self::Repeat { .. } => (&["extra"], "comment"),
            Self::Show { .. } => (&["differs"], "visibility"),
            Self::Hide { .. } => (&["missing"], "ticket"),
            Self::Double { .. } => (&["extra"], "second ticket"),
            Self::Reopen { .. } => (&["differs"], "state"),
            Self::Lose { .. } => (&["missing"], "file"),
            Self::Twice { .. } => (&["extra"], "file"),
            Self::Shrink { .. } => (&["differs"], "file"),
        }
    }
}

/// The desk: what it does now, and the second ticket that it shows.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) mutation: Option<Mutation>,
    pub(super) second: Option<Value>,
}

impl Desk {
    pub(super) fn instead(&self, asked: &Asked) -> Option<Answer> {
        let json = |status, body: &Value| Answer {
            status,
            headers: "content-type: application/json\r\n".to_owned(),
            body: body.to_string(),
        };
        let path = asked.path.split('?').next().unwrap_or_default();
        let is_about = |id: &str| path.split('/').any(|part| part == id);
        match self.mutation.as_ref()? {
            Mutation::Hide { ticket } if is_about(ticket) => Some(json(
                404,
                &json!({"StatusCode": 404, "Message": "not found", "message": "not found"}),
            )),
            Mutation::Double { id, .. } if is_about(id) => {
                let second = self.second.as_ref()?;
                let body = match asked.path.contains("clearfeed") {
                    true => second.clone(),
                    false => json!({"Item": second, "StatusCode": 200}),
                };
                Some(json(200, &body))
            }
            _ => None,
        }
    }

    pub(super) fn change(&mut self, asked: &Asked, answer: Answer) -> Answer {
        let Some(mutation) = self.mutation.clone().filter(|_| answer.status == 200) else {
            return answer;
        };
        let Ok(mut body) = serde_json::from_str::<Value>(&answer.body) else {
            return answer;
        };
        let is_feed = asked.path.contains("/activities");
        let is_its = !is_feed || asked.path.contains(mutation.ticket());
        if is_its {
            self.walk(&mut body, &mutation);
        }
        Answer {
            body: body.to_string(),
            ..answer
        }
    }

    /// Changes every object and list that the mutation is about.
    fn walk(&mut self, value: &mut Value, mutation: &Mutation) {
        match value {
            Value::Array(items) => {
                self.list(items, mutation);
                items.iter_mut().for_each(|item| self.walk(item, mutation));
            }
            Value::Object(members) => {
                let count = |members: &serde_json::Map<String, Value>| {
                    let rows = members.get("Items").or_else(|| members.get("requests"));
                    rows.and_then(Value::as_array).map(Vec::len)
                };
                let before = count(members);
                members
                    .values_mut()
                    .for_each(|value| self.walk(value, mutation));
                if let (Some(before), Some(after)) = (before, count(members)) {
                    // What it counts is what it shows.
                    let more = after as i64 - before as i64;
                    for (of, name) in [("Paging", "TotalRows"), ("response_metadata", "count")] {
                        let counted = members.get(of).and_then(|it| it[name].as_i64());
                        if let Some(counted) = counted {
                            members[of][name] = json!(counted + more);
                        }
                    }
                }
                self.object(members, mutation);
            }
            _ => {}
        }
    }

    fn list(&mut self, items: &mut Vec<Value>, mutation: &Mutation) {
        let id_of = |item: &Value| -> String {
            let id = item["TicketId"].as_str().or_else(|| item["id"].as_str());
            id.unwrap_or_default().to_owned()
        };
        let is_ticket = |item: &Value, ticket: &str| {
            let is_one = item.get("Subject").is_some() || item.get("title").is_some();
            is_one && id_of(item) == ticket
        };
        match mutation {
            Mutation::Drop { text, .. } => items.retain(|item| !says(item, text)),
            Mutation::Repeat { text, .. } => {
                if let Some(at) = items.iter().position(|item| says(item, text)) {
                    let mut twin = items[at].clone();
                    if twin.get("TicketActivityId").is_some() {
                        twin["TicketActivityId"] = json!("0badcafe-0000-4000-8000-000000000001");
                    }
                    items.insert(at + 1, twin);
                }
            }
            Mutation::Swap { one, other, .. } => {
                let place = |text: &str| items.iter().position(|item| says(item, text));
                if let (Some(one), Some(other)) = (place(one), place(other)) {
                    let texts = [
                        said(&mut items[one]).clone(),
                        said(&mut items[other]).clone(),
                    ];
                    *said(&mut items[one]) = texts[1].clone();
                    *said(&mut items[other]) = texts[0].clone();
                }
            }
            Mutation::Hide { ticket } => items.retain(|item| !is_ticket(item, ticket)),
            Mutation::Double { ticket, id } => {
                if let Some(at) = items.iter().position(|item| is_ticket(item, ticket)) {
                    let mut twin = items[at].clone();
                    let name = if twin.get("TicketId").is_some() {
                        "TicketId"
                    } else {
                        "id"
                    };
                    twin[name] = json!(id);
                    self.second = Some(twin.clone());
                    items.insert(at + 1, twin);
                }
            }
            Mutation::Lose { file, .. } => items.retain(|item| item["FileName"] != file.as_str()),
            Mutation::Twice { file, .. } => {
                if let Some(at) = items
                    .iter()
                    .position(|item| item["FileName"] == file.as_str())
                {
                    let mut twin = items[at].clone();
                    twin["FileId"] = json!("0badcafe-0000-4000-8000-000000000002");
                    items.insert(at + 1, twin);
                }
            }
            Mutation::Shrink { file, .. } => {
                for item in items
                    .iter_mut()
                    .filter(|item| item["FileName"] == file.as_str())
                {
                    item["Size"] = json!(item["Size"].as_u64().unwrap() - 1);
                }
            }
            Mutation::Change { .. } | Mutation::Show { .. } | Mutation::Reopen { .. } => {}
        }
    }

    fn object(&self, members: &mut serde_json::Map<String, Value>, mutation: &Mutation) {
        match mutation {
            Mutation::Change { text, changed, .. } => {
                for name in [
                    "Comments",
                    "text",
                    "Subject",
                    "title",
                    "IssueDescription",
                    "description",
                ] {
                    let Some(Value::String(shown)) = members.get_mut(name) else {
                        continue;
                    };
                    // What the desk holds is HTML here and there; the marker follows the body.
                    let forms: [fn(&str) -> String; 2] = [str::to_owned, html];
                    for form in forms {
                        *shown = shown.replace(&form(text), &form(changed));
                    }
                }
            }
            Mutation::Show { text, .. } => {
                let mut item = Value::Object(members.clone());
                if members.contains_key("TicketActivityId") && says(&item, text) {
                    let is_public = item["IsPublic"].as_bool() == Some(true);
                    item["IsPublic"] = json!(!is_public);
                    for inner in item["ActivityItems"].as_array_mut().into_iter().flatten() {
                        inner["IsPublic"] = json!(!is_public);
                    }
                    *members = item.as_object().unwrap().clone();
                }
            }
            Mutation::Reopen { ticket } => {
                let is = |members: &serde_json::Map<String, Value>, name: &str| {
                    members.get(name).and_then(Value::as_str) == Some(ticket)
                };
                if is(members, "TicketId") && members.contains_key("IsClosed") {
                    members.insert("IsClosed".to_owned(), json!(false));
                }
                if is(members, "id") && members.contains_key("title") {
                    for name in ["status", "state"] {
                        if members.contains_key(name) {
                            members.insert(name.to_owned(), json!("open"));
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\n', "<br>")
}

/// Whether an activity or a message says this.
fn says(item: &Value, text: &str) -> bool {
    let own = item["text"].as_str();
    let inner = item["ActivityItems"][0]["Comments"].as_str();
    own.or(inner).is_some_and(|said| said.contains(text))
}

/// The text of an activity or a message.
fn said(item: &mut Value) -> &mut Value {
    match item.get("text").is_some() {
        true => &mut item["text"],
        false => &mut item["ActivityItems"][0]["Comments"],
    }
}
