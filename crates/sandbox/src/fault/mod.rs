//! Faults on request: by chance (`--fault`, repeatable by seed) or scripted, first in first out, per operation.
//!
//! A new fault is a variant of [`FaultKind`] with its name and form in [`FaultKind::ALL`]; what it reads from the
//! command line is in `spec`, whom it strikes in `draw`, and where it acts — before the write is committed or
//! after — in `server`.

mod draw;
mod spec;

use super::route::Access;
pub(super) use draw::{Faults, Script, Strike};
pub use spec::{FaultError, FaultSpec, FaultValue, Span};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FaultKind {
    /// The answer comes late.
    Latency,
    /// 429 without a word on how long.
    Status429,
    /// 429 with `Retry-After` in seconds.
    Status429RetryAfter,
    /// 429 with `Retry-After` as a date.
    Status429RetryDate,
    /// 429 with `X-RateLimit-*` alone.
    Status429RateLimit,
    /// A success with `X-RateLimit-Remaining: 0`; what comes before the reset gets 429.
    RateLimitSpent,
    /// 500, nothing committed.
    Status500,
    /// 502, nothing committed.
    Status502,
    /// 503, nothing committed.
    Status503,
    /// 504 after the write was committed.
    Status504,
    /// The connection is dropped and no new one is taken for a while; nothing committed.
    Refuse,
    /// The connection is dropped, nothing committed.
    ResetBeforeCommit,
    /// The connection is dropped after the write was committed.
    ResetAfterCommit,
    /// The write is committed and no answer ever comes.
    TimeoutAfterCommit,
    /// The connection is dropped, the write is committed some time later.
    LateCommit,
    /// The create is committed twice, and the connection is dropped.
    DoubleCommit,
    /// HTTP 200 with an error in its body, nothing committed.
    ErrorIn200,
    /// A success that warns: `Errors` in its body all the same.
    SoftErrors,
    /// HTTP 200 with a page of HTML, nothing committed.
    Html,
    /// The write is committed, the answer breaks off in the middle.
    Truncate,
    /// The write is committed, the answer comes in small pieces.
    Drip,
    /// What was created is shown by listings only some time later.
    Visibility,
    /// A page of a listing shows its first row twice.
    RepeatInSearch,
    /// Asked for one ticket, another one is answered.
    WrongId,
    /// The token is no longer good.
    RevokeAfter,
    /// The limit is lowered.
    RateAfter,
}

/// What a fault is told on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A probability.
    Chance,
    /// A probability and, where it is told, a time; else this one, in milliseconds.
    ChanceFor(u64),
    /// A time and, where it is told, a probability before it; else always.
    Time,
    /// A number of writes.
    After,
    /// A number of requests and a rate.
    AfterRate,
}

impl FaultKind {
    /// Every kind with its name.
    const ALL: [(Self, &'static str, Form); 26] = [
        (Self::Latency, "latency", Form::Time),
        (Self::Status429, "status-429", Form::Chance),
        (
            Self::Status429RetryAfter,
            "status-429-retry-after",
            Form::ChanceFor(1_000),
        ),
        (
            Self::Status429RetryDate,
            "status-429-retry-date",
            Form::ChanceFor(2_000),
        ),
        (
            Self::Status429RateLimit,
            "status-429-rate-limit",
            Form::ChanceFor(1_000),
        ),
        (
            Self::RateLimitSpent,
            "rate-limit-spent",
            Form::ChanceFor(1_000),
        ),
        (Self::Status500, "status-500", Form::Chance),
        (Self::Status502, "status-502", Form::Chance),
        (Self::Status503, "status-503", Form::Chance),
        (Self::Status504, "status-504", Form::Chance),
        (Self::Refuse, "refuse", Form::ChanceFor(500)),
        (Self::ResetBeforeCommit, "reset-before-commit", Form::Chance),
        (Self::ResetAfterCommit, "reset-after-commit", Form::Chance),
        (
            Self::TimeoutAfterCommit,
            "timeout-after-commit",
            Form::Chance,
        ),
        (Self::LateCommit, "late-commit", Form::Time),
        (Self::DoubleCommit, "double-commit", Form::Chance),
        (Self::ErrorIn200, "error-in-200", Form::Chance),
        (Self::SoftErrors, "soft-errors", Form::Chance),
        (Self::Html, "html", Form::Chance),
        (Self::Truncate, "truncate", Form::Chance),
        (Self::Drip, "drip", Form::ChanceFor(2_000)),
        (Self::Visibility, "visibility", Form::Time),
        (Self::RepeatInSearch, "repeat-in-search", Form::Chance),
        (Self::WrongId, "wrong-id", Form::Chance),
        (Self::RevokeAfter, "revoke-after", Form::After),
        (Self::RateAfter, "rate-after", Form::AfterRate),
    ];

    fn row(self) -> &'static (Self, &'static str, Form) {
        Self::ALL
            .iter()
            .find(|(kind, ..)| *kind == self)
            .expect("every kind stands in the table")
    }

    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// What it is told.
    pub(super) fn form(self) -> Form {
        self.row().2
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known, _)| *known == name)
            .map(|(kind, ..)| *kind)
    }

    /// The names of all kinds.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|(_, name, _)| *name)
    }

    /// Whether it can strike a request of this operation.
    pub(super) fn strikes(self, operation: &str, access: Access) -> bool {
        match self {
            Self::Latency => true,
            Self::RepeatInSearch => operation == "search",
            Self::WrongId => operation == "get",
            Self::Visibility => operation == "create",
            Self::DoubleCommit => access == Access::Create,
            _ => access != Access::Read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_name() {
        for name in FaultKind::names() {
            assert_eq!(FaultKind::parse(name).unwrap().as_str(), name);
        }
    }
}
