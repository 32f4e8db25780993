//! Where to: a profile or the embedded sandbox, signed in.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::args::{Global, SandboxState, Where};
use super::trust;
use crate::config::{self, Config, Profile, Reserved, StateFolder};
use crate::error::{Error, Result};
use crate::export::period::Calendar;
use crate::ledger::RunInfo;
use crate::redact::Secrets;
use crate::sandbox::{self, FaultSpec, Sandbox};
use crate::systems::{self, Connection, Dialect, Route, System, SystemName};

/// The sandbox's own limit, and therefore ours against it.
const SANDBOX_RATE: f64 = 100.0;
/// How long one request may take, where the profile does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How many tickets a tenant of the embedded sandbox has from the beginning, where it has some, and how many comments at
/// most each.
const POPULATION: (usize, usize) = (60, 4);

/// How the embedded sandbox is to be.
#[derive(Debug, Clone)]
pub(super) struct Embedded {
    /// The reserved profile that it is; `None`: the one of `--sandbox`.
    pub(super) reserved: Option<Reserved>,
    /// What it starts with.
    pub(super) kept: SandboxState,
    /// What goes wrong in it.
    pub(super) faults: Vec<FaultSpec>,
    /// What the faults' chances depend on.
    pub(super) seed: Option<u64>,
}

/// Which connection a command goes to, before it is made.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// The embedded sandbox.
    Sandbox(Embedded),
    /// A profile, and whom to tell its token, so that nobody prints it.
    Profile(Box<Profile>, Secrets),
}

impl Target {
    /// The connection that flags, mapping and configuration name: `allowed` are the mapping's own profiles.
    pub(super) fn choose(
        typed: &Where,
        allowed: &[String],
        may_take_environment: bool,
        global: &Global,
    ) -> Result<Self> {
        if let Some(kept) = typed.sandbox {
            return Ok(Self::Sandbox(Embedded {
                reserved: None,
                kept,
                faults: Vec::new(),
                seed: None,
            }));
        }
        if let Some(name) = &typed.profile
            && let Some(reserved) = Reserved::of(name)?
        {
            return Ok(Self::reserved(reserved));
        }
        let config = trust::configuration(global.config.as_deref(), &current_folder()?, global)?;
        let from_environment = || {
            std::env::var("DESKFERRY_PROFILE")
                .ok()
                .filter(|name| may_take_environment && !name.is_empty())
        };
        let name = match (typed.profile.clone().or_else(from_environment), allowed) {
            (Some(name), _) => name,
            (None, [only]) => only.clone(),
            (None, _) => return Err(nowhere(&config, allowed)),
        };
        if let Some(reserved) = Reserved::of(&name)? {
            return Ok(Self::reserved(reserved));
        }
        if !allowed.is_empty() && !allowed.contains(&name) {
            let names: Vec<_> = allowed.iter().map(|name| format!("`{name}`")).collect();
            return Err(Error::usage(format!(
                "the mapping may not run against the profile {}",
                config::shown(&name)
            ))
            .hint(format!("its `profile` allows {}", names.join(", "))));
        }
        let profile = Box::new(config.profile(&name)?.clone());
        Ok(Self::Profile(profile, global.secrets.clone()))
    }

    /// The embedded sandbox as a reserved profile.
    fn reserved(reserved: Reserved) -> Self {
        Self::Sandbox(Embedded {
            reserved: Some(reserved),
            kept: SandboxState::Kept,
            faults: Vec::new(),
            seed: None,
        })
    }

    /// The name for people and for `--confirm`.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Sandbox(embedded) => embedded.name(),
            Self::Profile(profile, _) => &profile.name,
        }
    }

    /// The system, where the target settles it.
    pub(super) fn system(&self) -> Option<SystemName> {
        match self {
            Self::Sandbox(embedded) => embedded.reserved.map(|reserved| reserved.system),
            Self::Profile(profile, _) => Some(profile.system),
        }
    }

    /// The system, which a sandbox must be told.
    pub(super) fn the_system(&self, named: Option<SystemName>) -> Result<SystemName> {
        match (self.system(), named) {
            (Some(own), Some(named)) if own != named => Err(Error::usage(format!(
                "the profile `{}` is of `{own}`, not of `{named}`",
                self.name()
            ))),
            (Some(system), _) | (None, Some(system)) => Ok(system),
            (None, None) => Err(Error::usage("the sandbox has both systems: which one?")
                .hint("add --system incidentiq or --system clearfeed")),
        }
    }

    /// Requests under way at once.
    pub(super) fn concurrency(&self) -> usize {
        match self {
            Self::Sandbox(_) => Profile::CONCURRENCY,
            Self::Profile(profile, _) => profile.concurrency,
        }
    }

    /// The known limit.
    pub(super) fn rate(&self) -> Option<f64> {
        match self {
            Self::Sandbox(_) => Some(SANDBOX_RATE),
            Self::Profile(profile, _) => profile.rate,
        }
    }

    /// Whether it is live, by what answers there ([`Profile::is_live`]): the one place that decides how long the waits
    /// are, whether the first write is confirmed by name, and whether a crash may be asked for.
    pub(super) fn is_live(&self, system: &dyn System) -> bool {
        match self {
            Self::Sandbox(_) => false,
            Self::Profile(profile, _) => profile.is_live(system.is_sandbox()),
        }
    }

    /// The zone of the profile.
    pub(super) fn timezone(&self) -> Option<TimeZone> {
        match self {
            Self::Sandbox(_) => None,
            Self::Profile(profile, _) => profile.timezone.clone(),
        }
    }

    /// Whether the profile's zone goes before the desk's.
    pub(super) fn is_timezone_first(&self) -> bool {
        match self {
            Self::Sandbox(_) => false,
            Self::Profile(profile, _) => profile.timezone_first,
        }
    }

    /// When days, weeks and school years begin, in a zone.
    pub(super) fn calendar(&self, zone: TimeZone) -> Calendar {
        let usual = Calendar::of(zone);
        match self {
            Self::Sandbox(_) => usual,
            Self::Profile(profile, _) => Calendar {
                week_starts: profile.week_starts.unwrap_or(usual.week_starts),
                school_year_starts: profile
                    .school_year_starts
                    .unwrap_or(usual.school_year_starts),
                ..usual
            },
        }
    }

    /// `commit_within` and `visible_within` (design, Delivery: the only assumption).
    pub(super) fn surprise(&self, system: &dyn System) -> (Duration, Duration) {
        let (commit, visible) = match self {
            Self::Sandbox(_) => (None, None),
            Self::Profile(profile, _) => (profile.commit_within, profile.visible_within),
        };
        let (commit_default, visible_default) = if self.is_live(system) {
            (systems::COMMIT_WITHIN, Duration::from_secs(30))
        } else {
            (Duration::from_secs(2), Duration::from_secs(1))
        };
        (
            commit.unwrap_or(commit_default),
            visible.unwrap_or(visible_default),
        )
    }

    /// What stands for the token in the name of a lock: where it is, never the token.
    pub(super) fn token_name(&self) -> String {
        match self {
            Self::Sandbox(embedded) => embedded.name().to_owned(),
            Self::Profile(profile, _) => profile.token.identity(),
        }
    }

    /// Where the token is, for people.
    pub(super) fn token_place(&self) -> String {
        match self {
            Self::Sandbox(_) => "sandbox".to_owned(),
            Self::Profile(profile, _) => profile.token.describe(),
        }
    }

    /// How a printed command names this target.
    pub(super) fn flags(&self) -> Vec<String> {
        match self {
            Self::Sandbox(embedded) => match embedded.reserved {
                Some(reserved) => vec!["--profile".to_owned(), reserved.name.to_owned()],
                None => vec!["--sandbox".to_owned()],
            },
            Self::Profile(profile, _) => vec!["--profile".to_owned(), profile.name.clone()],
        }
    }
}

impl Embedded {
    fn name(&self) -> &'static str {
        self.reserved.map_or("sandbox", |reserved| reserved.name)
    }
}

fn nowhere(config: &Config, allowed: &[String]) -> Error {
    let names: Vec<_> = if allowed.is_empty() {
        config.names().map(str::to_owned).collect()
    } else {
        allowed.to_vec()
    };
    let error = Error::usage("it is not said where to: name a profile, or rehearse on the sandbox");
    let error = if names.is_empty() {
        error.hint(format!(
            "there is no profile yet: describe the connection in `{}`, and name it with --profile NAME",
            config::FILE_NAME
        ))
    } else {
        error.hint(format!(
            "--profile NAME, where NAME is one of {}",
            names.join(", ")
        ))
    };
    error.hint("--sandbox needs no account")
}

/// A connection, signed in; the embedded sandbox lives as long as it.
pub(super) struct Connected {
    pub(super) system: Arc<dyn System>,
    sandbox: Option<Sandbox>,
}

impl Connected {
    /// Starts the sandbox if it is the target, and signs in.
    pub(super) async fn open(
        target: &Target,
        system: SystemName,
        insecure_http: bool,
        concurrency: usize,
        state: &StateFolder,
    ) -> Result<Self> {
        let (connection, sandbox) =
            connection(target, system, insecure_http, concurrency, state).await?;
        Self::sign_in(connection, sandbox, target, state).await
    }

    /// Signs in. The dialect that answers a profile which settles none is remembered.
    pub(super) async fn sign_in(
        connection: Connection,
        sandbox: Option<Sandbox>,
        target: &Target,
        state: &StateFolder,
    ) -> Result<Self> {
        let (settled, before) = (connection.dialect, connection.answered_before);
        let system = systems::sign_in(connection).await?;
        let dialect = system.account().dialect;
        if let Target::Profile(profile, _) = target
            && settled.is_none()
            && dialect != Dialect::Only
            && before != Some(dialect)
        {
            // Without this memory the next command asks again.
            if let Err(error) = state.keep_found_dialect(&found_by(profile), dialect) {
                tracing::debug!(%error, "the dialect that answered is not kept");
            }
        }
        Ok(Self { system, sandbox })
    }

    /// Stops the embedded sandbox, so that its tickets are kept.
    pub(super) async fn close(self) -> Result<()> {
        drop(self.system);
        match self.sandbox {
            Some(sandbox) => sandbox.stop().await.map_err(sandbox_failed),
            None => Ok(()),
        }
    }
}

/// How the target is reached; the sandbox is started where it is the target.
pub(super) async fn connection(
    target: &Target,
    system: SystemName,
    insecure_http: bool,
    concurrency: usize,
    state: &StateFolder,
) -> Result<(Connection, Option<Sandbox>)> {
    match target {
        Target::Sandbox(wanted) => {
            let (sandbox, connection) = embedded(wanted, system, concurrency, state).await?;
            Ok((connection, Some(sandbox)))
        }
        Target::Profile(profile, secrets) => {
            let token = profile.token.read()?;
            secrets.add(&token);
            let connection = Connection {
                system,
                url: profile.url.clone(),
                site_id: profile.site_id.clone(),
                tenant: profile.tenant.clone(),
                dialect: profile.dialect,
                answered_before: match profile.dialect {
                    Some(_) => None,
                    None => state.found_dialect(&found_by(profile)),
                },
                token,
                timezone: profile.timezone.clone(),
                timezone_first: profile.timezone_first,
                concurrency,
                insecure_http,
                timeout: profile.timeout.unwrap_or(TIMEOUT),
                route: Route {
                    proxy: profile.proxy.clone(),
                    ca_file: profile.ca_file.clone(),
                },
                retention: profile.retention,
            };
            Ok((connection, None))
        }
    }
}

/// Under which name it is remembered what was found out about a profile's address: one that leads elsewhere is another.
fn found_by(profile: &Profile) -> String {
    match &profile.url {
        // What may follow a question mark is nobody's address, and may be a secret.
        Some(url) => {
            let address = url.as_str().split(['?', '#']).next().unwrap_or_default();
            format!("{} {address}", profile.name)
        }
        None => format!(
            "{} {}",
            profile.name,
            profile.tenant.as_deref().unwrap_or_default()
        ),
    }
}

/// Refuses another tenant than the one that a run went to.
pub(super) fn same_tenant(run: &RunInfo, tenant: &str, target: &str) -> Result<()> {
    if tenant == run.tenant {
        return Ok(());
    }
    Err(Error::usage(format!(
        "run `{}` went to the tenant `{}`, but `{target}` is `{tenant}` now",
        run.code, run.tenant,
    ))
    .hint("its tickets are not there; nothing was sent"))
}

async fn embedded(
    wanted: &Embedded,
    system: SystemName,
    concurrency: usize,
    state: &StateFolder,
) -> Result<(Sandbox, Connection)> {
    let usual = sandbox::Config::default();
    let earlier = match wanted.reserved {
        Some(_) => None,
        None => state.earlier_sandbox(),
    };
    let reserved = wanted.reserved.unwrap_or_else(|| Reserved::first(system));
    let fresh = wanted.kept == SandboxState::Empty;
    let (tickets, comments) = match reserved.is_populated && earlier.is_none() && !fresh {
        true => POPULATION,
        false => (0, 0),
    };
    let config = sandbox::Config {
        data: Some(earlier.unwrap_or_else(|| state.sandbox(reserved))),
        fresh,
        until: Some(Timestamp::now()),
        rate: SANDBOX_RATE,
        tickets,
        comments,
        faults: wanted.faults.clone(),
        seed: wanted.seed.unwrap_or(usual.seed),
        ..usual
    };
    let sandbox = Sandbox::start(config).await.map_err(sandbox_failed)?;
    let ready = sandbox.ready_line();
    let text = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
    let address = text(system.as_str());
    let url = url::Url::parse(&address).map_err(|error| {
        Error::machine(format!("the sandbox gave no address: `{address}`")).caused_by(error)
    })?;
    let connection = Connection {
        system,
        url: Some(url),
        site_id: Some(text("site_id")),
        tenant: Some("sandbox".to_owned()),
        dialect: None,
        answered_before: None,
        token: SecretString::from(text("token")),
        timezone: None,
        timezone_first: false,
        concurrency,
        insecure_http: false,
        timeout: TIMEOUT,
        route: Route::default(),
        retention: None,
    };
    Ok((sandbox, connection))
}

/// The faults that were typed.
///
/// # Errors
/// When one is none.
pub(super) fn faults(typed: &[String]) -> Result<Vec<FaultSpec>> {
    typed
        .iter()
        .map(|text| text.parse())
        .collect::<Result<_, _>>()
        .map_err(|error: sandbox::FaultError| {
            Error::usage(error.to_string()).hint("docs/sandbox.md lists the faults")
        })
}

pub(super) fn sandbox_failed(error: sandbox::SandboxError) -> Error {
    let hint = error.hint();
    Error::machine("the sandbox failed")
        .caused_by(error)
        .hint(hint)
}

pub(super) fn current_folder() -> Result<std::path::PathBuf> {
    std::env::current_dir()
        .map_err(|error| Error::machine("the current folder is gone").caused_by(error))
}
