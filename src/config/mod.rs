//! `deskferry.toml`: named connections, secrets by reference only.
//!
//! The file is found in the current folder, its parents, then the user's configuration folder; one that others can change
//! is not read, and what a found one runs, reads or speaks to is confirmed once ([`Trusted`]). What was typed (raw, serde)
//! and what is used ([`Profile`]) are two types; checking happens once, here.

mod access;
mod file;
mod reserved;
mod secret;
mod state;
mod trust;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::systems::{Dialect, SystemName};
use crate::{infile, outfile};

pub use access::IS_CHECKED as CHECKS_RIGHTS;
pub use file::parse_rate;
pub use reserved::Reserved;
pub use secret::{TokenRef, shown};
pub use state::StateFolder;
pub use trust::Trusted;

/// The name of the configuration file.
pub const FILE_NAME: &str = "deskferry.toml";

/// A named connection, checked.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Which system.
    pub system: SystemName,
    /// The base address; `None` where the system has a fixed one.
    pub url: Option<url::Url>,
    /// The spelling, if settled.
    pub dialect: Option<Dialect>,
    /// IncidentIQ's site, if given.
    pub site_id: Option<String>,
    /// ClearFeed's workspace, as the user calls it.
    pub tenant: Option<String>,
    /// Where the token is.
    pub token: TokenRef,
    /// Requests per second; `None`: not known.
    pub rate: Option<f64>,
    /// Requests under way at once.
    pub concurrency: usize,
    /// The zone of people there and of times that come without one, where the system tells none.
    pub timezone: Option<TimeZone>,
    /// Whether that zone holds even where the system tells another (`timezone_from = "profile"`).
    pub timezone_first: bool,
    /// The first day of a week; `None`: Monday.
    pub week_starts: Option<Weekday>,
    /// The first day of a school year, month and day; `None`: the first of July.
    pub school_year_starts: Option<(i8, i8)>,
    /// No request commits later than this after it was sent; `None`: the default of the connection.
    pub commit_within: Option<Duration>,
    /// No commit stays invisible longer than this; `None`: the default of the connection.
    pub visible_within: Option<Duration>,
    /// How long one request may take before nobody knows what became of it; `None`: a minute.
    pub timeout: Option<Duration>,
    /// Whether waits are long and the first write is confirmed by name; `None`: unless the sandbox answers.
    pub live: Option<bool>,
    /// The proxy by which the system is reached; `None`: what the environment or the operating system names.
    pub proxy: Option<url::Url>,
    /// A file of further certificates (PEM) that are believed, such as that of a school's filter.
    pub ca_file: Option<PathBuf>,
    /// The system erases the texts of tickets after so long (ClearFeed); `None`: it keeps them.
    pub retention: Option<Duration>,
}

impl Profile {
    /// The default number of requests under way at once.
    pub const CONCURRENCY: usize = 16;

    /// Whether it is live (design, The words): every profile is, unless the sandbox answers, known by its own header, or
    /// the profile says `live = false`. What is live has long waits, and its first write is confirmed by name. Where the
    /// system is says nothing: a tunnel may lead from this machine to a desk.
    pub fn is_live(&self, is_sandbox: bool) -> bool {
        self.live.unwrap_or(!is_sandbox)
    }
}

/// How a configuration came to be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origin {
    /// The user named the file: `--config` or `DESKFERRY_CONFIG`.
    Named,
    /// It is in the user's own configuration folder.
    Own,
    /// It was found in the current folder or a parent.
    #[default]
    Found,
}

/// The configuration: every profile of the file that was found.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The file, if there is one.
    pub path: Option<PathBuf>,
    /// How the file came to be used.
    pub origin: Origin,
    profiles: BTreeMap<String, Profile>,
}

impl Config {
    /// Reads the named file, or finds one; no file at all is an empty configuration. Whether one that was found is trusted
    /// is asked later, of [`Trusted`].
    ///
    /// # Errors
    /// When the named file is missing, others can change the one that was found, or it is not as it should be.
    pub fn load(named: Option<&Path>, folder: &Path) -> Result<Self> {
        let found = match named {
            Some(path) => Some((path.to_owned(), Origin::Named)),
            None => find(folder),
        };
        let Some((path, origin)) = found else {
            return Ok(Self::default());
        };
        let failed = |error: std::io::Error| {
            Error::usage("cannot read the configuration")
                .at(path.display())
                .caused_by(error)
        };
        let file = File::open(&path).map_err(failed)?;
        if origin != Origin::Named {
            access::check(&file, &path)?;
        }
        let text = infile::text_of(file, infile::MOST_WORDS).map_err(failed)?;
        let profiles = file::read(&text, &path)?;
        Ok(Self {
            path: Some(path),
            origin,
            profiles,
        })
    }

    /// The names of all profiles.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// The profile of that name.
    ///
    /// # Errors
    /// When there is none; the hint lists those there are.
    pub fn profile(&self, name: &str) -> Result<&Profile> {
        self.profiles.get(name).ok_or_else(|| {
            let error = Error::usage(format!("no profile {}", shown(name)));
            match (&self.path, self.profiles.is_empty()) {
                (None, _) => error.hint(format!("there is no `{FILE_NAME}` in this folder, its parents or your configuration folder")),
                (Some(path), true) => error.hint(format!("`{}` has no profiles", path.display())),
                (Some(path), false) => {
                    let names: Vec<_> = self.names().map(|name| format!("`{name}`")).collect();
                    error.hint(format!("`{}` has {}", path.display(), names.join(", ")))
                }
            }
        })
    }
}

fn find(folder: &Path) -> Option<(PathBuf, Origin)> {
    use etcetera::BaseStrategy;
    let own = etcetera::choose_base_strategy()
        .ok()
        .map(|home| home.config_dir().join("deskferry").join(FILE_NAME));
    let beside = folder
        .ancestors()
        .map(|folder| folder.join(FILE_NAME))
        .find(|path| path.is_file());
    match (beside, own) {
        (Some(path), Some(own)) if outfile::is_same_file(&path, &own) => Some((path, Origin::Own)),
        (Some(path), _) => Some((path, Origin::Found)),
        (None, Some(own)) if own.is_file() => Some((own, Origin::Own)),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_is_found_upwards() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        let text =
            "[profiles.home]\nsystem = \"clearfeed\"\ntenant = \"acme\"\ntoken = { env = \"X\" }\n";
        std::fs::write(folder.path().join("a").join(FILE_NAME), text).unwrap();
        let config = Config::load(None, &deep).unwrap();
        assert_eq!(config.names().collect::<Vec<_>>(), ["home"]);
        let error = config.profile("hom").unwrap_err();
        assert!(error.hints()[0].contains("`home`"), "{error:?}");
        assert_eq!(config.origin, Origin::Found);
        let named = Config::load(config.path.as_deref(), folder.path()).unwrap();
        assert_eq!(named.origin, Origin::Named);
    }
}
