//! Data to standard output, everything else to standard error.

use std::io::{ErrorKind as IoKind, IsTerminal, Write};
use std::path::Path;

use console::style;
use serde_json::json;

use super::args::Global;
use crate::error::{Error, Result};
use crate::outfile::{self, Readers};
use crate::report::diagnostic::{self, Look};
use crate::report::progress::Show;
use crate::report::words;

/// Where a command prints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    pub(super) fn new(global: &Global) -> Self {
        Self {
            json: global.is_json(),
            quiet: global.quiet,
        }
    }

    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// The same without documents on standard output.
    pub(super) fn for_people(self) -> Self {
        Self {
            json: false,
            ..self
        }
    }

    /// How much a run shows while it goes on.
    pub(super) fn show(self) -> Show {
        match (self.quiet, std::io::stderr().is_terminal()) {
            (true, _) => Show::Nothing,
            (false, true) => Show::Bar,
            (false, false) => Show::Lines,
        }
    }

    /// A line for people.
    pub(super) fn say(self, text: &str) {
        if !self.quiet {
            stderr_text(&format!("{}\n", words::fitted(text)));
        }
    }

    /// A line of a report that people asked for: on standard output, unless a document for programs goes there.
    pub(super) fn report(self, text: &str) {
        match self.json {
            true => self.say(text),
            false if self.quiet => {}
            // A reader that has gone has the exit code.
            false => drop(self.lines(text)),
        }
    }

    /// A block of a report that is told even where little is.
    pub(super) fn report_fault(self, text: &str) {
        match self.json {
            true => self.complain(text),
            false => drop(self.data(text.trim_end())),
        }
    }

    /// A block for people that is told even where little is.
    pub(super) fn complain(self, text: &str) {
        stderr_text(text);
    }

    /// A block of data on standard output, a line end added.
    pub(super) fn data(self, text: &str) -> Result<()> {
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{text}")
            .and_then(|()| stdout.flush())
            .map_err(write_failed)
    }

    /// Lines for people on standard output, as they fit the terminal.
    pub(super) fn lines(self, text: &str) -> Result<()> {
        self.data(&words::fitted_out(text))
    }

    /// A text that holds nobody's data: into a file, else on standard output.
    pub(super) fn text(self, path: Option<&Path>, text: &str) -> Result<()> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return self.data(text);
        };
        let placed = outfile::put(path, format!("{text}\n").as_bytes(), Readers::AsUsual);
        let placed = placed.map_err(|error| outfile::unwritable(path, error))?;
        self.say(&format!("  written    {}", placed.path.display()));
        if let Some(note) = placed.note("deskferry") {
            self.say(&format!("  note       {note}"));
        }
        Ok(())
    }

    /// The error that ended the command, as data too where that is asked for.
    pub(super) fn error(self, error: &Error) {
        self.note(error);
        if self.json {
            let faults: Vec<_> = error.faults().iter().map(diagnostic::to_json).collect();
            let document = json!({"error": {
                "kind": format!("{:?}", error.kind()).to_lowercase(), "place": error.place(), "message": error.to_string(),
                "hints": error.hints(), "faults": faults, "exit_code": error.kind().exit_code() as u8,
            }});
            // A reader that has gone has the exit code.
            let _ = self.data(&document.to_string());
        }
    }

    /// An error for people.
    pub(super) fn note(self, error: &Error) {
        let mut stderr = std::io::stderr().lock();
        let label = style("error:").for_stderr().red().bold();
        // Nothing can be done when standard error is closed.
        let _ = writeln!(stderr, "{label} {error}");
        if !error.faults().is_empty() {
            let faults = diagnostic::render(error.faults(), Look::of_stderr());
            let _ = write!(stderr, "{faults}");
        }
        for hint in error.hints() {
            let _ = writeln!(stderr, "  {} {hint}", style("hint:").for_stderr().cyan());
        }
    }
}

/// Writes a text to standard error. One that is closed or full ends nothing: what is said there is for people, and the exit
/// code says how it went.
pub(super) fn stderr_text(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}

pub(super) fn write_failed(error: std::io::Error) -> Error {
    Error::machine("cannot write to standard output").caused_by(error)
}

/// Whether the reader of our output has gone: that is success.
pub(super) fn is_broken_pipe(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == IoKind::BrokenPipe)
        {
            return true;
        }
        source = cause.source();
    }
    false
}
