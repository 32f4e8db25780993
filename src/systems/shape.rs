//! The shapes of answers that say "not done", and which of them are proven.
//!
//! A status alone proves nothing: a proxy, a content filter or a gateway may answer 400, 404 or 429 for a request that
//! the system behind it obeys all the same. What proves is the *shape* of the answer: its status, the kind of its
//! content and the names of its members.
//!
//! | a shape counts as proven | until |
//! |---|---|
//! | when the system's contract documents it | a ticket turns up that it denied |
//! | when a deliberately invalid write was answered so (`doctor --write-probe`) | the same |
//! | after [`ENOUGH`] rows that were answered so were looked up and found absent | the same |
//!
//! Every [`SAMPLE`]th answer of a proven shape is looked up still. A shape that lost its proof gets it back by a probe
//! alone.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// After so many rows that were looked up and found absent a shape is proven.
pub const ENOUGH: u32 = 3;
/// Every so many answers of a proven shape one is looked up.
pub const SAMPLE: u64 = 50;
/// A body with more members than this is no error body that anybody documents.
const MOST_MEMBERS: usize = 24;

/// What the body of an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// A JSON object.
    Json,
    /// A web page.
    Html,
    /// Nothing.
    Empty,
    /// Anything else: text, a JSON list, a body that broke off.
    Other,
}

impl Content {
    fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
            Self::Empty => "empty",
            Self::Other => "other",
        }
    }
}

/// The shape of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The call that was answered, as the system names it: the same status means different things to different calls.
    pub call: String,
    /// The HTTP status.
    pub http: u16,
    /// The status that counts: that of the body where a success bears another one.
    pub status: u16,
    /// The kind of content.
    pub content: Content,
    /// The names of the outermost members, sorted; a status in the body that contradicts the HTTP status bears a `!`.
    pub members: Vec<String>,
}

impl Shape {
    /// Whether all of `required` are among the members, and nothing beyond them and `allowed`.
    pub fn has(&self, required: &[&str], allowed: &[&str]) -> bool {
        let known =
            |name: &String| required.contains(&name.as_str()) || allowed.contains(&name.as_str());
        self.content == Content::Json
            && self.members.iter().all(known)
            && required
                .iter()
                .all(|name| self.members.iter().any(|member| member == name))
    }

    /// The members as a shape keeps them: sorted, in plain letters, not too many.
    pub(crate) fn names<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
        let plain = |c: char| match c.is_ascii_alphanumeric() || "_-!$.".contains(c) {
            true => c,
            false => '?',
        };
        let mut names: Vec<String> = names
            .map(|name| name.chars().take(40).map(plain).collect())
            .collect();
        names.sort_unstable();
        if names.len() > MOST_MEMBERS {
            names.truncate(MOST_MEMBERS);
            names.push("?".to_owned());
        }
        names
    }

    /// How the answer is called where people read of it: `400 with JSON`.
    pub fn told(&self) -> String {
        let what = match self.content {
            Content::Json => "JSON",
            Content::Html => "a web page",
            Content::Empty => "no content",
            Content::Other => "a text",
        };
        format!("{} with {what}", self.status)
    }
}

impl fmt::Display for Shape {
    /// As the ledger keeps it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call.replace(' ', "_");
        write!(
            f,
            "{call} {}/{} {} {}",
            self.http,
            self.status,
            self.content.as_str(),
            self.members.join(",")
        )
    }
}

impl FromStr for Shape {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(4, ' ');
        let mut next = || parts.next().ok_or(());
        let call = next()?.to_owned();
        let (http, status) = next()?.split_once('/').ok_or(())?;
        let content = match next()? {
            "json" => Content::Json,
            "html" => Content::Html,
            "empty" => Content::Empty,
            _ => Content::Other,
        };
        let members = next()?.split(',').filter(|name| !name.is_empty());
        Ok(Self {
            call,
            http: http.parse().map_err(drop)?,
            status: status.parse().map_err(drop)?,
            content,
            members: members.map(str::to_owned).collect(),
        })
    }
}

/// What is known of a shape at one tenant. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// How many rows that were answered so were looked up and found absent.
    pub absent: u32,
    /// How many answers of it there were while it was proven.
    pub seen: u64,
    /// Whether a deliberately invalid write was answered so.
    pub probed: bool,
    /// Whether a ticket turned up that it denied.
    pub lost: bool,
}

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It says what happened.
    Proven,
    /// The same, and yet this one is looked up.
    Sampled,
    /// It proves nothing: the row is looked up.
    Unproven,
}

/// The shapes that count at one tenant; shared by all requests of a connection.
#[derive(Debug)]
pub struct Shapes {
    contract: fn(&Shape) -> bool,
    known: Mutex<HashMap<String, Known>>,
}

impl Shapes {
    /// Those of a system whose contract proves what `contract` says.
    pub fn new(contract: fn(&Shape) -> bool) -> Self {
        Self {
            contract,
            known: Mutex::default(),
        }
    }

    /// Takes over what the ledger knows.
    pub fn load(&self, known: impl IntoIterator<Item = (String, Known)>) {
        self.lock().extend(known);
    }

    /// What is known of the shape of that name.
    pub fn known(&self, shape: &str) -> Known {
        self.lock().get(shape).copied().unwrap_or_default()
    }

    /// Whether an answer of this shape says what happened. Counts nothing.
    pub fn is_proven(&self, shape: &Shape) -> bool {
        self.proves(&self.known(&shape.to_string()), shape)
    }

    /// The same for a shape as the ledger keeps it.
    pub fn is_proven_by_name(&self, shape: &str) -> bool {
        shape.parse().is_ok_and(|shape| self.is_proven(&shape))
    }

    fn proves(&self, known: &Known, shape: &Shape) -> bool {
        !known.lost && (known.probed || known.absent >= ENOUGH || (self.contract)(shape))
    }

    /// Weighs an answer, and counts it.
    pub fn weigh(&self, shape: &Shape) -> Worth {
        let name = shape.to_string();
        let mut all = self.lock();
        let known = all.entry(name).or_default();
        if !self.proves(known, shape) {
            return Worth::Unproven;
        }
        known.seen += 1;
        match known.seen % SAMPLE {
            0 => Worth::Sampled,
            _ => Worth::Proven,
        }
    }

    /// A row that was answered so was looked up and found absent, with a witness.
    pub fn was_absent(&self, shape: &str) -> Known {
        let mut all = self.lock();
        let known = all.entry(shape.to_owned()).or_default();
        known.absent = known.absent.saturating_add(1);
        *known
    }

    /// A ticket turned up that such an answer denied. Returns whether the shape was proven until now.
    pub fn was_present(&self, shape: &str) -> bool {
        let was_proven = self.is_proven_by_name(shape);
        let mut all = self.lock();
        let known = all.entry(shape.to_owned()).or_default();
        *known = Known {
            lost: true,
            ..Known::default()
        };
        was_proven
    }

    /// The shapes that are not believed any more.
    pub fn lost(&self) -> Vec<String> {
        let all = self.lock();
        let lost = all.iter().filter(|(_, known)| known.lost);
        lost.map(|(shape, _)| shape.clone()).collect()
    }

    /// A deliberately invalid write was answered so, and nothing came of it.
    pub fn was_probed(&self, shape: &str) -> Known {
        let mut all = self.lock();
        let known = all.entry(shape.to_owned()).or_default();
        known.probed = true;
        known.lost = false;
        *known
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(status: u16, content: Content, members: &[&str]) -> Shape {
        Shape {
            call: "create".to_owned(),
            http: status,
            status,
            content,
            members: Shape::names(members.iter().copied()),
        }
    }

    #[test]
    fn a_shape_is_kept_as_text_and_read_again() {
        for shape in [
            shape(400, Content::Json, &["StatusCode", "Message"]),
            shape(302, Content::Html, &[]),
            shape(429, Content::Empty, &["weird name, here"]),
            Shape {
                http: 200,
                ..shape(400, Content::Json, &["IsSuccess"])
            },
        ] {
            assert_eq!(shape.to_string().parse(), Ok(shape));
        }
    }

    #[test]
    fn a_shape_is_proven_after_three_rows_and_every_fiftieth_is_looked_up() {
        let shapes = Shapes::new(|_| false);
        let page = shape(404, Content::Html, &[]);
        for _ in 0..ENOUGH {
            assert_eq!(shapes.weigh(&page), Worth::Unproven);
            shapes.was_absent(&page.to_string());
        }
        let worths: Vec<Worth> = (0..100).map(|_| shapes.weigh(&page)).collect();
        let sampled = |worth: &&Worth| **worth == Worth::Sampled;
        assert_eq!(worths.iter().filter(sampled).count(), 2);
        assert!(!worths.contains(&Worth::Unproven));
        // Another status of the same page is another shape.
        assert!(!shapes.is_proven(&shape(400, Content::Html, &[])));
    }

    #[test]
    fn what_turned_up_takes_the_proof_for_good() {
        let shapes = Shapes::new(|_| true);
        let refusal = shape(400, Content::Json, &["Message"]);
        assert_eq!(shapes.weigh(&refusal), Worth::Proven);
        assert!(shapes.was_present(&refusal.to_string()));
        for _ in 0..2 * ENOUGH {
            shapes.was_absent(&refusal.to_string());
            assert_eq!(shapes.weigh(&refusal), Worth::Unproven);
        }
        assert!(!shapes.was_present(&refusal.to_string()));
        shapes.was_probed(&refusal.to_string());
        assert!(shapes.is_proven(&refusal));
    }
}
