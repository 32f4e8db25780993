//! `deskferry schedule`: an export that is repeated.

mod add;
mod install;
mod list;
mod run;

use std::path::PathBuf;

use jiff::Timestamp;

use super::args::{Global, ScheduleCommand};
use super::output::Output;
use crate::config::StateFolder;
use crate::error::{Error, ExitCode, Result};
use crate::schedule::{Store, When};

/// What every one of these commands looks at, in absolute paths: a service starts elsewhere.
struct Places {
    store: Store,
    state: PathBuf,
    program: PathBuf,
}

impl Places {
    fn of(global: &Global) -> Result<Self> {
        let state = StateFolder::open(global.state.as_deref())?;
        let absolute = std::path::absolute(state.path()).map_err(|error| {
            Error::machine("the state folder cannot be named")
                .at(state.path().display())
                .caused_by(error)
        })?;
        let program = std::env::current_exe().map_err(|error| {
            Error::machine("it is not known where this program is").caused_by(error)
        })?;
        Ok(Self {
            store: Store::open(absolute.join("schedules"))?,
            state: absolute,
            program,
        })
    }
}

pub(super) async fn run(
    command: ScheduleCommand,
    global: &Global,
    output: &Output,
) -> Result<ExitCode> {
    let places = Places::of(global)?;
    match command {
        ScheduleCommand::Add(args) => add::run(*args, global, &places, *output),
        ScheduleCommand::List => list::run(&places, *output),
        ScheduleCommand::Run(args) => run::run(args, places, &global.force, *output).await,
        ScheduleCommand::Install(args) => install::install(&args, &places, *output),
        ScheduleCommand::Remove { name } => install::remove(&name, &places, *output),
    }
}

/// `Mon 2026-11-23 07:00 CST`, in the zone of the schedule.
fn moment(at: Timestamp, when: &When) -> String {
    let at = at.to_zoned(when.zone().clone());
    at.strftime("%a %Y-%m-%d %H:%M %Z").to_string()
}
