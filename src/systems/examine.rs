//! What a token lets us read, how fast the system answers, and which of its habits show: asked once, by reads alone.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use super::http::classify::inner_failure;
use super::http::reader::Reader;
use super::http::refusal::refusal;
use super::http::{Answer, Request};

/// Something that was looked at, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is.
    Ok,
    /// It will do, but somebody should know.
    Warning,
    /// It is not.
    Failed,
}

impl Finding {
    /// Something that is as it should be.
    pub fn ok(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            verdict: Verdict::Ok,
            detail: detail.into(),
            hint: None,
        }
    }

    /// Something that will do.
    pub fn warning(
        what: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            verdict: Verdict::Warning,
            hint: Some(hint.into()),
            ..Self::ok(what, detail)
        }
    }

    /// Something that is not as it should be.
    pub fn failed(
        what: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            verdict: Verdict::Failed,
            ..Self::warning(what, detail, hint)
        }
    }
}

/// How much a read is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing works without it.
    Always,
    /// Some mappings need it: which.
    For(&'static str),
}

/// Asks, and keeps what was seen.
pub(super) struct Examiner<'a> {
    reader: Reader<'a>,
    findings: Vec<Finding>,
    took: Vec<Duration>,
    limit: Option<String>,
}

impl<'a> Examiner<'a> {
    pub(super) fn new(reader: Reader<'a>) -> Self {
        Self {
            reader,
            findings: Vec::new(),
            took: Vec::new(),
            limit: None,
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Asks once; the body of a success, or what was said instead with its status.
    async fn ask(&mut self, request: Request<'_>) -> Result<Value, (Option<u16>, String)> {
        self.reader.permit.permit().await;
        let begun = Instant::now();
        let answer = self.reader.transport.send(&request).await;
        let answer = answer.map_err(|lost| (None, lost.message().to_owned()))?;
        self.took.push(begun.elapsed());
        self.limit = limits(&answer).or(self.limit.take());
        match (answer.status, answer.json()) {
            (200..300, Ok(body)) => match inner_failure(&body) {
                None => Ok(body),
                Some(status) => Err((
                    Some(status),
                    refusal(status, &answer, str::to_owned).message,
                )),
            },
            (200..300, Err(what)) => Err((Some(answer.status), format!("it answers with {what}"))),
            (status, _) => Err((
                Some(status),
                match answer.redirect_host() {
                    Some(host) => format!("it redirects to `{host}`"),
                    None => refusal(status, &answer, str::to_owned).message,
                },
            )),
        }
    }

    /// Reads something in the first of its spellings that the system knows, and tells whether the token may.
    pub(super) async fn may_read(
        &mut self,
        what: &str,
        spellings: &[Request<'_>],
        need: Need,
    ) -> Option<Value> {
        let mut said = (None, "it knows no such call".to_owned());
        for request in spellings {
            match self.ask(request.clone()).await {
                Ok(body) => {
                    let finding = Finding::ok(format!("read {what}"), request.name());
                    self.add(finding);
                    return Some(body);
                }
                // Another spelling may be known.
                Err(other @ (Some(400 | 404 | 405 | 410 | 501), _)) => said = other,
                Err(other) => {
                    said = other;
                    break;
                }
            }
        }
        let (status, message) = said;
        let detail = match status {
            Some(status) => format!("{status}: {message}"),
            None => message,
        };
        let what = format!("read {what}");
        let remedy = match status {
            Some(401 | 403) => "give the token's user the right to read it, or use another token",
            Some(429) => "it answers too fast to be asked more: lower `rate` in the profile",
            _ => "run it again; if it stays, ask the system's support with the request named here",
        };
        self.add(match need {
            Need::Always => Finding::failed(what, detail, remedy),
            Need::For(whom) => Finding::warning(what, detail, format!("{remedy}; {whom}")),
        });
        None
    }

    /// Asks for something that is only compared.
    pub(super) async fn peek(&mut self, request: Request<'_>) -> Option<Value> {
        self.ask(request).await.ok()
    }

    /// All that was seen, the times and limits at the end.
    pub(super) fn findings(mut self) -> Vec<Finding> {
        self.took.sort();
        if let (Some(median), Some(longest)) =
            (self.took.get(self.took.len() / 2), self.took.last())
        {
            let detail = format!(
                "{} ms, at most {} ms, in {} reads",
                median.as_millis(),
                longest.as_millis(),
                self.took.len()
            );
            self.findings.push(Finding::ok("latency", detail));
        }
        let limit = self.limit.unwrap_or_else(|| {
            "the answers tell none: runs find it, and `rate` in the profile holds it".to_owned()
        });
        self.findings.push(Finding::ok("limit", limit));
        self.findings
    }
}

/// What an answer says about the limit.
fn limits(answer: &Answer) -> Option<String> {
    let told = |name: &str| {
        let value = answer.headers.get(name)?.to_str().ok()?;
        Some(format!("{name}: {value}"))
    };
    let names = [
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "retry-after",
    ];
    let told: Vec<String> = names.into_iter().filter_map(told).collect();
    (!told.is_empty()).then(|| told.join(", "))
}
