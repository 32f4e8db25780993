//! Writing tickets (contract incidentiq §7): the create with its two spellings, and what `calls` makes of all others.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{MutexGuard, OnceLock, PoisonError};

use reqwest::Method;
use serde_json::Value;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::IncidentIq;
use super::calls::{Sending, sending};
use super::envelope::{id, text};
use super::fields::COMPLETE;
use crate::systems::http::classify::{Expect, write};
use crate::systems::http::refusal::{member, warnings};
use crate::systems::http::{Answer, Lost, Request};
use crate::systems::shape::Shape;
use crate::systems::{Answered, CREATE, Call, Next, Operation, Outcome, Refusal, Ticket, Way};

/// Both spellings of the create, the mission document's first (§19 D1).
const SPELLINGS: [&str; 2] = ["/v1.0/tickets/create", "/v1.0/tickets/new"];

/// Which spelling of the create the site knows: only a success proves one. Until then creates go one by one.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    proven: OnceLock<&'static str>,
    /// The index of the one to try.
    next: Mutex<usize>,
    /// The tickets to close where they were to be resolved: what something before the site said of `/resolve` proves nothing,
    /// so that each is looked at before.
    closes: std::sync::Mutex<HashSet<String>>,
}

impl Spelling {
    pub(super) fn is_unproven(&self) -> bool {
        self.proven.get().is_none()
    }

    fn to_close(&self) -> MutexGuard<'_, HashSet<String>> {
        self.closes.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Sends one request of a call.
    pub(super) async fn write(&self, call: Call<'_>, way: &mut Way) -> Answered {
        let next = way.next.take();
        if call.step == CREATE {
            let before = next.and_then(|next| next.before);
            return self.create(call.body, before, way).await;
        }
        if let Some(next) = next {
            let body = next.body.map(Cow::Owned);
            let sending = Sending::new(next.method, next.path, call.ticket);
            return self.send(&Sending { body, ..sending }).await.0;
        }
        if call.step == COMPLETE {
            return self.on_subtask(call, "complete", way).await;
        }
        if let (Some(Operation::Subtask), Some(action)) =
            (Operation::parse(call.step), call.body["action"].as_str())
        {
            return self.on_subtask(call, action, way).await;
        }
        let sending = match sending(call) {
            Ok(sending) => sending,
            Err(message) => return refused(message),
        };
        let root = sending.path.strip_suffix("/resolve").map(str::to_owned);
        match root.filter(|_| call.body["Action"] == "resolve") {
            Some(root) => self.resolve(&root, sending, way).await,
            None => self.send(&sending).await.0,
        }
    }

    /// Resolves the ticket at `root`. That is closing it, where the site has no call of that name (§10).
    async fn resolve(&self, root: &str, sending: Sending<'_>, way: &mut Way) -> Answered {
        let closing = format!("{root}/close");
        if self.spelling.to_close().remove(root) {
            let closing = Sending {
                path: closing,
                ..sending
            };
            return self.send(&closing).await.0;
        }
        let answered = self.send(&sending).await.0;
        if !is_unknown(&answered.outcome) {
            return answered;
        }
        // A refusal that proves nothing may come from something before the site, which went on: the ticket is looked at
        // first, and closed after that where it is open still.
        if let Some(shape) = answered
            .shape
            .as_ref()
            .filter(|it| !self.shapes.is_proven(it))
        {
            self.spelling.to_close().insert(root.to_owned());
            let doubt = format!("the system answered {} to `{}`", shape.told(), sending.path);
            return Answered {
                outcome: Outcome::InDoubt(doubt),
                ..answered
            };
        }
        let close = Next {
            path: closing,
            method: sending.method,
            body: sending.body.map(Cow::into_owned),
            before: None,
        };
        way.further(close, answered.spent)
    }

    /// Creates by one spelling; `before` is what the other one was answered just now.
    async fn create(&self, body: &Value, before: Option<Answered>, way: &mut Way) -> Answered {
        if let Some(path) = self.spelling.proven.get() {
            return self.post(path, body).await.0;
        }
        let mut next = self.spelling.next.lock().await;
        // Another row may have proven it while this one waited.
        if let Some(path) = self.spelling.proven.get() {
            drop(next);
            return self.post(path, body).await.0;
        }
        let (answered, verdict) = self.try_spelling(&mut next, body).await;
        if let Some(first) = before {
            return self.of_both(first, answered);
        }
        // The row met the second spelling first, after a doubt: where the site does not know that one, nothing was said of
        // the row yet.
        let is_last = *next == 0 && !is_unknown(&answered.outcome);
        if verdict != Verdict::Refused || is_last {
            return answered;
        }
        // A refusal whose shape is proven made nothing, and the other spelling may be tried at once. Any other may come
        // from something before the site, which went on: it is looked up before the row goes the other way.
        if let Some(shape) = answered
            .shape
            .as_ref()
            .filter(|it| !self.shapes.is_proven(it))
        {
            return Answered {
                outcome: Outcome::InDoubt(format!(
                    "the system answered {} to `{}`",
                    shape.told(),
                    SPELLINGS[(*next + 1) % SPELLINGS.len()]
                )),
                ..answered
            };
        }
        let spent = answered.spent;
        let other = Next {
            method: Method::POST,
            path: SPELLINGS[*next].to_owned(),
            body: None,
            before: Some(answered),
        };
        way.further(other, spent)
    }

    /// What both spellings were answered, as one.
    fn of_both(&self, first: Answered, second: Answered) -> Answered {
        match (&first.outcome, &second.outcome) {
            // The site knows the first spelling only: what that one said about the row is what counts.
            (Outcome::Rejected(_), Outcome::Rejected(_)) if is_unknown(&second.outcome) => {
                let unproven = |it: &Shape| !self.shapes.is_proven(it);
                Answered {
                    spent: second.spent,
                    // Both must prove that nothing was made.
                    shape: second.shape.filter(unproven).or(first.shape),
                    ..first
                }
            }
            _ => second,
        }
    }

    /// Creates by the spelling whose turn it is, and passes the turn on unless it was obeyed.
    async fn try_spelling(&self, next: &mut usize, body: &Value) -> (Answered, Verdict) {
        let path = SPELLINGS[*next];
        let (answered, status) = self.post(path, body).await;
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
        let call = Call {
            step: Operation::Delete.as_str(),
            ticket: Some(ticket),
            body: &Value::Null,
            id: Uuid::nil(),
            old_id: Uuid::nil(),
        };
        self.write(call, &mut Way::default()).await
    }

    /// Posts a create: what the answer means, and its status if there was one.
    async fn post(&self, path: &str, body: &Value) -> (Answered, Option<u16>) {
        let create = Sending::new(Method::POST, path.to_owned(), None);
        let sending = create.body(Cow::Borrowed(body));
        self.send(&sending).await
    }

    /// Sends once: what the answer means, and its status if there was one.
    pub(super) async fn send(&self, sending: &Sending<'_>) -> (Answered, Option<u16>) {
        let mut request = Request::new(sending.method.clone(), &sending.path);
        if let Some(body) = &sending.body {
            request = request.body(body);
        }
        let answer = match sending.is_partial {
            true => self.partial.send(&request).await,
            false => self.transport.send(&request).await,
        };
        let status = answer.as_ref().ok().map(|answer| answer.status);
        (self.judged(answer, sending), status)
    }

    /// What an answer means.
    pub(super) fn judged(&self, answer: Result<Answer, Lost>, sending: &Sending<'_>) -> Answered {
        let call = call_of_path(&sending.path);
        let expect = Expect {
            call: &call,
            ticket: &|body| self.made(body),
            title: &|body| text(member(body, &["Item"])?, "Subject"),
            levels: 2,
            standing: sending.standing,
            makes_more: ["/activities/new", "/subtasks/create"]
                .iter()
                .any(|path| sending.path.contains(path)),
            rename: sending.rename,
        };
        write(answer, &expect)
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

/// Whether a call, or what it is about, is not known where it went.
fn is_unknown(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected(refusal) if matches!(refusal.status, 404 | 405))
}

/// The call of a path, as shapes name it: the path without the ids in it, so that both spellings of a create are two.
fn call_of_path(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty()).skip(1);
    let parts: Vec<&str> = parts
        .map(
            |part| match part.bytes().any(|byte| byte.is_ascii_digit()) {
                true => "*",
                false => part,
            },
        )
        .collect();
    parts.join("/")
}

/// A refusal of our own: nothing was sent.
pub(super) fn refused(message: String) -> Answered {
    Outcome::Rejected(Refusal {
        status: 0,
        message,
        fields: Vec::new(),
    })
    .into()
}

/// An id that may stand in a path.
pub(super) fn segment(id: &str) -> Result<&str, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.is_empty() || !id.chars().all(plain) {
        return Err(format!("`{id}` is no id"));
    }
    Ok(id)
}
