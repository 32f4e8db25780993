//! Reading back whether a message was posted (contract clearfeed, `include=messages`; Slack may rewrite a text).

use jiff::Timestamp;
use serde_json::Value;

use super::ids;
use super::requests::{inner, is_id, listed, text};
use super::set::shown;
use crate::error::{Error, Result};
use crate::html;
use crate::systems::http::Request;
use crate::systems::http::reader::Reader;
use crate::systems::http::refusal::member;
use crate::systems::sighting::{Item, Likeness, Shows, Sought, likeness, set, sight};
use crate::systems::{
    Beside, Call, INTERNAL, Operation, PUBLIC, SentAt, Sighting, merged, text_print,
};

/// How many other requests are read to see whether messages are shown.
const WITNESSES: usize = 4;

/// Whether a call was done that was sent at `since`. What a call sets the request shows, or something else, which somebody
/// may have set there since. That a message is not there counts only where the request shows
/// its first one, and for an internal note only where this request shows another note, or another one a note that is
/// done.
pub(super) async fn verify_step(
    call: Call<'_>,
    beside: Beside<'_>,
    since: SentAt,
    reader: Reader<'_>,
) -> Result<Sighting> {
    let operation = Operation::parse(call.step);
    let ticket = call
        .ticket
        .ok_or_else(|| Error::usage(format!("the step `{}` has no ticket", call.step)))?;
    let unclear = |why: &str| Ok(Sighting::Unclear(why.to_owned()));
    if !is_id(&ticket.id) {
        return unclear("the request has no id");
    }
    let Some(body) = read(&ticket.id, reader).await? else {
        return unclear("the request is not there any more");
    };
    let request = inner(&body);
    match text(request, "id") {
        Some(found) if ids::is_same(&found, &ticket.id) => {}
        Some(found) => return unclear(&merged(&ticket.id, &found)),
        // What names no request says nothing of this one.
        None => return unclear("the system answered with no request"),
    }
    if operation == Some(Operation::Close) {
        return Ok(match is_as_sent(request, call.body) {
            true => Sighting::Done,
            false => Sighting::Absent,
        });
    }
    if operation != Some(Operation::Comment) {
        let Some(listed) = listed(request) else {
            return unclear("the system answered with no request");
        };
        return Ok(set(shown(request, call.body), &listed, beside.resumed));
    }
    let Some((first, messages)) = messages(request) else {
        return unclear("the request does not show its messages");
    };
    let text_of = |body: &Value| text(body, "html_body").unwrap_or_default();
    let sent = text_of(call.body);
    let others = beside.others.iter().map(|body| text_of(body));
    let is_note = member(call.body, &["is_private"]).and_then(Value::as_bool) == Some(true);
    let sought = Sought {
        what: "a message",
        kind: Some(if is_note { INTERNAL } else { PUBLIC }),
        author: None,
        others: others
            .filter(|other| likeness(&sent, other) != Likeness::Equal)
            .collect(),
        text: sent,
        since,
    };
    let mut shows = Shows::default();
    shows.learn(&messages, beside.here, &sought);
    // The first message is the description, which everybody sees.
    shows.kind |= !is_note && !first.texts.is_empty();
    shows.kind |= is_note
        && messages
            .iter()
            .any(|message| message.kind == Some(INTERNAL));
    if let Some(print) = beside.ticket {
        shows.dated(print, &Vec::from_iter(first.at));
    }
    let description = beside.ticket.map(|print| print.text.as_str());
    shows.texts |= description.is_some_and(|sent| {
        !sent.is_empty() && first.texts.iter().any(|text| text_print(text) == sent)
    });
    for (id, print) in beside.elsewhere.iter().take(WITNESSES) {
        let (sighting, wants_more) = sight(&sought, &messages, beside.here, &shows);
        if !wants_more || !is_id(id) {
            return Ok(sighting);
        }
        let other = read(id, reader).await?;
        if let Some((_, messages)) = other.as_ref().and_then(|body| self::messages(inner(body))) {
            shows.learn(&messages, std::slice::from_ref(print), &sought);
        }
    }
    Ok(sight(&sought, &messages, beside.here, &shows).0)
}

/// A request with its messages; `None`: it is not there any more.
async fn read(id: &str, reader: Reader<'_>) -> Result<Option<Value>> {
    let path = format!("/requests/{id}");
    let query = [("include", "messages".to_owned())];
    match reader.read(Request::get(&path).query(&query)).await {
        Ok(body) => Ok(Some(body)),
        Err(failure) if failure.is_absence() => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// The first message of a request, which is its description, and the others.
fn messages(request: &Value) -> Option<(Item, Vec<Item>)> {
    let messages = member(request, &["messages"]).and_then(Value::as_array)?;
    let (first, others) = messages.split_first()?;
    let item = |message: &Value| item(request, message);
    Some((item(first), others.iter().map(item).collect()))
}

fn item(request: &Value, message: &Value) -> Item {
    Item {
        at: posted(message),
        or: None,
        texts: texts(message),
        author: text(message, "author").or_else(|| text(message.get("author")?, "id")),
        kind: Some(if is_note(request, message) {
            INTERNAL
        } else {
            PUBLIC
        }),
        is_another: false,
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

/// A message's text in the readings that are possible: whether it comes with its tags, or with their signs escaped, is
/// not told.
fn texts(message: &Value) -> Vec<String> {
    let Some(found) = text(message, "text") else {
        return Vec::new();
    };
    let found = html::unlinked(&found);
    let plain = html::to_text(&found);
    match plain == found {
        true => vec![found],
        false => vec![found, plain],
    }
}

/// When a message was posted: Slack's time stamp is seconds since 1970, with a fraction.
pub(super) fn posted(message: &Value) -> Option<Timestamp> {
    let stamp = text(message, "ts").or_else(|| text(message, "created_at"))?;
    match stamp.split('.').next()?.parse() {
        Ok(seconds) => Timestamp::from_second(seconds).ok(),
        Err(_) => stamp.parse().ok(),
    }
}

/// Whether internal notes are among the messages.
pub(super) fn shows_notes(request: &Value, messages: &[Value]) -> bool {
    messages.iter().any(|message| is_note(request, message))
}

/// Whether a message is an internal note: it is marked so, or is in the thread of the triage.
fn is_note(request: &Value, message: &Value) -> bool {
    let thread = |name: &str| member(request, &[name]).and_then(|thread| text(thread, "thread_ts"));
    let triage = thread("triage_thread").filter(|ts| thread("request_thread").as_ref() != Some(ts));
    let is_marked = member(message, &["is_private"]).and_then(Value::as_bool) == Some(true);
    is_marked || (triage.is_some() && text(message, "thread_ts") == triage)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(sent: &str, text: &str) -> Option<bool> {
        let texts = texts(&json!({"text": text}));
        let degrees: Vec<Likeness> = texts.iter().map(|text| likeness(sent, text)).collect();
        let is_like = degrees.iter().any(|degree| *degree != Likeness::None);
        is_like.then(|| degrees.contains(&Likeness::Equal))
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
