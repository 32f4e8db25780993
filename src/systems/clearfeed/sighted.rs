//! Reading back whether a message was posted (contract clearfeed, `include=messages`; Slack may rewrite a text).

use jiff::Timestamp;
use serde_json::Value;

use super::requests::{inner, is_id, text};
use crate::error::{Error, Result};
use crate::html;
use crate::systems::http::Request;
use crate::systems::http::reader::Reader;
use crate::systems::http::refusal::member;
use crate::systems::sighting::{Like, Likeness, judge, likeness};
use crate::systems::{Call, Operation, Sighting};

/// Whether a call was done that was sent at `since`. That a message is not there counts only where the request shows
/// its first one, and for an internal note only where it shows another note.
pub(super) async fn sighted(
    call: Call<'_>,
    others: &[&Value],
    since: Timestamp,
    reader: Reader<'_>,
) -> Result<Sighting> {
    let operation = Operation::parse(call.step);
    if !matches!(operation, Some(Operation::Comment | Operation::Close)) {
        return Ok(Sighting::Unclear(format!(
            "the step `{}` leaves nothing that can be read back",
            call.step
        )));
    }
    let ticket = call
        .ticket
        .ok_or_else(|| Error::usage(format!("the step `{}` has no ticket", call.step)))?;
    let unclear = |why: &str| Ok(Sighting::Unclear(why.to_owned()));
    if !is_id(&ticket.id) {
        return unclear("the request has no id");
    }
    let path = format!("/requests/{}", ticket.id);
    let query = [("include", "messages".to_owned())];
    let body = match reader.read(Request::get(&path).query(&query)).await {
        Ok(body) => body,
        Err(failure) if matches!(failure.status, Some(404 | 410)) => {
            return unclear("the request is not there any more");
        }
        Err(failure) => return Err(failure.into()),
    };
    let request = inner(&body);
    if operation == Some(Operation::Close) {
        return Ok(match is_as_sent(request, call.body) {
            true => Sighting::Done,
            false => Sighting::Absent,
        });
    }
    let messages = member(request, &["messages"]).and_then(Value::as_array);
    let Some(messages) = messages.filter(|messages| !messages.is_empty()) else {
        return unclear("the request does not show its messages");
    };
    let sent = text(call.body, "html_body").unwrap_or_default();
    let others: Vec<String> = others
        .iter()
        .filter_map(|body| text(body, "html_body"))
        .filter(|other| likeness(&sent, other) != Likeness::Equal)
        .collect();
    let is_another = |message: &&Value| others.iter().any(|other| is_equal(other, message));
    let likes: Vec<Like> = messages
        .iter()
        .filter(|message| !is_another(message))
        .filter_map(|message| like(&sent, message))
        .collect();
    let is_note = member(call.body, &["is_private"]).and_then(Value::as_bool) == Some(true);
    match judge("a message", &likes, since) {
        Sighting::Absent if is_note && !shows_notes(request, messages) => {
            unclear("the request does not show internal notes among its messages")
        }
        sighting => Ok(sighting),
    }
}

/// Whether a request is in the state that was sent.
fn is_as_sent(request: &Value, sent: &Value) -> bool {
    ["state", "status"]
        .into_iter()
        .filter_map(|name| text(sent, name))
        .all(|state| {
            let shown = text(request, "state").or_else(|| text(request, "status"));
            shown.as_ref() == Some(&state)
        })
}

/// Whether a message says what was sent.
fn is_equal(sent: &str, message: &Value) -> bool {
    like(sent, message).is_some_and(|like| like.is_equal)
}

/// A message that is like the one that was sent.
fn like(sent: &str, message: &Value) -> Option<Like> {
    let found = unlinked(&text(message, "text")?);
    // Whether a text comes with its tags, or with their signs escaped, is not told: both readings count.
    let likenesses = [&found, &html::to_text(&found)].map(|found| likeness(sent, found));
    let is_equal = likenesses.contains(&Likeness::Equal);
    let is_like = is_equal || likenesses.contains(&Likeness::Similar);
    is_like.then(|| Like {
        at: posted(message),
        or: None,
        is_equal,
    })
}

/// When a message was posted: Slack's time stamp is seconds since 1970, with a fraction.
pub(super) fn posted(message: &Value) -> Option<Timestamp> {
    let stamp = text(message, "ts").or_else(|| text(message, "created_at"))?;
    match stamp.split('.').next()?.parse() {
        Ok(seconds) => Timestamp::from_second(seconds).ok(),
        Err(_) => stamp.parse().ok(),
    }
}

/// Whether internal notes are among the messages: one is marked so, or stands in the thread of the triage.
pub(super) fn shows_notes(request: &Value, messages: &[Value]) -> bool {
    let thread = |name: &str| member(request, &[name]).and_then(|thread| text(thread, "thread_ts"));
    let triage = thread("triage_thread").filter(|ts| thread("request_thread").as_ref() != Some(ts));
    messages.iter().any(|message| {
        let is_marked = member(message, &["is_private"]).and_then(Value::as_bool) == Some(true);
        is_marked || (triage.is_some() && text(message, "thread_ts") == triage)
    })
}

/// A text as it was before Slack made links of it: `<https://a.example|a>` is `a`, `<https://a.example>` the address.
pub(super) fn unlinked(text: &str) -> String {
    const SCHEMES: [&str; 4] = ["https://", "http://", "mailto:", "tel:"];
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let inner = rest[1..].split_once('>').map(|(inner, _)| inner);
        let link = inner.filter(|inner| SCHEMES.iter().any(|scheme| inner.starts_with(scheme)));
        match link {
            Some(link) => {
                plain.push_str(link.split_once('|').map_or(link, |(_, label)| label));
                rest = &rest[link.len() + 2..];
            }
            None => {
                plain.push('<');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(sent: &str, text: &str) -> Option<bool> {
        like(sent, &json!({"text": text})).map(|like| like.is_equal)
    }

    #[test]
    fn a_rewritten_text_is_the_same_text() {
        let sent = "See https://a.example/x and ann@a.example<br>5 &lt; 6, <b>now</b>";
        for text in [
            sent,
            "See <https://a.example/x> and <mailto:ann@a.example|ann@a.example>\n5 < 6, now",
            "See <https://a.example/x> and <mailto:ann@a.example|ann@a.example>&lt;br&gt;5 &amp;lt; 6, &lt;b&gt;now&lt;/b&gt;",
        ] {
            assert_eq!(found(sent, text), Some(true), "{text}");
        }
        assert_eq!(
            found(sent, "See https://a.example/x and ann@a.example"),
            Some(false)
        );
        assert_eq!(found(sent, "Thank you"), None);
        let brackets = "&lt;ann@a.example&gt; wrote";
        assert_eq!(found(brackets, "&lt;ann@a.example&gt; wrote"), Some(true));
    }

    #[test]
    fn time_stamps_come_in_two_forms() {
        let at = |message: Value| posted(&message).unwrap().to_string();
        assert_eq!(
            at(json!({"ts": "1718974800.000200"})),
            "2024-06-21T13:00:00Z"
        );
        assert_eq!(
            at(json!({"created_at": "2024-06-21T13:00:00.000Z"})),
            "2024-06-21T13:00:00Z"
        );
    }
}
