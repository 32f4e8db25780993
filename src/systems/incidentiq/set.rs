//! Whether a ticket shows what a step was to set of it, where nobody knows if it was sent (contract incidentiq §6).

use serde_json::Value;

use super::IncidentIq;
use super::bulk;
use super::calls::narrow;
use super::envelope::{id, is_same, text};
use super::fields::{OWNER, PRIORITY, TAGS};
use super::listing::listed;
use super::tickets::segment;
use crate::error::{Error, Result};
use crate::systems::http::Request;
use crate::systems::http::reader::Reader;
use crate::systems::http::refusal::member;
use crate::systems::sighting::{Shown, set};
use crate::systems::{Call, Resumed, Sighting, merged};

/// Reads the ticket of a call that sets something.
pub(super) async fn verify_step(
    system: &IncidentIq,
    ticket_id: &str,
    call: Call<'_>,
    resumed: Option<Resumed>,
    reader: Reader<'_>,
) -> Result<Sighting> {
    let ticket_id = segment(ticket_id).map_err(Error::usage)?;
    let path = format!("/v1.0/tickets/{ticket_id}");
    let body = match reader.read(Request::get(&path)).await {
        Ok(body) => body,
        Err(failure) if failure.is_absence() => {
            return Ok(Sighting::Unclear(
                "the ticket is not there any more".to_owned(),
            ));
        }
        Err(failure) => return Err(failure.into()),
    };
    let item = member(&body, &["Item"]).unwrap_or(&body);
    if let Some(other) = id(item, "TicketId").filter(|found| !is_same(found, ticket_id)) {
        return Ok(Sighting::Unclear(merged(ticket_id, &other)));
    }
    let listed = listed(system, ticket_id.to_owned(), item);
    let shown = match is_shown(system, call.step, call.body, item) {
        Some(true) => Shown::AsSet,
        Some(false) if is_unset(call.step, call.body, item) => Shown::Unset,
        Some(false) => Shown::Otherwise,
        None => Shown::Untold,
    };
    Ok(set(shown, &listed, resumed))
}

/// Whether nothing is set on a ticket that a call would replace.
fn is_unset(step: &str, body: &Value, item: &Value) -> bool {
    // Tags are added to those that are there.
    narrow(step, body) == TAGS || bulk::is_unset(step, body, item)
}

/// Whether a ticket shows what a call sets; `None`: nothing tells.
fn is_shown(system: &IncidentIq, step: &str, body: &Value, item: &Value) -> Option<bool> {
    if let Some(is_shown) = bulk::is_shown(system, step, body, item) {
        return Some(is_shown);
    }
    match narrow(step, body) {
        PRIORITY => Some(text(item, "Priority")? == text(body, "Priority")?),
        OWNER => Some(is_same(&id(item, "OwnerId")?, &id(body, "OwnerId")?)),
        TAGS => {
            let shown = member(item, &["Tags"]).and_then(Value::as_array)?;
            let has = |name: &str| {
                let mut names = shown.iter().filter_map(|tag| text(tag, "Name"));
                names.any(|shown| shown.eq_ignore_ascii_case(name))
            };
            let mut wanted = body.as_array()?.iter();
            Some(wanted.all(|tag| text(tag, "Name").is_some_and(|name| has(&name))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::signed_in;
    use super::*;
    use deskferry_testing::server::MockServer;

    #[tokio::test]
    async fn a_ticket_shows_what_was_set_or_something_else() {
        let server = MockServer::start().await;
        let system = signed_in(&server).await;
        let item = json!({"Priority": 94, "OwnerId": "0f62a885-ca96-5448-9cca-359291f3aa9a",
                          "Tags": [{"Name": "VIP"}, {"Name": "Imported"}]});
        for (step, body, expected) in [
            (
                PRIORITY,
                json!({"Priority": 94, "PriorityId": 94}),
                Some(true),
            ),
            (
                PRIORITY,
                json!({"Priority": 50, "PriorityId": 50}),
                Some(false),
            ),
            (
                PRIORITY,
                json!({"Priority": "high", "PriorityId": "high"}),
                Some(false),
            ),
            (
                OWNER,
                json!({"OwnerId": "0F62A885-CA96-5448-9CCA-359291F3AA9A"}),
                Some(true),
            ),
            (TAGS, json!([{"Name": "imported"}]), Some(true)),
            (
                TAGS,
                json!([{"Name": "imported"}, {"Name": "new"}]),
                Some(false),
            ),
            ("then-1/set_status", json!({"Action": "start"}), None),
        ] {
            assert_eq!(
                is_shown(&system, step, &body, &item),
                expected,
                "{step} {body}"
            );
        }
    }
}
