//! Writing tickets (contract incidentiq §7 to §10): the create with its two spellings, and the further steps.

use std::sync::OnceLock;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::IncidentIq;
use super::envelope::{id, text};
use super::fields::{ASSIGN, DUE_DATE, OWNER, PRIORITY, SLA, STATUS, TAGS};
use crate::systems::http::Request;
use crate::systems::http::classify::{Expect, write};
use crate::systems::http::refusal::{member, warnings};
use crate::systems::{Answered, CREATE, Call, Outcome, Refusal, Ticket};

/// Both spellings of the create, the mission document's first (§19 D1).
const SPELLINGS: [&str; 2] = ["/v1.0/tickets/create", "/v1.0/tickets/new"];

/// Which spelling of the create the site knows: only a success proves one. Until then creates go one by one.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    proven: OnceLock<&'static str>,
    /// The index of the one to try.
    next: Mutex<usize>,
}

impl Spelling {
    pub(super) fn is_unproven(&self) -> bool {
        self.proven.get().is_none()
    }
}

/// What an answer says about the spelling that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is the right one.
    Obeyed,
    /// Nothing was made by it.
    Refused,
    /// Something may have been made by it.
    Doubtful,
    /// Nothing was learned.
    Unjudged,
}

impl IncidentIq {
    /// Sends one request of a row.
    pub(super) async fn write(&self, call: Call<'_>) -> Answered {
        if call.step == CREATE {
            return self.create(call.body).await;
        }
        match further(call) {
            Ok((ticket, path, body)) => self.post(&path, body.as_ref(), Some(ticket)).await.0,
            Err(message) => ours(message),
        }
    }

    async fn create(&self, body: &Value) -> Answered {
        if let Some(path) = self.spelling.proven.get() {
            return self.post(path, Some(body), None).await.0;
        }
        let mut next = self.spelling.next.lock().await;
        // Another row may have proven it while this one waited.
        if let Some(path) = self.spelling.proven.get() {
            drop(next);
            return self.post(path, Some(body), None).await.0;
        }
        let (first, verdict) = self.try_spelling(&mut next, body).await;
        if verdict != Verdict::Refused || *next == 0 {
            return first;
        }
        let (second, _) = self.try_spelling(&mut next, body).await;
        match (&first.outcome, &second.outcome) {
            // The site knows the first spelling only: what that one said about the row is what counts.
            (Outcome::Rejected(_), Outcome::Rejected(refusal))
                if matches!(refusal.status, 404 | 405) =>
            {
                Answered {
                    spent: second.spent,
                    ..first
                }
            }
            _ => second,
        }
    }

    /// Creates by the spelling whose turn it is, and passes the turn on unless it was obeyed.
    async fn try_spelling(&self, next: &mut usize, body: &Value) -> (Answered, Verdict) {
        let path = SPELLINGS[*next];
        let (answered, status) = self.post(path, Some(body), None).await;
        let verdict = match (&answered.outcome, status) {
            (Outcome::Done(_), _) => {
                self.spelling.proven.get_or_init(|| path);
                Verdict::Obeyed
            }
            // Nothing was made: the other spelling may know better what it refuses.
            (Outcome::Rejected(_), _) | (Outcome::Denied(_), Some(300..400)) => Verdict::Refused,
            // It is settled first whether something was made; what comes after goes the other way.
            (Outcome::InDoubt(_), Some(_)) => Verdict::Doubtful,
            _ => Verdict::Unjudged,
        };
        if matches!(verdict, Verdict::Refused | Verdict::Doubtful) {
            *next = (*next + 1) % SPELLINGS.len();
        }
        (answered, verdict)
    }

    /// Deletes a ticket (§8): it is only marked, so a second time does nothing new.
    pub(super) async fn delete(&self, ticket: &Ticket) -> Answered {
        let path = match segment(&ticket.id) {
            Ok(id) => format!("/v1.0/tickets/{id}"),
            Err(message) => return ours(message),
        };
        let answer = self
            .transport
            .send(&Request::new(Method::DELETE, &path))
            .await;
        let expect = Expect {
            ticket: &|_| None,
            levels: 2,
            standing: Some(ticket),
            rename: field_name,
        };
        write(answer, &expect)
    }

    /// Posts once: what the answer means, and its status if there was one.
    async fn post(
        &self,
        path: &str,
        body: Option<&Value>,
        standing: Option<&Ticket>,
    ) -> (Answered, Option<u16>) {
        let mut request = Request::new(Method::POST, path);
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = self.transport.send(&request).await;
        let status = answer.as_ref().ok().map(|answer| answer.status);
        let expect = Expect {
            ticket: &|body| self.made(body),
            levels: 2,
            standing,
            rename: field_name,
        };
        (write(answer, &expect), status)
    }

    /// The ticket that a create's answer names: `Item.TicketId`, else `Uid` (§7).
    fn made(&self, body: &Value) -> Option<Ticket> {
        let item = member(body, &["Item"]).unwrap_or(&Value::Null);
        let made = id(item, "TicketId").or_else(|| id(body, "Uid"))?;
        Some(Ticket {
            warnings: warnings(body),
            ..self.ticket(made, item)
        })
    }

    /// A ticket by its id and what is told of it.
    pub(super) fn ticket(&self, id: String, item: &Value) -> Ticket {
        let url = self
            .pages
            .as_ref()
            .map(|root| format!("{}/agent/tickets/{id}", root.as_str().trim_end_matches('/')));
        Ticket {
            id,
            number: text(item, "TicketNumber"),
            url,
            warnings: Vec::new(),
        }
    }
}

/// A refusal of our own: nothing was sent.
fn ours(message: String) -> Answered {
    Outcome::Rejected(Refusal {
        status: 0,
        message,
        fields: Vec::new(),
    })
    .into()
}

/// The path and body of a further step.
fn further<'a>(call: Call<'a>) -> Result<(&'a Ticket, String, Option<Value>), String> {
    let ticket = call
        .ticket
        .ok_or_else(|| format!("the step `{}` needs a ticket that stands", call.step))?;
    let ticket_id = segment(&ticket.id)?;
    let member = |name: &str| segment(call.body[name].as_str().unwrap_or_default());
    let with_ticket = || {
        let mut body = call.body.clone();
        body["TicketId"] = json!(ticket.id);
        Some(body)
    };
    let (tail, body) = match call.step {
        PRIORITY => ("priority".to_owned(), with_ticket()),
        TAGS => ("tags".to_owned(), Some(call.body.clone())),
        ASSIGN => ("assign".to_owned(), with_ticket()),
        SLA => ("sla".to_owned(), Some(call.body.clone())),
        DUE_DATE => ("due-dates".to_owned(), Some(call.body.clone())),
        OWNER => {
            let (owner, requestor) = (member("OwnerId")?, member("ForId")?);
            (format!("owner/{owner}/for/{requestor}"), None)
        }
        STATUS => (format!("status/{}", member("WorkflowStepId")?), None),
        other => return Err(format!("IncidentIQ has no step `{other}`")),
    };
    Ok((ticket, format!("/v1.0/tickets/{ticket_id}/{tail}"), body))
}

/// An id that may stand in a path.
pub(super) fn segment(id: &str) -> Result<&str, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.is_empty() || !id.chars().all(plain) {
        return Err(format!("`{id}` is no id"));
    }
    Ok(id)
}

/// A member of a request as the mapping calls the field.
fn field_name(member: &str) -> String {
    let name = member.split(['.', '[']).next().unwrap_or(member);
    match name {
        "AssignToUserId" => "AssignedToUserId",
        "AssignToTeamId" => "AssignedToTeamId",
        "AssignToParentId" => "ParentTicketId",
        "PriorityId" => "Priority",
        "CustomDate" => "DueDate",
        "Description" => "IssueDescription",
        _ => return member.to_owned(),
    }
    .to_owned()
}
