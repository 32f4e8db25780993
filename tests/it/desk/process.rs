//! The program as a process: run to its end, or killed on its way.

use std::fs::File;
use std::process::Child;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::said::Command;
use super::sequence::Sequence;
use super::server::Desk;
use super::verdict::{Fault, Wrong};

/// No command takes longer, whatever the desk does.
const LONGEST: Duration = Duration::from_secs(150);

impl Sequence {
    /// Starts an import and kills it when that is due; whether it was killed.
    pub(super) fn die(
        &mut self,
        variables: &[(&str, &str)],
        mut is_due: impl FnMut(&Desk, Instant) -> bool,
    ) -> bool {
        let line = self.import_line(&[]);
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        let (mut child, mut command) = self.start(&words, variables);
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if is_due(&self.desk, started) || started.elapsed() > Duration::from_secs(15) {
                child.kill().unwrap();
                break child.wait().unwrap();
            }
            std::thread::sleep(Duration::from_millis(15));
        };
        command.code = status.code();
        command.killed = status.code().is_none();
        self.finish(command);
        let command = self.commands.last().unwrap();
        let killed = command.killed;
        self.kills += usize::from(killed);
        if command.wants_adopt() {
            self.adopt();
        }
        killed
    }

    /// Runs a command to its end.
    pub(super) fn command(&mut self, words: &[&str], variables: &[(&str, &str)]) -> &Command {
        let (mut child, mut command) = self.start(words, variables);
        let until = Instant::now() + LONGEST;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > until {
                child.kill().unwrap();
                self.faults.push(Fault {
                    wrong: Wrong::Untrue,
                    item: None,
                    text: format!("`{}` does not end", command.line),
                });
                break child.wait().unwrap();
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        command.code = status.code();
        self.finish(command);
        self.commands.last().unwrap()
    }

    pub(super) fn start(&self, words: &[&str], variables: &[(&str, &str)]) -> (Child, Command) {
        let path = |name: &str| self.work.path().join(name);
        let mut process = self.work.command(words);
        process.envs(variables.iter().copied());
        // Files take everything, where a pipe that nobody reads holds the program up.
        process.stdout(File::create(path("stdout")).unwrap());
        process.stderr(File::create(path("stderr")).unwrap());
        let variables = variables
            .iter()
            .map(|(name, value)| format!("  # {name}={value}"));
        let command = Command {
            line: words.join(" ") + &variables.collect::<String>(),
            started: now(),
            ..Command::default()
        };
        (process.spawn().unwrap(), command)
    }

    pub(super) fn finish(&mut self, mut command: Command) {
        command.ended = now();
        command.stdout = self.work.read("stdout");
        command.stderr = self.work.read("stderr");
        self.commands.push(command);
    }
}

/// Seconds of our clock, as the desk tells them.
pub(super) fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}
