//! The sandbox: an emulator of both systems as `contracts/` says, in one small server. It shares no type with
//! the client: an emulator made of the client's types could not catch the client's mistakes.
//!
//! ```text
//! request ─▶ server: token, limit, fault before ─▶ emulator: route, check, commit ─▶ audit (= journal) ─▶ fault after ─▶ answer
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `listen`, `wire` | connections, and those that are cut on purpose |
//! | `server` | the way of a request |
//! | `route` | the table of what a system answers: it leads the requests, and the documents are made of it |
//! | `schema`, `openapi` | what bodies hold, and the OpenAPI documents |
//! | `fit` | a body that is not of the type that its row names is refused |
//! | `token` | whom a token acts as and what it may |
//! | `departure` | how answers leave |
//! | `incidentiq`, `clearfeed` | one emulator each |
//! | [`seed`] | the population, the same for ever |
//! | `fault`, `fault_effect`, `limit` | what goes wrong, what becomes of the request then, how fast is too fast |
//! | `delayed_commit`, `visibility` | what is obeyed later than it came, and shown later than it was made |
//! | `people` | changes that others make meanwhile |
//! | `audit` | one line for each accepted write; with a data folder its journal too |
//! | `admin` | `/_sandbox` |
//! | `guard` | who may call at all |

mod admin;
mod audit;
mod call;
mod clearfeed;
mod delayed_commit;
mod departure;
mod dice;
mod emulator;
mod fault;
mod fault_effect;
mod fit;
mod guard;
mod guid;
mod incidentiq;
mod limit;
mod listen;
mod multipart;
mod openapi;
mod people;
mod reply;
mod route;
mod schema;
pub mod seed;
mod server;
mod token;
mod visibility;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use dice::Dice;
pub use fault::{FaultError, FaultKind, FaultSpec, FaultValue, Span};
pub use guid::Guid;

/// The token that may do everything; those that may less are told in `docs/sandbox.md`.
pub const TOKEN: &str = "sandbox";

/// How long a stopping sandbox waits for its connections.
const GRACE: Duration = Duration::from_secs(5);

/// How strictly the documents are followed (design, *The sandbox*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Temper {
    /// What the documents promise; what they do not know is refused.
    #[default]
    Lenient,
    /// The traps that the contracts report of live systems.
    LiveLike,
}

impl Temper {
    /// The temper of that word: `lenient` or `live-like`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "lenient" => Some(Self::Lenient),
            "live-like" => Some(Self::LiveLike),
            _ => None,
        }
    }
}

/// What a new activity of IncidentIQ may say that not every site heeds (contract incidentiq §21).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unheeded {
    /// When it was said.
    CreatedDate,
    /// Who said it.
    Owner,
    /// The id that the client has chosen.
    ActivityId,
}

impl Unheeded {
    const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::CreatedDate, "created-date", "CreatedDate"),
        (Self::Owner, "owner", "OwnerId"),
        (Self::ActivityId, "activity-id", "TicketActivityId"),
    ];

    /// The one of that word.
    pub fn parse(word: &str) -> Option<Self> {
        let row = Self::ALL.iter().find(|(_, own, _)| *own == word);
        row.map(|(one, ..)| *one)
    }

    /// The words of all.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|(_, word, _)| *word)
    }

    /// The member of the body.
    fn member(self) -> &'static str {
        let row = Self::ALL.iter().find(|(one, ..)| *one == self);
        row.map_or("", |(.., member)| *member)
    }
}

/// A rule of the tenant. It runs on every new activity, also where mails are not sent: no request keeps it from running
/// (contract incidentiq §21).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A comment of whoever asked for help reopens a closed ticket.
    ReopenOnReply,
    /// Any comment does.
    ReopenOnComment,
    /// A resolution action starts the work on an open ticket.
    StartOnAction,
}

impl Rule {
    const ALL: [(Self, &'static str); 3] = [
        (Self::ReopenOnReply, "reopen-on-reply"),
        (Self::ReopenOnComment, "reopen-on-comment"),
        (Self::StartOnAction, "start-on-action"),
    ];

    /// The one of that word.
    pub fn parse(word: &str) -> Option<Self> {
        let row = Self::ALL.iter().find(|(_, own)| *own == word);
        row.map(|(one, _)| *one)
    }

    /// The words of all.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|(_, word)| *word)
    }

    fn as_str(self) -> &'static str {
        let row = Self::ALL.iter().find(|(one, _)| *one == self);
        row.map_or("", |(_, word)| *word)
    }
}

/// Which of ClearFeed's dialects answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialects {
    /// Both.
    #[default]
    Both,
    /// `v1` only.
    V1,
    /// `rest` only.
    Rest,
}

/// How a sandbox behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens; port 0 takes any.
    pub listen: SocketAddr,
    /// What `/_sandbox` wants as its bearer. `None`: nothing, or where it listens beyond this machine a token that is made
    /// up and told in the ready line.
    pub admin_token: Option<String>,
    /// Where its tickets are kept over a restart; `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// Whether what the data folder holds is thrown away at the start.
    pub fresh: bool,
    /// Requests per second and system; 0 = no limit.
    pub rate: f64,
    /// How strictly the documents are followed.
    pub temper: Temper,
    /// What the faults' chances depend on. The population does not.
    pub seed: u64,
    /// Faults that happen by chance.
    pub faults: Vec<FaultSpec>,
    /// Whether IncidentIQ demands `SiteId` and `Client: ApiClient` (contract incidentiq §1).
    pub strict_headers: bool,
    /// Whether `/tickets/create` is there beside `/tickets/new` (contract incidentiq §19, D1).
    pub mission_paths: bool,
    /// Which of ClearFeed's dialects answer.
    pub dialects: Dialects,
    /// The greatest page of IncidentIQ; larger ones are cut to it (contract incidentiq §3).
    pub max_page: usize,
    /// Tickets that each system has from the beginning.
    pub tickets: usize,
    /// How many comments each of them has at most.
    pub comments: usize,
    /// The end of the year in which they were made; `None`: they are of a fixed past. Where the data are kept, a population
    /// that was made up to a time stays as it was at the first start.
    pub until: Option<Timestamp>,
    /// What new activities say that IncidentIQ does not heed; the live-like temper never heeds the time.
    pub unheeded: Vec<Unheeded>,
    /// The rules that IncidentIQ runs on new activities.
    pub rules: Vec<Rule>,
    /// Whether notes among the team are shown to nobody, whatever the temper.
    pub hides_notes: bool,
    /// Reads that no token may do, by the names of their operations: `issues`, `users`, ….
    pub deny: Vec<String>,
    /// How long ClearFeed keeps the texts of a request; `None` for ever (contract clearfeed, found later).
    pub retention: Option<Duration>,
    /// How many changes a second other people make to tickets meanwhile; 0 = none.
    pub people: f64,
    /// The site's time zone.
    pub site_zone: TimeZone,
    /// Its name as IncidentIQ tells it: a Windows name (contract incidentiq §5).
    pub site_zone_name: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            admin_token: None,
            data: None,
            fresh: false,
            rate: 100.0,
            temper: Temper::Lenient,
            seed: 1,
            faults: Vec::new(),
            strict_headers: false,
            mission_paths: true,
            dialects: Dialects::Both,
            max_page: 2_000,
            tickets: 0,
            comments: 0,
            until: None,
            unheeded: Vec::new(),
            rules: Vec::new(),
            hides_notes: false,
            deny: Vec::new(),
            retention: None,
            people: 0.0,
            // Spelled out, so that it is there on machines without a time zone database.
            site_zone: TimeZone::posix("CST6CDT,M3.2.0,M11.1.0")
                .expect("a rule in the form of POSIX"),
            site_zone_name: "Central Standard Time".to_owned(),
        }
    }
}

impl Config {
    /// The tickets that each system has from the beginning, unless a data folder says otherwise.
    fn population(&self) -> seed::Population {
        seed::Population {
            tickets: self.tickets,
            comments: self.comments,
            until: self.until,
        }
    }

    /// What new activities say that IncidentIQ does not heed.
    fn unheeded(&self) -> Vec<Unheeded> {
        let live = (self.temper == Temper::LiveLike).then_some(Unheeded::CreatedDate);
        self.unheeded.iter().copied().chain(live).collect()
    }
}

/// Why a sandbox does not start or stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The address cannot be had.
    #[error("the sandbox cannot listen on `{address}`: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The data folder cannot be read or written.
    #[error("the sandbox cannot keep its data in `{}`: {source}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another sandbox uses the data folder.
    #[error("`{}` is in use by another sandbox", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// There is no read of that name.
    #[error("there is no read `{name}` to deny")]
    NoOperation {
        /// The name.
        name: String,
    },
    /// The journal holds something else.
    #[error("`{}`, line {line}, is no journal of this sandbox: {reason}", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

impl SandboxError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "choose another port, or port 0 for any that is free",
            Self::Data { .. } => "name a folder that you may write",
            Self::NoOperation { .. } => {
                "name an operation that reads, such as issues, locations, users, custom_fields, teams or assets"
            }
            Self::InUse { .. } => {
                "wait until the other command has ended, or name another data folder"
            }
            Self::Journal { .. } => {
                "empty the folder to begin anew; the tickets of the old sandbox are lost with it"
            }
        }
    }
}

/// A running sandbox. Dropped without [`Sandbox::stop`] it ends at once.
pub struct Sandbox {
    address: SocketAddr,
    app: std::sync::Arc<server::App>,
    stop: watch::Sender<bool>,
    serving: Option<JoinHandle<io::Result<()>>>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts a sandbox: when this returns it answers.
    ///
    /// # Errors
    /// When the address cannot be had, or the data folder cannot be used or read.
    pub async fn start(config: Config) -> Result<Self, SandboxError> {
        let listen = config.listen;
        let people = (config.people, config.seed);
        let failed = |source| SandboxError::Listen {
            address: listen,
            source,
        };
        let (stop, stopped) = watch::channel(false);
        // The journal may be long: reading it must not hold up the runtime.
        let (jobs, later) = tokio::sync::mpsc::unbounded_channel();
        let app = tokio::task::spawn_blocking(move || server::App::new(config, stopped, jobs))
            .await
            .map_err(|error| failed(io::Error::other(error)))??;
        let app = std::sync::Arc::new(app);
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let serving = tokio::spawn(listen::serve(app.clone(), listener, later, people));
        Ok(Self {
            address,
            app,
            stop,
            serving: Some(serving),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether others than this machine reach it.
    pub fn is_public(&self) -> bool {
        !guard::is_loopback(self.address)
    }

    /// What a client needs to know, as the command prints it when the sandbox is ready: `incidentiq`,
    /// `clearfeed` and `admin` (base URLs), `token`, `site_id`, `instance`, and `admin_token` where `admin` wants one. Below the first two lies each system's
    /// OpenAPI document: `/incidentiq/openapi.json` and `/clearfeed/openapi.json`.
    pub fn ready_line(&self) -> Value {
        let root = format!("http://{}", self.address);
        let mut ready = json!({
            "incidentiq": format!("{root}/incidentiq"),
            "clearfeed": format!("{root}/clearfeed"),
            "admin": format!("{root}/_sandbox"),
            "token": TOKEN,
            "site_id": self.app.incidentiq.site(),
            "instance": self.app.instance(),
        });
        if let Some(token) = self.app.guard.admin_token() {
            ready["admin_token"] = token.into();
        }
        ready
    }

    /// Ends it: no new connections, those that are there end with the answer under way, and the data goes to
    /// the disk.
    ///
    /// # Errors
    /// When the data cannot be written to the disk.
    pub async fn stop(mut self) -> Result<(), SandboxError> {
        self.stop.send_replace(true);
        if let Some(mut serving) = self.serving.take()
            && tokio::time::timeout(GRACE, &mut serving).await.is_err()
        {
            serving.abort();
        }
        self.app.flush()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

#[cfg(test)]
mod test_client;
#[cfg(test)]
mod tests;
