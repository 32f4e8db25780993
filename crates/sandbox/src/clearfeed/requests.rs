//! A request as it is kept, and as the two dialects show it (contract clearfeed, request object).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{ClearFeed, Dialect};
use crate::Temper;
use crate::seed::support::{CustomField, FieldKind};

/// How urgent a request is; the middle one has two names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    Low,
    Middle,
    High,
    Urgent,
}

impl Priority {
    /// The priority of that word; `v1` says `medium`, `rest` says `normal`.
    pub(super) fn parse(word: &str, dialect: Dialect) -> Option<Self> {
        match (word, dialect) {
            ("low", _) => Some(Self::Low),
            ("medium", Dialect::V1) | ("normal", Dialect::Rest) => Some(Self::Middle),
            ("high", _) => Some(Self::High),
            ("urgent", _) => Some(Self::Urgent),
            _ => None,
        }
    }

    fn as_str(self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (Self::Low, _) => "low",
            (Self::Middle, Dialect::V1) => "medium",
            (Self::Middle, Dialect::Rest) => "normal",
            (Self::High, _) => "high",
            (Self::Urgent, _) => "urgent",
        }
    }
}

/// The states that a request can be in.
pub(super) const STATES: [&str; 6] = [
    "open",
    "in_progress",
    "pending",
    "on_hold",
    "solved",
    "closed",
];

/// One message of a request's thread; the first one is the description.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) text: String,
    pub(super) author: Option<usize>,
    pub(super) is_responder: bool,
    pub(super) is_private: bool,
    pub(super) at: Timestamp,
}

/// A value of a custom field, without a dialect's spelling.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FieldValue {
    /// Text, date, person.
    Text(String),
    Number(serde_json::Number),
    /// Places among the field's options.
    Options(Vec<usize>),
}

/// A ticket of another system that a request is linked to.
#[derive(Debug, Clone)]
pub(super) struct Linked {
    pub(super) id: u64,
    pub(super) integration: String,
    pub(super) key: String,
    pub(super) at: Timestamp,
}

/// A request. People, collections and fields are places in the support team's lists.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) id: u64,
    pub(super) title: String,
    pub(super) state: &'static str,
    /// Whether it is a message that nobody has taken for a request: a live system shows no state of it.
    pub(super) is_stray: bool,
    pub(super) priority: Priority,
    pub(super) collection: usize,
    pub(super) author: Option<usize>,
    pub(super) author_email: Option<String>,
    /// The number of the customer that the author belongs to.
    pub(super) customer: Option<u64>,
    pub(super) assignee: Option<usize>,
    pub(super) custom: Vec<(usize, FieldValue)>,
    pub(super) tags: Vec<String>,
    pub(super) messages: Vec<Message>,
    /// Tickets of other systems.
    pub(super) links: Vec<Linked>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

impl Request {
    pub(super) fn new(title: &str, description: &str, collection: usize, at: Timestamp) -> Self {
        Self {
            id: 0,
            title: title.to_owned(),
            state: "open",
            is_stray: false,
            priority: Priority::Middle,
            collection,
            author: None,
            author_email: None,
            customer: None,
            assignee: None,
            custom: Vec::new(),
            tags: Vec::new(),
            links: Vec::new(),
            messages: vec![Message {
                text: description.to_owned(),
                author: None,
                is_responder: false,
                is_private: false,
                at,
            }],
            created: at,
            updated: at,
        }
    }

    /// The state as this system shows it.
    pub(super) fn state(&self, system: &ClearFeed) -> Option<&'static str> {
        let is_hidden = self.is_stray && system.temper == Temper::LiveLike;
        (!is_hidden).then_some(self.state)
    }

    /// Whether its texts are erased: the request itself stays (contract, found later).
    pub(super) fn is_erased(&self, system: &ClearFeed) -> bool {
        let age = Timestamp::now().duration_since(self.created);
        system
            .retention
            .is_some_and(|kept| age.unsigned_abs() > kept && age.is_positive())
    }

    /// The text that the request was made with.
    pub(super) fn description(&self) -> &str {
        self.messages
            .first()
            .map_or("", |first| first.text.as_str())
    }

    /// The answer to a create, as the documents show it (contract, `POST /requests`), or the request object.
    pub(super) fn shown(&self, system: &ClearFeed, dialect: Dialect, is_new: bool) -> Value {
        if !(is_new && dialect == Dialect::V1) {
            return self.object(system, dialect, false);
        }
        json!({
            "id": dialect.id("req", self.id),
            "ticket_id": format!("CF-{}", self.id),
            "collection_id": dialect.id("col", system.support.collections[self.collection].id),
            "title": self.title,
            "status": self.state,
            "priority": self.priority.as_str(dialect),
            "created_at": time(self.created),
            "slack_thread_url": self.thread_url(),
        })
    }

    /// The channel that it was asked in.
    pub(super) fn channel(&self) -> String {
        format!("C0{:06}", self.collection)
    }

    /// Its thread there, and the one where the team talks about it.
    pub(super) fn threads(&self) -> [(String, String); 2] {
        // The message that begins it is one of its own, posted a moment later.
        let later = self.created + SignedDuration::from_millis(250);
        [
            (self.channel(), stamp(self.created)),
            (format!("C1{:06}", self.collection), stamp(later)),
        ]
    }

    fn thread_url(&self) -> String {
        self.url_in(&self.channel())
    }

    fn url_in(&self, channel: &str) -> String {
        let at = self.created.as_microsecond();
        format!("https://acme.slack.example/archives/{channel}/p{at}")
    }

    fn thread_shown(&self, (channel, ts): &(String, String)) -> Value {
        json!({ "channel_id": channel, "thread_ts": ts, "team_id": "T0ACME", "url": self.url_in(channel) })
    }

    /// How long the first answer and the end took, in minutes, against what is promised.
    fn metrics(&self) -> Value {
        let answer = self
            .messages
            .iter()
            .find(|one| one.is_responder && !one.is_private);
        let minutes = |until: Timestamp| until.duration_since(self.created).as_mins().max(0);
        let measured = |until: Option<Timestamp>, promised: i64| {
            until.map(|at| json!({ "value": minutes(at), "is_breached": minutes(at) > promised }))
        };
        let is_done = matches!(self.state, "solved" | "closed");
        let end = is_done.then_some(self.updated);
        json!({
            "first_response_time": measured(answer.map(|one| one.at), 60),
            "resolution_time": measured(end, 2_880),
            "first_resolution_time": measured(end, 2_880),
        })
    }

    /// The request object: without its description, unless messages are asked for.
    pub(super) fn object(
        &self,
        system: &ClearFeed,
        dialect: Dialect,
        with_messages: bool,
    ) -> Value {
        let collection = &system.support.collections[self.collection];
        let person = |place: usize| json!({ "id": system.support.people[place].id });
        let (state, custom) = match dialect {
            Dialect::V1 => ("status", "custom_fields"),
            Dialect::Rest => ("state", "custom_field_values"),
        };
        let mut object = json!({
            "id": dialect.id("req", self.id),
            "ticket_id": format!("CF-{}", self.id),
            "title": if self.is_erased(system) { "" } else { self.title.as_str() },
            "priority": self.priority.as_str(dialect),
            "author": self.author.map(|place| &system.support.people[place].id),
            "author_email": self.author_email,
            "customer_id": self.customer.map(|id| dialect.id("cust", id)),
            "assignee": self.assignee.map(person),
            "assigned_team": null,
            "tickets": self.links.iter().map(|one| one.shown(dialect)).collect::<Vec<_>>(),
            "csat_survey": { "status": "pending", "response": null, "comment": null },
            "not_a_request_state": null,
            "ai_field_values": {},
            "last_message_time": time(self.messages.last().map_or(self.created, |last| last.at)),
            "channel": { "id": self.channel(), "name": "requests", "owner": null },
            "collection": { "id": dialect.id("col", collection.id), "name": collection.name },
            "request_thread": self.thread_shown(&self.threads()[0]),
            "triage_thread": self.thread_shown(&self.threads()[1]),
            "sla_metrics": self.metrics(),
            "created_at": time(self.created),
            "updated_at": time(self.updated),
        });
        object[state] = json!(self.state(system));
        object[custom] = Value::Object(system.custom_shown(
            &system.support.custom_fields,
            &self.custom,
            dialect,
        ));
        if system.temper == Temper::LiveLike
            && let Some(object) = object.as_object_mut()
        {
            // Not promised: who asked is known by the id.
            object.retain(|name, _| name != "author_email" || self.author.is_none());
        }
        if with_messages {
            object["messages"] = self.messages_shown(system);
        }
        object
    }

    /// The messages of the request's thread. Notes among the team stand in the other one: whether they are told is
    /// not documented, so the two tempers differ.
    fn messages_shown(&self, system: &ClearFeed) -> Value {
        let [(_, public), (_, private)] = self.threads();
        let shows_notes = system.temper == Temper::Lenient && !system.hides_notes;
        let told = self
            .messages
            .iter()
            .enumerate()
            .filter(|(_, message)| !message.is_private || shows_notes)
            .filter(|_| !self.is_erased(system));
        told.map(|(nth, message)| {
            // A live system does not always know who wrote the first one.
            let is_unknown = nth == 0 && system.temper == Temper::LiveLike;
            let author = message.author.filter(|_| !is_unknown);
            let text = match system.temper {
                Temper::Lenient => message.text.clone(),
                Temper::LiveLike => rewritten(&message.text),
            };
            json!({
                "text": text,
                "author": author.map(|place| &system.support.people[place].id),
                "ts": stamp(message.at),
                "thread_ts": if message.is_private { &private } else { &public },
                "is_responder": message.is_responder,
            })
        })
        .collect()
    }
}

impl ClearFeed {
    /// Values of these fields as a dialect shows them.
    pub(super) fn custom_shown(
        &self,
        fields: &[CustomField],
        custom: &[(usize, FieldValue)],
        dialect: Dialect,
    ) -> Map<String, Value> {
        let mut shown = Map::new();
        for (place, value) in custom {
            let field = &fields[*place];
            let option = |place: &usize| match dialect {
                Dialect::V1 => json!(field.options[*place].1),
                // The vendor's own scripts send and compare texts.
                Dialect::Rest => json!(field.options[*place].0.to_string()),
            };
            let value = match value {
                FieldValue::Text(text) => json!(text),
                FieldValue::Number(number) => json!(number),
                FieldValue::Options(places) if field.kind == FieldKind::Select => {
                    places.first().map_or(Value::Null, option)
                }
                FieldValue::Options(places) => places.iter().map(option).collect(),
            };
            let name = match dialect {
                Dialect::V1 => field.name.to_owned(),
                Dialect::Rest => field.id.to_string(),
            };
            shown.insert(name, value);
        }
        shown
    }
}

impl Linked {
    pub(super) fn shown(&self, dialect: Dialect) -> Value {
        json!({
            "id": dialect.id("ticket", self.id), "type": self.integration.to_lowercase(), "key": self.key,
            "url": format!("https://{}.example/tickets/{}", self.integration.to_lowercase(), self.key), "created_at": time(self.at),
        })
    }
}

/// What Slack makes of addresses in a text (contract, what listings show).
fn rewritten(text: &str) -> String {
    text.split_inclusive(char::is_whitespace)
        .map(|piece| {
            let word = piece.trim_end();
            let space = &piece[word.len()..];
            if word.starts_with("https://") || word.starts_with("http://") {
                format!("<{word}>{space}")
            } else if word.contains('@') && word.contains('.') && !word.starts_with('@') {
                format!("<mailto:{word}|{word}>{space}")
            } else {
                piece
                    .replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;")
            }
        })
        .collect()
}

/// ISO 8601 with milliseconds and Z.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// A time as Slack writes it: seconds with six decimals.
fn stamp(at: Timestamp) -> String {
    format!("{}.{:06}", at.as_second(), at.subsec_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slack_rewrites_links_and_addresses_and_leaves_plain_tokens() {
        assert_eq!(
            rewritten("see https://a.example/x\nor ask a@b.example\n\nRef: spice-2024/4711"),
            "see <https://a.example/x>\nor ask <mailto:a@b.example|a@b.example>\n\nRef: spice-2024/4711"
        );
        assert_eq!(rewritten("R&D <x>"), "R&amp;D &lt;x&gt;");
    }
}
