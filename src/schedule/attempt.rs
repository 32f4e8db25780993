//! One run of a schedule: the export as a process of its own, and what follows on it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::process::Command;

use super::child::{self, Ended, shell};
use super::environment;
use super::log::Log;
use super::retention;
use super::store::{Held, History, Name, Outcome, Past, Schedule, Store};
use super::template::Template;
use crate::error::{Error, Result};
use crate::run::Stop;

/// So long a command of the user may take after a run.
const AFTER_A_RUN: Duration = Duration::from_secs(600);

/// Why a schedule is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Somebody, or a service of the system, wants it now.
    Now,
    /// Its time has come.
    Due {
        /// The time that it is for.
        at: Timestamp,
        /// How many times before were missed.
        missed: u64,
    },
}

/// What an attempt needs to know.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Where schedules are kept.
    pub store: Store,
    /// Our own executable file.
    pub program: PathBuf,
    /// The state folder, for the export.
    pub state: PathBuf,
    /// Which schedule.
    pub name: Name,
    /// What it says.
    pub schedule: Schedule,
    /// Why.
    pub caller: Caller,
}

/// Runs a schedule once, if nobody else does or has done it.
///
/// A run that fails is a value, and stands in the history. `None`: another process is at it, or has just done it.
///
/// # Errors
/// When the state folder cannot be read or written.
pub async fn attempt(attempt: Attempt, mut stop: Stop) -> Result<Option<Past>> {
    let Attempt {
        store,
        name,
        schedule,
        caller,
        ..
    } = &attempt;
    let Some(held) = hold(store, name).await? else {
        return Ok(None);
    };
    let mut history = store.history(name)?;
    let (due, missed) = match caller {
        Caller::Now => (None, 0),
        Caller::Due { at, missed } => (Some(*at), *missed),
    };
    // An installed service may have been quicker.
    let done = history.count_from(schedule, Timestamp::now());
    if due.is_some_and(|at| history.done_until.is_some() && done.at >= at) {
        return Ok(None);
    }
    let zone = schedule.when()?.zone().clone();
    let mut log = Log::open(&store.log(name), zone.clone())?;
    let started = Timestamp::now();
    let run = Run {
        attempt: &attempt,
        started,
    };
    if let Some(moment) = done.instead_of {
        log.line(&format!("   {}", wrong_clock(moment)));
    }
    log.line(&format!("── {name} begins: {}", schedule.export.join(" ")));
    let output = Template::parse(&schedule.output)
        .map_err(|fault| Error::usage(fault.to_string()).hint(fault.hint()))?
        .at(&started.to_zoned(zone));
    let lock = held
        .shared()
        .map_err(|error| Error::machine("cannot share the lock").caused_by(error))?;
    let ended = match run.command(&output, &history, lock) {
        Ok(mut command) => child::run(&mut command, &mut log, &mut stop)
            .await
            .map_err(|error| {
                Error::machine("the export cannot be started")
                    .at(schedule.folder.display())
                    .caused_by(error)
            }),
        Err(error) => Err(error),
    };
    let past = run.judge(ended, &output, due, missed);
    run.tell(&past, &mut log);
    run.remember(&past, &mut history, &mut log);
    store.keep_history(name, &history)?;
    run.follow(&past, &mut log, &mut stop).await;
    drop(held);
    Ok(Some(past))
}

/// Takes the lock; who only looks whether it is held has it for a moment.
async fn hold(store: &Store, name: &Name) -> Result<Option<Held>> {
    for _ in 0..5 {
        if let Some(held) = store.hold(name)? {
            return Ok(Some(held));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    store.hold(name)
}

struct Run<'a> {
    attempt: &'a Attempt,
    started: Timestamp,
}

impl Run<'_> {
    /// The export as a process: our own program once more.
    fn command(&self, output: &str, history: &History, lock: std::fs::File) -> Result<Command> {
        let Attempt {
            schedule,
            program,
            state,
            ..
        } = self.attempt;
        if !schedule.folder.is_dir() {
            return Err(Error::usage("the folder in which the export runs is gone")
                .at(schedule.folder.display())
                .hint(format!("add the schedule anew from another folder: deskferry schedule add {} --replace …", self.attempt.name)));
        }
        let file = schedule.folder.join(output);
        let is_dated = |folder: &Path| folder.to_string_lossy().contains('{');
        if let (true, Some(folder)) = (
            Path::new(&schedule.output).parent().is_some_and(is_dated),
            file.parent(),
        ) {
            // A folder a month is made when the month begins; one without braces is the user's, and may be a disk that is away.
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::machine("cannot make the folder of the file")
                    .at(folder.display())
                    .caused_by(error)
            })?;
        }
        let mut command = Command::new(program);
        command
            .args(words(schedule, output))
            .arg("--state")
            .arg(state)
            .args(["--format", "json"])
            .current_dir(&schedule.folder)
            // As long as the export lives, even alone, nobody else begins one: it inherits the lock.
            .stdin(Stdio::from(lock));
        if let Some(last) = last_file(schedule, history, &file) {
            command.arg("--carry-from").arg(last);
        }
        if let Some(path) = &schedule.environment_file {
            command.envs(environment::read(path)?);
        }
        Ok(command)
    }

    fn judge(
        &self,
        ended: Result<Ended>,
        output: &str,
        due: Option<Timestamp>,
        missed: u64,
    ) -> Past {
        let mut past = Past {
            due,
            missed,
            started: self.started,
            ended: Timestamp::now(),
            outcome: Outcome::Failed,
            exit: None,
            files: Vec::new(),
            message: None,
            hints: Vec::new(),
        };
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => {
                past.message = Some(error.to_string());
                past.hints = error.hints().to_vec();
                return past;
            }
        };
        let document: Value = serde_json::from_slice(&ended.data).unwrap_or_default();
        past.exit = ended.status.code();
        if ended.status.success() {
            past.outcome = Outcome::Done;
            past.files = self.written(&document, output);
            return past;
        }
        if ended.stopped {
            past.outcome = Outcome::Interrupted;
            past.message = Some("it was stopped".to_owned());
            return past;
        }
        let error = &document["error"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        // A file that is written, and may lack something, is told with its doubts.
        past.files = self.told(&document);
        past.message = text(&error["message"])
            .or_else(|| text(&document["doubts"][0]))
            .or(ended.last_line)
            .or_else(|| Some(format!("it ended with {}", ended.status)));
        past.hints = error["hints"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(text)
            .collect();
        past
    }

    /// What the export says that it wrote, else the file that it was told to write.
    fn written(&self, document: &Value, output: &str) -> Vec<PathBuf> {
        match self.told(document) {
            files if files.is_empty() => vec![self.attempt.schedule.folder.join(output)],
            files => files,
        }
    }

    /// What the export says that it wrote: one file, or several.
    fn told(&self, document: &Value) -> Vec<PathBuf> {
        let several = document["files"].as_array().into_iter().flatten();
        let paths = several.chain([&document["file"]]).filter_map(Value::as_str);
        let mut files: Vec<PathBuf> = paths
            .map(|path| self.attempt.schedule.folder.join(path))
            .collect();
        files.dedup();
        files
    }

    fn tell(&self, past: &Past, log: &mut Log) {
        let exit = past
            .exit
            .map_or_else(String::new, |code| format!(", exit code {code}"));
        let message = past
            .message
            .as_deref()
            .map_or_else(String::new, |message| format!(": {message}"));
        log.line(&format!(
            "── {} {}{exit}{message}",
            self.attempt.name,
            past.outcome.as_str()
        ));
        for file in &past.files {
            log.line(&format!("   wrote {}", file.display()));
        }
    }

    fn remember(&self, past: &Past, history: &mut History, log: &mut Log) {
        history.add(past.clone());
        if past.outcome == Outcome::Interrupted {
            return;
        }
        // Times that came while it ran are due still.
        history.done_until = Some(self.started);
        for file in &past.files {
            retention::note(history, file);
        }
        if let (Some(keep), Outcome::Done) = (self.attempt.schedule.keep, past.outcome) {
            let cleared = retention::clear(history, keep);
            for path in &cleared.deleted {
                log.line(&format!(
                    "   deleted {}, of which --keep {keep} leaves newer ones",
                    path.display()
                ));
            }
            for path in &cleared.changed {
                log.line(&format!(
                    "   kept {}: somebody has changed it",
                    path.display()
                ));
            }
            for (path, error) in &cleared.failed {
                log.line(&format!("   cannot delete {}: {error}", path.display()));
            }
        }
    }

    /// The command of the user that belongs to this end.
    async fn follow(&self, past: &Past, log: &mut Log, stop: &mut Stop) {
        let schedule = &self.attempt.schedule;
        let (flag, text) = match past.outcome {
            Outcome::Done => ("--on-success", &schedule.on_success),
            Outcome::Failed => ("--on-failure", &schedule.on_failure),
            Outcome::Interrupted => return,
        };
        let Some(text) = text else { return };
        let exit = past.exit.map_or_else(String::new, |code| code.to_string());
        let mut command = shell(text);
        command
            .current_dir(existing(&schedule.folder))
            .stdin(Stdio::null())
            .env("DESKFERRY_SCHEDULE", self.attempt.name.as_str())
            .env("DESKFERRY_EXIT", exit)
            .env(
                "DESKFERRY_MESSAGE",
                past.message.as_deref().unwrap_or_default(),
            )
            .env("DESKFERRY_LOG", self.attempt.store.log(&self.attempt.name));
        match past.files.first() {
            Some(file) => command.env("DESKFERRY_FILE", file),
            None => command.env_remove("DESKFERRY_FILE"),
        };
        let running = tokio::time::timeout(AFTER_A_RUN, child::run(&mut command, log, stop)).await;
        if let Ok(Ok(ended)) = &running {
            for line in String::from_utf8_lossy(&ended.data).lines() {
                log.line(line);
            }
        }
        match running {
            Ok(Ok(ended)) if ended.status.success() => {}
            Ok(Ok(ended)) => log.line(&format!("   {flag}: {}", ended.status)),
            Ok(Err(error)) => log.line(&format!("   {flag} cannot be run: {error}")),
            Err(_) => log.line(&format!(
                "   {flag} took longer than ten minutes and was ended"
            )),
        }
    }
}

/// Why times count from an earlier moment than the one that is written down.
pub fn wrong_clock(moment: Timestamp) -> String {
    format!(
        "times up to {} are marked as done, and that is still to come: the clock was ahead then, or is behind now; \
         what is due by the clock of now runs",
        moment.strftime("%Y-%m-%d %H:%M UTC")
    )
}

/// The words of the export with the name of its file filled in.
fn words(schedule: &Schedule, output: &str) -> Vec<String> {
    let mut words = schedule.export.clone();
    if let Some(word) = words.get_mut(schedule.output_word)
        && let Some(before) = word.strip_suffix(&schedule.output)
    {
        *word = format!("{before}{output}");
    }
    words
}

/// The file of the last run, where what people wrote into it goes into the new one. One of the same name is read anyway.
fn last_file<'h>(schedule: &Schedule, history: &'h History, new: &Path) -> Option<&'h Path> {
    let runs = history.runs.iter().rev();
    let mut files = runs
        .filter(|past| past.outcome == Outcome::Done)
        .filter_map(|past| past.files.first());
    let last = files.find(|file| file.is_file())?;
    (schedule.carries_remarks && last != new).then_some(last.as_path())
}

/// The folder, or where that is gone, one that is there.
fn existing(folder: &Path) -> &Path {
    folder
        .ancestors()
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("."))
}
