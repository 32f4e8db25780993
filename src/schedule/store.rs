//! What is kept of a schedule: a folder with what it is (`schedule.toml`), what came of it (`history.json`), its log and
//! its lock. Nothing of it is a secret, and its owner alone can read it.

use std::fmt;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::decide::{CountFrom, count_from};
use super::install::Installed;
use super::when::When;
use crate::error::{Error, Result};
use crate::ledger::{private_file, private_folder};
use crate::outfile::{self, Readers};

/// So many runs are remembered.
const REMEMBERED: usize = 50;
/// So long may a name be: it is part of the names of files and of services.
const LONGEST_NAME: usize = 40;

/// The name of a schedule: letters, digits, `-` and `_`. It names a folder and a service on every system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !begins || text.len() > LONGEST_NAME || !text.chars().all(plain) {
            return Err(format!(
                "a name is up to {LONGEST_NAME} small letters, digits, `-` and `_`, such as monday-report"
            ));
        }
        // Windows keeps these for devices, whatever the folder.
        let device = matches!(text, "con" | "prn" | "aux" | "nul")
            || (text.len() == 4 && (text.starts_with("com") || text.starts_with("lpt")));
        if device {
            return Err("Windows keeps this name for a device: take another".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl Name {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An export that is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// When, as a cron expression of five fields.
    pub cron: String,
    /// The zone whose clock it goes by, by its IANA name.
    pub timezone: String,
    /// Since when times count.
    pub added: Timestamp,
    /// The folder in which the export runs: relative paths are in it.
    pub folder: PathBuf,
    /// The words of the export, `export` the first.
    pub export: Vec<String>,
    /// Which of the words ends with the name of the file.
    pub output_word: usize,
    /// The name of the file, with braces.
    pub output: String,
    /// The profile, or `sandbox`: two runs never go to one at once, they would share its rate.
    pub target: String,
    /// Up to so many seconds later, so that not everybody comes at seven.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub jitter_seconds: u64,
    /// How many of the written files stay; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<u32>,
    /// Whether what people wrote into the file of the last run goes into the new one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub carries_remarks: bool,
    /// What the platform's shell does after a run that went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_success: Option<String>,
    /// What it does after one that did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<String>,
    /// A file of variables for the export, read anew for each run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_file: Option<PathBuf>,
    /// Where it is installed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub installed: Vec<Installed>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Schedule {
    /// When.
    ///
    /// # Errors
    /// When expression or zone are none: the file was changed by hand, or the zone is not known on this machine.
    pub fn when(&self) -> Result<When> {
        let zone = TimeZone::get(&self.timezone).map_err(|error| {
            Error::usage(format!("no time zone `{}`", self.timezone)).caused_by(error)
        })?;
        When::new(&self.cron, zone)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The file is written.
    Done,
    /// The export ended with an error.
    Failed,
    /// It was stopped: it counts as not run.
    Interrupted,
}

impl Outcome {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// One run that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// The time that it was for; `None`: it was run by hand.
    pub due: Option<Timestamp>,
    /// How many times before that were missed.
    pub missed: u64,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// The exit code of the export; `None`: it was killed, or never began.
    pub exit: Option<i32>,
    /// What it wrote.
    pub files: Vec<PathBuf>,
    /// What went wrong, on one line.
    pub message: Option<String>,
    /// What to do about it.
    #[serde(default)]
    pub hints: Vec<String>,
}

/// A file that a run wrote, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Where.
    pub path: PathBuf,
    /// How many bytes.
    pub bytes: u64,
    /// When it was changed last, as far as the disk tells.
    pub modified: Option<Timestamp>,
    /// Its `.bak`, where that is what the schedule itself had written there before.
    #[serde(default)]
    pub backup: Option<Box<WrittenFile>>,
}

/// What came of a schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Times up to this moment are done with.
    pub done_until: Option<Timestamp>,
    /// The runs, the newest last.
    pub runs: Vec<Past>,
    /// The files that it wrote and that are there as far as is known, the newest last.
    pub files: Vec<WrittenFile>,
}

impl History {
    /// Adds a run, and forgets the oldest where there are many.
    pub fn add(&mut self, past: Past) {
        self.runs.push(past);
        let too_many = self.runs.len().saturating_sub(REMEMBERED);
        self.runs.drain(..too_many);
    }

    /// From when times of the schedule count at `now`.
    pub fn count_from(&self, schedule: &Schedule, now: Timestamp) -> CountFrom {
        let begun = self
            .runs
            .iter()
            .filter(|past| past.outcome != Outcome::Interrupted)
            .map(|past| past.started);
        let done_until = self.done_until.unwrap_or(schedule.added);
        count_from(done_until, begun.chain([schedule.added]), now)
    }

    /// The last run.
    pub fn last(&self) -> Option<&Past> {
        self.runs.last()
    }
}

/// The right to run a schedule; given back when it and every copy of its file are gone, or their processes.
#[derive(Debug)]
pub struct Held(File);

impl Held {
    /// The lock once more, to be inherited: as long as the one who has it lives, it is held.
    pub(super) fn shared(&self) -> std::io::Result<File> {
        self.0.try_clone()
    }
}

/// All schedules of a state folder.
#[derive(Debug, Clone)]
pub struct Store(PathBuf);

impl Store {
    /// Opens the folder, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(folder: PathBuf) -> Result<Self> {
        private_folder(&folder)?;
        Ok(Self(folder))
    }

    /// Where the health file lies, unless another place is given.
    pub fn health(&self) -> PathBuf {
        self.0.join("health.json")
    }

    /// The log of a schedule.
    pub fn log(&self, name: &Name) -> PathBuf {
        self.folder(name).join("log.txt")
    }

    fn folder(&self, name: &Name) -> PathBuf {
        self.0.join(name.as_str())
    }

    fn file(&self, name: &Name) -> PathBuf {
        self.folder(name).join("schedule.toml")
    }

    fn history_file(&self, name: &Name) -> PathBuf {
        self.folder(name).join("history.json")
    }

    /// All names, in order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn names(&self) -> Result<Vec<Name>> {
        let unreadable = |error| unreadable(&self.0, error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.0).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?.file_name();
            if let Some(name) = entry.to_str().and_then(|name| name.parse().ok())
                && self.has(&name)
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Whether there is one of that name.
    pub fn has(&self, name: &Name) -> bool {
        self.file(name).is_file()
    }

    /// One schedule.
    ///
    /// # Errors
    /// When there is none; the hint lists those there are.
    pub fn load(&self, name: &Name) -> Result<Schedule> {
        let path = self.file(name);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(self.no_such(name));
            }
            Err(error) => return Err(unreadable(&path, error)),
        };
        toml::from_str(&text).map_err(|error| {
            Error::usage(error.message().to_owned())
                .at(path.display())
                .hint(format!(
                    "add it anew: deskferry schedule add {name} --replace …"
                ))
        })
    }

    fn no_such(&self, name: &Name) -> Error {
        let names = self.names().unwrap_or_default();
        let error = Error::usage(format!("no schedule `{name}`"));
        if names.is_empty() {
            error.hint("there is none yet: `deskferry schedule add` makes one")
        } else {
            let names: Vec<&str> = names.iter().map(Name::as_str).collect();
            error.hint(format!("there is {}", names.join(", ")))
        }
    }

    /// Keeps a schedule, in the place of the one of that name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, name: &Name, schedule: &Schedule) -> Result<()> {
        private_folder(&self.folder(name))?;
        let text = toml::to_string_pretty(schedule)
            .map_err(|error| Error::machine("the schedule cannot be written").caused_by(error))?;
        replace(&self.file(name), text.as_bytes())
    }

    /// What came of one; nothing yet where nothing is known.
    ///
    /// # Errors
    /// When the file cannot be read: what was written by the schedule must not be forgotten.
    pub fn history(&self, name: &Name) -> Result<History> {
        let path = self.history_file(name);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                Error::machine("what came of the schedule cannot be read")
                    .at(path.display())
                    .caused_by(error)
                    .hint("take the file away: the schedule then begins anew, and forgets which files it wrote")
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(History::default()),
            Err(error) => Err(unreadable(&path, error)),
        }
    }

    /// Keeps what came of one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_history(&self, name: &Name, history: &History) -> Result<()> {
        let text = serde_json::to_vec_pretty(history)
            .map_err(|error| Error::machine("the history cannot be written").caused_by(error))?;
        replace(&self.history_file(name), &text)
    }

    /// The right to run one; `None`: it is running.
    ///
    /// # Errors
    /// When the lock cannot be had at all.
    pub fn hold(&self, name: &Name) -> Result<Option<Held>> {
        let path = self.folder(name).join("lock");
        let file = private_file(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Held(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::machine("cannot lock the state folder")
                .at(path.display())
                .hint("choose a folder on a local disk with `--state DIR`")
                .caused_by(error)),
        }
    }

    /// Takes one away with its history and its log; the files that it exported stay.
    ///
    /// # Errors
    /// When the folder cannot be taken away.
    pub fn remove(&self, name: &Name, held: Held) -> Result<()> {
        // Windows does not take away a file that is open.
        drop(held);
        let folder = self.folder(name);
        std::fs::remove_dir_all(&folder).map_err(|error| unwritable(&folder, error))
    }
}

/// Writes a file that only its owner can read; who reads it meanwhile sees the old one whole, or the new one.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<()> {
    outfile::replace(path, content, Readers::Owner).map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::machine("what is kept of a schedule cannot be written")
        .at(path.display())
        .hint("make the folder writable, or choose another with `--state DIR`")
        .caused_by(error)
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::machine("the state folder cannot be read")
        .at(path.display())
        .caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_of_folders_and_services_everywhere() {
        for good in ["monday", "a", "0-9_x"] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        let long = "a".repeat(41);
        for wrong in [
            "", "Monday", "-a", "a b", "../a", "a.b", "con", "lpt1", "a/b", "ä", &long,
        ] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_alone_holds_a_schedule_until_every_copy_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("schedules")).unwrap();
        let name: Name = "monday".parse().unwrap();
        private_folder(&store.folder(&name)).unwrap();
        let held = store.hold(&name).unwrap().unwrap();
        let inherited = held.shared().unwrap();
        assert!(store.hold(&name).unwrap().is_none());
        drop(held);
        assert!(store.hold(&name).unwrap().is_none());
        drop(inherited);
        assert!(store.hold(&name).unwrap().is_some());
    }

    #[test]
    fn the_oldest_runs_are_forgotten() {
        let mut history = History::default();
        for second in 0..60 {
            let started = Timestamp::from_second(second).unwrap();
            history.add(Past {
                due: None,
                missed: 0,
                started,
                ended: started,
                outcome: Outcome::Done,
                exit: Some(0),
                files: Vec::new(),
                message: None,
                hints: Vec::new(),
            });
        }
        assert_eq!(history.runs.len(), REMEMBERED);
        assert_eq!(history.last().unwrap().started.as_second(), 59);
    }
}
