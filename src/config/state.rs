//! The state folder: ledger, directory cache, sandbox data. Readable by its owner only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Reserved;
use crate::error::{Error, Result};
use crate::outfile;
use crate::systems::Dialect;

/// The rates that were found, by profile.
const RATES: &str = "rates.json";

/// The dialects that answered, by profile and address.
const DIALECTS: &str = "dialects.json";

/// The folder in which everything lives that must outlast a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateFolder(PathBuf);

impl StateFolder {
    /// The folder given by flag or environment, else the user's own; made if it is not there.
    ///
    /// # Errors
    /// When there is no such place or it cannot be made or written.
    pub fn open(given: Option<&Path>) -> Result<Self> {
        let path = match given {
            Some(path) => path.to_owned(),
            None => default_folder()?,
        };
        let failed = |error: std::io::Error| {
            Error::machine("cannot write to the state folder")
                .at(path.display())
                .caused_by(error)
                .hint("make it writable, or choose another one with --state DIR or DESKFERRY_STATE")
        };
        // A folder that the user had before keeps its mode: the files in it are private by themselves.
        if !path.is_dir() {
            std::fs::create_dir_all(&path).map_err(failed)?;
            keep_private(&path).map_err(failed)?;
        }
        // A folder on a read-only disk exists and is ours: only writing shows it.
        tempfile::tempfile_in(&path).map_err(failed)?;
        Ok(Self(path))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        self.0.join("ledger.sqlite")
    }

    /// The folder of the schedules.
    pub fn schedules(&self) -> PathBuf {
        self.0.join("schedules")
    }

    /// The rate that an earlier run found for a profile, in requests per second; what cannot be read was not found.
    pub fn found_rate(&self, profile: &str) -> Option<f64> {
        self.found_rates().get(profile).copied()
    }

    /// Keeps the rate that was found for a profile.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_found_rate(&self, profile: &str, rate: f64) -> std::io::Result<()> {
        let mut rates = self.found_rates();
        rates.insert(profile.to_owned(), (rate * 100.0).round() / 100.0);
        let text = serde_json::to_vec_pretty(&rates)?;
        outfile::replace(&self.0.join(RATES), &text, outfile::Readers::Owner)
    }

    fn found_rates(&self) -> BTreeMap<String, f64> {
        let text = std::fs::read(self.0.join(RATES)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// The dialect that answered a profile before, by the profile's name and address; what cannot be read is not known.
    pub fn found_dialect(&self, profile: &str) -> Option<Dialect> {
        self.found_dialects().get(profile).copied()
    }

    /// Keeps the dialect that answered a profile.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_found_dialect(&self, profile: &str, dialect: Dialect) -> std::io::Result<()> {
        let mut dialects = self.found_dialects();
        // A profile has one address at a time.
        let (name, _) = profile.split_once(' ').unwrap_or((profile, ""));
        dialects.retain(|known, _| known.split_once(' ').is_none_or(|(other, _)| other != name));
        dialects.insert(profile.to_owned(), dialect);
        let text = serde_json::to_vec_pretty(&dialects)?;
        outfile::replace(&self.0.join(DIALECTS), &text, outfile::Readers::Owner)
    }

    fn found_dialects(&self) -> BTreeMap<String, Dialect> {
        let text = std::fs::read(self.0.join(DIALECTS)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// The folder of a tenant of the embedded sandbox.
    pub fn sandbox(&self, reserved: Reserved) -> PathBuf {
        self.0.join(reserved.folder())
    }

    /// The folder that `--sandbox` had for both systems in earlier versions, where there is one: its tickets stay where the
    /// ledger knows them.
    pub fn earlier_sandbox(&self) -> Option<PathBuf> {
        let folder = self.0.join("sandbox");
        folder.join("journal.jsonl").is_file().then_some(folder)
    }
}

#[cfg(unix)]
fn keep_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

// On Windows the folder lies in the user's profile, which other users cannot read.
#[cfg(not(unix))]
fn keep_private(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

fn default_folder() -> Result<PathBuf> {
    let home = || {
        etcetera::home_dir().map_err(|error| {
            Error::machine("your home folder is not known")
                .caused_by(error)
                .hint("give the state folder with --state DIR")
        })
    };
    if cfg!(target_os = "macos") {
        return Ok(home()?.join("Library/Application Support/deskferry"));
    }
    if cfg!(windows) {
        return match std::env::var_os("LOCALAPPDATA") {
            Some(folder) => Ok(PathBuf::from(folder).join("deskferry")),
            None => Ok(home()?.join("AppData\\Local\\deskferry")),
        };
    }
    match std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
    {
        Some(folder) => Ok(folder.join("deskferry")),
        None => Ok(home()?.join(".local/state/deskferry")),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_rate_that_was_found_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(Some(folder.path())).unwrap();
        assert_eq!(state.found_rate("district"), None);
        state.keep_found_rate("district", 38.123).unwrap();
        state.keep_found_rate("support", 9.0).unwrap();
        assert_eq!(state.found_rate("district"), Some(38.12));
        std::fs::write(folder.path().join(RATES), "{").unwrap();
        assert_eq!(state.found_rate("district"), None);
    }

    #[test]
    fn the_dialect_that_answered_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(Some(folder.path())).unwrap();
        assert_eq!(state.found_dialect("support"), None);
        state.keep_found_dialect("support", Dialect::Rest).unwrap();
        state.keep_found_dialect("second", Dialect::V1).unwrap();
        assert_eq!(state.found_dialect("support"), Some(Dialect::Rest));
        std::fs::write(folder.path().join(DIALECTS), "{").unwrap();
        assert_eq!(state.found_dialect("support"), None);
    }

    #[test]
    fn the_folder_is_the_owners_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state");
        StateFolder::open(Some(&path)).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }
}
