//! The inputs of a run, opened as the run read them.

use super::super::args::Global;
use super::super::runs::typed::Typed;
use crate::config::StateFolder;
use crate::error::{Error, Result};
use crate::intake::Selection;
use crate::ledger::{Run, RunInfo};
use crate::mapping::Mapping;
use crate::migrate::spool;
use crate::source::{self, Input};

/// An input of the run, opened.
pub(super) struct Opened {
    pub(super) input: Input,
    pub(super) selection: Selection,
    /// What the run read; `None`: it holds what is left of the inputs of several runs.
    pub(super) print: Option<String>,
}

/// The inputs of a run: the whole one, then what was imported as corrected error files, then what an earlier pass of a
/// migration has read and the last one has not.
pub(super) fn inputs(
    run: &Run,
    typed: &Typed,
    mapping: &Mapping,
    (global, state): (&Global, &StateFolder),
) -> Result<(Vec<Opened>, Vec<String>)> {
    let mut opened: Vec<Opened> = Vec::new();
    let mut notes = Vec::new();
    for attempt in run.attempts() {
        let known =
            (opened.iter_mut()).find(|it| it.print.as_ref() == Some(&attempt.meta.input_print));
        if let Some(known) = known {
            // Attempts may be about other rows of one input: then all of them are looked at.
            let rows = Typed::of(attempt, global).ok();
            let rows = rows.and_then(|typed| typed.args.rows).unwrap_or_default();
            if rows != known.selection {
                known.selection = Selection::default();
            }
            continue;
        }
        let is_first = opened.is_empty();
        let names = attempt.meta.inputs.join(", ");
        let own;
        let of = match is_first {
            true => typed,
            false => match Typed::of(attempt, global) {
                Ok(typed) => {
                    own = typed;
                    &own
                }
                Err(_) => continue,
            },
        };
        match open(of, mapping, attempt) {
            Ok(input) => {
                if input.fingerprint() != attempt.meta.input_print {
                    notes.push(format!(
                        "{names} has changed since the run read it: rows that say something else now are compared as they are"
                    ));
                }
                opened.push(Opened {
                    print: Some(attempt.meta.input_print.clone()),
                    selection: of.args.rows.clone().unwrap_or_default(),
                    input,
                });
            }
            Err(error) if is_first => return Err(error),
            Err(error) => notes.push(format!(
                "{names}, from which an attempt at the run was made, cannot be read: its rows are compared as the first input has them ({error})"
            )),
        }
    }
    if let [only] = typed.args.inputs.as_slice()
        && let Some(earlier) = spool::earlier_of(state.path(), only)
    {
        let options = typed.args.read_as.over(mapping.input_options())?;
        opened.push(Opened {
            input: tokio::task::block_in_place(|| Input::open(&[earlier], &options))?,
            selection: Selection::default(),
            print: None,
        });
    }
    Ok((opened, notes))
}

fn open(typed: &Typed, mapping: &Mapping, attempt: &RunInfo) -> Result<Input> {
    let paths = &typed.args.inputs;
    if paths.iter().any(|path| source::comes_once(path)) {
        return Err(Error::usage(format!(
            "run `{}` read its rows from standard input or a pipe, which is gone",
            attempt.code
        ))
        .hint("a run is verified against its input: import from a file to be able to verify it"));
    }
    if let Some(path) = paths.iter().find(|path| !path.exists()) {
        return Err(
            Error::input("the file that the run read is not there any more")
                .at(path.display())
                .hint("put it back: a run is verified against its input"),
        );
    }
    let options = typed.args.read_as.over(mapping.input_options())?;
    tokio::task::block_in_place(|| Input::open(paths, &options))
}
