//! `deskferry.toml`: named connections, secrets by reference only.
//!
//! The file is found in the current folder, its parents, then the user's configuration folder. What was typed
//! (raw, serde) and what is used ([`Profile`]) are two types; checking happens once, here.

mod file;
mod secret;
mod state;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::infile;
use crate::systems::{Dialect, SystemName};

pub use file::parse_rate;
pub use secret::{TokenRef, shown};
pub use state::StateFolder;

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
    /// The zone of times that come without one.
    pub timezone: Option<TimeZone>,
    /// No request commits later than this after it was sent; `None`: the default of the connection.
    pub commit_within: Option<Duration>,
    /// No commit stays invisible longer than this; `None`: the default of the connection.
    pub visible_within: Option<Duration>,
    /// How long one request may take before nobody knows what became of it; `None`: a minute.
    pub timeout: Option<Duration>,
    /// Whether waits are long and the first write is confirmed by name; `None`: unless the sandbox answers.
    pub live: Option<bool>,
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

/// The configuration: every profile of the file that was found.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The file, if there is one.
    pub path: Option<PathBuf>,
    profiles: BTreeMap<String, Profile>,
}

impl Config {
    /// Reads the named file, or finds one; no file at all is an empty configuration.
    ///
    /// # Errors
    /// When the named file is missing, or the file is not as it should be.
    pub fn load(named: Option<&Path>, folder: &Path) -> Result<Self> {
        let path = match named {
            Some(path) => Some(path.to_owned()),
            None => find(folder),
        };
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let text = infile::text(&path, infile::MOST_WORDS).map_err(|error| {
            Error::usage("cannot read the configuration")
                .at(path.display())
                .caused_by(error)
        })?;
        let profiles = file::read(&text, &path)?;
        Ok(Self {
            path: Some(path),
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

fn find(folder: &Path) -> Option<PathBuf> {
    let beside = folder
        .ancestors()
        .map(|folder| folder.join(FILE_NAME))
        .find(|path| path.is_file());
    beside.or_else(|| {
        use etcetera::BaseStrategy;
        let home = etcetera::choose_base_strategy().ok()?;
        let path = home.config_dir().join("deskferry").join(FILE_NAME);
        path.is_file().then_some(path)
    })
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
    }
}
