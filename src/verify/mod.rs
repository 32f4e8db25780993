//! A run read back: what each of its rows says should be there, against what the system shows.
//!
//! ```text
//! inputs ─▶ items ─▶ ledger ─▶ what is due ─▶ the ticket, read back ─▶ differences ─▶ report
//!           twice    states    (mapping)      (limiter)                  explained     page, CSV, JSON
//!                                             └ one listing: duplicates, and what is not there
//! ```
//!
//! - What should be there is made by the very mapping that made the requests; what it sends as text is compared as it was
//!   sent, all else after the documented conversion (names to ids, HTML to text, the reference taken off).
//! - Every record of the input ends as something: its ticket is equal, differs, is missing or cannot be read; or the
//!   record made none, and why.
//! - A difference is *open* until something explains it: the mapping leaves the row out, the system does not show the
//!   field, or somebody has changed the ticket since. Texts, their order and what is missing are never explained away.
//! - Every column of the input is accounted for, also those that nobody mapped ([`Account`]).
//! - Which tickets a sample takes follows from its seed and their keys alone ([`Choice`]).
//!
//! Nothing here prints, and nothing writes to the system.

mod account;
mod conversation;
mod count;
mod digest;
mod extra;
mod files;
mod fold;
mod json;
mod month;
mod page;
mod pass;
mod read;
mod sample;
mod table;
mod talk;
mod text;
mod ticket;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::record::{Place, RowKey};
use crate::systems::Ticket;

pub use account::{Account, Accounts};
pub use count::{Count, Dimension};
pub use digest::{Digests, Two};
pub use json::document;
pub use page::write as write_page;
pub use pass::{Job, Records, Source, verify};
pub use sample::{Choice, Confidence, FULL_UP_TO, SAMPLE, size_of};
pub use table::write as write_table;

/// How something differs from what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is not there.
    Missing,
    /// It is there, and nobody sent it: a second ticket of a row, or a comment.
    Extra,
    /// It shows something else.
    Differs,
    /// It is in another place of the conversation.
    OutOfOrder,
    /// Nobody can read it.
    Unreadable,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Missing,
        Self::Extra,
        Self::Differs,
        Self::OutOfOrder,
        Self::Unreadable,
    ];

    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Differs => "differs",
            Self::OutOfOrder => "out of order",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How.
    pub verdict: Verdict,
    /// What of the ticket: `ticket`, `title`, `comment 3`, `custom.Plan`.
    pub what: String,
    /// What is due.
    pub expected: Option<String>,
    /// What is shown.
    pub found: Option<String>,
    /// What else is known about it.
    pub note: Option<String>,
    /// Why it is no fault; `None`: it is open.
    pub explained: Option<String>,
}

impl Difference {
    fn new(verdict: Verdict, what: impl Into<String>) -> Self {
        Self {
            verdict,
            what: what.into(),
            expected: None,
            found: None,
            note: None,
            explained: None,
        }
    }

    fn expected(self, expected: impl Into<Option<String>>) -> Self {
        Self {
            expected: expected.into(),
            ..self
        }
    }

    fn found(self, found: impl Into<Option<String>>) -> Self {
        Self {
            found: found.into(),
            ..self
        }
    }

    fn note(self, note: impl Into<Option<String>>) -> Self {
        Self {
            note: note.into(),
            ..self
        }
    }

    fn explained(self, why: impl Into<String>) -> Self {
        Self {
            explained: Some(why.into()),
            ..self
        }
    }

    /// Whether nothing explains it.
    pub fn is_open(&self) -> bool {
        self.explained.is_none()
    }
}

/// A difference with the row and the ticket that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where the row stands; `None`: no row of the input is meant.
    pub place: Option<Place>,
    /// Its key, where it has one.
    pub key: Option<RowKey>,
    /// Its ticket, where it has one.
    pub ticket: Option<Ticket>,
    /// What differs.
    pub difference: Difference,
}

/// What became of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Records of the inputs, after `where` and grouping.
    pub records: u64,
    /// Rows that `where` or the selection left out.
    pub left_out: u64,
    /// Records that have a ticket by the ledger.
    pub with_ticket: u64,
    /// Records without a ticket.
    pub without_ticket: u64,
    /// Tickets that were read back and compared, the sample where one was taken.
    pub compared: u64,
    /// Of these, those that show what is due.
    pub equal: u64,
    /// Of these, those of which every difference is explained.
    pub explained: u64,
    /// Of these, those with an open difference.
    pub differing: u64,
    /// Comments that were compared.
    pub comments: u64,
    /// Differences that are open, whichever ticket they are about.
    pub open: u64,
}

/// A field that the system showed on no ticket, or not readably: what it should hold was not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCompared {
    /// The field.
    pub field: String,
    /// Why.
    pub why: String,
    /// On how many tickets something was due there.
    pub tickets: u64,
}

/// What looking for second tickets of the rows came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// All tickets made since the run began were listed: so many.
    Whole(u64),
    /// The list may lack tickets: why.
    Partial(String),
    /// It was not looked for: why.
    NotDone(String),
}

/// What a run is, as far as the report says it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct About {
    /// Its code.
    pub run: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended, where that is known.
    pub ended: Option<Timestamp>,
    /// When it was read back.
    pub verified: Timestamp,
    /// The inputs.
    pub inputs: Vec<String>,
    /// The mapping.
    pub mapping: String,
    /// The scope.
    pub scope: String,
    /// The system.
    pub system: String,
    /// The tenant.
    pub tenant: String,
    /// Who read it, where the system says so.
    pub user: Option<String>,
    /// The version of this program.
    pub program: String,
}

/// What came of reading a run back.
#[derive(Debug, Clone)]
pub struct Report {
    /// The run.
    pub about: About,
    /// The sums.
    pub tally: Tally,
    /// The differences, in the order of the input.
    pub findings: Vec<Finding>,
    /// Fields that were not compared.
    pub not_compared: Vec<NotCompared>,
    /// What became of each column.
    pub accounts: Vec<Account>,
    /// Tickets by status, month, location, assignee and tag on both sides.
    pub counts: Vec<Count>,
    /// Whether second tickets were looked for.
    pub search: Search,
    /// What a sample says about all; `None`: all were compared.
    pub confidence: Option<Confidence>,
    /// How the tickets were chosen.
    pub choice: Choice,
    /// The digests by which it can be checked later.
    pub digests: Digests,
    /// What a reader must know.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether a person has to look: a difference is open, columns with data are in no ticket, or second tickets were not
    /// ruled out.
    pub fn is_open(&self) -> bool {
        self.tally.open > 0 || self.lost() > 0 || matches!(self.search, Search::Partial(_))
    }

    /// How many columns, and members of items, have data that is in no ticket and was not given up.
    pub fn lost(&self) -> u64 {
        self.accounts.iter().filter(|it| it.is_lost()).count() as u64
    }

    /// How many differences are open and explained, by how they differ.
    pub fn sums(&self) -> BTreeMap<Verdict, (u64, u64)> {
        let mut sums = BTreeMap::new();
        for finding in &self.findings {
            let sum: &mut (u64, u64) = sums.entry(finding.difference.verdict).or_default();
            match finding.difference.is_open() {
                true => sum.0 += 1,
                false => sum.1 += 1,
            }
        }
        sums
    }
}

impl Finding {
    /// The finding on one line.
    pub fn line(&self) -> String {
        let difference = &self.difference;
        let mut line = match (&self.place, &self.key) {
            (Some(place), _) => format!("row {}", place.row),
            (None, Some(key)) => format!("key `{key}`"),
            (None, None) => String::new(),
        };
        if let Some(ticket) = &self.ticket {
            let name = ticket.number.as_ref().unwrap_or(&ticket.id);
            line.push_str(&format!(", ticket {name}"));
        }
        let verdict = difference.verdict.as_str();
        line.push_str(&format!(": {} {verdict}", difference.what));
        let parts = [
            ("expected", &difference.expected),
            ("found", &difference.found),
        ];
        for (word, text) in parts {
            if let Some(text) = text {
                line.push_str(&format!(", {word} `{text}`"));
            }
        }
        if let Some(note) = &difference.note {
            line.push_str(&format!(" ({note})"));
        }
        line
    }
}

/// What the whole comes to for people: the sentence of a sample, where one was taken, and whether something is open.
pub fn sentence(report: &Report) -> impl Iterator<Item = String> {
    let sample = report.confidence.as_ref().map(page::speaks);
    let seed = match report.choice {
        Choice::Full => None,
        Choice::Sample { seed, .. } => Some(format!("the seed {seed} chose the sample")),
    };
    sample
        .into_iter()
        .chain(seed)
        .chain([page::verdict(report)])
}
