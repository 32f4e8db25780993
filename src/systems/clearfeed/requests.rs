//! Writing and listing requests (contract clearfeed, Endpoints and Request object).

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::fields::LINK;
use super::listing::{REQUESTS, SEARCH, page};
use super::verify_step::posted;
use super::{ClearFeed, dialect, ids};
use crate::error::{Error, ErrorKind, Result};
use crate::systems::http::classify::{Expect, before_write, write};
use crate::systems::http::reader::Reader;
use crate::systems::http::refusal::{member, warnings};
use crate::systems::http::{Answer, Lost, Request};
use crate::systems::{
    Answered, CREATE, Call, INTERNAL, KIND, Listed, Looks, Next, Operation, Outcome, PUBLIC,
    Reading, Refusal, Standing, TAKEN_BACK, TITLE, Ticket, Way, merged,
};

/// The largest page.
pub(super) const LIMIT: u32 = 100;
/// How many pages of the newest requests are a sample.
const SAMPLED_PAGES: u32 = 3;
/// How many of those that the search finds are read.
const SAMPLED_FOUND: usize = 3;

impl ClearFeed {
    /// Sends one request of a call.
    pub(super) async fn write(&self, call: Call<'_>, way: &mut Way) -> Answered {
        if let Some(next) = way.next.take() {
            let request = Request {
                body: next.body.as_ref(),
                ..Request::new(next.method, &next.path)
            };
            let answer = self.transport.send(&request).await;
            return self.judged(call.step, answer, call.ticket);
        }
        if call.step == CREATE {
            return self
                .send((CREATE, Method::POST), "/requests", call.body, None)
                .await;
        }
        if call.step == LINK || call.body.get("link_ticket_id").is_some() {
            return self.link(call, way).await;
        }
        let operation = Operation::parse(call.step);
        let (method, tail) = match operation {
            Some(Operation::Comment) => (Method::POST, "/message"),
            Some(
                Operation::Update | Operation::Assign | Operation::SetStatus | Operation::Close,
            ) => (Method::PATCH, ""),
            _ => return refused(format!("ClearFeed has no step `{}`", call.step)),
        };
        match call.ticket {
            Some(ticket) if is_id(&ticket.id) => {
                let path = format!("/requests/{}{tail}", ticket.id);
                self.send((call.step, method), &path, call.body, Some(ticket))
                    .await
            }
            Some(ticket) => refused(format!("`{}` is no id", ticket.id)),
            None => refused(format!(
                "the step `{}` needs a ticket that stands",
                call.step
            )),
        }
    }

    /// Links a request to an outside ticket (contract, `POST /tickets`). The call names the request by its thread, which
    /// only the request tells: this reads it, and the next request links. What is linked already needs none.
    async fn link(&self, call: Call<'_>, way: &mut Way) -> Answered {
        let Some(ticket) = call.ticket.filter(|ticket| is_id(&ticket.id)) else {
            return refused("a link needs a request that stands".to_owned());
        };
        let path = format!("/requests/{}", ticket.id);
        let answer = self.transport.send(&Request::get(&path)).await;
        let (shown, spent) = match before_write(answer, field_name) {
            Ok(read) => read,
            Err(answered) => return answered,
        };
        let request = inner(&shown);
        match text(request, "id") {
            Some(found) if ids::is_same(&found, &ticket.id) => {}
            Some(found) => return refused(merged(&ticket.id, &found)),
            None => {
                return Outcome::InDoubt("the system answered with no request".to_owned()).into();
            }
        }
        let given = |name: &str| text(call.body, name).unwrap_or_default();
        let (integration, outside) = (given("link_integration"), given("link_ticket_id"));
        let links = member(request, &["tickets"]).and_then(Value::as_array);
        let is_this = |link: &&Value| {
            text(link, "key").as_ref() == Some(&outside)
                && text(link, "type").as_ref() == Some(&integration)
        };
        if links.into_iter().flatten().any(|link| is_this(&link)) {
            return Answered {
                spent,
                ..Outcome::Done(ticket.clone()).into()
            };
        }
        let thread = member(request, &["request_thread"]).unwrap_or(&Value::Null);
        let (Some(channel), Some(stamp)) = (text(thread, "channel_id"), text(thread, "thread_ts"))
        else {
            return refused(
                "the request shows no Slack thread, by which a link names it".to_owned(),
            );
        };
        let body = json!({"type": "link", "data": {
            "integration": integration, "ticket_id": outside, "message_ts": stamp, "channel_id": channel,
            "message_source": "slack",
        }});
        let next = Next {
            method: Method::POST,
            path: "/tickets".to_owned(),
            body: Some(body),
            before: None,
        };
        way.further(next, spent)
    }

    /// Closes a request with an internal note, by one call (contract, `POST /requests/{id}/message`).
    pub(super) async fn close_with(&self, ticket: &Ticket, note: &str) -> Answered {
        let note = json!({"html_body": note, "is_private": true});
        self.closing(Operation::Comment, ticket, note).await
    }

    /// Closes a request.
    pub(super) async fn close(&self, ticket: &Ticket) -> Answered {
        self.closing(Operation::Close, ticket, json!({})).await
    }

    async fn closing(&self, operation: Operation, ticket: &Ticket, mut body: Value) -> Answered {
        body[dialect::status_member(self.account.dialect)] = json!("closed");
        let call = Call {
            step: operation.as_str(),
            ticket: Some(ticket),
            body: &body,
            id: Uuid::nil(),
            old_id: Uuid::nil(),
        };
        self.write(call, &mut Way::default()).await
    }

    /// Sends once: what the answer means.
    async fn send(
        &self,
        (call, method): (&str, Method),
        path: &str,
        body: &Value,
        standing: Option<&Ticket>,
    ) -> Answered {
        let request = Request::new(method, path);
        let answer = self.transport.send(&request.body(body)).await;
        self.judged(call, answer, standing)
    }

    fn judged(
        &self,
        call: &str,
        answer: Result<Answer, Lost>,
        standing: Option<&Ticket>,
    ) -> Answered {
        let expect = Expect {
            call,
            ticket: &made,
            title: &|body| text(inner(body), "title"),
            // `data`, and `request_thread` in it.
            levels: 3,
            standing,
            makes_more: Operation::parse(call) == Some(Operation::Comment),
            rename: field_name,
        };
        write(answer, &expect)
    }
}

/// What cannot be sent at all.
fn refused(message: String) -> Answered {
    Outcome::Rejected(Refusal {
        status: 0,
        message,
        fields: Vec::new(),
    })
    .into()
}

/// Reads one request.
pub(super) async fn one(id: &str, reader: Reader<'_>) -> Result<Reading> {
    if !is_id(id) {
        return Ok(Reading::Unclear(format!("`{id}` is no id")));
    }
    let path = format!("/requests/{id}");
    let query = [("include", "messages".to_owned())];
    let asked = Request::get(&path).query(&query);
    Ok(reader
        .read_ticket(asked, (id, ids::is_same), |body| listed(inner(body)))
        .await?)
}

/// The request in an answer, itself or inside `request`.
pub(super) fn inner(body: &Value) -> &Value {
    member(body, &["request", "data"])
        .filter(|inner| inner.is_object())
        .unwrap_or(body)
}

/// The request of an id, or of a number (`CF-12345`). The search finds by words: only a row that bears the number
/// counts.
pub(super) async fn named(name: &str, reader: Reader<'_>) -> Result<Option<Ticket>> {
    let name = name.trim().trim_start_matches('#');
    let is_number = name
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("CF-"));
    if !is_number {
        return match one(name, reader).await? {
            Reading::Found(listed) => Ok(Some(listed.ticket)),
            Reading::Absent => Ok(None),
            Reading::Another(why) => Err(Error::new(ErrorKind::Refused, why)),
            // A word that is no id may be a bad request to the system: there is no such ticket.
            Reading::Unclear(why) if ids::is_known_form(name) => {
                Err(Error::new(ErrorKind::System, why).at(name))
            }
            Reading::Unclear(_) => Ok(None),
        };
    }
    let query = [
        ("query", name.to_owned()),
        ("only_public", "false".to_owned()),
        ("limit", LIMIT.to_string()),
    ];
    let rows = page(reader, SEARCH, &query, None).await?.rows;
    let mut found: Vec<Ticket> = rows.iter().filter_map(ticket).collect();
    let shows_none = !found.is_empty() && found.iter().all(|ticket| ticket.number.is_none());
    found.retain(|ticket| {
        let number = ticket.number.as_deref();
        number.is_some_and(|number| number.eq_ignore_ascii_case(name))
    });
    found.dedup_by(|one, other| one.id == other.id);
    let told =
        |message: String| Error::new(ErrorKind::System, message).hint("name requests by their ids");
    if found.is_empty()
        && let Some(ticket) = numbered(name, reader).await?
    {
        return Ok(Some(ticket));
    }
    match found.as_slice() {
        [one] => Ok(Some(one.clone())),
        [] if shows_none => Err(told(format!(
            "the search for `{name}` shows no numbers, so that none can be recognised"
        ))),
        [] => Ok(None),
        several => Err(told(format!(
            "{} requests bear the number `{name}`",
            several.len()
        ))),
    }
}

/// The request whose id is made of its number, where it bears that number: the search may not know numbers.
async fn numbered(name: &str, reader: Reader<'_>) -> Result<Option<Ticket>> {
    let digits = name.trim_start_matches(|sign: char| !sign.is_ascii_digit());
    for id in [digits.to_owned(), format!("req_{digits}")] {
        if let Reading::Found(listed) = one(&id, reader).await?
            && let Some(number) = &listed.ticket.number
            && number.eq_ignore_ascii_case(name)
        {
            return Ok(Some(listed.ticket));
        }
    }
    Ok(None)
}

/// The newest requests, and the first that the search finds, which shows no messages: those are read singly.
pub(super) async fn sample(words: &str, reader: Reader<'_>) -> Result<Vec<Listed>> {
    let query = [
        ("sort_order", "desc".to_owned()),
        ("include", "messages".to_owned()),
        ("limit", LIMIT.to_string()),
    ];
    let mut sample = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..SAMPLED_PAGES {
        let page = page(reader, REQUESTS, &query, cursor.as_deref()).await?;
        sample.extend(page.rows.iter().filter_map(listed));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(sample);
        }
    }
    let query = [
        ("query", words.to_owned()),
        ("only_public", "false".to_owned()),
    ];
    // The search is a help: without it the newest are a sample too.
    let Ok(found) = page(reader, SEARCH, &query, None).await else {
        return Ok(sample);
    };
    for found in found.rows.iter().filter_map(ticket).take(SAMPLED_FOUND) {
        if sample.iter().all(|known| known.ticket.id != found.id)
            && let Reading::Found(listed) = one(&found.id, reader).await?
        {
            sample.push(*listed);
        }
    }
    Ok(sample)
}

/// An id that may stand in a path.
pub(super) fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// The request that a create's answer names, itself or inside `request`.
fn made(body: &Value) -> Option<Ticket> {
    Some(Ticket {
        warnings: warnings(body),
        ..ticket(inner(body))?
    })
}

pub(super) fn ticket(request: &Value) -> Option<Ticket> {
    let thread = member(request, &["request_thread"]).and_then(|thread| text(thread, "url"));
    Some(Ticket {
        id: text(request, "id")?,
        number: text(request, "ticket_id"),
        url: text(request, "slack_thread_url").or(thread),
        warnings: Vec::new(),
    })
}

/// A member of a request as the mapping calls the field.
fn field_name(member: &str) -> String {
    match member {
        "assignee" => "assignee_id",
        "state" => "status",
        "html_body" => "body",
        "is_private" => "public",
        other => other,
    }
    .to_owned()
}

/// A text or a number, as text: ids are strings in one dialect and integers in the other.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    match member(value, &[name])? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A request as a listing shows it; its description is the first message.
pub(super) fn listed(request: &Value) -> Option<Listed> {
    let collection = member(request, &["collection"]).and_then(|collection| text(collection, "id"));
    let message = member(request, &["messages"])
        .and_then(Value::as_array)
        .and_then(|messages| text(messages.first()?, "text"));
    let state = text(request, "state").or_else(|| text(request, "status"));
    let standing = match state.as_deref() {
        Some("closed") => Standing::Closed,
        _ => Standing::Open,
    };
    Some(Listed {
        ticket: ticket(request)?,
        created_at: text(request, "created_at").and_then(|at| at.parse().ok()),
        group: collection
            .or_else(|| text(request, "collection_id"))
            .unwrap_or_default(),
        text: message.or_else(|| text(request, "description")),
        custom: custom(request),
        updated_at: text(request, "updated_at").and_then(|at| at.parse().ok()),
        standing,
        is_taken_back: standing == Standing::Closed && notes(request).next().is_some(),
        noted_at: notes(request).filter_map(posted).max(),
        traits: traits(request, "author_email"),
    })
}

/// The messages after the first one that are notes of a rollback.
fn notes(request: &Value) -> impl Iterator<Item = &Value> {
    let messages = member(request, &["messages"]).and_then(Value::as_array);
    let further = messages.into_iter().flatten().skip(1);
    further.filter(|message| {
        text(message, "text").is_some_and(|said| said.trim_start().starts_with(TAKEN_BACK))
    })
}

/// What can be compared of a request; a create and a listing call the requester differently.
fn traits(request: &Value, requester: &str) -> Vec<(&'static str, String)> {
    let priority = text(request, "priority").map(|word| match word.as_str() {
        "normal" => "medium".to_owned(),
        _ => word,
    });
    [
        (TITLE, text(request, "title")),
        ("requester", text(request, requester)),
        ("priority", priority),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// How what a call makes will look when it is listed.
pub(super) fn looks(call: &str, body: &Value) -> Looks {
    match Operation::parse(call) {
        Some(Operation::Create) => Looks {
            traits: traits(body, "requester_email"),
            text: text(body, "description").unwrap_or_default(),
        },
        Some(Operation::Comment) => {
            let is_private = body["is_private"].as_bool() == Some(true);
            let kind = if is_private { INTERNAL } else { PUBLIC };
            Looks {
                traits: vec![(KIND, kind.to_owned())],
                text: text(body, "html_body").unwrap_or_default(),
            }
        }
        _ => Looks::default(),
    }
}

/// The custom fields that hold text; by name in one dialect, by id in the other.
fn custom(request: &Value) -> Vec<(String, String)> {
    let fields = member(request, &["custom_field_values", "custom_fields"]);
    let fields = fields.and_then(Value::as_object).into_iter().flatten();
    fields
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}
