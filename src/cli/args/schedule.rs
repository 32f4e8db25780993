//! `deskferry schedule …`: what was typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::schedule::{Every, Name};

/// `deskferry schedule …`
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ScheduleCommand {
    /// Repeat an export from now on
    #[command(
        after_help = "Example:\n  deskferry schedule add weekly --every monday --at 07:00 --keep 12 -- export -o tickets-{date}.jsonl --period last-week --profile sandbox:incidentiq"
    )]
    Add(Box<AddArgs>),
    /// All schedules: when, what, the next and the last run, what was missed
    #[command(after_help = "Example:\n  deskferry schedule list")]
    List,
    /// Run what is due, until it is stopped; or one of them now
    #[command(
        after_help = "Example:\n  deskferry schedule run weekly --once\n\nWithout --once it stays and runs everything in its time:\n  deskferry schedule run"
    )]
    Run(RunArgs),
    /// Hand a schedule to this machine's own scheduler
    #[command(after_help = "Example:\n  deskferry schedule install weekly --cron --print")]
    Install(InstallArgs),
    /// End a schedule, and take away what was installed; exported files stay
    #[command(after_help = "Example:\n  deskferry schedule remove weekly")]
    Remove {
        /// Its name
        name: Name,
    },
}

/// `deskferry schedule add`
#[derive(Debug, Args)]
pub(in crate::cli) struct AddArgs {
    /// What it is called: small letters, digits, `-` and `_`
    pub name: Name,
    /// How often: day, weekday, hour, month (its first day), monday,thursday or 15 minutes
    #[arg(
        long,
        value_name = "HOW OFTEN",
        conflicts_with = "cron",
        required_unless_present = "cron"
    )]
    pub every: Option<Every>,
    /// At what time of the day: 07:00
    #[arg(long, value_name = "HH:MM", requires = "every", value_parser = time_of_day)]
    pub at: Option<jiff::civil::Time>,
    /// When, as a cron expression of five fields
    #[arg(long, value_name = "EXPR")]
    pub cron: Option<String>,
    /// The zone of these times [default: the profile's, else this machine's]
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// Begin up to so much later, each time another: 5m, 90s
    #[arg(long, value_name = "TIME", value_parser = length)]
    pub jitter: Option<jiff::SignedDuration>,
    /// Keep so many of the files that it writes, and delete older ones of its own
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: Option<u32>,
    /// Take what people wrote into the file of the last run into the new one
    #[arg(long)]
    pub carry_remarks: bool,
    /// What the shell does after a run that went well; it finds DESKFERRY_SCHEDULE, DESKFERRY_FILE, DESKFERRY_EXIT
    #[arg(long, value_name = "COMMAND")]
    pub on_success: Option<String>,
    /// What it does after one that failed
    #[arg(long, value_name = "COMMAND")]
    pub on_failure: Option<String>,
    /// A file of variables for the export, NAME=value a line: where the token may be
    #[arg(long, value_name = "FILE")]
    pub environment_file: Option<PathBuf>,
    /// Take the place of the schedule of that name
    #[arg(long)]
    pub replace: bool,
    /// The export with all its flags; braces in the name of its file are filled: {date} {year} {month} {day} {week} {time}
    #[arg(last = true, required = true, value_name = "export …")]
    pub export: Vec<String>,
}

/// `deskferry schedule run`
#[derive(Debug, Args)]
pub(in crate::cli) struct RunArgs {
    /// Only these [default: all, those added later too]
    pub names: Vec<Name>,
    /// Run the named one now, and end as it ends
    #[arg(
        long,
        visible_alias = "now",
        requires = "names",
        conflicts_with = "due"
    )]
    pub once: bool,
    /// Run what is due now, and end
    #[arg(long)]
    pub due: bool,
    /// Where it says that it is alive [default: schedules/health.json in the state folder]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["once", "due"])]
    pub health: Option<PathBuf>,
}

/// `deskferry schedule install`
#[derive(Debug, Args)]
pub(in crate::cli) struct InstallArgs {
    /// Its name
    pub name: Name,
    /// As a timer of your systemd
    #[arg(long, group = "scheduler")]
    pub systemd: bool,
    /// As a line of your crontab
    #[arg(long, group = "scheduler")]
    pub cron: bool,
    /// As an agent of your launchd (macOS)
    #[arg(long, group = "scheduler")]
    pub launchd: bool,
    /// As a task of the Windows Task Scheduler
    #[arg(long, group = "scheduler")]
    pub task_scheduler: bool,
    /// Only show what would be installed
    #[arg(long)]
    pub print: bool,
}

fn time_of_day(text: &str) -> Result<jiff::civil::Time, String> {
    let wrong = || format!("`{text}` is no time of day, write 07:00 or 18:30");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| match text.len() {
        1 | 2 => text.parse::<i8>().map_err(|_| wrong()),
        _ => Err(wrong()),
    };
    jiff::civil::Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| wrong())
}

fn length(text: &str) -> Result<jiff::SignedDuration, String> {
    let length: Result<jiff::SignedDuration, _> = text.parse();
    length
        .ok()
        .filter(jiff::SignedDuration::is_positive)
        .ok_or_else(|| format!("`{text}` is no length of time, write 5m or 90s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_and_lengths() {
        let time = |hour, minute| jiff::civil::Time::new(hour, minute, 0, 0).unwrap();
        assert_eq!(time_of_day("07:00"), Ok(time(7, 0)));
        assert_eq!(time_of_day("7:5"), Ok(time(7, 5)));
        for wrong in ["7", "24:00", "07:60", "-1:00", "7am", "07:00:00", ""] {
            assert!(time_of_day(wrong).is_err(), "{wrong}");
        }
        assert_eq!(length("5m"), Ok(jiff::SignedDuration::from_secs(300)));
        assert!(length("0s").is_err() && length("-5m").is_err() && length("soon").is_err());
    }
}
