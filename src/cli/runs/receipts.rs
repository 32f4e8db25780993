//! `deskferry runs receipts`: the file that a run read once more, with ticket, link, outcome and time beside each row.

use std::path::Path;

use super::super::args::Global;
use super::super::output::Output;
use super::super::receipts::{Of, targets, write};
use super::typed::{self, Typed};
use crate::config::StateFolder;
use crate::error::{Error, Result};
use crate::intake::{self, Selection};
use crate::ledger::{Ledger, Run};
use crate::mapping::{Checked, Draft, PlanOptions, Reach};
use crate::outfile::{Claims, Records};
use crate::report::receipts::Around;
use crate::report::words;
use crate::source::{self, Input};

pub(super) async fn run(
    ledger: &Ledger,
    run: &Run,
    to: Option<&Path>,
    state: &StateFolder,
    global: &Global,
    output: Output,
) -> Result<()> {
    let first = run.first();
    let typed = Typed::of(first, global)?;
    for path in &typed.args.inputs {
        if source::comes_once(path) {
            return Err(Error::usage(format!(
                "run `{}` read its rows from standard input or a pipe, which is gone",
                run.code()
            ))
            .hint(format!(
                "list its tickets: deskferry runs ids {}",
                run.code()
            )));
        }
    }
    let mapping = typed.mapping()?;
    let options = typed.args.read_as.over(mapping.input_options())?;
    let input = tokio::task::block_in_place(|| Input::open(&typed.args.inputs, &options))?;
    if input.fingerprint() != first.meta.input_print {
        output.say(&format!(
            "  note       {} changed since run {}: rows are matched by their keys",
            first.meta.inputs.join(", "),
            run.code()
        ));
    }
    if mapping.fingerprint() != first.meta.mapping_print {
        output.say(
            "  note       the mapping has changed since the run: rows that have another key by now read `not sent`",
        );
    }
    let targets = targets(&input, to)?;
    let mut claims = Claims::default()
        .reading(&typed.args.mapping, "the mapping")
        .keeping(state.path());
    for path in &typed.args.inputs {
        claims = claims.reading(path, "an input");
    }
    for (_, path) in &targets {
        claims.write(path, "-o")?;
    }
    // Which records the rows make, and their keys, depend on no name of the system.
    let draft = Draft::load(&typed.args.mapping, Reach::told(typed.global.trust))?;
    let options = PlanOptions {
        where_: typed::condition(run, global),
        may_have_zone: true,
        ..PlanOptions::default()
    };
    let mut checked = Checked::without_directory(draft, &options);
    let Some(plan) = checked.bind(input.tables()) else {
        return Err(Error::mapping(checked.into_faults()));
    };
    let survey = tokio::task::block_in_place(|| {
        intake::survey(&input, &plan, &Selection::default(), state.path())
    })?;
    let of = Of {
        ledger,
        run,
        input: &input,
        items: survey.items(&input, &plan)?,
        not_kept: "not sent",
    };
    let around = Around {
        records: &Records::of(state.path()),
        readers: global.readers(),
        claims: &claims,
    };
    let written = write(of, &targets, &around).await?;
    if output.is_json() {
        let paths: Vec<_> = written.iter().map(|one| &one.path).collect();
        return output.data(&serde_json::json!({"run": run.code(), "receipts": paths}).to_string());
    }
    for one in &written {
        output.say(&format!(
            "  written    {}   {} of run {}",
            one.path.display(),
            words::plural(one.rows, "row", "rows"),
            run.code()
        ));
        if let Some(note) = &one.note {
            output.say(&format!("  note       {note}"));
        }
    }
    Ok(())
}
