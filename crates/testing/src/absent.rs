//! A test that needs something that is not here says so in one line, which `.ci/run` prints once more at its end.
//!
//! Where `.ci/run` could have installed it, its absence is a failure there.

use std::fs::OpenOptions;
use std::io::Write;

/// Names the file in which `.ci/run` gathers the lines.
const GATHERED: &str = "DESKFERRY_TESTS_LEFT_OUT";

/// Says that a test was left out because `what` is not here. Continuous integration installs everything that can be
/// installed, so there it is for what cannot: real files, say.
///
/// # Panics
///
/// When the file in which the lines are gathered cannot be written.
pub fn cannot_be_had(test: &str, what: &str) {
    let line = format!("NOT RUN: {test}: {what}");
    eprintln!("{line}");
    if let Some(path) = std::env::var_os(GATHERED) {
        let file = OpenOptions::new().append(true).create(true).open(path);
        let mut file = file.expect("the file that gathers what was left out can be written");
        // One write, since several processes append.
        let written = file.write_all(format!("{line}\n").as_bytes());
        written.expect("the file that gathers what was left out can be written");
    }
}

/// The same for a program that `.ci/run` installs.
///
/// # Panics
///
/// In continuous integration (`CI` is set).
pub fn not_installed(test: &str, what: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "{test}: {what}, and `.ci/run` could have installed it"
    );
    cannot_be_had(test, what);
}
