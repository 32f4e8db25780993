//! `schedule run`: the service in the foreground, or one run.

use jiff::Timestamp;
use serde_json::json;

use super::super::args::RunArgs;
use super::super::end::Force;
use super::super::interrupt::Interrupts;
use super::super::output::Output;
use super::Places;
use crate::error::{Error, ErrorKind, ExitCode, Result};
use crate::report::words;
use crate::run::{Shutdown, Stop};
use crate::schedule::{
    Attempt, Caller, Name, Outcome, Past, Service, Store, Told, attempt, standing, wrong_clock,
};

pub(super) async fn run(
    args: RunArgs,
    places: Places,
    force: &Force,
    output: Output,
) -> Result<ExitCode> {
    let interrupts = Interrupts::listen(force)?;
    if args.once {
        let [name] = &args.names[..] else {
            return Err(Error::usage("`--once` runs one schedule").hint("name one"));
        };
        return once(name, Caller::Now, &places, interrupts.stop(), output).await;
    }
    if args.due {
        return due(args.names, &places, interrupts.stop(), output).await;
    }
    let store = places.store.clone();
    let service = Service {
        health: args.health.unwrap_or_else(|| store.health()),
        program: places.program,
        state: places.state,
        only: args.names,
        tell: Box::new(move |told| tell(&store, told, output)),
        store: places.store,
    };
    service.serve(interrupts.stop()).await?;
    Ok(ExitCode::Done)
}

/// Runs what is due, one after the other; the exit code is that of the first that failed.
async fn due(names: Vec<Name>, places: &Places, stop: Stop, output: Output) -> Result<ExitCode> {
    let names = match names.is_empty() {
        true => places.store.names()?,
        false => names,
    };
    let mut code = ExitCode::Done;
    for name in &names {
        if *stop.borrow() != Shutdown::None {
            return Ok(ExitCode::Interrupted);
        }
        let standing = standing(&places.store, name, Timestamp::now())?;
        if let Some(moment) = standing.wrong_clock {
            output.say(&format!("  {name}: {}", wrong_clock(moment)));
        }
        let Some((at, missed)) = standing.due.filter(|_| !standing.running) else {
            continue;
        };
        let ended = match once(
            name,
            Caller::Due { at, missed },
            places,
            stop.clone(),
            output,
        )
        .await
        {
            Ok(code) => code,
            Err(error) => {
                output.note(&error);
                error.kind().exit_code()
            }
        };
        if code == ExitCode::Done {
            code = ended;
        }
    }
    Ok(code)
}

async fn once(
    name: &Name,
    caller: Caller,
    places: &Places,
    stop: Stop,
    output: Output,
) -> Result<ExitCode> {
    let this = Attempt {
        store: places.store.clone(),
        program: places.program.clone(),
        state: places.state.clone(),
        name: name.clone(),
        schedule: places.store.load(name)?,
        caller,
    };
    let Some(past) = attempt(this, stop).await? else {
        return Err(
            Error::usage(format!("the schedule `{name}` is running already"))
                .hint("its log says how far it is")
                .hint(format!("the log is {}", places.store.log(name).display())),
        );
    };
    if output.is_json() && past.outcome == Outcome::Done {
        output.data(&json!({"name": name.as_str(), "run": past}).to_string())?;
    }
    match past.outcome {
        Outcome::Done => {
            output.say(&ended(name, &past));
            Ok(ExitCode::Done)
        }
        Outcome::Failed | Outcome::Interrupted => Err(failure(&places.store, name, &past)),
    }
}

/// The one clear line, with what to do.
fn failure(store: &Store, name: &Name, past: &Past) -> Error {
    let kind = match (past.outcome, past.exit) {
        (Outcome::Interrupted, _) | (_, Some(130)) => ErrorKind::Interrupted,
        (_, Some(1)) => ErrorKind::Refused,
        (_, Some(2)) => ErrorKind::Usage,
        (_, Some(3)) => ErrorKind::System,
        _ => ErrorKind::Machine,
    };
    let error = Error::new(kind, ended(name, past).trim_start().to_owned());
    let error = past
        .hints
        .iter()
        .fold(error, |error, hint| error.hint(hint.clone()));
    error.hint(format!("the log is {}", store.log(name).display()))
}

fn ended(name: &Name, past: &Past) -> String {
    let took = words::duration(past.ended.duration_since(past.started).unsigned_abs());
    match past.outcome {
        Outcome::Done => {
            let files: Vec<String> = past
                .files
                .iter()
                .map(|file| file.display().to_string())
                .collect();
            format!("  {name} done in {took} → {}", files.join(", "))
        }
        outcome => {
            let exit = past
                .exit
                .map_or_else(String::new, |code| format!(" (exit code {code})"));
            let message = past.message.as_deref().unwrap_or("no reason is known");
            format!("  {name} {} in {took}{exit}: {message}", outcome.as_str())
        }
    }
}

fn tell(store: &Store, told: Told, output: Output) {
    let now = jiff::Zoned::now();
    let say = |text: String| output.say(&format!("{}  {text}", now.strftime("%Y-%m-%d %H:%M:%S")));
    let at = |at: Timestamp| {
        at.to_zoned(now.time_zone().clone())
            .strftime("%a %Y-%m-%d %H:%M %Z")
            .to_string()
    };
    match told {
        Told::Watching(schedules) => {
            let count = words::plural(schedules.len() as u64, "schedule", "schedules");
            say(format!("looking after {count}; Ctrl-C stops it"));
            for (name, next) in schedules {
                let next = next.map_or_else(|| "never".to_owned(), at);
                say(format!("{name} is next due {next}"));
            }
        }
        Told::Begins {
            name,
            at: due,
            missed,
            late,
        } => {
            let missed = match (missed, late) {
                (0, false) => String::new(),
                (0, true) => ", which was missed".to_owned(),
                (missed, _) => {
                    format!(", which was missed, and {} before it", words::count(missed))
                }
            };
            say(format!("{name} begins: the run of {}{missed}", at(due)));
        }
        Told::Waits { name, at: due } => {
            say(format!(
                "{name} waits with the run of {}: another one still goes",
                at(due)
            ));
        }
        Told::Ended(name, past) if past.outcome == Outcome::Failed => {
            output.note(&failure(store, &name, &past));
        }
        Told::Ended(name, past) => say(ended(&name, &past).trim_start().to_owned()),
        Told::Elsewhere(name) => say(format!("{name} is run by another process")),
        Told::Jumped(by) => {
            let length = words::duration(by.unsigned_abs());
            let which = if by.is_negative() { "back" } else { "on" };
            say(format!(
                "the clock went {which} by {length}: this machine slept, or its clock was set"
            ));
        }
        Told::WrongClock(name, moment) => say(format!("{name}: {}", wrong_clock(moment))),
        Told::Wrong(name, error) => {
            say(format!("{name} cannot run"));
            output.note(&error);
        }
        Told::Stopping(0) => say("stopped".to_owned()),
        Told::Stopping(runs) => say(format!(
            "stopping: {} asked to end; Ctrl-C once more ends at once",
            words::plural(runs as u64, "export is", "exports are")
        )),
    }
}
