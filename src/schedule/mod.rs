//! Exports that are repeated: when, what, what came of it.
//!
//! ```text
//! schedule.toml ─▶ when ─▶ decide (schedules, now) ─▶ attempt: lock, name of the file, child process, log ─▶ history.json
//! store            croner   pure: start, wait, wake    the export itself is our own program once more         outcome, files
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `when` | `--every`, `--at`, `--cron` → one cron expression with a zone; the next and the last time |
//! | `template` | names of files with the day in them |
//! | `store` | a folder a schedule: what it is, what came of it, its log, its lock |
//! | `environment` | variables that an export is given from a file |
//! | `decide` | what is started, what waits, when to look again: a pure function of the clock |
//! | `attempt` | one run: the export as a process of its own, what is kept of it, the commands of the user |
//! | `child` | a process: its output into the log, stopped politely first |
//! | `log` | lines with their time, in files of bounded size |
//! | `retention` | which of the written files stay |
//! | `service` | the loop around `decide`, until it is stopped; the health file |
//! | `install` | the same wish in the words of systemd, cron, launchd and the Windows Task Scheduler |
//!
//! # What always holds
//!
//! - A schedule never holds a token: it holds the words of an `export`, and those name a profile.
//! - Two runs of one schedule never overlap, whoever starts them: a lock that dies with its process.
//! - What was missed is caught up once, however often it was missed.
//! - A moment that is still to come is never believed: a clock that was ahead silences no schedule.
//! - Only files that this schedule wrote, and that nobody has changed since, are ever deleted.

mod attempt;
mod child;
mod decide;
mod environment;
pub mod install;
mod log;
mod retention;
mod service;
mod store;
mod template;
mod when;

pub use attempt::{Attempt, Caller, attempt, wrong_clock};
pub use decide::{CountFrom, Decision, Due, Watched, count_from, decide};
pub use environment::read as read_environment;
pub use service::{Service, Standing, Told, standing};
pub use store::{Held, History, Name, Outcome, Past, Schedule, Store};
pub use template::{Template, TemplateFault};
pub use when::{Every, When};
