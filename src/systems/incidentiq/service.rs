//! What was promised for a ticket, and how that was kept (contract incidentiq §6 `Sla`, §15 `/tickets/{id}/sla`).
//!
//! A ticket shows its service level with the minutes that it promises; how long the clocks have run is told by a call of
//! its own, which only one ticket at a time is worth. Clocks are told apart by what they are called, which each site
//! chooses: a word that begins with `respon` or `resol` is in it, or the clock has no place in the common ticket.

use serde_json::{Value, json};

use super::envelope::{id, text};
use super::tickets::segment;
use crate::systems::common::{Clock, CommonTicket, Service};
use crate::systems::http::Request;
use crate::systems::http::reader::{ReadFailure, Reader};
use crate::systems::http::refusal::member;

/// What is said of the clocks where they were not asked for.
const UNREAD: &str =
    "a search shows what was promised, not how it was kept: `deskferry ticket get` shows both";

/// Fills in what the ticket itself shows: the promise, without the clocks.
pub(super) fn promised(ticket: &mut CommonTicket, item: &Value) {
    let Some(level) = member(item, &["Sla"]).filter(|level| is_level(level)) else {
        // Absent and null are one (§2), unless an id says that there is one.
        if id(item, "SlaId").is_some() {
            ticket.hide("service", "the answer names no more of it than its id");
        }
        return;
    };
    ticket.service = Some(service(ticket, level, &[]));
    ticket.hide("service", UNREAD);
}

/// Asks for the clocks of one ticket. What cannot be had is named in the ticket.
pub(super) async fn fill(ticket: &mut CommonTicket, reader: Reader<'_>) {
    match clocks(&ticket.id, reader).await {
        Ok(body) => kept(ticket, member(&body, &["Item"]).unwrap_or(&body)),
        Err(failure) => {
            let why = crate::error::Error::from(failure).to_string();
            ticket.unhide("service");
            ticket.hide("service", why);
        }
    }
}

async fn clocks(ticket_id: &str, reader: Reader<'_>) -> Result<Value, ReadFailure> {
    let Ok(ticket_id) = segment(ticket_id) else {
        return Ok(Value::Null);
    };
    let path = format!("/v1.0/tickets/{ticket_id}/sla");
    reader.read(Request::get(&path)).await
}

fn kept(ticket: &mut CommonTicket, item: &Value) {
    let times = member(item, &["SlaTimes"]).and_then(Value::as_array);
    ticket.unhide("service");
    ticket.service = None;
    if let Some(level) = member(item, &["Sla"]).filter(|level| is_level(level)) {
        let times = times.map(Vec::as_slice).unwrap_or_default();
        ticket.service = Some(service(ticket, level, times));
    }
}

/// A shell stands for none (§2).
fn is_level(level: &Value) -> bool {
    text(level, "Name").is_some()
}

fn service(ticket: &mut CommonTicket, level: &Value, times: &[Value]) -> Service {
    let metrics = member(level, &["Metrics"]).and_then(Value::as_array);
    let metrics = metrics.map(Vec::as_slice).unwrap_or_default();
    let further = |rows: &[Value]| -> Vec<Value> {
        let is_further = |row: &&Value| !is_of(row, RESPONSE) && !is_of(row, RESOLUTION);
        rows.iter().filter(is_further).cloned().collect()
    };
    let (metrics_left, times_left) = (further(metrics), further(times));
    ticket.other.remove("Sla");
    if !metrics_left.is_empty() || !times_left.is_empty() {
        let left = json!({"Metrics": metrics_left, "SlaTimes": times_left});
        ticket.other.insert("Sla".to_owned(), left);
    }
    Service {
        name: text(level, "Name"),
        response: clock(metrics, times, RESPONSE),
        resolution: clock(metrics, times, RESOLUTION),
    }
}

const RESPONSE: &str = "respon";
const RESOLUTION: &str = "resol";

fn is_of(row: &Value, beginning: &str) -> bool {
    let name = text(row, "Name").unwrap_or_default().to_lowercase();
    name.split(|sign: char| !sign.is_alphanumeric())
        .any(|word| word.starts_with(beginning))
}

fn clock(metrics: &[Value], times: &[Value], beginning: &str) -> Option<Clock> {
    let of = |rows: &[Value], name: &str| {
        let row = rows.iter().find(|row| is_of(row, beginning))?;
        member(row, &[name]).cloned()
    };
    let target = of(metrics, "ValueInMinutes").and_then(|value| value.as_f64());
    let minutes = of(times, "LogMinutes").and_then(|value| value.as_f64());
    let is_known = target.is_some() || minutes.is_some();
    is_known.then(|| Clock {
        target,
        minutes,
        is_running: of(times, "IsRunning").and_then(|value| value.as_bool()),
        is_breached: minutes.zip(target).map(|(took, promised)| took > promised),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::SystemName;

    #[test]
    fn clocks_go_by_their_words_and_further_ones_stay() {
        let mut ticket = CommonTicket::new(SystemName::IncidentIq, "t-1".to_owned());
        let level = json!({"Name": "Gold", "Metrics": [
            {"Name": "First Response", "ValueInMinutes": 60}, {"Name": "Time to resolve", "ValueInMinutes": 480},
            {"Name": "Irresolute Parts", "ValueInMinutes": 9}]});
        promised(&mut ticket, &json!({"SlaId": "s-1", "Sla": level}));
        let service = ticket.service.clone().unwrap();
        assert_eq!(service.response.unwrap().target, Some(60.0));
        assert_eq!(ticket.not_shown[0].field, "service");

        kept(
            &mut ticket,
            &json!({"Sla": level, "SlaTimes": [
            {"Name": "First Response", "LogMinutes": 61, "IsRunning": false},
            {"Name": "Time to resolve", "LogMinutes": 61.5, "IsRunning": true}]}),
        );
        let service = ticket.service.unwrap();
        assert_eq!(service.name.as_deref(), Some("Gold"));
        let (response, resolution) = (service.response.unwrap(), service.resolution.unwrap());
        assert_eq!(
            (response.is_breached, response.is_running),
            (Some(true), Some(false))
        );
        assert_eq!(
            (resolution.minutes, resolution.is_breached),
            (Some(61.5), Some(false))
        );
        assert_eq!(
            ticket.other["Sla"]["Metrics"][0]["Name"],
            "Irresolute Parts"
        );
        assert!(ticket.not_shown.is_empty());
    }

    #[test]
    fn a_shell_is_no_promise() {
        let mut ticket = CommonTicket::new(SystemName::IncidentIq, "t-1".to_owned());
        promised(
            &mut ticket,
            &json!({"SlaId": "0", "Sla": {"SlaId": "0", "Name": ""}}),
        );
        assert_eq!(ticket.service, None);
        assert!(ticket.not_shown.is_empty());
    }
}
