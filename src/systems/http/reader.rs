//! Reads: what changes nothing may be asked again. Waiting is left to the [`Permit`], so that reads keep the
//! rate and the pauses of the run.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::classify::{inner_failure, pause, spent};
use super::refusal::refusal;
use super::{Answer, Request, Transport};
use crate::error::{Error, ErrorKind};
use crate::systems::{Listed, Permit, Reading, merged};

/// How often one read is tried.
const TRIES: u32 = 5;

/// The pause after a failed read, times the number of tries; a throttled one waits as long as it is told.
const PAUSE: Duration = Duration::from_millis(500);

/// The pause before a refusal is asked for again. It is no pause of the run: nothing was too fast.
const AGAIN: Duration = Duration::from_millis(250);

/// A transport for reading under a permit.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) transport: &'a Transport,
    pub(crate) permit: &'a dyn Permit,
    /// Whether a refusal counts only when it comes twice.
    confirms: bool,
}

/// Why a read failed.
#[derive(Debug)]
pub(crate) struct ReadFailure {
    /// The status of the last answer, if there was one.
    pub(crate) status: Option<u16>,
    /// Method and path.
    pub(crate) request: String,
    /// What was said.
    pub(crate) message: String,
    /// Whether a web page was answered: no system says so that a ticket is not there, but whatever stands before one
    /// does.
    pub(crate) is_page: bool,
}

impl ReadFailure {
    /// Whether the system does not know such a call, or answers it in another shape: another spelling may be tried.
    pub(crate) fn is_unknown_call(&self) -> bool {
        matches!(self.status, Some(200..400 | 400 | 404 | 405 | 410 | 501))
    }

    /// Whether the system says that what was asked for is not there.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self.status, Some(404 | 410)) && !self.is_page
    }

    /// Whether the token may not read this.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self.status, Some(401 | 403))
    }

    /// What a directory says of a kind that could not be read.
    pub(crate) fn note(&self) -> String {
        match self.is_denied() {
            true => format!(
                "the token has no right to read it: {} ({})",
                self.answered(),
                self.request
            ),
            false => format!("could not be read: {} ({})", self.message, self.request),
        }
    }

    /// What was answered, for people.
    fn answered(&self) -> String {
        match self.status {
            Some(status) => format!("the system answered {status}: {}", self.message),
            None => self.message.clone(),
        }
    }
}

impl From<ReadFailure> for Error {
    fn from(failure: ReadFailure) -> Self {
        let kind = match failure.status {
            None => ErrorKind::Unreachable,
            Some(401 | 403 | 407) => ErrorKind::Denied,
            Some(_) => ErrorKind::System,
        };
        let error = Self::new(kind, failure.answered()).at(failure.request);
        match kind {
            ErrorKind::Denied => error.hint(
                "the token's user lacks the right to read this; give it the right or use another token",
            ),
            _ => error,
        }
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(transport: &'a Transport, permit: &'a dyn Permit) -> Self {
        Self {
            transport,
            permit,
            confirms: false,
        }
    }

    /// The same for reads whose refusal decides more than themselves, as that a kind of reference data may not be read: a
    /// refusal counts only when it comes twice, for a proxy may refuse once.
    pub(crate) fn confirming(self) -> Self {
        Self {
            confirms: true,
            ..self
        }
    }
}

impl Reader<'_> {
    /// Reads one JSON answer.
    pub(crate) async fn read(&self, request: Request<'_>) -> Result<Value, ReadFailure> {
        self.read_shaped(request, Ok).await
    }

    /// Reads one JSON answer in the shape of the contract; one that is in another says nothing, and is asked for again like
    /// one that broke off. `shaped` says what is wrong with it.
    pub(crate) async fn read_shaped<T>(
        &self,
        request: Request<'_>,
        shaped: impl Fn(Value) -> Result<T, String> + Send,
    ) -> Result<T, ReadFailure> {
        let mut tried = 0;
        let mut refusals = 0;
        loop {
            self.permit.permit().await;
            tried += 1;
            let mut is_page = false;
            let (status, message, wait) = match self.transport.send(&request).await {
                Ok(answer) => {
                    is_page = answer.is_page();
                    let (answer, judged) = judge_aside(answer).await;
                    match judged {
                        Ok(body) => {
                            if let Some(left) = spent(&answer, Timestamp::now()) {
                                self.permit.spent(left);
                            }
                            match shaped(body) {
                                Ok(taken) => return Ok(taken),
                                Err(what) => {
                                    let message = format!(
                                        "a page that is not in the contract's shape: {what}"
                                    );
                                    (Some(answer.status), message, Some(Some(PAUSE * tried)))
                                }
                            }
                        }
                        Err((status, message)) => {
                            (Some(status), message, wait(status, &answer, tried))
                        }
                    }
                }
                Err(lost) => {
                    let message = lost.message().to_owned();
                    (None, message, Some(Some(PAUSE * tried)))
                }
            };
            match wait {
                Some(pause) if tried < TRIES => self.permit.pause(pause),
                None if self.confirms && refusals == 0 => {
                    refusals += 1;
                    tokio::time::sleep(AGAIN).await;
                }
                _ => {
                    return Err(ReadFailure {
                        status,
                        request: request.name(),
                        message,
                        is_page,
                    });
                }
            }
        }
    }
}

impl Reader<'_> {
    /// Reads one ticket. Only 404 and 410 that are no web page say that there is none: a bad request may be the fault of the request, and
    /// a success without an id is no ticket. Nor is one that names another ticket than the one that was asked for, as
    /// `is_same` spells ids.
    pub(crate) async fn read_ticket(
        &self,
        request: Request<'_>,
        (asked, is_same): (&str, fn(&str, &str) -> bool),
        listed: impl FnOnce(&Value) -> Option<Listed>,
    ) -> Result<Reading, ReadFailure> {
        match self.read(request).await {
            Ok(body) => Ok(match listed(&body) {
                Some(listed) if is_same(&listed.ticket.id, asked) => {
                    Reading::Found(Box::new(listed))
                }
                Some(listed) => Reading::Another(merged(asked, &listed.ticket.id)),
                None => Reading::Unclear("the system answered with no ticket".to_owned()),
            }),
            Err(failure) => match failure.status {
                Some(_) if failure.is_absence() => Ok(Reading::Absent),
                // These say nothing about the ticket, and the next one would meet the same.
                Some(300..400 | 401 | 403 | 407 | 408 | 425 | 429) => Err(failure),
                Some(200..500) => Ok(Reading::Unclear(failure.answered())),
                _ => Err(failure),
            },
        }
    }
}

/// From how many bytes on an answer is read by a thread of its own.
const LARGE: usize = 256 * 1024;

/// What [`judge`] says; a large answer does not keep what else is under way waiting.
async fn judge_aside(answer: Answer) -> (Arc<Answer>, Result<Value, (u16, String)>) {
    if answer.body.as_ref().is_ok_and(|body| body.len() < LARGE) {
        let judged = judge(&answer);
        return (Arc::new(answer), judged);
    }
    let answer = Arc::new(answer);
    let own = Arc::clone(&answer);
    let judged = tokio::task::spawn_blocking(move || judge(&own)).await;
    let judged = judged.unwrap_or_else(|_| judge(&answer));
    (answer, judged)
}

/// The body of a success, or with which status and words the answer fails.
fn judge(answer: &Answer) -> Result<Value, (u16, String)> {
    match (answer.status, answer.json()) {
        (200..300, Ok(body)) => match inner_failure(&body) {
            None => Ok(body),
            Some(status) => Err((status, refusal(status, answer, str::to_owned).message)),
        },
        // What broke off on its way is the fault of the way, as a bad gateway's.
        (200..300, Err(what)) => Err((502, format!("answered with {what}"))),
        (status, _) => match answer.redirect_host() {
            Some(host) if status < 400 => {
                Err((status, format!("the address redirects to `{host}`")))
            }
            _ => Err((status, refusal(status, answer, str::to_owned).message)),
        },
    }
}

/// Whether to ask again, and the pause before; `Some(None)` leaves its length to the limiter.
fn wait(status: u16, answer: &Answer, tried: u32) -> Option<Option<Duration>> {
    match status {
        429 => Some(pause(answer, Timestamp::now())),
        408 | 425 | 500..600 => Some(Some(PAUSE * tried)),
        _ => None,
    }
}
