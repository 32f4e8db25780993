//! Files of an earlier run under the names that a refused one would have written.

use std::fs;
use std::path::Path;

use super::super::args::{Global, ImportArgs};
use super::super::output::Output;
use crate::config::StateFolder;
use crate::outfile::Records;

/// Removes what an earlier run wrote to `--preview`, `--payloads` and `--outcomes`: a run that ends in an error would have replaced it,
/// and who reads it next would take it for what this one did. A file that is not of this program, or that somebody has
/// changed, stays.
pub(super) fn remove(args: &ImportArgs, global: &Global, output: &Output) {
    let Ok(state) = StateFolder::open(global.state.as_deref()) else {
        return;
    };
    let records = Records::of(state.path());
    let files = [&args.preview, &args.payloads, &args.outcomes];
    for path in files.into_iter().flatten() {
        if path.is_file() && records.knows(path) && !is_read(path, args) {
            let shown = path.display();
            if !records.is_unchanged(path) {
                output.say(&format!(
                    "  note       `{shown}` is of an earlier run; it was changed since and stays"
                ));
                continue;
            }
            output.say(&match fs::remove_file(path) {
                Ok(()) => format!("  note       `{shown}` was of an earlier run and is removed"),
                Err(error) => format!("  note       `{shown}` is of an earlier run: {error}"),
            });
        }
    }
}

/// Whether the run reads a file of that name itself.
fn is_read(path: &Path, args: &ImportArgs) -> bool {
    let whole = |path: &Path| fs::canonicalize(path).ok();
    let read = args.inputs.iter().chain([&args.mapping]);
    let mut read = read.chain(&args.directory);
    read.any(|other| whole(other) == whole(path))
}
