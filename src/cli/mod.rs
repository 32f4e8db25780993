//! The command line: what was typed becomes checked settings, one file a command.

use crate::error::ExitCode;

/// Parses the command line, runs the command, prints its error, and says how to end.
pub fn run() -> ExitCode {
    ExitCode::Done
}
