//! The desk's books: what was really made, by the row that it was made from.

use serde_json::Value;

use super::plan::Speech;

/// Said by a rollback where it cannot delete.
const TAKEN_BACK: &str = "Taken back by Deskferry";

/// A comment as the desk got it.
#[derive(Debug)]
pub(super) struct Comment {
    /// The row and the number of the note within it; `None` for others.
    pub(super) note: Option<(usize, usize)>,
}

/// A ticket as the desk has it.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) number: String,
    /// The row that it was made from; `None`: by somebody else.
    pub(super) item: Option<usize>,
    /// When it was really made, in seconds.
    pub(super) at: f64,
    pub(super) title: String,
    pub(super) comments: Vec<Comment>,
    /// When it was closed or deleted by a rollback or a person.
    pub(super) gone_at: Option<f64>,
    /// How often it was closed, not by a rollback.
    pub(super) closed: u64,
    /// The whole entry.
    pub(super) entry: Value,
}

impl Made {
    fn new(entry: &Value) -> Self {
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let comments: Vec<&Value> = entry["comments"].as_array().into_iter().flatten().collect();
        let said = |comment: &Value| {
            comment["text_as_sent"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let taken_back = comments
            .iter()
            .find(|comment| said(comment).contains(TAKEN_BACK));
        let deleted = entry["deletions"].as_array().and_then(|list| list.last());
        let last_closed = || {
            let changes = entry["status_changes"].as_array().into_iter().flatten();
            let mut closing = changes.filter(|change| change["closing"] == true);
            closing.next_back().and_then(|change| change["at"].as_f64())
        };
        let is_closed = matches!(entry["status"].as_str(), Some("closed" | "solved"));
        let gone_at = match entry["deleted"].as_bool() {
            Some(true) => deleted.and_then(|last| last["at"].as_f64()),
            // The note alone closes nothing.
            _ => taken_back
                .filter(|_| is_closed)
                .and_then(|comment| comment["at"].as_f64())
                .map(|noted| last_closed().unwrap_or(noted).max(noted)),
        };
        let closed = entry["closed_count"].as_u64().unwrap_or(0);
        Self {
            id: text("id").to_owned(),
            number: text("number").to_owned(),
            item: token(text("description_as_sent"), "(item ").map(|(item, _)| item),
            at: entry["at"].as_f64().unwrap_or(0.0),
            title: text("title_now").to_owned(),
            comments: comments
                .iter()
                .map(|comment| Comment {
                    note: token(&said(comment), "(note ")
                        .and_then(|(item, note)| Some((item, note?))),
                })
                .collect(),
            gone_at,
            // What a rollback did to it afterwards is its own affair.
            closed: match gone_at {
                Some(_) => closed.min(1),
                None => closed,
            },
            entry: entry.clone(),
        }
    }

    /// Whether a text names it.
    pub(super) fn is_named(&self, text: &str) -> bool {
        words(text).any(|word| self.is(word) || word == self.number)
    }

    /// Whether this is its id, in whatever form.
    pub(super) fn is(&self, id: &str) -> bool {
        plain(id) == plain(&self.id)
    }
}

/// An id without what its forms differ by.
pub(super) fn plain(id: &str) -> String {
    let id = id.to_ascii_lowercase();
    id.trim_start_matches("req_").to_owned()
}

/// Words as ids and numbers are.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))
}

/// The numbers of `(item 17)` or `(note 17.2)`.
fn token(text: &str, label: &str) -> Option<(usize, Option<usize>)> {
    let (_, rest) = text.split_once(label)?;
    let (inside, _) = rest.split_once(')')?;
    match inside.split_once('.') {
        Some((item, note)) => Some((item.parse().ok()?, note.parse().ok())),
        None => Some((inside.parse().ok()?, None)),
    }
}

/// What the desk has of one system.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) tickets: Vec<Made>,
    /// Misbehaviours, as the desk tells them.
    pub(super) chaos: Vec<Value>,
}

impl Books {
    pub(super) fn read(books: &Value, speech: Speech) -> Self {
        let of = |list: &str| books[list].as_array().cloned().unwrap_or_default();
        let ours = of("tickets")
            .into_iter()
            .filter(|entry| entry["system"] == speech.system());
        Self {
            tickets: ours.map(|entry| Made::new(&entry)).collect(),
            chaos: of("chaos"),
        }
    }

    /// The tickets of a row that are there, oldest first.
    pub(super) fn live(&self, item: usize) -> Vec<&Made> {
        let mut live: Vec<&Made> = self
            .tickets
            .iter()
            .filter(|made| made.item == Some(item) && made.gone_at.is_none())
            .collect();
        live.sort_by(|one, other| one.at.total_cmp(&other.at));
        live
    }

    /// Whether the desk refused the create of a ticket in the shape of the contract, and made it: a named assumption is
    /// broken, so that its row may be called rejected.
    pub(super) fn is_denied(&self, made: &Made) -> bool {
        self.chaos.iter().any(|strike| {
            let detail = &strike["detail"];
            let mut tickets = strike["tickets"].as_array().into_iter().flatten();
            strike["name"] == "commit-then"
                && strike["kind"] == "create"
                && strike["system"] == "incidentiq"
                && detail["shape"] == "json"
                && matches!(detail["status"].as_u64(), Some(400..500))
                && tickets.any(|id| id.as_str().is_some_and(|id| made.is(id)))
        })
    }

    /// Whether the desk answered a later create with that ticket.
    pub(super) fn is_replayed(&self, made: &Made) -> bool {
        self.chaos.iter().any(|strike| {
            let answered = strike["detail"]["answered"].as_str();
            strike["name"] == "replay-answer" && answered.is_some_and(|id| made.is(id))
        })
    }

    /// How often the desk refused a step on the ticket in the shape of the contract, with a status that `fits`, and obeyed
    /// it: the same assumption is broken.
    pub(super) fn denials(&self, made: &Made, kinds: &[&str], fits: fn(u64) -> bool) -> usize {
        let denied = |strike: &&Value| {
            let detail = &strike["detail"];
            let mut tickets = strike["tickets"].as_array().into_iter().flatten();
            strike["name"] == "commit-then"
                && strike["kind"]
                    .as_str()
                    .is_some_and(|kind| kinds.contains(&kind))
                && detail["shape"] == "json"
                && detail["status"].as_u64().is_some_and(fits)
                && tickets.any(|id| id.as_str().is_some_and(|id| made.is(id)))
        };
        self.chaos.iter().filter(denied).count()
    }

    /// Whether the desk said meanwhile that there is no ticket at all.
    pub(super) fn is_blank(&self, from: f64, to: f64) -> bool {
        self.chaos.iter().any(|strike| {
            let at = strike["at"].as_f64().unwrap_or_default();
            strike["name"] == "empty-page"
                && strike["kind"] == "list"
                && (from..=to).contains(&at)
                && strike["value"]
                    .as_str()
                    .is_some_and(|it| it.ends_with(":all"))
        })
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Made> {
        self.tickets.iter().find(|made| made.is(id))
    }
}
