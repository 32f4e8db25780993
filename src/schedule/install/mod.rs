//! A schedule in the words of the machine's own scheduler: systemd, cron, launchd, the Windows Task Scheduler.
//!
//! Each of them calls `deskferry schedule run NAME --once` when its time has come. What a scheduler cannot say — another
//! zone than the machine's, the last friday of the month, a jitter where it knows none — is polled: it calls
//! `deskferry schedule run NAME --due` every five minutes, which looks at the clock itself and mostly ends at once.
//!
//! Rendering is pure; [`apply`] and [`take_away`] change the machine.

mod apply;
mod calendar;
mod cron;
mod launchd;
mod systemd;
mod windows;

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::store::Name;
use super::when::When;
use crate::error::{Error, Result};
use calendar::Calendar;

pub use apply::{apply, is_foreign, take_away};

/// How often a polled schedule is looked at, in minutes.
const POLL: u32 = 5;

/// A scheduler of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Installed {
    /// A timer and a service of the user's systemd.
    Systemd,
    /// A line of the user's crontab.
    Cron,
    /// An agent of the user's launchd.
    Launchd,
    /// A task of the Windows Task Scheduler.
    TaskScheduler,
}

impl Installed {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Systemd,
        Self::Cron,
        Self::Launchd,
        Self::TaskScheduler,
    ];

    /// The one that this kind of machine has.
    pub fn usual() -> Self {
        if cfg!(windows) {
            Self::TaskScheduler
        } else if cfg!(target_os = "macos") {
            Self::Launchd
        } else if Path::new("/run/systemd/system").is_dir() {
            Self::Systemd
        } else {
            Self::Cron
        }
    }
}

impl fmt::Display for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Systemd => "systemd",
            Self::Cron => "cron",
            Self::Launchd => "launchd",
            Self::TaskScheduler => "the Windows Task Scheduler",
        })
    }
}

/// What is to be installed.
#[derive(Debug)]
pub struct Wish<'a> {
    /// The schedule.
    pub name: &'a Name,
    /// When.
    pub when: &'a When,
    /// Up to so many seconds later.
    pub jitter_seconds: u64,
    /// Our own executable file, absolute.
    pub program: &'a Path,
    /// The state folder, absolute.
    pub state: &'a Path,
    /// The zone of the machine's clock.
    pub local: &'a TimeZone,
    /// The user's folders.
    pub places: &'a Places,
}

/// The folders of a user in which schedulers look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Home.
    pub home: PathBuf,
    /// The configuration, on Linux `~/.config`.
    pub config: PathBuf,
}

impl Places {
    /// Those of the user who runs this.
    ///
    /// # Errors
    /// When there is no home folder.
    pub fn of_user() -> Result<Self> {
        let unknown = |error| Error::machine("your home folder is not known").caused_by(error);
        let home = etcetera::home_dir().map_err(unknown)?;
        let config = std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
            .unwrap_or_else(|| home.join(".config"));
        Ok(Self { home, config })
    }
}

/// What is installed: files and what is done with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The files to write, or the text that goes elsewhere (a crontab).
    pub parts: Vec<Part>,
    /// What people should know.
    pub notes: Vec<String>,
}

/// A text and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The file; `None`: the crontab, or a file that only travels.
    pub path: Option<PathBuf>,
    /// What stands in it.
    pub text: String,
}

/// The schedule in the words of one scheduler.
///
/// # Errors
/// When a path cannot be said in these words.
pub fn render(kind: Installed, wish: &Wish<'_>) -> Result<Rendered> {
    let paths = Paths {
        program: plain(wish.program)?,
        state: plain(wish.state)?,
    };
    match kind {
        Installed::Systemd => systemd::render(wish, &paths),
        Installed::Cron => Ok(cron::render(wish, &paths)),
        Installed::Launchd => Ok(launchd::render(wish, &paths)),
        Installed::TaskScheduler => windows::render(wish, &paths),
    }
}

/// The paths as text that every scheduler can hold.
struct Paths<'a> {
    program: &'a str,
    state: &'a str,
}

fn plain(path: &Path) -> Result<&str> {
    path.to_str()
        .filter(|text| !text.chars().any(char::is_control))
        .ok_or_else(|| {
            Error::usage("a path with control characters or without a spelling in Unicode cannot be installed")
                .at(path.display())
                .hint("move the program, or choose another state folder with --state DIR")
        })
}

/// Whether the scheduler can say when by itself.
enum Timing {
    /// It can.
    Own(Calendar),
    /// We are asked every few minutes.
    Polled,
}

impl Timing {
    /// `knows_zones` and `knows_jitter`: what the scheduler can say beyond a calendar.
    fn of(wish: &Wish<'_>, knows_zones: bool, knows_jitter: bool) -> Self {
        let same_clock = knows_zones || wish.when.zone() == wish.local;
        let in_time = knows_jitter || wish.jitter_seconds == 0;
        match Calendar::of(wish.when) {
            Some(calendar) if same_clock && in_time => Self::Own(calendar),
            _ => Self::Polled,
        }
    }

    fn is_polled(&self) -> bool {
        matches!(self, Self::Polled)
    }
}

impl Wish<'_> {
    /// The words after the program.
    fn words<'a>(&'a self, paths: &Paths<'a>, polled: bool) -> [&'a str; 6] {
        let how = if polled { "--due" } else { "--once" };
        [
            "schedule",
            "run",
            self.name.as_str(),
            how,
            "--state",
            paths.state,
        ]
    }

    fn notes(&self, polled: bool) -> Vec<String> {
        if polled {
            vec![format!(
                "this scheduler cannot say `{}` by itself: it asks every {POLL} minutes whether it is time",
                self.when
            )]
        } else {
            Vec::new()
        }
    }
}

fn xml(text: &str) -> String {
    html_escape::encode_quoted_attribute(text).replace('\'', "&apos;")
}

#[cfg(test)]
mod tests;
