//! `schedule install` and `schedule remove`: this machine's own scheduler.

use std::process::{Command, Stdio};

use jiff::tz::TimeZone;
use serde_json::json;

use super::super::args::InstallArgs;
use super::super::output::Output;
use super::Places;
use crate::error::{Error, ErrorKind, ExitCode, Result};
use crate::schedule::Name;
use crate::schedule::install::{self, Installed, Rendered, Wish};

/// What a service of the system still has of the environment: who the user is, and where programs are.
#[cfg(not(windows))]
const LEFT: &[&str] = &["HOME", "USER", "LOGNAME"];
#[cfg(windows)]
const LEFT: &[&str] = &[
    "SystemRoot",
    "SystemDrive",
    "USERPROFILE",
    "USERNAME",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "TEMP",
    "TMP",
    "ComSpec",
    "PATHEXT",
    "PATH",
];

pub(super) fn install(args: &InstallArgs, places: &Places, output: Output) -> Result<ExitCode> {
    let name = &args.name;
    let mut schedule = places.store.load(name)?;
    let kinds = [
        (args.systemd, Installed::Systemd),
        (args.cron, Installed::Cron),
        (args.launchd, Installed::Launchd),
        (args.task_scheduler, Installed::TaskScheduler),
    ];
    let chosen = kinds.iter().find(|(chosen, _)| *chosen);
    let kind = chosen.map_or_else(Installed::usual, |(_, kind)| *kind);
    let user = install::Places::of_user()?;
    let wish = Wish {
        name,
        when: &schedule.when()?,
        jitter_seconds: schedule.jitter_seconds,
        program: &places.program,
        state: &places.state,
        local: &TimeZone::system(),
        places: &user,
    };
    let rendered = install::render(kind, &wish)?;
    if args.print {
        return print(kind, &rendered, output);
    }
    let known = schedule.installed.contains(&kind);
    if !known && install::is_foreign(&rendered, &places.state) {
        return Err(Error::usage(format!(
            "{kind} has something of this name that is not of this schedule"
        ))
        .hint("take it away, or give the schedule another name"));
    }
    rehearse(name, kind, places, output)?;
    install::apply(kind, &rendered, name, &places.state)?;
    if !known {
        schedule.installed.push(kind);
        places.store.keep(name, &schedule)?;
    }
    if output.is_json() {
        output.data(&json!({"name": name.as_str(), "installed": kind}).to_string())?;
    }
    output.say(&format!("  installed  {name} with {kind}"));
    for note in &rendered.notes {
        output.say(&format!("  note       {note}"));
    }
    Ok(ExitCode::Done)
}

fn print(kind: Installed, rendered: &Rendered, output: Output) -> Result<ExitCode> {
    if output.is_json() {
        let parts = rendered
            .parts
            .iter()
            .map(|part| json!({"file": part.path, "text": part.text}));
        let document =
            json!({"scheduler": kind, "parts": parts.collect::<Vec<_>>(), "notes": rendered.notes});
        output.data(&document.to_string())?;
        return Ok(ExitCode::Done);
    }
    for part in &rendered.parts {
        // The place is for people, the text can be piped on.
        if let Some(path) = &part.path {
            output.say(&format!("  file       {}", path.display()));
        }
        output.data(part.text.trim_end())?;
    }
    for note in &rendered.notes {
        output.say(&format!("  note       {note}"));
    }
    Ok(ExitCode::Done)
}

/// Runs it once as the scheduler will: without this terminal's variables.
fn rehearse(name: &Name, kind: Installed, places: &Places, output: Output) -> Result<()> {
    output.say(&format!(
        "  rehearsal  {name} runs once as {kind} would run it"
    ));
    let mut command = Command::new(&places.program);
    command
        .args(["schedule", "run", name.as_str(), "--once", "--state"])
        .arg(&places.state)
        .args(["--format", "json"])
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    if cfg!(not(windows)) {
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
    }
    for variable in LEFT {
        if let Some(value) = std::env::var_os(variable) {
            command.env(variable, value);
        }
    }
    let ended = command
        .output()
        .map_err(|error| Error::machine("the rehearsal cannot be started").caused_by(error))?;
    if ended.status.success() {
        return Ok(());
    }
    let document: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap_or_default();
    let why = document["error"]["message"]
        .as_str()
        .unwrap_or("it did not say why");
    let kind = match ended.status.code() {
        Some(1) => ErrorKind::Refused,
        Some(2) => ErrorKind::Usage,
        Some(3) => ErrorKind::System,
        Some(130) => ErrorKind::Interrupted,
        _ => ErrorKind::Machine,
    };
    Err(Error::new(kind, format!("nothing is installed: run as a service would run it, {why}"))
        .hint("a service does not see this terminal's variables: let the profile's token be in a file, token = { file = \"…\" }")
        .hint(format!("or name a file of variables: deskferry schedule add {name} --replace --environment-file FILE …")))
}

pub(super) fn remove(name: &Name, places: &Places, output: Output) -> Result<ExitCode> {
    let mut schedule = places.store.load(name)?;
    let Some(held) = places.store.hold(name)? else {
        return Err(Error::usage(format!("the schedule `{name}` is running"))
            .hint("stop it, or wait until it has ended"));
    };
    let user = install::Places::of_user()?;
    while let Some(kind) = schedule.installed.first().copied() {
        install::take_away(kind, name, &places.state, &user)?;
        // Should the next one fail, this one is not tried again.
        schedule.installed.remove(0);
        places.store.keep(name, &schedule)?;
        output.say(&format!("  taken from {kind}"));
    }
    places.store.remove(name, held)?;
    output.say(&format!(
        "  removed    {name}; the files that it exported stay"
    ));
    if output.is_json() {
        output.data(&json!({"removed": name.as_str()}).to_string())?;
    }
    Ok(ExitCode::Done)
}
