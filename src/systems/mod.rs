//! The systems behind one trait: everything above this module speaks of *a system*, never of which.
//!
//! A system has two sides. Its [`Schema`] needs no connection: the fields of each operation and how checked
//! values become the request bodies of a row. A [`System`] is a signed-in connection that performs those
//! requests, loads the directory and lists what was created. Neither retries, sleeps or limits: that is the
//! run's business.

pub mod attach;
pub mod bulk;
pub mod clearfeed;
pub mod common;
mod connection;
pub mod diff;
pub mod examine;
pub mod fields;
mod given;
mod http;
pub mod incidentiq;
#[cfg(test)]
mod listing_tests;
mod looks;
pub mod page;
pub mod query;
mod rights;
#[cfg(test)]
mod sandbox_tests;
pub mod shape;
pub(crate) mod sighting;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tie;
mod times;
mod whole;
pub mod worded;

use std::borrow::Cow;
use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::directory::{CustomField, Entry, Needs, Snapshot};
use crate::error::{Error, Fault, Result};
use attach::{ATTACH, FileFacts, FileRules, Hanging, TakeBytes, Unread};
use bulk::{Bulk, BulkCall};
use common::CommonTicket;
use examine::Finding;
use fields::{FieldTable, FieldValue};
use page::{Axis, PageAsk, TicketPage};
use query::{Query, SearchEnd};
use shape::{Shape, Shapes};

pub use connection::{COMMIT_WITHIN, Connection, addresses, reach, sign_in};
pub(crate) use http::fetch;
pub use http::route::{Hop, Route};
pub use http::{NO_HANDLES, is_loopback};
pub use looks::{INTERNAL, KIND, Looks, PUBLIC, Print, Relation, TITLE, text_print, words};
pub use rights::{right_of, without_right};
pub use times::SentAt;
pub(crate) use times::{SLACK, Times, ours_beside, surely_now};
pub use whole::{Gap, ListingEnd};
pub(crate) use whole::{Seen, Verdict};

/// The systems there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SystemName {
    /// IncidentIQ.
    IncidentIq,
    /// ClearFeed.
    ClearFeed,
}

impl SystemName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::IncidentIq, Self::ClearFeed];

    /// The word that mappings and profiles use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IncidentIq => "incidentiq",
            Self::ClearFeed => "clearfeed",
        }
    }

    /// Its spellings, in the order in which they are tried.
    pub fn dialects(self) -> &'static [Dialect] {
        match self {
            Self::IncidentIq => &[Dialect::Only],
            Self::ClearFeed => &[Dialect::V1, Dialect::Rest],
        }
    }

    /// The system of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == word)
    }
}

impl fmt::Display for SystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One of a system's API spellings; a system with one spelling has [`Dialect::Only`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The system's one spelling.
    Only,
    /// ClearFeed's `v1`.
    V1,
    /// ClearFeed's `rest`.
    Rest,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Only => "only",
            Self::V1 => "v1",
            Self::Rest => "rest",
        })
    }
}

/// What a mapping does with each record, and what `deskferry ticket` does with one ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Makes a new ticket.
    #[default]
    Create,
    /// Changes fields of a ticket; what is not named stays.
    Update,
    /// Makes a new ticket, or updates the one that was made under the row's key.
    Upsert,
    /// Adds a comment or an internal note.
    Comment,
    /// Gives it to a person or a team, or takes it away from them.
    Assign,
    /// Moves it to a status.
    SetStatus,
    /// Closes it.
    Close,
    /// Deletes it.
    Delete,
    /// Adds a subtask.
    Subtask,
    /// Hangs a file on it.
    Attach,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Create,
        Self::Update,
        Self::Upsert,
        Self::Comment,
        Self::Assign,
        Self::SetStatus,
        Self::Close,
        Self::Delete,
        Self::Subtask,
        Self::Attach,
    ];

    /// The word that mappings use, which is also the name of its first step in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => CREATE,
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Comment => "comment",
            Self::Assign => "assign",
            Self::SetStatus => "set_status",
            Self::Close => "close",
            Self::Delete => "delete",
            Self::Subtask => "subtask",
            Self::Attach => ATTACH,
        }
    }

    /// Whether its rows make tickets of their own.
    pub fn makes(self) -> bool {
        matches!(self, Self::Create | Self::Upsert)
    }

    /// What a ticket is when it has been done, for summaries; of an upsert, when it made one.
    pub fn done(self) -> &'static str {
        match self {
            Self::Create | Self::Upsert => "created",
            Self::Update => "updated",
            Self::Comment => "commented",
            Self::Assign => "assigned",
            Self::SetStatus => "moved",
            Self::Close => "closed",
            Self::Delete => "deleted",
            Self::Subtask => "extended",
            Self::Attach => "attached",
        }
    }

    /// What is done to a ticket, as a verb for sentences: `about to move 3 tickets`.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Upsert => "create or update",
            Self::Comment => "comment on",
            Self::SetStatus => "move",
            Self::Subtask => "extend",
            Self::Attach => "attach files to",
            other => other.as_str(),
        }
    }

    /// The operation of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str() == word)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the note begins that a rollback leaves on a ticket which it can only close.
pub const TAKEN_BACK: &str = "Taken back by Deskferry";

/// The first step of a row that creates a ticket.
pub const CREATE: &str = "create";

/// So far ahead of every clock a list looks: some date tickets ahead of what they say the time is.
pub(crate) const FAR_AHEAD: SignedDuration = SignedDuration::from_hours(24 * 366);

/// The call that a step of the ledger makes: what follows a row's own operation (`[[then]]`) bears its place before the
/// name of the call (`then-2/comment`), so that two of one kind are told apart.
pub fn call_of(step: &str) -> &str {
    step.rsplit_once('/').map_or(step, |(_, call)| call)
}

/// What an upsert sets on a ticket that it made before bears this before the name of the call: the create may set the
/// same by a call of the same name.
const AGAIN: &str = "update/";

/// The step of an upsert that makes this call on a ticket that is there.
pub fn update_step(call: &str) -> String {
    format!("{AGAIN}{call}")
}

/// Whether a step is one of [`update_step`].
pub fn is_update_step(step: &str) -> bool {
    step.starts_with(AGAIN)
}

/// The step of a row that ties its ticket to another one by this call, when both are made.
pub(crate) fn tie_step(call: &str) -> String {
    format!("tie/{call}")
}

/// Whether a step is what follows on a ticket.
pub fn is_following_step(step: &str) -> bool {
    !is_own_step(step) && !is_update_step(step)
}

/// Whether a step belongs to the making of a ticket: neither what an upsert sets later nor what follows.
pub fn is_own_step(step: &str) -> bool {
    !step.contains('/')
}

/// One request of a row, composed but not sent: the same bytes in a dry run and a real one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPayload {
    /// The step's name in the ledger: [`CREATE`], or the name that the system gives it.
    pub step: Cow<'static, str>,
    /// Which of several under one step, from 0.
    pub ordinal: u32,
    /// The JSON body.
    pub body: Value,
}

/// What a system is without a connection.
pub trait Schema: fmt::Debug + Send + Sync {
    /// Which system.
    fn system(&self) -> SystemName;

    /// Which spelling.
    fn dialect(&self) -> Dialect;

    /// The fields of an operation.
    ///
    /// # Errors
    /// Why the system has no such operation, and what people do instead.
    fn fields(&self, operation: Operation) -> std::result::Result<&FieldTable, &'static str>;

    /// The fields of a create, which every system has.
    fn create(&self) -> &FieldTable;

    /// Turns the checked values of one record into its requests, the operation's own first. `notify` is false
    /// when the system's switches against e-mail, notifications and rules are to be set. An upsert is composed as a
    /// create and as an update.
    ///
    /// # Errors
    /// What this system cannot hold although each value is right by itself, as (field, message).
    fn compose(
        &self,
        operation: Operation,
        values: Vec<FieldValue>,
        notify: bool,
    ) -> std::result::Result<Vec<StepPayload>, Vec<(String, String)>>;

    /// What no switch silences, for the warning before the first write (`None`: all is silent).
    fn cannot_silence(&self) -> Option<&'static str>;

    /// What a request of this kind sets off in any case, in a few words (`fires the tenant's rules`); `None`: nothing.
    fn sets_off(&self, call: &str) -> Option<&'static str> {
        let _ = call;
        None
    }

    /// For what reasons it may refuse what these steps send although all that a client can know is right.
    fn unforeseen(&self, steps: &[&str]) -> Vec<&'static str>;

    /// The state in which the requests of a new ticket leave it.
    fn leaves<'s>(&self, steps: &'s [StepPayload]) -> Left<'s> {
        let closes = |step: &StepPayload| call_of(&step.step) == Operation::Close.as_str();
        match steps.iter().any(closes) {
            true => Left::Closed,
            false => Left::Open,
        }
    }

    /// Whether a call may be sent again without looking (it sets what it sets, however often).
    fn is_repeatable(&self, call: &str) -> bool;

    /// What can be done to many tickets by one request; `None`: nothing.
    fn bulk(&self) -> Option<Bulk> {
        None
    }

    /// The request for many tickets ([`System::perform_bulk`]) that can stand for this call, by a name of its own: calls
    /// of the same name and the same body can go together. `None`: the call goes alone.
    fn bulk_call(&self, call: &str, body: &Value) -> Option<&'static str> {
        let _ = (call, body);
        None
    }

    /// What it takes of files; `None`: no call takes one.
    fn files(&self) -> Option<FileRules> {
        None
    }

    /// What hangs on a ticket beyond the common ticket and can be read with it, by the words that people use.
    fn parts(&self) -> &'static [&'static str] {
        &[]
    }

    /// What listings call a custom field: [`Listed::custom`].
    fn custom_key<'f>(&self, field: &'f CustomField) -> &'f str {
        &field.id
    }

    /// How what a call makes will look when it is listed; of calls that make nothing: nothing.
    fn looks(&self, call: &str, body: &Value) -> Looks {
        let _ = (call, body);
        Looks::default()
    }

    /// The one spelling of a ticket's id by which ids are compared and stored.
    fn ticket_id(&self, id: &str) -> String {
        id.to_owned()
    }

    /// Every spelling of that id under which an older ledger may hold it, the canonical one first.
    fn spellings(&self, id: &str) -> Vec<String> {
        vec![self.ticket_id(id)]
    }

    /// A create that no system may obey, by which a probe learns how it refuses. It bears a title and a text, so that
    /// what is made of it all the same is found again.
    fn invalid_create(&self, title: &str, text: &str) -> Value;

    /// The collection or product that a composed create goes to, comparable with [`Listed::group`].
    fn group(&self, body: &Value) -> String {
        let _ = body;
        String::new()
    }
}

/// The state in which requests leave a new ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left<'s> {
    /// As the system makes it.
    Open,
    /// Closed.
    Closed,
    /// In a state that the system calls so.
    State(&'s str),
    /// In the status of the directory that has this id.
    Status(&'s str),
}

/// Who we are after signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The tenant: IncidentIQ's site id, ClearFeed's `tenant` of the profile; in a sandbox its instance id
    /// (told by the sandbox in the response header `x-deskferry-sandbox`, believed on loopback only).
    pub tenant: String,
    /// As whom, for people (a name or an e-mail address), where the system tells it.
    pub user: Option<String>,
    /// The spelling that answered.
    pub dialect: Dialect,
    /// The server's clock less ours, from its `Date` header.
    pub clock_offset: SignedDuration,
}

/// A ticket as an answer names it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ticket {
    /// The id that further calls take.
    pub id: String,
    /// The number that people use, where there is one.
    pub number: Option<String>,
    /// Where a browser shows it.
    pub url: Option<String>,
    /// Soft warnings of a success (contract incidentiq §2, `Errors` on a success).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The answer to one request, classified. What to do about it is decided in `run::retry`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The system did it.
    Done(Ticket),
    /// The system refused it, for a reason in the payload.
    Rejected(Refusal),
    /// Too fast; nothing was done. How long the system asks us to wait, if it says.
    Throttled(Option<Duration>),
    /// Nothing was sent (connection refused, name not found): what failed.
    Unsent(String),
    /// The token may not do this with this ticket (401 or 403): another ticket may fare better. A 401 says so only while
    /// [`System::admits`] the token.
    Forbidden(Refusal),
    /// Every request would meet the same (a redirect, a proxy, a token that is no longer good): what the system says.
    Denied(String),
    /// Nobody knows whether the system did it: what happened.
    InDoubt(String),
    /// Nothing was done yet: this request told what the next one needs. The same call is performed again, on the same
    /// [`Way`] and with a permit of its own.
    Further,
}

/// How far a call has come that takes more than one request. Each call begins with a new one.
#[derive(Debug, Default)]
pub struct Way {
    pub(crate) next: Option<Next>,
}

/// The request that a call sends next, as the one before it told.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) method: reqwest::Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// What the one before it was answered, where that still counts.
    pub(crate) before: Option<Answered>,
}

impl Way {
    /// That one more request is to follow. `spent` is for how long nothing remains of the system's limit.
    pub(crate) fn further(&mut self, next: Next, spent: Option<Duration>) -> Answered {
        self.next = Some(next);
        Answered {
            spent,
            ..Outcome::Further.into()
        }
    }
}

/// The answer to a write: what it means, and whether the next one must wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// What it means.
    pub outcome: Outcome,
    /// For how long nothing remains of the system's limit, where the answer says so. A throttled request tells its
    /// pause itself.
    pub spent: Option<Duration>,
    /// The shape of an answer that says that nothing was done; `None` where we refused it ourselves, and nothing was
    /// sent. Beside [`Outcome::InDoubt`]: the answer refuses the way and not the request, which may go another way once
    /// it is known that nothing was made. Also beside it: a success that does not
    /// say that anything was done.
    pub shape: Option<Shape>,
    /// The title that the answer to a create shows: that of another ticket says that the answer is another row's.
    pub title: Option<String>,
}

impl From<Outcome> for Answered {
    /// An answer that says nothing about the limit, or none at all.
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            spent: None,
            shape: None,
            title: None,
        }
    }
}

/// Why a system refused a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The HTTP status (or the `StatusCode` inside a 200).
    pub status: u16,
    /// The message of the whole answer.
    pub message: String,
    /// Messages for single fields, as (field as the mapping calls it, message).
    pub fields: Vec<(String, String)>,
}

/// A window of creation times on the server's clock, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From.
    pub from: Timestamp,
    /// To.
    pub to: Timestamp,
}

/// A ticket found by a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// The ticket.
    pub ticket: Ticket,
    /// When it was made, where the answer tells.
    pub created_at: Option<Timestamp>,
    /// Its collection or product: what shows here was visible to us there.
    pub group: String,
    /// The text that bears the reference line; `None` where the listing does not show it.
    pub text: Option<String>,
    /// Its custom fields that hold text, by what [`Schema::custom_key`] calls them, as far as the listing shows them.
    pub custom: Vec<(String, String)>,
    /// When it was changed last, by whomever, where the answer tells.
    pub updated_at: Option<Timestamp>,
    /// Whether it is still worked on.
    pub standing: Standing,
    /// Whether it shows that a rollback took it back, where that deletes nothing ([`TAKEN_BACK`]).
    pub is_taken_back: bool,
    /// When the note of a rollback was written on it, where it shows one, and when.
    pub noted_at: Option<Timestamp>,
    /// What else the listing shows that a create sets, by the names of [`Looks::traits`]; nothing that is empty.
    pub traits: Vec<(&'static str, String)>,
}

impl Listed {
    /// Its title, where the listing shows one.
    pub fn title(&self) -> Option<&str> {
        let mut traits = self.traits.iter();
        traits
            .find(|(name, _)| *name == TITLE)
            .map(|(_, title)| title.as_str())
    }
}

/// Whether a ticket is still worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It is.
    #[default]
    Open,
    /// It is closed.
    Closed,
    /// It is deleted.
    #[serde(rename = "deleted")]
    Gone,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Closed, Self::Gone];

    /// The word that searches and the common ticket use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Gone => "deleted",
        }
    }
}

/// What reading one ticket came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// There it is.
    Found(Box<Listed>),
    /// The system says that there is none (404, 410).
    Absent,
    /// The system answered with another ticket: which one.
    Another(String),
    /// The system answered, but neither with the ticket nor that there is none: what it said.
    Unclear(String),
}

/// One request of a row on its way.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The call that the step makes ([`call_of`]).
    pub step: &'a str,
    /// The ticket that it is about; a create has none.
    pub ticket: Option<&'a Ticket>,
    /// The composed body.
    pub body: &'a Value,
    /// What identifies it for ever, made of tenant, scope, key, step, ordinal and the ticket: where a system lets the client
    /// choose the id of what it makes, it is this. A row that is made anew has another ticket, and what follows on it other
    /// ids than what was taken back with the first one.
    pub id: Uuid,
    /// The same without the ticket, as earlier versions made it.
    pub old_id: Uuid,
}

/// What else is known of the steps of one kind, beside the one that is looked up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// The bodies of further calls of its kind that the row makes.
    pub others: &'a [&'a Value],
    /// How those look that the ledger holds as done on the same ticket, whichever row made them.
    pub here: &'a [Print],
    /// The same on other tickets: (id, look). They tell whether a listing shows what is there.
    pub elsewhere: &'a [(String, Print)],
    /// How the ticket itself was to look, where the ledger holds that.
    pub ticket: Option<&'a Print>,
    /// The ticket is one that an earlier request has made, and the step belongs to its making: others may have changed it
    /// meanwhile.
    pub resumed: Option<Resumed>,
}

/// A ticket of ours whose making was cut off, and goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumed {
    /// When we wrote to it last after it was made, on the system's clock; `None`: nothing of ours followed.
    pub wrote_at: Option<Timestamp>,
}

/// What reading back says about a step that nobody knows the outcome of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// It was done.
    Done,
    /// It was not done.
    Absent,
    /// It is not shown, and nothing that may be it; but nothing else of the kind was listed back either, so that this is no
    /// proof: why.
    Unseen(String),
    /// It cannot be told: why.
    Unclear(String),
    /// It cannot be told, since the system does not show all that it holds of the kind: why.
    Hidden(String),
}

/// Told while the directory loads: kind of entry, how many so far, how many in all if known.
pub type DirectoryProgress<'a> = &'a (dyn Fn(&str, u64, Option<u64>) + Send + Sync);

/// Asked for before every request that is not a row's own (directory, listings), so that they keep the rate too.
#[async_trait]
pub trait Permit: Send + Sync {
    /// Waits until one more request may leave.
    async fn permit(&self);
    /// The system asked for a pause.
    fn pause(&self, duration: Option<Duration>);
    /// Nothing remains of the system's limit for so long: it refused nothing, but would refuse the next.
    fn spent(&self, duration: Duration);
}

/// A signed-in connection to one tenant.
#[async_trait]
pub trait System: fmt::Debug + Send + Sync {
    /// Its schema in the dialect that answered.
    fn schema(&self) -> &dyn Schema;

    /// Who we are.
    fn account(&self) -> &Account;

    /// Which shapes of refusals count here. A run adds what its ledger knows of the tenant.
    fn shapes(&self) -> &Shapes;

    /// Now, on the later of our clock and the system's as it told it when we signed in: either may be wrong.
    fn now_at_the_latest(&self) -> Timestamp {
        let now = Timestamp::now();
        let theirs = now.checked_add(self.account().clock_offset);
        theirs.map_or(now, |theirs| theirs.max(now))
    }

    /// Loads the parts of the reference data that are needed, and asks for no others: the kinds concurrently, each page by
    /// page. A kind that the system does not have is loaded with nothing.
    ///
    /// # Errors
    /// When a kind that every mapping needs cannot be loaded; what merely cannot be listed is told in the
    /// snapshot's notes.
    async fn load_directory(
        &self,
        needs: Needs,
        permit: &dyn Permit,
        progress: DirectoryProgress<'_>,
    ) -> Result<Snapshot>;

    /// Sends at most one request of a call, once. Repeats nothing. A call that takes more than one is performed again
    /// while the outcome is [`Outcome::Further`]: the caller takes a permit for each.
    async fn perform(&self, call: Call<'_>, way: &mut Way) -> Answered;

    /// Whether the system still takes the token, by a read that every token may do. A refusal of one ticket is told apart
    /// by it from a token that is no longer good.
    async fn admits(&self, permit: &dyn Permit) -> bool {
        let _ = permit;
        false
    }

    /// Sends one request that makes one change to many tickets ([`Schema::bulk_call`]), once. *Done* says that the system
    /// has taken it on, not that it was done: that is to be read back.
    async fn perform_bulk(&self, call: BulkCall<'_>) -> Answered {
        let _ = call;
        Outcome::Rejected(Refusal {
            status: 0,
            message: "there is no request for many tickets here".to_owned(),
            fields: Vec::new(),
        })
        .into()
    }

    /// Sends at most one request of a call that hangs a file on its ticket, once, as [`Self::perform`] does: the upload, the
    /// link, the reading back.
    async fn attach(&self, call: Call<'_>, file: &FileFacts, way: &mut Way) -> Answered {
        let _ = (call, way);
        Outcome::Rejected(Refusal {
            status: 0,
            message: format!("`{}`: no call of this system takes a file", file.name),
            fields: Vec::new(),
        })
        .into()
    }

    /// Looks whether a file hangs on the ticket of a call that was sent at `since`; `None`: the file itself is not there any
    /// more, and only its name is known. What is beside it tells whether the system lists files at all.
    ///
    /// # Errors
    /// When the files of the ticket cannot be read.
    async fn attached(
        &self,
        call: Call<'_>,
        file: Option<&FileFacts>,
        beside: Beside<'_>,
        since: SentAt,
        permit: &dyn Permit,
    ) -> Result<Sighting> {
        let _ = (call, file, beside, since, permit);
        Ok(Sighting::Absent)
    }

    /// The files that hang on a ticket; `None` where the system lists none of any.
    ///
    /// # Errors
    /// When they cannot be listed.
    async fn hanging(&self, ticket: &str, permit: &dyn Permit) -> Result<Option<Hanging>> {
        let _ = (ticket, permit);
        Ok(None)
    }

    /// Reads a file that hangs on a ticket, by its id; its media type, where the answer tells one.
    ///
    /// # Errors
    /// Why it cannot be read.
    async fn download(
        &self,
        file: &str,
        permit: &dyn Permit,
        take: TakeBytes<'_>,
    ) -> std::result::Result<Option<String>, Unread> {
        let _ = (file, permit, take);
        Err(Unread::Gone("the system shows no files".to_owned()))
    }

    /// Which of the tickets show what a change sets, in their order, by as few requests as that takes. `closely`: those
    /// that the system leaves out when it is asked for many are read one by one.
    ///
    /// # Errors
    /// When they cannot be listed.
    async fn shown(
        &self,
        call: BulkCall<'_>,
        closely: bool,
        permit: &dyn Permit,
    ) -> Result<Vec<bool>> {
        let _ = (closely, permit);
        Ok(vec![false; call.tickets.len()])
    }

    /// Looks at the ticket of a call that may not be repeated, whether it was done; what is beside it is not taken for it;
    /// `since` is when it was sent. The caller has waited until the system can no longer surprise.
    ///
    /// # Errors
    /// When the ticket cannot be read.
    async fn verify_step(
        &self,
        call: Call<'_>,
        beside: Beside<'_>,
        since: SentAt,
        permit: &dyn Permit,
    ) -> Result<Sighting>;

    /// The ticket that people name: by its id, or by its number; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be looked up, or several tickets bear the number.
    async fn find_ticket(&self, name: &str, permit: &dyn Permit) -> Result<Option<Ticket>>;

    /// Whether the first row should go alone until one create succeeded: the system's spelling is not proven
    /// yet, and creates sent meanwhile would wait in [`System::perform`] while their intents grow old.
    fn wants_first_alone(&self) -> bool {
        false
    }

    /// Lists the tickets created in the window, oldest first, page by page into `page`; each once, though a listing that is
    /// not whole is begun anew. Filters may be ignored by the server: everything that comes is handed on, with its time,
    /// for the caller to re-check.
    ///
    /// # Errors
    /// When a page cannot be had, or is not in the shape of the contract.
    async fn list_created(
        &self,
        window: Window,
        permit: &dyn Permit,
        page: &mut (dyn FnMut(Vec<Listed>) + Send),
    ) -> Result<ListingEnd>;

    /// Lists the tickets created since a moment on the system's clock, the newest first, at most so many pages of them;
    /// others may come too. Returns whether all of them were seen.
    ///
    /// # Errors
    /// When a page cannot be had.
    async fn list_newest(
        &self,
        since: Timestamp,
        pages: u32,
        permit: &dyn Permit,
        page: &mut (dyn FnMut(Vec<Listed>) + Send),
    ) -> Result<bool> {
        let _ = pages;
        let to = self.now_at_the_latest().max(since).checked_add(FAR_AHEAD);
        let window = Window {
            from: since,
            to: to.unwrap_or(Timestamp::MAX),
        };
        Ok(self.list_created(window, permit, page).await?.is_whole())
    }

    /// Reads one ticket by its id.
    ///
    /// # Errors
    /// When the system cannot be reached, or lets us read nothing.
    async fn read_ticket(&self, id: &str, permit: &dyn Permit) -> Result<Reading>;

    /// A few tickets among which one whose text has these words is likely, if there is any: the newest, and what
    /// the system's own search finds. A sample: that nothing is in it proves nothing.
    ///
    /// # Errors
    /// When the newest cannot be listed.
    async fn sample(&self, words: &str, permit: &dyn Permit) -> Result<Vec<Listed>>;

    /// The ticket of an id or a number in the common shape, with its comments where they can be had; `None` where there
    /// is none.
    ///
    /// # Errors
    /// When it cannot be looked up or read, or several tickets bear the number.
    async fn ticket(&self, name: &str, permit: &dyn Permit) -> Result<Option<CommonTicket>>;

    /// The same as far as its fields go, by as few requests as that takes: without what was said on it.
    ///
    /// # Errors
    /// As [`Self::ticket`].
    async fn ticket_fields(&self, name: &str, permit: &dyn Permit) -> Result<Option<CommonTicket>> {
        self.ticket(name, permit).await
    }

    /// What hangs on a ticket, one of [`Schema::parts`], as the system shows it: a row each.
    ///
    /// # Errors
    /// When it cannot be read, or the system has no such part.
    async fn part(&self, ticket: &str, part: &str, permit: &dyn Permit) -> Result<Vec<Value>> {
        let _ = (ticket, permit);
        Err(Error::usage(format!("there is no `{part}` to show here")))
    }

    /// Who has changed a ticket since a moment on the system's clock, the last one first; nobody where the system does not
    /// say it.
    ///
    /// # Errors
    /// When that cannot be read.
    async fn changed_by(
        &self,
        ticket: &str,
        since: Timestamp,
        permit: &dyn Permit,
    ) -> Result<Vec<String>> {
        let _ = (ticket, since, permit);
        Ok(Vec::new())
    }

    /// Looks for tickets, the newest first, and hands those on that are what is looked for, page by page, until there
    /// are no more or the caller has enough. Filters may be ignored by the server: each ticket is judged by
    /// [`Query::holds`].
    ///
    /// # Errors
    /// When a page cannot be had, or the system holds nothing of what is asked for.
    async fn search(
        &self,
        query: &Query,
        permit: &dyn Permit,
        page: &mut (dyn FnMut(Vec<CommonTicket>) -> ControlFlow<()> + Send),
    ) -> Result<SearchEnd>;

    /// Reads one page of very many tickets, each judged by [`Query::holds`] whatever the system thinks of its own filters.
    ///
    /// # Errors
    /// When the page cannot be had, or the system holds nothing of what is asked for.
    async fn page(&self, ask: &PageAsk<'_>, permit: &dyn Permit) -> Result<TicketPage>;

    /// People by their ids, where the system tells of people in no other way; those whom it does not know are left out.
    /// `None` where its directory has them all.
    ///
    /// # Errors
    /// When they cannot be asked for.
    async fn people(&self, ids: &[String], permit: &dyn Permit) -> Result<Option<Vec<Entry>>> {
        let _ = (ids, permit);
        Ok(None)
    }

    /// The zone that the desk itself tells: people there live by its days.
    fn site_zone(&self) -> Option<&TimeZone> {
        None
    }

    /// The zone in whose whole days creation is filtered; `None`: to the moment.
    fn window_days(&self) -> Option<TimeZone> {
        None
    }

    /// By which time very many tickets are best read in windows: the one that never changes, unless only what was updated is
    /// wanted and the system bounds a listing by one time only.
    fn windows_by(&self, query: &Query) -> Axis {
        let _ = query;
        Axis::Created
    }

    /// What the token may read, how fast the system answers, and which of its habits show; writes nothing.
    async fn examine(&self, permit: &dyn Permit) -> Vec<Finding>;

    /// Whether it is the sandbox: it says so itself in a header, which is believed on loopback only.
    fn is_sandbox(&self) -> bool {
        false
    }

    /// What [`Self::undo`] does here to tickets, said before it is done: `deletes them`.
    fn undoing(&self) -> &'static str;

    /// Whether a ticket looks as [`Self::undo`] leaves it.
    fn is_undone(&self, listed: &Listed) -> bool;

    /// Takes a ticket back that a run made: deletes it where the system can, else closes it with this note. Once;
    /// repeats nothing. It may be sent again without harm. `noted`: the ticket shows the note, and is not closed.
    /// [`Outcome::Further`]: the answer does not show that it is closed, and the ticket is to be read.
    async fn undo(&self, ticket: &Ticket, note: &str, noted: bool) -> Answered;

    /// Whether a part of [`Self::undo`] may be done without the rest: a change of the ticket may be our own then.
    fn undoes_in_parts(&self) -> bool {
        false
    }
}

/// What is said of a ticket that was asked for by its id and is answered as another one: nothing may be written to it.
pub(crate) fn merged(asked: &str, answered: &str) -> String {
    format!(
        "the system was asked for ticket `{asked}` and answered with `{answered}`: it may have been merged; name the \
         ticket that it is now"
    )
}

/// The faults of a refusal, one a field, placed on a row.
pub fn refusal_faults(refusal: &Refusal, place: &crate::record::Place) -> Vec<Fault> {
    if refusal.fields.is_empty() {
        return vec![Fault::row(
            place.clone(),
            format!(
                "refused by the system ({}): {}",
                refusal.status, refusal.message
            ),
        )];
    }
    refusal
        .fields
        .iter()
        .map(|(field, message)| {
            Fault::row(
                place.clone(),
                format!("refused by the system ({}): {message}", refusal.status),
            )
            .field(field.clone())
        })
        .collect()
}

/// The schema of the system that a snapshot was pulled from, in its spelling and with its constants: what makes
/// the same bytes in a dry run and a real one.
///
/// # Errors
/// When the system has no such spelling.
pub fn schema_for(snapshot: &Snapshot) -> Result<Box<dyn Schema>> {
    match snapshot.system {
        SystemName::IncidentIq => Ok(incidentiq::schema_with(&snapshot.constants)),
        SystemName::ClearFeed => schema(snapshot.system, Some(snapshot.dialect)),
    }
}

/// The schema of a system in one spelling.
///
/// # Errors
/// When the system has no such spelling.
pub fn schema(system: SystemName, dialect: Option<Dialect>) -> Result<Box<dyn Schema>> {
    match (system, dialect) {
        (SystemName::IncidentIq, None | Some(Dialect::Only)) => Ok(incidentiq::schema()),
        (SystemName::ClearFeed, None | Some(Dialect::V1)) => Ok(clearfeed::schema(Dialect::V1)),
        (SystemName::ClearFeed, Some(Dialect::Rest)) => Ok(clearfeed::schema(Dialect::Rest)),
        (system, Some(dialect)) => Err(Error::usage(format!(
            "`{system}` has no dialect `{dialect}`"
        ))
        .hint("`dialect` is for ClearFeed: `v1` or `rest`")),
    }
}
