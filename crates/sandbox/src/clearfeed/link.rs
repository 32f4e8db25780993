//! Linking a request to a ticket of another system (contract clearfeed, `POST /tickets`).

use serde_json::{Value, json};

use super::{ClearFeed, dialect};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};

/// The request is the one whose thread the message stands in.
pub(super) fn link(system: &ClearFeed, call: &Call) -> Answer {
    let body = call.json()?;
    if body.get("type").and_then(Value::as_str) != Some("link") {
        return Err(Refusal::field(400, "type", "type must be link"));
    }
    let data = body.get("data").cloned().unwrap_or_default();
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
    let thread = (text("channel_id").to_owned(), text("message_ts").to_owned());
    if let Some(name) = ["channel_id", "message_ts"]
        .into_iter()
        .find(|name| text(name).is_empty())
    {
        let rule = format!("data.{name} should not be empty");
        return Err(Refusal::field(400, name, rule));
    }
    let mut requests = system.requests();
    let place = requests
        .iter()
        .position(|one| one.threads().contains(&thread));
    let place = place.ok_or_else(|| Refusal::not_found("Request"))?;
    system.change_at(call, &mut requests, place, &data)?;
    let request = &requests[place];
    let last = request.links.last().map(|one| one.shown(dialect(call)));
    let id = dialect(call).id("req", request.id);
    Ok(Reply::json(
        201,
        &json!({ "request_id": id, "ticket": last }),
    ))
}
