//! `schedule list`: what there is, what came of it, what comes next.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::output::Output;
use super::add::line;
use super::{Places, moment};
use crate::error::{ExitCode, Result};
use crate::report::words;
use crate::schedule::{Name, Standing, standing, wrong_clock};

pub(super) fn run(places: &Places, output: Output) -> Result<ExitCode> {
    let now = Timestamp::now();
    let names = places.store.names()?;
    // One that cannot be read is told, and hides no other.
    let all: Vec<(Name, Result<Standing>)> = names
        .into_iter()
        .map(|name| {
            let standing = standing(&places.store, &name, now);
            (name, standing)
        })
        .collect();
    let unreadable = all
        .iter()
        .filter_map(|(_, standing)| standing.as_ref().err());
    let code = unreadable.map(|error| error.kind().exit_code()).next();
    if output.is_json() {
        let documents: Vec<Value> = all
            .iter()
            .map(|(name, standing)| document(name, standing, places))
            .collect();
        output.data(&Value::from(documents).to_string())?;
    } else if all.is_empty() {
        output.say("  there is no schedule yet: `deskferry schedule add` makes one");
    } else {
        let blocks: Vec<String> = all
            .iter()
            .filter_map(|(name, standing)| Some(block(name, standing.as_ref().ok()?)))
            .collect();
        output.data(&blocks.join("\n"))?;
    }
    for (_, standing) in &all {
        if let Err(error) = standing {
            output.note(error);
        }
    }
    Ok(code.unwrap_or(ExitCode::Done))
}

fn block(name: &Name, standing: &Standing) -> String {
    let next = match (standing.running, standing.due, standing.next) {
        (true, _, _) => "running now".to_owned(),
        (false, Some((at, missed)), _) => format!(
            "due since {}, {} missed",
            moment(at, &standing.when),
            words::count(missed + 1)
        ),
        (false, None, Some(next)) => moment(next, &standing.when),
        (false, None, None) => "never".to_owned(),
    };
    let last = match standing.history.last() {
        None => "never".to_owned(),
        Some(past) => {
            let took = past.ended.duration_since(past.started).unsigned_abs();
            let message = past
                .message
                .as_deref()
                .map_or_else(String::new, |message| format!(": {message}"));
            format!(
                "{}  {} in {}{message}",
                moment(past.started, &standing.when),
                past.outcome.as_str(),
                words::duration(took)
            )
        }
    };
    let installed: Vec<String> = standing
        .schedule
        .installed
        .iter()
        .map(ToString::to_string)
        .collect();
    let mut lines = vec![
        format!("{name}"),
        format!("  when       {}", standing.when),
        format!("  export     {}", line(&standing.schedule.export)),
        format!("  next       {next}"),
        format!("  last       {last}"),
    ];
    if let Some(moment) = standing.wrong_clock {
        lines.push(format!("  clock      {}", wrong_clock(moment)));
    }
    if !installed.is_empty() {
        lines.push(format!("  installed  {}", installed.join(", ")));
    }
    lines.join("\n")
}

fn document(name: &Name, standing: &Result<Standing>, places: &Places) -> Value {
    match standing {
        Err(error) => json!({"name": name.as_str(), "error": error.to_string()}),
        Ok(standing) => json!({
            "name": name.as_str(), "schedule": standing.schedule, "next": standing.next, "running": standing.running,
            "due": standing.due.map(|(at, _)| at), "missed": standing.due.map_or(0, |(_, missed)| missed + 1),
            "last": standing.history.last(), "wrong_clock": standing.wrong_clock, "files": standing.history.files, "log": places.store.log(name),
        }),
    }
}
