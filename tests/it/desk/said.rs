//! What the program said: of each row, of duplicates, by its exit codes.

use std::collections::BTreeMap;

use serde_json::Value;

/// What was said of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Claim {
    /// This is its ticket, and nothing is left to do.
    Done(String),
    /// This is its ticket, and something of it was refused.
    Incomplete(String),
    /// Nothing was made.
    Rejected(String),
    InDoubt(String),
    NotSent,
    /// A person said so, or the mapping.
    Skipped,
}

impl Claim {
    fn of(line: &Value) -> Self {
        let id = line["id"].as_str().map(str::to_owned);
        match (line["state"].as_str().unwrap_or_default(), id) {
            ("incomplete", Some(id)) => Self::Incomplete(id),
            (_, Some(id)) => Self::Done(id),
            ("rejected", None) => Self::Rejected(line["faults"].to_string()),
            ("in doubt", None) => Self::InDoubt(line["reason"].to_string()),
            ("not sent", None) => Self::NotSent,
            _ => Self::Skipped,
        }
    }

    /// The ticket that was named.
    pub(super) fn ticket(&self) -> Option<&str> {
        match self {
            Self::Done(id) | Self::Incomplete(id) => Some(id),
            _ => None,
        }
    }
}

/// One command and what came of it.
#[derive(Debug, Default)]
pub(super) struct Command {
    /// What was typed, or what happened.
    pub(super) line: String,
    /// `None`: it was killed.
    pub(super) code: Option<i32>,
    pub(super) killed: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// In seconds of our clock.
    pub(super) started: f64,
    pub(super) ended: f64,
    /// By the key of the row.
    pub(super) claims: BTreeMap<String, Vec<Claim>>,
    /// Whether it left outcomes of every row.
    pub(super) has_outcomes: bool,
}

impl Command {
    /// Its document, where it printed one.
    pub(super) fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_default()
    }

    /// Takes the outcomes in.
    pub(super) fn read_outcomes(&mut self, text: &str) {
        self.has_outcomes = true;
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let key = line["key"].as_str().unwrap_or_default().to_owned();
            self.claims.entry(key).or_default().push(Claim::of(&line));
        }
    }

    /// Whether it ended because the ledger has to be rebuilt first.
    pub(super) fn wants_adopt(&self) -> bool {
        matches!(self.code, Some(2 | 4)) && self.stderr.contains("runs adopt")
    }

    /// Whether its last look told people that a ticket which it has named is another row's.
    pub(super) fn took_back(&self, key: &str, number: &str) -> bool {
        let note = format!("row `{key}`: its ticket `{number}` bears the reference of another row");
        self.texts().iter().any(|text| text.contains(&note))
    }

    /// What it said to people, line by line, and the texts of its document.
    pub(super) fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = self.stderr.lines().map(str::to_owned).collect();
        let document = self.document();
        for name in ["notes", "doubts", "warnings"] {
            let list = document[name].as_array();
            texts.extend(list.into_iter().flatten().map(Value::to_string));
        }
        for double in document["doubles"].as_array().into_iter().flatten() {
            texts.push(format!("duplicate {double}"));
        }
        for claims in self.claims.values() {
            texts.extend(claims.iter().filter_map(|claim| match claim {
                Claim::InDoubt(reason) => Some(format!("in doubt {reason}")),
                _ => None,
            }));
        }
        texts
    }
}

/// Words by which a text says that there is a ticket too many.
const DUPLICATE: [&str; 7] = [
    "more than once",
    "too many",
    "duplicate",
    "twice",
    "beside",
    "in doubt",
    "also bears",
];

/// Whether a text tells of a duplicate, and not just of a ticket.
pub(super) fn tells_of_duplicate(text: &str) -> bool {
    DUPLICATE.iter().any(|word| text.contains(word)) && !text.contains(" made from ")
}
